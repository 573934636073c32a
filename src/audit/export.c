/* SPDX-License-Identifier: Apache-2.0 */
/* Records for other programs: the lines as they stand, or a table. */
#include "audit/read.h"

static const struct {
	const char *name;
	size_t offset; /* of a const char * in struct audit_row */
} columns[] = {
#define COLUMN(name, member)                             \
	{                                                \
		name, offsetof(struct audit_row, member) \
	}
	COLUMN("eventTime", time),
	COLUMN("eventName", action),
	COLUMN("eventRW", rw),
	COLUMN("identityType", identity),
	COLUMN("accountId", account),
	COLUMN("principalId", principal_id),
	COLUMN("userName", user),
	COLUMN("accessKeyId", access_key_id),
	COLUMN("sourceIpAddress", source_ip),
	COLUMN("userAgent", user_agent),
	COLUMN("program", program),
	COLUMN("resourceType", resource_type),
	COLUMN("resourceName", resource_name),
	COLUMN("keyVersionId", key_version),
	COLUMN("errorCode", error_code),
	COLUMN("errorMessage", error_message),
	COLUMN("firstTime", first_time),
	COLUMN("lastTime", last_time),
	COLUMN("eventSource", source),
	COLUMN("acsRegion", region),
	COLUMN("requestId", request_id),
	COLUMN("eventId", event_id),
	COLUMN("writer", writer),
#undef COLUMN
};

const char *
audit_export_head(enum audit_format format)
{
	return format == AUDIT_JSON_LINES
	    ? ""
	    : "eventTime,eventName,eventRW,identityType,accountId,principalId,userName,accessKeyId,"
	      "sourceIpAddress,userAgent,program,resourceType,resourceName,keyVersionId,errorCode,"
	      "errorMessage,firstTime,lastTime,eventSource,acsRegion,requestId,eventId,writer,seq,"
	      "count\r\n";
}

static enum kms_rc
number(struct buf *b, uint64_t v)
{
	char text[21];
	size_t i = sizeof(text);

	do
		text[--i] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	return buf_add(b, slice_of(text + i, sizeof(text) - i));
}

static enum kms_rc
field(struct buf *b, const char *s)
{
	bool formula = s[0] != '\0' && strchr("=+-@\t\r", s[0]) != NULL;

	if (!formula && strpbrk(s, ",\"\r\n") == NULL)
		return buf_add(b, slice_str(s));
	TRY(buf_add_byte(b, '"'));
	if (formula)
		TRY(buf_add_byte(b, '\''));
	for (; *s != '\0'; s++) {
		if (*s == '"')
			TRY(buf_add_byte(b, '"'));
		TRY(buf_add_byte(b, (uint8_t)*s));
	}
	return buf_add_byte(b, '"');
}

enum kms_rc
audit_export_row(enum audit_format format, const struct audit_row *row, struct buf *ret)
{
	if (format == AUDIT_JSON_LINES) {
		TRY(buf_add(ret, row->text));
		return buf_add_byte(ret, '\n');
	}
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		const char *s;

		memcpy(&s, (const char *)row + columns[i].offset, sizeof(s));
		TRY(field(ret, s));
		TRY(buf_add_byte(ret, ','));
	}
	TRY(number(ret, row->seq));
	TRY(buf_add_byte(ret, ','));
	TRY(number(ret, row->count));
	return buf_add(ret, slice_str("\r\n"));
}
