/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of keys and secrets: by pages, and with the filters that the API knows. */
#ifndef KMS_KMS_LIST_H
#define KMS_KMS_LIST_H

#include "kms/act.h"

/* What is being looked at: the key or the secret, after the list's kind. */
struct listed {
	struct act *a;
	struct master_key key;
	struct kms_secret secret;
	enum kms_rc rc; /* why a filter could not be asked */
};

/* One Key that filters may have, and whether VALUE is one of L's. */
struct list_filter {
	const char *key;
	bool (*holds)(struct listed *l, struct slice value);
};

struct list_form {
	enum entity_kind kind; /* ENTITY_KEY, ENTITY_SECRET */
	enum field rows;       /* where they go in the result */
	const struct list_filter *filters;
	size_t n_filters;
	enum kms_rc (*put)(struct listed *l, struct fields *row);
};

/*
 * The page that PageNumber and PageSize ask for, in the order of creation, of what fits the
 * request's Filters: one of the values of each Key. E_InvalidParameter.
 */
enum kms_rc act_list(struct act *a, const struct list_form *form) MUST_USE;

/* T has a tag with that key, or value: for TagKey and TagValue. */
bool list_tag_key(const struct tags *t, struct slice key);
bool list_tag_value(const struct tags *t, struct slice value);

#endif
