/* SPDX-License-Identifier: Apache-2.0 */
/* What is signed, by which key, and whether it is right. Only src/audit includes this. */
#ifndef KMS_AUDIT_SIGN_H
#define KMS_AUDIT_SIGN_H

#include "audit/line.h"
#include "crypto/crypto.h"

#define REGISTER_WRITER "register"
#define KEY_ID_SIZE	17 /* 16 hex digits: the front of SHA-256 over the SubjectPublicKeyInfo */

enum kms_rc key_id(struct slice spki, char ret[KEY_ID_SIZE]) MUST_USE;

/* "kms-audit-1:LOG:WHERE:SEQ:HASH", where WHERE is "register" or a lane's number. */
#define MESSAGE_MAX 160
struct slice sign_message(char buf[MESSAGE_MAX], const char *log, const char *where,
    const struct chain *at);
/* A lane as it stands there, in four digits. */
void lane_name(unsigned lane, char ret[5]);

/* Asks the signer. KMS_NOTSUP without one. */
enum kms_rc sign_head(const struct audit_signer *s, const char *log, const char *where,
    const struct chain *at, uint8_t ret[AUDIT_SIGNATURE_LEN]) MUST_USE;
/* KMS_BAD_SIGNATURE */
enum kms_rc sign_check(struct ckey *key, const char *log, const char *where, const struct chain *at,
    const uint8_t sig[AUDIT_SIGNATURE_LEN]) MUST_USE;

/* The public key beside the log, "key-ID.pem": written unless it is there; read, and KMS_TAMPERED
 * when it is not the key of its name. */
enum kms_rc key_file_write(int dirfd, struct slice spki, struct err *err) MUST_USE;
enum kms_rc key_file_read(int dirfd, const char *id, struct ckey **ret, struct err *err) MUST_USE;

#endif
