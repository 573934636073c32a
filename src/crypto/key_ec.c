/* SPDX-License-Identifier: Apache-2.0 */
/* EC and Ed25519 keys from and to their numbers. A point that is not on the curve never becomes a
 * key. */
#include "crypto/ckey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>

static void
bn_ctx_free_p(BN_CTX **c)
{
	BN_CTX_free(*c);
}
#define auto_bn_ctx __attribute__((cleanup(bn_ctx_free_p))) BN_CTX

static void
ec_point_free_p(EC_POINT **p)
{
	EC_POINT_free(*p);
}
#define auto_ec_point __attribute__((cleanup(ec_point_free_p))) EC_POINT

static struct key_spec
spec_of(enum curve c)
{
	return (struct key_spec){
		.type = curve_key_type(c),
		.curve = c,
		.bits = curve_bits(c),
	};
}

/* A checked key's numbers, ready for libcrypto. point is uncompressed; d is empty for public keys.
 */
struct ec_numbers {
	uint8_t point[EC_POINT_MAX];
	size_t point_len;
	BIGNUM *d;
};

static void
ec_numbers_free(struct ec_numbers *k)
{
	BN_clear_free(k->d);
}
#define auto_ec_numbers __attribute__((cleanup(ec_numbers_free))) struct ec_numbers

/* SEC 1 §2.3.4: uncompressed or compressed, never hybrid, never infinity; on the curve. */
static enum kms_rc
read_point(enum curve c, struct slice in, BN_CTX *bn, struct ec_numbers *k)
{
	size_t width = curve_bytes(c);
	EC_GROUP *g = lib_group(c);
	auto_ec_point *p = NULL;

	if (in.len == 0 ||
	    !(in.p[0] == 4 ? in.len == 2 * width + 1
			   : (in.p[0] == 2 || in.p[0] == 3) && in.len == width + 1))
		return KMS_BAD_DATA;
	if (g == NULL || (p = EC_POINT_new(g)) == NULL)
		return KMS_NOMEM;
	if (EC_POINT_oct2point(g, p, in.p, in.len, bn) != 1 || EC_POINT_is_at_infinity(g, p))
		return KMS_BAD_DATA;
	k->point_len =
	    EC_POINT_point2oct(g, p, POINT_CONVERSION_UNCOMPRESSED, k->point, sizeof k->point, bn);
	return k->point_len == 0 ? KMS_INTERNAL : KMS_OK;
}

/* GB/T 32918.1 §6.1: a d of order - 1 could not sign. */
static bool
last_scalar(enum curve c, const EC_GROUP *g, const BIGNUM *d)
{
	auto_bn *next = BN_dup(d);

	return c == CURVE_SM2 &&
	    (next == NULL || !BN_add_word(next, 1) || BN_cmp(next, EC_GROUP_get0_order(g)) == 0);
}

/* 1 <= d < order; its point must be the one that stands in K, or is put there. */
static enum kms_rc
read_scalar(enum curve c, struct slice d, BN_CTX *bn, struct ec_numbers *k)
{
	EC_GROUP *g = lib_group(c);
	auto_ec_point *p = NULL;
	uint8_t point[EC_POINT_MAX];
	size_t len;

	while (d.len > 0 && d.p[0] == 0)
		d = slice_of(d.p + 1, d.len - 1);
	if (d.len == 0 || d.len > EC_BYTES_MAX)
		return KMS_BAD_DATA;
	if (g == NULL || (p = EC_POINT_new(g)) == NULL ||
	    (k->d = BN_bin2bn(d.p, (int)d.len, NULL)) == NULL)
		return KMS_NOMEM;
	BN_set_flags(k->d, BN_FLG_CONSTTIME);
	if (BN_cmp(k->d, EC_GROUP_get0_order(g)) >= 0 || last_scalar(c, g, k->d))
		return KMS_BAD_DATA;
	if (EC_POINT_mul(g, p, k->d, NULL, NULL, bn) != 1)
		return KMS_INTERNAL;
	len = EC_POINT_point2oct(g, p, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, bn);
	if (len == 0)
		return KMS_INTERNAL;
	if (k->point_len != 0 && !slice_eq(slice_of(point, len), slice_of(k->point, k->point_len)))
		return KMS_BAD_DATA;
	memcpy(k->point, point, len);
	k->point_len = len;
	return KMS_OK;
}

static enum kms_rc
assemble(enum curve c, struct ec_numbers *k, struct ckey **ret)
{
	size_t width = curve_bytes(c);
	uint8_t d[EC_BYTES_MAX];
	char name[16];
	OSSL_PARAM params[4], *p = params;
	EVP_PKEY *pkey;

	memcpy(name, lib_curve_name(c), strlen(lib_curve_name(c)) + 1);
	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, k->point, k->point_len);
	if (k->d != NULL) {
		if (BN_bn2nativepad(k->d, d, (int)width) < 0)
			return KMS_INTERNAL;
		*p++ = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, d, width);
	}
	*p = OSSL_PARAM_construct_end();
	pkey = pkey_from_params(c == CURVE_SM2 ? NAME_SM2 : NAME_EC,
	    k->d != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params);
	mem_wipe(d, sizeof d);
	return pkey == NULL ? KMS_INTERNAL : ckey_adopt(pkey, spec_of(c), width, k->d != NULL, ret);
}

/*
 * RFC 8032 §5.1.3: y < p and x^2 = (y^2 - 1) / (d y^2 + 1) has a root. With d = -121665/121666 both
 * sides times 121666: u = 121666 (y^2 - 1), v = 121666 - 121665 y^2; u/v is a square when u*v is
 * one.
 */
static enum kms_rc
check_edwards_point(struct slice in)
{
	auto_bn_ctx *bn = BN_CTX_new_ex(lib_ctx());
	auto_bn *p = BN_new(), *y = BN_new(), *u = BN_new(), *v = BN_new(), *c = BN_new();
	uint8_t bytes[32];
	int sign = in.p[31] >> 7, root;

	if (bn == NULL || p == NULL || y == NULL || u == NULL || v == NULL || c == NULL)
		return KMS_NOMEM;
	memcpy(bytes, in.p, sizeof bytes);
	bytes[31] &= 0x7f;
	if (!BN_set_bit(p, 255) || !BN_sub_word(p, 19) ||
	    BN_lebin2bn(bytes, sizeof bytes, y) == NULL || !BN_set_word(c, 121666))
		return KMS_INTERNAL;
	if (BN_cmp(y, p) >= 0)
		return KMS_BAD_DATA;
	if (!BN_mod_sqr(y, y, p, bn) || !BN_mod_sub(u, y, BN_value_one(), p, bn) ||
	    !BN_mul_word(y, 121665) || !BN_mod_sub(v, c, y, p, bn) || !BN_mod_mul(u, u, v, p, bn) ||
	    (root = BN_kronecker(u, p, bn)) < -1)
		return KMS_INTERNAL;
	return root == -1 || (root == 0 && sign != 0) ? KMS_BAD_DATA : KMS_OK;
}

static enum kms_rc
edwards_from(struct slice seed, struct slice point, struct ckey **ret)
{
	bool is_private = seed.len != 0;
	auto_pkey *k = NULL;
	EVP_PKEY *moved;
	uint8_t own[32];
	size_t len = sizeof own;

	if ((is_private && seed.len != 32) || (point.len != 32 && !(is_private && point.len == 0)))
		return KMS_BAD_DATA;
	if (!is_private) {
		TRY(check_edwards_point(point));
		k = EVP_PKEY_new_raw_public_key_ex(lib_ctx(), NAME_ED25519, NULL, point.p,
		    point.len);
	} else {
		k = EVP_PKEY_new_raw_private_key_ex(lib_ctx(), NAME_ED25519, NULL, seed.p,
		    seed.len);
	}
	if (k == NULL || EVP_PKEY_get_raw_public_key(k, own, &len) != 1)
		return KMS_INTERNAL;
	if (point.len != 0 && !slice_eq(point, slice_of(own, len)))
		return KMS_BAD_DATA;
	moved = k;
	k = NULL; /* moved */
	return ckey_adopt(moved, spec_of(CURVE_ED25519), 32, is_private, ret);
}

enum kms_rc
ckey_from_ec(enum curve curve, struct slice d, struct slice point, struct ckey **ret)
{
	auto_bn_ctx *bn = NULL;
	auto_ec_numbers k = { 0 };

	if (curve_bits(curve) == 0)
		return KMS_NOTSUP;
	if (d.len == 0 && point.len == 0)
		return KMS_BAD_DATA;
	auto_errors;
	auto_drawing;
	if (curve == CURVE_ED25519)
		return edwards_from(d, point, ret);
	if ((bn = BN_CTX_new_ex(lib_ctx())) == NULL)
		return KMS_NOMEM;
	if (point.len != 0)
		TRY(read_point(curve, point, bn, &k));
	if (d.len != 0)
		TRY(read_scalar(curve, d, bn, &k));
	return assemble(curve, &k, ret);
}

enum kms_rc
ec_read_private(enum curve c, struct slice der, struct ckey **ret)
{
	struct der outer = der_of(der), d, sub;
	struct slice key, version, point = { 0 };

	if (c == CURVE_ED25519) {
		key = der_take(&outer, DER_OCTETS);
		return der_done(&outer) && key.len == 32 ? ckey_from_ec(c, key, point, ret)
							 : KMS_BAD_DATA;
	}
	d = der_enter(&outer, DER_SEQUENCE);
	version = der_number(&d);
	key = der_take(&d, DER_OCTETS);
	if (der_next_is(&d, DER_CONTEXT(0)) && curve_from_params(der_take(&d, DER_CONTEXT(0))) != c)
		return KMS_BAD_DATA;
	if (der_next_is(&d, DER_CONTEXT(1))) {
		sub = der_enter(&d, DER_CONTEXT(1));
		point = der_bits(&sub);
		if (!der_done(&sub) || point.len == 0)
			return KMS_BAD_DATA;
	}
	if (!der_done(&d) || !der_done(&outer) || version.len != 1 || version.p[0] != 1 ||
	    key.len == 0)
		return KMS_BAD_DATA;
	return ckey_from_ec(c, key, point, ret);
}

size_t
ec_point(const struct ckey *k, uint8_t ret[EC_POINT_MAX])
{
	size_t len = EC_POINT_MAX;

	if (k->spec.type == KEY_EDWARDS)
		return EVP_PKEY_get_raw_public_key(k->pkey, ret, &len) == 1 ? len : 0;
	if (EVP_PKEY_get_octet_string_param(k->pkey, OSSL_PKEY_PARAM_PUB_KEY, ret, EC_POINT_MAX,
		&len) != 1)
		return 0;
	return len;
}

static void
write_scalar(const struct ckey *k, struct der_out *o)
{
	auto_bn *d = NULL;
	size_t len = k->width, end = o->at;
	uint8_t *p = der_room(o, len);

	if (p == NULL)
		return;
	if (k->spec.type == KEY_EDWARDS)
		o->bad |= EVP_PKEY_get_raw_private_key(k->pkey, p, &len) != 1;
	else
		o->bad |= (d = ckey_number(k, OSSL_PKEY_PARAM_PRIV_KEY)) == NULL ||
		    BN_bn2binpad(d, p, (int)len) < 0;
	der_head(o, DER_OCTETS, end);
}

void
ec_write_private(const struct ckey *k, struct der_out *o)
{
	static const uint8_t version[] = { 1 };
	uint8_t point[EC_POINT_MAX];
	size_t len, end = o->at;

	if (k->spec.type == KEY_EDWARDS) {
		write_scalar(k, o);
		return;
	}
	if ((len = ec_point(k, point)) == 0)
		o->bad = true;
	der_raw(o, slice_of(point, len));
	der_raw(o, slice_of("", 1)); /* no unused bits */
	der_head(o, DER_BITS, end);
	der_head(o, DER_CONTEXT(1), end);
	write_scalar(k, o);
	der_put_number(o, slice_of(version, 1));
	der_head(o, DER_SEQUENCE, end);
}

enum kms_rc
ec_public(const struct ckey *k, struct ckey **ret)
{
	struct ec_numbers pub = { 0 };

	if ((pub.point_len = ec_point(k, pub.point)) == 0)
		return KMS_INTERNAL;
	if (k->spec.type == KEY_EDWARDS)
		return edwards_from((struct slice){ 0 }, slice_of(pub.point, pub.point_len), ret);
	return assemble(k->spec.curve, &pub, ret);
}

static enum kms_rc
derive(EVP_PKEY *own, EVP_PKEY *peer, struct secret *ret)
{
	auto_pkey_ctx *c = EVP_PKEY_CTX_new_from_pkey(lib_ctx(), own, NULL);
	size_t len = ret->len;

	/* The peer's point has been checked when its key was made: not again. */
	if (c == NULL || EVP_PKEY_derive_init(c) != 1 ||
	    EVP_PKEY_derive_set_peer_ex(c, peer, 0) != 1 || EVP_PKEY_derive(c, ret->p, &len) != 1 ||
	    len != ret->len)
		return KMS_INTERNAL;
	return KMS_OK;
}

enum kms_rc
crypto_ecdh(struct ckey *k, struct slice peer, struct secret *ret)
{
	auto_ckey *other = NULL;
	auto_secret z = { 0 };
	enum kms_rc rc;

	if (k->spec.type != KEY_EC || !k->is_private)
		return KMS_KEY_TYPE;
	if ((rc = ckey_from_ec(k->spec.curve, (struct slice){ 0 }, peer, &other)) != KMS_OK)
		return rc == KMS_BAD_DATA ? KMS_BAD_PARAM : rc;
	TRY(secret_new(k->width, &z));
	auto_errors;
	auto_drawing;
	TRY(derive(k->pkey, other->pkey, &z));
	*ret = z;
	z = (struct secret){ 0 }; /* moved */
	return KMS_OK;
}
