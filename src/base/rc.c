/* SPDX-License-Identifier: Apache-2.0 */
/* Names and texts of results, and the sentence that travels with an error. */
#include "base/rc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *text;
} results[] = {
#define RC(name, text) [name] = { #name, text },
#include "base/rc.def"
#undef RC
};

const char *
rc_name(enum kms_rc rc)
{
	return (size_t)rc < ARRAY_LEN(results) ? results[rc].name : "KMS_?";
}

const char *
rc_text(enum kms_rc rc)
{
	return (size_t)rc < ARRAY_LEN(results) ? results[rc].text : "an unknown result";
}

enum kms_rc
err_set(struct err *err, enum kms_rc rc, const char *fmt, ...)
{
	static const char cut[] = "...";
	int saved = errno, len;
	va_list ap;

	if (err == NULL || err->text[0] != '\0')
		return rc;
	va_start(ap, fmt);
	len = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (len < 0)
		err->text[0] = '\0';
	if (len >= (int)sizeof(err->text))
		memcpy(err->text + sizeof(err->text) - sizeof(cut), cut, sizeof(cut));
	errno = saved;
	return rc;
}

void
err_clear(struct err *err)
{
	if (err != NULL)
		err->text[0] = '\0';
}
