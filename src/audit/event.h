/* SPDX-License-Identifier: Apache-2.0 */
/* Events as JSON members. Only src/audit includes this. */
#ifndef KMS_AUDIT_EVENT_H
#define KMS_AUDIT_EVENT_H

#include "audit/line.h"

/*
 * A record's members in two halves. The body is what uses of one kind have in common, from
 * "eventVersion" to the open "additionalEventData", so that a fold keeps it; the head, and the
 * count of a folded record, are each record's own.
 */
struct event_fold {
	uint64_t count;
	int64_t first_ms, last_ms; /* wall clock */
};

/* Writes the body. Never fails: what does not fit is shortened, and says so. */
void event_body(struct jout *o, const struct audit_event *e, const struct audit_conf *conf);

/* Writes a whole record: brace, head, BODY, the fold's members (NULL: none). KMS_LIMIT,
 * KMS_INTERNAL. */
enum kms_rc event_record(struct jout *o, struct slice body, const char *request_id,
    const struct event_fold *fold) MUST_USE;

#define EVENT_BODY_MAX (CONTENT_MAX - 640)

#endif
