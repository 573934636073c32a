/* SPDX-License-Identifier: Apache-2.0 */
/* One run of kmsctl: which token, opened and logged in, and how its failures are told. */
#include "kmsctl/ctl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "crypto/crypto.h"
#include "kms/local.h"

const char *
ctl_advice(enum kms_rc rc)
{
	static const struct {
		enum kms_rc rc;
		const char *text;
	} advice[] = {
		{ KMS_NOT_INITIALIZED, "make it with: kmsctl token init LABEL" },
		{ KMS_PIN_INCORRECT, "try again; too many wrong tries lock the PIN" },
		{ KMS_PIN_LOCKED,
		    "the security officer unlocks a user PIN by setting a new one (C_InitPIN, such as pkcs11-tool "
		    "--init-pin)" },
		{ KMS_PIN_LEN, "a PIN has 4 to 255 bytes" },
		{ KMS_PIN_NOT_SET,
		    "the security officer sets it (C_InitPIN, such as pkcs11-tool --init-pin)" },
		{ KMS_LOGIN_NEEDED, "give the PIN" },
		{ KMS_BUSY, "wait for the other program, then try again" },
		{ KMS_FULL, "make room, then try again; nothing was lost" },
		{ KMS_READONLY,
		    "see who may write the store, and whether read-only is set in the configuration" },
		{ KMS_TIMEOUT, "try again, or raise timeout-ms in the configuration" },
	};

	for (size_t i = 0; i < ARRAY_LEN(advice); i++) {
		if (advice[i].rc == rc)
			return advice[i].text;
	}
	return NULL;
}

/* To stderr without what could move a terminal's cursor. */
static void
say(const char *text)
{
	for (; *text != '\0'; text++)
		(void)fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, stderr);
}

enum exit_code
ctl_fail(struct ctl *c, enum kms_rc rc, const char *fmt, ...)
{
	const char *advice = ctl_advice(rc);
	char text[1024];
	va_list ap;

	(void)fflush(stdout);
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say("kmsctl: ");
	say(text);
	if (rc != KMS_OK) {
		say(": ");
		say(c->call.err.text[0] != '\0' ? c->call.err.text : rc_text(rc));
	}
	if (advice != NULL) {
		say("; ");
		say(advice);
	}
	(void)fputc('\n', stderr);
	err_clear(&c->call.err);
	return EXIT_FAILED;
}

enum exit_code
ctl_usage(struct ctl *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say("kmsctl: ");
	say(text);
	say("; see kmsctl ");
	if (c->cmd != NULL) {
		say(c->cmd->noun);
		say(" ");
		say(c->cmd->verb == NULL ? "" : c->cmd->verb);
		say(c->cmd->verb == NULL ? "" : " ");
	}
	say("--help");
	(void)fputc('\n', stderr);
	return EXIT_USAGE;
}

struct call *
ctl_call(struct ctl *c)
{
	err_clear(&c->call.err);
	c->call.deadline_ms = c->token == NULL ? 0 : os_monotonic_ms() + c->token->timeout_ms;
	return &c->call;
}

const char *
ctl_token_name(const struct conf_token *t)
{
	return t->name[0] == '\0' ? "the default token" : t->name;
}

enum kms_rc
ctl_read_config(struct ctl *c)
{
	if (c->opt[OPT_CONFIG] != NULL)
		(void)unsetenv("KMS_PKCS11_CONF"); /* what was said here and now wins */
	return conf_load(c->opt[OPT_CONFIG], &c->conf, &c->call.err);
}

enum exit_code
ctl_config(struct ctl *c)
{
	enum kms_rc rc = c->conf != NULL ? KMS_OK : ctl_read_config(c);

	return rc == KMS_OK ? EXIT_DONE : ctl_fail(c, rc, "cannot use the configuration");
}

/* The token of T is initialised with LABEL. */
static bool
has_label(struct ctl *c, const struct conf_token *t, const char *label)
{
	struct backend *b = NULL;
	struct token_status st = { 0 };
	bool is;

	if (local_open(t, ctl_call(c), &b) != KMS_OK)
		return false;
	is = backend_status(b, ctl_call(c), &st) == KMS_OK && st.initialized &&
	    strcmp(st.label, label) == 0;
	backend_close(b);
	return is;
}

enum exit_code
ctl_named_token(struct ctl *c, const struct conf_token **ret)
{
	const char *label = c->opt[OPT_TOKEN];
	const struct conf_token *t = c->conf->tokens, *end = t + c->conf->n_tokens, *found = NULL;

	*ret = NULL;
	if (label == NULL)
		return EXIT_DONE;
	for (; t != end && found == NULL; t++) {
		if (strcmp(t->name, label) == 0)
			found = t;
	}
	for (t = c->conf->tokens; t != end && found == NULL; t++) {
		if (has_label(c, t, label))
			found = t;
	}
	err_clear(&c->call.err);
	if (found == NULL)
		return ctl_fail(c, KMS_OK,
		    "there is no token called %s; kmsctl token list shows them", label);
	*ret = found;
	return EXIT_DONE;
}

static enum exit_code
choose(struct ctl *c)
{
	enum exit_code code;

	if ((code = ctl_named_token(c, &c->token)) != EXIT_DONE || c->token != NULL)
		return code;
	if (c->conf->n_tokens > 1)
		return ctl_usage(c, "%zu tokens are configured: say which with --token LABEL",
		    c->conf->n_tokens);
	c->token = &c->conf->tokens[0];
	return EXIT_DONE;
}

enum exit_code
ctl_open(struct ctl *c)
{
	enum exit_code code;
	enum kms_rc rc;

	if ((code = ctl_config(c)) != EXIT_DONE || (code = choose(c)) != EXIT_DONE)
		return code;
	if (c->token->backend != CONF_LOCAL)
		return ctl_fail(c, KMS_NOTSUP, "cannot open %s", ctl_token_name(c->token));
	if ((rc = local_open(c->token, ctl_call(c), &c->backend)) != KMS_OK)
		return ctl_fail(c, rc, "cannot open %s", ctl_token_name(c->token));
	local_run_programs(c->backend);
	if ((rc = backend_status(c->backend, ctl_call(c), &c->status)) != KMS_OK)
		return ctl_fail(c, rc, "cannot read the state of %s", ctl_token_name(c->token));
	return EXIT_DONE;
}

enum exit_code
ctl_login(struct ctl *c)
{
	auto_secret pin = { 0 };
	enum exit_code code;
	enum kms_rc rc = KMS_OK;

	if (c->backend == NULL && (code = ctl_open(c)) != EXIT_DONE)
		return code;
	/* Told before anybody types a PIN for nothing. */
	if (!c->status.initialized)
		rc = KMS_NOT_INITIALIZED;
	else if (!c->status.user_pin_set)
		rc = KMS_PIN_NOT_SET;
	else if (c->status.user_locked)
		rc = KMS_PIN_LOCKED;
	if (rc == KMS_OK && (code = pin_get(c, PIN_USER, false, &pin)) != EXIT_DONE)
		return code;
	if (rc == KMS_OK)
		rc = backend_login(c->backend, ctl_call(c), ROLE_USER, slice_of(NULL, 0),
		    secret_slice(&pin));
	return rc == KMS_OK ? EXIT_DONE
			    : ctl_fail(c, rc, "cannot log in to %s", ctl_token_name(c->token));
}

void
ctl_close(struct ctl *c)
{
	if (c->backend != NULL)
		backend_close(c->backend);
	c->backend = NULL;
	c->token = NULL;
	conf_free(c->conf);
	c->conf = NULL;
}

void
free_text(char **text)
{
	free(*text);
}
