/* SPDX-License-Identifier: Apache-2.0 */
/* The one map from our errors to CK_RV, and the tracing of calls. */
#ifndef KMS_PKCS11_RV_H
#define KMS_PKCS11_RV_H

#include "base/log.h"
#include "pkcs11/cryptoki.h"

/* What an application is told. One meaning an error everywhere; the few calls with codes of their
 * own map before they call this. */
CK_RV rv_of(enum kms_rc rc);

/* "CKR_PIN_INCORRECT"; "CKR_?" for unknown numbers. Static storage. */
const char *rv_name(CK_RV rv);

/* Writes the debug log's line of a call and returns RV. */
CK_RV rv_trace_slow(const char *function, CK_RV rv);
static inline CK_RV
rv_trace(const char *function, CK_RV rv)
{
	return log_on(KMS_LOG_DEBUG) ? rv_trace_slow(function, rv) : rv;
}

/* Leaves the function with the CK_RV of EXPR, if it is an error. */
#define TRY_RV(expr)                    \
	do {                            \
		CK_RV try_rv_ = (expr); \
		if (try_rv_ != CKR_OK)  \
			return try_rv_; \
	} while (0)

#endif
