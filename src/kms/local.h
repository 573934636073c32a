/* SPDX-License-Identifier: Apache-2.0 */
/* The local backend: the KMS core in this process, over a store and an HSM driver. */
#ifndef KMS_KMS_LOCAL_H
#define KMS_KMS_LOCAL_H

#include "api/backend.h"
#include "audit/audit.h"
#include "base/conf.h"
#include "hsm/hsm.h"

/*
 * Opens the token that CONF describes. Reads nothing but what status needs. The backend is safe for
 * threads; the caller closes it with backend_close. KMS_CONFIG, KMS_IO, KMS_NEWER, KMS_TAMPERED
 * with the reason in C's text.
 */
enum kms_rc local_open(const struct conf_token *conf, struct call *c,
    struct backend **ret) MUST_USE;

/* Where the token's audit log lies, whether it is written or not, and what it is checked against.
 */
struct audit_place {
	const char *dir;
	struct slice public_key; /* SubjectPublicKeyInfo, DER; empty: none has been made */
	const struct audit_anchor *anchor;
};

/* -- for programs of ours: never for an application that loads the module -- */

/*
 * backend_init_token and backend_init_pin at once or not at all: whoever is interrupted asks for
 * the same again. Nobody is logged in afterwards.
 */
enum kms_rc local_make_token(struct backend *b, struct call *c, struct slice label,
    struct slice so_pin, struct slice user_pin) MUST_USE;

/* This process may run the program that the token's rotate-program names. Before other threads use
 * B. */
void local_run_programs(struct backend *b);

/*
 * Does what is due now, rotations by the program included, which may take long; for the server's
 * timer and for kmsctl. What an action finds due on its way is done without it, but for rotations
 * of secrets. Failures are logged.
 */
void local_tick(struct backend *b);

/*
 * Writes all of the token to FD, as it is at one moment, sealed under a passphrase of 8 to 1024
 * bytes; what a PIN protects stays protected by it inside. Nobody need be logged in.
 * KMS_NOT_INITIALIZED, KMS_LIMIT, KMS_IO, KMS_FULL.
 */
enum kms_rc local_backup(struct backend *b, struct call *c, struct slice passphrase,
    int fd) MUST_USE;
/*
 * The other way: into the store of CONF, all of it or nothing. KMS_EXISTS when there is a token in
 * it, unless REPLACE. KMS_BAD_DATA: no backup, or another passphrase; KMS_TAMPERED, KMS_NEWER,
 * KMS_CONFLICT, and what opening a store answers.
 */
enum kms_rc local_restore(const struct conf_token *conf, struct call *c, struct slice passphrase,
    int fd, bool replace) MUST_USE;

/* What local_rewrap came to. */
struct rewrap {
	char key[UID_TEXT_LEN + 1], version[UID_TEXT_LEN + 1]; /* its primary one */
	uint64_t objects;				       /* that are under the key */
	uint64_t done;	  /* that were under an older version */
	uint64_t left;	  /* that still are: damaged, or changed by others all the time */
	uint64_t damaged; /* that cannot be read: nobody knows what they are under */
};

/* Is told how many objects have been done, and of how many; with no lock held. */
struct rewrap_told {
	void (*at)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

/*
 * Envelopes every object of the token that is under an older version of KEY (an id, ARN or alias;
 * empty: the token's master-key) under its primary version. Each object is a transaction, so
 * whoever is interrupted asks for the same again. TOLD may be NULL. KMS_CONFIG: the token has no
 * master-key; KMS_LOGIN_NEEDED, KMS_KEY_STATE, KMS_DENIED, KMS_READONLY, and what finding a key
 * answers. RET is set in any case.
 */
enum kms_rc local_rewrap(struct backend *b, struct call *c, struct slice key,
    const struct rewrap_told *told, struct rewrap *ret) MUST_USE;

/* May the caller of a call do this, and why? */
struct explain_question {
	struct slice action;   /* Decrypt or kms:Decrypt */
	struct slice resource; /* a key by any of its names, an alias or a secret, or the ARN of
				  one; empty: all of the account */
	struct slice context;  /* an encryption context in JSON, or empty */
	const char *source_ip; /* "": from inside this machine */
};

#define EXPLANATION_MAX 1024
struct explanation {
	bool allowed;
	char text[EXPLANATION_MAX]; /* one sentence */
};

/*
 * What policies say, without doing anything; whether a key is enabled is not asked. For those who
 * look after policies: the sentence names statements and policies. E_ActionNotFound,
 * E_InvalidParameter, and what finding a key or secret answers.
 */
enum kms_rc local_explain(struct backend *b, struct call *c, const struct explain_question *q,
    struct explanation *ret) MUST_USE;

/* Borrowed for B's life. KMS_NOT_INITIALIZED. */
enum kms_rc local_audit(struct backend *b, struct call *c, struct audit_place *ret) MUST_USE;

/* -- the HSM below a local backend, for people; KMS_NOTSUP where keys are in the store -- */

/* Does it answer, and does it let us in? RET: what it is, a sentence. */
enum kms_rc local_hsm_check(struct backend *b, struct call *c, struct buf *ret) MUST_USE;
/* The keys in it. Those that the token has already are refused. KMS_LOGIN_NEEDED. */
enum kms_rc local_hsm_list(struct backend *b, struct call *c, struct hsm_found_list *ret) MUST_USE;
/*
 * Stores V[0], of FOUND's kind and spec, as an object whose key is FOUND, and V[1] (N = 2), its
 * public half. As create: sets ids and revisions. The key itself is not touched, and stays when the
 * object goes.
 */
enum kms_rc local_hsm_adopt(struct backend *b, struct call *c, struct object *v, size_t n,
    const struct hsm_found *found) MUST_USE;

#endif
