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

/* -- of secrets (json_secret.c) -- */

/* [{"SecretName":"s","VersionId":"v","VersionStage":"ACSCurrent","FetchExtendedConfig":true}, ...]:
 * at most 20, of which only the name must be there. */
struct secret_wish {
	struct buf name, version, stage;
	bool config;
};
#define SECRET_WISHES_MAX 20
struct secret_wishes {
	struct secret_wish v[SECRET_WISHES_MAX];
	size_t n;
};
void secret_wishes_free(struct secret_wishes *w);
#define auto_secret_wishes __attribute__((cleanup(secret_wishes_free))) struct secret_wishes
enum kms_rc json_wishes(struct slice text, struct secret_wishes *ret, struct err *err) MUST_USE;

/* ExtendedConfig: any JSON object. */
enum kms_rc json_config(struct slice text, struct err *err) MUST_USE;
/* The string that is its member NAME; empty when there is none. */
enum kms_rc json_config_text(struct slice text, const char *name, struct buf *ret,
    struct err *err) MUST_USE;
/* CONFIG (may be empty) with CUSTOM, a JSON object, as its member CustomData. */
enum kms_rc json_config_custom(struct slice config, struct slice custom, struct buf *ret,
    struct err *err) MUST_USE;

#endif
