/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that go out wrapped and come back: every wrapping mechanism with every kind of key, and the
 * rules that attributes set on it. */
#include "tests/p11/matrix.h"

/* -- wrapping ------------------------------------------------------------------------------ */

static bool
can_wrap(struct env *e, int row)
{
	return env_make(e, &rows[row]) && (e->flags & CKF_WRAP) != 0;
}

/* PKCS#8 never fits a modulus. */
static bool
takes_private_keys(const struct env *e)
{
	return e->row->key != CKK_RSA;
}

/* A raw cipher: it takes whole blocks only. */
static bool
fills_with_zeros(const struct env *e)
{
	return e->row->type == CKM_AES_ECB || e->row->type == CKM_AES_CBC ||
	    e->row->type == CKM_KMS_SM4_ECB || e->row->type == CKM_KMS_SM4_CBC;
}

static CK_RV
unwrap(struct env *e, CK_BYTE *wrapped, CK_ULONG n, struct tmpl *t, CK_OBJECT_HANDLE *ret)
{
	return p11->C_UnwrapKey(hs, &e->mech, e->priv, wrapped, n, t->v, t->n, ret);
}

START_TEST(secret_keys_go_out_and_come_back)
{
	static const CK_ULONG lens[] = { 16, 24, 32, 48, 64 };
	struct env e;
	CK_BYTE wrapped[1024], got[64];

	if (!can_wrap(&e, _i))
		return;
	for (size_t i = 0; i < N(lens); i++)
		for (int generic = 0; generic < 2; generic++) {
			CK_KEY_TYPE type = generic ? CKK_GENERIC_SECRET : CKK_AES;
			CK_OBJECT_HANDLE key, back = 0;
			CK_ULONG asked = 0, n = sizeof(wrapped);
			struct tmpl t = { .n = 0 };

			if (!generic && lens[i] > 32)
				continue;
			/* 6.1.7: a raw cipher pads with zeros, and only VALUE_LEN knows where the
			 * key ends */
			if (lens[i] % 16 != 0 && fills_with_zeros(&e))
				continue;
			key = import_secret(hs, type, secret_value, lens[i]);
			CHECK_OK(p11->C_WrapKey(hs, &e.mech, e.pub, key, NULL, &asked));
			ck_assert_uint_ge(asked, lens[i]);
			n = lens[i] - 1;
			CHECK_RV(p11->C_WrapKey(hs, &e.mech, e.pub, key, guarded(n), &n),
			    CKR_BUFFER_TOO_SMALL);
			ck_assert_uint_le(n, asked);
			n = sizeof(wrapped);
			CHECK_OK(p11->C_WrapKey(hs, &e.mech, e.pub, key, wrapped, &n));
			ck_assert_uint_le(n, asked);
			t_secret(&t, type);
			CHECK_OK(unwrap(&e, wrapped, n, &t, &back));
			ck_assert_uint_eq(get_bytes(back, CKA_VALUE, got, sizeof(got)), lens[i]);
			ck_assert_mem_eq(got, secret_value, lens[i]);
			ck_assert(!get_bool(back, CKA_LOCAL) &&
			    !get_bool(back, CKA_ALWAYS_SENSITIVE));
			ck_assert(!get_bool(back, CKA_NEVER_EXTRACTABLE));
		}
}
END_TEST

/* 6.10.4, 6.10.5, 6.16.3: zeros fill up the last block, and CKA_VALUE_LEN takes them off again. */
START_TEST(secret_keys_of_odd_lengths_are_filled_up)
{
	static const CK_MECHANISM_TYPE filling[] = { CKM_AES_ECB, CKM_AES_CBC, CKM_AES_KEY_WRAP };
	static const CK_ULONG lens[] = { 17, 23, 31, 33 };
	CK_OBJECT_HANDLE w = import_secret(hs, CKK_AES, secret_value + 3, 32), back;
	CK_BYTE iv[16] = { 9 }, wrapped[128], got[64];
	CK_MECHANISM m = { filling[_i], iv, filling[_i] == CKM_AES_CBC ? 16 : 0 };
	CK_ULONG unit = filling[_i] == CKM_AES_KEY_WRAP ? 8 : 16;

	for (size_t i = 0; i < N(lens); i++) {
		CK_OBJECT_HANDLE key = import_secret(hs, CKK_GENERIC_SECRET, secret_value, lens[i]);
		CK_ULONG n = sizeof(wrapped), whole = (lens[i] + unit - 1) / unit * unit;
		struct tmpl t = { .n = 0 };

		CHECK_OK(p11->C_WrapKey(hs, &m, w, key, wrapped, &n));
		ck_assert_uint_eq(n, whole + (unit == 8 ? 8 : 0));
		t_secret(&t, CKK_GENERIC_SECRET);
		t_ulong(&t, CKA_VALUE_LEN, lens[i]);
		CHECK_OK(p11->C_UnwrapKey(hs, &m, w, wrapped, n, t.v, t.n, &back));
		ck_assert_uint_eq(get_bytes(back, CKA_VALUE, got, sizeof(got)), lens[i]);
		ck_assert_mem_eq(got, secret_value, lens[i]);
		t_drop(&t, CKA_VALUE_LEN);
		t_ulong(&t, CKA_VALUE_LEN, whole - unit);
		CHECK_RV(p11->C_UnwrapKey(hs, &m, w, wrapped, n, t.v, t.n, &back),
		    CKR_WRAPPED_KEY_LEN_RANGE);
	}
}
END_TEST

START_TEST(private_keys_go_out_and_come_back_usable)
{
	static const CK_KEY_TYPE types[] = { CKK_RSA, CKK_EC, CKK_EC_EDWARDS };
	static const CK_MECHANISM_TYPE signs[] = { CKM_RSA_PKCS, CKM_ECDSA, CKM_EDDSA };
	struct env e;
	CK_BYTE wrapped[4096], sig[512], msg[32] = { 1 };

	if (!can_wrap(&e, _i) || !takes_private_keys(&e))
		return;
	for (size_t i = 0; i < N(types); i++) {
		CK_OBJECT_HANDLE priv = import_private(types[i], true),
				 pub = import_public(types[i], true), back;
		CK_MECHANISM m = { signs[i], NULL, 0 };
		CK_ULONG n = sizeof(wrapped), sig_len = sizeof(sig);
		struct tmpl t = { .n = 0 };

		CHECK_OK(p11->C_WrapKey(hs, &e.mech, e.pub, priv, wrapped, &n));
		t_private(&t, types[i]);
		CHECK_OK(unwrap(&e, wrapped, n, &t, &back));
		CHECK_OK(p11->C_SignInit(hs, &m, back));
		CHECK_OK(p11->C_Sign(hs, msg, sizeof(msg), sig, &sig_len));
		CHECK_OK(p11->C_VerifyInit(hs, &m, pub));
		CHECK_OK(p11->C_Verify(hs, msg, sizeof(msg), sig, sig_len));
		if (types[i] == CKK_RSA)
			ck_assert_uint_eq(get_rv(back, CKA_MODULUS), CKR_OK);

		/* Another type than what is inside. */
		t.n = 0;
		t_private(&t, types[(i + 1) % N(types)]);
		CHECK_RV(unwrap(&e, wrapped, n, &t, &back), CKR_WRAPPED_KEY_INVALID);
	}
}
END_TEST

START_TEST(a_damaged_wrapped_key_is_refused)
{
	struct env e;
	CK_BYTE wrapped[1024];
	CK_ULONG n = sizeof(wrapped);
	CK_OBJECT_HANDLE key, back;
	struct tmpl t = { .n = 0 };

	if (!can_wrap(&e, _i))
		return;
	key = import_secret(hs, CKK_AES, secret_value, 32);
	CHECK_OK(p11->C_WrapKey(hs, &e.mech, e.pub, key, wrapped, &n));
	t_secret(&t, CKK_AES);
	CHECK_IN(unwrap(&e, wrapped, n - 1, &t, &back), CKR_WRAPPED_KEY_LEN_RANGE,
	    CKR_WRAPPED_KEY_INVALID);
	CHECK_IN(unwrap(&e, wrapped, 0, &t, &back), CKR_WRAPPED_KEY_LEN_RANGE,
	    CKR_WRAPPED_KEY_INVALID, CKR_ARGUMENTS_BAD);
	CHECK_RV(unwrap(&e, NULL, n, &t, &back), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_UnwrapKey(hs, &e.mech, e.priv, wrapped, n, t.v, t.n, NULL),
	    CKR_ARGUMENTS_BAD);
	if (!e.row->authentic)
		return;
	for (CK_ULONG i = 0; i < n; i += 5) {
		wrapped[i] ^= 1;
		CHECK_IN(unwrap(&e, wrapped, n, &t, &back), CKR_WRAPPED_KEY_INVALID,
		    CKR_WRAPPED_KEY_LEN_RANGE);
		wrapped[i] ^= 1;
	}
}
END_TEST

START_TEST(wrapping_obeys_the_keys_rights)
{
	struct env e, bare;
	CK_BYTE wrapped[1024];
	CK_ULONG n = sizeof(wrapped);
	CK_OBJECT_HANDLE key, locked, back;
	struct tmpl t = { .n = 0 };

	if (!can_wrap(&e, _i))
		return;
	key = import_secret(hs, CKK_AES, secret_value, 32);
	t_secret(&t, CKK_AES);
	t_set_bool(&t, CKA_EXTRACTABLE, false);
	t_bytes(&t, CKA_VALUE, secret_value, 32);
	CHECK_OK(create(hs, &t, &locked));
	CHECK_RV(p11->C_WrapKey(hs, &e.mech, e.pub, locked, wrapped, &n), CKR_KEY_UNEXTRACTABLE);
	ck_assert(env_make_usage(&bare, &rows[_i], false));
	CHECK_RV(p11->C_WrapKey(hs, &bare.mech, bare.pub, key, wrapped, &n),
	    CKR_KEY_FUNCTION_NOT_PERMITTED);
	CHECK_OK(p11->C_WrapKey(hs, &e.mech, e.pub, key, wrapped, &n));
	t.n = 0;
	t_secret(&t, CKK_AES);
	CHECK_RV(unwrap(&bare, wrapped, n, &t, &back), CKR_KEY_FUNCTION_NOT_PERMITTED);
	CHECK_RV(p11->C_WrapKey(hs, &e.mech, 0, key, wrapped, &n), CKR_WRAPPING_KEY_HANDLE_INVALID);
	CHECK_RV(p11->C_WrapKey(hs, &e.mech, e.pub, 0, wrapped, &n), CKR_KEY_HANDLE_INVALID);
	CHECK_RV(p11->C_UnwrapKey(hs, &e.mech, 0, wrapped, n, t.v, t.n, &back),
	    CKR_UNWRAPPING_KEY_HANDLE_INVALID);
	CHECK_RV(p11->C_WrapKey(hs, &e.mech, env_wrong_key(&e), key, wrapped, &n),
	    CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
	CHECK_RV(p11->C_UnwrapKey(hs, &e.mech, env_wrong_key(&e), wrapped, n, t.v, t.n, &back),
	    CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
	CHECK_RV(p11->C_WrapKey(hs, NULL, e.pub, key, wrapped, &n), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_WrapKey(hs, &e.mech, e.pub, key, wrapped, NULL), CKR_ARGUMENTS_BAD);
}
END_TEST

START_TEST(public_keys_and_data_cannot_be_wrapped)
{
	struct env e;
	CK_BYTE wrapped[4096];
	CK_ULONG n = sizeof(wrapped);

	if (!can_wrap(&e, _i))
		return;
	CHECK_IN(p11->C_WrapKey(hs, &e.mech, e.pub, import_public(CKK_EC, true), wrapped, &n),
	    CKR_KEY_NOT_WRAPPABLE, CKR_KEY_HANDLE_INVALID, CKR_KEY_UNEXTRACTABLE);
	n = sizeof(wrapped);
	if (e.row->key == CKK_RSA) /* too long for the padding */
		CHECK_IN(p11->C_WrapKey(hs, &e.mech, e.pub, import_private(CKK_RSA, true), wrapped,
			     &n),
		    CKR_KEY_SIZE_RANGE, CKR_KEY_NOT_WRAPPABLE);
}
END_TEST

START_TEST(a_value_length_that_differs_is_refused_at_unwrap)
{
	struct env e;
	CK_BYTE wrapped[1024];
	CK_ULONG n = sizeof(wrapped);
	CK_OBJECT_HANDLE key, back;
	struct tmpl t = { .n = 0 };

	if (!can_wrap(&e, _i) || fills_with_zeros(&e))
		return;
	key = import_secret(hs, CKK_AES, secret_value, 32);
	CHECK_OK(p11->C_WrapKey(hs, &e.mech, e.pub, key, wrapped, &n));
	t_secret(&t, CKK_AES);
	t_ulong(&t, CKA_VALUE_LEN, 16);
	CHECK_RV(unwrap(&e, wrapped, n, &t, &back), CKR_WRAPPED_KEY_LEN_RANGE);
}
END_TEST

/* 5.18.4; whether it may also be read is another matter. */
START_TEST(an_unwrapped_key_may_go_out_again_unless_said_otherwise)
{
	CK_MECHANISM m = { CKM_AES_KEY_WRAP, NULL, 0 };
	CK_OBJECT_HANDLE w = import_secret(hs, CKK_AES, secret_value + 3, 32), back;
	CK_OBJECT_HANDLE key = import_secret(hs, CKK_AES, secret_value, 32);
	CK_BYTE out[64];
	CK_ULONG n = sizeof(out);
	struct tmpl t = { .n = 0 };

	CHECK_OK(p11->C_WrapKey(hs, &m, w, key, out, &n));
	t_secret(&t, CKK_AES);
	t_drop(&t, CKA_EXTRACTABLE);
	CHECK_OK(p11->C_UnwrapKey(hs, &m, w, out, n, t.v, t.n, &back));
	ck_assert(get_bool(back, CKA_EXTRACTABLE));
	CHECK_OK(p11->C_WrapKey(hs, &m, w, back, out, &n));
	t_bool(&t, CKA_EXTRACTABLE, false);
	CHECK_OK(p11->C_UnwrapKey(hs, &m, w, out, n, t.v, t.n, &back));
	ck_assert(!get_bool(back, CKA_EXTRACTABLE));
}
END_TEST

/* 4.11 CKA_CHECK_VALUE, 4.10 CKA_PUBLIC_KEY_INFO: may be given, and must then be right. */
START_TEST(what_is_said_of_a_key_s_value_must_be_so)
{
	CK_MECHANISM kwp = { CKM_AES_KEY_WRAP_KWP, NULL, 0 };
	CK_OBJECT_HANDLE w = import_secret(hs, CKK_AES, secret_value + 3, 32), back;
	CK_OBJECT_HANDLE keys[] = { import_secret(hs, CKK_AES, secret_value, 32),
		import_private(CKK_EC, true) };
	const CK_ATTRIBUTE_TYPE facts[] = { CKA_CHECK_VALUE, CKA_PUBLIC_KEY_INFO };
	CK_BYTE wrapped[1024], fact[256];

	for (size_t i = 0; i < N(keys); i++) {
		CK_ULONG n = sizeof(wrapped),
			 len = get_bytes(keys[i], facts[i], fact, sizeof(fact));
		struct tmpl t = { .n = 0 };

		CHECK_OK(p11->C_WrapKey(hs, &kwp, w, keys[i], wrapped, &n));
		(i == 0 ? t_secret : t_private)(&t, i == 0 ? CKK_AES : CKK_EC);
		t_bytes(&t, facts[i], fact, len);
		CHECK_OK(p11->C_UnwrapKey(hs, &kwp, w, wrapped, n, t.v, t.n, &back));
		fact[len - 1] ^= 1;
		CHECK_RV(p11->C_UnwrapKey(hs, &kwp, w, wrapped, n, t.v, t.n, &back),
		    CKR_ATTRIBUTE_VALUE_INVALID);
		t.v[t.n - 1].ulValueLen = 0;
		CHECK_OK(p11->C_UnwrapKey(hs, &kwp, w, wrapped, n, t.v, t.n, &back));
	}
}
END_TEST

/* -- rules by attributes ------------------------------------------------------------------- */

static CK_OBJECT_HANDLE
wrapper(CK_ATTRIBUTE_TYPE type, CK_ATTRIBUTE *inner, CK_ULONG n)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o = 0;

	t_secret(&t, CKK_AES);
	t_bytes(&t, CKA_VALUE, secret_value + 3, 32);
	if (type != 0)
		t_bytes(&t, type, inner, n * sizeof(*inner));
	CHECK_OK(create(hs, &t, &o));
	return o;
}

START_TEST(a_wrap_template_chooses_which_keys_go_out)
{
	CK_MECHANISM m = { CKM_AES_KEY_WRAP, NULL, 0 };
	CK_ATTRIBUTE inner = { CKA_LABEL, (void *)(uintptr_t) "export", 6 };
	CK_OBJECT_HANDLE w = wrapper(CKA_WRAP_TEMPLATE, &inner, 1);
	CK_OBJECT_HANDLE key = import_secret(hs, CKK_AES, secret_value, 32);
	CK_BYTE out[64];
	CK_ULONG n = sizeof(out);

	CHECK_RV(p11->C_WrapKey(hs, &m, w, key, out, &n), CKR_KEY_HANDLE_INVALID);
	CHECK_OK(set_bytes(key, CKA_LABEL, "export", 6));
	CHECK_OK(p11->C_WrapKey(hs, &m, w, key, out, &n));
}
END_TEST

START_TEST(an_unwrap_template_is_added_and_must_not_be_contradicted)
{
	CK_MECHANISM m = { CKM_AES_KEY_WRAP, NULL, 0 };
	CK_BBOOL no = CK_FALSE;
	CK_ATTRIBUTE inner[] = { { CKA_EXTRACTABLE, &no, 1 },
		{ CKA_LABEL, (void *)(uintptr_t) "came in", 7 } };
	CK_OBJECT_HANDLE w = wrapper(CKA_UNWRAP_TEMPLATE, inner, 2);
	CK_OBJECT_HANDLE key = import_secret(hs, CKK_AES, secret_value, 32), back;
	CK_BYTE out[64], label[16];
	CK_ULONG n = sizeof(out);
	struct tmpl t = { .n = 0 };

	CHECK_OK(p11->C_WrapKey(hs, &m, w, key, out, &n));
	t_secret(&t, CKK_AES); /* says extractable */
	CHECK_RV(p11->C_UnwrapKey(hs, &m, w, out, n, t.v, t.n, &back), CKR_TEMPLATE_INCONSISTENT);
	t_drop(&t, CKA_EXTRACTABLE);
	CHECK_OK(p11->C_UnwrapKey(hs, &m, w, out, n, t.v, t.n, &back));
	ck_assert(!get_bool(back, CKA_EXTRACTABLE));
	ck_assert_uint_eq(get_bytes(back, CKA_LABEL, label, sizeof(label)), 7);
}
END_TEST

START_TEST(wrap_with_trusted_needs_a_trusted_key)
{
	CK_MECHANISM m = { CKM_AES_KEY_WRAP, NULL, 0 };
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE w, key;
	CK_BYTE out[64];
	CK_ULONG n = sizeof(out);

	t_secret(&t, CKK_AES);
	t_set_bool(&t, CKA_TOKEN, true);
	t_bytes(&t, CKA_VALUE, secret_value, 32);
	CHECK_OK(create(hs, &t, &w));
	t.n = 0;
	t_secret(&t, CKK_AES);
	t_bool(&t, CKA_WRAP_WITH_TRUSTED, true);
	t_bytes(&t, CKA_VALUE, secret_value, 32);
	CHECK_OK(create(hs, &t, &key));
	CHECK_RV(p11->C_WrapKey(hs, &m, w, key, out, &n), CKR_KEY_NOT_WRAPPABLE);
	p11_login(CKU_SO);
	CHECK_OK(set_bool(w, CKA_TRUSTED, true));
	CHECK_OK(p11->C_Logout(hs));
	p11_login(CKU_USER);
	CHECK_OK(p11->C_WrapKey(hs, &m, w, key, out, &n));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 wrapping");
	TCase *t = tcase_create("wrapping");
	const int n = (int)n_rows;

	tcase_add_unchecked_fixture(t, matrix_keys, NULL);
	tcase_add_checked_fixture(t, p11_setup_public, p11_teardown);
	tcase_add_loop_test(t, secret_keys_go_out_and_come_back, 0, n);
	tcase_add_loop_test(t, secret_keys_of_odd_lengths_are_filled_up, 0, 3);
	tcase_add_loop_test(t, private_keys_go_out_and_come_back_usable, 0, n);
	tcase_add_loop_test(t, a_damaged_wrapped_key_is_refused, 0, n);
	tcase_add_loop_test(t, wrapping_obeys_the_keys_rights, 0, n);
	tcase_add_loop_test(t, public_keys_and_data_cannot_be_wrapped, 0, n);
	tcase_add_loop_test(t, a_value_length_that_differs_is_refused_at_unwrap, 0, n);
	tcase_add_test(t, an_unwrapped_key_may_go_out_again_unless_said_otherwise);
	tcase_add_test(t, what_is_said_of_a_key_s_value_must_be_so);
	tcase_add_test(t, a_wrap_template_chooses_which_keys_go_out);
	tcase_add_test(t, an_unwrap_template_is_added_and_must_not_be_contradicted);
	tcase_add_test(t, wrap_with_trusted_needs_a_trusted_key);
	suite_add_tcase(s, t);
	return p11_main(s);
}
