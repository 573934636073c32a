/* SPDX-License-Identifier: Apache-2.0 */
/* The HSM for tests: see the header. Each function is the module's own with a disturbance before
 * it. */
#define _GNU_SOURCE 1
#include "tests/lib/fakehsm.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INNER "/../../../.libs/kms-pkcs11.so"

static struct fakehsm fake = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER };
static CK_FUNCTION_LIST *inner;
static CK_FUNCTION_LIST_3_0 *inner3;
static char *config; /* what the token behind was initialised with */

struct fakehsm *
fakehsm_controls(void)
{
	return &fake;
}

static CK_RV
start_inner(void)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK, .pReserved = config };

	return inner->C_Initialize(&args);
}

void
fakehsm_power_cycle(void)
{
	CK_RV rv;

	(void)inner->C_Finalize(NULL);
	rv = start_inner();
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) /* a caller was faster */
		abort();
	pthread_mutex_lock(&fake.lock);
	fake.sessions = 0;
	pthread_mutex_unlock(&fake.lock);
}

/* The module of this build. */
static void
load_inner(void)
{
	CK_VERSION v3 = { 3, 0 };
	CK_INTERFACE *found;
	CK_C_GetInterface get;
	Dl_info self;
	char path[4096];
	char *slash;
	void *dl;

	if (dladdr(&fake, &self) == 0)
		return;
	snprintf(path, sizeof(path), "%s", self.dli_fname);
	if ((slash = strrchr(path, '/')) == NULL)
		return;
	snprintf(slash, sizeof(path) - (size_t)(slash - path), INNER);
	if ((dl = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return;
	}
	*(void **)&get = dlsym(dl, "C_GetInterface");
	if (get((CK_UTF8CHAR_PTR) "PKCS 11", &v3, &found, 0) == CKR_OK) {
		inner3 = found->pFunctionList;
		inner = (CK_FUNCTION_LIST *)(void *)inner3;
	}
}

static bool
load(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, load_inner);
	return inner3 != NULL;
}

/* -- disturbances -------------------------------------------------------------------------- */

static bool
is(const char *a, const char *name)
{
	return a != NULL && strcmp(a, name) == 0;
}

/* Counts, hangs, fails. *RV: what to answer; true: without doing anything. */
static bool
disturb(const char *name, CK_RV *late)
{
	bool stop = false;

	pthread_mutex_lock(&fake.lock);
	*late = CKR_OK;
	fake.calls += is(fake.counted, name);
	if (is(fake.hang, name)) {
		fake.hanging++;
		pthread_cond_broadcast(&fake.changed);
		while (is(fake.hang, name))
			pthread_cond_wait(&fake.changed, &fake.lock);
		fake.hanging--;
		pthread_cond_broadcast(&fake.changed);
	}
	if (fake.dead || fake.needs_restart) {
		*late = CKR_DEVICE_REMOVED;
		stop = true;
	} else if (is(fake.function, name) && fake.skip > 0) {
		fake.skip--;
	} else if (is(fake.function, name)) {
		*late = fake.rv;
		stop = !fake.late;
		if (fake.times > 0 && --fake.times == 0)
			fake.function = NULL;
	}
	pthread_mutex_unlock(&fake.lock);
	return stop;
}

#define W(name, params, args) WITH(name, params, args, (void)0)
/* Functions whose failure ends an operation. */
#define E(name, params, args) WITH(name, params, args, end_operations(s))
#define WITH(name, params, args, failed)                           \
	static CK_RV fake_##name params                            \
	{                                                          \
		CK_RV late, rv;                                    \
                                                                   \
		if (disturb(#name, &late)) {                       \
			failed;                                    \
			return late;                               \
		}                                                  \
		rv = inner->name args;                             \
		return late != CKR_OK && rv == CKR_OK ? late : rv; \
	}

static void
end_operations(CK_SESSION_HANDLE s)
{
	(void)inner3->C_SessionCancel(s, CKF_SIGN | CKF_ENCRYPT | CKF_DECRYPT);
}

#define S  CK_SESSION_HANDLE s
#define B  CK_BYTE_PTR
#define U  CK_ULONG
#define UP CK_ULONG_PTR
#define M  CK_MECHANISM_PTR m
#define A  CK_ATTRIBUTE_PTR
#define O  CK_OBJECT_HANDLE
#define OP CK_OBJECT_HANDLE_PTR

W(C_GetSlotInfo, (CK_SLOT_ID id, CK_SLOT_INFO_PTR i), (id, i))
W(C_GetSessionInfo, (S, CK_SESSION_INFO_PTR i), (s, i))
W(C_FindObjectsInit, (S, A t, U n), (s, t, n))
W(C_FindObjects, (S, OP o, U n, UP got), (s, o, n, got))
W(C_FindObjectsFinal, (S), (s))
W(C_GetAttributeValue, (S, O o, A t, U n), (s, o, t, n))
W(C_GenerateKey, (S, M, A t, U n, OP o), (s, m, t, n, o))
W(C_GenerateKeyPair, (S, M, A t, U n, A t2, U n2, OP o, OP o2), (s, m, t, n, t2, n2, o, o2))
W(C_CopyObject, (S, O o, A t, U n, OP r), (s, o, t, n, r))
W(C_DestroyObject, (S, O o), (s, o))
W(C_SignInit, (S, M, O k), (s, m, k))
E(C_Sign, (S, B i, U n, B o, UP on), (s, i, n, o, on))
E(C_SignUpdate, (S, B i, U n), (s, i, n))
E(C_SignFinal, (S, B o, UP on), (s, o, on))
W(C_EncryptInit, (S, M, O k), (s, m, k))
E(C_Encrypt, (S, B i, U n, B o, UP on), (s, i, n, o, on))
E(C_EncryptUpdate, (S, B i, U n, B o, UP on), (s, i, n, o, on))
E(C_EncryptFinal, (S, B o, UP on), (s, o, on))
W(C_DecryptInit, (S, M, O k), (s, m, k))
E(C_Decrypt, (S, B i, U n, B o, UP on), (s, i, n, o, on))
E(C_DecryptUpdate, (S, B i, U n, B o, UP on), (s, i, n, o, on))
E(C_DecryptFinal, (S, B o, UP on), (s, o, on))
W(C_DeriveKey, (S, M, O k, A t, U n, OP o), (s, m, k, t, n, o))
W(C_WrapKey, (S, M, O k, O t, B o, UP on), (s, m, k, t, o, on))
W(C_UnwrapKey, (S, M, O k, B i, U in, A t, U n, OP o), (s, m, k, i, in, t, n, o))

/* -- functions with something of their own ------------------------------------------------- */

static CK_RV
fake_C_Initialize(CK_VOID_PTR p)
{
	const CK_C_INITIALIZE_ARGS *args = p;
	CK_RV late, rv;

	if (!load())
		return CKR_GENERAL_ERROR;
	pthread_mutex_lock(&fake.lock);
	fake.needs_restart = false;
	pthread_mutex_unlock(&fake.lock);
	if (disturb("C_Initialize", &late))
		return late;
	if (args != NULL && args->pReserved != NULL) {
		free(config);
		config = strdup(args->pReserved);
	}
	rv = start_inner();
	pthread_mutex_lock(&fake.lock);
	fake.initialized += rv == CKR_OK;
	pthread_mutex_unlock(&fake.lock);
	return rv;
}

static CK_RV
fake_C_Finalize(CK_VOID_PTR p)
{
	CK_RV rv = inner->C_Finalize(p);

	pthread_mutex_lock(&fake.lock);
	fake.finalized += rv == CKR_OK;
	fake.sessions = 0;
	pthread_mutex_unlock(&fake.lock);
	return rv;
}

static CK_RV
fake_C_GetInfo(CK_INFO_PTR info)
{
	CK_RV rv = inner->C_GetInfo(info);

	if (rv == CKR_OK)
		memcpy(info->manufacturerID, "fake HSM, for tests             ", 32);
	return rv;
}

static CK_RV
fake_C_GetSlotList(CK_BBOOL present, CK_SLOT_ID_PTR list, CK_ULONG_PTR n)
{
	CK_RV late;

	pthread_mutex_lock(&fake.lock);
	if (fake.dead || fake.needs_restart)
		*n = 0;
	late = fake.dead || fake.needs_restart ? CKR_VENDOR_DEFINED : CKR_OK;
	pthread_mutex_unlock(&fake.lock);
	if (late != CKR_OK)
		return CKR_OK;
	if (disturb("C_GetSlotList", &late))
		return late;
	return inner->C_GetSlotList(present, list, n);
}

static CK_RV
fake_C_GetTokenInfo(CK_SLOT_ID id, CK_TOKEN_INFO_PTR info)
{
	CK_RV late, rv;

	if (disturb("C_GetTokenInfo", &late))
		return late;
	if ((rv = inner->C_GetTokenInfo(id, info)) != CKR_OK)
		return rv;
	pthread_mutex_lock(&fake.lock);
	if (fake.max_sessions != 0)
		info->ulMaxSessionCount = info->ulMaxRwSessionCount = fake.max_sessions;
	info->flags |= fake.final_try ? CKF_USER_PIN_FINAL_TRY : 0;
	pthread_mutex_unlock(&fake.lock);
	return rv;
}

static CK_RV
fake_C_GetMechanismInfo(CK_SLOT_ID id, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info)
{
	CK_RV late;

	if (disturb("C_GetMechanismInfo", &late))
		return late;
	for (size_t i = 0; i < FAKE_MECHANISMS_MAX && fake.lacks[i] != 0; i++)
		if (fake.lacks[i] == type)
			return CKR_MECHANISM_INVALID;
	late = inner->C_GetMechanismInfo(id, type, info);
	if (fake.wrap_only && (type == CKM_AES_KEY_WRAP || type == CKM_AES_KEY_WRAP_KWP))
		info->flags &= CKF_WRAP | CKF_UNWRAP;
	return late;
}

static CK_RV
fake_C_OpenSession(CK_SLOT_ID id, CK_FLAGS flags, CK_VOID_PTR app, CK_NOTIFY notify,
    CK_SESSION_HANDLE_PTR ret)
{
	CK_RV late, rv = CKR_OK;

	if (disturb("C_OpenSession", &late))
		return late;
	pthread_mutex_lock(&fake.lock);
	if (fake.max_sessions != 0 && fake.sessions >= fake.max_sessions)
		rv = CKR_SESSION_COUNT;
	pthread_mutex_unlock(&fake.lock);
	if (rv == CKR_OK)
		rv = inner->C_OpenSession(id, flags, app, notify, ret);
	pthread_mutex_lock(&fake.lock);
	fake.sessions += rv == CKR_OK;
	if (fake.sessions > fake.most_sessions)
		fake.most_sessions = fake.sessions;
	pthread_mutex_unlock(&fake.lock);
	return rv;
}

static CK_RV
fake_C_CloseSession(CK_SESSION_HANDLE s)
{
	CK_RV late, rv;

	if (disturb("C_CloseSession", &late))
		return late;
	rv = inner->C_CloseSession(s);
	pthread_mutex_lock(&fake.lock);
	fake.sessions -= rv == CKR_OK;
	pthread_mutex_unlock(&fake.lock);
	return rv;
}

static CK_RV
fake_C_Login(CK_SESSION_HANDLE s, CK_USER_TYPE type, CK_UTF8CHAR_PTR pin, CK_ULONG n)
{
	CK_RV late;

	pthread_mutex_lock(&fake.lock);
	fake.logins++;
	pthread_mutex_unlock(&fake.lock);
	return disturb("C_Login", &late) ? late : inner->C_Login(s, type, pin, n);
}

static CK_RV
fake_C_CreateObject(CK_SESSION_HANDLE s, CK_ATTRIBUTE_PTR t, CK_ULONG n, CK_OBJECT_HANDLE_PTR o)
{
	CK_OBJECT_CLASS class = CKO_DATA;
	bool refused;
	CK_RV late;

	if (disturb("C_CreateObject", &late))
		return late;
	for (CK_ULONG i = 0; i < n; i++)
		if (t[i].type == CKA_CLASS)
			memcpy(&class, t[i].pValue, sizeof(class));
	pthread_mutex_lock(&fake.lock);
	fake.creates++;
	refused = fake.create_nothing && (class == CKO_PRIVATE_KEY || class == CKO_SECRET_KEY);
	pthread_mutex_unlock(&fake.lock);
	return refused ? CKR_ATTRIBUTE_VALUE_INVALID : inner->C_CreateObject(s, t, n, o);
}

static CK_RV
fake_C_SessionCancel(CK_SESSION_HANDLE s, CK_FLAGS flags)
{
	CK_RV late;

	if (disturb("C_SessionCancel", &late))
		return late;
	pthread_mutex_lock(&fake.lock);
	fake.cancelled++;
	pthread_mutex_unlock(&fake.lock);
	return inner3->C_SessionCancel(s, flags);
}

/* -- the lists ----------------------------------------------------------------------------- */

static CK_FUNCTION_LIST_3_0 list3;
static CK_FUNCTION_LIST list;

#define OURS(name) (list3.name = fake_##name, list.name = fake_##name)

static bool
fill_lists(void)
{
	if (!load())
		return false;
	list3 = *inner3;
	list = *inner;
	list.version = (CK_VERSION){ 2, 40 };
	OURS(C_Initialize);
	OURS(C_Finalize);
	OURS(C_GetInfo);
	OURS(C_GetSlotList);
	OURS(C_GetSlotInfo);
	OURS(C_GetTokenInfo);
	OURS(C_GetMechanismInfo);
	OURS(C_OpenSession);
	OURS(C_CloseSession);
	OURS(C_GetSessionInfo);
	OURS(C_Login);
	OURS(C_CreateObject);
	OURS(C_CopyObject);
	OURS(C_DestroyObject);
	OURS(C_GetAttributeValue);
	OURS(C_FindObjectsInit);
	OURS(C_FindObjects);
	OURS(C_FindObjectsFinal);
	OURS(C_GenerateKey);
	OURS(C_GenerateKeyPair);
	OURS(C_SignInit);
	OURS(C_Sign);
	OURS(C_SignUpdate);
	OURS(C_SignFinal);
	OURS(C_EncryptInit);
	OURS(C_Encrypt);
	OURS(C_EncryptUpdate);
	OURS(C_EncryptFinal);
	OURS(C_DecryptInit);
	OURS(C_Decrypt);
	OURS(C_DecryptUpdate);
	OURS(C_DecryptFinal);
	OURS(C_DeriveKey);
	OURS(C_WrapKey);
	OURS(C_UnwrapKey);
	list3.C_SessionCancel = fake_C_SessionCancel;
	return true;
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR ret)
{
	if (!fill_lists())
		return CKR_GENERAL_ERROR;
	*ret = &list;
	return CKR_OK;
}

CK_RV
C_GetInterface(CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR ret,
    CK_FLAGS flags)
{
	static CK_INTERFACE v3 = { (CK_CHAR *)"PKCS 11", &list3, 0 };

	(void)name;
	(void)version;
	(void)flags;
	if (fake.only_2_40 || !fill_lists())
		return CKR_FUNCTION_FAILED;
	*ret = &v3;
	return CKR_OK;
}
