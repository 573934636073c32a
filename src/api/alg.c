/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about algorithms that need no cryptography. */
#include "api/alg.h"

size_t
digest_len(enum digest d)
{
	switch (d) {
	case DIGEST_SHA1: return 20;
	case DIGEST_SHA224: return 28;
	case DIGEST_SHA256: return 32;
	case DIGEST_SHA384: return 48;
	case DIGEST_SHA512: return 64;
	case DIGEST_SM3: return 32;
	case DIGEST_NONE:
	case DIGEST_END: break;
	}
	return 0;
}

uint64_t
aes_ctr_left(const uint8_t iv[AES_BLOCK], uint32_t bits)
{
	unsigned __int128 v = 0, end = bits == 128 ? 0 : (unsigned __int128)1 << bits;

	for (int i = 0; i < AES_BLOCK; i++)
		v = v << 8 | iv[i];
	v = end - (bits == 128 ? v : v & (end - 1));
	/* 0 is 2^128, from which a counter of all bits starts at 0. */
	return v == 0 || v > UINT64_MAX / AES_BLOCK ? UINT64_MAX : (uint64_t)v * AES_BLOCK;
}

int
aes_unpadded(const uint8_t block[AES_BLOCK])
{
	unsigned n = block[AES_BLOCK - 1], bad = (n - 1) >> 4;

	for (unsigned i = 0; i < AES_BLOCK; i++) {
		unsigned in_padding = 0u - (((AES_BLOCK - 1 - i) - n) >> 31);

		bad |= in_padding & (block[i] ^ n);
	}
	return bad != 0 ? -1 : (int)(AES_BLOCK - n);
}
