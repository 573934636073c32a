/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all functions, made from calls.def; see the header. */
#include "tests/p11/calls.h"

/* -- how each role is taken out of a word -- */

#define AS_SESSION(i)	    arg[i].n
#define AS_SLOT(i)	    arg[i].n
#define AS_OBJECT(i)	    arg[i].n
#define AS_USER(i)	    arg[i].n
#define AS_FLAG(i)	    (CK_BBOOL) arg[i].n
#define AS_FLAGS(i)	    arg[i].n
#define AS_TYPE(i)	    arg[i].n
#define AS_IN_LEN(i)	    arg[i].n
#define AS_COUNT(i)	    arg[i].n
#define AS_MAX(i)	    arg[i].n
#define AS_IN(i)	    arg[i].p
#define AS_RANDOM(i)	    arg[i].p
#define AS_OUT(i)	    arg[i].p
#define AS_OUT_LEN(i)	    arg[i].p
#define AS_LIST(i)	    arg[i].p
#define AS_LIST_LEN(i)	    arg[i].p
#define AS_INTERFACES(i)    arg[i].p
#define AS_HANDLE(i)	    arg[i].p
#define AS_INFO(i)	    arg[i].p
#define AS_POINTER(i)	    arg[i].p
#define AS_TEMPLATE(i)	    arg[i].p
#define AS_MECHANISM(i)	    arg[i].p
#define AS_LABEL(i)	    arg[i].p
#define AS_IFACE_NAME(i)    arg[i].p
#define AS_IFACE_VERSION(i) arg[i].p
#define AS_INIT_ARGS(i)	    arg[i].p
#define AS_RESERVED(i)	    arg[i].p
#define AS_NOTIFY(i)	    NULL

#define WORDS_1(a)			   AS_##a(0)
#define WORDS_2(a, b)			   WORDS_1(a), AS_##b(1)
#define WORDS_3(a, b, c)		   WORDS_2(a, b), AS_##c(2)
#define WORDS_4(a, b, c, d)		   WORDS_3(a, b, c), AS_##d(3)
#define WORDS_5(a, b, c, d, e)		   WORDS_4(a, b, c, d), AS_##e(4)
#define WORDS_6(a, b, c, d, e, f)	   WORDS_5(a, b, c, d, e), AS_##f(5)
#define WORDS_7(a, b, c, d, e, f, g)	   WORDS_6(a, b, c, d, e, f), AS_##g(6)
#define WORDS_8(a, b, c, d, e, f, g, h)	   WORDS_7(a, b, c, d, e, f, g), AS_##h(7)
#define WORDS_9(a, b, c, d, e, f, g, h, i) WORDS_8(a, b, c, d, e, f, g, h), AS_##i(8)

#define CALL2(name, count, ...)                               \
	static CK_RV run_##name(const union word *arg)        \
	{                                                     \
		return p11->name(WORDS_##count(__VA_ARGS__)); \
	}
#define CALL3(name, count, ...)                                 \
	static CK_RV run_##name(const union word *arg)          \
	{                                                       \
		return p11v3->name(WORDS_##count(__VA_ARGS__)); \
	}
#include "tests/p11/calls.def"
#undef CALL2
#undef CALL3

const struct call calls[] = {
#define CALL2(name, count, ...) { #name, false, count, { __VA_ARGS__ }, run_##name },
#define CALL3(name, count, ...) { #name, true, count, { __VA_ARGS__ }, run_##name },
#include "tests/p11/calls.def"
#undef CALL2
#undef CALL3
};
const size_t n_calls = N(calls);

const struct call *
call_of(const char *name)
{
	for (size_t i = 0; i < n_calls; i++)
		if (strcmp(calls[i].name, name) == 0)
			return &calls[i];
	ck_abort_msg("calls.def has no %s", name);
	return NULL;
}

bool
call_there(const struct call *c)
{
	return !c->v3 || p11v3 != NULL;
}

bool
call_has(const struct call *c, enum role role)
{
	for (size_t i = 0; i < c->n_args; i++)
		if (c->role[i] == role)
			return true;
	return false;
}

bool
is_pointer(enum role role)
{
	return role >= ROLE_POINTERS;
}

bool
is_refused(const char *name)
{
	static const char *const whole[] = { "C_WaitForSlotEvent", "C_GetOperationState",
		"C_SetOperationState", "C_DigestKey", "C_SignRecoverInit", "C_SignRecover",
		"C_VerifyRecoverInit", "C_VerifyRecover", "C_DigestEncryptUpdate",
		"C_DecryptDigestUpdate", "C_SignEncryptUpdate", "C_DecryptVerifyUpdate" };

	for (size_t i = 0; i < N(whole); i++)
		if (strcmp(whole[i], name) == 0)
			return true;
	return strstr(name, "Message") != NULL;
}
