/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between the PKCS#11 face (and kmsctl) and whatever holds the keys. Speaks objects,
 * keys and algorithms, never CK_*. Every method is plain data in, plain data out, so that a pipe or
 * HTTPS is just one more implementation. Callers use the backend_*() functions, never ops directly.
 */
#ifndef KMS_API_BACKEND_H
#define KMS_API_BACKEND_H

#include "api/action.h"
#include "api/caller.h"
#include "api/object.h"
#include "api/use.h"

struct backend;
struct backend_key;
/*
 * What a backend remembers of somebody who uses keys one after another, such as a session, so that
 * his repeated uses can be recorded together. One thread's at a time.
 */
struct backend_uses;

/* One call: how long it may take, who asks, and what went wrong. Zeroed, it has no deadline. */
struct call {
	uint64_t deadline_ms;	  /* of os_monotonic_ms(); 0 is none */
	const struct caller *who; /* NULL: this process, as whoever is logged in */
	struct backend_uses *
	    *uses;  /* of whoever uses keys; the backend fills it in. NULL: nobody's */
	bool wraps; /* what is encrypted or decrypted is a key that the caller does not show */
	enum api_error error; /* of an action that was refused by name */
	struct err err;
};

enum role { ROLE_NONE, ROLE_USER, ROLE_SO };

/* What can be told about a token. Filled from memory wherever the facts cannot have changed. */
struct token_status {
	bool initialized;
	bool user_pin_set;
	bool read_only;
	char label[33];	 /* NUL-terminated, no padding */
	char serial[17]; /* 16 hex digits, unique a token */
	bool user_count_low, user_final_try, user_locked;
	bool so_count_low, so_final_try, so_locked;
};

#define PIN_MIN 4
#define PIN_MAX 255

/*
 * What a backend can do with the private and secret keys that it holds. Of a pair's other half,
 * which everybody may do for himself, nothing is said.
 */
#define CAN(kind)  (1u << (kind)) /* of enum use_kind */
#define CAN_DERIVE CAN(USE_KINDS)
struct key_caps {
	uint8_t uses[ALG_END][DIGEST_END]; /* bits CAN() */
	uint32_t makes;			   /* key types that it generates: 1 << enum key_type */
	struct {
		uint32_t min, max;
	} bits[KEY_TYPE_END]; /* of keys; 0: no limit but the algorithm's own */
	bool inside; /* material never comes out: keys are sensitive, and wrapped by wrap() */
};
/* Everything there is. */
extern const struct key_caps key_caps_all;

struct backend_ops {
	const char *name;
	/* Releases everything; nothing is in use any more. */
	void (*close)(struct backend *b);
	/* Costs nothing and never fails; valid as long as the backend. May become more exact once,
	 * when what is behind it has first been seen. NULL: key_caps_all. */
	const struct key_caps *(*caps)(struct backend *b);

	/* -- the token -- */
	enum kms_rc (*status)(struct backend *b, struct call *c, struct token_status *ret);
	/* Makes or wipes the token. On an initialised one SO_PIN must be the present SO PIN. */
	enum kms_rc (*init_token)(struct backend *b, struct call *c, struct slice label,
	    struct slice so_pin);
	/* NAME is empty but for C_LoginUser. */
	enum kms_rc (*login)(struct backend *b, struct call *c, enum role role, struct slice name,
	    struct slice pin);
	/* Verifies the user PIN again without changing the login (context-specific login). */
	enum kms_rc (*reauthenticate)(struct backend *b, struct call *c, struct slice pin);
	void (*logout)(struct backend *b);
	/* Who is logged in, at the cost of a load. A login also ends by itself, when the token is
	 * found to have been made anew by somebody else. */
	enum role (*role)(struct backend *b);
	/* As SO: sets the user PIN and clears its counter. */
	enum kms_rc (*init_pin)(struct backend *b, struct call *c, struct slice pin);
	enum kms_rc (*set_pin)(struct backend *b, struct call *c, enum role role,
	    struct slice old_pin, struct slice new_pin);

	/* -- objects -- */
	/*
	 * A number that moves whenever objects may have changed, by anybody. Costs nothing when
	 * asked again within the cache's life; never fails.
	 */
	uint64_t (*generation)(struct backend *b);
	enum kms_rc (*find)(struct backend *b, struct call *c, const struct object_query *q,
	    struct object_refs *ret);
	/* Current revision alone (KMS_NOTFOUND), and the whole object. A damaged object is
	 * KMS_TAMPERED. */
	enum kms_rc (*revision)(struct backend *b, struct call *c, const struct uid *id,
	    uint64_t *ret);
	enum kms_rc (*get)(struct backend *b, struct call *c, const struct uid *id,
	    struct object *ret);
	/*
	 * Stores N objects at once or none. V[i].id and revision are set by the backend.
	 * MATERIAL[i] is the secret part: PKCS#8 DER of a private key, the bytes of a secret key,
	 * the value of private data; empty for others.
	 */
	enum kms_rc (*create)(struct backend *b, struct call *c, struct object *v,
	    const struct slice *material, size_t n);
	/*
	 * Generates a key of PRIV's (private or secret) spec and stores it, and PUB (NULL for
	 * secret keys), at once. Sets ids, revisions and bodies. RSA: E is the public exponent,
	 * big-endian.
	 */
	enum kms_rc (*generate)(struct backend *b, struct call *c, struct object *priv,
	    struct object *pub, struct slice e);
	/*
	 * Replaces label, app_id, subject, flags, attrs and (data) body; KMS_CONFLICT unless
	 * O->revision is current, which is then counted up. MATERIAL is a new value of private
	 * data, or NULL to keep it.
	 */
	enum kms_rc (*update)(struct backend *b, struct call *c, struct object *o,
	    const struct slice *material);
	/* As create for a copy of SRC's material under NEW's rights; NEW's kind and spec equal
	 * SRC's. */
	enum kms_rc (*copy)(struct backend *b, struct call *c, const struct uid *src,
	    struct object *new_object);
	/* Deletes N objects at once or none. KMS_NOTFOUND, KMS_DENIED, KMS_LOGIN_NEEDED. */
	enum kms_rc (*destroy)(struct backend *b, struct call *c, const struct uid *ids, size_t n);
	/*
	 * The material, for wrapping and for reading what is not sensitive. KMS_DENIED unless
	 * FLAG_EXTRACTABLE (keys); private data always.
	 */
	enum kms_rc (*export_material)(struct backend *b, struct call *c, const struct uid *id,
	    struct secret *ret);

	/* -- the KMS's actions -- */
	/*
	 * Carries out A. REQ is checked here; RES is empty, and filled on success. On failure
	 * c->error is the API's name for it.
	 */
	enum kms_rc (*act)(struct backend *b, struct call *c, enum action a,
	    const struct fields *req, struct fields *res);

	/* -- keys at work -- */
	/* A counted handle to a private or secret key, parsed once. Survives the object's
	 * destruction. */
	enum kms_rc (*key_open)(struct backend *b, struct call *c, const struct uid *id,
	    struct backend_key **ret);
	void (*key_close)(struct backend *b, struct backend_key *k);
	/*
	 * Begins a use. *USEP may hold a finished use of the same key, kind and alg, made by this
	 * backend: it is used again, or freed and replaced. On error *USEP is NULL (and what it
	 * held is freed).
	 */
	enum kms_rc (*begin)(struct backend *b, struct call *c, struct backend_key *k,
	    enum use_kind kind, const struct alg_params *p, struct use **usep);
	/* ECDH: the raw shared secret, as wide as the field. */
	enum kms_rc (*derive)(struct backend *b, struct call *c, struct backend_key *k,
	    const struct alg_params *p, struct secret *ret);
	/* Before the backend is closed. */
	void (*uses_close)(struct backend *b, struct backend_uses *u);
	/*
	 * Wraps TARGET, which is extractable, under K where both are kept and the material does not
	 * come out. KMS_NOTSUP: it does; export it and encrypt it.
	 */
	enum kms_rc (*wrap)(struct backend *b, struct call *c, struct backend_key *k,
	    const struct alg_params *p, struct backend_key *target, struct buf *ret);
};

/* First member of each implementation. */
struct backend {
	const struct backend_ops *ops;
	size_t blob_extra; /* bytes that the cipher text of Encrypt has more than the plain text */
};

/* The methods by name. A method that an implementation lacks is KMS_NOTSUP. No lock is needed
 * around any of them: every implementation takes calls from many threads at once; but a use is one
 * thread's at a time. */
void backend_close(struct backend *b);
const struct key_caps *backend_caps(struct backend *b);
enum kms_rc backend_status(struct backend *b, struct call *c, struct token_status *ret) MUST_USE;
enum kms_rc backend_init_token(struct backend *b, struct call *c, struct slice label,
    struct slice so_pin) MUST_USE;
enum kms_rc backend_login(struct backend *b, struct call *c, enum role role, struct slice name,
    struct slice pin) MUST_USE;
enum kms_rc backend_reauthenticate(struct backend *b, struct call *c, struct slice pin) MUST_USE;
void backend_logout(struct backend *b);
enum role backend_role(struct backend *b);
enum kms_rc backend_init_pin(struct backend *b, struct call *c, struct slice pin) MUST_USE;
enum kms_rc backend_set_pin(struct backend *b, struct call *c, enum role role, struct slice old_pin,
    struct slice new_pin) MUST_USE;
uint64_t backend_generation(struct backend *b);
enum kms_rc backend_find(struct backend *b, struct call *c, const struct object_query *q,
    struct object_refs *ret) MUST_USE;
enum kms_rc backend_revision(struct backend *b, struct call *c, const struct uid *id,
    uint64_t *ret) MUST_USE;
enum kms_rc backend_get(struct backend *b, struct call *c, const struct uid *id,
    struct object *ret) MUST_USE;
enum kms_rc backend_create(struct backend *b, struct call *c, struct object *v,
    const struct slice *material, size_t n) MUST_USE;
enum kms_rc backend_generate(struct backend *b, struct call *c, struct object *priv,
    struct object *pub, struct slice e) MUST_USE;
enum kms_rc backend_update(struct backend *b, struct call *c, struct object *o,
    const struct slice *material) MUST_USE;
enum kms_rc backend_copy(struct backend *b, struct call *c, const struct uid *src,
    struct object *new_object) MUST_USE;
enum kms_rc backend_destroy(struct backend *b, struct call *c, const struct uid *ids,
    size_t n) MUST_USE;
enum kms_rc backend_export(struct backend *b, struct call *c, const struct uid *id,
    struct secret *ret) MUST_USE;
enum kms_rc backend_act(struct backend *b, struct call *c, enum action a, const struct fields *req,
    struct fields *res) MUST_USE;
enum kms_rc backend_key_open(struct backend *b, struct call *c, const struct uid *id,
    struct backend_key **ret) MUST_USE;
void backend_key_close(struct backend *b, struct backend_key *k);
enum kms_rc backend_begin(struct backend *b, struct call *c, struct backend_key *k,
    enum use_kind kind, const struct alg_params *p, struct use **usep) MUST_USE;
enum kms_rc backend_derive(struct backend *b, struct call *c, struct backend_key *k,
    const struct alg_params *p, struct secret *ret) MUST_USE;
/* Takes NULL. */
void backend_uses_close(struct backend *b, struct backend_uses *u);
enum kms_rc backend_wrap(struct backend *b, struct call *c, struct backend_key *k,
    const struct alg_params *p, struct backend_key *target, struct buf *ret) MUST_USE;

/* Sets the call's error text; returns RC. C may be NULL. */
#define call_fail(c, rc, ...) err_set((c) == NULL ? NULL : &(c)->err, (rc), __VA_ARGS__)

/* Refuses by the API's name, with a sentence; returns the rc that goes with it. C may be NULL. */
enum kms_rc call_refuse(struct call *c, enum api_error e, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
