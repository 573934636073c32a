/* SPDX-License-Identifier: Apache-2.0 */
/* Appends to the register. */
#define _GNU_SOURCE 1
#include "audit/register.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/os.h"

#define ENTRY_MAX 2048
#define GENESIS	  "{\"audit\":\"register\",\"version\":1,\"log\":\""

enum kms_rc
lock_wait(int fd, int operation, const char *what, struct err *err)
{
	struct timespec pause = { .tv_nsec = 1000000 };

	/* Counts its own pauses: a clock that a test has stopped must not make this endless. */
	for (unsigned waited = 0;; waited++) {
		if (flock(fd, operation | LOCK_NB) == 0)
			return KMS_OK;
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return err_set(err, KMS_IO, "cannot lock the audit log's %s: %m", what);
		if (waited >= REGISTER_WAIT_MS)
			return err_set(err, KMS_BUSY,
			    "the audit log's %s is locked by another process", what);
		(void)nanosleep(&pause, NULL);
	}
}

bool
genesis_read(struct slice members, char ret[AUDIT_LOG_ID_LEN + 1])
{
	const size_t front = sizeof(GENESIS) - 1;

	if (members.len < front + AUDIT_LOG_ID_LEN + 1 || memcmp(members.p, GENESIS, front) != 0 ||
	    members.p[front + AUDIT_LOG_ID_LEN] != '"')
		return false;
	for (size_t i = 0; i < AUDIT_LOG_ID_LEN; i++) {
		uint8_t c = members.p[front + i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		ret[i] = (char)c;
	}
	ret[AUDIT_LOG_ID_LEN] = '\0';
	return true;
}

/*
 * What the anchor knows. *LOST: it knows an entry that the register does not have, which is
 * evidence that the new head would overwrite; so the new entry keeps it. False when the anchor
 * cannot tell: then it is left as it is.
 */
static bool
ask_anchor(const struct reg *r, struct audit_head *known, bool *lost)
{
	const struct audit_anchor *a = r->conf->anchor;
	struct err why = { 0 };
	enum kms_rc rc;

	*lost = false;
	if (a == NULL)
		return false;
	if ((rc = a->get(a->arg, known, &why)) == KMS_NOTFOUND)
		return true;
	if (rc != KMS_OK) {
		log_warning("the audit log's anchor cannot be read: %s",
		    why.text[0] != '\0' ? why.text : rc_text(rc));
		return false;
	}
	known->log[AUDIT_LOG_ID_LEN] = '\0';
	*lost = strcmp(known->log, r->log) != 0 || known->seq > r->head.seq ||
	    (known->seq == r->head.seq && memcmp(known->hash, r->head.hash, AUDIT_HASH_LEN) != 0);
	return true;
}

/* An anchor that lags behind detects less, but the next entry's makes up for it: no reason to
 * refuse what is recorded. */
static void
tell_anchor(const struct reg *r)
{
	const struct audit_anchor *a = r->conf->anchor;
	struct audit_head head = { .seq = r->head.seq };
	struct err why = { 0 };
	enum kms_rc rc;

	memcpy(head.log, r->log, sizeof(head.log));
	memcpy(head.hash, r->head.hash, AUDIT_HASH_LEN);
	if ((rc = a->put(a->arg, &head, &why)) != KMS_OK)
		log_warning("the audit log's anchor cannot be written: %s",
		    why.text[0] != '\0' ? why.text : rc_text(rc));
}

/* Takes what a failed write left off again, so that the next entry has nothing torn to explain. */
static enum kms_rc
write_entry(struct reg *r, struct slice text, struct err *err)
{
	enum kms_rc rc;
	struct stat st;
	size_t done;

	if (fstat(r->fd, &st) != 0)
		return err_set(err, KMS_IO, "the audit register: %m");
	rc = log_file_write(r->fd, text, &done);
	if (rc == KMS_OK && fdatasync(r->fd) != 0)
		rc = rc_of_errno(errno);
	if (rc == KMS_OK)
		return KMS_OK;
	if (ftruncate(r->fd, st.st_size) != 0 && rc == KMS_FULL)
		rc = KMS_IO;
	return err_set(err, rc, "cannot write the audit register: %s", rc_text(rc));
}

/* The members of an entry. LOST: what the anchor alone knows. KEY: promises a signature. Both may
 * be NULL. */
static void
members(const struct reg *r, struct jout *o, const struct claim *c, const struct audit_head *lost,
    const char *key)
{
	char stamp[STAMP_SIZE], name[FILE_NAME_SIZE];

	jout_open(o, NULL, '{');
	jout_text(o, "audit", c == NULL ? "register" : c->what);
	if (c == NULL) {
		jout_number(o, "version", 1);
		jout_text(o, "log", r->log);
	}
	stamp_seconds(os_wall_seconds(), stamp);
	jout_text(o, "time", stamp);
	jout_text_if(o, "program", r->conf->program);
	jout_number(o, "pid", (uint64_t)getpid());
	if (c != NULL) {
		log_file_name(c->file, name);
		jout_number(o, "lane", c->file.lane);
		jout_text(o, "file", name);
		jout_number(o, "at", c->at.seq);
		jout_hex(o, "head", slice_of(c->at.hash, AUDIT_HASH_LEN));
		jout_text_if(o, "opened", c->opened);
		if (c->found != NULL && c->found->len > 0)
			jout_number(o, "tornBytes", c->found->len);
	}
	torn_write(o, &r->torn);
	if (lost != NULL) {
		jout_open(o, "lost", '{');
		jout_text(o, "log", lost->log);
		jout_number(o, "seq", lost->seq);
		jout_hex(o, "hash", slice_of(lost->hash, AUDIT_HASH_LEN));
		jout_close(o, '}');
	}
	jout_text_if(o, "key", key);
}

static enum kms_rc
compose(const struct reg *r, struct jout *o, const struct claim *c, const struct audit_head *lost,
    const char *key, struct chain *head)
{
	uint8_t signature[AUDIT_SIGNATURE_LEN];

	*head = r->head;
	members(r, o, c, lost, key);
	TRY(line_seal(o, REGISTER_WRITER, head));
	if (key != NULL)
		TRY(sign_head(r->conf->signer, r->log, REGISTER_WRITER, head, signature));
	return line_end(o, key == NULL ? NULL : signature);
}

/* Unsigned when the signer cannot sign now; the next signature covers it. */
enum kms_rc
reg_append(struct reg *r, const struct claim *c, struct err *err)
{
	const struct audit_signer *signer = r->conf->signer;
	bool signs = signer != NULL && signer->public_key.len > 0;
	char text[1 + ENTRY_MAX] = "\n", key[KEY_ID_SIZE];
	size_t skip = r->torn.open ? 0 : 1;
	struct jout o = jout_of(text + 1, ENTRY_MAX);
	struct audit_head known;
	struct chain head;
	bool is_lost, anchored = ask_anchor(r, &known, &is_lost);
	const struct audit_head *lost = is_lost ? &known : NULL;

	if (signs)
		TRY(key_id(signer->public_key, key));
	if (!signs || compose(r, &o, c, lost, key, &head) != KMS_OK) {
		o = jout_of(text + 1, ENTRY_MAX);
		TRY(compose(r, &o, c, lost, NULL, &head));
	}
	TRY(write_entry(r, slice_of(text + skip, 1 + o.len - skip), err));
	r->head = head;
	r->torn = (struct torn){ 0 };
	if (anchored)
		tell_anchor(r);
	return KMS_OK;
}

/* A new log: its id, the first entry, the folder's entry for the file. */
static enum kms_rc
begin(struct reg *r, int dirfd, struct err *err)
{
	uint8_t id[AUDIT_LOG_ID_LEN / 2];

	/* What never got as far as its first newline was never relied upon. */
	if (ftruncate(r->fd, 0) != 0)
		return err_set(err, rc_of_errno(errno), "the audit register: %m");
	TRY(crypto_random(id, sizeof(id)));
	if (!hex_encode(slice_of(id, sizeof(id)), r->log, sizeof(r->log)))
		return KMS_INTERNAL;
	if (fsync(dirfd) != 0)
		return err_set(err, rc_of_errno(errno), "the audit log's folder: %m");
	r->torn = (struct torn){ 0 };
	return reg_append(r, NULL, err);
}

static enum kms_rc
read_log_id(struct reg *r)
{
	auto_scan s = { .fd = -1 };
	struct line_parts p;
	struct scan_line l;

	TRY(scan_open(r->fd, 0, LINE_CAP, &s));
	TRY(scan_next(&s, &l));
	return l.ended && line_read(l.text, &p) && genesis_read(p.members, r->log) ? KMS_OK
										   : KMS_TAMPERED;
}

static enum kms_rc
read_head(struct reg *r, int dirfd, struct err *err)
{
	struct tail t;
	enum kms_rc rc = tail_find(r->fd, &t);

	if (rc != KMS_OK)
		return err_set(err, rc, "cannot read the audit register");
	r->head = t.head;
	r->torn = t.torn;
	if (!t.found && (t.torn.len == 0 || t.torn.open))
		return begin(r, dirfd, err);
	if (!t.found || read_log_id(r) != KMS_OK)
		return err_set(err, KMS_TAMPERED,
		    "the audit register is damaged; keep its folder, and begin a new one");
	return KMS_OK;
}

enum kms_rc
reg_mentions(const struct reg *r, const char *front, bool *ret)
{
	char mark[32];
	int n = snprintf(mark, sizeof(mark), "\"file\":\"%s", front);
	auto_scan s = { .fd = -1 };
	struct scan_line l;
	enum kms_rc rc;

	*ret = false;
	TRY(scan_open(r->fd, 0, ENDLESS, &s));
	while ((rc = scan_next(&s, &l)) == KMS_OK && !*ret)
		*ret = memmem(l.text.p, l.text.len, mark, (size_t)n) != NULL;
	return rc == KMS_NOTFOUND ? KMS_OK : rc;
}

enum kms_rc
reg_lock(int dirfd, const struct audit_conf *conf, struct reg *ret, struct err *err)
{
	struct reg r = { .fd = -1, .conf = conf };
	enum kms_rc rc;

	TRY(log_file_open(dirfd, REGISTER_NAME, O_RDWR | O_APPEND | O_CREAT, &r.fd, err));
	if ((rc = lock_wait(r.fd, LOCK_EX, REGISTER_NAME, err)) != KMS_OK ||
	    (rc = read_head(&r, dirfd, err)) != KMS_OK) {
		reg_unlock(&r);
		return rc;
	}
	*ret = r;
	return KMS_OK;
}

void
reg_unlock(struct reg *r)
{
	/* Not by closing alone: a child that was forked meanwhile has the same lock. */
	if (r->fd >= 0)
		(void)flock(r->fd, LOCK_UN);
	file_close(&r->fd);
}
