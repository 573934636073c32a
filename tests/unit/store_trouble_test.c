/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store in trouble: files that are not as they should be, full disks, locks, rights,
 * forks. */
#define _GNU_SOURCE 1
#include "store/store.h"

#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "store/sqlite.h"
#include "tests/p11/child.h"
#include "tests/unit/store_fixture.h"

#define NOBODY 65534

/* -- a file that is not as it should be -- */

static void
check_refused(enum kms_rc wanted, const char *in_text)
{
	struct store *s = NULL;
	struct call c = { 0 };

	CHECK_RC(store_open_sqlite(path, false, &c, &s), wanted);
	ck_assert_msg(strstr(c.err.text, in_text) != NULL, "%s", c.err.text);
	ck_assert_msg(strstr(c.err.text, "token.db") != NULL, "%s", c.err.text);
}

START_TEST(store_of_a_newer_version_is_refused)
{
	close_store(new_store());
	edit("PRAGMA user_version = 99");
	check_refused(KMS_NEWER, "version 99");
}
END_TEST

START_TEST(store_that_becomes_newer_while_open_is_refused_too)
{
	struct store *s = new_store();
	auto_store_token t = { 0 };
	struct call c = { 0 };

	edit("PRAGMA user_version = 99");
	(void)s->ops->generation(s);
	CHECK_RC(s->ops->token_get(s, &c, &t), KMS_NEWER);
	close_store(s);
}
END_TEST

START_TEST(database_of_another_program_is_refused)
{
	edit("CREATE TABLE mine (a)");
	ck_assert_int_eq(chmod(path, 0600), 0);
	check_refused(KMS_TAMPERED, "another program");
}
END_TEST

START_TEST(garbage_is_refused)
{
	char text[8193];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	write_file(path, text, 0600);
	check_refused(KMS_TAMPERED, "backup");
}
END_TEST

START_TEST(store_with_a_table_missing_is_refused)
{
	struct store *s;
	auto_object_refs refs = { 0 };
	struct object_query q = ALL;
	struct call c = { 0 };

	close_store(new_store());
	edit("DROP TABLE object");
	s = open_store(false);
	CHECK_RC(s->ops->find(s, &c, &q, &refs), KMS_TAMPERED);
	close_store(s);
}
END_TEST

START_TEST(file_that_was_cut_is_refused_at_the_latest_when_read)
{
	struct store *s = new_store();
	struct call c = { 0 };
	struct stat st;
	off_t len;

	for (unsigned i = 0; i < 200; i++) {
		auto_store_row r = row_of((uint8_t)i, OBJECT_DATA, "x", "y");

		CHECK_RC(store_insert(s, &c, SERIAL, &r, 1), KMS_OK);
	}
	close_store(s);
	ck_assert_int_eq(stat(path, &st), 0);
	for (len = st.st_size - 4096; len > 0; len -= 4096) {
		auto_object_refs refs = { 0 };
		struct object_query q = ALL;
		enum kms_rc rc;

		ck_assert_int_eq(truncate(path, len), 0);
		rc = store_open_sqlite(path, false, &c, &s);
		if (rc == KMS_OK) {
			rc = s->ops->find(s, &c, &q, &refs);
			close_store(s);
		}
		CHECK_RC(rc, KMS_TAMPERED);
	}
}
END_TEST

START_TEST(empty_file_is_a_token_that_is_not_initialised)
{
	struct store *s;
	auto_store_token t = { 0 };
	struct call c = { 0 };

	write_file(path, "", 0600);
	s = open_store(false);
	CHECK_RC(s->ops->token_get(s, &c, &t), KMS_OK);
	ck_assert_uint_eq(t.serial.len, 0);
	reset(s, slice_of(NULL, 0));
	insert(s, 'a', OBJECT_DATA, "", "");
	check_found(s, ALL, "a");
	close_store(s);
}
END_TEST

START_TEST(columns_that_cannot_be_are_refused)
{
	static const char *const sql[] = {
		"UPDATE object SET kind = 6",
		"UPDATE object SET kind = -1",
		"UPDATE object SET type = 4294967297",
		"UPDATE object SET curve = 99",
		"UPDATE object SET bits = -5",
		"UPDATE object SET flags = 4294967296",
		"UPDATE object SET label = zeroblob(1025)",
		"UPDATE object SET app_id = zeroblob(1025)",
		"UPDATE object SET key = x'01'",
		"UPDATE object SET attrs = zeroblob(300000)",
	};
	auto_store_row row = { 0 };
	struct uid id = uid_of('a');
	struct call c = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
		struct store *s;

		(void)unlink(path);
		s = new_store();
		insert(s, 'a', OBJECT_DATA, "", "");
		edit(sql[i]);
		CHECK_RC(s->ops->get(s, &c, &id, &row), KMS_TAMPERED);
		close_store(s);
	}
}
END_TEST

START_TEST(id_of_another_length_is_refused)
{
	struct store *s = new_store();
	auto_object_refs refs = { 0 };
	struct object_query q = ALL;
	struct call c = { 0 };

	insert(s, 'a', OBJECT_DATA, "", "");
	edit("UPDATE object SET id = x'01'");
	CHECK_RC(s->ops->find(s, &c, &q, &refs), KMS_TAMPERED);
	close_store(s);
}
END_TEST

/* -- a system that is not as it should be -- */

START_TEST(full_disk_loses_nothing)
{
	struct store *s = new_store();
	struct rlimit limit, none;
	struct call c = { 0 };
	enum kms_rc rc = KMS_OK;
	unsigned n;
	char wanted[256] = "";

	ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &none), 0);
	limit = (struct rlimit){ .rlim_cur = 300000, .rlim_max = none.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (n = 0; n < 200 && rc == KMS_OK; n++) {
		if ((rc = try_insert(s, (uint8_t)(n + 1), "x", &c)) == KMS_OK)
			wanted[n] = (char)(n + 1);
	}
	ck_assert_msg(rc == KMS_FULL, "%s: %s", rc_name(rc), c.err.text);
	ck_assert_uint_gt(n, 5);
	check_found(s, ALL, wanted);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	err_clear(&c.err);
	CHECK_RC(try_insert(s, 250, "x", &c), KMS_OK);
	close_store(s);
	edit("PRAGMA integrity_check");
}
END_TEST

START_TEST(store_locked_by_another_is_busy_within_the_deadline)
{
	struct store *s = new_store();
	uint64_t start = os_monotonic_ms(), took;
	struct call c = { .deadline_ms = start + 200 };
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	CHECK_RC(try_insert(s, 1, "x", &c), KMS_BUSY);
	took = os_monotonic_ms() - start;
	ck_assert_uint_ge(took, 100);
	ck_assert_uint_lt(took, 1000);
	/* Reading goes on meanwhile. */
	check_found(s, ALL, "");
	ck_assert_int_eq(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	CHECK_RC(try_insert(s, 1, "x", NULL), KMS_OK);
	sqlite3_close(db);
	close_store(s);
}
END_TEST

START_TEST(statement_that_met_a_lock_starts_afresh_with_what_it_is_given_next)
{
	struct store *s = new_store();
	struct call c = { .deadline_ms = os_monotonic_ms() + 50 };
	auto_store_token t = { 0 };
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	CHECK_RC(s->ops->pin_count(s, &c, ROLE_USER, false), KMS_BUSY);
	ck_assert_int_eq(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	CHECK_RC(s->ops->pin_count(s, NULL, ROLE_SO, false), KMS_OK);
	CHECK_RC(s->ops->token_get(s, NULL, &t), KMS_OK);
	ck_assert_uint_eq(t.so.failures, 1);
	ck_assert_uint_eq(t.user.failures, 0);
	sqlite3_close(db);
	close_store(s);
}
END_TEST

START_TEST(busy_ends_when_the_clock_stands_still)
{
	struct store *s = new_store();
	sqlite3 *db;
	struct call c = { .deadline_ms = 100100 };

	os_fake_clock(100);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	CHECK_RC(try_insert(s, 1, "x", &c), KMS_BUSY);
	os_fake_clock(-1);
	sqlite3_close(db);
	close_store(s);
}
END_TEST

START_TEST(store_configured_read_only_is_read_and_never_written)
{
	struct store *s = new_store();
	auto_store_token t = { 0 };
	struct uid id = uid_of('a');
	struct call c = { 0 };

	insert(s, 'a', OBJECT_DATA, "x", "");
	close_store(s);
	s = open_store(true);
	ck_assert(s->read_only);
	check_found(s, ALL, "a");
	CHECK_RC(s->ops->token_get(s, &c, &t), KMS_OK);
	CHECK_RC(try_insert(s, 1, "x", &c), KMS_READONLY);
	CHECK_RC(store_remove(s, &c, &id), KMS_READONLY);
	CHECK_RC(s->ops->pin_count(s, &c, ROLE_USER, false), KMS_READONLY);
	CHECK_RC(s->ops->token_reset(s, &c, SERIAL, &t), KMS_READONLY);
	close_store(s);
}
END_TEST

START_TEST(read_only_store_that_is_not_there_is_not_made)
{
	struct store *s = open_store(true);
	auto_store_token t = { 0 };

	CHECK_RC(s->ops->token_reset(s, NULL, slice_of(NULL, 0), &t), KMS_READONLY);
	ck_assert(!exists(path));
	close_store(s);
}
END_TEST

/* Root may write everything; the rights of files are tested as nobody, in this test's own process.
 */
static void
become_nobody(void)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(unit_root, 0711), 0);
	ck_assert_int_eq(chown(dir, NOBODY, NOBODY), 0);
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(NOBODY, NOBODY, NOBODY), 0);
	ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
}

START_TEST(file_that_cannot_be_written_is_read)
{
	struct store *s;
	struct call c = { 0 };

	become_nobody();
	s = new_store();
	insert(s, 'a', OBJECT_DATA, "x", "");
	close_store(s);
	ck_assert_int_eq(chmod(path, 0400), 0);
	s = open_store(false);
	ck_assert(s->read_only);
	check_found(s, ALL, "a");
	CHECK_RC(try_insert(s, 1, "x", &c), KMS_READONLY);
	close_store(s);
}
END_TEST

START_TEST(file_that_cannot_be_read_names_who_has_no_access)
{
	char who[64];

	become_nobody();
	(void)snprintf(who, sizeof(who), "user %lu has no access", (unsigned long)geteuid());
	close_store(new_store());
	ck_assert_int_eq(chmod(path, 0), 0);
	check_refused(KMS_IO, who);
	ck_assert_int_eq(chmod(dir, 0), 0);
	check_refused(KMS_IO, who);
	ck_assert_int_eq(chmod(dir, 0700), 0);
}
END_TEST

START_TEST(file_in_a_folder_that_cannot_be_written_is_read_and_its_replacement_noticed)
{
	struct store *s;
	struct call c = { 0 };

	become_nobody();
	s = new_store();
	insert(s, 'a', OBJECT_DATA, "x", "");
	close_store(s);
	ck_assert_int_eq(chmod(path, 0400), 0);
	ck_assert_int_eq(chmod(dir, 0500), 0);
	s = open_store(false);
	ck_assert(s->read_only);
	check_found(s, ALL, "a");
	CHECK_RC(try_insert(s, 1, "x", &c), KMS_READONLY);
	ck_assert_int_eq(chmod(dir, 0700), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
	{
		struct store *w = open_store(false);

		insert(w, 'b', OBJECT_DATA, "x", "");
		close_store(w);
	}
	ck_assert_int_eq(chmod(path, 0400), 0);
	ck_assert_int_eq(chmod(dir, 0500), 0);
	check_found(s, ALL, "ab");
	close_store(s);
	ck_assert_int_eq(chmod(dir, 0700), 0);
}
END_TEST

START_TEST(rights_that_are_too_wide_are_refused)
{
	close_store(new_store());
	ck_assert_int_eq(chmod(path, 0620), 0);
	check_refused(KMS_CONFIG, "written by others");
	ck_assert_int_eq(chmod(path, 0604), 0);
	check_refused(KMS_CONFIG, "read by others");
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(chmod(dir, 0770), 0);
	{
		struct store *s = NULL;
		struct call c = { 0 };

		CHECK_RC(store_open_sqlite(path, false, &c, &s), KMS_CONFIG);
		ck_assert_ptr_nonnull(strstr(c.err.text, "folder"));
	}
	ck_assert_int_eq(chmod(dir, 0700), 0);
	close_store(open_store(false));
}
END_TEST

START_TEST(file_of_somebody_else_is_refused)
{
	close_store(new_store());
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(path, NOBODY, NOBODY), 0);
	check_refused(KMS_CONFIG, "belongs to");
}
END_TEST

START_TEST(sticky_folder_takes_our_own_file_and_no_companion_of_others)
{
	char *wal = os_path_join(dir, "token.db-wal");

	close_store(new_store());
	ck_assert_int_eq(chmod(dir, 01777), 0);
	close_store(open_store(false));
	if (geteuid() == 0) {
		write_file(wal, "", 0600);
		ck_assert_int_eq(chown(wal, NOBODY, NOBODY), 0);
		check_refused(KMS_CONFIG, "somebody else");
	}
	free(wal);
}
END_TEST

START_TEST(pipe_in_the_place_of_the_file_is_refused)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	check_refused(KMS_CONFIG, "regular");
}
END_TEST

START_TEST(file_that_was_replaced_is_noticed_before_it_is_written)
{
	struct store *s = new_store();
	char *old = os_path_join(dir, "old.db");
	uint64_t before;

	insert(s, 'a', OBJECT_DATA, "x", "");
	before = s->ops->generation(s);
	ck_assert_int_eq(rename(path, old), 0);
	{
		struct store *other = new_store();

		close_store(other);
	}
	insert(s, 'b', OBJECT_DATA, "x", "");
	check_found(s, ALL, "b");
	ck_assert_uint_gt(s->ops->generation(s), before);
	close_store(s);
	free(old);
}
END_TEST

START_TEST(no_connection_reads_a_file_that_was_replaced_once_that_is_known)
{
	struct store *s = new_store();
	struct sqlite_store *inside = (struct sqlite_store *)s;
	char *old = os_path_join(dir, "old.db");
	struct conn *k[2];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2; i++) {
			CHECK_RC(conn_borrow(inside, NULL, BORROW_READ, &k[i]), KMS_OK);
			ck_assert(conn_is_current(k[i]));
		}
		for (int i = 0; i < 2; i++)
			conn_return(inside, k[i]);
		ck_assert_int_eq(rename(path, old), 0);
		close_store(new_store());
		(void)s->ops->generation(s);
	}
	close_store(s);
	free(old);
}
END_TEST

/*
 * SQLite's account of locks survives a fork while the locks do not: unless the parent's connections
 * leave that account, the child's store takes no lock, and the parent's closing removes the log
 * that the child goes on to write.
 */
START_TEST(store_opened_after_a_fork_holds_locks_of_its_own)
{
	struct store *s = new_store();
	int to_child[2], to_parent[2], status;
	char byte = 0;
	pid_t pid;

	insert(s, 'a', OBJECT_DATA, "x", "");
	ck_assert_int_eq(pipe(to_child), 0);
	ck_assert_int_eq(pipe(to_parent), 0);
	(void)os_fork_generation();
	if ((pid = fork()) == 0) {
		struct store *mine;
		struct call c = { 0 };
		bool good = store_open_sqlite(path, false, &c, &mine) == KMS_OK &&
		    try_insert(mine, 'b', "x", &c) == KMS_OK && write(to_parent[1], "1", 1) == 1 &&
		    read(to_child[0], &byte, 1) == 1 && try_insert(mine, 'c', "x", &c) == KMS_OK;

		if (good)
			close_store(mine);
		_exit(good ? 0 : 1);
	}
	ck_assert_int_eq(read(to_parent[0], &byte, 1), 1);
	close_store(s);
	ck_assert_int_eq(write(to_child[1], "1", 1), 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	s = open_store(false);
	check_found(s, ALL, "abc");
	close_store(s);
}
END_TEST

/* Whoever is second finds a token that is not the one, or none, that it was to replace. */
static void
make_store(void)
{
	auto_store_token t = { 0 };
	struct store *s = open_store(false);
	struct call c = { 0 };
	enum kms_rc rc;

	CHECK_RC(buf_set(&t.serial, SERIAL), KMS_OK);
	fill(&t.label, "label");
	fill(&t.open_key, "open key");
	fill(&t.so.sealed, "so sealed");
	fill(&t.so.salt, "so salt");
	rc = s->ops->token_reset(s, &c, slice_of(NULL, 0), &t);
	ck_assert_msg(rc == KMS_OK || rc == KMS_CONFLICT, "%s: %s", rc_name(rc), c.err.text);
	close_store(s);
}

static void
make_store_too(struct child *up, void *arg UNUSED)
{
	child_meet(up);
	make_store();
}

START_TEST(stores_made_at_once_by_two_processes_are_one)
{
	struct child other;
	struct store *s;

	for (int i = 0; i < 60; i++) {
		child_start(&other, make_store_too, NULL);
		child_meet(&other);
		make_store();
		child_end(&other);
		s = open_store(false);
		insert(s, 'a', OBJECT_DATA, "x", "");
		check_found(s, ALL, "a");
		close_store(s);
		ck_assert_int_eq(unlink(path), 0);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { store_of_a_newer_version_is_refused,
		store_that_becomes_newer_while_open_is_refused_too,
		database_of_another_program_is_refused, garbage_is_refused,
		store_with_a_table_missing_is_refused,
		file_that_was_cut_is_refused_at_the_latest_when_read,
		empty_file_is_a_token_that_is_not_initialised, columns_that_cannot_be_are_refused,
		id_of_another_length_is_refused, full_disk_loses_nothing,
		store_locked_by_another_is_busy_within_the_deadline,
		statement_that_met_a_lock_starts_afresh_with_what_it_is_given_next,
		busy_ends_when_the_clock_stands_still,
		store_configured_read_only_is_read_and_never_written,
		read_only_store_that_is_not_there_is_not_made, file_that_cannot_be_written_is_read,
		file_that_cannot_be_read_names_who_has_no_access,
		file_in_a_folder_that_cannot_be_written_is_read_and_its_replacement_noticed,
		rights_that_are_too_wide_are_refused, file_of_somebody_else_is_refused,
		sticky_folder_takes_our_own_file_and_no_companion_of_others,
		pipe_in_the_place_of_the_file_is_refused,
		file_that_was_replaced_is_noticed_before_it_is_written,
		no_connection_reads_a_file_that_was_replaced_once_that_is_known,
		store_opened_after_a_fork_holds_locks_of_its_own,
		stores_made_at_once_by_two_processes_are_one };
	Suite *s = suite_create("store_trouble");
	TCase *t = tcase_create("store_trouble");

	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
