/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a token in a PKCS#11 library. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "tests/lib/hsm_token.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkcs11/cryptoki.h"

#define SLOTS_MAX 16

struct making {
	CK_FUNCTION_LIST *f;
	CK_UTF8CHAR label[33];
	const char *so_pin, *user_pin;
	const char *call; /* the last */
};
#define CALL(m, function, ...) ((m)->call = #function, (m)->f->function(__VA_ARGS__))

static CK_BYTE *
bytes(const char *text)
{
	CK_BYTE *p;

	memcpy(&p, &text, sizeof(p)); /* the standard's types do not know const */
	return p;
}

static CK_RV
init_token(struct making *m)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	CK_RV rv = CALL(m, C_GetSlotList, CK_FALSE, slots, &n);

	if (rv != CKR_OK || n == 0)
		return rv == CKR_OK ? CKR_TOKEN_NOT_PRESENT : rv;
	/* SoftHSMv2's free slot is its last. */
	return CALL(m, C_InitToken, slots[n - 1], bytes(m->so_pin), strlen(m->so_pin), m->label);
}

/* By its label: SoftHSMv2 gives a new token another slot. */
static CK_RV
find_token(struct making *m, CK_SLOT_ID *ret)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	CK_RV rv = CALL(m, C_GetSlotList, CK_TRUE, slots, &n);

	for (CK_ULONG i = 0; rv == CKR_OK && i < n; i++) {
		CK_TOKEN_INFO info;

		if (CALL(m, C_GetTokenInfo, slots[i], &info) == CKR_OK &&
		    memcmp(info.label, m->label, sizeof(info.label)) == 0) {
			*ret = slots[i];
			return CKR_OK;
		}
	}
	return rv == CKR_OK ? CKR_TOKEN_NOT_PRESENT : rv;
}

static CK_RV
init_pin(struct making *m)
{
	CK_FLAGS flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
	CK_SESSION_HANDLE s;
	CK_SLOT_ID slot;
	CK_RV rv;

	if ((rv = find_token(m, &slot)) != CKR_OK ||
	    (rv = CALL(m, C_OpenSession, slot, flags, NULL, NULL, &s)) != CKR_OK ||
	    (rv = CALL(m, C_Login, s, CKU_SO, bytes(m->so_pin), strlen(m->so_pin))) != CKR_OK)
		return rv;
	return CALL(m, C_InitPIN, s, bytes(m->user_pin), strlen(m->user_pin));
}

static CK_RV
make(struct making *m, const char *path, void *reserved)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK, .pReserved = reserved };
	CK_C_GetFunctionList get = NULL;
	void *dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	CK_RV rv;

	m->call = "C_GetFunctionList";
	if (dl == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return CKR_GENERAL_ERROR;
	}
	*(void **)&get = dlsym(dl, "C_GetFunctionList");
	if (get == NULL || (rv = get(&m->f)) != CKR_OK)
		return CKR_GENERAL_ERROR;
	if ((rv = CALL(m, C_Initialize, &args)) != CKR_OK || (rv = init_token(m)) != CKR_OK ||
	    (rv = CALL(m, C_Finalize, NULL)) != CKR_OK ||
	    (rv = CALL(m, C_Initialize, &args)) != CKR_OK || (rv = init_pin(m)) != CKR_OK)
		return rv;
	return CALL(m, C_Finalize, NULL);
}

bool
hsm_token_make(const char *path, void *reserved, const char *label, const char *so_pin,
    const char *user_pin)
{
	struct making m = { .so_pin = so_pin, .user_pin = user_pin };
	int status;
	pid_t pid;

	snprintf((char *)m.label, sizeof(m.label), "%-32s", label);
	if ((pid = fork()) == 0) {
		CK_RV rv = make(&m, path, reserved);

		if (rv != CKR_OK)
			fprintf(stderr, "no token in %s: %s: 0x%lx\n", path, m.call, rv);
		_exit(rv == CKR_OK ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}
