/* SPDX-License-Identifier: Apache-2.0 */
/* Wildcards, addresses, times and numbers as policies compare them. */
#define _GNU_SOURCE 1
#include "kms/match.h"

#include "tests/unit/unit.h"

#define CAPITALS_DIFFER false
#define CAPITALS_ALIKE	true

static const struct {
	const char *pattern, *text;
	bool fold, matches;
} wildcards[] = {
	{ "", "", CAPITALS_DIFFER, true },
	{ "", "a", CAPITALS_DIFFER, false },
	{ "*", "", CAPITALS_DIFFER, true },
	{ "*", "anything:at/all", CAPITALS_DIFFER, true },
	{ "?", "", CAPITALS_DIFFER, false },
	{ "?", "a", CAPITALS_DIFFER, true },
	{ "?", "ab", CAPITALS_DIFFER, false },
	{ "?", "\xc3\xbc", CAPITALS_DIFFER, true },
	{ "??", "\xc3\xbc", CAPITALS_DIFFER, false },
	{ "a?c",
	    "a\xe2\x82\xac"
	    "c",
	    CAPITALS_DIFFER, true },
	{ "*?", "\xe2\x82\xac", CAPITALS_DIFFER, true },
	{ "*??", "\xe2\x82\xac", CAPITALS_DIFFER, false },
	{ "abc", "abc", CAPITALS_DIFFER, true },
	{ "abc", "abcd", CAPITALS_DIFFER, false },
	{ "abcd", "abc", CAPITALS_DIFFER, false },
	{ "a*", "abc", CAPITALS_DIFFER, true },
	{ "a*", "bc", CAPITALS_DIFFER, false },
	{ "*c", "abc", CAPITALS_DIFFER, true },
	{ "*c", "abcd", CAPITALS_DIFFER, false },
	{ "a*c", "ac", CAPITALS_DIFFER, true },
	{ "a*c", "abbbc", CAPITALS_DIFFER, true },
	{ "a*b*c", "aXbYbZc", CAPITALS_DIFFER, true },
	{ "a*b*c", "aXcYb", CAPITALS_DIFFER, false },
	{ "**a**", "a", CAPITALS_DIFFER, true },
	{ "*aab", "aaaaaab", CAPITALS_DIFFER, true },
	{ "kms:Get*", "kms:getkeypolicy", CAPITALS_DIFFER, false },
	{ "kms:Get*", "KMS:getkeypolicy", CAPITALS_ALIKE, true },
	{ "kms:Get*", "kms:SetKeyPolicy", CAPITALS_ALIKE, false },
	{ "\xc3\x84*", "\xc3\xa4", CAPITALS_ALIKE, false },
	{ "[", "{", CAPITALS_ALIKE, false },
	{ "@", "`", CAPITALS_ALIKE, false },
	{ "acs:kms:*:*:key/*", "acs:kms:cn-hangzhou:1:key/a", CAPITALS_DIFFER, true },
	{ "acs:kms:*:*:key/*", "acs:kms:cn-hangzhou:1:secret/a", CAPITALS_DIFFER, false },
};

START_TEST(a_wildcard_stands_for_what_it_says)
{
	struct slice pattern = guarded(slice_str(wildcards[_i].pattern));
	struct slice text = guarded(slice_str(wildcards[_i].text));

	ck_assert_msg(match_wildcard(pattern, text, wildcards[_i].fold) == wildcards[_i].matches,
	    "%s on %s", wildcards[_i].pattern, wildcards[_i].text);
}
END_TEST

START_TEST(a_pattern_of_many_stars_ends_soon)
{
	char pattern[1001], text[8001];

	for (size_t i = 0; i < 1000; i++)
		pattern[i] = i % 2 == 0 ? '*' : 'a';
	memset(text, 'a', 8000);
	text[7999] = 'b';
	ck_assert(!match_wildcard(slice_of(pattern, 1000), slice_of(text, 8000), CAPITALS_DIFFER));
}
END_TEST

START_TEST(folding_is_for_ascii_letters_only)
{
	ck_assert(match_equal_fold(BYTES("aZ09-@["), BYTES("Az09-@[")));
	ck_assert(!match_equal_fold(BYTES("@"), BYTES("`")));
	ck_assert(!match_equal_fold(BYTES("["), BYTES("{")));
	ck_assert(!match_equal_fold(BYTES("\xc3\x84"), BYTES("\xc3\xa4")));
	ck_assert(!match_equal_fold(BYTES("a"), BYTES("ab")));
	ck_assert(match_equal_fold(slice_of(NULL, 0), slice_of(NULL, 0)));
}
END_TEST

static const struct {
	const char *net, *ip;
	bool has;
} nets[] = {
	{ "10.0.0.0/8", "10.255.0.1", true },
	{ "10.0.0.0/8", "11.0.0.1", false },
	{ "10.1.2.3/8", "10.9.9.9", true },
	{ "192.0.2.0/25", "192.0.2.127", true },
	{ "192.0.2.0/25", "192.0.2.128", false },
	{ "192.0.2.7", "192.0.2.7", true },
	{ "192.0.2.7", "192.0.2.6", false },
	{ "192.0.2.7/32", "192.0.2.7", true },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "0.0.0.0/0", "::1", false },
	{ "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "2001:db8::/32", "2001:db9::1", false },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "2001:DB8::1", "2001:db8:0:0::1", true },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "192.0.2.7", false },
	{ "::/0", "::ffff:192.0.2.7", false },
	{ "192.0.2.0/24", "::ffff:192.0.2.7", true },
	{ "::ffff:192.0.2.0/120", "192.0.2.7", true },
	{ "fe80::/10", "fe80::1%eth0", true },
};

START_TEST(a_network_has_its_addresses_and_no_other)
{
	uint8_t ip[MATCH_IP_LEN];
	struct match_net net;

	ck_assert(match_net_read(guarded(slice_str(nets[_i].net)), &net));
	ck_assert(match_ip_read(guarded(slice_str(nets[_i].ip)), ip));
	ck_assert_msg(match_net_has(&net, ip) == nets[_i].has, "%s in %s", nets[_i].ip,
	    nets[_i].net);
}
END_TEST

START_TEST(what_is_no_network_is_refused)
{
	static const char *const bad[] = { "", "10", "10.0.0", "10.0.0.0.0", "10.0.0.256",
		"10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8",
		"10.0.0.0/a", "010.0.0.1", " 10.0.0.1", "10.0.0.1 ", "::/129", "::/1000",
		":::", "1:2:3", "fe80::1%eth0", "g::", "/8", "localhost",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000" };
	struct match_net net;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!match_net_read(guarded(slice_str(bad[i])), &net), "%s", bad[i]);
	ck_assert(!match_net_read(BYTES("1.2.3.4\0"), &net));
	ck_assert(!match_net_read(slice_of(NULL, 0), &net));
}
END_TEST

static const struct {
	const char *text;
	int64_t seconds;
} times[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1970-01-01T00:00Z", 0 },
	{ "1969-12-31T23:59:59Z", -1 },
	{ "2000-02-29T12:30:45Z", 951827445 },
	{ "2000-03-01T00:00:00Z", 951868800 },
	{ "2100-03-01T00:00:00Z", 4107542400 },
	{ "2024-01-02T03:04:05Z", 1704164645 },
	{ "2024-01-02T11:04:05+08:00", 1704164645 },
	{ "2024-01-01T23:34:05-03:30", 1704164645 },
	{ "9999-12-31T23:59:59Z", 253402300799 },
	{ "0001-01-01T00:00:00Z", -62135596800 },
};

START_TEST(a_time_is_seconds_since_1970)
{
	int64_t seconds;

	ck_assert_msg(match_time_read(guarded(slice_str(times[_i].text)), &seconds), "%s",
	    times[_i].text);
	ck_assert_msg(seconds == times[_i].seconds, "%s is %jd", times[_i].text, (intmax_t)seconds);
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
	static const char *const bad[] = { "", "2024", "2024-01-02", "2024-01-02T03:04:05",
		"2024-01-02T03Z", "2024-01-02 03:04:05Z", "2024-1-02T03:04:05Z",
		"2024-00-02T03:04:05Z", "2024-13-02T03:04:05Z", "2024-01-00T03:04:05Z",
		"2024-01-32T03:04:05Z", "2023-02-29T03:04:05Z", "1900-02-29T03:04:05Z",
		"2024-04-31T03:04:05Z", "2024-01-02T24:04:05Z", "2024-01-02T03:60:05Z",
		"2024-01-02T03:04:60Z", "2024-01-02T03:04:5Z", "2024-01-02T03:04:05z",
		"2024-01-02T03:04:05Z ", "2024-01-02T03:04:05+8", "2024-01-02T03:04:05+0800",
		"2024-01-02T03:04:05+24:00", "2024-01-02T03:04:05.5Z", "0000-01-02T03:04:05Z",
		"-024-01-02T03:04:05Z", "1704164645" };
	int64_t seconds;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!match_time_read(guarded(slice_str(bad[i])), &seconds), "%s", bad[i]);
}
END_TEST

static const struct {
	const char *text;
	int64_t millionths;
} decimals[] = {
	{ "0", 0 },
	{ "-0", 0 },
	{ "7", 7000000 },
	{ "+7", 7000000 },
	{ "-7", -7000000 },
	{ "007", 7000000 },
	{ "0.5", 500000 },
	{ "-0.000001", -1 },
	{ "1.25", 1250000 },
	{ "999999999999.999999", 999999999999999999 },
};

START_TEST(a_number_is_read_without_rounding)
{
	int64_t n;

	ck_assert(match_decimal_read(guarded(slice_str(decimals[_i].text)), &n));
	ck_assert_int_eq(n, decimals[_i].millionths);
}
END_TEST

START_TEST(what_is_no_number_is_refused)
{
	static const char *const bad[] = { "", "-", "+", "+-1", ".5", "5.", "1.2.3", "1e3", "0x1",
		" 1", "1 ", "1,5", "1000000000000", "0.0000001", "one" };
	int64_t n;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!match_decimal_read(guarded(slice_str(bad[i])), &n), "%s", bad[i]);
}
END_TEST

int
main(void)
{
	Suite *s = UNIT_SUITE("match", a_pattern_of_many_stars_ends_soon,
	    folding_is_for_ascii_letters_only, what_is_no_network_is_refused,
	    what_is_no_time_is_refused, what_is_no_number_is_refused);
	TCase *c = tcase_create("rows");

	tcase_add_loop_test(c, a_wildcard_stands_for_what_it_says, 0, ARRAY_LEN(wildcards));
	tcase_add_loop_test(c, a_network_has_its_addresses_and_no_other, 0, ARRAY_LEN(nets));
	tcase_add_loop_test(c, a_time_is_seconds_since_1970, 0, ARRAY_LEN(times));
	tcase_add_loop_test(c, a_number_is_read_without_rounding, 0, ARRAY_LEN(decimals));
	suite_add_tcase(s, c);
	return unit_main(s);
}
