/* SPDX-License-Identifier: Apache-2.0 */
/* OAEP's decoding (RFC 8017 §7.1.2) for RSA keys that are not at hand: what is wrong inside takes
 * as long as what is right, and has one name. */
#include "crypto/crypto.h"

#define EM_MAX 1024

/* 0xff when A is zero, else 0. */
static uint8_t
is_zero(uint8_t a)
{
	return (uint8_t)(((unsigned)a - 1) >> 8);
}

/* MGF1 (B.2.1) of SEED, xored into DST. */
static enum kms_rc
mask(enum digest d, struct slice seed, uint8_t *dst, size_t len)
{
	uint8_t in[EM_MAX + 4], out[DIGEST_MAX];
	size_t n = digest_len(d);

	memcpy(in, seed.p, seed.len);
	for (uint32_t counter = 0; len > 0; counter++) {
		size_t step = len < n ? len : n;

		in[seed.len] = (uint8_t)(counter >> 24);
		in[seed.len + 1] = (uint8_t)(counter >> 16);
		in[seed.len + 2] = (uint8_t)(counter >> 8);
		in[seed.len + 3] = (uint8_t)counter;
		TRY(crypto_digest(d, slice_of(in, seed.len + 4), out));
		for (size_t i = 0; i < step; i++)
			dst[i] ^= out[i];
		dst += step;
		len -= step;
	}
	mem_wipe(in, sizeof(in));
	mem_wipe(out, sizeof(out));
	return KMS_OK;
}

/* Where the message begins in DB, whose first N bytes should be HASH and then zeros and a one;
 * gives 0xff when they are. */
static uint8_t
find_message(const uint8_t *db, size_t len, const uint8_t *hash, size_t n, size_t *ret)
{
	uint8_t good = 0xff, looking = 0xff;
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		good &= is_zero(db[i] ^ hash[i]);
	for (size_t i = n; i < len; i++) {
		uint8_t one = is_zero(db[i] ^ 1), zero = is_zero(db[i]),
			here = (uint8_t)(looking & one);
		size_t wide = (size_t)0 - (here & 1);

		at |= wide & (i + 1);
		good &= (uint8_t) ~(looking & (uint8_t) ~(one | zero));
		looking &= (uint8_t)~one;
	}
	*ret = at;
	return (uint8_t)(good & ~looking);
}

enum kms_rc
crypto_oaep_decode(struct slice em, const struct alg_params *p, struct secret *ret)
{
	size_t n = digest_len(p->u.oaep.hash), at = 0, len = em.len - 1 - n;
	uint8_t hash[DIGEST_MAX], good;
	auto_secret m = { 0 };
	uint8_t *seed, *db;

	if (n == 0 || digest_len(p->u.oaep.mgf) == 0 || em.len > EM_MAX || em.len < 2 * n + 2)
		return KMS_BAD_PARAM;
	TRY(crypto_digest(p->u.oaep.hash, p->u.oaep.label, hash));
	TRY(secret_copy(em, &m));
	seed = m.p + 1;
	db = seed + n;
	TRY(mask(p->u.oaep.mgf, slice_of(db, len), seed, n));
	TRY(mask(p->u.oaep.mgf, slice_of(seed, n), db, len));
	good = find_message(db, len, hash, n, &at);
	if ((good & is_zero(m.p[0])) == 0)
		return KMS_BAD_DATA;
	return secret_copy(slice_of(db + at, len - at), ret);
}
