/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every function of the module as a row that a test can walk: what its arguments are for, and how
 * to call it with any. For tests that do the same to all functions.
 */
#ifndef KMS_TESTS_P11_CALLS_H
#define KMS_TESTS_P11_CALLS_H

#include "tests/p11/p11.h"

#define ARGS_MAX 9

/* What an argument is for. Numbers first, pointers from ROLE_POINTERS on. */
enum role {
	SESSION,
	SLOT,
	OBJECT,
	USER,
	FLAG, /* a CK_BBOOL */
	FLAGS,
	TYPE, /* of a mechanism */
	IN_LEN,
	COUNT, /* of a template */
	MAX,   /* of handles wanted */
	ROLE_POINTERS,
	IN = ROLE_POINTERS, /* bytes, their length is the next argument */
	RANDOM,		    /* bytes that are filled, their length is the next argument */
	OUT,
	OUT_LEN,  /* in: room at OUT, out: length */
	LIST,	  /* of CK_ULONG */
	LIST_LEN, /* in: room at LIST or INTERFACES, out: length */
	INTERFACES,
	HANDLE, /* one CK_ULONG that is set */
	INFO,	/* a struct that is filled */
	POINTER,
	TEMPLATE, /* its length is the next argument */
	MECHANISM,
	LABEL,	    /* of a token */
	IFACE_NAME, /* of an interface */
	IFACE_VERSION,
	INIT_ARGS,
	RESERVED,
	NOTIFY, /* never anything but NULL */
};

union word {
	CK_ULONG n;
	void *p;
};

struct call {
	const char *name;
	bool v3; /* in the 3.0 list only */
	size_t n_args;
	enum role role[ARGS_MAX];
	CK_RV (*run)(const union word *arg);
};

extern const struct call calls[];
extern const size_t n_calls;

/* Fails the test when there is no such function. */
const struct call *call_of(const char *name);
/* False: of 3.0, and the module has no such list. */
bool call_there(const struct call *c);
bool call_has(const struct call *c, enum role role);
bool is_pointer(enum role role);
/* One of those that the module refuses as a whole. */
bool is_refused(const char *name);

#endif
