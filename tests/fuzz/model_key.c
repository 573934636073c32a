/* SPDX-License-Identifier: Apache-2.0 */
/* Keys beside the model: generated, wrapped, unwrapped, derived. */
#include "tests/fuzz/known.h"
#include "tests/fuzz/model.h"

#define BLOBS 8

/* A wrapped key. */
static struct blob {
	const struct mech *mech;
	unsigned variant;
	uint64_t wrapping, material;
	enum object_kind kind;
	enum key_type type;
	unsigned bits;
	struct buf bytes;
} blobs[BLOBS];
static size_t n_blobs;

void
blobs_clear(void)
{
	for (size_t i = 0; i < BLOBS; i++)
		buf_free(&blobs[i].bytes);
	n_blobs = 0;
}

/* -- generation -------------------------------------------------------------------------------- */

void
do_generate(struct feed *f)
{
	static const uint16_t lens[] = { 16, 32, 24, 1, 100, 600, 0, 17 };
	CK_ULONG len = lens[feed_below(f, ARRAY_LEN(lens))];
	struct wish w = choose_wish(f, OBJECT_SECRET_KEY);
	unsigned label = fresh_label();
	CK_OBJECT_HANDLE handle = 0;
	CK_SESSION_HANDLE hs;
	bool aes = (feed_u8(f) & 1) == 0;
	CK_MECHANISM m = { aes ? CKM_AES_KEY_GEN : CKM_GENERIC_SECRET_KEY_GEN, NULL, 0 };
	struct m_session *s;
	struct m_object *o;
	auto_tmpl t = { 0 };

	call_begin("C_GenerateKey");
	if ((s = enter(f, &hs)) != NULL) {
		may_wish(s, &w);
		may(len == 0 || (aes && len != 16 && len != 24 && len != 32),
		    CKR_ATTRIBUTE_VALUE_INVALID);
	}
	if (room() == 0)
		return;
	tmpl_number(&t, CKA_VALUE_LEN, len);
	add_wish(&t, &w, OBJECT_SECRET_KEY, label);
	if (!judge(C_GenerateKey(hs, &m, tmpl_pack(&t, false), t.n, &handle)))
		return;
	o = add_object(s, &w, handle, label);
	o->kind = OBJECT_SECRET_KEY;
	o->type = aes ? KEY_AES : KEY_GENERIC;
	o->bits = (unsigned)len * 8;
	o->material = fresh_material();
}

/* Both halves, each in its place. */
void
do_generate_pair(struct feed *f)
{
	static const struct {
		CK_MECHANISM_TYPE mech;
		enum key_type type;
		unsigned bits;
	} rows[] = {
		{ CKM_EC_KEY_PAIR_GEN, KEY_EC, 256 },
		{ CKM_EC_EDWARDS_KEY_PAIR_GEN, KEY_EDWARDS, 255 },
		{ CKM_RSA_PKCS_KEY_PAIR_GEN, KEY_RSA, 2048 },
	};
	size_t row = feed_below(f, ARRAY_LEN(rows));
	CK_MECHANISM m = { rows[row].mech, NULL, 0 };
	struct slice params =
	    curve_params(rows[row].type == KEY_EDWARDS ? CURVE_ED25519 : CURVE_P256);
	struct wish w[2] = { choose_wish(f, OBJECT_PUBLIC_KEY),
		choose_wish(f, OBJECT_PRIVATE_KEY) };
	unsigned label[2] = { fresh_label(), fresh_label() };
	CK_OBJECT_HANDLE handle[2] = { 0, 0 };
	CK_SESSION_HANDLE hs;
	struct m_session *s;
	auto_tmpl t = { 0 };
	auto_tmpl u = { 0 };
	uint64_t material;

	call_begin("C_GenerateKeyPair");
	if ((s = enter(f, &hs)) != NULL) {
		may_wish(s, &w[0]);
		may_wish(s, &w[1]);
	}
	if (room() < 2)
		return;
	if (rows[row].type == KEY_RSA)
		tmpl_number(&t, CKA_MODULUS_BITS, 2048);
	else
		tmpl_add(&t, CKA_EC_PARAMS, params.p, params.len);
	add_wish(&t, &w[0], OBJECT_PUBLIC_KEY, label[0]);
	add_wish(&u, &w[1], OBJECT_PRIVATE_KEY, label[1]);
	if (!judge(C_GenerateKeyPair(hs, &m, tmpl_pack(&t, false), t.n, tmpl_pack(&u, false), u.n,
		&handle[0], &handle[1])))
		return;
	material = rows[row].type == KEY_RSA ? MATERIAL_RSA : fresh_material();
	for (int i = 0; i < 2; i++) {
		struct m_object *o = add_object(s, &w[i], handle[i], label[i]);

		o->kind = i == 0 ? OBJECT_PUBLIC_KEY : OBJECT_PRIVATE_KEY;
		o->type = rows[row].type;
		o->bits = rows[row].bits;
		o->material = material;
	}
}

/* -- wrapping ---------------------------------------------------------------------------------- */

/* The bytes that a key travels as: its value, or PKCS#8. */
static size_t
travel_len(const struct m_object *o)
{
	switch (o->kind) {
	case OBJECT_SECRET_KEY: return o->bits / 8;
	case OBJECT_PRIVATE_KEY:
		return o->type == KEY_RSA ? known(KNOWN_RSA).len
		    : o->type == KEY_EC	  ? known(KNOWN_P256).len
					  : known(KNOWN_ED25519).len;
	case OBJECT_NONE:
	case OBJECT_PUBLIC_KEY:
	case OBJECT_CERTIFICATE:
	case OBJECT_DATA: break;
	}
	return 0;
}

static void
may_refuse_wrapping(const struct mech *m, const struct m_object *key)
{
	bool half;

	may(key == NULL, CKR_WRAPPING_KEY_HANDLE_INVALID);
	if (key == NULL)
		return;
	may(key->orphan, CKR_WRAPPING_KEY_HANDLE_INVALID);
	half = key->kind == OBJECT_SECRET_KEY || key->kind == OBJECT_PUBLIC_KEY;
	may(!half || key->type != m->key, CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
	may((key->flags & FLAG_WRAP) == 0, CKR_KEY_FUNCTION_NOT_PERMITTED);
	may(half && key->type == m->key && m->key == KEY_AES &&
		(key->bits / 8 < m->min || key->bits / 8 > m->max),
	    CKR_WRAPPING_KEY_SIZE_RANGE);
}

static void
may_refuse_target(const struct mech *m, unsigned variant, const struct m_object *o, bool asks)
{
	/* a question for the length need not try it */
	void (*const refuse)(bool when, CK_RV rv) = asks ? could : may;
	size_t len;

	may(o == NULL, CKR_KEY_HANDLE_INVALID);
	if (o == NULL)
		return;
	may(o->kind != OBJECT_SECRET_KEY && o->kind != OBJECT_PRIVATE_KEY, CKR_KEY_NOT_WRAPPABLE);
	may(o->orphan, CKR_KEY_HANDLE_INVALID);
	may((o->flags & FLAG_EXTRACTABLE) == 0, CKR_KEY_UNEXTRACTABLE);
	may(m->key == KEY_RSA && o->kind == OBJECT_PRIVATE_KEY, CKR_KEY_NOT_WRAPPABLE);
	len = travel_len(o);
	refuse(m->alg == ALG_AES_KW && len <= 8, CKR_KEY_SIZE_RANGE);
	refuse(m->alg == ALG_RSA_PKCS1 && len + 11 > 256, CKR_KEY_SIZE_RANGE);
	refuse(m->alg == ALG_RSA_OAEP && len + 2 * param_oaep_hash(variant) + 2 > 256,
	    CKR_KEY_SIZE_RANGE);
}

/* The length is known: now the bytes. */
static void
keep_blob(CK_SESSION_HANDLE hs, struct m_param *p, const struct m_object *key,
    const struct m_object *o, const struct mech *m, unsigned variant, CK_ULONG asked)
{
	struct blob *b;
	uint8_t *out;
	CK_ULONG len = asked;

	if (n_blobs == BLOBS)
		return;
	b = &blobs[n_blobs++];
	MUST(buf_extend(&b->bytes, asked, &out) == KMS_OK);
	call_begin("C_WrapKey");
	may_refuse_target(m, variant, o, false);
	if (!judge(C_WrapKey(hs, &p->m, key->handle, o->handle, out, &len))) {
		n_blobs--;
		buf_free(&b->bytes);
		return;
	}
	MUST(len <= asked);
	b->bytes.len = len;
	b->mech = m;
	b->variant = variant;
	b->wrapping = key->material;
	b->material = o->material;
	b->kind = o->kind;
	b->type = o->type;
	b->bits = o->bits;
}

void
do_wrap(struct feed *f)
{
	uint8_t how = feed_u8(f), small[4];
	unsigned variant = (unsigned)feed_below(f, PARAM_VARIANTS);
	CK_OBJECT_HANDLE key_handle, handle;
	CK_SESSION_HANDLE hs;
	CK_MECHANISM_TYPE type;
	const struct mech *m = choose_mech(f, &type);
	struct m_param p = { 0 };
	struct m_object *key, *o;
	struct m_session *s;
	CK_ULONG len = sizeof(small);
	bool offered = m != NULL && (m->flags & CKF_WRAP) != 0;

	call_begin("C_WrapKey");
	s = enter(f, &hs);
	key = choose_object(f, s, &key_handle);
	o = choose_object(f, s, &handle);
	p.m.mechanism = type;
	if (m != NULL)
		param_make(&p, m, variant);
	if (s != NULL) {
		may(!offered, CKR_MECHANISM_INVALID);
		may(how > 250, CKR_ARGUMENTS_BAD);
		may(offered && !p.good, CKR_MECHANISM_PARAM_INVALID);
		if (offered) {
			may_refuse_wrapping(m, key);
			may_refuse_target(m, variant, o, (how & 1) == 0);
			may((how & 1) != 0 && can_succeed(), CKR_BUFFER_TOO_SMALL);
		}
	}
	/* four bytes are too few for any wrapped key, none is a question */
	if (judge(C_WrapKey(hs, &p.m, key_handle, handle, how & 1 ? small : NULL,
		how > 250 ? NULL : &len)))
		keep_blob(hs, &p, key, o, m, variant, len);
	param_free(&p);
}

static void
may_refuse_unwrapping(const struct mech *m, const struct m_object *key)
{
	bool half;

	may(key == NULL, CKR_UNWRAPPING_KEY_HANDLE_INVALID);
	if (key == NULL)
		return;
	may(key->orphan, CKR_UNWRAPPING_KEY_HANDLE_INVALID);
	half = key->kind == OBJECT_SECRET_KEY || key->kind == OBJECT_PRIVATE_KEY;
	may(!half || key->type != m->key, CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
	may((key->flags & FLAG_UNWRAP) == 0, CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static CK_KEY_TYPE
ckk_of(enum key_type type)
{
	return type == KEY_RSA	  ? CKK_RSA
	    : type == KEY_EC	  ? CKK_EC
	    : type == KEY_EDWARDS ? CKK_EC_EDWARDS
	    : type == KEY_AES	  ? CKK_AES
				  : CKK_GENERIC_SECRET;
}

/* A visible key that opens B; else whatever the input chooses. */
static struct m_object *
key_of_blob(struct feed *f, const struct m_session *s, const struct blob *b, CK_OBJECT_HANDLE *ret)
{
	struct m_object *other = choose_object(f, s, ret);

	if (s == NULL || feed_u8(f) > 200)
		return other;
	for (size_t i = 0; i < OBJECTS; i++) {
		struct m_object *o = &objects[i];

		if (visible(s, o) && o->material == b->wrapping && o->type == b->mech->key &&
		    (o->kind == OBJECT_SECRET_KEY || o->kind == OBJECT_PRIVATE_KEY)) {
			*ret = o->handle;
			return o;
		}
	}
	return other;
}

void
do_unwrap(struct feed *f)
{
	size_t at = feed_below(f, BLOBS);
	uint8_t damage = feed_u8(f);
	const struct blob *b = &blobs[at];
	struct wish w = choose_wish(f, at < n_blobs ? b->kind : OBJECT_SECRET_KEY);
	unsigned label = fresh_label();
	CK_OBJECT_HANDLE key_handle, handle = 0;
	CK_SESSION_HANDLE hs;
	struct m_param p;
	struct m_object *key, *o;
	struct m_session *s;
	auto_tmpl t = { 0 };
	auto_buf bytes = { 0 };
	bool same, sure;

	if (at >= n_blobs || room() == 0)
		return;
	call_begin("C_UnwrapKey");
	s = enter(f, &hs);
	key = key_of_blob(f, s, b, &key_handle);
	MUST(buf_set(&bytes, buf_slice(&b->bytes)) == KMS_OK);
	if (damage > 230)
		bytes.p[damage % bytes.len] ^= 1;
	param_make(&p, b->mech, b->variant);
	tmpl_number(&t, CKA_CLASS, b->kind == OBJECT_SECRET_KEY ? CKO_SECRET_KEY : CKO_PRIVATE_KEY);
	tmpl_number(&t, CKA_KEY_TYPE, ckk_of(b->type));
	if (b->kind == OBJECT_SECRET_KEY)
		tmpl_number(&t, CKA_VALUE_LEN, b->bits / 8);
	add_wish(&t, &w, b->kind, label);
	same = damage <= 230 && key != NULL && key->material == b->wrapping;
	/* a mode that does not notice gives any bytes, which may be a key */
	sure = b->mech->alg == ALG_AES_KW || b->mech->alg == ALG_AES_KWP ||
	    b->mech->alg == ALG_RSA_OAEP ||
	    (b->mech->alg == ALG_AES_GCM && param_tag_len(b->variant) >= 8);
	if (s != NULL) {
		may_wish(s, &w);
		may_refuse_unwrapping(b->mech, key);
		if (!same) {
			static const CK_RV wrong[] = { CKR_WRAPPED_KEY_INVALID,
				CKR_WRAPPED_KEY_LEN_RANGE, CKR_TEMPLATE_INCONSISTENT };

			for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
				(sure ? may : could)(true, wrong[i]);
		}
	}
	if (judge(C_UnwrapKey(hs, &p.m, key_handle, bytes.p, bytes.len, tmpl_pack(&t, false), t.n,
		&handle))) {
		o = add_object(s, &w, handle, label);
		o->kind = b->kind;
		o->type = b->type;
		o->bits = b->bits;
		o->material = same ? b->material : fresh_material();
	}
	param_free(&p);
}

void
do_derive(struct feed *f)
{
	static const uint8_t lens[] = { 32, 16, 0, 1, 33, 24 };
	unsigned variant = (unsigned)feed_below(f, 4);
	bool aes = (feed_u8(f) & 1) != 0, far;
	CK_ULONG len = lens[feed_below(f, ARRAY_LEN(lens))];
	struct wish w = choose_wish(f, OBJECT_SECRET_KEY);
	unsigned label = fresh_label();
	CK_OBJECT_HANDLE base_handle, handle = 0;
	CK_SESSION_HANDLE hs;
	struct m_session *s;
	struct m_object *base, *o;
	struct m_param p;
	auto_tmpl t = { 0 };

	if (room() == 0)
		return;
	call_begin("C_DeriveKey");
	s = enter(f, &hs);
	base = choose_object(f, s, &base_handle);
	param_make(&p, mech_find(CKM_ECDH1_DERIVE), variant);
	tmpl_number(&t, CKA_CLASS, CKO_SECRET_KEY);
	tmpl_number(&t, CKA_KEY_TYPE, aes ? CKK_AES : CKK_GENERIC_SECRET);
	if (len != 0)
		tmpl_number(&t, CKA_VALUE_LEN, len);
	add_wish(&t, &w, OBJECT_SECRET_KEY, label);
	if (s != NULL) {
		may_wish(s, &w);
		may(base == NULL || base->orphan, CKR_KEY_HANDLE_INVALID);
		far = base != NULL && (base->kind != OBJECT_PRIVATE_KEY || base->type != KEY_EC);
		may(far, CKR_KEY_TYPE_INCONSISTENT);
		may(base != NULL && (base->flags & FLAG_DERIVE) == 0,
		    CKR_KEY_FUNCTION_NOT_PERMITTED);
		may(!p.good, CKR_MECHANISM_PARAM_INVALID);
		may(len > 32, CKR_ATTRIBUTE_VALUE_INVALID);
		may(aes && len != 0 && len != 16 && len != 24 && len != 32,
		    CKR_TEMPLATE_INCONSISTENT);
	}
	if (judge(C_DeriveKey(hs, &p.m, base_handle, tmpl_pack(&t, false), t.n, &handle))) {
		o = add_object(s, &w, handle, label);
		o->kind = OBJECT_SECRET_KEY;
		o->type = aes ? KEY_AES : KEY_GENERIC;
		o->bits = (unsigned)(len == 0 ? 32 : len) * 8;
		o->material = mix(mix(base->material, 77), len == 0 ? 32 : len);
	}
	param_free(&p);
}
