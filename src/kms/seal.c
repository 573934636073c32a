/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes a row whole: its material is sealed with all its columns as associated data, so that
 * an edited, swapped or transplanted row does not open. Private and trusted objects are sealed
 * under the root key, which only a PIN gives. The others are sealed under the open key, which
 * stands in the file: that finds damage and careless edits, not one who computes the seal himself.
 * A whole row of an earlier time, put back, is not found: nothing outside the file remembers it.
 */
#include "base/codec.h"
#include "kms/core.h"

/*
 * Versions of this encoding. Rows of the first release have neither key nor time, and are sealed
 * without them.
 */
static const char tag_first[] = "object1", tag_dated[] = "object2";

static enum kms_rc
row_ad(const uint8_t serial[SERIAL_LEN], const struct object *o, struct buf *ret)
{
	bool dated = o->created != 0 || !uid_is_zero(&o->key);
	struct writer w = writer_of(ret);

	write_bytes(&w, slice_str(dated ? tag_dated : tag_first));
	write_bytes(&w, slice_of(serial, SERIAL_LEN));
	write_bytes(&w, slice_of(o->id.b, UID_LEN));
	write_u64(&w, o->revision);
	write_u32(&w, o->kind);
	write_u32(&w, o->spec.type);
	write_u32(&w, o->spec.curve);
	write_u32(&w, o->spec.bits);
	write_u32(&w, o->flags);
	if (dated) {
		write_bytes(&w, slice_of(o->key.b, UID_LEN));
		write_u64(&w, (uint64_t)o->created);
	}
	write_bytes(&w, buf_slice(&o->label));
	write_bytes(&w, buf_slice(&o->app_id));
	write_bytes(&w, buf_slice(&o->subject));
	write_bytes(&w, buf_slice(&o->body));
	write_bytes(&w, buf_slice(&o->attrs));
	return w.rc;
}

static enum kms_rc
pick_key(struct call *c, const struct keyring *keys, uint32_t flags, struct slice *ret)
{
	bool root = (flags & (FLAG_PRIVATE | FLAG_TRUSTED)) != 0;

	if (root && keys->root.len == 0)
		return call_fail(c, KMS_LOGIN_NEEDED, "log in to reach this object");
	*ret = secret_slice(root ? &keys->root : &keys->open);
	return KMS_OK;
}

enum kms_rc
row_seal(struct call *c, const struct keyring *keys, const struct object *o, struct slice material,
    struct buf *ret)
{
	auto_buf ad = { 0 };
	struct slice key;

	TRY(pick_key(c, keys, o->flags, &key));
	TRY(row_ad(keys->serial, o, &ad));
	return crypto_seal(key, material, buf_slice(&ad), ret);
}

enum kms_rc
row_open(struct call *c, const struct keyring *keys, const struct store_row *row,
    struct secret *ret)
{
	auto_buf ad = { 0 };
	struct slice key;

	TRY(rights_see(c, keys->role, row->o.flags));
	TRY(pick_key(c, keys, row->o.flags, &key));
	TRY(row_ad(keys->serial, &row->o, &ad));
	return crypto_open(key, buf_slice(&row->sealed), buf_slice(&ad), ret);
}

static enum kms_rc
fetch(struct local *l, struct call *c, const struct uid *id, struct keyring *keys,
    struct store_row *row, struct secret *material)
{
	TRY(keyring_get(l, c, keys));
	TRY(l->store->ops->get(l->store, c, id, row));
	return row_open(c, keys, row, material);
}

enum kms_rc
row_get(struct local *l, struct call *c, const struct uid *id, struct keyring *keys,
    struct store_row *row, struct secret *material)
{
	enum kms_rc rc = fetch(l, c, id, keys, row, material);

	if (rc != KMS_TAMPERED || row->o.kind == OBJECT_NONE)
		return rc;
	/* Another process may have made the token anew within the cache's life. */
	store_row_free(row);
	keyring_free(keys);
	local_look(l);
	rc = fetch(l, c, id, keys, row, material);
	if (rc == KMS_TAMPERED)
		return call_fail(c, rc,
		    "an object in the store was changed outside this software, or is damaged: "
		    "restore the store from a backup");
	return rc;
}
