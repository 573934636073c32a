/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of src/crypto share: bytes from hex, one RSA key, keys of every kind. */
#ifndef KMS_TESTS_UNIT_CRYPTO_KEYS_H
#define KMS_TESTS_UNIT_CRYPTO_KEYS_H

#include "base/codec.h"
#include "crypto/crypto.h"
#include "tests/unit/unit.h"

/* The bytes of TEXT, in memory that lasts as long as the test's process; the oldest are given up.
 */
static inline UNUSED struct slice
hex(const char *text)
{
	static uint8_t pool[1 << 16];
	static size_t used;
	auto_buf b = { 0 };

	CHECK_RC(hex_decode(slice_str(text), &b), KMS_OK);
	ck_assert_uint_le(b.len, sizeof(pool));
	if (used + b.len > sizeof(pool))
		used = 0;
	if (b.len > 0)
		memcpy(pool + used, b.p, b.len);
	used += b.len;
	return slice_of(pool + used - b.len, b.len);
}

/* A key made for these tests alone: 1024 bits, so that its signatures fit the page. */
#define RSA_PKCS8                                                                          \
	"30820276020100300d06092a864886f70d0101010500048202603082025c02010002818100a75ab0" \
	"31c00acdedd9911be13bd268c4dcef18bfb210f11cabf4527decc5694229db2602e08f7bdc858295" \
	"206d9ee4bdb856694e454b8c43c40064a88f6e88db9a8e7782299dfe664a5c638f74562be53328ee" \
	"f70fd9faa5f33d2f5ef55c58a3e4b4357632acd3f22a40c5c31029073efbe4340bf1297212e6992d" \
	"d9f4840a4f020301000102818019e363822eacfd322007dc823918d17032a521f4f57cbd6fac01fd" \
	"88d149b080b5acdaf272fe7f309bce99770cbe19b06785a6809f2392ad20f2d69f64a0bab6cdc703" \
	"16fd0656b873050cdcbacc2b986b4f1778b2ed1b0736582ade24425a30321d607aa9063e63efb318" \
	"7f44a170ba9bd53fefa7d07cf1ecbba410d566aef1024100dc1dcdb0d91b27c9909ba4373444eb52" \
	"c6a6c4c1217c0aca9409f1383f7303d876a5c9d82dead563bf76fc2eea6e786ff13b5263d677ae3f" \
	"9d18ea0a3b23ad5d024100c2a2f1478a0d125661a341b2dc80cdb68fabc27b90967375b99dc60c11" \
	"2872e1710bfb324edf9a9b31304dbc6b9b69e3c8c1bc1c2aa65502de7efb6db60e2f9b02404ef045" \
	"46e9e54a34882eb90aaf2d1433a0584871769fb48307ea34ded62a5a33b4012acce352b76a494cd3" \
	"8dc3b7106c1cd80869138de228a01f42379f13e16502410085f0f3f1b343039786617ed8c37db013" \
	"2e139926c77d81bf4619192d3cb1853d373a73874f57f9614b1c5ea287bacfc7fd63b53bfcedb21a" \
	"e35aa753fcb10e7902402825dac9f6161b57abaaf94a4b4c10669115158c2c8ee1c365b2aef489dd" \
	"ec61c68ed2c0f4936181e81255063b9dd8dbfda1f5eb4423d7a7f01be39189434fe1"

/* RFC 6979 A.2.5 to A.2.7, RFC 8032 §7.1 test 2: private and public halves. */
#define P256_D "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define P256_Q                                                               \
	"0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6" \
	"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define P384_D                                             \
	"6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba" \
	"9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5"
#define P384_Q                                               \
	"04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e" \
	"06aae5286b300c64def8f0ea9055866064a254515480bc13"   \
	"8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9"   \
	"f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720"
#define P521_D                                                                 \
	"00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75caa8" \
	"96eb32f1f47c70855836a6d16fcc1466f6d8fbec67db89ec0c08b0e996b83538"
#define P521_Q                                                                  \
	"0401894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371" \
	"123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac474b9a2f5023a4"     \
	"00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0d" \
	"b25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5"
#define ED25519_D "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
#define ED25519_Q "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
/* SEC 2's base point of secp256k1, whose private half is 1; GB/T 32918.5 A.1. */
#define P256K_D "0000000000000000000000000000000000000000000000000000000000000001"
#define P256K_Q                                                              \
	"0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" \
	"483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
#define SM2_D "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
#define SM2_Q                                                                \
	"0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020" \
	"ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"

static inline UNUSED struct ckey *
rsa_key(void)
{
	struct ckey *k = NULL;

	CHECK_RC(ckey_from_pkcs8(hex(RSA_PKCS8), &k), KMS_OK);
	return k;
}

static inline UNUSED struct ckey *
ec_key(enum curve c)
{
	static const char *const d[] = { [CURVE_P256] = P256_D,
		[CURVE_P384] = P384_D,
		[CURVE_P521] = P521_D,
		[CURVE_ED25519] = ED25519_D,
		[CURVE_P256K] = P256K_D,
		[CURVE_SM2] = SM2_D };
	struct ckey *k = NULL;

	CHECK_RC(ckey_from_ec(c, hex(d[c]), slice_of(NULL, 0), &k), KMS_OK);
	return k;
}

/* A secret key of LEN bytes that count up from 0. */
static inline UNUSED struct ckey *
secret_key(enum key_type type, size_t len)
{
	struct ckey *k = NULL;
	uint8_t bytes[256];

	ck_assert_uint_le(len, sizeof(bytes));
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)i;
	CHECK_RC(ckey_from_secret(type, slice_of(bytes, len), &k), KMS_OK);
	return k;
}

static inline UNUSED struct ckey *
public_of(struct ckey *k)
{
	struct ckey *pub = NULL;

	CHECK_RC(ckey_public(k, &pub), KMS_OK);
	return pub;
}

#endif
