/* SPDX-License-Identifier: Apache-2.0 */
/* Templates in, attributes out: the only code that touches an application's CK_ATTRIBUTE arrays. */
#include "pkcs11/attr.h"

#include "pkcs11/rv.h"

/* The application's array may be misaligned (Oracle packs its structs): never dereferenced, always
 * copied. */
static CK_ATTRIBUTE
attribute_at(const CK_ATTRIBUTE *t, CK_ULONG i)
{
	CK_ATTRIBUTE a;

	memcpy(&a, (const unsigned char *)t + i * sizeof(a), sizeof(a));
	return a;
}

static void
attribute_set_len(CK_ATTRIBUTE *t, CK_ULONG len)
{
	memcpy((unsigned char *)t + offsetof(CK_ATTRIBUTE, ulValueLen), &len, sizeof(len));
}

static bool
is_array_of_attributes(CK_ATTRIBUTE_TYPE type)
{
	return type == CKA_WRAP_TEMPLATE || type == CKA_UNWRAP_TEMPLATE ||
	    type == CKA_DERIVE_TEMPLATE;
}

/* Is TYPE among the first N? */
static bool
is_named(const CK_ATTRIBUTE *t, CK_ULONG n, CK_ATTRIBUTE_TYPE type)
{
	CK_ULONG i;

	for (i = 0; i < n; i++)
		if (attribute_at(t, i).type == type)
			return true;
	return false;
}

/* The bytes that one attribute will need in the copy; inner templates are flattened. */
static CK_RV
measure(const CK_ATTRIBUTE *a, bool inner, size_t *ret)
{
	size_t total = 0;
	CK_ULONG n, i;

	if (a->ulValueLen > ATTR_BYTES_MAX)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (a->pValue == NULL && a->ulValueLen != 0)
		return CKR_ARGUMENTS_BAD;
	if (!is_array_of_attributes(a->type)) {
		*ret = a->ulValueLen;
		return CKR_OK;
	}
	n = a->ulValueLen / sizeof(CK_ATTRIBUTE);
	if (inner || a->ulValueLen % sizeof(CK_ATTRIBUTE) != 0 || n > ATTR_COUNT_MAX)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	for (i = 0; i < n; i++) {
		CK_ATTRIBUTE in = attribute_at(a->pValue, i);
		size_t len;

		if (is_named(a->pValue, i, in.type))
			return CKR_ATTRIBUTE_VALUE_INVALID;
		TRY_RV(measure(&in, true, &len));
		total += 12 + len; /* bounded: n and len are */
	}
	*ret = total;
	return CKR_OK;
}

static uint8_t *
put_be(uint8_t *p, uint64_t v, int bytes)
{
	while (bytes-- > 0)
		*p++ = (uint8_t)(v >> (8 * bytes));
	return p;
}

/* What measure() measured, copied; the application may change its memory meanwhile, so every length
 * is looked at again. */
static CK_RV
copy_value(const CK_ATTRIBUTE *a, uint8_t *dst, size_t len)
{
	size_t room = len;
	CK_ULONG n, i;

	if (!is_array_of_attributes(a->type)) {
		if (len != 0)
			memcpy(dst, a->pValue, len);
		return CKR_OK;
	}
	n = a->ulValueLen / sizeof(CK_ATTRIBUTE);
	for (i = 0; i < n; i++) {
		CK_ATTRIBUTE in = attribute_at(a->pValue, i);

		if (in.ulValueLen > room || room - in.ulValueLen < 12)
			return CKR_ATTRIBUTE_VALUE_INVALID;
		dst = put_be(dst, in.type, 8);
		dst = put_be(dst, in.ulValueLen, 4);
		if (in.ulValueLen != 0)
			memcpy(dst, in.pValue, in.ulValueLen);
		dst += in.ulValueLen;
		room -= 12 + in.ulValueLen;
	}
	return room == 0 ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

CK_RV
attrs_read(const CK_ATTRIBUTE *t, CK_ULONG n, struct attrs *ret)
{
	CK_ATTRIBUTE in[ATTR_COUNT_MAX];
	size_t total = 0, lens[ATTR_COUNT_MAX];
	uint8_t *p;
	CK_ULONG i;
	CK_RV rv;

	ret->n = 0;
	ret->mem = (struct secret){ 0 };
	if (t == NULL && n != 0)
		return CKR_ARGUMENTS_BAD;
	if (n > ATTR_COUNT_MAX)
		return CKR_TEMPLATE_INCONSISTENT;
	for (i = 0; i < n; i++) {
		in[i] = attribute_at(t, i);
		if (is_named(in, i, in[i].type))
			return CKR_TEMPLATE_INCONSISTENT;
		TRY_RV(measure(&in[i], false, &lens[i]));
		total += lens[i];
	}
	if (total > ATTR_BYTES_MAX)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (total != 0 && secret_new(total, &ret->mem) != KMS_OK)
		return CKR_HOST_MEMORY;
	p = ret->mem.p;
	for (i = 0; i < n; i++) {
		if ((rv = copy_value(&in[i], p, lens[i])) != CKR_OK) {
			attrs_free(ret);
			return rv;
		}
		ret->v[i] = (struct attr){ .type = in[i].type,
			.value = slice_of(lens[i] == 0 ? NULL : p, lens[i]) };
		if (lens[i] != 0)
			p += lens[i];
	}
	ret->n = n;
	return CKR_OK;
}

void
attrs_free(struct attrs *a)
{
	if (a == NULL)
		return;
	secret_free(&a->mem);
	a->n = 0;
}

const struct attr *
attrs_get(const struct attrs *a, CK_ATTRIBUTE_TYPE type)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (a->v[i].type == type)
			return &a->v[i];
	return NULL;
}

CK_RV
attr_bool(const struct attr *a, bool *ret)
{
	if (a->value.len != sizeof(CK_BBOOL) || a->value.p[0] > 1)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	*ret = a->value.p[0] == CK_TRUE;
	return CKR_OK;
}

CK_RV
attr_ulong(const struct attr *a, CK_ULONG *ret)
{
	if (a->value.len != sizeof(CK_ULONG))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	memcpy(ret, a->value.p, sizeof(CK_ULONG));
	return CKR_OK;
}

CK_RV
attrs_bool(const struct attrs *a, CK_ATTRIBUTE_TYPE type, bool absent, bool *ret)
{
	const struct attr *at = attrs_get(a, type);

	*ret = absent;
	return at == NULL ? CKR_OK : attr_bool(at, ret);
}

CK_RV
attrs_ulong(const struct attrs *a, CK_ATTRIBUTE_TYPE type, CK_ULONG absent, CK_ULONG *ret)
{
	const struct attr *at = attrs_get(a, type);

	*ret = absent;
	return at == NULL ? CKR_OK : attr_ulong(at, ret);
}

bool
attr_flat_next(struct reader *r, struct attr *ret)
{
	if (r->bad || r->rest.len == 0)
		return false;
	ret->type = read_u64(r);
	ret->value = read_bytes(r);
	return !r->bad;
}

void
attr_flat_add(struct writer *w, const struct attr *a)
{
	write_u64(w, a->type);
	write_bytes(w, a->value);
}

bool
attr_flat_get(struct slice flat, CK_ATTRIBUTE_TYPE type, struct slice *ret)
{
	struct reader r = reader_of(flat);
	struct attr a;

	while (attr_flat_next(&r, &a)) {
		if (a.type == type) {
			*ret = a.value;
			return true;
		}
	}
	return false;
}

CK_RV
attr_out_bytes(CK_ATTRIBUTE *t, struct slice value)
{
	CK_ATTRIBUTE a = attribute_at(t, 0);

	if (a.pValue == NULL) {
		attribute_set_len(t, value.len);
		return CKR_OK;
	}
	if (a.ulValueLen < value.len)
		return attr_out_unavailable(t, CKR_BUFFER_TOO_SMALL);
	if (value.len != 0)
		memcpy(a.pValue, value.p, value.len);
	attribute_set_len(t, value.len);
	return CKR_OK;
}

CK_RV
attr_out_bool(CK_ATTRIBUTE *t, bool value)
{
	CK_BBOOL b = value ? CK_TRUE : CK_FALSE;

	return attr_out_bytes(t, slice_of(&b, sizeof(b)));
}

CK_RV
attr_out_ulong(CK_ATTRIBUTE *t, CK_ULONG value)
{
	return attr_out_bytes(t, slice_of(&value, sizeof(value)));
}

CK_RV
attr_out_unavailable(CK_ATTRIBUTE *t, CK_RV why)
{
	attribute_set_len(t, CK_UNAVAILABLE_INFORMATION);
	return why;
}

CK_RV
attr_out_array(CK_ATTRIBUTE *t, struct slice flat)
{
	CK_ATTRIBUTE a = attribute_at(t, 0), inner;
	struct reader r = reader_of(flat);
	struct attr at;
	CK_ULONG n = 0, i = 0;
	CK_RV rv = CKR_OK, one;

	while (attr_flat_next(&r, &at))
		n++;
	if (a.pValue == NULL) {
		attribute_set_len(t, n * sizeof(CK_ATTRIBUTE));
		return CKR_OK;
	}
	if (a.ulValueLen < n * sizeof(CK_ATTRIBUTE))
		return attr_out_unavailable(t, CKR_BUFFER_TOO_SMALL);
	for (r = reader_of(flat); attr_flat_next(&r, &at); i++) {
		unsigned char *dst = (unsigned char *)a.pValue + i * sizeof(CK_ATTRIBUTE);

		memcpy(&inner, dst, sizeof(inner));
		inner.type = at.type;
		if ((one = attr_out_bytes(&inner, at.value)) != CKR_OK)
			rv = one;
		memcpy(dst, &inner, sizeof(inner));
	}
	attribute_set_len(t, n * sizeof(CK_ATTRIBUTE));
	return rv;
}
