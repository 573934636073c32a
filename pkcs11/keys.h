/* SPDX-License-Identifier: Apache-2.0 */
/* What generation, unwrapping and derivation of keys share. */
#ifndef KMS_PKCS11_KEYS_H
#define KMS_PKCS11_KEYS_H

#include "pkcs11/family.h"
#include "pkcs11/object.h"
#include "pkcs11/schema.h"

/* The row of a key-management mechanism with one of FLAGS, offered by the session's token:
 * CKR_MECHANISM_INVALID. */
CK_RV keys_mech(const struct session *s, const CK_MECHANISM *m, CK_FLAGS flags,
    const struct mech **ret);

/*
 * A key out of bytes (unwrapped or derived): class and key type by the template, what INHERITED (a
 * flat record: CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE; may be empty) demands added to it. FROM is
 * the key that it was derived from, NULL when unwrapped.
 */
CK_RV keys_make(struct session *s, const struct attrs *t, struct slice inherited,
    const struct entry *from, struct slice bytes, CK_OBJECT_HANDLE *ret);

/* The length that the template asks of a secret key; 0 when it does not say. */
CK_RV keys_wanted_len(const struct attrs *t, size_t *ret);

#endif
