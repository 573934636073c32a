/* SPDX-License-Identifier: Apache-2.0 */
/* Mechanism parameters in. The only code that follows an application's parameter pointers. */
#include "pkcs11/param.h"

#include "pkcs11/family.h"
#include "pkcs11/rv.h"

/* The one source of an OAEP label that PKCS #1 defines; p11-kit's header has no name for it. */
#ifndef CKZ_DATA_SPECIFIED
#define CKZ_DATA_SPECIFIED 1UL
#endif

#define RSA_BYTES_MAX	1024 /* of the longest modulus in mech.def */
#define KMS_CONTEXT_MAX 8192

/* The parameter's struct, out of memory that may be misaligned. Its length must be exact. */
static CK_RV
fetch(const CK_MECHANISM *m, void *dst, size_t len)
{
	if (m->pParameter == NULL || m->ulParameterLen != len)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(dst, m->pParameter, len);
	return CKR_OK;
}

/* N bytes of P's own for what the parameter points to; good until the next params_read. */
static CK_RV
own(struct params *p, size_t n, uint8_t **ret)
{
	if (n <= sizeof(p->small)) {
		*ret = p->small;
		return CKR_OK;
	}
	buf_clear(&p->large);
	return rv_of(buf_extend(&p->large, n, ret));
}

static CK_RV
own_bytes(struct params *p, const void *src, CK_ULONG len, struct slice *ret)
{
	uint8_t *dst;

	if (len > PARAM_BYTES_MAX || (src == NULL && len != 0))
		return CKR_MECHANISM_PARAM_INVALID;
	TRY_RV(own(p, len, &dst));
	if (len != 0)
		memcpy(dst, src, len);
	*ret = slice_of(dst, len);
	return CKR_OK;
}

static enum digest
digest_of(CK_MECHANISM_TYPE hash)
{
	switch (hash) {
	case CKM_SHA_1: return DIGEST_SHA1;
	case CKM_SHA224: return DIGEST_SHA224;
	case CKM_SHA256: return DIGEST_SHA256;
	case CKM_SHA384: return DIGEST_SHA384;
	case CKM_SHA512: return DIGEST_SHA512;
	default: return DIGEST_NONE;
	}
}

static enum digest
digest_of_mgf(CK_ULONG mgf)
{
	switch (mgf) {
	case CKG_MGF1_SHA1: return DIGEST_SHA1;
	case CKG_MGF1_SHA224: return DIGEST_SHA224;
	case CKG_MGF1_SHA256: return DIGEST_SHA256;
	case CKG_MGF1_SHA384: return DIGEST_SHA384;
	case CKG_MGF1_SHA512: return DIGEST_SHA512;
	default: return DIGEST_NONE;
	}
}

static uint32_t
mac_len_max(const struct mech *row)
{
	return row->alg == ALG_AES_CMAC ? AES_BLOCK : (uint32_t)digest_len(row->digest);
}

static CK_RV
read_none(struct params *p, const struct mech *row, const CK_MECHANISM *m)
{
	if (m->ulParameterLen != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	if (row->alg == ALG_HMAC || row->alg == ALG_AES_CMAC)
		p->p.u.mac.len = mac_len_max(row);
	return CKR_OK;
}

static CK_RV
read_mac_len(struct params *p, const struct mech *row, const CK_MECHANISM *m)
{
	CK_ULONG len;

	TRY_RV(fetch(m, &len, sizeof(len)));
	if (len == 0 || len > mac_len_max(row))
		return CKR_MECHANISM_PARAM_INVALID;
	p->p.u.mac.len = (uint32_t)len;
	return CKR_OK;
}

/* An initial value of LEN bytes, or (where the algorithm has a default) none. */
static CK_RV
read_iv(struct params *p, const CK_MECHANISM *m, size_t len, bool optional)
{
	if (optional && m->ulParameterLen == 0)
		return CKR_OK;
	TRY_RV(fetch(m, p->small, len));
	p->p.u.cipher.iv = slice_of(p->small, len);
	return CKR_OK;
}

static CK_RV
read_ctr(struct params *p, const CK_MECHANISM *m)
{
	CK_AES_CTR_PARAMS in;

	TRY_RV(fetch(m, &in, sizeof(in)));
	if (in.ulCounterBits == 0 || in.ulCounterBits > 8 * AES_BLOCK)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(p->small, in.cb, AES_BLOCK);
	p->p.u.cipher.iv = slice_of(p->small, AES_BLOCK);
	p->p.u.cipher.counter_bits = (uint32_t)in.ulCounterBits;
	return CKR_OK;
}

static bool
gcm_tag_bits(CK_ULONG bits)
{
	/* SP 800-38D 5.2.1.2 */
	return bits == 32 || bits == 64 || (bits >= 96 && bits <= 128 && bits % 8 == 0);
}

/* ulIvBits is not looked at: the IV's length in bytes says all, and many callers leave it unset. */
static CK_RV
read_gcm(struct params *p, const CK_MECHANISM *m)
{
	CK_GCM_PARAMS in;
	uint8_t *dst;

	TRY_RV(fetch(m, &in, sizeof(in)));
	if (in.pIv == NULL || in.ulIvLen == 0 || in.ulIvLen > 256 || !gcm_tag_bits(in.ulTagBits))
		return CKR_MECHANISM_PARAM_INVALID;
	if (in.ulAADLen > PARAM_BYTES_MAX || (in.pAAD == NULL && in.ulAADLen != 0))
		return CKR_MECHANISM_PARAM_INVALID;
	TRY_RV(own(p, in.ulIvLen + in.ulAADLen, &dst));
	memcpy(dst, in.pIv, in.ulIvLen);
	if (in.ulAADLen != 0)
		memcpy(dst + in.ulIvLen, in.pAAD, in.ulAADLen);
	p->p.u.gcm.iv = slice_of(dst, in.ulIvLen);
	p->p.u.gcm.aad = slice_of(dst + in.ulIvLen, in.ulAADLen);
	p->p.u.gcm.tag_len = (uint32_t)(in.ulTagBits / 8);
	return CKR_OK;
}

static CK_RV
read_oaep(struct params *p, const CK_MECHANISM *m)
{
	CK_RSA_PKCS_OAEP_PARAMS in;

	TRY_RV(fetch(m, &in, sizeof(in)));
	p->p.u.oaep.hash = digest_of(in.hashAlg);
	p->p.u.oaep.mgf = digest_of_mgf(in.mgf);
	if (p->p.u.oaep.hash == DIGEST_NONE || p->p.u.oaep.mgf == DIGEST_NONE)
		return CKR_MECHANISM_PARAM_INVALID;
	/* Callers without a label leave the source 0, too. */
	if (in.source != CKZ_DATA_SPECIFIED && (in.source != 0 || in.ulSourceDataLen != 0))
		return CKR_MECHANISM_PARAM_INVALID;
	return own_bytes(p, in.pSourceData, in.ulSourceDataLen, &p->p.u.oaep.label);
}

static CK_RV
read_pss(struct params *p, const struct mech *row, const CK_MECHANISM *m)
{
	CK_RSA_PKCS_PSS_PARAMS in;
	enum digest hash, mgf;

	TRY_RV(fetch(m, &in, sizeof(in)));
	hash = digest_of(in.hashAlg);
	mgf = digest_of_mgf(in.mgf);
	if (hash == DIGEST_NONE || mgf == DIGEST_NONE)
		return CKR_MECHANISM_PARAM_INVALID;
	if (row->digest != DIGEST_NONE && row->digest != hash)
		return CKR_MECHANISM_PARAM_INVALID;
	/* What no key of ours can hold; the exact limit is the key's. */
	if (in.sLen > RSA_BYTES_MAX - 2 - digest_len(hash))
		return CKR_MECHANISM_PARAM_INVALID;
	p->p.u.pss.hash = hash;
	p->p.u.pss.mgf = mgf;
	p->p.u.pss.salt_len = (uint32_t)in.sLen;
	return CKR_OK;
}

/* The other side's point comes raw, as the standard demands, or as in CKA_EC_POINT. Whose curve it
 * is on, the key will tell. */
static CK_RV
read_ecdh1(struct params *p, const CK_MECHANISM *m)
{
	static const size_t lens[] = { 65, 97, 133 }; /* 04 || x || y on the curves we have */
	CK_ECDH1_DERIVE_PARAMS in;
	struct slice given, point;
	size_t i;

	TRY_RV(fetch(m, &in, sizeof(in)));
	if (in.kdf != CKD_NULL || in.ulSharedDataLen != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	TRY_RV(own_bytes(p, in.pPublicData, in.ulPublicDataLen, &given));
	for (i = 0; i < ARRAY_LEN(lens); i++) {
		point = ec_point_unwrap(given, lens[i]);
		if (point.len == lens[i] && point.p[0] == 0x04) {
			p->p.u.ecdh.peer = point;
			return CKR_OK;
		}
	}
	return CKR_MECHANISM_PARAM_INVALID;
}

/* Of the schemes of RFC 8032, pure Ed25519 alone. */
static CK_RV
read_eddsa(const CK_MECHANISM *m)
{
	CK_EDDSA_PARAMS in;

	if (m->ulParameterLen == 0)
		return CKR_OK;
	TRY_RV(fetch(m, &in, sizeof(in)));
	return in.phFlag == CK_FALSE && in.ulContextDataLen == 0 ? CKR_OK
								 : CKR_MECHANISM_PARAM_INVALID;
}

/* Who signs; the algorithm knows who when nobody says. */
static CK_RV
read_sm2_id(struct params *p, const CK_MECHANISM *m)
{
	if (m->ulParameterLen == 0)
		return CKR_OK;
	if (m->pParameter == NULL || m->ulParameterLen > SM2_ID_MAX)
		return CKR_MECHANISM_PARAM_INVALID;
	return own_bytes(p, m->pParameter, m->ulParameterLen, &p->p.u.sm2.id);
}

/* Something between braces; whether it is good JSON, the KMS will tell. */
static CK_RV
read_kms(struct params *p, const CK_MECHANISM *m)
{
	struct slice *context = &p->p.u.kms.context;

	if (m->ulParameterLen > KMS_CONTEXT_MAX)
		return CKR_MECHANISM_PARAM_INVALID;
	TRY_RV(own_bytes(p, m->pParameter, m->ulParameterLen, context));
	if (context->len > 0 &&
	    (context->len < 2 || context->p[0] != '{' || context->p[context->len - 1] != '}'))
		return CKR_MECHANISM_PARAM_INVALID;
	return CKR_OK;
}

CK_RV
params_read(struct params *p, const struct mech *row, const CK_MECHANISM *mechanism)
{
	CK_MECHANISM m;

	memcpy(&m, mechanism, sizeof(m));
	p->p = (struct alg_params){ .alg = row->alg, .digest = row->digest };
	switch (row->param) {
	case PARAM_NONE: return read_none(p, row, &m);
	case PARAM_IV16: return read_iv(p, &m, AES_BLOCK, false);
	case PARAM_CTR: return read_ctr(p, &m);
	case PARAM_GCM: return read_gcm(p, &m);
	case PARAM_OAEP: return read_oaep(p, &m);
	case PARAM_PSS: return read_pss(p, row, &m);
	case PARAM_MAC_LEN: return read_mac_len(p, row, &m);
	case PARAM_KW_IV: return read_iv(p, &m, 8, true);
	case PARAM_KWP_IV: return read_iv(p, &m, 4, true);
	case PARAM_ECDH1: return read_ecdh1(p, &m);
	case PARAM_EDDSA: return read_eddsa(&m);
	case PARAM_SM2_ID: return read_sm2_id(p, &m);
	case PARAM_KMS: return read_kms(p, &m);
	}
	return CKR_MECHANISM_PARAM_INVALID;
}

void
params_free(struct params *p)
{
	if (p == NULL)
		return;
	buf_free(&p->large);
	p->p = (struct alg_params){ 0 };
}
