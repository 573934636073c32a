/* SPDX-License-Identifier: Apache-2.0 */
/* The HSM below the token as people ask about it: whether it is well, and which keys are in it. */
#include "kms/under.h"

static enum kms_rc
has_none(struct call *c)
{
	return call_fail(c, KMS_NOTSUP, "the token's keys are in its store, not in an HSM");
}

enum kms_rc
local_hsm_check(struct backend *b, struct call *c, struct buf *ret)
{
	struct hsm *h = local_of(b)->hsm;

	return h->ops->check == NULL ? has_none(c) : h->ops->check(h, c, ret);
}

/* Marks the key among L that MATERIAL is of. */
static void
mark_known(struct hsm *h, struct hsm_found_list *l, struct slice material)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].refused == NULL &&
		    h->ops->same(secret_slice(&l->v[i].material), material))
			l->v[i].refused = "the token has it already";
}

/* Deleted meanwhile; damaged; under a master key that is gone. */
static bool
is_lost(enum kms_rc rc)
{
	return rc == KMS_NOTFOUND || rc == KMS_TAMPERED || rc == KMS_KEY_STATE;
}

static enum kms_rc
mark_all(struct local *l, struct call *c, enum object_kind kind, struct hsm_found_list *list)
{
	struct object_query q = { .kind = kind, .private_too = true, .unusable_too = true };
	auto_object_refs refs = { 0 };

	TRY(l->store->ops->find(l->store, c, &q, &refs));
	for (size_t i = 0; i < refs.n; i++) {
		auto_keyring keys = { 0 };
		auto_store_row row = { 0 };
		auto_secret material = { 0 };
		enum kms_rc rc = row_get(l, c, &refs.v[i].id, &keys, &row, &material);

		if (rc == KMS_OK)
			rc = under_find(l, c, &row.o, &material);
		if (rc == KMS_OK)
			mark_known(l->hsm, list, secret_slice(&material));
		else if (!is_lost(rc))
			return rc;
	}
	return KMS_OK;
}

enum kms_rc
local_hsm_list(struct backend *b, struct call *c, struct hsm_found_list *ret)
{
	struct local *l = local_of(b);
	auto_hsm_found list = { 0 };

	if (l->hsm->ops->list == NULL)
		return has_none(c);
	if (local_role(l) != ROLE_USER)
		return KMS_LOGIN_NEEDED;
	TRY(l->hsm->ops->list(l->hsm, c, &list));
	TRY(mark_all(l, c, OBJECT_PRIVATE_KEY, &list));
	TRY(mark_all(l, c, OBJECT_SECRET_KEY, &list));
	*ret = list;
	list = (struct hsm_found_list){ 0 }; /* moved */
	return KMS_OK;
}
