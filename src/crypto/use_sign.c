/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing and verifying with RSA, ECDSA, SM2 and Ed25519. Hash and signature keep a context each,
 * so that a restart with the same parameters does nothing. Ed25519 needs the whole message: parts
 * are gathered.
 */
#include "crypto/ecdsa_der.h"
#include "crypto/sm2.h"
#include "crypto/uses.h"

#include <openssl/rsa.h>

#define ED25519_SIG 64

struct sign_use {
	struct cuse c;
	EVP_PKEY_CTX *ctx;	       /* RSA, ECDSA, SM2: prepared for what follows */
	enum digest digest, hash, mgf; /* of the message (or none), of PSS */
	uint32_t salt_len;
	EVP_MD_CTX *md; /* hashes parts; Ed25519: signs */
	size_t sig_len;
	struct buf gathered;
	/* SM2: what is hashed before the message, by who signs */
	uint8_t z[SM2_Z_LEN];
	struct buf id;
	bool has_z;
};

static enum kms_rc
sign_init(struct cuse *c)
{
	struct sign_use *s = (struct sign_use *)c;
	OSSL_LIB_CTX *lib = lib_ctx();
	EVP_PKEY *k = c->key->pkey;

	if ((s->md = EVP_MD_CTX_new()) == NULL)
		return KMS_NOMEM;
	s->sig_len = c->key->spec.type == KEY_RSA ? c->key->width : 2 * c->key->width;
	if (c->u.alg != ALG_EDDSA)
		return KMS_OK;
	return (c->u.kind == USE_SIGN
		       ? EVP_DigestSignInit_ex(s->md, NULL, NULL, lib, NULL, k, NULL)
		       : EVP_DigestVerifyInit_ex(s->md, NULL, NULL, lib, NULL, k, NULL)) == 1
	    ? KMS_OK
	    : KMS_INTERNAL;
}

static void
sign_free(struct use *u)
{
	struct sign_use *s = (struct sign_use *)u;

	EVP_PKEY_CTX_free(s->ctx);
	EVP_MD_CTX_free(s->md);
	buf_free(&s->gathered);
	buf_free(&s->id);
	cuse_release(&s->c, sizeof *s);
}

/* RFC 8017 §9.1.1: the salt must leave room for the hash and two bytes. */
static enum kms_rc
check_pss(const struct sign_use *s, const struct alg_params *p)
{
	size_t em = (s->c.key->spec.bits - 1 + 7) / 8, hash = digest_len(p->u.pss.hash);

	if (hash == 0 || digest_len(p->u.pss.mgf) == 0 ||
	    (p->digest != DIGEST_NONE && p->digest != p->u.pss.hash))
		return KMS_BAD_PARAM;
	if (em < hash + 2)
		return KMS_KEY_SIZE;
	return p->u.pss.salt_len > em - hash - 2 ? KMS_BAD_PARAM : KMS_OK;
}

/* Checking PKCS #1 without a digest, and RSA alone, is done on what the public key gives. */
static bool
by_recovery(const struct sign_use *s)
{
	return s->c.u.kind == USE_VERIFY && s->digest == DIGEST_NONE &&
	    (s->c.u.alg == ALG_RSA_PKCS1 || s->c.u.alg == ALG_RSA_RAW);
}

static bool
set_rsa(struct sign_use *s)
{
	enum digest digest = s->c.u.alg == ALG_RSA_PSS ? s->hash : s->digest;
	int pad = s->c.u.alg == ALG_RSA_PSS ? RSA_PKCS1_PSS_PADDING
	    : s->c.u.alg == ALG_RSA_RAW	    ? RSA_NO_PADDING
					    : RSA_PKCS1_PADDING;

	if (EVP_PKEY_CTX_set_rsa_padding(s->ctx, pad) != 1 ||
	    (digest != DIGEST_NONE && EVP_PKEY_CTX_set_signature_md(s->ctx, lib_md(digest)) != 1))
		return false;
	return s->c.u.alg != ALG_RSA_PSS ||
	    (EVP_PKEY_CTX_set_rsa_mgf1_md(s->ctx, lib_md(s->mgf)) == 1 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(s->ctx, (int)s->salt_len) == 1);
}

/* Makes the context anew: 1 us, against restarts that find it as it should be. */
static enum kms_rc
prepare(struct sign_use *s)
{
	bool ok;

	auto_errors;
	EVP_PKEY_CTX_free(s->ctx);
	if ((s->ctx = EVP_PKEY_CTX_new_from_pkey(lib_ctx(), s->c.key->pkey, NULL)) == NULL)
		return KMS_NOMEM;
	if (by_recovery(s))
		ok = EVP_PKEY_encrypt_init(s->ctx) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(s->ctx, RSA_NO_PADDING) == 1;
	else
		ok = (s->c.u.kind == USE_SIGN ? EVP_PKEY_sign_init(s->ctx)
					      : EVP_PKEY_verify_init(s->ctx)) == 1 &&
		    (s->c.key->spec.type != KEY_RSA || set_rsa(s));
	if (ok)
		return KMS_OK;
	EVP_PKEY_CTX_free(s->ctx);
	s->ctx = NULL;
	return KMS_INTERNAL;
}

/* The other signatures take any hash; the standard has this one with SM3 alone. */
static enum kms_rc
set_signer(struct sign_use *s, const struct alg_params *p)
{
	if (p->digest != DIGEST_NONE && p->digest != DIGEST_SM3)
		return KMS_BAD_PARAM;
	if (s->has_z && slice_eq(p->u.sm2.id, buf_slice(&s->id)))
		return KMS_OK;
	s->has_z = false;
	TRY(sm2_z(s->c.key, p->u.sm2.id, s->z));
	TRY(buf_set(&s->id, p->u.sm2.id));
	s->has_z = true;
	return KMS_OK;
}

static enum kms_rc
sign_restart(struct use *u, const struct alg_params *p)
{
	struct sign_use *s = (struct sign_use *)u;
	bool pss = u->alg == ALG_RSA_PSS, same;

	s->c.phase = PHASE_DONE;
	if (s->gathered.len > 0)
		buf_clear(&s->gathered);
	if ((p->digest != DIGEST_NONE && digest_len(p->digest) == 0) ||
	    (p->digest != DIGEST_NONE && (u->alg == ALG_RSA_RAW || u->alg == ALG_EDDSA)))
		return KMS_BAD_PARAM;
	if (pss)
		TRY(check_pss(s, p));
	if (u->alg == ALG_SM2DSA)
		TRY(set_signer(s, p));
	if (u->alg != ALG_EDDSA) {
		same = s->ctx != NULL && s->digest == p->digest &&
		    (!pss ||
			(s->hash == p->u.pss.hash && s->mgf == p->u.pss.mgf &&
			    s->salt_len == p->u.pss.salt_len));
		s->digest = p->digest;
		s->hash = pss ? p->u.pss.hash : DIGEST_NONE;
		s->mgf = pss ? p->u.pss.mgf : DIGEST_NONE;
		s->salt_len = pss ? p->u.pss.salt_len : 0;
		if (!same)
			TRY(prepare(s));
		u->multipart = s->digest != DIGEST_NONE;
	}
	s->c.phase = PHASE_READY;
	return KMS_OK;
}

/* -- the message -- */

static bool
hash_start(struct sign_use *s)
{
	return EVP_DigestInit_ex2(s->md, lib_md(s->digest), NULL) == 1 &&
	    (!s->has_z || EVP_DigestUpdate(s->md, s->z, sizeof s->z) == 1);
}

static enum kms_rc
sign_update(struct use *u, struct slice in, struct outbuf *out UNUSED, size_t *need UNUSED)
{
	struct sign_use *s = (struct sign_use *)u;
	enum kms_rc rc;

	if (!u->multipart)
		return KMS_NOTSUP;
	if (s->c.phase == PHASE_DONE)
		return KMS_INVALID;
	if (u->alg == ALG_EDDSA) {
		s->c.phase = PHASE_FED;
		return (rc = buf_add(&s->gathered, in)) == KMS_OK ? KMS_OK : cuse_end(&s->c, rc);
	}
	if (s->c.phase == PHASE_READY && !hash_start(s))
		return cuse_end(&s->c, KMS_INTERNAL);
	s->c.phase = PHASE_FED;
	if (in.len > 0 && EVP_DigestUpdate(s->md, in.p, in.len) != 1)
		return cuse_end(&s->c, KMS_INTERNAL);
	return KMS_OK;
}

/* The hash of what was fed; or of IN, when it is not NULL. Gives what is to be signed. */
static enum kms_rc
hashed(struct sign_use *s, const struct slice *in, uint8_t hash[DIGEST_MAX], struct slice *ret)
{
	if (s->digest == DIGEST_NONE || s->c.u.alg == ALG_EDDSA) {
		*ret = in != NULL ? *in : buf_slice(&s->gathered);
		return KMS_OK;
	}
	if ((s->c.phase == PHASE_READY && !hash_start(s)) ||
	    (in != NULL && in->len > 0 && EVP_DigestUpdate(s->md, in->p, in->len) != 1) ||
	    EVP_DigestFinal_ex(s->md, hash, NULL) != 1)
		return KMS_INTERNAL;
	*ret = slice_of(hash, digest_len(s->digest));
	return KMS_OK;
}

/* Whether LEN bytes can be signed as they are. */
static bool
len_fits(const struct sign_use *s, size_t len)
{
	if (s->digest != DIGEST_NONE)
		return true;
	switch ((int)s->c.u.alg) {
	case ALG_RSA_PKCS1: return len <= s->sig_len - RSA_PKCS1_PADDING_SIZE;
	case ALG_RSA_RAW: return len <= s->sig_len;
	case ALG_RSA_PSS: return len == digest_len(s->hash);
	case ALG_ECDSA: return len >= 1;
	case ALG_SM2DSA: return len == digest_len(DIGEST_SM3);
	default: return true;
	}
}

/* ECDSA looks at no more than the order's bits: what follows need not be passed on, whatever its
 * length. */
static struct slice
cut(const struct sign_use *s, struct slice tbs)
{
	return tbs.len > s->c.key->width ? slice_of(tbs.p, s->c.key->width) : tbs;
}

/* -- signing -- */

static enum kms_rc
sign_ecdsa(struct sign_use *s, struct slice tbs, uint8_t *sig)
{
	uint8_t der[ECDSA_DER_MAX];
	size_t len = sizeof der;

	tbs = cut(s, tbs);
	if (EVP_PKEY_sign(s->ctx, der, &len, tbs.p, tbs.len) != 1)
		return KMS_INTERNAL;
	return ecdsa_from_der(slice_of(der, len), s->c.key->width, sig) ? KMS_OK : KMS_INTERNAL;
}

static enum kms_rc
sign_rsa(struct sign_use *s, struct slice tbs, uint8_t *sig)
{
	uint8_t filled[RSA_BYTES_MAX];
	size_t len = s->sig_len;

	if (s->c.u.alg == ALG_RSA_RAW && tbs.len < len) {
		memset(filled, 0, len - tbs.len);
		if (tbs.len > 0)
			memcpy(filled + len - tbs.len, tbs.p, tbs.len);
		tbs = slice_of(filled, len);
	}
	if (EVP_PKEY_sign(s->ctx, sig, &len, bytes_of(tbs), tbs.len) == 1 && len == s->sig_len)
		return KMS_OK;
	return rsa_takes(s->c.key, tbs) ? KMS_INTERNAL : KMS_BAD_DATA;
}

static enum kms_rc
sign_ed25519(struct sign_use *s, struct slice msg, uint8_t *sig)
{
	/* Not straight to the caller: the first half is written before the message is read a second
	 * time. */
	uint8_t own[ED25519_SIG];
	size_t len = sizeof own;

	if (EVP_DigestSign(s->md, own, &len, bytes_of(msg), msg.len) != 1 || len != sizeof own)
		return KMS_INTERNAL;
	memcpy(sig, own, sizeof own);
	return KMS_OK;
}

static enum kms_rc
sign_all(struct sign_use *s, const struct slice *in, struct outbuf *out, size_t *need)
{
	uint8_t hash[DIGEST_MAX];
	struct slice tbs;
	enum kms_rc rc;

	if (in != NULL && !len_fits(s, in->len))
		return cuse_end(&s->c, KMS_BAD_LEN);
	if (cuse_small(out, need, s->sig_len))
		return KMS_BUFFER_SMALL;
	auto_errors;
	if ((rc = hashed(s, in, hash, &tbs)) != KMS_OK)
		return cuse_end(&s->c, rc);
	auto_drawing;
	switch (s->c.key->spec.type) {
	case KEY_RSA: rc = sign_rsa(s, tbs, out->p); break;
	case KEY_EC:
	case KEY_SM2: rc = sign_ecdsa(s, tbs, out->p); break;
	case KEY_EDWARDS: rc = sign_ed25519(s, tbs, out->p); break;
	case KEY_NONE:
	case KEY_AES:
	case KEY_GENERIC:
	case KEY_SM4:
	case KEY_TYPE_END: rc = KMS_INTERNAL;
	}
	if (rc == KMS_OK)
		out->len = s->sig_len;
	return cuse_end(&s->c, rc);
}

static enum kms_rc
sign_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct sign_use *s = (struct sign_use *)u;

	return s->c.phase != PHASE_READY ? KMS_INVALID : sign_all(s, &in, out, need);
}

static enum kms_rc
sign_final(struct use *u, struct outbuf *out, size_t *need)
{
	struct sign_use *s = (struct sign_use *)u;

	if (!u->multipart)
		return KMS_NOTSUP;
	return s->c.phase == PHASE_DONE ? KMS_INVALID : sign_all(s, NULL, out, need);
}

/* -- verifying -- */

/* What the public key makes of SIG is TBS, left-filled: with zeros, or as RFC 8017 §9.2 says. */
static enum kms_rc
recover_equals(struct sign_use *s, struct slice tbs, struct slice sig)
{
	uint8_t em[RSA_BYTES_MAX], want[RSA_BYTES_MAX] = { 0 };
	size_t len = sizeof em, fill = s->sig_len - tbs.len;

	if (EVP_PKEY_encrypt(s->ctx, em, &len, sig.p, sig.len) != 1 || len != s->sig_len)
		return KMS_BAD_SIGNATURE;
	if (s->c.u.alg == ALG_RSA_PKCS1) {
		memset(want, 0xff, fill);
		want[0] = 0;
		want[1] = 1;
		want[fill - 1] = 0;
	}
	if (tbs.len > 0)
		memcpy(want + fill, tbs.p, tbs.len);
	return memcmp(em, want, len) == 0 ? KMS_OK : KMS_BAD_SIGNATURE;
}

static enum kms_rc
verify_hash(struct sign_use *s, struct slice tbs, struct slice sig)
{
	uint8_t der[ECDSA_DER_MAX];

	if (s->c.u.alg == ALG_EDDSA)
		return EVP_DigestVerify(s->md, sig.p, sig.len, bytes_of(tbs), tbs.len) == 1
		    ? KMS_OK
		    : KMS_BAD_SIGNATURE;
	if (by_recovery(s))
		return recover_equals(s, tbs, sig);
	if (s->c.u.alg == ALG_ECDSA || s->c.u.alg == ALG_SM2DSA) {
		tbs = cut(s, tbs);
		sig = ecdsa_to_der(sig, der);
	}
	return EVP_PKEY_verify(s->ctx, sig.p, sig.len, tbs.p, tbs.len) == 1 ? KMS_OK
									    : KMS_BAD_SIGNATURE;
}

static enum kms_rc
verify_all(struct sign_use *s, const struct slice *in, struct slice sig)
{
	uint8_t hash[DIGEST_MAX];
	struct slice tbs;
	enum kms_rc rc;

	if (in != NULL && !len_fits(s, in->len))
		return cuse_end(&s->c, KMS_BAD_LEN);
	if (sig.len != s->sig_len)
		return cuse_end(&s->c, KMS_SIGNATURE_LEN);
	auto_errors;
	if ((rc = hashed(s, in, hash, &tbs)) == KMS_OK)
		rc = verify_hash(s, tbs, sig);
	return cuse_end(&s->c, rc);
}

static enum kms_rc
verify_once(struct use *u, struct slice in, struct slice sig)
{
	struct sign_use *s = (struct sign_use *)u;

	return s->c.phase != PHASE_READY ? KMS_INVALID : verify_all(s, &in, sig);
}

static enum kms_rc
verify_final(struct use *u, struct slice sig)
{
	struct sign_use *s = (struct sign_use *)u;

	if (!u->multipart)
		return KMS_NOTSUP;
	return s->c.phase == PHASE_DONE ? KMS_INVALID : verify_all(s, NULL, sig);
}

static size_t
sign_bound(const struct use *u, size_t in_len UNUSED, bool final)
{
	return final && u->kind == USE_SIGN ? ((const struct sign_use *)u)->sig_len : 0;
}

static const struct use_ops sign_ops = {
	.free = sign_free,
	.restart = sign_restart,
	.update = sign_update,
	.final = sign_final,
	.once = sign_once,
	.bound = sign_bound,
};

static const struct use_ops verify_ops = {
	.free = sign_free,
	.restart = sign_restart,
	.update = sign_update,
	.check = verify_final,
	.check_once = verify_once,
	.bound = sign_bound,
};

const struct family family_sign = {
	.size = sizeof(struct sign_use),
	.ops = { [USE_SIGN] = &sign_ops, [USE_VERIFY] = &verify_ops },
	.init = sign_init,
};
