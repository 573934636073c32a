/* SPDX-License-Identifier: Apache-2.0 */
/* How our calls end: one enum, its names, and the error text that travels with a call. Knows
 * nothing of PKCS#11 or HTTP. */
#ifndef KMS_BASE_RC_H
#define KMS_BASE_RC_H

#include <stddef.h>

enum kms_rc {
#define RC(name, text) name,
#include "base/rc.def"
#undef RC
};

#define MUST_USE	  __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define UNUSED		  __attribute__((unused))
#define ARRAY_LEN(a)	  (sizeof(a) / sizeof((a)[0]))

/* Leaves the function with the error of EXPR, if it has one. The one macro with a hidden return. */
#define TRY(expr)                             \
	do {                                  \
		enum kms_rc try_rc_ = (expr); \
		if (try_rc_ != KMS_OK)        \
			return try_rc_;       \
	} while (0)

/* "KMS_NOTFOUND"; "KMS_?" for a number that is none of ours. Static storage. */
const char *rc_name(enum kms_rc rc);

/* The text for a person, without a full stop. Static storage. */
const char *rc_text(enum kms_rc rc);

/* What went wrong, for a person. Fixed size, so that reporting an error never fails. Holds no
 * secrets. */
struct err {
	char text[256];
};

/*
 * Writes a sentence into ERR (which may be NULL) unless a deeper, more precise one stands there
 * already; returns RC, so that a failing function ends in `return err_set(err, KMS_IO, "...")`. Cut
 * at the buffer's size.
 */
enum kms_rc err_set(struct err *err, enum kms_rc rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Forgets the text. ERR may be NULL. */
void err_clear(struct err *err);

#endif
