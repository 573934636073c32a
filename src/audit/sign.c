/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures over places in a chain, and the public keys that prove them. */
#define _GNU_SOURCE 1
#include "audit/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/files.h"
#include "base/codec.h"

#define KEY_FILE_MAX 4096
#define PEM_BEGIN    "-----BEGIN PUBLIC KEY-----\n"
#define PEM_END	     "-----END PUBLIC KEY-----\n"

enum kms_rc
key_id(struct slice spki, char ret[KEY_ID_SIZE])
{
	uint8_t hash[AUDIT_HASH_LEN];

	TRY(crypto_digest(DIGEST_SHA256, spki, hash));
	return hex_encode(slice_of(hash, KEY_ID_SIZE / 2), ret, KEY_ID_SIZE) ? KMS_OK
									     : KMS_INTERNAL;
}

void
lane_name(unsigned lane, char ret[5])
{
	char name[FILE_NAME_SIZE];

	log_file_name((struct log_file){ .lane = lane }, name);
	memcpy(ret, name, 4);
	ret[4] = '\0';
}

struct slice
sign_message(char buf[MESSAGE_MAX], const char *log, const char *where, const struct chain *at)
{
	char hash[2 * AUDIT_HASH_LEN + 1];
	int n;

	(void)hex_encode(slice_of(at->hash, AUDIT_HASH_LEN), hash, sizeof(hash));
	n = snprintf(buf, MESSAGE_MAX, "kms-audit-1:%.*s:%.8s:%llu:%s", AUDIT_LOG_ID_LEN, log,
	    where, (unsigned long long)at->seq, hash);
	return slice_of(buf, n < 0 ? 0 : (size_t)n);
}

enum kms_rc
sign_head(const struct audit_signer *s, const char *log, const char *where, const struct chain *at,
    uint8_t ret[AUDIT_SIGNATURE_LEN])
{
	char message[MESSAGE_MAX];

	if (s == NULL || s->public_key.len == 0)
		return KMS_NOTSUP;
	return s->sign(s->arg, sign_message(message, log, where, at), ret, NULL);
}

enum kms_rc
sign_check(struct ckey *key, const char *log, const char *where, const struct chain *at,
    const uint8_t sig[AUDIT_SIGNATURE_LEN])
{
	struct alg_params p = { .alg = ALG_EDDSA };
	struct use *u = NULL;
	char message[MESSAGE_MAX];
	enum kms_rc rc;

	TRY(crypto_begin(key, USE_VERIFY, &p, &u));
	rc = use_check_once(u, sign_message(message, log, where, at),
	    slice_of(sig, AUDIT_SIGNATURE_LEN));
	use_free(u);
	return rc;
}

static enum kms_rc
key_signs(void *arg, struct slice message, uint8_t ret[AUDIT_SIGNATURE_LEN], struct err *err UNUSED)
{
	struct alg_params p = { .alg = ALG_EDDSA };
	struct outbuf out = { .p = ret, .cap = AUDIT_SIGNATURE_LEN };
	struct use *u = NULL;
	enum kms_rc rc;
	size_t need;

	TRY(crypto_begin(arg, USE_SIGN, &p, &u));
	rc = use_once(u, message, &out, &need);
	use_free(u);
	return rc == KMS_OK && out.len != AUDIT_SIGNATURE_LEN ? KMS_INTERNAL : rc;
}

enum kms_rc
audit_signer_of_key(struct ckey *key, struct buf *spki, struct audit_signer *ret)
{
	struct key_spec spec = ckey_spec(key);

	if (spec.type != KEY_EDWARDS || !ckey_is_private(key))
		return KMS_KEY_TYPE;
	buf_clear(spki);
	TRY(ckey_spki(key, spki));
	*ret =
	    (struct audit_signer){ .public_key = buf_slice(spki), .sign = key_signs, .arg = key };
	return KMS_OK;
}

/* -- the key's file ------------------------------------------------------------------------ */

#define KEY_FILE_SIZE (sizeof("key-.pem") + KEY_ID_SIZE)

static void
key_file_name(const char *id, char ret[KEY_FILE_SIZE])
{
	(void)snprintf(ret, KEY_FILE_SIZE, "key-%s.pem", id);
}

static enum kms_rc
pem_write(struct slice spki, struct buf *ret)
{
	auto_buf text = { 0 };

	TRY(base64_encode(spki, &text));
	TRY(buf_add(ret, slice_str(PEM_BEGIN)));
	for (size_t i = 0; i < text.len; i += 64) {
		size_t n = text.len - i < 64 ? text.len - i : 64;

		TRY(buf_add(ret, slice_of(text.p + i, n)));
		TRY(buf_add_byte(ret, '\n'));
	}
	return buf_add(ret, slice_str(PEM_END));
}

enum kms_rc
key_file_write(int dirfd, struct slice spki, struct err *err)
{
	char id[KEY_ID_SIZE], name[KEY_FILE_SIZE];
	auto_buf pem = { 0 };
	auto_fd fd = -1;
	struct stat st;
	enum kms_rc rc;
	size_t done;

	TRY(key_id(spki, id));
	key_file_name(id, name);
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0)
		return KMS_OK;
	TRY(pem_write(spki, &pem));
	TRY(log_file_open(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, &fd, err));
	if ((rc = log_file_write(fd, buf_slice(&pem), &done)) == KMS_OK && fdatasync(fd) != 0)
		rc = rc_of_errno(errno);
	if (rc != KMS_OK) {
		(void)unlinkat(dirfd, name, 0);
		return err_set(err, rc, "cannot write the audit log's %s: %s", name, rc_text(rc));
	}
	return KMS_OK;
}

/* The bytes between the PEM's lines. KMS_BAD_DATA. */
static enum kms_rc
pem_read(const char *text, struct buf *ret)
{
	const char *begin = strstr(text, PEM_BEGIN), *end;
	auto_buf base64 = { 0 };

	if (begin == NULL)
		return KMS_BAD_DATA;
	begin += sizeof(PEM_BEGIN) - 1;
	if ((end = strstr(begin, PEM_END)) == NULL)
		return KMS_BAD_DATA;
	for (const char *p = begin; p < end; p++) {
		if (*p != '\n' && *p != '\r')
			TRY(buf_add_byte(&base64, (uint8_t)*p));
	}
	return base64_decode(buf_slice(&base64), ret);
}

enum kms_rc
key_file_read(int dirfd, const char *id, struct ckey **ret, struct err *err)
{
	char name[KEY_FILE_SIZE], text[KEY_FILE_MAX + 1], found[KEY_ID_SIZE];
	auto_ckey *k = NULL;
	auto_buf spki = { 0 };
	auto_fd fd = -1;
	ssize_t n;

	key_file_name(id, name);
	TRY(log_file_open(dirfd, name, O_RDONLY, &fd, err));
	if ((n = read(fd, text, KEY_FILE_MAX)) < 0)
		return err_set(err, KMS_IO, "cannot read the audit log's %s: %m", name);
	text[n] = '\0';
	if (pem_read(text, &spki) != KMS_OK || ckey_from_spki(buf_slice(&spki), &k) != KMS_OK ||
	    ckey_spec(k).type != KEY_EDWARDS)
		return err_set(err, KMS_TAMPERED, "%s holds no Ed25519 public key", name);
	TRY(key_id(buf_slice(&spki), found));
	if (strcmp(found, id) != 0)
		return err_set(err, KMS_TAMPERED, "%s holds another key, %s", name, found);
	*ret = ckey_ref(k);
	return KMS_OK;
}
