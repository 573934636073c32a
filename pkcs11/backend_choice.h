/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where the face meets implementations of the backend. */
#ifndef KMS_PKCS11_BACKEND_CHOICE_H
#define KMS_PKCS11_BACKEND_CHOICE_H

#include "api/backend.h"
#include "base/conf.h"

/* Opens the backend that the token's section names. Errors as local_open. */
enum kms_rc backend_choose(const struct conf_token *conf, struct call *call,
    struct backend **ret) MUST_USE;

#endif
