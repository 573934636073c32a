/* SPDX-License-Identifier: Apache-2.0 */
/* The two forms of an ECDSA signature: r || s of fixed width, as PKCS#11 has it, and SEQUENCE { r,
 * s } as everybody else. */
#ifndef KMS_CRYPTO_ECDSA_DER_H
#define KMS_CRYPTO_ECDSA_DER_H

#include "base/buf.h"

/* RS is r and s side by side, of one width. */
enum kms_rc ecdsa_to_der(struct slice rs, struct buf *ret) MUST_USE;

/* Each WIDTH bytes wide. KMS_BAD_DATA: not such a signature, or too large a number. */
enum kms_rc ecdsa_from_der(struct slice der, size_t width, struct buf *ret) MUST_USE;

#endif
