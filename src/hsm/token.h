/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token driver inside: keys in a PKCS#11 HSM. Only src/hsm/token*.c include this.
 *
 * Every call into the HSM is made on a session of the token's pool, taken for as long as the work
 * lasts and never shared. The pool's lock is held for moments, never across a call.
 */
#ifndef KMS_HSM_TOKEN_H
#define KMS_HSM_TOKEN_H

#include <pthread.h>
#include <stdatomic.h>

#include "crypto/crypto.h"
#include "hsm/hsm.h"
#include "hsm/p11mod.h"
#include "hsm/uri.h"

/* -- token_mech.c: what the HSM can do, and our algorithms in its words -- */

#define TOK_ROWS_MAX 48

/* Which functions the HSM has for each row of the mechanism table. */
struct tok_mechs {
	CK_FLAGS flags[TOK_ROWS_MAX];
};

/* -- the token -- */

/* Handles live as long as the connection that gave them; each connection has a number. */
struct tok_session {
	CK_SESSION_HANDLE handle;
	uint64_t life;
	_Atomic uint64_t until; /* when the call that is inside should be back; 0: none is */
	struct tok_session *next, *prev;
};

struct tok {
	struct hsm base; /* first */
	struct p11mod *mod;
	struct hsm_uri uri;
	uint64_t timeout_ms;

	/* Written once, when the HSM is first seen, and published by `known`. */
	struct tok_mechs mechs;
	struct key_caps caps, caps_unknown;
	_Atomic bool known;
	_Atomic bool logs_in; /* a connection was logged in: without it keys do not show */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	bool up, connecting, pin_refused;
	uint64_t life, connected_ms, connecting_until;
	CK_SLOT_ID slot;
	unsigned n_open, limit, max; /* sessions of this life; of the HSM, of the configuration */
	struct tok_session *idle, *busy;
};

static inline struct tok *
tok_of(struct hsm *h)
{
	return (struct tok *)h;
}

/* -- token_rv.c: what the HSM answers -- */

/* How much an error breaks. */
enum tok_fault {
	FAULT_NONE,    /* nothing: it is about what was asked */
	FAULT_SESSION, /* this session is in disorder */
	FAULT_LINK,    /* sessions or login are gone; the call was not carried out */
	FAULT_KEY,     /* the key's handle is not known (any more); not carried out */
	FAULT_DEVICE,  /* who knows */
};

enum kms_rc tok_rc(CK_RV rv);
enum tok_fault tok_fault(CK_RV rv);
/* Fails a call with what the HSM said to CALL. */
enum kms_rc tok_fail(struct call *c, const char *call, CK_RV rv);

/* -- token_pool.c: sessions, and work on them -- */

void tok_pool_init(struct tok *h);
/* Closes the sessions. */
void tok_pool_free(struct tok *h);
/* Looks for the token and at its mechanisms, without session and login. */
enum kms_rc tok_probe(struct tok *h, struct call *c) MUST_USE;

/*
 * A session, logged in, for the caller alone until tok_give; it is inside the HSM until then, or
 * until tok_pause. Waits for one at most as long as C says. KMS_BUSY: all are taken; KMS_TIMEOUT;
 * KMS_UNAVAILABLE: the HSM does not answer, or a call into it has been there for too long;
 * KMS_CONFIG: PIN.
 */
enum kms_rc tok_take(struct tok *h, struct call *c, struct tok_session **ret) MUST_USE;
/* Gives it back after a call that answered RV. True: what was broken is put away, and another try
 * may fare better. */
bool tok_give(struct tok *h, struct tok_session *s, CK_RV rv);
/* Keeps the session, in the middle of an operation, and leaves the HSM; and comes back for one more
 * call. On error the operation is lost, and the session is given back. */
void tok_pause(struct tok *h, struct tok_session *s);
enum kms_rc tok_resume(struct tok *h, struct call *c, struct tok_session *s) MUST_USE;

/* A piece of work on a session. */
struct tok_at {
	struct tok *h;
	CK_FUNCTION_LIST *f;
	struct tok_session *s;
	struct tok_key *k; /* NULL: needs none */
	CK_OBJECT_HANDLE key;
	bool searched;		   /* the handle is fresh */
	struct tok_session **keep; /* set by work that is to be continued: the session goes there,
				      paused */
	const char *call;	   /* the function called last, for errors */
};
typedef CK_RV tok_work(struct tok_at *at, void *arg);
#define CALL(at, function, ...) \
	((at)->call = #function, (at)->f->function((at)->s->handle, __VA_ARGS__))

/* Does WORK. WHOLE: it changes nothing in the HSM, and is done again after a failure that may pass;
 * else only after one that shows that nothing was done. */
enum kms_rc tok_run(struct tok *h, struct call *c, struct tok_key *k, bool whole, tok_work *work,
    void *arg) MUST_USE;
/* For uses, which have no call of their own: one with the token's deadline. */
struct call tok_call(const struct tok *h);

/* -- token_mech.c -- */

enum kms_rc tok_mechs_read(struct tok *h, CK_SLOT_ID slot, struct call *c) MUST_USE;

/* How the HSM does something: with which mechanism, and whether the message is hashed here. */
struct tok_route {
	CK_MECHANISM_TYPE type;
	bool hash_here;
};
/* KMS_NOTSUP: not at all. */
enum kms_rc tok_route(const struct tok *h, enum alg alg, enum digest digest, CK_FLAGS function,
    struct tok_route *ret) MUST_USE;

/* A mechanism with its parameters, which it owns. */
struct tok_mechanism {
	CK_MECHANISM m;
	union {
		CK_GCM_PARAMS gcm;
		CK_RSA_PKCS_OAEP_PARAMS oaep;
		CK_RSA_PKCS_PSS_PARAMS pss;
		CK_AES_CTR_PARAMS ctr;
	} u;
	struct buf own;
};
enum kms_rc tok_mechanism_set(struct tok_mechanism *m, CK_MECHANISM_TYPE type,
    const struct alg_params *p) MUST_USE;
void tok_mechanism_free(struct tok_mechanism *m);

CK_MECHANISM_TYPE tok_keygen(enum key_type type);
CK_KEY_TYPE tok_key_type(enum key_type type);
enum key_type tok_type_of(CK_KEY_TYPE type);

/* -- token_attr.c: templates and attributes -- */

#define TOK_ATTRS_MAX 32

/* A template; values are borrowed but for numbers and truths. */
struct tok_attrs {
	CK_ATTRIBUTE v[TOK_ATTRS_MAX];
	CK_ULONG numbers[TOK_ATTRS_MAX];
	CK_ULONG n;
};
void tok_attrs_bytes(struct tok_attrs *t, CK_ATTRIBUTE_TYPE type, struct slice value);
void tok_attrs_number(struct tok_attrs *t, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
void tok_attrs_bool(struct tok_attrs *t, CK_ATTRIBUTE_TYPE type, bool value);
/* What a new key object for O has: class, type, id, label, what protects it, what it is for. */
void tok_attrs_key(struct tok_attrs *t, const struct object *o, CK_OBJECT_CLASS class,
    struct slice id);

/* One attribute, empty where there is none. */
CK_RV tok_read(struct tok_at *at, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct buf *ret);
bool tok_read_bool(struct tok_at *at, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
CK_ULONG tok_read_number(struct tok_at *at, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
    CK_ULONG otherwise);
/* All that match; the caller frees *ret. */
CK_RV tok_find(struct tok_at *at, const struct tok_attrs *t, CK_OBJECT_HANDLE **ret, size_t *n);
/* The public key that OBJECT shows, of TYPE; KMS_NOTFOUND: not enough of it. */
enum kms_rc tok_read_public(struct tok_at *at, CK_OBJECT_HANDLE object, enum key_type type,
    struct ckey **ret) MUST_USE;

/* -- token_key.c: keys and the references that the core keeps -- */

#define TOK_ID_LEN 16

struct tok_key {
	_Atomic unsigned refs;
	struct key_spec spec;
	CK_OBJECT_CLASS class;
	struct buf id;
	pthread_mutex_t lock; /* guards what follows */
	uint64_t life;	      /* of the connection that HANDLE is of */
	CK_OBJECT_HANDLE handle;
	bool always_authenticate;
};

static inline struct tok_key *
tok_key_of(struct hsm_key *k)
{
	return (struct tok_key *)(void *)k;
}
static inline struct tok_key *
tok_key_ref(struct tok_key *k)
{
	atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
	return k;
}
void tok_key_unref(struct tok_key *k);
/* AT->key: where K is now. CKR_KEY_HANDLE_INVALID: nowhere. */
CK_RV tok_key_locate(struct tok_at *at);
void tok_key_forget(struct tok_key *k);
/* After an *Init: a key that wants the PIN each time gets it. */
CK_RV tok_key_authenticate(struct tok_at *at);

/* The record of a key: which of the HSM's it is. ADOPTED: it was there before us, and stays. */
enum kms_rc tok_record(const struct key_spec *spec, struct slice id, bool adopted,
    struct secret *ret) MUST_USE;
bool tok_same(struct slice material, struct slice other);

enum kms_rc tok_generate(struct hsm *h, struct call *c, const struct object *o, struct slice e,
    struct secret *material, struct buf *spki) MUST_USE;
enum kms_rc tok_copy(struct hsm *h, struct call *c, const struct object *o, struct slice material,
    struct secret *ret) MUST_USE;
enum kms_rc tok_destroy(struct hsm *h, struct call *c, const struct key_spec *spec,
    struct slice material) MUST_USE;
enum kms_rc tok_key_open(struct hsm *h, struct call *c, const struct key_spec *spec,
    struct slice material, struct hsm_key **ret) MUST_USE;
/* Destroys all that has ID. */
void tok_sweep(struct tok *h, struct slice id);

/* -- token_import.c, token_list.c -- */

enum kms_rc tok_import(struct hsm *h, struct call *c, const struct object *o, struct slice outside,
    struct secret *material, struct buf *spki) MUST_USE;
enum kms_rc tok_list(struct hsm *h, struct call *c, struct hsm_found_list *ret) MUST_USE;

/* -- token_use.c: keys at work -- */

enum kms_rc tok_begin(struct hsm *h, struct call *c, struct hsm_key *k, enum use_kind kind,
    const struct alg_params *p, struct use **usep) MUST_USE;
enum kms_rc tok_derive(struct hsm *h, struct call *c, struct hsm_key *k, const struct alg_params *p,
    struct secret *ret) MUST_USE;
enum kms_rc tok_wrap(struct hsm *h, struct call *c, struct hsm_key *k, const struct alg_params *p,
    struct hsm_key *target, struct buf *ret) MUST_USE;

#endif
