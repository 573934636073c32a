/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a certificate, and as the DER that keys are kept in. A certificate is the whole of
 * its bytes, and has all of its facts or none; what our strict reader takes, the writer writes the
 * same. The first byte says what the rest is meant to be.
 */
#define _GNU_SOURCE 1
#include "crypto/cert.h"
#include "crypto/crypto.h"
#include "crypto/der.h"
#include "tests/fuzz/fuzz.h"

#define DEPTH_MAX 16
#define ROOM	  (1u << 15)

/* -- certificates ------------------------------------------------------------------------------ */

static bool
is_one(struct slice s, uint8_t tag)
{
	struct der d = der_of(s);

	(void)der_take(&d, tag);
	return der_done(&d);
}

static bool
is_cert(struct slice s)
{
	auto_cert_facts f = { 0 };

	return cert_parse(s, &f) == KMS_OK;
}

/* Neither less than a certificate nor more than one is one. */
static void
check_whole(struct slice s)
{
	uint8_t *more = malloc(s.len + 1);

	MUST(more != NULL);
	memcpy(more, s.p, s.len);
	more[s.len] = 0;
	MUST(!is_cert(slice_of(more, s.len + 1)));
	MUST(!is_cert(slice_of(more, s.len - 1)));
	free(more);
}

static void
as_cert(struct slice s)
{
	auto_cert_facts f = { 0 };
	auto_ckey *k = NULL;
	auto_buf spki = { 0 };
	uint8_t id[KEY_ID_LEN];
	enum kms_rc rc = cert_parse(s, &f);

	MUST(rc == KMS_OK || rc == KMS_BAD_DATA);
	if (rc != KMS_OK) {
		MUST(f.subject.p == NULL && f.issuer.p == NULL && f.serial.p == NULL &&
		    f.spki.p == NULL);
		return;
	}
	check_whole(s);
	MUST(f.subject.len >= 2 && f.issuer.len >= 2 && f.spki.len >= 2);
	MUST(is_one(buf_slice(&f.serial), DER_INTEGER));
	if (ckey_from_spki(buf_slice(&f.spki), &k) != KMS_OK)
		return;
	MUST(ckey_default_id(k, id) == KMS_OK && ckey_spki(k, &spki) == KMS_OK);
	MUST(!ckey_is_private(k));
}

/* -- DER --------------------------------------------------------------------------------------- */

/* What was read as the next element of D is what WRITTEN is. */
static void
check_same(struct slice before, const struct der *after, const struct der_out *written)
{
	struct slice read = slice_of(before.p, before.len - after->rest.len);

	MUST(!written->bad && slice_eq(read, der_written(written)));
}

/* As a number and as bits, where it is such. */
static void
check_typed(struct slice s, uint8_t *room)
{
	struct der n = der_of(s), b = der_of(s);
	struct der_out o = der_out_of(room, ROOM);
	struct slice v = der_number(&n);

	if (!n.bad) {
		MUST(v.len == 0 || v.p[0] != 0);
		der_put_number(&o, v);
		check_same(s, &n, &o);
	} else {
		MUST(v.len == 0 && n.rest.len == 0);
	}
	v = der_bits(&b);
	if (!b.bad) {
		uint8_t *unused;
		size_t end;

		o = der_out_of(room, ROOM);
		end = o.at;
		der_raw(&o, v);
		MUST((unused = der_room(&o, 1)) != NULL);
		*unused = 0;
		der_head(&o, DER_BITS, end);
		check_same(s, &b, &o);
	}
}

/* All elements of S, and what is in them. */
static void
as_der(struct slice s, unsigned depth, uint8_t *room)
{
	struct der d = der_of(s);

	while (d.rest.len > 0 && !d.bad) {
		struct slice before = d.rest, contents;
		uint8_t tag = before.p[0];
		struct der_out o = der_out_of(room, ROOM);

		MUST(der_next_is(&d, tag) && !der_next_is(&d, tag ^ 1));
		check_typed(before, room);
		contents = der_take(&d, tag);
		if (d.bad)
			break;
		der_put(&o, tag, contents);
		check_same(before, &d, &o);
		if ((tag & 0x20) != 0 && depth < DEPTH_MAX)
			as_der(contents, depth + 1, room);
	}
	MUST(!d.bad || d.rest.len == 0);
	MUST(der_done(&d) == !d.bad);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[ROOM];
	struct slice s;

	if (size == 0 || size >= ROOM / 2)
		return 0;
	s = slice_of(data + 1, size - 1);
	if (data[0] % 2 == 0)
		as_cert(s);
	else
		as_der(s, 0, room);
	return 0;
}
