/* SPDX-License-Identifier: Apache-2.0 */
/* What all drivers share: lists of keys that were found. */
#include "hsm/hsm.h"

#include <stdlib.h>

void
hsm_found_free(struct hsm_found_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		object_free(&l->v[i].o);
		secret_free(&l->v[i].material);
	}
	free(l->v);
	*l = (struct hsm_found_list){ 0 };
}
