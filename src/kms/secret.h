/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret as the core knows it: what DescribeSecret tells, its policy and tags, and its versions
 * with their stages. The values are entities of their own (secret_value.h). Kept as an entity of
 * kind ENTITY_SECRET.
 */
#ifndef KMS_KMS_SECRET_H
#define KMS_KMS_SECRET_H

#include "kms/entity.h"
#include "kms/tag.h"

/* Stored in files: values are never reused or renumbered. */
enum secret_type {
	SECRET_GENERIC = 1,
	SECRET_RDS = 2,
	SECRET_REDIS = 3,
	SECRET_RAM = 4,
	SECRET_ECS = 5,
	SECRET_POLARDB = 6,
};
#define SECRET_TYPE_MAX SECRET_POLARDB

/* One value, by the name that callers gave it. */
struct secret_version {
	struct uid id;	 /* of the entity that holds the value */
	struct buf name; /* VersionId */
	int64_t created;
};

/* A stage is at one version at a time. */
struct secret_stage {
	struct buf name;
	struct uid version;
};

/* The system's stages; ACSPending is what a rotation is about to make ACSCurrent. */
#define STAGE_CURRENT  "ACSCurrent"
#define STAGE_PREVIOUS "ACSPrevious"
#define STAGE_PENDING  "ACSPending"

#define SECRET_VERSIONS_MAX 10
/*
 * No stage of the callers' is added beyond eight; the system's own are never refused, so that there
 * may be two more: ACSPrevious, which comes by itself, and ACSPending, which is not counted.
 */
#define SECRET_STAGES_MAX 8

struct secret_rotation {
	bool automatic;	    /* every `interval` */
	uint32_t interval;  /* seconds; kept when rotation is switched off; 0: never set */
	int64_t last;	    /* when it was last rotated; 0: never */
	int64_t not_before; /* after a failure: when it is tried again */
	bool failing;	    /* the last try failed */
	int64_t run_until;  /* the program is at work, until then at most; 0: it is not */
	struct buf runner;  /* ... for this process (process_mark) */
	bool cut_off;	    /* a run for ACSPending had no end: its value may be in force */
};

struct kms_secret {
	struct uid id;
	uint64_t revision; /* 0: not in the store yet */
	int64_t created, updated;
	struct buf name;
	enum secret_type type;
	struct uid key;	   /* the KMS key that its values are encrypted with */
	int64_t delete_at; /* in its recovery window: when that ends; else 0 */
	struct secret_rotation rotation;
	struct buf creator; /* account id */
	struct buf description;
	struct buf config; /* ExtendedConfig, JSON; empty: none */
	struct buf policy; /* JSON; empty: the default policy */
	struct tags tags;
	struct secret_version versions[SECRET_VERSIONS_MAX]; /* in the order of creation */
	size_t n_versions;
	struct secret_stage stages[SECRET_STAGES_MAX + 2];
	size_t n_stages;
};

void kms_secret_free(struct kms_secret *s);
#define auto_kms_secret __attribute__((cleanup(kms_secret_free))) struct kms_secret

/* When a tick must look at S: the end of its recovery window, or a rotation; 0: never. */
int64_t kms_secret_due(const struct kms_secret *s);
/* When S rotates next, if it does so automatically. */
int64_t kms_secret_next_rotation(const struct kms_secret *s);

/* As an entity, sealed; revision counted up. The caller frees *RET. */
enum kms_rc kms_secret_write(struct call *c, const struct keyring *keys, struct kms_secret *s,
    struct store_entity *ret) MUST_USE;
/* From one, with its seal checked. KMS_TAMPERED, KMS_LOGIN_NEEDED. */
enum kms_rc kms_secret_read(struct call *c, const struct keyring *keys,
    const struct store_entity *e, struct kms_secret *ret) MUST_USE;

/* -- types -- */

/* "PolarDB". Static storage. */
const char *secret_type_name(enum secret_type type);
/* False when there is none. */
bool secret_type_by_name(struct slice name, enum secret_type *ret);
/* A secret of TYPE may be called NAME. */
bool secret_name_ok(enum secret_type type, struct slice name);

/* -- versions and stages (secret_stage.c) -- */

/* The version of that name, or at that stage; NULL: none. */
const struct secret_version *secret_version_named(const struct kms_secret *s, struct slice name);
const struct secret_version *secret_version_at(const struct kms_secret *s, struct slice stage);
/* The version of ID has a stage. */
bool secret_version_staged(const struct kms_secret *s, const struct uid *id);
/*
 * Adds a version without stages. When there are too many, the oldest without a stage goes, and its
 * id to *DROPPED; else that is zero. KMS_LIMIT: all have stages.
 */
enum kms_rc secret_version_add(struct kms_secret *s, const struct uid *id, struct slice name,
    int64_t created, struct uid *dropped) MUST_USE;
/* Takes the version of ID away, with its stages. */
void secret_version_drop(struct kms_secret *s, const struct uid *id);

/*
 * Puts STAGE at the version of ID, from wherever it is. Where ACSCurrent was is ACSPrevious then.
 * KMS_LIMIT: one stage of the callers' too many.
 */
enum kms_rc secret_stage_put(struct kms_secret *s, struct slice stage,
    const struct uid *id) MUST_USE;
void secret_stage_drop(struct kms_secret *s, struct slice stage);
/* One of the three above. */
bool secret_stage_is_system(struct slice stage);

#endif
