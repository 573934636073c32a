/* SPDX-License-Identifier: Apache-2.0 */
/* CKM_KMS_ENCRYPT: keys used by the KMS's own actions, Encrypt and Decrypt, whatever backend
 * carries them out. */
#ifndef KMS_PKCS11_KMS_USE_H
#define KMS_PKCS11_KMS_USE_H

#include "pkcs11/catalog.h"

/* As backend_begin, for ALG_KMS; KIND is USE_ENCRYPT or USE_DECRYPT. KMS_DENIED: KEY is none of the
 * KMS's, but the application's own. */
enum kms_rc kms_use_begin(const struct entry *key, enum use_kind kind, const struct alg_params *p,
    struct use **usep) MUST_USE;

#endif
