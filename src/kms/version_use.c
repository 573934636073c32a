/* SPDX-License-Identifier: Apache-2.0 */
/* Uses versions of KMS keys through the HSM driver, and public halves at hand. */
#include "kms/version_use.h"

/* What the HSM said. U is about to go. */
static enum kms_rc
tell(struct call *c, const struct use *u, enum kms_rc rc)
{
	return rc == KMS_OK || u->why == NULL ? rc : call_fail(c, rc, "%s", u->why);
}

static enum kms_rc
finish(struct call *c, struct use *u, struct slice in, uint8_t *out, size_t cap, size_t *len)
{
	struct outbuf o = { .p = out, .cap = cap };
	enum kms_rc rc = tell(c, u, use_once(u, in, &o, NULL));

	use_free(u);
	*len = rc == KMS_OK ? o.len : 0;
	return rc;
}

/* Begins; *OPEN is to be closed when the use is freed. */
static enum kms_rc
begin(struct act *a, const struct master_key *k, const struct uid *version, enum use_kind kind,
    const struct alg_params *p, struct backend_key **open, struct use **ret)
{
	struct hsm *h = a->l->hsm;
	enum kms_rc rc = KMS_OK;

	TRY(local_key_open(&a->l->base, a->c, version, open));
	/* The state of K itself has been asked for already. */
	if (gate_held(*open))
		rc = call_fail(a->c, KMS_KEY_STATE,
		    "the master key that this key is enveloped under is not enabled");
	else if (k->usage == USAGE_ANY && !gate_permits(*open, kind, a->c->wraps))
		rc = call_refuse(a->c, E_UnsupportedOperation,
		    "Unsupported operation. The key's attributes do not permit it.");
	*ret = NULL;
	if (rc == KMS_OK)
		rc = h->ops->begin(h, a->c, (*open)->key, kind, p, ret);
	if (rc != KMS_OK)
		local_key_close(&a->l->base, *open);
	return rc;
}

enum kms_rc
version_use(struct act *a, const struct master_key *k, const struct uid *version,
    enum use_kind kind, const struct alg_params *p, struct slice in, uint8_t *out, size_t cap,
    size_t *len)
{
	struct backend_key *open;
	struct use *u;
	enum kms_rc rc;

	TRY(begin(a, k, version, kind, p, &open, &u));
	rc = finish(a->c, u, in, out, cap, len);
	local_key_close(&a->l->base, open);
	return rc;
}

enum kms_rc
version_check(struct act *a, const struct master_key *k, const struct uid *version,
    const struct alg_params *p, struct slice in, struct slice sig)
{
	struct backend_key *open;
	struct use *u;
	enum kms_rc rc;

	TRY(begin(a, k, version, USE_VERIFY, p, &open, &u));
	rc = tell(a->c, u, use_check_once(u, in, sig));
	use_free(u);
	local_key_close(&a->l->base, open);
	return rc;
}

enum kms_rc
version_public(struct act *a, const struct uid *version, struct buf *spki, struct ckey **ret)
{
	auto_keyring keys = { 0 };
	auto_store_row row = { 0 };
	auto_secret material = { 0 };

	TRY(row_get(a->l, a->c, version, &keys, &row, &material));
	if (row.o.kind != OBJECT_PRIVATE_KEY)
		return KMS_KEY_TYPE;
	if (spki != NULL)
		TRY(buf_set(spki, buf_slice(&row.o.body)));
	return ret == NULL ? KMS_OK : ckey_from_spki(buf_slice(&row.o.body), ret);
}

enum kms_rc
ckey_use(struct ckey *k, enum use_kind kind, const struct alg_params *p, struct slice in,
    uint8_t *out, size_t cap, size_t *len)
{
	struct use *u = NULL;

	TRY(crypto_begin(k, kind, p, &u));
	return finish(NULL, u, in, out, cap, len);
}
