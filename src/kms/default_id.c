/* SPDX-License-Identifier: Apache-2.0 */
/* The id of keys that nobody named: the same whenever it is asked for. */
#include "kms/core.h"

enum kms_rc
key_default_id(const struct object *o, struct buf *ret)
{
	uint8_t id[KEY_ID_LEN];
	auto_ckey *public = NULL;

	if (o->kind == OBJECT_SECRET_KEY) {
		TRY(crypto_digest(DIGEST_SHA1, slice_of(o->id.b, UID_LEN), id));
	} else {
		TRY(ckey_from_spki(buf_slice(&o->body), &public));
		TRY(ckey_default_id(public, id));
	}
	return buf_set(ret, slice_of(id, sizeof(id)));
}
