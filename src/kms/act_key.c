/* SPDX-License-Identifier: Apache-2.0 */
/* Actions on keys as a whole: made, described, listed, enabled and disabled, deleted. */
#include <stdio.h>

#include "kms/chapters.h"
#include "kms/version.h"

/* -- CreateKey -- */

static enum kms_rc
bad(struct act *a, const char *parameter)
{
	return call_refuse(a->c, E_InvalidParameter, "The specified parameter \"%s\" is not valid.",
	    parameter);
}

static enum kms_rc
pick_spec(struct act *a, struct master_key *k)
{
	struct slice name = fields_get(a->req, F_KeySpec), usage = fields_get(a->req, F_KeyUsage);
	const struct master_spec *spec =
	    master_spec_by_name(name.len == 0 ? slice_str("Aliyun_AES_256") : name);

	if (spec == NULL)
		return bad(a, "KeySpec");
	k->spec = spec->spec;
	k->usage = usage.len == 0 ? spec->usage : usage_by_name(usage);
	if (((unsigned)k->usage & spec->usages) == 0)
		return bad(a, "KeyUsage");
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
		return bad(a, "Origin");
	return KMS_OK;
}

static enum kms_rc
new_key(struct act *a, struct master_key *k)
{
	TRY(pick_spec(a, k));
	TRY(pick_origin(a, k));
	TRY(crypto_random(k->id.b, UID_LEN));
	k->created = a->now;
	k->level = LEVEL_SOFTWARE;
	TRY(buf_set(&k->creator, slice_str(a->who->account)));
	TRY(buf_set(&k->description, fields_get(a->req, F_Description)));
	k->state = k->origin == ORIGIN_EXTERNAL ? KEY_PENDING_IMPORT : KEY_ENABLED;
	return KMS_OK;
}

/* -- what is told of a key -- */

static enum kms_rc
put_arn(struct act *a, struct fields *f, enum field name, const struct uid *id)
{
	char text[UID_TEXT_LEN + 1];

	uid_to_text(id, text);
	return act_put_arn(a, f, name, "key", slice_str(text));
}

static enum kms_rc
put_rotation(struct fields *f, const struct master_key *k)
{
	char interval[24];

	if (!k->rotates)
		return fields_put_text(f, F_AutomaticRotation, "Disabled");
	TRY(fields_put_text(f, F_AutomaticRotation,
	    k->state == KEY_ENABLED ? "Enabled" : "Suspended"));
	(void)snprintf(interval, sizeof(interval), "%us", (unsigned)k->rotation_interval);
	TRY(fields_put_text(f, F_RotationInterval, interval));
	return act_put_time(f, F_NextRotationDate, k->rotated + (int64_t)k->rotation_interval);
}

enum kms_rc
act_put_metadata(struct act *a, struct fields *f, const struct master_key *k)
{
	char spec[SPEC_NAME_MAX];

	master_spec_name(&k->spec, spec);
	TRY(act_put_uid(f, F_KeyId, &k->id));
	TRY(put_arn(a, f, F_Arn, &k->id));
	TRY(act_put_time(f, F_CreationDate, k->created));
	TRY(fields_put(f, F_Creator, buf_slice(&k->creator)));
	TRY(fields_put(f, F_Description, buf_slice(&k->description)));
	TRY(fields_put_text(f, F_KeySpec, spec));
	TRY(fields_put_text(f, F_KeyState, state_name(k->state)));
	TRY(fields_put_text(f, F_KeyUsage, usage_name(k->usage, k->spec.type)));
	TRY(fields_put_text(f, F_Origin, k->origin == ORIGIN_EXTERNAL ? "EXTERNAL" : "Aliyun_KMS"));
	TRY(fields_put_text(f, F_ProtectionLevel, k->level == LEVEL_HSM ? "HSM" : "SOFTWARE"));
	TRY(fields_put_text(f, F_DeletionProtection,
	    k->deletion_protected ? "Enabled" : "Disabled"));
	if (k->deletion_protected)
		TRY(fields_put(f, F_DeletionProtectionDescription,
		    buf_slice(&k->protection_description)));
	TRY(put_rotation(f, k));
	if (!uid_is_zero(&k->primary)) {
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

enum kms_rc
act_list_keys(struct act *a)
{
	struct page p = act_page(a, 10);
	struct entity_query q = {
		.kind = ENTITY_KEY, .skip = (p.number - 1) * p.size, .limit = p.size
	};
	auto_store_entities l = { 0 };
	uint64_t total;

	TRY(a->l->store->ops->entity_list(a->l->store, a->c, &q, &l, &total));
	TRY(fields_put_list(a->res, F_Keys));
	for (size_t i = 0; i < l.n; i++) {
		struct fields *row;

		TRY(entity_open(a->c, &a->keys, &l.v[i], NULL));
		TRY(fields_add_group(a->res, F_Keys, &row));
		TRY(act_put_uid(row, F_KeyId, &l.v[i].id));
		TRY(put_arn(a, row, F_KeyArn, &l.v[i].id));
	}
	return act_put_page(a, p, total);
}
