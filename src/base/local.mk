# SPDX-License-Identifier: Apache-2.0
# The files of src/base; one line a file or a pair, in the order of the alphabet.

core_sources += %D%/buf.c %D%/buf.h
core_sources += %D%/codec.c %D%/codec.h
core_sources += %D%/conf.c %D%/conf.h
core_sources += %D%/conf_keys.c %D%/conf_keys.h
core_sources += %D%/conf_parse.c
core_sources += %D%/conf_path.c %D%/conf_path.h
core_sources += %D%/fork.c %D%/fork.h
core_sources += %D%/log.c %D%/log.h
core_sources += %D%/os.c %D%/os.h
core_sources += %D%/process.c %D%/process.h
core_sources += %D%/process_check.c
core_sources += %D%/process_mark.c
core_sources += %D%/rc.c %D%/rc.h
core_sources += %D%/rc.def
core_sources += %D%/secret.c %D%/secret.h
