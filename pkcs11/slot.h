/* SPDX-License-Identifier: Apache-2.0 */
/* Slots and tokens: one configured token a slot, present if it could be opened. Holds the backend,
 * the login, the session counts. */
#ifndef KMS_PKCS11_SLOT_H
#define KMS_PKCS11_SLOT_H

#include <pthread.h>

#include "api/backend.h"
#include "base/conf.h"
#include "pkcs11/cryptoki.h"

struct catalog;

struct token {
	CK_SLOT_ID slot;
	const struct conf_token *conf;
	struct backend *backend; /* NULL: could not be opened, the slot has no token */
	struct catalog *catalog;
	/* Serialises login, logout and PIN changes of this token; the one lock held across a
	 * backend call beside a session's own. */
	pthread_mutex_t login_lock;
	pthread_mutex_t lock; /* leaf: guards the counts */
	size_t n_sessions, n_rw;
	bool resetting;	  /* C_InitToken is at work: no session may open */
	_Atomic int role; /* enum role: who has logged in, for all sessions; ask token_role */
};

/* Opens and closes the tokens of CONF; of one that cannot be opened, which is logged, the slot
 * stays. */
CK_RV token_open(struct token *t, const struct conf_token *conf);
void token_close(struct token *t);

/* Who is logged in: who has logged in here, as long as the backend holds it for so. */
static inline enum role
token_role(const struct token *t)
{
	return t->role == ROLE_NONE ? ROLE_NONE : backend_role(t->backend);
}

/* Logged in as user: private objects are seen. */
static inline bool
token_user(const struct token *t)
{
	return token_role(t) == ROLE_USER;
}

/* A fresh call with the token's deadline. */
struct call token_call(const struct token *t);

/* Logs the reason behind an error that the application will see only as a number, and gives the
 * number. */
CK_RV token_fail(const struct token *t, const struct call *call, enum kms_rc rc);

/* Logs out: role, backend, private objects. No-op when nobody is in. With login_lock held. */
void token_logout(struct token *t);

/* M's functions and facts, less what this token's backend cannot do with its keys; 0 when nothing
 * is left of them. */
struct mech;
CK_FLAGS token_offers(const struct token *t, const struct mech *m);

/* Copies TEXT into a field padded with blanks, cutting at whole UTF-8 characters. */
void pad_text(unsigned char *dst, size_t cap, const char *text);

#endif
