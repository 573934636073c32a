/* SPDX-License-Identifier: Apache-2.0 */
/* Actions on secrets as a whole: made, described, listed, changed, deleted and brought back. */
#include "kms/chapters.h"
#include "kms/interval.h"
#include "kms/json.h"
#include "kms/secret_value.h"

#define SECRETS_MAX   10000 /* in one KMS */
#define CONFIG_MAX    1024  /* bytes of ExtendedConfig */
#define DAY	      86400
#define WINDOW_DAYS   30
#define AUTO_NAME     "$Auto"
#define RAM_NAME_HEAD "acs/ram/user/"

/* -- CreateSecret -- */

static enum kms_rc
take_config(struct act *a, struct kms_secret *s)
{
	struct slice config = fields_get(a->req, F_ExtendedConfig);

	if (config.len == 0)
		return KMS_OK;
	if (!secret_is_managed(a, s))
		return act_bad(a, F_ExtendedConfig);
	TRY(act_parsed(a, F_ExtendedConfig, json_config(config, &a->c->err)));
	return buf_set(&s->config, config);
}

/* The secret of a RAM user is called after the user, whom its configuration names. */
static enum kms_rc
auto_name(struct act *a, struct kms_secret *s)
{
	auto_buf user = { 0 };

	if (s->config.len == 0)
		return act_bad(a, F_ExtendedConfig);
	TRY(act_parsed(a, F_ExtendedConfig,
	    json_config_text(buf_slice(&s->config), "UserName", &user, &a->c->err)));
	TRY(buf_set(&s->name, slice_str(RAM_NAME_HEAD)));
	return buf_add(&s->name, buf_slice(&user));
}

static enum kms_rc
take_name(struct act *a, struct kms_secret *s)
{
	struct slice name = fields_get(a->req, F_SecretName);

	if (s->type == SECRET_RAM) {
		if (!slice_eq(name, slice_str(AUTO_NAME)))
			return act_bad(a, F_SecretName);
		TRY(auto_name(a, s));
	} else {
		TRY(buf_set(&s->name, name));
	}
	return secret_name_ok(s->type, buf_slice(&s->name)) ? KMS_OK : act_bad(a, F_SecretName);
}

static enum kms_rc
check_new(struct act *a, struct slice name)
{
	struct entity_query all = { .kind = ENTITY_SECRET, .limit = 1 };
	auto_store_entities some = { 0 };
	auto_kms_secret there = { 0 };
	uint64_t n;
	enum kms_rc rc = act_find_secret(a, name, &there);

	if (rc == KMS_OK)
		return there.delete_at != 0
		    ? call_refuse(a->c, E_ResourceInDeleteWindow,
			  "A secret of that name is scheduled for deletion.")
		    : call_refuse(a->c, E_ResourceExist, "A secret of that name exists already.");
	if (a->c->error != E_ResourceNotFound)
		return rc;
	act_go_on(a);
	TRY(a->l->store->ops->entity_list(a->l->store, a->c, &all, &some, &n));
	return n < SECRETS_MAX
	    ? KMS_OK
	    : call_refuse(a->c, E_LimitExceeded, "There are %d secrets already.", SECRETS_MAX);
}

static enum kms_rc
new_secret(struct act *a, struct kms_secret *s)
{
	struct slice type = fields_get(a->req, F_SecretType);

	s->type = SECRET_GENERIC;
	if (type.len > 0 && !secret_type_by_name(type, &s->type))
		return act_bad(a, F_SecretType);
	TRY(act_check_instance(a, F_DKMSInstanceId));
	TRY(take_config(a, s));
	TRY(take_name(a, s));
	TRY(crypto_random(s->id.b, UID_LEN));
	s->created = a->now;
	TRY(buf_set(&s->creator, slice_str(a->who->account)));
	TRY(buf_set(&s->description, fields_get(a->req, F_Description)));
	if (fields_has(a->req, F_TagsJson))
		TRY(act_parsed(a, F_TagsJson,
		    json_tags(fields_get(a->req, F_TagsJson), &s->tags, &a->c->err)));
	if (fields_has(a->req, F_Policy))
		TRY(act_take_policy(a, &s->policy));
	if (fields_bool(a->req, F_EnableAutomaticRotation))
		TRY(secret_set_rotation(a, s, true, fields_get(a->req, F_RotationInterval)));
	return check_new(a, buf_slice(&s->name));
}

static enum kms_rc
put_identity(struct act *a, const struct kms_secret *s)
{
	TRY(act_put_arn(a, a->res, F_Arn, "secret", buf_slice(&s->name)));
	return fields_put(a->res, F_SecretName, buf_slice(&s->name));
}

enum kms_rc
act_create_secret(struct act *a)
{
	struct slice version = fields_get(a->req, F_VersionId);
	auto_kms_secret s = { 0 };
	auto_master_key k = { 0 };
	enum secret_data_type type;
	struct uid id;

	TRY(secret_take_data(a, &type));
	TRY(new_secret(a, &s));
	TRY(secret_key_pick(a, fields_get(a->req, F_EncryptionKeyId), &k));
	s.key = k.id;
	TRY(secret_value_add(a, &s, &k, version, type, fields_get(a->req, F_SecretData), &id));
	TRY(secret_stage_put(&s, slice_str(STAGE_CURRENT), &id));
	TRY(act_put_secret(a, &s));
	TRY(secret_object_put(a, &s));
	TRY(put_identity(a, &s));
	TRY(fields_put(a->res, F_VersionId, version));
	TRY(fields_put_text(a->res, F_SecretType, secret_type_name(s.type)));
	if (s.config.len > 0)
		TRY(fields_put(a->res, F_ExtendedConfig, buf_slice(&s.config)));
	return secret_put_rotation(a->res, &s);
}

/* -- what is told of a secret -- */

static enum kms_rc
put_tags(struct fields *f, const struct tags *t)
{
	TRY(fields_put_list(f, F_Tags));
	for (size_t i = 0; i < t->n; i++) {
		struct fields *row;

		TRY(fields_add_group(f, F_Tags, &row));
		TRY(fields_put(row, F_TagKey, buf_slice(&t->v[i].key)));
		TRY(fields_put(row, F_TagValue, buf_slice(&t->v[i].value)));
	}
	return KMS_OK;
}

/* What DescribeSecret and ListSecrets both tell. */
enum kms_rc
secret_put_common(struct act *a, struct fields *f, const struct kms_secret *s)
{
	TRY(fields_put(f, F_SecretName, buf_slice(&s->name)));
	TRY(fields_put_text(f, F_SecretType, secret_type_name(s->type)));
	TRY(act_put_time(f, F_CreateTime, s->created));
	TRY(act_put_time(f, F_UpdateTime, s->updated));
	if (s->delete_at != 0)
		TRY(act_put_time(f, F_PlannedDeleteTime, s->delete_at));
	return fields_bool(a->req, F_FetchTags) ? put_tags(f, &s->tags) : KMS_OK;
}

enum kms_rc
secret_put_rotation(struct fields *f, const struct kms_secret *s)
{
	const struct secret_rotation *r = &s->rotation;
	char interval[INTERVAL_TEXT_MAX];

	if (!r->automatic)
		TRY(fields_put_text(f, F_AutomaticRotation, "Disabled"));
	else
		TRY(fields_put_text(f, F_AutomaticRotation, r->failing ? "Invalid" : "Enabled"));
	if (r->last != 0)
		TRY(act_put_time(f, F_LastRotationDate, r->last));
	if (!r->automatic)
		return KMS_OK;
	interval_text(r->interval, interval);
	TRY(fields_put_text(f, F_RotationInterval, interval));
	return act_put_time(f, F_NextRotationDate, kms_secret_next_rotation(s));
}

enum kms_rc
act_describe_secret(struct act *a)
{
	const struct kms_secret *s = &a->secret;

	TRY(put_identity(a, s));
	TRY(secret_put_common(a, a->res, s));
	TRY(fields_put(a->res, F_Description, buf_slice(&s->description)));
	TRY(act_put_uid(a->res, F_EncryptionKeyId, &s->key));
	if (s->config.len > 0)
		TRY(fields_put(a->res, F_ExtendedConfig, buf_slice(&s->config)));
	return secret_put_rotation(a->res, s);
}

/* -- changing -- */

static enum kms_rc
change_config(struct act *a, struct kms_secret *s)
{
	auto_buf config = { 0 };

	if (!secret_is_managed(a, s))
		return act_bad(a, F_CustomData);
	TRY(act_parsed(a, F_CustomData,
	    json_config_custom(buf_slice(&s->config), fields_get(a->req, F_CustomData), &config,
		&a->c->err)));
	if (config.len > CONFIG_MAX)
		return act_bad(a, F_CustomData);
	buf_move(&s->config, &config);
	return KMS_OK;
}

enum kms_rc
act_update_secret(struct act *a)
{
	struct kms_secret *s = &a->secret;

	if (fields_has(a->req, F_Description))
		TRY(buf_set(&s->description, fields_get(a->req, F_Description)));
	if (fields_has(a->req, F_CustomData))
		TRY(change_config(a, s));
	TRY(act_put_secret(a, s));
	return fields_put(a->res, F_SecretName, buf_slice(&s->name));
}

/* -- deleting -- */

enum kms_rc
secret_remove(struct act *a, const struct kms_secret *s)
{
	for (size_t i = 0; i < s->n_versions; i++)
		TRY(secret_value_remove(a, &s->versions[i].id));
	TRY(secret_object_remove(a, s));
	return changes_remove_entity(&a->changes, &s->id, s->revision);
}

enum kms_rc
act_delete_secret(struct act *a)
{
	struct kms_secret *s = &a->secret;

	TRY(fields_put(a->res, F_SecretName, buf_slice(&s->name)));
	if (fields_bool(a->req, F_ForceDeleteWithoutRecovery)) {
		TRY(act_put_time(a->res, F_PlannedDeleteTime, a->now));
		return secret_remove(a, s);
	}
	if (s->delete_at != 0)
		return call_refuse(a->c, E_ResourceInDeleteWindow,
		    "The secret is scheduled for deletion already.");
	s->delete_at = a->now + fields_number(a->req, F_RecoveryWindowInDays, WINDOW_DAYS) * DAY;
	TRY(act_put_time(a->res, F_PlannedDeleteTime, s->delete_at));
	TRY(secret_object_put(a, s));
	return act_put_secret(a, s);
}

enum kms_rc
act_restore_secret(struct act *a)
{
	a->secret.delete_at = 0;
	TRY(secret_object_put(a, &a->secret));
	TRY(act_put_secret(a, &a->secret));
	return fields_put(a->res, F_SecretName, buf_slice(&a->secret.name));
}
