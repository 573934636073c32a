/* SPDX-License-Identifier: Apache-2.0 */
/* The measured side: the same work asked of a PKCS#11 module, Init and call together as
 * applications do. */
#include "tests/bench/bench.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>

CK_FUNCTION_LIST *bench_p11;
CK_SLOT_ID bench_slot;
CK_SESSION_HANDLE bench_session;

static CK_OBJECT_HANDLE case_key, case_other; /* made by the first worker of a case */

/* -- the token ----------------------------------------------------------------------------- */

void
module_environment(const char *dir)
{
	char path[400], text[600];
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "%s/token.db", dir);
	setenv("KMS_PKCS11_STORE", path, 1);
	/* Empty until module_open_over, as if there were none: this machine's own may have tokens
	 * in use. */
	snprintf(path, sizeof(path), "%s/kms.conf", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	setenv("KMS_PKCS11_CONF", path, 1);
	snprintf(path, sizeof(path), "%s/tokens", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/softhsm2.conf", dir);
	snprintf(text, sizeof(text), "directories.tokendir = %s/tokens\nlog.level = ERROR\n", dir);
	if ((f = fopen(path, "w")) != NULL) {
		fputs(text, f);
		fclose(f);
	}
	setenv("SOFTHSM2_CONF", path, 1);
}

bool
module_load(const char *path)
{
	void *dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = NULL;

	if (dl == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return false;
	}
	*(void **)&get = dlsym(dl, "C_GetFunctionList");
	return get != NULL && get(&bench_p11) == CKR_OK;
}

bool
module_first_slot(void)
{
	CK_SLOT_ID slots[64];
	CK_ULONG n = 64;

	if (bench_p11->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK || n == 0)
		return false;
	bench_slot = slots[0];
	return true;
}

#define PIN(s) (CK_UTF8CHAR *)(s), sizeof(s) - 1

static CK_RV
open_session(CK_SESSION_HANDLE *ret)
{
	return bench_p11->C_OpenSession(bench_slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
	    ret);
}

static CK_RV
init_token(void)
{
	CK_UTF8CHAR label[33] = "bench                           ";
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_SESSION_HANDLE s;
	CK_RV rv = bench_p11->C_InitToken(bench_slot, PIN(BENCH_SO_PIN), label);

	if (rv != CKR_OK)
		return rv;
	/* SoftHSMv2 gives the new token another slot. */
	bench_p11->C_Finalize(NULL);
	if ((rv = bench_p11->C_Initialize(&args)) != CKR_OK || !module_first_slot())
		return rv;
	if ((rv = open_session(&s)) == CKR_OK)
		rv = bench_p11->C_Login(s, CKU_SO, PIN(BENCH_SO_PIN));
	if (rv == CKR_OK)
		rv = bench_p11->C_InitPIN(s, PIN(BENCH_PIN));
	if (rv == CKR_OK)
		rv = bench_p11->C_CloseAllSessions(bench_slot);
	return rv;
}

static bool
open_token(const char *path, const char *dir, bool make)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_RV rv;

	module_environment(dir);
	if (!module_load(path))
		return false;
	rv = bench_p11->C_Initialize(&args);
	if (rv == CKR_OK && !module_first_slot())
		rv = CKR_TOKEN_NOT_PRESENT;
	if (rv == CKR_OK && make)
		rv = init_token();
	if (rv == CKR_OK)
		rv = open_session(&bench_session);
	if (rv == CKR_OK)
		rv = bench_p11->C_Login(bench_session, CKU_USER, PIN(BENCH_PIN));
	if (rv != CKR_OK)
		fprintf(stderr, "%s: 0x%lx\n", path, rv);
	return rv == CKR_OK;
}

bool
module_open(const char *path, const char *dir)
{
	return open_token(path, dir, true);
}

bool
module_open_existing(const char *path, const char *dir)
{
	return open_token(path, dir, false);
}

static bool
write_file(const char *dir, const char *name, const char *text)
{
	char path[400];
	FILE *f;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((f = fopen(path, "w")) == NULL)
		return false;
	good = chmod(path, 0600) == 0 && fputs(text, f) >= 0;
	return fclose(f) == 0 && good;
}

bool
module_open_over(const char *hsm, const char *path, const char *dir)
{
	char text[1200];

	if (!open_token(hsm, dir, true) || bench_p11->C_Finalize(NULL) != CKR_OK)
		return false;
	snprintf(text, sizeof(text),
	    "[token bench]\nstore = %s/token.db\n"
	    "hsm = pkcs11:token=bench?module-path=%s&pin-source=file:%s/pin\n",
	    dir, hsm, dir);
	return write_file(dir, "pin", BENCH_PIN "\n") && write_file(dir, "kms.conf", text) &&
	    open_token(path, dir, true);
}

/* -- keys ---------------------------------------------------------------------------------- */

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

struct list {
	CK_ATTRIBUTE v[32];
	CK_ULONG n;
	uint8_t room[8192];
	size_t used;
};

static void
add(struct list *l, CK_ATTRIBUTE_TYPE type, const void *p, size_t n)
{
	memcpy(l->room + l->used, p, n);
	l->v[l->n].type = type;
	l->v[l->n].pValue = l->room + l->used;
	l->v[l->n++].ulValueLen = n;
	l->used += n;
}

static void
add_bool(struct list *l, CK_ATTRIBUTE_TYPE type, bool value)
{
	add(l, type, value ? &yes : &no, sizeof(CK_BBOOL));
}

static void
add_bn(struct list *l, CK_ATTRIBUTE_TYPE type, EVP_PKEY *key, const char *name)
{
	uint8_t bytes[600];
	BIGNUM *b = NULL;

	if (EVP_PKEY_get_bn_param(key, name, &b) == 1)
		add(l, type, bytes, (size_t)BN_bn2bin(b, bytes));
	BN_clear_free(b);
}

static void
add_private(struct list *l, enum bench_key which)
{
	static const uint8_t p256[] = { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 },
			     p384[] = { 6, 5, 0x2b, 0x81, 4, 0, 0x22 },
			     ed[] = "\x13\x0c"
				    "edwards25519";
	EVP_PKEY *key = bench_pkeys[which];
	CK_KEY_TYPE type = which == ED25519 ? CKK_EC_EDWARDS : which >= P256 ? CKK_EC : CKK_RSA;
	uint8_t seed[32];
	size_t n = sizeof(seed);

	add(l, CKA_KEY_TYPE, &type, sizeof(type));
	if (type == CKK_RSA) {
		add_bn(l, CKA_MODULUS, key, OSSL_PKEY_PARAM_RSA_N);
		add_bn(l, CKA_PUBLIC_EXPONENT, key, OSSL_PKEY_PARAM_RSA_E);
		add_bn(l, CKA_PRIVATE_EXPONENT, key, OSSL_PKEY_PARAM_RSA_D);
		add_bn(l, CKA_PRIME_1, key, OSSL_PKEY_PARAM_RSA_FACTOR1);
		add_bn(l, CKA_PRIME_2, key, OSSL_PKEY_PARAM_RSA_FACTOR2);
		add_bn(l, CKA_EXPONENT_1, key, OSSL_PKEY_PARAM_RSA_EXPONENT1);
		add_bn(l, CKA_EXPONENT_2, key, OSSL_PKEY_PARAM_RSA_EXPONENT2);
		add_bn(l, CKA_COEFFICIENT, key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
		add_bool(l, CKA_DECRYPT, true);
	} else if (type == CKK_EC) {
		add(l, CKA_EC_PARAMS, which == P256 ? p256 : p384,
		    which == P256 ? sizeof(p256) : sizeof(p384));
		add_bn(l, CKA_VALUE, key, OSSL_PKEY_PARAM_PRIV_KEY);
	} else {
		EVP_PKEY_get_raw_private_key(key, seed, &n);
		add(l, CKA_EC_PARAMS, ed, sizeof(ed) - 1);
		add(l, CKA_VALUE, seed, n);
	}
	add_bool(l, CKA_SIGN, true);
}

static void
add_secret(struct list *l, enum bench_key which)
{
	CK_KEY_TYPE type = which == AES256 ? CKK_AES : CKK_GENERIC_SECRET;

	add(l, CKA_KEY_TYPE, &type, sizeof(type));
	add(l, CKA_VALUE, bench_secret, sizeof(bench_secret));
	add_bool(l, CKA_SIGN, true);
	if (which != AES256)
		return;
	add_bool(l, CKA_ENCRYPT, true);
	add_bool(l, CKA_WRAP, true);
}

static CK_RV
import(const struct bench_case *c, bool extractable, CK_OBJECT_HANDLE *ret)
{
	struct list l = { .n = 0 };
	CK_OBJECT_CLASS class = c->key >= AES256 ? CKO_SECRET_KEY : CKO_PRIVATE_KEY;

	add(&l, CKA_CLASS, &class, sizeof(class));
	add_bool(&l, CKA_TOKEN, c->where == TOKEN);
	add_bool(&l, CKA_PRIVATE, true);
	add_bool(&l, CKA_SENSITIVE, true);
	add_bool(&l, CKA_EXTRACTABLE, extractable);
	add(&l, CKA_LABEL, "bench", 5);
	add(&l, CKA_ID, "bench-id", 8);
	if (class == CKO_SECRET_KEY)
		add_secret(&l, c->key);
	else
		add_private(&l, c->key);
	return bench_p11->C_CreateObject(bench_session, l.v, l.n, ret);
}

/* -- one operation ------------------------------------------------------------------------- */

static bool
ok(struct worker *w, const char *why, CK_RV rv)
{
	if (rv == CKR_OK)
		return true;
	w->why = why;
	w->rv = rv;
	return false;
}

static bool
step_sign(struct worker *w)
{
	CK_ULONG n = w->cap;
	bool good = ok(w, "C_SignInit", bench_p11->C_SignInit(w->session, &w->mech, w->key)) &&
	    ok(w, "C_Sign", bench_p11->C_Sign(w->session, w->in, w->in_len, w->out, &n));

	w->out_len = n;
	return good;
}

static bool
step_decrypt(struct worker *w)
{
	CK_ULONG n = w->cap;
	bool good =
	    ok(w, "C_DecryptInit", bench_p11->C_DecryptInit(w->session, &w->mech, w->key)) &&
	    ok(w, "C_Decrypt", bench_p11->C_Decrypt(w->session, w->in, w->in_len, w->out, &n));

	w->out_len = n;
	return good;
}

static bool
step_encrypt(struct worker *w)
{
	CK_ULONG n = w->cap;
	bool good =
	    ok(w, "C_EncryptInit", bench_p11->C_EncryptInit(w->session, &w->mech, w->key)) &&
	    ok(w, "C_Encrypt", bench_p11->C_Encrypt(w->session, w->in, w->in_len, w->out, &n));

	w->out_len = n;
	return good;
}

static bool
step_digest(struct worker *w)
{
	CK_ULONG n = w->cap;
	bool good = ok(w, "C_DigestInit", bench_p11->C_DigestInit(w->session, &w->mech)) &&
	    ok(w, "C_Digest", bench_p11->C_Digest(w->session, w->in, w->in_len, w->out, &n));

	w->out_len = n;
	return good;
}

static bool
step_wrap(struct worker *w)
{
	CK_ULONG n = w->cap;
	bool good = ok(w, "C_WrapKey",
	    bench_p11->C_WrapKey(w->session, &w->mech, w->key, w->other, w->out, &n));

	w->out_len = n;
	return good;
}

static bool
step_random(struct worker *w)
{
	w->out_len = w->c->len;
	return ok(w, "C_GenerateRandom",
	    bench_p11->C_GenerateRandom(w->session, w->out, w->c->len));
}

static bool
step_generate(struct worker *w)
{
	CK_ULONG len = 32;
	bool token = w->c->kind == STORE;
	CK_ATTRIBUTE t[] = {
		{ CKA_TOKEN, token ? &yes : &no, 1 },
		{ CKA_PRIVATE, &yes, 1 },
		{ CKA_SENSITIVE, &yes, 1 },
		{ CKA_ENCRYPT, &yes, 1 },
		{ CKA_VALUE_LEN, &len, sizeof(len) },
	};
	CK_OBJECT_HANDLE key;

	return ok(w, "C_GenerateKey", bench_p11->C_GenerateKey(w->session, &w->mech, t, 5, &key)) &&
	    ok(w, "C_DestroyObject", bench_p11->C_DestroyObject(w->session, key));
}

static bool
step_generate_pair(struct worker *w)
{
	static uint8_t p256[] = { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
	CK_ATTRIBUTE pub[] = { { CKA_TOKEN, &no, 1 }, { CKA_EC_PARAMS, p256, sizeof(p256) },
		{ CKA_VERIFY, &yes, 1 } };
	CK_ATTRIBUTE priv[] = { { CKA_TOKEN, &no, 1 }, { CKA_SIGN, &yes, 1 },
		{ CKA_SENSITIVE, &yes, 1 } };
	CK_OBJECT_HANDLE a, b;

	return ok(w, "C_GenerateKeyPair",
		   bench_p11->C_GenerateKeyPair(w->session, &w->mech, pub, 3, priv, 3, &a, &b)) &&
	    ok(w, "C_DestroyObject", bench_p11->C_DestroyObject(w->session, a)) &&
	    ok(w, "C_DestroyObject", bench_p11->C_DestroyObject(w->session, b));
}

static bool
step_attributes(struct worker *w)
{
	CK_KEY_TYPE type;
	CK_ATTRIBUTE t[] = { { CKA_KEY_TYPE, &type, sizeof(type) }, { CKA_LABEL, w->out, 64 },
		{ CKA_ID, w->out + 64, 64 } };

	return ok(w, "C_GetAttributeValue",
	    bench_p11->C_GetAttributeValue(w->session, w->key, t, 3));
}

static bool
step_sessions(struct worker *w)
{
	CK_SESSION_HANDLE s;

	return ok(w, "C_OpenSession", open_session(&s)) &&
	    ok(w, "C_CloseSession", bench_p11->C_CloseSession(s));
}

/* -- cases --------------------------------------------------------------------------------- */

static void
set_param(struct worker *w)
{
	w->mech.mechanism = w->c->mech;
	switch (w->c->mech) {
	case CKM_AES_CBC_PAD:
		w->mech.pParameter = bench_iv;
		w->mech.ulParameterLen = 16;
		break;
	case CKM_AES_GCM:
		w->param.gcm = (CK_GCM_PARAMS){
			.pIv = bench_iv, .ulIvLen = 12, .ulIvBits = 96, .ulTagBits = 128
		};
		w->mech.pParameter = &w->param;
		w->mech.ulParameterLen = sizeof(w->param.gcm);
		break;
	case CKM_RSA_PKCS_OAEP:
		w->param.oaep = (CK_RSA_PKCS_OAEP_PARAMS){
			.hashAlg = CKM_SHA_1, .mgf = CKG_MGF1_SHA1, .source = CKZ_DATA_SPECIFIED
		};
		w->mech.pParameter = &w->param;
		w->mech.ulParameterLen = sizeof(w->param.oaep);
		break;
	case CKM_SHA256_RSA_PKCS_PSS:
		w->param.pss = (CK_RSA_PKCS_PSS_PARAMS){
			.hashAlg = CKM_SHA256, .mgf = CKG_MGF1_SHA256, .sLen = 32
		};
		w->mech.pParameter = &w->param;
		w->mech.ulParameterLen = sizeof(w->param.pss);
		break;
	default: break;
	}
}

static bool (*step_of(enum bench_kind kind))(struct worker *)
{
	switch (kind) {
	case SIGN:
	case MAC: return step_sign;
	case OAEP: return step_decrypt;
	case CIPHER: return step_encrypt;
	case DIGEST: return step_digest;
	case WRAP: return step_wrap;
	case RANDOM: return step_random;
	case GENERATE:
	case STORE: return step_generate;
	case GENERATE_PAIR: return step_generate_pair;
	case ATTRIBUTES: return step_attributes;
	case SESSIONS: break;
	}
	return step_sessions;
}

bool
module_setup(struct worker *w)
{
	const struct bench_case *c = w->c;
	bool keyed =
	    c->key != NONE && c->kind != GENERATE && c->kind != GENERATE_PAIR && c->kind != STORE;

	w->step = step_of(c->kind);
	set_param(w);
	if (!ok(w, "C_OpenSession", open_session(&w->session)))
		return false;
	if (keyed && case_key == 0 && !ok(w, "C_CreateObject", import(c, false, &case_key)))
		return false;
	if (c->kind == WRAP && case_other == 0 &&
	    !ok(w, "C_CreateObject", import(c, true, &case_other)))
		return false;
	w->key = case_key;
	w->other = case_other;
	return true;
}

void
module_clear(struct worker *w)
{
	if (w->session != 0)
		(void)bench_p11->C_CloseSession(w->session);
}

void
module_end_case(void)
{
	if (case_key != 0)
		(void)bench_p11->C_DestroyObject(bench_session, case_key);
	if (case_other != 0)
		(void)bench_p11->C_DestroyObject(bench_session, case_other);
	case_key = case_other = 0;
}
