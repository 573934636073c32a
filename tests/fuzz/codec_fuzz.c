/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as hex, base64 and records: what is taken has one spelling only, and comes back the
 * same. */
#define _GNU_SOURCE 1
#include "base/codec.h"
#include "tests/fuzz/fuzz.h"

/* What decodes encodes to the same text, but for the case of hex digits. */
static void
as_text(struct slice in)
{
	auto_buf plain = { 0 }, text = { 0 }, again = { 0 };
	char *hex;

	if (base64_decode(in, &plain) == KMS_OK) {
		MUST(base64_encode(buf_slice(&plain), &text) == KMS_OK);
		MUST(slice_eq(buf_slice(&text), in));
	} else {
		MUST(plain.len == 0);
	}
	buf_clear(&plain);
	if (hex_decode(in, &plain) != KMS_OK) {
		MUST(plain.len == 0);
		return;
	}
	MUST((hex = malloc(in.len + 1)) != NULL);
	MUST(hex_encode(buf_slice(&plain), hex, in.len + 1));
	MUST(hex_decode(slice_str(hex), &again) == KMS_OK);
	MUST(slice_eq(buf_slice(&plain), buf_slice(&again)));
	free(hex);
}

/* Any bytes encode, and come back. */
static void
as_bytes(struct slice in)
{
	auto_buf text = { 0 }, plain = { 0 };

	MUST(base64_encode(in, &text) == KMS_OK);
	MUST(base64_decode(buf_slice(&text), &plain) == KMS_OK);
	MUST(slice_eq(buf_slice(&plain), in));
}

/* The first byte of each step says what is read next; what was read, written again, is the input.
 */
static void
as_record(struct slice in)
{
	auto_buf out = { 0 };
	struct writer w = writer_of(&out);
	struct reader r = reader_of(in);

	while (!r.bad && r.rest.len > 0) {
		uint8_t kind = read_u8(&r);
		uint64_t v = 0;
		struct slice s = { 0 };

		if (kind % 3 == 0)
			v = read_u32(&r);
		else if (kind % 3 == 1)
			v = read_u64(&r);
		else
			s = read_bytes(&r);
		if (r.bad) {
			MUST(v == 0 && s.p == NULL && s.len == 0 && !reader_done(&r));
			break;
		}
		write_u8(&w, kind);
		if (kind % 3 == 0)
			write_u32(&w, (uint32_t)v);
		else if (kind % 3 == 1)
			write_u64(&w, v);
		else
			write_bytes(&w, s);
	}
	MUST(w.rc == KMS_OK && out.len <= in.len);
	MUST(slice_eq(buf_slice(&out), slice_of(in.p, out.len)));
	MUST(r.bad || (reader_done(&r) && out.len == in.len));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);

	as_text(in);
	as_bytes(in);
	as_record(in);
	(void)utf8_valid(in);
	return 0;
}
