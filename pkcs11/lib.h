/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module's life: initialise, finalize, fork. Owns the configuration, the tokens and the session
 * table.
 *
 * Lock order: lib (read) → session → leaf locks (a token's lock, the session table's free list, an
 * arena). Leaf locks are never held across a backend call; a session's own lock is, bounded by the
 * call's deadline.
 */
#ifndef KMS_PKCS11_LIB_H
#define KMS_PKCS11_LIB_H

#include "base/conf.h"
#include "pkcs11/cryptoki.h"

struct token;

/* Initialised, and in this process (not inherited over a fork)? One atomic load and one compare. */
bool lib_ready(void);

/*
 * For functions without a session: `auto_lib g = lib_guard_enter();` keeps the library from being
 * finalized until the scope ends. g.rv is CKR_OK or CKR_CRYPTOKI_NOT_INITIALIZED.
 */
struct lib_guard {
	CK_RV rv;
};
struct lib_guard lib_guard_enter(void);
void lib_guard_leave(struct lib_guard *g);
#define auto_lib __attribute__((cleanup(lib_guard_leave))) struct lib_guard

/* The tokens, in slot order; valid between enter and leave. */
struct token *lib_tokens(size_t *n);
struct token *lib_token_of_slot(CK_SLOT_ID slot);

#endif
