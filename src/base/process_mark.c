/* SPDX-License-Identifier: Apache-2.0 */
/* Marks by which processes are known again, from what /proc tells. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/process.h"

#define TEXT_MAX 512

/* The beginning of a small file, NUL-terminated. */
static bool
read_small(const char *path, char ret[TEXT_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, ret, TEXT_MAX - 1);
	close(fd);
	if (n <= 0)
		return false;
	ret[n] = '\0';
	return true;
}

/*
 * When process PID began, in ticks since the machine did: the 22nd word of its stat. The second,
 * its name, may have blanks and brackets itself, but ends with the last bracket; the third is Z
 * when it has ended, and only its parent does not know yet.
 */
static bool
read_start(unsigned long pid, uint64_t *ret)
{
	char path[64], stat[TEXT_MAX], *p;

	(void)snprintf(path, sizeof(path), "/proc/%lu/stat", pid);
	if (!read_small(path, stat) || (p = strrchr(stat, ')')) == NULL ||
	    strncmp(p, ") Z", 3) == 0)
		return false;
	for (int word = 2; word < 22; word++)
		if ((p = strchr(p + 1, ' ')) == NULL)
			return false;
	*ret = strtoull(p + 1, NULL, 10);
	return true;
}

/* This boot of this machine, and the container's numbering of processes. */
static bool
read_place(char ret[TEXT_MAX])
{
	char boot[TEXT_MAX], numbering[64];
	ssize_t n = readlink("/proc/self/ns/pid", numbering, sizeof(numbering) - 1);

	if (n <= 0 || !read_small("/proc/sys/kernel/random/boot_id", boot))
		return false;
	numbering[n] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
	return snprintf(ret, TEXT_MAX, "%.64s %s", boot, numbering) > 0;
}

enum kms_rc
process_mark(struct buf *ret)
{
	char place[TEXT_MAX], mark[TEXT_MAX + 64];
	uint64_t start;

	if (!read_place(place) || !read_start((unsigned long)getpid(), &start))
		return KMS_OK;
	(void)snprintf(mark, sizeof(mark), "%s %lu %" PRIu64, place, (unsigned long)getpid(),
	    start);
	return buf_add(ret, slice_str(mark));
}

bool
process_gone(struct slice mark)
{
	char place[TEXT_MAX], text[64];
	unsigned long pid;
	uint64_t started, start;

	if (!read_place(place) || !slice_skip(&mark, place) || mark.len >= sizeof(text))
		return false;
	memcpy(text, mark.p, mark.len);
	text[mark.len] = '\0';
	if (sscanf(text, " %lu %" SCNu64, &pid, &started) != 2)
		return false;
	return !read_start(pid, &start) ? access("/proc/self/stat", R_OK) == 0 : start != started;
}
