/* SPDX-License-Identifier: Apache-2.0 */
/* Growing buffers. Never realloc: it would leave a copy of the old bytes behind, unwiped. */
#include "base/buf.h"

#include <stdlib.h>

#include "base/secret.h"

#define BUF_MIN 64

bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool
slice_skip(struct slice *s, const char *head)
{
	struct slice h = slice_str(head);

	if (s->len < h.len || memcmp(s->p, h.p, h.len) != 0)
		return false;
	*s = slice_of(s->p + h.len, s->len - h.len);
	return true;
}

int
slice_cmp(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int r = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (r != 0)
		return r;
	return (a.len > b.len) - (a.len < b.len);
}

/* A block for at least LEN bytes, with room to grow; *CAP is its size. */
static enum kms_rc
block_new(size_t len, uint8_t **ret, size_t *cap)
{
	size_t n = BUF_MIN;

	if (len > BUF_MAX)
		return KMS_LIMIT;
	while (n < len)
		n *= 2;
	if ((*ret = malloc(n)) == NULL)
		return KMS_NOMEM;
	*cap = n;
	return KMS_OK;
}

static void
block_free(uint8_t *p, size_t cap)
{
	mem_wipe(p, cap);
	free(p);
}

/*
 * Room for N more bytes. The block that was outgrown is handed to the caller, who frees it with
 * block_free once nothing points into it any more; { NULL, 0 } when B did not move.
 */
static enum kms_rc
make_room(struct buf *b, size_t n, struct buf *old)
{
	size_t len, cap;
	uint8_t *p;

	*old = (struct buf){ 0 };
	if (!size_add(b->len, n, &len))
		return KMS_LIMIT;
	if (len <= b->cap)
		return KMS_OK;
	TRY(block_new(len, &p, &cap));
	if (b->len > 0)
		memcpy(p, b->p, b->len);
	*old = *b;
	b->p = p;
	b->cap = cap;
	return KMS_OK;
}

enum kms_rc
buf_add(struct buf *b, struct slice s)
{
	struct buf old;

	if (s.len == 0)
		return KMS_OK;
	TRY(make_room(b, s.len, &old));
	memcpy(b->p + b->len, s.p, s.len); /* S may lie in the old block */
	b->len += s.len;
	block_free(old.p, old.cap);
	return KMS_OK;
}

enum kms_rc
buf_add_byte(struct buf *b, uint8_t v)
{
	return buf_add(b, slice_of(&v, 1));
}

enum kms_rc
buf_extend(struct buf *b, size_t n, uint8_t **ret)
{
	struct buf old;

	TRY(make_room(b, n, &old));
	block_free(old.p, old.cap);
	*ret = b->p == NULL ? NULL : b->p + b->len;
	b->len += n;
	return KMS_OK;
}

enum kms_rc
buf_set(struct buf *b, struct slice s)
{
	struct buf fresh = { 0 };

	/* A part of B itself stays valid until it has been copied. */
	TRY(buf_add(&fresh, s));
	buf_move(b, &fresh);
	return KMS_OK;
}

void
buf_clear(struct buf *b)
{
	mem_wipe(b->p, b->len);
	b->len = 0;
}

void
buf_free(struct buf *b)
{
	if (b == NULL)
		return;
	block_free(b->p, b->cap);
	*b = (struct buf){ 0 };
}

void
buf_move(struct buf *to, struct buf *from)
{
	struct buf moved = *from;

	if (to == from)
		return;
	*from = (struct buf){ 0 };
	buf_free(to);
	*to = moved;
}

enum kms_rc
out_add(struct outbuf *o, struct slice s)
{
	if (s.len > o->cap - o->len)
		return KMS_BUFFER_SMALL;
	if (s.len > 0)
		memcpy(o->p + o->len, s.p, s.len);
	o->len += s.len;
	return KMS_OK;
}
