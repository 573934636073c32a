/* SPDX-License-Identifier: Apache-2.0 */
/* The register: its chain, its signatures, what it claims of lanes and files; and the anchor. */
#define _GNU_SOURCE 1
#include <stdlib.h>

#include "audit/verify.h"

static bool
is_given(const char *s)
{
	return s[0] != '\0';
}

/* The register names a file. */
static enum kms_rc
name_file(struct verify *v, const char *name, uint64_t entry)
{
	struct log_file f;
	struct vfile *x;

	if (!file_name_read(name, &f))
		return KMS_OK;
	for (size_t i = 0; i < v->n_files; i++) {
		if (v->files[i].f.lane == f.lane && v->files[i].f.number == f.number) {
			if (v->files[i].entry == 0)
				v->files[i].entry = entry;
			return KMS_OK;
		}
	}
	if ((x = vgrow((void **)&v->files, &v->n_files, sizeof(*x))) == NULL)
		return KMS_NOMEM;
	*x = (struct vfile){ .f = f, .entry = entry };
	log_file_name(f, x->name);
	return KMS_OK;
}

static enum kms_rc
add_claim(struct verify *v, const json_t *j, uint64_t entry)
{
	struct vclaim *c = vgrow((void **)&v->claims, &v->n_claims, sizeof(*c));
	uint64_t lane = jin_number(j, "lane");

	if (c == NULL)
		return KMS_NOMEM;
	c->entry = entry;
	c->lane = lane > LANE_MAX ? 0 : (unsigned)lane;
	c->at.seq = jin_number(j, "at");
	c->close = strcmp(jin_text(j, "audit"), "close") == 0;
	(void)jin_hex(j, "head", c->at.hash, AUDIT_HASH_LEN);
	(void)memccpy(c->opened, jin_text(j, "opened"), '\0', WRITER_SIZE - 1);
	return name_file(v, jin_text(j, "file"), entry);
}

/* What an entry says of its signature, and whether that is right. */
static void
check_signature(struct verify *v, const struct facts *f, const struct fact *x, const json_t *j,
    const struct line_parts *p)
{
	const char *id = jin_text(j, "key");
	struct chain at = { .seq = x->seq };
	struct ckey *key;

	if (is_given(id) != p->has_signature) {
		vreport(v, AUDIT_BAD_SIGNATURE, f->name, x->number, x->seq, 1,
		    is_given(id) ? "the entry's signature was taken off"
				 : "the entry has a signature that it does not tell of");
		return;
	}
	if (!p->has_signature || (key = vkey_find(v, id)) == NULL)
		return;
	memcpy(at.hash, x->hash, AUDIT_HASH_LEN);
	if (sign_check(key, v->log, REGISTER_WRITER, &at, p->signature) != KMS_OK) {
		vreport(v, AUDIT_BAD_SIGNATURE, f->name, x->number, x->seq, 1,
		    "the entry's signature does not match");
		return;
	}
	v->sum->signatures++;
	v->signed_entry = x->seq;
}

static void
check_loss(struct verify *v, const struct facts *f, const struct fact *x, const json_t *j)
{
	const json_t *lost = json_object_get(j, "lost");

	if (lost == NULL)
		return;
	if (strcmp(jin_text(lost, "log"), v->log) != 0)
		vreport(v, AUDIT_REMOVED, f->name, x->number, x->seq, jin_number(lost, "seq"),
		    "when this entry was written, the anchor knew another log: its register with %llu entries was gone",
		    (unsigned long long)jin_number(lost, "seq"));
	else
		vreport(v, AUDIT_CUT, f->name, x->number, x->seq,
		    jin_number(lost, "seq") - x->seq + 1,
		    "when this entry was written, the anchor knew one numbered %llu: the register had been cut off before",
		    (unsigned long long)jin_number(lost, "seq"));
}

static enum kms_rc
accept(struct trail *t, const struct facts *f, size_t i, bool *good)
{
	const struct fact *x = &f->v[i];
	struct verify *v = t->v;
	char text[LINE_CAP];
	struct line_parts p;
	auto_jin *j = facts_control(f, i);

	if (j == NULL || !facts_line(f, i, text, &p) || strcmp(x->writer, REGISTER_WRITER) != 0 ||
	    (x->seq == 1) != genesis_read(p.members, v->log)) {
		vreport(v, AUDIT_INSERTED, f->name, x->number, x->seq, 1,
		    "what stands here is no entry of a register");
		*good = false;
		return KMS_OK;
	}
	check_signature(v, f, x, j, &p);
	check_loss(v, f, x, j);
	return x->seq == 1 ? KMS_OK : add_claim(v, j, x->seq);
}

/* Entries behind the first that does not fit: what they name must not be taken for unknown. */
static enum kms_rc
gather(struct verify *v, const struct facts *f, uint64_t behind)
{
	char text[LINE_CAP];
	struct line_parts p;

	for (size_t i = 0; i < f->n; i++) {
		auto_jin *j = facts_control(f, i);

		if (j == NULL || f->v[i].seq <= behind ||
		    strcmp(f->v[i].writer, REGISTER_WRITER) != 0)
			continue;
		if (v->log[0] == '\0' && facts_line(f, i, text, &p))
			(void)genesis_read(p.members, v->log);
		TRY(add_claim(v, j, f->v[i].seq));
	}
	return KMS_OK;
}

/* -- the anchor ---------------------------------------------------------------------------- */

/* The register, whole as far as it goes, against what is known outside. */
static enum kms_rc
check_anchor(struct verify *v, const struct trail *t, const struct facts *f, bool broken)
{
	struct audit_head known = v->known;

	if (v->in->anchor == NULL) {
		vreport(v, AUDIT_NO_ANCHOR, REGISTER_NAME, 0, 0, 0,
		    "if all of the log was put back to an earlier state, nothing here can tell");
		return KMS_OK;
	}
	if (v->anchor_rc == KMS_NOTFOUND) {
		if (v->has_register && f->n > 0)
			vreport(v, AUDIT_NO_ANCHOR, REGISTER_NAME, 0, 0, 0,
			    "the anchor knows no log yet");
		return KMS_OK;
	}
	TRY(v->anchor_rc);
	known.log[AUDIT_LOG_ID_LEN] = '\0';
	if (!is_given(v->log))
		vreport(v, AUDIT_REMOVED, REGISTER_NAME, 0, 0, known.seq,
		    "the register is gone; the anchor knows %llu entries",
		    (unsigned long long)known.seq);
	else if (strcmp(known.log, v->log) != 0)
		vreport(v, AUDIT_CHANGED, REGISTER_NAME, 1, 1, known.seq,
		    "this is another log than the anchor knows");
	else if (broken)
		return KMS_OK; /* the first entry concerned has been named */
	else if (known.seq > t->at.seq)
		vreport(v, AUDIT_CUT, REGISTER_NAME, t->last_line + 1, t->at.seq + 1,
		    known.seq - t->at.seq,
		    "the end was cut off: the anchor knows entry %llu, the last one is %llu",
		    (unsigned long long)known.seq, (unsigned long long)t->at.seq);
	else {
		for (size_t i = 0; i < f->n; i++) {
			if (f->v[i].good && f->v[i].seq == known.seq &&
			    memcmp(f->v[i].hash, known.hash, AUDIT_HASH_LEN) != 0)
				vreport(v, AUDIT_CHANGED, REGISTER_NAME, f->v[i].number, known.seq,
				    1, "the anchor knows another entry %llu",
				    (unsigned long long)known.seq);
		}
	}
	return KMS_OK;
}

static int
by_place(const void *a, const void *b)
{
	const struct vclaim *x = a, *y = b;

	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	if (x->at.seq != y->at.seq)
		return x->at.seq < y->at.seq ? -1 : 1;
	return (x->entry > y->entry) - (x->entry < y->entry);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct vfile *)a)->name, ((const struct vfile *)b)->name);
}

enum kms_rc
vregister(struct verify *v)
{
	struct trail t = { .v = v, .accept = accept };
	auto_facts f = { .fd = -1 };
	bool broken = false;

	if (v->has_register) {
		TRY(facts_load(v->dirfd, REGISTER_NAME, v->register_size, &f, v->err));
		TRY(trail_follow(&t, &f, &broken));
		if (broken)
			TRY(gather(v, &f, t.at.seq));
	} else if (v->n_files > 0)
		vreport(v, AUDIT_REMOVED, REGISTER_NAME, 0, 0, 0, "the register is gone");
	TRY(check_anchor(v, &t, &f, broken));
	if (t.rest.len > 0 && !broken)
		vreport(v, AUDIT_TORN, REGISTER_NAME, t.rest_line, t.at.seq + 1, t.rest.len,
		    "%llu bytes of an unfinished entry at the end", (unsigned long long)t.rest.len);
	if (v->signed_entry > 0 && v->signed_entry < t.at.seq && !broken)
		vreport(v, AUDIT_UNSIGNED, REGISTER_NAME, t.last_line, v->signed_entry + 1,
		    t.at.seq - v->signed_entry,
		    "the last %llu entries are not covered by a signature yet",
		    (unsigned long long)(t.at.seq - v->signed_entry));
	if (v->n_claims > 1)
		qsort(v->claims, v->n_claims, sizeof(*v->claims), by_place);
	if (v->n_files > 1)
		qsort(v->files, v->n_files, sizeof(*v->files), by_name);
	return KMS_OK;
}
