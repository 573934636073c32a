/* SPDX-License-Identifier: Apache-2.0 */
/* kmsctl key: create, list, show and delete. */
#include "kmsctl/ctl.h"

#include <stdlib.h>

#include "api/spec.h"
#include "crypto/crypto.h"
#include "kmsctl/record.h"

/* -- create -- */

/* An empty id is filled in by the core, the same for both halves. */
static enum kms_rc
generate(struct ctl *c, const struct key_spec *spec, struct slice id, struct object made[2])
{
	static const uint8_t f4[] = { 1, 0, 1 };
	struct key_origin origin = { .local = true,
		.extractable = c->opt[OPT_EXTRACTABLE] != NULL };
	struct slice label = slice_str(c->opt[OPT_LABEL]);

	if (!key_type_is_pair(spec->type)) {
		TRY(record_key(OBJECT_SECRET_KEY, spec, origin, label, id, &made[0]));
		return backend_generate(c->backend, ctl_call(c), &made[0], NULL, slice_of(NULL, 0));
	}
	TRY(record_key(OBJECT_PRIVATE_KEY, spec, origin, label, id, &made[0]));
	TRY(record_key(OBJECT_PUBLIC_KEY, spec, origin, label, id, &made[1]));
	return backend_generate(c->backend, ctl_call(c), &made[0], &made[1],
	    spec->type == KEY_RSA ? slice_of(f4, sizeof(f4)) : slice_of(NULL, 0));
}

enum exit_code
cmd_key_create(struct ctl *c)
{
	const struct key_spec *spec = spec_by_name(c->opt[OPT_SPEC]);
	struct object made[2] = { 0 };
	auto_buf id = { 0 };
	enum exit_code code;
	enum kms_rc rc;

	if (spec == NULL)
		return ctl_usage(c,
		    "there is no key spec %s; some are RSA_2048, EC_P256, ED25519, AES_256, HMAC_256",
		    c->opt[OPT_SPEC]);
	if ((code = id_option(c, &id)) != EXIT_DONE || (code = ctl_login(c)) != EXIT_DONE ||
	    (code = keys_must_be_new(c, slice_str(c->opt[OPT_LABEL]), buf_slice(&id))) != EXIT_DONE)
		return code;
	rc = generate(c, spec, buf_slice(&id), made);
	code = rc == KMS_OK ? keys_print_made(c, made, key_type_is_pair(spec->type) ? 2 : 1)
			    : ctl_fail(c, rc, "cannot create the key");
	object_free(&made[0]);
	object_free(&made[1]);
	return code;
}

enum exit_code
keys_print_made(struct ctl *c, const struct object *v, size_t n)
{
	enum { LABEL, ID, SPEC, OBJECTS };
	static const struct out_column columns[] = {
		[LABEL] = { "label", "Label", OUT_TEXT, false },
		[ID] = { "id", "Id", OUT_TEXT, false },
		[SPEC] = { "spec", "Spec", OUT_TEXT, false },
		[OBJECTS] = { "objects", "Objects", OUT_LIST, false },
	};
	auto_out *o = out_new(c, columns, ARRAY_LEN(columns));
	char spec[SPEC_NAME_MAX];

	if (o == NULL)
		return ctl_fail(c, KMS_NOMEM, "the key is on the token, but cannot be shown");
	spec_name(&v[0].spec, spec);
	out_row(o);
	out_take(o, LABEL, label_text(buf_slice(&v[0].label)));
	out_take(o, ID, hex_text(buf_slice(&v[0].app_id)));
	out_set(o, SPEC, spec);
	if (n == 1)
		out_set(o, OBJECTS, kind_name(v[0].kind));
	else /* a pair */
		out_setf(o, OBJECTS, "%s%s%s", kind_name(v[0].kind), out_separator(c),
		    kind_name(v[1].kind));
	return out_print_records(o);
}

/* -- list -- */

static enum exit_code
list_query(struct ctl *c, struct buf *id, struct object_query *q, unsigned *kinds)
{
	enum object_kind kind = OBJECT_NONE;
	enum exit_code code;

	*q = (struct object_query){ .private_too = true };
	*kinds = KINDS_KEYS;
	if ((code = id_option(c, id)) != EXIT_DONE)
		return code;
	if (c->opt[OPT_KIND] != NULL && !kind_parse(c->opt[OPT_KIND], &kind))
		return ctl_usage(c, "--kind is private, public or secret");
	if (kind != OBJECT_NONE)
		*kinds = KIND_BIT(kind);
	q->has_label = c->opt[OPT_LABEL] != NULL;
	q->label = slice_str(c->opt[OPT_LABEL]);
	q->has_app_id = id->len > 0;
	q->app_id = buf_slice(id);
	if (c->opt[OPT_PUBLIC] == NULL)
		return ctl_login(c);
	q->private_too = false;
	return ctl_open(c);
}

enum exit_code
cmd_key_list(struct ctl *c)
{
	enum { LABEL, ID, KIND, SPEC, USAGE };
	static const struct out_column columns[] = {
		[LABEL] = { "label", "LABEL", OUT_TEXT, false },
		[ID] = { "id", "ID", OUT_TEXT, false },
		[KIND] = { "kind", "KIND", OUT_TEXT, false },
		[SPEC] = { "spec", "SPEC", OUT_TEXT, false },
		[USAGE] = { "usage", "USAGE", OUT_LIST, false },
	};
	auto_out *o = NULL;
	auto_objects found = { 0 };
	auto_buf id = { 0 };
	struct object_query q;
	unsigned kinds;
	enum exit_code code;
	enum kms_rc rc = KMS_OK;

	if ((code = list_query(c, &id, &q, &kinds)) != EXIT_DONE)
		return code;
	for (unsigned kind = OBJECT_PRIVATE_KEY; kind <= OBJECT_SECRET_KEY && rc == KMS_OK;
	     kind++) {
		q.kind = (enum object_kind)kind;
		if ((kinds & KIND_BIT(kind)) != 0)
			rc = objects_find(c, &q, &found);
	}
	if (rc == KMS_OK && (o = out_new(c, columns, ARRAY_LEN(columns))) == NULL)
		rc = KMS_NOMEM;
	if (rc != KMS_OK)
		return ctl_fail(c, rc, "cannot list the keys");
	for (size_t i = 0; i < found.n; i++) {
		char spec[SPEC_NAME_MAX];

		spec_name(&found.v[i].spec, spec);
		out_row(o);
		out_take(o, LABEL, label_text(buf_slice(&found.v[i].label)));
		out_take(o, ID, hex_text(buf_slice(&found.v[i].app_id)));
		out_set(o, KIND, kind_name(found.v[i].kind));
		out_set(o, SPEC, spec);
		out_take(o, USAGE, usage_text(found.v[i].flags, out_separator(c)));
	}
	out_sort(o, LABEL);
	code = out_print(o);
	return code == EXIT_DONE ? objects_all_there(c, &found) : code;
}

/* -- show -- */

enum {
	SHOW_LABEL,
	SHOW_ID,
	SHOW_KIND,
	SHOW_SPEC,
	SHOW_USAGE,
	SHOW_PROTECTION,
	SHOW_FINGERPRINT,
	SHOW_UID,
	SHOW_REVISION,
	SHOW_PUBLIC_KEY,
};

static const struct out_column show_columns[] = {
	[SHOW_LABEL] = { "label", "Label", OUT_TEXT, false },
	[SHOW_ID] = { "id", "Id", OUT_TEXT, false },
	[SHOW_KIND] = { "kind", "Kind", OUT_TEXT, false },
	[SHOW_SPEC] = { "spec", "Spec", OUT_TEXT, false },
	[SHOW_USAGE] = { "usage", "Usage", OUT_LIST, false },
	[SHOW_PROTECTION] = { "protection", "Protection", OUT_LIST, false },
	[SHOW_FINGERPRINT] = { "fingerprint", "SHA-256 of public key", OUT_TEXT, false },
	[SHOW_UID] = { "unique_id", "Unique id", OUT_TEXT, false },
	[SHOW_REVISION] = { "revision", "Revision", OUT_NUMBER, false },
	[SHOW_PUBLIC_KEY] = { "public_key", "Public key", OUT_TEXT, true },
};

static void
show_key(struct ctl *c, struct out *o, const struct object *k)
{
	uint8_t hash[DIGEST_MAX];
	char spec[SPEC_NAME_MAX];

	spec_name(&k->spec, spec);
	out_row(o);
	out_take(o, SHOW_LABEL, label_text(buf_slice(&k->label)));
	out_take(o, SHOW_ID, hex_text(buf_slice(&k->app_id)));
	out_set(o, SHOW_KIND, kind_name(k->kind));
	out_set(o, SHOW_SPEC, spec);
	out_take(o, SHOW_USAGE, usage_text(k->flags, out_separator(c)));
	out_take(o, SHOW_PROTECTION, protection_text(k->flags, out_separator(c)));
	out_take(o, SHOW_UID, hex_text(slice_of(k->id.b, UID_LEN)));
	out_setf(o, SHOW_REVISION, "%llu", (unsigned long long)k->revision);
	if (k->kind == OBJECT_SECRET_KEY)
		return;
	if (crypto_digest(DIGEST_SHA256, buf_slice(&k->body), hash) == KMS_OK)
		out_take(o, SHOW_FINGERPRINT, hex_text(slice_of(hash, digest_len(DIGEST_SHA256))));
	out_take(o, SHOW_PUBLIC_KEY, spki_pem(buf_slice(&k->body)));
}

static enum exit_code
show_pem(struct ctl *c, const struct objects *found)
{
	const struct object *k = objects_of_kind(found, OBJECT_PUBLIC_KEY);
	auto_text *pem = NULL;

	if (k == NULL)
		k = objects_of_kind(found, OBJECT_PRIVATE_KEY);
	if (k == NULL)
		return ctl_fail(c, KMS_OK, "a secret key has no public key to show");
	if ((pem = spki_pem(buf_slice(&k->body))) == NULL)
		return ctl_fail(c, KMS_NOMEM, "cannot show the public key");
	(void)fputs(pem, stdout);
	return EXIT_DONE;
}

enum exit_code
cmd_key_show(struct ctl *c)
{
	auto_out *o = NULL;
	auto_objects found = { 0 };
	bool public_only = c->opt[OPT_PUBLIC] != NULL;
	enum exit_code code;

	if ((code = public_only ? ctl_open(c) : ctl_login(c)) != EXIT_DONE)
		return code;
	code = keys_named(c, c->n_args > 0 ? c->args[0] : NULL,
	    public_only ? KIND_BIT(OBJECT_PUBLIC_KEY) : KINDS_KEYS, &found);
	if (code != EXIT_DONE)
		return code;
	if (c->opt[OPT_PEM] != NULL && c->opt[OPT_JSON] == NULL)
		return show_pem(c, &found);
	if ((o = out_new(c, show_columns, ARRAY_LEN(show_columns))) == NULL)
		return ctl_fail(c, KMS_NOMEM, "cannot show the key");
	for (size_t i = 0; i < found.n; i++)
		show_key(c, o, &found.v[i]);
	return out_print_records(o);
}

/* -- delete -- */

static enum exit_code
confirm_delete(struct ctl *c, const struct objects *found)
{
	auto_text *label = label_text(buf_slice(&found->v[0].label));
	auto_text *question = NULL;
	char spec[SPEC_NAME_MAX];

	if (c->opt[OPT_YES] != NULL)
		return EXIT_DONE;
	spec_name(&found->v[0].spec, spec);
	if (label == NULL ||
	    asprintf(&question, "Destroy the key %s (%s) for ever?", label, spec) < 0) {
		question = NULL;
		return ctl_fail(c, KMS_NOMEM, "cannot ask");
	}
	return tty_confirm(question) ? EXIT_DONE : ctl_fail(c, KMS_OK, "nothing was deleted");
}

enum exit_code
cmd_key_delete(struct ctl *c)
{
	struct uid ids[OBJECT_SECRET_KEY]; /* one of each kind of key at most */
	auto_objects found = { 0 };
	auto_text *label = NULL;
	enum exit_code code;
	enum kms_rc rc;

	if (c->opt[OPT_YES] == NULL && !tty_there())
		return ctl_fail(c, KMS_OK,
		    "nothing was deleted: there is no terminal to ask at; use --yes");
	if ((code = ctl_login(c)) != EXIT_DONE ||
	    (code = keys_named(c, c->n_args > 0 ? c->args[0] : NULL, KINDS_KEYS, &found)) !=
		EXIT_DONE)
		return code;
	for (size_t i = 0; i < found.n; i++) {
		if (!slice_eq(buf_slice(&found.v[i].app_id), buf_slice(&found.v[0].app_id)))
			return ctl_fail(c, KMS_OK,
			    "nothing was deleted: keys with different ids are called so; name one with --id");
		if ((found.v[i].flags & FLAG_DESTROYABLE) == 0)
			return ctl_fail(c, KMS_OK,
			    "nothing was deleted: the %s key was made so that it cannot be destroyed",
			    kind_name(found.v[i].kind));
		ids[i] = found.v[i].id;
	}
	if ((code = confirm_delete(c, &found)) != EXIT_DONE)
		return code;
	if ((rc = backend_destroy(c->backend, ctl_call(c), ids, found.n)) != KMS_OK)
		return ctl_fail(c, rc, "cannot delete the key");
	if (c->opt[OPT_JSON] != NULL)
		return keys_print_made(c, found.v, found.n);
	label = label_text(buf_slice(&found.v[0].label));
	(void)printf("Destroyed the key %s\n", label == NULL ? "" : label);
	return EXIT_DONE;
}
