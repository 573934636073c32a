/* SPDX-License-Identifier: Apache-2.0 */
/* What all stores share: releasing what they gave. */
#include "store/store.h"

void
store_row_free(struct store_row *r)
{
	if (r == NULL)
		return;
	object_free(&r->o);
	buf_free(&r->sealed);
}

static void
pin_free(struct store_pin *p)
{
	buf_free(&p->salt);
	buf_free(&p->sealed);
	*p = (struct store_pin){ 0 };
}

void
store_token_free(struct store_token *t)
{
	if (t == NULL)
		return;
	buf_free(&t->serial);
	buf_free(&t->label);
	buf_free(&t->open_key);
	pin_free(&t->so);
	pin_free(&t->user);
}
