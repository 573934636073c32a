# SPDX-License-Identifier: Apache-2.0
# C tests of tests/unit; one line each: "c_tests += %D%/NAME.t" is built from NAME.c.

