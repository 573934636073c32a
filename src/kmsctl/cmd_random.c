/* SPDX-License-Identifier: Apache-2.0 */
/* kmsctl random: random bytes, as the module's C_GenerateRandom gives them. */
#include "kmsctl/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/codec.h"
#include "crypto/crypto.h"

#define RANDOM_MAX (16u << 20)

enum form { FORM_RAW, FORM_HEX, FORM_BASE64 };

static enum kms_rc
in_form(struct slice bytes, enum form form, struct buf *ret)
{
	auto_text *hex = NULL;

	switch (form) {
	case FORM_RAW: return buf_add(ret, bytes);
	case FORM_HEX:
		hex = hex_text(bytes);
		return hex == NULL ? KMS_NOMEM : buf_add(ret, slice_str(hex));
	case FORM_BASE64: return base64_encode(bytes, ret);
	}
	return KMS_INTERNAL;
}

static enum exit_code
print_json(struct ctl *c, struct slice text, enum form form)
{
	const struct out_column column = { form == FORM_BASE64 ? "base64" : "hex", "", OUT_TEXT,
		false };
	auto_out *o = out_new(c, &column, 1);

	if (o == NULL)
		return ctl_fail(c, KMS_NOMEM, "cannot write the random bytes");
	out_row(o);
	out_take(o, 0, strndup((const char *)text.p, text.len));
	return out_print(o);
}

enum exit_code
cmd_random(struct ctl *c)
{
	const char *out = c->opt[OPT_OUT];
	bool to_terminal = (out == NULL || strcmp(out, "-") == 0) && isatty(STDOUT_FILENO) == 1;
	auto_buf bytes = { 0 }, text = { 0 };
	enum form form = FORM_RAW;
	uint8_t *p = NULL;
	char *end = NULL;
	unsigned long n;
	enum kms_rc rc;

	errno = 0;
	n = strtoul(c->args[0], &end, 10);
	if (c->args[0][0] < '0' || c->args[0][0] > '9' || *end != '\0' || errno != 0 || n == 0 ||
	    n > RANDOM_MAX)
		return ctl_usage(c, "how many bytes: a number from 1 to %u", RANDOM_MAX);
	if (c->opt[OPT_HEX] != NULL && c->opt[OPT_BASE64] != NULL)
		return ctl_usage(c, "--hex or --base64, not both");
	if (c->opt[OPT_BASE64] != NULL)
		form = FORM_BASE64;
	else if (c->opt[OPT_HEX] != NULL || c->opt[OPT_JSON] != NULL || to_terminal)
		form = FORM_HEX; /* raw bytes could garble a terminal, and are no JSON */

	if ((rc = buf_extend(&bytes, n, &p)) == KMS_OK && (rc = crypto_random(p, n)) == KMS_OK)
		rc = in_form(buf_slice(&bytes), form, &text);
	if (rc == KMS_OK && c->opt[OPT_JSON] != NULL)
		return print_json(c, buf_slice(&text), form);
	if (rc == KMS_OK && form != FORM_RAW)
		rc = buf_add_byte(&text, '\n');
	err_clear(&c->call.err);
	if (rc == KMS_OK)
		rc = file_write(out, buf_slice(&text), &c->call.err);
	return rc == KMS_OK ? EXIT_DONE : ctl_fail(c, rc, "cannot write the random bytes");
}
