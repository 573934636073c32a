/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a KMS key: its states, and what every action answers in each. The one table is
 * state.def. */
#ifndef KMS_KMS_STATE_H
#define KMS_KMS_STATE_H

#include "api/action.h"

/* Stored in files: values are never reused or renumbered. */
enum key_state {
	KEY_ENABLED = 1,
	KEY_DISABLED = 2,
	KEY_PENDING_DELETION = 3,
	KEY_PENDING_IMPORT = 4,
};
#define KEY_STATE_MAX KEY_PENDING_IMPORT

/* E_None: A may go on with a key in STATE. */
enum api_error state_answer(enum action a, enum key_state state);

/* "PendingDeletion". Static storage. */
const char *state_name(enum key_state state);

#endif
