/* SPDX-License-Identifier: Apache-2.0 */
/* The mechanism table: whatever walks it relies on what is checked here. */
#define _GNU_SOURCE 1
#include "pkcs11/mech.h"

#include "tests/unit/rv.h"

#define FUNCTIONS                                                                        \
	(CKF_ENCRYPT | CKF_DECRYPT | CKF_DIGEST | CKF_SIGN | CKF_VERIFY | CKF_GENERATE | \
	    CKF_GENERATE_KEY_PAIR | CKF_WRAP | CKF_UNWRAP | CKF_DERIVE)

static void
ck_assert_both_or_none(const struct mech *m, CK_FLAGS a, CK_FLAGS b)
{
	ck_assert_msg(((m->flags & a) != 0) == ((m->flags & b) != 0), "%s has half of a pair",
	    m->name);
}

START_TEST(rows_are_sorted_by_type_and_unique)
{
	size_t n, i;
	const struct mech *rows = mech_rows(&n);

	ck_assert_uint_gt(n, 0);
	for (i = 1; i < n; i++)
		ck_assert_msg(rows[i - 1].type < rows[i].type, "%s is not before %s",
		    rows[i - 1].name, rows[i].name);
}
END_TEST

START_TEST(every_row_is_found_by_its_type)
{
	size_t n, i;
	const struct mech *rows = mech_rows(&n);

	for (i = 0; i < n; i++)
		ck_assert_ptr_eq(mech_find(rows[i].type), &rows[i]);
}
END_TEST

START_TEST(a_type_between_or_beyond_the_rows_is_not_found)
{
	ck_assert_ptr_null(mech_find(CKM_RSA_9796));
	ck_assert_ptr_null(mech_find(CKM_DES3_CBC));
	ck_assert_ptr_null(mech_find(CKM_AES_KEY_WRAP_KWP + 1));
	ck_assert_ptr_null(mech_find(CK_UNAVAILABLE_INFORMATION));
}
END_TEST

START_TEST(names_are_the_standards)
{
	size_t n, i;
	const struct mech *rows = mech_rows(&n);

	for (i = 0; i < n; i++)
		ck_assert_int_eq(strncmp(rows[i].name, "CKM_", 4), 0);
	ck_assert_str_eq(mech_find(CKM_SHA256_RSA_PKCS)->name, "CKM_SHA256_RSA_PKCS");
}
END_TEST

START_TEST(every_row_does_something_and_claims_no_hardware)
{
	size_t n, i;
	const struct mech *rows = mech_rows(&n);

	for (i = 0; i < n; i++) {
		ck_assert_msg((rows[i].flags & FUNCTIONS) != 0, "%s does nothing", rows[i].name);
		ck_assert_msg((rows[i].flags & CKF_HW) == 0, "%s claims hardware", rows[i].name);
	}
}
END_TEST

START_TEST(what_is_done_is_undone)
{
	size_t n, i;
	const struct mech *rows = mech_rows(&n);

	for (i = 0; i < n; i++) {
		ck_assert_both_or_none(&rows[i], CKF_ENCRYPT, CKF_DECRYPT);
		ck_assert_both_or_none(&rows[i], CKF_SIGN, CKF_VERIFY);
		ck_assert_both_or_none(&rows[i], CKF_WRAP, CKF_UNWRAP);
	}
}
END_TEST

START_TEST(keys_algorithms_and_digests_fit_the_functions)
{
	size_t n, i;
	const struct mech *rows = mech_rows(&n), *m;

	for (i = 0; i < n; i++) {
		m = &rows[i];
		ck_assert_int_eq(m->key == KEY_NONE, m->flags == CKF_DIGEST);
		ck_assert_int_eq(m->key == KEY_NONE, m->alg == ALG_DIGEST);
		ck_assert_int_eq(m->alg == ALG_NONE,
		    (m->flags & (CKF_GENERATE | CKF_GENERATE_KEY_PAIR)) != 0);
		if (m->alg == ALG_DIGEST || m->alg == ALG_HMAC)
			ck_assert_msg(m->digest != DIGEST_NONE, "%s has no digest", m->name);
		if (m->digest != DIGEST_NONE)
			ck_assert_msg((m->flags & (CKF_ENCRYPT | CKF_WRAP)) == 0, "%s", m->name);
		ck_assert_int_eq(m->param == PARAM_PSS, m->alg == ALG_RSA_PSS);
		ck_assert_uint_le(m->min, m->max);
		ck_assert_int_eq(m->key == KEY_NONE, m->max == 0);
	}
}
END_TEST

START_TEST(elliptic_rows_tell_which_curves_and_points_they_take)
{
	const CK_FLAGS facts = CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;
	size_t n, i;
	const struct mech *rows = mech_rows(&n);

	for (i = 0; i < n; i++)
		ck_assert_uint_eq(rows[i].flags & facts,
		    rows[i].key == KEY_EC || rows[i].key == KEY_EDWARDS ? facts : 0);
}
END_TEST

START_TEST(aes_sizes_are_in_bytes)
{
	const struct mech *m = mech_find(CKM_AES_GCM);

	ck_assert(mech_takes_size(m, &(struct key_spec){ .type = KEY_AES, .bits = 128 }));
	ck_assert(mech_takes_size(m, &(struct key_spec){ .type = KEY_AES, .bits = 256 }));
	ck_assert(!mech_takes_size(m, &(struct key_spec){ .type = KEY_AES, .bits = 64 }));
	ck_assert(!mech_takes_size(m, &(struct key_spec){ .type = KEY_AES, .bits = 512 }));
}
END_TEST

START_TEST(rsa_ec_and_generic_sizes_are_in_bits)
{
	const struct mech *rsa = mech_find(CKM_RSA_PKCS), *ec = mech_find(CKM_ECDSA),
			  *ed = mech_find(CKM_EDDSA), *mac = mech_find(CKM_SHA256_HMAC);

	ck_assert(mech_takes_size(rsa, &(struct key_spec){ .type = KEY_RSA, .bits = 1024 }));
	ck_assert(!mech_takes_size(rsa, &(struct key_spec){ .type = KEY_RSA, .bits = 1023 }));
	ck_assert(!mech_takes_size(rsa, &(struct key_spec){ .type = KEY_RSA, .bits = 8193 }));
	ck_assert(mech_takes_size(ec, &(struct key_spec){ .type = KEY_EC, .bits = 521 }));
	ck_assert(mech_takes_size(ed, &(struct key_spec){ .type = KEY_EDWARDS, .bits = 255 }));
	ck_assert(mech_takes_size(mac, &(struct key_spec){ .type = KEY_GENERIC, .bits = 8 }));
	ck_assert(!mech_takes_size(mac, &(struct key_spec){ .type = KEY_GENERIC, .bits = 0 }));
}
END_TEST

int
main(void)
{
	return unit_main(UNIT_SUITE("mech", rows_are_sorted_by_type_and_unique,
	    every_row_is_found_by_its_type, a_type_between_or_beyond_the_rows_is_not_found,
	    names_are_the_standards, every_row_does_something_and_claims_no_hardware,
	    what_is_done_is_undone, keys_algorithms_and_digests_fit_the_functions,
	    elliptic_rows_tell_which_curves_and_points_they_take, aes_sizes_are_in_bytes,
	    rsa_ec_and_generic_sizes_are_in_bits));
}
