/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS#11 libraries of HSMs, in this process: loaded once each however many tokens use them, shared
 * with a host that has initialised them already, initialised again in a forked child, never
 * unloaded.
 */
#ifndef KMS_HSM_P11MOD_H
#define KMS_HSM_P11MOD_H

#include "api/backend.h"
#include "pkcs11/cryptoki.h"

/* One library. The functions are there as long as the process. */
struct p11mod {
	CK_FUNCTION_LIST *f;
	CK_C_SessionCancel cancel; /* of 3.0; NULL in older ones */
};

/*
 * The library at PATH, counted: one p11mod_close for each. ARGUMENTS (NULL: none) go to its
 * C_Initialize as NSS wants them. KMS_CONFIG: no PKCS#11 library, or this one itself; a library
 * that does not initialise now is tried again by p11mod_start. Not to be used over a fork.
 */
enum kms_rc p11mod_open(const char *path, const char *arguments, struct call *c,
    struct p11mod **ret) MUST_USE;
/* The last one finalizes what we have initialised ourselves. Takes NULL. */
void p11mod_close(struct p11mod *m);

/* Initialises M if it is not. KMS_UNAVAILABLE. */
enum kms_rc p11mod_start(struct p11mod *m, struct call *c) MUST_USE;
/*
 * Finalizes and initialises M, for a library that finds its HSM again by nothing else; all its
 * sessions end. KMS_NOTSUP when it is the host's, KMS_BUSY while somebody is inside or has just
 * done so.
 */
enum kms_rc p11mod_restart(struct p11mod *m, struct call *c) MUST_USE;

/* Around every call of M->f. False while M is being restarted, and when the host finalizes us from
 * an exit handler, after libcrypto, which M may well stand on, has cleaned up. */
bool p11mod_enter(struct p11mod *m);
void p11mod_leave(struct p11mod *m);

#endif
