/* SPDX-License-Identifier: Apache-2.0 */
/* kmsctl key import-material: material from a file goes to the KMS encrypted, in one go. */
#include "crypto/crypto.h"
#include "kmsctl/kms_verb.h"

#define WRAPPED_MAX 512 /* RSA of 4096 bits */

/* To PARAMETERS' public key, by RSAES_OAEP_SHA_256. */
static enum kms_rc
encrypt(const struct fields *parameters, struct slice material, struct fields *req)
{
	struct alg_params p = { .alg = ALG_RSA_OAEP,
		.u.oaep = { .hash = DIGEST_SHA256, .mgf = DIGEST_SHA256 } };
	uint8_t wrapped[WRAPPED_MAX];
	struct outbuf out = { .p = wrapped, .cap = sizeof(wrapped) };
	auto_ckey *k = NULL;
	struct use *u = NULL;
	size_t need = 0;
	enum kms_rc rc;

	TRY(ckey_from_spki(fields_get(parameters, F_PublicKeyDer), &k));
	TRY(crypto_begin(k, USE_ENCRYPT, &p, &u));
	rc = use_once(u, material, &out, &need);
	use_free(u);
	TRY(rc);
	TRY(fields_put(req, F_ImportToken, fields_get(parameters, F_ImportToken)));
	return fields_put(req, F_EncryptedKeyMaterial, slice_of(wrapped, out.len));
}

/* Asks for a key to encrypt to, and encrypts to it. */
static enum exit_code
wrap(struct ctl *c, struct slice material, struct fields *req)
{
	auto_fields ask = { 0 }, parameters = { 0 };
	enum exit_code code;
	enum kms_rc rc;

	if (fields_put(&ask, F_KeyId, fields_get(req, F_KeyId)) != KMS_OK ||
	    fields_put_text(&ask, F_WrappingKeySpec, "RSA_2048") != KMS_OK ||
	    fields_put_text(&ask, F_WrappingAlgorithm, "RSAES_OAEP_SHA_256") != KMS_OK)
		return ctl_fail(c, KMS_NOMEM, "cannot ask the KMS");
	code = kms_act(c, ACTION_GetParametersForImport, &ask, &parameters);
	if (code != EXIT_DONE)
		return code;
	err_clear(&c->call.err);
	rc = encrypt(&parameters, material, req);
	return rc == KMS_OK ? EXIT_DONE
			    : ctl_fail(c, rc, "cannot encrypt %s", file_name(c->args[1]));
}

enum exit_code
cmd_key_import_material(struct ctl *c)
{
	const struct kms_verb *v = c->cmd->kms;
	bool wrapped = c->opt[OPT_WRAPPED] != NULL;
	auto_fields req = { 0 }, res = { 0 };
	auto_secret file = { 0 };
	enum action action = v->action;
	enum exit_code code;
	enum kms_rc rc;

	if (wrapped != (c->opt[OPT_IMPORT_TOKEN] != NULL))
		return ctl_usage(c, "--wrapped and --import-token FILE go together");
	if ((code = kms_begin(c)) != EXIT_DONE ||
	    (code = kms_request(c, v, &action, &req)) != EXIT_DONE)
		return code;
	err_clear(&c->call.err);
	if ((rc = file_read_secret(c->args[1], false, &file, &c->call.err)) != KMS_OK)
		return ctl_fail(c, rc, "cannot read the material");
	/* The default is for ever. */
	if (!fields_has(&req, F_KeyMaterialExpireUnix))
		rc = fields_put_number(&req, F_KeyMaterialExpireUnix, 0);
	if (rc == KMS_OK && wrapped)
		rc = fields_put(&req, F_EncryptedKeyMaterial, secret_slice(&file));
	if (rc != KMS_OK)
		return ctl_fail(c, rc, "cannot ask the KMS");
	if (!wrapped && (code = wrap(c, secret_slice(&file), &req)) != EXIT_DONE)
		return code;
	if ((code = kms_act(c, action, &req, &res)) != EXIT_DONE)
		return code;
	return kms_show(c, v, action, &req, &res);
}
