/* SPDX-License-Identifier: Apache-2.0 */
/* The form of backups: what was written opens, and nothing else does. */
#define _GNU_SOURCE 1
#include "kms/backup_form.h"

#include "tests/unit/unit.h"

#define PASSPHRASE BYTES("correct horse")
#define LEN	   (2 * BACKUP_PIECE_MAX + 5)
#define CHEAP	   10

static struct backup_head head;
static struct secret key;
static uint8_t *bytes;

static void
setup(void)
{
	CHECK_RC(crypto_start(NULL), KMS_OK);
	CHECK_RC(backup_head_new(LEN, 1700000000, CHEAP, &head), KMS_OK);
	CHECK_RC(backup_key(&head, PASSPHRASE, &key), KMS_OK);
	ck_assert_ptr_nonnull(bytes = malloc(LEN));
	for (size_t i = 0; i < LEN; i++)
		bytes[i] = (uint8_t)(i * 31 >> 3);
}

static void
teardown(void)
{
	secret_free(&key);
	free(bytes);
}

static struct buf
sealed(uint64_t i)
{
	struct buf b = { 0 };

	CHECK_RC(backup_piece_seal(&head, &key, i,
		     slice_of(bytes + i * BACKUP_PIECE_MAX, backup_piece_len(&head, i)), &b),
	    KMS_OK);
	return b;
}

static enum kms_rc
open_as(const struct backup_head *h, const struct secret *k, uint64_t i, struct slice piece)
{
	auto_secret part = { 0 };

	return backup_piece_open(h, k, i, piece, &part);
}

START_TEST(head_is_read_as_it_was_written)
{
	struct backup_head h;

	CHECK_RC(backup_head_parse(guarded(slice_of(head.bytes, BACKUP_HEAD_LEN)), &h), KMS_OK);
	ck_assert_uint_eq(h.len, LEN);
	ck_assert_int_eq(h.made, 1700000000);
	ck_assert_uint_eq(h.log2n, CHEAP);
	ck_assert_mem_eq(h.salt, head.salt, BACKUP_SALT_LEN);
	ck_assert_uint_eq(backup_pieces(&h), 3);
	ck_assert_uint_eq(backup_piece_len(&h, 0), BACKUP_PIECE_MAX);
	ck_assert_uint_eq(backup_piece_len(&h, 2), 5);
}
END_TEST

START_TEST(head_of_another_form_is_refused)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum kms_rc rc;
	} rows[] = {
		{ 0, 'X', KMS_BAD_DATA },
		{ 2, 'X', KMS_BAD_DATA },
		{ 3, 0, KMS_BAD_DATA },
		{ 3, 2, KMS_NEWER },
		{ 4, 0, KMS_BAD_DATA },
		{ 4, 2, KMS_BAD_DATA },
		{ 5, 9, KMS_LIMIT },
		{ 5, 21, KMS_LIMIT },
		{ 6, 16, KMS_BAD_DATA },
		{ 7, 2, KMS_BAD_DATA },
		{ 24, 1, KMS_LIMIT },
		{ 28, 0x80, KMS_LIMIT },
	};
	uint8_t v[BACKUP_HEAD_LEN];
	struct backup_head h;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memcpy(v, head.bytes, sizeof(v));
		v[rows[i].at] = rows[i].value;
		CHECK_RC(backup_head_parse(slice_of(v, sizeof(v)), &h), rows[i].rc);
	}
	for (size_t len = 0; len < BACKUP_HEAD_LEN; len++)
		CHECK_RC(backup_head_parse(guarded(slice_of(head.bytes, len)), &h), KMS_BAD_DATA);
	CHECK_RC(backup_head_new(511, 0, CHEAP, &h), KMS_LIMIT);
}
END_TEST

START_TEST(pieces_open_to_what_they_were_made_of)
{
	for (uint64_t i = 0; i < 3; i++) {
		auto_buf piece = sealed(i);
		auto_secret part = { 0 };

		CHECK_RC(backup_piece_open(&head, &key, i, buf_slice(&piece), &part), KMS_OK);
		CHECK_BYTES(secret_slice(&part),
		    slice_of(bytes + i * BACKUP_PIECE_MAX, backup_piece_len(&head, i)));
	}
}
END_TEST

START_TEST(piece_with_any_bit_changed_does_not_open)
{
	auto_buf piece = sealed(2);

	for (size_t bit = 0; bit < piece.len * 8; bit++) {
		piece.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK_RC(open_as(&head, &key, 2, buf_slice(&piece)), KMS_TAMPERED);
		piece.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < piece.len; len++)
		CHECK_RC(open_as(&head, &key, 2, slice_of(piece.p, len)), KMS_TAMPERED);
	CHECK_RC(open_as(&head, &key, 2, buf_slice(&piece)), KMS_OK);
}
END_TEST

START_TEST(piece_opens_in_its_own_place_alone)
{
	auto_buf first = sealed(0), second = sealed(1);

	CHECK_RC(open_as(&head, &key, 1, buf_slice(&first)), KMS_TAMPERED);
	CHECK_RC(open_as(&head, &key, 0, buf_slice(&second)), KMS_TAMPERED);
	CHECK_RC(open_as(&head, &key, 3, buf_slice(&second)), KMS_TAMPERED);
}
END_TEST

START_TEST(head_with_any_bit_changed_opens_no_piece)
{
	auto_buf piece = sealed(0);
	unsigned parsed = 0;

	for (size_t bit = 0; bit < (size_t)BACKUP_HEAD_LEN * 8; bit++) {
		uint8_t v[BACKUP_HEAD_LEN];
		struct backup_head h;

		memcpy(v, head.bytes, sizeof(v));
		v[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (backup_head_parse(slice_of(v, sizeof(v)), &h) != KMS_OK)
			continue;
		/* Even under the right key. */
		CHECK_RC(open_as(&h, &key, 0, buf_slice(&piece)), KMS_TAMPERED);
		parsed++;
	}
	ck_assert_uint_gt(parsed, 8 * BACKUP_SALT_LEN);
}
END_TEST

START_TEST(another_passphrase_opens_nothing)
{
	auto_buf piece = sealed(0);
	auto_secret other = { 0 };

	CHECK_RC(backup_key(&head, BYTES("correct hors"), &other), KMS_OK);
	CHECK_RC(open_as(&head, &other, 0, buf_slice(&piece)), KMS_TAMPERED);
	secret_free(&other);
	CHECK_RC(backup_key(&head, BYTES("seven b"), &other), KMS_LIMIT);
	CHECK_RC(backup_key(&head, slice_of(NULL, 0), &other), KMS_LIMIT);
}
END_TEST

START_TEST(same_bytes_are_never_sealed_alike)
{
	auto_buf one = sealed(2), two = sealed(2);
	struct backup_head h;

	ck_assert(!slice_eq(buf_slice(&one), buf_slice(&two)));
	CHECK_RC(backup_head_new(LEN, 1700000000, CHEAP, &h), KMS_OK);
	ck_assert_mem_ne(h.salt, head.salt, BACKUP_SALT_LEN);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { head_is_read_as_it_was_written,
		head_of_another_form_is_refused, pieces_open_to_what_they_were_made_of,
		piece_with_any_bit_changed_does_not_open, piece_opens_in_its_own_place_alone,
		head_with_any_bit_changed_opens_no_piece, another_passphrase_opens_nothing,
		same_bytes_are_never_sealed_alike };
	Suite *s = suite_create("backup");
	TCase *t = tcase_create("backup");

	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
