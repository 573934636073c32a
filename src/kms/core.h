/* SPDX-License-Identifier: Apache-2.0 */
/* The local backend inside: its state, and what its files ask of each other. Only src/kms includes
 * this. */
#ifndef KMS_KMS_CORE_H
#define KMS_KMS_CORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "crypto/crypto.h"
#include "hsm/hsm.h"
#include "kms/local.h"
#include "kms/rotate.h"
#include "store/store.h"

#define SERIAL_LEN  8
#define CACHED_KEYS 256 /* a power of two */

/*
 * `lock` guards what stands below it, for moments: it is never held across a call of the store, of
 * the HSM or of scrypt. What the hot path asks (role, generation) is atomic.
 */
struct local {
	struct backend base;
	struct store *store;
	struct hsm *hsm;
	unsigned pin_cost, pin_tries;
	uint64_t cache_ms;
	char *master_key; /* what is made here is enveloped under it; NULL: none */
	struct rotator rotator;
	struct recorder *recorder;
	_Atomic uint64_t generation;
	_Atomic int64_t ticked;	    /* seconds since 1970 UTC: what was due then has been done */
	_Atomic bool ticking;	    /* by some thread */
	_Atomic uint64_t looked_ms; /* when the store was last asked for its generation */
	_Atomic int role;	    /* enum role; changes under the lock */
	pthread_mutex_t lock;
	struct store_token token;
	uint64_t token_generation; /* of which TOKEN is; 0 before it has been read */
	struct secret root;	   /* while somebody is logged in */
	struct backend_key *cached[CACHED_KEYS];
};

static inline struct local *
local_of(struct backend *b)
{
	return (struct local *)b;
}

static inline enum role
local_role(struct local *l)
{
	return (enum role)atomic_load_explicit(&l->role, memory_order_acquire);
}

/* -- local.c -- */

uint64_t local_generation(struct backend *b);
/* Asks the store now; after a change of our own. */
void local_look(struct local *l);

/* -- token.c: the token and who is logged in -- */

enum kms_rc local_status(struct backend *b, struct call *c, struct token_status *ret) MUST_USE;
/* As init_token; and with the user's PIN, unless that is empty. */
enum kms_rc token_make(struct backend *b, struct call *c, struct slice label, struct slice so_pin,
    struct slice user_pin) MUST_USE;
enum kms_rc local_login(struct backend *b, struct call *c, enum role role, struct slice name,
    struct slice pin) MUST_USE;
enum kms_rc local_reauthenticate(struct backend *b, struct call *c, struct slice pin) MUST_USE;
void local_logout(struct backend *b);
enum kms_rc local_init_pin(struct backend *b, struct call *c, struct slice pin) MUST_USE;
enum kms_rc local_set_pin(struct backend *b, struct call *c, enum role role, struct slice old_pin,
    struct slice new_pin) MUST_USE;

/* -- backup.c -- */

/* As local_backup, without a record. */
enum kms_rc backup_write(struct backend *b, struct call *c, struct slice passphrase,
    int fd) MUST_USE;

/* As local_restore, into the store of B, which WHERE names. */
enum kms_rc backup_read(struct backend *b, struct call *c, struct slice passphrase, int fd,
    const char *where, bool replace) MUST_USE;

/* What seals rows, as it is now: copies, so that no lock is held while they are used. root is empty
 * when nobody is logged in. */
struct keyring {
	uint8_t serial[SERIAL_LEN];
	struct secret open, root;
	enum role role;
};

/* Changes the store, all or nothing, and takes notice. As store_ops.apply. */
enum kms_rc local_apply(struct local *l, struct call *c, const struct keyring *keys,
    const struct store_change *v, size_t n) MUST_USE;

enum kms_rc keyring_get(struct local *l, struct call *c, struct keyring *ret) MUST_USE;
void keyring_free(struct keyring *k);
#define auto_keyring __attribute__((cleanup(keyring_free))) struct keyring

/* -- pin.c: PINs and what they open -- */

/* A new way to ROOT. KMS_PIN_LEN. */
enum kms_rc pin_seal(struct slice serial, enum role role, struct slice pin, unsigned log2n,
    unsigned max_failures, struct slice root, struct store_pin *ret) MUST_USE;
/*
 * The root key, if PIN is right; else the try is counted. Gives the token as it was read.
 * KMS_PIN_INCORRECT, KMS_PIN_LOCKED, KMS_PIN_NOT_SET, KMS_NOT_INITIALIZED.
 */
enum kms_rc pin_verify(struct local *l, struct call *c, enum role role, struct slice pin,
    struct store_token *token, struct secret *root) MUST_USE;

/* -- seal.c: rows that cannot be changed unnoticed -- */

/* Seals MATERIAL with all of O's columns. KMS_LOGIN_NEEDED. */
enum kms_rc row_seal(struct call *c, const struct keyring *keys, const struct object *o,
    struct slice material, struct buf *ret) MUST_USE;
/* Checks a row and opens it. KMS_LOGIN_NEEDED, KMS_TAMPERED. */
enum kms_rc row_open(struct call *c, const struct keyring *keys, const struct store_row *row,
    struct secret *ret) MUST_USE;
/* Fetches a row, checks it and opens it. KMS_NOTFOUND, KMS_LOGIN_NEEDED, KMS_TAMPERED. */
enum kms_rc row_get(struct local *l, struct call *c, const struct uid *id, struct keyring *keys,
    struct store_row *row, struct secret *material) MUST_USE;

/* -- rights.c: who may make, see and change what -- */

/* ROLE may see an object of FLAGS: KMS_LOGIN_NEEDED. */
enum kms_rc rights_see(struct call *c, enum role role, uint32_t flags) MUST_USE;
/* ROLE may make O. KMS_LOGIN_NEEDED, KMS_DENIED, KMS_INVALID, KMS_LIMIT. */
enum kms_rc rights_make(struct call *c, enum role role, const struct object *o) MUST_USE;
/* FROM may become TO (of the same kind), by ROLE: no power that was given up comes back.
 * KMS_DENIED, KMS_INVALID. */
enum kms_rc rights_become(struct call *c, enum role role, const struct object *from,
    const struct object *to) MUST_USE;

static inline bool
kind_is_key(enum object_kind kind)
{
	return kind == OBJECT_PRIVATE_KEY || kind == OBJECT_SECRET_KEY;
}

/* -- default_id.c -- */

/* The id that applications see of the private or secret key O when nobody chose one: SHA-1 of the
 * public key in its body, or of its own id. */
enum kms_rc key_default_id(const struct object *o, struct buf *ret) MUST_USE;

/* -- objects.c -- */

enum kms_rc local_find(struct backend *b, struct call *c, const struct object_query *q,
    struct object_refs *ret) MUST_USE;
enum kms_rc local_revision(struct backend *b, struct call *c, const struct uid *id,
    uint64_t *ret) MUST_USE;
enum kms_rc local_get(struct backend *b, struct call *c, const struct uid *id,
    struct object *ret) MUST_USE;
enum kms_rc local_create(struct backend *b, struct call *c, struct object *v,
    const struct slice *material, size_t n) MUST_USE;
enum kms_rc local_generate(struct backend *b, struct call *c, struct object *priv,
    struct object *pub, struct slice e) MUST_USE;
enum kms_rc local_update(struct backend *b, struct call *c, struct object *o,
    const struct slice *material) MUST_USE;
enum kms_rc local_copy(struct backend *b, struct call *c, const struct uid *src,
    struct object *new_object) MUST_USE;
enum kms_rc local_destroy(struct backend *b, struct call *c, const struct uid *ids,
    size_t n) MUST_USE;
enum kms_rc local_export(struct backend *b, struct call *c, const struct uid *id,
    struct secret *ret) MUST_USE;

/* -- keys.c: parsed keys, shared by those who use them -- */

/* Everything but the atomics never changes. They are read without a lock, and written together
 * under the backend's. */
struct backend_key {
	struct hsm *hsm;
	struct hsm_key *key;
	struct uid id;
	enum object_kind kind;
	struct uid master; /* the KMS key that it is a version of; zero: none */
	struct uid under;  /* the KMS key that it is enveloped under; zero: none */
	_Atomic unsigned refs;
	_Atomic uint32_t flags;	 /* FLAG_UNUSABLE too when that key may not be used */
	_Atomic uint32_t stored; /* the flags in the store */
	_Atomic uint64_t revision;
	_Atomic uint64_t checked; /* the generation at which this was found to be so */
	_Atomic bool gone; /* then there was no such object. Material that is imported again comes
			      back under its id, the same material: then there is one again */
};

enum kms_rc local_key_open(struct backend *b, struct call *c, const struct uid *id,
    struct backend_key **ret) MUST_USE;
void local_key_close(struct backend *b, struct backend_key *k);
/* Takes out of the cache: one key, or (ID NULL) all. _locked: and gives what is to be closed
 * without the lock. */
void keys_forget(struct local *l, const struct uid *id);
void keys_take_all_locked(struct local *l, struct backend_key *ret[CACHED_KEYS]);
void keys_close_all(struct backend_key *v[CACHED_KEYS]);
/* K's revision and flags are those of the store at GENERATION. KMS_NOTFOUND: destroyed meanwhile.
 */
enum kms_rc key_revalidate(struct local *l, struct call *c, struct backend_key *k,
    uint64_t generation) MUST_USE;

/* -- gate.c: the one door to key material at work -- */

enum kms_rc gate_begin(struct backend *b, struct call *c, struct backend_key *k, enum use_kind kind,
    const struct alg_params *p, struct use **usep) MUST_USE;
enum kms_rc gate_derive(struct backend *b, struct call *c, struct backend_key *k,
    const struct alg_params *p, struct secret *ret) MUST_USE;
enum kms_rc gate_wrap(struct backend *b, struct call *c, struct backend_key *k,
    const struct alg_params *p, struct backend_key *target, struct buf *ret) MUST_USE;
/* K may be used by who is logged in, and is what the store says. */
enum kms_rc gate_usable(struct local *l, struct call *c, struct backend_key *k) MUST_USE;

/* The key that K is enveloped under may not be used now, and so K neither. */
bool gate_held(struct backend_key *k);
/* K's attributes permit a use of KIND; WRAPS: of keys that nobody is shown, too. */
bool gate_permits(struct backend_key *k, enum use_kind kind, bool wraps);

#endif
