/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of an X.509 certificate that PKCS#11 shows: names, serial number, public key. No path
 * validation. */
#ifndef KMS_CRYPTO_CERT_H
#define KMS_CRYPTO_CERT_H

#include "base/buf.h"

/* All DER, as far as the certificate was: libcrypto hands on what it has tolerated in a name. */
struct cert_facts {
	struct buf subject, issuer, serial, spki;
};

/* KMS_BAD_DATA unless DER is exactly one certificate. The caller frees with cert_facts_free. */
enum kms_rc cert_parse(struct slice der, struct cert_facts *ret) MUST_USE;
void cert_facts_free(struct cert_facts *f);
#define auto_cert_facts __attribute__((cleanup(cert_facts_free))) struct cert_facts

#endif
