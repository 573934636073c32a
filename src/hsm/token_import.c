/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys from outside into the HSM: as an object with all its numbers; where the HSM takes none such,
 * wrapped under a key that travels under a key pair of the moment.
 */
#include "hsm/token.h"

#define TRANSPORT_BITS 2048

struct import {
	const struct object *o;
	struct ckey *k;
	struct slice id, outside;
	bool perhaps; /* something may have come to be */
};

static bool
is_secret(const struct object *o)
{
	return key_type_is_secret(o->spec.type);
}

/* -- as an object -- */

/* Numbers of a key while its template is in use. */
struct numbers {
	struct secret v[8];
	size_t n;
};

static void
numbers_free(struct numbers *n)
{
	for (size_t i = 0; i < n->n; i++)
		secret_free(&n->v[i]);
}

static enum kms_rc
add_part(struct tok_attrs *t, struct numbers *n, const struct ckey *k, enum key_part part,
    CK_ATTRIBUTE_TYPE type)
{
	TRY(ckey_part(k, part, &n->v[n->n]));
	tok_attrs_bytes(t, type, secret_slice(&n->v[n->n++]));
	return KMS_OK;
}

static enum kms_rc
add_parts(struct tok_attrs *t, struct numbers *n, const struct import *m, CK_OBJECT_CLASS class)
{
	static const struct {
		enum key_part part;
		CK_ATTRIBUTE_TYPE type;
	} rsa[] = {
		{ PART_RSA_N, CKA_MODULUS }, /* the first two are the public key */
		{ PART_RSA_E, CKA_PUBLIC_EXPONENT },
		{ PART_RSA_D, CKA_PRIVATE_EXPONENT },
		{ PART_RSA_P, CKA_PRIME_1 },
		{ PART_RSA_Q, CKA_PRIME_2 },
		{ PART_RSA_DP, CKA_EXPONENT_1 },
		{ PART_RSA_DQ, CKA_EXPONENT_2 },
		{ PART_RSA_QINV, CKA_COEFFICIENT },
	};
	size_t parts = class == CKO_PUBLIC_KEY ? 2 : ARRAY_LEN(rsa);
	auto_secret point = { 0 };
	size_t head;

	if (class == CKO_SECRET_KEY) {
		tok_attrs_bytes(t, CKA_VALUE, ckey_secret(m->k));
		return KMS_OK;
	}
	if (m->o->spec.type == KEY_RSA) {
		for (size_t i = 0; i < parts; i++)
			TRY(add_part(t, n, m->k, rsa[i].part, rsa[i].type));
		return KMS_OK;
	}
	tok_attrs_bytes(t, CKA_EC_PARAMS, curve_params(m->o->spec.curve));
	if (class == CKO_PRIVATE_KEY)
		return add_part(t, n, m->k, PART_EC_D, CKA_VALUE);
	/* 6.3.3: a DER OCTET STRING. */
	TRY(ckey_part(m->k, PART_EC_POINT, &point));
	head = point.len < 128 ? 2 : 3;
	TRY(secret_new(head + point.len, &n->v[n->n]));
	n->v[n->n].p[0] = 0x04;
	if (head == 3)
		n->v[n->n].p[1] = 0x81;
	n->v[n->n].p[head - 1] = (uint8_t)point.len;
	memcpy(n->v[n->n].p + head, point.p, point.len);
	tok_attrs_bytes(t, CKA_EC_POINT, secret_slice(&n->v[n->n++]));
	return KMS_OK;
}

static CK_RV
create(struct tok_at *at, struct import *m, CK_OBJECT_CLASS class)
{
	__attribute__((cleanup(numbers_free))) struct numbers n = { .n = 0 };
	struct tok_attrs t = { .n = 0 };
	CK_OBJECT_HANDLE made;
	CK_RV rv;

	tok_attrs_key(&t, m->o, class, m->id);
	if (add_parts(&t, &n, m, class) != KMS_OK)
		return CKR_HOST_MEMORY;
	rv = CALL(at, C_CreateObject, t.v, t.n, &made);
	m->perhaps = m->perhaps || rv == CKR_OK || tok_fault(rv) == FAULT_DEVICE;
	return rv;
}

static CK_RV
create_objects(struct tok_at *at, void *arg)
{
	struct import *m = arg;
	CK_RV rv;

	if (is_secret(m->o))
		return create(at, m, CKO_SECRET_KEY);
	if ((rv = create(at, m, CKO_PRIVATE_KEY)) == CKR_OK)
		rv = create(at, m, CKO_PUBLIC_KEY);
	return rv;
}

/* -- by unwrapping -- */

/* Under K by ALG, here. */
static enum kms_rc
wrap_here(struct ckey *k, const struct alg_params *p, struct slice in, struct buf *ret)
{
	struct use *u = NULL;
	struct outbuf out;
	size_t need = 0;
	enum kms_rc rc;

	TRY(crypto_begin(k, USE_ENCRYPT, p, &u));
	buf_clear(ret);
	if ((rc = buf_extend(ret, use_bound(u, in.len, true), &out.p)) == KMS_OK) {
		out.cap = ret->len;
		out.len = 0;
		if ((rc = use_once(u, in, &out, &need)) == KMS_OK)
			ret->len = out.len;
	}
	use_free(u);
	return rc;
}

/* A pair in the HSM for as long as this lasts, and its public half. */
static CK_RV
make_pair(struct tok_at *at, CK_OBJECT_HANDLE pair[2], struct ckey **pub)
{
	static const uint8_t f4[] = { 1, 0, 1 };
	CK_MECHANISM mech = { .mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN };
	struct tok_attrs a = { .n = 0 }, z = { .n = 0 };
	CK_RV rv;

	tok_attrs_bool(&a, CKA_TOKEN, false);
	tok_attrs_bool(&a, CKA_WRAP, true);
	tok_attrs_number(&a, CKA_MODULUS_BITS, TRANSPORT_BITS);
	tok_attrs_bytes(&a, CKA_PUBLIC_EXPONENT, slice_of(f4, sizeof(f4)));
	tok_attrs_bool(&z, CKA_TOKEN, false);
	tok_attrs_bool(&z, CKA_PRIVATE, true);
	tok_attrs_bool(&z, CKA_SENSITIVE, true);
	tok_attrs_bool(&z, CKA_UNWRAP, true);
	rv = CALL(at, C_GenerateKeyPair, &mech, a.v, a.n, z.v, z.n, &pair[0], &pair[1]);
	if (rv == CKR_OK && tok_read_public(at, pair[0], KEY_RSA, pub) != KMS_OK)
		rv = CKR_FUNCTION_NOT_SUPPORTED;
	return rv;
}

/* T, the transport key, to the HSM under the pair. */
static CK_RV
send_transport(struct tok_at *at, struct ckey *pub, CK_OBJECT_HANDLE priv, struct slice t,
    CK_OBJECT_HANDLE *ret)
{
	static const struct alg_params ways[] = {
		{ .alg = ALG_RSA_OAEP, .u.oaep = { .hash = DIGEST_SHA1, .mgf = DIGEST_SHA1 } },
		{ .alg = ALG_RSA_PKCS1 },
	};
	CK_RV rv = CKR_MECHANISM_INVALID;

	for (size_t i = 0; i < ARRAY_LEN(ways) && tok_rc(rv) == KMS_NOTSUP; i++) {
		struct tok_mechanism mech = { .m = { 0 } };
		struct tok_attrs k = { .n = 0 };
		struct tok_route route;
		auto_buf sealed = { 0 };

		if (tok_route(at->h, ways[i].alg, DIGEST_NONE, CKF_UNWRAP, &route) != KMS_OK)
			continue;
		tok_attrs_number(&k, CKA_CLASS, CKO_SECRET_KEY);
		tok_attrs_number(&k, CKA_KEY_TYPE, CKK_AES);
		tok_attrs_bool(&k, CKA_TOKEN, false);
		tok_attrs_bool(&k, CKA_SENSITIVE, true);
		tok_attrs_bool(&k, CKA_UNWRAP, true);
		if (wrap_here(pub, &ways[i], t, &sealed) != KMS_OK ||
		    tok_mechanism_set(&mech, route.type, &ways[i]) != KMS_OK)
			return CKR_HOST_MEMORY;
		rv = CALL(at, C_UnwrapKey, &mech.m, priv, sealed.p, sealed.len, k.v, k.n, ret);
		tok_mechanism_free(&mech);
	}
	return rv;
}

/* The key itself under the transport key. Older HSMs have the padding form of RFC 5649 under the
 * number of CKM_AES_KEY_WRAP_PAD; those that mean something else by it find the wrapping damaged.
 */
static CK_RV
send_key(struct tok_at *at, struct import *m, struct ckey *t, CK_OBJECT_HANDLE transport)
{
	static uint8_t iv[16];
	static const struct {
		enum alg alg;
		CK_MECHANISM_TYPE type;
	} ways[] = {
		{ ALG_AES_KWP, CKM_AES_KEY_WRAP_KWP },
		{ ALG_AES_KWP, CKM_AES_KEY_WRAP_PAD },
		{ ALG_AES_KW, CKM_AES_KEY_WRAP },
		{ ALG_AES_CBC_PAD, CKM_AES_CBC_PAD },
	};
	CK_OBJECT_CLASS class = is_secret(m->o) ? CKO_SECRET_KEY : CKO_PRIVATE_KEY;
	CK_RV rv = CKR_MECHANISM_INVALID;

	for (size_t i = 0; i < ARRAY_LEN(ways) && rv != CKR_OK; i++) {
		bool cbc = ways[i].alg == ALG_AES_CBC_PAD;
		struct alg_params p = { .alg = ways[i].alg };
		CK_MECHANISM mech = { ways[i].type, cbc ? iv : NULL, cbc ? sizeof(iv) : 0 };
		struct tok_attrs k = { .n = 0 };
		CK_OBJECT_HANDLE made;
		auto_buf sealed = { 0 };

		if (cbc)
			p.u.cipher.iv = slice_of(iv, sizeof(iv));
		if (wrap_here(t, &p, m->outside, &sealed) != KMS_OK)
			continue; /* KW: not of a length that it takes */
		tok_attrs_key(&k, m->o, class, m->id);
		rv = CALL(at, C_UnwrapKey, &mech, transport, sealed.p, sealed.len, k.v, k.n, &made);
		m->perhaps = m->perhaps || rv == CKR_OK || tok_fault(rv) == FAULT_DEVICE;
		if (tok_fault(rv) != FAULT_NONE)
			break;
	}
	return rv;
}

static CK_RV
send_under(struct tok_at *at, struct import *m, struct ckey *pub, CK_OBJECT_HANDLE priv)
{
	uint8_t bytes[32];
	struct slice t = slice_of(bytes, sizeof(bytes));
	CK_OBJECT_HANDLE transport;
	auto_ckey *k = NULL;
	CK_RV rv = CKR_HOST_MEMORY;

	if (crypto_random(bytes, sizeof(bytes)) == KMS_OK &&
	    ckey_from_secret(KEY_AES, t, &k) == KMS_OK)
		rv = send_transport(at, pub, priv, t, &transport);
	mem_wipe(bytes, sizeof(bytes));
	if (rv != CKR_OK)
		return rv;
	rv = send_key(at, m, k, transport);
	(void)at->f->C_DestroyObject(at->s->handle, transport);
	return rv;
}

static CK_RV
unwrap_objects(struct tok_at *at, void *arg)
{
	struct import *m = arg;
	CK_OBJECT_HANDLE pair[2];
	auto_ckey *pub = NULL;
	CK_RV rv = make_pair(at, pair, &pub);

	if (pub != NULL)
		rv = send_under(at, m, pub, pair[1]);
	if (pub != NULL) {
		(void)at->f->C_DestroyObject(at->s->handle, pair[0]);
		(void)at->f->C_DestroyObject(at->s->handle, pair[1]);
	}
	/* The public half is for those who look into the HSM; it may be wanting. */
	if (rv == CKR_OK && !is_secret(m->o))
		(void)create(at, m, CKO_PUBLIC_KEY);
	return rv;
}

/* -- both -- */

static enum kms_rc
parse(struct call *c, const struct object *o, struct slice outside, struct ckey **ret)
{
	struct key_spec have;
	enum kms_rc rc = is_secret(o) ? ckey_from_secret(o->spec.type, outside, ret)
				      : ckey_from_pkcs8(outside, ret);

	if (rc == KMS_OK) {
		have = ckey_spec(*ret);
		if (have.type != o->spec.type || have.curve != o->spec.curve ||
		    have.bits != o->spec.bits)
			rc = KMS_BAD_DATA;
	}
	return rc == KMS_OK ? rc
			    : call_fail(c, rc, "the key to import is not valid: %s", rc_text(rc));
}

static enum kms_rc
show(const struct ckey *k, struct buf *spki)
{
	uint8_t check[3];

	if (ckey_secret(k).len == 0)
		return ckey_spki(k, spki);
	TRY(ckey_check_value(k, check));
	return buf_set(spki, slice_of(check, sizeof(check)));
}

static enum kms_rc
send(struct tok *h, struct call *c, struct import *m)
{
	struct call first = { .deadline_ms = c == NULL ? 0 : c->deadline_ms };
	enum kms_rc rc = tok_run(h, &first, NULL, false, create_objects, m);

	/* A policy that forbids keys from outside has many words. */
	if (rc == KMS_OK || m->perhaps ||
	    (rc != KMS_NOTSUP && rc != KMS_BAD_PARAM && rc != KMS_DENIED && rc != KMS_BAD_DATA))
		return rc == KMS_OK ? rc : call_fail(c, rc, "%s", first.err.text);
	err_clear(&first.err);
	rc = tok_run(h, &first, NULL, false, unwrap_objects, m);
	if (rc == KMS_NOTSUP || rc == KMS_BAD_PARAM || rc == KMS_DENIED || rc == KMS_BAD_DATA)
		return call_fail(c, KMS_NOTSUP, "this HSM takes no keys from outside: %s",
		    first.err.text);
	return rc == KMS_OK ? rc : call_fail(c, rc, "%s", first.err.text);
}

enum kms_rc
tok_import(struct hsm *base, struct call *c, const struct object *o, struct slice outside,
    struct secret *material, struct buf *spki)
{
	struct tok *h = tok_of(base);
	uint8_t id[TOK_ID_LEN];
	auto_ckey *k = NULL;
	struct import m = { .o = o, .id = slice_of(id, sizeof(id)), .outside = outside };
	enum kms_rc rc;

	TRY(parse(c, o, outside, &k));
	TRY(show(k, spki));
	TRY(crypto_random(id, sizeof(id)));
	m.k = k;
	if ((rc = send(h, c, &m)) == KMS_OK)
		rc = tok_record(&o->spec, m.id, false, material);
	if (rc != KMS_OK && m.perhaps)
		tok_sweep(h, m.id);
	return rc;
}
