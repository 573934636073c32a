/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens in PKCS#11 libraries that tests put below our own. */
#ifndef KMS_TESTS_LIB_HSM_TOKEN_H
#define KMS_TESTS_LIB_HSM_TOKEN_H

#include <stdbool.h>

/*
 * Makes a token in the library at PATH, which is initialised with RESERVED. A child does it, so
 * that nothing of the library is left in a process that forks its tests. False: told on stderr.
 */
bool hsm_token_make(const char *path, void *reserved, const char *label, const char *so_pin,
    const char *user_pin);

#endif
