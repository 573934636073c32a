/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in: C_GetFunctionList, C_GetInterface and C_GetInterfaceList, over lists made from
 * functions.def. */
#include "pkcs11/memory.h"
#include "pkcs11/rv.h"

static CK_FUNCTION_LIST functions_2_40 = {
	.version = { 2, 40 },
#define V2(name) .name = name,
#define V3(name)
#include "pkcs11/functions.def"
#undef V2
#undef V3
};

static CK_FUNCTION_LIST_3_0 functions_3_0 = {
	.version = { CRYPTOKI_V3_MAJOR, CRYPTOKI_V3_MINOR },
#define V2(name) .name = name,
#define V3(name) .name = name,
#include "pkcs11/functions.def"
#undef V2
#undef V3
};

/* The newest first: it is the default. No fork-safe flag: that would promise that a child keeps its
 * sessions (3.0 5.4.5). */
static CK_INTERFACE interfaces[] = {
	{ (CK_CHAR *)"PKCS 11", &functions_3_0, 0 },
	{ (CK_CHAR *)"PKCS 11", &functions_2_40, 0 },
};

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
	CK_FUNCTION_LIST *ours = &functions_2_40;

	if (list == NULL)
		return rv_trace(__func__, CKR_ARGUMENTS_BAD);
	memcpy((void *)list, &ours, sizeof(ours));
	return rv_trace(__func__, CKR_OK);
}

CK_RV
C_GetInterfaceList(CK_INTERFACE_PTR list, CK_ULONG_PTR count)
{
	if (count == NULL)
		return rv_trace(__func__, CKR_ARGUMENTS_BAD);
	if (list != NULL && ulong_get(count) < ARRAY_LEN(interfaces)) {
		ulong_put(count, ARRAY_LEN(interfaces));
		return rv_trace(__func__, CKR_BUFFER_TOO_SMALL);
	}
	if (list != NULL)
		memcpy((void *)list, interfaces, sizeof(interfaces));
	ulong_put(count, ARRAY_LEN(interfaces));
	return rv_trace(__func__, CKR_OK);
}

CK_RV
C_GetInterface(CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR ret,
    CK_FLAGS flags)
{
	const CK_INTERFACE *found;
	size_t i;

	if (ret == NULL)
		return rv_trace(__func__, CKR_ARGUMENTS_BAD);
	for (i = 0; i < ARRAY_LEN(interfaces); i++) {
		const CK_VERSION *have = interfaces[i].pFunctionList; /* both lists begin with it */

		if (name != NULL &&
		    strcmp((const char *)name, (const char *)interfaces[i].pInterfaceName) != 0)
			continue;
		if (version != NULL &&
		    (version->major != have->major || version->minor != have->minor))
			continue;
		if ((interfaces[i].flags & flags) != flags)
			continue;
		found = &interfaces[i];
		memcpy((void *)ret, &found, sizeof(found));
		return rv_trace(__func__, CKR_OK);
	}
	return rv_trace(__func__, CKR_FUNCTION_FAILED);
}
