/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets of the KMS as data objects: what kmsctl puts applications get, and the other way round.
 */
#include <stdio.h>

#include "pkcs11/kms-pkcs11.h"
#include "tests/p11/p11.h"

#define LONGEST 30720

/* A private data object of the token, by the secrets' application. */
static void
t_data(struct tmpl *t, const char *label, const void *value, size_t n)
{
	*t = (struct tmpl){ 0 };
	t_ulong(t, CKA_CLASS, CKO_DATA);
	t_bool(t, CKA_TOKEN, true);
	t_bool(t, CKA_PRIVATE, true);
	t_text(t, CKA_LABEL, label);
	t_text(t, CKA_APPLICATION, KMS_SECRET_APPLICATION);
	t_bytes(t, CKA_VALUE, value, n);
}

static CK_OBJECT_HANDLE
make_secret(const char *label, const char *value)
{
	CK_OBJECT_HANDLE o;
	struct tmpl t;

	t_data(&t, label, value, strlen(value));
	CHECK_OK(create(hs, &t, &o));
	return o;
}

static CK_OBJECT_HANDLE
found(const char *label)
{
	struct tmpl t = { 0 };
	CK_OBJECT_HANDLE o = 0;

	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_text(&t, CKA_LABEL, label);
	ck_assert_uint_eq(find_all(hs, &t, &o), 1);
	return o;
}

static void
check_text(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, const char *wanted)
{
	char got[200];
	CK_ULONG n = get_bytes(o, type, got, sizeof(got));

	ck_assert_uint_eq(n, strlen(wanted));
	ck_assert(memcmp(got, wanted, n) == 0);
}

/* kmsctl gets the value WANTED (as a shell's printf makes it) of the secret NAME. */
static void
check_kmsctl(const char *name, const char *wanted)
{
	char arguments[600];

	snprintf(arguments, sizeof(arguments),
	    "secret get %s -o %s/got && printf '%s' | cmp - %s/got && rm %s/got", name, p11_dir,
	    wanted, p11_dir, p11_dir);
	ck_assert_int_eq(kmsctl(arguments), 0);
}

/* -- from the KMS -- */

START_TEST(a_secret_is_seen_as_private_data_with_its_current_value)
{
	CK_OBJECT_HANDLE o;

	ck_assert_int_eq(kmsctl("secret create db/pw /dev/stdin >/dev/null <<END\nfirst\nEND"), 0);
	o = found("db/pw");
	check_text(o, CKA_VALUE, "first\n");
	check_text(o, CKA_APPLICATION, KMS_SECRET_APPLICATION);
	ck_assert(get_bool(o, CKA_TOKEN));
	ck_assert(get_bool(o, CKA_PRIVATE));
	ck_assert(!get_bool(o, CKA_COPYABLE));
	ck_assert_int_eq(kmsctl("secret put db/pw /dev/stdin >/dev/null <<END\nnext one\nEND"), 0);
	check_text(o, CKA_VALUE, "next one\n");
	ck_assert_int_eq(
	    kmsctl("secret put db/pw /dev/stdin --stage trial >/dev/null <<END\nx\nEND"), 0);
	check_text(o, CKA_VALUE, "next one\n");
}
END_TEST

START_TEST(a_secret_is_seen_by_who_is_logged_in_alone)
{
	CK_OBJECT_HANDLE o = make_secret("pw", "hidden");

	CHECK_OK(p11->C_Logout(hs));
	ck_assert_uint_eq(find_label(hs, "pw"), 0);
	CHECK_RV(get_rv(o, CKA_VALUE), CKR_OBJECT_HANDLE_INVALID);
	p11_login(CKU_USER);
	check_text(found("pw"), CKA_VALUE, "hidden");
}
END_TEST

START_TEST(bytes_that_are_no_text_come_and_go_as_they_are)
{
	CK_BYTE value[] = { 0xff, 0, 0x80, '\n' }, got[10];
	CK_OBJECT_HANDLE o;
	struct tmpl t;

	ck_assert_int_eq(
	    kmsctl("secret create theirs /dev/stdin --binary >/dev/null <<END\n\376\nEND"), 0);
	ck_assert_uint_eq(get_bytes(found("theirs"), CKA_VALUE, got, sizeof(got)), 2);
	ck_assert(memcmp(got, "\376\n", 2) == 0);
	t_data(&t, "ours", value, sizeof(value));
	CHECK_OK(create(hs, &t, &o));
	ck_assert_uint_eq(get_bytes(o, CKA_VALUE, got, sizeof(got)), sizeof(value));
	ck_assert(memcmp(got, value, sizeof(value)) == 0);
	check_kmsctl("ours", "\\377\\000\\200\\n");
}
END_TEST

START_TEST(what_is_to_be_deleted_is_not_seen_unless_it_is_restored)
{
	CK_OBJECT_HANDLE o = make_secret("pw", "value");

	ck_assert_int_eq(kmsctl("secret delete pw --yes >/dev/null"), 0);
	ck_assert_uint_eq(find_label(hs, "pw"), 0);
	CHECK_RV(get_rv(o, CKA_VALUE), CKR_KEY_FUNCTION_NOT_PERMITTED);
	ck_assert_int_eq(kmsctl("secret restore pw >/dev/null"), 0);
	check_text(found("pw"), CKA_VALUE, "value");
	ck_assert_int_eq(kmsctl("secret delete pw --now --yes >/dev/null"), 0);
	ck_assert_uint_eq(find_label(hs, "pw"), 0);
	CHECK_RV(get_rv(o, CKA_VALUE), CKR_OBJECT_HANDLE_INVALID);
}
END_TEST

/* -- to the KMS -- */

START_TEST(data_of_the_secrets_application_is_a_secret_with_versions)
{
	CK_OBJECT_HANDLE o = make_secret("app/token", "one");

	check_kmsctl("app/token", "one");
	CHECK_OK(set_bytes(o, CKA_VALUE, "two", 3));
	check_text(o, CKA_VALUE, "two");
	check_kmsctl("app/token", "two");
	check_kmsctl("app/token --stage ACSPrevious", "one");
	CHECK_OK(p11->C_DestroyObject(hs, o));
	ck_assert_uint_eq(find_label(hs, "app/token"), 0);
	ck_assert_int_ne(kmsctl("secret show app/token >/dev/null 2>&1"), 0);
	/* its name is free again */
	check_text(make_secret("app/token", "three"), CKA_VALUE, "three");
}
END_TEST

START_TEST(what_no_secret_can_be_is_refused)
{
	static char longest[LONGEST + 1];
	CK_OBJECT_HANDLE o;
	struct tmpl t;

	memset(longest, 'x', sizeof(longest));
	t_data(&t, "two words", "x", 1);
	CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
	t_data(&t, "acs/own", "x", 1);
	CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
	t_data(&t, "empty", "", 0);
	CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
	t_data(&t, "long", longest, sizeof(longest));
	CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
	t_data(&t, "public", "x", 1);
	t_set_bool(&t, CKA_PRIVATE, false);
	CHECK_RV(create(hs, &t, &o), CKR_TEMPLATE_INCONSISTENT);
	t_data(&t, "numbered", "x", 1);
	t_bytes(&t, CKA_OBJECT_ID, "\x06\x01\x2a", 3);
	CHECK_RV(create(hs, &t, &o), CKR_TEMPLATE_INCONSISTENT);
	t_data(&t, "copied", "x", 1);
	t_bool(&t, CKA_COPYABLE, true);
	CHECK_RV(create(hs, &t, &o), CKR_TEMPLATE_INCONSISTENT);
	t_data(&t, "bare", "x", 1);
	t_drop(&t, CKA_VALUE);
	CHECK_RV(create(hs, &t, &o), CKR_TEMPLATE_INCOMPLETE);
	t_data(&t, "long", longest, LONGEST);
	CHECK_OK(create(hs, &t, &o));
	CHECK_RV(create(hs, &t, &o), CKR_FUNCTION_FAILED);
}
END_TEST

START_TEST(a_secret_changes_in_nothing_but_its_value)
{
	CK_OBJECT_HANDLE o = make_secret("pw", "value"), copy;
	struct tmpl t = { 0 };

	CHECK_RV(set_bytes(o, CKA_LABEL, "other", 5), CKR_ATTRIBUTE_READ_ONLY);
	CHECK_RV(set_bytes(o, CKA_APPLICATION, "other", 5), CKR_ATTRIBUTE_READ_ONLY);
	CHECK_RV(set_bool(o, CKA_DESTROYABLE, false), CKR_ATTRIBUTE_READ_ONLY);
	CHECK_RV(p11->C_CopyObject(hs, o, t.v, t.n, &copy), CKR_ACTION_PROHIBITED);
	check_text(o, CKA_VALUE, "value");
}
END_TEST

START_TEST(other_data_is_no_secret_and_may_have_a_secrets_label)
{
	CK_OBJECT_HANDLE plain, second, secret;
	struct tmpl t;

	t_data(&t, "pw", "plain", 5);
	t_drop(&t, CKA_APPLICATION);
	CHECK_OK(create(hs, &t, &plain));
	CHECK_OK(create(hs, &t, &second));
	ck_assert_int_ne(kmsctl("secret show pw >/dev/null 2>&1"), 0);
	secret = make_secret("pw", "secret");
	ck_assert_uint_eq(find_label(hs, "pw"), 3);
	check_text(plain, CKA_VALUE, "plain");
	check_text(secret, CKA_VALUE, "secret");
	CHECK_OK(p11->C_DestroyObject(hs, plain));
	CHECK_OK(p11->C_DestroyObject(hs, second));
	check_text(found("pw"), CKA_VALUE, "secret");
}
END_TEST

START_TEST(a_session_that_only_reads_changes_no_secret)
{
	CK_OBJECT_HANDLE o = make_secret("pw", "value"), made;
	CK_SESSION_HANDLE reader = p11_open(false);
	CK_ATTRIBUTE value = { CKA_VALUE, (CK_BYTE *)(uintptr_t) "x", 1 };
	struct tmpl t;

	t_data(&t, "more", "x", 1);
	CHECK_RV(create(reader, &t, &made), CKR_SESSION_READ_ONLY);
	CHECK_RV(p11->C_SetAttributeValue(reader, o, &value, 1), CKR_SESSION_READ_ONLY);
	CHECK_RV(p11->C_DestroyObject(reader, o), CKR_SESSION_READ_ONLY);
	check_text(o, CKA_VALUE, "value");
}
END_TEST

START_TEST(what_is_done_to_a_secret_is_recorded_as_the_kms_does)
{
	CK_OBJECT_HANDLE o = make_secret("pw", "value");
	char arguments[1000];

	check_text(o, CKA_VALUE, "value");
	CHECK_OK(set_bytes(o, CKA_VALUE, "two", 3));
	CHECK_OK(p11->C_DestroyObject(hs, o));
	snprintf(arguments, sizeof(arguments),
	    "audit search >%s/log && cd %s && ! grep -q ExportObject log &&"
	    " grep -q 'CreateSecret.*pw' log && grep -q 'GetSecretValue.*pw' log &&"
	    " grep -q 'PutSecretValue.*pw' log && grep -q 'DeleteSecret.*pw' log",
	    p11_dir, p11_dir);
	ck_assert_int_eq(kmsctl(arguments), 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_secret_is_seen_as_private_data_with_its_current_value,
		a_secret_is_seen_by_who_is_logged_in_alone,
		bytes_that_are_no_text_come_and_go_as_they_are,
		what_is_to_be_deleted_is_not_seen_unless_it_is_restored,
		data_of_the_secrets_application_is_a_secret_with_versions,
		what_no_secret_can_be_is_refused,
		a_secret_changes_in_nothing_but_its_value,
		other_data_is_no_secret_and_may_have_a_secrets_label,
		a_session_that_only_reads_changes_no_secret,
		what_is_done_to_a_secret_is_recorded_as_the_kms_does,
	};
	Suite *s = suite_create("p11 secret");
	TCase *t = tcase_create("p11 secret");

	tcase_add_checked_fixture(t, p11_setup_user, p11_teardown);
	for (size_t i = 0; i < N(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return p11_main(s);
}
