/* SPDX-License-Identifier: Apache-2.0 */
/* The table of actions and key states. */
#include "kms/state.h"

#define STATE(action, enabled, disabled, pending_deletion, pending_import) \
	[ACTION_##action] = { [KEY_ENABLED] = E_##enabled,                 \
		[KEY_DISABLED] = E_##disabled,                             \
		[KEY_PENDING_DELETION] = E_##pending_deletion,             \
		[KEY_PENDING_IMPORT] = E_##pending_import },
static const enum api_error answers[ACTION_COUNT][KEY_STATE_MAX + 1] = {
#include "kms/state.def"
};
#undef STATE

enum api_error
state_answer(enum action a, enum key_state state)
{
	return answers[a][state];
}

const char *
state_name(enum key_state state)
{
	switch (state) {
	case KEY_ENABLED: return "Enabled";
	case KEY_DISABLED: return "Disabled";
	case KEY_PENDING_DELETION: return "PendingDeletion";
	case KEY_PENDING_IMPORT: return "PendingImport";
	}
	return "?";
}
