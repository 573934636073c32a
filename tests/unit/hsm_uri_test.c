/* SPDX-License-Identifier: Apache-2.0 */
/* An HSM's URI and PIN file, and which libraries are loaded as HSMs. */
#define _GNU_SOURCE 1
#include "hsm/uri.h"

#include <dlfcn.h>

#include "base/os.h"
#include "hsm/p11mod.h"
#include "tests/unit/unit.h"

static struct call c;
static struct hsm_uri u;

static enum kms_rc
read_uri(const char *text)
{
	hsm_uri_free(&u);
	err_clear(&c.err);
	return hsm_uri_read(text, &c, &u);
}

static void
pad(CK_UTF8CHAR *dst, size_t len, const char *text)
{
	memset(dst, ' ', len);
	memcpy(dst, text, strlen(text));
}

static bool
matches(CK_SLOT_ID id, const char *label, const char *serial)
{
	CK_SLOT_INFO slot = { .flags = CKF_TOKEN_PRESENT };
	CK_TOKEN_INFO token = { .flags = CKF_TOKEN_INITIALIZED };

	pad(slot.slotDescription, sizeof(slot.slotDescription), "a slot");
	pad(slot.manufacturerID, sizeof(slot.manufacturerID), "maker");
	pad(token.label, sizeof(token.label), label);
	pad(token.manufacturerID, sizeof(token.manufacturerID), "maker");
	pad(token.model, sizeof(token.model), "model");
	pad(token.serialNumber, sizeof(token.serialNumber), serial);
	return hsm_uri_matches(&u, id, &slot, &token);
}

START_TEST(a_uri_says_which_token_is_meant)
{
	CHECK_RC(read_uri("pkcs11:token=my%20hsm;serial=77?module-path=/x/y.so"), KMS_OK);
	ck_assert_str_eq(u.module_path, "/x/y.so");
	ck_assert_uint_eq(u.pin.len, 0);
	ck_assert(matches(5, "my hsm", "77"));
	ck_assert(!matches(5, "my hsm", "78"));
	ck_assert(!matches(5, "my", "77"));
	CHECK_RC(read_uri("pkcs11:slot-id=5?module-path=/x/y.so"), KMS_OK);
	ck_assert(matches(5, "whatever", "1"));
	ck_assert(!matches(6, "whatever", "1"));
	CHECK_RC(read_uri("pkcs11:manufacturer=maker;model=model?module-path=/x/y.so"), KMS_OK);
	ck_assert(matches(1, "whatever", "1"));
	CHECK_RC(read_uri("pkcs11:?module-path=/x/y.so"), KMS_OK);
	ck_assert(matches(1, "whatever", "1"));
	hsm_uri_free(&u);
}
END_TEST

static const struct {
	const char *text, *says;
} refused[] = {
	{ "pkcs11:token=x", "module-path" },
	{ "pkcs11:token=x?module-path=y.so", "absolute path" },
	{ "pkcs11:token=x?module-name=y", "unknown query" },
	{ "pkcs11:token=x?module-path=/y.so&pin-sourse=/secret", "unknown query" },
	{ "pkcs11:token=x?module-path=/y.so&pin-source=|/bin/secret", "pin-source" },
	{ "pkcs11:token=x?module-path=/y.so&pin-source=file:secret", "pin-source" },
	{ "pkcs11:token=x?module-path=/y.so&pin-source=file://secret/path", "pin-source" },
	{ "pkcs11:token=x?module-path=/y.so&pin-source=http://secret/", "pin-source" },
	{ "pkcs11:token=x?module-path=/y.so&pin-source=/p&pin-value=secret", "one of them" },
	{ "pkcs11:token=x;object=secret?module-path=/y.so", "more than a token" },
	{ "pkcs11:token=x;type=private?module-path=/y.so", "more than a token" },
	{ "pkcs11:token=%zz?module-path=/y.so&pin-value=secret", "cannot be read" },
	{ "pkcs12:token=x?module-path=/y.so", "cannot be read" },
	{ "pkcs11:token=x?module-path=/y.so&pin-source=file:/nowhere/pin", "/nowhere/pin" },
};

START_TEST(what_a_uri_must_not_be_is_told_and_nothing_of_it_repeated)
{
	CHECK_RC(read_uri(refused[_i].text), KMS_CONFIG);
	ck_assert_msg(strstr(c.err.text, refused[_i].says) != NULL, "%s", c.err.text);
	ck_assert_ptr_null(strstr(c.err.text, "secret"));
	ck_assert_ptr_null(u.module_path);
}
END_TEST

START_TEST(the_pin_is_the_first_line_of_a_file_that_others_cannot_read)
{
	char *dir = temp_dir(), *path = os_path_join(dir, "pin");
	static const struct {
		const char *prefix, *content;
	} good[] = {
		{ "file:", "1234" },
		{ "", "1234\n" },
		{ "file://", "1234\r\nsecond line\n" },
	};
	static const char *const bad[] = { "", "\n1234\n" };
	char text[512], much[400];

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		write_file(path, good[i].content, 0600);
		snprintf(text, sizeof(text), "pkcs11:?module-path=/y.so&pin-source=%s%s",
		    good[i].prefix, path);
		CHECK_RC(read_uri(text), KMS_OK);
		CHECK_BYTES(secret_slice(&u.pin), BYTES("1234"));
	}
	write_file(path, "1234\n", 0644);
	CHECK_RC(read_uri(text), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(c.err.text, "read by others"));
	write_file(path, "1234\n", 0620);
	CHECK_RC(read_uri(text), KMS_CONFIG);
	memset(much, '1', sizeof(much));
	much[sizeof(much) - 1] = '\0';
	write_file(path, much, 0600);
	CHECK_RC(read_uri(text), KMS_CONFIG);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		write_file(path, bad[i], 0600);
		CHECK_RC(read_uri(text), KMS_CONFIG);
		ck_assert_ptr_nonnull(strstr(c.err.text, "no PIN"));
	}
	CHECK_RC(read_uri("pkcs11:?module-path=/y.so&pin-value=12%2034"), KMS_OK);
	CHECK_BYTES(secret_slice(&u.pin), BYTES("12 34"));
	hsm_uri_free(&u);
	free(path);
	free(dir);
}
END_TEST

/* -- libraries ----------------------------------------------------------------------------- */

/* As pkcs11: of the build, or of wherever the program is run from. */
static char *
build_path(const char *name)
{
	const char *top = getenv("top_builddir");

	return os_path_join(top == NULL ? "." : top, name);
}

static void
check_refused(const char *path, const char *says)
{
	struct p11mod *m = NULL;

	err_clear(&c.err);
	CHECK_RC(p11mod_open(path, NULL, &c, &m), KMS_CONFIG);
	ck_assert_msg(strstr(c.err.text, says) != NULL, "%s", c.err.text);
	ck_assert_ptr_null(m);
}

START_TEST(what_is_no_pkcs11_library_is_refused)
{
	char *dir = temp_dir(), *path = os_path_join(dir, "text.so");
	Dl_info libc;

	check_refused("/nowhere/lib.so", "cannot find");
	write_file(path, "not a library\n", 0700);
	check_refused(path, "cannot load");
	ck_assert_int_ne(dladdr((void *)(uintptr_t)&qsort, &libc), 0);
	check_refused(libc.dli_fname, "no PKCS#11 library");
	free(path);
	free(dir);
}
END_TEST

START_TEST(we_do_not_load_ourselves)
{
	char *dir = temp_dir(), *copy = os_path_join(dir, "libhsm.so"),
	     *link_to = os_path_join(dir, "link.so"), *module = build_path(".libs/kms-pkcs11.so");
	char command[1024];

	/* This program is what the code is in now. */
	check_refused("/proc/self/exe", "itself");
	ck_assert_int_eq(symlink("/proc/self/exe", link_to), 0);
	check_refused(link_to, "itself");
	/* The module is another file, and so is its copy. */
	setenv("KMS_PKCS11_STORE", "/nowhere/token.db", 1);
	setenv("XDG_CONFIG_HOME", dir, 1);
	check_refused(module, "itself");
	snprintf(command, sizeof(command), "cp '%s' '%s'", module, copy);
	ck_assert_int_eq(system(command), 0);
	check_refused(copy, "itself");
	check_refused(copy, "itself");
	free(module);
	free(link_to);
	free(copy);
	free(dir);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hsm_uri");
	TCase *t = tcase_create("uri");

	tcase_add_test(t, a_uri_says_which_token_is_meant);
	tcase_add_loop_test(t, what_a_uri_must_not_be_is_told_and_nothing_of_it_repeated, 0,
	    ARRAY_LEN(refused));
	tcase_add_test(t, the_pin_is_the_first_line_of_a_file_that_others_cannot_read);
	tcase_add_test(t, what_is_no_pkcs11_library_is_refused);
	tcase_add_test(t, we_do_not_load_ourselves);
	suite_add_tcase(s, t);
	return unit_main(s);
}
