/* SPDX-License-Identifier: Apache-2.0 */
/* Chapters 5.13 and 5.15: signatures and MACs, made and verified. */
#include "pkcs11/session.h"

CK_RV
C_SignInit(CK_SESSION_HANDLE hs, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_init(s, USE_SIGN, mechanism, key);
	return rv_trace(__func__, rv);
}

CK_RV
C_Sign(CK_SESSION_HANDLE hs, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *sig, CK_ULONG *sig_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_once(s, USE_SIGN, in, in_len, sig, sig_len);
	return rv_trace(__func__, rv);
}

CK_RV
C_SignUpdate(CK_SESSION_HANDLE hs, CK_BYTE *in, CK_ULONG in_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_update(s, USE_SIGN, in, in_len, NULL, NULL);
	return rv_trace(__func__, rv);
}

CK_RV
C_SignFinal(CK_SESSION_HANDLE hs, CK_BYTE *sig, CK_ULONG *sig_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_final(s, USE_SIGN, sig, sig_len);
	return rv_trace(__func__, rv);
}

CK_RV
C_VerifyInit(CK_SESSION_HANDLE hs, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_init(s, USE_VERIFY, mechanism, key);
	return rv_trace(__func__, rv);
}

CK_RV
C_Verify(CK_SESSION_HANDLE hs, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *sig, CK_ULONG sig_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_check(s, in, in_len, sig, sig_len);
	return rv_trace(__func__, rv);
}

CK_RV
C_VerifyUpdate(CK_SESSION_HANDLE hs, CK_BYTE *in, CK_ULONG in_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_update(s, USE_VERIFY, in, in_len, NULL, NULL);
	return rv_trace(__func__, rv);
}

CK_RV
C_VerifyFinal(CK_SESSION_HANDLE hs, CK_BYTE *sig, CK_ULONG sig_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_check_final(s, sig, sig_len);
	return rv_trace(__func__, rv);
}
