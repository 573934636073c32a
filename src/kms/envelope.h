/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypting under a symmetric KMS key and decrypting again: what Encrypt, data keys and secrets
 * share. */
#ifndef KMS_KMS_ENVELOPE_H
#define KMS_KMS_ENVELOPE_H

#include "kms/act.h"
#include "kms/blob.h"

#define ENVELOPE_MAX \
	(BLOB_HEADER_LEN + 6144 + BLOB_TAG_LEN) /* bytes of the longest blob of Encrypt */

/* PLAIN under the primary version of K, bound to CONTEXT (canonical). */
enum kms_rc envelope_seal(struct act *a, const struct master_key *k, struct slice context,
    struct slice plain, struct buf *ret) MUST_USE;

/* B, parsed from a blob of K. E_InvalidParameter when it does not open, whatever the reason. */
enum kms_rc envelope_open(struct act *a, const struct master_key *k, const struct blob *b,
    struct slice context, struct secret *ret) MUST_USE;

/* The encryption context in the parameter NAME, in its canonical form. E_InvalidParameter. */
enum kms_rc envelope_context(struct act *a, enum field name, struct buf *ret) MUST_USE;

#endif
