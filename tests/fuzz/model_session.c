/* SPDX-License-Identifier: Apache-2.0 */
/* PINs, logins and sessions beside the model, and what belongs to a session alone. */
#include "tests/fuzz/model.h"

/* -- PINs -------------------------------------------------------------------------------------- */

static CK_UTF8CHAR pins[PINS][300] = { SO_PIN, USER_PIN, "another-pin", "abc" };

static CK_ULONG
pin_len(int pin)
{
	return pin == PIN_LONG ? 256 : strlen((const char *)pins[pin]);
}

static bool
pin_legal(int pin)
{
	return pin < PIN_SHORT;
}

static int
choose_pin(struct feed *f)
{
	return (int)feed_below(f, PINS);
}

/* What verifying GIVEN against a PIN may give. */
static void
may_refuse_pin(const struct m_token *t, bool so, int given)
{
	int pin = so ? t->so_pin : t->user_pin;
	unsigned bad = so ? t->so_bad : t->user_bad;

	may(!t->made, CKR_TOKEN_NOT_RECOGNIZED);
	if (!t->made)
		return;
	may(pin < 0, CKR_USER_PIN_NOT_INITIALIZED);
	may(pin >= 0 && bad >= PIN_TRIES, CKR_PIN_LOCKED);
	may(pin >= 0 && given != pin, CKR_PIN_INCORRECT);
}

/* Wrong PINs are counted, but for those that can never have been set; a right one forgets them. */
static void
count_pin(struct m_token *t, bool so, int given, CK_RV rv)
{
	unsigned *bad = so ? &t->so_bad : &t->user_bad;

	if (rv == CKR_PIN_INCORRECT && pin_legal(given))
		++*bad;
	if (rv == CKR_OK)
		*bad = 0;
}

static bool
waits_for_login(const struct m_session *s)
{
	for (size_t k = 0; k < USE_KINDS; k++)
		if (s->op[k].phase != IDLE && s->op[k].need_login)
			return true;
	return false;
}

static void
login_context(struct m_session *s, int pin, CK_RV rv)
{
	bool ok = judge(rv);

	if (s == NULL)
		return;
	count_pin(s->token, false, pin, rv);
	for (size_t k = 0; k < USE_KINDS && ok; k++)
		s->op[k].need_login = false;
	/* 4.10: a PIN that is locked by this logs out */
	if (rv == CKR_PIN_LOCKED)
		logged_out(s->token);
}

static void
may_refuse_login(const struct m_session *s, enum role role, int pin)
{
	const struct m_token *t = s->token;

	may(t->role == role, CKR_USER_ALREADY_LOGGED_IN);
	may(t->role != ROLE_NONE && t->role != role, CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
	may(role == ROLE_SO && open_sessions(t, false) != open_sessions(t, true),
	    CKR_SESSION_READ_ONLY_EXISTS);
	may_refuse_pin(t, role == ROLE_SO, pin);
}

void
do_login(struct feed *f)
{
	static const CK_USER_TYPE types[] = { CKU_USER, CKU_SO, CKU_CONTEXT_SPECIFIC, 99 };
	CK_USER_TYPE type = types[feed_below(f, ARRAY_LEN(types))];
	int pin = choose_pin(f);
	uint8_t how = feed_u8(f);
	bool named = how % 4 == 3, none = how > 240;
	enum role role = type == CKU_SO ? ROLE_SO : ROLE_USER;
	CK_UTF8CHAR name[] = "name", *p = none ? NULL : pins[pin];
	CK_SESSION_HANDLE hs;
	struct m_session *s;
	CK_RV rv;

	call_begin("C_Login");
	s = enter(f, &hs);
	may(s != NULL && none, CKR_ARGUMENTS_BAD);
	may(s != NULL && type == 99, CKR_USER_TYPE_INVALID);
	if (s != NULL && type == CKU_CONTEXT_SPECIFIC) {
		may(!waits_for_login(s), CKR_OPERATION_NOT_INITIALIZED);
		may(!is_user(s), CKR_USER_NOT_LOGGED_IN);
		may_refuse_pin(s->token, false, pin);
	} else if (s != NULL && type != 99) {
		may(named, CKR_ARGUMENTS_BAD);
		may_refuse_login(s, role, pin);
	}
	rv = named ? C_LoginUser(hs, type, p, pin_len(pin), name, 4)
		   : C_Login(hs, type, p, pin_len(pin));
	if (type == CKU_CONTEXT_SPECIFIC) {
		login_context(s, pin, rv);
		return;
	}
	if (judge(rv))
		s->token->role = role;
	if (s != NULL)
		count_pin(s->token, role == ROLE_SO, pin, rv);
}

void
do_logout(struct feed *f)
{
	CK_SESSION_HANDLE hs;
	struct m_session *s;

	call_begin("C_Logout");
	s = enter(f, &hs);
	may(s != NULL && s->token->role == ROLE_NONE, CKR_USER_NOT_LOGGED_IN);
	if (judge(C_Logout(hs)))
		logged_out(s->token);
}

void
do_init_pin(struct feed *f)
{
	int pin = choose_pin(f);
	bool none = feed_u8(f) > 245;
	CK_SESSION_HANDLE hs;
	struct m_session *s;

	call_begin("C_InitPIN");
	s = enter(f, &hs);
	may(s != NULL && none, CKR_ARGUMENTS_BAD);
	may(s != NULL && (s->token->role != ROLE_SO || !s->rw), CKR_USER_NOT_LOGGED_IN);
	may(s != NULL && !pin_legal(pin), CKR_PIN_LEN_RANGE);
	if (judge(C_InitPIN(hs, none ? NULL : pins[pin], pin_len(pin)))) {
		s->token->user_pin = pin;
		s->token->user_bad = 0;
	}
}

void
do_set_pin(struct feed *f)
{
	int old_pin = choose_pin(f), new_pin = choose_pin(f);
	bool none = feed_u8(f) > 245, so;
	CK_SESSION_HANDLE hs;
	struct m_session *s;
	CK_RV rv;

	call_begin("C_SetPIN");
	s = enter(f, &hs);
	so = s != NULL && s->token->role == ROLE_SO;
	if (s != NULL) {
		may(none, CKR_ARGUMENTS_BAD);
		may(!s->rw, CKR_SESSION_READ_ONLY);
		may(!pin_legal(new_pin), CKR_PIN_LEN_RANGE);
		may_refuse_pin(s->token, so, old_pin);
	}
	rv = C_SetPIN(hs, none ? NULL : pins[old_pin], pin_len(old_pin), pins[new_pin],
	    pin_len(new_pin));
	if (judge(rv))
		*(so ? &s->token->so_pin : &s->token->user_pin) = new_pin;
	if (s != NULL)
		count_pin(s->token, so, old_pin, rv);
}

static void
token_reset(struct m_token *t, int pin)
{
	t->made = true;
	t->so_pin = pin;
	t->user_pin = -1;
	t->so_bad = t->user_bad = 0;
	for (size_t i = 0; i < OBJECTS; i++)
		if (objects[i].token == t)
			object_gone(&objects[i]);
}

void
do_init_token(struct feed *f)
{
	CK_UTF8CHAR label[33] = "a label that is padded by blanks";
	int pin = choose_pin(f);
	uint8_t how = feed_u8(f);
	struct m_token *t;
	CK_SLOT_ID slot;
	CK_RV rv;

	call_begin("C_InitToken");
	t = choose_slot(f, &slot);
	if (how > 245)
		label[3] = 0xff; /* no UTF-8 */
	may(how > 245, CKR_ARGUMENTS_BAD);
	may(how < 5, CKR_ARGUMENTS_BAD);
	if (t != NULL) {
		may(open_sessions(t, false) != 0, CKR_SESSION_EXISTS);
		may(!pin_legal(pin), CKR_PIN_LEN_RANGE);
		if (t->made)
			may_refuse_pin(t, true, pin);
	}
	rv = C_InitToken(slot, how < 5 ? NULL : pins[pin], pin_len(pin), label);
	if (judge(rv))
		token_reset(t, pin);
	else if (t != NULL)
		count_pin(t, true, pin, rv);
}

/* -- sessions ---------------------------------------------------------------------------------- */

void
do_open(struct feed *f)
{
	uint8_t how = feed_u8(f);
	bool rw = (how & 1) == 0, serial = how < 240, none = how == 239;
	CK_SESSION_HANDLE handle = 0;
	struct m_session *s = NULL;
	struct m_token *t;
	CK_SLOT_ID slot;

	for (size_t i = 0; i < SESSIONS && s == NULL; i++)
		if (!sessions[i].open)
			s = &sessions[i];
	if (s == NULL)
		return;
	call_begin("C_OpenSession");
	t = choose_slot(f, &slot);
	may(none, CKR_ARGUMENTS_BAD);
	may(!serial, CKR_SESSION_PARALLEL_NOT_SUPPORTED);
	may(t != NULL && !rw && t->role == ROLE_SO, CKR_SESSION_READ_WRITE_SO_EXISTS);
	if (!judge(C_OpenSession(slot,
		(rw ? CKF_RW_SESSION : 0) | (serial ? CKF_SERIAL_SESSION : 0), NULL, NULL,
		none ? NULL : &handle)))
		return;
	MUST(handle != 0);
	for (size_t i = 0; i < SESSIONS; i++)
		MUST(sessions[i].handle != handle);
	*s = (struct m_session){ .handle = handle, .open = true, .rw = rw, .token = t };
}

void
do_close(struct feed *f)
{
	CK_SESSION_HANDLE hs;
	struct m_session *s;

	call_begin("C_CloseSession");
	s = enter(f, &hs);
	if (judge(C_CloseSession(hs)))
		session_closed(s);
}

void
do_close_all(struct feed *f)
{
	struct m_token *t;
	CK_SLOT_ID slot;

	call_begin("C_CloseAllSessions");
	t = choose_slot(f, &slot);
	if (!judge(C_CloseAllSessions(slot)))
		return;
	for (size_t i = 0; i < SESSIONS; i++)
		if (sessions[i].open && sessions[i].token == t)
			session_closed(&sessions[i]);
}

static CK_STATE
state_of(const struct m_session *s)
{
	switch (s->token->role) {
	case ROLE_USER: return s->rw ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
	case ROLE_SO: return CKS_RW_SO_FUNCTIONS;
	case ROLE_NONE: break;
	}
	return s->rw ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
}

void
do_session_info(struct feed *f)
{
	bool none = feed_u8(f) > 245;
	CK_SESSION_HANDLE hs;
	struct m_session *s;
	CK_SESSION_INFO info;

	call_begin("C_GetSessionInfo");
	s = enter(f, &hs);
	may(s != NULL && none, CKR_ARGUMENTS_BAD);
	if (!judge(C_GetSessionInfo(hs, none ? NULL : &info)))
		return;
	MUST(info.slotID == s->token->slot && info.state == state_of(s));
	MUST(info.flags == (CKF_SERIAL_SESSION | (s->rw ? CKF_RW_SESSION : 0)));
	MUST(info.ulDeviceError == 0);
}

void
do_cancel(struct feed *f)
{
	static const CK_FLAGS flag[USE_KINDS] = {
		[USE_ENCRYPT] = CKF_ENCRYPT,
		[USE_DECRYPT] = CKF_DECRYPT,
		[USE_DIGEST] = CKF_DIGEST,
		[USE_SIGN] = CKF_SIGN,
		[USE_VERIFY] = CKF_VERIFY,
	};
	uint8_t which = feed_u8(f);
	CK_FLAGS flags = which & 1u << USE_KINDS ? CKF_FIND_OBJECTS : 0;
	CK_SESSION_HANDLE hs;
	struct m_session *s;

	for (size_t k = 0; k < USE_KINDS; k++)
		flags |= which & 1u << k ? flag[k] : 0;
	call_begin("C_SessionCancel");
	s = enter(f, &hs);
	if (!judge(C_SessionCancel(hs, flags)))
		return;
	for (size_t k = 0; k < USE_KINDS; k++)
		if (which & 1u << k)
			op_stop(&s->op[k]);
	if (flags & CKF_FIND_OBJECTS)
		s->finding = false;
}

void
do_random(struct feed *f)
{
	uint8_t data[64];
	CK_ULONG n = feed_below(f, sizeof(data) + 1);
	bool none = feed_u8(f) > 245;
	CK_SESSION_HANDLE hs;
	struct m_session *s;

	call_begin("C_GenerateRandom");
	s = enter(f, &hs);
	may(s != NULL && none && n != 0, CKR_ARGUMENTS_BAD);
	(void)judge(C_GenerateRandom(hs, none ? NULL : data, n));
	memset(data, 1, sizeof(data));
	(void)judge(C_SeedRandom(hs, none ? NULL : data, n));
}

/* What there is not, says so whatever it is given. */
void
do_unsupported(struct feed *f)
{
	CK_SESSION_HANDLE hs = feed_u8(f) & 1 ? sessions[0].handle : 0;
	CK_ULONG n = 5;
	CK_RV rv = CKR_GENERAL_ERROR,
	      want = initialized ? CKR_FUNCTION_NOT_SUPPORTED : CKR_CRYPTOKI_NOT_INITIALIZED;

	switch (feed_u8(f) % 32) {
	case 0: rv = C_WaitForSlotEvent(0, NULL, NULL); break;
	case 1: rv = C_GetOperationState(hs, NULL, &n); break;
	case 2: rv = C_SetOperationState(hs, NULL, 9, 0, 0); break;
	case 3: rv = C_DigestKey(hs, 0); break;
	case 4: rv = C_SignRecoverInit(hs, NULL, 0); break;
	case 5: rv = C_SignRecover(hs, NULL, 9, NULL, &n); break;
	case 6: rv = C_VerifyRecoverInit(hs, NULL, 0); break;
	case 7: rv = C_VerifyRecover(hs, NULL, 9, NULL, &n); break;
	case 8: rv = C_DigestEncryptUpdate(hs, NULL, 9, NULL, &n); break;
	case 9: rv = C_DecryptDigestUpdate(hs, NULL, 9, NULL, &n); break;
	case 10: rv = C_SignEncryptUpdate(hs, NULL, 9, NULL, &n); break;
	case 11: rv = C_DecryptVerifyUpdate(hs, NULL, 9, NULL, &n); break;
	case 12: rv = C_MessageEncryptInit(hs, NULL, 0); break;
	case 13: rv = C_EncryptMessage(hs, NULL, 9, NULL, 9, NULL, 9, NULL, &n); break;
	case 14: rv = C_EncryptMessageBegin(hs, NULL, 9, NULL, 9); break;
	case 15: rv = C_EncryptMessageNext(hs, NULL, 9, NULL, 9, NULL, &n, 0); break;
	case 16: rv = C_MessageEncryptFinal(hs); break;
	case 17: rv = C_MessageDecryptInit(hs, NULL, 0); break;
	case 18: rv = C_DecryptMessage(hs, NULL, 9, NULL, 9, NULL, 9, NULL, &n); break;
	case 19: rv = C_DecryptMessageBegin(hs, NULL, 9, NULL, 9); break;
	case 20: rv = C_DecryptMessageNext(hs, NULL, 9, NULL, 9, NULL, &n, 0); break;
	case 21: rv = C_MessageDecryptFinal(hs); break;
	case 22: rv = C_MessageSignInit(hs, NULL, 0); break;
	case 23: rv = C_SignMessage(hs, NULL, 9, NULL, 9, NULL, &n); break;
	case 24: rv = C_SignMessageBegin(hs, NULL, 9); break;
	case 25: rv = C_SignMessageNext(hs, NULL, 9, NULL, 9, NULL, &n); break;
	case 26: rv = C_MessageSignFinal(hs); break;
	case 27: rv = C_MessageVerifyInit(hs, NULL, 0); break;
	case 28: rv = C_VerifyMessage(hs, NULL, 9, NULL, 9, NULL, 9); break;
	case 29: rv = C_VerifyMessageBegin(hs, NULL, 9); break;
	case 30: rv = C_VerifyMessageNext(hs, NULL, 9, NULL, 9, NULL, 9); break;
	default: rv = C_MessageVerifyFinal(hs); break;
	}
	MUST(rv == want && n == 5);
	MUST(C_GetFunctionStatus(hs) == CKR_FUNCTION_NOT_PARALLEL);
	MUST(C_CancelFunction(hs) == CKR_FUNCTION_NOT_PARALLEL);
}
