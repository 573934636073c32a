/* SPDX-License-Identifier: Apache-2.0 */
/* RSA encrypting and decrypting: PKCS #1 v1.5, OAEP, and RSA alone. One piece in, one piece out. */
#include "crypto/uses.h"

#include <openssl/rsa.h>

struct rsa_use {
	struct cuse c;
	EVP_PKEY_CTX *ctx;
	enum digest hash, mgf;
	struct buf label;
	size_t input_max; /* when encrypting */
};

static enum kms_rc
rsa_init(struct cuse *c)
{
	c->u.multipart = false;
	return KMS_OK;
}

static void
rsa_free(struct use *u)
{
	struct rsa_use *r = (struct rsa_use *)u;

	EVP_PKEY_CTX_free(r->ctx);
	buf_free(&r->label);
	cuse_release(&r->c, sizeof *r);
}

static bool
set_label(struct rsa_use *r)
{
	void *copy;

	if (r->label.len == 0)
		return true;
	/* libcrypto takes what it is given, and frees it. */
	if ((copy = OPENSSL_memdup(r->label.p, r->label.len)) == NULL)
		return false;
	if (EVP_PKEY_CTX_set0_rsa_oaep_label(r->ctx, copy, (int)r->label.len) == 1)
		return true;
	OPENSSL_free(copy);
	return false;
}

static bool
set_padding(struct rsa_use *r)
{
	switch ((int)r->c.u.alg) {
	case ALG_RSA_PKCS1: return EVP_PKEY_CTX_set_rsa_padding(r->ctx, RSA_PKCS1_PADDING) == 1;
	case ALG_RSA_RAW: return EVP_PKEY_CTX_set_rsa_padding(r->ctx, RSA_NO_PADDING) == 1;
	default:
		return EVP_PKEY_CTX_set_rsa_padding(r->ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_oaep_md(r->ctx, lib_md(r->hash)) == 1 &&
		    EVP_PKEY_CTX_set_rsa_mgf1_md(r->ctx, lib_md(r->mgf)) == 1 && set_label(r);
	}
}

static enum kms_rc
prepare(struct rsa_use *r)
{
	auto_errors;
	EVP_PKEY_CTX_free(r->ctx);
	if ((r->ctx = EVP_PKEY_CTX_new_from_pkey(lib_ctx(), r->c.key->pkey, NULL)) == NULL)
		return KMS_NOMEM;
	if ((cuse_encrypts(&r->c) ? EVP_PKEY_encrypt_init(r->ctx)
				  : EVP_PKEY_decrypt_init(r->ctx)) == 1 &&
	    set_padding(r))
		return KMS_OK;
	EVP_PKEY_CTX_free(r->ctx);
	r->ctx = NULL;
	return KMS_INTERNAL;
}

static enum kms_rc
restart_oaep(struct rsa_use *r, const struct alg_params *p)
{
	size_t hash = digest_len(p->u.oaep.hash), k = r->c.key->width;

	if (hash == 0 || digest_len(p->u.oaep.mgf) == 0 || p->u.oaep.label.len > BUF_MAX)
		return KMS_BAD_PARAM;
	if (k < 2 * hash + 2)
		return KMS_KEY_SIZE;
	if (r->ctx != NULL && r->hash == p->u.oaep.hash && r->mgf == p->u.oaep.mgf &&
	    slice_eq(p->u.oaep.label, buf_slice(&r->label)))
		return KMS_OK;
	EVP_PKEY_CTX_free(r->ctx);
	r->ctx = NULL;
	TRY(buf_set(&r->label, p->u.oaep.label));
	r->hash = p->u.oaep.hash;
	r->mgf = p->u.oaep.mgf;
	r->input_max = k - 2 * hash - 2;
	return prepare(r);
}

static enum kms_rc
rsa_restart(struct use *u, const struct alg_params *p)
{
	struct rsa_use *r = (struct rsa_use *)u;

	r->c.phase = PHASE_DONE;
	if (u->alg == ALG_RSA_OAEP) {
		TRY(restart_oaep(r, p));
	} else if (r->ctx == NULL) {
		r->input_max =
		    r->c.key->width - (u->alg == ALG_RSA_PKCS1 ? RSA_PKCS1_PADDING_SIZE : 0);
		TRY(prepare(r));
	}
	r->c.phase = PHASE_READY;
	return KMS_OK;
}

static enum kms_rc
encrypt_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct rsa_use *r = (struct rsa_use *)u;
	uint8_t filled[RSA_BYTES_MAX];
	size_t len = r->c.key->width;
	enum kms_rc rc = KMS_OK;

	if (r->c.phase != PHASE_READY)
		return KMS_INVALID;
	if (in.len > r->input_max)
		return cuse_end(&r->c, KMS_BAD_LEN);
	if (cuse_small(out, need, len))
		return KMS_BUFFER_SMALL;
	if (u->alg == ALG_RSA_RAW && in.len < len) {
		memset(filled, 0, len - in.len);
		if (in.len > 0)
			memcpy(filled + len - in.len, in.p, in.len);
		in = slice_of(filled, len);
	}
	auto_errors;
	auto_drawing;
	if (EVP_PKEY_encrypt(r->ctx, out->p, &len, bytes_of(in), in.len) != 1)
		rc = rsa_takes(r->c.key, in) ? KMS_INTERNAL : KMS_BAD_DATA;
	else
		out->len = len;
	if (in.p == filled)
		mem_wipe(filled, in.len);
	return cuse_end(&r->c, rc);
}

/* What fails inside fails with one code, and after the same steps. */
static enum kms_rc
decrypt_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct rsa_use *r = (struct rsa_use *)u;
	uint8_t plain[RSA_BYTES_MAX];
	size_t len = sizeof plain;
	enum kms_rc rc;

	if (r->c.phase != PHASE_READY)
		return KMS_INVALID;
	if (in.len != r->c.key->width)
		return cuse_end(&r->c, KMS_BAD_LEN);
	auto_errors;
	auto_drawing;
	if (EVP_PKEY_decrypt(r->ctx, plain, &len, in.p, in.len) != 1) {
		rc = cuse_end(&r->c, KMS_BAD_DATA);
	} else if (cuse_small(out, need, len)) {
		rc = KMS_BUFFER_SMALL;
	} else {
		if (len > 0)
			memcpy(out->p, plain, len);
		out->len = len;
		rc = cuse_end(&r->c, KMS_OK);
	}
	mem_wipe(plain, sizeof plain);
	return rc;
}

static size_t
rsa_bound(const struct use *u, size_t in_len UNUSED, bool final)
{
	const struct rsa_use *r = (const struct rsa_use *)u;

	if (!final)
		return 0;
	return cuse_encrypts(&r->c) ? r->c.key->width : r->input_max;
}

static const struct use_ops encrypt_ops = {
	.free = rsa_free,
	.restart = rsa_restart,
	.once = encrypt_once,
	.bound = rsa_bound,
};

static const struct use_ops decrypt_ops = {
	.free = rsa_free,
	.restart = rsa_restart,
	.once = decrypt_once,
	.bound = rsa_bound,
};

const struct family family_rsa = {
	.size = sizeof(struct rsa_use),
	.ops = { [USE_ENCRYPT] = &encrypt_ops, [USE_DECRYPT] = &decrypt_ops },
	.init = rsa_init,
};
