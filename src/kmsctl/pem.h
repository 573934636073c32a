/* SPDX-License-Identifier: Apache-2.0 */
/* Files of keys and certificates as other programs write them, read with libcrypto's own parsers;
 * and X.509 facts as text. */
#ifndef KMS_KMSCTL_PEM_H
#define KMS_KMSCTL_PEM_H

#include "base/secret.h"

/*
 * Asked at most once, when the file turns out to be encrypted: the passphrase into *ret. Anything
 * but KMS_OK stops the reading, and is what it returns.
 */
typedef enum kms_rc pem_ask(void *arg, struct secret *ret);

/*
 * A private key: PEM or DER of PKCS#8 (encrypted or not), PKCS#1 or SEC1. As PKCS#8 DER.
 * KMS_BAD_DATA: no private key; KMS_PIN_INCORRECT: not the passphrase.
 */
enum kms_rc pem_private_key(struct slice file, pem_ask *ask, void *arg,
    struct secret *ret) MUST_USE;

/* A public key: PEM or DER of SubjectPublicKeyInfo. KMS_BAD_DATA. */
enum kms_rc pem_public_key(struct slice file, struct buf *ret) MUST_USE;

/*
 * All certificates of a file, PEM (any number, other blocks are passed over) or DER (one): ADD is
 * called for each, in order. KMS_BAD_DATA: none; what ADD returns otherwise.
 */
enum kms_rc pem_certificates(struct slice file, enum kms_rc (*add)(void *arg, struct slice der),
    void *arg) MUST_USE;

/* What people ask of a certificate. Texts are allocated UTF-8; no common name is "", and so is one
 * that no text can hold. */
struct cert_text {
	char *subject, *issuer, *common_name, *serial;
	char not_before[24], not_after[24]; /* 2026-11-23T23:59:59Z */
	bool expired;
	uint8_t key_id[20]; /* SHA-1 of the public key's bits, RFC 5280 4.2.1.2 method (1) */
};
enum kms_rc cert_text(struct slice der, struct cert_text *ret) MUST_USE;
void cert_text_free(struct cert_text *t);
#define auto_cert_text __attribute__((cleanup(cert_text_free))) struct cert_text

#endif
