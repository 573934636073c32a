/* SPDX-License-Identifier: Apache-2.0 */
/* The objects that template_fuzz has made, as they were when they were last looked at, and what
 * holds of every one of them. */
#ifndef KMS_TESTS_FUZZ_THINGS_H
#define KMS_TESTS_FUZZ_THINGS_H

#include "tests/fuzz/shot.h"

#define THINGS_MAX  6
#define HANDLES_MAX 32

struct thing {
	CK_OBJECT_HANDLE handle;
	CK_OBJECT_HANDLE original; /* of a session's copy of a token key, which is a view of it */
	struct shot shot;
};

extern CK_SESSION_HANDLE session; /* 0: given up, see make_room */
extern bool rw, user, so;	  /* what it may */
extern struct thing things[THINGS_MAX];
extern size_t n_things;

bool is_key(const struct shot *s);
/* A private or a secret key. */
bool holds_secret(const struct shot *s);

void check_object(const struct shot *s);
/* All objects are those that are known, and (but for the one at CHANGED) as they were. */
void check_world(size_t changed);

/* How many objects T finds. */
size_t find(CK_ATTRIBUTE *t, CK_ULONG n, CK_OBJECT_HANDLE ret[HANDLES_MAX], CK_RV *rv);

/* The newest has been made. */
struct thing *remember(CK_OBJECT_HANDLE handle);
void forget(size_t at);
/* The same of one that the module has destroyed, and of the views of it, which are of no use now.
 */
void destroyed(size_t at);
void forget_all(void);
/* For two more. */
void make_room(void);

#endif
