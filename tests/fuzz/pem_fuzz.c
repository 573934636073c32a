/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file of keys or certificates, the way kmsctl reads it: what is read is DER that is
 * read again, a passphrase is asked for once at most, and every text is UTF-8. The first byte says
 * what the file is meant to hold, and what the person who is asked answers.
 */
#define _GNU_SOURCE 1
#include "kmsctl/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/codec.h"
#include "crypto/cert.h"
#include "crypto/crypto.h"
#include "tests/fuzz/fuzz.h"

#define FILE_MAX 4096 /* longer numbers keep libcrypto busy for too long */

/* -- keys -------------------------------------------------------------------------------------- */

struct person {
	unsigned asked;
	enum kms_rc answer;
	const char *passphrase;
};

static enum kms_rc
ask(void *arg, struct secret *ret)
{
	struct person *p = arg;

	p->asked++;
	return p->answer != KMS_OK ? p->answer : secret_copy(slice_str(p->passphrase), ret);
}

/* INTEGERs of PKCS#8's encryption may be the number of rounds of a hash: none above 4095. Random
 * bytes look like longer ones at times, and are refused with them. */
static bool
is_cheap(struct slice der)
{
	for (size_t i = 0; i + 2 < der.len && i < 200; i++)
		if (der.p[i] == 0x02 &&
		    (der.p[i + 1] > 2 || (der.p[i + 1] == 2 && der.p[i + 2] >= 0x10)))
			return false;
	return true;
}

/* The same of every block of a PEM file. */
static bool
opens_fast(struct slice file)
{
	BIO *bio = BIO_new_mem_buf(file.len == 0 ? "" : (const void *)file.p, (int)file.len);
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	bool fast = is_cheap(file);
	long len = 0;

	MUST(bio != NULL);
	while (PEM_read_bio(bio, &name, &header, &der, &len) == 1) {
		fast &= is_cheap(slice_of(der, (size_t)len));
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	BIO_free(bio);
	ERR_clear_error();
	return fast;
}

/* PKCS#8 is a file of a private key itself. */
static void
check_private(struct slice pkcs8)
{
	struct person nobody = { .answer = KMS_DENIED };
	auto_secret again = { 0 }, own = { 0 };
	auto_ckey *k = NULL;

	MUST(pem_private_key(pkcs8, ask, &nobody, &again) == KMS_OK && nobody.asked == 0);
	MUST(slice_eq(secret_slice(&again), pkcs8));
	if (ckey_from_pkcs8(pkcs8, &k) == KMS_OK)
		MUST(ckey_pkcs8(k, &own) == KMS_OK);
}

static void
as_private(struct slice file, unsigned answer)
{
	static const struct person people[] = { { 0, KMS_OK, "fuzz" }, { 0, KMS_OK, "wrong" },
		{ 0, KMS_OK, "" }, { 0, KMS_DENIED, NULL } };
	struct person p = people[answer % ARRAY_LEN(people)];
	auto_secret key = { 0 };
	enum kms_rc rc;

	if (p.answer == KMS_OK && !opens_fast(file))
		p.answer = KMS_DENIED;
	rc = pem_private_key(file, ask, &p, &key);
	MUST(p.asked <= 1);
	MUST(rc == KMS_OK || key.len == 0);
	MUST(rc == KMS_OK || rc == KMS_BAD_DATA || rc == KMS_PIN_INCORRECT || rc == KMS_DENIED);
	MUST(p.asked == 1 || (rc != KMS_PIN_INCORRECT && rc != KMS_DENIED));
	if (rc == KMS_OK)
		check_private(secret_slice(&key));
}

static void
as_public(struct slice file)
{
	auto_buf key = { 0 }, again = { 0 };
	enum kms_rc rc = pem_public_key(file, &key);

	MUST(rc == KMS_OK || (rc == KMS_BAD_DATA && key.len == 0));
	if (rc != KMS_OK)
		return;
	MUST(pem_public_key(buf_slice(&key), &again) == KMS_OK);
	MUST(slice_eq(buf_slice(&key), buf_slice(&again)));
}

/* -- certificates ------------------------------------------------------------------------------ */

static void
check_text(const char *s)
{
	MUST(s != NULL && utf8_valid(slice_str(s)));
}

/* The name that a certificate gives its subject, in full or not at all. */
static void
check_common_name(struct slice der, const char *shown)
{
	const unsigned char *at = der.p;
	X509 *x = d2i_X509(NULL, &at, (long)der.len);
	X509_NAME *name = x == NULL ? NULL : X509_get_subject_name(x);
	int i = name == NULL ? -1 : X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *utf8 = NULL;
	int len = 0;

	MUST(x != NULL);
	if (i >= 0)
		len = ASN1_STRING_to_UTF8(&utf8,
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));
	MUST(len >= 0 && (shown[0] == '\0' || strlen(shown) == (size_t)len));
	OPENSSL_free(utf8);
	X509_free(x);
}

static void
check_cert(struct slice der)
{
	auto_cert_facts f = { 0 };
	auto_cert_text t = { 0 };
	enum kms_rc rc = cert_text(der, &t);

	MUST(cert_parse(der, &f) == KMS_OK);
	MUST(rc == KMS_OK || rc == KMS_BAD_DATA);
	if (rc != KMS_OK)
		return;
	check_text(t.subject);
	check_text(t.issuer);
	check_text(t.common_name);
	check_text(t.serial);
	check_common_name(der, t.common_name);
	MUST(strlen(t.not_before) < sizeof(t.not_before) &&
	    strlen(t.not_after) < sizeof(t.not_after));
}

struct seen {
	size_t n, stop_at;
};

static enum kms_rc
add(void *arg, struct slice der)
{
	struct seen *seen = arg;

	check_cert(der);
	return ++seen->n == seen->stop_at ? KMS_LIMIT : KMS_OK;
}

static void
as_certificates(struct slice file, unsigned stop_at)
{
	struct seen seen = { .stop_at = stop_at };
	enum kms_rc rc = pem_certificates(file, add, &seen);

	MUST(rc == KMS_OK || rc == KMS_BAD_DATA || rc == KMS_LIMIT);
	MUST((rc == KMS_LIMIT) == (stop_at != 0 && seen.n == stop_at));
	MUST(rc != KMS_OK || seen.n > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice file;

	if (size == 0 || size > FILE_MAX)
		return 0;
	file = slice_of(data + 1, size - 1);
	switch (data[0] % 4) {
	case 0: as_private(file, data[0] / 4u); break;
	case 1: as_public(file); break;
	default: as_certificates(file, data[0] / 4u % 3); break;
	}
	return 0;
}
