/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SM2 encrypting and decrypting (GB/T 32918.4), the cipher text in the form of GM/T 0009: SEQUENCE
 * { x, y, hash, cipher text }. One piece in, one piece out.
 */
#include "crypto/uses.h"

#define INPUT_MAX (1u << 16)
#define HASH_LEN  32
#define NUMBER	  35 /* the longest INTEGER of a coordinate: 33 bytes and a head */

struct sm2_use {
	struct cuse c;
	EVP_PKEY_CTX *ctx;
};

static enum kms_rc
sm2_init(struct cuse *c)
{
	struct sm2_use *s = (struct sm2_use *)c;

	c->u.multipart = false;
	if ((s->ctx = EVP_PKEY_CTX_new_from_pkey(lib_ctx(), c->key->pkey, NULL)) == NULL)
		return KMS_NOMEM;
	return (cuse_encrypts(c) ? EVP_PKEY_encrypt_init(s->ctx) : EVP_PKEY_decrypt_init(s->ctx)) ==
		1
	    ? KMS_OK
	    : KMS_INTERNAL;
}

static void
sm2_free(struct use *u)
{
	struct sm2_use *s = (struct sm2_use *)u;

	EVP_PKEY_CTX_free(s->ctx);
	cuse_release(&s->c, sizeof *s);
}

static enum kms_rc
sm2_restart(struct use *u, const struct alg_params *p UNUSED)
{
	((struct sm2_use *)u)->c.phase = PHASE_READY;
	return KMS_OK;
}

static size_t
element(size_t len)
{
	return len + (len < 0x80 ? 2 : len < 0x100 ? 3 : len < 0x10000 ? 4 : 5);
}

/* The most that LEN bytes become: the coordinates are shorter when they happen to be small. */
static size_t
sealed_max(size_t len)
{
	return element(2 * (size_t)NUMBER + element(HASH_LEN) + element(len));
}

static enum kms_rc
encrypt_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct sm2_use *s = (struct sm2_use *)u;
	auto_buf own = { 0 }; /* libcrypto clears its output before it reads */
	size_t len;
	uint8_t *p;

	if (s->c.phase != PHASE_READY)
		return KMS_INVALID;
	if (in.len == 0 || in.len > INPUT_MAX)
		return cuse_end(&s->c, KMS_BAD_LEN);
	len = sealed_max(in.len);
	if (cuse_small(out, need, len))
		return KMS_BUFFER_SMALL;
	if (buf_extend(&own, len, &p) != KMS_OK)
		return cuse_end(&s->c, KMS_NOMEM);
	auto_errors;
	auto_drawing;
	if (EVP_PKEY_encrypt(s->ctx, p, &len, in.p, in.len) != 1 || len > own.len)
		return cuse_end(&s->c, KMS_INTERNAL);
	memcpy(out->p, p, len);
	out->len = len;
	return cuse_end(&s->c, KMS_OK);
}

/* How many bytes IN hides; 0: it is no cipher text. */
static size_t
plain_len(struct slice in)
{
	struct der outer = der_of(in), d = der_enter(&outer, DER_SEQUENCE);
	struct slice x = der_number(&d), y = der_number(&d), hash = der_take(&d, DER_OCTETS),
		     text = der_take(&d, DER_OCTETS);

	return der_done(&d) && der_done(&outer) && x.len <= 32 && y.len <= 32 &&
		hash.len == HASH_LEN && text.len <= INPUT_MAX
	    ? text.len
	    : 0;
}

/* What fails inside fails with one code. */
static enum kms_rc
decrypt_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct sm2_use *s = (struct sm2_use *)u;
	size_t len = plain_len(in);
	auto_secret own = { 0 };

	if (s->c.phase != PHASE_READY)
		return KMS_INVALID;
	if (len == 0)
		return cuse_end(&s->c, KMS_BAD_DATA);
	if (cuse_small(out, need, len))
		return KMS_BUFFER_SMALL;
	if (secret_new(len, &own) != KMS_OK)
		return cuse_end(&s->c, KMS_NOMEM);
	auto_errors;
	auto_drawing;
	if (EVP_PKEY_decrypt(s->ctx, own.p, &len, in.p, in.len) != 1 || len != own.len)
		return cuse_end(&s->c, KMS_BAD_DATA);
	memcpy(out->p, own.p, len);
	out->len = len;
	return cuse_end(&s->c, KMS_OK);
}

static size_t
sm2_bound(const struct use *u, size_t in_len, bool final)
{
	const struct sm2_use *s = (const struct sm2_use *)u;

	if (!final)
		return 0;
	if (!cuse_encrypts(&s->c))
		return in_len;
	return in_len > INPUT_MAX ? SIZE_MAX : sealed_max(in_len);
}

static const struct use_ops encrypt_ops = {
	.free = sm2_free,
	.restart = sm2_restart,
	.once = encrypt_once,
	.bound = sm2_bound,
};

static const struct use_ops decrypt_ops = {
	.free = sm2_free,
	.restart = sm2_restart,
	.once = decrypt_once,
	.bound = sm2_bound,
};

const struct family family_sm2 = {
	.size = sizeof(struct sm2_use),
	.ops = { [USE_ENCRYPT] = &encrypt_ops, [USE_DECRYPT] = &decrypt_ops },
	.init = sm2_init,
};
