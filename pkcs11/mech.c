/* SPDX-License-Identifier: Apache-2.0 */
/* The mechanism table of mech.def, and how it is asked. */
#include "pkcs11/mech.h"

/* 3.0 names a fact that p11-kit's header lacks: domain parameters may be a curve's name. */
#ifndef CKF_EC_CURVENAME
#define CKF_EC_CURVENAME (1UL << 26)
#endif

#define ENC	 (CKF_ENCRYPT | CKF_DECRYPT)
#define SIG	 (CKF_SIGN | CKF_VERIFY)
#define WRAP	 (CKF_WRAP | CKF_UNWRAP)
#define EC_FACTS (CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)

static const struct mech rows[] = {
#define M(type, key, alg, digest, param, min, max, flags) \
	{ type, #type, key, alg, digest, param, min, max, flags },
#include "pkcs11/mech.def"
#undef M
};

const struct mech *
mech_find(CK_MECHANISM_TYPE type)
{
	size_t low = 0, high = ARRAY_LEN(rows);

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (rows[mid].type == type)
			return &rows[mid];
		if (rows[mid].type < type)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const struct mech *
mech_rows(size_t *n)
{
	*n = ARRAY_LEN(rows);
	return rows;
}

bool
mech_takes_size(const struct mech *m, const struct key_spec *spec)
{
	/* The standard's units: bytes for ciphers, bits for generic secrets as for RSA and EC. */
	CK_ULONG size = key_type_is_cipher(m->key) ? spec->bits / 8 : spec->bits;

	return m->key == KEY_NONE || (size >= m->min && size <= m->max);
}
