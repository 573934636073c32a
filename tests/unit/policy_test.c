/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions: who gets in, who does not, and what is said about it. Documents have ' for ". */
#define _GNU_SOURCE 1
#include "tests/unit/policy_fixture.h"

/* -- both sides: every caller, whatever the two sides say -- */

static const char *const resource_sides[] = {
	NULL, /* the resource has no policy */
	"{'Effect':'Allow','Principal':{'RAM':'*'},'Action':'kms:Encrypt','Resource':'*'}",
	"{'Effect':'Allow','Principal':{'RAM':['acs:ram::" OURS ":*','acs:ram::" THEIRS
	":*']},'Action':'kms:*','Resource':'*'}",
	"{'Effect':'Allow','Principal':{'RAM':["
	"'acs:ram::" OURS ":root','acs:ram::" OURS ":user/bob','acs:ram::" OURS ":role/clerk',"
	"'acs:ram::" THEIRS ":root','acs:ram::" THEIRS ":user/bob','acs:ram::" THEIRS
	":role/clerk']},"
	"'Action':'kms:Decrypt','Resource':'*'}",
	"{'Effect':'Allow','Principal':{'RAM':'acs:ram::" OURS
	":user/bob'},'Action':'kms:*','Resource':'*'},"
	"{'Effect':'Deny','Principal':{'RAM':'*'},'Action':'kms:Decrypt','Resource':'*'}",
};

static const char *const identity_sides[] = {
	NULL, /* the caller has no policy */
	"{'Effect':'Allow','Action':'kms:Encrypt','Resource':'*'}",
	"{'Effect':'Allow','Action':'kms:Decrypt','Resource':'*'}",
	"{'Effect':'Allow','Action':'kms:*','Resource':'*'},"
	"{'Effect':'Deny','Action':'kms:Decrypt','Resource':'" KEY "'}",
};

enum resource_side { R_NONE, R_SILENT, R_ACCOUNT, R_NAMES, R_DENIES, R_SIDES };
enum identity_side { I_NONE, I_SILENT, I_ALLOWS, I_DENIES, I_SIDES };

/* One letter a decision; capitals are allowed. */
static const char letters[] = {
	[POLICY_BY_OWNER] = 'O',
	[POLICY_BY_OWNER_ANYWAY] = 'A',
	[POLICY_BY_RESOURCE] = 'R',
	[POLICY_BY_IDENTITY] = 'I',
	[POLICY_BY_BOTH] = 'B',
	[POLICY_NOT_BY_RESOURCE] = 'r', /* denied there */
	[POLICY_NOT_BY_IDENTITY] = 'i',
	[POLICY_NOBODY] = '-',
	[POLICY_NOT_THEIRS] = 't', /* missing there */
	[POLICY_NOT_OURS] = 'o',
};

/* In each grid, across: the caller's policies are none, silent, allow, deny. */
static const struct grid {
	const char *name;
	const struct caller *who;
	const char *rows[R_SIDES];
} grids[] = {
	{ "a user of the account", &bob,
	    {
		[R_NONE] = "--Ii",
		[R_SILENT] = "--Ii",
		[R_ACCOUNT] = "--Ii",
		[R_NAMES] = "RRRi",
		[R_DENIES] = "rrri",
	    } },
	{ "a role of the account", &clerk,
	    {
		[R_NONE] = "--Ii",
		[R_SILENT] = "--Ii",
		[R_ACCOUNT] = "--Ii",
		[R_NAMES] = "RRRi",
		[R_DENIES] = "rrri",
	    } },
	{ "the account's root", &root,
	    {
		[R_NONE] = "OOOi",
		[R_SILENT] = "OOOi",
		[R_ACCOUNT] = "OOOi",
		[R_NAMES] = "OOOi",
		[R_DENIES] = "rrri",
	    } },
	{ "a user of another account", &their_bob,
	    {
		[R_NONE] = "--ti",
		[R_SILENT] = "--ti",
		[R_ACCOUNT] = "ooBi",
		[R_NAMES] = "ooBi",
		[R_DENIES] = "rrri",
	    } },
	{ "a role of another account", &their_clerk,
	    {
		[R_NONE] = "--ti",
		[R_SILENT] = "--ti",
		[R_ACCOUNT] = "ooBi",
		[R_NAMES] = "ooBi",
		[R_DENIES] = "rrri",
	    } },
	{ "another account's root", &their_root,
	    {
		[R_NONE] = "ttti",
		[R_SILENT] = "ttti",
		[R_ACCOUNT] = "BBBi",
		[R_NAMES] = "BBBi",
		[R_DENIES] = "rrri",
	    } },
};

START_TEST(both_sides_make_the_decision)
{
	const struct grid *g = &grids[_i];

	for (size_t r = 0; r < R_SIDES; r++) {
		for (size_t i = 0; i < I_SIDES; i++) {
			struct policy_request q = request_of(g->who);
			struct policy_decision d = decide(&q, resource_sides[r], identity_sides[i]);

			ck_assert_msg(letters[d.why] == g->rows[r][i],
			    "%s, resource %zu, identity %zu: %c, wanted %c", g->name, r, i,
			    letters[d.why], g->rows[r][i]);
			ck_assert(d.allowed == (letters[d.why] >= 'A' && letters[d.why] <= 'Z'));
		}
	}
}
END_TEST

/* -- nobody locks himself out -- */

#define DENY_ALL "{'Effect':'Deny','Principal':{'RAM':'*'},'Action':'kms:*','Resource':'*'}"

static const struct {
	const struct caller *who;
	const char *action;
	enum policy_why why;
} locked_out[] = {
	{ &root, "kms:GetKeyPolicy", POLICY_BY_OWNER_ANYWAY },
	{ &root, "kms:SetKeyPolicy", POLICY_BY_OWNER_ANYWAY },
	{ &root, "kms:GetSecretPolicy", POLICY_BY_OWNER_ANYWAY },
	{ &root, "KMS:setsecretpolicy", POLICY_BY_OWNER_ANYWAY },
	{ &root, "kms:DescribeKey", POLICY_NOT_BY_RESOURCE },
	{ &root, "kms:SetKeyPolicyX", POLICY_NOT_BY_RESOURCE },
	{ &bob, "kms:SetKeyPolicy", POLICY_NOT_BY_RESOURCE },
	{ &their_root, "kms:SetKeyPolicy", POLICY_NOT_BY_RESOURCE },
};

START_TEST(the_owners_root_keeps_its_hold_on_a_policy_that_denies_everything)
{
	struct policy_request q = request_of(locked_out[_i].who);

	q.action = locked_out[_i].action;
	ck_assert_int_eq(decide(&q, DENY_ALL, NULL).why, locked_out[_i].why);
}
END_TEST

START_TEST(an_account_without_a_name_owns_nothing)
{
	const struct caller nobody = CALLER(CALLER_ROOT, "", "root");
	struct policy_request q = request_of(&nobody);

	q.owner = "";
	ck_assert_int_eq(decide(&q, NULL, NULL).why, POLICY_NOT_THEIRS);
}
END_TEST

/* -- who a statement names -- */

static const struct {
	const char *principals; /* of OURS and THEIRS */
	const struct caller *who;
	enum policy_says says;
} principals[] = {
	{ "'*'", &bob, POLICY_ENTRUSTS },
	{ "'*'", &root, POLICY_ENTRUSTS },
	{ "'*'", &their_bob, POLICY_ALLOWS },
	{ "'acs:ram::" OURS ":*'", &bob, POLICY_ENTRUSTS },
	{ "'acs:ram::" OURS ":*'", &clerk, POLICY_ENTRUSTS },
	{ "'acs:ram::" OURS ":*'", &root, POLICY_ENTRUSTS },
	{ "'acs:ram::" OURS ":*'", &their_bob, POLICY_SILENT },
	{ "'acs:ram::" THEIRS ":*'", &their_bob, POLICY_ALLOWS },
	{ "'acs:ram::" THEIRS ":*'", &bob, POLICY_SILENT },
	{ "'acs:ram::" OURS ":root'", &root, POLICY_ALLOWS },
	{ "'acs:ram::" OURS ":root'", &bob, POLICY_SILENT },
	{ "'acs:ram::" OURS ":user/bob'", &bob, POLICY_ALLOWS },
	{ "'acs:ram::" OURS ":user/Bob'", &bob, POLICY_SILENT },
	{ "'acs:ram::" OURS ":user/bobby'", &bob, POLICY_SILENT },
	{ "'acs:ram::" OURS ":user/bo'", &bob, POLICY_SILENT },
	{ "'acs:ram::" OURS ":user/bob'", &their_bob, POLICY_SILENT },
	{ "'acs:ram::" OURS ":user/clerk'", &clerk, POLICY_SILENT },
	{ "'acs:ram::" OURS ":role/clerk'", &clerk, POLICY_ALLOWS },
	{ "'acs:ram::" OURS ":role/bob'", &bob, POLICY_SILENT },
	{ "'acs:ram::" OURS ":user/root'", &root, POLICY_SILENT },
	{ "'acs:ram::" OURS ":user/eve','acs:ram::" OURS ":user/bob'", &bob, POLICY_ALLOWS },
	{ "'acs:ram::" OURS ":*','acs:ram::" OURS ":user/bob'", &bob, POLICY_ALLOWS },
	{ "'*','acs:ram::" OURS ":user/bob'", &clerk, POLICY_ENTRUSTS },
};

START_TEST(a_principal_is_who_its_name_says)
{
	struct policy_request q = request_of(principals[_i].who);
	struct policy_decision d;
	char *statement;

	ck_assert_int_gt(asprintf(&statement,
			     "{'Effect':'Allow','Principal':{'RAM':[%s]},'Action':'kms:Decrypt',"
			     "'Resource':'*'}",
			     principals[_i].principals),
	    0);
	d = decide(&q, statement, NULL);
	ck_assert_msg(d.resource.says == principals[_i].says, "%s says %d",
	    principals[_i].principals, (int)d.resource.says);
	free(statement);
}
END_TEST

/* -- which actions and resources a statement is about -- */

static const struct {
	const char *members, *action, *resource;
	bool fits;
} scopes[] = {
	{ "'Action':'kms:Decrypt'", "kms:Decrypt", KEY, true },
	{ "'Action':'KMS:DECRYPT'", "kms:Decrypt", KEY, true },
	{ "'Action':'kms:Decrypt'", "kms:Encrypt", KEY, false },
	{ "'Action':'kms:Decrypt'", "kms:DecryptX", KEY, false },
	{ "'Action':'kms:Decrypt'", "kms:Decryp", KEY, false },
	{ "'Action':'kms:Decrypt'", "", KEY, false },
	{ "'Action':'kms:*'", "kms:Decrypt", KEY, true },
	{ "'Action':'*'", "kms:Decrypt", KEY, true },
	{ "'Action':'kms:?ncrypt'", "kms:Encrypt", KEY, true },
	{ "'Action':'kms:list*'", "kms:ListKeys", KEY, true },
	{ "'Action':'kms:List*'", "kms:DescribeKey", KEY, false },
	{ "'Action':['kms:Encrypt','kms:Decrypt']", "kms:Decrypt", KEY, true },
	{ "'Action':['kms:Encrypt','kms:Sign']", "kms:Decrypt", KEY, false },
	{ "'Action':['ecs:*','kms:NoSuchAction']", "kms:Decrypt", KEY, false },
	{ "'NotAction':'kms:Decrypt'", "kms:Decrypt", KEY, false },
	{ "'NotAction':'kms:Decrypt'", "kms:Encrypt", KEY, true },
	{ "'NotAction':['kms:List*','kms:Describe*']", "kms:ListKeys", KEY, false },
	{ "'NotAction':['kms:List*','kms:Describe*']", "kms:Decrypt", KEY, true },
	{ "'NotAction':'*'", "kms:Decrypt", KEY, false },
	{ "'Resource':'*'", "kms:Decrypt", KEY, true },
	{ "'Resource':'" KEY "'", "kms:Decrypt", KEY, true },
	{ "'Resource':'" KEY "'", "kms:Decrypt", KEY "2", false },
	{ "'Resource':'acs:kms:*:*:key/*'", "kms:Decrypt", KEY, true },
	{ "'Resource':'acs:kms:*:*:key/key-?'", "kms:Decrypt", KEY, true },
	{ "'Resource':'acs:kms:*:*:key/KEY-1'", "kms:Decrypt", KEY, false },
	{ "'Resource':'acs:kms:*:*:secret/*'", "kms:Decrypt", KEY, false },
	{ "'Resource':'acs:kms:*:" THEIRS ":*'", "kms:Decrypt", KEY, false },
	{ "'Resource':'acs:kms:cn-*:" OURS ":*'", "kms:Decrypt", KEY, true },
	{ "'Resource':'acs:kms:us-*:" OURS ":*'", "kms:Decrypt", KEY, false },
	{ "'Resource':['acs:kms:*:*:secret/a','acs:kms:*:*:key/*']", "kms:Decrypt", KEY, true },
	{ "'Resource':'acs:kms:*:*:key'", "kms:ListKeys", "acs:kms:r:" OURS ":key", true },
	{ "'Resource':'acs:kms:*:*:key'", "kms:ListKeys", KEY, false },
	{ "'Resource':'acs:kms:*:*:key*'", "kms:ListKeys", "acs:kms:r:" OURS ":key", true },
	{ "'Resource':'acs:kms:*:*:alias/a*'", "kms:CreateAlias", "acs:kms:r:1:alias/a/b", true },
	{ "'NotResource':'acs:kms:*:*:secret/*'", "kms:Decrypt", KEY, true },
	{ "'NotResource':'acs:kms:*:*:key/*'", "kms:Decrypt", KEY, false },
	{ "'NotResource':['acs:kms:*:*:key/x','acs:kms:*:*:key/key-1']", "kms:Decrypt", KEY,
	    false },
};

START_TEST(a_statement_is_about_the_actions_and_resources_it_says)
{
	struct policy_request q = request_of(&bob);
	const char *members = scopes[_i].members;
	struct policy_decision d;
	char *statement;

	q.action = scopes[_i].action;
	q.resource = scopes[_i].resource;
	ck_assert_int_gt(asprintf(&statement, "{'Effect':'Allow',%s,%s}", members,
			     strstr(members, "Action'") == NULL ? "'Action':'*'"
								: "'Resource':'*'"),
	    0);
	d = decide(&q, NULL, statement);
	ck_assert_msg(d.allowed == scopes[_i].fits, "%s with %s on %s", members, q.action,
	    q.resource);
	free(statement);
}
END_TEST

/* -- which statement is told -- */

START_TEST(the_first_statement_that_decides_is_told)
{
	struct policy *key = policy_of(POLICY_RESOURCE,
	    "{'Sid':'kms default','Effect':'Allow','Principal':{'RAM':'acs:ram::" OURS
	    ":*'},'Action':'kms:*','Resource':'*'},"
	    "{'Sid':'for bob','Effect':'Allow','Principal':{'RAM':'acs:ram::" OURS
	    ":user/bob'},'Action':'kms:Decrypt','Resource':'*'},"
	    "{'Sid':'again','Effect':'Allow','Principal':{'RAM':'acs:ram::" OURS
	    ":user/bob'},'Action':'kms:*','Resource':'*'}");
	struct policy *first =
	    policy_of(POLICY_IDENTITY, "{'Effect':'Allow','Action':'kms:E*','Resource':'*'}");
	struct policy *second = policy_of(POLICY_IDENTITY,
	    "{'Effect':'Allow','Action':'kms:*','Resource':'*'},"
	    "{'Sid':'no','Effect':'Deny','Action':'kms:*','Resource':'acs:kms:*:*:secret/*'}");
	const struct policy_attached mine[] = { { "first", first }, { "second", second } };
	struct policy_request q = request_of(&bob);
	struct policy_decision d = policy_decide(&q, key, mine, 2);

	ck_assert_int_eq(d.why, POLICY_BY_RESOURCE);
	ck_assert_int_eq(d.resource.says, POLICY_ALLOWS);
	ck_assert_uint_eq(d.resource.statement, 1);
	ck_assert_str_eq(d.resource.sid, "for bob");
	ck_assert_int_eq(d.identity.says, POLICY_ALLOWS);
	ck_assert_uint_eq(d.identity.policy, 1);
	ck_assert_uint_eq(d.identity.statement, 0);
	ck_assert_str_eq(d.identity.sid, "");

	q.resource = "acs:kms:cn-hangzhou:" OURS ":secret/a";
	d = policy_decide(&q, NULL, mine, 2);
	ck_assert_int_eq(d.why, POLICY_NOT_BY_IDENTITY);
	ck_assert_int_eq(d.resource.says, POLICY_SILENT);
	ck_assert_str_eq(d.resource.sid, "");
	ck_assert_uint_eq(d.identity.policy, 1);
	ck_assert_uint_eq(d.identity.statement, 1);
	ck_assert_str_eq(d.identity.sid, "no");
	policy_free(key);
	policy_free(first);
	policy_free(second);
}
END_TEST

#define ASKS " asks for kms:Decrypt on " KEY "; "

static const struct {
	const struct caller *who;
	enum resource_side resource;
	enum identity_side identity;
	const char *text, *denial, *denied_by;
} sentences[] = {
	{ &root, R_NONE, I_NONE,
	    "allowed: acs:ram::" OURS ":root" ASKS
	    "the caller is the root of the account whose resource it is",
	    NULL, NULL },
	{ &bob, R_NAMES, I_NONE,
	    "allowed: acs:ram::" OURS ":user/bob" ASKS
	    "Statement[0] of the resource's policy allows it",
	    NULL, NULL },
	{ &clerk, R_NONE, I_ALLOWS,
	    "allowed: acs:ram::" OURS ":role/clerk" ASKS
	    "Statement[0] of the caller's policy mine allows it",
	    NULL, NULL },
	{ &their_bob, R_NAMES, I_ALLOWS,
	    "allowed: acs:ram::" THEIRS ":user/bob" ASKS
	    "Statement[0] of the resource's policy allows it, and Statement[0] of the caller's "
	    "policy mine allows it",
	    NULL, NULL },
	{ &their_root, R_ACCOUNT, I_NONE,
	    "allowed: acs:ram::" THEIRS ":root" ASKS
	    "Statement[0] of the resource's policy allows it, and the caller is the root of its "
	    "account",
	    NULL, NULL },
	{ &bob, R_DENIES, I_ALLOWS,
	    "denied: acs:ram::" OURS ":user/bob" ASKS
	    "Statement[1] of the resource's policy denies it",
	    "ExplicitDeny", "ResourceBasedPolicy" },
	{ &bob, R_NAMES, I_DENIES,
	    "denied: acs:ram::" OURS ":user/bob" ASKS
	    "Statement[1] of the caller's policy mine denies it",
	    "ExplicitDeny", "AccountLevelIdentityBasedPolicy" },
	{ &bob, R_SILENT, I_SILENT,
	    "denied: acs:ram::" OURS ":user/bob" ASKS
	    "neither the resource's policy nor any policy of the caller allows it",
	    "ImplicitDeny", "AccountLevelIdentityBasedPolicy" },
	{ &bob, R_ACCOUNT, I_NONE,
	    "denied: acs:ram::" OURS ":user/bob" ASKS
	    "neither the resource's policy nor any policy of the caller allows it; Statement[0] "
	    "of the resource's policy leaves it to the caller's policies",
	    "ImplicitDeny", "AccountLevelIdentityBasedPolicy" },
	{ &their_bob, R_NONE, I_ALLOWS,
	    "denied: acs:ram::" THEIRS ":user/bob" ASKS
	    "the resource is another account's, and no statement of its policy allows it",
	    "ImplicitDeny", "ResourceBasedPolicy" },
	{ &their_bob, R_NAMES, I_NONE,
	    "denied: acs:ram::" THEIRS ":user/bob" ASKS
	    "Statement[0] of the resource's policy allows it, but the resource is another "
	    "account's and no policy of the caller allows it as well",
	    "ImplicitDeny", "AccountLevelIdentityBasedPolicy" },
};

START_TEST(a_decision_explains_itself)
{
	struct policy_request q = request_of(sentences[_i].who);
	const struct policy_attached mine = { "mine", NULL };
	char text[POLICY_TEXT_MAX];
	struct policy_decision d = decide(&q, resource_sides[sentences[_i].resource],
	    identity_sides[sentences[_i].identity]);

	d.resource.sid = d.identity.sid = "";
	policy_explain(&q, &mine, &d, text);
	ck_assert_str_eq(text, sentences[_i].text);
	ck_assert_pstr_eq(policy_denial_type(&d), sentences[_i].denial);
	ck_assert_pstr_eq(policy_denied_by(&d), sentences[_i].denied_by);
}
END_TEST

START_TEST(an_explanation_tells_the_sid_and_the_exception)
{
	struct policy *key = policy_of(POLICY_RESOURCE,
	    "{'Sid':'nobody at all','Effect':'Deny','Principal':{'RAM':'*'},'Action':'kms:*',"
	    "'Resource':'*'}");
	struct policy_request q = request_of(&root);
	char text[POLICY_TEXT_MAX];
	struct policy_decision d;

	q.action = "kms:SetKeyPolicy";
	d = policy_decide(&q, key, NULL, 0);
	policy_explain(&q, NULL, &d, text);
	ck_assert_str_eq(text,
	    "allowed: acs:ram::" OURS ":root asks for kms:SetKeyPolicy on " KEY
	    "; the root of the account whose resource it is may always see and set its policy, "
	    "though Statement[0] (Sid nobody at all) of the resource's policy denies it");
	policy_free(key);
}
END_TEST

START_TEST(a_long_explanation_is_cut)
{
	static const char before[POLICY_TEXT_MAX] = { 1 };
	char *text = (char *)guarded(slice_of(before, sizeof(before))).p, resource[5000];
	struct policy_request q = request_of(&bob);
	struct policy_decision d;

	memset(resource, 'x', sizeof(resource) - 1);
	resource[sizeof(resource) - 1] = '\0';
	q.resource = resource;
	d = policy_decide(&q, NULL, NULL, 0);
	policy_explain(&q, NULL, &d, text);
	ck_assert_uint_eq(strlen(text), POLICY_TEXT_MAX - 1);
}
END_TEST

/* -- built in -- */

/* By bob, who has the system policy, on a key, the container of secrets and a secret of his
 * account. */
static const struct {
	const char *policy, *action, *resource;
	bool allowed;
} built_in[] = {
	{ "AliyunKMSFullAccess", "kms:ScheduleKeyDeletion", "key/a", true },
	{ "AliyunKMSFullAccess", "kms:GetSecretValue", "secret/a", true },
	{ "AliyunKMSReadOnlyAccess", "kms:DescribeKey", "key/a", true },
	{ "AliyunKMSReadOnlyAccess", "kms:ListSecrets", "secret", true },
	{ "AliyunKMSReadOnlyAccess", "kms:GetKeyPolicy", "key/a", true },
	{ "AliyunKMSReadOnlyAccess", "kms:GetSecretValue", "secret/a", false },
	{ "AliyunKMSReadOnlyAccess", "kms:Decrypt", "key/a", false },
	{ "AliyunKMSReadOnlyAccess", "kms:SetKeyPolicy", "key/a", false },
	{ "AliyunKMSCryptoAdminAccess", "kms:CreateKey", "key", true },
	{ "AliyunKMSCryptoAdminAccess", "kms:DisableKey", "key/a", true },
	{ "AliyunKMSCryptoAdminAccess", "kms:CreateAlias", "alias/a", true },
	{ "AliyunKMSCryptoAdminAccess", "kms:CreateSecret", "secret", false },
	{ "AliyunKMSCryptoAdminAccess", "kms:GetSecretValue", "secret/a", false },
	{ "AliyunKMSCryptoUserAccess", "kms:Encrypt", "key/a", true },
	{ "AliyunKMSCryptoUserAccess", "kms:AsymmetricSign", "key/a", true },
	{ "AliyunKMSCryptoUserAccess", "kms:VerifyMac", "key/a", true },
	{ "AliyunKMSCryptoUserAccess", "kms:CreateKey", "key", false },
	{ "AliyunKMSCryptoUserAccess", "kms:GetSecretValue", "secret/a", false },
	{ "AliyunKMSSecretAdminAccess", "kms:CreateSecret", "secret", true },
	{ "AliyunKMSSecretAdminAccess", "kms:GetSecretValue", "secret/a", true },
	{ "AliyunKMSSecretAdminAccess", "kms:GetRandomPassword", "*", true },
	{ "AliyunKMSSecretAdminAccess", "kms:Decrypt", "key/a", false },
	{ "AliyunKMSSecretUserAccess", "kms:GetSecretValue", "secret/a", true },
	{ "AliyunKMSSecretUserAccess", "kms:ListSecretVersionIds", "secret/a", true },
	{ "AliyunKMSSecretUserAccess", "kms:PutSecretValue", "secret/a", false },
	{ "AliyunKMSSecretUserAccess", "kms:ListSecrets", "secret", false },
};

START_TEST(a_built_in_policy_gives_what_its_name_says)
{
	const struct policy_system *system = policy_system_by_name(built_in[_i].policy);
	struct policy_request q = request_of(&bob);
	struct policy_attached mine;
	struct policy *p = NULL;
	char *resource;

	ck_assert_ptr_nonnull(system);
	CHECK_RC(policy_parse(POLICY_IDENTITY, slice_str(system->document), &p, NULL), KMS_OK);
	mine = (struct policy_attached){ system->name, p };
	ck_assert_int_gt(asprintf(&resource, "acs:kms:cn-hangzhou:" OURS ":%s",
			     built_in[_i].resource),
	    0);
	q.action = built_in[_i].action;
	q.resource = resource;
	ck_assert_msg(policy_decide(&q, NULL, &mine, 1).allowed == built_in[_i].allowed,
	    "%s: %s on %s", built_in[_i].policy, q.action, resource);
	free(resource);
	policy_free(p);
}
END_TEST

START_TEST(every_built_in_policy_is_valid_and_found_by_its_name)
{
	size_t n;
	const struct policy_system *rows = policy_system_rows(&n);

	ck_assert_uint_eq(n, 6);
	for (size_t i = 0; i < n; i++) {
		struct policy *p = NULL;
		struct err err = { 0 };

		ck_assert_ptr_eq(policy_system_by_name(rows[i].name), &rows[i]);
		ck_assert_msg(policy_parse(POLICY_IDENTITY, slice_str(rows[i].document), &p,
				  &err) == KMS_OK,
		    "%s: %s", rows[i].name, err.text);
		policy_free(p);
	}
	ck_assert_ptr_null(policy_system_by_name("aliyunkmsfullaccess"));
	ck_assert_ptr_null(policy_system_by_name(""));
}
END_TEST

START_TEST(a_default_policy_lets_root_in_and_leaves_others_to_their_policies)
{
	static const enum policy_default both[] = { POLICY_DEFAULT_KEY, POLICY_DEFAULT_SECRET };
	static const char *const sids[] = { "kms default key policy", "kms default secret policy" };
	struct policy *full =
	    policy_of(POLICY_IDENTITY, "{'Effect':'Allow','Action':'kms:*','Resource':'*'}");
	const struct policy_attached mine = { "full", full };

	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		auto_buf text = { 0 };
		struct policy *p = NULL;
		struct policy_request of_root = request_of(&root), of_bob = request_of(&bob);
		struct policy_request of_them = request_of(&their_bob);
		struct policy_decision d;

		CHECK_RC(policy_default_document(both[i], OURS, &text), KMS_OK);
		CHECK_RC(policy_parse(POLICY_RESOURCE, buf_slice(&text), &p, NULL), KMS_OK);
		ck_assert(policy_decide(&of_root, p, NULL, 0).allowed);
		ck_assert_int_eq(policy_decide(&of_bob, p, &mine, 1).why, POLICY_BY_IDENTITY);
		ck_assert_int_eq(policy_decide(&of_them, p, &mine, 1).why, POLICY_NOT_THEIRS);
		d = policy_decide(&of_bob, p, NULL, 0);
		ck_assert_int_eq(d.why, POLICY_NOBODY);
		ck_assert_int_eq(d.resource.says, POLICY_ENTRUSTS);
		ck_assert_str_eq(d.resource.sid, sids[i]);
		policy_free(p);
	}
	policy_free(full);
}
END_TEST

int
main(void)
{
	Suite *s = UNIT_SUITE("policy", an_account_without_a_name_owns_nothing,
	    the_first_statement_that_decides_is_told,
	    an_explanation_tells_the_sid_and_the_exception, a_long_explanation_is_cut,
	    every_built_in_policy_is_valid_and_found_by_its_name,
	    a_default_policy_lets_root_in_and_leaves_others_to_their_policies);
	TCase *c = tcase_create("rows");

	tcase_add_loop_test(c, both_sides_make_the_decision, 0, ARRAY_LEN(grids));
	tcase_add_loop_test(c, the_owners_root_keeps_its_hold_on_a_policy_that_denies_everything, 0,
	    ARRAY_LEN(locked_out));
	tcase_add_loop_test(c, a_principal_is_who_its_name_says, 0, ARRAY_LEN(principals));
	tcase_add_loop_test(c, a_statement_is_about_the_actions_and_resources_it_says, 0,
	    ARRAY_LEN(scopes));
	tcase_add_loop_test(c, a_decision_explains_itself, 0, ARRAY_LEN(sentences));
	tcase_add_loop_test(c, a_built_in_policy_gives_what_its_name_says, 0, ARRAY_LEN(built_in));
	suite_add_tcase(s, c);
	return unit_main(s);
}
