/* SPDX-License-Identifier: Apache-2.0 */
/* Vendor-defined constants of kms-pkcs11, for applications that want facts PKCS#11 has no name for.
 */
#ifndef KMS_PKCS11_H
#define KMS_PKCS11_H

#endif
