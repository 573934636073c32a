/* SPDX-License-Identifier: Apache-2.0 */
/* kmsctl backup and restore: all of one token in one sealed file. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kms/local.h"
#include "kmsctl/ctl.h"

static enum exit_code
from_file(struct ctl *c, struct secret *ret)
{
	auto_secret file = { 0 };
	enum kms_rc rc;

	err_clear(&c->call.err);
	rc = file_read_secret(c->opt[OPT_PASSPHRASE_FILE], true, &file, &c->call.err);
	if (rc == KMS_OK)
		rc = secret_copy(file_first_line(&file), ret);
	return rc == KMS_OK ? EXIT_DONE : ctl_fail(c, rc, "cannot read the passphrase");
}

/* A new one is asked for twice. */
static enum exit_code
passphrase(struct ctl *c, bool is_new, struct secret *ret)
{
	auto_secret again = { 0 };
	enum kms_rc rc;

	if (c->opt[OPT_PASSPHRASE_FILE] != NULL)
		return from_file(c, ret);
	rc = tty_secret(is_new ? "New passphrase of the backup: " : "Passphrase of the backup: ",
	    ret);
	if (rc == KMS_UNAVAILABLE)
		return ctl_fail(c, KMS_OK,
		    "a passphrase is needed: there is no terminal to ask at; use --passphrase-file FILE");
	if (rc == KMS_OK && is_new)
		rc = tty_secret("The same again: ", &again);
	if (rc != KMS_OK)
		return ctl_fail(c, rc, "cannot read the passphrase");
	if (is_new && !mem_equal_ct(secret_slice(ret), secret_slice(&again)))
		return ctl_fail(c, KMS_OK, "the two are not the same; nothing was written");
	return EXIT_DONE;
}

static enum exit_code
tell(struct ctl *c, bool restored, const char *file)
{
	static const struct out_column columns[] = {
		{ .key = "label", .title = "Label", .type = OUT_TEXT },
		{ .key = "store", .title = "Store", .type = OUT_TEXT },
		{ .key = "file", .title = "File", .type = OUT_TEXT },
	};
	auto_text *label = label_text(slice_str(c->status.label));
	auto_out *o = NULL;

	if (c->opt[OPT_JSON] == NULL) {
		(void)printf(restored ? "Restored %s into %s; its PINs are those of the backup\n"
				      : "Backed up %s to %s\n",
		    label == NULL ? "?" : label, restored ? c->token->store : file);
		return EXIT_DONE;
	}
	if ((o = out_new(c, columns, ARRAY_LEN(columns))) == NULL)
		return ctl_fail(c, KMS_NOMEM, "it is done, but cannot be told");
	out_row(o);
	out_set(o, 0, label == NULL ? "?" : label);
	out_set(o, 1, c->token->store);
	out_set(o, 2, file);
	return out_print_records(o);
}

/* -- backup -- */

static enum kms_rc
failed(struct ctl *c, const char *path)
{
	return call_fail(&c->call, errno == ENOSPC || errno == EDQUOT ? KMS_FULL : KMS_IO, "%s: %s",
	    path, strerrordesc_np(errno));
}

/* FD is a file beside PATH, and takes its place when all of it is on the disk. */
static enum kms_rc
fill(struct ctl *c, const struct secret *pass, int fd, const char *name, const char *path)
{
	enum kms_rc rc = local_backup(c->backend, ctl_call(c), secret_slice(pass), fd);

	if (rc == KMS_OK && fsync(fd) != 0)
		rc = failed(c, name);
	if (close(fd) != 0 && rc == KMS_OK)
		rc = failed(c, name);
	if (rc == KMS_OK && rename(name, path) != 0)
		rc = failed(c, path);
	if (rc != KMS_OK)
		(void)unlink(name);
	return rc;
}

/* An older backup of that name is there until the new one is. */
static enum kms_rc
write_file(struct ctl *c, const struct secret *pass, const char *path)
{
	auto_text *name = NULL;
	int fd;

	err_clear(&c->call.err);
	if (asprintf(&name, "%s.XXXXXX", path) < 0) {
		name = NULL;
		return KMS_NOMEM;
	}
	if ((fd = mkostemp(name, O_CLOEXEC)) < 0)
		return failed(c, path);
	return fill(c, pass, fd, name, path);
}

enum exit_code
cmd_backup(struct ctl *c)
{
	const char *path = c->args[0];
	bool to_stdout = strcmp(path, "-") == 0;
	auto_secret pass = { 0 };
	enum exit_code code;
	enum kms_rc rc;

	if (to_stdout && c->opt[OPT_JSON] != NULL)
		return ctl_usage(c, "--json or a backup on standard output, not both");
	if ((code = ctl_open(c)) != EXIT_DONE)
		return code;
	if (!c->status.initialized)
		return ctl_fail(c, KMS_NOT_INITIALIZED, "cannot back up %s",
		    ctl_token_name(c->token));
	if ((code = passphrase(c, true, &pass)) != EXIT_DONE)
		return code;
	rc = to_stdout ? local_backup(c->backend, ctl_call(c), secret_slice(&pass), STDOUT_FILENO)
		       : write_file(c, &pass, path);
	if (rc != KMS_OK)
		return ctl_fail(c, rc, "cannot back up %s", ctl_token_name(c->token));
	return to_stdout ? EXIT_DONE : tell(c, false, path);
}

/* -- restore -- */

static enum exit_code
confirm(struct ctl *c)
{
	char question[256];

	if (!c->status.initialized)
		return EXIT_DONE;
	if (c->opt[OPT_FORCE] == NULL)
		return ctl_fail(c, KMS_OK,
		    "%s holds a token already: name another with --token, or replace it with --force",
		    c->token->store);
	if (c->opt[OPT_YES] != NULL)
		return EXIT_DONE;
	if (!tty_there())
		return ctl_fail(c, KMS_OK,
		    "nothing was done: there is no terminal to ask at; use --yes");
	(void)snprintf(question, sizeof(question), "Replace the token %s, with all that is in it?",
	    ctl_token_name(c->token));
	return tty_confirm(question) ? EXIT_DONE : ctl_fail(c, KMS_OK, "nothing was done");
}

enum exit_code
cmd_restore(struct ctl *c)
{
	auto_secret pass = { 0 };
	enum exit_code code;
	enum kms_rc rc;
	int fd;

	if ((code = ctl_open(c)) != EXIT_DONE || (code = confirm(c)) != EXIT_DONE)
		return code;
	if ((fd = file_open(c->args[0])) < 0)
		return ctl_fail(c, KMS_OK, "%s: %s", file_name(c->args[0]), strerrordesc_np(errno));
	if ((code = passphrase(c, false, &pass)) != EXIT_DONE) {
		(void)close(fd);
		return code;
	}
	rc = local_restore(c->token, ctl_call(c), secret_slice(&pass), fd,
	    c->opt[OPT_FORCE] != NULL);
	(void)close(fd);
	if (rc != KMS_OK)
		return ctl_fail(c, rc, "cannot restore %s", ctl_token_name(c->token));
	/* What is open may know for a while what was there before. */
	backend_close(c->backend);
	c->backend = NULL;
	if ((code = ctl_open(c)) != EXIT_DONE)
		return code;
	return tell(c, true, file_name(c->args[0]));
}
