# SPDX-License-Identifier: Apache-2.0
# The files of src/crypto; one line a file or a pair, in the order of the alphabet.

core_sources += %D%/cert.c %D%/cert.h
core_sources += %D%/ckey.h
core_sources += %D%/crypto.h
core_sources += %D%/curve.c
core_sources += %D%/der.c
core_sources += %D%/der.h
core_sources += %D%/ecdsa_der.c %D%/ecdsa_der.h
core_sources += %D%/key.c
core_sources += %D%/key_ec.c
core_sources += %D%/key_id.c
core_sources += %D%/key_rsa.c
core_sources += %D%/keygen.c
core_sources += %D%/lib.c
core_sources += %D%/lib.h
core_sources += %D%/oaep.c
core_sources += %D%/random.c
core_sources += %D%/seal.c
core_sources += %D%/sm2.c %D%/sm2.h
core_sources += %D%/use.c
core_sources += %D%/use_cipher.c
core_sources += %D%/use_digest.c
core_sources += %D%/use_gcm.c
core_sources += %D%/use_mac.c
core_sources += %D%/use_rsa.c
core_sources += %D%/use_sign.c
core_sources += %D%/use_sm2.c
core_sources += %D%/use_sm4_seal.c
core_sources += %D%/use_wrap.c
core_sources += %D%/uses.h
