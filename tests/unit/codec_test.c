/* SPDX-License-Identifier: Apache-2.0 */
/* Hex, base64, UTF-8 and records: what goes out comes back, and every other spelling is refused. */
#define _GNU_SOURCE 1
#include "base/codec.h"

#include "tests/unit/unit.h"

START_TEST(hex_is_lower_case_and_ends_with_nul)
{
	char text[7];

	ck_assert(hex_encode(guarded(BYTES("\x00\xab\xf9")), text, sizeof(text)));
	ck_assert_str_eq(text, "00abf9");
	ck_assert(hex_encode(slice_of(NULL, 0), text, 1));
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(hex_that_does_not_fit_is_empty)
{
	char text[6] = "xxxxx";

	ck_assert(!hex_encode(BYTES("\x00\xab\xf9"), text, sizeof(text)));
	ck_assert_str_eq(text, "");
	ck_assert(!hex_encode(slice_of(NULL, 0), text, 0));
}
END_TEST

START_TEST(hex_of_either_case_is_read)
{
	auto_buf b = { 0 };

	CHECK_RC(buf_add_byte(&b, 1), KMS_OK);
	CHECK_RC(hex_decode(guarded(BYTES("00aBf9FF")), &b), KMS_OK);
	CHECK_BYTES(buf_slice(&b), BYTES("\x01\x00\xab\xf9\xff"));
}
END_TEST

START_TEST(bad_hex_is_refused_and_nothing_appended)
{
	static const char *const bad[] = { "0", "0g", "g0", "00 1", " 00", "0x00", "00\n0", "-1",
		"/0", ":0", "@0", "`0" };
	auto_buf b = { 0 };

	CHECK_RC(buf_add(&b, BYTES("kept")), KMS_OK);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK_RC(hex_decode(guarded(slice_str(bad[i])), &b), KMS_BAD_DATA);
		CHECK_BYTES(buf_slice(&b), BYTES("kept"));
	}
}
END_TEST

/* RFC 4648 §10. */
static const struct {
	const char *plain, *text;
} base64_vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+" },
};

START_TEST(base64_is_as_the_rfc_says)
{
	auto_buf text = { 0 }, plain = { 0 };

	CHECK_RC(base64_encode(guarded(slice_str(base64_vectors[_i].plain)), &text), KMS_OK);
	CHECK_BYTES(buf_slice(&text), slice_str(base64_vectors[_i].text));
	CHECK_RC(base64_decode(guarded(slice_str(base64_vectors[_i].text)), &plain), KMS_OK);
	CHECK_BYTES(buf_slice(&plain), slice_str(base64_vectors[_i].plain));
}
END_TEST

START_TEST(bad_base64_is_refused_and_nothing_appended)
{
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg===", "=",
		"==", "====", "Zg==Zg==", "Zm8=Zm8=", "Z===", "Zm9v\n", "Zm 9", "Zm9-", "Zm9_",
		"Zh==", "Zm9=", "Z=g=", "Zg=a", "Zm9vYg", "Zm9vY===", "Zm9v====" };
	auto_buf b = { 0 };

	CHECK_RC(buf_add(&b, BYTES("kept")), KMS_OK);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(base64_decode(guarded(slice_str(bad[i])), &b) == KMS_BAD_DATA,
		    "%s is taken", bad[i]);
		CHECK_BYTES(buf_slice(&b), BYTES("kept"));
	}
}
END_TEST

START_TEST(every_byte_comes_back_from_hex_and_base64)
{
	auto_buf all = { 0 }, text = { 0 }, back = { 0 };
	char hex[2 * 256 + 1];

	for (unsigned i = 0; i < 256; i++)
		CHECK_RC(buf_add_byte(&all, (uint8_t)i), KMS_OK);
	CHECK_RC(base64_encode(buf_slice(&all), &text), KMS_OK);
	CHECK_RC(base64_decode(buf_slice(&text), &back), KMS_OK);
	CHECK_BYTES(buf_slice(&back), buf_slice(&all));
	buf_clear(&back);
	ck_assert(hex_encode(buf_slice(&all), hex, sizeof(hex)));
	CHECK_RC(hex_decode(slice_str(hex), &back), KMS_OK);
	CHECK_BYTES(buf_slice(&back), buf_slice(&all));
}
END_TEST

START_TEST(well_formed_utf8_is_valid)
{
	static const char *const good[] = { "", "plain", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf", "\xe5\xaf\x86\xe9\x92\xa5 1" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ck_assert(utf8_valid(guarded(slice_str(good[i]))));
	ck_assert(utf8_valid(BYTES("a\0b")));
}
END_TEST

START_TEST(ill_formed_utf8_is_not_valid)
{
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2",
		"\xc2\x20", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe1\x80", "\xe1\x80\x20",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
		"\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff",
		"ok\xe5\xaf" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!utf8_valid(guarded(slice_str(bad[i]))), "case %zu is taken", i);
}
END_TEST

START_TEST(a_record_comes_back)
{
	auto_buf b = { 0 };
	struct writer w = writer_of(&b);
	struct reader r;

	write_u8(&w, 0xfe);
	write_u32(&w, 0x01020304);
	write_bytes(&w, BYTES("text"));
	write_bytes(&w, slice_of(NULL, 0));
	write_u64(&w, 0xfffefdfcfbfaf9f8);
	CHECK_RC(w.rc, KMS_OK);
	ck_assert_mem_eq(b.p, "\xfe\x01\x02\x03\x04\x00\x00\x00\x04text", 13);

	r = reader_of(guarded(buf_slice(&b)));
	ck_assert_uint_eq(read_u8(&r), 0xfe);
	ck_assert_uint_eq(read_u32(&r), 0x01020304);
	CHECK_BYTES(read_bytes(&r), BYTES("text"));
	ck_assert_uint_eq(read_bytes(&r).len, 0);
	ck_assert(!reader_done(&r));
	ck_assert_uint_eq(read_u64(&r), 0xfffefdfcfbfaf9f8);
	ck_assert(reader_done(&r));
}
END_TEST

START_TEST(bytes_of_another_length_than_expected_are_bad)
{
	auto_buf b = { 0 };
	struct writer w = writer_of(&b);
	struct reader r;
	char got[4] = "old";

	write_bytes(&w, BYTES("new"));
	write_bytes(&w, BYTES("longer"));
	CHECK_RC(w.rc, KMS_OK);
	r = reader_of(guarded(buf_slice(&b)));
	read_exact(&r, got, 3);
	ck_assert_str_eq(got, "new");
	ck_assert(!r.bad);
	read_exact(&r, got, 3);
	ck_assert(r.bad);
	ck_assert_str_eq(got, "new");
}
END_TEST

START_TEST(every_truncation_of_a_record_is_noticed)
{
	auto_buf b = { 0 };
	struct writer w = writer_of(&b);

	write_u32(&w, 7);
	write_bytes(&w, BYTES("some text"));
	write_u8(&w, 1);
	CHECK_RC(w.rc, KMS_OK);
	for (size_t len = 0; len < b.len; len++) {
		struct reader r = reader_of(guarded(slice_of(b.p, len)));

		(void)read_u32(&r);
		(void)read_bytes(&r);
		(void)read_u8(&r);
		ck_assert(r.bad);
		ck_assert(!reader_done(&r));
	}
}
END_TEST

START_TEST(a_reader_that_went_bad_gives_zeros_even_where_bytes_are_left)
{
	struct reader r = reader_of(guarded(BYTES("\xff\xff\xff\xff\x01\x02\x03\x04")));

	ck_assert_uint_eq(read_bytes(&r).len, 0);
	ck_assert(r.bad);
	ck_assert_uint_eq(read_u8(&r), 0);
	ck_assert_uint_eq(read_u32(&r), 0);
	ck_assert_uint_eq(read_u64(&r), 0);
	ck_assert_ptr_null(read_bytes(&r).p);
	ck_assert(!reader_done(&r));
}
END_TEST

START_TEST(an_empty_input_reads_as_done)
{
	struct reader r = reader_of(slice_of(NULL, 0));

	ck_assert(reader_done(&r));
	ck_assert_uint_eq(read_u8(&r), 0);
	ck_assert(r.bad);
}
END_TEST

START_TEST(a_writer_remembers_its_first_error)
{
	auto_buf b = { 0 };
	struct writer w = writer_of(&b);

	write_u8(&w, 1);
	write_bytes(&w, slice_of("", BUF_MAX));
	CHECK_RC(w.rc, KMS_LIMIT);
	write_u8(&w, 2);
	write_u64(&w, 3);
	CHECK_RC(w.rc, KMS_LIMIT);
	ck_assert_uint_le(b.len, 5);
}
END_TEST

START_TEST(bytes_longer_than_a_u32_are_refused)
{
	auto_buf b = { 0 };
	struct writer w = writer_of(&b);

	write_bytes(&w, slice_of("", (size_t)UINT32_MAX + 1));
	CHECK_RC(w.rc, KMS_LIMIT);
	ck_assert_uint_eq(b.len, 0);
}
END_TEST

int
main(void)
{
	Suite *s = UNIT_SUITE("codec", hex_is_lower_case_and_ends_with_nul,
	    hex_that_does_not_fit_is_empty, hex_of_either_case_is_read,
	    bad_hex_is_refused_and_nothing_appended, bad_base64_is_refused_and_nothing_appended,
	    every_byte_comes_back_from_hex_and_base64, well_formed_utf8_is_valid,
	    ill_formed_utf8_is_not_valid, a_record_comes_back,
	    bytes_of_another_length_than_expected_are_bad, every_truncation_of_a_record_is_noticed,
	    a_reader_that_went_bad_gives_zeros_even_where_bytes_are_left,
	    an_empty_input_reads_as_done, a_writer_remembers_its_first_error,
	    bytes_longer_than_a_u32_are_refused);
	TCase *vectors = tcase_create("base64 vectors");

	tcase_add_loop_test(vectors, base64_is_as_the_rfc_says, 0, ARRAY_LEN(base64_vectors));
	suite_add_tcase(s, vectors);
	return unit_main(s);
}
