/* SPDX-License-Identifier: Apache-2.0 */
/* Repeated uses of a key become one record with their number; nothing else does. */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/audit_fixture.h"

#define SIGN	7u
#define DECRYPT 8u

static const struct uid key1 = { { 1 } }, key2 = { { 2 } };

struct counts {
	unsigned records;
	uint64_t uses; /* with those that a record stands for */
	char last_time[32], first_time[32];
	uint64_t last_count;
};

static struct counts
count(const char *dir)
{
	struct counts c = { 0 };
	struct audit_reader *r = NULL;
	struct audit_row row;
	struct err err = { 0 };

	CHECK_RC(audit_reader_open(dir, NULL, &r, &err), KMS_OK);
	while (audit_reader_next(r, &row, &err) == KMS_OK) {
		c.records++;
		c.uses += row.count;
		c.last_count = row.count;
		(void)snprintf(c.first_time, sizeof(c.first_time), "%s", row.first_time);
		(void)snprintf(c.last_time, sizeof(c.last_time), "%s", row.last_time);
	}
	audit_reader_close(r);
	return c;
}

/* A use as the gate would report it. */
static void
use(struct audit_fold *f, const struct uid *key, unsigned action)
{
	struct audit_event e = audit_sign_event();
	struct err err = { 0 };

	if (!audit_fold_hit(f, key, action))
		CHECK_RC(audit_fold_use(f, key, action, &e, &err), KMS_OK);
}

static struct audit_conf
fold_conf(const char *dir, enum audit_fold_mode mode)
{
	struct audit_conf conf = audit_conf_in(dir);

	os_fake_clock(NOON);
	conf.fold = mode;
	return conf;
}

START_TEST(uses_within_a_second_are_one_record)
{
	char *dir = temp_dir();
	struct audit_conf conf = fold_conf(dir, AUDIT_FOLD_ALL);
	struct audit *a = open_log(&conf);
	struct audit_fold *f = NULL;
	struct counts c;

	CHECK_RC(audit_fold_open(a, &f), KMS_OK);
	for (unsigned i = 0; i < 1000; i++)
		use(f, &key1, SIGN);
	ck_assert_uint_eq(count(dir).records, 0); /* the second is not over */
	os_fake_clock(NOON + 1);
	use(f, &key1, SIGN);
	c = count(dir);
	ck_assert_uint_eq(c.records, 1);
	ck_assert_uint_eq(c.last_count, 1000);
	ck_assert_str_eq(c.first_time, "2026-03-01T12:00:00.000Z");
	ck_assert_str_eq(c.last_time, "2026-03-01T12:00:00.000Z");
	audit_fold_close(f);
	c = count(dir);
	ck_assert_uint_eq(c.records, 2);
	ck_assert_uint_eq(c.uses, 1001);
	close_log(a);
	CHECK_CLEAN(verify_with(dir, WITH_BOTH));
	free(dir);
}
END_TEST

START_TEST(with_repeats_the_first_use_is_recorded_at_once)
{
	char *dir = temp_dir();
	struct audit_conf conf = fold_conf(dir, AUDIT_FOLD_REPEATS);
	struct audit *a = open_log(&conf);
	struct audit_fold *f = NULL;
	struct counts c;

	CHECK_RC(audit_fold_open(a, &f), KMS_OK);
	use(f, &key1, SIGN);
	ck_assert_uint_eq(count(dir).records, 1);
	for (unsigned i = 0; i < 99; i++)
		use(f, &key1, SIGN);
	ck_assert_uint_eq(count(dir).records, 1);
	os_fake_clock(NOON + 1);
	use(f, &key1, SIGN);
	c = count(dir);
	ck_assert_uint_eq(c.records, 3);
	ck_assert_uint_eq(c.uses, 101);
	os_fake_clock(NOON + 2);
	use(f, &key1, SIGN); /* nothing was repeated: nothing to add */
	ck_assert_uint_eq(count(dir).records, 4);
	audit_fold_close(f);
	close_log(a);
	free(dir);
}
END_TEST

START_TEST(off_records_every_use)
{
	char *dir = temp_dir();
	struct audit_conf conf = fold_conf(dir, AUDIT_FOLD_OFF);
	struct audit *a = open_log(&conf);
	struct audit_fold *f = NULL;

	CHECK_RC(audit_fold_open(a, &f), KMS_OK);
	for (unsigned i = 0; i < 10; i++)
		use(f, &key1, SIGN);
	ck_assert_uint_eq(count(dir).records, 10);
	audit_fold_close(f);
	close_log(a);
	free(dir);
}
END_TEST

START_TEST(keys_actions_and_sessions_are_counted_apart)
{
	char *dir = temp_dir();
	struct audit_conf conf = fold_conf(dir, AUDIT_FOLD_ALL);
	struct audit *a = open_log(&conf);
	struct audit_fold *f = NULL, *g = NULL;
	struct counts c;
	struct err err = { 0 };

	CHECK_RC(audit_fold_open(a, &f), KMS_OK);
	CHECK_RC(audit_fold_open(a, &g), KMS_OK);
	for (unsigned i = 0; i < 10; i++) {
		use(f, &key1, SIGN);
		use(f, &key2, SIGN);
		use(f, &key1, DECRYPT);
		use(g, &key1, SIGN);
	}
	CHECK_RC(audit_flush(a, false, &err), KMS_OK);
	c = count(dir);
	ck_assert_uint_eq(c.records, 4);
	ck_assert_uint_eq(c.uses, 40);
	audit_fold_close(f);
	audit_fold_close(g);
	close_log(a);
	free(dir);
}
END_TEST

START_TEST(more_kinds_of_use_than_a_session_counts_are_still_all_recorded)
{
	char *dir = temp_dir();
	struct audit_conf conf = fold_conf(dir, AUDIT_FOLD_ALL);
	struct audit *a = open_log(&conf);
	struct audit_fold *f = NULL;

	CHECK_RC(audit_fold_open(a, &f), KMS_OK);
	for (unsigned i = 0; i < 300; i++) {
		struct uid key = { { (uint8_t)(i % 9) } };

		use(f, &key, SIGN + i % 2);
	}
	audit_fold_close(f);
	ck_assert_uint_eq(count(dir).uses, 300);
	close_log(a);
	free(dir);
}
END_TEST

START_TEST(what_is_counted_is_written_at_logout_by_tick_and_at_the_end)
{
	char *dir = temp_dir();
	struct audit_conf conf = fold_conf(dir, AUDIT_FOLD_ALL);
	struct audit *a = open_log(&conf);
	struct audit_fold *f = NULL, *g = NULL;
	struct err err = { 0 };

	CHECK_RC(audit_fold_open(a, &f), KMS_OK);
	CHECK_RC(audit_fold_open(a, &g), KMS_OK);
	use(f, &key1, SIGN);
	use(g, &key1, SIGN);
	CHECK_RC(audit_fold_flush(f, &err), KMS_OK); /* a logout of the session's user */
	ck_assert_uint_eq(count(dir).uses, 1);
	audit_tick(a);
	ck_assert_uint_eq(count(dir).uses, 1); /* g's second is not over */
	os_fake_clock(NOON + 1);
	audit_tick(a);
	ck_assert_uint_eq(count(dir).uses, 2);
	audit_tick(a);
	ck_assert_uint_eq(count(dir).uses, 2);
	use(f, &key1, SIGN);
	use(f, &key1, SIGN);
	close_log(a); /* with sessions still open */
	ck_assert_uint_eq(count(dir).uses, 4);
	CHECK_CLEAN(verify_with(dir, WITH_BOTH));
	free(dir);
}
END_TEST

START_TEST(failures_are_never_folded)
{
	char *dir = temp_dir();
	struct audit_conf conf = fold_conf(dir, AUDIT_FOLD_ALL);
	struct audit *a = open_log(&conf);
	struct audit_event e = audit_sign_event();
	struct err err = { 0 };

	e.error_code = "Rejected.Disabled";
	for (unsigned i = 0; i < 5; i++)
		CHECK_RC(audit_write(a, &e, &err), KMS_OK);
	ck_assert_uint_eq(count(dir).records, 5);
	close_log(a);
	free(dir);
}
END_TEST

START_TEST(a_count_that_cannot_be_written_is_kept)
{
	char *dir = temp_dir(), *gone = log_path(dir, "register");
	struct audit_conf conf = fold_conf(dir, AUDIT_FOLD_ALL);
	struct audit *a = open_log(&conf);
	struct audit_event e = audit_sign_event();
	struct audit_fold *f = NULL;
	struct err err = { 0 };

	CHECK_RC(audit_fold_open(a, &f), KMS_OK);
	ck_assert_int_eq(mkdir(gone, 0700), 0); /* nothing can be written */
	for (unsigned i = 0; i < 6; i++)
		use(f, &key1, SIGN);
	os_fake_clock(NOON + 1);
	ck_assert(!audit_fold_hit(f, &key1, SIGN));
	CHECK_RC(audit_fold_use(f, &key1, SIGN, &e, &err), KMS_IO); /* this use is refused */
	CHECK_RC(audit_flush(a, false, NULL), KMS_IO);
	ck_assert_int_eq(rmdir(gone), 0);
	err_clear(&err);
	CHECK_RC(audit_fold_use(f, &key1, SIGN, &e, &err), KMS_OK);
	audit_fold_close(f);
	ck_assert_uint_eq(count(dir).uses, 7);
	close_log(a);
	free(gone);
	free(dir);
}
END_TEST

START_TEST(a_forked_child_counts_anew)
{
	char *dir = temp_dir();
	struct audit_conf conf = fold_conf(dir, AUDIT_FOLD_ALL);
	struct audit *a = open_log(&conf);
	struct audit_fold *f = NULL;
	pid_t pid;

	CHECK_RC(audit_fold_open(a, &f), KMS_OK);
	for (unsigned i = 0; i < 5; i++)
		use(f, &key1, SIGN);
	if ((pid = fork()) == 0) {
		struct audit_event e = audit_sign_event();
		bool good = !audit_fold_hit(f, &key1, SIGN) &&
		    audit_fold_use(f, &key1, SIGN, &e, NULL) == KMS_OK &&
		    audit_fold_hit(f, &key1, SIGN);

		audit_fold_close(f);
		_exit(good && audit_close(a, NULL) == KMS_OK ? 0 : 1);
	}
	reap(pid);
	ck_assert_uint_eq(count(dir).uses, 2);
	if ((pid = fork()) == 0) { /* one that uses nothing */
		audit_fold_close(f);
		_exit(audit_close(a, NULL) == KMS_OK ? 0 : 1);
	}
	reap(pid);
	audit_fold_close(f);
	close_log(a);
	ck_assert_uint_eq(count(dir).uses, 7);
	CHECK_CLEAN(verify_with(dir, WITH_BOTH));
	free(dir);
}
END_TEST

/* -- threads -- */

#define THREADS	 4
#define SESSIONS 50 /* of each thread, one after the other */
#define USES	 200

static struct audit *shared;
static atomic_bool stop;

static void *
run_sessions(void *arg UNUSED)
{
	for (unsigned s = 0; s < SESSIONS; s++) {
		struct audit_fold *f = NULL;

		CHECK_RC(audit_fold_open(shared, &f), KMS_OK);
		for (unsigned i = 0; i < USES; i++)
			use(f, i % 3 == 0 ? &key2 : &key1, SIGN);
		audit_fold_close(f);
	}
	return NULL;
}

static void *
tick_and_flush(void *arg UNUSED)
{
	struct err err = { 0 };

	while (!stop) {
		audit_tick(shared);
		CHECK_RC(audit_flush(shared, false, &err), KMS_OK);
	}
	return NULL;
}

START_TEST(sessions_come_and_go_while_others_flush)
{
	char *dir = temp_dir();
	struct audit_conf conf = fold_conf(dir, AUDIT_FOLD_ALL);
	pthread_t threads[THREADS], ticker;

	conf.batch_records = 16;
	shared = open_log(&conf);
	ck_assert_int_eq(pthread_create(&ticker, NULL, tick_and_flush, NULL), 0);
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run_sessions, NULL), 0);
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	stop = true;
	ck_assert_int_eq(pthread_join(ticker, NULL), 0);
	close_log(shared);
	ck_assert_uint_eq(count(dir).uses, THREADS * SESSIONS * USES);
	CHECK_CLEAN(verify_with(dir, WITH_BOTH));
	free(dir);
}
END_TEST

int
main(void)
{
	return unit_main(AUDIT_SUITE("audit-fold", uses_within_a_second_are_one_record,
	    with_repeats_the_first_use_is_recorded_at_once, off_records_every_use,
	    keys_actions_and_sessions_are_counted_apart,
	    more_kinds_of_use_than_a_session_counts_are_still_all_recorded,
	    what_is_counted_is_written_at_logout_by_tick_and_at_the_end, failures_are_never_folded,
	    a_count_that_cannot_be_written_is_kept, a_forked_child_counts_anew,
	    sessions_come_and_go_while_others_flush));
}
