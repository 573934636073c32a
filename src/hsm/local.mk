# SPDX-License-Identifier: Apache-2.0
# The files of src/hsm; one line a file or a pair, in the order of the alphabet.

core_sources += %D%/hsm.c %D%/hsm.h
core_sources += %D%/p11mod.c %D%/p11mod.h
core_sources += %D%/soft.c
core_sources += %D%/token.c %D%/token.h
core_sources += %D%/token_attr.c
core_sources += %D%/token_block.c
core_sources += %D%/token_cipher.c
core_sources += %D%/token_derive.c
core_sources += %D%/token_import.c
core_sources += %D%/token_key.c
core_sources += %D%/token_kw.c
core_sources += %D%/token_list.c
core_sources += %D%/token_mac.c
core_sources += %D%/token_mech.c
core_sources += %D%/token_pool.c
core_sources += %D%/token_rv.c
core_sources += %D%/token_sign.c
core_sources += %D%/token_use.c %D%/token_use.h
core_sources += %D%/uri.c %D%/uri.h
