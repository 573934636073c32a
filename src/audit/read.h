/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log, read: verified, searched, exported. Needs no open log and writes nothing. */
#ifndef KMS_AUDIT_READ_H
#define KMS_AUDIT_READ_H

#include "audit/audit.h"

/* -- verification -- */

enum audit_level { AUDIT_NOTE, AUDIT_WARNING, AUDIT_ERROR };

enum audit_problem {
#define PROBLEM(name, level, word) name,
#include "audit/problems.def"
#undef PROBLEM
};

/* One thing that is worth telling. line and seq are of the first record concerned; 0 where there is
 * none. */
struct audit_finding {
	enum audit_problem problem;
	enum audit_level level;
	const char *word; /* of the problem */
	const char *file; /* "0001-000001.log", "register" */
	uint64_t line, seq;
	uint64_t count; /* of records or bytes, where that says something */
	const char *text;
};

struct audit_check {
	const char *dir;
	/* Public keys that are trusted (SubjectPublicKeyInfo, DER). None: those that lie beside the
	 * log, which whoever could change the log could change too. */
	const struct slice *keys;
	size_t n_keys;
	const struct audit_anchor *anchor; /* or NULL */
	void (*report)(void *arg, const struct audit_finding *f);
	void *arg;
};

struct audit_summary {
	uint64_t records, files, lanes, writers, signatures;
	uint64_t unsigned_records; /* that no signature covers yet */
	uint64_t errors, warnings;
};

/*
 * Checks everything: chains, signatures, the register, the anchor. Reports the first thing that is
 * wrong in each file, and goes on. KMS_TAMPERED: something was an error. Others: it could not be
 * checked. Live logs may be checked. RET is set in the first two cases.
 */
enum kms_rc audit_verify(const struct audit_check *check, struct audit_summary *ret,
    struct err *err) MUST_USE;

/* -- reading -- */

/* What is wanted; zero is all. Strings are compared whole. */
struct audit_filter {
	int64_t since, until; /* seconds since 1970, both included; 0: no bound */
	const char *action;
	const char
	    *key; /* resourceName, keyVersionId, a KeyId parameter or a referenced resource */
	const char *principal; /* principalId, userName or accessKeyId */
	const char *request_id;
	bool errors_only;
};

/* One record. Strings are "" where the record has none; all live until the next call. */
struct audit_row {
	struct slice text; /* the line as it stands */
	const char *file;
	uint64_t line, seq;
	const char *writer, *event_id, *time, *action, *rw, *request_id, *source, *region;
	const char *source_ip, *user_agent, *error_code, *error_message;
	const char *resource_type, *resource_name, *key_version;
	const char *identity, *account, *principal_id, *user, *access_key_id, *program;
	const char *first_time, *last_time; /* of a folded record */
	uint64_t count;			    /* 1 unless it is one */
};

struct audit_reader;

/* FILTER's strings are borrowed for the reader's life. */
enum kms_rc audit_reader_open(const char *dir, const struct audit_filter *filter,
    struct audit_reader **ret, struct err *err) MUST_USE;
void audit_reader_close(struct audit_reader *r);

/*
 * The next record by time; of one writer always in its own order. KMS_NOTFOUND: no more for now;
 * asked again later, it gives what was written meanwhile. Lines that are no records are passed
 * over: what is wrong is audit_verify's to say.
 */
enum kms_rc audit_reader_next(struct audit_reader *r, struct audit_row *ret,
    struct err *err) MUST_USE;

/* -- export -- */

enum audit_format { AUDIT_JSON_LINES, AUDIT_CSV };

/* The line that a CSV file begins with; "" for JSON. Static storage. */
const char *audit_export_head(enum audit_format format);
/* Appends ROW as a line. CSV: RFC 4180, and a field that a spreadsheet would take for a formula
 * begins with an apostrophe. */
enum kms_rc audit_export_row(enum audit_format format, const struct audit_row *row,
    struct buf *ret) MUST_USE;

#endif
