# SPDX-License-Identifier: Apache-2.0
# Man pages and what else people read.

man_pages += %D%/kmsctl.1 %D%/kms-pkcs11.conf.5 %D%/kms-pkcs11.7
dist_man_MANS = $(man_pages)
