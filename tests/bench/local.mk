# SPDX-License-Identifier: Apache-2.0
# Benchmarks; one line each: "bench_programs += %D%/NAME.bench" is built from NAME.c, run by make bench.

