/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a fork away from what a child could not bear to inherit half done: locks inside libraries,
 * which nobody would ever open there. Costs two atomic additions.
 */
#ifndef KMS_BASE_FORK_H
#define KMS_BASE_FORK_H

#include "base/rc.h"

enum fork_hold {
	FORK_HOLD_STORE,  /* inside SQLite */
	FORK_HOLD_CRYPTO, /* where libcrypto may draw random bytes */
	FORK_HOLDS,
};

/*
 * Until fork_allow, by the same thread and for the same purpose, no fork happens, unless it has
 * waited for seconds already; if one is under way, this waits for it, but not for ever either. Not
 * to be nested.
 */
void fork_hold_off(enum fork_hold what);
void fork_allow(enum fork_hold what);

/* KMS_BUSY, with what to do, in the child of a fork that went ahead although a thread held it off
 * for WHAT: that can never be used there. */
enum kms_rc fork_check(enum fork_hold what, struct err *err) MUST_USE;

#endif
