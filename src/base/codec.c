/* SPDX-License-Identifier: Apache-2.0 */
/* Hex, base64, UTF-8 and length-prefixed records. Decoders take exactly one spelling of each value
 * and refuse the rest. */
#include "base/codec.h"

#include "base/secret.h"

/* Undoes what a decoder appended before it met a bad byte. */
static enum kms_rc
cut_back(struct buf *b, size_t len)
{
	mem_wipe(b->p + len, b->len - len);
	b->len = len;
	return KMS_BAD_DATA;
}

bool
hex_encode(struct slice s, char *dst, size_t cap)
{
	static const char digits[] = "0123456789abcdef";

	if (cap == 0)
		return false;
	dst[0] = '\0';
	if (s.len > (cap - 1) / 2)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		dst[2 * i] = digits[s.p[i] >> 4];
		dst[2 * i + 1] = digits[s.p[i] & 15];
	}
	dst[2 * s.len] = '\0';
	return true;
}

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum kms_rc
hex_decode(struct slice text, struct buf *b)
{
	size_t was = b->len;
	uint8_t *out;

	if (text.len % 2 != 0)
		return KMS_BAD_DATA;
	TRY(buf_extend(b, text.len / 2, &out));
	for (size_t i = 0; i < text.len; i += 2) {
		int hi = hex_value(text.p[i]), lo = hex_value(text.p[i + 1]);

		if (hi < 0 || lo < 0)
			return cut_back(b, was);
		*out++ = (uint8_t)(hi << 4 | lo);
	}
	return KMS_OK;
}

/* RFC 4648 §4. */
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum kms_rc
base64_encode(struct slice s, struct buf *b)
{
	uint8_t *out;

	if (s.len > BUF_MAX)
		return KMS_LIMIT;
	TRY(buf_extend(b, (s.len + 2) / 3 * 4, &out));
	for (size_t i = 0; i < s.len; i += 3) {
		size_t n = s.len - i < 3 ? s.len - i : 3;
		uint32_t v = (uint32_t)s.p[i] << 16;

		if (n > 1)
			v |= (uint32_t)s.p[i + 1] << 8;
		if (n > 2)
			v |= s.p[i + 2];
		*out++ = (uint8_t)base64_digits[v >> 18];
		*out++ = (uint8_t)base64_digits[v >> 12 & 63];
		*out++ = n > 1 ? (uint8_t)base64_digits[v >> 6 & 63] : '=';
		*out++ = n > 2 ? (uint8_t)base64_digits[v & 63] : '=';
	}
	return KMS_OK;
}

static int
base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Four digits of which the last PAD are '='. False for other bytes, and for bits set that no byte
 * takes (RFC 4648 §3.5). */
static bool
base64_group(const uint8_t *p, size_t pad, uint32_t *ret)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		int d = i < 4 - pad ? base64_value(p[i]) : 0;

		if (d < 0)
			return false;
		v = v << 6 | (uint32_t)d;
	}
	if ((v & ((1u << 8 * pad) - 1)) != 0)
		return false;
	*ret = v;
	return true;
}

enum kms_rc
base64_decode(struct slice text, struct buf *b)
{
	size_t was = b->len, pad = 0;
	uint8_t *out;

	if (text.len == 0)
		return KMS_OK;
	if (text.len % 4 != 0)
		return KMS_BAD_DATA;
	if (text.p[text.len - 1] == '=')
		pad = text.p[text.len - 2] == '=' ? 2 : 1;
	TRY(buf_extend(b, text.len / 4 * 3 - pad, &out));
	for (size_t i = 0; i < text.len; i += 4) {
		size_t gap = i + 4 == text.len ? pad : 0;
		uint32_t v;

		if (!base64_group(text.p + i, gap, &v))
			return cut_back(b, was);
		*out++ = (uint8_t)(v >> 16);
		if (gap < 2)
			*out++ = (uint8_t)(v >> 8);
		if (gap < 1)
			*out++ = (uint8_t)v;
	}
	return KMS_OK;
}

/* The Unicode Standard's table 3-7 of well-formed sequences. */
size_t
utf8_char(const uint8_t *p, size_t len)
{
	static const struct {
		uint8_t first, last; /* lead byte */
		uint8_t low, high;   /* second byte */
		size_t len;
	} forms[] = {
		{ 0x00, 0x7f, 0, 0, 1 },
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
		if (p[0] < forms[f].first || p[0] > forms[f].last)
			continue;
		if (len < forms[f].len)
			return 0;
		if (forms[f].len > 1 && (p[1] < forms[f].low || p[1] > forms[f].high))
			return 0;
		for (size_t i = 2; i < forms[f].len; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
		}
		return forms[f].len;
	}
	return 0;
}

bool
utf8_valid(struct slice s)
{
	for (size_t i = 0, n; i < s.len; i += n) {
		if ((n = utf8_char(s.p + i, s.len - i)) == 0)
			return false;
	}
	return true;
}

/* The next N bytes; NULL, and bad from then on, when there are fewer. */
static const uint8_t *
take(struct reader *r, size_t n)
{
	const uint8_t *p = r->rest.p;

	if (r->bad || r->rest.len < n) {
		r->bad = true;
		r->rest = slice_of(NULL, 0);
		return NULL;
	}
	if (n > 0)
		r->rest = slice_of(p + n, r->rest.len - n);
	return p;
}

static uint64_t
read_number(struct reader *r, size_t n)
{
	const uint8_t *p = take(r, n);
	uint64_t v = 0;

	for (size_t i = 0; p != NULL && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t
read_u8(struct reader *r)
{
	return (uint8_t)read_number(r, 1);
}

uint32_t
read_u32(struct reader *r)
{
	return (uint32_t)read_number(r, 4);
}

uint64_t
read_u64(struct reader *r)
{
	return read_number(r, 8);
}

struct slice
read_bytes(struct reader *r)
{
	size_t len = read_u32(r);
	const uint8_t *p = take(r, len);

	return r->bad ? slice_of(NULL, 0) : slice_of(p, len);
}

void
read_exact(struct reader *r, void *dst, size_t len)
{
	struct slice s = read_bytes(r);

	if (s.len == len)
		memcpy(dst, s.p, len);
	else
		r->bad = true;
}

bool
reader_done(const struct reader *r)
{
	return !r->bad && r->rest.len == 0;
}

static void
write_number(struct writer *w, uint64_t v, size_t n)
{
	uint8_t be[8];

	if (w->rc != KMS_OK)
		return;
	for (size_t i = 0; i < n; i++)
		be[i] = (uint8_t)(v >> 8 * (n - 1 - i));
	w->rc = buf_add(w->b, slice_of(be, n));
}

void
write_u8(struct writer *w, uint8_t v)
{
	write_number(w, v, 1);
}

void
write_u32(struct writer *w, uint32_t v)
{
	write_number(w, v, 4);
}

void
write_u64(struct writer *w, uint64_t v)
{
	write_number(w, v, 8);
}

void
write_bytes(struct writer *w, struct slice s)
{
	if (w->rc == KMS_OK && s.len > UINT32_MAX)
		w->rc = KMS_LIMIT;
	write_number(w, s.len, 4);
	if (w->rc == KMS_OK)
		w->rc = buf_add(w->b, s);
}
