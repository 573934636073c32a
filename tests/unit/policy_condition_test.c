/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions: of which requests each operator and key is true. Documents have ' for ". */
#define _GNU_SOURCE 1
#include "tests/unit/policy_fixture.h"

static const struct policy_pair tags[] = {
	{ { (const uint8_t *)"env", 3 }, { (const uint8_t *)"Prod", 4 } },
	{ { (const uint8_t *)"level", 5 }, { (const uint8_t *)"7", 1 } },
	{ { (const uint8_t *)"empty", 5 }, { NULL, 0 } },
};
static const struct policy_pair context[] = {
	{ { (const uint8_t *)"tenant", 6 }, { (const uint8_t *)"alice", 5 } },
	{ { (const uint8_t *)"purpose", 7 }, { (const uint8_t *)"backup", 6 } },
};

enum has {
	FULL, /* bob from 10.1.2.3 over TLS, with the above */
	BARE, /* root within the process: no address, tags or context; not secure, but with MFA */
};

#define TAG(op, key, value) "'" op "':{'kms:tag/" key "':" value "}"
#define AT(op, value)	    "'" op "':{'acs:CurrentTime':" value "}"
#define FROM(op, value)	    "'" op "':{'acs:SourceIp':" value "}"

static const struct {
	const char *condition;
	enum has has;
	bool holds;
} conditions[] = {
	{ TAG("StringEquals", "env", "'Prod'"), FULL, true },
	{ TAG("StringEquals", "env", "'prod'"), FULL, false },
	{ TAG("StringEquals", "env", "'Pro*'"), FULL, false },
	{ TAG("StringEquals", "env", "['Test','Prod']"), FULL, true },
	{ TAG("StringEquals", "env", "'Prod'"), BARE, false },
	{ TAG("StringEquals", "Env", "'Prod'"), FULL, false },
	{ TAG("StringEquals", "empty", "''"), FULL, true },
	{ TAG("StringEquals", "none", "''"), FULL, false },
	{ TAG("StringNotEquals", "env", "'Prod'"), FULL, false },
	{ TAG("StringNotEquals", "env", "'Test'"), FULL, true },
	{ TAG("StringNotEquals", "env", "['Test','Prod']"), FULL, false },
	{ TAG("StringNotEquals", "env", "['Test','Dev']"), FULL, true },
	{ TAG("StringNotEquals", "env", "'Prod'"), BARE, true },
	{ TAG("StringEqualsIgnoreCase", "env", "'pROD'"), FULL, true },
	{ TAG("StringEqualsIgnoreCase", "env", "'pro'"), FULL, false },
	{ TAG("StringEqualsIgnoreCase", "env", "'prod'"), BARE, false },
	{ TAG("StringNotEqualsIgnoreCase", "env", "'pROD'"), FULL, false },
	{ TAG("StringNotEqualsIgnoreCase", "env", "'pro'"), FULL, true },
	{ TAG("StringNotEqualsIgnoreCase", "env", "'prod'"), BARE, true },
	{ TAG("StringLike", "env", "'P*'"), FULL, true },
	{ TAG("StringLike", "env", "'p*'"), FULL, false },
	{ TAG("StringLike", "env", "'P??d'"), FULL, true },
	{ TAG("StringLike", "env", "'Prod'"), FULL, true },
	{ TAG("StringLike", "env", "'*'"), BARE, false },
	{ TAG("StringNotLike", "env", "'P*'"), FULL, false },
	{ TAG("StringNotLike", "env", "['T*','D*']"), FULL, true },
	{ TAG("StringNotLike", "env", "'*'"), BARE, true },

	{ TAG("NumericEquals", "level", "7"), FULL, true },
	{ TAG("NumericEquals", "level", "'7.0'"), FULL, true },
	{ TAG("NumericEquals", "level", "8"), FULL, false },
	{ TAG("NumericEquals", "level", "[8,7]"), FULL, true },
	{ TAG("NumericEquals", "env", "7"), FULL, false },
	{ TAG("NumericEquals", "level", "7"), BARE, false },
	{ TAG("NumericNotEquals", "level", "7"), FULL, false },
	{ TAG("NumericNotEquals", "level", "8"), FULL, true },
	{ TAG("NumericNotEquals", "env", "7"), FULL, true },
	{ TAG("NumericNotEquals", "level", "7"), BARE, true },
	{ TAG("NumericLessThan", "level", "'7.1'"), FULL, true },
	{ TAG("NumericLessThan", "level", "7"), FULL, false },
	{ TAG("NumericLessThan", "level", "-8"), FULL, false },
	{ TAG("NumericLessThan", "level", "8"), BARE, false },
	{ TAG("NumericLessThanEquals", "level", "7"), FULL, true },
	{ TAG("NumericLessThanEquals", "level", "6"), FULL, false },
	{ TAG("NumericLessThanEquals", "env", "6"), FULL, false },
	{ TAG("NumericGreaterThan", "level", "6"), FULL, true },
	{ TAG("NumericGreaterThan", "level", "7"), FULL, false },
	{ TAG("NumericGreaterThanEquals", "level", "7"), FULL, true },
	{ TAG("NumericGreaterThanEquals", "level", "8"), FULL, false },
	{ TAG("NumericGreaterThanEquals", "level", "7"), BARE, false },

	{ AT("DateEquals", "'2024-01-02T03:04:05Z'"), FULL, true },
	{ AT("DateEquals", "'2024-01-02T11:04:05+08:00'"), FULL, true },
	{ AT("DateEquals", "'2024-01-02T03:04:06Z'"), FULL, false },
	{ AT("DateNotEquals", "'2024-01-02T03:04:05Z'"), FULL, false },
	{ AT("DateNotEquals", "'2024-01-02T03:04:06Z'"), FULL, true },
	{ AT("DateLessThan", "'2024-01-02T03:04:06Z'"), FULL, true },
	{ AT("DateLessThan", "'2024-01-02T03:04:05Z'"), FULL, false },
	{ AT("DateLessThanEquals", "'2024-01-02T03:04:05Z'"), FULL, true },
	{ AT("DateLessThanEquals", "'2024-01-02T03:04:04Z'"), FULL, false },
	{ AT("DateGreaterThan", "'2024-01-02T03:04:04Z'"), FULL, true },
	{ AT("DateGreaterThan", "'2024-01-02T03:04:05Z'"), FULL, false },
	{ AT("DateGreaterThanEquals", "'2024-01-02T03:04:05Z'"), FULL, true },
	{ AT("DateGreaterThanEquals", "'2024-01-02T03:04:06Z'"), FULL, false },

	{ "'Bool':{'acs:SecureTransport':true}", FULL, true },
	{ "'Bool':{'acs:SecureTransport':'true'}", FULL, true },
	{ "'Bool':{'acs:SecureTransport':'false'}", FULL, false },
	{ "'Bool':{'acs:SecureTransport':false}", BARE, true },
	{ "'Bool':{'acs:SecureTransport':[true,false]}", BARE, true },
	{ "'Bool':{'acs:MFAPresent':'true'}", FULL, false },
	{ "'Bool':{'acs:MFAPresent':'true'}", BARE, true },
	{ "'Bool':{'acs:MFAPresent':'false'}", FULL, true },

	{ FROM("IpAddress", "'10.0.0.0/8'"), FULL, true },
	{ FROM("IpAddress", "'10.1.2.3'"), FULL, true },
	{ FROM("IpAddress", "'10.1.2.4'"), FULL, false },
	{ FROM("IpAddress", "['192.0.2.0/24','10.1.0.0/16']"), FULL, true },
	{ FROM("IpAddress", "['192.0.2.0/24','2001:db8::/32']"), FULL, false },
	{ FROM("IpAddress", "'0.0.0.0/0'"), BARE, false },
	{ FROM("NotIpAddress", "'10.0.0.0/8'"), FULL, false },
	{ FROM("NotIpAddress", "'192.0.2.0/24'"), FULL, true },
	{ FROM("NotIpAddress", "['192.0.2.0/24','10.0.0.0/8']"), FULL, false },
	{ FROM("NotIpAddress", "'0.0.0.0/0'"), BARE, true },
	{ FROM("StringEquals", "'10.1.2.3'"), FULL, true },
	{ FROM("StringLike", "'10.1.*'"), FULL, true },
	{ FROM("StringLike", "'*'"), BARE, false },
	{ FROM("StringNotLike", "'10.1.*'"), FULL, false },

	{ TAG("Null", "env", "false"), FULL, true },
	{ TAG("Null", "env", "true"), FULL, false },
	{ TAG("Null", "env", "'true'"), BARE, true },
	{ TAG("Null", "empty", "false"), FULL, true },
	{ FROM("Null", "true"), FULL, false },
	{ FROM("Null", "true"), BARE, true },
	{ AT("Null", "false"), BARE, true },
	{ "'Null':{'acs:MFAPresent':false}", BARE, true },
	{ "'Null':{'acs:SecureTransport':true}", BARE, false },
	{ "'Null':{'kms:EncryptionContext:tenant':false}", FULL, true },
	{ "'Null':{'kms:EncryptionContext:none':false}", FULL, false },
	{ "'Null':{'kms:EncryptionContextKeys':false}", FULL, true },
	{ "'Null':{'kms:EncryptionContextKeys':true}", BARE, true },

	{ "'StringEquals':{'kms:EncryptionContext:tenant':'alice'}", FULL, true },
	{ "'StringEquals':{'kms:EncryptionContext:tenant':'bob'}", FULL, false },
	{ "'StringEquals':{'kms:EncryptionContext:purpose':'alice'}", FULL, false },
	{ "'StringEquals':{'kms:EncryptionContext:tenant':'alice'}", BARE, false },
	{ "'StringEquals':{'kms:EncryptionContextKeys':'purpose'}", FULL, true },
	{ "'StringEquals':{'kms:EncryptionContextKeys':'alice'}", FULL, false },
	{ "'StringLike':{'kms:EncryptionContextKeys':'t*'}", FULL, true },
	{ "'StringNotEquals':{'kms:EncryptionContextKeys':'secret'}", FULL, true },
	{ "'StringNotEquals':{'kms:EncryptionContextKeys':'purpose'}", FULL, false },
	{ "'StringNotEquals':{'kms:EncryptionContextKeys':'purpose'}", BARE, true },

	/* Keys and operators are all needed. */
	{ "'StringEquals':{'kms:tag/env':'Prod','kms:tag/level':'7'}", FULL, true },
	{ "'StringEquals':{'kms:tag/env':'Prod','kms:tag/level':'8'}", FULL, false },
	{ "'StringEquals':{'kms:tag/env':'Test','kms:tag/level':'7'}", FULL, false },
	{ TAG("StringEquals", "env", "'Prod'") "," FROM("IpAddress", "'10.1.2.3'"), FULL, true },
	{ TAG("StringEquals", "env", "'Prod'") "," FROM("IpAddress", "'10.1.2.4'"), FULL, false },
	{ TAG("StringEquals", "env", "'Test'") "," FROM("IpAddress", "'10.1.2.3'"), FULL, false },
};

START_TEST(a_condition_is_true_of_the_requests_it_describes)
{
	const struct caller bare = { CALLER_ROOT, THEIRS, "root", THEIRS, "", "", "", 0, 1, false,
		true };
	struct policy_request q = request_of(&bob);
	struct policy_decision d;
	char *statement;

	if (conditions[_i].has == BARE) {
		q.caller = &bare;
	} else {
		q.tags = tags;
		q.n_tags = ARRAY_LEN(tags);
		q.context = context;
		q.n_context = ARRAY_LEN(context);
	}
	ck_assert_int_gt(asprintf(&statement,
			     "{'Effect':'Allow','Action':'kms:*','Resource':'*','Condition':{%s}}",
			     conditions[_i].condition),
	    0);
	d = decide(&q, NULL, statement);
	ck_assert_msg((d.identity.says == POLICY_ALLOWS) == conditions[_i].holds, "%s",
	    conditions[_i].condition);
	free(statement);
}
END_TEST

START_TEST(a_source_that_is_no_address_is_in_no_network)
{
	struct caller odd = bob;
	struct policy_request q = request_of(&odd);

	odd.source_ip = "unix:/run/kmsd";
	ck_assert(!decide(&q, NULL,
	    "{'Effect':'Allow','Action':'*','Resource':'*','Condition':{" FROM("IpAddress",
		"['0.0.0.0/0','::/0']") "}}")
		       .allowed);
	ck_assert(decide(&q, NULL,
	    "{'Effect':'Allow','Action':'*','Resource':'*','Condition':{" FROM("NotIpAddress",
		"['0.0.0.0/0','::/0']") "}}")
		      .allowed);
}
END_TEST

int
main(void)
{
	Suite *s = UNIT_SUITE("policy_condition", a_source_that_is_no_address_is_in_no_network);
	TCase *c = tcase_create("rows");

	tcase_add_loop_test(c, a_condition_is_true_of_the_requests_it_describes, 0,
	    ARRAY_LEN(conditions));
	suite_add_tcase(s, c);
	return unit_main(s);
}
