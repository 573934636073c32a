/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time brings: keys and secrets are deleted, material expires, keys rotate. There is no thread
 * for it: whoever comes by first when something is due does it, be it an action or an application
 * that uses and looks for keys alone; and all of it is done before an action of a later time looks
 * at a key. Secrets rotate in local_tick (local.h) alone, since that takes a program.
 */
#ifndef KMS_KMS_TICK_H
#define KMS_KMS_TICK_H

#include "kms/core.h"

/*
 * Does what is due at NOW (seconds since 1970 UTC), if the user is logged in; asked again within
 * the same second it does nothing. What fails is logged, and tried again at the next tick: it is
 * not the caller's failure, and one that is damaged is not in the way of the others. Takes no
 * longer than a second, nor than DEADLINE_MS (as in a call; 0: none), for the next to go on.
 */
void tick(struct local *l, int64_t now, uint64_t deadline_ms);

#endif
