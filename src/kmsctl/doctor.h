/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of kmsctl doctor share: our own view (configuration, store) and an
 * application's (the module). */
#ifndef KMS_KMSCTL_DOCTOR_H
#define KMS_KMSCTL_DOCTOR_H

#include "kmsctl/ctl.h"

enum verdict { CHECK_OK, CHECK_FAILED, CHECK_SKIPPED };

struct doctor {
	struct ctl *c;
	struct out *o;
	const struct conf_token *token; /* whom the checks are about now; NULL: nobody */
	unsigned n_failed;
};

/* One line: what was looked at, how it is, what was seen; and for what is not well, what to do
 * (NULL: nothing). */
void doctor_report(struct doctor *d, const char *check, enum verdict verdict, const char *advice,
    const char *fmt, ...) PRINTF_LIKE(5, 6);

/* Loads the module as an application does and uses it with each token (or ONLY); PIN may be empty:
 * without login then. */
void doctor_module(struct doctor *d, const struct conf_token *only, const struct secret *pin);

#endif
