/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and a certificate that the fuzz targets know: made for them, and used nowhere else. */
#ifndef KMS_TESTS_FUZZ_KNOWN_H
#define KMS_TESTS_FUZZ_KNOWN_H

#include "crypto/crypto.h"

enum known {
	KNOWN_RSA, /* PKCS#8: 2048 bits, e = 65537 */
	KNOWN_P256,
	KNOWN_P384,
	KNOWN_ED25519,
	KNOWN_CERT, /* X.509, self-signed with the key on P-256 */
	KNOWN_KEYS = KNOWN_CERT,
	KNOWN_COUNT,
};

/* Once, before the others. */
void known_make(void);

/* DER, in memory that stays. */
struct slice known(enum known what);

/* A number of a key, in memory that stays. */
struct slice known_part(enum known key, enum key_part part);

#endif
