/* SPDX-License-Identifier: Apache-2.0 */
/* libcrypto's answers for the mechanism matrix, and the asymmetric keys that both sides use. */
#include "tests/p11/matrix.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

static EVP_PKEY *rsa, *ec, *ed, *sm2, *peer;

/* The parts of the keys as PKCS#11 wants them. */
static struct part {
	CK_BYTE v[600];
	size_t n;
} rsa_n, rsa_e, rsa_d, rsa_p, rsa_q, rsa_dp, rsa_dq, rsa_qi, ec_d, ec_point, ed_d, ed_point, sm2_d,
    sm2_point, peer_point;

/* A number, at least WIDTH bytes wide: private values of curves are as wide as the order. */
static void
big(EVP_PKEY *k, const char *name, size_t width, struct part *ret)
{
	BIGNUM *b = NULL;

	ck_assert_int_eq(EVP_PKEY_get_bn_param(k, name, &b), 1);
	ret->n = (size_t)BN_num_bytes(b) < width ? width : (size_t)BN_num_bytes(b);
	ck_assert_int_eq(BN_bn2binpad(b, ret->v, (int)ret->n), (int)ret->n);
	BN_clear_free(b);
}

/* A DER octet string around a point of less than 128 bytes. */
static void
point(EVP_PKEY *k, struct part *ret)
{
	size_t n = 0;

	if (EVP_PKEY_get_base_id(k) != EVP_PKEY_ED25519)
		ck_assert_int_eq(EVP_PKEY_get_octet_string_param(k, OSSL_PKEY_PARAM_PUB_KEY,
				     ret->v + 2, sizeof(ret->v) - 2, &n),
		    1);
	else {
		n = sizeof(ret->v) - 2;
		ck_assert_int_eq(EVP_PKEY_get_raw_public_key(k, ret->v + 2, &n), 1);
	}
	ret->v[0] = 4;
	ret->v[1] = (CK_BYTE)n;
	ret->n = n + 2;
}

void
matrix_keys(void)
{
	rsa = EVP_RSA_gen(2048);
	ec = EVP_EC_gen("P-256");
	peer = EVP_EC_gen("P-256");
	ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	sm2 = EVP_PKEY_Q_keygen(NULL, NULL, "SM2");
	big(rsa, OSSL_PKEY_PARAM_RSA_N, 1, &rsa_n);
	big(rsa, OSSL_PKEY_PARAM_RSA_E, 1, &rsa_e);
	big(rsa, OSSL_PKEY_PARAM_RSA_D, 1, &rsa_d);
	big(rsa, OSSL_PKEY_PARAM_RSA_FACTOR1, 1, &rsa_p);
	big(rsa, OSSL_PKEY_PARAM_RSA_FACTOR2, 1, &rsa_q);
	big(rsa, OSSL_PKEY_PARAM_RSA_EXPONENT1, 1, &rsa_dp);
	big(rsa, OSSL_PKEY_PARAM_RSA_EXPONENT2, 1, &rsa_dq);
	big(rsa, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, 1, &rsa_qi);
	big(ec, OSSL_PKEY_PARAM_PRIV_KEY, 32, &ec_d);
	big(sm2, OSSL_PKEY_PARAM_PRIV_KEY, 32, &sm2_d);
	point(sm2, &sm2_point);
	point(ec, &ec_point);
	point(peer, &peer_point);
	point(ed, &ed_point);
	ed_d.n = sizeof(ed_d.v);
	ck_assert_int_eq(EVP_PKEY_get_raw_private_key(ed, ed_d.v, &ed_d.n), 1);
	for (size_t i = 0; i < sizeof(secret_value); i++)
		secret_value[i] = (CK_BYTE)(i * 5 + 3);
}

static void
put(struct tmpl *t, CK_ATTRIBUTE_TYPE type, const struct part *p)
{
	t_bytes(t, type, p->v, p->n);
}

void
t_known_public(struct tmpl *t, CK_KEY_TYPE type)
{
	t_public(t, type);
	if (type == CKK_RSA) {
		put(t, CKA_MODULUS, &rsa_n);
		put(t, CKA_PUBLIC_EXPONENT, &rsa_e);
	} else if (type == CKK_EC) {
		t_bytes(t, CKA_EC_PARAMS, ec_p256, sizeof(ec_p256));
		put(t, CKA_EC_POINT, &ec_point);
	} else if (type == CKK_KMS_SM2) {
		put(t, CKA_EC_POINT, &sm2_point);
	} else {
		t_bytes(t, CKA_EC_PARAMS, ec_ed25519_name, sizeof(ec_ed25519_name));
		put(t, CKA_EC_POINT, &ed_point);
	}
}

void
t_known_private(struct tmpl *t, CK_KEY_TYPE type)
{
	t_private(t, type);
	if (type == CKK_RSA) {
		put(t, CKA_MODULUS, &rsa_n);
		put(t, CKA_PUBLIC_EXPONENT, &rsa_e);
		put(t, CKA_PRIVATE_EXPONENT, &rsa_d);
		put(t, CKA_PRIME_1, &rsa_p);
		put(t, CKA_PRIME_2, &rsa_q);
		put(t, CKA_EXPONENT_1, &rsa_dp);
		put(t, CKA_EXPONENT_2, &rsa_dq);
		put(t, CKA_COEFFICIENT, &rsa_qi);
	} else if (type == CKK_EC) {
		t_bytes(t, CKA_EC_PARAMS, ec_p256, sizeof(ec_p256));
		put(t, CKA_VALUE, &ec_d);
	} else if (type == CKK_KMS_SM2) {
		put(t, CKA_VALUE, &sm2_d);
	} else {
		t_bytes(t, CKA_EC_PARAMS, ec_ed25519_name, sizeof(ec_ed25519_name));
		put(t, CKA_VALUE, &ed_d);
	}
}

/* -- secret keys and digests --------------------------------------------------------------- */

static size_t
ref_mac(const struct env *e, const CK_BYTE *in, size_t in_len, CK_BYTE *out, size_t cap)
{
	size_t n = 0;

	if (strcmp(e->row->ref, "CMAC") == 0)
		EVP_Q_mac(NULL, "CMAC", NULL, "AES-256-CBC", NULL, secret_value, 32, in, in_len,
		    out, cap, &n);
	else
		EVP_Q_mac(NULL, "HMAC", NULL, e->row->ref, NULL, secret_value, 64, in, in_len, out,
		    cap, &n);
	return e->row->param == P_MAC_LEN ? e->p.mac_len : n;
}

static size_t
ref_cipher(const struct env *e, const CK_BYTE *in, size_t in_len, CK_BYTE *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, e->row->ref, NULL);
	const CK_BYTE *iv = e->row->param == P_IV ? e->p.iv
	    : e->row->param == P_CTR		  ? e->p.ctr.cb
	    : e->row->param == P_GCM		  ? e->p.gcm.pIv
						  : NULL;
	int n = 0, more = 0;

	EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ck_assert_int_eq(EVP_EncryptInit_ex2(c, cipher, secret_value, iv, NULL), 1);
	EVP_CIPHER_CTX_set_padding(c,
	    e->row->type == CKM_AES_CBC_PAD || e->row->type == CKM_KMS_SM4_CBC_PAD);
	if (e->row->param == P_GCM)
		EVP_EncryptUpdate(c, NULL, &more, e->p.gcm.pAAD, (int)e->p.gcm.ulAADLen);
	more = 0;
	ck_assert_int_eq(EVP_EncryptUpdate(c, out, &n, in, (int)in_len), 1);
	ck_assert_int_eq(EVP_EncryptFinal_ex(c, out + n, &more), 1);
	n += more;
	if (e->row->param == P_GCM) {
		ck_assert_int_eq(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, out + n), 1);
		n += 16;
	}
	EVP_CIPHER_free(cipher);
	EVP_CIPHER_CTX_free(c);
	return (size_t)n;
}

/* -- RSA, EC, SM2, Ed25519 ----------------------------------------------------------------------
 */

static EVP_PKEY *
key_of(const struct env *e)
{
	switch (e->row->key) {
	case CKK_RSA: return rsa;
	case CKK_EC: return ec;
	case CKK_KMS_SM2: return sm2;
	default: return ed;
	}
}

/* r and s, which PKCS#11 has side by side and libcrypto in DER. */
static bool
is_r_and_s(const struct env *e)
{
	return e->row->key == CKK_EC || e->row->key == CKK_KMS_SM2;
}

/* libcrypto hashes Z only when it is told whose it is. */
static void
sm2_signer(const struct env *e, EVP_PKEY_CTX *c)
{
	if (e->row->key == CKK_KMS_SM2)
		ck_assert_int_eq(EVP_PKEY_CTX_set1_id(c, "1234567812345678", 16), 1);
}

static void
rsa_settings(const struct env *e, EVP_PKEY_CTX *c, bool crypt)
{
	const struct row *row = e->row;
	const EVP_MD *hash = row->hash == 0 ? NULL : EVP_get_digestbyname(hash_name(row->hash));
	void *copy;

	if (row->key != CKK_RSA)
		return;
	if (row->param == P_PSS) {
		EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING);
		if (row->ref == NULL)
			EVP_PKEY_CTX_set_signature_md(c, hash);
		EVP_PKEY_CTX_set_rsa_mgf1_md(c, hash);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(c, (int)e->p.pss.sLen);
	} else if (row->param == P_OAEP && crypt) {
		EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING);
		EVP_PKEY_CTX_set_rsa_oaep_md(c, hash);
		EVP_PKEY_CTX_set_rsa_mgf1_md(c, hash);
		copy = OPENSSL_memdup(e->p.oaep.pSourceData, e->p.oaep.ulSourceDataLen);
		EVP_PKEY_CTX_set0_rsa_oaep_label(c, copy, (int)e->p.oaep.ulSourceDataLen);
	} else {
		EVP_PKEY_CTX_set_rsa_padding(c,
		    row->type == CKM_RSA_X_509 ? RSA_NO_PADDING : RSA_PKCS1_PADDING);
	}
}

/* r || s of fixed width to the DER that libcrypto speaks, and back. */
static size_t
ec_to_der(const CK_BYTE *sig, size_t n, CK_BYTE *der)
{
	ECDSA_SIG *s = ECDSA_SIG_new();
	CK_BYTE *p = der;
	int len;

	ECDSA_SIG_set0(s, BN_bin2bn(sig, (int)n / 2, NULL),
	    BN_bin2bn(sig + n / 2, (int)n / 2, NULL));
	len = i2d_ECDSA_SIG(s, &p);
	ECDSA_SIG_free(s);
	return len < 0 ? 0 : (size_t)len;
}

static size_t
ec_from_der(const CK_BYTE *der, size_t n, CK_BYTE *sig)
{
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &der, (long)n);

	BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + 32, 32);
	ECDSA_SIG_free(s);
	return 64;
}

static size_t
ref_sign(const struct env *e, const CK_BYTE *in, size_t in_len, CK_BYTE *out, size_t cap)
{
	CK_BYTE der[600];
	size_t n = sizeof(der);
	EVP_PKEY_CTX *c = NULL;
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	if (e->row->ref != NULL || e->row->key == CKK_EC_EDWARDS) {
		ck_assert_int_eq(EVP_DigestSignInit_ex(md, &c, e->row->ref, NULL, NULL, key_of(e),
				     NULL),
		    1);
		rsa_settings(e, c, false);
		sm2_signer(e, c);
		ck_assert_int_eq(EVP_DigestSign(md, der, &n, in, in_len), 1);
	} else {
		c = EVP_PKEY_CTX_new(key_of(e), NULL);
		ck_assert_int_eq(EVP_PKEY_sign_init(c), 1);
		rsa_settings(e, c, false);
		ck_assert_int_eq(EVP_PKEY_sign(c, der, &n, in, in_len), 1);
		EVP_PKEY_CTX_free(c);
	}
	EVP_MD_CTX_free(md);
	if (is_r_and_s(e))
		return ec_from_der(der, n, out);
	ck_assert_uint_le(n, cap);
	memcpy(out, der, n);
	return n;
}

static bool
ref_verify(const struct env *e, const CK_BYTE *in, size_t in_len, const CK_BYTE *sig,
    size_t sig_len)
{
	CK_BYTE der[600];
	EVP_PKEY_CTX *c = NULL;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good;

	if (is_r_and_s(e)) {
		sig_len = ec_to_der(sig, sig_len, der);
		sig = der;
	}
	if (e->row->ref != NULL || e->row->key == CKK_EC_EDWARDS) {
		ck_assert_int_eq(EVP_DigestVerifyInit_ex(md, &c, e->row->ref, NULL, NULL, key_of(e),
				     NULL),
		    1);
		rsa_settings(e, c, false);
		sm2_signer(e, c);
		good = EVP_DigestVerify(md, sig, sig_len, in, in_len) == 1;
	} else {
		c = EVP_PKEY_CTX_new(key_of(e), NULL);
		ck_assert_int_eq(EVP_PKEY_verify_init(c), 1);
		rsa_settings(e, c, false);
		good = EVP_PKEY_verify(c, sig, sig_len, in, in_len) == 1;
		EVP_PKEY_CTX_free(c);
	}
	EVP_MD_CTX_free(md);
	return good;
}

static size_t
ref_crypt(const struct env *e, bool encrypt, const CK_BYTE *in, size_t in_len, CK_BYTE *out,
    size_t cap)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key_of(e), NULL);
	size_t n = cap;
	int good;

	ck_assert_int_eq(encrypt ? EVP_PKEY_encrypt_init(c) : EVP_PKEY_decrypt_init(c), 1);
	rsa_settings(e, c, true);
	good = encrypt ? EVP_PKEY_encrypt(c, out, &n, in, in_len)
		       : EVP_PKEY_decrypt(c, out, &n, in, in_len);
	EVP_PKEY_CTX_free(c);
	return good == 1 ? n : 0;
}

size_t
ref_make(const struct env *e, bool sign, const CK_BYTE *in, size_t in_len, CK_BYTE *out, size_t cap)
{
	unsigned n = 0;

	switch (e->row->shape) {
	case DIGEST:
		EVP_Digest(in, in_len, out, &n, EVP_get_digestbyname(e->row->ref), NULL);
		return n;
	case CIPHER: return ref_cipher(e, in, in_len, out);
	case MAC: return ref_mac(e, in, in_len, out, cap);
	case CRYPT:
	case SIGN:
		return sign ? ref_sign(e, in, in_len, out, cap)
			    : ref_crypt(e, true, in, in_len, out, cap);
	case KEYGEN:
	case PAIRGEN:
	case DERIVE: break;
	}
	return 0;
}

bool
ref_check(const struct env *e, bool sign, const CK_BYTE *in, size_t in_len, const CK_BYTE *out,
    size_t out_len)
{
	CK_BYTE own[8192];
	size_t n;

	if (sign && (e->row->shape == SIGN || e->row->shape == CRYPT))
		return ref_verify(e, in, in_len, out, out_len);
	if (e->row->shape == CRYPT) {
		n = ref_crypt(e, false, out, out_len, own, sizeof(own));
		return n == in_len && memcmp(own, in, n) == 0;
	}
	n = ref_make(e, sign, in, in_len, own, sizeof(own));
	return n == out_len && memcmp(own, out, n) == 0;
}

size_t
ref_derive(CK_BYTE *out, size_t cap)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(ec, NULL);
	size_t n = cap;

	ck_assert_int_eq(EVP_PKEY_derive_init(c), 1);
	ck_assert_int_eq(EVP_PKEY_derive_set_peer(c, peer), 1);
	ck_assert_int_eq(EVP_PKEY_derive(c, out, &n), 1);
	EVP_PKEY_CTX_free(c);
	return n;
}

const CK_BYTE *
ref_peer_point(size_t *n)
{
	*n = peer_point.n - 2;
	return peer_point.v + 2;
}
