/* SPDX-License-Identifier: Apache-2.0 */
/* Known answers of everything symmetric: what the standards print is what comes out, and goes back.
 */
#define _GNU_SOURCE 1
#include "tests/unit/crypto_keys.h"

struct answer {
	const char *source;
	enum alg alg;
	enum digest digest;
	const char *key, *iv, *aad, *in, *out; /* GCM: out ends with the tag */
	unsigned tag_len;
};

#define K128 "2b7e151628aed2a6abf7158809cf4f3c"
#define K192 "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"
#define K256 "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
#define TEXT                                                               \
	"6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" \
	"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
#define IV	"000102030405060708090a0b0c0d0e0f"
#define CTR	"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
#define GCM_KEY "feffe9928665731c6d6a8f9467308308"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_TEXT                                                           \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" \
	"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define TO_7F                                                              \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" \
	"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f" \
	"404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f" \
	"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
#define TO_FF                                                                    \
	TO_7F "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f" \
	      "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf" \
	      "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf" \
	      "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"

#define SM4_KEY	 "0123456789abcdeffedcba9876543210"
#define SM4_TEXT "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffffaaaaaaaabbbbbbbb"
static const struct answer ciphers[] = {
	{ "SP 800-38A F.1.1", ALG_AES_ECB, 0, K128, "", "", TEXT,
	    "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"
	    "43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4",
	    0 },
	{ "SP 800-38A F.1.3", ALG_AES_ECB, 0, K192, "", "", TEXT,
	    "bd334f1d6e45f25ff712a214571fa5cc974104846d0ad3ad7734ecb3ecee4eef"
	    "ef7afd2270e2e60adce0ba2face6444e9a4b41ba738d6c72fb16691603c18e0e",
	    0 },
	{ "SP 800-38A F.1.5", ALG_AES_ECB, 0, K256, "", "", TEXT,
	    "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870"
	    "b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7",
	    0 },
	{ "SP 800-38A F.2.1", ALG_AES_CBC, 0, K128, IV, "", TEXT,
	    "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
	    "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
	    0 },
	{ "SP 800-38A F.2.5", ALG_AES_CBC, 0, K256, IV, "", TEXT,
	    "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
	    "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
	    0 },
	{ "SP 800-38A F.5.1", ALG_AES_CTR, 0, K128, CTR, "", TEXT,
	    "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
	    "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
	    0 },
	{ "SP 800-38A F.5.5", ALG_AES_CTR, 0, K256, CTR, "", TEXT,
	    "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
	    "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6",
	    0 },
	{ "GCM test case 1", ALG_AES_GCM, 0, "00000000000000000000000000000000",
	    "000000000000000000000000", "", "", "58e2fccefa7e3061367f1d57a4e7455a", 16 },
	{ "GCM test case 4", ALG_AES_GCM, 0, GCM_KEY, "cafebabefacedbaddecaf888", GCM_AAD, GCM_TEXT,
	    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
	    "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc"
	    "3221a5db94fae95ae7121a47",
	    16 },
	{ "GCM test case 4, short tag", ALG_AES_GCM, 0, GCM_KEY, "cafebabefacedbaddecaf888",
	    GCM_AAD, GCM_TEXT,
	    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
	    "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc",
	    4 },
	{ "GCM test case 5", ALG_AES_GCM, 0, GCM_KEY, "cafebabefacedbad", GCM_AAD, GCM_TEXT,
	    "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c7423"
	    "73806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f45983612d2e7"
	    "9e3b0785561be14aaca2fccb",
	    16 },
	{ "GCM test case 6", ALG_AES_GCM, 0, GCM_KEY,
	    "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728"
	    "c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b",
	    GCM_AAD, GCM_TEXT,
	    "8ce24998625615b603a033aca13fb894be9112a5c3a211a8ba262a3cca7e2ca7"
	    "01e4a9a4fba43c90ccdcb281d48c7c6fd62875d2aca417034c34aee5619cc5ae"
	    "fffe0bfa462af43c1699d050",
	    16 },
	/* Worked out by the definition (SP 800-38D §7.1), bit by bit. */
	{ "GCM, IV of 128 bytes", ALG_AES_GCM, 0, GCM_KEY, TO_7F, GCM_AAD, GCM_TEXT,
	    "dc03137fe838695d3760010ca55ca973991ae00f8d57f293386e5938730c9f52"
	    "ebe6f2db4c9d69c4839807cbbb032eed33a1d62bf155f363c670ab736d367617"
	    "79fbfbeeeb0a16fa5ceda15f",
	    16 },
	{ "GCM, IV of 129 bytes", ALG_AES_GCM, 0, GCM_KEY, TO_7F "80", GCM_AAD, GCM_TEXT,
	    "7310e5a6e23f49e94dcf9e16f6b4db72ec9258cb12ddf0fccf484fd02f8deb26"
	    "c5a0a9013b24ea86e4ccb2be8792eaa9e5fa074938957b668aba148257774567"
	    "cf84c0dd36a838d53ac66205",
	    16 },
	{ "GCM, IV of 256 bytes", ALG_AES_GCM, 0, GCM_KEY, TO_FF, GCM_AAD, GCM_TEXT,
	    "174fc0bb1494186c262eb6f5496f70050d3807f9bf00a4254b921e4c48abed5f"
	    "d478543198bb4286304694080510cc41e71c497c6b8598718533a7b91509f443"
	    "598e97bfa611f2bfa36bf849",
	    16 },
	{ "RFC 3394 4.1", ALG_AES_KW, 0, "000102030405060708090a0b0c0d0e0f", "", "",
	    "00112233445566778899aabbccddeeff", "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5",
	    0 },
	{ "RFC 3394 4.1, IV told", ALG_AES_KW, 0, "000102030405060708090a0b0c0d0e0f",
	    "a6a6a6a6a6a6a6a6", "", "00112233445566778899aabbccddeeff",
	    "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5", 0 },
	{ "RFC 3394 4.6", ALG_AES_KW, 0,
	    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "", "",
	    "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
	    "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43b"
	    "fb988b9b7a02dd21",
	    0 },
	{ "RFC 5649 6, 20 bytes", ALG_AES_KWP, 0,
	    "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "", "",
	    "c37b7e6492584340bed12207808941155068f738",
	    "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a", 0 },
	{ "GB/T 32907 A.1", ALG_SM4_ECB, 0, SM4_KEY, "", "", SM4_KEY,
	    "681edf34d206965e86b3e94f536e4246", 0 },
	{ "SM4-CBC, draft-ribose-cfrg-sm4 A.2.2.1", ALG_SM4_CBC, 0, SM4_KEY,
	    "000102030405060708090a0b0c0d0e0f", "", SM4_TEXT,
	    "78ebb11cc40b0a48312aaeb2040244cb4cb7016951909226979b0d15dc6a8f6d", 0 },
	{ "SM4-CTR, draft-ribose-cfrg-sm4 A.2.5.1", ALG_SM4_CTR, 0, SM4_KEY,
	    "000102030405060708090a0b0c0d0e0f", "",
	    "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
	    "eeeeeeeeeeeeeeeeffffffffffffffffaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb",
	    "ac3236cb970cc20791364c395a1342d1a3cbc1878c6f30cd074cce385cdd70c7"
	    "f234bc0e24c11980fd1286310ce37b926e02fcd0faa0baf38b2933851d824514",
	    0 },
	/* Worked out by docs/ciphertext-blob.md, with openssl(1). */
	{ "SM4 seal", ALG_SM4_SEAL, 0, SM4_KEY, "000102030405060708090a0b", "aabbcc", SM4_TEXT,
	    "e640bd7631a5e505bc7b484f37244bf237bdacf50692bd13c315646c28e93174"
	    "7ef0117e3079b6f70e09e107afb1ca01",
	    0 },
	{ "SM4 seal, nothing", ALG_SM4_SEAL, 0, SM4_KEY, "000102030405060708090a0b", "", "",
	    "2ee8cc1c60cedc4e835cbbb7b6ff54fd", 0 },
	{ "RFC 5649 6, 7 bytes", ALG_AES_KWP, 0, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8",
	    "", "", "466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f", 0 },
};

#define SM3_TEXT                                                \
	"61626364626364656364656664656667656667686667686967686" \
	"96a68696a6b696a6b6c6a6b6c6d6b6c6d6e6c6d6e6f6d6e6f706e6f7071"
#define HI "4869205468657265"
#define LONG                                                               \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaa"
#define KEY_0B "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"

static const struct answer macs[] = {
	{ "RFC 2202 3.1", ALG_HMAC, DIGEST_SHA1, KEY_0B, "", "", HI,
	    "b617318655057264e28bc0b6fb378c8ef146be00", 0 },
	{ "RFC 4231 4.2", ALG_HMAC, DIGEST_SHA224, KEY_0B, "", "", HI,
	    "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22", 0 },
	{ "RFC 4231 4.2", ALG_HMAC, DIGEST_SHA256, KEY_0B, "", "", HI,
	    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", 0 },
	{ "RFC 4231 4.2", ALG_HMAC, DIGEST_SHA384, KEY_0B, "", "", HI,
	    "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
	    "faea9ea9076ede7f4af152e8b2fa9cb6",
	    0 },
	{ "RFC 4231 4.2", ALG_HMAC, DIGEST_SHA512, KEY_0B, "", "", HI,
	    "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
	    "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
	    0 },
	{ "GM/T 0042 D.3", ALG_HMAC, DIGEST_SM3,
	    "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", "", "",
	    SM3_TEXT SM3_TEXT, "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a",
	    0 },
	{ "RFC 4231 4.7", ALG_HMAC, DIGEST_SHA256, LONG, "", "",
	    "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
	    "65204b6579202d2048617368204b6579204669727374",
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", 0 },
	{ "RFC 4231 4.2, cut to 10 bytes", ALG_HMAC, DIGEST_SHA256, KEY_0B, "", "", HI,
	    "b0344c61d8db38535ca8", 0 },
	{ "RFC 4493 example 1", ALG_AES_CMAC, 0, K128, "", "", "",
	    "bb1d6929e95937287fa37d129b756746", 0 },
	{ "RFC 4493 example 2", ALG_AES_CMAC, 0, K128, "", "", "6bc1bee22e409f96e93d7e117393172a",
	    "070a16b46b4d4144f79bdd9dd04a287c", 0 },
	{ "RFC 4493 example 4", ALG_AES_CMAC, 0, K128, "", "", TEXT,
	    "51f0bebf7e3b9d92fc49741779363cfe", 0 },
	{ "SP 800-38B D.3 example 9", ALG_AES_CMAC, 0, K256, "", "", "",
	    "028962f61b7bf89efc6b551f4667d983", 0 },
	{ "RFC 4493 example 4, cut to 4 bytes", ALG_AES_CMAC, 0, K128, "", "", TEXT, "51f0bebf",
	    0 },
};

static const struct answer hashes[] = {
	{ "FIPS 180", ALG_DIGEST, DIGEST_SHA1, "", "", "", "616263",
	    "a9993e364706816aba3e25717850c26c9cd0d89d", 0 },
	{ "FIPS 180", ALG_DIGEST, DIGEST_SHA224, "", "", "", "616263",
	    "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7", 0 },
	{ "FIPS 180", ALG_DIGEST, DIGEST_SHA256, "", "", "", "616263",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 0 },
	{ "FIPS 180", ALG_DIGEST, DIGEST_SHA384, "", "", "", "616263",
	    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
	    "8086072ba1e7cc2358baeca134c825a7",
	    0 },
	{ "FIPS 180", ALG_DIGEST, DIGEST_SHA512, "", "", "", "616263",
	    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
	    0 },
	{ "GB/T 32905 A.1", ALG_DIGEST, DIGEST_SM3, "", "", "", "616263",
	    "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0", 0 },
	{ "GB/T 32905 A.2", ALG_DIGEST, DIGEST_SM3, "", "", "",
	    "6162636461626364616263646162636461626364616263646162636461626364"
	    "6162636461626364616263646162636461626364616263646162636461626364",
	    "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732", 0 },
	{ "FIPS 180, nothing", ALG_DIGEST, DIGEST_SHA256, "", "", "", "",
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0 },
};

static enum key_type
key_type_of(const struct answer *a)
{
	switch ((int)a->alg) {
	case ALG_HMAC: return KEY_GENERIC;
	case ALG_SM4_ECB:
	case ALG_SM4_CBC:
	case ALG_SM4_CTR:
	case ALG_SM4_SEAL: return KEY_SM4;
	default: return KEY_AES;
	}
}

static struct alg_params
params_of(const struct answer *a)
{
	struct alg_params p = { .alg = a->alg, .digest = a->digest };

	switch ((int)a->alg) {
	case ALG_AES_GCM:
		p.u.gcm.iv = hex(a->iv);
		p.u.gcm.aad = hex(a->aad);
		p.u.gcm.tag_len = a->tag_len;
		break;
	case ALG_SM4_SEAL:
		p.u.seal.iv = hex(a->iv);
		p.u.seal.aad = hex(a->aad);
		break;
	case ALG_HMAC:
	case ALG_AES_CMAC: p.u.mac.len = (uint32_t)strlen(a->out) / 2; break;
	default: p.u.cipher.iv = hex(a->iv); p.u.cipher.counter_bits = 128;
	}
	return p;
}

/* What the algorithm makes of IN, compared with WANTED. */
static void
check_once(const struct answer *a, struct ckey *k, enum use_kind kind, const char *in,
    const char *wanted)
{
	struct alg_params p = params_of(a);
	uint8_t room[512];
	struct outbuf out = { .p = room, .cap = sizeof(room) };
	struct use *u = NULL;
	size_t need;

	CHECK_RC(crypto_begin(k, kind, &p, &u), KMS_OK);
	ck_assert_uint_ge(use_bound(u, strlen(in) / 2, true), strlen(wanted) / 2);
	CHECK_RC(use_once(u, guarded(hex(in)), &out, &need), KMS_OK);
	CHECK_BYTES(slice_of(room, out.len), hex(wanted));
	use_free(u);
}

START_TEST(ciphers_encrypt_as_the_standards_say)
{
	const struct answer *a = &ciphers[_i];
	struct ckey *k = NULL;

	CHECK_RC(ckey_from_secret(key_type_of(a), hex(a->key), &k), KMS_OK);
	check_once(a, k, USE_ENCRYPT, a->in, a->out);
	ckey_unref(k);
}
END_TEST

START_TEST(ciphers_decrypt_as_the_standards_say)
{
	const struct answer *a = &ciphers[_i];
	struct ckey *k = NULL;

	CHECK_RC(ckey_from_secret(key_type_of(a), hex(a->key), &k), KMS_OK);
	check_once(a, k, USE_DECRYPT, a->out, a->in);
	ckey_unref(k);
}
END_TEST

START_TEST(macs_are_as_the_standards_say)
{
	const struct answer *a = &macs[_i];
	struct alg_params p = params_of(a);
	struct ckey *k = NULL;
	struct use *u = NULL;

	CHECK_RC(ckey_from_secret(key_type_of(a), hex(a->key), &k), KMS_OK);
	check_once(a, k, USE_SIGN, a->in, a->out);
	CHECK_RC(crypto_begin(k, USE_VERIFY, &p, &u), KMS_OK);
	CHECK_RC(use_check_once(u, hex(a->in), hex(a->out)), KMS_OK);
	use_free(u);
	ckey_unref(k);
}
END_TEST

START_TEST(digests_are_as_the_standard_says)
{
	const struct answer *a = &hashes[_i];
	uint8_t out[DIGEST_MAX];

	check_once(a, NULL, USE_DIGEST, a->in, a->out);
	CHECK_RC(crypto_digest(a->digest, hex(a->in), out), KMS_OK);
	CHECK_BYTES(slice_of(out, digest_len(a->digest)), hex(a->out));
}
END_TEST

/* RFC 7914 §12; its last example takes 1 GiB and is left out. */
static const struct {
	const char *password, *salt;
	unsigned log2n, r, p;
	const char *out;
} scrypts[] = {
	{ "", "", 4, 1, 1,
	    "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
	    "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906" },
	{ "password", "NaCl", 10, 8, 16,
	    "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
	    "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640" },
	{ "pleaseletmein", "SodiumChloride", 14, 8, 1,
	    "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
	    "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887" },
};

START_TEST(scrypt_is_as_its_rfc_says)
{
	uint8_t out[64];

	CHECK_RC(crypto_scrypt(slice_str(scrypts[_i].password), slice_str(scrypts[_i].salt),
		     scrypts[_i].log2n, scrypts[_i].r, scrypts[_i].p, out, sizeof(out)),
	    KMS_OK);
	CHECK_BYTES(slice_of(out, sizeof(out)), hex(scrypts[_i].out));
}
END_TEST

START_TEST(scrypt_refuses_costs_out_of_range)
{
	uint8_t out[32];

	CHECK_RC(crypto_scrypt(BYTES("p"), BYTES("s"), 0, 8, 1, out, 32), KMS_BAD_PARAM);
	CHECK_RC(crypto_scrypt(BYTES("p"), BYTES("s"), 25, 8, 1, out, 32), KMS_BAD_PARAM);
	CHECK_RC(crypto_scrypt(BYTES("p"), BYTES("s"), 14, 0, 1, out, 32), KMS_BAD_PARAM);
	CHECK_RC(crypto_scrypt(BYTES("p"), BYTES("s"), 14, 8, 65, out, 32), KMS_BAD_PARAM);
}
END_TEST

START_TEST(check_values_are_the_first_bytes_of_zeros_encrypted_or_of_a_hash)
{
	struct ckey *k = NULL;
	uint8_t v[3];

	/* FIPS 197 appendix, AES-128 of zeros under zeros: 66e94b...; SHA-1("abc"): a9993e... */
	CHECK_RC(ckey_from_secret(KEY_AES, hex("00000000000000000000000000000000"), &k), KMS_OK);
	CHECK_RC(ckey_check_value(k, v), KMS_OK);
	CHECK_BYTES(slice_of(v, 3), hex("66e94b"));
	ckey_unref(k);
	CHECK_RC(ckey_from_secret(KEY_GENERIC, BYTES("abc"), &k), KMS_OK);
	CHECK_RC(ckey_check_value(k, v), KMS_OK);
	CHECK_BYTES(slice_of(v, 3), hex("a9993e"));
	ckey_unref(k);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto_vectors");
	TCase *c = tcase_create("crypto_vectors");

	tcase_add_loop_test(c, ciphers_encrypt_as_the_standards_say, 0, ARRAY_LEN(ciphers));
	tcase_add_loop_test(c, ciphers_decrypt_as_the_standards_say, 0, ARRAY_LEN(ciphers));
	tcase_add_loop_test(c, macs_are_as_the_standards_say, 0, ARRAY_LEN(macs));
	tcase_add_loop_test(c, digests_are_as_the_standard_says, 0, ARRAY_LEN(hashes));
	tcase_add_loop_test(c, scrypt_is_as_its_rfc_says, 0, ARRAY_LEN(scrypts));
	tcase_add_test(c, scrypt_refuses_costs_out_of_range);
	tcase_add_test(c, check_values_are_the_first_bytes_of_zeros_encrypted_or_of_a_hash);
	suite_add_tcase(s, c);
	return unit_main(s);
}
