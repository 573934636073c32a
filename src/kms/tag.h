/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of keys and secrets: at most 20, each key once. */
#ifndef KMS_KMS_TAG_H
#define KMS_KMS_TAG_H

#include "base/codec.h"

struct tag {
	struct buf key, value;
};

#define TAGS_MAX    20
#define TAG_LEN_MAX 128 /* bytes of a key or a value */

/* { .n = 0 } is none. */
struct tags {
	struct tag v[TAGS_MAX];
	size_t n;
};

void tags_free(struct tags *t);
#define auto_tags __attribute__((cleanup(tags_free))) struct tags

/* Adds a tag or replaces the value of one. KMS_INVALID: characters or lengths; KMS_LIMIT: one too
 * many. */
enum kms_rc tags_put(struct tags *t, struct slice key, struct slice value,
    struct err *err) MUST_USE;
/* Takes a tag away; one that is not there is none of anybody's business. */
void tags_drop(struct tags *t, struct slice key);
/* The value of KEY; false when there is none. */
bool tags_get(const struct tags *t, struct slice key, struct slice *ret);

/* As records: what was written is read again. KMS_TAMPERED: too many. */
void tags_write(struct writer *w, const struct tags *t);
enum kms_rc tags_read(struct reader *r, struct tags *ret) MUST_USE;

#endif
