/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the templates of the kinds of object that classes.h names, and makes the objects. */
#include "tests/p11/classes.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

static void
t_data(struct tmpl *t, const char *label)
{
	t_ulong(t, CKA_CLASS, CKO_DATA);
	t_bool(t, CKA_TOKEN, false);
	t_bool(t, CKA_PRIVATE, false);
	t_text(t, CKA_LABEL, label);
	t_text(t, CKA_APPLICATION, "tests");
	t_bytes(t, CKA_OBJECT_ID, "\x06\x01\x2a", 3);
	t_text(t, CKA_VALUE, "some value");
}

CK_BYTE cert[2048], cert_subject[300];
size_t cert_len, cert_subject_len;

void
make_cert(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	CK_BYTE *p = cert, *q = cert_subject;

	matrix_keys();
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"tests", -1, -1,
	    0);
	X509_set_issuer_name(x, name);
	X509_sign(x, key, EVP_sha256());
	cert_len = (size_t)i2d_X509(x, &p);
	cert_subject_len = (size_t)i2d_X509_NAME(name, &q);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void
t_cert(struct tmpl *t, const char *label)
{
	t_ulong(t, CKA_CLASS, CKO_CERTIFICATE);
	t_ulong(t, CKA_CERTIFICATE_TYPE, CKC_X_509);
	t_bool(t, CKA_TOKEN, false);
	t_bool(t, CKA_PRIVATE, false);
	t_text(t, CKA_LABEL, label);
	t_bytes(t, CKA_SUBJECT, cert_subject, cert_subject_len);
	t_bytes(t, CKA_ISSUER, cert_subject, cert_subject_len);
	t_bytes(t, CKA_SERIAL_NUMBER, "\x02\x01\x07", 3);
	t_bytes(t, CKA_ID, "id", 2);
	t_bytes(t, CKA_VALUE, cert, cert_len);
}

static void
t_aes(struct tmpl *t, const char *label)
{
	t_secret(t, CKK_AES);
	t_text(t, CKA_LABEL, label);
	t_bytes(t, CKA_ID, "id", 2);
	t_bytes(t, CKA_VALUE, secret_value, 32);
}

void
t_class(struct tmpl *t, enum what what, const char *label)
{
	switch (what) {
	case DATA: t_data(t, label); return;
	case CERT: t_cert(t, label); return;
	case AES: t_aes(t, label); return;
	case GENERIC:
		t_secret(t, CKK_GENERIC_SECRET);
		t_bytes(t, CKA_VALUE, secret_value, 48);
		break;
	case RSA_PUB: t_known_public(t, CKK_RSA); break;
	case RSA_PRIV: t_known_private(t, CKK_RSA); break;
	case EC_PUB: t_known_public(t, CKK_EC); break;
	case EC_PRIV: t_known_private(t, CKK_EC); break;
	case ED_PUB: t_known_public(t, CKK_EC_EDWARDS); break;
	case ED_PRIV:
	case CLASSES: t_known_private(t, CKK_EC_EDWARDS); break;
	}
	t_text(t, CKA_LABEL, label);
	t_bytes(t, CKA_ID, "id", 2);
}

CK_OBJECT_HANDLE
make(enum what what, const char *label)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o = CK_INVALID_HANDLE;

	t_class(&t, what, label);
	CHECK_OK(create(hs, &t, &o));
	return o;
}

bool
is_private(enum what what)
{
	return what == RSA_PRIV || what == EC_PRIV || what == ED_PRIV;
}

bool
is_secret(enum what what)
{
	return what == AES || what == GENERIC;
}

bool
is_key(enum what what)
{
	return what != DATA && what != CERT;
}
