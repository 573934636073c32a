/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standard's attribute rules, per class and key type, as tables; and the one engine that
 * applies a template to an object in create, generate, unwrap, derive, copy and set, and that shows
 * an object's attributes.
 */
#ifndef KMS_PKCS11_SCHEMA_H
#define KMS_PKCS11_SCHEMA_H

#include "pkcs11/attr.h"
#include "pkcs11/catalog.h"

enum schema_use {
	SCHEMA_CREATE,
	SCHEMA_GENERATE,
	SCHEMA_UNWRAP, /* and derive */
	SCHEMA_COPY,
	SCHEMA_SET,
};

/* CKO_* as our kinds and back; OBJECT_NONE and CK_UNAVAILABLE_INFORMATION when there is none. */
enum object_kind schema_kind(CK_OBJECT_CLASS class);
CK_OBJECT_CLASS schema_class(enum object_kind kind);

/* Sets the flags that an object of O's kind and key type has when a template says nothing. */
void schema_defaults(struct object *o);

/*
 * Applies a template: checks every attribute against its rule, and sets flags, label, app_id,
 * subject and attrs of O. Components and values are left to the caller. SO: a security officer
 * asks. CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_VALUE_INVALID,
 * CKR_TEMPLATE_INCOMPLETE, CKR_TEMPLATE_INCONSISTENT, CKR_HOST_MEMORY. On error O may be half
 * changed: work on a copy.
 */
CK_RV schema_apply(enum schema_use use, const struct attrs *t, bool so, struct object *o);

/* Adds or replaces one attribute in O's stored record. */
CK_RV schema_store(struct object *o, const struct attr *a);

/* One attribute's value, borrowed from the entry or owned by the value itself. */
struct attr_value {
	struct slice s;
	uint8_t small[64];
	struct secret owned;
	bool array; /* of attributes, in flat form */
};

/*
 * Shows an attribute. CKR_ATTRIBUTE_TYPE_INVALID: the object has no such attribute;
 * CKR_ATTRIBUTE_SENSITIVE: it may not be shown. free with attr_value_free.
 */
CK_RV schema_get(struct entry *e, struct call *call, CK_ATTRIBUTE_TYPE type,
    struct attr_value *ret);
void attr_value_free(struct attr_value *v);
#define auto_attr_value __attribute__((cleanup(attr_value_free))) struct attr_value

/* Does the object have this attribute with this value? Sensitive values never match. */
bool schema_matches(struct entry *e, struct call *call, const struct attr *want);

#endif
