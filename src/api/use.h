/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One use of one key (or of a digest): started, fed, finished, and kept for the next use of the
 * same key and algorithm. Implemented by src/crypto for keys at hand, by backends for keys
 * elsewhere (which may gather the input and send it once).
 */
#ifndef KMS_API_USE_H
#define KMS_API_USE_H

#include "api/alg.h"

struct use;

/*
 * Rules for every implementation:
 * - One thread at a time. Outputs never overlap inputs, except where in.p == out.p exactly (in
 * place).
 * - Output goes to the caller's memory at once when it fits; KMS_BUFFER_SMALL leaves the use as it
 * was before the call, with out->len set to 0 and *need to the bytes that will do. Any other error
 * ends the use (it may be restarted or freed).
 * - A finished use (final, once, check) stays allocated and waits for restart.
 */
struct use_ops {
	/* Wipes and releases. */
	void (*free)(struct use *u);
	/*
	 * Begins again with the same key, kind and alg; parameters (IV, AAD, label, lengths,
	 * digest) may differ. KMS_NOTSUP: the caller frees the use and begins a new one.
	 */
	enum kms_rc (*restart)(struct use *u, const struct alg_params *p);
	/* Feeds a part. Encrypt and decrypt may give output; the others leave OUT alone (it may be
	 * NULL). */
	enum kms_rc (*update)(struct use *u, struct slice in, struct outbuf *out, size_t *need);
	/* Ends after parts: the rest of the cipher text or plain text, the signature, the MAC, the
	 * digest. */
	enum kms_rc (*final)(struct use *u, struct outbuf *out, size_t *need);
	/* The whole input at once. */
	enum kms_rc (*once)(struct use *u, struct slice in, struct outbuf *out, size_t *need);
	/* Verify only: ends after parts, or with the whole message. KMS_BAD_SIGNATURE,
	 * KMS_SIGNATURE_LEN. */
	enum kms_rc (*check)(struct use *u, struct slice sig);
	enum kms_rc (*check_once)(struct use *u, struct slice in, struct slice sig);
	/*
	 * An upper bound of what update (final false) or final/once (final true, with IN_LEN more
	 * bytes of input) will give, for length queries; exact wherever it can be known without
	 * doing the work.
	 */
	size_t (*bound)(const struct use *u, size_t in_len, bool final);
};

/* First member of every implementation. */
struct use {
	const struct use_ops *ops;
	enum use_kind kind;
	enum alg alg;
	bool multipart;	 /* false: the algorithm takes its input in one piece only (RSA without a
			    digest, KW ...) */
	const char *why; /* what is behind the last error, for a person, where there is more to say;
			    else NULL */
};

/* Forwards to ops->free; takes NULL. */
void use_free(struct use *u);

static inline enum kms_rc MUST_USE
use_restart(struct use *u, const struct alg_params *p)
{
	return u->ops->restart == NULL ? KMS_NOTSUP : u->ops->restart(u, p);
}

static inline enum kms_rc MUST_USE
use_update(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	return u->ops->update == NULL ? KMS_NOTSUP : u->ops->update(u, in, out, need);
}

static inline enum kms_rc MUST_USE
use_final(struct use *u, struct outbuf *out, size_t *need)
{
	return u->ops->final == NULL ? KMS_NOTSUP : u->ops->final(u, out, need);
}

static inline enum kms_rc MUST_USE
use_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	return u->ops->once == NULL ? KMS_NOTSUP : u->ops->once(u, in, out, need);
}

static inline enum kms_rc MUST_USE
use_check(struct use *u, struct slice sig)
{
	return u->ops->check == NULL ? KMS_NOTSUP : u->ops->check(u, sig);
}

static inline enum kms_rc MUST_USE
use_check_once(struct use *u, struct slice in, struct slice sig)
{
	return u->ops->check_once == NULL ? KMS_NOTSUP : u->ops->check_once(u, in, sig);
}

static inline size_t
use_bound(const struct use *u, size_t in_len, bool final)
{
	return u->ops->bound(u, in_len, final);
}

#endif
