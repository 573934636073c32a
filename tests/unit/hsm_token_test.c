/* SPDX-License-Identifier: Apache-2.0 */
/* The token driver in health: keys in an HSM are made, used as libcrypto would use them, adopted,
 * imported and destroyed, and never come out. */
#define _GNU_SOURCE 1
#include "tests/unit/hsm_fixture.h"

#include "kms/local.h"
#include "tests/unit/crypto_keys.h"

/* -- keys ---------------------------------------------------------------------------------- */

static const struct key_spec *const specs[] = { &rsa_spec, &p256_spec, &ed_spec, &aes_spec,
	&mac_spec };

START_TEST(a_generated_key_is_in_the_hsm_and_its_record_opens_with_its_type_alone)
{
	struct hsm *h = open_hsm();
	struct made m = make_key(h, specs[_i]);
	struct call c = { 0 };
	struct hsm_key *k = NULL;

	ck_assert_uint_eq(keys_in_hsm(h), 1);
	ck_assert_uint_lt(m.material.len, 64);
	for (size_t i = 0; i < ARRAY_LEN(specs); i++)
		if (i != (size_t)_i)
			CHECK_RC(h->ops->key_open(h, &c, specs[i], secret_slice(&m.material), &k),
			    KMS_TAMPERED);
	ck_assert_ptr_null(k);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(keys_are_sensitive_never_come_out_and_may_what_their_object_may)
{
	struct hsm *h = open_hsm();
	struct made m = make_key_for(h, &aes_spec, FLAG_ENCRYPT);
	auto_hsm_found l = { 0 };
	auto_secret out = { 0 };
	struct call c = { 0 };

	CHECK_RC(h->ops->list(h, &c, &l), KMS_OK);
	ck_assert_uint_eq(l.n, 1);
	ck_assert_uint_eq(l.v[0].o.flags &
		(ALL_USES | FLAG_EXTRACTABLE | FLAG_NEVER_EXTRACTABLE | FLAG_ALWAYS_SENSITIVE),
	    FLAG_ENCRYPT | FLAG_NEVER_EXTRACTABLE | FLAG_ALWAYS_SENSITIVE);
	ck_assert_uint_eq(l.v[0].o.app_id.len, 16);
	CHECK_RC(h->ops->export_material(h, &c, &m.spec, secret_slice(&m.material), &out),
	    KMS_DENIED);
	ck_assert(h->ops->caps(h)->inside);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(records_that_are_none_are_refused)
{
	struct hsm *h = open_hsm();
	struct made m = make_key(h, &p256_spec);
	struct call c = { 0 };
	struct hsm_key *k = NULL;
	struct slice r = secret_slice(&m.material);
	uint8_t copy[128];

	ck_assert_uint_lt(r.len, sizeof(copy));
	for (size_t n = 0; n < r.len; n++)
		CHECK_RC(h->ops->key_open(h, &c, &p256_spec, guarded(slice_of(r.p, n)), &k),
		    KMS_TAMPERED);
	memcpy(copy, r.p, r.len);
	for (size_t i = 0; i < r.len - TOK_ID; i++) {
		copy[i] ^= 0x40;
		ck_assert_int_ne(h->ops->key_open(h, &c, &p256_spec, slice_of(copy, r.len), &k),
		    KMS_OK);
		copy[i] ^= 0x40;
	}
	CHECK_RC(h->ops->key_open(h, &c, &p256_spec, hex(P256_Q), &k), KMS_TAMPERED);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(another_key_with_the_id_is_not_taken_for_it)
{
	struct hsm *h = open_hsm();
	struct made m = make_key(h, &p256_spec);
	uint8_t *id = m.material.p + m.material.len - TOK_ID;

	id[0] ^= 1;
	made_free(&(struct made){ .h = h, .k = m.k });
	m.k = NULL;
	CHECK_RC(open_key(&m), KMS_UNAVAILABLE);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(a_key_goes_with_its_object_both_halves)
{
	struct hsm *h = open_hsm();
	struct made m = make_key(h, specs[_i]), other = make_key(h, &p256_spec);
	struct call c = { 0 };

	CHECK_RC(h->ops->destroy(h, &c, &m.spec, secret_slice(&m.material)), KMS_OK);
	ck_assert_uint_eq(keys_in_hsm(h), 1);
	CHECK_RC(sign_hash(&other), KMS_OK);
	/* What is not there any more may be destroyed again. */
	CHECK_RC(h->ops->destroy(h, &c, &m.spec, secret_slice(&m.material)), KMS_OK);
	made_free(&m);
	made_free(&other);
	h->ops->close(h);
}
END_TEST

START_TEST(a_copy_is_a_key_of_its_own)
{
	struct hsm *h = open_hsm();
	struct made m = make_key(h, &aes_spec), copy = { .h = h, .spec = aes_spec };
	struct object o = { .spec = aes_spec, .flags = ALL_USES };
	struct alg_params p = { .alg = ALG_AES_ECB };
	struct call c = { 0 };
	uint8_t a[16], b[16];
	size_t len;

	CHECK_RC(h->ops->copy(h, &c, &o, secret_slice(&m.material), &copy.material), KMS_OK);
	ck_assert(!h->ops->same(secret_slice(&m.material), secret_slice(&copy.material)));
	CHECK_RC(use_key(&m, USE_ENCRYPT, &p, BYTES("sixteen bytes !!"), a, sizeof(a), &len),
	    KMS_OK);
	CHECK_RC(h->ops->destroy(h, &c, &m.spec, secret_slice(&m.material)), KMS_OK);
	CHECK_RC(open_key(&copy), KMS_OK);
	CHECK_RC(use_key(&copy, USE_ENCRYPT, &p, BYTES("sixteen bytes !!"), b, sizeof(b), &len),
	    KMS_OK);
	ck_assert_mem_eq(a, b, sizeof(a));
	made_free(&m);
	made_free(&copy);
	h->ops->close(h);
}
END_TEST

/* -- import -------------------------------------------------------------------------------- */

static void
import_and_use(struct hsm *h, struct ckey *k)
{
	struct made m = { .h = h, .spec = ckey_spec(k) };
	struct object o = { .spec = m.spec, .flags = ALL_USES };
	struct call c = { 0 };
	bool mac = m.spec.type == KEY_GENERIC, aes = m.spec.type == KEY_AES;
	struct alg_params p = { .alg = m.spec.type == KEY_RSA ? ALG_RSA_PKCS1
		    : m.spec.type == KEY_EC		      ? ALG_ECDSA
		    : mac				      ? ALG_HMAC
		    : aes				      ? ALG_AES_CMAC
							      : ALG_EDDSA,
		.digest = aes || m.spec.type == KEY_EDWARDS ? DIGEST_NONE : DIGEST_SHA256 };
	auto_secret pkcs8 = { 0 };
	uint8_t sig[256], here[256];
	size_t len;
	struct use *u = NULL;
	struct outbuf out = { .p = here, .cap = sizeof(here) };
	enum kms_rc rc;

	if (!mac && !aes)
		CHECK_RC(ckey_pkcs8(k, &pkcs8), KMS_OK);
	else
		p.u.mac.len = aes ? 16 : 32;
	rc = h->ops->import(h, &c, &o, mac || aes ? ckey_secret(k) : secret_slice(&pkcs8),
	    &m.material, &m.spki);
	ck_assert_msg(rc == KMS_OK, "%s: %s", rc_name(rc), c.err.text);
	CHECK_RC(open_key(&m), KMS_OK);
	CHECK_RC(use_key(&m, USE_SIGN, &p, BYTES("message"), sig, sizeof(sig), &len), KMS_OK);
	if (mac || aes) {
		CHECK_RC(crypto_begin(k, USE_SIGN, &p, &u), KMS_OK);
		CHECK_RC(use_once(u, BYTES("message"), &out, NULL), KMS_OK);
		CHECK_BYTES(slice_of(sig, len), slice_of(here, out.len));
		use_free(u);
	} else {
		CHECK_RC(check_here(&m, &p, BYTES("message"), slice_of(sig, len)), KMS_OK);
	}
	made_free(&m);
	ckey_unref(k);
}

static void
import_each(struct hsm *h)
{
	struct ckey *rsa = NULL;

	CHECK_RC(ckey_generate(&rsa_spec, NONE, &rsa), KMS_OK);
	import_and_use(h, rsa);
	import_and_use(h, ec_key(CURVE_P256));
	import_and_use(h, ec_key(CURVE_ED25519));
	import_and_use(h, secret_key(KEY_AES, 32));
	import_and_use(h, secret_key(KEY_GENERIC, 37));
}

START_TEST(keys_from_outside_become_objects)
{
	struct hsm *h = open_hsm();

	import_each(h);
	ck_assert_uint_eq(fake->creates, 8); /* three pairs, two secrets */
	ck_assert_uint_eq(keys_in_hsm(h), 5);
	h->ops->close(h);
}
END_TEST

START_TEST(where_objects_cannot_be_created_keys_come_in_wrapped)
{
	struct hsm *h;

	fake->create_nothing = true;
	if (_i == 1) { /* other ways */
		fake->lacks[0] = CKM_RSA_PKCS_OAEP;
		answer("C_UnwrapKey", CKR_MECHANISM_INVALID, 0);
		fake->skip = 1;
		fake->times = 1;
	}
	h = open_hsm();
	import_each(h);
	ck_assert_uint_eq(keys_in_hsm(h), 5);
	h->ops->close(h);
}
END_TEST

START_TEST(an_hsm_that_takes_no_keys_says_so_and_keeps_nothing)
{
	struct object o = { .spec = p256_spec, .flags = ALL_USES };
	struct ckey *k = ec_key(CURVE_P256);
	auto_secret pkcs8 = { 0 }, material = { 0 };
	auto_buf spki = { 0 };
	struct call c = { 0 };
	struct hsm *h;

	fake->create_nothing = true;
	answer("C_UnwrapKey", CKR_FUNCTION_NOT_SUPPORTED, 0);
	h = open_hsm();
	CHECK_RC(ckey_pkcs8(k, &pkcs8), KMS_OK);
	CHECK_RC(h->ops->import(h, &c, &o, secret_slice(&pkcs8), &material, &spki), KMS_NOTSUP);
	ck_assert(c.err.text[0] != '\0');
	ck_assert_ptr_null(material.p);
	ck_assert_uint_eq(keys_in_hsm(h), 0);
	ckey_unref(k);
	h->ops->close(h);
}
END_TEST

START_TEST(imports_are_checked_against_their_spec_before_the_hsm_sees_them)
{
	struct hsm *h = open_hsm();
	struct object o = { .spec = rsa_spec, .flags = ALL_USES };
	auto_secret material = { 0 };
	auto_buf spki = { 0 };
	struct call c = { 0 };

	CHECK_RC(h->ops->import(h, &c, &o, hex(RSA_PKCS8), &material, &spki), KMS_BAD_DATA);
	o.spec = aes_spec;
	CHECK_RC(h->ops->import(h, &c, &o, BYTES("17 bytes, not 32!"), &material, &spki),
	    KMS_KEY_SIZE);
	ck_assert_uint_eq(fake->creates, 0);
	h->ops->close(h);
}
END_TEST

/* -- adoption ------------------------------------------------------------------------------ */

START_TEST(the_list_shows_keys_with_what_they_are_and_may)
{
	struct hsm *h = open_hsm();
	struct made m = make_key_for(h, specs[_i], FLAG_SIGN | FLAG_EXTRACTABLE);
	auto_hsm_found l = { 0 };

	CHECK_RC(h->ops->list(h, NULL, &l), KMS_OK);
	ck_assert_uint_eq(l.n, 1);
	ck_assert_ptr_null(l.v[0].refused);
	ck_assert_int_eq(l.v[0].o.spec.type, m.spec.type);
	ck_assert_int_eq(l.v[0].o.spec.curve, m.spec.curve);
	ck_assert_uint_eq(l.v[0].o.spec.bits, m.spec.bits);
	CHECK_BYTES(buf_slice(&l.v[0].o.body), buf_slice(&m.spki));
	CHECK_BYTES(buf_slice(&l.v[0].o.label), BYTES("kms-pkcs11"));
	ck_assert((l.v[0].o.flags & FLAG_EXTRACTABLE) != 0);
	ck_assert(h->ops->same(secret_slice(&m.material), secret_slice(&l.v[0].material)));
	made_free(&m);
	h->ops->close(h);
}
END_TEST

/* Straight into the HSM, behind the driver's back: another session, which the login is good for
 * too.
 */
static void
create_foreign(const CK_ATTRIBUTE *t, CK_ULONG n)
{
	CK_FUNCTION_LIST *f = fake_functions();
	CK_SESSION_HANDLE s;
	CK_OBJECT_HANDLE o;
	CK_SLOT_ID slot;
	CK_ULONG one = 1;

	ck_assert_uint_eq(f->C_GetSlotList(CK_TRUE, &slot, &one), CKR_OK);
	ck_assert_uint_eq(f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
			      &s),
	    CKR_OK);
	ck_assert_uint_eq(f->C_CreateObject(s, (CK_ATTRIBUTE *)(uintptr_t)t, n, &o), CKR_OK);
	ck_assert_uint_eq(f->C_CloseSession(s), CKR_OK);
}

static void
create_foreign_aes(const char *id)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_AES;
	CK_BBOOL yes = CK_TRUE;
	uint8_t value[32] = { 1, 2, 3 };
	CK_ATTRIBUTE t[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_VALUE, value, sizeof(value) },
		{ CKA_ENCRYPT, &yes, sizeof(yes) },
		{ CKA_ID, (char *)(uintptr_t)id, strlen(id) },
	};

	create_foreign(t, ARRAY_LEN(t));
}

START_TEST(keys_of_one_id_are_not_to_be_adopted)
{
	struct hsm *h = open_hsm();
	auto_hsm_found l = { 0 };

	ck_assert_uint_eq(keys_in_hsm(h), 0); /* logs in */
	create_foreign_aes("twin");
	create_foreign_aes("twin");
	create_foreign_aes("one");
	CHECK_RC(h->ops->list(h, NULL, &l), KMS_OK);
	ck_assert_uint_eq(l.n, 3);
	for (size_t i = 0; i < l.n; i++)
		ck_assert((l.v[i].refused != NULL) ==
		    slice_eq(buf_slice(&l.v[i].o.app_id), BYTES("twin")));
	h->ops->close(h);
}
END_TEST

START_TEST(an_adopted_key_works_and_stays_when_its_object_goes)
{
	struct hsm *h = open_hsm();
	struct made m = { .h = h, .spec = aes_spec };
	struct alg_params p = { .alg = ALG_AES_ECB };
	auto_hsm_found l = { 0 };
	uint8_t out[16];
	size_t len;

	ck_assert_uint_eq(keys_in_hsm(h), 0);
	create_foreign_aes("foreign");
	CHECK_RC(h->ops->list(h, NULL, &l), KMS_OK);
	ck_assert_uint_eq(l.n, 1);
	CHECK_RC(secret_copy(secret_slice(&l.v[0].material), &m.material), KMS_OK);
	CHECK_RC(open_key(&m), KMS_OK);
	CHECK_RC(use_key(&m, USE_ENCRYPT, &p, BYTES("sixteen bytes !!"), out, sizeof(out), &len),
	    KMS_OK);
	CHECK_RC(h->ops->destroy(h, NULL, &m.spec, secret_slice(&m.material)), KMS_OK);
	ck_assert_uint_eq(keys_in_hsm(h), 1);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

/* -- uses ---------------------------------------------------------------------------------- */

static const struct sign_row {
	const struct key_spec *spec;
	struct alg_params p;
	const char *in;
} signs[] = {
	{ &rsa_spec, { .alg = ALG_RSA_PKCS1, .digest = DIGEST_SHA1 }, "message" },
	{ &rsa_spec, { .alg = ALG_RSA_PKCS1, .digest = DIGEST_SHA224 }, "message" },
	{ &rsa_spec, { .alg = ALG_RSA_PKCS1, .digest = DIGEST_SHA256 }, "message" },
	{ &rsa_spec, { .alg = ALG_RSA_PKCS1, .digest = DIGEST_SHA384 }, "message" },
	{ &rsa_spec, { .alg = ALG_RSA_PKCS1, .digest = DIGEST_SHA512 }, "message" },
	{ &rsa_spec, { .alg = ALG_RSA_PKCS1 }, "as it is" },
	{ &rsa_spec, { .alg = ALG_RSA_RAW }, "short" },
	{ &rsa_spec,
	    { .alg = ALG_RSA_PSS,
		.digest = DIGEST_SHA256,
		.u.pss = { DIGEST_SHA256, DIGEST_SHA256, 32 } },
	    "message" },
	{ &rsa_spec, { .alg = ALG_RSA_PSS, .u.pss = { DIGEST_SHA256, DIGEST_SHA256, 20 } },
	    "thirty-two bytes, like a SHA-256" },
	{ &p256_spec, { .alg = ALG_ECDSA }, "thirty-two bytes, like a SHA-256" },
	{ &p256_spec, { .alg = ALG_ECDSA },
	    "sixty-four bytes, of which thirty-two are looked at by P-256 ..." },
	{ &p256_spec, { .alg = ALG_ECDSA, .digest = DIGEST_SHA512 }, "message" },
	{ &ed_spec, { .alg = ALG_EDDSA }, "message" },
	{ &ed_spec, { .alg = ALG_EDDSA }, "" },
};

START_TEST(signatures_are_right_in_one_piece_and_in_parts)
{
	const struct sign_row *r = &signs[_i];
	struct hsm *h = open_hsm();
	struct made m = make_key(h, r->spec);
	struct use *u = begin(&m, USE_SIGN, &r->p);
	struct slice in = slice_str(r->in);
	uint8_t sig[256];
	struct outbuf out = { .p = sig, .cap = use_bound(u, in.len, true) };
	size_t need = 0, half = in.len / 2;

	CHECK_RC(use_once(u, guarded(in), &out, &need), KMS_OK);
	ck_assert_uint_eq(out.len, out.cap);
	CHECK_RC(check_here(&m, &r->p, in, slice_of(sig, out.len)), KMS_OK);
	CHECK_RC(use_restart(u, &r->p), KMS_OK);
	if (u->multipart) {
		CHECK_RC(use_update(u, slice_of(in.p, half), NULL, NULL), KMS_OK);
		CHECK_RC(use_update(u, NONE, NULL, NULL), KMS_OK);
		CHECK_RC(use_update(u, slice_of(in.p + half, in.len - half), NULL, NULL), KMS_OK);
		CHECK_RC(use_final(u, &out, &need), KMS_OK);
		CHECK_RC(check_here(&m, &r->p, in, slice_of(sig, out.len)), KMS_OK);
	} else {
		CHECK_RC(use_update(u, in, NULL, NULL), KMS_NOTSUP);
	}
	use_free(u);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(without_the_mechanism_for_hashes_messages_go_to_the_hsm)
{
	const struct sign_row *r = &signs[_i];
	struct made m;
	struct hsm *h;
	struct use *u;
	uint8_t sig[256];
	struct outbuf out = { .p = sig, .cap = sizeof(sig) };
	size_t need;

	if (r->p.digest == DIGEST_NONE)
		return;
	fake->lacks[0] = CKM_RSA_PKCS;
	fake->lacks[1] = CKM_RSA_PKCS_PSS;
	fake->lacks[2] = CKM_ECDSA;
	h = open_hsm();
	ck_assert_uint_eq(h->ops->caps(h)->uses[r->p.alg][DIGEST_NONE] & CAN(USE_SIGN), 0);
	ck_assert_uint_ne(h->ops->caps(h)->uses[r->p.alg][r->p.digest] & CAN(USE_SIGN), 0);
	m = make_key(h, r->spec);
	count_calls("C_SignUpdate");
	u = begin(&m, USE_SIGN, &r->p);
	CHECK_RC(use_update(u, BYTES("mess"), NULL, NULL), KMS_OK);
	CHECK_RC(use_update(u, BYTES("age"), NULL, NULL), KMS_OK);
	CHECK_RC(use_final(u, &out, &need), KMS_OK);
	ck_assert_uint_eq(calls(), 2);
	CHECK_RC(check_here(&m, &r->p, BYTES("message"), slice_of(sig, out.len)), KMS_OK);
	CHECK_RC(use_restart(u, &r->p), KMS_OK);
	CHECK_RC(use_once(u, BYTES("message"), &out, &need), KMS_OK);
	CHECK_RC(check_here(&m, &r->p, BYTES("message"), slice_of(sig, out.len)), KMS_OK);
	use_free(u);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(what_the_hsm_lacks_is_not_offered)
{
	const struct key_caps *caps;
	struct made m;
	struct use *u = NULL;
	struct alg_params p = { .alg = ALG_EDDSA };
	struct hsm *h;

	fake->lacks[0] = CKM_EDDSA;
	fake->lacks[1] = CKM_AES_KEY_GEN;
	fake->lacks[2] = CKM_AES_GCM;
	h = open_hsm();
	caps = h->ops->caps(h);
	ck_assert_uint_eq(caps->uses[ALG_EDDSA][DIGEST_NONE], 0);
	ck_assert_uint_eq(caps->uses[ALG_AES_GCM][DIGEST_NONE], 0);
	ck_assert_uint_eq(caps->makes & 1u << KEY_AES, 0);
	ck_assert_uint_ne(caps->makes & 1u << KEY_RSA, 0);
	ck_assert_uint_eq(caps->bits[KEY_RSA].max, 4096);
	ck_assert_uint_eq(caps->uses[ALG_AES_CBC_PAD][DIGEST_NONE] & CAN(USE_DECRYPT),
	    CAN(USE_DECRYPT));
	m = make_key(h, &ed_spec);
	CHECK_RC(h->ops->begin(h, NULL, m.k, USE_SIGN, &p, &u), KMS_NOTSUP);
	ck_assert_ptr_null(u);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

/* Cipher modes against libcrypto, with the key imported so that both sides have it. */
static const struct alg_params ciphers[] = {
	{ .alg = ALG_AES_ECB },
	{ .alg = ALG_AES_CBC, .u.cipher.iv = { (const uint8_t *)"an IV of sixteen", 16 } },
	{ .alg = ALG_AES_CBC_PAD, .u.cipher.iv = { (const uint8_t *)"an IV of sixteen", 16 } },
	{ .alg = ALG_AES_CTR,
	    .u.cipher = { { (const uint8_t *)"an IV of sixteen", 16 }, .counter_bits = 64 } },
	{ .alg = ALG_AES_GCM,
	    .u.gcm = { { (const uint8_t *)"twelve bytes", 12 }, { (const uint8_t *)"aad", 3 },
		16 } },
};

static struct made
import_aes(struct hsm *h, struct ckey **k)
{
	struct made m = { .h = h, .spec = { .type = KEY_AES, .bits = 256 } };
	struct object o = { .spec = m.spec, .flags = ALL_USES };

	*k = secret_key(KEY_AES, 32);
	CHECK_RC(h->ops->import(h, NULL, &o, ckey_secret(*k), &m.material, &m.spki), KMS_OK);
	CHECK_RC(open_key(&m), KMS_OK);
	return m;
}

static size_t
whole_here(struct ckey *k, const struct alg_params *p, struct slice in, uint8_t *out, size_t cap)
{
	struct outbuf o = { .p = out, .cap = cap };
	struct use *u = NULL;

	CHECK_RC(crypto_begin(k, USE_ENCRYPT, p, &u), KMS_OK);
	CHECK_RC(use_once(u, in, &o, NULL), KMS_OK);
	use_free(u);
	return o.len;
}

/* IN in parts of STEP bytes; each call gets the room that it says it needs, and not before it has
 * refused less. */
static size_t
in_parts(struct use *u, struct slice in, size_t step, uint8_t *out, size_t cap)
{
	size_t total = 0, need = 0;

	for (;;) {
		struct slice part = slice_of(in.p, in.len < step ? in.len : step);
		bool end = in.len == 0;
		struct outbuf o = { .p = out + total, .cap = 0 };
		enum kms_rc rc = end ? use_final(u, &o, &need) : use_update(u, part, &o, &need);

		if (rc == KMS_BUFFER_SMALL) {
			ck_assert_uint_eq(o.len, 0);
			ck_assert_uint_le(total + need, cap);
			o.cap = need - 1;
			rc = end ? use_final(u, &o, &need) : use_update(u, part, &o, &need);
			CHECK_RC(rc, KMS_BUFFER_SMALL);
			ck_assert_uint_ge(use_bound(u, end ? 0 : part.len, end), need);
			o.cap = need;
			rc = end ? use_final(u, &o, &need) : use_update(u, part, &o, &need);
		}
		CHECK_RC(rc, KMS_OK);
		total += o.len;
		if (end)
			return total;
		in = slice_of(in.p + part.len, in.len - part.len);
	}
}

START_TEST(ciphers_agree_with_libcrypto_however_the_message_comes)
{
	static const size_t steps[] = { 1, 15, 16, 17, 100 };
	const struct alg_params *p = &ciphers[_i];
	struct hsm *h = open_hsm();
	struct ckey *k;
	struct made m = import_aes(h, &k);
	struct use *enc = begin(&m, USE_ENCRYPT, p), *dec = begin(&m, USE_DECRYPT, p);
	uint8_t plain[200], want[256], got[256], back[256];
	bool blocks = p->alg == ALG_AES_ECB || p->alg == ALG_AES_CBC;

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)(i * 7);
	for (size_t n = 0; n <= 96; n += blocks ? 16 : n < 34 ? 1 : 31) {
		struct slice in = slice_of(plain, n);
		size_t len = whole_here(k, p, in, want, sizeof(want));
		struct outbuf out = { .p = got, .cap = sizeof(got) };

		CHECK_RC(use_restart(enc, p), KMS_OK);
		CHECK_RC(use_once(enc, guarded(in), &out, NULL), KMS_OK);
		CHECK_BYTES(slice_of(got, out.len), slice_of(want, len));
		CHECK_RC(use_restart(dec, p), KMS_OK);
		out = (struct outbuf){ .p = back, .cap = n };
		CHECK_RC(use_once(dec, slice_of(got, len), &out, NULL), KMS_OK);
		CHECK_BYTES(slice_of(back, out.len), in);
		for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
			CHECK_RC(use_restart(enc, p), KMS_OK);
			CHECK_BYTES(slice_of(got, in_parts(enc, in, steps[i], got, sizeof(got))),
			    slice_of(want, len));
			CHECK_RC(use_restart(dec, p), KMS_OK);
			CHECK_BYTES(slice_of(back,
					in_parts(dec, slice_of(want, len), steps[i], back,
					    sizeof(back))),
			    in);
		}
	}
	use_free(enc);
	use_free(dec);
	made_free(&m);
	ckey_unref(k);
	ck_assert_uint_le(fake->most_sessions, 8);
	h->ops->close(h);
}
END_TEST

START_TEST(ciphers_work_in_place)
{
	const struct alg_params *p = &ciphers[_i];
	struct hsm *h = open_hsm();
	struct ckey *k;
	struct made m = import_aes(h, &k);
	struct use *u = begin(&m, USE_ENCRYPT, p);
	uint8_t text[96] = "forty-eight bytes that are to be replaced by what", want[128];
	size_t len = whole_here(k, p, slice_of(text, 48), want, sizeof(want)), total = 0;
	struct outbuf out = { .p = text, .cap = sizeof(text) };
	uint8_t parts[2][96];

	CHECK_RC(use_once(u, slice_of(text, 48), &out, NULL), KMS_OK);
	CHECK_BYTES(slice_of(text, out.len), slice_of(want, len));
	/* In parts that leave something over. */
	memcpy(text, "forty-eight bytes that are to be replaced by what", 48);
	memcpy(parts[0], text, 20);
	memcpy(parts[1], text + 20, 28);
	CHECK_RC(use_restart(u, p), KMS_OK);
	for (size_t i = 0; i < 2; i++) {
		out = (struct outbuf){ .p = parts[i], .cap = sizeof(parts[i]) };
		CHECK_RC(use_update(u, slice_of(parts[i], i == 0 ? 20 : 28), &out, NULL), KMS_OK);
		if (out.len > 0)
			ck_assert_mem_eq(parts[i], want + total, out.len);
		total += out.len;
	}
	use_free(u);
	made_free(&m);
	ckey_unref(k);
	h->ops->close(h);
}
END_TEST

START_TEST(damaged_cipher_text_is_refused_and_leaves_nothing)
{
	const struct alg_params *p = &ciphers[4]; /* GCM */
	struct hsm *h = open_hsm();
	struct ckey *k;
	struct made m = import_aes(h, &k);
	uint8_t sealed[64], back[64] = { 0 };
	size_t len = whole_here(k, p, BYTES("twenty bytes of text"), sealed, sizeof(sealed)), got;

	for (size_t i = 0; i < len; i++) {
		sealed[i] ^= 1;
		CHECK_RC(use_key(&m, USE_DECRYPT, p, slice_of(sealed, len), back, sizeof(back),
			     &got),
		    KMS_BAD_DATA);
		sealed[i] ^= 1;
	}
	for (size_t i = 0; i < sizeof(back); i++)
		ck_assert_uint_eq(back[i], 0);
	CHECK_RC(use_key(&m, USE_DECRYPT, p, slice_of(sealed, len), back, sizeof(back), &got),
	    KMS_OK);
	made_free(&m);
	ckey_unref(k);
	h->ops->close(h);
}
END_TEST

START_TEST(macs_are_cut_and_checked_here)
{
	struct hsm *h = open_hsm();
	struct made m = make_key(h, _i == 0 ? &mac_spec : &aes_spec);
	struct alg_params full = { .alg = _i == 0 ? ALG_HMAC : ALG_AES_CMAC,
		.digest = _i == 0 ? DIGEST_SHA256 : DIGEST_NONE,
		.u.mac.len = _i == 0 ? 32 : 16 },
			  cut = full;
	uint8_t mac[32], part[5];
	size_t len;
	struct outbuf out = { .p = part, .cap = sizeof(part) };
	struct use *s, *v;

	cut.u.mac.len = 5;
	CHECK_RC(use_key(&m, USE_SIGN, &full, BYTES("message"), mac, sizeof(mac), &len), KMS_OK);
	ck_assert_uint_eq(len, full.u.mac.len);
	s = begin(&m, USE_SIGN, &cut);
	CHECK_RC(use_update(s, BYTES("mess"), NULL, NULL), KMS_OK);
	CHECK_RC(use_update(s, BYTES("age"), NULL, NULL), KMS_OK);
	CHECK_RC(use_final(s, &out, NULL), KMS_OK);
	CHECK_BYTES(slice_of(part, out.len), slice_of(mac, 5));
	v = begin(&m, USE_VERIFY, &cut);
	CHECK_RC(use_check_once(v, BYTES("message"), slice_of(mac, 5)), KMS_OK);
	CHECK_RC(use_restart(v, &cut), KMS_OK);
	CHECK_RC(use_check_once(v, BYTES("message"), slice_of(mac, 6)), KMS_SIGNATURE_LEN);
	CHECK_RC(use_restart(v, &cut), KMS_OK);
	mac[4] ^= 1;
	CHECK_RC(use_check_once(v, BYTES("message"), slice_of(mac, 5)), KMS_BAD_SIGNATURE);
	use_free(s);
	use_free(v);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

static const struct alg_params rsa_ways[] = {
	{ .alg = ALG_RSA_PKCS1 },
	{ .alg = ALG_RSA_OAEP, .u.oaep = { DIGEST_SHA1, DIGEST_SHA1, { NULL, 0 } } },
	{ .alg = ALG_RSA_OAEP,
	    .u.oaep = { DIGEST_SHA256, DIGEST_SHA512, { (const uint8_t *)"label", 5 } } },
};

START_TEST(rsa_opens_what_the_public_key_sealed)
{
	const struct alg_params *p = &rsa_ways[_i % 3];
	struct hsm *h = open_hsm();
	struct made m = make_key(h, &rsa_spec);
	auto_ckey *pub = NULL;
	uint8_t sealed[256], back[256];
	size_t len, got;
	struct use *u;
	struct outbuf out = { .p = back, .cap = 3 };

	/* An HSM that knows OAEP with SHA-1 alone is helped out with RSA alone. */
	if (_i >= 3 && p->alg == ALG_RSA_OAEP)
		answer("C_DecryptInit", CKR_ARGUMENTS_BAD, 1);
	CHECK_RC(ckey_from_spki(buf_slice(&m.spki), &pub), KMS_OK);
	len = whole_here(pub, p, BYTES("secret"), sealed, sizeof(sealed));
	u = begin(&m, USE_DECRYPT, p);
	CHECK_RC(use_once(u, slice_of(sealed, len), &out, &got), KMS_BUFFER_SMALL);
	ck_assert_uint_eq(got, 6);
	out.cap = 6;
	CHECK_RC(use_once(u, slice_of(sealed, len), &out, &got), KMS_OK);
	CHECK_BYTES(slice_of(back, out.len), BYTES("secret"));
	sealed[100] ^= 1;
	if (p->alg == ALG_RSA_OAEP) {
		CHECK_RC(use_restart(u, p), KMS_OK);
		out.cap = sizeof(back);
		CHECK_RC(use_once(u, slice_of(sealed, len), &out, &got), KMS_BAD_DATA);
	}
	CHECK_RC(use_restart(u, p), KMS_OK);
	CHECK_RC(use_once(u, slice_of(sealed, len - 1), &out, &got), KMS_BAD_LEN);
	use_free(u);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(key_wrap_goes_by_encryption_or_by_way_of_an_object)
{
	struct alg_params p = { .alg = _i % 2 == 0 ? ALG_AES_KW : ALG_AES_KWP };
	struct hsm *h;
	struct ckey *k;
	struct made m;
	uint8_t want[64], got[64], back[64];
	size_t len, n;

	if (_i >= 2)
		fake->wrap_only = true;
	h = open_hsm();
	m = import_aes(h, &k);
	len = whole_here(k, &p, BYTES("sixteen bytes !! and eight more!"), want, sizeof(want));
	CHECK_RC(use_key(&m, USE_ENCRYPT, &p, BYTES("sixteen bytes !! and eight more!"), got,
		     sizeof(got), &n),
	    KMS_OK);
	CHECK_BYTES(slice_of(got, n), slice_of(want, len));
	CHECK_RC(use_key(&m, USE_DECRYPT, &p, slice_of(want, len), back, sizeof(back), &n), KMS_OK);
	CHECK_BYTES(slice_of(back, n), BYTES("sixteen bytes !! and eight more!"));
	want[3] ^= 1;
	CHECK_RC(use_key(&m, USE_DECRYPT, &p, slice_of(want, len), back, sizeof(back), &n),
	    KMS_BAD_DATA);
	ck_assert_uint_eq(keys_in_hsm(h), 1);
	made_free(&m);
	ckey_unref(k);
	h->ops->close(h);
}
END_TEST

START_TEST(ecdh_agrees_and_points_off_the_curve_do_not_reach_the_hsm)
{
	struct hsm *h = open_hsm();
	struct made m = make_key(h, &p256_spec);
	struct alg_params p = { .alg = ALG_ECDH, .u.ecdh.peer = hex(P256_Q) };
	struct ckey *peer = ec_key(CURVE_P256);
	auto_ckey *pub = NULL;
	auto_secret there = { 0 }, here = { 0 }, point = { 0 };
	uint8_t bad[65];

	CHECK_RC(h->ops->derive(h, NULL, m.k, &p, &there), KMS_OK);
	CHECK_RC(ckey_from_spki(buf_slice(&m.spki), &pub), KMS_OK);
	CHECK_RC(ckey_part(pub, PART_EC_POINT, &point), KMS_OK);
	CHECK_RC(crypto_ecdh(peer, secret_slice(&point), &here), KMS_OK);
	CHECK_BYTES(secret_slice(&there), secret_slice(&here));
	memcpy(bad, p.u.ecdh.peer.p, sizeof(bad));
	bad[64] ^= 1;
	p.u.ecdh.peer = slice_of(bad, sizeof(bad));
	count_calls("C_DeriveKey");
	CHECK_RC(h->ops->derive(h, NULL, m.k, &p, &there), KMS_BAD_PARAM);
	ck_assert_uint_eq(calls(), 0);
	ckey_unref(peer);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(extractable_keys_are_wrapped_inside_and_others_are_not)
{
	struct hsm *h = open_hsm();
	struct ckey *k;
	struct made w = import_aes(h, &k), m = make_key_for(h, &p256_spec, FLAG_EXTRACTABLE),
		    never = make_key(h, &p256_spec);
	struct alg_params p = { .alg = ALG_AES_KWP };
	auto_buf wrapped = { 0 };
	auto_ckey *out = NULL;
	uint8_t pkcs8[256];
	struct outbuf o = { .p = pkcs8, .cap = sizeof(pkcs8) };
	struct use *u = NULL;

	CHECK_RC(h->ops->wrap(h, NULL, w.k, &p, m.k, &wrapped), KMS_OK);
	CHECK_RC(crypto_begin(k, USE_DECRYPT, &p, &u), KMS_OK);
	CHECK_RC(use_once(u, buf_slice(&wrapped), &o, NULL), KMS_OK);
	CHECK_RC(ckey_from_pkcs8(slice_of(pkcs8, o.len), &out), KMS_OK);
	CHECK_RC(h->ops->wrap(h, NULL, w.k, &p, never.k, &wrapped), KMS_DENIED);
	use_free(u);
	ckey_unref(k);
	made_free(&w);
	made_free(&m);
	made_free(&never);
	h->ops->close(h);
}
END_TEST

START_TEST(parameters_are_checked_before_the_hsm_is_asked)
{
	static const struct alg_params bad[] = {
		{ .alg = ALG_AES_CBC, .u.cipher.iv = { (const uint8_t *)"short", 5 } },
		{ .alg = ALG_AES_CTR, .u.cipher.iv = { (const uint8_t *)"an IV of sixteen", 16 } },
		{ .alg = ALG_AES_GCM,
		    .u.gcm = { { (const uint8_t *)"twelve bytes", 12 }, { NULL, 0 }, 17 } },
		{ .alg = ALG_AES_GCM, .u.gcm = { { NULL, 0 }, { NULL, 0 }, 16 } },
		{ .alg = ALG_AES_KW, .u.cipher.iv = { (const uint8_t *)"1234", 4 } },
	};
	struct hsm *h = open_hsm();
	struct made m = make_key(h, &aes_spec), ec = make_key(h, &p256_spec);
	struct alg_params p = { .alg = ALG_AES_ECB };
	struct use *u = NULL;
	uint8_t out[64];
	size_t len;

	count_calls("C_EncryptInit");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_RC(h->ops->begin(h, NULL, m.k, USE_ENCRYPT, &bad[i], &u), KMS_BAD_PARAM);
	CHECK_RC(h->ops->begin(h, NULL, ec.k, USE_ENCRYPT, &p, &u), KMS_KEY_TYPE);
	CHECK_RC(h->ops->begin(h, NULL, m.k, USE_ENCRYPT, &ecdsa, &u), KMS_NOTSUP);
	CHECK_RC(use_key(&m, USE_ENCRYPT, &p, BYTES("fifteen bytes !"), out, sizeof(out), &len),
	    KMS_BAD_LEN);
	CHECK_RC(use_key(&ec, USE_SIGN, &ecdsa, NONE, out, sizeof(out), &len), KMS_BAD_LEN);
	ck_assert_ptr_null(u);
	ck_assert_uint_eq(calls(), 0);
	made_free(&m);
	made_free(&ec);
	h->ops->close(h);
}
END_TEST

START_TEST(a_finished_use_serves_again_and_outlives_the_keys_handle)
{
	struct hsm *h = open_hsm();
	struct made m = make_key(h, &p256_spec);
	struct use *u = begin(&m, USE_SIGN, &ecdsa), *was = u;
	uint8_t sig[64];
	struct outbuf out = { .p = sig, .cap = sizeof(sig) };

	CHECK_RC(use_once(u, HASH, &out, NULL), KMS_OK);
	CHECK_RC(use_once(u, HASH, &out, NULL), KMS_INVALID);
	CHECK_RC(h->ops->begin(h, NULL, m.k, USE_SIGN, &ecdsa, &u), KMS_OK);
	ck_assert_ptr_eq(u, was);
	h->ops->key_close(h, m.k);
	m.k = NULL;
	CHECK_RC(use_once(u, HASH, &out, NULL), KMS_OK);
	CHECK_RC(check_here(&m, &ecdsa, HASH, slice_of(sig, out.len)), KMS_OK);
	use_free(u);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hsm_token");
	TCase *c = tcase_create("token");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c,
	    a_generated_key_is_in_the_hsm_and_its_record_opens_with_its_type_alone, 0,
	    ARRAY_LEN(specs));
	tcase_add_test(c, keys_are_sensitive_never_come_out_and_may_what_their_object_may);
	tcase_add_test(c, records_that_are_none_are_refused);
	tcase_add_test(c, another_key_with_the_id_is_not_taken_for_it);
	tcase_add_loop_test(c, a_key_goes_with_its_object_both_halves, 0, ARRAY_LEN(specs));
	tcase_add_test(c, a_copy_is_a_key_of_its_own);
	tcase_add_test(c, keys_from_outside_become_objects);
	tcase_add_loop_test(c, where_objects_cannot_be_created_keys_come_in_wrapped, 0, 2);
	tcase_add_test(c, an_hsm_that_takes_no_keys_says_so_and_keeps_nothing);
	tcase_add_test(c, imports_are_checked_against_their_spec_before_the_hsm_sees_them);
	tcase_add_loop_test(c, the_list_shows_keys_with_what_they_are_and_may, 0, ARRAY_LEN(specs));
	tcase_add_test(c, keys_of_one_id_are_not_to_be_adopted);
	tcase_add_test(c, an_adopted_key_works_and_stays_when_its_object_goes);
	tcase_add_loop_test(c, signatures_are_right_in_one_piece_and_in_parts, 0, ARRAY_LEN(signs));
	tcase_add_loop_test(c, without_the_mechanism_for_hashes_messages_go_to_the_hsm, 0,
	    ARRAY_LEN(signs));
	tcase_add_test(c, what_the_hsm_lacks_is_not_offered);
	tcase_add_loop_test(c, ciphers_agree_with_libcrypto_however_the_message_comes, 0,
	    ARRAY_LEN(ciphers));
	tcase_add_loop_test(c, ciphers_work_in_place, 0, ARRAY_LEN(ciphers));
	tcase_add_test(c, damaged_cipher_text_is_refused_and_leaves_nothing);
	tcase_add_loop_test(c, macs_are_cut_and_checked_here, 0, 2);
	tcase_add_loop_test(c, rsa_opens_what_the_public_key_sealed, 0, 6);
	tcase_add_loop_test(c, key_wrap_goes_by_encryption_or_by_way_of_an_object, 0, 4);
	tcase_add_test(c, ecdh_agrees_and_points_off_the_curve_do_not_reach_the_hsm);
	tcase_add_test(c, extractable_keys_are_wrapped_inside_and_others_are_not);
	tcase_add_test(c, parameters_are_checked_before_the_hsm_is_asked);
	tcase_add_test(c, a_finished_use_serves_again_and_outlives_the_keys_handle);
	suite_add_tcase(s, c);
	return hsm_main(s);
}
