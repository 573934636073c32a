# SPDX-License-Identifier: Apache-2.0
# The tests. Each kind has a folder with a local.mk of its own; what they share is here.

include tests/lib/local.mk
include tests/unit/local.mk
include tests/contract/local.mk
include tests/p11/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
include tests/lint/local.mk
include tests/apps/local.mk

EXTRA_DIST += $(second_tests) %D%/count %D%/tsan.supp $(wildcard $(srcdir)/%D%/vectors)

# tests/unit/buf.t is built from tests/unit/buf.c and linked with everything that is ours, so one
# line in a local.mk is enough. Programs that need more say so with their own _SOURCES or _LDADD.
libkms_test_la_SOURCES = $(test_lib_sources)
libkms_test_la_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_LTLIBRARIES += libkms-test.la
LDADD = libkms-test.la libkms-face.la libkms-core.la $(test_main) $(CHECK_LIBS) $(core_libs)

if HAVE_CHECK
run_c_tests = $(c_tests)
run_second_tests = $(second_tests)
endif
if FUZZING
noinst_PROGRAMS = $(fuzz_targets)
else
check_PROGRAMS = $(run_c_tests) $(fuzz_targets)
TESTS = $(run_c_tests) $(run_second_tests) $(fuzz_targets) $(lint_tests)
endif
EXTRA_PROGRAMS = $(bench_programs)
CLEANFILES += $(bench_programs)

# --- how a test is run --------------------------------------------------------------------

TEST_EXTENSIONS = .t .fuzz .test
TEST_SECONDS = 300
T_LOG_COMPILER = $(TEST_LAUNCHER) timeout -k 10 $(TEST_SECONDS)
FUZZ_LOG_COMPILER = $(T_LOG_COMPILER)
TEST_LOG_COMPILER = timeout -k 10 600

# No test may see the settings of the person who runs it. A forked child has none of the threads that
# TSan remembers from its parent, so it is not asked about threads that nobody joined.
AM_TESTS_ENVIRONMENT = \
	unset KMS_PKCS11_CONF KMS_PKCS11_STORE KMS_PIN; \
	XDG_CONFIG_HOME='$(abs_top_builddir)/tests/nowhere'; export XDG_CONFIG_HOME; \
	XDG_DATA_HOME='$(abs_top_builddir)/tests/nowhere'; export XDG_DATA_HOME; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	: "$${CK_DEFAULT_TIMEOUT:=60}"; export CK_DEFAULT_TIMEOUT; \
	ASAN_OPTIONS="detect_stack_use_after_return=1:$$ASAN_OPTIONS"; export ASAN_OPTIONS; \
	UBSAN_OPTIONS="print_stacktrace=1:$$UBSAN_OPTIONS"; export UBSAN_OPTIONS; \
	TSAN_OPTIONS="report_thread_leaks=0:suppressions=$(abs_top_srcdir)/tests/tsan.supp:$$TSAN_OPTIONS"; export TSAN_OPTIONS;

# --- builds with other compiler options ---------------------------------------------------

# variant NAME, CONFIGURE ARGUMENTS - leaves the shell in build-NAME, configured. A second build needs
# a source folder that is not configured itself, so it gets a copy of what a release would hold; only
# what has changed since the last time is copied and compiled again.
variant = set -e; $(MKDIR_P) build-$(1)/src; \
	$(MAKE) $(AM_MAKEFLAGS) distdir distdir=build-$(1)/dist >build-$(1)/dist.log 2>&1 || \
	    { cat build-$(1)/dist.log; exit 1; }; \
	cp -au build-$(1)/dist/. build-$(1)/src/; rm -rf build-$(1)/dist; cd build-$(1); \
	test -f Makefile || src/configure -q $(2)

# The lints say nothing new about such a build.
variant_check = $(MAKE) $(AM_MAKEFLAGS) check TESTS='$(run_c_tests) $(fuzz_targets)'

.PHONY: asan tsan fuzz coverage
asan:
	@$(call variant,asan,--enable-sanitizers CFLAGS='-O1 -g'); $(variant_check)

tsan:
	@$(call variant,tsan,--enable-sanitizers=thread CFLAGS='-O1 -g'); $(variant_check)

FUZZ_SECONDS = 30
fuzz:
	@$(call variant,fuzz,--enable-fuzzing CC=clang CFLAGS='-O1 -g'); \
	$(MAKE) $(AM_MAKEFLAGS) libkms-test.la $(fuzz_targets) && \
	'$(abs_top_srcdir)'/tests/fuzz/run $(FUZZ_SECONDS) '$(abs_top_srcdir)/tests/fuzz/corpus' $(fuzz_targets)

coverage:
	@$(call variant,coverage,--enable-coverage); \
	find . -name '*.gcda' -delete; \
	$(variant_check) && \
	lcov --quiet --capture --directory . --output-file all.info && \
	lcov --quiet --extract all.info '*/src/src/*' '*/src/pkcs11/*' --output-file coverage.info && \
	genhtml --quiet --output-directory html coverage.info && \
	lcov --summary coverage.info && echo 'see build-coverage/html/index.html'

clean-local:
	rm -rf build-asan build-tsan build-fuzz build-coverage
