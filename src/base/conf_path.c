/* SPDX-License-Identifier: Apache-2.0 */
/* Default places of files. Looks at the environment and the password database, never at the files.
 */
#define _GNU_SOURCE 1
#include "base/conf_path.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/os.h"

#define OUR_FOLDER	  "kms-pkcs11"
#define PASSWD_BUFFER_MAX (1u << 20)

/* The effective user's home in the password database. */
static enum kms_rc
passwd_home(char **ret)
{
	for (size_t len = 1024; len <= PASSWD_BUFFER_MAX; len *= 4) {
		struct passwd pw, *found = NULL;
		char *mem = malloc(len);
		int failed;

		if (mem == NULL)
			return KMS_NOMEM;
		failed = getpwuid_r(geteuid(), &pw, mem, len, &found);
		if (failed == 0 && found != NULL && pw.pw_dir != NULL && pw.pw_dir[0] == '/') {
			*ret = strdup(pw.pw_dir);
			free(mem);
			return *ret == NULL ? KMS_NOMEM : KMS_OK;
		}
		free(mem);
		if (failed != ERANGE)
			break;
	}
	return KMS_NOTFOUND;
}

static enum kms_rc
home(char **ret)
{
	const char *value = os_env("HOME");

	if (value == NULL || value[0] != '/')
		return passwd_home(ret);
	*ret = strdup(value);
	return *ret == NULL ? KMS_NOMEM : KMS_OK;
}

/* Joins and releases DIR. */
static enum kms_rc
join_into(char *dir, const char *name, char **ret)
{
	*ret = os_path_join(dir, name);
	free(dir);
	return *ret == NULL ? KMS_NOMEM : KMS_OK;
}

static enum kms_rc
home_file(const char *name, char **ret)
{
	char *dir;

	TRY(home(&dir));
	return join_into(dir, name, ret);
}

/* NAME in our folder below $VARIABLE, or below FALLBACK at home. */
static enum kms_rc
xdg_file(const char *variable, const char *fallback, const char *name, char **ret)
{
	const char *value = os_env(variable);
	char *dir;

	/* The specification: a relative path there is to be ignored. */
	if (value != NULL && value[0] == '/')
		dir = strdup(value);
	else
		TRY(home_file(fallback, &dir));
	if (dir == NULL)
		return KMS_NOMEM;
	TRY(join_into(dir, OUR_FOLDER, &dir));
	return join_into(dir, name, ret);
}

enum kms_rc
path_user_config(char **ret)
{
	return xdg_file("XDG_CONFIG_HOME", ".config", "kms-pkcs11.conf", ret);
}

static bool
plain(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '_' || (c == '.' && !first);
}

enum kms_rc
path_user_store(const char *label, char **ret)
{
	static const char digits[] = "0123456789ABCDEF";
	auto_buf name = { 0 };

	for (const char *p = label; *p != '\0'; p++) {
		const uint8_t c = (uint8_t)*p,
			      code[] = { '%', (uint8_t)digits[c >> 4], (uint8_t)digits[c & 15] };

		TRY(buf_add(&name,
		    plain(*p, p == label) ? slice_of(&c, 1) : slice_of(code, sizeof(code))));
	}
	TRY(buf_add(&name, slice_str(label[0] == '\0' ? "token.db" : ".db")));
	TRY(buf_add_byte(&name, '\0'));
	return xdg_file("XDG_DATA_HOME", ".local/share", (const char *)name.p, ret);
}

enum kms_rc
path_expand(const char *value, char **ret)
{
	if (value[0] == '~' && value[1] == '/')
		return home_file(value + 2, ret);
	if (value[0] != '/')
		return KMS_INVALID;
	*ret = strdup(value);
	return *ret == NULL ? KMS_NOMEM : KMS_OK;
}

/* Past the slashes, and the parts that are only ".", that P starts with. */
static const char *
skip_nothing(const char *p)
{
	while (*p == '/' || (p[0] == '.' && (p[1] == '/' || p[1] == '\0')))
		p++;
	return p;
}

bool
path_same(const char *a, const char *b)
{
	for (;;) {
		size_t x, y;

		a = skip_nothing(a);
		b = skip_nothing(b);
		x = strcspn(a, "/");
		y = strcspn(b, "/");
		if (x != y || memcmp(a, b, x) != 0)
			return false;
		if (x == 0)
			return true;
		a += x;
		b += y;
	}
}
