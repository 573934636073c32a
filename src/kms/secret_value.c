/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypts the values of secrets into entities, and decrypts them. */
#include "kms/secret_value.h"

#include "base/codec.h"
#include "kms/envelope.h"

#define BODY_VERSION 1

void
secret_value_free(struct secret_value *v)
{
	if (v != NULL)
		secret_free(&v->data);
}

/* An encryption context with the secret's and the version's names, in its canonical form. */
static enum kms_rc
context(const struct kms_secret *s, struct slice version, struct buf *ret)
{
	struct writer w = writer_of(ret);

	write_bytes(&w, slice_str("SecretName"));
	write_bytes(&w, buf_slice(&s->name));
	write_bytes(&w, slice_str("VersionId"));
	write_bytes(&w, version);
	return w.rc;
}

static enum kms_rc
seal(struct act *a, const struct kms_secret *s, const struct master_key *k, struct slice name,
    struct slice data, struct buf *ret)
{
	auto_buf bound = { 0 };

	TRY(context(s, name, &bound));
	return envelope_seal(a, k, buf_slice(&bound), data, ret);
}

enum kms_rc
secret_value_add(struct act *a, struct kms_secret *s, const struct master_key *k, struct slice name,
    enum secret_data_type type, struct slice data, struct uid *id)
{
	auto_store_entity e = { 0 };
	struct writer w = writer_of(&e.body);
	auto_buf blob = { 0 };
	struct uid dropped;

	TRY(seal(a, s, k, name, data, &blob));
	TRY(entity_new(ENTITY_SECRET_VERSION, a->now, &e));
	e.parent = s->id;
	TRY(buf_set(&e.name, slice_of(s->id.b, UID_LEN)));
	TRY(buf_add(&e.name, name));
	write_u8(&w, BODY_VERSION);
	write_u8(&w, (uint8_t)type);
	write_bytes(&w, buf_slice(&blob));
	TRY(w.rc);
	TRY(secret_version_add(s, &e.id, name, a->now, &dropped));
	if (!uid_is_zero(&dropped))
		TRY(secret_value_remove(a, &dropped));
	*id = e.id;
	TRY(entity_seal(a->c, &a->keys, &e, slice_of(NULL, 0)));
	return changes_insert_entity(&a->changes, &e);
}

enum kms_rc
secret_value_remove(struct act *a, const struct uid *id)
{
	return changes_remove_entity(&a->changes, id, 0);
}

/* -- opening -- */

static enum kms_rc
damaged(struct act *a)
{
	act_go_on(a);
	return call_fail(a->c, KMS_TAMPERED,
	    "the value of a secret was changed outside this software, or is damaged");
}

static enum kms_rc
read_body(const struct store_entity *e, enum secret_data_type *type, struct slice *blob)
{
	struct reader r = reader_of(buf_slice(&e->body));

	if (read_u8(&r) != BODY_VERSION)
		return KMS_NEWER;
	*type = (enum secret_data_type)read_u8(&r);
	*blob = read_bytes(&r);
	return reader_done(&r) && (*type == SECRET_DATA_TEXT || *type == SECRET_DATA_BINARY)
	    ? KMS_OK
	    : KMS_TAMPERED;
}

static enum kms_rc
open_blob(struct act *a, const struct kms_secret *s, const struct master_key *k,
    const struct secret_version *v, struct slice bytes, struct secret *ret)
{
	auto_buf bound = { 0 };
	struct blob b;
	enum kms_rc rc;

	if (blob_parse(bytes, &b) != KMS_OK || !uid_eq(&b.key, &k->id))
		return damaged(a);
	TRY(context(s, buf_slice(&v->name), &bound));
	rc = envelope_open(a, k, &b, buf_slice(&bound), ret);
	/* Of what nobody but us can have given, no parameter is to blame. */
	return rc != KMS_OK && a->c->error == E_InvalidParameter ? damaged(a) : rc;
}

enum kms_rc
secret_value_open(struct act *a, const struct kms_secret *s, const struct master_key *k,
    const struct secret_version *v, struct secret_value *ret)
{
	auto_store_entity e = { 0 };
	struct slice blob;
	enum kms_rc rc = a->l->store->ops->entity_get(a->l->store, a->c, &v->id, &e);

	/* S was read before: it may have been changed since, and is read again. */
	if (rc == KMS_NOTFOUND)
		return KMS_CONFLICT;
	TRY(rc);
	TRY(entity_open(a->c, &a->keys, &e, NULL));
	if (e.kind != ENTITY_SECRET_VERSION || !uid_eq(&e.parent, &s->id))
		return damaged(a);
	TRY(read_body(&e, &ret->type, &blob));
	return open_blob(a, s, k, v, blob, &ret->data);
}
