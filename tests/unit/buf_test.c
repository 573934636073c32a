/* SPDX-License-Identifier: Apache-2.0 */
/* Slices, buffers that grow, and the caller's memory. */
#define _GNU_SOURCE 1
#include "tests/unit/unit.h"

START_TEST(slices_are_equal_by_length_and_bytes)
{
	ck_assert(slice_eq(BYTES("ab"), guarded(BYTES("ab"))));
	ck_assert(!slice_eq(BYTES("ab"), BYTES("ac")));
	ck_assert(!slice_eq(BYTES("ab"), BYTES("abc")));
	ck_assert(slice_eq(slice_of(NULL, 0), slice_str("")));
	ck_assert(slice_eq(slice_str(NULL), slice_str("")));
}
END_TEST

START_TEST(slices_are_ordered_by_bytes_then_by_length)
{
	ck_assert_int_lt(slice_cmp(BYTES("a"), BYTES("b")), 0);
	ck_assert_int_lt(slice_cmp(BYTES("a"), BYTES("ab")), 0);
	ck_assert_int_gt(slice_cmp(BYTES("b"), BYTES("ab")), 0);
	ck_assert_int_gt(slice_cmp(BYTES("\xff"), BYTES("\x01")), 0);
	ck_assert_int_eq(slice_cmp(BYTES("ab"), BYTES("ab")), 0);
	ck_assert_int_eq(slice_cmp(slice_of(NULL, 0), slice_str("")), 0);
	ck_assert_int_lt(slice_cmp(slice_of(NULL, 0), BYTES("a")), 0);
}
END_TEST

START_TEST(a_head_is_cut_off_where_there_is_one)
{
	struct slice s = guarded(BYTES("alias/a"));

	ck_assert(!slice_skip(&s, "alias/ab"));
	ck_assert(!slice_skip(&s, "key/"));
	CHECK_BYTES(s, BYTES("alias/a"));
	ck_assert(slice_skip(&s, "alias/"));
	CHECK_BYTES(s, BYTES("a"));
	ck_assert(slice_skip(&s, "a"));
	ck_assert_uint_eq(s.len, 0);
	ck_assert(!slice_skip(&s, "a"));
}
END_TEST

START_TEST(buf_add_appends)
{
	auto_buf b = { 0 };

	CHECK_RC(buf_add(&b, BYTES("one")), KMS_OK);
	CHECK_RC(buf_add(&b, slice_of(NULL, 0)), KMS_OK);
	CHECK_RC(buf_add_byte(&b, '2'), KMS_OK);
	CHECK_BYTES(buf_slice(&b), BYTES("one2"));
}
END_TEST

START_TEST(buf_add_keeps_all_bytes_while_growing)
{
	auto_buf b = { 0 };

	for (unsigned i = 0; i < 100000; i++)
		CHECK_RC(buf_add_byte(&b, (uint8_t)(i * 7)), KMS_OK);
	ck_assert_uint_eq(b.len, 100000);
	for (unsigned i = 0; i < 100000; i++)
		ck_assert_uint_eq(b.p[i], (uint8_t)(i * 7));
}
END_TEST

START_TEST(buf_add_takes_a_part_of_the_buffer_itself)
{
	auto_buf b = { 0 };

	CHECK_RC(buf_add(&b, BYTES("0123456789")), KMS_OK);
	for (unsigned i = 0; i < 8; i++) /* grows on the way */
		CHECK_RC(buf_add(&b, buf_slice(&b)), KMS_OK);
	ck_assert_uint_eq(b.len, 2560);
	for (size_t i = 0; i < b.len; i++)
		ck_assert_uint_eq(b.p[i], '0' + i % 10);
}
END_TEST

START_TEST(buf_add_beyond_the_limit_leaves_the_buffer_alone)
{
	auto_buf b = { 0 };
	uint8_t *p = NULL;

	CHECK_RC(buf_add(&b, BYTES("kept")), KMS_OK);
	CHECK_RC(buf_add(&b, slice_of("", BUF_MAX)), KMS_LIMIT);
	CHECK_RC(buf_extend(&b, SIZE_MAX, &p), KMS_LIMIT);
	CHECK_RC(buf_extend(&b, SIZE_MAX - 3, &p), KMS_LIMIT);
	ck_assert_ptr_null(p);
	CHECK_BYTES(buf_slice(&b), BYTES("kept"));
}
END_TEST

START_TEST(buf_extend_gives_room_at_the_end)
{
	auto_buf b = { 0 };
	uint8_t *p;

	CHECK_RC(buf_extend(&b, 0, &p), KMS_OK);
	ck_assert_uint_eq(b.len, 0);
	CHECK_RC(buf_add(&b, BYTES("ab")), KMS_OK);
	CHECK_RC(buf_extend(&b, 2, &p), KMS_OK);
	memcpy(p, "cd", 2);
	CHECK_BYTES(buf_slice(&b), BYTES("abcd"));
}
END_TEST

START_TEST(buf_set_replaces_even_by_a_part_of_itself)
{
	auto_buf b = { 0 };

	CHECK_RC(buf_set(&b, BYTES("a longer text")), KMS_OK);
	CHECK_RC(buf_set(&b, slice_of(b.p + 2, 6)), KMS_OK);
	CHECK_BYTES(buf_slice(&b), BYTES("longer"));
	CHECK_RC(buf_set(&b, slice_of(NULL, 0)), KMS_OK);
	ck_assert_uint_eq(b.len, 0);
}
END_TEST

START_TEST(buf_clear_wipes_and_keeps_the_memory)
{
	auto_buf b = { 0 };
	uint8_t *was;

	CHECK_RC(buf_add(&b, BYTES("secret")), KMS_OK);
	was = b.p;
	buf_clear(&b);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_ptr_eq(b.p, was);
	ck_assert_mem_eq(was, "\0\0\0\0\0\0", 6);
	buf_clear(&(struct buf){ 0 });
}
END_TEST

START_TEST(buf_free_empties_and_takes_null)
{
	struct buf b = { 0 };

	CHECK_RC(buf_add(&b, BYTES("x")), KMS_OK);
	buf_free(&b);
	ck_assert_ptr_null(b.p);
	ck_assert_uint_eq(b.len + b.cap, 0);
	buf_free(&b);
	buf_free(NULL);
}
END_TEST

START_TEST(buf_move_hands_over)
{
	auto_buf a = { 0 }, b = { 0 };

	CHECK_RC(buf_add(&a, BYTES("old")), KMS_OK);
	CHECK_RC(buf_add(&b, BYTES("new")), KMS_OK);
	buf_move(&a, &b);
	CHECK_BYTES(buf_slice(&a), BYTES("new"));
	ck_assert_ptr_null(b.p);
	buf_move(&a, &a);
	CHECK_BYTES(buf_slice(&a), BYTES("new"));
}
END_TEST

START_TEST(out_add_fills_to_the_last_byte_and_not_beyond)
{
	uint8_t mem[4] = "....";
	struct outbuf o = { .p = mem, .cap = 3 };

	CHECK_RC(out_add(&o, BYTES("ab")), KMS_OK);
	CHECK_RC(out_add(&o, BYTES("cd")), KMS_BUFFER_SMALL);
	ck_assert_uint_eq(o.len, 2);
	CHECK_RC(out_add(&o, BYTES("c")), KMS_OK);
	CHECK_RC(out_add(&o, slice_of(NULL, 0)), KMS_OK);
	CHECK_RC(out_add(&o, BYTES("d")), KMS_BUFFER_SMALL);
	ck_assert_mem_eq(mem, "abc.", 4);
}
END_TEST

START_TEST(size_arithmetic_tells_overflow)
{
	size_t n = 7;

	ck_assert(size_add(SIZE_MAX - 1, 1, &n));
	ck_assert_uint_eq(n, SIZE_MAX);
	ck_assert(!size_add(SIZE_MAX, 1, &n));
	ck_assert(size_mul(3, 4, &n));
	ck_assert_uint_eq(n, 12);
	ck_assert(!size_mul(SIZE_MAX / 2, 3, &n));
}
END_TEST

START_TEST(rc_names_and_texts_are_known)
{
	ck_assert_str_eq(rc_name(KMS_OK), "KMS_OK");
	ck_assert_str_eq(rc_name(KMS_UNAVAILABLE), "KMS_UNAVAILABLE");
	ck_assert_str_eq(rc_text(KMS_NOTFOUND), "not found");
	ck_assert_str_eq(rc_name((enum kms_rc)9999), "KMS_?");
	ck_assert_str_eq(rc_name((enum kms_rc) - 1), "KMS_?");
}
END_TEST

START_TEST(err_set_says_that_a_sentence_was_cut)
{
	struct err err = { "" };
	char fits[sizeof(err.text)], more[sizeof(err.text) + 1];

	memset(fits, 'x', sizeof(fits));
	fits[sizeof(fits) - 1] = '\0';
	CHECK_RC(err_set(&err, KMS_IO, "%s", fits), KMS_IO);
	ck_assert_str_eq(err.text, fits);
	memset(more, 'x', sizeof(more));
	more[sizeof(more) - 1] = '\0';
	err_clear(&err);
	CHECK_RC(err_set(&err, KMS_IO, "%s", more), KMS_IO);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	ck_assert_str_eq(err.text + sizeof(err.text) - 5, "x...");
}
END_TEST

START_TEST(err_set_keeps_the_deeper_sentence)
{
	struct err err = { 0 };

	CHECK_RC(err_set(&err, KMS_IO, "disk %d", 1), KMS_IO);
	CHECK_RC(err_set(&err, KMS_BUSY, "vague"), KMS_BUSY);
	ck_assert_str_eq(err.text, "disk 1");
	err_clear(&err);
	ck_assert_str_eq(err.text, "");
	CHECK_RC(err_set(NULL, KMS_IO, "nobody listens"), KMS_IO);
	err_clear(NULL);
}
END_TEST

START_TEST(err_set_cuts_a_long_sentence)
{
	struct err err = { 0 };

	CHECK_RC(err_set(&err, KMS_IO, "%0400d", 1), KMS_IO);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

int
main(void)
{
	return unit_main(UNIT_SUITE("buf", slices_are_equal_by_length_and_bytes,
	    slices_are_ordered_by_bytes_then_by_length, a_head_is_cut_off_where_there_is_one,
	    buf_add_appends, buf_add_keeps_all_bytes_while_growing,
	    buf_add_takes_a_part_of_the_buffer_itself,
	    buf_add_beyond_the_limit_leaves_the_buffer_alone, buf_extend_gives_room_at_the_end,
	    buf_set_replaces_even_by_a_part_of_itself, buf_clear_wipes_and_keeps_the_memory,
	    buf_free_empties_and_takes_null, buf_move_hands_over,
	    out_add_fills_to_the_last_byte_and_not_beyond, size_arithmetic_tells_overflow,
	    rc_names_and_texts_are_known, err_set_says_that_a_sentence_was_cut,
	    err_set_keeps_the_deeper_sentence, err_set_cuts_a_long_sentence));
}
