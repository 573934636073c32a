/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: what each setting does, what is refused and with which sentence, and which
 * file is read. */
#define _GNU_SOURCE 1
#include "base/conf.h"

#include "base/conf_path.h"
#include "base/os.h"
#include "tests/unit/unit.h"

static struct conf *c;
static struct err err;

static void
setup(void)
{
	c = NULL;
	err_clear(&err);
	unsetenv("KMS_PKCS11_CONF");
	unsetenv("KMS_PKCS11_STORE");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_DATA_HOME");
	setenv("HOME", "/home/somebody", 1);
}

static void
teardown(void)
{
	conf_free(c);
}

/* TEXT without its NUL, ending where memory ends. */
static enum kms_rc
parse(const char *text)
{
	struct slice s = guarded(slice_str(text));

	return conf_parse((const char *)s.p, s.len, "F", &c, &err);
}

START_TEST(no_text_is_one_builtin_token)
{
	CHECK_RC(parse(""), KMS_OK);
	ck_assert_uint_eq(c->n_tokens, 1);
	ck_assert_str_eq(c->tokens[0].name, "");
	ck_assert_uint_eq(c->tokens[0].line, 0);
	ck_assert_str_eq(c->tokens[0].store, "/home/somebody/.local/share/kms-pkcs11/token.db");
	ck_assert_str_eq(c->tokens[0].hsm, "soft");
	ck_assert_int_eq(c->tokens[0].backend, CONF_LOCAL);
	ck_assert_uint_eq(c->tokens[0].pin_cost, 15);
	ck_assert_uint_eq(c->tokens[0].pin_tries, 10);
	ck_assert_uint_eq(c->tokens[0].cache_ms, 1000);
	ck_assert_uint_eq(c->tokens[0].timeout_ms, 10000);
	ck_assert_int_eq(c->tokens[0].slot, 0);
	ck_assert(!c->tokens[0].read_only);
	ck_assert_ptr_null(c->tokens[0].rotate_program);
	ck_assert_int_eq(c->tokens[0].audit, CONF_AUDIT_WRITTEN);
	ck_assert_ptr_null(c->tokens[0].audit_dir);
	ck_assert_int_eq(c->tokens[0].audit_failure, CONF_AUDIT_DEFAULT);
	ck_assert(c->tokens[0].audit_fold);
	ck_assert_ptr_null(c->tokens[0].master_key);
	ck_assert_uint_eq(c->tokens[0].rotate_timeout_ms, 60000);
	ck_assert_int_eq(c->log_level, KMS_LOG_ERROR);
	ck_assert_str_eq(c->log, "stderr");
	ck_assert_int_eq(c->fork, CONF_FORK_REINITIALIZE);
}
END_TEST

START_TEST(every_setting_reaches_its_field)
{
	CHECK_RC(parse("[module]\n"
		       "log-level = debug\n"
		       "log = /var/log/kms.log\n"
		       "fork = reopen\n"
		       "[token one]\n"
		       "backend = local\n"
		       "hsm = pkcs11:token=x;serial=1?module-path=/y.so\n"
		       "hsm-arguments = dir='a b'\n"
		       "hsm-sessions = 1024\n"
		       "store = /srv/one.db\n"
		       "pin-cost = 14\n"
		       "pin-tries = 100\n"
		       "cache-ms = 0\n"
		       "timeout-ms = 600000\n"
		       "slot = 2147483647\n"
		       "rotate-program = /usr/libexec/rotate it\n"
		       "rotate-timeout-ms = 1000\n"
		       "master-key = alias/tde\n"
		       "read-only = yes\n"),
	    KMS_OK);
	ck_assert_str_eq(c->path, "F");
	ck_assert_int_eq(c->log_level, KMS_LOG_DEBUG);
	ck_assert_str_eq(c->log, "/var/log/kms.log");
	ck_assert_int_eq(c->fork, CONF_FORK_REOPEN);
	ck_assert_uint_eq(c->n_tokens, 1);
	ck_assert_str_eq(c->tokens[0].name, "one");
	ck_assert_uint_eq(c->tokens[0].line, 5);
	ck_assert_str_eq(c->tokens[0].hsm, "pkcs11:token=x;serial=1?module-path=/y.so");
	ck_assert_str_eq(c->tokens[0].hsm_arguments, "dir='a b'");
	ck_assert_uint_eq(c->tokens[0].hsm_sessions, 1024);
	ck_assert_str_eq(c->tokens[0].store, "/srv/one.db");
	ck_assert_uint_eq(c->tokens[0].pin_cost, 14);
	ck_assert_uint_eq(c->tokens[0].pin_tries, 100);
	ck_assert_uint_eq(c->tokens[0].cache_ms, 0);
	ck_assert_uint_eq(c->tokens[0].timeout_ms, 600000);
	ck_assert_int_eq(c->tokens[0].slot, 2147483647);
	ck_assert_str_eq(c->tokens[0].rotate_program, "/usr/libexec/rotate it");
	ck_assert_uint_eq(c->tokens[0].rotate_timeout_ms, 1000);
	ck_assert_str_eq(c->tokens[0].master_key, "alias/tde");
	ck_assert(c->tokens[0].read_only);
}
END_TEST

START_TEST(blanks_comments_line_ends_and_indentation_do_not_count)
{
	CHECK_RC(parse("\xef\xbb\xbf# a comment\r\n"
		       "\r\n"
		       "  [module]   ; one more\r\n"
		       "\tlog-level=info\t# and another\r\n"
		       "   ; and another\n"
		       "   log  =  syslog   \n"
		       "[\ttoken  two words ]\n"
		       "   pin-cost = 16\n"
		       "   pin-tries = 4\n"
		       "   read-only = yes ; the last"),
	    KMS_OK);
	ck_assert_int_eq(c->log_level, KMS_LOG_INFO);
	ck_assert_str_eq(c->log, "syslog");
	ck_assert_str_eq(c->tokens[0].name, "two words");
	ck_assert_uint_eq(c->tokens[0].line, 7);
	ck_assert_uint_eq(c->tokens[0].pin_cost, 16);
	ck_assert_uint_eq(c->tokens[0].pin_tries, 4);
	ck_assert(c->tokens[0].read_only);
}
END_TEST

START_TEST(a_hash_or_semicolon_inside_a_word_belongs_to_it)
{
	CHECK_RC(parse("[token t]\nstore = /srv/a;b#c=d:e\n"), KMS_OK);
	ck_assert_str_eq(c->tokens[0].store, "/srv/a;b#c=d:e");
}
END_TEST

START_TEST(tokens_get_slots_by_their_place)
{
	CHECK_RC(parse("[token a]\n[token b]\nslot = 9\n[module]\n[token c]\n"), KMS_OK);
	ck_assert_uint_eq(c->n_tokens, 3);
	ck_assert_int_eq(c->tokens[0].slot, 0);
	ck_assert_int_eq(c->tokens[1].slot, 9);
	ck_assert_int_eq(c->tokens[2].slot, 2);
}
END_TEST

START_TEST(a_tokens_default_store_is_named_after_its_label)
{
	CHECK_RC(
	    parse(
		"[token web-1.prod]\n[token a/../b]\n[token .hidden]\n[token \xe5\xaf\x86 1]\n[token a%2Fb]\n"),
	    KMS_OK);
	ck_assert_str_eq(c->tokens[0].store,
	    "/home/somebody/.local/share/kms-pkcs11/web-1.prod.db");
	ck_assert_str_eq(c->tokens[1].store,
	    "/home/somebody/.local/share/kms-pkcs11/a%2F..%2Fb.db");
	ck_assert_str_eq(c->tokens[2].store, "/home/somebody/.local/share/kms-pkcs11/%2Ehidden.db");
	ck_assert_str_eq(c->tokens[3].store,
	    "/home/somebody/.local/share/kms-pkcs11/%E5%AF%86%201.db");
	ck_assert_str_eq(c->tokens[4].store, "/home/somebody/.local/share/kms-pkcs11/a%252Fb.db");
}
END_TEST

START_TEST(xdg_data_home_moves_stores_when_absolute)
{
	setenv("XDG_DATA_HOME", "/data/", 1);
	CHECK_RC(parse("[token a]\n"), KMS_OK);
	ck_assert_str_eq(c->tokens[0].store, "/data/kms-pkcs11/a.db");
	conf_free(c);
	setenv("XDG_DATA_HOME", "data", 1);
	CHECK_RC(parse("[token a]\n"), KMS_OK);
	ck_assert_str_eq(c->tokens[0].store, "/home/somebody/.local/share/kms-pkcs11/a.db");
}
END_TEST

START_TEST(a_tilde_is_the_home_folder)
{
	CHECK_RC(parse("[module]\nlog = ~/kms.log\n[token a]\nstore = ~/a.db\n"), KMS_OK);
	ck_assert_str_eq(c->log, "/home/somebody/kms.log");
	ck_assert_str_eq(c->tokens[0].store, "/home/somebody/a.db");
}
END_TEST

START_TEST(without_home_the_password_database_is_asked)
{
	char *path;

	unsetenv("HOME");
	CHECK_RC(path_expand("~/x", &path), KMS_OK);
	ck_assert_int_eq(path[0], '/');
	free(path);
}
END_TEST

START_TEST(the_store_variable_is_for_the_builtin_token_alone)
{
	setenv("KMS_PKCS11_STORE", "/env/store.db", 1);
	CHECK_RC(parse("[module]\n"), KMS_OK);
	ck_assert_str_eq(c->tokens[0].store, "/env/store.db");
	conf_free(c);
	CHECK_RC(parse("[token a]\n"), KMS_OK);
	ck_assert_str_eq(c->tokens[0].store, "/home/somebody/.local/share/kms-pkcs11/a.db");
}
END_TEST

START_TEST(a_relative_store_variable_is_refused)
{
	setenv("KMS_PKCS11_STORE", "store.db", 1);
	CHECK_RC(parse(""), KMS_CONFIG);
	ck_assert_str_eq(err.text, "KMS_PKCS11_STORE is not valid; expected an absolute path");
	ck_assert_ptr_null(c);
}
END_TEST

#define LONG_50	 "01234567890123456789012345678901234567890123456789"
#define LONG_200 LONG_50 LONG_50 LONG_50 LONG_50

static const struct {
	const char *text, *error;
} refused[] = {
	{ "x = 1\n",
	    "F:1: a setting outside of any section; expected [module] or [token LABEL] first" },
	{ "\n\n[modul]\n", "F:3: unknown section; expected [module] or [token LABEL]" },
	{ "[]\n", "F:1: unknown section; expected [module] or [token LABEL]" },
	{ "[tokenx]\n", "F:1: unknown section; expected [module] or [token LABEL]" },
	{ "[module\n",
	    "F:1: a section without its closing bracket; expected [module] or [token LABEL]" },
	{ "[module] x\n",
	    "F:1: text after the section's closing bracket; expected the end of the line" },
	{ "[module]\n[token a]\n[module]\n", "F:3: a second section [module]; expected one" },
	{ "[token]\n", "F:1: the token's label is not valid; expected 1 to 32 bytes of UTF-8" },
	{ "[token  ]\n", "F:1: the token's label is not valid; expected 1 to 32 bytes of UTF-8" },
	{ "[token 012345678901234567890123456789012]\n",
	    "F:1: the token's label is not valid; expected 1 to 32 bytes of UTF-8" },
	{ "[token \xff]\n",
	    "F:1: the token's label is not valid; expected 1 to 32 bytes of UTF-8" },
	{ "[token a]\n[token b]\n[token a]\n",
	    "F:3: section [token a] stands in line 1 already; expected another label" },
	{ "[token a]\n[token b]\nslot = 0\n",
	    "F:2: [token b] has slot 0 like [token a]; expected a slot of its own" },
	{ "[token a]\nstore = /x/y\n[token b]\nstore = //x/./y\n",
	    "F:3: [token b] has the same store as [token a]; expected a store of its own" },
	{ "[module]\nlog-levels = debug\n",
	    "F:2: unknown key log-levels; expected fork, log, log-level" },
	{ "[module]\nstore = /x\n", "F:2: unknown key store; expected fork, log, log-level" },
	{ "[token a]\nStore = /x\n",
	    "F:2: unknown key Store; expected audit, audit-dir, audit-failure, audit-fold, backend, cache-ms, hsm, hsm-arguments, hsm-sessions, master-key, pin-cost, pin-tries, read-only, rotate-program, rotate-timeout-ms, slot, store, timeout-ms" },
	{ "[token a]\n= /x\n",
	    "F:2: unknown key ; expected audit, audit-dir, audit-failure, audit-fold, backend, cache-ms, hsm, hsm-arguments, hsm-sessions, master-key, pin-cost, pin-tries, read-only, rotate-program, rotate-timeout-ms, slot, store, timeout-ms" },
	{ "[module]\nlog = stderr\n\nlog = stderr\n",
	    "F:4: log is set twice; expected once in a section" },
	{ "[module]\nlog-level = loud\n",
	    "F:2: log-level is not valid; expected none, error, warning, info or debug" },
	{ "[module]\nlog = kms.log\n",
	    "F:2: log is not valid; expected stderr, syslog or an absolute path" },
	{ "[module]\nlog =\n",
	    "F:2: log is not valid; expected stderr, syslog or an absolute path" },
	{ "[module]\nfork = yes\n", "F:2: fork is not valid; expected reinitialize or reopen" },
	{ "[module]\nlog\n", "F:2: not a setting; expected NAME = VALUE" },
	{ "[module]\nlog\nfork = no\n", "F:2: not a setting; expected NAME = VALUE" },
	{ "[module]\nlog = stderr\n  and more\n", "F:3: not a setting; expected NAME = VALUE" },
	{ "[token a]\nbackend = remote\n",
	    "F:2: backend: this value is not built into this version; expected local" },
	{ "[token a]\nbackend = cloud\n", "F:2: backend is not valid; expected local" },
	{ "[token a]\nhsm = hard\n", "F:2: hsm is not valid; expected soft or a pkcs11: URI" },
	{ "[token a]\nhsm-sessions = 0\n",
	    "F:2: hsm-sessions is not valid; expected a number from 1 to 1024" },
	{ "[token a]\nstore = a.db\n",
	    "F:2: store is not valid; expected an absolute path, or one that starts with ~/" },
	{ "[token a]\nstore = ~other/a.db\n",
	    "F:2: store is not valid; expected an absolute path, or one that starts with ~/" },
	{ "[token a]\npin-cost = 13\n",
	    "F:2: pin-cost is not valid; expected a number from 14 to 22" },
	{ "[token a]\npin-cost = 23\n",
	    "F:2: pin-cost is not valid; expected a number from 14 to 22" },
	{ "[token a]\npin-tries = 2\n",
	    "F:2: pin-tries is not valid; expected a number from 3 to 100" },
	{ "[token a]\npin-tries = 101\n",
	    "F:2: pin-tries is not valid; expected a number from 3 to 100" },
	{ "[token a]\ncache-ms = 60001\n",
	    "F:2: cache-ms is not valid; expected milliseconds from 0 to 60000" },
	{ "[token a]\ncache-ms = -1\n",
	    "F:2: cache-ms is not valid; expected milliseconds from 0 to 60000" },
	{ "[token a]\nmaster-key = tde\n",
	    "F:2: master-key is not valid; expected a key's id, or alias/NAME" },
	{ "[token a]\nmaster-key = alias/\n",
	    "F:2: master-key is not valid; expected a key's id, or alias/NAME" },
	{ "[token a]\nrotate-program = ~/rotate\n",
	    "F:2: rotate-program is not valid; expected an absolute path" },
	{ "[token a]\nrotate-timeout-ms = 999\n",
	    "F:2: rotate-timeout-ms is not valid; expected milliseconds from 1000 to 600000" },
	{ "[token a]\ntimeout-ms = 99\n",
	    "F:2: timeout-ms is not valid; expected milliseconds from 100 to 600000" },
	{ "[token a]\ntimeout-ms = 18446744073709551716\n",
	    "F:2: timeout-ms is not valid; expected milliseconds from 100 to 600000" },
	{ "[token a]\ntimeout-ms = 1e3\n",
	    "F:2: timeout-ms is not valid; expected milliseconds from 100 to 600000" },
	{ "[token a]\nslot = 2147483648\n",
	    "F:2: slot is not valid; expected a number from 0 to 2147483647" },
	{ "[token a]\nslot = 0x1\n",
	    "F:2: slot is not valid; expected a number from 0 to 2147483647" },
	{ "[token a]\nread-only = true\n", "F:2: read-only is not valid; expected yes or no" },
	{ "[token a]\nstore = /\x01\n", "F:2: a control character; expected text" },
	{ "[token a]\nstore = /" LONG_200 "\n",
	    "F:2: the line is too long; expected at most 198 bytes" },
};

START_TEST(what_is_wrong_is_refused_with_line_and_expectation)
{
	CHECK_RC(parse(refused[_i].text), KMS_CONFIG);
	ck_assert_str_eq(err.text, refused[_i].error);
	ck_assert_ptr_null(c);
}
END_TEST

START_TEST(a_value_is_never_repeated_in_an_error)
{
	CHECK_RC(parse("[token a]\nslot = hunter2\n"), KMS_CONFIG);
	ck_assert_ptr_null(strstr(err.text, "hunter2"));
}
END_TEST

START_TEST(lines_up_to_the_limit_are_whole_and_longer_ones_refused)
{
	for (size_t len = 150; len < 1100; len++) {
		char text[1200];
		int n = snprintf(text, sizeof(text), "[token a]\nstore = /%0*d\n", (int)len - 9, 1);

		ck_assert_int_eq(n, (int)len + 11);
		err_clear(&err);
		if (parse(text) == KMS_OK) {
			ck_assert_uint_eq(strlen(c->tokens[0].store), len - 8);
			ck_assert_uint_le(len, 198);
			conf_free(c);
			c = NULL;
		} else {
			ck_assert_uint_gt(len, 198);
			ck_assert_ptr_nonnull(strstr(err.text, "F:2: the line is too long"));
		}
	}
}
END_TEST

START_TEST(a_nul_is_refused)
{
	static const char text[] = "[module]\nlog = stderr\0\n";

	CHECK_RC(conf_parse(text, sizeof(text) - 1, "F", &c, &err), KMS_CONFIG);
	ck_assert_str_eq(err.text, "F:2: a control character; expected text");
}
END_TEST

START_TEST(at_most_64_tokens_are_taken)
{
	auto_buf text = { 0 };

	for (int i = 0; i < CONF_TOKENS_MAX; i++) {
		char line[32];

		ck_assert_int_gt(snprintf(line, sizeof(line), "[token %d]\n", i), 0);
		CHECK_RC(buf_add(&text, slice_str(line)), KMS_OK);
	}
	CHECK_RC(conf_parse((const char *)text.p, text.len, "F", &c, &err), KMS_OK);
	ck_assert_uint_eq(c->n_tokens, CONF_TOKENS_MAX);
	conf_free(c);
	c = NULL;
	CHECK_RC(buf_add(&text, BYTES("[token more]\n")), KMS_OK);
	CHECK_RC(conf_parse((const char *)text.p, text.len, "F", &c, &err), KMS_CONFIG);
	ck_assert_str_eq(err.text, "F:65: too many tokens; expected at most 64");
}
END_TEST

START_TEST(a_long_file_name_keeps_its_end_and_the_sentence)
{
	CHECK_RC(conf_parse("[x]", 3, "/" LONG_200 "/my.conf", &c, &err), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text,
	    "/my.conf:1: unknown section; expected [module] or [token LABEL]"));
	ck_assert_mem_eq(err.text, "...", 3);
}
END_TEST

START_TEST(an_error_may_go_unheard)
{
	CHECK_RC(conf_parse("[x]", 3, "F", &c, NULL), KMS_CONFIG);
	conf_free(NULL);
}
END_TEST

/* -- the example -- */

static char *
example(void)
{
	const char *top = getenv("top_srcdir");
	char *path = os_path_join(top == NULL ? "." : top, "conf/kms-pkcs11.conf"), *text;

	ck_assert_ptr_nonnull(path);
	text = read_file(path);
	free(path);
	return text;
}

START_TEST(the_example_is_valid)
{
	char *text = example();
	enum kms_rc rc = conf_parse(text, strlen(text), "example", &c, &err);

	ck_assert_msg(rc == KMS_OK, "%s", err.text);
	ck_assert_uint_eq(c->n_tokens, 2);
	free(text);
}
END_TEST

START_TEST(what_the_example_shows_behind_a_hash_is_valid_and_the_default)
{
	char *text = example();
	struct conf *plain = NULL;
	unsigned n = 0;
	enum kms_rc rc;

	CHECK_RC(conf_parse(text, strlen(text), "example", &plain, &err), KMS_OK);
	for (char *p = text; (p = strstr(p, "\n#")) != NULL; p++) {
		if (p[2] >= 'a' && p[2] <= 'z') {
			p[1] = ' ';
			n++;
		}
	}
	ck_assert_uint_ge(n, 8);
	rc = conf_parse(text, strlen(text), "example", &c, &err);
	ck_assert_msg(rc == KMS_OK, "%s", err.text);
	ck_assert_int_eq(c->log_level, plain->log_level);
	ck_assert_str_eq(c->log, plain->log);
	ck_assert_int_eq(c->fork, plain->fork);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_str_eq(c->tokens[i].store, plain->tokens[i].store);
		ck_assert_uint_eq(c->tokens[i].pin_cost, plain->tokens[i].pin_cost);
		ck_assert_uint_eq(c->tokens[i].pin_tries, plain->tokens[i].pin_tries);
		ck_assert_uint_eq(c->tokens[i].hsm_sessions, plain->tokens[i].hsm_sessions);
		ck_assert_uint_eq(c->tokens[i].cache_ms, plain->tokens[i].cache_ms);
		ck_assert_uint_eq(c->tokens[i].timeout_ms, plain->tokens[i].timeout_ms);
		ck_assert_int_eq(c->tokens[i].slot, plain->tokens[i].slot);
	}
	conf_free(plain);
	free(text);
}
END_TEST

/* -- which file -- */

/* A configuration whose one token is NAME, at PATH. */
static void
write_conf(const char *path, const char *name, mode_t mode)
{
	char text[64];

	ck_assert_int_gt(snprintf(text, sizeof(text), "[token %s]\n", name), 0);
	write_file(path, text, mode);
}

/* DIR/kms-pkcs11/kms-pkcs11.conf with one token NAME. */
static void
write_user_conf(const char *dir, const char *name)
{
	char *folder = os_path_join(dir, "kms-pkcs11"),
	     *path = os_path_join(folder, "kms-pkcs11.conf");

	CHECK_RC(os_make_dirs(folder, &err), KMS_OK);
	write_conf(path, name, 0600);
	free(folder);
	free(path);
}

START_TEST(the_variable_wins_over_the_application_over_the_users_file)
{
	char *dir = temp_dir(), *by_env = os_path_join(dir, "env.conf"),
	     *by_app = os_path_join(dir, "app.conf");

	write_conf(by_env, "env", 0644);
	write_conf(by_app, "app", 0600);
	write_user_conf(dir, "xdg");
	setenv("XDG_CONFIG_HOME", dir, 1);
	setenv("KMS_PKCS11_CONF", by_env, 1);

	CHECK_RC(conf_load(by_app, &c, &err), KMS_OK);
	ck_assert_str_eq(c->tokens[0].name, "env");
	ck_assert_str_eq(c->path, by_env);
	conf_free(c);

	setenv("KMS_PKCS11_CONF", "", 1); /* as if it were not set */
	CHECK_RC(conf_load(by_app, &c, &err), KMS_OK);
	ck_assert_str_eq(c->tokens[0].name, "app");
	conf_free(c);

	CHECK_RC(conf_load(NULL, &c, &err), KMS_OK);
	ck_assert_str_eq(c->tokens[0].name, "xdg");
	free(dir);
	free(by_env);
	free(by_app);
}
END_TEST

START_TEST(the_users_file_is_in_dot_config_by_default)
{
	char *dir = temp_dir(), *config = os_path_join(dir, ".config");

	write_user_conf(config, "home");
	setenv("HOME", dir, 1);
	CHECK_RC(conf_load(NULL, &c, &err), KMS_OK);
	ck_assert_str_eq(c->tokens[0].name, "home");
	free(dir);
	free(config);
}
END_TEST

START_TEST(without_any_file_there_is_the_builtin_token)
{
	char *dir = temp_dir();

	if (access("/etc/kms-pkcs11/kms-pkcs11.conf", F_OK) == 0)
		return; /* this machine has one */
	setenv("HOME", dir, 1);
	CHECK_RC(conf_load(NULL, &c, &err), KMS_OK);
	ck_assert_ptr_null(c->path);
	ck_assert_uint_eq(c->n_tokens, 1);
	ck_assert_int_eq(strncmp(c->tokens[0].store, dir, strlen(dir)), 0);
	free(dir);
}
END_TEST

START_TEST(a_named_file_must_exist)
{
	CHECK_RC(conf_load("/nowhere/x.conf", &c, &err), KMS_CONFIG);
	ck_assert_str_eq(err.text, "the application names /nowhere/x.conf, which does not exist");
	err_clear(&err);
	setenv("KMS_PKCS11_CONF", "/nowhere/y.conf", 1);
	CHECK_RC(conf_load(NULL, &c, &err), KMS_CONFIG);
	ck_assert_str_eq(err.text, "KMS_PKCS11_CONF names /nowhere/y.conf, which does not exist");
	ck_assert_ptr_null(c);
}
END_TEST

START_TEST(a_file_that_others_can_write_is_refused)
{
	static const mode_t modes[] = { 0620, 0602, 0666 };
	char *dir = temp_dir(), *path = os_path_join(dir, "x.conf");

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		write_conf(path, "a", modes[i]);
		err_clear(&err);
		CHECK_RC(conf_load(path, &c, &err), KMS_CONFIG);
		ck_assert_ptr_nonnull(strstr(err.text, "can be written by others"));
		ck_assert_ptr_null(c);
	}
	write_conf(path, "a", 0644);
	CHECK_RC(conf_load(path, &c, &err), KMS_OK);
	free(dir);
	free(path);
}
END_TEST

START_TEST(a_file_with_an_hsms_pin_is_for_its_owner_alone)
{
	char *dir = temp_dir(), *path = os_path_join(dir, "x.conf");
	const char *with = "[token a]\nhsm = pkcs11:token=x?module-path=/y&pin-value=12345\n",
		   *without = "[token a]\nhsm = pkcs11:token=x?module-path=/y&pin-source=/z\n";

	write_file(path, with, 0644);
	CHECK_RC(conf_load(path, &c, &err), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "can be read by others"));
	ck_assert_ptr_null(strstr(err.text, "12345"));
	ck_assert_ptr_null(c);
	write_file(path, with, 0640);
	CHECK_RC(conf_load(path, &c, &err), KMS_OK);
	conf_free(c);
	write_file(path, without, 0644);
	CHECK_RC(conf_load(path, &c, &err), KMS_OK);
	free(path);
	free(dir);
}
END_TEST

START_TEST(a_folder_a_fifo_and_a_huge_file_are_refused)
{
	char *dir = temp_dir(), *fifo = os_path_join(dir, "fifo"),
	     *huge = os_path_join(dir, "huge");

	CHECK_RC(conf_load(dir, &c, &err), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "is not a regular file"));
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	err_clear(&err);
	CHECK_RC(conf_load(fifo, &c, &err), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "is not a regular file"));
	write_file(huge, "", 0600);
	ck_assert_int_eq(truncate(huge, 2 * (off_t)CONF_FILE_MAX), 0);
	err_clear(&err);
	CHECK_RC(conf_load(huge, &c, &err), KMS_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "is too large"));
	free(dir);
	free(fifo);
	free(huge);
}
END_TEST

START_TEST(paths_are_compared_by_their_parts)
{
	ck_assert(path_same("/a/b", "//a/./b"));
	ck_assert(path_same("/a/b", "/a/b/"));
	ck_assert(path_same("/a/b/.", "/a//b"));
	ck_assert(!path_same("/a/b", "/a/bc"));
	ck_assert(!path_same("/a/b", "/a/b/c"));
	ck_assert(!path_same("/a/.b", "/a/b"));
	ck_assert(!path_same("/a/..", "/a"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf");
	TCase *t = tcase_create("conf");
	const TTest *const tests[] = { no_text_is_one_builtin_token,
		every_setting_reaches_its_field,
		blanks_comments_line_ends_and_indentation_do_not_count,
		a_hash_or_semicolon_inside_a_word_belongs_to_it, tokens_get_slots_by_their_place,
		a_tokens_default_store_is_named_after_its_label,
		xdg_data_home_moves_stores_when_absolute, a_tilde_is_the_home_folder,
		without_home_the_password_database_is_asked,
		the_store_variable_is_for_the_builtin_token_alone,
		a_relative_store_variable_is_refused, a_value_is_never_repeated_in_an_error,
		lines_up_to_the_limit_are_whole_and_longer_ones_refused, a_nul_is_refused,
		at_most_64_tokens_are_taken, a_long_file_name_keeps_its_end_and_the_sentence,
		an_error_may_go_unheard, the_example_is_valid,
		what_the_example_shows_behind_a_hash_is_valid_and_the_default,
		the_variable_wins_over_the_application_over_the_users_file,
		the_users_file_is_in_dot_config_by_default,
		without_any_file_there_is_the_builtin_token, a_named_file_must_exist,
		a_file_that_others_can_write_is_refused,
		a_file_with_an_hsms_pin_is_for_its_owner_alone,
		a_folder_a_fifo_and_a_huge_file_are_refused, paths_are_compared_by_their_parts };

	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	tcase_add_loop_test(t, what_is_wrong_is_refused_with_line_and_expectation, 0,
	    ARRAY_LEN(refused));
	suite_add_tcase(s, t);
	return unit_main(s);
}
