/* SPDX-License-Identifier: Apache-2.0 */
/* The API's errors: code, HTTP status and message, and how each is called inside. The one table is
 * error.def. */
#ifndef KMS_API_ERROR_H
#define KMS_API_ERROR_H

#include "base/rc.h"

enum api_error {
#define API_ERROR(name, code, status, rc, message) E_##name,
#include "api/error.def"
#undef API_ERROR
	E_COUNT,
};

struct api_error_row {
	const char *code; /* on the wire: "Forbidden.KeyNotFound" */
	int status;	  /* HTTP */
	enum kms_rc rc;
	const char *message;
};

/* Static storage; E_InternalFailure's row for a number that is none of ours. */
const struct api_error_row *api_error_row(enum api_error e);

/*
 * What the API calls a failure that was not refused by name: RC as the layers below give it. Never
 * E_None: KMS_OK is E_InternalFailure too.
 */
enum api_error api_error_of_rc(enum kms_rc rc);

#endif
