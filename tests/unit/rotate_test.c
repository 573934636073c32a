/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's program for one rotation, and the value that it is given. */
#define _GNU_SOURCE 1
#include "kms/rotate.h"

#include "base/os.h"
#include "kms/secret_next.h"
#include "tests/unit/unit.h"

static char *dir, *program;
static struct rotator rotator;
static struct err why;

static void
setup(void)
{
	dir = temp_dir();
	program = os_path_join(dir, "program");
	rotator = (struct rotator){ .program = program, .timeout_ms = 20000, .runs = true };
	err_clear(&why);
}

static void
teardown(void)
{
	free(dir);
	free(program);
}

/* Runs SCRIPT, which finds the folder in $D, as the program. */
static enum rotation_end
run(const char *script, const char *value)
{
	struct rotation what = { .name = BYTES("db/tde"),
		.type = BYTES("Rds"),
		.version = BYTES("v2"),
		.config = BYTES("{\"a\":\"b c\"}"),
		.value = slice_str(value) };
	char *text = NULL;

	ck_assert_int_gt(asprintf(&text, "#!/bin/sh\nD=%s\n%s\n", dir, script), 0);
	write_file(program, text, 0700);
	free(text);
	err_clear(&why);
	return rotator_run(&rotator, &what, &why);
}

START_TEST(the_program_gets_what_it_needs_to_know)
{
	char *path = os_path_join(dir, "out"), *text;

	ck_assert_int_eq(run("printf '%s|' \"$#\" \"$@\" >$D/out; cat >>$D/out", "new value"),
	    ROTATION_DONE);
	text = read_file(path);
	ck_assert_str_eq(text, "4|db/tde|Rds|v2|{\"a\":\"b c\"}|new value");
	free(text);
	free(path);
}
END_TEST

START_TEST(the_programs_end_says_what_happened)
{
	ck_assert_int_eq(run("exit 0", "x"), ROTATION_DONE);
	ck_assert_int_eq(run("echo no such user >&2; exit 3", "x"), ROTATION_REFUSED);
	ck_assert_str_eq(why.text, "rotate-program failed with status 3: no such user");
	ck_assert_int_eq(run("exit 1", "x"), ROTATION_REFUSED);
	ck_assert_str_eq(why.text, "rotate-program failed with status 1: it said nothing");
	ck_assert_int_eq(run("kill -9 $$", "x"), ROTATION_CUT_OFF);
	ck_assert_str_eq(why.text, "rotate-program was killed by signal 9: it said nothing");
	rotator.timeout_ms = 200;
	ck_assert_int_eq(run("echo waiting >&2; sleep 1000", "x"), ROTATION_CUT_OFF);
	ck_assert_str_eq(why.text, "rotate-program took longer than 200 ms: waiting");
}
END_TEST

START_TEST(a_program_that_cannot_be_trusted_is_not_run)
{
	char *ran = os_path_join(dir, "ran");

	ck_assert_int_eq(run("exit 0", "x"), ROTATION_DONE);
	ck_assert_int_eq(chmod(program, 0777), 0);
	rotator.program = program;
	{
		struct rotation what = { .value = BYTES("x") };

		ck_assert_int_eq(rotator_run(&rotator, &what, &why), ROTATION_REFUSED);
	}
	ck_assert_ptr_nonnull(strstr(why.text, "can be written by others"));
	rotator.program = ran;
	ck_assert_int_eq(run("exit 0", "x"), ROTATION_REFUSED);
	ck_assert_ptr_nonnull(strstr(why.text, "No such file"));
	free(ran);
}
END_TEST

START_TEST(a_program_that_tells_the_password_is_not_quoted)
{
	static const char *const values[] = { "correct horse", "short",
		"{\"AccountName\":\"u\",\"AccountPassword\":\"correct horse\"}" };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		ck_assert_int_eq(run("cat >&2; exit 1", values[i]), ROTATION_REFUSED);
		ck_assert_msg(strstr(why.text, "is not repeated") != NULL, "%s", why.text);
		ck_assert_ptr_null(strstr(why.text, "horse"));
	}
	/* A part of it is too much, where the line was cut. */
	ck_assert_int_eq(run("echo 'ALTER USER u PASSWORD correct hor' >&2; exit 1", values[0]),
	    ROTATION_REFUSED);
	ck_assert_ptr_null(strstr(why.text, "ALTER"));
	ck_assert_int_eq(run("echo 'AccountName u is not known' >&2; exit 1", values[2]),
	    ROTATION_REFUSED);
	ck_assert_ptr_nonnull(strstr(why.text, "is not known"));
}
END_TEST

/* -- the next value -- */

static const struct {
	const char *value, *password; /* NULL: there is none */
} values[] = {
	{ "plain", "plain" },
	{ "{\"AccountName\":\"u\",\"AccountPassword\":\"p\"}", "p" },
	{ " { \"Password\" : \"p\" , \"x\" : [ 1, {\"}\":\"]\"} ], \"y\":\"\\\"}\" } ", "p" },
	{ "{\"password\":\"lower\",\"Password\":\"upper\"}", "upper" },
	{ "{\"password\":\"\"}", "" },
	{ "{\"password\":\"a\\\"b\"}", "a\\\"b" },
	{ "{\"x\":{\"password\":\"inner\"},\"password\":\"outer\"}", "outer" },
	{ "{\"x\":{\"password\":\"inner\"}}", NULL },
	{ "{\"password\":7}", NULL },
	{ "{\"user\":\"u\"}", NULL },
	{ "{}", NULL },
	{ "{", NULL },
	{ "{\"password", NULL },
	{ "{\"password\":\"x", NULL },
	{ "{\"password\":\"x\\", NULL },
	{ "{\"password\":\"x\"", NULL },
	{ "{\"password\":\"x\" \"y\"}", NULL },
	{ "{\"a\":[,\"password\":\"x\"}", NULL },
	{ "[\"password\"]", NULL },
};

START_TEST(the_password_in_a_value_is_found)
{
	struct slice value = guarded(slice_str(values[_i].value)), password;

	if (values[_i].password == NULL) {
		CHECK_RC(secret_password(value, &password), KMS_NOTSUP);
		return;
	}
	CHECK_RC(secret_password(value, &password), KMS_OK);
	CHECK_BYTES(password, slice_str(values[_i].password));
}
END_TEST

START_TEST(the_next_value_is_the_same_with_another_password)
{
	static const char head[] = "{\"AccountName\":\"u\",\"AccountPassword\":\"",
			  tail[] = "\", \"n\":[1]}";
	auto_secret plain = { 0 }, next = { 0 }, third = { 0 };
	auto_buf value = { 0 };

	CHECK_RC(secret_next(BYTES("old"), &plain), KMS_OK);
	ck_assert_uint_eq(plain.len, 32);
	CHECK_RC(buf_add(&value, slice_str(head)), KMS_OK);
	CHECK_RC(buf_add(&value, BYTES("old")), KMS_OK);
	CHECK_RC(buf_add(&value, slice_str(tail)), KMS_OK);
	CHECK_RC(secret_next(buf_slice(&value), &next), KMS_OK);
	ck_assert_uint_eq(next.len, strlen(head) + 32 + strlen(tail));
	ck_assert_mem_eq(next.p, head, strlen(head));
	ck_assert_mem_eq(next.p + strlen(head) + 32, tail, strlen(tail));
	for (size_t i = 0; i < 32; i++)
		ck_assert_ptr_null(strchr("\"'\\$`@/:;<>&|", next.p[strlen(head) + i]));
	CHECK_RC(secret_next(secret_slice(&next), &third), KMS_OK);
	ck_assert_uint_eq(third.len, next.len);
	ck_assert(!mem_equal_ct(secret_slice(&third), secret_slice(&next)));
	secret_free(&third);
	CHECK_RC(secret_next(BYTES("{}"), &third), KMS_NOTSUP);
	ck_assert_ptr_null(third.p);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { the_program_gets_what_it_needs_to_know,
		the_programs_end_says_what_happened, a_program_that_cannot_be_trusted_is_not_run,
		a_program_that_tells_the_password_is_not_quoted,
		the_next_value_is_the_same_with_another_password };
	Suite *s = suite_create("rotate");
	TCase *t = tcase_create("rotate");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, the_password_in_a_value_is_found, 0, (int)ARRAY_LEN(values));
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
