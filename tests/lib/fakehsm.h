/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HSM for tests: a PKCS#11 library (fakehsm.so) that is our own module in disguise, and does to
 * its callers what HSMs do: it fails, dies, hangs, forgets sessions, has few of them and few
 * mechanisms. Tests load it as the token driver does, and get at its controls by fakehsm_controls.
 */
#ifndef KMS_TESTS_LIB_FAKEHSM_H
#define KMS_TESTS_LIB_FAKEHSM_H

#include <pthread.h>
#include <stdbool.h>

#include "pkcs11/cryptoki.h"

#define FAKE_MECHANISMS_MAX 16

/* All under the lock. Zeroed, the HSM behaves. */
struct fakehsm {
	pthread_mutex_t lock;
	pthread_cond_t changed;

	/* What goes wrong: the calls of FUNCTION answer RV, after SKIP that do not, TIMES times (0:
	 * for ever); LATE: they do their work first. */
	const char *function;
	CK_RV rv;
	unsigned skip, times;
	bool late;
	bool dead; /* every call but C_GetSlotList and C_Initialize answers CKR_DEVICE_REMOVED */
	bool needs_restart; /* is dead until it is finalized and initialised again */
	const char *hang;   /* calls of this function wait until it is NULL */
	unsigned hanging;   /* so many do */

	/* What it is. */
	unsigned max_sessions; /* 0: no limit */
	bool only_2_40;
	bool create_nothing; /* private and secret keys cannot be created as objects */
	bool final_try;
	bool wrap_only;				      /* key wrap is for objects alone */
	CK_MECHANISM_TYPE lacks[FAKE_MECHANISMS_MAX]; /* ends with 0 */

	/* What was asked. */
	unsigned initialized, finalized, logins, sessions, most_sessions, cancelled, creates;
	unsigned calls; /* of COUNTED */
	const char *counted;
};

/* Found by dlsym. */
#pragma GCC visibility push(default)
struct fakehsm *fakehsm_controls(void);
/* Finalizes and initialises the token behind: sessions, logins and handles are gone, keys are not.
 */
void fakehsm_power_cycle(void);
#pragma GCC visibility pop

#endif
