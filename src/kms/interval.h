/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals as the API writes them: a whole number with a unit, d, h, m or s. */
#ifndef KMS_KMS_INTERVAL_H
#define KMS_KMS_INTERVAL_H

#include "base/buf.h"

/* Seconds of "365d"; false when TEXT is none, is zero, or does not fit. */
bool interval_parse(struct slice text, uint32_t *ret);

/* "31536000s" */
#define INTERVAL_TEXT_MAX 16
void interval_text(uint32_t seconds, char ret[INTERVAL_TEXT_MAX]);

#endif
