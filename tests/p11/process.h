/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of processes that share a store have in common: another process, initialised and
 * logged in like this one, and what either of them does to objects that it knows by name. */
#ifndef KMS_TESTS_P11_PROCESS_H
#define KMS_TESTS_P11_PROCESS_H

#include <stdio.h>
#include <time.h>

#include "tests/p11/child.h"
#include "tests/p11/p11.h"

#define MAY_BE_UNUSED __attribute__((unused))

static struct peer other;

/* Peers are forks: a string literal of this program is the same one in them. */
#define TEXT(arg) ((const char *)(arg))
#define ARG(text) ((uintptr_t)(text))

static inline MAY_BE_UNUSED void
begin(uintptr_t arg)
{
	(void)arg;
	CHECK_OK(p11_init());
	hs = p11_open(true);
	p11_login(CKU_USER);
}

/* LINE goes to the end of the configuration, which is the section of the token. */
static inline MAY_BE_UNUSED void
setup_processes(const char *line)
{
	FILE *f;

	p11_setup_dir();
	ck_assert_ptr_nonnull(f = fopen(p11_conf, "a"));
	ck_assert_int_gt(fprintf(f, "%s\n", line), 0);
	ck_assert_int_eq(fclose(f), 0);
	peer_start(&other);
	begin(0);
	peer_do(&other, begin, 0);
}

static inline MAY_BE_UNUSED void
teardown_processes(void)
{
	peer_end(&other);
	p11_teardown();
}

/* -- objects by name ----------------------------------------------------------------------- */

static inline MAY_BE_UNUSED CK_OBJECT_HANDLE
named(const char *label)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o = CK_INVALID_HANDLE;

	t_text(&t, CKA_LABEL, label);
	ck_assert_uint_eq(find_all(hs, &t, &o), 1);
	return o;
}

static inline MAY_BE_UNUSED CK_OBJECT_HANDLE
private_half(const char *label)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o = CK_INVALID_HANDLE;

	t_text(&t, CKA_LABEL, label);
	t_ulong(&t, CKA_CLASS, CKO_PRIVATE_KEY);
	ck_assert_uint_eq(find_all(hs, &t, &o), 1);
	return o;
}

/* Private data of the token. */
static inline MAY_BE_UNUSED void
put(uintptr_t label)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_bool(&t, CKA_TOKEN, true);
	t_bool(&t, CKA_PRIVATE, true);
	t_text(&t, CKA_LABEL, TEXT(label));
	CHECK_OK(create(hs, &t, &o));
}

static inline MAY_BE_UNUSED void
put_aes(uintptr_t label)
{
	(void)make_aes(hs, true, TEXT(label));
}

static inline MAY_BE_UNUSED void
put_pair(uintptr_t label)
{
	CK_OBJECT_HANDLE pub, priv;

	make_ec(hs, true, TEXT(label), &pub, &priv);
}

static inline MAY_BE_UNUSED void
destroy(uintptr_t label)
{
	CHECK_OK(p11->C_DestroyObject(hs, named(TEXT(label))));
}

/* -- waiting ------------------------------------------------------------------------------- */

static inline MAY_BE_UNUSED void
pause_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* EXPR becomes WANT: soon, where another process has to be noticed; never is a failure. */
#define SOON(expr, want)                                                                       \
	do {                                                                                   \
		uint64_t until_ = now_ms() + CHILD_SECONDS * 500;                              \
		CK_ULONG got_;                                                                 \
		while ((got_ = (CK_ULONG)(expr)) != (CK_ULONG)(want) && now_ms() < until_)     \
			pause_ms(5);                                                           \
		ck_assert_msg(got_ == (CK_ULONG)(want), "%s stays 0x%lx, not %s", #expr, got_, \
		    #want);                                                                    \
	} while (0)

#endif
