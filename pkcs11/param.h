/* SPDX-License-Identifier: Apache-2.0 */
/* Mechanism parameters: copied once, at Init, into owned and typed values. No caller's pointer is
 * kept. */
#ifndef KMS_PKCS11_PARAM_H
#define KMS_PKCS11_PARAM_H

#include "pkcs11/mech.h"

#define PARAM_BYTES_MAX (1u << 16) /* OAEP label, GCM AAD, ECDH point */

/* p's slices point into small[] or large. Must not be moved by assignment: small[] is inside. */
struct params {
	struct alg_params p;
	uint8_t small[64];
	struct buf large;
};

/*
 * Reads M's parameter as ROW says, into P (which may hold an earlier one: its memory is used
 * again). Lengths, pointers, hashes and MGFs are checked: CKR_MECHANISM_PARAM_INVALID;
 * CKR_HOST_MEMORY. The parameter may be misaligned.
 */
CK_RV params_read(struct params *p, const struct mech *row, const CK_MECHANISM *m);
void params_free(struct params *p);

#endif
