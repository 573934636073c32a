/* SPDX-License-Identifier: Apache-2.0 */
/* Puts and drops tags, and keeps them as records. */
#include "kms/tag.h"

void
tags_free(struct tags *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++) {
		buf_free(&t->v[i].key);
		buf_free(&t->v[i].value);
	}
	t->n = 0;
}

/* Letters of any script, digits, and / \ _ - . + = : @ and the space. */
static bool
chars_ok(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t b = s.p[i];

		if (b >= 0x80 || (b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') ||
		    (b >= 'a' && b <= 'z') || (b != 0 && strchr("/\\_-.+=:@ ", b) != NULL))
			continue;
		return false;
	}
	return true;
}

static bool
begins(struct slice s, const char *head)
{
	return s.len >= strlen(head) && memcmp(s.p, head, strlen(head)) == 0;
}

static struct tag *
look(const struct tags *t, struct slice key)
{
	for (size_t i = 0; i < t->n; i++)
		if (slice_eq(buf_slice(&t->v[i].key), key))
			return (struct tag *)(uintptr_t)&t->v[i];
	return NULL;
}

enum kms_rc
tags_put(struct tags *t, struct slice key, struct slice value, struct err *err)
{
	struct tag *tag = look(t, key);

	if (key.len == 0 || key.len > TAG_LEN_MAX || value.len > TAG_LEN_MAX || !chars_ok(key) ||
	    !chars_ok(value))
		return err_set(err, KMS_INVALID,
		    "a tag's key has 1 to %d bytes, its value up to %d, of letters, digits and / \\ _ - . + = : @",
		    TAG_LEN_MAX, TAG_LEN_MAX);
	if (begins(key, "aliyun") || begins(key, "acs:"))
		return err_set(err, KMS_INVALID, "a tag's key does not begin with aliyun or acs:");
	if (tag == NULL) {
		if (t->n == TAGS_MAX)
			return err_set(err, KMS_LIMIT, "there are at most %d tags", TAGS_MAX);
		tag = &t->v[t->n];
		*tag = (struct tag){ 0 };
		TRY(buf_set(&tag->key, key));
		t->n++;
	}
	return buf_set(&tag->value, value);
}

void
tags_drop(struct tags *t, struct slice key)
{
	struct tag *tag = look(t, key);

	if (tag == NULL)
		return;
	buf_free(&tag->key);
	buf_free(&tag->value);
	t->n--;
	memmove(tag, tag + 1, (size_t)(&t->v[t->n] - tag) * sizeof(*tag));
}

bool
tags_get(const struct tags *t, struct slice key, struct slice *ret)
{
	const struct tag *tag = look(t, key);

	if (tag == NULL)
		return false;
	*ret = buf_slice(&tag->value);
	return true;
}

void
tags_write(struct writer *w, const struct tags *t)
{
	write_u8(w, (uint8_t)t->n);
	for (size_t i = 0; i < t->n; i++) {
		write_bytes(w, buf_slice(&t->v[i].key));
		write_bytes(w, buf_slice(&t->v[i].value));
	}
}

enum kms_rc
tags_read(struct reader *r, struct tags *ret)
{
	size_t n = read_u8(r);

	if (n > TAGS_MAX)
		return KMS_TAMPERED;
	for (size_t i = 0; i < n; i++) {
		ret->v[i] = (struct tag){ 0 };
		ret->n = i + 1;
		TRY(buf_set(&ret->v[i].key, read_bytes(r)));
		TRY(buf_set(&ret->v[i].value, read_bytes(r)));
	}
	return KMS_OK;
}
