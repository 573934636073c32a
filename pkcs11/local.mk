# SPDX-License-Identifier: Apache-2.0
# The face: PKCS#11 in, KMS out. One line a file or a pair, in the order of the alphabet.

include_HEADERS = %D%/kms-pkcs11.h

face_sources += %D%/attr.c %D%/attr.h
face_sources += %D%/backend_choice.c %D%/backend_choice.h
face_sources += %D%/catalog.c %D%/catalog.h
face_sources += %D%/copy.c
face_sources += %D%/crypt.c
face_sources += %D%/cryptoki.h
face_sources += %D%/derive.c
face_sources += %D%/digest.c
face_sources += %D%/entry.c %D%/entry.h
face_sources += %D%/fam_ec.c
face_sources += %D%/fam_rsa.c
face_sources += %D%/fam_secret.c
face_sources += %D%/families.h
face_sources += %D%/family.c %D%/family.h
face_sources += %D%/find.c
face_sources += %D%/functions.def
face_sources += %D%/interface.c
face_sources += %D%/keys.c %D%/keys.h
face_sources += %D%/kms_fact.c %D%/kms_fact.h
face_sources += %D%/kms_secret.c %D%/kms_secret.h
face_sources += %D%/kms_use.c %D%/kms_use.h
face_sources += %D%/lib.c %D%/lib.h
face_sources += %D%/login.c
face_sources += %D%/mech.c %D%/mech.h
face_sources += %D%/mech.def
face_sources += %D%/memory.h
face_sources += %D%/object.c %D%/object.h
face_sources += %D%/op.c %D%/op.h
face_sources += %D%/param.c %D%/param.h
face_sources += %D%/random.c
face_sources += %D%/rules.def
face_sources += %D%/rules.h
face_sources += %D%/rv.c %D%/rv.h
face_sources += %D%/schema.c %D%/schema.h
face_sources += %D%/session.c %D%/session.h
face_sources += %D%/show.c
face_sources += %D%/sign.c
face_sources += %D%/slot.c %D%/slot.h
face_sources += %D%/unsupported.c
face_sources += %D%/wrap.c
