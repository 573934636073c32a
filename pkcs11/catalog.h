/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects a token has shown so far: stable handles, and immutable, counted entries that keep
 * the parsed keys. One catalog a token, behind one short lock that is never held across a backend
 * call. Finds are answered by the backend's indexes; the catalog only gives their answers handles,
 * and reads an object when it is first looked at.
 */
#ifndef KMS_PKCS11_CATALOG_H
#define KMS_PKCS11_CATALOG_H

#include <pthread.h>
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

/* A token's objects. */
struct catalog;

struct catalog *catalog_new(struct token *token);
/* Drops every entry. Takes NULL. */
void catalog_free(struct catalog *c);

/* The entry behind HANDLE, counted: read from the backend if it is not there or has changed.
 * CKR_OBJECT_HANDLE_INVALID when there is none, or it is private and nobody may see it now;
 * CKR_DEVICE_* when the backend fails. */
CK_RV catalog_get(struct catalog *c, struct call *call, CK_OBJECT_HANDLE handle,
    struct entry **ret);
struct entry *entry_ref(struct entry *e);
void entry_unref(struct entry *e);
static inline void
entry_unref_p(struct entry **e)
{
	entry_unref(*e);
}
#define auto_entry __attribute__((cleanup(entry_unref_p))) struct entry

/* Moves when an entry that somebody holds may no longer be current: compare before using a kept
 * entry again. */
uint64_t catalog_generation(struct catalog *c);

/* The entry's key in the backend, opened at first use; borrowed, lives as long as the entry. */
CK_RV entry_backend_key(struct entry *e, struct call *call, struct backend_key **ret);

/* Handles for what a find gave, in order; appends to HANDLES. */
CK_RV catalog_intern(struct catalog *c, const struct object_refs *refs, CK_OBJECT_HANDLE *handles);

/* Takes over a new session object and gives its handle. On error E stays the caller's. */
CK_RV catalog_add_session(struct catalog *c, struct entry *e, CK_OBJECT_HANDLE *ret);
/* An empty entry to fill for catalog_add_session; NULL when out of memory. */
struct entry *entry_new(struct token *token);

/* Handles of all objects that live here alone (session objects, profiles), private ones only if
 * PRIVATE_TOO. The caller frees *ret. */
CK_RV catalog_session_objects(struct catalog *c, bool private_too, CK_OBJECT_HANDLE **ret,
    size_t *n);

/* Replaces a session object's entry (attributes changed): CKR_FUNCTION_CANCELED when OLD is no
 * longer what the handle leads to. NEW_ENTRY is taken over, also on error. */
CK_RV catalog_replace(struct catalog *c, struct entry *old, struct entry *new_entry);
/* Forgets one object (destroyed), all objects of a session (closed), all private ones (logout), or
 * everything (token reset). */
void catalog_remove(struct catalog *c, CK_OBJECT_HANDLE handle);
void catalog_close_session(struct catalog *c, CK_SESSION_HANDLE owner);
void catalog_forget_private(struct catalog *c);
void catalog_clear(struct catalog *c);

#endif
