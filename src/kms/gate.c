/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate: every use of a key passes here, and only here. It asks whether the key may be seen,
 * whether it still is what the store says, and whether it may be used in this way; then the HSM
 * driver works, and the use is recorded before anything comes out of it. On a warm call it takes
 * no lock that others take, allocates nothing and does not touch the store.
 */
#include "kms/record.h"

/* Any of these permits the use. Wrapping is encrypting to the HSM, and unwrapping decrypting. */
static const uint32_t permits[USE_KINDS] = {
	[USE_ENCRYPT] = FLAG_ENCRYPT | FLAG_WRAP,
	[USE_DECRYPT] = FLAG_DECRYPT | FLAG_UNWRAP,
	[USE_DIGEST] = 0,
	[USE_SIGN] = FLAG_SIGN,
	[USE_VERIFY] = FLAG_VERIFY,
};

enum kms_rc
gate_usable(struct local *l, struct call *c, struct backend_key *k)
{
	uint64_t generation;

	TRY(rights_see(c, local_role(l), atomic_load_explicit(&k->flags, memory_order_relaxed)));
	generation = local_generation(&l->base);
	if (__builtin_expect(atomic_load_explicit(&k->checked, memory_order_acquire) != generation,
		0))
		return key_revalidate(l, c, k, generation);
	return atomic_load_explicit(&k->gone, memory_order_relaxed) ? KMS_NOTFOUND : KMS_OK;
}

bool
gate_permits(struct backend_key *k, enum use_kind kind, bool wraps)
{
	uint32_t any_of = permits[kind];

	if (!wraps)
		any_of &= ~(uint32_t)(FLAG_WRAP | FLAG_UNWRAP);
	return (atomic_load_explicit(&k->flags, memory_order_relaxed) & any_of) != 0;
}

bool
gate_held(struct backend_key *k)
{
	uint32_t flags = atomic_load_explicit(&k->flags, memory_order_relaxed);

	return (flags & ~atomic_load_explicit(&k->stored, memory_order_relaxed) & FLAG_UNUSABLE) !=
	    0;
}

static enum kms_rc
authorise(struct local *l, struct call *c, struct backend_key *k, uint32_t any_of)
{
	uint32_t flags;

	TRY(gate_usable(l, c, k));
	flags = atomic_load_explicit(&k->flags, memory_order_relaxed);
	if ((flags & FLAG_UNUSABLE) != 0)
		return call_fail(c, KMS_KEY_STATE, "the key is not enabled");
	if ((flags & any_of) == 0)
		return call_fail(c, KMS_DENIED, "the key may not be used in this way");
	return KMS_OK;
}

enum kms_rc
gate_begin(struct backend *b, struct call *c, struct backend_key *k, enum use_kind kind,
    const struct alg_params *p, struct use **usep)
{
	struct local *l = local_of(b);
	enum kms_rc rc = kind < USE_KINDS ? authorise(l, c, k, permits[kind]) : KMS_INVALID;

	if (rc == KMS_OK)
		rc = l->hsm->ops->begin(l->hsm, c, k->key, kind, p, usep);
	rc = record_use(l, c, k, kind, p->alg, rc);
	if (__builtin_expect(rc != KMS_OK, 0)) {
		use_free(*usep);
		*usep = NULL;
	}
	return rc;
}

enum kms_rc
gate_derive(struct backend *b, struct call *c, struct backend_key *k, const struct alg_params *p,
    struct secret *ret)
{
	struct local *l = local_of(b);
	enum kms_rc rc = authorise(l, c, k, FLAG_DERIVE);

	if (rc == KMS_OK)
		rc = l->hsm->ops->derive(l->hsm, c, k->key, p, ret);
	rc = record_use(l, c, k, RECORD_DERIVE, p->alg, rc);
	if (rc != KMS_OK)
		secret_free(ret);
	return rc;
}

enum kms_rc
gate_wrap(struct backend *b, struct call *c, struct backend_key *k, const struct alg_params *p,
    struct backend_key *target, struct buf *ret)
{
	struct local *l = local_of(b);
	enum kms_rc rc;

	if (l->hsm->ops->wrap == NULL)
		return KMS_NOTSUP;
	if ((rc = authorise(l, c, k, FLAG_WRAP)) == KMS_OK &&
	    (rc = authorise(l, c, target, FLAG_EXTRACTABLE)) == KMS_OK)
		rc = l->hsm->ops->wrap(l->hsm, c, k->key, p, target->key, ret);
	rc = record_use(l, c, k, USE_ENCRYPT, p->alg, rc);
	if (rc != KMS_OK)
		buf_free(ret);
	return rc;
}
