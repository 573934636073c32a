/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and parses cipher text blobs. */
#include "kms/blob.h"

static const uint8_t magic[4] = { 'K', 'M', 'S', 1 };

enum kms_rc
blob_header(const struct blob *b, struct buf *ret)
{
	TRY(buf_add(ret, slice_of(magic, sizeof(magic))));
	TRY(buf_add_byte(ret, (uint8_t)b->alg));
	TRY(buf_add(ret, slice_of(b->key.b, UID_LEN)));
	TRY(buf_add(ret, slice_of(b->version.b, UID_LEN)));
	return buf_add(ret, slice_of(b->nonce, BLOB_NONCE_LEN));
}

enum kms_rc
blob_parse(struct slice s, struct blob *ret)
{
	const uint8_t *p = s.p;

	if (s.len < BLOB_HEADER_LEN + BLOB_TAG_LEN || memcmp(p, magic, sizeof(magic)) != 0 ||
	    (p[4] != BLOB_AES_GCM && p[4] != BLOB_SM4_SEAL))
		return KMS_BAD_DATA;
	ret->alg = (enum blob_alg)p[4];
	p += 5;
	memcpy(ret->key.b, p, UID_LEN);
	memcpy(ret->version.b, p + UID_LEN, UID_LEN);
	memcpy(ret->nonce, p + 2 * UID_LEN, BLOB_NONCE_LEN);
	ret->sealed = slice_of(s.p + BLOB_HEADER_LEN, s.len - BLOB_HEADER_LEN);
	return KMS_OK;
}

enum kms_rc
blob_ad(const struct blob *b, struct slice context, struct buf *ret)
{
	TRY(blob_header(b, ret));
	return buf_add(ret, context);
}
