/* SPDX-License-Identifier: Apache-2.0 */
/* Records found again: in order, by what is asked for, while they are written, for other programs.
 */
#define _GNU_SOURCE 1
#include <jansson.h>

#include "tests/unit/audit_fixture.h"

/* The request ids that a reader gives, with a blank between; "" when there is nothing new. */
static const char *
next_ids(struct audit_reader *r)
{
	static char text[4000];
	struct audit_row row;
	struct err err = { 0 };
	size_t at = 0;
	enum kms_rc rc;

	text[0] = '\0';
	while ((rc = audit_reader_next(r, &row, &err)) == KMS_OK)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", at == 0 ? "" : " ",
		    row.request_id);
	CHECK_RC(rc, KMS_NOTFOUND);
	return text;
}

static const char *
ids(const char *dir, const struct audit_filter *f)
{
	struct audit_reader *r = NULL;
	struct err err = { 0 };
	const char *s;

	CHECK_RC(audit_reader_open(dir, f, &r, &err), KMS_OK);
	s = next_ids(r);
	audit_reader_close(r);
	return s;
}

static void
write_at(struct audit *a, int64_t seconds, const char *id)
{
	struct audit_event e = audit_sign_event();

	os_fake_clock(seconds);
	e.request_id = id;
	CHECK_RC(audit_write(a, &e, NULL), KMS_OK);
}

START_TEST(records_of_all_writers_come_in_the_order_of_their_time)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit *a, *b;

	os_fake_clock(NOON);
	a = open_log(&conf);
	b = open_log(&conf);
	write_at(a, NOON + 1, "1");
	write_at(b, NOON + 2, "2");
	write_at(b, NOON + 3, "3");
	write_at(a, NOON + 4, "4");
	write_at(a, NOON + 5, "5");
	write_at(b, NOON + 86400, "6"); /* in the next day's file */
	write_at(a, NOON + 86401, "7");
	close_log(a);
	close_log(b);
	ck_assert_str_eq(ids(dir, NULL), "1 2 3 4 5 6 7");
	free(dir);
}
END_TEST

START_TEST(a_clock_that_was_put_back_does_not_change_a_writers_order)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit *a;

	os_fake_clock(NOON);
	a = open_log(&conf);
	write_at(a, NOON + 100, "1");
	write_at(a, NOON + 50, "2");
	write_at(a, NOON + 101, "3");
	close_log(a);
	ck_assert_str_eq(ids(dir, NULL), "1 2 3");
	free(dir);
}
END_TEST

START_TEST(a_filter_gives_what_was_asked_for)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit *a;
	struct audit_event e = audit_sign_event();
	struct audit_param params[] = { { "KeyId", BYTES("alias/db") } },
			   refs[] = { { "ACS::KMS::Key", BYTES("key-7") } };
	struct caller bob = audit_alice;

	os_fake_clock(NOON);
	a = open_log(&conf);
	write_at(a, NOON, "plain");
	write_at(a, NOON + 10, "later");
	e.request_id = "decrypt";
	e.action = "Decrypt";
	CHECK_RC(audit_write(a, &e, NULL), KMS_OK);
	e = audit_sign_event();
	e.request_id = "failed";
	e.error_code = "Forbidden.NoPermission";
	CHECK_RC(audit_write(a, &e, NULL), KMS_OK);
	e = audit_sign_event();
	e.request_id = "bob";
	bob.name = "bob";
	bob.principal_id = "99";
	bob.access_key_id = "LTAIbob";
	e.caller = &bob;
	CHECK_RC(audit_write(a, &e, NULL), KMS_OK);
	e = audit_sign_event();
	e.request_id = "other";
	e.resource_name = "key-2";
	e.key_version = "version-2";
	e.params = params;
	e.n_params = 1;
	e.refs = refs;
	e.n_refs = 1;
	CHECK_RC(audit_write(a, &e, NULL), KMS_OK);
	close_log(a);

#define IDS(...) ids(dir, &(struct audit_filter){ __VA_ARGS__ })
	ck_assert_str_eq(IDS(.since = 0), "plain later decrypt failed bob other");
	ck_assert_str_eq(IDS(.since = NOON + 1), "later decrypt failed bob other");
	ck_assert_str_eq(IDS(.since = NOON + 10), "later decrypt failed bob other");
	ck_assert_str_eq(IDS(.until = NOON + 9), "plain");
	ck_assert_str_eq(IDS(.since = NOON, .until = NOON), "plain");
	ck_assert_str_eq(IDS(.since = NOON + 11), "");
	ck_assert_str_eq(IDS(.action = "Decrypt"), "decrypt");
	ck_assert_str_eq(IDS(.errors_only = true), "failed");
	ck_assert_str_eq(IDS(.principal = "bob"), "bob");
	ck_assert_str_eq(IDS(.principal = "99"), "bob");
	ck_assert_str_eq(IDS(.principal = "LTAIbob"), "bob");
	ck_assert_str_eq(IDS(.request_id = "later"), "later");
	ck_assert_str_eq(IDS(.key = "key-2"), "other");
	ck_assert_str_eq(IDS(.key = "version-2"), "other");
	ck_assert_str_eq(IDS(.key = "alias/db"), "other");
	ck_assert_str_eq(IDS(.key = "key-7"), "other");
	ck_assert_str_eq(IDS(.key = "key-1", .action = "AsymmetricSign", .principal = "alice"),
	    "plain later failed");
	ck_assert_str_eq(IDS(.key = "key-9"), "");
	free(dir);
}
END_TEST

START_TEST(a_row_tells_all_that_the_record_has)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit_reader *r = NULL;
	struct audit_row row;
	struct err err = { 0 };

	os_fake_clock(NOON);
	run_log(&conf, "id", 1);
	CHECK_RC(audit_reader_open(dir, NULL, &r, &err), KMS_OK);
	CHECK_RC(audit_reader_next(r, &row, &err), KMS_OK);
	ck_assert_str_eq(row.file, "0001-000001.log");
	ck_assert_uint_eq(row.line, 2);
	ck_assert_uint_eq(row.seq, 2);
	ck_assert_uint_eq(row.count, 1);
	ck_assert_uint_eq(strlen(row.writer), 17);
	ck_assert_str_eq(row.time, "2026-03-01T12:00:00Z");
	ck_assert_str_eq(row.action, "AsymmetricSign");
	ck_assert_str_eq(row.rw, "Write");
	ck_assert_str_eq(row.request_id, "id0");
	ck_assert_str_eq(row.identity, "ram-user");
	ck_assert_str_eq(row.account, "1234567890123456");
	ck_assert_str_eq(row.user, "alice");
	ck_assert_str_eq(row.access_key_id, "LTAI5tExample");
	ck_assert_str_eq(row.source_ip, "10.0.0.1");
	ck_assert_str_eq(row.user_agent, "unit/1");
	ck_assert_str_eq(row.program, "unit");
	ck_assert_str_eq(row.resource_name, "key-1");
	ck_assert_str_eq(row.key_version, "version-1");
	ck_assert_str_eq(row.error_code, "");
	CHECK_RC(audit_reader_next(r, &row, &err), KMS_NOTFOUND);
	audit_reader_close(r);
	free(dir);
}
END_TEST

START_TEST(a_reader_follows_a_log_that_grows)
{
	char *dir = temp_dir(), *path;
	struct audit_conf conf = audit_conf_in(dir);
	struct audit_reader *r = NULL;
	struct err err = { 0 };
	struct audit *a, *b;
	auto_buf all = { 0 };
	struct slice last;
	int fd;

	CHECK_RC(audit_reader_open(dir, NULL, &r, &err), KMS_OK);
	ck_assert_str_eq(next_ids(r), "");
	os_fake_clock(NOON);
	a = open_log(&conf);
	record(a, "a", 2);
	ck_assert_str_eq(next_ids(r), "a0 a1");
	ck_assert_str_eq(next_ids(r), "");
	b = open_log(&conf); /* a further lane */
	record(b, "b", 1);
	record(a, "c", 1);
	ck_assert_str_eq(next_ids(r), "c0 b0");
	os_fake_clock(NOON + 86400); /* a further file, while the reader waits in the first */
	record(a, "d", 2);
	ck_assert_str_eq(next_ids(r), "d0 d1");
	os_fake_clock(NOON + 2 * 86400);
	record(a, "e", 1);
	os_fake_clock(NOON + 3 * 86400); /* two files at once */
	record(a, "f", 1);
	ck_assert_str_eq(next_ids(r), "e0 f0");
	close_log(b);
	close_log(a);

	/* A line that is there in part only is waited for. */
	run_log(&conf, "g", 1);
	all = load(dir, "0001-000004.log");
	last = line_of(buf_slice(&all), count_lines(buf_slice(&all)) - 1); /* the record */
	path = log_path(dir, "0001-000004.log");
	ck_assert_int_eq(truncate(path, last.p + 100 - all.p), 0);
	ck_assert_str_eq(next_ids(r), "");
	ck_assert_int_ge(fd = open(path, O_WRONLY | O_APPEND), 0);
	ck_assert_int_eq(write(fd, last.p + 100, last.len - 100), (ssize_t)last.len - 100);
	close(fd);
	ck_assert_str_eq(next_ids(r), "g0");
	audit_reader_close(r);
	free(path);
	free(dir);
}
END_TEST

START_TEST(lines_that_are_no_records_are_passed_over)
{
	static const char *const junk[] = { "\n", "nonsense\n", "{}\n", "{\"eventId\":\"\n",
		"{\"eventId\":\"x\",\"writer\":\"w\",\"seq\":1,\"prev\":\"\",\"hash\":\"\"}\n" };
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	auto_buf all = { 0 }, out = { 0 };

	run_log(&conf, "a", 3);
	all = load(dir, "0001-000001.log");
	for (unsigned i = 1; i <= count_lines(buf_slice(&all)); i++) {
		CHECK_RC(buf_add(&out, slice_str(junk[i % ARRAY_LEN(junk)])), KMS_OK);
		CHECK_RC(buf_add(&out, line_of(buf_slice(&all), i)), KMS_OK);
	}
	for (unsigned i = 0; i < 20000; i++)
		CHECK_RC(buf_add_byte(&out, 'x'), KMS_OK);
	CHECK_RC(buf_add_byte(&out, '\n'), KMS_OK);
	store(dir, "0001-000001.log", buf_slice(&out));
	ck_assert_str_eq(ids(dir, NULL), "a0 a1 a2");
	free(dir);
}
END_TEST

START_TEST(exported_json_lines_are_the_lines_of_the_log)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit_reader *r = NULL;
	struct audit_row row;
	struct err err = { 0 };
	auto_buf all = { 0 }, out = { 0 };

	run_log(&conf, "a", 2);
	all = load(dir, "0001-000001.log");
	ck_assert_str_eq(audit_export_head(AUDIT_JSON_LINES), "");
	CHECK_RC(audit_reader_open(dir, NULL, &r, &err), KMS_OK);
	while (audit_reader_next(r, &row, &err) == KMS_OK)
		CHECK_RC(audit_export_row(AUDIT_JSON_LINES, &row, &out), KMS_OK);
	CHECK_BYTES(buf_slice(&out),
	    slice_of(line_of(buf_slice(&all), 2).p,
		line_of(buf_slice(&all), 2).len + line_of(buf_slice(&all), 3).len));
	audit_reader_close(r);
	free(dir);
}
END_TEST

START_TEST(exported_tables_quote_what_would_break_them)
{
	struct audit_row row = { .file = "f", .writer = "w", .event_id = "e", .time = "t" };
	const char **fields[] = { &row.action, &row.rw, &row.request_id, &row.source, &row.region,
		&row.source_ip, &row.user_agent, &row.error_code, &row.error_message,
		&row.resource_type, &row.resource_name, &row.key_version, &row.identity,
		&row.account, &row.principal_id, &row.user, &row.access_key_id, &row.program,
		&row.first_time, &row.last_time };
	unsigned commas = 0;
	auto_buf out = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		*fields[i] = "";
	row.action = "Encrypt";
	row.user = "a,b";
	row.user_agent = "say \"hi\"";
	row.program = "=cmd()";
	row.error_message = "two\nlines";
	row.seq = 12;
	row.count = 3;
	CHECK_RC(audit_export_row(AUDIT_CSV, &row, &out), KMS_OK);
	CHECK_BYTES(buf_slice(&out),
	    BYTES(
		"t,Encrypt,,,,,\"a,b\",,,\"say \"\"hi\"\"\",\"'=cmd()\",,,,,\"two\nlines\",,,,,,e,w,12,3\r\n"));
	for (const char *p = audit_export_head(AUDIT_CSV); *p != '\0'; p++)
		commas += *p == ',';
	ck_assert_uint_eq(commas, 24);
}
END_TEST

START_TEST(who_only_reads_may_read_what_is_anothers)
{
	char *dir = temp_dir(), *path = log_path(dir, "0001-000001.log");
	struct audit_conf conf = audit_conf_in(dir);

	run_log(&conf, "a", 2);
	ck_assert_int_eq(chmod(path, 0664), 0);
	ck_assert_int_eq(chmod(dir, 0775), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(chown(path, 12345, 12345) + chown(dir, 12345, 12345), 0);
	ck_assert_str_eq(ids(dir, NULL), "a0 a1");
	CHECK_CLEAN(verify_with(dir, WITH_BOTH));
	free(path);
	free(dir);
}
END_TEST

START_TEST(a_pipe_in_the_place_of_a_file_is_not_waited_for)
{
	char *dir = temp_dir(), *path = log_path(dir, "0001-000001.log");
	struct audit_conf conf = audit_conf_in(dir);
	struct audit_reader *r = NULL;
	struct audit_row row;
	struct err err = { 0 };

	run_log(&conf, "a", 2);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	CHECK_RC(verify_with(dir, WITH_BOTH).rc, KMS_IO);
	CHECK_RC(audit_reader_open(dir, NULL, &r, &err), KMS_OK);
	CHECK_RC(audit_reader_next(r, &row, &err), KMS_IO);
	audit_reader_close(r);
	free(path);
	free(dir);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_error)
{
	struct audit_reader *r = NULL;
	struct err err = { 0 };

	CHECK_RC(audit_reader_open("/nowhere/at/all", NULL, &r, &err), KMS_NOTFOUND);
	ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/at/all"));
	CHECK_RC(verify_with("/nowhere/at/all", WITH_NOTHING).rc, KMS_NOTFOUND);
}
END_TEST

int
main(void)
{
	return unit_main(AUDIT_SUITE("audit-read",
	    records_of_all_writers_come_in_the_order_of_their_time,
	    a_clock_that_was_put_back_does_not_change_a_writers_order,
	    a_filter_gives_what_was_asked_for, a_row_tells_all_that_the_record_has,
	    a_reader_follows_a_log_that_grows, lines_that_are_no_records_are_passed_over,
	    exported_json_lines_are_the_lines_of_the_log,
	    exported_tables_quote_what_would_break_them, who_only_reads_may_read_what_is_anothers,
	    a_pipe_in_the_place_of_a_file_is_not_waited_for,
	    a_folder_that_is_not_there_is_an_error));
}
