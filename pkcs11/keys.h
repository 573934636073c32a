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
 * The template T with what KEY demands of its offspring added to it (TYPE: CKA_UNWRAP_TEMPLATE or
 * CKA_DERIVE_TEMPLATE): CKR_TEMPLATE_INCONSISTENT when T contradicts it. The values stay with T and
 * KEY.
 */
CK_RV keys_inherit(const struct entry *key, CK_ATTRIBUTE_TYPE type, const struct attrs *t,
    struct attrs *ret);

/*
 * A key out of bytes (unwrapped or derived): class and key type by the template. FROM is the key
 * that it was derived from, NULL when unwrapped.
 */
CK_RV keys_make(struct session *s, const struct attrs *t, const struct entry *from,
    struct slice bytes, CK_OBJECT_HANDLE *ret);

/* The length that the template asks of a secret key; 0 when it does not say. */
CK_RV keys_wanted_len(const struct attrs *t, size_t *ret);

#endif
