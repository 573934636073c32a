/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: the principal in RAM's words, and where the request comes from. Plain data; strings are
 * borrowed for as long as the call. Used by policies (who may do what) and by the audit (who did).
 */
#ifndef KMS_API_CALLER_H
#define KMS_API_CALLER_H

#include <stdbool.h>
#include <sys/types.h>

enum caller_kind {
	CALLER_ROOT, /* acs:ram::ACCOUNT:root: the account itself; the PIN's holder in embedded mode
		      */
	CALLER_USER, /* acs:ram::ACCOUNT:user/NAME */
	CALLER_ROLE, /* acs:ram::ACCOUNT:role/NAME, by a temporary credential */
};

struct caller {
	enum caller_kind kind;
	const char *account;	   /* 16 digits */
	const char *name;	   /* of the user or role; "root" of an account */
	const char *principal_id;  /* id of the user or role; of root the account */
	const char *access_key_id; /* "" when none was used */
	const char *source_ip;	   /* numeric; "" inside one process or over a unix socket */
	const char *user_agent;	   /* of a request; in embedded mode the program's name */
	uid_t uid;		   /* of the process that asks, where known; else (uid_t)-1 */
	pid_t pid;		   /* 0 where not known */
	bool secure_transport;	   /* TLS, a unix socket, or no transport at all */
	bool mfa;
};

#endif
