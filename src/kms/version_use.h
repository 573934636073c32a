/* SPDX-License-Identifier: Apache-2.0 */
/* A version of a KMS key at work for an action, which has been permitted already. */
#ifndef KMS_KMS_VERSION_USE_H
#define KMS_KMS_VERSION_USE_H

#include "kms/act.h"

/* IN through VERSION of K by P, once; what comes out has at most CAP bytes, *LEN are given. What an
 * application made is used as its attributes permit: E_UnsupportedOperation. */
enum kms_rc version_use(struct act *a, const struct master_key *k, const struct uid *version,
    enum use_kind kind, const struct alg_params *p, struct slice in, uint8_t *out, size_t cap,
    size_t *len) MUST_USE;

/* Whether SIG is IN's. KMS_BAD_SIGNATURE, KMS_SIGNATURE_LEN. */
enum kms_rc version_check(struct act *a, const struct master_key *k, const struct uid *version,
    const struct alg_params *p, struct slice in, struct slice sig) MUST_USE;

/* The public half of a version: its SubjectPublicKeyInfo, and parsed. */
enum kms_rc version_public(struct act *a, const struct uid *version, struct buf *spki,
    struct ckey **ret) MUST_USE;

/* A key at hand (K NULL for none) used once, in the same way. */
enum kms_rc ckey_use(struct ckey *k, enum use_kind kind, const struct alg_params *p,
    struct slice in, uint8_t *out, size_t cap, size_t *len) MUST_USE;

#endif
