/* SPDX-License-Identifier: Apache-2.0 */
/* Backups of one token: written from its store, and restored into another, all of it or nothing. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "kms/backup_form.h"
#include "kms/core.h"

#define LOG2N 17 /* 128 MiB: a backup lies where nobody counts the tries */

/* -- bytes in and out -- */

static enum kms_rc
write_all(struct call *c, int fd, struct slice s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.p, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return call_fail(c, errno == ENOSPC || errno == EDQUOT ? KMS_FULL : KMS_IO,
			    "cannot write the backup: %m");
		s = slice_of(s.p + n, s.len - (size_t)n);
	}
	return KMS_OK;
}

/* Fewer than LEN bytes only at the end. */
static enum kms_rc
read_all(struct call *c, int fd, uint8_t *p, size_t len, size_t *ret)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, p + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return call_fail(c, KMS_IO, "cannot read the backup: %m");
		if (n == 0)
			break;
		got += (size_t)n;
	}
	*ret = got;
	return KMS_OK;
}

static enum kms_rc
key_of(struct call *c, const struct backup_head *h, struct slice passphrase, struct secret *ret)
{
	enum kms_rc rc = backup_key(h, passphrase, ret);

	return rc != KMS_LIMIT ? rc
			       : call_fail(c, rc, "a passphrase has %d to %d bytes",
				     BACKUP_PASSPHRASE_MIN, BACKUP_PASSPHRASE_MAX);
}

/* -- backup -- */

static enum kms_rc
write_copy(struct call *c, const struct store_image *copy, struct slice passphrase, int fd)
{
	auto_secret key = { 0 };
	struct backup_head h;

	TRY(backup_head_new(copy->len, os_wall_seconds(), LOG2N, &h));
	TRY(key_of(c, &h, passphrase, &key));
	TRY(write_all(c, fd, slice_of(h.bytes, sizeof(h.bytes))));
	for (uint64_t i = 0; i < backup_pieces(&h); i++) {
		auto_buf piece = { 0 };
		struct slice part =
		    slice_of(copy->p + i * BACKUP_PIECE_MAX, backup_piece_len(&h, i));

		TRY(backup_piece_seal(&h, &key, i, part, &piece));
		TRY(write_all(c, fd, buf_slice(&piece)));
	}
	return KMS_OK;
}

enum kms_rc
backup_write(struct backend *b, struct call *c, struct slice passphrase, int fd)
{
	struct local *l = local_of(b);
	auto_store_image copy = { 0 };
	auto_store_token t = { 0 };
	enum kms_rc rc = l->store->ops->token_get(l->store, c, &t);

	if (rc == KMS_NOTFOUND || (rc == KMS_OK && t.serial.len == 0))
		return KMS_NOT_INITIALIZED;
	TRY(rc);
	TRY(l->store->ops->copy(l->store, c, &copy));
	return write_copy(c, &copy, passphrase, fd);
}

/* -- restore -- */

static enum kms_rc
read_head(struct call *c, int fd, struct backup_head *ret)
{
	uint8_t bytes[BACKUP_HEAD_LEN];
	size_t n;
	enum kms_rc rc;

	TRY(read_all(c, fd, bytes, sizeof(bytes), &n));
	if ((rc = backup_head_parse(slice_of(bytes, n), ret)) == KMS_OK)
		return KMS_OK;
	if (rc == KMS_NEWER)
		return call_fail(c, rc,
		    "the backup was written by a newer version of this software: update it");
	return call_fail(c, KMS_BAD_DATA, "the file is no backup of a token");
}

/* The first piece tells whether the passphrase is right, and that the head is what was written:
 * only then is its length believed. */
static enum kms_rc
read_piece(struct call *c, int fd, const struct backup_head *h, const struct secret *key,
    uint64_t i, struct store_image *copy)
{
	auto_secret part = { 0 };
	auto_buf piece = { 0 };
	uint8_t *p;
	size_t n;
	enum kms_rc rc;

	TRY(buf_extend(&piece, backup_piece_len(h, i) + SEAL_OVERHEAD, &p));
	TRY(read_all(c, fd, p, piece.len, &n));
	if (n < piece.len)
		return call_fail(c, KMS_TAMPERED, "the backup is cut off");
	rc = backup_piece_open(h, key, i, buf_slice(&piece), &part);
	if (rc == KMS_TAMPERED && i == 0)
		return call_fail(c, KMS_BAD_DATA,
		    "the passphrase is wrong, or the backup is damaged");
	if (rc != KMS_OK)
		return call_fail(c, rc, "the backup is damaged");
	if (i == 0)
		TRY(store_image_new(h->len, copy));
	memcpy(copy->p + i * BACKUP_PIECE_MAX, part.p, part.len);
	return KMS_OK;
}

static enum kms_rc
read_copy(struct call *c, struct slice passphrase, int fd, struct store_image *copy)
{
	auto_secret key = { 0 };
	struct backup_head h;
	uint8_t more;
	size_t n;

	TRY(read_head(c, fd, &h));
	TRY(key_of(c, &h, passphrase, &key));
	for (uint64_t i = 0; i < backup_pieces(&h); i++)
		TRY(read_piece(c, fd, &h, &key, i, copy));
	TRY(read_all(c, fd, &more, 1, &n));
	return n == 0 ? KMS_OK : call_fail(c, KMS_TAMPERED, "the backup goes on behind its end");
}

/* Whether there is a place for it is known before somebody waits for scrypt. */
enum kms_rc
backup_read(struct backend *b, struct call *c, struct slice passphrase, int fd, const char *where,
    bool replace)
{
	struct local *l = local_of(b);
	auto_store_image copy = { 0 };
	auto_store_token was = { 0 };
	enum kms_rc rc = l->store->ops->token_get(l->store, c, &was);

	if (rc != KMS_OK && rc != KMS_NOTFOUND)
		return rc;
	if (was.serial.len > 0 && !replace)
		return call_fail(c, KMS_EXISTS, "%s holds a token already", where);
	TRY(read_copy(c, passphrase, fd, &copy));
	TRY(l->store->ops->replace(l->store, c, buf_slice(&was.serial), &copy));
	local_look(l);
	return KMS_OK;
}
