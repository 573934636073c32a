/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets are rotated by a program that changes a password where it is in force: here a shell
 * script and a file that stands for the database. Whatever fails or is killed, the secret and the
 * database agree in the end.
 */
#define _GNU_SOURCE 1
#include "kms/local.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/local_fixture.h"

#define START 1700000000
#define DAY   86400

static struct backend *kms;
static struct fields req, res;
static struct call call;
static char *program;

/* -- the database: a file, which the program replaces; `mode` says how it behaves -- */

static const char script[] =
    "#!/bin/sh\n"
    "D=%s\n"
    "cat >$D/new.$$\n"
    "echo \"$1 $2 $3 $4 $(cat $D/new.$$)\" >>$D/log\n"
    "case $(cat $D/mode) in\n"
    "fail) echo 'no such user' >&2; exit 3 ;;\n"
    "hang) echo $$ >$D/pid.new; mv $D/pid.new $D/pid; exec sleep 1000 ;;\n"
    "late) mv $D/new.$$ $D/password; echo $$ >$D/pid.new; mv $D/pid.new $D/pid\n"
    "      exec sleep 1000 ;;\n"
    "esac\n"
    "mv $D/new.$$ $D/password\n";

static char *
in_dir(const char *name)
{
	char *p = os_path_join(dir, name);

	ck_assert_ptr_nonnull(p);
	return p;
}

static void
set_mode(const char *mode)
{
	char *p = in_dir("mode");

	write_file(p, mode, 0600);
	free(p);
}

/* What is in a file of the database's; empty when there is none. Until the next call. */
static const char *
in_file(const char *name)
{
	static char text[16384];
	char *p = in_dir(name);
	int fd = open(p, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	free(p);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

static size_t
runs(void)
{
	size_t n = 0;

	for (const char *p = in_file("log"); *p != '\0'; p++)
		n += *p == '\n';
	return n;
}

/* -- the KMS -- */

static void
setup_rotation(void)
{
	char *text = NULL;

	setup();
	program = in_dir("program");
	ck_assert_int_gt(asprintf(&text, script, dir), 0);
	write_file(program, text, 0700);
	free(text);
	set_mode("work");
	conf.rotate_program = program;
	conf.rotate_timeout_ms = 20000;
	os_fake_clock(START);
	kms = new_token_with_user();
	local_run_programs(kms);
}

static void
teardown_rotation(void)
{
	fields_free(&req);
	fields_free(&res);
	backend_close(kms);
	os_fake_clock(-1);
	free(program);
	teardown();
}

static void
request(const char *name)
{
	fields_free(&req);
	CHECK_RC(fields_put_text(&req, F_SecretName, name), KMS_OK);
}

static void
with(enum field name, const char *text)
{
	CHECK_RC(fields_put_text(&req, name, text), KMS_OK);
}

static enum api_error
ask(enum action a)
{
	call = (struct call){ 0 };
	fields_free(&res);
	return backend_act(kms, &call, a, &req, &res) == KMS_OK ? E_None : call.error;
}

static void
expect(enum action a, enum api_error wanted)
{
	enum api_error got = ask(a);

	ck_assert_msg(got == wanted, "%s: %s (%s), wanted %s", action_row(a)->name,
	    api_error_row(got)->code, call.err.text, api_error_row(wanted)->code);
}

static void
new_secret(const char *name, const char *type, const char *value)
{
	request(name);
	with(F_SecretType, type);
	with(F_VersionId, "v1");
	with(F_SecretData, value);
	expect(ACTION_CreateSecret, E_None);
}

static void
rotate(const char *name, const char *version, enum api_error wanted)
{
	request(name);
	with(F_VersionId, version);
	expect(ACTION_RotateSecret, wanted);
}

/* The value at a stage; empty when there is none. Until the next call. */
static const char *
value_at(const char *name, const char *stage)
{
	static char text[1024];
	struct slice s;

	request(name);
	with(F_VersionStage, stage);
	if (ask(ACTION_GetSecretValue) != E_None) {
		ck_assert_int_eq(call.error, E_ResourceNotFound);
		return "";
	}
	s = fields_get(&res, F_SecretData);
	ck_assert_uint_lt(s.len, sizeof(text));
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	return text;
}

static void
check_at(const char *name, const char *stage, const char *wanted)
{
	ck_assert_str_eq(value_at(name, stage), wanted);
}

static void
check_version(const char *name, const char *stage, const char *wanted)
{
	(void)value_at(name, stage);
	CHECK_BYTES(fields_get(&res, F_VersionId), slice_str(wanted));
}

static void
check_agree(const char *name)
{
	char value[1024];

	(void)snprintf(value, sizeof(value), "%s", value_at(name, "ACSCurrent"));
	ck_assert_str_eq(in_file("password"), value);
}

static void
check_member(const char *name, enum field member, const char *wanted)
{
	request(name);
	expect(ACTION_DescribeSecret, E_None);
	CHECK_BYTES(fields_get(&res, member), slice_str(wanted));
}

/* -- asked for -- */

START_TEST(rotating_changes_the_password_in_the_database_and_in_the_secret)
{
	const char *value;

	request("db");
	with(F_SecretType, "Rds");
	with(F_VersionId, "v1");
	with(F_SecretData, "{\"AccountName\":\"u\",\"AccountPassword\":\"old\"}");
	with(F_ExtendedConfig, "{\"DBInstanceId\":\"rm-1\"}");
	expect(ACTION_CreateSecret, E_None);
	rotate("db", "v2", E_None);
	CHECK_BYTES(fields_get(&res, F_SecretName), BYTES("db"));
	CHECK_BYTES(fields_get(&res, F_VersionId), BYTES("v2"));
	ck_assert(fields_has(&res, F_Arn));
	check_agree("db");
	value = value_at("db", "ACSCurrent");
	ck_assert_ptr_eq(strstr(value, "{\"AccountName\":\"u\",\"AccountPassword\":\""), value);
	ck_assert_ptr_null(strstr(value, "\"old\""));
	check_version("db", "ACSCurrent", "v2");
	check_at("db", "ACSPrevious", "{\"AccountName\":\"u\",\"AccountPassword\":\"old\"}");
	check_at("db", "ACSPending", "");
	ck_assert_ptr_eq(strstr(in_file("log"), "db Rds v2 {\"DBInstanceId\":\"rm-1\"} {"),
	    in_file("log"));
	check_member("db", F_LastRotationDate, "2023-11-14T22:13:20Z");
}
END_TEST

START_TEST(rotating_to_a_version_that_is_there_does_nothing)
{
	new_secret("db", "Rds", "old");
	rotate("db", "v2", E_None);
	rotate("db", "v2", E_None);
	rotate("db", "v1", E_None);
	ck_assert_uint_eq(runs(), 1);
	check_version("db", "ACSCurrent", "v2");
}
END_TEST

START_TEST(generic_secrets_rotate_where_there_is_a_program)
{
	new_secret("a", "Generic", "old");
	rotate("a", "v2", E_None);
	check_agree("a");
	request("a");
	CHECK_RC(fields_put_bool(&req, F_EnableAutomaticRotation, true), KMS_OK);
	with(F_RotationInterval, "7d");
	expect(ACTION_UpdateSecretRotationPolicy, E_None);
	request("a");
	with(F_VersionId, "v3");
	with(F_SecretData, "mine");
	expect(ACTION_PutSecretValue, E_None);
	check_at("a", "ACSCurrent", "mine");
}
END_TEST

START_TEST(a_program_that_fails_changes_nothing_and_says_why)
{
	new_secret("db", "Rds", "old");
	set_mode("fail");
	rotate("db", "v2", E_InternalFailure);
	ck_assert_str_eq(call.err.text,
	    "The secret was not rotated: rotate-program failed with status 3: no such user.");
	check_at("db", "ACSCurrent", "old");
	check_at("db", "ACSPending", "");
	check_at("db", "ACSPrevious", "");
	request("db");
	with(F_VersionId, "v2");
	expect(ACTION_GetSecretValue, E_ResourceNotFound);
	ck_assert_str_eq(in_file("password"), "");
	/* And it can be tried again, under the same name. */
	set_mode("work");
	rotate("db", "v2", E_None);
	check_agree("db");
}
END_TEST

START_TEST(a_program_that_took_too_long_is_run_again_with_the_same_value)
{
	char pending[1024];

	new_secret("db", "Rds", "old");
	backend_close(kms);
	conf.rotate_timeout_ms = 300;
	kms = open_local();
	CHECK_RC(login(kms, ROLE_USER, PIN), KMS_OK);
	local_run_programs(kms);
	set_mode("late");
	rotate("db", "v2", E_InternalFailure);
	ck_assert_ptr_nonnull(strstr(call.err.text, "took longer than 300 ms"));
	check_at("db", "ACSCurrent", "old");
	/* Which of them is in force is not known: both can be had. */
	(void)snprintf(pending, sizeof(pending), "%s", value_at("db", "ACSPending"));
	ck_assert_str_eq(in_file("password"), pending);
	/* A program that fails now does not tell that the one before changed nothing. */
	set_mode("fail");
	rotate("db", "v2", E_InternalFailure);
	check_at("db", "ACSPending", pending);
	set_mode("work");
	rotate("db", "v2", E_None);
	check_at("db", "ACSCurrent", pending);
	check_at("db", "ACSPending", "");
	check_agree("db");
	ck_assert_uint_eq(runs(), 3);
}
END_TEST

START_TEST(what_was_cut_off_is_finished_before_another_version_comes)
{
	new_secret("db", "Rds", "old");
	backend_close(kms);
	conf.rotate_timeout_ms = 300;
	kms = open_local();
	CHECK_RC(login(kms, ROLE_USER, PIN), KMS_OK);
	local_run_programs(kms);
	set_mode("hang");
	rotate("db", "v2", E_InternalFailure);
	set_mode("work");
	rotate("db", "v3", E_None);
	ck_assert_uint_eq(runs(), 3);
	check_version("db", "ACSPrevious", "v2");
	check_version("db", "ACSCurrent", "v3");
	check_agree("db");
}
END_TEST

START_TEST(a_rotation_that_was_cut_off_can_be_given_up)
{
	new_secret("db", "Rds", "old");
	backend_close(kms);
	conf.rotate_timeout_ms = 300;
	kms = open_local();
	CHECK_RC(login(kms, ROLE_USER, PIN), KMS_OK);
	local_run_programs(kms);
	set_mode("hang");
	rotate("db", "v2", E_InternalFailure);
	request("db");
	with(F_VersionStage, "ACSPending");
	with(F_RemoveFromVersion, "v1");
	expect(ACTION_UpdateSecretVersionStage, E_UnsupportedOperation);
	request("db");
	with(F_VersionStage, "ACSPending");
	with(F_RemoveFromVersion, "v2");
	expect(ACTION_UpdateSecretVersionStage, E_None);
	check_at("db", "ACSPending", "");
	check_at("db", "ACSCurrent", "old");
	os_fake_clock(START + 8 * DAY);
	local_tick(kms);
	ck_assert_uint_eq(runs(), 1);
	/* A failure is one again that changes nothing. */
	set_mode("fail");
	rotate("db", "v2", E_InternalFailure);
	check_at("db", "ACSPending", "");
}
END_TEST

START_TEST(a_value_without_a_password_is_not_rotated)
{
	new_secret("db", "Rds", "{\"user\":\"u\"}");
	rotate("db", "v2", E_UnsupportedOperation);
	ck_assert_uint_eq(runs(), 0);
	check_version("db", "ACSCurrent", "v1");
}
END_TEST

START_TEST(a_secret_whose_key_is_disabled_is_not_rotated)
{
	char key[64];

	new_secret("db", "Rds", "old");
	request("db");
	expect(ACTION_DescribeSecret, E_None);
	(void)snprintf(key, sizeof(key), "%.*s", (int)fields_get(&res, F_EncryptionKeyId).len,
	    (const char *)fields_get(&res, F_EncryptionKeyId).p);
	fields_free(&req);
	with(F_KeyId, key);
	expect(ACTION_DisableKey, E_None);
	rotate("db", "v2", E_StateDisabled);
	ck_assert_uint_eq(runs(), 0);
}
END_TEST

START_TEST(where_no_program_may_run_nothing_rotates)
{
	new_secret("db", "Rds", "old");
	request("db");
	CHECK_RC(fields_put_bool(&req, F_EnableAutomaticRotation, true), KMS_OK);
	with(F_RotationInterval, "7d");
	expect(ACTION_UpdateSecretRotationPolicy, E_None);
	backend_close(kms);
	/* As an application opens it, which loads the module. */
	kms = open_local();
	CHECK_RC(login(kms, ROLE_USER, PIN), KMS_OK);
	rotate("db", "v2", E_UnsupportedOperation);
	os_fake_clock(START + 8 * DAY);
	local_tick(kms);
	ck_assert_uint_eq(runs(), 0);
	check_at("db", "ACSCurrent", "old");
}
END_TEST

START_TEST(a_pending_version_keeps_its_stage_until_the_program_has_ended)
{
	new_secret("a", "Generic", "old");
	backend_close(kms);
	conf.rotate_timeout_ms = 300;
	kms = open_local();
	CHECK_RC(login(kms, ROLE_USER, PIN), KMS_OK);
	local_run_programs(kms);
	set_mode("hang");
	rotate("a", "v2", E_InternalFailure);
	/* Twelve more values do not push it out. */
	for (int i = 3; i < 15; i++) {
		char id[16];

		(void)snprintf(id, sizeof(id), "v%d", i);
		request("a");
		with(F_VersionId, id);
		with(F_SecretData, id);
		expect(ACTION_PutSecretValue, E_None);
	}
	check_version("a", "ACSPending", "v2");
	set_mode("work");
	rotate("a", "v2", E_None);
	check_version("a", "ACSCurrent", "v2");
	check_version("a", "ACSPrevious", "v14");
	check_agree("a");
}
END_TEST

/* -- unasked -- */

static void
automatic(const char *name)
{
	request(name);
	CHECK_RC(fields_put_bool(&req, F_EnableAutomaticRotation, true), KMS_OK);
	with(F_RotationInterval, "7d");
	expect(ACTION_UpdateSecretRotationPolicy, E_None);
}

START_TEST(a_secret_rotates_when_it_is_due)
{
	new_secret("db", "Rds", "old");
	automatic("db");
	check_member("db", F_NextRotationDate, "2023-11-21T22:13:20Z");
	os_fake_clock(START + 7 * DAY - 1);
	local_tick(kms);
	ck_assert_uint_eq(runs(), 0);
	os_fake_clock(START + 7 * DAY);
	/* An action that comes by does not wait for a program. */
	check_at("db", "ACSCurrent", "old");
	ck_assert_uint_eq(runs(), 0);
	local_tick(kms);
	ck_assert_uint_eq(runs(), 1);
	check_agree("db");
	check_member("db", F_LastRotationDate, "2023-11-21T22:13:20Z");
	check_member("db", F_NextRotationDate, "2023-11-28T22:13:20Z");
	local_tick(kms);
	ck_assert_uint_eq(runs(), 1);
}
END_TEST

START_TEST(a_rotation_that_fails_is_told_and_tried_again_an_hour_later)
{
	new_secret("db", "Rds", "old");
	automatic("db");
	new_secret("other", "Rds", "old");
	automatic("other");
	os_fake_clock(START + 7 * DAY);
	set_mode("fail");
	local_tick(kms);
	/* One that fails keeps no other from its turn. */
	ck_assert_uint_eq(runs(), 2);
	check_member("db", F_AutomaticRotation, "Invalid");
	set_mode("work");
	os_fake_clock(START + 7 * DAY + 3599);
	local_tick(kms);
	ck_assert_uint_eq(runs(), 2);
	os_fake_clock(START + 7 * DAY + 3600);
	local_tick(kms);
	ck_assert_uint_eq(runs(), 4);
	check_member("db", F_AutomaticRotation, "Enabled");
	check_version("db", "ACSPrevious", "v1");
}
END_TEST

START_TEST(what_cannot_begin_is_not_begun_at_every_tick)
{
	new_secret("db", "Rds", "{}");
	automatic("db");
	os_fake_clock(START + 7 * DAY);
	local_tick(kms);
	check_member("db", F_AutomaticRotation, "Invalid");
	check_member("db", F_UpdateTime, "2023-11-21T22:13:20Z");
	os_fake_clock(START + 7 * DAY + 60);
	local_tick(kms);
	check_member("db", F_UpdateTime, "2023-11-21T22:13:20Z");
	ck_assert_uint_eq(runs(), 0);
}
END_TEST

START_TEST(a_secret_that_is_to_be_deleted_does_not_rotate)
{
	new_secret("db", "Rds", "old");
	automatic("db");
	request("db");
	expect(ACTION_DeleteSecret, E_None);
	rotate("db", "v2", E_ResourceInDeleteWindow);
	os_fake_clock(START + 8 * DAY);
	local_tick(kms);
	ck_assert_uint_eq(runs(), 0);
}
END_TEST

START_TEST(rotations_that_wait_keep_no_secret_from_its_deletion)
{
	char name[16];

	for (int i = 0; i < 150; i++) {
		(void)snprintf(name, sizeof(name), "db%d", i);
		new_secret(name, "Rds", "old");
		automatic(name);
	}
	new_secret("last", "Generic", "x");
	request("last");
	CHECK_RC(fields_put_number(&req, F_RecoveryWindowInDays, 7), KMS_OK);
	expect(ACTION_DeleteSecret, E_None);
	os_fake_clock(START + 8 * DAY);
	request("last");
	expect(ACTION_DescribeSecret, E_ResourceNotFound);
}
END_TEST

/* -- how often -- */

static void
setup_quick(void)
{
	setup_rotation();
	backend_close(kms);
	conf.rotate_program = "/usr/bin/true";
	kms = open_local();
	CHECK_RC(login(kms, ROLE_USER, PIN), KMS_OK);
	local_run_programs(kms);
}

START_TEST(an_account_rotates_fifty_times_an_hour)
{
	char version[16] = "";

	new_secret("one", "Rds", "old");
	new_secret("two", "Rds", "old");
	for (int i = 0; i < 50; i++) {
		(void)snprintf(version, sizeof(version), "r%d", i);
		rotate(i % 2 == 0 ? "one" : "two", version, E_None);
	}
	rotate("one", "more", E_Throttling);
	rotate("two", "more", E_Throttling);
	/* What was done already is nothing to do. */
	rotate("two", version, E_None);
	os_fake_clock(START + 3599);
	rotate("one", "more", E_Throttling);
	check_version("one", "ACSCurrent", "r48");
	os_fake_clock(START + 3600);
	rotate("one", "more", E_None);
	check_version("one", "ACSCurrent", "more");
}
END_TEST

/* -- killed -- */

static void
must(bool good)
{
	if (!good)
		_exit(3);
}

/* In a child: the KMS opened anew. */
static void
reopen(void)
{
	secret_after_fork();
	crypto_after_fork();
	kms = NULL;
	must(local_open(&conf, NULL, &kms) == KMS_OK);
	must(login(kms, ROLE_USER, PIN) == KMS_OK);
	local_run_programs(kms);
}

static void
rotate_in_child(void)
{
	reopen();
	request("db");
	with(F_VersionId, "v2");
	(void)ask(ACTION_RotateSecret);
	_exit(0);
}

/* Ten seconds at most. */
static pid_t
wait_for_pid(void)
{
	struct timespec t = { .tv_nsec = 5000000 };
	pid_t pid = 0;

	for (int i = 0; i < 2000 && pid == 0; i++) {
		pid = (pid_t)strtol(in_file("pid"), NULL, 10);
		(void)nanosleep(&t, NULL);
	}
	ck_assert_int_gt(pid, 1);
	return pid;
}

/* A process that rotates db is killed while its program is at work, which outlives it. */
static pid_t
kill_in_rotation(void)
{
	pid_t pid, orphan;

	(void)os_fork_generation();
	ck_assert_int_ge(pid = fork(), 0);
	if (pid == 0) {
		rotate_in_child();
	}
	orphan = wait_for_pid();
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	return orphan;
}

START_TEST(a_rotation_that_was_killed_is_finished_with_the_same_value)
{
	static const char *const modes[] = { "hang", "late" };
	char pending[1024];
	pid_t orphan;

	new_secret("db", "Rds", "old");
	set_mode(modes[_i]);
	orphan = kill_in_rotation();
	ck_assert_int_eq(kill(-orphan, SIGKILL), 0);
	check_at("db", "ACSCurrent", "old");
	(void)snprintf(pending, sizeof(pending), "%s", value_at("db", "ACSPending"));
	ck_assert_uint_eq(strlen(pending), 32);
	set_mode("work");
	/* As soon as nobody can be at it any more, whether or not that is known before. */
	os_fake_clock(START + 60);
	if (_i == 0)
		rotate("db", "v2", E_None);
	else
		local_tick(kms);
	check_at("db", "ACSCurrent", pending);
	check_at("db", "ACSPrevious", "old");
	check_at("db", "ACSPending", "");
	check_agree("db");
	ck_assert_uint_eq(runs(), 2);
}
END_TEST

START_TEST(while_one_process_rotates_a_secret_no_other_does)
{
	pid_t pid, running;

	new_secret("db", "Rds", "old");
	set_mode("hang");
	(void)os_fork_generation();
	ck_assert_int_ge(pid = fork(), 0);
	if (pid == 0) {
		rotate_in_child();
	}
	running = wait_for_pid();
	rotate("db", "v2", E_Throttling);
	rotate("db", "v3", E_Throttling);
	request("db");
	with(F_VersionStage, "ACSPending");
	with(F_RemoveFromVersion, "v2");
	expect(ACTION_UpdateSecretVersionStage, E_Throttling);
	ck_assert_uint_eq(runs(), 1);
	ck_assert_int_eq(kill(-running, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	set_mode("work");
	rotate("db", "v2", E_None);
	check_agree("db");
}
END_TEST

#define KILLS	40
#define RUN_MAX 150 /* ms until the kill; a child needs some 10 to start */

/* What the child told before it died: the last value that was put, and the last rotation. */
struct told {
	uint32_t put_begun, put_done, rotated_begun, rotated_done;
};

static void
tell(int fd, const struct told *t)
{
	must(write(fd, t, sizeof(*t)) == sizeof(*t));
}

static void
put_one(struct told *t, int fd)
{
	char text[16];

	t->put_begun++;
	tell(fd, t);
	(void)snprintf(text, sizeof(text), "%u", t->put_begun);
	request("app");
	with(F_VersionId, text);
	with(F_SecretData, text);
	must(ask(ACTION_PutSecretValue) == E_None);
	t->put_done = t->put_begun;
	tell(fd, t);
}

static void
rotate_one(struct told *t, int fd)
{
	char text[16];

	t->rotated_begun++;
	tell(fd, t);
	(void)snprintf(text, sizeof(text), "r%u", t->rotated_begun);
	request("db");
	with(F_VersionId, text);
	must(ask(ACTION_RotateSecret) == E_None);
	t->rotated_done = t->rotated_begun;
	tell(fd, t);
}

static void
child(int fd, struct told t)
{
	reopen();
	for (;;) {
		for (int i = 0; i < 5; i++)
			put_one(&t, fd);
		rotate_one(&t, fd);
	}
}

/* Each begins an hour after the one before, so that none has rotated too often. */
static struct told
one_life(struct told t, unsigned ms)
{
	static int64_t begin = START;
	struct timespec wait = { .tv_nsec = (long)ms * 1000000 };
	struct told heard;
	int fd[2], status;
	pid_t pid;

	os_fake_clock(begin += 3600);
	ck_assert_int_eq(pipe2(fd, O_CLOEXEC), 0);
	ck_assert_int_ge(pid = fork(), 0);
	if (pid == 0) {
		close(fd[0]);
		child(fd[1], t);
	}
	close(fd[1]);
	(void)nanosleep(&wait, NULL);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	while (read(fd[0], &heard, sizeof(heard)) == sizeof(heard))
		t = heard;
	close(fd[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status), "the child ended by itself: %d", WEXITSTATUS(status));
	return t;
}

/* The number in what was put last, which was acknowledged, or was being put. */
static uint32_t
check_put(const struct told *t)
{
	uint32_t n = (uint32_t)strtoul(value_at("app", "ACSCurrent"), NULL, 10);

	ck_assert_msg(n == t->put_done || n == t->put_begun, "%u, acknowledged %u", n, t->put_done);
	return n;
}

static uint32_t
check_rotated(const struct told *t)
{
	char version[32];
	uint32_t n;

	(void)value_at("db", "ACSCurrent");
	(void)snprintf(version, sizeof(version), "%.*s", (int)fields_get(&res, F_VersionId).len,
	    (const char *)fields_get(&res, F_VersionId).p);
	n = (uint32_t)strtoul(version + 1, NULL, 10);
	ck_assert_msg(n == t->rotated_done || n == t->rotated_begun, "%s, acknowledged r%u",
	    version, t->rotated_done);
	return n;
}

/* Finishes what is pending, and then secret and database agree. */
static void
check_whole(struct told *t)
{
	t->put_begun = t->put_done = check_put(t);
	(void)check_rotated(t);
	/* Beyond the time that the dead one had, where its death is not known. */
	os_fake_clock((int64_t)time(NULL) + 3600);
	local_tick(kms);
	os_fake_clock(-1);
	check_at("db", "ACSPending", "");
	t->rotated_begun = t->rotated_done = check_rotated(t);
	check_agree("db");
}

START_TEST(what_was_acknowledged_survives_kill_9_and_secret_and_database_agree)
{
	unsigned seed = (unsigned)time(NULL);
	struct told t = { 0 };

	os_fake_clock(-1);
	(void)os_fork_generation();
	new_secret("app", "Generic", "0");
	request("db");
	with(F_SecretType, "Rds");
	with(F_VersionId, "r0");
	with(F_SecretData, "old");
	expect(ACTION_CreateSecret, E_None);
	rotate("db", "r1", E_None);
	t.rotated_begun = t.rotated_done = 1;
	for (int i = 0; i < KILLS; i++) {
		seed = seed * 1103515245u + 12345u;
		t = one_life(t, 10 + (seed >> 16) % RUN_MAX);
		check_whole(&t);
	}
	ck_assert_uint_gt(t.put_done, KILLS);
	printf("# %u values put, %u rotations, %d kills\n", t.put_done, t.rotated_done, KILLS);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		rotating_changes_the_password_in_the_database_and_in_the_secret,
		rotating_to_a_version_that_is_there_does_nothing,
		generic_secrets_rotate_where_there_is_a_program,
		a_program_that_fails_changes_nothing_and_says_why,
		a_program_that_took_too_long_is_run_again_with_the_same_value,
		what_was_cut_off_is_finished_before_another_version_comes,
		a_rotation_that_was_cut_off_can_be_given_up,
		a_value_without_a_password_is_not_rotated,
		a_secret_whose_key_is_disabled_is_not_rotated,
		where_no_program_may_run_nothing_rotates,
		a_pending_version_keeps_its_stage_until_the_program_has_ended,
		a_secret_rotates_when_it_is_due,
		a_rotation_that_fails_is_told_and_tried_again_an_hour_later,
		what_cannot_begin_is_not_begun_at_every_tick,
		a_secret_that_is_to_be_deleted_does_not_rotate,
		rotations_that_wait_keep_no_secret_from_its_deletion,
		while_one_process_rotates_a_secret_no_other_does,
		what_was_acknowledged_survives_kill_9_and_secret_and_database_agree,
	};
	Suite *s = suite_create("rotation");
	TCase *t = tcase_create("rotation"), *q = tcase_create("quick");

	tcase_add_checked_fixture(t, setup_rotation, teardown_rotation);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, a_rotation_that_was_killed_is_finished_with_the_same_value, 0, 2);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(q, setup_quick, teardown_rotation);
	tcase_set_timeout(q, 120);
	tcase_add_test(q, an_account_rotates_fifty_times_an_hour);
	suite_add_tcase(s, q);
	return unit_main(s);
}
