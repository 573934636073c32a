# SPDX-License-Identifier: Apache-2.0
# What the C tests share: "test_lib_sources += %D%/x.c %D%/x.h", included as "tests/lib/x.h".

