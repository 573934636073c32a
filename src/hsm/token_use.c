/* SPDX-License-Identifier: Apache-2.0 */
/* Begins uses of keys in an HSM, and carries their bytes there and back. */
#include "hsm/token_use.h"

#include <stdlib.h>

/* -- there and back -- */

struct piece {
	struct tok_use *t;
	struct slice in;
	uint8_t *out;
	CK_ULONG len;
};

/* The standard's types do not know const, and some HSMs want an address even for nothing. */
static CK_BYTE *
bytes_of(struct slice s)
{
	static CK_BYTE nothing[1];
	CK_BYTE *p = nothing;

	if (s.len > 0)
		memcpy(&p, &s.p, sizeof(p));
	return p;
}

static CK_RV
init(struct tok_at *at, struct tok_use *t)
{
	CK_RV rv;

	if (t->u.kind == USE_ENCRYPT)
		rv = CALL(at, C_EncryptInit, &t->mech.m, at->key);
	else if (t->u.kind == USE_DECRYPT)
		rv = CALL(at, C_DecryptInit, &t->mech.m, at->key);
	else
		rv = CALL(at, C_SignInit, &t->mech.m, at->key);
	return rv == CKR_OK ? tok_key_authenticate(at) : rv;
}

/* Cipher text that does not open has many names; a session that is well says that it is this. */
static CK_RV
opened(struct tok_at *at, CK_RV rv)
{
	CK_SESSION_INFO info;

	if ((rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED) &&
	    at->f->C_GetSessionInfo(at->s->handle, &info) == CKR_OK)
		return CKR_ENCRYPTED_DATA_INVALID;
	return rv;
}

static CK_RV
whole(struct tok_at *at, void *arg)
{
	struct piece *p = arg;
	CK_ULONG len = p->len; /* a second try has as much room */
	CK_RV rv = init(at, p->t);

	if (rv != CKR_OK)
		return rv;
	if (p->t->u.kind == USE_ENCRYPT)
		rv = CALL(at, C_Encrypt, bytes_of(p->in), p->in.len, p->out, &len);
	else if (p->t->u.kind == USE_DECRYPT)
		rv = opened(at, CALL(at, C_Decrypt, bytes_of(p->in), p->in.len, p->out, &len));
	else
		rv = CALL(at, C_Sign, bytes_of(p->in), p->in.len, p->out, &len);
	if (rv == CKR_OK)
		p->len = len;
	return rv;
}

static CK_RV
part(struct tok_at *at, struct piece *p)
{
	if (p->t->u.kind == USE_ENCRYPT)
		return CALL(at, C_EncryptUpdate, bytes_of(p->in), p->in.len, p->out, &p->len);
	if (p->t->u.kind == USE_DECRYPT)
		return opened(at,
		    CALL(at, C_DecryptUpdate, bytes_of(p->in), p->in.len, p->out, &p->len));
	return CALL(at, C_SignUpdate, bytes_of(p->in), p->in.len);
}

/* The first part may be tried twice: nothing was lost yet. */
static CK_RV
first_part(struct tok_at *at, void *arg)
{
	struct piece *p = arg, again = *p;
	CK_RV rv = init(at, p->t);

	if (rv == CKR_OK)
		rv = part(at, &again);
	if (rv != CKR_OK)
		return rv;
	p->len = again.len;
	at->keep = &p->t->s;
	return CKR_OK;
}

static CK_RV
last(struct tok_at *at, struct piece *p)
{
	if (p->t->u.kind == USE_ENCRYPT)
		return CALL(at, C_EncryptFinal, p->out, &p->len);
	if (p->t->u.kind == USE_DECRYPT)
		return opened(at, CALL(at, C_DecryptFinal, p->out, &p->len));
	return CALL(at, C_SignFinal, p->out, &p->len);
}

static enum kms_rc
fail(struct tok_use *t, struct call *c, enum kms_rc rc)
{
	t->err = c->err;
	t->u.why = t->err.text[0] != '\0' ? t->err.text : NULL;
	return rc;
}

enum kms_rc
tok_with(struct tok_use *t, tok_work *work, void *arg)
{
	struct call c = tok_call(t->h);
	enum kms_rc rc = tok_run(t->h, &c, t->key, true, work, arg);

	return rc == KMS_OK ? rc : fail(t, &c, rc);
}

enum kms_rc
tok_whole(struct tok_use *t, struct slice in, uint8_t *out, size_t *len)
{
	struct piece p = { .t = t, .in = in, .out = out, .len = *len };

	TRY(tok_with(t, whole, &p));
	*len = p.len;
	return KMS_OK;
}

/* On the session of the stream; ENDS it, or leaves it for more. */
static enum kms_rc
on_stream(struct tok_use *t, struct piece *p, bool ends)
{
	struct tok_at at = { .h = t->h, .f = t->h->mod->f, .s = t->s, .k = t->key };
	struct call c = tok_call(t->h);
	enum kms_rc rc = tok_resume(t->h, &c, t->s);
	CK_RV rv;

	if (rc != KMS_OK) {
		t->s = NULL;
		return fail(t, &c, rc);
	}
	rv = ends ? last(&at, p) : part(&at, p);
	if (rv == CKR_OK && !ends) {
		tok_pause(t->h, t->s);
		return KMS_OK;
	}
	(void)tok_give(t->h, t->s, rv);
	t->s = NULL;
	return rv == CKR_OK ? KMS_OK : fail(t, &c, tok_fail(&c, at.call, rv));
}

enum kms_rc
tok_part(struct tok_use *t, struct slice in, uint8_t *out, size_t *len)
{
	struct piece p = { .t = t, .in = in, .out = out, .len = len == NULL ? 0 : *len };

	TRY(t->s == NULL ? tok_with(t, first_part, &p) : on_stream(t, &p, false));
	if (len != NULL)
		*len = p.len;
	return KMS_OK;
}

enum kms_rc
tok_last(struct tok_use *t, uint8_t *out, size_t *len)
{
	struct piece p = { .t = t, .out = out, .len = *len };

	TRY(on_stream(t, &p, true));
	*len = p.len;
	return KMS_OK;
}

/* -- the life of a use -- */

/* An operation that nobody wants any more: cancelled where the HSM knows that, finished where it
 * does not. A session in which neither works is thrown away. */
static CK_RV
cancel(struct tok_use *t)
{
	static const CK_FLAGS flags[USE_KINDS] = {
		[USE_ENCRYPT] = CKF_ENCRYPT,
		[USE_DECRYPT] = CKF_DECRYPT,
		[USE_SIGN] = CKF_SIGN,
		[USE_VERIFY] = CKF_SIGN,
	};
	uint8_t nowhere[RSA_BYTES_MAX];
	struct tok_at at = { .h = t->h, .f = t->h->mod->f, .s = t->s, .k = t->key };
	struct piece p = { .t = t, .out = nowhere, .len = sizeof(nowhere) };
	CK_RV rv;

	if (t->h->mod->cancel != NULL &&
	    t->h->mod->cancel(t->s->handle, flags[t->u.kind]) == CKR_OK)
		return CKR_OK;
	rv = last(&at, &p);
	mem_wipe(nowhere, sizeof(nowhere));
	return rv == CKR_OK ? rv : CKR_OPERATION_ACTIVE;
}

static void
leave_stream(struct tok_use *t)
{
	struct call c = tok_call(t->h);

	if (t->s != NULL && tok_resume(t->h, &c, t->s) == KMS_OK)
		(void)tok_give(t->h, t->s, cancel(t));
	t->s = NULL;
}

void
tok_use_begin(struct tok_use *t)
{
	leave_stream(t);
	t->phase = TOK_DONE;
	t->u.why = NULL;
	err_clear(&t->err);
}

enum kms_rc
tok_use_end(struct tok_use *t, enum kms_rc rc)
{
	leave_stream(t);
	t->phase = TOK_DONE;
	return rc;
}

void
tok_use_release(struct tok_use *t, size_t size)
{
	leave_stream(t);
	tok_mechanism_free(&t->mech);
	tok_key_unref(t->key);
	mem_wipe(t, size);
	free(t);
}

/* -- beginning -- */

static const struct {
	const struct tok_family *sign, *crypt;
	enum key_type key;
} families[ALG_END] = {
	[ALG_RSA_PKCS1] = { &tok_family_sign, &tok_family_rsa, KEY_RSA },
	[ALG_RSA_RAW] = { &tok_family_sign, &tok_family_rsa, KEY_RSA },
	[ALG_RSA_OAEP] = { NULL, &tok_family_rsa, KEY_RSA },
	[ALG_RSA_PSS] = { &tok_family_sign, NULL, KEY_RSA },
	[ALG_ECDSA] = { &tok_family_sign, NULL, KEY_EC },
	[ALG_EDDSA] = { &tok_family_sign, NULL, KEY_EDWARDS },
	[ALG_AES_ECB] = { NULL, &tok_family_cipher, KEY_AES },
	[ALG_AES_CBC] = { NULL, &tok_family_cipher, KEY_AES },
	[ALG_AES_CBC_PAD] = { NULL, &tok_family_cipher, KEY_AES },
	[ALG_AES_CTR] = { NULL, &tok_family_cipher, KEY_AES },
	[ALG_AES_GCM] = { NULL, &tok_family_gcm, KEY_AES },
	[ALG_AES_CMAC] = { &tok_family_mac, NULL, KEY_AES },
	[ALG_AES_KW] = { NULL, &tok_family_kw, KEY_AES },
	[ALG_AES_KWP] = { NULL, &tok_family_kw, KEY_AES },
	[ALG_HMAC] = { &tok_family_mac, NULL, KEY_GENERIC },
};

static const struct tok_family *
family_of(enum use_kind kind, enum alg alg)
{
	const struct tok_family *f;

	if ((unsigned)alg >= ALG_END || (unsigned)kind >= USE_KINDS)
		return NULL;
	f = kind == USE_ENCRYPT || kind == USE_DECRYPT ? families[alg].crypt : families[alg].sign;
	return f != NULL && f->ops[kind] != NULL ? f : NULL;
}

static enum kms_rc
make(struct tok *h, struct tok_key *k, const struct tok_family *f, enum use_kind kind, enum alg alg,
    struct tok_use **ret)
{
	struct tok_use *t;

	if (k->spec.type != families[alg].key)
		return KMS_KEY_TYPE;
	if ((t = calloc(1, f->size)) == NULL)
		return KMS_NOMEM;
	t->u = (struct use){ .ops = f->ops[kind], .kind = kind, .alg = alg, .multipart = true };
	t->h = h;
	t->key = tok_key_ref(k);
	*ret = t;
	return KMS_OK;
}

enum kms_rc
tok_begin(struct hsm *base, struct call *c, struct hsm_key *hk, enum use_kind kind,
    const struct alg_params *p, struct use **usep)
{
	const struct tok_family *f = family_of(kind, p->alg);
	struct tok_key *k = tok_key_of(hk);
	struct tok_use *t = tok_use_of(*usep);
	enum kms_rc rc;

	if (t != NULL &&
	    (f == NULL || t->u.ops != f->ops[kind] || t->u.alg != p->alg || t->key != k)) {
		use_free(*usep);
		t = NULL;
	}
	*usep = NULL;
	if (t == NULL) {
		if (f == NULL)
			return KMS_NOTSUP;
		TRY(make(tok_of(base), k, f, kind, p->alg, &t));
	}
	if ((rc = use_restart(&t->u, p)) != KMS_OK) {
		if (t->u.why != NULL)
			rc = call_fail(c, rc, "%s", t->u.why);
		else if (rc == KMS_NOTSUP)
			rc = call_fail(c, rc, "the HSM has no mechanism for this");
		use_free(&t->u);
		return rc;
	}
	*usep = &t->u;
	return KMS_OK;
}
