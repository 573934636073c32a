/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects a token has shown so far: stable handles, and the entries that they lead to. One
 * catalog a token, behind one short lock that is never held across a backend call. Finds are
 * answered by the backend's indexes; the catalog only gives their answers handles, and reads an
 * object when it is first looked at.
 */
#ifndef KMS_PKCS11_CATALOG_H
#define KMS_PKCS11_CATALOG_H

#include "pkcs11/entry.h"

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

/* Moves when an entry that somebody holds may no longer be current: compare before using a kept
 * entry again. */
uint64_t catalog_generation(struct catalog *c);

/* Handles for what a find gave, in order; appends to HANDLES. */
CK_RV catalog_intern(struct catalog *c, const struct object_refs *refs, CK_OBJECT_HANDLE *handles);

/* Takes over a new session object and gives its handle. On error E stays the caller's. */
CK_RV catalog_add_session(struct catalog *c, struct entry *e, CK_OBJECT_HANDLE *ret);

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
