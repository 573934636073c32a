/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects under a master key: the secret part of what is made in a token with a master-key is
 * encrypted under that KMS key before it is sealed, so that the object works as long as the KMS
 * lets that key be used, and no longer. Only private objects: the others need no login, which the
 * KMS does.
 */
#ifndef KMS_KMS_UNDER_H
#define KMS_KMS_UNDER_H

#include "kms/core.h"

/*
 * Envelopes MATERIAL, the secret part of O whose id stands, under KEY, or (zero) under the token's
 * master-key; O gets FLAG_ENVELOPED. As it is when there is neither, or nothing to hide.
 * KMS_KEY_STATE, KMS_DENIED; KMS_CONFIG: master-key is none that can be used so.
 */
enum kms_rc under_seal(struct local *l, struct call *c, const struct uid *key, struct object *o,
    struct secret *material) MUST_USE;

/* Opens MATERIAL of O, if it is enveloped; *KEY (may be NULL) is under which key, zero under none.
 * KMS_KEY_STATE, KMS_DENIED: that key may not be used; KMS_TAMPERED. */
enum kms_rc under_open(struct local *l, struct call *c, const struct object *o,
    struct secret *material, struct uid *key) MUST_USE;

/* As under_open, though the key may not be used: for finding what O is of in the HSM, not for using
 * it. KMS_KEY_STATE: that key is gone. */
enum kms_rc under_find(struct local *l, struct call *c, const struct object *o,
    struct secret *material) MUST_USE;

/* The key that MATERIAL of O is enveloped under, without opening it; zero: none. KMS_TAMPERED. */
enum kms_rc under_key(const struct object *o, struct slice material, struct uid *key) MUST_USE;

/* Whether what is under KEY may not be used now: it is disabled, denied, or gone. */
enum kms_rc under_held(struct local *l, struct call *c, const struct uid *key, bool *held) MUST_USE;

#endif
