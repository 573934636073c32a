/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of secrets: each is an entity of its own, encrypted under the secret's KMS key as
 * Encrypt would, so that whoever disables that key stops the secret.
 */
#ifndef KMS_KMS_SECRET_VALUE_H
#define KMS_KMS_SECRET_VALUE_H

#include "kms/act.h"

/* Stored in files: values are never reused or renumbered. */
enum secret_data_type {
	SECRET_DATA_TEXT = 1,
	SECRET_DATA_BINARY = 2, /* base64, as the caller gave it */
};

struct secret_value {
	enum secret_data_type type;
	struct secret data;
};

void secret_value_free(struct secret_value *v);
#define auto_secret_value __attribute__((cleanup(secret_value_free))) struct secret_value

/*
 * The key that NAME (id, ARN or alias) names for a new secret; without a name the service's key,
 * which the first secret makes, durably before anything is encrypted with it. The caller must be
 * permitted kms:GenerateDataKey. E_KeyNotFound, E_AliasNotFound, E_UnsupportedOperation, key
 * states.
 */
enum kms_rc secret_key_pick(struct act *a, struct slice name, struct master_key *ret) MUST_USE;
/* S's key, for WHAT: kms:Decrypt or kms:GenerateDataKey. The same errors. */
enum kms_rc secret_key_load(struct act *a, const struct kms_secret *s, const char *what,
    struct master_key *ret) MUST_USE;

/*
 * Gathers a new version of S, NAME, with DATA encrypted under K, and the removal of one that makes
 * room for it. S changes with it (not yet put); *ID is the new version's.
 */
enum kms_rc secret_value_add(struct act *a, struct kms_secret *s, const struct master_key *k,
    struct slice name, enum secret_data_type type, struct slice data, struct uid *id) MUST_USE;
/* The value of V, a version of S, decrypted with K. */
enum kms_rc secret_value_open(struct act *a, const struct kms_secret *s, const struct master_key *k,
    const struct secret_version *v, struct secret_value *ret) MUST_USE;
/* Gathers the removal of one version's value. */
enum kms_rc secret_value_remove(struct act *a, const struct uid *id) MUST_USE;

#endif
