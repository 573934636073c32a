# SPDX-License-Identifier: Apache-2.0
# Tests with real applications, run by make check-apps; one line each: "apps_tests += %D%/NAME.test".
# Each prints lines "ok - sentence", "not ok - sentence" or "skip - sentence".

apps_tests += %D%/audit.test
apps_tests += %D%/backup.test
apps_tests += %D%/control.test
apps_tests += %D%/guides.test
apps_tests += %D%/kms.test
apps_tests += %D%/kmsctl.test
apps_tests += %D%/policies.test
apps_tests += %D%/secrets.test
apps_tests += %D%/pkcs11-tool.test
apps_tests += %D%/openssl-engine.test
apps_tests += %D%/nginx.test
apps_tests += %D%/openssh.test
apps_tests += %D%/p11-kit.test
apps_tests += %D%/hsm-softhsm.test
apps_tests += %D%/hsm-nss.test
EXTRA_DIST += $(apps_tests) %D%/lib.sh %D%/ctl.sh

# Not part of make check, and so not of make distcheck: these need servers, ports and time.
.PHONY: check-apps
check-apps: all
	@result=0; \
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(apps_tests)' TEST_SUITE_LOG=apps-suite.log || result=1; \
	for t in $(apps_tests); do \
		echo "$$t"; sed -n '/^\(not \)\{0,1\}ok - /p; /^skip - /p' "$${t%.test}.log"; \
	done; exit $$result
