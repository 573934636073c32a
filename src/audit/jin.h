/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that comes in, through jansson. Only those who read the log include this. */
#ifndef KMS_AUDIT_JIN_H
#define KMS_AUDIT_JIN_H

#include <jansson.h>

#include "base/buf.h"

/* An object and nothing after it, else NULL. The caller releases it. */
json_t *jin_object(struct slice text);

static inline void
jin_release(json_t **j)
{
	json_decref(*j);
}
#define auto_jin __attribute__((cleanup(jin_release))) json_t

/* Members by name: "", 0 and false where there is none of that kind. J may be NULL. */
const char *jin_text(const json_t *j, const char *name);
uint64_t jin_number(const json_t *j, const char *name);
bool jin_hex(const json_t *j, const char *name, uint8_t *ret, size_t len);

#endif
