/* SPDX-License-Identifier: Apache-2.0 */
/* C_GenerateKey and C_GenerateKeyPair, and how a key is made of bytes. PKCS#11 5.16. */
#include "pkcs11/keys.h"

#include "base/codec.h"
#include "crypto/der.h"
#include "pkcs11/memory.h"

CK_RV
keys_mech(const struct session *s, const CK_MECHANISM *m, CK_FLAGS flags, const struct mech **ret)
{
	CK_MECHANISM copy;

	memcpy(&copy, m, sizeof(copy));
	*ret = mech_find(copy.mechanism);
	if (*ret == NULL || (token_offers(s->token, *ret) & flags) == 0)
		return CKR_MECHANISM_INVALID;
	if ((*ret)->alg == ALG_NONE && copy.ulParameterLen != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	return CKR_OK;
}

/* A template for generation: its class and key type, where it names them, must be those of the
 * mechanism. */
static CK_RV
begin_object(struct session *s, const struct attrs *t, enum object_kind kind,
    const struct key_family *family, struct object *o)
{
	CK_ULONG ckk;

	o->kind = kind;
	o->spec.type = family->type;
	TRY_RV(attrs_ulong(t, CKA_KEY_TYPE, family->ckk, &ckk));
	if (ckk != family->ckk)
		return CKR_TEMPLATE_INCONSISTENT;
	schema_defaults(o);
	TRY_RV(schema_apply(SCHEMA_GENERATE, t, token_role(s->token) == ROLE_SO, o));
	object_default_private(s, t, o);
	return object_check_claims(t, o); /* of a key that is not there yet */
}

/* What the template asks for, as far as the mechanism can do it. */
static CK_RV
read_spec(const struct mech *row, const struct key_family *family, const struct attrs *t,
    struct key_spec *ret, struct slice *e)
{
	TRY_RV(family->spec(t, ret, e));
	return mech_takes_size(row, ret) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

/* 4.9, 4.10: what generation makes true. */
static CK_RV
mark_generated(struct object *o, CK_MECHANISM_TYPE mechanism)
{
	CK_ULONG type = mechanism;

	o->flags |= FLAG_LOCAL;
	if (o->kind != OBJECT_PUBLIC_KEY) {
		o->flags |= (o->flags & FLAG_SENSITIVE) != 0 ? FLAG_ALWAYS_SENSITIVE : 0u;
		o->flags |= (o->flags & FLAG_EXTRACTABLE) == 0 ? FLAG_NEVER_EXTRACTABLE : 0u;
	}
	return schema_store(o,
	    &(struct attr){
		.type = CKA_KEY_GEN_MECHANISM, .value = slice_of(&type, sizeof(type)) });
}

static CK_RV
generate_key(struct session *s, const CK_MECHANISM *m, const CK_ATTRIBUTE *templ, CK_ULONG count,
    CK_OBJECT_HANDLE *ret)
{
	struct call call = token_call(s->token);
	const struct key_family *family;
	const struct mech *row;
	auto_object o = { 0 };
	auto_ckey *key = NULL;
	auto_attrs t;
	struct slice e;
	bool token_object;
	enum kms_rc rc;

	t.mem = (struct secret){ 0 };
	TRY_RV(keys_mech(s, m, CKF_GENERATE, &row));
	TRY_RV(attrs_read(templ, count, &t));
	if ((family = family_of_type(row->key)) == NULL)
		return CKR_MECHANISM_INVALID;
	TRY_RV(begin_object(s, &t, OBJECT_SECRET_KEY, family, &o));
	TRY_RV(object_place(s, &t, &o, &token_object));
	TRY_RV(read_spec(row, family, &t, &o.spec, &e));
	TRY_RV(mark_generated(&o, row->type));
	if (token_object) {
		if ((rc = backend_generate(s->token->backend, &call, &o, NULL, e)) != KMS_OK)
			return session_fail(s, &call, rc);
		return object_intern(s, &o, ret);
	}
	if ((rc = ckey_generate(&o.spec, e, &key)) != KMS_OK)
		return session_fail(s, &call, rc);
	TRY_RV(object_describe(&o, key));
	return object_keep(s, false, &o, key, (struct slice){ 0 }, ret);
}

CK_RV
C_GenerateKey(CK_SESSION_HANDLE hs, CK_MECHANISM_PTR m, CK_ATTRIBUTE_PTR templ, CK_ULONG count,
    CK_OBJECT_HANDLE_PTR ret)
{
	auto_session *s = NULL;
	CK_OBJECT_HANDLE made;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK && (m == NULL || ret == NULL))
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK && (rv = generate_key(s, m, templ, count, &made)) == CKR_OK)
		ulong_put(ret, made);
	return rv_trace(__func__, rv);
}

/* A pair in the making. */
struct pair {
	struct object pub, priv;
	bool pub_token, priv_token;
	struct slice e;
};

/* Both halves carry one id: the one that either template names. */
static CK_RV
share_id(struct pair *p)
{
	struct buf *from = p->priv.app_id.len != 0 ? &p->priv.app_id : &p->pub.app_id;
	struct buf *to = p->priv.app_id.len != 0 ? &p->pub.app_id : &p->priv.app_id;

	if (from->len == 0 || to->len != 0)
		return CKR_OK;
	return buf_set(to, buf_slice(from)) == KMS_OK ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV
prepare_pair(struct session *s, const struct mech *row, const struct attrs *pub,
    const struct attrs *priv, struct pair *p)
{
	const struct key_family *family = family_of_type(row->key);
	const struct attr *params = attrs_get(pub, CKA_EC_PARAMS);

	if (family == NULL)
		return CKR_MECHANISM_INVALID;
	TRY_RV(begin_object(s, pub, OBJECT_PUBLIC_KEY, family, &p->pub));
	TRY_RV(begin_object(s, priv, OBJECT_PRIVATE_KEY, family, &p->priv));
	TRY_RV(object_place(s, pub, &p->pub, &p->pub_token));
	TRY_RV(object_place(s, priv, &p->priv, &p->priv_token));
	TRY_RV(read_spec(row, family, pub, &p->pub.spec, &p->e));
	p->priv.spec = p->pub.spec;
	if (params != NULL && !slice_eq(params->value, curve_params(p->pub.spec.curve))) {
		TRY_RV(schema_store(&p->pub, params));
		TRY_RV(schema_store(&p->priv, params));
	}
	TRY_RV(share_id(p));
	TRY_RV(mark_generated(&p->pub, row->type));
	return mark_generated(&p->priv, row->type);
}

/* The only parameter of a pair's generation is the public exponent, and it came in the template
 * (6.1.4). */
static CK_RV
pair_failed(struct session *s, struct call *call, enum kms_rc rc)
{
	return rc == KMS_BAD_PARAM ? CKR_TEMPLATE_INCONSISTENT : session_fail(s, call, rc);
}

/* Both in the token: the backend makes and keeps them in one step. */
static CK_RV
pair_in_token(struct session *s, struct pair *p, CK_OBJECT_HANDLE *pub_ret,
    CK_OBJECT_HANDLE *priv_ret)
{
	struct call call = token_call(s->token);
	enum kms_rc rc;

	if ((rc = backend_generate(s->token->backend, &call, &p->priv, &p->pub, p->e)) != KMS_OK)
		return pair_failed(s, &call, rc);
	TRY_RV(object_intern(s, &p->pub, pub_ret));
	return object_intern(s, &p->priv, priv_ret);
}

/* At least one is a session object: made here, each half kept where it belongs. */
static CK_RV
pair_here(struct session *s, struct pair *p, CK_OBJECT_HANDLE *pub_ret, CK_OBJECT_HANDLE *priv_ret)
{
	struct call call = token_call(s->token);
	auto_ckey *key = NULL, *pub = NULL;
	CK_OBJECT_HANDLE made;
	enum kms_rc rc;
	CK_RV rv;

	if ((rc = ckey_generate(&p->priv.spec, p->e, &key)) != KMS_OK ||
	    (rc = ckey_public(key, &pub)) != KMS_OK)
		return pair_failed(s, &call, rc);
	TRY_RV(object_describe(&p->priv, key));
	TRY_RV(share_id(p));
	TRY_RV(object_describe(&p->pub, pub));
	/* a token half is made last, so that nothing durable is left behind when the other one
	 * fails */
	if (p->priv_token) {
		TRY_RV(object_keep(s, p->pub_token, &p->pub, pub, (struct slice){ 0 }, &made));
		if ((rv = object_keep(s, true, &p->priv, key, (struct slice){ 0 }, priv_ret)) !=
		    CKR_OK)
			catalog_remove(s->token->catalog, made);
		else
			*pub_ret = made;
		return rv;
	}
	TRY_RV(object_keep(s, false, &p->priv, key, (struct slice){ 0 }, &made));
	if ((rv = object_keep(s, p->pub_token, &p->pub, pub, (struct slice){ 0 }, pub_ret)) !=
	    CKR_OK)
		catalog_remove(s->token->catalog, made);
	else
		*priv_ret = made;
	return rv;
}

static CK_RV
generate_pair(struct session *s, const CK_MECHANISM *m, const struct attrs *pub,
    const struct attrs *priv, CK_OBJECT_HANDLE *pub_ret, CK_OBJECT_HANDLE *priv_ret)
{
	const struct mech *row;
	struct pair p;
	CK_RV rv;

	memset(&p, 0, sizeof(p));
	if ((rv = keys_mech(s, m, CKF_GENERATE_KEY_PAIR, &row)) == CKR_OK &&
	    (rv = prepare_pair(s, row, pub, priv, &p)) == CKR_OK)
		rv = (p.pub_token && p.priv_token ? pair_in_token : pair_here)(s, &p, pub_ret,
		    priv_ret);
	object_free(&p.pub);
	object_free(&p.priv);
	return rv;
}

CK_RV
C_GenerateKeyPair(CK_SESSION_HANDLE hs, CK_MECHANISM_PTR m, CK_ATTRIBUTE_PTR pub_templ,
    CK_ULONG pub_count, CK_ATTRIBUTE_PTR priv_templ, CK_ULONG priv_count,
    CK_OBJECT_HANDLE_PTR pub_ret, CK_OBJECT_HANDLE_PTR priv_ret)
{
	CK_OBJECT_HANDLE pub_made, priv_made;
	auto_session *s = NULL;
	auto_attrs pub, priv;
	CK_RV rv;

	pub.mem = priv.mem = (struct secret){ 0 };
	if ((rv = session_enter(hs, &s)) == CKR_OK &&
	    (m == NULL || pub_ret == NULL || priv_ret == NULL))
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK && (rv = attrs_read(pub_templ, pub_count, &pub)) == CKR_OK &&
	    (rv = attrs_read(priv_templ, priv_count, &priv)) == CKR_OK &&
	    (rv = generate_pair(s, m, &pub, &priv, &pub_made, &priv_made)) == CKR_OK) {
		ulong_put(pub_ret, pub_made);
		ulong_put(priv_ret, priv_made);
	}
	return rv_trace(__func__, rv);
}

/* -- keys out of bytes -- */

CK_RV
keys_wanted_len(const struct attrs *t, size_t *ret)
{
	CK_ULONG len;

	TRY_RV(attrs_ulong(t, CKA_VALUE_LEN, 0, &len));
	if (attrs_get(t, CKA_VALUE_LEN) != NULL && len == 0)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	*ret = len;
	return CKR_OK;
}

CK_RV
keys_inherit(const struct entry *key, CK_ATTRIBUTE_TYPE type, const struct attrs *t,
    struct attrs *ret)
{
	struct slice demanded = { 0 };
	struct reader r;
	struct attr a;

	memcpy(ret->v, t->v, t->n * sizeof(t->v[0]));
	ret->n = t->n;
	ret->mem = (struct secret){ 0 };
	(void)attr_flat_get(buf_slice(&key->o.attrs), type, &demanded);
	for (r = reader_of(demanded); attr_flat_next(&r, &a);) {
		const struct attr *own = attrs_get(t, a.type);

		if (own != NULL && !slice_eq(own->value, a.value))
			return CKR_TEMPLATE_INCONSISTENT;
		if (own != NULL)
			continue;
		if (ret->n == ATTR_COUNT_MAX)
			return CKR_TEMPLATE_INCONSISTENT;
		ret->v[ret->n++] = a;
	}
	return CKR_OK;
}

/* A private key's PKCS#8 without the zeros, less than a block, that some mechanisms fill it up
 * with. */
static struct slice
without_filling(struct slice bytes)
{
	struct der d = der_of(bytes);
	size_t i;

	(void)der_take(&d, DER_SEQUENCE);
	for (i = 0; i < d.rest.len; i++)
		if (d.rest.p[i] != 0)
			return bytes;
	return d.bad || d.rest.len >= 16 ? bytes : slice_of(bytes.p, bytes.len - d.rest.len);
}

static CK_RV
parse_bytes(enum object_kind kind, const struct key_family *family, struct slice bytes,
    struct ckey **ret)
{
	enum kms_rc rc = kind == OBJECT_SECRET_KEY ? ckey_from_secret(family->type, bytes, ret)
						   : ckey_from_pkcs8(without_filling(bytes), ret);

	if (rc == KMS_NOMEM)
		return CKR_HOST_MEMORY;
	if (rc != KMS_OK)
		return rc == KMS_KEY_SIZE ? CKR_WRAPPED_KEY_LEN_RANGE : CKR_WRAPPED_KEY_INVALID;
	return ckey_spec(*ret).type == family->type ? CKR_OK : CKR_WRAPPED_KEY_INVALID;
}

static void
mark_made(struct object *o, const struct entry *from)
{
	if (from == NULL)
		return; /* unwrapped: its past is unknown */
	if ((from->o.flags & FLAG_ALWAYS_SENSITIVE) != 0 && (o->flags & FLAG_SENSITIVE) != 0)
		o->flags |= FLAG_ALWAYS_SENSITIVE;
	if ((from->o.flags & FLAG_NEVER_EXTRACTABLE) != 0 && (o->flags & FLAG_EXTRACTABLE) == 0)
		o->flags |= FLAG_NEVER_EXTRACTABLE;
}

CK_RV
keys_make(struct session *s, const struct attrs *t, const struct entry *from, struct slice bytes,
    CK_OBJECT_HANDLE *ret)
{
	const struct key_family *family;
	auto_object o = { 0 };
	auto_ckey *key = NULL;
	CK_ULONG class, ckk;
	bool token_object;

	/* a derived key is secret, and generic, unless the template says otherwise; a wrapped one
	 * must be told */
	if (from == NULL && (attrs_get(t, CKA_CLASS) == NULL || attrs_get(t, CKA_KEY_TYPE) == NULL))
		return CKR_TEMPLATE_INCOMPLETE;
	TRY_RV(attrs_ulong(t, CKA_CLASS, CKO_SECRET_KEY, &class));
	TRY_RV(attrs_ulong(t, CKA_KEY_TYPE, CKK_GENERIC_SECRET, &ckk));
	o.kind = schema_kind(class);
	if (o.kind != OBJECT_SECRET_KEY && (from != NULL || o.kind != OBJECT_PRIVATE_KEY))
		return CKR_TEMPLATE_INCONSISTENT;
	if ((family = family_of_ckk(ckk)) == NULL)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (!family_makes(family, o.kind))
		return CKR_TEMPLATE_INCONSISTENT;
	o.spec.type = family->type;
	schema_defaults(&o);
	if (from == NULL) /* 5.18.4: what came in wrapped may go out again so */
		o.flags |= FLAG_EXTRACTABLE;
	TRY_RV(schema_apply(SCHEMA_UNWRAP, t, token_role(s->token) == ROLE_SO, &o));
	object_default_private(s, t, &o);
	TRY_RV(object_place(s, t, &o, &token_object));
	TRY_RV(parse_bytes(o.kind, family, bytes, &key));
	mark_made(&o, from);
	TRY_RV(object_describe(&o, key));
	TRY_RV(object_check_claims(t, &o));
	return object_keep(s, token_object, &o, key, (struct slice){ 0 }, ret);
}
