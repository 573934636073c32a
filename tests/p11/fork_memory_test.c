/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of its parent's secrets a forked child has in its memory: nothing that the module kept. A
 * value is looked for in all that the process can write, before and after the fork.
 */
#define _GNU_SOURCE 1
#include "tests/p11/fork.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SECRET_LEN  64
#define MASK	    0xa5
#define CHUNK	    (1u << 20)
#define MAPPING_MAX (64ul << 20) /* larger ones are a sanitizer's own */
#define HITS	    16

/* The value is never in clear in this program's own memory but while it is handed over. */
static CK_BYTE masked[SECRET_LEN];

static void
unmask(CK_BYTE out[SECRET_LEN])
{
	for (size_t i = 0; i < SECRET_LEN; i++)
		out[i] = masked[i] ^ MASK;
}

static bool
is_secret(const CK_BYTE *p)
{
	for (size_t i = 0; i < SECRET_LEN; i++)
		if (p[i] != (masked[i] ^ MASK))
			return false;
	return true;
}

static void
choose_secret(void)
{
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, masked, sizeof(masked)), sizeof(masked));
	close(fd);
}

/* -- looking ------------------------------------------------------------------------------- */

struct hits {
	uintptr_t at[HITS];
	size_t n;
};

static CK_BYTE window[CHUNK + SECRET_LEN];

static void
look_in_window(uintptr_t base, size_t len, struct hits *h)
{
	uintptr_t own = (uintptr_t)window;

	const CK_BYTE *p = window, *end = window + len;

	while (p + SECRET_LEN <= end &&
	    (p = memchr(p, masked[0] ^ MASK, (size_t)(end - p) - SECRET_LEN + 1)) != NULL) {
		uintptr_t at = base + (uintptr_t)(p - window);

		if (is_secret(p) && (at < own || at >= own + sizeof(window))) {
			ck_assert_uint_lt(h->n, HITS);
			h->at[h->n++] = at;
		}
		p++;
	}
}

/* Some page from AT on is in memory or swapped out. Sanitizers map much that they never touch. */
static bool
is_touched(int pagemap, uintptr_t at)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = CHUNK / page;
	uint64_t v[CHUNK / 4096];
	ssize_t n = pread(pagemap, v, pages * sizeof(v[0]), (off_t)(at / page * sizeof(v[0])));

	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(v[0]); i++)
		if (v[i] >> 62 != 0)
			return true;
	return n <= 0;
}

/* Not by pointers: a page may be gone, or poisoned by a sanitizer. */
static void
look_in_mapping(int mem, int pagemap, uintptr_t from, uintptr_t to, struct hits *h)
{
	for (uintptr_t at = from; at < to; at += CHUNK) {
		ssize_t n = 0;

		if (is_touched(pagemap, at))
			n = pread(mem, window, sizeof(window), (off_t)at);
		if (n > 0)
			look_in_window(at, (size_t)n, h);
	}
	explicit_bzero(window, sizeof(window));
}

static struct hits
look(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct hits h = { .n = 0 };
	uintptr_t from, to;
	char line[512], rights[8];

	ck_assert_ptr_nonnull(maps);
	ck_assert_int_ge(mem, 0);
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[0] == 'r' &&
		    rights[1] == 'w' && to - from <= MAPPING_MAX)
			look_in_mapping(mem, pagemap, from, to, &h);
	fclose(maps);
	close(mem);
	close(pagemap);
	return h;
}

/* The kernel's flags of the mapping that AT lies in: "dd" is not dumped, "wf" wiped on fork. */
static void
flags_at(uintptr_t at, char *flags, size_t cap)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	uintptr_t from = 0, to = 0, a, b;
	char line[512];

	ck_assert_ptr_nonnull(smaps);
	flags[0] = '\0';
	while (fgets(line, sizeof(line), smaps) != NULL) {
		if (sscanf(line, "%lx-%lx ", &a, &b) == 2) {
			from = a;
			to = b;
		} else if (strncmp(line, "VmFlags:", 8) == 0 && from <= at && at < to) {
			snprintf(flags, cap, "%s", line);
		}
	}
	fclose(smaps);
}

/* -- keeping ------------------------------------------------------------------------------- */

/* As a session key, private data of the session, and private data of the token that has been read.
 */
static void
keep_secret(void)
{
	CK_BYTE value[SECRET_LEN];
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	unmask(value);
	(void)import_secret(hs, CKK_GENERIC_SECRET, value, sizeof(value));
	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_bool(&t, CKA_PRIVATE, true);
	t_text(&t, CKA_LABEL, "secret");
	t_bytes(&t, CKA_VALUE, value, sizeof(value));
	t_bool(&t, CKA_TOKEN, false);
	CHECK_OK(create(hs, &t, &o));
	t_set_bool(&t, CKA_TOKEN, true);
	CHECK_OK(create(hs, &t, &o));
	ck_assert_uint_eq(get_bytes(o, CKA_VALUE, value, sizeof(value)), sizeof(value));
	explicit_bzero(value, sizeof(value));
}

static void
find_nothing(struct child *up, void *arg)
{
	(void)up;
	(void)arg;
	ck_assert_uint_eq(look().n, 0);
	CHECK_OK(p11_init());
	hs = p11_open(true);
	ck_assert_uint_eq(look().n, 0);
	p11_login(CKU_USER);
	ck_assert_uint_eq(find_label(hs, "secret"), 1);
	ck_assert_uint_eq(look().n, 0);
}

static void
secret_setup(void)
{
	p11_setup_user();
	choose_secret();
}

START_TEST(a_child_has_no_copy_of_its_parents_secrets)
{
	struct hits h;
	char flags[512];

	ck_assert_uint_eq(look().n, 0);
	keep_secret();
	h = look();
	ck_assert_uint_ge(h.n, 2);
	for (size_t i = 0; i < h.n; i++) {
		flags_at(h.at[i], flags, sizeof(flags));
		ck_assert_msg(strstr(flags, " dd") != NULL && strstr(flags, " wf") != NULL,
		    "a secret lies where it would be dumped or inherited: %s", flags);
	}
	in_child(find_nothing, NULL);
	ck_assert_uint_eq(look().n, h.n);
}
END_TEST

START_TEST(what_has_been_destroyed_is_nowhere)
{
	CK_BYTE value[SECRET_LEN];
	CK_OBJECT_HANDLE o;

	unmask(value);
	o = import_secret(hs, CKK_GENERIC_SECRET, value, sizeof(value));
	explicit_bzero(value, sizeof(value));
	ck_assert_uint_ge(look().n, 1);
	CHECK_OK(p11->C_DestroyObject(hs, o));
	ck_assert_uint_eq(look().n, 0);
	keep_secret();
	CHECK_OK(p11->C_Finalize(NULL));
	ck_assert_uint_eq(look().n, 0);
}
END_TEST

/* -- randomness ---------------------------------------------------------------------------- */

#define RANDOM_LEN 16

static void
draw(CK_BYTE out[RANDOM_LEN])
{
	CHECK_OK(p11->C_GenerateRandom(hs, out, RANDOM_LEN));
}

static void
draw_and_tell(struct child *up, void *arg)
{
	CK_BYTE bytes[RANDOM_LEN];

	(void)arg;
	CHECK_OK(p11_init());
	hs = p11_open(true);
	draw(bytes);
	child_tell(up, bytes, sizeof(bytes));
}

/* The module keeps random bytes in stock, and the kernel copies them into the child. */
START_TEST(parent_and_children_draw_different_random_bytes)
{
	CK_BYTE drawn[4][RANDOM_LEN];
	struct child c;

	draw(drawn[0]);
	for (size_t i = 1; i <= 2; i++) {
		child_start(&c, draw_and_tell, NULL);
		child_hear(&c, drawn[i], RANDOM_LEN);
		child_end(&c);
	}
	draw(drawn[3]);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_mem_ne(drawn[i], drawn[j], RANDOM_LEN);
}
END_TEST

static void
look_for_what_is_told(struct child *up, void *arg)
{
	(void)arg;
	child_hear(up, masked, sizeof(masked));
	ck_assert_uint_eq(look().n, 0);
}

/* Twice, since the first may find the stock used up. */
START_TEST(a_child_has_no_copy_of_what_its_parent_draws_next)
{
	CK_BYTE drawn[SECRET_LEN];
	struct child c;

	for (int i = 0; i < 2; i++) {
		child_start(&c, look_for_what_is_told, NULL);
		CHECK_OK(p11->C_GenerateRandom(hs, drawn, sizeof(drawn)));
		for (size_t k = 0; k < sizeof(drawn); k++)
			drawn[k] ^= MASK;
		child_tell(&c, drawn, sizeof(drawn));
		child_end(&c);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 fork, memory");
	TCase *t = tcase_create("memory");

	tcase_add_checked_fixture(t, secret_setup, p11_teardown);
	tcase_add_test(t, a_child_has_no_copy_of_its_parents_secrets);
	tcase_add_test(t, what_has_been_destroyed_is_nowhere);
	tcase_add_test(t, a_child_has_no_copy_of_what_its_parent_draws_next);
	tcase_add_test(t, parent_and_children_draw_different_random_bytes);
	suite_add_tcase(s, t);
	return p11_main(s);
}
