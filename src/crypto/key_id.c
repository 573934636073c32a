/* SPDX-License-Identifier: Apache-2.0 */
/* The id that a key gets when nobody chose one: the same on its private half, its public half and
 * its certificate. */
#include "crypto/crypto.h"
#include "crypto/der.h"

enum kms_rc
ckey_default_id(const struct ckey *k, uint8_t ret[KEY_ID_LEN])
{
	auto_buf spki = { 0 };
	struct der outer, in;
	struct slice bits;

	if (ckey_secret(k).len > 0)
		return crypto_random(ret, KEY_ID_LEN);
	TRY(ckey_spki(k, &spki));

	/* RFC 5280 4.2.1.2, method (1): SHA-1 of the BIT STRING without tag, length and count of
	 * unused bits. */
	outer = der_of(buf_slice(&spki));
	in = der_enter(&outer, DER_SEQUENCE);
	(void)der_take(&in, DER_SEQUENCE);
	bits = der_bits(&in);
	if (outer.bad || in.bad || !der_done(&in))
		return KMS_INTERNAL;
	return crypto_digest(DIGEST_SHA1, bits, ret);
}
