/* SPDX-License-Identifier: Apache-2.0 */
/* The token: what is known of it, how it is made, and who is logged in. */
#include "base/codec.h"
#include "base/log.h"
#include "kms/record.h"

/* -- what is known -- */

/* Nobody is logged in any more: the root key and the parsed keys go. */
static void
forget_login_locked(struct local *l, struct backend_key *taken[CACHED_KEYS])
{
	atomic_store(&l->role, ROLE_NONE);
	secret_free(&l->root);
	keys_take_all_locked(l, taken);
}

/* T is the token at GENERATION. Takes T. Another serial ends the login: the token has been made
 * anew. */
static void
remember(struct local *l, struct store_token *t, uint64_t generation)
{
	struct backend_key *taken[CACHED_KEYS] = { 0 };

	pthread_mutex_lock(&l->lock);
	if (generation >= l->token_generation) {
		if (!slice_eq(buf_slice(&t->serial), buf_slice(&l->token.serial))) {
			forget_login_locked(l, taken);
			recorder_token_changed(l->recorder);
		}
		store_token_free(&l->token);
		l->token = *t; /* moved */
		*t = (struct store_token){ 0 };
		l->token_generation = generation;
	}
	pthread_mutex_unlock(&l->lock);
	keys_close_all(taken);
}

/* Reads the token's row, unless nothing has changed since. */
static enum kms_rc
refresh(struct local *l, struct call *c)
{
	uint64_t generation = local_generation(&l->base);
	auto_store_token t = { 0 };
	bool known;

	pthread_mutex_lock(&l->lock);
	known = l->token_generation == generation;
	pthread_mutex_unlock(&l->lock);
	if (known)
		return KMS_OK;
	TRY(l->store->ops->token_get(l->store, c, &t));
	remember(l, &t, generation);
	return KMS_OK;
}

static void
show_tries(const struct store_pin *p, bool *low, bool *last, bool *locked)
{
	*locked = p->sealed.len > 0 && p->failures >= p->max_failures;
	*low = p->failures > 0 && !*locked;
	*last = !*locked && p->max_failures - p->failures == 1;
}

enum kms_rc
local_status(struct backend *b, struct call *c, struct token_status *ret)
{
	struct local *l = local_of(b);
	struct token_status st = { .read_only = l->store->read_only };
	size_t len;

	TRY(refresh(l, c));
	pthread_mutex_lock(&l->lock);
	st.initialized = l->token.serial.len > 0;
	if (st.initialized) {
		(void)hex_encode(buf_slice(&l->token.serial), st.serial, sizeof(st.serial));
		len = l->token.label.len < sizeof(st.label) ? l->token.label.len
							    : sizeof(st.label) - 1;
		if (len > 0)
			memcpy(st.label, l->token.label.p, len);
		st.user_pin_set = l->token.user.sealed.len > 0;
		show_tries(&l->token.so, &st.so_count_low, &st.so_final_try, &st.so_locked);
		if (st.user_pin_set)
			show_tries(&l->token.user, &st.user_count_low, &st.user_final_try,
			    &st.user_locked);
	}
	pthread_mutex_unlock(&l->lock);
	*ret = st;
	return KMS_OK;
}

static enum kms_rc
fill_keyring_locked(struct local *l, struct keyring *k)
{
	if (l->token.serial.len == 0)
		return KMS_NOT_INITIALIZED;
	if (l->token.serial.len != SERIAL_LEN || l->token.open_key.len != SEAL_KEY_LEN)
		return KMS_TAMPERED;
	memcpy(k->serial, l->token.serial.p, SERIAL_LEN);
	k->role = local_role(l);
	TRY(secret_copy(buf_slice(&l->token.open_key), &k->open));
	return secret_copy(secret_slice(&l->root), &k->root);
}

enum kms_rc
keyring_get(struct local *l, struct call *c, struct keyring *ret)
{
	auto_keyring k = { 0 };
	enum kms_rc rc;

	TRY(refresh(l, c));
	pthread_mutex_lock(&l->lock);
	rc = fill_keyring_locked(l, &k);
	pthread_mutex_unlock(&l->lock);
	if (rc == KMS_TAMPERED)
		return call_fail(c, rc,
		    "the token's row in the store is damaged: restore it from a backup");
	if (rc == KMS_OK) {
		*ret = k; /* moved */
		k = (struct keyring){ 0 };
	}
	return rc;
}

void
keyring_free(struct keyring *k)
{
	secret_free(&k->open);
	secret_free(&k->root);
}

/* -- login -- */

enum kms_rc
local_login(struct backend *b, struct call *c, enum role role, struct slice name, struct slice pin)
{
	struct local *l = local_of(b);
	uint64_t generation = local_generation(b);
	auto_store_token t = { 0 };
	auto_secret root = { 0 };
	auto_buf serial = { 0 }; /* of the token that the PIN opened */
	bool same;

	if (role == ROLE_NONE)
		return KMS_INVALID;
	if (name.len > 0)
		return call_fail(c, KMS_NOTSUP, "an embedded token has one user, without a name");
	TRY(pin_verify(l, c, role, pin, &t, &root));
	TRY(buf_set(&serial, buf_slice(&t.serial)));
	remember(l, &t, generation);
	pthread_mutex_lock(&l->lock);
	/* Unless it was made anew meanwhile. */
	same = slice_eq(buf_slice(&serial), buf_slice(&l->token.serial));
	if (same) {
		secret_free(&l->root);
		l->root = root; /* moved */
		root = (struct secret){ 0 };
		atomic_store(&l->role, (int)role);
	}
	pthread_mutex_unlock(&l->lock);
	return same ? KMS_OK : KMS_CONFLICT;
}

enum kms_rc
local_reauthenticate(struct backend *b, struct call *c, struct slice pin)
{
	auto_store_token t = { 0 };
	auto_secret root = { 0 };

	if (local_role(local_of(b)) != ROLE_USER)
		return KMS_LOGIN_NEEDED;
	return pin_verify(local_of(b), c, ROLE_USER, pin, &t, &root);
}

void
local_logout(struct backend *b)
{
	struct local *l = local_of(b);
	struct backend_key *taken[CACHED_KEYS] = { 0 };

	pthread_mutex_lock(&l->lock);
	forget_login_locked(l, taken);
	pthread_mutex_unlock(&l->lock);
	keys_close_all(taken);
}

/* -- the token's and the PINs' making -- */

static enum kms_rc
random_bytes(struct buf *b, size_t n)
{
	uint8_t *p;

	TRY(buf_extend(b, n, &p));
	return crypto_random(p, n);
}

/* The rest of a new token T whose serial and label stand; USER_PIN may be empty. Gives its root
 * key. */
static enum kms_rc
seal_token(const struct local *l, struct slice so_pin, struct slice user_pin, struct store_token *t,
    struct secret *ret)
{
	auto_secret root = { 0 };
	struct slice serial = buf_slice(&t->serial);

	TRY(secret_new(SEAL_KEY_LEN, &root));
	TRY(crypto_random(root.p, root.len));
	TRY(random_bytes(&t->open_key, SEAL_KEY_LEN));
	TRY(pin_seal(serial, ROLE_SO, so_pin, l->pin_cost, l->pin_tries, secret_slice(&root),
	    &t->so));
	if (user_pin.len > 0)
		TRY(pin_seal(serial, ROLE_USER, user_pin, l->pin_cost, l->pin_tries,
		    secret_slice(&root), &t->user));
	*ret = root; /* moved */
	root = (struct secret){ 0 };
	return KMS_OK;
}

/* The audit log of the new token T is signed from its first record on, while the root key is at
 * hand. Where this fails the first login makes up for it. */
static void
begin_audit_log(struct local *l, const struct store_token *t, const struct secret *root)
{
	struct call c = { 0 };
	auto_keyring keys = { 0 };
	enum kms_rc rc = secret_copy(secret_slice(root), &keys.root);

	memcpy(keys.serial, t->serial.p, SERIAL_LEN);
	if (rc == KMS_OK)
		rc = secret_copy(buf_slice(&t->open_key), &keys.open);
	if (rc == KMS_OK)
		rc = record_log_unlock_with(l, &c, &keys);
	if (rc != KMS_OK)
		log_warning("the audit log cannot be signed: %s",
		    c.err.text[0] != '\0' ? c.err.text : rc_text(rc));
}

enum kms_rc
token_make(struct backend *b, struct call *c, struct slice label, struct slice so_pin,
    struct slice user_pin)
{
	struct local *l = local_of(b);
	auto_store_token was = { 0 };
	auto_store_token t = { 0 };
	auto_secret root = { 0 };
	enum kms_rc rc;

	if (so_pin.len < PIN_MIN || so_pin.len > PIN_MAX)
		return KMS_PIN_LEN;
	if (label.len > sizeof(((struct token_status *)0)->label) - 1)
		return call_fail(c, KMS_LIMIT, "a token's label has at most 32 bytes");
	rc = pin_verify(l, c, ROLE_SO, so_pin, &was, &root);
	if (rc != KMS_OK && rc != KMS_NOT_INITIALIZED)
		return rc;
	TRY(random_bytes(&t.serial, SERIAL_LEN));
	TRY(buf_set(&t.label, label));
	secret_free(&root);
	TRY(seal_token(l, so_pin, user_pin, &t, &root));
	TRY(l->store->ops->token_reset(l->store, c, buf_slice(&was.serial), &t));
	begin_audit_log(l, &t, &root);
	local_logout(b);
	local_look(l);
	return KMS_OK;
}

/* The user's PIN has the cost and the tries that the token was made with. */
enum kms_rc
local_init_pin(struct backend *b, struct call *c, struct slice pin)
{
	struct local *l = local_of(b);
	auto_keyring keys = { 0 };
	auto_store_token t = { 0 };
	auto_store_pin fresh = { 0 };
	enum kms_rc rc;

	if (pin.len < PIN_MIN || pin.len > PIN_MAX)
		return KMS_PIN_LEN;
	TRY(keyring_get(l, c, &keys));
	if (keys.role != ROLE_SO)
		return KMS_LOGIN_NEEDED;
	TRY(l->store->ops->token_get(l->store, c, &t));
	TRY(pin_seal(slice_of(keys.serial, SERIAL_LEN), ROLE_USER, pin, t.so.log2n,
	    t.so.max_failures, secret_slice(&keys.root), &fresh));
	rc = l->store->ops->pin_put(l->store, c, slice_of(keys.serial, SERIAL_LEN), ROLE_USER,
	    slice_of(NULL, 0), &fresh);
	local_look(l);
	return rc;
}

enum kms_rc
local_set_pin(struct backend *b, struct call *c, enum role role, struct slice old_pin,
    struct slice new_pin)
{
	struct local *l = local_of(b);
	auto_store_token t = { 0 };
	auto_store_pin fresh = { 0 };
	auto_secret root = { 0 };
	const struct store_pin *was = role == ROLE_SO ? &t.so : &t.user;
	enum kms_rc rc;

	if (role == ROLE_NONE)
		return KMS_INVALID;
	if (new_pin.len < PIN_MIN || new_pin.len > PIN_MAX)
		return KMS_PIN_LEN;
	TRY(pin_verify(l, c, role, old_pin, &t, &root));
	TRY(pin_seal(buf_slice(&t.serial), role, new_pin, was->log2n, was->max_failures,
	    secret_slice(&root), &fresh));
	rc = l->store->ops->pin_put(l->store, c, buf_slice(&t.serial), role,
	    buf_slice(&was->sealed), &fresh);
	local_look(l);
	return rc;
}
