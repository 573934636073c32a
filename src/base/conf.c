/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the configuration file, checks who could have written it, and has it parsed. */
#define _GNU_SOURCE 1
#include "base/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conf_path.h"
#include "base/os.h"

/* Fixed, not the build's sysconfdir: whatever the prefix, administrators and scripts find the file
 * in one place. */
#define SYSTEM_FILE "/etc/kms-pkcs11/kms-pkcs11.conf"

#define READ_STEP 4096u

static enum kms_rc
read_all(int fd, const char *path, struct buf *b, struct err *err)
{
	for (;;) {
		size_t was = b->len;
		uint8_t *p;
		ssize_t n;

		TRY(buf_extend(b, READ_STEP, &p));
		do
			n = read(fd, p, READ_STEP);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return err_set(err, KMS_CONFIG, "cannot read %s: %m", path);
		b->len = was + (size_t)n;
		if (n == 0)
			return KMS_OK;
		if (b->len > CONF_FILE_MAX)
			return err_set(err, KMS_CONFIG,
			    "%s is too large; expected at most %u bytes", path, CONF_FILE_MAX);
	}
}

/* A file with a PIN in it is nothing that others may read. */
static bool
holds_pin(const struct conf *c)
{
	for (size_t i = 0; i < c->n_tokens; i++)
		if (strstr(c->tokens[i].hsm, "pin-value") != NULL)
			return true;
	return false;
}

/* KMS_NOTFOUND when there is no such file. */
static enum kms_rc
load_file(const char *path, struct conf **ret, struct err *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	auto_buf text = { 0 };
	struct conf *c = NULL;
	enum kms_rc rc;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return KMS_NOTFOUND;
	if (fd < 0)
		return err_set(err, KMS_CONFIG, "cannot open %s: %m", path);
	rc = os_check_private(fd, path, false, err);
	if (rc == KMS_OK)
		rc = read_all(fd, path, &text, err);
	if (rc == KMS_OK)
		rc = conf_parse((const char *)text.p, text.len, path, &c, err);
	if (rc == KMS_OK && holds_pin(c))
		rc = os_check_private(fd, path, true, err);
	close(fd);
	if (rc != KMS_OK) {
		conf_free(c);
		return rc;
	}
	*ret = c;
	return KMS_OK;
}

static enum kms_rc
load_named(const char *path, const char *who, struct conf **ret, struct err *err)
{
	enum kms_rc rc = load_file(path, ret, err);

	if (rc == KMS_NOTFOUND)
		return err_set(err, KMS_CONFIG, "%s names %s, which does not exist", who, path);
	return rc;
}

enum kms_rc
conf_load(const char *explicit_path, struct conf **ret, struct err *err)
{
	const char *env = os_env("KMS_PKCS11_CONF");
	char *user_path;
	enum kms_rc rc;

	if (env != NULL)
		return load_named(env, "KMS_PKCS11_CONF", ret, err);
	if (explicit_path != NULL)
		return load_named(explicit_path, "the application", ret, err);
	rc = path_user_config(&user_path);
	if (rc == KMS_OK) {
		rc = load_file(user_path, ret, err);
		free(user_path);
	}
	if (rc == KMS_NOTFOUND)
		rc = load_file(SYSTEM_FILE, ret, err);
	if (rc == KMS_NOTFOUND)
		rc = conf_parse("", 0, NULL, ret, err);
	return rc;
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; c->tokens != NULL && i < c->n_tokens; i++) {
		free(c->tokens[i].name);
		free(c->tokens[i].store);
		free(c->tokens[i].hsm);
		free(c->tokens[i].master_key);
		free(c->tokens[i].rotate_program);
		free(c->tokens[i].audit_dir);
		free(c->tokens[i].hsm_arguments);
	}
	free(c->tokens);
	free(c->path);
	free(c->log);
	free(c);
}
