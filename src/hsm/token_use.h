/* SPDX-License-Identifier: Apache-2.0 */
/* Uses of keys in an HSM: what the constructions (token_sign.c, token_cipher.c ...) share. */
#ifndef KMS_HSM_TOKEN_USE_H
#define KMS_HSM_TOKEN_USE_H

#include "hsm/token.h"

#define RSA_BYTES_MAX 1024

/* READY: begun, nothing fed. FED: parts came. DONE: over, waits for restart. */
enum tok_phase { TOK_DONE, TOK_READY, TOK_FED };

/*
 * First member of each use. Nothing is asked of the HSM before there is input. A use that gives its
 * input in one piece needs a session for that moment only; one that streams keeps a session from
 * its first part to its end.
 */
struct tok_use {
	struct use u;
	struct tok *h;
	struct tok_key *key;
	enum tok_phase phase;
	struct tok_mechanism mech;
	struct tok_session *s; /* of the stream */
	struct err err;
};

/* One construction: SIZE zeroed bytes with the tok_use filled in, then ops->restart. */
struct tok_family {
	size_t size;
	const struct use_ops *ops[USE_KINDS];
};
extern const struct tok_family tok_family_sign, tok_family_mac, tok_family_cipher, tok_family_gcm,
    tok_family_rsa, tok_family_kw;

static inline struct tok_use *
tok_use_of(struct use *u)
{
	return (struct tok_use *)u;
}

/* Begins again: a stream that was left is put away, errors are forgotten. */
void tok_use_begin(struct tok_use *t);
/* Ends the use with RC. */
enum kms_rc tok_use_end(struct tok_use *t, enum kms_rc rc);
/* The last step of every free: SIZE bytes, wiped. */
void tok_use_release(struct tok_use *t, size_t size);

/*
 * In one piece: LEN is the room at OUT and becomes what was given. Done again on another session
 * where the first was lost.
 */
enum kms_rc tok_whole(struct tok_use *t, struct slice in, uint8_t *out, size_t *len) MUST_USE;
/* Work of another kind with the use's key. */
enum kms_rc tok_with(struct tok_use *t, tok_work *work, void *arg) MUST_USE;
/* In parts: the next, and the end. Signatures and MACs come with the end alone. */
enum kms_rc tok_part(struct tok_use *t, struct slice in, uint8_t *out, size_t *len) MUST_USE;
enum kms_rc tok_last(struct tok_use *t, uint8_t *out, size_t *len) MUST_USE;

/* Bytes of an RSA key's modulus. */
static inline size_t
tok_rsa_width(const struct tok_use *t)
{
	return (t->key->spec.bits + 7) / 8;
}

/* The caller's memory is too small for N bytes; says so. */
static inline bool
tok_small(struct outbuf *out, size_t *need, size_t n)
{
	if (out->cap >= n)
		return false;
	out->len = 0;
	if (need != NULL)
		*need = n;
	return true;
}

#endif
