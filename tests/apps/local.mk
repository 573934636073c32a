# SPDX-License-Identifier: Apache-2.0
# Tests with real applications, run by make check-apps; one line each: "apps_tests += %D%/NAME.test".

EXTRA_DIST += $(apps_tests)
