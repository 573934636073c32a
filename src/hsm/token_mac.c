/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC and AES-CMAC with keys in an HSM, whole or cut short. To check a MAC it is made again and
 * compared here. */
#include "hsm/token_use.h"

struct mac_use {
	struct tok_use t;
	size_t len, full;
};

static struct mac_use *
mac_of(struct use *u)
{
	return (struct mac_use *)u;
}

static void
mac_free(struct use *u)
{
	tok_use_release(tok_use_of(u), sizeof(struct mac_use));
}

static enum kms_rc
mac_restart(struct use *u, const struct alg_params *p)
{
	struct mac_use *m = mac_of(u);
	enum digest digest = u->alg == ALG_HMAC ? p->digest : DIGEST_NONE;
	struct tok_route route;

	tok_use_begin(&m->t);
	m->full = u->alg == ALG_HMAC ? digest_len(digest) : AES_BLOCK;
	if (p->u.mac.len == 0 || p->u.mac.len > m->full)
		return KMS_BAD_PARAM;
	TRY(tok_route(m->t.h, u->alg, digest, CKF_SIGN, &route));
	TRY(tok_mechanism_set(&m->t.mech, route.type, p));
	m->len = p->u.mac.len;
	m->t.phase = TOK_READY;
	return KMS_OK;
}

static enum kms_rc
mac_update(struct use *u, struct slice in, struct outbuf *out UNUSED, size_t *need UNUSED)
{
	struct mac_use *m = mac_of(u);
	enum kms_rc rc = KMS_OK;

	if (m->t.phase == TOK_DONE)
		return KMS_INVALID;
	m->t.phase = TOK_FED;
	if (in.len > 0)
		rc = tok_part(&m->t, in, NULL, NULL);
	return rc == KMS_OK ? rc : tok_use_end(&m->t, rc);
}

/* The whole MAC, of IN or of what was fed. Ends the use. */
static enum kms_rc
finish(struct mac_use *m, struct slice in, uint8_t full[DIGEST_MAX])
{
	size_t len = DIGEST_MAX;
	enum kms_rc rc =
	    m->t.s != NULL ? tok_last(&m->t, full, &len) : tok_whole(&m->t, in, full, &len);

	if (rc == KMS_OK && len != m->full)
		rc = KMS_INTERNAL;
	return tok_use_end(&m->t, rc);
}

static enum kms_rc
give(struct mac_use *m, struct slice in, struct outbuf *out, size_t *need)
{
	uint8_t full[DIGEST_MAX];

	if (tok_small(out, need, m->len))
		return KMS_BUFFER_SMALL;
	TRY(finish(m, in, full));
	memcpy(out->p, full, m->len);
	out->len = m->len;
	return KMS_OK;
}

static enum kms_rc
mac_final(struct use *u, struct outbuf *out, size_t *need)
{
	struct mac_use *m = mac_of(u);

	return m->t.phase == TOK_DONE ? KMS_INVALID : give(m, slice_of(NULL, 0), out, need);
}

static enum kms_rc
mac_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct mac_use *m = mac_of(u);

	return m->t.phase != TOK_READY ? KMS_INVALID : give(m, in, out, need);
}

static enum kms_rc
check(struct mac_use *m, struct slice in, struct slice sig)
{
	uint8_t full[DIGEST_MAX];

	TRY(finish(m, in, full));
	if (sig.len != m->len)
		return KMS_SIGNATURE_LEN;
	return mem_equal_ct(sig, slice_of(full, m->len)) ? KMS_OK : KMS_BAD_SIGNATURE;
}

static enum kms_rc
mac_check(struct use *u, struct slice sig)
{
	struct mac_use *m = mac_of(u);

	return m->t.phase == TOK_DONE ? KMS_INVALID : check(m, slice_of(NULL, 0), sig);
}

static enum kms_rc
mac_check_once(struct use *u, struct slice in, struct slice sig)
{
	struct mac_use *m = mac_of(u);

	return m->t.phase != TOK_READY ? KMS_INVALID : check(m, in, sig);
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

const struct tok_family tok_family_mac = {
	.size = sizeof(struct mac_use),
	.ops = { [USE_SIGN] = &sign_ops, [USE_VERIFY] = &verify_ops },
};
