/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vendor-defined constants of kms-pkcs11, for applications that want what PKCS#11 has no name for.
 * To be included after a PKCS#11 header. The numbers are permanent: they are never given another
 * meaning.
 */
#ifndef KMS_PKCS11_H
#define KMS_PKCS11_H

/* CKK_VENDOR_DEFINED and CKM_VENDOR_DEFINED, and "KM". */
#define CK_KMS_VENDOR (0x80000000UL | 0x4b4d0000UL)

/*
 * SM2 (GB/T 32918), keys: CKA_EC_PARAMS (the curve's OID 1.2.156.10197.1.301; may be left out),
 * CKA_EC_POINT and CKA_VALUE as those of CKK_EC. SM4 (GB/T 32907), secret keys of 16 bytes:
 * CKA_VALUE and CKA_VALUE_LEN as those of CKK_AES.
 */
#define CKK_KMS_SM2 (CK_KMS_VENDOR + 0x001UL)
#define CKK_KMS_SM4 (CK_KMS_VENDOR + 0x002UL)

/* SM3 (GB/T 32905). HMAC keys are CKK_GENERIC_SECRET; GENERAL takes CK_MAC_GENERAL_PARAMS. */
#define CKM_KMS_SM3		 (CK_KMS_VENDOR + 0x100UL)
#define CKM_KMS_SM3_HMAC	 (CK_KMS_VENDOR + 0x101UL)
#define CKM_KMS_SM3_HMAC_GENERAL (CK_KMS_VENDOR + 0x102UL)

/*
 * Signatures are r and s side by side, 32 bytes each. SM2DSA signs the 32 bytes of SM3(Z ||
 * message); SM2DSA_SM3 the message: its parameter is the signer's id, or none for
 * "1234567812345678". SM2PKE gives the DER of GM/T 0009: SEQUENCE { x, y, hash, cipher text }.
 */
#define CKM_KMS_SM2_KEY_PAIR_GEN (CK_KMS_VENDOR + 0x110UL)
#define CKM_KMS_SM2DSA		 (CK_KMS_VENDOR + 0x111UL)
#define CKM_KMS_SM2DSA_SM3	 (CK_KMS_VENDOR + 0x112UL)
#define CKM_KMS_SM2PKE		 (CK_KMS_VENDOR + 0x113UL)

/* Parameters as those of CKM_AES_ECB, CKM_AES_CBC, CKM_AES_CBC_PAD and CKM_AES_CTR. */
#define CKM_KMS_SM4_KEY_GEN (CK_KMS_VENDOR + 0x120UL)
#define CKM_KMS_SM4_ECB	    (CK_KMS_VENDOR + 0x121UL)
#define CKM_KMS_SM4_CBC	    (CK_KMS_VENDOR + 0x122UL)
#define CKM_KMS_SM4_CBC_PAD (CK_KMS_VENDOR + 0x123UL)
#define CKM_KMS_SM4_CTR	    (CK_KMS_VENDOR + 0x124UL)

/*
 * Direct encryption by the KMS: C_Encrypt takes at most 6144 bytes in one piece, and gives the
 * cipher text blob of the KMS's Encrypt, which names its key and version; C_Decrypt opens it,
 * whichever version of the key made it, and so does kmsctl decrypt. C_WrapKey and C_UnwrapKey
 * envelope a key. The key is an AES key of the token. The parameter is the encryption context: the
 * bytes of a JSON object that maps strings to strings, {"purpose":"backup"}, at most 8192 of them;
 * or NULL and 0.
 */
#define CKM_KMS_ENCRYPT (CK_KMS_VENDOR + 0x5301UL)
#define KMS_ENCRYPT_MAX 6144

/*
 * What the KMS tells of a key of the token, as text without a final NUL; read-only. The version is
 * told of private and secret keys; the alias is the oldest one, or empty; the state is the KMS's
 * word, such as Enabled. CKR_ATTRIBUTE_TYPE_INVALID: the key is none of the KMS's.
 * CKR_ATTRIBUTE_SENSITIVE: nobody is logged in.
 */
#define CKA_KMS_KEY_ID	       (CKA_VENDOR_DEFINED | 0x4b4d5301UL)
#define CKA_KMS_KEY_VERSION_ID (CKA_VENDOR_DEFINED | 0x4b4d5302UL)
#define CKA_KMS_KEY_ALIAS      (CKA_VENDOR_DEFINED | 0x4b4d5303UL)
#define CKA_KMS_KEY_STATE      (CKA_VENDOR_DEFINED | 0x4b4d5304UL)
#define CKA_KMS_KEY_ARN	       (CKA_VENDOR_DEFINED | 0x4b4d5305UL)

/*
 * CKA_APPLICATION of data objects that are secrets of the KMS: of those that it has, whoever made
 * them, and of a private token object that is to become one. The label is the secret's name, and
 * the value is the one at ACSCurrent when it is read.
 */
#define KMS_SECRET_APPLICATION "kms-secret"

#endif
