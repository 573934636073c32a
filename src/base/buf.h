/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in (slice), bytes out into memory of a fixed size (outbuf), and bytes that grow (buf).
 * Freed buffers are wiped. */
#ifndef KMS_BASE_BUF_H
#define KMS_BASE_BUF_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/rc.h"

/* Borrowed bytes. p may be NULL only when len is 0. */
struct slice {
	const uint8_t *p;
	size_t len;
};

/* The caller's memory to write to: at most cap bytes; len is what has been written. */
struct outbuf {
	uint8_t *p;
	size_t cap;
	size_t len;
};

/* Owned bytes. { 0 } is an empty buffer. */
struct buf {
	uint8_t *p;
	size_t len;
	size_t cap;
};

#define BUF_MAX (64u << 20) /* no single buffer of ours grows beyond this */

static inline struct slice
slice_of(const void *p, size_t len)
{
	return (struct slice){ .p = p, .len = len };
}

static inline struct slice
slice_str(const char *s)
{
	return slice_of(s, s == NULL ? 0 : strlen(s));
}

static inline struct slice
buf_slice(const struct buf *b)
{
	return slice_of(b->p, b->len);
}

/* Same length and same bytes. Not for secrets: see mem_equal_ct in base/secret.h. */
bool slice_eq(struct slice a, struct slice b);

/* Cuts HEAD off S, if S begins with it. */
bool slice_skip(struct slice *s, const char *head);

/* Orders by bytes, then by length: <0, 0, >0. */
int slice_cmp(struct slice a, struct slice b);

/* Appends; KMS_NOMEM or KMS_LIMIT leave B as it was. */
enum kms_rc buf_add(struct buf *b, struct slice s) MUST_USE;
enum kms_rc buf_add_byte(struct buf *b, uint8_t v) MUST_USE;

/* Appends N bytes to be filled by the caller; *ret points at them until the next change of B. */
enum kms_rc buf_extend(struct buf *b, size_t n, uint8_t **ret) MUST_USE;

/* Replaces the contents by a copy of S. */
enum kms_rc buf_set(struct buf *b, struct slice s) MUST_USE;

/* Makes len 0, wiping; keeps the memory. */
void buf_clear(struct buf *b);

/* Wipes and releases; B is { 0 } then. B may be NULL. */
void buf_free(struct buf *b);
#define auto_buf __attribute__((cleanup(buf_free))) struct buf

/* Moves FROM's bytes to TO (whose own are freed); FROM is empty then. */
void buf_move(struct buf *to, struct buf *from);

/* Appends to the caller's memory; KMS_BUFFER_SMALL writes nothing. */
enum kms_rc out_add(struct outbuf *o, struct slice s) MUST_USE;

/* a + b and a * b; false when it does not fit size_t. */
static inline bool
size_add(size_t a, size_t b, size_t *ret)
{
	return !__builtin_add_overflow(a, b, ret);
}

static inline bool
size_mul(size_t a, size_t b, size_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

#endif
