/* SPDX-License-Identifier: Apache-2.0 */
/* Turns names of key specs into typed values and back, by the one table. */
#include "api/spec.h"

#include <stdio.h>
#include <string.h>

static const struct spec_row rows[] = {
#define SPEC(n, t, c, b) { .name = (n), .spec = { .type = (t), .curve = (c), .bits = (b) } },
#include "api/spec.def"
#undef SPEC
};

const struct spec_row *
spec_rows(size_t *n)
{
	*n = ARRAY_LEN(rows);
	return rows;
}

const struct key_spec *
spec_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i].spec;
	}
	return NULL;
}

static bool
spec_eq(const struct key_spec *a, const struct key_spec *b)
{
	return a->type == b->type && a->curve == b->curve && a->bits == b->bits;
}

static const char *
family_name(enum key_type type)
{
	switch (type) {
	case KEY_NONE:
	case KEY_TYPE_END: break;
	case KEY_RSA: return "RSA";
	case KEY_EC: return "EC";
	case KEY_EDWARDS: return "ED";
	case KEY_AES: return "AES";
	case KEY_GENERIC: return "HMAC";
	case KEY_SM2: return "SM2";
	case KEY_SM4: return "SM4";
	}
	return NULL;
}

void
spec_name(const struct key_spec *spec, char dst[SPEC_NAME_MAX])
{
	const char *family = family_name(spec->type);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (spec_eq(&rows[i].spec, spec)) {
			(void)snprintf(dst, SPEC_NAME_MAX, "%s", rows[i].name);
			return;
		}
	}
	if (family == NULL)
		(void)snprintf(dst, SPEC_NAME_MAX, "-");
	else
		(void)snprintf(dst, SPEC_NAME_MAX, "%s_%u", family, (unsigned)spec->bits);
}
