/* SPDX-License-Identifier: Apache-2.0 */
/* Key specs by name: the table reads both ways, and no other spelling is taken. */
#define _GNU_SOURCE 1
#include "api/spec.h"

#include "tests/unit/unit.h"

START_TEST(every_name_gives_its_spec_and_every_spec_its_name)
{
	const struct spec_row *rows;
	char name[SPEC_NAME_MAX];
	size_t n = 0;

	rows = spec_rows(&n);
	ck_assert_uint_gt(n, 0);
	for (size_t i = 0; i < n; i++) {
		const struct key_spec *spec = spec_by_name(rows[i].name);

		ck_assert_ptr_eq(spec, &rows[i].spec);
		spec_name(spec, name);
		ck_assert_str_eq(name, rows[i].name);
	}
}
END_TEST

START_TEST(another_spelling_is_no_name)
{
	ck_assert_ptr_null(spec_by_name("rsa_2048"));
	ck_assert_ptr_null(spec_by_name("RSA_2048 "));
	ck_assert_ptr_null(spec_by_name("RSA_204"));
	ck_assert_ptr_null(spec_by_name("RSA-2048"));
	ck_assert_ptr_null(spec_by_name(""));
}
END_TEST

START_TEST(a_size_without_a_row_is_named_by_the_same_pattern)
{
	struct key_spec rsa = { .type = KEY_RSA, .bits = 2560 };
	struct key_spec longest = { .type = KEY_GENERIC, .bits = UINT32_MAX };
	struct key_spec none = { 0 };
	char name[SPEC_NAME_MAX];

	spec_name(&rsa, name);
	ck_assert_str_eq(name, "RSA_2560");
	spec_name(&longest, name);
	ck_assert_str_eq(name, "HMAC_4294967295");
	spec_name(&none, name);
	ck_assert_str_eq(name, "-");
}
END_TEST

int
main(void)
{
	return unit_main(UNIT_SUITE("spec", every_name_gives_its_spec_and_every_spec_its_name,
	    another_spelling_is_no_name, a_size_without_a_row_is_named_by_the_same_pattern));
}
