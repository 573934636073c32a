/* SPDX-License-Identifier: Apache-2.0 */
/* Users as entities, and the policies attached to them. */
#include "kms/identity.h"

#include <stdio.h>

#include "base/codec.h"

#define BODY_VERSION 1

void
ram_user_free(struct ram_user *u)
{
	if (u == NULL)
		return;
	buf_free(&u->name);
	buf_free(&u->comment);
	for (size_t i = 0; i < u->n; i++)
		buf_free(&u->policies[i]);
	*u = (struct ram_user){ 0 };
}

enum kms_rc
ram_user_read(struct act *a, const struct store_entity *e, struct ram_user *ret)
{
	auto_ram_user u = { .id = e->id, .revision = e->revision, .created = e->created };
	struct reader r = reader_of(buf_slice(&e->body));
	size_t n;

	TRY(entity_open(a->c, &a->keys, e, NULL));
	if (read_u8(&r) != BODY_VERSION)
		return KMS_NEWER;
	TRY(buf_set(&u.name, buf_slice(&e->name)));
	TRY(buf_set(&u.comment, read_bytes(&r)));
	if ((n = read_u8(&r)) > USER_POLICIES_MAX)
		return KMS_TAMPERED;
	for (size_t i = 0; i < n; i++) {
		u.n = i + 1;
		TRY(buf_set(&u.policies[i], read_bytes(&r)));
	}
	if (!reader_done(&r))
		return KMS_TAMPERED;
	*ret = u; /* moved */
	u = (struct ram_user){ 0 };
	return KMS_OK;
}

enum kms_rc
ram_user_find(struct act *a, struct slice name, struct ram_user *ret)
{
	auto_store_entity e = { 0 };

	TRY(a->l->store->ops->entity_by_name(a->l->store, a->c, ENTITY_USER, name, &e));
	return ram_user_read(a, &e, ret);
}

enum kms_rc
ram_user_put(struct act *a, struct ram_user *u)
{
	auto_store_entity e = {
		.id = u->id, .kind = ENTITY_USER, .created = u->created, .revision = u->revision + 1
	};
	struct writer w = writer_of(&e.body);
	uint64_t was = u->revision;

	TRY(buf_set(&e.name, buf_slice(&u->name)));
	write_u8(&w, BODY_VERSION);
	write_bytes(&w, buf_slice(&u->comment));
	write_u8(&w, (uint8_t)u->n);
	for (size_t i = 0; i < u->n; i++)
		write_bytes(&w, buf_slice(&u->policies[i]));
	TRY(w.rc);
	TRY(entity_seal(a->c, &a->keys, &e, slice_of(NULL, 0)));
	u->revision = e.revision;
	return was == 0 ? changes_insert_entity(&a->changes, &e)
			: changes_update_entity(&a->changes, &e, was);
}

/* -- the policies of a caller -- */

void
identity_free(struct identity *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n; i++) {
		policy_free((struct policy *)(uintptr_t)w->v[i].policy);
		buf_free(&w->names[i]);
	}
	w->n = 0;
}

/* The document of the identity policy NAME. KMS_NOTFOUND. */
static enum kms_rc
document(struct act *a, const char *name, struct buf *ret)
{
	const struct policy_system *system = policy_system_by_name(name);
	auto_store_entity e = { 0 };

	if (system != NULL)
		return buf_set(ret, slice_str(system->document));
	TRY(a->l->store->ops->entity_by_name(a->l->store, a->c, ENTITY_POLICY, slice_str(name),
	    &e));
	TRY(entity_open(a->c, &a->keys, &e, NULL));
	return buf_set(ret, buf_slice(&e.body));
}

static enum kms_rc
attach(struct act *a, struct slice name, struct identity *w)
{
	struct buf *text = &w->names[w->n];
	auto_buf json = { 0 };
	struct policy *p;
	enum kms_rc rc;

	*text = (struct buf){ 0 };
	if ((rc = buf_add(text, name)) == KMS_OK && (rc = buf_add_byte(text, 0)) == KMS_OK &&
	    (rc = document(a, (const char *)text->p, &json)) == KMS_OK &&
	    (rc = policy_parse(POLICY_IDENTITY, buf_slice(&json), &p, NULL)) == KMS_OK) {
		w->v[w->n++] = (struct policy_attached){ (const char *)text->p, p };
		return KMS_OK;
	}
	buf_free(text);
	return rc;
}

/* A policy of U's is not there: it was detached and deleted since U was read, or it is lost. */
static enum kms_rc
missing(struct act *a, const struct ram_user *u)
{
	auto_ram_user now = { 0 };
	enum kms_rc rc = ram_user_find(a, buf_slice(&u->name), &now);

	if (rc == KMS_NOTFOUND || (rc == KMS_OK && now.revision != u->revision))
		return KMS_CONFLICT;
	TRY(rc);
	return call_fail(a->c, KMS_TAMPERED,
	    "a policy that is attached to the user is not in the store");
}

enum kms_rc
identity_load(struct act *a, const struct caller *who, struct identity *ret)
{
	auto_identity w = { .n = 0 };
	auto_ram_user u = { 0 };
	auto_buf name = { 0 };
	enum kms_rc rc;

	ret->n = 0;
	if (who->kind == CALLER_ROOT)
		return KMS_OK;
	TRY(buf_add(&name, slice_str(who->account)));
	TRY(buf_add_byte(&name, '/'));
	TRY(buf_add(&name, slice_str(who->name)));
	if ((rc = ram_user_find(a, buf_slice(&name), &u)) == KMS_NOTFOUND)
		return KMS_OK;
	TRY(rc);
	for (size_t i = 0; i < u.n; i++) {
		if ((rc = attach(a, buf_slice(&u.policies[i]), &w)) == KMS_NOTFOUND)
			return missing(a, &u);
		TRY(rc);
	}
	*ret = w; /* moved */
	w.n = 0;
	return KMS_OK;
}
