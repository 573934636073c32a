/* SPDX-License-Identifier: Apache-2.0 */
/* Times as the log writes them: UTC, ISO 8601. By hand, because libc's ways ask the locale or the
 * time zone's files. */
#include "audit/jout.h"

#define DAY 86400
#define MAX 253402300799 /* the last second of 9999 */
#define MIN (-62167219200)

static void
digits(char *p, int64_t v, unsigned n)
{
	while (n-- > 0) {
		p[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

static bool
is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* Days from 0000-01-01 to the first of January of year Y. */
static int64_t
days_before(int64_t y)
{
	return y == 0 ? 0 : 365 * y + (y - 1) / 4 - (y - 1) / 100 + (y - 1) / 400 + 1;
}

static int64_t
month_days(int64_t y, unsigned m)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[m] + (m == 1 && is_leap(y) ? 1 : 0);
}

void
stamp_seconds(int64_t seconds, char ret[STAMP_SIZE])
{
	int64_t s = seconds < MIN ? MIN : seconds > MAX ? MAX : seconds, day, y, rest;
	unsigned m = 0;

	memcpy(ret, "0000-00-00T00:00:00Z", STAMP_SIZE);
	s -= MIN;
	day = s / DAY;
	rest = s % DAY;
	y = day * 400 / 146097; /* at most one too many, since the surplus of leap days varies */
	while (days_before(y) > day)
		y--;
	while (days_before(y + 1) <= day)
		y++;
	day -= days_before(y);
	while (day >= month_days(y, m))
		day -= month_days(y, m++);
	digits(ret, y, 4);
	digits(ret + 5, m + 1, 2);
	digits(ret + 8, day + 1, 2);
	digits(ret + 11, rest / 3600, 2);
	digits(ret + 14, rest / 60 % 60, 2);
	digits(ret + 17, rest % 60, 2);
}

void
stamp_ms(int64_t ms, char ret[STAMP_MS_SIZE])
{
	int64_t part = ms % 1000 < 0 ? ms % 1000 + 1000 : ms % 1000;

	stamp_seconds((ms - part) / 1000, ret);
	ret[19] = '.';
	digits(ret + 20, part, 3);
	memcpy(ret + 23, "Z", 2);
}

/* N digits at P, between LOW and HIGH. */
static bool
number(const uint8_t *p, unsigned n, int64_t low, int64_t high, int64_t *ret)
{
	*ret = 0;
	for (unsigned i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		*ret = *ret * 10 + (p[i] - '0');
	}
	return *ret >= low && *ret <= high;
}

bool
stamp_parse(struct slice s, int64_t *ret_ms)
{
	int64_t y, m, d, h, min, sec, ms = 0, days;

	if (s.len != STAMP_SIZE - 1 && s.len != STAMP_MS_SIZE - 1)
		return false;
	if (s.p[4] != '-' || s.p[7] != '-' || s.p[10] != 'T' || s.p[13] != ':' || s.p[16] != ':' ||
	    s.p[s.len - 1] != 'Z')
		return false;
	if (!number(s.p, 4, 0, 9999, &y) || !number(s.p + 5, 2, 1, 12, &m) ||
	    !number(s.p + 8, 2, 1, month_days(y, (unsigned)m - 1), &d) ||
	    !number(s.p + 11, 2, 0, 23, &h) || !number(s.p + 14, 2, 0, 59, &min) ||
	    !number(s.p + 17, 2, 0, 59, &sec))
		return false;
	if (s.len == STAMP_MS_SIZE - 1 && (s.p[19] != '.' || !number(s.p + 20, 3, 0, 999, &ms)))
		return false;
	days = days_before(y) + d - 1;
	for (unsigned i = 0; i + 1 < (unsigned)m; i++)
		days += month_days(y, i);
	*ret_ms = ((days * DAY) + h * 3600 + min * 60 + sec + MIN) * 1000 + ms;
	return true;
}
