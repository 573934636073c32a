/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mechanism parameters: the input as the parameter of every row. Bytes of it that a row takes for a
 * pointer become one of ours, to memory exactly as long as the length beside it says.
 */
#define _GNU_SOURCE 1
#include "pkcs11/param.h"
#include "tests/fuzz/fuzz.h"

#define PARAM_MAX 128 /* longer than any of the structs */

/*
 * Memory for the pointer at PTR, as long as the number at LEN says (far too long: none). The bytes
 * that stood for the pointer choose: bit 0 of the first, no memory; the others, how it begins.
 */
static void *
give_memory(uint8_t *param, size_t ptr, size_t len_at)
{
	uint8_t *memory = NULL;
	CK_ULONG len, i;

	memcpy(&len, param + len_at, sizeof(len));
	if (len <= PARAM_BYTES_MAX && (param[ptr] & 1) == 0 && (memory = malloc(len)) != NULL)
		for (i = 0; i < len; i++)
			memory[i] = i < 6 ? param[ptr + 1 + i] : 0;
	memcpy(param + ptr, &memory, sizeof(memory));
	return memory;
}

/* Where the structs of a kind have their pointers, and the lengths of what these point to. */
static const struct {
	enum param_kind kind;
	size_t size, ptr, len;
} pointers[] = {
	{ PARAM_GCM, sizeof(CK_GCM_PARAMS), offsetof(CK_GCM_PARAMS, pIv),
	    offsetof(CK_GCM_PARAMS, ulIvLen) },
	{ PARAM_GCM, sizeof(CK_GCM_PARAMS), offsetof(CK_GCM_PARAMS, pAAD),
	    offsetof(CK_GCM_PARAMS, ulAADLen) },
	{ PARAM_OAEP, sizeof(CK_RSA_PKCS_OAEP_PARAMS),
	    offsetof(CK_RSA_PKCS_OAEP_PARAMS, pSourceData),
	    offsetof(CK_RSA_PKCS_OAEP_PARAMS, ulSourceDataLen) },
	{ PARAM_ECDH1, sizeof(CK_ECDH1_DERIVE_PARAMS),
	    offsetof(CK_ECDH1_DERIVE_PARAMS, pSharedData),
	    offsetof(CK_ECDH1_DERIVE_PARAMS, ulSharedDataLen) },
	{ PARAM_ECDH1, sizeof(CK_ECDH1_DERIVE_PARAMS),
	    offsetof(CK_ECDH1_DERIVE_PARAMS, pPublicData),
	    offsetof(CK_ECDH1_DERIVE_PARAMS, ulPublicDataLen) },
	{ PARAM_EDDSA, sizeof(CK_EDDSA_PARAMS), offsetof(CK_EDDSA_PARAMS, pContextData),
	    offsetof(CK_EDDSA_PARAMS, ulContextDataLen) },
};

static void
check_slice(const struct params *p, struct slice s)
{
	bool in_small = s.p >= p->small && s.len <= sizeof(p->small) &&
	    s.p <= p->small + sizeof(p->small) - s.len;
	bool in_large = p->large.p != NULL && s.p >= p->large.p && s.len <= p->large.len &&
	    s.p <= p->large.p + p->large.len - s.len;

	MUST(s.len == 0 || in_small || in_large);
}

/* What was taken keeps the promises of api/alg.h, and lies in P's own memory. */
static void
check_params(const struct params *p, const struct mech *m)
{
	MUST(p->p.alg == m->alg && p->p.digest == m->digest);
	switch (m->param) {
	case PARAM_IV16:
	case PARAM_CTR:
	case PARAM_KW_IV:
	case PARAM_KWP_IV: check_slice(p, p->p.u.cipher.iv); break;
	case PARAM_GCM:
		check_slice(p, p->p.u.gcm.iv);
		check_slice(p, p->p.u.gcm.aad);
		MUST(p->p.u.gcm.iv.len >= 1 && p->p.u.gcm.iv.len <= 256);
		MUST(p->p.u.gcm.tag_len >= 4 && p->p.u.gcm.tag_len <= 16);
		break;
	case PARAM_OAEP:
		check_slice(p, p->p.u.oaep.label);
		MUST(digest_len(p->p.u.oaep.hash) > 0 && digest_len(p->p.u.oaep.mgf) > 0);
		break;
	case PARAM_PSS:
		MUST(m->digest == DIGEST_NONE || m->digest == p->p.u.pss.hash);
		MUST(p->p.u.pss.salt_len <= 1024);
		break;
	case PARAM_MAC_LEN: MUST(p->p.u.mac.len >= 1 && p->p.u.mac.len <= DIGEST_MAX); break;
	case PARAM_ECDH1:
		check_slice(p, p->p.u.ecdh.peer);
		MUST(p->p.u.ecdh.peer.len % 2 == 1 && p->p.u.ecdh.peer.p[0] == 4);
		break;
	case PARAM_SM2_ID:
		check_slice(p, p->p.u.sm2.id);
		MUST(p->p.u.sm2.id.len <= SM2_ID_MAX);
		break;
	case PARAM_KMS:
		check_slice(p, p->p.u.kms.context);
		MUST(p->p.u.kms.context.len <= 8192);
		break;
	case PARAM_NONE:
	case PARAM_EDDSA: break;
	}
}

static void
try_row(struct params *p, const struct mech *m, const uint8_t *data, size_t len)
{
	void *memory[ARRAY_LEN(pointers)] = { NULL };
	uint8_t *param = malloc(len);
	size_t i;

	if (param == NULL)
		return;
	if (len > 0)
		memcpy(param, data, len);
	for (i = 0; i < ARRAY_LEN(pointers); i++)
		if (pointers[i].kind == m->param && pointers[i].size == len)
			memory[i] = give_memory(param, pointers[i].ptr, pointers[i].len);
	if (params_read(p, m, &(CK_MECHANISM){ m->type, param, len }) == CKR_OK)
		check_params(p, m);
	free(param);
	for (i = 0; i < ARRAY_LEN(pointers); i++)
		free(memory[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct params p = { 0 };
	size_t n, i;
	const struct mech *rows = mech_rows(&n);

	if (len > PARAM_MAX)
		return 0;
	/* One P for all of them: what a row leaves behind must not disturb the next. */
	for (i = 0; i < n; i++)
		try_row(&p, &rows[i], data, len);
	params_free(&p);
	return 0;
}
