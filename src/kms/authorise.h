/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the caller of an action may do it: brings the resource's and the caller's policies
 * together for policy.h to decide. */
#ifndef KMS_KMS_AUTHORISE_H
#define KMS_KMS_AUTHORISE_H

#include "kms/act.h"
#include "kms/policy.h"
#include "kms/tag.h"

/* What is to be touched. */
struct resource {
	const char *type; /* key, alias or secret; with an empty name the account's as a whole */
	struct slice name;
	const struct tags *tags; /* NULL: none */
	struct slice policy;	 /* JSON; empty: the default one, if DEFAULT_POLICY */
	bool has_policy;	 /* false: a resource that has none (aliases, containers) */
	enum policy_default default_policy;
};

/* K and S as such; what they borrow from, ID and the strings in S, outlives them. */
struct resource resource_of_key(const struct master_key *k, char id[UID_TEXT_LEN + 1]);
struct resource resource_of_secret(const struct kms_secret *s);

/*
 * WHAT ("kms:Decrypt") may be done to R by a->who, now. E_NoPermission; the sentence says why only
 * as far as the caller may know.
 */
enum kms_rc authorise(struct act *a, const char *what, const struct resource *r) MUST_USE;

/* The whole reason, for those who look after policies. */
enum kms_rc authorise_explain(struct act *a, const char *what, const struct resource *r,
    bool *allowed, char text[POLICY_TEXT_MAX]) MUST_USE;

#endif
