/* SPDX-License-Identifier: Apache-2.0 */
/* Secret keys: AES, SM4 and generic secrets, from a value or of a length. PKCS#11 6.8, 6.13. */
#include "pkcs11/families.h"
#include "pkcs11/rv.h"

#define GENERIC_MAX 8192 /* bytes, mech.def says so in bits; longer secrets are data, not keys */

static CK_RV
create_type(enum key_type type, enum object_kind kind, const struct attrs *t, struct ckey **ret)
{
	const struct attr *value = attrs_get(t, CKA_VALUE);
	CK_ULONG len;

	if (kind != OBJECT_SECRET_KEY)
		return CKR_TEMPLATE_INCONSISTENT;
	if (value == NULL)
		return CKR_TEMPLATE_INCOMPLETE;
	TRY_RV(attrs_ulong(t, CKA_VALUE_LEN, value->value.len, &len));
	if (len != value->value.len)
		return CKR_TEMPLATE_INCONSISTENT;
	if (len == 0 || len > GENERIC_MAX)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return family_made(ckey_from_secret(type, value->value, ret));
}

static CK_RV
create_aes(enum object_kind kind, const struct attrs *t, struct ckey **ret)
{
	return create_type(KEY_AES, kind, t, ret);
}

static CK_RV
create_generic(enum object_kind kind, const struct attrs *t, struct ckey **ret)
{
	return create_type(KEY_GENERIC, kind, t, ret);
}

static CK_RV
create_sm4(enum object_kind kind, const struct attrs *t, struct ckey **ret)
{
	return create_type(KEY_SM4, kind, t, ret);
}

static CK_RV
spec_type(enum key_type type, const struct attrs *t, struct key_spec *ret)
{
	CK_ULONG len;

	TRY_RV(attrs_ulong(t, CKA_VALUE_LEN, 0, &len));
	if (type == KEY_AES	  ? len != 16 && len != 24 && len != 32
		: type == KEY_SM4 ? len != 16
				  : len == 0 || len > GENERIC_MAX)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	*ret = (struct key_spec){ .type = type, .bits = (uint32_t)len * 8 };
	return CKR_OK;
}

static CK_RV
spec_aes(const struct attrs *t, struct key_spec *ret, struct slice *e)
{
	*e = (struct slice){ 0 };
	return spec_type(KEY_AES, t, ret);
}

static CK_RV
spec_generic(const struct attrs *t, struct key_spec *ret, struct slice *e)
{
	*e = (struct slice){ 0 };
	return spec_type(KEY_GENERIC, t, ret);
}

static CK_RV
spec_sm4(const struct attrs *t, struct key_spec *ret, struct slice *e)
{
	*e = (struct slice){ 0 };
	return spec_type(KEY_SM4, t, ret);
}

/* A secret key has no numbers beside its value, which show.c shows. */
static CK_RV
part(const struct ckey *k UNUSED, CK_ATTRIBUTE_TYPE type UNUSED, struct secret *ret UNUSED)
{
	return CKR_ATTRIBUTE_TYPE_INVALID;
}

const struct key_family key_family_aes = {
	.ckk = CKK_AES,
	.type = KEY_AES,
	.name = "AES",
	.create = create_aes,
	.spec = spec_aes,
	.part = part,
};

const struct key_family key_family_generic = {
	.ckk = CKK_GENERIC_SECRET,
	.type = KEY_GENERIC,
	.name = "generic secret",
	.create = create_generic,
	.spec = spec_generic,
	.part = part,
};

const struct key_family key_family_sm4 = {
	.ckk = CKK_KMS_SM4,
	.type = KEY_SM4,
	.name = "SM4",
	.create = create_sm4,
	.spec = spec_sm4,
	.part = part,
};
