/* SPDX-License-Identifier: Apache-2.0 */
/* Actions that rotate secrets. */
#include "kms/chapters.h"
#include "kms/interval.h"
#include "kms/secret_rotate.h"

#define ROTATION_MIN (6 * 3600)
#define ROTATION_MAX (8760 * 3600)

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
