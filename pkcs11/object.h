/* SPDX-License-Identifier: Apache-2.0 */
/* How objects come to be, whoever makes them: create, copy, generate, unwrap and derive all end in
 * object_keep. */
#ifndef KMS_PKCS11_OBJECT_H
#define KMS_PKCS11_OBJECT_H

#include "pkcs11/attr.h"
#include "pkcs11/catalog.h"
#include "pkcs11/session.h"

/* The template's CKA_TOKEN, and (once the flags are applied) whether there may be such an object
 * and this session may make it. */
CK_RV object_place(const struct session *s, const struct attrs *t, const struct object *o,
    bool *token_object);

/*
 * An object that nobody can see but a user, made while none is logged in: CKA_PRIVATE's default is
 * false then for session objects, so that a public session can work with keys of its own. A
 * template that says CKA_PRIVATE is left alone.
 */
void object_default_private(const struct session *s, const struct attrs *t, struct object *o);

/* The parts of a key's record that follow from the key: spec, body (public half, or check value)
 * and, if empty, app_id. */
CK_RV object_describe(struct object *o, const struct ckey *key);

/*
 * What a template says of facts that follow from the key (its check value, its public half) must be
 * so, and may be left empty: CKR_ATTRIBUTE_VALUE_INVALID. Of a key that is not made yet nobody can
 * know them.
 */
CK_RV object_check_claims(const struct attrs *t, const struct object *o);

/*
 * Keeps a finished object: as a session object of S, or in the token. KEY is the key (NULL for
 * certificates and data), DATA private data's value. O is moved from. The handle comes back.
 */
CK_RV object_keep(struct session *s, bool token_object, struct object *o, struct ckey *key,
    struct slice data, CK_OBJECT_HANDLE *ret);

/* Handles for objects that the backend has just made. */
CK_RV object_intern(struct session *s, const struct object *o, CK_OBJECT_HANDLE *ret);

/* Looks up a handle for use as an object (not as a key); counted. */
CK_RV object_lookup(struct session *s, CK_OBJECT_HANDLE handle, struct entry **ret);

#endif
