/* SPDX-License-Identifier: Apache-2.0 */
/* C_GenerateRandom and C_SeedRandom: PKCS#11 5.18. */
#include "crypto/crypto.h"
#include "pkcs11/session.h"

CK_RV
C_GenerateRandom(CK_SESSION_HANDLE hs, CK_BYTE_PTR data, CK_ULONG len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK &&
	    ((data == NULL && len != 0) || len > CALL_BYTES_MAX))
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK && len != 0)
		rv = rv_of(crypto_random(data, len));
	return rv_trace(__func__, rv);
}

/* libcrypto seeds itself from the system; NSS and others offer more at start and take a refusal for
 * a fault, so it is accepted and dropped: mixing in what a caller controls would gain nothing. */
CK_RV
C_SeedRandom(CK_SESSION_HANDLE hs, CK_BYTE_PTR seed, CK_ULONG len)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK && seed == NULL && len != 0)
		rv = CKR_ARGUMENTS_BAD;
	return rv_trace(__func__, rv);
}
