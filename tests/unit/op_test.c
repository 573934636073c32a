/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: what they answer to lengths, buffers and wrong turns, and what ends them (3.0 5.2).
 */
#define _GNU_SOURCE 1
#include "pkcs11/session.h"

#include "tests/unit/rv.h"

/*
 * A use that turns each byte over and counts what is done with it; final gives the two bytes "##",
 * and so does signing. Whatever `fails` says happens instead of work.
 */
struct fake {
	struct use use;
	enum kms_rc fails;
	unsigned done;
	struct slice last_in;
};

static unsigned freed;
static struct token token;
static struct session s;

static enum kms_rc
give(struct fake *f, struct slice bytes, bool turned, struct outbuf *out, size_t *need)
{
	size_t i;

	if (f->fails != KMS_OK)
		return f->fails;
	if (out->cap < bytes.len) {
		*need = bytes.len;
		return KMS_BUFFER_SMALL;
	}
	/* As a stream cipher does it: output is written before the rest of the input is read. */
	for (i = 0; i < bytes.len; i++)
		out->p[i] = turned ? (uint8_t)~bytes.p[i] : bytes.p[i];
	out->len = bytes.len;
	f->done++;
	return KMS_OK;
}

static enum kms_rc
fake_update(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct fake *f = (struct fake *)u;

	f->last_in = in;
	if (u->kind == USE_ENCRYPT || u->kind == USE_DECRYPT)
		return give(f, in, true, out, need);
	f->done += f->fails == KMS_OK;
	return f->fails;
}

static enum kms_rc
fake_final(struct use *u, struct outbuf *out, size_t *need)
{
	return give((struct fake *)u, BYTES("##"), false, out, need);
}

static enum kms_rc
fake_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct fake *f = (struct fake *)u;

	f->last_in = in;
	if (u->kind == USE_ENCRYPT || u->kind == USE_DECRYPT)
		return give(f, in, true, out, need);
	return fake_final(u, out, need);
}

static enum kms_rc
fake_check(struct use *u, struct slice sig)
{
	struct fake *f = (struct fake *)u;

	if (f->fails != KMS_OK)
		return f->fails;
	f->done++;
	return slice_eq(sig, BYTES("##")) ? KMS_OK : KMS_BAD_SIGNATURE;
}

static enum kms_rc
fake_check_once(struct use *u, struct slice in, struct slice sig)
{
	((struct fake *)u)->last_in = in;
	return fake_check(u, sig);
}

static size_t
fake_bound(const struct use *u, size_t in_len, bool final)
{
	if (u->kind != USE_ENCRYPT && u->kind != USE_DECRYPT)
		return 2;
	return in_len > 0 || !final ? in_len : 2;
}

static void
fake_free(struct use *u)
{
	freed++;
	free(u);
}

static const struct use_ops fake_ops = { fake_free, NULL, fake_update, fake_final, fake_once,
	fake_check, fake_check_once, fake_bound };

/* Begins a multi-part operation of KIND, as Init would leave it. */
static struct fake *
begin(enum use_kind kind)
{
	struct fake *f = calloc(1, sizeof(*f));

	ck_assert_ptr_nonnull(f);
	f->use = (struct use){ .ops = &fake_ops, .kind = kind, .multipart = true };
	op_free(&s.op[kind]);
	s.op[kind].use = &f->use;
	s.op[kind].phase = OP_READY;
	freed = 0;
	return f;
}

static bool
active(enum use_kind kind)
{
	return s.op[kind].phase != OP_IDLE;
}

static void
setup(void)
{
	s = (struct session){ .token = &token, .flags = CKF_SERIAL_SESSION };
}

static void
teardown(void)
{
	for (size_t i = 0; i < USE_KINDS; i++)
		op_free(&s.op[i]);
}

/* -- not begun -- */

START_TEST(nothing_works_before_init)
{
	CK_BYTE b[4] = { 0 };
	CK_ULONG len = sizeof(b);

	CHECK_RV(op_once(&s, USE_ENCRYPT, b, 4, b, &len), CKR_OPERATION_NOT_INITIALIZED);
	CHECK_RV(op_update(&s, USE_DIGEST, b, 4, NULL, NULL), CKR_OPERATION_NOT_INITIALIZED);
	CHECK_RV(op_final(&s, USE_SIGN, b, &len), CKR_OPERATION_NOT_INITIALIZED);
	CHECK_RV(op_check(&s, b, 4, b, 4), CKR_OPERATION_NOT_INITIALIZED);
	CHECK_RV(op_check_final(&s, b, 4), CKR_OPERATION_NOT_INITIALIZED);
}
END_TEST

START_TEST(an_active_operation_refuses_another_init_and_goes_on)
{
	CK_MECHANISM m = { CKM_SHA256, NULL, 0 };

	begin(USE_DIGEST);
	CHECK_RV(op_init(&s, USE_DIGEST, &m, 0), CKR_OPERATION_ACTIVE);
	ck_assert(active(USE_DIGEST));
}
END_TEST

START_TEST(init_without_mechanism_cancels_what_is_active)
{
	begin(USE_SIGN);
	CHECK_RV(op_init(&s, USE_SIGN, NULL, 0), CKR_OK);
	ck_assert(!active(USE_SIGN));
	ck_assert_uint_eq(freed, 1);
	CHECK_RV(op_init(&s, USE_SIGN, NULL, 0), CKR_ARGUMENTS_BAD);
}
END_TEST

START_TEST(operations_of_different_kinds_do_not_meet)
{
	CK_BYTE out[4];
	CK_ULONG len = sizeof(out);

	begin(USE_DIGEST);
	begin(USE_SIGN);
	CHECK_RV(op_update(&s, USE_DIGEST, NULL, 0, NULL, NULL), CKR_OK);
	CHECK_RV(op_once(&s, USE_SIGN, NULL, 0, out, &len), CKR_OK);
	ck_assert(active(USE_DIGEST));
	ck_assert(!active(USE_SIGN));
}
END_TEST

/* -- lengths and buffers -- */

START_TEST(a_length_query_tells_the_length_and_ends_nothing)
{
	struct fake *f = begin(USE_ENCRYPT);
	CK_ULONG len = 0;

	CHECK_RV(op_once(&s, USE_ENCRYPT, (CK_BYTE *)"abc", 3, NULL, &len), CKR_OK);
	ck_assert_uint_eq(len, 3);
	ck_assert_uint_eq(f->done, 0);
	ck_assert(active(USE_ENCRYPT));
	f = begin(USE_ENCRYPT);
	CHECK_RV(op_update(&s, USE_ENCRYPT, (CK_BYTE *)"abcd", 4, NULL, &len), CKR_OK);
	ck_assert_uint_eq(len, 4);
	CHECK_RV(op_final(&s, USE_ENCRYPT, NULL, &len), CKR_OK);
	ck_assert_uint_eq(len, 2);
	ck_assert_uint_eq(f->done, 0);
	ck_assert(active(USE_ENCRYPT));
}
END_TEST

START_TEST(a_short_buffer_tells_the_length_and_ends_nothing)
{
	struct fake *f = begin(USE_ENCRYPT);
	CK_BYTE out[3];
	CK_ULONG len = 2;

	CHECK_RV(op_once(&s, USE_ENCRYPT, (CK_BYTE *)"abc", 3, out, &len), CKR_BUFFER_TOO_SMALL);
	ck_assert_uint_eq(len, 3);
	CHECK_RV(op_once(&s, USE_ENCRYPT, (CK_BYTE *)"abc", 3, out, &len), CKR_OK);
	ck_assert_uint_eq(len, 3);
	ck_assert_uint_eq(f->done, 1);
	ck_assert(!active(USE_ENCRYPT));
}
END_TEST

START_TEST(a_short_buffer_in_parts_ends_nothing)
{
	CK_BYTE out[3];
	CK_ULONG len = 0;

	begin(USE_DECRYPT);
	CHECK_RV(op_update(&s, USE_DECRYPT, (CK_BYTE *)"abc", 3, out, &len), CKR_BUFFER_TOO_SMALL);
	CHECK_RV(op_update(&s, USE_DECRYPT, (CK_BYTE *)"abc", 3, out, &len), CKR_OK);
	len = 1;
	CHECK_RV(op_final(&s, USE_DECRYPT, out, &len), CKR_BUFFER_TOO_SMALL);
	ck_assert_uint_eq(len, 2);
	CHECK_RV(op_final(&s, USE_DECRYPT, out, &len), CKR_OK);
	ck_assert(!active(USE_DECRYPT));
}
END_TEST

START_TEST(a_finished_use_is_kept)
{
	CK_BYTE out[3];
	CK_ULONG len = 3;

	begin(USE_ENCRYPT);
	CHECK_RV(op_once(&s, USE_ENCRYPT, (CK_BYTE *)"abc", 3, out, &len), CKR_OK);
	ck_assert(!active(USE_ENCRYPT));
	ck_assert_uint_eq(freed, 0);
	ck_assert_ptr_nonnull(s.op[USE_ENCRYPT].use);
}
END_TEST

START_TEST(a_misaligned_length_is_read_and_written)
{
	struct __attribute__((packed)) {
		char pad;
		CK_ULONG len;
	} odd = { 0, 8 };
	CK_ULONG *p;
	CK_BYTE out[8];

	memcpy(&p, &(char *){ (char *)&odd + 1 }, sizeof(p));
	begin(USE_ENCRYPT);
	CHECK_RV(op_once(&s, USE_ENCRYPT, (CK_BYTE *)"abc", 3, out, p), CKR_OK);
	ck_assert_uint_eq(odd.len, 3);
}
END_TEST

/* -- what ends an operation -- */

START_TEST(any_other_error_ends_it_and_drops_the_use)
{
	CK_BYTE out[3];
	CK_ULONG len = 3;

	begin(USE_ENCRYPT)->fails = KMS_BAD_LEN;
	CHECK_RV(op_once(&s, USE_ENCRYPT, (CK_BYTE *)"abc", 3, out, &len), CKR_DATA_LEN_RANGE);
	ck_assert(!active(USE_ENCRYPT));
	ck_assert_uint_eq(freed, 1);
	CHECK_RV(op_final(&s, USE_ENCRYPT, out, &len), CKR_OPERATION_NOT_INITIALIZED);
}
END_TEST

START_TEST(bad_arguments_end_it)
{
	CK_BYTE out[4];
	CK_ULONG len = 4;

	begin(USE_ENCRYPT);
	CHECK_RV(op_once(&s, USE_ENCRYPT, NULL, 1, out, &len), CKR_ARGUMENTS_BAD);
	ck_assert(!active(USE_ENCRYPT));
	begin(USE_ENCRYPT);
	CHECK_RV(op_update(&s, USE_ENCRYPT, out, 1, out, NULL), CKR_ARGUMENTS_BAD);
	ck_assert(!active(USE_ENCRYPT));
	begin(USE_SIGN);
	CHECK_RV(op_final(&s, USE_SIGN, out, NULL), CKR_ARGUMENTS_BAD);
	ck_assert(!active(USE_SIGN));
	begin(USE_VERIFY);
	CHECK_RV(op_check(&s, out, 1, NULL, 2), CKR_ARGUMENTS_BAD);
	ck_assert(!active(USE_VERIFY));
	begin(USE_VERIFY);
	CHECK_RV(op_check_final(&s, NULL, 2), CKR_ARGUMENTS_BAD);
	ck_assert(!active(USE_VERIFY));
}
END_TEST

START_TEST(empty_data_is_data_and_needs_no_pointer)
{
	struct fake *f = begin(USE_ENCRYPT);
	CK_BYTE out[4];
	CK_ULONG len = 4;

	CHECK_RV(op_update(&s, USE_ENCRYPT, NULL, 0, out, &len), CKR_OK);
	ck_assert_uint_eq(len, 0);
	ck_assert_uint_eq(f->done, 1);
	f = begin(USE_VERIFY);
	CHECK_RV(op_check(&s, NULL, 0, (CK_BYTE *)"##", 2), CKR_OK);
	ck_assert_uint_eq(f->done, 1);
}
END_TEST

START_TEST(a_length_beyond_reason_is_refused_before_it_is_read)
{
	CK_BYTE b = 0;
	CK_ULONG len = 1;

	begin(USE_ENCRYPT);
	CHECK_RV(op_once(&s, USE_ENCRYPT, &b, (CK_ULONG)-1, NULL, &len), CKR_DATA_LEN_RANGE);
	ck_assert_uint_eq(len, 1);
	ck_assert(!active(USE_ENCRYPT));
	begin(USE_DECRYPT);
	CHECK_RV(op_update(&s, USE_DECRYPT, &b, (CK_ULONG)1 << 40, &b, &len),
	    CKR_ENCRYPTED_DATA_LEN_RANGE);
	ck_assert(!active(USE_DECRYPT));
	begin(USE_DIGEST);
	CHECK_RV(op_update(&s, USE_DIGEST, &b, (CK_ULONG)1 << 40, NULL, NULL), CKR_ARGUMENTS_BAD);
	ck_assert(!active(USE_DIGEST));
}
END_TEST

START_TEST(once_after_a_part_is_refused_and_ends_it)
{
	CK_BYTE out[4];
	CK_ULONG len = 4;

	begin(USE_SIGN);
	CHECK_RV(op_update(&s, USE_SIGN, (CK_BYTE *)"a", 1, NULL, NULL), CKR_OK);
	CHECK_RV(op_once(&s, USE_SIGN, (CK_BYTE *)"b", 1, out, &len), CKR_OPERATION_ACTIVE);
	ck_assert(!active(USE_SIGN));
	begin(USE_VERIFY);
	CHECK_RV(op_update(&s, USE_VERIFY, (CK_BYTE *)"a", 1, NULL, NULL), CKR_OK);
	CHECK_RV(op_check(&s, (CK_BYTE *)"b", 1, out, 2), CKR_OPERATION_ACTIVE);
	ck_assert(!active(USE_VERIFY));
}
END_TEST

START_TEST(a_part_after_a_question_to_once_is_refused_and_ends_it)
{
	CK_BYTE out[4];
	CK_ULONG len = 0;

	begin(USE_ENCRYPT);
	CHECK_RV(op_once(&s, USE_ENCRYPT, (CK_BYTE *)"abc", 3, NULL, &len), CKR_OK);
	CHECK_RV(op_update(&s, USE_ENCRYPT, (CK_BYTE *)"abc", 3, out, &len), CKR_OPERATION_ACTIVE);
	ck_assert(!active(USE_ENCRYPT));
	begin(USE_DIGEST);
	len = 1;
	CHECK_RV(op_once(&s, USE_DIGEST, (CK_BYTE *)"abc", 3, out, &len), CKR_BUFFER_TOO_SMALL);
	CHECK_RV(op_final(&s, USE_DIGEST, out, &len), CKR_OPERATION_ACTIVE);
	ck_assert(!active(USE_DIGEST));
}
END_TEST

START_TEST(parts_of_what_comes_in_one_piece_are_not_supported)
{
	CK_BYTE out[4];
	CK_ULONG len = 4;

	begin(USE_SIGN)->use.multipart = false;
	CHECK_RV(op_update(&s, USE_SIGN, out, 1, NULL, NULL), CKR_FUNCTION_NOT_SUPPORTED);
	ck_assert(!active(USE_SIGN));
	begin(USE_SIGN)->use.multipart = false;
	CHECK_RV(op_final(&s, USE_SIGN, out, &len), CKR_FUNCTION_NOT_SUPPORTED);
	begin(USE_VERIFY)->use.multipart = false;
	CHECK_RV(op_check_final(&s, out, 2), CKR_FUNCTION_NOT_SUPPORTED);
	begin(USE_SIGN)->use.multipart = false;
	CHECK_RV(op_once(&s, USE_SIGN, out, 1, out, &len), CKR_OK);
}
END_TEST

START_TEST(final_without_parts_is_the_empty_message)
{
	struct fake *f = begin(USE_SIGN);
	CK_BYTE out[2];
	CK_ULONG len = 2;

	CHECK_RV(op_final(&s, USE_SIGN, out, &len), CKR_OK);
	ck_assert_uint_eq(f->done, 1);
	f = begin(USE_VERIFY);
	CHECK_RV(op_check_final(&s, out, 2), CKR_OK);
	ck_assert_uint_eq(f->done, 1);
}
END_TEST

/* -- errors by kind -- */

START_TEST(errors_are_named_after_what_is_done)
{
	const struct {
		enum use_kind kind;
		enum kms_rc rc;
		CK_RV rv;
	} cases[] = {
		{ USE_ENCRYPT, KMS_BAD_LEN, CKR_DATA_LEN_RANGE },
		{ USE_ENCRYPT, KMS_BAD_DATA, CKR_DATA_INVALID },
		{ USE_DECRYPT, KMS_BAD_LEN, CKR_ENCRYPTED_DATA_LEN_RANGE },
		{ USE_DECRYPT, KMS_LIMIT, CKR_ENCRYPTED_DATA_LEN_RANGE },
		{ USE_DECRYPT, KMS_BAD_DATA, CKR_ENCRYPTED_DATA_INVALID },
		{ USE_SIGN, KMS_BAD_LEN, CKR_DATA_LEN_RANGE },
		{ USE_SIGN, KMS_BAD_DATA, CKR_DATA_INVALID },
		{ USE_DIGEST, KMS_NOMEM, CKR_HOST_MEMORY },
	};
	CK_BYTE out[4];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CK_ULONG len = sizeof(out);

		begin(cases[i].kind)->fails = cases[i].rc;
		CHECK_RV(op_once(&s, cases[i].kind, out, 1, out, &len), cases[i].rv);
	}
}
END_TEST

START_TEST(verify_tells_wrong_signatures_from_wrong_lengths_and_ends_either_way)
{
	begin(USE_VERIFY);
	CHECK_RV(op_check(&s, NULL, 0, (CK_BYTE *)"no", 2), CKR_SIGNATURE_INVALID);
	ck_assert(!active(USE_VERIFY));
	begin(USE_VERIFY)->fails = KMS_SIGNATURE_LEN;
	CHECK_RV(op_check(&s, NULL, 0, NULL, 0), CKR_SIGNATURE_LEN_RANGE);
	ck_assert(!active(USE_VERIFY));
}
END_TEST

/* -- overlapping buffers -- */

START_TEST(in_place_is_passed_through)
{
	struct fake *f = begin(USE_ENCRYPT);
	CK_BYTE b[] = { 0, 1, 2 };
	CK_ULONG len = 3;

	CHECK_RV(op_once(&s, USE_ENCRYPT, b, 3, b, &len), CKR_OK);
	ck_assert_ptr_eq(f->last_in.p, b);
	ck_assert_mem_eq(b, "\xff\xfe\xfd", 3);
}
END_TEST

START_TEST(output_over_input_still_to_be_read_is_right)
{
	const CK_BYTE want[] = { 0xff, 0xfe, 0xfd, 0xfc };
	const struct {
		size_t in, out;
	} cases[] = { { 0, 1 }, { 1, 0 }, { 0, 3 }, { 3, 0 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CK_BYTE b[8] = { 0 };
		CK_ULONG len = 4;

		memcpy(b + cases[i].in, "\0\1\2\3", 4);
		begin(USE_ENCRYPT);
		CHECK_RV(op_update(&s, USE_ENCRYPT, b + cases[i].in, 4, b + cases[i].out, &len),
		    CKR_OK);
		ck_assert_mem_eq(b + cases[i].out, want, 4);
	}
}
END_TEST

START_TEST(neighbours_do_not_overlap_even_when_too_much_room_is_claimed)
{
	struct fake *f = begin(USE_ENCRYPT);
	CK_BYTE b[8] = { 0 };
	CK_ULONG len = (CK_ULONG)-1;

	CHECK_RV(op_update(&s, USE_ENCRYPT, b + 4, 4, b, &len), CKR_OK);
	ck_assert_ptr_eq(f->last_in.p, b + 4);
	ck_assert_uint_eq(len, 4);
	len = 4;
	CHECK_RV(op_update(&s, USE_ENCRYPT, b, 4, b + 4, &len), CKR_OK);
	ck_assert_ptr_eq(f->last_in.p, b);
}
END_TEST

/* -- context-specific login -- */

START_TEST(a_use_before_its_login_is_refused_and_ends_it)
{
	CK_BYTE out[2];
	CK_ULONG len = 2;

	begin(USE_SIGN);
	s.op[USE_SIGN].need_login = true;
	ck_assert(op_needs_login(&s));
	CHECK_RV(op_once(&s, USE_SIGN, NULL, 0, out, &len), CKR_USER_NOT_LOGGED_IN);
	ck_assert(!active(USE_SIGN));
	ck_assert(!op_needs_login(&s));
	begin(USE_SIGN);
	s.op[USE_SIGN].need_login = true;
	CHECK_RV(op_update(&s, USE_SIGN, NULL, 0, NULL, NULL), CKR_USER_NOT_LOGGED_IN);
	ck_assert(!active(USE_SIGN));
}
END_TEST

START_TEST(a_length_query_needs_no_login)
{
	CK_ULONG len = 0;

	begin(USE_SIGN);
	s.op[USE_SIGN].need_login = true;
	CHECK_RV(op_once(&s, USE_SIGN, NULL, 0, NULL, &len), CKR_OK);
	ck_assert_uint_eq(len, 2);
	ck_assert(op_needs_login(&s));
}
END_TEST

START_TEST(a_login_lets_the_waiting_operation_go_on)
{
	CK_BYTE out[2];
	CK_ULONG len = 2;

	begin(USE_SIGN);
	s.op[USE_SIGN].need_login = true;
	op_authenticated(&s);
	ck_assert(!op_needs_login(&s));
	CHECK_RV(op_once(&s, USE_SIGN, NULL, 0, out, &len), CKR_OK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("op");
	TCase *c = tcase_create("op");
	const TTest *const tests[] = {
		nothing_works_before_init,
		an_active_operation_refuses_another_init_and_goes_on,
		init_without_mechanism_cancels_what_is_active,
		operations_of_different_kinds_do_not_meet,
		a_length_query_tells_the_length_and_ends_nothing,
		a_short_buffer_tells_the_length_and_ends_nothing,
		a_short_buffer_in_parts_ends_nothing,
		a_finished_use_is_kept,
		a_misaligned_length_is_read_and_written,
		any_other_error_ends_it_and_drops_the_use,
		bad_arguments_end_it,
		empty_data_is_data_and_needs_no_pointer,
		a_length_beyond_reason_is_refused_before_it_is_read,
		once_after_a_part_is_refused_and_ends_it,
		a_part_after_a_question_to_once_is_refused_and_ends_it,
		parts_of_what_comes_in_one_piece_are_not_supported,
		final_without_parts_is_the_empty_message,
		errors_are_named_after_what_is_done,
		verify_tells_wrong_signatures_from_wrong_lengths_and_ends_either_way,
		in_place_is_passed_through,
		output_over_input_still_to_be_read_is_right,
		neighbours_do_not_overlap_even_when_too_much_room_is_claimed,
		a_use_before_its_login_is_refused_and_ends_it,
		a_length_query_needs_no_login,
		a_login_lets_the_waiting_operation_go_on,
	};

	tcase_add_checked_fixture(c, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(suite, c);
	return unit_main(suite);
}
