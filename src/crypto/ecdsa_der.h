/* SPDX-License-Identifier: Apache-2.0 */
/* The two forms of an ECDSA signature: r || s of fixed width, as PKCS#11 has it, and SEQUENCE { r,
 * s } as everybody else. */
#ifndef KMS_CRYPTO_ECDSA_DER_H
#define KMS_CRYPTO_ECDSA_DER_H

#include "base/buf.h"

#define ECDSA_RS_MAX  132 /* bytes, of P-521 */
#define ECDSA_DER_MAX 144 /* two INTEGERs of up to 67 bytes */

/* RS is r and s side by side, of one width. Gives what has been written to DER; empty when RS is
 * too long. */
struct slice ecdsa_to_der(struct slice rs, uint8_t der[ECDSA_DER_MAX]);

/* To r and s side by side, each WIDTH bytes wide. False: not such a signature, or too large a
 * number. */
bool ecdsa_from_der(struct slice der, size_t width, uint8_t *ret);

#endif
