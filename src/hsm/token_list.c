/* SPDX-License-Identifier: Apache-2.0 */
/* What keys there are in the HSM, for those who adopt one. */
#include "hsm/token.h"

#include <stdlib.h>

#include "crypto/cert.h"

static const struct {
	CK_OBJECT_CLASS class;
	enum object_kind kind;
} classes[] = {
	{ CKO_PRIVATE_KEY, OBJECT_PRIVATE_KEY },
	{ CKO_SECRET_KEY, OBJECT_SECRET_KEY },
};

/* What may be done with it here, given what may be done with it there. */
static uint32_t
read_flags(struct tok_at *at, CK_OBJECT_HANDLE key)
{
	static const struct {
		CK_ATTRIBUTE_TYPE attr;
		uint32_t flag;
	} map[] = {
		{ CKA_ENCRYPT, FLAG_ENCRYPT },
		{ CKA_DECRYPT, FLAG_DECRYPT },
		{ CKA_SIGN, FLAG_SIGN },
		{ CKA_WRAP, FLAG_WRAP },
		{ CKA_UNWRAP, FLAG_UNWRAP },
		{ CKA_DERIVE, FLAG_DERIVE },
		{ CKA_EXTRACTABLE, FLAG_EXTRACTABLE },
		{ CKA_ALWAYS_SENSITIVE, FLAG_ALWAYS_SENSITIVE },
		{ CKA_NEVER_EXTRACTABLE, FLAG_NEVER_EXTRACTABLE },
		{ CKA_LOCAL, FLAG_LOCAL },
	};
	uint32_t flags =
	    FLAG_PRIVATE | FLAG_SENSITIVE | FLAG_MODIFIABLE | FLAG_COPYABLE | FLAG_DESTROYABLE;

	for (size_t i = 0; i < ARRAY_LEN(map); i++)
		if (tok_read_bool(at, key, map[i].attr))
			flags |= map[i].flag;
	return flags;
}

/* The public half of a private key that does not show it: a public key or a certificate of its id.
 */
static enum kms_rc
other_half(struct tok_at *at, struct slice id, enum key_type type, struct ckey **ret)
{
	static const CK_OBJECT_CLASS where[] = { CKO_PUBLIC_KEY, CKO_CERTIFICATE };
	enum kms_rc rc = KMS_NOTFOUND;

	for (size_t i = 0; i < ARRAY_LEN(where) && rc != KMS_OK && id.len > 0; i++) {
		struct tok_attrs t = { .n = 0 };
		auto_cert_facts facts = { { 0 }, { 0 }, { 0 }, { 0 } };
		auto_buf der = { 0 };
		CK_OBJECT_HANDLE *v;
		size_t n;

		tok_attrs_number(&t, CKA_CLASS, where[i]);
		tok_attrs_bytes(&t, CKA_ID, id);
		if (tok_find(at, &t, &v, &n) != CKR_OK)
			continue;
		if (n > 0 && where[i] == CKO_PUBLIC_KEY)
			rc = tok_read_public(at, v[0], type, ret);
		else if (n > 0 && tok_read(at, v[0], CKA_VALUE, &der) == CKR_OK &&
		    cert_parse(buf_slice(&der), &facts) == KMS_OK)
			rc = ckey_from_spki(buf_slice(&facts.spki), ret);
		free(v);
	}
	return rc;
}

static const char *
describe_private(struct tok_at *at, CK_OBJECT_HANDLE key, struct object *o)
{
	auto_ckey *k = NULL;

	if (tok_read_public(at, key, o->spec.type, &k) != KMS_OK &&
	    other_half(at, buf_slice(&o->app_id), o->spec.type, &k) != KMS_OK)
		return "its public key is not in the HSM, nor a certificate with its id";
	if (ckey_spec(k).type != o->spec.type)
		return "the public key with its id is of another type";
	o->spec = ckey_spec(k);
	return ckey_spki(k, &o->body) == KMS_OK ? NULL : rc_text(KMS_NOMEM);
}

static const char *
describe_secret(struct tok_at *at, CK_OBJECT_HANDLE key, struct object *o)
{
	CK_ULONG len = tok_read_number(at, key, CKA_VALUE_LEN, 0);

	if (len == 0 || len > UINT32_MAX / 8)
		return "the HSM does not tell its length";
	o->spec.bits = (uint32_t)len * 8;
	/* A MAC is checked by making it. */
	if ((o->flags & FLAG_SIGN) != 0)
		o->flags |= FLAG_VERIFY;
	if (tok_read(at, key, CKA_CHECK_VALUE, &o->body) != CKR_OK || o->body.len != 3)
		buf_clear(&o->body);
	return NULL;
}

/* What is wrong with it, or NULL. */
static const char *
describe(struct tok_at *at, CK_OBJECT_HANDLE key, struct object *o)
{
	CK_KEY_TYPE ckk = tok_read_number(at, key, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
	const char *why;

	if (tok_read(at, key, CKA_LABEL, &o->label) != CKR_OK ||
	    tok_read(at, key, CKA_ID, &o->app_id) != CKR_OK)
		return "the HSM does not tell its label and id";
	o->flags = read_flags(at, key);
	if ((o->spec.type = tok_type_of(ckk)) == KEY_NONE)
		return "it is of a type that tokens do not take";
	why = o->kind == OBJECT_PRIVATE_KEY ? describe_private(at, key, o)
					    : describe_secret(at, key, o);
	return o->app_id.len == 0 ? "it has no id (CKA_ID) by which it could be found again" : why;
}

static CK_RV
add(struct tok_at *at, CK_OBJECT_HANDLE key, enum object_kind kind, struct hsm_found_list *l)
{
	struct hsm_found *v = reallocarray(l->v, l->n + 1, sizeof(*v)), *f;

	if (v == NULL)
		return CKR_HOST_MEMORY;
	l->v = v;
	f = &v[l->n++];
	*f = (struct hsm_found){ .o = { .kind = kind } };
	f->refused = describe(at, key, &f->o);
	if (f->refused == NULL &&
	    tok_record(&f->o.spec, buf_slice(&f->o.app_id), true, &f->material) != KMS_OK)
		return CKR_HOST_MEMORY;
	return CKR_OK;
}

/* Ids are references, so they must be of one key alone. */
static void
refuse_twins(struct hsm_found_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = i + 1; k < l->n; k++)
			if (l->v[i].o.kind == l->v[k].o.kind && l->v[i].o.app_id.len > 0 &&
			    slice_eq(buf_slice(&l->v[i].o.app_id), buf_slice(&l->v[k].o.app_id)))
				l->v[i].refused = l->v[k].refused =
				    "another key in the HSM has the same id (CKA_ID)";
}

static CK_RV
list(struct tok_at *at, void *arg)
{
	struct hsm_found_list *l = arg;
	CK_RV rv = CKR_OK;

	hsm_found_free(l); /* of a try before */
	for (size_t i = 0; i < ARRAY_LEN(classes) && rv == CKR_OK; i++) {
		struct tok_attrs t = { .n = 0 };
		CK_OBJECT_HANDLE *v;
		size_t n;

		tok_attrs_number(&t, CKA_CLASS, classes[i].class);
		tok_attrs_bool(&t, CKA_TOKEN, true);
		if ((rv = tok_find(at, &t, &v, &n)) != CKR_OK)
			break;
		for (size_t k = 0; k < n && rv == CKR_OK; k++)
			rv = add(at, v[k], classes[i].kind, l);
		free(v);
	}
	refuse_twins(l);
	return rv;
}

enum kms_rc
tok_list(struct hsm *h, struct call *c, struct hsm_found_list *ret)
{
	auto_hsm_found l = { 0 };

	TRY(tok_run(tok_of(h), c, NULL, true, list, &l));
	*ret = l;
	l = (struct hsm_found_list){ 0 }; /* moved */
	return KMS_OK;
}
