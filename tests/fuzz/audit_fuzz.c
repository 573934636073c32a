/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log meets files that anybody may have written. Any edit of a good log is found; what a
 * reader gives is a record that was written; and the writer goes on behind whatever it finds.
 *
 * Input: a byte of mode. 0: edits (file, place, bytes removed, bytes put in) of a good log. 1: a
 * line. 2: the whole register. 3: a whole file.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <unistd.h>

#include "audit/jin.h"
#include "audit/line.h"
#include "audit/read.h"
#include "base/codec.h"
#include "base/os.h"
#include "crypto/crypto.h"
#include "tests/fuzz/fuzz.h"

#define FILES	 4
#define REGISTER 2
#define NOON	 1772366400

static const char *const names[FILES] = { "0001-000001.log", "0001-000002.log", "register",
	"0002-000001.log" }; /* the last one only the writer may make */
static char dir[64];
static struct buf good[FILES], now[FILES];
static struct ckey *key;
static struct buf spki;
static struct audit_signer signer;
static struct audit_head head;

static enum kms_rc
get(void *arg UNUSED, struct audit_head *ret, struct err *err UNUSED)
{
	*ret = head;
	return head.seq == 0 ? KMS_NOTFOUND : KMS_OK;
}

static enum kms_rc
put(void *arg UNUSED, const struct audit_head *h, struct err *err UNUSED)
{
	head = *h;
	return KMS_OK;
}

static const struct audit_anchor anchor = { .get = get, .put = put };

static const char *
path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
clean_up(void)
{
	static const char *const others[] = { "key-deb2ded39dc26fce.pem", "0001-000003.log" };

	for (size_t i = 0; i < FILES; i++)
		(void)unlink(path_of(names[i]));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		(void)unlink(path_of(others[i]));
	(void)rmdir(dir);
}

static void
read_whole(size_t i)
{
	int fd = open(path_of(names[i]), O_RDONLY | O_CLOEXEC);
	uint8_t block[4096];
	ssize_t n;

	MUST(fd >= 0);
	while ((n = read(fd, block, sizeof(block))) > 0)
		MUST(buf_add(&good[i], slice_of(block, (size_t)n)) == KMS_OK);
	close(fd);
}

static void
write_whole(const char *name, struct slice s)
{
	int fd;

	(void)unlink(path_of(name));
	MUST((fd = open(path_of(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) >= 0);
	MUST(write(fd, s.p, s.len) == (ssize_t)s.len);
	close(fd);
}

static struct audit_conf
conf(void)
{
	return (struct audit_conf){ .dir = dir,
		.program = "fuzz",
		.batch_records = 1,
		.refuse = AUDIT_REFUSE_YES,
		.checkpoint_records = 3,
		.signer = &signer,
		.anchor = &anchor };
}

/* One opening with N records; what it ended with. */
static enum kms_rc
run_log(unsigned n, const char *id)
{
	static const struct caller who = { .account = "1", .name = "root", .principal_id = "1" };
	struct audit_event e = { .action = "Sign", .caller = &who, .request_id = id };
	struct audit_conf c = conf();
	struct audit *a = NULL;
	enum kms_rc rc = audit_open(&c, &a, NULL), closed;

	MUST(rc == KMS_OK);
	for (unsigned i = 0; i < n && rc == KMS_OK; i++)
		rc = audit_write(a, &e, NULL);
	closed = audit_close(a, NULL);
	return rc != KMS_OK ? rc : closed;
}

int
LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	static const char seed[] =
	    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
	auto_buf d = { 0 };

	(void)snprintf(dir, sizeof(dir), "%s/kms-audit-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	MUST(mkdtemp(dir) != NULL && atexit(clean_up) == 0);
	MUST(hex_decode(slice_str(seed), &d) == KMS_OK);
	MUST(ckey_from_ec(CURVE_ED25519, buf_slice(&d), slice_of(NULL, 0), &key) == KMS_OK);
	MUST(audit_signer_of_key(key, &spki, &signer) == KMS_OK);
	os_fake_clock(NOON);
	MUST(run_log(4, "id") == KMS_OK);
	os_fake_clock(NOON + 86400);
	MUST(run_log(2, "id") == KMS_OK);
	for (size_t i = 0; i <= REGISTER; i++)
		read_whole(i);
	return 0;
}

static bool
starts_with(struct slice s, struct slice front)
{
	return s.len >= front.len && memcmp(s.p, front.p, front.len) == 0;
}

/* What a record read is must be one that was written. */
static void
read_log(void)
{
	struct audit_reader *r = NULL;
	struct audit_row row;
	unsigned n = 0;

	MUST(audit_reader_open(dir, NULL, &r, NULL) == KMS_OK);
	while (audit_reader_next(r, &row, NULL) == KMS_OK) {
		MUST(memmem(good[0].p, good[0].len, row.text.p, row.text.len) != NULL ||
		    memmem(good[1].p, good[1].len, row.text.p, row.text.len) != NULL);
		MUST(n++ < 100000);
	}
	audit_reader_close(r);
}

static enum kms_rc
check(void)
{
	struct slice k = buf_slice(&spki);
	struct audit_check c = { .dir = dir, .keys = &k, .n_keys = 1, .anchor = &anchor };
	struct audit_summary sum;

	return audit_verify(&c, &sum, NULL);
}

static void
check_log(void)
{
	bool same = true;
	enum kms_rc rc;

	for (size_t i = 0; i <= REGISTER; i++) {
		struct slice was = buf_slice(&good[i]), is = buf_slice(&now[i]);

		write_whole(names[i], is);
		/* A register that ends in half an entry: as a process leaves it that dies. */
		same = same &&
		    (slice_eq(was, is) ||
			(i == REGISTER && starts_with(is, was) &&
			    memchr(is.p + was.len, '\n', is.len - was.len) == NULL));
	}
	rc = check();
	MUST(rc == KMS_OK || rc == KMS_TAMPERED);
	MUST(rc == KMS_TAMPERED || same);
	read_log();
}

/* The writer, behind whatever is there: it writes, or says why not. */
static void
go_on(void)
{
	struct audit_filter f = { .request_id = "the-new-one" };
	struct audit_head before = head;
	struct audit_reader *r = NULL;
	struct audit_row row;
	enum kms_rc rc = run_log(1, f.request_id);

	MUST(rc == KMS_OK || rc == KMS_TAMPERED);
	MUST(audit_reader_open(dir, &f, &r, NULL) == KMS_OK);
	MUST((audit_reader_next(r, &row, NULL) == KMS_OK) == (rc == KMS_OK));
	audit_reader_close(r);
	MUST(check() == KMS_TAMPERED || rc == KMS_OK);
	(void)unlink(path_of("0001-000003.log"));
	(void)unlink(path_of(names[3]));
	head = before;
}

static void
edit(struct reader *r)
{
	size_t i = read_u8(r) % (REGISTER + 1), at = read_u32(r), removed = read_u32(r);
	struct slice put_in = read_bytes(r);
	auto_buf b = { 0 };

	if (r->bad)
		return;
	if (now[i].len == 0) {
		MUST(buf_set(&now[i], put_in) == KMS_OK);
		return;
	}
	at %= now[i].len + 1;
	removed %= now[i].len - at + 1;
	MUST(buf_add(&b, slice_of(now[i].p, at)) == KMS_OK);
	MUST(buf_add(&b, put_in) == KMS_OK);
	MUST(buf_add(&b, slice_of(now[i].p + at + removed, now[i].len - at - removed)) == KMS_OK);
	buf_move(&now[i], &b);
}

static void
one_line(struct slice s)
{
	struct line_parts p;
	json_t *j = jin_object(s);

	json_decref(j);
	if (line_read(s, &p))
		(void)line_kind_of(p.members);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(slice_of(data, size));
	unsigned mode = read_u8(&r) % 4;

	for (size_t i = 0; i <= REGISTER; i++)
		MUST(buf_set(&now[i], buf_slice(&good[i])) == KMS_OK);
	if (mode == 1) {
		one_line(r.rest);
		return 0;
	}
	if (mode == 0) {
		while (r.rest.len > 0 && !r.bad)
			edit(&r);
	} else
		MUST(buf_set(&now[mode == 2 ? REGISTER : 1], r.rest) == KMS_OK);
	check_log();
	go_on();
	return 0;
}
