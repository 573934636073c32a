/* SPDX-License-Identifier: Apache-2.0 */
/* Copies and releases objects and lists of references; ids as text. */
#include "api/object.h"

#include <stdlib.h>

#include "base/codec.h"

void
object_free(struct object *o)
{
	if (o == NULL)
		return;
	buf_free(&o->label);
	buf_free(&o->app_id);
	buf_free(&o->subject);
	buf_free(&o->body);
	buf_free(&o->attrs);
	*o = (struct object){ 0 };
}

enum kms_rc
object_copy(const struct object *o, struct object *ret)
{
	auto_object copy = { .id = o->id,
		.revision = o->revision,
		.kind = o->kind,
		.spec = o->spec,
		.flags = o->flags,
		.key = o->key,
		.created = o->created };

	TRY(buf_add(&copy.label, buf_slice(&o->label)));
	TRY(buf_add(&copy.app_id, buf_slice(&o->app_id)));
	TRY(buf_add(&copy.subject, buf_slice(&o->subject)));
	TRY(buf_add(&copy.body, buf_slice(&o->body)));
	TRY(buf_add(&copy.attrs, buf_slice(&o->attrs)));
	*ret = copy;
	copy = (struct object){ 0 }; /* moved */
	return KMS_OK;
}

enum kms_rc
object_refs_add(struct object_refs *r, const struct object_ref *ref)
{
	size_t cap = r->cap == 0 ? 16 : r->cap, bytes;
	struct object_ref *v;

	if (r->n == r->cap) {
		if ((r->cap > 0 && !size_mul(cap, 2, &cap)) || !size_mul(cap, sizeof(*v), &bytes))
			return KMS_LIMIT;
		if ((v = realloc(r->v, bytes)) == NULL)
			return KMS_NOMEM;
		r->v = v;
		r->cap = cap;
	}
	r->v[r->n++] = *ref;
	return KMS_OK;
}

void
object_refs_free(struct object_refs *r)
{
	if (r == NULL)
		return;
	free(r->v);
	*r = (struct object_refs){ 0 };
}

/* -- ids -- */

/* Where the hyphens stand. */
static bool
is_hyphen(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

void
uid_to_text(const struct uid *id, char ret[UID_TEXT_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < UID_TEXT_LEN; i++) {
		if (is_hyphen(i)) {
			ret[i] = '-';
			continue;
		}
		ret[i] = digits[(id->b[n / 2] >> (n % 2 == 0 ? 4 : 0)) & 15];
		n++;
	}
	ret[UID_TEXT_LEN] = '\0';
}

bool
uid_from_text(struct slice text, struct uid *ret)
{
	auto_buf hex = { 0 };
	auto_buf bytes = { 0 };

	if (text.len != UID_TEXT_LEN)
		return false;
	for (size_t i = 0; i < UID_TEXT_LEN; i++)
		if (is_hyphen(i) ? text.p[i] != '-' : buf_add_byte(&hex, text.p[i]) != KMS_OK)
			return false;
	if (hex_decode(buf_slice(&hex), &bytes) != KMS_OK || bytes.len != UID_LEN)
		return false;
	memcpy(ret->b, bytes.p, UID_LEN);
	return true;
}
