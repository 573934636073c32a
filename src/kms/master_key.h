/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A KMS key (master key, CMK) as the core knows it: what DescribeKey tells, its policy and tags.
 * Its versions are objects of the store whose `key` is its id; the primary one is named here. Kept
 * as an entity of kind ENTITY_KEY.
 */
#ifndef KMS_KMS_MASTER_KEY_H
#define KMS_KMS_MASTER_KEY_H

#include "kms/entity.h"
#include "kms/master_spec.h"
#include "kms/state.h"
#include "kms/tag.h"

/* Stored in files: values are never reused or renumbered. */
enum material_origin {
	ORIGIN_KMS = 1,
	ORIGIN_EXTERNAL = 2,
};
enum key_level {
	LEVEL_SOFTWARE = 1,
	LEVEL_HSM = 2,
};

/* "SOFTWARE". Static storage. */
const char *key_level_name(enum key_level level);

#define MATERIAL_DIGEST_LEN 32

struct master_key {
	struct uid id;
	uint64_t revision; /* 0: not in the store yet */
	int64_t created;
	enum key_state state;
	struct key_spec spec;
	enum key_usage usage;
	enum material_origin origin;
	enum key_level level;
	struct uid primary;	    /* the primary version; zero before there was any */
	bool material;		    /* there is some: not so before an import, and after its end */
	int64_t delete_at;	    /* KEY_PENDING_DELETION: when; else 0 */
	int64_t material_expire;    /* ORIGIN_EXTERNAL: when; 0: never */
	bool rotates;		    /* automatically, every rotation_interval */
	uint32_t rotation_interval; /* seconds; kept when rotation is switched off; 0: never set */
	int64_t rotated;	    /* when the newest version was made */
	bool deletion_protected;
	uint8_t material_digest[MATERIAL_DIGEST_LEN]; /* ORIGIN_EXTERNAL: of the first material;
							 zeros before */
	struct buf creator;			      /* account id, or CREATOR_SERVICE */
	struct buf description, protection_description;
	struct buf policy; /* JSON; empty: the default policy */
	struct tags tags;
};

/* Who made the keys that the service uses in its own name; no account is called so. */
#define CREATOR_SERVICE "Secretsmanager"
bool master_key_is_service(const struct master_key *k);

void master_key_free(struct master_key *k);
#define auto_master_key __attribute__((cleanup(master_key_free))) struct master_key

/* When a tick must look at K: the first of deletion, expiry and rotation; 0: never. */
int64_t master_key_due(const struct master_key *k);

/* As an entity, sealed; revision counted up. The caller frees *RET. */
enum kms_rc master_key_write(struct call *c, const struct keyring *keys, struct master_key *k,
    struct store_entity *ret) MUST_USE;
/* From one, with its seal checked. KMS_TAMPERED, KMS_LOGIN_NEEDED. */
enum kms_rc master_key_read(struct call *c, const struct keyring *keys,
    const struct store_entity *e, struct master_key *ret) MUST_USE;

#endif
