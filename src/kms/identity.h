/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RAM users of this KMS: who they are, which identity policies they have, and their access keys. A
 * user is an entity named ACCOUNT/NAME, so that users of other accounts can be known here too: a
 * service provider's, say, whose account the customer's key policies name.
 */
#ifndef KMS_KMS_IDENTITY_H
#define KMS_KMS_IDENTITY_H

#include "kms/act.h"
#include "kms/policy.h"

#define USER_NAME_MAX	  64
#define USER_POLICIES_MAX 20

struct ram_user {
	struct uid id;
	uint64_t revision; /* 0: not in the store yet */
	int64_t created;
	struct buf name; /* ACCOUNT/NAME */
	struct buf comment;
	struct buf policies[USER_POLICIES_MAX]; /* names of attached identity policies */
	size_t n;
};

void ram_user_free(struct ram_user *u);
#define auto_ram_user __attribute__((cleanup(ram_user_free))) struct ram_user

/* The user ACCOUNT/NAME. KMS_NOTFOUND. */
enum kms_rc ram_user_find(struct act *a, struct slice name, struct ram_user *ret) MUST_USE;
/* One from its entity, with its seal checked. KMS_TAMPERED. */
enum kms_rc ram_user_read(struct act *a, const struct store_entity *e,
    struct ram_user *ret) MUST_USE;
/* Gathers U's new contents; its revision is counted up. */
enum kms_rc ram_user_put(struct act *a, struct ram_user *u) MUST_USE;

/* The user that UserName and AccountId (absent: the account's own) mean. E_UserNotExist. */
enum kms_rc user_name(struct act *a, struct buf *ret) MUST_USE;
enum kms_rc user_find(struct act *a, struct ram_user *ret) MUST_USE;

/* The policies that speak for a caller. */
struct identity {
	struct policy_attached v[USER_POLICIES_MAX];
	struct buf names[USER_POLICIES_MAX];
	size_t n;
};
void identity_free(struct identity *w);
#define auto_identity __attribute__((cleanup(identity_free))) struct identity

/* Those of WHO: none for a root, and none for a user that is not known here. KMS_TAMPERED: one that
 * is attached is not there, and might have denied. */
enum kms_rc identity_load(struct act *a, const struct caller *who, struct identity *ret) MUST_USE;

#endif
