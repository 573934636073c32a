/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents at the door. tests/vectors/policy/valid/CASE/input is taken; .../invalid/CASE/input is
 * refused with the sentence in .../error. A case whose name starts with "identity-" is an identity
 * policy, any other the policy of a resource. To add a case, add a folder.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <jansson.h>

#include "tests/unit/policy_fixture.h"

/* -- vectors -- */

static char *
vector_path(const char *verdict, const char *name, const char *file)
{
	const char *top = getenv("top_srcdir");
	char *path;

	ck_assert_int_gt(asprintf(&path, "%s/tests/vectors/policy/%s/%s/%s",
			     top == NULL ? "." : top, verdict, name, file),
	    0);
	return path;
}

/* Without the line's end. The caller frees. */
static char *
vector_line(const char *verdict, const char *name, const char *file)
{
	char *path = vector_path(verdict, name, file), *text = read_file(path);

	text[strcspn(text, "\n")] = '\0';
	free(path);
	return text;
}

static enum policy_kind
vector_kind(const char *name)
{
	return strncmp(name, "identity-", 9) == 0 ? POLICY_IDENTITY : POLICY_RESOURCE;
}

static void
check_valid(const char *name)
{
	char *path = vector_path("valid", name, "input"), *text = read_file(path);
	struct policy *p = NULL;
	struct err err = { 0 };
	enum kms_rc rc = policy_parse(vector_kind(name), guarded(slice_str(text)), &p, &err);

	ck_assert_msg(rc == KMS_OK, "valid/%s: %s", name, err.text);
	ck_assert_str_eq(err.text, "");
	policy_free(p);
	free(text);
	free(path);
}

static void
check_invalid(const char *name)
{
	char *path = vector_path("invalid", name, "input"), *text = read_file(path);
	char *wanted = vector_line("invalid", name, "error");
	struct policy *p = NULL;
	struct err err = { 0 };
	enum kms_rc rc = policy_parse(vector_kind(name), guarded(slice_str(text)), &p, &err);

	ck_assert_msg(rc == KMS_INVALID, "invalid/%s: %s", name, rc_name(rc));
	ck_assert_msg(strcmp(err.text, wanted) == 0, "invalid/%s: %s\nwanted: %s", name, err.text,
	    wanted);
	ck_assert_ptr_null(p);
	ck_assert_msg(strstr(err.text, "; expected ") != NULL, "%s", err.text);
	free(wanted);
	free(text);
	free(path);
}

static void
check_vectors(const char *verdict, void (*check)(const char *name), unsigned at_least)
{
	char *folder = vector_path(verdict, "", "");
	struct dirent *entry;
	unsigned n = 0;
	DIR *dir = opendir(folder);

	ck_assert_msg(dir != NULL, "cannot open %s", folder);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		check(entry->d_name);
		n++;
	}
	ck_assert_uint_ge(n, at_least);
	closedir(dir);
	free(folder);
}

START_TEST(every_valid_vector_is_taken)
{
	check_vectors("valid", check_valid, 10);
}
END_TEST

START_TEST(every_invalid_vector_is_refused_with_its_sentence)
{
	check_vectors("invalid", check_invalid, 50);
}
END_TEST

/* -- limits -- */

/* A document of an identity policy with N times PIECE, commas between, in its middle. */
static char *
document_of(const char *before, const char *piece, size_t n, const char *after)
{
	auto_buf b = { 0 };
	char *text;

	CHECK_RC(buf_add(&b, slice_str("{'Version':'1','Statement':[")), KMS_OK);
	CHECK_RC(buf_add(&b, slice_str(before)), KMS_OK);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			CHECK_RC(buf_add_byte(&b, ','), KMS_OK);
		CHECK_RC(buf_add(&b, slice_str(piece)), KMS_OK);
	}
	CHECK_RC(buf_add(&b, slice_str(after)), KMS_OK);
	CHECK_RC(buf_add(&b, slice_str("]}")), KMS_OK);
	CHECK_RC(buf_add_byte(&b, 0), KMS_OK);
	text = quoted((char *)b.p);
	return text;
}

#define ANY	  "{'Effect':'Allow','Action':'*','Resource':'*'}"
#define ACTIONS	  "{'Effect':'Allow','Resource':'*','Action':["
#define CONDITION "{'Effect':'Allow','Action':'*','Resource':'*','Condition':{"

static const struct {
	const char *before, *piece;
	size_t most;
	const char *after, *error;
} limits[] = {
	{ "", ANY, 100, "", "Statement: has 101 elements; expected at most 100" },
	{ ACTIONS, "'kms:*'", 500, "]}",
	    "Statement[0].Action: has 501 elements; expected at most 500" },
	{ CONDITION "'StringEquals':{'kms:tag/a':[", "''", 500, "]}}}",
	    "Statement[0].Condition.StringEquals.kms:tag/a: has 501 elements; expected at most "
	    "500" },
};

START_TEST(lists_have_limits)
{
	char *most =
	    document_of(limits[_i].before, limits[_i].piece, limits[_i].most, limits[_i].after);
	char *more =
	    document_of(limits[_i].before, limits[_i].piece, limits[_i].most + 1, limits[_i].after);
	struct policy *p = NULL;
	struct err err = { 0 };

	CHECK_RC(policy_parse(POLICY_IDENTITY, slice_str(most), &p, &err), KMS_OK);
	policy_free(p);
	CHECK_RC(policy_parse(POLICY_IDENTITY, slice_str(more), &p, &err), KMS_INVALID);
	ck_assert_str_eq(err.text, limits[_i].error);
	free(most);
	free(more);
}
END_TEST

/* TEXT filled up with blanks to LEN bytes. */
static char *
padded(const char *text, size_t len)
{
	char *copy = malloc(len + 1);

	ck_assert_ptr_nonnull(copy);
	memset(copy, ' ', len);
	memcpy(copy, text, strlen(text));
	copy[len] = '\0';
	return copy;
}

START_TEST(a_document_has_at_most_32768_bytes)
{
	char *document = document_of("", ANY, 1, ""), *most = padded(document, 32768);
	char *more = padded(document, 32769);
	struct policy *p = NULL;
	struct err err = { 0 };

	CHECK_RC(policy_parse(POLICY_IDENTITY, slice_str(most), &p, &err), KMS_OK);
	policy_free(p);
	CHECK_RC(policy_parse(POLICY_IDENTITY, slice_str(more), &p, &err), KMS_INVALID);
	ck_assert_str_eq(err.text, "the policy: has 32769 bytes; expected at most 32768");
	free(document);
	free(most);
	free(more);
}
END_TEST

START_TEST(deep_nesting_is_refused_before_it_is_followed)
{
	char *deep = malloc(30001);
	struct policy *p = NULL;
	struct err err = { 0 };

	ck_assert_ptr_nonnull(deep);
	memset(deep, '[', 30000);
	deep[30000] = '\0';
	CHECK_RC(policy_parse(POLICY_IDENTITY, slice_str(deep), &p, &err), KMS_INVALID);
	ck_assert_str_eq(err.text, "the policy: is nested too deeply; expected at most 8 levels");
	free(deep);
}
END_TEST

START_TEST(brackets_within_strings_are_not_nesting)
{
	struct policy *p = policy_of(POLICY_IDENTITY,
	    "{'Effect':'Allow','Action':'*','Resource':'*','Condition':{'StringEquals':"
	    "{'kms:tag/a':'[[[[[[[[[[\\\\'}}}");

	policy_free(p);
	p = policy_of(POLICY_IDENTITY,
	    "{'Effect':'Allow','Action':'*','Resource':'*','Condition':{'StringEquals':"
	    "{'kms:tag/a':'\\'[[[[[[[[[[\\''}}}");
	policy_free(p);
}
END_TEST

/* -- any bytes -- */

START_TEST(every_truncation_of_a_document_is_refused)
{
	char *text =
	    quoted("{'Version':'1','Statement':[{'Sid':'a b','Effect':'Deny',"
		   "'Principal':{'RAM':['acs:ram::" OURS ":user/bob']},'Action':['kms:*'],"
		   "'Resource':['*'],'Condition':{'IpAddress':{'acs:SourceIp':'10.0.0.0/8'}}}]}");
	size_t len = strlen(text);
	struct policy *p = NULL;

	for (size_t n = 0; n < len; n++) {
		struct err err = { 0 };

		CHECK_RC(policy_parse(POLICY_RESOURCE, guarded(slice_of(text, n)), &p, &err),
		    KMS_INVALID);
		ck_assert_msg(strstr(err.text, "; expected ") != NULL, "%zu: %s", n, err.text);
	}
	CHECK_RC(policy_parse(POLICY_RESOURCE, guarded(slice_of(text, len)), &p, NULL), KMS_OK);
	policy_free(p);
	free(text);
}
END_TEST

START_TEST(an_error_shows_no_bytes_that_are_no_text)
{
	struct policy *p = NULL;
	struct err err = { 0 };

	CHECK_RC(
	    try_document(POLICY_IDENTITY,
		"{'Version':'1','\\n\xc3\xbc a very long name of a member, longer than what is "
		"shown of it':1}",
		&p, &err),
	    KMS_INVALID);
	ck_assert_str_eq(err.text,
	    "??? a very long name of a member, longer: is not a member of a policy; expected "
	    "Version and Statement");
}
END_TEST

static long allocations_left;

static void *
scarce_malloc(size_t len)
{
	return allocations_left-- == 0 ? NULL : malloc(len);
}

START_TEST(without_memory_no_document_is_taken)
{
	struct policy *p = NULL;
	enum kms_rc rc = KMS_NOMEM;
	unsigned failures = 0;

	json_set_alloc_funcs(scarce_malloc, free);
	for (long n = 0; rc != KMS_OK; n++) {
		allocations_left = n;
		rc = try_document(POLICY_IDENTITY, "{'Version':'1','Statement':[" ANY "]}", &p,
		    NULL);
		ck_assert(rc == KMS_OK || ((rc == KMS_NOMEM || rc == KMS_INVALID) && p == NULL));
		failures += rc == KMS_NOMEM;
	}
	json_set_alloc_funcs(malloc, free);
	ck_assert_uint_gt(failures, 0);
	policy_free(p);
}
END_TEST

START_TEST(a_policy_of_nothing_is_refused)
{
	struct policy *p = NULL;

	CHECK_RC(policy_parse(POLICY_IDENTITY, slice_of(NULL, 0), &p, NULL), KMS_INVALID);
	ck_assert_ptr_null(p);
	policy_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = UNIT_SUITE("policy_parse", every_valid_vector_is_taken,
	    every_invalid_vector_is_refused_with_its_sentence, a_document_has_at_most_32768_bytes,
	    deep_nesting_is_refused_before_it_is_followed, brackets_within_strings_are_not_nesting,
	    every_truncation_of_a_document_is_refused, an_error_shows_no_bytes_that_are_no_text,
	    without_memory_no_document_is_taken, a_policy_of_nothing_is_refused);
	TCase *c = tcase_create("rows");

	tcase_add_loop_test(c, lists_have_limits, 0, ARRAY_LEN(limits));
	suite_add_tcase(s, c);
	return unit_main(s);
}
