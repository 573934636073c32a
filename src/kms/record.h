/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's side of the audit log: what is done with a token leaves a record, whoever asked and
 * however it ended. Each token has a log of its own in a folder named by its serial. The key that
 * signs the log lies in the store under the root key, so a process can sign from its first login
 * on; the head of the log's register lies there too, and can be put by anybody who can write the
 * store. Only src/kms includes this.
 */
#ifndef KMS_KMS_RECORD_H
#define KMS_KMS_RECORD_H

#include "audit/audit.h"
#include "kms/act.h"

/* -- record_log.c: which log, its key and its anchor -- */

/* The log of one token. All but the atomics never changes. */
struct record_log {
	struct record_log *next;
	struct local *l;
	uint8_t serial[SERIAL_LEN];
	struct account account;
	struct secret open; /* the token's open key: seals the head */
	char *dir;
	struct buf spki;	    /* of the key that signs; empty: none yet */
	_Atomic(struct ckey *) key; /* once somebody has logged in */
	struct audit_signer signer;
	struct audit_anchor anchor;
	struct audit *audit; /* NULL: nothing is to be recorded */
};

struct recorder {
	struct audit_conf conf; /* what does not depend on the token */
	bool on, refuse;
	char *base; /* the folder of the logs' folders */
	char program[64];
	atomic_bool failed; /* the last record could not be written */
	_Atomic(struct record_log *) current;
	pthread_mutex_t lock; /* for what stands below */
	struct record_log *logs;
	uint64_t retry_ms; /* the log could not be opened; when it is tried again */
	enum kms_rc retry_rc;
};

enum kms_rc recorder_open(const struct conf_token *conf, struct recorder **ret) MUST_USE;
/* Closes the logs; the store is needed still. Takes NULL. */
void recorder_close(struct recorder *r);
/* Another token is in the store: with the core's lock held. */
static inline void
recorder_token_changed(struct recorder *r)
{
	atomic_store_explicit(&r->current, NULL, memory_order_release);
}

/* The present token's. *RET is NULL when there is none: no token, or no log is wanted. */
enum kms_rc record_log_get(struct local *l, struct call *c, struct record_log **ret) MUST_USE;
/* After a login: from now on the log can be signed. Makes the key when there is none. */
enum kms_rc record_log_unlock(struct local *l, struct call *c) MUST_USE;
/* The same for the token of KEYS, which has just been made; all of them are there. */
enum kms_rc record_log_unlock_with(struct local *l, struct call *c,
    const struct keyring *keys) MUST_USE;

/* -- record.c: records -- */

#define RECORD_PARAMS 48

/* One record in the making. */
struct record {
	struct audit_event e;
	struct caller who;
	bool is_root; /* WHO is the account's, whose number is known once there is a log */
	struct audit_param params[RECORD_PARAMS];
	char resource[UID_TEXT_LEN + 1], version[UID_TEXT_LEN + 1];
};

/* Of ACTION, done by whoever C names, or else by ROLE of the token. */
void record_begin(struct record *r, const struct call *c, enum role role, const char *action,
    bool write);
void record_param(struct record *r, const char *name, struct slice value);
void record_resource(struct record *r, const char *type, const struct uid *id);
/*
 * Writes R: what it tells of ended with RC. Gives RC; or, when it went well but cannot be recorded
 * and must not be done then, the error of that.
 */
enum kms_rc record_end(struct record *r, struct local *l, struct call *c, enum kms_rc rc);
/* The same for a use of a key's VERSION, which is counted together with its like (audit_fold) under
 * NUMBER; refusals are not. */
enum kms_rc record_end_use(struct record *r, struct local *l, struct call *c,
    const struct uid *version, unsigned number, enum kms_rc rc);
/* Writes R, a success, to LOG alone. */
enum kms_rc record_write_to(struct record *r, struct record_log *log, struct err *err) MUST_USE;
/* Nothing is begun that cannot be recorded, if that is wanted: before what changes something. */
enum kms_rc record_ready(struct local *l, struct call *c) MUST_USE;

/* What is due of the log, such as counts of sessions that do nothing more; for whoever passes by.
 */
void record_tick(struct local *l);

/* An action of the KMS has ended with RC; A may be hardly begun. As record_end. */
enum kms_rc record_act(struct act *a, enum kms_rc rc);
/* What A says was due of a secret (by its NAME) or a key (by its ID) was done, unasked, and ended
 * with RC. */
void record_due(struct act *a, bool is_secret, const struct uid *id, struct slice name,
    enum kms_rc rc);

/* -- record_use.c: keys at work -- */

/* What is done with a key beside enum use_kind. */
enum { RECORD_DERIVE = USE_KINDS, RECORD_EXPORT, RECORD_KINDS };

/* The counts of whoever makes the call; NULL: there are none, each use is a record. */
struct audit_fold *record_fold(struct call *c, struct record_log *log);
enum kms_rc record_use_slowly(struct local *l, struct call *c, const struct backend_key *k,
    unsigned kind, enum alg alg, enum kms_rc rc);
void record_uses_close(struct backend *b, struct backend_uses *u);

struct backend_uses {
	struct record_log *log;
	struct audit_fold *fold;
};

static inline unsigned
record_number(unsigned kind, enum alg alg)
{
	return kind * ALG_END + alg;
}

/* A use of K has begun, or was refused with RC. As record_end. Repeated ones are counted, which
 * takes no lock that two sessions share. */
static inline enum kms_rc
record_use(struct local *l, struct call *c, const struct backend_key *k, unsigned kind,
    enum alg alg, enum kms_rc rc)
{
	const struct backend_uses *u;

	if (!l->recorder->on)
		return rc;
	u = rc == KMS_OK && c != NULL && c->uses != NULL ? *c->uses : NULL;
	if (__builtin_expect(u != NULL &&
		    u->log == atomic_load_explicit(&l->recorder->current, memory_order_acquire) &&
		    audit_fold_hit(u->fold, &k->id, record_number(kind, alg)),
		1))
		return rc;
	return record_use_slowly(l, c, k, kind, alg, rc);
}

/* -- recorded.c: the backend's methods that leave a record -- */

enum kms_rc recorded_init_token(struct backend *b, struct call *c, struct slice label,
    struct slice so_pin);
enum kms_rc recorded_login(struct backend *b, struct call *c, enum role role, struct slice name,
    struct slice pin);
enum kms_rc recorded_reauthenticate(struct backend *b, struct call *c, struct slice pin);
void recorded_logout(struct backend *b);
enum kms_rc recorded_init_pin(struct backend *b, struct call *c, struct slice pin);
enum kms_rc recorded_set_pin(struct backend *b, struct call *c, enum role role,
    struct slice old_pin, struct slice new_pin);
enum kms_rc recorded_create(struct backend *b, struct call *c, struct object *v,
    const struct slice *material, size_t n);
enum kms_rc recorded_generate(struct backend *b, struct call *c, struct object *priv,
    struct object *pub, struct slice e);
enum kms_rc recorded_update(struct backend *b, struct call *c, struct object *o,
    const struct slice *material);
enum kms_rc recorded_copy(struct backend *b, struct call *c, const struct uid *src,
    struct object *new_object);
enum kms_rc recorded_destroy(struct backend *b, struct call *c, const struct uid *ids, size_t n);
enum kms_rc recorded_export(struct backend *b, struct call *c, const struct uid *id,
    struct secret *ret);

#endif
