/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that carry actions out, by chapter (act_*.c), as handlers.def names them; and what
 * chapters share. */
#ifndef KMS_KMS_CHAPTERS_H
#define KMS_KMS_CHAPTERS_H

#include "kms/act.h"
#include "kms/secret_value.h"
#include "kms/wrapping.h"

#define HANDLER(action, fn) enum kms_rc fn(struct act *a) MUST_USE;
#include "kms/handlers.def"
#undef HANDLER

/* All that DescribeKey tells of K. */
enum kms_rc act_put_metadata(struct act *a, struct fields *f, const struct master_key *k) MUST_USE;
enum kms_rc key_put_arn(struct act *a, struct fields *f, enum field name,
    const struct uid *id) MUST_USE;
/* The parameter NAME asks for no KMS instance: there is none but this KMS.
 * E_DKMSInstanceNotFound. */
enum kms_rc act_check_instance(struct act *a, enum field name) MUST_USE;
/* KeyId and KeyVersionId: what was used, or is told of. */
enum kms_rc key_put_version(struct fields *f, const struct uid *key,
    const struct uid *version) MUST_USE;
/* K goes to STATE, and its versions with it. Puts K. */
enum kms_rc key_set_state(struct act *a, struct master_key *k, enum key_state state) MUST_USE;
/* The material of a key of origin EXTERNAL is gone, until it is imported again. Puts K. */
enum kms_rc key_drop_material(struct act *a, struct master_key *k) MUST_USE;
/* Automatic rotation on or off; INTERVAL may be empty when off. Does not put K. */
enum kms_rc key_set_rotation(struct act *a, struct master_key *k, bool on,
    struct slice interval) MUST_USE;
/* What the request's WrappingKeySpec and WrappingAlgorithm mean; static storage.
 * E_InvalidParameter. */
enum kms_rc key_pick_wrapping(struct act *a, const struct wrapping **ret) MUST_USE;
/* The CiphertextBlob of the request, made by AsymmetricEncrypt with a->key, opened; which VERSION
 * it was goes to *ID. */
enum kms_rc asymmetric_open(struct act *a, struct slice version, struct slice algorithm,
    struct uid *id, struct secret *ret) MUST_USE;

/* -- of keys and secrets -- */

/* The request's Policy, which must be one. E_InvalidParameter. */
enum kms_rc act_take_policy(struct act *a, struct buf *ret) MUST_USE;

/* The request's ResourceType: whether it is secret, or else key. E_InvalidParameter. */
enum kms_rc tag_read_type(struct act *a, bool *is_secret) MUST_USE;
/* Its Tag.N: what is to be put, or looked for. */
enum kms_rc tag_read_list(struct act *a, struct tags *ret) MUST_USE;

/* -- of secrets -- */

/* S is of a type that is not its callers' affair alone: it has an ExtendedConfig and rotates. */
bool secret_is_managed(const struct act *a, const struct kms_secret *s);
/* The request's VersionId has the form of one. E_InvalidParameter. */
enum kms_rc secret_check_version(struct act *a) MUST_USE;
/* The same, and its SecretDataType. */
enum kms_rc secret_take_data(struct act *a, enum secret_data_type *type) MUST_USE;
/* Automatic rotation on or off; INTERVAL may be empty when off. Does not put S. */
enum kms_rc secret_set_rotation(struct act *a, struct kms_secret *s, bool on,
    struct slice interval) MUST_USE;
/* What DescribeSecret and ListSecrets tell, and what several actions tell of rotation. */
enum kms_rc secret_put_common(struct act *a, struct fields *f, const struct kms_secret *s) MUST_USE;
enum kms_rc secret_put_rotation(struct fields *f, const struct kms_secret *s) MUST_USE;
/* Gather S's object (secret_object.c) as S is now, seen unless S is to be deleted; and its end. Of
 * types other than Generic there is none. */
enum kms_rc secret_object_put(struct act *a, const struct kms_secret *s) MUST_USE;
enum kms_rc secret_object_remove(struct act *a, const struct kms_secret *s) MUST_USE;
/* Gathers the removal of S and all its values. */
enum kms_rc secret_remove(struct act *a, const struct kms_secret *s) MUST_USE;

#endif
