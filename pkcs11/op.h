/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Active operations of a session: one slot a kind (encrypt, decrypt, digest, sign, verify). What
 * every one of them shares is here and only here: Init's checks, the two-call length rule, what
 * ends an operation, and keeping a finished use for the next Init.
 */
#ifndef KMS_PKCS11_OP_H
#define KMS_PKCS11_OP_H

#include "api/use.h"
#include "pkcs11/param.h"

/*
 * More bytes than this in one call (64 GiB, which is also all that GCM takes) are a mistake of the
 * caller's: refused before one is read or written, and before anybody adds to the length.
 */
#define CALL_BYTES_MAX ((CK_ULONG)1 << (sizeof(CK_ULONG) == 8 ? 36 : 30))

struct session;
struct entry;

/* An operation goes on in the form in which it was first asked: all at once, or in parts. */
enum op_phase { OP_IDLE, OP_READY, OP_ONCE, OP_PARTS };

struct op {
	enum op_phase phase;
	bool
	    need_login; /* CKA_ALWAYS_AUTHENTICATE: C_Login(CKU_CONTEXT_SPECIFIC) must come first */
	/* What the last Init set up; kept when the operation is over, for the next Init with the
	 * same key and mechanism. */
	const struct mech *mech;
	CK_OBJECT_HANDLE handle;
	struct entry *key;   /* counted; NULL for digests */
	uint64_t generation; /* of the catalog when key was looked up */
	struct use *use;
	struct params params;
};

/*
 * Begins an operation on a locked session. M NULL cancels the active one, as 3.0 says;
 * CKR_ARGUMENTS_BAD when none is active. CKR_OPERATION_ACTIVE, CKR_MECHANISM_INVALID,
 * CKR_MECHANISM_PARAM_INVALID, CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT,
 * CKR_KEY_SIZE_RANGE, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_USER_NOT_LOGGED_IN.
 */
CK_RV op_init(struct session *s, enum use_kind kind, const CK_MECHANISM *m, CK_OBJECT_HANDLE key);

/*
 * The forms of use. OUT NULL asks for the length. Everything else that is not done or refused with
 * CKR_BUFFER_TOO_SMALL ends the operation, a bad argument too: pointers are checked here. Digest,
 * sign and verify give no output in op_update: OUT_LEN NULL. CKR_OPERATION_NOT_INITIALIZED;
 * CKR_OPERATION_ACTIVE: once after a part, or a part after a question to once;
 * CKR_FUNCTION_NOT_SUPPORTED: parts of a mechanism that takes its input in one piece (what
 * pkcs11-tool --test takes for an answer); CKR_USER_NOT_LOGGED_IN: need_login.
 */
CK_RV op_once(struct session *s, enum use_kind kind, const CK_BYTE *in, CK_ULONG in_len,
    CK_BYTE *out, CK_ULONG *out_len);
CK_RV op_update(struct session *s, enum use_kind kind, const CK_BYTE *in, CK_ULONG in_len,
    CK_BYTE *out, CK_ULONG *out_len);
CK_RV op_final(struct session *s, enum use_kind kind, CK_BYTE *out, CK_ULONG *out_len);
CK_RV op_check(struct session *s, const CK_BYTE *in, CK_ULONG in_len, const CK_BYTE *sig,
    CK_ULONG sig_len);
CK_RV op_check_final(struct session *s, const CK_BYTE *sig, CK_ULONG sig_len);

/* Ends it; what is kept for the next Init stays. */
void op_end(struct op *op);
/* Frees everything. */
void op_free(struct op *op);

/* Some operation of the session waits for a context-specific login; op_authenticated tells all of
 * them that it came. */
bool op_needs_login(const struct session *s);
void op_authenticated(struct session *s);

/*
 * The checks that Init shares with wrap, unwrap and derive: key type, size, FLAG (any of), allowed
 * mechanisms (CKA_ALLOWED_MECHANISMS), login.
 */
CK_RV op_check_key(struct session *s, const struct entry *key, const struct mech *m,
    uint32_t flags_any);

/* Begins a use of an entry's key, wherever the key is. As backend_begin. */
CK_RV op_begin_use(struct session *s, struct entry *key, enum use_kind kind,
    const struct alg_params *p, struct use **usep);

#endif
