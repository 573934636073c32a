/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON. Names are ours and copied; values are anybody's and escaped. */
#include "audit/jout.h"

#include "base/codec.h"

static void
put(struct jout *o, const char *p, size_t n)
{
	if (o->full || n > o->cap - o->len) {
		o->full = true;
		return;
	}
	memcpy(o->p + o->len, p, n);
	o->len += n;
}

static void
put_char(struct jout *o, char c)
{
	put(o, &c, 1);
}

void
jout_raw(struct jout *o, struct slice s)
{
	if (s.len > 0)
		put(o, (const char *)s.p, s.len);
	o->comma = true;
}

static void
put_name(struct jout *o, const char *name)
{
	if (o->comma)
		put_char(o, ',');
	if (name != NULL) {
		put_char(o, '"');
		put(o, name, strlen(name));
		put(o, "\":", 2);
	}
	o->comma = true;
}

void
jout_open(struct jout *o, const char *name, char bracket)
{
	put_name(o, name);
	put_char(o, bracket);
	o->comma = false;
}

void
jout_close(struct jout *o, char bracket)
{
	put_char(o, bracket);
	o->comma = true;
}

static void
put_u(struct jout *o, unsigned v)
{
	static const char digits[] = "0123456789abcdef";
	char text[6] = { '\\', 'u', digits[v >> 12 & 15], digits[v >> 8 & 15], digits[v >> 4 & 15],
		digits[v & 15] };

	put(o, text, sizeof(text));
}

/* A character of more than one byte that would break a line, or show text in another order than it
 * stands in. */
static bool
misleads(unsigned v)
{
	return (v >= 0x80 && v <= 0x9f) || v == 0x61c || v == 0x200e || v == 0x200f ||
	    (v >= 0x2028 && v <= 0x202e) || (v >= 0x2066 && v <= 0x2069) || v == 0xfeff;
}

/* One character that is not plain ASCII; the bytes it takes. */
static size_t
put_special(struct jout *o, const uint8_t *p, size_t len)
{
	size_t n = utf8_char(p, len);
	unsigned v = p[0];

	if (n == 0 || v == 0) { /* U+0000 is more than JSON's readers like */
		put(o, "\xef\xbf\xbd", 3);
		return 1;
	}
	if (n == 1) {
		switch (p[0]) {
		case '"': put(o, "\\\"", 2); break;
		case '\\': put(o, "\\\\", 2); break;
		case '\n': put(o, "\\n", 2); break;
		case '\t': put(o, "\\t", 2); break;
		default: put_u(o, v);
		}
		return 1;
	}
	if (n == 2)
		v = (unsigned)(p[0] & 31) << 6 | (p[1] & 63);
	else if (n == 3)
		v = (unsigned)(p[0] & 15) << 12 | (unsigned)(p[1] & 63) << 6 | (p[2] & 63);
	if (n < 4 && misleads(v))
		put_u(o, v);
	else
		put(o, (const char *)p, n);
	return n;
}

static bool
is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Where to cut a string that is too long: not within a character. */
static size_t
cut_at(struct slice s, size_t max)
{
	size_t n = max;

	while (n > 0 && max - n < 4 && (s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void
jout_bytes(struct jout *o, const char *name, struct slice s)
{
	bool cut = s.len > o->string_max;
	size_t end = cut ? cut_at(s, o->string_max) : s.len;

	put_name(o, name);
	put_char(o, '"');
	for (size_t i = 0; i < end && !o->full;) {
		size_t run = i;

		while (run < end && is_plain(s.p[run]))
			run++;
		put(o, (const char *)s.p + i, run - i);
		i = run;
		if (i < end)
			i += put_special(o, s.p + i, end - i);
	}
	if (cut)
		put(o, "...", 3);
	put_char(o, '"');
}

void
jout_text(struct jout *o, const char *name, const char *s)
{
	jout_bytes(o, name, slice_str(s == NULL ? "" : s));
}

void
jout_text_if(struct jout *o, const char *name, const char *s)
{
	if (s != NULL)
		jout_text(o, name, s);
}

void
jout_number(struct jout *o, const char *name, uint64_t v)
{
	char text[20];
	size_t i = sizeof(text);

	do
		text[--i] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	put_name(o, name);
	put(o, text + i, sizeof(text) - i);
}

void
jout_bool(struct jout *o, const char *name, bool v)
{
	put_name(o, name);
	put(o, v ? "true" : "false", v ? 4 : 5);
}

void
jout_hex(struct jout *o, const char *name, struct slice s)
{
	static const char digits[] = "0123456789abcdef";

	put_name(o, name);
	put_char(o, '"');
	if (o->full || s.len > (o->cap - o->len) / 2) {
		o->full = true;
		return;
	}
	for (size_t i = 0; i < s.len; i++) {
		o->p[o->len++] = digits[s.p[i] >> 4];
		o->p[o->len++] = digits[s.p[i] & 15];
	}
	put_char(o, '"');
}
