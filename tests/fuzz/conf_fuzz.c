/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration: taken with everything in its limits, or refused with a sentence. */
#define _GNU_SOURCE 1
#include "base/conf.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	/* The default paths must not depend on who runs this. */
	unsetenv("KMS_PKCS11_STORE");
	unsetenv("XDG_DATA_HOME");
	return setenv("HOME", "/home/fuzz", 1);
}

static void
check_token(const struct conf *c, size_t i)
{
	const struct conf_token *t = &c->tokens[i];

	MUST(strlen(t->name) <= 32);
	MUST((t->name[0] == '\0') == (t->line == 0));
	MUST(t->store != NULL && t->store[0] == '/');
	MUST(strcmp(t->hsm, "soft") == 0 || strncmp(t->hsm, "pkcs11:", 7) == 0);
	MUST(t->hsm_sessions >= 1 && t->hsm_sessions <= 1024);
	MUST(t->backend == CONF_LOCAL);
	MUST(t->pin_cost >= 14 && t->pin_cost <= 22);
	MUST(t->pin_tries >= 3 && t->pin_tries <= 100);
	MUST(t->cache_ms <= 60000);
	MUST(t->timeout_ms >= 100 && t->timeout_ms <= 600000);
	MUST(t->slot >= 0 && t->slot <= INT32_MAX);
	for (size_t k = 0; k < i; k++) {
		MUST(strcmp(t->name, c->tokens[k].name) != 0);
		MUST(strcmp(t->store, c->tokens[k].store) != 0);
		MUST(t->slot != c->tokens[k].slot);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *c = NULL;
	struct err err = { 0 };
	enum kms_rc rc = conf_parse((const char *)data, size, "fuzz.conf", &c, &err);

	if (rc != KMS_OK) {
		MUST(rc == KMS_CONFIG && c == NULL);
		MUST(strncmp(err.text, "fuzz.conf", 9) == 0 &&
		    strstr(err.text, "expected") != NULL);
		return 0;
	}
	MUST(err.text[0] == '\0');
	MUST(c->n_tokens >= 1 && c->n_tokens <= CONF_TOKENS_MAX);
	MUST(c->log_level <= KMS_LOG_DEBUG && c->log != NULL);
	for (size_t i = 0; i < c->n_tokens; i++)
		check_token(c, i);
	conf_free(c);
	return 0;
}
