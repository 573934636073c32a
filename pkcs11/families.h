/* SPDX-License-Identifier: Apache-2.0 */
/* What the family files share, and the rows that family.c lists. */
#ifndef KMS_PKCS11_FAMILIES_H
#define KMS_PKCS11_FAMILIES_H

#include "pkcs11/family.h"

extern const struct key_family key_family_rsa, key_family_ec, key_family_edwards, key_family_aes,
    key_family_generic, key_family_sm2, key_family_sm4;

/* How making a key from a template's numbers failed, in the template's terms. */
CK_RV family_made(enum kms_rc rc);

#endif
