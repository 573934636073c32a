/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the mechanism matrix, their parameters, good and bad, and their keys. */
#include "tests/p11/matrix.h"

#define ED	 (CKF_ENCRYPT | CKF_DECRYPT)
#define WU	 (CKF_WRAP | CKF_UNWRAP)
#define SV	 (CKF_SIGN | CKF_VERIFY)
#define RECOVER	 (CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER)
#define MESSAGES (0x3eUL) /* the message flags of 3.0 */

#define HASH(m, n)                                                                \
	{                                                                         \
		m, #m, DIGEST, 0, P_NONE, n, 0, true, false, true, 70, CKF_DIGEST \
	}
#define AES(m, par, n, parts, auth, any, len, fl)                            \
	{                                                                    \
		m, #m, CIPHER, CKK_AES, par, n, 0, parts, auth, any, len, fl \
	}
#define SM4(m, par, n, any, len, fl)                                                    \
	{                                                                               \
		m, #m, CIPHER, CKK_KMS_SM4, par, n, 0, true, false, any, len, ED | (fl) \
	}
#define RSA_SIGN(m, n)                                                        \
	{                                                                     \
		m, #m, SIGN, CKK_RSA, P_NONE, n, 0, true, false, true, 70, SV \
	}
#define RSA_PSS(m, n, h)                                                     \
	{                                                                    \
		m, #m, SIGN, CKK_RSA, P_PSS, n, h, true, false, true, 70, SV \
	}
#define EC_SIGN(m, n)                                                        \
	{                                                                    \
		m, #m, SIGN, CKK_EC, P_NONE, n, 0, true, false, true, 70, SV \
	}
#define HMAC(m, n)                                                                      \
	{                                                                               \
		m, #m, MAC, CKK_GENERIC_SECRET, P_NONE, n, 0, true, false, true, 70, SV \
	}
#define HMAC_LEN(m, n)                                                                     \
	{                                                                                  \
		m, #m, MAC, CKK_GENERIC_SECRET, P_MAC_LEN, n, 0, true, false, true, 70, SV \
	}

const struct row rows[] = {
	HASH(CKM_SHA_1, "SHA1"),
	HASH(CKM_SHA224, "SHA224"),
	HASH(CKM_SHA256, "SHA256"),
	HASH(CKM_SHA384, "SHA384"),
	HASH(CKM_SHA512, "SHA512"),
	HASH(CKM_KMS_SM3, "SM3"),

	AES(CKM_AES_ECB, P_NONE, "AES-256-ECB", true, false, false, 64, ED | WU),
	AES(CKM_AES_CBC, P_IV, "AES-256-CBC", true, false, false, 64, ED | WU),
	AES(CKM_AES_CBC_PAD, P_IV, "AES-256-CBC", true, false, true, 70, ED | WU),
	AES(CKM_AES_CTR, P_CTR, "AES-256-CTR", true, false, true, 70, ED | WU),
	AES(CKM_AES_GCM, P_GCM, "AES-256-GCM", true, true, true, 70, ED | WU | MESSAGES),
	AES(CKM_AES_KEY_WRAP, P_NONE, "AES-256-WRAP", false, true, false, 64, ED | WU),
	AES(CKM_AES_KEY_WRAP_KWP, P_NONE, "AES-256-WRAP-PAD", false, true, false, 61, ED | WU),
	SM4(CKM_KMS_SM4_ECB, P_NONE, "SM4-ECB", false, 64, WU),
	SM4(CKM_KMS_SM4_CBC, P_IV, "SM4-CBC", false, 64, WU),
	SM4(CKM_KMS_SM4_CBC_PAD, P_IV, "SM4-CBC", true, 70, WU),
	SM4(CKM_KMS_SM4_CTR, P_CTR, "SM4-CTR", true, 70, 0),
	{ CKM_AES_CMAC, "CKM_AES_CMAC", MAC, CKK_AES, P_NONE, "CMAC", 0, true, false, true, 70,
	    SV },
	{ CKM_AES_CMAC_GENERAL, "CKM_AES_CMAC_GENERAL", MAC, CKK_AES, P_MAC_LEN, "CMAC", 0, true,
	    false, true, 70, SV },

	{ CKM_RSA_PKCS, "CKM_RSA_PKCS", CRYPT, CKK_RSA, P_NONE, NULL, 0, false, false, false, 51,
	    ED | SV | WU | RECOVER },
	{ CKM_RSA_X_509, "CKM_RSA_X_509", CRYPT, CKK_RSA, P_NONE, NULL, 0, false, false, false, 256,
	    ED | SV | WU | RECOVER },
	{ CKM_RSA_PKCS_OAEP, "CKM_RSA_PKCS_OAEP", CRYPT, CKK_RSA, P_OAEP, NULL, CKM_SHA256, false,
	    true, false, 51, ED | WU },
	{ CKM_RSA_PKCS_PSS, "CKM_RSA_PKCS_PSS", SIGN, CKK_RSA, P_PSS, NULL, CKM_SHA256, false,
	    false, false, 32, SV },
	RSA_SIGN(CKM_SHA1_RSA_PKCS, "SHA1"),
	RSA_SIGN(CKM_SHA224_RSA_PKCS, "SHA224"),
	RSA_SIGN(CKM_SHA256_RSA_PKCS, "SHA256"),
	RSA_SIGN(CKM_SHA384_RSA_PKCS, "SHA384"),
	RSA_SIGN(CKM_SHA512_RSA_PKCS, "SHA512"),
	RSA_PSS(CKM_SHA1_RSA_PKCS_PSS, "SHA1", CKM_SHA_1),
	RSA_PSS(CKM_SHA224_RSA_PKCS_PSS, "SHA224", CKM_SHA224),
	RSA_PSS(CKM_SHA256_RSA_PKCS_PSS, "SHA256", CKM_SHA256),
	RSA_PSS(CKM_SHA384_RSA_PKCS_PSS, "SHA384", CKM_SHA384),
	RSA_PSS(CKM_SHA512_RSA_PKCS_PSS, "SHA512", CKM_SHA512),

	{ CKM_ECDSA, "CKM_ECDSA", SIGN, CKK_EC, P_NONE, NULL, 0, false, false, false, 32, SV },
	EC_SIGN(CKM_ECDSA_SHA1, "SHA1"),
	EC_SIGN(CKM_ECDSA_SHA224, "SHA224"),
	EC_SIGN(CKM_ECDSA_SHA256, "SHA256"),
	EC_SIGN(CKM_ECDSA_SHA384, "SHA384"),
	EC_SIGN(CKM_ECDSA_SHA512, "SHA512"),
	{ CKM_KMS_SM2DSA, "CKM_KMS_SM2DSA", SIGN, CKK_KMS_SM2, P_NONE, NULL, 0, false, false, false,
	    32, SV },
	{ CKM_KMS_SM2DSA_SM3, "CKM_KMS_SM2DSA_SM3", SIGN, CKK_KMS_SM2, P_NONE, "SM3", 0, true,
	    false, true, 70, SV },
	{ CKM_KMS_SM2PKE, "CKM_KMS_SM2PKE", CRYPT, CKK_KMS_SM2, P_NONE, NULL, 0, false, true, false,
	    51, ED | WU },
	{ CKM_EDDSA, "CKM_EDDSA", SIGN, CKK_EC_EDWARDS, P_NONE, NULL, 0, false, false, true, 70,
	    SV },

	HMAC(CKM_SHA_1_HMAC, "SHA1"),
	HMAC(CKM_SHA224_HMAC, "SHA224"),
	HMAC(CKM_SHA256_HMAC, "SHA256"),
	HMAC(CKM_SHA384_HMAC, "SHA384"),
	HMAC(CKM_SHA512_HMAC, "SHA512"),
	HMAC(CKM_KMS_SM3_HMAC, "SM3"),
	HMAC_LEN(CKM_SHA_1_HMAC_GENERAL, "SHA1"),
	HMAC_LEN(CKM_SHA224_HMAC_GENERAL, "SHA224"),
	HMAC_LEN(CKM_SHA256_HMAC_GENERAL, "SHA256"),
	HMAC_LEN(CKM_SHA384_HMAC_GENERAL, "SHA384"),
	HMAC_LEN(CKM_SHA512_HMAC_GENERAL, "SHA512"),
	HMAC_LEN(CKM_KMS_SM3_HMAC_GENERAL, "SM3"),

	{ CKM_AES_KEY_GEN, "CKM_AES_KEY_GEN", KEYGEN, CKK_AES, P_NONE, NULL, 0, false, false, false,
	    0, CKF_GENERATE },
	{ CKM_GENERIC_SECRET_KEY_GEN, "CKM_GENERIC_SECRET_KEY_GEN", KEYGEN, CKK_GENERIC_SECRET,
	    P_NONE, NULL, 0, false, false, false, 0, CKF_GENERATE },
	{ CKM_RSA_PKCS_KEY_PAIR_GEN, "CKM_RSA_PKCS_KEY_PAIR_GEN", PAIRGEN, CKK_RSA, P_NONE, NULL, 0,
	    false, false, false, 0, CKF_GENERATE_KEY_PAIR },
	{ CKM_EC_KEY_PAIR_GEN, "CKM_EC_KEY_PAIR_GEN", PAIRGEN, CKK_EC, P_NONE, NULL, 0, false,
	    false, false, 0, CKF_GENERATE_KEY_PAIR },
	{ CKM_EC_EDWARDS_KEY_PAIR_GEN, "CKM_EC_EDWARDS_KEY_PAIR_GEN", PAIRGEN, CKK_EC_EDWARDS,
	    P_NONE, NULL, 0, false, false, false, 0, CKF_GENERATE_KEY_PAIR },
	{ CKM_KMS_SM4_KEY_GEN, "CKM_KMS_SM4_KEY_GEN", KEYGEN, CKK_KMS_SM4, P_NONE, NULL, 0, false,
	    false, false, 0, CKF_GENERATE },
	{ CKM_KMS_SM2_KEY_PAIR_GEN, "CKM_KMS_SM2_KEY_PAIR_GEN", PAIRGEN, CKK_KMS_SM2, P_NONE, NULL,
	    0, false, false, false, 0, CKF_GENERATE_KEY_PAIR },
	{ CKM_ECDH1_DERIVE, "CKM_ECDH1_DERIVE", DERIVE, CKK_EC, P_ECDH, NULL, 0, false, false,
	    false, 0, CKF_DERIVE },
};
const size_t n_rows = N(rows);

CK_BYTE secret_value[64];
static CK_BYTE gcm_iv[12] = { 9, 8, 7 }, gcm_aad[20] = { 4, 5, 6 }, label[5] = "label";

const char *
hash_name(CK_MECHANISM_TYPE hash)
{
	switch (hash) {
	case CKM_SHA_1: return "SHA1";
	case CKM_SHA224: return "SHA224";
	case CKM_SHA256: return "SHA256";
	case CKM_SHA384: return "SHA384";
	default: return "SHA512";
	}
}

CK_ULONG
hash_mgf(CK_MECHANISM_TYPE hash)
{
	switch (hash) {
	case CKM_SHA_1: return CKG_MGF1_SHA1;
	case CKM_SHA224: return CKG_MGF1_SHA224;
	case CKM_SHA256: return CKG_MGF1_SHA256;
	case CKM_SHA384: return CKG_MGF1_SHA384;
	default: return CKG_MGF1_SHA512;
	}
}

static void
set_param(struct env *e, void *p, size_t n)
{
	e->mech.pParameter = p;
	e->mech.ulParameterLen = n;
}

static void
good_param(struct env *e)
{
	const struct row *row = e->row;

	memset(&e->p, 0, sizeof(e->p));
	set_param(e, NULL, 0);
	switch (row->param) {
	case P_NONE: break;
	case P_IV:
		memset(e->p.iv, 0x5a, sizeof(e->p.iv));
		set_param(e, e->p.iv, sizeof(e->p.iv));
		break;
	case P_CTR:
		e->p.ctr.ulCounterBits = 128;
		memset(e->p.ctr.cb, 0x5a, sizeof(e->p.ctr.cb));
		set_param(e, &e->p.ctr, sizeof(e->p.ctr));
		break;
	case P_GCM:
		e->p.gcm.pIv = gcm_iv;
		e->p.gcm.ulIvLen = sizeof(gcm_iv);
		e->p.gcm.ulIvBits = sizeof(gcm_iv) * 8;
		e->p.gcm.pAAD = gcm_aad;
		e->p.gcm.ulAADLen = sizeof(gcm_aad);
		e->p.gcm.ulTagBits = 128;
		set_param(e, &e->p.gcm, sizeof(e->p.gcm));
		break;
	case P_OAEP:
		e->p.oaep.hashAlg = row->hash;
		e->p.oaep.mgf = hash_mgf(row->hash);
		e->p.oaep.source = CKZ_DATA_SPECIFIED;
		e->p.oaep.pSourceData = label;
		e->p.oaep.ulSourceDataLen = sizeof(label);
		set_param(e, &e->p.oaep, sizeof(e->p.oaep));
		break;
	case P_PSS:
		e->p.pss.hashAlg = row->hash;
		e->p.pss.mgf = hash_mgf(row->hash);
		e->p.pss.sLen = 20;
		set_param(e, &e->p.pss, sizeof(e->p.pss));
		break;
	case P_MAC_LEN:
		e->p.mac_len = 10;
		set_param(e, &e->p.mac_len, sizeof(e->p.mac_len));
		break;
	case P_ECDH: break;
	}
}

/* CKM_RSA_PKCS signs a DigestInfo, CKM_RSA_X_509 a number below the modulus. */
static void
good_input(struct env *e)
{
	static const CK_BYTE info[19] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
		0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

	e->in_len = e->row->in_len;
	for (size_t i = 0; i < e->in_len; i++)
		e->in[i] = (CK_BYTE)(i * 7 + 1);
	if (e->row->type == CKM_RSA_PKCS)
		memcpy(e->in, info, sizeof(info));
	if (e->row->type == CKM_RSA_X_509)
		e->in[0] = 0;
}

bool
env_make_usage(struct env *e, const struct row *row, bool usage)
{
	CK_MECHANISM_INFO info;

	memset(e, 0, sizeof(*e));
	e->row = row;
	if (p11->C_GetMechanismInfo(p11_slot, row->type, &info) != CKR_OK)
		return false;
	e->flags = info.flags;
	e->mech.mechanism = row->type;
	good_param(e);
	good_input(e);
	if (row->shape == CIPHER || row->shape == MAC) {
		struct tmpl t = { .n = 0 };

		t_secret(&t, row->key);
		for (CK_ULONG i = 6; i < t.n && !usage; i++)
			*(CK_BBOOL *)t.v[i].pValue = CK_FALSE;
		t_bytes(&t, CKA_VALUE, secret_value,
		    row->key == CKK_AES		  ? 32
			: row->key == CKK_KMS_SM4 ? 16
						  : 64);
		CHECK_OK(create(hs, &t, &e->pub));
		e->priv = e->pub;
	} else if (row->shape == CRYPT || row->shape == SIGN) {
		e->pub = import_public(row->key, usage);
		e->priv = import_private(row->key, usage);
	}
	return true;
}

bool
env_make(struct env *e, const struct row *row)
{
	return env_make_usage(e, row, true);
}

CK_OBJECT_HANDLE
env_wrong_key(const struct env *e)
{
	return import_secret(hs, e->row->key == CKK_AES ? CKK_GENERIC_SECRET : CKK_AES,
	    secret_value, 32);
}

/* -- bad parameters ------------------------------------------------------------------------ */

#define TRY(what, change)      \
	do {                   \
		good_param(e); \
		change;        \
		f(e, what);    \
	} while (0)

static void
bad_gcm(struct env *e, void (*f)(struct env *e, const char *what))
{
	TRY("no IV", e->p.gcm.pIv = NULL);
	TRY("an IV of no length", (e->p.gcm.ulIvLen = 0, e->p.gcm.ulIvBits = 0));
	TRY("AAD without a pointer", e->p.gcm.pAAD = NULL);
	TRY("an AAD of huge length", e->p.gcm.ulAADLen = (CK_ULONG)-1 / 2);
	TRY("a tag of 129 bits", e->p.gcm.ulTagBits = 129);
	TRY("a tag of 136 bits", e->p.gcm.ulTagBits = 136);
	TRY("a tag of 0 bits", e->p.gcm.ulTagBits = 0);
}

static void
bad_rsa(struct env *e, void (*f)(struct env *e, const char *what))
{
	if (e->row->param == P_OAEP) {
		TRY("an unknown hash", e->p.oaep.hashAlg = CKM_AES_CBC);
		TRY("an unknown MGF", e->p.oaep.mgf = 99);
		TRY("a label without a pointer", e->p.oaep.pSourceData = NULL);
		TRY("an unknown source", e->p.oaep.source = 99);
	} else {
		TRY("an unknown hash", e->p.pss.hashAlg = CKM_AES_CBC);
		TRY("an unknown MGF", e->p.pss.mgf = 99);
		TRY("a salt that does not fit", e->p.pss.sLen = 256);
		TRY("a salt of huge length", e->p.pss.sLen = (CK_ULONG)-1);
		if (e->row->ref != NULL)
			TRY("another hash than the mechanism's",
			    e->p.pss.hashAlg =
				e->row->hash == CKM_SHA256 ? CKM_SHA512 : CKM_SHA256);
	}
}

void
env_each_bad_param(struct env *e, void (*f)(struct env *e, const char *what))
{
	if (e->row->param == P_NONE || e->row->param == P_ECDH)
		return;
	TRY("no parameter", set_param(e, NULL, 0));
	TRY("a length without a pointer", e->mech.pParameter = NULL);
	TRY("a pointer without a length", e->mech.ulParameterLen = 0);
	TRY("a byte too few", e->mech.ulParameterLen--);
	TRY("a huge length", e->mech.ulParameterLen = (CK_ULONG)-1);
	if (e->row->param == P_CTR) {
		TRY("no counter bits", e->p.ctr.ulCounterBits = 0);
		TRY("129 counter bits", e->p.ctr.ulCounterBits = 129);
	} else if (e->row->param == P_GCM) {
		bad_gcm(e, f);
	} else if (e->row->param == P_OAEP || e->row->param == P_PSS) {
		bad_rsa(e, f);
	} else if (e->row->param == P_MAC_LEN) {
		TRY("more than the whole MAC", e->p.mac_len = 65);
	}
	good_param(e);
}

/* -- keys ---------------------------------------------------------------------------------- */

static CK_OBJECT_HANDLE
import(void (*known)(struct tmpl *, CK_KEY_TYPE), CK_KEY_TYPE type, bool usage)
{
	static const CK_ATTRIBUTE_TYPE uses[] = { CKA_SIGN, CKA_VERIFY, CKA_ENCRYPT, CKA_DECRYPT,
		CKA_WRAP, CKA_UNWRAP, CKA_DERIVE };
	CK_OBJECT_HANDLE o = CK_INVALID_HANDLE;
	struct tmpl t = { .n = 0 };

	known(&t, type);
	for (size_t i = 0; i < N(uses); i++)
		for (CK_ULONG j = 0; j < t.n && !usage; j++)
			if (t.v[j].type == uses[i])
				*(CK_BBOOL *)t.v[j].pValue = CK_FALSE;
	CHECK_OK(create(hs, &t, &o));
	return o;
}

CK_OBJECT_HANDLE
import_public(CK_KEY_TYPE type, bool usage)
{
	return import(t_known_public, type, usage);
}

CK_OBJECT_HANDLE
import_private(CK_KEY_TYPE type, bool usage)
{
	return import(t_known_private, type, usage);
}
