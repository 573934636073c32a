/* SPDX-License-Identifier: Apache-2.0 */
/* kmsctl cert: X.509 certificates, alone or as a chain, beside the keys that they certify. */
#include "kmsctl/ctl.h"

#include "crypto/cert.h"
#include "crypto/crypto.h"
#include "kmsctl/pem.h"
#include "kmsctl/record.h"

#define CERTS_MAX 64 /* in one file */

/* The certificates of one file, ready to be stored. */
struct chain {
	struct ctl *c;
	struct objects keys; /* public parts of all keys: what certificates are matched with */
	struct slice id;     /* --id */
	struct object v[CERTS_MAX];
	size_t n, present; /* to be stored; not again */
};

static void
chain_free(struct chain *ch)
{
	objects_free(&ch->keys);
	for (size_t i = 0; i < ch->n; i++)
		object_free(&ch->v[i]);
}
#define auto_chain __attribute__((cleanup(chain_free))) struct chain

/* The key whose public half the certificate DER holds; NULL when it is not on the token. */
static enum kms_rc
matching_key(struct chain *ch, struct slice der, const struct object **ret)
{
	auto_cert_facts facts = { { 0 }, { 0 }, { 0 }, { 0 } };
	auto_buf spki = { 0 };
	auto_ckey *key = NULL;

	*ret = NULL;
	TRY(cert_parse(der, &facts));
	/* Through our own key, because the same key can be written in more than one way. One that
	 * we do not know is not ours. */
	if (ckey_from_spki(buf_slice(&facts.spki), &key) != KMS_OK)
		return KMS_OK;
	TRY(ckey_spki(key, &spki));
	for (size_t i = 0; i < ch->keys.n && *ret == NULL; i++) {
		if (slice_eq(buf_slice(&ch->keys.v[i].body), buf_slice(&spki)))
			*ret = &ch->keys.v[i];
	}
	return KMS_OK;
}

static enum kms_rc
already_there(struct chain *ch, struct slice der, const struct object *cert, bool *ret)
{
	auto_objects same = { 0 };
	struct object_query q = {
		.kind = OBJECT_CERTIFICATE, .private_too = true, .has_subject = true
	};

	q.subject = buf_slice(&cert->subject);
	*ret = false;
	for (size_t i = 0; i < ch->n; i++) /* twice in this file */
		*ret = *ret || slice_eq(buf_slice(&ch->v[i].body), der);
	TRY(objects_find(ch->c, &q, &same));
	for (size_t i = 0; i < same.n; i++)
		*ret = *ret || slice_eq(buf_slice(&same.v[i].body), der);
	return KMS_OK;
}

/* Label and id: those asked for (the file's first certificate), of the key, of the certificate
 * itself. */
static enum kms_rc
add_certificate(void *arg, struct slice der)
{
	struct chain *ch = arg;
	auto_cert_text t = { 0 };
	auto_object o = { 0 };
	const struct object *key = NULL;
	struct slice label, id;
	bool first = ch->n + ch->present == 0, there;

	if (ch->n == CERTS_MAX)
		return call_fail(&ch->c->call, KMS_LIMIT, "more than %d certificates in one file",
		    CERTS_MAX);
	TRY(cert_text(der, &t));
	TRY(matching_key(ch, der, &key));
	label = slice_str(t.common_name[0] != '\0' ? t.common_name : t.subject);
	if (label.len > OBJECT_NAME_MAX)
		label.len = OBJECT_NAME_MAX;
	id = slice_of(t.key_id, sizeof(t.key_id));
	if (key != NULL) {
		label = buf_slice(&key->label);
		id = buf_slice(&key->app_id);
	}
	if (first && ch->c->opt[OPT_LABEL] != NULL)
		label = slice_str(ch->c->opt[OPT_LABEL]);
	if (first && ch->id.len > 0)
		id = ch->id;
	TRY(record_certificate(der, label, id, &o));
	TRY(already_there(ch, der, &o, &there));
	if (there) {
		ch->present++;
		return KMS_OK;
	}
	ch->v[ch->n++] = o;
	o = (struct object){ 0 }; /* moved */
	return KMS_OK;
}

enum {
	CERT_LABEL,
	CERT_ID,
	CERT_SUBJECT,
	CERT_ISSUER,
	CERT_NOT_AFTER,
	CERT_NOT_BEFORE,
	CERT_SERIAL,
	CERT_EXPIRED
};

static const struct out_column cert_columns[] = {
	[CERT_LABEL] = { "label", "LABEL", OUT_TEXT, false },
	[CERT_ID] = { "id", "ID", OUT_TEXT, false },
	[CERT_SUBJECT] = { "subject", "SUBJECT", OUT_TEXT, false },
	[CERT_ISSUER] = { "issuer", "ISSUER", OUT_TEXT, false },
	[CERT_NOT_AFTER] = { "not_after", "NOT AFTER", OUT_TEXT, false },
	[CERT_NOT_BEFORE] = { "not_before", "NOT BEFORE", OUT_TEXT, true },
	[CERT_SERIAL] = { "serial", "SERIAL", OUT_TEXT, true },
	[CERT_EXPIRED] = { "expired", "EXPIRED", OUT_BOOL, true },
};

static enum exit_code
print_certificates(struct ctl *c, const struct object *v, size_t n)
{
	auto_out *o = out_new(c, cert_columns, ARRAY_LEN(cert_columns));

	if (o == NULL)
		return ctl_fail(c, KMS_NOMEM, "cannot show the certificates");
	for (size_t i = 0; i < n; i++) {
		auto_cert_text t = { 0 };

		out_row(o);
		out_take(o, CERT_LABEL, label_text(buf_slice(&v[i].label)));
		out_take(o, CERT_ID, hex_text(buf_slice(&v[i].app_id)));
		/* An application may have stored what libcrypto does not read. */
		if (cert_text(buf_slice(&v[i].body), &t) != KMS_OK)
			continue;
		out_take(o, CERT_SUBJECT, label_text(slice_str(t.subject)));
		out_take(o, CERT_ISSUER, label_text(slice_str(t.issuer)));
		out_set(o, CERT_NOT_AFTER, t.not_after);
		out_set(o, CERT_NOT_BEFORE, t.not_before);
		out_set(o, CERT_SERIAL, t.serial);
		out_bool(o, CERT_EXPIRED, t.expired);
	}
	return out_print(o);
}

static enum exit_code
read_chain(struct chain *ch)
{
	struct object_query q = { .kind = OBJECT_PUBLIC_KEY, .private_too = true };
	const char *path = ch->c->args[0];
	auto_secret file = { 0 };
	enum kms_rc rc;

	rc = objects_find(ch->c, &q, &ch->keys);
	q.kind = OBJECT_PRIVATE_KEY;
	if (rc == KMS_OK)
		rc = objects_find(ch->c, &q, &ch->keys);
	if (rc != KMS_OK)
		return ctl_fail(ch->c, rc, "cannot see which keys there are");
	(void)ctl_call(ch->c);
	if ((rc = file_read_secret(path, false, &file, &ch->c->call.err)) == KMS_OK)
		rc = pem_certificates(secret_slice(&file), add_certificate, ch);
	if (rc == KMS_BAD_DATA)
		return ctl_fail(ch->c, KMS_OK,
		    "nothing was imported: %s holds no whole certificate in PEM or DER",
		    file_name(path));
	return rc == KMS_OK
	    ? EXIT_DONE
	    : ctl_fail(ch->c, rc, "cannot read certificates from %s", file_name(path));
}

enum exit_code
cmd_cert_import(struct ctl *c)
{
	auto_chain ch = { .c = c };
	auto_buf id = { 0 };
	struct slice material[CERTS_MAX] = { { 0 } };
	enum exit_code code;
	enum kms_rc rc;

	if ((code = id_option(c, &id)) != EXIT_DONE)
		return code;
	ch.id = buf_slice(&id);
	if ((code = ctl_login(c)) != EXIT_DONE || (code = read_chain(&ch)) != EXIT_DONE)
		return code;
	if (ch.n > 0 &&
	    (rc = backend_create(c->backend, ctl_call(c), ch.v, material, ch.n)) != KMS_OK)
		return ctl_fail(c, rc, "cannot import the certificates");
	if (ch.present > 0)
		(void)fprintf(stderr, "kmsctl: %zu of the certificates %s there already\n",
		    ch.present, ch.present == 1 ? "was" : "were");
	return ch.n == 0 && c->opt[OPT_JSON] == NULL ? EXIT_DONE
						     : print_certificates(c, ch.v, ch.n);
}

enum exit_code
cmd_cert_list(struct ctl *c)
{
	auto_objects found = { 0 };
	auto_buf id = { 0 };
	struct object_query q = { .kind = OBJECT_CERTIFICATE };
	enum exit_code code;
	enum kms_rc rc;

	if ((code = id_option(c, &id)) != EXIT_DONE)
		return code;
	/* Certificates are public; private ones show only to whoever has given a PIN. */
	q.private_too = pin_given(c, PIN_USER);
	if ((code = q.private_too ? ctl_login(c) : ctl_open(c)) != EXIT_DONE)
		return code;
	q.has_label = c->opt[OPT_LABEL] != NULL;
	q.label = slice_str(c->opt[OPT_LABEL]);
	q.has_app_id = id.len > 0;
	q.app_id = buf_slice(&id);
	if ((rc = objects_find(c, &q, &found)) != KMS_OK)
		return ctl_fail(c, rc, "cannot list the certificates");
	code = print_certificates(c, found.v, found.n);
	return code == EXIT_DONE ? objects_all_there(c, &found) : code;
}
