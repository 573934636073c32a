# SPDX-License-Identifier: Apache-2.0
# The files of src/kms; one line a file or a pair, in the order of the alphabet.

core_sources += %D%/act.c %D%/act.h
core_sources += %D%/act_alias.c
core_sources += %D%/act_asymmetric.c
core_sources += %D%/act_crypt.c
core_sources += %D%/act_import.c
core_sources += %D%/act_key.c
core_sources += %D%/act_tag.c
core_sources += %D%/act_version.c
core_sources += %D%/blob.c %D%/blob.h
core_sources += %D%/changes.c %D%/changes.h
core_sources += %D%/chapters.h
core_sources += %D%/core.h
core_sources += %D%/entity.c %D%/entity.h
core_sources += %D%/envelope.c %D%/envelope.h
core_sources += %D%/gate.c
core_sources += %D%/handlers.def
core_sources += %D%/interval.c %D%/interval.h
core_sources += %D%/json.c %D%/json.h
core_sources += %D%/keys.c
core_sources += %D%/local.c %D%/local.h
core_sources += %D%/master_key.c %D%/master_key.h
core_sources += %D%/master_spec.c %D%/master_spec.def %D%/master_spec.h
core_sources += %D%/match.c %D%/match.h
core_sources += %D%/objects.c
core_sources += %D%/pin.c
core_sources += %D%/rights.c
core_sources += %D%/seal.c
core_sources += %D%/state.c %D%/state.def %D%/state.h
core_sources += %D%/tag.c %D%/tag.h
core_sources += %D%/tick.c %D%/tick.h
core_sources += %D%/token.c
core_sources += %D%/version.c %D%/version.h
core_sources += %D%/version_use.c %D%/version_use.h
