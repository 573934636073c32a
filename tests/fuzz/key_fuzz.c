/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a key: PKCS#8, SubjectPublicKeyInfo, points and parameters of curves. What is taken
 * is whole: it is written, read again, and is the same. The first byte says what the rest is meant
 * to be.
 */
#define _GNU_SOURCE 1
#include "crypto/crypto.h"
#include "tests/fuzz/fuzz.h"

/* The public half survives being written. */
static void
as_public(struct ckey *k)
{
	auto_buf der = { 0 }, again = { 0 };
	auto_ckey *other = NULL;
	struct key_spec a = ckey_spec(k), b;

	MUST(ckey_spki(k, &der) == KMS_OK);
	MUST(ckey_from_spki(buf_slice(&der), &other) == KMS_OK);
	MUST(ckey_spki(other, &again) == KMS_OK);
	MUST(slice_eq(buf_slice(&der), buf_slice(&again)));
	b = ckey_spec(other);
	MUST(a.type == b.type && a.curve == b.curve && a.bits == b.bits);
	MUST(!ckey_is_private(other));
}

static void
as_private(struct ckey *k)
{
	auto_secret der = { 0 }, again = { 0 };
	auto_ckey *other = NULL;

	MUST(ckey_is_private(k));
	MUST(ckey_pkcs8(k, &der) == KMS_OK);
	MUST(ckey_from_pkcs8(secret_slice(&der), &other) == KMS_OK);
	MUST(ckey_pkcs8(other, &again) == KMS_OK);
	MUST(slice_eq(secret_slice(&der), secret_slice(&again)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_ckey *k = NULL;
	auto_secret z = { 0 };
	struct slice in;
	enum curve curve;

	if (size == 0)
		return 0;
	in = slice_of(data + 1, size - 1);
	switch (data[0] % 8) {
	case 0:
		if (ckey_from_pkcs8(in, &k) == KMS_OK) {
			as_private(k);
			as_public(k);
		}
		break;
	case 1:
		if (ckey_from_spki(in, &k) == KMS_OK)
			as_public(k);
		break;
	case 2:
		if (curve_from_params(in) != CURVE_NONE)
			MUST(in.len < 16);
		break;
	case 3: /* a public point, and a peer's */
	case 4:
	case 5:
	case 6:
		curve = data[0] < 128 ? (enum curve)(data[0] % 8 - 2)
				      : (enum curve)(CURVE_P256K + data[0] % 2);
		if (ckey_from_ec(curve, slice_of(NULL, 0), in, &k) == KMS_OK)
			as_public(k);
		break;
	default: /* a scalar */
		if (ckey_from_ec(CURVE_P256, in, slice_of(NULL, 0), &k) == KMS_OK) {
			as_private(k);
			if (crypto_ecdh(k, in, &z) != KMS_OK)
				MUST(z.len == 0);
		}
	}
	MUST(k != NULL || z.len == 0);
	return 0;
}
