/* SPDX-License-Identifier: Apache-2.0 */
/* Entries: what is kept of an object that has been looked at. Knows nothing of handles. */
#include "pkcs11/entry.h"

#include <stdlib.h>

#include "pkcs11/rv.h"
#include "pkcs11/slot.h"

struct entry *
entry_new(struct token *token)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->refs = 1;
	e->token = token;
	return e;
}

struct entry *
entry_ref(struct entry *e)
{
	e->refs++;
	return e;
}

void
entry_unref(struct entry *e)
{
	struct backend_key *k;

	if (e == NULL || --e->refs != 0)
		return;
	if ((k = e->bkey) != NULL)
		backend_key_close(e->token->backend, k);
	ckey_unref(e->ckey);
	secret_free(&e->data);
	object_free(&e->o);
	free(e);
}

CK_RV
entry_backend_key(struct entry *e, struct call *call, struct backend_key **ret)
{
	struct backend_key *k = e->bkey, *expected = NULL;
	enum kms_rc rc;

	if (k == NULL) {
		if ((rc = backend_key_open(e->token->backend, call, &e->bkey_id, &k)) != KMS_OK)
			return rc == KMS_NOTFOUND ? CKR_KEY_HANDLE_INVALID
						  : token_fail(e->token, call, rc);
		if (!atomic_compare_exchange_strong(&e->bkey, &expected, k)) {
			backend_key_close(e->token->backend, k); /* another thread was first */
			k = expected;
		}
	}
	*ret = k;
	return CKR_OK;
}

/* Public keys are parsed at once: all that they do is done here. */
CK_RV
entry_load(struct token *token, struct call *call, const struct uid *id, struct entry **ret)
{
	auto_entry *e = entry_new(token);
	enum kms_rc rc;

	if (e == NULL)
		return CKR_HOST_MEMORY;
	rc = backend_get(token->backend, call, id, &e->o);
	if (rc == KMS_NOTFOUND || rc == KMS_LOGIN_NEEDED)
		return CKR_OBJECT_HANDLE_INVALID;
	if (rc == KMS_OK && e->o.kind == OBJECT_PUBLIC_KEY)
		rc = ckey_from_spki(buf_slice(&e->o.body), &e->ckey);
	if (rc != KMS_OK)
		return token_fail(token, call, rc);
	e->bkey_id = e->o.id;
	*ret = e;
	e = NULL; /* moved */
	return CKR_OK;
}
