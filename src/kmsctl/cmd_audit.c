/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log for people: its records shown, searched and exported, and all of it verified. */
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit/read.h"
#include "base/os.h"
#include "kms/local.h"
#include "kmsctl/ctl.h"
#include "kmsctl/pem.h"

#define TAIL	  20
#define FOLLOW_US 250000

/* -- which log ----------------------------------------------------------------------------- */

/* The folder of --dir, or of the token's log. */
static enum exit_code
find_log(struct ctl *c, struct audit_place *ret)
{
	enum exit_code code;
	enum kms_rc rc;

	if (c->opt[OPT_DIR] != NULL) {
		*ret = (struct audit_place){ .dir = c->opt[OPT_DIR] };
		return EXIT_DONE;
	}
	if ((code = ctl_open(c)) != EXIT_DONE)
		return code;
	rc = local_audit(c->backend, ctl_call(c), ret);
	return rc == KMS_OK ? EXIT_DONE : ctl_fail(c, rc, "cannot find the audit log");
}

/* -- which records ------------------------------------------------------------------------- */

/* "90m", "2h", "7d": so long ago. */
static bool
ago(const char *text, int64_t *ret)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || n < 0 || n > 1000000 || end[0] == '\0' || end[1] != '\0')
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (units[i].unit != end[0])
			continue;
		*ret = os_wall_seconds() - n * units[i].seconds;
		return true;
	}
	return false;
}

static bool
point_in_time(const char *text, int64_t *ret)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d" };

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);

		if (end == NULL || *end != '\0')
			continue;
		*ret = (int64_t)timegm(&tm);
		return true;
	}
	return ago(text, ret);
}

static enum exit_code
time_option(struct ctl *c, enum opt opt, const char *name, int64_t *ret)
{
	if (c->opt[opt] == NULL || point_in_time(c->opt[opt], ret))
		return EXIT_DONE;
	return ctl_usage(c, "%s is 2030-12-31T23:59:59Z, 2030-12-31, or so long ago: 90m, 2h, 7d",
	    name);
}

static enum exit_code
read_filter(struct ctl *c, struct audit_filter *ret)
{
	enum exit_code code;

	*ret = (struct audit_filter){ .action = c->opt[OPT_ACTION],
		.key = c->opt[OPT_KEY],
		.principal = c->opt[OPT_PRINCIPAL],
		.request_id = c->opt[OPT_REQUEST_ID] };
	if ((code = time_option(c, OPT_SINCE, "--since", &ret->since)) != EXIT_DONE)
		return code;
	return time_option(c, OPT_UNTIL, "--until", &ret->until);
}

static bool
has_result(const struct ctl *c, const struct audit_row *row)
{
	const char *want = c->opt[OPT_RESULT];

	if (want == NULL)
		return true;
	if (strcmp(want, "ok") == 0)
		return row->error_code[0] == '\0';
	if (strcmp(want, "failed") == 0)
		return row->error_code[0] != '\0';
	return strcmp(want, row->error_code) == 0;
}

/* The records that are wanted, from the first on. */
struct search {
	struct ctl *c;
	struct audit_reader *reader;
};

static void
search_close(struct search *s)
{
	audit_reader_close(s->reader);
}
#define auto_search __attribute__((cleanup(search_close))) struct search

static enum exit_code
search_open(struct ctl *c, const char *dir, const struct audit_filter *f, struct search *ret)
{
	struct search s = { .c = c };
	enum kms_rc rc = audit_reader_open(dir, f, &s.reader, &ctl_call(c)->err);

	if (rc != KMS_OK)
		return ctl_fail(c, rc, "cannot read the audit log in %s", dir);
	*ret = s;
	return EXIT_DONE;
}

/* KMS_NOTFOUND: no more for now. */
static enum kms_rc
search_next(struct search *s, struct audit_row *ret)
{
	enum kms_rc rc;

	do
		rc = audit_reader_next(s->reader, ret, &s->c->call.err);
	while (rc == KMS_OK && !has_result(s->c, ret));
	return rc;
}

static enum exit_code
broken(struct ctl *c, enum kms_rc rc)
{
	return rc == KMS_OK || rc == KMS_NOTFOUND ? EXIT_DONE
						  : ctl_fail(c, rc, "cannot read the audit log");
}

/* -- showing ------------------------------------------------------------------------------- */

static const struct {
	struct out_column out;
	size_t offset; /* of a const char * in struct audit_row */
} columns[] = {
#define COLUMN(key, title, json_only, member)                                           \
	{                                                                               \
		{ key, title, OUT_TEXT, json_only }, offsetof(struct audit_row, member) \
	}
	COLUMN("time", "TIME", false, time),
	COLUMN("action", "ACTION", false, action),
	COLUMN("user", "USER", false, user),
	COLUMN("program", "PROGRAM", false, program),
	COLUMN("resource", "RESOURCE", false, resource_name),
	COLUMN("error_code", "ERROR", false, error_code),
	COLUMN("error_message", "MESSAGE", true, error_message),
	COLUMN("resource_type", "TYPE", true, resource_type),
	COLUMN("key_version", "VERSION", true, key_version),
	COLUMN("rw", "RW", true, rw),
	COLUMN("identity", "IDENTITY", true, identity),
	COLUMN("account", "ACCOUNT", true, account),
	COLUMN("principal_id", "PRINCIPAL", true, principal_id),
	COLUMN("access_key_id", "ACCESS KEY", true, access_key_id),
	COLUMN("source_ip", "ADDRESS", true, source_ip),
	COLUMN("user_agent", "AGENT", true, user_agent),
	COLUMN("first_time", "FIRST", true, first_time),
	COLUMN("last_time", "LAST", true, last_time),
	COLUMN("request_id", "REQUEST", true, request_id),
	COLUMN("event_id", "EVENT", true, event_id),
	COLUMN("writer", "WRITER", true, writer),
	COLUMN("file", "FILE", true, file),
#undef COLUMN
};
#define COUNT	ARRAY_LEN(columns) /* two numbers behind the texts */
#define SEQ	(COUNT + 1)
#define N_SHOWN 6 /* the first of them are for people */

/* What the log's text was is shown without what could move a terminal's cursor. */
static char *
cell(const struct audit_row *row, size_t column)
{
	const char *s;

	memcpy(&s, (const char *)row + columns[column].offset, sizeof(s));
	return label_text(slice_str(s));
}

static void
add_row(struct out *o, const struct audit_row *row)
{
	out_row(o);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		out_take(o, i, cell(row, i));
	out_setf(o, COUNT, "%llu", (unsigned long long)row->count);
	out_setf(o, SEQ, "%llu", (unsigned long long)row->seq);
}

static enum exit_code
show_all(struct search *s, uint64_t skip)
{
	struct out_column all[SEQ + 1];
	struct audit_row row;
	enum kms_rc rc;

	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		all[i] = columns[i].out;
	all[COUNT] = (struct out_column){ "count", "COUNT", OUT_NUMBER, false };
	all[SEQ] = (struct out_column){ "seq", "SEQ", OUT_NUMBER, true };

	auto_out *o = out_new(s->c, all, ARRAY_LEN(all));

	if (o == NULL)
		return ctl_fail(s->c, KMS_NOMEM, "cannot show the audit log");
	while ((rc = search_next(s, &row)) == KMS_OK) {
		if (skip > 0)
			skip--;
		else
			add_row(o, &row);
	}
	return rc == KMS_NOTFOUND ? out_print(o) : broken(s->c, rc);
}

/* One record at once: its line of JSON, or a line for people. */
static void
show_now(const struct ctl *c, const struct audit_row *row)
{
	if (c->opt[OPT_JSON] != NULL) {
		(void)fwrite(row->text.p, 1, row->text.len, stdout);
	} else {
		for (size_t i = 0; i < N_SHOWN; i++) {
			auto_text *text = cell(row, i);

			(void)printf("%s%s", i == 0 ? "" : "  ",
			    text == NULL || text[0] == '\0' ? "-" : text);
		}
		if (row->count > 1)
			(void)printf("  %llu times", (unsigned long long)row->count);
	}
	(void)putchar('\n');
}

/* Until somebody stops us, or nobody reads any more. */
static enum exit_code
follow(struct search *s, uint64_t skip)
{
	struct audit_row row;
	enum kms_rc rc;

	for (;;) {
		while ((rc = search_next(s, &row)) == KMS_OK) {
			if (skip > 0)
				skip--;
			else
				show_now(s->c, &row);
		}
		if (rc != KMS_NOTFOUND)
			return broken(s->c, rc);
		if (fflush(stdout) != 0)
			return EXIT_DONE;
		err_clear(&s->c->call.err);
		(void)usleep(FOLLOW_US);
	}
}

static enum exit_code
count(struct ctl *c, const char *dir, const struct audit_filter *f, uint64_t *ret)
{
	auto_search s = { 0 };
	struct audit_row row;
	enum exit_code code = search_open(c, dir, f, &s);
	enum kms_rc rc;

	if (code != EXIT_DONE)
		return code;
	for (*ret = 0; (rc = search_next(&s, &row)) == KMS_OK; (*ret)++)
		continue;
	return broken(c, rc);
}

static enum exit_code
lines_option(struct ctl *c, uint64_t *ret)
{
	const char *text = c->opt[OPT_LINES];
	char *end;

	*ret = TAIL;
	if (text == NULL)
		return EXIT_DONE;
	*ret = strtoul(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0'
	    ? EXIT_DONE
	    : ctl_usage(c, "--lines takes a number of records");
}

enum exit_code
cmd_audit_tail(struct ctl *c)
{
	auto_search s = { 0 };
	struct audit_filter f;
	struct audit_place place;
	uint64_t total = 0, lines, skip;
	enum exit_code code;

	if ((code = lines_option(c, &lines)) != EXIT_DONE ||
	    (code = read_filter(c, &f)) != EXIT_DONE || (code = find_log(c, &place)) != EXIT_DONE ||
	    (code = count(c, place.dir, &f, &total)) != EXIT_DONE ||
	    (code = search_open(c, place.dir, &f, &s)) != EXIT_DONE)
		return code;
	skip = total > lines ? total - lines : 0;
	return c->opt[OPT_FOLLOW] != NULL ? follow(&s, skip) : show_all(&s, skip);
}

enum exit_code
cmd_audit_search(struct ctl *c)
{
	auto_search s = { 0 };
	struct audit_filter f;
	struct audit_place place;
	enum exit_code code;

	if ((code = read_filter(c, &f)) != EXIT_DONE || (code = find_log(c, &place)) != EXIT_DONE ||
	    (code = search_open(c, place.dir, &f, &s)) != EXIT_DONE)
		return code;
	return show_all(&s, 0);
}

/* -- export -------------------------------------------------------------------------------- */

enum exit_code
cmd_audit_export(struct ctl *c)
{
	enum audit_format format = c->opt[OPT_CSV] != NULL ? AUDIT_CSV : AUDIT_JSON_LINES;
	auto_search s = { 0 };
	auto_buf text = { 0 };
	struct audit_filter f;
	struct audit_place place;
	struct audit_row row;
	enum exit_code code;
	enum kms_rc rc;

	if ((code = read_filter(c, &f)) != EXIT_DONE || (code = find_log(c, &place)) != EXIT_DONE ||
	    (code = search_open(c, place.dir, &f, &s)) != EXIT_DONE)
		return code;
	rc = buf_add(&text, slice_str(audit_export_head(format)));
	while (rc == KMS_OK && (rc = search_next(&s, &row)) == KMS_OK)
		rc = audit_export_row(format, &row, &text);
	if (rc != KMS_NOTFOUND)
		return ctl_fail(c, rc, "cannot read the audit log");
	rc = file_write_private(c->opt[OPT_OUT], buf_slice(&text), &ctl_call(c)->err);
	return rc == KMS_OK ? EXIT_DONE : ctl_fail(c, rc, "cannot write the records");
}

/* -- verification -------------------------------------------------------------------------- */

enum { FOUND_LEVEL, FOUND_WHAT, FOUND_FILE, FOUND_LINE, FOUND_SEQ, FOUND_TEXT };

static const struct out_column found_columns[] = {
	[FOUND_LEVEL] = { "level", "LEVEL", OUT_TEXT, false },
	[FOUND_WHAT] = { "what", "WHAT", OUT_TEXT, false },
	[FOUND_FILE] = { "file", "FILE", OUT_TEXT, false },
	[FOUND_LINE] = { "line", "LINE", OUT_NUMBER, false },
	[FOUND_SEQ] = { "seq", "SEQ", OUT_NUMBER, false },
	[FOUND_TEXT] = { "text", "TEXT", OUT_TEXT, false },
};

static void
found(void *arg, const struct audit_finding *f)
{
	static const char *const levels[] = {
		[AUDIT_NOTE] = "note",
		[AUDIT_WARNING] = "warning",
		[AUDIT_ERROR] = "error",
	};
	struct out *o = arg;

	out_row(o);
	out_set(o, FOUND_LEVEL, levels[f->level]);
	out_set(o, FOUND_WHAT, f->word);
	out_set(o, FOUND_FILE, f->file == NULL ? "" : f->file);
	if (f->line > 0)
		out_setf(o, FOUND_LINE, "%llu", (unsigned long long)f->line);
	if (f->seq > 0)
		out_setf(o, FOUND_SEQ, "%llu", (unsigned long long)f->seq);
	out_take(o, FOUND_TEXT, label_text(slice_str(f->text)));
}

/* --public-key's, or what the store knows. *N is 0 when there is none. */
static enum exit_code
trusted_key(struct ctl *c, const struct audit_place *place, struct buf *given, struct slice *ret,
    size_t *n)
{
	auto_secret file = { 0 };
	enum kms_rc rc = KMS_OK;

	if (c->opt[OPT_PUBLIC_KEY] != NULL) {
		rc = file_read_secret(c->opt[OPT_PUBLIC_KEY], false, &file, &ctl_call(c)->err);
		if (rc == KMS_OK)
			rc = pem_public_key(secret_slice(&file), given);
		*ret = buf_slice(given);
	} else {
		*ret = place->public_key;
	}
	*n = ret->len > 0;
	return rc == KMS_OK
	    ? EXIT_DONE
	    : ctl_fail(c, rc, "cannot read a public key from %s", c->opt[OPT_PUBLIC_KEY]);
}

/* For people, behind what was found. */
static void
tell_summary(const struct audit_place *place, const struct audit_summary *s)
{
	(void)printf("%s: %llu records in %llu files by %llu writers, %llu signatures",
	    s->errors > 0 ? "NOT OK" : "OK", (unsigned long long)s->records,
	    (unsigned long long)s->files, (unsigned long long)s->writers,
	    (unsigned long long)s->signatures);
	if (s->unsigned_records > 0)
		(void)printf(", %llu records not signed yet",
		    (unsigned long long)s->unsigned_records);
	(void)printf(" (%s)\n", place->dir);
}

enum exit_code
cmd_audit_verify(struct ctl *c)
{
	auto_out *o = out_new(c, found_columns, ARRAY_LEN(found_columns));
	auto_buf given = { 0 };
	struct audit_check check = { .report = found, .arg = o };
	struct audit_summary sum = { 0 };
	struct audit_place place;
	struct slice key;
	enum exit_code code;
	enum kms_rc rc;

	if (o == NULL)
		return ctl_fail(c, KMS_NOMEM, "cannot verify the audit log");
	if ((code = find_log(c, &place)) != EXIT_DONE ||
	    (code = trusted_key(c, &place, &given, &key, &check.n_keys)) != EXIT_DONE)
		return code;
	check.dir = place.dir;
	check.keys = &key;
	check.anchor = place.anchor;
	rc = audit_verify(&check, &sum, &ctl_call(c)->err);
	if (rc != KMS_OK && rc != KMS_TAMPERED)
		return ctl_fail(c, rc, "cannot verify the audit log in %s", place.dir);
	if ((code = out_print(o)) != EXIT_DONE)
		return code;
	if (c->opt[OPT_JSON] == NULL)
		tell_summary(&place, &sum);
	err_clear(&c->call.err);
	return rc == KMS_OK ? EXIT_DONE
			    : ctl_fail(c, KMS_OK, "the audit log is not as it was written");
}
