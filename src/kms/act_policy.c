/* SPDX-License-Identifier: Apache-2.0 */
/* Actions on the policies of keys and secrets. */
#include "kms/chapters.h"
#include "kms/policy.h"

/* There is one policy of each, and it has this name. */
static enum kms_rc
check_name(struct act *a)
{
	struct slice name = fields_get(a->req, F_PolicyName);

	if (name.len == 0 || slice_eq(name, slice_str("default")))
		return KMS_OK;
	return call_refuse(a->c, E_ResourceNotFound, "%s",
	    api_error_row(E_ResourceNotFound)->message);
}

enum kms_rc
act_take_policy(struct act *a, struct buf *ret)
{
	struct slice text = fields_get(a->req, F_Policy);
	struct policy *p = NULL;

	TRY(act_parsed(a, F_Policy, policy_parse(POLICY_RESOURCE, text, &p, &a->c->err)));
	policy_free(p);
	return buf_set(ret, text);
}

static enum kms_rc
put_policy(struct act *a, struct slice policy, enum policy_default of)
{
	auto_buf text = { 0 };

	TRY(check_name(a));
	if (policy.len > 0)
		return fields_put(a->res, F_Policy, policy);
	TRY(policy_default_document(of, a->account.id, &text));
	return fields_put(a->res, F_Policy, buf_slice(&text));
}

enum kms_rc
act_get_key_policy(struct act *a)
{
	return put_policy(a, buf_slice(&a->key.policy), POLICY_DEFAULT_KEY);
}

enum kms_rc
act_set_key_policy(struct act *a)
{
	TRY(check_name(a));
	TRY(act_take_policy(a, &a->key.policy));
	return act_put_key(a, &a->key);
}

enum kms_rc
act_get_secret_policy(struct act *a)
{
	return put_policy(a, buf_slice(&a->secret.policy), POLICY_DEFAULT_SECRET);
}

enum kms_rc
act_set_secret_policy(struct act *a)
{
	TRY(check_name(a));
	TRY(act_take_policy(a, &a->secret.policy));
	return act_put_secret(a, &a->secret);
}
