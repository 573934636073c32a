/* SPDX-License-Identifier: Apache-2.0 */
/* What the mechanisms do to lengths, and what operations gave: given again by the same operation in
 * other pieces, and decrypted and verified to what it was made of. Anything else is not. */
#include "tests/fuzz/model.h"

#define RECORDS 12

static struct record records[RECORDS];
static size_t n_records;

void
records_clear(void)
{
	for (size_t i = 0; i < RECORDS; i++) {
		buf_free(&records[i].in);
		buf_free(&records[i].out);
	}
	n_records = 0;
}

/* -- facts of the mechanisms ------------------------------------------------------------------- */

bool
takes_parts(const struct mech *m)
{
	enum alg a = m->alg;

	if (a == ALG_RSA_PKCS1 || a == ALG_RSA_PSS || a == ALG_ECDSA)
		return m->digest != DIGEST_NONE;
	return a != ALG_RSA_RAW && a != ALG_RSA_OAEP && a != ALG_AES_KW && a != ALG_AES_KWP;
}

static bool
deterministic(const struct mech *m, enum use_kind kind, unsigned variant)
{
	if (m->alg == ALG_RSA_PKCS1)
		return kind != USE_ENCRYPT;
	if (m->alg == ALG_RSA_PSS)
		return variant == 1; /* no salt */
	return m->alg != ALG_RSA_OAEP && m->alg != ALG_ECDSA;
}

/* Does decryption notice what was not encrypted so? */
static bool
authentic(const struct m_op *op)
{
	if (op->mech->alg == ALG_AES_GCM)
		return param_tag_len(op->variant) >= 8;
	return op->mech->alg == ALG_AES_KW || op->mech->alg == ALG_AES_KWP ||
	    op->mech->alg == ALG_RSA_OAEP;
}

/* The length of what LEN bytes become; SIZE_MAX when they are not taken. */
size_t
length_of(const struct m_op *op, size_t len)
{
	const struct mech *m = op->mech;
	size_t k = (op->bits + 7) / 8;

	switch (m->alg) {
	case ALG_DIGEST: return digest_len(m->digest);
	case ALG_RSA_PKCS1: return m->digest != DIGEST_NONE || len + 11 <= k ? k : SIZE_MAX;
	case ALG_RSA_RAW: return len <= k ? k : SIZE_MAX;
	case ALG_RSA_OAEP: return len + 2 * param_oaep_hash(op->variant) + 2 <= k ? k : SIZE_MAX;
	case ALG_RSA_PSS: return m->digest != DIGEST_NONE || len == 32 ? k : SIZE_MAX;
	case ALG_ECDSA: return m->digest != DIGEST_NONE || len > 0 ? 2 * k : SIZE_MAX;
	case ALG_EDDSA: return 64;
	case ALG_SM2DSA: return m->digest != DIGEST_NONE || len == 32 ? 64 : SIZE_MAX;
	case ALG_AES_ECB:
	case ALG_AES_CBC:
	case ALG_SM4_ECB:
	case ALG_SM4_CBC: return len % 16 == 0 ? len : SIZE_MAX;
	case ALG_AES_CBC_PAD:
	case ALG_SM4_CBC_PAD: return len - len % 16 + 16;
	case ALG_AES_CTR:
	case ALG_SM4_CTR: return len <= param_counter_bytes(op->variant) ? len : SIZE_MAX;
	case ALG_AES_GCM: return len + param_tag_len(op->variant);
	case ALG_AES_KW: return len >= 16 && len % 8 == 0 ? len + 8 : SIZE_MAX;
	case ALG_AES_KWP: return len > 0 ? (len + 7) / 8 * 8 + 8 : SIZE_MAX;
	case ALG_AES_CMAC:
	case ALG_HMAC: return param_mac_len(m, op->variant);
	case ALG_NONE:
	case ALG_ECDH:
	case ALG_SM2PKE: /* known only when it is done */
	case ALG_SM4_SEAL:
	case ALG_KMS:
	case ALG_END: break;
	}
	return SIZE_MAX;
}

/* -- results ----------------------------------------------------------------------------------- */

static struct record *
find_record(enum use_kind kind, const struct m_op *op, struct slice in)
{
	for (size_t i = 0; i < n_records; i++)
		if (records[i].kind == kind && records[i].mech == op->mech &&
		    records[i].variant == op->variant && records[i].material == op->material &&
		    slice_eq(buf_slice(&records[i].in), in))
			return &records[i];
	return NULL;
}

/* An operation that makes something is over: OP's in and out are all of it. */
void
made(enum use_kind kind, const struct m_op *op)
{
	const struct record *same = find_record(kind, op, buf_slice(&op->in));
	struct record *r;

	MUST(op->out.len == length_of(op, op->in.len));
	if (same != NULL && deterministic(op->mech, kind, op->variant))
		MUST(slice_eq(buf_slice(&op->out), buf_slice(&same->out)));
	if (same != NULL || n_records == RECORDS)
		return;
	r = &records[n_records++];
	r->kind = kind;
	r->mech = op->mech;
	r->variant = op->variant;
	r->material = op->material;
	MUST(buf_set(&r->in, buf_slice(&op->in)) == KMS_OK);
	MUST(buf_set(&r->out, buf_slice(&op->out)) == KMS_OK);
}

/* The record whose result is the text that OP decrypts. */
const struct record *
encrypted_as(const struct m_op *op)
{
	for (size_t i = 0; i < n_records; i++)
		if (records[i].kind == USE_ENCRYPT && records[i].mech == op->mech &&
		    records[i].variant == op->variant && records[i].material == op->material &&
		    slice_eq(buf_slice(&records[i].out), buf_slice(&op->in)))
			return &records[i];
	return NULL;
}

void
decrypted(const struct m_op *op)
{
	const struct record *r = encrypted_as(op);
	struct slice out = buf_slice(&op->out);

	MUST(r != NULL || !authentic(op));
	if (r == NULL)
		return;
	if (op->mech->alg == ALG_RSA_RAW && out.len > r->in.len) {
		for (size_t i = 0; i < out.len - r->in.len; i++)
			MUST(out.p[i] == 0);
		out = slice_of(out.p + out.len - r->in.len, r->in.len);
	}
	MUST(slice_eq(out, buf_slice(&r->in)));
}

/* To decrypt or verify, a record chooses mechanism, parameter and key, if the input likes. */
const struct record *
choose_record(struct feed *f, enum use_kind kind)
{
	size_t at = feed_below(f, RECORDS);

	if ((kind != USE_DECRYPT && kind != USE_VERIFY) || at >= n_records)
		return NULL;
	return records[at].kind == (kind == USE_DECRYPT ? USE_ENCRYPT : USE_SIGN) ? &records[at]
										  : NULL;
}

/* The number that is signed where the text is one. */
static struct slice
as_signed(const struct mech *m, struct slice text)
{
	bool number = m->digest == DIGEST_NONE && (m->alg == ALG_ECDSA || m->alg == ALG_RSA_RAW);

	if (m->alg == ALG_ECDSA && number && text.len > 32)
		text.len = 32;
	while (number && text.len > 0 && text.p[0] == 0)
		text = slice_of(text.p + 1, text.len - 1);
	return text;
}

/* Is SIG what signing the text would give? With randomness: did it once? */
bool
signature_holds(const struct m_op *op, struct slice sig)
{
	for (size_t i = 0; i < n_records; i++)
		if (records[i].kind == USE_SIGN && records[i].mech == op->mech &&
		    records[i].variant == op->variant && records[i].material == op->material &&
		    slice_eq(as_signed(op->mech, buf_slice(&records[i].in)),
			as_signed(op->mech, buf_slice(&op->in))) &&
		    slice_eq(buf_slice(&records[i].out), sig))
			return true;
	return false;
}
