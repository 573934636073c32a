/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, forks, folders, rights of files, environment. */
#define _GNU_SOURCE 1
#include "base/os.h"

#include <sys/wait.h>
#include <time.h>

#include "tests/unit/unit.h"

START_TEST(the_fake_clock_sets_all_clocks_and_goes_away)
{
	os_fake_clock(1000000);
	ck_assert_int_eq(os_wall_seconds(), 1000000);
	ck_assert_uint_eq(os_monotonic_ms(), 1000000000);
	ck_assert_int_eq(os_wall_ms(), 1000000000);
	os_fake_clock(0);
	ck_assert_int_eq(os_wall_seconds(), 0);
	os_fake_clock(-1);
	ck_assert_int_ge(os_wall_seconds(), (int64_t)time(NULL) - 1);
	ck_assert_int_ge(os_wall_ms(), ((int64_t)time(NULL) - 1) * 1000);
	ck_assert_uint_ne(os_monotonic_ms(), 0);
}
END_TEST

START_TEST(the_monotonic_clock_goes_on_in_milliseconds)
{
	uint64_t before = os_monotonic_ms(), after;

	usleep(50000);
	after = os_monotonic_ms();
	ck_assert_uint_ge(after - before, 40);
	ck_assert_uint_lt(after - before, 20000);
}
END_TEST

/* The fork generation that a child of a child sees, counted from this process. */
static int
generations_below(unsigned here, int depth)
{
	pid_t pid;
	int status;

	if (depth == 0)
		return (int)(os_fork_generation() - here);
	pid = fork();
	if (pid == 0)
		_exit(generations_below(here, depth - 1));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 100;
	return WEXITSTATUS(status);
}

START_TEST(each_fork_counts_one_in_the_child_only)
{
	unsigned here = os_fork_generation();

	ck_assert_int_eq(generations_below(here, 0), 0);
	ck_assert_int_eq(generations_below(here, 1), 1);
	ck_assert_int_eq(generations_below(here, 3), 3);
	ck_assert_uint_eq(os_fork_generation(), here);
}
END_TEST

START_TEST(paths_are_joined_with_one_slash)
{
	static const struct {
		const char *dir, *name, *wanted;
	} cases[] = { { "/a", "b", "/a/b" }, { "/a/", "b", "/a/b" }, { "/", "b", "/b" },
		{ "", "b", "b" }, { "a", "", "a/" } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *p = os_path_join(cases[i].dir, cases[i].name);

		ck_assert_str_eq(p, cases[i].wanted);
		free(p);
	}
}
END_TEST

START_TEST(folders_are_made_with_their_parents_for_the_user_alone)
{
	char *dir = temp_dir(), *a = os_path_join(dir, "a"), *b = os_path_join(a, "b/c/");
	struct err err = { 0 };
	struct stat st;

	CHECK_RC(os_make_dirs(b, &err), KMS_OK);
	ck_assert_int_eq(stat(b, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	ck_assert_int_eq(stat(a, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	CHECK_RC(os_make_dirs(b, &err), KMS_OK);
	ck_assert_str_eq(err.text, "");
	free(dir);
	free(a);
	free(b);
}
END_TEST

START_TEST(a_file_in_the_way_of_a_folder_is_named)
{
	char *dir = temp_dir(), *file = os_path_join(dir, "file"), *below = os_path_join(file, "x");
	struct err err = { 0 };

	write_file(file, "", 0600);
	CHECK_RC(os_make_dirs(below, &err), KMS_IO);
	ck_assert_ptr_nonnull(strstr(err.text, file));
	ck_assert_ptr_nonnull(strstr(err.text, "is not a folder"));
	CHECK_RC(os_make_dirs(file, NULL), KMS_IO);
	free(dir);
	free(file);
	free(below);
}
END_TEST

static enum kms_rc
check_mode(const char *path, mode_t mode, bool secret, struct err *err)
{
	enum kms_rc rc;
	int fd;

	write_file(path, "x", mode);
	ck_assert_int_ge(fd = open(path, O_RDONLY | O_CLOEXEC), 0);
	rc = os_check_private(fd, path, secret, err);
	close(fd);
	ck_assert_int_eq(unlink(path), 0);
	return rc;
}

START_TEST(files_that_others_can_write_are_refused)
{
	char *dir = temp_dir(), *path = os_path_join(dir, "f");
	struct err err = { 0 };

	CHECK_RC(check_mode(path, 0600, false, &err), KMS_OK);
	CHECK_RC(check_mode(path, 0644, false, &err), KMS_OK);
	ck_assert_str_eq(err.text, "");
	CHECK_RC(check_mode(path, 0620, false, &err), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text,
	    "can be written by others (mode 620); chmod go-w it"));
	CHECK_RC(check_mode(path, 0602, false, NULL), KMS_CONFIG);
	free(dir);
	free(path);
}
END_TEST

START_TEST(secrets_that_others_can_read_are_refused)
{
	char *dir = temp_dir(), *path = os_path_join(dir, "f");
	struct err err = { 0 };

	CHECK_RC(check_mode(path, 0600, true, &err), KMS_OK);
	CHECK_RC(check_mode(path, 0640, true, &err), KMS_OK);
	CHECK_RC(check_mode(path, 0604, true, &err), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "can be read by others (mode 604); chmod o-r it"));
	free(dir);
	free(path);
}
END_TEST

START_TEST(files_of_a_third_user_are_refused)
{
	char *dir = temp_dir(), *path = os_path_join(dir, "f");
	struct err err = { 0 };
	int fd;

	if (geteuid() != 0)
		return; /* only root can give files away */
	write_file(path, "x", 0600);
	ck_assert_int_ge(fd = open(path, O_RDONLY | O_CLOEXEC), 0);
	ck_assert_int_eq(fchown(fd, 12345, (gid_t)-1), 0);
	CHECK_RC(os_check_private(fd, path, false, &err), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "belongs to user 12345"));
	close(fd);
	free(dir);
	free(path);
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused)
{
	struct err err = { 0 };
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	CHECK_RC(os_check_private(fds[0], "the pipe", false, &err), KMS_CONFIG);
	ck_assert_str_eq(err.text, "the pipe is not a regular file");
	err_clear(&err);
	CHECK_RC(os_check_private(-1, "nothing", false, &err), KMS_IO);
	ck_assert_ptr_nonnull(strstr(err.text, "nothing: "));
}
END_TEST

START_TEST(folders_that_others_can_write_are_refused)
{
	char *dir = temp_dir(), *path = os_path_join(dir, "f");
	struct err err = { 0 };
	int fd;

	ck_assert_int_ge(fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
	CHECK_RC(os_check_private_dir(fd, dir, &err), KMS_OK);
	ck_assert_int_eq(fchmod(fd, 0755), 0);
	CHECK_RC(os_check_private_dir(fd, dir, &err), KMS_OK);
	ck_assert_str_eq(err.text, "");
	ck_assert_int_eq(fchmod(fd, 0720), 0);
	CHECK_RC(os_check_private_dir(fd, dir, &err), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text,
	    "can be written by others (mode 720); chmod go-w it"));
	ck_assert_int_eq(fchmod(fd, 0702), 0);
	CHECK_RC(os_check_private_dir(fd, dir, NULL), KMS_CONFIG);
	close(fd);
	write_file(path, "x", 0600);
	ck_assert_int_ge(fd = open(path, O_RDONLY | O_CLOEXEC), 0);
	err_clear(&err);
	CHECK_RC(os_check_private_dir(fd, path, &err), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "is not a folder"));
	close(fd);
	free(dir);
	free(path);
}
END_TEST

START_TEST(empty_variables_are_as_unset)
{
	setenv("KMS_UNIT_TEST", "value", 1);
	ck_assert_str_eq(os_env("KMS_UNIT_TEST"), "value");
	setenv("KMS_UNIT_TEST", "", 1);
	ck_assert_ptr_null(os_env("KMS_UNIT_TEST"));
	unsetenv("KMS_UNIT_TEST");
	ck_assert_ptr_null(os_env("KMS_UNIT_TEST"));
}
END_TEST

int
main(void)
{
	return unit_main(UNIT_SUITE("os", the_fake_clock_sets_all_clocks_and_goes_away,
	    the_monotonic_clock_goes_on_in_milliseconds, each_fork_counts_one_in_the_child_only,
	    paths_are_joined_with_one_slash, folders_are_made_with_their_parents_for_the_user_alone,
	    a_file_in_the_way_of_a_folder_is_named, files_that_others_can_write_are_refused,
	    secrets_that_others_can_read_are_refused, files_of_a_third_user_are_refused,
	    what_is_no_regular_file_is_refused, folders_that_others_can_write_are_refused,
	    empty_variables_are_as_unset));
}
