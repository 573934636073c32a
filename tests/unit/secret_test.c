/* SPDX-License-Identifier: Apache-2.0 */
/* The arena of secrets: sizes, wiping, forks, threads. */
#define _GNU_SOURCE 1
#include "base/secret.h"

#include <pthread.h>
#include <sys/wait.h>

#include "tests/unit/unit.h"

static bool
all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

static const size_t lengths[] = { 1, 16, 31, 32, 33, 64, 65, 100, 2048, 2049, 4096, 4097, 65536,
	SECRET_MAX };

START_TEST(secrets_of_every_size_are_zeroed_aligned_and_writable)
{
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct secret s = { 0 };

		CHECK_RC(secret_new(lengths[i], &s), KMS_OK);
		ck_assert_uint_eq(s.len, lengths[i]);
		ck_assert_uint_eq((uintptr_t)s.p % 16, 0);
		ck_assert(all_zero(s.p, s.len));
		memset(s.p, 0xa5, s.len);
		secret_free(&s);
		ck_assert_ptr_null(s.p);
		ck_assert_uint_eq(s.len, 0);
	}
}
END_TEST

START_TEST(secrets_are_zeroed_again_when_a_slot_is_reused)
{
	for (size_t len = 1; len <= 4096; len *= 2) {
		uint8_t *p = secret_mem_new(len), *q;

		ck_assert_ptr_nonnull(p);
		memset(p, 0xff, len);
		secret_mem_free(p, len);
		q = secret_mem_new(len);
		ck_assert_ptr_eq(q, p);
		ck_assert(all_zero(q, len));
		secret_mem_free(q, len);
	}
}
END_TEST

START_TEST(secrets_do_not_overlap)
{
	enum { N = 5000 };
	static uint8_t *p[N];

	for (size_t i = 0; i < N; i++) {
		ck_assert_ptr_nonnull(p[i] = secret_mem_new(1 + i % 200));
		memset(p[i], (int)(i % 251), 1 + i % 200);
	}
	for (size_t i = 0; i < N; i++) {
		for (size_t k = 0; k < 1 + i % 200; k++)
			ck_assert_uint_eq(p[i][k], i % 251);
	}
	for (size_t i = 0; i < N; i++)
		secret_mem_free(p[i], 1 + i % 200);
}
END_TEST

START_TEST(lengths_outside_the_limits_are_refused)
{
	struct secret s = { 0 };

	CHECK_RC(secret_new(0, &s), KMS_LIMIT);
	CHECK_RC(secret_new(SECRET_MAX + 1, &s), KMS_LIMIT);
	CHECK_RC(secret_new(SIZE_MAX, &s), KMS_LIMIT);
	CHECK_RC(secret_copy(slice_of("", SECRET_MAX + 1), &s), KMS_LIMIT);
	ck_assert_ptr_null(s.p);
	ck_assert_ptr_null(secret_mem_new(0));
	ck_assert_ptr_null(secret_mem_new(SIZE_MAX));
	secret_free(NULL);
	secret_mem_free(NULL, 0);
	secret_mem_free(NULL, 100);
}
END_TEST

START_TEST(a_copy_has_the_bytes_and_an_empty_one_is_none)
{
	auto_secret s = { 0 };

	CHECK_RC(secret_copy(guarded(BYTES("1234")), &s), KMS_OK);
	CHECK_BYTES(secret_slice(&s), BYTES("1234"));
	secret_free(&s);
	CHECK_RC(secret_copy(slice_of(NULL, 0), &s), KMS_OK);
	ck_assert_ptr_null(s.p);
}
END_TEST

/* Runs CHILD in a forked process; true when it answers true. */
static bool
in_child(bool (*child)(void *), void *arg)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(child(arg) ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
secret_is_wiped(void *arg)
{
	const struct secret *s = arg;

	return all_zero(s->p, s->len);
}

START_TEST(a_forked_child_does_not_see_secrets)
{
	auto_secret small = { 0 }, large = { 0 };

	CHECK_RC(secret_copy(BYTES("the key"), &small), KMS_OK);
	CHECK_RC(secret_new(10000, &large), KMS_OK);
	memset(large.p, 1, large.len);
	ck_assert(in_child(secret_is_wiped, &small));
	ck_assert(in_child(secret_is_wiped, &large));
	CHECK_BYTES(secret_slice(&small), BYTES("the key"));
}
END_TEST

static bool
arena_works(void *arg)
{
	struct secret *old = arg, s = { 0 };

	secret_after_fork();
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		if (secret_new(lengths[i], &s) != KMS_OK || s.p == old->p || !all_zero(s.p, s.len))
			return false;
		memset(s.p, 1, s.len);
		secret_free(&s);
	}
	secret_free(old); /* of the parent: harmless */
	return secret_new(20, &s) == KMS_OK && all_zero(s.p, s.len);
}

START_TEST(a_forked_child_starts_an_arena_of_its_own)
{
	auto_secret s = { 0 };

	CHECK_RC(secret_copy(BYTES("parent"), &s), KMS_OK);
	ck_assert(in_child(arena_works, &s));
	CHECK_BYTES(secret_slice(&s), BYTES("parent"));
}
END_TEST

static bool
flag_is_set(const void *p, const char *flag)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	bool inside = false, found = false;
	char *line = NULL;
	size_t cap = 0;

	ck_assert_ptr_nonnull(f);
	while (getline(&line, &cap, f) > 0) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = (uintptr_t)p >= from && (uintptr_t)p < to;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0 && strstr(line, flag) != NULL)
			found = true;
	}
	free(line);
	fclose(f);
	return found;
}

START_TEST(secrets_stay_out_of_core_dumps)
{
	auto_secret small = { 0 }, large = { 0 };

	CHECK_RC(secret_new(16, &small), KMS_OK);
	CHECK_RC(secret_new(100000, &large), KMS_OK);
	ck_assert(flag_is_set(small.p, " dd"));
	ck_assert(flag_is_set(large.p, " dd"));
}
END_TEST

static void *
churn(void *arg)
{
	const uint8_t mark = *(uint8_t *)arg;

	for (size_t i = 0; i < 20000; i++) {
		size_t len = 1 + i * 37 % 5000;
		uint8_t *p = secret_mem_new(len);

		if (p == NULL || p[0] != 0 || p[len - 1] != 0)
			return arg;
		p[0] = p[len - 1] = mark;
		if (p[0] != mark || p[len - 1] != mark)
			return arg;
		secret_mem_free(p, len);
	}
	return NULL;
}

START_TEST(threads_share_the_arena)
{
	static uint8_t marks[4] = { 1, 2, 3, 4 };
	pthread_t t[4];

	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, churn, &marks[i]), 0);
	for (size_t i = 0; i < 4; i++) {
		void *failed;

		ck_assert_int_eq(pthread_join(t[i], &failed), 0);
		ck_assert_ptr_null(failed);
	}
}
END_TEST

START_TEST(constant_time_equality_is_equality)
{
	ck_assert(mem_equal_ct(BYTES("abc"), guarded(BYTES("abc"))));
	ck_assert(!mem_equal_ct(BYTES("abc"), BYTES("abd")));
	ck_assert(!mem_equal_ct(BYTES("\x80"), BYTES("\x00")));
	ck_assert(!mem_equal_ct(BYTES("abc"), BYTES("ab")));
	ck_assert(mem_equal_ct(slice_of(NULL, 0), slice_of(NULL, 0)));
}
END_TEST

START_TEST(mem_wipe_overwrites_exactly_its_bytes)
{
	uint8_t mem[] = "abcd";

	mem_wipe(mem + 1, 2);
	ck_assert_mem_eq(mem, "a\0\0d", 4);
	mem_wipe(NULL, 0);
}
END_TEST

int
main(void)
{
	return unit_main(UNIT_SUITE("secret", secrets_of_every_size_are_zeroed_aligned_and_writable,
	    secrets_are_zeroed_again_when_a_slot_is_reused, secrets_do_not_overlap,
	    lengths_outside_the_limits_are_refused, a_copy_has_the_bytes_and_an_empty_one_is_none,
	    a_forked_child_does_not_see_secrets, a_forked_child_starts_an_arena_of_its_own,
	    secrets_stay_out_of_core_dumps, threads_share_the_arena,
	    constant_time_equality_is_equality, mem_wipe_overwrites_exactly_its_bytes));
}
