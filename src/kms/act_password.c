/* SPDX-License-Identifier: Apache-2.0 */
/* GetRandomPassword. */
#include "kms/chapters.h"
#include "kms/password.h"

static const struct {
	enum field exclude;
	enum password_class class;
} classes[] = {
	{ F_ExcludeLowercase, PASSWORD_LOWERCASE },
	{ F_ExcludeUppercase, PASSWORD_UPPERCASE },
	{ F_ExcludeNumbers, PASSWORD_NUMBERS },
	{ F_ExcludePunctuation, PASSWORD_PUNCTUATION },
};

enum kms_rc
act_get_random_password(struct act *a)
{
	struct password_rules rules = { .len = (size_t)fields_number(a->req, F_PasswordLength, 32),
		.classes = PASSWORD_ALL,
		.without = fields_get(a->req, F_ExcludeCharacters),
		.each = fields_bool(a->req, F_RequireEachIncludedType) };
	auto_secret password = { 0 };
	enum kms_rc rc;

	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (fields_bool(a->req, classes[i].exclude))
			rules.classes &= ~(unsigned)classes[i].class;
	if ((rc = password_make(&rules, &password)) == KMS_INVALID)
		return call_refuse(a->c, E_InvalidParameter,
		    "So much is excluded that no password is left.");
	TRY(rc);
	return fields_put(a->res, F_RandomPassword, secret_slice(&password));
}
