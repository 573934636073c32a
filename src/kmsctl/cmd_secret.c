/* SPDX-License-Identifier: Apache-2.0 */
/* kmsctl secret rotate-due: what a timer runs, so that secrets rotate though nobody asks. */
#include "kms/local.h"
#include "kmsctl/kms_verb.h"

#define PAGE_SIZE 100

struct failing {
	struct buf first; /* one's name */
	int64_t n;
};

/* Counts NAME if the last rotation that it did by itself failed. */
static enum exit_code
look_at(struct ctl *c, struct slice name, struct failing *f)
{
	auto_fields req = { 0 }, res = { 0 };
	enum exit_code code;

	if (fields_put(&req, F_SecretName, name) != KMS_OK)
		return ctl_fail(c, KMS_NOMEM, "cannot ask about a secret");
	if ((code = kms_act(c, ACTION_DescribeSecret, &req, &res)) != EXIT_DONE)
		return code;
	if (!slice_eq(fields_get(&res, F_AutomaticRotation), slice_str("Invalid")))
		return EXIT_DONE;
	if (f->n++ == 0 && buf_set(&f->first, name) != KMS_OK)
		return ctl_fail(c, KMS_NOMEM, "cannot ask about a secret");
	return EXIT_DONE;
}

static enum exit_code
look_at_all(struct ctl *c, struct failing *f)
{
	enum exit_code code = EXIT_DONE;
	int64_t page = 1, total = 0;

	do {
		auto_fields req = { 0 }, res = { 0 };
		const struct field_value *list;

		if (fields_put_number(&req, F_PageNumber, page) != KMS_OK ||
		    fields_put_number(&req, F_PageSize, PAGE_SIZE) != KMS_OK)
			return ctl_fail(c, KMS_NOMEM, "cannot list the secrets");
		if ((code = kms_act(c, ACTION_ListSecrets, &req, &res)) != EXIT_DONE)
			return code;
		total = fields_number(&res, F_TotalCount, 0);
		list = fields_value(&res, F_SecretList);
		for (size_t i = 0; code == EXIT_DONE && i < list->u.groups.n; i++)
			code = look_at(c, fields_get(&list->u.groups.v[i], F_SecretName), f);
	} while (code == EXIT_DONE && page++ * PAGE_SIZE < total);
	return code;
}

enum exit_code
cmd_secret_rotate_due(struct ctl *c)
{
	struct failing f = { .n = 0 };
	auto_text *name = NULL;
	enum exit_code code;

	if ((code = ctl_login(c)) != EXIT_DONE)
		return code;
	local_tick(c->backend);
	code = look_at_all(c, &f);
	if (code == EXIT_DONE && f.n > 0) {
		name = label_text(buf_slice(&f.first));
		code = ctl_fail(c, KMS_OK,
		    "the rotation of %s failed%s; see why with: kmsctl secret rotate NAME",
		    name == NULL ? "a secret" : name, f.n > 1 ? ", and others" : "");
	}
	buf_free(&f.first);
	return code;
}
