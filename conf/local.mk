# SPDX-License-Identifier: Apache-2.0
# Files that tell other programs where we are, and the configuration examples that the tests load.

EXTRA_DIST += %D%/openssl-engine.cnf.in %D%/kms-pkcs11.module.in %D%/kms-pkcs11.pc.in $(wildcard $(srcdir)/%D%/*.c*nf)
CLEANFILES += %D%/kms-pkcs11.module %D%/kms-pkcs11.pc

p11kitmodules_DATA = %D%/kms-pkcs11.module
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = %D%/kms-pkcs11.pc

%D%/kms-pkcs11.module: %D%/kms-pkcs11.module.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(subst) '$(srcdir)/$@.in' >$@.tmp && mv $@.tmp $@
%D%/kms-pkcs11.pc: %D%/kms-pkcs11.pc.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(subst) '$(srcdir)/$@.in' >$@.tmp && mv $@.tmp $@
