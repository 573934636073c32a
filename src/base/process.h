/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other programs: whether one may be trusted, running one to its end or to a deadline, and marks by
 * which processes know each other again. Nothing of the caller's process changes: no handler, no
 * mask, no descriptor.
 */
#ifndef KMS_BASE_PROCESS_H
#define KMS_BASE_PROCESS_H

#include "base/buf.h"

/*
 * Refuses (KMS_CONFIG) a program that others could have written or replaced: PATH is absolute, the
 * file behind it and every folder on the way belong to root or the effective user and cannot be
 * written by others, but for folders where only owners replace files (the sticky bit). *RET is the
 * file without symbolic links; the caller frees.
 */
enum kms_rc process_check(const char *path, char **ret, struct err *err) MUST_USE;

enum process_end {
	PROCESS_ENDED,	     /* by itself, with a status */
	PROCESS_KILLED,	     /* by a signal */
	PROCESS_TIMED_OUT,   /* it took too long and was ended */
	PROCESS_NOT_STARTED, /* it never ran */
};

#define PROCESS_LINE_MAX 200

struct process_result {
	enum process_end end;
	int status;			 /* PROCESS_ENDED: 0 to 255; PROCESS_KILLED: the signal */
	char last[PROCESS_LINE_MAX + 1]; /* the last line of its standard error, printable */
};

/*
 * Runs ARGV[0] and waits for it. INPUT (at most PROCESS_INPUT_MAX bytes) is its standard input;
 * its standard output goes nowhere; of its standard error the last line is kept, however much it
 * writes. It has no other descriptor, a working folder of /, an environment of PATH and LC_ALL
 * alone, and a process group of its own. After TIMEOUT_MS the group gets SIGTERM, and 2 seconds
 * later SIGKILL; what is left of the group when the program ends is killed. ERR tells why it never
 * ran.
 */
#define PROCESS_INPUT_MAX 32768
void process_run(char *const argv[], struct slice input, uint64_t timeout_ms,
    struct process_result *ret, struct err *err);

/*
 * A mark of this process, appended: no other process has the same, neither later nor in another
 * container. Empty where the system does not tell enough.
 */
enum kms_rc process_mark(struct buf *ret) MUST_USE;
/* The process of MARK is known to have ended. False when that cannot be told: it may be one of
 * another machine. */
bool process_gone(struct slice mark);

#endif
