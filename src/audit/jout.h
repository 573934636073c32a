/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text, built in memory of a fixed size. Never allocates, never fails half way: what does not
 * fit sets `full`, which is asked once at the end. */
#ifndef KMS_AUDIT_JOUT_H
#define KMS_AUDIT_JOUT_H

#include "base/buf.h"

#define JOUT_STRING_MAX 1024

struct jout {
	char *p;
	size_t cap, len;
	size_t string_max; /* bytes of one string; the rest is cut, and "..." says so */
	bool full;
	bool comma; /* something stands before, at this depth */
};

static inline struct jout
jout_of(char *p, size_t cap)
{
	return (struct jout){ .p = p, .cap = cap, .string_max = JOUT_STRING_MAX };
}

static inline struct slice
jout_slice(const struct jout *o)
{
	return slice_of(o->p, o->len);
}

/* NAME is a literal of ours that needs no escaping, or NULL for an element of an array. */
void jout_open(struct jout *o, const char *name, char bracket);
void jout_close(struct jout *o, char bracket);
/* Any bytes: what is no UTF-8 becomes U+FFFD; control and direction characters are escaped, so that
 * a line is one line, and shows on a terminal as what it is. */
void jout_bytes(struct jout *o, const char *name, struct slice s);
/* NULL is "". */
void jout_text(struct jout *o, const char *name, const char *s);
/* Nothing at all for NULL. */
void jout_text_if(struct jout *o, const char *name, const char *s);
void jout_number(struct jout *o, const char *name, uint64_t v);
void jout_bool(struct jout *o, const char *name, bool v);
void jout_hex(struct jout *o, const char *name, struct slice s);
/* Text that is JSON already. */
void jout_raw(struct jout *o, struct slice s);

/* "2026-03-01T10:20:30Z", and with milliseconds; NUL-terminated. Years 0 to 9999; others are cut
 * there. */
#define STAMP_SIZE    21
#define STAMP_MS_SIZE 25
void stamp_seconds(int64_t seconds, char ret[STAMP_SIZE]);
void stamp_ms(int64_t ms, char ret[STAMP_MS_SIZE]);
/* Either form, nothing else: milliseconds since 1970. */
bool stamp_parse(struct slice s, int64_t *ret_ms);

#endif
