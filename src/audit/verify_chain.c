/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows a chain line by line. Where it breaks, looks at what stands around to say what was done:
 * the first line concerned is named. A gap that a dying process left is bridged when the line
 * behind it tells exactly what is in the gap.
 */
#define _GNU_SOURCE 1
#include "audit/verify.h"

static bool
follows(const struct fact *x, const struct chain *at)
{
	return x->good && x->seq == at->seq + 1 && memcmp(x->prev, at->hash, AUDIT_HASH_LEN) == 0;
}

/* The first line at or behind I that could go on after AT; n: there is none. */
static size_t
find_next(const struct facts *f, size_t i, const struct chain *at)
{
	while (i < f->n && !follows(&f->v[i], at))
		i++;
	return i;
}

static size_t
find_copy(const struct facts *f, size_t i)
{
	for (size_t k = 0; k < f->n; k++) {
		if (k != i && f->v[k].good &&
		    memcmp(f->v[k].hash, f->v[i].hash, AUDIT_HASH_LEN) == 0)
			return k;
	}
	return f->n;
}

/* Whether the line before X is somewhere in the file. */
static bool
has_place(const struct facts *f, const struct fact *x)
{
	for (size_t k = 0; k < f->n; k++) {
		if (f->v[k].good && f->v[k].seq + 1 == x->seq &&
		    memcmp(f->v[k].hash, x->prev, AUDIT_HASH_LEN) == 0)
			return true;
	}
	return false;
}

static bool
begins_file(const struct facts *f, size_t i)
{
	auto_jin *j = facts_control(f, i);

	return strcmp(jin_text(j, "audit"), "start") == 0 &&
	    strcmp(jin_text(j, "file"), f->name) == 0;
}

/* A good line whose number is too high: what should stand here is further down, or gone. */
static void
report_jump(struct trail *t, const struct facts *f, size_t i)
{
	const struct fact *x = &f->v[i];
	uint64_t wanted = t->at.seq + 1, gone = x->seq - wanted;
	size_t later = find_next(f, i + 1, &t->at), copy = find_copy(f, i);

	if (later < f->n && copy < f->n)
		vreport(t->v, AUDIT_INSERTED, f->name, x->number, x->seq, 1,
		    "a copy of record %llu (line %llu) was put before record %llu",
		    (unsigned long long)x->seq, (unsigned long long)f->v[copy].number,
		    (unsigned long long)wanted);
	else if (later < f->n && has_place(f, x))
		vreport(t->v, AUDIT_REORDERED, f->name, x->number, wanted, 1,
		    "record %llu stands here, and record %llu only in line %llu",
		    (unsigned long long)x->seq, (unsigned long long)wanted,
		    (unsigned long long)f->v[later].number);
	else if (later < f->n)
		vreport(t->v, AUDIT_INSERTED, f->name, x->number, x->seq, 1,
		    "a record that is not of this chain was put before record %llu",
		    (unsigned long long)wanted);
	else if (i == 0 && t->last_file[0] != '\0' && begins_file(f, i))
		vreport(t->v, AUDIT_CUT, t->last_file, t->last_line + 1, wanted, gone,
		    "the file was cut off: records %llu to %llu are gone",
		    (unsigned long long)wanted, (unsigned long long)x->seq - 1);
	else
		vreport(t->v, AUDIT_REMOVED, f->name, x->number, wanted, gone,
		    "records %llu to %llu are gone", (unsigned long long)wanted,
		    (unsigned long long)x->seq - 1);
}

/* A good line with the right number, whose predecessor is another than the one that stands there.
 */
static void
report_stranger(struct trail *t, const struct facts *f, size_t i)
{
	const struct fact *x = &f->v[i];

	if (find_next(f, i + 1, &t->at) < f->n || t->at.seq == 0)
		vreport(t->v, AUDIT_INSERTED, f->name, x->number, x->seq, 1,
		    "a record that is not of this chain stands here");
	else
		vreport(t->v, AUDIT_CHANGED, t->last_file, t->last_line, t->at.seq, 1,
		    "the record was changed, and its hash with it: record %llu (%s, line %llu) knows another",
		    (unsigned long long)x->seq, f->name, (unsigned long long)x->number);
}

/*
 * A good line whose number was had already. If it goes on from where the one with that number did,
 * that one was put in, with a hash that fits: anybody can compute one.
 */
static void
report_again(struct trail *t, const struct facts *f, size_t i)
{
	const struct fact *x = &f->v[i];
	size_t copy = find_copy(f, i);

	for (size_t k = 0; k < i && copy == f->n; k++) {
		if (f->v[k].good && f->v[k].seq == x->seq &&
		    memcmp(f->v[k].prev, x->prev, AUDIT_HASH_LEN) == 0) {
			vreport(t->v, AUDIT_INSERTED, f->name, f->v[k].number, x->seq, i - k,
			    "what stands here is not of this chain, which goes on in line %llu",
			    (unsigned long long)x->number);
			return;
		}
	}
	if (copy < f->n)
		vreport(t->v, AUDIT_INSERTED, f->name, x->number, x->seq, 1,
		    "a copy of record %llu (line %llu) stands here, behind record %llu",
		    (unsigned long long)x->seq, (unsigned long long)f->v[copy].number,
		    (unsigned long long)t->at.seq);
	else
		vreport(t->v, AUDIT_INSERTED, f->name, x->number, x->seq, 1,
		    "a record numbered %llu stands here, behind record %llu",
		    (unsigned long long)x->seq, (unsigned long long)t->at.seq);
}

static void
report_break(struct trail *t, const struct facts *f, size_t i)
{
	const struct fact *x = &f->v[i];
	uint64_t wanted = t->at.seq + 1;
	size_t next = i;

	while (next < f->n && !f->v[next].good)
		next++;
	if (!x->good && next < f->n && follows(&f->v[next], &t->at))
		vreport(t->v, AUDIT_INSERTED, f->name, x->number, wanted, 1,
		    "something that is no record stands before record %llu",
		    (unsigned long long)wanted);
	else if (!x->good)
		vreport(t->v, AUDIT_CHANGED, f->name, x->number, wanted, 1,
		    "the record was changed: its hash does not match its bytes");
	else if (x->seq > wanted)
		report_jump(t, f, i);
	else if (x->seq == wanted)
		report_stranger(t, f, i);
	else
		report_again(t, f, i);
}

/* -- gaps that a dying process left -------------------------------------------------------- */

/* Bytes START to END, as the line behind them should tell of them: without the newline that it put
 * there, if it says that they had none. */
static enum kms_rc
measure(const struct facts *f, off_t start, off_t end, uint64_t told, struct torn *ret,
    enum rest *kind)
{
	*ret = (struct torn){ .len = (uint64_t)(end - start) };
	if (ret->len == told + 1)
		end--;
	ret->len = (uint64_t)(end - start);
	TRY(facts_rest(f, start, end, kind));
	return file_digest(f->fd, start, end, ret->hash);
}

static void
report_torn(struct trail *t, const char *file, uint64_t line, uint64_t seq, uint64_t len,
    enum rest kind)
{
	vreport(t->v, AUDIT_TORN, file, line, seq, len,
	    "%llu bytes %s: a process or the machine died while writing", (unsigned long long)len,
	    kind == REST_ZEROS ? "are zero" : "are an unfinished line");
}

/* Line I fits the chain. Whether what it tells of a gap before it (lines FIRST to I, in this file)
 * is so; reports either way. */
static enum kms_rc
check_gap(struct trail *t, const struct facts *f, size_t first, size_t i, bool *good)
{
	const struct fact *x = &f->v[i];
	off_t start = f->v[first].at;
	const char *file = start < x->at ? f->name : t->rest_file;
	uint64_t line = start < x->at ? f->v[first].number : t->rest_line;
	struct torn told = { 0 }, found = t->rest;
	enum rest kind = t->rest_kind;
	auto_jin *j = facts_control(f, i);
	const json_t *torn = json_object_get(j, "torn");

	t->rest = (struct torn){ 0 };
	*good = true;
	if (torn != NULL) {
		told.len = jin_number(torn, "bytes");
		*good = told.len > 0 && jin_hex(torn, "sha256", told.hash, AUDIT_HASH_LEN);
	}
	if (start < x->at) {
		if (found.len > 0) /* what this line tells is nearer */
			report_torn(t, t->rest_file, t->rest_line, x->seq, found.len, kind);
		TRY(measure(f, start, x->at, told.len, &found, &kind));
	}
	if (told.len == 0 && found.len == 0)
		return KMS_OK;
	*good =
	    *good && told.len == found.len && memcmp(told.hash, found.hash, AUDIT_HASH_LEN) == 0;
	if (!*good && found.len == 0)
		vreport(t->v, AUDIT_REMOVED, f->name, x->number, x->seq, told.len,
		    "%llu bytes of an unfinished line, which record %llu tells of, are gone",
		    (unsigned long long)told.len, (unsigned long long)x->seq);
	else if (!*good)
		vreport(t->v, told.len == 0 ? AUDIT_INSERTED : AUDIT_CHANGED, file, line, x->seq,
		    found.len, "what stands before record %llu is not of the log",
		    (unsigned long long)x->seq);
	else if (kind == REST_LINES)
		vreport(t->v, AUDIT_CHANGED, file, line, x->seq, found.len,
		    "%llu bytes before record %llu were changed or damaged while no process had the log open",
		    (unsigned long long)found.len, (unsigned long long)x->seq);
	else
		report_torn(t, file, line, x->seq, found.len, kind);
	return KMS_OK;
}

/* -- a file -------------------------------------------------------------------------------- */

static enum kms_rc
take(struct trail *t, const struct facts *f, size_t first, size_t i, bool *good)
{
	const struct fact *x = &f->v[i];

	TRY(check_gap(t, f, first, i, good));
	/* A gap is not the chain's end: it was reported, and the line is good. */
	t->at.seq = x->seq;
	memcpy(t->at.hash, x->hash, AUDIT_HASH_LEN);
	memcpy(t->last_file, f->name, sizeof(t->last_file));
	t->last_line = x->number;
	return t->accept(t, f, i, good);
}

/* Lines I to the end are no good ones: kept for the next file, or for the end. */
static enum kms_rc
keep_rest(struct trail *t, const struct facts *f, size_t i, bool *broken)
{
	off_t start = f->v[i].at;

	TRY(facts_rest(f, start, f->end, &t->rest_kind));
	if (t->rest_kind == REST_LINES) {
		report_break(t, f, i);
		*broken = true;
		return KMS_OK;
	}
	t->rest.len = (uint64_t)(f->end - start);
	t->rest_line = f->v[i].number;
	memcpy(t->rest_file, f->name, sizeof(t->rest_file));
	return file_digest(f->fd, start, f->end, t->rest.hash);
}

/* Whether line I says that there is a gap before it. */
static bool
tells_gap(const struct facts *f, size_t i)
{
	auto_jin *j = facts_control(f, i);

	return json_object_get(j, "torn") != NULL;
}

/* The chain begins with line I, whatever was before. */
static void
resume(struct trail *t, const struct fact *x)
{
	t->resume = false;
	t->at.seq = x->seq - 1;
	memcpy(t->at.hash, x->prev, AUDIT_HASH_LEN);
}

/* Goes on at line *I, and leaves there the last line that was looked at. */
static enum kms_rc
go_on(struct trail *t, const struct facts *f, size_t *i, bool *broken)
{
	size_t first = *i, next = find_next(f, first, &t->at), last = first;
	bool good = true;

	if (next < f->n && (next == first || tells_gap(f, next))) {
		TRY(take(t, f, first, next, &good));
		*i = next;
		*broken = !good;
		return KMS_OK;
	}
	while (last < f->n && !f->v[last].good)
		last++;
	*i = f->n;
	if (last == f->n)
		return keep_rest(t, f, first, broken);
	report_break(t, f, first);
	*broken = true;
	return KMS_OK;
}

enum kms_rc
trail_follow(struct trail *t, const struct facts *f, bool *broken)
{
	uint64_t before = t->at.seq;

	*broken = false;
	for (size_t i = 0; i < f->n && !*broken; i++) {
		if (t->resume && f->v[i].good)
			resume(t, &f->v[i]);
		TRY(go_on(t, f, &i, broken));
	}
	if (!*broken && t->at.seq == before) { /* if something is missing, then from here on */
		memcpy(t->last_file, f->name, sizeof(t->last_file));
		t->last_line = 0;
	}
	return KMS_OK;
}
