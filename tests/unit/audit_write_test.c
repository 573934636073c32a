/* SPDX-License-Identifier: Apache-2.0 */
/* The log as it is written: lanes and files, modes, checkpoints, rights, forks. */
#define _GNU_SOURCE 1
#include <sys/file.h>

#include "tests/unit/audit_fixture.h"

static unsigned
lines_in(const char *dir, const char *name)
{
	auto_buf b = load(dir, name);

	return count_lines(buf_slice(&b));
}

static bool
exists(const char *dir, const char *name)
{
	char *path = log_path(dir, name);
	bool yes = access(path, F_OK) == 0;

	free(path);
	return yes;
}

START_TEST(a_log_that_was_closed_verifies)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;

	run_log(&conf, "a", 5);
	run_log(&conf, "b", 3);
	v = verify_with(dir, WITH_BOTH);
	CHECK_CLEAN(v);
	ck_assert_uint_eq(v.n_notes, 0);
	ck_assert_uint_eq(v.sum.records, 8);
	ck_assert_uint_eq(v.sum.writers, 2);
	ck_assert_uint_eq(v.sum.files, 1);
	ck_assert_uint_eq(v.sum.lanes, 1);
	ck_assert_uint_eq(v.sum.signatures,
	    5 + 2); /* the register's entries, and the checkpoints */
	ck_assert_uint_eq(v.sum.unsigned_records, 0);
	free(dir);
}
END_TEST

START_TEST(a_log_without_a_record_leaves_an_empty_folder)
{
	char *dir = temp_dir(), *below = log_path(dir, "a/b");
	struct audit_conf conf = audit_conf_in(below);
	struct stat st;

	close_log(open_log(&conf));
	ck_assert_int_eq(stat(below, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	ck_assert(!exists(below, "register"));
	CHECK_CLEAN(verify_with(below, WITH_BOTH));
	free(dir);
	free(below);
}
END_TEST

START_TEST(writers_at_one_time_have_lanes_of_their_own_and_the_next_goes_on_in_the_first)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit *a = open_log(&conf), *b = open_log(&conf);
	struct verdict v;

	record(a, "a", 2);
	record(b, "b", 2);
	close_log(a);
	ck_assert_uint_eq(lines_in(dir, LOG1), 4);
	a = open_log(&conf);
	record(a, "c", 1);
	close_log(a);
	close_log(b);
	ck_assert_uint_eq(lines_in(dir, LOG1), 7);
	v = verify_with(dir, WITH_BOTH);
	CHECK_CLEAN(v);
	ck_assert_uint_eq(v.sum.lanes, 2);
	ck_assert_uint_eq(v.sum.writers, 3);
	free(dir);
}
END_TEST

START_TEST(a_file_that_is_full_is_followed_by_another)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;
	struct stat st;
	char *path;

	conf.file_max = 5000;
	run_log(&conf, "a", 50);
	run_log(&conf, "b", 1);
	v = verify_with(dir, WITH_BOTH);
	CHECK_CLEAN(v);
	ck_assert_uint_eq(v.sum.records, 51);
	ck_assert_uint_gt(v.sum.files, 5);
	path = log_path(dir, "0001-000003.log");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_lt(st.st_size, 8000);
	free(path);
	free(dir);
}
END_TEST

START_TEST(each_day_begins_a_file)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit *a = open_log(&conf);

	os_fake_clock(NOON);
	record(a, "a", 2);
	os_fake_clock(NOON + 12 * 3600 - 1);
	record(a, "b", 1);
	ck_assert(!exists(dir, "0001-000002.log"));
	os_fake_clock(NOON + 12 * 3600);
	record(a, "c", 1);
	ck_assert(exists(dir, "0001-000002.log"));
	ck_assert_uint_eq(lines_in(dir, "0001-000002.log"), 2);
	os_fake_clock(NOON + 86400 * 3);
	audit_tick(a);
	ck_assert(exists(dir, "0001-000003.log"));
	close_log(a);
	os_fake_clock(NOON + 86400 * 4);
	run_log(&conf, "d", 1); /* another writer, of another day */
	ck_assert_uint_eq(lines_in(dir, "0001-000004.log"), 3);
	CHECK_CLEAN(verify_with(dir, WITH_BOTH));
	free(dir);
}
END_TEST

START_TEST(checkpoints_come_by_number_and_by_time)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit *a = open_log(&conf);
	struct verdict v;

	os_fake_clock(NOON);
	conf.checkpoint_records = 3;
	close_log(a);
	a = open_log(&conf);
	record(a, "a", 2);
	ck_assert_uint_eq(lines_in(dir, LOG1), 3);
	record(a, "b", 1);
	ck_assert_uint_eq(lines_in(dir, LOG1), 5);
	v = verify_with(dir, WITH_BOTH);
	CHECK_CLEAN(v);
	ck_assert_uint_eq(v.sum.unsigned_records, 0);
	record(a, "c", 1);
	v = verify_with(dir, WITH_BOTH);
	ck_assert_uint_eq(v.sum.unsigned_records, 1);
	os_fake_clock(NOON + 60);
	audit_tick(a);
	v = verify_with(dir, WITH_BOTH);
	ck_assert_uint_eq(v.sum.unsigned_records, 0);
	os_fake_clock(NOON + 200); /* nothing new: nothing to sign */
	audit_tick(a);
	ck_assert_uint_eq(lines_in(dir, LOG1), 7);
	close_log(a);
	free(dir);
}
END_TEST

START_TEST(a_live_log_verifies_and_says_that_it_is)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit *a = open_log(&conf);
	struct verdict v;

	record(a, "a", 3);
	v = verify_with(dir, WITH_BOTH);
	CHECK_CLEAN(v);
	ck_assert(has_note(&v, AUDIT_LIVE));
	ck_assert_uint_eq(v.sum.unsigned_records, 3);
	close_log(a);
	v = verify_with(dir, WITH_BOTH);
	ck_assert(!has_note(&v, AUDIT_LIVE));
	free(dir);
}
END_TEST

/* -- modes -- */

START_TEST(durable_records_are_in_the_file_when_the_call_returns)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit *a;

	conf.durable = true;
	conf.batch_records = 0;
	a = open_log(&conf);
	for (unsigned i = 0; i < 5; i++) {
		record(a, "a", 1);
		ck_assert_uint_eq(lines_in(dir, LOG1), 2 + i);
	}
	close_log(a);
	CHECK_CLEAN(verify_with(dir, WITH_BOTH));
	free(dir);
}
END_TEST

START_TEST(buffered_records_wait_for_their_number_or_their_time)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit *a;
	struct err err = { 0 };

	os_fake_clock(NOON);
	conf.batch_records = 4;
	conf.batch_ms = 2000;
	a = open_log(&conf);
	record(a, "a", 4);
	ck_assert_uint_eq(lines_in(dir, LOG1), 1); /* the start alone */
	record(a, "b", 1);
	ck_assert_uint_eq(lines_in(dir, LOG1), 5); /* the four that waited */
	os_fake_clock(NOON + 1);
	record(a, "c", 1);
	ck_assert_uint_eq(lines_in(dir, LOG1), 5);
	os_fake_clock(NOON + 2);
	record(a, "d", 1);
	ck_assert_uint_eq(lines_in(dir, LOG1), 7);
	os_fake_clock(NOON + 3);
	audit_tick(a);
	ck_assert_uint_eq(lines_in(dir, LOG1), 7);
	os_fake_clock(NOON + 4);
	audit_tick(a);
	ck_assert_uint_eq(lines_in(dir, LOG1), 8);
	record(a, "e", 1);
	CHECK_RC(audit_flush(a, false, &err), KMS_OK);
	ck_assert_uint_eq(lines_in(dir, LOG1), 9);
	record(a, "f", 1);
	CHECK_RC(audit_flush(a, true, &err), KMS_OK);
	ck_assert_uint_eq(lines_in(dir, LOG1), 10);
	record(a, "g", 1);
	close_log(a);
	ck_assert_uint_eq(lines_in(dir, LOG1), 12);
	CHECK_CLEAN(verify_with(dir, WITH_BOTH));
	free(dir);
}
END_TEST

/* -- keys and anchors -- */

static bool locked_out;

static enum kms_rc
sign_if_logged_in(void *arg UNUSED, struct slice message, uint8_t ret[AUDIT_SIGNATURE_LEN],
    struct err *err)
{
	return locked_out ? KMS_LOGIN_NEEDED
			  : audit_signer.sign(audit_signer.arg, message, ret, err);
}

START_TEST(a_key_that_is_not_there_yet_is_made_up_for_by_the_next_signature)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit_signer signer = { .public_key = audit_signer.public_key,
		.sign = sign_if_logged_in };
	struct verdict v;

	conf.signer = &signer;
	locked_out = true;
	run_log(&conf, "a", 3);
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_TAMPERED); /* a key is given, and nothing is signed by it */
	ck_assert_uint_eq(v.sum.unsigned_records, 3);
	locked_out = false;
	run_log(&conf, "b", 1);
	v = verify_with(dir, WITH_BOTH);
	CHECK_CLEAN(v);
	ck_assert_uint_eq(v.sum.unsigned_records, 0);
	locked_out = true;
	run_log(&conf, "c", 2);
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_uint_eq(v.n, 1);
	ck_assert_int_eq(v.v[0].problem, AUDIT_UNSIGNED);
	ck_assert_uint_eq(v.sum.unsigned_records, 2);
	free(dir);
}
END_TEST

START_TEST(without_a_key_the_log_is_chained_and_called_unsigned)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;

	conf.signer = NULL;
	run_log(&conf, "a", 3);
	v = verify_with(dir, WITH_ANCHOR);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_uint_eq(v.n, 1);
	ck_assert_int_eq(v.v[0].problem, AUDIT_UNSIGNED);
	free(dir);
}
END_TEST

START_TEST(a_key_that_is_no_ed25519_key_is_refused)
{
	struct ckey *k = ec_key(CURVE_P256), *pub = public_of(audit_key);
	struct audit_signer s;
	auto_buf spki = { 0 };

	CHECK_RC(audit_signer_of_key(k, &spki, &s), KMS_KEY_TYPE);
	CHECK_RC(audit_signer_of_key(pub, &spki, &s), KMS_KEY_TYPE);
	ckey_unref(k);
	ckey_unref(pub);
}
END_TEST

static enum kms_rc
failing_get(void *arg UNUSED, struct audit_head *ret UNUSED, struct err *err)
{
	return err_set(err, KMS_BUSY, "the store is busy");
}

static enum kms_rc
failing_put(void *arg UNUSED, const struct audit_head *head UNUSED, struct err *err)
{
	return err_set(err, KMS_BUSY, "the store is busy");
}

START_TEST(an_anchor_that_fails_does_not_stop_the_log_and_is_not_overwritten_unseen)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit_anchor deaf = { .get = failing_get, .put = anchor_put },
			    dumb = { .get = anchor_get, .put = failing_put };
	unsigned puts;

	run_log(&conf, "a", 1);
	puts = audit_memory->puts;
	ck_assert_uint_eq(puts, 3);
	conf.anchor = &deaf;
	run_log(&conf, "b", 1);
	conf.anchor = &dumb;
	run_log(&conf, "c", 1);
	ck_assert_uint_eq(audit_memory->puts, puts);
	CHECK_CLEAN(verify_with(dir, WITH_BOTH)); /* the anchor is behind, and right */
	conf.anchor = &audit_anchor;
	run_log(&conf, "d", 1);
	ck_assert_uint_eq(audit_memory->head.seq, 3 + 2 * 3);
	CHECK_CLEAN(verify_with(dir, WITH_BOTH));
	free(dir);
}
END_TEST

/* -- rights -- */

START_TEST(a_folder_or_file_that_others_can_write_is_refused)
{
	char *dir = temp_dir(), *path = log_path(dir, LOG1), *reg = log_path(dir, "register");
	struct audit_conf conf = audit_conf_in(dir);
	struct audit_event e = audit_sign_event();
	struct audit *a = NULL;
	struct err err = { 0 };
	struct stat st;

	run_log(&conf, "a", 1);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(stat(reg, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);

	ck_assert_int_eq(chmod(dir, 0770), 0);
	CHECK_RC(audit_open(&conf, &a, &err), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "can be written by others"));
	ck_assert_int_eq(chmod(dir, 0700), 0);

	ck_assert_int_eq(chmod(path, 0620), 0);
	a = open_log(&conf);
	err_clear(&err);
	CHECK_RC(audit_write(a, &e, &err), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, LOG1));
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(chmod(reg, 0602), 0);
	err_clear(&err);
	CHECK_RC(audit_write(a, &e, &err), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "register"));
	ck_assert_int_eq(chmod(reg, 0600), 0);
	CHECK_RC(audit_write(a, &e, &err), KMS_OK);
	close_log(a);
	free(path);
	free(reg);
	free(dir);
}
END_TEST

START_TEST(a_link_in_the_place_of_a_file_is_not_followed)
{
	char *dir = temp_dir(), *outside = log_path(dir, "outside"), *below = log_path(dir, "log"),
	     *reg;
	struct audit_conf conf = audit_conf_in(below);
	struct audit_event e = audit_sign_event();
	struct audit *a = open_log(&conf);
	struct err err = { 0 };

	write_file(outside, "", 0600);
	reg = log_path(below, "register");
	ck_assert_int_eq(symlink(outside, reg), 0);
	CHECK_RC(audit_write(a, &e, &err), KMS_IO);
	CHECK_RC(audit_close(a, &err), KMS_OK);
	ck_assert_uint_eq(lines_in(dir, "outside"), 0);
	free(reg);
	free(below);
	free(outside);
	free(dir);
}
END_TEST

START_TEST(a_damaged_register_is_not_written_to)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit_event e = audit_sign_event();
	struct audit *a;
	struct err err = { 0 };

	store(dir, "register", BYTES("this is no register\n"));
	a = open_log(&conf);
	CHECK_RC(audit_write(a, &e, &err), KMS_TAMPERED);
	ck_assert_ptr_nonnull(strstr(err.text, "the audit register is damaged"));
	CHECK_RC(audit_close(a, &err), KMS_OK);
	free(dir);
}
END_TEST

/* -- what cannot be recorded -- */

START_TEST(what_cannot_be_recorded_is_refused_or_counted_as_configured)
{
	char *dir = temp_dir(), *gone = log_path(dir, "register");
	struct audit_conf conf = audit_conf_in(dir);
	struct audit_event e = audit_sign_event();
	struct audit *a;
	struct err err = { 0 };
	struct verdict v;

	ck_assert_int_eq(mkdir(gone, 0700), 0); /* where the register should be */
	conf.refuse = AUDIT_REFUSE_NO;
	a = open_log(&conf);
	for (unsigned i = 0; i < 3; i++)
		CHECK_RC(audit_write(a, &e, &err), KMS_OK);
	ck_assert_str_eq(err.text, "");
	ck_assert_int_eq(rmdir(gone), 0);
	CHECK_RC(audit_write(a, &e, &err), KMS_OK);
	close_log(a);
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_uint_eq(v.sum.records, 1);
	ck_assert_uint_eq(v.n, 1);
	ck_assert_int_eq(v.v[0].problem, AUDIT_LOST);
	ck_assert_uint_eq(v.v[0].count, 3);
	free(gone);
	free(dir);
}
END_TEST

START_TEST(only_durable_logs_refuse_by_default)
{
	for (int durable = 0; durable < 2; durable++) {
		char *dir = temp_dir(), *gone = log_path(dir, "register");
		struct audit_conf conf = audit_conf_in(dir);
		struct audit_event e = audit_sign_event();
		struct audit *a;
		struct err err = { 0 };

		ck_assert_int_eq(mkdir(gone, 0700), 0);
		conf.refuse = AUDIT_REFUSE_DEFAULT;
		conf.durable = durable;
		a = open_log(&conf);
		CHECK_RC(audit_write(a, &e, &err), durable ? KMS_IO : KMS_OK);
		CHECK_RC(audit_close(a, &err), KMS_OK);
		free(gone);
		free(dir);
	}
}
END_TEST

START_TEST(a_file_that_somebody_deletes_takes_no_durable_record_with_it)
{
	char *dir = temp_dir(), *path = log_path(dir, LOG1);
	struct audit_conf conf = audit_conf_in(dir);
	struct audit_event e = audit_sign_event();
	struct audit *a;
	struct err err = { 0 };
	struct verdict v;

	conf.durable = true;
	a = open_log(&conf);
	record(a, "a", 2);
	ck_assert_int_eq(unlink(path), 0);
	CHECK_RC(audit_write(a, &e, &err), KMS_IO);
	record(a, "b", 2); /* in a file whose name was never used */
	ck_assert(!exists(dir, LOG1));
	ck_assert(exists(dir, "0002-000001.log"));
	close_log(a);
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_TAMPERED);
	ck_assert_uint_eq(v.sum.errors, 1);
	ck_assert_int_eq(v.v[0].problem, AUDIT_REMOVED);
	ck_assert_str_eq(v.v[0].file, LOG1);
	ck_assert_uint_eq(v.sum.records, 2);
	free(path);
	free(dir);
}
END_TEST

START_TEST(a_file_that_somebody_deletes_is_missed_at_the_next_checkpoint)
{
	char *dir = temp_dir(), *path = log_path(dir, LOG1);
	struct audit_conf conf = audit_conf_in(dir);
	struct audit *a;
	struct verdict v;

	conf.batch_records = 10;
	conf.checkpoint_records = 3;
	a = open_log(&conf);
	record(a, "a", 1);
	ck_assert_int_eq(unlink(path), 0);
	record(a, "b", 2); /* makes a checkpoint due, which finds the file gone */
	record(a, "c", 2);
	close_log(a);
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_TAMPERED);
	ck_assert_int_eq(v.v[0].problem, AUDIT_REMOVED);
	ck_assert_uint_eq(v.sum.records, 2);
	free(path);
	free(dir);
}
END_TEST

/* -- forks -- */

START_TEST(a_forked_child_writes_with_a_writer_of_its_own)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit *a;
	struct verdict v;
	pid_t pid;

	conf.batch_records = 100; /* so that something waits while we fork */
	a = open_log(&conf);
	record(a, "parent", 3);
	if ((pid = fork()) == 0) {
		struct audit_event e = audit_sign_event();
		struct err err = { 0 };
		bool good = true;

		for (unsigned i = 0; i < 5; i++)
			good = audit_write(a, &e, &err) == KMS_OK && good;
		_exit(audit_close(a, &err) == KMS_OK && good ? 0 : 1);
	}
	reap(pid);
	record(a, "more", 2);
	close_log(a);
	v = verify_with(dir, WITH_BOTH);
	CHECK_CLEAN(v);
	ck_assert_uint_eq(v.sum.records, 10);
	ck_assert_uint_eq(v.sum.lanes, 2);
	ck_assert_uint_eq(v.sum.writers, 2);
	free(dir);
}
END_TEST

START_TEST(a_child_that_only_closes_the_log_changes_nothing)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit *a;
	pid_t pid;

	conf.batch_records = 100;
	a = open_log(&conf);
	record(a, "parent", 3);
	if ((pid = fork()) == 0)
		_exit(audit_close(a, NULL) == KMS_OK ? 0 : 1);
	reap(pid);
	ck_assert_uint_eq(lines_in(dir, LOG1), 1);
	record(a, "more", 1);
	close_log(a);
	CHECK_CLEAN(verify_with(dir, WITH_BOTH));
	free(dir);
}
END_TEST

START_TEST(a_child_that_lives_on_does_not_keep_its_parents_lane)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit *a = open_log(&conf);
	int fds[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(fds), 0);
	record(a, "a", 1);
	if ((pid = fork()) == 0) {
		close(fds[1]);
		_exit(read(fds[0], &c, 1) == 0 ? 0 : 1); /* until the parent is done */
	}
	close(fds[0]);
	close_log(a);
	run_log(&conf, "b", 1);
	ck_assert(!exists(dir, "0002-000001.log"));
	close(fds[1]);
	reap(pid);
	CHECK_CLEAN(verify_with(dir, WITH_BOTH));
	free(dir);
}
END_TEST

int
main(void)
{
	return unit_main(AUDIT_SUITE("audit-write", a_log_that_was_closed_verifies,
	    a_log_without_a_record_leaves_an_empty_folder,
	    writers_at_one_time_have_lanes_of_their_own_and_the_next_goes_on_in_the_first,
	    a_file_that_is_full_is_followed_by_another, each_day_begins_a_file,
	    checkpoints_come_by_number_and_by_time, a_live_log_verifies_and_says_that_it_is,
	    durable_records_are_in_the_file_when_the_call_returns,
	    buffered_records_wait_for_their_number_or_their_time,
	    a_key_that_is_not_there_yet_is_made_up_for_by_the_next_signature,
	    without_a_key_the_log_is_chained_and_called_unsigned,
	    a_key_that_is_no_ed25519_key_is_refused,
	    an_anchor_that_fails_does_not_stop_the_log_and_is_not_overwritten_unseen,
	    a_folder_or_file_that_others_can_write_is_refused,
	    a_link_in_the_place_of_a_file_is_not_followed, a_damaged_register_is_not_written_to,
	    what_cannot_be_recorded_is_refused_or_counted_as_configured,
	    only_durable_logs_refuse_by_default,
	    a_file_that_somebody_deletes_takes_no_durable_record_with_it,
	    a_file_that_somebody_deletes_is_missed_at_the_next_checkpoint,
	    a_forked_child_writes_with_a_writer_of_its_own,
	    a_child_that_only_closes_the_log_changes_nothing,
	    a_child_that_lives_on_does_not_keep_its_parents_lane));
}
