/* SPDX-License-Identifier: Apache-2.0 */
/* The token and sessions in which bad calls are made, and what must be the same after them; see
 * bad.h. */
#include "tests/p11/bad.h"
#include "tests/p11/matrix.h"

struct world w;

static const CK_BYTE sha256_abc[32] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41,
	0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4,
	0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };

static CK_MECHANISM sha = { CKM_SHA256, NULL, 0 };
static CK_MECHANISM hmac = { CKM_SHA256_HMAC, NULL, 0 };
static CK_MECHANISM ecdsa = { CKM_ECDSA_SHA256, NULL, 0 };

/* -- making it ------------------------------------------------------------------------------ */

static CK_OBJECT_HANDLE
make_data(const char *label)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_bool(&t, CKA_TOKEN, false);
	t_bool(&t, CKA_PRIVATE, false);
	t_text(&t, CKA_LABEL, label);
	t_text(&t, CKA_VALUE, "value");
	CHECK_OK(create(w.keep, &t, &o));
	return o;
}

static CK_OBJECT_HANDLE
make_world_aes(void)
{
	static CK_BBOOL yes = CK_TRUE;
	static CK_ATTRIBUTE demanded = { CKA_EXTRACTABLE, &yes, sizeof(yes) };
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_secret(&t, CKK_AES);
	t_bytes(&t, CKA_VALUE, secret_value, 32);
	t_bytes(&t, CKA_WRAP_TEMPLATE, &demanded, sizeof(demanded));
	CHECK_OK(create(w.keep, &t, &o));
	return o;
}

/* The token's own pair: nobody may change or destroy it. */
static void
make_known(void)
{
	CK_MECHANISM pair = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	struct tmpl a = { .n = 0 }, b = { .n = 0 };

	t_public(&a, CKK_EC);
	t_private(&b, CKK_EC);
	t_bytes(&a, CKA_EC_PARAMS, ec_p256, sizeof(ec_p256));
	t_set_bool(&a, CKA_TOKEN, true);
	t_set_bool(&b, CKA_TOKEN, true);
	t_set_bool(&b, CKA_PRIVATE, true);
	for (int i = 0; i < 2; i++) {
		struct tmpl *t = i == 0 ? &a : &b;

		t_text(t, CKA_LABEL, "known");
		t_bool(t, CKA_MODIFIABLE, false);
		t_bool(t, CKA_DESTROYABLE, false);
	}
	CHECK_OK(p11->C_GenerateKeyPair(w.keep, &pair, a.v, a.n, b.v, b.n, &w.known_pub, &w.known));
}

static void
find_known(void)
{
	struct tmpl t = { .n = 0 };

	t_text(&t, CKA_LABEL, "known");
	t_ulong(&t, CKA_CLASS, CKO_PUBLIC_KEY);
	ck_assert_uint_eq(find_all(w.keep, &t, &w.known_pub), 1);
	*(CK_ULONG *)t.v[1].pValue = CKO_PRIVATE_KEY;
	ck_assert_uint_eq(find_all(w.keep, &t, &w.known), 1);
	t.n = 0;
	t_text(&t, CKA_LABEL, "token aes");
	if (find_all(w.keep, &t, &w.token_aes) == 0)
		w.token_aes = make_aes(w.keep, true, "token aes");
}

/* What good calls are given to decrypt, to verify and to unwrap. */
static void
make_inputs(void)
{
	static CK_BYTE iv[16];
	CK_MECHANISM cbc = { CKM_AES_CBC, iv, 16 }, pad = { CKM_AES_CBC_PAD, iv, 16 };
	CK_MECHANISM kw = { CKM_AES_KEY_WRAP, NULL, 0 };
	CK_ULONG n = sizeof(w.sealed);

	CHECK_OK(p11->C_EncryptInit(hs, &cbc, w.aes));
	CHECK_OK(p11->C_Encrypt(hs, w.plain, sizeof(w.plain), w.sealed, &n));
	n = sizeof(w.padded);
	CHECK_OK(p11->C_EncryptInit(hs, &pad, w.aes));
	CHECK_OK(p11->C_Encrypt(hs, w.plain, sizeof(w.plain), w.padded, &n));
	ck_assert_uint_eq(n, sizeof(w.padded));
	n = sizeof(w.mac);
	CHECK_OK(p11->C_SignInit(hs, &hmac, w.hmac));
	CHECK_OK(p11->C_Sign(hs, BYTES("abc"), w.mac, &n));
	n = sizeof(w.wrapped);
	CHECK_OK(p11->C_WrapKey(hs, &kw, w.aes, w.target, w.wrapped, &n));
	ck_assert_uint_eq(n, sizeof(w.wrapped));
	w.point_len = get_bytes(w.ec_pub, CKA_EC_POINT, w.point, sizeof(w.point));
}

void
world_again(void)
{
	CK_RV rv;

	(void)p11->C_CloseAllSessions(p11_slot);
	w.stale = p11_open(true);
	CHECK_OK(p11->C_CloseSession(w.stale));
	w.keep = p11_open(true);
	w.other = p11_open(true);
	hs = p11_open(true);
	rv = p11_try_login(w.keep, CKU_USER, USER_PIN);
	if (rv == CKR_USER_ANOTHER_ALREADY_LOGGED_IN)
		CHECK_OK(p11->C_Logout(w.keep));
	if (rv != CKR_USER_ALREADY_LOGGED_IN && rv != CKR_OK)
		CHECK_OK(p11_try_login(w.keep, CKU_USER, USER_PIN));
	find_known();
	w.aes = make_world_aes();
	w.hmac = import_secret(w.keep, CKK_GENERIC_SECRET, secret_value, 32);
	w.target = import_secret(w.keep, CKK_AES, secret_value, 16);
	w.data = make_data("world");
	w.gone = make_data("gone");
	CHECK_OK(p11->C_DestroyObject(w.keep, w.gone));
	/* these are made in hs */
	hs = w.keep;
	w.ec_pub = import_public(CKK_EC, true);
	w.ec_priv = import_private(CKK_EC, true);
	w.rsa_pub = import_public(CKK_RSA, true);
	w.rsa_priv = import_private(CKK_RSA, true);
	hs = p11_open(true);
	make_inputs();
}

/* For all cases of the suite. */
static void
make_keys(void)
{
	static bool made;

	if (!made)
		matrix_keys();
	made = true;
}

static void
setup(void)
{
	p11_setup_user();
	w.keep = hs;
	make_known();
	world_again();
}

void
world_fixture(TCase *t)
{
	tcase_add_unchecked_fixture(t, make_keys, NULL);
	tcase_add_checked_fixture(t, setup, p11_teardown);
}

void
world_signs(void)
{
	CK_BYTE sig[64];
	CK_ULONG n = sizeof(sig);

	find_known(); /* a logout and a login ago it had another handle */
	CHECK_OK(p11->C_SignInit(w.keep, &ecdsa, w.known));
	CHECK_OK(p11->C_Sign(w.keep, BYTES("abc"), sig, &n));
	CHECK_OK(p11->C_VerifyInit(w.keep, &ecdsa, w.known_pub));
	CHECK_OK(p11->C_Verify(w.keep, BYTES("abc"), sig, n));
}

/* -- what must be the same ------------------------------------------------------------------ */

void
snapshot_take(struct snapshot *s)
{
	CK_ULONG n;

	/* compared as bytes, holes and all */
	memset(s, 0, sizeof(*s));
	CHECK_OK(p11->C_GetSessionInfo(hs, &s->work));
	CHECK_OK(p11->C_GetSessionInfo(w.other, &s->other));
	CHECK_OK(p11->C_GetSessionInfo(w.keep, &s->keep));
	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &s->token));
	CHECK_OK(p11->C_FindObjectsInit(w.other, NULL, 0));
	do {
		CHECK_OK(p11->C_FindObjects(w.other, s->objects + s->n_objects,
		    N(s->objects) - s->n_objects, &n));
		s->n_objects += n;
	} while (n > 0);
	CHECK_OK(p11->C_FindObjectsFinal(w.other));
	ck_assert_uint_lt(s->n_objects, N(s->objects));
}

void
snapshot_same(const struct snapshot *before, const char *what)
{
	struct snapshot now;

	snapshot_take(&now);
	ck_assert_msg(now.n_objects == before->n_objects, "%s: %lu objects, then %lu", what,
	    before->n_objects, now.n_objects);
	ck_assert_msg(memcmp(&now.token, &before->token, sizeof(now.token)) == 0,
	    "%s changes the token", what);
	ck_assert_msg(memcmp(&now, before, sizeof(now)) == 0, "%s changes sessions or objects",
	    what);
}

void
idle(void)
{
	/* refused when there is nothing to cancel */
	CHECK_IN(p11->C_EncryptInit(hs, NULL, 0), CKR_OK, CKR_ARGUMENTS_BAD);
	CHECK_IN(p11->C_DecryptInit(hs, NULL, 0), CKR_OK, CKR_ARGUMENTS_BAD);
	CHECK_IN(p11->C_DigestInit(hs, NULL), CKR_OK, CKR_ARGUMENTS_BAD);
	CHECK_IN(p11->C_SignInit(hs, NULL, 0), CKR_OK, CKR_ARGUMENTS_BAD);
	CHECK_IN(p11->C_VerifyInit(hs, NULL, 0), CKR_OK, CKR_ARGUMENTS_BAD);
	CHECK_IN(p11->C_FindObjectsFinal(hs), CKR_OK, CKR_OPERATION_NOT_INITIALIZED);
}

void
survivors_begin(enum kind kind)
{
	struct tmpl t = { .n = 0 };

	idle();
	CHECK_IN(p11->C_DigestInit(w.other, NULL), CKR_OK, CKR_ARGUMENTS_BAD);
	CHECK_OK(p11->C_DigestInit(w.other, &sha));
	CHECK_OK(p11->C_DigestUpdate(w.other, BYTES("ab")));
	if (kind != K_DIGEST) {
		CHECK_OK(p11->C_DigestInit(hs, &sha));
		CHECK_OK(p11->C_DigestUpdate(hs, BYTES("ab")));
	}
	if (kind != K_SIGN) {
		CHECK_OK(p11->C_SignInit(hs, &hmac, w.hmac));
		CHECK_OK(p11->C_SignUpdate(hs, BYTES("ab")));
	}
	if (kind != K_FIND) {
		t_text(&t, CKA_LABEL, "world");
		CHECK_OK(p11->C_FindObjectsInit(hs, t.v, t.n));
	}
}

static void
check_digest(CK_SESSION_HANDLE s, const char *what)
{
	CK_BYTE out[32];
	CK_ULONG n = sizeof(out);

	CHECK_OK(p11->C_DigestUpdate(s, BYTES("c")));
	CHECK_OK(p11->C_DigestFinal(s, out, &n));
	ck_assert_msg(n == 32 && memcmp(out, sha256_abc, n) == 0, "%s changes a digest", what);
}

void
survivors_end(enum kind kind, const char *what)
{
	CK_OBJECT_HANDLE found[2];
	CK_BYTE out[32];
	CK_ULONG n = sizeof(out);

	check_digest(w.other, what);
	if (kind != K_DIGEST)
		check_digest(hs, what);
	if (kind != K_SIGN) {
		CHECK_OK(p11->C_SignUpdate(hs, BYTES("c")));
		CHECK_OK(p11->C_SignFinal(hs, out, &n));
		ck_assert_msg(n == 32 && memcmp(out, w.mac, n) == 0, "%s changes a MAC", what);
	}
	if (kind != K_FIND) {
		CHECK_OK(p11->C_FindObjects(hs, found, N(found), &n));
		ck_assert_msg(n == 1 && found[0] == w.data, "%s changes a find", what);
		CHECK_OK(p11->C_FindObjectsFinal(hs));
	}
}
