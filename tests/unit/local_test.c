/* SPDX-License-Identifier: Apache-2.0 */
/* The local backend: objects, what is kept of them, who may do what with them. */
#define _GNU_SOURCE 1
#include "kms/local.h"

#include "tests/unit/local_fixture.h"

START_TEST(objects_come_back_as_they_were_made)
{
	struct backend *b = new_token();
	auto_object o = object_of(OBJECT_CERTIFICATE, 0, "cert");
	auto_object got = { 0 };
	struct slice none = NO_BYTES;
	uint64_t revision;

	CHECK_RC(buf_set(&o.app_id, BYTES("id")), KMS_OK);
	CHECK_RC(buf_set(&o.subject, BYTES("subject")), KMS_OK);
	CHECK_RC(buf_set(&o.body, BYTES("der")), KMS_OK);
	CHECK_RC(buf_set(&o.attrs, BYTES("attrs")), KMS_OK);
	CHECK_RC(backend_create(b, NULL, &o, &none, 1), KMS_OK);
	ck_assert_uint_eq(o.revision, 1);
	CHECK_RC(backend_revision(b, NULL, &o.id, &revision), KMS_OK);
	ck_assert_uint_eq(revision, 1);
	CHECK_RC(backend_get(b, NULL, &o.id, &got), KMS_OK);
	ck_assert_int_eq(got.kind, OBJECT_CERTIFICATE);
	ck_assert_uint_eq(got.flags, o.flags);
	CHECK_BYTES(buf_slice(&got.label), BYTES("cert"));
	CHECK_BYTES(buf_slice(&got.app_id), BYTES("id"));
	CHECK_BYTES(buf_slice(&got.subject), BYTES("subject"));
	CHECK_BYTES(buf_slice(&got.body), BYTES("der"));
	CHECK_BYTES(buf_slice(&got.attrs), BYTES("attrs"));
	backend_close(b);
}
END_TEST

START_TEST(create_keeps_all_or_none_and_leaves_its_input_alone_on_failure)
{
	struct backend *b = new_token();
	struct object v[2] = { object_of(OBJECT_DATA, 0, "a"),
		object_of(OBJECT_DATA, FLAG_PRIVATE, "b") };
	struct slice none[2] = { NO_BYTES, NO_BYTES };

	CHECK_RC(backend_create(b, NULL, v, none, 2), KMS_LOGIN_NEEDED);
	ck_assert_uint_eq(v[0].revision, 0);
	ck_assert_uint_eq(count_label(b, "a"), 0);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	CHECK_RC(backend_create(b, NULL, v, none, 2), KMS_OK);
	ck_assert(!uid_eq(&v[0].id, &v[1].id));
	ck_assert_uint_eq(count_label(b, "a") + count_label(b, "b"), 2);
	object_free(&v[0]);
	object_free(&v[1]);
	backend_close(b);
}
END_TEST

START_TEST(create_takes_any_number_of_objects)
{
	enum { N = 5 };
	struct backend *b = new_token();
	struct object v[N];
	struct slice none[N] = { NO_BYTES };
	auto_object_refs refs = { 0 };
	struct object_query all = { .kind = OBJECT_DATA };

	for (int i = 0; i < N; i++)
		v[i] = object_of(OBJECT_DATA, 0, "one of many");
	CHECK_RC(backend_create(b, NULL, v, none, N), KMS_OK);
	CHECK_RC(backend_find(b, NULL, &all, &refs), KMS_OK);
	ck_assert_uint_eq(refs.n, N);
	for (int i = 0; i < N; i++)
		object_free(&v[i]);
	backend_close(b);
}
END_TEST

START_TEST(private_objects_are_for_the_user_alone)
{
	struct backend *b = new_token_with_user();
	auto_object d = new_data(b, FLAG_PRIVATE, "d", "value");
	auto_object k = new_aes(b, FLAG_PRIVATE | FLAG_EXTRACTABLE, "k");
	uint64_t revision;

	ck_assert_uint_eq(count_label(b, "d"), 1);
	for (int so = 0; so < 2; so++) {
		backend_logout(b);
		if (so)
			CHECK_RC(login(b, ROLE_SO, SO_PIN), KMS_OK);
		ck_assert_uint_eq(count_label(b, "d"), 0);
		CHECK_RC(try_get(b, &d.id), KMS_LOGIN_NEEDED);
		CHECK_RC(backend_revision(b, NULL, &d.id, &revision), KMS_LOGIN_NEEDED);
		CHECK_RC(try_export(b, &k.id), KMS_LOGIN_NEEDED);
		CHECK_RC(try_open_key(b, &k.id), KMS_LOGIN_NEEDED);
		CHECK_RC(backend_update(b, NULL, &d, NULL), KMS_LOGIN_NEEDED);
		CHECK_RC(backend_copy(b, NULL, &d.id, &d), KMS_LOGIN_NEEDED);
		CHECK_RC(backend_destroy(b, NULL, &d.id, 1), KMS_LOGIN_NEEDED);
	}
	backend_close(b);
}
END_TEST

START_TEST(only_the_so_says_what_is_trusted_and_only_a_login_shows_it)
{
	struct backend *b = new_token();
	auto_object o = object_of(OBJECT_CERTIFICATE, FLAG_TRUSTED, "ca");
	auto_object got = { 0 }, plain = { 0 };
	struct slice none = NO_BYTES;

	CHECK_RC(backend_create(b, NULL, &o, &none, 1), KMS_LOGIN_NEEDED);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	CHECK_RC(backend_create(b, NULL, &o, &none, 1), KMS_DENIED);
	plain = new_object(b, object_of(OBJECT_CERTIFICATE, 0, "plain"), NO_BYTES);
	plain.flags |= FLAG_TRUSTED;
	CHECK_RC(backend_update(b, NULL, &plain, NULL), KMS_DENIED);
	CHECK_RC(login(b, ROLE_SO, SO_PIN), KMS_OK);
	CHECK_RC(backend_create(b, NULL, &o, &none, 1), KMS_OK);
	CHECK_RC(backend_update(b, NULL, &plain, NULL), KMS_OK);
	CHECK_RC(backend_get(b, NULL, &o.id, &got), KMS_OK);
	ck_assert_uint_ne(got.flags & FLAG_TRUSTED, 0);
	object_free(&got);
	backend_logout(b);
	CHECK_RC(backend_get(b, NULL, &o.id, &got), KMS_OK);
	ck_assert_uint_eq(got.flags & FLAG_TRUSTED, 0);
	CHECK_BYTES(buf_slice(&got.label), BYTES("ca"));
	backend_close(b);
}
END_TEST

START_TEST(imported_keys_are_checked_against_what_they_are_said_to_be)
{
	struct backend *b = new_token_with_user();
	auto_object aes = object_of(OBJECT_SECRET_KEY, FLAG_PRIVATE, "a");
	auto_object ec = object_of(OBJECT_PRIVATE_KEY, FLAG_PRIVATE, "e");
	auto_object pub = object_of(OBJECT_PUBLIC_KEY, 0, "p");
	auto_object cert = object_of(OBJECT_CERTIFICATE, 0, "c");
	struct slice bytes = BYTES("not a key at all"), short_one = BYTES("short");

	aes.spec = (struct key_spec){ .type = KEY_AES, .bits = 128 };
	ck_assert_int_ne(backend_create(b, NULL, &aes, &short_one, 1), KMS_OK);
	ec.spec = pub.spec = (struct key_spec){ .type = KEY_EC, .curve = CURVE_P256, .bits = 256 };
	CHECK_RC(backend_create(b, NULL, &ec, &bytes, 1), KMS_BAD_DATA);
	CHECK_RC(buf_set(&pub.body, bytes), KMS_OK);
	CHECK_RC(backend_create(b, NULL, &pub, &(struct slice){ 0 }, 1), KMS_BAD_DATA);
	CHECK_RC(backend_create(b, NULL, &cert, &bytes, 1), KMS_INVALID);
	cert.kind = OBJECT_NONE;
	CHECK_RC(backend_create(b, NULL, &cert, &(struct slice){ 0 }, 1), KMS_INVALID);
	backend_close(b);
}
END_TEST

START_TEST(public_key_of_another_spec_is_refused)
{
	struct backend *b = new_token_with_user();
	auto_object priv = { 0 }, pub = { 0 };
	struct slice none = NO_BYTES;

	new_pair(b, FLAG_SIGN, &priv, &pub);
	CHECK_RC(backend_create(b, NULL, &pub, &none, 1), KMS_OK);
	pub.spec.curve = CURVE_P384;
	CHECK_RC(backend_create(b, NULL, &pub, &none, 1), KMS_BAD_DATA);
	backend_close(b);
}
END_TEST

START_TEST(export_gives_what_is_extractable)
{
	struct backend *b = new_token_with_user();
	auto_object open = new_aes(b, FLAG_PRIVATE | FLAG_EXTRACTABLE, "x");
	auto_object closed = new_aes(b, FLAG_PRIVATE, "c");
	auto_object data = new_data(b, FLAG_PRIVATE, "d", "value"),
		    public = new_data(b, 0, "p", "v");
	auto_object priv = { 0 }, pub = { 0 };
	auto_secret der = { 0 };
	auto_ckey *k = NULL;

	check_value(b, &open.id, "0123456789abcdef");
	CHECK_RC(try_export(b, &closed.id), KMS_DENIED);
	check_value(b, &data.id, "value");
	CHECK_RC(try_export(b, &public.id), KMS_INVALID);
	new_pair(b, FLAG_EXTRACTABLE, &priv, &pub);
	CHECK_RC(backend_export(b, NULL, &priv.id, &der), KMS_OK);
	CHECK_RC(ckey_from_pkcs8(secret_slice(&der), &k), KMS_OK);
	CHECK_RC(try_export(b, &pub.id), KMS_INVALID);
	backend_close(b);
}
END_TEST

START_TEST(update_replaces_names_and_values_and_counts_revisions)
{
	struct backend *b = new_token_with_user();
	auto_object o = new_data(b, FLAG_PRIVATE, "d", "old"), stale = { 0 };
	struct slice value = BYTES("new value");

	CHECK_RC(object_copy(&o, &stale), KMS_OK);
	CHECK_RC(buf_set(&o.label, BYTES("renamed")), KMS_OK);
	CHECK_RC(backend_update(b, NULL, &o, NULL), KMS_OK);
	ck_assert_uint_eq(o.revision, 2);
	ck_assert_uint_eq(count_label(b, "d"), 0);
	ck_assert_uint_eq(count_label(b, "renamed"), 1);
	check_value(b, &o.id, "old");
	CHECK_RC(backend_update(b, NULL, &o, &value), KMS_OK);
	check_value(b, &o.id, "new value");
	CHECK_RC(backend_update(b, NULL, &stale, NULL), KMS_CONFLICT);
	CHECK_RC(backend_destroy(b, NULL, &o.id, 1), KMS_OK);
	CHECK_RC(backend_update(b, NULL, &o, NULL), KMS_NOTFOUND);
	backend_close(b);
}
END_TEST

START_TEST(update_never_loosens_a_keys_protection)
{
	static const struct {
		uint32_t from, to;
	} refused[] = {
		{ 0, FLAG_EXTRACTABLE },
		{ 0, FLAG_ALWAYS_SENSITIVE },
		{ 0, FLAG_NEVER_EXTRACTABLE },
		{ 0, FLAG_LOCAL },
		{ FLAG_SENSITIVE, 0 },
		{ FLAG_WRAP_WITH_TRUSTED, 0 },
		{ FLAG_ALWAYS_AUTHENTICATE, 0 },
	};
	struct backend *b = new_token_with_user();

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		auto_object o = new_aes(b, FLAG_PRIVATE | refused[i].from, "k");

		o.flags = (o.flags & ~refused[i].from) | refused[i].to;
		CHECK_RC(backend_update(b, NULL, &o, NULL), KMS_DENIED);
		CHECK_RC(backend_copy(b, NULL, &o.id, &o), KMS_DENIED);
		o.flags = (o.flags & ~refused[i].to) | refused[i].from | FLAG_SENSITIVE | FLAG_SIGN;
		CHECK_RC(backend_update(b, NULL, &o, NULL), KMS_OK);
		o.flags &= ~(uint32_t)FLAG_PRIVATE;
		CHECK_RC(backend_copy(b, NULL, &o.id, &o), KMS_DENIED);
	}
	backend_close(b);
}
END_TEST

START_TEST(update_changes_neither_kind_nor_spec_nor_a_keys_body)
{
	struct backend *b = new_token_with_user();
	auto_object priv = { 0 }, pub = { 0 }, got = { 0 };
	struct slice value = BYTES("x");

	new_pair(b, 0, &priv, &pub);
	priv.spec.bits = 384;
	CHECK_RC(backend_update(b, NULL, &priv, NULL), KMS_INVALID);
	priv.spec.bits = 256;
	priv.kind = OBJECT_SECRET_KEY;
	CHECK_RC(backend_update(b, NULL, &priv, NULL), KMS_INVALID);
	priv.kind = OBJECT_PRIVATE_KEY;
	CHECK_RC(backend_update(b, NULL, &priv, &value), KMS_INVALID);
	CHECK_RC(buf_set(&priv.body, value), KMS_OK);
	CHECK_RC(backend_update(b, NULL, &priv, NULL), KMS_OK);
	CHECK_RC(backend_get(b, NULL, &priv.id, &got), KMS_OK);
	CHECK_BYTES(buf_slice(&got.body), buf_slice(&pub.body));
	backend_close(b);
}
END_TEST

START_TEST(destroy_takes_all_or_none)
{
	struct backend *b = new_token_with_user();
	auto_object first = new_data(b, FLAG_PRIVATE, "a", "value");
	auto_object second = new_data(b, FLAG_PRIVATE, "b", "value");
	auto_object kept = new_object(b,
	    (struct object){ .kind = OBJECT_DATA, .flags = FLAG_PRIVATE }, BYTES("value"));
	struct uid ids[] = { first.id, second.id, kept.id };
	uint64_t revision;

	CHECK_RC(backend_destroy(b, NULL, ids, 3), KMS_DENIED);
	memset(ids[2].b, 0, UID_LEN);
	CHECK_RC(backend_destroy(b, NULL, ids, 3), KMS_NOTFOUND);
	ids[2] = first.id; /* gone by then */
	CHECK_RC(backend_destroy(b, NULL, ids, 3), KMS_NOTFOUND);
	check_value(b, &first.id, "value");
	check_value(b, &second.id, "value");
	CHECK_RC(backend_destroy(b, NULL, ids, 2), KMS_OK);
	CHECK_RC(backend_revision(b, NULL, &first.id, &revision), KMS_NOTFOUND);
	CHECK_RC(backend_revision(b, NULL, &second.id, &revision), KMS_NOTFOUND);
	check_value(b, &kept.id, "value");
	backend_close(b);
}
END_TEST

START_TEST(objects_say_whether_they_may_be_changed_copied_and_destroyed)
{
	struct backend *b = new_token();
	auto_object o = object_of(OBJECT_DATA, 0, "x");
	struct slice none = NO_BYTES;

	o.flags = 0;
	CHECK_RC(backend_create(b, NULL, &o, &none, 1), KMS_OK);
	CHECK_RC(backend_update(b, NULL, &o, NULL), KMS_DENIED);
	CHECK_RC(backend_copy(b, NULL, &o.id, &o), KMS_DENIED);
	CHECK_RC(backend_destroy(b, NULL, &o.id, 1), KMS_DENIED);
	backend_close(b);
}
END_TEST

START_TEST(copy_takes_the_material_along)
{
	struct backend *b = new_token_with_user();
	auto_object k = new_aes(b, FLAG_PRIVATE | FLAG_EXTRACTABLE, "k"), copy = { 0 }, got = { 0 };
	auto_object secret = new_data(b, FLAG_PRIVATE, "s", "value"), open = { 0 }, back = { 0 };

	CHECK_RC(object_copy(&k, &copy), KMS_OK);
	CHECK_RC(buf_set(&copy.label, BYTES("k2")), KMS_OK);
	CHECK_RC(backend_copy(b, NULL, &k.id, &copy), KMS_OK);
	ck_assert(!uid_eq(&k.id, &copy.id));
	check_value(b, &copy.id, "0123456789abcdef");
	/* Data's value moves with its privacy. */
	CHECK_RC(object_copy(&secret, &open), KMS_OK);
	open.flags &= ~(uint32_t)FLAG_PRIVATE;
	CHECK_RC(backend_copy(b, NULL, &secret.id, &open), KMS_OK);
	CHECK_RC(backend_get(b, NULL, &open.id, &got), KMS_OK);
	CHECK_BYTES(buf_slice(&got.body), BYTES("value"));
	CHECK_RC(object_copy(&secret, &back), KMS_OK);
	CHECK_RC(backend_copy(b, NULL, &open.id, &back), KMS_OK);
	check_value(b, &back.id, "value");
	backend_close(b);
}
END_TEST

START_TEST(what_one_backend_changes_another_sees_at_its_next_find)
{
	struct backend *a = new_token(), *b = open_local();
	auto_object o = new_data(a, 0, "x", "v");
	uint64_t before = backend_generation(b);

	ck_assert_uint_eq(count_label(b, "x"), 1);
	CHECK_RC(try_get(b, &o.id), KMS_OK);
	CHECK_RC(buf_set(&o.label, BYTES("y")), KMS_OK);
	CHECK_RC(backend_update(b, NULL, &o, NULL), KMS_OK);
	ck_assert_uint_eq(count_label(a, "x"), 0);
	ck_assert_uint_eq(count_label(a, "y"), 1);
	CHECK_RC(backend_destroy(a, NULL, &o.id, 1), KMS_OK);
	ck_assert_uint_eq(count_label(b, "y"), 0);
	ck_assert_uint_gt(backend_generation(b), before);
	backend_close(a);
	backend_close(b);
}
END_TEST

START_TEST(generation_is_asked_once_within_the_caches_life)
{
	struct backend *a, *b;
	uint64_t before;

	conf.cache_ms = 1000;
	os_fake_clock(1000);
	a = new_token();
	b = open_local();
	before = backend_generation(b);
	{
		auto_object o = new_data(a, 0, "x", "v");

		ck_assert_uint_gt(backend_generation(a), 1);
	}
	ck_assert_uint_eq(backend_generation(b), before);
	os_fake_clock(1001);
	ck_assert_uint_gt(backend_generation(b), before);
	/* A clock that was set back does not stop it. */
	before = backend_generation(b);
	os_fake_clock(10);
	{
		auto_object o = new_data(a, 0, "x", "v");
	}
	ck_assert_uint_gt(backend_generation(b), before);
	os_fake_clock(-1);
	backend_close(a);
	backend_close(b);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { objects_come_back_as_they_were_made,
		create_keeps_all_or_none_and_leaves_its_input_alone_on_failure,
		create_takes_any_number_of_objects, private_objects_are_for_the_user_alone,
		only_the_so_says_what_is_trusted_and_only_a_login_shows_it,
		imported_keys_are_checked_against_what_they_are_said_to_be,
		public_key_of_another_spec_is_refused, export_gives_what_is_extractable,
		update_replaces_names_and_values_and_counts_revisions,
		update_never_loosens_a_keys_protection,
		update_changes_neither_kind_nor_spec_nor_a_keys_body, destroy_takes_all_or_none,
		objects_say_whether_they_may_be_changed_copied_and_destroyed,
		copy_takes_the_material_along,
		what_one_backend_changes_another_sees_at_its_next_find,
		generation_is_asked_once_within_the_caches_life };
	Suite *s = suite_create("local");
	TCase *t = tcase_create("local");

	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
