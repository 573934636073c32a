/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading a policy document needs, whatever stands in it: the place for errors, lists that may
 * be single values, checked strings, memory that lives as long as the policy. Only
 * src/kms/policy*.c include this.
 */
#ifndef KMS_KMS_POLICY_READ_H
#define KMS_KMS_POLICY_READ_H

#include <jansson.h>

#include "kms/policy_form.h"

#define POLICY_DEPTH_MAX      8 /* a value of a condition in a list stands at 6 */
#define POLICY_STATEMENTS_MAX 100
#define POLICY_LIST_MAX	      500  /* values in any other list */
#define POLICY_VALUE_MAX      1024 /* bytes of a value */
#define POLICY_WILD_MAX	      2048 /* bytes of all StringLike values with wildcards together */

struct policy_reader {
	struct policy *p;
	struct err *err;
	char at[96]; /* the place, such as Statement[2].Condition */
	size_t at_len;
	size_t wild; /* of POLICY_WILD_MAX */
};

/* Refuses what is too long, too deep or not JSON. The caller frees with json_decref. */
enum kms_rc policy_read_json(struct policy_reader *r, struct slice text, json_t **ret) MUST_USE;

/* Steps into a member, or into element I of LIST (nowhere if LIST is no list), and back out. */
size_t policy_enter(struct policy_reader *r, const char *member);
size_t policy_enter_element(struct policy_reader *r, const json_t *list, size_t i);
void policy_leave(struct policy_reader *r, size_t back);

/* KMS_INVALID, with the place in front of the sentence. */
enum kms_rc policy_fail(struct policy_reader *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A list of 1 to MAX elements; what is no list counts as one element. */
enum kms_rc policy_read_count(struct policy_reader *r, const json_t *list, size_t max,
    size_t *ret) MUST_USE;
json_t *policy_element(const json_t *list, size_t i);

/* A string of at most MAX bytes, copied into the policy with a NUL behind it. */
enum kms_rc policy_read_text(struct policy_reader *r, const json_t *v, size_t max,
    struct slice *ret) MUST_USE;

/* N zeroed things of SIZE that go with the policy. NULL: out of memory. */
void *policy_take(struct policy *p, size_t n, size_t size);

/* -- policy_condition.c -- */

/* The value of Condition, into S. */
enum kms_rc policy_read_conditions(struct policy_reader *r, json_t *v,
    struct statement *s) MUST_USE;

#endif
