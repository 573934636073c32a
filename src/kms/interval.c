/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes intervals. */
#include "kms/interval.h"

#include <stdio.h>

static uint32_t
unit_seconds(uint8_t unit)
{
	switch (unit) {
	case 'd': return 86400;
	case 'h': return 3600;
	case 'm': return 60;
	case 's': return 1;
	default: return 0;
	}
}

bool
interval_parse(struct slice text, uint32_t *ret)
{
	uint32_t unit;
	uint64_t n = 0;

	if (text.len < 2 || (unit = unit_seconds(text.p[text.len - 1])) == 0)
		return false;
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9' || n > UINT32_MAX / 10)
			return false;
		n = n * 10 + (uint64_t)(text.p[i] - '0');
	}
	if (n == 0 || n * unit > UINT32_MAX)
		return false;
	*ret = (uint32_t)(n * unit);
	return true;
}

void
interval_text(uint32_t seconds, char ret[INTERVAL_TEXT_MAX])
{
	(void)snprintf(ret, INTERVAL_TEXT_MAX, "%us", (unsigned)seconds);
}
