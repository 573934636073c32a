/* SPDX-License-Identifier: Apache-2.0 */
/* Other programs: run with an input to their end or a deadline, trusted or not, known again. */
#define _GNU_SOURCE 1
#include "base/process.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/os.h"
#include "tests/unit/unit.h"

#define LONG_MS 20000 /* no test waits for it */

static char *dir;
static struct process_result res;
static struct err err;

static void
setup(void)
{
	dir = temp_dir();
	err_clear(&err);
}

static void
teardown(void)
{
	free(dir);
}

static char *
in_dir(const char *name)
{
	char *path = os_path_join(dir, name);

	ck_assert_ptr_nonnull(path);
	return path;
}

/* Runs a shell script with the test's folder as its first argument. */
static void
run(const char *script, const char *input, uint64_t timeout_ms)
{
	char *path = in_dir("script"), head[] = "#!/bin/sh\n", *text = NULL;
	char *argv[] = { path, dir, NULL };

	ck_assert_int_gt(asprintf(&text, "%s%s\n", head, script), 0);
	write_file(path, text, 0700);
	process_run(argv, slice_str(input), timeout_ms, &res, &err);
	free(text);
	free(path);
}

static void
check_file(const char *name, const char *wanted)
{
	char *path = in_dir(name), *text = read_file(path);

	ck_assert_str_eq(text, wanted);
	free(text);
	free(path);
}

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Waits until a process that nobody here waits for is gone; false after ten seconds. */
static bool
gone(pid_t pid)
{
	struct timespec t = { .tv_nsec = 10000000 };

	for (int i = 0; i < 1000; i++) {
		if (kill(pid, 0) != 0 && errno == ESRCH)
			return true;
		(void)nanosleep(&t, NULL);
	}
	return false;
}

static pid_t
pid_in(const char *name)
{
	char *path = in_dir(name), *text = read_file(path);
	pid_t pid = (pid_t)strtol(text, NULL, 10);

	ck_assert_int_gt(pid, 1);
	free(text);
	free(path);
	return pid;
}

START_TEST(a_program_gets_its_input_and_tells_its_status)
{
	run("cat >$1/in; exit 7", "two\nlines", LONG_MS);
	ck_assert_int_eq(res.end, PROCESS_ENDED);
	ck_assert_int_eq(res.status, 7);
	ck_assert_str_eq(res.last, "");
	check_file("in", "two\nlines");
	run("cat >$1/in", "", LONG_MS);
	ck_assert_int_eq(res.status, 0);
	check_file("in", "");
}
END_TEST

START_TEST(the_longest_input_goes_in_and_one_that_nobody_reads_harms_nobody)
{
	char *longest = malloc(PROCESS_INPUT_MAX + 2);

	ck_assert_ptr_nonnull(longest);
	memset(longest, 'x', PROCESS_INPUT_MAX + 1);
	longest[PROCESS_INPUT_MAX + 1] = '\0';
	run("exit 0", longest, LONG_MS);
	ck_assert_int_eq(res.end, PROCESS_NOT_STARTED);
	longest[PROCESS_INPUT_MAX] = '\0';
	run("cat >$1/in", longest, LONG_MS);
	check_file("in", longest);
	run("exec <&-; exit 3", longest, LONG_MS);
	ck_assert_int_eq(res.end, PROCESS_ENDED);
	ck_assert_int_eq(res.status, 3);
	free(longest);
}
END_TEST

START_TEST(the_last_line_of_its_standard_error_is_kept)
{
	run("echo out; echo first >&2; echo 'the last' >&2; echo >&2; exit 1", "", LONG_MS);
	ck_assert_str_eq(res.last, "the last");
	run("printf 'no end' >&2", "", LONG_MS);
	ck_assert_str_eq(res.last, "no end");
	run("printf 'a\\033[31mb\\tc\\n' >&2", "", LONG_MS);
	ck_assert_str_eq(res.last, "a?[31mb?c");
	run("printf '\\303\\244 \\n' >&2", "", LONG_MS);
	ck_assert_str_eq(res.last, "\xc3\xa4");
	run("printf '\\303( \\n' >&2", "", LONG_MS);
	ck_assert_str_eq(res.last, "?(");
}
END_TEST

START_TEST(a_program_that_writes_without_end_fills_nothing)
{
	run("i=0; while [ $i -lt 20000 ]; do echo 'some line that is not the last one'; i=$((i+1)); done >&2\n"
	    "head -c 5000 /dev/zero | tr '\\0' x >&2",
	    "", LONG_MS);
	ck_assert_int_eq(res.end, PROCESS_ENDED);
	ck_assert_uint_eq(strlen(res.last), PROCESS_LINE_MAX);
	ck_assert_uint_eq(strspn(res.last, "x"), PROCESS_LINE_MAX);
}
END_TEST

START_TEST(a_program_that_takes_too_long_is_ended_with_all_its_children)
{
	uint64_t began = now_ms();

	run("sleep 1000 & echo $! >$1/pid; echo waiting >&2; wait", "", 300);
	ck_assert_int_eq(res.end, PROCESS_TIMED_OUT);
	ck_assert_str_eq(res.last, "waiting");
	ck_assert(gone(pid_in("pid")));
	ck_assert_uint_ge(now_ms() - began, 300);
}
END_TEST

START_TEST(a_program_that_takes_no_hint_is_killed)
{
	run("trap '' TERM; echo $$ >$1/pid; while :; do sleep 1; done", "", 300);
	ck_assert_int_eq(res.end, PROCESS_TIMED_OUT);
	ck_assert(gone(pid_in("pid")));
}
END_TEST

START_TEST(a_program_that_finishes_when_told_to_hurry_has_finished)
{
	run("trap 'exit 0' TERM; while :; do sleep 0.05; done", "", 300);
	ck_assert_int_eq(res.end, PROCESS_ENDED);
	ck_assert_int_eq(res.status, 0);
	run("trap 'exit 1' TERM; while :; do sleep 0.05; done", "", 300);
	ck_assert_int_eq(res.end, PROCESS_TIMED_OUT);
}
END_TEST

START_TEST(nobody_waits_for_what_a_program_leaves_behind)
{
	uint64_t began = now_ms();

	/* The child holds standard error open. */
	run("sleep 1000 & echo $! >$1/pid; exit 0", "", LONG_MS);
	ck_assert_int_eq(res.end, PROCESS_ENDED);
	ck_assert_int_eq(res.status, 0);
	ck_assert_uint_lt(now_ms() - began, LONG_MS);
	ck_assert(gone(pid_in("pid")));
}
END_TEST

START_TEST(a_program_that_is_killed_is_no_program_that_ended)
{
	run("kill -9 $$", "", LONG_MS);
	ck_assert_int_eq(res.end, PROCESS_KILLED);
	ck_assert_int_eq(res.status, SIGKILL);
}
END_TEST

START_TEST(a_program_that_is_not_there_never_ran)
{
	char none[] = "/nonexistent/program", *argv[] = { none, NULL };

	process_run(argv, slice_str(""), LONG_MS, &res, &err);
	ck_assert_int_eq(res.end, PROCESS_NOT_STARTED);
	ck_assert_ptr_nonnull(strstr(err.text, none));
}
END_TEST

START_TEST(a_program_inherits_nothing)
{
	sigset_t mask;
	int fd;

	setenv("SOMETHING", "secret", 1);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &mask, NULL), 0);
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_ge(fd = open("/dev/null", O_RDONLY), 3); /* without O_CLOEXEC */
	run("env | sed 's/=.*//' | grep -v -e PWD -e _ | sort | tr '\\n' ' ' >$1/env\n"
	    "ls /proc/self/fd | tr '\\n' ' ' >$1/fds; pwd >$1/cwd\n"
	    "grep -e SigBlk -e SigIgn /proc/$$/status | sed 's/.*\\(.......\\)$/\\1/' | tr '\\n' ' ' >$1/signals",
	    "", LONG_MS);
	ck_assert_int_eq(res.status, 0);
	check_file("env", "PATH ");
	/* The fourth is that of ls, for the folder. */
	check_file("fds", "0 1 2 3 ");
	check_file("cwd", "/\n");
	/* The C library ignores two of its own, which are beyond these. */
	check_file("signals", "0000000 0000000 ");
	close(fd);
}
END_TEST

START_TEST(a_caller_without_standard_descriptors_can_run_programs)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(0);
		close(1);
		close(2);
		run("cat >$1/in; echo told >&2; exit 5", "text", LONG_MS);
		_exit(res.end == PROCESS_ENDED && res.status == 5 && strcmp(res.last, "told") == 0
			? 0
			: 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	check_file("in", "text");
}
END_TEST

START_TEST(running_programs_leaves_no_descriptor_and_no_child)
{
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;

	close(before);
	for (int i = 0; i < 5; i++)
		run("exit 0", "x", LONG_MS);
	ck_assert_int_ge(after = open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
	close(after);
	ck_assert_int_eq(before, after);
	ck_assert(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}
END_TEST

/* -- trust -- */

static void
check_trust(const char *path, const char *refused)
{
	char *real = NULL;

	err_clear(&err);
	if (refused == NULL) {
		CHECK_RC(process_check(path, &real, &err), KMS_OK);
		ck_assert_ptr_nonnull(real);
	} else {
		CHECK_RC(process_check(path, &real, &err), KMS_CONFIG);
		ck_assert_msg(strstr(err.text, refused) != NULL, "%s", err.text);
		ck_assert_ptr_null(real);
	}
	free(real);
}

START_TEST(only_a_program_that_others_cannot_change_is_trusted)
{
	char *program = in_dir("program"), *link = in_dir("link"), *folder = in_dir("folder"),
	     *inside = in_dir("folder/program");

	write_file(program, "#!/bin/sh\n", 0755);
	check_trust(program, NULL);
	ck_assert_int_eq(chmod(program, 0775), 0);
	check_trust(program, "can be written by others");
	ck_assert_int_eq(chmod(program, 0757), 0);
	check_trust(program, "can be written by others");
	ck_assert_int_eq(chmod(program, 0600), 0);
	check_trust(program, "is not a file that can be run");
	check_trust(dir, "is not a file that can be run");
	check_trust("program", "is not an absolute path");
	check_trust("/nonexistent/program", "No such file");
	/* What counts is the file behind a link, and the folders on the way to it. */
	ck_assert_int_eq(mkdir(folder, 0777), 0);
	ck_assert_int_eq(chmod(folder, 0777), 0);
	write_file(inside, "#!/bin/sh\n", 0755);
	ck_assert_int_eq(symlink(inside, link), 0);
	check_trust(inside, "folder can be written by others");
	check_trust(link, "folder can be written by others");
	ck_assert_int_eq(chmod(folder, 01777), 0);
	check_trust(link, NULL);
	ck_assert_int_eq(chmod(folder, 0755), 0);
	check_trust(link, NULL);
	free(program);
	free(link);
	free(folder);
	free(inside);
}
END_TEST

START_TEST(a_program_of_another_user_is_not_trusted)
{
	char *program = in_dir("program");

	if (geteuid() != 0) {
		free(program);
		return; /* only root can give files away */
	}
	write_file(program, "#!/bin/sh\n", 0755);
	ck_assert_int_eq(chown(program, 12345, 0), 0);
	check_trust(program, "belongs to user 12345");
	free(program);
}
END_TEST

/* -- marks -- */

START_TEST(a_process_is_known_again_and_so_is_that_it_ended)
{
	auto_buf mine = { 0 }, other = { 0 };
	int fd[2];
	uint8_t *p;
	ssize_t n;
	pid_t pid;

	CHECK_RC(process_mark(&mine), KMS_OK);
	if (mine.len == 0)
		return; /* the system does not tell */
	ck_assert(!process_gone(buf_slice(&mine)));
	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_ge(pid = fork(), 0);
	if (pid == 0) {
		if (process_mark(&other) != KMS_OK || write(fd[1], other.p, other.len) < 0)
			_exit(1);
		pause();
	}
	CHECK_RC(buf_extend(&other, 512, &p), KMS_OK);
	ck_assert_int_gt(n = read(fd[0], p, 512), 0);
	other.len = (size_t)n;
	ck_assert(!slice_eq(buf_slice(&mine), buf_slice(&other)));
	ck_assert(!process_gone(buf_slice(&other)));
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	/* Ended, and not yet waited for. */
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT), 0);
	ck_assert(process_gone(buf_slice(&other)));
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(process_gone(buf_slice(&other)));
}
END_TEST

START_TEST(another_process_of_the_same_number_is_not_the_same)
{
	auto_buf mark = { 0 };

	CHECK_RC(process_mark(&mark), KMS_OK);
	if (mark.len == 0)
		return;
	mark.p[mark.len - 1] ^= 1;
	ck_assert(process_gone(buf_slice(&mark)));
}
END_TEST

START_TEST(of_processes_elsewhere_nothing_is_known)
{
	auto_buf mark = { 0 };

	ck_assert(!process_gone(slice_str("")));
	ck_assert(!process_gone(BYTES("x 1 2")));
	CHECK_RC(process_mark(&mark), KMS_OK);
	if (mark.len == 0)
		return;
	mark.p[0] ^= 1;
	ck_assert(!process_gone(buf_slice(&mark)));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_program_gets_its_input_and_tells_its_status,
		the_longest_input_goes_in_and_one_that_nobody_reads_harms_nobody,
		the_last_line_of_its_standard_error_is_kept,
		a_program_that_writes_without_end_fills_nothing,
		a_program_that_takes_too_long_is_ended_with_all_its_children,
		a_program_that_takes_no_hint_is_killed,
		a_program_that_finishes_when_told_to_hurry_has_finished,
		nobody_waits_for_what_a_program_leaves_behind,
		a_program_that_is_killed_is_no_program_that_ended,
		a_program_that_is_not_there_never_ran, a_program_inherits_nothing,
		a_caller_without_standard_descriptors_can_run_programs,
		running_programs_leaves_no_descriptor_and_no_child,
		only_a_program_that_others_cannot_change_is_trusted,
		a_program_of_another_user_is_not_trusted,
		a_process_is_known_again_and_so_is_that_it_ended,
		another_process_of_the_same_number_is_not_the_same,
		of_processes_elsewhere_nothing_is_known };
	Suite *s = suite_create("process");
	TCase *t = tcase_create("process");

	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
