# SPDX-License-Identifier: Apache-2.0
# What the C tests share: "test_lib_sources += %D%/x.c %D%/x.h", included as "tests/lib/x.h".

test_lib_sources += %D%/hsm_token.c %D%/hsm_token.h

# A PKCS#11 library to be loaded by tests: an HSM that misbehaves. It is the module of this build in disguise.
check_LTLIBRARIES += %D%/fakehsm.la
%C%_fakehsm_la_SOURCES = %D%/fakehsm.c %D%/fakehsm.h
%C%_fakehsm_la_LDFLAGS = -module -avoid-version -shared -rpath $(abs_top_builddir)/nowhere $(HARDEN_LDFLAGS)
%C%_fakehsm_la_LIBADD = $(SYSTEM_LIBS)
EXTRA_%C%_fakehsm_la_DEPENDENCIES = kms-pkcs11.la
