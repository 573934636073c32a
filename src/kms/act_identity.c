/* SPDX-License-Identifier: Apache-2.0 */
/* Actions on identity policies, and on who has them; by RAM's names. */
#include "kms/chapters.h"
#include "kms/identity.h"

#define POLICIES_MAX 1000

/* A policy's body is its document; its description is the seal's secret part, which nobody but the
 * user reads either. */

static enum kms_rc
check_document(struct act *a)
{
	struct slice text = fields_get(a->req, F_PolicyDocument);
	struct policy *p = NULL;

	TRY(act_parsed(a, F_PolicyDocument, policy_parse(POLICY_IDENTITY, text, &p, &a->c->err)));
	policy_free(p);
	return KMS_OK;
}

static enum kms_rc
check_name(struct act *a)
{
	struct slice s = fields_get(a->req, F_PolicyName);

	for (size_t i = 0; i < s.len; i++) {
		uint8_t b = s.p[i];

		if (!((b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') ||
			b == '-'))
			return call_refuse(a->c, E_InvalidParameter,
			    "The specified parameter \"PolicyName\" is not valid: letters, digits and - alone.");
	}
	return KMS_OK;
}

/* NAME with a NUL, for the table of built-in ones. */
static const struct policy_system *
system_policy(struct slice name)
{
	char text[65];

	if (name.len >= sizeof(text))
		return NULL;
	memcpy(text, name.p, name.len);
	text[name.len] = '\0';
	return policy_system_by_name(text);
}

static enum kms_rc
find(struct act *a, struct store_entity *e, struct secret *description)
{
	enum kms_rc rc = a->l->store->ops->entity_by_name(a->l->store, a->c, ENTITY_POLICY,
	    fields_get(a->req, F_PolicyName), e);

	if (rc == KMS_NOTFOUND)
		return call_refuse(a->c, E_PolicyNotExist, "The policy does not exist.");
	TRY(rc);
	return entity_open(a->c, &a->keys, e, description);
}

/* -- policies -- */

enum kms_rc
act_create_policy(struct act *a)
{
	struct slice name = fields_get(a->req, F_PolicyName);
	struct entity_query all = { .kind = ENTITY_POLICY, .limit = 1 };
	auto_store_entities some = { 0 };
	auto_store_entity e = { 0 };
	uint64_t n;
	enum kms_rc rc;

	TRY(check_name(a));
	TRY(check_document(a));
	rc = a->l->store->ops->entity_by_name(a->l->store, a->c, ENTITY_POLICY, name, &e);
	if (rc == KMS_OK || system_policy(name) != NULL)
		return call_refuse(a->c, E_PolicyAlreadyExists, "The policy already exists.");
	if (rc != KMS_NOTFOUND)
		return rc;
	TRY(a->l->store->ops->entity_list(a->l->store, a->c, &all, &some, &n));
	if (n >= POLICIES_MAX)
		return call_refuse(a->c, E_LimitExceeded, "There are %d policies already.",
		    POLICIES_MAX);
	TRY(entity_new(ENTITY_POLICY, a->now, &e));
	TRY(buf_set(&e.name, name));
	TRY(buf_set(&e.body, fields_get(a->req, F_PolicyDocument)));
	TRY(entity_seal(a->c, &a->keys, &e, fields_get(a->req, F_Description)));
	return changes_insert_entity(&a->changes, &e);
}

/* Gathers E in place of what it was. */
static enum kms_rc
put_next(struct act *a, struct store_entity *e, const struct secret *description)
{
	uint64_t was = e->revision++;

	TRY(entity_seal(a->c, &a->keys, e, secret_slice(description)));
	return changes_update_entity(&a->changes, e, was);
}

enum kms_rc
act_update_policy(struct act *a)
{
	auto_store_entity e = { 0 };
	auto_secret description = { 0 };

	TRY(check_document(a));
	TRY(find(a, &e, &description));
	TRY(buf_set(&e.body, fields_get(a->req, F_PolicyDocument)));
	return put_next(a, &e, &description);
}

static enum kms_rc
put_system(struct fields *f, const struct policy_system *p)
{
	TRY(fields_put_text(f, F_PolicyName, p->name));
	TRY(fields_put_text(f, F_PolicyType, "System"));
	return fields_put_text(f, F_Description, p->description);
}

static enum kms_rc
put_custom(struct fields *f, const struct store_entity *e, const struct secret *description)
{
	TRY(fields_put(f, F_PolicyName, buf_slice(&e->name)));
	TRY(fields_put_text(f, F_PolicyType, "Custom"));
	return fields_put(f, F_Description, secret_slice(description));
}

enum kms_rc
act_get_policy(struct act *a)
{
	const struct policy_system *p = system_policy(fields_get(a->req, F_PolicyName));
	auto_store_entity e = { 0 };
	auto_secret description = { 0 };

	if (p != NULL) {
		TRY(put_system(a->res, p));
		return fields_put_text(a->res, F_PolicyDocument, p->document);
	}
	TRY(find(a, &e, &description));
	TRY(put_custom(a->res, &e, &description));
	return fields_put(a->res, F_PolicyDocument, buf_slice(&e.body));
}

/* The built-in ones come first. */
enum kms_rc
act_list_policies(struct act *a)
{
	struct page p = act_page(a, 100);
	uint64_t from = (p.number - 1) * p.size, total;
	struct entity_query q = { .kind = ENTITY_POLICY };
	auto_store_entities l = { 0 };
	size_t n_system;
	const struct policy_system *system = policy_system_rows(&n_system);

	TRY(a->l->store->ops->entity_list(a->l->store, a->c, &q, &l, &total));
	TRY(fields_put_list(a->res, F_Policies));
	for (uint64_t i = from; i < from + p.size && i < n_system + l.n; i++) {
		auto_secret description = { 0 };
		struct fields *f;

		TRY(fields_add_group(a->res, F_Policies, &f));
		if (i < n_system) {
			TRY(put_system(f, &system[i]));
			continue;
		}
		TRY(entity_open(a->c, &a->keys, &l.v[i - n_system], &description));
		TRY(put_custom(f, &l.v[i - n_system], &description));
	}
	return act_put_page(a, p, total + n_system);
}

static size_t
position(const struct ram_user *u, struct slice policy)
{
	size_t i = 0;

	while (i < u->n && !slice_eq(buf_slice(&u->policies[i]), policy))
		i++;
	return i;
}

static enum kms_rc
check_unattached(struct act *a, struct slice policy)
{
	struct entity_query q = { .kind = ENTITY_USER };
	auto_store_entities l = { 0 };

	TRY(a->l->store->ops->entity_list(a->l->store, a->c, &q, &l, NULL));
	for (size_t i = 0; i < l.n; i++) {
		auto_ram_user u = { 0 };

		TRY(ram_user_read(a, &l.v[i], &u));
		if (position(&u, policy) < u.n)
			return call_refuse(a->c, E_PolicyAttached,
			    "The policy is attached to the user %.*s.", (int)u.name.len,
			    (const char *)u.name.p);
	}
	return KMS_OK;
}

enum kms_rc
act_delete_policy(struct act *a)
{
	auto_store_entity e = { 0 };

	if (system_policy(fields_get(a->req, F_PolicyName)) != NULL)
		return call_refuse(a->c, E_UnsupportedOperation, "A system policy stays.");
	TRY(find(a, &e, NULL));
	TRY(check_unattached(a, fields_get(a->req, F_PolicyName)));
	return changes_remove_entity(&a->changes, &e.id, e.revision);
}

/* -- who has them -- */

/* The policy is there, and is put again as it is: so who deletes it meanwhile and who attaches it
 * are not both right. */
static enum kms_rc
touch(struct act *a)
{
	auto_store_entity e = { 0 };
	auto_secret description = { 0 };

	TRY(find(a, &e, &description));
	return put_next(a, &e, &description);
}

enum kms_rc
act_attach_policy_to_user(struct act *a)
{
	struct slice policy = fields_get(a->req, F_PolicyName);
	auto_ram_user u = { 0 };

	if (system_policy(policy) == NULL)
		TRY(touch(a));
	TRY(user_find(a, &u));
	if (position(&u, policy) < u.n)
		return KMS_OK;
	if (u.n == USER_POLICIES_MAX)
		return call_refuse(a->c, E_LimitExceeded, "The user has %d policies already.",
		    USER_POLICIES_MAX);
	u.policies[u.n] = (struct buf){ 0 };
	u.n++;
	TRY(buf_set(&u.policies[u.n - 1], policy));
	return ram_user_put(a, &u);
}

enum kms_rc
act_detach_policy_from_user(struct act *a)
{
	auto_ram_user u = { 0 };
	size_t i;

	TRY(user_find(a, &u));
	if ((i = position(&u, fields_get(a->req, F_PolicyName))) == u.n)
		return call_refuse(a->c, E_PolicyNotExist, "The user does not have the policy.");
	buf_free(&u.policies[i]);
	u.n--;
	u.policies[i] = u.policies[u.n]; /* moved */
	return ram_user_put(a, &u);
}

enum kms_rc
act_list_policies_for_user(struct act *a)
{
	auto_ram_user u = { 0 };

	TRY(user_find(a, &u));
	TRY(fields_put_list(a->res, F_Policies));
	for (size_t i = 0; i < u.n; i++) {
		bool system = system_policy(buf_slice(&u.policies[i])) != NULL;
		struct fields *f;

		TRY(fields_add_group(a->res, F_Policies, &f));
		TRY(fields_put(f, F_PolicyName, buf_slice(&u.policies[i])));
		TRY(fields_put_text(f, F_PolicyType, system ? "System" : "Custom"));
	}
	return KMS_OK;
}
