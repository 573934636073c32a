/* SPDX-License-Identifier: Apache-2.0 */
/* Who is logged in: C_Login, C_LoginUser, C_Logout, and the PINs (PKCS#11 5.5.8, 5.5.9, 5.6). */
#include "base/codec.h"
#include "pkcs11/catalog.h"
#include "pkcs11/session.h"

/* Checks and logs in; with the token's login_lock held. */
static CK_RV
login_locked(struct session *s, enum role role, struct slice name, struct slice pin)
{
	struct token *t = s->token;
	struct call call = token_call(t);
	struct token_status st;
	enum role now;
	bool read_only_open;
	enum kms_rc rc;
	CK_RV rv;

	/* A token that has been made anew ends the login; its status would show that. */
	if (token_role(t) != ROLE_NONE && (rc = backend_status(t->backend, &call, &st)) != KMS_OK)
		return session_fail(s, &call, rc);
	if ((now = token_role(t)) != ROLE_NONE)
		return now == role ? CKR_USER_ALREADY_LOGGED_IN
				   : CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
	token_logout(t); /* what such a login has left */
	pthread_mutex_lock(&t->lock);
	read_only_open = t->n_sessions != t->n_rw;
	pthread_mutex_unlock(&t->lock);
	if (role == ROLE_SO && read_only_open)
		return CKR_SESSION_READ_ONLY_EXISTS;
	if ((rc = backend_login(t->backend, &call, role, name, pin)) != KMS_OK) {
		/* a backend without names refuses the name, not the function */
		rv = session_fail(s, &call, rc);
		return rv == CKR_FUNCTION_NOT_SUPPORTED ? CKR_ARGUMENTS_BAD : rv;
	}

	pthread_mutex_lock(&t->lock); /* a read-only session may have opened while the PIN was
					 stretched */
	read_only_open = t->n_sessions != t->n_rw;
	if (role != ROLE_SO || !read_only_open)
		t->role = role;
	pthread_mutex_unlock(&t->lock);
	if (t->role == ROLE_NONE) {
		backend_logout(t->backend);
		return CKR_SESSION_READ_ONLY_EXISTS;
	}
	return CKR_OK;
}

/* 5.6.8: the PIN again, for the operation that waits for it. 4.10: a locked PIN ends the login too.
 */
static CK_RV
login_context(struct session *s, struct slice pin)
{
	struct token *t = s->token;
	struct call call = token_call(t);
	enum kms_rc rc;

	if (!op_needs_login(s))
		return CKR_OPERATION_NOT_INITIALIZED;
	if (!token_user(t))
		return CKR_USER_NOT_LOGGED_IN;
	if ((rc = backend_reauthenticate(t->backend, &call, pin)) == KMS_OK) {
		op_authenticated(s);
		return CKR_OK;
	}
	if (rc == KMS_PIN_LOCKED) {
		pthread_mutex_lock(&t->login_lock);
		if (token_user(t))
			token_logout(t);
		pthread_mutex_unlock(&t->login_lock);
	}
	return session_fail(s, &call, rc);
}

static CK_RV
login(struct session *s, CK_USER_TYPE type, struct slice name, struct slice pin)
{
	CK_RV rv;

	if (type == CKU_CONTEXT_SPECIFIC)
		return login_context(s, pin);
	if (type != CKU_USER && type != CKU_SO)
		return CKR_USER_TYPE_INVALID;
	pthread_mutex_lock(&s->token->login_lock);
	rv = login_locked(s, type == CKU_SO ? ROLE_SO : ROLE_USER, name, pin);
	pthread_mutex_unlock(&s->token->login_lock);
	return rv;
}

CK_RV
C_LoginUser(CK_SESSION_HANDLE hs, CK_USER_TYPE type, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len,
    CK_UTF8CHAR_PTR name, CK_ULONG name_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK &&
	    (pin == NULL || (name == NULL && name_len != 0)))
		rv = CKR_ARGUMENTS_BAD; /* no protected authentication path */
	if (rv == CKR_OK)
		rv = login(s, type, slice_of(name, name_len), slice_of(pin, pin_len));
	return rv_trace(__func__, rv);
}

CK_RV
C_Login(CK_SESSION_HANDLE hs, CK_USER_TYPE type, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK && pin == NULL)
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK)
		rv = login(s, type, (struct slice){ 0 }, slice_of(pin, pin_len));
	return rv_trace(__func__, rv);
}

CK_RV
C_Logout(CK_SESSION_HANDLE hs)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) != CKR_OK)
		return rv_trace(__func__, rv);
	pthread_mutex_lock(&s->token->login_lock);
	if (token_role(s->token) == ROLE_NONE)
		rv = CKR_USER_NOT_LOGGED_IN;
	token_logout(s->token);
	pthread_mutex_unlock(&s->token->login_lock);
	return rv_trace(__func__, rv);
}

static CK_RV
init_pin(struct session *s, struct slice pin)
{
	struct call call = token_call(s->token);
	enum kms_rc rc;

	if (session_state(s) != CKS_RW_SO_FUNCTIONS)
		return CKR_USER_NOT_LOGGED_IN;
	pthread_mutex_lock(&s->token->login_lock);
	rc = backend_init_pin(s->token->backend, &call, pin);
	pthread_mutex_unlock(&s->token->login_lock);
	return rc == KMS_OK ? CKR_OK : session_fail(s, &call, rc);
}

CK_RV
C_InitPIN(CK_SESSION_HANDLE hs, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK && pin == NULL)
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK)
		rv = init_pin(s, slice_of(pin, pin_len));
	return rv_trace(__func__, rv);
}

/* 5.5.9: in a public or user session the user's PIN, in an SO session the SO's. */
static CK_RV
set_pin(struct session *s, struct slice old_pin, struct slice new_pin)
{
	struct call call = token_call(s->token);
	CK_STATE state = session_state(s);
	enum kms_rc rc;

	if (!session_rw(s))
		return CKR_SESSION_READ_ONLY;
	pthread_mutex_lock(&s->token->login_lock);
	rc = backend_set_pin(s->token->backend, &call,
	    state == CKS_RW_SO_FUNCTIONS ? ROLE_SO : ROLE_USER, old_pin, new_pin);
	pthread_mutex_unlock(&s->token->login_lock);
	return rc == KMS_OK ? CKR_OK : session_fail(s, &call, rc);
}

CK_RV
C_SetPIN(CK_SESSION_HANDLE hs, CK_UTF8CHAR_PTR old_pin, CK_ULONG old_len, CK_UTF8CHAR_PTR new_pin,
    CK_ULONG new_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK && (old_pin == NULL || new_pin == NULL))
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK)
		rv = set_pin(s, slice_of(old_pin, old_len), slice_of(new_pin, new_len));
	return rv_trace(__func__, rv);
}
