/* SPDX-License-Identifier: Apache-2.0 */
/* The token's audit log: where it lies, the key that signs it, and its anchor in the store. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/os.h"
#include "kms/record.h"

#define KEY_NAME  "audit-key"
#define HEAD_NAME "audit-head"
#define RETRY_MS  1000
#define ANCHOR_MS 10000 /* how long the head may take to be stored */

/* -- the key ------------------------------------------------------------------------------- */

static enum kms_rc
by_name(struct local *l, struct call *c, const char *name, struct store_entity *ret)
{
	return l->store->ops->entity_by_name(l->store, c, ENTITY_SETTING, slice_str(name), ret);
}

static enum kms_rc
new_key(struct call *c, const struct keyring *keys, struct store_entity *ret)
{
	static const struct key_spec ed25519 = { KEY_EDWARDS, CURVE_ED25519, 255 };
	auto_store_entity e = { 0 };
	auto_ckey *k = NULL;
	auto_secret der = { 0 };

	TRY(ckey_generate(&ed25519, slice_of(NULL, 0), &k));
	TRY(ckey_pkcs8(k, &der));
	TRY(entity_new(ENTITY_SETTING, os_wall_seconds(), &e));
	TRY(buf_set(&e.name, slice_str(KEY_NAME)));
	TRY(ckey_spki(k, &e.body));
	TRY(entity_seal(c, keys, &e, secret_slice(&der)));
	*ret = e; /* moved */
	e = (struct store_entity){ 0 };
	return KMS_OK;
}

static enum kms_rc
make_key(struct local *l, struct call *c, const struct keyring *keys)
{
	auto_store_entity e = { 0 };
	struct store_change change = { .kind = INSERT_ENTITY, .entity = &e };
	enum kms_rc rc;

	TRY(new_key(c, keys, &e));
	rc = local_apply(l, c, keys, &change, 1);
	/* Somebody else was faster, and his is as good. */
	return rc == KMS_EXISTS ? KMS_OK : rc;
}

/* The public half: empty when there is no key yet. */
static enum kms_rc
read_public(struct local *l, struct call *c, struct buf *ret)
{
	auto_store_entity e = { 0 };
	enum kms_rc rc = by_name(l, c, KEY_NAME, &e);

	if (rc == KMS_NOTFOUND)
		return KMS_OK;
	TRY(rc);
	buf_move(ret, &e.body);
	return KMS_OK;
}

static enum kms_rc
read_private(struct record_log *log, struct call *c, const struct keyring *keys)
{
	auto_store_entity e = { 0 };
	auto_secret der = { 0 };
	struct ckey *k, *none = NULL;

	TRY(by_name(log->l, c, KEY_NAME, &e));
	TRY(entity_open(c, keys, &e, &der));
	if (!slice_eq(buf_slice(&e.body), buf_slice(&log->spki)))
		return call_fail(c, KMS_TAMPERED, "the audit log's key is not what it was");
	TRY(ckey_from_pkcs8(secret_slice(&der), &k));
	if (!atomic_compare_exchange_strong(&log->key, &none, k))
		ckey_unref(k);
	return KMS_OK;
}

static enum kms_rc
sign(void *arg, struct slice message, uint8_t ret[AUDIT_SIGNATURE_LEN], struct err *err)
{
	struct record_log *log = arg;
	struct ckey *k = atomic_load(&log->key);
	struct audit_signer s;
	auto_buf spki = { 0 };

	if (k == NULL)
		return KMS_LOGIN_NEEDED;
	TRY(audit_signer_of_key(k, &spki, &s));
	return s.sign(s.arg, message, ret, err);
}

/* -- the anchor ---------------------------------------------------------------------------- */

/* The head is for everybody who writes the log: it has the seal of what needs no login. */
static void
head_keys(const struct record_log *log, struct keyring *ret)
{
	*ret = (struct keyring){ .root = log->open }; /* borrowed */
	memcpy(ret->serial, log->serial, SERIAL_LEN);
}

static enum kms_rc
head_read(struct slice body, struct audit_head *ret)
{
	struct reader r = reader_of(body);
	struct slice log = read_bytes(&r), hash;

	ret->seq = read_u64(&r);
	hash = read_bytes(&r);
	if (r.bad || r.rest.len > 0 || log.len != AUDIT_LOG_ID_LEN || hash.len != AUDIT_HASH_LEN)
		return KMS_TAMPERED;
	memcpy(ret->log, log.p, log.len);
	ret->log[log.len] = '\0';
	memcpy(ret->hash, hash.p, hash.len);
	return KMS_OK;
}

static enum kms_rc
head_get(void *arg, struct audit_head *ret, struct err *err)
{
	struct record_log *log = arg;
	struct call c = { .deadline_ms = os_monotonic_ms() + ANCHOR_MS };
	auto_store_entity e = { 0 };
	struct keyring keys;
	enum kms_rc rc = by_name(log->l, &c, HEAD_NAME, &e);

	head_keys(log, &keys);
	if (rc == KMS_OK && (rc = entity_open(&c, &keys, &e, NULL)) == KMS_OK)
		rc = head_read(buf_slice(&e.body), ret);
	return rc == KMS_OK || rc == KMS_NOTFOUND ? rc : err_set(err, rc, "%s", c.err.text);
}

static enum kms_rc
head_write(const struct audit_head *head, struct buf *ret)
{
	struct writer w = writer_of(ret);

	write_bytes(&w, slice_str(head->log));
	write_u64(&w, head->seq);
	write_bytes(&w, slice_of(head->hash, AUDIT_HASH_LEN));
	return w.rc;
}

static enum kms_rc
store_head(struct record_log *log, struct call *c, const struct audit_head *head)
{
	auto_store_entity e = { 0 };
	struct store_change change = { .kind = UPDATE_ENTITY, .entity = &e };
	struct store *s = log->l->store;
	struct keyring keys;
	enum kms_rc rc = by_name(log->l, c, HEAD_NAME, &e);

	if (rc == KMS_NOTFOUND) {
		change.kind = INSERT_ENTITY;
		TRY(entity_new(ENTITY_SETTING, os_wall_seconds(), &e));
		TRY(buf_set(&e.name, slice_str(HEAD_NAME)));
	} else {
		TRY(rc);
		change.was = e.revision++;
	}
	buf_clear(&e.body);
	TRY(head_write(head, &e.body));
	head_keys(log, &keys);
	TRY(entity_seal(c, &keys, &e, slice_of(NULL, 0)));
	return s->ops->apply(s, c, slice_of(log->serial, SERIAL_LEN), &change, 1);
}

static enum kms_rc
head_put(void *arg, const struct audit_head *head, struct err *err)
{
	struct call c = { .deadline_ms = os_monotonic_ms() + ANCHOR_MS };
	enum kms_rc rc = store_head(arg, &c, head);

	return rc == KMS_OK ? rc : err_set(err, rc, "%s", c.err.text);
}

/* -- opening ------------------------------------------------------------------------------- */

static void
log_free(struct record_log *log)
{
	struct err err = { "" };

	if (audit_close(log->audit, &err) != KMS_OK)
		log_warning("audit log: %s", err.text);
	ckey_unref(log->key);
	secret_free(&log->open);
	buf_free(&log->spki);
	free(log->dir);
	free(log);
}

/* The folder in which the logs' folders are; others must not be able to put theirs there. */
static enum kms_rc
make_base(const char *base, struct err *err)
{
	enum kms_rc rc;
	int fd;

	TRY(os_make_dirs(base, err));
	if ((fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return err_set(err, errno == EROFS ? KMS_READONLY : KMS_IO, "%s: %m", base);
	rc = os_check_private_dir(fd, base, err);
	(void)close(fd);
	return rc;
}

static enum kms_rc
open_audit(struct record_log *log, struct err *err)
{
	const struct recorder *r = log->l->recorder;
	struct audit_conf conf = r->conf;

	TRY(make_base(r->base, err));
	conf.dir = log->dir;
	if (log->spki.len > 0)
		conf.signer = &log->signer;
	if (!log->l->store->read_only)
		conf.anchor = &log->anchor;
	return audit_open(&conf, &log->audit, err);
}

static enum kms_rc
fill(struct record_log *log, struct call *c, const struct keyring *keys)
{
	char serial[2 * SERIAL_LEN + 1];
	struct err err = { "" };
	enum kms_rc rc;

	memcpy(log->serial, keys->serial, SERIAL_LEN);
	act_account(log->serial, &log->account);
	TRY(secret_copy(secret_slice(&keys->open), &log->open));
	(void)hex_encode(slice_of(log->serial, SERIAL_LEN), serial, sizeof(serial));
	if ((log->dir = os_path_join(log->l->recorder->base, serial)) == NULL)
		return KMS_NOMEM;
	TRY(read_public(log->l, c, &log->spki));
	log->signer = (struct audit_signer){ buf_slice(&log->spki), sign, log };
	log->anchor = (struct audit_anchor){ head_get, head_put, log };
	if (!log->l->recorder->on)
		return KMS_OK;
	rc = open_audit(log, &err);
	return rc == KMS_OK ? rc : call_fail(c, rc, "%s", err.text);
}

static enum kms_rc
find_or_open(struct local *l, struct call *c, const struct keyring *keys, struct record_log **ret)
{
	struct recorder *r = l->recorder;
	struct record_log *log = r->logs;
	auto_buf spki = { 0 };
	enum kms_rc rc;

	while (log != NULL && memcmp(log->serial, keys->serial, SERIAL_LEN) != 0)
		log = log->next;
	/* One that was opened before the key was made can never be signed: it makes room for
	 * another once there is a key. */
	if (log != NULL && log->spki.len == 0)
		TRY(read_public(l, c, &spki));
	if (log != NULL && (log->spki.len > 0 || spki.len == 0)) {
		*ret = log;
		return KMS_OK;
	}
	if (r->retry_ms > os_monotonic_ms())
		return call_fail(c, r->retry_rc, "the audit log cannot be opened");
	if ((log = calloc(1, sizeof(*log))) == NULL)
		return KMS_NOMEM;
	log->l = l;
	if ((rc = fill(log, c, keys)) != KMS_OK) {
		log_free(log);
		r->retry_ms = os_monotonic_ms() + RETRY_MS;
		r->retry_rc = rc;
		return rc;
	}
	log->next = r->logs;
	r->logs = log;
	*ret = log;
	return KMS_OK;
}

/* LOG is what others take from now on, unless the token has been made anew meanwhile. */
static void
publish(struct local *l, struct record_log *log)
{
	pthread_mutex_lock(&l->lock);
	if (slice_eq(buf_slice(&l->token.serial), slice_of(log->serial, SERIAL_LEN)))
		atomic_store_explicit(&l->recorder->current, log, memory_order_release);
	pthread_mutex_unlock(&l->lock);
}

static enum kms_rc
log_of_token(struct local *l, struct call *c, const struct keyring *keys, struct record_log **ret)
{
	struct recorder *r = l->recorder;
	enum kms_rc rc;

	pthread_mutex_lock(&r->lock);
	rc = find_or_open(l, c, keys, ret);
	pthread_mutex_unlock(&r->lock);
	if (rc == KMS_OK)
		publish(l, *ret);
	return rc;
}

enum kms_rc
record_log_get(struct local *l, struct call *c, struct record_log **ret)
{
	struct record_log *log = atomic_load_explicit(&l->recorder->current, memory_order_acquire);
	auto_keyring keys = { 0 };
	enum kms_rc rc;

	*ret = log;
	if (log != NULL)
		return KMS_OK;
	rc = keyring_get(l, c, &keys);
	if (rc == KMS_NOT_INITIALIZED)
		return KMS_OK;
	TRY(rc);
	return log_of_token(l, c, &keys, ret);
}

enum kms_rc
record_log_unlock_with(struct local *l, struct call *c, const struct keyring *keys)
{
	auto_buf spki = { 0 };
	struct record_log *log;

	if (!l->recorder->on)
		return KMS_OK;
	TRY(read_public(l, c, &spki));
	if (spki.len == 0 && !l->store->read_only)
		TRY(make_key(l, c, keys));
	TRY(log_of_token(l, c, keys, &log));
	if (log->spki.len == 0 || atomic_load(&log->key) != NULL)
		return KMS_OK;
	return read_private(log, c, keys);
}

enum kms_rc
record_log_unlock(struct local *l, struct call *c)
{
	auto_keyring keys = { 0 };

	if (!l->recorder->on)
		return KMS_OK;
	TRY(keyring_get(l, c, &keys));
	return record_log_unlock_with(l, c, &keys);
}

/* -- the whole ----------------------------------------------------------------------------- */

/* The program's file: its name is what the program says, which may be anything. */
static void
program_name(char *ret, size_t size)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	const char *slash;

	path[n < 0 ? 0 : n] = '\0';
	slash = strrchr(path, '/');
	(void)snprintf(ret, size, "%.*s", (int)size - 1,
	    slash == NULL ? program_invocation_short_name : slash + 1);
}

static char *
base_of(const struct conf_token *conf)
{
	char *base;

	if (conf->audit_dir != NULL)
		return strdup(conf->audit_dir);
	return asprintf(&base, "%s.audit", conf->store) < 0 ? NULL : base;
}

enum kms_rc
recorder_open(const struct conf_token *conf, struct recorder **ret)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return KMS_NOMEM;
	if ((r->base = base_of(conf)) == NULL) {
		free(r);
		return KMS_NOMEM;
	}
	program_name(r->program, sizeof(r->program));
	r->on = conf->audit != CONF_AUDIT_OFF;
	r->refuse = conf->audit_failure == CONF_AUDIT_REFUSE ||
	    (conf->audit_failure == CONF_AUDIT_DEFAULT && conf->audit == CONF_AUDIT_DURABLE);
	r->conf = (struct audit_conf){ .durable = conf->audit == CONF_AUDIT_DURABLE,
		.batch_records = conf->audit == CONF_AUDIT_WRITTEN ? 1 : 0,
		.refuse = r->refuse ? AUDIT_REFUSE_YES : AUDIT_REFUSE_NO,
		.fold = conf->audit_fold ? AUDIT_FOLD_REPEATS : AUDIT_FOLD_OFF,
		.program = r->program,
		.region = "local",
		.source = "kms.local" };
	pthread_mutex_init(&r->lock, NULL);
	*ret = r;
	return KMS_OK;
}

void
recorder_close(struct recorder *r)
{
	if (r == NULL)
		return;
	while (r->logs != NULL) {
		struct record_log *log = r->logs;

		r->logs = log->next;
		log_free(log);
	}
	pthread_mutex_destroy(&r->lock);
	free(r->base);
	free(r);
}

enum kms_rc
local_audit(struct backend *b, struct call *c, struct audit_place *ret)
{
	struct record_log *log;

	TRY(record_log_get(local_of(b), c, &log));
	if (log == NULL)
		return KMS_NOT_INITIALIZED;
	*ret = (struct audit_place){ log->dir, buf_slice(&log->spki), &log->anchor };
	return KMS_OK;
}
