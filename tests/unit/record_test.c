/* SPDX-License-Identifier: Apache-2.0 */
/* Actions of the KMS on the audit log: who, about what, how it ended, and nothing that is secret.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <fcntl.h>

#include "audit/read.h"
#include "base/log.h"
#include "tests/unit/local_fixture.h"

static struct backend *b;
static struct fields req, res;

static void
setup_log(void)
{
	setup();
	conf.audit = CONF_AUDIT_WRITTEN;
	b = new_token_with_user();
}

static void
teardown_log(void)
{
	fields_free(&req);
	fields_free(&res);
	backend_close(b);
	os_fake_clock(-1);
	teardown();
}

static void
text(enum field name, const char *value)
{
	CHECK_RC(fields_put_text(&req, name, value), KMS_OK);
}

static enum kms_rc
act(enum action a, const struct caller *who)
{
	struct call c = { .who = who };
	enum kms_rc rc = backend_act(b, &c, a, &req, &res);

	fields_free(&req);
	return rc;
}

/* The id of a new key. */
static void
make_key(char id[64])
{
	struct slice s;

	CHECK_RC(act(ACTION_CreateKey, NULL), KMS_OK);
	s = fields_get(fields_group(&res, F_KeyMetadata), F_KeyId);
	(void)snprintf(id, 64, "%.*s", (int)s.len, (const char *)s.p);
}

/* The one record of ACTION; its strings live until the next call. */
static const struct audit_row *
record_of(const char *action)
{
	static struct audit_reader *r;
	static struct audit_row row;
	struct audit_filter f = { .action = action };
	struct audit_place place;
	struct call c = { 0 };
	struct err err = { "" };
	enum kms_rc rc;

	audit_reader_close(r);
	CHECK_RC(local_audit(b, &c, &place), KMS_OK);
	CHECK_RC(audit_reader_open(place.dir, &f, &r, &err), KMS_OK);
	rc = audit_reader_next(r, &row, &err);
	ck_assert_msg(rc == KMS_OK, "no record of %s", action);
	return &row;
}

static bool
holds(const struct audit_row *row, const char *what)
{
	return memmem(row->text.p, row->text.len, what, strlen(what)) != NULL;
}

START_TEST(an_action_is_recorded_with_the_key_it_was_about)
{
	const struct audit_row *row;
	char id[64];

	make_key(id);
	row = record_of("CreateKey");
	ck_assert_str_eq(row->resource_name, id);
	ck_assert_str_eq(row->resource_type, "ACS::KMS::Key");
	ck_assert_str_eq(row->rw, "Write");
	ck_assert_str_eq(row->user, "root");
	ck_assert_str_eq(row->error_code, "");
	text(F_KeyId, id);
	CHECK_RC(act(ACTION_DisableKey, NULL), KMS_OK);
	ck_assert_str_eq(record_of("DisableKey")->resource_name, id);
}
END_TEST

START_TEST(a_failure_is_recorded_with_its_code)
{
	char id[64];

	make_key(id);
	text(F_KeyId, "00000000-0000-0000-0000-000000000000");
	ck_assert_int_ne(act(ACTION_EnableKey, NULL), KMS_OK);
	ck_assert_str_eq(record_of("EnableKey")->error_code, "Forbidden.KeyNotFound");
	ck_assert_int_ne(act(ACTION_DescribeKey, NULL), KMS_OK); /* of no key */
	ck_assert_str_ne(record_of("DescribeKey")->error_code, "");
}
END_TEST

START_TEST(who_may_not_is_recorded_by_name)
{
	struct caller mallory = { .kind = CALLER_USER,
		.account = "0000000000000001",
		.name = "mallory",
		.principal_id = "200000000000000001",
		.access_key_id = "LTAImallory",
		.source_ip = "192.0.2.7",
		.user_agent = "curl",
		.uid = (uid_t)-1 };
	const struct audit_row *row;
	char id[64];

	make_key(id);
	text(F_KeyId, id);
	ck_assert_int_ne(act(ACTION_DisableKey, &mallory), KMS_OK);
	row = record_of("DisableKey");
	ck_assert_str_eq(row->user, "mallory");
	ck_assert_str_eq(row->access_key_id, "LTAImallory");
	ck_assert_str_eq(row->source_ip, "192.0.2.7");
	ck_assert_str_ne(row->error_code, "");
	ck_assert_str_eq(row->resource_name, id);
}
END_TEST

START_TEST(what_is_encrypted_and_the_values_of_its_context_are_not_recorded)
{
	const struct audit_row *row;
	char id[64];

	make_key(id);
	text(F_KeyId, id);
	text(F_EncryptionContext, "{\"purpose\":\"payroll\"}");
	CHECK_RC(fields_put(&req, F_Plaintext, BYTES("tell nobody")), KMS_OK);
	CHECK_RC(act(ACTION_Encrypt, NULL), KMS_OK);
	row = record_of("Encrypt");
	ck_assert(holds(row, "\"EncryptionContext\":[\"purpose\"]"));
	ck_assert(!holds(row, "payroll"));
	ck_assert(!holds(row, "tell nobody"));
	ck_assert(!holds(row, "dGVsbCBub2JvZHk")); /* the same in base64 */
	ck_assert(!holds(row, "Ciphertext"));
	ck_assert_str_ne(row->key_version, "");
}
END_TEST

START_TEST(what_is_done_when_its_time_has_come_is_recorded_as_the_systems)
{
	const struct audit_row *row;
	char id[64];

	os_fake_clock(1772366400);
	make_key(id);
	text(F_KeyId, id);
	CHECK_RC(fields_put_number(&req, F_PendingWindowInDays, 7), KMS_OK);
	CHECK_RC(act(ACTION_ScheduleKeyDeletion, NULL), KMS_OK);
	os_fake_clock(1772366400 + 8 * 86400);
	local_tick(b);
	row = record_of("DeleteKey");
	ck_assert_str_eq(row->resource_name, id);
	ck_assert_str_eq(row->identity, "system");
}
END_TEST

START_TEST(a_dry_run_is_recorded_as_what_it_was)
{
	char id[64];

	make_key(id);
	text(F_KeyId, id);
	CHECK_RC(fields_put(&req, F_Plaintext, BYTES("hello")), KMS_OK);
	CHECK_RC(fields_put_bool(&req, F_DryRun, true), KMS_OK);
	ck_assert_int_ne(act(ACTION_Encrypt, NULL), KMS_OK);
	ck_assert_str_eq(record_of("Encrypt")->error_code, "DryRunOperationError");
}
END_TEST

/* The folder of the token's log; free it. */
static char *
log_dir(void)
{
	struct audit_place place;
	struct call c = { 0 };

	CHECK_RC(local_audit(b, &c, &place), KMS_OK);
	return strdup(place.dir);
}

static size_t
records_in(const char *folder, const char *action)
{
	struct audit_filter f = { .action = action };
	struct audit_reader *r;
	struct audit_row row;
	struct err err = { "" };
	size_t n = 0;

	CHECK_RC(audit_reader_open(folder, &f, &r, &err), KMS_OK);
	while (audit_reader_next(r, &row, &err) == KMS_OK)
		n++;
	audit_reader_close(r);
	return n;
}

START_TEST(a_token_that_replaces_another_is_recorded_in_both_logs)
{
	char *file = os_path_join(dir, "backup"), *first = log_dir(), *second;
	char *account = strdup(record_of("Login")->account);
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct call c = { 0 };

	CHECK_RC(local_backup(b, &c, BYTES("passphrase"), fd), KMS_OK);
	CHECK_RC(backend_init_token(b, &c, BYTES("second"), SO_PIN), KMS_OK);
	second = log_dir();
	ck_assert_str_ne(first, second);
	ck_assert_uint_eq(records_in(first, "InitToken"), 2);
	ck_assert_uint_eq(records_in(second, "InitToken"), 1);
	ck_assert_str_ne(record_of("InitToken")->account, account);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	CHECK_RC(local_restore(&conf, &c, BYTES("passphrase"), fd, true), KMS_OK);
	ck_assert_uint_eq(records_in(first, "RestoreToken"), 1);
	ck_assert_uint_eq(records_in(second, "RestoreToken"), 1);
	/* Over itself, it has one log. */
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	CHECK_RC(local_restore(&conf, &c, BYTES("passphrase"), fd, true), KMS_OK);
	ck_assert_uint_eq(records_in(first, "RestoreToken"), 2);
	ck_assert_uint_eq(records_in(second, "RestoreToken"), 1);
	ck_assert_int_eq(close(fd), 0);
	free(file);
	free(first);
	free(second);
	free(account);
}
END_TEST

static size_t
files_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

START_TEST(a_read_only_token_without_a_key_for_its_log_has_one_log_however_often_one_logs_in)
{
	struct backend *other = NULL;
	size_t n;

	backend_close(b);
	edit("DELETE FROM entity WHERE name = CAST('audit-key' AS BLOB)");
	conf.read_only = true;
	b = open_local();
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	n = files_open();
	for (int i = 0; i < 3; i++) {
		backend_logout(b);
		CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	}
	ck_assert_uint_eq(files_open(), n);
	/* Another process makes the key after all. */
	conf.read_only = false;
	other = open_local();
	CHECK_RC(login(other, ROLE_USER, PIN), KMS_OK);
	backend_close(other);
	backend_logout(b);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	ck_assert_uint_gt(files_open(), n);
}
END_TEST

static size_t
lines_with(const char *file, const char *what)
{
	char line[1024];
	FILE *f = fopen(file, "r");
	size_t n = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, what) != NULL;
	ck_assert_int_eq(fclose(f), 0);
	return n;
}

START_TEST(that_there_can_be_no_record_is_said_once_until_there_is_one_again)
{
	char *file = os_path_join(dir, "log"), *wrong = os_path_join(path, "audit");
	auto_object o = { 0 };
	struct backend_key *k;

	backend_close(b);
	CHECK_RC(log_open(file, KMS_LOG_WARNING, NULL), KMS_OK);
	conf.audit_dir = wrong; /* in what is no folder */
	b = open_local();
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	o = new_aes(b, FLAG_PRIVATE | FLAG_ENCRYPT, "key");
	k = open_key(b, &o.id);
	for (int i = 0; i < 10; i++)
		CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_OK);
	backend_key_close(b, k);
	ck_assert_uint_eq(lines_with(file, "not recorded"), 1);
	log_close();
	free(file);
	free(wrong);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("record");
	TCase *c = tcase_create("record");

	tcase_add_checked_fixture(c, setup_log, teardown_log);
	tcase_add_test(c, an_action_is_recorded_with_the_key_it_was_about);
	tcase_add_test(c, a_failure_is_recorded_with_its_code);
	tcase_add_test(c, who_may_not_is_recorded_by_name);
	tcase_add_test(c, what_is_encrypted_and_the_values_of_its_context_are_not_recorded);
	tcase_add_test(c, what_is_done_when_its_time_has_come_is_recorded_as_the_systems);
	tcase_add_test(c, a_dry_run_is_recorded_as_what_it_was);
	tcase_add_test(c, a_token_that_replaces_another_is_recorded_in_both_logs);
	tcase_add_test(c,
	    a_read_only_token_without_a_key_for_its_log_has_one_log_however_often_one_logs_in);
	tcase_add_test(c, that_there_can_be_no_record_is_said_once_until_there_is_one_again);
	suite_add_tcase(s, c);
	return unit_main(s);
}
