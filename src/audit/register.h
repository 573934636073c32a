/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register: which writers and files there are, and how far each lane had come, as a chain of
 * its own whose entries are signed. Many processes append, each under the file's lock for a moment.
 * Only src/audit includes this.
 */
#ifndef KMS_AUDIT_REGISTER_H
#define KMS_AUDIT_REGISTER_H

#include "audit/files.h"
#include "audit/sign.h"

#define REGISTER_WAIT_MS 5000 /* for the lock */

/* The register, locked. */
struct reg {
	int fd;
	const struct audit_conf *conf;
	char log[AUDIT_LOG_ID_LEN + 1];
	struct chain head;
	struct torn torn; /* to be told by the next entry */
};

/* Opens, makes if need be, and locks it against everybody. KMS_BUSY, KMS_TAMPERED. */
enum kms_rc reg_lock(int dirfd, const struct audit_conf *conf, struct reg *ret,
    struct err *err) MUST_USE;
void reg_unlock(struct reg *r);
#define auto_reg __attribute__((cleanup(reg_unlock))) struct reg

/* What an entry says: lane's chain had come to AT, in FILE. */
struct claim {
	const char *what; /* "writer", "file", "checkpoint", "close" */
	struct log_file file;
	struct chain at;
	const char *opened;	  /* a new writer */
	const struct torn *found; /* what it found behind the chain */
};

/* Appends, signs, syncs, and tells the anchor. C is NULL for the first entry. */
enum kms_rc reg_append(struct reg *r, const struct claim *c, struct err *err) MUST_USE;

/* Waits for flock OPERATION up to REGISTER_WAIT_MS. */
enum kms_rc lock_wait(int fd, int operation, const char *what, struct err *err) MUST_USE;

/* Whether an entry names a file whose name begins with FRONT, be it there or not: no name is used
 * twice. */
enum kms_rc reg_mentions(const struct reg *r, const char *front, bool *ret) MUST_USE;

/* The log's id in the first line of a register; false when it is none. */
bool genesis_read(struct slice members, char ret[AUDIT_LOG_ID_LEN + 1]);

#endif
