/* SPDX-License-Identifier: Apache-2.0 */
/* Actions on keys as a whole: made, described, listed, enabled and disabled, deleted. */
#include "kms/chapters.h"
#include "kms/interval.h"
#include "kms/json.h"
#include "kms/version.h"

/* -- CreateKey -- */

static enum kms_rc
pick_spec(struct act *a, struct master_key *k)
{
	struct slice name = fields_get(a->req, F_KeySpec), usage = fields_get(a->req, F_KeyUsage);
	const struct master_spec *spec =
	    master_spec_by_name(name.len == 0 ? slice_str("Aliyun_AES_256") : name);

	if (spec == NULL)
		return act_bad(a, F_KeySpec);
	k->spec = spec->spec;
	k->usage = usage.len == 0 ? spec->usage : usage_by_name(usage);
	if (((unsigned)k->usage & spec->usages) == 0)
		return act_bad(a, F_KeyUsage);
	return KMS_OK;
}

static enum kms_rc
pick_origin(struct act *a, struct master_key *k)
{
	struct slice origin = fields_get(a->req, F_Origin);

	k->origin = ORIGIN_KMS;
	if (slice_eq(origin, slice_str("EXTERNAL")))
		k->origin = ORIGIN_EXTERNAL;
	else if (origin.len != 0 && !slice_eq(origin, slice_str("Aliyun_KMS")))
		return act_bad(a, F_Origin);
	return KMS_OK;
}

enum kms_rc
act_check_instance(struct act *a, enum field name)
{
	return fields_get(a->req, name).len == 0
	    ? KMS_OK
	    : call_refuse(a->c, E_DKMSInstanceNotFound, "%s",
		  api_error_row(E_DKMSInstanceNotFound)->message);
}

/* Who asks for less than there is gets what there is. */
static enum kms_rc
pick_level(struct act *a, struct master_key *k)
{
	struct slice level = fields_get(a->req, F_ProtectionLevel);

	k->level = key_level_here(a->l);
	if (level.len == 0 || slice_eq(level, slice_str(key_level_name(LEVEL_SOFTWARE))))
		return KMS_OK;
	if (!slice_eq(level, slice_str(key_level_name(LEVEL_HSM))))
		return act_bad(a, F_ProtectionLevel);
	return k->level == LEVEL_HSM
	    ? KMS_OK
	    : call_refuse(a->c, E_UnsupportedProtectionLevel,
		  "The protection level HSM is not supported here: keys are in the KMS's store.");
}

/* How an HSM keeps its keys is its own affair; only that the name is one of the API's is asked. */
static enum kms_rc
check_mechanism(struct act *a)
{
	struct slice name = fields_get(a->req, F_KeyStorageMechanism);

	return name.len == 0 || slice_eq(name, slice_str("HsmInternal")) ||
		slice_eq(name, slice_str("HsmEncryptedDatabase"))
	    ? KMS_OK
	    : act_bad(a, F_KeyStorageMechanism);
}

static enum kms_rc
new_key(struct act *a, struct master_key *k)
{
	TRY(pick_spec(a, k));
	TRY(pick_origin(a, k));
	TRY(act_check_instance(a, F_DKMSInstanceId));
	TRY(pick_level(a, k));
	TRY(check_mechanism(a));
	TRY(hsm_can_keep(a->l, a->c, &k->spec, k->origin == ORIGIN_KMS));
	TRY(crypto_random(k->id.b, UID_LEN));
	k->created = a->now;
	TRY(buf_set(&k->creator, slice_str(a->who->account)));
	TRY(buf_set(&k->description, fields_get(a->req, F_Description)));
	k->state = k->origin == ORIGIN_EXTERNAL ? KEY_PENDING_IMPORT : KEY_ENABLED;
	if (fields_has(a->req, F_TagsJson))
		TRY(act_parsed(a, F_TagsJson,
		    json_tags(fields_get(a->req, F_TagsJson), &k->tags, &a->c->err)));
	if (fields_has(a->req, F_Policy))
		TRY(act_take_policy(a, &k->policy));
	return fields_bool(a->req, F_EnableAutomaticRotation)
	    ? key_set_rotation(a, k, true, fields_get(a->req, F_RotationInterval))
	    : KMS_OK;
}

/* -- what is told of a key -- */

enum kms_rc
key_put_arn(struct act *a, struct fields *f, enum field name, const struct uid *id)
{
	char text[UID_TEXT_LEN + 1];

	uid_to_text(id, text);
	return act_put_arn(a, f, name, "key", slice_str(text));
}

enum kms_rc
key_put_version(struct fields *f, const struct uid *key, const struct uid *version)
{
	TRY(act_put_uid(f, F_KeyId, key));
	return act_put_uid(f, F_KeyVersionId, version);
}

static enum kms_rc
put_rotation(struct fields *f, const struct master_key *k)
{
	char interval[INTERVAL_TEXT_MAX];

	if (!k->rotates)
		return fields_put_text(f, F_AutomaticRotation, "Disabled");
	TRY(fields_put_text(f, F_AutomaticRotation,
	    k->state == KEY_ENABLED ? "Enabled" : "Suspended"));
	interval_text(k->rotation_interval, interval);
	TRY(fields_put_text(f, F_RotationInterval, interval));
	return act_put_time(f, F_NextRotationDate, k->rotated + (int64_t)k->rotation_interval);
}

enum kms_rc
act_put_metadata(struct act *a, struct fields *f, const struct master_key *k)
{
	char spec[SPEC_NAME_MAX];

	master_spec_name(&k->spec, spec);
	TRY(act_put_uid(f, F_KeyId, &k->id));
	TRY(key_put_arn(a, f, F_Arn, &k->id));
	TRY(act_put_time(f, F_CreationDate, k->created));
	TRY(fields_put(f, F_Creator, buf_slice(&k->creator)));
	TRY(fields_put(f, F_Description, buf_slice(&k->description)));
	TRY(fields_put_text(f, F_KeySpec, spec));
	TRY(fields_put_text(f, F_KeyState, state_name(k->state)));
	TRY(fields_put_text(f, F_KeyUsage, usage_name(k->usage, k->spec.type)));
	TRY(fields_put_text(f, F_Origin, k->origin == ORIGIN_EXTERNAL ? "EXTERNAL" : "Aliyun_KMS"));
	TRY(fields_put_text(f, F_ProtectionLevel, key_level_name(k->level)));
	TRY(fields_put_text(f, F_DeletionProtection,
	    k->deletion_protected ? "Enabled" : "Disabled"));
	if (k->deletion_protected)
		TRY(fields_put(f, F_DeletionProtectionDescription,
		    buf_slice(&k->protection_description)));
	TRY(put_rotation(f, k));
	if (k->material) {
		/* Asymmetric actions name their version. */
		if (key_type_is_cipher(k->spec.type))
			TRY(act_put_uid(f, F_PrimaryKeyVersion, &k->primary));
		TRY(act_put_time(f, F_LastRotationDate, k->rotated));
	}
	if (k->material_expire != 0)
		TRY(act_put_time(f, F_MaterialExpireTime, k->material_expire));
	if (k->state == KEY_PENDING_DELETION)
		TRY(act_put_time(f, F_DeleteDate, k->delete_at));
	return KMS_OK;
}

enum kms_rc
act_create_key(struct act *a)
{
	auto_master_key k = { 0 };
	struct fields *metadata;
	char id[UID_TEXT_LEN + 1];

	TRY(new_key(a, &k));
	uid_to_text(&k.id, id);
	if (k.origin == ORIGIN_KMS)
		TRY(version_generate(a, &k, slice_str(id), slice_of(NULL, 0)));
	TRY(act_put_key(a, &k));
	TRY(fields_add_group(a->res, F_KeyMetadata, &metadata));
	return act_put_metadata(a, metadata, &k);
}

enum kms_rc
act_describe_key(struct act *a)
{
	struct fields *metadata;

	TRY(fields_add_group(a->res, F_KeyMetadata, &metadata));
	return act_put_metadata(a, metadata, &a->key);
}

/* -- states -- */

/* K goes to STATE, and its versions with it. */
enum kms_rc
key_set_state(struct act *a, struct master_key *k, enum key_state state)
{
	bool was = k->state == KEY_ENABLED, is = state == KEY_ENABLED;

	k->state = state;
	if (was != is)
		TRY(version_set_usable(a, k, is));
	return act_put_key(a, k);
}

enum kms_rc
act_enable_key(struct act *a)
{
	return a->key.state == KEY_ENABLED ? KMS_OK : key_set_state(a, &a->key, KEY_ENABLED);
}

enum kms_rc
act_disable_key(struct act *a)
{
	return a->key.state == KEY_DISABLED ? KMS_OK : key_set_state(a, &a->key, KEY_DISABLED);
}

enum kms_rc
act_schedule_key_deletion(struct act *a)
{
	if (a->key.deletion_protected)
		return call_refuse(a->c, E_UnsupportedOperation,
		    "The key is protected from deletion; switch that off first.");
	a->key.delete_at = a->now + fields_number(a->req, F_PendingWindowInDays, 0) * 86400;
	return key_set_state(a, &a->key, KEY_PENDING_DELETION);
}

enum kms_rc
act_cancel_key_deletion(struct act *a)
{
	a->key.delete_at = 0;
	return key_set_state(a, &a->key, a->key.material ? KEY_ENABLED : KEY_PENDING_IMPORT);
}

/* -- what else is said of a key -- */

enum kms_rc
act_update_key_description(struct act *a)
{
	TRY(buf_set(&a->key.description, fields_get(a->req, F_Description)));
	return act_put_key(a, &a->key);
}

enum kms_rc
act_set_deletion_protection(struct act *a)
{
	struct slice name = fields_get(a->req, F_KeyId);
	bool on = fields_bool(a->req, F_EnableDeletionProtection);

	TRY(act_check_instance(a, F_KmsInstanceId));
	if (name.len == 0)
		name = fields_get(a->req, F_ProtectedResourceArn);
	if (name.len == 0)
		return call_refuse(a->c, E_MissingParameter,
		    "The parameter \"ProtectedResourceArn\" is needed but not provided.");
	TRY(act_find_key(a, name, false, &a->key));
	TRY(act_permit_key(a, "kms:SetDeletionProtection", &a->key));
	a->key.deletion_protected = on;
	buf_clear(&a->key.protection_description);
	if (on)
		TRY(buf_set(&a->key.protection_description,
		    fields_get(a->req, F_DeletionProtectionDescription)));
	return act_put_key(a, &a->key);
}
