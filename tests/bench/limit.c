/* SPDX-License-Identifier: Apache-2.0 */
/* The limit: the same work done by libcrypto alone, with parsed keys, fetched algorithms and kept
 * contexts; by SQLite for a store. */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <sqlite3.h>

static bool
step_sign(struct worker *w)
{
	uint8_t hash[32];
	const uint8_t *in = w->in;
	size_t n = w->in_len;

	if (w->c->mech == CKM_SHA256_RSA_PKCS || w->c->mech == CKM_SHA256_RSA_PKCS_PSS) {
		unsigned len = sizeof(hash);

		if (EVP_DigestInit_ex2(w->md_ctx, NULL, NULL) != 1 ||
		    EVP_DigestUpdate(w->md_ctx, in, n) != 1 ||
		    EVP_DigestFinal_ex(w->md_ctx, hash, &len) != 1)
			return false;
		in = hash;
		n = len;
	}
	w->out_len = w->cap;
	return EVP_PKEY_sign(w->pkey_ctx, w->out, &w->out_len, in, n) == 1;
}

static bool
step_eddsa(struct worker *w)
{
	w->out_len = w->cap;
	return EVP_DigestSignInit(w->md_ctx, NULL, NULL, NULL, NULL) == 1 &&
	    EVP_DigestSign(w->md_ctx, w->out, &w->out_len, w->in, w->in_len) == 1;
}

static bool
setup_sign(struct worker *w)
{
	const EVP_MD *sha256 = EVP_sha256();
	EVP_PKEY *key = bench_pkeys[w->c->key];

	w->md_ctx = EVP_MD_CTX_new();
	if (w->c->mech == CKM_EDDSA) {
		w->step = step_eddsa;
		return EVP_DigestSignInit(w->md_ctx, NULL, NULL, NULL, key) == 1;
	}
	w->step = step_sign;
	w->pkey_ctx = EVP_PKEY_CTX_new(key, NULL);
	if (EVP_PKEY_sign_init(w->pkey_ctx) != 1)
		return false;
	if (w->c->mech == CKM_ECDSA)
		return true;
	if (w->c->mech != CKM_RSA_PKCS &&
	    (EVP_DigestInit_ex2(w->md_ctx, sha256, NULL) != 1 ||
		EVP_PKEY_CTX_set_signature_md(w->pkey_ctx, sha256) != 1))
		return false;
	if (w->c->mech != CKM_SHA256_RSA_PKCS_PSS)
		return EVP_PKEY_CTX_set_rsa_padding(w->pkey_ctx, RSA_PKCS1_PADDING) == 1;
	return EVP_PKEY_CTX_set_rsa_padding(w->pkey_ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(w->pkey_ctx, 32) == 1;
}

static bool
step_decrypt(struct worker *w)
{
	w->out_len = w->cap;
	return EVP_PKEY_decrypt(w->pkey_ctx, w->out, &w->out_len, w->in, w->in_len) == 1;
}

static bool
setup_decrypt(struct worker *w)
{
	w->step = step_decrypt;
	w->pkey_ctx = EVP_PKEY_CTX_new(bench_pkeys[w->c->key], NULL);
	return EVP_PKEY_decrypt_init(w->pkey_ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(w->pkey_ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(w->pkey_ctx, EVP_sha1()) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(w->pkey_ctx, EVP_sha1()) == 1;
}

static bool
step_cipher(struct worker *w)
{
	int n = 0, more = 0;
	bool gcm = w->c->mech == CKM_AES_GCM;

	if (EVP_EncryptInit_ex2(w->cipher_ctx, NULL, NULL, w->c->kind == WRAP ? NULL : bench_iv,
		NULL) != 1 ||
	    EVP_EncryptUpdate(w->cipher_ctx, w->out, &n, w->in, (int)w->in_len) != 1 ||
	    EVP_EncryptFinal_ex(w->cipher_ctx, w->out + n, &more) != 1)
		return false;
	n += more;
	if (gcm && EVP_CIPHER_CTX_ctrl(w->cipher_ctx, EVP_CTRL_AEAD_GET_TAG, 16, w->out + n) != 1)
		return false;
	w->out_len = (size_t)n + (gcm ? 16 : 0);
	return true;
}

static bool
setup_cipher(struct worker *w)
{
	const char *name = w->c->kind == WRAP ? "AES-256-WRAP"
	    : w->c->mech == CKM_AES_GCM	      ? "AES-256-GCM"
					      : "AES-256-CBC";
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	bool good;

	w->step = step_cipher;
	w->cipher_ctx = EVP_CIPHER_CTX_new();
	EVP_CIPHER_CTX_set_flags(w->cipher_ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	good = EVP_EncryptInit_ex2(w->cipher_ctx, cipher, bench_secret,
		   w->c->kind == WRAP ? NULL : bench_iv, NULL) == 1;
	EVP_CIPHER_free(cipher);
	return good;
}

static bool
step_mac(struct worker *w)
{
	return EVP_MAC_init(w->mac_ctx, NULL, 0, NULL) == 1 &&
	    EVP_MAC_update(w->mac_ctx, w->in, w->in_len) == 1 &&
	    EVP_MAC_final(w->mac_ctx, w->out, &w->out_len, w->cap) == 1;
}

static bool
setup_mac(struct worker *w)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	char digest[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 6),
		OSSL_PARAM_END };

	w->step = step_mac;
	w->mac_ctx = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	return EVP_MAC_init(w->mac_ctx, bench_secret, sizeof(bench_secret), params) == 1;
}

static bool
step_digest(struct worker *w)
{
	unsigned n = 0;
	bool good = EVP_DigestInit_ex2(w->md_ctx, NULL, NULL) == 1 &&
	    EVP_DigestUpdate(w->md_ctx, w->in, w->in_len) == 1 &&
	    EVP_DigestFinal_ex(w->md_ctx, w->out, &n) == 1;

	w->out_len = n;
	return good;
}

static bool
setup_digest(struct worker *w)
{
	EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
	bool good;

	w->step = step_digest;
	w->md_ctx = EVP_MD_CTX_new();
	good = EVP_DigestInit_ex2(w->md_ctx, md, NULL) == 1;
	EVP_MD_free(md);
	return good;
}

static bool
step_random(struct worker *w)
{
	w->out_len = w->c->len;
	return (w->c->kind == RANDOM ? RAND_bytes(w->out, (int)w->c->len)
				     : RAND_priv_bytes(w->out, (int)w->c->len)) == 1;
}

static bool
step_keygen(struct worker *w)
{
	EVP_PKEY *key = NULL;
	bool good = EVP_PKEY_keygen(w->pkey_ctx, &key) == 1;

	EVP_PKEY_free(key);
	return good;
}

static bool
setup_keygen(struct worker *w)
{
	w->step = step_keygen;
	w->pkey_ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	return EVP_PKEY_keygen_init(w->pkey_ctx) == 1 &&
	    EVP_PKEY_CTX_set_group_name(w->pkey_ctx, "P-256") == 1;
}

/* A row as an object has one, inserted and deleted, each durable on return. */
static bool
step_store(struct worker *w)
{
	return sqlite3_exec(w->store, "INSERT INTO t VALUES (1, zeroblob(400))", NULL, NULL,
		   NULL) == SQLITE_OK &&
	    sqlite3_exec(w->store, "DELETE FROM t WHERE id = 1", NULL, NULL, NULL) == SQLITE_OK;
}

static bool
setup_store(struct worker *w, const char *dir)
{
	char path[400];
	sqlite3 *db = NULL;

	w->step = step_store;
	snprintf(path, sizeof(path), "%s/limit-%p.db", dir, (void *)w);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		return false;
	w->store = db;
	return sqlite3_exec(db,
		   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		   "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, v BLOB)",
		   NULL, NULL, NULL) == SQLITE_OK;
}

bool
limit_setup(struct worker *w, const char *dir)
{
	w->why = "libcrypto";
	switch (w->c->kind) {
	case SIGN: return setup_sign(w);
	case OAEP: return setup_decrypt(w);
	case WRAP:
	case CIPHER: return setup_cipher(w);
	case MAC: return setup_mac(w);
	case DIGEST: return setup_digest(w);
	case RANDOM:
	case GENERATE: w->step = step_random; return true;
	case GENERATE_PAIR: return setup_keygen(w);
	case STORE: return setup_store(w, dir);
	case ATTRIBUTES:
	case SESSIONS: break;
	}
	return true;
}

void
limit_clear(struct worker *w)
{
	EVP_PKEY_CTX_free(w->pkey_ctx);
	EVP_MD_CTX_free(w->md_ctx);
	EVP_CIPHER_CTX_free(w->cipher_ctx);
	EVP_MAC_CTX_free(w->mac_ctx);
	sqlite3_close(w->store);
}
