/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that we do not have, each of them here, with the answer that the standard names. */
#include "pkcs11/lib.h"
#include "pkcs11/rv.h"

/* A refusal looks at none of its arguments. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* 5.1.6: a stub simply says so; but no function says anything of itself before C_Initialize. */
static CK_RV
refuse(const char *function)
{
	return rv_trace(function,
	    lib_ready() ? CKR_FUNCTION_NOT_SUPPORTED : CKR_CRYPTOKI_NOT_INITIALIZED);
}

#define REFUSED(name, ...)               \
	CK_RV                            \
	name(__VA_ARGS__)                \
	{                                \
		return refuse(__func__); \
	}

/* clang-format off */
#define SESSION	  CK_SESSION_HANDLE hs
#define MECH_KEY  CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key
#define PARAM	  void *param, CK_ULONG param_len
#define AAD	  CK_BYTE *aad, CK_ULONG aad_len
#define IN	  CK_BYTE *in, CK_ULONG in_len
#define OUT	  CK_BYTE *out, CK_ULONG *out_len

/* 5.3, 5.6: slots do not come and go; no operation's state leaves the module. */
REFUSED(C_WaitForSlotEvent, CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
REFUSED(C_GetOperationState, SESSION, OUT)
REFUSED(C_SetOperationState, SESSION, IN, CK_OBJECT_HANDLE cipher_key, CK_OBJECT_HANDLE sign_key)

/* 5.12: a key's value is digested nowhere but in a KDF. */
REFUSED(C_DigestKey, SESSION, CK_OBJECT_HANDLE key)

/* 5.13, 5.15: signatures that contain their data */
REFUSED(C_SignRecoverInit, SESSION, MECH_KEY)
REFUSED(C_SignRecover, SESSION, IN, OUT)
REFUSED(C_VerifyRecoverInit, SESSION, MECH_KEY)
REFUSED(C_VerifyRecover, SESSION, IN, OUT)

/* 5.17: two operations in one call (no CKF_DUAL_CRYPTO_OPERATIONS) */
REFUSED(C_DigestEncryptUpdate, SESSION, IN, OUT)
REFUSED(C_DecryptDigestUpdate, SESSION, IN, OUT)
REFUSED(C_SignEncryptUpdate, SESSION, IN, OUT)
REFUSED(C_DecryptVerifyUpdate, SESSION, IN, OUT)

/* 5.9, 5.11, 5.14, 5.16: many messages under one key */
REFUSED(C_MessageEncryptInit, SESSION, MECH_KEY)
REFUSED(C_EncryptMessage, SESSION, PARAM, AAD, IN, OUT)
REFUSED(C_EncryptMessageBegin, SESSION, PARAM, AAD)
REFUSED(C_EncryptMessageNext, SESSION, PARAM, IN, OUT, CK_FLAGS flags)
REFUSED(C_MessageEncryptFinal, SESSION)
REFUSED(C_MessageDecryptInit, SESSION, MECH_KEY)
REFUSED(C_DecryptMessage, SESSION, PARAM, AAD, IN, OUT)
REFUSED(C_DecryptMessageBegin, SESSION, PARAM, AAD)
REFUSED(C_DecryptMessageNext, SESSION, PARAM, IN, OUT, CK_FLAGS flags)
REFUSED(C_MessageDecryptFinal, SESSION)
REFUSED(C_MessageSignInit, SESSION, MECH_KEY)
REFUSED(C_SignMessage, SESSION, PARAM, IN, OUT)
REFUSED(C_SignMessageBegin, SESSION, PARAM)
REFUSED(C_SignMessageNext, SESSION, PARAM, IN, OUT)
REFUSED(C_MessageSignFinal, SESSION)
REFUSED(C_MessageVerifyInit, SESSION, MECH_KEY)
REFUSED(C_VerifyMessage, SESSION, PARAM, IN, CK_BYTE *sig, CK_ULONG sig_len)
REFUSED(C_VerifyMessageBegin, SESSION, PARAM)
REFUSED(C_VerifyMessageNext, SESSION, PARAM, IN, CK_BYTE *sig, CK_ULONG sig_len)
REFUSED(C_MessageVerifyFinal, SESSION)
/* clang-format on */

/* 5.20: never anything else, whatever the session and the state. */
CK_RV
C_GetFunctionStatus(CK_SESSION_HANDLE hs)
{
	return rv_trace(__func__, CKR_FUNCTION_NOT_PARALLEL);
}

CK_RV
C_CancelFunction(CK_SESSION_HANDLE hs)
{
	return rv_trace(__func__, CKR_FUNCTION_NOT_PARALLEL);
}
