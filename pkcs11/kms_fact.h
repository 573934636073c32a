/* SPDX-License-Identifier: Apache-2.0 */
/* What the KMS tells of a key: the vendor attributes of kms-pkcs11.h. */
#ifndef KMS_PKCS11_KMS_FACT_H
#define KMS_PKCS11_KMS_FACT_H

#include "pkcs11/catalog.h"

/* One of CKA_KMS_*, as text. CKR_ATTRIBUTE_TYPE_INVALID: the key is none of the KMS's;
 * CKR_ATTRIBUTE_SENSITIVE: the KMS tells it to who is logged in and permitted. */
CK_RV kms_fact(const struct entry *e, struct call *call, CK_ATTRIBUTE_TYPE type,
    struct secret *ret);

#endif
