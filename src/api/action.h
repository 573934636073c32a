/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actions of the KMS's API: what each takes, gives and is about. The one table is action.def;
 * checks, policies, audit, wires and kmsctl walk it.
 */
#ifndef KMS_API_ACTION_H
#define KMS_API_ACTION_H

#include "api/error.h"
#include "api/fields.h"

enum action {
#define ACTION(name, rw, target, params, results) ACTION_##name,
#include "api/action.def"
#undef ACTION
	ACTION_COUNT,
};

enum action_rw { ACTION_READ, ACTION_WRITE }; /* ActionTrail's eventRW */

enum action_target {
	TARGET_NOTHING,
	TARGET_ROOT,
	TARGET_KEY,
	TARGET_KEY_OR_ALIAS,
	TARGET_BLOB,
	TARGET_ALIAS,
	TARGET_SECRET,
	TARGET_NEW_KEY,
	TARGET_LIST_KEYS,
	TARGET_LIST_ALIASES,
	TARGET_NEW_SECRET,
	TARGET_LIST_SECRETS,
	TARGET_SELF,
};

struct action_param {
	enum field name; /* F_COUNT ends the list */
	bool required;
};

struct action_row {
	const char *name; /* "CreateKey" */
	enum action_rw rw;
	enum action_target target;
	const struct action_param *params;
	const enum field *results; /* F_COUNT ends the list */
};

/* Static storage; A must be an action. */
const struct action_row *action_row(enum action a);

/* By the API's name, which is case-sensitive; ACTION_COUNT when there is none. */
enum action action_by_name(struct slice name);

/*
 * REQ has what A requires, nothing that A does not take, and every value within its field's limits
 * and valid UTF-8. What is wrong, and with which parameter, goes to *E and ERR. KMS_INVALID.
 */
enum kms_rc action_check(enum action a, const struct fields *req, enum api_error *e,
    struct err *err) MUST_USE;

#endif
