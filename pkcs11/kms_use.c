/* SPDX-License-Identifier: Apache-2.0 */
/* One use of a KMS key by Encrypt or Decrypt. The whole input goes with one request: there are no
 * parts. */
#include "pkcs11/kms_use.h"

#include <stdlib.h>

#include "pkcs11/kms-pkcs11.h"
#include "pkcs11/slot.h"

struct kms_use {
	struct use base;
	struct token *token;
	char key[UID_TEXT_LEN + 1];
	struct buf context;
	bool wraps;
};

static struct kms_use *
of(struct use *u)
{
	return (struct kms_use *)u;
}

static void
kms_use_free(struct use *u)
{
	buf_free(&of(u)->context);
	free(u);
}

/* What the API refuses by name, as this mechanism's callers know it. */
static enum kms_rc
answer(const struct kms_use *u, const struct call *c, enum kms_rc rc)
{
	if (rc == KMS_INVALID)
		return u->base.kind == USE_DECRYPT ? KMS_BAD_DATA : KMS_BAD_PARAM;
	return rc == KMS_NOTSUP && c->error != E_None ? KMS_DENIED : rc;
}

static enum kms_rc
ask(struct kms_use *u, struct slice in, struct fields *res)
{
	bool encrypt = u->base.kind == USE_ENCRYPT;
	struct call c = token_call(u->token);
	auto_fields req = { 0 };

	c.wraps = u->wraps;
	if (encrypt)
		TRY(fields_put_text(&req, F_KeyId, u->key));
	TRY(fields_put(&req, encrypt ? F_Plaintext : F_CiphertextBlob, in));
	if (u->context.len > 0)
		TRY(fields_put(&req, F_EncryptionContext, buf_slice(&u->context)));
	return answer(u, &c,
	    backend_act(u->token->backend, &c, encrypt ? ACTION_Encrypt : ACTION_Decrypt, &req,
		res));
}

static enum kms_rc
once(struct use *base, struct slice in, struct outbuf *out, size_t *need)
{
	struct kms_use *u = of(base);
	bool encrypt = base->kind == USE_ENCRYPT;
	auto_fields res = { 0 };
	struct slice given;

	if (encrypt ? in.len > KMS_ENCRYPT_MAX : in.len == 0 || in.len > 2 * KMS_ENCRYPT_MAX)
		return KMS_BAD_LEN;
	TRY(ask(u, in, &res));
	/* The blob names the key that opened it: it must be the caller's. */
	if (!encrypt && !slice_eq(fields_get(&res, F_KeyId), slice_str(u->key)))
		return KMS_BAD_DATA;
	given = fields_get(&res, encrypt ? F_CiphertextBlob : F_Plaintext);
	if (given.len > out->cap - out->len) {
		out->len = 0;
		if (need != NULL)
			*need = given.len;
		return KMS_BUFFER_SMALL;
	}
	if (given.len > 0)
		memcpy(out->p + out->len, given.p, given.len);
	out->len += given.len;
	return KMS_OK;
}

static size_t
bound(const struct use *u, size_t in_len, bool final UNUSED)
{
	size_t extra = ((const struct kms_use *)u)->token->backend->blob_extra;

	if (u->kind == USE_ENCRYPT)
		return in_len + extra;
	return in_len > extra ? in_len - extra : 0;
}

static const struct use_ops ops = {
	.free = kms_use_free,
	.once = once,
	.bound = bound,
};

enum kms_rc
kms_use_begin(const struct entry *key, enum use_kind kind, const struct alg_params *p,
    struct use **usep)
{
	struct kms_use *u;

	use_free(*usep);
	*usep = NULL;
	if (key->ckey != NULL || uid_is_zero(&key->o.key))
		return KMS_DENIED;
	if ((u = calloc(1, sizeof(*u))) == NULL)
		return KMS_NOMEM;
	u->base = (struct use){ .ops = &ops, .kind = kind, .alg = ALG_KMS };
	u->token = key->token;
	u->wraps = p->u.kms.wraps;
	uid_to_text(&key->o.key, u->key);
	if (buf_set(&u->context, p->u.kms.context) != KMS_OK) {
		use_free(&u->base);
		return KMS_NOMEM;
	}
	*usep = &u->base;
	return KMS_OK;
}
