/* SPDX-License-Identifier: Apache-2.0 */
/* Seals lines and takes them apart. The tail of a line is read from its end, by its fixed widths:
 * what stands in the members cannot pass for it. */
#include "audit/line.h"

#include "crypto/crypto.h"

enum kms_rc
line_seal(struct jout *o, const char *writer, struct chain *head)
{
	uint8_t hash[AUDIT_HASH_LEN];

	jout_text(o, "writer", writer);
	jout_number(o, "seq", head->seq + 1);
	jout_hex(o, "prev", slice_of(head->hash, AUDIT_HASH_LEN));
	if (o->full)
		return KMS_LIMIT;
	TRY(crypto_digest(DIGEST_SHA256, jout_slice(o), hash));
	jout_hex(o, "hash", slice_of(hash, sizeof(hash)));
	if (o->full)
		return KMS_LIMIT;
	head->seq++;
	memcpy(head->hash, hash, sizeof(hash));
	return KMS_OK;
}

enum kms_rc
line_end(struct jout *o, const uint8_t *signature)
{
	if (signature != NULL)
		jout_hex(o, "signature", slice_of(signature, AUDIT_SIGNATURE_LEN));
	jout_close(o, '}');
	jout_raw(o, slice_of("\n", 1));
	return o->full ? KMS_LIMIT : KMS_OK;
}

/* Takes WHAT off the end of S. */
static bool
drop(struct slice *s, const char *what)
{
	size_t n = strlen(what);

	if (s->len < n || memcmp(s->p + s->len - n, what, n) != 0)
		return false;
	s->len -= n;
	return true;
}

static int
digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
line_hex(const uint8_t *text, uint8_t *ret, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Takes `,"NAME":"` with N bytes in hex and a quote off the end. */
static bool
drop_hex(struct slice *s, const char *name, uint8_t *ret, size_t n)
{
	if (!drop(s, "\"") || s->len < 2 * n || !line_hex(s->p + s->len - 2 * n, ret, n))
		return false;
	s->len -= 2 * n;
	return drop(s, name);
}

/* Takes a number off the end: no leading zero, no overflow. */
static bool
drop_number(struct slice *s, uint64_t *ret)
{
	uint64_t v = 0, unit = 1;
	size_t n = 0;

	while (n < s->len && s->p[s->len - 1 - n] >= '0' && s->p[s->len - 1 - n] <= '9') {
		if (++n > 15) /* a JSON reader may keep numbers as doubles */
			return false;
		v += unit * (uint64_t)(s->p[s->len - n] - '0');
		unit *= 10;
	}
	if (n == 0 || s->p[s->len - n] == '0')
		return false;
	s->len -= n;
	*ret = v;
	return true;
}

static bool
drop_writer(struct slice *s, struct slice *ret)
{
	size_t n = 0;

	if (!drop(s, "\""))
		return false;
	while (n < s->len && n < WRITER_SIZE && s->p[s->len - 1 - n] != '"')
		n++;
	if (n == 0 || n >= WRITER_SIZE)
		return false;
	*ret = slice_of(s->p + s->len - n, n);
	for (size_t i = 0; i < n; i++) {
		uint8_t c = ret->p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
			return false;
	}
	s->len -= n;
	return drop(s, ",\"writer\":\"");
}

bool
line_read(struct slice text, struct line_parts *ret)
{
	struct slice s = text, hashed;
	uint8_t hash[AUDIT_HASH_LEN];

	*ret = (struct line_parts){ 0 };
	if (text.len > LINE_CAP || !drop(&s, "}"))
		return false;
	hashed = s;
	ret->has_signature = drop_hex(&s, ",\"signature\":\"", ret->signature, AUDIT_SIGNATURE_LEN);
	if (!ret->has_signature)
		s = hashed;
	if (!drop_hex(&s, ",\"hash\":\"", ret->hash, AUDIT_HASH_LEN))
		return false;
	hashed = s;
	if (!drop_hex(&s, ",\"prev\":\"", ret->prev, AUDIT_HASH_LEN) ||
	    !drop_number(&s, &ret->seq) || !drop(&s, ",\"seq\":") || !drop_writer(&s, &ret->writer))
		return false;
	ret->members = s;
	return crypto_digest(DIGEST_SHA256, hashed, hash) == KMS_OK &&
	    memcmp(hash, ret->hash, sizeof(hash)) == 0;
}

static bool
starts(struct slice s, const char *with)
{
	size_t n = strlen(with);

	return s.len >= n && memcmp(s.p, with, n) == 0;
}

enum line_kind
line_kind_of(struct slice members)
{
	if (starts(members, "{\"eventId\":\""))
		return LINE_EVENT;
	return starts(members, "{\"audit\":\"") ? LINE_CONTROL : LINE_OTHER;
}
