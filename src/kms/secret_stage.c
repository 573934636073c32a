/* SPDX-License-Identifier: Apache-2.0 */
/* The versions of a secret and the stages that point at them. */
#include "kms/secret.h"

/* -- versions -- */

const struct secret_version *
secret_version_named(const struct kms_secret *s, struct slice name)
{
	for (size_t i = 0; i < s->n_versions; i++)
		if (slice_eq(buf_slice(&s->versions[i].name), name))
			return &s->versions[i];
	return NULL;
}

static const struct secret_stage *
look(const struct kms_secret *s, struct slice stage)
{
	for (size_t i = 0; i < s->n_stages; i++)
		if (slice_eq(buf_slice(&s->stages[i].name), stage))
			return &s->stages[i];
	return NULL;
}

const struct secret_version *
secret_version_at(const struct kms_secret *s, struct slice stage)
{
	const struct secret_stage *at = look(s, stage);

	for (size_t i = 0; at != NULL && i < s->n_versions; i++)
		if (uid_eq(&s->versions[i].id, &at->version))
			return &s->versions[i];
	return NULL;
}

bool
secret_version_staged(const struct kms_secret *s, const struct uid *id)
{
	for (size_t i = 0; i < s->n_stages; i++)
		if (uid_eq(&s->stages[i].version, id))
			return true;
	return false;
}

static void
remove_version(struct kms_secret *s, size_t i)
{
	buf_free(&s->versions[i].name);
	s->n_versions--;
	memmove(&s->versions[i], &s->versions[i + 1], (s->n_versions - i) * sizeof(s->versions[0]));
}

/* Makes room for one more; *DROPPED is what had to go. */
static enum kms_rc
make_room(struct kms_secret *s, struct uid *dropped)
{
	*dropped = (struct uid){ 0 };
	if (s->n_versions < SECRET_VERSIONS_MAX)
		return KMS_OK;
	for (size_t i = 0; i < s->n_versions; i++) {
		if (secret_version_staged(s, &s->versions[i].id))
			continue;
		*dropped = s->versions[i].id;
		remove_version(s, i);
		return KMS_OK;
	}
	return KMS_LIMIT;
}

enum kms_rc
secret_version_add(struct kms_secret *s, const struct uid *id, struct slice name, int64_t created,
    struct uid *dropped)
{
	struct secret_version *v;

	TRY(make_room(s, dropped));
	v = &s->versions[s->n_versions];
	*v = (struct secret_version){ .id = *id, .created = created };
	TRY(buf_set(&v->name, name));
	s->n_versions++;
	return KMS_OK;
}

/* -- stages -- */

static void
remove_stage(struct kms_secret *s, size_t i)
{
	buf_free(&s->stages[i].name);
	s->n_stages--;
	memmove(&s->stages[i], &s->stages[i + 1], (s->n_stages - i) * sizeof(s->stages[0]));
}

void
secret_version_drop(struct kms_secret *s, const struct uid *id)
{
	for (size_t i = s->n_stages; i-- > 0;)
		if (uid_eq(&s->stages[i].version, id))
			remove_stage(s, i);
	for (size_t i = s->n_versions; i-- > 0;)
		if (uid_eq(&s->versions[i].id, id))
			remove_version(s, i);
}

bool
secret_stage_is_system(struct slice stage)
{
	return slice_eq(stage, slice_str(STAGE_CURRENT)) ||
	    slice_eq(stage, slice_str(STAGE_PREVIOUS)) || slice_eq(stage, slice_str(STAGE_PENDING));
}

/* One more stage of the callers' would be too many. */
static bool
is_full(const struct kms_secret *s)
{
	size_t n = s->n_stages;

	if (look(s, slice_str(STAGE_PENDING)) != NULL)
		n--;
	return n >= SECRET_STAGES_MAX;
}

static enum kms_rc
point(struct kms_secret *s, struct slice stage, const struct uid *id)
{
	struct secret_stage *at = (struct secret_stage *)(uintptr_t)look(s, stage);

	if (at == NULL) {
		if (!secret_stage_is_system(stage) && is_full(s))
			return KMS_LIMIT;
		at = &s->stages[s->n_stages];
		*at = (struct secret_stage){ 0 };
		TRY(buf_set(&at->name, stage));
		s->n_stages++;
	}
	at->version = *id;
	return KMS_OK;
}

enum kms_rc
secret_stage_put(struct kms_secret *s, struct slice stage, const struct uid *id)
{
	const struct secret_version *was = secret_version_at(s, stage);

	if (was != NULL && uid_eq(&was->id, id))
		return KMS_OK;
	if (was != NULL && slice_eq(stage, slice_str(STAGE_CURRENT)))
		TRY(point(s, slice_str(STAGE_PREVIOUS), &was->id));
	return point(s, stage, id);
}

void
secret_stage_drop(struct kms_secret *s, struct slice stage)
{
	const struct secret_stage *at = look(s, stage);

	if (at != NULL)
		remove_stage(s, (size_t)(at - s->stages));
}
