/* SPDX-License-Identifier: Apache-2.0 */
/* The value that a secret gets when it is rotated: the present one with another password in it. */
#ifndef KMS_KMS_SECRET_NEXT_H
#define KMS_KMS_SECRET_NEXT_H

#include "base/secret.h"

/*
 * The password in VALUE: the string AccountPassword, Password or password of a JSON object, as it
 * stands there between its quotes, or the whole of what is no JSON. KMS_NOTSUP: a JSON object (or
 * list) without any of them.
 */
enum kms_rc secret_password(struct slice value, struct slice *ret) MUST_USE;

/* VALUE with a new random password in the place of the one it has. KMS_NOTSUP. */
enum kms_rc secret_next(struct slice value, struct secret *ret) MUST_USE;

#endif
