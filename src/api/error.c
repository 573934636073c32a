/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the API's errors, and the one map from our rc to it. */
#include "api/error.h"

static const struct api_error_row rows[] = {
#define API_ERROR(name, code, status, rc, message) { code, status, rc, message },
#include "api/error.def"
#undef API_ERROR
};

const struct api_error_row *
api_error_row(enum api_error e)
{
	return (unsigned)e < ARRAY_LEN(rows) ? &rows[e] : &rows[E_InternalFailure];
}

enum api_error
api_error_of_rc(enum kms_rc rc)
{
	switch (rc) {
	case KMS_INVALID:
	case KMS_BAD_PARAM:
	case KMS_BAD_LEN:
	case KMS_BAD_DATA:
	case KMS_BAD_SIGNATURE:
	case KMS_SIGNATURE_LEN:
	case KMS_PIN_LEN: return E_InvalidParameter;
	case KMS_NOTSUP:
	case KMS_KEY_TYPE:
	case KMS_KEY_SIZE: return E_UnsupportedOperation;
	case KMS_NOTFOUND: return E_ResourceNotFound;
	case KMS_EXISTS: return E_ResourceExist;
	case KMS_DENIED:
	case KMS_LOGIN_NEEDED:
	case KMS_PIN_INCORRECT:
	case KMS_PIN_LOCKED:
	case KMS_PIN_NOT_SET: return E_NoPermission;
	case KMS_KEY_STATE: return E_StateModifiedFailed;
	case KMS_LIMIT: return E_LimitExceeded;
	case KMS_BUSY: return E_Throttling;
	case KMS_TIMEOUT:
	case KMS_UNAVAILABLE:
	case KMS_READONLY:
	case KMS_FULL:
	case KMS_IO: return E_ServiceUnavailable;
	case KMS_OK:
	case KMS_NOMEM:
	case KMS_INTERNAL:
	case KMS_CONFLICT:
	case KMS_NOT_INITIALIZED:
	case KMS_BUFFER_SMALL:
	case KMS_NEWER:
	case KMS_TAMPERED:
	case KMS_CONFIG: return E_InternalFailure;
	}
	return E_InternalFailure;
}
