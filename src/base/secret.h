/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for secrets: kept out of core dumps (MADV_DONTDUMP) and of forked children
 * (MADV_WIPEONFORK), wiped when freed. One arena a process, behind one lock, for values up to
 * SECRET_MAX; keys, PINs and opened values live here and nowhere else.
 */
#ifndef KMS_BASE_SECRET_H
#define KMS_BASE_SECRET_H

#include <stdbool.h>

#include "base/buf.h"

#define SECRET_MAX (1u << 20)

/* Owned secret bytes. { 0 } is none. */
struct secret {
	uint8_t *p;
	size_t len;
};

/* LEN zeroed bytes (1 to SECRET_MAX) in the arena. KMS_NOMEM, KMS_LIMIT. */
enum kms_rc secret_new(size_t len, struct secret *ret) MUST_USE;

/* A copy of S in the arena; an empty S gives { 0 }. */
enum kms_rc secret_copy(struct slice s, struct secret *ret) MUST_USE;

/* Wipes and releases; S is { 0 } then. S may be NULL or { 0 }. */
void secret_free(struct secret *s);
#define auto_secret __attribute__((cleanup(secret_free))) struct secret

/* Raw form of the same for structs that hold secrets (LEN bytes, zeroed; NULL when out of memory).
 * secret_mem_free takes NULL. */
void *secret_mem_new(size_t len);
void secret_mem_free(void *p, size_t len);

/* In a forked child, before anything else of the arena is used: forgets the parent's arena without
 * touching it. */
void secret_after_fork(void);

/* Overwrites LEN bytes in a way that the compiler keeps. P may be NULL when LEN is 0. */
void mem_wipe(void *p, size_t len);

/* Equality in constant time for equal lengths; lengths are public. */
bool mem_equal_ct(struct slice a, struct slice b) MUST_USE;

static inline struct slice
secret_slice(const struct secret *s)
{
	return slice_of(s->p, s->len);
}

#endif
