/* SPDX-License-Identifier: Apache-2.0 */
/* kmsctl policy explain: why somebody may do something, or may not. */
#include "kms/local.h"
#include "kmsctl/kms_verb.h"

static enum exit_code
show(struct ctl *c, const struct explanation *e)
{
	static const struct out_column columns[] = {
		{ .key = "allowed", .title = "Allowed", .type = OUT_BOOL },
		{ .key = "explanation", .title = "Explanation", .type = OUT_PROSE },
	};
	auto_out *o = NULL;

	if (c->opt[OPT_JSON] == NULL) {
		auto_text *text = label_text(slice_str(e->text));

		(void)printf("%s\n", text == NULL ? "?" : text);
		return EXIT_DONE;
	}
	if ((o = out_new(c, columns, ARRAY_LEN(columns))) == NULL)
		return ctl_fail(c, KMS_NOMEM, "cannot show the explanation");
	out_row(o);
	out_bool(o, 0, e->allowed);
	out_take(o, 1, label_text(slice_str(e->text)));
	return out_print_records(o);
}

enum exit_code
cmd_policy_explain(struct ctl *c)
{
	struct explain_question q = { .action = slice_str(c->args[0]),
		.resource = slice_str(c->n_args > 1 ? c->args[1] : ""),
		.source_ip = c->opt[OPT_SOURCE_IP] == NULL ? "" : c->opt[OPT_SOURCE_IP] };
	auto_fields context = { 0 };
	struct explanation e;
	enum exit_code code;
	enum kms_rc rc;

	err_clear(&c->call.err);
	rc = kms_put_pairs(c, &context, F_EncryptionContext, OPT_CONTEXT);
	if (rc == KMS_INVALID)
		return ctl_usage(c, "%s", c->call.err.text);
	if (rc != KMS_OK)
		return ctl_fail(c, rc, "cannot ask");
	q.context = fields_get(&context, F_EncryptionContext);
	if ((code = kms_begin(c)) != EXIT_DONE)
		return code;
	rc = local_explain(c->backend, ctl_call(c), &q, &e);
	return rc == KMS_OK ? show(c, &e) : kms_refused(c, rc);
}
