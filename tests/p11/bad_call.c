/* SPDX-License-Identifier: Apache-2.0 */
/* One bad call: made out of a good one, with everything looked at before and after; see bad.h. */
#include "tests/p11/bad.h"

#include <stdarg.h>
#include <stdio.h>

void
bad_begin(struct bad *b, const struct good *g)
{
	b->good = g;
	survivors_begin(g->kind);
	if (g->before != NULL)
		g->before();
	snapshot_take(&b->before);
	yard_clear(0);
	b->call = good_args(g, b->a);
	snprintf(b->what, sizeof(b->what), "%s", g->name);
}

/* The good call again: what it answers tells what became of its operation. */
static CK_RV
good_again(const struct good *g)
{
	union word a[ARGS_MAX];

	yard_clear(0);
	return good_args(g, a)->run(a);
}

void
bad_same(struct bad *b, bool ended)
{
	snapshot_same(&b->before, b->what);
	if (b->good->ends) {
		CK_RV next = good_again(b->good);
		CK_RV want = ended ? CKR_OPERATION_NOT_INITIALIZED : CKR_OK;

		ck_assert_msg(next == want, "%s, and then: %s", b->what, p11_name(next));
	}
	survivors_end(b->good->kind, b->what);
}

void
bad_end(struct bad *b, CK_RV rv)
{
	bool failed = rv != CKR_OK && rv != CKR_BUFFER_TOO_SMALL;

	ck_assert_msg(is_allowed(b->call, rv), "%s: %s", b->what, p11_name(rv));
	if (failed)
		ck_assert_msg(!yard_changed(false), "%s: memory changes", b->what);
	bad_same(b, failed);
}

void
bad_say(struct bad *b, const char *format, ...)
{
	size_t n = strlen(b->good->name);
	va_list args;

	va_start(args, format);
	vsnprintf(b->what + n, sizeof(b->what) - n, format, args);
	va_end(args);
}

void
bad_run(struct bad *b, CK_RV want, CK_RV or_want)
{
	CK_RV rv = b->call->run(b->a);

	ck_assert_msg(rv == want || rv == or_want, "%s: %s, not %s", b->what, p11_name(rv),
	    p11_name(want));
	bad_end(b, rv);
}

void
bad_run_refused(struct bad *b)
{
	CK_RV rv = b->call->run(b->a);

	ck_assert_msg(rv != CKR_OK, "%s: CKR_OK", b->what);
	bad_end(b, rv);
}
