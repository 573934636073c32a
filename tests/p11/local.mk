# SPDX-License-Identifier: Apache-2.0
# C tests of tests/p11; one line each: "c_tests += %D%/NAME.t" is built from NAME.c.

