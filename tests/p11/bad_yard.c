/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for the arguments of one call, with a dead page behind every piece; see bad.h. */
#include "tests/p11/bad.h"

#define PIECES	128
#define BORDER	32 /* bytes before a piece that are watched too */
#define PATTERN 0xa5

static struct piece {
	CK_BYTE *end;  /* where the dead page begins */
	CK_BYTE *copy; /* of what was put, with its borders */
	size_t watched;
	size_t len;
} pieces[PIECES];
static size_t used, slack;

void
yard_clear(size_t new_slack)
{
	used = 0;
	slack = new_slack;
}

void *
yard_put(const void *src, size_t n)
{
	struct piece *p = &pieces[used];
	CK_BYTE *at;

	ck_assert_uint_lt(used, PIECES);
	ck_assert_uint_le(n, YARD_ROOM - BORDER - slack);
	if (p->end == NULL) {
		p->end = (CK_BYTE *)guarded(YARD_ROOM) + YARD_ROOM;
		ck_assert_ptr_nonnull(p->copy = malloc(YARD_ROOM));
	}
	used++;
	at = p->end - slack - n;
	p->len = n;
	p->watched = BORDER + n + slack;
	memset(p->end - p->watched, PATTERN, p->watched);
	if (src != NULL && n != 0)
		memcpy(at, src, n);
	memcpy(p->copy, p->end - p->watched, p->watched);
	return at;
}

void *
yard_ulong(CK_ULONG n)
{
	return yard_put(&n, sizeof(n));
}

static bool
spilt(const struct piece *p)
{
	const CK_BYTE *now = p->end - p->watched;
	size_t after = BORDER + p->len;

	return memcmp(now, p->copy, BORDER) != 0 ||
	    memcmp(now + after, p->copy + after, p->watched - after) != 0;
}

bool
yard_spilt(void)
{
	for (size_t i = 0; i < used; i++)
		if (spilt(&pieces[i]))
			return true;
	return false;
}

/* A beginning that was wiped, and an end that was not touched. */
static bool
wiped(const CK_BYTE *now, const CK_BYTE *was, size_t n)
{
	size_t zeros = 0;

	while (zeros < n && now[zeros] == 0)
		zeros++;
	return memcmp(now + zeros, was + zeros, n - zeros) == 0;
}

bool
yard_changed(bool zeros)
{
	for (size_t i = 0; i < used; i++) {
		const struct piece *p = &pieces[i];
		const CK_BYTE *now = p->end - p->watched + BORDER, *was = p->copy + BORDER;

		if (spilt(p) ||
		    (memcmp(now, was, p->len) != 0 && !(zeros && wiped(now, was, p->len))))
			return true;
	}
	return false;
}

/* -- what has pointers in it ---------------------------------------------------------------- */

static void *
put_inner(void *p, CK_ULONG n)
{
	return p == NULL ? NULL : yard_put(p, n);
}

void *
yard_mechanism(const CK_MECHANISM *m)
{
	CK_MECHANISM copy = *m;
	CK_GCM_PARAMS gcm;
	CK_RSA_PKCS_OAEP_PARAMS oaep;
	CK_ECDH1_DERIVE_PARAMS ecdh;

	if (m->mechanism == CKM_AES_GCM && m->ulParameterLen == sizeof(gcm)) {
		memcpy(&gcm, m->pParameter, sizeof(gcm));
		gcm.pIv = put_inner(gcm.pIv, gcm.ulIvLen);
		gcm.pAAD = put_inner(gcm.pAAD, gcm.ulAADLen);
		copy.pParameter = yard_put(&gcm, sizeof(gcm));
	} else if (m->mechanism == CKM_RSA_PKCS_OAEP && m->ulParameterLen == sizeof(oaep)) {
		memcpy(&oaep, m->pParameter, sizeof(oaep));
		oaep.pSourceData = put_inner(oaep.pSourceData, oaep.ulSourceDataLen);
		copy.pParameter = yard_put(&oaep, sizeof(oaep));
	} else if (m->mechanism == CKM_ECDH1_DERIVE && m->ulParameterLen == sizeof(ecdh)) {
		memcpy(&ecdh, m->pParameter, sizeof(ecdh));
		ecdh.pPublicData = put_inner(ecdh.pPublicData, ecdh.ulPublicDataLen);
		copy.pParameter = yard_put(&ecdh, sizeof(ecdh));
	} else {
		copy.pParameter = put_inner(m->pParameter, m->ulParameterLen);
	}
	return yard_put(&copy, sizeof(copy));
}

static bool
is_array(CK_ATTRIBUTE_TYPE type)
{
	return type == CKA_WRAP_TEMPLATE || type == CKA_UNWRAP_TEMPLATE ||
	    type == CKA_DERIVE_TEMPLATE;
}

static void *
put_array(const CK_ATTRIBUTE *a)
{
	CK_ATTRIBUTE inner[8];

	ck_assert_uint_le(a->ulValueLen, sizeof(inner));
	memcpy(inner, a->pValue, a->ulValueLen);
	for (size_t i = 0; i < a->ulValueLen / sizeof(*inner); i++)
		inner[i].pValue = put_inner(inner[i].pValue, inner[i].ulValueLen);
	return yard_put(inner, a->ulValueLen);
}

void *
yard_template(const struct tmpl *t)
{
	CK_ATTRIBUTE copy[N(t->v)];

	for (CK_ULONG i = 0; i < t->n; i++) {
		copy[i] = t->v[i];
		if (copy[i].pValue != NULL)
			copy[i].pValue = is_array(copy[i].type)
			    ? put_array(&copy[i])
			    : yard_put(copy[i].pValue, copy[i].ulValueLen);
	}
	return yard_put(copy, t->n * sizeof(*copy));
}
