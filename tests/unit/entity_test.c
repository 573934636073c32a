/* SPDX-License-Identifier: Apache-2.0 */
/* Entities in the store: kept, found by name, parent and due time, and changed together with
 * objects or not at all. */
#define _GNU_SOURCE 1
#include "store/store.h"

#include "tests/unit/store_fixture.h"

static struct store_entity
entity_of(uint8_t id, enum entity_kind kind, const char *name)
{
	struct store_entity e = { .id = uid_of(id), .kind = kind, .revision = 1, .created = 1000 };

	fill(&e.name, name);
	fill(&e.body, "body");
	fill(&e.sealed, "sealed");
	return e;
}

static enum kms_rc
change(struct store *s, enum change_kind kind, const struct store_entity *e, uint64_t was)
{
	struct store_change ch = { .kind = kind, .entity = e, .id = &e->id, .was = was };
	struct call c = { 0 };

	return s->ops->apply(s, &c, SERIAL, &ch, 1);
}

static void
put(struct store *s, uint8_t id, enum entity_kind kind, const char *name, uint8_t parent,
    int64_t due)
{
	auto_store_entity e = entity_of(id, kind, name);

	if (parent != 0)
		e.parent = uid_of(parent);
	e.due = due;
	CHECK_RC(change(s, INSERT_ENTITY, &e, 0), KMS_OK);
}

/* The first bytes of the ids that Q lists, as text, and how many there are in all. */
static void
check_listed(struct store *s, struct entity_query q, const char *wanted, uint64_t all)
{
	auto_store_entities l = { 0 };
	char got[64] = "";
	uint64_t total;

	CHECK_RC(s->ops->entity_list(s, NULL, &q, &l, &total), KMS_OK);
	for (size_t i = 0; i < l.n; i++)
		got[i] = (char)l.v[i].id.b[0];
	ck_assert_str_eq(got, wanted);
	ck_assert_uint_eq(total, all);
}

START_TEST(store_gives_an_entity_back_as_it_was_written)
{
	struct store *s = new_store();
	auto_store_entity e = entity_of('a', ENTITY_ALIAS, "tls");
	auto_store_entity got = { 0 };
	struct call c = { 0 };

	e.parent = uid_of('k');
	e.due = 77;
	CHECK_RC(change(s, INSERT_ENTITY, &e, 0), KMS_OK);
	CHECK_RC(s->ops->entity_get(s, &c, &e.id, &got), KMS_OK);
	ck_assert(uid_eq(&got.id, &e.id) && uid_eq(&got.parent, &e.parent));
	ck_assert_int_eq(got.kind, ENTITY_ALIAS);
	ck_assert_int_eq(got.due, 77);
	ck_assert_int_eq(got.created, 1000);
	ck_assert_uint_eq(got.revision, 1);
	CHECK_BYTES(buf_slice(&got.name), BYTES("tls"));
	CHECK_BYTES(buf_slice(&got.body), BYTES("body"));
	CHECK_BYTES(buf_slice(&got.sealed), BYTES("sealed"));
	close_store(s);
}
END_TEST

START_TEST(a_store_that_is_not_there_holds_no_entities)
{
	struct store *s = open_store(false);
	auto_store_entity got = { 0 };
	struct uid id = uid_of('a');
	struct call c = { 0 };

	CHECK_RC(s->ops->entity_get(s, &c, &id, &got), KMS_NOTFOUND);
	CHECK_RC(s->ops->entity_by_name(s, &c, ENTITY_KEY, BYTES("x"), &got), KMS_NOTFOUND);
	check_listed(s, (struct entity_query){ .kind = ENTITY_KEY }, "", 0);
	close_store(s);
}
END_TEST

START_TEST(a_name_is_taken_once_in_its_kind)
{
	struct store *s = new_store();
	auto_store_entity again = entity_of('b', ENTITY_ALIAS, "tls");
	auto_store_entity other = entity_of('c', ENTITY_SECRET, "tls");
	auto_store_entity got = { 0 };
	struct call c = { 0 };

	put(s, 'a', ENTITY_ALIAS, "tls", 0, 0);
	CHECK_RC(change(s, INSERT_ENTITY, &again, 0), KMS_EXISTS);
	CHECK_RC(change(s, INSERT_ENTITY, &other, 0), KMS_OK);
	CHECK_RC(s->ops->entity_by_name(s, &c, ENTITY_ALIAS, BYTES("tls"), &got), KMS_OK);
	ck_assert_int_eq(got.id.b[0], 'a');
	store_entity_free(&got);
	CHECK_RC(s->ops->entity_by_name(s, &c, ENTITY_ALIAS, BYTES(""), &got), KMS_NOTFOUND);
	/* No name is no name twice. */
	put(s, 'd', ENTITY_KEY, "", 0, 0);
	put(s, 'e', ENTITY_KEY, "", 0, 0);
	close_store(s);
}
END_TEST

START_TEST(lists_go_by_kind_parent_and_due_time_in_the_order_of_creation)
{
	struct store *s = new_store();

	put(s, 'k', ENTITY_KEY, "", 0, 50);
	put(s, 'j', ENTITY_KEY, "", 0, 0);
	put(s, 'i', ENTITY_KEY, "", 0, 20);
	put(s, 'b', ENTITY_ALIAS, "b", 'k', 0);
	put(s, 'a', ENTITY_ALIAS, "a", 'k', 0);
	put(s, 'c', ENTITY_ALIAS, "c", 'j', 0);
	check_listed(s, (struct entity_query){ .kind = ENTITY_KEY }, "kji", 3);
	check_listed(s, (struct entity_query){ .kind = ENTITY_KEY, .skip = 1, .limit = 1 }, "j", 3);
	check_listed(s, (struct entity_query){ .kind = ENTITY_KEY, .skip = 3, .limit = 9 }, "", 3);
	check_listed(s, (struct entity_query){ .kind = ENTITY_ALIAS, .parent = uid_of('k') }, "ba",
	    2);
	check_listed(s, (struct entity_query){ .kind = ENTITY_KEY, .parent = uid_of('k') }, "", 0);
	check_listed(s, (struct entity_query){ .kind = ENTITY_KEY, .due_until = 49 }, "i", 1);
	check_listed(s, (struct entity_query){ .kind = ENTITY_KEY, .due_until = 50 }, "ki", 2);
	close_store(s);
}
END_TEST

START_TEST(only_the_current_revision_is_replaced_or_removed)
{
	struct store *s = new_store();
	auto_store_entity e = entity_of('a', ENTITY_KEY, "");
	auto_store_entity gone = entity_of('b', ENTITY_KEY, "");

	put(s, 'a', ENTITY_KEY, "", 0, 0);
	e.revision = 2;
	CHECK_RC(change(s, UPDATE_ENTITY, &e, 7), KMS_CONFLICT);
	CHECK_RC(change(s, UPDATE_ENTITY, &e, 1), KMS_OK);
	CHECK_RC(change(s, UPDATE_ENTITY, &e, 1), KMS_CONFLICT);
	CHECK_RC(change(s, UPDATE_ENTITY, &gone, 1), KMS_NOTFOUND);
	CHECK_RC(change(s, REMOVE_ENTITY, &e, 1), KMS_CONFLICT);
	CHECK_RC(change(s, REMOVE_ENTITY, &e, 2), KMS_OK);
	CHECK_RC(change(s, REMOVE_ENTITY, &e, 0), KMS_NOTFOUND);
	close_store(s);
}
END_TEST

START_TEST(a_transaction_changes_objects_and_entities_or_neither)
{
	struct store *s = new_store();
	auto_store_row row = row_of('o', OBJECT_SECRET_KEY, "label", "id");
	auto_store_entity key = entity_of('k', ENTITY_KEY, "");
	auto_store_entity twice = entity_of('t', ENTITY_ALIAS, "taken");
	struct store_change v[] = {
		{ .kind = INSERT_OBJECT, .row = &row },
		{ .kind = INSERT_ENTITY, .entity = &key },
		{ .kind = INSERT_ENTITY, .entity = &twice },
	};
	struct entity_query keys = { .kind = ENTITY_KEY };
	struct call c = { 0 };

	row.o.key = key.id;
	put(s, 'x', ENTITY_ALIAS, "taken", 0, 0);
	CHECK_RC(s->ops->apply(s, &c, SERIAL, v, 3), KMS_EXISTS);
	check_found(s, ALL, "");
	check_listed(s, keys, "", 0);
	CHECK_RC(s->ops->apply(s, &c, SERIAL, v, 2), KMS_OK);
	check_found(s, ALL, "o");
	check_found(s, (struct object_query){ .has_key = true, .key = key.id, .private_too = true },
	    "o");
	check_found(s,
	    (struct object_query){ .has_key = true, .key = row.o.id, .private_too = true }, "");
	check_listed(s, keys, "k", 1);
	CHECK_RC(s->ops->apply(s, &c, BYTES("another!"), v, 2), KMS_CONFLICT);
	close_store(s);
}
END_TEST

START_TEST(unusable_objects_are_found_by_those_alone_who_ask_for_them)
{
	struct store *s = new_store();
	auto_store_row row = row_of('o', OBJECT_PUBLIC_KEY, "label", "id");
	struct store_change ch = { .kind = INSERT_OBJECT, .row = &row };
	struct call c = { 0 };

	row.o.flags |= FLAG_UNUSABLE;
	CHECK_RC(s->ops->apply(s, &c, SERIAL, &ch, 1), KMS_OK);
	check_found(s, (struct object_query){ .private_too = true }, "");
	check_found(s, (struct object_query){ .private_too = true, .unusable_too = true }, "o");
	close_store(s);
}
END_TEST

START_TEST(a_token_made_anew_has_no_entities)
{
	struct store *s = new_store();

	put(s, 'k', ENTITY_KEY, "", 0, 0);
	reset(s, SERIAL);
	check_listed(s, (struct entity_query){ .kind = ENTITY_KEY }, "", 0);
	close_store(s);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { store_gives_an_entity_back_as_it_was_written,
		a_store_that_is_not_there_holds_no_entities, a_name_is_taken_once_in_its_kind,
		lists_go_by_kind_parent_and_due_time_in_the_order_of_creation,
		only_the_current_revision_is_replaced_or_removed,
		a_transaction_changes_objects_and_entities_or_neither,
		unusable_objects_are_found_by_those_alone_who_ask_for_them,
		a_token_made_anew_has_no_entities };
	Suite *s = suite_create("entity");
	TCase *t = tcase_create("entity");

	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
