/* SPDX-License-Identifier: Apache-2.0 */
/* Draws characters without a bias, and whole passwords again until each class is in them. */
#include "kms/password.h"

#include "crypto/crypto.h"

#define CHARACTERS    94 /* printable ones of ASCII, but the space */
#define DRAWN_AT_ONCE 64
/* With a single character left of each class but one, one password of eight characters in some 130
 * has all classes: so many tries in vain are a mistake of ours. */
#define TRIES 100000u

static const char *const classes[PASSWORD_CLASSES] = {
	"abcdefghijklmnopqrstuvwxyz",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"0123456789",
	"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
};

/* What may be drawn, and of which class each is. */
struct alphabet {
	uint8_t v[CHARACTERS], class[CHARACTERS];
	size_t n;
};

static bool
is_in(struct slice s, uint8_t c)
{
	return s.len > 0 && memchr(s.p, c, s.len) != NULL;
}

/* The characters of class I, and how many there are. */
static size_t
add_class(struct alphabet *a, unsigned i, struct slice without)
{
	size_t was = a->n;

	for (const char *p = classes[i]; *p != '\0'; p++) {
		if (is_in(without, (uint8_t)*p))
			continue;
		a->v[a->n] = (uint8_t)*p;
		a->class[a->n++] = (uint8_t)(1u << i);
	}
	return a->n - was;
}

static enum kms_rc
make_alphabet(const struct password_rules *rules, struct alphabet *a)
{
	a->n = 0;
	for (unsigned i = 0; i < PASSWORD_CLASSES; i++)
		if ((rules->classes & 1u << i) != 0 && add_class(a, i, rules->without) == 0 &&
		    rules->each)
			return KMS_INVALID;
	return a->n > 0 ? KMS_OK : KMS_INVALID;
}

/* Random bytes, fetched some at a time. */
struct source {
	struct secret bytes;
	size_t used;
};

static enum kms_rc
next_byte(struct source *s, uint8_t *ret)
{
	if (s->used == s->bytes.len) {
		TRY(crypto_random(s->bytes.p, s->bytes.len));
		s->used = 0;
	}
	*ret = s->bytes.p[s->used++];
	return KMS_OK;
}

/* A number below N: bytes beyond the last whole multiple of N are drawn again. */
static enum kms_rc
draw(struct source *s, size_t n, size_t *ret)
{
	const unsigned end = 256 - 256 % (unsigned)n;
	uint8_t byte;

	do
		TRY(next_byte(s, &byte));
	while (byte >= end);
	*ret = byte % n;
	return KMS_OK;
}

/* One password, and which classes are in it. */
static enum kms_rc
fill(struct source *s, const struct alphabet *a, struct secret *ret, unsigned *classes_in)
{
	size_t at;

	*classes_in = 0;
	for (size_t i = 0; i < ret->len; i++) {
		TRY(draw(s, a->n, &at));
		ret->p[i] = a->v[at];
		*classes_in |= a->class[at];
	}
	return KMS_OK;
}

static enum kms_rc
make(struct source *s, const struct password_rules *rules, const struct alphabet *a,
    struct secret *ret)
{
	unsigned in;

	for (unsigned i = 0; i < TRIES; i++) {
		TRY(fill(s, a, ret, &in));
		if (!rules->each || in == (rules->classes & PASSWORD_ALL))
			return KMS_OK;
	}
	return KMS_INTERNAL;
}

enum kms_rc
password_make(const struct password_rules *rules, struct secret *ret)
{
	auto_secret bytes = { 0 };
	auto_secret password = { 0 };
	struct source s = { .used = DRAWN_AT_ONCE };
	struct alphabet a;

	if (rules->len < PASSWORD_LEN_MIN || rules->len > PASSWORD_LEN_MAX)
		return KMS_INVALID;
	TRY(make_alphabet(rules, &a));
	TRY(secret_new(DRAWN_AT_ONCE, &bytes));
	TRY(secret_new(rules->len, &password));
	s.bytes = bytes;
	TRY(make(&s, rules, &a, &password));
	*ret = password; /* moved */
	password = (struct secret){ 0 };
	return KMS_OK;
}
