/* SPDX-License-Identifier: Apache-2.0 */
/* kmsctl key import --from-hsm: a key that is in the token's HSM already becomes one of the
 * token's. */
#include "api/spec.h"
#include "kms/local.h"
#include "kmsctl/ctl.h"
#include "kmsctl/record.h"

/* -- showing -- */

static enum exit_code
show_found(struct ctl *c, const struct hsm_found_list *l)
{
	enum { LABEL, ID, KIND, SPEC, USAGE, STATE };
	static const struct out_column columns[] = {
		[LABEL] = { "label", "LABEL", OUT_TEXT, false },
		[ID] = { "id", "ID", OUT_TEXT, false },
		[KIND] = { "kind", "KIND", OUT_TEXT, false },
		[SPEC] = { "spec", "SPEC", OUT_TEXT, false },
		[USAGE] = { "usage", "USAGE", OUT_LIST, false },
		[STATE] = { "refused", "WHY NOT", OUT_PROSE, false },
	};
	auto_out *o = out_new(c, columns, ARRAY_LEN(columns));
	char spec[SPEC_NAME_MAX];

	if (o == NULL)
		return ctl_fail(c, KMS_NOMEM, "cannot list the keys");
	for (size_t i = 0; i < l->n; i++) {
		const struct object *k = &l->v[i].o;

		spec_name(&k->spec, spec);
		out_row(o);
		out_take(o, LABEL, label_text(buf_slice(&k->label)));
		out_take(o, ID, hex_text(buf_slice(&k->app_id)));
		out_set(o, KIND, kind_name(k->kind));
		out_set(o, SPEC, spec);
		out_take(o, USAGE, usage_text(k->flags, out_separator(c)));
		if (l->v[i].refused != NULL)
			out_set(o, STATE, l->v[i].refused);
	}
	out_sort(o, LABEL);
	return out_print(o);
}

/* -- choosing -- */

static bool
is_named(const struct hsm_found *f, const char *label, struct slice id)
{
	return (label == NULL || slice_eq(buf_slice(&f->o.label), slice_str(label))) &&
	    (id.len == 0 || slice_eq(buf_slice(&f->o.app_id), id));
}

static enum exit_code
choose(struct ctl *c, const struct hsm_found_list *l, struct slice id, const struct hsm_found **ret)
{
	const struct hsm_found *one = NULL;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (!is_named(&l->v[i], c->opt[OPT_LABEL], id))
			continue;
		one = &l->v[i];
		n++;
	}
	if (n == 0)
		return ctl_fail(c, KMS_OK,
		    "there is no such key in the HSM; kmsctl key import --from-hsm shows all");
	if (n > 1)
		return ctl_fail(c, KMS_OK, "%zu keys in the HSM are so named; name one with %s", n,
		    id.len == 0 ? "--id" : "--label too");
	if (one->refused != NULL)
		return ctl_fail(c, KMS_OK, "the key cannot be taken: %s", one->refused);
	*ret = one;
	return EXIT_DONE;
}

/* -- adopting -- */

/* The objects of FOUND: what it is and may there, it is and may here. */
static enum kms_rc
objects_of(const struct hsm_found *found, struct object v[2], size_t *n)
{
	const struct object *f = &found->o;
	struct key_origin origin = { .local = (f->flags & FLAG_LOCAL) != 0,
		.extractable = (f->flags & FLAG_EXTRACTABLE) != 0 };

	*n = 1;
	TRY(record_key(f->kind, &f->spec, origin, buf_slice(&f->label), buf_slice(&f->app_id),
	    &v[0]));
	v[0].flags = f->flags;
	TRY(buf_set(&v[0].body, buf_slice(&f->body)));
	if (f->kind == OBJECT_SECRET_KEY)
		return KMS_OK;
	*n = 2;
	TRY(record_key(OBJECT_PUBLIC_KEY, &f->spec, origin, buf_slice(&f->label),
	    buf_slice(&f->app_id), &v[1]));
	return buf_set(&v[1].body, buf_slice(&f->body));
}

static enum exit_code
adopt(struct ctl *c, const struct hsm_found *found)
{
	struct object v[2] = { 0 };
	size_t n = 0;
	enum exit_code code =
	    keys_must_be_new(c, buf_slice(&found->o.label), buf_slice(&found->o.app_id));
	enum kms_rc rc;

	if (code != EXIT_DONE)
		return code;
	(void)ctl_call(c);
	if ((rc = objects_of(found, v, &n)) == KMS_OK)
		rc = local_hsm_adopt(c->backend, ctl_call(c), v, n, found);
	code = rc == KMS_OK ? keys_print_made(c, v, n) : ctl_fail(c, rc, "cannot take the key");
	object_free(&v[0]);
	object_free(&v[1]);
	return code;
}

enum exit_code
key_import_from_hsm(struct ctl *c)
{
	auto_hsm_found found = { 0 };
	const struct hsm_found *one = NULL;
	auto_buf id = { 0 };
	enum exit_code code;
	enum kms_rc rc;

	if (c->n_args > 0 || c->opt[OPT_RAW] != NULL || c->opt[OPT_SPEC] != NULL ||
	    c->opt[OPT_EXTRACTABLE] != NULL || c->opt[OPT_PASSPHRASE_FILE] != NULL)
		return ctl_usage(c, "with --from-hsm only --label and --id have a meaning");
	if ((code = id_option(c, &id)) != EXIT_DONE || (code = ctl_login(c)) != EXIT_DONE)
		return code;
	if ((rc = local_hsm_list(c->backend, ctl_call(c), &found)) != KMS_OK)
		return ctl_fail(c, rc, "cannot see the keys in the HSM");
	if (c->opt[OPT_LABEL] == NULL && id.len == 0)
		return show_found(c, &found);
	if ((code = choose(c, &found, buf_slice(&id), &one)) != EXIT_DONE)
		return code;
	return adopt(c, one);
}
