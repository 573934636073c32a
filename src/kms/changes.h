/* SPDX-License-Identifier: Apache-2.0 */
/* What one action changes, gathered and then written as one transaction. */
#ifndef KMS_KMS_CHANGES_H
#define KMS_KMS_CHANGES_H

#include "kms/hsm_keys.h"

struct changes {
	struct store_change *v;
	size_t n, cap;
	struct hsm_keys made, doomed; /* keys in the HSM that come and go with the rows */
};

/* Releases everything that was handed over; what was not written never was. */
void changes_free(struct changes *s);
#define auto_changes __attribute__((cleanup(changes_free))) struct changes

/* Each takes over what it is given, also on failure; it is { 0 } then. WAS: the revision replaced.
 */
enum kms_rc changes_insert_object(struct changes *s, struct store_row *row) MUST_USE;
enum kms_rc changes_update_object(struct changes *s, struct store_row *row, uint64_t was) MUST_USE;
/* And its key in the HSM. */
enum kms_rc changes_remove_object(struct changes *s, struct local *l, struct call *c,
    const struct uid *id, uint64_t was) MUST_USE;
enum kms_rc changes_insert_entity(struct changes *s, struct store_entity *e) MUST_USE;
enum kms_rc changes_update_entity(struct changes *s, struct store_entity *e, uint64_t was) MUST_USE;
enum kms_rc changes_remove_entity(struct changes *s, const struct uid *id, uint64_t was) MUST_USE;

/* Writes them all or none, and empties S. As store_ops.apply. */
enum kms_rc changes_commit(struct changes *s, struct local *l, struct call *c,
    const struct keyring *keys) MUST_USE;

#endif
