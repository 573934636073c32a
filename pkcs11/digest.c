/* SPDX-License-Identifier: Apache-2.0 */
/* Chapter 5.12: message digests. */
#include "pkcs11/session.h"

CK_RV
C_DigestInit(CK_SESSION_HANDLE hs, CK_MECHANISM *mechanism)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_init(s, USE_DIGEST, mechanism, 0);
	return rv_trace(__func__, rv);
}

CK_RV
C_Digest(CK_SESSION_HANDLE hs, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out, CK_ULONG *out_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_once(s, USE_DIGEST, in, in_len, out, out_len);
	return rv_trace(__func__, rv);
}

CK_RV
C_DigestUpdate(CK_SESSION_HANDLE hs, CK_BYTE *in, CK_ULONG in_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_update(s, USE_DIGEST, in, in_len, NULL, NULL);
	return rv_trace(__func__, rv);
}

CK_RV
C_DigestFinal(CK_SESSION_HANDLE hs, CK_BYTE *out, CK_ULONG *out_len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = op_final(s, USE_DIGEST, out, out_len);
	return rv_trace(__func__, rv);
}
