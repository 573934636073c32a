/* SPDX-License-Identifier: Apache-2.0 */
/* One object as it was when it was read: immutable, counted, with its parsed key. */
#ifndef KMS_PKCS11_ENTRY_H
#define KMS_PKCS11_ENTRY_H

#include <stdatomic.h>

#include "api/backend.h"
#include "crypto/crypto.h"
#include "pkcs11/cryptoki.h"

struct token;

/* One object as it was when read. Immutable but for the key handle, which is opened once, at first
 * use. */
struct entry {
	_Atomic unsigned refs;
	struct token *token;
	CK_OBJECT_HANDLE handle;
	CK_SESSION_HANDLE owner; /* of a session object; 0 for token objects */
	struct object o;
	struct secret data; /* private session data's value */
	struct ckey *ckey;  /* the key itself where it is at hand: public keys, session keys; NULL
			       otherwise */
	_Atomic(struct backend_key *)
	    bkey;	    /* token keys, and session copies of them; opened at first use */
	struct uid bkey_id; /* which object of the backend bkey opens: o.id, or the original of a
			       session copy */
	CK_ULONG profile;   /* CKO_PROFILE objects, which have no row */
};

/* An empty entry to fill for catalog_add_session; NULL when out of memory. */
struct entry *entry_new(struct token *token);
/* The token's object ID, read from the backend. CKR_OBJECT_HANDLE_INVALID when there is none, or
 * nobody may see it now. */
CK_RV entry_load(struct token *token, struct call *call, const struct uid *id, struct entry **ret);

struct entry *entry_ref(struct entry *e);
void entry_unref(struct entry *e);
static inline void
entry_unref_p(struct entry **e)
{
	entry_unref(*e);
}
#define auto_entry __attribute__((cleanup(entry_unref_p))) struct entry

/* The entry's key in the backend, opened at first use; borrowed, lives as long as the entry. */
CK_RV entry_backend_key(struct entry *e, struct call *call, struct backend_key **ret);

#endif
