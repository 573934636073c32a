/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES and SM4 in ECB, CBC, CBC with padding, and CTR. Parts of blocks are kept here, and libcrypto
 * is given whole blocks with its own padding off: so what a call will give is known before anything
 * is done.
 */
#include "crypto/uses.h"

#include <openssl/core_names.h>

#define BLOCK AES_BLOCK
#define CHUNK 4096 /* how much is moved at once when parts do not end at blocks */

struct cipher_use {
	struct cuse c;
	EVP_CIPHER_CTX *ctx;
	bool chained; /* takes an IV: not ECB */
	bool blocks;  /* whole blocks only: not CTR */
	bool pads,
	    holds; /* CBC_PAD encrypting; decrypting, where the last block waits for the end */
	uint8_t hold[BLOCK]; /* input that waits for more */
	size_t held;
	uint64_t left; /* CTR: bytes until the counter is used up */
};

/* What libcrypto does of an algorithm: all but the padding. */
static enum lib_cipher
core_of(enum alg alg)
{
	switch ((int)alg) {
	case ALG_AES_ECB: return CIPHER_ECB;
	case ALG_AES_CTR: return CIPHER_CTR;
	case ALG_SM4_ECB: return CIPHER_SM4_ECB;
	case ALG_SM4_CTR: return CIPHER_SM4_CTR;
	case ALG_SM4_CBC:
	case ALG_SM4_CBC_PAD: return CIPHER_SM4_CBC;
	default: return CIPHER_CBC;
	}
}

static enum kms_rc
cipher_init(struct cuse *c)
{
	struct cipher_use *s = (struct cipher_use *)c;
	enum alg alg = c->u.alg;
	bool padded = alg == ALG_AES_CBC_PAD || alg == ALG_SM4_CBC_PAD;
	enum lib_cipher core = core_of(alg);
	EVP_CIPHER *cipher = lib_cipher(core, c->key->width);
	unsigned padding = 0;
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_uint(OSSL_CIPHER_PARAM_PADDING, &padding),
		OSSL_PARAM_END };

	if (cipher == NULL)
		return KMS_INTERNAL;
	if ((s->ctx = EVP_CIPHER_CTX_new()) == NULL)
		return KMS_NOMEM;
	/* Set at the provider, not by EVP_CIPHER_CTX_set_padding, which is done again at each
	 * restart. */
	if (EVP_CipherInit_ex2(s->ctx, cipher, c->key->bytes.p, NULL, cuse_encrypts(c), NULL) !=
		1 ||
	    EVP_CIPHER_CTX_set_params(s->ctx, params) != 1)
		return KMS_INTERNAL;
	s->chained = core != CIPHER_ECB && core != CIPHER_SM4_ECB;
	s->blocks = core != CIPHER_CTR && core != CIPHER_SM4_CTR;
	s->pads = padded && cuse_encrypts(c);
	s->holds = padded && !cuse_encrypts(c);
	return KMS_OK;
}

static void
cipher_free(struct use *u)
{
	struct cipher_use *s = (struct cipher_use *)u;

	EVP_CIPHER_CTX_free(s->ctx);
	cuse_release(&s->c, sizeof *s);
}

static enum kms_rc
cipher_restart(struct use *u, const struct alg_params *p)
{
	struct cipher_use *s = (struct cipher_use *)u;
	struct slice iv = p->u.cipher.iv;

	s->c.phase = PHASE_DONE;
	s->held = 0;
	if (s->chained) {
		if (iv.len != BLOCK)
			return KMS_BAD_PARAM;
		if (!s->blocks) {
			if (p->u.cipher.counter_bits < 1 || p->u.cipher.counter_bits > 128)
				return KMS_BAD_PARAM;
			s->left = aes_ctr_left(iv.p, p->u.cipher.counter_bits);
		}
		if (EVP_CipherInit_ex2(s->ctx, NULL, NULL, iv.p, -1, NULL) != 1)
			return KMS_INTERNAL;
	}
	s->c.phase = PHASE_READY;
	return KMS_OK;
}

/* What an update with LEN bytes gives: everything, or all whole blocks, or all but the last. */
static size_t
emits(const struct cipher_use *s, size_t len)
{
	size_t total;

	if (!s->blocks)
		return len;
	if (!size_add(s->held, len, &total))
		return SIZE_MAX;
	if (s->holds)
		total -= total > 0;
	return total - total % BLOCK;
}

/*
 * Feeds IN with EMIT bytes going to OUT when some are held; gives what of IN is left. In place
 * works too though the output runs ahead of the input by what was held: what a chunk is about to
 * overwrite is taken first.
 */
static bool
feed_shifted(struct cipher_use *s, struct slice *in, size_t emit, uint8_t *out)
{
	uint8_t chunk[CHUNK];
	bool ok = true;

	while (emit > 0 && ok) {
		size_t n = emit < CHUNK ? emit : CHUNK, take = n - s->held, next;

		memcpy(chunk, s->hold, s->held);
		memcpy(chunk + s->held, in->p, take);
		*in = slice_of(in->p + take, in->len - take);
		next = in->len < s->held ? in->len : s->held;
		memcpy(s->hold, in->p, next);
		*in = slice_of(in->p + next, in->len - next);
		s->held = next;
		ok = cipher_run(s->ctx, chunk, n, out);
		out += n;
		emit -= n;
	}
	mem_wipe(chunk, sizeof chunk);
	return ok;
}

/* Feeds IN with EMIT = emits(in.len) bytes going to OUT; holds the rest. */
static bool
feed(struct cipher_use *s, struct slice in, size_t emit, uint8_t *out)
{
	if (s->held > 0 && emit > 0) {
		if (!feed_shifted(s, &in, emit, out))
			return false;
		emit = 0;
	}
	if (in.len > emit)
		memcpy(s->hold + s->held, in.p + emit, in.len - emit);
	s->held += in.len - emit;
	return cipher_run(s->ctx, in.p, emit, out);
}

static enum kms_rc
cipher_update(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct cipher_use *s = (struct cipher_use *)u;
	size_t emit = emits(s, in.len);

	if (s->c.phase == PHASE_DONE)
		return KMS_INVALID;
	if (!s->blocks && in.len > s->left)
		return cuse_end(&s->c, KMS_BAD_LEN);
	if (cuse_small(out, need, emit))
		return KMS_BUFFER_SMALL;
	s->c.phase = PHASE_FED;
	s->left -= s->blocks ? 0 : in.len;
	if (s->blocks ? !feed(s, in, emit, out->p) : !cipher_run(s->ctx, in.p, in.len, out->p))
		return cuse_end(&s->c, KMS_INTERNAL);
	out->len = emit;
	return KMS_OK;
}

static bool
set_iv(struct cipher_use *s, const uint8_t iv[BLOCK])
{
	return EVP_CipherInit_ex2(s->ctx, NULL, NULL, iv, -1, NULL) == 1;
}

/*
 * Opens the padded block LAST at the chain's present place and gives what is in it; a caller whose
 * memory is too small finds the chain where it was.
 */
static enum kms_rc
open_last(struct cipher_use *s, const uint8_t last[BLOCK], struct outbuf *out, size_t *need)
{
	uint8_t block[BLOCK], iv[BLOCK];
	enum kms_rc rc = KMS_OK;
	int len;

	if (EVP_CIPHER_CTX_get_updated_iv(s->ctx, iv, sizeof iv) != 1 ||
	    !cipher_run(s->ctx, last, BLOCK, block))
		return cuse_end(&s->c, KMS_INTERNAL);
	if ((len = aes_unpadded(block)) < 0) {
		rc = cuse_end(&s->c, KMS_BAD_DATA);
	} else if (cuse_small(out, need, (size_t)len)) {
		rc = set_iv(s, iv) ? KMS_BUFFER_SMALL : cuse_end(&s->c, KMS_INTERNAL);
	} else {
		if (len > 0)
			memcpy(out->p, block, (size_t)len);
		out->len = (size_t)len;
	}
	mem_wipe(block, sizeof block);
	return rc;
}

static enum kms_rc
cipher_final(struct use *u, struct outbuf *out, size_t *need)
{
	struct cipher_use *s = (struct cipher_use *)u;
	enum kms_rc rc;

	if (s->c.phase == PHASE_DONE)
		return KMS_INVALID;
	if (s->holds) {
		if (s->held != BLOCK)
			return cuse_end(&s->c, KMS_BAD_LEN);
		rc = open_last(s, s->hold, out, need);
		return rc == KMS_OK ? cuse_end(&s->c, rc) : rc;
	}
	if (!s->pads) {
		out->len = 0;
		return cuse_end(&s->c, s->held == 0 ? KMS_OK : KMS_BAD_LEN);
	}
	if (cuse_small(out, need, BLOCK))
		return KMS_BUFFER_SMALL;
	memset(s->hold + s->held, (int)(BLOCK - s->held), BLOCK - s->held);
	if (!cipher_run(s->ctx, s->hold, BLOCK, out->p))
		return cuse_end(&s->c, KMS_INTERNAL);
	out->len = BLOCK;
	return cuse_end(&s->c, KMS_OK);
}

/*
 * Padded cipher text into memory that may be shorter than it: the last block is opened first, with
 * the block before it as IV, to learn the exact length.
 */
static enum kms_rc
open_tight(struct cipher_use *s, struct slice in, struct outbuf *out, size_t *need)
{
	size_t body = in.len - BLOCK;
	uint8_t iv[BLOCK], block[BLOCK];
	struct outbuf rest = { .p = block, .cap = sizeof block };
	enum kms_rc rc;

	if (EVP_CIPHER_CTX_get_updated_iv(s->ctx, iv, sizeof iv) != 1 ||
	    (body > 0 && !set_iv(s, in.p + body - BLOCK)))
		return cuse_end(&s->c, KMS_INTERNAL);
	if ((rc = open_last(s, in.p + body, &rest, NULL)) != KMS_OK)
		return rc;
	if (!set_iv(s, iv)) {
		rc = cuse_end(&s->c, KMS_INTERNAL);
	} else if (cuse_small(out, need, body + rest.len)) {
		rc = KMS_BUFFER_SMALL;
	} else if (!cipher_run(s->ctx, in.p, body, out->p)) {
		rc = cuse_end(&s->c, KMS_INTERNAL);
	} else {
		if (rest.len > 0)
			memcpy(out->p + body, block, rest.len);
		out->len = body + rest.len;
		rc = cuse_end(&s->c, KMS_OK);
	}
	mem_wipe(block, sizeof block);
	return rc;
}

static enum kms_rc
open_padded(struct cipher_use *s, struct slice in, struct outbuf *out, size_t *need)
{
	int last;

	if (in.len == 0 || in.len % BLOCK != 0)
		return cuse_end(&s->c, KMS_BAD_LEN);
	if (out->cap < in.len)
		return open_tight(s, in, out, need);
	if (!cipher_run(s->ctx, in.p, in.len, out->p))
		return cuse_end(&s->c, KMS_INTERNAL);
	if ((last = aes_unpadded(out->p + in.len - BLOCK)) < 0) {
		mem_wipe(out->p, in.len);
		return cuse_end(&s->c, KMS_BAD_DATA);
	}
	out->len = in.len - BLOCK + (size_t)last;
	return cuse_end(&s->c, KMS_OK);
}

static size_t
cipher_bound(const struct use *u, size_t in_len, bool final)
{
	const struct cipher_use *s = (const struct cipher_use *)u;
	size_t total;

	if (!final || !s->blocks)
		return emits(s, in_len);
	if (!size_add(s->held, in_len, &total) ||
	    (s->pads && !size_add(total - total % BLOCK, BLOCK, &total)))
		return SIZE_MAX;
	return total;
}

static enum kms_rc
cipher_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct cipher_use *s = (struct cipher_use *)u;
	struct outbuf rest;
	size_t total;

	if (s->c.phase != PHASE_READY)
		return KMS_INVALID;
	if (s->holds)
		return open_padded(s, in, out, need);
	if (s->blocks && !s->pads && in.len % BLOCK != 0)
		return cuse_end(&s->c, KMS_BAD_LEN);
	if (!s->blocks && in.len > s->left)
		return cuse_end(&s->c, KMS_BAD_LEN);
	total = cipher_bound(u, in.len, true);
	if (cuse_small(out, need, total))
		return KMS_BUFFER_SMALL;
	if (!s->pads) {
		if (!cipher_run(s->ctx, in.p, in.len, out->p))
			return cuse_end(&s->c, KMS_INTERNAL);
		out->len = total;
		return cuse_end(&s->c, KMS_OK);
	}
	TRY(cipher_update(u, in, out, need));
	rest = (struct outbuf){ .p = out->p + out->len, .cap = out->cap - out->len };
	TRY(cipher_final(u, &rest, need));
	out->len = total;
	return KMS_OK;
}

static const struct use_ops cipher_ops = {
	.free = cipher_free,
	.restart = cipher_restart,
	.update = cipher_update,
	.final = cipher_final,
	.once = cipher_once,
	.bound = cipher_bound,
};

const struct family family_cipher = {
	.size = sizeof(struct cipher_use),
	.ops = { [USE_ENCRYPT] = &cipher_ops, [USE_DECRYPT] = &cipher_ops },
	.init = cipher_init,
};
