# SPDX-License-Identifier: Apache-2.0
# The contract suite: the same cases over every backend (softhsm.test runs all with keys in SoftHSMv2), one line each: "c_tests += %D%/NAME.t" is built from NAME.c.

test_lib_sources += %D%/contract.c %D%/contract.h %D%/secrets.h

c_tests += %D%/alias_test.t
c_tests += %D%/asymmetric_test.t
c_tests += %D%/crypt_test.t
c_tests += %D%/import_test.t
c_tests += %D%/key_test.t
c_tests += %D%/made_key_test.t
c_tests += %D%/policy_test.t
c_tests += %D%/secret_object_test.t
c_tests += %D%/secret_permit_test.t
c_tests += %D%/secret_test.t
c_tests += %D%/secret_value_test.t
c_tests += %D%/sm_test.t
c_tests += %D%/state_test.t
c_tests += %D%/tag_test.t
c_tests += %D%/user_test.t
c_tests += %D%/version_test.t

second_tests += %D%/softhsm.test
