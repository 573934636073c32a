/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads write to one log: together, through checkpoints and new files, into a full disk. */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/audit_fixture.h"

#define THREADS 6

static struct audit *shared;
static atomic_uint written, refused;
static unsigned each;

static void *
write_records(void *arg)
{
	struct audit_event e = audit_sign_event();
	struct err err;
	char id[64];

	for (unsigned i = 0; i < each; i++) {
		err_clear(&err);
		(void)snprintf(id, sizeof(id), "%u-%u", (unsigned)(uintptr_t)arg, i);
		e.request_id = id;
		if (audit_write(shared, &e, &err) == KMS_OK)
			written++;
		else
			refused++;
	}
	return NULL;
}

static void
run_threads(void)
{
	pthread_t t[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, write_records, (void *)i), 0);
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(t[i], NULL), 0);
}

/* The records of each thread stand in its own order, without a gap. */
static void
check_order(const char *dir)
{
	unsigned next[THREADS] = { 0 }, thread, n;
	struct audit_reader *r = NULL;
	struct audit_row row;
	struct err err = { 0 };

	CHECK_RC(audit_reader_open(dir, NULL, &r, &err), KMS_OK);
	while (audit_reader_next(r, &row, &err) == KMS_OK) {
		ck_assert_int_eq(sscanf(row.request_id, "%u-%u", &thread, &n), 2);
		ck_assert_uint_lt(thread, THREADS);
		ck_assert_uint_eq(n, next[thread]);
		next[thread]++;
	}
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_uint_eq(next[i], each);
	audit_reader_close(r);
}

static void
threads_in(struct audit_conf conf)
{
	struct verdict v;

	conf.checkpoint_records = 37;
	conf.file_max = 40000;
	shared = open_log(&conf);
	run_threads();
	close_log(shared);
	v = verify_with(conf.dir, WITH_BOTH);
	CHECK_CLEAN(v);
	ck_assert_uint_eq(v.sum.records, THREADS * each);
	ck_assert_uint_eq(v.sum.lanes, 1);
	ck_assert_uint_gt(v.sum.files, 2);
	check_order(conf.dir);
}

START_TEST(buffered_records_of_many_threads_are_all_there_in_order)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);

	each = 400;
	conf.batch_records = 20;
	threads_in(conf);
	free(dir);
}
END_TEST

START_TEST(written_through_records_of_many_threads_are_all_there_in_order)
{
	char *dir = temp_dir();

	each = 300;
	threads_in(audit_conf_in(dir));
	free(dir);
}
END_TEST

START_TEST(durable_records_of_many_threads_are_all_there_in_order)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);

	each = 60;
	conf.durable = true;
	threads_in(conf);
	free(dir);
}
END_TEST

START_TEST(when_the_disk_fills_each_thread_is_told_of_its_own_record)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;
	uint64_t lost = 0;
	unsigned told;

	each = 30;
	conf.durable = _i != 0;
	shared = open_log(&conf);
	record(shared, "first", 1);
	limit_files(30000);
	run_threads();
	ck_assert_uint_gt(refused, 0);
	told = written;
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_uint_eq(v.sum.records, told + 1);
	limit_files(RLIM_INFINITY);
	run_threads();
	close_log(shared);
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	for (size_t i = 0; i < v.n; i++) {
		ck_assert_int_eq(v.v[i].problem, AUDIT_LOST);
		lost += v.v[i].count;
	}
	ck_assert_uint_eq(lost, refused);
	ck_assert_uint_eq(v.sum.records, told + 1 + THREADS * each);
	free(dir);
}
END_TEST

static atomic_bool stop;

static void *
verify_all_the_time(void *dir)
{
	while (!stop) {
		struct verdict v = verify_with(dir, WITH_BOTH);

		ck_assert_msg(v.rc == KMS_OK && v.n == 0, "%s", verdict_text(&v));
	}
	return NULL;
}

START_TEST(a_log_may_be_verified_while_it_is_written)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	pthread_t t;

	each = 200;
	conf.checkpoint_records = 50;
	conf.file_max = 40000;
	shared = open_log(&conf);
	record(shared, "first", 1);
	ck_assert_int_eq(pthread_create(&t, NULL, verify_all_the_time, dir), 0);
	run_threads();
	stop = true;
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	close_log(shared);
	CHECK_CLEAN(verify_with(dir, WITH_BOTH));
	free(dir);
}
END_TEST

int
main(void)
{
	Suite *s =
	    AUDIT_SUITE("audit-thread", buffered_records_of_many_threads_are_all_there_in_order,
		written_through_records_of_many_threads_are_all_there_in_order,
		durable_records_of_many_threads_are_all_there_in_order,
		a_log_may_be_verified_while_it_is_written);
	TCase *c = tcase_create("full");

	tcase_add_checked_fixture(c, audit_setup, audit_teardown);
	tcase_add_loop_test(c, when_the_disk_fills_each_thread_is_told_of_its_own_record, 0, 2);
	suite_add_tcase(s, c);
	return unit_main(s);
}
