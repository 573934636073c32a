/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log, written: one JSON line a record, with ActionTrail's names, chained by hashes and
 * signed at checkpoints, so that what is changed or taken away later is found (audit/read.h).
 * Knows nothing of keys, policies or PKCS#11: whoever asks for an action tells what happened. No
 * threads, no exit handlers, nothing printed. docs/audit.md tells the format and what is promised.
 */
#ifndef KMS_AUDIT_AUDIT_H
#define KMS_AUDIT_AUDIT_H

#include "api/caller.h"
#include "api/object.h"

struct audit;
struct ckey;

/* -- what the log is given by its owner -- */

#define AUDIT_SIGNATURE_LEN 64

/*
 * The key that signs checkpoints: Ed25519, wherever it lives. SIGN may answer KMS_LOGIN_NEEDED (or
 * any error) for now: the checkpoint is made without a signature, and the next one covers it. It is
 * called without a lock that a record needs, from whichever thread passes a checkpoint.
 */
struct audit_signer {
	struct slice public_key; /* SubjectPublicKeyInfo, DER; borrowed for the log's life */
	enum kms_rc (*sign)(void *arg, struct slice message, uint8_t ret[AUDIT_SIGNATURE_LEN],
	    struct err *err);
	void *arg;
};

/* A signer over a key at hand, which is borrowed and must outlive it; SPKI keeps its public half.
 * KMS_KEY_TYPE. */
enum kms_rc audit_signer_of_key(struct ckey *key, struct buf *spki,
    struct audit_signer *ret) MUST_USE;

#define AUDIT_LOG_ID_LEN 32 /* hex digits */
#define AUDIT_HASH_LEN	 32

/* The last entry of the register. */
struct audit_head {
	char log[AUDIT_LOG_ID_LEN + 1];
	uint64_t seq;
	uint8_t hash[AUDIT_HASH_LEN];
};

/*
 * Where the register's head is kept outside the folder, so that cutting off the end of everything
 * is found too. Called with the register's file lock held, so never twice at once: it must not
 * write to the log, nor wait for somebody who does. get: KMS_NOTFOUND before the first put.
 */
struct audit_anchor {
	enum kms_rc (*get)(void *arg, struct audit_head *ret, struct err *err);
	enum kms_rc (*put)(void *arg, const struct audit_head *head, struct err *err);
	void *arg;
};

enum audit_refuse {
	AUDIT_REFUSE_DEFAULT, /* as YES in durable mode, else as NO */
	AUDIT_REFUSE_YES,     /* what cannot be recorded is an error of audit_write */
	AUDIT_REFUSE_NO,      /* it is counted; the number is recorded when writing works again */
};

enum audit_fold_mode {
	AUDIT_FOLD_OFF,	    /* every use is a record */
	AUDIT_FOLD_REPEATS, /* the first use in a second is a record at once; the others are one */
	AUDIT_FOLD_ALL,	    /* all uses within a second are one record, written afterwards */
};

/* Zero is the default everywhere. Strings and the two interfaces are borrowed for the log's life.
 */
struct audit_conf {
	const char *dir;
	bool durable; /* on the disk before audit_write returns; else buffered */
	enum audit_refuse refuse;
	enum audit_fold_mode fold;
	/* Buffered: written when so many wait (64; 1: each at once, though not to the disk, so that
	 * nothing is lost when the process is killed) ... */
	unsigned batch_records;
	unsigned batch_ms;	     /* ... or one waits so long (1000), at the next call */
	uint64_t file_max;	     /* a new file after so many bytes (64 MiB), and each day */
	unsigned checkpoint_records; /* a checkpoint after so many records (10 000) ... */
	unsigned checkpoint_ms;	     /* ... or so long after the last (60 000), at the next call */
	const char *program;	     /* of events that name none */
	const char *region, *source; /* acsRegion and eventSource of events that name none */
	const struct audit_signer *signer; /* NULL: chained, never signed */
	const struct audit_anchor *anchor; /* NULL: none */
};

/* Makes the folder (0700) if need be. Its files are made by the first record. KMS_CONFIG: others
 * can write there. KMS_IO, KMS_READONLY. */
enum kms_rc audit_open(const struct audit_conf *conf, struct audit **ret, struct err *err) MUST_USE;

/*
 * Writes what waits, signs, closes; folds that are still open go too. The error of what could not
 * be written; A is gone all the same. No other thread is in any call. Takes NULL.
 */
enum kms_rc audit_close(struct audit *a, struct err *err);

/* -- records -- */

struct audit_param {
	const char *name;
	struct slice value;
};

/*
 * What happened. Strings may be NULL: the member is left out (or ""). Everything is borrowed for
 * the call. Long values are cut; parameters that carry secrets or payload (Plaintext, SecretData,
 * CiphertextBlob ...) are left out by name, whatever the caller says.
 */
struct audit_event {
	const char *action; /* eventName, such as "AsymmetricSign" */
	bool write;	    /* eventRW: Write, else Read */
	const struct caller *caller;
	const char *identity;		       /* userIdentity's type; NULL: the caller's kind */
	const char *request_id;		       /* NULL: the event's own id */
	const char *region, *source, *program; /* NULL: the configured ones */
	const struct audit_param *params;
	size_t n_params;
	const struct slice *context_names; /* of an EncryptionContext: its keys, never its values */
	size_t n_context_names;
	const char *error_code, *error_message; /* of a failure */
	const char *resource_type, *resource_name;
	const struct audit_param *refs; /* type and id; one type's stand together */
	size_t n_refs;
	const char *key_version;
	const char *recipient_account;
};

/*
 * Records E. Durable: on the disk, or an error and (but for a crash right then) not in the log;
 * threads that wait share one fdatasync. KMS_FULL, KMS_READONLY, KMS_IO, KMS_BUSY, KMS_CONFIG,
 * KMS_TAMPERED (the register is damaged).
 */
enum kms_rc audit_write(struct audit *a, const struct audit_event *e, struct err *err) MUST_USE;

/* Writes buffered records and all folds, to the disk if SYNC. */
enum kms_rc audit_flush(struct audit *a, bool sync, struct err *err) MUST_USE;

/* What is due by time: folds whose second is over, buffered records, checkpoints, the day's new
 * file. Cheap when nothing is; for whoever has a moment. */
void audit_tick(struct audit *a);

/* -- folding -- */

/*
 * The repeated uses of keys by one session: one thread's at a time, as the session is, but for
 * audit_tick, audit_flush and audit_close. In a forked child it starts anew.
 */
struct audit_fold;

enum kms_rc audit_fold_open(struct audit *a, struct audit_fold **ret) MUST_USE;
/* Writes what was counted. Takes NULL. */
void audit_fold_close(struct audit_fold *f);

/*
 * The hot path: whether this successful use (of a key version, by an action of the caller's own
 * numbering) is one more of those being counted. If so it is, and nothing else is to be done; if
 * not, audit_fold_use records it.
 */
bool audit_fold_hit(struct audit_fold *f, const struct uid *version, unsigned action) MUST_USE;

/* Records E, a success, and begins to count its like; first writes what was counted before. With
 * AUDIT_FOLD_OFF the same as audit_write. */
enum kms_rc audit_fold_use(struct audit_fold *f, const struct uid *version, unsigned action,
    const struct audit_event *e, struct err *err) MUST_USE;

/* At logout, and wherever who asks may change: writes what was counted. */
enum kms_rc audit_fold_flush(struct audit_fold *f, struct err *err) MUST_USE;

#endif
