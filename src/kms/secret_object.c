/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects by which applications see secrets: private data with the secret's id and name, and
 * without a value, since whoever reads one asks GetSecretValue. The face finds them as it finds
 * everything.
 */
#include "kms/chapters.h"

/* Its value changes and it can be destroyed, by the actions on secrets. A copy would be no secret.
 */
#define FLAGS ((uint32_t)(FLAG_PRIVATE | FLAG_MODIFIABLE | FLAG_DESTROYABLE))

/* 0: there is none. */
static enum kms_rc
revision_of(struct act *a, const struct kms_secret *s, uint64_t *ret)
{
	uint32_t flags;
	enum kms_rc rc = a->l->store->ops->revision(a->l->store, a->c, &s->id, ret, &flags);

	if (rc != KMS_NOTFOUND)
		return rc;
	act_go_on(a);
	*ret = 0;
	return KMS_OK;
}

enum kms_rc
secret_object_put(struct act *a, const struct kms_secret *s)
{
	auto_store_row row = { .o = { .id = s->id,
				   .kind = OBJECT_DATA,
				   .flags = FLAGS,
				   .key = s->id,
				   .created = s->created } };
	uint64_t was;

	/* The other types are rotated here, and got by programs that know what they are. */
	if (s->type != SECRET_GENERIC)
		return KMS_OK;
	TRY(revision_of(a, s, &was));
	row.o.revision = was + 1;
	if (s->delete_at != 0)
		row.o.flags |= FLAG_UNUSABLE;
	TRY(buf_set(&row.o.label, buf_slice(&s->name)));
	TRY(row_seal(a->c, &a->keys, &row.o, slice_of(NULL, 0), &row.sealed));
	return was == 0 ? changes_insert_object(&a->changes, &row)
			: changes_update_object(&a->changes, &row, was);
}

enum kms_rc
secret_object_remove(struct act *a, const struct kms_secret *s)
{
	uint64_t was;

	TRY(revision_of(a, s, &was));
	return was == 0 ? KMS_OK : changes_remove_object(&a->changes, a->l, a->c, &s->id, 0);
}
