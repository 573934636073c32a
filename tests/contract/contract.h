/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the contract suite shares: a KMS to talk to, and short ways to ask it. The cases know
 * nothing but api/backend.h, so that any backend can stand behind it; contract.c alone knows which.
 * With KMS_TEST_HSM its keys are in that HSM (SoftHSMv2's library), else in its store.
 */
#ifndef KMS_TESTS_CONTRACT_CONTRACT_H
#define KMS_TESTS_CONTRACT_CONTRACT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "api/backend.h"
#include "base/os.h"
#include "tests/unit/unit.h"

/* The KMS of the running test: empty, ready for requests, its clock stopped at NOW. */
extern struct backend *kms;
#define NOW 1700000000

void contract_setup(void);
void contract_teardown(void);

/* One request being made; fields are added to req before it is sent. Released by the next one. */
extern struct fields req, res;

/* Begins a request of its own: forgets what req and res hold. */
void request(void);
void with(enum field name, const char *text);
void with_bytes(enum field name, struct slice bytes);
void with_number(enum field name, int64_t n);
void with_bool(enum field name, bool truth);

/* Who asks from now on: the account itself, or a user of ACCOUNT (NULL: the account of the KMS).
 * Asked anew by each test. */
void as_root(void);
void as_user(const char *account, const char *name);
/* The account of the KMS. */
const char *account_id(void);

/* Sends req as A, and expects success, or refusal by E. */
void expect(enum action a);
void expect_error(enum action a, enum api_error e);

/* A member of the result (of its first group when GROUP is not F_COUNT) as text; owned by res. */
const char *text_of(enum field group, enum field name);
void check_text(enum field group, enum field name, const char *wanted);

/* The entries of a list in the result: how many, and one member of entry I as text. */
size_t count_of(enum field list);
const char *text_in(enum field list, size_t i, enum field name);
/* A list of texts (of the result, or of entry I of LIST), with commas between them. */
const char *texts_of(enum field list, size_t i, enum field name);

/* Makes a key (SPEC NULL: the default) and gives its id; the caller frees. */
char *new_key(const char *spec, const char *usage);
/* A request that has the key's id alone. */
void about(const char *key);
/* The state that DescribeKey tells. */
void check_state(const char *key, const char *wanted);

int contract_main(Suite *suite);

#endif
