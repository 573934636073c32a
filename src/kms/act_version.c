/* SPDX-License-Identifier: Apache-2.0 */
/* Actions on versions of keys, and automatic rotation. */
#include "kms/chapters.h"
#include "kms/interval.h"
#include "kms/version.h"

#define DAY		 86400
#define ASYMMETRIC_PAUSE (7 * DAY) /* between two versions that are asked for */
#define VERSIONS_MAX	 50	   /* of an asymmetric key */
#define ROTATION_MIN	 (7 * DAY)
#define ROTATION_MAX	 (730 * DAY)

static bool
is_symmetric(const struct master_key *k)
{
	return key_type_is_cipher(k->spec.type);
}

static enum kms_rc
put_version(struct act *a, struct fields *f, const struct uid *id, int64_t created)
{
	TRY(key_put_version(f, &a->key.id, id));
	return act_put_time(f, F_CreationDate, created);
}

enum kms_rc
act_create_key_version(struct act *a)
{
	struct versions v = { 0 };
	struct fields *f;
	size_t n;

	if (a->key.origin == ORIGIN_EXTERNAL)
		return call_refuse(a->c, E_UnsupportedOperation,
		    "A key of origin EXTERNAL has the one version that was imported.");
	if (!is_symmetric(&a->key) && a->now - a->key.rotated < ASYMMETRIC_PAUSE)
		return call_refuse(a->c, E_UnsupportedOperation,
		    "Between two versions of an asymmetric key there are at least 7 days.");
	TRY(version_list(a, &a->key.id, &v));
	n = v.n;
	versions_free(&v);
	if (n >= VERSIONS_MAX && !is_symmetric(&a->key))
		return call_refuse(a->c, E_LimitExceeded, "The key has %d versions already.",
		    VERSIONS_MAX);
	TRY(version_rotate(a, &a->key));
	TRY(act_put_key(a, &a->key));
	TRY(fields_add_group(a->res, F_KeyVersion, &f));
	return put_version(a, f, &a->key.primary, a->now);
}

enum kms_rc
act_describe_key_version(struct act *a)
{
	struct version v;
	struct fields *f;

	TRY(version_find(a, &a->key, fields_get(a->req, F_KeyVersionId), &v));
	TRY(fields_add_group(a->res, F_KeyVersion, &f));
	return put_version(a, f, &v.id, v.created);
}

enum kms_rc
act_list_key_versions(struct act *a)
{
	struct page p = act_page(a, 10);
	auto_versions v = { 0 };
	uint64_t at = (p.number - 1) * p.size;

	TRY(version_list(a, &a->key.id, &v));
	TRY(fields_put_list(a->res, F_KeyVersions));
	for (uint64_t i = at; i < v.n && i - at < p.size; i++) {
		struct fields *row;

		TRY(fields_add_group(a->res, F_KeyVersions, &row));
		TRY(put_version(a, row, &v.v[i].id, v.v[i].created));
	}
	return act_put_page(a, p, v.n);
}

/* -- rotation -- */

static enum kms_rc
need_rotating(struct act *a, const struct master_key *k)
{
	if (is_symmetric(k) && k->origin == ORIGIN_KMS && !master_key_is_service(k))
		return KMS_OK;
	return call_refuse(a->c, E_UnsupportedOperation,
	    "Only customers' symmetric keys of origin Aliyun_KMS rotate automatically.");
}

enum kms_rc
key_set_rotation(struct act *a, struct master_key *k, bool on, struct slice interval)
{
	uint32_t seconds;

	if (on)
		TRY(need_rotating(a, k));
	if (on && interval.len == 0)
		return call_refuse(a->c, E_MissingParameter,
		    "The parameter \"RotationInterval\" is needed but not provided.");
	if (interval.len > 0) {
		if (!interval_parse(interval, &seconds) || seconds < ROTATION_MIN ||
		    seconds > ROTATION_MAX)
			return call_refuse(a->c, E_InvalidParameter,
			    "The specified parameter \"RotationInterval\" is not valid: 7d to 730d, in d, h, m or s.");
		k->rotation_interval = seconds;
	}
	k->rotates = on;
	return KMS_OK;
}

enum kms_rc
act_update_rotation_policy(struct act *a)
{
	struct master_key *k = &a->key;

	TRY(need_rotating(a, k));
	TRY(key_set_rotation(a, k, fields_bool(a->req, F_EnableAutomaticRotation),
	    fields_get(a->req, F_RotationInterval)));
	/* An interval that has passed already is due at once. */
	if (k->rotates && k->rotated + (int64_t)k->rotation_interval <= a->now)
		TRY(version_rotate(a, k));
	return act_put_key(a, k);
}
