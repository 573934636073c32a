/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys: templates in, numbers out. PKCS#11 6.1. */
#include "pkcs11/families.h"
#include "pkcs11/rv.h"

static struct slice
number(const struct attrs *t, CK_ATTRIBUTE_TYPE type)
{
	const struct attr *a = attrs_get(t, type);

	return a == NULL ? (struct slice){ 0 } : a->value;
}

static CK_RV
create(enum object_kind kind, const struct attrs *t, struct ckey **ret)
{
	struct rsa_parts parts = {
		.n = number(t, CKA_MODULUS),
		.e = number(t, CKA_PUBLIC_EXPONENT),
	};

	if (kind == OBJECT_PRIVATE_KEY) {
		parts.d = number(t, CKA_PRIVATE_EXPONENT);
		parts.p = number(t, CKA_PRIME_1);
		parts.q = number(t, CKA_PRIME_2);
		parts.dp = number(t, CKA_EXPONENT_1);
		parts.dq = number(t, CKA_EXPONENT_2);
		parts.qinv = number(t, CKA_COEFFICIENT);
		if (parts.d.len == 0)
			return CKR_ATTRIBUTE_VALUE_INVALID; /* present, as the rules demand, but
							       empty */
	}
	return family_made(ckey_from_rsa(&parts, ret));
}

static CK_RV
spec(const struct attrs *t, struct key_spec *ret, struct slice *e)
{
	CK_ULONG bits;

	TRY_RV(attrs_ulong(t, CKA_MODULUS_BITS, 0, &bits));
	if (bits > UINT32_MAX || bits % 8 != 0)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	*ret = (struct key_spec){ .type = KEY_RSA, .bits = (uint32_t)bits };
	*e = number(t, CKA_PUBLIC_EXPONENT);
	return CKR_OK;
}

static CK_RV
part(const struct ckey *k, CK_ATTRIBUTE_TYPE type, struct secret *ret)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		enum key_part part;
	} parts[] = {
		{ CKA_MODULUS, PART_RSA_N },
		{ CKA_PUBLIC_EXPONENT, PART_RSA_E },
		{ CKA_PRIVATE_EXPONENT, PART_RSA_D },
		{ CKA_PRIME_1, PART_RSA_P },
		{ CKA_PRIME_2, PART_RSA_Q },
		{ CKA_EXPONENT_1, PART_RSA_DP },
		{ CKA_EXPONENT_2, PART_RSA_DQ },
		{ CKA_COEFFICIENT, PART_RSA_QINV },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i].type == type)
			return family_made(ckey_part(k, parts[i].part, ret));
	return CKR_ATTRIBUTE_TYPE_INVALID;
}

const struct key_family key_family_rsa = {
	.ckk = CKK_RSA,
	.type = KEY_RSA,
	.name = "RSA",
	.create = create,
	.spec = spec,
	.part = part,
};
