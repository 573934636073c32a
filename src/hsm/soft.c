/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The soft driver: keys are used in this process, on libcrypto. Material is PKCS#8 of a private key
 * or the bytes of a secret one; a struct hsm_key is the parsed key itself.
 */
#include "hsm/hsm.h"

#include "crypto/crypto.h"

static struct ckey *
key_of(struct hsm_key *k)
{
	return (struct ckey *)(void *)k;
}

static void
soft_close(struct hsm *h UNUSED)
{
}

static const struct key_caps *
soft_caps(struct hsm *h UNUSED)
{
	return &key_caps_all;
}

/* Curves tell all; sizes are told by bits. */
static bool
matches(const struct key_spec *have, const struct key_spec *want)
{
	return have->type == want->type && have->curve == want->curve &&
	    (want->curve != CURVE_NONE || have->bits == want->bits);
}

static enum kms_rc
parse(const struct key_spec *spec, struct slice material, struct ckey **ret)
{
	auto_ckey *k = NULL;
	struct key_spec have;

	TRY(key_type_is_secret(spec->type) ? ckey_from_secret(spec->type, material, &k)
					   : ckey_from_pkcs8(material, &k));
	have = ckey_spec(k);
	if (!matches(&have, spec))
		return KMS_BAD_DATA;
	*ret = k;
	k = NULL; /* moved */
	return KMS_OK;
}

/* The key as it is kept, and what may be shown of it. */
static enum kms_rc
write_out(const struct ckey *k, struct secret *material, struct buf *spki)
{
	auto_secret m = { 0 };
	uint8_t check[3];

	if (ckey_secret(k).len > 0) {
		TRY(secret_copy(ckey_secret(k), &m));
		TRY(ckey_check_value(k, check));
		TRY(buf_set(spki, slice_of(check, sizeof(check))));
	} else {
		TRY(ckey_pkcs8(k, &m));
		TRY(ckey_spki(k, spki));
	}
	*material = m;
	m = (struct secret){ 0 }; /* moved */
	return KMS_OK;
}

static enum kms_rc
soft_generate(struct hsm *h UNUSED, struct call *c, const struct object *o, struct slice e,
    struct secret *material, struct buf *spki)
{
	auto_ckey *k = NULL;
	enum kms_rc rc = ckey_generate(&o->spec, e, &k);

	if (rc != KMS_OK)
		return call_fail(c, rc, "generating a key failed: %s", rc_text(rc));
	return write_out(k, material, spki);
}

static enum kms_rc
soft_import(struct hsm *h UNUSED, struct call *c, const struct object *o, struct slice outside,
    struct secret *material, struct buf *spki)
{
	auto_ckey *k = NULL;
	enum kms_rc rc = parse(&o->spec, outside, &k);

	if (rc != KMS_OK)
		return call_fail(c, rc, "the key to import is not valid: %s", rc_text(rc));
	return write_out(k, material, spki);
}

static enum kms_rc
soft_export(struct hsm *h UNUSED, struct call *c UNUSED, const struct key_spec *spec UNUSED,
    struct slice material, struct secret *ret)
{
	return secret_copy(material, ret);
}

static enum kms_rc
soft_key_open(struct hsm *h UNUSED, struct call *c, const struct key_spec *spec,
    struct slice material, struct hsm_key **ret)
{
	struct ckey *k = NULL;
	enum kms_rc rc = parse(spec, material, &k);

	if (rc != KMS_OK)
		return call_fail(c, rc, "the kept key cannot be read: %s", rc_text(rc));
	*ret = (struct hsm_key *)(void *)k;
	return KMS_OK;
}

static void
soft_key_close(struct hsm *h UNUSED, struct hsm_key *k)
{
	ckey_unref(key_of(k));
}

static enum kms_rc
soft_begin(struct hsm *h UNUSED, struct call *c UNUSED, struct hsm_key *k, enum use_kind kind,
    const struct alg_params *p, struct use **usep)
{
	return crypto_begin(key_of(k), kind, p, usep);
}

static enum kms_rc
soft_derive(struct hsm *h UNUSED, struct call *c UNUSED, struct hsm_key *k,
    const struct alg_params *p, struct secret *ret)
{
	return p->alg == ALG_ECDH ? crypto_ecdh(key_of(k), p->u.ecdh.peer, ret) : KMS_NOTSUP;
}

static const struct hsm_ops soft_ops = {
	.name = "soft",
	.close = soft_close,
	.caps = soft_caps,
	.generate = soft_generate,
	.import = soft_import,
	.export_material = soft_export,
	.key_open = soft_key_open,
	.key_close = soft_key_close,
	.begin = soft_begin,
	.derive = soft_derive,
};

struct hsm *
hsm_soft(void)
{
	static struct hsm soft = { .ops = &soft_ops };

	return &soft;
}
