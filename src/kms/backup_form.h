/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a backup, docs/backup.md: a head, and the copy of a store in pieces, each sealed
 * under a key that a passphrase opens. Pure: knows no files and no store.
 */
#ifndef KMS_KMS_BACKUP_FORM_H
#define KMS_KMS_BACKUP_FORM_H

#include "crypto/crypto.h"

#define BACKUP_HEAD_LEN	      40
#define BACKUP_PIECE_MAX      65536 /* bytes of the copy in one piece */
#define BACKUP_SALT_LEN	      16
#define BACKUP_LEN_MAX	      INT64_C(0x7fff0000) /* more than SQLite copies at once */
#define BACKUP_PASSPHRASE_MIN 8
#define BACKUP_PASSPHRASE_MAX 1024

struct backup_head {
	uint8_t content; /* of what the copy is: BACKUP_SQLITE */
	uint8_t log2n;	 /* scrypt's N; r is 8 and p is 1 */
	uint8_t salt[BACKUP_SALT_LEN];
	uint64_t len;			/* of the copy */
	int64_t made;			/* seconds since 1970 UTC */
	uint8_t bytes[BACKUP_HEAD_LEN]; /* the head as it is written */
};

#define BACKUP_SQLITE 1

/* A new head, with a salt of its own. */
enum kms_rc backup_head_new(uint64_t len, int64_t made, unsigned log2n,
    struct backup_head *ret) MUST_USE;
/* S has BACKUP_HEAD_LEN bytes. KMS_BAD_DATA: no backup; KMS_NEWER; KMS_LIMIT: what no backup of
 * ours asks for. */
enum kms_rc backup_head_parse(struct slice s, struct backup_head *ret) MUST_USE;

/* KMS_LIMIT: a passphrase has 8 to 1024 bytes. */
enum kms_rc backup_key(const struct backup_head *h, struct slice passphrase,
    struct secret *ret) MUST_USE;

/* How many pieces there are, and how long the copy's part in the Ith is. */
uint64_t backup_pieces(const struct backup_head *h);
size_t backup_piece_len(const struct backup_head *h, uint64_t i);
/* The Ith piece, SEAL_OVERHEAD longer than the part in it. */
enum kms_rc backup_piece_seal(const struct backup_head *h, const struct secret *key, uint64_t i,
    struct slice part, struct buf *ret) MUST_USE;
/* KMS_TAMPERED: not this head's Ith piece, or another key. */
enum kms_rc backup_piece_open(const struct backup_head *h, const struct secret *key, uint64_t i,
    struct slice piece, struct secret *ret) MUST_USE;

#endif
