/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords: of the characters asked for, with the classes asked for, each as likely as the next.
 */
#define _GNU_SOURCE 1
#include "kms/password.h"

#include <ctype.h>

#include "tests/unit/unit.h"

#define DRAWS 4000

static unsigned
class_of(int c)
{
	return islower(c) ? PASSWORD_LOWERCASE
	    : isupper(c)  ? PASSWORD_UPPERCASE
	    : isdigit(c)  ? PASSWORD_NUMBERS
			  : PASSWORD_PUNCTUATION;
}

/* The classes in what RULES make once; counts each character. */
static unsigned
make(const struct password_rules *rules, size_t counts[128])
{
	auto_secret p = { 0 };
	unsigned in = 0;

	CHECK_RC(password_make(rules, &p), KMS_OK);
	ck_assert_uint_eq(p.len, rules->len);
	for (size_t i = 0; i < p.len; i++) {
		ck_assert_int_gt(p.p[i], ' ');
		ck_assert_int_lt(p.p[i], 0x7f);
		counts[p.p[i]]++;
		in |= class_of(p.p[i]);
	}
	return in;
}

/*
 * How far COUNTS are from all N characters being equally likely: chi-square. With N - 1 degrees of
 * freedom the mean is N - 1 and the deviation sqrt(2 (N - 1)); eight of those come once in 10^13.
 */
static void
check_even(const size_t counts[128], size_t n, size_t drawn)
{
	double expected = (double)drawn / (double)n, sum = 0, limit;
	size_t seen = 0;

	for (size_t c = 0; c < 128; c++) {
		double off = (double)counts[c] - expected;

		if (counts[c] == 0)
			continue;
		seen++;
		sum += off * off / expected;
	}
	limit = (double)n - 1;
	for (double root = 1;; root += 0.01) {
		if (root * root < 2 * ((double)n - 1))
			continue;
		limit += 8 * root;
		break;
	}
	ck_assert_uint_eq(seen, n);
	ck_assert_msg(sum < limit, "chi-square of %zu characters is %.1f, expected below %.1f", n,
	    sum, limit);
}

START_TEST(every_character_is_as_likely_as_any_other)
{
	struct password_rules rules = { .len = 32, .classes = PASSWORD_ALL };
	size_t counts[128] = { 0 };

	for (int i = 0; i < DRAWS; i++)
		(void)make(&rules, counts);
	check_even(counts, 94, DRAWS * 32);
}
END_TEST

START_TEST(what_is_excluded_is_not_in_and_the_rest_stays_even)
{
	struct password_rules rules = { .len = 128,
		.classes = PASSWORD_LOWERCASE | PASSWORD_NUMBERS,
		.without = BYTES("ab0\xc3\xa4") };
	size_t counts[128] = { 0 };

	for (int i = 0; i < DRAWS / 4; i++)
		ck_assert_uint_eq(make(&rules, counts) & ~rules.classes, 0);
	ck_assert_uint_eq(counts['a'] + counts['b'] + counts['0'], 0);
	check_even(counts, 33, DRAWS / 4 * 128);
}
END_TEST

START_TEST(each_class_is_in_when_that_is_required)
{
	/* One character left of three classes: hardly one password in a hundred would do. */
	struct password_rules rules = { .len = 8,
		.classes = PASSWORD_ALL,
		.without =
		    BYTES("ABCDEFGHIJKLMNOPQRSTUVWXY012345678!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}"),
		.each = true };
	size_t counts[128] = { 0 };

	for (int i = 0; i < 200; i++)
		ck_assert_uint_eq(make(&rules, counts), PASSWORD_ALL);
	ck_assert_uint_ge(counts['Z'], 200);
	ck_assert_uint_ge(counts['9'], 200);
	ck_assert_uint_ge(counts['~'], 200);
	/* Not required, each is missing often. */
	rules.each = false;
	for (int i = 0; i < 200; i++)
		if (make(&rules, counts) != PASSWORD_ALL)
			return;
	ck_assert_msg(false, "every password had every class, unasked");
}
END_TEST

START_TEST(requiring_classes_prefers_none_of_the_passwords_that_have_them)
{
	/* Of three characters in two classes, those that begin with the lone one: 1/3 of all words
	 * of eight, but for aaaaaaaa and the like. A first draw from each class would make it 1/2.
	 */
	struct password_rules rules = { .len = 8,
		.classes = PASSWORD_LOWERCASE | PASSWORD_NUMBERS,
		.without = BYTES("cdefghijklmnopqrstuvwxyz123456789"),
		.each = true };
	size_t first = 0, n = 6000;

	for (size_t i = 0; i < n; i++) {
		auto_secret p = { 0 };

		CHECK_RC(password_make(&rules, &p), KMS_OK);
		first += p.p[0] == '0';
	}
	/* (3^7 - 1) / (3^8 - 2^8 - 1) is 0.3467: eight deviations either side. */
	ck_assert_uint_gt(first, 2080 - 8 * 37);
	ck_assert_uint_lt(first, 2080 + 8 * 37);
}
END_TEST

START_TEST(no_two_passwords_are_the_same)
{
	struct password_rules rules = { .len = 8, .classes = PASSWORD_ALL };
	auto_secret a = { 0 }, b = { 0 };

	CHECK_RC(password_make(&rules, &a), KMS_OK);
	CHECK_RC(password_make(&rules, &b), KMS_OK);
	ck_assert(!mem_equal_ct(secret_slice(&a), secret_slice(&b)));
}
END_TEST

START_TEST(rules_that_leave_nothing_are_refused)
{
	static const struct password_rules bad[] = {
		{ .len = 8 },
		{ .len = 7, .classes = PASSWORD_ALL },
		{ .len = 129, .classes = PASSWORD_ALL },
		{ .len = 8,
		    .classes = PASSWORD_NUMBERS,
		    .without = { (const uint8_t *)"0123456789", 10 } },
		{ .len = 8,
		    .classes = PASSWORD_ALL,
		    .without = { (const uint8_t *)"9876543210", 10 },
		    .each = true },
	};
	auto_secret p = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK_RC(password_make(&bad[i], &p), KMS_INVALID);
		ck_assert_ptr_null(p.p);
	}
}
END_TEST

int
main(void)
{
	return unit_main(UNIT_SUITE("password", every_character_is_as_likely_as_any_other,
	    what_is_excluded_is_not_in_and_the_rest_stays_even,
	    each_class_is_in_when_that_is_required,
	    requiring_classes_prefers_none_of_the_passwords_that_have_them,
	    no_two_passwords_are_the_same, rules_that_leave_nothing_are_refused));
}
