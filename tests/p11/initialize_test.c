/* SPDX-License-Identifier: Apache-2.0 */
/* C_Initialize in every form, C_Finalize, and what is answered outside of the two. */
#define _GNU_SOURCE 1
#include "tests/p11/calls.h"

#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* -- before and after ---------------------------------------------------------------------- */

/* Every function with nothing and with something; what it is given is not looked at, let alone
 * changed. */
static void
check_not_initialized(CK_ULONG number)
{
	static const char *const exempt[] = { "C_Initialize", "C_GetFunctionList",
		"C_GetInterfaceList", "C_GetInterface" };
	CK_ULONG memory[64], pattern[N(memory)];
	union word nothing[ARGS_MAX], something[ARGS_MAX];

	for (size_t i = 0; i < n_calls; i++) {
		const struct call *c = &calls[i];
		CK_RV want = CKR_CRYPTOKI_NOT_INITIALIZED, rv;
		bool skip = !call_there(c);

		for (size_t e = 0; e < N(exempt); e++)
			skip = skip || strcmp(c->name, exempt[e]) == 0;
		if (skip)
			continue;
		/* 5.20: what these two answer does not depend on anything */
		if (strcmp(c->name, "C_GetFunctionStatus") == 0 ||
		    strcmp(c->name, "C_CancelFunction") == 0)
			want = CKR_FUNCTION_NOT_PARALLEL;
		memset(memory, 0x11, sizeof(memory));
		memset(pattern, 0x11, sizeof(pattern));
		memset(nothing, 0, sizeof(nothing));
		for (size_t a = 0; a < c->n_args; a++) {
			if (is_pointer(c->role[a]))
				something[a].p = memory;
			else
				something[a].n = number;
		}
		if (c->role[0] == RESERVED)
			something[0].p = NULL; /* C_Finalize's, which must be NULL */
		rv = c->run(nothing);
		ck_assert_msg(rv == want, "%s: %s", c->name, p11_name(rv));
		rv = c->run(something);
		ck_assert_msg(rv == want, "%s: %s", c->name, p11_name(rv));
		ck_assert_msg(memcmp(memory, pattern, sizeof(memory)) == 0, "%s writes", c->name);
	}
}

START_TEST(nothing_works_before_initialise)
{
	check_not_initialized(1);
}
END_TEST

START_TEST(nothing_works_after_finalise)
{
	CHECK_OK(p11_init());
	hs = p11_open(true);
	p11_login(CKU_USER);
	CHECK_OK(p11->C_Finalize(NULL));
	check_not_initialized(hs);
}
END_TEST

START_TEST(nothing_works_after_an_initialise_that_failed)
{
	CK_C_INITIALIZE_ARGS args = { .LockMutex = (CK_LOCKMUTEX)abort };

	CHECK_RV(p11->C_Initialize(&args), CKR_ARGUMENTS_BAD);
	check_not_initialized(1);
}
END_TEST

START_TEST(finalise_wants_null_and_works_once)
{
	int x = 0;

	CHECK_RV(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	CHECK_OK(p11_init());
	hs = p11_open(true);
	p11_login(CKU_USER);
	CHECK_RV(p11->C_Finalize(&x), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_Finalize((void *)1), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11_try_login(hs, CKU_USER, USER_PIN), CKR_USER_ALREADY_LOGGED_IN);
	CHECK_OK(p11->C_Finalize(NULL));
	CHECK_RV(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}
END_TEST

START_TEST(initialising_twice_is_refused_and_disturbs_nothing)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_SESSION_INFO info;

	CHECK_OK(p11_init());
	hs = p11_open(true);
	p11_login(CKU_USER);
	CHECK_RV(p11->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
	CHECK_RV(p11->C_Initialize(&args), CKR_CRYPTOKI_ALREADY_INITIALIZED);
	args.pReserved = (void *)"/nonexistent/file.conf";
	CHECK_IN(p11->C_Initialize(&args), CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_ARGUMENTS_BAD);
	CHECK_OK(p11->C_GetSessionInfo(hs, &info));
	ck_assert_uint_eq(info.state, CKS_RW_USER_FUNCTIONS);
}
END_TEST

START_TEST(a_session_does_not_outlive_finalise)
{
	CK_SESSION_INFO info;
	CK_SESSION_HANDLE old;

	CHECK_OK(p11_init());
	old = p11_open(true);
	CHECK_OK(p11->C_Finalize(NULL));
	CHECK_OK(p11_init());
	CHECK_RV(p11->C_GetSessionInfo(old, &info), CKR_SESSION_HANDLE_INVALID);
	hs = p11_open(true);
	ck_assert_uint_ne(hs, old);
	CHECK_RV(p11->C_GetSessionInfo(old, &info), CKR_SESSION_HANDLE_INVALID);
	CHECK_OK(p11->C_GetSessionInfo(hs, &info));
	ck_assert_uint_eq(info.state, CKS_RW_PUBLIC_SESSION);
}
END_TEST

/* -- C_Initialize's argument --------------------------------------------------------------- */

static CK_RV
create_mutex(CK_VOID_PTR_PTR mutex)
{
	*mutex = malloc(1);
	return *mutex == NULL ? CKR_HOST_MEMORY : CKR_OK;
}

static CK_RV
destroy_mutex(CK_VOID_PTR mutex)
{
	free(mutex);
	return CKR_OK;
}

static CK_RV
lock_mutex(CK_VOID_PTR mutex)
{
	return mutex == NULL ? CKR_MUTEX_BAD : CKR_OK;
}

#define CALLBACKS_ALL 15u

/* Arguments with those callbacks whose bits are set. */
static CK_C_INITIALIZE_ARGS
args_with(unsigned callbacks, CK_FLAGS flags)
{
	return (CK_C_INITIALIZE_ARGS){
		.CreateMutex = (callbacks & 1) != 0 ? create_mutex : NULL,
		.DestroyMutex = (callbacks & 2) != 0 ? destroy_mutex : NULL,
		.LockMutex = (callbacks & 4) != 0 ? lock_mutex : NULL,
		.UnlockMutex = (callbacks & 8) != 0 ? lock_mutex : NULL,
		.flags = flags,
	};
}

static void
check_works_and_finalise(void)
{
	CK_SLOT_ID slots[8];
	CK_ULONG n = N(slots);

	CHECK_OK(p11->C_GetSlotList(CK_TRUE, slots, &n));
	ck_assert_uint_ge(n, 1);
	p11_slot = slots[0];
	hs = p11_open(true);
	p11_login(CKU_USER);
	CHECK_OK(use_aes(hs, make_aes(hs, false, "k")));
	CHECK_OK(p11->C_Finalize(NULL));
}

START_TEST(initialise_takes_every_way_of_locking_that_lets_it_use_the_systems)
{
	static const CK_FLAGS more[] = { 0, CKF_LIBRARY_CANT_CREATE_OS_THREADS };

	CHECK_OK(p11->C_Initialize(NULL));
	check_works_and_finalise();
	for (size_t i = 0; i < N(more); i++) {
		CK_C_INITIALIZE_ARGS none = args_with(0, more[i]);
		CK_C_INITIALIZE_ARGS os = args_with(0, more[i] | CKF_OS_LOCKING_OK);
		CK_C_INITIALIZE_ARGS both = args_with(CALLBACKS_ALL, more[i] | CKF_OS_LOCKING_OK);

		CHECK_OK(p11->C_Initialize(&none));
		check_works_and_finalise();
		CHECK_OK(p11->C_Initialize(&os));
		check_works_and_finalise();
		CHECK_OK(p11->C_Initialize(&both));
		check_works_and_finalise();
	}
}
END_TEST

START_TEST(locking_by_callbacks_alone_is_refused)
{
	CK_C_INITIALIZE_ARGS args = args_with(CALLBACKS_ALL, 0);

	CHECK_RV(p11->C_Initialize(&args), CKR_CANT_LOCK);
	args.flags = CKF_LIBRARY_CANT_CREATE_OS_THREADS;
	CHECK_RV(p11->C_Initialize(&args), CKR_CANT_LOCK);
	CHECK_RV(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	args.flags = CKF_OS_LOCKING_OK; /* what NSS tries next */
	CHECK_OK(p11->C_Initialize(&args));
	check_works_and_finalise();
}
END_TEST

START_TEST(some_but_not_all_callbacks_are_refused)
{
	static const CK_FLAGS flags[] = { 0, CKF_OS_LOCKING_OK };

	for (unsigned some = 1; some < CALLBACKS_ALL; some++)
		for (size_t i = 0; i < N(flags); i++) {
			CK_C_INITIALIZE_ARGS args = args_with(some, flags[i]);

			CHECK_RV(p11->C_Initialize(&args), CKR_ARGUMENTS_BAD);
		}
	CHECK_RV(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}
END_TEST

START_TEST(the_argument_may_be_anywhere_in_memory)
{
	CK_C_INITIALIZE_ARGS args = args_with(CALLBACKS_ALL, CKF_OS_LOCKING_OK);

	for (size_t slack = 0; slack < 2; slack++) {
		CK_BYTE *p = guarded(sizeof(args) + slack);

		memcpy(p, &args, sizeof(args));
		CHECK_OK(p11->C_Initialize(p));
		ck_assert_mem_eq(p, &args, sizeof(args));
		check_works_and_finalise();
	}
}
END_TEST

/* The module of these tests reads its configuration from the file that pReserved names. */
START_TEST(reserved_names_the_configuration)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK, .pReserved = p11_conf };
	CK_TOKEN_INFO info;

	if (!p11_is_ours())
		return;
	unsetenv("KMS_PKCS11_CONF");
	setenv("XDG_CONFIG_HOME", p11_dir, 1);
	setenv("XDG_DATA_HOME", p11_dir, 1);
	CHECK_OK(p11->C_Initialize(&args));
	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &info));
	ck_assert_mem_eq(info.label, "test                            ", 32);
	check_works_and_finalise();

	/* without a name, and with an empty one, there is the default: a blank token */
	args.pReserved = (void *)"";
	CHECK_OK(p11->C_Initialize(&args));
	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &info));
	ck_assert_uint_eq(info.flags & CKF_TOKEN_INITIALIZED, 0);
	CHECK_OK(p11->C_Finalize(NULL));
	CHECK_OK(p11->C_Initialize(NULL));
	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &info));
	ck_assert_uint_eq(info.flags & CKF_TOKEN_INITIALIZED, 0);
	CHECK_OK(p11->C_Finalize(NULL));
}
END_TEST

START_TEST(a_configuration_that_does_not_exist_is_refused)
{
	static const char *const bad[] = { "/nonexistent/kms-pkcs11.conf", "/", "relative.conf" };
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };

	if (!p11_is_ours())
		return;
	unsetenv("KMS_PKCS11_CONF");
	for (size_t i = 0; i < N(bad); i++) {
		args.pReserved = (void *)(uintptr_t)bad[i];
		CHECK_IN(p11->C_Initialize(&args), CKR_GENERAL_ERROR, CKR_ARGUMENTS_BAD);
		CHECK_RV(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	}
	check_not_initialized(1);
	args.pReserved = p11_conf;
	CHECK_OK(p11->C_Initialize(&args));
	check_works_and_finalise();
	/* the environment is stronger */
	setenv("KMS_PKCS11_CONF", p11_conf, 1);
	args.pReserved = (void *)(uintptr_t)bad[0];
	CHECK_OK(p11->C_Initialize(&args));
	check_works_and_finalise();
}
END_TEST

/* What the module writes to stderr while it is initialised and finalised. */
static void
hear_stderr(char *text, size_t cap)
{
	int kept = dup(STDERR_FILENO), heard = memfd_create("stderr", MFD_CLOEXEC);
	CK_RV rv;
	ssize_t n;

	ck_assert_int_ge(kept, 0);
	ck_assert_int_ge(heard, 0);
	ck_assert_int_ge(dup2(heard, STDERR_FILENO), 0);
	rv = p11_init();
	if (rv == CKR_OK)
		CHECK_OK(p11->C_Finalize(NULL));
	ck_assert_int_ge(dup2(kept, STDERR_FILENO), 0);
	n = pread(heard, text, cap - 1, 0);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	close(kept);
	close(heard);
	CHECK_OK(rv);
}

START_TEST(a_log_that_cannot_be_written_is_told_on_stderr_and_stops_nobody)
{
	char text[4096];

	if (!p11_is_ours())
		return;
	setenv("KMS_PKCS11_LOG", "error", 1);
	setenv("KMS_PKCS11_LOG_FILE", "/nonexistent/log", 1);
	hear_stderr(text, sizeof(text));
	ck_assert_msg(strstr(text,
			  "cannot open the log /nonexistent/log: No such file or directory; "
			  "errors go to stderr instead") != NULL,
	    "%s", text);
	setenv("KMS_PKCS11_LOG", "loud", 1);
	hear_stderr(text, sizeof(text));
	ck_assert_msg(strstr(text, "KMS_PKCS11_LOG is not a level") != NULL, "%s", text);
	setenv("KMS_PKCS11_LOG", "none", 1); /* then it does not matter */
	hear_stderr(text, sizeof(text));
	ck_assert_str_eq(text, "");
}
END_TEST

/* -- many times ---------------------------------------------------------------------------- */

struct held {
	size_t heap, maps, files;
};

/* What the process holds. The heap is 0 under a sanitizer with an allocator of its own; there,
 * leaks are found at exit. */
static struct held
held(void)
{
	struct held h = { .heap = mallinfo2().uordblks };
	FILE *maps = fopen("/proc/self/maps", "r");
	DIR *fds = opendir("/proc/self/fd");
	int c;

	ck_assert_ptr_nonnull(maps);
	ck_assert_ptr_nonnull(fds);
	while ((c = fgetc(maps)) != EOF)
		h.maps += c == '\n';
	while (readdir(fds) != NULL)
		h.files++;
	fclose(maps);
	closedir(fds);
	return h;
}

static void
cycle(bool login)
{
	CK_MECHANISM sha = { CKM_SHA256, NULL, 0 };
	CK_BYTE out[32];
	CK_ULONG n = sizeof(out);

	CHECK_OK(p11_init());
	hs = p11_open(true);
	CHECK_OK(p11->C_DigestInit(hs, &sha));
	CHECK_OK(p11->C_Digest(hs, BYTES("abc"), out, &n));
	ck_assert_uint_eq(find_label(hs, "nothing"), 0);
	if (login) {
		p11_login(CKU_USER);
		CHECK_OK(use_aes(hs, make_aes(hs, false, "k")));
	}
	CHECK_OK(p11->C_DigestInit(hs, &sha)); /* left active */
	CHECK_OK(p11->C_FindObjectsInit(hs, NULL, 0));
	CHECK_OK(p11->C_Finalize(NULL));
}

struct cycles {
	int times, login_each;
};

static void *
cycle_many(void *arg)
{
	const struct cycles *c = arg;

	for (int i = 0; i < c->times; i++)
		cycle(i % c->login_each == 0);
	return NULL;
}

/* In a thread, whose end empties malloc's cache of freed pieces: they count as used. */
static struct held
held_after(struct cycles c)
{
	pthread_t t;

	ck_assert_int_eq(pthread_create(&t, NULL, cycle_many, &c), 0);
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	return held();
}

START_TEST(initialising_many_times_makes_nothing_grow)
{
	/* One forgotten piece a time would be 32 bytes at least. */
	const int times = 150;
	struct held before, after;

	(void)mallopt(M_ARENA_MAX, 1); /* the one that is measured; a sanitizer's has none */
	before = held_after((struct cycles){ 200, 10 });
	after = held_after((struct cycles){ times, 20 });
	ck_assert_uint_eq(after.files, before.files);
	ck_assert_msg(after.maps <= before.maps + 20, "%zu mappings, then %zu", before.maps,
	    after.maps);
	ck_assert_msg(after.heap <= before.heap + 16 * (size_t)times, "%zu bytes, then %zu",
	    before.heap, after.heap);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 initialize");
	TCase *t = tcase_create("initialize");

	tcase_add_checked_fixture(t, p11_setup_dir, p11_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, nothing_works_before_initialise);
	tcase_add_test(t, nothing_works_after_finalise);
	tcase_add_test(t, nothing_works_after_an_initialise_that_failed);
	tcase_add_test(t, finalise_wants_null_and_works_once);
	tcase_add_test(t, initialising_twice_is_refused_and_disturbs_nothing);
	tcase_add_test(t, a_session_does_not_outlive_finalise);
	tcase_add_test(t, initialise_takes_every_way_of_locking_that_lets_it_use_the_systems);
	tcase_add_test(t, locking_by_callbacks_alone_is_refused);
	tcase_add_test(t, some_but_not_all_callbacks_are_refused);
	tcase_add_test(t, the_argument_may_be_anywhere_in_memory);
	tcase_add_test(t, reserved_names_the_configuration);
	tcase_add_test(t, a_configuration_that_does_not_exist_is_refused);
	tcase_add_test(t, a_log_that_cannot_be_written_is_told_on_stderr_and_stops_nobody);
	tcase_add_test(t, initialising_many_times_makes_nothing_grow);
	suite_add_tcase(s, t);
	return p11_main(s);
}
