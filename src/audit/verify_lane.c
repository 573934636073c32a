/* SPDX-License-Identifier: Apache-2.0 */
/* One lane: its files in their order, its writers one after the other, and what the register says
 * of it. */
#define _GNU_SOURCE 1
#include "audit/verify.h"

struct lane {
	unsigned number;
	const struct vclaim *claims; /* by seq */
	size_t n_claims, claim;	     /* the next one to be met */
	uint64_t met;		     /* seq of the last one that was right */
	uint64_t signed_claim;	     /* seq of the last one under a signature */
	char writer[WRITER_SIZE];    /* of the present stretch; "" when not known */
	bool closed;
	uint64_t unsigned_events;
	uint64_t checkpoint; /* seq of the last checkpoint's line */
	uint64_t checkpoint_line;
	bool any; /* line at all */
};

static uint64_t
last_claim(const struct lane *l)
{
	return l->n_claims == 0 ? 0 : l->claims[l->n_claims - 1].at.seq;
}

/* What the register knows of this place in the chain. */
static bool
meet_claims(struct verify *v, struct lane *l, const struct facts *f, const struct fact *x)
{
	while (l->claim < l->n_claims && l->claims[l->claim].at.seq < x->seq)
		l->claim++;
	for (; l->claim < l->n_claims && l->claims[l->claim].at.seq == x->seq; l->claim++) {
		const struct vclaim *c = &l->claims[l->claim];

		if (memcmp(c->at.hash, x->hash, AUDIT_HASH_LEN) != 0) {
			vreport(v, AUDIT_CHANGED, f->name, x->number, l->met + 1, 0,
			    "records %llu to %llu are not those that the register knows (entry %llu)",
			    (unsigned long long)(l->met + 1), (unsigned long long)x->seq,
			    (unsigned long long)c->entry);
			return false;
		}
	}
	if (l->claim > 0 && l->claims[l->claim - 1].at.seq == x->seq)
		l->met = x->seq;
	return true;
}

static bool
is_registered(const struct lane *l, const struct fact *x)
{
	for (size_t i = 0; i < l->n_claims; i++) {
		const struct vclaim *c = &l->claims[i];

		if (c->at.seq == x->seq - 1 && strcmp(c->opened, x->writer) == 0 &&
		    memcmp(c->at.hash, x->prev, AUDIT_HASH_LEN) == 0)
			return true;
	}
	return false;
}

static bool
accept_start(struct verify *v, struct lane *l, const struct facts *f, const struct fact *x)
{
	if (strcmp(l->writer, x->writer) == 0 && !l->closed)
		return true;
	if (v->has_register && !is_registered(l, x)) {
		vreport(v, AUDIT_INSERTED, f->name, x->number, x->seq, 1,
		    "writer %s begins here, whom the register does not know", x->writer);
		return false;
	}
	if (l->any && !l->closed && l->writer[0] != '\0')
		vreport(v, AUDIT_KILLED, f->name, x->number, x->seq - 1, 0,
		    "writer %s ended here without a checkpoint: it was killed, or never closed the log",
		    l->writer);
	memcpy(l->writer, x->writer, sizeof(l->writer));
	l->closed = false;
	v->sum->writers++;
	return true;
}

/* Events between the place that a checkpoint signs and its own. */
static uint64_t
events_between(const struct facts *f, size_t from, size_t to, uint64_t covered)
{
	uint64_t n = 0;

	for (size_t i = from + 1; i < to; i++)
		n += f->v[i].kind == LINE_EVENT && f->v[i].seq > covered ? 1 : 0;
	return n;
}

static void
accept_checkpoint(struct verify *v, struct lane *l, const struct facts *f, size_t i,
    const json_t *j)
{
	const struct fact *x = &f->v[i];
	uint8_t sig[AUDIT_SIGNATURE_LEN];
	struct chain at = { .seq = jin_number(j, "upTo") };
	struct ckey *key;
	char name[5];
	size_t k = i;

	l->checkpoint = x->seq;
	l->checkpoint_line = x->number;
	if (strcmp(jin_text(j, "reason"), "close") == 0)
		l->closed = true;
	if (json_object_get(j, "signature") == NULL)
		return;
	while (k > 0 && f->v[k].seq > at.seq)
		k--;
	if (!jin_hex(j, "head", at.hash, AUDIT_HASH_LEN) ||
	    !jin_hex(j, "signature", sig, sizeof(sig)) || f->v[k].seq != at.seq ||
	    memcmp(f->v[k].hash, at.hash, AUDIT_HASH_LEN) != 0) {
		vreport(v, AUDIT_BAD_SIGNATURE, f->name, x->number, x->seq, 1,
		    "the checkpoint signs another record %llu than there is",
		    (unsigned long long)at.seq);
		return;
	}
	if ((key = vkey_find(v, jin_text(j, "key"))) == NULL)
		return;
	lane_name(l->number, name);
	if (sign_check(key, v->log, name, &at, sig) != KMS_OK) {
		vreport(v, AUDIT_BAD_SIGNATURE, f->name, x->number, x->seq, 1,
		    "the checkpoint's signature does not match");
		return;
	}
	v->sum->signatures++;
	l->unsigned_events = events_between(f, k, i, l->signed_claim);
}

static bool
accept_control(struct verify *v, struct lane *l, const struct facts *f, size_t i)
{
	const struct fact *x = &f->v[i];
	auto_jin *j = facts_control(f, i);
	const char *what = jin_text(j, "audit");

	if (strcmp(what, "start") == 0)
		return accept_start(v, l, f, x);
	if (strcmp(what, "checkpoint") == 0)
		accept_checkpoint(v, l, f, i, j);
	else if (strcmp(what, "lost") == 0)
		vreport(v, AUDIT_LOST, f->name, x->number, x->seq, jin_number(j, "count"),
		    "%llu records could not be written before this one",
		    (unsigned long long)jin_number(j, "count"));
	return true;
}

static bool
is_start(const struct facts *f, size_t i)
{
	auto_jin *j = facts_control(f, i);

	return strcmp(jin_text(j, "audit"), "start") == 0;
}

static enum kms_rc
accept(struct trail *t, const struct facts *f, size_t i, bool *good)
{
	const struct fact *x = &f->v[i];
	struct verify *v = t->v;
	struct lane *l = t->arg;

	if (!meet_claims(v, l, f, x)) {
		*good = false;
		return KMS_OK;
	}
	if (x->has_signature || x->kind == LINE_OTHER) {
		vreport(v, AUDIT_CHANGED, f->name, x->number, x->seq, 1,
		    "the line is no record as this log has them");
		*good = false;
		return KMS_OK;
	}
	if (l->any && l->writer[0] == '\0') /* behind a gap that was reported */
		memcpy(l->writer, x->writer, sizeof(l->writer));
	if ((strcmp(l->writer, x->writer) != 0 || l->closed) && !is_start(f, i)) {
		vreport(v, AUDIT_INSERTED, f->name, x->number, x->seq, 1,
		    l->closed ? "the record stands behind the end of its writer"
			      : "the record is by another writer than those around it");
		*good = false;
		return KMS_OK;
	}
	if (x->kind == LINE_CONTROL)
		*good = accept_control(v, l, f, i) && *good;
	else {
		v->sum->records++;
		l->unsigned_events += x->seq > l->signed_claim ? 1 : 0;
	}
	l->any = true;
	return KMS_OK;
}

/* -- files --------------------------------------------------------------------------------- */

/* Whether the file's first good line says that it is this file, of this log; else reports. */
static bool
is_itself(struct verify *v, const struct facts *f)
{
	auto_jin *j = NULL;
	const char *name, *log;
	size_t i = 0;

	while (i < f->n && !f->v[i].good)
		i++;
	if (i == f->n || !is_start(f, i))
		return true; /* whatever it is, the chain will tell */
	j = facts_control(f, i);
	name = jin_text(j, "file");
	log = jin_text(j, "log");
	if (v->log[0] == '\0') /* the register's first entry is gone: something else was reported */
		(void)memccpy(v->log, log, '\0', sizeof(v->log) - 1);
	if (strcmp(log, v->log) != 0)
		vreport(v, AUDIT_MISPLACED, f->name, f->v[i].number, f->v[i].seq, 0,
		    "the file is of another log, %.32s", log);
	else if (strcmp(name, f->name) != 0)
		vreport(v, AUDIT_MISPLACED, f->name, f->v[i].number, f->v[i].seq, 0,
		    "the file was written as %.15s", name);
	else
		return true;
	return false;
}

/* *GAP: something is not there that the chain needs, and was reported. */
static enum kms_rc
check_file(struct trail *t, const struct vfile *file, bool *gap)
{
	struct verify *v = t->v;
	auto_facts f = { .fd = -1 };

	*gap = true;
	if (!file->there) {
		vreport(v, AUDIT_REMOVED, file->name, 0, 0, 0,
		    "the file is gone; entry %llu of the register names it",
		    (unsigned long long)file->entry);
		return KMS_OK;
	}
	if (v->has_register && file->entry == 0) {
		*gap = false;
		vreport(v, file->size > 0 ? AUDIT_INSERTED : AUDIT_EMPTY, file->name, 0, 0, 0,
		    "the register does not know this file");
		return KMS_OK;
	}
	TRY(facts_load(v->dirfd, file->name, file->size, &f, v->err));
	v->sum->files++;
	if (!is_itself(v, &f))
		return KMS_OK;
	if (f.n == 0)
		vreport(v, AUDIT_EMPTY, file->name, 0, 0, 0, "nothing was written to the file");
	return trail_follow(t, &f, gap);
}

/* What comes next is taken as it is. */
static void
bridge(struct trail *t, struct lane *l)
{
	t->resume = true;
	t->rest = (struct torn){ 0 };
	l->writer[0] = '\0';
	l->closed = false;
}

/* -- the end ------------------------------------------------------------------------------- */

static bool
is_live(const struct verify *v, unsigned lane)
{
	for (size_t i = 0; i < v->n_live; i++) {
		if (v->live[i] == lane)
			return true;
	}
	return false;
}

/* Whether a writer was registered at the chain's end, who then wrote no line. */
static bool
is_awaited(const struct lane *l, const struct chain *at)
{
	for (size_t i = 0; i < l->n_claims; i++) {
		if (l->claims[i].at.seq == at->seq && l->claims[i].opened[0] != '\0')
			return true;
	}
	return false;
}

static void
report_rest(const struct trail *t, const struct lane *l)
{
	if (l->closed && !is_awaited(l, &t->at))
		vreport(t->v, AUDIT_INSERTED, t->rest_file, t->rest_line, t->at.seq + 1,
		    t->rest.len, "%llu bytes stand behind the end of the last writer",
		    (unsigned long long)t->rest.len);
	else
		vreport(t->v, AUDIT_TORN, t->rest_file, t->rest_line, t->at.seq + 1, t->rest.len,
		    "%llu bytes of an unfinished line at the end: a process or the machine died while writing",
		    (unsigned long long)t->rest.len);
}

static void
check_end(struct trail *t, struct lane *l)
{
	struct verify *v = t->v;
	uint64_t claimed = last_claim(l);
	bool live = is_live(v, l->number);

	v->sum->unsigned_records += l->unsigned_events;
	if (t->resume)
		return; /* how it ends is not known, and why was reported */
	if (claimed > t->at.seq) {
		vreport(v, AUDIT_CUT, t->last_file, t->last_line + 1, t->at.seq + 1,
		    claimed - t->at.seq,
		    "the end was cut off: the register (entry %llu) knows record %llu",
		    (unsigned long long)l->claims[l->n_claims - 1].entry,
		    (unsigned long long)claimed);
		return;
	}
	if (live && l->any)
		vreport(v, AUDIT_LIVE, t->last_file, t->last_line, t->at.seq, l->unsigned_events,
		    "a process has the file open; %llu records wait for the next checkpoint",
		    (unsigned long long)l->unsigned_events);
	if (live || !l->any)
		return;
	if (t->rest.len > 0)
		report_rest(t, l);
	if (!l->closed)
		vreport(v, AUDIT_NO_CHECKPOINT, t->last_file, t->last_line, t->at.seq,
		    l->unsigned_events,
		    "the last writer was killed, or never closed the log: its last %llu records are not signed",
		    (unsigned long long)l->unsigned_events);
	else if (v->has_register && l->checkpoint > claimed)
		vreport(v, AUDIT_NO_CHECKPOINT, t->last_file, l->checkpoint_line, l->checkpoint,
		    l->unsigned_events,
		    "the register does not know the last checkpoint: the writer was killed right then, or the register's end was cut off");
}

enum kms_rc
vlane(struct verify *v, size_t first, size_t n)
{
	struct lane l = { .number = v->files[first].f.lane };
	struct trail t = { .v = v, .accept = accept, .arg = &l };

	for (size_t i = 0; i < v->n_claims; i++) {
		const struct vclaim *c = &v->claims[i];

		if (c->lane != l.number)
			continue;
		if (l.n_claims++ == 0)
			l.claims = c;
		if (c->entry <= v->signed_entry && c->at.seq > l.signed_claim)
			l.signed_claim = c->at.seq;
	}
	v->sum->lanes++;
	for (size_t i = first; i < first + n; i++) {
		bool gap;

		TRY(check_file(&t, &v->files[i], &gap));
		if (gap)
			bridge(&t, &l);
	}
	check_end(&t, &l);
	return KMS_OK;
}
