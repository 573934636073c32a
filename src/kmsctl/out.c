/* SPDX-License-Identifier: Apache-2.0 */
/* Output by libsmartcols: tables for people, JSON for programs; nothing is written before all of it
 * is there. */
#include "kmsctl/ctl.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdlib.h>

struct out {
	struct ctl *c;
	const struct out_column *columns;
	size_t n;
	bool json, failed;
	struct libscols_table *table;
	struct libscols_line *line;
};

static struct libscols_table *
table_new(bool json)
{
	struct libscols_table *t = scols_new_table();

	if (t == NULL)
		return NULL;
	if (scols_table_enable_json(t, json) != 0 ||
	    (json && scols_table_enable_noencoding(t, 1) != 0) ||
	    scols_table_set_name(t, "v") != 0 || scols_table_enable_maxout(t, 0) != 0) {
		scols_unref_table(t);
		return NULL;
	}
	return t;
}

/* The columns of a table for people and of JSON: by title, or by key and with types. */
static bool
add_column(struct out *o, const struct out_column *column)
{
	static const int types[] = {
		[OUT_TEXT] = SCOLS_JSON_STRING,
		[OUT_PROSE] = SCOLS_JSON_STRING,
		[OUT_NUMBER] = SCOLS_JSON_NUMBER,
		[OUT_BOOL] = SCOLS_JSON_BOOLEAN,
		[OUT_LIST] = SCOLS_JSON_ARRAY_STRING,
	};
	int flags = o->json && column->type == OUT_LIST ? SCOLS_FL_WRAP : 0;
	struct libscols_column *col;

	if (!o->json && column->type == OUT_PROSE)
		flags |= SCOLS_FL_WRAP;
	if (column->type == OUT_NUMBER)
		flags |= SCOLS_FL_RIGHT;
	if (!o->json && column->json_only)
		flags |= SCOLS_FL_HIDDEN;
	col = scols_table_new_column(o->table, o->json ? column->key : column->title, 0, flags);
	if (col == NULL)
		return false;
	if (!o->json)
		return true;
	if (column->type == OUT_LIST &&
	    (scols_column_set_wrapfunc(col, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL) !=
		    0 ||
		scols_column_set_safechars(col, "\n") != 0))
		return false;
	return scols_column_set_json_type(col, types[column->type]) == 0;
}

struct out *
out_new(struct ctl *c, const struct out_column *columns, size_t n)
{
	struct out *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	*o = (struct out){ .c = c, .columns = columns, .n = n, .json = c->opt[OPT_JSON] != NULL };
	if ((o->table = table_new(o->json)) == NULL) {
		out_free(o);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		if (!add_column(o, &columns[i])) {
			out_free(o);
			return NULL;
		}
	}
	return o;
}

void
out_free(struct out *o)
{
	if (o == NULL)
		return;
	scols_unref_table(o->table);
	free(o);
}

void
out_row(struct out *o)
{
	o->line = scols_table_new_line(o->table, NULL);
	o->failed = o->failed || o->line == NULL;
}

void
out_set(struct out *o, size_t column, const char *text)
{
	o->failed = o->failed || scols_line_set_data(o->line, column, text) != 0;
}

void
out_take(struct out *o, size_t column, char *text)
{
	if (text == NULL)
		o->failed = true;
	else
		out_set(o, column, text);
	free(text);
}

void
out_setf(struct out *o, size_t column, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	out_take(o, column, text);
}

void
out_bool(struct out *o, size_t column, bool value)
{
	/* libsmartcols writes a boolean as false for "0", "N" and nothing, as true for the rest. */
	out_set(o, column, o->json ? (value ? "1" : "0") : (value ? "yes" : "no"));
}

const char *
out_separator(const struct ctl *c)
{
	return c->opt[OPT_JSON] != NULL ? "\n" : ",";
}

void
out_sort(struct out *o, size_t column)
{
	struct libscols_column *col = scols_table_get_column(o->table, column);

	o->failed = o->failed || scols_column_set_cmpfunc(col, scols_cmpstr_cells, NULL) != 0 ||
	    scols_sort_table(o->table, col) != 0;
}

/*
 * libsmartcols writes {"v": [...]}; what we promise is the array alone. Each line stands three
 * blanks too deep then. A string in JSON holds no line feed, so that lines are only those of the
 * layout.
 */
static void
print_array(const char *text)
{
	const char *from = strchr(text, '['), *to = strrchr(text, ']');

	while (from != NULL && to != NULL && from < to) {
		const char *end = memchr(from, '\n', (size_t)(to - from));
		size_t len = end == NULL ? (size_t)(to - from) : (size_t)(end - from) + 1;

		(void)fwrite(from, 1, len, stdout);
		from += len;
		for (int i = 0; i < 3 && from < to && *from == ' '; i++)
			from++;
	}
	(void)fputs("]\n", stdout);
}

static enum exit_code
failed(struct out *o)
{
	return ctl_fail(o->c, KMS_NOMEM, "cannot write the result");
}

/* A column with nothing in it only takes room. */
static void
hide_empty_columns(struct out *o)
{
	for (size_t i = 0; i < o->n; i++) {
		struct libscols_column *col = scols_table_get_column(o->table, i);
		bool empty = true;

		for (size_t k = 0; empty && k < scols_table_get_nlines(o->table); k++) {
			const char *value =
			    scols_cell_get_data(scols_line_get_cell(scols_table_get_line(o->table,
									k),
				i));

			empty = value == NULL || value[0] == '\0';
		}
		if (empty)
			(void)scols_column_set_flags(col,
			    scols_column_get_flags(col) | SCOLS_FL_HIDDEN);
	}
}

enum exit_code
out_print(struct out *o)
{
	char *text = NULL;

	if (o->failed)
		return failed(o);
	if (!o->json) {
		hide_empty_columns(o);
		return scols_print_table(o->table) == 0 ? EXIT_DONE : failed(o);
	}
	if (scols_table_get_nlines(o->table) == 0) {
		(void)fputs("[]\n", stdout);
		return EXIT_DONE;
	}
	if (scols_print_table_to_string(o->table, &text) != 0)
		return failed(o);
	print_array(text);
	free(text);
	return EXIT_DONE;
}

/* One row as lines of title and value. */
static bool
print_record(struct out *o, struct libscols_line *line)
{
	struct libscols_table *t = table_new(false);
	bool good = t != NULL && scols_table_enable_noheadings(t, 1) == 0 &&
	    scols_table_new_column(t, "title", 0, 0) != NULL &&
	    scols_table_new_column(t, "value", 0, 0) != NULL;

	for (size_t i = 0; good && i < o->n; i++) {
		const char *value = scols_cell_get_data(scols_line_get_cell(line, i));
		struct libscols_line *l;

		if (o->columns[i].json_only || value == NULL || value[0] == '\0')
			continue;
		l = scols_table_new_line(t, NULL);
		good = l != NULL && scols_line_set_data(l, 0, o->columns[i].title) == 0 &&
		    scols_line_set_data(l, 1, value) == 0;
	}
	good = good && scols_print_table(t) == 0;
	scols_unref_table(t);
	return good;
}

enum exit_code
out_print_records(struct out *o)
{
	if (o->json || o->failed)
		return out_print(o);
	for (size_t i = 0; i < scols_table_get_nlines(o->table); i++) {
		if (i > 0)
			(void)fputc('\n', stdout);
		if (!print_record(o, scols_table_get_line(o->table, i)))
			return failed(o);
	}
	return EXIT_DONE;
}

enum exit_code
out_flush(struct ctl *c)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return EXIT_DONE;
	return ctl_fail(c, KMS_OK, "cannot write to standard output: %s", strerrordesc_np(errno));
}
