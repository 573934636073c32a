/* SPDX-License-Identifier: Apache-2.0 */
/* Verification inside: what its parts share. Only src/audit/verify*.c include this. */
#ifndef KMS_AUDIT_VERIFY_H
#define KMS_AUDIT_VERIFY_H

#include "audit/facts.h"
#include "audit/read.h"
#include "audit/register.h"

/* A file, as the folder and the register know it. */
struct vfile {
	struct log_file f;
	char name[FILE_NAME_SIZE];
	bool there;	/* in the folder, */
	off_t size;	/* with so many bytes when the check began */
	uint64_t entry; /* of the register, that names it; 0: none does */
};

/* What an entry of the register says of a lane. */
struct vclaim {
	uint64_t entry;
	unsigned lane;
	struct chain at;
	bool close;
	char opened[WRITER_SIZE]; /* "" but for new writers */
};

struct vkey {
	char id[KEY_ID_SIZE];
	struct ckey *key; /* NULL: there is none that we could trust */
};

struct verify {
	const struct audit_check *in;
	struct audit_summary *sum;
	struct err *err;
	int dirfd;
	char log[AUDIT_LOG_ID_LEN + 1]; /* "" before the register told */
	off_t register_size;
	bool has_register;
	enum kms_rc anchor_rc; /* of asking it when the check began; KMS_NOTFOUND: it knows none */
	struct audit_head known; /* what it said */
	struct vfile *files;	 /* by lane and number */
	size_t n_files;
	struct vclaim *claims; /* by lane and seq, once the register is read */
	size_t n_claims;
	uint64_t signed_entry; /* entries up to here are covered by a signature */
	struct vkey *keys;
	size_t n_keys;
	unsigned *live; /* lanes that are being written */
	size_t n_live;
};

/* -- verify.c -- */

/* Tells the reporter. FILE may be NULL. */
void vreport(struct verify *v, enum audit_problem problem, const char *file, uint64_t line,
    uint64_t seq, uint64_t count, const char *fmt, ...) PRINTF_LIKE(7, 8);
/* Grows an array by one zeroed element. NULL: out of memory. */
void *vgrow(void **array, size_t *n, size_t size);

/* -- verify_key.c -- */

/* The key with this id, if it may be trusted; a problem with it is reported once. */
struct ckey *vkey_find(struct verify *v, const char *id);
enum kms_rc vkey_given(struct verify *v) MUST_USE;
void vkey_free(struct verify *v);

/* -- verify_chain.c -- */

/* A chain that is followed over the files it lies in. */
struct trail {
	struct verify *v;
	struct chain at; /* the last line that fits */
	bool resume;	 /* whatever comes next is believed: the gap before it was reported */
	/* Bytes at the end of the file before, that may belong to a line that was never finished.
	 */
	struct torn rest;
	enum rest rest_kind;
	char rest_file[FILE_NAME_SIZE];
	uint64_t rest_line;
	char last_file[FILE_NAME_SIZE]; /* that had a line which fits, and its last one */
	uint64_t last_line;
	/* What a line that fits means. Makes *GOOD false when it does not fit after all, reported.
	 */
	enum kms_rc (*accept)(struct trail *t, const struct facts *f, size_t i, bool *good);
	void *arg;
};

/* Follows T through a file. *BROKEN: something was reported, and the rest of the file left. */
enum kms_rc trail_follow(struct trail *t, const struct facts *f, bool *broken) MUST_USE;

/* -- verify_register.c, verify_lane.c -- */

/* Reads the register: fills log, claims and what it knows of files; asks the anchor. */
enum kms_rc vregister(struct verify *v) MUST_USE;
/* Files FIRST to FIRST + N - 1 are those of one lane. */
enum kms_rc vlane(struct verify *v, size_t first, size_t n) MUST_USE;

#endif
