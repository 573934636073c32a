/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file, kms-pkcs11.conf(5): where it is, what may stand in it, and typed values
 * out of it. Anything unknown or out of range is an error that names file, line and what was
 * expected. With no file there is one embedded token.
 */
#ifndef KMS_BASE_CONF_H
#define KMS_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/rc.h"

enum conf_backend { CONF_LOCAL, CONF_REMOTE };

/* What a record of the audit log is safe from when the call returns. */
enum conf_audit {
	CONF_AUDIT_OFF,
	CONF_AUDIT_BATCHED, /* nothing yet: records wait in memory for a moment */
	CONF_AUDIT_WRITTEN, /* the process's death */
	CONF_AUDIT_DURABLE, /* loss of power too */
};

/* When a record cannot be written. */
enum conf_audit_failure {
	CONF_AUDIT_DEFAULT,  /* durable: refuse; else continue */
	CONF_AUDIT_REFUSE,   /* nothing is done that cannot be recorded */
	CONF_AUDIT_CONTINUE, /* the log tells later how many records are missing */
};

/* One [token LABEL] section; strings are owned by the configuration. Absent values are NULL or the
 * default. */
struct conf_token {
	char *name;    /* the section's LABEL, 1 to 32 bytes of UTF-8; "" for the built-in token
			  without a file */
	unsigned line; /* where the section starts; 0 for the built-in token */
	enum conf_backend backend;
	char *store;	       /* sqlite path, absolute after ~ and XDG expansion */
	char *hsm;	       /* "soft", or a pkcs11: URI (RFC 7512), which may hold a PIN */
	char *hsm_arguments;   /* what the HSM's library is initialised with; NULL: nothing */
	unsigned hsm_sessions; /* at most so many in the HSM at once: 1 to 1024, default 64 */
	unsigned pin_cost; /* log2 of scrypt's N for tokens initialised from here: 14 to 22, default
			      15 */
	unsigned pin_tries; /* wrong PINs in a row before a PIN locks: 3 to 100, default 10 */
	uint64_t cache_ms;  /* how long what other processes change may go unseen by a key in use: 0
			       to 60000, default 1000 */
	uint64_t timeout_ms; /* deadline of one call: 100 to 600000, default 10000 */
	long slot; /* the PKCS#11 slot id; default: the section's place in the file, from 0. Unique
		    */
	bool read_only;	      /* open the store without ever writing */
	char *rotate_program; /* absolute path; NULL: none */
	char *master_key; /* an id, or alias/NAME: what is made in the token is enveloped under it;
			     NULL: none */
	uint64_t rotate_timeout_ms; /* how long it may take: 1000 to 600000, default 60000 */
	enum conf_audit audit;	    /* default written */
	char *audit_dir;	    /* absolute; NULL: beside the store */
	enum conf_audit_failure audit_failure;
	bool audit_fold; /* repeated uses of a key are one record a second; default yes */
};

enum conf_fork { CONF_FORK_REINITIALIZE, CONF_FORK_REOPEN };

/* The whole configuration. */
struct conf {
	char *path;		  /* the file that was read; NULL for the built-in defaults */
	enum log_level log_level; /* [module] log-level, default error */
	char *log;		  /* [module] log: stderr (default), syslog, or an absolute path */
	enum conf_fork fork;	  /* [module] fork: reinitialize (default) or reopen */
	struct conf_token *tokens;
	size_t n_tokens; /* 1 to CONF_TOKENS_MAX */
};

#define CONF_TOKENS_MAX 64
#define CONF_FILE_MAX	(1u << 20)

/*
 * Finds and reads the configuration: KMS_PKCS11_CONF, else EXPLICIT (may be NULL), else
 * $XDG_CONFIG_HOME/kms-pkcs11/ (or
 * ~/.config), else the system-wide file, else the built-in defaults (store from KMS_PKCS11_STORE,
 * else under $XDG_DATA_HOME or
 * ~/.local/share). A file named by the first two must exist. KMS_CONFIG with file, line and what
 * was expected in ERR; KMS_NOMEM. The caller frees with conf_free.
 */
enum kms_rc conf_load(const char *explicit_path, struct conf **ret, struct err *err) MUST_USE;

/* The parser alone, over TEXT (LEN bytes, not NUL-terminated) as if read from the file NAME. For
 * conf_load, tests and fuzzing. */
enum kms_rc conf_parse(const char *text, size_t len, const char *name, struct conf **ret,
    struct err *err) MUST_USE;

void conf_free(struct conf *c);

#endif
