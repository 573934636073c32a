/* SPDX-License-Identifier: Apache-2.0 */
/* Our algorithms in PKCS#11's words: the one table, the parameters, and what of it an HSM has. */
#include "hsm/token.h"

#include <stdlib.h>

static const struct row {
	enum alg alg;
	enum digest digest;
	CK_MECHANISM_TYPE type;
} rows[] = {
	{ ALG_RSA_PKCS1, DIGEST_NONE, CKM_RSA_PKCS },
	{ ALG_RSA_PKCS1, DIGEST_SHA1, CKM_SHA1_RSA_PKCS },
	{ ALG_RSA_PKCS1, DIGEST_SHA224, CKM_SHA224_RSA_PKCS },
	{ ALG_RSA_PKCS1, DIGEST_SHA256, CKM_SHA256_RSA_PKCS },
	{ ALG_RSA_PKCS1, DIGEST_SHA384, CKM_SHA384_RSA_PKCS },
	{ ALG_RSA_PKCS1, DIGEST_SHA512, CKM_SHA512_RSA_PKCS },
	{ ALG_RSA_RAW, DIGEST_NONE, CKM_RSA_X_509 },
	{ ALG_RSA_OAEP, DIGEST_NONE, CKM_RSA_PKCS_OAEP },
	{ ALG_RSA_PSS, DIGEST_NONE, CKM_RSA_PKCS_PSS },
	{ ALG_RSA_PSS, DIGEST_SHA1, CKM_SHA1_RSA_PKCS_PSS },
	{ ALG_RSA_PSS, DIGEST_SHA224, CKM_SHA224_RSA_PKCS_PSS },
	{ ALG_RSA_PSS, DIGEST_SHA256, CKM_SHA256_RSA_PKCS_PSS },
	{ ALG_RSA_PSS, DIGEST_SHA384, CKM_SHA384_RSA_PKCS_PSS },
	{ ALG_RSA_PSS, DIGEST_SHA512, CKM_SHA512_RSA_PKCS_PSS },
	{ ALG_ECDSA, DIGEST_NONE, CKM_ECDSA },
	{ ALG_ECDSA, DIGEST_SHA1, CKM_ECDSA_SHA1 },
	{ ALG_ECDSA, DIGEST_SHA224, CKM_ECDSA_SHA224 },
	{ ALG_ECDSA, DIGEST_SHA256, CKM_ECDSA_SHA256 },
	{ ALG_ECDSA, DIGEST_SHA384, CKM_ECDSA_SHA384 },
	{ ALG_ECDSA, DIGEST_SHA512, CKM_ECDSA_SHA512 },
	{ ALG_EDDSA, DIGEST_NONE, CKM_EDDSA },
	{ ALG_ECDH, DIGEST_NONE, CKM_ECDH1_DERIVE },
	{ ALG_AES_ECB, DIGEST_NONE, CKM_AES_ECB },
	{ ALG_AES_CBC, DIGEST_NONE, CKM_AES_CBC },
	/* Padding is put on and taken off here, so that what a call gives is known beforehand. */
	{ ALG_AES_CBC_PAD, DIGEST_NONE, CKM_AES_CBC },
	{ ALG_AES_CTR, DIGEST_NONE, CKM_AES_CTR },
	{ ALG_AES_GCM, DIGEST_NONE, CKM_AES_GCM },
	{ ALG_AES_CMAC, DIGEST_NONE, CKM_AES_CMAC },
	{ ALG_AES_KW, DIGEST_NONE, CKM_AES_KEY_WRAP },
	{ ALG_AES_KWP, DIGEST_NONE, CKM_AES_KEY_WRAP_KWP },
	{ ALG_HMAC, DIGEST_SHA1, CKM_SHA_1_HMAC },
	{ ALG_HMAC, DIGEST_SHA224, CKM_SHA224_HMAC },
	{ ALG_HMAC, DIGEST_SHA256, CKM_SHA256_HMAC },
	{ ALG_HMAC, DIGEST_SHA384, CKM_SHA384_HMAC },
	{ ALG_HMAC, DIGEST_SHA512, CKM_SHA512_HMAC },
};
_Static_assert(ARRAY_LEN(rows) <= TOK_ROWS_MAX, "the table is longer than what is known of it");

static const struct {
	enum key_type type;
	CK_KEY_TYPE ckk;
	CK_MECHANISM_TYPE generate;
} types[] = {
	{ KEY_RSA, CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN },
	{ KEY_EC, CKK_EC, CKM_EC_KEY_PAIR_GEN },
	{ KEY_EDWARDS, CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN },
	{ KEY_AES, CKK_AES, CKM_AES_KEY_GEN },
	{ KEY_GENERIC, CKK_GENERIC_SECRET, CKM_GENERIC_SECRET_KEY_GEN },
};

CK_MECHANISM_TYPE
tok_keygen(enum key_type type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == type)
			return types[i].generate;
	return CK_UNAVAILABLE_INFORMATION;
}

CK_KEY_TYPE
tok_key_type(enum key_type type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == type)
			return types[i].ckk;
	return CK_UNAVAILABLE_INFORMATION;
}

enum key_type
tok_type_of(CK_KEY_TYPE ckk)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].ckk == ckk)
			return types[i].type;
	return KEY_NONE;
}

/* -- what the HSM has -- */

static unsigned
cans(CK_FLAGS flags)
{
	static const struct {
		CK_FLAGS flag;
		unsigned can;
	} map[] = {
		{ CKF_ENCRYPT, CAN(USE_ENCRYPT) },
		{ CKF_DECRYPT, CAN(USE_DECRYPT) },
		{ CKF_SIGN, CAN(USE_SIGN) | CAN(USE_VERIFY) },
		{ CKF_DERIVE, CAN_DERIVE },
	};
	unsigned can = 0;

	for (size_t i = 0; i < ARRAY_LEN(map); i++)
		can |= (flags & map[i].flag) != 0 ? map[i].can : 0;
	return can;
}

/* Key wrap of bytes at hand goes either way: token_kw.c. */
static unsigned
wraps(CK_FLAGS flags)
{
	return ((flags & CKF_WRAP) != 0 ? CAN(USE_ENCRYPT) : 0) |
	    ((flags & CKF_UNWRAP) != 0 ? CAN(USE_DECRYPT) : 0);
}

/* Whether the hash can be made here and go to the mechanism that takes hashes. */
static bool
hashes_here(enum alg alg)
{
	return alg == ALG_RSA_PKCS1 || alg == ALG_RSA_PSS || alg == ALG_ECDSA;
}

static void
fill_uses(struct tok *h)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned can = cans(h->mechs.flags[i]);

		if (rows[i].alg == ALG_AES_KW || rows[i].alg == ALG_AES_KWP)
			can |= wraps(h->mechs.flags[i]);

		h->caps.uses[rows[i].alg][rows[i].digest] |= (uint8_t)can;
		if (!hashes_here(rows[i].alg) || rows[i].digest != DIGEST_NONE)
			continue;
		for (unsigned d = DIGEST_SHA1; d < DIGEST_END; d++)
			h->caps.uses[rows[i].alg][d] |= (uint8_t)(can & CAN(USE_SIGN));
	}
	/* What the KMS makes of it. */
	h->caps.uses[ALG_KMS][DIGEST_NONE] = h->caps.uses[ALG_AES_GCM][DIGEST_NONE];
}

/* Sizes that make no sense (some say bytes, some nothing) limit nothing. */
static void
fill_bits(struct tok *h, enum key_type type, const CK_MECHANISM_INFO *info)
{
	if ((type != KEY_RSA && type != KEY_EC) || info->ulMaxKeySize < 256 ||
	    info->ulMaxKeySize < info->ulMinKeySize || info->ulMaxKeySize > UINT32_MAX)
		return;
	h->caps.bits[type].min = (uint32_t)info->ulMinKeySize;
	h->caps.bits[type].max = (uint32_t)info->ulMaxKeySize;
}

static CK_RV
read_all(struct tok *h, CK_SLOT_ID slot)
{
	CK_FUNCTION_LIST *f = h->mod->f;
	CK_MECHANISM_INFO info;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CK_RV rv = f->C_GetMechanismInfo(slot, rows[i].type, &info);

		if (tok_fault(rv) != FAULT_NONE && tok_fault(rv) != FAULT_DEVICE)
			return rv;
		h->mechs.flags[i] = rv == CKR_OK ? info.flags : 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (f->C_GetMechanismInfo(slot, types[i].generate, &info) != CKR_OK ||
		    (info.flags & (CKF_GENERATE | CKF_GENERATE_KEY_PAIR)) == 0)
			continue;
		h->caps.makes |= 1u << types[i].type;
		fill_bits(h, types[i].type, &info);
	}
	return CKR_OK;
}

enum kms_rc
tok_mechs_read(struct tok *h, CK_SLOT_ID slot, struct call *c)
{
	CK_RV rv = CKR_CRYPTOKI_NOT_INITIALIZED;

	if (p11mod_enter(h->mod)) {
		h->caps = (struct key_caps){ .inside = true };
		rv = read_all(h, slot);
		p11mod_leave(h->mod);
	}
	if (rv != CKR_OK)
		return tok_fail(c, "C_GetMechanismInfo", rv);
	fill_uses(h);
	atomic_store_explicit(&h->known, true, memory_order_release);
	return KMS_OK;
}

static const struct row *
row_with(const struct tok *h, enum alg alg, enum digest digest, CK_FLAGS function)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].alg == alg && rows[i].digest == digest &&
		    (h->mechs.flags[i] & function) != 0)
			return &rows[i];
	return NULL;
}

/* Hashing here where that can be: the message then need not travel, nor a session be kept between
 * its parts, and a lost connection loses nothing. */
enum kms_rc
tok_route(const struct tok *h, enum alg alg, enum digest digest, CK_FLAGS function,
    struct tok_route *ret)
{
	const struct row *r = NULL;

	ret->hash_here = false;
	if (digest != DIGEST_NONE && hashes_here(alg) &&
	    (r = row_with(h, alg, DIGEST_NONE, function)) != NULL)
		ret->hash_here = true;
	if (r == NULL && (r = row_with(h, alg, digest, function)) == NULL)
		return KMS_NOTSUP;
	ret->type = r->type;
	return KMS_OK;
}

/* -- parameters -- */

static CK_MECHANISM_TYPE
hash_of(enum digest d)
{
	switch (d) {
	case DIGEST_SHA1: return CKM_SHA_1;
	case DIGEST_SHA224: return CKM_SHA224;
	case DIGEST_SHA256: return CKM_SHA256;
	case DIGEST_SHA384: return CKM_SHA384;
	case DIGEST_SHA512: return CKM_SHA512;
	case DIGEST_SM3: /* no HSM's mechanism here */
	case DIGEST_NONE:
	case DIGEST_END: break;
	}
	return CK_UNAVAILABLE_INFORMATION;
}

static CK_ULONG
mgf_of(enum digest d)
{
	switch (d) {
	case DIGEST_SHA1: return CKG_MGF1_SHA1;
	case DIGEST_SHA224: return CKG_MGF1_SHA224;
	case DIGEST_SHA256: return CKG_MGF1_SHA256;
	case DIGEST_SHA384: return CKG_MGF1_SHA384;
	case DIGEST_SHA512: return CKG_MGF1_SHA512;
	case DIGEST_SM3: /* no HSM's mechanism here */
	case DIGEST_NONE:
	case DIGEST_END: break;
	}
	return 0;
}

static void
point_to(struct tok_mechanism *m, void *p, size_t len)
{
	m->m.pParameter = p;
	m->m.ulParameterLen = len;
}

/* The parameter structs point into the mechanism's own copy. */
static void
set_gcm(struct tok_mechanism *m, const struct alg_params *p)
{
	size_t iv = p->u.gcm.iv.len, aad = p->u.gcm.aad.len;

	m->u.gcm = (CK_GCM_PARAMS){
		.pIv = m->own.p,
		.ulIvLen = iv,
		.ulIvBits = 8 * iv,
		.pAAD = aad == 0 ? NULL : m->own.p + iv,
		.ulAADLen = aad,
		.ulTagBits = 8 * (CK_ULONG)p->u.gcm.tag_len,
	};
	point_to(m, &m->u.gcm, sizeof(m->u.gcm));
}

static void
set_oaep(struct tok_mechanism *m, const struct alg_params *p)
{
	m->u.oaep = (CK_RSA_PKCS_OAEP_PARAMS){
		.hashAlg = hash_of(p->u.oaep.hash),
		.mgf = mgf_of(p->u.oaep.mgf),
		.source = 1, /* CKZ_DATA_SPECIFIED */
		.pSourceData = m->own.len == 0 ? NULL : m->own.p,
		.ulSourceDataLen = m->own.len,
	};
	point_to(m, &m->u.oaep, sizeof(m->u.oaep));
}

static void
set_pss(struct tok_mechanism *m, const struct alg_params *p)
{
	m->u.pss = (CK_RSA_PKCS_PSS_PARAMS){
		.hashAlg = hash_of(p->u.pss.hash),
		.mgf = mgf_of(p->u.pss.mgf),
		.sLen = p->u.pss.salt_len,
	};
	point_to(m, &m->u.pss, sizeof(m->u.pss));
}

static void
set_ctr(struct tok_mechanism *m, const struct alg_params *p)
{
	m->u.ctr.ulCounterBits = p->u.cipher.counter_bits;
	memcpy(m->u.ctr.cb, m->own.p, sizeof(m->u.ctr.cb));
	point_to(m, &m->u.ctr, sizeof(m->u.ctr));
}

/* The bytes that P borrows. */
static enum kms_rc
own_bytes(struct tok_mechanism *m, const struct alg_params *p)
{
	buf_clear(&m->own);
	switch ((int)p->alg) {
	case ALG_AES_CBC:
	case ALG_AES_CBC_PAD:
	case ALG_AES_CTR:
	case ALG_AES_KW:
	case ALG_AES_KWP: return buf_add(&m->own, p->u.cipher.iv);
	case ALG_AES_GCM: TRY(buf_add(&m->own, p->u.gcm.iv)); return buf_add(&m->own, p->u.gcm.aad);
	case ALG_RSA_OAEP: return buf_add(&m->own, p->u.oaep.label);
	default: return KMS_OK;
	}
}

enum kms_rc
tok_mechanism_set(struct tok_mechanism *m, CK_MECHANISM_TYPE type, const struct alg_params *p)
{
	m->m = (CK_MECHANISM){ .mechanism = type };
	TRY(own_bytes(m, p));
	switch ((int)p->alg) {
	case ALG_AES_GCM: set_gcm(m, p); break;
	case ALG_AES_CTR: set_ctr(m, p); break;
	case ALG_RSA_OAEP: set_oaep(m, p); break;
	case ALG_RSA_PSS: set_pss(m, p); break;
	default:
		if (m->own.len > 0)
			point_to(m, m->own.p, m->own.len);
	}
	return KMS_OK;
}

void
tok_mechanism_free(struct tok_mechanism *m)
{
	buf_free(&m->own);
}
