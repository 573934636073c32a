/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that rotates keys, imports material, puts secrets and rewraps objects is killed at
 * random points, many times, on one store. Every action that was acknowledged is there and on the
 * audit log, what was under way has happened or not, and everything that was sealed opens. Objects
 * of PKCS#11 have tests of their own: tests/unit/crash_test.c, tests/p11/kill_test.c.
 */
#define _GNU_SOURCE 1
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <signal.h>
#include <time.h>

#include "audit/read.h"
#include "tests/contract/contract.h"
#include "tests/p11/child.h"
#include "tests/unit/local_fixture.h"

#define KILLS	 30
#define ACKS_MAX 6     /* a life ends after so many acknowledgements, */
#define SPIN_MAX 12000 /* and so many microseconds, at most */
#define OBJECTS	 8
#define MASTER	 "alias/tde"

/* What a child does, and the steps that it does it by: each is one change, and acknowledged. */
enum job { JOB_ROTATE, JOB_MATERIAL, JOB_PUT, JOB_REWRAP, JOBS };
enum step { ROTATE, DELETE, IMPORT, PUT, ROTATE_MASTER, REWRAP, STEPS };

static const enum job jobs[STEPS] = { [ROTATE] = JOB_ROTATE,
	[DELETE] = JOB_MATERIAL,
	[IMPORT] = JOB_MATERIAL,
	[PUT] = JOB_PUT,
	[ROTATE_MASTER] = JOB_REWRAP,
	[REWRAP] = JOB_REWRAP };

struct word {
	enum step step;
	bool done;
	unsigned n;	  /* PUT: the version's number */
	char version[37]; /* ROTATE, ROTATE_MASTER: the new one */
};

/* A key that is rotated, and what is known of it. */
struct rotated {
	char id[37], primary[37];
	int64_t versions;
};

struct known {
	struct rotated key, master;
	bool material, rewrapped;
	unsigned value, before; /* of the secret: the current version and the one before */
	bool pending;
	struct word under_way;
	unsigned done[STEPS];
};

static char external[37];
static struct uid objects[OBJECTS];
static uint8_t sealed[KILLS + 1][256], foreign[256];
static size_t sealed_len[KILLS + 1], foreign_len;

static unsigned
draw(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % below;
}

/* -- asking -- */

static void
copy_id(char ret[37], enum field group, enum field name)
{
	const char *text = text_of(group, name);

	ck_assert_uint_eq(strlen(text), 36);
	memcpy(ret, text, 37);
}

static bool
has_material(void)
{
	about(external);
	expect(ACTION_DescribeKey);
	return strcmp(text_of(F_KeyMetadata, F_KeyState), "Enabled") == 0;
}

static size_t
encrypt(const char *key, uint8_t blob[256])
{
	struct slice s;

	about(key);
	with_bytes(F_Plaintext, BYTES("payload"));
	expect(ACTION_Encrypt);
	s = fields_get(&res, F_CiphertextBlob);
	ck_assert_uint_le(s.len, 256);
	memcpy(blob, s.p, s.len);
	return s.len;
}

static void
ask_decrypt(const uint8_t *blob, size_t len)
{
	request();
	with_bytes(F_CiphertextBlob, slice_of(blob, len));
}

static void
check_decrypts(const uint8_t *blob, size_t len)
{
	ask_decrypt(blob, len);
	expect(ACTION_Decrypt);
	CHECK_BYTES(fields_get(&res, F_Plaintext), BYTES("payload"));
}

static struct rewrap
rewrap(void)
{
	struct call c = { 0 };
	struct rewrap r;

	CHECK_RC(local_rewrap(kms, &c, NO_BYTES, NULL, &r), KMS_OK);
	return r;
}

/* The request of ImportKeyMaterial; what encrypts the material is asked for first. */
static void
prepare_import(void)
{
	struct slice material = BYTES("0123456789abcdef0123456789abcdef");
	uint8_t token[256], cipher[256];
	size_t token_len, cipher_len = sizeof(cipher);
	const uint8_t *der;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *k;

	about(external);
	with(F_WrappingKeySpec, "RSA_2048");
	with(F_WrappingAlgorithm, "RSAES_OAEP_SHA_256");
	expect(ACTION_GetParametersForImport);
	token_len = fields_get(&res, F_ImportToken).len;
	ck_assert_uint_le(token_len, sizeof(token));
	memcpy(token, fields_get(&res, F_ImportToken).p, token_len);
	der = fields_get(&res, F_PublicKeyDer).p;
	k = d2i_PUBKEY(NULL, &der, (long)fields_get(&res, F_PublicKeyDer).len);
	ctx = EVP_PKEY_CTX_new(k, NULL);
	ck_assert(EVP_PKEY_encrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_encrypt(ctx, cipher, &cipher_len, material.p, material.len) == 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(k);
	about(external);
	with_bytes(F_ImportToken, slice_of(token, token_len));
	with_bytes(F_EncryptedKeyMaterial, slice_of(cipher, cipher_len));
	with_number(F_KeyMaterialExpireUnix, 0);
}

static void
prepare_put(unsigned n)
{
	char id[16], value[24];

	(void)snprintf(id, sizeof(id), "v%u", n);
	(void)snprintf(value, sizeof(value), "value %u", n);
	request();
	with(F_SecretName, "s");
	with(F_VersionId, id);
	with(F_SecretData, value);
}

/* -- the child -- */

struct life {
	unsigned seed, next_value;
	enum job aim;
	const struct known *known;
};

static void
do_step(const struct child *up, enum step step, unsigned n)
{
	static const enum action actions[] = {
		[ROTATE] = ACTION_CreateKeyVersion,
		[DELETE] = ACTION_DeleteKeyMaterial,
		[IMPORT] = ACTION_ImportKeyMaterial,
		[PUT] = ACTION_PutSecretValue,
		[ROTATE_MASTER] = ACTION_CreateKeyVersion,
	};
	struct word w;

	memset(&w, 0, sizeof(w));
	w.step = step;
	w.n = n;
	child_tell(up, &w, sizeof(w));
	if (step == REWRAP)
		ck_assert_uint_eq(rewrap().left, 0);
	else
		expect(actions[step]);
	if (step == ROTATE || step == ROTATE_MASTER)
		copy_id(w.version, F_KeyVersion, F_KeyVersionId);
	w.done = true;
	child_tell(up, &w, sizeof(w));
}

static void
do_job(const struct child *up, struct life *life, enum job job)
{
	switch (job) {
	case JOB_ROTATE:
		about(life->known->key.id);
		do_step(up, ROTATE, 0);
		break;
	case JOB_MATERIAL:
		if (has_material()) {
			about(external);
			do_step(up, DELETE, 0);
		}
		prepare_import();
		do_step(up, IMPORT, 0);
		break;
	case JOB_PUT:
		prepare_put(life->next_value);
		do_step(up, PUT, life->next_value++);
		break;
	case JOB_REWRAP:
	case JOBS:
		about(life->known->master.id);
		do_step(up, ROTATE_MASTER, 0);
		do_step(up, REWRAP, 0);
		break;
	}
}

static void
open_kms(void)
{
	kms = open_local();
	CHECK_RC(login(kms, ROLE_USER, PIN), KMS_OK);
}

/* Half of the time what the kill is aimed at; material, whose RSA key takes long, only then. */
static void
live(struct child *up, void *arg)
{
	struct life *life = arg;

	secret_after_fork();
	crypto_after_fork();
	open_kms();
	for (;;) {
		unsigned d = draw(&life->seed, 2 * JOBS);

		do_job(up, life, d < JOBS && d != JOB_MATERIAL ? (enum job)d : life->aim);
	}
}

/* -- what is found -- */

/* S was under way when the child died. Whether it happened, only the store tells. */
static bool
may_have(const struct known *k, enum step s)
{
	return k->pending && k->under_way.step == s;
}

/* As many versions as were acknowledged, and the newest encrypts. */
static void
check_rotated(const struct known *k, struct rotated *r, enum step step)
{
	char primary[37];
	uint8_t blob[256];
	int64_t n;
	bool more;

	about(r->id);
	expect(ACTION_ListKeyVersions);
	n = fields_number(&res, F_TotalCount, 0);
	more = n != r->versions;
	ck_assert_msg(!more || (n == r->versions + 1 && may_have(k, step)),
	    "%d versions, %d were acknowledged", (int)n, (int)r->versions);
	about(r->id);
	expect(ACTION_DescribeKey);
	copy_id(primary, F_KeyMetadata, F_PrimaryKeyVersion);
	ck_assert_int_eq(strcmp(primary, r->primary) != 0, more);
	check_decrypts(blob, encrypt(r->id, blob));
	about(r->id);
	with_bytes(F_Plaintext, BYTES("payload"));
	expect(ACTION_Encrypt);
	check_text(F_COUNT, F_KeyVersionId, primary);
	r->versions = n;
	memcpy(r->primary, primary, sizeof(primary));
}

static void
check_material(struct known *k)
{
	bool there = has_material();

	ck_assert_msg(there == k->material || may_have(k, there ? IMPORT : DELETE),
	    "material is %sthere", there ? "" : "not ");
	if (there) {
		check_decrypts(foreign, foreign_len);
	} else {
		check_state(external, "PendingImport");
		ask_decrypt(foreign, foreign_len);
		expect_error(ACTION_Decrypt, E_StatePendingImport);
	}
	k->material = there;
}

/* The value belongs to its version, whichever is asked for. */
static unsigned
value_of(enum field by, const char *what)
{
	char value[24];
	unsigned n;

	request();
	with(F_SecretName, "s");
	with(by, what);
	expect(ACTION_GetSecretValue);
	ck_assert_int_eq(sscanf(text_of(F_COUNT, F_VersionId), "v%u", &n), 1);
	(void)snprintf(value, sizeof(value), "value %u", n);
	check_text(F_COUNT, F_SecretData, value);
	return n;
}

static void
check_secret(struct known *k)
{
	unsigned now = value_of(F_VersionStage, "ACSCurrent");
	unsigned before = value_of(F_VersionStage, "ACSPrevious");
	char ids[10][16];
	size_t n;

	if (now == k->value)
		ck_assert_uint_eq(before, k->before);
	else
		ck_assert_msg(may_have(k, PUT) && now == k->under_way.n && before == k->value,
		    "the secret's value is %u, and was %u before; acknowledged was %u", now, before,
		    k->value);
	request();
	with(F_SecretName, "s");
	with_bool(F_IncludeDeprecated, true);
	expect(ACTION_ListSecretVersionIds);
	n = count_of(F_VersionIds);
	ck_assert_uint_le(n, ARRAY_LEN(ids));
	for (size_t i = 0; i < n; i++)
		(void)snprintf(ids[i], sizeof(ids[i]), "%s", text_in(F_VersionIds, i, F_VersionId));
	for (size_t i = 0; i < n; i++)
		(void)value_of(F_VersionId, ids[i]);
	k->value = now;
	k->before = before;
}

/* Gives whether some, and not all, had been rewrapped: only then was a kill in the middle. */
static bool
check_objects(struct known *k, bool finish)
{
	struct rewrap r;

	for (size_t i = 0; i < OBJECTS; i++)
		check_value(kms, &objects[i], "value");
	if (!finish)
		return false;
	r = rewrap();
	ck_assert_uint_eq(r.objects, OBJECTS);
	ck_assert_uint_eq(r.left + r.damaged, 0);
	ck_assert_msg(!k->rewrapped || r.done == 0, "%u objects were under an old version",
	    (unsigned)r.done);
	for (size_t i = 0; i < OBJECTS; i++)
		check_value(kms, &objects[i], "value");
	k->rewrapped = true;
	return r.done > 0 && r.done < OBJECTS;
}

static void
found(void *arg UNUSED, const struct audit_finding *f)
{
	if (f->level == AUDIT_ERROR)
		fprintf(stderr, "# %s: %s\n", f->file, f->text);
}

static void
check_log(void)
{
	struct audit_check check = { .n_keys = 1, .report = found };
	struct audit_summary sum;
	struct audit_place place;
	struct err err = { "" };

	CHECK_RC(local_audit(kms, NULL, &place), KMS_OK);
	check.dir = place.dir;
	check.keys = &place.public_key;
	check.anchor = place.anchor;
	ck_assert_msg(audit_verify(&check, &sum, &err) == KMS_OK, "the audit log: %s", err.text);
}

/* Records of A that tell of success. */
static unsigned
recorded(const char *a)
{
	struct audit_filter filter = { .action = a };
	struct audit_reader *reader;
	struct audit_place place;
	struct audit_row row;
	struct err err = { "" };
	unsigned n = 0;

	CHECK_RC(local_audit(kms, NULL, &place), KMS_OK);
	CHECK_RC(audit_reader_open(place.dir, &filter, &reader, &err), KMS_OK);
	while (audit_reader_next(reader, &row, &err) == KMS_OK)
		n += row.error_code[0] == '\0';
	audit_reader_close(reader);
	return n;
}

/* -- lives -- */

static void
note(struct known *k, const struct word *w)
{
	ck_assert_uint_lt(w->step, STEPS);
	k->pending = !w->done;
	k->under_way = *w;
	k->done[w->step] += w->done;
	if (w->step == ROTATE_MASTER)
		k->rewrapped = false;
	if (!w->done)
		return;
	switch (w->step) {
	case ROTATE:
	case ROTATE_MASTER: {
		struct rotated *r = w->step == ROTATE ? &k->key : &k->master;

		r->versions++;
		memcpy(r->primary, w->version, sizeof(r->primary));
		break;
	}
	case DELETE:
	case IMPORT: k->material = w->step == IMPORT; break;
	case PUT:
		k->before = k->value;
		k->value = w->n;
		break;
	case REWRAP: k->rewrapped = true; break;
	case STEPS: break;
	}
}

static void
spin(unsigned us)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	do
		clock_gettime(CLOCK_MONOTONIC, &b);
	while ((b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000 < (long)us);
}

/* Hears some acknowledgements, and goes on until what is aimed at has begun; waits for a moment,
 * kills, and hears what was said meanwhile. */
static void
one_life(struct known *k, unsigned number, unsigned *seed)
{
	unsigned acks = draw(seed, ACKS_MAX), heard = 0;
	struct life life = { .seed = draw(seed, 1u << 15),
		.next_value = (may_have(k, PUT) ? k->under_way.n : k->value) + 1,
		.aim = jobs[number % STEPS],
		.known = k };
	bool enough = false;
	struct child c;
	struct word w;

	k->pending = false;
	child_start(&c, live, &life);
	while (!enough) {
		child_hear(&c, &w, sizeof(w));
		note(k, &w);
		heard += w.done;
		enough = heard >= acks && !w.done && w.step == (enum step)(number % STEPS);
	}
	/* A rewrap is many changes: it is killed at all of its length. */
	spin(draw(seed, w.step == REWRAP ? SPIN_MAX : SPIN_MAX / 8));
	child_kill(&c, SIGKILL);
	while (child_hear_some(&c, &w, sizeof(w)) == sizeof(w))
		note(k, &w);
	child_killed(&c, SIGKILL);
}

static void
new_rotated(struct rotated *r)
{
	request();
	expect(ACTION_CreateKey);
	copy_id(r->id, F_KeyMetadata, F_KeyId);
	copy_id(r->primary, F_KeyMetadata, F_PrimaryKeyVersion);
	r->versions = 1;
}

static void
prepare(struct known *k)
{
	conf.audit = CONF_AUDIT_WRITTEN;
	conf.master_key = (char *)(uintptr_t)MASTER;
	kms = new_token_with_user();
	new_rotated(&k->key);
	new_rotated(&k->master);
	about(k->master.id);
	with(F_AliasName, MASTER);
	expect(ACTION_CreateAlias);
	request();
	with(F_Origin, "EXTERNAL");
	expect(ACTION_CreateKey);
	copy_id(external, F_KeyMetadata, F_KeyId);
	prepare_import();
	expect(ACTION_ImportKeyMaterial);
	foreign_len = encrypt(external, foreign);
	prepare_put(1);
	expect(ACTION_CreateSecret);
	prepare_put(2);
	expect(ACTION_PutSecretValue);
	for (size_t i = 0; i < OBJECTS; i++) {
		auto_object o = new_data(kms, FLAG_PRIVATE, "data", "value");

		objects[i] = o.id;
	}
	k->material = k->rewrapped = true;
	k->before = 1;
	k->value = 2;
	sealed_len[0] = encrypt(k->key.id, sealed[0]);
}

static void
close_kms(void)
{
	request();
	backend_close(kms);
	kms = NULL;
}

START_TEST(what_was_acknowledged_survives_kill_9_and_what_was_sealed_opens)
{
	const char *given = getenv("KMS_TEST_SEED");
	unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);
	struct known k = { .pending = false };
	unsigned middle = 0;

	fprintf(stderr, "# KMS_TEST_SEED=%u\n", seed);
	(void)os_fork_generation();
	prepare(&k);
	close_kms();
	for (unsigned life = 0; life < KILLS; life++) {
		one_life(&k, life, &seed);
		open_kms();
		check_rotated(&k, &k.key, ROTATE);
		check_rotated(&k, &k.master, ROTATE_MASTER);
		check_material(&k);
		check_secret(&k);
		middle += check_objects(&k, draw(&seed, 3) != 0);
		sealed_len[life + 1] = encrypt(k.key.id, sealed[life + 1]);
		for (unsigned i = 0; i <= life + 1; i++)
			check_decrypts(sealed[i], sealed_len[i]);
		check_log();
		if (life + 1 < KILLS)
			close_kms();
	}
	for (unsigned s = 0; s < STEPS; s++)
		ck_assert_uint_gt(k.done[s], 0);
	ck_assert_uint_ge(recorded("CreateKeyVersion"), k.done[ROTATE] + k.done[ROTATE_MASTER]);
	ck_assert_uint_ge(recorded("DeleteKeyMaterial"), k.done[DELETE]);
	ck_assert_uint_ge(recorded("ImportKeyMaterial"), k.done[IMPORT]);
	ck_assert_uint_ge(recorded("PutSecretValue"), k.done[PUT]);
	ck_assert_uint_ge(recorded("RewrapObjects"), k.done[REWRAP]);
	fprintf(stderr, "# %u kills in the middle of a rewrap; done %u %u %u %u %u %u\n", middle,
	    k.done[ROTATE], k.done[DELETE], k.done[IMPORT], k.done[PUT], k.done[ROTATE_MASTER],
	    k.done[REWRAP]);
	close_kms();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kill");
	TCase *t = tcase_create("kill");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, what_was_acknowledged_survives_kill_9_and_what_was_sealed_opens);
	suite_add_tcase(s, t);
	return unit_main(s);
}
