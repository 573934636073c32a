/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads records of all lanes in the order of their time. Each lane has a cursor with its next
 * record that is wanted; the earliest of them goes out. When all have run dry the folder is looked
 * at again, so that the same calls follow a log that grows.
 */
#define _GNU_SOURCE 1
#include "audit/read.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>

#include "audit/files.h"
#include "audit/jin.h"

/* A lane's place, and its next record. */
struct cursor {
	unsigned lane;
	struct log_file file; /* number 0: none yet */
	char name[FILE_NAME_SIZE];
	int fd;
	bool scanning;
	struct scan scan;
	bool more;   /* the lane has a further file */
	bool has;    /* the record below is set, and not given out yet */
	bool given;  /* it was, and its reader still looks at it */
	int64_t key; /* its time, or that of the record before, if that was later */
	uint64_t line, seq;
	struct buf text;
	json_t *json;
	char writer[WRITER_SIZE];
};

struct audit_reader {
	int dirfd;
	struct audit_filter filter;
	struct cursor *v;
	size_t n;
	struct file_list files;
};

/* -- what is wanted ------------------------------------------------------------------------ */

static bool
is(const json_t *j, const char *name, const char *value)
{
	return strcmp(jin_text(j, name), value) == 0;
}

static bool
refers_to(const json_t *j, const char *key)
{
	json_t *refs = json_object_get(j, "referencedResources"), *ids, *id;
	const char *type;
	size_t i;

	json_object_foreach(refs, type, ids)
	{
		json_array_foreach(ids, i, id)
		{
			const char *s = json_string_value(id);

			if (s != NULL && strcmp(s, key) == 0)
				return true;
		}
	}
	return false;
}

static bool
concerns(const json_t *j, const char *key)
{
	return is(j, "resourceName", key) ||
	    is(json_object_get(j, "additionalEventData"), "keyVersionId", key) ||
	    is(json_object_get(j, "requestParameters"), "KeyId", key) || refers_to(j, key);
}

static bool
in_time(const struct audit_filter *f, int64_t ms)
{
	return (f->since == 0 || ms >= f->since * 1000) &&
	    (f->until == 0 || ms < (f->until + 1) * 1000);
}

static bool
wanted(const struct audit_filter *f, const json_t *j)
{
	const json_t *who = json_object_get(j, "userIdentity");

	if (f->action != NULL && !is(j, "eventName", f->action))
		return false;
	if (f->request_id != NULL && !is(j, "requestId", f->request_id))
		return false;
	if (f->errors_only && jin_text(j, "errorCode")[0] == '\0')
		return false;
	if (f->principal != NULL && !is(who, "principalId", f->principal) &&
	    !is(who, "userName", f->principal) && !is(who, "accessKeyId", f->principal))
		return false;
	return f->key == NULL || concerns(j, f->key);
}

/* Whether S, which the record is asked for, stands somewhere in its line. Text that may be written
 * in more than one way always does. */
static bool
stands_in(struct slice text, const char *s)
{
	if (s == NULL)
		return true;
	for (const char *p = s; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~' || *p == '"' || *p == '\\')
			return true;
	}
	return memmem(text.p, text.len, s, strlen(s)) != NULL;
}

/* Spares most lines the parser. */
static bool
may_be_wanted(const struct audit_filter *f, struct slice text)
{
	return stands_in(text, f->action) && stands_in(text, f->key) &&
	    stands_in(text, f->principal) && stands_in(text, f->request_id) &&
	    (!f->errors_only || stands_in(text, "errorCode"));
}

/* The time of a record by its place in the line, which our writer never changes. */
static bool
quick_time(struct slice members, int64_t *ret_ms)
{
	static const char front[] = "{\"eventId\":\"", mark[] = "\",\"eventTime\":\"";
	const size_t id_len = 36, at = sizeof(front) - 1 + id_len;

	return members.len > at + sizeof(mark) - 1 + STAMP_SIZE &&
	    memcmp(members.p + at, mark, sizeof(mark) - 1) == 0 &&
	    stamp_parse(slice_of(members.p + at + sizeof(mark) - 1, STAMP_SIZE - 1), ret_ms);
}

/* -- cursors ------------------------------------------------------------------------------- */

static void
cursor_forget(struct cursor *c)
{
	json_decref(c->json);
	c->json = NULL;
	c->has = c->given = false;
}

static void
cursor_leave_file(struct cursor *c)
{
	if (c->scanning)
		scan_close(&c->scan);
	c->scanning = false;
	file_close(&c->fd);
}

/* Takes a line as C's record, if it is one and wanted. */
static enum kms_rc
consider(struct cursor *c, const struct audit_filter *f, const struct scan_line *l)
{
	struct line_parts p;
	int64_t ms = 0;

	if (l->oversize || !line_read(l->text, &p) || line_kind_of(p.members) != LINE_EVENT ||
	    !quick_time(p.members, &ms) || !in_time(f, ms) || !may_be_wanted(f, p.members))
		return KMS_OK;
	TRY(buf_set(&c->text, l->text));
	if ((c->json = jin_object(buf_slice(&c->text))) == NULL)
		return KMS_OK;
	if (!wanted(f, c->json)) {
		cursor_forget(c);
		return KMS_OK;
	}
	c->has = true;
	c->key = ms > c->key ? ms : c->key;
	c->line = l->number;
	c->seq = p.seq;
	memset(c->writer, 0, sizeof(c->writer));
	memcpy(c->writer, p.writer.p, p.writer.len);
	return KMS_OK;
}

/* The next wanted record of the file that is open. KMS_NOTFOUND: none so far. */
static enum kms_rc
read_file(struct cursor *c, const struct audit_filter *f)
{
	struct scan_line l;

	while (!c->has) {
		TRY(scan_next(&c->scan, &l));
		if (!l.ended) { /* being written: once more from here, later */
			c->scan.next = l.at;
			c->scan.from = c->scan.to = 0;
			c->scan.number--;
			return KMS_NOTFOUND;
		}
		TRY(consider(c, f, &l));
	}
	return KMS_OK;
}

/* The lane's file after the present one; and whether there is another behind it. */
static bool
next_file(const struct audit_reader *r, const struct cursor *c, struct log_file *ret, bool *more)
{
	bool found = false;

	*more = false;
	for (size_t i = 0; i < r->files.n; i++) {
		const struct log_file *f = &r->files.v[i];

		if (f->lane != c->lane || f->number <= c->file.number)
			continue;
		*more = found;
		if (found)
			break;
		*ret = *f;
		found = true;
	}
	return found;
}

static enum kms_rc
open_next(struct audit_reader *r, struct cursor *c, struct err *err)
{
	struct log_file f;

	if (!next_file(r, c, &f, &c->more))
		return KMS_NOTFOUND;
	cursor_leave_file(c);
	c->file = f;
	log_file_name(f, c->name);
	TRY(log_file_open(r->dirfd, c->name, O_RDONLY, &c->fd, err));
	TRY(scan_open(c->fd, 0, ENDLESS, &c->scan));
	c->scanning = true;
	return KMS_OK;
}

/* A file is done only when the next one was there before its end was read: until then it grows. */
static enum kms_rc
cursor_fill(struct audit_reader *r, struct cursor *c, struct err *err)
{
	enum kms_rc rc = KMS_NOTFOUND;

	while (!c->has) {
		if (c->scanning && (rc = read_file(c, &r->filter)) != KMS_NOTFOUND)
			return rc;
		if (c->scanning && !c->more)
			return KMS_NOTFOUND;
		TRY(open_next(r, c, err));
	}
	return KMS_OK;
}

/* -- the reader ---------------------------------------------------------------------------- */

enum kms_rc
audit_reader_open(const char *dir, const struct audit_filter *filter, struct audit_reader **ret,
    struct err *err)
{
	struct audit_reader *r = calloc(1, sizeof(*r));
	enum kms_rc rc;

	if (r == NULL)
		return KMS_NOMEM;
	r->dirfd = -1;
	if (filter != NULL)
		r->filter = *filter;
	if ((rc = dir_open(dir, false, &r->dirfd, err)) != KMS_OK) {
		audit_reader_close(r);
		return rc;
	}
	*ret = r;
	return KMS_OK;
}

void
audit_reader_close(struct audit_reader *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++) {
		cursor_forget(&r->v[i]);
		cursor_leave_file(&r->v[i]);
		buf_free(&r->v[i].text);
	}
	free(r->v);
	file_list_free(&r->files);
	file_close(&r->dirfd);
	free(r);
}

/* A cursor for each lane; those that there were keep their place. */
static enum kms_rc
look_again(struct audit_reader *r, struct err *err)
{
	struct log_file f;
	struct cursor *v;

	file_list_free(&r->files);
	TRY(files_list(r->dirfd, &r->files, err));
	for (size_t i = 0; i < r->files.n; i++) {
		unsigned lane = r->files.v[i].lane;

		if (i > 0 && r->files.v[i - 1].lane == lane)
			continue;
		for (size_t k = 0; k < r->n; k++) {
			if (r->v[k].lane == lane)
				lane = 0;
		}
		if (lane == 0)
			continue;
		if ((v = reallocarray(r->v, r->n + 1, sizeof(*v))) == NULL)
			return KMS_NOMEM;
		r->v = v;
		r->v[r->n++] = (struct cursor){ .lane = lane, .fd = -1 };
	}
	for (size_t k = 0; k < r->n; k++) {
		bool further;

		r->v[k].more = next_file(r, &r->v[k], &f, &further);
	}
	return KMS_OK;
}

static struct cursor *
earliest(struct audit_reader *r)
{
	struct cursor *first = NULL;

	for (size_t i = 0; i < r->n; i++) {
		if (r->v[i].has && (first == NULL || r->v[i].key < first->key))
			first = &r->v[i];
	}
	return first;
}

static void
give(struct cursor *c, struct audit_row *ret)
{
	const json_t *j = c->json, *who = json_object_get(j, "userIdentity"),
		     *more = json_object_get(j, "additionalEventData");
	uint64_t count = jin_number(more, "count");

	*ret = (struct audit_row){
		.text = buf_slice(&c->text),
		.file = c->name,
		.line = c->line,
		.seq = c->seq,
		.writer = c->writer,
		.event_id = jin_text(j, "eventId"),
		.time = jin_text(j, "eventTime"),
		.action = jin_text(j, "eventName"),
		.rw = jin_text(j, "eventRW"),
		.request_id = jin_text(j, "requestId"),
		.source = jin_text(j, "eventSource"),
		.region = jin_text(j, "acsRegion"),
		.source_ip = jin_text(j, "sourceIpAddress"),
		.user_agent = jin_text(j, "userAgent"),
		.error_code = jin_text(j, "errorCode"),
		.error_message = jin_text(j, "errorMessage"),
		.resource_type = jin_text(j, "resourceType"),
		.resource_name = jin_text(j, "resourceName"),
		.key_version = jin_text(more, "keyVersionId"),
		.identity = jin_text(who, "type"),
		.account = jin_text(who, "accountId"),
		.principal_id = jin_text(who, "principalId"),
		.user = jin_text(who, "userName"),
		.access_key_id = jin_text(who, "accessKeyId"),
		.program = jin_text(more, "program"),
		.first_time = jin_text(more, "firstTime"),
		.last_time = jin_text(more, "lastTime"),
		.count = count == 0 ? 1 : count,
	};
	c->has = false;
	c->given = true;
}

static enum kms_rc
fill_all(struct audit_reader *r, struct err *err)
{
	for (size_t i = 0; i < r->n; i++) {
		enum kms_rc rc = cursor_fill(r, &r->v[i], err);

		if (rc != KMS_OK && rc != KMS_NOTFOUND)
			return rc;
	}
	return KMS_OK;
}

enum kms_rc
audit_reader_next(struct audit_reader *r, struct audit_row *ret, struct err *err)
{
	struct cursor *c;

	for (size_t i = 0; i < r->n; i++) {
		if (!r->v[i].given)
			continue;
		cursor_forget(&r->v[i]);
		enum kms_rc rc = cursor_fill(r, &r->v[i], err);
		if (rc != KMS_OK && rc != KMS_NOTFOUND)
			return rc;
	}
	if ((c = earliest(r)) == NULL) {
		TRY(look_again(r, err));
		TRY(fill_all(r, err));
		if ((c = earliest(r)) == NULL)
			return KMS_NOTFOUND;
	}
	give(c, ret);
	return KMS_OK;
}
