/* SPDX-License-Identifier: Apache-2.0 */
/* The log's folder: names, opening with care, reading line by line, finding the end of a chain.
 * Only src/audit includes this. */
#ifndef KMS_AUDIT_FILES_H
#define KMS_AUDIT_FILES_H

#include <sys/types.h>

#include "audit/line.h"

#define REGISTER_NAME  "register"
#define FILE_NAME_SIZE 16 /* "0001-000001.log" */
#define LANE_MAX       9999u
#define NUMBER_MAX     999999u

/* A lane is a row of files that one process at a time writes to. */
struct log_file {
	unsigned lane, number;
};

void log_file_name(struct log_file f, char ret[FILE_NAME_SIZE]);
bool file_name_read(const char *name, struct log_file *ret);

struct file_list {
	struct log_file *v; /* by lane, then number */
	size_t n;
};

enum kms_rc files_list(int dirfd, struct file_list *ret, struct err *err) MUST_USE;
void file_list_free(struct file_list *l);
#define auto_file_list __attribute__((cleanup(file_list_free))) struct file_list

/* KMS_FULL, KMS_READONLY, KMS_NOMEM, KMS_NOTFOUND or KMS_IO, after errno. */
enum kms_rc rc_of_errno(int e);

/* Opens the folder. To WRITE: makes it if need be, and sees that nobody else can write there; who
 * reads trusts nothing. */
enum kms_rc dir_open(const char *dir, bool write, int *ret, struct err *err) MUST_USE;
/* Opens a file in it (no link; close-on-exec; mode 0600), and unless it is to be read only sees the
 * same. */
enum kms_rc log_file_open(int dirfd, const char *name, int flags, int *ret,
    struct err *err) MUST_USE;
void file_close(int *fd);
#define auto_fd __attribute__((cleanup(file_close))) int

/* All of S, appended. *DONE counts what was written, also when the rest failed. */
enum kms_rc log_file_write(int fd, struct slice s, size_t *done) MUST_USE;

/* SHA-256 of the file's bytes from START to END. */
enum kms_rc file_digest(int fd, off_t start, off_t end, uint8_t ret[AUDIT_HASH_LEN]) MUST_USE;

/* -- line by line -- */

/* One line as it stands. Bytes without a newline at the end of the file are a line that is not
 * `ended`. Longer ones than any line of ours are `oversize`, and come without text. */
struct scan_line {
	struct slice text; /* until the next call */
	off_t at;	   /* of its first byte */
	uint64_t len;	   /* with the newline */
	uint64_t number;   /* from 1 */
	bool ended, oversize;
};

#define SCAN_BLOCK 65536
#define ENDLESS	   ((off_t)1 << 62) /* to the end of the file, wherever that is by then */

struct scan {
	int fd;
	off_t next, end; /* what to read next, and where to stop */
	uint64_t number;
	size_t from, to; /* what is left in the block */
	uint8_t *block;
};

/* Reads from START up to END, or to the end of the file. */
enum kms_rc scan_open(int fd, off_t start, off_t end, struct scan *ret) MUST_USE;
/* KMS_NOTFOUND at the end. */
enum kms_rc scan_next(struct scan *s, struct scan_line *ret) MUST_USE;
void scan_close(struct scan *s);
#define auto_scan __attribute__((cleanup(scan_close))) struct scan

/* -- the end of a chain -- */

/* What stands behind the last good line; what a process that died in the middle has left. */
struct torn {
	uint64_t len;
	uint8_t hash[AUDIT_HASH_LEN];
	bool open; /* its last byte is no newline */
};

struct tail {
	bool found; /* there is a good line at all; else head is { 0 } */
	struct chain head;
	struct torn torn;
};

enum kms_rc tail_find(int fd, struct tail *ret) MUST_USE;

/* The member "torn" of the line that goes on behind it; nothing when there is none. */
void torn_write(struct jout *o, const struct torn *t);

#endif
