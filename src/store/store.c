/* SPDX-License-Identifier: Apache-2.0 */
/* What all stores share: releasing what they gave. */
#include "store/store.h"

#include <stdlib.h>

void
store_row_free(struct store_row *r)
{
	if (r == NULL)
		return;
	object_free(&r->o);
	buf_free(&r->sealed);
}

void
store_entity_free(struct store_entity *e)
{
	if (e == NULL)
		return;
	buf_free(&e->name);
	buf_free(&e->body);
	buf_free(&e->sealed);
	*e = (struct store_entity){ 0 };
}

enum kms_rc
store_entities_add(struct store_entities *l, struct store_entity *e)
{
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 16 : l->cap * 2;
		struct store_entity *v = reallocarray(l->v, cap, sizeof(*v));

		if (v == NULL)
			return KMS_NOMEM;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = *e; /* moved */
	*e = (struct store_entity){ 0 };
	return KMS_OK;
}

void
store_entities_free(struct store_entities *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		store_entity_free(&l->v[i]);
	free(l->v);
	*l = (struct store_entities){ 0 };
}

void
store_pin_free(struct store_pin *p)
{
	buf_free(&p->salt);
	buf_free(&p->sealed);
	*p = (struct store_pin){ 0 };
}

void
store_token_free(struct store_token *t)
{
	if (t == NULL)
		return;
	buf_free(&t->serial);
	buf_free(&t->label);
	buf_free(&t->open_key);
	store_pin_free(&t->so);
	store_pin_free(&t->user);
}
