/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every mechanism the module lists, in every form its info promises, against libcrypto: whole, in
 * parts, side by side, and what it says of lengths. The loop index of a test is the row of the
 * matrix.
 */
#include "pkcs11/kms-pkcs11.h"
#include "tests/p11/matrix_use.h"

/* -- the list and the matrix --------------------------------------------------------------- */

START_TEST(every_listed_mechanism_has_a_row)
{
	CK_MECHANISM_TYPE list[256];
	CK_ULONG n = N(list);

	CHECK_OK(p11->C_GetMechanismList(p11_slot, list, &n));
	for (CK_ULONG i = 0; i < n; i++) {
		/* Its keys are the KMS's: kms_test.c. */
		bool known = !p11_is_ours() || list[i] == CKM_KMS_ENCRYPT;

		for (size_t j = 0; j < n_rows; j++)
			known = known || rows[j].type == list[i];
		ck_assert_msg(known, "mechanism 0x%lx is listed, but these tests do not know it",
		    list[i]);
	}
}
END_TEST

START_TEST(every_row_is_listed)
{
	CK_MECHANISM_INFO info;
	CK_RV rv = p11->C_GetMechanismInfo(p11_slot, rows[_i].type, &info);

	if (!p11_is_ours() || rows[_i].type == CKM_AES_CMAC_GENERAL || p11_hsm() != NULL)
		return; /* an HSM need not have all */
	ck_assert_msg(rv == CKR_OK, "%s: %s", rows[_i].name, p11_name(rv));
}
END_TEST

START_TEST(info_has_no_garbage)
{
	const CK_FLAGS facts = CKF_HW | CKF_EC_F_P | 0x00600000UL | CKF_EC_NAMEDCURVE |
	    CKF_EC_UNCOMPRESS | CKF_EC_COMPRESS | 0x04000000UL;
	CK_MECHANISM_INFO info = { 77, 78, (CK_FLAGS)-1 };

	if (p11->C_GetMechanismInfo(p11_slot, rows[_i].type, &info) != CKR_OK)
		return;
	ck_assert_msg((info.flags & ~(facts | rows[_i].flags)) == 0, "%s has flags 0x%lx",
	    rows[_i].name, info.flags);
	ck_assert_msg((info.flags & rows[_i].flags) != 0, "%s can do nothing", rows[_i].name);
	ck_assert_uint_le(info.ulMinKeySize, info.ulMaxKeySize);
	ck_assert_uint_ne(info.ulMinKeySize, 77);
}
END_TEST

/* -- right uses ---------------------------------------------------------------------------- */

START_TEST(one_call_agrees_with_libcrypto)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = sizeof(out);

		make_io(&io, e.in, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		if (op == VER) {
			ROW_RV(once(hs, op, io.in, io.in_len, io.out, &io.out_len), CKR_OK);
			continue;
		}
		ROW_RV(once(hs, op, io.in, io.in_len, out, &n), CKR_OK);
		CHECK_ROW(good(&io, out, n), "%lu bytes are wrong", n);
		ROW_RV(once(hs, op, io.in, io.in_len, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	}
}
END_TEST

/* Whole blocks and not, around the block sizes of ciphers and digests, up to some pages. */
START_TEST(messages_of_many_lengths_agree_with_libcrypto)
{
	static const CK_ULONG lens[] = { 1, 15, 16, 17, 31, 32, 33, 55, 56, 63, 64, 65, 111, 112,
		127, 128, 129, 1000, 1024, 4095, 4096 };
	struct io io;
	CK_BYTE out[8192];

	ROW() for (size_t i = 0; i < N(lens) && e.row->parts; i++)
	{
		CK_ULONG n = sizeof(out);

		if (!e.row->any_len && lens[i] % 16 != 0)
			continue;
		for (size_t j = 0; j < lens[i]; j++)
			e.in[j] = (CK_BYTE)(j ^ (j >> 8));
		make_io(&io, e.in, lens[i]);
		ROW_RV(init(hs, op), CKR_OK);
		if (op == VER) {
			ROW_RV(once(hs, op, io.in, io.in_len, io.out, &io.out_len), CKR_OK);
			continue;
		}
		ROW_RV(once(hs, op, io.in, io.in_len, out, &n), CKR_OK);
		CHECK_ROW(good(&io, out, n), "%lu bytes in: %lu bytes are wrong", lens[i], n);
	}
}
END_TEST

START_TEST(every_split_gives_the_same)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		if (!e.row->parts)
			continue;
		make_io(&io, e.in, e.in_len);
		for (CK_ULONG cut = 0; cut <= io.in_len; cut++) {
			CK_ULONG n = 0;

			ROW_RV(init(hs, op), CKR_OK);
			ROW_RV(update(hs, op, io.in, cut, out, sizeof(out), &n), CKR_OK);
			ROW_RV(update(hs, op, io.in + cut, io.in_len - cut, out, sizeof(out), &n),
			    CKR_OK);
			if (op == VER) {
				ROW_RV(final(hs, op, io.out, 0, &io.out_len), CKR_OK);
				continue;
			}
			ROW_RV(final(hs, op, out, sizeof(out), &n), CKR_OK);
			CHECK_ROW(good(&io, out, n), "cut at %lu: %lu bytes are wrong", cut, n);
			ROW_RV(final(hs, op, out, sizeof(out), &n), CKR_OPERATION_NOT_INITIALIZED);
		}
	}
}
END_TEST

START_TEST(single_bytes_and_empty_parts_give_the_same)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = 0;

		if (!e.row->parts)
			continue;
		make_io(&io, e.in, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		for (CK_ULONG i = 0; i < io.in_len; i++) {
			ROW_RV(update(hs, op, io.in + i, 1, out, sizeof(out), &n), CKR_OK);
			ROW_RV(update(hs, op, io.in + i, 0, out, sizeof(out), &n), CKR_OK);
		}
		if (op == VER) {
			ROW_RV(final(hs, op, io.out, 0, &io.out_len), CKR_OK);
			continue;
		}
		ROW_RV(final(hs, op, out, sizeof(out), &n), CKR_OK);
		CHECK_ROW(good(&io, out, n), "%lu bytes are wrong", n);
	}
}
END_TEST

START_TEST(empty_messages_are_messages)
{
	struct io io;
	CK_BYTE out[1024];

	ROW()
	{
		if (!e.row->any_len)
			continue;
		for (int form = 0; form < 3; form++) {
			CK_ULONG n = sizeof(out);
			CK_BYTE *in;

			make_io(&io, e.in, 0);
			in = form == 0 && io.in_len == 0 ? NULL : io.in;
			ROW_RV(init(hs, op), CKR_OK);
			if (form == 2 && e.row->parts) {
				n = op == VER ? io.out_len : 0;
				if (io.in_len > 0)
					ROW_RV(update(hs, op, in, io.in_len, out, sizeof(out), &n),
					    CKR_OK);
				ROW_RV(final(hs, op, op == VER ? io.out : out, sizeof(out), &n),
				    CKR_OK);
			} else if (op == VER) {
				ROW_RV(once(hs, op, in, io.in_len, io.out, &io.out_len), CKR_OK);
			} else {
				ROW_RV(once(hs, op, in, io.in_len, out, &n), CKR_OK);
			}
			CHECK_ROW(good(&io, out, n), "form %d: %lu bytes are wrong", form, n);
		}
	}
}
END_TEST

START_TEST(two_sessions_do_not_meet)
{
	CK_SESSION_HANDLE other = p11_open(false);
	struct io a, b;
	CK_BYTE out_a[8192], out_b[8192], msg[80];

	ROW()
	{
		CK_ULONG na = 0, nb = 0, cut = 33;

		if (!e.row->parts)
			continue;
		memset(msg, 'b', sizeof(msg));
		make_io(&a, e.in, e.in_len);
		make_io(&b, msg, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(init(other, op), CKR_OK);
		ROW_RV(update(hs, op, a.in, cut, out_a, sizeof(out_a), &na), CKR_OK);
		ROW_RV(update(other, op, b.in, cut, out_b, sizeof(out_b), &nb), CKR_OK);
		ROW_RV(update(hs, op, a.in + cut, a.in_len - cut, out_a, sizeof(out_a), &na),
		    CKR_OK);
		ROW_RV(update(other, op, b.in + cut, b.in_len - cut, out_b, sizeof(out_b), &nb),
		    CKR_OK);
		if (op == VER) {
			ROW_RV(final(other, op, b.out, 0, &b.out_len), CKR_OK);
			ROW_RV(final(hs, op, a.out, 0, &a.out_len), CKR_OK);
			continue;
		}
		ROW_RV(final(other, op, out_b, sizeof(out_b), &nb), CKR_OK);
		ROW_RV(final(hs, op, out_a, sizeof(out_a), &na), CKR_OK);
		CHECK_ROW(good(&a, out_a, na) && good(&b, out_b, nb), "the outputs are mixed");
	}
}
END_TEST

START_TEST(different_operations_of_a_session_run_side_by_side)
{
	CK_MECHANISM sha = { CKM_SHA256, NULL, 0 };
	CK_BYTE want[32], got[32], out[8192];
	struct io io;
	CK_ULONG n = sizeof(want);

	CHECK_OK(p11->C_DigestInit(hs, &sha));
	CHECK_OK(p11->C_Digest(hs, BYTES("abcdef"), want, &n));
	ROW()
	{
		if (op == DIG)
			continue;
		make_io(&io, e.in, e.in_len);
		CHECK_OK(p11->C_DigestInit(hs, &sha));
		CHECK_OK(p11->C_DigestUpdate(hs, BYTES("abc")));
		ROW_RV(init(hs, op), CKR_OK);
		CHECK_OK(p11->C_DigestUpdate(hs, BYTES("def")));
		n = op == VER ? io.out_len : sizeof(out);
		ROW_RV(once(hs, op, io.in, io.in_len, op == VER ? io.out : out, &n), CKR_OK);
		n = sizeof(got);
		CHECK_OK(p11->C_DigestFinal(hs, got, &n));
		ck_assert_mem_eq(got, want, sizeof(want));
	}
}
END_TEST

START_TEST(ciphers_work_in_place)
{
	struct io io;
	CK_BYTE buf[8192];

	ROW()
	{
		CK_ULONG n = sizeof(buf);

		if (op != ENC && op != DEC)
			continue;
		make_io(&io, e.in, e.in_len);
		memcpy(buf, io.in, io.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(once(hs, op, buf, io.in_len, buf, &n), CKR_OK);
		CHECK_ROW(good(&io, buf, n), "%lu bytes are wrong", n);
	}
}
END_TEST

/* -- lengths ------------------------------------------------------------------------------- */

START_TEST(a_length_query_and_a_short_buffer_leave_the_operation_active)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG asked = 0, n = sizeof(out), few;

		if (op == VER)
			continue;
		make_io(&io, e.in, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(once(hs, op, io.in, io.in_len, NULL, &asked), CKR_OK);
		ROW_RV(once(hs, op, io.in, io.in_len, out, &n), CKR_OK);
		CHECK_ROW(asked >= n && asked <= n + 256, "asked %lu, got %lu", asked, n);
		if (n == 0)
			continue;

		/* Buffers end at a page that cannot be touched. */
		ROW_RV(init(hs, op), CKR_OK);
		few = n - 1;
		ROW_RV(once(hs, op, io.in, io.in_len, guarded(few), &few), CKR_BUFFER_TOO_SMALL);
		CHECK_ROW(few >= n && few <= n + 256, "needs %lu, says %lu", n, few);
		few = 0;
		ROW_RV(once(hs, op, io.in, io.in_len, guarded(0), &few), CKR_BUFFER_TOO_SMALL);
		if (p11_is_ours()) {
			/* SM2 does not know before how long its coordinates will be. */
			CK_BYTE *exact = guarded(e.row->type == CKM_KMS_SM2PKE ? asked : n);

			few = e.row->type == CKM_KMS_SM2PKE ? asked : n;
			ROW_RV(once(hs, op, io.in, io.in_len, exact, &few), CKR_OK);
			CHECK_ROW(good(&io, exact, few), "the exact buffer got wrong bytes");
		} else {
			few = sizeof(out);
			ROW_RV(once(hs, op, io.in, io.in_len, out, &few), CKR_OK);
		}
	}
}
END_TEST

START_TEST(the_length_rule_holds_for_parts_too)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = 0, asked = 0, few = 0;

		if (op == VER || !e.row->parts)
			continue;
		make_io(&io, e.in, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		if (op == ENC || op == DEC) {
			CK_RV rv = op == ENC
			    ? p11->C_EncryptUpdate(hs, io.in, io.in_len, NULL, &asked)
			    : p11->C_DecryptUpdate(hs, io.in, io.in_len, NULL, &asked);

			CHECK_ROW(rv == CKR_OK, "update query: %s", p11_name(rv));
		}
		ROW_RV(update(hs, op, io.in, io.in_len, out, sizeof(out), &n), CKR_OK);
		CHECK_ROW(asked >= n || op == DIG || op == SGN, "asked %lu, got %lu", asked, n);
		asked = 0;
		ROW_RV(op == ENC    ? p11->C_EncryptFinal(hs, NULL, &asked)
			: op == DEC ? p11->C_DecryptFinal(hs, NULL, &asked)
			: op == DIG ? p11->C_DigestFinal(hs, NULL, &asked)
				    : p11->C_SignFinal(hs, NULL, &asked),
		    CKR_OK);
		if ((op == DIG || op == SGN) && asked > 0) {
			few = asked - 1;
			ROW_RV(op == DIG ? p11->C_DigestFinal(hs, out, &few)
					 : p11->C_SignFinal(hs, out, &few),
			    CKR_BUFFER_TOO_SMALL);
		}
		few = n;
		ROW_RV(final(hs, op, out, sizeof(out), &n), CKR_OK);
		CHECK_ROW(asked >= n - few, "final asked %lu, got %lu", asked, n - few);
		CHECK_ROW(good(&io, out, n), "%lu bytes are wrong", n);
	}
}
END_TEST

START_TEST(a_short_buffer_for_a_part_does_not_lose_it)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = 0, few = 1;
		CK_RV rv;

		if ((op != ENC && op != DEC) || !e.row->parts)
			continue;
		make_io(&io, e.in, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		rv = op == ENC ? p11->C_EncryptUpdate(hs, io.in, io.in_len, guarded(1), &few)
			       : p11->C_DecryptUpdate(hs, io.in, io.in_len, guarded(1), &few);
		if (rv != CKR_OK) { /* OK when the module keeps everything back */
			ROW_RV(rv, CKR_BUFFER_TOO_SMALL);
			ROW_RV(update(hs, op, io.in, io.in_len, out, sizeof(out), &n), CKR_OK);
		} else
			CHECK_ROW(few == 0, "gave %lu bytes into 1", few);
		ROW_RV(final(hs, op, out, sizeof(out), &n), CKR_OK);
		CHECK_ROW(good(&io, out, n), "%lu bytes are wrong", n);
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
	Suite *s = suite_create("p11 mechanisms");
	TCase *t = tcase_create("matrix");

	tcase_add_unchecked_fixture(t, matrix_keys, NULL);
	tcase_add_checked_fixture(t, p11_setup_public, p11_teardown);
	tcase_add_test(t, every_listed_mechanism_has_a_row);
	add(t, every_row_is_listed);
	add(t, info_has_no_garbage);
	add(t, one_call_agrees_with_libcrypto);
	add(t, messages_of_many_lengths_agree_with_libcrypto);
	add(t, every_split_gives_the_same);
	add(t, single_bytes_and_empty_parts_give_the_same);
	add(t, empty_messages_are_messages);
	add(t, two_sessions_do_not_meet);
	add(t, different_operations_of_a_session_run_side_by_side);
	add(t, ciphers_work_in_place);
	add(t, a_length_query_and_a_short_buffer_leave_the_operation_active);
	add(t, the_length_rule_holds_for_parts_too);
	add(t, a_short_buffer_for_a_part_does_not_lose_it);
	suite_add_tcase(s, t);
	return p11_main(s);
}
