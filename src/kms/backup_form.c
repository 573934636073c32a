/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and parses backups. */
#include "kms/backup_form.h"

#include "base/codec.h"

static const uint8_t magic[3] = { 'K', 'M', 'B' };

#define FORM	  1
#define R	  8
#define P	  1
#define LOG2N_MIN 10
#define LOG2N_MAX 20  /* 1 GiB: a head that asks for more is a trap */
#define LEN_MIN	  512 /* SQLite's smallest page */

enum kms_rc
backup_head_new(uint64_t len, int64_t made, unsigned log2n, struct backup_head *ret)
{
	auto_buf b = { 0 };
	struct writer w = writer_of(&b);
	struct backup_head h = {
		.content = BACKUP_SQLITE, .log2n = (uint8_t)log2n, .len = len, .made = made
	};

	TRY(crypto_random(h.salt, sizeof(h.salt)));
	TRY(buf_add(&b, slice_of(magic, sizeof(magic))));
	write_u8(&w, FORM);
	write_u8(&w, h.content);
	write_u8(&w, h.log2n);
	write_u8(&w, R);
	write_u8(&w, P);
	TRY(w.rc);
	TRY(buf_add(&b, slice_of(h.salt, sizeof(h.salt))));
	write_u64(&w, h.len);
	write_u64(&w, (uint64_t)h.made);
	TRY(w.rc);
	return backup_head_parse(buf_slice(&b), ret);
}

enum kms_rc
backup_head_parse(struct slice s, struct backup_head *ret)
{
	struct backup_head h;
	struct reader r;

	if (s.len != BACKUP_HEAD_LEN || memcmp(s.p, magic, sizeof(magic)) != 0)
		return KMS_BAD_DATA;
	if (s.p[3] != FORM)
		return s.p[3] > FORM ? KMS_NEWER : KMS_BAD_DATA;
	h.content = s.p[4];
	h.log2n = s.p[5];
	if (h.content != BACKUP_SQLITE || s.p[6] != R || s.p[7] != P)
		return KMS_BAD_DATA;
	memcpy(h.salt, s.p + 8, sizeof(h.salt));
	r = reader_of(slice_of(s.p + 24, 16));
	h.len = read_u64(&r);
	h.made = (int64_t)read_u64(&r);
	if (h.log2n < LOG2N_MIN || h.log2n > LOG2N_MAX || h.len < LEN_MIN || h.len > BACKUP_LEN_MAX)
		return KMS_LIMIT;
	memcpy(h.bytes, s.p, sizeof(h.bytes));
	*ret = h;
	return KMS_OK;
}

enum kms_rc
backup_key(const struct backup_head *h, struct slice passphrase, struct secret *ret)
{
	auto_secret key = { 0 };

	if (passphrase.len < BACKUP_PASSPHRASE_MIN || passphrase.len > BACKUP_PASSPHRASE_MAX)
		return KMS_LIMIT;
	TRY(secret_new(SEAL_KEY_LEN, &key));
	TRY(crypto_scrypt(passphrase, slice_of(h->salt, sizeof(h->salt)), h->log2n, R, P, key.p,
	    key.len));
	*ret = key;
	key = (struct secret){ 0 }; /* moved */
	return KMS_OK;
}

uint64_t
backup_pieces(const struct backup_head *h)
{
	return (h->len + BACKUP_PIECE_MAX - 1) / BACKUP_PIECE_MAX;
}

size_t
backup_piece_len(const struct backup_head *h, uint64_t i)
{
	uint64_t left = h->len - i * BACKUP_PIECE_MAX;

	return left < BACKUP_PIECE_MAX ? (size_t)left : BACKUP_PIECE_MAX;
}

/* The head and the piece's place: none can be moved, left out, or come from another backup. */
static enum kms_rc
piece_ad(const struct backup_head *h, uint64_t i, struct buf *ret)
{
	struct writer w = writer_of(ret);

	TRY(buf_add(ret, slice_of(h->bytes, sizeof(h->bytes))));
	write_u64(&w, i);
	return w.rc;
}

enum kms_rc
backup_piece_seal(const struct backup_head *h, const struct secret *key, uint64_t i,
    struct slice part, struct buf *ret)
{
	auto_buf ad = { 0 };

	if (i >= backup_pieces(h) || part.len != backup_piece_len(h, i))
		return KMS_INVALID;
	TRY(piece_ad(h, i, &ad));
	return crypto_seal(secret_slice(key), part, buf_slice(&ad), ret);
}

enum kms_rc
backup_piece_open(const struct backup_head *h, const struct secret *key, uint64_t i,
    struct slice piece, struct secret *ret)
{
	auto_buf ad = { 0 };

	if (i >= backup_pieces(h) || piece.len != backup_piece_len(h, i) + SEAL_OVERHEAD)
		return KMS_TAMPERED;
	TRY(piece_ad(h, i, &ad));
	return crypto_open(secret_slice(key), piece, buf_slice(&ad), ret);
}
