/* SPDX-License-Identifier: Apache-2.0 */
/* The objects that template_fuzz has made; see things.h. */
#include "tests/fuzz/things.h"

CK_SESSION_HANDLE session;
bool rw, user, so;
struct thing things[THINGS_MAX];
size_t n_things;
static size_t n_orphans; /* views whose originals are gone */

/* -- what holds of every object ---------------------------------------------------------------- */

bool
is_key(const struct shot *s)
{
	CK_ULONG class = shot_number(s, CKA_CLASS);

	return class == CKO_PUBLIC_KEY || class == CKO_PRIVATE_KEY || class == CKO_SECRET_KEY;
}

bool
holds_secret(const struct shot *s)
{
	CK_ULONG class = shot_number(s, CKA_CLASS);

	return class == CKO_PRIVATE_KEY || class == CKO_SECRET_KEY;
}

/* 4.9, 4.10: secret parts are shown just when the key is extractable and not sensitive. */
static void
check_secrets(const struct shot *s)
{
	static const CK_ATTRIBUTE_TYPE rsa[] = { CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2,
		CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT };
	bool hidden = shot_on(s, CKA_SENSITIVE) || !shot_on(s, CKA_EXTRACTABLE);
	bool is_rsa =
	    shot_number(s, CKA_CLASS) == CKO_PRIVATE_KEY && shot_number(s, CKA_KEY_TYPE) == CKK_RSA;

	if (is_rsa)
		for (size_t i = 0; i < ARRAY_LEN(rsa); i++)
			MUST(hidden ? shot_hides(s, rsa[i]) : shot_value(s, rsa[i]).len > 0);
	else
		MUST(hidden ? shot_hides(s, CKA_VALUE) : shot_value(s, CKA_VALUE).len > 0);
	MUST(!shot_on(s, CKA_ALWAYS_SENSITIVE) || shot_on(s, CKA_SENSITIVE));
	MUST(!shot_on(s, CKA_NEVER_EXTRACTABLE) || !shot_on(s, CKA_EXTRACTABLE));
	/* 4.9: "may only be set to CK_TRUE when CKA_PRIVATE is also CK_TRUE" */
	MUST(!shot_on(s, CKA_ALWAYS_AUTHENTICATE) || shot_on(s, CKA_PRIVATE));
}

void
check_object(const struct shot *s)
{
	static const CK_ATTRIBUTE_TYPE common[] = { CKA_CLASS, CKA_TOKEN, CKA_PRIVATE, CKA_LABEL,
		CKA_UNIQUE_ID, CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE };

	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		MUST(shot_has(s, common[i]));
	MUST(!shot_on(s, CKA_PRIVATE) || user);
	if (is_key(s))
		MUST(shot_has(s, CKA_KEY_TYPE) && shot_has(s, CKA_ID) && shot_has(s, CKA_LOCAL));
	if (holds_secret(s))
		check_secrets(s);
	if (shot_number(s, CKA_CLASS) == CKO_SECRET_KEY) {
		MUST(shot_value(s, CKA_CHECK_VALUE).len == 3);
		MUST(shot_hides(s, CKA_VALUE) ||
		    shot_value(s, CKA_VALUE).len == shot_number(s, CKA_VALUE_LEN));
	}
}

/* -- the objects that there are ---------------------------------------------------------------- */

size_t
find(CK_ATTRIBUTE *t, CK_ULONG n, CK_OBJECT_HANDLE ret[HANDLES_MAX], CK_RV *rv)
{
	CK_ULONG count = 0;

	if ((*rv = C_FindObjectsInit(session, t, n)) != CKR_OK)
		return 0;
	MUST(C_FindObjects(session, ret, HANDLES_MAX, &count) == CKR_OK && count < HANDLES_MAX);
	MUST(C_FindObjectsFinal(session) == CKR_OK);
	return count;
}

/* All objects are those that are known, and (but for the one at CHANGED) as they were. */
void
check_world(size_t changed)
{
	static CK_ATTRIBUTE profile = { CKA_CLASS, NULL, 0 };
	CK_OBJECT_HANDLE all[HANDLES_MAX], profiles[HANDLES_MAX];
	CK_OBJECT_CLASS class = CKO_PROFILE;
	CK_RV rv;

	profile.pValue = &class;
	profile.ulValueLen = sizeof(class);
	MUST(find(NULL, 0, all, &rv) == n_things + n_orphans + find(&profile, 1, profiles, &rv));
	for (size_t i = 0; i < n_things; i++) {
		auto_shot now = { 0 };

		if (i == changed)
			continue;
		MUST(shot_take(session, things[i].handle, &now));
		MUST(shot_same(&things[i].shot, &now, NULL));
	}
}

void
forget(size_t at)
{
	shot_free(&things[at].shot);
	memmove(&things[at], &things[at + 1], (n_things - at - 1) * sizeof(things[0]));
	memset(&things[--n_things], 0, sizeof(things[0]));
}

void
destroyed(size_t at)
{
	CK_OBJECT_HANDLE handle = things[at].handle;

	forget(at);
	for (size_t i = n_things; i > 0; i--) {
		if (things[i - 1].original != handle)
			continue;
		forget(i - 1);
		n_orphans++;
	}
}

void
forget_all(void)
{
	while (n_things > 0)
		forget(n_things - 1);
	n_orphans = 0;
}

/* The newest has been made; there is always room for two more. */
struct thing *
remember(CK_OBJECT_HANDLE handle)
{
	struct thing *t = &things[n_things++];

	for (size_t i = 0; i + 1 < n_things; i++)
		MUST(things[i].handle != handle);
	t->handle = handle;
	MUST(shot_take(session, handle, &t->shot));
	check_object(&t->shot);
	return t;
}

void
make_room(void)
{
	while (n_things + 2 > THINGS_MAX) {
		CK_RV rv = C_DestroyObject(session, things[0].handle);

		if (rv != CKR_OK) { /* it will not go: out of sight at least */
			MUST(rv == CKR_ACTION_PROHIBITED);
			MUST(!shot_on(&things[0].shot, CKA_DESTROYABLE));
			MUST(C_CloseSession(session) == CKR_OK);
			session = 0;
			return;
		}
		destroyed(0);
	}
}
