/* SPDX-License-Identifier: Apache-2.0 */
/* AES key wrap (RFC 3394) and key wrap with padding (RFC 5649). One piece in, one piece out. */
#include "crypto/uses.h"

#define UNIT 8

struct wrap_use {
	struct cuse c;
	EVP_CIPHER_CTX *ctx;
	bool pads;
};

static enum kms_rc
wrap_init(struct cuse *c)
{
	struct wrap_use *w = (struct wrap_use *)c;
	EVP_CIPHER *cipher;

	c->u.multipart = false;
	w->pads = c->u.alg == ALG_AES_KWP;
	if ((cipher = lib_cipher(w->pads ? CIPHER_KWP : CIPHER_KW, c->key->width)) == NULL)
		return KMS_INTERNAL;
	if ((w->ctx = EVP_CIPHER_CTX_new()) == NULL)
		return KMS_NOMEM;
	EVP_CIPHER_CTX_set_flags(w->ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	return EVP_CipherInit_ex2(w->ctx, cipher, c->key->bytes.p, NULL, cuse_encrypts(c), NULL) ==
		1
	    ? KMS_OK
	    : KMS_INTERNAL;
}

static void
wrap_free(struct use *u)
{
	struct wrap_use *w = (struct wrap_use *)u;

	EVP_CIPHER_CTX_free(w->ctx);
	cuse_release(&w->c, sizeof *w);
}

static enum kms_rc
wrap_restart(struct use *u, const struct alg_params *p)
{
	/* RFC 3394 §2.2.3.1, RFC 5649 §3 */
	static const uint8_t iv[8] = { 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6 };
	static const uint8_t icv[4] = { 0xa6, 0x59, 0x59, 0xa6 };
	struct wrap_use *w = (struct wrap_use *)u;
	struct slice own = w->pads ? slice_of(icv, sizeof icv) : slice_of(iv, sizeof iv),
		     given = p->u.cipher.iv;

	w->c.phase = PHASE_DONE;
	if (given.len != 0 && given.len != own.len)
		return KMS_BAD_PARAM;
	if (EVP_CipherInit_ex2(w->ctx, NULL, NULL, given.len != 0 ? given.p : own.p, -1, NULL) != 1)
		return KMS_INTERNAL;
	w->c.phase = PHASE_READY;
	return KMS_OK;
}

/* Exact when wrapping; when unwrapping with padding up to 7 bytes too many. */
static size_t
wrap_bound(const struct use *u, size_t in_len, bool final)
{
	size_t n;

	if (!final)
		return 0;
	if (u->kind == USE_DECRYPT)
		return in_len < UNIT ? 0 : in_len - UNIT;
	if (!size_add(in_len, 2 * UNIT - 1, &n))
		return SIZE_MAX;
	return n - n % UNIT;
}

static enum kms_rc
wrap_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct wrap_use *w = (struct wrap_use *)u;
	size_t total = wrap_bound(u, in.len, true);
	int n = 0;

	if (w->c.phase != PHASE_READY)
		return KMS_INVALID;
	if (in.len > BUF_MAX || (w->pads ? in.len == 0 : in.len < 2 * UNIT || in.len % UNIT != 0))
		return cuse_end(&w->c, KMS_BAD_LEN);
	if (cuse_small(out, need, total))
		return KMS_BUFFER_SMALL;
	auto_errors;
	if (EVP_CipherUpdate(w->ctx, out->p, &n, in.p, (int)in.len) != 1 || (size_t)n != total)
		return cuse_end(&w->c, KMS_INTERNAL);
	out->len = total;
	return cuse_end(&w->c, KMS_OK);
}

/* Unwraps to OUT, which holds as much as IN. */
static enum kms_rc
unwrap(struct wrap_use *w, struct slice in, uint8_t *out, size_t *ret_len)
{
	int n = 0;

	auto_errors;
	if (EVP_CipherUpdate(w->ctx, out, &n, in.p, (int)in.len) != 1 || n <= 0)
		return KMS_BAD_DATA;
	*ret_len = (size_t)n;
	return KMS_OK;
}

static enum kms_rc
unwrap_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct wrap_use *w = (struct wrap_use *)u;
	auto_secret room = { 0 };
	size_t len = 0;
	enum kms_rc rc;

	if (w->c.phase != PHASE_READY)
		return KMS_INVALID;
	if (in.len % UNIT != 0 || in.len < (w->pads ? 2 : 3) * UNIT || in.len > SECRET_MAX)
		return cuse_end(&w->c, KMS_BAD_LEN);
	if (!w->pads && cuse_small(out, need, in.len - UNIT))
		return KMS_BUFFER_SMALL;
	/* libcrypto may write as much as it reads, and how much it keeps of padded input is known
	 * only afterwards. */
	TRY(secret_new(in.len, &room));
	if ((rc = unwrap(w, in, room.p, &len)) != KMS_OK)
		return cuse_end(&w->c, rc);
	if (cuse_small(out, need, len))
		return KMS_BUFFER_SMALL;
	memcpy(out->p, room.p, len);
	out->len = len;
	return cuse_end(&w->c, KMS_OK);
}

static const struct use_ops wrap_ops = {
	.free = wrap_free,
	.restart = wrap_restart,
	.once = wrap_once,
	.bound = wrap_bound,
};

static const struct use_ops unwrap_ops = {
	.free = wrap_free,
	.restart = wrap_restart,
	.once = unwrap_once,
	.bound = wrap_bound,
};

const struct family family_wrap = {
	.size = sizeof(struct wrap_use),
	.ops = { [USE_ENCRYPT] = &wrap_ops, [USE_DECRYPT] = &unwrap_ops },
	.init = wrap_init,
};
