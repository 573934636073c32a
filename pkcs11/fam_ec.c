/* SPDX-License-Identifier: Apache-2.0 */
/* Elliptic-curve keys, short Weierstrass, Edwards and SM2: templates in, numbers out. PKCS#11 6.3.
 */
#include "crypto/der.h"
#include "pkcs11/families.h"
#include "pkcs11/rv.h"

/* A curve by oId or curveName; the other choices of CKA_EC_PARAMS are not for us. */
static bool
names_a_curve(struct slice params)
{
	struct der d = der_of(params);

	(void)der_take(&d, der_next_is(&d, DER_PRINTABLE) ? DER_PRINTABLE : DER_OID);
	return der_done(&d);
}

static CK_RV
read_curve(const struct attrs *t, enum key_type type, enum curve *ret)
{
	const struct attr *a = attrs_get(t, CKA_EC_PARAMS);

	if (a == NULL && type == KEY_SM2) {
		*ret = CURVE_SM2;
		return CKR_OK;
	}
	if (a == NULL)
		return CKR_TEMPLATE_INCOMPLETE;
	if (!names_a_curve(a->value))
		return CKR_DOMAIN_PARAMS_INVALID;
	*ret = curve_from_params(a->value);
	return curve_key_type(*ret) == type ? CKR_OK : CKR_CURVE_NOT_SUPPORTED;
}

/*
 * CKA_EC_POINT is a DER OCTET STRING; some clients give the point itself. A point starts with 04
 * too, so lengths decide. What neither fits is not a point.
 */
struct slice
ec_point_unwrap(struct slice s, size_t point_len)
{
	if (s.len == point_len + 2 && point_len < 128 && s.p[0] == 0x04 && s.p[1] == point_len)
		return slice_of(s.p + 2, point_len);
	if (s.len == point_len + 3 && point_len >= 128 && point_len < 256 && s.p[0] == 0x04 &&
	    s.p[1] == 0x81 && s.p[2] == point_len)
		return slice_of(s.p + 3, point_len);
	return s;
}

static size_t
point_len(enum curve c)
{
	return c == CURVE_ED25519 ? curve_bytes(c) : 1 + 2 * curve_bytes(c);
}

static CK_RV
create_type(enum key_type type, enum object_kind kind, const struct attrs *t, struct ckey **ret)
{
	const struct attr *point = attrs_get(t, CKA_EC_POINT), *d = attrs_get(t, CKA_VALUE);
	struct slice q = { 0 };
	enum curve curve;

	TRY_RV(read_curve(t, type, &curve));
	if (point != NULL)
		q = ec_point_unwrap(point->value, point_len(curve));
	if (kind == OBJECT_PUBLIC_KEY)
		return q.len == 0 ? CKR_ATTRIBUTE_VALUE_INVALID
				  : family_made(ckey_from_ec(curve, (struct slice){ 0 }, q, ret));
	if (d == NULL || d->value.len == 0)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return family_made(ckey_from_ec(curve, d->value, q, ret));
}

static CK_RV
create_ec(enum object_kind kind, const struct attrs *t, struct ckey **ret)
{
	return create_type(KEY_EC, kind, t, ret);
}

static CK_RV
create_edwards(enum object_kind kind, const struct attrs *t, struct ckey **ret)
{
	return create_type(KEY_EDWARDS, kind, t, ret);
}

static CK_RV
create_sm2(enum object_kind kind, const struct attrs *t, struct ckey **ret)
{
	return create_type(KEY_SM2, kind, t, ret);
}

static CK_RV
spec_type(enum key_type type, const struct attrs *t, struct key_spec *ret, struct slice *e)
{
	enum curve curve;

	TRY_RV(read_curve(t, type, &curve));
	*ret = (struct key_spec){ .type = type, .curve = curve, .bits = curve_bits(curve) };
	*e = (struct slice){ 0 };
	return CKR_OK;
}

static CK_RV
spec_ec(const struct attrs *t, struct key_spec *ret, struct slice *e)
{
	return spec_type(KEY_EC, t, ret, e);
}

static CK_RV
spec_edwards(const struct attrs *t, struct key_spec *ret, struct slice *e)
{
	return spec_type(KEY_EDWARDS, t, ret, e);
}

static CK_RV
spec_sm2(const struct attrs *t, struct key_spec *ret, struct slice *e)
{
	return spec_type(KEY_SM2, t, ret, e);
}

/* 6.3.3: the point as a DER OCTET STRING. */
static CK_RV
show_point(const struct ckey *k, struct secret *ret)
{
	auto_secret point = { 0 };
	size_t head;

	TRY_RV(family_made(ckey_part(k, PART_EC_POINT, &point)));
	head = point.len < 128 ? 2 : 3;
	TRY_RV(family_made(secret_new(head + point.len, ret)));
	ret->p[0] = 0x04;
	if (head == 3)
		ret->p[1] = 0x81;
	ret->p[head - 1] = (uint8_t)point.len;
	memcpy(ret->p + head, point.p, point.len);
	return CKR_OK;
}

static CK_RV
part(const struct ckey *k, CK_ATTRIBUTE_TYPE type, struct secret *ret)
{
	switch (type) {
	case CKA_EC_PARAMS: return family_made(secret_copy(curve_params(ckey_spec(k).curve), ret));
	case CKA_EC_POINT: return show_point(k, ret);
	case CKA_VALUE: return family_made(ckey_part(k, PART_EC_D, ret));
	default: return CKR_ATTRIBUTE_TYPE_INVALID;
	}
}

const struct key_family key_family_ec = {
	.ckk = CKK_EC,
	.type = KEY_EC,
	.name = "EC",
	.create = create_ec,
	.spec = spec_ec,
	.part = part,
};

const struct key_family key_family_edwards = {
	.ckk = CKK_EC_EDWARDS,
	.type = KEY_EDWARDS,
	.name = "Edwards",
	.create = create_edwards,
	.spec = spec_edwards,
	.part = part,
};

const struct key_family key_family_sm2 = {
	.ckk = CKK_KMS_SM2,
	.type = KEY_SM2,
	.name = "SM2",
	.create = create_sm2,
	.spec = spec_sm2,
	.part = part,
};
