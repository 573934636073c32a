/* SPDX-License-Identifier: Apache-2.0 */
/* kmsctl doctor: tries everything that an application needs, in order, and says for each failure
 * what to do. */
#include "kmsctl/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/os.h"
#include "kms/local.h"

enum { COL_CHECK, COL_TOKEN, COL_RESULT, COL_DETAIL, COL_ADVICE };

static const struct out_column columns[] = {
	[COL_CHECK] = { "check", "CHECK", OUT_TEXT, false },
	[COL_TOKEN] = { "token", "TOKEN", OUT_TEXT, false },
	[COL_RESULT] = { "result", "RESULT", OUT_TEXT, false },
	[COL_DETAIL] = { "detail", "WHAT WAS SEEN", OUT_PROSE, false },
	[COL_ADVICE] = { "advice", "WHAT TO DO", OUT_PROSE, false },
};

void
doctor_report(struct doctor *d, const char *check, enum verdict verdict, const char *advice,
    const char *fmt, ...)
{
	static const char *const names[] = {
		[CHECK_OK] = "ok",
		[CHECK_FAILED] = "failed",
		[CHECK_SKIPPED] = "skipped",
	};
	auto_text *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	out_row(d->o);
	out_set(d->o, COL_CHECK, check);
	if (d->token != NULL)
		out_set(d->o, COL_TOKEN, d->token->name[0] == '\0' ? "(default)" : d->token->name);
	out_set(d->o, COL_RESULT, names[verdict]);
	out_take(d->o, COL_DETAIL, text == NULL ? NULL : label_text(slice_str(text)));
	if (advice != NULL)
		out_set(d->o, COL_ADVICE, advice);
	if (verdict == CHECK_FAILED)
		d->n_failed++;
}

static void
report_rc(struct doctor *d, const char *check, enum kms_rc rc)
{
	const char *text = d->c->call.err.text, *advice = ctl_advice(rc);

	doctor_report(d, check, CHECK_FAILED,
	    advice != NULL ? advice : "put right what is named there, then run this again", "%s",
	    text[0] != '\0' ? text : rc_text(rc));
	err_clear(&d->c->call.err);
}

/* -- the store -- */

static void
check_mode(struct doctor *d, const char *check, const char *path, const struct stat *st)
{
	unsigned mode = (unsigned)(st->st_mode & 07777);

	if (st->st_uid != geteuid() && st->st_uid != 0)
		doctor_report(d, check, CHECK_FAILED, "run this as the owner, or chown it",
		    "%s belongs to user %lu, not to %lu", path, (unsigned long)st->st_uid,
		    (unsigned long)geteuid());
	else if (access(path, S_ISDIR(st->st_mode) ? X_OK : R_OK) != 0)
		doctor_report(d, check, CHECK_FAILED, "run this as the owner, or change its rights",
		    "user %lu has no access to %s (mode %03o)", (unsigned long)geteuid(), path,
		    mode);
	/* In a sticky folder only the owner replaces a file; the store says whether that is us. */
	else if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    !(S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0))
		doctor_report(d, check, CHECK_FAILED, "chmod go-w it",
		    "%s can be written by others (mode %03o)", path, mode);
	else if (S_ISREG(st->st_mode) && (st->st_mode & S_IROTH) != 0)
		doctor_report(d, check, CHECK_FAILED, "chmod o-r it",
		    "%s can be read by everybody (mode %03o)", path, mode);
	else
		doctor_report(d, check, CHECK_OK, NULL, "%s (mode %03o)", path, mode);
}

/* Whether there is a store to open. */
static bool
check_files(struct doctor *d, const char *store)
{
	const char *slash = strrchr(store, '/');
	auto_text *dir = slash == NULL
	    ? strdup(".")
	    : strndup(store, slash == store ? 1 : (size_t)(slash - store));
	struct stat st;

	if (dir != NULL && stat(dir, &st) == 0)
		check_mode(d, "store folder", dir, &st);
	if (stat(store, &st) == 0) {
		check_mode(d, "store file", store, &st);
		return true;
	}
	if (errno == ENOENT) {
		doctor_report(d, "store file", CHECK_SKIPPED,
		    "make the token: kmsctl token init LABEL", "%s is not there yet", store);
		return false;
	}
	doctor_report(d, "store file", CHECK_FAILED, "let this user read the folders above it",
	    "%s: %s", store, strerrordesc_np(errno));
	return false;
}

static void
check_pins(struct doctor *d, const struct token_status *st)
{
	if (!st->initialized)
		doctor_report(d, "token", CHECK_SKIPPED, ctl_advice(KMS_NOT_INITIALIZED),
		    "it has not been initialised");
	else if (!st->user_pin_set)
		doctor_report(d, "token", CHECK_FAILED, ctl_advice(KMS_PIN_NOT_SET),
		    "%s has no user PIN", st->label);
	else if (st->user_locked)
		doctor_report(d, "token", CHECK_FAILED, ctl_advice(KMS_PIN_LOCKED),
		    "the user PIN of %s is locked", st->label);
	else if (st->user_final_try)
		doctor_report(d, "token", CHECK_OK, "be sure of the PIN before the next try",
		    "%s: one wrong PIN more locks it", st->label);
	else
		doctor_report(d, "token", CHECK_OK, NULL, "%s, serial %s%s", st->label, st->serial,
		    st->read_only ? ", read-only" : "");
}

/* The HSM that T's keys are in: whether it answers, and whether it knows us. */
static void
check_hsm(struct doctor *d, struct backend *b)
{
	auto_buf text = { 0 };
	enum kms_rc rc = local_hsm_check(b, ctl_call(d->c), &text);

	if (rc == KMS_OK)
		doctor_report(d, "HSM", CHECK_OK, NULL, "%.*s", (int)text.len,
		    (const char *)text.p);
	else
		report_rc(d, "HSM", rc);
}

static bool
has_hsm(const struct conf_token *t)
{
	return strcmp(t->hsm, "soft") != 0;
}

/* Whether the token can be logged in to. */
static bool
check_token(struct doctor *d, const struct conf_token *t)
{
	struct token_status st = { 0 };
	struct backend *b = NULL;
	enum kms_rc rc;
	bool there;

	d->token = d->c->token = t;
	if (t->backend != CONF_LOCAL) {
		doctor_report(d, "store file", CHECK_SKIPPED, NULL,
		    "its keys are not on this machine");
		return false;
	}
	there = check_files(d, t->store);
	if (!there && !has_hsm(t))
		return false;
	rc = local_open(t, ctl_call(d->c), &b);
	if (rc == KMS_OK && has_hsm(t))
		check_hsm(d, b);
	if (rc == KMS_OK && there)
		rc = backend_status(b, ctl_call(d->c), &st);
	if (rc != KMS_OK) {
		report_rc(d, has_hsm(t) ? "store and HSM" : "store", rc);
	} else if (there) {
		doctor_report(d, "store", CHECK_OK, NULL, "opens");
		check_pins(d, &st);
	}
	if (b != NULL)
		backend_close(b);
	return rc == KMS_OK && st.initialized && st.user_pin_set && !st.user_locked;
}

/* Whether the module finds its log. */
static void
check_log(struct doctor *d)
{
	const struct conf *conf = d->c->conf;
	const char *target = os_env("KMS_PKCS11_LOG_FILE");
	struct err *err = &ctl_call(d->c)->err;
	enum kms_rc rc = log_open(conf->log, conf->log_level, err);

	if (rc == KMS_OK)
		doctor_report(d, "log", CHECK_OK, NULL, "%s",
		    !log_on(KMS_LOG_ERROR) ? "off"
			: target != NULL   ? target
					   : conf->log);
	else
		doctor_report(d, "log", CHECK_FAILED,
		    "let this user write it, or name another: log in the configuration, "
		    "KMS_PKCS11_LOG and KMS_PKCS11_LOG_FILE in the environment",
		    "%s; errors go to stderr instead",
		    err->text[0] != '\0' ? err->text : rc_text(rc));
	err_clear(err);
	log_close(); /* the module opens its own */
}

/* -- all -- */

static enum exit_code
examine(struct doctor *d)
{
	struct ctl *c = d->c;
	const struct conf_token *only = NULL;
	auto_secret pin = { 0 };
	enum exit_code code = EXIT_DONE;
	size_t ready = 0;

	if ((code = ctl_named_token(c, &only)) != EXIT_DONE)
		return code;
	doctor_report(d, "configuration", CHECK_OK, NULL, "%s",
	    c->conf->path != NULL ? c->conf->path : "no file: the built-in defaults");
	check_log(d);
	for (size_t i = 0; i < c->conf->n_tokens; i++) {
		if (only == NULL || only == &c->conf->tokens[i])
			ready += check_token(d, &c->conf->tokens[i]) ? 1 : 0;
	}
	d->token = NULL;
	/* One PIN is asked for at most: of the one token that this is about. */
	if (only == NULL && c->conf->n_tokens == 1)
		only = &c->conf->tokens[0];
	c->token = only;
	if (ready > 0 && only != NULL &&
	    (pin_given(c, PIN_USER) || (tty_there() && isatty(STDIN_FILENO) == 1)))
		code = pin_get(c, PIN_USER, false, &pin);
	if (code == EXIT_DONE)
		doctor_module(d, only, &pin);
	return code;
}

enum exit_code
cmd_doctor(struct ctl *c)
{
	auto_out *o = out_new(c, columns, ARRAY_LEN(columns));
	struct doctor d = { .c = c, .o = o };
	enum exit_code code = EXIT_DONE;
	enum kms_rc rc;

	if (o == NULL)
		return ctl_fail(c, KMS_NOMEM, "cannot begin");
	if ((rc = ctl_read_config(c)) != KMS_OK)
		report_rc(&d, "configuration", rc);
	else
		code = examine(&d);
	c->token = NULL;
	if (code != EXIT_DONE || (code = out_print(o)) != EXIT_DONE)
		return code;
	if (d.n_failed > 0)
		return ctl_fail(c, KMS_OK, "%u of the checks failed; the table says what to do",
		    d.n_failed);
	return EXIT_DONE;
}
