/* SPDX-License-Identifier: Apache-2.0 */
/* Chapters 5.8 and 5.10: encryption and decryption. */
#include "pkcs11/session.h"

CK_RV
C_EncryptInit(CK_SESSION_HANDLE hs, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_init(s, USE_ENCRYPT, mechanism, key);
	return rv_trace(__func__, rv);
}

CK_RV
C_Encrypt(CK_SESSION_HANDLE hs, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out, CK_ULONG *out_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_once(s, USE_ENCRYPT, in, in_len, out, out_len);
	return rv_trace(__func__, rv);
}

CK_RV
C_EncryptUpdate(CK_SESSION_HANDLE hs, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out, CK_ULONG *out_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_update(s, USE_ENCRYPT, in, in_len, out, out_len);
	return rv_trace(__func__, rv);
}

CK_RV
C_EncryptFinal(CK_SESSION_HANDLE hs, CK_BYTE *out, CK_ULONG *out_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_final(s, USE_ENCRYPT, out, out_len);
	return rv_trace(__func__, rv);
}

CK_RV
C_DecryptInit(CK_SESSION_HANDLE hs, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_init(s, USE_DECRYPT, mechanism, key);
	return rv_trace(__func__, rv);
}

CK_RV
C_Decrypt(CK_SESSION_HANDLE hs, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out, CK_ULONG *out_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_once(s, USE_DECRYPT, in, in_len, out, out_len);
	return rv_trace(__func__, rv);
}

CK_RV
C_DecryptUpdate(CK_SESSION_HANDLE hs, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out, CK_ULONG *out_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_update(s, USE_DECRYPT, in, in_len, out, out_len);
	return rv_trace(__func__, rv);
}

CK_RV
C_DecryptFinal(CK_SESSION_HANDLE hs, CK_BYTE *out, CK_ULONG *out_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_final(s, USE_DECRYPT, out, out_len);
	return rv_trace(__func__, rv);
}
