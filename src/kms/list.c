/* SPDX-License-Identifier: Apache-2.0 */
/* Goes through keys or secrets, and gives those of a page that fit the filters. */
#include "kms/list.h"

#include "kms/json.h"

#define AT_ONCE 100 /* read while filtering */

struct lister {
	struct act *a;
	const struct list_form *form;
	struct filters filters;
	struct page page;
	uint64_t seen; /* of those that fit */
};

/* -- filters -- */

static const struct list_filter *
filter_of(const struct list_form *form, struct slice key)
{
	for (size_t i = 0; i < form->n_filters; i++)
		if (slice_eq(slice_str(form->filters[i].key), key))
			return &form->filters[i];
	return NULL;
}

static enum kms_rc
read_filters(struct lister *w)
{
	struct act *a = w->a;

	TRY(act_parsed(a, F_Filters,
	    json_filters(fields_get(a->req, F_Filters), &w->filters, &a->c->err)));
	for (size_t i = 0; i < w->filters.n; i++)
		if (filter_of(w->form, buf_slice(&w->filters.v[i].key)) == NULL)
			return act_bad(a, F_Filters);
	return KMS_OK;
}

/* The values of a Key that is given twice count as one list; no values ask for nothing. */
static bool
fits_key(const struct lister *w, struct listed *l, struct slice key)
{
	const struct list_filter *f = filter_of(w->form, key);
	bool any = false;

	for (size_t i = 0; i < w->filters.n; i++) {
		const struct strings *values = &w->filters.v[i].values;

		if (!slice_eq(buf_slice(&w->filters.v[i].key), key))
			continue;
		for (size_t j = 0; j < values->n; j++) {
			any = true;
			if (f->holds(l, buf_slice(&values->v[j])))
				return true;
		}
	}
	return !any;
}

static bool
fits(const struct lister *w, struct listed *l)
{
	for (size_t i = 0; i < w->filters.n; i++)
		if (!fits_key(w, l, buf_slice(&w->filters.v[i].key)))
			return false;
	return true;
}

bool
list_tag_key(const struct tags *t, struct slice key)
{
	struct slice value;

	return tags_get(t, key, &value);
}

bool
list_tag_value(const struct tags *t, struct slice value)
{
	for (size_t i = 0; i < t->n; i++)
		if (slice_eq(buf_slice(&t->v[i].value), value))
			return true;
	return false;
}

/* -- rows -- */

static void
listed_free(struct listed *l)
{
	master_key_free(&l->key);
	kms_secret_free(&l->secret);
}
#define auto_listed __attribute__((cleanup(listed_free))) struct listed

static enum kms_rc
read_listed(struct lister *w, const struct store_entity *e, struct listed *ret)
{
	return w->form->kind == ENTITY_KEY ? master_key_read(w->a->c, &w->a->keys, e, &ret->key)
					   : kms_secret_read(w->a->c, &w->a->keys, e, &ret->secret);
}

static enum kms_rc
put_row(struct lister *w, struct listed *l)
{
	struct fields *row;

	TRY(fields_add_group(w->a->res, w->form->rows, &row));
	return w->form->put(l, row);
}

/* Without filters the store knows which rows the page has, and how many there are. */
static enum kms_rc
list_all(struct lister *w)
{
	struct entity_query q = { .kind = w->form->kind,
		.skip = (w->page.number - 1) * w->page.size,
		.limit = w->page.size };
	auto_store_entities some = { 0 };

	TRY(w->a->l->store->ops->entity_list(w->a->l->store, w->a->c, &q, &some, &w->seen));
	for (size_t i = 0; i < some.n; i++) {
		auto_listed l = { .a = w->a };

		TRY(read_listed(w, &some.v[i], &l));
		TRY(put_row(w, &l));
	}
	return KMS_OK;
}

static enum kms_rc
look_at(struct lister *w, const struct store_entity *e)
{
	uint64_t first = (w->page.number - 1) * w->page.size;
	auto_listed l = { .a = w->a };
	bool fit;

	TRY(read_listed(w, e, &l));
	fit = fits(w, &l);
	TRY(l.rc);
	if (!fit)
		return KMS_OK;
	w->seen++;
	return w->seen > first && w->seen - first <= w->page.size ? put_row(w, &l) : KMS_OK;
}

static enum kms_rc
list_filtered(struct lister *w)
{
	struct entity_query q = { .kind = w->form->kind, .limit = AT_ONCE };
	bool more = true;

	for (; more; q.skip += AT_ONCE) {
		auto_store_entities some = { 0 };

		TRY(w->a->l->store->ops->entity_list(w->a->l->store, w->a->c, &q, &some, NULL));
		for (size_t i = 0; i < some.n; i++)
			TRY(look_at(w, &some.v[i]));
		more = some.n == AT_ONCE;
	}
	return KMS_OK;
}

static enum kms_rc
run(struct lister *w)
{
	TRY(read_filters(w));
	TRY(fields_put_list(w->a->res, w->form->rows));
	TRY(w->filters.n == 0 ? list_all(w) : list_filtered(w));
	return act_put_page(w->a, w->page, w->seen);
}

enum kms_rc
act_list(struct act *a, const struct list_form *form)
{
	struct lister w = { .a = a, .form = form, .page = act_page(a, 10) };
	enum kms_rc rc = run(&w);

	filters_free(&w.filters);
	return rc;
}
