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

static enum kms_rc
make_room(struct changes *s)
{
	size_t cap = s->cap == 0 ? 8 : s->cap * 2;
	struct store_change *v;

	if (s->n < s->cap)
		return KMS_OK;
	if ((v = reallocarray(s->v, cap, sizeof(*v))) == NULL)
		return KMS_NOMEM;
	s->v = v;
	s->cap = cap;
	return KMS_OK;
}

/* A change of KIND at the end, with the SIZE bytes of WHAT (a row, an entity or an id) moved. */
static enum kms_rc
add(struct changes *s, enum change_kind kind, const void *what, size_t size, uint64_t was)
{
	struct store_change ch = { .kind = kind, .was = was };
	void *copy;

	TRY(make_room(s));
	if ((copy = malloc(size)) == NULL)
		return KMS_NOMEM;
	memcpy(copy, what, size);
	switch (kind) {
	case INSERT_OBJECT:
	case UPDATE_OBJECT: ch.row = copy; break;
	case INSERT_ENTITY:
	case UPDATE_ENTITY: ch.entity = copy; break;
	case REMOVE_OBJECT:
	case REMOVE_ENTITY: ch.id = copy; break;
	}
	s->v[s->n++] = ch;
	return KMS_OK;
}

static enum kms_rc
add_row(struct changes *s, enum change_kind kind, struct store_row *row, uint64_t was)
{
	enum kms_rc rc = add(s, kind, row, sizeof(*row), was);

	if (rc != KMS_OK)
		store_row_free(row);
	*row = (struct store_row){ 0 }; /* moved */
	return rc;
}

static enum kms_rc
add_entity(struct changes *s, enum change_kind kind, struct store_entity *e, uint64_t was)
{
	enum kms_rc rc = add(s, kind, e, sizeof(*e), was);

	if (rc != KMS_OK)
		store_entity_free(e);
	*e = (struct store_entity){ 0 }; /* moved */
	return rc;
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
	return add(s, REMOVE_OBJECT, id, sizeof(*id), was);
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
	return add(s, REMOVE_ENTITY, id, sizeof(*id), was);
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
