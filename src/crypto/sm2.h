/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/crypto only: the facts about a signer that an SM2 signature covers. */
#ifndef KMS_CRYPTO_SM2_H
#define KMS_CRYPTO_SM2_H

#include "crypto/ckey.h"

#define SM2_Z_LEN 32

/*
 * Z of GB/T 32918.2 §5.5: SM3 of the signer's ID (empty: SM2_DEFAULT_ID), the curve and K's public
 * point. KMS_BAD_PARAM: the id is longer than SM2_ID_MAX.
 */
enum kms_rc sm2_z(const struct ckey *k, struct slice id, uint8_t ret[SM2_Z_LEN]) MUST_USE;

#endif
