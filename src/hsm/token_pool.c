/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool of sessions: taken and given back, opened up to the HSM's number, waited for within the
 * call's deadline; thrown away together when the HSM loses them, and opened anew. A call that is
 * inside the HSM cannot be called back. As long as one is there beyond its deadline, the HSM is
 * taken for dead and others fail at once; when it returns, all is well again.
 */
#include "hsm/token.h"

#include <stdlib.h>
#include <time.h>

#include "base/os.h"

#define TRIES	     3	  /* of work that may fare better the next time */
#define DEVICE_MS    1000 /* an error of the device breaks a connection of at least this age */
#define SESSIONS_MAX 1024

void
tok_pool_init(struct tok *h)
{
	pthread_condattr_t monotonic;

	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&h->changed, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&h->lock, NULL);
	h->life = 1;
}

/* -- lists -- */

static void
busy_add_locked(struct tok *h, struct tok_session *s)
{
	s->prev = NULL;
	s->next = h->busy;
	if (h->busy != NULL)
		h->busy->prev = s;
	h->busy = s;
}

static void
busy_remove_locked(struct tok *h, struct tok_session *s)
{
	if (s->next != NULL)
		s->next->prev = s->prev;
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		h->busy = s->next;
}

static bool
stuck_locked(const struct tok *h, uint64_t now)
{
	if (h->connecting && now > h->connecting_until)
		return true;
	for (const struct tok_session *s = h->busy; s != NULL; s = s->next) {
		uint64_t until = atomic_load_explicit(&s->until, memory_order_relaxed);

		if (until != 0 && now > until)
			return true;
	}
	return false;
}

static void
close_all(struct tok *h, struct tok_session *s)
{
	bool in = s != NULL && p11mod_enter(h->mod);

	while (s != NULL) {
		struct tok_session *next = s->next;

		if (in)
			(void)h->mod->f->C_CloseSession(s->handle);
		free(s);
		s = next;
	}
	if (in)
		p11mod_leave(h->mod);
}

void
tok_pool_free(struct tok *h)
{
	close_all(h, h->idle);
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
}

/* The connection LIFE is over: what is idle is closed now, what is busy when it is given back. */
static void
break_off(struct tok *h, uint64_t life)
{
	struct tok_session *idle = NULL;

	pthread_mutex_lock(&h->lock);
	if (h->up && h->life == life) {
		h->up = false;
		h->life++;
		h->n_open = 0;
		idle = h->idle;
		h->idle = NULL;
	}
	pthread_mutex_unlock(&h->lock);
	close_all(h, idle);
}

/* -- connecting -- */

/* What was seen of the token. */
struct seen {
	CK_SLOT_ID id;
	CK_TOKEN_INFO info;
	unsigned n;
};

static CK_RV
list_slots(struct tok *h, CK_SLOT_ID **ret, CK_ULONG *n)
{
	CK_SLOT_ID *list = NULL, *more;
	CK_RV rv;

	*n = 0;
	/* The first, without a list, is what makes some libraries look. */
	if ((rv = h->mod->f->C_GetSlotList(CK_TRUE, NULL, n)) != CKR_OK)
		return rv;
	do {
		*n += 4; /* may have become more */
		if ((more = realloc(list, *n * sizeof(*list))) == NULL) {
			free(list);
			return CKR_HOST_MEMORY;
		}
		list = more;
		rv = h->mod->f->C_GetSlotList(CK_TRUE, list, n);
	} while (rv == CKR_BUFFER_TOO_SMALL);
	if (rv != CKR_OK)
		free(list);
	else
		*ret = list;
	return rv;
}

/* A slot that gives no answer is not ours. */
static CK_RV
look(struct tok *h, struct seen *ret)
{
	CK_SLOT_ID *slots;
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;
	CK_ULONG n;
	CK_RV rv = list_slots(h, &slots, &n), one;

	ret->n = 0;
	if (rv != CKR_OK)
		return rv;
	for (CK_ULONG i = 0; i < n; i++) {
		if ((one = h->mod->f->C_GetSlotInfo(slots[i], &slot)) == CKR_OK)
			one = h->mod->f->C_GetTokenInfo(slots[i], &token);
		if (tok_fault(one) != FAULT_NONE)
			rv = one;
		if (one != CKR_OK || (token.flags & CKF_TOKEN_INITIALIZED) == 0 ||
		    !hsm_uri_matches(&h->uri, slots[i], &slot, &token))
			continue;
		ret->id = slots[i];
		ret->info = token;
		ret->n++;
	}
	free(slots);
	return ret->n > 0 ? CKR_OK : rv;
}

static enum kms_rc
look_once(struct tok *h, struct call *c, struct seen *ret)
{
	CK_RV rv = CKR_CRYPTOKI_NOT_INITIALIZED;

	if (p11mod_enter(h->mod)) {
		rv = look(h, ret);
		p11mod_leave(h->mod);
	}
	if (rv != CKR_OK)
		return tok_fail(c, "C_GetSlotList", rv);
	if (ret->n == 0)
		return call_fail(c, KMS_UNAVAILABLE, "the HSM has no token that fits its URI");
	if (ret->n > 1)
		return call_fail(c, KMS_CONFIG,
		    "%u tokens of the HSM fit its URI; expected one: add serial or slot-id",
		    ret->n);
	return KMS_OK;
}

/* Another try: what the last one said is of no interest. */
static void
forget_error(struct call *c)
{
	if (c != NULL)
		err_clear(&c->err);
}

/* Finds the token; when it is not there, once more after a restart of the library, where that is
 * ours to do. */
static enum kms_rc
look_again(struct tok *h, struct call *c, struct seen *ret)
{
	struct call restart = { .deadline_ms = c == NULL ? 0 : c->deadline_ms };
	enum kms_rc rc;

	TRY(p11mod_start(h->mod, c));
	rc = look_once(h, c, ret);
	if (rc != KMS_UNAVAILABLE || p11mod_restart(h->mod, &restart) != KMS_OK)
		return rc;
	forget_error(c);
	return look_once(h, c, ret);
}

enum kms_rc
tok_probe(struct tok *h, struct call *c)
{
	struct seen seen;

	TRY(look_again(h, c, &seen));
	return tok_mechs_read(h, seen.id, c);
}

/* A PIN that was refused is never tried again: the next try might lock it. */
static enum kms_rc
refuse_pin(struct tok *h, struct call *c, const char *why)
{
	pthread_mutex_lock(&h->lock);
	h->pin_refused = true;
	pthread_mutex_unlock(&h->lock);
	return call_fail(c, KMS_CONFIG, "the HSM's user PIN %s", why);
}

static enum kms_rc
log_in(struct tok *h, struct call *c, CK_SESSION_HANDLE s, const CK_TOKEN_INFO *info)
{
	CK_SESSION_INFO state = { 0 };
	CK_RV rv;

	if ((info->flags & CKF_LOGIN_REQUIRED) == 0 && h->uri.pin.len == 0)
		return KMS_OK;
	/* By another of our tokens, or by the host. */
	if (h->mod->f->C_GetSessionInfo(s, &state) == CKR_OK &&
	    (state.state == CKS_RO_USER_FUNCTIONS || state.state == CKS_RW_USER_FUNCTIONS)) {
		h->logs_in = true;
		return KMS_OK;
	}
	if (h->uri.pin.len == 0 && (info->flags & CKF_PROTECTED_AUTHENTICATION_PATH) == 0)
		return call_fail(c, KMS_CONFIG,
		    "the HSM wants a PIN; expected pin-source=file:PATH in its URI");
	if ((info->flags & CKF_USER_PIN_LOCKED) != 0)
		return refuse_pin(h, c, "is locked");
	if ((info->flags & CKF_USER_PIN_FINAL_TRY) != 0)
		return refuse_pin(h, c,
		    "has one try left, which is not risked; log in once with another program");
	rv = h->mod->f->C_Login(s, CKU_USER, h->uri.pin.p, h->uri.pin.len);
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN) {
		h->logs_in = true;
		return KMS_OK;
	}
	if (tok_rc(rv) == KMS_CONFIG)
		return refuse_pin(h, c,
		    "is wrong, and is not tried again until the application starts anew");
	return tok_fail(c, "C_Login", rv);
}

static CK_RV
open_session(struct tok *h, CK_SLOT_ID slot, CK_SESSION_HANDLE *ret)
{
	CK_FLAGS flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
	CK_RV rv = h->mod->f->C_OpenSession(slot, flags, NULL, NULL, ret);

	if (rv == CKR_TOKEN_WRITE_PROTECTED)
		rv = h->mod->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, ret);
	return rv;
}

/* How many sessions the HSM lets us have. */
static unsigned
sessions_of(const CK_TOKEN_INFO *info, unsigned max)
{
	CK_ULONG all = info->ulMaxSessionCount, rw = info->ulMaxRwSessionCount;

	if (all != CK_EFFECTIVELY_INFINITE && all != CK_UNAVAILABLE_INFORMATION && all < max)
		max = (unsigned)all;
	if (rw != CK_EFFECTIVELY_INFINITE && rw != CK_UNAVAILABLE_INFORMATION && rw < max)
		max = (unsigned)rw;
	return max;
}

/* The first session of a connection, logged in. */
static enum kms_rc
connect_on(struct tok *h, struct call *c, const struct seen *seen, CK_SESSION_HANDLE *ret)
{
	CK_SESSION_HANDLE s;
	enum kms_rc rc;
	CK_RV rv = open_session(h, seen->id, &s);

	if (rv != CKR_OK)
		return tok_fail(c, "C_OpenSession", rv);
	if ((rc = log_in(h, c, s, &seen->info)) != KMS_OK) {
		(void)h->mod->f->C_CloseSession(s);
		return rc;
	}
	*ret = s;
	return KMS_OK;
}

static enum kms_rc
connect_to_hsm(struct tok *h, struct call *c, struct seen *seen, CK_SESSION_HANDLE *ret)
{
	enum kms_rc rc;

	TRY(look_again(h, c, seen));
	if (!atomic_load_explicit(&h->known, memory_order_acquire))
		TRY(tok_mechs_read(h, seen->id, c));
	if (!p11mod_enter(h->mod))
		return tok_fail(c, "C_OpenSession", CKR_CRYPTOKI_NOT_INITIALIZED);
	rc = connect_on(h, c, seen, ret);
	p11mod_leave(h->mod);
	return rc;
}

/* What follows is called with the lock, and lets go of it while it is inside the HSM. */

static struct tok_session *
session_new(const struct tok *h, uint64_t until)
{
	struct tok_session *s = calloc(1, sizeof(*s));

	if (s != NULL) {
		s->life = h->life;
		s->until = until;
	}
	return s;
}

/* One thread at a time. */
static enum kms_rc
connect_locked(struct tok *h, struct call *c, uint64_t until, struct tok_session **ret)
{
	struct tok_session *s = session_new(h, until);
	struct seen seen = { 0 };
	enum kms_rc rc;

	if (s == NULL)
		return KMS_NOMEM;
	h->connecting = true;
	h->connecting_until = until;
	pthread_mutex_unlock(&h->lock);
	rc = connect_to_hsm(h, c, &seen, &s->handle);
	pthread_mutex_lock(&h->lock);
	h->connecting = false;
	pthread_cond_broadcast(&h->changed);
	if (rc != KMS_OK) {
		free(s);
		return rc;
	}
	h->up = true;
	h->connected_ms = os_monotonic_ms();
	h->slot = seen.id;
	h->limit = sessions_of(&seen.info, h->max);
	h->n_open = 1;
	busy_add_locked(h, s);
	*ret = s;
	return KMS_OK;
}

/* One session more of a connection that is up. */
static enum kms_rc
open_locked(struct tok *h, struct call *c, uint64_t until, struct tok_session **ret)
{
	struct tok_session *s = session_new(h, until);
	CK_SLOT_ID slot = h->slot;
	CK_RV rv = CKR_CRYPTOKI_NOT_INITIALIZED;

	if (s == NULL)
		return KMS_NOMEM;
	h->n_open++;
	busy_add_locked(h, s);
	pthread_mutex_unlock(&h->lock);
	if (p11mod_enter(h->mod)) {
		rv = open_session(h, slot, &s->handle);
		p11mod_leave(h->mod);
	}
	if (rv != CKR_OK && tok_fault(rv) != FAULT_NONE)
		break_off(h, s->life);
	pthread_mutex_lock(&h->lock);
	if (rv == CKR_OK) {
		*ret = s;
		return KMS_OK;
	}
	busy_remove_locked(h, s);
	if (s->life == h->life)
		h->n_open--;
	free(s);
	return tok_fail(c, "C_OpenSession", rv);
}

/* -- taking and giving back -- */

static enum kms_rc
may_try_locked(struct tok *h, struct call *c)
{
	if (h->pin_refused)
		return call_fail(c, KMS_CONFIG, "the HSM's user PIN was refused");
	if (stuck_locked(h, os_monotonic_ms()))
		return call_fail(c, KMS_UNAVAILABLE,
		    "the HSM does not answer: a call has been inside for longer than its time");
	return KMS_OK;
}

static enum kms_rc
wait_locked(struct tok *h, struct call *c, uint64_t until)
{
	struct timespec t = { .tv_sec = (time_t)(until / 1000),
		.tv_nsec = (long)(until % 1000) * 1000000 };

	if (os_monotonic_ms() < until) {
		(void)pthread_cond_timedwait(&h->changed, &h->lock, &t);
		return KMS_OK;
	}
	if (!h->up)
		return call_fail(c, KMS_TIMEOUT, "connecting to the HSM took too long");
	return call_fail(c, KMS_BUSY, "all %u sessions of the HSM were in use for too long",
	    h->n_open);
}

static enum kms_rc
take_locked(struct tok *h, struct call *c, uint64_t until, struct tok_session **ret)
{
	bool again = true;

	for (;;) {
		uint64_t life = h->life;
		enum kms_rc rc = KMS_BUSY;

		TRY(may_try_locked(h, c));
		if (h->up && h->idle != NULL) {
			*ret = h->idle;
			h->idle = h->idle->next;
			(*ret)->until = until;
			busy_add_locked(h, *ret);
			return KMS_OK;
		}
		if (!h->up && !h->connecting)
			return connect_locked(h, c, until, ret);
		if (h->up && h->n_open < h->limit)
			rc = open_locked(h, c, until, ret);
		if (rc == KMS_OK)
			return rc;
		if (rc != KMS_BUSY) {
			/* The connection broke at this; a new one may be had. */
			if (h->life == life || !again)
				return rc;
			again = false;
		}
		forget_error(c);
		if (rc == KMS_BUSY)
			TRY(wait_locked(h, c, until));
	}
}

/* Out of the busy ones. True: S is to be closed, for it is in disorder or of a connection that is
 * over. */
static bool
put_back(struct tok *h, struct tok_session *s, bool keep)
{
	pthread_mutex_lock(&h->lock);
	busy_remove_locked(h, s);
	s->until = 0;
	keep = keep && h->up && s->life == h->life;
	if (keep) {
		s->next = h->idle;
		h->idle = s;
	} else if (h->up && s->life == h->life && --h->n_open == 0) {
		h->up = false; /* with the last session goes the login */
		h->life++;
	}
	pthread_cond_signal(&h->changed);
	pthread_mutex_unlock(&h->lock);
	return !keep;
}

/* How much RV, heard on S, breaks. */
static enum tok_fault
judge(struct tok *h, struct tok_session *s, CK_RV rv)
{
	enum tok_fault fault = tok_fault(rv);
	CK_SESSION_INFO info = { 0 };
	bool young;

	if (fault != FAULT_DEVICE)
		return fault;
	/* Words that are said of anything, cipher text that does not open included. */
	if ((rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED) &&
	    h->mod->f->C_GetSessionInfo(s->handle, &info) == CKR_OK)
		return FAULT_NONE;
	/* A key that fails for ever must not break connection after connection. */
	pthread_mutex_lock(&h->lock);
	young = s->life == h->life && os_monotonic_ms() - h->connected_ms < DEVICE_MS;
	pthread_mutex_unlock(&h->lock);
	return young ? FAULT_NONE : FAULT_DEVICE;
}

bool
tok_give(struct tok *h, struct tok_session *s, CK_RV rv)
{
	enum tok_fault fault = judge(h, s, rv);

	if (fault == FAULT_LINK || fault == FAULT_DEVICE)
		break_off(h, s->life);
	if (put_back(h, s, fault != FAULT_SESSION)) {
		(void)h->mod->f->C_CloseSession(s->handle);
		free(s);
	}
	p11mod_leave(h->mod);
	return fault != FAULT_NONE;
}

/* From outside. A session of an HSM that does not answer is left to it. */
static void
abandon(struct tok *h, struct tok_session *s)
{
	bool stuck;

	(void)put_back(h, s, false);
	pthread_mutex_lock(&h->lock);
	stuck = stuck_locked(h, os_monotonic_ms());
	pthread_mutex_unlock(&h->lock);
	s->next = NULL;
	if (stuck)
		free(s);
	else
		close_all(h, s);
}

static uint64_t
until_of(const struct tok *h, const struct call *c)
{
	return c != NULL && c->deadline_ms != 0 ? c->deadline_ms
						: os_monotonic_ms() + h->timeout_ms;
}

enum kms_rc
tok_take(struct tok *h, struct call *c, struct tok_session **ret)
{
	uint64_t until = until_of(h, c);
	enum kms_rc rc;

	pthread_mutex_lock(&h->lock);
	rc = take_locked(h, c, until, ret);
	pthread_mutex_unlock(&h->lock);
	if (rc != KMS_OK || p11mod_enter(h->mod))
		return rc;
	abandon(h, *ret);
	return call_fail(c, KMS_UNAVAILABLE, "the HSM's library is being restarted");
}

void
tok_pause(struct tok *h, struct tok_session *s)
{
	s->until = 0;
	p11mod_leave(h->mod);
}

enum kms_rc
tok_resume(struct tok *h, struct call *c, struct tok_session *s)
{
	enum kms_rc rc;

	pthread_mutex_lock(&h->lock);
	rc = may_try_locked(h, c);
	if (rc == KMS_OK)
		s->until = until_of(h, c);
	pthread_mutex_unlock(&h->lock);
	if (rc == KMS_OK && !p11mod_enter(h->mod))
		rc = call_fail(c, KMS_UNAVAILABLE, "the HSM's library has been restarted");
	if (rc != KMS_OK)
		abandon(h, s);
	return rc;
}

struct call
tok_call(const struct tok *h)
{
	return (struct call){ .deadline_ms = os_monotonic_ms() + h->timeout_ms };
}

enum kms_rc
tok_run(struct tok *h, struct call *c, struct tok_key *k, bool whole, tok_work *work, void *arg)
{
	uint64_t until = until_of(h, c);

	for (int left = TRIES - 1;; left--) {
		struct tok_at at = { .h = h, .f = h->mod->f, .k = k, .call = "" };
		enum tok_fault fault;
		CK_RV rv = CKR_OK;
		bool again;

		TRY(tok_take(h, c, &at.s));
		if (k != NULL)
			rv = tok_key_locate(&at);
		if (rv == CKR_OK)
			rv = work(&at, arg);
		if (rv == CKR_OK && at.keep != NULL) {
			*at.keep = at.s;
			tok_pause(h, at.s);
			return KMS_OK;
		}
		fault = tok_fault(rv);
		if (k != NULL && fault == FAULT_KEY)
			tok_key_forget(k);
		again = tok_give(h, at.s, rv) && (whole || fault != FAULT_DEVICE) &&
		    (fault != FAULT_KEY || !at.searched);
		if (rv == CKR_OK)
			return KMS_OK;
		if (!again || left == 0 || os_monotonic_ms() >= until)
			return tok_fail(c, at.call, rv);
	}
}
