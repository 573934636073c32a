/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that somebody could do to a log afterwards, without its key: each is found, and the
 * first record concerned is named.
 */
#define _GNU_SOURCE 1
#include "audit/line.h"
#include "base/codec.h"
#include "tests/unit/audit_fixture.h"

/* Two lanes; the first has three files. Small, since all of it is verified thousands of times. */
static char *dir;
static const char *const names[] = { "0001-000001.log", "0001-000002.log", "0001-000003.log",
	"0002-000001.log", "register" };
#define LAST_OF_LANE(i) ((i) == 2 || (i) == 3)
#define REGISTER	4
static struct buf good[ARRAY_LEN(names)];

static struct audit_head good_head;
static struct buf key_file;
static char key_name[64];

static void
make_log(const char *where, const struct audit_anchor *anchor)
{
	struct audit_conf conf = audit_conf_in(where);
	struct audit *a, *b;

	os_fake_clock(NOON);
	conf.anchor = anchor;
	conf.checkpoint_records = 3;
	a = open_log(&conf);
	record(a, "a", 1);
	b = open_log(&conf);
	record(b, "b", 4);
	record(a, "c", 4);
	close_log(a);
	close_log(b);
	os_fake_clock(NOON + 86400);
	run_log(&conf, "d", 2);
	os_fake_clock(NOON + 2 * 86400);
	run_log(&conf, "e", 1);
	run_log(&conf, "f", 1);
}

/* Once, in the process that the tests are forked from. */
static void
make_once(void)
{
	audit_setup();
	dir = temp_dir();
	make_log(dir, &audit_anchor);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		good[i] = load(dir, names[i]);
	(void)snprintf(key_name, sizeof(key_name), "key-%s.pem", AUDIT_KEY_ID);
	key_file = load(dir, key_name);
	good_head = audit_memory->head;
	free(dir);
}

static void
forget_once(void)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		buf_free(&good[i]);
	buf_free(&key_file);
	audit_teardown();
}

static void
put_back(void)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		store(dir, names[i], buf_slice(&good[i]));
	store(dir, key_name, buf_slice(&key_file));
}

static void
setup(void)
{
	dir = temp_dir();
	put_back();
	audit_memory->head = good_head;
	CHECK_CLEAN(verify_with(dir, WITH_BOTH));
}

static void
teardown(void)
{
	os_fake_clock(-1);
	free(dir);
}

/* The first error of a check is one of these, at this line of this file. LINE 0: of a whole file.
 */
static void
expect(enum with with, unsigned problems, const char *file, uint64_t line, const char *what)
{
	struct verdict v = verify_with(dir, with);
	size_t i = 0;

	ck_assert_msg(v.rc == KMS_TAMPERED, "%s, %s line %lu: %s", what, file, (unsigned long)line,
	    verdict_text(&v));
	while (i < v.n && v.v[i].level != AUDIT_ERROR)
		i++;
	ck_assert_msg(i < v.n && (1u << v.v[i].problem & problems) != 0 &&
		strcmp(v.v[i].file, file) == 0 && v.v[i].line == line,
	    "%s, %s line %lu: %s", what, file, (unsigned long)line, verdict_text(&v));
}
#define P(x) (1u << AUDIT_##x)

static void
change_file(size_t i, struct slice before, struct slice middle, struct slice after)
{
	auto_buf b = { 0 };

	CHECK_RC(buf_add(&b, before), KMS_OK);
	CHECK_RC(buf_add(&b, middle), KMS_OK);
	CHECK_RC(buf_add(&b, after), KMS_OK);
	store(dir, names[i], buf_slice(&b));
}

static struct slice
upto(struct slice all, const uint8_t *end)
{
	return slice_of(all.p, (size_t)(end - all.p));
}

static struct slice
from(struct slice all, const uint8_t *start)
{
	return slice_of(start, (size_t)(all.p + all.len - start));
}

static struct slice
behind(struct slice all, struct slice part)
{
	return from(all, part.p + part.len);
}

START_TEST(a_changed_byte_is_found_and_its_line_named)
{
	size_t i = (size_t)_i;
	struct slice all = buf_slice(&good[i]);
	unsigned line = 1;

	for (size_t at = 0; at < all.len; at++) {
		bool newline = all.p[at] == '\n', last = at + 1 == all.len;
		uint8_t changed = (uint8_t)(all.p[at] ^ (1 << at % 8));

		/* Every eleventh, and what stands at the ends of lines. */
		if (at % 11 == 0 || newline || at == 0 || all.p[at - 1] == '\n') {
			change_file(i, upto(all, all.p + at), slice_of(&changed, 1),
			    from(all, all.p + at + 1));
			expect(WITH_BOTH,
			    last ? P(CUT) | P(CHANGED)
				 : P(CHANGED) | (i == REGISTER ? P(BAD_SIGNATURE) : 0),
			    names[i], line, "byte");
		}
		line += newline;
	}
	put_back();
}
END_TEST

START_TEST(a_deleted_line_is_found)
{
	size_t i = (size_t)_i;
	struct slice all = buf_slice(&good[i]), l;
	unsigned n = count_lines(all);

	for (unsigned k = 1; k <= n; k++) {
		l = line_of(all, k);
		change_file(i, upto(all, l.p), slice_of(NULL, 0), behind(all, l));
		expect(WITH_BOTH, k == n ? P(CUT) : P(REMOVED), names[i], k, "deleted");
	}
	put_back();
}
END_TEST

START_TEST(several_deleted_lines_are_counted)
{
	struct slice all = buf_slice(&good[0]), a = line_of(all, 3), b = line_of(all, 5);
	struct verdict v;

	change_file(0, upto(all, a.p), slice_of(NULL, 0), behind(all, b));
	v = verify_with(dir, WITH_BOTH);
	ck_assert_int_eq(v.v[0].problem, AUDIT_REMOVED);
	ck_assert_uint_eq(v.v[0].seq, 3);
	ck_assert_uint_eq(v.v[0].count, 3);
}
END_TEST

START_TEST(swapped_lines_are_found)
{
	size_t i = (size_t)_i;
	struct slice all = buf_slice(&good[i]), a, b;
	unsigned n = count_lines(all);
	auto_buf both = { 0 };

	for (unsigned gap = 1; gap < n; gap++) {
		for (unsigned k = 1; k + gap <= n; k++) {
			a = line_of(all, k);
			b = line_of(all, k + gap);
			buf_clear(&both);
			CHECK_RC(buf_add(&both, b), KMS_OK);
			CHECK_RC(buf_add(&both, slice_of(a.p + a.len, (size_t)(b.p - a.p) - a.len)),
			    KMS_OK);
			CHECK_RC(buf_add(&both, a), KMS_OK);
			change_file(i, upto(all, a.p), buf_slice(&both), behind(all, b));
			expect(WITH_BOTH, P(REORDERED), names[i], k, "swapped");
		}
	}
	put_back();
}
END_TEST

START_TEST(a_doubled_line_is_found_wherever_it_is_put)
{
	size_t i = (size_t)_i;
	struct slice all = buf_slice(&good[i]), a, b;
	unsigned n = count_lines(all);

	for (unsigned k = 1; k <= n; k++) {
		for (unsigned to = 1; to <= n; to++) {
			a = line_of(all, k);
			b = line_of(all, to); /* behind this one */
			change_file(i, upto(all, b.p + b.len), a, behind(all, b));
			/* Before the original the copy is the first of two. */
			expect(WITH_BOTH, P(INSERTED), names[i], to + 1 == k ? k + 1 : to + 1,
			    "doubled");
		}
	}
	put_back();
}
END_TEST

START_TEST(an_inserted_line_is_found)
{
	size_t i = (size_t)_i;
	struct slice all = buf_slice(&good[i]), l,
		     other = line_of(buf_slice(&good[i == 3 ? 0 : 3]), 3);
	unsigned n = count_lines(all);

	for (unsigned k = 1; k <= n; k++) {
		l = line_of(all, k);
		change_file(i, upto(all, l.p), BYTES("{\"eventId\":\"x\"}\n"), from(all, l.p));
		expect(WITH_BOTH, P(INSERTED), names[i], k, "nonsense inserted");
		change_file(i, upto(all, l.p), BYTES("\n"), from(all, l.p));
		expect(WITH_BOTH, P(INSERTED), names[i], k, "empty line inserted");
		/* A real record of the other lane, which has a good hash. */
		change_file(i, upto(all, l.p), other, from(all, l.p));
		expect(WITH_BOTH, P(INSERTED), names[i], k, "stranger inserted");
	}
	put_back();
}
END_TEST

/* A record with a good hash, as anybody can make one, that goes on behind line K. */
static struct slice
forge(struct slice all, unsigned k, const char *change, char text[LINE_CAP])
{
	struct slice l = line_of(all, k);
	struct line_parts p;
	struct chain head;
	struct jout o = jout_of(text, LINE_CAP);
	char writer[WRITER_SIZE];

	ck_assert(line_read(slice_of(l.p, l.len - 1), &p));
	head.seq = p.seq;
	memcpy(head.hash, p.hash, AUDIT_HASH_LEN);
	(void)snprintf(writer, sizeof(writer), "%.*s", (int)p.writer.len, (const char *)p.writer.p);
	jout_open(&o, NULL, '{');
	jout_text(&o, "eventId", change);
	CHECK_RC(line_seal(&o, writer, &head), KMS_OK);
	CHECK_RC(line_end(&o, NULL), KMS_OK);
	return jout_slice(&o);
}

START_TEST(a_forged_record_with_a_good_hash_is_found)
{
	size_t i = (size_t)_i;
	struct slice all = buf_slice(&good[i]), l;
	unsigned n = count_lines(all);
	char text[LINE_CAP];

	for (unsigned k = 1; k <= n; k++) {
		l = line_of(all, k);
		change_file(i, upto(all, l.p + l.len), forge(all, k, "forged", text),
		    behind(all, l));
		expect(WITH_BOTH, P(INSERTED) | P(CHANGED), names[i], k + 1, "forged");
	}
	put_back();
}
END_TEST

START_TEST(a_record_that_was_changed_with_its_hash_is_found)
{
	size_t i = (size_t)_i;
	struct slice all = buf_slice(&good[i]), l;
	unsigned n = count_lines(all);
	char text[LINE_CAP];

	for (unsigned k = 2; k <= n; k++) {
		l = line_of(all, k);
		change_file(i, upto(all, l.p), forge(all, k - 1, "changed", text), behind(all, l));
		expect(WITH_BOTH, P(CHANGED) | P(INSERTED), names[i], k, "changed with its hash");
	}
	put_back();
}
END_TEST

START_TEST(a_file_that_was_cut_is_found_wherever_it_was)
{
	size_t i = (size_t)_i;
	struct slice all = buf_slice(&good[i]), l;
	unsigned n = count_lines(all);

	for (unsigned k = 1; k <= n; k++) {
		l = line_of(all, k);
		change_file(i, upto(all, l.p), slice_of(NULL, 0), slice_of(NULL, 0));
		if (i == REGISTER && k == 1)
			expect(WITH_BOTH, P(REMOVED), names[i], 0, "cut to nothing");
		else
			expect(WITH_BOTH, P(CUT), names[i], k, "cut between lines");
		for (size_t at = 1; at < l.len; at += l.len / 5) {
			change_file(i, upto(all, l.p + at), slice_of(NULL, 0), slice_of(NULL, 0));
			if (i == REGISTER && k == 1)
				expect(WITH_BOTH, P(REMOVED), names[i], 0, "cut in the first line");
			else
				expect(WITH_BOTH, P(CUT), names[i], k, "cut within a line");
		}
	}
	put_back();
}
END_TEST

START_TEST(a_removed_file_is_found_and_named)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path = log_path(dir, names[i]);

		ck_assert_int_eq(unlink(path), 0);
		expect(WITH_BOTH, P(REMOVED), names[i], 0, "removed");
		free(path);
		put_back();
	}
}
END_TEST

START_TEST(a_removed_lane_and_removed_neighbours_are_each_named)
{
	struct verdict v;

	for (size_t i = 0; i < 3; i++) {
		char *path = log_path(dir, names[i]);

		ck_assert_int_eq(unlink(path), 0);
		free(path);
	}
	v = verify_with(dir, WITH_BOTH);
	ck_assert_uint_eq(v.sum.errors, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(v.v[i].problem, AUDIT_REMOVED);
		ck_assert_str_eq(v.v[i].file, names[i]);
	}
}
END_TEST

START_TEST(swapped_files_are_found)
{
	for (size_t i = 0; i < REGISTER; i++) {
		for (size_t k = i + 1; k < REGISTER; k++) {
			store(dir, names[i], buf_slice(&good[k]));
			store(dir, names[k], buf_slice(&good[i]));
			expect(WITH_BOTH, P(MISPLACED), names[i], 1, "swapped files");
			put_back();
		}
	}
}
END_TEST

START_TEST(a_file_of_another_log_is_found)
{
	char *other = temp_dir();
	auto_buf theirs = { 0 };

	make_log(other, NULL);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		buf_free(&theirs);
		theirs = load(other, names[i]);
		store(dir, names[i], buf_slice(&theirs));
		if (i == REGISTER)
			expect(WITH_KEY, P(INSERTED) | P(REMOVED) | P(MISPLACED), names[0], 1,
			    "another register");
		else
			expect(WITH_KEY, P(MISPLACED), names[i], 1, "another log's file");
		put_back();
	}
	store(dir, "0003-000001.log", buf_slice(&good[3]));
	expect(WITH_KEY, P(INSERTED), "0003-000001.log", 0, "a further file");
	free(other);
}
END_TEST

START_TEST(a_replaced_public_key_is_found)
{
	char *path = log_path(dir, key_name);
	struct verdict v;

	/* RFC 8032 §7.1, test 1: the key is another than the name says. */
	write_file(path,
	    "-----BEGIN PUBLIC KEY-----\n"
	    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
	    "-----END PUBLIC KEY-----\n",
	    0600);
	v = verify_with(dir, WITH_NOTHING);
	CHECK_RC(v.rc, KMS_TAMPERED);
	ck_assert_int_eq(v.v[0].problem, AUDIT_BAD_KEY);
	CHECK_CLEAN(verify_with(dir, WITH_BOTH)); /* who has the key needs no file */
	ck_assert_int_eq(unlink(path), 0);
	v = verify_with(dir, WITH_NOTHING);
	CHECK_RC(v.rc, KMS_TAMPERED);
	ck_assert_int_eq(v.v[0].problem, AUDIT_BAD_KEY);
	free(path);
}
END_TEST

START_TEST(a_log_that_was_made_anew_with_another_key_is_found_by_key_or_anchor)
{
	struct ckey *theirs = NULL;
	auto_buf spki = { 0 };
	struct audit_signer signer;
	char *other = temp_dir();
	struct audit_conf conf = audit_conf_in(other);
	struct verdict v;

	CHECK_RC(ckey_generate(&(struct key_spec){ KEY_EDWARDS, CURVE_ED25519, 255 },
		     slice_of(NULL, 0), &theirs),
	    KMS_OK);
	CHECK_RC(audit_signer_of_key(theirs, &spki, &signer), KMS_OK);
	conf.signer = &signer;
	conf.anchor = NULL;
	run_log(&conf, "x", 3);
	free(dir);
	dir = other;
	v = verify_with(dir, WITH_NOTHING);
	ck_assert_int_eq(v.rc, KMS_OK); /* as docs/audit.md says */
	ck_assert(has_note(&v, AUDIT_OWN_KEY) && has_note(&v, AUDIT_NO_ANCHOR));
	v = verify_with(dir, WITH_KEY);
	CHECK_RC(v.rc, KMS_TAMPERED);
	ck_assert(has_finding(&v, AUDIT_BAD_KEY) && has_finding(&v, AUDIT_NOT_SIGNED));
	expect(WITH_ANCHOR, P(CHANGED), "register", 1, "another log");
	ckey_unref(theirs);
}
END_TEST

START_TEST(a_log_that_was_made_anew_without_a_key_is_found)
{
	char *other = temp_dir();
	struct audit_conf conf = audit_conf_in(other);
	struct verdict v;

	conf.signer = NULL;
	conf.anchor = NULL;
	run_log(&conf, "x", 3);
	free(dir);
	dir = other;
	v = verify_with(dir, WITH_KEY);
	CHECK_RC(v.rc, KMS_TAMPERED);
	ck_assert_int_eq(v.v[0].problem, AUDIT_NOT_SIGNED);
	v = verify_with(dir, WITH_NOTHING);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert_int_eq(v.v[0].problem, AUDIT_UNSIGNED);
}
END_TEST

START_TEST(all_of_it_put_back_to_an_earlier_state_is_found_by_the_anchor_alone)
{
	struct audit_conf conf = audit_conf_in(dir);
	struct verdict v;

	run_log(&conf, "later", 3); /* not in GOOD */
	put_back();
	expect(WITH_BOTH, P(CUT), "register", count_lines(buf_slice(&good[REGISTER])) + 1,
	    "put back");
	v = verify_with(dir, WITH_KEY);
	CHECK_RC(v.rc, KMS_OK);
	ck_assert(has_note(&v, AUDIT_NO_ANCHOR));
}
END_TEST

START_TEST(what_the_anchor_alone_knew_is_kept_by_the_next_entry)
{
	struct audit_conf conf = audit_conf_in(dir);
	unsigned entries = count_lines(buf_slice(&good[REGISTER]));

	run_log(&conf, "later", 3);
	put_back();
	run_log(&conf, "more", 1); /* the anchor is overwritten by this */
	expect(WITH_BOTH, P(CUT), "register", entries + 1, "put back, and gone on");
}
END_TEST

START_TEST(a_cut_that_a_later_writer_went_on_from_is_found)
{
	struct audit_conf conf = audit_conf_in(dir);
	struct slice all = buf_slice(&good[3]);
	unsigned n = count_lines(all);

	store(dir, names[3], upto(all, line_of(all, n - 1).p));
	conf.file_max = 1 << 20;
	os_fake_clock(NOON);
	for (unsigned i = 0; i < 2; i++) { /* both lanes get a writer */
		struct audit *a = open_log(&conf), *b;

		record(a, "x", 2);
		b = open_log(&conf);
		record(b, "y", 4);
		close_log(a);
		close_log(b);
	}
	expect(WITH_BOTH, P(CHANGED), names[3], n, "cut, and gone on");
}
END_TEST

START_TEST(a_signature_that_was_taken_off_is_found)
{
	struct slice all = buf_slice(&good[REGISTER]), l;
	static const char mark[] = ",\"signature\":\"";

	for (unsigned k = 1; k <= count_lines(all); k++) {
		const uint8_t *p;

		l = line_of(all, k);
		p = memmem(l.p, l.len, mark, sizeof(mark) - 1);
		ck_assert_ptr_nonnull(p);
		change_file(REGISTER, upto(all, p), BYTES("}\n"), behind(all, l));
		expect(WITH_BOTH, P(BAD_SIGNATURE), "register", k, "signature taken off");
	}
}
END_TEST

START_TEST(a_signature_that_was_put_on_is_found)
{
	/* Behind its hash, which does not cover it. */
	static const char ending[] =
	    ",\"signature\":\"00000000000000000000000000000000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000000000000000000000000000\"}\n";

	for (size_t i = 0; i < REGISTER; i++) {
		struct slice all = buf_slice(&good[i]), l;

		for (unsigned k = 1; k <= count_lines(all); k++) {
			l = line_of(all, k);
			change_file(i, upto(all, l.p + l.len - 2), slice_str(ending),
			    behind(all, l));
			expect(WITH_BOTH, P(CHANGED), names[i], k, "signature put on");
		}
		put_back();
	}
}
END_TEST

/* A line as a writer of that name would begin with, behind the last line of ALL. */
static struct slice
forge_start(struct slice all, const char *writer, char text[LINE_CAP])
{
	struct slice l = line_of(all, count_lines(all));
	struct line_parts p;
	struct chain head;
	struct jout o = jout_of(text, LINE_CAP);

	ck_assert(line_read(slice_of(l.p, l.len - 1), &p));
	head.seq = p.seq;
	memcpy(head.hash, p.hash, AUDIT_HASH_LEN);
	jout_open(&o, NULL, '{');
	jout_text(&o, "audit", "start");
	CHECK_RC(line_seal(&o, writer, &head), KMS_OK);
	CHECK_RC(line_end(&o, NULL), KMS_OK);
	return jout_slice(&o);
}

START_TEST(a_writer_that_nobody_registered_is_found)
{
	for (size_t i = 2; i < REGISTER; i++) {
		struct slice all = buf_slice(&good[i]);
		char text[LINE_CAP];

		change_file(i, all, forge_start(all, "0001-0123456789ab", text), slice_of(NULL, 0));
		expect(WITH_BOTH, P(INSERTED), names[i], count_lines(all) + 1, "forged writer");
		put_back();
	}
}
END_TEST

START_TEST(bytes_behind_a_closed_end_are_found)
{
	for (size_t i = 2; i < 4; i++) {
		struct slice all = buf_slice(&good[i]);

		change_file(i, all, BYTES("{\"eventId\":\"half"), slice_of(NULL, 0));
		expect(WITH_BOTH, P(INSERTED), names[i], count_lines(all) + 1, "half a line");
		change_file(i, all, BYTES("\0\0\0\0"), slice_of(NULL, 0));
		expect(WITH_BOTH, P(INSERTED), names[i], count_lines(all) + 1, "zeros");
		put_back();
	}
}
END_TEST

START_TEST(a_reported_damage_does_not_hide_another_one)
{
	struct slice all = buf_slice(&good[0]), l = line_of(all, 3);
	struct verdict v;

	change_file(0, upto(all, l.p), BYTES("x\n"), behind(all, l));
	all = buf_slice(&good[1]);
	l = line_of(all, 2);
	change_file(1, upto(all, l.p), slice_of(NULL, 0), behind(all, l));
	all = buf_slice(&good[3]);
	l = line_of(all, 2);
	change_file(3, upto(all, l.p), l, from(all, l.p));
	v = verify_with(dir, WITH_BOTH);
	ck_assert_uint_eq(v.sum.errors, 3);
	ck_assert_int_eq(v.v[0].problem, AUDIT_CHANGED);
	ck_assert_int_eq(v.v[1].problem, AUDIT_REMOVED);
	ck_assert_int_eq(v.v[2].problem, AUDIT_INSERTED);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("audit-tamper");
	TCase *c = tcase_create("audit-tamper");
	const int all = ARRAY_LEN(names), files = REGISTER;

	tcase_add_unchecked_fixture(c, make_once, forget_once);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 200);
	tcase_add_loop_test(c, a_changed_byte_is_found_and_its_line_named, 0, all);
	tcase_add_loop_test(c, a_deleted_line_is_found, 0, all);
	tcase_add_test(c, several_deleted_lines_are_counted);
	tcase_add_loop_test(c, swapped_lines_are_found, 0, all);
	tcase_add_loop_test(c, a_doubled_line_is_found_wherever_it_is_put, 0, all);
	tcase_add_loop_test(c, an_inserted_line_is_found, 0, all);
	tcase_add_loop_test(c, a_forged_record_with_a_good_hash_is_found, 0, files);
	tcase_add_loop_test(c, a_record_that_was_changed_with_its_hash_is_found, 0, files);
	tcase_add_loop_test(c, a_file_that_was_cut_is_found_wherever_it_was, 0, all);
	tcase_add_test(c, a_removed_file_is_found_and_named);
	tcase_add_test(c, a_removed_lane_and_removed_neighbours_are_each_named);
	tcase_add_test(c, swapped_files_are_found);
	tcase_add_test(c, a_file_of_another_log_is_found);
	tcase_add_test(c, a_replaced_public_key_is_found);
	tcase_add_test(c, a_log_that_was_made_anew_with_another_key_is_found_by_key_or_anchor);
	tcase_add_test(c, a_log_that_was_made_anew_without_a_key_is_found);
	tcase_add_test(c, all_of_it_put_back_to_an_earlier_state_is_found_by_the_anchor_alone);
	tcase_add_test(c, what_the_anchor_alone_knew_is_kept_by_the_next_entry);
	tcase_add_test(c, a_cut_that_a_later_writer_went_on_from_is_found);
	tcase_add_test(c, a_signature_that_was_taken_off_is_found);
	tcase_add_test(c, a_signature_that_was_put_on_is_found);
	tcase_add_test(c, a_writer_that_nobody_registered_is_found);
	tcase_add_test(c, bytes_behind_a_closed_end_are_found);
	tcase_add_test(c, a_reported_damage_does_not_hide_another_one);
	suite_add_tcase(s, c);
	return unit_main(s);
}
