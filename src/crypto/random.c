/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes and hashes. libcrypto's generator costs half a microsecond whether asked for 32
 * bytes or 500, so each thread keeps some in stock; a byte is wiped when it is served, and a forked
 * child starts without any.
 */
#include "crypto/lib.h"

#include <openssl/rand.h>

#include "base/os.h"

#define STOCK 512

static _Thread_local struct {
	uint8_t bytes[STOCK];
	size_t left; /* at the front */
	unsigned fork_generation;
} stock;

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

	if (len > STOCK / 2)
		return generate(dst, len);
	if (stock.left < len || stock.fork_generation != generation) {
		stock.left = 0;
		TRY(generate(stock.bytes, STOCK));
		stock.left = STOCK;
		stock.fork_generation = generation;
	}
	stock.left -= len;
	if (len > 0) {
		memcpy(dst, stock.bytes + stock.left, len);
		mem_wipe(stock.bytes + stock.left, len);
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
