/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA keys from and to their numbers. What comes in is checked by arithmetic (RFC 8017 §3), not by
 * primality tests, which would cost more than a thousand signatures.
 */
#include "crypto/ckey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>

enum { N, E, D, P, Q, DP, DQ, QINV, NUMBERS };

static const char *const param_names[NUMBERS] = {
	[N] = OSSL_PKEY_PARAM_RSA_N,
	[E] = OSSL_PKEY_PARAM_RSA_E,
	[D] = OSSL_PKEY_PARAM_RSA_D,
	[P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
	[Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,
	[DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
	[DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
	[QINV] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

/* The numbers of one key (NULL: absent) and what is needed to compute with them. */
struct numbers {
	BIGNUM *v[NUMBERS];
	BN_CTX *bn;
};

static void
numbers_free(struct numbers *k)
{
	for (int i = 0; i < NUMBERS; i++)
		BN_clear_free(k->v[i]);
	BN_CTX_free(k->bn);
}
#define auto_numbers __attribute__((cleanup(numbers_free))) struct numbers

static enum kms_rc
numbers_load(const struct rsa_parts *parts, struct numbers *k)
{
	const struct slice in[NUMBERS] = { parts->n, parts->e, parts->d, parts->p, parts->q,
		parts->dp, parts->dq, parts->qinv };

	if ((k->bn = BN_CTX_new_ex(lib_ctx())) == NULL)
		return KMS_NOMEM;
	for (int i = 0; i < NUMBERS; i++) {
		struct slice s = in[i];

		while (s.len > 0 && s.p[0] == 0)
			s = slice_of(s.p + 1, s.len - 1);
		if (s.len > RSA_BYTES_MAX)
			return i == N ? KMS_KEY_SIZE : KMS_BAD_DATA;
		if (in[i].len == 0)
			continue;
		if (s.len == 0) /* zero is no absent number, and no number of a key */
			return KMS_BAD_DATA;
		if ((k->v[i] = BN_bin2bn(s.p, (int)s.len, NULL)) == NULL)
			return KMS_NOMEM;
		if (i >= D)
			BN_set_flags(k->v[i], BN_FLG_CONSTTIME);
	}
	return KMS_OK;
}

/* A fresh number in K's slot I, for the caller to set. NULL when out of memory. */
static BIGNUM *
number_new(struct numbers *k, int i)
{
	BN_clear_free(k->v[i]);
	if ((k->v[i] = BN_new()) != NULL && i >= D)
		BN_set_flags(k->v[i], BN_FLG_CONSTTIME);
	return k->v[i];
}

static enum kms_rc
check_public(const struct numbers *k)
{
	const BIGNUM *n = k->v[N], *e = k->v[E];

	if (n == NULL || e == NULL)
		return KMS_BAD_DATA;
	if (BN_num_bits(n) < RSA_BITS_MIN || BN_num_bits(n) > RSA_BITS_MAX)
		return KMS_KEY_SIZE;
	/* libcrypto takes long exponents with small moduli only (OPENSSL_RSA_MAX_PUBEXP_BITS). */
	if (!BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e) || BN_cmp(e, n) >= 0 ||
	    (BN_num_bits(e) > 64 && BN_num_bits(n) > 3072))
		return KMS_BAD_DATA;
	return KMS_OK;
}

/*
 * One try of G in the usual way from d to the factors (NIST SP 800-56B r2, appendix C.1): e*d - 1
 * is 2^T * R. Gives true with P set when it worked; ROOM are three numbers to work in. -1 on
 * failure of libcrypto.
 */
static int
factor_try(struct numbers *k, const BIGNUM *r, int t, BN_ULONG g, BIGNUM *const room[3])
{
	BIGNUM *y = room[0], *x = room[1], *m1 = room[2];
	const BIGNUM *n = k->v[N];

	if (!BN_sub(m1, n, BN_value_one()) || !BN_set_word(x, g) ||
	    !BN_mod_exp_mont_consttime(y, x, r, n, k->bn, NULL))
		return -1;
	if (BN_is_one(y) || BN_cmp(y, m1) == 0)
		return 0;
	for (int i = 0; i < t; i++) {
		if (!BN_mod_sqr(x, y, n, k->bn))
			return -1;
		if (BN_is_one(x))
			return BN_sub_word(y, 1) && BN_gcd(k->v[P], y, n, k->bn) ? 1 : -1;
		if (BN_cmp(x, m1) == 0)
			return 0;
		BN_swap(x, y);
	}
	return 0;
}

/* P from N, E and D. KMS_BAD_DATA when they do not belong together. */
static enum kms_rc
factor(struct numbers *k)
{
	static const BN_ULONG tries[] = { 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47,
		53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131 };
	auto_bn *r = BN_new(), *a = BN_new(), *b = BN_new(), *c = BN_new();
	BIGNUM *const room[3] = { a, b, c };
	int t = 0, found = 0;

	if (r == NULL || a == NULL || b == NULL || c == NULL || number_new(k, P) == NULL)
		return KMS_NOMEM;
	if (!BN_mul(r, k->v[E], k->v[D], k->bn) || !BN_sub_word(r, 1))
		return KMS_INTERNAL;
	if (BN_is_zero(r) || BN_is_odd(r))
		return KMS_BAD_DATA;
	while (!BN_is_bit_set(r, t))
		t++;
	if (!BN_rshift(r, r, t))
		return KMS_INTERNAL;
	for (size_t i = 0; i < ARRAY_LEN(tries) && found == 0; i++)
		found = factor_try(k, r, t, tries[i], room);
	return found < 0 ? KMS_INTERNAL : found == 0 ? KMS_BAD_DATA : KMS_OK;
}

/* The other factor, in slot I, from the one in slot FROM. */
static enum kms_rc
cofactor(struct numbers *k, int from, int i)
{
	auto_bn *rem = BN_new();

	if (rem == NULL || number_new(k, i) == NULL)
		return KMS_NOMEM;
	if (!BN_div(k->v[i], rem, k->v[N], k->v[from], k->bn))
		return KMS_BAD_DATA;
	return BN_is_zero(rem) ? KMS_OK : KMS_BAD_DATA;
}

/* e = 1 / d modulo lcm(p - 1, q - 1). */
static enum kms_rc
exponent_from_factors(struct numbers *k)
{
	auto_bn *p1 = BN_dup(k->v[P]), *q1 = BN_dup(k->v[Q]), *g = BN_new(), *m = BN_new();

	if (p1 == NULL || q1 == NULL || g == NULL || m == NULL || number_new(k, E) == NULL)
		return KMS_NOMEM;
	if (!BN_sub_word(p1, 1) || !BN_sub_word(q1, 1) || BN_is_zero(p1) || BN_is_zero(q1) ||
	    !BN_gcd(g, p1, q1, k->bn) || !BN_mul(m, p1, q1, k->bn) || !BN_div(m, NULL, m, g, k->bn))
		return KMS_BAD_DATA;
	return BN_mod_inverse(k->v[E], k->v[D], m, k->bn) == NULL ? KMS_BAD_DATA : KMS_OK;
}

/* d modulo (prime in slot F) - 1 in slot I: equal to what stands there, and an inverse of e. */
static enum kms_rc
check_exponent(struct numbers *k, int f, int i)
{
	auto_bn *f1 = BN_dup(k->v[f]), *r = BN_new(), *one = BN_new();

	if (f1 == NULL || r == NULL || one == NULL)
		return KMS_NOMEM;
	BN_set_flags(f1, BN_FLG_CONSTTIME);
	if (!BN_sub_word(f1, 1) || BN_is_zero(f1) || !BN_mod(r, k->v[D], f1, k->bn) ||
	    !BN_mod_mul(one, r, k->v[E], f1, k->bn))
		return KMS_BAD_DATA;
	if (!BN_is_one(one) || (k->v[i] != NULL && BN_cmp(k->v[i], r) != 0))
		return KMS_BAD_DATA;
	if (k->v[i] == NULL && (number_new(k, i) == NULL || BN_copy(k->v[i], r) == NULL))
		return KMS_NOMEM;
	return KMS_OK;
}

static enum kms_rc
check_coefficient(struct numbers *k)
{
	auto_bn *one = BN_new();

	if (one == NULL)
		return KMS_NOMEM;
	if (k->v[QINV] == NULL) {
		if (number_new(k, QINV) == NULL)
			return KMS_NOMEM;
		return BN_mod_inverse(k->v[QINV], k->v[Q], k->v[P], k->bn) == NULL ? KMS_BAD_DATA
										   : KMS_OK;
	}
	if (BN_cmp(k->v[QINV], k->v[P]) >= 0 ||
	    !BN_mod_mul(one, k->v[QINV], k->v[Q], k->v[P], k->bn))
		return KMS_BAD_DATA;
	return BN_is_one(one) ? KMS_OK : KMS_BAD_DATA;
}

/* Works out what is absent and checks that all of it belongs together. */
static enum kms_rc
complete_private(struct numbers *k)
{
	bool given = k->v[P] != NULL || k->v[Q] != NULL;
	auto_bn *n = BN_new();

	if (n == NULL)
		return KMS_NOMEM;
	if (k->v[N] == NULL || !BN_is_odd(k->v[N]) || (k->v[E] == NULL && !given))
		return KMS_BAD_DATA;
	if (BN_num_bits(k->v[N]) < RSA_BITS_MIN || BN_num_bits(k->v[N]) > RSA_BITS_MAX)
		return KMS_KEY_SIZE;
	if (BN_cmp(k->v[D], k->v[N]) >= 0)
		return KMS_BAD_DATA;
	if (!given)
		TRY(factor(k));
	if (k->v[Q] == NULL)
		TRY(cofactor(k, P, Q));
	if (k->v[P] == NULL)
		TRY(cofactor(k, Q, P));
	if (!BN_mul(n, k->v[P], k->v[Q], k->bn))
		return KMS_INTERNAL;
	if (BN_cmp(n, k->v[N]) != 0 || BN_is_one(k->v[P]) || BN_is_one(k->v[Q]))
		return KMS_BAD_DATA;
	if (k->v[E] == NULL)
		TRY(exponent_from_factors(k));
	TRY(check_exponent(k, P, DP));
	TRY(check_exponent(k, Q, DQ));
	return check_coefficient(k);
}

/* 2^(d*e) is 2 modulo both factors: fails for nearly every key whose factors are no primes. */
static enum kms_rc
trial(const struct numbers *k)
{
	auto_bn *two = BN_new(), *y = BN_new();

	if (two == NULL || y == NULL)
		return KMS_NOMEM;
	for (int i = 0; i < 2; i++) {
		const BIGNUM *f = k->v[P + i];

		if (!BN_set_word(two, 2) ||
		    !BN_mod_exp_mont_consttime(y, two, k->v[DP + i], f, k->bn, NULL) ||
		    !BN_mod_exp(y, y, k->v[E], f, k->bn))
			return KMS_BAD_DATA;
		if (BN_cmp(y, two) != 0)
			return KMS_BAD_DATA;
	}
	return KMS_OK;
}

static enum kms_rc
assemble(const struct numbers *k, bool is_private, struct ckey **ret)
{
	int count = is_private ? NUMBERS : E + 1, bits = BN_num_bits(k->v[N]);
	OSSL_PARAM params[NUMBERS + 1];
	auto_secret room = { 0 };
	uint8_t *at;
	EVP_PKEY *pkey;

	TRY(secret_new((size_t)count * RSA_BYTES_MAX, &room));
	at = room.p;
	for (int i = 0; i < count; i++) {
		int len = BN_num_bytes(k->v[i]);

		if (BN_bn2nativepad(k->v[i], at, len) < 0)
			return KMS_INTERNAL;
		params[i] = OSSL_PARAM_construct_BN(param_names[i], at, (size_t)len);
		at += len;
	}
	params[count] = OSSL_PARAM_construct_end();
	pkey =
	    pkey_from_params(NAME_RSA, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params);
	if (pkey == NULL)
		return KMS_INTERNAL;
	return ckey_adopt(pkey, (struct key_spec){ .type = KEY_RSA, .bits = (uint32_t)bits },
	    ((size_t)bits + 7) / 8, is_private, ret);
}

static enum kms_rc
from_parts(const struct rsa_parts *parts, bool from_outside, struct ckey **ret)
{
	auto_numbers k = { 0 };

	auto_errors;
	TRY(numbers_load(parts, &k));
	if (k.v[D] == NULL) {
		TRY(check_public(&k));
		return assemble(&k, false, ret);
	}
	TRY(complete_private(&k));
	TRY(check_public(&k));
	if (from_outside)
		TRY(trial(&k));
	return assemble(&k, true, ret);
}

enum kms_rc
ckey_from_rsa(const struct rsa_parts *parts, struct ckey **ret)
{
	return from_parts(parts, true, ret);
}

enum kms_rc
rsa_read_public(struct slice der, struct ckey **ret)
{
	struct der outer = der_of(der), d = der_enter(&outer, DER_SEQUENCE);
	struct rsa_parts parts = { 0 };

	parts.n = der_number(&d);
	parts.e = der_number(&d);
	if (!der_done(&d) || !der_done(&outer))
		return KMS_BAD_DATA;
	return from_parts(&parts, false, ret);
}

enum kms_rc
rsa_read_private(struct slice der, struct ckey **ret)
{
	struct der outer = der_of(der), d = der_enter(&outer, DER_SEQUENCE);
	struct slice version = der_number(&d);
	struct rsa_parts parts = { 0 };

	parts.n = der_number(&d);
	parts.e = der_number(&d);
	parts.d = der_number(&d);
	parts.p = der_number(&d);
	parts.q = der_number(&d);
	parts.dp = der_number(&d);
	parts.dq = der_number(&d);
	parts.qinv = der_number(&d);
	/* Version 1 is for more than two primes. */
	if (!der_done(&d) || !der_done(&outer) || version.len != 0 || parts.d.len == 0)
		return KMS_BAD_DATA;
	return from_parts(&parts, false, ret);
}

static void
write_number(const struct ckey *k, int i, struct der_out *o)
{
	auto_bn *n = ckey_number(k, param_names[i]);
	size_t end = o->at;
	uint8_t *p;

	if (n == NULL) {
		o->bad = true;
		return;
	}
	/* One byte more when the top bit is set: the sign. BN_num_bits / 8 + 1 is just that. */
	if ((p = der_room(o, (size_t)BN_num_bits(n) / 8 + 1)) != NULL)
		o->bad |= BN_bn2binpad(n, p, BN_num_bits(n) / 8 + 1) < 0;
	der_head(o, DER_INTEGER, end);
}

void
rsa_write_public(const struct ckey *k, struct der_out *o)
{
	size_t end = o->at;

	write_number(k, E, o);
	write_number(k, N, o);
	der_head(o, DER_SEQUENCE, end);
}

void
rsa_write_private(const struct ckey *k, struct der_out *o)
{
	size_t end = o->at;

	for (int i = NUMBERS - 1; i >= N; i--)
		write_number(k, i, o);
	der_put_number(o, (struct slice){ 0 });
	der_head(o, DER_SEQUENCE, end);
}

bool
rsa_takes(const struct ckey *k, struct slice in)
{
	auto_bn *n = ckey_number(k, OSSL_PKEY_PARAM_RSA_N);
	auto_bn *v = in.len > RSA_BYTES_MAX ? NULL : BN_bin2bn(in.p, (int)in.len, NULL);

	return n != NULL && v != NULL && BN_cmp(v, n) < 0;
}

enum kms_rc
rsa_public(const struct ckey *k, struct ckey **ret)
{
	auto_numbers pub = { 0 };

	pub.v[N] = ckey_number(k, OSSL_PKEY_PARAM_RSA_N);
	pub.v[E] = ckey_number(k, OSSL_PKEY_PARAM_RSA_E);
	if (pub.v[N] == NULL || pub.v[E] == NULL)
		return KMS_INTERNAL;
	return assemble(&pub, false, ret);
}
