/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of src/audit share: a log with a key and an anchor, events, and what verification
 * says. */
#ifndef KMS_TESTS_UNIT_AUDIT_FIXTURE_H
#define KMS_TESTS_UNIT_AUDIT_FIXTURE_H

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "audit/read.h"
#include "base/os.h"
#include "tests/unit/crypto_keys.h"

#define LOG1 "0001-000001.log" /* the first file of the first lane */
#define NOON 1772366400	       /* 2026-03-01T12:00:00Z */

/* -- a key and an anchor, in memory that children share -- */

#define AUDIT_KEY_ID "deb2ded39dc26fce" /* of ED25519_D's public half */

static struct ckey *audit_key;
static struct buf audit_spki;
static struct audit_signer audit_signer;

struct audit_memory {
	bool known;
	struct audit_head head;
	unsigned puts;
};
static struct audit_memory *audit_memory;
/* The register's lock keeps them apart already, in a way that ThreadSanitizer does not see. */
static pthread_mutex_t anchor_lock = PTHREAD_MUTEX_INITIALIZER;

static inline UNUSED enum kms_rc
anchor_get(void *arg UNUSED, struct audit_head *ret, struct err *err UNUSED)
{
	bool known;

	pthread_mutex_lock(&anchor_lock);
	*ret = audit_memory->head;
	known = audit_memory->known;
	pthread_mutex_unlock(&anchor_lock);
	return known ? KMS_OK : KMS_NOTFOUND;
}

static inline UNUSED enum kms_rc
anchor_put(void *arg UNUSED, const struct audit_head *head, struct err *err UNUSED)
{
	pthread_mutex_lock(&anchor_lock);
	audit_memory->head = *head;
	audit_memory->known = true;
	audit_memory->puts++;
	pthread_mutex_unlock(&anchor_lock);
	return KMS_OK;
}

static UNUSED const struct audit_anchor audit_anchor = { .get = anchor_get, .put = anchor_put };

static inline UNUSED void
audit_setup(void)
{
	audit_key = ec_key(CURVE_ED25519);
	CHECK_RC(audit_signer_of_key(audit_key, &audit_spki, &audit_signer), KMS_OK);
	audit_memory = mmap(NULL, sizeof(*audit_memory), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(audit_memory, MAP_FAILED);
}

static inline UNUSED void
audit_teardown(void)
{
	os_fake_clock(-1);
	buf_free(&audit_spki);
	ckey_unref(audit_key);
	munmap(audit_memory, sizeof(*audit_memory));
}

/* -- a log -- */

static inline UNUSED struct audit_conf
audit_conf_in(const char *dir)
{
	return (struct audit_conf){ .dir = dir,
		.program = "unit",
		.region = "cn-hangzhou",
		.source = "kms.cn-hangzhou.aliyuncs.com",
		.batch_records = 1,
		.refuse = AUDIT_REFUSE_YES,
		.signer = &audit_signer,
		.anchor = &audit_anchor };
}

static inline UNUSED struct audit *
open_log(const struct audit_conf *conf)
{
	struct err err = { 0 };
	struct audit *a = NULL;
	enum kms_rc rc = audit_open(conf, &a, &err);

	ck_assert_msg(rc == KMS_OK, "%s: %s", rc_name(rc), err.text);
	return a;
}

static UNUSED const struct caller audit_alice = { .kind = CALLER_USER,
	.account = "1234567890123456",
	.name = "alice",
	.principal_id = "216959339000654321",
	.access_key_id = "LTAI5tExample",
	.source_ip = "10.0.0.1",
	.user_agent = "unit/1",
	.uid = 1000,
	.pid = 77 };

static inline UNUSED struct audit_event
audit_sign_event(void)
{
	return (struct audit_event){ .action = "AsymmetricSign",
		.write = true,
		.caller = &audit_alice,
		.resource_type = "ACS::KMS::Key",
		.resource_name = "key-1",
		.key_version = "version-1" };
}

/* Records N events, whose request ids are PREFIX and a number. */
static inline UNUSED void
record(struct audit *a, const char *prefix, unsigned n)
{
	struct audit_event e = audit_sign_event();
	struct err err = { 0 };
	char id[64];

	for (unsigned i = 0; i < n; i++) {
		enum kms_rc rc;

		(void)snprintf(id, sizeof(id), "%s%u", prefix, i);
		e.request_id = id;
		rc = audit_write(a, &e, &err);
		ck_assert_msg(rc == KMS_OK, "%s: %s", rc_name(rc), err.text);
	}
}

static inline UNUSED void
close_log(struct audit *a)
{
	struct err err = { 0 };
	enum kms_rc rc = audit_close(a, &err);

	ck_assert_msg(rc == KMS_OK, "%s: %s", rc_name(rc), err.text);
}

/* One opening of the log in DIR, with N events. */
static inline UNUSED void
run_log(const struct audit_conf *conf, const char *prefix, unsigned n)
{
	struct audit *a = open_log(conf);

	record(a, prefix, n);
	close_log(a);
}

/* Waits for a child that must end well. */
static inline UNUSED void
reap(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child: %x", (unsigned)status);
}

/* A process writes N records to the log in DIR and dies without closing it. */
static inline UNUSED void
run_and_die(const struct audit_conf *conf, unsigned n)
{
	pid_t pid = fork();

	if (pid == 0) {
		record(open_log(conf), "dead", n);
		_exit(0);
	}
	reap(pid);
}

/* -- what verification says -- */

#define FINDINGS 256

struct verdict {
	enum kms_rc rc;
	struct audit_summary sum;
	struct err err;
	size_t n; /* findings but for notes; `notes` has those */
	struct {
		enum audit_problem problem;
		enum audit_level level;
		char file[32];
		uint64_t line, seq, count;
		char text[200];
	} v[FINDINGS], notes[FINDINGS];
	size_t n_notes;
};

static inline UNUSED void
note_finding(void *arg, const struct audit_finding *f)
{
	struct verdict *v = arg;
	bool note = f->level == AUDIT_NOTE;
	size_t i = note ? v->n_notes : v->n;

	if (i == FINDINGS)
		return;
	*(note ? &v->n_notes : &v->n) = i + 1;
	(note ? v->notes : v->v)[i].problem = f->problem;
	(note ? v->notes : v->v)[i].level = f->level;
	(void)snprintf((note ? v->notes : v->v)[i].file, 32, "%s", f->file);
	(void)snprintf((note ? v->notes : v->v)[i].text, 200, "%s", f->text);
	(note ? v->notes : v->v)[i].line = f->line;
	(note ? v->notes : v->v)[i].seq = f->seq;
	(note ? v->notes : v->v)[i].count = f->count;
}

enum with { WITH_KEY = 1, WITH_ANCHOR = 2, WITH_BOTH = 3, WITH_NOTHING = 0 };

static inline UNUSED struct verdict
verify_with(const char *dir, enum with with)
{
	struct slice key = buf_slice(&audit_spki);
	struct verdict v = { .rc = KMS_OK };
	struct audit_check c = { .dir = dir, .report = note_finding, .arg = &v };

	if ((with & WITH_KEY) != 0) {
		c.keys = &key;
		c.n_keys = 1;
	}
	if ((with & WITH_ANCHOR) != 0)
		c.anchor = &audit_anchor;
	v.rc = audit_verify(&c, &v.sum, &v.err);
	return v;
}

static inline UNUSED const char *
verdict_text(const struct verdict *v)
{
	static char text[2000];
	size_t at = 0;

	text[0] = '\0';
	at += (size_t)snprintf(text, sizeof(text), "%s %s", rc_name(v->rc), v->err.text);
	for (size_t i = 0; i < v->n && at < sizeof(text) - 1; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, " | %d %s:%lu seq %lu: %s",
		    (int)v->v[i].problem, v->v[i].file, (unsigned long)v->v[i].line,
		    (unsigned long)v->v[i].seq, v->v[i].text);
	return text;
}

/* Verification finds nothing to complain of. */
#define CHECK_CLEAN(expr)                                                     \
	do {                                                                  \
		struct verdict verdict_ = (expr);                             \
		ck_assert_msg(verdict_.rc == KMS_OK && verdict_.n == 0, "%s", \
		    verdict_text(&verdict_));                                 \
	} while (0)

static inline UNUSED bool
has_note(const struct verdict *v, enum audit_problem p)
{
	for (size_t i = 0; i < v->n_notes; i++) {
		if (v->notes[i].problem == p)
			return true;
	}
	return false;
}

static inline UNUSED bool
has_finding(const struct verdict *v, enum audit_problem p)
{
	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i].problem == p)
			return true;
	}
	return false;
}

/* -- files -- */

static inline UNUSED char *
log_path(const char *dir, const char *name)
{
	char *p = os_path_join(dir, name);

	ck_assert_ptr_nonnull(p);
	return p;
}

static inline UNUSED struct buf
load(const char *dir, const char *name)
{
	char *path = log_path(dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf b = { 0 };
	struct stat st;
	uint8_t *p;

	ck_assert_msg(fd >= 0, "%s", path);
	ck_assert_int_eq(fstat(fd, &st), 0);
	CHECK_RC(buf_extend(&b, (size_t)st.st_size, &p), KMS_OK);
	ck_assert_int_eq(read(fd, p, (size_t)st.st_size), st.st_size);
	close(fd);
	free(path);
	return b;
}

static inline UNUSED void
store(const char *dir, const char *name, struct slice s)
{
	char *path = log_path(dir, name);
	int fd;

	(void)unlink(path); /* a new file is much faster than one made short */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_msg(fd >= 0, "%s", path);
	ck_assert_int_eq(write(fd, s.p, s.len), (ssize_t)s.len);
	close(fd);
	free(path);
}

/* Line NUMBER (from 1) with its newline; empty when there is none. */
static inline UNUSED struct slice
line_of(struct slice text, unsigned number)
{
	const uint8_t *p = text.p, *end = text.p + text.len, *newline;

	while (p < end) {
		newline = memchr(p, '\n', (size_t)(end - p));
		newline = newline == NULL ? end - 1 : newline;
		if (--number == 0)
			return slice_of(p, (size_t)(newline + 1 - p));
		p = newline + 1;
	}
	return slice_of(NULL, 0);
}

static inline UNUSED unsigned
count_lines(struct slice text)
{
	unsigned n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.p[i] == '\n';
	return n;
}

/* Changes the end of a file: cuts it at LEN and appends S. */
static inline UNUSED void
new_end(const char *dir, const char *name, size_t len, struct slice s)
{
	auto_buf b = load(dir, name), out = { 0 };

	CHECK_RC(buf_add(&out, slice_of(b.p, len)), KMS_OK);
	CHECK_RC(buf_add(&out, s), KMS_OK);
	store(dir, name, buf_slice(&out));
}

static inline UNUSED size_t
size_of(const char *dir, const char *name)
{
	auto_buf b = load(dir, name);

	return b.len;
}

/* As a full disk: no file of ours grows beyond MAX bytes. */
static inline UNUSED void
limit_files(rlim_t max)
{
	struct rlimit l;

	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* A suite of one case with the fixture around each test. */
static inline UNUSED Suite *
audit_suite(const char *name, const TTest *const *tests, size_t n)
{
	Suite *s = suite_create(name);
	TCase *c = tcase_create(name);

	tcase_add_checked_fixture(c, audit_setup, audit_teardown);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return s;
}
#define AUDIT_SUITE(name, ...)                                   \
	audit_suite(name, (const TTest *const[]){ __VA_ARGS__ }, \
	    sizeof((const TTest *const[]){ __VA_ARGS__ }) / sizeof(const TTest *))

#endif
