/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds where a chain ends that a dead process may have left in the middle of a line. What does not
 * fit is never removed: the line that goes on tells how much it is and what its hash was.
 */
#define _GNU_SOURCE 1
#include "audit/files.h"

#include <sys/stat.h>
#include <unistd.h>

/* Whether a line tells of LEN bytes before it that are none: those of a writer before it, behind
 * which it went on. */
static bool
bridges(struct slice members, uint64_t len)
{
	static const char mark[] = "\"torn\":{\"bytes\":";
	const uint8_t *p = memmem(members.p, members.len, mark, sizeof(mark) - 1), *end;
	uint64_t told = 0;

	if (line_kind_of(members) != LINE_CONTROL || p == NULL)
		return false;
	end = members.p + members.len;
	for (p += sizeof(mark) - 1; p < end && *p >= '0' && *p <= '9' && told < UINT64_MAX / 20;
	     p++)
		told = told * 10 + (uint64_t)(*p - '0');
	return told == len || told + 1 == len; /* with the newline that it began with */
}

static bool
fits(const struct line_parts *p, const struct chain *head)
{
	return p->seq == head->seq + 1 && memcmp(p->prev, head->hash, AUDIT_HASH_LEN) == 0;
}

/* The end of the chain that begins with the first good line at or after START. */
static enum kms_rc
follow(int fd, off_t start, off_t end, struct tail *ret, off_t *good_end)
{
	auto_scan s = { .fd = -1 };
	struct scan_line l;
	struct line_parts p;
	enum kms_rc rc;

	*ret = (struct tail){ .found = false };
	*good_end = start;
	TRY(scan_open(fd, start, end, &s));
	while ((rc = scan_next(&s, &l)) == KMS_OK) {
		bool good = l.ended && line_read(l.text, &p);
		uint64_t gap = (uint64_t)(l.at - *good_end);

		if (ret->found
			? !good || !fits(&p, &ret->head) || (gap > 0 && !bridges(p.members, gap))
			: !good)
			continue;
		ret->found = true;
		ret->head.seq = p.seq;
		memcpy(ret->head.hash, p.hash, AUDIT_HASH_LEN);
		*good_end = l.at + (off_t)l.len;
	}
	return rc == KMS_NOTFOUND ? KMS_OK : rc;
}

enum kms_rc
tail_find(int fd, struct tail *ret)
{
	off_t window = SCAN_BLOCK, start, good_end;
	struct stat st;
	uint8_t last = '\n';

	if (fstat(fd, &st) != 0)
		return KMS_IO;
	do {
		start = st.st_size > window ? st.st_size - window : 0;
		TRY(follow(fd, start, st.st_size, ret, &good_end));
		window *= 4;
	} while (!ret->found && start > 0);
	if (good_end == st.st_size)
		return KMS_OK;
	ret->torn.len = (uint64_t)(st.st_size - good_end);
	if (pread(fd, &last, 1, st.st_size - 1) != 1)
		return KMS_IO;
	ret->torn.open = last != '\n';
	return file_digest(fd, good_end, st.st_size, ret->torn.hash);
}

void
torn_write(struct jout *o, const struct torn *t)
{
	if (t->len == 0)
		return;
	jout_open(o, "torn", '{');
	jout_number(o, "bytes", t->len);
	jout_hex(o, "sha256", slice_of(t->hash, AUDIT_HASH_LEN));
	jout_close(o, '}');
}
