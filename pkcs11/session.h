/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions: type-stable slots that are never freed while the process lives, a handle = generation |
 * index, one lock each. No lock is shared by two sessions on the call path; a stale handle fails
 * and never meets the next session.
 */
#ifndef KMS_PKCS11_SESSION_H
#define KMS_PKCS11_SESSION_H

#include <pthread.h>

#include "pkcs11/op.h"
#include "pkcs11/rv.h"
#include "pkcs11/slot.h"

/* The result of C_FindObjectsInit: later calls only walk it. */
struct find {
	bool active;
	CK_OBJECT_HANDLE *v;
	size_t n, next;
};

struct session {
	pthread_mutex_t lock;
	CK_SESSION_HANDLE handle; /* 0 when the slot is free */
	struct token *token;
	CK_FLAGS flags; /* CKF_SERIAL_SESSION, CKF_RW_SESSION */
	CK_ULONG device_error;
	struct op op[USE_KINDS];
	struct find find;
	struct backend_uses *uses; /* for the backend's record of them */
};

/* Locks the live session HS: CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID. The only
 * door to a session. */
CK_RV session_enter(CK_SESSION_HANDLE hs, struct session **ret);
void session_leave(struct session **s);
#define auto_session __attribute__((cleanup(session_leave))) struct session

/* Opens on a token (library entered). CKR_SESSION_COUNT, CKR_SESSION_READ_WRITE_SO_EXISTS,
 * CKR_HOST_MEMORY. */
CK_RV session_open(struct token *t, CK_FLAGS flags, CK_SESSION_HANDLE *ret);
/* Ends operations, destroys its objects; the last one of a token logs out. S is unlocked and no
 * longer valid. With the library entered, or going down. */
void session_close(struct session *s);
/* Closes all of one token, or (NULL) of all tokens. */
void session_close_all(struct token *t);
/* In a forked child: the parent's table is left alone and a new one begins. */
void session_after_fork(void);

static inline bool
session_rw(const struct session *s)
{
	return (s->flags & CKF_RW_SESSION) != 0;
}

CK_STATE session_state(const struct session *s);

/* May this session make, change or destroy an object with these traits? CKR_SESSION_READ_ONLY,
 * CKR_USER_NOT_LOGGED_IN. */
CK_RV session_may_write(const struct session *s, bool token_object, bool private_object);

/* Maps and remembers an error behind CKR_DEVICE_ERROR for C_GetSessionInfo; logs it. */
CK_RV session_fail(struct session *s, const struct call *call, enum kms_rc rc);

#endif
