/* SPDX-License-Identifier: Apache-2.0 */
/* What a record's line is made of: JSON text, times, the chain's tail, the event's members. */
#define _GNU_SOURCE 1
#include <jansson.h>

#include "api/fields.h"
#include "audit/event.h"
#include "tests/unit/audit_fixture.h"

static struct slice
one_string(char *text, size_t cap, struct slice s)
{
	struct jout o = jout_of(text, cap);

	jout_bytes(&o, NULL, s);
	ck_assert(!o.full);
	return jout_slice(&o);
}

START_TEST(plain_text_is_written_as_it_is)
{
	char t[100];

	CHECK_BYTES(one_string(t, sizeof(t), BYTES("Alice's key-1 ~!")),
	    BYTES("\"Alice's key-1 ~!\""));
	CHECK_BYTES(one_string(t, sizeof(t), BYTES("")), BYTES("\"\""));
	CHECK_BYTES(one_string(t, sizeof(t), BYTES("\xe5\xaf\x86\xe9\x92\xa5 \xf0\x9f\x94\x91")),
	    BYTES("\"\xe5\xaf\x86\xe9\x92\xa5 \xf0\x9f\x94\x91\""));
}
END_TEST

START_TEST(what_would_break_a_line_or_mislead_is_escaped)
{
	const struct {
		struct slice in, wanted;
	} cases[] = {
		{ BYTES("a\"b\\c"), BYTES("\"a\\\"b\\\\c\"") },
		{ BYTES("\n\t\r\x1b[31m\x7f"), BYTES("\"\\n\\t\\u000d\\u001b[31m\\u007f\"") },
		{ BYTES("\xc2\x9b"), BYTES("\"\\u009b\"") },	 /* a control sequence's start */
		{ BYTES("\xe2\x80\xae"), BYTES("\"\\u202e\"") }, /* right to left */
		{ BYTES("\xe2\x80\xa8"), BYTES("\"\\u2028\"") }, /* line separator */
		{ BYTES("\xef\xbb\xbf"), BYTES("\"\\ufeff\"") },
		{ BYTES("\xc3\xa9"), BYTES("\"\xc3\xa9\"") },
		{ BYTES("x\0y"), BYTES("\"x\xef\xbf\xbdy\"") },
		{ BYTES("\xff\xc0\x80"), BYTES("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"") },
		{ BYTES("\xed\xa0\x80"), BYTES("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"") },
		{ BYTES("\xe2\x82"), BYTES("\"\xef\xbf\xbd\xef\xbf\xbd\"") },
	};
	char t[100];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_BYTES(one_string(t, sizeof(t), guarded(cases[i].in)), cases[i].wanted);
}
END_TEST

START_TEST(any_bytes_become_a_string_that_a_parser_takes)
{
	char t[1024];
	uint8_t in[3];

	for (unsigned v = 0; v < 1 << 16; v++) {
		struct slice s;
		json_t *j;

		in[0] = (uint8_t)(v >> 8);
		in[1] = (uint8_t)v;
		in[2] = (uint8_t)(v * 7);
		s = one_string(t, sizeof(t), slice_of(in, sizeof(in)));
		j = json_loadb((const char *)s.p, s.len, JSON_DECODE_ANY, NULL);
		ck_assert_msg(json_is_string(j), "%02x %02x %02x", in[0], in[1], in[2]);
		json_decref(j);
	}
}
END_TEST

START_TEST(long_strings_are_cut_between_characters)
{
	char t[3000], in[2 * JOUT_STRING_MAX];
	struct slice s;

	memset(in, 'a', sizeof(in));
	s = one_string(t, sizeof(t), slice_of(in, JOUT_STRING_MAX));
	ck_assert_uint_eq(s.len, JOUT_STRING_MAX + 2);
	s = one_string(t, sizeof(t), slice_of(in, JOUT_STRING_MAX + 1));
	ck_assert_uint_eq(s.len, JOUT_STRING_MAX + 2 + 3);
	ck_assert_mem_eq(s.p + s.len - 5, "a...\"", 5);
	memcpy(in + JOUT_STRING_MAX - 2, "\xe5\xaf\x86", 3); /* over the border */
	s = one_string(t, sizeof(t), slice_of(in, sizeof(in)));
	ck_assert_uint_eq(s.len, JOUT_STRING_MAX - 2 + 2 + 3);
	ck_assert(utf8_valid(s));
}
END_TEST

START_TEST(what_does_not_fit_is_told_and_nothing_is_written_beyond)
{
	for (size_t cap = 0; cap < 60; cap++) {
		struct slice room =
		    guarded(slice_of("............................................................",
			cap));
		struct jout o = jout_of((char *)(uintptr_t)room.p, cap);

		jout_open(&o, NULL, '{');
		jout_text(&o, "name", "va\"lue");
		jout_number(&o, "n", 18446744073709551615u);
		jout_bool(&o, "b", false);
		jout_close(&o, '}');
		ck_assert_int_eq(o.full, cap < 53);
		ck_assert_uint_le(o.len, cap);
	}
}
END_TEST

START_TEST(times_are_written_and_read)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ NOON, "2026-03-01T12:00:00Z" },
		{ 951782399, "2000-02-28T23:59:59Z" },
		{ 951782400, "2000-02-29T00:00:00Z" },
		{ 4107542399, "2100-02-28T23:59:59Z" },
		{ 4107542400, "2100-03-01T00:00:00Z" },
		{ -1, "1969-12-31T23:59:59Z" },
		{ -62167219200, "0000-01-01T00:00:00Z" },
		{ -62135596801, "0000-12-31T23:59:59Z" },
		{ 253402300799, "9999-12-31T23:59:59Z" },
	};
	char text[STAMP_MS_SIZE];
	int64_t ms;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		stamp_seconds(cases[i].seconds, text);
		ck_assert_str_eq(text, cases[i].text);
		ck_assert(stamp_parse(slice_str(text), &ms));
		ck_assert_int_eq(ms, cases[i].seconds * 1000);
	}
	stamp_ms(-1, text);
	ck_assert_str_eq(text, "1969-12-31T23:59:59.999Z");
	for (int64_t day = -719528; day < 2932897; day += 13) {
		stamp_ms(day * 86400000 + 43200123, text);
		ck_assert(stamp_parse(slice_str(text), &ms));
		ck_assert_int_eq(ms, day * 86400000 + 43200123);
	}
	stamp_seconds(INT64_MAX, text);
	ck_assert_str_eq(text, "9999-12-31T23:59:59Z");
	stamp_seconds(INT64_MIN, text);
	ck_assert_str_eq(text, "0000-01-01T00:00:00Z");
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
	static const char *const cases[] = { "", "2026-03-01", "2026-03-01T12:00:00",
		"2026-03-01T12:00:00z", "2026-13-01T12:00:00Z", "2026-00-01T12:00:00Z",
		"2026-02-29T12:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T12:60:00Z",
		"2026-03-01T12:00:60Z", "2026-03-01 12:00:00Z", "2026-03-01T12:00:00.12Z",
		"2026-03-01T12:00:00.12xZ", "+026-03-01T12:00:00Z" };
	int64_t ms;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(!stamp_parse(guarded(slice_str(cases[i])), &ms), "%s", cases[i]);
}
END_TEST

/* A line with the members {"a":"..."}; the newline is left off. */
static struct slice
sealed_line(char *text, const char *value, struct chain *head, const uint8_t *signature)
{
	struct jout o = jout_of(text, LINE_CAP);

	jout_open(&o, NULL, '{');
	jout_text(&o, "a", value);
	CHECK_RC(line_seal(&o, "0001-abc", head), KMS_OK);
	CHECK_RC(line_end(&o, signature), KMS_OK);
	ck_assert_int_eq(text[o.len - 1], '\n');
	return slice_of(text, o.len - 1);
}

START_TEST(a_sealed_line_is_read_back)
{
	uint8_t signature[AUDIT_SIGNATURE_LEN];
	struct chain head = { .seq = 41 }, before;
	char text[LINE_CAP];
	struct line_parts p;

	memset(signature, 0x5a, sizeof(signature));
	memset(head.hash, 7, sizeof(head.hash));
	for (int with = 0; with < 2; with++) {
		before = head;
		ck_assert(line_read(guarded(sealed_line(text, "x", &head, with ? signature : NULL)),
		    &p));
		ck_assert_uint_eq(p.seq, before.seq + 1);
		ck_assert_uint_eq(head.seq, before.seq + 1);
		ck_assert_mem_eq(p.prev, before.hash, AUDIT_HASH_LEN);
		ck_assert_mem_eq(p.hash, head.hash, AUDIT_HASH_LEN);
		ck_assert_int_eq(p.has_signature, with);
		ck_assert_int_eq(memcmp(p.signature, signature, sizeof(signature)) == 0, with);
		CHECK_BYTES(p.writer, BYTES("0001-abc"));
		CHECK_BYTES(p.members, BYTES("{\"a\":\"x\""));
	}
}
END_TEST

START_TEST(every_change_of_a_line_is_noticed)
{
	struct chain head = { .seq = 9 };
	char text[LINE_CAP];
	struct line_parts p;
	struct slice s = sealed_line(text, "some value", &head, NULL);

	for (size_t i = 0; i < s.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ (1 << bit));
			ck_assert_msg(!line_read(s, &p), "byte %zu, bit %u", i, bit);
			text[i] = (char)(text[i] ^ (1 << bit));
		}
		ck_assert(!line_read(slice_of(s.p, i), &p));
		ck_assert(!line_read(slice_of(s.p + i + 1, s.len - i - 1), &p));
	}
	ck_assert(line_read(s, &p));
}
END_TEST

START_TEST(a_value_cannot_pass_for_the_tail)
{
	static const char evil[] =
	    "\",\"writer\":\"0001-abc\",\"seq\":1,\"prev\":\"00\",\"hash\":\"00\"}";
	struct chain head = { 0 };
	char text[LINE_CAP];
	struct line_parts p;

	ck_assert(line_read(sealed_line(text, evil, &head, NULL), &p));
	ck_assert_uint_eq(p.seq, 1);
	ck_assert_ptr_nonnull(memmem(p.members.p, p.members.len, "\\\"writer\\\"", 10));
}
END_TEST

/* -- events -- */

static json_t *
record_of(const struct audit_event *e, const struct event_fold *fold)
{
	struct audit_conf conf = audit_conf_in("nowhere");
	char body[EVENT_BODY_MAX], text[LINE_CAP];
	struct jout b = jout_of(body, sizeof(body)), o = jout_of(text, CONTENT_MAX);
	struct chain head = { 0 };
	json_error_t why;
	json_t *j;

	event_body(&b, e, &conf);
	ck_assert(!b.full);
	CHECK_RC(event_record(&o, jout_slice(&b), e->request_id, fold), KMS_OK);
	o.cap = sizeof(text);
	CHECK_RC(line_seal(&o, "0001-abc", &head), KMS_OK);
	CHECK_RC(line_end(&o, NULL), KMS_OK);
	j = json_loadb(text, o.len, 0, &why);
	ck_assert_msg(j != NULL, "%s in %.*s", why.text, (int)o.len, text);
	return j;
}

static const char *
at(const json_t *j, const char *outer, const char *name)
{
	return json_string_value(json_object_get(outer == NULL ? j : json_object_get(j, outer),
	    name));
}

START_TEST(a_record_has_actiontrails_members)
{
	struct audit_param params[] = { { "KeyId", BYTES("alias/tls") },
		{ "Algorithm", BYTES("RSA_PSS_SHA_256") } },
			   refs[] = { { "ACS::KMS::Key", BYTES("key-1") },
				   { "ACS::KMS::Key", BYTES("key-2") },
				   { "ACS::KMS::Alias", BYTES("alias/tls") } };
	struct audit_event e = audit_sign_event();
	json_t *j, *refs_j;

	os_fake_clock(NOON);
	e.params = params;
	e.n_params = ARRAY_LEN(params);
	e.refs = refs;
	e.n_refs = ARRAY_LEN(refs);
	e.error_code = "Forbidden.NoPermission";
	e.error_message = "not allowed";
	j = record_of(&e, NULL);
	ck_assert_str_eq(at(j, NULL, "eventTime"), "2026-03-01T12:00:00Z");
	ck_assert_str_eq(at(j, NULL, "eventId"), at(j, NULL, "requestId"));
	ck_assert_uint_eq(strlen(at(j, NULL, "eventId")), 36);
	ck_assert_int_eq(json_integer_value(json_object_get(j, "eventVersion")), 1);
	ck_assert_str_eq(at(j, NULL, "eventCategory"), "Management");
	ck_assert_str_eq(at(j, NULL, "eventType"), "ApiCall");
	ck_assert_str_eq(at(j, NULL, "eventRW"), "Write");
	ck_assert_str_eq(at(j, NULL, "eventName"), "AsymmetricSign");
	ck_assert_str_eq(at(j, NULL, "eventSource"), "kms.cn-hangzhou.aliyuncs.com");
	ck_assert_str_eq(at(j, NULL, "serviceName"), "Kms");
	ck_assert_str_eq(at(j, NULL, "apiVersion"), "2016-01-20");
	ck_assert_str_eq(at(j, NULL, "acsRegion"), "cn-hangzhou");
	ck_assert_str_eq(at(j, NULL, "sourceIpAddress"), "10.0.0.1");
	ck_assert_str_eq(at(j, NULL, "userAgent"), "unit/1");
	ck_assert_str_eq(at(j, NULL, "errorCode"), "Forbidden.NoPermission");
	ck_assert_str_eq(at(j, NULL, "errorMessage"), "not allowed");
	ck_assert_str_eq(at(j, NULL, "resourceName"), "key-1");
	ck_assert_str_eq(at(j, NULL, "resourceType"), "ACS::KMS::Key");
	ck_assert_str_eq(at(j, "requestParameters", "KeyId"), "alias/tls");
	ck_assert_str_eq(at(j, "userIdentity", "type"), "ram-user");
	ck_assert_str_eq(at(j, "userIdentity", "accountId"), "1234567890123456");
	ck_assert_str_eq(at(j, "userIdentity", "principalId"), "216959339000654321");
	ck_assert_str_eq(at(j, "userIdentity", "userName"), "alice");
	ck_assert_str_eq(at(j, "userIdentity", "accessKeyId"), "LTAI5tExample");
	ck_assert_str_eq(at(j, "additionalEventData", "keyVersionId"), "version-1");
	ck_assert_str_eq(at(j, "additionalEventData", "program"), "unit");
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(j,
								"additionalEventData"),
			     "uid")),
	    1000);
	refs_j = json_object_get(j, "referencedResources");
	ck_assert_uint_eq(json_array_size(json_object_get(refs_j, "ACS::KMS::Key")), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(refs_j, "ACS::KMS::Alias")), 1);
	json_decref(j);
}
END_TEST

START_TEST(an_event_without_anything_is_a_record_too)
{
	struct audit_event e = { 0 };
	json_t *j = record_of(&e, NULL);

	ck_assert_str_eq(at(j, NULL, "eventName"), "");
	ck_assert_str_eq(at(j, NULL, "eventRW"), "Read");
	ck_assert_ptr_null(json_object_get(j, "errorCode"));
	ck_assert_ptr_null(json_object_get(json_object_get(j, "additionalEventData"), "uid"));
	json_decref(j);
}
END_TEST

START_TEST(secrets_and_payload_are_never_recorded)
{
	static const char *const names[] = { "Plaintext", "plaintext", "SecretData",
		"CiphertextBlob", "EncryptedKeyMaterial", "ImportToken", "Message", "Digest",
		"Value", "Mac", "EncryptionContext", "SourceEncryptionContext", "AccessKeySecret",
		"Password" };
	struct slice context[] = { BYTES("table"), BYTES("column") };
	struct audit_param params[ARRAY_LEN(names) + 1];
	struct audit_event e = audit_sign_event();
	json_t *j, *p;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		params[i] = (struct audit_param){ names[i], BYTES("dont-tell") };
	params[ARRAY_LEN(names)] = (struct audit_param){ "KeyId", BYTES("k") };
	e.params = params;
	e.n_params = ARRAY_LEN(params);
	e.context_names = context;
	e.n_context_names = 2;
	j = record_of(&e, NULL);
	p = json_object_get(j, "requestParameters");
	ck_assert_uint_eq(json_object_size(p), 2);
	ck_assert_str_eq(at(j, "requestParameters", "KeyId"), "k");
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(p, "EncryptionContext"),
			     1)),
	    "column");
	json_decref(j);
}
END_TEST

START_TEST(no_field_that_the_api_calls_secret_is_recorded)
{
	unsigned n = 0;

	for (unsigned f = 0; f < F_COUNT; f++) {
		const struct field_row *row = field_row((enum field)f);
		struct audit_param p = { row->wire, BYTES("x") };
		struct audit_event e = audit_sign_event();
		json_t *j;

		if (row->kind != FIELD_SECRET_TEXT && row->kind != FIELD_SECRET_BYTES &&
		    row->kind != FIELD_BYTES)
			continue;
		e.params = &p;
		e.n_params = 1;
		j = record_of(&e, NULL);
		ck_assert_msg(json_object_size(json_object_get(j, "requestParameters")) == 0, "%s",
		    row->wire);
		json_decref(j);
		n++;
	}
	ck_assert_uint_gt(n, 10);
}
END_TEST

START_TEST(names_that_are_no_names_are_left_out)
{
	struct audit_param params[] = { { "a\"b", BYTES("x") }, { "", BYTES("x") },
		{ "a b", BYTES("x") }, { "a\nb", BYTES("x") }, { "Tag.1.Key", BYTES("x") } };
	struct audit_event e = audit_sign_event();
	json_t *j;

	e.params = params;
	e.n_params = ARRAY_LEN(params);
	j = record_of(&e, NULL);
	ck_assert_uint_eq(json_object_size(json_object_get(j, "requestParameters")), 1);
	json_decref(j);
}
END_TEST

START_TEST(an_event_that_is_too_long_is_shortened_and_says_so)
{
	static char evil[2000];
	struct audit_param params[20];
	struct caller who = audit_alice;
	struct audit_event e = audit_sign_event();
	json_t *j;

	memset(evil, 1, sizeof(evil) - 1); /* each takes six bytes */
	for (size_t i = 0; i < ARRAY_LEN(params); i++)
		params[i] = (struct audit_param){ "KeyId", slice_str(evil) };
	e.params = params;
	e.n_params = ARRAY_LEN(params);
	e.action = e.error_code = e.error_message = e.resource_type = e.resource_name = evil;
	e.source = e.region = e.program = e.key_version = e.recipient_account = evil;
	who.account = who.name = who.principal_id = who.access_key_id = evil;
	who.source_ip = who.user_agent = evil;
	e.caller = &who;
	j = record_of(&e, NULL);
	ck_assert(json_is_true(json_object_get(json_object_get(j, "additionalEventData"),
	    "truncated")));
	ck_assert_uint_gt(strlen(at(j, NULL, "eventName")), 30);
	json_decref(j);
}
END_TEST

START_TEST(a_folded_record_tells_count_and_times)
{
	struct event_fold fold = {
		.count = 17, .first_ms = NOON * 1000l + 5, .last_ms = NOON * 1000l + 905
	};
	struct audit_event e = audit_sign_event();
	json_t *j = record_of(&e, &fold);

	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(j,
								"additionalEventData"),
			     "count")),
	    17);
	ck_assert_str_eq(at(j, "additionalEventData", "firstTime"), "2026-03-01T12:00:00.005Z");
	ck_assert_str_eq(at(j, "additionalEventData", "lastTime"), "2026-03-01T12:00:00.905Z");
	json_decref(j);
}
END_TEST

int
main(void)
{
	return unit_main(AUDIT_SUITE("audit-json", plain_text_is_written_as_it_is,
	    what_would_break_a_line_or_mislead_is_escaped,
	    any_bytes_become_a_string_that_a_parser_takes, long_strings_are_cut_between_characters,
	    what_does_not_fit_is_told_and_nothing_is_written_beyond, times_are_written_and_read,
	    what_is_no_time_is_refused, a_sealed_line_is_read_back,
	    every_change_of_a_line_is_noticed, a_value_cannot_pass_for_the_tail,
	    a_record_has_actiontrails_members, an_event_without_anything_is_a_record_too,
	    secrets_and_payload_are_never_recorded, no_field_that_the_api_calls_secret_is_recorded,
	    names_that_are_no_names_are_left_out,
	    an_event_that_is_too_long_is_shortened_and_says_so,
	    a_folded_record_tells_count_and_times));
}
