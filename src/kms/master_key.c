/* SPDX-License-Identifier: Apache-2.0 */
/* Writes master keys to entities and reads them back. */
#include "kms/master_key.h"

#include "base/codec.h"

#define BODY_VERSION 1

void
master_key_free(struct master_key *k)
{
	if (k == NULL)
		return;
	buf_free(&k->creator);
	buf_free(&k->description);
	buf_free(&k->protection_description);
	buf_free(&k->policy);
	tags_free(&k->tags);
	*k = (struct master_key){ 0 };
}

const char *
key_level_name(enum key_level level)
{
	return level == LEVEL_HSM ? "HSM" : "SOFTWARE";
}

bool
master_key_is_service(const struct master_key *k)
{
	return slice_eq(buf_slice(&k->creator), slice_str(CREATOR_SERVICE));
}

static int64_t
sooner(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

int64_t
master_key_due(const struct master_key *k)
{
	int64_t due = k->state == KEY_PENDING_DELETION ? k->delete_at : 0;

	if (k->state != KEY_PENDING_IMPORT)
		due = sooner(due, k->material_expire);
	if (k->rotates && k->state == KEY_ENABLED)
		due = sooner(due, k->rotated + (int64_t)k->rotation_interval);
	return due;
}

/* -- writing -- */

static void
write_body(struct writer *w, const struct master_key *k)
{
	write_u8(w, BODY_VERSION);
	write_u8(w, (uint8_t)k->state);
	write_u8(w, k->material);
	write_u32(w, k->spec.type);
	write_u32(w, k->spec.curve);
	write_u32(w, k->spec.bits);
	write_u8(w, (uint8_t)k->usage);
	write_u8(w, (uint8_t)k->origin);
	write_u8(w, (uint8_t)k->level);
	write_bytes(w, slice_of(k->primary.b, UID_LEN));
	write_u64(w, (uint64_t)k->delete_at);
	write_u64(w, (uint64_t)k->material_expire);
	write_u8(w, k->rotates);
	write_u32(w, k->rotation_interval);
	write_u64(w, (uint64_t)k->rotated);
	write_u8(w, k->deletion_protected);
	write_bytes(w, slice_of(k->material_digest, MATERIAL_DIGEST_LEN));
	write_bytes(w, buf_slice(&k->creator));
	write_bytes(w, buf_slice(&k->description));
	write_bytes(w, buf_slice(&k->protection_description));
	write_bytes(w, buf_slice(&k->policy));
	tags_write(w, &k->tags);
}

enum kms_rc
master_key_write(struct call *c, const struct keyring *keys, struct master_key *k,
    struct store_entity *ret)
{
	auto_store_entity e = { .id = k->id,
		.kind = ENTITY_KEY,
		.created = k->created,
		.due = master_key_due(k),
		.revision = k->revision + 1 };
	struct writer w = writer_of(&e.body);

	write_body(&w, k);
	TRY(w.rc);
	TRY(entity_seal(c, keys, &e, slice_of(NULL, 0)));
	k->revision = e.revision;
	*ret = e; /* moved */
	e = (struct store_entity){ 0 };
	return KMS_OK;
}

/* -- reading -- */

static enum kms_rc
read_body(struct reader *r, struct master_key *k)
{
	if (read_u8(r) != BODY_VERSION)
		return KMS_NEWER;
	k->state = (enum key_state)read_u8(r);
	k->material = read_u8(r) != 0;
	k->spec.type = (enum key_type)read_u32(r);
	k->spec.curve = (enum curve)read_u32(r);
	k->spec.bits = read_u32(r);
	k->usage = (enum key_usage)read_u8(r);
	k->origin = (enum material_origin)read_u8(r);
	k->level = (enum key_level)read_u8(r);
	read_exact(r, k->primary.b, UID_LEN);
	k->delete_at = (int64_t)read_u64(r);
	k->material_expire = (int64_t)read_u64(r);
	k->rotates = read_u8(r) != 0;
	k->rotation_interval = read_u32(r);
	k->rotated = (int64_t)read_u64(r);
	k->deletion_protected = read_u8(r) != 0;
	read_exact(r, k->material_digest, MATERIAL_DIGEST_LEN);
	TRY(buf_set(&k->creator, read_bytes(r)));
	TRY(buf_set(&k->description, read_bytes(r)));
	TRY(buf_set(&k->protection_description, read_bytes(r)));
	TRY(buf_set(&k->policy, read_bytes(r)));
	TRY(tags_read(r, &k->tags));
	return reader_done(r) && k->state >= KEY_ENABLED && k->state <= KEY_STATE_MAX
	    ? KMS_OK
	    : KMS_TAMPERED;
}

enum kms_rc
master_key_read(struct call *c, const struct keyring *keys, const struct store_entity *e,
    struct master_key *ret)
{
	auto_master_key k = { .id = e->id, .revision = e->revision, .created = e->created };
	struct reader r = reader_of(buf_slice(&e->body));

	if (e->kind != ENTITY_KEY)
		return KMS_TAMPERED;
	TRY(entity_open(c, keys, e, NULL));
	TRY(read_body(&r, &k));
	*ret = k; /* moved */
	k = (struct master_key){ 0 };
	return KMS_OK;
}
