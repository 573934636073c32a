/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One action of the KMS under way, and what the chapters (act_*.c) that carry actions out ask of
 * the core. act.c does for every action what is the same: it checks the request, finds the key or
 * secret, authorises, looks at the state, runs the chapter's function, and writes what it gathered
 * in one transaction; when somebody else was faster it does all of it again.
 */
#ifndef KMS_KMS_ACT_H
#define KMS_KMS_ACT_H

#include "kms/changes.h"
#include "kms/master_key.h"
#include "kms/secret.h"

/* Whose KMS this is: the account and region in its ARNs. */
#define ACCOUNT_LEN 16
struct account {
	char id[ACCOUNT_LEN + 1]; /* 16 digits, made of the token's serial */
	const char *region;
};

struct act {
	struct local *l;
	struct call *c;
	enum action action;
	const struct fields *req;
	struct fields *res;
	struct keyring keys;
	struct account account;
	struct caller root; /* used when the call names nobody */
	const struct caller *who;
	int64_t now;	    /* seconds since 1970 UTC, the same throughout */
	struct buf context; /* an encryption context in its canonical form, for policies that ask
			       for it: of ReEncrypt each half has its own */
	bool has_key, has_secret;
	struct master_key key;	  /* found, permitted, and in a state that lets the action go on */
	struct kms_secret secret; /* likewise */
	struct changes changes;
	const char *due; /* what has become due, and is done unasked: its name on the record */
};

/* Whose KMS the token of SERIAL is. */
void act_account(const uint8_t serial[SERIAL_LEN], struct account *ret);

/* Fills in the rest of A, whose first five members stand. KMS_LOGIN_NEEDED unless the user is
 * logged in. */
enum kms_rc act_begin(struct act *a) MUST_USE;
void act_free(struct act *a);
#define auto_act __attribute__((cleanup(act_free))) struct act

/* Writes what A has gathered so far. KMS_CONFLICT: somebody was faster, and the action is to begin
 * again. */
enum kms_rc act_commit(struct act *a) MUST_USE;

/* A chapter's function: reads a->req, fills a->res, gathers changes. Run again after KMS_CONFLICT.
 */
typedef enum kms_rc act_fn(struct act *a);

/* How the keys that L makes from now on are protected. */
static inline enum key_level
key_level_here(struct local *l)
{
	return hsm_keeps_inside(l) ? LEVEL_HSM : LEVEL_SOFTWARE;
}

/* -- keys (act.c) -- */

/* The key called NAME: an id, an ARN of ours, or (ALIASES) an alias. E_KeyNotFound,
 * E_AliasNotFound, E_UnsupportedAlias. Permission and state are not looked at. */
enum kms_rc act_find_key(struct act *a, struct slice name, bool aliases,
    struct master_key *ret) MUST_USE;
/* The key of ID. E_KeyNotFound. */
enum kms_rc act_load_key(struct act *a, const struct uid *id, struct master_key *ret) MUST_USE;
/* For actions about several keys (TARGET_SELF): the caller may do WHAT ("kms:ReEncryptFrom") to K,
 * and K's state lets the action go on. */
enum kms_rc act_permit_key(struct act *a, const char *what, const struct master_key *k) MUST_USE;
/* From now on permissions are asked for with the encryption context in NAME. Whether it is
 * well-formed is the chapter's to say: what is not counts as none. */
enum kms_rc act_read_context(struct act *a, enum field name) MUST_USE;
/* The state alone, of keys that the service uses in its own name. */
enum kms_rc act_check_state(struct act *a, const struct master_key *k) MUST_USE;
/* Gathers K's new contents; K's revision is counted up. */
enum kms_rc act_put_key(struct act *a, struct master_key *k) MUST_USE;

/* -- secrets (secret_find.c) -- */

/* The secret called NAME, or by an ARN of ours. E_ResourceNotFound. Permission and recovery window
 * are not looked at. */
enum kms_rc act_find_secret(struct act *a, struct slice name, struct kms_secret *ret) MUST_USE;
/* The secret of ID. E_ResourceNotFound. */
enum kms_rc act_load_secret(struct act *a, const struct uid *id, struct kms_secret *ret) MUST_USE;
/* The caller may do WHAT ("kms:GetSecretValue") to S, and S is not in its recovery window when the
 * action does not go on there: E_ResourceInDeleteWindow. */
enum kms_rc act_permit_secret(struct act *a, const char *what, const struct kms_secret *s) MUST_USE;
/* Gathers S's new contents; S's revision is counted up, its time of change is now. */
enum kms_rc act_put_secret(struct act *a, struct kms_secret *s) MUST_USE;

/* -- what names and refusals are made of -- */

/* What was refused is not needed: the action goes on without it. */
static inline void
act_go_on(struct act *a)
{
	a->c->error = E_None;
	err_clear(&a->c->err);
}

/* Cuts "acs:kms:REGION:ACCOUNT:" off NAME, if that is the head of our ARNs. */
bool act_skip_arn(const struct act *a, struct slice *name);
/* E, a kind of not being found; strangers are not told what there is: E_NoPermission. */
enum kms_rc act_not_found(struct act *a, enum api_error e) MUST_USE;
/* E_InvalidParameter, for the parameter NAME. */
enum kms_rc act_bad(struct act *a, enum field name);
/* RC of a parser that told why in a->c->err: KMS_INVALID and KMS_LIMIT become E_InvalidParameter
 * and E_LimitExceeded, for the parameter NAME. */
enum kms_rc act_parsed(struct act *a, enum field name, enum kms_rc rc) MUST_USE;

/* -- what results are made of -- */

/* "2024-03-25T10:00:00Z" */
#define TIME_TEXT_LEN 20
void time_to_text(int64_t seconds, char ret[TIME_TEXT_LEN + 1]);
enum kms_rc act_put_time(struct fields *f, enum field name, int64_t seconds) MUST_USE;
enum kms_rc act_put_uid(struct fields *f, enum field name, const struct uid *id) MUST_USE;
/* "acs:kms:REGION:ACCOUNT:key/NAME", or the container "acs:kms:REGION:ACCOUNT:key" when RESOURCE is
 * empty. */
enum kms_rc act_arn(const struct act *a, const char *type, struct slice resource,
    struct buf *ret) MUST_USE;
/* The same as a field; TYPE is key, alias or secret. */
enum kms_rc act_put_arn(const struct act *a, struct fields *f, enum field name, const char *type,
    struct slice resource) MUST_USE;

/* PageNumber and PageSize (default: 1 and SIZE) as skip and limit, and their echo in the result
 * with TOTAL. */
struct page {
	uint64_t number, size;
};
struct page act_page(const struct act *a, uint64_t size);
enum kms_rc act_put_page(const struct act *a, struct page p, uint64_t total) MUST_USE;

/* The backend's method. */
enum kms_rc local_act(struct backend *b, struct call *c, enum action action,
    const struct fields *req, struct fields *res) MUST_USE;

#endif
