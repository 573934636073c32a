/* SPDX-License-Identifier: Apache-2.0 */
/* The local backend: the KMS core in this process, over a store and an HSM driver. */
#ifndef KMS_KMS_LOCAL_H
#define KMS_KMS_LOCAL_H

#include "api/backend.h"
#include "base/conf.h"
#include "hsm/hsm.h"

/*
 * Opens the token that CONF describes. Reads nothing but what status needs. The backend is safe for
 * threads; the caller closes it with backend_close. KMS_CONFIG, KMS_IO, KMS_NEWER, KMS_TAMPERED
 * with the reason in C's text.
 */
enum kms_rc local_open(const struct conf_token *conf, struct call *c,
    struct backend **ret) MUST_USE;

/* -- the HSM below a local backend, for people; KMS_NOTSUP where keys are in the store -- */

/* Does it answer, and does it let us in? RET: what it is, a sentence. */
enum kms_rc local_hsm_check(struct backend *b, struct call *c, struct buf *ret) MUST_USE;
/* The keys in it. Those that the token has already are refused. KMS_LOGIN_NEEDED. */
enum kms_rc local_hsm_list(struct backend *b, struct call *c, struct hsm_found_list *ret) MUST_USE;
/*
 * Stores V[0], of FOUND's kind and spec, as an object whose key is FOUND, and V[1] (N = 2), its
 * public half. As create: sets ids and revisions. The key itself is not touched, and stays when the
 * object goes.
 */
enum kms_rc local_hsm_adopt(struct backend *b, struct call *c, struct object *v, size_t n,
    const struct hsm_found *found) MUST_USE;

#endif
