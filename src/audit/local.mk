# SPDX-License-Identifier: Apache-2.0
# The files of src/audit; one line a file or a pair, in the order of the alphabet.

core_sources += %D%/audit.h
core_sources += %D%/commit.c
core_sources += %D%/core.h
core_sources += %D%/event.c %D%/event.h
core_sources += %D%/export.c
core_sources += %D%/facts.c %D%/facts.h
core_sources += %D%/files.c %D%/files.h
core_sources += %D%/fold.c
core_sources += %D%/jin.c %D%/jin.h
core_sources += %D%/jout.c %D%/jout.h
core_sources += %D%/lane.c
core_sources += %D%/line.c %D%/line.h
core_sources += %D%/log.c
core_sources += %D%/problems.def
core_sources += %D%/read.c %D%/read.h
core_sources += %D%/register.c %D%/register.h
core_sources += %D%/sign.c %D%/sign.h
core_sources += %D%/stamp.c
core_sources += %D%/tail.c
core_sources += %D%/tend.c
core_sources += %D%/verify.c %D%/verify.h
core_sources += %D%/verify_chain.c
core_sources += %D%/verify_key.c
core_sources += %D%/verify_lane.c
core_sources += %D%/verify_register.c
