/* SPDX-License-Identifier: Apache-2.0 */
/* Goes through a file once; the lines that matter are read again when somebody asks. */
#define _GNU_SOURCE 1
#include "audit/facts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum kms_rc
add(struct facts *f, const struct scan_line *l)
{
	struct line_parts p;
	struct fact *x;

	if ((f->n & (f->n - 1)) == 0) { /* full at each power of two */
		x = reallocarray(f->v, f->n == 0 ? 1 : 2 * f->n, sizeof(*x));
		if (x == NULL)
			return KMS_NOMEM;
		f->v = x;
	}
	x = &f->v[f->n++];
	*x = (struct fact){ .at = l->at, .len = l->len, .number = l->number, .ended = l->ended };
	x->good = l->ended && !l->oversize && line_read(l->text, &p);
	if (!x->good)
		return KMS_OK;
	x->kind = line_kind_of(p.members);
	x->has_signature = p.has_signature;
	x->seq = p.seq;
	memcpy(x->prev, p.prev, AUDIT_HASH_LEN);
	memcpy(x->hash, p.hash, AUDIT_HASH_LEN);
	memcpy(x->writer, p.writer.p, p.writer.len);
	return KMS_OK;
}

enum kms_rc
facts_load(int dirfd, const char *name, off_t end, struct facts *ret, struct err *err)
{
	auto_facts f = { .fd = -1, .end = end };
	auto_scan s = { .fd = -1 };
	struct scan_line l;
	enum kms_rc rc;

	(void)memccpy(f.name, name, '\0', sizeof(f.name) - 1);
	TRY(log_file_open(dirfd, name, O_RDONLY, &f.fd, err));
	TRY(scan_open(f.fd, 0, end, &s));
	while ((rc = scan_next(&s, &l)) == KMS_OK)
		TRY(add(&f, &l));
	if (rc != KMS_NOTFOUND)
		return err_set(err, rc, "cannot read the audit log's %s", name);
	*ret = f;
	f = (struct facts){ .fd = -1 }; /* moved */
	return KMS_OK;
}

void
facts_free(struct facts *f)
{
	file_close(&f->fd);
	free(f->v);
	f->v = NULL;
	f->n = 0;
}

bool
facts_line(const struct facts *f, size_t i, char text[LINE_CAP], struct line_parts *ret)
{
	const struct fact *x = &f->v[i];
	size_t len = (size_t)x->len - 1; /* without the newline */

	return x->good && pread(f->fd, text, len, x->at) == (ssize_t)len &&
	    line_read(slice_of(text, len), ret) && memcmp(ret->hash, x->hash, AUDIT_HASH_LEN) == 0;
}

json_t *
facts_control(const struct facts *f, size_t i)
{
	char text[LINE_CAP];
	struct line_parts p;

	if (f->v[i].kind != LINE_CONTROL || !facts_line(f, i, text, &p))
		return NULL;
	return jin_object(slice_of(text, (size_t)f->v[i].len - 1));
}

enum kms_rc
facts_rest(const struct facts *f, off_t start, off_t end, enum rest *ret)
{
	bool zeros = true, newline = false;
	char block[4096];

	for (off_t at = start; at < end;) {
		size_t want = end - at < (off_t)sizeof(block) ? (size_t)(end - at) : sizeof(block);
		ssize_t n = pread(f->fd, block, want, at);

		if (n <= 0)
			return KMS_IO;
		for (ssize_t i = 0; i < n; i++) {
			zeros = zeros && block[i] == '\0';
			newline = newline || block[i] == '\n';
		}
		at += n;
	}
	*ret = zeros ? REST_ZEROS : newline ? REST_LINES : REST_PART;
	return KMS_OK;
}
