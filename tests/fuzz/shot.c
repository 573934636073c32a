/* SPDX-License-Identifier: Apache-2.0 */
/* An object's attributes at one moment; see shot.h. */
#include "tests/fuzz/shot.h"

#include "base/codec.h"
#include "pkcs11/kms-pkcs11.h"

static size_t
index_of(CK_ATTRIBUTE_TYPE type)
{
	for (size_t i = 0; i < tmpl_n_types; i++)
		if (tmpl_types[i] == type)
			return i;
	return SHOT_TYPES;
}

/* -- taking ------------------------------------------------------------------------------------ */

/* An array attribute of N inner ones, asked for in full. */
static void
take_array(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, size_t n,
    struct buf *ret)
{
	CK_ATTRIBUTE *inner = calloc(n, sizeof(*inner));
	CK_ATTRIBUTE a = { type, inner, n * sizeof(*inner) };
	struct writer w = writer_of(ret);

	MUST(inner != NULL || n == 0);
	MUST(C_GetAttributeValue(s, o, &a, 1) == CKR_OK);
	MUST(a.ulValueLen == n * sizeof(*inner));
	for (size_t i = 0; i < n; i++)
		MUST((inner[i].pValue = malloc(inner[i].ulValueLen)) != NULL ||
		    inner[i].ulValueLen == 0);
	MUST(C_GetAttributeValue(s, o, &a, 1) == CKR_OK);
	for (size_t i = 0; i < n; i++) {
		write_u64(&w, inner[i].type);
		write_bytes(&w, slice_of(inner[i].pValue, inner[i].ulValueLen));
		free(inner[i].pValue);
	}
	MUST(w.rc == KMS_OK);
	free(inner);
}

/* Why an attribute is not told. */
static CK_RV
why_not(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type)
{
	uint8_t room = 0x5a;
	CK_ATTRIBUTE a = { type, &room, sizeof(room) };
	CK_RV rv = C_GetAttributeValue(s, o, &a, 1);

	MUST(rv == CKR_ATTRIBUTE_SENSITIVE || rv == CKR_ATTRIBUTE_TYPE_INVALID);
	MUST(a.ulValueLen == CK_UNAVAILABLE_INFORMATION && room == 0x5a);
	return rv;
}

static bool
may_be_secret(CK_ATTRIBUTE_TYPE type)
{
	switch (type) {
	case CKA_VALUE:
	case CKA_PRIVATE_EXPONENT:
	case CKA_PRIME_1:
	case CKA_PRIME_2:
	case CKA_EXPONENT_1:
	case CKA_EXPONENT_2:
	case CKA_COEFFICIENT: return true;
	default: return false;
	}
}

static void
take_one(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, size_t i, const CK_ATTRIBUTE *told,
    struct shot *ret)
{
	CK_ATTRIBUTE_TYPE type = tmpl_types[i];
	uint8_t *room;

	ret->how[i] = SHOT_ABSENT;
	if (told->ulValueLen == CK_UNAVAILABLE_INFORMATION) {
		if (may_be_secret(type) && why_not(s, o, type) == CKR_ATTRIBUTE_SENSITIVE)
			ret->how[i] = SHOT_HIDDEN;
		return;
	}
	ret->how[i] = SHOT_SHOWN;
	if (tmpl_is_array(type)) {
		MUST(told->ulValueLen % sizeof(CK_ATTRIBUTE) == 0);
		take_array(s, o, type, told->ulValueLen / sizeof(CK_ATTRIBUTE), &ret->value[i]);
		return;
	}
	MUST(buf_extend(&ret->value[i], told->ulValueLen, &room) == KMS_OK);
}

bool
shot_take(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, struct shot *ret)
{
	CK_ATTRIBUTE all[SHOT_TYPES], again[SHOT_TYPES];
	size_t n = 0;
	CK_RV rv;

	MUST(tmpl_n_types <= SHOT_TYPES);
	for (size_t i = 0; i < tmpl_n_types; i++)
		all[i] = (CK_ATTRIBUTE){ tmpl_types[i], NULL, 0 };
	rv = C_GetAttributeValue(s, o, all, tmpl_n_types);
	if (rv == CKR_OBJECT_HANDLE_INVALID)
		return false;
	/* no object has all of them */
	MUST(rv == CKR_ATTRIBUTE_SENSITIVE || rv == CKR_ATTRIBUTE_TYPE_INVALID);
	for (size_t i = 0; i < tmpl_n_types; i++) {
		take_one(s, o, i, &all[i], ret);
		if (ret->how[i] == SHOT_SHOWN && !tmpl_is_array(tmpl_types[i]))
			again[n++] =
			    (CK_ATTRIBUTE){ tmpl_types[i], ret->value[i].p, ret->value[i].len };
	}
	MUST(C_GetAttributeValue(s, o, again, n) == CKR_OK);
	for (size_t i = 0; i < n; i++)
		MUST(again[i].ulValueLen == ret->value[index_of(again[i].type)].len);
	return true;
}

void
shot_free(struct shot *shot)
{
	for (size_t i = 0; i < SHOT_TYPES; i++) {
		buf_free(&shot->value[i]);
		shot->how[i] = SHOT_ABSENT;
	}
}

/* -- looking ----------------------------------------------------------------------------------- */

bool
shot_has(const struct shot *shot, CK_ATTRIBUTE_TYPE type)
{
	size_t i = index_of(type);

	return i < SHOT_TYPES && shot->how[i] == SHOT_SHOWN;
}

bool
shot_hides(const struct shot *shot, CK_ATTRIBUTE_TYPE type)
{
	size_t i = index_of(type);

	return i < SHOT_TYPES && shot->how[i] == SHOT_HIDDEN;
}

struct slice
shot_value(const struct shot *shot, CK_ATTRIBUTE_TYPE type)
{
	return shot_has(shot, type) ? buf_slice(&shot->value[index_of(type)]) : slice_of(NULL, 0);
}

bool
shot_on(const struct shot *shot, CK_ATTRIBUTE_TYPE type)
{
	struct slice v = shot_value(shot, type);

	MUST(!shot_has(shot, type) || (v.len == sizeof(CK_BBOOL) && v.p[0] <= CK_TRUE));
	return v.len != 0 && v.p[0] == CK_TRUE;
}

CK_ULONG
shot_number(const struct shot *shot, CK_ATTRIBUTE_TYPE type)
{
	struct slice v = shot_value(shot, type);
	CK_ULONG n = CK_UNAVAILABLE_INFORMATION;

	MUST(!shot_has(shot, type) || v.len == sizeof(n));
	if (v.len != 0)
		memcpy(&n, v.p, sizeof(n));
	return n;
}

/* What is told of the KMS key is not the object's own: its state, its aliases and who is logged in
 * change it, and a copy in the token is another key. */
static bool
is_of_kms(CK_ATTRIBUTE_TYPE type)
{
	return type >= CKA_KMS_KEY_ID && type <= CKA_KMS_KEY_ARN;
}

bool
shot_same(const struct shot *a, const struct shot *b, const struct tmpl *except)
{
	for (size_t i = 0; i < tmpl_n_types; i++) {
		if (is_of_kms(tmpl_types[i]) ||
		    (except != NULL && tmpl_get(except, tmpl_types[i]) != NULL))
			continue;
		if (a->how[i] != b->how[i] ||
		    !slice_eq(buf_slice(&a->value[i]), buf_slice(&b->value[i])))
			return false;
	}
	return true;
}

/* -- holding against --------------------------------------------------------------------------- */

static struct slice
without_zeros(struct slice s)
{
	while (s.len > 0 && s.p[0] == 0)
		s = slice_of(s.p + 1, s.len - 1);
	return s;
}

static bool
is_number(const struct shot *shot, CK_ATTRIBUTE_TYPE type)
{
	switch (type) {
	case CKA_MODULUS:
	case CKA_PUBLIC_EXPONENT:
	case CKA_PRIVATE_EXPONENT:
	case CKA_PRIME_1:
	case CKA_PRIME_2:
	case CKA_EXPONENT_1:
	case CKA_EXPONENT_2:
	case CKA_COEFFICIENT: return true;
	case CKA_VALUE:
		return shot_number(shot, CKA_CLASS) == CKO_PRIVATE_KEY &&
		    shot_number(shot, CKA_KEY_TYPE) == CKK_EC;
	default: return false;
	}
}

/* A given value of no bytes means that the module is to find it. */
static bool
may_be_left_open(CK_ATTRIBUTE_TYPE type)
{
	return type == CKA_CHECK_VALUE || type == CKA_PUBLIC_KEY_INFO || type == CKA_ID ||
	    type == CKA_EC_POINT;
}

static bool
same_point(struct slice given, struct slice shown)
{
	size_t head = shown.len > 129 ? 3 : 2;

	return slice_eq(given, shown) ||
	    (shown.len > head && slice_eq(given, slice_of(shown.p + head, shown.len - head)));
}

static bool
keeps(const struct shot *shot, CK_ATTRIBUTE_TYPE type, struct slice given)
{
	struct slice shown = shot_value(shot, type);
	bool number = is_number(shot, type);

	if (shot_hides(shot, type))
		return true;
	if (!shot_has(shot, type))
		return false;
	if (number)
		given = without_zeros(given);
	if (given.len == 0 && (number || may_be_left_open(type)))
		return true;
	if (type == CKA_EC_POINT)
		return same_point(given, shown);
	return slice_eq(given, number ? without_zeros(shown) : shown);
}

/* The value of an item as a shot has it; *ROOM owns what had to be written. */
static struct slice
item_value(const struct item *i, struct buf *room)
{
	struct writer w = writer_of(room);

	if (i->inner == NULL)
		return slice_of(i->value, i->len);
	for (size_t k = 0; k < i->inner->n; k++) {
		const struct item *in = &i->inner->v[k];

		write_u64(&w, in->type);
		write_bytes(&w, slice_of(in->value, in->len));
	}
	MUST(w.rc == KMS_OK);
	return buf_slice(room);
}

static void
say_bytes(const char *what, struct slice s)
{
	fprintf(stderr, "%s (%zu bytes):", what, s.len);
	for (size_t i = 0; i < s.len && i < 64; i++)
		fprintf(stderr, " %02x", s.p[i]);
	fprintf(stderr, "%s\n", s.len > 64 ? " ..." : "");
}

static void
say_difference(const struct item *given, struct slice shown)
{
	auto_buf room = { 0 };

	fprintf(stderr, "attribute 0x%lx is not as it was given\n", given->type);
	say_bytes("given", item_value(given, &room));
	say_bytes("shown", shown);
}

bool
shot_keeps(const struct shot *shot, const struct tmpl *t)
{
	for (size_t i = 0; i < t->n; i++) {
		auto_buf room = { 0 };

		if (!keeps(shot, t->v[i].type, item_value(&t->v[i], &room))) {
			say_difference(&t->v[i], shot_value(shot, t->v[i].type));
			return false;
		}
	}
	return true;
}

bool
shot_matches(const struct shot *shot, const struct tmpl *t)
{
	for (size_t i = 0; i < t->n; i++) {
		auto_buf room = { 0 };

		if (!shot_has(shot, t->v[i].type) ||
		    !slice_eq(shot_value(shot, t->v[i].type), item_value(&t->v[i], &room)))
			return false;
	}
	return true;
}

bool
shot_keeps_array(const struct shot *shot, struct slice array)
{
	struct reader r = reader_of(array);
	bool all = true;

	while (r.rest.len > 0 && !r.bad) {
		CK_ATTRIBUTE_TYPE type = read_u64(&r);

		all &= keeps(shot, type, read_bytes(&r));
	}
	MUST(!r.bad);
	return all;
}

bool
shot_matches_array(const struct shot *shot, struct slice array)
{
	struct reader r = reader_of(array);
	bool all = true;

	while (r.rest.len > 0 && !r.bad) {
		CK_ATTRIBUTE_TYPE type = read_u64(&r);

		all &= slice_eq(shot_value(shot, type), read_bytes(&r)) && shot_has(shot, type);
	}
	MUST(!r.bad);
	return all;
}
