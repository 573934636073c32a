# SPDX-License-Identifier: Apache-2.0
# Benchmarks; one line each: "bench_programs += %D%/NAME.bench" is built from NAME.c, run by make bench.
# "make bench BENCH_ARGS=--quick" takes less than a minute; --help tells the rest.

bench_sources = %D%/bench.c %D%/bench.h %D%/cases.def %D%/common.c %D%/limit.c %D%/many.c \
	%D%/module.c %D%/side.c %D%/side.h %D%/speed.c %D%/speed.h

bench_programs += %D%/bench.bench
%C%_bench_bench_SOURCES = $(bench_sources)
%C%_bench_bench_LDADD = $(core_libs)

bench_programs += %D%/audit.bench
%C%_audit_bench_SOURCES = %D%/audit_bench.c %D%/bench.h %D%/common.c
%C%_audit_bench_LDADD = libkms-core.la $(core_libs)

bench_programs += %D%/gate.bench
%C%_gate_bench_SOURCES = %D%/gate_bench.c

BENCH_ARGS =
.PHONY: bench
bench: all
	@test -z '$(bench_programs)' || $(MAKE) $(AM_MAKEFLAGS) $(bench_programs)
	@for b in $(bench_programs); do top_builddir=. ./$$b $(BENCH_ARGS) || exit 1; done
