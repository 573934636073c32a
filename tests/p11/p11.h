/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the black-box tests of a PKCS#11 module share: the module under test, a token made for each
 * test, and short ways to say templates, keys and expectations. The module is ours, linked in; or,
 * with KMS_MODULE set, that shared object.
 */
#ifndef KMS_TESTS_P11_P11_H
#define KMS_TESTS_P11_P11_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/cryptoki.h"

/* The module: the 2.40 list always, the 3.0 list when it has one. Set by every fixture. */
extern CK_FUNCTION_LIST *p11;
extern CK_FUNCTION_LIST_3_0 *p11v3;
extern CK_RV (*p11_get_interface)(CK_UTF8CHAR_PTR, CK_VERSION_PTR, CK_INTERFACE_PTR_PTR, CK_FLAGS);
extern CK_RV (*p11_get_interface_list)(CK_INTERFACE_PTR, CK_ULONG_PTR);

/* The token of the running test, and the session that p11_setup_public and p11_setup_user open
 * (read/write). */
extern CK_SLOT_ID p11_slot;
extern CK_SESSION_HANDLE hs;
extern char p11_dir[];	/* the test's own folder; its store and configuration are in it */
extern char p11_conf[]; /* the configuration file in it */

#define SO_PIN	 "so-pin-567"
#define USER_PIN "user-1234"
#define TRIES	 4 /* wrong PINs in a row that lock, as the tests configure it */

/* "CKR_OK"; numbers without a name as 0x... */
const char *p11_name(CK_RV rv);

#define CHECK_RV(expr, want)                                                                     \
	do {                                                                                     \
		CK_RV rv_ = (expr);                                                              \
		ck_assert_msg(rv_ == (CK_RV)(want), "%s: %s, expected %s", #expr, p11_name(rv_), \
		    p11_name(want));                                                             \
	} while (0)
#define CHECK_OK(expr) CHECK_RV(expr, CKR_OK)
/* One of several: where the standard leaves the choice. */
#define CHECK_IN(expr, ...)                                                            \
	do {                                                                           \
		CK_RV rv_ = (expr);                                                    \
		const CK_RV set_[] = { __VA_ARGS__ };                                  \
		bool in_ = false;                                                      \
		for (size_t i_ = 0; i_ < sizeof(set_) / sizeof(*set_); i_++)           \
			in_ = in_ || set_[i_] == rv_;                                  \
		ck_assert_msg(in_, "%s: %s, expected one of %s", #expr, p11_name(rv_), \
		    #__VA_ARGS__);                                                     \
	} while (0)

#define BYTES(s) (CK_BYTE *)(s), (CK_ULONG)(sizeof(s) - 1)
#define N(a)	 (sizeof(a) / sizeof(*(a)))

/* -- fixtures ------------------------------------------------------------------------------ */

/* A fresh folder, an initialised token with both PINs in it, the module not yet initialised. */
void p11_setup_dir(void);
void p11_setup(void);	     /* ... and C_Initialize done */
void p11_setup_public(void); /* ... and hs open */
void p11_setup_user(void);   /* ... and the user logged in */
void p11_setup_blank(void);  /* initialised module, but a token nobody has initialised */
void p11_teardown(void);

/* Runs the suite made by MAKE, after making the token that the fixtures copy. Returns main's value.
 */
int p11_main(Suite *suite);

/* Loads the module and finds its functions; for programs without a fixture. */
void p11_load(void);
/* C_Initialize with OS locking, and p11_slot set to the first token. */
CK_RV p11_init(void);
/* An environment for another process: points the module at the folder DIR. */
void p11_use_dir(const char *dir);

CK_SESSION_HANDLE p11_open(bool rw);
void p11_login(CK_USER_TYPE who);
CK_RV p11_try_login(CK_SESSION_HANDLE s, CK_USER_TYPE who, const char *pin);
bool p11_has(CK_MECHANISM_TYPE mech, CK_FLAGS flag);
bool p11_is_ours(void);
/* The library of the HSM that our token's keys are in (KMS_TEST_HSM), which are token objects then;
 * NULL: none, and they are the session's. */
const char *p11_hsm(void);

/* kmsctl at work on the test's token, another process; as system(). */
int kmsctl(const char *arguments);

/* N bytes that end where a page begins that cannot be touched. Never freed. */
void *guarded(size_t n);

/* -- templates ----------------------------------------------------------------------------- */

struct tmpl {
	CK_ATTRIBUTE v[48];
	CK_ULONG n;
	union {
		CK_BBOOL b;
		CK_ULONG u;
	} mem[48];
};

void t_bool(struct tmpl *t, CK_ATTRIBUTE_TYPE type, bool value);
void t_ulong(struct tmpl *t, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
void t_bytes(struct tmpl *t, CK_ATTRIBUTE_TYPE type, const void *p, size_t n);
void t_text(struct tmpl *t, CK_ATTRIBUTE_TYPE type, const char *s);
/* Replaces the value of a type that is there, else adds it. */
void t_set_bool(struct tmpl *t, CK_ATTRIBUTE_TYPE type, bool value);
void t_drop(struct tmpl *t, CK_ATTRIBUTE_TYPE type);

/* Attributes of an object, and whether they are there. */
bool get_bool(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type);
CK_ULONG get_ulong(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type);
CK_ULONG get_bytes(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, void *p, size_t cap);
CK_RV get_rv(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type);
CK_RV set_bool(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, bool value);
CK_RV set_ulong(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
CK_RV set_bytes(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, const void *p, size_t n);

/* How many objects match; the first one through RET when it is not NULL. */
CK_ULONG find_all(CK_SESSION_HANDLE s, struct tmpl *t, CK_OBJECT_HANDLE *ret);
CK_ULONG find_label(CK_SESSION_HANDLE s, const char *label);

/* -- keys ---------------------------------------------------------------------------------- */

extern const CK_BYTE ec_p256[10], ec_p384[7], ec_p521[7], ec_p256k[7], ec_ed25519_oid[5],
    ec_ed25519_name[14];

/* Templates with all usages on, session objects, not private, not sensitive, extractable; to be
 * changed by the test. */
void t_secret(struct tmpl *t, CK_KEY_TYPE type);
void t_public(struct tmpl *t, CK_KEY_TYPE type);
void t_private(struct tmpl *t, CK_KEY_TYPE type);

/* The usual ones. TOKEN objects are private and sensitive. */
CK_OBJECT_HANDLE make_aes(CK_SESSION_HANDLE s, bool token, const char *label);
CK_OBJECT_HANDLE import_secret(CK_SESSION_HANDLE s, CK_KEY_TYPE type, const void *value,
    size_t len);
void make_ec(CK_SESSION_HANDLE s, bool token, const char *label, CK_OBJECT_HANDLE *pub,
    CK_OBJECT_HANDLE *priv);
CK_RV generate_secret(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE m, struct tmpl *t,
    CK_OBJECT_HANDLE *ret);
CK_RV create(CK_SESSION_HANDLE s, struct tmpl *t, CK_OBJECT_HANDLE *ret);

/* One whole use with a key: encrypts a block by AES-ECB, signs a hash by ECDSA. */
CK_RV use_aes(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key);
CK_RV use_ec(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key);

#endif
