/* SPDX-License-Identifier: Apache-2.0 */
/* The specs and usages of KMS keys by the API's names. The one table is master_spec.def. */
#ifndef KMS_KMS_MASTER_SPEC_H
#define KMS_KMS_MASTER_SPEC_H

#include "api/spec.h"

/* One bit each; stored in files: values are never reused. */
enum key_usage {
	USAGE_ENCRYPT_DECRYPT = 1 << 0,
	USAGE_SIGN_VERIFY = 1 << 1,
	USAGE_MAC = 1 << 2,
	USAGE_ANY = 1 << 7, /* made through PKCS#11: its attributes say what it may do */
};

struct master_spec {
	const char *name;
	struct key_spec spec;
	unsigned usages;      /* enum key_usage, any of these */
	enum key_usage usage; /* unless another is asked for */
};

/* NULL: there is none of that name. Static storage. */
const struct master_spec *master_spec_by_name(struct slice name);
/* The name of SPEC, from this table or else from spec.def. */
void master_spec_name(const struct key_spec *spec, char ret[SPEC_NAME_MAX]);

/* "ENCRYPT/DECRYPT"; what was made through PKCS#11 is named by what its type is mostly used for. */
const char *usage_name(enum key_usage usage, enum key_type type);
/* 0: there is none of that name. */
enum key_usage usage_by_name(struct slice name);

/* The rights of a version's objects by its type: private or secret half, and public half. */
uint32_t usage_flags(enum key_usage usage, enum key_type type, bool public_half);

#endif
