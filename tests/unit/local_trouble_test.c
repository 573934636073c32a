/* SPDX-License-Identifier: Apache-2.0 */
/* The local backend in trouble: wrong PINs, edited and swapped rows, read-only and full disks, and
 * many threads. */
#define _GNU_SOURCE 1
#include "kms/local.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/local_fixture.h"

#define WRONG BYTES("wrong")

/* -- PINs -- */

START_TEST(wrong_user_pins_are_counted_told_and_lock)
{
	struct backend *b = new_token();
	struct token_status st = status_of(b);

	ck_assert(!st.user_count_low && !st.user_final_try && !st.user_locked);
	CHECK_RC(login(b, ROLE_USER, WRONG), KMS_PIN_INCORRECT);
	st = status_of(b);
	ck_assert(st.user_count_low && !st.user_final_try && !st.user_locked);
	/* The count is in the store, not in this process. */
	backend_close(b);
	b = open_local();
	CHECK_RC(login(b, ROLE_USER, WRONG), KMS_PIN_INCORRECT);
	CHECK_RC(login(b, ROLE_USER, WRONG), KMS_PIN_INCORRECT);
	st = status_of(b);
	ck_assert(st.user_count_low && st.user_final_try && !st.user_locked);
	CHECK_RC(login(b, ROLE_USER, WRONG), KMS_PIN_INCORRECT);
	st = status_of(b);
	ck_assert(!st.user_final_try && st.user_locked);
	ck_assert(!st.so_count_low && !st.so_locked);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_PIN_LOCKED);
	CHECK_RC(backend_set_pin(b, NULL, ROLE_USER, PIN, BYTES("other")), KMS_PIN_LOCKED);
	backend_close(b);
}
END_TEST

START_TEST(right_pin_forgets_earlier_wrong_ones)
{
	struct backend *b = new_token();

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3; i++)
			CHECK_RC(login(b, ROLE_USER, WRONG), KMS_PIN_INCORRECT);
		CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
		ck_assert(!status_of(b).user_count_low);
	}
	backend_close(b);
}
END_TEST

START_TEST(wrong_old_pin_is_counted_when_a_pin_is_changed)
{
	struct backend *b = new_token();

	for (int i = 0; i < 4; i++)
		CHECK_RC(backend_set_pin(b, NULL, ROLE_USER, WRONG, BYTES("other")),
		    KMS_PIN_INCORRECT);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_PIN_LOCKED);
	backend_close(b);
}
END_TEST

START_TEST(so_unlocks_the_users_pin)
{
	struct backend *b = new_token_with_user();
	auto_object o = new_data(b, FLAG_PRIVATE, "d", "value");

	backend_logout(b);
	for (int i = 0; i < 4; i++)
		CHECK_RC(login(b, ROLE_USER, WRONG), KMS_PIN_INCORRECT);
	CHECK_RC(login(b, ROLE_SO, SO_PIN), KMS_OK);
	CHECK_RC(backend_init_pin(b, NULL, BYTES("fresh")), KMS_OK);
	CHECK_RC(login(b, ROLE_USER, BYTES("fresh")), KMS_OK);
	check_value(b, &o.id, "value");
	backend_close(b);
}
END_TEST

START_TEST(so_can_make_the_token_anew_while_the_users_pin_is_locked)
{
	struct backend *b = new_token();

	for (int i = 0; i < 4; i++)
		CHECK_RC(login(b, ROLE_USER, WRONG), KMS_PIN_INCORRECT);
	CHECK_RC(backend_init_token(b, NULL, BYTES("new"), SO_PIN), KMS_OK);
	ck_assert(!status_of(b).user_locked);
	backend_close(b);
}
END_TEST

START_TEST(locked_so_pin_stays_locked)
{
	struct backend *b = new_token();
	struct token_status st;

	CHECK_RC(login(b, ROLE_SO, WRONG), KMS_PIN_INCORRECT);
	CHECK_RC(backend_init_token(b, NULL, NO_BYTES, WRONG), KMS_PIN_INCORRECT);
	CHECK_RC(backend_set_pin(b, NULL, ROLE_SO, WRONG, SO_PIN), KMS_PIN_INCORRECT);
	ck_assert(status_of(b).so_final_try);
	CHECK_RC(login(b, ROLE_SO, WRONG), KMS_PIN_INCORRECT);
	st = status_of(b);
	ck_assert(st.so_locked && !st.so_count_low);
	CHECK_RC(login(b, ROLE_SO, SO_PIN), KMS_PIN_LOCKED);
	CHECK_RC(backend_init_token(b, NULL, NO_BYTES, SO_PIN), KMS_PIN_LOCKED);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	backend_close(b);
}
END_TEST

/* One process's try at the user PIN, begun when the others begin theirs. */
struct guess {
	struct backend *b;
	pthread_barrier_t *start;
	struct slice pin;
	enum kms_rc rc;
};

static void *
try_pin(void *arg)
{
	struct guess *g = arg;

	(void)pthread_barrier_wait(g->start);
	g->rc = login(g->b, ROLE_USER, g->pin);
	return NULL;
}

START_TEST(tries_at_the_same_time_get_no_more_answers_than_one_after_another)
{
	enum { N = 12, RIGHT = N - 1 };
	struct guess guesses[N];
	pthread_barrier_t start;
	pthread_t threads[N];
	struct backend *b;
	int wrong = 0;

	conf.pin_cost = 14; /* long enough for all to begin before the first one ends */
	b = new_token();
	ck_assert_int_eq(pthread_barrier_init(&start, NULL, N), 0);
	for (int i = 0; i < N; i++) {
		guesses[i] = (struct guess){
			.b = open_local(), .start = &start, .pin = i == RIGHT ? PIN : WRONG
		};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, try_pin, &guesses[i]), 0);
	}
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		backend_close(guesses[i].b);
		ck_assert(guesses[i].rc == KMS_PIN_LOCKED ||
		    guesses[i].rc == (i == RIGHT ? KMS_OK : KMS_PIN_INCORRECT));
		wrong += guesses[i].rc == KMS_PIN_INCORRECT;
	}
	/* The right one, if it came in time, began the count anew once. */
	ck_assert_int_ge(wrong, 4);
	ck_assert_int_le(wrong, guesses[RIGHT].rc == KMS_OK ? 7 : 4);
	ck_assert(status_of(b).user_locked);
	backend_close(b);
	pthread_barrier_destroy(&start);
}
END_TEST

/* -- edited rows -- */

/* What an attacker or a bad disk may do to one object, and what must come of it. */
static const char *const edits[] = {
	"UPDATE object SET revision = revision + 1",
	"UPDATE object SET kind = CASE kind WHEN 1 THEN 3 ELSE 4 END",
	"UPDATE object SET type = 5",
	"UPDATE object SET curve = curve + 1",
	"UPDATE object SET bits = bits + 8",
	"UPDATE object SET flags = flags | 4096",  /* extractable */
	"UPDATE object SET flags = flags | 1",	   /* encrypt */
	"UPDATE object SET flags = flags & ~1024", /* sensitive */
	"UPDATE object SET label = x'00'",
	"UPDATE object SET app_id = x'00'",
	"UPDATE object SET subject = x'00'",
	"UPDATE object SET attrs = x'00'",
	"UPDATE object SET body = x'00'",
	"UPDATE object SET sealed = x''",
	"UPDATE object SET sealed = x'00'",
	"UPDATE object SET sealed = substr(sealed, 1, length(sealed) - 1)",
	"UPDATE object SET sealed = CAST(sealed || x'00' AS BLOB)",
};

START_TEST(edited_row_of_a_private_key_is_refused)
{
	struct backend *b = new_token_with_user();
	auto_object o = new_aes(b, FLAG_PRIVATE | FLAG_SENSITIVE | FLAG_SIGN, "k");
	struct backend_key *k = open_key(b, &o.id);

	edit(edits[_i]);
	CHECK_RC(try_get(b, &o.id), KMS_TAMPERED);
	CHECK_RC(try_export(b, &o.id), KMS_TAMPERED);
	CHECK_RC(backend_update(b, NULL, &o, NULL), KMS_TAMPERED);
	CHECK_RC(backend_copy(b, NULL, &o.id, &o), KMS_TAMPERED);
	backend_key_close(b, k);
	backend_logout(b);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	CHECK_RC(try_open_key(b, &o.id), KMS_TAMPERED);
	/* It can be taken away. */
	CHECK_RC(backend_destroy(b, NULL, &o.id, 1), KMS_OK);
	backend_close(b);
}
END_TEST

START_TEST(edited_row_of_a_public_object_is_refused)
{
	struct backend *b = new_token();
	auto_object o = new_data(b, 0, "d", "value");

	edit(edits[_i]);
	/* No change at all where the flag or number was so already. */
	if (strstr(edits[_i], "& ~1024") == NULL)
		CHECK_RC(try_get(b, &o.id), KMS_TAMPERED);
	backend_close(b);
}
END_TEST

START_TEST(private_row_that_is_made_public_is_refused)
{
	struct backend *b = new_token_with_user();
	auto_object o = new_aes(b, FLAG_PRIVATE | FLAG_ENCRYPT, "k");

	edit("UPDATE object SET flags = flags & ~512");
	CHECK_RC(try_open_key(b, &o.id), KMS_TAMPERED);
	backend_logout(b);
	CHECK_RC(try_get(b, &o.id), KMS_TAMPERED);
	CHECK_RC(try_open_key(b, &o.id), KMS_TAMPERED);
	backend_close(b);
}
END_TEST

START_TEST(trust_that_was_written_into_the_file_is_not_believed)
{
	struct backend *b = new_token();
	auto_object o = new_object(b, object_of(OBJECT_CERTIFICATE, 0, "ca"), NO_BYTES),
		    got = { 0 };

	edit("UPDATE object SET flags = flags | 32768");
	CHECK_RC(backend_get(b, NULL, &o.id, &got), KMS_OK);
	ck_assert_uint_eq(got.flags & FLAG_TRUSTED, 0);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	CHECK_RC(try_get(b, &o.id), KMS_TAMPERED);
	backend_close(b);
}
END_TEST

START_TEST(rows_that_were_swapped_are_refused)
{
	struct backend *b = new_token_with_user();
	auto_object weak = new_aes(b, FLAG_PRIVATE | FLAG_EXTRACTABLE, "weak");
	auto_object strong = new_aes(b, FLAG_PRIVATE, "strong");

	/* The strong key's material in the row of the extractable one. */
	edit(
	    "UPDATE object SET sealed = (SELECT sealed FROM object WHERE label = CAST('strong' AS BLOB))"
	    " WHERE label = CAST('weak' AS BLOB)");
	CHECK_RC(try_export(b, &weak.id), KMS_TAMPERED);
	CHECK_RC(try_get(b, &strong.id), KMS_OK);
	backend_close(b);
}
END_TEST

START_TEST(ids_that_were_swapped_are_refused)
{
	struct backend *b = new_token_with_user();
	auto_object one = new_aes(b, FLAG_PRIVATE, "one"), two = new_aes(b, FLAG_PRIVATE, "two");

	edit("CREATE TEMP TABLE t AS SELECT seq, id FROM object;"
	     "UPDATE object SET id = CAST(seq AS BLOB);"
	     "UPDATE object SET id = (SELECT id FROM t WHERE t.seq <> object.seq)");
	CHECK_RC(try_get(b, &one.id), KMS_TAMPERED);
	CHECK_RC(try_open_key(b, &two.id), KMS_TAMPERED);
	backend_close(b);
}
END_TEST

START_TEST(row_of_another_token_is_refused)
{
	struct backend *b = new_token();
	auto_object o = new_data(b, 0, "d", "v");

	edit("UPDATE token SET serial = x'0102030405060708'");
	CHECK_RC(try_get(b, &o.id), KMS_TAMPERED);
	backend_close(b);
}
END_TEST

START_TEST(edited_pin_row_opens_nothing)
{
	static const struct {
		const char *sql;
		enum kms_rc wanted;
	} rows[] = {
		{ "UPDATE pin SET log2n = log2n + 1", KMS_PIN_INCORRECT },
		{ "UPDATE pin SET salt = x'00'", KMS_PIN_INCORRECT },
		{ "UPDATE pin SET log2n = 63", KMS_TAMPERED },
		{ "UPDATE pin SET r = 0", KMS_TAMPERED },
		{ "UPDATE pin SET p = 1000000", KMS_TAMPERED },
		{ "UPDATE pin SET failures = -1", KMS_TAMPERED },
		{ "UPDATE pin SET sealed = zeroblob(2000)", KMS_TAMPERED },
		{ "UPDATE pin SET sealed = (SELECT sealed FROM pin WHERE role = 2),"
		  " salt = (SELECT salt FROM pin WHERE role = 2) WHERE role = 1",
		    KMS_PIN_INCORRECT },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct backend *b;

		(void)unlink(path);
		b = new_token();
		edit(rows[i].sql);
		CHECK_RC(login(b, ROLE_USER, i == ARRAY_LEN(rows) - 1 ? SO_PIN : PIN),
		    rows[i].wanted);
		backend_close(b);
	}
}
END_TEST

START_TEST(edited_token_row_is_refused)
{
	static const char *const sql[] = { "UPDATE token SET open_key = x'00'",
		"UPDATE token SET serial = x'00'" };

	for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
		struct backend *b;
		auto_object o = object_of(OBJECT_DATA, 0, "x");
		struct slice none = NO_BYTES;

		(void)unlink(path);
		b = new_token();
		edit(sql[i]);
		CHECK_RC(backend_create(b, NULL, &o, &none, 1), KMS_TAMPERED);
		backend_close(b);
	}
}
END_TEST

/* -- a store that cannot be written -- */

START_TEST(read_only_token_is_used_and_not_changed)
{
	struct backend *b = new_token_with_user();
	auto_object o = new_aes(b, FLAG_PRIVATE | FLAG_ENCRYPT, "k");
	auto_object priv = { 0 }, pub = { 0 };
	struct slice none = NO_BYTES;
	struct backend_key *k;

	backend_close(b);
	conf.read_only = true;
	b = open_local();
	ck_assert(status_of(b).read_only);
	CHECK_RC(login(b, ROLE_USER, WRONG), KMS_PIN_INCORRECT);
	ck_assert(!status_of(b).user_count_low);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	k = open_key(b, &o.id);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_OK);
	backend_key_close(b, k);
	CHECK_RC(backend_update(b, NULL, &o, NULL), KMS_READONLY);
	CHECK_RC(backend_destroy(b, NULL, &o.id, 1), KMS_READONLY);
	CHECK_RC(backend_set_pin(b, NULL, ROLE_USER, PIN, BYTES("other")), KMS_READONLY);
	CHECK_RC(backend_init_token(b, NULL, NO_BYTES, SO_PIN), KMS_READONLY);
	priv = object_of(OBJECT_PRIVATE_KEY, FLAG_PRIVATE, "p");
	pub = object_of(OBJECT_PUBLIC_KEY, 0, "p");
	CHECK_RC(backend_generate(b, NULL, &priv, &pub, NO_BYTES), KMS_READONLY);
	pub.kind = OBJECT_DATA;
	CHECK_RC(backend_create(b, NULL, &pub, &none, 1), KMS_READONLY);
	backend_close(b);
}
END_TEST

START_TEST(full_disk_fails_the_change_and_keeps_the_rest)
{
	struct backend *b = new_token_with_user();
	auto_object kept = new_data(b, FLAG_PRIVATE, "kept", "value");
	auto_object o = object_of(OBJECT_DATA, FLAG_PRIVATE, "big");
	struct rlimit none, limit;
	uint8_t *big = calloc(1, 500000);
	struct slice value = slice_of(big, 500000);

	ck_assert_ptr_nonnull(big);
	ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &none), 0);
	limit = (struct rlimit){ .rlim_cur = 300000, .rlim_max = none.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_RC(backend_create(b, NULL, &o, &value, 1), KMS_FULL);
	ck_assert_uint_eq(o.revision, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	ck_assert_uint_eq(count_label(b, "big"), 0);
	check_value(b, &kept.id, "value");
	CHECK_RC(backend_create(b, NULL, &o, &value, 1), KMS_OK);
	free(big);
	backend_close(b);
}
END_TEST

START_TEST(store_that_others_can_write_is_refused_with_its_name)
{
	struct backend *b = NULL;
	struct call c = { 0 };

	backend_close(new_token());
	ck_assert_int_eq(chmod(path, 0666), 0);
	CHECK_RC(local_open(&conf, &c, &b), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(c.err.text, "token.db"));
	conf.hsm = (char[]){ "pkcs11:" };
	CHECK_RC(local_open(&conf, &c, &b), KMS_CONFIG);
}
END_TEST

/* -- others -- */

/* Everything at once, on objects of its own and on one key that all share. */
struct worker {
	struct backend *b;
	struct backend_key *shared;
	unsigned number;
	const char *failed;
};

#define STEP(w, expr)                                        \
	do {                                                 \
		if ((expr) != KMS_OK && (w)->failed == NULL) \
			(w)->failed = #expr;                 \
	} while (0)

static void
work_once(struct worker *w, const char *label)
{
	auto_object o = object_of(OBJECT_SECRET_KEY, FLAG_PRIVATE | FLAG_ENCRYPT, label);
	struct slice bytes = BYTES("0123456789abcdef");
	struct backend_key *k = NULL;

	o.spec = (struct key_spec){ .type = KEY_AES, .bits = 128 };
	STEP(w, backend_create(w->b, NULL, &o, &bytes, 1));
	STEP(w, try_get(w->b, &o.id));
	STEP(w, backend_key_open(w->b, NULL, &o.id, &k));
	if (k != NULL) {
		STEP(w, try_use(w->b, k, USE_ENCRYPT));
		backend_key_close(w->b, k);
	}
	STEP(w, try_use(w->b, w->shared, USE_ENCRYPT));
	CHECK_RC(buf_set(&o.label, BYTES("renamed")), KMS_OK);
	STEP(w, backend_update(w->b, NULL, &o, NULL));
	(void)status_of(w->b);
	STEP(w, backend_destroy(w->b, NULL, &o.id, 1));
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	char label[16];

	(void)snprintf(label, sizeof(label), "w%u", w->number);
	for (int i = 0; i < 15; i++)
		work_once(w, label);
	return NULL;
}

START_TEST(threads_share_a_backend)
{
	struct backend *b = new_token_with_user();
	auto_object o = new_aes(b, FLAG_PRIVATE | FLAG_ENCRYPT, "shared");
	struct backend_key *k = open_key(b, &o.id);
	struct worker w[4];
	pthread_t t[ARRAY_LEN(w)];

	for (unsigned i = 0; i < ARRAY_LEN(w); i++) {
		w[i] = (struct worker){ .b = b, .shared = k, .number = i };
		ck_assert_int_eq(pthread_create(&t[i], NULL, work, &w[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(w); i++) {
		ck_assert_int_eq(pthread_join(t[i], NULL), 0);
		ck_assert_msg(w[i].failed == NULL, "%s", w[i].failed);
	}
	ck_assert_uint_eq(count_label(b, "renamed"), 0);
	backend_key_close(b, k);
	backend_close(b);
}
END_TEST

static _Atomic bool stop;

static void *
use_until_stopped(void *arg)
{
	struct worker *w = arg;

	while (!stop) {
		enum kms_rc rc = try_use(w->b, w->shared, USE_ENCRYPT);

		if (rc != KMS_OK && rc != KMS_LOGIN_NEEDED)
			w->failed = rc_name(rc);
	}
	return NULL;
}

START_TEST(login_and_logout_go_on_while_keys_are_used)
{
	struct backend *b = new_token_with_user();
	auto_object o = new_aes(b, FLAG_PRIVATE | FLAG_ENCRYPT, "shared");
	struct worker w = { .b = b, .shared = open_key(b, &o.id) };
	pthread_t t;

	ck_assert_int_eq(pthread_create(&t, NULL, use_until_stopped, &w), 0);
	for (int i = 0; i < 30; i++) {
		backend_logout(b);
		CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
		CHECK_RC(try_open_key(b, &o.id), KMS_OK);
	}
	stop = true;
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	ck_assert_msg(w.failed == NULL, "%s", w.failed);
	backend_key_close(b, w.shared);
	backend_close(b);
}
END_TEST

START_TEST(forked_child_opens_its_own_and_the_parent_goes_on)
{
	struct backend *b = new_token_with_user();
	auto_object o = new_aes(b, FLAG_PRIVATE | FLAG_ENCRYPT, "k");
	struct backend_key *k = open_key(b, &o.id);
	int status;
	pid_t pid;

	(void)os_fork_generation();
	if ((pid = fork()) == 0) {
		struct backend *mine = NULL;
		bool good;

		secret_after_fork();
		crypto_after_fork();
		good = local_open(&conf, NULL, &mine) == KMS_OK &&
		    login(mine, ROLE_USER, PIN) == KMS_OK && try_open_key(mine, &o.id) == KMS_OK &&
		    backend_destroy(mine, NULL, &o.id, 1) == KMS_OK;
		if (good)
			backend_close(mine);
		_exit(good ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_NOTFOUND);
	ck_assert_uint_eq(count_label(b, "k"), 0);
	backend_key_close(b, k);
	backend_close(b);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { wrong_user_pins_are_counted_told_and_lock,
		right_pin_forgets_earlier_wrong_ones,
		wrong_old_pin_is_counted_when_a_pin_is_changed, so_unlocks_the_users_pin,
		so_can_make_the_token_anew_while_the_users_pin_is_locked,
		locked_so_pin_stays_locked,
		tries_at_the_same_time_get_no_more_answers_than_one_after_another,
		private_row_that_is_made_public_is_refused,
		trust_that_was_written_into_the_file_is_not_believed,
		rows_that_were_swapped_are_refused, ids_that_were_swapped_are_refused,
		row_of_another_token_is_refused, edited_pin_row_opens_nothing,
		edited_token_row_is_refused, read_only_token_is_used_and_not_changed,
		full_disk_fails_the_change_and_keeps_the_rest,
		store_that_others_can_write_is_refused_with_its_name, threads_share_a_backend,
		login_and_logout_go_on_while_keys_are_used,
		forked_child_opens_its_own_and_the_parent_goes_on };
	Suite *s = suite_create("local_trouble");
	TCase *t = tcase_create("local_trouble");

	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	tcase_add_loop_test(t, edited_row_of_a_private_key_is_refused, 0, ARRAY_LEN(edits));
	tcase_add_loop_test(t, edited_row_of_a_public_object_is_refused, 0, ARRAY_LEN(edits));
	suite_add_tcase(s, t);
	return unit_main(s);
}
