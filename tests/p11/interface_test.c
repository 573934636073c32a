/* SPDX-License-Identifier: Apache-2.0 */
/* The module's lists of functions, what it tells of itself, and what is refused altogether.
 * C_Initialize and C_Finalize are in initialize_test.c. */
#include "tests/p11/calls.h"

static CK_UTF8CHAR standard[] = "PKCS 11";

/* -- lists --------------------------------------------------------------------------------- */

static CK_VERSION
version_of(const CK_INTERFACE *i)
{
	CK_VERSION v;

	memcpy(&v, i->pFunctionList, sizeof(v)); /* every list begins with it */
	return v;
}

static bool
version_is(CK_VERSION v, int major, int minor)
{
	return v.major == major && v.minor == minor;
}

START_TEST(the_function_list_is_2_40_and_has_no_hole)
{
	CK_FUNCTION_LIST *list = NULL, *again = NULL;

	CHECK_RV(p11->C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
	CHECK_OK(p11->C_GetFunctionList(&list));
	CHECK_OK(p11->C_GetFunctionList(&again));
	ck_assert_ptr_eq(list, p11);
	ck_assert_ptr_eq(list, again);
	ck_assert(version_is(list->version, 2, 40));
#define V2(name) ck_assert_msg(list->name != NULL, "no %s", #name);
#define V3(name)
#include "pkcs11/functions.def"
#undef V2
#undef V3
}
END_TEST

START_TEST(the_3_0_list_is_3_0_and_has_no_hole)
{
	if (p11v3 == NULL)
		return;
	ck_assert(version_is(p11v3->version, 3, 0));
#define V2(name)                                            \
	ck_assert_msg(p11v3->name != NULL, "no %s", #name); \
	ck_assert_msg(p11v3->name == p11->name, "another %s", #name);
#define V3(name) ck_assert_msg(p11v3->name != NULL, "no %s", #name);
#include "pkcs11/functions.def"
#undef V2
#undef V3
	ck_assert_ptr_eq((void *)p11v3->C_GetInterface, (void *)p11_get_interface);
	ck_assert_ptr_eq((void *)p11v3->C_GetInterfaceList, (void *)p11_get_interface_list);
}
END_TEST

/* What walks all functions is worth as much as its list of them. */
START_TEST(the_tests_know_every_function)
{
	static const char *const names[] = {
#define V2(name) #name,
#define V3(name) #name,
#include "pkcs11/functions.def"
#undef V2
#undef V3
	};

	ck_assert_uint_eq(n_calls, N(names));
	for (size_t i = 0; i < N(names); i++)
		ck_assert_str_eq(calls[i].name, names[i]);
}
END_TEST

START_TEST(interfaces_are_listed_by_the_two_call_rule)
{
	CK_INTERFACE list[8], pattern[8];
	CK_ULONG n = 99, all;

	if (p11_get_interface_list == NULL)
		return;
	memset(list, 0x5a, sizeof(list));
	memset(pattern, 0x5a, sizeof(pattern));
	CHECK_RV(p11_get_interface_list(NULL, NULL), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11_get_interface_list(list, NULL), CKR_ARGUMENTS_BAD);
	CHECK_OK(p11_get_interface_list(NULL, &n));
	ck_assert_uint_ge(n, 2);
	ck_assert_uint_lt(n, N(list));
	all = n;
	for (CK_ULONG room = 0; room < all; room++) {
		n = room;
		CHECK_RV(p11_get_interface_list(list, &n), CKR_BUFFER_TOO_SMALL);
		ck_assert_uint_eq(n, all);
	}
	ck_assert_mem_eq(list, pattern, sizeof(list));
	for (CK_ULONG room = all; room < N(list); room++) {
		n = room;
		CHECK_OK(p11_get_interface_list(list, &n));
		ck_assert_uint_eq(n, all);
		ck_assert_mem_eq(list + all, pattern, sizeof(*list) * (N(list) - all));
	}
}
END_TEST

START_TEST(both_interfaces_are_listed_once_and_the_newest_first)
{
	CK_INTERFACE list[8];
	CK_ULONG n = N(list);

	if (p11_get_interface_list == NULL)
		return;
	CHECK_OK(p11_get_interface_list(list, &n));
	ck_assert_uint_eq(n, 2);
	for (CK_ULONG i = 0; i < n; i++) {
		ck_assert_str_eq((const char *)list[i].pInterfaceName, (const char *)standard);
		/* fork safe would promise that a child keeps its sessions */
		ck_assert_uint_eq(list[i].flags, 0);
	}
	ck_assert(version_is(version_of(&list[0]), 3, 0));
	ck_assert_ptr_eq(list[0].pFunctionList, p11v3);
	ck_assert(version_is(version_of(&list[1]), 2, 40));
	ck_assert_ptr_eq(list[1].pFunctionList, p11);
}
END_TEST

START_TEST(an_interface_is_got_by_name_and_version)
{
	static CK_UTF8CHAR others[][16] = { "", "PKCS 1", "PKCS 111", "pkcs 11", "PKCS11",
		"Vendor X" };
	static const CK_VERSION unknown[] = { { 0, 0 }, { 2, 0 }, { 2, 39 }, { 2, 41 }, { 3, 1 },
		{ 3, 2 }, { 3, 255 }, { 4, 0 }, { 255, 255 } };
	CK_VERSION v3 = { 3, 0 }, v2 = { 2, 40 };
	CK_INTERFACE *got = NULL, *keep;

	if (p11_get_interface == NULL)
		return;
	CHECK_OK(p11_get_interface(NULL, NULL, &got, 0));
	ck_assert(version_is(version_of(got), 3, 0));
	keep = got;
	CHECK_OK(p11_get_interface(standard, NULL, &got, 0));
	ck_assert_ptr_eq(got, keep);
	CHECK_OK(p11_get_interface(NULL, &v3, &got, 0));
	ck_assert_ptr_eq(got->pFunctionList, p11v3);
	CHECK_OK(p11_get_interface(standard, &v3, &got, 0));
	ck_assert_ptr_eq(got->pFunctionList, p11v3);
	CHECK_OK(p11_get_interface(NULL, &v2, &got, 0));
	ck_assert_ptr_eq(got->pFunctionList, p11);
	CHECK_OK(p11_get_interface(standard, &v2, &got, 0));
	ck_assert_ptr_eq(got->pFunctionList, p11);

	keep = got;
	CHECK_RV(p11_get_interface(standard, &v3, NULL, 0), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11_get_interface(NULL, NULL, NULL, 0), CKR_ARGUMENTS_BAD);
	for (size_t i = 0; i < N(others); i++)
		CHECK_RV(p11_get_interface(others[i], NULL, &got, 0), CKR_FUNCTION_FAILED);
	for (size_t i = 0; i < N(unknown); i++) {
		CK_VERSION v = unknown[i];

		CHECK_RV(p11_get_interface(standard, &v, &got, 0), CKR_FUNCTION_FAILED);
		CHECK_RV(p11_get_interface(NULL, &v, &got, 0), CKR_FUNCTION_FAILED);
	}
	CHECK_RV(p11_get_interface(NULL, NULL, &got, CKF_INTERFACE_FORK_SAFE), CKR_FUNCTION_FAILED);
	CHECK_RV(p11_get_interface(standard, &v3, &got, (CK_FLAGS)-1), CKR_FUNCTION_FAILED);
	ck_assert_ptr_eq(got, keep);
}
END_TEST

/* -- what is said and what is refused ------------------------------------------------------ */

static bool
padded(const CK_UTF8CHAR *text, size_t n)
{
	return memchr(text, 0, n) == NULL && text[0] != ' ';
}

START_TEST(info_tells_version_and_names)
{
	CK_INFO info;

	memset(&info, 0, sizeof(info));
	CHECK_OK(p11_init());
	CHECK_RV(p11->C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
	CHECK_OK(p11->C_GetInfo(&info));
	if (p11v3 != NULL)
		ck_assert(version_is(info.cryptokiVersion, 3, 0));
	ck_assert(padded(info.manufacturerID, sizeof(info.manufacturerID)));
	ck_assert(padded(info.libraryDescription, sizeof(info.libraryDescription)));
	ck_assert_uint_eq(info.flags, 0);
}
END_TEST

START_TEST(what_we_do_not_do_is_refused_whatever_the_arguments)
{
	CK_ULONG memory[64], pattern[N(memory)];
	CK_SESSION_HANDLE sessions[3];

	if (!p11_is_ours())
		return;
	CHECK_OK(p11_init());
	hs = p11_open(true);
	sessions[0] = 0;
	sessions[1] = hs;
	sessions[2] = hs + 77;
	memset(memory, 0x11, sizeof(memory));
	memset(pattern, 0x11, sizeof(pattern));
	for (size_t i = 0; i < n_calls; i++)
		for (size_t s = 0; s < N(sessions) && is_refused(calls[i].name); s++)
			for (int null = 0; null < 2; null++) {
				union word a[ARGS_MAX];
				CK_RV rv;

				for (size_t k = 0; k < calls[i].n_args; k++) {
					if (is_pointer(calls[i].role[k]))
						a[k].p = null != 0 ? NULL : memory;
					else
						a[k].n = 1;
				}
				if (calls[i].role[0] == SESSION)
					a[0].n = sessions[s];
				rv = calls[i].run(a);
				ck_assert_msg(rv == CKR_FUNCTION_NOT_SUPPORTED, "%s: %s",
				    calls[i].name, p11_name(rv));
			}
	ck_assert_mem_eq(memory, pattern, sizeof(memory));
}
END_TEST

START_TEST(the_legacy_functions_say_that_nothing_runs_in_parallel)
{
	CHECK_OK(p11_init());
	hs = p11_open(false);
	CHECK_RV(p11->C_GetFunctionStatus(hs), CKR_FUNCTION_NOT_PARALLEL);
	CHECK_RV(p11->C_CancelFunction(hs), CKR_FUNCTION_NOT_PARALLEL);
	CHECK_RV(p11->C_GetFunctionStatus(0), CKR_FUNCTION_NOT_PARALLEL);
	CHECK_RV(p11->C_CancelFunction(0), CKR_FUNCTION_NOT_PARALLEL);
	CHECK_RV(p11->C_GetFunctionStatus((CK_ULONG)-1), CKR_FUNCTION_NOT_PARALLEL);
	CHECK_RV(p11->C_CancelFunction((CK_ULONG)-1), CKR_FUNCTION_NOT_PARALLEL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 interface");
	TCase *t = tcase_create("interface");

	tcase_add_checked_fixture(t, p11_setup_dir, p11_teardown);
	tcase_add_test(t, the_function_list_is_2_40_and_has_no_hole);
	tcase_add_test(t, the_3_0_list_is_3_0_and_has_no_hole);
	tcase_add_test(t, the_tests_know_every_function);
	tcase_add_test(t, interfaces_are_listed_by_the_two_call_rule);
	tcase_add_test(t, both_interfaces_are_listed_once_and_the_newest_first);
	tcase_add_test(t, an_interface_is_got_by_name_and_version);
	tcase_add_test(t, info_tells_version_and_names);
	tcase_add_test(t, what_we_do_not_do_is_refused_whatever_the_arguments);
	tcase_add_test(t, the_legacy_functions_say_that_nothing_runs_in_parallel);
	suite_add_tcase(s, t);
	return p11_main(s);
}
