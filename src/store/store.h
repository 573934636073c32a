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

/* A way to the root key through one PIN. sealed empty: no such PIN. */
struct store_pin {
	unsigned log2n, r, p; /* scrypt */
	struct buf salt;
	struct buf sealed; /* the root key */
	unsigned failures; /* wrong PINs in a row */
	unsigned max_failures;
};

/* The token. serial empty: not initialised. */
struct store_token {
	struct buf serial; /* 8 random bytes */
	struct buf label;
	struct buf open_key; /* seals what is readable without login */
	struct store_pin so, user;
};

void store_token_free(struct store_token *t);
#define auto_store_token __attribute__((cleanup(store_token_free))) struct store_token

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
	/* failures + 1, or back to 0; gives the new number. */
	enum kms_rc (*pin_count)(struct store *s, struct call *c, enum role role, bool failed,
	    unsigned *ret);
	/*
	 * N rows at once or none, into the token of SERIAL only (KMS_CONFLICT: it was made anew
	 * meanwhile, and rows sealed for the old one would be lost). KMS_EXISTS.
	 */
	enum kms_rc (*insert)(struct store *s, struct call *c, struct slice serial,
	    const struct store_row *v, size_t n);
	/* Replaces row O.id if its revision is WAS; KMS_CONFLICT, KMS_NOTFOUND. */
	enum kms_rc (*update)(struct store *s, struct call *c, const struct store_row *row,
	    uint64_t was);
	enum kms_rc (*remove)(struct store *s, struct call *c, const struct uid *id);
	enum kms_rc (*get)(struct store *s, struct call *c, const struct uid *id,
	    struct store_row *ret);
	enum kms_rc (*revision)(struct store *s, struct call *c, const struct uid *id,
	    uint64_t *ret, uint32_t *flags);
	enum kms_rc (*find)(struct store *s, struct call *c, const struct object_query *q,
	    struct object_refs *ret);
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
