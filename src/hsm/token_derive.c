/* SPDX-License-Identifier: Apache-2.0 */
/* ECDH, and wrapping of keys that are both in the HSM. */
#include "hsm/token.h"

/* -- ECDH -- */

struct derivation {
	struct slice peer;
	size_t len;
	struct secret *ret;
};

/* The shared secret as a session object that may be read, which is read and destroyed. */
static CK_RV
derive_from(struct tok_at *at, const struct derivation *d, struct slice point)
{
	CK_ECDH1_DERIVE_PARAMS p = { .kdf = CKD_NULL, .ulPublicDataLen = point.len };
	CK_MECHANISM m = { CKM_ECDH1_DERIVE, &p, sizeof(p) };
	struct tok_attrs t = { .n = 0 };
	CK_OBJECT_HANDLE made;
	auto_buf value = { 0 };
	CK_RV rv;

	memcpy(&p.pPublicData, &point.p, sizeof(point.p)); /* the standard's type lacks a const */
	tok_attrs_number(&t, CKA_CLASS, CKO_SECRET_KEY);
	tok_attrs_number(&t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
	tok_attrs_bool(&t, CKA_TOKEN, false);
	tok_attrs_bool(&t, CKA_SENSITIVE, false);
	tok_attrs_bool(&t, CKA_EXTRACTABLE, true);
	tok_attrs_number(&t, CKA_VALUE_LEN, d->len);
	if ((rv = CALL(at, C_DeriveKey, &m, at->key, t.v, t.n, &made)) != CKR_OK)
		return rv;
	rv = tok_read(at, made, CKA_VALUE, &value);
	(void)at->f->C_DestroyObject(at->s->handle, made);
	if (rv == CKR_OK && value.len == 0)
		return CKR_ATTRIBUTE_SENSITIVE;
	if (rv == CKR_OK && value.len != d->len)
		return CKR_FUNCTION_FAILED;
	return rv == CKR_OK && secret_copy(buf_slice(&value), d->ret) != KMS_OK ? CKR_HOST_MEMORY
										: rv;
}

/* The point bare, as the standard has it, or as a DER OCTET STRING, which some want. */
static CK_RV
derive(struct tok_at *at, void *arg)
{
	const struct derivation *d = arg;
	uint8_t der[3 + 255];
	size_t head = d->peer.len < 128 ? 2 : 3;
	CK_RV rv = derive_from(at, d, d->peer);

	if (tok_rc(rv) != KMS_BAD_PARAM || d->peer.len > 255)
		return rv;
	der[0] = 0x04;
	der[1] = 0x81;
	der[head - 1] = (uint8_t)d->peer.len;
	memcpy(der + head, d->peer.p, d->peer.len);
	return derive_from(at, d, slice_of(der, head + d->peer.len));
}

enum kms_rc
tok_derive(struct hsm *h, struct call *c, struct hsm_key *hk, const struct alg_params *p,
    struct secret *ret)
{
	struct tok_key *k = tok_key_of(hk);
	struct derivation d = { .peer = p->u.ecdh.peer, .ret = ret };
	auto_ckey *peer = NULL;
	struct tok_route route;

	if (p->alg != ALG_ECDH)
		return KMS_NOTSUP;
	if (k->spec.type != KEY_EC)
		return KMS_KEY_TYPE;
	TRY(tok_route(tok_of(h), ALG_ECDH, DIGEST_NONE, CKF_DERIVE, &route));
	/* A point off the curve could draw the key out of a careless HSM. */
	if (ckey_from_ec(k->spec.curve, slice_of(NULL, 0), d.peer, &peer) != KMS_OK)
		return KMS_BAD_PARAM;
	d.len = curve_bytes(k->spec.curve);
	return tok_run(tok_of(h), c, k, true, derive, &d);
}

/* -- wrapping -- */

#define WRAPPED_USUAL 4096

struct wrapping {
	struct tok_mechanism mech;
	struct tok_key *target;
	struct buf *ret;
};

static CK_RV
locate_target(struct tok_at *at, struct tok_key *target, CK_OBJECT_HANDLE *ret)
{
	struct tok_at other = *at;
	CK_RV rv;

	other.k = target;
	rv = tok_key_locate(&other);
	at->call = other.call;
	*ret = other.key;
	return rv;
}

/* Most fit the first time; asking for the length alone costs an HSM as much as wrapping. */
static CK_RV
wrap_target(struct tok_at *at, struct wrapping *w, CK_OBJECT_HANDLE target)
{
	CK_ULONG len = WRAPPED_USUAL;
	CK_RV rv;

	do {
		uint8_t *p;

		buf_clear(w->ret);
		if (len > OBJECT_BODY_MAX || buf_extend(w->ret, len, &p) != KMS_OK)
			return CKR_HOST_MEMORY;
		rv = CALL(at, C_WrapKey, &w->mech.m, at->key, target, p, &len);
	} while (rv == CKR_BUFFER_TOO_SMALL && len > w->ret->len);
	if (rv == CKR_OK)
		w->ret->len = len;
	return rv;
}

static CK_RV
wrap(struct tok_at *at, void *arg)
{
	struct wrapping *w = arg;
	CK_OBJECT_HANDLE target;
	CK_RV rv = locate_target(at, w->target, &target);

	if (rv == CKR_OK)
		rv = wrap_target(at, w, target);
	if (tok_fault(rv) == FAULT_KEY)
		tok_key_forget(w->target);
	return rv;
}

enum kms_rc
tok_wrap(struct hsm *h, struct call *c, struct hsm_key *k, const struct alg_params *p,
    struct hsm_key *target, struct buf *ret)
{
	struct wrapping w = { .target = tok_key_of(target), .ret = ret };
	struct tok_route route;
	enum kms_rc rc;

	/* In the HSM it is the HSM that pads. */
	if (p->alg == ALG_AES_CBC_PAD)
		route.type = CKM_AES_CBC_PAD;
	else
		TRY(tok_route(tok_of(h), p->alg, DIGEST_NONE, CKF_WRAP, &route));
	TRY(tok_mechanism_set(&w.mech, route.type, p));
	rc = tok_run(tok_of(h), c, tok_key_of(k), true, wrap, &w);
	tok_mechanism_free(&w.mech);
	return rc;
}
