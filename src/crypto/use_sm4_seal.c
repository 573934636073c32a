/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SM4 with authentication: CTR, then HMAC-SM3 over the associated data, the IV and the cipher text,
 * under two keys made from the key's bytes. libcrypto 3.0 has no SM4-GCM. The form is construction
 * 2 of docs/ciphertext-blob.md.
 */
#include "crypto/uses.h"

#include <openssl/core_names.h>

#define BLOCK	16
#define MAC_LEN 32 /* of which SM4_SEAL_TAG bytes are kept: RFC 2104 §5 asks for half of them */

struct seal_use {
	struct cuse c;
	EVP_CIPHER_CTX *ctx;
	EVP_MAC_CTX *mac;
	uint8_t iv[SM4_SEAL_IV];
	struct buf aad;
};

static bool
set_mac_key(EVP_MAC_CTX *mac, struct slice key)
{
	char name[] = "SM3";
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_END };

	return EVP_MAC_init(mac, key.p, key.len, params) == 1;
}

static bool
add(EVP_MAC_CTX *mac, struct slice s)
{
	return s.len == 0 || EVP_MAC_update(mac, s.p, s.len) == 1;
}

static bool
finish(EVP_MAC_CTX *mac, uint8_t ret[MAC_LEN])
{
	size_t len = 0;

	return EVP_MAC_final(mac, ret, &len, MAC_LEN) == 1 && len == MAC_LEN;
}

/* A key for one purpose: HMAC-SM3 of its name under the key itself. */
static bool
derive(struct seal_use *s, const char *purpose, uint8_t ret[MAC_LEN])
{
	return set_mac_key(s->mac, secret_slice(&s->c.key->bytes)) &&
	    add(s->mac, slice_str(purpose)) && finish(s->mac, ret);
}

static enum kms_rc
seal_init(struct cuse *c)
{
	struct seal_use *s = (struct seal_use *)c;
	EVP_MAC *mac = lib_mac(MAC_HMAC);
	EVP_CIPHER *ctr = lib_cipher(CIPHER_SM4_CTR, c->key->width);
	uint8_t key[MAC_LEN];
	bool ok;

	c->u.multipart = false;
	if (mac == NULL || ctr == NULL)
		return KMS_INTERNAL;
	if ((s->mac = EVP_MAC_CTX_new(mac)) == NULL || (s->ctx = EVP_CIPHER_CTX_new()) == NULL)
		return KMS_NOMEM;
	ok = derive(s, "kms-pkcs11 SM4 seal: encrypt", key) &&
	    EVP_EncryptInit_ex2(s->ctx, ctr, key, NULL, NULL) == 1 &&
	    derive(s, "kms-pkcs11 SM4 seal: authenticate", key) &&
	    set_mac_key(s->mac, slice_of(key, sizeof key));
	mem_wipe(key, sizeof key);
	return ok ? KMS_OK : KMS_INTERNAL;
}

static void
seal_free(struct use *u)
{
	struct seal_use *s = (struct seal_use *)u;

	EVP_MAC_CTX_free(s->mac);
	EVP_CIPHER_CTX_free(s->ctx);
	buf_free(&s->aad);
	cuse_release(&s->c, sizeof *s);
}

static enum kms_rc
seal_restart(struct use *u, const struct alg_params *p)
{
	struct seal_use *s = (struct seal_use *)u;

	s->c.phase = PHASE_DONE;
	if (p->u.seal.iv.len != SM4_SEAL_IV)
		return KMS_BAD_PARAM;
	memcpy(s->iv, p->u.seal.iv.p, SM4_SEAL_IV);
	TRY(buf_set(&s->aad, p->u.seal.aad));
	s->c.phase = PHASE_READY;
	return KMS_OK;
}

/* IN through SM4-CTR: the IV and a counter of 32 bits, from 0. */
static bool
crypt(struct seal_use *s, struct slice in, uint8_t *out)
{
	uint8_t counter[BLOCK] = { 0 };

	memcpy(counter, s->iv, SM4_SEAL_IV);
	return EVP_CipherInit_ex2(s->ctx, NULL, NULL, counter, -1, NULL) == 1 &&
	    cipher_run(s->ctx, in.p, in.len, out);
}

/* Told apart by the length in front: where the associated data ends, the IV begins. */
static bool
tag_of(struct seal_use *s, struct slice text, uint8_t ret[MAC_LEN])
{
	uint8_t len[8];

	for (int i = 0; i < 8; i++)
		len[i] = (uint8_t)((uint64_t)s->aad.len >> (56 - 8 * i));
	return EVP_MAC_init(s->mac, NULL, 0, NULL) == 1 && add(s->mac, slice_of(len, sizeof len)) &&
	    add(s->mac, buf_slice(&s->aad)) && add(s->mac, slice_of(s->iv, sizeof s->iv)) &&
	    add(s->mac, text) && finish(s->mac, ret);
}

static enum kms_rc
seal_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct seal_use *s = (struct seal_use *)u;
	uint8_t tag[MAC_LEN];

	if (s->c.phase != PHASE_READY)
		return KMS_INVALID;
	if (in.len > BUF_MAX - SM4_SEAL_TAG)
		return cuse_end(&s->c, KMS_BAD_LEN);
	if (cuse_small(out, need, in.len + SM4_SEAL_TAG))
		return KMS_BUFFER_SMALL;
	auto_errors;
	if (!crypt(s, in, out->p) || !tag_of(s, slice_of(out->p, in.len), tag))
		return cuse_end(&s->c, KMS_INTERNAL);
	memcpy(out->p + in.len, tag, SM4_SEAL_TAG);
	out->len = in.len + SM4_SEAL_TAG;
	return cuse_end(&s->c, KMS_OK);
}

static enum kms_rc
open_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct seal_use *s = (struct seal_use *)u;
	struct slice text, is;
	uint8_t tag[MAC_LEN];

	if (s->c.phase != PHASE_READY)
		return KMS_INVALID;
	if (in.len < SM4_SEAL_TAG)
		return cuse_end(&s->c, KMS_BAD_LEN);
	text = slice_of(in.p, in.len - SM4_SEAL_TAG);
	is = slice_of(in.p + text.len, SM4_SEAL_TAG);
	if (cuse_small(out, need, text.len))
		return KMS_BUFFER_SMALL;
	auto_errors;
	if (!tag_of(s, text, tag))
		return cuse_end(&s->c, KMS_INTERNAL);
	if (!mem_equal_ct(slice_of(tag, SM4_SEAL_TAG), is))
		return cuse_end(&s->c, KMS_BAD_DATA);
	if (!crypt(s, text, out->p))
		return cuse_end(&s->c, KMS_INTERNAL);
	out->len = text.len;
	return cuse_end(&s->c, KMS_OK);
}

static size_t
seal_bound(const struct use *u, size_t in_len, bool final)
{
	size_t len;

	if (!final)
		return 0;
	if (u->kind == USE_DECRYPT)
		return in_len < SM4_SEAL_TAG ? 0 : in_len - SM4_SEAL_TAG;
	return size_add(in_len, SM4_SEAL_TAG, &len) ? len : SIZE_MAX;
}

static const struct use_ops seal_ops = {
	.free = seal_free,
	.restart = seal_restart,
	.once = seal_once,
	.bound = seal_bound,
};

static const struct use_ops open_ops = {
	.free = seal_free,
	.restart = seal_restart,
	.once = open_once,
	.bound = seal_bound,
};

const struct family family_sm4_seal = {
	.size = sizeof(struct seal_use),
	.ops = { [USE_ENCRYPT] = &seal_ops, [USE_DECRYPT] = &open_ops },
	.init = seal_init,
};
