# SPDX-License-Identifier: Apache-2.0
# The files of src/base; one line a file or a pair, in the order of the alphabet.

core_sources += %D%/buf.h
core_sources += %D%/codec.h
core_sources += %D%/conf.h
core_sources += %D%/log.h
core_sources += %D%/os.h
core_sources += %D%/rc.def
core_sources += %D%/rc.h
core_sources += %D%/secret.h
