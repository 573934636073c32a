/* SPDX-License-Identifier: Apache-2.0 */
/* Templates for the HSM, and what it tells of its objects. */
#include "hsm/token.h"

#include <stdlib.h>

#define FIND_STEP 64

static void
add(struct tok_attrs *t, CK_ATTRIBUTE_TYPE type, const void *p, size_t len)
{
	/* Templates are of our own making, and none is that long. */
	if (t->n == TOK_ATTRS_MAX)
		return;
	/* The standard's type does not know const; no function that takes a template changes it. */
	memcpy(&t->v[t->n].pValue, &p, sizeof(p));
	t->v[t->n].type = type;
	t->v[t->n].ulValueLen = len;
	t->n++;
}

void
tok_attrs_bytes(struct tok_attrs *t, CK_ATTRIBUTE_TYPE type, struct slice value)
{
	add(t, type, value.p, value.len);
}

void
tok_attrs_number(struct tok_attrs *t, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
	CK_ULONG *own = &t->numbers[t->n % TOK_ATTRS_MAX];

	*own = value;
	add(t, type, own, sizeof(*own));
}

void
tok_attrs_bool(struct tok_attrs *t, CK_ATTRIBUTE_TYPE type, bool value)
{
	static const CK_BBOOL no = CK_FALSE, yes = CK_TRUE;

	add(t, type, value ? &yes : &no, sizeof(yes));
}

/* What a key may do in the HSM: what its object may, and no more. To the HSM wrapping with a key at
 * hand is encrypting, and checking a MAC is making it. */
static void
add_uses(struct tok_attrs *t, const struct object *o, CK_OBJECT_CLASS class)
{
	enum { ALWAYS = 1 << 30 };
	static const struct {
		enum key_type type;
		CK_OBJECT_CLASS class;
		CK_ATTRIBUTE_TYPE attr;
		uint32_t any_of; /* 0: never; ALWAYS */
	} uses[] = {
		{ KEY_RSA, CKO_PRIVATE_KEY, CKA_SIGN, FLAG_SIGN },
		{ KEY_RSA, CKO_PRIVATE_KEY, CKA_DECRYPT, FLAG_DECRYPT | FLAG_UNWRAP },
		{ KEY_RSA, CKO_PRIVATE_KEY, CKA_UNWRAP, 0 },
		{ KEY_RSA, CKO_PUBLIC_KEY, CKA_VERIFY, ALWAYS },
		{ KEY_RSA, CKO_PUBLIC_KEY, CKA_ENCRYPT, ALWAYS },
		{ KEY_EC, CKO_PRIVATE_KEY, CKA_SIGN, FLAG_SIGN },
		{ KEY_EC, CKO_PRIVATE_KEY, CKA_DERIVE, FLAG_DERIVE },
		{ KEY_EC, CKO_PUBLIC_KEY, CKA_VERIFY, ALWAYS },
		{ KEY_EDWARDS, CKO_PRIVATE_KEY, CKA_SIGN, FLAG_SIGN },
		{ KEY_EDWARDS, CKO_PUBLIC_KEY, CKA_VERIFY, ALWAYS },
		{ KEY_AES, CKO_SECRET_KEY, CKA_ENCRYPT, FLAG_ENCRYPT | FLAG_WRAP },
		{ KEY_AES, CKO_SECRET_KEY, CKA_DECRYPT, FLAG_DECRYPT | FLAG_UNWRAP },
		{ KEY_AES, CKO_SECRET_KEY, CKA_WRAP, FLAG_WRAP },
		{ KEY_AES, CKO_SECRET_KEY, CKA_UNWRAP, FLAG_UNWRAP },
		{ KEY_AES, CKO_SECRET_KEY, CKA_SIGN, FLAG_SIGN | FLAG_VERIFY },
		{ KEY_GENERIC, CKO_SECRET_KEY, CKA_SIGN, FLAG_SIGN | FLAG_VERIFY },
	};

	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		if (uses[i].type == o->spec.type && uses[i].class == class)
			tok_attrs_bool(t, uses[i].attr,
			    ((o->flags | ALWAYS) & uses[i].any_of) != 0);
}

void
tok_attrs_key(struct tok_attrs *t, const struct object *o, CK_OBJECT_CLASS class, struct slice id)
{
	bool is_public = class == CKO_PUBLIC_KEY;

	tok_attrs_number(t, CKA_CLASS, class);
	tok_attrs_number(t, CKA_KEY_TYPE, tok_key_type(o->spec.type));
	tok_attrs_bool(t, CKA_TOKEN, true);
	tok_attrs_bool(t, CKA_PRIVATE, !is_public);
	tok_attrs_bytes(t, CKA_ID, id);
	tok_attrs_bytes(t, CKA_LABEL,
	    o->label.len > 0 ? buf_slice(&o->label) : slice_str("kms-pkcs11"));
	if (!is_public) {
		tok_attrs_bool(t, CKA_SENSITIVE, true);
		tok_attrs_bool(t, CKA_EXTRACTABLE, (o->flags & FLAG_EXTRACTABLE) != 0);
	}
	add_uses(t, o, class);
}

/* -- reading -- */

CK_RV
tok_read(struct tok_at *at, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct buf *ret)
{
	CK_ATTRIBUTE a = { .type = type };
	uint8_t *p;
	CK_RV rv = CALL(at, C_GetAttributeValue, object, &a, 1);

	buf_clear(ret);
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE ||
	    (rv == CKR_OK && (a.ulValueLen == 0 || a.ulValueLen == CK_UNAVAILABLE_INFORMATION)))
		return CKR_OK;
	if (rv != CKR_OK)
		return rv;
	if (a.ulValueLen > OBJECT_BODY_MAX || buf_extend(ret, a.ulValueLen, &p) != KMS_OK)
		return CKR_HOST_MEMORY;
	a.pValue = p;
	if ((rv = CALL(at, C_GetAttributeValue, object, &a, 1)) == CKR_OK &&
	    a.ulValueLen <= ret->len)
		ret->len = a.ulValueLen;
	else
		buf_clear(ret);
	return rv;
}

bool
tok_read_bool(struct tok_at *at, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL value = CK_FALSE;
	CK_ATTRIBUTE a = { .type = type, .pValue = &value, .ulValueLen = sizeof(value) };

	return CALL(at, C_GetAttributeValue, object, &a, 1) == CKR_OK &&
	    a.ulValueLen == sizeof(value) && value != CK_FALSE;
}

CK_ULONG
tok_read_number(struct tok_at *at, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
    CK_ULONG otherwise)
{
	CK_ULONG value = 0;
	CK_ATTRIBUTE a = { .type = type, .pValue = &value, .ulValueLen = sizeof(value) };

	return CALL(at, C_GetAttributeValue, object, &a, 1) == CKR_OK &&
		a.ulValueLen == sizeof(value)
	    ? value
	    : otherwise;
}

/* Appends what is found until there is no more. */
static CK_RV
find_all(struct tok_at *at, CK_OBJECT_HANDLE **v, size_t *n)
{
	CK_OBJECT_HANDLE *more;
	CK_ULONG got;
	CK_RV rv;

	do {
		if ((more = reallocarray(*v, *n + FIND_STEP, sizeof(**v))) == NULL)
			return CKR_HOST_MEMORY;
		*v = more;
		got = 0;
		if ((rv = CALL(at, C_FindObjects, *v + *n, FIND_STEP, &got)) != CKR_OK)
			return rv;
		*n += got;
	} while (got > 0);
	return CKR_OK;
}

/* Somebody else in this process may have logged out. Private objects do not show then, and what is
 * found says nothing. */
static CK_RV
check_login(struct tok_at *at)
{
	CK_SESSION_INFO info;

	if (at->h->logs_in && at->f->C_GetSessionInfo(at->s->handle, &info) == CKR_OK &&
	    (info.state == CKS_RO_PUBLIC_SESSION || info.state == CKS_RW_PUBLIC_SESSION))
		return CKR_USER_NOT_LOGGED_IN;
	return CKR_OK;
}

CK_RV
tok_find(struct tok_at *at, const struct tok_attrs *t, CK_OBJECT_HANDLE **ret, size_t *n)
{
	struct tok_attrs copy = *t; /* the standard's type does not know const */
	CK_OBJECT_HANDLE *v = NULL;
	CK_RV rv, end;

	*n = 0;
	if ((rv = check_login(at)) != CKR_OK ||
	    (rv = CALL(at, C_FindObjectsInit, copy.v, copy.n)) != CKR_OK)
		return rv;
	rv = find_all(at, &v, n);
	end = at->f->C_FindObjectsFinal(at->s->handle);
	if (rv == CKR_OK)
		rv = end;
	if (rv == CKR_OK)
		*ret = v;
	else
		free(v);
	return rv;
}

/* -- public keys -- */

/* CKA_EC_POINT is a DER OCTET STRING; some give the point itself. Lengths decide, for both begin
 * with 04. */
static struct slice
bare_point(struct slice s, size_t len)
{
	size_t head = len < 128 ? 2 : 3;

	return s.len == head + len && s.p[0] == 0x04 && s.p[head - 1] == len
	    ? slice_of(s.p + head, len)
	    : s;
}

static enum kms_rc
read_rsa(struct tok_at *at, CK_OBJECT_HANDLE object, struct ckey **ret)
{
	auto_buf n = { 0 }, e = { 0 };

	if (tok_read(at, object, CKA_MODULUS, &n) != CKR_OK ||
	    tok_read(at, object, CKA_PUBLIC_EXPONENT, &e) != CKR_OK || n.len == 0 || e.len == 0)
		return KMS_NOTFOUND;
	return ckey_from_rsa(&(struct rsa_parts){ .n = buf_slice(&n), .e = buf_slice(&e) }, ret);
}

static enum kms_rc
read_ec(struct tok_at *at, CK_OBJECT_HANDLE object, struct ckey **ret)
{
	auto_buf params = { 0 }, point = { 0 };
	enum curve curve;
	size_t len;

	if (tok_read(at, object, CKA_EC_PARAMS, &params) != CKR_OK ||
	    tok_read(at, object, CKA_EC_POINT, &point) != CKR_OK || point.len == 0)
		return KMS_NOTFOUND;
	if ((curve = curve_from_params(buf_slice(&params))) == CURVE_NONE)
		return KMS_NOTSUP;
	len = curve == CURVE_ED25519 ? curve_bytes(curve) : 1 + 2 * curve_bytes(curve);
	return ckey_from_ec(curve, slice_of(NULL, 0), bare_point(buf_slice(&point), len), ret);
}

enum kms_rc
tok_read_public(struct tok_at *at, CK_OBJECT_HANDLE object, enum key_type type, struct ckey **ret)
{
	auto_buf spki = { 0 };

	if (tok_read(at, object, CKA_PUBLIC_KEY_INFO, &spki) == CKR_OK && spki.len > 0 &&
	    ckey_from_spki(buf_slice(&spki), ret) == KMS_OK)
		return KMS_OK;
	return type == KEY_RSA ? read_rsa(at, object, ret) : read_ec(at, object, ret);
}
