/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters of a request and the members of its result, as named and typed values: plain data
 * that any wire can carry. The names are those of the API; the one table is field.def.
 */
#ifndef KMS_API_FIELDS_H
#define KMS_API_FIELDS_H

#include "base/secret.h"

enum field {
#define FIELD(name, wire, kind, min, max) F_##name,
#include "api/field.def"
#undef FIELD
	F_COUNT,
};

enum field_kind {
	FIELD_TEXT,	    /* UTF-8 without NUL; JSON in a string is text too */
	FIELD_BYTES,	    /* base64 on the wire, bytes here */
	FIELD_SECRET_TEXT,  /* as FIELD_TEXT, in the secret arena */
	FIELD_SECRET_BYTES, /* as FIELD_BYTES, in the secret arena */
	FIELD_NUMBER,
	FIELD_BOOL,
	FIELD_TEXTS,  /* a list of texts */
	FIELD_GROUP,  /* one nested set of fields */
	FIELD_GROUPS, /* a list of them */
};

struct field_row {
	const char *wire;
	enum field_kind kind;
	int64_t min, max; /* bytes, a number's value, or a list's entries */
};

/* Static storage; F must be a field. */
const struct field_row *field_row(enum field f);

struct fields;

struct field_value {
	enum field name;
	union {
		struct buf text; /* FIELD_TEXT, FIELD_BYTES */
		struct secret secret;
		int64_t number;
		bool truth;
		struct {
			struct buf *v;
			size_t n;
		} texts;
		struct {
			struct fields *v;
			size_t n;
		} groups; /* FIELD_GROUP has one */
	} u;
};

/* Owned values, each field at most once, in the order they were put. { 0 } is none. */
struct fields {
	struct field_value *v;
	size_t n, cap;
};

/* Wipes and releases. F may be NULL; { 0 } then. */
void fields_free(struct fields *f);
#define auto_fields __attribute__((cleanup(fields_free))) struct fields

/*
 * Putting a value copies it and replaces one that is there. KMS_NOMEM; KMS_INVALID when NAME is of
 * another kind. Limits are not looked at here: action_check does, for what comes from outside.
 */
enum kms_rc fields_put(struct fields *f, enum field name,
    struct slice v) MUST_USE; /* texts and bytes, secret or not */
enum kms_rc fields_put_text(struct fields *f, enum field name, const char *v) MUST_USE;
enum kms_rc fields_put_number(struct fields *f, enum field name, int64_t v) MUST_USE;
enum kms_rc fields_put_bool(struct fields *f, enum field name, bool v) MUST_USE;
/* Appends to a list of texts. */
enum kms_rc fields_add_text(struct fields *f, enum field name, struct slice v) MUST_USE;
/* An empty list, where there may be no entry to add. */
enum kms_rc fields_put_list(struct fields *f, enum field name) MUST_USE;
/*
 * Appends an empty group to a list, or makes the one group; *RET is borrowed until the next one is
 * added to the same list.
 */
enum kms_rc fields_add_group(struct fields *f, enum field name, struct fields **ret) MUST_USE;

/* Looking: what is absent is empty, 0, false or NULL. */
bool fields_has(const struct fields *f, enum field name);
struct slice fields_get(const struct fields *f,
    enum field name); /* texts and bytes, secret or not */
int64_t fields_number(const struct fields *f, enum field name, int64_t absent);
bool fields_bool(const struct fields *f, enum field name);
const struct field_value *fields_value(const struct fields *f, enum field name);
/* The one group of a FIELD_GROUP. */
const struct fields *fields_group(const struct fields *f, enum field name);

#endif
