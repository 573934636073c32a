# SPDX-License-Identifier: Apache-2.0
# The files of src/hsm; one line a file or a pair, in the order of the alphabet.

core_sources += %D%/hsm.c %D%/hsm.h
core_sources += %D%/soft.c
