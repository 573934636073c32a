/* SPDX-License-Identifier: Apache-2.0 */
/* Mechanism parameters by number, good ones and bad ones, for call_fuzz. */
#include "tests/fuzz/known.h"
#include "tests/fuzz/model.h"

static void *
memory(struct m_param *p, int i, size_t len, uint8_t fill)
{
	MUST((p->memory[i] = malloc(len)) != NULL || len == 0);
	if (len > 0)
		memset(p->memory[i], fill, len);
	return p->memory[i];
}

static void
set(struct m_param *p, const void *value, size_t len)
{
	void *own = memory(p, 0, len, 0);

	if (len > 0)
		memcpy(own, value, len);
	p->m.pParameter = own;
	p->m.ulParameterLen = len;
}

size_t
param_mac_len(const struct mech *row, unsigned variant)
{
	size_t full = row->alg == ALG_AES_CMAC ? 16 : digest_len(row->digest);

	if (row->param != PARAM_MAC_LEN)
		return full;
	return variant == 0 ? full : variant == 1 ? full / 2 : variant == 2 ? 8 : 1;
}

size_t
param_tag_len(unsigned variant)
{
	static const uint8_t lens[] = { 16, 12, 8, 4 };

	return lens[variant % ARRAY_LEN(lens)];
}

static const struct {
	CK_MECHANISM_TYPE hash;
	CK_ULONG mgf;
	enum digest digest;
} hashes[] = {
	{ CKM_SHA256, CKG_MGF1_SHA256, DIGEST_SHA256 },
	{ CKM_SHA_1, CKG_MGF1_SHA1, DIGEST_SHA1 },
	{ CKM_SHA512, CKG_MGF1_SHA1, DIGEST_SHA512 },
	{ CKM_SHA224, CKG_MGF1_SHA384, DIGEST_SHA224 },
};

size_t
param_oaep_hash(unsigned variant)
{
	return digest_len(hashes[variant % ARRAY_LEN(hashes)].digest);
}

/* The counters of CTR start at ff..f0: of 8 bits, 16 blocks are left. */
size_t
param_counter_bytes(unsigned variant)
{
	return variant % 2 == 0 ? SIZE_MAX : 256;
}

static void
make_ctr(struct m_param *p, unsigned variant)
{
	CK_AES_CTR_PARAMS in = { .ulCounterBits = variant % 2 == 0 ? 128 : 8 };

	memset(in.cb, (int)variant, sizeof(in.cb));
	in.cb[15] = 0xf0;
	if (variant == 4)
		in.ulCounterBits = 0;
	if (variant > 4)
		in.ulCounterBits = 129;
	set(p, &in, sizeof(in));
	p->good = variant < 4;
}

static void
make_gcm(struct m_param *p, unsigned variant)
{
	static const uint16_t iv[] = { 12, 1, 256, 16 }, aad[] = { 20, 0, 100, 1000 };
	CK_GCM_PARAMS in = { .ulIvLen = iv[variant % 4], .ulAADLen = aad[variant % 4] };

	in.ulTagBits = param_tag_len(variant) * 8;
	p->good = variant < 4;
	if (variant == 4)
		in.ulIvLen = 257;
	if (variant == 5)
		in.ulTagBits = 100;
	if (variant == 6)
		in.ulAADLen = (CK_ULONG)-1;
	in.pIv = memory(p, 1, in.ulIvLen, 0x11);
	in.pAAD = variant == 6 ? NULL : memory(p, 2, in.ulAADLen, 0x22);
	set(p, &in, sizeof(in));
	if (variant == 7)
		p->m.ulParameterLen--;
}

static void
make_oaep(struct m_param *p, unsigned variant)
{
	CK_RSA_PKCS_OAEP_PARAMS in = {
		.hashAlg = hashes[variant % 4].hash, .mgf = hashes[variant % 4].mgf, .source = 1
	};

	p->good = variant < 4;
	in.ulSourceDataLen = variant == 1 ? 5 : variant == 2 ? 70 : 0;
	in.pSourceData = memory(p, 1, in.ulSourceDataLen, 0x33);
	if (variant == 4)
		in.hashAlg = CKM_AES_CBC;
	if (variant == 5)
		in.source = 2;
	if (variant == 6)
		in.pSourceData = NULL, in.ulSourceDataLen = 1;
	set(p, &in, sizeof(in));
	if (variant == 7)
		p->m.pParameter = NULL;
}

static void
make_pss(struct m_param *p, const struct mech *row, unsigned variant)
{
	static const uint8_t salt[] = { 20, 0, 32, 64 };
	CK_RSA_PKCS_PSS_PARAMS in = { .sLen = salt[variant % 4] };

	for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
		if (row->digest == hashes[i].digest)
			in.hashAlg = hashes[i].hash;
	if (row->digest == DIGEST_NONE)
		in.hashAlg = CKM_SHA256;
	if (row->digest == DIGEST_SHA384)
		in.hashAlg = CKM_SHA384;
	in.mgf = variant % 2 == 0 ? CKG_MGF1_SHA256 : CKG_MGF1_SHA1;
	p->good = variant < 4;
	if (variant == 4)
		in.sLen = 511;
	if (variant == 5)
		in.mgf = 99;
	if (variant >= 6)
		in.hashAlg = CKM_SHA256_RSA_PKCS;
	set(p, &in, sizeof(in));
}

static void
make_ecdh(struct m_param *p, unsigned variant)
{
	struct slice point = known_part(variant == 2 ? KNOWN_P384 : KNOWN_P256, PART_EC_POINT);
	CK_ECDH1_DERIVE_PARAMS in = { .kdf = variant == 3 ? 2 : CKD_NULL,
		.ulPublicDataLen = point.len };
	uint8_t *own = memory(p, 1, point.len, 0);

	memcpy(own, point.p, point.len);
	if (variant == 1)
		own[40] ^= 1; /* no longer on the curve */
	in.pPublicData = own;
	set(p, &in, sizeof(in));
	p->good = variant == 0;
}

static void
make_iv(struct m_param *p, size_t len, bool optional, unsigned variant)
{
	uint8_t iv[17];

	memset(iv, 0x40 + (int)variant, sizeof(iv));
	p->good = variant < 4;
	if (optional && variant % 2 == 0 && variant < 4)
		return;
	set(p, iv, variant < 4 ? len : variant == 4 ? len + 1 : variant == 5 ? len - 1 : 1);
	if (variant == 7)
		p->m.pParameter = NULL;
}

static void
make_eddsa(struct m_param *p, unsigned variant)
{
	CK_EDDSA_PARAMS in = { .phFlag = variant == 4 ? CK_TRUE : CK_FALSE };

	p->good = variant < 4;
	if (variant == 5)
		in.ulContextDataLen = 3;
	if (variant != 0)
		set(p, &in, variant < 6 ? sizeof(in) : sizeof(in) - 1);
}

static void
make_sm2_id(struct m_param *p, unsigned variant)
{
	size_t len = variant < 4 ? 18 * variant : SM2_ID_MAX + 1;

	p->good = variant < 4;
	p->m.pParameter = memory(p, 0, len, 0x55);
	p->m.ulParameterLen = len;
	if (variant == 7)
		p->m.pParameter = NULL;
}

void
param_make(struct m_param *p, const struct mech *row, unsigned variant)
{
	CK_ULONG number;

	*p = (struct m_param){ .m = { row->type, NULL, 0 } };
	switch (row->param) {
	case PARAM_NONE:
		if (variant >= 4)
			set(p, "x", 1);
		p->good = variant < 4;
		break;
	case PARAM_IV16: make_iv(p, 16, false, variant); break;
	case PARAM_KW_IV: make_iv(p, 8, true, variant); break;
	case PARAM_KWP_IV: make_iv(p, 4, true, variant); break;
	case PARAM_CTR: make_ctr(p, variant); break;
	case PARAM_GCM: make_gcm(p, variant); break;
	case PARAM_OAEP: make_oaep(p, variant); break;
	case PARAM_PSS: make_pss(p, row, variant); break;
	case PARAM_MAC_LEN:
		number = variant < 4 ? param_mac_len(row, variant) : variant == 4 ? 0 : 65;
		set(p, &number, sizeof(number));
		p->good = variant < 4;
		break;
	case PARAM_ECDH1: make_ecdh(p, variant); break;
	case PARAM_EDDSA: make_eddsa(p, variant); break;
	case PARAM_SM2_ID: make_sm2_id(p, variant); break;
	case PARAM_KMS:
		break; /* not chosen: its keys are the KMS's, of which the model knows nothing */
	}
}

void
param_free(struct m_param *p)
{
	for (size_t i = 0; i < ARRAY_LEN(p->memory); i++)
		free(p->memory[i]);
}
