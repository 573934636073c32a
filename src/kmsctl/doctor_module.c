/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor as an application: loads the module, finds the slots, logs in, finds objects, and does
 * one piece of work. */
#include "kmsctl/doctor.h"

#include <dlfcn.h>
#include <limits.h>
#include <p11-kit/p11-kit.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/os.h"
#include "pkcs11/cryptoki.h"

#define MODULE "kms-pkcs11.so"

static const char see_log[] = "run again with KMS_PKCS11_LOG=debug for the reason";

static void
report_rv(struct doctor *d, const char *check, CK_RV rv, const char *advice, const char *call)
{
	doctor_report(d, check, CHECK_FAILED, advice, "%s: %s (CK_RV 0x%lx)", call,
	    p11_kit_strerror(rv), rv);
}

/* -- loading -- */

/* The module beside this program in a build tree. Allocated, NULL when there is none. */
static char *
beside(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self));
	const char *slash = n <= 0 ? NULL : memrchr(self, '/', (size_t)n);
	char *path = NULL;

	if (slash == NULL || asprintf(&path, "%.*s/.libs/" MODULE, (int)(slash - self), self) < 0)
		return NULL;
	if (access(path, R_OK) != 0) {
		free(path);
		return NULL;
	}
	return path;
}

/* --module, KMS_PKCS11_MODULE, the build tree's, the installed one. */
static char *
module_path(const struct ctl *c)
{
	const char *named =
	    c->opt[OPT_MODULE] != NULL ? c->opt[OPT_MODULE] : os_env("KMS_PKCS11_MODULE");
	char *path = named != NULL ? strdup(named) : beside();

	return path != NULL || named != NULL ? path : strdup(PKCS11DIR "/" MODULE);
}

static CK_FUNCTION_LIST *
load(struct doctor *d)
{
	auto_text *path = module_path(d->c);
	CK_RV (*get_list)(CK_FUNCTION_LIST_PTR_PTR);
	CK_RV (*get_interface)(CK_UTF8CHAR_PTR, CK_VERSION *, CK_INTERFACE_PTR_PTR, CK_FLAGS);
	CK_VERSION v3 = { CRYPTOKI_V3_MAJOR, CRYPTOKI_V3_MINOR };
	CK_FUNCTION_LIST *list = NULL;
	CK_INTERFACE *interface = NULL;
	void *so = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (so == NULL) {
		doctor_report(d, "module", CHECK_FAILED,
		    "install it, or name it with --module or KMS_PKCS11_MODULE", "%s",
		    path == NULL ? rc_text(KMS_NOMEM) : dlerror());
		return NULL;
	}
	/* POSIX: dlsym's result is converted through memory */
	*(void **)&get_list = dlsym(so, "C_GetFunctionList");
	*(void **)&get_interface = dlsym(so, "C_GetInterface");
	if (get_list == NULL || get_list(&list) != CKR_OK || list == NULL) {
		doctor_report(d, "module", CHECK_FAILED, "name the right file with --module",
		    "%s is no PKCS#11 module", path);
		return NULL;
	}
	doctor_report(d, "module", CHECK_OK, NULL, "%s", path);
	if (get_interface != NULL &&
	    get_interface((CK_UTF8CHAR_PTR) "PKCS 11", &v3, &interface, 0) == CKR_OK)
		doctor_report(d, "interfaces", CHECK_OK, NULL, "PKCS#11 %u.%u and 3.0",
		    list->version.major, list->version.minor);
	else
		doctor_report(d, "interfaces", CHECK_FAILED,
		    "install the module of the same version as kmsctl",
		    "PKCS#11 %u.%u, but not 3.0", list->version.major, list->version.minor);
	return list;
}

/* -- using a token -- */

static CK_RV
count_class(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, CK_OBJECT_CLASS class, CK_ULONG *ret)
{
	CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof(class) };
	CK_OBJECT_HANDLE found[64];
	CK_ULONG n = 0, total = 0;
	CK_RV rv, end;

	if ((rv = f->C_FindObjectsInit(s, &template, 1)) != CKR_OK)
		return rv;
	while ((rv = f->C_FindObjects(s, found, ARRAY_LEN(found), &n)) == CKR_OK && n > 0)
		total += n;
	end = f->C_FindObjectsFinal(s);
	*ret = total;
	return rv != CKR_OK ? rv : end;
}

static void
check_find(struct doctor *d, CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s)
{
	static const struct {
		CK_OBJECT_CLASS class;
		const char *name;
	} classes[] = {
		{ CKO_PRIVATE_KEY, "find private keys" },
		{ CKO_PUBLIC_KEY, "find public keys" },
		{ CKO_SECRET_KEY, "find secret keys" },
		{ CKO_CERTIFICATE, "find certificates" },
		{ CKO_DATA, "find data" },
	};

	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		CK_ULONG n = 0;
		CK_RV rv = count_class(f, s, classes[i].class, &n);

		if (rv == CKR_OK)
			doctor_report(d, classes[i].name, CHECK_OK, NULL, "%lu", n);
		else
			report_rv(d, classes[i].name, rv, see_log, "C_FindObjects");
	}
}

/* A session key encrypts and decrypts; the token's own keys are left alone. */
static CK_RV
round_trip(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, const char **call, bool *same)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG len = 32;
	CK_ATTRIBUTE template[] = {
		{ CKA_TOKEN, &no, sizeof(no) },
		{ CKA_PRIVATE, &no, sizeof(no) },
		{ CKA_ENCRYPT, &yes, sizeof(yes) },
		{ CKA_DECRYPT, &yes, sizeof(yes) },
		{ CKA_VALUE_LEN, &len, sizeof(len) },
	};
	CK_BYTE iv[16] = { 0 }, plain[] = "how do you do", sealed[64], opened[64];
	CK_MECHANISM generate = { CKM_AES_KEY_GEN, NULL, 0 },
		     cbc = { CKM_AES_CBC_PAD, iv, sizeof(iv) };
	CK_ULONG n_sealed = sizeof(sealed), n_opened = sizeof(opened);
	CK_OBJECT_HANDLE key;
	CK_RV rv;

	*call = "C_GenerateKey";
	if ((rv = f->C_GenerateKey(s, &generate, template, ARRAY_LEN(template), &key)) != CKR_OK)
		return rv;
	*call = "C_Encrypt";
	if ((rv = f->C_EncryptInit(s, &cbc, key)) == CKR_OK)
		rv = f->C_Encrypt(s, plain, sizeof(plain), sealed, &n_sealed);
	if (rv == CKR_OK)
		*call = "C_Decrypt";
	if (rv == CKR_OK && (rv = f->C_DecryptInit(s, &cbc, key)) == CKR_OK)
		rv = f->C_Decrypt(s, sealed, n_sealed, opened, &n_opened);
	*same = n_opened == sizeof(plain) && memcmp(opened, plain, sizeof(plain)) == 0;
	(void)f->C_DestroyObject(s, key);
	return rv;
}

static void
check_work(struct doctor *d, CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s)
{
	CK_BYTE random[3];
	char hex[2 * sizeof(random) + 1];
	const char *call = "";
	bool same = false;
	CK_RV rv = f->C_GenerateRandom(s, random, sizeof(random));

	(void)hex_encode(slice_of(random, sizeof(random)), hex, sizeof(hex));
	if (rv == CKR_OK)
		doctor_report(d, "random", CHECK_OK, NULL, "%s", hex);
	else
		report_rv(d, "random", rv, see_log, "C_GenerateRandom");
	rv = round_trip(f, s, &call, &same);
	if (rv != CKR_OK)
		report_rv(d, "encrypt and decrypt", rv, see_log, call);
	else if (!same)
		doctor_report(d, "encrypt and decrypt", CHECK_FAILED, "do not use this build",
		    "gave back something else");
	else
		doctor_report(d, "encrypt and decrypt", CHECK_OK, NULL,
		    "AES-256 with a session key");
}

static void
check_login(struct doctor *d, CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, const CK_TOKEN_INFO *info,
    const struct secret *pin)
{
	CK_RV rv;

	if ((info->flags & CKF_USER_PIN_INITIALIZED) == 0) {
		doctor_report(d, "login", CHECK_SKIPPED, ctl_advice(KMS_PIN_NOT_SET),
		    "no user PIN is set");
		return;
	}
	if ((info->flags & CKF_USER_PIN_LOCKED) != 0) {
		doctor_report(d, "login", CHECK_SKIPPED, ctl_advice(KMS_PIN_LOCKED),
		    "the user PIN is locked; what follows is what anybody may see");
		return;
	}
	if (pin->len == 0) {
		doctor_report(d, "login", CHECK_SKIPPED,
		    "give the PIN of one token: --token, --pin-file or KMS_PIN",
		    "no PIN was given; what follows is what anybody may see");
		return;
	}
	rv = f->C_Login(s, CKU_USER, pin->p, pin->len);
	if (rv == CKR_OK)
		doctor_report(d, "login", CHECK_OK, NULL, "as user");
	else
		report_rv(d, "login", rv, "check the PIN; too many wrong tries lock it", "C_Login");
}

static void
check_slot(struct doctor *d, CK_FUNCTION_LIST *f, const struct secret *pin)
{
	CK_SLOT_ID slot = (CK_SLOT_ID)d->token->slot;
	CK_TOKEN_INFO info = { 0 };
	CK_SESSION_HANDLE s;
	CK_RV rv = f->C_GetTokenInfo(slot, &info);

	if (rv != CKR_OK) {
		report_rv(d, "token info", rv, "see the check of its store above",
		    "C_GetTokenInfo");
		return;
	}
	if ((info.flags & CKF_TOKEN_INITIALIZED) == 0) {
		doctor_report(d, "token info", CHECK_SKIPPED, ctl_advice(KMS_NOT_INITIALIZED),
		    "slot %lu, not initialised", slot);
		return;
	}
	doctor_report(d, "token info", CHECK_OK, NULL, "slot %lu, %.16s, model %.16s", slot,
	    (const char *)info.serialNumber, (const char *)info.model);
	if ((rv = f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &s)) != CKR_OK) {
		report_rv(d, "session", rv, see_log, "C_OpenSession");
		return;
	}
	check_login(d, f, s, &info, pin);
	check_find(d, f, s);
	check_work(d, f, s);
	(void)f->C_CloseSession(s);
}

static void
check_slots(struct doctor *d, CK_FUNCTION_LIST *f, const struct conf_token *only,
    const struct secret *pin)
{
	const struct conf *conf = d->c->conf;
	CK_ULONG n = 0;
	CK_RV rv = f->C_GetSlotList(CK_FALSE, NULL, &n);

	if (rv != CKR_OK)
		report_rv(d, "slots", rv, see_log, "C_GetSlotList");
	else if (n != conf->n_tokens)
		doctor_report(d, "slots", CHECK_FAILED,
		    "see whether the application reads another configuration",
		    "the module has %lu, the configuration %zu", n, conf->n_tokens);
	else
		doctor_report(d, "slots", CHECK_OK, NULL, "%lu, as the configuration says", n);
	for (size_t i = 0; rv == CKR_OK && i < conf->n_tokens; i++) {
		static const struct secret none = { 0 };

		if (only != NULL && only != &conf->tokens[i])
			continue;
		d->token = &conf->tokens[i];
		check_slot(d, f, only == d->token ? pin : &none);
	}
	d->token = NULL;
}

void
doctor_module(struct doctor *d, const struct conf_token *only, const struct secret *pin)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	auto_text *path = d->c->conf->path == NULL ? NULL : strdup(d->c->conf->path);
	CK_FUNCTION_LIST *f = load(d);
	CK_RV rv;

	if (f == NULL)
		return;
	args.pReserved = path; /* the file that we have read ourselves */
	if ((rv = f->C_Initialize(&args)) != CKR_OK) {
		report_rv(d, "initialise", rv, see_log, "C_Initialize");
		return;
	}
	doctor_report(d, "initialise", CHECK_OK, NULL, "C_Initialize");
	check_slots(d, f, only, pin);
	(void)f->C_Finalize(NULL);
}
