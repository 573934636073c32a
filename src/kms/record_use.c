/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys at work, on the record. A use is recorded when it begins, before anything comes out of it;
 * what it is given and whether it then ends well is the caller's. Repeated ones are counted by
 * session (audit_fold), refusals never.
 */
#include <stdlib.h>

#include "base/log.h"
#include "kms/record.h"

/* In the API's words where it has them. */
static const struct {
	const char *of_secret, *of_pair; /* done with a secret key, and with a private one */
} names[RECORD_KINDS] = {
	[USE_ENCRYPT] = { "Encrypt", "AsymmetricEncrypt" },
	[USE_DECRYPT] = { "Decrypt", "AsymmetricDecrypt" },
	[USE_SIGN] = { "GenerateMac", "AsymmetricSign" },
	[USE_VERIFY] = { "VerifyMac", "AsymmetricVerify" },
	[RECORD_DERIVE] = { "DeriveKey", "DeriveKey" },
};

static const char *const algorithms[ALG_END] = {
	[ALG_RSA_PKCS1] = "RSA-PKCS1",
	[ALG_RSA_RAW] = "RSA-RAW",
	[ALG_RSA_OAEP] = "RSA-OAEP",
	[ALG_RSA_PSS] = "RSA-PSS",
	[ALG_ECDSA] = "ECDSA",
	[ALG_EDDSA] = "EDDSA",
	[ALG_ECDH] = "ECDH",
	[ALG_AES_ECB] = "AES-ECB",
	[ALG_AES_CBC] = "AES-CBC",
	[ALG_AES_CBC_PAD] = "AES-CBC-PAD",
	[ALG_AES_CTR] = "AES-CTR",
	[ALG_AES_GCM] = "AES-GCM",
	[ALG_AES_CMAC] = "AES-CMAC",
	[ALG_AES_KW] = "AES-KW",
	[ALG_AES_KWP] = "AES-KWP",
	[ALG_HMAC] = "HMAC",
	[ALG_SM2DSA] = "SM2DSA",
	[ALG_SM2PKE] = "SM2PKE",
	[ALG_SM4_ECB] = "SM4-ECB",
	[ALG_SM4_CBC] = "SM4-CBC",
	[ALG_SM4_CBC_PAD] = "SM4-CBC-PAD",
	[ALG_SM4_CTR] = "SM4-CTR",
	[ALG_SM4_SEAL] = "SM4-SEAL",
};

void
record_uses_close(struct backend *b UNUSED, struct backend_uses *u)
{
	if (u == NULL)
		return;
	audit_fold_close(u->fold);
	free(u);
}

struct audit_fold *
record_fold(struct call *c, struct record_log *log)
{
	struct backend_uses *u;

	if (c == NULL || c->uses == NULL)
		return NULL;
	if (*c->uses != NULL && (*c->uses)->log == log)
		return (*c->uses)->fold;
	/* Another token than the last time. */
	record_uses_close(NULL, *c->uses);
	*c->uses = NULL;
	if ((u = calloc(1, sizeof(*u))) == NULL ||
	    audit_fold_open(log->audit, &u->fold) != KMS_OK) {
		free(u);
		return NULL;
	}
	u->log = log;
	*c->uses = u;
	return u->fold;
}

enum kms_rc
record_use_slowly(struct local *l, struct call *c, const struct backend_key *k, unsigned kind,
    enum alg alg, enum kms_rc rc)
{
	bool pair = k->kind == OBJECT_PRIVATE_KEY;
	struct record r;

	if (kind >= RECORD_KINDS || alg >= ALG_END || names[kind].of_pair == NULL)
		return rc;
	record_begin(&r, c, local_role(l), pair ? names[kind].of_pair : names[kind].of_secret,
	    false);
	record_resource(&r, "ACS::KMS::Key", uid_is_zero(&k->master) ? &k->id : &k->master);
	uid_to_text(&k->id, r.version);
	r.e.key_version = r.version;
	if (algorithms[alg] != NULL)
		record_param(&r, "Algorithm", slice_str(algorithms[alg]));
	return record_end_use(&r, l, c, &k->id, record_number(kind, alg), rc);
}
