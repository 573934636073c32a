/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers the changes of one transaction; each owns a copy of what it writes. */
#include "kms/changes.h"

#include <stdlib.h>

/* The rows and entities of a change are ours, whatever the const says. */
static void
release(struct store_change *ch)
{
	struct store_row *row = (struct store_row *)(uintptr_t)ch->row;
	struct store_entity *e = (struct store_entity *)(uintptr_t)ch->entity;

	store_row_free(row);
	free(row);
	store_entity_free(e);
	free(e);
	if (ch->row == NULL && ch->entity == NULL)
		free((void *)(uintptr_t)ch->id);
}

void
changes_free(struct changes *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		release(&s->v[i]);
	free(s->v);
	hsm_keys_destroy(&s->made);
	hsm_keys_leave(&s->doomed);
	*s = (struct changes){ 0 };
}

/* A new change of KIND at the end. */
static enum kms_rc
add(struct changes *s, enum change_kind kind, uint64_t was, struct store_change **ret)
{
	if (s->n == s->cap) {
		size_t cap = s->cap == 0 ? 8 : s->cap * 2;
		struct store_change *v = reallocarray(s->v, cap, sizeof(*v));

		if (v == NULL)
			return KMS_NOMEM;
		s->v = v;
		s->cap = cap;
	}
	*ret = &s->v[s->n];
	**ret = (struct store_change){ .kind = kind, .was = was };
	return KMS_OK;
}

static enum kms_rc
add_row(struct changes *s, enum change_kind kind, struct store_row *row, uint64_t was)
{
	struct store_row *copy = malloc(sizeof(*copy));
	struct store_change *ch;
	enum kms_rc rc = copy == NULL ? KMS_NOMEM : add(s, kind, was, &ch);

	if (rc == KMS_OK) {
		*copy = *row; /* moved */
		ch->row = copy;
		s->n++;
	} else {
		free(copy);
		store_row_free(row);
	}
	*row = (struct store_row){ 0 };
	return rc;
}

static enum kms_rc
add_entity(struct changes *s, enum change_kind kind, struct store_entity *e, uint64_t was)
{
	struct store_entity *copy = malloc(sizeof(*copy));
	struct store_change *ch;
	enum kms_rc rc = copy == NULL ? KMS_NOMEM : add(s, kind, was, &ch);

	if (rc == KMS_OK) {
		*copy = *e; /* moved */
		ch->entity = copy;
		s->n++;
	} else {
		free(copy);
		store_entity_free(e);
	}
	*e = (struct store_entity){ 0 };
	return rc;
}

static enum kms_rc
add_id(struct changes *s, enum change_kind kind, const struct uid *id, uint64_t was)
{
	struct uid *copy = malloc(sizeof(*copy));
	struct store_change *ch;
	enum kms_rc rc = copy == NULL ? KMS_NOMEM : add(s, kind, was, &ch);

	if (rc != KMS_OK) {
		free(copy);
		return rc;
	}
	*copy = *id;
	ch->id = copy;
	s->n++;
	return KMS_OK;
}

enum kms_rc
changes_insert_object(struct changes *s, struct store_row *row)
{
	return add_row(s, INSERT_OBJECT, row, 0);
}

enum kms_rc
changes_update_object(struct changes *s, struct store_row *row, uint64_t was)
{
	return add_row(s, UPDATE_OBJECT, row, was);
}

enum kms_rc
changes_remove_object(struct changes *s, struct local *l, struct call *c, const struct uid *id,
    uint64_t was)
{
	TRY(hsm_doom(&s->doomed, l, c, id));
	return add_id(s, REMOVE_OBJECT, id, was);
}

enum kms_rc
changes_insert_entity(struct changes *s, struct store_entity *e)
{
	return add_entity(s, INSERT_ENTITY, e, 0);
}

enum kms_rc
changes_update_entity(struct changes *s, struct store_entity *e, uint64_t was)
{
	return add_entity(s, UPDATE_ENTITY, e, was);
}

enum kms_rc
changes_remove_entity(struct changes *s, const struct uid *id, uint64_t was)
{
	return add_id(s, REMOVE_ENTITY, id, was);
}

enum kms_rc
changes_commit(struct changes *s, struct local *l, struct call *c, const struct keyring *keys)
{
	TRY(local_apply(l, c, keys, s->v, s->n));
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].kind == REMOVE_OBJECT)
			keys_forget(l, s->v[i].id);
	hsm_keys_leave(&s->made);
	hsm_keys_destroy(&s->doomed);
	changes_free(s);
	return KMS_OK;
}
