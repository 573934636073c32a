/* SPDX-License-Identifier: Apache-2.0 */
/* The results of actions: as records and tables under the API's own names, as bytes, as files, or
 * as one sentence. */
#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/codec.h"
#include "kmsctl/kms_json.h"
#include "kmsctl/kms_verb.h"

#define TITLE_MAX 48

/* -- values -- */

static bool
is_secret(enum field f)
{
	return field_row(f)->kind == FIELD_SECRET_TEXT || field_row(f)->kind == FIELD_SECRET_BYTES;
}

/* A member, of RES or of a group in it. */
static const struct field_value *
find(const struct fields *res, enum field f)
{
	const struct field_value *v = fields_value(res, f);

	for (size_t i = 0; v == NULL && i < res->n; i++) {
		if (field_row(res->v[i].name)->kind == FIELD_GROUP && res->v[i].u.groups.n > 0)
			v = fields_value(res->v[i].u.groups.v, f);
	}
	return v;
}

static struct slice
bytes_of(const struct field_value *v)
{
	if (v == NULL)
		return slice_of(NULL, 0);
	return is_secret(v->name) ? secret_slice(&v->u.secret) : buf_slice(&v->u.text);
}

static char *
base64_text(struct slice s)
{
	auto_buf b = { 0 };

	if (base64_encode(s, &b) != KMS_OK)
		return NULL;
	return strndup(b.len == 0 ? "" : (const char *)b.p, b.len);
}

static void
set_texts(struct ctl *c, struct out *o, size_t column, const struct field_value *v)
{
	auto_buf all = { 0 };
	enum kms_rc rc = KMS_OK;

	for (size_t i = 0; i < v->u.texts.n && rc == KMS_OK; i++) {
		if (i > 0)
			rc = buf_add(&all, slice_str(out_separator(c)));
		if (rc == KMS_OK)
			rc = buf_add(&all, buf_slice(&v->u.texts.v[i]));
	}
	out_take(o, column,
	    rc != KMS_OK ? NULL : strndup(all.len == 0 ? "" : (const char *)all.p, all.len));
}

static void
set(struct ctl *c, struct out *o, size_t column, const struct field_value *v)
{
	if (v == NULL)
		return;
	switch (field_row(v->name)->kind) {
	case FIELD_TEXT:
	case FIELD_SECRET_TEXT: out_take(o, column, label_text(bytes_of(v))); break;
	case FIELD_BYTES:
	case FIELD_SECRET_BYTES: out_take(o, column, base64_text(bytes_of(v))); break;
	case FIELD_NUMBER: out_setf(o, column, "%lld", (long long)v->u.number); break;
	case FIELD_BOOL: out_bool(o, column, v->u.truth); break;
	case FIELD_TEXTS: set_texts(c, o, column, v); break;
	case FIELD_GROUP:
	case FIELD_GROUPS: break;
	}
}

/* -- columns, by the API's names -- */

static enum out_type
type_of(enum field f)
{
	switch (field_row(f)->kind) {
	case FIELD_NUMBER: return OUT_NUMBER;
	case FIELD_BOOL: return OUT_BOOL;
	case FIELD_TEXTS: return OUT_LIST;
	case FIELD_TEXT:
	case FIELD_BYTES:
	case FIELD_SECRET_TEXT:
	case FIELD_SECRET_BYTES:
	case FIELD_GROUP:
	case FIELD_GROUPS: break;
	}
	return f == F_Description || f == F_Comments ? OUT_PROSE : OUT_TEXT;
}

/* "KeyId" is "Key id" of a record, and "KEY ID" above a column. */
static void
title_of(enum field f, bool capitals, char ret[TITLE_MAX])
{
	const char *s = field_row(f)->wire;
	size_t n = 0;

	for (size_t i = 0; s[i] != '\0' && n + 2 < TITLE_MAX; i++) {
		bool word = isupper((unsigned char)s[i]) && i > 0 &&
		    (islower((unsigned char)s[i - 1]) || islower((unsigned char)s[i + 1]));

		if (word)
			ret[n++] = ' ';
		if (capitals)
			ret[n++] = (char)toupper((unsigned char)s[i]);
		else if (word)
			ret[n++] = (char)tolower((unsigned char)s[i]);
		else
			ret[n++] = s[i];
	}
	ret[n] = '\0';
}

#define COLUMNS_MAX 40
struct columns {
	struct out_column v[COLUMNS_MAX];
	char titles[COLUMNS_MAX][TITLE_MAX];
	size_t n;
};

static void
add_column(struct columns *cols, enum field f, bool capitals)
{
	if (cols->n == COLUMNS_MAX)
		return;
	title_of(f, capitals, cols->titles[cols->n]);
	cols->v[cols->n] = (struct out_column){
		.key = field_row(f)->wire, .title = cols->titles[cols->n], .type = type_of(f)
	};
	cols->n++;
}

/* -- a table -- */

struct kms_table {
	struct ctl *c;
	const struct show *show;
	struct out *o; /* for people */
	json_t *rows;  /* or for programs */
	struct columns columns;
};

struct kms_table *
kms_table_new(struct ctl *c, const struct show *s)
{
	struct kms_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->c = c;
	t->show = s;
	for (size_t i = 0; s->columns[i] != F_COUNT; i++)
		add_column(&t->columns, s->columns[i], true);
	if (c->opt[OPT_JSON] != NULL)
		t->rows = json_array();
	else
		t->o = out_new(c, t->columns.v, t->columns.n);
	if (t->o != NULL || t->rows != NULL)
		return t;
	free(t);
	return NULL;
}

void
kms_table_free(struct kms_table *t)
{
	if (t == NULL)
		return;
	out_free(t->o);
	json_decref(t->rows);
	free(t);
}

/* What one row does not tell by itself. A row that may not be looked into stays short. */
static void
look_into(struct kms_table *t, const struct fields *row, struct fields *ret)
{
	auto_fields req = { 0 };

	if (t->show->detail == ACTION_COUNT ||
	    fields_put(&req, F_KeyId, fields_get(row, F_KeyId)) != KMS_OK ||
	    backend_act(t->c->backend, ctl_call(t->c), t->show->detail, &req, ret) != KMS_OK)
		err_clear(&t->c->call.err);
}

/* All members of one row, and what its detail adds. */
static bool
add_object(struct kms_table *t, const struct fields *row, const struct fields *detail)
{
	json_t *j = json_object();
	bool good = j != NULL;

	for (size_t i = 0; i < row->n; i++)
		good = good && kms_json_add(j, &row->v[i]);
	for (size_t i = 0; detail != NULL && i < detail->n; i++)
		good = good && kms_json_add(j, &detail->v[i]);
	if (good)
		return json_array_append_new(t->rows, j) == 0;
	json_decref(j);
	return false;
}

static void
add_line(struct kms_table *t, const struct fields *row, const struct fields *detail)
{
	out_row(t->o);
	for (size_t k = 0; k < t->columns.n; k++) {
		const struct field_value *v = fields_value(row, t->show->columns[k]);

		if (v == NULL && detail != NULL)
			v = fields_value(detail, t->show->columns[k]);
		set(t->c, t->o, k, v);
	}
}

enum exit_code
kms_table_add(struct kms_table *t, const struct fields *res)
{
	const struct field_value *list = fields_value(res, t->show->field);

	for (size_t i = 0; list != NULL && i < list->u.groups.n; i++) {
		const struct fields *row = &list->u.groups.v[i];
		auto_fields more = { 0 };
		const struct fields *detail;

		look_into(t, row, &more);
		detail = more.n == 0 ? NULL : more.v[0].u.groups.v;
		if (t->rows == NULL)
			add_line(t, row, detail);
		else if (!add_object(t, row, detail))
			return ctl_fail(t->c, KMS_NOMEM, "cannot write the result");
	}
	return EXIT_DONE;
}

enum exit_code
kms_table_print(struct kms_table *t)
{
	return t->rows != NULL ? kms_json_print(t->c, t->rows) : out_print(t->o);
}

/* -- a record -- */

static const struct fill *
file_of(const struct ctl *c, const struct kms_verb *v, enum field f)
{
	for (const struct fill *i = v->fills; i->from != FILL_END; i++) {
		const char *path = i->from == FILL_TO_FILE ? c->opt[i->opt] : NULL;

		if (i->field == f && path != NULL && strcmp(path, "-") != 0)
			return i;
	}
	return NULL;
}

/* Every member, those of its groups in their place; but lists of groups, and what went to a file.
 */
static void
collect(const struct ctl *c, const struct kms_verb *v, const struct fields *f,
    const struct field_value *found[COLUMNS_MAX], struct columns *cols)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct field_value *m = &f->v[i];
		enum field_kind kind = field_row(m->name)->kind;

		if (kind == FIELD_GROUP && m->u.groups.n > 0)
			collect(c, v, m->u.groups.v, found, cols);
		else if (kind != FIELD_GROUP && kind != FIELD_GROUPS && cols->n < COLUMNS_MAX &&
		    file_of(c, v, m->name) == NULL) {
			found[cols->n] = m;
			add_column(cols, m->name, false);
		}
	}
}

static enum exit_code
object(struct ctl *c, const struct field_value *found[COLUMNS_MAX], size_t n)
{
	auto_json *rows = json_pack("[{}]");
	bool good = rows != NULL;

	for (size_t i = 0; i < n; i++)
		good = good && kms_json_add(json_array_get(rows, 0), found[i]);
	return good ? kms_json_print(c, rows)
		    : ctl_fail(c, KMS_NOMEM, "it is done, but cannot be shown");
}

static enum exit_code
record(struct ctl *c, const struct kms_verb *v, const struct fields *f)
{
	const struct field_value *found[COLUMNS_MAX];
	struct columns cols = { .n = 0 };
	auto_out *o = NULL;

	collect(c, v, f, found, &cols);
	if (c->opt[OPT_JSON] != NULL)
		return object(c, found, cols.n);
	if (cols.n == 0)
		return EXIT_DONE; /* all of it is in files */
	if ((o = out_new(c, cols.v, cols.n)) == NULL)
		return ctl_fail(c, KMS_NOMEM, "it is done, but cannot be shown");
	out_row(o);
	for (size_t i = 0; i < cols.n; i++)
		set(c, o, i, found[i]);
	if (find(f, F_AccessKeySecret) != NULL && file_of(c, v, F_AccessKeySecret) == NULL &&
	    isatty(STDOUT_FILENO) == 1)
		(void)fprintf(stderr,
		    "kmsctl: the secret is shown this once; whoever reads it can act as the user\n");
	return out_print_records(o);
}

/* -- bytes -- */

/* Nothing in it that a terminal would take for more than text. */
static bool
is_plain_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((s.p[i] < 0x20 && s.p[i] != '\n' && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	}
	return utf8_valid(s);
}

static enum exit_code
put_bytes(struct ctl *c, enum field f, struct slice s, const char *path)
{
	auto_text *pem = f == F_PublicKeyDer ? spki_pem(s) : NULL;
	auto_text *base64 = NULL;
	enum kms_rc rc;

	if (pem != NULL)
		s = slice_str(pem); /* what others read most easily */
	err_clear(&c->call.err);
	if (path != NULL)
		rc = is_secret(f) ? file_write_private(path, s, &c->call.err)
				  : file_write(path, s, &c->call.err);
	else if (isatty(STDOUT_FILENO) == 1 && !is_plain_text(s)) {
		if ((base64 = base64_text(s)) == NULL)
			return ctl_fail(c, KMS_NOMEM, "cannot show the result");
		(void)printf("%s\n", base64);
		rc = KMS_OK;
	} else {
		rc = file_write(NULL, s, &c->call.err);
		/* A prompt stands on a line of its own. */
		if (isatty(STDOUT_FILENO) == 1 && s.len > 0 && s.p[s.len - 1] != '\n')
			(void)fputc('\n', stdout);
	}
	return rc == KMS_OK ? EXIT_DONE : ctl_fail(c, rc, "cannot write the result");
}

/* A member's bytes as the caller put them: what was not text has travelled in base64. */
static enum exit_code
put_member(struct ctl *c, const struct fields *res, enum field f, const char *path)
{
	struct slice s = bytes_of(find(res, f)), type = fields_get(res, F_SecretDataType);
	auto_buf bytes = { 0 };

	/* Others may have put what is none. */
	if (f == F_SecretData && slice_eq(type, slice_str("binary")) &&
	    base64_decode(s, &bytes) == KMS_OK)
		s = buf_slice(&bytes);
	return put_bytes(c, f, s, path);
}

/* -- all of it -- */

char *
kms_sentence(const struct ctl *c, const char *text)
{
	auto_buf b = { 0 };
	enum kms_rc rc = KMS_OK;

	for (; *text != '\0' && rc == KMS_OK; text++) {
		int n = text[0] == '%' ? text[1] - '1' : -1;

		if (n >= 0 && n < c->n_args)
			rc = buf_add(&b, slice_str(c->args[n]));
		else if (text[0] == '%' && text[1] == 'D')
			rc = buf_add(&b, slice_str(c->opt[OPT_DAYS]));
		else {
			rc = buf_add_byte(&b, (uint8_t)text[0]);
			continue;
		}
		text++;
	}
	return rc == KMS_OK ? label_text(buf_slice(&b)) : NULL;
}

static enum exit_code
say(struct ctl *c, const struct kms_verb *v, const struct fields *req)
{
	auto_text *text = NULL;

	if (c->opt[OPT_JSON] != NULL)
		return record(c, v, req);
	if ((text = kms_sentence(c, v->say)) == NULL)
		return ctl_fail(c, KMS_NOMEM, "it is done, but cannot be told");
	(void)printf("%s\n", text);
	return EXIT_DONE;
}

enum exit_code
kms_show(struct ctl *c, const struct kms_verb *v, enum action a, const struct fields *req,
    const struct fields *res)
{
	enum exit_code code = EXIT_DONE;

	for (const struct fill *f = v->fills; f->from != FILL_END && code == EXIT_DONE; f++) {
		const struct field_value *m =
		    f->from == FILL_TO_FILE && file_of(c, v, f->field) == f ? find(res, f->field)
									    : NULL;

		if (m != NULL)
			code = put_member(c, res, f->field, c->opt[f->opt]);
	}
	if (code != EXIT_DONE)
		return code;
	if (action_row(a)->results[0] == F_COUNT)
		return say(c, v, req);
	if (v->show.kind == SHOW_RECORD || c->opt[OPT_JSON] != NULL)
		return record(c, v, res);
	if (file_of(c, v, v->show.field) != NULL)
		return EXIT_DONE;
	return put_member(c, res, v->show.field, NULL);
}
