/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PINs: each seals the same random root key under a key stretched from it by scrypt. Wrong ones are
 * counted in the store, where neither a restart nor another process forgets them. The count hinders
 * those who ask through us; whoever can copy the file tries PINs elsewhere, and meets only scrypt.
 */
#include "base/codec.h"
#include "kms/core.h"

#define SALT_LEN  16
#define SCRYPT_R  8
#define SCRYPT_P  1
#define LOG2N_MAX 24 /* what a row may ask for: 16 GiB */
#define R_P_MAX	  32

/* Binds the sealed root key to its token, role and cost: "pin", serial, role, log2 N, r, p. */
static enum kms_rc
pin_ad(struct slice serial, enum role role, const struct store_pin *p, struct buf *ret)
{
	struct writer w = writer_of(ret);

	write_bytes(&w, slice_str("pin"));
	write_bytes(&w, serial);
	write_u8(&w, (uint8_t)role);
	write_u32(&w, p->log2n);
	write_u32(&w, p->r);
	write_u32(&w, p->p);
	return w.rc;
}

static enum kms_rc
stretch(const struct store_pin *p, struct slice pin, struct secret *ret)
{
	if (p->log2n < 1 || p->log2n > LOG2N_MAX || p->r < 1 || p->r > R_P_MAX || p->p < 1 ||
	    p->p > R_P_MAX)
		return KMS_TAMPERED;
	TRY(secret_new(SEAL_KEY_LEN, ret));
	return crypto_scrypt(pin, buf_slice(&p->salt), p->log2n, p->r, p->p, ret->p, ret->len);
}

static enum kms_rc
seal_root(struct slice serial, enum role role, struct slice pin, struct slice root,
    struct store_pin *p)
{
	auto_secret key = { 0 };
	auto_buf ad = { 0 };
	uint8_t *salt;

	TRY(buf_extend(&p->salt, SALT_LEN, &salt));
	TRY(crypto_random(salt, SALT_LEN));
	TRY(stretch(p, pin, &key));
	TRY(pin_ad(serial, role, p, &ad));
	return crypto_seal(secret_slice(&key), root, buf_slice(&ad), &p->sealed);
}

enum kms_rc
pin_seal(struct slice serial, enum role role, struct slice pin, unsigned log2n,
    unsigned max_failures, struct slice root, struct store_pin *ret)
{
	auto_store_pin p = {
		.log2n = log2n, .r = SCRYPT_R, .p = SCRYPT_P, .max_failures = max_failures
	};

	if (pin.len < PIN_MIN || pin.len > PIN_MAX)
		return KMS_PIN_LEN;
	TRY(seal_root(serial, role, pin, root, &p));
	*ret = p; /* moved */
	p = (struct store_pin){ 0 };
	return KMS_OK;
}

/* KMS_PIN_INCORRECT for a damaged row as well: the two cannot be told apart. */
static enum kms_rc
open_root(struct slice serial, enum role role, struct slice pin, const struct store_pin *p,
    struct secret *ret)
{
	auto_secret key = { 0 };
	auto_buf ad = { 0 };
	enum kms_rc rc;

	TRY(stretch(p, pin, &key));
	TRY(pin_ad(serial, role, p, &ad));
	rc = crypto_open(secret_slice(&key), buf_slice(&p->sealed), buf_slice(&ad), ret);
	return rc == KMS_TAMPERED ? KMS_PIN_INCORRECT : rc;
}

static enum kms_rc
locked(struct call *c, enum role role)
{
	return call_fail(c, KMS_PIN_LOCKED,
	    role == ROLE_USER ? "the user PIN is locked" : "the SO PIN is locked for good");
}

static enum kms_rc
check_tries(struct call *c, enum role role, const struct store_pin *p)
{
	if (p->sealed.len == 0)
		return role == ROLE_USER
		    ? KMS_PIN_NOT_SET
		    : call_fail(c, KMS_TAMPERED,
			  "the SO PIN is gone from the store: restore it from a backup");
	return p->failures < p->max_failures ? KMS_OK : locked(c, role);
}

/*
 * Counts a failure, or forgets earlier ones. Nobody learns how a try ended before this is done, so
 * that tries at the same time get as many answers as tries one after another. A store that cannot
 * be written cannot count: there a PIN may be tried without limit, but whoever may read such a
 * store could as well try on a copy of it.
 */
static enum kms_rc
count_try(struct local *l, struct call *c, enum role role, enum kms_rc tried)
{
	enum kms_rc rc;

	if (l->store->read_only)
		return tried;
	rc = l->store->ops->pin_count(l->store, c, role, tried == KMS_OK);
	local_look(l);
	if (rc == KMS_PIN_LOCKED)
		return locked(c, role);
	return rc == KMS_OK || rc == KMS_READONLY ? tried : rc;
}

enum kms_rc
pin_verify(struct local *l, struct call *c, enum role role, struct slice pin,
    struct store_token *token, struct secret *root)
{
	auto_store_token t = { 0 };
	auto_secret opened = { 0 };
	const struct store_pin *p = role == ROLE_SO ? &t.so : &t.user;
	enum kms_rc rc;

	TRY(l->store->ops->token_get(l->store, c, &t));
	if (t.serial.len == 0)
		return KMS_NOT_INITIALIZED;
	TRY(check_tries(c, role, p));
	/* Such a PIN cannot have been set. */
	if (pin.len < PIN_MIN || pin.len > PIN_MAX)
		return KMS_PIN_INCORRECT;
	rc = open_root(buf_slice(&t.serial), role, pin, p, &opened);
	if (rc != KMS_OK && rc != KMS_PIN_INCORRECT)
		return rc;
	TRY(count_try(l, c, role, rc));
	if (opened.len != SEAL_KEY_LEN)
		return KMS_TAMPERED;
	*token = t; /* moved */
	t = (struct store_token){ 0 };
	*root = opened; /* moved */
	opened = (struct secret){ 0 };
	return KMS_OK;
}
