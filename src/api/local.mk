# SPDX-License-Identifier: Apache-2.0
# The files of src/api; one line a file or a pair, in the order of the alphabet.

core_sources += %D%/action.c %D%/action.def %D%/action.h
core_sources += %D%/alg.c %D%/alg.h
core_sources += %D%/backend.c %D%/backend.h
core_sources += %D%/caller.h
core_sources += %D%/error.c %D%/error.def %D%/error.h
core_sources += %D%/field.def %D%/fields.c %D%/fields.h
core_sources += %D%/object.c %D%/object.h
core_sources += %D%/spec.c %D%/spec.def %D%/spec.h
core_sources += %D%/use.c %D%/use.h
