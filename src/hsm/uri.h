/* SPDX-License-Identifier: Apache-2.0 */
/* hsm = pkcs11:...: which token of which PKCS#11 library an HSM is, and its PIN (RFC 7512). */
#ifndef KMS_HSM_URI_H
#define KMS_HSM_URI_H

#include "api/backend.h"
#include "pkcs11/cryptoki.h"

#include <p11-kit/uri.h>

struct hsm_uri {
	P11KitUri *token;  /* what the token must be like */
	char *module_path; /* absolute */
	struct secret pin; /* { 0 } when none is given */
};

/*
 * Reads TEXT, and the PIN from the file that it names: one line, which nobody but the owner and the
 * group may read. KMS_CONFIG with what was expected in C's text, which never repeats what was
 * given. Freed by hsm_uri_free.
 */
enum kms_rc hsm_uri_read(const char *text, struct call *c, struct hsm_uri *ret) MUST_USE;

/* Is this token the one that is meant? */
bool hsm_uri_matches(const struct hsm_uri *u, CK_SLOT_ID id, const CK_SLOT_INFO *slot,
    const CK_TOKEN_INFO *token);

/* Wipes and releases; U is { 0 } then. */
void hsm_uri_free(struct hsm_uri *u);
#define auto_hsm_uri __attribute__((cleanup(hsm_uri_free))) struct hsm_uri

#endif
