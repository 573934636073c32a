/* SPDX-License-Identifier: Apache-2.0 */
/* The course of every command that is an action of the KMS, and the table of these commands. */
#include <stdlib.h>

#include "kmsctl/kms_verb.h"

/* -- the table -- */

#define KEY(f)		    { FILL_KEY, F_##f, OPT_END, OPT_END, true, NULL },
#define ARG(f)		    { FILL_ARG, F_##f, OPT_END, OPT_END, true, NULL },
#define ALIAS(f)	    { FILL_ALIAS, F_##f, OPT_END, OPT_END, true, NULL },
#define USER(f)		    { FILL_USER, F_##f, OPT_END, OPT_END, true, NULL },
#define FILE_ARG(f)	    { FILL_FILE_ARG, F_##f, OPT_END, OPT_END, true, NULL },
#define VALUE(o, f)	    { FILL_VALUE, F_##f, OPT_##o, OPT_END, true, NULL },
#define TAGS(f)		    { FILL_TAGS, F_##f, OPT_END, OPT_END, true, NULL },
#define WORDS(f)	    { FILL_WORDS, F_##f, OPT_END, OPT_END, true, NULL },
#define NEED(o, f)	    { FILL_OPT, F_##f, OPT_##o, OPT_END, true, NULL },
#define MAY(o, f)	    { FILL_OPT, F_##f, OPT_##o, OPT_END, false, NULL },
#define MAY_USER(o, f)	    { FILL_OPT_USER, F_##f, OPT_##o, OPT_END, false, NULL },
#define MAY_FILE(o, f)	    { FILL_OPT_FILE, F_##f, OPT_##o, OPT_END, false, NULL },
#define MAY_LIST(o, f)	    { FILL_OPT_LIST, F_##f, OPT_##o, OPT_END, false, NULL },
#define OR_NEW(o, f)	    { FILL_OR_NEW, F_##f, OPT_##o, OPT_END, false, NULL },
#define OR_NEWEST(o, f)	    { FILL_OR_NEWEST, F_##f, OPT_##o, OPT_END, false, NULL },
#define AMONG(o, f, text)   { FILL_AMONG, F_##f, OPT_##o, OPT_END, false, text },
#define PAIRS(o, f)	    { FILL_PAIRS, F_##f, OPT_##o, OPT_END, false, NULL },
#define WHEN(o, f, text)    { FILL_WHEN, F_##f, OPT_##o, OPT_END, false, text },
#define UNLESS(o, f)	    { FILL_UNLESS, F_##f, OPT_##o, OPT_END, false, NULL },
#define FIXED(f, text)	    { FILL_FIXED, F_##f, OPT_END, OPT_END, false, text },
#define TO_FILE(o, f)	    { FILL_TO_FILE, F_##f, OPT_##o, OPT_END, false, NULL },
#define ONE_OF(o, p, text)  { FILL_ONE_OF, F_COUNT, OPT_##o, OPT_##p, false, text },
#define SOME_OF(o, p, text) { FILL_SOME_OF, F_COUNT, OPT_##o, OPT_##p, false, text },
#define FLAG(o)		    { FILL_FLAG, F_COUNT, OPT_##o, OPT_END, false, NULL },

#define COL(f) F_##f,
#define RECORD                                      \
	{                                           \
		SHOW_RECORD, F_COUNT, ACTION_COUNT, \
		{                                   \
			F_COUNT                     \
		}                                   \
	}
#define BYTES(f)                                 \
	{                                        \
		SHOW_BYTES, F_##f, ACTION_COUNT, \
		{                                \
			F_COUNT                  \
		}                                \
	}
#define TABLE(f, cols)                           \
	{                                        \
		SHOW_TABLE, F_##f, ACTION_COUNT, \
		{                                \
			cols F_COUNT             \
		}                                \
	}
#define DETAILS(f, a, cols)                    \
	{                                      \
		SHOW_TABLE, F_##f, ACTION_##a, \
		{                              \
			cols F_COUNT           \
		}                              \
	}

#define VERB(id, noun, verb, args, min, max, run, act, alternative, fills, ask, say, show, help) \
	static const struct fill fills_##id[] = { fills{                                         \
	    FILL_END, F_COUNT, OPT_END, OPT_END, false, NULL } };
#include "kmsctl/kms_verbs.def"
#undef VERB

const struct kms_verb kms_verbs[KMS_VERB_COUNT] = {
#define VERB(id, noun, verb, args, min, max, run, act, alternative, fills, ask, say, show, help) \
	[KMS_##id] = { ACTION_##act, ACTION_##alternative, fills_##id, ask, say, show },
#include "kmsctl/kms_verbs.def"
#undef VERB
};

uint64_t
kms_verb_required(const struct kms_verb *v)
{
	uint64_t bits = 0;

	for (const struct fill *f = v->fills; f->from != FILL_END; f++) {
		if (f->from == FILL_OPT && f->needed)
			bits |= BIT(f->opt);
	}
	return bits;
}

uint64_t
kms_verb_options(const struct kms_verb *v)
{
	uint64_t bits = BIT(OPT_AS) | (v->ask == NULL ? 0 : BIT(OPT_YES));

	for (const struct fill *f = v->fills; f->from != FILL_END; f++) {
		bits |= f->opt == OPT_END ? 0 : BIT(f->opt);
		bits |= f->other == OPT_END ? 0 : BIT(f->other);
	}
	return bits;
}

/* -- failures -- */

/* What a person can do about E, or NULL. */
static const char *
advice(enum api_error e)
{
	static const struct {
		enum api_error e;
		const char *text;
	} rows[] = {
		{ E_NoPermission,
		    "see why with kmsctl policy explain, and allow it with kmsctl policy attach" },
		{ E_KeyNotFound, "see the keys with: kmsctl master list" },
		{ E_AliasNotFound, "see the aliases with: kmsctl alias list" },
		{ E_AliasAlreadyExists,
		    "let it name another key with: kmsctl alias move NAME KEY" },
		{ E_ResourceNotFound,
		    "see what there is: kmsctl secret list, kmsctl secret versions NAME" },
		{ E_ResourceInDeleteWindow, "bring it back with: kmsctl secret restore NAME" },
		{ E_UserNotExist, "see the users with: kmsctl user list" },
		{ E_AccessKeyNotExist, "see a user's with: kmsctl access-key list USER" },
		{ E_PolicyNotExist, "see the policies with: kmsctl policy list" },
		{ E_PolicyAttached, "take it away with: kmsctl policy detach NAME USER" },
		{ E_UnsupportedOrigin,
		    "only keys made with --external take material from outside" },
		{ E_InvalidImportToken, "begin again with: kmsctl key import-parameters KEY" },
		{ E_ExpiredImportToken, "begin again with: kmsctl key import-parameters KEY" },
		{ E_StateDisabled, "let it be used again with: kmsctl key enable KEY" },
		{ E_StatePendingDeletion, "keep it with: kmsctl key cancel-deletion KEY" },
		{ E_StatePendingImport,
		    "give it its material with: kmsctl key import-material KEY FILE" },
		{ E_StateModifiedFailed, "see its state with: kmsctl key describe KEY" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].e == e)
			return rows[i].text;
	}
	return NULL;
}

enum exit_code
kms_refused(struct ctl *c, enum kms_rc rc)
{
	const char *help = advice(c->call.error), *verb = c->cmd->verb;
	char why[sizeof(c->call.err.text)];
	size_t len;

	(void)snprintf(why, sizeof(why), "%s",
	    c->call.err.text[0] != '\0' ? c->call.err.text : rc_text(rc));
	len = strlen(why);
	if (len > 0 && why[len - 1] == '.')
		why[len - 1] = '\0'; /* the sentence goes on */
	if (help == NULL)
		help = ctl_advice(rc);
	return ctl_fail(c, KMS_OK, "%s%s%s: %s: %s%s%s", c->cmd->noun, verb == NULL ? "" : " ",
	    verb == NULL ? "" : verb, api_error_row(c->call.error)->code, why,
	    help == NULL ? "" : "; ", help == NULL ? "" : help);
}

enum exit_code
kms_act(struct ctl *c, enum action a, const struct fields *req, struct fields *res)
{
	enum kms_rc rc = backend_act(c->backend, ctl_call(c), a, req, res);

	return rc == KMS_OK ? EXIT_DONE : kms_refused(c, rc);
}

/* -- who -- */

static bool
copy_text(char *dst, size_t cap, struct slice s)
{
	return snprintf(dst, cap, "%.*s", (int)s.len, s.len == 0 ? "" : (const char *)s.p) <
	    (int)cap;
}

enum exit_code
kms_begin(struct ctl *c)
{
	auto_fields req = { 0 }, res = { 0 };
	const struct fields *user;
	enum exit_code code;
	enum kms_rc rc;

	if ((code = ctl_login(c)) != EXIT_DONE || c->opt[OPT_AS] == NULL)
		return code;
	if ((rc = kms_put_user(&req, c->opt[OPT_AS])) != KMS_OK)
		return ctl_fail(c, rc, "cannot ask who %s is", c->opt[OPT_AS]);
	if ((code = kms_act(c, ACTION_GetUser, &req, &res)) != EXIT_DONE)
		return code;
	user = fields_group(&res, F_User);
	if (!copy_text(c->as.account, sizeof(c->as.account), fields_get(user, F_AccountId)) ||
	    !copy_text(c->as.name, sizeof(c->as.name), fields_get(user, F_UserName)) ||
	    !copy_text(c->as.id, sizeof(c->as.id), fields_get(user, F_UserId)))
		return ctl_fail(c, KMS_LIMIT, "cannot act as %s", c->opt[OPT_AS]);
	c->as.who = (struct caller){ .kind = CALLER_USER,
		.account = c->as.account,
		.name = c->as.name,
		.principal_id = c->as.id,
		.access_key_id = "",
		.source_ip = "",
		.user_agent = "kmsctl",
		.uid = (uid_t)-1,
		.secure_transport = true };
	c->call.who = &c->as.who;
	return EXIT_DONE;
}

/* -- the course -- */

static enum exit_code
confirm(struct ctl *c, const struct kms_verb *v)
{
	auto_text *question = NULL;

	if (v->ask == NULL || c->opt[OPT_YES] != NULL)
		return EXIT_DONE;
	if (!tty_there())
		return ctl_fail(c, KMS_OK,
		    "nothing was done: there is no terminal to ask at; use --yes");
	if ((question = kms_sentence(c, v->ask)) == NULL)
		return ctl_fail(c, KMS_NOMEM, "cannot ask");
	return tty_confirm(question) ? EXIT_DONE : ctl_fail(c, KMS_OK, "nothing was done");
}

#define PAGE_SIZE 100

/* All pages of a list. */
static enum exit_code
list(struct ctl *c, const struct show *show, enum action a, struct fields *req)
{
	struct kms_table *t = kms_table_new(c, show);
	bool paged = kms_takes(a, F_PageNumber);
	enum exit_code code = EXIT_DONE;
	int64_t page = 1, total = 0;

	if (t == NULL)
		return ctl_fail(c, KMS_NOMEM, "cannot list anything");
	do {
		auto_fields res = { 0 };

		if (paged &&
		    (fields_put_number(req, F_PageNumber, page) != KMS_OK ||
			fields_put_number(req, F_PageSize, PAGE_SIZE) != KMS_OK))
			code = ctl_fail(c, KMS_NOMEM, "cannot list anything");
		if (code == EXIT_DONE)
			code = kms_act(c, a, req, &res);
		if (code == EXIT_DONE)
			code = kms_table_add(t, &res);
		total = fields_number(&res, F_TotalCount, 0);
	} while (code == EXIT_DONE && paged && page++ * PAGE_SIZE < total);
	if (code == EXIT_DONE)
		code = kms_table_print(t);
	kms_table_free(t);
	return code;
}

/* What is shown but once must not be lost for a file that cannot be written. */
static enum exit_code
files_open(struct ctl *c, const struct kms_verb *v, enum action a)
{
	enum kms_rc rc = KMS_OK;

	err_clear(&c->call.err);
	for (const struct fill *f = v->fills; f->from != FILL_END && rc == KMS_OK; f++) {
		if (f->from == FILL_TO_FILE && c->opt[f->opt] != NULL &&
		    action_row(a)->rw == ACTION_WRITE)
			rc = file_may_write(c->opt[f->opt], &c->call.err);
	}
	return rc == KMS_OK ? EXIT_DONE : ctl_fail(c, rc, "nothing was done");
}

enum exit_code
cmd_kms(struct ctl *c)
{
	const struct kms_verb *v = c->cmd->kms;
	auto_fields req = { 0 }, res = { 0 };
	enum action action = v->action;
	enum exit_code code;

	if ((code = confirm(c, v)) != EXIT_DONE || (code = kms_begin(c)) != EXIT_DONE ||
	    (code = kms_request(c, v, &action, &req)) != EXIT_DONE)
		return code;
	if (v->show.kind == SHOW_TABLE)
		return list(c, &v->show, action, &req);
	if ((code = files_open(c, v, action)) != EXIT_DONE ||
	    (code = kms_act(c, action, &req, &res)) != EXIT_DONE)
		return code;
	return kms_show(c, v, action, &req, &res);
}
