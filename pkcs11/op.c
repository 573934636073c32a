/* SPDX-License-Identifier: Apache-2.0 */
/* Active operations: Init's checks, the two-call length rule, what ends an operation. Only here. */
#include "pkcs11/op.h"

#include "pkcs11/attr.h"
#include "pkcs11/catalog.h"
#include "pkcs11/kms_use.h"
#include "pkcs11/memory.h"
#include "pkcs11/session.h"

enum form { FORM_ONCE, FORM_UPDATE, FORM_FINAL };

/* What Init asks of mechanism and key. Secret keys do everything, of a pair only one half does. */
static const struct rule {
	CK_FLAGS offered;
	uint32_t permitted;
	enum object_kind half;
} rules[USE_KINDS] = {
	[USE_ENCRYPT] = { CKF_ENCRYPT, FLAG_ENCRYPT, OBJECT_PUBLIC_KEY },
	[USE_DECRYPT] = { CKF_DECRYPT, FLAG_DECRYPT, OBJECT_PRIVATE_KEY },
	[USE_DIGEST] = { CKF_DIGEST, 0, OBJECT_NONE },
	[USE_SIGN] = { CKF_SIGN, FLAG_SIGN, OBJECT_PRIVATE_KEY },
	[USE_VERIFY] = { CKF_VERIFY, FLAG_VERIFY, OBJECT_PUBLIC_KEY },
};

/* -- the key -- */

static bool
may_be_seen(const struct session *s, const struct entry *key)
{
	return (key->o.flags & FLAG_PRIVATE) == 0 || token_user(s->token);
}

/* CKA_ALLOWED_MECHANISMS: an array of CK_MECHANISM_TYPE. Absent or empty allows all. */
static bool
mechanism_allowed(const struct entry *key, CK_MECHANISM_TYPE type)
{
	struct slice list;
	size_t i;

	if (!attr_flat_get(buf_slice(&key->o.attrs), CKA_ALLOWED_MECHANISMS, &list) ||
	    list.len == 0)
		return true;
	for (i = 0; i + sizeof(type) <= list.len; i += sizeof(type))
		if (memcmp(list.p + i, &type, sizeof(type)) == 0)
			return true;
	return false;
}

CK_RV
op_check_key(struct session *s, const struct entry *key, const struct mech *m, uint32_t flags_any)
{
	if (!may_be_seen(s, key))
		return CKR_USER_NOT_LOGGED_IN;
	if (m->key != key->o.spec.type)
		return CKR_KEY_TYPE_INCONSISTENT;
	if (!mech_takes_size(m, &key->o.spec))
		return CKR_KEY_SIZE_RANGE;
	if ((key->o.flags & flags_any) == 0)
		return CKR_KEY_FUNCTION_NOT_PERMITTED;
	return mechanism_allowed(key, m->type) ? CKR_OK : CKR_MECHANISM_INVALID;
}

/* 5.1.6: a handle of something that is no key at all is no key handle. */
static CK_RV
check_kind(const struct entry *key, enum use_kind kind)
{
	switch (key->o.kind) {
	case OBJECT_SECRET_KEY: return CKR_OK;
	case OBJECT_PRIVATE_KEY:
	case OBJECT_PUBLIC_KEY:
		return key->o.kind == rules[kind].half ? CKR_OK : CKR_KEY_TYPE_INCONSISTENT;
	case OBJECT_NONE:
	case OBJECT_CERTIFICATE:
	case OBJECT_DATA: break;
	}
	return CKR_KEY_HANDLE_INVALID;
}

static CK_RV
find_key(struct session *s, enum use_kind kind, const struct mech *m, CK_OBJECT_HANDLE handle,
    struct entry **ret)
{
	struct call call = token_call(s->token);
	auto_entry *key = NULL;
	CK_RV rv;

	rv = catalog_get(s->token->catalog, &call, handle, &key);
	if (rv != CKR_OK)
		return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
	TRY_RV(check_kind(key, kind));
	TRY_RV(op_check_key(s, key, m, rules[kind].permitted));
	*ret = key;
	key = NULL; /* moved */
	return CKR_OK;
}

/* -- the use -- */

static CK_RV
begin_rv(struct session *s, const struct call *call, enum kms_rc rc)
{
	if (rc == KMS_OK)
		return CKR_OK;
	if (rc == KMS_NOTFOUND)
		return CKR_KEY_HANDLE_INVALID;
	if (rc == KMS_NOTSUP)
		return CKR_MECHANISM_INVALID;
	return session_fail(s, call, rc);
}

static CK_RV
begin_at_backend(struct session *s, struct entry *key, enum use_kind kind,
    const struct alg_params *p, struct use **usep)
{
	struct call call = token_call(s->token);
	struct backend_key *bkey;
	CK_RV rv;

	rv = entry_backend_key(key, &call, &bkey);
	if (rv != CKR_OK) {
		use_free(*usep);
		*usep = NULL;
		return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
	}
	call.uses = &s->uses;
	return begin_rv(s, &call, backend_begin(s->token->backend, &call, bkey, kind, p, usep));
}

CK_RV
op_begin_use(struct session *s, struct entry *key, enum use_kind kind, const struct alg_params *p,
    struct use **usep)
{
	enum kms_rc rc;

	if (p->alg == ALG_KMS)
		return begin_rv(s, &(struct call){ 0 }, kms_use_begin(key, kind, p, usep));
	if (key != NULL && key->ckey == NULL)
		return begin_at_backend(s, key, kind, p, usep);
	rc = crypto_begin(key == NULL ? NULL : key->ckey, kind, p, usep);
	return rc == KMS_OK ? CKR_OK : begin_rv(s, &(struct call){ 0 }, rc);
}

/* -- init -- */

/* The operation is over. A use that finished its work is kept for the next Init; one in the middle
 * of it cannot be. */
static void
stop(struct op *op, bool finished)
{
	op->phase = OP_IDLE;
	op->need_login = false;
	if (!finished) {
		use_free(op->use);
		op->use = NULL;
	}
}

static CK_RV
finish(struct op *op, CK_RV rv)
{
	stop(op, rv == CKR_OK);
	return rv;
}

void
op_end(struct op *op)
{
	if (op->phase != OP_IDLE)
		stop(op, false);
}

/* Forgets what was kept, but for the memory of params. */
static void
forget(struct op *op)
{
	use_free(op->use);
	op->use = NULL;
	entry_unref(op->key);
	op->key = NULL;
	op->mech = NULL;
	op->handle = 0;
}

void
op_free(struct op *op)
{
	forget(op);
	params_free(&op->params);
	op->phase = OP_IDLE;
	op->need_login = false;
}

/* Is what the last Init set up good for this one? Asked at every Init: must stay a few loads. */
static bool
same_again(const struct session *s, const struct op *op, CK_MECHANISM_TYPE type,
    CK_OBJECT_HANDLE handle)
{
	if (op->mech == NULL || op->mech->type != type || op->handle != handle)
		return false;
	return op->key == NULL ||
	    (op->generation == catalog_generation(s->token->catalog) && may_be_seen(s, op->key));
}

static CK_RV
prepare(struct session *s, struct op *op, enum use_kind kind, CK_MECHANISM_TYPE type,
    CK_OBJECT_HANDLE handle)
{
	const struct mech *m = mech_find(type);
	auto_entry *key = NULL;
	uint64_t generation = 0;
	CK_RV rv;

	if (m == NULL || (token_offers(s->token, m) & rules[kind].offered) == 0)
		return CKR_MECHANISM_INVALID;
	if (kind != USE_DIGEST) {
		/* Before the look-up: what changes during it must not pass for current. */
		generation = catalog_generation(s->token->catalog);
		if ((rv = find_key(s, kind, m, handle, &key)) != CKR_OK) {
			forget(op);
			return rv;
		}
	}
	/* Often it was another object that changed, and the use is still good. */
	if (m != op->mech || key != op->key) {
		forget(op);
		op->key = key;
		key = NULL; /* moved */
	}
	op->mech = m;
	op->handle = handle;
	op->generation = generation;
	return CKR_OK;
}

CK_RV
op_init(struct session *s, enum use_kind kind, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	struct op *op = &s->op[kind];
	CK_MECHANISM_TYPE type;

	if (mechanism == NULL) { /* 3.0 ends what is active; to 2.40 an argument is missing */
		if (op->phase == OP_IDLE)
			return CKR_ARGUMENTS_BAD;
		op_end(op);
		return CKR_OK;
	}
	if (op->phase != OP_IDLE)
		return CKR_OPERATION_ACTIVE;
	memcpy(&type, (const uint8_t *)mechanism + offsetof(CK_MECHANISM, mechanism), sizeof(type));
	if (!same_again(s, op, type, key))
		TRY_RV(prepare(s, op, kind, type, key));
	TRY_RV(params_read(&op->params, op->mech, mechanism));
	TRY_RV(op_begin_use(s, op->key, kind, &op->params.p, &op->use));
	op->need_login = op->key != NULL && op->key->o.kind == OBJECT_PRIVATE_KEY &&
	    (op->key->o.flags & FLAG_ALWAYS_AUTHENTICATE) != 0;
	op->phase = OP_READY;
	return CKR_OK;
}

/* -- work -- */

static CK_RV
use_rv(struct session *s, enum use_kind kind, enum kms_rc rc)
{
	if (kind == USE_DECRYPT && (rc == KMS_BAD_LEN || rc == KMS_LIMIT))
		return CKR_ENCRYPTED_DATA_LEN_RANGE;
	if (kind == USE_DECRYPT && rc == KMS_BAD_DATA)
		return CKR_ENCRYPTED_DATA_INVALID;
	/* The application's data, not our trouble: not logged. */
	if (rc == KMS_OK || rc == KMS_BUFFER_SMALL || rc == KMS_BAD_LEN || rc == KMS_LIMIT ||
	    rc == KMS_BAD_DATA || rc == KMS_BAD_SIGNATURE || rc == KMS_SIGNATURE_LEN)
		return rv_of(rc);
	return session_fail(s, &(struct call){ 0 }, rc);
}

static CK_RV
read_input(enum use_kind kind, const CK_BYTE *in, CK_ULONG len, struct slice *ret)
{
	if (in == NULL && len != 0)
		return CKR_ARGUMENTS_BAD;
	if (len > CALL_BYTES_MAX && kind == USE_DIGEST)
		return CKR_ARGUMENTS_BAD; /* 5.12: has no code for lengths */
	if (len > CALL_BYTES_MAX)
		return kind == USE_DECRYPT ? CKR_ENCRYPTED_DATA_LEN_RANGE : CKR_DATA_LEN_RANGE;
	*ret = slice_of(in, len);
	return CKR_OK;
}

static CK_RV
goes_on_with(const struct op *op, enum form form)
{
	if (form != FORM_ONCE && !op->use->multipart)
		return CKR_FUNCTION_NOT_SUPPORTED;
	if (form == FORM_ONCE && op->phase == OP_PARTS)
		return CKR_OPERATION_ACTIVE;
	/* pkcs11-tool --test-ec ends a C_Sign that it has only asked by a C_SignFinal */
	if (form == FORM_UPDATE || (form == FORM_FINAL && op->use->kind != USE_SIGN))
		return op->phase == OP_ONCE ? CKR_OPERATION_ACTIVE : CKR_OK;
	return CKR_OK;
}

/* Would output of LEN bytes at OUT run over input that is still to be read? In place (5.8) it would
 * not. */
static bool
runs_over(struct slice in, const CK_BYTE *out, size_t len)
{
	uintptr_t i = (uintptr_t)in.p, o = (uintptr_t)out;

	return i != o && (i < o ? o - i < in.len : i - o < len);
}

static CK_RV
produce(struct session *s, enum use_kind kind, enum form form, struct slice in, CK_BYTE *p,
    CK_ULONG *len)
{
	struct use *u = s->op[kind].use;
	struct outbuf out = { .p = p, .cap = ulong_get(len) };
	auto_buf copy = { 0 };
	enum kms_rc rc = KMS_OK;
	size_t need = 0;

	if (runs_over(in, p, out.cap) &&
	    runs_over(in, p, use_bound(u, in.len, form != FORM_UPDATE))) {
		TRY_RV(use_rv(s, kind, buf_set(&copy, in)));
		in = buf_slice(&copy);
	}
	switch (form) {
	case FORM_ONCE: rc = use_once(u, in, &out, &need); break;
	case FORM_UPDATE: rc = use_update(u, in, &out, &need); break;
	case FORM_FINAL: rc = use_final(u, &out, &need); break;
	}
	if (rc == KMS_OK || rc == KMS_BUFFER_SMALL)
		ulong_put(len, rc == KMS_OK ? out.len : need);
	return use_rv(s, kind, rc);
}

/* Of the calls that use the key, so not of those that ask for a length (4.10). The operation of a
 * private key ends with the login that let it begin. */
static CK_RV
may_be_used(const struct session *s, const struct op *op)
{
	if (op->need_login || (op->key != NULL && !may_be_seen(s, op->key)))
		return CKR_USER_NOT_LOGGED_IN;
	return CKR_OK;
}

/* *ASKED: it was only a length query. */
static CK_RV
work(struct session *s, enum use_kind kind, enum form form, struct slice in, CK_BYTE *out,
    CK_ULONG *out_len, bool *asked)
{
	struct op *op = &s->op[kind];
	size_t need;

	TRY_RV(goes_on_with(op, form));
	if (form == FORM_UPDATE && kind != USE_ENCRYPT && kind != USE_DECRYPT) {
		TRY_RV(may_be_used(s, op));
		return use_rv(s, kind, use_update(op->use, in, NULL, &need));
	}
	if (out_len == NULL)
		return CKR_ARGUMENTS_BAD;
	if (out == NULL) {
		*asked = true;
		ulong_put(out_len, use_bound(op->use, in.len, form != FORM_UPDATE));
		return CKR_OK;
	}
	TRY_RV(may_be_used(s, op));
	return produce(s, kind, form, in, out, out_len);
}

/* 5.2: everything ends an operation, but length queries, short buffers, and parts that went well.
 */
static CK_RV
settle(struct op *op, enum form form, CK_RV rv, bool asked)
{
	if (rv != CKR_BUFFER_TOO_SMALL && !asked && (rv != CKR_OK || form != FORM_UPDATE))
		return finish(op, rv);
	op->phase = form == FORM_ONCE ? OP_ONCE : OP_PARTS;
	return rv;
}

static CK_RV
run(struct session *s, enum use_kind kind, enum form form, const CK_BYTE *in, CK_ULONG in_len,
    CK_BYTE *out, CK_ULONG *out_len)
{
	struct op *op = &s->op[kind];
	struct slice input;
	bool asked = false;
	CK_RV rv;

	if (op->phase == OP_IDLE)
		return CKR_OPERATION_NOT_INITIALIZED;
	if ((rv = read_input(kind, in, in_len, &input)) == CKR_OK)
		rv = work(s, kind, form, input, out, out_len, &asked);
	return settle(op, form, rv, asked);
}

CK_RV
op_once(struct session *s, enum use_kind kind, const CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out,
    CK_ULONG *out_len)
{
	return run(s, kind, FORM_ONCE, in, in_len, out, out_len);
}

CK_RV
op_update(struct session *s, enum use_kind kind, const CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out,
    CK_ULONG *out_len)
{
	return run(s, kind, FORM_UPDATE, in, in_len, out, out_len);
}

CK_RV
op_final(struct session *s, enum use_kind kind, CK_BYTE *out, CK_ULONG *out_len)
{
	return run(s, kind, FORM_FINAL, NULL, 0, out, out_len);
}

static CK_RV
check(struct session *s, enum form form, const CK_BYTE *in, CK_ULONG in_len, const CK_BYTE *sig,
    CK_ULONG sig_len)
{
	struct op *op = &s->op[USE_VERIFY];
	struct slice input, signature;

	TRY_RV(goes_on_with(op, form));
	TRY_RV(may_be_used(s, op));
	TRY_RV(read_input(USE_VERIFY, in, in_len, &input));
	if (sig == NULL && sig_len != 0)
		return CKR_ARGUMENTS_BAD;
	signature = slice_of(sig, sig_len);
	return use_rv(s, USE_VERIFY,
	    form == FORM_ONCE ? use_check_once(op->use, input, signature)
			      : use_check(op->use, signature));
}

CK_RV
op_check(struct session *s, const CK_BYTE *in, CK_ULONG in_len, const CK_BYTE *sig,
    CK_ULONG sig_len)
{
	struct op *op = &s->op[USE_VERIFY];

	if (op->phase == OP_IDLE)
		return CKR_OPERATION_NOT_INITIALIZED;
	return finish(op, check(s, FORM_ONCE, in, in_len, sig, sig_len));
}

CK_RV
op_check_final(struct session *s, const CK_BYTE *sig, CK_ULONG sig_len)
{
	struct op *op = &s->op[USE_VERIFY];

	if (op->phase == OP_IDLE)
		return CKR_OPERATION_NOT_INITIALIZED;
	return finish(op, check(s, FORM_FINAL, NULL, 0, sig, sig_len));
}

/* -- context-specific login -- */

bool
op_needs_login(const struct session *s)
{
	size_t i;

	for (i = 0; i < USE_KINDS; i++)
		if (s->op[i].phase != OP_IDLE && s->op[i].need_login)
			return true;
	return false;
}

void
op_authenticated(struct session *s)
{
	size_t i;

	for (i = 0; i < USE_KINDS; i++)
		s->op[i].need_login = false;
}
