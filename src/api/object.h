/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a token keeps: keys, certificates and data, as plain records with typed rights. The material
 * itself is not in here: it is with the backend, and is asked for by id.
 */
#ifndef KMS_API_OBJECT_H
#define KMS_API_OBJECT_H

#include "api/alg.h"
#include "base/secret.h"

#define UID_LEN 16

/* Random, never reused; the store's primary key. */
struct uid {
	uint8_t b[UID_LEN];
};

static inline bool
uid_is_zero(const struct uid *a)
{
	static const struct uid zero;

	return memcmp(a->b, zero.b, UID_LEN) == 0;
}

static inline bool
uid_eq(const struct uid *a, const struct uid *b)
{
	return memcmp(a->b, b->b, UID_LEN) == 0;
}

/* Ids as people see them: "1234abcd-12ab-34cd-56ef-1234567890ab". */
#define UID_TEXT_LEN 36
void uid_to_text(const struct uid *id, char ret[UID_TEXT_LEN + 1]);
/* Exactly that form, hex of either case; false for anything else. */
bool uid_from_text(struct slice text, struct uid *ret);

/* Stored in files: values are never reused or renumbered. */
enum object_kind {
	OBJECT_NONE = 0,
	OBJECT_PRIVATE_KEY = 1,
	OBJECT_PUBLIC_KEY = 2,
	OBJECT_SECRET_KEY = 3,
	OBJECT_CERTIFICATE = 4,
	OBJECT_DATA = 5,
};

/* What an object may be used for and what protects it: one bit each, stored in files. All of them
 * are bound into the seal. */
enum object_flag {
	/* usage */
	FLAG_ENCRYPT = 1u << 0,
	FLAG_DECRYPT = 1u << 1,
	FLAG_SIGN = 1u << 2,
	FLAG_VERIFY = 1u << 3,
	FLAG_SIGN_RECOVER = 1u << 4,
	FLAG_VERIFY_RECOVER = 1u << 5,
	FLAG_WRAP = 1u << 6,
	FLAG_UNWRAP = 1u << 7,
	FLAG_DERIVE = 1u << 8,
	/* protection */
	FLAG_PRIVATE = 1u << 9, /* needs login to be seen */
	FLAG_SENSITIVE = 1u << 10,
	FLAG_ALWAYS_SENSITIVE = 1u << 11,
	FLAG_EXTRACTABLE = 1u << 12,
	FLAG_NEVER_EXTRACTABLE = 1u << 13,
	FLAG_LOCAL = 1u << 14,
	FLAG_TRUSTED = 1u << 15,
	FLAG_WRAP_WITH_TRUSTED = 1u << 16,
	FLAG_ALWAYS_AUTHENTICATE = 1u << 17,
	FLAG_MODIFIABLE = 1u << 18,
	FLAG_COPYABLE = 1u << 19,
	FLAG_DESTROYABLE = 1u << 20,
	/* the state of its KMS key, as far as the use of a version is concerned */
	FLAG_UNUSABLE = 1u << 21, /* disabled, pending deletion or import: neither found nor used */
	/* the secret part is encrypted under a KMS key, which must be usable for the object to work
	 */
	FLAG_ENVELOPED = 1u << 22,
};

#define OBJECT_NAME_MAX	 1024	    /* bytes of a label or an application's id */
#define OBJECT_BODY_MAX	 (1u << 20) /* bytes of a body or of a material */
#define OBJECT_ATTRS_MAX (1u << 18)

/*
 * One object. Owned buffers; object_free releases. `attrs` belongs to the face, which alone knows
 * its form: the core keeps it, binds it into the seal and gives it back.
 */
struct object {
	struct uid id;
	uint64_t revision; /* counts changes of this object, from 1 */
	enum object_kind kind;
	struct key_spec spec; /* keys; type KEY_NONE otherwise */
	uint32_t flags;	      /* enum object_flag */
	struct uid key;	      /* the KMS key of which this is a version, or the secret that it is;
			     zero: of none */
	int64_t created;      /* seconds since 1970 UTC */
	struct buf label;
	struct buf app_id;  /* the application's id: CKA_ID of keys and certificates */
	struct buf subject; /* certificates and keys: DER name, for finding them; may be empty */
	struct buf body;  /* private and public key: SubjectPublicKeyInfo; secret key: check value;
			     certificate: DER; data:  value when not private */
	struct buf attrs; /* the face's own record */
};

/* Wipes and releases what O owns; O is { 0 } then. O may be NULL. */
void object_free(struct object *o);
#define auto_object __attribute__((cleanup(object_free))) struct object

/* O is a secret of the KMS as applications see it: KEY is the secret's id and the label its name.
 * Its value is got and put, and it is deleted, by the actions on secrets alone. */
static inline bool
object_is_secret(const struct object *o)
{
	return o->kind == OBJECT_DATA && !uid_is_zero(&o->key);
}

/* A deep copy. */
enum kms_rc object_copy(const struct object *o, struct object *ret) MUST_USE;

/*
 * Which objects. Absent criteria (kind OBJECT_NONE, has_* false) match all. Answered by indexes
 * when label, app_id or subject is given; otherwise by walking one kind or all.
 */
struct object_query {
	enum object_kind kind;
	enum key_type type;
	bool has_label, has_app_id, has_subject, has_key;
	struct slice label, app_id, subject;
	struct uid key;
	bool private_too;  /* false: only those without FLAG_PRIVATE */
	bool unusable_too; /* false: only those without FLAG_UNUSABLE */
};

/* A found object: enough to know whether a cached copy is still current, and who may see it. */
struct object_ref {
	struct uid id;
	uint64_t revision;
	uint32_t flags;
};

struct object_refs {
	struct object_ref *v;
	size_t n, cap;
};

enum kms_rc object_refs_add(struct object_refs *r, const struct object_ref *ref) MUST_USE;
void object_refs_free(struct object_refs *r);
#define auto_object_refs __attribute__((cleanup(object_refs_free))) struct object_refs

#endif
