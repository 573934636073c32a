/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC (RFC 2104) and AES-CMAC (SP 800-38B), whole or cut short. The key is set once; a restart
 * only rewinds. */
#include "crypto/uses.h"

#include <openssl/core_names.h>

struct mac_use {
	struct cuse c;
	EVP_MAC_CTX *ctx;
	enum digest digest; /* HMAC: what ctx is keyed for */
	bool keyed;
	size_t len, full;
};

static enum kms_rc
mac_init(struct cuse *c)
{
	struct mac_use *m = (struct mac_use *)c;
	EVP_MAC *mac = lib_mac(c->u.alg == ALG_HMAC ? MAC_HMAC : MAC_CMAC);

	if (mac == NULL)
		return KMS_INTERNAL;
	return (m->ctx = EVP_MAC_CTX_new(mac)) == NULL ? KMS_NOMEM : KMS_OK;
}

static void
mac_free(struct use *u)
{
	struct mac_use *m = (struct mac_use *)u;

	EVP_MAC_CTX_free(m->ctx);
	cuse_release(&m->c, sizeof *m);
}

static enum kms_rc
set_key(struct mac_use *m, enum digest digest)
{
	const struct ckey *k = m->c.key;
	bool hmac = m->c.u.alg == ALG_HMAC;
	const char *name =
	    hmac ? lib_digest_name(digest) : EVP_CIPHER_get0_name(lib_cipher(CIPHER_CBC, k->width));
	OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };
	char copy[32] = "";

	if (name == NULL || strlen(name) >= sizeof copy)
		return KMS_INTERNAL;
	memcpy(copy, name, strlen(name));
	params[0] =
	    OSSL_PARAM_construct_utf8_string(hmac ? OSSL_MAC_PARAM_DIGEST : OSSL_MAC_PARAM_CIPHER,
		copy, 0);
	auto_errors;
	if (EVP_MAC_init(m->ctx, k->bytes.p, k->bytes.len, params) != 1)
		return KMS_INTERNAL;
	m->keyed = true;
	m->digest = digest;
	m->full = hmac ? digest_len(digest) : 16;
	return KMS_OK;
}

static enum kms_rc
mac_restart(struct use *u, const struct alg_params *p)
{
	struct mac_use *m = (struct mac_use *)u;
	enum digest digest = u->alg == ALG_HMAC ? p->digest : DIGEST_NONE;
	size_t full = u->alg == ALG_HMAC ? digest_len(digest) : 16;

	m->c.phase = PHASE_DONE;
	if (p->u.mac.len == 0 || p->u.mac.len > full)
		return KMS_BAD_PARAM;
	if (!m->keyed || m->digest != digest)
		TRY(set_key(m, digest));
	else if (EVP_MAC_init(m->ctx, NULL, 0, NULL) != 1)
		return KMS_INTERNAL;
	m->len = p->u.mac.len;
	m->c.phase = PHASE_READY;
	return KMS_OK;
}

static enum kms_rc
mac_update(struct use *u, struct slice in, struct outbuf *out UNUSED, size_t *need UNUSED)
{
	struct mac_use *m = (struct mac_use *)u;

	if (m->c.phase == PHASE_DONE)
		return KMS_INVALID;
	m->c.phase = PHASE_FED;
	if (in.len > 0 && EVP_MAC_update(m->ctx, in.p, in.len) != 1)
		return cuse_end(&m->c, KMS_INTERNAL);
	return KMS_OK;
}

/* The whole MAC, of which the caller keeps m->len bytes. Ends the use. */
static enum kms_rc
finish(struct mac_use *m, uint8_t full[DIGEST_MAX])
{
	size_t len = 0;

	if (m->c.phase == PHASE_DONE)
		return KMS_INVALID;
	if (EVP_MAC_final(m->ctx, full, &len, DIGEST_MAX) != 1 || len != m->full)
		return cuse_end(&m->c, KMS_INTERNAL);
	return cuse_end(&m->c, KMS_OK);
}

static enum kms_rc
mac_final(struct use *u, struct outbuf *out, size_t *need)
{
	struct mac_use *m = (struct mac_use *)u;
	uint8_t full[DIGEST_MAX];

	if (m->c.phase == PHASE_DONE)
		return KMS_INVALID;
	if (cuse_small(out, need, m->len))
		return KMS_BUFFER_SMALL;
	TRY(finish(m, full));
	memcpy(out->p, full, m->len);
	out->len = m->len;
	return KMS_OK;
}

static enum kms_rc
mac_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct mac_use *m = (struct mac_use *)u;

	if (m->c.phase != PHASE_READY)
		return KMS_INVALID;
	if (cuse_small(out, need, m->len))
		return KMS_BUFFER_SMALL;
	TRY(mac_update(u, in, NULL, NULL));
	return mac_final(u, out, need);
}

static enum kms_rc
mac_check(struct use *u, struct slice sig)
{
	struct mac_use *m = (struct mac_use *)u;
	uint8_t full[DIGEST_MAX];

	TRY(finish(m, full));
	if (sig.len != m->len)
		return KMS_SIGNATURE_LEN;
	return mem_equal_ct(sig, slice_of(full, m->len)) ? KMS_OK : KMS_BAD_SIGNATURE;
}

static enum kms_rc
mac_check_once(struct use *u, struct slice in, struct slice sig)
{
	if (((struct mac_use *)u)->c.phase != PHASE_READY)
		return KMS_INVALID;
	TRY(mac_update(u, in, NULL, NULL));
	return mac_check(u, sig);
}

static size_t
mac_bound(const struct use *u, size_t in_len UNUSED, bool final)
{
	return final ? ((const struct mac_use *)u)->len : 0;
}

static const struct use_ops sign_ops = {
	.free = mac_free,
	.restart = mac_restart,
	.update = mac_update,
	.final = mac_final,
	.once = mac_once,
	.bound = mac_bound,
};

static const struct use_ops verify_ops = {
	.free = mac_free,
	.restart = mac_restart,
	.update = mac_update,
	.check = mac_check,
	.check_once = mac_check_once,
	.bound = mac_bound,
};

const struct family family_mac = {
	.size = sizeof(struct mac_use),
	.ops = { [USE_SIGN] = &sign_ops, [USE_VERIFY] = &verify_ops },
	.init = mac_init,
};
