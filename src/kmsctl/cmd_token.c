/* SPDX-License-Identifier: Apache-2.0 */
/* kmsctl token: making tokens, and telling what state they are in. */
#include "kmsctl/ctl.h"

#include "base/codec.h"
#include "kms/local.h"

#define TOKEN_LABEL_MAX 32 /* PKCS#11 3.0 §3.2, CK_TOKEN_INFO.label */

/* Both PINs in hand before anything is changed, and both set at once, so that a token is never left
 * half made. */
static enum exit_code
make_token(struct ctl *c, const char *label)
{
	auto_secret so = { 0 }, user = { 0 };
	bool again = c->status.initialized;
	enum exit_code code;
	enum kms_rc rc;

	if ((code = pin_get(c, PIN_SO, !again, &so)) != EXIT_DONE ||
	    (code = pin_get(c, PIN_USER, true, &user)) != EXIT_DONE)
		return code;
	rc = local_make_token(c->backend, ctl_call(c), slice_str(label), secret_slice(&so),
	    secret_slice(&user));
	if (rc != KMS_OK)
		return ctl_fail(c, rc, "cannot initialise %s with the PINs given",
		    ctl_token_name(c->token));
	return EXIT_DONE;
}

enum exit_code
cmd_token_init(struct ctl *c)
{
	enum { LABEL, SERIAL, STORE };
	static const struct out_column columns[] = {
		[LABEL] = { "label", "Label", OUT_TEXT, false },
		[SERIAL] = { "serial", "Serial", OUT_TEXT, false },
		[STORE] = { "store", "Store", OUT_TEXT, false },
	};
	auto_out *o = NULL;
	const char *label = c->n_args > 0 ? c->args[0] : NULL;
	enum exit_code code;
	enum kms_rc rc;

	if ((code = ctl_open(c)) != EXIT_DONE)
		return code;
	if (label == NULL)
		label = c->token->name[0] != '\0' ? c->token->name : "kms-pkcs11";
	if (label[0] == '\0' || strlen(label) > TOKEN_LABEL_MAX || !utf8_valid(slice_str(label)))
		return ctl_usage(c, "a token's label has 1 to %d bytes of UTF-8", TOKEN_LABEL_MAX);
	if (c->status.initialized && c->opt[OPT_FORCE] == NULL)
		return ctl_fail(c, KMS_OK,
		    "%s is initialised already, as %s: nothing was changed; --force destroys all its keys",
		    ctl_token_name(c->token), c->status.label);
	if (c->status.so_locked)
		return ctl_fail(c, KMS_OK,
		    "cannot wipe %s: its SO PIN is locked for good; without %s, a new token can be made",
		    ctl_token_name(c->token), c->token->store);
	if ((code = make_token(c, label)) != EXIT_DONE)
		return code;
	if ((rc = backend_status(c->backend, ctl_call(c), &c->status)) != KMS_OK)
		return ctl_fail(c, rc, "cannot read the state of the new token");
	if ((o = out_new(c, columns, ARRAY_LEN(columns))) == NULL)
		return ctl_fail(c, KMS_NOMEM, "the token is made, but cannot be shown");
	out_row(o);
	out_take(o, LABEL, label_text(slice_str(c->status.label)));
	out_set(o, SERIAL, c->status.serial);
	out_set(o, STORE, c->token->store);
	return out_print_records(o);
}

/* -- list and status -- */

enum {
	TOKEN_NAME,
	TOKEN_LABEL,
	TOKEN_STATE,
	TOKEN_SERIAL,
	TOKEN_SLOT,
	TOKEN_STORE,
	TOKEN_USER_PIN,
	TOKEN_SO_PIN,
	TOKEN_READ_ONLY,
	TOKEN_PUBLIC,
	TOKEN_CERTIFICATES,
	TOKEN_ERROR,
};

static const struct out_column token_columns[] = {
	[TOKEN_NAME] = { "name", "NAME", OUT_TEXT, false },
	[TOKEN_LABEL] = { "label", "LABEL", OUT_TEXT, false },
	[TOKEN_STATE] = { "state", "STATE", OUT_TEXT, false },
	[TOKEN_SERIAL] = { "serial", "SERIAL", OUT_TEXT, false },
	[TOKEN_SLOT] = { "slot", "SLOT", OUT_NUMBER, false },
	[TOKEN_STORE] = { "store", "STORE", OUT_TEXT, false },
	[TOKEN_USER_PIN] = { "user_pin", "USER PIN", OUT_TEXT, false },
	[TOKEN_SO_PIN] = { "so_pin", "SO PIN", OUT_TEXT, true },
	[TOKEN_READ_ONLY] = { "read_only", "READ ONLY", OUT_BOOL, true },
	[TOKEN_PUBLIC] = { "public_keys", "PUBLIC KEYS", OUT_NUMBER, true },
	[TOKEN_CERTIFICATES] = { "certificates", "CERTIFICATES", OUT_NUMBER, true },
	[TOKEN_ERROR] = { "error", "ERROR", OUT_TEXT, false },
};

static const char *
pin_state(bool set, bool low, bool final_try, bool locked)
{
	if (!set)
		return "not set";
	if (locked)
		return "locked";
	if (final_try)
		return "one try left";
	return low ? "wrong tries" : "ok";
}

/* How many objects of KIND anybody may see; an index answers. */
static void
set_count(struct ctl *c, struct out *o, size_t column, struct backend *b, enum object_kind kind)
{
	auto_object_refs refs = { 0 };
	struct object_query q = { .kind = kind };

	if (backend_find(b, ctl_call(c), &q, &refs) == KMS_OK)
		out_setf(o, column, "%zu", refs.n);
}

static void
set_token(struct ctl *c, struct out *o, struct backend *b, const struct token_status *st)
{
	out_take(o, TOKEN_LABEL, label_text(slice_str(st->label)));
	out_bool(o, TOKEN_READ_ONLY, st->read_only);
	if (!st->initialized) {
		out_set(o, TOKEN_STATE, "not initialised");
		return;
	}
	out_set(o, TOKEN_STATE,
	    st->user_locked	   ? "locked"
		: st->user_pin_set ? "ready"
				   : "no user PIN");
	out_set(o, TOKEN_SERIAL, st->serial);
	out_set(o, TOKEN_USER_PIN,
	    pin_state(st->user_pin_set, st->user_count_low, st->user_final_try, st->user_locked));
	out_set(o, TOKEN_SO_PIN,
	    pin_state(true, st->so_count_low, st->so_final_try, st->so_locked));
	set_count(c, o, TOKEN_PUBLIC, b, OBJECT_PUBLIC_KEY);
	set_count(c, o, TOKEN_CERTIFICATES, b, OBJECT_CERTIFICATE);
}

static void
add_token(struct ctl *c, struct out *o, const struct conf_token *t)
{
	struct token_status st = { 0 };
	struct backend *b = NULL;
	enum kms_rc rc = KMS_NOTSUP;

	out_row(o);
	out_set(o, TOKEN_NAME, t->name);
	out_setf(o, TOKEN_SLOT, "%ld", t->slot);
	out_set(o, TOKEN_STORE, t->store == NULL ? "" : t->store);
	c->token = t;
	(void)ctl_call(c);
	if (t->backend == CONF_LOCAL)
		rc = local_open(t, ctl_call(c), &b);
	if (rc == KMS_OK)
		rc = backend_status(b, ctl_call(c), &st);
	if (rc == KMS_OK) {
		set_token(c, o, b, &st);
	} else {
		const char *why = c->call.err.text[0] != '\0' ? c->call.err.text : rc_text(rc);

		out_set(o, TOKEN_STATE, "failed");
		out_take(o, TOKEN_ERROR, label_text(slice_str(why)));
	}
	if (b != NULL)
		backend_close(b);
	c->token = NULL;
}

enum exit_code
cmd_token_list(struct ctl *c)
{
	const struct conf_token *only = NULL;
	auto_out *o = NULL;
	enum exit_code code;

	if ((code = ctl_config(c)) != EXIT_DONE || (code = ctl_named_token(c, &only)) != EXIT_DONE)
		return code;
	if ((o = out_new(c, token_columns, ARRAY_LEN(token_columns))) == NULL)
		return ctl_fail(c, KMS_NOMEM, "cannot list the tokens");
	for (size_t i = 0; i < c->conf->n_tokens; i++) {
		const struct conf_token *t = &c->conf->tokens[i];

		if (only == NULL || only == t)
			add_token(c, o, t);
	}
	return out_print(o);
}

enum exit_code
cmd_token_status(struct ctl *c)
{
	static const struct out_column columns[] = {
		[TOKEN_NAME] = { "name", "Name", OUT_TEXT, false },
		[TOKEN_LABEL] = { "label", "Label", OUT_TEXT, false },
		[TOKEN_STATE] = { "state", "State", OUT_TEXT, false },
		[TOKEN_SERIAL] = { "serial", "Serial", OUT_TEXT, false },
		[TOKEN_SLOT] = { "slot", "Slot", OUT_NUMBER, false },
		[TOKEN_STORE] = { "store", "Store", OUT_TEXT, false },
		[TOKEN_USER_PIN] = { "user_pin", "User PIN", OUT_TEXT, false },
		[TOKEN_SO_PIN] = { "so_pin", "SO PIN", OUT_TEXT, false },
		[TOKEN_READ_ONLY] = { "read_only", "Read only", OUT_BOOL, false },
		[TOKEN_PUBLIC] = { "public_keys", "Public keys", OUT_NUMBER, false },
		[TOKEN_CERTIFICATES] = { "certificates", "Certificates", OUT_NUMBER, false },
		[TOKEN_ERROR] = { "error", "Error", OUT_TEXT, true },
	};
	auto_out *o = NULL;
	enum exit_code code;

	if ((code = ctl_open(c)) != EXIT_DONE)
		return code;
	if ((o = out_new(c, columns, ARRAY_LEN(columns))) == NULL)
		return ctl_fail(c, KMS_NOMEM, "cannot show the token");
	out_row(o);
	out_set(o, TOKEN_NAME, c->token->name);
	out_setf(o, TOKEN_SLOT, "%ld", c->token->slot);
	out_set(o, TOKEN_STORE, c->token->store);
	set_token(c, o, c->backend, &c->status);
	return out_print_records(o);
}
