/* SPDX-License-Identifier: Apache-2.0 */
/* A store copied at one moment, and put in the place of another: all of it or nothing, kill -9 at
 * any moment included. */
#define _GNU_SOURCE 1
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/store_fixture.h"

#define NONE	 slice_of(NULL, 0)
#define KILLS	 40
#define KILL_MAX 30 /* ms */
#define ROWS	 200

static void
insert_entity(struct store *s, uint8_t id, const char *name)
{
	auto_store_entity e = {
		.id = uid_of(id), .kind = ENTITY_SECRET, .due = 7, .created = 5, .revision = 1
	};
	struct store_change change = { .kind = INSERT_ENTITY, .entity = &e };

	fill(&e.name, name);
	fill(&e.body, "body of the entity");
	fill(&e.sealed, "sealed entity");
	CHECK_RC(s->ops->apply(s, NULL, SERIAL, &change, 1), KMS_OK);
}

static struct store *
filled_store(void)
{
	struct store *s = new_store();

	insert(s, 'a', OBJECT_PRIVATE_KEY, "one", "01");
	insert(s, 'b', OBJECT_PUBLIC_KEY, "one", "01");
	insert_entity(s, 'e', "a secret");
	return s;
}

static struct store_image
copy_of(struct store *s)
{
	struct store_image image = { 0 };

	CHECK_RC(s->ops->copy(s, NULL, &image), KMS_OK);
	return image;
}

/* Another place; the old one's path is not needed any more. */
static struct store *
open_elsewhere(void)
{
	free(path);
	path = os_path_join(dir, "elsewhere.db");
	return open_store(false);
}

static void
check_filled(struct store *s)
{
	auto_store_token t = { 0 };
	auto_store_entity e = { 0 };
	auto_store_row row = { 0 };
	struct uid id = uid_of('a');

	check_found(s, ALL, "ab");
	check_found(s, BY(label, BYTES("one")), "ab");
	CHECK_RC(s->ops->get(s, NULL, &id, &row), KMS_OK);
	CHECK_BYTES(buf_slice(&row.sealed), BYTES("sealed"));
	CHECK_RC(s->ops->token_get(s, NULL, &t), KMS_OK);
	CHECK_BYTES(buf_slice(&t.serial), SERIAL);
	CHECK_BYTES(buf_slice(&t.user.sealed), BYTES("user sealed"));
	ck_assert_uint_eq(t.user.max_failures, 3);
	CHECK_RC(s->ops->entity_by_name(s, NULL, ENTITY_SECRET, BYTES("a secret"), &e), KMS_OK);
	CHECK_BYTES(buf_slice(&e.body), BYTES("body of the entity"));
	CHECK_BYTES(buf_slice(&e.sealed), BYTES("sealed entity"));
	ck_assert_int_eq(e.due, 7);
}

START_TEST(copy_fills_a_store_that_was_not_there)
{
	struct store *s = filled_store();
	auto_store_image image = copy_of(s);

	close_store(s);
	s = open_elsewhere();
	CHECK_RC(s->ops->replace(s, NULL, NONE, &image), KMS_OK);
	check_filled(s);
	insert(s, 'c', OBJECT_PUBLIC_KEY, "two", "02");
	check_found(s, ALL, "abc");
	close_store(s);
}
END_TEST

START_TEST(copy_is_of_one_moment_with_what_lies_beside_the_file)
{
	struct store *s = filled_store();
	auto_store_image image = copy_of(s);

	insert(s, 'c', OBJECT_PUBLIC_KEY, "later", "03");
	CHECK_RC(s->ops->replace(s, NULL, SERIAL, &image), KMS_OK);
	check_filled(s);
	close_store(s);
}
END_TEST

START_TEST(there_is_no_copy_of_a_store_that_is_not_there)
{
	struct store *s = open_store(false);
	auto_store_image image = { 0 };

	CHECK_RC(s->ops->copy(s, NULL, &image), KMS_NOT_INITIALIZED);
	ck_assert_ptr_null(image.p);
	close_store(s);
}
END_TEST

START_TEST(token_of_another_serial_is_not_replaced)
{
	struct store *s = filled_store();
	auto_store_image image = copy_of(s);
	struct call c = { 0 };

	insert(s, 'c', OBJECT_PUBLIC_KEY, "two", "02");
	CHECK_RC(s->ops->replace(s, &c, NONE, &image), KMS_CONFLICT);
	CHECK_RC(s->ops->replace(s, &c, BYTES("serial02"), &image), KMS_CONFLICT);
	check_found(s, ALL, "abc");
	close_store(s);
}
END_TEST

START_TEST(what_is_no_copy_of_ours_changes_nothing)
{
	struct store *s = filled_store();
	auto_store_image image = copy_of(s);
	struct call c = { 0 };
	uint8_t was = image.p[63];

	/* The schema's version, and whose file it is (SQLite's file format, offsets 60 and 68). */
	image.p[63] = 99;
	CHECK_RC(s->ops->replace(s, &c, SERIAL, &image), KMS_NEWER);
	image.p[63] = was;
	image.p[68] ^= 1;
	CHECK_RC(s->ops->replace(s, &c, SERIAL, &image), KMS_TAMPERED);
	image.p[68] ^= 1;
	/* All but the first page. */
	memset(image.p + 4096, 0xff, image.len - 4096);
	CHECK_RC(s->ops->replace(s, &c, SERIAL, &image), KMS_TAMPERED);
	check_filled(s);
	close_store(s);
}
END_TEST

START_TEST(another_connection_sees_the_change)
{
	struct store *s = filled_store(), *other;
	auto_store_image image = copy_of(s);
	uint64_t before;

	insert(s, 'c', OBJECT_PUBLIC_KEY, "two", "02");
	other = open_store(false);
	check_found(other, ALL, "abc");
	before = other->ops->generation(other);
	CHECK_RC(s->ops->replace(s, NULL, SERIAL, &image), KMS_OK);
	ck_assert_uint_ne(other->ops->generation(other), before);
	check_filled(other);
	close_store(other);
	close_store(s);
}
END_TEST

/* -- kill -9 -- */

/* Puts two copies in each other's place until it is killed. */
static void
swap_for_ever(const struct store_image images[2], struct slice was)
{
	struct call c = { 0 };
	struct store *s = NULL;

	if (store_open_sqlite(path, false, &c, &s) != KMS_OK)
		_exit(3);
	for (unsigned i = 0;; i++, was = SERIAL) {
		if (s->ops->replace(s, &c, was, &images[i % 2]) != KMS_OK)
			_exit(4);
	}
}

static void
killed_after(const struct store_image images[2], struct slice was, long ns)
{
	struct timespec t = { .tv_nsec = ns };
	int status;
	pid_t pid;

	ck_assert_int_ge(pid = fork(), 0);
	if (pid == 0)
		swap_for_ever(images, was);
	(void)nanosleep(&t, NULL);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status), "the child ended by itself: %d", WEXITSTATUS(status));
}

/* Nothing, the small copy or the large one. */
static size_t
whole(void)
{
	struct store *s = open_store(false);
	auto_object_refs refs = { 0 };
	auto_store_token t = { 0 };
	enum kms_rc rc = s->ops->token_get(s, NULL, &t);

	if (rc == KMS_OK && t.serial.len > 0) {
		CHECK_RC(s->ops->find(s, NULL, &ALL, &refs), KMS_OK);
		ck_assert_msg(refs.n == 2 || refs.n == ROWS + 2, "%zu objects", refs.n);
		CHECK_BYTES(buf_slice(&t.so.sealed), BYTES("so sealed"));
	} else {
		CHECK_RC(rc, rc == KMS_OK ? KMS_OK : KMS_NOTFOUND);
	}
	close_store(s);
	return refs.n;
}

START_TEST(kill_9_leaves_nothing_or_all_of_one)
{
	struct store *s = filled_store();
	struct store_image images[2] = { copy_of(s), { 0 } };
	unsigned seen[2] = { 0 };

	for (unsigned i = 0; i < ROWS; i++) {
		auto_store_row r = row_of(0, OBJECT_PUBLIC_KEY, "many", "05");

		r.o.id.b[1] = (uint8_t)i;
		CHECK_RC(store_insert(s, NULL, SERIAL, &r, 1), KMS_OK);
	}
	images[1] = copy_of(s);
	close_store(s);
	close_store(open_elsewhere());
	for (unsigned i = 0; i < KILLS; i++) {
		size_t n = whole();

		killed_after(images, n == 0 ? NONE : SERIAL,
		    (long)(i * 7919 % KILL_MAX) * 1000000 + 300000);
		n = whole();
		seen[n == ROWS + 2] += n > 0;
		if (i % 4 == 0 && n > 0)
			ck_assert_int_eq(unlink(path), 0);
	}
	/* Both were there, so that there was something to be cut off from. */
	ck_assert_uint_gt(seen[0] + seen[1], 0);
	printf("# %u small, %u large, %d kills\n", seen[0], seen[1], KILLS);
	store_image_free(&images[0]);
	store_image_free(&images[1]);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { copy_fills_a_store_that_was_not_there,
		copy_is_of_one_moment_with_what_lies_beside_the_file,
		there_is_no_copy_of_a_store_that_is_not_there,
		token_of_another_serial_is_not_replaced, what_is_no_copy_of_ours_changes_nothing,
		another_connection_sees_the_change, kill_9_leaves_nothing_or_all_of_one };
	Suite *s = suite_create("store copy");
	TCase *t = tcase_create("store copy");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
