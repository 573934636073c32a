/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands of kmsctl share: one run of the program (struct ctl), options and commands as
 * tables, errors for people, PINs, and output as tables or JSON.
 */
#ifndef KMS_KMSCTL_CTL_H
#define KMS_KMSCTL_CTL_H

#include <stdio.h>

#include "api/backend.h"
#include "base/conf.h"

/* How the program ends. */
enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* -- the command line: args.c -- */

enum opt {
#define OPTION(name, letter, value, text) name,
#include "kmsctl/options.def"
#undef OPTION
	OPT_END,
};

struct ctl;
struct kms_verb;

/* What stands for an option in a command's list of them. */
#define BIT(opt) (UINT64_C(1) << (opt))

struct command {
	const char *noun, *verb; /* verb NULL: the noun is the whole command */
	const char *args;	 /* for the synopsis: "[LABEL]" */
	int min_args, max_args;
	uint64_t required, options; /* besides those that every command takes */
	enum exit_code (*run)(struct ctl *c);
	const char *help;	    /* one sentence */
	const struct kms_verb *kms; /* of an action of the KMS; its options are there */
};

/* All commands, in the order that the help shows them. */
extern const struct command commands[];
extern const size_t n_commands;

#define PAIRS_MAX 64

/* One run. */
struct ctl {
	const struct command *cmd;
	const char *opt[OPT_END]; /* the value; "" for a flag that was given; NULL when absent */
	struct {
		enum opt opt;
		const char *value;
	} pairs[PAIRS_MAX]; /* of options that may be given more than once, in their order */
	size_t n_pairs;
	char **args; /* what is left: the command's own arguments */
	int n_args;
	struct conf *conf;
	const struct conf_token *token;
	struct backend *backend;
	struct token_status status;
	struct call call;
	struct {
		char account[17], name[65], id[65];
		struct caller who; /* made of these */
	} as;
};

/*
 * Reads the command line into C. EXIT_DONE: C->cmd says what to run, or is NULL when help, a
 * version or completions were asked for and have been written.
 */
enum exit_code args_parse(struct ctl *c, int argc, char **argv);

/* -- errors and the token: ctl.c -- */

/*
 * Writes the one line of a failure: what could not be done, why (the call's text, or RC's) and what
 * helps. EXIT_FAILED. RC KMS_OK: the text says it all.
 */
enum exit_code ctl_fail(struct ctl *c, enum kms_rc rc, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same for a command line that makes no sense. EXIT_USAGE. */
enum exit_code ctl_usage(struct ctl *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What a person can do about RC, or NULL. Static storage. */
const char *ctl_advice(enum kms_rc rc);

/* The call of the next backend function: no text, the token's deadline. */
struct call *ctl_call(struct ctl *c);

/* Reads the configuration into C->conf. */
enum kms_rc ctl_read_config(struct ctl *c) MUST_USE;
/* The same, unless that is done. Says on failure why, as all of these do. */
enum exit_code ctl_config(struct ctl *c);
/*
 * The token that --token names: its section, or else, as people know tokens by what they named
 * them, its label inside. NULL when the option was not given.
 */
enum exit_code ctl_named_token(struct ctl *c, const struct conf_token **ret);
/* Reads the configuration, chooses the token and opens it. */
enum exit_code ctl_open(struct ctl *c);
/* Opens an initialised token, and logs in as user. */
enum exit_code ctl_login(struct ctl *c);
void ctl_close(struct ctl *c);

/* How people call TOKEN: its section's name, or "the default token" for the built-in one. */
const char *ctl_token_name(const struct conf_token *t);

/* -- objects: objects.c -- */

struct objects {
	struct object *v;
	size_t n;
	size_t damaged; /* that could not be read, and stand not in v */
};
void objects_free(struct objects *o);
#define auto_objects __attribute__((cleanup(objects_free))) struct objects

/* Reads all that match; appends to RET. */
enum kms_rc objects_find(struct ctl *c, const struct object_query *q, struct objects *ret) MUST_USE;
/* Says that some were left out, if so. */
enum exit_code objects_all_there(struct ctl *c, const struct objects *o);

#define KIND_BIT(kind) (1u << (kind))
#define KINDS_KEYS \
	(KIND_BIT(OBJECT_PRIVATE_KEY) | KIND_BIT(OBJECT_PUBLIC_KEY) | KIND_BIT(OBJECT_SECRET_KEY))

/*
 * Every key object of KINDS that the command's LABEL argument (may be NULL) and --id name. Says
 * what is wrong when there is none, or when two objects of one kind answer to the name.
 */
enum exit_code keys_named(struct ctl *c, const char *label, unsigned kinds, struct objects *ret);
/* Refuses (and says so) when a key is called LABEL or has ID already; an empty ID is not looked
 * for. */
enum exit_code keys_must_be_new(struct ctl *c, struct slice label, struct slice id);
/* --id's bytes; nothing when it was not given. */
enum exit_code id_option(struct ctl *c, struct buf *ret);
/* Writes what has just been made, as one record. */
enum exit_code keys_print_made(struct ctl *c, const struct object *v, size_t n);
/* kmsctl key import --from-hsm: cmd_key_adopt.c. */
enum exit_code key_import_from_hsm(struct ctl *c);
/* The one of KIND among them; NULL when there is none. */
const struct object *objects_of_kind(const struct objects *o, enum object_kind kind);

const char *kind_name(enum object_kind kind);
bool kind_parse(const char *text, enum object_kind *ret);
/* Names of flags, one after another with SEPARATOR. Allocated; NULL when out of memory. */
char *usage_text(uint32_t flags, const char *separator);
char *protection_text(uint32_t flags, const char *separator);
/* Label and id as text for people and JSON: valid UTF-8 without control characters. Allocated; NULL
 * when out of memory. */
char *label_text(struct slice label);
char *hex_text(struct slice bytes);
/* The public key's PEM. Allocated; NULL when there is none. */
char *spki_pem(struct slice spki);

/* -- PINs and questions: pin.c -- */

enum pin_role { PIN_USER, PIN_SO };

/*
 * A PIN from --pin-file or --so-pin-file, else KMS_PIN or KMS_SO_PIN, else the terminal, twice if
 * NEW_PIN. Says why when there is none.
 */
enum exit_code pin_get(struct ctl *c, enum pin_role role, bool new_pin, struct secret *ret);
/* One could be had without asking a person. */
bool pin_given(const struct ctl *c, enum pin_role role);
/* There is a terminal to ask at. */
bool tty_there(void);
/* One line from the terminal without echo. KMS_UNAVAILABLE: no terminal; KMS_LIMIT: too long. */
enum kms_rc tty_secret(const char *prompt, struct secret *ret) MUST_USE;
/* Asks; only y or yes is yes. */
bool tty_confirm(const char *question);

/* -- files: file.c -- */

/* Opens for reading; "-" is standard input. -1 with errno. */
int file_open(const char *path);
/* PATH for a person: what "-" stands for. */
const char *file_name(const char *path);
/* A small file (at most 64 KiB) that may hold a secret. "-" is standard input. */
enum kms_rc file_read_secret(const char *path, bool must_be_private, struct secret *ret,
    struct err *err) MUST_USE;
/* Its first line, without its end; borrowed. */
struct slice file_first_line(const struct secret *file);
/* All of FD, at most BUF_MAX. */
enum kms_rc file_read(int fd, const char *name, struct buf *ret, struct err *err) MUST_USE;
/* Writes to PATH, or to standard output when it is NULL or "-". */
enum kms_rc file_write(const char *path, struct slice s, struct err *err) MUST_USE;
/* Makes PATH, for its owner alone, unless it is there; what is in it stays. */
enum kms_rc file_may_write(const char *path, struct err *err) MUST_USE;
/* As file_write, to a file that nobody else can read from then on. */
enum kms_rc file_write_private(const char *path, struct slice s, struct err *err) MUST_USE;

/* Shows how far a long work is, on a terminal only, after the first second. */
struct progress {
	const char *what;
	uint64_t total, started_ms, shown_ms;
	bool on, shown;
};
struct progress progress_start(const char *what, int fd);
void progress_at(struct progress *p, uint64_t done);
void progress_end(struct progress *p);

/* -- output: out.c -- */

enum out_type {
	OUT_TEXT,
	OUT_PROSE, /* text that may be broken into lines on a terminal */
	OUT_NUMBER,
	OUT_BOOL,
	OUT_LIST, /* its items stand between out_separator()s */
};

struct out_column {
	const char *key;   /* in JSON: lower case, never changed */
	const char *title; /* for people */
	enum out_type type;
	bool json_only;
};

struct out;

/* A table with these columns, or JSON. NULL when out of memory. */
struct out *out_new(struct ctl *c, const struct out_column *columns, size_t n);
void out_free(struct out *o);
static inline void
out_free_p(struct out **o)
{
	out_free(*o);
}
#define auto_out __attribute__((cleanup(out_free_p))) struct out

/* A new row, all cells empty; then its cells. Failures are kept until out_print. */
void out_row(struct out *o);
void out_set(struct out *o, size_t column, const char *text);
void out_setf(struct out *o, size_t column, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* As out_set, and frees TEXT; NULL means that memory ran out. */
void out_take(struct out *o, size_t column, char *text);
void out_bool(struct out *o, size_t column, bool value);

/* What stands between the items of an OUT_LIST. */
const char *out_separator(const struct ctl *c);

/* Orders the rows by the text of COLUMN. */
void out_sort(struct out *o, size_t column);

/* Writes everything: one line a row, or (records) one line a fact; or JSON, an array with one
 * object a row. */
enum exit_code out_print(struct out *o);
enum exit_code out_print_records(struct out *o);

/* Nothing was lost on the way to standard output. Says so otherwise. */
enum exit_code out_flush(struct ctl *c);

/* Cleanup for char *. */
void free_text(char **text);
#define auto_text __attribute__((cleanup(free_text))) char

/* -- the commands, one noun a file -- */

/* The name of the N-th signature algorithm; NULL behind the last. */
const char *sign_alg_name(size_t n);

enum exit_code cmd_token_init(struct ctl *c);
enum exit_code cmd_token_list(struct ctl *c);
enum exit_code cmd_token_status(struct ctl *c);
enum exit_code cmd_key_create(struct ctl *c);
enum exit_code cmd_key_list(struct ctl *c);
enum exit_code cmd_key_show(struct ctl *c);
enum exit_code cmd_key_import(struct ctl *c);
enum exit_code cmd_key_delete(struct ctl *c);
enum exit_code cmd_cert_import(struct ctl *c);
enum exit_code cmd_cert_list(struct ctl *c);
enum exit_code cmd_sign(struct ctl *c);
enum exit_code cmd_verify(struct ctl *c);
enum exit_code cmd_random(struct ctl *c);
enum exit_code cmd_audit_tail(struct ctl *c);
enum exit_code cmd_audit_search(struct ctl *c);
enum exit_code cmd_audit_verify(struct ctl *c);
enum exit_code cmd_audit_export(struct ctl *c);
enum exit_code cmd_doctor(struct ctl *c);
enum exit_code cmd_kms(struct ctl *c);
enum exit_code cmd_key_import_material(struct ctl *c);
enum exit_code cmd_backup(struct ctl *c);
enum exit_code cmd_restore(struct ctl *c);
enum exit_code cmd_key_rewrap(struct ctl *c);
enum exit_code cmd_policy_explain(struct ctl *c);
enum exit_code cmd_secret_rotate_due(struct ctl *c);

#endif
