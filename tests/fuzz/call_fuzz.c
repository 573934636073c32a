/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any sequence of calls, beside a model of what they must give (model.h): sessions, logins, PINs,
 * objects, every mechanism in one piece and in parts, stale handles, short buffers, C_Finalize in
 * the middle of it. Here: the module's life, slots, sessions and logins.
 *
 * Input: a byte of what has been called before, then calls: a byte for the function, and what it
 * takes.
 */
#define _GNU_SOURCE 1
#include "tests/fuzz/model.h"

#define CALLS_MAX 64

/* -- the module -------------------------------------------------------------------------------- */

static CK_RV
lock(void *mutex UNUSED)
{
	return CKR_OK;
}

static void
do_initialize(struct feed *f)
{
	static const CK_FLAGS flags[] = { 0, CKF_OS_LOCKING_OK,
		CKF_LIBRARY_CANT_CREATE_OS_THREADS };
	uint8_t how = feed_u8(f);
	CK_C_INITIALIZE_ARGS args = { .flags = flags[how % ARRAY_LEN(flags)] };

	call_begin("C_Initialize");
	may(initialized, CKR_CRYPTOKI_ALREADY_INITIALIZED);
	if (how > 230) { /* one callback of four */
		args.LockMutex = lock;
		may(true, CKR_ARGUMENTS_BAD);
	}
	if (judge(C_Initialize(how & 4 ? &args : how > 230 ? &args : NULL)))
		initialized = true;
}

static void
do_finalize(struct feed *f)
{
	uint8_t how = feed_u8(f);

	call_begin("C_Finalize");
	may(!initialized, CKR_CRYPTOKI_NOT_INITIALIZED);
	may(how > 200, CKR_ARGUMENTS_BAD);
	if (judge(C_Finalize(how > 200 ? &how : NULL)))
		finalized();
}

static void
do_info(struct feed *f)
{
	bool none = feed_u8(f) > 240;
	CK_FUNCTION_LIST *list = NULL;
	CK_INTERFACE *iface = NULL;
	CK_INTERFACE all[4];
	CK_ULONG n = ARRAY_LEN(all);
	CK_INFO info;

	call_begin("C_GetInfo");
	block(!initialized, CKR_CRYPTOKI_NOT_INITIALIZED);
	may(none, CKR_ARGUMENTS_BAD);
	(void)judge(C_GetInfo(none ? NULL : &info));
	MUST(C_GetFunctionList(&list) == CKR_OK && list->C_GetInfo == C_GetInfo);
	MUST(C_GetInterfaceList(all, &n) == CKR_OK && n == 2);
	MUST(C_GetInterface(NULL, NULL, &iface, 0) == CKR_OK);
	MUST(iface->pFunctionList == all[0].pFunctionList);
}

/* -- slots ------------------------------------------------------------------------------------- */

static void
do_slots(struct feed *f)
{
	CK_SLOT_ID list[4] = { 99, 99, 99, 99 };
	CK_ULONG n = feed_below(f, 5), room = n;
	bool none = feed_u8(f) > 128;

	call_begin("C_GetSlotList");
	block(!initialized, CKR_CRYPTOKI_NOT_INITIALIZED);
	may(!none && room < TOKENS, CKR_BUFFER_TOO_SMALL);
	(void)judge(C_GetSlotList(CK_TRUE, none ? NULL : list, &n));
	MUST(!initialized || n == TOKENS);
	MUST(list[2] == 99);
}

static CK_FLAGS
pin_flags(bool set, unsigned bad, CK_FLAGS low, CK_FLAGS last, CK_FLAGS locked)
{
	if (!set)
		return 0;
	if (bad >= PIN_TRIES)
		return locked;
	return (bad > 0 ? low : 0) | (bad == PIN_TRIES - 1 ? last : 0);
}

static void
check_token_info(const struct m_token *t, const CK_TOKEN_INFO *info)
{
	CK_FLAGS want = CKF_RNG | CKF_LOGIN_REQUIRED;

	want |= t->made ? CKF_TOKEN_INITIALIZED : 0;
	want |= t->user_pin >= 0 ? CKF_USER_PIN_INITIALIZED : 0;
	want |= pin_flags(t->user_pin >= 0, t->user_bad, CKF_USER_PIN_COUNT_LOW,
	    CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED);
	want |= pin_flags(t->made, t->so_bad, CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY,
	    CKF_SO_PIN_LOCKED);
	MUST(info->flags == want);
	MUST(info->ulSessionCount == open_sessions(t, false));
	MUST(info->ulRwSessionCount == open_sessions(t, true));
}

static void
do_slot_info(struct feed *f)
{
	CK_SLOT_INFO slot_info;
	CK_TOKEN_INFO info;
	const struct m_token *t;
	CK_SLOT_ID slot;

	call_begin("C_GetTokenInfo");
	t = choose_slot(f, &slot);
	if (judge(C_GetTokenInfo(slot, &info)))
		check_token_info(t, &info);
	MUST((C_GetSlotInfo(slot, &slot_info) == CKR_OK) == (initialized && t != NULL));
}

static void
do_mechanisms(struct feed *f)
{
	CK_MECHANISM_TYPE type, list[128];
	const struct mech *m = choose_mech(f, &type);
	CK_ULONG n = feed_u8(f), room = n;
	CK_MECHANISM_INFO info;
	CK_SLOT_ID slot;
	size_t rows;

	(void)mech_rows(&rows);
	call_begin("C_GetMechanismList");
	(void)choose_slot(f, &slot);
	if (n > ARRAY_LEN(list))
		n = room = ARRAY_LEN(list);
	may(room < rows, CKR_BUFFER_TOO_SMALL);
	if (judge(C_GetMechanismList(slot, list, &n)))
		MUST(n == rows);
	call_begin("C_GetMechanismInfo");
	block(!initialized, CKR_CRYPTOKI_NOT_INITIALIZED);
	may(slot > SLOT_BLANK, CKR_SLOT_ID_INVALID);
	may(m == NULL, CKR_MECHANISM_INVALID);
	if (judge(C_GetMechanismInfo(slot, type, &info)))
		MUST(info.flags == m->flags && info.ulMinKeySize == m->min);
}

/* -- the whole --------------------------------------------------------------------------------- */

/* As often as they are worth it. */
static do_call *const calls[] = {
	do_init,
	do_init,
	do_init,
	do_init,
	do_once,
	do_once,
	do_once,
	do_update,
	do_update,
	do_final,
	do_create,
	do_create,
	do_copy,
	do_destroy,
	do_get,
	do_set,
	do_size,
	do_find_all,
	do_find_init,
	do_find,
	do_find_final,
	do_generate,
	do_generate_pair,
	do_wrap,
	do_unwrap,
	do_derive,
	do_login,
	do_login,
	do_logout,
	do_init_pin,
	do_set_pin,
	do_init_token,
	do_open,
	do_close,
	do_close_all,
	do_session_info,
	do_cancel,
	do_random,
	do_initialize,
	do_finalize,
	do_info,
	do_slots,
	do_slot_info,
	do_mechanisms,
	do_unsupported,
};

/* What most applications begin with, by bits of HOW: nothing, a session, a login. */
static void
begin(uint8_t how)
{
	static const uint8_t initialize[] = { 0 }, open[] = { 0, 0 },
			     login[] = { 0, PIN_USER, 0, 0 }, login_so[] = { 1, PIN_SO, 0, 0 };
	struct feed f;

	if (how & 1)
		return;
	f.rest = slice_of(initialize, sizeof(initialize));
	do_initialize(&f);
	f.rest = slice_of(open, sizeof(open));
	do_open(&f);
	if (how & 2)
		return;
	f.rest = how & 4 ? slice_of(login_so, sizeof(login_so)) : slice_of(login, sizeof(login));
	do_login(&f);
}

int
LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	world_make();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = { slice_of(data, size) };

	world_begin();
	model_begin();
	begin(feed_u8(&f));
	for (int n = 0; n < CALLS_MAX && f.rest.len > 0; n++)
		calls[feed_below(&f, ARRAY_LEN(calls))](&f);
	world_end();
	model_end();
	return 0;
}
