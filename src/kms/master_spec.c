/* SPDX-License-Identifier: Apache-2.0 */
/* Looks specs and usages up. */
#include "kms/master_spec.h"

#include <stdio.h>

#include "api/object.h"

#define ENCRYPT_DECRYPT USAGE_ENCRYPT_DECRYPT
#define SIGN_VERIFY	USAGE_SIGN_VERIFY
#define MAC		USAGE_MAC
static const struct master_spec specs[] = {
#define MASTER_SPEC(name, type, curve, bits, usages, usage) \
	{ name, { type, curve, bits }, usages, usage },
#include "kms/master_spec.def"
#undef MASTER_SPEC
};
#undef ENCRYPT_DECRYPT
#undef SIGN_VERIFY
#undef MAC

static const struct {
	enum key_usage usage;
	const char *name;
} usages[] = {
	{ USAGE_ENCRYPT_DECRYPT, "ENCRYPT/DECRYPT" },
	{ USAGE_SIGN_VERIFY, "SIGN/VERIFY" },
	{ USAGE_MAC, "GENERATE/VERIFY MAC" },
};

/* What a version may be used for, by usage and type: as it would be made through PKCS#11. */
static const struct {
	enum key_usage usage;
	bool pair;
	uint32_t private_half, public_half;
} rights[] = {
	{ USAGE_ENCRYPT_DECRYPT, true, FLAG_DECRYPT | FLAG_UNWRAP, FLAG_ENCRYPT | FLAG_WRAP },
	{ USAGE_ENCRYPT_DECRYPT, false, FLAG_ENCRYPT | FLAG_DECRYPT | FLAG_WRAP | FLAG_UNWRAP, 0 },
	{ USAGE_SIGN_VERIFY, true, FLAG_SIGN, FLAG_VERIFY },
	{ USAGE_MAC, false, FLAG_SIGN | FLAG_VERIFY, 0 },
};

const struct master_spec *
master_spec_by_name(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(specs); i++)
		if (slice_eq(slice_str(specs[i].name), name))
			return &specs[i];
	return NULL;
}

void
master_spec_name(const struct key_spec *spec, char ret[SPEC_NAME_MAX])
{
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		const struct key_spec *s = &specs[i].spec;

		if (s->type == spec->type && s->curve == spec->curve && s->bits == spec->bits) {
			(void)snprintf(ret, SPEC_NAME_MAX, "%s", specs[i].name);
			return;
		}
	}
	spec_name(spec, ret);
}

const char *
usage_name(enum key_usage usage, enum key_type type)
{
	if (usage == USAGE_ANY)
		usage = key_type_is_pair(type) ? USAGE_SIGN_VERIFY
		    : type == KEY_GENERIC      ? USAGE_MAC
					       : USAGE_ENCRYPT_DECRYPT;
	for (size_t i = 0; i < ARRAY_LEN(usages); i++)
		if (usages[i].usage == usage)
			return usages[i].name;
	return "?";
}

enum key_usage
usage_by_name(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(usages); i++)
		if (slice_eq(slice_str(usages[i].name), name))
			return usages[i].usage;
	return 0;
}

uint32_t
usage_flags(enum key_usage usage, enum key_type type, bool public_half)
{
	for (size_t i = 0; i < ARRAY_LEN(rights); i++)
		if (rights[i].usage == usage && rights[i].pair == key_type_is_pair(type))
			return public_half ? rights[i].public_half : rights[i].private_half;
	return 0;
}
