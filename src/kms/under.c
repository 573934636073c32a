/* SPDX-License-Identifier: Apache-2.0 */
/* Envelopes the secret parts of objects under KMS keys, opens them, and asks whether they may be
 * opened. */
#include "kms/under.h"

#include "base/codec.h"
#include "kms/envelope.h"

static enum kms_rc
begin(struct local *l, struct call *c, enum action action, struct act *a)
{
	*a = (struct act){ .l = l, .c = c, .action = action };
	return act_begin(a);
}

/* What binds an envelope to its object: no encryption context that a caller can give. */
static enum kms_rc
context(const struct object *o, struct buf *ret)
{
	struct writer w = writer_of(ret);

	write_bytes(&w, slice_str("object"));
	write_bytes(&w, slice_of(o->id.b, UID_LEN));
	write_bytes(&w, slice_of(NULL, 0));
	return w.rc;
}

/* The refusal of a master key is the object's: its name in the API is not asked for here. */
static enum kms_rc
refused(struct call *c, enum kms_rc rc)
{
	enum api_error error = c->error;

	if (error == E_None)
		return rc;
	c->error = E_None;
	if (rc == KMS_KEY_STATE) {
		err_clear(&c->err);
		return call_fail(c, rc,
		    "the master key is not enabled, and what is enveloped under it does not work");
	}
	if (rc == KMS_NOTFOUND) {
		err_clear(&c->err);
		return call_fail(c, KMS_KEY_STATE, "the master key of this object is gone");
	}
	return rc;
}

/* -- sealing -- */

static enum kms_rc
unfit(struct call *c, const char *why)
{
	c->error = E_None;
	err_clear(&c->err);
	return call_fail(c, KMS_CONFIG, "the token's master-key %s", why);
}

/* The token's. One that is itself enveloped could be under what is under it. */
static enum kms_rc
configured(struct act *a, struct master_key *k)
{
	enum kms_rc rc = act_find_key(a, slice_str(a->l->master_key), true, k);
	uint64_t revision;
	uint32_t flags;

	if (rc == KMS_NOTFOUND)
		return unfit(a->c, "names no key that there is");
	TRY(rc);
	if (!key_type_is_cipher(k->spec.type) ||
	    (k->usage & (USAGE_ENCRYPT_DECRYPT | USAGE_ANY)) == 0)
		return unfit(a->c, "is no symmetric key for ENCRYPT/DECRYPT");
	TRY(act_permit_key(a, "kms:GenerateDataKey", k));
	TRY(a->l->store->ops->revision(a->l->store, a->c, &k->primary, &revision, &flags));
	return (flags & FLAG_ENVELOPED) == 0 ? KMS_OK : unfit(a->c, "is itself under a master key");
}

static enum kms_rc
given(struct act *a, const struct uid *key, struct master_key *k)
{
	TRY(act_load_key(a, key, k));
	return act_permit_key(a, "kms:GenerateDataKey", k);
}

static enum kms_rc
seal(struct act *a, const struct uid *key, struct object *o, struct secret *material)
{
	auto_master_key k = { 0 };
	auto_buf bound = { 0 };
	auto_buf blob = { 0 };

	TRY(uid_is_zero(key) ? configured(a, &k) : given(a, key, &k));
	TRY(context(o, &bound));
	TRY(envelope_seal(a, &k, buf_slice(&bound), secret_slice(material), &blob));
	secret_free(material);
	TRY(secret_copy(buf_slice(&blob), material));
	o->flags |= FLAG_ENVELOPED;
	return KMS_OK;
}

enum kms_rc
under_seal(struct local *l, struct call *c, const struct uid *key, struct object *o,
    struct secret *material)
{
	struct call none = { 0 };
	auto_act a = { 0 };

	o->flags &= ~(uint32_t)FLAG_ENVELOPED;
	if ((o->flags & FLAG_PRIVATE) == 0 || material->len == 0 ||
	    (uid_is_zero(key) && l->master_key == NULL))
		return KMS_OK;
	if (c == NULL)
		c = &none;
	TRY(begin(l, c, ACTION_GenerateDataKey, &a));
	return refused(c, seal(&a, key, o, material));
}

/* -- opening -- */

static enum kms_rc
parse(struct slice material, struct blob *ret)
{
	return blob_parse(material, ret) == KMS_OK ? KMS_OK : KMS_TAMPERED;
}

enum kms_rc
under_key(const struct object *o, struct slice material, struct uid *key)
{
	struct blob b = { 0 };

	if ((o->flags & FLAG_ENVELOPED) != 0)
		TRY(parse(material, &b));
	*key = b.key;
	return KMS_OK;
}

/* The key may be used now, for what has been enveloped under it. */
static enum kms_rc
permit(struct act *a, const struct uid *key, struct master_key *k)
{
	TRY(act_load_key(a, key, k));
	return act_permit_key(a, "kms:Decrypt", k);
}

static enum kms_rc
open_blob(struct act *a, bool anyway, const struct object *o, const struct blob *b,
    struct secret *ret)
{
	auto_master_key k = { 0 };
	auto_buf bound = { 0 };
	enum kms_rc rc;

	TRY(anyway ? act_load_key(a, &b->key, &k) : permit(a, &b->key, &k));
	TRY(context(o, &bound));
	rc = envelope_open(a, &k, b, buf_slice(&bound), ret);
	if (rc == KMS_OK || a->c->error != E_InvalidParameter)
		return rc;
	/* Nobody but us can have given it. */
	a->c->error = E_None;
	err_clear(&a->c->err);
	return call_fail(a->c, KMS_TAMPERED, "the envelope of an object is damaged");
}

/* What the blob B, which is MATERIAL, holds replaces it; ANYWAY: though its key may not be used. */
static enum kms_rc
open_in_place(struct local *l, struct call *c, bool anyway, const struct object *o,
    const struct blob *b, struct secret *material)
{
	struct call none = { 0 };
	auto_secret plain = { 0 };
	auto_act a = { 0 };

	if (c == NULL)
		c = &none;
	TRY(begin(l, c, ACTION_Decrypt, &a));
	TRY(refused(c, open_blob(&a, anyway, o, b, &plain)));
	secret_free(material);
	*material = plain; /* moved */
	plain = (struct secret){ 0 };
	return KMS_OK;
}

enum kms_rc
under_open(struct local *l, struct call *c, const struct object *o, struct secret *material,
    struct uid *key)
{
	struct blob b = { 0 };

	if ((o->flags & FLAG_ENVELOPED) != 0) {
		TRY(parse(secret_slice(material), &b));
		TRY(open_in_place(l, c, false, o, &b, material));
	}
	if (key != NULL)
		*key = b.key;
	return KMS_OK;
}

enum kms_rc
under_find(struct local *l, struct call *c, const struct object *o, struct secret *material)
{
	struct blob b = { 0 };

	if ((o->flags & FLAG_ENVELOPED) == 0)
		return KMS_OK;
	TRY(parse(secret_slice(material), &b));
	return open_in_place(l, c, true, o, &b, material);
}

enum kms_rc
under_held(struct local *l, struct call *c, const struct uid *key, bool *held)
{
	struct call own = { 0 };
	auto_master_key k = { 0 };
	auto_act a = { 0 };
	enum kms_rc rc;

	if (c != NULL)
		own = (struct call){ .deadline_ms = c->deadline_ms, .who = c->who };
	TRY(begin(l, &own, ACTION_Decrypt, &a));
	rc = permit(&a, key, &k);
	*held = rc == KMS_KEY_STATE || rc == KMS_DENIED || rc == KMS_NOTFOUND;
	return *held ? KMS_OK : rc;
}
