/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world for bad calls: memory against dead pages, a token with keys of every kind, one good call
 * of each function to be spoilt, and what must be the same after a call that was refused.
 */
#ifndef KMS_TESTS_P11_BAD_H
#define KMS_TESTS_P11_BAD_H

#include "tests/p11/calls.h"

/* -- the yard: memory for one call's arguments ---------------------------------------------- */

#define YARD_ROOM 16384 /* of one piece */

/* Forgets all pieces. The next ones end SLACK bytes before a page that cannot be touched; an odd
 * slack makes everything misaligned. */
void yard_clear(size_t slack);
/* A piece with the N bytes at SRC, or (NULL) with a pattern. */
void *yard_put(const void *src, size_t n);
void *yard_ulong(CK_ULONG n);
/* A mechanism with its parameter, and all that a parameter points to, each in a piece. */
void *yard_mechanism(const CK_MECHANISM *m);
/* A template with its values; array attributes one level deep. */
void *yard_template(const struct tmpl *t);
/* Has any piece, or what is around it, another byte than when it was put? ZEROS: what is all zeros
 * now passes as well, since plain text that turned out false was wiped there. */
bool yard_changed(bool zeros);
/* Has anything around the pieces another byte? */
bool yard_spilt(void);

/* -- the world ------------------------------------------------------------------------------ */

/* Operations of a session that do not disturb each other. */
enum kind { NO_KIND, K_ENCRYPT, K_DECRYPT, K_DIGEST, K_SIGN, K_VERIFY, K_FIND };

struct world {
	/* hs is the session that works. KEEP owns the session objects and keeps the login; OTHER
	 * looks on. All are read/write, the user is logged in. */
	CK_SESSION_HANDLE keep, other, stale;
	CK_OBJECT_HANDLE aes, hmac, ec_pub, ec_priv, rsa_pub, rsa_priv; /* session objects */
	CK_OBJECT_HANDLE target;					/* to be wrapped */
	CK_OBJECT_HANDLE token_aes, known_pub, known; /* the token's; known cannot be changed */
	CK_OBJECT_HANDLE data, gone;
	CK_BYTE plain[16], sealed[16], padded[32], mac[32], wrapped[24];
	CK_BYTE point[80];
	CK_ULONG point_len;
};
extern struct world w;

/* The world for each test of a case. */
void world_fixture(TCase *t);
/* Sessions, login and session objects anew, whatever has become of them. */
void world_again(void);
/* Fails the test unless the token's known key signs, and rightly. */
void world_signs(void);

/* -- good calls ----------------------------------------------------------------------------- */

struct bytes {
	const void *p;
	size_t n;
};

/* One call that succeeds, by roles: the first OBJECT is *key[0], and so on. */
struct good {
	const char *name;
	enum kind kind;		  /* what it begins, goes on with or ends */
	bool ends;		  /* an error of it ends that operation */
	bool again;		  /* it changes the world: world_again after it */
	void (*before)(void);	  /* begins what it goes on with */
	void (*alone)(void);	  /* what must be so in addition for it to succeed */
	const CK_MECHANISM *mech; /* its parameter may be filled by the world */
	const CK_OBJECT_HANDLE *key[2];
	struct bytes in[2];
	void (*templ[2])(struct tmpl *t);
	size_t out; /* bytes at OUT and INFO, elements of LIST */
	CK_ULONG flags;
};

extern const struct good goods[];
extern const size_t n_goods;
const struct good *good_of(const char *name);

/* The arguments of a good call, in the yard. A is the function's row. */
const struct call *good_args(const struct good *g, union word *a);
/* The place of the Nth argument with that role; fails the test when there is none. */
size_t arg_of(const struct call *c, enum role role, size_t n);

/* -- calls that must change nothing --------------------------------------------------------- */

struct snapshot {
	CK_SESSION_INFO work, other, keep;
	CK_TOKEN_INFO token;
	CK_OBJECT_HANDLE objects[256];
	CK_ULONG n_objects;
};

void snapshot_take(struct snapshot *s);
void snapshot_same(const struct snapshot *before, const char *what);

/* Ends every operation of hs. */
void idle(void);
/* Leaves operations in hs and in the other session half done, all but those of KIND ... */
void survivors_begin(enum kind kind);
/* ... and finishes them: the results are what they would have been without anything between. */
void survivors_end(enum kind kind, const char *what);

/* The codes that the standard lists for a function; what says that something is broken (general,
 * device and memory errors) is not among them. */
bool is_allowed(const struct call *c, CK_RV rv);

/* -- one bad call --------------------------------------------------------------------------- */

/* A good call that is being spoilt. */
struct bad {
	const struct good *good;
	const struct call *call;
	union word a[ARGS_MAX];
	struct snapshot before;
	char what[120];
};

/* Leaves operations half done, takes the snapshot, and makes the arguments of the good call. */
void bad_begin(struct bad *b, const struct good *g);
/* What is bad about it, for messages. */
void bad_say(struct bad *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Runs it, and wants one of two answers; then as bad_end. */
void bad_run(struct bad *b, CK_RV want, CK_RV or_want);
/* Runs it, and wants any refusal. */
void bad_run_refused(struct bad *b);
/* RV is what the call gave: an answer that the standard has for it, and memory untouched unless it
 * is a good one; then as bad_same. */
void bad_end(struct bad *b, CK_RV rv);
/* Nothing but the operation itself is another than before, and that only if it ENDED. */
void bad_same(struct bad *b, bool ended);

/* Cases of the suite in other files. */
TCase *template_case(void);
TCase *walk_case(void);

#endif
