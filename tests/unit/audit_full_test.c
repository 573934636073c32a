/* SPDX-License-Identifier: Apache-2.0 */
/* Disks that fill: what was acknowledged is there, what was refused is not, and what is there
 * verifies. */
#define _GNU_SOURCE 1
#include "tests/unit/audit_fixture.h"

START_TEST(a_full_disk_refuses_a_durable_record_which_is_then_not_in_the_log)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit_event e = audit_sign_event();
	struct audit *a;
	struct err err = { 0 };
	struct verdict v;
	unsigned good = 0, refused = 0;
	enum kms_rc rc;

	conf.durable = true;
	conf.checkpoint_records = 1000;
	a = open_log(&conf);
	limit_files(6000);
	while (refused < 3) {
		err_clear(&err);
		if ((rc = audit_write(a, &e, &err)) == KMS_OK) {
			good++;
			continue;
		}
		CHECK_RC(rc, KMS_FULL);
		ck_assert_str_eq(err.text, "cannot write the audit log: no space left to write");
		refused++;
	}
	v = verify_with(dir, WITH_BOTH);
	CHECK_CLEAN(v);
	ck_assert_uint_eq(v.sum.records, good);
	limit_files(RLIM_INFINITY);
	record(a, "more", 2);
	close_log(a);
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_uint_eq(v.sum.records, good + 2);
	ck_assert_uint_eq(v.n, 1);
	ck_assert_int_eq(v.v[0].problem, AUDIT_LOST);
	ck_assert_uint_eq(v.v[0].count, refused);
	free(dir);
}
END_TEST

START_TEST(a_full_disk_keeps_what_was_accepted_into_the_buffer)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit_event e = audit_sign_event();
	struct audit *a;
	struct err err = { 0 };
	struct verdict v;
	unsigned good = 0, refused = 0;

	conf.batch_records = 5;
	a = open_log(&conf);
	limit_files(6000);
	while (refused < 3) {
		if (audit_write(a, &e, &err) == KMS_OK)
			good++;
		else
			refused++;
		ck_assert_uint_lt(good, 100);
	}
	CHECK_RC(audit_flush(a, false, &err), KMS_FULL);
	limit_files(RLIM_INFINITY);
	CHECK_RC(audit_flush(a, false, &err), KMS_OK);
	record(a, "more", 1);
	close_log(a);
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_uint_eq(v.sum.records, good + 1);
	ck_assert_int_eq(v.v[0].problem, AUDIT_LOST);
	ck_assert_uint_eq(v.v[0].count, refused);
	free(dir);
}
END_TEST

START_TEST(a_disk_that_is_full_from_the_start_leaves_nothing_that_does_not_verify)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct audit_event e = audit_sign_event();
	struct audit *a;
	struct err err = { 0 };

	conf.durable = true;
	a = open_log(&conf);
	for (rlim_t max = 0; max < 1200; max += 40) {
		limit_files(max);
		err_clear(&err);
		if (audit_write(a, &e, &err) == KMS_OK)
			break;
		limit_files(RLIM_INFINITY);
		CHECK_RC(verify_with(dir, WITH_BOTH).rc, KMS_OK);
	}
	limit_files(RLIM_INFINITY);
	record(a, "x", 1);
	close_log(a);
	CHECK_RC(verify_with(dir, WITH_BOTH).rc, KMS_OK);
	free(dir);
}
END_TEST

START_TEST(a_full_disk_while_files_change_leaves_nothing_that_does_not_verify)
{
	/* At each size that can go wrong around the change to a new file. */
	for (rlim_t max = 2900; max < 4600; max += 61) {
		char *dir = temp_dir();
		struct audit_conf conf = audit_conf_in(dir);
		struct audit_event e = audit_sign_event();
		struct audit *a;
		unsigned good = 0;
		struct verdict v;

		audit_memory->known = false;
		conf.file_max = 2800;
		a = open_log(&conf);
		os_fake_clock(NOON);
		for (unsigned i = 0; i < 12; i++) {
			limit_files(i > 2 && i < 8 ? max : RLIM_INFINITY);
			good += audit_write(a, &e, NULL) == KMS_OK;
			os_fake_clock(NOON + 2 * (int)i);
		}
		limit_files(RLIM_INFINITY);
		close_log(a);
		v = verify_with(dir, WITH_BOTH);
		ck_assert_msg(v.rc == KMS_OK, "%lu: %s", (unsigned long)max, verdict_text(&v));
		ck_assert_uint_eq(v.sum.records, good);
		free(dir);
	}
}
END_TEST

int
main(void)
{
	return unit_main(AUDIT_SUITE("audit-full",
	    a_full_disk_refuses_a_durable_record_which_is_then_not_in_the_log,
	    a_full_disk_keeps_what_was_accepted_into_the_buffer,
	    a_disk_that_is_full_from_the_start_leaves_nothing_that_does_not_verify,
	    a_full_disk_while_files_change_leaves_nothing_that_does_not_verify));
}
