/* SPDX-License-Identifier: Apache-2.0 */
/* The KMS under the contract suite, and the requests that its cases make. */
#include "tests/contract/contract.h"

#include "kms/local.h"
#include "tests/lib/hsm_token.h"

struct backend *kms;
struct fields req, res;

static char *dir, *path;
static struct caller user;
static const struct caller *who;

/* -- an HSM for its keys -- */

#define HSM_PIN "hsm-1234"

/* The library of the HSM that the keys are in; NULL: none, and they are in the store. */
static const char *
hsm_library(void)
{
	const char *p = getenv("KMS_TEST_HSM");

	return p == NULL || *p == '\0' ? NULL : p;
}

/* SoftHSMv2 has its tokens in the folder WHERE from now on. Also when no test runs. */
static bool
hsm_lives_in(const char *where)
{
	char *conf = os_path_join(where, "softhsm2.conf");
	FILE *f = fopen(conf, "w");
	bool good = f != NULL &&
	    fprintf(f, "directories.tokendir = %s/tokens\nlog.level = ERROR\n", where) > 0;

	good = f != NULL && fclose(f) == 0 && good && setenv("SOFTHSM2_CONF", conf, 1) == 0;
	free(conf);
	return good;
}

/* A token that every test copies. */
static bool
make_hsm(void)
{
	char *tokens = os_path_join(unit_root, "tokens");
	bool good = mkdir(tokens, 0700) == 0;

	free(tokens);
	return good && hsm_lives_in(unit_root) &&
	    hsm_token_make(hsm_library(), NULL, "contract", "hsm-so-pin", HSM_PIN);
}

/* CONF's keys go to a token of this test's own. */
static void
use_hsm(struct conf_token *conf)
{
	char *pin = os_path_join(dir, "hsm.pin"), *command;

	ck_assert_int_gt(asprintf(&command, "cp -r '%s/tokens' '%s'", unit_root, dir), 0);
	ck_assert_int_eq(system(command), 0);
	free(command);
	ck_assert(hsm_lives_in(dir));
	write_file(pin, HSM_PIN, 0600);
	ck_assert_int_gt(asprintf(&conf->hsm,
			     "pkcs11:token=contract?module-path=%s&pin-source=file:%s",
			     hsm_library(), pin),
	    0);
	conf->hsm_sessions = 8;
	free(pin);
}

/* -- the KMS -- */

void
contract_setup(void)
{
	struct conf_token conf = { .name = (char *)(uintptr_t) "contract",
		.pin_cost = 1,
		.pin_tries = 4,
		.timeout_ms = 10000 };
	struct slice pin = BYTES("1234");

	dir = temp_dir();
	path = os_path_join(dir, "kms.db");
	conf.store = path;
	if (hsm_library() != NULL)
		use_hsm(&conf);
	os_fake_clock(NOW);
	CHECK_RC(local_open(&conf, NULL, &kms), KMS_OK);
	free(conf.hsm);
	CHECK_RC(backend_init_token(kms, NULL, BYTES("contract"), pin), KMS_OK);
	CHECK_RC(backend_login(kms, NULL, ROLE_SO, slice_of(NULL, 0), pin), KMS_OK);
	CHECK_RC(backend_init_pin(kms, NULL, pin), KMS_OK);
	CHECK_RC(backend_login(kms, NULL, ROLE_USER, slice_of(NULL, 0), pin), KMS_OK);
	as_root();
}

void
contract_teardown(void)
{
	request();
	backend_close(kms);
	os_fake_clock(-1);
	free(path);
	free(dir);
}

/* -- requests -- */

void
request(void)
{
	fields_free(&req);
	fields_free(&res);
}

void
with(enum field name, const char *text)
{
	CHECK_RC(fields_put_text(&req, name, text), KMS_OK);
}

void
with_bytes(enum field name, struct slice bytes)
{
	CHECK_RC(fields_put(&req, name, bytes), KMS_OK);
}

void
with_number(enum field name, int64_t n)
{
	CHECK_RC(fields_put_number(&req, name, n), KMS_OK);
}

void
with_bool(enum field name, bool truth)
{
	CHECK_RC(fields_put_bool(&req, name, truth), KMS_OK);
}

/* -- who asks -- */

void
as_root(void)
{
	who = NULL;
}

const char *
account_id(void)
{
	static char id[17];
	struct token_status st;
	char *end;

	CHECK_RC(backend_status(kms, NULL, &st), KMS_OK);
	ck_assert_int_eq(snprintf(id, sizeof(id), "%016llu",
			     strtoull(st.serial, &end, 16) % 10000000000000000ull),
	    16);
	return id;
}

void
as_user(const char *account, const char *name)
{
	user = (struct caller){ .kind = CALLER_USER,
		.account = account != NULL ? account : account_id(),
		.name = name,
		.principal_id = name,
		.access_key_id = "LTAI",
		.source_ip = "10.0.0.1",
		.user_agent = "contract",
		.uid = (uid_t)-1,
		.secure_transport = true };
	who = &user;
}

void
expect(enum action a)
{
	struct call c = { .who = who };
	enum kms_rc rc;

	fields_free(&res);
	rc = backend_act(kms, &c, a, &req, &res);
	ck_assert_msg(rc == KMS_OK, "%s: %s: %s", action_row(a)->name, api_error_row(c.error)->code,
	    c.err.text);
}

void
expect_error(enum action a, enum api_error e)
{
	struct call c = { .who = who };
	enum kms_rc rc;

	fields_free(&res);
	rc = backend_act(kms, &c, a, &req, &res);
	ck_assert_msg(rc != KMS_OK && c.error == e, "%s: %s (%s), wanted %s", action_row(a)->name,
	    rc == KMS_OK ? "done" : api_error_row(c.error)->code, c.err.text,
	    api_error_row(e)->code);
	ck_assert_uint_eq(res.n, 0);
	ck_assert_msg(c.err.text[0] != '\0', "%s: no sentence", action_row(a)->name);
}

size_t
count_of(enum field list)
{
	const struct field_value *v = fields_value(&res, list);

	ck_assert_ptr_nonnull(v);
	return v->u.groups.n;
}

/* Entry I of a list, or the result itself. */
static const struct fields *
entry(enum field list, size_t i)
{
	if (list == F_COUNT)
		return &res;
	ck_assert_uint_gt(count_of(list), i);
	return &fields_value(&res, list)->u.groups.v[i];
}

const char *
texts_of(enum field list, size_t i, enum field name)
{
	static char text[1024];
	const struct field_value *v = fields_value(entry(list, i), name);
	size_t used = 0;

	ck_assert_ptr_nonnull(v);
	text[0] = '\0';
	for (size_t k = 0; k < v->u.texts.n; k++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.*s",
		    k == 0 ? "" : ",", (int)v->u.texts.v[k].len, (char *)v->u.texts.v[k].p);
	return text;
}

const char *
text_of(enum field group, enum field name)
{
	return text_in(group, 0, name);
}

const char *
text_in(enum field list, size_t i, enum field name)
{
	static char text[70000];
	struct slice s = fields_get(entry(list, i), name);

	ck_assert_uint_lt(s.len, sizeof(text));
	if (s.len > 0)
		memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	return text;
}

void
check_text(enum field group, enum field name, const char *wanted)
{
	const char *got = text_of(group, name);

	ck_assert_msg(strcmp(got, wanted) == 0, "%s is \"%s\", wanted \"%s\"",
	    field_row(name)->wire, got, wanted);
}

char *
new_key(const char *spec, const char *usage)
{
	char *id;

	request();
	if (spec != NULL)
		with(F_KeySpec, spec);
	if (usage != NULL)
		with(F_KeyUsage, usage);
	expect(ACTION_CreateKey);
	id = strdup(text_of(F_KeyMetadata, F_KeyId));
	ck_assert_ptr_nonnull(id);
	return id;
}

void
about(const char *key)
{
	request();
	with(F_KeyId, key);
}

void
check_state(const char *key, const char *wanted)
{
	about(key);
	expect(ACTION_DescribeKey);
	check_text(F_KeyMetadata, F_KeyState, wanted);
}

int
contract_main(Suite *suite)
{
	if (mkdtemp(unit_root) == NULL || (hsm_library() != NULL && !make_hsm()))
		return EXIT_FAILURE;
	return unit_run(suite);
}
