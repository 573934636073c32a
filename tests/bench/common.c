/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, inputs and right answers of the benchmark's cases; small helpers of its programs. */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

const struct bench_case bench_cases[] = {
#define CASE(name, kind, key, mech, len, where) { name, kind, key, mech, len, where },
#include "tests/bench/cases.def"
#undef CASE
};
const size_t bench_n_cases = sizeof(bench_cases) / sizeof(*bench_cases);

EVP_PKEY *bench_pkeys[BENCH_KEYS];
uint8_t bench_secret[32], bench_iv[16];

void
bench_make_keys(void)
{
	bench_pkeys[RSA2048] = EVP_RSA_gen(2048);
	bench_pkeys[RSA3072] = EVP_RSA_gen(3072);
	bench_pkeys[RSA4096] = EVP_RSA_gen(4096);
	bench_pkeys[P256] = EVP_EC_gen("P-256");
	bench_pkeys[P384] = EVP_EC_gen("P-384");
	bench_pkeys[ED25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	for (size_t i = 0; i < sizeof(bench_secret); i++)
		bench_secret[i] = (uint8_t)(i * 7 + 1);
	memset(bench_iv, 0x33, sizeof(bench_iv));
}

/* OAEP as PKCS#11's default has it: SHA-1 and MGF1 with SHA-1, no label. */
static bool
oaep_encrypt(EVP_PKEY *key, const uint8_t *in, size_t n, uint8_t *out, size_t *out_len)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	bool good = EVP_PKEY_encrypt_init(c) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_encrypt(c, out, out_len, in, n) == 1;

	EVP_PKEY_CTX_free(c);
	return good;
}

bool
worker_buffers(struct worker *w, const struct bench_case *c)
{
	static const uint8_t info[19] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
		0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

	memset(w, 0, sizeof(*w));
	w->c = c;
	w->cap = c->len + 1024;
	w->in = calloc(1, w->cap);
	w->out = calloc(1, w->cap);
	if (w->in == NULL || w->out == NULL)
		return false;
	for (size_t i = 0; i < c->len; i++)
		w->in[i] = (uint8_t)(i ^ (i >> 8));
	if (c->mech == CKM_RSA_PKCS)
		memcpy(w->in, info, sizeof(info));
	if (c->kind == WRAP)
		memcpy(w->in, bench_secret, c->len);
	w->in_len = c->len;
	if (c->kind != OAEP)
		return true;
	w->in_len = w->cap;
	return oaep_encrypt(bench_pkeys[c->key], w->in, c->len, w->out, &w->in_len) &&
	    memcpy(w->in, w->out, w->in_len) != NULL;
}

void
worker_free(struct worker *w)
{
	free(w->in);
	free(w->out);
}

static bool
signature_is_right(const struct worker *w)
{
	EVP_PKEY *key = bench_pkeys[w->c->key];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *c = NULL;
	uint8_t der[300], *p = der;
	size_t n = w->out_len;
	const uint8_t *sig = w->out;
	bool good;

	if (w->c->mech == CKM_ECDSA && n == 2 * w->c->len) {
		ECDSA_SIG *s = ECDSA_SIG_new();

		ECDSA_SIG_set0(s, BN_bin2bn(sig, (int)n / 2, NULL),
		    BN_bin2bn(sig + n / 2, (int)n / 2, NULL));
		n = (size_t)i2d_ECDSA_SIG(s, &p);
		ECDSA_SIG_free(s);
		sig = der;
	}
	if (w->c->mech == CKM_ECDSA || w->c->mech == CKM_RSA_PKCS) {
		c = EVP_PKEY_CTX_new(key, NULL);
		good = EVP_PKEY_verify_init(c) == 1 &&
		    EVP_PKEY_verify(c, sig, n, w->in, w->in_len) == 1;
		EVP_PKEY_CTX_free(c);
	} else {
		good = EVP_DigestVerifyInit(md, &c, w->c->mech == CKM_EDDSA ? NULL : EVP_sha256(),
			   NULL, key) == 1;
		if (good && w->c->mech == CKM_SHA256_RSA_PKCS_PSS)
			good = EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
			    EVP_PKEY_CTX_set_rsa_pss_saltlen(c, 32) == 1;
		good = good && EVP_DigestVerify(md, sig, n, w->in, w->in_len) == 1;
	}
	EVP_MD_CTX_free(md);
	return good;
}

/* Decrypts with fresh contexts and compares. */
static bool
cipher_is_right(const struct worker *w)
{
	bool gcm = w->c->mech == CKM_AES_GCM, wrap = w->c->kind == WRAP;
	const EVP_CIPHER *cipher = wrap ? EVP_aes_256_wrap()
	    : gcm			? EVP_aes_256_gcm()
					: EVP_aes_256_cbc();
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t *plain = malloc(w->cap);
	size_t body = w->out_len - (gcm ? 16 : 0);
	int n = 0, more = 0;
	bool good;

	EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	good = plain != NULL && w->out_len > 16 &&
	    EVP_DecryptInit_ex2(c, cipher, bench_secret, wrap ? NULL : bench_iv, NULL) == 1 &&
	    EVP_DecryptUpdate(c, plain, &n, w->out, (int)body) == 1;
	if (good && gcm)
		good = EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, w->out + body) == 1;
	good = good && EVP_DecryptFinal_ex(c, plain + n, &more) == 1;
	good = good && (size_t)(n + more) == w->c->len && memcmp(plain, w->in, w->c->len) == 0;
	EVP_CIPHER_CTX_free(c);
	free(plain);
	return good;
}

bool
answer_is_right(const struct worker *w)
{
	uint8_t want[64] = { 0 };
	unsigned n = 0;
	size_t len = 0;

	switch (w->c->kind) {
	case SIGN: return signature_is_right(w);
	case OAEP:
		for (size_t i = 0; i < w->c->len; i++)
			want[i] = (uint8_t)i;
		return w->out_len == w->c->len && memcmp(w->out, want, w->c->len) == 0;
	case WRAP:
	case CIPHER: return cipher_is_right(w);
	case MAC:
		EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, bench_secret, 32, w->in, w->in_len,
		    want, 64, &len);
		return w->out_len == len && memcmp(w->out, want, len) == 0;
	case DIGEST:
		EVP_Digest(w->in, w->in_len, want, &n, EVP_sha256(), NULL);
		return w->out_len == n && memcmp(w->out, want, n) == 0;
	case RANDOM: return memcmp(w->out, want, w->c->len) != 0;
	case ATTRIBUTES: return w->session == 0 || memcmp(w->out + 64, "bench-id", 8) == 0;
	case GENERATE:
	case GENERATE_PAIR:
	case STORE:
	case SESSIONS: break;
	}
	return true;
}

/* -- helpers ------------------------------------------------------------------------------- */

uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double
median(double *v, size_t n)
{
	if (n == 0)
		return 0;
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

const char *
short_number(double v)
{
	static char text[8][16];
	static unsigned next;
	char *t = text[next++ % 8];

	if (v >= 1e6)
		snprintf(t, 16, "%.2fM", v / 1e6);
	else if (v >= 1e4)
		snprintf(t, 16, "%.1fk", v / 1e3);
	else
		snprintf(t, 16, v >= 100 ? "%.0f" : "%.1f", v);
	return t;
}

void
bench_make_dir(char *dir, size_t cap)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, cap, "%s/kms-bench-XXXXXX", tmp != NULL && *tmp != 0 ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		exit(1);
	}
}

void
bench_remove_dir(const char *dir)
{
	char command[400];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	if (system(command) != 0)
		fprintf(stderr, "%s stays behind\n", dir);
}

const char *
bench_our_module(void)
{
	static char path[4096];
	const char *set = getenv("KMS_MODULE"), *top = getenv("top_builddir");

	if (set != NULL && *set != 0)
		return set;
	snprintf(path, sizeof(path), "%s/.libs/kms-pkcs11.so", top != NULL ? top : ".");
	return path;
}

const char *
bench_softhsm(void)
{
	static const char *const places[] = { "/usr/lib/softhsm/libsofthsm2.so",
		"/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so" };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (access(places[i], R_OK) == 0)
			return places[i];
	return NULL;
}

void
bench_machine(char *ret, size_t cap)
{
	char line[256], model[128] = "unknown CPU";
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "model name : %127[^\n]", model) == 1)
			break;
	if (f != NULL)
		fclose(f);
	snprintf(ret, cap, "%s, %ld cores, OpenSSL %s", model, sysconf(_SC_NPROCESSORS_ONLN),
	    OpenSSL_version(OPENSSL_VERSION_STRING));
}
