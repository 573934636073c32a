/* SPDX-License-Identifier: Apache-2.0 */
/* Actions that rotate secrets. */
#include "kms/chapters.h"
#include "kms/interval.h"

#define ROTATION_MIN (6 * 3600)
#define ROTATION_MAX (8760 * 3600)

bool
secret_is_managed(const struct act *a UNUSED, const struct kms_secret *s)
{
	return s->type != SECRET_GENERIC;
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
