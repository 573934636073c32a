/* SPDX-License-Identifier: Apache-2.0 */
/* Objects beside the model: made, copied, looked at, changed, found, destroyed. Templates are good
 * ones here; bad ones are template_fuzz's. */
#include "tests/fuzz/model.h"

#define FOUND_MAX 64

/* -- templates --------------------------------------------------------------------------------- */

struct wish
choose_wish(struct feed *f, enum object_kind kind)
{
	static const uint32_t uses[] = { FLAG_ENCRYPT, FLAG_DECRYPT, FLAG_SIGN, FLAG_VERIFY,
		FLAG_WRAP, FLAG_UNWRAP, FLAG_DERIVE };
	uint8_t protect = feed_u8(f), use = feed_u8(f);
	struct wish w = { .token = (protect & 1) != 0 };
	bool secret = kind == OBJECT_SECRET_KEY || kind == OBJECT_PRIVATE_KEY;

	w.flags |= protect & 2 ? FLAG_PRIVATE : 0u;
	w.flags |= secret && (protect & 4) ? FLAG_SENSITIVE : 0u;
	w.flags |= secret && !(protect & 8) ? FLAG_EXTRACTABLE : 0u;
	w.flags |= protect & 16 ? 0u : FLAG_MODIFIABLE;
	w.flags |= protect & 32 ? 0u : FLAG_COPYABLE;
	w.flags |= protect & 64 ? 0u : FLAG_DESTROYABLE;
	if (kind == OBJECT_DATA || kind == OBJECT_CERTIFICATE)
		return w;
	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		w.flags |= use & 1u << i ? 0u : uses[i];
	if (kind == OBJECT_PRIVATE_KEY) {
		w.flags &= ~(uint32_t)(FLAG_ENCRYPT | FLAG_VERIFY | FLAG_WRAP);
		w.flags |= use & 128 ? FLAG_ALWAYS_AUTHENTICATE : 0u;
	}
	if (kind == OBJECT_PUBLIC_KEY)
		w.flags &= ~(uint32_t)(FLAG_DECRYPT | FLAG_SIGN | FLAG_UNWRAP);
	return w;
}

/* Every one of the kind's flags is said, so that no default matters. */
void
add_wish(struct tmpl *t, const struct wish *w, enum object_kind kind, unsigned label)
{
	enum {
		SECR = 1u << OBJECT_SECRET_KEY,
		PRIV = 1u << OBJECT_PRIVATE_KEY,
		PUB = 1u << OBJECT_PUBLIC_KEY,
		ALL = ~0u
	};
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		uint32_t flag;
		unsigned kinds;
	} rows[] = {
		{ CKA_PRIVATE, FLAG_PRIVATE, ALL },
		{ CKA_MODIFIABLE, FLAG_MODIFIABLE, ALL },
		{ CKA_COPYABLE, FLAG_COPYABLE, ALL },
		{ CKA_DESTROYABLE, FLAG_DESTROYABLE, ALL },
		{ CKA_SENSITIVE, FLAG_SENSITIVE, SECR | PRIV },
		{ CKA_EXTRACTABLE, FLAG_EXTRACTABLE, SECR | PRIV },
		{ CKA_ENCRYPT, FLAG_ENCRYPT, SECR | PUB },
		{ CKA_DECRYPT, FLAG_DECRYPT, SECR | PRIV },
		{ CKA_SIGN, FLAG_SIGN, SECR | PRIV },
		{ CKA_VERIFY, FLAG_VERIFY, SECR | PUB },
		{ CKA_WRAP, FLAG_WRAP, SECR | PUB },
		{ CKA_UNWRAP, FLAG_UNWRAP, SECR | PRIV },
		{ CKA_DERIVE, FLAG_DERIVE, SECR | PRIV | PUB },
		{ CKA_ALWAYS_AUTHENTICATE, FLAG_ALWAYS_AUTHENTICATE, PRIV },
	};
	char text[LABEL_ROOM];

	label_text(label, text);
	tmpl_set(t, CKA_LABEL, text, strlen(text));
	tmpl_set_bool(t, CKA_TOKEN, w->token);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if ((rows[i].kinds & 1u << kind) != 0)
			tmpl_set_bool(t, rows[i].type, (w->flags & rows[i].flag) != 0);
}

void
may_wish(const struct m_session *s, const struct wish *w)
{
	may_place(s, w->token, (w->flags & FLAG_PRIVATE) != 0);
	may((w->flags & FLAG_ALWAYS_AUTHENTICATE) != 0 && (w->flags & FLAG_PRIVATE) == 0,
	    CKR_TEMPLATE_INCONSISTENT);
}

struct m_object *
add_object(struct m_session *s, const struct wish *w, CK_OBJECT_HANDLE handle, unsigned label)
{
	struct m_object *o = object_new();

	MUST(o != NULL && handle != 0);
	for (size_t i = 0; i < OBJECTS; i++)
		MUST(!objects[i].alive || objects[i].token != s->token ||
		    objects[i].handle != handle);
	*o = (struct m_object){ .alive = true,
		.handle = handle,
		.token = s->token,
		.owner = w->token ? NULL : s,
		.label = label,
		.flags = w->flags };
	return o;
}

size_t
room(void)
{
	size_t n = 0;

	for (size_t i = 0; i < OBJECTS; i++)
		n += !objects[i].alive;
	return n;
}

/* -- create, copy, destroy --------------------------------------------------------------------- */

static const struct {
	enum object_kind kind;
	enum key_type type;
	unsigned bits;
	uint64_t material;
} good[GOOD_COUNT] = {
	[GOOD_DATA] = { OBJECT_DATA, KEY_NONE, 0, 0 },
	[GOOD_CERT] = { OBJECT_CERTIFICATE, KEY_NONE, 0, 0 },
	[GOOD_AES] = { OBJECT_SECRET_KEY, KEY_AES, 256, MATERIAL_SECRET },
	[GOOD_GENERIC] = { OBJECT_SECRET_KEY, KEY_GENERIC, 256, MATERIAL_SECRET },
	[GOOD_RSA_PUBLIC] = { OBJECT_PUBLIC_KEY, KEY_RSA, 2048, MATERIAL_RSA },
	[GOOD_RSA_PRIVATE] = { OBJECT_PRIVATE_KEY, KEY_RSA, 2048, MATERIAL_RSA },
	[GOOD_EC_PUBLIC] = { OBJECT_PUBLIC_KEY, KEY_EC, 256, MATERIAL_P256 },
	[GOOD_EC_PRIVATE] = { OBJECT_PRIVATE_KEY, KEY_EC, 256, MATERIAL_P256 },
	[GOOD_ED_PUBLIC] = { OBJECT_PUBLIC_KEY, KEY_EDWARDS, 255, MATERIAL_ED25519 },
	[GOOD_ED_PRIVATE] = { OBJECT_PRIVATE_KEY, KEY_EDWARDS, 255, MATERIAL_ED25519 },
};

void
do_create(struct feed *f)
{
	enum good what = (enum good)feed_below(f, GOOD_COUNT);
	struct wish w = choose_wish(f, good[what].kind);
	unsigned label = fresh_label();
	CK_OBJECT_HANDLE handle = 0;
	CK_SESSION_HANDLE hs;
	struct m_session *s;
	struct m_object *o;
	auto_tmpl t = { 0 };

	call_begin("C_CreateObject");
	if ((s = enter(f, &hs)) != NULL)
		may_wish(s, &w);
	if (room() == 0)
		return;
	tmpl_good(&t, what);
	add_wish(&t, &w, good[what].kind, label);
	if (!judge(C_CreateObject(hs, tmpl_pack(&t, false), t.n, &handle)))
		return;
	o = add_object(s, &w, handle, label);
	o->kind = good[what].kind;
	o->type = good[what].type;
	o->bits = good[what].bits;
	o->material = good[what].material;
}

static bool
is_secret_key(const struct m_object *o)
{
	return o->kind == OBJECT_PRIVATE_KEY || o->kind == OBJECT_SECRET_KEY;
}

static bool
holds_secret(const struct m_object *o)
{
	return is_secret_key(o) || o->kind == OBJECT_DATA;
}

void
do_copy(struct feed *f)
{
	uint8_t how = feed_u8(f);
	unsigned label = fresh_label();
	CK_OBJECT_HANDLE handle, copy = 0;
	CK_SESSION_HANDLE hs;
	struct m_session *s;
	struct m_object *o, *made;
	struct wish w = { 0 };
	char text[LABEL_ROOM];
	auto_tmpl t = { 0 };

	call_begin("C_CopyObject");
	s = enter(f, &hs);
	o = choose_object(f, s, &handle);
	may(s != NULL && o == NULL, CKR_OBJECT_HANDLE_INVALID);
	if (room() == 0)
		return;
	label_text(label, text);
	tmpl_set(&t, CKA_LABEL, text, strlen(text));
	if (how & 1)
		tmpl_set_bool(&t, CKA_TOKEN, (how & 2) != 0);
	if (how & 4)
		tmpl_set_bool(&t, CKA_PRIVATE, (how & 8) != 0);
	if (o != NULL) {
		w.token = how & 1 ? (how & 2) != 0 : o->owner == NULL;
		w.flags = o->flags;
		if (how & 4)
			w.flags =
			    how & 8 ? w.flags | FLAG_PRIVATE : w.flags & ~(uint32_t)FLAG_PRIVATE;
		may((o->flags & FLAG_COPYABLE) == 0, CKR_ACTION_PROHIBITED);
		may(o->orphan, CKR_OBJECT_HANDLE_INVALID);
		may(holds_secret(o) && (o->flags & FLAG_PRIVATE) != 0 &&
			(w.flags & FLAG_PRIVATE) == 0,
		    CKR_TEMPLATE_INCONSISTENT);
		may_place(s, w.token, (w.flags & FLAG_PRIVATE) != 0);
	}
	if (!judge(C_CopyObject(hs, handle, tmpl_pack(&t, false), t.n, &copy)))
		return;
	made = add_object(s, &w, copy, label);
	made->kind = o->kind;
	made->type = o->type;
	made->bits = o->bits;
	made->material = o->material;
	if (!w.token && is_secret_key(o))
		made->original = o->owner == NULL ? o : o->original;
	made->orphan = o->orphan;
}

void
do_destroy(struct feed *f)
{
	CK_OBJECT_HANDLE handle;
	CK_SESSION_HANDLE hs;
	struct m_session *s;
	struct m_object *o;

	call_begin("C_DestroyObject");
	s = enter(f, &hs);
	o = choose_object(f, s, &handle);
	may(s != NULL && o == NULL, CKR_OBJECT_HANDLE_INVALID);
	if (o != NULL) {
		may(o->owner == NULL && !s->rw, CKR_SESSION_READ_ONLY);
		may((o->flags & FLAG_DESTROYABLE) == 0, CKR_ACTION_PROHIBITED);
		/* a KMS key goes with it, which only a user may read */
		could(o->owner == NULL && !is_user(s) &&
			(o->kind == OBJECT_SECRET_KEY || o->kind == OBJECT_PRIVATE_KEY),
		    CKR_USER_NOT_LOGGED_IN);
	}
	if (judge(C_DestroyObject(hs, handle)))
		object_gone(o);
}

/* -- looking and changing ---------------------------------------------------------------------- */

void
do_size(struct feed *f)
{
	CK_OBJECT_HANDLE handle;
	CK_SESSION_HANDLE hs;
	struct m_session *s;
	struct m_object *o;
	CK_ULONG size = 0;
	bool no_room = feed_u8(f) > 250;

	call_begin("C_GetObjectSize");
	s = enter(f, &hs);
	o = choose_object(f, s, &handle);
	may(s != NULL && no_room, CKR_ARGUMENTS_BAD);
	may(s != NULL && o == NULL, CKR_OBJECT_HANDLE_INVALID);
	if (judge(C_GetObjectSize(hs, handle, no_room ? NULL : &size)))
		MUST(size > 0 && size < 1u << 20);
}

static bool
has_label(CK_SESSION_HANDLE hs, CK_OBJECT_HANDLE handle, unsigned label)
{
	char text[LABEL_ROOM], got[LABEL_ROOM] = "";
	CK_ATTRIBUTE a = { CKA_LABEL, got, sizeof(got) - 1 };

	label_text(label, text);
	return C_GetAttributeValue(hs, handle, &a, 1) == CKR_OK && a.ulValueLen == strlen(text) &&
	    memcmp(text, got, a.ulValueLen) == 0;
}

void
do_get(struct feed *f)
{
	CK_BBOOL token = 2, private = 2;
	CK_ATTRIBUTE t[] = { { CKA_TOKEN, &token, 1 }, { CKA_PRIVATE, &private, 1 } };
	CK_OBJECT_HANDLE handle;
	CK_SESSION_HANDLE hs;
	struct m_session *s;
	struct m_object *o;

	call_begin("C_GetAttributeValue");
	s = enter(f, &hs);
	o = choose_object(f, s, &handle);
	may(s != NULL && o == NULL, CKR_OBJECT_HANDLE_INVALID);
	if (!judge(C_GetAttributeValue(hs, handle, t, ARRAY_LEN(t))))
		return;
	MUST(token == (o->owner == NULL) && private == ((o->flags & FLAG_PRIVATE) != 0));
	MUST(has_label(hs, handle, o->label));
}

void
do_set(struct feed *f)
{
	unsigned label = fresh_label();
	CK_OBJECT_HANDLE handle;
	CK_SESSION_HANDLE hs;
	struct m_session *s;
	struct m_object *o;
	char text[LABEL_ROOM];
	auto_tmpl t = { 0 };

	call_begin("C_SetAttributeValue");
	s = enter(f, &hs);
	o = choose_object(f, s, &handle);
	may(s != NULL && o == NULL, CKR_OBJECT_HANDLE_INVALID);
	if (o != NULL) {
		may(o->owner == NULL && !s->rw, CKR_SESSION_READ_ONLY);
		may((o->flags & FLAG_MODIFIABLE) == 0, CKR_ACTION_PROHIBITED);
	}
	label_text(label, text);
	tmpl_set(&t, CKA_LABEL, text, strlen(text));
	if (judge(C_SetAttributeValue(hs, handle, tmpl_pack(&t, false), t.n)))
		o->label = label;
}

/* -- finding ----------------------------------------------------------------------------------- */

/* A template that the model can answer. */
struct question {
	struct tmpl t;
	bool by_kind, by_token, by_label, token;
	enum object_kind kind;
	unsigned label;
};

static void
choose_question(struct feed *f, struct question *q)
{
	static const CK_OBJECT_CLASS classes[] = { CKO_DATA, CKO_CERTIFICATE, CKO_PUBLIC_KEY,
		CKO_PRIVATE_KEY, CKO_SECRET_KEY };
	static const enum object_kind kinds[] = { OBJECT_DATA, OBJECT_CERTIFICATE,
		OBJECT_PUBLIC_KEY, OBJECT_PRIVATE_KEY, OBJECT_SECRET_KEY };
	uint8_t how = feed_u8(f);
	size_t class = feed_below(f, ARRAY_LEN(classes));
	char text[LABEL_ROOM];

	memset(q, 0, sizeof(*q));
	if (how & 1) {
		q->by_kind = true;
		q->kind = kinds[class];
		tmpl_number(&q->t, CKA_CLASS, classes[class]);
	}
	if (how & 2) {
		q->by_token = true;
		q->token = (how & 4) != 0;
		tmpl_bool(&q->t, CKA_TOKEN, q->token);
	}
	if (how & 8) {
		q->by_label = true;
		q->label = objects[how % OBJECTS].label;
		label_text(q->label, text);
		tmpl_add(&q->t, CKA_LABEL, text, strlen(text));
	}
}

/* Visible but for having a handle: a find gives it one. */
static bool
answers(const struct m_session *s, const struct question *q, const struct m_object *o)
{
	return o->alive && o->token == s->token && ((o->flags & FLAG_PRIVATE) == 0 || is_user(s)) &&
	    (!q->by_kind || o->kind == q->kind) &&
	    (!q->by_token || (o->owner == NULL) == q->token) &&
	    (!q->by_label || o->label == q->label);
}

static CK_ULONG
count(const struct m_session *s, const struct question *q)
{
	/* the token's profile is a token object without a label */
	CK_ULONG n = !q->by_kind && !q->by_label && (!q->by_token || q->token);

	for (size_t i = 0; i < OBJECTS; i++)
		n += answers(s, q, &objects[i]);
	return n;
}

static bool
is_profile(CK_SESSION_HANDLE hs, CK_OBJECT_HANDLE handle)
{
	CK_OBJECT_CLASS class = 0;
	CK_ATTRIBUTE a = { CKA_CLASS, &class, sizeof(class) };

	return C_GetAttributeValue(hs, handle, &a, 1) == CKR_OK && class == CKO_PROFILE;
}

/* The handle's object, which is one of those that were asked for, and keeps its handle. */
static void
meet(const struct m_session *s, const struct question *q, CK_OBJECT_HANDLE handle)
{
	for (size_t i = 0; i < OBJECTS; i++) {
		struct m_object *o = &objects[i];

		if (!answers(s, q, o) || !has_label(s->handle, handle, o->label))
			continue;
		MUST(o->handle == 0 || o->handle == handle);
		o->handle = handle;
		return;
	}
	MUST(is_profile(s->handle, handle));
}

void
do_find_all(struct feed *f)
{
	CK_OBJECT_HANDLE found[FOUND_MAX];
	CK_SESSION_HANDLE hs;
	struct m_session *s;
	struct question q;
	CK_ULONG n = 0;

	call_begin("C_FindObjectsInit");
	s = enter(f, &hs);
	choose_question(f, &q);
	may(s != NULL && s->finding, CKR_OPERATION_ACTIVE);
	if (judge(C_FindObjectsInit(hs, tmpl_pack(&q.t, false), q.t.n))) {
		MUST(C_FindObjects(hs, found, FOUND_MAX, &n) == CKR_OK);
		MUST(n == count(s, &q));
		for (CK_ULONG i = 0; i < n; i++) {
			meet(s, &q, found[i]);
			for (CK_ULONG k = 0; k < i; k++)
				MUST(found[i] != found[k]);
		}
		MUST(C_FindObjectsFinal(hs) == CKR_OK);
	}
	tmpl_free(&q.t);
}

void
do_find_init(struct feed *f)
{
	CK_SESSION_HANDLE hs;
	struct m_session *s;
	struct question q;

	call_begin("C_FindObjectsInit");
	s = enter(f, &hs);
	choose_question(f, &q);
	may(s != NULL && s->finding, CKR_OPERATION_ACTIVE);
	if (judge(C_FindObjectsInit(hs, tmpl_pack(&q.t, false), q.t.n))) {
		s->finding = true;
		s->found = count(s, &q);
	}
	tmpl_free(&q.t);
}

void
do_find(struct feed *f)
{
	CK_OBJECT_HANDLE found[8];
	CK_ULONG max = feed_below(f, ARRAY_LEN(found) + 1), n = 99;
	bool no_count = feed_u8(f) > 250;
	CK_SESSION_HANDLE hs;
	struct m_session *s;

	call_begin("C_FindObjects");
	s = enter(f, &hs);
	block(s != NULL && !s->finding, CKR_OPERATION_NOT_INITIALIZED);
	may(s != NULL && no_count, CKR_ARGUMENTS_BAD);
	if (judge(C_FindObjects(hs, found, max, no_count ? NULL : &n))) {
		MUST(n == (s->found < max ? s->found : max));
		s->found -= n;
	}
}

void
do_find_final(struct feed *f)
{
	CK_SESSION_HANDLE hs;
	struct m_session *s;

	call_begin("C_FindObjectsFinal");
	s = enter(f, &hs);
	block(s != NULL && !s->finding, CKR_OPERATION_NOT_INITIALIZED);
	if (judge(C_FindObjectsFinal(hs)))
		s->finding = false;
}
