/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that creates, changes and destroys objects is killed at random points, many times, on
 * one store. What it had acknowledged is there, what is there is whole, and the next one goes on at
 * once.
 */
#define _GNU_SOURCE 1
#include "kms/local.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/local_fixture.h"

#define KILLS	 60
#define SLOTS	 24  /* objects that a child works on */
#define RUN_MAX	 120 /* ms until the kill; a child needs some 5 to start */
#define ACK_SIZE 3

/* What is known of each slot: the value that was acknowledged, and one that may be under way. */
struct slot {
	bool there;
	uint8_t value;
	bool pending, pending_there;
	uint8_t pending_value;
};

enum step { STEP_BEGIN, STEP_DONE };

/* One line of the pipe: what is about to happen to a slot, or has happened. value 0: it goes. */
static void
tell(int fd, enum step step, uint8_t slot, uint8_t value)
{
	uint8_t line[ACK_SIZE] = { (uint8_t)step, slot, value };

	if (write(fd, line, sizeof(line)) != sizeof(line))
		_exit(2);
}

static void
must(enum kms_rc rc)
{
	if (rc != KMS_OK)
		_exit(3);
}

static void
slot_label(unsigned slot, char label[16])
{
	(void)snprintf(label, 16, "slot%u", slot);
}

/* The object of a slot; false when there is none. Two are a mistake that shows as n. */
static bool
find_slot(struct backend *b, unsigned slot, struct uid *ret, size_t *n)
{
	auto_object_refs refs = { 0 };
	struct object_query q = { .has_label = true, .private_too = true };
	char label[16];

	slot_label(slot, label);
	q.label = slice_str(label);
	must(backend_find(b, NULL, &q, &refs));
	*n = refs.n;
	if (refs.n > 0)
		*ret = refs.v[0].id;
	return refs.n > 0;
}

/* The value fills the material, and the first byte of attrs says the same: a half-made row shows.
 */
static void
make_value(uint8_t value, uint8_t bytes[64])
{
	memset(bytes, value, 64);
}

static void
put_new(struct backend *b, unsigned slot, uint8_t value)
{
	char label[16];
	uint8_t bytes[64];
	struct slice material = slice_of(bytes, sizeof(bytes));
	auto_object o = { .kind = OBJECT_DATA,
		.flags = FLAG_PRIVATE | FLAG_MODIFIABLE | FLAG_DESTROYABLE };

	slot_label(slot, label);
	make_value(value, bytes);
	must(buf_set(&o.label, slice_str(label)));
	must(buf_add_byte(&o.attrs, value));
	must(backend_create(b, NULL, &o, &material, 1));
}

static void
change(struct backend *b, const struct uid *id, uint8_t value)
{
	uint8_t bytes[64];
	struct slice material = slice_of(bytes, sizeof(bytes));
	auto_object o = { 0 };

	make_value(value, bytes);
	must(backend_get(b, NULL, id, &o));
	o.attrs.p[0] = value;
	must(backend_update(b, NULL, &o, &material));
}

static void
work_on(struct backend *b, int fd, unsigned slot, uint8_t value)
{
	struct uid id;
	size_t n;
	bool there = find_slot(b, slot, &id, &n), destroy = there && value % 3 == 0;

	tell(fd, STEP_BEGIN, (uint8_t)slot, destroy ? 0 : value);
	if (!there)
		put_new(b, slot, value);
	else if (destroy)
		must(backend_destroy(b, NULL, &id, 1));
	else
		change(b, &id, value);
	tell(fd, STEP_DONE, (uint8_t)slot, destroy ? 0 : value);
}

static void
child(int fd, unsigned seed)
{
	struct backend *b = NULL;

	secret_after_fork();
	crypto_after_fork();
	must(local_open(&conf, NULL, &b));
	must(login(b, ROLE_USER, PIN));
	for (;;) {
		unsigned slot, value;

		seed = seed * 1103515245u + 12345u;
		slot = (seed >> 16) % SLOTS;
		value = 1 + (seed >> 8) % 255;
		work_on(b, fd, slot, (uint8_t)value);
	}
}

/* Everything that the child said before it died. */
static unsigned
hear(int fd, struct slot *slots)
{
	uint8_t line[ACK_SIZE];
	unsigned done = 0;

	while (read(fd, line, sizeof(line)) == sizeof(line)) {
		struct slot *s = &slots[line[1]];

		ck_assert_uint_lt(line[1], SLOTS);
		s->pending = line[0] == STEP_BEGIN;
		s->pending_there = line[2] != 0;
		s->pending_value = line[2];
		if (line[0] == STEP_DONE) {
			s->there = s->pending_there;
			s->value = s->pending_value;
			done++;
		}
	}
	return done;
}

static void
check_whole(struct backend *b, const struct uid *id, uint8_t *value)
{
	auto_object o = { 0 };
	auto_secret material = { 0 };

	CHECK_RC(backend_get(b, NULL, id, &o), KMS_OK);
	CHECK_RC(backend_export(b, NULL, id, &material), KMS_OK);
	ck_assert_uint_eq(o.attrs.len, 1);
	ck_assert_uint_eq(material.len, 64);
	for (size_t i = 0; i < material.len; i++)
		ck_assert_int_eq(material.p[i], o.attrs.p[0]);
	*value = o.attrs.p[0];
}

/* A slot is as it was acknowledged, or as the step under way would have left it. */
static void
check_slot(struct backend *b, unsigned number, struct slot *s)
{
	struct uid id;
	uint8_t value = 0;
	size_t n;
	bool there = find_slot(b, number, &id, &n), as_told, as_begun;

	ck_assert_uint_le(n, 1);
	if (there)
		check_whole(b, &id, &value);
	as_told = there == s->there && (!there || value == s->value);
	as_begun = s->pending && there == s->pending_there && (!there || value == s->pending_value);
	ck_assert_msg(as_told || as_begun, "slot %u: %d value %u, acknowledged %d value %u", number,
	    there, value, s->there, s->value);
	*s = (struct slot){ .there = there, .value = value };
}

static void
check_integrity(void)
{
	sqlite3_stmt *st;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st, NULL),
	    SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
	ck_assert_str_eq((const char *)sqlite3_column_text(st, 0), "ok");
	sqlite3_finalize(st);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* Starts a child, kills it after MS, and gives how much it had done. */
static unsigned
one_life(struct slot *slots, unsigned seed, unsigned ms)
{
	struct timespec t = { .tv_nsec = (long)ms * 1000000 };
	int fd[2], status;
	unsigned done;
	pid_t pid;

	ck_assert_int_eq(pipe2(fd, O_CLOEXEC), 0);
	ck_assert_int_ge(pid = fork(), 0);
	if (pid == 0) {
		close(fd[0]);
		child(fd[1], seed);
	}
	close(fd[1]);
	(void)nanosleep(&t, NULL);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	done = hear(fd[0], slots);
	close(fd[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status), "the child ended by itself: %d", WEXITSTATUS(status));
	return done;
}

START_TEST(what_was_acknowledged_survives_kill_9_and_nothing_is_half_there)
{
	struct slot slots[SLOTS] = { 0 };
	struct backend *b;
	unsigned done = 0, seed = (unsigned)os_wall_seconds();

	(void)os_fork_generation();
	backend_close(new_token());
	for (unsigned i = 0; i < KILLS; i++) {
		seed = seed * 1103515245u + 12345u;
		done += one_life(slots, seed, 3 + (seed >> 16) % RUN_MAX);
		b = open_local();
		CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
		for (unsigned n = 0; n < SLOTS; n++)
			check_slot(b, n, &slots[n]);
		backend_close(b);
	}
	check_integrity();
	ck_assert_uint_gt(done, KILLS);
	printf("# %u changes acknowledged, %d kills\n", done, KILLS);
}
END_TEST

static void
make_tokens(int fd)
{
	char line = 1;

	secret_after_fork();
	crypto_after_fork();
	for (;;) {
		struct backend *b = NULL;

		must(local_open(&conf, NULL, &b));
		if (write(fd, &line, 1) != 1)
			_exit(2);
		must(backend_init_token(b, NULL, BYTES("label"), SO_PIN));
		backend_close(b);
	}
}

START_TEST(token_whose_making_was_killed_is_made_or_not)
{
	struct timespec t = { 0 };

	(void)os_fork_generation();
	for (long i = 0; i < 30; i++) {
		struct backend *b;
		int fd[2];
		char line;
		pid_t pid;

		ck_assert_int_eq(pipe2(fd, O_CLOEXEC), 0);
		ck_assert_int_ge(pid = fork(), 0);
		if (pid == 0)
			make_tokens(fd[1]);
		ck_assert_int_eq(read(fd[0], &line, 1), 1);
		t.tv_nsec = i * 150000;
		(void)nanosleep(&t, NULL);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		close(fd[0]);
		close(fd[1]);
		b = open_local();
		CHECK_RC(login(b, ROLE_SO, SO_PIN),
		    status_of(b).initialized ? KMS_OK : KMS_NOT_INITIALIZED);
		CHECK_RC(backend_init_token(b, NULL, BYTES("label"), SO_PIN), KMS_OK);
		backend_close(b);
		if (i % 3 == 0)
			ck_assert_int_eq(unlink(path), 0);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crash");
	TCase *t = tcase_create("crash");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, what_was_acknowledged_survives_kill_9_and_nothing_is_half_there);
	tcase_add_test(t, token_whose_making_was_killed_is_made_or_not);
	suite_add_tcase(s, t);
	return unit_main(s);
}
