/* SPDX-License-Identifier: Apache-2.0 */
/* Results as JSON: an array with one object a row. */
#ifndef KMS_KMSCTL_KMS_JSON_H
#define KMS_KMSCTL_KMS_JSON_H

#include <jansson.h>

#include "kmsctl/ctl.h"

static inline void
free_json(json_t **j)
{
	json_decref(*j);
}
#define auto_json __attribute__((cleanup(free_json))) json_t

/* Adds a member, which is no group, to ROW (which may be NULL). False when memory ran out. */
bool kms_json_add(json_t *row, const struct field_value *v);
enum exit_code kms_json_print(struct ctl *c, const json_t *rows);

#endif
