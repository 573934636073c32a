/* SPDX-License-Identifier: Apache-2.0 */
/* The curves by their names on the wire. */
#include "crypto/crypto.h"

/* RFC 5480 §2.1.1.1, RFC 8410 §3 */
static const uint8_t p256_oid[] = { 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
static const uint8_t p384_oid[] = { 0x06, 5, 0x2b, 0x81, 4, 0, 0x22 };
static const uint8_t p521_oid[] = { 0x06, 5, 0x2b, 0x81, 4, 0, 0x23 };
/* SEC 2 §2.4.1, GM/T 0006 */
static const uint8_t p256k_oid[] = { 0x06, 5, 0x2b, 0x81, 4, 0, 0x0a };
static const uint8_t sm2_oid[] = { 0x06, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d };
static const uint8_t ed25519_oid[] = { 0x06, 3, 0x2b, 0x65, 0x70 };
/* PKCS#11 3.0 §6.3.5 takes a PrintableString too; GnuPG's identifier is what older clients send. */
static const uint8_t ed25519_name[] = { 0x13, 12, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5',
	'1', '9' };
static const uint8_t ed25519_short[] = { 0x13, 7, 'E', 'd', '2', '5', '5', '1', '9' };
static const uint8_t ed25519_gnu[] = { 0x06, 9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1 };

#define ROW(c, v)                   \
	{                           \
		c,                  \
		{                   \
			v, sizeof v \
		}                   \
	}
/* The first row of a curve is how we write it. */
static const struct {
	enum curve curve;
	struct slice der;
} names[] = {
	ROW(CURVE_P256, p256_oid),
	ROW(CURVE_P384, p384_oid),
	ROW(CURVE_P521, p521_oid),
	ROW(CURVE_P256K, p256k_oid),
	ROW(CURVE_SM2, sm2_oid),
	ROW(CURVE_ED25519, ed25519_oid),
	ROW(CURVE_ED25519, ed25519_name),
	ROW(CURVE_ED25519, ed25519_short),
	ROW(CURVE_ED25519, ed25519_gnu),
};

enum curve
curve_from_params(struct slice der)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (slice_eq(der, names[i].der))
			return names[i].curve;
	return CURVE_NONE;
}

struct slice
curve_params(enum curve c)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].curve == c)
			return names[i].der;
	return (struct slice){ 0 };
}

uint32_t
curve_bits(enum curve c)
{
	switch (c) {
	case CURVE_P256:
	case CURVE_P256K:
	case CURVE_SM2: return 256;
	case CURVE_P384: return 384;
	case CURVE_P521: return 521;
	case CURVE_ED25519: return 255;
	case CURVE_NONE:
	case CURVE_END: break;
	}
	return 0;
}

enum key_type
curve_key_type(enum curve c)
{
	if (curve_bits(c) == 0)
		return KEY_NONE;
	return c == CURVE_ED25519 ? KEY_EDWARDS : c == CURVE_SM2 ? KEY_SM2 : KEY_EC;
}

size_t
curve_bytes(enum curve c)
{
	return (curve_bits(c) + 7) / 8;
}
