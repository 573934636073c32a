/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a backup: its head is refused or taken within its limits, and no piece of it opens.
 * And any bytes as what is backed up: they come back, unless one bit is not as it was written.
 */
#define _GNU_SOURCE 1
#include "kms/backup_form.h"

#include "tests/fuzz/fuzz.h"

#define CHEAP	 10
#define COPY_MIN 512

static struct secret key;

int
LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	struct backup_head h;

	MUST(crypto_start(NULL) == KMS_OK);
	MUST(backup_head_new(COPY_MIN, 0, CHEAP, &h) == KMS_OK);
	MUST(backup_key(&h, slice_str("correct horse"), &key) == KMS_OK);
	return 0;
}

static void
as_backup(struct slice in)
{
	size_t n = in.len < BACKUP_HEAD_LEN ? in.len : BACKUP_HEAD_LEN;
	struct backup_head h;
	uint64_t pieces;

	if (backup_head_parse(slice_of(in.p, n), &h) != KMS_OK)
		return;
	MUST(memcmp(h.bytes, in.p, BACKUP_HEAD_LEN) == 0);
	MUST(h.log2n >= 10 && h.log2n <= 20);
	pieces = backup_pieces(&h);
	MUST(pieces >= 1 && (pieces - 1) * BACKUP_PIECE_MAX < h.len);
	MUST(pieces * BACKUP_PIECE_MAX >= h.len);
	in = slice_of(in.p + n, in.len - n);
	for (uint64_t i = 0; i < pieces && in.len > 0; i++) {
		size_t len = backup_piece_len(&h, i) + SEAL_OVERHEAD;
		auto_secret part = { 0 };

		len = len < in.len ? len : in.len;
		MUST(backup_piece_open(&h, &key, i, slice_of(in.p, len), &part) == KMS_TAMPERED);
		MUST(part.p == NULL);
		in = slice_of(in.p + len, in.len - len);
	}
}

/* The first two bytes choose a bit of the piece. */
static void
as_contents(struct slice in)
{
	uint8_t copy[COPY_MIN] = { 0 };
	struct feed f = { in };
	size_t bit = (size_t)feed_number(&f, 2);
	auto_buf piece = { 0 };
	auto_secret part = { 0 };
	struct backup_head h;

	if (f.rest.len > 0)
		memcpy(copy, f.rest.p, f.rest.len < COPY_MIN ? f.rest.len : COPY_MIN);
	MUST(backup_head_new(COPY_MIN, 0, CHEAP, &h) == KMS_OK);
	MUST(backup_piece_seal(&h, &key, 0, slice_of(copy, COPY_MIN), &piece) == KMS_OK);
	MUST(backup_piece_open(&h, &key, 0, buf_slice(&piece), &part) == KMS_OK);
	MUST(slice_eq(secret_slice(&part), slice_of(copy, COPY_MIN)));
	secret_free(&part);
	bit %= piece.len * 8;
	piece.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	MUST(backup_piece_open(&h, &key, 0, buf_slice(&piece), &part) == KMS_TAMPERED);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	as_backup(slice_of(data, size));
	as_contents(slice_of(data, size));
	return 0;
}
