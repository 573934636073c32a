/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS#11 as this module sees it: p11-kit's 2.40 header, plus what 3.0 adds and that header lacks
 * (values from the OASIS standard, PKCS #11 Cryptographic Token Interface 3.0). Everything declared
 * here by a C_ name is exported; nothing else is.
 */
#ifndef KMS_PKCS11_CRYPTOKI_H
#define KMS_PKCS11_CRYPTOKI_H

#pragma GCC visibility push(default)
#include <p11-kit/pkcs11.h>
/* It leaves its map from lower-case to the standard's member names defined, which would rename
 * members of our own. */
#undef aad_len
#undef aad_ptr
#undef counter_bits
#undef data_params
#undef hash_alg
#undef iv_bits
#undef iv_len
#undef iv_ptr
#undef public_data
#undef public_data_len
#undef s_len
#undef shared_data
#undef shared_data_len
#undef source_data
#undef source_data_len
#undef string_data
#undef string_data_len
#undef tag_bits

#include "pkcs11/kms-pkcs11.h"

#define CRYPTOKI_V3_MAJOR 3
#define CRYPTOKI_V3_MINOR 0

/* objects and attributes */
#ifndef CKO_PROFILE
#define CKO_PROFILE (0x9UL)
#endif
#define CKA_UNIQUE_ID  (0x4UL)
#define CKA_PROFILE_ID (0x601UL)

#define CKP_BASELINE_PROVIDER	      (0x1UL)
#define CKP_EXTENDED_PROVIDER	      (0x2UL)
#define CKP_AUTHENTICATION_TOKEN      (0x3UL)
#define CKP_PUBLIC_CERTIFICATES_TOKEN (0x4UL)

/* mechanisms */
#ifndef CKM_AES_KEY_WRAP_KWP
#define CKM_AES_KEY_WRAP_KWP (0x210bUL)
#endif

struct ck_eddsa_params {
	CK_BBOOL phFlag;
	CK_ULONG ulContextDataLen;
	CK_BYTE_PTR pContextData;
};
typedef struct ck_eddsa_params CK_EDDSA_PARAMS;

/* flags */
#define CKF_INTERFACE_FORK_SAFE (0x1UL)
#define CKF_MESSAGE_ENCRYPT	(0x2UL)
#define CKF_MESSAGE_DECRYPT	(0x4UL)
#define CKF_MESSAGE_SIGN	(0x8UL)
#define CKF_MESSAGE_VERIFY	(0x10UL)
#define CKF_MULTI_MESSAGE	(0x20UL)
#define CKF_FIND_OBJECTS	(0x40UL)

/* return values */
#define CKR_OPERATION_CANCEL_FAILED (0x202UL)

/* interfaces */
struct ck_interface {
	CK_CHAR *pInterfaceName;
	CK_VOID_PTR pFunctionList;
	CK_FLAGS flags;
};
typedef struct ck_interface CK_INTERFACE;
typedef CK_INTERFACE *CK_INTERFACE_PTR;
typedef CK_INTERFACE_PTR *CK_INTERFACE_PTR_PTR;

/* 3.0's functions */
#define CRYPTOKI_DECLARE_3_0(name, args) \
	typedef CK_RV(*CK_##name) args;  \
	CK_RV name args

CRYPTOKI_DECLARE_3_0(C_GetInterfaceList, (CK_INTERFACE_PTR list, CK_ULONG_PTR count));
CRYPTOKI_DECLARE_3_0(C_GetInterface,
    (CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR ret, CK_FLAGS flags));
CRYPTOKI_DECLARE_3_0(C_LoginUser,
    (CK_SESSION_HANDLE hs, CK_USER_TYPE type, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len,
	CK_UTF8CHAR_PTR name, CK_ULONG name_len));
CRYPTOKI_DECLARE_3_0(C_SessionCancel, (CK_SESSION_HANDLE hs, CK_FLAGS flags));
CRYPTOKI_DECLARE_3_0(C_MessageEncryptInit,
    (CK_SESSION_HANDLE hs, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key));
CRYPTOKI_DECLARE_3_0(C_EncryptMessage,
    (CK_SESSION_HANDLE hs, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad, CK_ULONG aad_len,
	CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len));
CRYPTOKI_DECLARE_3_0(C_EncryptMessageBegin,
    (CK_SESSION_HANDLE hs, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad,
	CK_ULONG aad_len));
CRYPTOKI_DECLARE_3_0(C_EncryptMessageNext,
    (CK_SESSION_HANDLE hs, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,
	CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags));
CRYPTOKI_DECLARE_3_0(C_MessageEncryptFinal, (CK_SESSION_HANDLE hs));
CRYPTOKI_DECLARE_3_0(C_MessageDecryptInit,
    (CK_SESSION_HANDLE hs, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key));
CRYPTOKI_DECLARE_3_0(C_DecryptMessage,
    (CK_SESSION_HANDLE hs, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad, CK_ULONG aad_len,
	CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len));
CRYPTOKI_DECLARE_3_0(C_DecryptMessageBegin,
    (CK_SESSION_HANDLE hs, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad,
	CK_ULONG aad_len));
CRYPTOKI_DECLARE_3_0(C_DecryptMessageNext,
    (CK_SESSION_HANDLE hs, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,
	CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags));
CRYPTOKI_DECLARE_3_0(C_MessageDecryptFinal, (CK_SESSION_HANDLE hs));
CRYPTOKI_DECLARE_3_0(C_MessageSignInit,
    (CK_SESSION_HANDLE hs, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key));
CRYPTOKI_DECLARE_3_0(C_SignMessage,
    (CK_SESSION_HANDLE hs, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,
	CK_BYTE_PTR sig, CK_ULONG_PTR sig_len));
CRYPTOKI_DECLARE_3_0(C_SignMessageBegin,
    (CK_SESSION_HANDLE hs, CK_VOID_PTR param, CK_ULONG param_len));
CRYPTOKI_DECLARE_3_0(C_SignMessageNext,
    (CK_SESSION_HANDLE hs, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,
	CK_BYTE_PTR sig, CK_ULONG_PTR sig_len));
CRYPTOKI_DECLARE_3_0(C_MessageSignFinal, (CK_SESSION_HANDLE hs));
CRYPTOKI_DECLARE_3_0(C_MessageVerifyInit,
    (CK_SESSION_HANDLE hs, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key));
CRYPTOKI_DECLARE_3_0(C_VerifyMessage,
    (CK_SESSION_HANDLE hs, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,
	CK_BYTE_PTR sig, CK_ULONG sig_len));
CRYPTOKI_DECLARE_3_0(C_VerifyMessageBegin,
    (CK_SESSION_HANDLE hs, CK_VOID_PTR param, CK_ULONG param_len));
CRYPTOKI_DECLARE_3_0(C_VerifyMessageNext,
    (CK_SESSION_HANDLE hs, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,
	CK_BYTE_PTR sig, CK_ULONG sig_len));
CRYPTOKI_DECLARE_3_0(C_MessageVerifyFinal, (CK_SESSION_HANDLE hs));

struct ck_function_list_3_0 {
	CK_VERSION version;
#define V2(name) CK_##name name;
#define V3(name) CK_##name name;
#include "pkcs11/functions.def"
#undef V2
#undef V3
};
typedef struct ck_function_list_3_0 CK_FUNCTION_LIST_3_0;

#pragma GCC visibility pop

#endif
