/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets of the KMS as data objects: made, read, changed and destroyed by the KMS's own actions,
 * whatever backend carries them out. */
#ifndef KMS_PKCS11_KMS_SECRET_H
#define KMS_PKCS11_KMS_SECRET_H

#include "pkcs11/object.h"

/* O, which a template is about to make, asks to be one by its CKA_APPLICATION. */
bool kms_secret_wanted(const struct attrs *t, const struct object *o);
/* CreateSecret by template T, which O has been made of. CKR_TEMPLATE_INCONSISTENT: it asks for what
 * no secret has. */
CK_RV kms_secret_create(struct session *s, const struct attrs *t, const struct object *o,
    CK_OBJECT_HANDLE *ret);

/* Of E, whose object is one: the value that is current now; another; the end of all its versions.
 */
CK_RV kms_secret_get(struct entry *e, struct call *call, struct secret *ret);
CK_RV kms_secret_put(struct session *s, struct entry *e, const struct attrs *t);
enum kms_rc kms_secret_delete(struct entry *e, struct call *call) MUST_USE;

#endif
