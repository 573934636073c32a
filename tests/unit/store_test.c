/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: what it keeps, finds and counts, for one process and for several. */
#define _GNU_SOURCE 1
#include "store/store.h"

#include <pthread.h>
#include <sys/wait.h>

#include "tests/unit/store_fixture.h"

/* -- what it keeps -- */

START_TEST(store_that_is_not_there_holds_nothing_and_makes_no_file)
{
	struct store *s = open_store(false);
	auto_store_token t = { 0 };
	auto_store_row row = { 0 };
	struct call c = { 0 };
	struct uid id = uid_of(1);

	CHECK_RC(s->ops->token_get(s, &c, &t), KMS_OK);
	ck_assert_uint_eq(t.serial.len, 0);
	check_found(s, ALL, "");
	CHECK_RC(s->ops->get(s, &c, &id, &row), KMS_NOTFOUND);
	CHECK_RC(store_remove(s, &c, &id), KMS_NOT_INITIALIZED);
	CHECK_RC(s->ops->pin_count(s, &c, ROLE_USER, false), KMS_NOT_INITIALIZED);
	CHECK_RC(try_insert(s, 1, "a", &c), KMS_NOT_INITIALIZED);
	(void)s->ops->generation(s);
	ck_assert(!exists(path));
	close_store(s);
	ck_assert(!exists(path));
}
END_TEST

START_TEST(store_is_made_private_with_its_folder)
{
	struct stat st;
	struct store *s;
	char *deep = os_path_join(dir, "a/b");

	free(path);
	path = os_path_join(deep, "token.db");
	s = new_store();
	insert(s, 1, OBJECT_DATA, "a", "");
	ck_assert_int_eq(stat(deep, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
	for (int i = 0; i < 3; i++) {
		char name[256];

		(void)snprintf(name, sizeof(name), "%s%s", path,
		    i == 0	 ? ""
			: i == 1 ? "-wal"
				 : "-shm");
		ck_assert_int_eq(stat(name, &st), 0);
		ck_assert_int_eq(st.st_mode & 0777, 0600);
	}
	close_store(s);
	free(deep);
}
END_TEST

START_TEST(store_gives_the_token_back_as_it_was_written)
{
	struct store *s = new_store();
	auto_store_token t = { 0 };
	struct call c = { 0 };

	CHECK_RC(s->ops->token_get(s, &c, &t), KMS_OK);
	CHECK_BYTES(buf_slice(&t.serial), SERIAL);
	CHECK_BYTES(buf_slice(&t.label), BYTES("label"));
	CHECK_BYTES(buf_slice(&t.open_key), BYTES("open key"));
	CHECK_BYTES(buf_slice(&t.so.salt), BYTES("so salt"));
	CHECK_BYTES(buf_slice(&t.so.sealed), BYTES("so sealed"));
	CHECK_BYTES(buf_slice(&t.user.sealed), BYTES("user sealed"));
	ck_assert_uint_eq(t.so.log2n, 15);
	ck_assert_uint_eq(t.so.max_failures, 10);
	ck_assert_uint_eq(t.user.r, 9);
	ck_assert_uint_eq(t.user.p, 2);
	close_store(s);
}
END_TEST

START_TEST(store_gives_a_row_back_as_it_was_written)
{
	struct store *s = new_store();
	auto_store_row r = row_of(7, OBJECT_PRIVATE_KEY, "label", "id"), got = { 0 };
	struct call c = { 0 };
	uint64_t revision;
	uint32_t flags;

	r.o.revision = 5;
	r.o.flags = 0xffffffff;
	fill(&r.o.subject, "subject");
	CHECK_RC(store_insert(s, &c, SERIAL, &r, 1), KMS_OK);
	close_store(s);
	s = open_store(false);
	CHECK_RC(s->ops->get(s, &c, &r.o.id, &got), KMS_OK);
	ck_assert(uid_eq(&got.o.id, &r.o.id));
	ck_assert_uint_eq(got.o.revision, 5);
	ck_assert_int_eq(got.o.kind, OBJECT_PRIVATE_KEY);
	ck_assert_int_eq(got.o.spec.type, KEY_EC);
	ck_assert_int_eq(got.o.spec.curve, CURVE_P256);
	ck_assert_uint_eq(got.o.spec.bits, 256);
	ck_assert_uint_eq(got.o.flags, 0xffffffff);
	CHECK_BYTES(buf_slice(&got.o.label), BYTES("label"));
	CHECK_BYTES(buf_slice(&got.o.app_id), BYTES("id"));
	CHECK_BYTES(buf_slice(&got.o.subject), BYTES("subject"));
	CHECK_BYTES(buf_slice(&got.o.attrs), BYTES("attrs"));
	CHECK_BYTES(buf_slice(&got.o.body), BYTES("body"));
	CHECK_BYTES(buf_slice(&got.sealed), BYTES("sealed"));
	CHECK_RC(s->ops->revision(s, &c, &r.o.id, &revision, &flags), KMS_OK);
	ck_assert_uint_eq(revision, 5);
	ck_assert_uint_eq(flags, 0xffffffff);
	close_store(s);
}
END_TEST

START_TEST(insert_keeps_all_rows_or_none)
{
	struct store *s = new_store();
	struct store_row v[2] = { row_of('b', OBJECT_DATA, "b", ""),
		row_of('a', OBJECT_DATA, "a", "") };
	struct call c = { 0 };

	insert(s, 'a', OBJECT_DATA, "first", "");
	CHECK_RC(store_insert(s, &c, SERIAL, v, 2), KMS_EXISTS);
	check_found(s, ALL, "a");
	v[1].o.id = uid_of('c');
	CHECK_RC(store_insert(s, &c, SERIAL, v, 2), KMS_OK);
	check_found(s, ALL, "abc");
	store_row_free(&v[0]);
	store_row_free(&v[1]);
	close_store(s);
}
END_TEST

START_TEST(insert_refuses_an_id_that_is_there)
{
	struct store *s = new_store();
	struct call c = { 0 };

	CHECK_RC(try_insert(s, 1, "one", &c), KMS_OK);
	CHECK_RC(try_insert(s, 1, "two", &c), KMS_EXISTS);
	check_found(s, BY(label, BYTES("two")), "");
	close_store(s);
}
END_TEST

START_TEST(insert_is_refused_once_the_token_has_been_made_anew)
{
	struct store *s = new_store();
	struct call c = { 0 };

	edit("UPDATE token SET serial = x'0011'");
	CHECK_RC(try_insert(s, 1, "one", &c), KMS_CONFLICT);
	check_found(s, ALL, "");
	close_store(s);
}
END_TEST

START_TEST(insert_refuses_what_could_not_be_read_back)
{
	struct store *s = new_store();
	auto_store_row r = row_of(1, OBJECT_DATA, "", "");
	struct call c = { 0 };
	uint8_t *p;

	CHECK_RC(buf_extend(&r.o.body, OBJECT_BODY_MAX, &p), KMS_OK);
	memset(p, 1, OBJECT_BODY_MAX);
	CHECK_RC(store_insert(s, &c, SERIAL, &r, 1), KMS_LIMIT);
	r.o.body.len = OBJECT_BODY_MAX;
	CHECK_RC(store_insert(s, &c, SERIAL, &r, 1), KMS_OK);
	close_store(s);
}
END_TEST

START_TEST(update_replaces_the_current_revision_only)
{
	struct store *s = new_store();
	auto_store_row r = row_of(1, OBJECT_DATA, "new", ""), got = { 0 };
	struct call c = { 0 };

	CHECK_RC(store_update(s, &c, &r, 1), KMS_NOTFOUND);
	insert(s, 1, OBJECT_DATA, "old", "");
	r.o.revision = 2;
	CHECK_RC(store_update(s, &c, &r, 7), KMS_CONFLICT);
	CHECK_RC(store_update(s, &c, &r, 1), KMS_OK);
	CHECK_RC(store_update(s, &c, &r, 1), KMS_CONFLICT);
	CHECK_RC(s->ops->get(s, &c, &r.o.id, &got), KMS_OK);
	CHECK_BYTES(buf_slice(&got.o.label), BYTES("new"));
	ck_assert_uint_eq(got.o.revision, 2);
	close_store(s);
}
END_TEST

START_TEST(remove_takes_one_row_once)
{
	struct store *s = new_store();
	struct uid id = uid_of('a');
	struct call c = { 0 };

	insert(s, 'a', OBJECT_DATA, "x", "");
	insert(s, 'b', OBJECT_DATA, "x", "");
	CHECK_RC(store_remove(s, &c, &id), KMS_OK);
	CHECK_RC(store_remove(s, &c, &id), KMS_NOTFOUND);
	check_found(s, ALL, "b");
	close_store(s);
}
END_TEST

START_TEST(reset_needs_the_serial_that_was_and_empties_the_token)
{
	struct store *s = new_store();
	auto_store_token t = { 0 };
	struct call c = { 0 };

	insert(s, 1, OBJECT_DATA, "x", "");
	CHECK_RC(buf_set(&t.serial, BYTES("another1")), KMS_OK);
	fill(&t.so.sealed, "s");
	CHECK_RC(s->ops->token_reset(s, &c, slice_of(NULL, 0), &t), KMS_CONFLICT);
	check_found(s, ALL, "\1");
	CHECK_RC(s->ops->token_reset(s, &c, SERIAL, &t), KMS_OK);
	check_found(s, ALL, "");
	store_token_free(&t);
	CHECK_RC(s->ops->token_get(s, &c, &t), KMS_OK);
	ck_assert_uint_eq(t.user.sealed.len, 0);
	close_store(s);
}
END_TEST

/* -- what it finds -- */

START_TEST(find_answers_by_each_criterion_in_the_order_of_creation)
{
	struct store *s = new_store();
	auto_store_row cert = row_of('d', OBJECT_CERTIFICATE, "web", "1");
	struct object_query both = BY(label, BYTES("web"));
	struct object_query open = BY(label, BYTES("web"));
	struct object_query kind = BY(app_id, BYTES("1"));
	struct call c = { 0 };

	fill(&cert.o.subject, "CN=x");
	cert.o.spec = (struct key_spec){ 0 };
	insert(s, 'c', OBJECT_PUBLIC_KEY, "web", "1");
	insert(s, 'b', OBJECT_PRIVATE_KEY, "web", "1");
	insert(s, 'a', OBJECT_PRIVATE_KEY, "web", "2");
	CHECK_RC(store_insert(s, &c, SERIAL, &cert, 1), KMS_OK);
	check_found(s, ALL, "cbad");
	check_found(s, BY(label, BYTES("web")), "cbad");
	check_found(s, BY(label, BYTES("we")), "");
	check_found(s, BY(app_id, BYTES("1")), "cbd");
	check_found(s, BY(subject, BYTES("CN=x")), "d");
	check_found(s, BY(subject, BYTES("CN=y")), "");
	check_found(s, BY(subject, slice_of(NULL, 0)), "cba");
	open.private_too = false;
	check_found(s, open, "cd");
	both.has_app_id = true;
	both.app_id = BYTES("2");
	check_found(s, both, "a");
	kind.kind = OBJECT_PRIVATE_KEY;
	check_found(s, kind, "b");
	check_found(s, (struct object_query){ .type = KEY_EC }, "c");
	check_found(s, (struct object_query){ .kind = OBJECT_CERTIFICATE }, "d");
	close_store(s);
}
END_TEST

START_TEST(find_takes_bytes_as_they_are)
{
	struct store *s = new_store();
	auto_store_row r = row_of('a', OBJECT_DATA, "", "");
	struct call c = { 0 };

	CHECK_RC(buf_set(&r.o.label, BYTES("a\0b%")), KMS_OK);
	CHECK_RC(store_insert(s, &c, SERIAL, &r, 1), KMS_OK);
	insert(s, 'b', OBJECT_DATA, "a", "");
	insert(s, 'c', OBJECT_DATA, "", "");
	check_found(s, BY(label, BYTES("a\0b%")), "a");
	check_found(s, BY(label, BYTES("a")), "b");
	check_found(s, BY(label, slice_of(NULL, 0)), "c");
	close_store(s);
}
END_TEST

/* The plan of a statement, in SQLite's words. */
static void
check_plan(const char *sql, const char *wanted)
{
	char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql), all[1024] = "";
	sqlite3_stmt *st;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, explain, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		size_t len = strlen(all);

		(void)snprintf(all + len, sizeof(all) - len, "%s; ",
		    (const char *)sqlite3_column_text(st, 3));
	}
	ck_assert_msg(strstr(all, wanted) != NULL, "%s: %s", sql, all);
	ck_assert_msg(strstr(all, "TEMP B-TREE") == NULL, "%s sorts: %s", sql, all);
	sqlite3_finalize(st);
	sqlite3_free(explain);
	sqlite3_close(db);
}

START_TEST(find_plans_use_the_indexes_and_sort_nothing)
{
	static const struct {
		const char *name, *text;
	} sql[] = {
#define SQL(n, t) { #n, t },
#include "store/sql.def"
#undef SQL
	};
	static const struct {
		const char *name, *plan;
	} wanted[] = {
		{ "SQL_FIND_LABEL", "USING INDEX object_label (label=?)" },
		{ "SQL_FIND_APP_ID", "USING INDEX object_app_id (app_id=?)" },
		{ "SQL_FIND_SUBJECT", "USING INDEX object_subject (subject=?)" },
		{ "SQL_GET", "USING INDEX sqlite_autoindex_object_1 (id=?)" },
		{ "SQL_REVISION", "USING INDEX sqlite_autoindex_object_1 (id=?)" },
	};
	size_t seen = 0;

	close_store(new_store());
	for (size_t i = 0; i < ARRAY_LEN(sql); i++)
		for (size_t j = 0; j < ARRAY_LEN(wanted); j++)
			if (strcmp(sql[i].name, wanted[j].name) == 0) {
				check_plan(sql[i].text, wanted[j].plan);
				seen++;
			}
	ck_assert_uint_eq(seen, ARRAY_LEN(wanted));
}
END_TEST

START_TEST(what_one_store_writes_another_finds_at_once)
{
	struct store *a = new_store(), *b = open_store(false);
	uint64_t before = b->ops->generation(b);

	ck_assert_uint_eq(b->ops->generation(b), before);
	insert(a, 'a', OBJECT_DATA, "x", "");
	check_found(b, BY(label, BYTES("x")), "a");
	ck_assert_uint_gt(b->ops->generation(b), before);
	insert(b, 'b', OBJECT_DATA, "x", "");
	check_found(a, BY(label, BYTES("x")), "ab");
	close_store(a);
	close_store(b);
}
END_TEST

START_TEST(what_another_process_writes_is_found_at_once)
{
	struct store *s = new_store();
	uint64_t before = s->ops->generation(s);
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct store *mine;
		struct call c = { 0 };

		if (store_open_sqlite(path, false, &c, &mine) != KMS_OK ||
		    try_insert(mine, 'z', "z", &c) != KMS_OK)
			_exit(1);
		close_store(mine);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	check_found(s, BY(label, BYTES("z")), "z");
	ck_assert_uint_gt(s->ops->generation(s), before);
	close_store(s);
}
END_TEST

START_TEST(generation_moves_with_own_changes_and_with_a_store_that_appears)
{
	struct store *s = open_store(false);
	uint64_t before = s->ops->generation(s), after;
	struct call c = { 0 };

	close_store(new_store());
	after = s->ops->generation(s);
	ck_assert_uint_gt(after, before);
	CHECK_RC(try_insert(s, 1, "a", &c), KMS_OK);
	ck_assert_uint_gt(s->ops->generation(s), after);
	close_store(s);
}
END_TEST

/* -- PINs -- */

START_TEST(pin_failures_are_counted_for_each_role_and_last)
{
	struct store *s = new_store();
	auto_store_token t = { 0 };
	auto_store_token after = { 0 };
	struct call c = { 0 };

	CHECK_RC(s->ops->pin_count(s, &c, ROLE_USER, false), KMS_OK);
	CHECK_RC(s->ops->pin_count(s, &c, ROLE_USER, false), KMS_OK);
	CHECK_RC(s->ops->pin_count(s, &c, ROLE_SO, false), KMS_OK);
	close_store(s);
	s = open_store(false);
	CHECK_RC(s->ops->token_get(s, &c, &t), KMS_OK);
	ck_assert_uint_eq(t.user.failures, 2);
	ck_assert_uint_eq(t.so.failures, 1);
	CHECK_RC(s->ops->pin_count(s, &c, ROLE_USER, true), KMS_OK);
	CHECK_RC(s->ops->token_get(s, &c, &after), KMS_OK);
	ck_assert_uint_eq(after.user.failures, 0);
	ck_assert_uint_eq(after.so.failures, 1);
	close_store(s);
}
END_TEST

START_TEST(nothing_is_counted_once_the_limit_is_reached)
{
	struct store *s = new_store();
	auto_store_token t = { 0 };

	for (unsigned i = 0; i < 3; i++)
		CHECK_RC(s->ops->pin_count(s, NULL, ROLE_USER, false), KMS_OK);
	/* Tries that began before the last of them ended. */
	CHECK_RC(s->ops->pin_count(s, NULL, ROLE_USER, false), KMS_PIN_LOCKED);
	CHECK_RC(s->ops->pin_count(s, NULL, ROLE_USER, true), KMS_PIN_LOCKED);
	CHECK_RC(s->ops->token_get(s, NULL, &t), KMS_OK);
	ck_assert_uint_eq(t.user.failures, 3);
	close_store(s);
}
END_TEST

START_TEST(pin_is_replaced_only_if_it_is_what_it_was)
{
	struct store *s = new_store();
	struct store_pin p = { .log2n = 15, .r = 8, .p = 1, .max_failures = 10 };
	struct call c = { 0 };

	fill(&p.sealed, "new");
	CHECK_RC(s->ops->pin_put(s, &c, SERIAL, ROLE_USER, BYTES("not that"), &p), KMS_CONFLICT);
	CHECK_RC(s->ops->pin_put(s, &c, BYTES("other"), ROLE_USER, BYTES("user sealed"), &p),
	    KMS_CONFLICT);
	CHECK_RC(s->ops->pin_put(s, &c, SERIAL, ROLE_USER, BYTES("user sealed"), &p), KMS_OK);
	CHECK_RC(s->ops->pin_put(s, &c, SERIAL, ROLE_USER, slice_of(NULL, 0), &p), KMS_OK);
	buf_free(&p.sealed);
	close_store(s);
}
END_TEST

static void *
insert_and_find(void *arg)
{
	struct store *s = arg;
	static _Atomic unsigned next = 1;

	for (unsigned i = 0; i < 20; i++) {
		uint8_t id = (uint8_t)next++;

		if (try_insert(s, id, "x", NULL) != KMS_OK)
			return s;
		check_found(s, BY(label, BYTES("y")), "");
	}
	return NULL;
}

START_TEST(threads_share_a_store)
{
	struct store *s = new_store();
	auto_object_refs refs = { 0 };
	struct object_query q = ALL;
	pthread_t t[4];
	void *failed;

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, insert_and_find, s), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		ck_assert_int_eq(pthread_join(t[i], &failed), 0);
		ck_assert_ptr_null(failed);
	}
	CHECK_RC(s->ops->find(s, NULL, &q, &refs), KMS_OK);
	ck_assert_uint_eq(refs.n, 80);
	close_store(s);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { store_that_is_not_there_holds_nothing_and_makes_no_file,
		store_is_made_private_with_its_folder, store_gives_the_token_back_as_it_was_written,
		store_gives_a_row_back_as_it_was_written, insert_keeps_all_rows_or_none,
		insert_refuses_an_id_that_is_there,
		insert_is_refused_once_the_token_has_been_made_anew,
		insert_refuses_what_could_not_be_read_back,
		update_replaces_the_current_revision_only, remove_takes_one_row_once,
		reset_needs_the_serial_that_was_and_empties_the_token,
		find_answers_by_each_criterion_in_the_order_of_creation,
		find_takes_bytes_as_they_are, find_plans_use_the_indexes_and_sort_nothing,
		what_one_store_writes_another_finds_at_once,
		what_another_process_writes_is_found_at_once,
		generation_moves_with_own_changes_and_with_a_store_that_appears,
		pin_failures_are_counted_for_each_role_and_last,
		nothing_is_counted_once_the_limit_is_reached,
		pin_is_replaced_only_if_it_is_what_it_was, threads_share_a_store };
	Suite *s = suite_create("store");
	TCase *t = tcase_create("store");

	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
