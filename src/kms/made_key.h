/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The KMS keys of what applications make through PKCS#11: each private or secret key that the user
 * makes in the token is the first version of a KMS key, made and destroyed together with it. Keys
 * that nobody logged in for, or the security officer did, have none: its record could not be
 * sealed.
 */
#ifndef KMS_KMS_MADE_KEY_H
#define KMS_KMS_MADE_KEY_H

#include "kms/changes.h"

/* An object about to be stored, and the record of the KMS key that comes with it (kind ENTITY_NONE:
 * none). */
struct made {
	struct store_row row;
	struct store_entity key;
	struct uid under; /* the KMS key that its secret part is enveloped under; zero: the token's,
			     if it has one */
};
void made_free(struct made *m);

/* The KMS key of M's object, a private or secret key with the kept MATERIAL whose id stands; the
 * object is not sealed yet. */
enum kms_rc made_key(struct local *l, struct call *c, const struct keyring *keys,
    struct slice material, struct made *m) MUST_USE;

/* PUB, a public key that is not sealed yet, becomes part of the version whose private half is in
 * the token, if it is. */
enum kms_rc made_key_join(struct local *l, struct call *c, const struct keyring *keys,
    struct object *pub) MUST_USE;
/* Gathers that public keys which are in the token already become part of PRIV's version. */
enum kms_rc made_key_adopt(struct local *l, struct call *c, const struct keyring *keys,
    const struct object *priv, struct changes *changes) MUST_USE;

/*
 * Gathers the destruction of O, a version of a KMS key. The primary one takes the KMS key with
 * it, with its past versions and aliases; public halves stay as keys of their own. KMS_DENIED:
 * protected from deletion. KMS_KEY_STATE: not enabled, so the KMS alone may delete it.
 */
enum kms_rc made_key_destroy(struct local *l, struct call *c, const struct keyring *keys,
    const struct object *o, struct changes *changes) MUST_USE;

#endif
