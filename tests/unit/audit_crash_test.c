/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that die, many processes at once: what was acknowledged is there, what is there
 * verifies, and what cannot be known is said to be so.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/audit_fixture.h"

START_TEST(a_writer_that_died_is_told_with_its_unsigned_records)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;

	conf.checkpoint_records = 4;
	run_and_die(&conf, 6);
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_uint_eq(v.n, 1);
	ck_assert_int_eq(v.v[0].problem, AUDIT_NO_CHECKPOINT);
	ck_assert_str_eq(v.v[0].file, LOG1);
	ck_assert_uint_eq(v.v[0].line, 8); /* start, four, checkpoint, two */
	ck_assert_uint_eq(v.v[0].count, 2);
	ck_assert_uint_eq(v.sum.unsigned_records, 2);
	free(dir);
}
END_TEST

START_TEST(a_dead_writers_unsigned_end_may_be_cut_unseen_but_nothing_before_it)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;
	auto_buf all = { 0 };

	conf.checkpoint_records = 4;
	run_and_die(&conf, 6);
	all = load(dir, LOG1);
	for (unsigned line = 8; line > 1; line--) {
		struct slice l = line_of(buf_slice(&all), line);

		store(dir, LOG1, slice_of(all.p, (size_t)(l.p - all.p)));
		v = verify_with(dir, WITH_BOTH);
		if (line > 6) { /* behind the checkpoint: as docs/audit.md says */
			CHECK_RC(v.rc, KMS_OK);
			ck_assert_int_eq(v.v[0].problem, AUDIT_NO_CHECKPOINT);
			ck_assert_uint_eq(v.v[0].count, line - 7);
		} else {
			CHECK_RC(v.rc, KMS_TAMPERED);
			ck_assert_int_eq(v.v[0].problem, AUDIT_CUT);
			ck_assert_uint_eq(v.v[0].line, line);
		}
	}
	free(dir);
}
END_TEST

START_TEST(the_next_writer_puts_a_dead_ones_end_under_its_own_signature)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;
	auto_buf all = { 0 };

	run_and_die(&conf, 3);
	run_log(&conf, "next", 1);
	v = verify_with(dir, WITH_BOTH);
	CHECK_CLEAN(v);
	ck_assert(has_note(&v, AUDIT_KILLED));
	ck_assert_uint_eq(v.sum.unsigned_records, 0);
	all = load(dir, LOG1);
	new_end(dir, LOG1, (size_t)(line_of(buf_slice(&all), 4).p - all.p), BYTES(""));
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_TAMPERED);
	ck_assert_int_eq(v.v[0].problem, AUDIT_CUT);
	ck_assert_uint_eq(v.v[0].line, 4);
	free(dir);
}
END_TEST

START_TEST(a_torn_line_is_told_and_bridged_by_the_next_writer)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	auto_buf all = { 0 };
	struct slice last;

	run_and_die(&conf, 3);
	all = load(dir, LOG1);
	last = line_of(buf_slice(&all), 4);
	for (size_t keep = 1; keep < last.len; keep += 97) {
		struct verdict v;
		auto_buf bridged = { 0 };
		size_t torn = (size_t)(last.p - all.p);

		new_end(dir, LOG1, torn, slice_of(last.p, keep));
		v = verify_with(dir, WITH_BOTH);
		CHECK_RC(v.rc, KMS_OK);
		ck_assert_uint_eq(v.n, 2);
		ck_assert_int_eq(v.v[0].problem, AUDIT_TORN);
		ck_assert_uint_eq(v.v[0].line, 4);
		ck_assert_uint_eq(v.v[0].count, keep);
		ck_assert_int_eq(v.v[1].problem, AUDIT_NO_CHECKPOINT);

		run_log(&conf, "next", 2);
		v = verify_with(dir, WITH_BOTH);
		CHECK_RC(v.rc, KMS_OK);
		ck_assert_msg(v.n == 1 && v.v[0].problem == AUDIT_TORN && v.v[0].line == 4 &&
			v.v[0].count == keep,
		    "%s", verdict_text(&v));
		ck_assert_uint_eq(v.sum.records, 2 + 2);
		run_log(&conf, "later", 1); /* who knows of no gap any more */
		v = verify_with(dir, WITH_BOTH);
		ck_assert_msg(v.rc == KMS_OK && v.n == 1 && v.sum.records == 5, "%s",
		    verdict_text(&v));

		/* What is torn is evidence too: it can be neither changed nor taken away. */
		bridged = load(dir, LOG1);
		bridged.p[torn + keep / 2] ^= 1;
		store(dir, LOG1, buf_slice(&bridged));
		v = verify_with(dir, WITH_BOTH);
		CHECK_RC(v.rc, KMS_TAMPERED);
		ck_assert_int_eq(v.v[0].problem, AUDIT_CHANGED);
		ck_assert_uint_eq(v.v[0].line, 4);
		memmove(bridged.p + torn, bridged.p + torn + keep + 1,
		    bridged.len - torn - keep - 1);
		bridged.len -= keep + 1;
		store(dir, LOG1, buf_slice(&bridged));
		v = verify_with(dir, WITH_BOTH);
		CHECK_RC(v.rc, KMS_TAMPERED);
		ck_assert_int_eq(v.v[0].problem, AUDIT_REMOVED);
		ck_assert_uint_eq(v.v[0].line, 4);

		/* Back to before the next writer, the register too. */
		free(dir);
		dir = temp_dir();
		conf = audit_conf_in(dir);
		audit_memory->known = false;
		run_and_die(&conf, 3);
		buf_free(&all);
		all = load(dir, LOG1);
		last = line_of(buf_slice(&all), 4);
	}
	free(dir);
}
END_TEST

START_TEST(zeros_at_the_end_are_what_a_disk_without_power_leaves)
{
	static const uint8_t zeros[10000];
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;

	run_and_die(&conf, 3);
	new_end(dir, LOG1, size_of(dir, LOG1), slice_of(zeros, sizeof(zeros)));
	run_log(&conf, "next", 1);
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_uint_eq(v.n, 1);
	ck_assert_int_eq(v.v[0].problem, AUDIT_TORN);
	ck_assert_uint_eq(v.v[0].count, sizeof(zeros));
	ck_assert_ptr_nonnull(strstr(v.v[0].text, "are zero"));
	free(dir);
}
END_TEST

START_TEST(damage_that_no_dying_process_leaves_is_an_error_even_when_bridged)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;
	auto_buf all = { 0 };

	run_and_die(&conf, 5);
	all = load(dir, LOG1);
	all.p[line_of(buf_slice(&all), 4).p - all.p + 30] ^= 1; /* and whole lines behind it */
	store(dir, LOG1, buf_slice(&all));
	run_log(&conf, "next", 2);
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_TAMPERED);
	ck_assert_int_eq(v.v[0].problem, AUDIT_CHANGED);
	ck_assert_uint_eq(v.v[0].line, 4);
	ck_assert_uint_eq(v.sum.errors, 1);
	ck_assert_uint_eq(v.sum.records, 2 + 2); /* those behind the bridge are checked */
	free(dir);
}
END_TEST

START_TEST(a_torn_entry_of_the_register_is_told_and_bridged)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;
	auto_buf before = { 0 }, after = { 0 };

	run_log(&conf, "a", 1);
	before = load(dir, "register");
	new_end(dir, "register", before.len, BYTES("{\"audit\":\"writer\",\"ti"));
	v = verify_with(dir, WITH_BOTH);
	ck_assert_msg(v.rc == KMS_OK, "%s", verdict_text(&v));
	ck_assert_uint_eq(v.n, 1);
	ck_assert_int_eq(v.v[0].problem, AUDIT_TORN);
	run_log(&conf, "b", 1);
	v = verify_with(dir, WITH_BOTH);
	ck_assert_msg(v.rc == KMS_OK, "%s", verdict_text(&v));
	ck_assert_uint_eq(v.n, 1);
	ck_assert_int_eq(v.v[0].problem, AUDIT_TORN);
	ck_assert_str_eq(v.v[0].file, "register");
	ck_assert_uint_eq(v.v[0].line, 4);
	after = load(dir, "register");
	after.p[before.len + 3] ^= 1;
	store(dir, "register", buf_slice(&after));
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_TAMPERED);
	ck_assert_int_eq(v.v[0].problem, AUDIT_CHANGED);
	ck_assert_uint_eq(v.v[0].line, 4);
	free(dir);
}
END_TEST

START_TEST(a_death_between_registering_and_writing_is_no_error)
{
	/* What is left when a process dies right after it has registered itself, or a new file. */
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;
	auto_buf all = { 0 };

	run_log(&conf, "a", 2);
	all = load(dir, LOG1);
	run_and_die(&conf, 1);
	store(dir, LOG1, buf_slice(&all)); /* registered, and nothing written */
	CHECK_CLEAN(verify_with(dir, WITH_BOTH));
	new_end(dir, LOG1, all.len, BYTES("{\"audit\":\"sta"));
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_int_eq(v.v[0].problem, AUDIT_TORN);
	run_log(&conf, "b", 2);
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_uint_eq(v.sum.records, 4);
	free(dir);

	dir = temp_dir();
	conf = audit_conf_in(dir);
	audit_memory->known = false;
	store(dir, LOG1, BYTES("")); /* made, and not registered */
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_TAMPERED); /* a file without a register at all */
	run_log(&conf, "a", 2);
	store(dir, "0002-000001.log", BYTES(""));
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_int_eq(v.v[0].problem, AUDIT_EMPTY);
	free(dir);
}
END_TEST

START_TEST(a_new_file_that_got_no_line_is_gone_on_with)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;
	auto_buf all = { 0 };

	os_fake_clock(NOON);
	run_log(&conf, "a", 2);
	os_fake_clock(NOON + 86400);
	run_and_die(&conf, 1);
	store(dir, "0001-000002.log", BYTES("{\"aud"));
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_int_eq(v.v[0].problem, AUDIT_TORN);
	run_log(&conf, "b", 2);
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_uint_eq(v.sum.records, 4);
	ck_assert_uint_eq(v.n, 1);
	ck_assert_int_eq(v.v[0].problem, AUDIT_TORN);
	ck_assert_str_eq(v.v[0].file, "0001-000002.log");
	free(dir);
}
END_TEST

START_TEST(what_a_dead_writer_left_torn_at_the_end_of_a_full_file_is_kept)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;
	size_t len;
	auto_buf all = { 0 };

	os_fake_clock(NOON);
	run_and_die(&conf, 2);
	len = size_of(dir, LOG1);
	new_end(dir, LOG1, len, BYTES("{\"eventId\":\"1"));
	os_fake_clock(NOON + 86400);
	run_log(&conf, "b", 2); /* in the day's file */
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_uint_eq(v.n, 1);
	ck_assert_int_eq(v.v[0].problem, AUDIT_TORN);
	ck_assert_str_eq(v.v[0].file, LOG1);
	all = load(dir, LOG1);
	all.p[len + 2] ^= 1;
	store(dir, LOG1, buf_slice(&all));
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_TAMPERED);
	ck_assert_str_eq(v.v[0].file, LOG1);
	ck_assert_int_eq(v.v[0].problem, AUDIT_CHANGED);
	new_end(dir, LOG1, len, BYTES(""));
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_TAMPERED);
	ck_assert_int_eq(v.v[0].problem, AUDIT_REMOVED);
	free(dir);
}
END_TEST

START_TEST(what_was_torn_before_a_new_file_is_told_by_whoever_first_writes_to_that)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;
	size_t len;
	auto_buf all = { 0 };

	os_fake_clock(NOON);
	run_and_die(&conf, 2);
	len = size_of(dir, LOG1);
	new_end(dir, LOG1, len, BYTES("{\"eventId\":\"1"));
	os_fake_clock(NOON + 86400);
	run_and_die(&conf, 1);
	store(dir, "0001-000002.log", BYTES("")); /* died before it had written its first line */
	run_log(&conf, "b", 2);
	v = verify_with(dir, WITH_BOTH);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_uint_eq(v.n, 1);
	ck_assert_int_eq(v.v[0].problem, AUDIT_TORN);
	ck_assert_str_eq(v.v[0].file, LOG1);
	all = load(dir, LOG1);
	all.p[len + 2] ^= 1;
	store(dir, LOG1, buf_slice(&all));
	CHECK_RC(verify_with(dir, WITH_BOTH).rc, KMS_TAMPERED);
	free(dir);
}
END_TEST

/* -- kill -9 -- */

#define KILLS	40
#define WRITERS 2 /* threads of the process that is killed */

struct ack {
	unsigned run, writer, n;
};

static struct audit *victim;
static int ack_fd;
static unsigned run_number;

static void *
write_and_acknowledge(void *arg)
{
	struct ack ack = { .run = run_number, .writer = (unsigned)(uintptr_t)arg };
	struct audit_event e = audit_sign_event();
	char id[64];

	for (;;) {
		(void)snprintf(id, sizeof(id), "%u-%u-%u", ack.run, ack.writer, ack.n);
		e.request_id = id;
		if (audit_write(victim, &e, NULL) != KMS_OK)
			_exit(2);
		if (write(ack_fd, &ack, sizeof(ack)) != sizeof(ack))
			_exit(3);
		ack.n++;
	}
	return NULL;
}

static void
victim_process(const struct audit_conf *conf)
{
	pthread_t t;

	victim = open_log(conf);
	for (unsigned i = 1; i < WRITERS; i++) {
		if (pthread_create(&t, NULL, write_and_acknowledge, (void *)(uintptr_t)i) != 0)
			_exit(4);
	}
	write_and_acknowledge(NULL);
}

/* Reads all records; how many of each run and thread there are: their numbers must have no gap. */
static void
count_records(const char *dir, unsigned found[KILLS][WRITERS])
{
	struct audit_reader *r = NULL;
	struct audit_row row;
	struct err err = { 0 };

	CHECK_RC(audit_reader_open(dir, NULL, &r, &err), KMS_OK);
	while (audit_reader_next(r, &row, &err) == KMS_OK) {
		unsigned run, writer, n;

		ck_assert_int_eq(sscanf(row.request_id, "%u-%u-%u", &run, &writer, &n), 3);
		ck_assert_uint_lt(run, KILLS);
		ck_assert_uint_eq(n, found[run][writer]);
		found[run][writer]++;
	}
	audit_reader_close(r);
}

START_TEST(nothing_that_was_acknowledged_is_lost_when_the_process_is_killed)
{
	static unsigned acknowledged[KILLS][WRITERS], found[KILLS][WRITERS];
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	unsigned seed = 7, total = 0;
	struct verdict v;

	conf.durable = _i != 0;
	conf.file_max = 20000; /* killed while files change, too */
	conf.checkpoint_records = 5;
	for (run_number = 0; run_number < KILLS; run_number++) {
		unsigned wanted; /* acknowledgements until the kill */
		struct ack ack;
		int fds[2], status;
		pid_t pid;

		ck_assert_int_eq(pipe(fds), 0);
		ack_fd = fds[1];
		if ((pid = fork()) == 0)
			victim_process(&conf);
		close(fds[1]);
		seed = seed * 1103515245u + 12345u;
		wanted = run_number % 8 == 0 ? 0 : (seed >> 16) % (conf.durable ? 8 : 60);
		for (unsigned n = 0; read(fds[0], &ack, sizeof(ack)) == sizeof(ack); n++) {
			acknowledged[ack.run][ack.writer] = ack.n + 1;
			total++;
			if (n == wanted)
				ck_assert_int_eq(kill(pid, SIGKILL), 0);
		}
		close(fds[0]);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFSIGNALED(status), "the child ended by itself: %x",
		    (unsigned)status);
		v = verify_with(dir, WITH_BOTH);
		ck_assert_msg(v.rc == KMS_OK, "after kill %u: %s", run_number, verdict_text(&v));
	}
	ck_assert_uint_ge(total, KILLS);
	count_records(dir, found);
	for (unsigned i = 0; i < KILLS; i++) {
		for (unsigned k = 0; k < WRITERS; k++)
			ck_assert_uint_ge(found[i][k], acknowledged[i][k]);
	}
	free(dir);
}
END_TEST

/* -- many processes -- */

#define PROCESSES 8
#define EACH	  10000

START_TEST(eight_processes_at_once_lose_nothing)
{
	char *dir = temp_dir();
	struct audit_conf conf = audit_conf_in(dir);
	pid_t pids[PROCESSES];
	struct verdict v;

	conf.batch_records = 64;
	conf.file_max = 2 << 20;
	conf.checkpoint_records = 2000;
	for (unsigned i = 0; i < PROCESSES; i++) {
		if ((pids[i] = fork()) == 0) {
			run_log(&conf, "x", EACH);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < PROCESSES; i++)
		reap(pids[i]);
	v = verify_with(dir, WITH_BOTH);
	CHECK_CLEAN(v);
	ck_assert_uint_eq(v.sum.records, PROCESSES * EACH);
	ck_assert_uint_eq(v.sum.writers, PROCESSES);
	ck_assert_uint_gt(v.sum.files, PROCESSES * 2);
	free(dir);
}
END_TEST

int
main(void)
{
	Suite *s = AUDIT_SUITE("audit-crash", a_writer_that_died_is_told_with_its_unsigned_records,
	    a_dead_writers_unsigned_end_may_be_cut_unseen_but_nothing_before_it,
	    the_next_writer_puts_a_dead_ones_end_under_its_own_signature,
	    a_torn_line_is_told_and_bridged_by_the_next_writer,
	    zeros_at_the_end_are_what_a_disk_without_power_leaves,
	    damage_that_no_dying_process_leaves_is_an_error_even_when_bridged,
	    a_torn_entry_of_the_register_is_told_and_bridged,
	    a_death_between_registering_and_writing_is_no_error,
	    a_new_file_that_got_no_line_is_gone_on_with,
	    what_a_dead_writer_left_torn_at_the_end_of_a_full_file_is_kept,
	    what_was_torn_before_a_new_file_is_told_by_whoever_first_writes_to_that);
	TCase *c = tcase_create("many");

	tcase_add_checked_fixture(c, audit_setup, audit_teardown);
	tcase_set_timeout(c, 200);
	tcase_add_loop_test(c, nothing_that_was_acknowledged_is_lost_when_the_process_is_killed, 0,
	    2);
	tcase_add_test(c, eight_processes_at_once_lose_nothing);
	suite_add_tcase(s, c);
	return unit_main(s);
}
