/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA signatures from r || s to DER and back. */
#include "crypto/ecdsa_der.h"

#include "crypto/der.h"

struct slice
ecdsa_to_der(struct slice rs, uint8_t der[ECDSA_DER_MAX])
{
	struct der_out o = der_out_of(der, ECDSA_DER_MAX);
	size_t width = rs.len / 2;

	der_put_number(&o, slice_of(rs.p + width, width));
	der_put_number(&o, slice_of(rs.p, width));
	der_head(&o, DER_SEQUENCE, o.cap);
	return der_written(&o);
}

bool
ecdsa_from_der(struct slice der, size_t width, uint8_t *ret)
{
	struct der outer = der_of(der), d = der_enter(&outer, DER_SEQUENCE);

	memset(ret, 0, 2 * width);
	for (int i = 1; i <= 2; i++) {
		struct slice n = der_number(&d);

		if (d.bad || n.len > width)
			return false;
		if (n.len > 0)
			memcpy(ret + (size_t)i * width - n.len, n.p, n.len);
	}
	return der_done(&d) && der_done(&outer);
}
