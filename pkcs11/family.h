/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key families, one a construction (RSA, EC, secret keys): how a template becomes a key, and which
 * attributes show a key's parts. Rows of one table each; object.c and keys.c walk them.
 */
#ifndef KMS_PKCS11_FAMILY_H
#define KMS_PKCS11_FAMILY_H

#include "api/object.h"
#include "crypto/crypto.h"
#include "pkcs11/attr.h"

struct key_family {
	CK_KEY_TYPE ckk;
	enum key_type type;
	const char *name;
	/* C_CreateObject: the key that the template's components make. CKR_TEMPLATE_INCOMPLETE,
	 * CKR_ATTRIBUTE_VALUE_INVALID. */
	CK_RV (*create)(enum object_kind kind, const struct attrs *t, struct ckey **ret);
	/* Generation: what the public (pairs) or only template, whose rules have been checked, asks
	 * for, whether or not any mechanism can do it; E is the RSA exponent, borrowed from T. */
	CK_RV (*spec)(const struct attrs *t, struct key_spec *ret, struct slice *e);
	/* One attribute that shows a part of a public or private key. CKR_ATTRIBUTE_TYPE_INVALID:
	 * not one of this family's. */
	CK_RV (*part)(const struct ckey *k, CK_ATTRIBUTE_TYPE type, struct secret *ret);
};

/* A point as the standard gives it (DER OCTET STRING) or bare: the bare point, of POINT_LEN bytes;
 * anything else comes back as is. */
struct slice ec_point_unwrap(struct slice s, size_t point_len);

/* Are keys of this family objects of that kind? */
static inline bool
family_makes(const struct key_family *f, enum object_kind kind)
{
	return key_type_is_secret(f->type)
	    ? kind == OBJECT_SECRET_KEY
	    : kind == OBJECT_PRIVATE_KEY || kind == OBJECT_PUBLIC_KEY;
}

/* NULL when we do not have that type. */
const struct key_family *family_of_ckk(CK_KEY_TYPE ckk);
const struct key_family *family_of_type(enum key_type type);

#endif
