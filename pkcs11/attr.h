/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates in, attributes out. An application's CK_ATTRIBUTE array is read once, at the door, into
 * an owned and checked copy: bounded in count, size and depth, without duplicates, from memory that
 * may be misaligned.
 */
#ifndef KMS_PKCS11_ATTR_H
#define KMS_PKCS11_ATTR_H

#include "base/codec.h"
#include "base/secret.h"
#include "pkcs11/cryptoki.h"

#define ATTR_COUNT_MAX 64
#define ATTR_BYTES_MAX (1u << 19) /* of all values of a template together */
#define ATTR_ASK_MAX   4096	  /* attributes asked for in one C_GetAttributeValue */

/* One attribute; the value lies in the template's own memory. Of an array attribute
 * (CKF_ARRAY_ATTRIBUTE): the flat form below. */
struct attr {
	CK_ATTRIBUTE_TYPE type;
	struct slice value;
};

/* A template. { 0 } is empty. */
struct attrs {
	struct attr v[ATTR_COUNT_MAX];
	size_t n;
	struct secret mem;
};

/*
 * Copies N attributes. CKR_ARGUMENTS_BAD: NULL with a length; CKR_TEMPLATE_INCONSISTENT: too many,
 * or one type twice; CKR_ATTRIBUTE_VALUE_INVALID: too long, or a malformed inner template (depth 1,
 * at most ATTR_COUNT_MAX, no type twice); CKR_HOST_MEMORY.
 */
CK_RV attrs_read(const CK_ATTRIBUTE *t, CK_ULONG n, struct attrs *ret);
void attrs_free(struct attrs *a);
#define auto_attrs __attribute__((cleanup(attrs_free))) struct attrs

/* NULL when absent. */
const struct attr *attrs_get(const struct attrs *a, CK_ATTRIBUTE_TYPE type);

/* The value as CK_BBOOL (exactly CK_TRUE or CK_FALSE) or CK_ULONG: CKR_ATTRIBUTE_VALUE_INVALID.
 * Absent gives DEFAULT. */
CK_RV attr_bool(const struct attr *a, bool *ret);
CK_RV attr_ulong(const struct attr *a, CK_ULONG *ret);
CK_RV attrs_bool(const struct attrs *a, CK_ATTRIBUTE_TYPE type, bool absent, bool *ret);
CK_RV attrs_ulong(const struct attrs *a, CK_ATTRIBUTE_TYPE type, CK_ULONG absent, CK_ULONG *ret);

/*
 * Flat records: type (u64), value (u32 length and bytes), repeated. This is the form of an object's
 * stored attributes, of an array attribute's value, and nothing else is read from it than this.
 * Walks one; false at the end or at damage (*bad).
 */
bool attr_flat_next(struct reader *r, struct attr *ret);
void attr_flat_add(struct writer *w, const struct attr *a);
/* The value of TYPE in a flat record. False when absent. */
bool attr_flat_get(struct slice flat, CK_ATTRIBUTE_TYPE type, struct slice *ret);

/*
 * Out: answers one CK_ATTRIBUTE of C_GetAttributeValue (5.7.5): size query, copy, or
 * CKR_BUFFER_TOO_SMALL with CK_UNAVAILABLE_INFORMATION. T may be misaligned.
 */
CK_RV attr_out_bytes(CK_ATTRIBUTE *t, struct slice value);
CK_RV attr_out_bool(CK_ATTRIBUTE *t, bool value);
CK_RV attr_out_ulong(CK_ATTRIBUTE *t, CK_ULONG value);
CK_RV attr_out_unavailable(CK_ATTRIBUTE *t, CK_RV why);
/* An array attribute from its flat form: the caller's inner CK_ATTRIBUTEs are filled by the same
 * rules. */
CK_RV attr_out_array(CK_ATTRIBUTE *t, struct slice flat);

#endif
