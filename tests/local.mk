# SPDX-License-Identifier: Apache-2.0
# The tests. Each kind has a folder with a local.mk of its own; what they share is here.

include tests/lib/local.mk
include tests/unit/local.mk
include tests/p11/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
include tests/lint/local.mk
include tests/apps/local.mk

EXTRA_DIST += %D%/count

# tests/unit/buf.t is built from tests/unit/buf.c and linked with everything that is ours, so one
# line in a local.mk is enough. Programs that need more say so with their own _SOURCES or _LDADD.
libkms_test_la_SOURCES = $(test_lib_sources)
libkms_test_la_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_LTLIBRARIES += libkms-test.la
LDADD = libkms-test.la libkms-face.la libkms-core.la $(CHECK_LIBS) $(core_libs)

if HAVE_CHECK
run_c_tests = $(c_tests)
endif
if FUZZING
noinst_PROGRAMS = $(fuzz_targets)
else
check_PROGRAMS = $(run_c_tests) $(fuzz_targets)
TESTS = $(run_c_tests) $(fuzz_targets) $(lint_tests)
endif
EXTRA_PROGRAMS = $(bench_programs)
