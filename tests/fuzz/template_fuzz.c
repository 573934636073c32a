/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any templates, through the attribute reader and the rules of every class: objects are made,
 * generated, unwrapped, derived, copied, changed, asked and found. What is accepted is shown as it
 * was given and keeps the one-way rules; what is refused has changed nothing; what is sensitive is
 * never shown.
 *
 * Input: a byte for the session and the login, then steps: what to do, with what, edits of the
 * template (tmpl.c).
 */
#define _GNU_SOURCE 1
#include "pkcs11/kms-pkcs11.h"
#include "tests/fuzz/known.h"
#include "tests/fuzz/things.h"
#include "tests/fuzz/world.h"

#define STEPS_MAX 14

/* Bytes wrapped by CKM_AES_KEY_WRAP_KWP under the value of GOOD_AES. */
#define BLOBS 4
static struct buf blobs[BLOBS];

/* -- making ------------------------------------------------------------------------------------ */

/* A template as the module is given it: at an odd address, with a count for which there is no
 * memory, or with no memory at all. */
struct given {
	CK_ATTRIBUTE *v;
	CK_ULONG n;
	bool lies;
};

static struct given
give(struct tmpl *t, uint8_t how)
{
	struct given g = { tmpl_pack(t, (how & 1) != 0), t->n, how >= 240 };

	if (how >= 248)
		g.n = (CK_ULONG)-1 / (how == 250 ? sizeof(CK_ATTRIBUTE) : 1);
	else if (how >= 240)
		g = (struct given){ NULL, how - 239u, true };
	return g;
}

/* No trouble of ours, and nobody was fooled. True: CKR_OK. */
static bool
accepted(const struct given *g, CK_RV rv)
{
	MUST(rv != CKR_HOST_MEMORY && rv != CKR_GENERAL_ERROR && rv != CKR_DEVICE_ERROR &&
	    rv != CKR_DEVICE_MEMORY && rv != CKR_FUNCTION_FAILED && rv != CKR_FUNCTION_CANCELED);
	MUST(!g->lies || rv != CKR_OK);
	return rv == CKR_OK;
}

/* What has just been made lies where this session may write, and has an id. */
static void
check_new(const struct shot *s)
{
	MUST(!is_key(s) || shot_value(s, CKA_ID).len > 0);
	MUST(rw || !shot_on(s, CKA_TOKEN));
	MUST(so || !shot_on(s, CKA_TRUSTED));
}

static void
do_create(struct feed *f)
{
	auto_tmpl t = { 0 };
	uint8_t how = feed_u8(f);
	size_t what = feed_below(f, GOOD_COUNT + 1);
	CK_OBJECT_HANDLE handle = 0;
	struct thing *made;
	struct given g;
	CK_RV rv;

	if (what < GOOD_COUNT)
		tmpl_good(&t, (enum good)what);
	tmpl_edit(&t, f);
	g = give(&t, how);
	rv = C_CreateObject(session, g.v, g.n, &handle);
	MUST(accepted(&g, rv) == (handle != 0));
	if (rv != CKR_OK)
		return;
	made = remember(handle);
	MUST(shot_keeps(&made->shot, &t));
	check_new(&made->shot);
	MUST(!shot_on(&made->shot, CKA_LOCAL));
	MUST(!shot_on(&made->shot, CKA_ALWAYS_SENSITIVE));
	MUST(!shot_on(&made->shot, CKA_NEVER_EXTRACTABLE));
}

static void
check_generated(const struct thing *made, const struct tmpl *t, CK_MECHANISM_TYPE mechanism)
{
	const struct shot *s = &made->shot;

	MUST(shot_keeps(s, t));
	check_new(s);
	MUST(shot_on(s, CKA_LOCAL) && shot_number(s, CKA_KEY_GEN_MECHANISM) == mechanism);
	if (!holds_secret(s))
		return;
	MUST(shot_on(s, CKA_ALWAYS_SENSITIVE) == shot_on(s, CKA_SENSITIVE));
	MUST(shot_on(s, CKA_NEVER_EXTRACTABLE) != shot_on(s, CKA_EXTRACTABLE));
}

static void
do_generate(struct feed *f)
{
	static const CK_MECHANISM_TYPE types[] = { CKM_AES_KEY_GEN, CKM_GENERIC_SECRET_KEY_GEN,
		CKM_EC_KEY_PAIR_GEN };
	CK_MECHANISM m = { types[feed_below(f, ARRAY_LEN(types))], NULL, 0 };
	uint8_t how = feed_u8(f);
	CK_OBJECT_HANDLE handle = 0;
	auto_tmpl t = { 0 };
	struct given g;
	CK_RV rv;

	tmpl_number(&t, CKA_VALUE_LEN, 16);
	tmpl_edit(&t, f);
	g = give(&t, how);
	rv = C_GenerateKey(session, &m, g.v, g.n, &handle);
	MUST(accepted(&g, rv) == (handle != 0));
	if (rv == CKR_OK)
		check_generated(remember(handle), &t, m.mechanism);
}

static void
do_generate_pair(struct feed *f)
{
	static const CK_MECHANISM_TYPE types[] = { CKM_EC_KEY_PAIR_GEN, CKM_EC_EDWARDS_KEY_PAIR_GEN,
		CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_AES_KEY_GEN };
	CK_MECHANISM m = { types[feed_below(f, ARRAY_LEN(types))], NULL, 0 };
	uint8_t how = feed_u8(f);
	struct slice params =
	    curve_params(m.mechanism == CKM_EC_EDWARDS_KEY_PAIR_GEN ? CURVE_ED25519 : CURVE_P256);
	CK_OBJECT_HANDLE pub = 0, priv = 0;
	const struct thing *a, *b;
	auto_tmpl t = { 0 };
	auto_tmpl u = { 0 };
	struct given g, h;
	CK_RV rv;

	if (m.mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN)
		tmpl_number(&t, CKA_MODULUS_BITS, 2048);
	else
		tmpl_add(&t, CKA_EC_PARAMS, params.p, params.len);
	if (!user)
		tmpl_bool(&u, CKA_PRIVATE, false);
	tmpl_edit(&t, f);
	tmpl_edit(&u, f);
	g = give(&t, how);
	h = give(&u, how);
	rv = C_GenerateKeyPair(session, &m, g.v, g.n, h.v, h.n, &pub, &priv);
	MUST(accepted(&g, rv) == (pub != 0 && priv != 0));
	if (rv != CKR_OK) {
		MUST(pub == 0 && priv == 0);
		return;
	}
	a = remember(pub);
	b = remember(priv);
	check_generated(a, &t, m.mechanism);
	check_generated(b, &u, m.mechanism);
	MUST(slice_eq(shot_value(&a->shot, CKA_PUBLIC_KEY_INFO),
	    shot_value(&b->shot, CKA_PUBLIC_KEY_INFO)));
}

static struct thing *
some_thing(struct feed *f)
{
	return n_things == 0 ? NULL : &things[feed_below(f, n_things)];
}

/* The length of the wrapped bytes goes up to the multiple of 8 that KWP makes of it. */
static void
make_blobs(void)
{
	static const uint8_t secret[40] = "a key of forty bytes, or a part of them";
	const struct slice plain[BLOBS] = { slice_of(secret, 16), slice_of(secret, 40),
		known(KNOWN_P256), known(KNOWN_RSA) };
	CK_MECHANISM m = { CKM_AES_KEY_WRAP_KWP, NULL, 0 };
	CK_OBJECT_HANDLE key;
	auto_tmpl t = { 0 };

	world_begin();
	MUST(C_Initialize(NULL) == CKR_OK);
	MUST(C_OpenSession(SLOT, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK);
	tmpl_good(&t, GOOD_AES);
	MUST(C_CreateObject(session, tmpl_pack(&t, false), t.n, &key) == CKR_OK);
	for (size_t i = 0; i < BLOBS; i++) {
		CK_BYTE *in = (CK_BYTE *)(uintptr_t)plain[i].p;
		CK_ULONG len = plain[i].len + 16;
		uint8_t *out;

		MUST(buf_extend(&blobs[i], len, &out) == KMS_OK);
		MUST(C_EncryptInit(session, &m, key) == CKR_OK);
		MUST(C_Encrypt(session, in, plain[i].len, out, &len) == CKR_OK);
		blobs[i].len = len;
	}
	world_end();
}

static void
do_unwrap(struct feed *f)
{
	CK_MECHANISM m = { CKM_AES_KEY_WRAP_KWP, NULL, 0 };
	size_t at = n_things == 0 ? 0 : feed_below(f, n_things), blob = feed_below(f, BLOBS);
	uint8_t how = feed_u8(f);
	CK_OBJECT_HANDLE handle = 0;
	struct thing *made;
	auto_tmpl t = { 0 };
	struct given g;
	CK_RV rv;

	if (n_things == 0)
		return;
	tmpl_number(&t, CKA_CLASS, blob < 2 ? CKO_SECRET_KEY : CKO_PRIVATE_KEY);
	tmpl_number(&t, CKA_KEY_TYPE,
	    blob == 0	    ? CKK_AES
		: blob == 1 ? CKK_GENERIC_SECRET
		: blob == 2 ? CKK_EC
			    : CKK_RSA);
	tmpl_edit(&t, f);
	g = give(&t, how);
	rv = C_UnwrapKey(session, &m, things[at].handle, blobs[blob].p, blobs[blob].len, g.v, g.n,
	    &handle);
	MUST(accepted(&g, rv) == (handle != 0));
	if (rv != CKR_OK)
		return;
	MUST(shot_on(&things[at].shot, CKA_UNWRAP));
	made = remember(handle);
	MUST(shot_keeps(&made->shot, &t));
	MUST(shot_keeps_array(&made->shot, shot_value(&things[at].shot, CKA_UNWRAP_TEMPLATE)));
	check_new(&made->shot);
	MUST(!shot_on(&made->shot, CKA_LOCAL) && !shot_on(&made->shot, CKA_ALWAYS_SENSITIVE) &&
	    !shot_on(&made->shot, CKA_NEVER_EXTRACTABLE));
}

static void
do_derive(struct feed *f)
{
	struct slice point = known_part(KNOWN_P256, PART_EC_POINT);
	CK_ECDH1_DERIVE_PARAMS p = { .kdf = CKD_NULL,
		.ulPublicDataLen = point.len,
		.pPublicData = (CK_BYTE *)(uintptr_t)point.p };
	CK_MECHANISM m = { CKM_ECDH1_DERIVE, &p, sizeof(p) };
	size_t at = n_things == 0 ? 0 : feed_below(f, n_things);
	uint8_t how = feed_u8(f);
	CK_OBJECT_HANDLE handle = 0;
	const struct shot *base = &things[at].shot, *made;
	auto_tmpl t = { 0 };
	struct given g;
	CK_RV rv;

	if (n_things == 0)
		return;
	tmpl_edit(&t, f);
	g = give(&t, how);
	rv = C_DeriveKey(session, &m, things[at].handle, g.v, g.n, &handle);
	MUST(accepted(&g, rv) == (handle != 0));
	if (rv != CKR_OK)
		return;
	MUST(shot_on(base, CKA_DERIVE));
	made = &remember(handle)->shot;
	MUST(shot_keeps(made, &t));
	MUST(shot_keeps_array(made, shot_value(base, CKA_DERIVE_TEMPLATE)));
	check_new(made);
	MUST(!shot_on(made, CKA_LOCAL));
	MUST(shot_on(made, CKA_ALWAYS_SENSITIVE) ==
	    (shot_on(base, CKA_ALWAYS_SENSITIVE) && shot_on(made, CKA_SENSITIVE)));
	MUST(shot_on(made, CKA_NEVER_EXTRACTABLE) ==
	    (shot_on(base, CKA_NEVER_EXTRACTABLE) && !shot_on(made, CKA_EXTRACTABLE)));
}

/* -- changing ---------------------------------------------------------------------------------- */

/* What a copy and a change may not do, footnotes 11 and 12 of table 10. */
static void
check_one_way(const struct shot *was, const struct shot *is)
{
	static const CK_ATTRIBUTE_TYPE stay_true[] = { CKA_SENSITIVE, CKA_WRAP_WITH_TRUSTED },
				       stay_false[] = { CKA_EXTRACTABLE, CKA_COPYABLE },
				       stay[] = { CKA_LOCAL, CKA_ALWAYS_SENSITIVE,
					       CKA_NEVER_EXTRACTABLE, CKA_ALWAYS_AUTHENTICATE };

	for (size_t i = 0; i < ARRAY_LEN(stay_true); i++)
		MUST(!shot_on(was, stay_true[i]) || shot_on(is, stay_true[i]));
	for (size_t i = 0; i < ARRAY_LEN(stay_false); i++)
		MUST(shot_on(was, stay_false[i]) || !shot_on(is, stay_false[i]));
	for (size_t i = 0; i < ARRAY_LEN(stay); i++)
		MUST(shot_on(was, stay[i]) == shot_on(is, stay[i]));
	MUST(shot_number(was, CKA_CLASS) == shot_number(is, CKA_CLASS));
	MUST(shot_number(was, CKA_KEY_TYPE) == shot_number(is, CKA_KEY_TYPE));
}

static void
do_copy(struct feed *f)
{
	size_t at = n_things == 0 ? 0 : feed_below(f, n_things);
	const struct shot *from = &things[at].shot, *made;
	uint8_t how = feed_u8(f);
	CK_OBJECT_HANDLE handle = 0;
	auto_tmpl t = { 0 };
	struct given g;
	struct thing *copy;
	CK_RV rv;

	if (n_things == 0)
		return;
	tmpl_edit(&t, f);
	g = give(&t, how);
	rv = C_CopyObject(session, things[at].handle, g.v, g.n, &handle);
	MUST(accepted(&g, rv) == (handle != 0));
	if (rv != CKR_OK)
		return;
	MUST(shot_on(from, CKA_COPYABLE));
	copy = remember(handle);
	made = &copy->shot;
	if (holds_secret(from) && !shot_on(made, CKA_TOKEN))
		copy->original = shot_on(from, CKA_TOKEN) ? things[at].handle : things[at].original;
	MUST(shot_keeps(made, &t));
	check_one_way(from, made);
	MUST(rw || !shot_on(made, CKA_TOKEN));
	MUST(!(holds_secret(from) && shot_on(from, CKA_PRIVATE)) || shot_on(made, CKA_PRIVATE));
	MUST(!slice_eq(shot_value(from, CKA_UNIQUE_ID), shot_value(made, CKA_UNIQUE_ID)));
	tmpl_add(&t, CKA_UNIQUE_ID, "", 0);
	if (!so) { /* 4.3, footnote 10: a copy is not trusted because its original is */
		MUST(!shot_on(made, CKA_TRUSTED));
		tmpl_add(&t, CKA_TRUSTED, "", 0);
	}
	/* closing a key closes its value with it */
	if (shot_hides(made, CKA_VALUE) || shot_hides(made, CKA_PRIME_1))
		return;
	MUST(shot_same(from, made, &t));
}

/* The types of a key's secret parts, whose showing depends on other attributes. */
static void
add_secrets(struct tmpl *t)
{
	static const CK_ATTRIBUTE_TYPE secret[] = { CKA_VALUE, CKA_PRIVATE_EXPONENT, CKA_PRIME_1,
		CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT };

	for (size_t i = 0; i < ARRAY_LEN(secret); i++)
		tmpl_add(t, secret[i], "", 0);
}

static size_t
do_set(struct feed *f)
{
	size_t at = n_things == 0 ? 0 : feed_below(f, n_things);
	struct shot *was = &things[at].shot, is = { 0 };
	uint8_t how = feed_u8(f);
	auto_tmpl t = { 0 };
	struct given g;
	CK_RV rv;

	if (n_things == 0)
		return THINGS_MAX;
	tmpl_edit(&t, f);
	g = give(&t, how);
	rv = C_SetAttributeValue(session, things[at].handle, g.v, g.n);
	if (!accepted(&g, rv))
		return THINGS_MAX;
	MUST(shot_on(was, CKA_MODIFIABLE) && (rw || !shot_on(was, CKA_TOKEN)));
	MUST(shot_take(session, things[at].handle, &is));
	check_object(&is);
	MUST(shot_keeps(&is, &t));
	check_one_way(was, &is);
	MUST(shot_on(was, CKA_DESTROYABLE) || !shot_on(&is, CKA_DESTROYABLE));
	MUST(so || shot_on(was, CKA_TRUSTED) || !shot_on(&is, CKA_TRUSTED));
	MUST(so || !shot_on(was, CKA_TRUSTED) || shot_number(was, CKA_CLASS) != CKO_CERTIFICATE);
	if (holds_secret(was))
		add_secrets(&t);
	MUST(shot_same(was, &is, &t));
	MUST(shot_on(was, CKA_PRIVATE) == shot_on(&is, CKA_PRIVATE) &&
	    shot_on(was, CKA_MODIFIABLE) == shot_on(&is, CKA_MODIFIABLE));
	shot_free(was);
	things[at].shot = is; /* moved */
	return at;
}

static void
do_destroy(struct feed *f)
{
	size_t at = n_things == 0 ? 0 : feed_below(f, n_things);
	const struct shot *s = &things[at].shot;
	CK_RV rv;

	if (n_things == 0)
		return;
	rv = C_DestroyObject(session, things[at].handle);
	if (!rw && shot_on(s, CKA_TOKEN))
		MUST(rv == CKR_SESSION_READ_ONLY);
	else if (!shot_on(s, CKA_DESTROYABLE))
		MUST(rv == CKR_ACTION_PROHIBITED);
	else
		MUST(rv == CKR_OK);
	if (rv == CKR_OK)
		destroyed(at);
}

/* -- asking ------------------------------------------------------------------------------------ */

/* One attribute of an ask: room for as many bytes as the input says, or none. */
static CK_ATTRIBUTE
ask_of(struct feed *f, const struct shot *s)
{
	CK_ATTRIBUTE_TYPE type = tmpl_types[feed_below(f, tmpl_n_types)];
	struct slice v = shot_value(s, type);
	size_t room = v.len;

	switch (feed_below(f, 5)) {
	case 0: return (CK_ATTRIBUTE){ type, NULL, feed_number(f, 8) };
	case 1: break;
	case 2: room = v.len == 0 ? 0 : v.len - 1; break;
	case 3: room = feed_u8(f); break;
	default: room = 0;
	}
	if (tmpl_is_array(type)) /* only the count: inner pointers are the caller's promise */
		return (CK_ATTRIBUTE){ type, NULL, 0 };
	return (CK_ATTRIBUTE){ type, malloc(room), room };
}

static void
check_answer(const CK_ATTRIBUTE *asked, const CK_ATTRIBUTE *got, const struct shot *s, CK_RV *first)
{
	struct slice v = shot_value(s, asked->type);
	CK_RV rv = CKR_OK;

	MUST(got->type == asked->type && got->pValue == asked->pValue);
	if (shot_hides(s, asked->type))
		rv = CKR_ATTRIBUTE_SENSITIVE;
	else if (!shot_has(s, asked->type))
		rv = CKR_ATTRIBUTE_TYPE_INVALID;
	else if (asked->pValue != NULL && asked->ulValueLen < v.len)
		rv = CKR_BUFFER_TOO_SMALL;
	if (*first == CKR_OK)
		*first = rv;
	if (rv != CKR_OK) {
		MUST(got->ulValueLen == CK_UNAVAILABLE_INFORMATION);
		return;
	}
	if (tmpl_is_array(asked->type))
		return;
	MUST(got->ulValueLen == v.len);
	MUST(got->pValue == NULL || slice_eq(slice_of(got->pValue, v.len), v));
}

static void
do_get(struct feed *f)
{
	const struct thing *t = some_thing(f);
	size_t n = feed_below(f, 9), odd = feed_u8(f) & 1;
	CK_ATTRIBUTE asked[8], got;
	CK_RV rv, first = CKR_OK;
	uint8_t *room;

	if (t == NULL)
		return;
	MUST((room = malloc(n * sizeof(asked[0]) + odd)) != NULL || n + odd == 0);
	for (size_t i = 0; i < n; i++)
		asked[i] = ask_of(f, &t->shot);
	if (n > 0)
		memcpy(room + odd, asked, n * sizeof(asked[0]));
	rv = C_GetAttributeValue(session, t->handle, (CK_ATTRIBUTE *)(void *)(room + odd), n);
	for (size_t i = 0; i < n; i++) {
		memcpy(&got, room + odd + i * sizeof(got), sizeof(got));
		check_answer(&asked[i], &got, &t->shot, &first);
		free(asked[i].pValue);
	}
	MUST(rv == first);
	/* more than anybody asks for: not even looked at */
	MUST(C_GetAttributeValue(session, t->handle, (CK_ATTRIBUTE *)(void *)(room + odd),
		 (CK_ULONG)-1 - feed_u8(f)) == CKR_ARGUMENTS_BAD);
	free(room);
}

static void
do_find(struct feed *f)
{
	uint8_t how = feed_u8(f);
	CK_OBJECT_HANDLE found[HANDLES_MAX];
	auto_tmpl t = { 0 };
	size_t n;
	struct given g;
	CK_RV rv;

	tmpl_edit(&t, f);
	g = give(&t, how);
	n = find(g.v, g.n, found, &rv);
	if (!accepted(&g, rv))
		return;
	for (size_t i = 0; i < n_things; i++) {
		bool is = false;

		for (size_t k = 0; k < n; k++)
			is |= found[k] == things[i].handle;
		MUST(is == shot_matches(&things[i].shot, &t));
	}
}

static void
do_wrap(struct feed *f)
{
	CK_MECHANISM m = { CKM_AES_KEY_WRAP_KWP, NULL, 0 };
	const struct thing *key = some_thing(f), *target = some_thing(f);
	uint8_t out[4096];
	CK_ULONG len = sizeof(out);
	CK_RV rv;

	if (key == NULL)
		return;
	rv = C_WrapKey(session, &m, key->handle, target->handle, out, &len);
	if (!accepted(&(struct given){ .lies = false }, rv))
		return;
	MUST(holds_secret(&target->shot) && shot_on(&target->shot, CKA_EXTRACTABLE));
	MUST(shot_on(&key->shot, CKA_WRAP));
	MUST(!shot_on(&target->shot, CKA_WRAP_WITH_TRUSTED) || shot_on(&key->shot, CKA_TRUSTED));
	MUST(shot_matches_array(&target->shot, shot_value(&key->shot, CKA_WRAP_TEMPLATE)));
}

/* -- the whole --------------------------------------------------------------------------------- */

/* Gives the place of the object that has changed, THINGS_MAX for none. */
static size_t
step(struct feed *f)
{
	switch (feed_u8(f) % 12) {
	case 0:
	case 1: do_create(f); break;
	case 2: do_generate(f); break;
	case 3: do_generate_pair(f); break;
	case 4: do_unwrap(f); break;
	case 5: do_derive(f); break;
	case 6: do_copy(f); break;
	case 7: return do_set(f);
	case 8: do_destroy(f); break;
	case 9: do_get(f); break;
	case 10: do_find(f); break;
	default: do_wrap(f); break;
	}
	return THINGS_MAX;
}

static CK_UTF8CHAR *
text_of(const char *s)
{
	return (CK_UTF8CHAR *)(uintptr_t)s;
}

static void
begin(uint8_t how)
{
	world_begin();
	so = (how & 3) == 3;
	user = (how & 3) < 2;
	rw = so || (how & 4) == 0;
	MUST(C_Initialize(NULL) == CKR_OK);
	MUST(C_OpenSession(SLOT, CKF_SERIAL_SESSION | (rw ? CKF_RW_SESSION : 0), NULL, NULL,
		 &session) == CKR_OK);
	if (so)
		MUST(C_Login(session, CKU_SO, text_of(SO_PIN), strlen(SO_PIN)) == CKR_OK);
	if (user)
		MUST(C_Login(session, CKU_USER, text_of(USER_PIN), strlen(USER_PIN)) == CKR_OK);
}

int
LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	/* A type that the schema has and the target has not would go unlooked at. */
#define R(classes, keys, attribute, how, arg, flags)        \
	{                                                   \
		bool is = false;                            \
		for (size_t i = 0; i < tmpl_n_types; i++)   \
			is |= tmpl_types[i] == (attribute); \
		MUST(is);                                   \
	}
#include "pkcs11/rules.def"
#undef R
	world_make();
	make_blobs();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = { slice_of(data, size) };
	size_t changed;

	begin(feed_u8(&f));
	for (int n = 0; n < STEPS_MAX && f.rest.len > 0; n++) {
		make_room();
		if (session == 0)
			break;
		changed = step(&f);
		check_world(changed);
	}
	forget_all();
	world_end();
	return 0;
}
