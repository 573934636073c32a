# SPDX-License-Identifier: Apache-2.0
# The files of src/kms; one line a file or a pair, in the order of the alphabet.

core_sources += %D%/core.h
core_sources += %D%/gate.c
core_sources += %D%/keys.c
core_sources += %D%/local.c %D%/local.h
core_sources += %D%/objects.c
core_sources += %D%/pin.c
core_sources += %D%/rights.c
core_sources += %D%/seal.c
core_sources += %D%/token.c
