/* SPDX-License-Identifier: Apache-2.0 */
/* Policies that nobody has to write: the built-in identity policies, and those of keys and secrets
 * that were made without one. */
#include "kms/policy.h"

static const struct policy_system rows[] = {
#define SYSTEM_POLICY(name, description, statements) \
	{ name, description, "{\"Version\":\"1\",\"Statement\":[" statements "]}" },
#include "kms/policy_system.def"
#undef SYSTEM_POLICY
};

const struct policy_system *
policy_system_rows(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(rows);
	return rows;
}

const struct policy_system *
policy_system_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(name, rows[i].name) == 0)
			return &rows[i];
	}
	return NULL;
}

enum kms_rc
policy_default_document(enum policy_default of, const char *owner, struct buf *ret)
{
	static const char *const sids[] = {
		[POLICY_DEFAULT_KEY] = "kms default key policy",
		[POLICY_DEFAULT_SECRET] = "kms default secret policy",
	};
	const char *const parts[] = { "{\"Version\":\"1\",\"Statement\":[{\"Sid\":\"", sids[of],
		"\",\"Effect\":\"Allow\",\"Principal\":{\"RAM\":[\"acs:ram::", owner,
		":*\"]},\"Action\":[\"kms:*\"],\"Resource\":[\"*\"]}]}" };
	size_t before = ret->len;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		enum kms_rc rc = buf_add(ret, slice_str(parts[i]));

		if (rc != KMS_OK) {
			ret->len = before;
			return rc;
		}
	}
	return KMS_OK;
}
