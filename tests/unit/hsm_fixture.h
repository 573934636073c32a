/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the token driver share: the HSM for tests with a token in it, and keys in that.
 */
#ifndef KMS_TESTS_UNIT_HSM_FIXTURE_H
#define KMS_TESTS_UNIT_HSM_FIXTURE_H

#include <dlfcn.h>
#include <sys/wait.h>

#include "base/os.h"
#include "crypto/crypto.h"
#include "hsm/hsm.h"
#include "tests/lib/fakehsm.h"
#include "tests/lib/hsm_token.h"
#include "tests/unit/unit.h"

#define HSM_PIN	   "hsm-user-pin"
#define HSM_SO_PIN "hsm-so-pin"
#define NONE	   slice_of(NULL, 0)
#define TOK_ID	   16 /* bytes of the id that ends a record */

static char *dir, *fake_path, *inner_conf, *pin_file, *template_db;
static char uri[1024];
static struct conf_token conf;
static struct fakehsm *fake;
static void (*power_cycle)(void);

static inline UNUSED CK_FUNCTION_LIST *
fake_functions(void)
{
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST *f = NULL;
	void *dl = dlopen(fake_path, RTLD_NOW | RTLD_LOCAL);

	if (dl == NULL) {
		fprintf(stderr, "%s; make check builds it\n", dlerror());
		_exit(1);
	}
	*(void **)&get = dlsym(dl, "C_GetFunctionList");
	return get(&f) == CKR_OK ? f : NULL;
}

static inline void
load_fake(void)
{
	struct fakehsm *(*controls)(void);
	void *dl = dlopen(fake_path, RTLD_NOW | RTLD_LOCAL);

	ck_assert_msg(dl != NULL, "%s; make check builds it", dlerror());
	*(void **)&controls = dlsym(dl, "fakehsm_controls");
	*(void **)&power_cycle = dlsym(dl, "fakehsm_power_cycle");
	fake = controls();
}

/* Without libcheck's assertions, which need a running test. */
static inline char *
inner_conf_for(const char *where, const char *db)
{
	char *path = os_path_join(where, "inner.conf");
	FILE *f = fopen(path, "w");

	if (f == NULL || fprintf(f, "[token hsm]\nstore = %s\npin-cost = 14\n", db) < 0 ||
	    fclose(f) != 0 || chmod(path, 0600) != 0)
		_exit(1);
	return path;
}

/* As unit_main, with a token in the HSM for the fixtures to copy. */
static inline UNUSED int
hsm_main(Suite *s)
{
	const char *top = getenv("top_builddir");
	char *build = realpath(top == NULL ? "." : top, NULL), *inner;
	bool good;

	if (build == NULL || mkdtemp(unit_root) == NULL)
		return EXIT_FAILURE;
	fake_path = os_path_join(build, "tests/lib/.libs/fakehsm.so");
	free(build);
	template_db = os_path_join(unit_root, "template.db");
	inner = inner_conf_for(unit_root, template_db);
	good = hsm_token_make(fake_path, inner, "hsm", HSM_SO_PIN, HSM_PIN);
	free(inner);
	if (!good) {
		fprintf(stderr, "the HSM for tests has no token; make check builds it\n");
		return EXIT_FAILURE;
	}
	return unit_run(s);
}

static inline void
copy_file(const char *from, const char *to)
{
	char command[1024];

	snprintf(command, sizeof(command), "cp '%s' '%s'", from, to);
	ck_assert_int_eq(system(command), 0);
}

static inline UNUSED void
setup(void)
{
	char *db;

	dir = temp_dir();
	db = os_path_join(dir, "hsm.db");
	copy_file(template_db, db);
	inner_conf = inner_conf_for(dir, db);
	free(db);
	pin_file = os_path_join(dir, "hsm.pin");
	write_file(pin_file, HSM_PIN "\n", 0600);
	snprintf(uri, sizeof(uri), "pkcs11:token=hsm?module-path=%s&pin-source=file:%s", fake_path,
	    pin_file);
	conf = (struct conf_token){ .name = (char *)(uintptr_t) "test",
		.hsm = uri,
		.hsm_arguments = inner_conf,
		.hsm_sessions = 8,
		.store = os_path_join(dir, "token.db"),
		.pin_cost = 1,
		.pin_tries = 4,
		.timeout_ms = 10000 };
	load_fake();
}

static inline UNUSED void
teardown(void)
{
	os_fake_clock(-1);
	free(conf.store);
	free(pin_file);
	free(inner_conf);
	free(dir);
}

static inline UNUSED struct hsm *
open_hsm(void)
{
	struct hsm *h = NULL;
	struct call c = { 0 };
	enum kms_rc rc = hsm_token(&conf, &c, &h);

	ck_assert_msg(rc == KMS_OK, "%s: %s", rc_name(rc), c.err.text);
	return h;
}

static inline UNUSED enum kms_rc
try_open_hsm(struct call *c)
{
	struct hsm *h = NULL;
	enum kms_rc rc = hsm_token(&conf, c, &h);

	if (rc == KMS_OK)
		h->ops->close(h);
	return rc;
}

/* Whether the HSM is well. */
static inline UNUSED enum kms_rc
ask_hsm(struct hsm *h, struct call *c)
{
	auto_buf text = { 0 };

	return h->ops->check(h, c, &text);
}

/* -- keys -- */

#define ALL_USES                                                                           \
	(FLAG_ENCRYPT | FLAG_DECRYPT | FLAG_SIGN | FLAG_VERIFY | FLAG_WRAP | FLAG_UNWRAP | \
	    FLAG_DERIVE)

static const struct key_spec UNUSED
    rsa_spec = { .type = KEY_RSA, .bits = 2048 },
    p256_spec = { .type = KEY_EC, .curve = CURVE_P256, .bits = 256 },
    ed_spec = { .type = KEY_EDWARDS, .curve = CURVE_ED25519, .bits = 255 },
    aes_spec = { .type = KEY_AES, .bits = 256 }, mac_spec = { .type = KEY_GENERIC, .bits = 256 };

/* A key in the HSM, and what there is of it here. */
struct made {
	struct hsm *h;
	struct key_spec spec;
	struct secret material;
	struct buf spki;
	struct hsm_key *k;
};

static inline UNUSED enum kms_rc
try_generate(struct hsm *h, const struct key_spec *spec, uint32_t flags, struct made *ret)
{
	struct object o = { .spec = *spec, .flags = flags };
	struct call c = { 0 };

	memset(ret, 0, sizeof(*ret));
	ret->h = h;
	ret->spec = *spec;
	return h->ops->generate(h, &c, &o, NONE, &ret->material, &ret->spki);
}

static inline UNUSED enum kms_rc
open_key(struct made *m)
{
	struct call c = { 0 };

	return m->h->ops->key_open(m->h, &c, &m->spec, secret_slice(&m->material), &m->k);
}

static inline UNUSED struct made
make_key_for(struct hsm *h, const struct key_spec *spec, uint32_t flags)
{
	struct made m;

	CHECK_RC(try_generate(h, spec, flags, &m), KMS_OK);
	CHECK_RC(open_key(&m), KMS_OK);
	return m;
}

static inline UNUSED struct made
make_key(struct hsm *h, const struct key_spec *spec)
{
	return make_key_for(h, spec, ALL_USES);
}

static inline UNUSED void
made_free(struct made *m)
{
	if (m->k != NULL)
		m->h->ops->key_close(m->h, m->k);
	secret_free(&m->material);
	buf_free(&m->spki);
}

static inline UNUSED struct use *
begin(struct made *m, enum use_kind kind, const struct alg_params *p)
{
	struct use *u = NULL;
	struct call c = { 0 };
	enum kms_rc rc = m->h->ops->begin(m->h, &c, m->k, kind, p, &u);

	ck_assert_msg(rc == KMS_OK, "%s: %s", rc_name(rc), c.err.text);
	return u;
}

/* One use in one piece. */
static inline UNUSED enum kms_rc
use_key(struct made *m, enum use_kind kind, const struct alg_params *p, struct slice in,
    uint8_t *out, size_t cap, size_t *len)
{
	struct outbuf o = { .p = out, .cap = cap };
	struct use *u = NULL;
	size_t need = 0;
	enum kms_rc rc = m->h->ops->begin(m->h, NULL, m->k, kind, p, &u);

	if (rc == KMS_OK)
		rc = use_once(u, in, &o, &need);
	*len = o.len;
	use_free(u);
	return rc;
}

/* The commonest: an ECDSA signature of a hash, judged here. */
static const struct alg_params UNUSED ecdsa = { .alg = ALG_ECDSA };
#define HASH BYTES("thirty-two bytes, like a SHA-256")

static inline UNUSED enum kms_rc
sign_hash(struct made *m)
{
	uint8_t sig[64];
	size_t len;

	return use_key(m, USE_SIGN, &ecdsa, HASH, sig, sizeof(sig), &len);
}

/* Verifies by the public half. */
static inline UNUSED enum kms_rc
check_here(const struct made *m, const struct alg_params *p, struct slice in, struct slice sig)
{
	auto_ckey *k = NULL;
	struct use *u = NULL;
	enum kms_rc rc;

	CHECK_RC(ckey_from_spki(buf_slice(&m->spki), &k), KMS_OK);
	CHECK_RC(crypto_begin(k, USE_VERIFY, p, &u), KMS_OK);
	rc = use_check_once(u, in, sig);
	use_free(u);
	return rc;
}

/* What the HSM itself says. */
static inline UNUSED size_t
keys_in_hsm(struct hsm *h)
{
	auto_hsm_found l = { 0 };

	CHECK_RC(h->ops->list(h, NULL, &l), KMS_OK);
	return l.n;
}

/* -- trouble -- */

static inline UNUSED void
answer(const char *function, CK_RV rv, unsigned times)
{
	pthread_mutex_lock(&fake->lock);
	fake->function = function;
	fake->rv = rv;
	fake->times = times;
	fake->skip = 0;
	fake->late = false;
	pthread_mutex_unlock(&fake->lock);
}

static inline UNUSED void
count_calls(const char *function)
{
	pthread_mutex_lock(&fake->lock);
	fake->counted = function;
	fake->calls = 0;
	pthread_mutex_unlock(&fake->lock);
}

static inline UNUSED unsigned
calls(void)
{
	unsigned n;

	pthread_mutex_lock(&fake->lock);
	n = fake->calls;
	pthread_mutex_unlock(&fake->lock);
	return n;
}

static inline UNUSED void
hang(const char *function)
{
	pthread_mutex_lock(&fake->lock);
	fake->hang = function;
	pthread_cond_broadcast(&fake->changed);
	pthread_mutex_unlock(&fake->lock);
}

static inline UNUSED void
wait_hanging(unsigned n)
{
	pthread_mutex_lock(&fake->lock);
	while (fake->hanging != n)
		pthread_cond_wait(&fake->changed, &fake->lock);
	pthread_mutex_unlock(&fake->lock);
}

#endif
