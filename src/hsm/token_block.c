/* SPDX-License-Identifier: Apache-2.0 */
/* What goes to an HSM in one piece and comes back in one: AES-GCM, RSA decrypting, AES key wrap.
 * Parts for GCM are gathered, so that no plain text is given before its tag was found right. */
#include "hsm/token_use.h"

#define TAG_MAX	       16
#define IV_MAX	       256
#define PKCS1_OVERHEAD 11

struct block_use {
	struct tok_use t;
	size_t tag_len;	  /* GCM */
	size_t input_max; /* RSA: the longest plain text */
	bool decodes;	  /* RSA: OAEP is taken off here */
	struct alg_params oaep;
	struct buf gathered, label;
};

static struct block_use *
block_of(struct use *u)
{
	return (struct block_use *)u;
}

static void
block_free(struct use *u)
{
	struct block_use *b = block_of(u);

	buf_free(&b->gathered);
	buf_free(&b->label);
	tok_use_release(&b->t, sizeof(*b));
}

static bool
encrypts(const struct use *u)
{
	return u->kind == USE_ENCRYPT;
}

/* The last step of a restart whose parameters are good. */
static enum kms_rc
restart(struct block_use *b, const struct alg_params *p)
{
	CK_FLAGS function = encrypts(&b->t.u) ? CKF_ENCRYPT : CKF_DECRYPT;
	struct tok_route route;

	tok_use_begin(&b->t);
	buf_clear(&b->gathered);
	TRY(tok_route(b->t.h, p->alg, DIGEST_NONE, function, &route));
	TRY(tok_mechanism_set(&b->t.mech, route.type, p));
	b->t.phase = TOK_READY;
	return KMS_OK;
}

/* IN through the HSM to OUT, which has room for TOTAL, what it must give. Ends the use. */
static enum kms_rc
exactly(struct block_use *b, struct slice in, struct outbuf *out, size_t total)
{
	size_t len = total;
	enum kms_rc rc = tok_whole(&b->t, in, out->p, &len);

	if (rc == KMS_OK && len != total)
		rc = KMS_INTERNAL;
	out->len = rc == KMS_OK ? len : 0;
	return tok_use_end(&b->t, rc);
}

/*
 * The same when decrypting, by way of memory of our own: how much of it is the caller's may be
 * known only afterwards, and many HSMs want room for as much as they are given.
 */
static enum kms_rc
open_all(struct block_use *b, struct slice in, struct outbuf *out, size_t *need)
{
	auto_buf plain = { 0 };
	size_t len = in.len;
	uint8_t *p;
	enum kms_rc rc;

	if ((rc = buf_extend(&plain, len, &p)) != KMS_OK ||
	    (rc = tok_whole(&b->t, in, p, &len)) != KMS_OK)
		return tok_use_end(&b->t, rc);
	if (len > in.len)
		return tok_use_end(&b->t, KMS_INTERNAL);
	if (tok_small(out, need, len))
		return KMS_BUFFER_SMALL;
	if (len > 0)
		memcpy(out->p, p, len);
	out->len = len;
	return tok_use_end(&b->t, KMS_OK);
}

/* -- GCM -- */

static enum kms_rc
gcm_restart(struct use *u, const struct alg_params *p)
{
	struct block_use *b = block_of(u);
	uint32_t tag = p->u.gcm.tag_len;

	b->t.phase = TOK_DONE;
	/* SP 800-38D §5.2.1.2 */
	if (p->u.gcm.iv.len < 1 || p->u.gcm.iv.len > IV_MAX ||
	    (tag != 4 && tag != 8 && (tag < 12 || tag > TAG_MAX)))
		return KMS_BAD_PARAM;
	b->tag_len = tag;
	return restart(b, p);
}

static enum kms_rc
gcm_update(struct use *u, struct slice in, struct outbuf *out, size_t *need UNUSED)
{
	struct block_use *b = block_of(u);
	enum kms_rc rc;

	if (b->t.phase == TOK_DONE)
		return KMS_INVALID;
	b->t.phase = TOK_FED;
	if ((rc = buf_add(&b->gathered, in)) != KMS_OK)
		return tok_use_end(&b->t, rc);
	if (out != NULL)
		out->len = 0;
	return KMS_OK;
}

static enum kms_rc
gcm_all(struct block_use *b, struct slice in, struct outbuf *out, size_t *need)
{
	size_t total;

	if (!encrypts(&b->t.u) && in.len < b->tag_len)
		return tok_use_end(&b->t, KMS_BAD_LEN);
	if (in.len > BUF_MAX)
		return tok_use_end(&b->t, KMS_LIMIT);
	total = encrypts(&b->t.u) ? in.len + b->tag_len : in.len - b->tag_len;
	if (tok_small(out, need, total))
		return KMS_BUFFER_SMALL;
	return encrypts(&b->t.u) ? exactly(b, in, out, total) : open_all(b, in, out, need);
}

static enum kms_rc
gcm_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct block_use *b = block_of(u);

	return b->t.phase != TOK_READY ? KMS_INVALID : gcm_all(b, in, out, need);
}

static enum kms_rc
gcm_final(struct use *u, struct outbuf *out, size_t *need)
{
	struct block_use *b = block_of(u);
	enum kms_rc rc;

	if (b->t.phase == TOK_DONE)
		return KMS_INVALID;
	rc = gcm_all(b, buf_slice(&b->gathered), out, need);
	if (rc != KMS_BUFFER_SMALL)
		buf_clear(&b->gathered);
	return rc;
}

static size_t
gcm_bound(const struct use *u, size_t in_len, bool final)
{
	const struct block_use *b = (const struct block_use *)u;
	size_t n;

	if (!final)
		return 0;
	if (!size_add(b->gathered.len, in_len, &n) || !size_add(n, TAG_MAX, &n))
		return SIZE_MAX;
	n -= TAG_MAX;
	if (encrypts(u))
		return n + b->tag_len;
	return n < b->tag_len ? 0 : n - b->tag_len;
}

static const struct use_ops gcm_ops = {
	.free = block_free,
	.restart = gcm_restart,
	.update = gcm_update,
	.final = gcm_final,
	.once = gcm_once,
	.bound = gcm_bound,
};

const struct tok_family tok_family_gcm = {
	.size = sizeof(struct block_use),
	.ops = { [USE_ENCRYPT] = &gcm_ops, [USE_DECRYPT] = &gcm_ops },
};

/* -- RSA -- */

static enum kms_rc
rsa_restart(struct use *u, const struct alg_params *p)
{
	struct block_use *b = block_of(u);
	size_t k = tok_rsa_width(&b->t), hash = digest_len(p->u.oaep.hash);

	b->t.phase = TOK_DONE;
	u->multipart = false;
	b->decodes = false;
	b->input_max = k - (u->alg == ALG_RSA_PKCS1 ? PKCS1_OVERHEAD : 0);
	if (u->alg == ALG_RSA_OAEP) {
		if (hash == 0 || digest_len(p->u.oaep.mgf) == 0)
			return KMS_BAD_PARAM;
		if (k < 2 * hash + 2)
			return KMS_KEY_SIZE;
		b->input_max = k - 2 * hash - 2;
		TRY(buf_set(&b->label, p->u.oaep.label));
		b->oaep = *p;
		b->oaep.u.oaep.label = buf_slice(&b->label);
	}
	return restart(b, p);
}

/* RSA alone gives the number; not every HSM gives its leading zeros. RET has room for as much as
 * IN. */
static enum kms_rc
rsa_raw(struct block_use *b, struct slice in, uint8_t *ret)
{
	uint8_t number[RSA_BYTES_MAX];
	size_t len = sizeof(number);
	enum kms_rc rc = tok_whole(&b->t, in, number, &len);

	if (rc == KMS_OK && len > in.len)
		rc = KMS_INTERNAL;
	if (rc == KMS_OK) {
		memset(ret, 0, in.len - len);
		memcpy(ret + in.len - len, number, len);
	}
	mem_wipe(number, sizeof(number));
	return rc;
}

/* The HSM has OAEP, but not with these parameters: some know SHA-1 alone. */
static bool
is_to_be_decoded(struct block_use *b, enum kms_rc rc)
{
	struct alg_params raw = { .alg = ALG_RSA_RAW };
	struct tok_route route;

	if (b->t.u.alg != ALG_RSA_OAEP || (rc != KMS_BAD_PARAM && rc != KMS_NOTSUP) ||
	    tok_route(b->t.h, ALG_RSA_RAW, DIGEST_NONE, CKF_DECRYPT, &route) != KMS_OK ||
	    tok_mechanism_set(&b->t.mech, route.type, &raw) != KMS_OK)
		return false;
	tok_use_begin(&b->t);
	b->t.phase = TOK_READY;
	return true;
}

static enum kms_rc
rsa_decoded(struct block_use *b, struct slice in, struct outbuf *out, size_t *need)
{
	auto_secret em = { 0 }, plain = { 0 };

	TRY(secret_new(in.len, &em));
	TRY(rsa_raw(b, in, em.p));
	TRY(crypto_oaep_decode(secret_slice(&em), &b->oaep, &plain));
	if (tok_small(out, need, plain.len))
		return KMS_BUFFER_SMALL;
	if (plain.len > 0)
		memcpy(out->p, plain.p, plain.len);
	out->len = plain.len;
	return KMS_OK;
}

static enum kms_rc
rsa_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct block_use *b = block_of(u);
	size_t k = tok_rsa_width(&b->t);
	enum kms_rc rc = KMS_OK;

	if (b->t.phase != TOK_READY)
		return KMS_INVALID;
	if (in.len != k || k > RSA_BYTES_MAX)
		return tok_use_end(&b->t, KMS_BAD_LEN);
	if (u->alg == ALG_RSA_RAW) {
		if (tok_small(out, need, k))
			return KMS_BUFFER_SMALL;
		rc = rsa_raw(b, in, out->p);
		out->len = rc == KMS_OK ? k : 0;
		return tok_use_end(&b->t, rc);
	}
	if (!b->decodes) {
		rc = open_all(b, in, out, need);
		b->decodes = is_to_be_decoded(b, rc);
	}
	if (b->decodes)
		rc = rsa_decoded(b, in, out, need);
	return rc == KMS_BUFFER_SMALL ? rc : tok_use_end(&b->t, rc);
}

static size_t
rsa_bound(const struct use *u, size_t in_len UNUSED, bool final)
{
	return final ? ((const struct block_use *)u)->input_max : 0;
}

static const struct use_ops rsa_ops = {
	.free = block_free,
	.restart = rsa_restart,
	.once = rsa_once,
	.bound = rsa_bound,
};

const struct tok_family tok_family_rsa = {
	.size = sizeof(struct block_use),
	.ops = { [USE_DECRYPT] = &rsa_ops },
};
