/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that carry actions out, by chapter (act_*.c), as handlers.def names them; and what
 * chapters share. */
#ifndef KMS_KMS_CHAPTERS_H
#define KMS_KMS_CHAPTERS_H

#include "kms/act.h"

#define HANDLER(action, fn) enum kms_rc fn(struct act *a) MUST_USE;
#include "kms/handlers.def"
#undef HANDLER

/* All that DescribeKey tells of K. */
enum kms_rc act_put_metadata(struct act *a, struct fields *f, const struct master_key *k) MUST_USE;

#endif
