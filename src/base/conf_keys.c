/* SPDX-License-Identifier: Apache-2.0 */
/* The settings as two tables, and the reading of their values. An error never repeats the value: it
 * may be a misplaced secret. */
#include "base/conf_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_path.h"

/* One setting. set: KMS_INVALID, KMS_NOTSUP (a value of later versions), KMS_NOTFOUND (no home
 * folder), KMS_NOMEM. */
struct key {
	const char *name;
	enum kms_rc (*set)(const struct key *k, void *field, const char *value);
	size_t offset;	      /* of the field in struct conf or struct conf_token */
	uint64_t min, max;    /* numbers */
	const char *expected; /* what stands in the error */
};

struct choice {
	const char *name;
	unsigned value;
};

static enum kms_rc
choose(const struct choice *v, size_t n, const char *value, unsigned *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i].name, value) == 0) {
			*ret = v[i].value;
			return KMS_OK;
		}
	}
	return KMS_INVALID;
}

/* Decimal digits alone, between the key's limits. */
static enum kms_rc
number(const struct key *k, const char *value, uint64_t *ret)
{
	uint64_t n = 0;

	for (const char *p = value; *p != '\0'; p++) {
		if (*p < '0' || *p > '9' || n > k->max / 10)
			return KMS_INVALID;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	if (n < k->min || n > k->max)
		return KMS_INVALID;
	*ret = n;
	return KMS_OK;
}

static enum kms_rc
set_unsigned(const struct key *k, void *field, const char *value)
{
	uint64_t n;

	TRY(number(k, value, &n));
	*(unsigned *)field = (unsigned)n;
	return KMS_OK;
}

static enum kms_rc
set_u64(const struct key *k, void *field, const char *value)
{
	return number(k, value, field);
}

static enum kms_rc
set_long(const struct key *k, void *field, const char *value)
{
	uint64_t n;

	TRY(number(k, value, &n));
	*(long *)field = (long)n;
	return KMS_OK;
}

static enum kms_rc
set_bool(const struct key *k UNUSED, void *field, const char *value)
{
	static const struct choice words[] = { { "no", false }, { "yes", true } };
	unsigned v;

	TRY(choose(words, ARRAY_LEN(words), value, &v));
	*(bool *)field = v;
	return KMS_OK;
}

static enum kms_rc
set_backend(const struct key *k UNUSED, void *field, const char *value)
{
	static const struct choice words[] = { { "local", CONF_LOCAL }, { "remote", CONF_REMOTE } };
	unsigned v;

	TRY(choose(words, ARRAY_LEN(words), value, &v));
	if (v == CONF_REMOTE)
		return KMS_NOTSUP;
	*(enum conf_backend *)field = (enum conf_backend)v;
	return KMS_OK;
}

static enum kms_rc
set_audit(const struct key *k UNUSED, void *field, const char *value)
{
	static const struct choice words[] = {
		{ "off", CONF_AUDIT_OFF },
		{ "batched", CONF_AUDIT_BATCHED },
		{ "written", CONF_AUDIT_WRITTEN },
		{ "durable", CONF_AUDIT_DURABLE },
	};
	unsigned v;

	TRY(choose(words, ARRAY_LEN(words), value, &v));
	*(enum conf_audit *)field = (enum conf_audit)v;
	return KMS_OK;
}

static enum kms_rc
set_audit_failure(const struct key *k UNUSED, void *field, const char *value)
{
	static const struct choice words[] = {
		{ "refuse", CONF_AUDIT_REFUSE },
		{ "continue", CONF_AUDIT_CONTINUE },
	};
	unsigned v;

	TRY(choose(words, ARRAY_LEN(words), value, &v));
	*(enum conf_audit_failure *)field = (enum conf_audit_failure)v;
	return KMS_OK;
}

static enum kms_rc
set_fork(const struct key *k UNUSED, void *field, const char *value)
{
	static const struct choice words[] = {
		{ "reinitialize", CONF_FORK_REINITIALIZE },
		{ "reopen", CONF_FORK_REOPEN },
	};
	unsigned v;

	TRY(choose(words, ARRAY_LEN(words), value, &v));
	*(enum conf_fork *)field = (enum conf_fork)v;
	return KMS_OK;
}

static enum kms_rc
set_log_level(const struct key *k UNUSED, void *field, const char *value)
{
	return log_level_parse(value, field) ? KMS_OK : KMS_INVALID;
}

static enum kms_rc
set_string(char **field, const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return KMS_NOMEM;
	free(*field);
	*field = copy;
	return KMS_OK;
}

static enum kms_rc
set_path(const struct key *k UNUSED, void *field, const char *value)
{
	char **string = field, *path;

	TRY(path_expand(value, &path));
	free(*string);
	*string = path;
	return KMS_OK;
}

/* Run as it stands: no home folder stands for a part of it. */
static enum kms_rc
set_program(const struct key *k UNUSED, void *field, const char *value)
{
	return value[0] == '/' ? set_string(field, value) : KMS_INVALID;
}

/* Whether there is such a key is seen when it is needed: the store may not be there yet. */
static enum kms_rc
set_master_key(const struct key *k UNUSED, void *field, const char *value)
{
	bool alias = strncmp(value, "alias/", 6) == 0 && value[6] != '\0';

	return alias || strlen(value) == 36 ? set_string(field, value) : KMS_INVALID;
}

static enum kms_rc
set_log(const struct key *k, void *field, const char *value)
{
	if (strcmp(value, "stderr") == 0 || strcmp(value, "syslog") == 0)
		return set_string(field, value);
	return set_path(k, field, value);
}

/* What stands in a URI is for the driver to judge. */
static enum kms_rc
set_hsm(const struct key *k UNUSED, void *field, const char *value)
{
	return strcmp(value, "soft") == 0 || strncmp(value, "pkcs11:", 7) == 0
	    ? set_string(field, value)
	    : KMS_INVALID;
}

static enum kms_rc
set_text(const struct key *k UNUSED, void *field, const char *value)
{
	return set_string(field, value);
}

/* -- the keys -- */

#define MODULE(field) offsetof(struct conf, field)
#define TOKEN(field)  offsetof(struct conf_token, field)

static const struct key module_keys[] = {
	{ "fork", set_fork, MODULE(fork), 0, 0, "reinitialize or reopen" },
	{ "log", set_log, MODULE(log), 0, 0, "stderr, syslog or an absolute path" },
	{ "log-level", set_log_level, MODULE(log_level), 0, 0,
	    "none, error, warning, info or debug" },
};

static const struct key token_keys[] = {
	{ "audit", set_audit, TOKEN(audit), 0, 0, "off, batched, written or durable" },
	{ "audit-dir", set_path, TOKEN(audit_dir), 0, 0,
	    "an absolute path, or one that starts with ~/" },
	{ "audit-failure", set_audit_failure, TOKEN(audit_failure), 0, 0, "refuse or continue" },
	{ "audit-fold", set_bool, TOKEN(audit_fold), 0, 0, "yes or no" },
	{ "backend", set_backend, TOKEN(backend), 0, 0, "local" },
	{ "cache-ms", set_u64, TOKEN(cache_ms), 0, 60000, "milliseconds from 0 to 60000" },
	{ "hsm", set_hsm, TOKEN(hsm), 0, 0, "soft or a pkcs11: URI" },
	{ "hsm-arguments", set_text, TOKEN(hsm_arguments), 0, 0, "what the HSM's library wants" },
	{ "hsm-sessions", set_unsigned, TOKEN(hsm_sessions), 1, 1024, "a number from 1 to 1024" },
	{ "master-key", set_master_key, TOKEN(master_key), 0, 0, "a key's id, or alias/NAME" },
	{ "pin-cost", set_unsigned, TOKEN(pin_cost), 14, 22, "a number from 14 to 22" },
	{ "pin-tries", set_unsigned, TOKEN(pin_tries), 3, 100, "a number from 3 to 100" },
	{ "read-only", set_bool, TOKEN(read_only), 0, 0, "yes or no" },
	{ "rotate-program", set_program, TOKEN(rotate_program), 0, 0, "an absolute path" },
	{ "rotate-timeout-ms", set_u64, TOKEN(rotate_timeout_ms), 1000, 600000,
	    "milliseconds from 1000 to 600000" },
	{ "slot", set_long, TOKEN(slot), 0, INT32_MAX, "a number from 0 to 2147483647" },
	{ "store", set_path, TOKEN(store), 0, 0, "an absolute path, or one that starts with ~/" },
	{ "timeout-ms", set_u64, TOKEN(timeout_ms), 100, 600000,
	    "milliseconds from 100 to 600000" },
};

static const struct {
	const struct key *keys;
	size_t n;
} sections[] = {
	[CONF_SECTION_MODULE] = { module_keys, ARRAY_LEN(module_keys) },
	[CONF_SECTION_TOKEN] = { token_keys, ARRAY_LEN(token_keys) },
};

static enum kms_rc
unknown_key(enum conf_section section, const char *name, struct err *why)
{
	char names[sizeof(why->text)] = ""; /* what does not fit here, does not fit there */
	size_t used = 0;

	for (size_t i = 0; i < sections[section].n && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
		    i == 0 ? "" : ", ", sections[section].keys[i].name);
	return err_set(why, KMS_CONFIG, "unknown key %.20s; expected %s", name, names);
}

static enum kms_rc
set_field(const struct key *k, void *field, const char *value, struct err *why)
{
	enum kms_rc rc = value == NULL || value[0] == '\0' ? KMS_INVALID : k->set(k, field, value);

	if (rc == KMS_OK || rc == KMS_NOMEM)
		return rc;
	if (rc == KMS_NOTFOUND)
		return err_set(why, KMS_CONFIG,
		    "%s: no home folder is known for ~/; expected an absolute path", k->name);
	if (rc == KMS_NOTSUP)
		return err_set(why, KMS_CONFIG,
		    "%s: this value is not built into this version; expected %s", k->name,
		    k->expected);
	return err_set(why, KMS_CONFIG, "%s is not valid; expected %s", k->name, k->expected);
}

enum kms_rc
conf_key_set(enum conf_section section, void *base, unsigned *seen, const char *name,
    const char *value, struct err *why)
{
	for (unsigned i = 0; i < sections[section].n; i++) {
		const struct key *k = &sections[section].keys[i];

		if (strcmp(name, k->name) != 0)
			continue;
		if ((*seen & 1u << i) != 0)
			return err_set(why, KMS_CONFIG,
			    "%s is set twice; expected once in a section", k->name);
		*seen |= 1u << i;
		return set_field(k, (char *)base + k->offset, value, why);
	}
	return unknown_key(section, name, why);
}
