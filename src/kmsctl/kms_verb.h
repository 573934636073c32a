/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that are actions of the KMS: the rows of kms_verbs.def, and the course they share. The
 * words of the command line become fields of a request, the request goes to the backend, and the
 * result is shown; nothing here knows one action from another.
 */
#ifndef KMS_KMSCTL_KMS_VERB_H
#define KMS_KMSCTL_KMS_VERB_H

#include "kmsctl/ctl.h"

/* Where a field's value comes from. */
enum fill_from {
	FILL_END,
	FILL_ARG,	/* an argument */
	FILL_KEY,	/* ... that names a key */
	FILL_ALIAS,	/* ... that is an alias, with or without alias/ */
	FILL_USER,	/* ... that is NAME or ACCOUNT/NAME */
	FILL_FILE_ARG,	/* ... the contents of that file */
	FILL_VALUE,	/* ... a secret's value: the same, in base64 if the option is there */
	FILL_TAGS,	/* all arguments that are left, K=V */
	FILL_WORDS,	/* all arguments that are left */
	FILL_OPT,	/* an option */
	FILL_OPT_USER,	/* ... that is NAME or ACCOUNT/NAME */
	FILL_OPT_FILE,	/* ... the contents of that file */
	FILL_OPT_LIST,	/* ... as a JSON array of one */
	FILL_OR_NEW,	/* ... or random digits */
	FILL_OR_NEWEST, /* ... or the newest version of the key */
	FILL_PAIRS,	/* all of an option's values, K=V */
	FILL_AMONG,	/* true, when the text is among an option's values */
	FILL_WHEN,	/* a constant, when the option is there */
	FILL_UNLESS,	/* true; false when the option is there */
	FILL_FIXED,	/* a constant */
	FILL_TO_FILE,	/* no value: the option's file takes that member of the result */
	FILL_ONE_OF,	/* no value: one of two options must be there */
	FILL_SOME_OF,	/* no value: one of two or both */
	FILL_FLAG,	/* no value: the command's function looks at the option */
};

struct fill {
	enum fill_from from;
	enum field field;
	enum opt opt, other;
	bool needed;
	const char *text; /* the constant */
};

enum show_kind {
	SHOW_RECORD, /* every member of the result */
	SHOW_TABLE,  /* one of its lists */
	SHOW_BYTES,  /* one of its members as it is */
};

#define SHOW_COLUMNS_MAX 8
struct show {
	enum show_kind kind;
	enum field field;   /* the list, or the member */
	enum action detail; /* asked about each KeyId of the list; ACTION_COUNT: nothing */
	enum field columns[SHOW_COLUMNS_MAX]; /* F_COUNT ends them */
};

struct kms_verb {
	enum action action, alternative;
	const struct fill *fills;
	const char *ask, *say;
	struct show show;
};

enum kms_verb_id {
#define VERB(id, ...) KMS_##id,
#include "kmsctl/kms_verbs.def"
#undef VERB
	KMS_VERB_COUNT,
};
extern const struct kms_verb kms_verbs[KMS_VERB_COUNT];

/* The options that V needs, and all that it knows, as BIT()s. */
uint64_t kms_verb_required(const struct kms_verb *v);
uint64_t kms_verb_options(const struct kms_verb *v);

/* -- the course: cmd_kms.c -- */

/* One action for whom --as says. Says why it failed. */
enum exit_code kms_act(struct ctl *c, enum action a, const struct fields *req, struct fields *res);
/* The one line of a refusal: the API's code and sentence, and what helps. EXIT_FAILED. */
enum exit_code kms_refused(struct ctl *c, enum kms_rc rc);
/* Logs in, and finds out who --as is. */
enum exit_code kms_begin(struct ctl *c);

/* -- the request: kms_request.c -- */

/* Chooses the action, and fills REQ. */
enum exit_code kms_request(struct ctl *c, const struct kms_verb *v, enum action *ret_action,
    struct fields *req);
/* A has the parameter, or the member of the result. */
bool kms_takes(enum action a, enum field f);
bool kms_gives(enum action a, enum field f);
/* All values of OPT, K=V, as a JSON object. KMS_INVALID, with what is wrong in the call's text. */
enum kms_rc kms_put_pairs(struct ctl *c, struct fields *req, enum field f, enum opt opt) MUST_USE;
/* NAME or ACCOUNT/NAME. */
enum kms_rc kms_put_user(struct fields *req, const char *text) MUST_USE;

/* -- the result: kms_show.c -- */

/* TEXT with its %1, %2 and %D filled in. Allocated; NULL when out of memory. */
char *kms_sentence(const struct ctl *c, const char *text);
/* Files first, then what the row says. REQ is shown, in JSON, where the action gives nothing. */
enum exit_code kms_show(struct ctl *c, const struct kms_verb *v, enum action a,
    const struct fields *req, const struct fields *res);
/* A list's rows over all pages: begun, added to, ended. */
struct kms_table;
struct kms_table *kms_table_new(struct ctl *c, const struct show *s);
void kms_table_free(struct kms_table *t);
enum exit_code kms_table_add(struct kms_table *t, const struct fields *res);
enum exit_code kms_table_print(struct kms_table *t);

#endif
