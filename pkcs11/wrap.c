/* SPDX-License-Identifier: Apache-2.0 */
/* C_WrapKey and C_UnwrapKey: PKCS#11 5.16.3, 5.16.4. A secret key travels as its bytes, a private
 * key as PKCS#8. */
#include "base/codec.h"
#include "pkcs11/keys.h"
#include "pkcs11/memory.h"

/* The same fault has another name when the key at fault is the wrapping one. */
static CK_RV
as_wrapping(CK_RV rv)
{
	switch (rv) {
	case CKR_OBJECT_HANDLE_INVALID:
	case CKR_KEY_HANDLE_INVALID: return CKR_WRAPPING_KEY_HANDLE_INVALID;
	case CKR_KEY_SIZE_RANGE: return CKR_WRAPPING_KEY_SIZE_RANGE;
	case CKR_KEY_TYPE_INCONSISTENT: return CKR_WRAPPING_KEY_TYPE_INCONSISTENT;
	default: return rv;
	}
}

static CK_RV
as_unwrapping(CK_RV rv)
{
	switch (rv) {
	case CKR_OBJECT_HANDLE_INVALID:
	case CKR_KEY_HANDLE_INVALID: return CKR_UNWRAPPING_KEY_HANDLE_INVALID;
	case CKR_KEY_SIZE_RANGE: return CKR_UNWRAPPING_KEY_SIZE_RANGE;
	case CKR_KEY_TYPE_INCONSISTENT: return CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT;
	default: return rv;
	}
}

static CK_RV
wrapping_key(struct session *s, const struct mech *row, CK_OBJECT_HANDLE handle, uint32_t flag,
    struct entry **ret)
{
	enum object_kind half = flag == FLAG_WRAP ? OBJECT_PUBLIC_KEY : OBJECT_PRIVATE_KEY;

	TRY_RV(object_lookup(s, handle, ret));
	if ((*ret)->o.kind != OBJECT_SECRET_KEY && (*ret)->o.kind != half)
		return CKR_KEY_TYPE_INCONSISTENT;
	return op_check_key(s, *ret, row, flag);
}

/* 4.9, 4.10: what the target itself and the wrapping key demand. */
static CK_RV
check_wrappable(struct session *s, const struct mech *row, const struct entry *wrapping,
    struct entry *target)
{
	struct call call = token_call(s->token);
	struct slice demanded;
	struct reader r;
	struct attr a;

	if (target->o.kind != OBJECT_SECRET_KEY && target->o.kind != OBJECT_PRIVATE_KEY)
		return CKR_KEY_NOT_WRAPPABLE;
	if ((target->o.flags & FLAG_EXTRACTABLE) == 0)
		return CKR_KEY_UNEXTRACTABLE;
	if ((target->o.flags & FLAG_WRAP_WITH_TRUSTED) != 0 &&
	    (wrapping->o.flags & FLAG_TRUSTED) == 0)
		return CKR_KEY_NOT_WRAPPABLE;
	if (row->key == KEY_RSA && target->o.kind == OBJECT_PRIVATE_KEY)
		return CKR_KEY_NOT_WRAPPABLE; /* PKCS#8 never fits a modulus */
	if (attr_flat_get(buf_slice(&wrapping->o.attrs), CKA_WRAP_TEMPLATE, &demanded))
		for (r = reader_of(demanded); attr_flat_next(&r, &a);)
			if (!schema_matches(target, &call, &a))
				return CKR_KEY_HANDLE_INVALID;
	return CKR_OK;
}

static CK_RV
target_bytes(struct session *s, struct entry *e, struct secret *ret)
{
	struct call call = token_call(s->token);
	enum kms_rc rc;

	call.uses = &s->uses;
	if (e->ckey == NULL)
		rc = backend_export(s->token->backend, &call, &e->bkey_id, ret);
	else if (e->o.kind == OBJECT_PRIVATE_KEY)
		rc = ckey_pkcs8(e->ckey, ret);
	else
		rc = secret_copy(ckey_secret(e->ckey), ret);
	if (rc == KMS_DENIED)
		return CKR_KEY_UNEXTRACTABLE;
	if (rc == KMS_NOTFOUND)
		return CKR_KEY_HANDLE_INVALID;
	return rc == KMS_OK ? CKR_OK : session_fail(s, &call, rc);
}

/* The unit to which a mechanism fills keys up with zeros: 6.10.4, 6.10.5 whole blocks, 6.16.3 whole
 * semiblocks. */
static size_t
fills_to(const struct mech *row)
{
	if (row->alg == ALG_AES_ECB || row->alg == ALG_AES_CBC || row->alg == ALG_SM4_ECB ||
	    row->alg == ALG_SM4_CBC)
		return 16;
	return row->alg == ALG_AES_KW ? 8 : 1;
}

static CK_RV
fill_up(const struct mech *row, struct secret *bytes)
{
	auto_secret filled = { 0 };
	size_t unit = fills_to(row), len = (bytes->len + unit - 1) / unit * unit;

	if (len == bytes->len)
		return CKR_OK;
	if (secret_new(len, &filled) != KMS_OK)
		return CKR_HOST_MEMORY;
	memcpy(filled.p, bytes->p, bytes->len);
	secret_free(bytes);
	*bytes = filled;
	filled = (struct secret){ 0 }; /* moved */
	return CKR_OK;
}

/* Both keys are the backend's, and may stay inside. *DONE: they did. */
static CK_RV
wrap_inside(struct session *s, const struct params *p, struct entry *wrapping, struct entry *target,
    struct buf *ret, bool *done)
{
	struct call call = token_call(s->token);
	struct backend_key *k, *t;
	enum kms_rc rc;

	*done = false;
	if (wrapping->ckey != NULL || target->ckey != NULL ||
	    !backend_caps(s->token->backend)->inside)
		return CKR_OK;
	TRY_RV(entry_backend_key(wrapping, &call, &k));
	TRY_RV(entry_backend_key(target, &call, &t));
	*done = true;
	rc = backend_wrap(s->token->backend, &call, k, &p->p, t, ret);
	if (rc == KMS_NOTSUP)
		return CKR_MECHANISM_INVALID;
	if (rc == KMS_BAD_LEN || rc == KMS_BAD_DATA)
		return CKR_KEY_SIZE_RANGE;
	return rc == KMS_OK ? CKR_OK : as_wrapping(session_fail(s, &call, rc));
}

/* 5.2's length rule for what is there already. */
static CK_RV
give(struct slice made, CK_BYTE *out, CK_ULONG *out_len)
{
	CK_ULONG cap = *out_len;

	*out_len = made.len;
	if (out == NULL)
		return CKR_OK;
	if (cap < made.len)
		return CKR_BUFFER_TOO_SMALL;
	memcpy(out, made.p, made.len);
	return CKR_OK;
}

static CK_RV
read_params(struct params *p, const struct mech *row, const CK_MECHANISM *m)
{
	TRY_RV(params_read(p, row, m));
	if (row->alg == ALG_KMS)
		p->p.u.kms.wraps = true;
	return CKR_OK;
}

static CK_RV
wrap(struct session *s, const struct mech *row, const struct params *p, struct entry *wrapping,
    struct entry *target, CK_BYTE *out, CK_ULONG *out_len)
{
	struct outbuf o = { .p = out, .cap = out == NULL ? 0 : ulong_get(out_len) };
	struct call call = token_call(s->token);
	auto_secret bytes = { 0 };
	auto_buf made = { 0 };
	struct use *use = NULL;
	size_t need = 0;
	enum kms_rc rc = KMS_OK;
	bool done;

	TRY_RV(wrap_inside(s, p, wrapping, target, &made, &done));
	if (done)
		return give(buf_slice(&made), out, out_len);
	TRY_RV(target_bytes(s, target, &bytes));
	TRY_RV(fill_up(row, &bytes));
	TRY_RV(as_wrapping(op_begin_use(s, wrapping, USE_ENCRYPT, &p->p, &use)));
	if (out == NULL)
		ulong_put(out_len, use_bound(use, bytes.len, true));
	else
		rc = use_once(use, secret_slice(&bytes), &o, &need);
	use_free(use);
	if (rc == KMS_OK && out != NULL)
		ulong_put(out_len, o.len);
	if (rc == KMS_BUFFER_SMALL)
		ulong_put(out_len, need);
	if (rc == KMS_BAD_LEN || rc == KMS_BAD_DATA)
		return CKR_KEY_SIZE_RANGE;
	return rc == KMS_OK || rc == KMS_BUFFER_SMALL ? rv_of(rc)
						      : as_wrapping(session_fail(s, &call, rc));
}

static CK_RV
wrap_key(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE wrapping_handle,
    CK_OBJECT_HANDLE handle, CK_BYTE *out, CK_ULONG *out_len)
{
	auto_entry *wrapping = NULL, *target = NULL;
	struct params p = { 0 };
	const struct mech *row;
	CK_RV rv;

	TRY_RV(keys_mech(s, m, CKF_WRAP, &row));
	TRY_RV(as_wrapping(wrapping_key(s, row, wrapping_handle, FLAG_WRAP, &wrapping)));
	if ((rv = object_lookup(s, handle, &target)) != CKR_OK)
		return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
	TRY_RV(check_wrappable(s, row, wrapping, target));
	if ((rv = read_params(&p, row, m)) == CKR_OK)
		rv = wrap(s, row, &p, wrapping, target, out, out_len);
	params_free(&p);
	return rv;
}

CK_RV
C_WrapKey(CK_SESSION_HANDLE hs, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key,
    CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK && (m == NULL || out_len == NULL))
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK)
		rv = wrap_key(s, m, wrapping, key, out, out_len);
	return rv_trace(__func__, rv);
}

static CK_RV
unwrap_bytes(struct session *s, struct entry *key, const struct params *p, struct slice in,
    struct secret *ret)
{
	struct call call = token_call(s->token);
	auto_secret plain = { 0 };
	struct use *use = NULL;
	struct outbuf o;
	size_t need = 0;
	enum kms_rc rc;

	if (in.len == 0 || in.len > SECRET_MAX / 2)
		return CKR_WRAPPED_KEY_LEN_RANGE;
	if (secret_new(in.len + 64, &plain) != KMS_OK)
		return CKR_HOST_MEMORY;
	o = (struct outbuf){ .p = plain.p, .cap = plain.len };
	TRY_RV(as_unwrapping(op_begin_use(s, key, USE_DECRYPT, &p->p, &use)));
	rc = use_once(use, in, &o, &need);
	use_free(use);
	if (rc == KMS_BAD_LEN)
		return CKR_WRAPPED_KEY_LEN_RANGE;
	if (rc == KMS_BAD_DATA || rc == KMS_BUFFER_SMALL || (rc == KMS_OK && o.len == 0))
		return CKR_WRAPPED_KEY_INVALID;
	if (rc != KMS_OK)
		return as_unwrapping(session_fail(s, &call, rc));
	return secret_copy(slice_of(plain.p, o.len), ret) == KMS_OK ? CKR_OK : CKR_HOST_MEMORY;
}

/* CKA_VALUE_LEN beside a wrapped key takes the zeros off again that filled it up; otherwise it must
 * simply be true. */
static CK_RV
cut_to_len(const struct mech *row, const struct attrs *t, struct slice *bytes)
{
	size_t want;

	TRY_RV(keys_wanted_len(t, &want));
	if (want == 0)
		return CKR_OK;
	if (want > bytes->len || bytes->len - want >= fills_to(row))
		return CKR_WRAPPED_KEY_LEN_RANGE;
	bytes->len = want;
	return CKR_OK;
}

static CK_RV
unwrap_key(struct session *s, const CK_MECHANISM *m, CK_OBJECT_HANDLE handle, struct slice in,
    const struct attrs *t, CK_OBJECT_HANDLE *ret)
{
	struct slice bytes;
	struct attrs all;
	auto_secret plain = { 0 };
	auto_entry *key = NULL;
	struct params p = { 0 };
	const struct mech *row;
	CK_RV rv;

	TRY_RV(keys_mech(s, m, CKF_UNWRAP, &row));
	TRY_RV(as_unwrapping(wrapping_key(s, row, handle, FLAG_UNWRAP, &key)));
	if ((rv = read_params(&p, row, m)) == CKR_OK)
		rv = unwrap_bytes(s, key, &p, in, &plain);
	params_free(&p);
	if (rv != CKR_OK)
		return rv;
	bytes = secret_slice(&plain);
	TRY_RV(keys_inherit(key, CKA_UNWRAP_TEMPLATE, t, &all));
	TRY_RV(cut_to_len(row, &all, &bytes));
	return keys_make(s, &all, NULL, bytes, ret);
}

CK_RV
C_UnwrapKey(CK_SESSION_HANDLE hs, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key, CK_BYTE_PTR in,
    CK_ULONG in_len, CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_OBJECT_HANDLE_PTR ret)
{
	auto_session *s = NULL;
	CK_OBJECT_HANDLE made;
	auto_attrs t;
	CK_RV rv;

	t.mem = (struct secret){ 0 };
	if ((rv = session_enter(hs, &s)) == CKR_OK &&
	    (m == NULL || ret == NULL || (in == NULL && in_len != 0)))
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK && (rv = attrs_read(templ, count, &t)) == CKR_OK &&
	    (rv = unwrap_key(s, m, key, slice_of(in, in_len), &t, &made)) == CKR_OK)
		ulong_put(ret, made);
	return rv_trace(__func__, rv);
}
