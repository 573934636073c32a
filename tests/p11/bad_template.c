/* SPDX-License-Identifier: Apache-2.0 */
/* Templates and mechanisms that make no sense, in every function that takes one; see bad.h. */
#include "tests/p11/bad.h"
#include "tests/p11/matrix.h"

static const CK_ATTRIBUTE_TYPE unknown_types[] = { 0x7fffffff, (CK_ULONG)-1, CKA_VENDOR_DEFINED | 1,
	0x40000000 | 0x999, 0xdeadbeefcafe };

static bool
is_find(const struct good *g)
{
	return g->kind == K_FIND;
}

static bool
is_get(const struct good *g)
{
	return strcmp(g->name, "C_GetAttributeValue") == 0;
}

/* -- attributes ----------------------------------------------------------------------------- */

/* The good call with another Nth template. */
static void
begin_with(struct bad *b, const struct good *g, size_t n, const struct tmpl *t)
{
	size_t i;

	bad_begin(b, g);
	i = arg_of(b->call, TEMPLATE, n);
	b->a[i].p = yard_put(t->v, t->n * sizeof(*t->v)); /* values stay where they are */
	b->a[i + 1].n = t->n;
}

/* Runs F with every template of every function that reads one. */
static void
each_template(void (*f)(const struct good *g, size_t n, struct tmpl *t))
{
	for (size_t i = 0; i < n_goods; i++)
		for (size_t n = 0; n < 2; n++) {
			struct tmpl t = { .n = 0 };

			if (goods[i].templ[n] == NULL || is_get(&goods[i]))
				continue;
			goods[i].templ[n](&t);
			f(&goods[i], n, &t);
		}
}

static void
spoil_lengths(const struct good *g, size_t n, struct tmpl *t)
{
	static const CK_ULONG lengths[] = { CK_UNAVAILABLE_INFORMATION, (CK_ULONG)-1 >> 1,
		(CK_ULONG)1 << 40, 1u << 20 };

	for (CK_ULONG i = 0; i < t->n; i++) {
		const CK_ATTRIBUTE good = t->v[i];
		struct bad b;

		t->v[i].pValue = NULL;
		begin_with(&b, g, n, t);
		bad_say(&b, " with attribute 0x%lx at NULL", good.type);
		bad_run(&b, CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_VALUE_INVALID);
		for (size_t l = 0; l < 2 * N(lengths); l++) {
			t->v[i].pValue = l % 2 == 0 ? good.pValue : NULL;
			t->v[i].ulValueLen = lengths[l / 2];
			begin_with(&b, g, n, t);
			bad_say(&b, " with attribute 0x%lx of length 0x%lx", good.type,
			    lengths[l / 2]);
			bad_run(&b, CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_VALUE_INVALID);
		}
		t->v[i] = good;
	}
}

START_TEST(an_attribute_whose_value_cannot_be_read_is_refused)
{
	each_template(spoil_lengths);
}
END_TEST

static void
spoil_values(const struct good *g, size_t n, struct tmpl *t)
{
	static CK_BYTE bytes[16] = { 2 };
	static const size_t sizes[] = { 0, 1, 2, 4, 7, 9 };
	CK_RV want = is_find(g) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;

	for (CK_ULONG i = 0; i < t->n; i++)
		for (size_t s = 0; s < N(sizes); s++) {
			const CK_ATTRIBUTE good = t->v[i];
			struct bad b;

			/* only what is a number or a flag has no other length, and 2 is no flag */
			if (good.pValue != &t->mem[i])
				continue;
			t->v[i].pValue = bytes;
			t->v[i].ulValueLen = sizes[s];
			begin_with(&b, g, n, t);
			bad_say(&b, " with attribute 0x%lx of %zu bytes", good.type, sizes[s]);
			bad_run(&b, want, want);
			idle();
			t->v[i] = good;
		}
}

START_TEST(a_number_or_flag_of_another_length_is_refused)
{
	each_template(spoil_values);
}
END_TEST

static void
spoil_types(const struct good *g, size_t n, struct tmpl *t)
{
	CK_RV want = is_find(g) ? CKR_OK : CKR_ATTRIBUTE_TYPE_INVALID;

	for (size_t i = 0; i < N(unknown_types); i++) {
		struct bad b;

		t_ulong(t, unknown_types[i], 1);
		begin_with(&b, g, n, t);
		bad_say(&b, " with attribute 0x%lx", unknown_types[i]);
		bad_run(&b, want, want);
		idle();
		t->n--;
	}
}

START_TEST(an_unknown_attribute_is_refused_and_found_nowhere)
{
	struct tmpl t = { .n = 0 };

	each_template(spoil_types);
	for (size_t i = 0; i < N(unknown_types); i++) {
		t.n = 0;
		t_ulong(&t, unknown_types[i], 1);
		ck_assert_uint_eq(find_all(hs, &t, NULL), 0);
	}
}
END_TEST

static void
spoil_numbers(const struct good *g, size_t n, struct tmpl *t)
{
	CK_RV want = is_find(g) ? CKR_ARGUMENTS_BAD : CKR_TEMPLATE_INCONSISTENT;
	CK_ATTRIBUTE many[65];
	struct bad b;
	size_t k;

	for (CK_ULONG i = 0; i < t->n; i++) {
		t->v[t->n++] = t->v[i];
		begin_with(&b, g, n, t);
		bad_say(&b, " with attribute 0x%lx twice", t->v[i].type);
		bad_run(&b, want, want);
		t->n--;
	}
	for (size_t i = 0; i < N(many); i++)
		many[i] = (CK_ATTRIBUTE){ CKA_VENDOR_DEFINED + i, NULL, 0 };
	bad_begin(&b, g);
	k = arg_of(b.call, TEMPLATE, n);
	b.a[k].p = yard_put(many, sizeof(many));
	b.a[k + 1].n = N(many);
	bad_say(&b, " with 65 attributes");
	bad_run(&b, want, want);
}

START_TEST(an_attribute_twice_and_too_many_are_refused)
{
	each_template(spoil_numbers);
}
END_TEST

/* -- templates in templates ----------------------------------------------------------------- */

#define DEEP 1000

static CK_ATTRIBUTE deep[DEEP], wide[65];
static CK_BYTE big[400 << 10];

/* The Ith bad value of CKA_WRAP_TEMPLATE; false when there are no more. */
static bool
bad_array(size_t i, CK_ATTRIBUTE_TYPE type, CK_ATTRIBUTE *ret)
{
	static CK_ATTRIBUTE inner[2];
	CK_BBOOL *yes = (CK_BBOOL *)big;

	*yes = CK_TRUE;
	inner[0] = (CK_ATTRIBUTE){ CKA_SIGN, yes, 1 };
	inner[1] = (CK_ATTRIBUTE){ CKA_LABEL, big, 1 };
	*ret = (CK_ATTRIBUTE){ type, inner, sizeof(inner) };
	switch (i) {
	case 0: ret->ulValueLen--; return true;
	case 1: ret->ulValueLen = 1; return true;
	case 2: ret->pValue = NULL; return true;
	case 3: inner[0].pValue = NULL; return true;
	case 4: inner[1].ulValueLen = (CK_ULONG)-1; return true;
	case 5: inner[1].ulValueLen = (CK_ULONG)1 << 40; return true;
	case 6: /* more than a template holds, but each of them not */
		inner[0] = (CK_ATTRIBUTE){ CKA_ID, big, sizeof(big) };
		inner[1].ulValueLen = sizeof(big);
		return true;
	case 7: inner[1] = (CK_ATTRIBUTE){ type, inner, sizeof(inner) }; return true; /* itself */
	case 8:
		inner[1] = (CK_ATTRIBUTE){ CKA_UNWRAP_TEMPLATE, deep, sizeof(*deep) };
		for (size_t d = 0; d < DEEP; d++)
			deep[d] = (CK_ATTRIBUTE){ type, &deep[(d + 1) % DEEP], sizeof(*deep) };
		return true;
	case 9:
		for (size_t k = 0; k < N(wide); k++)
			wide[k] = (CK_ATTRIBUTE){ CKA_VENDOR_DEFINED + k, big, 1 };
		ret->pValue = wide;
		ret->ulValueLen = sizeof(wide);
		return true;
	case 10: ret->ulValueLen = (CK_ULONG)-1; return true;
	case 11: ret->ulValueLen = (CK_ULONG)-1 / sizeof(*inner) * sizeof(*inner); return true;
	default: return false;
	}
}

static void
spoil_arrays(const struct good *g, size_t n, struct tmpl *t)
{
	static const CK_ATTRIBUTE_TYPE types[] = { CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE,
		CKA_DERIVE_TEMPLATE };
	CK_ATTRIBUTE a;

	for (size_t k = 0; k < N(types); k++)
		for (size_t i = 0; bad_array(i, types[k], &a); i++) {
			struct bad b;

			t->v[t->n++] = a;
			begin_with(&b, g, n, t);
			bad_say(&b, " with array %zu of type 0x%lx", i, types[k]);
			bad_run_refused(&b);
			t->n--;
		}
}

START_TEST(a_template_in_a_template_is_read_one_level_deep_and_no_further)
{
	each_template(spoil_arrays);
}
END_TEST

/* -- long values ---------------------------------------------------------------------------- */

/* What is stored has limits of its own, behind that of templates: whoever finds them says so in the
 * words of this function. */
START_TEST(the_longest_values_are_kept_or_refused_by_a_code_of_the_function)
{
	static const CK_ATTRIBUTE_TYPE types[] = { CKA_LABEL, CKA_APPLICATION, CKA_OBJECT_ID,
		CKA_VALUE, CKA_SUBJECT, CKA_ID, CKA_ISSUER, CKA_SERIAL_NUMBER, CKA_URL,
		CKA_HASH_OF_SUBJECT_PUBLIC_KEY, CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE,
		CKA_START_DATE, CKA_ALLOWED_MECHANISMS, CKA_MODULUS, CKA_PUBLIC_EXPONENT,
		CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_EC_PARAMS, CKA_EC_POINT };
	static void (*const made[])(struct tmpl *, CK_KEY_TYPE) = { NULL, t_known_public,
		t_known_private, t_secret };
	static const CK_KEY_TYPE keys[] = { CKK_RSA, CKK_EC };
	const struct call *c = call_of("C_CreateObject");

	for (size_t m = 0; m < N(made); m++)
		for (size_t k = 0; k < N(keys); k++)
			for (size_t i = 0; i < 4 * N(types); i++) {
				struct tmpl t = { .n = 0 };
				CK_OBJECT_HANDLE o;
				CK_RV rv;

				if (made[m] == NULL) {
					t_ulong(&t, CKA_CLASS, CKO_DATA);
					t_bool(&t, CKA_TOKEN, false);
				} else if (made[m] == t_secret) {
					t_secret(&t, CKK_GENERIC_SECRET);
				} else {
					made[m](&t, keys[k]);
				}
				t_drop(&t, types[i / 4]);
				t_bytes(&t, types[i / 4], big, i % 4 < 2 ? sizeof(big) : 300 << 10);
				t_set_bool(&t, CKA_TOKEN, i % 2 != 0);
				rv = create(hs, &t, &o);
				ck_assert_msg(is_allowed(c, rv), "a long 0x%lx in kind %zu: %s",
				    types[i / 4], m, p11_name(rv));
				if (rv == CKR_OK)
					CHECK_OK(p11->C_DestroyObject(hs, o));
			}
	world_signs();
}
END_TEST

/* -- C_GetAttributeValue -------------------------------------------------------------------- */

START_TEST(every_attribute_is_answered_beside_those_that_cannot_be)
{
	static CK_BYTE room[4][32];
	CK_BYTE *edge = guarded(sizeof(CK_ULONG));
	CK_ATTRIBUTE inner = { 77, room[2], 0 };
	CK_ATTRIBUTE t[] = {
		{ 0x7fffffff, room[0], sizeof(room[0]) },
		{ CKA_VALUE, room[1], 31 },
		{ CKA_CLASS, edge, (CK_ULONG)-1 },
		{ CKA_TOKEN, NULL, (CK_ULONG)-1 },
		{ CKA_MODULUS, NULL, 0 },
		{ CKA_WRAP_TEMPLATE, &inner, sizeof(inner) - 1 },
		{ CKA_WRAP_TEMPLATE, &inner, sizeof(inner) },
		{ CKA_VALUE, room[3], 32 },
		{ CKA_VALUE, NULL, 5 },
	};
	static const CK_ULONG want[] = { CK_UNAVAILABLE_INFORMATION, CK_UNAVAILABLE_INFORMATION, 8,
		1, CK_UNAVAILABLE_INFORMATION, CK_UNAVAILABLE_INFORMATION, sizeof(inner), 32, 32 };

	CHECK_IN(p11->C_GetAttributeValue(hs, w.aes, t, N(t)), CKR_ATTRIBUTE_TYPE_INVALID,
	    CKR_BUFFER_TOO_SMALL);
	for (size_t i = 0; i < N(t); i++)
		ck_assert_msg(t[i].ulValueLen == want[i], "attribute %zu: %lu", i, t[i].ulValueLen);
	ck_assert_mem_eq(room[3], secret_value, 32);
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < sizeof(room[i]); k++)
			ck_assert_uint_eq(room[i][k], 0);
	/* the type of an inner one is told, its value did not fit */
	ck_assert_uint_eq(inner.type, CKA_EXTRACTABLE);
	ck_assert_uint_eq(inner.ulValueLen, CK_UNAVAILABLE_INFORMATION);
}
END_TEST

/* -- mechanisms ----------------------------------------------------------------------------- */

START_TEST(an_unknown_mechanism_is_refused_by_every_function)
{
	static const CK_MECHANISM_TYPE types[] = { 0x7fffffff, (CK_ULONG)-1, CKM_VENDOR_DEFINED | 1,
		CKM_DES3_ECB, 0xdeadbeefcafe };

	for (size_t i = 0; i < n_goods; i++)
		for (size_t m = 0; m < 2 * N(types) && goods[i].mech != NULL; m++) {
			CK_MECHANISM mech = { types[m / 2], NULL, 0 };
			struct bad b;

			if (m % 2 != 0)
				mech.ulParameterLen = (CK_ULONG)-1;
			bad_begin(&b, &goods[i]);
			b.a[arg_of(b.call, MECHANISM, 0)].p = yard_put(&mech, sizeof(mech));
			bad_say(&b, " with mechanism 0x%lx", mech.mechanism);
			bad_run(&b, CKR_MECHANISM_INVALID, CKR_MECHANISM_INVALID);
		}
}
END_TEST

static const struct {
	CK_FLAGS flag;
	const char *name;
	bool private; /* of a pair, the private key does it */
} users[] = { { CKF_ENCRYPT, "C_EncryptInit", false }, { CKF_DECRYPT, "C_DecryptInit", true },
	{ CKF_DIGEST, "C_DigestInit", false }, { CKF_SIGN, "C_SignInit", true },
	{ CKF_VERIFY, "C_VerifyInit", false }, { CKF_WRAP, "C_WrapKey", false },
	{ CKF_UNWRAP, "C_UnwrapKey", true }, { CKF_GENERATE, "C_GenerateKey", false },
	{ CKF_GENERATE_KEY_PAIR, "C_GenerateKeyPair", false },
	{ CKF_DERIVE, "C_DeriveKey", true } };

/* The good call of a function with the mechanism and key of E. */
static struct good
good_with(const struct env *e, size_t user)
{
	struct good g = *good_of(users[user].name);

	g.mech = &e->mech;
	if (g.key[0] != NULL && e->pub != CK_INVALID_HANDLE)
		g.key[0] = users[user].private ? &e->priv : &e->pub;
	return g;
}

/* The Ith parameter that no mechanism has; false when there are no more. */
static bool
bad_param(size_t i, CK_MECHANISM *m)
{
	CK_ULONG good = m->ulParameterLen;

	m->pParameter = NULL;
	switch (i) {
	case 0: m->ulParameterLen = 1; return true;
	case 1: m->ulParameterLen = (CK_ULONG)-1; return true;
	case 2: m->ulParameterLen = (CK_ULONG)1 << 40; return true;
	case 3: m->ulParameterLen = 3; break;
	case 4: m->ulParameterLen = 7; break;
	case 5: m->ulParameterLen = good + 1; break;
	case 6:
		if (good < 2)
			return bad_param(i + 1, m);
		m->ulParameterLen = good - 1;
		break;
	case 7:
		m->pParameter = yard_put(NULL, 1);
		m->ulParameterLen = (CK_ULONG)-1;
		return true;
	case 8:
		m->pParameter = yard_put(NULL, 1);
		m->ulParameterLen = (CK_ULONG)1 << 40;
		return true;
	default: return false;
	}
	m->pParameter = yard_put(NULL, m->ulParameterLen);
	return true;
}

START_TEST(a_parameter_of_no_mechanism_is_refused_by_every_one)
{
	struct env e;

	for (size_t r = 0; r < n_rows; r++) {
		CK_SESSION_HANDLE work = hs;
		bool there;

		hs = w.keep;
		there = env_make(&e, &rows[r]);
		hs = work;
		for (size_t u = 0; u < N(users); u++)
			for (size_t i = 0; there && (e.flags & users[u].flag) != 0; i++) {
				struct good g = good_with(&e, u);
				CK_MECHANISM m = e.mech;
				struct bad b;

				bad_begin(&b, &g);
				if (!bad_param(i, &m))
					break;
				/* Any bytes can be a signer's id. */
				if (m.mechanism == CKM_KMS_SM2DSA_SM3 && m.pParameter != NULL &&
				    m.ulParameterLen < 8)
					continue;
				b.a[arg_of(b.call, MECHANISM, 0)].p = yard_put(&m, sizeof(m));
				bad_say(&b, " with %s and bad parameter %zu", rows[r].name, i);
				bad_run(&b, CKR_MECHANISM_PARAM_INVALID,
				    CKR_MECHANISM_PARAM_INVALID);
			}
	}
}
END_TEST

START_TEST(every_parameter_may_lie_at_the_edge_of_memory_and_misaligned)
{
	struct env e;

	for (size_t r = 0; r < n_rows; r++) {
		if (!env_make(&e, &rows[r]))
			continue;
		for (size_t u = 0; u < N(users); u++)
			for (size_t slack = 0; slack < 3; slack++) {
				struct good g = good_with(&e, u);
				union word a[ARGS_MAX];
				CK_RV rv;

				if ((e.flags & users[u].flag) == 0 || g.kind == NO_KIND)
					continue;
				yard_clear(slack);
				rv = good_args(&g, a)->run(a);
				ck_assert_msg(rv == CKR_OK, "%s with %s: %s", g.name, rows[r].name,
				    p11_name(rv));
				ck_assert(!yard_changed(false));
				idle();
			}
	}
}
END_TEST

TCase *
template_case(void)
{
	TCase *t = tcase_create("templates and mechanisms");

	world_fixture(t);
	tcase_add_test(t, an_attribute_whose_value_cannot_be_read_is_refused);
	tcase_add_test(t, a_number_or_flag_of_another_length_is_refused);
	tcase_add_test(t, an_unknown_attribute_is_refused_and_found_nowhere);
	tcase_add_test(t, an_attribute_twice_and_too_many_are_refused);
	tcase_add_test(t, a_template_in_a_template_is_read_one_level_deep_and_no_further);
	tcase_add_test(t, the_longest_values_are_kept_or_refused_by_a_code_of_the_function);
	tcase_add_test(t, every_attribute_is_answered_beside_those_that_cannot_be);
	tcase_add_test(t, an_unknown_mechanism_is_refused_by_every_function);
	tcase_add_test(t, a_parameter_of_no_mechanism_is_refused_by_every_one);
	tcase_add_test(t, every_parameter_may_lie_at_the_edge_of_memory_and_misaligned);
	return t;
}
