/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: PKCS#11 5.6, and the type-stable table that they live in. */
#include "pkcs11/session.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/os.h"
#include "pkcs11/catalog.h"
#include "pkcs11/lib.h"
#include "pkcs11/memory.h"

#define CHUNK_SESSIONS 32
#define CHUNKS	       2048
#define INDEX_BITS     20 /* CHUNK_SESSIONS * CHUNKS fits */
#define INDEX_MASK     ((1u << INDEX_BITS) - 1)
#define LIFE_FORK_BITS 24 /* above them, the lives that a handle tells apart count forks */

/* Chunks are made when needed and never freed, so that a stale handle always leads to a live mutex.
 */
struct chunk {
	struct session s[CHUNK_SESSIONS];
	uint64_t life[CHUNK_SESSIONS];
};

struct table {
	pthread_mutex_t lock; /* leaf: the free list and the making of chunks */
	_Atomic(struct chunk *) chunks[CHUNKS];
	uint32_t made;	/* sessions that exist, used or free */
	uint32_t *free; /* indexes, a stack */
	uint32_t n_free;
	uint64_t first_life;   /* so that no handle of a child is one of its parent's */
	struct table *parents; /* kept reachable, never touched */
};

static struct table first_table = { .lock = PTHREAD_MUTEX_INITIALIZER };
static _Atomic(struct table *) table = &first_table;

void
session_after_fork(void)
{
	static struct table reserve; /* for a child without memory */
	struct table *t = calloc(1, sizeof(*t)), *parents = table;

	if (t == NULL) {
		t = &reserve;
		if (parents == t) /* which a parent without memory has used */
			parents = t->parents;
		memset(t, 0, sizeof(*t));
	}
	pthread_mutex_init(&t->lock, NULL);
	t->first_life = (uint64_t)os_fork_generation() << LIFE_FORK_BITS;
	t->parents = parents;
	table = t;
}

static struct session *
session_at(struct table *t, uint64_t index)
{
	struct chunk *c = index / CHUNK_SESSIONS < CHUNKS
	    ? atomic_load_explicit(&t->chunks[index / CHUNK_SESSIONS], memory_order_acquire)
	    : NULL;

	return c == NULL ? NULL : &c->s[index % CHUNK_SESSIONS];
}

CK_RV
session_enter(CK_SESSION_HANDLE hs, struct session **ret)
{
	uint64_t index = hs & INDEX_MASK;
	struct session *s;

	if (!lib_ready())
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	if (index == 0 || (s = session_at(table, index - 1)) == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	pthread_mutex_lock(&s->lock);
	if (s->handle != hs) {
		pthread_mutex_unlock(&s->lock);
		return CKR_SESSION_HANDLE_INVALID;
	}
	*ret = s;
	return CKR_OK;
}

void
session_leave(struct session **s)
{
	if (*s != NULL)
		pthread_mutex_unlock(&(*s)->lock);
}

/* Makes the next chunk; under the table's lock. */
static bool
table_grow(struct table *t)
{
	uint32_t n = t->made / CHUNK_SESSIONS, i;
	uint32_t *bigger;
	struct chunk *c;

	if (n >= CHUNKS ||
	    (bigger = realloc(t->free, (t->made + CHUNK_SESSIONS) * sizeof(*bigger))) == NULL)
		return false;
	t->free = bigger;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return false;
	for (i = 0; i < CHUNK_SESSIONS; i++) {
		pthread_mutex_init(&c->s[i].lock, NULL);
		c->life[i] = t->first_life;
		t->free[t->n_free++] = t->made + CHUNK_SESSIONS - 1 - i;
	}
	t->made += CHUNK_SESSIONS;
	atomic_store_explicit(&t->chunks[n], c, memory_order_release);
	return true;
}

static bool
take_index(struct table *t, uint32_t *ret)
{
	bool got;

	pthread_mutex_lock(&t->lock);
	got = t->n_free > 0 || table_grow(t);
	if (got)
		*ret = t->free[--t->n_free];
	pthread_mutex_unlock(&t->lock);
	return got;
}

static void
give_index(struct table *t, uint32_t index)
{
	pthread_mutex_lock(&t->lock);
	t->free[t->n_free++] = index;
	pthread_mutex_unlock(&t->lock);
}

/* Counts the session in, if the token's state lets it open. */
static CK_RV
token_admit(struct token *t, bool rw)
{
	CK_RV rv = CKR_OK;

	pthread_mutex_lock(&t->lock);
	if (t->resetting)
		rv = CKR_FUNCTION_FAILED;
	else if (!rw && token_role(t) == ROLE_SO)
		rv = CKR_SESSION_READ_WRITE_SO_EXISTS;
	if (rv == CKR_OK) {
		t->n_sessions++;
		t->n_rw += rw;
	}
	pthread_mutex_unlock(&t->lock);
	return rv;
}

/* Counts it out; true when it was the last one. */
static bool
token_dismiss(struct token *t, bool rw)
{
	bool last;

	pthread_mutex_lock(&t->lock);
	t->n_sessions--;
	t->n_rw -= rw;
	last = t->n_sessions == 0;
	pthread_mutex_unlock(&t->lock);
	return last;
}

CK_RV
session_open(struct token *t, CK_FLAGS flags, CK_SESSION_HANDLE *ret)
{
	bool rw = (flags & CKF_RW_SESSION) != 0;
	struct table *tb = table;
	struct session *s;
	struct chunk *c;
	uint32_t index;
	CK_RV rv;

	if (t->backend == NULL)
		return CKR_TOKEN_NOT_PRESENT;
	if (rw && t->conf->read_only)
		return CKR_TOKEN_WRITE_PROTECTED;
	if (!take_index(tb, &index))
		return CKR_SESSION_COUNT;
	if ((rv = token_admit(t, rw)) != CKR_OK) {
		give_index(tb, index);
		return rv;
	}
	c = tb->chunks[index / CHUNK_SESSIONS];
	s = &c->s[index % CHUNK_SESSIONS];
	pthread_mutex_lock(&s->lock);
	s->token = t;
	s->flags = flags & (CKF_RW_SESSION | CKF_SERIAL_SESSION);
	s->device_error = 0;
	s->handle = (c->life[index % CHUNK_SESSIONS]++ << INDEX_BITS) | (index + 1);
	*ret = s->handle;
	pthread_mutex_unlock(&s->lock);
	return CKR_OK;
}

void
session_close(struct session *s)
{
	struct token *t = s->token;
	CK_SESSION_HANDLE handle = s->handle;
	bool rw = session_rw(s), last;
	size_t i;

	for (i = 0; i < USE_KINDS; i++)
		op_free(&s->op[i]);
	free(s->find.v);
	s->find = (struct find){ 0 };
	backend_uses_close(t->backend, s->uses);
	s->uses = NULL;
	s->handle = 0;
	s->token = NULL;
	pthread_mutex_unlock(&s->lock);

	catalog_close_session(t->catalog, handle);
	last = token_dismiss(t, rw);
	if (last) { /* 5.6.2: the application is logged out with its last session */
		pthread_mutex_lock(&t->login_lock);
		pthread_mutex_lock(&t->lock);
		last = t->n_sessions == 0;
		pthread_mutex_unlock(&t->lock);
		if (last)
			token_logout(t);
		pthread_mutex_unlock(&t->login_lock);
	}
	give_index(table, (uint32_t)((handle & INDEX_MASK) - 1));
}

void
session_close_all(struct token *t)
{
	struct table *tb = table;
	struct session *s;
	uint32_t i, n;

	pthread_mutex_lock(&tb->lock);
	n = tb->made;
	pthread_mutex_unlock(&tb->lock);
	for (i = 0; i < n; i++) {
		s = session_at(tb, i);
		pthread_mutex_lock(&s->lock);
		if (s->handle != 0 && (t == NULL || s->token == t))
			session_close(s);
		else
			pthread_mutex_unlock(&s->lock);
	}
}

CK_STATE
session_state(const struct session *s)
{
	switch (token_role(s->token)) {
	case ROLE_USER: return session_rw(s) ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
	case ROLE_SO: return CKS_RW_SO_FUNCTIONS;
	case ROLE_NONE: break;
	}
	return session_rw(s) ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
}

CK_RV
session_may_write(const struct session *s, bool token_object, bool private_object)
{
	if (token_object && !session_rw(s))
		return CKR_SESSION_READ_ONLY;
	if (private_object && !token_user(s->token))
		return CKR_USER_NOT_LOGGED_IN;
	return CKR_OK;
}

CK_RV
session_fail(struct session *s, const struct call *call, enum kms_rc rc)
{
	CK_RV rv = token_fail(s->token, call, rc);

	if (rv == CKR_DEVICE_ERROR || rv == CKR_DEVICE_MEMORY)
		s->device_error = (CK_ULONG)rc;
	return rv;
}

CK_RV
C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application UNUSED,
    CK_NOTIFY notify UNUSED, CK_SESSION_HANDLE_PTR ret)
{
	auto_lib g = lib_guard_enter();
	CK_SESSION_HANDLE opened;
	struct token *t;
	CK_RV rv;

	if (g.rv != CKR_OK)
		return rv_trace(__func__, g.rv);
	if (ret == NULL)
		return rv_trace(__func__, CKR_ARGUMENTS_BAD);
	if ((flags & CKF_SERIAL_SESSION) == 0)
		return rv_trace(__func__, CKR_SESSION_PARALLEL_NOT_SUPPORTED);
	if ((t = lib_token_of_slot(slot)) == NULL)
		return rv_trace(__func__, CKR_SLOT_ID_INVALID);
	if ((rv = session_open(t, flags, &opened)) == CKR_OK)
		ulong_put(ret, opened);
	return rv_trace(__func__, rv);
}

CK_RV
C_CloseSession(CK_SESSION_HANDLE hs)
{
	auto_lib g =
	    lib_guard_enter(); /* the token is needed for longer than the session is locked */
	struct session *s;
	CK_RV rv = g.rv;

	if (rv == CKR_OK && (rv = session_enter(hs, &s)) == CKR_OK)
		session_close(s);
	return rv_trace(__func__, rv);
}

CK_RV
C_CloseAllSessions(CK_SLOT_ID slot)
{
	auto_lib g = lib_guard_enter();
	struct token *t;

	if (g.rv != CKR_OK)
		return rv_trace(__func__, g.rv);
	if ((t = lib_token_of_slot(slot)) == NULL)
		return rv_trace(__func__, CKR_SLOT_ID_INVALID);
	session_close_all(t);
	return rv_trace(__func__, CKR_OK);
}

CK_RV
C_GetSessionInfo(CK_SESSION_HANDLE hs, CK_SESSION_INFO_PTR ret)
{
	auto_session *s = NULL;
	CK_SESSION_INFO info;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK && ret == NULL)
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK) {
		info = (CK_SESSION_INFO){ s->token->slot, session_state(s), s->flags,
			s->device_error };
		memcpy((void *)ret, &info, sizeof(info));
	}
	return rv_trace(__func__, rv);
}

/* 3.0 5.6.6: ends the operations that the flags name. Each of ours can be ended at any time. */
CK_RV
C_SessionCancel(CK_SESSION_HANDLE hs, CK_FLAGS flags)
{
	static const CK_FLAGS flag_of[USE_KINDS] = {
		[USE_ENCRYPT] = CKF_ENCRYPT,
		[USE_DECRYPT] = CKF_DECRYPT,
		[USE_DIGEST] = CKF_DIGEST,
		[USE_SIGN] = CKF_SIGN,
		[USE_VERIFY] = CKF_VERIFY,
	};
	auto_session *s = NULL;
	size_t i;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) != CKR_OK)
		return rv_trace(__func__, rv);
	for (i = 0; i < USE_KINDS; i++)
		if ((flags & flag_of[i]) != 0)
			op_end(&s->op[i]);
	if ((flags & CKF_FIND_OBJECTS) != 0) {
		free(s->find.v);
		s->find = (struct find){ 0 };
	}
	return rv_trace(__func__, CKR_OK);
}
