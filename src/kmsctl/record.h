/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects as PKCS#11 applications expect them: rights of new keys, and the record of attributes
 * that the module keeps with an object. The one place where kmsctl knows PKCS#11 attributes.
 */
#ifndef KMS_KMSCTL_RECORD_H
#define KMS_KMSCTL_RECORD_H

#include "api/object.h"

/* Whether a key is made on the token or comes from outside, and whether other keys may wrap it. */
struct key_origin {
	bool local, extractable;
};

/* Fills O (zeroed) for a key of KIND and SPEC: rights, label, id, attributes. */
enum kms_rc record_key(enum object_kind kind, const struct key_spec *spec, struct key_origin origin,
    struct slice label, struct slice id, struct object *o) MUST_USE;

/* Fills O (zeroed) for the certificate DER. KMS_BAD_DATA: it is none. */
enum kms_rc record_certificate(struct slice der, struct slice label, struct slice id,
    struct object *o) MUST_USE;

#endif
