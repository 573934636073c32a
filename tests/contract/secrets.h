/* SPDX-License-Identifier: Apache-2.0 */
/* Short ways to ask about secrets. */
#ifndef KMS_TESTS_CONTRACT_SECRETS_H
#define KMS_TESTS_CONTRACT_SECRETS_H

#include "tests/contract/contract.h"

/* A request that has the secret's name alone. */
static inline UNUSED void
secret(const char *name)
{
	request();
	with(F_SecretName, name);
}

/* The same with a version. */
static inline UNUSED void
version(const char *name, const char *id, const char *value)
{
	secret(name);
	with(F_VersionId, id);
	with(F_SecretData, value);
}

static inline UNUSED void
new_secret(const char *name, const char *id, const char *value)
{
	version(name, id, value);
	expect(ACTION_CreateSecret);
}

static inline UNUSED void
put(const char *name, const char *id, const char *value)
{
	version(name, id, value);
	expect(ACTION_PutSecretValue);
}

/* What GetSecretValue gives when no version is asked for. */
static inline UNUSED void
check_value(const char *name, const char *wanted)
{
	secret(name);
	expect(ACTION_GetSecretValue);
	check_text(F_COUNT, F_SecretData, wanted);
}

/* The names of the secrets that FILTERS leave, in order. */
static inline UNUSED void
filtered(const char *filters, const char *wanted)
{
	char names[256] = "";
	size_t used = 0;

	request();
	with(F_Filters, filters);
	expect(ACTION_ListSecrets);
	for (size_t i = 0; i < count_of(F_SecretList); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
		    i == 0 ? "" : " ", text_in(F_SecretList, i, F_SecretName));
	ck_assert_msg(strcmp(names, wanted) == 0, "%s leaves \"%s\", wanted \"%s\"", filters, names,
	    wanted);
}

#endif
