/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cipher text that Encrypt gives: which key and version made it, by which construction, and the
 * sealed bytes. Its form is docs/ciphertext-blob.md; any change of it is another version.
 */
#ifndef KMS_KMS_BLOB_H
#define KMS_KMS_BLOB_H

#include "api/object.h"

enum blob_alg {
	BLOB_AES_GCM = 1,  /* 96-bit nonce, 128-bit tag */
	BLOB_SM4_SEAL = 2, /* the same lengths: SM4-CTR, HMAC-SM3 */
};

#define BLOB_NONCE_LEN	12
#define BLOB_TAG_LEN	16
#define BLOB_HEADER_LEN (4 + 1 + 2 * UID_LEN + BLOB_NONCE_LEN)

struct blob {
	enum blob_alg alg;
	struct uid key, version;
	uint8_t nonce[BLOB_NONCE_LEN];
	struct slice sealed; /* cipher text and tag; borrowed */
};

/* The header of B into RET, which then takes the sealed bytes. */
enum kms_rc blob_header(const struct blob *b, struct buf *ret) MUST_USE;

/* Total on any bytes. KMS_BAD_DATA. */
enum kms_rc blob_parse(struct slice s, struct blob *ret) MUST_USE;

/* What is bound to the sealed bytes: the header and the canonical encryption context. */
enum kms_rc blob_ad(const struct blob *b, struct slice context, struct buf *ret) MUST_USE;

#endif
