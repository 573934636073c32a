/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module as a fuzz target calls it: linked in, over a token whose store lies in memory and is
 * the same again for every input. What would be slow is cheap (PINs are hardly stretched, RSA keys
 * come from a drawer), and what would differ does not (random numbers, the clock).
 */
#ifndef KMS_TESTS_FUZZ_WORLD_H
#define KMS_TESTS_FUZZ_WORLD_H

#include "pkcs11/cryptoki.h"
#include "tests/fuzz/fuzz.h"

#define SO_PIN	  "so-pin"
#define USER_PIN  "user-pin"
#define PIN_TRIES 3

/* The slot of the token with both PINs; the one that nobody has initialised; one that is not there.
 */
#define SLOT	   0
#define SLOT_BLANK 1
#define SLOT_NONE  2

/* Once: a folder, a configuration, the token. */
void world_make(void);

/* The stores as they were made; the module is not initialised. */
void world_begin(void);

/* Finalizes the module if it is initialised. Nothing secret may be left in memory. */
void world_end(void);

#endif
