/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a use; the rest of the dispatch is inline in the header. */
#include "api/use.h"

void
use_free(struct use *u)
{
	if (u != NULL)
		u->ops->free(u);
}
