/* SPDX-License-Identifier: Apache-2.0 */
/* What unit tests share on top of libcheck: results by name, input against a dead page, folders to
 * play in, a main. */
#ifndef KMS_TESTS_UNIT_UNIT_H
#define KMS_TESTS_UNIT_UNIT_H

#ifndef _GNU_SOURCE
#error "define _GNU_SOURCE first"
#endif
#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/rc.h"

/* EXPR ends with WANTED; prints names, not numbers. */
#define CHECK_RC(expr, wanted)                                                            \
	do {                                                                              \
		enum kms_rc got_ = (expr), want_ = (wanted);                              \
		ck_assert_msg(got_ == want_, "%s is %s, wanted %s", #expr, rc_name(got_), \
		    rc_name(want_));                                                      \
	} while (0)

/* The same bytes, with the length told. */
#define CHECK_BYTES(got, wanted)                                      \
	do {                                                          \
		struct slice got_ = (got), want_ = (wanted);          \
		ck_assert_uint_eq(got_.len, want_.len);               \
		if (want_.len > 0)                                    \
			ck_assert_mem_eq(got_.p, want_.p, want_.len); \
	} while (0)

/* A string literal with all its bytes, NULs inside included. */
#define BYTES(literal) slice_of((literal), sizeof(literal) - 1)

/* A copy of S that ends where readable memory ends: one byte too far is a crash. Never released. */
static inline UNUSED struct slice
guarded(struct slice s)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = (s.len + page - 1) / page * page;
	uint8_t *p =
	    mmap(NULL, len + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(mprotect(p + len, page, PROT_NONE), 0);
	if (s.len > 0)
		memcpy(p + len - s.len, s.p, s.len);
	return slice_of(p + len - s.len, s.len);
}

static char unit_root[] = "/tmp/kms-unit-XXXXXX"; /* made and removed by unit_main */

/* A fresh folder, 0700, gone when the suite ends. The caller frees the name. */
static inline UNUSED char *
temp_dir(void)
{
	size_t len = sizeof(unit_root) + sizeof("/XXXXXX");
	char *dir = malloc(len);

	ck_assert_ptr_nonnull(dir);
	ck_assert_int_gt(snprintf(dir, len, "%s/XXXXXX", unit_root), 0);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	return dir;
}

/* Writes TEXT to PATH with MODE, whatever the umask. */
static inline UNUSED void
write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(close(fd), 0);
}

/* The whole file, NUL-terminated. The caller frees. */
static inline UNUSED char *
read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;

	ck_assert_msg(fd >= 0, "cannot open %s", path);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_ptr_nonnull(text = calloc(1, (size_t)st.st_size + 1));
	ck_assert_int_eq(read(fd, text, (size_t)st.st_size), st.st_size);
	close(fd);
	return text;
}

/* A suite of one case, which is what most modules need. */
static inline UNUSED Suite *
unit_suite(const char *name, const TTest *const *tests, size_t n)
{
	Suite *s = suite_create(name);
	TCase *c = tcase_create(name);

	for (size_t i = 0; i < n; i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return s;
}
#define UNIT_SUITE(name, ...)                                   \
	unit_suite(name, (const TTest *const[]){ __VA_ARGS__ }, \
	    sizeof((const TTest *const[]){ __VA_ARGS__ }) / sizeof(const TTest *))

static inline UNUSED int
remove_entry(const char *path, const struct stat *st UNUSED, int kind UNUSED,
    struct FTW *where UNUSED)
{
	return remove(path);
}

/* Runs the suite in unit_root, which is there, and removes it; what main returns. CK_FORK=no and
 * CK_RUN_CASE work as libcheck says. */
static inline UNUSED int
unit_run(Suite *s)
{
	SRunner *r = srunner_create(s);
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	nftw(unit_root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline UNUSED int
unit_main(Suite *s)
{
	return mkdtemp(unit_root) == NULL ? EXIT_FAILURE : unit_run(s);
}

#endif
