/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in the HSM: made, found again by the reference that the core keeps, and destroyed. */
#include "hsm/token.h"

#include <stdlib.h>

#include "base/codec.h"

/* -- references -- */

/* A record begins with this and its version. */
static const char magic[] = "HSM key";
#define RECORD_VERSION 1
#define RECORD_ADOPTED 1 /* flag: the key was there before us */

struct record {
	enum key_type type;
	bool adopted;
	struct slice id; /* borrowed */
};

enum kms_rc
tok_record(const struct key_spec *spec, struct slice id, bool adopted, struct secret *ret)
{
	auto_buf b = { 0 };
	struct writer w = writer_of(&b);

	write_bytes(&w, slice_str(magic));
	write_u8(&w, RECORD_VERSION);
	write_u8(&w, adopted ? RECORD_ADOPTED : 0);
	write_u32(&w, spec->type);
	write_bytes(&w, id);
	TRY(w.rc);
	return secret_copy(buf_slice(&b), ret);
}

static bool
read_record(struct slice material, struct record *ret)
{
	struct reader r = reader_of(material);
	struct slice head = read_bytes(&r);
	uint8_t version = read_u8(&r), flags = read_u8(&r);

	ret->type = (enum key_type)read_u32(&r);
	ret->id = read_bytes(&r);
	ret->adopted = (flags & RECORD_ADOPTED) != 0;
	return reader_done(&r) && slice_eq(head, slice_str(magic)) && version == RECORD_VERSION &&
	    (flags & ~RECORD_ADOPTED) == 0 && ret->id.len > 0;
}

bool
tok_same(struct slice material, struct slice other)
{
	struct record a, b;

	return read_record(material, &a) && read_record(other, &b) && a.type == b.type &&
	    slice_eq(a.id, b.id);
}

static enum kms_rc
record_of(struct call *c, const struct key_spec *spec, struct slice material, struct record *ret)
{
	if (!read_record(material, ret) || ret->type != spec->type)
		return call_fail(c, KMS_TAMPERED,
		    "what is kept of this key is no reference into an HSM; was hsm = soft before?");
	return KMS_OK;
}

static CK_OBJECT_CLASS
class_of(enum key_type type)
{
	return key_type_is_secret(type) ? CKO_SECRET_KEY : CKO_PRIVATE_KEY;
}

/* -- where a key is -- */

/* The one object of CLASS with ID. */
static CK_RV
find_one(struct tok_at *at, CK_OBJECT_CLASS class, struct slice id, CK_OBJECT_HANDLE *ret)
{
	struct tok_attrs t = { .n = 0 };
	CK_OBJECT_HANDLE *v;
	size_t n;
	CK_RV rv;

	tok_attrs_number(&t, CKA_CLASS, class);
	tok_attrs_bool(&t, CKA_TOKEN, true);
	tok_attrs_bytes(&t, CKA_ID, id);
	if ((rv = tok_find(at, &t, &v, &n)) != CKR_OK)
		return rv;
	if (n == 1)
		*ret = v[0];
	free(v);
	return n == 1 ? CKR_OK : CKR_KEY_HANDLE_INVALID;
}

CK_RV
tok_key_locate(struct tok_at *at)
{
	struct tok_key *k = at->k;
	bool known, authenticate;
	CK_RV rv;

	pthread_mutex_lock(&k->lock);
	known = k->life == at->s->life;
	at->key = k->handle;
	pthread_mutex_unlock(&k->lock);
	if (known)
		return CKR_OK;
	at->searched = true;
	if ((rv = find_one(at, k->class, buf_slice(&k->id), &at->key)) != CKR_OK)
		return rv;
	authenticate =
	    k->class == CKO_PRIVATE_KEY && tok_read_bool(at, at->key, CKA_ALWAYS_AUTHENTICATE);
	pthread_mutex_lock(&k->lock);
	k->handle = at->key;
	k->life = at->s->life;
	k->always_authenticate = authenticate;
	pthread_mutex_unlock(&k->lock);
	return CKR_OK;
}

void
tok_key_forget(struct tok_key *k)
{
	pthread_mutex_lock(&k->lock);
	k->life = 0;
	pthread_mutex_unlock(&k->lock);
}

CK_RV
tok_key_authenticate(struct tok_at *at)
{
	const struct secret *pin = &at->h->uri.pin;

	if (!at->k->always_authenticate)
		return CKR_OK;
	return CALL(at, C_Login, CKU_CONTEXT_SPECIFIC, pin->p, pin->len);
}

static CK_RV
locate_only(struct tok_at *at UNUSED, void *arg UNUSED)
{
	return CKR_OK;
}

static enum kms_rc
key_new(const struct key_spec *spec, struct slice id, struct tok_key **ret)
{
	struct tok_key *k = calloc(1, sizeof(*k));

	if (k == NULL || buf_set(&k->id, id) != KMS_OK) {
		free(k);
		return KMS_NOMEM;
	}
	k->refs = 1;
	k->spec = *spec;
	k->class = class_of(spec->type);
	pthread_mutex_init(&k->lock, NULL);
	*ret = k;
	return KMS_OK;
}

void
tok_key_unref(struct tok_key *k)
{
	if (k == NULL || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
		return;
	buf_free(&k->id);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

enum kms_rc
tok_key_open(struct hsm *h, struct call *c, const struct key_spec *spec, struct slice material,
    struct hsm_key **ret)
{
	struct tok_key *k;
	struct record r;
	enum kms_rc rc;

	TRY(record_of(c, spec, material, &r));
	TRY(key_new(spec, r.id, &k));
	if ((rc = tok_run(tok_of(h), c, k, true, locate_only, NULL)) != KMS_OK) {
		tok_key_unref(k);
		return rc;
	}
	*ret = (struct hsm_key *)(void *)k;
	return KMS_OK;
}

/* -- making -- */

struct making {
	const struct object *o;
	struct slice e, params, id;
	struct buf *spki;
	bool perhaps; /* something may have come to be */
};

/* PKCS#11 3.0 6.3.3: some HSMs know an Edwards curve by its name only. */
static const uint8_t ed25519_name[] = { 0x13, 12, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5',
	'1', '9' };

static CK_RV
check_value(struct tok_at *at, CK_OBJECT_HANDLE key, struct buf *ret)
{
	CK_RV rv = tok_read(at, key, CKA_CHECK_VALUE, ret);

	if (rv == CKR_OK && ret->len != 3)
		buf_clear(ret);
	return rv;
}

static CK_RV
generate_secret(struct tok_at *at, void *arg)
{
	struct making *m = arg;
	CK_MECHANISM mech = { .mechanism = tok_keygen(m->o->spec.type) };
	struct tok_attrs t = { .n = 0 };
	CK_OBJECT_HANDLE key;
	CK_RV rv;

	tok_attrs_key(&t, m->o, CKO_SECRET_KEY, m->id);
	tok_attrs_number(&t, CKA_VALUE_LEN, m->o->spec.bits / 8);
	rv = CALL(at, C_GenerateKey, &mech, t.v, t.n, &key);
	m->perhaps = rv == CKR_OK || tok_fault(rv) == FAULT_DEVICE;
	return rv == CKR_OK ? check_value(at, key, m->spki) : rv;
}

static CK_RV
generate_pair(struct tok_at *at, void *arg)
{
	struct making *m = arg;
	CK_MECHANISM mech = { .mechanism = tok_keygen(m->o->spec.type) };
	struct tok_attrs pub = { .n = 0 }, priv = { .n = 0 };
	CK_OBJECT_HANDLE keys[2];
	auto_ckey *k = NULL;
	struct key_spec spec;
	CK_RV rv;

	tok_attrs_key(&pub, m->o, CKO_PUBLIC_KEY, m->id);
	tok_attrs_key(&priv, m->o, CKO_PRIVATE_KEY, m->id);
	if (m->o->spec.type == KEY_RSA) {
		tok_attrs_number(&pub, CKA_MODULUS_BITS, m->o->spec.bits);
		tok_attrs_bytes(&pub, CKA_PUBLIC_EXPONENT, m->e);
	} else {
		tok_attrs_bytes(&pub, CKA_EC_PARAMS, m->params);
	}
	rv = CALL(at, C_GenerateKeyPair, &mech, pub.v, pub.n, priv.v, priv.n, &keys[0], &keys[1]);
	m->perhaps = rv == CKR_OK || tok_fault(rv) == FAULT_DEVICE;
	if (rv != CKR_OK)
		return rv;
	if (tok_read_public(at, keys[0], m->o->spec.type, &k) != KMS_OK)
		return CKR_FUNCTION_FAILED;
	/* What came out is what was asked for. */
	spec = ckey_spec(k);
	return spec.type == m->o->spec.type && spec.curve == m->o->spec.curve &&
		spec.bits == m->o->spec.bits && ckey_spki(k, m->spki) == KMS_OK
	    ? CKR_OK
	    : CKR_FUNCTION_FAILED;
}

/* Everything that has the id, one by one: private, public, secret. */
static CK_RV
destroy_all(struct tok_at *at, void *arg)
{
	const struct slice *id = arg;
	struct tok_attrs t = { .n = 0 };
	CK_OBJECT_HANDLE *v;
	size_t n;
	CK_RV rv;

	tok_attrs_bool(&t, CKA_TOKEN, true);
	tok_attrs_bytes(&t, CKA_ID, *id);
	if ((rv = tok_find(at, &t, &v, &n)) != CKR_OK)
		return rv;
	for (size_t i = 0; i < n && rv == CKR_OK; i++)
		rv = CALL(at, C_DestroyObject, v[i]);
	free(v);
	return rv;
}

void
tok_sweep(struct tok *h, struct slice id)
{
	struct call own = tok_call(h);

	/* What stays is what kmsctl key import --from-hsm shows. */
	if (tok_run(h, &own, NULL, true, destroy_all, &id) != KMS_OK)
		err_clear(&own.err);
}

static enum kms_rc
make(struct tok *h, struct call *c, struct making *m)
{
	enum key_type type = m->o->spec.type;
	enum kms_rc rc;

	if (class_of(type) == CKO_SECRET_KEY)
		return tok_run(h, c, NULL, false, generate_secret, m);
	m->params = curve_params(m->o->spec.curve);
	rc = tok_run(h, c, NULL, false, generate_pair, m);
	if (type != KEY_EDWARDS || (rc != KMS_NOTSUP && rc != KMS_BAD_PARAM))
		return rc;
	if (c != NULL)
		err_clear(&c->err);
	m->params = slice_of(ed25519_name, sizeof(ed25519_name));
	return tok_run(h, c, NULL, false, generate_pair, m);
}

enum kms_rc
tok_generate(struct hsm *base, struct call *c, const struct object *o, struct slice e,
    struct secret *material, struct buf *spki)
{
	static const uint8_t f4[] = { 1, 0, 1 };
	struct tok *h = tok_of(base);
	uint8_t id[TOK_ID_LEN];
	struct making m = { .o = o,
		.e = e.len > 0 ? e : slice_of(f4, sizeof(f4)),
		.id = slice_of(id, sizeof(id)),
		.spki = spki };
	enum kms_rc rc;

	TRY(crypto_random(id, sizeof(id)));
	if ((rc = make(h, c, &m)) == KMS_OK)
		rc = tok_record(&o->spec, m.id, false, material);
	if (rc != KMS_OK && m.perhaps)
		tok_sweep(h, m.id);
	return rc;
}

/* -- copying and destroying -- */

struct copying {
	const struct object *o;
	struct slice id;
};

static CK_RV
copy_key(struct tok_at *at, void *arg)
{
	struct copying *m = arg;
	struct tok_attrs t = { .n = 0 };
	CK_OBJECT_HANDLE key;

	tok_attrs_bytes(&t, CKA_ID, m->id);
	if (m->o->label.len > 0)
		tok_attrs_bytes(&t, CKA_LABEL, buf_slice(&m->o->label));
	return CALL(at, C_CopyObject, at->key, t.v, t.n, &key);
}

enum kms_rc
tok_copy(struct hsm *base, struct call *c, const struct object *o, struct slice material,
    struct secret *ret)
{
	struct tok *h = tok_of(base);
	uint8_t id[TOK_ID_LEN];
	struct copying m = { .o = o, .id = slice_of(id, sizeof(id)) };
	struct tok_key *k;
	struct record r;
	enum kms_rc rc;

	TRY(record_of(c, &o->spec, material, &r));
	TRY(crypto_random(id, sizeof(id)));
	TRY(key_new(&o->spec, r.id, &k));
	if ((rc = tok_run(h, c, k, false, copy_key, &m)) == KMS_OK)
		rc = tok_record(&o->spec, m.id, false, ret);
	tok_key_unref(k);
	return rc;
}

enum kms_rc
tok_destroy(struct hsm *h, struct call *c, const struct key_spec *spec, struct slice material)
{
	struct record r;

	TRY(record_of(c, spec, material, &r));
	return r.adopted ? KMS_OK : tok_run(tok_of(h), c, NULL, true, destroy_all, &r.id);
}
