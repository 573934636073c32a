/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers and structs in the application's memory, which may be misaligned (Oracle packs its
 * structs): always copied, never dereferenced.
 */
#ifndef KMS_PKCS11_MEMORY_H
#define KMS_PKCS11_MEMORY_H

#include <string.h>

#include "pkcs11/cryptoki.h"

/* A CK_ULONG, or what is one by another name: a length, a count, a handle. */
static inline CK_ULONG
ulong_get(const void *p)
{
	CK_ULONG v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void
ulong_put(void *p, CK_ULONG v)
{
	memcpy(p, &v, sizeof(v));
}

#endif
