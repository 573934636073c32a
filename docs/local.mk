# SPDX-License-Identifier: Apache-2.0
# Man pages and what else people read.

man_pages += %D%/kmsctl.1 %D%/kms-pkcs11.conf.5 %D%/kms-pkcs11.7
dist_man_MANS = $(man_pages)

# Prose comes as it is written; only man pages are listed by name, because they are installed.
EXTRA_DIST += $(wildcard $(srcdir)/%D%/*.md $(srcdir)/%D%/guides)
