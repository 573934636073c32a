/* SPDX-License-Identifier: Apache-2.0 */
/* The backend's methods that leave a record: each does what it is called after, and tells of it. */
#include "base/log.h"
#include "kms/record.h"

/* A call that may be NULL, as one that is there: the record needs to know what went wrong. */
#define OWN_CALL(c, own) ((c) != NULL ? (c) : (own))

static const char *
role_name(enum role role)
{
	static const char *const names[] = {
		[ROLE_NONE] = "nobody",
		[ROLE_USER] = "user",
		[ROLE_SO] = "security officer",
	};

	return (unsigned)role < ARRAY_LEN(names) ? names[role] : "";
}

/* Counted uses are those of whoever was logged in when they were made. */
static void
flush_counts(struct local *l)
{
	struct record_log *log = atomic_load(&l->recorder->current);
	struct err err = { "" };

	if (log != NULL && log->audit != NULL && audit_flush(log->audit, false, &err) != KMS_OK)
		log_warning("not recorded: %s", err.text);
}

/* -- the token ----------------------------------------------------------------------------- */

/* That of the token that may be replaced. Whatever keeps it from being opened, the token goes. */
static struct record_log *
present_log(struct local *l)
{
	struct record_log *log = NULL;
	struct call c = { 0 };

	return l->recorder->on && record_log_get(l, &c, &log) == KMS_OK ? log : NULL;
}

/* The token may be another one now: then the log of the OLD one (may be NULL) has R as its last
 * record. */
static void
tell_old(struct local *l, struct record_log *old, struct record *r)
{
	struct err err = { "" };

	recorder_token_changed(l->recorder);
	if (old != NULL && present_log(l) != old && record_write_to(r, old, &err) != KMS_OK)
		log_warning("not recorded: %s", err.text);
}

static enum kms_rc
make_token(struct backend *b, struct call *c, struct slice label, struct slice so_pin,
    struct slice user_pin)
{
	struct local *l = local_of(b);
	struct call own = { 0 }, *call = OWN_CALL(c, &own);
	struct record_log *old;
	struct record r;
	enum kms_rc rc;

	record_begin(&r, c, ROLE_SO, "InitToken", true);
	record_param(&r, "TokenLabel", label);
	TRY(record_ready(l, c));
	old = present_log(l);
	if ((rc = token_make(b, call, label, so_pin, user_pin)) == KMS_OK)
		tell_old(l, old, &r);
	return record_end(&r, l, call, rc);
}

enum kms_rc
recorded_init_token(struct backend *b, struct call *c, struct slice label, struct slice so_pin)
{
	return make_token(b, c, label, so_pin, slice_of(NULL, 0));
}

enum kms_rc
local_make_token(struct backend *b, struct call *c, struct slice label, struct slice so_pin,
    struct slice user_pin)
{
	if (user_pin.len < PIN_MIN || user_pin.len > PIN_MAX)
		return KMS_PIN_LEN;
	return make_token(b, c, label, so_pin, user_pin);
}

static enum kms_rc
after_login(struct local *l, struct call *c, struct record *r)
{
	struct err was = c->err;
	enum kms_rc rc = record_log_unlock(l, c);

	/* The log goes on without signatures; that it cannot be opened, the record finds too. */
	if (rc != KMS_OK)
		log_warning("the audit log cannot be signed: %s",
		    c->err.text[0] != '\0' ? c->err.text : rc_text(rc));
	c->err = was;
	flush_counts(l);
	return record_end(r, l, c, KMS_OK);
}

enum kms_rc
recorded_login(struct backend *b, struct call *c, enum role role, struct slice name,
    struct slice pin)
{
	struct local *l = local_of(b);
	struct call own = { 0 }, *call = OWN_CALL(c, &own);
	struct record r;
	enum kms_rc rc = local_login(b, call, role, name, pin);

	record_begin(&r, c, role, "Login", true);
	record_param(&r, "Role", slice_str(role_name(role)));
	if (rc != KMS_OK)
		return record_end(&r, l, call, rc);
	if ((rc = after_login(l, call, &r)) != KMS_OK)
		local_logout(b);
	return rc;
}

enum kms_rc
recorded_reauthenticate(struct backend *b, struct call *c, struct slice pin)
{
	struct local *l = local_of(b);
	struct call own = { 0 }, *call = OWN_CALL(c, &own);
	struct record r;

	record_begin(&r, c, local_role(l), "Reauthenticate", false);
	return record_end(&r, l, call, local_reauthenticate(b, call, pin));
}

void
recorded_logout(struct backend *b)
{
	struct local *l = local_of(b);
	enum role role = local_role(l);
	struct record r;

	local_logout(b);
	flush_counts(l);
	if (role == ROLE_NONE)
		return;
	record_begin(&r, NULL, role, "Logout", true);
	(void)record_end(&r, l, NULL, KMS_OK);
}

enum kms_rc
recorded_init_pin(struct backend *b, struct call *c, struct slice pin)
{
	struct local *l = local_of(b);
	struct call own = { 0 }, *call = OWN_CALL(c, &own);
	struct record r;

	TRY(record_ready(l, call));
	record_begin(&r, c, local_role(l), "InitPin", true);
	return record_end(&r, l, call, local_init_pin(b, call, pin));
}

enum kms_rc
recorded_set_pin(struct backend *b, struct call *c, enum role role, struct slice old_pin,
    struct slice new_pin)
{
	struct local *l = local_of(b);
	struct call own = { 0 }, *call = OWN_CALL(c, &own);
	struct record r;

	TRY(record_ready(l, call));
	record_begin(&r, c, role, "SetPin", true);
	record_param(&r, "Role", slice_str(role_name(role)));
	return record_end(&r, l, call, local_set_pin(b, call, role, old_pin, new_pin));
}

enum kms_rc
local_backup(struct backend *b, struct call *c, struct slice passphrase, int fd)
{
	struct local *l = local_of(b);
	struct record r;

	TRY(record_ready(l, c));
	record_begin(&r, c, local_role(l), "BackupToken", false);
	return record_end(&r, l, c, backup_write(b, c, passphrase, fd));
}

static enum kms_rc
restore(struct backend *b, struct call *c, struct slice passphrase, int fd, const char *where,
    bool replace)
{
	struct local *l = local_of(b);
	struct record_log *old;
	struct record r;
	enum kms_rc rc;

	TRY(record_ready(l, c));
	record_begin(&r, c, local_role(l), "RestoreToken", true);
	old = present_log(l);
	if ((rc = backup_read(b, c, passphrase, fd, where, replace)) == KMS_OK)
		tell_old(l, old, &r);
	return record_end(&r, l, c, rc);
}

enum kms_rc
local_restore(const struct conf_token *conf, struct call *c, struct slice passphrase, int fd,
    bool replace)
{
	struct backend *b;
	enum kms_rc rc;

	TRY(local_open(conf, c, &b));
	rc = restore(b, c, passphrase, fd, conf->store, replace);
	backend_close(b);
	return rc;
}

/* -- objects ------------------------------------------------------------------------------- */

/* What is recorded of an object beside its id. */
static void
add_object(struct record *r, const struct object *o)
{
	static const struct {
		const char *class, *type;
	} kinds[] = {
		[OBJECT_NONE] = { "", "Object" },
		[OBJECT_CERTIFICATE] = { "certificate", "Certificate" },
		[OBJECT_PUBLIC_KEY] = { "public key", "ACS::KMS::Key" },
		[OBJECT_PRIVATE_KEY] = { "private key", "ACS::KMS::Key" },
		[OBJECT_SECRET_KEY] = { "secret key", "ACS::KMS::Key" },
		[OBJECT_DATA] = { "data", "Data" },
	};
	unsigned kind = (unsigned)o->kind < ARRAY_LEN(kinds) ? o->kind : OBJECT_NONE;

	record_param(r, "Class", slice_str(kinds[kind].class));
	record_param(r, "Label", buf_slice(&o->label));
	record_resource(r, kinds[kind].type, uid_is_zero(&o->key) ? &o->id : &o->key);
	if (kind_is_key(o->kind) && !uid_is_zero(&o->id)) {
		uid_to_text(&o->id, r->version);
		r->e.key_version = r->version;
	}
}

/* O's id is known once it has been made. */
static enum kms_rc
tell(struct local *l, struct call *call, const char *action, const struct object *o, enum kms_rc rc)
{
	struct record r;

	record_begin(&r, call, local_role(l), action, true);
	add_object(&r, o);
	return record_end(&r, l, call, rc);
}

enum kms_rc
recorded_create(struct backend *b, struct call *c, struct object *v, const struct slice *material,
    size_t n)
{
	struct local *l = local_of(b);
	struct call own = { 0 }, *call = OWN_CALL(c, &own);
	enum kms_rc rc, told = KMS_OK;

	TRY(record_ready(l, call));
	rc = local_create(b, call, v, material, n);
	for (size_t i = 0; i < n && told == KMS_OK; i++)
		told = tell(l, call, "CreateObject", &v[i], rc);
	return n == 0 ? rc : told;
}

enum kms_rc
recorded_generate(struct backend *b, struct call *c, struct object *priv, struct object *pub,
    struct slice e)
{
	struct local *l = local_of(b);
	struct call own = { 0 }, *call = OWN_CALL(c, &own);

	TRY(record_ready(l, call));
	return tell(l, call, "GenerateKey", priv, local_generate(b, call, priv, pub, e));
}

enum kms_rc
recorded_update(struct backend *b, struct call *c, struct object *o, const struct slice *material)
{
	struct local *l = local_of(b);
	struct call own = { 0 }, *call = OWN_CALL(c, &own);

	TRY(record_ready(l, call));
	return tell(l, call, "UpdateObject", o, local_update(b, call, o, material));
}

enum kms_rc
recorded_copy(struct backend *b, struct call *c, const struct uid *src, struct object *new_object)
{
	struct local *l = local_of(b);
	struct call own = { 0 }, *call = OWN_CALL(c, &own);
	char source[UID_TEXT_LEN + 1];
	struct record r;
	enum kms_rc rc;

	TRY(record_ready(l, call));
	rc = local_copy(b, call, src, new_object);
	record_begin(&r, c, local_role(l), "CopyObject", true);
	add_object(&r, new_object);
	uid_to_text(src, source);
	record_param(&r, "SourceObjectId", slice_str(source));
	return record_end(&r, l, call, rc);
}

enum kms_rc
recorded_destroy(struct backend *b, struct call *c, const struct uid *ids, size_t n)
{
	struct local *l = local_of(b);
	struct call own = { 0 }, *call = OWN_CALL(c, &own);
	struct record r;
	enum kms_rc rc, told = KMS_OK;

	TRY(record_ready(l, call));
	rc = local_destroy(b, call, ids, n);
	for (size_t i = 0; i < n && told == KMS_OK; i++) {
		record_begin(&r, c, local_role(l), "DestroyObject", true);
		record_resource(&r, "Object", &ids[i]);
		told = record_end(&r, l, call, rc);
	}
	return n == 0 ? rc : told;
}

/* What lies in the open is read without; this gives key material and the values of private data. */
enum kms_rc
recorded_export(struct backend *b, struct call *c, const struct uid *id, struct secret *ret)
{
	struct local *l = local_of(b);
	struct call own = { 0 }, *call = OWN_CALL(c, &own);
	struct record r;
	enum kms_rc rc = local_export(b, call, id, ret);

	record_begin(&r, c, local_role(l), "ExportObject", false);
	record_resource(&r, "Object", id);
	rc = record_end_use(&r, l, call, id, record_number(RECORD_EXPORT, ALG_NONE), rc);
	if (rc != KMS_OK)
		secret_free(ret);
	return rc;
}
