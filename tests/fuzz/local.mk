# SPDX-License-Identifier: Apache-2.0
# Fuzz targets; one line each: "fuzz_targets += %D%/NAME.fuzz" is built from NAME.c, which has
# LLVMFuzzerTestOneInput; its corpus is the folder corpus/NAME. "make fuzz" runs them with libFuzzer;
# "make check" builds them too and replays the corpus.

