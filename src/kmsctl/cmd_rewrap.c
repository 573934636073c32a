/* SPDX-License-Identifier: Apache-2.0 */
/* kmsctl key rewrap: after a rotation, everything in the token under the newest version. */
#include <inttypes.h>

#include "kms/local.h"
#include "kmsctl/kms_verb.h"

static void
at(void *arg, uint64_t done, uint64_t total)
{
	struct progress *p = arg;

	p->total = total;
	progress_at(p, done);
}

static enum exit_code
show(struct ctl *c, const struct rewrap *r)
{
	static const struct out_column columns[] = {
		{ .key = "key", .title = "Key", .type = OUT_TEXT },
		{ .key = "version", .title = "Version", .type = OUT_TEXT },
		{ .key = "objects", .title = "Objects", .type = OUT_NUMBER },
		{ .key = "rewrapped", .title = "Rewrapped", .type = OUT_NUMBER },
		{ .key = "left", .title = "Left", .type = OUT_NUMBER },
		{ .key = "damaged", .title = "Damaged", .type = OUT_NUMBER },
	};
	const uint64_t numbers[] = { r->objects, r->done, r->left, r->damaged };
	auto_out *o = out_new(c, columns, ARRAY_LEN(columns));

	if (o == NULL)
		return ctl_fail(c, KMS_NOMEM, "it is done, but cannot be told");
	out_row(o);
	out_set(o, 0, r->key);
	out_set(o, 1, r->version);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		out_setf(o, 2 + i, "%" PRIu64, numbers[i]);
	return out_print_records(o);
}

static enum exit_code
tell(struct ctl *c, const struct rewrap *r)
{
	enum exit_code code = EXIT_DONE;

	if (c->opt[OPT_JSON] != NULL)
		code = show(c, r);
	else
		(void)printf("Rewrapped %" PRIu64 " of the %" PRIu64 " objects under the key %s\n",
		    r->done, r->objects, r->key);
	if (code != EXIT_DONE)
		return code;
	if (r->left > 0)
		return ctl_fail(c, KMS_OK,
		    "%" PRIu64 " objects still need an older version of the key; try again, and if "
		    "it stays so, restore them from a backup",
		    r->left);
	if (r->damaged > 0)
		return ctl_fail(c, KMS_OK,
		    "%" PRIu64 " objects are damaged, and may need an older version of the key; "
		    "restore them from a backup",
		    r->damaged);
	if (c->opt[OPT_JSON] == NULL)
		(void)printf("All of them are under its version %s, and none needs an older one\n",
		    r->version);
	return EXIT_DONE;
}

enum exit_code
cmd_key_rewrap(struct ctl *c)
{
	struct slice key = slice_str(c->n_args > 0 ? c->args[0] : "");
	struct progress progress = progress_start("rewrap", -1);
	const struct rewrap_told told = { .at = at, .arg = &progress };
	struct rewrap r;
	enum exit_code code;
	enum kms_rc rc;

	if ((code = ctl_login(c)) != EXIT_DONE)
		return code;
	rc = local_rewrap(c->backend, ctl_call(c), key, &told, &r);
	progress_end(&progress);
	if (rc == KMS_OK)
		return tell(c, &r);
	return c->call.error != E_None
	    ? kms_refused(c, rc)
	    : ctl_fail(c, rc,
		  "cannot rewrap the objects of %s; what is done, %" PRIu64 " of them, stays done",
		  ctl_token_name(c->token), r.done);
}
