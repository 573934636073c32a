/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every mechanism of the module refuses: wrong keys, parameters and lengths, damaged input,
 * and calls in another order. The loop index of a test is the row of the matrix.
 */
#include "tests/p11/matrix_use.h"

/* -- wrong uses ---------------------------------------------------------------------------- */

START_TEST(a_key_of_another_type_is_refused)
{
	ROW()
	{
		CK_OBJECT_HANDLE wrong = env_wrong_key(&e);

		if (op == DIG)
			continue;
		ROW_RV(init_with(hs, op, &e.mech, wrong), CKR_KEY_TYPE_INCONSISTENT);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(init_with(hs, op, &e.mech, wrong), CKR_OPERATION_ACTIVE);
		(void)init_with(hs, op, NULL, 0);
	}
}
END_TEST

START_TEST(the_other_half_of_a_pair_is_refused)
{
	ROW()
	{
		if (e.pub == e.priv)
			continue;
		ROW_IN(init_with(hs, op, &e.mech, op == ENC || op == VER ? e.priv : e.pub),
		    CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_TYPE_INCONSISTENT,
		    CKR_KEY_TYPE_INCONSISTENT);
	}
}
END_TEST

START_TEST(a_key_that_is_not_there_or_no_key_is_refused)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE data;

	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_text(&t, CKA_VALUE, "x");
	t_bool(&t, CKA_PRIVATE, false);
	CHECK_OK(create(hs, &t, &data));
	ROW()
	{
		if (op == DIG)
			continue;
		ROW_RV(init_with(hs, op, &e.mech, 0), CKR_KEY_HANDLE_INVALID);
		ROW_RV(init_with(hs, op, &e.mech, 0x7ffffff1), CKR_KEY_HANDLE_INVALID);
		ROW_IN(init_with(hs, op, &e.mech, data), CKR_KEY_HANDLE_INVALID,
		    CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_HANDLE_INVALID);
		ROW_RV(init(hs, op), CKR_OK);
		(void)init_with(hs, op, NULL, 0);
	}
}
END_TEST

START_TEST(a_key_without_the_usage_is_refused)
{
	if (!env_make_usage(&e, &rows[_i], false))
		return;
	for (op = ENC; op < OPS; op++)
		if (offers(op) && op != DIG)
			ROW_RV(init(hs, op), CKR_KEY_FUNCTION_NOT_PERMITTED);
}
END_TEST

START_TEST(what_the_info_does_not_promise_is_refused)
{
	if (!env_make(&e, &rows[_i]))
		return;
	for (op = ENC; op < OPS; op++) {
		CK_OBJECT_HANDLE key = key_for(op) != 0 ? key_for(op) : env_wrong_key(&e);

		if (!offers(op))
			ROW_RV(init_with(hs, op, &e.mech, key), CKR_MECHANISM_INVALID);
	}
}
END_TEST

static void
refuse_param(struct env *env, const char *what)
{
	CK_RV rv;

	(void)env;
	rv = init(hs, op);
	CHECK_ROW(rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_ARGUMENTS_BAD, "with %s: %s", what,
	    p11_name(rv));
}

START_TEST(bad_parameters_are_refused_and_start_nothing)
{
	struct io io;
	CK_ULONG n;

	ROW()
	{
		CK_BYTE out[8192];

		env_each_bad_param(&e, refuse_param);
		make_io(&io, e.in, e.in_len);
		n = op == VER ? io.out_len : sizeof(out);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(once(hs, op, io.in, io.in_len, op == VER ? io.out : out, &n), CKR_OK);
	}
}
END_TEST

START_TEST(parameters_are_copied_at_init)
{
	struct io io;
	CK_BYTE out[8192], scratch[64];

	ROW()
	{
		CK_ULONG n = sizeof(out);
		CK_MECHANISM m = e.mech;

		if (e.row->param == P_NONE)
			continue;
		make_io(&io, e.in, e.in_len);
		ck_assert_uint_le(m.ulParameterLen, sizeof(scratch) - 1);
		/* Misaligned, and overwritten before it is used. */
		if (m.ulParameterLen > 0)
			memcpy(scratch + 1, e.mech.pParameter, m.ulParameterLen);
		m.pParameter = scratch + 1;
		ROW_RV(init_with(hs, op, &m, key_for(op)), CKR_OK);
		memset(scratch, 0xff, sizeof(scratch));
		if (op == VER)
			n = io.out_len;
		ROW_RV(once(hs, op, io.in, io.in_len, op == VER ? io.out : out, &n), CKR_OK);
		CHECK_ROW(good(&io, out, n), "%lu bytes are wrong", n);
	}
}
END_TEST

START_TEST(a_changed_byte_is_noticed)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		if (op == VER) {
			make_io(&io, e.in, e.in_len);
			for (CK_ULONG i = 0; i < io.out_len; i++) {
				io.out[i] ^= 0x10;
				ROW_RV(init(hs, op), CKR_OK);
				ROW_IN(once(hs, op, io.in, io.in_len, io.out, &io.out_len),
				    CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE,
				    CKR_SIGNATURE_INVALID);
				io.out[i] ^= 0x10;
			}
			io.in[io.in_len - 1] ^= 1;
			ROW_RV(init(hs, op), CKR_OK);
			ROW_RV(once(hs, op, io.in, io.in_len, io.out, &io.out_len),
			    CKR_SIGNATURE_INVALID);
		} else if (op == DEC && e.row->authentic) {
			make_io(&io, e.in, e.in_len);
			for (CK_ULONG i = 0; i < io.in_len; i++) {
				CK_ULONG n = sizeof(out);

				io.in[i] ^= 1;
				ROW_RV(init(hs, op), CKR_OK);
				ROW_IN(once(hs, op, io.in, io.in_len, out, &n),
				    CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE,
				    CKR_ENCRYPTED_DATA_INVALID);
				io.in[i] ^= 1;
			}
		}
	}
}
END_TEST

START_TEST(every_truncation_is_noticed_and_ends_the_operation)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		make_io(&io, e.in, e.in_len);
		for (CK_ULONG cut = 0; op == VER && cut < io.out_len; cut++) {
			CK_ULONG n = cut;

			/* 3.1: an ECDSA signature may be shorter, both halves alike */
			ROW_RV(init(hs, op), CKR_OK);
			ROW_IN(once(hs, op, io.in, io.in_len, io.out, &n), CKR_SIGNATURE_LEN_RANGE,
			    e.row->key == CKK_EC ? CKR_SIGNATURE_INVALID : CKR_SIGNATURE_LEN_RANGE,
			    CKR_SIGNATURE_LEN_RANGE);
			n = io.out_len;
			ROW_RV(once(hs, op, io.in, io.in_len, io.out, &n),
			    CKR_OPERATION_NOT_INITIALIZED);
		}
		for (CK_ULONG cut = 0; op == DEC && e.row->authentic && cut < io.in_len; cut++) {
			CK_ULONG n = sizeof(out);

			ROW_RV(init(hs, op), CKR_OK);
			ROW_IN(once(hs, op, io.in, cut, out, &n), CKR_ENCRYPTED_DATA_LEN_RANGE,
			    CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_INVALID);
			ROW_RV(once(hs, op, io.in, io.in_len, out, &n),
			    CKR_OPERATION_NOT_INITIALIZED);
		}
	}
}
END_TEST

START_TEST(input_of_an_impossible_length_is_refused)
{
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = sizeof(out), bad;

		if (e.row->any_len || op == DIG || op == VER)
			continue;
		if (e.row->type == CKM_ECDSA || e.row->type == CKM_KMS_SM2PKE)
			continue;
		bad = e.row->shape == CRYPT ? 257 : e.row->shape == SIGN ? 31 : 17;
		if (op == ENC && e.row->type == CKM_AES_KEY_WRAP_KWP)
			continue;
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(once(hs, op, e.in, bad, out, &n),
		    (CK_RV)(op == DEC ? CKR_ENCRYPTED_DATA_LEN_RANGE : CKR_DATA_LEN_RANGE));
		ROW_RV(once(hs, op, e.in, e.in_len, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	}
}
END_TEST

START_TEST(mechanisms_in_one_piece_refuse_parts)
{
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = 0;
		CK_RV rv;

		if (e.row->parts || e.row->key == CKK_EC_EDWARDS)
			continue;
		ROW_RV(init(hs, op), CKR_OK);
		rv = update(hs, op, e.in, e.in_len, out, sizeof(out), &n);
		CHECK_ROW(rv != CKR_OK && rv != CKR_GENERAL_ERROR, "update: %s", p11_name(rv));
		(void)init_with(hs, op, NULL, 0);
		ROW_RV(init(hs, op), CKR_OK);
		(void)init_with(hs, op, NULL, 0);
	}
}
END_TEST

/* -- the order of calls -------------------------------------------------------------------- */

START_TEST(calls_without_init_are_refused)
{
	CK_BYTE out[64];

	for (op = ENC; op < OPS; op++) {
		CK_ULONG n = sizeof(out), len = 0;

		e.row = &rows[0];
		ROW_RV(once(hs, op, out, 4, out, &n), CKR_OPERATION_NOT_INITIALIZED);
		ROW_RV(update(hs, op, out, 4, out, sizeof(out), &len),
		    CKR_OPERATION_NOT_INITIALIZED);
		len = 0;
		ROW_RV(final(hs, op, out, sizeof(out), &len), CKR_OPERATION_NOT_INITIALIZED);
	}
}
END_TEST

START_TEST(a_second_init_is_refused_and_the_first_goes_on)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = sizeof(out);

		make_io(&io, e.in, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(init(hs, op), CKR_OPERATION_ACTIVE);
		if (op == VER)
			n = io.out_len;
		ROW_RV(once(hs, op, io.in, io.in_len, op == VER ? io.out : out, &n), CKR_OK);
		CHECK_ROW(good(&io, out, n), "%lu bytes are wrong", n);
	}
}
END_TEST

START_TEST(one_call_after_parts_is_refused)
{
	CK_BYTE out[8192];
	struct io io;

	ROW()
	{
		CK_ULONG n = 0;

		if (!e.row->parts)
			continue;
		make_io(&io, e.in, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(update(hs, op, io.in, io.in_len, out, sizeof(out), &n), CKR_OK);
		n = op == VER ? io.out_len : sizeof(out);
		ROW_RV(once(hs, op, io.in, io.in_len, op == VER ? io.out : out, &n),
		    CKR_OPERATION_ACTIVE);
		(void)init_with(hs, op, NULL, 0);
	}
}
END_TEST

START_TEST(init_without_a_mechanism_cancels_what_is_active)
{
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = sizeof(out);

		ROW_RV(init_with(hs, op, NULL, key_for(op)), CKR_ARGUMENTS_BAD);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(init_with(hs, op, NULL, 0), CKR_OK);
		ROW_RV(once(hs, op, e.in, e.in_len, out, &n), CKR_OPERATION_NOT_INITIALIZED);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(init_with(hs, op, NULL, key_for(op)), CKR_OK);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(p11v3->C_SessionCancel(hs, op_flag[op]), CKR_OK);
		ROW_RV(once(hs, op, e.in, e.in_len, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	}
}
END_TEST

START_TEST(null_pointers_are_refused_and_end_the_operation)
{
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = sizeof(out);

		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(once(hs, op, NULL, 5, out, &n), CKR_ARGUMENTS_BAD);
		n = sizeof(out);
		ROW_RV(once(hs, op, e.in, e.in_len, out, &n), CKR_OPERATION_NOT_INITIALIZED);
		if (op == VER) {
			ROW_RV(init(hs, op), CKR_OK);
			ROW_IN(p11->C_Verify(hs, e.in, e.in_len, NULL, 5), CKR_ARGUMENTS_BAD,
			    CKR_SIGNATURE_LEN_RANGE, CKR_ARGUMENTS_BAD);
		} else {
			ROW_RV(init(hs, op), CKR_OK);
			ROW_RV(once(hs, op, e.in, e.in_len, out, NULL), CKR_ARGUMENTS_BAD);
		}
		ROW_RV(once(hs, op, e.in, e.in_len, out, &n), CKR_OPERATION_NOT_INITIALIZED);
		if (e.row->parts) {
			CK_ULONG len = 0;

			ROW_RV(init(hs, op), CKR_OK);
			ROW_RV(update(hs, op, NULL, 5, out, sizeof(out), &len), CKR_ARGUMENTS_BAD);
			(void)init_with(hs, op, NULL, 0);
		}
	}
}
END_TEST

START_TEST(a_destroyed_key_cannot_start_anything)
{
	ROW()
	{
		CK_OBJECT_HANDLE key = key_for(op);

		if (op == DIG)
			continue;
		ROW_RV(init(hs, op), CKR_OK);
		(void)init_with(hs, op, NULL, 0);
		ROW_RV(p11->C_DestroyObject(hs, key), CKR_OK);
		ROW_RV(init(hs, op), CKR_KEY_HANDLE_INVALID);
		if (!env_make(&e, &rows[_i]))
			return;
	}
}
END_TEST

static void
add(TCase *t, const TTest *test)
{
	tcase_add_loop_test(t, test, 0, (int)n_rows);
}

int
main(void)
{
	Suite *s = suite_create("p11 mechanisms refuse");
	TCase *t = tcase_create("refuse");

	tcase_add_unchecked_fixture(t, matrix_keys, NULL);
	tcase_add_checked_fixture(t, p11_setup_public, p11_teardown);
	tcase_add_test(t, calls_without_init_are_refused);
	add(t, a_key_of_another_type_is_refused);
	add(t, the_other_half_of_a_pair_is_refused);
	add(t, a_key_that_is_not_there_or_no_key_is_refused);
	add(t, a_key_without_the_usage_is_refused);
	add(t, what_the_info_does_not_promise_is_refused);
	add(t, bad_parameters_are_refused_and_start_nothing);
	add(t, parameters_are_copied_at_init);
	add(t, a_changed_byte_is_noticed);
	add(t, every_truncation_is_noticed_and_ends_the_operation);
	add(t, input_of_an_impossible_length_is_refused);
	add(t, mechanisms_in_one_piece_refuse_parts);
	add(t, a_second_init_is_refused_and_the_first_goes_on);
	add(t, one_call_after_parts_is_refused);
	add(t, init_without_a_mechanism_cancels_what_is_active);
	add(t, null_pointers_are_refused_and_end_the_operation);
	add(t, a_destroyed_key_cannot_start_anything);
	suite_add_tcase(s, t);
	return p11_main(s);
}
