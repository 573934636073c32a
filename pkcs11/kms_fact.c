/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of a KMS key: ids are at hand, the others are asked of the backend whenever they are read.
 */
#include "pkcs11/kms_fact.h"

#include "pkcs11/kms-pkcs11.h"
#include "pkcs11/rv.h"
#include "pkcs11/slot.h"

static CK_RV
give(struct slice text, struct secret *ret)
{
	return text.len == 0 || secret_copy(text, ret) == KMS_OK ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV
give_uid(const struct uid *id, struct secret *ret)
{
	char text[UID_TEXT_LEN + 1];

	uid_to_text(id, text);
	return give(slice_str(text), ret);
}

/* NAME in the first entry of GROUP; of none, an empty value. */
static CK_RV
ask(const struct entry *e, struct call *call, enum action action, enum field group, enum field name,
    struct secret *ret)
{
	char id[UID_TEXT_LEN + 1];
	auto_fields req = { 0 };
	auto_fields res = { 0 };
	const struct field_value *v;
	enum kms_rc rc;

	uid_to_text(&e->o.key, id);
	if ((rc = fields_put_text(&req, F_KeyId, id)) == KMS_OK)
		rc = backend_act(e->token->backend, call, action, &req, &res);
	if (rc == KMS_LOGIN_NEEDED || rc == KMS_DENIED)
		return CKR_ATTRIBUTE_SENSITIVE;
	if (rc == KMS_NOTFOUND)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (rc != KMS_OK)
		return token_fail(e->token, call, rc);
	v = fields_value(&res, group);
	return v == NULL || v->u.groups.n == 0 ? CKR_OK
					       : give(fields_get(&v->u.groups.v[0], name), ret);
}

CK_RV
kms_fact(const struct entry *e, struct call *call, CK_ATTRIBUTE_TYPE type, struct secret *ret)
{
	if (uid_is_zero(&e->o.key))
		return CKR_ATTRIBUTE_TYPE_INVALID;
	switch (type) {
	case CKA_KMS_KEY_ID: return give_uid(&e->o.key, ret);
	case CKA_KMS_KEY_VERSION_ID: return give_uid(&e->bkey_id, ret);
	case CKA_KMS_KEY_ALIAS:
		return ask(e, call, ACTION_ListAliasesByKeyId, F_Aliases, F_AliasName, ret);
	case CKA_KMS_KEY_STATE:
		return ask(e, call, ACTION_DescribeKey, F_KeyMetadata, F_KeyState, ret);
	case CKA_KMS_KEY_ARN: return ask(e, call, ACTION_DescribeKey, F_KeyMetadata, F_Arn, ret);
	default: return CKR_ATTRIBUTE_TYPE_INVALID;
	}
}
