/* SPDX-License-Identifier: Apache-2.0 */
/* Turns bytes into text and back (hex, base64), and reads and writes the length-prefixed records
 * that the store keeps. */
#ifndef KMS_BASE_CODEC_H
#define KMS_BASE_CODEC_H

#include "base/buf.h"

/* Lower-case hex of S, NUL-terminated, into DST of CAP bytes; false when it does not fit (DST is
 * then ""). */
bool hex_encode(struct slice s, char *dst, size_t cap);

/* Decodes hex of either case, appending to B. KMS_BAD_DATA at the first byte that is none. */
enum kms_rc hex_decode(struct slice text, struct buf *b) MUST_USE;

/* Standard padded base64, without line breaks, appended; decoding refuses anything else
 * (KMS_BAD_DATA). */
enum kms_rc base64_encode(struct slice s, struct buf *b) MUST_USE;
enum kms_rc base64_decode(struct slice text, struct buf *b) MUST_USE;

/* Strict UTF-8 (no overlong forms, no surrogates). */
bool utf8_valid(struct slice s);
/* Bytes of the one well-formed character that the LEN bytes (at least 1) at P begin with; 0 when
 * there is none. */
size_t utf8_char(const uint8_t *p, size_t len);

/*
 * A reader over borrowed bytes. Numbers are big-endian. A read past the end sets `bad` and gives
 * zeros from then on, so that a whole record is read and `bad` is asked once.
 */
struct reader {
	struct slice rest;
	bool bad;
};

static inline struct reader
reader_of(struct slice s)
{
	return (struct reader){ .rest = s };
}

uint8_t read_u8(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
/* u32 length, then the bytes; the slice borrows from the input. */
struct slice read_bytes(struct reader *r);
/* The same for exactly LEN bytes; any other length is bad, and DST stays as it is. */
void read_exact(struct reader *r, void *dst, size_t len);
/* Nothing bad and nothing left over. */
bool reader_done(const struct reader *r);

/* The other direction: appends to a buf with a sticky error. */
struct writer {
	struct buf *b;
	enum kms_rc rc;
};

static inline struct writer
writer_of(struct buf *b)
{
	return (struct writer){ .b = b };
}

void write_u8(struct writer *w, uint8_t v);
void write_u32(struct writer *w, uint32_t v);
void write_u64(struct writer *w, uint64_t v);
/* KMS_LIMIT when S is longer than a u32 tells. */
void write_bytes(struct writer *w, struct slice s);

#endif
