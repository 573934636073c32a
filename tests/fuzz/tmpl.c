/* SPDX-License-Identifier: Apache-2.0 */
/* Templates for fuzzing; see tmpl.h. */
#include "tests/fuzz/tmpl.h"

#include "pkcs11/kms-pkcs11.h"

#include "tests/fuzz/known.h"

#define DEPTH_MAX 3

const CK_ATTRIBUTE_TYPE tmpl_types[] = {
	/* common */
	CKA_CLASS,
	CKA_TOKEN,
	CKA_PRIVATE,
	CKA_LABEL,
	CKA_UNIQUE_ID,
	CKA_MODIFIABLE,
	CKA_COPYABLE,
	CKA_DESTROYABLE,
	/* data, certificates */
	CKA_APPLICATION,
	CKA_OBJECT_ID,
	CKA_VALUE,
	CKA_CERTIFICATE_TYPE,
	CKA_TRUSTED,
	CKA_CERTIFICATE_CATEGORY,
	CKA_CHECK_VALUE,
	CKA_START_DATE,
	CKA_END_DATE,
	CKA_PUBLIC_KEY_INFO,
	CKA_SUBJECT,
	CKA_ID,
	CKA_ISSUER,
	CKA_SERIAL_NUMBER,
	CKA_URL,
	CKA_HASH_OF_SUBJECT_PUBLIC_KEY,
	CKA_HASH_OF_ISSUER_PUBLIC_KEY,
	CKA_JAVA_MIDP_SECURITY_DOMAIN,
	CKA_NAME_HASH_ALGORITHM,
	/* keys */
	CKA_KEY_TYPE,
	CKA_DERIVE,
	CKA_LOCAL,
	CKA_KEY_GEN_MECHANISM,
	CKA_ALLOWED_MECHANISMS,
	CKA_ENCRYPT,
	CKA_DECRYPT,
	CKA_SIGN,
	CKA_VERIFY,
	CKA_SIGN_RECOVER,
	CKA_VERIFY_RECOVER,
	CKA_WRAP,
	CKA_UNWRAP,
	CKA_SENSITIVE,
	CKA_EXTRACTABLE,
	CKA_ALWAYS_SENSITIVE,
	CKA_NEVER_EXTRACTABLE,
	CKA_WRAP_WITH_TRUSTED,
	CKA_ALWAYS_AUTHENTICATE,
	CKA_WRAP_TEMPLATE,
	CKA_UNWRAP_TEMPLATE,
	CKA_DERIVE_TEMPLATE,
	CKA_MODULUS,
	CKA_MODULUS_BITS,
	CKA_PUBLIC_EXPONENT,
	CKA_PRIVATE_EXPONENT,
	CKA_PRIME_1,
	CKA_PRIME_2,
	CKA_EXPONENT_1,
	CKA_EXPONENT_2,
	CKA_COEFFICIENT,
	CKA_EC_PARAMS,
	CKA_EC_POINT,
	CKA_VALUE_LEN,
	/* of the KMS */
	CKA_KMS_KEY_ID,
	CKA_KMS_KEY_VERSION_ID,
	CKA_KMS_KEY_ALIAS,
	CKA_KMS_KEY_STATE,
	CKA_KMS_KEY_ARN,
	/* of no class that there is here */
	CKA_PROFILE_ID,
	CKA_PRIME,
	CKA_HW_FEATURE_TYPE,
	CKA_MECHANISM_TYPE,
	CKA_VENDOR_DEFINED,
	(CK_ATTRIBUTE_TYPE)-1,
};
const size_t tmpl_n_types = ARRAY_LEN(tmpl_types);

bool
tmpl_is_array(CK_ATTRIBUTE_TYPE type)
{
	return type == CKA_WRAP_TEMPLATE || type == CKA_UNWRAP_TEMPLATE ||
	    type == CKA_DERIVE_TEMPLATE;
}

/* -- building ---------------------------------------------------------------------------------- */

static void
item_free(struct item *i)
{
	free(i->value);
	if (i->inner != NULL)
		tmpl_free(i->inner);
	free(i->inner);
	*i = (struct item){ 0 };
}

void
tmpl_free(struct tmpl *t)
{
	for (size_t i = 0; i < t->n; i++)
		item_free(&t->v[i]);
	free(t->room);
	*t = (struct tmpl){ 0 };
}

/* malloc(0) is as good as any other: a pointer to no byte at all. */
static uint8_t *
exact(const void *p, size_t len)
{
	uint8_t *copy = malloc(len);

	MUST(copy != NULL || len == 0);
	if (len > 0)
		memcpy(copy, p, len);
	return copy;
}

static void
item_set(struct item *i, const void *value, size_t len)
{
	uint8_t *copy = exact(value, len); /* VALUE may be the old one */
	CK_ATTRIBUTE_TYPE type = i->type;

	item_free(i);
	*i = (struct item){ .type = type, .value = copy, .len = len };
}

static struct item *
item_new(struct tmpl *t, CK_ATTRIBUTE_TYPE type)
{
	if (t->n == ITEMS_MAX)
		return NULL;
	t->v[t->n] = (struct item){ .type = type, .value = exact(NULL, 0) };
	return &t->v[t->n++];
}

void
tmpl_add(struct tmpl *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	struct item *i = item_new(t, type);

	if (i != NULL)
		item_set(i, value, len);
}

void
tmpl_bool(struct tmpl *t, CK_ATTRIBUTE_TYPE type, bool value)
{
	CK_BBOOL b = value ? CK_TRUE : CK_FALSE;

	tmpl_add(t, type, &b, sizeof(b));
}

void
tmpl_number(struct tmpl *t, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
	tmpl_add(t, type, &value, sizeof(value));
}

static void
add_slice(struct tmpl *t, CK_ATTRIBUTE_TYPE type, struct slice s)
{
	tmpl_add(t, type, s.p, s.len);
}

const struct item *
tmpl_get(const struct tmpl *t, CK_ATTRIBUTE_TYPE type)
{
	for (size_t i = t->n; i > 0; i--)
		if (t->v[i - 1].type == type)
			return &t->v[i - 1];
	return NULL;
}

/* The item of TYPE, made if it is not there. */
static struct item *
item_of(struct tmpl *t, CK_ATTRIBUTE_TYPE type)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].type == type)
			return &t->v[i];
	return item_new(t, type);
}

void
tmpl_set(struct tmpl *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	struct item *i = item_of(t, type);

	if (i != NULL)
		item_set(i, value, len);
}

void
tmpl_set_bool(struct tmpl *t, CK_ATTRIBUTE_TYPE type, bool value)
{
	CK_BBOOL b = value ? CK_TRUE : CK_FALSE;

	tmpl_set(t, type, &b, sizeof(b));
}

/* -- packing ----------------------------------------------------------------------------------- */

CK_ATTRIBUTE *
tmpl_pack(struct tmpl *t, bool odd)
{
	size_t skip = odd ? 1 : 0;

	free(t->room);
	MUST((t->room = malloc(skip + t->n * sizeof(CK_ATTRIBUTE) + 1)) != NULL);
	/* no byte more than the array has */
	t->room = realloc(t->room, skip + t->n * sizeof(CK_ATTRIBUTE));
	t->packed = t->room == NULL ? NULL : (CK_ATTRIBUTE *)(void *)(t->room + skip);
	for (size_t i = 0; i < t->n; i++) {
		struct item *it = &t->v[i];
		CK_ATTRIBUTE a = { it->type, it->value, it->len };

		if (it->inner != NULL) {
			a.pValue = tmpl_pack(it->inner, odd);
			a.ulValueLen = it->inner->n * sizeof(CK_ATTRIBUTE);
		} else if (tmpl_is_array(it->type) && a.ulValueLen >= sizeof(CK_ATTRIBUTE)) {
			/* bytes of the input must not be taken for pointers */
			a.ulValueLen = sizeof(CK_ATTRIBUTE) - 1;
		}
		if (it->lies)
			a.ulValueLen = it->claimed;
		if (it->null)
			a.pValue = NULL;
		memcpy((uint8_t *)t->packed + i * sizeof(a), &a, sizeof(a));
	}
	return t->packed;
}

/* -- edits ------------------------------------------------------------------------------------- */

static void edit(struct tmpl *t, struct feed *f, unsigned depth);

static CK_ATTRIBUTE_TYPE
feed_type(struct feed *f)
{
	uint8_t which = feed_u8(f);

	return which == 0xff ? feed_number(f, 8) : tmpl_types[which % ARRAY_LEN(tmpl_types)];
}

/* Of the attribute that the input names, made if it is not there: another value. */

static void
set_flag(struct item *i, struct feed *f, unsigned depth UNUSED)
{
	CK_BBOOL flag = feed_u8(f) & 3; /* two of the four are no CK_BBOOL */

	item_set(i, &flag, sizeof(flag));
}

static void
set_number(struct item *i, struct feed *f, unsigned depth UNUSED)
{
	CK_ULONG number = feed_u8(f);

	item_set(i, &number, sizeof(number));
}

static void
set_big_number(struct item *i, struct feed *f, unsigned depth UNUSED)
{
	CK_ULONG number = feed_number(f, 8);

	item_set(i, &number, sizeof(number));
}

static void
set_bytes(struct item *i, struct feed *f, unsigned depth UNUSED)
{
	struct slice bytes = feed_bytes(f, feed_u8(f));

	item_set(i, bytes.p, bytes.len);
}

/* Up to what a whole template may hold, and beyond. */
static void
set_long(struct item *i, struct feed *f, unsigned depth UNUSED)
{
	size_t len = (size_t)feed_number(f, 2) * 9;
	uint8_t fill = feed_u8(f), *p = malloc(len);

	MUST(p != NULL || len == 0);
	if (len > 0)
		memset(p, fill, len);
	item_set(i, p, len);
	free(p);
}

static void
set_array(struct item *i, struct feed *f, unsigned depth)
{
	static const CK_ATTRIBUTE_TYPE arrays[] = { CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE,
		CKA_DERIVE_TEMPLATE };

	if (depth >= DEPTH_MAX)
		return;
	if (!tmpl_is_array(i->type))
		i->type = arrays[i->type % ARRAY_LEN(arrays)];
	item_set(i, NULL, 0);
	MUST((i->inner = calloc(1, sizeof(*i->inner))) != NULL);
	edit(i->inner, f, depth + 1);
}

static void (*const typed[])(struct item *i, struct feed *f, unsigned depth) = {
	set_flag,
	set_number,
	set_big_number,
	set_bytes,
	set_long,
	set_array,
};

/* Of an attribute that is there. */

static void
drop(struct tmpl *t, size_t at, struct feed *f UNUSED)
{
	item_free(&t->v[at]);
	memmove(&t->v[at], &t->v[at + 1], (t->n - at - 1) * sizeof(t->v[0]));
	t->n--;
}

static void
flip(struct tmpl *t, size_t at, struct feed *f)
{
	struct item *i = &t->v[at];
	size_t byte = (size_t)feed_number(f, 2);

	if (i->inner == NULL && i->len > 0)
		i->value[byte % i->len] ^= feed_u8(f);
}

static void
resize(struct tmpl *t, size_t at, struct feed *f)
{
	struct item *i = &t->v[at];
	uint8_t other[256] = { 0 };
	size_t len = feed_u8(f);

	memcpy(other, i->value, i->len < len ? i->len : len);
	item_set(i, other, len);
}

static void
put_zero_first(struct tmpl *t, size_t at, struct feed *f UNUSED)
{
	struct item *i = &t->v[at];
	uint8_t longer[300] = { 0 };

	if (i->inner != NULL || i->len >= sizeof(longer))
		return;
	memcpy(longer + 1, i->value, i->len);
	item_set(i, longer, i->len + 1);
}

/* A length beyond what the module takes, so that it must not be believed. */
static void
lie(struct tmpl *t, size_t at, struct feed *f)
{
	static const CK_ULONG lies[] = { (CK_ULONG)-1, (CK_ULONG)-1 / 2, (CK_ULONG)-24,
		(1u << 19) + 1, (CK_ULONG)1 << 32, (CK_ULONG)1 << 63, (CK_ULONG)-1 / 24 * 24 };

	t->v[at].claimed = lies[feed_below(f, ARRAY_LEN(lies))];
	t->v[at].lies = true;
}

static void
take_pointer(struct tmpl *t, size_t at, struct feed *f UNUSED)
{
	t->v[at].null = true;
}

static void
empty(struct tmpl *t, size_t at, struct feed *f UNUSED)
{
	item_set(&t->v[at], NULL, 0);
}

static void
twice(struct tmpl *t, size_t at, struct feed *f UNUSED)
{
	if (t->v[at].inner == NULL)
		tmpl_add(t, t->v[at].type, t->v[at].value, t->v[at].len);
}

static void
retype(struct tmpl *t, size_t at, struct feed *f)
{
	CK_ATTRIBUTE_TYPE type = feed_type(f);

	if (t->v[at].inner == NULL)
		t->v[at].type = type;
}

static void (*const placed[])(struct tmpl *t, size_t at, struct feed *f) = {
	drop,
	flip,
	resize,
	put_zero_first,
	lie,
	take_pointer,
	empty,
	twice,
	retype,
};

static void
edit_once(struct tmpl *t, struct feed *f, unsigned depth)
{
	size_t which = feed_below(f, ARRAY_LEN(typed) + ARRAY_LEN(placed) + 1);
	struct item *i;

	if (which < ARRAY_LEN(typed)) {
		if ((i = item_of(t, feed_type(f))) != NULL)
			typed[which](i, f, depth);
		return;
	}
	which -= ARRAY_LEN(typed);
	if (which < ARRAY_LEN(placed)) {
		if (t->n > 0)
			placed[which](t, feed_below(f, t->n), f);
		return;
	}
	for (size_t many = feed_below(f, ITEMS_MAX + 1); many > 0; many--)
		tmpl_add(t, CKA_VENDOR_DEFINED + many, "", 0);
}

static void
edit(struct tmpl *t, struct feed *f, unsigned depth)
{
	for (unsigned n = feed_u8(f) % 32; n > 0 && f->rest.len > 0; n--)
		edit_once(t, f, depth);
}

void
tmpl_edit(struct tmpl *t, struct feed *f)
{
	edit(t, f, 0);
}

/* -- good ones --------------------------------------------------------------------------------- */

static void
add_octets(struct tmpl *t, CK_ATTRIBUTE_TYPE type, struct slice s)
{
	uint8_t der[2 + 127] = { 0x04, (uint8_t)s.len };

	MUST(s.len < 128);
	memcpy(der + 2, s.p, s.len);
	tmpl_add(t, type, der, 2 + s.len);
}

static void
add_key(struct tmpl *t, CK_OBJECT_CLASS class, CK_KEY_TYPE type)
{
	tmpl_number(t, CKA_CLASS, class);
	tmpl_number(t, CKA_KEY_TYPE, type);
	tmpl_bool(t, CKA_TOKEN, false);
	tmpl_add(t, CKA_LABEL, "label", 5);
	if (class == CKO_PUBLIC_KEY)
		return;
	tmpl_bool(t, CKA_PRIVATE, false);
	tmpl_bool(t, CKA_SENSITIVE, false);
	tmpl_bool(t, CKA_EXTRACTABLE, true);
}

static void
good_rsa(struct tmpl *t, bool private)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		enum key_part part;
	} rows[] = {
		{ CKA_MODULUS, PART_RSA_N },
		{ CKA_PUBLIC_EXPONENT, PART_RSA_E },
		{ CKA_PRIVATE_EXPONENT, PART_RSA_D },
		{ CKA_PRIME_1, PART_RSA_P },
		{ CKA_PRIME_2, PART_RSA_Q },
		{ CKA_EXPONENT_1, PART_RSA_DP },
		{ CKA_EXPONENT_2, PART_RSA_DQ },
		{ CKA_COEFFICIENT, PART_RSA_QINV },
	};

	add_key(t, private ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY, CKK_RSA);
	for (size_t i = 0; i < (private ? ARRAY_LEN(rows) : 2); i++)
		add_slice(t, rows[i].type, known_part(KNOWN_RSA, rows[i].part));
}

static void
good_ec(struct tmpl *t, bool private, bool edwards)
{
	enum known key = edwards ? KNOWN_ED25519 : KNOWN_P256;

	add_key(t, private ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY, edwards ? CKK_EC_EDWARDS : CKK_EC);
	add_slice(t, CKA_EC_PARAMS, curve_params(edwards ? CURVE_ED25519 : CURVE_P256));
	if (private)
		add_slice(t, CKA_VALUE, known_part(key, PART_EC_D));
	else
		add_octets(t, CKA_EC_POINT, known_part(key, PART_EC_POINT));
	if (private && !edwards)
		tmpl_bool(t, CKA_DERIVE, true);
}

static void
good_secret(struct tmpl *t, CK_KEY_TYPE type)
{
	static const uint8_t value[32] = "0123456789abcdefghijklmnopqrstu";

	add_key(t, CKO_SECRET_KEY, type);
	tmpl_add(t, CKA_VALUE, value, sizeof(value));
}

static void
good_cert(struct tmpl *t)
{
	static const uint8_t empty_name[] = { 0x30, 0x00 };

	tmpl_number(t, CKA_CLASS, CKO_CERTIFICATE);
	tmpl_number(t, CKA_CERTIFICATE_TYPE, CKC_X_509);
	tmpl_add(t, CKA_SUBJECT, empty_name, sizeof(empty_name));
	add_slice(t, CKA_VALUE, known(KNOWN_CERT));
}

static void
good_data(struct tmpl *t)
{
	tmpl_number(t, CKA_CLASS, CKO_DATA);
	tmpl_add(t, CKA_LABEL, "label", 5);
	tmpl_add(t, CKA_APPLICATION, "fuzz", 4);
	tmpl_add(t, CKA_VALUE, "value", 5);
}

void
tmpl_good(struct tmpl *t, enum good what)
{
	switch (what) {
	case GOOD_DATA: good_data(t); break;
	case GOOD_CERT: good_cert(t); break;
	case GOOD_AES: good_secret(t, CKK_AES); break;
	case GOOD_GENERIC: good_secret(t, CKK_GENERIC_SECRET); break;
	case GOOD_RSA_PUBLIC:
	case GOOD_RSA_PRIVATE: good_rsa(t, what == GOOD_RSA_PRIVATE); break;
	case GOOD_EC_PUBLIC:
	case GOOD_EC_PRIVATE: good_ec(t, what == GOOD_EC_PRIVATE, false); break;
	case GOOD_ED_PUBLIC:
	case GOOD_ED_PRIVATE:
	case GOOD_COUNT: good_ec(t, what == GOOD_ED_PRIVATE, true); break;
	}
}
