/* SPDX-License-Identifier: Apache-2.0 */
/* Which public keys verification believes. */
#define _GNU_SOURCE 1
#include <stdlib.h>

#include "audit/verify.h"

static struct vkey *
add(struct verify *v, const char *id)
{
	struct vkey *k = vgrow((void **)&v->keys, &v->n_keys, sizeof(*k));

	if (k != NULL)
		(void)memccpy(k->id, id, '\0', sizeof(k->id) - 1);
	return k;
}

enum kms_rc
vkey_given(struct verify *v)
{
	char id[KEY_ID_SIZE];
	struct vkey *k;

	for (size_t i = 0; i < v->in->n_keys; i++) {
		TRY(key_id(v->in->keys[i], id));
		if ((k = add(v, id)) == NULL)
			return KMS_NOMEM;
		if (ckey_from_spki(v->in->keys[i], &k->key) != KMS_OK ||
		    ckey_spec(k->key).type != KEY_EDWARDS)
			return err_set(v->err, KMS_KEY_TYPE,
			    "the audit log's public key is no Ed25519 key");
	}
	return KMS_OK;
}

struct ckey *
vkey_find(struct verify *v, const char *id)
{
	struct err why = { 0 };
	struct vkey *k;

	for (size_t i = 0; i < v->n_keys; i++) {
		if (strcmp(v->keys[i].id, id) == 0)
			return v->keys[i].key;
	}
	if ((k = add(v, id)) == NULL)
		return NULL;
	if (v->in->n_keys > 0)
		vreport(v, AUDIT_BAD_KEY, NULL, 0, 0, 0,
		    "there are signatures by key %.16s, which is not the one given", id);
	else if (strlen(id) != KEY_ID_SIZE - 1 || strspn(id, "0123456789abcdef") != strlen(id) ||
	    key_file_read(v->dirfd, id, &k->key, &why) != KMS_OK)
		vreport(v, AUDIT_BAD_KEY, NULL, 0, 0, 0,
		    "signatures by key %.16s cannot be checked: %s", id,
		    why.text[0] != '\0' ? why.text : "its id is none");
	return k->key;
}

void
vkey_free(struct verify *v)
{
	for (size_t i = 0; i < v->n_keys; i++)
		ckey_unref(v->keys[i].key);
	free(v->keys);
}
