/* SPDX-License-Identifier: Apache-2.0 */
/* One object of each class and key type that a token keeps: the loop index of the tests that hold
 * for all of them. */
#ifndef KMS_TESTS_P11_CLASSES_H
#define KMS_TESTS_P11_CLASSES_H

#include "tests/p11/matrix.h"

/* The public half of a pair stands right before its private half. */
enum what {
	DATA,
	CERT,
	AES,
	GENERIC,
	RSA_PUB,
	RSA_PRIV,
	EC_PUB,
	EC_PRIV,
	ED_PUB,
	ED_PRIV,
	CLASSES
};

/* A self-signed certificate by libcrypto and the name that is both its subject and its issuer. */
extern CK_BYTE cert[2048], cert_subject[300];
extern size_t cert_len, cert_subject_len;

/* Makes the certificate and the keys of all classes, in this process only (before the tests are
 * forked). */
void make_cert(void);

/* Adds to T everything that an object of the class has: a session object, not private, with LABEL.
 * Its byte strings are static, but for LABEL, which must last as long as T. */
void t_class(struct tmpl *t, enum what what, const char *label);
/* Makes that object in hs. */
CK_OBJECT_HANDLE make(enum what what, const char *label);

bool is_private(enum what what);
bool is_secret(enum what what);
bool is_key(enum what what);

#endif
