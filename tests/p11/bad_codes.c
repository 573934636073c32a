/* SPDX-License-Identifier: Apache-2.0 */
/* Which codes the standard lists for which function (PKCS#11 3.0, the ends of 5.4 to 5.20). */
#include "tests/p11/bad.h"

/* Codes that come together. */
enum {
	ARGS = 1 << 0,
	TEMPLATES = 1 << 1, /* templates are read */
	MAKES = 1 << 2,	    /* an object is made from one */
	MECHS = 1 << 3,
	KEYS = 1 << 4, /* the key of an Init */
	ROOM = 1 << 5,
	GOES_ON = 1 << 6, /* an operation */
	IN_PARTS = 1 << 7,
	DATA = 1 << 8,
	SEALED = 1 << 9, /* cipher text */
	OBJECTS = 1 << 10,
	WRITES = 1 << 11,
	PINS = 1 << 12,
};

static const struct {
	unsigned group;
	CK_RV rv[8];
} groups[] = {
	{ ARGS, { CKR_ARGUMENTS_BAD } },
	{ TEMPLATES,
	    { CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID,
		CKR_TEMPLATE_INCONSISTENT } },
	{ MAKES, { CKR_TEMPLATE_INCOMPLETE, CKR_CURVE_NOT_SUPPORTED, CKR_DOMAIN_PARAMS_INVALID } },
	{ MECHS, { CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_OPERATION_ACTIVE } },
	{ KEYS,
	    { CKR_KEY_HANDLE_INVALID, CKR_KEY_SIZE_RANGE, CKR_KEY_TYPE_INCONSISTENT,
		CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_USER_NOT_LOGGED_IN } },
	{ ROOM, { CKR_BUFFER_TOO_SMALL } },
	{ GOES_ON, { CKR_OPERATION_NOT_INITIALIZED, CKR_OPERATION_ACTIVE } },
	/* what we say of mechanisms that take their input in one piece */
	{ IN_PARTS, { CKR_FUNCTION_NOT_SUPPORTED } },
	{ DATA, { CKR_DATA_INVALID, CKR_DATA_LEN_RANGE } },
	{ SEALED, { CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE } },
	{ OBJECTS, { CKR_OBJECT_HANDLE_INVALID } },
	{ WRITES, { CKR_SESSION_READ_ONLY, CKR_TOKEN_WRITE_PROTECTED, CKR_USER_NOT_LOGGED_IN } },
	{ PINS, { CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE, CKR_PIN_LOCKED } },
};

#define CRYPTS	(ARGS | ROOM | GOES_ON | DATA)
#define OPENS	(ARGS | ROOM | GOES_ON | SEALED)
#define CREATES (ARGS | TEMPLATES | MAKES | WRITES)

static const struct {
	const char *name;
	unsigned groups;
	CK_RV rv[8];
} rows[] = {
	{ "C_Initialize", ARGS, { CKR_CANT_LOCK, CKR_CRYPTOKI_ALREADY_INITIALIZED } },
	{ "C_Finalize", ARGS, { 0 } },
	{ "C_GetInfo", ARGS, { 0 } },
	{ "C_GetFunctionList", ARGS, { 0 } },
	{ "C_GetInterfaceList", ARGS | ROOM, { 0 } },
	{ "C_GetInterface", ARGS | ROOM, { CKR_FUNCTION_FAILED } },
	{ "C_GetSlotList", ARGS | ROOM, { 0 } },
	{ "C_GetSlotInfo", ARGS, { 0 } },
	{ "C_GetTokenInfo", ARGS, { 0 } },
	{ "C_GetMechanismList", ARGS | ROOM, { 0 } },
	{ "C_GetMechanismInfo", ARGS, { CKR_MECHANISM_INVALID } },
	{ "C_InitToken", ARGS | PINS, { CKR_SESSION_EXISTS, CKR_TOKEN_WRITE_PROTECTED } },
	{ "C_InitPIN", ARGS | PINS | WRITES, { 0 } },
	{ "C_SetPIN", ARGS | PINS | WRITES, { 0 } },
	{ "C_OpenSession", ARGS,
	    { CKR_SESSION_COUNT, CKR_SESSION_PARALLEL_NOT_SUPPORTED,
		CKR_SESSION_READ_WRITE_SO_EXISTS, CKR_TOKEN_WRITE_PROTECTED } },
	{ "C_CloseSession", 0, { 0 } },
	{ "C_CloseAllSessions", 0, { 0 } },
	{ "C_GetSessionInfo", ARGS, { 0 } },
	{ "C_SessionCancel", 0, { CKR_OPERATION_CANCEL_FAILED } },
	{ "C_Login", ARGS | PINS,
	    { CKR_OPERATION_NOT_INITIALIZED, CKR_SESSION_READ_ONLY_EXISTS,
		CKR_USER_ALREADY_LOGGED_IN, CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
		CKR_USER_PIN_NOT_INITIALIZED, CKR_USER_TYPE_INVALID, CKR_USER_NOT_LOGGED_IN } },
	{ "C_LoginUser", ARGS | PINS,
	    { CKR_OPERATION_NOT_INITIALIZED, CKR_SESSION_READ_ONLY_EXISTS,
		CKR_USER_ALREADY_LOGGED_IN, CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
		CKR_USER_PIN_NOT_INITIALIZED, CKR_USER_TYPE_INVALID, CKR_USER_NOT_LOGGED_IN } },
	{ "C_Logout", 0, { CKR_USER_NOT_LOGGED_IN } },
	{ "C_CreateObject", CREATES, { 0 } },
	{ "C_CopyObject", ARGS | TEMPLATES | WRITES | OBJECTS, { CKR_ACTION_PROHIBITED } },
	{ "C_DestroyObject", OBJECTS | WRITES, { CKR_ACTION_PROHIBITED } },
	{ "C_GetObjectSize", ARGS | OBJECTS, { CKR_INFORMATION_SENSITIVE } },
	{ "C_GetAttributeValue", ARGS | OBJECTS | ROOM,
	    { CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID } },
	{ "C_SetAttributeValue", ARGS | TEMPLATES | WRITES | OBJECTS, { CKR_ACTION_PROHIBITED } },
	{ "C_FindObjectsInit", ARGS,
	    { CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_OPERATION_ACTIVE } },
	{ "C_FindObjects", ARGS | GOES_ON, { 0 } },
	{ "C_FindObjectsFinal", GOES_ON, { 0 } },
	{ "C_EncryptInit", MECHS | KEYS | ARGS, { 0 } },
	{ "C_Encrypt", CRYPTS, { 0 } },
	{ "C_EncryptUpdate", CRYPTS | IN_PARTS, { 0 } },
	{ "C_EncryptFinal", CRYPTS | IN_PARTS, { 0 } },
	{ "C_DecryptInit", MECHS | KEYS | ARGS, { 0 } },
	{ "C_Decrypt", OPENS, { CKR_USER_NOT_LOGGED_IN } },
	{ "C_DecryptUpdate", OPENS | IN_PARTS, { CKR_USER_NOT_LOGGED_IN } },
	{ "C_DecryptFinal", OPENS | IN_PARTS, { CKR_USER_NOT_LOGGED_IN } },
	{ "C_DigestInit", MECHS | ARGS, { 0 } },
	{ "C_Digest", ARGS | ROOM | GOES_ON, { 0 } },
	{ "C_DigestUpdate", ARGS | GOES_ON, { 0 } },
	{ "C_DigestFinal", ARGS | ROOM | GOES_ON, { 0 } },
	{ "C_SignInit", MECHS | KEYS | ARGS, { 0 } },
	{ "C_Sign", CRYPTS, { CKR_USER_NOT_LOGGED_IN } },
	{ "C_SignUpdate", ARGS | GOES_ON | IN_PARTS,
	    { CKR_DATA_LEN_RANGE, CKR_USER_NOT_LOGGED_IN } },
	{ "C_SignFinal", ARGS | ROOM | GOES_ON | IN_PARTS,
	    { CKR_DATA_LEN_RANGE, CKR_USER_NOT_LOGGED_IN } },
	{ "C_VerifyInit", MECHS | KEYS | ARGS, { 0 } },
	{ "C_Verify", ARGS | GOES_ON | DATA, { CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE } },
	{ "C_VerifyUpdate", ARGS | GOES_ON | IN_PARTS, { CKR_DATA_LEN_RANGE } },
	{ "C_VerifyFinal", ARGS | GOES_ON | IN_PARTS,
	    { CKR_DATA_LEN_RANGE, CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE } },
	{ "C_GenerateKey", CREATES | MECHS, { 0 } },
	{ "C_GenerateKeyPair", CREATES | MECHS, { 0 } },
	/* CKR_KEY_FUNCTION_NOT_PERMITTED is in no list of these two, but what 5.1.6 says it is
	 * for: a key whose CKA_WRAP or CKA_UNWRAP is not true */
	{ "C_WrapKey", ARGS | MECHS | ROOM,
	    { CKR_KEY_HANDLE_INVALID, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_SIZE_RANGE,
		CKR_KEY_UNEXTRACTABLE, CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_WRAPPING_KEY_SIZE_RANGE,
		CKR_WRAPPING_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED } },
	{ "C_UnwrapKey", CREATES | MECHS,
	    { CKR_UNWRAPPING_KEY_HANDLE_INVALID, CKR_UNWRAPPING_KEY_SIZE_RANGE,
		CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, CKR_WRAPPED_KEY_INVALID,
		CKR_WRAPPED_KEY_LEN_RANGE, CKR_KEY_FUNCTION_NOT_PERMITTED } },
	{ "C_DeriveKey", CREATES | MECHS | KEYS, { 0 } },
	{ "C_SeedRandom", ARGS, { CKR_RANDOM_SEED_NOT_SUPPORTED } },
	{ "C_GenerateRandom", ARGS, { CKR_RANDOM_NO_RNG } },
};

static bool
in_groups(unsigned set, CK_RV rv)
{
	for (size_t g = 0; g < N(groups); g++)
		for (size_t i = 0; i < N(groups[g].rv) && groups[g].rv[i] != 0; i++)
			if ((groups[g].group & set) != 0 && groups[g].rv[i] == rv)
				return true;
	return false;
}

bool
is_allowed(const struct call *c, CK_RV rv)
{
	if (is_refused(c->name))
		return rv == CKR_FUNCTION_NOT_SUPPORTED;
	if (rv == CKR_OK || (rv == CKR_SESSION_HANDLE_INVALID && call_has(c, SESSION)) ||
	    (rv == CKR_SLOT_ID_INVALID && call_has(c, SLOT)))
		return true;
	for (size_t r = 0; r < N(rows); r++) {
		if (strcmp(rows[r].name, c->name) != 0)
			continue;
		for (size_t i = 0; i < N(rows[r].rv) && rows[r].rv[i] != 0; i++)
			if (rows[r].rv[i] == rv)
				return true;
		return in_groups(rows[r].groups, rv);
	}
	ck_abort_msg("the codes of %s are not in the table", c->name);
	return false;
}
