/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes and hashes. libcrypto's generator costs half a microsecond whether asked for 32
 * bytes or 500, so each thread keeps some in stock: in the arena of secrets, since they
 * are keys to be. A byte is wiped when it is served, and a forked child starts without any.
 */
#include "crypto/lib.h"

#include <openssl/rand.h>
#include <pthread.h>

#include "base/os.h"

#define SLOT  512 /* of the arena */
#define STOCK (SLOT - sizeof(size_t) - sizeof(unsigned))

struct stock {
	size_t left; /* at the front of bytes */
	unsigned fork_generation;
	uint8_t bytes[STOCK];
};

static _Thread_local struct stock *own;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static bool have_key;

static void
give_back(void *p)
{
	own = NULL;
	secret_mem_free(p, sizeof(struct stock));
}

static void
make_key(void)
{
	have_key = pthread_key_create(&at_thread_end, give_back) == 0;
}

/* This thread's stock; NULL when there is no memory for one. */
static struct stock *
stock_make(void)
{
	struct stock *s;

	(void)pthread_once(&once, make_key);
	if (!have_key || (s = secret_mem_new(sizeof(*s))) == NULL)
		return NULL;
	if (pthread_setspecific(at_thread_end, s) != 0) {
		secret_mem_free(s, sizeof(*s));
		return NULL;
	}
	return own = s;
}

/*
 * Straight from our context's generator for keys. RAND_priv_bytes_ex would ask it too, but first
 * ask under a lock of the whole process whether the host has put another one in its place.
 */
static enum kms_rc
generate(uint8_t *dst, size_t len)
{
	OSSL_LIB_CTX *c = lib_ctx();
	EVP_RAND_CTX *r;

	auto_errors;
	r = c == NULL ? NULL : RAND_get0_private(c);
	return r != NULL && EVP_RAND_generate(r, dst, len, 0, 0, NULL, 0) == 1 ? KMS_OK
									       : KMS_INTERNAL;
}

enum kms_rc
crypto_random(uint8_t *dst, size_t len)
{
	unsigned generation = os_fork_generation();
	struct stock *s = own;

	if (len > STOCK / 2 || (s == NULL && (s = stock_make()) == NULL))
		return generate(dst, len);
	if (s->left < len || s->fork_generation != generation) {
		s->left = 0;
		TRY(generate(s->bytes, STOCK));
		s->left = STOCK;
		s->fork_generation = generation;
	}
	s->left -= len;
	if (len > 0) {
		memcpy(dst, s->bytes + s->left, len);
		mem_wipe(s->bytes + s->left, len);
	}
	return KMS_OK;
}

enum kms_rc
crypto_digest(enum digest d, struct slice s, uint8_t *out)
{
	auto_md_ctx *c = NULL;
	EVP_MD *md = lib_md(d);

	if (md == NULL)
		return KMS_BAD_PARAM;
	auto_errors;
	if ((c = EVP_MD_CTX_new()) == NULL)
		return KMS_NOMEM;
	if (EVP_DigestInit_ex2(c, md, NULL) != 1 ||
	    (s.len > 0 && EVP_DigestUpdate(c, s.p, s.len) != 1) ||
	    EVP_DigestFinal_ex(c, out, NULL) != 1)
		return KMS_INTERNAL;
	return KMS_OK;
}
