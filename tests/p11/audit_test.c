/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log that applications leave when they use the module: what is on it, that many
 * processes, forks and kill -9 leave it whole, and that whatever is done to it afterwards is found.
 * With KMS_AUDIT_FULL in the environment there are 8 processes with 10 000 operations each.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/read.h"
#include "base/conf.h"
#include "kms/local.h"
#include "tests/p11/child.h"
#include "tests/p11/p11.h"

#define PROCESSES_MAX 8
#define KILLS	      6

static const CK_BYTE message[16] = "sixteen bytes..";

static void
configure(const char *line)
{
	FILE *f;

	ck_assert_ptr_nonnull(f = fopen(p11_conf, "a"));
	ck_assert_int_gt(fprintf(f, "%s\n", line), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void
begin(void)
{
	CHECK_OK(p11_init());
	hs = p11_open(true);
	p11_login(CKU_USER);
}

static void
end(void)
{
	CHECK_OK(p11->C_Finalize(NULL));
}

/* -- keys ---------------------------------------------------------------------------------- */

static CK_OBJECT_HANDLE
make_key(const char *label)
{
	CK_MECHANISM m = { CKM_GENERIC_SECRET_KEY_GEN, NULL, 0 };
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_bool(&t, CKA_TOKEN, true);
	t_bool(&t, CKA_SIGN, true);
	t_ulong(&t, CKA_VALUE_LEN, 32);
	t_text(&t, CKA_LABEL, label);
	CHECK_OK(p11->C_GenerateKey(hs, &m, t.v, t.n, &o));
	return o;
}

static CK_OBJECT_HANDLE
find_key(const char *label)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o = CK_INVALID_HANDLE;

	t_text(&t, CKA_LABEL, label);
	ck_assert_uint_eq(find_all(hs, &t, &o), 1);
	return o;
}

static CK_RV
try_use(CK_OBJECT_HANDLE key)
{
	CK_MECHANISM m = { CKM_SHA256_HMAC, NULL, 0 };
	CK_BYTE mac[32];
	CK_ULONG n = sizeof(mac);
	CK_RV rv = p11->C_SignInit(hs, &m, key);

	return rv != CKR_OK ? rv : p11->C_Sign(hs, (CK_BYTE *)message, sizeof(message), mac, &n);
}

static void
use_key(CK_OBJECT_HANDLE key, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		CHECK_OK(try_use(key));
}

/* -- the log ------------------------------------------------------------------------------- */

static struct conf *conf;
static struct backend *backend;
static struct audit_place place;

/* As another program would look at it. */
static void
open_log(void)
{
	struct err err = { "" };
	struct call c = { 0 };

	ck_assert_msg(conf_load(NULL, &conf, &err) == KMS_OK, "%s", err.text);
	ck_assert_int_eq(local_open(&conf->tokens[0], &c, &backend), KMS_OK);
	ck_assert_msg(local_audit(backend, &c, &place) == KMS_OK, "%s", c.err.text);
}

static void
close_log(void)
{
	backend_close(backend);
	conf_free(conf);
	backend = NULL;
	conf = NULL;
}

static char first_error[300];

static void
keep_first(void *arg, const struct audit_finding *f)
{
	(void)arg;
	if (f->level == AUDIT_ERROR && first_error[0] == '\0')
		snprintf(first_error, sizeof(first_error), "%s: %s:%lu: %s", f->word, f->file,
		    (unsigned long)f->line, f->text);
}

static enum kms_rc
verify(struct audit_summary *sum)
{
	struct audit_check check = { .dir = place.dir,
		.keys = &place.public_key,
		.n_keys = 1,
		.anchor = place.anchor,
		.report = keep_first };
	struct err err = { "" };

	first_error[0] = '\0';
	return audit_verify(&check, sum, &err);
}

static struct audit_summary
check_verifies(void)
{
	struct audit_summary sum = { 0 };
	enum kms_rc rc = verify(&sum);

	ck_assert_msg(rc == KMS_OK, "%d: %s", (int)rc, first_error);
	return sum;
}

/* What the log has of ACTION: records, what they stand for, and how many were refused. */
struct seen {
	uint64_t records, uses, refused;
};

static struct seen
look_for(const char *action)
{
	struct audit_filter f = { .action = action };
	struct audit_reader *r;
	struct audit_row row;
	struct err err = { "" };
	struct seen seen = { 0 };
	enum kms_rc rc;

	ck_assert_int_eq(audit_reader_open(place.dir, &f, &r, &err), KMS_OK);
	while ((rc = audit_reader_next(r, &row, &err)) == KMS_OK) {
		seen.records++;
		seen.uses += row.count;
		seen.refused += row.error_code[0] != '\0';
	}
	ck_assert_int_eq(rc, KMS_NOTFOUND);
	audit_reader_close(r);
	return seen;
}

#define CHECK_SEEN(action, n) ck_assert_uint_eq(look_for(action).records, n)

/* -- what is recorded ---------------------------------------------------------------------- */

START_TEST(what_an_application_does_is_on_the_log)
{
	CK_OBJECT_HANDLE key;

	begin();
	key = make_key("k");
	use_key(key, 1);
	CHECK_OK(set_bytes(key, CKA_LABEL, "renamed", 7));
	CHECK_OK(p11->C_DestroyObject(hs, key));
	CHECK_OK(p11->C_Logout(hs));
	end();

	open_log();
	CHECK_SEEN("InitToken", 1);
	CHECK_SEEN("InitPin", 1);
	CHECK_SEEN("Login", 2);
	CHECK_SEEN("GenerateKey", 1);
	CHECK_SEEN("GenerateMac", 1);
	CHECK_SEEN("UpdateObject", 1);
	CHECK_SEEN("DestroyObject", 1);
	CHECK_SEEN("Logout", 2);
	ck_assert_uint_eq(check_verifies().unsigned_records, 0);
	close_log();
}
END_TEST

START_TEST(what_is_refused_is_on_the_log_too)
{
	CHECK_OK(p11_init());
	hs = p11_open(true);
	CHECK_RV(p11_try_login(hs, CKU_USER, "wrong-pin"), CKR_PIN_INCORRECT);
	end();

	open_log();
	ck_assert_uint_eq(look_for("Login").refused, 1);
	check_verifies();
	close_log();
}
END_TEST

START_TEST(repeated_uses_are_counted_and_none_is_lost)
{
	CK_OBJECT_HANDLE key;
	struct seen seen;

	begin();
	key = make_key("k");
	use_key(key, 200);
	end();

	open_log();
	seen = look_for("GenerateMac");
	ck_assert_uint_eq(seen.uses, 200);
	ck_assert_uint_lt(seen.records, 200);
	close_log();
}
END_TEST

START_TEST(without_folding_each_use_is_a_record)
{
	configure("audit-fold = no");
	begin();
	use_key(make_key("k"), 50);
	end();

	open_log();
	CHECK_SEEN("GenerateMac", 50);
	close_log();
}
END_TEST

START_TEST(a_log_that_is_off_is_not_there)
{
	char path[300];

	configure("audit = off");
	snprintf(path, sizeof(path), "audit-dir = %s/elsewhere", p11_dir);
	configure(path);
	begin();
	use_key(make_key("k"), 1);
	end();
	snprintf(path, sizeof(path), "%s/elsewhere", p11_dir);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_token_made_anew_has_a_new_log_and_the_old_one_says_so)
{
	CK_UTF8CHAR label[33] = "anew                            ";
	char old[300];

	open_log();
	snprintf(old, sizeof(old), "%s", place.dir);
	close_log();
	CHECK_OK(p11_init());
	CHECK_OK(p11->C_InitToken(p11_slot, BYTES(SO_PIN), label));
	end();

	open_log();
	ck_assert_str_ne(place.dir, old);
	CHECK_SEEN("InitToken", 1);
	check_verifies();
	place.dir = old;
	CHECK_SEEN("InitToken", 2);
	close_log();
}
END_TEST

/* -- when it cannot be written ------------------------------------------------------------- */

/* Where the logs' folder would be made there is a file. */
static void
spoil(void)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/file", p11_dir);
	ck_assert_int_ge(fd = open(path, O_WRONLY | O_CREAT, 0600), 0);
	ck_assert_int_eq(close(fd), 0);
	snprintf(path, sizeof(path), "audit-dir = %s/file", p11_dir);
	configure(path);
}

START_TEST(work_goes_on_without_a_log_that_need_not_be)
{
	spoil();
	begin();
	use_key(make_key("k"), 3);
	end();
}
END_TEST

START_TEST(nothing_is_done_without_a_log_that_must_be)
{
	spoil();
	configure("audit-failure = refuse");
	CHECK_OK(p11_init());
	hs = p11_open(true);
	ck_assert_uint_ne(p11_try_login(hs, CKU_USER, USER_PIN), CKR_OK);
	ck_assert_uint_ne(p11_try_login(hs, CKU_SO, SO_PIN), CKR_OK);
	end();
}
END_TEST

START_TEST(a_folder_that_others_can_write_is_never_put_up_with)
{
	open_log();
	ck_assert_int_eq(chmod(place.dir, 0777), 0);
	close_log();
	CHECK_OK(p11_init());
	hs = p11_open(true);
	ck_assert_uint_ne(p11_try_login(hs, CKU_USER, USER_PIN), CKR_OK);
	end();
}
END_TEST

/* -- processes ----------------------------------------------------------------------------- */

static unsigned operations;

static void
operate(struct child *up, void *arg)
{
	CK_OBJECT_HANDLE key;

	(void)arg;
	begin();
	key = find_key("shared");
	child_meet(up);
	use_key(key, operations);
	end();
}

START_TEST(processes_at_once_leave_a_log_that_verifies_with_every_operation)
{
	bool full = getenv("KMS_AUDIT_FULL") != NULL;
	unsigned n = full ? PROCESSES_MAX : 4;
	struct child children[PROCESSES_MAX];

	operations = full ? 10000 : 300;
	configure("audit-fold = no");
	begin();
	(void)make_key("shared");
	end();
	for (unsigned i = 0; i < n; i++)
		child_start(&children[i], operate, NULL);
	for (unsigned i = 0; i < n; i++)
		child_meet(&children[i]);
	for (unsigned i = 0; i < n; i++)
		child_end(&children[i]);

	open_log();
	CHECK_SEEN("GenerateMac", (uint64_t)n * operations);
	ck_assert_uint_eq(check_verifies().unsigned_records, 0);
	close_log();
}
END_TEST

static void
use_in_child(struct child *up, void *arg)
{
	(void)up;
	(void)arg;
	begin();
	use_key(find_key("k"), 5);
	end();
}

START_TEST(a_forked_child_writes_with_a_lane_of_its_own)
{
	CK_OBJECT_HANDLE key;

	configure("audit-fold = no");
	begin();
	key = make_key("k");
	use_key(key, 5);
	in_child(use_in_child, NULL);
	use_key(key, 5);
	end();

	open_log();
	CHECK_SEEN("GenerateMac", 15);
	ck_assert_uint_eq(check_verifies().lanes, 2);
	close_log();
}
END_TEST

/* Says after each use how many there were. */
static void
use_until_killed(struct child *up, void *arg)
{
	CK_OBJECT_HANDLE key;

	(void)arg;
	begin();
	key = find_key("k");
	for (uint32_t n = 1;; n++) {
		use_key(key, 1);
		child_tell(up, &n, sizeof(n));
	}
}

START_TEST(what_was_done_before_a_kill_is_on_the_log)
{
	uint64_t done = 0;
	struct seen seen;

	configure("audit-fold = no");
	begin();
	(void)make_key("k");
	end();
	for (unsigned i = 0; i < KILLS; i++) {
		struct child c;
		uint32_t n = 0, last = 0;

		child_start(&c, use_until_killed, NULL);
		while (last < 7 * i + 1) {
			child_hear(&c, &n, sizeof(n));
			last = n;
		}
		child_kill(&c, SIGKILL);
		while (child_hear_some(&c, &n, sizeof(n)) == sizeof(n))
			last = n;
		child_killed(&c, SIGKILL);
		done += last;
	}

	open_log();
	check_verifies();
	seen = look_for("GenerateMac");
	/* The last use of each may have been recorded, but not told of. */
	ck_assert_msg(seen.records >= done && seen.records <= done + KILLS, "%lu of %lu",
	    (unsigned long)seen.records, (unsigned long)done);
	/* Somebody who comes after that goes on, and signs what was left. */
	close_log();
	begin();
	end();
	open_log();
	ck_assert_uint_eq(check_verifies().unsigned_records, 0);
	close_log();
}
END_TEST

/* -- what is done to it afterwards --------------------------------------------------------- */

struct text {
	char *p;
	size_t len;
};

static struct text
load(const char *path)
{
	struct text t = { 0 };
	FILE *f = fopen(path, "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(getdelim(&t.p, &t.len, EOF, f), 0);
	t.len = strlen(t.p);
	fclose(f);
	return t;
}

static void
store(const char *path, const char *p, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, p, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

static void
check_found(const char *path, const char *what)
{
	struct audit_summary sum = { 0 };

	ck_assert_msg(verify(&sum) == KMS_TAMPERED, "%s, %s: not found", path, what);
}

/* The line that begins at AT ends there. */
static size_t
line_end(const struct text *t, size_t at)
{
	return (size_t)((char *)memchr(t->p + at, '\n', t->len - at) - t->p) + 1;
}

static void
tamper_with_line(const char *path, const struct text *good, size_t at)
{
	size_t end = line_end(good, at), next = end < good->len ? line_end(good, end) : end;
	char *bad = malloc(good->len);

	ck_assert_ptr_nonnull(bad);
	memcpy(bad, good->p, good->len);
	bad[at + (end - at) / 2] ^= 1;
	store(path, bad, good->len);
	check_found(path, "a changed byte");

	memcpy(bad, good->p, at);
	memcpy(bad + at, good->p + end, good->len - end);
	store(path, bad, good->len - (end - at));
	check_found(path, "a removed line");

	if (next > end) {
		memcpy(bad, good->p, at);
		memcpy(bad + at, good->p + end, next - end);
		memcpy(bad + at + (next - end), good->p + at, end - at);
		memcpy(bad + next, good->p + next, good->len - next);
		store(path, bad, good->len);
		check_found(path, "two lines in each other's place");
	}
	store(path, good->p, at);
	check_found(path, "cut off");
	free(bad);
}

static void
tamper_with_file(const char *path)
{
	struct text good = load(path);

	for (size_t at = 0; at < good.len; at = line_end(&good, at))
		tamper_with_line(path, &good, at);
	ck_assert_int_eq(unlink(path), 0);
	check_found(path, "gone");
	store(path, good.p, good.len);
	check_verifies();
	free(good.p);
}

START_TEST(whatever_is_done_to_any_file_is_found)
{
	struct dirent *e;
	unsigned files = 0;
	DIR *d;

	begin();
	use_key(make_key("k"), 3);
	in_child(use_in_child, NULL);
	end();

	open_log();
	ck_assert_uint_eq(check_verifies().lanes, 2);
	ck_assert_ptr_nonnull(d = opendir(place.dir));
	while ((e = readdir(d)) != NULL) {
		char path[600];

		if (strstr(e->d_name, ".log") == NULL && strcmp(e->d_name, "register") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", place.dir, e->d_name);
		tamper_with_file(path);
		files++;
	}
	closedir(d);
	ck_assert_uint_eq(files, 3);
	close_log();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		what_an_application_does_is_on_the_log,
		what_is_refused_is_on_the_log_too,
		repeated_uses_are_counted_and_none_is_lost,
		without_folding_each_use_is_a_record,
		a_log_that_is_off_is_not_there,
		a_token_made_anew_has_a_new_log_and_the_old_one_says_so,
		work_goes_on_without_a_log_that_need_not_be,
		nothing_is_done_without_a_log_that_must_be,
		a_folder_that_others_can_write_is_never_put_up_with,
		processes_at_once_leave_a_log_that_verifies_with_every_operation,
		a_forked_child_writes_with_a_lane_of_its_own,
		what_was_done_before_a_kill_is_on_the_log,
		whatever_is_done_to_any_file_is_found,
	};
	Suite *s = suite_create("audit");
	TCase *c = tcase_create("audit");

	if (getenv("KMS_MODULE") != NULL) /* its log is no affair of ours */
		return 77;
	tcase_add_checked_fixture(c, p11_setup_dir, p11_teardown);
	tcase_set_timeout(c, 120);
	for (size_t i = 0; i < N(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return p11_main(s);
}
