/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of a line, of the log's files and of the register alike:
 *
 *   {MEMBERS,"writer":"W","seq":N,"prev":"HASH","hash":"HASH"}
 *
 * "hash" is the SHA-256 of the bytes before `,"hash"`, among which is the hash of the line before.
 * A line of the register may have a "signature" behind its hash. Hashes and signatures are hex.
 */
#ifndef KMS_AUDIT_LINE_H
#define KMS_AUDIT_LINE_H

#include "audit/audit.h"
#include "audit/jout.h"

#define CONTENT_MAX 8192 /* members of a line */
#define LINE_CAP    (CONTENT_MAX + 512)
#define WRITER_SIZE 24

/* A place in a chain: the last line so far. seq 0 is before the first. */
struct chain {
	uint64_t seq;
	uint8_t hash[AUDIT_HASH_LEN];
};

/* O holds the brace and the members: adds the rest of the line, but for its end, and moves HEAD.
 * KMS_LIMIT leaves HEAD alone. */
enum kms_rc line_seal(struct jout *o, const char *writer, struct chain *head) MUST_USE;
/* The end, after a signature or none. */
enum kms_rc line_end(struct jout *o, const uint8_t *signature) MUST_USE;

struct line_parts {
	struct slice members; /* with the brace, as they stand before `,"writer"` */
	struct slice writer;
	uint64_t seq;
	uint8_t prev[AUDIT_HASH_LEN], hash[AUDIT_HASH_LEN];
	bool has_signature;
	uint8_t signature[AUDIT_SIGNATURE_LEN];
};

/* Takes a line (without its newline) apart. False when it does not follow the grammar to the
 * letter, or when its hash is not that of its bytes. */
bool line_read(struct slice text, struct line_parts *ret) MUST_USE;

/* 2 * N lower-case hex digits; false when one is none. */
bool line_hex(const uint8_t *text, uint8_t *ret, size_t n) MUST_USE;

/* What a line is, by its first bytes. */
enum line_kind { LINE_EVENT, LINE_CONTROL, LINE_OTHER };
enum line_kind line_kind_of(struct slice members);

#endif
