/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of uses share: short ways to say parameters, and a message. */
#ifndef KMS_TESTS_UNIT_CRYPTO_USES_H
#define KMS_TESTS_UNIT_CRYPTO_USES_H

#include "tests/unit/crypto_keys.h"

#define ROOM 16384

static const uint8_t iv_bytes[16] = { 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6 };
#define IV(n)	  .iv = { iv_bytes, n }
#define GCM(tag)  .u.gcm = { IV(12), .aad = { iv_bytes, 16 }, .tag_len = tag }
#define CIPHER(n) .u.cipher = { IV(n), .counter_bits = 64 }
#define MAC(n)	  .u.mac = { .len = n }
#define PSS	  .u.pss = { .hash = DIGEST_SHA256, .mgf = DIGEST_SHA256, .salt_len = 32 }
#define SEAL	  .u.seal = { IV(12), .aad = { iv_bytes, 16 } }
#define OAEP	  .u.oaep = { .hash = DIGEST_SHA1, .mgf = DIGEST_SHA1 }

static uint8_t message[ROOM]; /* below the modulus as a number: starts with 0 */

static void
setup(void)
{
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 7);
}

#endif
