/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much DER (X.690) as keys need: a strict reader with a sticky error, and a writer that fills
 * memory from its end, so that every length is known when it is written.
 */
#ifndef KMS_CRYPTO_DER_H
#define KMS_CRYPTO_DER_H

#include "base/buf.h"

#define DER_INTEGER	0x02
#define DER_BITS	0x03
#define DER_OCTETS	0x04
#define DER_NULL	0x05
#define DER_OID		0x06
#define DER_PRINTABLE	0x13
#define DER_SEQUENCE	0x30
#define DER_CONTEXT(n)	(0xa0 | (n)) /* [n], constructed */
#define DER_IMPLICIT(n) (0x80 | (n)) /* [n], primitive */

/* `bad` stays set from the first thing that is no DER or not what was asked for; reads give empty
 * slices then. */
struct der {
	struct slice rest;
	bool bad;
};

static inline struct der
der_of(struct slice s)
{
	return (struct der){ .rest = s };
}

/* The contents of the next element, which must have TAG. Low tag numbers, definite and shortest
 * lengths only. */
struct slice der_take(struct der *d, uint8_t tag);
/* Whether the next element has TAG. */
bool der_next_is(const struct der *d, uint8_t tag);
/* Goes into the next element. */
struct der der_enter(struct der *d, uint8_t tag);
/* A non-negative INTEGER in its shortest form, without the sign byte; zero is empty. */
struct slice der_number(struct der *d);
/* A BIT STRING of whole bytes. */
struct slice der_bits(struct der *d);
/* Nothing bad, nothing left. */
bool der_done(const struct der *d);

/* Fills p[0 .. at) from its end; `bad` when it does not fit. What has been written is p[at .. cap).
 */
struct der_out {
	uint8_t *p;
	size_t cap, at;
	bool bad;
};

static inline struct der_out
der_out_of(uint8_t *p, size_t cap)
{
	return (struct der_out){ .p = p, .cap = cap, .at = cap };
}

/* Bytes as they are, in front of what there is; NULL when they do not fit. */
uint8_t *der_room(struct der_out *o, size_t n);
void der_raw(struct der_out *o, struct slice s);
/* Tag and length in front of everything written since the writer stood at END (its `at` then). */
void der_head(struct der_out *o, uint8_t tag, size_t end);
/* A whole element. */
void der_put(struct der_out *o, uint8_t tag, struct slice s);
/* INTEGER from big-endian bytes, at least one; leading zeros are dropped. */
void der_put_number(struct der_out *o, struct slice s);
struct slice der_written(const struct der_out *o);

#endif
