/* SPDX-License-Identifier: Apache-2.0 */
/* The token driver in trouble: HSMs that fail, die, come back, hang, run out of sessions, refuse
 * the PIN; and what may be done again. */
#define _GNU_SOURCE 1
#include "tests/unit/hsm_fixture.h"

#include "tests/unit/crypto_keys.h"

/* -- errors -------------------------------------------------------------------------------- */

/* What becomes of a signature when the HSM answers RV once, and when it always does. */
static const struct error_row {
	CK_RV rv;
	enum kms_rc once, always;
	unsigned tries; /* when it always does */
} errors[] = {
	{ CKR_HOST_MEMORY, KMS_NOMEM, KMS_NOMEM, 1 },
	{ CKR_GENERAL_ERROR, KMS_UNAVAILABLE, KMS_UNAVAILABLE, 1 },
	{ CKR_FUNCTION_FAILED, KMS_UNAVAILABLE, KMS_UNAVAILABLE, 1 },
	{ CKR_ARGUMENTS_BAD, KMS_BAD_PARAM, KMS_BAD_PARAM, 1 },
	{ CKR_DATA_INVALID, KMS_BAD_DATA, KMS_BAD_DATA, 1 },
	{ CKR_DATA_LEN_RANGE, KMS_BAD_LEN, KMS_BAD_LEN, 1 },
	{ CKR_DEVICE_MEMORY, KMS_FULL, KMS_FULL, 1 },
	{ CKR_FUNCTION_CANCELED, KMS_UNAVAILABLE, KMS_UNAVAILABLE, 1 },
	{ CKR_FUNCTION_NOT_SUPPORTED, KMS_NOTSUP, KMS_NOTSUP, 1 },
	{ CKR_KEY_FUNCTION_NOT_PERMITTED, KMS_DENIED, KMS_DENIED, 1 },
	{ CKR_KEY_SIZE_RANGE, KMS_KEY_SIZE, KMS_KEY_SIZE, 1 },
	{ CKR_KEY_TYPE_INCONSISTENT, KMS_KEY_TYPE, KMS_KEY_TYPE, 1 },
	{ CKR_MECHANISM_INVALID, KMS_NOTSUP, KMS_NOTSUP, 1 },
	{ CKR_MECHANISM_PARAM_INVALID, KMS_BAD_PARAM, KMS_BAD_PARAM, 1 },
	{ CKR_PIN_EXPIRED, KMS_CONFIG, KMS_CONFIG, 1 },
	{ CKR_VENDOR_DEFINED | 77, KMS_UNAVAILABLE, KMS_UNAVAILABLE, 1 },
	/* What may pass is tried again. */
	{ CKR_KEY_HANDLE_INVALID, KMS_OK, KMS_UNAVAILABLE, 2 },
	{ CKR_OBJECT_HANDLE_INVALID, KMS_OK, KMS_UNAVAILABLE, 2 },
	{ CKR_OPERATION_ACTIVE, KMS_OK, KMS_UNAVAILABLE, 3 },
	{ CKR_SESSION_HANDLE_INVALID, KMS_OK, KMS_UNAVAILABLE, 3 },
	{ CKR_SESSION_CLOSED, KMS_OK, KMS_UNAVAILABLE, 3 },
	{ CKR_USER_NOT_LOGGED_IN, KMS_OK, KMS_UNAVAILABLE, 3 },
	{ CKR_CRYPTOKI_NOT_INITIALIZED, KMS_OK, KMS_UNAVAILABLE, 3 },
	{ CKR_DEVICE_ERROR, KMS_OK, KMS_UNAVAILABLE, 2 },
	{ CKR_DEVICE_REMOVED, KMS_OK, KMS_UNAVAILABLE, 2 },
	{ CKR_TOKEN_NOT_PRESENT, KMS_OK, KMS_UNAVAILABLE, 2 },
	{ CKR_TOKEN_NOT_RECOGNIZED, KMS_OK, KMS_UNAVAILABLE, 2 },
};

/* Later than a device's error may be taken for a young connection's. */
static void
age_connection(void)
{
	os_fake_clock(1000000 + 10);
}

static struct hsm *
open_at_a_known_time(void)
{
	os_fake_clock(1000000);
	return open_hsm();
}

START_TEST(an_error_has_one_meaning_and_what_may_pass_is_tried_again)
{
	static const char *const where[] = { "C_Sign", "C_SignInit" };
	const struct error_row *r = &errors[_i / 2];
	const char *function = where[_i % 2];
	struct hsm *h = open_at_a_known_time();
	struct made m = make_key(h, &p256_spec);

	age_connection();
	answer(function, r->rv, 1);
	CHECK_RC(sign_hash(&m), r->once);
	os_fake_clock(1000000 + 20);
	answer(function, r->rv, 0);
	count_calls(function);
	CHECK_RC(sign_hash(&m), r->always);
	ck_assert_uint_eq(calls(), r->tries);
	/* Whatever it was, it is over when it is over. */
	answer(NULL, CKR_OK, 0);
	os_fake_clock(1000000 + 30);
	CHECK_RC(sign_hash(&m), KMS_OK);
	made_free(&m);
	h->ops->close(h);
	ck_assert_uint_eq(fake->sessions, 0);
}
END_TEST

START_TEST(an_error_is_told_with_the_function_and_its_number)
{
	struct hsm *h = open_hsm();
	struct made m = make_key(h, &p256_spec);
	struct use *u = begin(&m, USE_SIGN, &ecdsa);
	uint8_t sig[64];
	struct outbuf out = { .p = sig, .cap = sizeof(sig) };

	ck_assert_ptr_null(u->why);
	answer("C_Sign", CKR_DEVICE_MEMORY, 1);
	CHECK_RC(use_once(u, HASH, &out, NULL), KMS_FULL);
	ck_assert_ptr_nonnull(u->why);
	ck_assert_ptr_nonnull(strstr(u->why, "C_Sign"));
	ck_assert_ptr_nonnull(strstr(u->why, "0x31"));
	CHECK_RC(use_restart(u, &ecdsa), KMS_OK);
	ck_assert_ptr_null(u->why);
	use_free(u);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(a_key_that_always_fails_does_not_break_the_connection_again_and_again)
{
	struct hsm *h = open_at_a_known_time();
	struct made m = make_key(h, &p256_spec);
	unsigned logins;

	age_connection();
	answer("C_Sign", CKR_DEVICE_ERROR, 0);
	CHECK_RC(sign_hash(&m), KMS_UNAVAILABLE);
	logins = fake->logins;
	for (int i = 0; i < 20; i++)
		CHECK_RC(sign_hash(&m), KMS_UNAVAILABLE);
	ck_assert_uint_eq(fake->logins, logins);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

/* -- keys that come half --------------------------------------------------------------------- */

START_TEST(generation_that_fails_leaves_no_key_behind)
{
	static const struct {
		const char *function;
		CK_RV rv;
		bool late;
	} ways[] = {
		{ "C_GenerateKeyPair", CKR_DEVICE_ERROR, true }, /* was made all the same */
		{ "C_GenerateKeyPair", CKR_GENERAL_ERROR, true },
		{ "C_GenerateKeyPair", CKR_DEVICE_ERROR, false },
		{ "C_GetAttributeValue", CKR_DEVICE_ERROR, false },
		{ "C_GetAttributeValue", CKR_SESSION_HANDLE_INVALID, false },
	};
	struct hsm *h = open_at_a_known_time();
	struct made m;

	ck_assert_uint_eq(keys_in_hsm(h), 0);
	age_connection();
	answer(ways[_i].function, ways[_i].rv, 8);
	fake->late = ways[_i].late;
	count_calls("C_GenerateKeyPair");
	ck_assert_int_ne(try_generate(h, &p256_spec, ALL_USES, &m), KMS_OK);
	ck_assert_uint_le(calls(), 3);
	if (fake->late || strcmp(ways[_i].function, "C_GenerateKeyPair") != 0)
		ck_assert_uint_ge(calls(), 1);
	answer(NULL, CKR_OK, 0);
	ck_assert_uint_eq(keys_in_hsm(h), 0);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(what_has_an_effect_is_not_sent_twice_unless_it_was_refused)
{
	struct hsm *h = open_at_a_known_time();
	struct made m;

	ck_assert_uint_eq(keys_in_hsm(h), 0);
	age_connection();
	count_calls("C_GenerateKey");
	answer("C_GenerateKey", CKR_DEVICE_ERROR, 1);
	CHECK_RC(try_generate(h, &aes_spec, ALL_USES, &m), KMS_UNAVAILABLE);
	ck_assert_uint_eq(calls(), 1);
	answer("C_GenerateKey", CKR_USER_NOT_LOGGED_IN, 1);
	CHECK_RC(try_generate(h, &aes_spec, ALL_USES, &m), KMS_OK);
	ck_assert_uint_eq(calls(), 3);
	ck_assert_uint_eq(keys_in_hsm(h), 1);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

/* -- death and return ------------------------------------------------------------------------ */

START_TEST(after_a_restart_of_the_hsm_all_goes_on)
{
	struct hsm *h = open_hsm();
	struct made a = make_key(h, &p256_spec), b = make_key(h, &aes_spec);
	struct alg_params p = { .alg = ALG_AES_ECB };
	uint8_t out[16];
	size_t len;

	for (int i = 0; i < 3; i++) {
		power_cycle();
		CHECK_RC(sign_hash(&a), KMS_OK);
		CHECK_RC(use_key(&b, USE_ENCRYPT, &p, BYTES("sixteen bytes !!"), out, sizeof(out),
			     &len),
		    KMS_OK);
	}
	ck_assert_uint_eq(fake->initialized, 1);
	made_free(&a);
	made_free(&b);
	h->ops->close(h);
}
END_TEST

START_TEST(a_restart_ends_what_came_in_parts_and_nothing_else)
{
	struct hsm *h = open_hsm();
	struct made aes = make_key(h, &aes_spec), rsa = make_key(h, &rsa_spec);
	struct alg_params cbc = { .alg = ALG_AES_CBC, .u.cipher.iv = BYTES("an IV of sixteen") },
			  pkcs1 = { .alg = ALG_RSA_PKCS1, .digest = DIGEST_SHA256 };
	struct use *e = begin(&aes, USE_ENCRYPT, &cbc), *s = begin(&rsa, USE_SIGN, &pkcs1);
	uint8_t out[64], sig[256];
	struct outbuf o = { .p = out, .cap = sizeof(out) }, so = { .p = sig, .cap = sizeof(sig) };

	CHECK_RC(use_update(e, BYTES("sixteen bytes !!"), &o, NULL), KMS_OK);
	CHECK_RC(use_update(s, BYTES("mess"), NULL, NULL), KMS_OK);
	power_cycle();
	CHECK_RC(use_update(e, BYTES("sixteen bytes !!"), &o, NULL), KMS_UNAVAILABLE);
	ck_assert_ptr_nonnull(e->why);
	CHECK_RC(use_update(e, BYTES("sixteen bytes !!"), &o, NULL), KMS_INVALID);
	/* The message was hashed here: nothing of it was lost. */
	CHECK_RC(use_update(s, BYTES("age"), NULL, NULL), KMS_OK);
	CHECK_RC(use_final(s, &so, NULL), KMS_OK);
	CHECK_RC(check_here(&rsa, &pkcs1, BYTES("message"), slice_of(sig, so.len)), KMS_OK);
	CHECK_RC(use_restart(e, &cbc), KMS_OK);
	CHECK_RC(use_once(e, BYTES("sixteen bytes !!"), &o, NULL), KMS_OK);
	use_free(e);
	use_free(s);
	made_free(&aes);
	made_free(&rsa);
	h->ops->close(h);
}
END_TEST

START_TEST(a_library_that_needs_it_is_restarted_where_it_is_ours)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	struct hsm *h;
	struct made m;

	args.pReserved = inner_conf;
	if (_i == 1) /* the host's */
		ck_assert_uint_eq(fake_functions()->C_Initialize(&args), CKR_OK);
	h = open_at_a_known_time();
	m = make_key(h, &p256_spec);
	age_connection();
	fake->needs_restart = true;
	CHECK_RC(sign_hash(&m), _i == 0 ? KMS_OK : KMS_UNAVAILABLE);
	ck_assert_uint_eq(fake->initialized, _i == 0 ? 2 : 1);
	ck_assert_uint_eq(fake->finalized, _i == 0 ? 1 : 0);
	fake->needs_restart = false;
	made_free(&m);
	h->ops->close(h);
	ck_assert_uint_eq(fake->finalized, _i == 0 ? 2 : 0);
}
END_TEST

START_TEST(an_hsm_that_is_away_is_found_when_it_comes_back)
{
	struct hsm *h = open_at_a_known_time();
	struct made m = make_key(h, &p256_spec);
	struct call c = { 0 };

	age_connection();
	fake->dead = true;
	for (int i = 0; i < 3; i++)
		CHECK_RC(sign_hash(&m), KMS_UNAVAILABLE);
	fake->dead = false;
	os_fake_clock(1000000 + 20);
	CHECK_RC(sign_hash(&m), KMS_OK);
	CHECK_RC(ask_hsm(h, &c), KMS_OK);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(an_hsm_that_was_away_at_the_start_is_hoped_for)
{
	struct alg_params gcm = { .alg = ALG_AES_GCM };
	struct hsm *h;
	struct made m;

	fake->lacks[0] = CKM_AES_GCM;
	if (_i == 0)
		fake->dead = true;
	else
		answer("C_Initialize", CKR_DEVICE_ERROR, 2);
	h = open_hsm();
	ck_assert_ptr_ne(h->ops->caps(h), NULL);
	ck_assert_uint_ne(h->ops->caps(h)->uses[gcm.alg][0], 0);
	ck_assert(h->ops->caps(h)->inside);
	fake->dead = false;
	answer(NULL, CKR_OK, 0);
	m = make_key(h, &p256_spec);
	CHECK_RC(sign_hash(&m), KMS_OK);
	ck_assert_uint_eq(h->ops->caps(h)->uses[gcm.alg][0], 0);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(the_host_may_close_all_sessions)
{
	struct hsm *h = open_hsm();
	struct made m = make_key(h, &p256_spec);
	CK_FUNCTION_LIST *f = fake_functions();
	CK_SLOT_ID slot;
	CK_ULONG n = 1;

	ck_assert_uint_eq(f->C_GetSlotList(CK_TRUE, &slot, &n), CKR_OK);
	ck_assert_uint_eq(f->C_CloseAllSessions(slot), CKR_OK);
	CHECK_RC(sign_hash(&m), KMS_OK);
	/* ... and finalize what is not its own. */
	ck_assert_uint_eq(f->C_Finalize(NULL), CKR_OK);
	CHECK_RC(sign_hash(&m), KMS_OK);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(the_host_may_log_out)
{
	struct hsm *h = open_hsm();
	struct made m = make_key(h, &p256_spec);
	CK_FUNCTION_LIST *f = fake_functions();
	CK_SESSION_HANDLE s;
	CK_SLOT_ID slot;
	CK_ULONG n = 1;

	ck_assert_uint_eq(f->C_GetSlotList(CK_TRUE, &slot, &n), CKR_OK);
	ck_assert_uint_eq(f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_OK);
	CHECK_RC(sign_hash(&m), KMS_OK);
	ck_assert_uint_eq(f->C_Logout(s), CKR_OK);
	CHECK_RC(sign_hash(&m), KMS_OK);
	/* A key that does not show is not gone. */
	ck_assert_uint_eq(f->C_Logout(s), CKR_OK);
	CHECK_RC(h->ops->destroy(h, NULL, &m.spec, secret_slice(&m.material)), KMS_OK);
	ck_assert_uint_eq(keys_in_hsm(h), 0);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

/* -- PINs ------------------------------------------------------------------------------------ */

START_TEST(a_wrong_pin_is_tried_once)
{
	struct hsm *h;

	write_file(pin_file, "qwertz", 0600);
	h = open_hsm();
	for (int i = 0; i < 5; i++) {
		struct call c = { 0 };

		CHECK_RC(ask_hsm(h, &c), KMS_CONFIG);
		ck_assert_ptr_nonnull(strstr(c.err.text, "PIN"));
		ck_assert_ptr_null(strstr(c.err.text, "qwertz"));
	}
	ck_assert_uint_eq(fake->logins, 1);
	h->ops->close(h);
}
END_TEST

START_TEST(the_last_try_of_a_pin_is_not_risked)
{
	struct hsm *h;
	struct call c = { 0 };

	fake->final_try = true;
	h = open_hsm();
	CHECK_RC(ask_hsm(h, &c), KMS_CONFIG);
	ck_assert_uint_eq(fake->logins, 0);
	h->ops->close(h);
}
END_TEST

START_TEST(without_a_pin_the_login_of_the_host_is_good_enough)
{
	CK_FUNCTION_LIST *f = fake_functions();
	CK_SESSION_HANDLE s;
	CK_SLOT_ID slot;
	CK_ULONG n = 1;
	struct hsm *h;
	struct made m;

	snprintf(uri, sizeof(uri), "pkcs11:token=hsm?module-path=%s", fake_path);
	h = open_hsm();
	CHECK_RC(ask_hsm(h, NULL), KMS_CONFIG);
	ck_assert_uint_eq(f->C_GetSlotList(CK_TRUE, &slot, &n), CKR_OK);
	ck_assert_uint_eq(f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_OK);
	ck_assert_uint_eq(f->C_Login(s, CKU_USER, (CK_BYTE *)HSM_PIN, strlen(HSM_PIN)), CKR_OK);
	m = make_key(h, &p256_spec);
	CHECK_RC(sign_hash(&m), KMS_OK);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

/* -- sessions -------------------------------------------------------------------------------- */

static const struct alg_params cbc = { .alg = ALG_AES_CBC,
	.u.cipher = { .iv = { (const uint8_t *)"an IV of sixteen", 16 } } };

/* A use that keeps a session. */
static struct use *
start_stream(struct made *m)
{
	struct use *u = begin(m, USE_ENCRYPT, &cbc);
	uint8_t out[16];
	struct outbuf o = { .p = out, .cap = sizeof(out) };
	enum kms_rc rc = use_update(u, BYTES("sixteen bytes !!"), &o, NULL);

	ck_assert_msg(rc == KMS_OK, "%s: %s", rc_name(rc), u->why);
	return u;
}

START_TEST(uses_in_one_piece_take_turns_with_one_session)
{
	struct hsm *h;
	struct made a, b;

	if (_i == 0)
		conf.hsm_sessions = 1;
	else
		fake->max_sessions = 1;
	h = open_hsm();
	a = make_key(h, &p256_spec);
	b = make_key(h, &p256_spec);
	for (int i = 0; i < 10; i++) {
		CHECK_RC(sign_hash(&a), KMS_OK);
		CHECK_RC(sign_hash(&b), KMS_OK);
	}
	ck_assert_uint_eq(fake->most_sessions, 1);
	ck_assert_uint_eq(fake->logins, 1);
	made_free(&a);
	made_free(&b);
	h->ops->close(h);
	ck_assert_uint_eq(fake->sessions, 0);
}
END_TEST

START_TEST(who_finds_no_session_waits_no_longer_than_its_time)
{
	struct hsm *h;
	struct made m;
	struct use *u;
	struct call c = { 0 };
	uint64_t from;

	conf.timeout_ms = 100;
	fake->max_sessions = 1;
	h = open_hsm();
	m = make_key(h, &aes_spec);
	u = start_stream(&m);
	from = os_monotonic_ms();
	c.deadline_ms = from + 60;
	CHECK_RC(ask_hsm(h, &c), KMS_BUSY);
	ck_assert_uint_ge(os_monotonic_ms(), from + 60);
	CHECK_RC(try_generate(h, &aes_spec, ALL_USES, &(struct made){ 0 }), KMS_BUSY);
	use_free(u);
	CHECK_RC(ask_hsm(h, NULL), KMS_OK);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

static void *
check_in_thread(void *arg)
{
	struct hsm *h = arg;
	auto_buf text = { 0 };

	return h->ops->check(h, NULL, &text) == KMS_OK ? arg : NULL;
}

START_TEST(a_session_that_is_given_back_goes_to_who_waits)
{
	struct hsm *h;
	struct made m;
	struct use *u;
	pthread_t t;
	void *good;

	fake->max_sessions = 1;
	h = open_hsm();
	m = make_key(h, &aes_spec);
	u = start_stream(&m);
	ck_assert_int_eq(pthread_create(&t, NULL, check_in_thread, h), 0);
	use_free(u);
	ck_assert_int_eq(pthread_join(t, &good), 0);
	ck_assert_ptr_eq(good, h);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(what_is_abandoned_gives_its_session_back_clean)
{
	struct hsm *h;
	struct made m;
	struct use *u;
	struct alg_params mac = { .alg = ALG_AES_CMAC, .u.mac.len = 16 };

	fake->max_sessions = 1;
	fake->only_2_40 = _i >= 1;
	h = open_hsm();
	m = make_key(h, &aes_spec);
	if (_i == 2) /* neither cancelling nor finishing works */
		answer("C_EncryptFinal", CKR_FUNCTION_NOT_SUPPORTED, 0);
	for (int i = 0; i < 3; i++) {
		u = start_stream(&m);
		use_free(u);
		u = begin(&m, USE_SIGN, &mac);
		CHECK_RC(use_update(u, BYTES("text"), NULL, NULL), KMS_OK);
		CHECK_RC(use_restart(u, &mac), KMS_OK);
		use_free(u);
		CHECK_RC(ask_hsm(h, NULL), KMS_OK);
	}
	ck_assert_uint_eq(fake->cancelled, _i == 0 ? 6 : 0);
	made_free(&m);
	h->ops->close(h);
	ck_assert_uint_eq(fake->sessions, 0);
}
END_TEST

START_TEST(sessions_that_others_have_taken_are_done_without)
{
	CK_FUNCTION_LIST *f = fake_functions();
	struct hsm *h = open_hsm();
	struct made m = make_key(h, &aes_spec);
	CK_SESSION_HANDLE s;
	CK_SLOT_ID slot;
	CK_ULONG n = 1;
	struct use *u;

	ck_assert_uint_eq(f->C_GetSlotList(CK_TRUE, &slot, &n), CKR_OK);
	ck_assert_uint_eq(f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_OK);
	fake->max_sessions = 2; /* which the pool does not know */
	u = start_stream(&m);
	CHECK_RC(ask_hsm(h, &(struct call){ .deadline_ms = os_monotonic_ms() + 20 }), KMS_BUSY);
	ck_assert_uint_eq(f->C_CloseSession(s), CKR_OK);
	CHECK_RC(ask_hsm(h, NULL), KMS_OK);
	use_free(u);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

/* -- hanging --------------------------------------------------------------------------------- */

struct signer {
	struct made *m;
	enum kms_rc rc;
};

static void *
sign_in_thread(void *arg)
{
	struct signer *c = arg;

	c->rc = sign_hash(c->m);
	return NULL;
}

START_TEST(while_a_call_hangs_others_fail_at_once_and_then_all_is_well)
{
	struct hsm *h = open_at_a_known_time();
	struct made m = make_key(h, &p256_spec);
	struct signer first = { .m = &m };
	struct call c = { 0 };
	pthread_t t;

	hang("C_Sign");
	ck_assert_int_eq(pthread_create(&t, NULL, sign_in_thread, &first), 0);
	wait_hanging(1);
	/* Within its time it is just a call that takes long. */
	CHECK_RC(ask_hsm(h, NULL), KMS_OK);
	os_fake_clock(1000000 + 11);
	CHECK_RC(sign_hash(&m), KMS_UNAVAILABLE);
	CHECK_RC(ask_hsm(h, &c), KMS_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(c.err.text, "does not answer"));
	ck_assert_uint_eq(fake->hanging, 1);
	hang(NULL);
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	CHECK_RC(first.rc, KMS_OK);
	CHECK_RC(sign_hash(&m), KMS_OK);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(a_stream_does_not_go_into_an_hsm_that_hangs)
{
	struct hsm *h = open_at_a_known_time();
	struct made m = make_key(h, &p256_spec), aes = make_key(h, &aes_spec);
	struct use *u = start_stream(&aes), *v = start_stream(&aes);
	struct signer first = { .m = &m };
	uint8_t out[32];
	struct outbuf o = { .p = out, .cap = sizeof(out) };
	pthread_t t;

	hang("C_Sign");
	ck_assert_int_eq(pthread_create(&t, NULL, sign_in_thread, &first), 0);
	wait_hanging(1);
	os_fake_clock(1000000 + 11);
	CHECK_RC(use_update(u, BYTES("sixteen bytes !!"), &o, NULL), KMS_UNAVAILABLE);
	use_free(u);
	use_free(v);
	hang(NULL);
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	made_free(&m);
	made_free(&aes);
	h->ops->close(h);
}
END_TEST

START_TEST(a_connection_that_hangs_counts_too)
{
	struct hsm *h = open_at_a_known_time();
	struct made m = make_key(h, &p256_spec);
	struct signer first = { .m = &m };
	pthread_t t;

	power_cycle();
	hang("C_Login");
	ck_assert_int_eq(pthread_create(&t, NULL, sign_in_thread, &first), 0);
	wait_hanging(1);
	os_fake_clock(1000000 + 11);
	CHECK_RC(sign_hash(&m), KMS_UNAVAILABLE);
	hang(NULL);
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	CHECK_RC(first.rc, KMS_OK);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

/* -- many threads ---------------------------------------------------------------------------- */

#define THREADS 6
#define ROUNDS	25

struct worker {
	struct hsm *h;
	struct made *ec, *aes;
	unsigned good, bad;
};

static void *
work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct use *u = NULL;
		uint8_t out[32];
		struct outbuf o = { .p = out, .cap = sizeof(out) };
		bool good = sign_hash(w->ec) == KMS_OK;

		if (w->h->ops->begin(w->h, NULL, w->aes->k, USE_ENCRYPT, &cbc, &u) == KMS_OK) {
			good = use_update(u, BYTES("sixteen bytes !!"), &o, NULL) == KMS_OK && good;
			if (i % 3 != 0)
				good = use_final(u, &o, NULL) == KMS_OK && good;
			use_free(u);
		}
		w->good += good;
		w->bad += !good;
	}
	return NULL;
}

START_TEST(many_threads_share_few_sessions_also_while_the_hsm_restarts)
{
	struct hsm *h;
	struct made ec, aes;
	struct worker w[THREADS];
	pthread_t t[THREADS];

	conf.hsm_sessions = 3;
	h = open_hsm();
	ec = make_key(h, &p256_spec);
	aes = make_key(h, &aes_spec);
	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .h = h, .ec = &ec, .aes = &aes };
		ck_assert_int_eq(pthread_create(&t[i], NULL, work, &w[i]), 0);
	}
	for (int i = 0; i < 3 && _i == 1; i++) {
		power_cycle();
		(void)sign_hash(&ec);
	}
	for (int i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(t[i], NULL), 0);
		if (_i == 0)
			ck_assert_uint_eq(w[i].bad, 0);
	}
	CHECK_RC(sign_hash(&ec), KMS_OK);
	made_free(&ec);
	made_free(&aes);
	h->ops->close(h);
	if (_i == 0)
		ck_assert_uint_le(fake->most_sessions, 3);
}
END_TEST

/* -- processes and tokens ---------------------------------------------------------------------- */

START_TEST(two_tokens_share_a_library_and_the_last_finalizes_it)
{
	struct hsm *a = open_hsm(), *b = open_hsm();
	struct made m = make_key(a, &p256_spec), n = make_key(b, &p256_spec);

	ck_assert_uint_eq(fake->initialized, 1);
	CHECK_RC(sign_hash(&m), KMS_OK);
	made_free(&m);
	a->ops->close(a);
	ck_assert_uint_eq(fake->finalized, 0);
	CHECK_RC(sign_hash(&n), KMS_OK);
	made_free(&n);
	b->ops->close(b);
	ck_assert_uint_eq(fake->finalized, 1);
	a = open_hsm();
	ck_assert_uint_eq(fake->initialized, 2);
	a->ops->close(a);
}
END_TEST

START_TEST(what_the_host_initialised_is_shared_and_left_alone)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_FUNCTION_LIST *f = fake_functions();
	struct hsm *h;
	struct made m;

	args.pReserved = inner_conf;
	ck_assert_uint_eq(f->C_Initialize(&args), CKR_OK);
	h = open_hsm();
	m = make_key(h, &p256_spec);
	CHECK_RC(sign_hash(&m), KMS_OK);
	made_free(&m);
	h->ops->close(h);
	ck_assert_uint_eq(fake->finalized, 0);
	ck_assert_uint_eq(f->C_Finalize(NULL), CKR_OK);
}
END_TEST

START_TEST(two_tokens_with_different_arguments_are_a_mistake)
{
	struct hsm *h = open_hsm();
	struct call c = { 0 };

	conf.hsm_arguments = NULL;
	CHECK_RC(try_open_hsm(&c), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(c.err.text, "arguments"));
	h->ops->close(h);
}
END_TEST

START_TEST(a_forked_child_begins_anew_and_the_parent_goes_on)
{
	struct hsm *h = open_hsm();
	struct made m = make_key(h, &p256_spec);
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct hsm *own = NULL;
		struct made mine = { .spec = p256_spec };
		bool good;

		secret_after_fork();
		crypto_after_fork();
		good = hsm_token(&conf, NULL, &own) == KMS_OK;
		mine.h = own;
		good = good && try_generate(own, &p256_spec, ALL_USES, &mine) == KMS_OK &&
		    open_key(&mine) == KMS_OK && sign_hash(&mine) == KMS_OK;
		if (good)
			own->ops->close(own);
		_exit(good && fake->initialized == 2 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	CHECK_RC(sign_hash(&m), KMS_OK);
	made_free(&m);
	h->ops->close(h);
}
END_TEST

START_TEST(an_hsm_that_leads_back_to_us_is_refused_and_not_waited_for)
{
	CK_SLOT_ID slot;
	CK_ULONG n = 1;
	CK_TOKEN_INFO info;
	char *path = os_path_join(dir, "outer.conf");
	char text[2048];

	/* The HSM behind the HSM reads the same configuration, and so is its own HSM. */
	snprintf(text, sizeof(text), "[token t]\nstore = %s\nhsm = %s\n", conf.store, uri);
	write_file(path, text, 0600);
	setenv("KMS_PKCS11_CONF", path, 1);
	ck_assert_uint_eq(C_Initialize(NULL), CKR_OK);
	ck_assert_uint_eq(C_GetSlotList(CK_TRUE, &slot, &n), CKR_OK);
	ck_assert_uint_eq(C_GetTokenInfo(slot, &info), CKR_OK);
	ck_assert_uint_eq(C_Finalize(NULL), CKR_OK);
	free(path);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hsm_trouble");
	TCase *c = tcase_create("trouble");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, an_error_has_one_meaning_and_what_may_pass_is_tried_again, 0,
	    2 * ARRAY_LEN(errors));
	tcase_add_test(c, an_error_is_told_with_the_function_and_its_number);
	tcase_add_test(c, a_key_that_always_fails_does_not_break_the_connection_again_and_again);
	tcase_add_loop_test(c, generation_that_fails_leaves_no_key_behind, 0, 5);
	tcase_add_test(c, what_has_an_effect_is_not_sent_twice_unless_it_was_refused);
	tcase_add_test(c, after_a_restart_of_the_hsm_all_goes_on);
	tcase_add_test(c, a_restart_ends_what_came_in_parts_and_nothing_else);
	tcase_add_loop_test(c, a_library_that_needs_it_is_restarted_where_it_is_ours, 0, 2);
	tcase_add_test(c, an_hsm_that_is_away_is_found_when_it_comes_back);
	tcase_add_loop_test(c, an_hsm_that_was_away_at_the_start_is_hoped_for, 0, 2);
	tcase_add_test(c, the_host_may_close_all_sessions);
	tcase_add_test(c, the_host_may_log_out);
	tcase_add_test(c, a_wrong_pin_is_tried_once);
	tcase_add_test(c, the_last_try_of_a_pin_is_not_risked);
	tcase_add_test(c, without_a_pin_the_login_of_the_host_is_good_enough);
	tcase_add_loop_test(c, uses_in_one_piece_take_turns_with_one_session, 0, 2);
	tcase_add_test(c, who_finds_no_session_waits_no_longer_than_its_time);
	tcase_add_test(c, a_session_that_is_given_back_goes_to_who_waits);
	tcase_add_loop_test(c, what_is_abandoned_gives_its_session_back_clean, 0, 3);
	tcase_add_test(c, sessions_that_others_have_taken_are_done_without);
	tcase_add_test(c, while_a_call_hangs_others_fail_at_once_and_then_all_is_well);
	tcase_add_test(c, a_stream_does_not_go_into_an_hsm_that_hangs);
	tcase_add_test(c, a_connection_that_hangs_counts_too);
	tcase_add_loop_test(c, many_threads_share_few_sessions_also_while_the_hsm_restarts, 0, 2);
	tcase_add_test(c, two_tokens_share_a_library_and_the_last_finalizes_it);
	tcase_add_test(c, what_the_host_initialised_is_shared_and_left_alone);
	tcase_add_test(c, two_tokens_with_different_arguments_are_a_mistake);
	tcase_add_test(c, a_forked_child_begins_anew_and_the_parent_goes_on);
	tcase_add_test(c, an_hsm_that_leads_back_to_us_is_refused_and_not_waited_for);
	suite_add_tcase(s, c);
	return hsm_main(s);
}
