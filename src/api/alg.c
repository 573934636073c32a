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
