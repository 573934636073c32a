/* SPDX-License-Identifier: Apache-2.0 */
/* How keys travel: by which algorithm material and data keys are encrypted to somebody's public
 * key, by the API's names. */
#ifndef KMS_KMS_WRAPPING_H
#define KMS_KMS_WRAPPING_H

#include "api/alg.h"

struct wrapping {
	const char *spec, *algorithm;
	struct key_spec key; /* of the pair */
	enum alg alg;
	enum digest digest; /* tells the rows apart where one is stored */
};

/* Longest cipher text of what travels: data keys have at most 1024 bytes. */
#define WRAPPED_MAX 2048

/* NULL: there is none of these names, or of this digest. Static storage. */
const struct wrapping *wrapping_by_name(struct slice spec, struct slice algorithm);
const struct wrapping *wrapping_by_digest(enum digest digest);

struct alg_params wrapping_params(const struct wrapping *w);

#endif
