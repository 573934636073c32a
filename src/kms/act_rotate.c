/* SPDX-License-Identifier: Apache-2.0 */
/* Actions that rotate secrets. */
#include "kms/chapters.h"

#include "base/codec.h"
#include "kms/interval.h"
#include "kms/secret_rotate.h"

#define HOUR	      3600
#define ROTATION_MIN  (6 * HOUR)
#define ROTATION_MAX  (8760 * HOUR)
#define ROTATIONS_MAX 50 /* that callers ask for, in an hour */

/* Without a program, the API's rule: generic secrets are their callers' affair. */
bool
secret_is_managed(const struct act *a, const struct kms_secret *s)
{
	return s->type != SECRET_GENERIC || a->l->rotator.program != NULL;
}

static enum kms_rc
need_managed(struct act *a, const struct kms_secret *s)
{
	return secret_is_managed(a, s)
	    ? KMS_OK
	    : call_refuse(a->c, E_UnsupportedOperation, "Generic secrets are not rotated here.");
}

enum kms_rc
secret_set_rotation(struct act *a, struct kms_secret *s, bool on, struct slice interval)
{
	uint32_t seconds;

	if (on)
		TRY(need_managed(a, s));
	if (on && interval.len == 0 && s->rotation.interval == 0)
		return call_refuse(a->c, E_MissingParameter,
		    "The parameter \"RotationInterval\" is needed but not provided.");
	if (interval.len > 0) {
		if (!interval_parse(interval, &seconds) || seconds < ROTATION_MIN ||
		    seconds > ROTATION_MAX)
			return call_refuse(a->c, E_InvalidParameter,
			    "The specified parameter \"RotationInterval\" is not valid: 6h to 8760h, in d, h, m or s.");
		s->rotation.interval = seconds;
	}
	s->rotation.automatic = on;
	return KMS_OK;
}

enum kms_rc
act_update_secret_rotation_policy(struct act *a)
{
	TRY(need_managed(a, &a->secret));
	TRY(secret_set_rotation(a, &a->secret, fields_bool(a->req, F_EnableAutomaticRotation),
	    fields_get(a->req, F_RotationInterval)));
	TRY(act_put_secret(a, &a->secret));
	return fields_put(a->res, F_SecretName, buf_slice(&a->secret.name));
}

/* -- RotateSecret -- */

/*
 * How many there were in this hour stands in an entity, so that all processes count together: when
 * the hour began, and the number. It is written with the beginning of the rotation.
 */
static enum kms_rc
read_hour(struct act *a, struct store_entity *e, int64_t *since, uint32_t *n)
{
	struct slice name = slice_str("rotations");
	enum kms_rc rc =
	    a->l->store->ops->entity_by_name(a->l->store, a->c, ENTITY_SETTING, name, e);
	struct reader r = reader_of(buf_slice(&e->body));

	*since = a->now;
	*n = 0;
	if (rc == KMS_NOTFOUND) {
		TRY(entity_new(ENTITY_SETTING, a->now, e));
		e->revision = 0;
		return buf_set(&e->name, name);
	}
	TRY(rc);
	TRY(entity_open(a->c, &a->keys, e, NULL));
	*since = (int64_t)read_u64(&r);
	*n = read_u32(&r);
	return reader_done(&r) ? KMS_OK : KMS_TAMPERED;
}

static enum kms_rc
count(struct act *a)
{
	auto_store_entity e = { 0 };
	struct writer w = writer_of(&e.body);
	int64_t since;
	uint32_t n;
	uint64_t was;

	TRY(read_hour(a, &e, &since, &n));
	if (a->now < since || a->now - since >= HOUR) {
		since = a->now;
		n = 0;
	}
	if (n >= ROTATIONS_MAX)
		return call_refuse(a->c, E_Throttling,
		    "Secrets are rotated at most %d times an hour.", ROTATIONS_MAX);
	buf_clear(&e.body);
	write_u64(&w, (uint64_t)since);
	write_u32(&w, n + 1);
	TRY(w.rc);
	was = e.revision++;
	TRY(entity_seal(a->c, &a->keys, &e, slice_of(NULL, 0)));
	return was == 0 ? changes_insert_entity(&a->changes, &e)
			: changes_update_entity(&a->changes, &e, was);
}

/* What was cut off is finished first, and what was asked for comes after it. */
static enum kms_rc
finish_another(struct act *a, const struct secret_version *asked)
{
	const struct secret_version *pending =
	    secret_version_at(&a->secret, slice_str(STAGE_PENDING));
	struct uid id = a->secret.id;

	if (pending == NULL || pending == asked)
		return KMS_OK;
	TRY(secret_rotate(a, &a->secret, slice_of(NULL, 0)));
	kms_secret_free(&a->secret);
	return act_load_secret(a, &id, &a->secret);
}

static enum kms_rc
rotate(struct act *a, struct slice name)
{
	const struct secret_version *v = secret_version_named(&a->secret, name);

	/* Done already, by whoever asked before. */
	if (v != NULL && v != secret_version_at(&a->secret, slice_str(STAGE_PENDING)))
		return KMS_OK;
	TRY(count(a));
	TRY(finish_another(a, v));
	return secret_rotate(a, &a->secret, name);
}

enum kms_rc
act_rotate_secret(struct act *a)
{
	struct slice name = fields_get(a->req, F_VersionId);

	TRY(need_managed(a, &a->secret));
	TRY(secret_rotate_ready(a));
	TRY(secret_check_version(a));
	TRY(act_put_arn(a, a->res, F_Arn, "secret", buf_slice(&a->secret.name)));
	TRY(fields_put(a->res, F_SecretName, buf_slice(&a->secret.name)));
	TRY(fields_put(a->res, F_VersionId, name));
	return rotate(a, name);
}
