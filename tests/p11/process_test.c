/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that share a store, each initialised and logged in all the time: what one of them does,
 * the others see without a C_Initialize, at their next find or within cache-ms. What becomes of
 * processes whose token is made anew, taken away or exchanged is in process_token_test.c.
 */
#define _GNU_SOURCE 1
#include "tests/p11/process.h"

/* What is seen within cache-ms comes soon, and what is seen at once must not depend on it. */
static void
setup_soon(void)
{
	setup_processes("cache-ms = 100");
}

static void
setup_at_once(void)
{
	setup_processes("cache-ms = 60000");
}

/* -- objects ------------------------------------------------------------------------------- */

static CK_ULONG
count(CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
	struct tmpl t = { .n = 0 };

	t_bool(&t, CKA_TOKEN, true);
	if (type == CKA_CLASS)
		t_ulong(&t, type, value);
	else
		t_bool(&t, type, value != 0);
	return find_all(hs, &t, NULL);
}

START_TEST(what_one_creates_the_other_finds_at_once)
{
	for (CK_ULONG i = 1; i <= 3; i++) {
		peer_do(&other, put, ARG("data"));
		ck_assert_uint_eq(find_label(hs, "data"), i);
		peer_do(&other, put_pair, ARG("pair"));
		ck_assert_uint_eq(find_label(hs, "pair"), 2 * i);
		ck_assert_uint_eq(count(CKA_CLASS, CKO_PRIVATE_KEY), i);
		ck_assert_uint_eq(count(CKA_SIGN, true), i);
	}
	peer_do(&other, put_aes, ARG("aes"));
	CHECK_OK(use_aes(hs, named("aes")));
}
END_TEST

START_TEST(what_one_destroys_the_other_finds_no_more)
{
	put(ARG("data"));
	put_aes(ARG("aes"));
	CHECK_OK(use_aes(hs, named("aes")));
	peer_do(&other, destroy, ARG("data"));
	ck_assert_uint_eq(find_label(hs, "data"), 0);
	ck_assert_uint_eq(count(CKA_CLASS, CKO_DATA), 0);
	peer_do(&other, destroy, ARG("aes"));
	ck_assert_uint_eq(find_label(hs, "aes"), 0);
	ck_assert_uint_eq(count(CKA_ENCRYPT, true), 0);
}
END_TEST

START_TEST(what_one_destroys_is_gone_within_cache_ms)
{
	CK_OBJECT_HANDLE o;

	put(ARG("data"));
	o = named("data");
	CHECK_OK(get_rv(o, CKA_LABEL));
	peer_do(&other, destroy, ARG("data"));
	SOON(get_rv(o, CKA_LABEL), CKR_OBJECT_HANDLE_INVALID);
	CHECK_RV(p11->C_DestroyObject(hs, o), CKR_OBJECT_HANDLE_INVALID);
}
END_TEST

static void
rename_it(uintptr_t label)
{
	CHECK_OK(set_bytes(named(TEXT(label)), CKA_LABEL, "renamed", 7));
}

START_TEST(what_one_changes_the_other_sees_at_its_next_find)
{
	CK_OBJECT_HANDLE o;
	CK_BYTE room[32];

	put(ARG("data"));
	o = named("data");
	ck_assert_uint_eq(get_bytes(o, CKA_LABEL, room, sizeof(room)), 4);
	peer_do(&other, rename_it, ARG("data"));
	ck_assert_uint_eq(find_label(hs, "data"), 0);
	ck_assert_uint_eq(named("renamed"), o);
	ck_assert_uint_eq(get_bytes(o, CKA_LABEL, room, sizeof(room)), 7);
	ck_assert_mem_eq(room, "renamed", 7);
}
END_TEST

START_TEST(what_one_changes_the_other_sees_without_a_find_within_cache_ms)
{
	CK_OBJECT_HANDLE o;
	CK_BYTE room[32];

	put(ARG("data"));
	o = named("data");
	ck_assert_uint_eq(get_bytes(o, CKA_LABEL, room, sizeof(room)), 4);
	peer_do(&other, rename_it, ARG("data"));
	SOON(get_bytes(o, CKA_LABEL, room, sizeof(room)), 7);
}
END_TEST

/* What is known here is older than what is there, and is not what comes to be written. */
START_TEST(both_may_change_an_object_without_waiting_for_each_other)
{
	CK_OBJECT_HANDLE o;
	CK_BYTE room[32];

	put_aes(ARG("aes"));
	o = named("aes");
	ck_assert(get_bool(o, CKA_ENCRYPT));
	peer_do(&other, rename_it, ARG("aes"));
	CHECK_OK(set_bytes(o, CKA_ID, "id", 2));
	ck_assert_uint_eq(get_bytes(o, CKA_LABEL, room, sizeof(room)), 7);
	ck_assert_mem_eq(room, "renamed", 7);
	ck_assert_uint_eq(get_bytes(o, CKA_ID, room, sizeof(room)), 2);
	ck_assert_uint_eq(find_label(hs, "renamed"), 1);
}
END_TEST

/* -- keys in use --------------------------------------------------------------------------- */

static void
forbid_encryption(uintptr_t label)
{
	CHECK_OK(set_bool(named(TEXT(label)), CKA_ENCRYPT, false));
}

static void
destroy_private_half(uintptr_t label)
{
	CHECK_OK(p11->C_DestroyObject(hs, private_half(TEXT(label))));
}

START_TEST(a_key_that_another_destroys_stops_working_within_cache_ms)
{
	CK_OBJECT_HANDLE aes, priv;

	put_aes(ARG("aes"));
	put_pair(ARG("pair"));
	aes = named("aes");
	priv = private_half("pair");
	CHECK_OK(use_aes(hs, aes));
	CHECK_OK(use_ec(hs, priv));
	peer_do(&other, destroy, ARG("aes"));
	peer_do(&other, destroy_private_half, ARG("pair"));
	SOON(use_aes(hs, aes), CKR_KEY_HANDLE_INVALID);
	SOON(use_ec(hs, priv), CKR_KEY_HANDLE_INVALID);
	/* And for good. */
	pause_ms(150);
	CHECK_RV(use_aes(hs, aes), CKR_KEY_HANDLE_INVALID);
	CHECK_RV(use_ec(hs, priv), CKR_KEY_HANDLE_INVALID);
}
END_TEST

START_TEST(a_use_that_another_forbids_ends_within_cache_ms)
{
	CK_OBJECT_HANDLE aes;

	put_aes(ARG("aes"));
	aes = named("aes");
	CHECK_OK(use_aes(hs, aes));
	peer_do(&other, forbid_encryption, ARG("aes"));
	SOON(use_aes(hs, aes), CKR_KEY_FUNCTION_NOT_PERMITTED);
}
END_TEST

/* What is in the middle of its work when its key goes ends well or as the rest does. */
START_TEST(an_operation_whose_key_another_destroys_goes_on_or_is_refused)
{
	CK_MECHANISM m = { CKM_ECDSA_SHA256, NULL, 0 };
	CK_BYTE sig[64];
	CK_ULONG n = sizeof(sig);

	put_pair(ARG("pair"));
	CHECK_OK(p11->C_SignInit(hs, &m, private_half("pair")));
	CHECK_OK(p11->C_SignUpdate(hs, BYTES("mess")));
	peer_do(&other, destroy_private_half, ARG("pair"));
	pause_ms(150);
	CHECK_IN(p11->C_SignUpdate(hs, BYTES("age")), CKR_OK, CKR_KEY_HANDLE_INVALID);
	if (p11->C_SignFinal(hs, sig, &n) != CKR_OK)
		return;
	CHECK_OK(p11->C_VerifyInit(hs, &m, named("pair")));
	CHECK_OK(p11->C_Verify(hs, BYTES("message"), sig, n));
}
END_TEST

/* -- all at once --------------------------------------------------------------------------- */

#define CREATORS 3
#define EACH	 25

static void
create_each(uintptr_t who)
{
	char label[32];

	for (int i = 0; i < EACH; i++) {
		snprintf(label, sizeof(label), "%c %d", (int)who, i);
		if (i % 5 == 0)
			put_pair(ARG(label));
		else
			put(ARG(label));
		ck_assert_uint_eq(find_label(hs, label), i % 5 == 0 ? 2 : 1);
	}
}

START_TEST(processes_that_create_at_once_lose_nothing)
{
	struct peer more;
	char label[32];

	peer_start(&more);
	peer_do(&more, begin, 0);
	peer_begin(&other, create_each, 'a');
	peer_begin(&more, create_each, 'b');
	create_each('c');
	peer_wait(&other);
	peer_wait(&more);
	for (int who = 'a'; who < 'a' + CREATORS; who++)
		for (int i = 0; i < EACH; i++) {
			snprintf(label, sizeof(label), "%c %d", who, i);
			ck_assert_uint_eq(find_label(hs, label), i % 5 == 0 ? 2 : 1);
		}
	ck_assert_uint_eq(count(CKA_CLASS, CKO_PRIVATE_KEY), CREATORS * (EACH / 5));
	peer_end(&more);
}
END_TEST

#define CHANGES 40

/* One attribute is this process's alone, and it is never another one's doing when it changes. */
static void
change_attribute(uintptr_t type)
{
	CK_OBJECT_HANDLE o = named("shared");
	char value[16], back[16];

	for (int i = 0; i < CHANGES; i++) {
		size_t n = (size_t)snprintf(value, sizeof(value), "value %d", i);

		CHECK_OK(set_bytes(o, type, value, n));
		ck_assert_uint_eq(get_bytes(o, type, back, sizeof(back)), n);
		ck_assert_mem_eq(back, value, n);
	}
}

START_TEST(processes_that_change_one_object_at_once_lose_nothing)
{
	CK_BYTE room[16];

	put(ARG("shared"));
	peer_begin(&other, change_attribute, CKA_APPLICATION);
	change_attribute(CKA_VALUE);
	peer_wait(&other);
	(void)named("shared");
	ck_assert_uint_eq(get_bytes(named("shared"), CKA_VALUE, room, sizeof(room)), 8);
	ck_assert_mem_eq(room, "value 39", 8);
	ck_assert_uint_eq(get_bytes(named("shared"), CKA_APPLICATION, room, sizeof(room)), 8);
	ck_assert_mem_eq(room, "value 39", 8);
}
END_TEST

static void
create_and_destroy(uintptr_t label)
{
	for (int i = 0; i < 30; i++) {
		put_aes(label);
		CHECK_OK(use_aes(hs, named(TEXT(label))));
		destroy(label);
	}
}

START_TEST(processes_that_create_and_destroy_at_once_do_not_meet)
{
	peer_begin(&other, create_and_destroy, ARG("theirs"));
	create_and_destroy(ARG("mine"));
	peer_wait(&other);
	ck_assert_uint_eq(count(CKA_ENCRYPT, true), 0);
}
END_TEST

/* -- coming and going ---------------------------------------------------------------------- */

static void
finalize(uintptr_t arg)
{
	(void)arg;
	CHECK_OK(p11->C_Finalize(NULL));
}

/* The last one out tidies up, and whoever is there is not the last one. */
START_TEST(one_that_finalizes_takes_nothing_from_the_others)
{
	for (CK_ULONG i = 1; i <= 5; i++) {
		peer_do(&other, put, ARG("theirs"));
		peer_do(&other, finalize, 0);
		put(ARG("mine"));
		ck_assert_uint_eq(find_label(hs, "theirs"), i);
		peer_do(&other, begin, 0);
	}
	CHECK_OK(p11->C_Finalize(NULL));
	peer_do(&other, put, ARG("theirs"));
	peer_do(&other, finalize, 0);
	begin(0);
	ck_assert_uint_eq(find_label(hs, "theirs"), 6);
	ck_assert_uint_eq(find_label(hs, "mine"), 5);
	peer_do(&other, begin, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 processes");
	TCase *t = tcase_create("at once"), *soon = tcase_create("soon");

	tcase_add_checked_fixture(t, setup_at_once, teardown_processes);
	tcase_add_test(t, what_one_creates_the_other_finds_at_once);
	tcase_add_test(t, what_one_destroys_the_other_finds_no_more);
	tcase_add_test(t, what_one_changes_the_other_sees_at_its_next_find);
	tcase_add_test(t, both_may_change_an_object_without_waiting_for_each_other);
	tcase_add_test(t, processes_that_create_at_once_lose_nothing);
	tcase_add_test(t, processes_that_change_one_object_at_once_lose_nothing);
	tcase_add_test(t, processes_that_create_and_destroy_at_once_do_not_meet);
	tcase_add_test(t, one_that_finalizes_takes_nothing_from_the_others);
	suite_add_tcase(s, t);

	tcase_add_checked_fixture(soon, setup_soon, teardown_processes);
	tcase_add_test(soon, what_one_destroys_is_gone_within_cache_ms);
	tcase_add_test(soon, what_one_changes_the_other_sees_without_a_find_within_cache_ms);
	tcase_add_test(soon, a_key_that_another_destroys_stops_working_within_cache_ms);
	tcase_add_test(soon, a_use_that_another_forbids_ends_within_cache_ms);
	tcase_add_test(soon, an_operation_whose_key_another_destroys_goes_on_or_is_refused);
	suite_add_tcase(s, soon);
	return p11_main(s);
}
