/* SPDX-License-Identifier: Apache-2.0 */
/* Key material that the customer brings: parameters for an import, the import, and its end. */
#include "kms/chapters.h"
#include "kms/version.h"
#include "kms/version_use.h"

#define VALID_SECONDS 86400
#define PROOF_LEN     32
#define TOKEN_LEN     (UID_LEN + PROOF_LEN) /* which import, and that it is meant */

static enum kms_rc
need_external(struct act *a)
{
	if (a->key.origin != ORIGIN_EXTERNAL)
		return call_refuse(a->c, E_UnsupportedOrigin, "The key's origin is not EXTERNAL.");
	/* Its attributes would be lost with the material. */
	if (a->key.usage == USAGE_ANY)
		return call_refuse(a->c, E_UnsupportedOperation,
		    "Unsupported operation. The key came through PKCS#11, and comes again only there.");
	return KMS_OK;
}

/* -- GetParametersForImport -- */

enum kms_rc
key_pick_wrapping(struct act *a, const struct wrapping **ret)
{
	*ret = wrapping_by_name(fields_get(a->req, F_WrappingKeySpec),
	    fields_get(a->req, F_WrappingAlgorithm));
	if (*ret != NULL)
		return KMS_OK;
	return call_refuse(a->c, E_InvalidParameter,
	    "The parameters \"WrappingKeySpec\" and \"WrappingAlgorithm\" are RSA_2048 with RSAES_OAEP_SHA_256 or RSAES_OAEP_SHA_1, or EC_SM2 with SM2PKE.");
}

/* A fresh key pair; the private half, behind the proof, is the entity's secret part. */
static enum kms_rc
make_pair(const struct key_spec *spec, struct secret *kept, struct buf *spki)
{
	auto_ckey *k = NULL;
	auto_secret pkcs8 = { 0 };

	TRY(ckey_generate(spec, slice_of(NULL, 0), &k));
	TRY(ckey_spki(k, spki));
	TRY(ckey_pkcs8(k, &pkcs8));
	TRY(secret_new(PROOF_LEN + pkcs8.len, kept));
	TRY(crypto_random(kept->p, PROOF_LEN));
	memcpy(kept->p + PROOF_LEN, pkcs8.p, pkcs8.len);
	return KMS_OK;
}

static enum kms_rc
put_token(struct act *a, const struct store_entity *e, const struct secret *kept)
{
	auto_buf token = { 0 };

	TRY(buf_add(&token, slice_of(e->id.b, UID_LEN)));
	TRY(buf_add(&token, slice_of(kept->p, PROOF_LEN)));
	TRY(fields_put(a->res, F_ImportToken, buf_slice(&token)));
	return act_put_time(a->res, F_TokenExpireTime, e->due);
}

enum kms_rc
act_get_parameters_for_import(struct act *a)
{
	auto_store_entity e = { 0 };
	auto_secret kept = { 0 };
	auto_buf spki = { 0 };
	const struct wrapping *w;

	TRY(need_external(a));
	TRY(key_pick_wrapping(a, &w));
	TRY(make_pair(&w->key, &kept, &spki));
	TRY(entity_new(ENTITY_IMPORT, a->now, &e));
	e.parent = a->key.id;
	e.due = a->now + VALID_SECONDS;
	TRY(buf_add_byte(&e.body, (uint8_t)w->digest));
	TRY(entity_seal(a->c, &a->keys, &e, secret_slice(&kept)));
	TRY(act_put_uid(a->res, F_KeyId, &a->key.id));
	TRY(fields_put(a->res, F_PublicKeyDer, buf_slice(&spki)));
	TRY(put_token(a, &e, &kept));
	TRY(changes_insert_entity(&a->changes, &e));
	/* Nobody deletes the key meanwhile. */
	return act_put_key(a, &a->key);
}

/* -- ImportKeyMaterial -- */

static enum kms_rc
bad_token(struct act *a)
{
	return call_refuse(a->c, E_InvalidImportToken,
	    "The import token is none of this key, or has been used.");
}

/* The import that ImportToken means, with its private key. */
static enum kms_rc
find_import(struct act *a, struct store_entity *e, struct secret *kept)
{
	struct slice token = fields_get(a->req, F_ImportToken);
	struct uid id;
	enum kms_rc rc;

	if (token.len != TOKEN_LEN)
		return bad_token(a);
	memcpy(id.b, token.p, UID_LEN);
	rc = a->l->store->ops->entity_get(a->l->store, a->c, &id, e);
	if (rc == KMS_NOTFOUND ||
	    (rc == KMS_OK && (e->kind != ENTITY_IMPORT || !uid_eq(&e->parent, &a->key.id))))
		return bad_token(a);
	TRY(rc);
	TRY(entity_open(a->c, &a->keys, e, kept));
	if (kept->len <= PROOF_LEN || e->body.len != 1 ||
	    !mem_equal_ct(slice_of(kept->p, PROOF_LEN), slice_of(token.p + UID_LEN, PROOF_LEN)))
		return bad_token(a);
	if (e->due <= a->now)
		return call_refuse(a->c, E_ExpiredImportToken, "The import token has expired.");
	return KMS_OK;
}

static enum kms_rc
bad_material(struct act *a, const char *why)
{
	err_clear(&a->c->err);
	return call_refuse(a->c, E_InvalidKeyMaterial, "The key material is not valid: %s.", why);
}

static enum kms_rc
decrypt(struct act *a, const struct store_entity *e, const struct secret *kept,
    struct secret *material)
{
	const struct wrapping *w = wrapping_by_digest((enum digest)e->body.p[0]);
	struct alg_params p;
	auto_ckey *k = NULL;
	auto_secret out = { 0 };
	size_t len;

	if (w == NULL)
		return KMS_TAMPERED;
	p = wrapping_params(w);
	TRY(ckey_from_pkcs8(slice_of(kept->p + PROOF_LEN, kept->len - PROOF_LEN), &k));
	TRY(secret_new(WRAPPED_MAX, &out));
	if (ckey_use(k, USE_DECRYPT, &p, fields_get(a->req, F_EncryptedKeyMaterial), out.p, out.len,
		&len) != KMS_OK)
		return bad_material(a, "it does not decrypt");
	if (len * 8 != a->key.spec.bits)
		return bad_material(a, "its length is not that of the key's spec");
	return secret_copy(slice_of(out.p, len), material);
}

/* The first material binds the key: what was sealed under it must open with any later one. */
static enum kms_rc
bind(struct act *a, struct slice material)
{
	static const uint8_t none[MATERIAL_DIGEST_LEN];
	uint8_t digest[MATERIAL_DIGEST_LEN];
	struct slice is = slice_of(digest, sizeof(digest));
	struct slice was = slice_of(a->key.material_digest, sizeof(digest));

	TRY(crypto_digest(DIGEST_SHA256, material, digest));
	if (!slice_eq(was, slice_of(none, sizeof(none))) && !mem_equal_ct(is, was))
		return bad_material(a, "it is not the one that was imported first");
	memcpy(a->key.material_digest, digest, sizeof(digest));
	return KMS_OK;
}

static enum kms_rc
pick_expiry(struct act *a)
{
	int64_t expire = fields_number(a->req, F_KeyMaterialExpireUnix, 0);

	if (expire != 0 && expire <= a->now)
		return call_refuse(a->c, E_InvalidParameter,
		    "The specified parameter \"KeyMaterialExpireUnix\" is not valid: it has passed.");
	a->key.material_expire = expire;
	return KMS_OK;
}

enum kms_rc
act_import_key_material(struct act *a)
{
	auto_store_entity e = { 0 };
	auto_secret kept = { 0 };
	auto_secret material = { 0 };
	char label[UID_TEXT_LEN + 1];

	TRY(need_external(a));
	TRY(pick_expiry(a));
	TRY(find_import(a, &e, &kept));
	TRY(decrypt(a, &e, &kept, &material));
	TRY(bind(a, secret_slice(&material)));
	TRY(changes_remove_entity(&a->changes, &e.id, e.revision));
	if (!a->key.material) {
		uid_to_text(&a->key.id, label);
		TRY(version_import(a, &a->key, slice_str(label), secret_slice(&material)));
		a->key.state = KEY_ENABLED;
	}
	return act_put_key(a, &a->key);
}

/* -- the end of material -- */

enum kms_rc
key_drop_material(struct act *a, struct master_key *k)
{
	TRY(version_remove_all(a, &k->id));
	k->material = false;
	k->material_expire = 0;
	if (k->state != KEY_PENDING_DELETION)
		k->state = KEY_PENDING_IMPORT;
	return act_put_key(a, k);
}

enum kms_rc
act_delete_key_material(struct act *a)
{
	TRY(need_external(a));
	return a->key.material ? key_drop_material(a, &a->key) : KMS_OK;
}
