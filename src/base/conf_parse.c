/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration's text into struct conf. Lines and sections are ours, so that every error has
 * its line and nothing is cut; inih splits a line into name and value.
 */
#define _GNU_SOURCE 1
#include "base/conf.h"

#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/conf_keys.h"
#include "base/conf_path.h"
#include "base/os.h"

#define LABEL_MAX 32

struct parser {
	struct slice rest; /* of the text */
	const char *name;  /* of the file, for errors */
	unsigned line;	   /* the one that inih was given last */
	bool setting;	   /* it must reach the handler */
	enum conf_section section;
	bool module_seen;
	unsigned seen; /* one bit a key of the present section */
	struct conf *c;
	enum kms_rc rc;
	struct err *err;
};

/* -- errors -- */

static void fail_at(struct parser *p, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void
fail_at(struct parser *p, unsigned line, const char *fmt, ...)
{
	/* The end of a long path tells more than its beginning, and the sentence must still fit. */
	const size_t len = strlen(p->name), keep = 96;
	const char *tail = len > keep ? p->name + len - keep : p->name;
	char text[sizeof(p->err->text)];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	p->rc = err_set(p->err, KMS_CONFIG, "%s%s:%u: %s", tail == p->name ? "" : "...", tail, line,
	    text);
}

#define fail(p, ...) fail_at((p), (p)->line, __VA_ARGS__)

/* One setting, from inih. The section's name that inih tells is not needed: see next_line. */
static int
handle(void *user, const char *section UNUSED, const char *name, const char *value)
{
	struct parser *p = user;
	struct err why = { 0 };
	void *base = p->c;
	enum kms_rc rc;

	p->setting = false;
	if (p->rc != KMS_OK)
		return 0;
	if (p->section == CONF_SECTION_NONE) {
		fail(p,
		    "a setting outside of any section; expected [module] or [token LABEL] first");
		return 0;
	}
	if (p->section == CONF_SECTION_TOKEN)
		base = &p->c->tokens[p->c->n_tokens - 1];
	rc = conf_key_set(p->section, base, &p->seen, name, value, &why);
	if (rc == KMS_CONFIG)
		fail(p, "%s", why.text);
	else
		p->rc = rc;
	return p->rc == KMS_OK;
}

/* -- sections -- */

static bool
blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct slice
trim(struct slice s)
{
	while (s.len > 0 && blank(s.p[0]))
		s = slice_of(s.p + 1, s.len - 1);
	while (s.len > 0 && blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

static void
begin_token(struct parser *p, struct slice label)
{
	struct conf_token *t;

	if (label.len == 0 || label.len > LABEL_MAX || !utf8_valid(label)) {
		fail(p, "the token's label is not valid; expected 1 to %d bytes of UTF-8",
		    LABEL_MAX);
		return;
	}
	for (size_t i = 0; i < p->c->n_tokens; i++) {
		if (slice_eq(label, slice_str(p->c->tokens[i].name))) {
			fail(p,
			    "section [token %s] stands in line %u already; expected another label",
			    p->c->tokens[i].name, p->c->tokens[i].line);
			return;
		}
	}
	if (p->c->n_tokens == CONF_TOKENS_MAX) {
		fail(p, "too many tokens; expected at most %d", CONF_TOKENS_MAX);
		return;
	}
	t = &p->c->tokens[p->c->n_tokens];
	if ((t->name = strndup((const char *)label.p, label.len)) == NULL) {
		p->rc = KMS_NOMEM;
		return;
	}
	t->slot = (long)p->c->n_tokens++;
	t->line = p->line;
	p->section = CONF_SECTION_TOKEN;
}

static void
begin_section(struct parser *p, struct slice line)
{
	const uint8_t *end = memchr(line.p, ']', line.len);
	struct slice title, after;

	p->seen = 0;
	if (end == NULL) {
		fail(p,
		    "a section without its closing bracket; expected [module] or [token LABEL]");
		return;
	}
	title = trim(slice_of(line.p + 1, (size_t)(end - line.p) - 1));
	after = slice_of(end + 1, line.len - (size_t)(end - line.p) - 1);
	if (after.len > 0) {
		fail(p, "text after the section's closing bracket; expected the end of the line");
	} else if (slice_eq(title, slice_str("module"))) {
		if (p->module_seen)
			fail(p, "a second section [module]; expected one");
		p->module_seen = true;
		p->section = CONF_SECTION_MODULE;
	} else if (slice_eq(title, slice_str("token"))) {
		begin_token(p, slice_str(NULL));
	} else if (title.len > 5 && memcmp(title.p, "token", 5) == 0 && blank(title.p[5])) {
		begin_token(p, trim(slice_of(title.p + 5, title.len - 5)));
	} else {
		fail(p, "unknown section; expected [module] or [token LABEL]");
	}
}

/* -- lines -- */

static struct slice
take_line(struct slice *rest)
{
	const uint8_t *end = memchr(rest->p, '\n', rest->len);
	struct slice line = slice_of(rest->p, end == NULL ? rest->len : (size_t)(end - rest->p));
	size_t used = line.len + (end == NULL ? 0 : 1);

	*rest = slice_of(rest->p + used, rest->len - used);
	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	return trim(line);
}

static bool
has_control(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return true;
	}
	return false;
}

/* Without the comment that starts with ; or # after a blank. */
static struct slice
cut_comment(struct slice line)
{
	for (size_t i = 1; i < line.len; i++) {
		if (blank(line.p[i - 1]) && (line.p[i] == ';' || line.p[i] == '#'))
			return trim(slice_of(line.p, i));
	}
	return line;
}

/* The line given last was neither a setting to inih nor anything else. */
static void
check_last(struct parser *p)
{
	if (p->rc == KMS_OK && p->setting)
		fail(p, "not a setting; expected NAME = VALUE");
	p->setting = false;
}

/*
 * fgets for inih: one line a call. Leading blanks are gone, so that an indented line is not taken
 * for the continuation of the one before; sections and comments are dealt with here and come to
 * inih as empty lines; a line longer than inih's buffer, which it would cut in two, is refused.
 */
static char *
next_line(char *dst, int cap, void *user)
{
	struct parser *p = user;
	struct slice line;

	check_last(p);
	if (p->rc != KMS_OK || p->rest.len == 0 || cap < 3)
		return NULL;
	line = cut_comment(take_line(&p->rest));
	p->line++;
	if (has_control(line))
		fail(p, "a control character; expected text");
	else if (line.len == 0 || line.p[0] == '#' || line.p[0] == ';')
		line.len = 0;
	else if (line.p[0] == '[')
		begin_section(p, line);
	else if (line.len > (size_t)cap - 2)
		fail(p, "the line is too long; expected at most %d bytes", cap - 2);
	else
		p->setting = true;
	if (p->rc != KMS_OK)
		return NULL;
	if (!p->setting)
		line.len = 0;
	if (line.len > 0)
		memcpy(dst, line.p, line.len);
	dst[line.len] = '\n';
	dst[line.len + 1] = '\0';
	return dst;
}

/* -- the whole -- */

static enum kms_rc
builtin_store(char **ret, struct err *err)
{
	const char *env = os_env("KMS_PKCS11_STORE");
	enum kms_rc rc = env == NULL ? path_user_store("", ret) : path_expand(env, ret);

	if (rc == KMS_NOTFOUND)
		return err_set(err, KMS_CONFIG,
		    "no home folder is known for the token's store; expected KMS_PKCS11_STORE, XDG_DATA_HOME or HOME");
	if (rc == KMS_INVALID)
		return err_set(err, KMS_CONFIG,
		    "KMS_PKCS11_STORE is not valid; expected an absolute path");
	return rc;
}

/* Without a token section there is the built-in token. */
static void
add_builtin(struct parser *p)
{
	struct conf_token *t = &p->c->tokens[0];

	if ((t->name = strdup("")) == NULL)
		p->rc = KMS_NOMEM;
	else
		p->rc = builtin_store(&t->store, p->err);
	p->c->n_tokens = 1;
}

/* Fills in what T does not set itself. */
static void
add_defaults(struct parser *p, struct conf_token *t)
{
	enum kms_rc rc = KMS_OK;

	if (t->hsm == NULL && (t->hsm = strdup("soft")) == NULL) {
		p->rc = KMS_NOMEM;
		return;
	}
	if (t->store == NULL)
		rc = path_user_store(t->name, &t->store);
	if (rc == KMS_NOTFOUND)
		fail_at(p, t->line,
		    "no home folder is known for the store of [token %s]; expected store = PATH",
		    t->name);
	else
		p->rc = rc;
}

/* Fills in token I and compares it with those before. */
static void
complete_token(struct parser *p, size_t i)
{
	struct conf_token *t = &p->c->tokens[i];

	add_defaults(p, t);
	for (size_t k = 0; k < i && p->rc == KMS_OK; k++) {
		const struct conf_token *other = &p->c->tokens[k];

		if (other->slot == t->slot)
			fail_at(p, t->line,
			    "[token %s] has slot %ld like [token %s]; expected a slot of its own",
			    t->name, t->slot, other->name);
		else if (path_same(other->store, t->store))
			fail_at(p, t->line,
			    "[token %s] has the same store as [token %s]; expected a store of its own",
			    t->name, other->name);
	}
}

static struct conf *
conf_new(const char *name)
{
	struct conf *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->tokens = calloc(CONF_TOKENS_MAX, sizeof(*c->tokens));
	c->log_level = KMS_LOG_ERROR;
	c->log = strdup("stderr");
	c->path = name == NULL ? NULL : strdup(name);
	if (c->tokens == NULL || c->log == NULL || (name != NULL && c->path == NULL)) {
		conf_free(c);
		return NULL;
	}
	for (size_t i = 0; i < CONF_TOKENS_MAX; i++)
		c->tokens[i] = (struct conf_token){ .pin_cost = 15,
			.pin_tries = 10,
			.cache_ms = 1000,
			.timeout_ms = 10000,
			.rotate_timeout_ms = 60000,
			.audit = CONF_AUDIT_WRITTEN,
			.audit_fold = true,
			.hsm_sessions = 64 };
	return c;
}

enum kms_rc
conf_parse(const char *text, size_t len, const char *name, struct conf **ret, struct err *err)
{
	struct parser p = {
		.rest = slice_of(text, len), .name = name == NULL ? "" : name, .err = err
	};
	int left;

	if (len > CONF_FILE_MAX)
		return err_set(err, KMS_CONFIG, "%s is too large; expected at most %u bytes",
		    p.name, CONF_FILE_MAX);
	if ((p.c = conf_new(name)) == NULL)
		return KMS_NOMEM;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
		p.rest = slice_of(text + 3, len - 3);
	left = ini_parse_stream(next_line, &p, handle, &p);
	check_last(&p);
	if (p.rc == KMS_OK && left == -2)
		p.rc = KMS_NOMEM;
	else if (p.rc == KMS_OK && (left != 0 || p.rest.len > 0))
		fail(&p, "cannot be read; expected NAME = VALUE");
	if (p.rc == KMS_OK && p.c->n_tokens == 0)
		add_builtin(&p);
	for (size_t i = 0; i < p.c->n_tokens && p.rc == KMS_OK; i++)
		complete_token(&p, i);
	if (p.rc != KMS_OK) {
		conf_free(p.c);
		return p.rc;
	}
	*ret = p.c;
	return KMS_OK;
}
