/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the audit log costs a use of a key: the same calls through the module on three tokens in
 * turn, without a log, with one, and with one that has a record of every use. Processor time of one
 * operation, so that whatever else the machine does counts little; the least of many slices.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pkcs11/cryptoki.h"

#define PIN(s) (CK_UTF8CHAR *)(s), sizeof(s) - 1
#define N(a)   (sizeof(a) / sizeof(*(a)))

enum { OFF, ON, EACH, SIDES };
static const char *const settings[SIDES] = { "audit = off", "audit = written", "audit-fold = no" };

enum op { RSA_SIGN, EC_SIGN, GCM, HMAC, OPS };
static const struct {
	const char *name;
	unsigned times; /* in a slice */
} ops[OPS] = {
	{ "sign-rsa2048-sha256", 20 },
	{ "sign-ecdsa-p256", 300 },
	{ "token-gcm-16", 10000 },
	{ "token-hmac-sha256-64", 10000 },
};

static CK_FUNCTION_LIST *p11;

static struct side {
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE s;
	CK_OBJECT_HANDLE keys[OPS];
} sides[SIDES];

static void
must(CK_RV rv, const char *what)
{
	if (rv == CKR_OK)
		return;
	fprintf(stderr, "%s: 0x%lx\n", what, rv);
	exit(1);
}

/* -- the tokens ---------------------------------------------------------------------------- */

static void
configure(const char *dir)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/conf", dir);
	if ((f = fopen(path, "w")) == NULL) {
		perror(path);
		exit(1);
	}
	for (int i = 0; i < SIDES; i++)
		fprintf(f, "[token t%d]\nstore = %s/t%d.db\npin-cost = 14\nslot = %d\n%s\n", i, dir,
		    i, i, settings[i]);
	fclose(f);
	setenv("KMS_PKCS11_CONF", path, 1);
}

static void
load(void)
{
	const char *path = getenv("KMS_MODULE");
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_C_GetFunctionList get = NULL;
	void *dl = dlopen(path == NULL ? ".libs/kms-pkcs11.so" : path, RTLD_NOW | RTLD_LOCAL);

	if (dl != NULL)
		*(void **)&get = dlsym(dl, "C_GetFunctionList");
	if (get == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	must(get(&p11), "C_GetFunctionList");
	must(p11->C_Initialize(&args), "C_Initialize");
}

static CK_OBJECT_HANDLE
make_secret(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type)
{
	CK_BBOOL yes = CK_TRUE;
	CK_ULONG len = 32;
	CK_ATTRIBUTE t[] = { { CKA_TOKEN, &yes, sizeof(yes) }, { CKA_SIGN, &yes, sizeof(yes) },
		{ CKA_ENCRYPT, &yes, sizeof(yes) }, { CKA_VALUE_LEN, &len, sizeof(len) } };
	CK_MECHANISM m = { type, NULL, 0 };
	CK_OBJECT_HANDLE key;

	must(p11->C_GenerateKey(s, &m, t, N(t), &key), "C_GenerateKey");
	return key;
}

static CK_OBJECT_HANDLE
make_pair(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type, CK_ATTRIBUTE kind)
{
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE pub_t[] = { { CKA_TOKEN, &yes, sizeof(yes) }, kind };
	CK_ATTRIBUTE priv_t[] = { { CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_SIGN, &yes, sizeof(yes) } };
	CK_MECHANISM m = { type, NULL, 0 };
	CK_OBJECT_HANDLE pub, priv;

	must(p11->C_GenerateKeyPair(s, &m, pub_t, N(pub_t), priv_t, N(priv_t), &pub, &priv),
	    "C_GenerateKeyPair");
	return priv;
}

static void
make_side(struct side *w, CK_SLOT_ID slot)
{
	static CK_BYTE p256[] = { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
	CK_UTF8CHAR label[33] = "bench                           ";
	CK_ULONG bits = 2048;

	w->slot = slot;
	must(p11->C_InitToken(slot, PIN("so-12345"), label), "C_InitToken");
	must(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &w->s),
	    "C_OpenSession");
	must(p11->C_Login(w->s, CKU_SO, PIN("so-12345")), "C_Login");
	must(p11->C_InitPIN(w->s, PIN("user-1234")), "C_InitPIN");
	must(p11->C_Logout(w->s), "C_Logout");
	must(p11->C_Login(w->s, CKU_USER, PIN("user-1234")), "C_Login");
	w->keys[RSA_SIGN] = make_pair(w->s, CKM_RSA_PKCS_KEY_PAIR_GEN,
	    (CK_ATTRIBUTE){ CKA_MODULUS_BITS, &bits, sizeof(bits) });
	w->keys[EC_SIGN] = make_pair(w->s, CKM_EC_KEY_PAIR_GEN,
	    (CK_ATTRIBUTE){ CKA_EC_PARAMS, p256, sizeof(p256) });
	w->keys[GCM] = make_secret(w->s, CKM_AES_KEY_GEN);
	w->keys[HMAC] = make_secret(w->s, CKM_GENERIC_SECRET_KEY_GEN);
}

/* -- the operations ------------------------------------------------------------------------ */

static void
sign(const struct side *w, enum op op, CK_MECHANISM_TYPE type, CK_ULONG len)
{
	static CK_BYTE in[64];
	CK_MECHANISM m = { type, NULL, 0 };
	CK_BYTE out[512];
	CK_ULONG n = sizeof(out);

	must(p11->C_SignInit(w->s, &m, w->keys[op]), "C_SignInit");
	must(p11->C_Sign(w->s, in, len, out, &n), "C_Sign");
}

static void
encrypt(const struct side *w)
{
	static CK_BYTE iv[12], in[16];
	CK_GCM_PARAMS gcm = { .pIv = iv, .ulIvLen = 12, .ulIvBits = 96, .ulTagBits = 128 };
	CK_MECHANISM m = { CKM_AES_GCM, &gcm, sizeof(gcm) };
	CK_BYTE out[64];
	CK_ULONG n = sizeof(out);

	must(p11->C_EncryptInit(w->s, &m, w->keys[GCM]), "C_EncryptInit");
	must(p11->C_Encrypt(w->s, in, sizeof(in), out, &n), "C_Encrypt");
}

static void
once(const struct side *w, enum op op)
{
	switch (op) {
	case RSA_SIGN: sign(w, op, CKM_SHA256_RSA_PKCS, 64); break;
	case EC_SIGN: sign(w, op, CKM_ECDSA, 32); break;
	case GCM: encrypt(w); break;
	case HMAC: sign(w, op, CKM_SHA256_HMAC, 64); break;
	case OPS: break;
	}
}

static double
slice_us(const struct side *w, enum op op)
{
	struct timespec from, to;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (unsigned i = 0; i < ops[op].times; i++)
		once(w, op);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	    1e3 / ops[op].times;
}

static void
measure(enum op op, unsigned rounds, bool json)
{
	double us[SIDES] = { 1e9, 1e9, 1e9 };

	for (unsigned r = 0; r < rounds; r++) {
		for (int i = 0; i < SIDES; i++) {
			double t = slice_us(&sides[i], op);

			us[i] = t < us[i] ? t : us[i];
		}
	}
	if (json)
		printf("%s{\"name\": \"%s\", \"off_us\": %.3f, \"on_us\": %.3f, \"each_us\": %.3f}",
		    op == 0 ? "" : ",\n", ops[op].name, us[OFF], us[ON], us[EACH]);
	else
		printf("%-22s %10.2f %10.2f %10.2f %8.3f %12.2f\n", ops[op].name, us[OFF], us[ON],
		    us[ON] - us[OFF], us[OFF] / us[ON], us[EACH] - us[OFF]);
}

int
main(int argc, char **argv)
{
	bool json = false;
	unsigned rounds = 60;
	char dir[] = "/tmp/kms-bench-XXXXXX", command[64];

	for (int i = 1; i < argc; i++) {
		/* What else make bench is told is for other programs. */
		if (strcmp(argv[i], "--quick") == 0)
			rounds = 10;
		else if (strcmp(argv[i], "--smoke") == 0)
			rounds = 1;
		json = json || strcmp(argv[i], "--json") == 0;
	}
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	configure(dir);
	load();
	for (CK_SLOT_ID i = 0; i < SIDES; i++)
		make_side(&sides[i], i);
	if (json)
		printf("{\"gate\": [\n");
	else
		printf("%-22s %10s %10s %10s %8s %12s\n", "us an operation", "audit off",
		    "audit on", "added", "off/on", "each: added");
	for (int op = 0; op < OPS; op++)
		measure((enum op)op, rounds, json);
	if (json)
		printf("\n]}\n");
	must(p11->C_Finalize(NULL), "C_Finalize");
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) == 0 ? 0 : 1;
}
