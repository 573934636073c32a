/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing alone. */
#include "crypto/uses.h"

struct digest_use {
	struct cuse c;
	EVP_MD_CTX *ctx;
	size_t len;
};

static enum kms_rc
digest_init(struct cuse *c)
{
	struct digest_use *d = (struct digest_use *)c;

	return (d->ctx = EVP_MD_CTX_new()) == NULL ? KMS_NOMEM : KMS_OK;
}

static void
digest_free(struct use *u)
{
	struct digest_use *d = (struct digest_use *)u;

	EVP_MD_CTX_free(d->ctx);
	cuse_release(&d->c, sizeof *d);
}

static enum kms_rc
digest_restart(struct use *u, const struct alg_params *p)
{
	struct digest_use *d = (struct digest_use *)u;
	EVP_MD *md = lib_md(p->digest);

	d->c.phase = PHASE_DONE;
	if (md == NULL)
		return KMS_BAD_PARAM;
	if (EVP_DigestInit_ex2(d->ctx, md, NULL) != 1)
		return KMS_INTERNAL;
	d->len = digest_len(p->digest);
	d->c.phase = PHASE_READY;
	return KMS_OK;
}

static enum kms_rc
digest_update(struct use *u, struct slice in, struct outbuf *out UNUSED, size_t *need UNUSED)
{
	struct digest_use *d = (struct digest_use *)u;

	if (d->c.phase == PHASE_DONE)
		return KMS_INVALID;
	d->c.phase = PHASE_FED;
	if (in.len > 0 && EVP_DigestUpdate(d->ctx, in.p, in.len) != 1)
		return cuse_end(&d->c, KMS_INTERNAL);
	return KMS_OK;
}

static enum kms_rc
digest_final(struct use *u, struct outbuf *out, size_t *need)
{
	struct digest_use *d = (struct digest_use *)u;

	if (d->c.phase == PHASE_DONE)
		return KMS_INVALID;
	if (cuse_small(out, need, d->len))
		return KMS_BUFFER_SMALL;
	if (EVP_DigestFinal_ex(d->ctx, out->p, NULL) != 1)
		return cuse_end(&d->c, KMS_INTERNAL);
	out->len = d->len;
	return cuse_end(&d->c, KMS_OK);
}

static enum kms_rc
digest_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct digest_use *d = (struct digest_use *)u;

	if (d->c.phase != PHASE_READY)
		return KMS_INVALID;
	if (cuse_small(out, need, d->len))
		return KMS_BUFFER_SMALL;
	TRY(digest_update(u, in, NULL, NULL));
	return digest_final(u, out, need);
}

static size_t
digest_bound(const struct use *u, size_t in_len UNUSED, bool final)
{
	return final ? ((const struct digest_use *)u)->len : 0;
}

static const struct use_ops digest_ops = {
	.free = digest_free,
	.restart = digest_restart,
	.update = digest_update,
	.final = digest_final,
	.once = digest_once,
	.bound = digest_bound,
};

const struct family family_digest = {
	.size = sizeof(struct digest_use),
	.ops = { [USE_DIGEST] = &digest_ops },
	.init = digest_init,
};
