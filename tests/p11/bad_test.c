/* SPDX-License-Identifier: Apache-2.0 */
/* Bad input to every function: NULL, lengths that cannot be, handles of nothing, templates and
 * mechanisms that make no sense, memory that ends in a dead page. The answer is a code that the
 * standard has for it, and nothing else has changed. */
#include "tests/p11/bad.h"

static const CK_ULONG lengths[] = { (CK_ULONG)-1, (CK_ULONG)-1 >> 1, (CK_ULONG)1 << 40 };

static bool
begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* -- memory --------------------------------------------------------------------------------- */

START_TEST(every_function_works_with_memory_at_the_edge_and_misaligned)
{
	const struct good *g = &goods[_i];
	union word a[ARGS_MAX];

	if (!call_there(call_of(g->name)))
		return;
	for (size_t slack = 0; slack < 8; slack += slack < 2 ? 1 : 3) {
		const struct call *c;
		CK_RV rv;

		idle();
		if (g->before != NULL)
			g->before();
		if (g->alone != NULL)
			g->alone();
		yard_clear(slack);
		c = good_args(g, a);
		rv = c->run(a);
		ck_assert_msg(rv == CKR_OK, "%s with slack %zu: %s", g->name, slack, p11_name(rv));
		if (strcmp(g->name, "C_InitToken") == 0)
			return; /* the token has no user now */
		if (g->again)
			world_again();
	}
}
END_TEST

/* What is said of the room is not what is needed: only that is touched. */
START_TEST(more_room_than_there_is_memory_for_is_not_filled)
{
	for (size_t i = 0; i < n_goods; i++)
		for (size_t l = 0; l < N(lengths); l++) {
			const struct good *g = &goods[i];
			const struct call *c = call_of(g->name);
			union word a[ARGS_MAX];
			CK_RV rv;

			if (!call_there(c) ||
			    (!call_has(c, OUT_LEN) && !call_has(c, LIST_LEN) && !call_has(c, MAX)))
				continue;
			idle();
			if (g->before != NULL)
				g->before();
			yard_clear(0);
			c = good_args(g, a);
			for (size_t k = 0; k < c->n_args; k++)
				if (c->role[k] == OUT_LEN || c->role[k] == LIST_LEN)
					a[k].p = yard_ulong(lengths[l]);
				else if (c->role[k] == OUT) /* padding may be put there, too */
					a[k].p = yard_put(NULL, g->out + 16);
				else if (c->role[k] == MAX)
					a[k].n = lengths[l];
			rv = c->run(a);
			ck_assert_msg(rv == CKR_OK, "%s: %s", g->name, p11_name(rv));
		}
}
END_TEST

/* One byte less than needed: nothing is written, the length is told, and the call can be made
 * again. */
START_TEST(a_short_buffer_changes_nothing_but_the_length)
{
	for (size_t i = 0; i < n_goods; i++) {
		const struct good *g = &goods[i];
		const struct call *c = call_of(g->name);
		enum role len = call_has(c, OUT_LEN) ? OUT_LEN : LIST_LEN, out;
		CK_ULONG enough = 0, told;
		struct bad b;

		if (!call_there(c) || !call_has(c, len) || g->again)
			continue;
		out = len == OUT_LEN ? OUT : call_has(c, LIST) ? LIST : INTERFACES;
		/* first what is enough */
		bad_begin(&b, g);
		b.a[arg_of(c, out, 0)].p = NULL;
		b.a[arg_of(c, len, 0)].p = &enough;
		CHECK_OK(c->run(b.a));
		if (enough == 0 || begins(g->name, "C_DecryptFinal"))
			continue;
		if (strcmp(g->name, "C_Decrypt") == 0)
			enough = 16; /* what there is; padded, it is told as more */
		bad_begin(&b, g);
		told = enough - 1;
		b.a[arg_of(c, len, 0)].p = &told;
		CHECK_RV(c->run(b.a), CKR_BUFFER_TOO_SMALL);
		ck_assert_uint_ge(told, enough);
		ck_assert_msg(!yard_changed(false), "%s writes", g->name);
		bad_end(&b, CKR_BUFFER_TOO_SMALL);
	}
}
END_TEST

/* -- NULL ----------------------------------------------------------------------------------- */

static CK_RV
answer_to_null(const struct good *g, enum role role)
{
	switch ((int)role) {
	case OUT:
	case INTERFACES:
	case IFACE_NAME:
	case IFACE_VERSION: return CKR_OK;
	case LIST: return strcmp(g->name, "C_FindObjects") == 0 ? CKR_ARGUMENTS_BAD : CKR_OK;
	default: return CKR_ARGUMENTS_BAD;
	}
}

START_TEST(each_null_pointer_is_refused_or_is_a_question)
{
	for (size_t i = 0; i < n_goods; i++) {
		const struct call *c = call_of(goods[i].name);

		for (size_t k = 0; k < c->n_args && call_there(c); k++) {
			CK_RV want = answer_to_null(&goods[i], c->role[k]);
			struct bad b;

			if (!is_pointer(c->role[k]) || c->role[k] == RESERVED ||
			    c->role[k] == NOTIFY)
				continue;
			bad_begin(&b, &goods[i]);
			if (b.a[k].p == NULL)
				b.a[k + 1].n = 1; /* no name is good, but no name of one byte */
			b.a[k].p = NULL;
			bad_say(&b, " without argument %zu", k);
			bad_run(&b, want, want);
		}
	}
}
END_TEST

START_TEST(all_pointers_null_at_once_change_nothing)
{
	for (size_t i = 0; i < n_goods; i++) {
		const struct call *c = call_of(goods[i].name);
		bool some = false;
		struct bad b;

		bad_begin(&b, &goods[i]);
		for (size_t k = 0; k < c->n_args; k++)
			if (is_pointer(c->role[k]) && c->role[k] != NOTIFY) {
				b.a[k].p = NULL;
				some = true;
			}
		bad_say(&b, " without pointers");
		if (some && call_there(c))
			bad_run(&b, CKR_ARGUMENTS_BAD, CKR_ARGUMENTS_BAD);
	}
}
END_TEST

/* -- handles -------------------------------------------------------------------------------- */

static CK_ULONG
nothing_with(size_t i, CK_ULONG good)
{
	static const CK_ULONG fixed[] = { 0, (CK_ULONG)-1, (CK_ULONG)1 << 63, 0xdeadbeef,
		0x7fffffff };

	if (i < N(fixed))
		return fixed[i];
	switch (i - N(fixed)) {
	case 0: return good + ((CK_ULONG)1 << 40);
	case 1: return good | (CK_ULONG)1 << 63;
	case 2: return good + 500;
	default: return ~good;
	}
}
#define NOTHINGS 9

START_TEST(a_session_that_is_none_is_refused_by_every_function)
{
	for (size_t i = 0; i < n_goods; i++) {
		const struct call *c = call_of(goods[i].name);

		for (size_t v = 0; v <= NOTHINGS && call_there(c) && c->role[0] == SESSION; v++) {
			struct bad b;

			bad_begin(&b, &goods[i]);
			b.a[0].n = v < NOTHINGS ? nothing_with(v, hs) : w.stale;
			bad_say(&b, " in session 0x%lx", b.a[0].n);
			CHECK_RV(c->run(b.a), CKR_SESSION_HANDLE_INVALID);
			ck_assert_msg(!yard_changed(false), "%s: memory changes", b.what);
			bad_same(&b, false); /* it was not of this session */
		}
	}
}
END_TEST

START_TEST(a_slot_that_is_none_is_refused_by_every_function)
{
	for (size_t i = 0; i < n_goods; i++) {
		const struct call *c = call_of(goods[i].name);

		for (size_t v = 0; v < NOTHINGS && call_has(c, SLOT); v++) {
			struct bad b;

			if (nothing_with(v, p11_slot) == p11_slot)
				continue;
			bad_begin(&b, &goods[i]);
			b.a[0].n = nothing_with(v, p11_slot);
			bad_say(&b, " of slot 0x%lx", b.a[0].n);
			bad_run(&b, CKR_SLOT_ID_INVALID, CKR_SLOT_ID_INVALID);
		}
	}
}
END_TEST

static CK_RV
answer_to_nothing(const struct good *g, size_t n)
{
	if (strcmp(g->name, "C_WrapKey") == 0)
		return n == 0 ? CKR_WRAPPING_KEY_HANDLE_INVALID : CKR_KEY_HANDLE_INVALID;
	if (strcmp(g->name, "C_UnwrapKey") == 0)
		return CKR_UNWRAPPING_KEY_HANDLE_INVALID;
	return g->mech != NULL ? CKR_KEY_HANDLE_INVALID : CKR_OBJECT_HANDLE_INVALID;
}

START_TEST(an_object_that_is_none_is_refused_by_every_function)
{
	for (size_t i = 0; i < n_goods; i++) {
		const struct call *c = call_of(goods[i].name);

		for (size_t n = 0; n < 2; n++)
			for (size_t v = 0; v <= NOTHINGS && goods[i].key[n] != NULL; v++) {
				CK_RV want = answer_to_nothing(&goods[i], n);
				size_t k = arg_of(c, OBJECT, n);
				struct bad b;

				bad_begin(&b, &goods[i]);
				b.a[k].n = v < NOTHINGS ? nothing_with(v, b.a[k].n) : w.gone;
				bad_say(&b, " of object 0x%lx", b.a[k].n);
				bad_run(&b, want, want);
			}
	}
}
END_TEST

START_TEST(an_object_that_is_no_key_is_refused_as_one)
{
	for (size_t i = 0; i < n_goods; i++)
		for (size_t n = 0; n < 2 && goods[i].mech != NULL; n++) {
			struct bad b;
			CK_RV rv;

			if (goods[i].key[n] == NULL)
				continue;
			bad_begin(&b, &goods[i]);
			b.a[arg_of(b.call, OBJECT, n)].n = w.data;
			bad_say(&b, " with data for a key");
			rv = b.call->run(b.a);
			CHECK_IN(rv, CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT,
			    CKR_KEY_NOT_WRAPPABLE, CKR_WRAPPING_KEY_HANDLE_INVALID,
			    CKR_WRAPPING_KEY_TYPE_INCONSISTENT, CKR_UNWRAPPING_KEY_HANDLE_INVALID,
			    CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
			bad_end(&b, rv);
		}
}
END_TEST

/* -- lengths and flags ---------------------------------------------------------------------- */

START_TEST(input_longer_than_memory_is_refused_unread)
{
	for (size_t i = 0; i < n_goods; i++) {
		const struct call *c = call_of(goods[i].name);

		for (size_t k = 1; k < c->n_args && call_there(c); k++)
			for (size_t v = 0; v < 2 * N(lengths) && c->role[k] == IN_LEN; v++) {
				struct bad b;
				CK_RV rv;

				bad_begin(&b, &goods[i]);
				b.a[k].n = lengths[v / 2];
				if (v % 2 != 0)
					b.a[k - 1].p = NULL;
				else if (b.a[k - 1].p == NULL)
					b.a[k - 1].p = yard_put("x", 1);
				bad_say(&b, " with argument %zu 0x%lx%s", k, lengths[v / 2],
				    v % 2 != 0 ? " and no memory" : "");
				rv = c->run(b.a);
				/* a seed is not used, of whatever length */
				if (strcmp(goods[i].name, "C_SeedRandom") != 0 || v % 2 != 0)
					ck_assert_msg(rv != CKR_OK, "%s", b.what);
				bad_end(&b, rv);
			}
	}
}
END_TEST

START_TEST(templates_longer_than_any_are_refused_unread)
{
	static const CK_ULONG counts[] = { 4097, (CK_ULONG)1 << 40, (CK_ULONG)-1 / 24,
		(CK_ULONG)-1 / 24 + 2, (CK_ULONG)-1 };

	for (size_t i = 0; i < n_goods; i++) {
		const struct call *c = call_of(goods[i].name);

		for (size_t k = 1; k < c->n_args; k++)
			for (size_t v = 0; v < 2 * N(counts) && c->role[k] == COUNT; v++) {
				struct bad b;

				bad_begin(&b, &goods[i]);
				b.a[k].n = counts[v / 2];
				if (v % 2 != 0)
					b.a[k - 1].p = NULL;
				bad_say(&b, " with 0x%lx attributes", b.a[k].n);
				bad_run_refused(&b);
			}
	}
}
END_TEST

START_TEST(flags_and_types_that_are_none_are_refused)
{
	struct bad b;

	bad_begin(&b, good_of("C_OpenSession"));
	b.a[1].n = 0;
	bad_run(&b, CKR_SESSION_PARALLEL_NOT_SUPPORTED, CKR_SESSION_PARALLEL_NOT_SUPPORTED);
	bad_begin(&b, good_of("C_OpenSession"));
	b.a[1].n = ~(CK_ULONG)CKF_SERIAL_SESSION;
	bad_run(&b, CKR_SESSION_PARALLEL_NOT_SUPPORTED, CKR_SESSION_PARALLEL_NOT_SUPPORTED);
	for (size_t i = 0; i < N(lengths); i++) {
		bad_begin(&b, good_of("C_Login"));
		b.a[1].n = lengths[i];
		bad_run(&b, CKR_USER_TYPE_INVALID, CKR_USER_TYPE_INVALID);
		bad_begin(&b, good_of("C_GetMechanismInfo"));
		b.a[1].n = lengths[i];
		bad_run(&b, CKR_MECHANISM_INVALID, CKR_MECHANISM_INVALID);
	}
	if (p11v3 == NULL)
		return;
	/* flags of nothing that is active */
	bad_begin(&b, good_of("C_SessionCancel"));
	b.a[1].n = ~(CK_FLAGS)(CKF_DIGEST | CKF_SIGN | CKF_FIND_OBJECTS);
	bad_run(&b, CKR_OK, CKR_OK);
}
END_TEST

/* -- operations ----------------------------------------------------------------------------- */

START_TEST(an_init_while_active_leaves_the_operation_alone)
{
	static const struct {
		const char *init, *goes_on;
	} pairs[] = { { "C_EncryptInit", "C_Encrypt" }, { "C_DecryptInit", "C_Decrypt" },
		{ "C_DigestInit", "C_DigestFinal" }, { "C_SignInit", "C_SignFinal" },
		{ "C_VerifyInit", "C_VerifyFinal" }, { "C_FindObjectsInit", "C_FindObjects" } };

	for (size_t i = 0; i < N(pairs); i++) {
		struct bad b;
		union word a[ARGS_MAX];

		bad_begin(&b, good_of(pairs[i].goes_on));
		CHECK_RV(good_args(good_of(pairs[i].init), a)->run(a), CKR_OPERATION_ACTIVE);
		ck_assert(!yard_changed(false));
		bad_same(&b, false);
	}
}
END_TEST

START_TEST(an_init_without_mechanism_cancels_its_operation_and_no_other)
{
	for (size_t i = 0; i < n_goods; i++) {
		static const char *const inits[] = { [K_ENCRYPT] = "C_EncryptInit",
			[K_DECRYPT] = "C_DecryptInit",
			[K_DIGEST] = "C_DigestInit",
			[K_SIGN] = "C_SignInit",
			[K_VERIFY] = "C_VerifyInit" };
		union word a[ARGS_MAX] = { { .n = hs }, { .p = NULL }, { .n = 0 } };
		struct bad b;

		if (!goods[i].ends)
			continue;
		bad_begin(&b, &goods[i]);
		CHECK_OK(call_of(inits[goods[i].kind])->run(a));
		bad_same(&b, true);
	}
}
END_TEST

START_TEST(nothing_goes_on_that_was_not_begun)
{
	for (size_t i = 0; i < n_goods; i++) {
		struct good g = goods[i];
		struct bad b;

		if (g.before == NULL)
			continue;
		g.before = NULL;
		bad_begin(&b, &g);
		bad_run(&b, CKR_OPERATION_NOT_INITIALIZED, CKR_OPERATION_NOT_INITIALIZED);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 bad");
	TCase *t = tcase_create("bad");

	world_fixture(t);
	tcase_add_loop_test(t, every_function_works_with_memory_at_the_edge_and_misaligned, 0,
	    (int)n_goods);
	tcase_add_test(t, more_room_than_there_is_memory_for_is_not_filled);
	tcase_add_test(t, a_short_buffer_changes_nothing_but_the_length);
	tcase_add_test(t, each_null_pointer_is_refused_or_is_a_question);
	tcase_add_test(t, all_pointers_null_at_once_change_nothing);
	tcase_add_test(t, a_session_that_is_none_is_refused_by_every_function);
	tcase_add_test(t, a_slot_that_is_none_is_refused_by_every_function);
	tcase_add_test(t, an_object_that_is_none_is_refused_by_every_function);
	tcase_add_test(t, an_object_that_is_no_key_is_refused_as_one);
	tcase_add_test(t, input_longer_than_memory_is_refused_unread);
	tcase_add_test(t, templates_longer_than_any_are_refused_unread);
	tcase_add_test(t, flags_and_types_that_are_none_are_refused);
	tcase_add_test(t, an_init_while_active_leaves_the_operation_alone);
	tcase_add_test(t, an_init_without_mechanism_cancels_its_operation_and_no_other);
	tcase_add_test(t, nothing_goes_on_that_was_not_begun);
	suite_add_tcase(s, t);
	suite_add_tcase(s, template_case());
	suite_add_tcase(s, walk_case());
	return p11_main(s);
}
