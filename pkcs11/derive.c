/* SPDX-License-Identifier: Apache-2.0 */
/* C_DeriveKey: PKCS#11 5.16.5, with ECDH (6.3.19). */
#include "pkcs11/keys.h"
#include "pkcs11/memory.h"

/* Which key length a derived secret is cut to: CKA_VALUE_LEN, or all of it. */
static CK_RV
cut_secret(const struct attrs *t, const struct secret *secret, struct slice *ret)
{
	size_t want;

	TRY_RV(keys_wanted_len(t, &want));
	if (want > secret->len)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	*ret = secret_slice(secret);
	if (want != 0 &&
	    want < secret->len) /* 6.3.19: truncation removes bytes from the leading end */
		*ret = slice_of(secret->p + (secret->len - want), want);
	return CKR_OK;
}

static CK_RV
derive_secret(struct session *s, struct entry *base, const struct params *p, struct secret *ret)
{
	struct call call = token_call(s->token);
	struct backend_key *k;
	enum kms_rc rc;

	if (base->ckey != NULL) {
		rc = crypto_ecdh(base->ckey, p->p.u.ecdh.peer, ret);
	} else {
		TRY_RV(entry_backend_key(base, &call, &k));
		call.uses = &s->uses;
		rc = backend_derive(s->token->backend, &call, k, &p->p, ret);
	}
	if (rc == KMS_NOTFOUND)
		return CKR_KEY_HANDLE_INVALID;
	return rc == KMS_OK ? CKR_OK : session_fail(s, &call, rc);
}

static CK_RV
derive_key(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE handle, const struct attrs *t,
    CK_OBJECT_HANDLE *ret)
{
	struct slice bytes;
	struct attrs all;
	auto_secret secret = { 0 };
	auto_entry *base = NULL;
	struct params p = { 0 };
	const struct mech *row;
	CK_RV rv;

	TRY_RV(keys_mech(s, m, CKF_DERIVE, &row));
	if ((rv = object_lookup(s, handle, &base)) != CKR_OK)
		return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
	if (base->o.kind != OBJECT_PRIVATE_KEY)
		return CKR_KEY_TYPE_INCONSISTENT;
	TRY_RV(op_check_key(s, base, row, FLAG_DERIVE));
	if ((rv = params_read(&p, row, m)) == CKR_OK)
		rv = derive_secret(s, base, &p, &secret);
	params_free(&p);
	if (rv != CKR_OK)
		return rv;
	TRY_RV(keys_inherit(base, CKA_DERIVE_TEMPLATE, t, &all));
	TRY_RV(cut_secret(&all, &secret, &bytes));
	rv = keys_make(s, &all, base, bytes, ret);
	/* nothing was wrapped: a length that the key type does not take is the template's fault */
	return rv == CKR_WRAPPED_KEY_LEN_RANGE ? CKR_TEMPLATE_INCONSISTENT : rv;
}

CK_RV
C_DeriveKey(CK_SESSION_HANDLE hs, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE base, CK_ATTRIBUTE_PTR templ,
    CK_ULONG count, CK_OBJECT_HANDLE_PTR ret)
{
	auto_session *s = NULL;
	CK_OBJECT_HANDLE made;
	auto_attrs t;
	CK_RV rv;

	t.mem = (struct secret){ 0 };
	if ((rv = session_enter(hs, &s)) == CKR_OK && (m == NULL || ret == NULL))
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK && (rv = attrs_read(templ, count, &t)) == CKR_OK &&
	    (rv = derive_key(s, m, base, &t, &made)) == CKR_OK)
		ulong_put(ret, made);
	return rv_trace(__func__, rv);
}
