/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing with RSA, ECDSA and Ed25519 keys in an HSM. Messages are hashed here wherever the HSM
 * takes hashes; else they go there part by part. Ed25519 needs the whole message: parts are
 * gathered.
 */
#include "hsm/token_use.h"

#define PKCS1_OVERHEAD	11
#define DIGEST_INFO_MAX (19 + DIGEST_MAX)

struct sign_use {
	struct tok_use t;
	enum digest digest, hash; /* of the message or none; of PSS */
	bool hash_here;
	struct use *hasher; /* kept */
	struct buf gathered;
	size_t sig_len;
};

static struct sign_use *
sign_of(struct use *u)
{
	return (struct sign_use *)u;
}

static void
sign_free(struct use *u)
{
	struct sign_use *s = sign_of(u);

	use_free(s->hasher);
	buf_free(&s->gathered);
	tok_use_release(&s->t, sizeof(*s));
}

/* RFC 8017 §9.1.1: the salt must leave room for the hash and two bytes. */
static enum kms_rc
check_pss(const struct sign_use *s, const struct alg_params *p)
{
	size_t em = (s->t.key->spec.bits - 1 + 7) / 8, hash = digest_len(p->u.pss.hash);

	if (hash == 0 || digest_len(p->u.pss.mgf) == 0 ||
	    (p->digest != DIGEST_NONE && p->digest != p->u.pss.hash))
		return KMS_BAD_PARAM;
	if (em < hash + 2)
		return KMS_KEY_SIZE;
	return p->u.pss.salt_len > em - hash - 2 ? KMS_BAD_PARAM : KMS_OK;
}

static size_t
sig_len(const struct sign_use *s)
{
	return s->t.key->spec.type == KEY_RSA ? tok_rsa_width(&s->t)
					      : 2 * curve_bytes(s->t.key->spec.curve);
}

static enum kms_rc
sign_restart(struct use *u, const struct alg_params *p)
{
	struct sign_use *s = sign_of(u);
	struct alg_params hash = { .alg = ALG_DIGEST, .digest = p->digest };
	struct tok_route route;

	tok_use_begin(&s->t);
	buf_clear(&s->gathered);
	if (p->digest != DIGEST_NONE &&
	    (digest_len(p->digest) == 0 || u->alg == ALG_RSA_RAW || u->alg == ALG_EDDSA))
		return KMS_BAD_PARAM;
	if (u->alg == ALG_RSA_PSS)
		TRY(check_pss(s, p));
	TRY(tok_route(s->t.h, u->alg, p->digest, CKF_SIGN, &route));
	TRY(tok_mechanism_set(&s->t.mech, route.type, p));
	s->digest = p->digest;
	s->hash = u->alg == ALG_RSA_PSS ? p->u.pss.hash : DIGEST_NONE;
	s->hash_here = route.hash_here;
	s->sig_len = sig_len(s);
	if (s->hash_here)
		TRY(crypto_begin(NULL, USE_DIGEST, &hash, &s->hasher));
	u->multipart = s->digest != DIGEST_NONE || u->alg == ALG_EDDSA;
	s->t.phase = TOK_READY;
	return KMS_OK;
}

static enum kms_rc
sign_update(struct use *u, struct slice in, struct outbuf *out UNUSED, size_t *need UNUSED)
{
	struct sign_use *s = sign_of(u);
	enum kms_rc rc = KMS_OK;

	if (!u->multipart)
		return KMS_NOTSUP;
	if (s->t.phase == TOK_DONE)
		return KMS_INVALID;
	s->t.phase = TOK_FED;
	if (u->alg == ALG_EDDSA)
		rc = buf_add(&s->gathered, in);
	else if (s->hash_here)
		rc = use_update(s->hasher, in, NULL, NULL);
	else if (in.len > 0)
		rc = tok_part(&s->t, in, NULL, NULL);
	return rc == KMS_OK ? rc : tok_use_end(&s->t, rc);
}

/* -- what goes to the HSM -- */

/* RFC 8017 §9.2: the hash with the name of its algorithm. */
static struct slice
digest_info(enum digest d, uint8_t info[DIGEST_INFO_MAX])
{
	/* AlgorithmIdentifiers behind their SEQUENCE's head. */
	static const uint8_t sha1[] = { 6, 5, 0x2b, 14, 3, 2, 26, 5, 0 },
			     sha2[] = { 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 0, 5, 0 };
	static const uint8_t last_arc[DIGEST_END] = {
		[DIGEST_SHA224] = 4,
		[DIGEST_SHA256] = 1,
		[DIGEST_SHA384] = 2,
		[DIGEST_SHA512] = 3,
	};
	struct slice id =
	    d == DIGEST_SHA1 ? slice_of(sha1, sizeof(sha1)) : slice_of(sha2, sizeof(sha2));
	size_t hash = digest_len(d), head = 4 + id.len + 2;

	memmove(info + head, info, hash); /* the hash stands in front until now */
	info[0] = 0x30;
	info[1] = (uint8_t)(2 + id.len + 2 + hash);
	info[2] = 0x30;
	info[3] = (uint8_t)id.len;
	memcpy(info + 4, id.p, id.len);
	if (d != DIGEST_SHA1)
		info[4 + 10] = last_arc[d];
	info[head - 2] = 0x04;
	info[head - 1] = (uint8_t)hash;
	return slice_of(info, head + hash);
}

/* The hash of what was fed, or of IN, as the HSM's mechanism wants it; in INFO. */
static enum kms_rc
hashed(struct sign_use *s, const struct slice *in, uint8_t info[DIGEST_INFO_MAX], struct slice *ret)
{
	struct outbuf out = { .p = info, .cap = DIGEST_MAX };

	TRY(in != NULL ? use_once(s->hasher, *in, &out, NULL) : use_final(s->hasher, &out, NULL));
	*ret = s->t.u.alg == ALG_RSA_PKCS1 ? digest_info(s->digest, info) : slice_of(info, out.len);
	return KMS_OK;
}

/* Whether LEN bytes can be signed as they are. */
static bool
len_fits(const struct sign_use *s, size_t len)
{
	if (s->digest != DIGEST_NONE)
		return true;
	switch ((int)s->t.u.alg) {
	case ALG_RSA_PKCS1: return len <= s->sig_len - PKCS1_OVERHEAD;
	case ALG_RSA_RAW: return len <= s->sig_len;
	case ALG_RSA_PSS: return len == digest_len(s->hash);
	case ALG_ECDSA: return len >= 1;
	default: return true;
	}
}

/* ECDSA looks at no more than the order's bits; not every HSM takes more. RSA alone wants a whole
 * block. */
static struct slice
fitted(const struct sign_use *s, struct slice tbs, uint8_t room[RSA_BYTES_MAX])
{
	size_t width = s->sig_len / 2;

	if (s->t.u.alg == ALG_ECDSA && (s->digest == DIGEST_NONE || s->hash_here))
		return tbs.len > width ? slice_of(tbs.p, width) : tbs;
	if (s->t.u.alg != ALG_RSA_RAW || tbs.len == s->sig_len)
		return tbs;
	memset(room, 0, s->sig_len - tbs.len);
	if (tbs.len > 0)
		memcpy(room + s->sig_len - tbs.len, tbs.p, tbs.len);
	return slice_of(room, s->sig_len);
}

static enum kms_rc
sign(struct sign_use *s, const struct slice *in, uint8_t *sig, size_t *len)
{
	uint8_t info[DIGEST_INFO_MAX], room[RSA_BYTES_MAX];
	struct slice tbs = in != NULL ? *in : buf_slice(&s->gathered);

	if (in == NULL && s->t.s != NULL)
		return tok_last(&s->t, sig, len);
	if (s->hash_here)
		TRY(hashed(s, in, info, &tbs));
	return tok_whole(&s->t, fitted(s, tbs, room), sig, len);
}

static enum kms_rc
sign_all(struct sign_use *s, const struct slice *in, struct outbuf *out, size_t *need)
{
	uint8_t sig[RSA_BYTES_MAX];
	size_t len = sizeof(sig);
	enum kms_rc rc;

	if (s->sig_len > sizeof(sig))
		return tok_use_end(&s->t, KMS_KEY_SIZE);
	if (in != NULL && !len_fits(s, in->len))
		return tok_use_end(&s->t, KMS_BAD_LEN);
	if (tok_small(out, need, s->sig_len))
		return KMS_BUFFER_SMALL;
	if ((rc = sign(s, in, sig, &len)) == KMS_OK && len != s->sig_len)
		rc = KMS_INTERNAL;
	if (rc == KMS_OK) {
		memcpy(out->p, sig, len);
		out->len = len;
	}
	return tok_use_end(&s->t, rc);
}

static enum kms_rc
sign_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct sign_use *s = sign_of(u);

	return s->t.phase != TOK_READY ? KMS_INVALID : sign_all(s, &in, out, need);
}

static enum kms_rc
sign_final(struct use *u, struct outbuf *out, size_t *need)
{
	struct sign_use *s = sign_of(u);

	if (!u->multipart)
		return KMS_NOTSUP;
	return s->t.phase == TOK_DONE ? KMS_INVALID : sign_all(s, NULL, out, need);
}

static size_t
sign_bound(const struct use *u, size_t in_len UNUSED, bool final)
{
	return final ? ((const struct sign_use *)u)->sig_len : 0;
}

static const struct use_ops sign_ops = {
	.free = sign_free,
	.restart = sign_restart,
	.update = sign_update,
	.final = sign_final,
	.once = sign_once,
	.bound = sign_bound,
};

const struct tok_family tok_family_sign = {
	.size = sizeof(struct sign_use),
	.ops = { [USE_SIGN] = &sign_ops },
};
