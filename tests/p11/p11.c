/* SPDX-License-Identifier: Apache-2.0 */
/* What the black-box tests share; see the header. */
#include "tests/p11/p11.h"

#include <dlfcn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

CK_FUNCTION_LIST *p11;
CK_FUNCTION_LIST_3_0 *p11v3;
CK_RV (*p11_get_interface)(CK_UTF8CHAR_PTR, CK_VERSION_PTR, CK_INTERFACE_PTR_PTR, CK_FLAGS);
CK_RV (*p11_get_interface_list)(CK_INTERFACE_PTR, CK_ULONG_PTR);
CK_SLOT_ID p11_slot;
CK_SESSION_HANDLE hs;
char p11_dir[256], p11_conf[300];

static char template_dir[256]; /* a token that is initialised, to be copied */

#define R(name)             \
	{                   \
		name, #name \
	}
static const struct {
	CK_RV rv;
	const char *name;
} names[] = {
	R(CKR_OK),
	R(CKR_CANCEL),
	R(CKR_HOST_MEMORY),
	R(CKR_SLOT_ID_INVALID),
	R(CKR_GENERAL_ERROR),
	R(CKR_FUNCTION_FAILED),
	R(CKR_ARGUMENTS_BAD),
	R(CKR_NO_EVENT),
	R(CKR_NEED_TO_CREATE_THREADS),
	R(CKR_CANT_LOCK),
	R(CKR_ATTRIBUTE_READ_ONLY),
	R(CKR_ATTRIBUTE_SENSITIVE),
	R(CKR_ATTRIBUTE_TYPE_INVALID),
	R(CKR_ATTRIBUTE_VALUE_INVALID),
	R(CKR_ACTION_PROHIBITED),
	R(CKR_DATA_INVALID),
	R(CKR_DATA_LEN_RANGE),
	R(CKR_DEVICE_ERROR),
	R(CKR_DEVICE_MEMORY),
	R(CKR_DEVICE_REMOVED),
	R(CKR_ENCRYPTED_DATA_INVALID),
	R(CKR_ENCRYPTED_DATA_LEN_RANGE),
	R(CKR_FUNCTION_CANCELED),
	R(CKR_FUNCTION_NOT_PARALLEL),
	R(CKR_FUNCTION_NOT_SUPPORTED),
	R(CKR_KEY_HANDLE_INVALID),
	R(CKR_KEY_SIZE_RANGE),
	R(CKR_KEY_TYPE_INCONSISTENT),
	R(CKR_KEY_NOT_NEEDED),
	R(CKR_KEY_CHANGED),
	R(CKR_KEY_NEEDED),
	R(CKR_KEY_INDIGESTIBLE),
	R(CKR_KEY_FUNCTION_NOT_PERMITTED),
	R(CKR_KEY_NOT_WRAPPABLE),
	R(CKR_KEY_UNEXTRACTABLE),
	R(CKR_MECHANISM_INVALID),
	R(CKR_MECHANISM_PARAM_INVALID),
	R(CKR_OBJECT_HANDLE_INVALID),
	R(CKR_OPERATION_ACTIVE),
	R(CKR_OPERATION_NOT_INITIALIZED),
	R(CKR_PIN_INCORRECT),
	R(CKR_PIN_INVALID),
	R(CKR_PIN_LEN_RANGE),
	R(CKR_PIN_EXPIRED),
	R(CKR_PIN_LOCKED),
	R(CKR_SESSION_CLOSED),
	R(CKR_SESSION_COUNT),
	R(CKR_SESSION_HANDLE_INVALID),
	R(CKR_SESSION_PARALLEL_NOT_SUPPORTED),
	R(CKR_SESSION_READ_ONLY),
	R(CKR_SESSION_EXISTS),
	R(CKR_SESSION_READ_ONLY_EXISTS),
	R(CKR_SESSION_READ_WRITE_SO_EXISTS),
	R(CKR_SIGNATURE_INVALID),
	R(CKR_SIGNATURE_LEN_RANGE),
	R(CKR_TEMPLATE_INCOMPLETE),
	R(CKR_TEMPLATE_INCONSISTENT),
	R(CKR_TOKEN_NOT_PRESENT),
	R(CKR_TOKEN_NOT_RECOGNIZED),
	R(CKR_TOKEN_WRITE_PROTECTED),
	R(CKR_UNWRAPPING_KEY_HANDLE_INVALID),
	R(CKR_UNWRAPPING_KEY_SIZE_RANGE),
	R(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT),
	R(CKR_USER_ALREADY_LOGGED_IN),
	R(CKR_USER_NOT_LOGGED_IN),
	R(CKR_USER_PIN_NOT_INITIALIZED),
	R(CKR_USER_TYPE_INVALID),
	R(CKR_USER_ANOTHER_ALREADY_LOGGED_IN),
	R(CKR_USER_TOO_MANY_TYPES),
	R(CKR_WRAPPED_KEY_INVALID),
	R(CKR_WRAPPED_KEY_LEN_RANGE),
	R(CKR_WRAPPING_KEY_HANDLE_INVALID),
	R(CKR_WRAPPING_KEY_SIZE_RANGE),
	R(CKR_WRAPPING_KEY_TYPE_INCONSISTENT),
	R(CKR_RANDOM_SEED_NOT_SUPPORTED),
	R(CKR_RANDOM_NO_RNG),
	R(CKR_DOMAIN_PARAMS_INVALID),
	R(CKR_CURVE_NOT_SUPPORTED),
	R(CKR_BUFFER_TOO_SMALL),
	R(CKR_SAVED_STATE_INVALID),
	R(CKR_INFORMATION_SENSITIVE),
	R(CKR_STATE_UNSAVEABLE),
	R(CKR_CRYPTOKI_NOT_INITIALIZED),
	R(CKR_CRYPTOKI_ALREADY_INITIALIZED),
	R(CKR_MUTEX_BAD),
	R(CKR_MUTEX_NOT_LOCKED),
	R(CKR_FUNCTION_REJECTED),
	R(CKR_OPERATION_CANCEL_FAILED),
};

const char *
p11_name(CK_RV rv)
{
	static _Thread_local char other[4][24];
	static _Thread_local unsigned next;

	for (size_t i = 0; i < N(names); i++)
		if (names[i].rv == rv)
			return names[i].name;
	next = (next + 1) % 4;
	snprintf(other[next], sizeof(other[next]), "0x%lx", rv);
	return other[next];
}

/* -- the module and its token -------------------------------------------------------------- */

bool
p11_is_ours(void)
{
	const char *path = getenv("KMS_MODULE");

	return path == NULL || *path == 0 || strstr(path, "kms-pkcs11") != NULL;
}

const char *
p11_hsm(void)
{
	const char *path = getenv("KMS_TEST_HSM");

	return path == NULL || *path == 0 ? NULL : path;
}

static void
load_linked(CK_C_GetFunctionList *get_list)
{
	*get_list = C_GetFunctionList;
	p11_get_interface = C_GetInterface;
	p11_get_interface_list = C_GetInterfaceList;
}

static void
load_shared(const char *path, CK_C_GetFunctionList *get_list)
{
	void *dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (dl == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(99);
	}
	*(void **)get_list = dlsym(dl, "C_GetFunctionList");
	*(void **)&p11_get_interface = dlsym(dl, "C_GetInterface");
	*(void **)&p11_get_interface_list = dlsym(dl, "C_GetInterfaceList");
}

void
p11_load(void)
{
	static CK_UTF8CHAR name[] = "PKCS 11";
	CK_VERSION v3 = { 3, 0 };
	CK_C_GetFunctionList get_list = NULL;
	const char *path = getenv("KMS_MODULE");
	CK_INTERFACE *iface;

	if (p11 != NULL)
		return;
	if (path != NULL && *path != 0)
		load_shared(path, &get_list);
	else
		load_linked(&get_list);
	if (get_list == NULL || get_list(&p11) != CKR_OK) {
		fprintf(stderr, "the module has no function list\n");
		exit(99);
	}
	if (p11_get_interface != NULL && p11_get_interface(name, &v3, &iface, 0) == CKR_OK)
		p11v3 = iface->pFunctionList;
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0 || chmod(path, 0600) != 0) {
		perror(path);
		exit(99);
	}
}

void
p11_use_dir(const char *dir)
{
	char text[1024], path[300], hsm[400] = "";

	if (p11_hsm() != NULL) {
		snprintf(path, sizeof(path), "%s/hsm.pin", dir);
		write_file(path, USER_PIN);
		snprintf(hsm, sizeof(hsm), "hsm = pkcs11:token=hsm?module-path=%s&pin-source=%s\n",
		    p11_hsm(), path);
	}
	/* Stretching at its cheapest: what is tested is not how long it takes. */
	snprintf(p11_conf, sizeof(p11_conf), "%s/kms-pkcs11.conf", dir);
	snprintf(text, sizeof(text),
	    "[token test]\nstore = %s/token.db\npin-cost = 14\npin-tries = %d\n%s", dir, TRIES,
	    hsm);
	write_file(p11_conf, text);
	setenv("KMS_PKCS11_CONF", p11_conf, 1);

	/* So that the tests can be tried on SoftHSMv2 as well. */
	snprintf(path, sizeof(path), "%s/softhsm2.conf", dir);
	snprintf(text, sizeof(text), "directories.tokendir = %s/tokens\nlog.level = ERROR\n", dir);
	write_file(path, text);
	setenv("SOFTHSM2_CONF", path, 1);
	snprintf(path, sizeof(path), "%s/tokens", dir);
	mkdir(path, 0700);
}

static void
make_dir(char *dir, size_t cap)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, cap, "%s/kms-p11-XXXXXX", tmp != NULL && *tmp != 0 ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		exit(99);
	}
}

static void
shell(const char *format, const char *a, const char *b)
{
	char command[700];

	snprintf(command, sizeof(command), format, a, b);
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		exit(99);
	}
}

CK_RV
p11_init(void)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_SLOT_ID slots[64];
	CK_ULONG n = N(slots);
	CK_RV rv;

	p11_load();
	if ((rv = p11->C_Initialize(&args)) != CKR_OK)
		return rv;
	if ((rv = p11->C_GetSlotList(CK_TRUE, slots, &n)) == CKR_OK && n > 0)
		p11_slot = slots[0];
	return rv;
}

static CK_RV
make_token(bool ours, const char *name)
{
	CK_UTF8CHAR label[33];
	CK_SESSION_HANDLE s;
	CK_RV rv = p11_init();

	snprintf((char *)label, sizeof(label), "%-32s", name);
	if (rv == CKR_OK)
		rv = p11->C_InitToken(p11_slot, BYTES(SO_PIN), label);
	if (rv == CKR_OK && !ours) /* SoftHSMv2 gives the new token another slot */
		rv = p11->C_Finalize(NULL) | p11_init();
	if (rv == CKR_OK)
		rv = p11->C_OpenSession(p11_slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
		    &s);
	if (rv == CKR_OK)
		rv = p11->C_Login(s, CKU_SO, BYTES(SO_PIN));
	if (rv == CKR_OK)
		rv = p11->C_InitPIN(s, BYTES(USER_PIN));
	if (rv == CKR_OK)
		rv = p11->C_Finalize(NULL);
	if (rv != CKR_OK)
		fprintf(stderr, "making the token %s: %s\n", name, p11_name(rv));
	return rv;
}

/* In the HSM below as in any module; then ours on top of it. */
static CK_RV
make_tokens(void)
{
	CK_RV rv = CKR_OK;

	if (p11_hsm() != NULL) {
		CK_C_GetFunctionList get_list;

		load_shared(p11_hsm(), &get_list);
		if ((rv = get_list(&p11)) == CKR_OK)
			rv = make_token(false, "hsm");
		p11 = NULL;
	}
	return rv == CKR_OK ? make_token(p11_is_ours(), "test") : rv;
}

/* A child makes the token, so that nothing of it is left in the process that forks the tests. */
static void
make_template(void)
{
	pid_t pid;
	int status;

	make_dir(template_dir, sizeof(template_dir));
	p11_use_dir(template_dir);
	if ((pid = fork()) == 0)
		_exit(make_tokens() == CKR_OK ? 0 : 1);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "the token for the tests could not be made\n");
		exit(99);
	}
}

int
p11_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	make_template();
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	shell("rm -rf '%s'%s", template_dir, "");
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

void
p11_setup_dir(void)
{
	make_dir(p11_dir, sizeof(p11_dir));
	shell("cp -R '%s/.' '%s'", template_dir, p11_dir);
	p11_use_dir(p11_dir);
	p11_load();
}

void
p11_setup(void)
{
	p11_setup_dir();
	CHECK_OK(p11_init());
}

void
p11_setup_public(void)
{
	p11_setup();
	hs = p11_open(true);
}

void
p11_setup_user(void)
{
	p11_setup_public();
	p11_login(CKU_USER);
}

void
p11_setup_blank(void)
{
	make_dir(p11_dir, sizeof(p11_dir));
	p11_use_dir(p11_dir);
	CHECK_OK(p11_init());
}

void
p11_teardown(void)
{
	if (p11 != NULL)
		(void)p11->C_Finalize(NULL);
	if (p11_dir[0] != 0)
		shell("rm -rf '%s'%s", p11_dir, "");
	p11_dir[0] = 0;
}

CK_SESSION_HANDLE
p11_open(bool rw)
{
	CK_SESSION_HANDLE s = CK_INVALID_HANDLE;

	CHECK_OK(p11->C_OpenSession(p11_slot, CKF_SERIAL_SESSION | (rw ? CKF_RW_SESSION : 0), NULL,
	    NULL, &s));
	ck_assert_uint_ne(s, CK_INVALID_HANDLE);
	return s;
}

CK_RV
p11_try_login(CK_SESSION_HANDLE s, CK_USER_TYPE who, const char *pin)
{
	return p11->C_Login(s, who, (CK_UTF8CHAR *)pin, strlen(pin));
}

void
p11_login(CK_USER_TYPE who)
{
	CHECK_OK(p11_try_login(hs, who, who == CKU_SO ? SO_PIN : USER_PIN));
}

bool
p11_has(CK_MECHANISM_TYPE mech, CK_FLAGS flag)
{
	CK_MECHANISM_INFO info;

	return p11->C_GetMechanismInfo(p11_slot, mech, &info) == CKR_OK && (info.flags & flag) != 0;
}

int
kmsctl(const char *arguments)
{
	const char *top = getenv("top_builddir");
	char command[2000];

	snprintf(command, sizeof(command), "KMS_PKCS11_CONF='%s' KMS_PIN='%s' '%s'/kmsctl %s",
	    p11_conf, USER_PIN, top == NULL ? "." : top, arguments);
	return system(command);
}

void *
guarded(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (n + page - 1) / page;
	uint8_t *p = mmap(NULL, (pages + 1) * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(mprotect(p + pages * page, page, PROT_NONE), 0);
	return p + pages * page - n;
}
