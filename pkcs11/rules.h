/* SPDX-License-Identifier: Apache-2.0 */
/* One attribute's rule; shared by the engine (schema.c) and the show side (show.c) only. */
#ifndef KMS_PKCS11_RULES_H
#define KMS_PKCS11_RULES_H

#include "api/object.h"
#include "pkcs11/cryptoki.h"
#include "pkcs11/kms-pkcs11.h"

#define BIT_OF(n) (1u << (n))

/* Where an attribute's value lives. */
enum attr_how {
	HOW_CLASS,
	HOW_TOKEN,
	HOW_FLAG, /* a bit of object.flags */
	HOW_LABEL,
	HOW_ID,
	HOW_SUBJECT,
	HOW_CERT_TYPE,
	HOW_KEY_TYPE,
	HOW_BYTES, /* in the stored record; absent is empty */
	HOW_ULONG, /* in the stored record */
	HOW_DATE,  /* in the stored record; absent is empty */
	HOW_MECHS, /* in the stored record */
	HOW_ARRAY, /* in the stored record, flat */
	HOW_VALUE, /* the body, or the material */
	HOW_VALUE_LEN,
	HOW_PART, /* a number of the key: the family knows */
	HOW_BITS,
	HOW_SPKI,
	HOW_CHECK_VALUE,
	HOW_GEN_MECH, /* in the stored record, set by us */
	HOW_UNIQUE_ID,
	HOW_KMS, /* the KMS knows */
};

enum {
	RULE_CREATE = 1u << 0,
	RULE_CREATE_MUST = 1u << 1,
	RULE_GEN = 1u << 2,
	RULE_GEN_MUST = 1u << 3,
	RULE_UNWRAP = 1u << 4,
	RULE_SECRET = 1u << 5,
	RULE_SET = 1u << 6,
	RULE_COPY = 1u << 7,
	RULE_SO_ONLY = 1u << 8,
	RULE_STAYS_TRUE = 1u << 9,
	RULE_STAYS_FALSE = 1u << 10,
};

struct attr_rule {
	CK_ATTRIBUTE_TYPE type;
	uint32_t kinds; /* BIT_OF(enum object_kind) */
	uint32_t keys;	/* BIT_OF(enum key_type); 0 is any */
	enum attr_how how;
	uint32_t arg;
	uint32_t flags;
};

/* NULL: an object of this kind and key type has no such attribute. */
const struct attr_rule *rule_find(const struct object *o, CK_ATTRIBUTE_TYPE type);

#endif
