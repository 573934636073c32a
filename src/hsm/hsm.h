/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where key material is generated and used. `soft`: in this process, on libcrypto; the material is
 * sealed by the core and kept in the store. `token`: inside a PKCS#11 HSM; what is sealed and kept
 * is a reference to it.
 */
#ifndef KMS_HSM_HSM_H
#define KMS_HSM_HSM_H

#include "api/backend.h"
#include "base/conf.h"

struct hsm;
struct hsm_key;

/* A key that was in the HSM before us. */
struct hsm_found {
	struct object o;	/* kind, spec, flags, label, app_id (its id there), body; no id */
	struct secret material; /* what is kept of it when it is adopted */
	const char *refused;	/* why it cannot be; NULL: it can. Static storage */
};

struct hsm_found_list {
	struct hsm_found *v;
	size_t n;
};
void hsm_found_free(struct hsm_found_list *l);
#define auto_hsm_found __attribute__((cleanup(hsm_found_free))) struct hsm_found_list

/* Methods that a driver lacks are NULL: see each. */
struct hsm_ops {
	const char *name;
	void (*close)(struct hsm *h);
	/* As backend_caps. */
	const struct key_caps *(*caps)(struct hsm *h);
	/*
	 * Generates a key for O, of which spec, flags and label are looked at (and nothing is
	 * changed). Gives what the core seals and keeps, and the public half (SPKI; check value of
	 * secret keys).
	 */
	enum kms_rc (*generate)(struct hsm *h, struct call *c, const struct object *o,
	    struct slice e, struct secret *material, struct buf *spki);
	/* Checks material that comes from outside against O's spec (KMS_BAD_DATA), and gives what
	 * is kept and the public half. KMS_NOTSUP: this HSM takes none. */
	enum kms_rc (*import)(struct hsm *h, struct call *c, const struct object *o,
	    struct slice outside, struct secret *material, struct buf *spki);
	/* What is kept for O, a second object with the key of MATERIAL. NULL: the same (never where
	 * keys are destroyed). */
	enum kms_rc (*copy)(struct hsm *h, struct call *c, const struct object *o,
	    struct slice material, struct secret *ret);
	/*
	 * The last object with this material is gone, or never came to be: so goes the key. What
	 * fails here leaves a key behind that no object knows. NULL: there is nothing but the
	 * material.
	 */
	enum kms_rc (*destroy)(struct hsm *h, struct call *c, const struct key_spec *spec,
	    struct slice material);
	/* The other way of import; KMS_DENIED where the HSM keeps it. */
	enum kms_rc (*export_material)(struct hsm *h, struct call *c, const struct key_spec *spec,
	    struct slice material, struct secret *ret);
	/* Parses kept material once; counted by whoever holds it: one hsm_key_close for each. */
	enum kms_rc (*key_open)(struct hsm *h, struct call *c, const struct key_spec *spec,
	    struct slice material, struct hsm_key **ret);
	void (*key_close)(struct hsm *h, struct hsm_key *k);
	/* As struct backend_ops. */
	enum kms_rc (*begin)(struct hsm *h, struct call *c, struct hsm_key *k, enum use_kind kind,
	    const struct alg_params *p, struct use **usep);
	enum kms_rc (*derive)(struct hsm *h, struct call *c, struct hsm_key *k,
	    const struct alg_params *p, struct secret *ret);
	/* NULL where material comes out. */
	enum kms_rc (*wrap)(struct hsm *h, struct call *c, struct hsm_key *k,
	    const struct alg_params *p, struct hsm_key *target, struct buf *ret);

	/* -- for people; NULL where there is no device -- */
	/* Does it answer, and does it know us? RET: what it is, a sentence. */
	enum kms_rc (*check)(struct hsm *h, struct call *c, struct buf *ret);
	/* All keys in the HSM; and whether two materials are of the same one. */
	enum kms_rc (*list)(struct hsm *h, struct call *c, struct hsm_found_list *ret);
	bool (*same)(struct slice material, struct slice other);
};

/* First member of each driver. */
struct hsm {
	const struct hsm_ops *ops;
};

/* The soft driver; stateless, never NULL. */
struct hsm *hsm_soft(void);

/*
 * The token driver for what CONF names (hsm = pkcs11:...). Loads the HSM's library; an HSM that
 * does not answer now may do so later. KMS_CONFIG with the reason in C's text. Closed by
 * ops->close.
 */
enum kms_rc hsm_token(const struct conf_token *conf, struct call *c, struct hsm **ret) MUST_USE;

#endif
