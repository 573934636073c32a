/* SPDX-License-Identifier: Apache-2.0 */
/* Records in the making, and what is done when one cannot be written. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/os.h"
#include "kms/record.h"

#define NUMBERS	    16 /* of a request, as text */
#define CONTEXT_MAX 64 /* names of an encryption context */

/* -- who ----------------------------------------------------------------------------------- */

/* Whoever is logged in, as RAM would call him; the others have no name there. */
static void
who_by_role(struct record *r, enum role role)
{
	static const struct {
		const char *type, *name;
	} roles[] = {
		[ROLE_NONE] = { "anonymous", "" },
		[ROLE_USER] = { NULL, "root" },
		[ROLE_SO] = { "security-officer", "security-officer" },
	};

	r->who = (struct caller){ .kind = CALLER_ROOT,
		.name = roles[role].name,
		.principal_id = roles[role].name,
		.access_key_id = "",
		.source_ip = "",
		.uid = (uid_t)-1,
		.secure_transport = true };
	r->e.identity = roles[role].type;
	r->is_root = role == ROLE_USER;
}

void
record_begin(struct record *r, const struct call *c, enum role role, const char *action, bool write)
{
	*r = (struct record){ .e = { .action = action, .write = write } };
	if (c != NULL && c->who != NULL)
		r->who = *c->who;
	else
		who_by_role(r, role);
	r->e.caller = &r->who;
	r->e.params = r->params;
}

/* What is known only once there is a log. */
static void
complete(struct record *r, const struct record_log *log)
{
	/* Who came over no network is this process. */
	if (r->who.source_ip == NULL || r->who.source_ip[0] == '\0') {
		if (r->who.uid == (uid_t)-1)
			r->who.uid = getuid();
		if (r->who.pid == 0)
			r->who.pid = getpid();
	}
	if (r->who.account == NULL)
		r->who.account = log->account.id;
	if (r->is_root)
		r->who.principal_id = r->who.account;
	if (r->who.user_agent == NULL)
		r->who.user_agent = log->l->recorder->program;
}

/* -- what ---------------------------------------------------------------------------------- */

void
record_param(struct record *r, const char *name, struct slice value)
{
	if (r->e.n_params < RECORD_PARAMS)
		r->params[r->e.n_params++] = (struct audit_param){ name, value };
}

void
record_resource(struct record *r, const char *type, const struct uid *id)
{
	r->e.resource_type = type;
	if (!uid_is_zero(id)) {
		uid_to_text(id, r->resource);
		r->e.resource_name = r->resource;
	}
}

/* -- writing ------------------------------------------------------------------------------- */

/* A folder that others can write is a mistake of the operator's, which is never passed over. Else a
 * key in steady use would say the same with each use. */
static enum kms_rc
cannot(struct recorder *r, struct call *c, enum kms_rc rc, const struct err *err)
{
	const char *why = err->text[0] != '\0' ? err->text : rc_text(rc);
	bool told = atomic_exchange(&r->failed, true);

	if (r->refuse || rc == KMS_CONFIG)
		return call_fail(c, rc, "not done, because it cannot be recorded: %s", why);
	if (!told)
		log_warning("not recorded: %s", why);
	return KMS_OK;
}

enum kms_rc
record_write_to(struct record *r, struct record_log *log, struct err *err)
{
	struct caller who = r->who;
	enum kms_rc rc;

	complete(r, log);
	rc = audit_write(log->audit, &r->e, err);
	r->who = who; /* the account is the log's own */
	return rc;
}

struct counted {
	const struct uid *version;
	unsigned number;
};

/* COUNTED may be NULL: R is no use of a key that is counted. */
static enum kms_rc
write_record(struct record *r, struct local *l, struct call *c, const struct counted *counted)
{
	struct audit_fold *fold;
	struct call own = { .deadline_ms = c == NULL ? 0 : c->deadline_ms };
	struct record_log *log;
	enum kms_rc rc;

	if (!l->recorder->on)
		return KMS_OK;
	if ((rc = record_log_get(l, &own, &log)) == KMS_OK && log != NULL) {
		complete(r, log);
		fold = counted == NULL ? NULL : record_fold(c, log);
		rc = fold == NULL
		    ? audit_write(log->audit, &r->e, &own.err)
		    : audit_fold_use(fold, counted->version, counted->number, &r->e, &own.err);
	}
	if (rc != KMS_OK)
		return cannot(l->recorder, c, rc, &own.err);
	atomic_store_explicit(&l->recorder->failed, false, memory_order_relaxed);
	return KMS_OK;
}

/* R tells of something that ended with RC. It has failed already: the caller is to hear why, not
 * how the record fared. */
static enum kms_rc
write_failure(struct record *r, struct local *l, const struct call *c, enum kms_rc rc)
{
	enum api_error e = c != NULL && c->error != E_None ? c->error : api_error_of_rc(rc);

	r->e.error_code = api_error_row(e)->code;
	r->e.error_message = c != NULL && c->err.text[0] != '\0' ? c->err.text : rc_text(rc);
	(void)write_record(r, l, NULL, NULL);
	return rc;
}

enum kms_rc
record_end(struct record *r, struct local *l, struct call *c, enum kms_rc rc)
{
	return rc == KMS_OK ? write_record(r, l, c, NULL) : write_failure(r, l, c, rc);
}

enum kms_rc
record_end_use(struct record *r, struct local *l, struct call *c, const struct uid *version,
    unsigned number, enum kms_rc rc)
{
	struct counted counted = { version, number };

	return rc == KMS_OK ? write_record(r, l, c, &counted) : write_failure(r, l, c, rc);
}

enum kms_rc
record_ready(struct local *l, struct call *c)
{
	struct recorder *recorder = l->recorder;
	struct record r;

	if (!recorder->on || !recorder->refuse || !atomic_load(&recorder->failed))
		return KMS_OK;
	record_begin(&r, c, local_role(l), "ResumeAuditLog", true);
	return write_record(&r, l, c, NULL);
}

void
record_tick(struct local *l)
{
	struct record_log *log = atomic_load_explicit(&l->recorder->current, memory_order_acquire);

	if (log != NULL && log->audit != NULL)
		audit_tick(log->audit);
}

/* -- actions of the KMS -------------------------------------------------------------------- */

/* A value that is one text; lists and groups are not recorded, bytes and secrets never. */
static void
add_value(struct record *r, const struct field_value *v, char numbers[NUMBERS][24], size_t *n)
{
	const struct field_row *row = field_row(v->name);

	switch (row->kind) {
	case FIELD_TEXT: record_param(r, row->wire, buf_slice(&v->u.text)); break;
	case FIELD_BOOL:
		record_param(r, row->wire, slice_str(v->u.truth ? "true" : "false"));
		break;
	case FIELD_NUMBER:
		if (*n == NUMBERS)
			break;
		(void)snprintf(numbers[*n], sizeof(numbers[*n]), "%" PRId64, v->u.number);
		record_param(r, row->wire, slice_str(numbers[(*n)++]));
		break;
	case FIELD_TEXTS:
		for (size_t i = 0; i < v->u.texts.n; i++)
			record_param(r, row->wire, buf_slice(&v->u.texts.v[i]));
		break;
	case FIELD_BYTES:
	case FIELD_SECRET_TEXT:
	case FIELD_SECRET_BYTES:
	case FIELD_GROUP:
	case FIELD_GROUPS: break;
	}
}

/* Of an encryption context in its canonical form. */
static size_t
context_names(struct slice canonical, struct slice ret[CONTEXT_MAX])
{
	struct reader in = reader_of(canonical);
	size_t n = 0;

	while (in.rest.len > 0 && !in.bad && n < CONTEXT_MAX) {
		ret[n] = read_bytes(&in);
		(void)read_bytes(&in);
		n += !in.bad;
	}
	return n;
}

/* The text of a field of what was asked for or, failing that, of what was given. */
static struct slice
named(const struct act *a, enum field name)
{
	struct slice s = a->req == NULL ? slice_of(NULL, 0) : fields_get(a->req, name);

	return s.len > 0 || a->res == NULL ? s : fields_get(a->res, name);
}

static const char *
text(struct slice s, char *ret, size_t size)
{
	size_t n = s.len < size - 1 ? s.len : size - 1;

	if (n > 0)
		memcpy(ret, s.p, n);
	ret[n] = '\0';
	return ret;
}

/* What the action was about, in a text of NAME_SIZE bytes. */
#define NAME_SIZE 300
static void
add_resource(struct record *r, const struct act *a, char name[NAME_SIZE])
{
	static const struct {
		enum field name;
		const char *type;
	} known[] = {
		{ F_SecretName, "ACS::KMS::Secret" },
		{ F_AliasName, "ACS::KMS::Alias" },
		{ F_KeyId, "ACS::KMS::Key" },
		{ F_UserName, "ACS::RAM::User" },
		{ F_PolicyName, "ACS::RAM::Policy" },
	};
	const struct fields *made = a->res == NULL ? NULL : fields_group(a->res, F_KeyMetadata);

	if (a->has_key) {
		record_resource(r, "ACS::KMS::Key", &a->key.id);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct slice s = named(a, known[i].name);

		if (s.len == 0 && made != NULL)
			s = fields_get(made, known[i].name);
		if (s.len == 0)
			continue;
		r->e.resource_type = known[i].type;
		r->e.resource_name = text(s, name, NAME_SIZE);
		return;
	}
}

enum kms_rc
record_act(struct act *a, enum kms_rc rc)
{
	const struct action_row *row;
	char numbers[NUMBERS][24], name[NAME_SIZE], version[NAME_SIZE];
	struct slice names[CONTEXT_MAX], s;
	struct record r;
	size_t n = 0;

	if (!a->l->recorder->on || a->action >= ACTION_COUNT)
		return rc;
	row = action_row(a->action);
	record_begin(&r, a->c, local_role(a->l), row->name, row->rw == ACTION_WRITE);
	for (size_t i = 0; i < a->req->n; i++)
		add_value(&r, &a->req->v[i], numbers, &n);
	r.e.context_names = names;
	r.e.n_context_names = context_names(buf_slice(&a->context), names);
	add_resource(&r, a, name);
	if ((s = named(a, F_KeyVersionId)).len > 0)
		r.e.key_version = text(s, version, sizeof(version));
	return record_end(&r, a->l, a->c, rc);
}

void
record_due(struct act *a, bool is_secret, const struct uid *id, struct slice name, enum kms_rc rc)
{
	char secret[NAME_SIZE];
	struct record r;

	if (!a->l->recorder->on)
		return;
	record_begin(&r, NULL, ROLE_NONE, a->due, true);
	r.e.identity = r.who.name = r.who.principal_id = "system";
	record_resource(&r, is_secret ? "ACS::KMS::Secret" : "ACS::KMS::Key", id);
	if (is_secret)
		r.e.resource_name = text(name, secret, sizeof(secret));
	/* It is done, and is due no more: there is nobody to refuse. */
	(void)record_end(&r, a->l, rc == KMS_OK ? NULL : a->c, rc);
}
