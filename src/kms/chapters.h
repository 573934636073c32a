/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that carry actions out, by chapter (act_*.c), as handlers.def names them; and what
 * chapters share. */
#ifndef KMS_KMS_CHAPTERS_H
#define KMS_KMS_CHAPTERS_H

#include "kms/act.h"

#define HANDLER(action, fn) enum kms_rc fn(struct act *a) MUST_USE;
#include "kms/handlers.def"
#undef HANDLER

/* All that DescribeKey tells of K. */
enum kms_rc act_put_metadata(struct act *a, struct fields *f, const struct master_key *k) MUST_USE;
/* K goes to STATE, and its versions with it. Puts K. */
enum kms_rc key_set_state(struct act *a, struct master_key *k, enum key_state state) MUST_USE;
/* The material of a key of origin EXTERNAL is gone, until it is imported again. Puts K. */
enum kms_rc key_drop_material(struct act *a, struct master_key *k) MUST_USE;
/* Automatic rotation on or off; INTERVAL may be empty when off. Does not put K. */
enum kms_rc key_set_rotation(struct act *a, struct master_key *k, bool on,
    struct slice interval) MUST_USE;
/* The CiphertextBlob of the request, made by AsymmetricEncrypt with a->key, opened; which VERSION
 * it was goes to *ID. */
enum kms_rc asymmetric_open(struct act *a, struct slice version, struct slice algorithm,
    struct uid *id, struct secret *ret) MUST_USE;

#endif
