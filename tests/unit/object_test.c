/* SPDX-License-Identifier: Apache-2.0 */
/* Objects, lists of references, digests' lengths, and a backend that lacks everything. */
#define _GNU_SOURCE 1
#include "api/backend.h"

#include "tests/unit/unit.h"

static void
fill(struct object *o)
{
	*o = (struct object){
		.id = { .b = { 1, 2, 3 } },
		.revision = 7,
		.kind = OBJECT_PRIVATE_KEY,
		.spec = { .type = KEY_EC, .curve = CURVE_P256, .bits = 256 },
		.flags = FLAG_SIGN | FLAG_PRIVATE,
	};
	CHECK_RC(buf_add(&o->label, BYTES("label")), KMS_OK);
	CHECK_RC(buf_add(&o->app_id, BYTES("\x01\x02")), KMS_OK);
	CHECK_RC(buf_add(&o->subject, BYTES("subject")), KMS_OK);
	CHECK_RC(buf_add(&o->body, BYTES("body")), KMS_OK);
	CHECK_RC(buf_add(&o->attrs, BYTES("attrs")), KMS_OK);
}

START_TEST(a_copy_is_equal_and_shares_nothing)
{
	auto_object o = { 0 }, copy = { 0 };

	fill(&o);
	CHECK_RC(object_copy(&o, &copy), KMS_OK);
	ck_assert(uid_eq(&copy.id, &o.id));
	ck_assert_uint_eq(copy.revision, 7);
	ck_assert_int_eq(copy.kind, OBJECT_PRIVATE_KEY);
	ck_assert_int_eq(copy.spec.type, KEY_EC);
	ck_assert_int_eq(copy.spec.curve, CURVE_P256);
	ck_assert_uint_eq(copy.spec.bits, 256);
	ck_assert_uint_eq(copy.flags, FLAG_SIGN | FLAG_PRIVATE);
	object_free(&o);
	CHECK_BYTES(buf_slice(&copy.label), BYTES("label"));
	CHECK_BYTES(buf_slice(&copy.app_id), BYTES("\x01\x02"));
	CHECK_BYTES(buf_slice(&copy.subject), BYTES("subject"));
	CHECK_BYTES(buf_slice(&copy.body), BYTES("body"));
	CHECK_BYTES(buf_slice(&copy.attrs), BYTES("attrs"));
}
END_TEST

START_TEST(object_free_empties_and_takes_null)
{
	struct object o;

	fill(&o);
	object_free(&o);
	ck_assert_ptr_null(o.label.p);
	ck_assert_int_eq(o.kind, OBJECT_NONE);
	object_free(&o);
	object_free(NULL);
}
END_TEST

START_TEST(references_are_kept_in_order)
{
	auto_object_refs refs = { 0 };

	for (uint64_t i = 0; i < 1000; i++) {
		struct object_ref ref = { .id = { .b = { (uint8_t)i } }, .revision = i };

		CHECK_RC(object_refs_add(&refs, &ref), KMS_OK);
	}
	ck_assert_uint_eq(refs.n, 1000);
	for (uint64_t i = 0; i < 1000; i++) {
		ck_assert_uint_eq(refs.v[i].revision, i);
		ck_assert_uint_eq(refs.v[i].id.b[0], (uint8_t)i);
	}
	object_refs_free(&refs);
	ck_assert_ptr_null(refs.v);
	object_refs_free(NULL);
}
END_TEST

START_TEST(digests_have_their_lengths)
{
	static const size_t wanted[DIGEST_END] = { 0, 20, 28, 32, 48, 64, 32 };

	for (int d = DIGEST_NONE; d < DIGEST_END; d++)
		ck_assert_uint_eq(digest_len((enum digest)d), wanted[d]);
	ck_assert_uint_eq(digest_len((enum digest)1234), 0);
}
END_TEST

static const struct backend_ops bare_ops = { .name = "bare" };

START_TEST(a_backend_without_methods_supports_nothing)
{
	struct backend b = { .ops = &bare_ops };
	const struct alg_params params = { 0 };
	struct token_status status;
	struct object_refs refs = { 0 };
	struct object_query query = { 0 };
	struct object o = { 0 };
	struct uid id = { 0 };
	struct call c = { 0 };
	struct slice none = slice_str("");
	struct secret s = { 0 };
	struct backend_key *key;
	uint64_t revision;

	CHECK_RC(backend_status(&b, &c, &status), KMS_NOTSUP);
	ck_assert_str_eq(c.err.text, "the bare backend cannot tell its status");
	CHECK_RC(backend_init_token(&b, &c, none, none), KMS_NOTSUP);
	CHECK_RC(backend_login(&b, NULL, ROLE_USER, none, none), KMS_NOTSUP);
	CHECK_RC(backend_reauthenticate(&b, &c, none), KMS_NOTSUP);
	CHECK_RC(backend_init_pin(&b, &c, none), KMS_NOTSUP);
	CHECK_RC(backend_set_pin(&b, &c, ROLE_SO, none, none), KMS_NOTSUP);
	ck_assert_uint_eq(backend_generation(&b), 0);
	CHECK_RC(backend_find(&b, &c, &query, &refs), KMS_NOTSUP);
	CHECK_RC(backend_revision(&b, &c, &id, &revision), KMS_NOTSUP);
	CHECK_RC(backend_get(&b, &c, &id, &o), KMS_NOTSUP);
	CHECK_RC(backend_create(&b, &c, &o, &none, 1), KMS_NOTSUP);
	CHECK_RC(backend_generate(&b, &c, &o, NULL, none), KMS_NOTSUP);
	CHECK_RC(backend_update(&b, &c, &o, NULL), KMS_NOTSUP);
	CHECK_RC(backend_copy(&b, &c, &id, &o), KMS_NOTSUP);
	CHECK_RC(backend_destroy(&b, &c, &id, 1), KMS_NOTSUP);
	CHECK_RC(backend_export(&b, &c, &id, &s), KMS_NOTSUP);
	CHECK_RC(backend_key_open(&b, &c, &id, &key), KMS_NOTSUP);
	CHECK_RC(backend_derive(&b, &c, NULL, &params, &s), KMS_NOTSUP);
	backend_key_close(&b, NULL);
	backend_logout(&b);
	backend_close(&b);
	backend_close(NULL);
}
END_TEST

static unsigned freed;

static void
count_free(struct use *u UNUSED)
{
	freed++;
}

START_TEST(begin_without_a_method_frees_the_finished_use)
{
	static const struct use_ops ops = { .free = count_free };
	struct backend b = { .ops = &bare_ops };
	const struct alg_params params = { 0 };
	struct use old = { .ops = &ops }, *use = &old;

	CHECK_RC(backend_begin(&b, NULL, NULL, USE_SIGN, &params, &use), KMS_NOTSUP);
	ck_assert_ptr_null(use);
	ck_assert_uint_eq(freed, 1);
	use_free(NULL);
}
END_TEST

START_TEST(a_use_without_methods_supports_nothing)
{
	static const struct use_ops ops = { .free = count_free };
	struct use u = { .ops = &ops };
	struct slice none = slice_str("");
	struct outbuf out = { 0 };
	size_t need;

	CHECK_RC(use_restart(&u, NULL), KMS_NOTSUP);
	CHECK_RC(use_update(&u, none, &out, &need), KMS_NOTSUP);
	CHECK_RC(use_final(&u, &out, &need), KMS_NOTSUP);
	CHECK_RC(use_once(&u, none, &out, &need), KMS_NOTSUP);
	CHECK_RC(use_check(&u, none), KMS_NOTSUP);
	CHECK_RC(use_check_once(&u, none, none), KMS_NOTSUP);
}
END_TEST

int
main(void)
{
	return unit_main(UNIT_SUITE("object", a_copy_is_equal_and_shares_nothing,
	    object_free_empties_and_takes_null, references_are_kept_in_order,
	    digests_have_their_lengths, a_backend_without_methods_supports_nothing,
	    begin_without_a_method_frees_the_finished_use, a_use_without_methods_supports_nothing));
}
