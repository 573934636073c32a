/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/crypto only: what all uses have in common, and the operations of each construction
 * (one file each). */
#ifndef KMS_CRYPTO_USES_H
#define KMS_CRYPTO_USES_H

#include "crypto/ckey.h"

/* READY: begun, nothing fed. FED: parts came. DONE: over, waits for restart. */
enum phase { PHASE_DONE, PHASE_READY, PHASE_FED };

/* First member of each use. */
struct cuse {
	struct use u;
	struct ckey *key; /* NULL for digests */
	enum phase phase;
};

/* How a construction is begun: SIZE zeroed bytes with the cuse filled in, then init, then
 * ops->restart with the params. */
struct family {
	size_t size;
	const struct use_ops
	    *ops[USE_KINDS]; /* by kind; NULL where the algorithm has no such use */
	enum kms_rc (*init)(struct cuse *c);
};

extern const struct family family_digest, family_cipher, family_gcm, family_mac, family_sign,
    family_rsa, family_wrap, family_sm2, family_sm4_seal;

/* The last step of every free: drops the key and releases the memory, SIZE bytes, wiped. */
void cuse_release(struct cuse *c, size_t size);

/* Ends the use with RC. */
static inline enum kms_rc
cuse_end(struct cuse *c, enum kms_rc rc)
{
	c->phase = PHASE_DONE;
	return rc;
}

/* The caller's memory is too small for N bytes; says so. */
static inline bool
cuse_small(struct outbuf *out, size_t *need, size_t n)
{
	if (__builtin_expect(out->cap >= n, 1))
		return false;
	out->len = 0;
	if (need != NULL)
		*need = n;
	return true;
}

static inline bool
cuse_encrypts(const struct cuse *c)
{
	return c->u.kind == USE_ENCRYPT;
}

/* libcrypto wants an address even for nothing. */
static inline const uint8_t *
bytes_of(struct slice s)
{
	return s.len == 0 ? (const uint8_t *)"" : s.p;
}

/* IN through a cipher that gives as much as it takes. False on failure of libcrypto. */
bool cipher_run(EVP_CIPHER_CTX *ctx, const uint8_t *in, size_t len, uint8_t *out);

#endif
