/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: the table of commands, and what is made from it: parsing, help, and the words
 * that shells complete. */
#include "kmsctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "api/spec.h"
#include "kms/master_spec.h"
#include "kms/secret.h"
#include "kmsctl/kms_verb.h"

#define EVERYWHERE                                                                              \
	(BIT(OPT_CONFIG) | BIT(OPT_TOKEN) | BIT(OPT_JSON) | BIT(OPT_PIN_FILE) | BIT(OPT_HELP) | \
	    BIT(OPT_VERSION))
/* Those whose "-" is standard input. */
#define READING                                                                \
	(BIT(OPT_PIN_FILE) | BIT(OPT_SO_PIN_FILE) | BIT(OPT_PASSPHRASE_FILE) | \
	    BIT(OPT_SIGNATURE) | BIT(OPT_IMPORT_TOKEN))
#define RECORD_OPTIONS                                                                           \
	(BIT(OPT_SINCE) | BIT(OPT_UNTIL) | BIT(OPT_KEY) | BIT(OPT_ACTION) | BIT(OPT_PRINCIPAL) | \
	    BIT(OPT_RESULT) | BIT(OPT_REQUEST_ID) | BIT(OPT_DIR))
#define KEY_OPTIONS (BIT(OPT_KEY) | BIT(OPT_ID) | BIT(OPT_ALG) | BIT(OPT_RAW))

const struct command commands[] = {
	{ "token", "init", "[LABEL]", 0, 1, 0, BIT(OPT_SO_PIN_FILE) | BIT(OPT_FORCE),
	    cmd_token_init, "make a token: a label, the SO PIN and the user PIN", NULL },
	{ "token", "list", "", 0, 0, 0, 0, cmd_token_list, "show all configured tokens", NULL },
	{ "token", "status", "", 0, 0, 0, 0, cmd_token_status,
	    "show one token, its PINs and what it holds", NULL },
	{ "key", "create", "", 0, 0, BIT(OPT_SPEC) | BIT(OPT_LABEL),
	    BIT(OPT_ID) | BIT(OPT_EXTRACTABLE), cmd_key_create, "generate a key on the token",
	    NULL },
	{ "key", "list", "", 0, 0, 0,
	    BIT(OPT_LABEL) | BIT(OPT_ID) | BIT(OPT_KIND) | BIT(OPT_PUBLIC), cmd_key_list,
	    "show keys", NULL },
	{ "key", "show", "[LABEL]", 0, 1, 0, BIT(OPT_ID) | BIT(OPT_PEM) | BIT(OPT_PUBLIC),
	    cmd_key_show, "show everything about a key, or its public key", NULL },
	{ "key", "import", "FILE|--from-hsm", 0, 1, 0,
	    BIT(OPT_LABEL) | BIT(OPT_ID) | BIT(OPT_EXTRACTABLE) | BIT(OPT_SPEC) | BIT(OPT_RAW) |
		BIT(OPT_PASSPHRASE_FILE) | BIT(OPT_FROM_HSM),
	    cmd_key_import,
	    "put a key from a file on the token: PEM or DER, or with --raw the bytes of a secret key",
	    NULL },
	{ "key", "delete", "[LABEL]", 0, 1, 0, BIT(OPT_ID) | BIT(OPT_YES), cmd_key_delete,
	    "destroy a key, both its halves", NULL },
	{ "cert", "import", "FILE", 1, 1, 0, BIT(OPT_LABEL) | BIT(OPT_ID), cmd_cert_import,
	    "put certificates on the token; label and id are those of the key they certify", NULL },
	{ "cert", "list", "", 0, 0, 0, BIT(OPT_LABEL) | BIT(OPT_ID), cmd_cert_list,
	    "show certificates", NULL },
	{ "sign", NULL, "--key LABEL FILE|-", 1, 1, 0, KEY_OPTIONS | BIT(OPT_OUT), cmd_sign,
	    "sign a file", NULL },
	{ "verify", NULL, "--key LABEL FILE|-", 1, 1, BIT(OPT_SIGNATURE), KEY_OPTIONS, cmd_verify,
	    "verify a signature: says OK, or exits with 1", NULL },
	{ "random", NULL, "BYTES", 1, 1, 0, BIT(OPT_HEX) | BIT(OPT_BASE64) | BIT(OPT_OUT),
	    cmd_random, "write random bytes", NULL },
	{ "backup", NULL, "FILE|-", 1, 1, 0, BIT(OPT_PASSPHRASE_FILE), cmd_backup,
	    "write all of a token to a file, sealed under a passphrase", NULL },
	{ "restore", NULL, "FILE|-", 1, 1, 0,
	    BIT(OPT_PASSPHRASE_FILE) | BIT(OPT_FORCE) | BIT(OPT_YES), cmd_restore,
	    "make a token of a backup, with all that is in it", NULL },
	{ "audit", "tail", "", 0, 0, 0, RECORD_OPTIONS | BIT(OPT_LINES) | BIT(OPT_FOLLOW),
	    cmd_audit_tail, "show the last records of the audit log", NULL },
	{ "audit", "search", "", 0, 0, 0, RECORD_OPTIONS, cmd_audit_search,
	    "show records of the audit log", NULL },
	{ "audit", "verify", "", 0, 0, 0, BIT(OPT_DIR) | BIT(OPT_PUBLIC_KEY), cmd_audit_verify,
	    "find out whether the audit log is as it was written: says OK, or what was done to it, and exits with 1",
	    NULL },
	{ "audit", "export", "", 0, 0, 0, RECORD_OPTIONS | BIT(OPT_CSV) | BIT(OPT_OUT),
	    cmd_audit_export, "write records of the audit log as they stand, or as a table", NULL },
	{ "doctor", NULL, "", 0, 0, 0, BIT(OPT_MODULE), cmd_doctor,
	    "try everything an application needs, and say what to do", NULL },
#define VERB(id, noun, verb, args, min, max, run, act, alternative, fills, ask, say, show, help) \
	{ noun, verb, args, min, max, 0, 0, run, help, &kms_verbs[KMS_##id] },
#include "kmsctl/kms_verbs.def"
#undef VERB
	{ "key", "rewrap", "[KEY]", 0, 1, 0, 0, cmd_key_rewrap,
	    "after a rotation, put all objects under a master key under its newest version", NULL },
	{ "policy", "explain", "ACTION [KEY|SECRET]", 1, 2, 0,
	    BIT(OPT_AS) | BIT(OPT_CONTEXT) | BIT(OPT_SOURCE_IP), cmd_policy_explain,
	    "say whether an action is allowed, by which statement, or what is missing", NULL },
	{ "secret", "rotate-due", "", 0, 0, 0, 0, cmd_secret_rotate_due,
	    "rotate all secrets whose time has come; for a timer to run", NULL },
};
const size_t n_commands = ARRAY_LEN(commands);

static const struct {
	const char *id; /* the enum's name */
	char letter;
	const char *value, *help;
} options[] = {
#define OPTION(name, letter, value, text) { #name, letter, value, text },
#include "kmsctl/options.def"
#undef OPTION
};

_Static_assert(OPT_END <= 64, "sets of options have 64 bits");

#define OPTION_NAME_MAX 32

/* OPT_PIN_FILE is --pin-file. */
static const char *
option_name(size_t opt, char dst[OPTION_NAME_MAX])
{
	const char *s = options[opt].id + strlen("OPT_");
	size_t n = strnlen(s, OPTION_NAME_MAX - 1);

	for (size_t i = 0; i < n; i++)
		dst[i] = s[i] == '_'		 ? '-'
		    : s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] - 'A' + 'a')
						 : s[i];
	dst[n] = '\0';
	return dst;
}

static size_t
option_find(const char *name, size_t len)
{
	char own[OPTION_NAME_MAX];
	size_t i;

	for (i = 0; i < OPT_END; i++) {
		if (strlen(option_name(i, own)) == len && memcmp(own, name, len) == 0)
			break;
	}
	return i;
}

static size_t
option_of_letter(char letter)
{
	size_t i;

	for (i = 0; i < OPT_END && options[i].letter != letter; i++)
		continue;
	return i;
}

static uint64_t
command_options(const struct command *cmd)
{
	return EVERYWHERE | cmd->required | cmd->options |
	    (cmd->kms == NULL ? 0 : kms_verb_options(cmd->kms));
}

static uint64_t
command_required(const struct command *cmd)
{
	return cmd->required | (cmd->kms == NULL ? 0 : kms_verb_required(cmd->kms));
}

/* May be given again and again; all values count. */
static bool
option_repeats(size_t opt)
{
	const char *value = options[opt].value;

	return value != NULL && (strcmp(value, "K=V") == 0 || strcmp(value, "CLASS") == 0);
}

/* -- help -- */

static void
print_options(uint64_t set)
{
	char name[OPTION_NAME_MAX];

	for (size_t i = 0; i < OPT_END; i++) {
		int width = 0;

		if ((set & BIT(i)) == 0)
			continue;
		if (options[i].letter != 0)
			width = printf("  -%c, --%s", options[i].letter, option_name(i, name));
		else
			width = printf("      --%s", option_name(i, name));
		if (options[i].value != NULL)
			width += printf(" %s", options[i].value);
		printf("%*s  %s\n", width < 32 ? 32 - width : 0, "", options[i].help);
	}
}

static void
print_synopsis(const struct command *cmd)
{
	char name[OPTION_NAME_MAX];

	printf("kmsctl %s%s%s", cmd->noun, cmd->verb == NULL ? "" : " ",
	    cmd->verb == NULL ? "" : cmd->verb);
	for (size_t i = 0; i < OPT_END; i++) {
		if ((command_required(cmd) & BIT(i)) != 0)
			printf(" --%s %s", option_name(i, name), options[i].value);
	}
	if (cmd->args[0] != '\0')
		printf(" %s", cmd->args);
}

/* Of one command, of a noun's commands, or (NULL) of all. */
static void
print_help(const struct command *cmd, const char *noun)
{
	if (cmd != NULL) {
		printf("Usage: ");
		print_synopsis(cmd);
		printf(" [OPTION...]\n\n%s: %s.\n\n", cmd->verb == NULL ? cmd->noun : cmd->verb,
		    cmd->help);
		print_options(command_options(cmd));
		return;
	}
	printf(
	    "Usage: kmsctl [--config FILE] [--token LABEL] [--json] NOUN VERB [ARGUMENT...]\n\n");
	for (size_t i = 0; i < n_commands; i++) {
		if (noun != NULL && strcmp(noun, commands[i].noun) != 0)
			continue;
		printf("  ");
		print_synopsis(&commands[i]);
		printf("\n      %s\n", commands[i].help);
	}
	printf("\nFor every command:\n");
	print_options(EVERYWHERE);
	printf(
	    "\nkmsctl NOUN VERB --help shows the options of a command; kmsctl(1) tells everything.\n");
}

/* -- parsing -- */

static enum exit_code
take_option(struct ctl *c, size_t opt, const char *shown, const char *attached, char ***next,
    char **end)
{
	const char *value = attached;

	if (options[opt].value == NULL) {
		if (attached != NULL)
			return ctl_usage(c, "%s takes no value", shown);
		c->opt[opt] = "";
		return EXIT_DONE;
	}
	if (value == NULL) {
		if (*next == end)
			return ctl_usage(c, "%s needs a value: %s", shown, options[opt].value);
		value = *(*next)++;
	}
	if (option_repeats(opt)) {
		if (c->n_pairs == PAIRS_MAX)
			return ctl_usage(c, "%s was given more than %d times", shown, PAIRS_MAX);
		c->pairs[c->n_pairs].opt = (enum opt)opt;
		c->pairs[c->n_pairs++].value = value;
	} else if (c->opt[opt] != NULL) {
		return ctl_usage(c, "%s was given twice", shown);
	}
	c->opt[opt] = value;
	return EXIT_DONE;
}

static bool
is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

/* Which option WORD is, or OPT_END; *VALUE is what is attached to it, NULL when nothing is. */
static size_t
option_of_word(const char *word, const char **value)
{
	size_t len = strcspn(word, "=");

	if (word[1] != '-') {
		*value = word[2] == '\0' ? NULL : word + 2;
		return option_of_letter(word[1]);
	}
	*value = word[len] == '\0' ? NULL : word + len + 1;
	return option_find(word + 2, len - 2);
}

/* Options go to C->opt, everything else moves to the front of ARGV. */
static enum exit_code
split(struct ctl *c, char **argv, char **end)
{
	char **next = argv;

	c->args = argv;
	while (next != end) {
		char *word = *next++;
		char shown[OPTION_NAME_MAX + 3];
		const char *value;
		enum exit_code rc;
		size_t opt;

		if (strcmp(word, "--") == 0) {
			while (next != end)
				c->args[c->n_args++] = *next++;
			break;
		}
		if (!is_option(word)) {
			c->args[c->n_args++] = word;
			continue;
		}
		opt = option_of_word(word, &value);
		(void)snprintf(shown, sizeof(shown), "%.*s",
		    word[1] == '-' ? (int)strcspn(word, "=") : 2, word);
		rc = opt == OPT_END ? ctl_usage(c, "there is no option %s", shown)
				    : take_option(c, opt, shown, value, &next, end);
		if (rc != EXIT_DONE)
			return rc;
	}
	return EXIT_DONE;
}

/* "help" in front of a command is --help. */
static bool
skip_help(struct ctl *c)
{
	if (c->n_args == 0 || strcmp(c->args[0], "help") != 0)
		return false;
	c->args++;
	c->n_args--;
	return true;
}

/*
 * How many words of C's arguments, behind the noun, begin VERB, which may have a blank in it
 * ("policy get"); *REST is what would have to come next, "" when all of it is there.
 */
static int
match_verb(const struct ctl *c, const char *verb, const char **rest)
{
	int n = 0;

	while (*verb != '\0' && n + 1 < c->n_args) {
		const char *word = c->args[n + 1];
		size_t len = strcspn(verb, " ");

		if (strlen(word) != len || memcmp(word, verb, len) != 0)
			break;
		verb += len + (verb[len] == ' ' ? 1 : 0);
		n++;
	}
	*rest = verb;
	return n;
}

/* The command that the first words name; they are taken away. NULL: none, *noun_known tells whether
 * the first was one. */
static const struct command *
take_command(struct ctl *c, bool *noun_known)
{
	*noun_known = false;
	for (size_t i = 0; i < n_commands && c->n_args > 0; i++) {
		const struct command *cmd = &commands[i];
		const char *rest;
		int words;

		if (strcmp(cmd->noun, c->args[0]) != 0)
			continue;
		*noun_known = true;
		words = 1 + match_verb(c, cmd->verb == NULL ? "" : cmd->verb, &rest);
		if (*rest != '\0')
			continue;
		c->args += words;
		c->n_args -= words;
		return cmd;
	}
	return NULL;
}

/* What comes second finds standard input read to its end, and would be taken for empty. */
static bool
reads_stdin_twice(const struct ctl *c)
{
	unsigned n = 0;

	for (size_t i = 0; i < OPT_END; i++) {
		if ((READING & BIT(i)) != 0 && c->opt[i] != NULL && strcmp(c->opt[i], "-") == 0)
			n++;
	}
	for (int i = 0; i < c->n_args && strstr(c->cmd->args, "FILE") != NULL; i++) {
		if (strcmp(c->args[i], "-") == 0)
			n++;
	}
	return n > 1;
}

static enum exit_code
check_arguments(struct ctl *c)
{
	char name[OPTION_NAME_MAX];

	for (size_t i = 0; i < OPT_END; i++) {
		if (c->opt[i] != NULL && (command_options(c->cmd) & BIT(i)) == 0)
			return ctl_usage(c, "this command has no option --%s",
			    option_name(i, name));
		if ((c->opt[i] == NULL || c->opt[i][0] == '\0') &&
		    (command_required(c->cmd) & BIT(i)) != 0)
			return ctl_usage(c, "--%s %s is needed", option_name(i, name),
			    options[i].value);
	}
	if (c->n_args < c->cmd->min_args) {
		const char *last = strrchr(c->cmd->args, ' ');

		return ctl_usage(c, "%s is missing", last == NULL ? c->cmd->args : last + 1);
	}
	if (c->n_args > c->cmd->max_args)
		return ctl_usage(c, "one argument too many: %s", c->args[c->cmd->max_args]);
	/* What is shown as a record has room for both. */
	if (c->opt[OPT_JSON] != NULL && c->opt[OPT_OUT] != NULL &&
	    (c->cmd->kms == NULL || c->cmd->kms->show.kind != SHOW_RECORD))
		return ctl_usage(c, "--json or --out, not both");
	if (reads_stdin_twice(c))
		return ctl_usage(c, "only one file can be - for standard input");
	return EXIT_DONE;
}

/* -- completion: the words that may come next, one a line -- */

static void
complete_value(struct ctl *c, size_t opt)
{
	size_t n = 0;

	switch (opt) {
	case OPT_TOKEN:
		if (ctl_read_config(c) != KMS_OK)
			break;
		for (; n < c->conf->n_tokens; n++) {
			if (c->conf->tokens[n].name[0] != '\0')
				printf("%s\n", c->conf->tokens[n].name);
		}
		break;
	case OPT_USAGE: printf("ENCRYPT/DECRYPT\nSIGN/VERIFY\nGENERATE/VERIFY MAC\n"); break;
	case OPT_SPEC:
		for (const struct spec_row *r = spec_rows(&n); n > 0; n--, r++)
			printf("%s\n", r->name);
		break;
	case OPT_ALG:
		for (const char *name; (name = sign_alg_name(n)) != NULL; n++)
			printf("%s\n", name);
		break;
	case OPT_KIND: printf("private\npublic\nsecret\n"); break;
	case OPT_STAGE: printf("ACSCurrent\nACSPrevious\n"); break;
	case OPT_TYPE:
		for (enum secret_type t = SECRET_GENERIC; t <= SECRET_TYPE_MAX; t++)
			printf("%s\n", secret_type_name(t));
		break;
	case OPT_WITHOUT: printf("lowercase\nuppercase\nnumbers\npunctuation\n"); break;
	default:
		if (strcmp(options[opt].value, "FILE") == 0)
			printf("@file\n"); /* the shell knows files better */
		break;
	}
}

/*
 * As split, over the words before the last one, which is being typed. True when that one is the
 * value of *OPT.
 */
static bool
split_typed(struct ctl *c, int argc, char **argv, size_t *opt)
{
	c->args = argv;
	for (int i = 0; i + 1 < argc; i++) {
		const char *value;

		if (!is_option(argv[i])) {
			argv[c->n_args++] = argv[i];
			continue;
		}
		*opt = option_of_word(argv[i], &value);
		if (*opt == OPT_END || options[*opt].value == NULL)
			continue;
		if (value == NULL && i + 2 == argc)
			return true;
		c->opt[*opt] = value == NULL ? argv[++i] : value;
	}
	return false;
}

static bool
is_first_of_noun(size_t i)
{
	size_t k = 0;

	while (strcmp(commands[k].noun, commands[i].noun) != 0)
		k++;
	return k == i;
}

/* What may come next of the verbs of C's noun. Those that begin alike stand side by side. */
static void
complete_verb(const struct ctl *c)
{
	const char *last = "";

	for (size_t i = 0; i < n_commands; i++) {
		const char *next;
		size_t len;

		if (strcmp(commands[i].noun, c->args[0]) != 0 || commands[i].verb == NULL ||
		    match_verb(c, commands[i].verb, &next) + 1 != c->n_args)
			continue;
		len = strcspn(next, " ");
		if (strncmp(next, last, len + 1) != 0)
			printf("%.*s\n", (int)len, next);
		last = next;
	}
}

/* ARGV: the words so far; the last one is being typed. */
static void
complete(struct ctl *c, int argc, char **argv)
{
	char name[OPTION_NAME_MAX];
	const struct command *cmd;
	bool known;
	size_t opt;

	if (split_typed(c, argc, argv, &opt)) {
		complete_value(c, opt);
		return;
	}
	skip_help(c);
	cmd = take_command(c, &known);
	for (size_t i = 0; i < OPT_END; i++) {
		if (((cmd == NULL ? EVERYWHERE : command_options(cmd)) & BIT(i)) != 0)
			printf("--%s\n", option_name(i, name));
	}
	if (cmd != NULL && strstr(cmd->args, "FILE") != NULL)
		printf("@file\n");
	if (cmd == NULL && known)
		complete_verb(c);
	for (size_t i = 0; cmd == NULL && !known && i < n_commands; i++) {
		if (is_first_of_noun(i))
			printf("%s\n", commands[i].noun);
	}
}

enum exit_code
args_parse(struct ctl *c, int argc, char **argv)
{
	enum exit_code rc;
	bool noun_known;

	if (argc >= 2 && strcmp(argv[1], "--complete") == 0) {
		complete(c, argc - 2, argv + 2);
		return EXIT_DONE;
	}
	if ((rc = split(c, argv + (argc > 0), argv + argc)) != EXIT_DONE)
		return rc;
	if (c->opt[OPT_VERSION] != NULL) {
		printf("kmsctl %s\n", PACKAGE_VERSION);
		return EXIT_DONE;
	}
	if (skip_help(c))
		c->opt[OPT_HELP] = "";
	c->cmd = take_command(c, &noun_known);
	if (c->opt[OPT_HELP] != NULL) {
		print_help(c->cmd, noun_known ? c->args[0] : NULL);
		c->cmd = NULL;
		return EXIT_DONE;
	}
	if (c->cmd != NULL)
		return check_arguments(c);
	if (c->n_args == 0)
		return ctl_usage(c, "what shall be done?");
	if (!noun_known)
		return ctl_usage(c, "there is no command %s", c->args[0]);
	if (c->n_args == 1)
		return ctl_usage(c, "%s needs a verb", c->args[0]);
	return ctl_usage(c, "there is no command %s %s", c->args[0], c->args[1]);
}
