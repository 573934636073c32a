/* SPDX-License-Identifier: Apache-2.0 */
/* The face's results by name, for unit tests of pkcs11/. */
#ifndef KMS_TESTS_UNIT_RV_H
#define KMS_TESTS_UNIT_RV_H

#include "pkcs11/rv.h"
#include "tests/unit/unit.h"

/* EXPR ends with WANTED; prints names, not numbers. */
#define CHECK_RV(expr, wanted)                                                            \
	do {                                                                              \
		CK_RV got_ = (expr), want_ = (wanted);                                    \
		ck_assert_msg(got_ == want_, "%s is %s, wanted %s", #expr, rv_name(got_), \
		    rv_name(want_));                                                      \
	} while (0)

#endif
