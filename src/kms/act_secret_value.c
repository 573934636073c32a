/* SPDX-License-Identifier: Apache-2.0 */
/* Actions on the values of secrets: put, got, listed, and moved from stage to stage. */
#include "kms/chapters.h"
#include "kms/json.h"
#include "kms/secret_rotate.h"
#include "kms/secret_value.h"

#define STAGE_LEN_MAX 64

static enum kms_rc
not_found(struct act *a)
{
	return call_refuse(a->c, E_ResourceNotFound,
	    "Resource not found. The secret has no such version.");
}

/* Names go to logs, terminals and programs. */
static bool
is_printable(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

enum kms_rc
secret_check_version(struct act *a)
{
	return is_printable(fields_get(a->req, F_VersionId)) ? KMS_OK : act_bad(a, F_VersionId);
}

enum kms_rc
secret_take_data(struct act *a, enum secret_data_type *type)
{
	struct slice name = fields_get(a->req, F_SecretDataType);

	TRY(secret_check_version(a));
	if (name.len == 0 || slice_eq(name, slice_str("text")))
		*type = SECRET_DATA_TEXT;
	else if (slice_eq(name, slice_str("binary")))
		*type = SECRET_DATA_BINARY;
	else
		return act_bad(a, F_SecretDataType);
	return KMS_OK;
}

static enum kms_rc
need_generic(struct act *a)
{
	return a->secret.type == SECRET_GENERIC
	    ? KMS_OK
	    : call_refuse(a->c, E_UnsupportedOperation,
		  "Only the versions of generic secrets are managed by callers.");
}

static enum kms_rc
put_stages(struct fields *f, const struct kms_secret *s, const struct uid *version)
{
	TRY(fields_put_list(f, F_VersionStages));
	for (size_t i = 0; i < s->n_stages; i++)
		if (uid_eq(&s->stages[i].version, version))
			TRY(fields_add_text(f, F_VersionStages, buf_slice(&s->stages[i].name)));
	return KMS_OK;
}

/* -- GetSecretValue, BatchGetSecretValue -- */

/* What a caller wants of a secret. */
struct wanted {
	struct slice version, stage; /* empty: any version, ACSCurrent */
	bool config;
};

static const struct secret_version *
pick_version(const struct kms_secret *s, const struct wanted *w)
{
	const struct secret_version *named = secret_version_named(s, w->version), *staged;

	if (w->version.len > 0 && w->stage.len == 0)
		return named;
	staged = secret_version_at(s, w->stage.len > 0 ? w->stage : slice_str(STAGE_CURRENT));
	return w->version.len == 0 || staged == named ? staged : NULL;
}

static enum kms_rc
put_value(struct act *a, struct fields *f, const struct kms_secret *s,
    const struct secret_version *v)
{
	auto_secret_value value = { 0 };
	auto_master_key k = { 0 };

	TRY(secret_key_load(a, s, "kms:Decrypt", &k));
	TRY(secret_value_open(a, s, &k, v, &value));
	TRY(fields_put(f, F_SecretData, secret_slice(&value.data)));
	return fields_put_text(f, F_SecretDataType,
	    value.type == SECRET_DATA_BINARY ? "binary" : "text");
}

static enum kms_rc
give(struct act *a, struct fields *f, const struct kms_secret *s, const struct wanted *w)
{
	const struct secret_version *v = pick_version(s, w);

	if (v == NULL)
		return not_found(a);
	TRY(fields_put(f, F_SecretName, buf_slice(&s->name)));
	TRY(put_value(a, f, s, v));
	TRY(fields_put(f, F_VersionId, buf_slice(&v->name)));
	TRY(put_stages(f, s, &v->id));
	TRY(fields_put_text(f, F_SecretType, secret_type_name(s->type)));
	TRY(act_put_time(f, F_CreateTime, v->created));
	if (w->config && s->config.len > 0)
		TRY(fields_put(f, F_ExtendedConfig, buf_slice(&s->config)));
	return secret_put_rotation(f, s);
}

enum kms_rc
act_get_secret_value(struct act *a)
{
	struct wanted w = { .version = fields_get(a->req, F_VersionId),
		.stage = fields_get(a->req, F_VersionStage),
		.config = fields_bool(a->req, F_FetchExtendedConfig) };

	return give(a, a->res, &a->secret, &w);
}

static enum kms_rc
give_wish(struct act *a, const struct secret_wish *wish)
{
	struct wanted w = { .version = buf_slice(&wish->version),
		.stage = buf_slice(&wish->stage),
		.config = wish->config };
	auto_kms_secret s = { 0 };
	auto_fields f = { 0 };
	struct fields *row;

	TRY(act_find_secret(a, buf_slice(&wish->name), &s));
	TRY(act_permit_secret(a, "kms:GetSecretValue", &s));
	TRY(give(a, &f, &s, &w));
	TRY(fields_add_group(a->res, F_SecretValues, &row));
	*row = f; /* moved */
	f = (struct fields){ 0 };
	return KMS_OK;
}

/* What went wrong with one secret is told beside what the others hold. */
static enum kms_rc
put_failure(struct act *a, const struct secret_wish *wish, enum kms_rc rc)
{
	enum api_error e = a->c->error != E_None ? a->c->error : api_error_of_rc(rc);
	const struct api_error_row *why = api_error_row(e);
	struct fields *row;

	TRY(fields_add_group(a->res, F_Errors, &row));
	TRY(fields_put(row, F_SecretName, buf_slice(&wish->name)));
	TRY(fields_put_text(row, F_Code, why->code));
	TRY(fields_put_number(row, F_HttpStatus, why->status));
	TRY(fields_put_text(row, F_ErrorMessage,
	    a->c->err.text[0] != '\0' ? a->c->err.text : why->message));
	act_go_on(a);
	return KMS_OK;
}

enum kms_rc
act_batch_get_secret_value(struct act *a)
{
	auto_secret_wishes wishes = { .n = 0 };

	TRY(act_parsed(a, F_SecretsList,
	    json_wishes(fields_get(a->req, F_SecretsList), &wishes, &a->c->err)));
	TRY(fields_put_list(a->res, F_SecretValues));
	TRY(fields_put_list(a->res, F_Errors));
	for (size_t i = 0; i < wishes.n; i++) {
		enum kms_rc rc = give_wish(a, &wishes.v[i]);

		if (rc == KMS_NOMEM || rc == KMS_CONFLICT)
			return rc;
		if (rc != KMS_OK)
			TRY(put_failure(a, &wishes.v[i], rc));
	}
	return KMS_OK;
}

/* -- PutSecretValue -- */

/* A stage that a caller may name here: ACSCurrent, or one of his own. */
static bool
stage_ok(struct slice stage)
{
	struct slice rest = stage;

	return is_printable(stage) &&
	    (slice_eq(stage, slice_str(STAGE_CURRENT)) || !slice_skip(&rest, "ACS"));
}

static enum kms_rc
read_stages(struct act *a, struct strings *ret)
{
	struct slice text = fields_get(a->req, F_VersionStagesJson);

	if (text.len == 0)
		text = slice_str("[\"" STAGE_CURRENT "\"]");
	TRY(act_parsed(a, F_VersionStagesJson,
	    json_strings(text, SECRET_STAGES_MAX, STAGE_LEN_MAX, ret, &a->c->err)));
	for (size_t i = 0; i < ret->n; i++)
		if (!stage_ok(buf_slice(&ret->v[i])))
			return act_bad(a, F_VersionStagesJson);
	return ret->n > 0 ? KMS_OK : act_bad(a, F_VersionStagesJson);
}

static enum kms_rc
put_stage(struct act *a, struct slice stage, const struct uid *id)
{
	enum kms_rc rc = secret_stage_put(&a->secret, stage, id);

	return rc == KMS_LIMIT ? call_refuse(a->c, E_LimitExceeded,
				     "A secret has at most %d stages.", SECRET_STAGES_MAX)
			       : rc;
}

/* A version that is there already is put again: nothing happens, if it is the same. */
static enum kms_rc
check_same(struct act *a, const struct secret_version *v, enum secret_data_type type)
{
	auto_secret_value value = { 0 };
	auto_master_key k = { 0 };

	TRY(secret_key_load(a, &a->secret, "kms:GenerateDataKey", &k));
	TRY(secret_value_open(a, &a->secret, &k, v, &value));
	if (value.type == type &&
	    mem_equal_ct(secret_slice(&value.data), fields_get(a->req, F_SecretData)))
		return KMS_OK;
	return call_refuse(a->c, E_ResourceExist,
	    "The secret has that version already, with another value.");
}

static enum kms_rc
add_version(struct act *a, enum secret_data_type type, const struct strings *stages, struct uid *id)
{
	struct kms_secret *s = &a->secret;
	auto_master_key k = { 0 };

	TRY(secret_key_load(a, s, "kms:GenerateDataKey", &k));
	TRY(secret_value_add(a, s, &k, fields_get(a->req, F_VersionId), type,
	    fields_get(a->req, F_SecretData), id));
	for (size_t i = 0; i < stages->n; i++)
		TRY(put_stage(a, buf_slice(&stages->v[i]), id));
	return act_put_secret(a, s);
}

enum kms_rc
act_put_secret_value(struct act *a)
{
	struct slice name = fields_get(a->req, F_VersionId);
	const struct secret_version *v = secret_version_named(&a->secret, name);
	auto_strings stages = { 0 };
	enum secret_data_type type;
	struct uid id;

	TRY(need_generic(a));
	TRY(secret_take_data(a, &type));
	TRY(read_stages(a, &stages));
	if (v != NULL) {
		id = v->id;
		TRY(check_same(a, v, type));
	} else {
		TRY(add_version(a, type, &stages, &id));
	}
	TRY(fields_put(a->res, F_SecretName, buf_slice(&a->secret.name)));
	TRY(fields_put(a->res, F_VersionId, name));
	return put_stages(a->res, &a->secret, &id);
}

/* -- ListSecretVersionIds -- */

enum kms_rc
act_list_secret_version_ids(struct act *a)
{
	const struct kms_secret *s = &a->secret;
	bool all = fields_bool(a->req, F_IncludeDeprecated);
	struct page p = act_page(a, 20);
	uint64_t at = (p.number - 1) * p.size, n = 0;

	TRY(fields_put(a->res, F_SecretName, buf_slice(&s->name)));
	TRY(fields_put_list(a->res, F_VersionIds));
	for (size_t i = 0; i < s->n_versions; i++) {
		const struct secret_version *v = &s->versions[i];
		struct fields *row;

		if (!all && !secret_version_staged(s, &v->id))
			continue;
		if (n++ < at || n - at > p.size)
			continue;
		TRY(fields_add_group(a->res, F_VersionIds, &row));
		TRY(fields_put(row, F_VersionId, buf_slice(&v->name)));
		TRY(act_put_time(row, F_CreateTime, v->created));
		TRY(put_stages(row, s, &v->id));
	}
	return act_put_page(a, p, n);
}

/* -- UpdateSecretVersionStage -- */

/* The version that a parameter names; NULL when it is not given. */
static enum kms_rc
version_of(struct act *a, enum field name, const struct secret_version **ret)
{
	*ret = NULL;
	if (!fields_has(a->req, name))
		return KMS_OK;
	*ret = secret_version_named(&a->secret, fields_get(a->req, name));
	return *ret == NULL ? not_found(a) : KMS_OK;
}

static enum kms_rc
check_move(struct act *a, struct slice stage, const struct secret_version *to,
    const struct secret_version *from)
{
	if (!slice_eq(stage, slice_str(STAGE_PREVIOUS)) && !stage_ok(stage))
		return act_bad(a, F_VersionStage);
	if (to == NULL && from == NULL)
		return call_refuse(a->c, E_MissingParameter,
		    "The parameter \"MoveToVersion\" or \"RemoveFromVersion\" is needed but not provided.");
	if (to == NULL && secret_stage_is_system(stage))
		return call_refuse(a->c, E_InvalidParameter,
		    "ACSCurrent and ACSPrevious are moved to another version, never removed.");
	if (from != NULL && secret_version_at(&a->secret, stage) != from)
		return call_refuse(a->c, E_InvalidParameter,
		    "The version in \"RemoveFromVersion\" is not at that stage.");
	return KMS_OK;
}

/* Of the system's stages ACSPending alone can be removed, and its version goes with it: that gives
 * up a rotation that was cut off, of whatever type the secret is. */
static bool
gives_up(struct act *a, struct slice stage, const struct secret_version *to,
    const struct secret_version *from)
{
	return slice_eq(stage, slice_str(STAGE_PENDING)) && to == NULL && from != NULL &&
	    secret_version_at(&a->secret, stage) == from;
}

static enum kms_rc
change_stage(struct act *a, struct slice stage)
{
	const struct secret_version *to, *from;

	TRY(version_of(a, F_MoveToVersion, &to));
	TRY(version_of(a, F_RemoveFromVersion, &from));
	if (gives_up(a, stage, to, from))
		return secret_rotate_give_up(a, &a->secret);
	TRY(need_generic(a));
	TRY(check_move(a, stage, to, from));
	if (to != NULL)
		return put_stage(a, stage, &to->id);
	secret_stage_drop(&a->secret, stage);
	return KMS_OK;
}

enum kms_rc
act_update_secret_version_stage(struct act *a)
{
	TRY(change_stage(a, fields_get(a->req, F_VersionStage)));
	TRY(act_put_secret(a, &a->secret));
	return fields_put(a->res, F_SecretName, buf_slice(&a->secret.name));
}
