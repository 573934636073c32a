/* SPDX-License-Identifier: Apache-2.0 */
/* The model's state and its expectations; see model.h. */
#include "tests/fuzz/model.h"

#include "pkcs11/rv.h"

bool initialized;
struct m_token tokens[TOKENS];
struct m_session sessions[SESSIONS];
struct m_object objects[OBJECTS];

static struct {
	struct m_token *token;
	CK_OBJECT_HANDLE handle;
} stale[STALE];
static size_t n_stale;
static CK_SESSION_HANDLE closed[STALE];
static size_t n_closed;
static unsigned labels;
static bool trace; /* with KMS_FUZZ_TRACE in the environment: each call, to read a finding */
static uint64_t materials;

void
model_begin(void)
{
	trace = getenv("KMS_FUZZ_TRACE") != NULL;
	initialized = false;
	tokens[0] =
	    (struct m_token){ .slot = SLOT, .made = true, .so_pin = PIN_SO, .user_pin = PIN_USER };
	tokens[1] = (struct m_token){ .slot = SLOT_BLANK, .so_pin = -1, .user_pin = -1 };
	memset(sessions, 0, sizeof(sessions));
	memset(objects, 0, sizeof(objects));
	labels = 0;
	materials = 1000;
	memset(closed, 0, sizeof(closed));
	n_stale = n_closed = 0;
}

void
model_end(void)
{
	for (size_t i = 0; i < SESSIONS; i++)
		for (size_t k = 0; k < USE_KINDS; k++)
			op_stop(&sessions[i].op[k]);
	records_clear();
	blobs_clear();
}

/* -- expectations ------------------------------------------------------------------------------ */

static struct {
	const char *function;
	bool blocked;
	CK_RV must[24], can[24];
	size_t n_must, n_can;
} expected;

void
call_begin(const char *function)
{
	memset(&expected, 0, sizeof(expected));
	expected.function = function;
}

void
may(bool when, CK_RV rv)
{
	if (when && !expected.blocked && expected.n_must < ARRAY_LEN(expected.must))
		expected.must[expected.n_must++] = rv;
}

void
block(bool when, CK_RV rv)
{
	if (!when || expected.blocked)
		return;
	expected.n_must = 0;
	may(true, rv);
	expected.blocked = true;
}

void
could(bool when, CK_RV rv)
{
	if (when && !expected.blocked && expected.n_can < ARRAY_LEN(expected.can))
		expected.can[expected.n_can++] = rv;
}

bool
can_succeed(void)
{
	return expected.n_must == 0;
}

bool
judge(CK_RV rv)
{
	bool found = rv == CKR_OK && expected.n_must == 0;

	if (trace)
		fprintf(stderr, "%s: %s\n", expected.function, rv_name(rv));
	for (size_t i = 0; i < expected.n_must; i++)
		found |= expected.must[i] == rv;
	for (size_t i = 0; i < expected.n_can && !expected.blocked; i++)
		found |= expected.can[i] == rv;
	if (found)
		return rv == CKR_OK;
	fprintf(stderr, "%s gave %s (0x%lx); expected", expected.function, rv_name(rv), rv);
	for (size_t i = 0; i < expected.n_must; i++)
		fprintf(stderr, " %s", rv_name(expected.must[i]));
	fprintf(stderr, "%s\n", expected.n_must == 0 ? " CKR_OK" : "");
	abort();
}

/* -- choices ----------------------------------------------------------------------------------- */

struct m_session *
enter(struct feed *f, CK_SESSION_HANDLE *hs)
{
	uint8_t which = feed_u8(f);
	size_t n = 0, at = 0, left;

	block(!initialized, CKR_CRYPTOKI_NOT_INITIALIZED);
	for (size_t i = 0; i < SESSIONS; i++)
		n += sessions[i].open;
	if (which < 230 && n > 0) {
		for (left = which % n;; at++)
			if (sessions[at].open && left-- == 0)
				break;
		*hs = sessions[at].handle;
		return initialized ? &sessions[at] : NULL;
	}
	/* closed ones, and numbers that never were any */
	at = which % (STALE + 2);
	*hs = at < STALE ? closed[at] : at == STALE ? 0 : (CK_SESSION_HANDLE)-1;
	block(true, CKR_SESSION_HANDLE_INVALID);
	return NULL;
}

static struct m_object *
by_handle(const struct m_session *s, CK_OBJECT_HANDLE handle)
{
	for (size_t i = 0; i < OBJECTS; i++)
		if (objects[i].handle == handle && handle != 0 && visible(s, &objects[i]))
			return &objects[i];
	return NULL;
}

struct m_object *
choose_object(struct feed *f, const struct m_session *s, CK_OBJECT_HANDLE *ret)
{
	uint8_t which = feed_u8(f);
	size_t n = 0, left;

	*ret = 0;
	if (s == NULL)
		return NULL;
	for (size_t i = 0; i < OBJECTS; i++)
		n += visible(s, &objects[i]);
	if (which < 230 && n > 0) {
		left = which % n;
		for (size_t i = 0; i < OBJECTS; i++) {
			if (visible(s, &objects[i]) && left-- == 0) {
				*ret = objects[i].handle;
				return &objects[i];
			}
		}
	}
	/* of another token, of no object any more, of none ever */
	if (which % 3 == 0)
		*ret = objects[which % OBJECTS].handle;
	else if (which % 3 == 1)
		*ret = stale[which % STALE].handle;
	else
		*ret = which & 4 ? (CK_OBJECT_HANDLE)-1 : 0;
	return by_handle(s, *ret);
}

const struct mech *
choose_mech(struct feed *f, CK_MECHANISM_TYPE *type)
{
	static const CK_MECHANISM_TYPE none[] = { CKM_DES3_CBC, CKM_VENDOR_DEFINED,
		(CK_MECHANISM_TYPE)-1 };
	size_t n, which = feed_u8(f);
	const struct mech *rows = mech_rows(&n);

	if (which < n && rows[which].alg != ALG_KMS) {
		*type = rows[which].type;
		return &rows[which];
	}
	*type = none[which % ARRAY_LEN(none)];
	return NULL;
}

/* NULL: there is no such slot, and the expectation is set. */
struct m_token *
choose_slot(struct feed *f, CK_SLOT_ID *ret)
{
	uint8_t which = feed_u8(f);

	block(!initialized, CKR_CRYPTOKI_NOT_INITIALIZED);
	*ret = which < 180 ? SLOT
	    : which < 240  ? SLOT_BLANK
	    : which < 250  ? SLOT_NONE
			   : (CK_SLOT_ID)-1;
	if (which >= 240) {
		may(true, CKR_SLOT_ID_INVALID);
		return NULL;
	}
	return &tokens[which < 180 ? 0 : 1];
}

size_t
open_sessions(const struct m_token *t, bool rw_only)
{
	size_t n = 0;

	for (size_t i = 0; i < SESSIONS; i++)
		n += sessions[i].open && sessions[i].token == t && (sessions[i].rw || !rw_only);
	return n;
}

/* -- objects ----------------------------------------------------------------------------------- */

bool
is_user(const struct m_session *s)
{
	return s->token->role == ROLE_USER;
}

bool
visible(const struct m_session *s, const struct m_object *o)
{
	return o->alive && o->handle != 0 && o->token == s->token &&
	    ((o->flags & FLAG_PRIVATE) == 0 || is_user(s));
}

struct m_object *
object_new(void)
{
	for (size_t i = 0; i < OBJECTS; i++)
		if (!objects[i].alive)
			return &objects[i];
	return NULL;
}

static void
handle_gone(struct m_object *o)
{
	if (o->handle != 0) {
		stale[n_stale % STALE].token = o->token;
		stale[n_stale++ % STALE].handle = o->handle;
	}
	o->handle = 0;
}

void
object_gone(struct m_object *o)
{
	handle_gone(o);
	for (size_t i = 0; i < OBJECTS; i++)
		objects[i].orphan |= objects[i].alive && objects[i].original == o;
	*o = (struct m_object){ 0 };
}

void
may_place(const struct m_session *s, bool token, bool private)
{
	may(token && !s->rw, CKR_SESSION_READ_ONLY);
	may(private && !is_user(s), CKR_USER_NOT_LOGGED_IN);
	may(token && !s->token->made, CKR_TOKEN_NOT_RECOGNIZED);
}

uint64_t
mix(uint64_t a, uint64_t b)
{
	uint64_t z = a * 0x9e3779b97f4a7c15u + b;

	z = (z ^ z >> 32) * 0xd6e8feb86659fd93u;
	return z ^ z >> 32;
}

uint64_t
fresh_material(void)
{
	return ++materials;
}

unsigned
fresh_label(void)
{
	return ++labels;
}

void
label_text(unsigned label, char ret[LABEL_ROOM])
{
	(void)snprintf(ret, LABEL_ROOM, "o%u", label % 100000);
}

/* -- sessions ---------------------------------------------------------------------------------- */

void
op_stop(struct m_op *op)
{
	buf_free(&op->in);
	buf_free(&op->out);
	*op = (struct m_op){ 0 };
}

void
logged_out(struct m_token *t)
{
	t->role = ROLE_NONE;
	for (size_t i = 0; i < OBJECTS; i++) {
		if (objects[i].token != t || (objects[i].flags & FLAG_PRIVATE) == 0)
			continue;
		if (objects[i].owner != NULL)
			object_gone(&objects[i]);
		else
			handle_gone(&objects[i]);
	}
}

void
session_closed(struct m_session *s)
{
	bool last = true;

	s->open = s->finding = false;
	closed[n_closed++ % STALE] = s->handle;
	for (size_t k = 0; k < USE_KINDS; k++)
		op_stop(&s->op[k]);
	for (size_t i = 0; i < OBJECTS; i++)
		if (objects[i].alive && objects[i].owner == s)
			object_gone(&objects[i]);
	for (size_t i = 0; i < SESSIONS; i++)
		last &= !(sessions[i].open && sessions[i].token == s->token);
	if (last)
		logged_out(s->token);
}

void
finalized(void)
{
	for (size_t i = 0; i < SESSIONS; i++)
		if (sessions[i].open)
			session_closed(&sessions[i]);
	for (size_t i = 0; i < OBJECTS; i++)
		objects[i].handle = 0;
	/* a module that starts anew numbers its objects anew */
	memset(stale, 0, sizeof(stale));
	initialized = false;
}
