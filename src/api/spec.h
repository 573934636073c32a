/* SPDX-License-Identifier: Apache-2.0 */
/* Key specs by name, as the KMS's API and people write them: RSA_2048, EC_P256, AES_256. The one
 * table is spec.def. */
#ifndef KMS_API_SPEC_H
#define KMS_API_SPEC_H

#include "api/alg.h"

struct spec_row {
	const char *name;
	struct key_spec spec;
};

/* The rows of spec.def in their order; *n is how many. Static storage. */
const struct spec_row *spec_rows(size_t *n);

/* The spec called NAME (exactly as in the table); NULL when there is none. Static storage. */
const struct key_spec *spec_by_name(const char *name);

/*
 * The name of SPEC into DST. Sizes without a row of their own (imported keys) are named by the same
 * pattern, RSA_2560 or HMAC_160; what is no key is "-".
 */
#define SPEC_NAME_MAX 24
void spec_name(const struct key_spec *spec, char dst[SPEC_NAME_MAX]);

#endif
