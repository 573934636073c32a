/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what: policy documents in RAM's words, parsed once and decided often. Pure: knows no
 * store, no clock and no session. What is decided, and why so, stands in docs/ARCHITECTURE.md.
 */
#ifndef KMS_KMS_POLICY_H
#define KMS_KMS_POLICY_H

#include "api/caller.h"
#include "base/buf.h"

#define POLICY_BYTES_MAX 32768

enum policy_kind {
	POLICY_IDENTITY, /* of a user or role: names resources, no principals */
	POLICY_RESOURCE, /* of one key or secret: names principals; its resource is itself */
};

/* A parsed document. Never changes, so that threads may share it. */
struct policy;

/* KMS_INVALID with the place in the document, what is wrong there and what was expected. */
enum kms_rc policy_parse(enum policy_kind kind, struct slice text, struct policy **ret,
    struct err *err) MUST_USE;
void policy_free(struct policy *p);

/* -- deciding -- */

/* A tag of the resource, or a member of the request's encryption context. */
struct policy_pair {
	struct slice name, value;
};

struct policy_request {
	const struct caller *caller;
	const char *action;   /* kms:Decrypt */
	const char *resource; /* acs:kms:REGION:ACCOUNT:key/ID and the like */
	const char *owner;    /* the account whose resource it is */
	int64_t now;	      /* seconds since 1970 */
	const struct policy_pair *tags, *context;
	size_t n_tags, n_context;
};

/* An identity policy of the caller, and what people call it. */
struct policy_attached {
	const char *name;
	const struct policy *policy;
};

/* What one side says, in the order of strength. */
enum policy_says {
	POLICY_SILENT,	 /* no statement fits the request */
	POLICY_ENTRUSTS, /* the resource's policy lets its own account in as a whole: its identity
			    policies tell who of them */
	POLICY_ALLOWS,
	POLICY_DENIES,
};

/* ... and the first statement that says so; the rest is 0 and "" when POLICY_SILENT. */
struct policy_verdict {
	enum policy_says says;
	size_t policy;	  /* index of the identity policy */
	size_t statement; /* index in the policy */
	const char *sid;  /* "" for none; the policy's memory */
};

enum policy_why {
	POLICY_BY_OWNER,	/* the account's root, on what is the account's */
	POLICY_BY_OWNER_ANYWAY, /* ... though the resource's policy denies it: see below */
	POLICY_BY_RESOURCE,	/* the resource's policy allows */
	POLICY_BY_IDENTITY,	/* an identity policy allows */
	POLICY_BY_BOTH,		/* from another account, and both sides agree */
	POLICY_NOT_BY_RESOURCE, /* the resource's policy denies */
	POLICY_NOT_BY_IDENTITY, /* an identity policy denies */
	POLICY_NOBODY,		/* nothing allows */
	POLICY_NOT_THEIRS,	/* from another account: the resource's policy does not allow */
	POLICY_NOT_OURS,	/* from another account: no identity policy allows */
};

struct policy_decision {
	bool allowed;
	enum policy_why why;
	struct policy_verdict resource, identity;
};

/*
 * The one decision. RESOURCE is the policy of the resource, NULL when it has none; IDENTITY the N
 * policies of the caller. Allocates nothing and takes no lock.
 *
 * A denial anywhere wins. Within the owner's account its root may do everything, and others what
 * the resource's policy allows them by name or an identity policy allows; from another account both
 * must allow, of which a root needs no identity policy. The owner's root may read and set the
 * policy of what is his whatever that policy says, so that nobody locks himself out.
 */
struct policy_decision policy_decide(const struct policy_request *q, const struct policy *resource,
    const struct policy_attached *identity, size_t n);

/* -- telling -- */

#define POLICY_TEXT_MAX 1024

/* One sentence that says what was decided and by which statement, or what was missing. */
void policy_explain(const struct policy_request *q, const struct policy_attached *identity,
    const struct policy_decision *d, char text[POLICY_TEXT_MAX]);

/* AccessDeniedDetail's NoPermissionType and PolicyType; NULL when it is allowed. */
const char *policy_denial_type(const struct policy_decision *d);
const char *policy_denied_by(const struct policy_decision *d);

/* -- built in -- */

/* Identity policies that are there without being made. */
struct policy_system {
	const char *name, *description, *document;
};

const struct policy_system *policy_system_rows(size_t *ret_n);
/* NULL: there is none of that name. */
const struct policy_system *policy_system_by_name(const char *name);

enum policy_default {
	POLICY_DEFAULT_KEY,
	POLICY_DEFAULT_SECRET,
};

/* Appends the document that a key or secret of account OWNER has when none is given. */
enum kms_rc policy_default_document(enum policy_default of, const char *owner,
    struct buf *ret) MUST_USE;

#endif
