/* SPDX-License-Identifier: Apache-2.0 */
/* Who may make, see and change which object. The face knows the finer rules of PKCS#11; what gives
 * power is decided here. */
#include "kms/core.h"

/* Once cleared they stay cleared, and once set they stay set. */
#define NEVER_GAINED \
	(FLAG_EXTRACTABLE | FLAG_ALWAYS_SENSITIVE | FLAG_NEVER_EXTRACTABLE | FLAG_LOCAL)
#define NEVER_LOST (FLAG_SENSITIVE | FLAG_WRAP_WITH_TRUSTED | FLAG_ALWAYS_AUTHENTICATE)

enum kms_rc
rights_see(struct call *c, enum role role, uint32_t flags)
{
	if ((flags & FLAG_PRIVATE) == 0 || role == ROLE_USER)
		return KMS_OK;
	return call_fail(c, KMS_LOGIN_NEEDED, "log in as the user to reach this object");
}

static enum kms_rc
trust(struct call *c, enum role role)
{
	if (role == ROLE_SO)
		return KMS_OK;
	return call_fail(c, role == ROLE_NONE ? KMS_LOGIN_NEEDED : KMS_DENIED,
	    "only the security officer says what is trusted");
}

enum kms_rc
rights_make(struct call *c, enum role role, const struct object *o)
{
	if (o->kind <= OBJECT_NONE || o->kind > OBJECT_DATA)
		return KMS_INVALID;
	if (o->label.len > OBJECT_NAME_MAX || o->app_id.len > OBJECT_NAME_MAX)
		return call_fail(c, KMS_LIMIT, "a label or id has at most %d bytes",
		    OBJECT_NAME_MAX);
	TRY(rights_see(c, role, o->flags));
	return (o->flags & FLAG_TRUSTED) != 0 ? trust(c, role) : KMS_OK;
}

enum kms_rc
rights_become(struct call *c, enum role role, const struct object *from, const struct object *to)
{
	uint32_t gained = to->flags & ~from->flags, lost = from->flags & ~to->flags;

	if (to->kind != from->kind || to->spec.type != from->spec.type ||
	    to->spec.curve != from->spec.curve || to->spec.bits != from->spec.bits)
		return call_fail(c, KMS_INVALID, "an object cannot become one of another kind");
	TRY(rights_see(c, role, to->flags));
	if ((gained & FLAG_TRUSTED) != 0)
		TRY(trust(c, role));
	if (kind_is_key(from->kind) &&
	    ((gained & NEVER_GAINED) != 0 || (lost & (NEVER_LOST | FLAG_PRIVATE)) != 0))
		return call_fail(c, KMS_DENIED, "a key's protection cannot be loosened");
	return KMS_OK;
}
