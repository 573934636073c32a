# SPDX-License-Identifier: Apache-2.0
# Benchmarks; one line each: "bench_programs += %D%/NAME.bench" is built from NAME.c, run by make bench.

.PHONY: bench
bench: all
	@test -z '$(bench_programs)' || $(MAKE) $(AM_MAKEFLAGS) $(bench_programs)
	@for b in $(bench_programs); do ./$$b || exit 1; done
