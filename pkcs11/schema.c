/* SPDX-License-Identifier: Apache-2.0 */
/* The attribute rules as a table, and the engine that applies a template to an object by them.
 * Showing attributes: show.c. */
#include "pkcs11/schema.h"

#include "pkcs11/rules.h"
#include "pkcs11/rv.h"

/* The words of rules.def. */
/* clang-format off */
#define PRIV		BIT_OF(OBJECT_PRIVATE_KEY)
#define PUB		BIT_OF(OBJECT_PUBLIC_KEY)
#define SECR		BIT_OF(OBJECT_SECRET_KEY)
#define CERT		BIT_OF(OBJECT_CERTIFICATE)
#define DATA		BIT_OF(OBJECT_DATA)
#define KEYS		(PRIV | PUB | SECR)
#define ALL		(KEYS | CERT | DATA)
#define ANY_KEY		0
#define RSA		BIT_OF(KEY_RSA)
#define EC		BIT_OF(KEY_EC)
#define EDWARDS		BIT_OF(KEY_EDWARDS)
#define SM2		BIT_OF(KEY_SM2)
#define CREATE		RULE_CREATE
#define CREATE_MUST	RULE_CREATE_MUST
#define GEN		RULE_GEN
#define GEN_MUST	RULE_GEN_MUST
#define UNWRAP		RULE_UNWRAP
#define SECRET		RULE_SECRET
#define SET		RULE_SET
#define COPY		RULE_COPY
#define SO_ONLY		RULE_SO_ONLY
#define STAYS_TRUE	RULE_STAYS_TRUE
#define STAYS_FALSE	RULE_STAYS_FALSE
#define R(classes, keys, attribute, how, arg, flags) { attribute, classes, keys, how, arg, flags },
/* clang-format on */

static const struct attr_rule rules[] = {
#include "pkcs11/rules.def"
};

static const struct {
	CK_OBJECT_CLASS class;
	enum object_kind kind;
} classes[] = {
	{ CKO_DATA, OBJECT_DATA },
	{ CKO_CERTIFICATE, OBJECT_CERTIFICATE },
	{ CKO_PUBLIC_KEY, OBJECT_PUBLIC_KEY },
	{ CKO_PRIVATE_KEY, OBJECT_PRIVATE_KEY },
	{ CKO_SECRET_KEY, OBJECT_SECRET_KEY },
};

enum object_kind
schema_kind(CK_OBJECT_CLASS class)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(classes); i++)
		if (classes[i].class == class)
			return classes[i].kind;
	return OBJECT_NONE;
}

CK_OBJECT_CLASS
schema_class(enum object_kind kind)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(classes); i++)
		if (classes[i].kind == kind)
			return classes[i].class;
	return CK_UNAVAILABLE_INFORMATION;
}

const struct attr_rule *
rule_find(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].type == type && (rules[i].kinds & BIT_OF(o->kind)) != 0 &&
		    (rules[i].keys == 0 || (rules[i].keys & BIT_OF(o->spec.type)) != 0))
			return &rules[i];
	return NULL;
}

void
schema_defaults(struct object *o)
{
	static const struct {
		enum object_kind kind;
		enum key_type type; /* KEY_NONE: any */
		uint32_t flags;
	} defaults[] = {
		{ OBJECT_PRIVATE_KEY, KEY_RSA,
		    FLAG_PRIVATE | FLAG_SENSITIVE | FLAG_DECRYPT | FLAG_SIGN | FLAG_UNWRAP },
		{ OBJECT_PRIVATE_KEY, KEY_SM2,
		    FLAG_PRIVATE | FLAG_SENSITIVE | FLAG_DECRYPT | FLAG_SIGN | FLAG_UNWRAP },
		{ OBJECT_PRIVATE_KEY, KEY_NONE, FLAG_PRIVATE | FLAG_SENSITIVE | FLAG_SIGN },
		{ OBJECT_PUBLIC_KEY, KEY_RSA, FLAG_ENCRYPT | FLAG_VERIFY | FLAG_WRAP },
		{ OBJECT_PUBLIC_KEY, KEY_SM2, FLAG_ENCRYPT | FLAG_VERIFY | FLAG_WRAP },
		{ OBJECT_PUBLIC_KEY, KEY_NONE, FLAG_VERIFY },
		{ OBJECT_SECRET_KEY, KEY_AES,
		    FLAG_PRIVATE | FLAG_SENSITIVE | FLAG_ENCRYPT | FLAG_DECRYPT | FLAG_SIGN |
			FLAG_VERIFY | FLAG_WRAP | FLAG_UNWRAP },
		{ OBJECT_SECRET_KEY, KEY_SM4,
		    FLAG_PRIVATE | FLAG_SENSITIVE | FLAG_ENCRYPT | FLAG_DECRYPT | FLAG_WRAP |
			FLAG_UNWRAP },
		{ OBJECT_SECRET_KEY, KEY_NONE,
		    FLAG_PRIVATE | FLAG_SENSITIVE | FLAG_SIGN | FLAG_VERIFY },
	};
	size_t i;

	o->flags = FLAG_MODIFIABLE | FLAG_COPYABLE | FLAG_DESTROYABLE;
	for (i = 0; i < ARRAY_LEN(defaults); i++) {
		if (defaults[i].kind == o->kind &&
		    (defaults[i].type == KEY_NONE || defaults[i].type == o->spec.type)) {
			o->flags |= defaults[i].flags;
			return;
		}
	}
}

/* May the rule's attribute stand in a template of this use at all? */
static CK_RV
check_use(const struct attr_rule *rule, enum schema_use use)
{
	static const uint32_t allowing[] = {
		[SCHEMA_CREATE] = RULE_CREATE,
		[SCHEMA_GENERATE] = RULE_GEN,
		[SCHEMA_UNWRAP] = RULE_UNWRAP,
		[SCHEMA_COPY] = RULE_COPY | RULE_SET,
		[SCHEMA_SET] = RULE_SET,
	};

	return (rule->flags & allowing[use]) != 0 ? CKR_OK : CKR_ATTRIBUTE_READ_ONLY;
}

static CK_RV
apply_flag(enum schema_use use, const struct attr_rule *rule, const struct attr *a, bool so,
    struct object *o)
{
	bool changing = use == SCHEMA_SET || (use == SCHEMA_COPY && (rule->flags & RULE_COPY) == 0);
	bool was = (o->flags & rule->arg) != 0, now;

	TRY_RV(attr_bool(a, &now));
	if (changing && was && !now && (rule->flags & RULE_STAYS_TRUE) != 0)
		return CKR_ATTRIBUTE_READ_ONLY;
	if (changing && !was && now && (rule->flags & RULE_STAYS_FALSE) != 0)
		return CKR_ATTRIBUTE_READ_ONLY;
	if (now && !(changing && was) && (rule->flags & RULE_SO_ONLY) != 0 && !so)
		return CKR_ATTRIBUTE_READ_ONLY;
	o->flags = now ? o->flags | rule->arg : o->flags & ~rule->arg;
	return CKR_OK;
}

/* CK_DATE: empty, or eight digits that could be a day. */
static bool
date_valid(struct slice s)
{
	unsigned v[8], month, day;
	size_t i;

	if (s.len == 0)
		return true;
	if (s.len != 8)
		return false;
	for (i = 0; i < 8; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v[i] = s.p[i] - '0';
	}
	month = v[4] * 10 + v[5];
	day = v[6] * 10 + v[7];
	return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

CK_RV
schema_store(struct object *o, const struct attr *a)
{
	auto_buf merged = { 0 };
	struct writer w = writer_of(&merged);
	struct reader r = reader_of(buf_slice(&o->attrs));
	struct attr old;
	bool done = false;

	/* sorted by type, so that the same attributes always make the same bytes */
	while (attr_flat_next(&r, &old)) {
		if (!done && old.type >= a->type) {
			attr_flat_add(&w, a);
			done = true;
		}
		if (old.type != a->type)
			attr_flat_add(&w, &old);
	}
	if (!done)
		attr_flat_add(&w, a);
	if (w.rc != KMS_OK || r.bad)
		return r.bad ? CKR_DEVICE_ERROR : CKR_HOST_MEMORY;
	if (merged.len > OBJECT_ATTRS_MAX)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	buf_move(&o->attrs, &merged);
	return CKR_OK;
}

static CK_RV
apply_name(struct buf *dst, const struct attr *a)
{
	if (a->value.len > OBJECT_NAME_MAX)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return buf_set(dst, a->value) == KMS_OK ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV
apply_one(enum schema_use use, const struct attr_rule *rule, const struct attr *a, bool so,
    struct object *o)
{
	CK_ULONG number;
	bool flag;

	switch (rule->how) {
	case HOW_CLASS:
		TRY_RV(attr_ulong(a, &number));
		return number == schema_class(o->kind) ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
	case HOW_TOKEN: return attr_bool(a, &flag);
	case HOW_FLAG: return apply_flag(use, rule, a, so, o);
	case HOW_LABEL: return apply_name(&o->label, a);
	case HOW_ID: return apply_name(&o->app_id, a);
	case HOW_SUBJECT:
		return buf_set(&o->subject, a->value) == KMS_OK ? CKR_OK : CKR_HOST_MEMORY;
	case HOW_CERT_TYPE:
		TRY_RV(attr_ulong(a, &number));
		return number == CKC_X_509 ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
	case HOW_ULONG: TRY_RV(attr_ulong(a, &number)); return schema_store(o, a);
	case HOW_DATE:
		return date_valid(a->value) ? schema_store(o, a) : CKR_ATTRIBUTE_VALUE_INVALID;
	case HOW_MECHS:
		return a->value.len % sizeof(CK_MECHANISM_TYPE) == 0 ? schema_store(o, a)
								     : CKR_ATTRIBUTE_VALUE_INVALID;
	case HOW_BYTES:
	case HOW_ARRAY: return schema_store(o, a);
	case HOW_KEY_TYPE:
	case HOW_VALUE:
	case HOW_VALUE_LEN:
	case HOW_PART:
	case HOW_BITS:
	case HOW_SPKI:
	case HOW_CHECK_VALUE: return CKR_OK; /* the key's maker looks at these */
	case HOW_GEN_MECH:
	case HOW_KMS:
	case HOW_UNIQUE_ID: return CKR_ATTRIBUTE_READ_ONLY;
	}
	return CKR_GENERAL_ERROR;
}

static CK_RV
check_complete(enum schema_use use, const struct attrs *t, const struct object *o)
{
	uint32_t must = use == SCHEMA_CREATE ? RULE_CREATE_MUST
	    : use == SCHEMA_GENERATE	     ? RULE_GEN_MUST
					     : 0;
	size_t i;

	if (must == 0)
		return CKR_OK;
	for (i = 0; i < ARRAY_LEN(rules); i++) {
		const struct attr_rule *r = &rules[i];

		if ((r->flags & must) != 0 && rule_find(o, r->type) == r &&
		    attrs_get(t, r->type) == NULL)
			return CKR_TEMPLATE_INCOMPLETE;
	}
	return CKR_OK;
}

#define USAGE                                                                        \
	(FLAG_ENCRYPT | FLAG_DECRYPT | FLAG_SIGN | FLAG_VERIFY | FLAG_SIGN_RECOVER | \
	    FLAG_VERIFY_RECOVER | FLAG_WRAP | FLAG_UNWRAP | FLAG_DERIVE)

/* A template that permits something by name permits that and nothing else: defaults are for those
 * that say nothing. */
static void
drop_default_usage(const struct attrs *t, struct object *o)
{
	bool named = false;
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct attr_rule *rule = rule_find(o, t->v[i].type);
		bool on = false;

		if (rule != NULL && rule->how == HOW_FLAG && (rule->arg & USAGE) != 0 &&
		    attr_bool(&t->v[i], &on) == CKR_OK)
			named |= on;
	}
	if (named)
		o->flags &= ~(uint32_t)USAGE;
}

CK_RV
schema_apply(enum schema_use use, const struct attrs *t, bool so, struct object *o)
{
	size_t i;

	if (use != SCHEMA_COPY && use != SCHEMA_SET)
		drop_default_usage(t, o);
	for (i = 0; i < t->n; i++) {
		const struct attr_rule *rule = rule_find(o, t->v[i].type);

		if (rule == NULL)
			return CKR_ATTRIBUTE_TYPE_INVALID;
		TRY_RV(check_use(rule, use));
		TRY_RV(apply_one(use, rule, &t->v[i], so, o));
	}
	return check_complete(use, t, o);
}
