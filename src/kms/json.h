/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that stands in parameters (tags, filters, stages, encryption contexts): read into plain
 * values, with nothing else accepted. Duplicate members, NUL in strings and deeper nesting than the
 * form has are refused. */
#ifndef KMS_KMS_JSON_H
#define KMS_KMS_JSON_H

#include "kms/master_key.h"

/* [{"TagKey":"k","TagValue":"v"}, ...], with the limits of tags. KMS_INVALID. */
enum kms_rc json_tags(struct slice text, struct tags *ret, struct err *err) MUST_USE;

/* Up to MAX strings of 1 to LEN_MAX bytes: ["a", "b"]. */
struct strings {
	struct buf *v;
	size_t n;
};
void strings_free(struct strings *s);
#define auto_strings __attribute__((cleanup(strings_free))) struct strings
enum kms_rc json_strings(struct slice text, size_t max, size_t len_max, struct strings *ret,
    struct err *err) MUST_USE;

/*
 * An encryption context, {"k":"v"} with strings alone, in its canonical form: pairs in the order of
 * their keys, each behind its length. Absent (an empty text) and {} are the same, empty.
 * KMS_INVALID.
 */
enum kms_rc json_context(struct slice text, struct buf *ret, struct err *err) MUST_USE;

/* [{"Key":"KeyState","Values":["Enabled"]}, ...]: at most ten, of ten values each. */
struct filter {
	struct buf key;
	struct strings values;
};
#define FILTERS_MAX 10
struct filters {
	struct filter v[FILTERS_MAX];
	size_t n;
};
void filters_free(struct filters *f);
#define auto_filters __attribute__((cleanup(filters_free))) struct filters
enum kms_rc json_filters(struct slice text, struct filters *ret, struct err *err) MUST_USE;

#endif
