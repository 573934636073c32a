/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES key wrap (RFC 3394) and with padding (RFC 5649) of bytes at hand, with keys in an HSM. Most
 * HSMs wrap objects only: there the bytes become one for a moment.
 */
#include "hsm/token_use.h"

#define UNIT 8

struct kw_use {
	struct tok_use t;
	bool by_object;
};

static struct kw_use *
kw_of(struct use *u)
{
	return (struct kw_use *)u;
}

static void
kw_free(struct use *u)
{
	tok_use_release(tok_use_of(u), sizeof(struct kw_use));
}

static bool
encrypts(const struct use *u)
{
	return u->kind == USE_ENCRYPT;
}

static enum kms_rc
kw_restart(struct use *u, const struct alg_params *p)
{
	struct kw_use *w = kw_of(u);
	size_t iv = p->u.cipher.iv.len;
	struct tok_route route;

	tok_use_begin(&w->t);
	u->multipart = false;
	if (iv != 0 && iv != (u->alg == ALG_AES_KWP ? 4 : 8))
		return KMS_BAD_PARAM;
	w->by_object = tok_route(w->t.h, p->alg, DIGEST_NONE,
			   encrypts(u) ? CKF_ENCRYPT : CKF_DECRYPT, &route) != KMS_OK;
	if (w->by_object)
		TRY(tok_route(w->t.h, p->alg, DIGEST_NONE, encrypts(u) ? CKF_WRAP : CKF_UNWRAP,
		    &route));
	TRY(tok_mechanism_set(&w->t.mech, route.type, p));
	w->t.phase = TOK_READY;
	return KMS_OK;
}

/* Exact when wrapping; when unwrapping with padding up to 7 bytes too many. */
static size_t
kw_bound(const struct use *u, size_t in_len, bool final)
{
	size_t n;

	if (!final)
		return 0;
	if (!encrypts(u))
		return in_len < UNIT ? 0 : in_len - UNIT;
	if (!size_add(in_len, 2 * UNIT - 1, &n))
		return SIZE_MAX;
	return n - n % UNIT;
}

/* -- by way of an object -- */

struct passage {
	struct kw_use *w;
	struct slice in;
	struct buf *ret;
};

/* Bytes as a secret of the session that may be read again. */
static void
momentary(struct tok_attrs *t)
{
	tok_attrs_number(t, CKA_CLASS, CKO_SECRET_KEY);
	tok_attrs_number(t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
	tok_attrs_bool(t, CKA_TOKEN, false);
	tok_attrs_bool(t, CKA_SENSITIVE, false);
	tok_attrs_bool(t, CKA_EXTRACTABLE, true);
}

static CK_RV
wrap_object(struct tok_at *at, void *arg)
{
	struct passage *p = arg;
	struct tok_attrs t = { .n = 0 };
	CK_OBJECT_HANDLE o;
	CK_ULONG len = kw_bound(&p->w->t.u, p->in.len, true);
	uint8_t *out;
	CK_RV rv;

	buf_clear(p->ret);
	if (buf_extend(p->ret, len, &out) != KMS_OK)
		return CKR_HOST_MEMORY;
	momentary(&t);
	tok_attrs_bytes(&t, CKA_VALUE, p->in);
	if ((rv = CALL(at, C_CreateObject, t.v, t.n, &o)) != CKR_OK)
		return rv;
	if ((rv = CALL(at, C_WrapKey, &p->w->t.mech.m, at->key, o, out, &len)) == CKR_OK)
		p->ret->len = len;
	(void)at->f->C_DestroyObject(at->s->handle, o);
	return rv;
}

static CK_RV
unwrap_object(struct tok_at *at, void *arg)
{
	struct passage *p = arg;
	struct tok_attrs t = { .n = 0 };
	CK_OBJECT_HANDLE o;
	CK_BYTE *in;
	CK_RV rv;

	memcpy(&in, &p->in.p, sizeof(in)); /* the standard's type lacks a const */
	momentary(&t);
	rv = CALL(at, C_UnwrapKey, &p->w->t.mech.m, at->key, in, p->in.len, t.v, t.n, &o);
	/* What does not unwrap has many names. */
	if (rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED)
		rv = CKR_WRAPPED_KEY_INVALID;
	if (rv != CKR_OK)
		return rv;
	if ((rv = tok_read(at, o, CKA_VALUE, p->ret)) == CKR_OK && p->ret->len == 0)
		rv = CKR_ATTRIBUTE_SENSITIVE;
	(void)at->f->C_DestroyObject(at->s->handle, o);
	return rv;
}

/* -- both -- */

static enum kms_rc
pass(struct kw_use *w, struct slice in, struct buf *ret)
{
	struct passage p = { .w = w, .in = in, .ret = ret };
	size_t len = in.len + 2 * UNIT;
	uint8_t *out;

	if (w->by_object)
		return tok_with(&w->t, encrypts(&w->t.u) ? wrap_object : unwrap_object, &p);
	TRY(buf_extend(ret, len, &out));
	TRY(tok_whole(&w->t, in, out, &len));
	if (len > ret->len)
		return KMS_INTERNAL;
	ret->len = len;
	return KMS_OK;
}

static enum kms_rc
kw_once(struct use *u, struct slice in, struct outbuf *out, size_t *need)
{
	struct kw_use *w = kw_of(u);
	bool pads = u->alg == ALG_AES_KWP;
	size_t total = kw_bound(u, in.len, true);
	auto_buf made = { 0 };
	enum kms_rc rc;

	if (w->t.phase != TOK_READY)
		return KMS_INVALID;
	if (in.len > SECRET_MAX ||
	    (encrypts(u) ? (pads ? in.len == 0 : in.len < 2 * UNIT || in.len % UNIT != 0)
			 : in.len % UNIT != 0 || in.len < (pads ? 2 : 3) * UNIT))
		return tok_use_end(&w->t, KMS_BAD_LEN);
	/* But for padding that is taken off all is known beforehand. */
	if ((encrypts(u) || !pads) && tok_small(out, need, total))
		return KMS_BUFFER_SMALL;
	if ((rc = pass(w, in, &made)) == KMS_OK &&
	    (made.len > total || ((encrypts(u) || !pads) && made.len != total)))
		rc = KMS_INTERNAL;
	if (rc == KMS_OK && tok_small(out, need, made.len))
		return KMS_BUFFER_SMALL;
	if (rc == KMS_OK) {
		memcpy(out->p, made.p, made.len);
		out->len = made.len;
	}
	return tok_use_end(&w->t, rc);
}

static const struct use_ops kw_ops = {
	.free = kw_free,
	.restart = kw_restart,
	.once = kw_once,
	.bound = kw_bound,
};

const struct tok_family tok_family_kw = {
	.size = sizeof(struct kw_use),
	.ops = { [USE_ENCRYPT] = &kw_ops, [USE_DECRYPT] = &kw_ops },
};
