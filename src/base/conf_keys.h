/* SPDX-License-Identifier: Apache-2.0 */
/* The settings that a section may hold: names, types, limits, and how each gets into its field. */
#ifndef KMS_BASE_CONF_KEYS_H
#define KMS_BASE_CONF_KEYS_H

#include "base/conf.h"

enum conf_section { CONF_SECTION_NONE, CONF_SECTION_MODULE, CONF_SECTION_TOKEN };

/*
 * Sets NAME in BASE, a struct conf or a struct conf_token after SECTION. *SEEN has one bit a
 * setting that the section holds already. KMS_CONFIG with what is wrong and what was expected in
 * WHY, which knows nothing of file and line; KMS_NOMEM.
 */
enum kms_rc conf_key_set(enum conf_section section, void *base, unsigned *seen, const char *name,
    const char *value, struct err *why) MUST_USE;

#endif
