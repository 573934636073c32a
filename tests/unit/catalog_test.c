/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog's session objects: handles, who sees and who removes them, and changes that meet. */
#define _GNU_SOURCE 1
#include "pkcs11/catalog.h"

#include "pkcs11/slot.h"
#include "tests/unit/rv.h"

/* What lives in the catalog alone asks a backend for nothing but who is logged in. */
static struct token token;
static enum role role;

static enum role
tell_role(struct backend *b UNUSED)
{
	return role;
}

static const struct backend_ops ops = { .role = tell_role };
static struct backend backend = { .ops = &ops };
static struct catalog *c;

static void
setup(void)
{
	role = ROLE_USER;
	token = (struct token){ .role = ROLE_USER, .backend = &backend };
	ck_assert_ptr_nonnull(c = catalog_new(&token));
}

static void
teardown(void)
{
	catalog_free(c);
}

static CK_OBJECT_HANDLE
add(CK_SESSION_HANDLE owner, uint32_t flags)
{
	struct entry *e = entry_new(&token);
	CK_OBJECT_HANDLE handle = 0;

	ck_assert_ptr_nonnull(e);
	e->owner = owner;
	e->o.flags = flags;
	CHECK_RV(catalog_add_session(c, e, &handle), CKR_OK);
	return handle;
}

static struct entry *
get(CK_OBJECT_HANDLE handle)
{
	struct call call = { 0 };
	struct entry *e = NULL;

	CHECK_RV(catalog_get(c, &call, handle, &e), CKR_OK);
	return e;
}

static bool
there(CK_OBJECT_HANDLE handle)
{
	struct call call = { 0 };
	struct entry *e = NULL;

	if (catalog_get(c, &call, handle, &e) != CKR_OK)
		return false;
	entry_unref(e);
	return true;
}

/* E with another set of flags, as C_SetAttributeValue makes it. */
static struct entry *
changed(const struct entry *e, uint32_t flags)
{
	struct entry *n = entry_new(&token);

	ck_assert_ptr_nonnull(n);
	n->owner = e->owner;
	n->o.flags = flags;
	return n;
}

START_TEST(a_change_made_from_an_old_entry_is_refused)
{
	CK_OBJECT_HANDLE handle = add(1, 0);
	struct entry *one = get(handle), *other = get(handle), *now;

	CHECK_RV(catalog_replace(c, one, changed(one, FLAG_SENSITIVE)), CKR_OK);
	CHECK_RV(catalog_replace(c, other, changed(other, 0)), CKR_FUNCTION_CANCELED);
	now = get(handle);
	ck_assert_uint_eq(now->o.flags, FLAG_SENSITIVE);
	CHECK_RV(catalog_replace(c, now, changed(now, FLAG_SENSITIVE | FLAG_SIGN)), CKR_OK);
	catalog_remove(c, handle);
	CHECK_RV(catalog_replace(c, now, changed(now, 0)), CKR_OBJECT_HANDLE_INVALID);
	entry_unref(now);
	entry_unref(other);
	entry_unref(one);
}
END_TEST

START_TEST(a_handle_never_leads_to_a_later_object)
{
	CK_OBJECT_HANDLE first = add(1, 0), second;

	catalog_remove(c, first);
	second = add(1, 0);
	ck_assert_uint_ne(first, second);
	ck_assert(!there(first));
	ck_assert(there(second));
	ck_assert(!there(0));
	ck_assert(!there(second + 1));
}
END_TEST

START_TEST(closing_a_session_takes_its_objects_alone)
{
	CK_OBJECT_HANDLE mine[100], others = add(2, 0);
	size_t i;

	for (i = 0; i < ARRAY_LEN(mine); i++)
		mine[i] = add(1, 0);
	catalog_close_session(c, 1);
	for (i = 0; i < ARRAY_LEN(mine); i++)
		ck_assert(!there(mine[i]));
	ck_assert(there(others));
}
END_TEST

START_TEST(private_objects_are_the_user_s)
{
	CK_OBJECT_HANDLE priv = add(1, FLAG_PRIVATE), pub = add(1, 0), *v;
	size_t n;

	role = ROLE_NONE;
	ck_assert(!there(priv));
	ck_assert(there(pub));
	CHECK_RV(catalog_session_objects(c, false, &v, &n), CKR_OK);
	ck_assert_uint_eq(n, 2); /* and the profile */
	free(v);
	catalog_forget_private(c);
	role = ROLE_USER;
	ck_assert(!there(priv));
	ck_assert(there(pub));
}
END_TEST

START_TEST(an_entry_outlives_its_place)
{
	CK_OBJECT_HANDLE handle = add(1, FLAG_SIGN);
	struct entry *e = get(handle);

	catalog_clear(c);
	ck_assert(!there(handle));
	ck_assert_uint_eq(e->o.flags, FLAG_SIGN);
	entry_unref(e);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("catalog");
	TCase *t = tcase_create("catalog");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_change_made_from_an_old_entry_is_refused);
	tcase_add_test(t, a_handle_never_leads_to_a_later_object);
	tcase_add_test(t, closing_a_session_takes_its_objects_alone);
	tcase_add_test(t, private_objects_are_the_user_s);
	tcase_add_test(t, an_entry_outlives_its_place);
	suite_add_tcase(suite, t);
	return unit_main(suite);
}
