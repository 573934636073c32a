/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The five kinds of use of a mechanism behind one shape, so that a test is written once and runs
 * for each row of the matrix and each use that the row's info promises.
 */
#ifndef KMS_TESTS_P11_MATRIX_USE_H
#define KMS_TESTS_P11_MATRIX_USE_H

#include "tests/p11/matrix.h"

#include <stdio.h>

enum op { ENC, DEC, DIG, SGN, VER, OPS };

extern const CK_FLAGS op_flag[];
extern const char *const op_name[];

/* The running row and use, for what a failure prints. ROW() sets them; a test that goes its own way
 * sets them itself. The functions below use the keys and the mechanism of e. */
extern struct env e;
extern enum op op;

/* What follows is done for each use that row _i promises; the test is over when it is not listed.
 */
#define ROW()                          \
	if (!env_make(&e, &rows[_i]))  \
		return;                \
	for (op = ENC; op < OPS; op++) \
		if (offers(op))
/* As ck_assert_msg, CHECK_RV and CHECK_IN; they name the row and the use. */
#define CHECK_ROW(cond, ...)                                                       \
	do {                                                                       \
		char text_[400];                                                   \
		snprintf(text_, sizeof(text_), __VA_ARGS__);                       \
		ck_assert_msg(cond, "%s %s: %s", e.row->name, op_name[op], text_); \
	} while (0)
#define ROW_RV(expr, want)                                                                    \
	do {                                                                                  \
		CK_RV row_rv_ = (expr);                                                       \
		CHECK_ROW(row_rv_ == (want), "%s: %s, expected %s", #expr, p11_name(row_rv_), \
		    p11_name(want));                                                          \
	} while (0)
#define ROW_IN(expr, a, b, c)                                                               \
	do {                                                                                \
		CK_RV row_rv_ = (expr);                                                     \
		CHECK_ROW(row_rv_ == (a) || row_rv_ == (b) || row_rv_ == (c),               \
		    "%s: %s, expected %s, %s or %s", #expr, p11_name(row_rv_), #a, #b, #c); \
	} while (0)

/* Does the row's info promise the use? */
bool offers(enum op o);
/* The half of the pair that the use needs. */
CK_OBJECT_HANDLE key_for(enum op o);

/* The C_...Init of the use. KEY is not looked at for DIG. */
CK_RV init_with(CK_SESSION_HANDLE s, enum op o, CK_MECHANISM *m, CK_OBJECT_HANDLE key);
CK_RV init(CK_SESSION_HANDLE s, enum op o);

/* The use in one call. For VER, OUT is the signature that is checked, of *OUT_LEN bytes. */
CK_RV once(CK_SESSION_HANDLE s, enum op o, CK_BYTE *in, CK_ULONG n, CK_BYTE *out,
    CK_ULONG *out_len);
/* The next part. What comes out goes to OUT + *LEN, of CAP bytes in all; *LEN grows by it on
 * success. Only ciphers give anything. */
CK_RV update(CK_SESSION_HANDLE s, enum op o, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG cap,
    CK_ULONG *len);
/* The end of the parts, as update. For VER, OUT is the signature that is checked, of *LEN bytes,
 * and CAP is not looked at. */
CK_RV final(CK_SESSION_HANDLE s, enum op o, CK_BYTE *out, CK_ULONG cap, CK_ULONG *len);

/* What the use takes and gives: for DEC the cipher text, for VER the message and its signature. */
struct io {
	CK_BYTE in[4096 + 512], out[4096 + 512];
	CK_ULONG in_len, out_len; /* out_len 0 for outputs that differ each time */
};

/* Fills IO for the running use of the N bytes of MSG. */
void make_io(struct io *io, const CK_BYTE *msg, size_t n);
/* Are the N bytes at OUT what should come out? Always so for VER. */
bool good(const struct io *io, const CK_BYTE *out, size_t n);

#endif
