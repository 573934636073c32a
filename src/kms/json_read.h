/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of JSON in parameters share, around jansson. Only src/kms/json*.c include this.
 */
#ifndef KMS_KMS_JSON_READ_H
#define KMS_KMS_JSON_READ_H

#include <jansson.h>

#include "kms/json.h"

static inline void
json_drop(json_t **j)
{
	json_decref(*j);
}
#define auto_json __attribute__((cleanup(json_drop))) json_t

/* KMS_INVALID, with the place. */
enum kms_rc json_parse(struct slice text, json_t **ret, struct err *err) MUST_USE;
/* False when J (NULL: absent) is no string. Borrowed from J. */
bool json_text(const json_t *j, struct slice *ret);

#endif
