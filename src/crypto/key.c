/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: their life, and the forms that all types share (PKCS#8, SubjectPublicKeyInfo, plain bytes).
 * Uses are elsewhere. */
#include "crypto/ckey.h"

#include <openssl/core_names.h>
#include <stdlib.h>

/* RFC 8017 A.1, RFC 5480 §2.1.1 */
static const uint8_t rsa_oid_bytes[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1 };
static const uint8_t ec_oid_bytes[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1 };
const struct slice oid_rsa = { rsa_oid_bytes, sizeof rsa_oid_bytes };
const struct slice oid_ec = { ec_oid_bytes, sizeof ec_oid_bytes };

/* Room for every key's DER: an RSA private key is nine numbers of at most this size in all, and
 * some heads. */
#define PKCS8_MAX (5 * RSA_BYTES_MAX + 256)
#define SPKI_MAX  (2 * RSA_BYTES_MAX + 64)

struct ckey *
ckey_ref(struct ckey *k)
{
	atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
	return k;
}

void
ckey_unref(struct ckey *k)
{
	if (k == NULL || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
		return;
	ckey_unref(atomic_load(&k->public_half));
	EVP_PKEY_free(k->pkey);
	secret_free(&k->bytes);
	free(k);
}

struct key_spec
ckey_spec(const struct ckey *k)
{
	return k->spec;
}

bool
ckey_is_private(const struct ckey *k)
{
	return k->is_private;
}

struct slice
ckey_secret(const struct ckey *k)
{
	return secret_slice(&k->bytes);
}

static struct ckey *
new_key(struct key_spec spec, size_t width, bool is_private)
{
	struct ckey *k = calloc(1, sizeof *k);

	if (k == NULL)
		return NULL;
	atomic_init(&k->refs, 1);
	k->spec = spec;
	k->width = width;
	k->is_private = is_private;
	return k;
}

enum kms_rc
ckey_adopt(EVP_PKEY *pkey, struct key_spec spec, size_t width, bool is_private, struct ckey **ret)
{
	struct ckey *k = new_key(spec, width, is_private);

	if (k == NULL) {
		EVP_PKEY_free(pkey);
		return KMS_NOMEM;
	}
	k->pkey = pkey;
	*ret = k;
	return KMS_OK;
}

enum kms_rc
ckey_from_secret(enum key_type type, struct slice bytes, struct ckey **ret)
{
	struct key_spec spec = { .type = type };
	struct ckey *k;
	enum kms_rc rc;

	if (!key_type_is_secret(type))
		return KMS_KEY_TYPE;
	if (type == KEY_AES	  ? bytes.len != 16 && bytes.len != 24 && bytes.len != 32
		: type == KEY_SM4 ? bytes.len != 16
				  : bytes.len == 0 || bytes.len > SECRET_MAX)
		return KMS_KEY_SIZE;
	spec.bits = (uint32_t)bytes.len * 8;
	if ((k = new_key(spec, bytes.len, true)) == NULL)
		return KMS_NOMEM;
	if ((rc = secret_copy(bytes, &k->bytes)) != KMS_OK) {
		ckey_unref(k);
		return rc;
	}
	*ret = k;
	return KMS_OK;
}

/* What an AlgorithmIdentifier names: KEY_NONE for what we have no keys of. */
static struct key_spec
read_algorithm(struct der *d)
{
	struct der alg = der_enter(d, DER_SEQUENCE);
	struct slice whole = alg.rest, oid = der_take(&alg, DER_OID);
	struct key_spec spec = { 0 };

	if (alg.bad) {
		d->bad = true;
		return spec;
	}
	if (slice_eq(oid, oid_rsa)) {
		/* RFC 3279 §2.3.1 asks for NULL; some leave it out. */
		if (der_next_is(&alg, DER_NULL))
			(void)der_take(&alg, DER_NULL);
		if (der_done(&alg))
			spec.type = KEY_RSA;
		else
			d->bad = true;
	} else if (slice_eq(oid, oid_ec)) {
		spec.curve = curve_from_params(alg.rest);
		if (spec.curve != CURVE_ED25519)
			spec.type = curve_key_type(spec.curve);
	} else if (slice_eq(whole, curve_params(CURVE_ED25519))) {
		spec = (struct key_spec){ .type = KEY_EDWARDS, .curve = CURVE_ED25519 };
	}
	return spec;
}

enum kms_rc
ckey_from_pkcs8(struct slice der, struct ckey **ret)
{
	struct der outer = der_of(der), d = der_enter(&outer, DER_SEQUENCE);
	struct slice version = der_number(&d), key;
	struct key_spec spec = read_algorithm(&d);

	key = der_take(&d, DER_OCTETS);
	/* RFC 5958 §2: attributes, and from version 1 on the public key; neither is needed. */
	if (der_next_is(&d, DER_CONTEXT(0)))
		(void)der_take(&d, DER_CONTEXT(0));
	if (der_next_is(&d, DER_IMPLICIT(1)) && version.len == 1)
		(void)der_take(&d, DER_IMPLICIT(1));
	if (!der_done(&d) || !der_done(&outer) || version.len > 1 ||
	    (version.len == 1 && version.p[0] != 1))
		return KMS_BAD_DATA;
	switch (spec.type) {
	case KEY_RSA: return rsa_read_private(key, ret);
	case KEY_EC:
	case KEY_EDWARDS:
	case KEY_SM2: return ec_read_private(spec.curve, key, ret);
	case KEY_NONE:
	case KEY_AES:
	case KEY_GENERIC:
	case KEY_SM4:
	case KEY_TYPE_END: break;
	}
	return KMS_NOTSUP;
}

enum kms_rc
ckey_from_spki(struct slice der, struct ckey **ret)
{
	struct der outer = der_of(der), d = der_enter(&outer, DER_SEQUENCE);
	struct key_spec spec = read_algorithm(&d);
	struct slice key = der_bits(&d);

	if (!der_done(&d) || !der_done(&outer) || key.len == 0)
		return KMS_BAD_DATA;
	switch (spec.type) {
	case KEY_RSA: return rsa_read_public(key, ret);
	case KEY_EC:
	case KEY_EDWARDS:
	case KEY_SM2: return ckey_from_ec(spec.curve, (struct slice){ 0 }, key, ret);
	case KEY_NONE:
	case KEY_AES:
	case KEY_GENERIC:
	case KEY_SM4:
	case KEY_TYPE_END: break;
	}
	return KMS_NOTSUP;
}

static void
write_algorithm(const struct ckey *k, struct der_out *o)
{
	size_t end = o->at;

	if (k->spec.type == KEY_RSA) {
		der_put(o, DER_NULL, (struct slice){ 0 });
		der_put(o, DER_OID, oid_rsa);
	} else {
		der_raw(o, curve_params(k->spec.curve));
		if (k->spec.type != KEY_EDWARDS)
			der_put(o, DER_OID, oid_ec);
	}
	der_head(o, DER_SEQUENCE, end);
}

static bool
is_pair(const struct ckey *k)
{
	return k->pkey != NULL;
}

enum kms_rc
ckey_spki(const struct ckey *k, struct buf *ret)
{
	uint8_t der[SPKI_MAX], point[EC_POINT_MAX];
	struct der_out o = der_out_of(der, sizeof der);
	size_t len;

	if (!is_pair(k))
		return KMS_INVALID;
	auto_errors;
	if (k->spec.type == KEY_RSA) {
		rsa_write_public(k, &o);
	} else {
		len = ec_point(k, point);
		o.bad = len == 0;
		der_raw(&o, slice_of(point, len));
	}
	der_raw(&o, slice_of("", 1)); /* no unused bits */
	der_head(&o, DER_BITS, o.cap);
	write_algorithm(k, &o);
	der_head(&o, DER_SEQUENCE, o.cap);
	return o.bad ? KMS_INTERNAL : buf_set(ret, der_written(&o));
}

enum kms_rc
ckey_pkcs8(const struct ckey *k, struct secret *ret)
{
	auto_secret room = { 0 };
	struct der_out o;

	if (!is_pair(k) || !k->is_private)
		return KMS_INVALID;
	TRY(secret_new(PKCS8_MAX, &room));
	auto_errors;
	o = der_out_of(room.p, room.len);
	if (k->spec.type == KEY_RSA)
		rsa_write_private(k, &o);
	else
		ec_write_private(k, &o);
	der_head(&o, DER_OCTETS, o.cap);
	write_algorithm(k, &o);
	der_put_number(&o, (struct slice){ 0 });
	der_head(&o, DER_SEQUENCE, o.cap);
	return o.bad ? KMS_INTERNAL : secret_copy(der_written(&o), ret);
}

enum kms_rc
ckey_public(struct ckey *k, struct ckey **ret)
{
	struct ckey *pub = atomic_load_explicit(&k->public_half, memory_order_acquire),
		    *seen = NULL;

	if (!is_pair(k))
		return KMS_INVALID;
	if (!k->is_private)
		pub = k;
	if (pub == NULL) {
		auto_errors;
		TRY(k->spec.type == KEY_RSA ? rsa_public(k, &pub) : ec_public(k, &pub));
		if (!atomic_compare_exchange_strong(&k->public_half, &seen, pub)) {
			ckey_unref(pub);
			pub = seen;
		}
	}
	*ret = ckey_ref(pub);
	return KMS_OK;
}

BIGNUM *
ckey_number(const struct ckey *k, const char *name)
{
	BIGNUM *n = NULL;

	return EVP_PKEY_get_bn_param(k->pkey, name, &n) == 1 ? n : NULL;
}

EVP_PKEY *
pkey_from_params(const char *type, int selection, OSSL_PARAM *params)
{
	auto_pkey_ctx *c = EVP_PKEY_CTX_new_from_name(lib_ctx(), type, NULL);
	EVP_PKEY *k = NULL;

	if (c == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &k, selection, params) != 1) {
		EVP_PKEY_free(k);
		return NULL;
	}
	return k;
}

static enum kms_rc
point_part(const struct ckey *k, struct secret *ret)
{
	uint8_t point[EC_POINT_MAX];
	size_t len = ec_point(k, point);

	return len == 0 ? KMS_INTERNAL : secret_copy(slice_of(point, len), ret);
}

static enum kms_rc
seed_part(const struct ckey *k, struct secret *ret)
{
	auto_secret seed = { 0 };
	size_t len = k->width;

	TRY(secret_new(len, &seed));
	if (EVP_PKEY_get_raw_private_key(k->pkey, seed.p, &len) != 1 || len != seed.len)
		return KMS_INTERNAL;
	*ret = seed;
	seed = (struct secret){ 0 }; /* moved */
	return KMS_OK;
}

static enum kms_rc
number_part(const struct ckey *k, const char *name, size_t width, struct secret *ret)
{
	auto_bn *n = ckey_number(k, name);
	auto_secret s = { 0 };

	if (n == NULL)
		return KMS_NOTFOUND;
	if (width == 0)
		width = BN_num_bytes(n) > 0 ? (size_t)BN_num_bytes(n) : 1;
	TRY(secret_new(width, &s));
	if (BN_bn2binpad(n, s.p, (int)width) < 0)
		return KMS_INTERNAL;
	*ret = s;
	s = (struct secret){ 0 }; /* moved */
	return KMS_OK;
}

enum kms_rc
ckey_part(const struct ckey *k, enum key_part part, struct secret *ret)
{
	static const struct {
		const char *name;
		enum key_type type;
		bool is_private;
	} parts[] = {
		[PART_RSA_N] = { OSSL_PKEY_PARAM_RSA_N, KEY_RSA, false },
		[PART_RSA_E] = { OSSL_PKEY_PARAM_RSA_E, KEY_RSA, false },
		[PART_EC_POINT] = { NULL, KEY_EC, false },
		[PART_RSA_D] = { OSSL_PKEY_PARAM_RSA_D, KEY_RSA, true },
		[PART_RSA_P] = { OSSL_PKEY_PARAM_RSA_FACTOR1, KEY_RSA, true },
		[PART_RSA_Q] = { OSSL_PKEY_PARAM_RSA_FACTOR2, KEY_RSA, true },
		[PART_RSA_DP] = { OSSL_PKEY_PARAM_RSA_EXPONENT1, KEY_RSA, true },
		[PART_RSA_DQ] = { OSSL_PKEY_PARAM_RSA_EXPONENT2, KEY_RSA, true },
		[PART_RSA_QINV] = { OSSL_PKEY_PARAM_RSA_COEFFICIENT1, KEY_RSA, true },
		[PART_EC_D] = { OSSL_PKEY_PARAM_PRIV_KEY, KEY_EC, true },
	};
	enum key_type type = k->spec.curve != CURVE_NONE ? KEY_EC : k->spec.type;

	if ((size_t)part >= ARRAY_LEN(parts) || parts[part].type != type ||
	    (parts[part].is_private && !k->is_private))
		return KMS_NOTFOUND;
	auto_errors;
	if (part == PART_EC_POINT)
		return point_part(k, ret);
	if (part == PART_EC_D && k->spec.type == KEY_EDWARDS)
		return seed_part(k, ret);
	return number_part(k, parts[part].name, part == PART_EC_D ? k->width : 0, ret);
}

/* PKCS#11 §4.10.2: the first bytes of one encrypted block of zeros; for bytes without a cipher, of
 * their SHA-1. */
enum kms_rc
ckey_check_value(const struct ckey *k, uint8_t ret[3])
{
	uint8_t block[DIGEST_MAX] = { 0 };
	int n = 0;

	if (k->spec.type == KEY_GENERIC) {
		TRY(crypto_digest(DIGEST_SHA1, ckey_secret(k), block));
	} else if (k->spec.type == KEY_AES || k->spec.type == KEY_SM4) {
		auto_errors;
		auto_cipher_ctx *c = EVP_CIPHER_CTX_new();
		enum lib_cipher ecb = k->spec.type == KEY_AES ? CIPHER_ECB : CIPHER_SM4_ECB;

		if (c == NULL ||
		    EVP_EncryptInit_ex2(c, lib_cipher(ecb, k->width), k->bytes.p, NULL, NULL) !=
			1 ||
		    EVP_EncryptUpdate(c, block, &n, block, 16) != 1 || n != 16)
			return KMS_INTERNAL;
	} else {
		return KMS_INVALID;
	}
	memcpy(ret, block, 3);
	mem_wipe(block, sizeof block);
	return KMS_OK;
}
