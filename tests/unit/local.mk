# SPDX-License-Identifier: Apache-2.0
# C tests of tests/unit; one line each: "c_tests += %D%/NAME.t" is built from NAME.c.

EXTRA_DIST += %D%/audit_fixture.h %D%/crypto_keys.h %D%/crypto_uses.h %D%/local_fixture.h \
	%D%/policy_fixture.h %D%/rv.h %D%/store_fixture.h %D%/unit.h

c_tests += %D%/action_test.t
c_tests += %D%/audit_crash_test.t
c_tests += %D%/audit_fold_test.t
c_tests += %D%/audit_json_test.t
c_tests += %D%/audit_read_test.t
c_tests += %D%/audit_tamper_test.t
c_tests += %D%/audit_thread_test.t
c_tests += %D%/audit_write_test.t
c_tests += %D%/buf_test.t
c_tests += %D%/catalog_test.t
c_tests += %D%/codec_test.t
c_tests += %D%/conf_test.t
c_tests += %D%/crash_test.t
c_tests += %D%/crypto_cipher_test.t
c_tests += %D%/crypto_key_test.t
c_tests += %D%/crypto_sign_test.t
c_tests += %D%/crypto_use_test.t
c_tests += %D%/crypto_vectors_test.t
c_tests += %D%/entity_test.t
c_tests += %D%/fork_test.t
c_tests += %D%/key_id_test.t
c_tests += %D%/local_test.t
c_tests += %D%/local_trouble_test.t
c_tests += %D%/log_test.t
c_tests += %D%/match_test.t
c_tests += %D%/mech_test.t
c_tests += %D%/object_test.t
c_tests += %D%/op_test.t
c_tests += %D%/os_test.t
c_tests += %D%/param_test.t
c_tests += %D%/password_test.t
c_tests += %D%/policy_condition_test.t
c_tests += %D%/policy_parse_test.t
c_tests += %D%/policy_test.t
c_tests += %D%/process_test.t
c_tests += %D%/rotate_test.t
c_tests += %D%/rotation_test.t
c_tests += %D%/secret_test.t
c_tests += %D%/soft_test.t
c_tests += %D%/spec_test.t
c_tests += %D%/store_test.t
c_tests += %D%/store_trouble_test.t
