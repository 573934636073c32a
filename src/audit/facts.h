/* SPDX-License-Identifier: Apache-2.0 */
/* What verification remembers of a file's lines, and how it looks into those that matter. Only
 * src/audit includes this. */
#ifndef KMS_AUDIT_FACTS_H
#define KMS_AUDIT_FACTS_H

#include "audit/files.h"
#include "audit/jin.h"

struct fact {
	off_t at;
	uint64_t len, number;
	bool good; /* follows the grammar, and has the hash that it says */
	bool ended;
	enum line_kind kind;
	bool has_signature;
	uint64_t seq;
	uint8_t prev[AUDIT_HASH_LEN], hash[AUDIT_HASH_LEN];
	char writer[WRITER_SIZE];
};

struct facts {
	int fd;
	char name[FILE_NAME_SIZE];
	off_t end; /* how far the file was looked at */
	struct fact *v;
	size_t n;
};

/* Opens a file and goes through its lines up to END. */
enum kms_rc facts_load(int dirfd, const char *name, off_t end, struct facts *ret,
    struct err *err) MUST_USE;
void facts_free(struct facts *f);
#define auto_facts __attribute__((cleanup(facts_free))) struct facts

/* Line I taken apart, out of TEXT; false when it is not a good one, or not what it was any more. */
bool facts_line(const struct facts *f, size_t i, char text[LINE_CAP], struct line_parts *ret);
/* Line I's JSON, if it is one of the log's own lines ("audit"); else NULL. The caller releases it.
 */
json_t *facts_control(const struct facts *f, size_t i);

/* What bytes are that are no line of a log. */
enum rest {
	REST_PART,  /* one line without its end: what a dying process leaves */
	REST_ZEROS, /* what a disk without power leaves */
	REST_LINES, /* anything else */
};
enum kms_rc facts_rest(const struct facts *f, off_t start, off_t end, enum rest *ret) MUST_USE;

#endif
