/* SPDX-License-Identifier: Apache-2.0 */
/* Writes secrets to entities and reads them back; their types, and what each may be called. */
#include "kms/secret.h"

#define BODY_VERSION 1
#define NAME_LEN_MAX 192

void
kms_secret_free(struct kms_secret *s)
{
	if (s == NULL)
		return;
	buf_free(&s->name);
	buf_free(&s->creator);
	buf_free(&s->description);
	buf_free(&s->config);
	buf_free(&s->policy);
	buf_free(&s->rotation.runner);
	tags_free(&s->tags);
	for (size_t i = 0; i < s->n_versions; i++)
		buf_free(&s->versions[i].name);
	for (size_t i = 0; i < s->n_stages; i++)
		buf_free(&s->stages[i].name);
	*s = (struct kms_secret){ 0 };
}

/* -- when something is due -- */

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t
kms_secret_next_rotation(const struct kms_secret *s)
{
	const struct secret_rotation *r = &s->rotation;

	return (r->last != 0 ? r->last : s->created) + (int64_t)r->interval;
}

int64_t
kms_secret_due(const struct kms_secret *s)
{
	const struct secret_rotation *r = &s->rotation;
	int64_t free = later(r->not_before, r->run_until);

	if (s->delete_at != 0)
		return s->delete_at;
	/* What was begun is to be finished, whoever asked for it. */
	if (secret_version_at(s, slice_str(STAGE_PENDING)) != NULL)
		return later(free, 1);
	return r->automatic ? later(free, kms_secret_next_rotation(s)) : 0;
}

/* -- types -- */

enum name_form {
	NAME_FREE,     /* anything but what is reserved */
	NAME_RESERVED, /* begins with the head */
};

#define RESERVED "acs/"

static const struct type_row {
	const char *name;
	enum name_form form;
	const char *head;
} types[] = {
	[SECRET_GENERIC] = { "Generic", NAME_FREE, RESERVED },
	[SECRET_RDS] = { "Rds", NAME_FREE, RESERVED },
	[SECRET_REDIS] = { "Redis", NAME_FREE, RESERVED },
	[SECRET_RAM] = { "RAMCredentials", NAME_RESERVED, "acs/ram/user/" },
	[SECRET_ECS] = { "ECS", NAME_RESERVED, "acs/ecs/" },
	[SECRET_POLARDB] = { "PolarDB", NAME_FREE, RESERVED },
};

const char *
secret_type_name(enum secret_type type)
{
	return type >= SECRET_GENERIC && type <= SECRET_TYPE_MAX ? types[type].name : "?";
}

bool
secret_type_by_name(struct slice name, enum secret_type *ret)
{
	for (enum secret_type t = SECRET_GENERIC; t <= SECRET_TYPE_MAX; t++) {
		if (slice_eq(slice_str(types[t].name), name)) {
			*ret = t;
			return true;
		}
	}
	return false;
}

static bool
name_char(uint8_t b)
{
	return (b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') ||
	    (b != 0 && strchr("_/+=.-@", b) != NULL);
}

bool
secret_name_ok(enum secret_type type, struct slice name)
{
	const struct type_row *row = &types[type];
	size_t head = strlen(row->head);
	bool reserved = name.len >= head && memcmp(name.p, row->head, head) == 0;

	for (size_t i = 0; i < name.len; i++)
		if (!name_char(name.p[i]))
			return false;
	if (name.len == 0 || name.len > NAME_LEN_MAX)
		return false;
	return row->form == NAME_FREE ? !reserved : reserved && name.len > head;
}

/* -- writing -- */

static void
write_uid(struct writer *w, const struct uid *id)
{
	write_bytes(w, slice_of(id->b, UID_LEN));
}

static void
write_rotation(struct writer *w, const struct secret_rotation *r)
{
	write_u8(w, r->automatic);
	write_u32(w, r->interval);
	write_u64(w, (uint64_t)r->last);
	write_u64(w, (uint64_t)r->not_before);
	write_u8(w, r->failing);
	write_u64(w, (uint64_t)r->run_until);
	write_bytes(w, buf_slice(&r->runner));
	write_u8(w, r->cut_off);
}

static void
write_versions(struct writer *w, const struct kms_secret *s)
{
	write_u8(w, (uint8_t)s->n_versions);
	for (size_t i = 0; i < s->n_versions; i++) {
		write_uid(w, &s->versions[i].id);
		write_bytes(w, buf_slice(&s->versions[i].name));
		write_u64(w, (uint64_t)s->versions[i].created);
	}
	write_u8(w, (uint8_t)s->n_stages);
	for (size_t i = 0; i < s->n_stages; i++) {
		write_bytes(w, buf_slice(&s->stages[i].name));
		write_uid(w, &s->stages[i].version);
	}
}

static void
write_body(struct writer *w, const struct kms_secret *s)
{
	write_u8(w, BODY_VERSION);
	write_u8(w, (uint8_t)s->type);
	write_u64(w, (uint64_t)s->updated);
	write_u64(w, (uint64_t)s->delete_at);
	write_uid(w, &s->key);
	write_bytes(w, buf_slice(&s->creator));
	write_bytes(w, buf_slice(&s->description));
	write_bytes(w, buf_slice(&s->config));
	write_bytes(w, buf_slice(&s->policy));
	write_rotation(w, &s->rotation);
	tags_write(w, &s->tags);
	write_versions(w, s);
}

enum kms_rc
kms_secret_write(struct call *c, const struct keyring *keys, struct kms_secret *s,
    struct store_entity *ret)
{
	auto_store_entity e = { .id = s->id,
		.kind = ENTITY_SECRET,
		.created = s->created,
		.due = kms_secret_due(s),
		.revision = s->revision + 1 };
	struct writer w = writer_of(&e.body);

	write_body(&w, s);
	TRY(w.rc);
	TRY(buf_set(&e.name, buf_slice(&s->name)));
	TRY(entity_seal(c, keys, &e, slice_of(NULL, 0)));
	s->revision = e.revision;
	*ret = e; /* moved */
	e = (struct store_entity){ 0 };
	return KMS_OK;
}

/* -- reading -- */

static enum kms_rc
read_rotation(struct reader *r, struct secret_rotation *ret)
{
	ret->automatic = read_u8(r) != 0;
	ret->interval = read_u32(r);
	ret->last = (int64_t)read_u64(r);
	ret->not_before = (int64_t)read_u64(r);
	ret->failing = read_u8(r) != 0;
	ret->run_until = (int64_t)read_u64(r);
	TRY(buf_set(&ret->runner, read_bytes(r)));
	ret->cut_off = read_u8(r) != 0;
	return KMS_OK;
}

static enum kms_rc
read_versions(struct reader *r, struct kms_secret *s)
{
	size_t n = read_u8(r);

	if (n > SECRET_VERSIONS_MAX)
		return KMS_TAMPERED;
	while (s->n_versions < n) {
		struct secret_version *v = &s->versions[s->n_versions++];

		read_exact(r, v->id.b, UID_LEN);
		TRY(buf_set(&v->name, read_bytes(r)));
		v->created = (int64_t)read_u64(r);
	}
	if ((n = read_u8(r)) > ARRAY_LEN(s->stages))
		return KMS_TAMPERED;
	while (s->n_stages < n) {
		struct secret_stage *stage = &s->stages[s->n_stages++];

		TRY(buf_set(&stage->name, read_bytes(r)));
		read_exact(r, stage->version.b, UID_LEN);
	}
	return KMS_OK;
}

static enum kms_rc
read_body(struct reader *r, struct kms_secret *s)
{
	if (read_u8(r) != BODY_VERSION)
		return KMS_NEWER;
	s->type = (enum secret_type)read_u8(r);
	s->updated = (int64_t)read_u64(r);
	s->delete_at = (int64_t)read_u64(r);
	read_exact(r, s->key.b, UID_LEN);
	TRY(buf_set(&s->creator, read_bytes(r)));
	TRY(buf_set(&s->description, read_bytes(r)));
	TRY(buf_set(&s->config, read_bytes(r)));
	TRY(buf_set(&s->policy, read_bytes(r)));
	TRY(read_rotation(r, &s->rotation));
	TRY(tags_read(r, &s->tags));
	TRY(read_versions(r, s));
	return reader_done(r) && s->type >= SECRET_GENERIC && s->type <= SECRET_TYPE_MAX
	    ? KMS_OK
	    : KMS_TAMPERED;
}

enum kms_rc
kms_secret_read(struct call *c, const struct keyring *keys, const struct store_entity *e,
    struct kms_secret *ret)
{
	auto_kms_secret s = { .id = e->id, .revision = e->revision, .created = e->created };
	struct reader r = reader_of(buf_slice(&e->body));

	if (e->kind != ENTITY_SECRET)
		return KMS_TAMPERED;
	TRY(entity_open(c, keys, e, NULL));
	TRY(buf_set(&s.name, buf_slice(&e->name)));
	TRY(read_body(&r, &s));
	*ret = s; /* moved */
	s = (struct kms_secret){ 0 };
	return KMS_OK;
}
