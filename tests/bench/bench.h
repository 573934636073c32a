/* SPDX-License-Identifier: Apache-2.0 */
/* What the benchmark's parts share: the cases, the keys, and the two sides that are measured,
 * libcrypto alone and a module. */
#ifndef KMS_TESTS_BENCH_BENCH_H
#define KMS_TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "pkcs11/cryptoki.h"

enum bench_kind {
	SIGN,
	OAEP,
	CIPHER,
	MAC,
	DIGEST,
	WRAP,
	RANDOM,
	GENERATE,
	GENERATE_PAIR,
	STORE,
	ATTRIBUTES,
	SESSIONS
};
enum bench_key {
	NONE,
	RSA2048,
	RSA3072,
	RSA4096,
	P256,
	P384,
	ED25519,
	AES256,
	GENERIC,
	BENCH_KEYS
};
enum bench_where { SESSION, TOKEN };

struct bench_case {
	const char *name;
	enum bench_kind kind;
	enum bench_key key;
	CK_MECHANISM_TYPE mech;
	size_t len;
	enum bench_where where;
};

extern const struct bench_case bench_cases[];
extern const size_t bench_n_cases;

#define WORKERS 2

/* One thread's state for one case: its own session and contexts, the case's key. */
struct worker {
	const struct bench_case *c;
	bool (*step)(struct worker *w); /* one operation; false: failed */
	const char *why;		/* what failed, with rv */
	CK_RV rv;
	uint8_t *in, *out;
	size_t in_len, out_len, cap;

	/* libcrypto */
	EVP_PKEY_CTX *pkey_ctx;
	EVP_MD_CTX *md_ctx;
	EVP_CIPHER_CTX *cipher_ctx;
	EVP_MAC_CTX *mac_ctx;
	void *store; /* struct sqlite3 */

	/* module */
	CK_SESSION_HANDLE session;
	CK_MECHANISM mech;
	union {
		CK_GCM_PARAMS gcm;
		CK_RSA_PKCS_OAEP_PARAMS oaep;
		CK_RSA_PKCS_PSS_PARAMS pss;
	} param;
	CK_OBJECT_HANDLE key, other;
};

/* The same keys for all sides; made once, before the sides are forked. */
extern EVP_PKEY *bench_pkeys[BENCH_KEYS];
extern uint8_t bench_secret[32], bench_iv[16];
void bench_make_keys(void);

/* The input of a case, in W's buffers, and whether OUT is the right answer to it. */
bool worker_buffers(struct worker *w, const struct bench_case *c);
void worker_free(struct worker *w);
bool answer_is_right(const struct worker *w);

/* Prepares a worker; false with why and rv. A case that a side has no answer for has no step: true.
 */
bool limit_setup(struct worker *w, const char *dir);
void limit_clear(struct worker *w);
bool module_setup(struct worker *w);
void module_clear(struct worker *w);
/* The case is over: its keys are destroyed. */
void module_end_case(void);

/* Loads a module and makes a token in DIR with the user logged in; false after saying why on
 * stderr. */
bool module_open(const char *path, const char *dir);
bool module_open_existing(const char *path, const char *dir);
/* The same with the token's keys in HSM, a second module, where it makes a token first. */
bool module_open_over(const char *hsm, const char *path, const char *dir);
extern CK_FUNCTION_LIST *bench_p11;
extern CK_SLOT_ID bench_slot;
extern CK_SESSION_HANDLE bench_session;
/* Points both kinds of module at the store in DIR. */
void module_environment(const char *dir);
/* Which of two-call functions' slots has the token; loads only. */
bool module_load(const char *path);
bool module_first_slot(void);

#define BENCH_PIN    "bench-1234"
#define BENCH_SO_PIN "bench-so-1"

uint64_t now_ns(void);
double median(double *v, size_t n);
/* "71.4k"; into one of a few static buffers. */
const char *short_number(double v);
/* A folder of our own under TMPDIR, removed by bench_remove_dir. */
void bench_make_dir(char *dir, size_t cap);
void bench_remove_dir(const char *dir);
/* Our module: KMS_MODULE, or the one beside the program in the build tree. */
const char *bench_our_module(void);
const char *bench_softhsm(void);
/* "AMD EPYC, 2 cores, OpenSSL 3.0.22, ..." */
void bench_machine(char *ret, size_t cap);

#endif
