/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes the DER that keys are kept in. Knows no key. */
#include "crypto/der.h"

static struct slice
der_fail(struct der *d)
{
	*d = (struct der){ .bad = true };
	return (struct slice){ 0 };
}

/* Length octets at p[1 ..], X.690 §8.1.3 and §10.1; gives the size of tag and length, or 0. */
static size_t
read_head(struct slice s, size_t *ret_len)
{
	size_t n, len = 0;

	if (s.len < 2 || (s.p[0] & 0x1f) == 0x1f)
		return 0;
	if (s.p[1] < 0x80) {
		*ret_len = s.p[1];
		return 2;
	}
	n = s.p[1] & 0x7f;
	if (n == 0 || n > 4 || s.len < 2 + n || s.p[2] == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		len = len << 8 | s.p[2 + i];
	if (len < 0x80)
		return 0;
	*ret_len = len;
	return 2 + n;
}

struct slice
der_take(struct der *d, uint8_t tag)
{
	size_t len = 0, head;
	struct slice s;

	if (d->bad || (head = read_head(d->rest, &len)) == 0 || d->rest.p[0] != tag ||
	    len > d->rest.len - head)
		return der_fail(d);
	s = slice_of(d->rest.p + head, len);
	d->rest = slice_of(s.p + len, d->rest.len - head - len);
	return s;
}

bool
der_next_is(const struct der *d, uint8_t tag)
{
	return !d->bad && d->rest.len > 0 && d->rest.p[0] == tag;
}

struct der
der_enter(struct der *d, uint8_t tag)
{
	struct slice s = der_take(d, tag);

	return (struct der){ .rest = s, .bad = d->bad };
}

struct slice
der_number(struct der *d)
{
	struct slice s = der_take(d, DER_INTEGER);

	if (d->bad)
		return s;
	if (s.len == 0 || (s.p[0] & 0x80) != 0 ||
	    (s.len > 1 && s.p[0] == 0 && (s.p[1] & 0x80) == 0))
		return der_fail(d);
	return s.p[0] == 0 ? slice_of(s.p + 1, s.len - 1) : s;
}

struct slice
der_bits(struct der *d)
{
	struct slice s = der_take(d, DER_BITS);

	if (d->bad || s.len == 0 || s.p[0] != 0)
		return der_fail(d);
	return slice_of(s.p + 1, s.len - 1);
}

bool
der_done(const struct der *d)
{
	return !d->bad && d->rest.len == 0;
}

uint8_t *
der_room(struct der_out *o, size_t n)
{
	if (o->bad || n > o->at) {
		o->bad = true;
		return NULL;
	}
	o->at -= n;
	return o->p + o->at;
}

void
der_raw(struct der_out *o, struct slice s)
{
	uint8_t *p = der_room(o, s.len);

	if (p != NULL && s.len > 0)
		memcpy(p, s.p, s.len);
}

void
der_head(struct der_out *o, uint8_t tag, size_t end)
{
	size_t len = end - o->at;
	uint8_t head[6] = { tag };
	size_t n = 0;

	if (len < 0x80) {
		head[1] = (uint8_t)len;
		der_raw(o, slice_of(head, 2));
		return;
	}
	for (size_t v = len; v != 0; v >>= 8)
		n++;
	if (n > 4) {
		o->bad = true;
		return;
	}
	head[1] = (uint8_t)(0x80 | n);
	for (size_t i = 0; i < n; i++)
		head[2 + i] = (uint8_t)(len >> (8 * (n - 1 - i)));
	der_raw(o, slice_of(head, 2 + n));
}

void
der_put(struct der_out *o, uint8_t tag, struct slice s)
{
	size_t end = o->at;

	der_raw(o, s);
	der_head(o, tag, end);
}

void
der_put_number(struct der_out *o, struct slice s)
{
	size_t end = o->at;
	uint8_t *sign;

	while (s.len > 0 && s.p[0] == 0)
		s = slice_of(s.p + 1, s.len - 1);
	der_raw(o, s);
	if ((s.len == 0 || (s.p[0] & 0x80) != 0) && (sign = der_room(o, 1)) != NULL)
		*sign = 0;
	der_head(o, DER_INTEGER, end);
}

struct slice
der_written(const struct der_out *o)
{
	return o->bad ? (struct slice){ 0 } : slice_of(o->p + o->at, o->cap - o->at);
}
