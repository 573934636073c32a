/* SPDX-License-Identifier: Apache-2.0 */
/* Templates, attributes and keys for the black-box tests; see p11.h. */
#include "tests/p11/p11.h"

const CK_BYTE ec_p256[10] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
const CK_BYTE ec_p384[7] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
const CK_BYTE ec_p256k[7] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a };
const CK_BYTE ec_p521[7] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 };
const CK_BYTE ec_ed25519_oid[5] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };
const CK_BYTE ec_ed25519_name[14] = "\x13\x0c"
				    "edwards25519";

/* Without ck_assert, which takes a lock of libcheck's: threads make templates beside forks. */
static CK_ATTRIBUTE *
t_add(struct tmpl *t, CK_ATTRIBUTE_TYPE type)
{
	if (t->n >= N(t->v))
		ck_abort_msg("a template has no room for more than %zu attributes", N(t->v));
	t->v[t->n].type = type;
	return &t->v[t->n++];
}

void
t_bool(struct tmpl *t, CK_ATTRIBUTE_TYPE type, bool value)
{
	CK_ATTRIBUTE *a = t_add(t, type);

	t->mem[a - t->v].b = value ? CK_TRUE : CK_FALSE;
	a->pValue = &t->mem[a - t->v];
	a->ulValueLen = sizeof(CK_BBOOL);
}

void
t_ulong(struct tmpl *t, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
	CK_ATTRIBUTE *a = t_add(t, type);

	t->mem[a - t->v].u = value;
	a->pValue = &t->mem[a - t->v];
	a->ulValueLen = sizeof(CK_ULONG);
}

void
t_bytes(struct tmpl *t, CK_ATTRIBUTE_TYPE type, const void *p, size_t n)
{
	CK_ATTRIBUTE *a = t_add(t, type);

	a->pValue = (void *)(uintptr_t)p;
	a->ulValueLen = n;
}

void
t_text(struct tmpl *t, CK_ATTRIBUTE_TYPE type, const char *s)
{
	t_bytes(t, type, s, strlen(s));
}

void
t_set_bool(struct tmpl *t, CK_ATTRIBUTE_TYPE type, bool value)
{
	for (CK_ULONG i = 0; i < t->n; i++)
		if (t->v[i].type == type) {
			*(CK_BBOOL *)t->v[i].pValue = value ? CK_TRUE : CK_FALSE;
			return;
		}
	t_bool(t, type, value);
}

/* The last one takes the place, with its memory. */
void
t_drop(struct tmpl *t, CK_ATTRIBUTE_TYPE type)
{
	for (CK_ULONG i = 0; i < t->n; i++)
		if (t->v[i].type == type) {
			CK_ULONG last = --t->n;

			if (t->v[last].pValue == &t->mem[last]) {
				t->mem[i] = t->mem[last];
				t->v[last].pValue = &t->mem[i];
			}
			t->v[i] = t->v[last];
			return;
		}
}

CK_ULONG
get_bytes(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, void *p, size_t cap)
{
	CK_ATTRIBUTE a = { type, p, cap };
	CK_RV rv = p11->C_GetAttributeValue(hs, o, &a, 1);

	ck_assert_msg(rv == CKR_OK, "attribute 0x%lx: %s", type, p11_name(rv));
	ck_assert_uint_le(a.ulValueLen, cap);
	return a.ulValueLen;
}

bool
get_bool(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL b = 7;

	ck_assert_uint_eq(get_bytes(o, type, &b, sizeof(b)), sizeof(b));
	ck_assert_msg(b == CK_TRUE || b == CK_FALSE, "attribute 0x%lx is %u", type, b);
	return b == CK_TRUE;
}

CK_ULONG
get_ulong(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type)
{
	CK_ULONG u = 0;

	ck_assert_uint_eq(get_bytes(o, type, &u, sizeof(u)), sizeof(u));
	return u;
}

CK_RV
get_rv(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type)
{
	CK_BYTE room[4096];
	CK_ATTRIBUTE a = { type, room, sizeof(room) };
	CK_RV rv = p11->C_GetAttributeValue(hs, o, &a, 1);

	if (rv == CKR_ATTRIBUTE_SENSITIVE || rv == CKR_ATTRIBUTE_TYPE_INVALID)
		ck_assert_uint_eq(a.ulValueLen, CK_UNAVAILABLE_INFORMATION);
	return rv;
}

CK_RV
set_bytes(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, const void *p, size_t n)
{
	CK_ATTRIBUTE a = { type, (void *)(uintptr_t)p, n };

	return p11->C_SetAttributeValue(hs, o, &a, 1);
}

CK_RV
set_bool(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, bool value)
{
	CK_BBOOL b = value ? CK_TRUE : CK_FALSE;

	return set_bytes(o, type, &b, sizeof(b));
}

CK_RV
set_ulong(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
	return set_bytes(o, type, &value, sizeof(value));
}

CK_ULONG
find_all(CK_SESSION_HANDLE s, struct tmpl *t, CK_OBJECT_HANDLE *ret)
{
	CK_OBJECT_HANDLE some[16];
	CK_ULONG n, total = 0;

	CHECK_OK(p11->C_FindObjectsInit(s, t->v, t->n));
	do {
		CHECK_OK(p11->C_FindObjects(s, some, N(some), &n));
		if (total == 0 && n > 0 && ret != NULL)
			*ret = some[0];
		total += n;
	} while (n > 0);
	CHECK_OK(p11->C_FindObjectsFinal(s));
	return total;
}

CK_ULONG
find_label(CK_SESSION_HANDLE s, const char *label)
{
	struct tmpl t = { .n = 0 };

	t_text(&t, CKA_LABEL, label);
	return find_all(s, &t, NULL);
}

/* -- keys ---------------------------------------------------------------------------------- */

static void
t_open_key(struct tmpl *t, CK_OBJECT_CLASS class, CK_KEY_TYPE type)
{
	t_ulong(t, CKA_CLASS, class);
	t_ulong(t, CKA_KEY_TYPE, type);
	t_bool(t, CKA_TOKEN, p11_hsm() != NULL);
	t_bool(t, CKA_PRIVATE, false);
}

void
t_secret(struct tmpl *t, CK_KEY_TYPE type)
{
	t_open_key(t, CKO_SECRET_KEY, type);
	t_bool(t, CKA_SENSITIVE, false);
	t_bool(t, CKA_EXTRACTABLE, true);
	t_bool(t, CKA_SIGN, true);
	t_bool(t, CKA_VERIFY, true);
	t_bool(t, CKA_DERIVE, true);
	if (type == CKK_GENERIC_SECRET)
		return;
	t_bool(t, CKA_ENCRYPT, true);
	t_bool(t, CKA_DECRYPT, true);
	t_bool(t, CKA_WRAP, true);
	t_bool(t, CKA_UNWRAP, true);
}

void
t_public(struct tmpl *t, CK_KEY_TYPE type)
{
	t_open_key(t, CKO_PUBLIC_KEY, type);
	t_bool(t, CKA_VERIFY, true);
	if (type != CKK_RSA && type != CKK_KMS_SM2)
		return;
	t_bool(t, CKA_ENCRYPT, true);
	t_bool(t, CKA_WRAP, true);
}

void
t_private(struct tmpl *t, CK_KEY_TYPE type)
{
	t_open_key(t, CKO_PRIVATE_KEY, type);
	t_bool(t, CKA_SENSITIVE, false);
	t_bool(t, CKA_EXTRACTABLE, true);
	t_bool(t, CKA_SIGN, true);
	if (type == CKK_EC)
		t_bool(t, CKA_DERIVE, true);
	if (type != CKK_RSA && type != CKK_KMS_SM2)
		return;
	t_bool(t, CKA_DECRYPT, true);
	t_bool(t, CKA_UNWRAP, true);
}

static void
as_token_object(struct tmpl *t)
{
	t_set_bool(t, CKA_TOKEN, true);
	t_set_bool(t, CKA_PRIVATE, true);
	t_set_bool(t, CKA_SENSITIVE, true);
}

CK_RV
generate_secret(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE m, struct tmpl *t, CK_OBJECT_HANDLE *ret)
{
	CK_MECHANISM mech = { m, NULL, 0 };

	return p11->C_GenerateKey(s, &mech, t->v, t->n, ret);
}

CK_RV
create(CK_SESSION_HANDLE s, struct tmpl *t, CK_OBJECT_HANDLE *ret)
{
	return p11->C_CreateObject(s, t->v, t->n, ret);
}

CK_OBJECT_HANDLE
make_aes(CK_SESSION_HANDLE s, bool token, const char *label)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;

	t_secret(&t, CKK_AES);
	t_ulong(&t, CKA_VALUE_LEN, 32);
	t_text(&t, CKA_LABEL, label);
	if (token)
		as_token_object(&t);
	CHECK_OK(generate_secret(s, CKM_AES_KEY_GEN, &t, &key));
	return key;
}

CK_OBJECT_HANDLE
import_secret(CK_SESSION_HANDLE s, CK_KEY_TYPE type, const void *value, size_t len)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;

	t_secret(&t, type);
	t_bytes(&t, CKA_VALUE, value, len);
	CHECK_OK(create(s, &t, &key));
	return key;
}

void
make_ec(CK_SESSION_HANDLE s, bool token, const char *label, CK_OBJECT_HANDLE *pub,
    CK_OBJECT_HANDLE *priv)
{
	CK_MECHANISM mech = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	struct tmpl a = { .n = 0 }, b = { .n = 0 };

	t_public(&a, CKK_EC);
	t_private(&b, CKK_EC);
	t_bytes(&a, CKA_EC_PARAMS, ec_p256, sizeof(ec_p256));
	t_text(&a, CKA_LABEL, label);
	t_text(&b, CKA_LABEL, label);
	t_text(&a, CKA_ID, label);
	t_text(&b, CKA_ID, label);
	if (token) {
		t_set_bool(&a, CKA_TOKEN, true);
		as_token_object(&b);
	}
	CHECK_OK(p11->C_GenerateKeyPair(s, &mech, a.v, a.n, b.v, b.n, pub, priv));
}

CK_RV
use_aes(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM mech = { CKM_AES_ECB, NULL, 0 };
	CK_BYTE in[16] = { 0 }, out[16];
	CK_ULONG n = sizeof(out);
	CK_RV rv = p11->C_EncryptInit(s, &mech, key);

	return rv != CKR_OK ? rv : p11->C_Encrypt(s, in, sizeof(in), out, &n);
}

CK_RV
use_ec(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM mech = { CKM_ECDSA, NULL, 0 };
	CK_BYTE in[32] = { 1 }, out[64];
	CK_ULONG n = sizeof(out);
	CK_RV rv = p11->C_SignInit(s, &mech, key);

	return rv != CKR_OK ? rv : p11->C_Sign(s, in, sizeof(in), out, &n);
}
