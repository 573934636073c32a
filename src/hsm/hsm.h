/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where key material is generated and used. `soft`: in this process, on libcrypto; the material is
 * sealed by the core and kept in the store. `token` (later): inside another PKCS#11 HSM; the
 * material is a reference to it.
 */
#ifndef KMS_HSM_HSM_H
#define KMS_HSM_HSM_H

#include "api/backend.h"

struct hsm;
struct hsm_key;

struct hsm_ops {
	const char *name;
	void (*close)(struct hsm *h);
	/* Generates; gives what the core seals and keeps, and the public half (SPKI; check value of
	 * secret keys). */
	enum kms_rc (*generate)(struct hsm *h, struct call *c, const struct key_spec *spec,
	    struct slice e, struct secret *material, struct buf *spki);
	/* Checks material that comes from outside against SPEC (KMS_BAD_DATA), and gives what is
	 * kept and the public half. */
	enum kms_rc (*import)(struct hsm *h, struct call *c, const struct key_spec *spec,
	    struct slice outside, struct secret *material, struct buf *spki);
	/* The other way; KMS_DENIED where the HSM keeps it. */
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
};

/* First member of each driver. */
struct hsm {
	const struct hsm_ops *ops;
	bool in_hardware; /* its keys never leave a device: the KMS's protection level HSM */
};

/* The soft driver; stateless, never NULL. */
struct hsm *hsm_soft(void);

#endif
