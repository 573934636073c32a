/* SPDX-License-Identifier: Apache-2.0 */
/* The KMS keys that secrets are encrypted with: the customers' own, or the service's. */
#include "kms/chapters.h"
#include "kms/secret_value.h"
#include "kms/version.h"

/* No caller can make an alias of this form. */
#define SERVICE_ALIAS "acs/secretsmanager"

/* -- the service's key -- */

static enum kms_rc
put_alias(struct act *a, const struct master_key *k)
{
	auto_store_entity e = { 0 };

	TRY(entity_new(ENTITY_ALIAS, a->now, &e));
	e.parent = k->id;
	TRY(buf_set(&e.name, slice_str(SERVICE_ALIAS)));
	TRY(entity_seal(a->c, &a->keys, &e, slice_of(NULL, 0)));
	return changes_insert_entity(&a->changes, &e);
}

/* Written at once: what is encrypted with it must not outlive it. */
static enum kms_rc
make_service_key(struct act *a)
{
	auto_master_key k = { .state = KEY_ENABLED,
		.usage = USAGE_ENCRYPT_DECRYPT,
		.origin = ORIGIN_KMS,
		.level = key_level_here(a->l),
		.created = a->now };
	char id[UID_TEXT_LEN + 1];

	k.spec = (struct key_spec){ .type = KEY_AES, .bits = 256 };
	TRY(crypto_random(k.id.b, UID_LEN));
	uid_to_text(&k.id, id);
	TRY(buf_set(&k.creator, slice_str(CREATOR_SERVICE)));
	TRY(buf_set(&k.description, slice_str("encrypts secrets without a key of their own")));
	TRY(version_generate(a, &k, slice_str(id), slice_of(NULL, 0)));
	TRY(act_put_key(a, &k));
	TRY(put_alias(a, &k));
	return act_commit(a);
}

static enum kms_rc
service_key(struct act *a, struct master_key *ret)
{
	struct slice alias = slice_str("alias/" SERVICE_ALIAS);
	enum kms_rc rc = act_find_key(a, alias, true, ret);

	if (rc == KMS_OK || a->c->error != E_AliasNotFound)
		return rc;
	act_go_on(a);
	TRY(make_service_key(a));
	return act_find_key(a, alias, true, ret);
}

/* -- any key -- */

static enum kms_rc
check(struct act *a, const struct master_key *k, const char *what)
{
	if (!key_type_is_cipher(k->spec.type) ||
	    (k->usage & (USAGE_ENCRYPT_DECRYPT | USAGE_ANY)) == 0)
		return call_refuse(a->c, E_UnsupportedOperation,
		    "Secrets are encrypted with a symmetric key for ENCRYPT/DECRYPT.");
	/* Of the service's key only the secret's own policy tells who gets at what is in it. */
	return master_key_is_service(k) ? act_check_state(a, k) : act_permit_key(a, what, k);
}

enum kms_rc
secret_key_pick(struct act *a, struct slice name, struct master_key *ret)
{
	TRY(name.len == 0 ? service_key(a, ret) : act_find_key(a, name, true, ret));
	return check(a, ret, "kms:GenerateDataKey");
}

enum kms_rc
secret_key_load(struct act *a, const struct kms_secret *s, const char *what, struct master_key *ret)
{
	TRY(act_load_key(a, &s->key, ret));
	return check(a, ret, what);
}
