# SPDX-License-Identifier: Apache-2.0
# The files of src/crypto; one line a file or a pair, in the order of the alphabet.

core_sources += %D%/crypto.h
core_sources += %D%/key_id.c
