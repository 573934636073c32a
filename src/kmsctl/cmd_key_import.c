/* SPDX-License-Identifier: Apache-2.0 */
/* kmsctl key import: a key from a file, as other programs write it, onto the token. */
#include "kmsctl/ctl.h"

#include "api/spec.h"
#include "crypto/crypto.h"
#include "kmsctl/pem.h"
#include "kmsctl/record.h"

/* One key on its way: what is stored of it. */
struct import {
	struct object v[2];
	struct secret material; /* of v[0] */
	size_t n;
};

static void
import_free(struct import *m)
{
	object_free(&m->v[0]);
	object_free(&m->v[1]);
	secret_free(&m->material);
}
#define auto_import __attribute__((cleanup(import_free))) struct import

static enum kms_rc
ask_passphrase(void *arg, struct secret *ret)
{
	struct ctl *c = arg;
	auto_secret file = { 0 };

	if (c->opt[OPT_PASSPHRASE_FILE] == NULL) {
		enum kms_rc rc = tty_secret("Passphrase of the key file: ", ret);

		return rc != KMS_UNAVAILABLE
		    ? rc
		    : call_fail(&c->call, rc,
			  "it is encrypted, and there is no terminal to ask at; use --passphrase-file FILE");
	}
	TRY(file_read_secret(c->opt[OPT_PASSPHRASE_FILE], true, &file, &c->call.err));
	return secret_copy(file_first_line(&file), ret);
}

/* The objects of KEY, a pair or a public key alone. */
static enum kms_rc
import_key(struct ctl *c, struct ckey *key, struct slice id, struct import *ret)
{
	struct key_origin origin = { .local = false,
		.extractable = c->opt[OPT_EXTRACTABLE] != NULL };
	struct slice label = slice_str(c->opt[OPT_LABEL]);
	struct key_spec spec = ckey_spec(key);
	bool pair = ckey_is_private(key);
	uint8_t own[KEY_ID_LEN];

	TRY(ckey_default_id(key, own));
	if (id.len == 0)
		id = slice_of(own, sizeof(own));
	ret->n = pair ? 2 : 1;
	TRY(record_key(OBJECT_PUBLIC_KEY, &spec, origin, label, id, &ret->v[ret->n - 1]));
	TRY(ckey_spki(key, &ret->v[ret->n - 1].body));
	if (!pair)
		return KMS_OK;
	TRY(record_key(OBJECT_PRIVATE_KEY, &spec, origin, label, id, &ret->v[0]));
	TRY(ckey_spki(key, &ret->v[0].body));
	return ckey_pkcs8(key, &ret->material);
}

/* The objects of a secret key, whose bytes are all of FILE. */
static enum kms_rc
import_secret(struct ctl *c, const struct key_spec *spec, struct slice file, struct slice id,
    struct import *ret)
{
	struct key_origin origin = { .local = false,
		.extractable = c->opt[OPT_EXTRACTABLE] != NULL };
	uint8_t own[KEY_ID_LEN];
	auto_ckey *key = NULL;

	if (file.len * 8 != spec->bits)
		return call_fail(&c->call, KMS_BAD_LEN,
		    "the file has %zu bytes, a key of this spec has %u", file.len,
		    (unsigned)spec->bits / 8);
	TRY(ckey_from_secret(spec->type, file, &key));
	TRY(ckey_default_id(key, own));
	ret->n = 1;
	TRY(record_key(OBJECT_SECRET_KEY, spec, origin, slice_str(c->opt[OPT_LABEL]),
	    id.len == 0 ? slice_of(own, sizeof(own)) : id, &ret->v[0]));
	return secret_copy(file, &ret->material);
}

static enum kms_rc
read_key(struct ctl *c, struct slice file, struct slice id, struct import *ret)
{
	auto_secret pkcs8 = { 0 };
	auto_buf spki = { 0 };
	auto_ckey *key = NULL;
	enum kms_rc rc = pem_private_key(file, ask_passphrase, c, &pkcs8);

	if (rc == KMS_OK)
		rc = ckey_from_pkcs8(secret_slice(&pkcs8), &key);
	else if (rc == KMS_BAD_DATA && (rc = pem_public_key(file, &spki)) == KMS_OK)
		rc = ckey_from_spki(buf_slice(&spki), &key);

	if (rc == KMS_PIN_INCORRECT)
		return call_fail(&c->call, KMS_BAD_DATA, "it does not open with this passphrase");
	if (rc == KMS_BAD_DATA)
		return call_fail(&c->call, rc,
		    "it holds no key in PEM or DER; the bytes of a secret key need --raw and --spec");
	if (rc == KMS_NOTSUP || rc == KMS_KEY_SIZE)
		return call_fail(&c->call, rc,
		    "it holds a key of a type or size that tokens do not take");
	TRY(rc);
	return import_key(c, key, id, ret);
}

static enum exit_code
read_file(struct ctl *c, const struct key_spec *spec, struct slice id, struct import *ret)
{
	auto_secret file = { 0 };
	char is[SPEC_NAME_MAX];
	enum kms_rc rc;

	(void)ctl_call(c);
	rc = file_read_secret(c->args[0], false, &file, &c->call.err);
	if (rc == KMS_OK && c->opt[OPT_RAW] != NULL)
		rc = import_secret(c, spec, secret_slice(&file), id, ret);
	else if (rc == KMS_OK)
		rc = read_key(c, secret_slice(&file), id, ret);
	if (rc != KMS_OK)
		return ctl_fail(c, rc, "cannot read a key from %s", file_name(c->args[0]));
	spec_name(&ret->v[0].spec, is);
	if (spec != NULL && strcmp(is, c->opt[OPT_SPEC]) != 0)
		return ctl_fail(c, KMS_OK, "nothing was imported: the key in %s is %s, not %s",
		    file_name(c->args[0]), is, c->opt[OPT_SPEC]);
	return EXIT_DONE;
}

enum exit_code
cmd_key_import(struct ctl *c)
{
	const struct key_spec *spec = NULL;
	auto_import m = { 0 };
	auto_buf id = { 0 };
	struct slice material[2] = { { 0 } };
	enum exit_code code;
	enum kms_rc rc;

	if (c->opt[OPT_FROM_HSM] != NULL)
		return key_import_from_hsm(c);
	if (c->n_args == 0 || c->opt[OPT_LABEL] == NULL)
		return ctl_usage(c, "a FILE and its --label are needed, or --from-hsm");
	if (c->opt[OPT_SPEC] != NULL && (spec = spec_by_name(c->opt[OPT_SPEC])) == NULL)
		return ctl_usage(c, "there is no key spec %s", c->opt[OPT_SPEC]);
	if (c->opt[OPT_RAW] != NULL && (spec == NULL || !key_type_is_secret(spec->type)))
		return ctl_usage(c, "--raw needs --spec AES_... or HMAC_...");
	if ((code = id_option(c, &id)) != EXIT_DONE ||
	    (code = read_file(c, spec, buf_slice(&id), &m)) != EXIT_DONE ||
	    (code = ctl_login(c)) != EXIT_DONE ||
	    (code = keys_must_be_new(c, buf_slice(&m.v[0].label), buf_slice(&m.v[0].app_id))) !=
		EXIT_DONE)
		return code;
	material[0] = secret_slice(&m.material);
	if ((rc = backend_create(c->backend, ctl_call(c), m.v, material, m.n)) != KMS_OK)
		return ctl_fail(c, rc, "cannot import the key");
	return keys_print_made(c, m.v, m.n);
}
