/* SPDX-License-Identifier: Apache-2.0 */
/* How policies compare: wildcards, addresses, times and decimal numbers. */
#include "kms/match.h"

#include <arpa/inet.h>

/* -- text -- */

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool
same_byte(uint8_t a, uint8_t b, bool fold)
{
	return a == b || (fold && lower(a) == lower(b));
}

bool
match_equal_fold(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (!same_byte(a.p[i], b.p[i], true))
			return false;
	}
	return true;
}

/* Where the character behind the one at AT begins. */
static size_t
next_character(struct slice s, size_t at)
{
	do
		at++;
	while (at < s.len && (s.p[at] & 0xc0) == 0x80);
	return at;
}

bool
match_wildcard(struct slice pattern, struct slice text, bool fold)
{
	/* Only the last * is ever tried again: what an earlier one took cannot matter any more. */
	size_t p = 0, t = 0, star = SIZE_MAX, taken = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.p[p] == '*') {
			star = p++;
			taken = t;
		} else if (p < pattern.len && pattern.p[p] == '?') {
			p++;
			t = next_character(text, t);
		} else if (p < pattern.len && same_byte(pattern.p[p], text.p[t], fold)) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++taken;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.p[p] == '*')
		p++;
	return p == pattern.len;
}

/* -- addresses -- */

static const uint8_t ipv4_prefix[12] = { [10] = 0xff, [11] = 0xff };

static bool
is_ipv4(const uint8_t ip[MATCH_IP_LEN])
{
	return memcmp(ip, ipv4_prefix, sizeof(ipv4_prefix)) == 0;
}

/* *ret_v4: it was written as an IPv4 address. */
static bool
read_address(struct slice text, uint8_t ret[MATCH_IP_LEN], bool *ret_v4)
{
	char s[INET6_ADDRSTRLEN];

	if (text.len == 0 || text.len >= sizeof(s) || memchr(text.p, '\0', text.len) != NULL)
		return false;
	memcpy(s, text.p, text.len);
	s[text.len] = '\0';
	*ret_v4 = memchr(text.p, ':', text.len) == NULL;
	if (!*ret_v4)
		return inet_pton(AF_INET6, s, ret) == 1;
	memcpy(ret, ipv4_prefix, sizeof(ipv4_prefix));
	return inet_pton(AF_INET, s, ret + sizeof(ipv4_prefix)) == 1;
}

bool
match_ip_read(struct slice text, uint8_t ret[MATCH_IP_LEN])
{
	const uint8_t *zone = text.len == 0 ? NULL : memchr(text.p, '%', text.len);
	bool v4;

	if (zone != NULL)
		text.len = (size_t)(zone - text.p);
	return read_address(text, ret, &v4);
}

/* DIGITS up to MAX, without a leading zero. */
static bool
read_bits(struct slice text, unsigned max, unsigned *ret)
{
	unsigned n = 0;

	if (text.len == 0 || text.len > 3 || (text.p[0] == '0' && text.len > 1))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		n = n * 10 + (unsigned)(text.p[i] - '0');
	}
	*ret = n;
	return n <= max;
}

bool
match_net_read(struct slice text, struct match_net *ret)
{
	const uint8_t *slash = text.len == 0 ? NULL : memchr(text.p, '/', text.len);
	struct slice address = text;
	struct match_net net;
	unsigned bits;
	bool v4;

	if (slash != NULL)
		address.len = (size_t)(slash - text.p);
	if (!read_address(address, net.ip, &v4))
		return false;
	bits = v4 ? 32 : 128;
	if (slash != NULL &&
	    !read_bits(slice_of(slash + 1, text.len - address.len - 1), bits, &bits))
		return false;
	net.bits = (uint8_t)(v4 ? bits + 96 : bits);
	*ret = net;
	return true;
}

bool
match_net_has(const struct match_net *net, const uint8_t ip[MATCH_IP_LEN])
{
	size_t whole = net->bits / 8;
	unsigned rest = net->bits % 8;

	if (net->bits < 96 && is_ipv4(ip))
		return false;
	return memcmp(net->ip, ip, whole) == 0 &&
	    (rest == 0 || ((net->ip[whole] ^ ip[whole]) >> (8 - rest)) == 0);
}

/* -- times -- */

/* Takes N digits off S, which tell no more than MAX. S stays where they are none. */
static bool
take_digits(struct slice *s, size_t n, int max, int *ret)
{
	int v = 0;

	if (s->len < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		v = v * 10 + (s->p[i] - '0');
	}
	*s = slice_of(s->p + n, s->len - n);
	*ret = v;
	return v <= max;
}

static bool
take_byte(struct slice *s, uint8_t c)
{
	if (s->len == 0 || s->p[0] != c)
		return false;
	*s = slice_of(s->p + 1, s->len - 1);
	return true;
}

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool
take_date(struct slice *s, int64_t *ret_days)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
	int year, month, day, length, leaps;

	if (!take_digits(s, 4, 9999, &year) || !take_byte(s, '-') ||
	    !take_digits(s, 2, 12, &month) || !take_byte(s, '-') || !take_digits(s, 2, 31, &day) ||
	    year < 1 || month < 1 || day < 1)
		return false;
	length = before[month] - before[month - 1] + (month == 2 && is_leap(year));
	if (day > length)
		return false;
	leaps = (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
	*ret_days = (int64_t)(year - 1) * 365 + leaps + before[month - 1] +
	    (month > 2 && is_leap(year)) + day - 1 - 719162; /* from 0001-01-01 to 1970-01-01 */
	return true;
}

/* Z, or how far the clock is ahead of UTC. */
static bool
take_zone(struct slice *s, int64_t *ret_seconds)
{
	int sign = 0, hour, minute;

	*ret_seconds = 0;
	if (take_byte(s, 'Z'))
		return true;
	if (take_byte(s, '+'))
		sign = 1;
	else if (take_byte(s, '-'))
		sign = -1;
	if (sign == 0 || !take_digits(s, 2, 23, &hour) || !take_byte(s, ':') ||
	    !take_digits(s, 2, 59, &minute))
		return false;
	*ret_seconds = sign * (hour * 3600 + minute * 60);
	return true;
}

bool
match_time_read(struct slice text, int64_t *ret)
{
	int hour, minute, second = 0;
	int64_t days, zone;

	if (!take_date(&text, &days) || !take_byte(&text, 'T') ||
	    !take_digits(&text, 2, 23, &hour) || !take_byte(&text, ':') ||
	    !take_digits(&text, 2, 59, &minute))
		return false;
	if (take_byte(&text, ':') && !take_digits(&text, 2, 59, &second))
		return false;
	if (!take_zone(&text, &zone) || text.len > 0)
		return false;
	*ret = days * 86400 + hour * 3600 + minute * 60 + second - zone;
	return true;
}

/* -- numbers -- */

bool
match_decimal_read(struct slice text, int64_t *ret)
{
	bool negative = take_byte(&text, '-');
	size_t whole = 0, part = 0;
	int64_t v = 0;
	int digit;

	if (!negative)
		(void)take_byte(&text, '+');
	for (; take_digits(&text, 1, 9, &digit); whole++) {
		if (whole == 12)
			return false;
		v = v * 10 + digit;
	}
	if (whole > 0 && take_byte(&text, '.')) {
		for (; take_digits(&text, 1, 9, &digit); part++) {
			if (part == 6)
				return false;
			v = v * 10 + digit;
		}
		if (part == 0)
			return false;
	}
	if (whole == 0 || text.len > 0)
		return false;
	for (; part < 6; part++)
		v *= 10;
	*ret = negative ? -v : v;
	return true;
}
