/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the operator's program for one rotation, and reads from its end what has happened. */
#define _GNU_SOURCE 1
#include "kms/rotate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "kms/secret_next.h"

#define ARGUMENTS 5 /* with the program */
#define PART	  8 /* so many bytes of a password are too many to tell */

static void
free_arguments(char *v[ARGUMENTS + 1])
{
	for (size_t i = 0; i < ARGUMENTS; i++)
		free(v[i]);
}

static enum kms_rc
make_arguments(const struct rotator *r, const struct rotation *what, char *v[ARGUMENTS + 1],
    struct err *why)
{
	const struct slice texts[ARGUMENTS] = { slice_str(""), what->name, what->type,
		what->version, what->config };

	TRY(process_check(r->program, &v[0], why));
	for (size_t i = 1; i < ARGUMENTS; i++) {
		/* strndup must not see the NULL of an empty slice. */
		v[i] = texts[i].len == 0 ? strdup("")
					 : strndup((const char *)texts[i].p, texts[i].len);
		if (v[i] == NULL)
			return err_set(why, KMS_NOMEM, "%s", rc_text(KMS_NOMEM));
	}
	return KMS_OK;
}

/* LINE has a part of the password in it. */
static bool
tells(const char *line, struct slice password)
{
	size_t part = password.len < PART ? password.len : PART;

	for (size_t i = 0; part > 0 && i + part <= password.len; i++)
		if (memmem(line, strlen(line), password.p + i, part) != NULL)
			return true;
	return false;
}

/* What the program said, unless it is what nobody may read. */
static const char *
said(const struct rotation *what, const struct process_result *res)
{
	struct slice password;

	if (res->last[0] == '\0')
		return "it said nothing";
	if (secret_password(what->value, &password) != KMS_OK)
		password = what->value;
	return tells(res->last, password)
	    ? "what it said has the password in it and is not repeated"
	    : res->last;
}

static enum rotation_end
read_end(const struct rotator *r, const struct rotation *what, const struct process_result *res,
    struct err *why)
{
	switch (res->end) {
	case PROCESS_ENDED:
		if (res->status == 0)
			return ROTATION_DONE;
		(void)err_set(why, KMS_IO, "rotate-program failed with status %d: %s", res->status,
		    said(what, res));
		return ROTATION_REFUSED;
	case PROCESS_KILLED:
		(void)err_set(why, KMS_IO, "rotate-program was killed by signal %d: %s",
		    res->status, said(what, res));
		return ROTATION_CUT_OFF;
	case PROCESS_TIMED_OUT:
		(void)err_set(why, KMS_IO, "rotate-program took longer than %" PRIu64 " ms: %s",
		    r->timeout_ms, said(what, res));
		return ROTATION_CUT_OFF;
	case PROCESS_NOT_STARTED: break;
	}
	return ROTATION_REFUSED;
}

enum rotation_end
rotator_run(const struct rotator *r, const struct rotation *what, struct err *why)
{
	char *v[ARGUMENTS + 1] = { NULL };
	enum rotation_end end = ROTATION_REFUSED;
	struct process_result res;

	if (make_arguments(r, what, v, why) == KMS_OK) {
		process_run(v, what->value, r->timeout_ms, &res, why);
		end = read_end(r, what, &res, why);
	}
	free_arguments(v);
	return end;
}
