/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of the schema. */
#ifndef KMS_STORE_MIGRATE_H
#define KMS_STORE_MIGRATE_H

#include "store/sqlite.h"

/*
 * Brings the store to our version: steps of an older one are applied, each version in a
 * transaction. KMS_NOT_INITIALIZED for an empty file, unless CREATE; KMS_NEWER; KMS_TAMPERED for
 * another program's database; KMS_READONLY when a step is needed.
 */
enum kms_rc migrate(struct conn *k, struct call *c, bool create) MUST_USE;

/* The schema's version that the file says now; 0 when it cannot be read. */
int64_t migrate_version(struct conn *k);

/* The version that this software writes. */
int64_t migrate_current(void);

#endif
