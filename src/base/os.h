/* SPDX-License-Identifier: Apache-2.0 */
/* What we ask of the operating system: time (with a fake clock for tests), fork generation, safe
 * paths and files. */
#ifndef KMS_BASE_OS_H
#define KMS_BASE_OS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/rc.h"

/* Milliseconds of a clock that never goes back (CLOCK_MONOTONIC_COARSE: 4 ms steps, some
 * nanoseconds a call). */
uint64_t os_monotonic_ms(void);

/* Seconds, and milliseconds, since 1970 UTC. */
int64_t os_wall_seconds(void);
int64_t os_wall_ms(void);

/* Tests set both clocks to fixed values; negative goes back to the real ones. */
void os_fake_clock(int64_t seconds);

/*
 * How many forks lie between this process and the one that first asked: one pthread_atfork child
 * handler adds one, and does nothing else. Registered at the first call; never removed (the module
 * is linked -z nodelete).
 */
unsigned os_fork_generation(void);

/* Joins with '/', allocated. NULL when out of memory. The caller frees. */
char *os_path_join(const char *dir, const char *name);

/* mkdir -p with mode 0700 for each directory made. KMS_IO with the path in ERR. */
enum kms_rc os_make_dirs(const char *dir, struct err *err) MUST_USE;

/*
 * Refuses (KMS_CONFIG) a regular file that others could have written: owner must be root or the
 * effective user, group and others must not have write permission; with SECRET also no read
 * permission for others. Looks at the open FD, so that what was checked is what is read. WHAT names
 * the file in ERR.
 */
enum kms_rc os_check_private(int fd, const char *what, bool secret, struct err *err) MUST_USE;

/* The same for a folder: that others could have put files into, or taken them out of. */
enum kms_rc os_check_private_dir(int fd, const char *what, struct err *err) MUST_USE;

/* getenv that answers NULL in a set-id process and for an empty value. */
const char *os_env(const char *name);

#endif
