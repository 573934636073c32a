/* SPDX-License-Identifier: Apache-2.0 */
/* What happened, in ActionTrail's names. */
#include "audit/event.h"

#include <strings.h>

#include "base/os.h"
#include "crypto/crypto.h"

#define UUID_SIZE	 37
#define SHORT_STRING_MAX 32 /* of an event that is too long otherwise */

/*
 * Parameters that are never recorded: secrets, what is encrypted or signed, and what comes out.
 * What the API's table calls bytes or secret is among them by that; the rest is text that is as
 * good as a secret, or the names that others give such things. An encryption context is known by
 * its keys alone (context_names).
 */
static const char *const unrecorded[] = {
#define WHEN_TEXT(wire)
#define WHEN_TEXTS(wire)
#define WHEN_NUMBER(wire)
#define WHEN_BOOL(wire)
#define WHEN_GROUP(wire)
#define WHEN_GROUPS(wire)
#define WHEN_BYTES(wire)		  wire,
#define WHEN_SECRET_TEXT(wire)		  wire,
#define WHEN_SECRET_BYTES(wire)		  wire,
#define FIELD(name, wire, kind, min, max) WHEN_##kind(wire)
#include "api/field.def"
#undef FIELD
	"EncryptionContext",
	"SourceEncryptionContext",
	"DestinationEncryptionContext",
	"SecretString",
	"SecretBinary",
	"SecurityToken",
	"Signature",
	"Password",
	"PIN",
	"Recipient",
};

static bool
is_unrecorded(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(unrecorded); i++) {
		if (strcasecmp(name, unrecorded[i]) == 0)
			return true;
	}
	return false;
}

/* A name becomes a member's name as it is. */
static bool
is_name(const char *name)
{
	size_t n = 0;

	for (; name[n] != '\0'; n++) {
		if ((unsigned char)name[n] <= ' ' || (unsigned char)name[n] > '~' ||
		    name[n] == '"' || name[n] == '\\')
			return false;
	}
	return n > 0 && n <= 128;
}

static void
parameters(struct jout *o, const struct audit_event *e)
{
	jout_open(o, "requestParameters", '{');
	for (size_t i = 0; i < e->n_params; i++) {
		const struct audit_param *p = &e->params[i];

		if (is_name(p->name) && !is_unrecorded(p->name))
			jout_bytes(o, p->name, p->value);
	}
	if (e->n_context_names > 0) {
		jout_open(o, "EncryptionContext", '[');
		for (size_t i = 0; i < e->n_context_names; i++)
			jout_bytes(o, NULL, e->context_names[i]);
		jout_close(o, ']');
	}
	jout_close(o, '}');
}

static void
references(struct jout *o, const struct audit_event *e)
{
	const char *type = NULL;

	if (e->n_refs == 0)
		return;
	jout_open(o, "referencedResources", '{');
	for (size_t i = 0; i < e->n_refs; i++) {
		if (!is_name(e->refs[i].name))
			continue;
		if (type == NULL || strcmp(type, e->refs[i].name) != 0) {
			if (type != NULL)
				jout_close(o, ']');
			type = e->refs[i].name;
			jout_open(o, type, '[');
		}
		jout_bytes(o, NULL, e->refs[i].value);
	}
	if (type != NULL)
		jout_close(o, ']');
	jout_close(o, '}');
}

static void
identity(struct jout *o, const char *type, const struct caller *c)
{
	static const char *const types[] = {
		[CALLER_ROOT] = "root-account",
		[CALLER_USER] = "ram-user",
		[CALLER_ROLE] = "assumed-role",
	};

	jout_open(o, "userIdentity", '{');
	if (type == NULL)
		type = (unsigned)c->kind < ARRAY_LEN(types) ? types[c->kind] : "";
	jout_text(o, "type", type);
	jout_text(o, "accountId", c->account);
	jout_text(o, "principalId", c->principal_id);
	jout_text(o, "userName", c->name);
	if (c->access_key_id != NULL && c->access_key_id[0] != '\0')
		jout_text(o, "accessKeyId", c->access_key_id);
	jout_close(o, '}');
}

static const char *
either(const char *a, const char *b)
{
	return a != NULL ? a : b;
}

static void
body(struct jout *o, const struct audit_event *e, const struct audit_conf *conf, bool whole)
{
	static const struct caller nobody = { .uid = (uid_t)-1 };
	const struct caller *c = e->caller == NULL ? &nobody : e->caller;

	jout_number(o, "eventVersion", 1);
	jout_text(o, "eventCategory", "Management");
	jout_text(o, "eventType", "ApiCall");
	jout_text(o, "eventRW", e->write ? "Write" : "Read");
	jout_text(o, "eventName", e->action);
	jout_text(o, "eventSource", either(e->source, conf->source));
	jout_text(o, "serviceName", "Kms");
	jout_text(o, "apiVersion", "2016-01-20");
	jout_text(o, "acsRegion", either(e->region, conf->region));
	jout_bool(o, "isGlobal", false);
	jout_text(o, "sourceIpAddress", c->source_ip);
	jout_text(o, "userAgent", c->user_agent);
	if (whole)
		parameters(o, e);
	jout_text_if(o, "errorCode", e->error_code);
	jout_text_if(o, "errorMessage", e->error_message);
	jout_text_if(o, "resourceName", e->resource_name);
	jout_text_if(o, "resourceType", e->resource_type);
	if (whole)
		references(o, e);
	jout_text_if(o, "recipientAccountId", e->recipient_account);
	identity(o, e->identity, c);
	jout_open(o, "additionalEventData", '{');
	if (c->uid != (uid_t)-1)
		jout_number(o, "uid", c->uid);
	if (c->pid > 0)
		jout_number(o, "pid", (uint64_t)c->pid);
	jout_text_if(o, "program", either(e->program, conf->program));
	jout_text_if(o, "keyVersionId", e->key_version);
	if (!whole)
		jout_bool(o, "truncated", true);
}

void
event_body(struct jout *o, const struct audit_event *e, const struct audit_conf *conf)
{
	struct jout start = *o;

	body(o, e, conf, true);
	if (!o->full)
		return;
	*o = start;
	o->string_max = SHORT_STRING_MAX;
	body(o, e, conf, false);
	o->string_max = start.string_max;
}

/* RFC 4122, version 4. */
static enum kms_rc
uuid(char ret[UUID_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t b[16];
	size_t at = 0;

	TRY(crypto_random(b, sizeof(b)));
	b[6] = (uint8_t)((b[6] & 15) | 0x40);
	b[8] = (uint8_t)((b[8] & 63) | 0x80);
	for (size_t i = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			ret[at++] = '-';
		ret[at++] = digits[b[i] >> 4];
		ret[at++] = digits[b[i] & 15];
	}
	ret[at] = '\0';
	return KMS_OK;
}

enum kms_rc
event_record(struct jout *o, struct slice body_members, const char *request_id,
    const struct event_fold *fold)
{
	char id[UUID_SIZE], stamp[STAMP_MS_SIZE];

	TRY(uuid(id));
	jout_open(o, NULL, '{');
	jout_text(o, "eventId", id);
	stamp_seconds(os_wall_seconds(), stamp);
	jout_text(o, "eventTime", stamp);
	jout_text(o, "requestId", request_id == NULL ? id : request_id);
	jout_raw(o, slice_of(",", 1));
	jout_raw(o, body_members);
	if (fold != NULL) {
		/* The data's brace is open; whether a member stands in it, its last byte tells. */
		o->comma = o->len > 0 && o->p[o->len - 1] != '{';
		jout_number(o, "count", fold->count);
		stamp_ms(fold->first_ms, stamp);
		jout_text(o, "firstTime", stamp);
		stamp_ms(fold->last_ms, stamp);
		jout_text(o, "lastTime", stamp);
	}
	jout_close(o, '}');
	return o->full ? KMS_LIMIT : KMS_OK;
}
