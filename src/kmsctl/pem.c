/* SPDX-License-Identifier: Apache-2.0 */
/* Files of keys and certificates as other programs write them; the one file of kmsctl that calls
 * libcrypto. */
#include "kmsctl/pem.h"

#include <limits.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <time.h>

#define FREES(type, name, function) \
	static void name(type **p)  \
	{                           \
		function(*p);       \
	}
FREES(BIO, free_bio, BIO_free_all)
FREES(EVP_PKEY, free_pkey, EVP_PKEY_free)
FREES(X509, free_x509, X509_free)
FREES(PKCS8_PRIV_KEY_INFO, free_p8, PKCS8_PRIV_KEY_INFO_free)
FREES(OSSL_DECODER_CTX, free_decoder, OSSL_DECODER_CTX_free)
#define auto_of(type, cleaner) __attribute__((cleanup(cleaner))) type

static BIO *
bio_of(struct slice s)
{
	return s.len > INT_MAX ? NULL
			       : BIO_new_mem_buf(s.len == 0 ? "" : (const void *)s.p, (int)s.len);
}

/* -- keys -- */

struct asking {
	pem_ask *ask;
	void *arg;
	struct secret passphrase;
	bool asked;
	enum kms_rc rc;
};

/* libcrypto tries several readers of a file, and asks for each of them. */
static int
passphrase(char *dst, int size, int writing, void *arg)
{
	struct asking *a = arg;

	(void)writing;
	if (!a->asked) {
		a->asked = true;
		a->rc = a->ask(a->arg, &a->passphrase);
	}
	if (a->rc != KMS_OK || size < 0 || a->passphrase.len > (size_t)size)
		return -1;
	if (a->passphrase.len > 0)
		memcpy(dst, a->passphrase.p, a->passphrase.len);
	return (int)a->passphrase.len;
}

static enum kms_rc
decode(struct slice file, int selection, struct asking *a, EVP_PKEY **ret)
{
	auto_of(BIO *, free_bio) bio = bio_of(file);
	auto_of(OSSL_DECODER_CTX *, free_decoder) ctx =
	    OSSL_DECODER_CTX_new_for_pkey(ret, NULL, NULL, NULL, selection, NULL, NULL);

	if (bio == NULL || ctx == NULL)
		return KMS_NOMEM;
	if (a != NULL && OSSL_DECODER_CTX_set_pem_password_cb(ctx, passphrase, a) != 1)
		return KMS_INTERNAL;
	return OSSL_DECODER_from_bio(ctx, bio) == 1 && *ret != NULL ? KMS_OK : KMS_BAD_DATA;
}

/* As the decoder, but passes over what stands before the key, such as the EC PARAMETERS that
 * openssl writes. */
static enum kms_rc
decode_pem(struct slice file, struct asking *a, EVP_PKEY **ret)
{
	auto_of(BIO *, free_bio) bio = bio_of(file);

	if (bio == NULL)
		return KMS_NOMEM;
	*ret = PEM_read_bio_PrivateKey(bio, NULL, passphrase, a);
	return *ret != NULL ? KMS_OK : KMS_BAD_DATA;
}

static enum kms_rc
to_pkcs8(const EVP_PKEY *key, struct secret *ret)
{
	auto_of(PKCS8_PRIV_KEY_INFO *, free_p8) p8 = EVP_PKEY2PKCS8(key);
	auto_secret der = { 0 };
	uint8_t *end;
	int len;

	if (p8 == NULL || (len = i2d_PKCS8_PRIV_KEY_INFO(p8, NULL)) <= 0)
		return KMS_BAD_DATA;
	TRY(secret_new((size_t)len, &der));
	end = der.p;
	if (i2d_PKCS8_PRIV_KEY_INFO(p8, &end) != len)
		return KMS_INTERNAL;
	*ret = der;
	der = (struct secret){ 0 }; /* moved */
	return KMS_OK;
}

enum kms_rc
pem_private_key(struct slice file, pem_ask *ask, void *arg, struct secret *ret)
{
	auto_of(EVP_PKEY *, free_pkey) key = NULL;
	struct asking a = { .ask = ask, .arg = arg };
	enum kms_rc rc = decode_pem(file, &a, &key);

	if (rc == KMS_BAD_DATA && !a.asked)
		rc = decode(file, EVP_PKEY_KEYPAIR, &a, &key);
	if (rc == KMS_BAD_DATA && a.asked)
		rc = a.rc != KMS_OK ? a.rc : KMS_PIN_INCORRECT;
	secret_free(&a.passphrase);
	ERR_clear_error();
	return rc == KMS_OK ? to_pkcs8(key, ret) : rc;
}

enum kms_rc
pem_public_key(struct slice file, struct buf *ret)
{
	auto_of(EVP_PKEY *, free_pkey) key = NULL;
	uint8_t *der = NULL;
	enum kms_rc rc;
	int len;

	rc = decode(file, EVP_PKEY_PUBLIC_KEY, NULL, &key);
	ERR_clear_error();
	TRY(rc);
	if ((len = i2d_PUBKEY(key, &der)) <= 0)
		return KMS_BAD_DATA;
	rc = buf_set(ret, slice_of(der, (size_t)len));
	OPENSSL_free(der);
	return rc;
}

/* -- certificates -- */

static enum kms_rc
add_x509(X509 *x, enum kms_rc (*add)(void *arg, struct slice der), void *arg)
{
	uint8_t *der = NULL;
	int len = i2d_X509(x, &der);
	enum kms_rc rc =
	    len <= 0 ? KMS_BAD_DATA : add(arg, slice_of(der, len <= 0 ? 0 : (size_t)len));

	OPENSSL_free(der);
	return rc;
}

static X509 *
parse_der(struct slice der)
{
	const uint8_t *at = der.p;
	X509 *x = der.len > LONG_MAX ? NULL : d2i_X509(NULL, &at, (long)der.len);

	if (x != NULL && at != der.p + der.len) {
		X509_free(x);
		x = NULL;
	}
	ERR_clear_error();
	return x;
}

enum kms_rc
pem_certificates(struct slice file, enum kms_rc (*add)(void *arg, struct slice der), void *arg)
{
	auto_of(BIO *, free_bio) bio = bio_of(file);
	enum kms_rc rc = KMS_OK;
	size_t n = 0;
	bool damaged;

	if (bio == NULL)
		return KMS_NOMEM;
	for (;;) {
		auto_of(X509 *, free_x509) x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		if (x == NULL)
			break;
		TRY(rc = add_x509(x, add, arg));
		n++;
	}
	/* "no start line" is how libcrypto says that the file has ended */
	damaged = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
	ERR_clear_error();
	if (damaged)
		return KMS_BAD_DATA;
	if (n == 0) {
		auto_of(X509 *, free_x509) x = parse_der(file);

		return x == NULL ? KMS_BAD_DATA : add_x509(x, add, arg);
	}
	return KMS_OK;
}

static char *
bio_text(BIO *bio)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);

	return len <= 0 ? strdup("") : strndup(data, (size_t)len);
}

static char *
name_text(const X509_NAME *name)
{
	auto_of(BIO *, free_bio) bio = BIO_new(BIO_s_mem());

	/* RFC 2253's order and escapes, but UTF-8 as it is */
	if (bio == NULL ||
	    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
		return NULL;
	return bio_text(bio);
}

static char *
common_name(const X509_NAME *name)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	uint8_t *utf8 = NULL;
	char *text;
	int len;

	if (at < 0)
		return strdup("");
	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (len < 0)
		return NULL;
	/* Cut at a NUL it would be another name. */
	if (len > 0 && memchr(utf8, '\0', (size_t)len) != NULL)
		len = 0;
	text = strndup((const char *)utf8, (size_t)len);
	OPENSSL_free(utf8);
	return text;
}

static char *
serial_text(const ASN1_INTEGER *serial)
{
	auto_of(BIO *, free_bio) bio = BIO_new(BIO_s_mem());

	if (bio == NULL || i2a_ASN1_INTEGER(bio, serial) <= 0)
		return NULL;
	return bio_text(bio);
}

static void
time_text(const ASN1_TIME *t, char *dst, size_t cap)
{
	struct tm tm = { 0 };

	if (ASN1_TIME_to_tm(t, &tm) != 1 || strftime(dst, cap, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		dst[0] = '\0';
}

enum kms_rc
cert_text(struct slice der, struct cert_text *ret)
{
	auto_of(X509 *, free_x509) x = parse_der(der);
	auto_cert_text t = { 0 };
	unsigned len = 0;

	if (x == NULL)
		return KMS_BAD_DATA;
	t.subject = name_text(X509_get_subject_name(x));
	t.issuer = name_text(X509_get_issuer_name(x));
	t.common_name = common_name(X509_get_subject_name(x));
	t.serial = serial_text(X509_get0_serialNumber(x));
	time_text(X509_get0_notBefore(x), t.not_before, sizeof(t.not_before));
	time_text(X509_get0_notAfter(x), t.not_after, sizeof(t.not_after));
	t.expired = X509_cmp_current_time(X509_get0_notAfter(x)) < 0;
	if (X509_pubkey_digest(x, EVP_sha1(), t.key_id, &len) != 1 || len != sizeof(t.key_id))
		return KMS_BAD_DATA;
	if (t.subject == NULL || t.issuer == NULL || t.common_name == NULL || t.serial == NULL)
		return KMS_NOMEM;
	*ret = t;
	t = (struct cert_text){ 0 }; /* moved */
	return KMS_OK;
}

void
cert_text_free(struct cert_text *t)
{
	free(t->subject);
	free(t->issuer);
	free(t->common_name);
	free(t->serial);
}
