/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What survives: rows of objects and the one row of the token, durable when a call returns. Knows
 * nothing of keys or PINs: the sealed parts are bytes to it. Many processes and threads share a
 * store; every change is one transaction.
 */
#ifndef KMS_STORE_STORE_H
#define KMS_STORE_STORE_H

#include "api/backend.h"

struct store;

/* An object and its sealed material, as it lies in the store. */
struct store_row {
	struct object o;
	struct buf sealed;
};

void store_row_free(struct store_row *r);
#define auto_store_row __attribute__((cleanup(store_row_free))) struct store_row

/* What the core keeps beside objects. Stored in files: values are never reused or renumbered. */
enum entity_kind {
	ENTITY_NONE = 0,
	ENTITY_KEY = 1,		   /* a KMS key; its versions are objects */
	ENTITY_ALIAS = 2,	   /* name: without "alias/"; parent: the key */
	ENTITY_SECRET = 3,	   /* name: the secret's */
	ENTITY_SECRET_VERSION = 4, /* parent: the secret; name: its id and VersionId */
	ENTITY_USER = 5,	   /* a RAM user; name: account/user */
	ENTITY_ACCESS_KEY = 6,	   /* parent: the user; name: the AccessKeyId */
	ENTITY_POLICY = 7,	   /* an identity policy; name: the policy's */
	ENTITY_IMPORT = 8,	   /* parameters for one import of key material; parent: the key */
	ENTITY_SETTING = 9,	   /* one of a kind: the account, the audit's key and head ... */
};

/* One thing of the core's, whose body and sealed part only the core can read. */
struct store_entity {
	struct uid id;
	enum entity_kind kind;
	struct uid parent; /* zero: none */
	struct buf name;   /* unique within its kind; empty: none */
	int64_t due;	   /* seconds since 1970 UTC when something is to be done to it; 0: never */
	int64_t created;   /* seconds since 1970 UTC */
	uint64_t revision; /* counts changes, from 1 */
	struct buf body;
	struct buf sealed;
};

void store_entity_free(struct store_entity *e);
#define auto_store_entity __attribute__((cleanup(store_entity_free))) struct store_entity

struct store_entities {
	struct store_entity *v;
	size_t n, cap;
};

/* Takes over what E owns. */
enum kms_rc store_entities_add(struct store_entities *l, struct store_entity *e) MUST_USE;
void store_entities_free(struct store_entities *l);
#define auto_store_entities __attribute__((cleanup(store_entities_free))) struct store_entities

/* Which entities of one kind, in the order of their creation. Zeroed criteria match all. */
struct entity_query {
	enum entity_kind kind;
	struct uid parent;
	int64_t due_until; /* those with 0 < due <= this */
	uint64_t skip;	   /* how many to pass over, and how many to give at most; 0: all */
	uint64_t limit;
};

/*
 * One change of a transaction. An insertion's id must be new. An update replaces the row of the
 * same id, if its revision is WAS; a removal asks for WAS only when it is not 0.
 */
enum change_kind {
	INSERT_OBJECT,
	UPDATE_OBJECT,
	REMOVE_OBJECT,
	INSERT_ENTITY,
	UPDATE_ENTITY,
	REMOVE_ENTITY,
};

struct store_change {
	enum change_kind kind;
	const struct store_row *row;	   /* INSERT_OBJECT, UPDATE_OBJECT */
	const struct store_entity *entity; /* INSERT_ENTITY, UPDATE_ENTITY */
	const struct uid *id;		   /* REMOVE_* */
	uint64_t was;
};

/* A way to the root key through one PIN. sealed empty: no such PIN. */
struct store_pin {
	unsigned log2n, r, p; /* scrypt */
	struct buf salt;
	struct buf sealed; /* the root key */
	unsigned failures; /* wrong PINs in a row */
	unsigned max_failures;
};

/* P is { 0 } then. */
void store_pin_free(struct store_pin *p);
#define auto_store_pin __attribute__((cleanup(store_pin_free))) struct store_pin

/* The token. serial empty: not initialised. */
struct store_token {
	struct buf serial; /* 8 random bytes */
	struct buf label;
	struct buf open_key; /* seals what is readable without login */
	struct store_pin so, user;
};

void store_token_free(struct store_token *t);
#define auto_store_token __attribute__((cleanup(store_token_free))) struct store_token

/* A store as it was at one moment, in a form that only stores of the same kind know. */
struct store_image {
	uint8_t *p;
	size_t len;
};

enum kms_rc store_image_new(uint64_t len, struct store_image *ret) MUST_USE;
/* I may be NULL or { 0 }, and is { 0 } then. */
void store_image_free(struct store_image *i);
#define auto_store_image __attribute__((cleanup(store_image_free))) struct store_image

struct store_ops {
	const char *name;
	void (*close)(struct store *s);
	/* Moves when anybody committed; one cheap look at the file. Never fails (moves when in
	 * doubt). */
	uint64_t (*generation)(struct store *s);
	enum kms_rc (*token_get)(struct store *s, struct call *c, struct store_token *ret);
	/*
	 * Replaces the token's row and deletes all objects, if the serial is still WAS (empty: no
	 * token); KMS_CONFLICT. So nobody wipes a token whose SO PIN he has not shown.
	 */
	enum kms_rc (*token_reset)(struct store *s, struct call *c, struct slice was,
	    const struct store_token *t);
	/*
	 * Replaces one PIN of the token of SERIAL, if its sealed bytes are still WAS; WAS.p may be
	 * NULL: whatever they are. KMS_CONFLICT.
	 */
	enum kms_rc (*pin_put)(struct store *s, struct call *c, struct slice serial, enum role role,
	    struct slice was, const struct store_pin *pin);
	/*
	 * Counts a try that has been found RIGHT (failures back to 0) or not (one more).
	 * KMS_PIN_LOCKED, and nothing is counted, when others have reached the limit since it
	 * began: then it must not be told either how it ended.
	 */
	enum kms_rc (*pin_count)(struct store *s, struct call *c, enum role role, bool right);
	/*
	 * N changes at once or none, in the token of SERIAL only (KMS_CONFLICT: it was made anew
	 * meanwhile, and what was sealed for the old one would be lost). KMS_EXISTS: an id or a
	 * name is taken. KMS_NOTFOUND, KMS_CONFLICT: what is to be changed is gone, or not as it
	 * WAS.
	 */
	enum kms_rc (*apply)(struct store *s, struct call *c, struct slice serial,
	    const struct store_change *v, size_t n);
	enum kms_rc (*get)(struct store *s, struct call *c, const struct uid *id,
	    struct store_row *ret);
	enum kms_rc (*revision)(struct store *s, struct call *c, const struct uid *id,
	    uint64_t *ret, uint32_t *flags);
	enum kms_rc (*find)(struct store *s, struct call *c, const struct object_query *q,
	    struct object_refs *ret);
	/* KMS_NOTFOUND. */
	enum kms_rc (*entity_get)(struct store *s, struct call *c, const struct uid *id,
	    struct store_entity *ret);
	enum kms_rc (*entity_by_name)(struct store *s, struct call *c, enum entity_kind kind,
	    struct slice name, struct store_entity *ret);
	/* *TOTAL: how many there are without skip and limit; may be NULL. */
	enum kms_rc (*entity_list)(struct store *s, struct call *c, const struct entity_query *q,
	    struct store_entities *ret, uint64_t *total);
	enum kms_rc (*copy)(struct store *s, struct call *c, struct store_image *ret);
	/*
	 * Puts all that is in the image in the place of all that is in the store, or nothing, if
	 * the token's serial is still WAS (empty: no token); KMS_CONFLICT. The image is known to be
	 * one of ours, but maybe of another version: KMS_NEWER, KMS_TAMPERED.
	 */
	enum kms_rc (*replace)(struct store *s, struct call *c, struct slice was,
	    const struct store_image *image);
};

/* First member of each store. */
struct store {
	const struct store_ops *ops;
	_Atomic bool read_only; /* known once the store has been opened */
};

/*
 * Opens the SQLite store at PATH, lazily: a file that does not exist is made by the first
 * token_reset, and until then the store is an uninitialised token. WAL, synchronous FULL. Refused:
 * a file or folder that others can write, a schema from a newer version (KMS_NEWER), a file that is
 * no store (KMS_TAMPERED). With READ_ONLY, or when the file cannot be written, changes answer
 * KMS_READONLY.
 */
enum kms_rc store_open_sqlite(const char *path, bool read_only, struct call *c,
    struct store **ret) MUST_USE;

#endif
