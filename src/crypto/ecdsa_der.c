/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA signatures from r || s to DER and back. */
#include "crypto/ecdsa_der.h"

#include "crypto/der.h"

#define SIGNATURE_MAX 160 /* of P-521: two numbers of 67 bytes, and heads */

enum kms_rc
ecdsa_to_der(struct slice rs, struct buf *ret)
{
	uint8_t mem[SIGNATURE_MAX];
	struct der_out o = der_out_of(mem, sizeof(mem));
	size_t half = rs.len / 2;

	if (half == 0)
		return KMS_INTERNAL;
	der_put_number(&o, slice_of(rs.p + half, half));
	der_put_number(&o, slice_of(rs.p, half));
	der_head(&o, DER_SEQUENCE, o.cap);
	return o.bad ? KMS_INTERNAL : buf_set(ret, der_written(&o));
}

enum kms_rc
ecdsa_from_der(struct slice der, size_t width, struct buf *ret)
{
	struct der outer = der_of(der), in = der_enter(&outer, DER_SEQUENCE);
	struct slice r = der_number(&in), s = der_number(&in);
	uint8_t *p = NULL;

	if (outer.bad || !der_done(&in) || !der_done(&outer) || r.len > width || s.len > width)
		return KMS_BAD_DATA;
	TRY(buf_extend(ret, 2 * width, &p));
	memset(p, 0, 2 * width);
	if (r.len > 0)
		memcpy(p + width - r.len, r.p, r.len);
	if (s.len > 0)
		memcpy(p + 2 * width - s.len, s.p, s.len);
	return KMS_OK;
}
