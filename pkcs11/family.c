/* SPDX-License-Identifier: Apache-2.0 */
/* The list of key families. To add one: a fam_*.c file, a row here, its attributes in rules.def,
 * its mechanisms in mech.def. */
#include "pkcs11/families.h"
#include "pkcs11/rv.h"

static const struct key_family *const families[] = {
	&key_family_rsa,
	&key_family_ec,
	&key_family_edwards,
	&key_family_aes,
	&key_family_generic,
	&key_family_sm2,
	&key_family_sm4,
};

const struct key_family *
family_of_ckk(CK_KEY_TYPE ckk)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(families); i++)
		if (families[i]->ckk == ckk)
			return families[i];
	return NULL;
}

const struct key_family *
family_of_type(enum key_type type)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(families); i++)
		if (families[i]->type == type)
			return families[i];
	return NULL;
}

CK_RV
family_made(enum kms_rc rc)
{
	if (rc == KMS_OK || rc == KMS_NOMEM || rc == KMS_INTERNAL)
		return rv_of(rc);
	return rc == KMS_NOTFOUND ? CKR_ATTRIBUTE_TYPE_INVALID : CKR_ATTRIBUTE_VALUE_INVALID;
}
