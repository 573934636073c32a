/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entities that cannot be changed unnoticed: body and columns are bound into a seal under the root
 * key, which also hides the secret part. Whoever reads or changes one must be logged in.
 */
#ifndef KMS_KMS_ENTITY_H
#define KMS_KMS_ENTITY_H

#include "kms/core.h"

/* A new one of KIND, revision 1, with a random id, made at NOW. Not yet sealed. */
enum kms_rc entity_new(enum entity_kind kind, int64_t now, struct store_entity *ret) MUST_USE;

/*
 * Seals E as it stands, with SECRET_PART (may be empty) inside. Before an update count the revision
 * up first. KMS_LOGIN_NEEDED.
 */
enum kms_rc entity_seal(struct call *c, const struct keyring *keys, struct store_entity *e,
    struct slice secret_part) MUST_USE;

/* Checks E's seal, and opens what is secret in it (SECRET_PART may be NULL). KMS_TAMPERED,
 * KMS_LOGIN_NEEDED. */
enum kms_rc entity_open(struct call *c, const struct keyring *keys, const struct store_entity *e,
    struct secret *secret_part) MUST_USE;

#endif
