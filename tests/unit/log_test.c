/* SPDX-License-Identifier: Apache-2.0 */
/* The log: lines, levels, targets, and a host that pulls the descriptor away. */
#define _GNU_SOURCE 1
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/os.h"
#include "tests/unit/unit.h"

static char *dir, *path;
static struct err err;

static void
setup(void)
{
	unsetenv("KMS_PKCS11_LOG");
	unsetenv("KMS_PKCS11_LOG_FILE");
	err_clear(&err);
	dir = temp_dir();
	path = os_path_join(dir, "log");
}

static void
teardown(void)
{
	log_close();
	free(dir);
	free(path);
}

static bool
matches(const char *text, const char *pattern)
{
	regex_t re;
	bool found;

	ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	found = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return found;
}

/* What the log file holds now. */
static void
check_log(const char *pattern)
{
	char *text = read_file(path);

	ck_assert_msg(matches(text, pattern), "the log is: %s", text);
	free(text);
}

START_TEST(a_line_has_time_pid_level_and_text)
{
	char pattern[160];

	CHECK_RC(log_open(path, KMS_LOG_INFO, &err), KMS_OK);
	log_warning("slot %d is %s", 3, "full");
	ck_assert_int_gt(
	    snprintf(pattern, sizeof(pattern),
		"^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z "
		"kms-pkcs11\\[%ld\\] warning: slot 3 is full\n$",
		(long)getpid()),
	    0);
	check_log(pattern);
}
END_TEST

START_TEST(the_time_is_the_c_librarys_utc)
{
	char before[32], after[32], *text;
	time_t now = time(NULL);
	struct tm tm;

	CHECK_RC(log_open(path, KMS_LOG_INFO, &err), KMS_OK);
	ck_assert_uint_gt(strftime(before, sizeof(before), "%Y-%m-%dT%H:%M:%S",
			      gmtime_r(&now, &tm)),
	    0);
	log_error("x");
	now = time(NULL);
	ck_assert_uint_gt(strftime(after, sizeof(after), "%Y-%m-%dT%H:%M:%S", gmtime_r(&now, &tm)),
	    0);
	text = read_file(path);
	ck_assert_int_le(strncmp(before, text, strlen(before)), 0);
	ck_assert_int_ge(strncmp(after, text, strlen(after)), 0);
	free(text);
}
END_TEST

START_TEST(only_the_wanted_levels_are_written)
{
	CHECK_RC(log_open(path, KMS_LOG_WARNING, &err), KMS_OK);
	ck_assert(log_on(KMS_LOG_ERROR));
	ck_assert(!log_on(KMS_LOG_INFO));
	log_error("one");
	log_warning("two");
	log_info("three");
	log_debug("four");
	check_log("^[^\n]*error: one\n[^\n]*warning: two\n$");
}
END_TEST

START_TEST(level_none_opens_nothing)
{
	CHECK_RC(log_open(path, KMS_LOG_NONE, &err), KMS_OK);
	log_error("lost");
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert(!log_on(KMS_LOG_ERROR));
}
END_TEST

START_TEST(a_file_is_appended_to_and_the_users_alone)
{
	struct stat st;

	CHECK_RC(log_open(path, KMS_LOG_ERROR, &err), KMS_OK);
	log_error("one");
	CHECK_RC(log_open(path, KMS_LOG_ERROR, &err), KMS_OK);
	log_error("two");
	check_log("one\n[^\n]*two\n$");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(nothing_is_written_after_close)
{
	CHECK_RC(log_open(path, KMS_LOG_DEBUG, &err), KMS_OK);
	log_close();
	log_error("lost");
	log_close();
	check_log("^$");
}
END_TEST

START_TEST(a_text_cannot_forge_a_line)
{
	CHECK_RC(log_open(path, KMS_LOG_ERROR, &err), KMS_OK);
	log_error("label %s", "x\n2026-01-01 forged\r\x1b[0m");
	check_log("^[^\n]*label x\\?2026-01-01 forged\\?\\?\\[0m\n$");
}
END_TEST

START_TEST(a_long_text_is_cut_and_stays_one_line)
{
	CHECK_RC(log_open(path, KMS_LOG_ERROR, &err), KMS_OK);
	log_error("%05000d", 1);
	log_error("next");
	check_log("^[^\n]{500,1200}\n[^\n]*next\n$");
}
END_TEST

START_TEST(errno_is_kept)
{
	CHECK_RC(log_open("/dev/full", KMS_LOG_ERROR, &err), KMS_IO);
	CHECK_RC(log_open(path, KMS_LOG_ERROR, &err), KMS_OK);
	close(STDERR_FILENO);
	errno = EDOM;
	log_error("to the file");
	ck_assert_int_eq(errno, EDOM);
	CHECK_RC(log_open("stderr", KMS_LOG_ERROR, &err), KMS_OK);
	errno = EDOM;
	log_error("to a closed descriptor");
	ck_assert_int_eq(errno, EDOM);
}
END_TEST

START_TEST(a_reader_of_stderr_that_went_away_does_not_kill_the_host)
{
	sigset_t pipe_signal, pending;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	(void)signal(SIGPIPE, SIG_DFL);
	CHECK_RC(log_open("stderr", KMS_LOG_ERROR, &err), KMS_OK);
	log_error("nobody hears this");

	/* One that the host is holding back stays for it. */
	(void)sigemptyset(&pipe_signal);
	(void)sigaddset(&pipe_signal, SIGPIPE);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &pipe_signal, NULL), 0);
	ck_assert_int_eq(raise(SIGPIPE), 0);
	log_error("nor this");
	ck_assert_int_eq(sigpending(&pending), 0);
	ck_assert_int_eq(sigismember(&pending, SIGPIPE), 1);
}
END_TEST

START_TEST(bad_targets_are_refused_and_the_log_goes_on)
{
	CHECK_RC(log_open(path, KMS_LOG_ERROR, &err), KMS_OK);
	CHECK_RC(log_open("relative.log", KMS_LOG_ERROR, &err), KMS_CONFIG);
	err_clear(&err);
	CHECK_RC(log_open("/nowhere/at/all", KMS_LOG_ERROR, &err), KMS_IO);
	ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/at/all"));
	err_clear(&err);
	CHECK_RC(log_open(dir, KMS_LOG_ERROR, &err), KMS_IO);
	log_error("still here");
	check_log("still here\n$");
}
END_TEST

START_TEST(a_fifo_is_refused_without_waiting)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	CHECK_RC(log_open(path, KMS_LOG_ERROR, &err), KMS_IO);
}
END_TEST

START_TEST(the_environment_overrides_level_and_target)
{
	setenv("KMS_PKCS11_LOG", "debug", 1);
	setenv("KMS_PKCS11_LOG_FILE", path, 1);
	CHECK_RC(log_open("stderr", KMS_LOG_NONE, &err), KMS_OK);
	log_debug("from the environment");
	check_log("debug: from the environment\n$");
	setenv("KMS_PKCS11_LOG", "loud", 1);
	CHECK_RC(log_open("stderr", KMS_LOG_NONE, &err), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "KMS_PKCS11_LOG"));
}
END_TEST

START_TEST(levels_are_read_by_name)
{
	enum log_level level = KMS_LOG_NONE;

	ck_assert(log_level_parse("debug", &level));
	ck_assert_int_eq(level, KMS_LOG_DEBUG);
	ck_assert(log_level_parse("none", &level));
	ck_assert_int_eq(level, KMS_LOG_NONE);
	level = KMS_LOG_INFO;
	ck_assert(!log_level_parse("Debug", &level));
	ck_assert(!log_level_parse("", &level));
	ck_assert_int_eq(level, KMS_LOG_INFO);
}
END_TEST

START_TEST(a_strangers_file_behind_our_descriptor_is_left_alone)
{
	char *other = os_path_join(dir, "other"), *text;
	int fd, ours = open(dir, O_RDONLY | O_CLOEXEC);

	/* The log gets the number after OURS; the host then closes it and opens a file of its own.
	 */
	close(ours);
	CHECK_RC(log_open(path, KMS_LOG_ERROR, &err), KMS_OK);
	close(ours);
	fd = open(other, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(fd, ours);
	log_error("must not get there");
	log_close();
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC); /* nor is it closed */
	text = read_file(other);
	ck_assert_str_eq(text, "");
	free(text);
	free(other);
}
END_TEST

START_TEST(a_child_logs_with_its_own_pid)
{
	char pattern[64];
	pid_t pid;

	CHECK_RC(log_open(path, KMS_LOG_ERROR, &err), KMS_OK);
	pid = fork();
	if (pid == 0) {
		log_error("child");
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_gt(snprintf(pattern, sizeof(pattern), "kms-pkcs11\\[%ld\\] error: child\n$",
			     (long)pid),
	    0);
	check_log(pattern);
}
END_TEST

static void *
write_many(void *arg UNUSED)
{
	for (int i = 0; i < 500; i++)
		log_info("a line that is always of the same length");
	return NULL;
}

START_TEST(lines_of_threads_do_not_mix_while_the_log_is_reopened)
{
	size_t lines = 0;
	pthread_t t[4];
	char *text;

	CHECK_RC(log_open(path, KMS_LOG_INFO, &err), KMS_OK);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, write_many, NULL), 0);
	for (int i = 0; i < 50; i++)
		CHECK_RC(log_open(path, KMS_LOG_INFO, &err), KMS_OK);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	text = read_file(path);
	for (char *p = text, *end; *p != '\0'; p = end + 1, lines++) {
		ck_assert_ptr_nonnull(end = strchr(p, '\n'));
		*end = '\0';
		ck_assert_msg(
		    matches(p,
			"^[^ ]+ kms-pkcs11[^ ]+ info: a line that is always of the same length$"),
		    "%s", p);
	}
	ck_assert_uint_eq(lines, 2000);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");
	const TTest *const tests[] = { a_line_has_time_pid_level_and_text,
		the_time_is_the_c_librarys_utc, only_the_wanted_levels_are_written,
		level_none_opens_nothing, a_file_is_appended_to_and_the_users_alone,
		nothing_is_written_after_close, a_text_cannot_forge_a_line,
		a_long_text_is_cut_and_stays_one_line, errno_is_kept,
		a_reader_of_stderr_that_went_away_does_not_kill_the_host,
		bad_targets_are_refused_and_the_log_goes_on, a_fifo_is_refused_without_waiting,
		the_environment_overrides_level_and_target, levels_are_read_by_name,
		a_strangers_file_behind_our_descriptor_is_left_alone, a_child_logs_with_its_own_pid,
		lines_of_threads_do_not_mix_while_the_log_is_reopened };

	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
