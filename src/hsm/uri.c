/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an HSM's URI: p11-kit parses, here is decided what may stand in it and where the PIN is. */
#define _GNU_SOURCE 1
#include "hsm/uri.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/os.h"

#define PIN_LINE_MAX (PIN_MAX + 2) /* with its end */
#define UNSET_SLOT   ((CK_SLOT_ID)-1)

/* p11-kit passes over queries that it does not know; a misspelt one must not pass. */
static enum kms_rc
check_queries(const char *text, struct call *c)
{
	static const char *const known[] = { "module-path", "pin-source", "pin-value" };
	const char *p = strchr(text, '?');

	while (p != NULL && *p != '\0') {
		size_t len = strcspn(++p, "=&"), i = 0;

		while (i < ARRAY_LEN(known) &&
		    (strlen(known[i]) != len || memcmp(known[i], p, len) != 0))
			i++;
		if (i == ARRAY_LEN(known))
			return call_fail(c, KMS_CONFIG,
			    "an unknown query in the HSM's URI; expected module-path, pin-source or pin-value");
		p = strchr(p, '&');
	}
	return KMS_OK;
}

/* The file's first line. */
static enum kms_rc
read_pin(int fd, const char *path, struct call *c, struct secret *ret)
{
	auto_secret line = { 0 };
	struct err *err = c == NULL ? NULL : &c->err;
	uint8_t *end;
	ssize_t n;
	size_t len;

	TRY(os_check_private(fd, path, true, err));
	TRY(secret_new(PIN_LINE_MAX, &line));
	do
		n = read(fd, line.p, line.len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(err, KMS_CONFIG, "cannot read %s: %m", path);
	end = memchr(line.p, '\n', (size_t)n);
	len = end == NULL ? (size_t)n : (size_t)(end - line.p);
	if (len > 0 && line.p[len - 1] == '\r')
		len--;
	if (len == 0 || len > PIN_MAX)
		return err_set(err, KMS_CONFIG,
		    "the first line of %s is no PIN; expected 1 to %d bytes", path, PIN_MAX);
	return secret_copy(slice_of(line.p, len), ret);
}

/* file:/PATH, file:///PATH (RFC 8089), or /PATH. A |COMMAND would run somebody's code in the
 * application. */
static enum kms_rc
pin_from(const char *source, struct call *c, struct secret *ret)
{
	const char *path = source;
	enum kms_rc rc;
	int fd;

	if (strncmp(path, "file:", 5) == 0)
		path += 5;
	if (strncmp(path, "///", 3) == 0)
		path += 2;
	if (path[0] != '/' || path[1] == '/')
		return call_fail(c, KMS_CONFIG,
		    "pin-source in the HSM's URI is not valid; expected file: and an absolute path");
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) < 0)
		return call_fail(c, KMS_CONFIG, "cannot open the HSM's PIN file %s: %m", path);
	rc = read_pin(fd, path, c, ret);
	close(fd);
	return rc;
}

static enum kms_rc
take_pin(struct hsm_uri *u, struct call *c)
{
	const char *source = p11_kit_uri_get_pin_source(u->token);
	const char *value = p11_kit_uri_get_pin_value(u->token);

	if (source != NULL && value != NULL)
		return call_fail(c, KMS_CONFIG,
		    "the HSM's URI has pin-source and pin-value; expected one of them");
	if (source != NULL)
		return pin_from(source, c, &u->pin);
	TRY(secret_copy(slice_str(value), &u->pin));
	p11_kit_uri_set_pin_value(u->token, NULL);
	return KMS_OK;
}

static enum kms_rc
read_uri(const char *text, struct call *c, struct hsm_uri *u)
{
	const char *path;

	if ((u->token = p11_kit_uri_new()) == NULL)
		return KMS_NOMEM;
	if (p11_kit_uri_parse(text,
		P11_KIT_URI_FOR_TOKEN | P11_KIT_URI_FOR_SLOT | P11_KIT_URI_FOR_MODULE,
		u->token) != P11_KIT_URI_OK)
		return call_fail(c, KMS_CONFIG,
		    "the HSM's URI cannot be read; expected pkcs11:token=LABEL?module-path=PATH (RFC 7512)");
	if (p11_kit_uri_any_unrecognized(u->token))
		return call_fail(c, KMS_CONFIG,
		    "the HSM's URI names more than a token; expected token, serial, manufacturer, model or slot-id");
	TRY(check_queries(text, c));
	path = p11_kit_uri_get_module_path(u->token);
	if (path == NULL || path[0] != '/')
		return call_fail(c, KMS_CONFIG,
		    "module-path in the HSM's URI is not valid; expected the absolute path of its PKCS#11 library");
	if ((u->module_path = strdup(path)) == NULL)
		return KMS_NOMEM;
	return take_pin(u, c);
}

enum kms_rc
hsm_uri_read(const char *text, struct call *c, struct hsm_uri *ret)
{
	auto_hsm_uri u = { 0 };

	TRY(read_uri(text, c, &u));
	*ret = u;
	u = (struct hsm_uri){ 0 }; /* moved */
	return KMS_OK;
}

bool
hsm_uri_matches(const struct hsm_uri *u, CK_SLOT_ID id, const CK_SLOT_INFO *slot,
    const CK_TOKEN_INFO *token)
{
	CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(u->token);

	return (wanted == UNSET_SLOT || wanted == id) &&
	    p11_kit_uri_match_slot_info(u->token, slot) == 1 &&
	    p11_kit_uri_match_token_info(u->token, token) == 1;
}

void
hsm_uri_free(struct hsm_uri *u)
{
	p11_kit_uri_free(u->token);
	free(u->module_path);
	secret_free(&u->pin);
	*u = (struct hsm_uri){ 0 };
}
