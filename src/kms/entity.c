/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and opening entities, and their ids as text. */
#include "kms/entity.h"

#include "base/codec.h"

/* The version of this encoding; another one is another "entity". */
static const char tag[] = "entity1";

enum kms_rc
entity_new(enum entity_kind kind, int64_t now, struct store_entity *ret)
{
	struct store_entity e = { .kind = kind, .created = now, .revision = 1 };

	TRY(crypto_random(e.id.b, UID_LEN));
	*ret = e;
	return KMS_OK;
}

static enum kms_rc
entity_ad(const uint8_t serial[SERIAL_LEN], const struct store_entity *e, struct buf *ret)
{
	struct writer w = writer_of(ret);

	write_bytes(&w, slice_str(tag));
	write_bytes(&w, slice_of(serial, SERIAL_LEN));
	write_bytes(&w, slice_of(e->id.b, UID_LEN));
	write_u32(&w, e->kind);
	write_bytes(&w, slice_of(e->parent.b, UID_LEN));
	write_bytes(&w, buf_slice(&e->name));
	write_u64(&w, (uint64_t)e->due);
	write_u64(&w, (uint64_t)e->created);
	write_u64(&w, e->revision);
	write_bytes(&w, buf_slice(&e->body));
	return w.rc;
}

static enum kms_rc
need_root(struct call *c, const struct keyring *keys)
{
	return keys->root.len == SEAL_KEY_LEN
	    ? KMS_OK
	    : call_fail(c, KMS_LOGIN_NEEDED, "log in to use the KMS");
}

enum kms_rc
entity_seal(struct call *c, const struct keyring *keys, struct store_entity *e,
    struct slice secret_part)
{
	auto_buf ad = { 0 };
	auto_buf sealed = { 0 };

	TRY(need_root(c, keys));
	TRY(entity_ad(keys->serial, e, &ad));
	TRY(crypto_seal(secret_slice(&keys->root), secret_part, buf_slice(&ad), &sealed));
	buf_move(&e->sealed, &sealed);
	return KMS_OK;
}

enum kms_rc
entity_open(struct call *c, const struct keyring *keys, const struct store_entity *e,
    struct secret *secret_part)
{
	auto_buf ad = { 0 };
	auto_secret opened = { 0 };
	enum kms_rc rc;

	TRY(need_root(c, keys));
	TRY(entity_ad(keys->serial, e, &ad));
	rc = crypto_open(secret_slice(&keys->root), buf_slice(&e->sealed), buf_slice(&ad), &opened);
	if (rc == KMS_TAMPERED)
		return call_fail(c, rc,
		    "a record in the store was changed outside this software, or is damaged");
	if (rc == KMS_OK && secret_part != NULL) {
		*secret_part = opened; /* moved */
		opened = (struct secret){ 0 };
	}
	return rc;
}
