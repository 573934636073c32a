/* SPDX-License-Identifier: Apache-2.0 */
/* The local backend: the KMS core in this process, over a store and an HSM driver. */
#ifndef KMS_KMS_LOCAL_H
#define KMS_KMS_LOCAL_H

#include "api/backend.h"
#include "base/conf.h"

/*
 * Opens the token that CONF describes. Reads nothing but what status needs. The backend is safe for
 * threads; the caller closes it with backend_close. KMS_CONFIG, KMS_IO, KMS_NEWER, KMS_TAMPERED
 * with the reason in C's text.
 */
enum kms_rc local_open(const struct conf_token *conf, struct call *c,
    struct backend **ret) MUST_USE;

#endif
