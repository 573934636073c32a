/* SPDX-License-Identifier: Apache-2.0 */
/* One good call of each function that does something; see bad.h. */
#include "tests/p11/bad.h"

#define ADDRESS(a) (const CK_BYTE *)(a), sizeof(a)

static CK_BYTE iv[16];
static CK_ECDH1_DERIVE_PARAMS ecdh_params;
static CK_ULONG mac_len = 32;

static const CK_MECHANISM cbc = { CKM_AES_CBC, iv, sizeof(iv) };
static const CK_MECHANISM pad = { CKM_AES_CBC_PAD, iv, sizeof(iv) };
static const CK_MECHANISM sha = { CKM_SHA256, NULL, 0 };
static const CK_MECHANISM hmac = { CKM_SHA256_HMAC_GENERAL, &mac_len, sizeof(mac_len) };
static const CK_MECHANISM aes_gen = { CKM_AES_KEY_GEN, NULL, 0 };
static const CK_MECHANISM ec_gen = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
static const CK_MECHANISM kw = { CKM_AES_KEY_WRAP, NULL, 0 };
static const CK_MECHANISM ecdh = { CKM_ECDH1_DERIVE, &ecdh_params, sizeof(ecdh_params) };

/* -- templates ------------------------------------------------------------------------------ */

static void
t_object(struct tmpl *t)
{
	t_ulong(t, CKA_CLASS, CKO_DATA);
	t_bool(t, CKA_TOKEN, false);
	t_bool(t, CKA_PRIVATE, false);
	t_text(t, CKA_LABEL, "made");
	t_text(t, CKA_VALUE, "a value");
}

static void
t_label(struct tmpl *t)
{
	t_text(t, CKA_LABEL, "another");
}

static void
t_asked(struct tmpl *t)
{
	static CK_BYTE value[32];
	static CK_ATTRIBUTE inner = { 0, value, 16 };

	t_bytes(t, CKA_CLASS, value, 8);
	t_bytes(t, CKA_TOKEN, value, 1);
	t_bytes(t, CKA_VALUE, value, 32);
	t_bytes(t, CKA_WRAP_TEMPLATE, &inner, sizeof(inner));
	t_bytes(t, CKA_LABEL, NULL, 0);
}

static void
t_find(struct tmpl *t)
{
	t_text(t, CKA_LABEL, "world");
	t_ulong(t, CKA_CLASS, CKO_DATA);
}

static void
t_gen(struct tmpl *t)
{
	t_secret(t, CKK_AES);
	t_ulong(t, CKA_VALUE_LEN, 16);
}

static void
t_pub(struct tmpl *t)
{
	t_public(t, CKK_EC);
	t_bytes(t, CKA_EC_PARAMS, ec_p256, sizeof(ec_p256));
}

static void
t_priv(struct tmpl *t)
{
	t_private(t, CKK_EC);
}

static void
t_unwrapped(struct tmpl *t)
{
	t_secret(t, CKK_AES);
}

static void
t_derived(struct tmpl *t)
{
	t_secret(t, CKK_AES);
	t_ulong(t, CKA_VALUE_LEN, 16);
}

/* -- what a call goes on with --------------------------------------------------------------- */

static CK_MECHANISM *
copy_of(const CK_MECHANISM *m)
{
	static CK_MECHANISM copy;

	copy = *m;
	return &copy;
}

static void
begin_encrypt(void)
{
	CHECK_OK(p11->C_EncryptInit(hs, copy_of(&pad), w.aes));
}

static void
begin_decrypt(void)
{
	CHECK_OK(p11->C_DecryptInit(hs, copy_of(&pad), w.aes));
}

static void
begin_digest(void)
{
	CHECK_OK(p11->C_DigestInit(hs, copy_of(&sha)));
}

static void
begin_sign(void)
{
	CHECK_OK(p11->C_SignInit(hs, copy_of(&hmac), w.hmac));
}

static void
begin_verify(void)
{
	CHECK_OK(p11->C_VerifyInit(hs, copy_of(&hmac), w.hmac));
}

static void
feed_encrypt(void)
{
	CK_BYTE out[32];
	CK_ULONG n = sizeof(out);

	begin_encrypt();
	CHECK_OK(p11->C_EncryptUpdate(hs, w.plain, sizeof(w.plain), out, &n));
}

static void
feed_decrypt(void)
{
	CK_BYTE out[32];
	CK_ULONG n = sizeof(out);

	begin_decrypt();
	CHECK_OK(p11->C_DecryptUpdate(hs, w.padded, sizeof(w.padded), out, &n));
}

static void
feed_digest(void)
{
	begin_digest();
	CHECK_OK(p11->C_DigestUpdate(hs, BYTES("abc")));
}

static void
feed_sign(void)
{
	begin_sign();
	CHECK_OK(p11->C_SignUpdate(hs, BYTES("abc")));
}

static void
feed_verify(void)
{
	begin_verify();
	CHECK_OK(p11->C_VerifyUpdate(hs, BYTES("abc")));
}

static void
begin_find(void)
{
	struct tmpl t = { .n = 0 };

	t_find(&t);
	CHECK_OK(p11->C_FindObjectsInit(hs, t.v, t.n));
}

/* -- what a call needs to succeed ----------------------------------------------------------- */

static void
without_sessions(void)
{
	CHECK_OK(p11->C_CloseAllSessions(p11_slot));
}

static void
without_login(void)
{
	CHECK_OK(p11->C_Logout(w.keep));
}

static void
as_so(void)
{
	without_login();
	CHECK_OK(p11_try_login(w.keep, CKU_SO, SO_PIN));
}

/* -- the calls ------------------------------------------------------------------------------ */

#define TEXT(s) (s), sizeof(s) - 1
#define PART(k) .kind = (k), .ends = true

const struct good goods[] = {
	{ "C_GetInfo", .out = sizeof(CK_INFO) },
	{ .name = "C_GetFunctionList" },
	{ "C_GetSlotList", .out = 4 },
	{ "C_GetSlotInfo", .out = sizeof(CK_SLOT_INFO) },
	{ "C_GetTokenInfo", .out = sizeof(CK_TOKEN_INFO) },
	{ "C_GetMechanismList", .out = 100 },
	{ "C_GetMechanismInfo", .out = sizeof(CK_MECHANISM_INFO) },
	{ "C_InitPIN", .again = true, .alone = as_so, .in = { { TEXT(USER_PIN) } } },
	{ "C_SetPIN", .in = { { TEXT(USER_PIN) }, { TEXT(USER_PIN) } } },
	{ "C_OpenSession", .again = true, .flags = CKF_SERIAL_SESSION | CKF_RW_SESSION },
	{ "C_CloseSession", .again = true },
	{ "C_CloseAllSessions", .again = true },
	{ "C_GetSessionInfo", .out = sizeof(CK_SESSION_INFO) },
	{ "C_Login", .again = true, .alone = without_login, .in = { { TEXT(USER_PIN) } } },
	{ "C_Logout", .again = true },
	{ "C_CreateObject", .templ = { t_object } },
	{ "C_CopyObject", .key = { &w.data }, .templ = { t_label } },
	{ "C_DestroyObject", .again = true, .key = { &w.data } },
	{ "C_GetObjectSize", .key = { &w.data } },
	{ "C_GetAttributeValue", .key = { &w.aes }, .templ = { t_asked } },
	{ "C_SetAttributeValue", .again = true, .key = { &w.data }, .templ = { t_label } },
	{ "C_FindObjectsInit", .kind = K_FIND, .templ = { t_find } },
	{ "C_FindObjects", .kind = K_FIND, .before = begin_find, .out = 2 },
	{ "C_FindObjectsFinal", .kind = K_FIND, .before = begin_find },
	{ "C_EncryptInit", .kind = K_ENCRYPT, .mech = &cbc, .key = { &w.aes } },
	{ "C_Encrypt", PART(K_ENCRYPT), .before = begin_encrypt, .in = { { ADDRESS(w.plain) } },
	    .out = 32 },
	{ "C_EncryptUpdate", PART(K_ENCRYPT), .before = begin_encrypt,
	    .in = { { ADDRESS(w.plain) } }, .out = 16 },
	{ "C_EncryptFinal", PART(K_ENCRYPT), .before = feed_encrypt, .out = 16 },
	{ "C_DecryptInit", .kind = K_DECRYPT, .mech = &cbc, .key = { &w.aes } },
	{ "C_Decrypt", PART(K_DECRYPT), .before = begin_decrypt, .in = { { ADDRESS(w.padded) } },
	    .out = 16 },
	{ "C_DecryptUpdate", PART(K_DECRYPT), .before = begin_decrypt,
	    .in = { { ADDRESS(w.padded) } }, .out = 16 },
	{ "C_DecryptFinal", PART(K_DECRYPT), .before = feed_decrypt, .out = 16 },
	{ "C_DigestInit", .kind = K_DIGEST, .mech = &sha },
	{ "C_Digest", PART(K_DIGEST), .before = begin_digest, .in = { { TEXT("abc") } },
	    .out = 32 },
	{ "C_DigestUpdate", PART(K_DIGEST), .before = begin_digest, .in = { { TEXT("abc") } } },
	{ "C_DigestFinal", PART(K_DIGEST), .before = feed_digest, .out = 32 },
	{ "C_SignInit", .kind = K_SIGN, .mech = &hmac, .key = { &w.hmac } },
	{ "C_Sign", PART(K_SIGN), .before = begin_sign, .in = { { TEXT("abc") } }, .out = 32 },
	{ "C_SignUpdate", PART(K_SIGN), .before = begin_sign, .in = { { TEXT("abc") } } },
	{ "C_SignFinal", PART(K_SIGN), .before = feed_sign, .out = 32 },
	{ "C_VerifyInit", .kind = K_VERIFY, .mech = &hmac, .key = { &w.hmac } },
	{ "C_Verify", PART(K_VERIFY), .before = begin_verify,
	    .in = { { TEXT("abc") }, { ADDRESS(w.mac) } } },
	{ "C_VerifyUpdate", PART(K_VERIFY), .before = begin_verify, .in = { { TEXT("abc") } } },
	{ "C_VerifyFinal", PART(K_VERIFY), .before = feed_verify, .in = { { ADDRESS(w.mac) } } },
	{ "C_GenerateKey", .mech = &aes_gen, .templ = { t_gen } },
	{ "C_GenerateKeyPair", .mech = &ec_gen, .templ = { t_pub, t_priv } },
	{ "C_WrapKey", .mech = &kw, .key = { &w.aes, &w.target }, .out = 24 },
	{ "C_UnwrapKey", .mech = &kw, .key = { &w.aes }, .in = { { ADDRESS(w.wrapped) } },
	    .templ = { t_unwrapped } },
	{ "C_DeriveKey", .mech = &ecdh, .key = { &w.ec_priv }, .templ = { t_derived } },
	{ "C_SeedRandom", .in = { { TEXT("seed") } } },
	{ "C_GenerateRandom", .in = { { NULL, 32 } } },
	{ "C_GetInterfaceList", .out = 2 },
	{ .name = "C_GetInterface" },
	{ "C_LoginUser", .again = true, .alone = without_login,
	    .in = { { TEXT(USER_PIN) }, { NULL, 0 } } },
	{ "C_SessionCancel", .flags = 0 },
	{ "C_InitToken", .again = true, .alone = without_sessions, .in = { { TEXT(SO_PIN) } } },
};
const size_t n_goods = N(goods);

const struct good *
good_of(const char *name)
{
	for (size_t i = 0; i < n_goods; i++)
		if (strcmp(goods[i].name, name) == 0)
			return &goods[i];
	ck_abort_msg("no good call of %s", name);
	return NULL;
}

size_t
arg_of(const struct call *c, enum role role, size_t n)
{
	for (size_t i = 0; i < c->n_args; i++)
		if (c->role[i] == role && n-- == 0)
			return i;
	ck_abort_msg("%s has no such argument", c->name);
	return 0;
}

/* How many arguments before the Ith have its role. */
static size_t
nth(const struct call *c, size_t i)
{
	size_t n = 0;

	for (size_t k = 0; k < i; k++)
		n += c->role[k] == c->role[i];
	return n;
}

static CK_ULONG
number(const struct good *g, const struct call *c, size_t i)
{
	struct tmpl t = { .n = 0 };

	switch ((int)c->role[i]) {
	case SESSION: return hs;
	case SLOT: return p11_slot;
	case OBJECT: return *g->key[nth(c, i)];
	case USER: return CKU_USER;
	case FLAG: return CK_TRUE;
	case FLAGS: return g->flags;
	case TYPE: return CKM_SHA256;
	case IN_LEN: return g->in[nth(c, i)].n;
	case COUNT: g->templ[nth(c, i)](&t); return t.n;
	case MAX: return g->out;
	default: ck_abort_msg("%s: argument %zu is no number", c->name, i); return 0;
	}
}

static void *
pointer(const struct good *g, const struct call *c, size_t i)
{
	static const CK_VERSION v3 = { 3, 0 };
	struct tmpl t = { .n = 0 };
	const struct bytes *in = &g->in[nth(c, i) % 2];

	switch ((int)c->role[i]) {
	case IN: return in->n == 0 ? NULL : yard_put(in->p, in->n);
	case RANDOM: return yard_put(NULL, g->in[0].n);
	case OUT:
	case INFO: return yard_put(NULL, g->out);
	case OUT_LEN:
	case LIST_LEN: return yard_ulong(g->out);
	case LIST: return yard_put(NULL, g->out * sizeof(CK_ULONG));
	case INTERFACES: return yard_put(NULL, g->out * sizeof(CK_INTERFACE));
	case HANDLE: return yard_put(NULL, sizeof(CK_ULONG));
	case POINTER: return yard_put(NULL, sizeof(void *));
	case TEMPLATE: g->templ[nth(c, i)](&t); return yard_template(&t);
	case MECHANISM: return yard_mechanism(g->mech);
	case LABEL: return yard_put("world                           ", 32);
	case IFACE_NAME: return yard_put("PKCS 11", 8);
	case IFACE_VERSION: return yard_put(&v3, sizeof(v3));
	default: return NULL;
	}
}

const struct call *
good_args(const struct good *g, union word *a)
{
	const struct call *c = call_of(g->name);

	ecdh_params = (CK_ECDH1_DERIVE_PARAMS){
		.kdf = CKD_NULL, .ulPublicDataLen = w.point_len, .pPublicData = w.point
	};
	for (size_t i = 0; i < c->n_args; i++) {
		if (is_pointer(c->role[i]))
			a[i].p = pointer(g, c, i);
		else
			a[i].n = number(g, c, i);
	}
	return c;
}
