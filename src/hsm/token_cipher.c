/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES in ECB, CBC, CBC with padding, and CTR, with keys in an HSM. Parts of blocks are kept here,
 * and padding is put on and taken off here: the HSM is given whole blocks, and what a call will
 * give is known before it is asked.
 */
#include "hsm/token_use.h"

#define BLOCK AES_BLOCK

struct cipher_use {
	struct tok_use t;
	bool blocks; /* whole blocks only: not CTR */
	bool pads,
	    holds; /* CBC_PAD encrypting; decrypting, where the last block waits for the end */
	uint8_t hold[BLOCK]; /* input that waits for more */
	size_t held;
	size_t owed; /* bytes that went to the HSM and have not come back yet */
	bool open;   /* CBC_PAD: the end has been opened, and waits for enough room */
	struct buf rest;
	uint64_t left; /* CTR: bytes until the counter is used up */
};

static struct cipher_use *
cipher_of(struct use *u)
{
	return (struct cipher_use *)u;
}

static void
cipher_free(struct use *u)
{
	struct cipher_use *s = cipher_of(u);

	buf_free(&s->rest);
	tok_use_release(&s->t, sizeof(*s));
}

static enum kms_rc
check_params(struct cipher_use *s, const struct alg_params *p)
{
	uint32_t bits = p->u.cipher.counter_bits;

	if (p->alg == ALG_AES_ECB)
		return KMS_OK;
	if (p->u.cipher.iv.len != BLOCK)
		return KMS_BAD_PARAM;
	if (p->alg != ALG_AES_CTR)
		return KMS_OK;
	if (bits < 1 || bits > 128)
		return KMS_BAD_PARAM;
	s->left = aes_ctr_left(p->u.cipher.iv.p, bits);
	return KMS_OK;
}

static enum kms_rc
cipher_restart(struct use *u, const struct alg_params *p)
{
	struct cipher_use *s = cipher_of(u);
	bool encrypts = u->kind == USE_ENCRYPT;
	struct tok_route route;

	tok_use_begin(&s->t);
	s->held = s->owed = 0;
	s->open = false;
	buf_clear(&s->rest);
	TRY(check_params(s, p));
	TRY(tok_route(s->t.h, u->alg, DIGEST_NONE, encrypts ? CKF_ENCRYPT : CKF_DECRYPT, &route));
	TRY(tok_mechanism_set(&s->t.mech, route.type, p));
	s->blocks = u->alg != ALG_AES_CTR;
	s->pads = u->alg == ALG_AES_CBC_PAD && encrypts;
	s->holds = u->alg == ALG_AES_CBC_PAD && !encrypts;
	s->t.phase = TOK_READY;
	return KMS_OK;
}

/* What goes to the HSM when LEN bytes come: everything, or all whole blocks, or all but the last.
 */
static size_t
sends(const struct cipher_use *s, size_t len)
{
	size_t total;

	if (!s->blocks)
		return len;
	if (!size_add(s->held, len, &total))
		return SIZE_MAX;
	if (s->holds)
		total -= total > 0;
	return total - total % BLOCK;
}

/* -- parts -- */

/* N bytes to the HSM; what it gives, which may be late, to OUT. */
static enum kms_rc
stream(struct cipher_use *s, struct slice in, struct outbuf *out)
{
	size_t room = out->cap - out->len, given = room;

	TRY(tok_part(&s->t, in, out->p + out->len, &given));
	if (given > s->owed + in.len)
		return KMS_INTERNAL;
	s->owed = s->owed + in.len - given;
	out->len += given;
	return KMS_OK;
}

/* N bytes of what is held and of IN; holds the rest. */
static enum kms_rc
feed(struct cipher_use *s, struct slice in, size_t n, struct outbuf *out)
{
	auto_buf joined = { 0 };
	size_t take = n - s->held;

	if (n > 0 && s->held > 0) {
		TRY(buf_add(&joined, slice_of(s->hold, s->held)));
		TRY(buf_add(&joined, slice_of(in.p, take)));
		/* First, for in place OUT runs over it. */
		in = slice_of(in.p + take, in.len - take);
		if (in.len > 0)
			memcpy(s->hold, in.p, in.len);
		s->held = in.len;
		return stream(s, buf_slice(&joined), out);
	}
	if (in.len > n)
		memcpy(s->hold + s->held, in.p + n, in.len - n);
	s->held += in.len - n;
	return n > 0 ? stream(s, slice_of(in.p, n), out) : KMS_OK;
}

static enum kms_rc
cipher_update(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct cipher_use *s = cipher_of(u);
	size_t n = sends(s, in.len), total;
	enum kms_rc rc;

	if (s->t.phase == TOK_DONE || s->open)
		return KMS_INVALID;
	if (!s->blocks && in.len > s->left)
		return tok_use_end(&s->t, KMS_BAD_LEN);
	if (!size_add(n, n > 0 ? s->owed : 0, &total) || n > BUF_MAX)
		return tok_use_end(&s->t, KMS_LIMIT);
	if (tok_small(out, need, total))
		return KMS_BUFFER_SMALL;
	s->t.phase = TOK_FED;
	s->left -= s->blocks ? 0 : in.len;
	out->len = 0;
	rc = feed(s, in, n, out);
	return rc == KMS_OK ? rc : tok_use_end(&s->t, rc);
}

/* -- the end -- */

/* IN, the last there is, and whatever the HSM still holds, to OUT, which has room for it. */
static enum kms_rc
finish(struct cipher_use *s, struct slice in, uint8_t *out, size_t *len)
{
	struct outbuf o = { .p = out, .cap = *len };
	size_t given = *len;

	if (s->t.s == NULL && in.len == 0) {
		*len = 0;
		return KMS_OK;
	}
	if (s->t.s == NULL)
		return tok_whole(&s->t, in, out, len);
	if (in.len > 0)
		TRY(stream(s, in, &o));
	given = o.cap - o.len;
	TRY(tok_last(&s->t, out + o.len, &given));
	if (given != s->owed)
		return KMS_INTERNAL;
	*len = o.len + given;
	return KMS_OK;
}

/* The padded last block, opened once however often the caller comes with too little room. */
static enum kms_rc
open_end(struct cipher_use *s)
{
	size_t len = s->owed + BLOCK;
	uint8_t *p;
	int last;

	if (s->held != BLOCK)
		return KMS_BAD_LEN;
	buf_clear(&s->rest);
	TRY(buf_extend(&s->rest, len, &p));
	TRY(finish(s, slice_of(s->hold, BLOCK), p, &len));
	if (len != s->rest.len)
		return KMS_INTERNAL;
	if ((last = aes_unpadded(p + len - BLOCK)) < 0)
		return KMS_BAD_DATA;
	s->rest.len = len - BLOCK + (size_t)last;
	s->open = true;
	return KMS_OK;
}

static enum kms_rc
give_end(struct cipher_use *s, struct outbuf *out, size_t *need)
{
	enum kms_rc rc;

	if (!s->open && (rc = open_end(s)) != KMS_OK)
		return tok_use_end(&s->t, rc);
	if (tok_small(out, need, s->rest.len))
		return KMS_BUFFER_SMALL;
	if (s->rest.len > 0)
		memcpy(out->p, s->rest.p, s->rest.len);
	out->len = s->rest.len;
	buf_clear(&s->rest);
	return tok_use_end(&s->t, KMS_OK);
}

static enum kms_rc
cipher_final(struct use *u, struct outbuf *out, size_t *need)
{
	struct cipher_use *s = cipher_of(u);
	size_t len = s->owed + (s->pads ? BLOCK : 0);
	enum kms_rc rc;

	if (s->t.phase == TOK_DONE)
		return KMS_INVALID;
	if (s->holds)
		return give_end(s, out, need);
	if (!s->pads && s->held > 0)
		return tok_use_end(&s->t, KMS_BAD_LEN);
	if (tok_small(out, need, len))
		return KMS_BUFFER_SMALL;
	if (s->pads) {
		memset(s->hold + s->held, (int)(BLOCK - s->held), BLOCK - s->held);
		s->held = BLOCK;
	}
	rc = finish(s, slice_of(s->hold, s->held), out->p, &len);
	out->len = rc == KMS_OK ? len : 0;
	return tok_use_end(&s->t, rc);
}

/* -- in one piece -- */

static enum kms_rc
whole_padded(struct cipher_use *s, struct slice in, struct outbuf *out, size_t total)
{
	auto_buf padded = { 0 };
	size_t n = total - in.len, len = total;
	uint8_t *p;

	TRY(buf_extend(&padded, total, &p));
	if (in.len > 0)
		memcpy(p, in.p, in.len);
	memset(p + in.len, (int)n, n);
	TRY(tok_whole(&s->t, buf_slice(&padded), out->p, &len));
	out->len = len;
	return len == total ? KMS_OK : KMS_INTERNAL;
}

/* To memory of our own: how much of it is the caller's is known only afterwards. */
static enum kms_rc
open_padded(struct cipher_use *s, struct slice in, struct outbuf *out, size_t *need)
{
	auto_buf plain = { 0 };
	size_t len = in.len;
	uint8_t *p;
	int last;

	if (in.len == 0 || in.len % BLOCK != 0)
		return KMS_BAD_LEN;
	TRY(buf_extend(&plain, len, &p));
	TRY(tok_whole(&s->t, in, p, &len));
	if (len != in.len)
		return KMS_INTERNAL;
	if ((last = aes_unpadded(p + len - BLOCK)) < 0)
		return KMS_BAD_DATA;
	len = len - BLOCK + (size_t)last;
	if (tok_small(out, need, len))
		return KMS_BUFFER_SMALL;
	if (len > 0)
		memcpy(out->p, p, len);
	out->len = len;
	return KMS_OK;
}

static size_t
cipher_bound(const struct use *u, size_t in_len, bool final)
{
	const struct cipher_use *s = (const struct cipher_use *)u;
	size_t total;

	if (!final)
		return size_add(sends(s, in_len), s->owed, &total) ? total : SIZE_MAX;
	if (s->open)
		return s->rest.len;
	if (!size_add(s->held, in_len, &total) ||
	    (s->pads && !size_add(total - total % BLOCK, BLOCK, &total)) ||
	    !size_add(total, s->owed, &total))
		return SIZE_MAX;
	return total;
}

static enum kms_rc
once(struct cipher_use *s, struct slice in, struct outbuf *out, size_t *need)
{
	size_t total = cipher_bound(&s->t.u, in.len, true), len;

	if (s->holds)
		return open_padded(s, in, out, need);
	if (s->blocks ? !s->pads && in.len % BLOCK != 0 : in.len > s->left)
		return KMS_BAD_LEN;
	if (tok_small(out, need, total))
		return KMS_BUFFER_SMALL;
	if (s->pads)
		return whole_padded(s, in, out, total);
	len = total;
	if (len > 0)
		TRY(tok_whole(&s->t, in, out->p, &len));
	out->len = len;
	return len == total ? KMS_OK : KMS_INTERNAL;
}

static enum kms_rc
cipher_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct cipher_use *s = cipher_of(u);
	enum kms_rc rc;

	if (s->t.phase != TOK_READY)
		return KMS_INVALID;
	rc = once(s, in, out, need);
	return rc == KMS_BUFFER_SMALL ? rc : tok_use_end(&s->t, rc);
}

static const struct use_ops cipher_ops = {
	.free = cipher_free,
	.restart = cipher_restart,
	.update = cipher_update,
	.final = cipher_final,
	.once = cipher_once,
	.bound = cipher_bound,
};

const struct tok_family tok_family_cipher = {
	.size = sizeof(struct cipher_use),
	.ops = { [USE_ENCRYPT] = &cipher_ops, [USE_DECRYPT] = &cipher_ops },
};
