# SPDX-License-Identifier: Apache-2.0
# The face: PKCS#11 in, KMS out. One line a file or a pair, in the order of the alphabet.

include_HEADERS = %D%/kms-pkcs11.h

