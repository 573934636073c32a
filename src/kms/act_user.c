/* SPDX-License-Identifier: Apache-2.0 */
/* Actions on users and their access keys, by RAM's names. */
#include "kms/chapters.h"
#include "kms/identity.h"

#define USERS_MAX	1000
#define ACCESS_KEYS_MAX 2 /* of a user, so that one can replace the other */
#define KEY_ID_CHARS	24
#define KEY_ID_HEAD	"LTAI"
#define SECRET_CHARS	30

static bool
name_ok(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t b = s.p[i];

		if (!((b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') ||
			b == '.' || b == '-' || b == '_'))
			return false;
	}
	return s.len > 0 && s.len <= USER_NAME_MAX;
}

static bool
account_ok(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.len == ACCOUNT_LEN;
}

/* ACCOUNT/NAME from the parameters. */
enum kms_rc
user_name(struct act *a, struct buf *ret)
{
	struct slice account = fields_get(a->req, F_AccountId),
		     name = fields_get(a->req, F_UserName);

	if (account.len == 0)
		account = slice_str(a->account.id);
	if (!account_ok(account))
		return call_refuse(a->c, E_InvalidParameter,
		    "The specified parameter \"AccountId\" is not valid: it has 16 digits.");
	if (!name_ok(name))
		return call_refuse(a->c, E_InvalidParameter,
		    "The specified parameter \"UserName\" is not valid: 1 to %d letters, digits, . - or _.",
		    USER_NAME_MAX);
	TRY(buf_add(ret, account));
	TRY(buf_add_byte(ret, '/'));
	return buf_add(ret, name);
}

enum kms_rc
user_find(struct act *a, struct ram_user *ret)
{
	auto_buf name = { 0 };
	enum kms_rc rc;

	TRY(user_name(a, &name));
	if ((rc = ram_user_find(a, buf_slice(&name), ret)) == KMS_NOTFOUND)
		return call_refuse(a->c, E_UserNotExist, "The user does not exist.");
	return rc;
}

static enum kms_rc
put_user(struct fields *f, const struct ram_user *u)
{
	struct slice name = buf_slice(&u->name);

	TRY(fields_put(f, F_AccountId, slice_of(name.p, ACCOUNT_LEN)));
	TRY(fields_put(f, F_UserName,
	    slice_of(name.p + ACCOUNT_LEN + 1, name.len - ACCOUNT_LEN - 1)));
	TRY(act_put_uid(f, F_UserId, &u->id));
	TRY(fields_put(f, F_Comments, buf_slice(&u->comment)));
	return act_put_time(f, F_CreateDate, u->created);
}

/* -- users -- */

enum kms_rc
act_create_user(struct act *a)
{
	struct entity_query all = { .kind = ENTITY_USER, .limit = 1 };
	auto_store_entities some = { 0 };
	auto_ram_user u = { 0 };
	auto_ram_user there = { 0 };
	struct fields *f;
	uint64_t n;
	enum kms_rc rc;

	TRY(user_name(a, &u.name));
	if ((rc = ram_user_find(a, buf_slice(&u.name), &there)) == KMS_OK)
		return call_refuse(a->c, E_UserAlreadyExists, "The user already exists.");
	if (rc != KMS_NOTFOUND)
		return rc;
	TRY(a->l->store->ops->entity_list(a->l->store, a->c, &all, &some, &n));
	if (n >= USERS_MAX)
		return call_refuse(a->c, E_LimitExceeded, "There are %d users already.", USERS_MAX);
	TRY(crypto_random(u.id.b, UID_LEN));
	u.created = a->now;
	TRY(buf_set(&u.comment, fields_get(a->req, F_Comments)));
	TRY(ram_user_put(a, &u));
	TRY(fields_add_group(a->res, F_User, &f));
	return put_user(f, &u);
}

enum kms_rc
act_get_user(struct act *a)
{
	auto_ram_user u = { 0 };
	struct fields *f;

	TRY(user_find(a, &u));
	TRY(fields_add_group(a->res, F_User, &f));
	return put_user(f, &u);
}

enum kms_rc
act_list_users(struct act *a)
{
	struct page p = act_page(a, 100);
	struct entity_query q = {
		.kind = ENTITY_USER, .skip = (p.number - 1) * p.size, .limit = p.size
	};
	auto_store_entities l = { 0 };
	uint64_t total;

	TRY(a->l->store->ops->entity_list(a->l->store, a->c, &q, &l, &total));
	TRY(fields_put_list(a->res, F_Users));
	for (size_t i = 0; i < l.n; i++) {
		auto_ram_user u = { 0 };
		struct fields *f;

		TRY(ram_user_read(a, &l.v[i], &u));
		TRY(fields_add_group(a->res, F_Users, &f));
		TRY(put_user(f, &u));
	}
	return act_put_page(a, p, total);
}

static enum kms_rc
access_keys(struct act *a, const struct uid *user, struct store_entities *ret)
{
	struct entity_query q = { .kind = ENTITY_ACCESS_KEY, .parent = *user };

	return a->l->store->ops->entity_list(a->l->store, a->c, &q, ret, NULL);
}

/* With all that is his. */
enum kms_rc
act_delete_user(struct act *a)
{
	auto_ram_user u = { 0 };
	auto_store_entities keys = { 0 };

	TRY(user_find(a, &u));
	TRY(access_keys(a, &u.id, &keys));
	for (size_t i = 0; i < keys.n; i++)
		TRY(changes_remove_entity(&a->changes, &keys.v[i].id, keys.v[i].revision));
	return changes_remove_entity(&a->changes, &u.id, u.revision);
}

/* -- access keys: the body is one byte, whether it is active; the secret is the secret part -- */

/* N characters of 62, each as likely as any other. */
static enum kms_rc
random_chars(uint8_t *dst, size_t n)
{
	static const char chars[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	for (size_t i = 0; i < n;) {
		uint8_t b;

		TRY(crypto_random(&b, 1));
		if (b < 4 * (sizeof(chars) - 1))
			dst[i++] = (uint8_t)chars[b % (sizeof(chars) - 1)];
	}
	return KMS_OK;
}

static enum kms_rc
put_access_key(struct fields *f, const struct store_entity *e)
{
	TRY(fields_put(f, F_AccessKeyId, buf_slice(&e->name)));
	TRY(fields_put_text(f, F_Status,
	    e->body.len == 1 && e->body.p[0] == 1 ? "Active" : "Inactive"));
	return act_put_time(f, F_CreateDate, e->created);
}

enum kms_rc
act_create_access_key(struct act *a)
{
	auto_ram_user u = { 0 };
	auto_store_entities have = { 0 };
	auto_store_entity e = { 0 };
	auto_secret secret = { 0 };
	uint8_t *id;
	struct fields *f;

	TRY(user_find(a, &u));
	TRY(access_keys(a, &u.id, &have));
	if (have.n >= ACCESS_KEYS_MAX)
		return call_refuse(a->c, E_LimitExceeded, "The user has %d access keys already.",
		    ACCESS_KEYS_MAX);
	TRY(entity_new(ENTITY_ACCESS_KEY, a->now, &e));
	e.parent = u.id;
	TRY(buf_add(&e.name, slice_str(KEY_ID_HEAD)));
	TRY(buf_extend(&e.name, KEY_ID_CHARS - strlen(KEY_ID_HEAD), &id));
	TRY(random_chars(id, KEY_ID_CHARS - strlen(KEY_ID_HEAD)));
	TRY(secret_new(SECRET_CHARS, &secret));
	TRY(random_chars(secret.p, secret.len));
	TRY(buf_add_byte(&e.body, 1));
	TRY(entity_seal(a->c, &a->keys, &e, secret_slice(&secret)));
	TRY(fields_add_group(a->res, F_AccessKey, &f));
	TRY(put_access_key(f, &e));
	/* This once. */
	TRY(fields_put(f, F_AccessKeySecret, secret_slice(&secret)));
	TRY(changes_insert_entity(&a->changes, &e));
	/* Nobody deletes the user meanwhile, or gives him another key. */
	return ram_user_put(a, &u);
}

static enum kms_rc
find_access_key(struct act *a, struct store_entity *e, struct secret *secret)
{
	enum kms_rc rc = a->l->store->ops->entity_by_name(a->l->store, a->c, ENTITY_ACCESS_KEY,
	    fields_get(a->req, F_UserAccessKeyId), e);

	if (rc == KMS_NOTFOUND)
		return call_refuse(a->c, E_AccessKeyNotExist, "The access key does not exist.");
	TRY(rc);
	return entity_open(a->c, &a->keys, e, secret);
}

enum kms_rc
act_update_access_key(struct act *a)
{
	struct slice status = fields_get(a->req, F_Status);
	bool active = slice_eq(status, slice_str("Active"));
	auto_store_entity e = { 0 };
	auto_secret secret = { 0 };
	uint64_t was;

	if (!active && !slice_eq(status, slice_str("Inactive")))
		return call_refuse(a->c, E_InvalidParameter,
		    "The specified parameter \"Status\" is not valid: Active or Inactive.");
	TRY(find_access_key(a, &e, &secret));
	buf_clear(&e.body);
	TRY(buf_add_byte(&e.body, active));
	was = e.revision++;
	TRY(entity_seal(a->c, &a->keys, &e, secret_slice(&secret)));
	return changes_update_entity(&a->changes, &e, was);
}

enum kms_rc
act_delete_access_key(struct act *a)
{
	auto_store_entity e = { 0 };

	TRY(find_access_key(a, &e, NULL));
	return changes_remove_entity(&a->changes, &e.id, e.revision);
}

enum kms_rc
act_list_access_keys(struct act *a)
{
	auto_ram_user u = { 0 };
	auto_store_entities l = { 0 };

	TRY(user_find(a, &u));
	TRY(access_keys(a, &u.id, &l));
	TRY(fields_put_list(a->res, F_AccessKeys));
	for (size_t i = 0; i < l.n; i++) {
		struct fields *f;

		TRY(entity_open(a->c, &a->keys, &l.v[i], NULL));
		TRY(fields_add_group(a->res, F_AccessKeys, &f));
		TRY(put_access_key(f, &l.v[i]));
	}
	return KMS_OK;
}
