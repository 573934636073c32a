/* SPDX-License-Identifier: Apache-2.0 */
/* ListTagResources: one row for each tag of each key or secret. */
#include <inttypes.h>
#include <stdio.h>

#include "kms/chapters.h"

#define ROWS	200 /* of a page */
#define AT_ONCE 100 /* resources read at once */

struct lister {
	struct act *a;
	bool is_secret;
	struct tags asked; /* Tag.N */
	uint64_t skip;	   /* rows of the pages before */
	uint64_t seen;
};

/* NextToken is the number of rows that went before. */
static enum kms_rc
read_token(struct lister *w)
{
	struct slice token = fields_get(w->a->req, F_NextToken);

	for (size_t i = 0; i < token.len; i++) {
		if (token.p[i] < '0' || token.p[i] > '9' || w->skip > UINT32_MAX)
			return act_bad(w->a, F_NextToken);
		w->skip = w->skip * 10 + (uint64_t)(token.p[i] - '0');
	}
	return KMS_OK;
}

/* TAG is one of those asked for; a tag that was asked for without a value has any. */
static bool
is_asked(const struct tag *asked, const struct tag *tag)
{
	return slice_eq(buf_slice(&asked->key), buf_slice(&tag->key)) &&
	    (asked->value.len == 0 || slice_eq(buf_slice(&asked->value), buf_slice(&tag->value)));
}

static bool
among(const struct tag *asked, const struct tags *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (is_asked(asked, &t->v[i]))
			return true;
	return false;
}

static bool
has_all(const struct lister *w, const struct tags *t)
{
	for (size_t i = 0; i < w->asked.n; i++)
		if (!among(&w->asked.v[i], t))
			return false;
	return true;
}

static bool
shows(const struct lister *w, const struct tag *tag)
{
	for (size_t i = 0; i < w->asked.n; i++)
		if (is_asked(&w->asked.v[i], tag))
			return true;
	return w->asked.n == 0;
}

static enum kms_rc
put_row(struct lister *w, struct slice id, const struct tag *tag)
{
	struct fields *row;

	TRY(fields_add_group(w->a->res, F_TagResources, &row));
	TRY(fields_put(row, F_ResourceId, id));
	TRY(fields_put_text(row, F_ResourceType, w->is_secret ? "secret" : "key"));
	TRY(fields_put(row, F_TagKey, buf_slice(&tag->key)));
	return fields_put(row, F_TagValue, buf_slice(&tag->value));
}

static enum kms_rc
put_rows(struct lister *w, struct slice id, const struct tags *t)
{
	if (!has_all(w, t))
		return KMS_OK;
	for (size_t i = 0; i < t->n; i++) {
		if (!shows(w, &t->v[i]))
			continue;
		w->seen++;
		if (w->seen > w->skip && w->seen - w->skip <= ROWS)
			TRY(put_row(w, id, &t->v[i]));
	}
	return KMS_OK;
}

static enum kms_rc
put_key(struct lister *w, const struct master_key *k)
{
	char id[UID_TEXT_LEN + 1];

	TRY(act_permit_key(w->a, "kms:ListTagResources", k));
	uid_to_text(&k->id, id);
	return put_rows(w, slice_str(id), &k->tags);
}

static enum kms_rc
put_secret(struct lister *w, const struct kms_secret *s)
{
	TRY(act_permit_secret(w->a, "kms:ListTagResources", s));
	return put_rows(w, buf_slice(&s->name), &s->tags);
}

/* -- which resources -- */

static enum kms_rc
list_named(struct lister *w, struct slice name)
{
	auto_master_key k = { 0 };
	auto_kms_secret s = { 0 };

	if (w->is_secret) {
		TRY(act_find_secret(w->a, name, &s));
		return put_secret(w, &s);
	}
	TRY(act_find_key(w->a, name, false, &k));
	return put_key(w, &k);
}

static enum kms_rc
list_entity(struct lister *w, const struct store_entity *e)
{
	auto_master_key k = { 0 };
	auto_kms_secret s = { 0 };
	enum kms_rc rc;

	if (w->is_secret) {
		TRY(kms_secret_read(w->a->c, &w->a->keys, e, &s));
		rc = put_secret(w, &s);
	} else {
		TRY(master_key_read(w->a->c, &w->a->keys, e, &k));
		rc = put_key(w, &k);
	}
	if (rc != KMS_DENIED)
		return rc;
	/* Nobody asked for this one by name. */
	act_go_on(w->a);
	return KMS_OK;
}

static enum kms_rc
list_all(struct lister *w)
{
	struct entity_query q = { .kind = w->is_secret ? ENTITY_SECRET : ENTITY_KEY,
		.limit = AT_ONCE };
	bool more = true;

	/* One row beyond the page tells that there is a next one. */
	for (; more && w->seen <= w->skip + ROWS; q.skip += AT_ONCE) {
		auto_store_entities some = { 0 };

		TRY(w->a->l->store->ops->entity_list(w->a->l->store, w->a->c, &q, &some, NULL));
		for (size_t i = 0; i < some.n; i++)
			TRY(list_entity(w, &some.v[i]));
		more = some.n == AT_ONCE;
	}
	return KMS_OK;
}

static enum kms_rc
list(struct lister *w)
{
	const struct field_value *names = fields_value(w->a->req, F_ResourceIds);

	if (names == NULL)
		return list_all(w);
	for (size_t i = 0; i < names->u.texts.n; i++)
		TRY(list_named(w, buf_slice(&names->u.texts.v[i])));
	return KMS_OK;
}

static enum kms_rc
run(struct lister *w)
{
	char next[24] = "";

	TRY(tag_read_type(w->a, &w->is_secret));
	TRY(read_token(w));
	TRY(tag_read_list(w->a, &w->asked));
	TRY(fields_put_list(w->a->res, F_TagResources));
	TRY(list(w));
	if (w->seen > w->skip + ROWS)
		(void)snprintf(next, sizeof(next), "%" PRIu64, w->skip + ROWS);
	return fields_put_text(w->a->res, F_NextToken, next);
}

enum kms_rc
act_list_tag_resources(struct act *a)
{
	struct lister w = { .a = a };
	enum kms_rc rc = run(&w);

	tags_free(&w.asked);
	return rc;
}
