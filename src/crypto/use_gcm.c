/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-GCM (SP 800-38D). Encrypting streams and ends with the tag. Decrypting gathers what comes in
 * parts: no plain text is given before the tag was found right.
 */
#include "crypto/uses.h"

#include <openssl/core_names.h>
#include <openssl/modes.h>

#define TAG_MAX		16
#define IV_MAX		256
#define IV_PROVIDER_MAX 128 /* longer ones libcrypto's provider refuses */

struct gcm_use {
	struct cuse c;
	EVP_CIPHER_CTX *ctx;
	size_t iv_len, tag_len;
	struct buf gathered;
	/* For long IVs: libcrypto's GCM over single blocks, slower by far. */
	EVP_CIPHER_CTX *blocks;
	GCM128_CONTEXT *wide;
	bool is_wide; /* this time */
};

static enum kms_rc
gcm_init(struct cuse *c)
{
	struct gcm_use *g = (struct gcm_use *)c;
	EVP_CIPHER *cipher = lib_cipher(CIPHER_GCM, c->key->width);

	if (cipher == NULL)
		return KMS_INTERNAL;
	if ((g->ctx = EVP_CIPHER_CTX_new()) == NULL)
		return KMS_NOMEM;
	if (EVP_CipherInit_ex2(g->ctx, cipher, c->key->bytes.p, NULL, cuse_encrypts(c), NULL) != 1)
		return KMS_INTERNAL;
	g->iv_len = 12;
	return KMS_OK;
}

static void
gcm_free(struct use *u)
{
	struct gcm_use *g = (struct gcm_use *)u;

	EVP_CIPHER_CTX_free(g->ctx);
	EVP_CIPHER_CTX_free(g->blocks);
	CRYPTO_gcm128_release(g->wide);
	buf_free(&g->gathered);
	cuse_release(&g->c, sizeof *g);
}

static void
one_block(const unsigned char in[16], unsigned char out[16], const void *ctx)
{
	EVP_CIPHER_CTX *c;
	int n;

	/* The callback's type says const; the context is our own. */
	memcpy(&c, &ctx, sizeof c);
	(void)EVP_EncryptUpdate(c, out, &n, in, 16);
}

static enum kms_rc
start_wide(struct gcm_use *g, struct slice iv)
{
	if (g->blocks == NULL) {
		if ((g->blocks = EVP_CIPHER_CTX_new()) == NULL)
			return KMS_NOMEM;
		if (EVP_EncryptInit_ex2(g->blocks, lib_cipher(CIPHER_ECB, g->c.key->width),
			g->c.key->bytes.p, NULL, NULL) != 1) {
			EVP_CIPHER_CTX_free(g->blocks);
			g->blocks = NULL;
			return KMS_INTERNAL;
		}
	}
	if (g->wide == NULL && (g->wide = CRYPTO_gcm128_new(g->blocks, one_block)) == NULL)
		return KMS_NOMEM;
	CRYPTO_gcm128_setiv(g->wide, iv.p, iv.len);
	return KMS_OK;
}

static enum kms_rc
set_iv(struct gcm_use *g, struct slice iv)
{
	g->is_wide = iv.len > IV_PROVIDER_MAX;
	if (g->is_wide)
		return start_wide(g, iv);
	if (iv.len != g->iv_len) {
		if (EVP_CIPHER_CTX_ctrl(g->ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)iv.len, NULL) != 1)
			return KMS_INTERNAL;
		g->iv_len = iv.len;
	}
	return EVP_CipherInit_ex2(g->ctx, NULL, NULL, iv.p, -1, NULL) == 1 ? KMS_OK : KMS_INTERNAL;
}

static bool
add_aad(struct gcm_use *g, struct slice aad)
{
	if (g->is_wide)
		return CRYPTO_gcm128_aad(g->wide, bytes_of(aad), aad.len) == 0;
	while (aad.len > 0) {
		size_t n = aad.len < LIB_CHUNK ? aad.len : LIB_CHUNK;
		int given;

		if (EVP_CipherUpdate(g->ctx, NULL, &given, aad.p, (int)n) != 1)
			return false;
		aad = slice_of(aad.p + n, aad.len - n);
	}
	return true;
}

static bool
run(struct gcm_use *g, struct slice in, uint8_t *out)
{
	if (!g->is_wide)
		return cipher_run(g->ctx, in.p, in.len, out);
	if (in.len == 0)
		return true;
	return (cuse_encrypts(&g->c) ? CRYPTO_gcm128_encrypt(g->wide, in.p, out, in.len)
				     : CRYPTO_gcm128_decrypt(g->wide, in.p, out, in.len)) == 0;
}

static bool
put_tag(struct gcm_use *g, uint8_t *out)
{
	int none = 0;

	if (g->is_wide) {
		CRYPTO_gcm128_tag(g->wide, out, g->tag_len);
		return true;
	}
	return EVP_EncryptFinal_ex(g->ctx, out, &none) == 1 && none == 0 &&
	    EVP_CIPHER_CTX_ctrl(g->ctx, EVP_CTRL_AEAD_GET_TAG, (int)g->tag_len, out) == 1;
}

static bool
tag_is(struct gcm_use *g, struct slice tag)
{
	uint8_t copy[TAG_MAX], none[TAG_MAX];
	int n = 0;

	memcpy(copy, tag.p, tag.len);
	if (g->is_wide)
		return CRYPTO_gcm128_finish(g->wide, copy, tag.len) == 0;
	return EVP_CIPHER_CTX_ctrl(g->ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag.len, copy) == 1 &&
	    EVP_DecryptFinal_ex(g->ctx, none, &n) == 1;
}

static enum kms_rc
gcm_restart(struct use *u, const struct alg_params *p)
{
	struct gcm_use *g = (struct gcm_use *)u;
	uint32_t tag = p->u.gcm.tag_len;

	g->c.phase = PHASE_DONE;
	if (g->gathered.len > 0)
		buf_clear(&g->gathered);
	/* SP 800-38D §5.2.1.2 */
	if (p->u.gcm.iv.len < 1 || p->u.gcm.iv.len > IV_MAX ||
	    (tag != 4 && tag != 8 && (tag < 12 || tag > TAG_MAX)))
		return KMS_BAD_PARAM;
	TRY(set_iv(g, p->u.gcm.iv));
	if (p->u.gcm.aad.len > 0 && !add_aad(g, p->u.gcm.aad))
		return KMS_INTERNAL;
	g->tag_len = tag;
	g->c.phase = PHASE_READY;
	return KMS_OK;
}

static enum kms_rc
encrypt_update(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct gcm_use *g = (struct gcm_use *)u;

	if (g->c.phase == PHASE_DONE)
		return KMS_INVALID;
	if (cuse_small(out, need, in.len))
		return KMS_BUFFER_SMALL;
	g->c.phase = PHASE_FED;
	auto_errors;
	/* The only way to fail is the construction's limit of 64 GiB. */
	if (!run(g, in, out->p))
		return cuse_end(&g->c, KMS_BAD_LEN);
	out->len = in.len;
	return KMS_OK;
}

static enum kms_rc
encrypt_final(struct use *u, struct outbuf *out, size_t *need)
{
	struct gcm_use *g = (struct gcm_use *)u;

	if (g->c.phase == PHASE_DONE)
		return KMS_INVALID;
	if (cuse_small(out, need, g->tag_len))
		return KMS_BUFFER_SMALL;
	if (!put_tag(g, out->p))
		return cuse_end(&g->c, KMS_INTERNAL);
	out->len = g->tag_len;
	return cuse_end(&g->c, KMS_OK);
}

static size_t
encrypt_bound(const struct use *u, size_t in_len, bool final)
{
	size_t n;

	return size_add(in_len, final ? ((const struct gcm_use *)u)->tag_len : 0, &n) ? n
										      : SIZE_MAX;
}

static enum kms_rc
encrypt_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct gcm_use *g = (struct gcm_use *)u;
	size_t total = encrypt_bound(u, in.len, true);

	if (g->c.phase != PHASE_READY)
		return KMS_INVALID;
	if (cuse_small(out, need, total))
		return KMS_BUFFER_SMALL;
	auto_errors;
	if (!run(g, in, out->p))
		return cuse_end(&g->c, KMS_BAD_LEN);
	if (!put_tag(g, out->p + in.len))
		return cuse_end(&g->c, KMS_INTERNAL);
	out->len = total;
	return cuse_end(&g->c, KMS_OK);
}

/* Text and tag to the caller's memory, or nothing. */
static enum kms_rc
open_whole(struct gcm_use *g, struct slice in, struct outbuf *out, size_t *need)
{
	struct slice text, tag;

	if (in.len < g->tag_len)
		return cuse_end(&g->c, KMS_BAD_LEN);
	text = slice_of(in.p, in.len - g->tag_len);
	tag = slice_of(in.p + text.len, g->tag_len);
	if (cuse_small(out, need, text.len))
		return KMS_BUFFER_SMALL;
	auto_errors;
	if (!run(g, text, out->p) || !tag_is(g, tag)) {
		mem_wipe(out->p, text.len);
		out->len = 0;
		return cuse_end(&g->c, KMS_BAD_DATA);
	}
	out->len = text.len;
	return cuse_end(&g->c, KMS_OK);
}

static enum kms_rc
decrypt_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct gcm_use *g = (struct gcm_use *)u;

	return g->c.phase != PHASE_READY ? KMS_INVALID : open_whole(g, in, out, need);
}

static enum kms_rc
decrypt_update(struct use *u, struct slice in, struct outbuf *out, size_t *need UNUSED)
{
	struct gcm_use *g = (struct gcm_use *)u;
	enum kms_rc rc;

	if (g->c.phase == PHASE_DONE)
		return KMS_INVALID;
	g->c.phase = PHASE_FED;
	if ((rc = buf_add(&g->gathered, in)) != KMS_OK)
		return cuse_end(&g->c, rc);
	if (out != NULL)
		out->len = 0;
	return KMS_OK;
}

static enum kms_rc
decrypt_final(struct use *u, struct outbuf *out, size_t *need)
{
	struct gcm_use *g = (struct gcm_use *)u;
	enum kms_rc rc;

	if (g->c.phase == PHASE_DONE)
		return KMS_INVALID;
	rc = open_whole(g, buf_slice(&g->gathered), out, need);
	if (rc != KMS_BUFFER_SMALL)
		buf_clear(&g->gathered);
	return rc;
}

static size_t
decrypt_bound(const struct use *u, size_t in_len, bool final)
{
	const struct gcm_use *g = (const struct gcm_use *)u;
	size_t n;

	if (!final)
		return 0;
	if (!size_add(g->gathered.len, in_len, &n))
		return SIZE_MAX;
	return n < g->tag_len ? 0 : n - g->tag_len;
}

static const struct use_ops encrypt_ops = {
	.free = gcm_free,
	.restart = gcm_restart,
	.update = encrypt_update,
	.final = encrypt_final,
	.once = encrypt_once,
	.bound = encrypt_bound,
};

static const struct use_ops decrypt_ops = {
	.free = gcm_free,
	.restart = gcm_restart,
	.update = decrypt_update,
	.final = decrypt_final,
	.once = decrypt_once,
	.bound = decrypt_bound,
};

const struct family family_gcm = {
	.size = sizeof(struct gcm_use),
	.ops = { [USE_ENCRYPT] = &encrypt_ops, [USE_DECRYPT] = &decrypt_ops },
	.init = gcm_init,
};
