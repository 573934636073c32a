/* SPDX-License-Identifier: Apache-2.0 */
/* The one map from what an HSM answers to our errors, and how much is broken then. */
#include "hsm/token.h"

#include <p11-kit/p11-kit.h>

#define CKR_AEAD_DECRYPT_FAILED 0x42UL /* 3.0 */

enum kms_rc
tok_rc(CK_RV rv)
{
	switch (rv) {
	case CKR_OK: return KMS_OK;
	case CKR_HOST_MEMORY: return KMS_NOMEM;
	case CKR_ARGUMENTS_BAD:
	case CKR_MECHANISM_PARAM_INVALID:
	case CKR_DOMAIN_PARAMS_INVALID: return KMS_BAD_PARAM;
	case CKR_MECHANISM_INVALID:
	case CKR_FUNCTION_NOT_SUPPORTED:
	case CKR_CURVE_NOT_SUPPORTED:
	case CKR_TEMPLATE_INCOMPLETE:
	case CKR_TEMPLATE_INCONSISTENT:
	case CKR_ATTRIBUTE_TYPE_INVALID:
	case CKR_ATTRIBUTE_VALUE_INVALID:
	case CKR_ATTRIBUTE_READ_ONLY: return KMS_NOTSUP;
	case CKR_KEY_TYPE_INCONSISTENT:
	case CKR_WRAPPING_KEY_TYPE_INCONSISTENT:
	case CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT: return KMS_KEY_TYPE;
	case CKR_KEY_SIZE_RANGE:
	case CKR_WRAPPING_KEY_SIZE_RANGE:
	case CKR_UNWRAPPING_KEY_SIZE_RANGE: return KMS_KEY_SIZE;
	case CKR_KEY_FUNCTION_NOT_PERMITTED:
	case CKR_KEY_UNEXTRACTABLE:
	case CKR_KEY_NOT_WRAPPABLE:
	case CKR_ATTRIBUTE_SENSITIVE:
	case CKR_ACTION_PROHIBITED: return KMS_DENIED;
	case CKR_DATA_LEN_RANGE:
	case CKR_ENCRYPTED_DATA_LEN_RANGE:
	case CKR_WRAPPED_KEY_LEN_RANGE: return KMS_BAD_LEN;
	case CKR_DATA_INVALID:
	case CKR_AEAD_DECRYPT_FAILED:
	case CKR_ENCRYPTED_DATA_INVALID:
	case CKR_WRAPPED_KEY_INVALID: return KMS_BAD_DATA;
	case CKR_SIGNATURE_INVALID: return KMS_BAD_SIGNATURE;
	case CKR_SIGNATURE_LEN_RANGE: return KMS_SIGNATURE_LEN;
	case CKR_DEVICE_MEMORY: return KMS_FULL;
	case CKR_TOKEN_WRITE_PROTECTED:
	case CKR_SESSION_READ_ONLY: return KMS_READONLY;
	case CKR_SESSION_COUNT: return KMS_BUSY;
	/* A wrong PIN is the configuration's fault, not that of whoever uses a key. */
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
	case CKR_PIN_EXPIRED:
	case CKR_PIN_LOCKED:
	case CKR_USER_PIN_NOT_INITIALIZED:
	case CKR_USER_TYPE_INVALID: return KMS_CONFIG;
	default: return KMS_UNAVAILABLE;
	}
}

enum tok_fault
tok_fault(CK_RV rv)
{
	switch (rv) {
	case CKR_OPERATION_ACTIVE:
	case CKR_OPERATION_NOT_INITIALIZED:
	case CKR_BUFFER_TOO_SMALL: return FAULT_SESSION;
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_SESSION_CLOSED:
	case CKR_USER_NOT_LOGGED_IN:
	case CKR_CRYPTOKI_NOT_INITIALIZED: return FAULT_LINK;
	case CKR_KEY_HANDLE_INVALID:
	case CKR_OBJECT_HANDLE_INVALID:
	case CKR_WRAPPING_KEY_HANDLE_INVALID:
	case CKR_UNWRAPPING_KEY_HANDLE_INVALID: return FAULT_KEY;
	case CKR_DEVICE_ERROR:
	case CKR_DEVICE_REMOVED:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_TOKEN_NOT_RECOGNIZED:
	case CKR_SLOT_ID_INVALID:
	case CKR_FUNCTION_FAILED:
	case CKR_GENERAL_ERROR: return FAULT_DEVICE;
	default: return FAULT_NONE;
	}
}

enum kms_rc
tok_fail(struct call *c, const char *call, CK_RV rv)
{
	if (tok_fault(rv) == FAULT_KEY)
		return call_fail(c, KMS_UNAVAILABLE, "the HSM has no such key any more (%s)", call);
	return call_fail(c, tok_rc(rv), "the HSM, asked for %s: %s (CK_RV 0x%lx)", call,
	    p11_kit_strerror(rv), rv);
}
