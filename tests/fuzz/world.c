/* SPDX-License-Identifier: Apache-2.0 */
/* The module and its token under a fuzz target; see world.h. */
#define _GNU_SOURCE 1
#include "tests/fuzz/world.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "crypto/crypto.h"
#include "tests/fuzz/known.h"

static char dir[128], store[160], blank[160];
static uint8_t *made; /* the store as it was made */
static size_t made_len;
static uint64_t seed;
static long secrets;

/* -- what is cheap here: the linker puts these in the place of the module's own ---------------- */

enum kms_rc __real_crypto_scrypt(struct slice password, struct slice salt, unsigned log2n,
    unsigned r, unsigned p, uint8_t *out, size_t out_len);
enum kms_rc __wrap_crypto_scrypt(struct slice password, struct slice salt, unsigned log2n,
    unsigned r, unsigned p, uint8_t *out, size_t out_len);
enum kms_rc __real_ckey_generate(const struct key_spec *spec, struct slice e, struct ckey **ret);
enum kms_rc __wrap_ckey_generate(const struct key_spec *spec, struct slice e, struct ckey **ret);
enum kms_rc __wrap_crypto_random(uint8_t *dst, size_t len);

enum kms_rc
__wrap_crypto_scrypt(struct slice password, struct slice salt, unsigned log2n UNUSED,
    unsigned r UNUSED, unsigned p UNUSED, uint8_t *out, size_t out_len)
{
	return __real_crypto_scrypt(password, salt, 1, 1, 1, out, out_len);
}

/* The one RSA key that there is, for those who would take just that. */
enum kms_rc
__wrap_ckey_generate(const struct key_spec *spec, struct slice e, struct ckey **ret)
{
	static const uint8_t usual[] = { 0x01, 0x00, 0x01 };

	if (spec->type != KEY_RSA)
		return __real_ckey_generate(spec, e, ret);
	if (spec->bits != 2048)
		return KMS_KEY_SIZE;
	if (e.len != 0 && !slice_eq(e, slice_of(usual, sizeof(usual))))
		return KMS_BAD_PARAM;
	return ckey_from_pkcs8(known(KNOWN_RSA), ret);
}

/* splitmix64 */
enum kms_rc
__wrap_crypto_random(uint8_t *dst, size_t len)
{
	uint64_t z;

	for (size_t i = 0; i < len; i++) {
		z = seed += 0x9e3779b97f4a7c15u;
		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		dst[i] = (uint8_t)(z >> 56);
	}
	return KMS_OK;
}

/* -- secrets in the arena, which no leak checker knows ----------------------------------------- */

enum kms_rc __real_secret_new(size_t len, struct secret *ret);
enum kms_rc __wrap_secret_new(size_t len, struct secret *ret);
enum kms_rc __real_secret_copy(struct slice s, struct secret *ret);
enum kms_rc __wrap_secret_copy(struct slice s, struct secret *ret);
void __real_secret_free(struct secret *s);
void __wrap_secret_free(struct secret *s);
void *__real_secret_mem_new(size_t len);
void *__wrap_secret_mem_new(size_t len);
void __real_secret_mem_free(void *p, size_t len);
void __wrap_secret_mem_free(void *p, size_t len);

enum kms_rc
__wrap_secret_new(size_t len, struct secret *ret)
{
	enum kms_rc rc = __real_secret_new(len, ret);

	secrets += rc == KMS_OK;
	return rc;
}

enum kms_rc
__wrap_secret_copy(struct slice s, struct secret *ret)
{
	enum kms_rc rc = __real_secret_copy(s, ret);

	secrets += rc == KMS_OK && s.len != 0;
	return rc;
}

void
__wrap_secret_free(struct secret *s)
{
	secrets -= s != NULL && s->p != NULL;
	__real_secret_free(s);
}

void *
__wrap_secret_mem_new(size_t len)
{
	void *p = __real_secret_mem_new(len);

	secrets += p != NULL;
	return p;
}

void
__wrap_secret_mem_free(void *p, size_t len)
{
	secrets -= p != NULL;
	__real_secret_mem_free(p, len);
}

/* -- the token ----------------------------------------------------------------------------------
 */

static void
remove_store(const char *path)
{
	static const char *const suffix[] = { "", "-wal", "-shm", "-journal" };
	char name[200];

	for (size_t i = 0; i < ARRAY_LEN(suffix); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, suffix[i]);
		(void)unlink(name);
	}
}

static void
clean_up(void)
{
	char conf[160];

	(void)C_Finalize(NULL);
	remove_store(store);
	remove_store(blank);
	(void)snprintf(conf, sizeof(conf), "%s/conf", dir);
	(void)unlink(conf);
	(void)rmdir(dir);
	free(made);
}

static void
write_file(const char *path, const void *p, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	MUST(fd >= 0 && write(fd, p, len) == (ssize_t)len && close(fd) == 0);
}

static void
make_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	char conf[160], text[512];
	int len;

	if (tmp == NULL || *tmp == '\0')
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(dir, sizeof(dir), "%s/kms-fuzz-XXXXXX", tmp);
	MUST(mkdtemp(dir) != NULL);
	(void)atexit(clean_up);
	(void)snprintf(store, sizeof(store), "%s/token.db", dir);
	(void)snprintf(blank, sizeof(blank), "%s/blank.db", dir);
	(void)snprintf(conf, sizeof(conf), "%s/conf", dir);
	len = snprintf(text, sizeof(text),
	    "[module]\nlog-level = none\n"
	    "[token fuzz]\nslot = %d\nstore = %s\npin-tries = %d\ncache-ms = 0\n"
	    "[token blank]\nslot = %d\nstore = %s\npin-tries = %d\ncache-ms = 0\n",
	    SLOT, store, PIN_TRIES, SLOT_BLANK, blank, PIN_TRIES);
	write_file(conf, text, (size_t)len);
	MUST(setenv("KMS_PKCS11_CONF", conf, 1) == 0);
}

static CK_UTF8CHAR *
text_of(const char *s)
{
	return (CK_UTF8CHAR *)(uintptr_t)s;
}

static void
make_token(void)
{
	CK_UTF8CHAR label[33] = "fuzz                            ";
	CK_SESSION_HANDLE s;

	MUST(C_Initialize(NULL) == CKR_OK);
	MUST(C_InitToken(SLOT, text_of(SO_PIN), strlen(SO_PIN), label) == CKR_OK);
	MUST(C_OpenSession(SLOT, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s) == CKR_OK);
	MUST(C_Login(s, CKU_SO, text_of(SO_PIN), strlen(SO_PIN)) == CKR_OK);
	MUST(C_InitPIN(s, text_of(USER_PIN), strlen(USER_PIN)) == CKR_OK);
	MUST(C_Finalize(NULL) == CKR_OK);
}

void
world_make(void)
{
	struct stat st;
	int fd;

	os_fake_clock(1000000);
	known_make();
	secrets = 0; /* but for those that are known */
	make_folder();
	make_token();
	MUST((fd = open(store, O_RDONLY | O_CLOEXEC)) >= 0 && fstat(fd, &st) == 0);
	made_len = (size_t)st.st_size;
	MUST((made = malloc(made_len)) != NULL);
	MUST(read(fd, made, made_len) == (ssize_t)made_len && close(fd) == 0);
	MUST(secrets == 0);
}

void
world_begin(void)
{
	seed = 1;
	remove_store(blank);
	remove_store(store);
	write_file(store, made, made_len);
}

void
world_end(void)
{
	(void)C_Finalize(NULL);
	MUST(secrets == 0);
}
