/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of an X.509 certificate, read by libcrypto. */
#include "crypto/cert.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509.h>

void
cert_facts_free(struct cert_facts *f)
{
	if (f == NULL)
		return;
	buf_free(&f->subject);
	buf_free(&f->issuer);
	buf_free(&f->serial);
	buf_free(&f->spki);
}

/* Takes over what an i2d function allocated. */
static enum kms_rc
take_der(int len, unsigned char *der, struct buf *ret)
{
	enum kms_rc rc;

	if (len <= 0)
		return KMS_BAD_DATA;
	rc = buf_set(ret, slice_of(der, (size_t)len));
	OPENSSL_free(der);
	return rc;
}

static enum kms_rc
read_facts(X509 *x, struct cert_facts *f)
{
	unsigned char *der = NULL;
	int len;

	len = i2d_X509_NAME(X509_get_subject_name(x), &der);
	TRY(take_der(len, der, &f->subject));
	der = NULL;
	len = i2d_X509_NAME(X509_get_issuer_name(x), &der);
	TRY(take_der(len, der, &f->issuer));
	der = NULL;
	len = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &der);
	TRY(take_der(len, der, &f->serial));
	der = NULL;
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	return take_der(len, der, &f->spki);
}

enum kms_rc
cert_parse(struct slice der, struct cert_facts *ret)
{
	struct cert_facts f = { 0 };
	const unsigned char *p = der.p;
	enum kms_rc rc = KMS_BAD_DATA;
	X509 *x;

	if (der.len == 0 || der.len > LONG_MAX)
		return KMS_BAD_DATA;
	ERR_set_mark();
	x = d2i_X509(NULL, &p, (long)der.len);
	if (x != NULL && p == der.p + der.len)
		rc = read_facts(x, &f);
	X509_free(x);
	ERR_pop_to_mark();
	if (rc != KMS_OK) {
		cert_facts_free(&f);
		return rc;
	}
	*ret = f;
	return KMS_OK;
}
