/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the log needs from time to time: a signed checkpoint, a new file. Whichever thread passes by
 * when it is due does it; a signature that takes long keeps nobody else from writing. What a
 * checkpoint signs is the chain up to the record before; the register's entry, itself signed,
 * covers the checkpoint too.
 */
#define _GNU_SOURCE 1
#include "audit/core.h"
#include "audit/register.h"

#include "base/log.h"
#include "base/os.h"

#define DAY	 86400
#define RETRY_MS 1000

enum due
tend_due_locked(const struct core *c)
{
	const struct audit_conf *conf = &c->a->conf;
	uint64_t now = os_monotonic_ms();

	if (c->fd < 0 || now < c->retry_ms)
		return DUE_NOTHING;
	if (c->size + c->pending.len >= conf->file_max || os_wall_seconds() / DAY != c->day)
		return DUE_FILE;
	if (c->unsigned_records >= conf->checkpoint_records ||
	    (c->unsigned_records > 0 && now - c->checkpoint_ms >= conf->checkpoint_ms))
		return DUE_CHECKPOINT;
	return DUE_NOTHING;
}

/* The line that keeps a signature over AT; SIG is NULL where there is none. */
static enum kms_rc
add_checkpoint_locked(struct core *c, const char *why, const struct chain *at, const uint8_t *sig)
{
	char text[1024], stamp[STAMP_SIZE], id[KEY_ID_SIZE];
	struct jout o = jout_of(text, sizeof(text));

	stamp_seconds(os_wall_seconds(), stamp);
	jout_open(&o, NULL, '{');
	jout_text(&o, "audit", "checkpoint");
	jout_text(&o, "time", stamp);
	jout_text(&o, "reason", why);
	if (sig != NULL) {
		TRY(key_id(c->a->conf.signer->public_key, id));
		jout_number(&o, "upTo", at->seq);
		jout_hex(&o, "head", slice_of(at->hash, AUDIT_HASH_LEN));
		jout_text(&o, "key", id);
		jout_hex(&o, "signature", slice_of(sig, AUDIT_SIGNATURE_LEN));
	}
	return commit_add_locked(c, &o);
}

/* Signs, writes, syncs, registers. WHAT is the register's word for it. KMS_CONFLICT: the file was
 * given up meanwhile. */
static enum kms_rc
checkpoint(struct core *c, const char *what, const char *why, struct err *err)
{
	uint8_t sig[AUDIT_SIGNATURE_LEN];
	struct claim claim = { .what = what };
	char lane[5], log[sizeof(c->log)];
	auto_reg r = { .fd = -1 };
	unsigned opening;
	uint64_t covered;
	struct chain at;
	enum kms_rc rc;
	bool is_signed;

	pthread_mutex_lock(&c->lock);
	at = c->head;
	opening = c->openings;
	covered = c->unsigned_records;
	lane_name(c->file.lane, lane);
	memcpy(log, c->log, sizeof(log));
	pthread_mutex_unlock(&c->lock);

	is_signed = sign_head(c->a->conf.signer, log, lane, &at, sig) == KMS_OK;

	pthread_mutex_lock(&c->lock);
	while (c->busy || c->paused)
		pthread_cond_wait(&c->changed, &c->lock);
	rc = c->openings == opening && c->fd >= 0 ? KMS_OK : KMS_CONFLICT;
	if (rc == KMS_OK)
		rc = add_checkpoint_locked(c, why, &at, is_signed ? sig : NULL);
	claim.at = c->head;
	claim.file = c->file;
	if (rc == KMS_OK)
		rc = commit_locked(c, true, err);
	if (rc == KMS_OK) {
		c->unsigned_records -= covered;
		c->checkpoint_ms = os_monotonic_ms();
	}
	pthread_mutex_unlock(&c->lock);
	TRY(rc);
	TRY(reg_lock(c->a->dirfd, &c->a->conf, &r, err));
	return reg_append(&r, &claim, err);
}

static enum kms_rc
next_file(struct core *c, struct err *err)
{
	enum kms_rc rc;

	TRY(checkpoint(c, "checkpoint", "rotation", err));
	pthread_mutex_lock(&c->lock);
	while (c->paused)
		pthread_cond_wait(&c->changed, &c->lock);
	c->paused = true;
	commit_wait_idle_locked(c);
	rc = c->fd < 0 ? KMS_CONFLICT : commit_locked(c, true, err);
	pthread_mutex_unlock(&c->lock);
	if (rc == KMS_OK)
		rc = lane_next_file(c, err);
	pthread_mutex_lock(&c->lock);
	c->paused = false;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

void
tend(struct core *c)
{
	struct err err = { 0 };
	enum kms_rc rc = KMS_OK;
	enum due due;

	pthread_mutex_lock(&c->lock);
	due = c->tending ? DUE_NOTHING : tend_due_locked(c);
	c->tending = c->tending || due != DUE_NOTHING;
	pthread_mutex_unlock(&c->lock);
	if (due == DUE_NOTHING)
		return;
	rc = due == DUE_FILE ? next_file(c, &err) : checkpoint(c, "checkpoint", "due", &err);
	if (rc != KMS_OK && rc != KMS_CONFLICT)
		log_warning("audit log: %s", err.text[0] != '\0' ? err.text : rc_text(rc));
	pthread_mutex_lock(&c->lock);
	c->tending = false;
	if (rc != KMS_OK)
		c->retry_ms = os_monotonic_ms() + RETRY_MS;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

enum kms_rc
tend_close(struct core *c, struct err *err)
{
	enum kms_rc rc;

	if (c->fd < 0)
		return KMS_OK;
	rc = checkpoint(c, "close", "close", err);
	pthread_mutex_lock(&c->lock);
	lane_leave_locked(c);
	pthread_mutex_unlock(&c->lock);
	return rc;
}
