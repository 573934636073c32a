/* SPDX-License-Identifier: Apache-2.0 */
/* Encryption, decryption, digests, signatures and MACs beside the model: begun, in one piece, in
 * parts, with any room for what they give. */
#include "tests/fuzz/model.h"

#define TEXT_MAX 8192

enum form { ONCE, UPDATE, FINAL };

static const char *const kind_name[USE_KINDS] = { "Encrypt", "Decrypt", "Digest", "Sign",
	"Verify" };

static bool
makes(enum use_kind kind)
{
	return kind == USE_ENCRYPT || kind == USE_SIGN || kind == USE_DIGEST;
}

/* -- Init -------------------------------------------------------------------------------------- */

static CK_RV
call_init(enum use_kind kind, CK_SESSION_HANDLE hs, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	switch (kind) {
	case USE_ENCRYPT: return C_EncryptInit(hs, m, key);
	case USE_DECRYPT: return C_DecryptInit(hs, m, key);
	case USE_DIGEST: return C_DigestInit(hs, m);
	case USE_SIGN: return C_SignInit(hs, m, key);
	case USE_VERIFY:
	case USE_KINDS: break;
	}
	return C_VerifyInit(hs, m, key);
}

static const struct {
	CK_FLAGS offered;
	uint32_t permitted;
	enum object_kind half;
} rules[USE_KINDS] = {
	[USE_ENCRYPT] = { CKF_ENCRYPT, FLAG_ENCRYPT, OBJECT_PUBLIC_KEY },
	[USE_DECRYPT] = { CKF_DECRYPT, FLAG_DECRYPT, OBJECT_PRIVATE_KEY },
	[USE_DIGEST] = { CKF_DIGEST, 0, OBJECT_NONE },
	[USE_SIGN] = { CKF_SIGN, FLAG_SIGN, OBJECT_PRIVATE_KEY },
	[USE_VERIFY] = { CKF_VERIFY, FLAG_VERIFY, OBJECT_PUBLIC_KEY },
};

static bool
size_fits(const struct mech *m, const struct m_object *o)
{
	CK_ULONG size = m->key == KEY_AES ? o->bits / 8 : o->bits;

	return size >= m->min && size <= m->max;
}

static void
may_refuse_key(enum use_kind kind, const struct mech *m, const struct m_object *o)
{
	bool is_key = o != NULL &&
	    (o->kind == OBJECT_SECRET_KEY || o->kind == OBJECT_PRIVATE_KEY ||
		o->kind == OBJECT_PUBLIC_KEY);

	may(!is_key || o->orphan, CKR_KEY_HANDLE_INVALID);
	if (!is_key)
		return;
	may(o->kind != OBJECT_SECRET_KEY && o->kind != rules[kind].half, CKR_KEY_TYPE_INCONSISTENT);
	may(o->type != m->key, CKR_KEY_TYPE_INCONSISTENT);
	may(o->type == m->key && !size_fits(m, o), CKR_KEY_SIZE_RANGE);
	may((o->flags & rules[kind].permitted) == 0, CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/* A key of S that undoes what the record did. */
static struct m_object *
key_for(const struct m_session *s, const struct record *r)
{
	for (size_t i = 0; i < OBJECTS; i++)
		if (visible(s, &objects[i]) && objects[i].material == r->material &&
		    objects[i].type == r->mech->key &&
		    (objects[i].kind == OBJECT_SECRET_KEY ||
			(objects[i].kind == OBJECT_PUBLIC_KEY) == (r->kind == USE_SIGN)))
			return &objects[i];
	return NULL;
}

static void
begun(struct m_op *op, const struct mech *m, unsigned variant, const struct m_object *o,
    const struct record *record)
{
	op_stop(op);
	*op = (struct m_op){ .phase = READY,
		.mech = m,
		.variant = variant,
		.material = o == NULL ? 0 : o->material,
		.bits = o == NULL ? 0 : o->bits,
		.need_user = o != NULL && (o->flags & FLAG_PRIVATE) != 0,
		.need_login = o != NULL && o->kind == OBJECT_PRIVATE_KEY &&
		    (o->flags & FLAG_ALWAYS_AUTHENTICATE) != 0,
		.record = record };
}

void
do_init(struct feed *f)
{
	static const char *const init_name[USE_KINDS] = { "C_EncryptInit", "C_DecryptInit",
		"C_DigestInit", "C_SignInit", "C_VerifyInit" };
	enum use_kind kind = (enum use_kind)feed_below(f, USE_KINDS);
	CK_SESSION_HANDLE hs;
	CK_OBJECT_HANDLE handle;
	CK_MECHANISM_TYPE type;
	struct m_session *s;
	struct m_object *o;
	const struct mech *m;
	struct m_param p = { 0 };
	unsigned variant;
	const struct record *r;
	bool cancel;

	call_begin(init_name[kind]);
	s = enter(f, &hs);
	m = choose_mech(f, &type);
	variant = (unsigned)feed_below(f, PARAM_VARIANTS);
	cancel = feed_u8(f) > 240;
	o = choose_object(f, s, &handle);
	r = choose_record(f, kind);
	if (s != NULL && r != NULL && key_for(s, r) != NULL) {
		m = r->mech;
		variant = r->variant;
		o = key_for(s, r);
		handle = o->handle;
	} else {
		r = NULL;
	}
	if (cancel) {
		may(s != NULL && s->op[kind].phase == IDLE, CKR_ARGUMENTS_BAD);
		if (judge(call_init(kind, hs, NULL, handle)))
			op_stop(&s->op[kind]);
		return;
	}
	p.m.mechanism = type;
	if (m != NULL)
		param_make(&p, m, variant);
	if (s != NULL) {
		bool offered = m != NULL && (m->flags & rules[kind].offered) != 0;

		may(s->op[kind].phase != IDLE, CKR_OPERATION_ACTIVE);
		may(!offered, CKR_MECHANISM_INVALID);
		may(offered && !p.good, CKR_MECHANISM_PARAM_INVALID);
		if (offered && kind != USE_DIGEST)
			may_refuse_key(kind, m, o);
	}
	if (judge(call_init(kind, hs, &p.m, handle)))
		begun(&s->op[kind], m, variant, kind == USE_DIGEST ? NULL : o, r);
	param_free(&p);
}

/* -- input and output -------------------------------------------------------------------------- */

/* The memory of one call: input and room for output, apart from each other or over each other. */
struct io {
	struct buf in;
	uint8_t *memory, *other, *len_memory;
	uint8_t *ip, *op;
	CK_ULONG in_len, cap, *len;
	bool no_len, query;
};

static const uint16_t lengths[] = { 0, 16, 1, 32, 15, 17, 20, 24, 48, 64, 100, 128, 190, 245, 256,
	257, 1000, 4096 };

/* The text that goes in: of a record that is undone, or made up. */
static void
choose_input(struct feed *f, const struct m_op *op, enum use_kind kind, enum form form,
    struct buf *ret)
{
	size_t len = lengths[feed_below(f, ARRAY_LEN(lengths))];
	uint8_t how = feed_u8(f), *p;

	if (op->record != NULL && how < 224) {
		const struct record *r = op->record;
		struct slice all = buf_slice(kind == USE_DECRYPT ? &r->out : &r->in);
		size_t at = op->in.len < all.len ? op->in.len : all.len;

		if (form == ONCE || len > all.len - at)
			len = all.len - at;
		if (len > 0)
			MUST(buf_set(ret, slice_of(all.p + at, len)) == KMS_OK);
		if (how < 32 && ret->len > 0)
			ret->p[how % ret->len] ^= 1;
		return;
	}
	if (op->in.len + len > TEXT_MAX)
		len = 0;
	MUST(buf_extend(ret, len, &p) == KMS_OK);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i == 0 ? 0 : how + op->in.len + i);
}

/* HOW: where the output goes. CAP bytes of it. */
static void
lay_out(struct io *io, uint8_t how)
{
	size_t in = io->in.len, cap = io->cap, shift = 1 + how / 4 % 20, end;

	io->in_len = in;
	switch (how % 4) {
	case 1: /* in place */
		MUST((io->memory = malloc(in > cap ? in : cap)) != NULL || in + cap == 0);
		io->ip = io->op = io->memory;
		break;
	case 2: /* the output begins inside of the input, or behind it */
		end = shift + cap > in ? shift + cap : in;
		MUST((io->memory = malloc(end)) != NULL);
		io->ip = io->memory;
		io->op = io->memory + shift;
		break;
	case 3: /* or the other way round */
		end = shift + in > cap ? shift + in : cap;
		MUST((io->memory = malloc(end)) != NULL);
		io->op = io->memory;
		io->ip = io->memory + shift;
		break;
	default:
		MUST((io->memory = malloc(in)) != NULL || in == 0);
		MUST((io->other = malloc(cap)) != NULL || cap == 0);
		io->ip = io->memory;
		io->op = io->other;
	}
	memset(io->op, 0x77, cap);
	if (in > 0)
		memcpy(io->ip, io->in.p, in);
}

/* EXACT: the length that there will be, as far as the model knows. */
static void
choose_output(struct feed *f, struct io *io, size_t exact)
{
	uint8_t room = feed_u8(f), how = feed_u8(f);
	size_t odd = how >> 7;

	switch (room % 8) {
	case 0: io->query = true; break;
	case 1: io->cap = exact == 0 ? 0 : exact - 1; break;
	case 2: io->cap = 0; break;
	case 3: io->cap = exact; break;
	case 4: io->no_len = room > 250; /* fallthrough */
	default: io->cap = exact + room; break;
	}
	lay_out(io, how);
	MUST((io->len_memory = malloc(odd + sizeof(CK_ULONG))) != NULL);
	io->len = (CK_ULONG *)(void *)(io->len_memory + odd);
	memcpy(io->len_memory + odd, &io->cap, sizeof(CK_ULONG));
	if (io->query)
		io->op = NULL;
	if (io->no_len)
		io->len = NULL;
}

static size_t
told(const struct io *io)
{
	CK_ULONG len = 0;

	if (io->len != NULL)
		memcpy(&len, io->len, sizeof(len));
	return len;
}

static void
io_free(struct io *io)
{
	buf_free(&io->in);
	free(io->memory);
	free(io->other);
	free(io->len_memory);
}

/* Nothing was written: a query, or a buffer that was too small. */
static void
check_untouched(const struct io *io)
{
	for (size_t i = 0; io->op != NULL && io->op == io->other && i < io->cap; i++)
		MUST(io->op[i] == 0x77);
	MUST(io->ip == NULL || io->in.len == 0 || memcmp(io->ip, io->in.p, io->in.len) == 0);
}

/* -- the calls --------------------------------------------------------------------------------- */

static CK_RV
call(enum use_kind kind, enum form form, CK_SESSION_HANDLE hs, const struct io *io)
{
	CK_BYTE *in = io->ip, *out = io->op;
	CK_ULONG n = io->in_len;

	switch (kind) {
	case USE_ENCRYPT:
		return form == ONCE  ? C_Encrypt(hs, in, n, out, io->len)
		    : form == UPDATE ? C_EncryptUpdate(hs, in, n, out, io->len)
				     : C_EncryptFinal(hs, out, io->len);
	case USE_DECRYPT:
		return form == ONCE  ? C_Decrypt(hs, in, n, out, io->len)
		    : form == UPDATE ? C_DecryptUpdate(hs, in, n, out, io->len)
				     : C_DecryptFinal(hs, out, io->len);
	case USE_DIGEST:
		return form == ONCE  ? C_Digest(hs, in, n, out, io->len)
		    : form == UPDATE ? C_DigestUpdate(hs, in, n)
				     : C_DigestFinal(hs, out, io->len);
	case USE_SIGN:
		return form == ONCE  ? C_Sign(hs, in, n, out, io->len)
		    : form == UPDATE ? C_SignUpdate(hs, in, n)
				     : C_SignFinal(hs, out, io->len);
	case USE_VERIFY:
	case USE_KINDS: break;
	}
	return form == ONCE  ? C_Verify(hs, in, n, out, io->cap)
	    : form == UPDATE ? C_VerifyUpdate(hs, in, n)
			     : C_VerifyFinal(hs, out, io->cap);
}

static void
may_refuse_form(const struct m_op *op, enum use_kind kind, enum form form)
{
	/* pkcs11-tool ends a C_Sign that it has only asked by a C_SignFinal */
	bool ends_question = kind == USE_SIGN && form == FINAL && op->phase == WHOLE;

	block(op->phase == IDLE, CKR_OPERATION_NOT_INITIALIZED);
	if (op->phase == IDLE)
		return;
	may(op->phase == (form == ONCE ? PARTS : WHOLE) && !ends_question, CKR_OPERATION_ACTIVE);
	may(form != ONCE && !takes_parts(op->mech), CKR_FUNCTION_NOT_SUPPORTED);
}

/* The operation of a private object's key ends with the login; some wait for one of their own. */
static void
may_refuse_use(const struct m_session *s, const struct m_op *op)
{
	may(op->need_login, CKR_USER_NOT_LOGGED_IN);
	may(op->need_user && !is_user(s), CKR_USER_NOT_LOGGED_IN);
}

/* What may be wrong with the whole text, of LEN bytes. */
static void
may_refuse_text(const struct m_op *op, enum use_kind kind, size_t len)
{
	bool raw = op->mech->alg == ALG_RSA_RAW;

	if (kind == USE_DECRYPT) {
		could(true, CKR_ENCRYPTED_DATA_LEN_RANGE);
		could(true, CKR_ENCRYPTED_DATA_INVALID);
		return;
	}
	may(length_of(op, len) == SIZE_MAX, CKR_DATA_LEN_RANGE);
	could(raw, CKR_DATA_INVALID);
}

static bool
gives_output(enum use_kind kind, enum form form)
{
	return kind == USE_ENCRYPT || kind == USE_DECRYPT || (form != UPDATE && kind != USE_VERIFY);
}

/* After an answer that leaves the operation as it was. */
static bool
goes_on(const struct io *io, CK_RV rv, size_t exact, enum use_kind kind)
{
	if (io->query && rv == CKR_OK) {
		MUST(exact == SIZE_MAX || told(io) >= exact);
		check_untouched(io);
		return true;
	}
	if (rv == CKR_BUFFER_TOO_SMALL) {
		MUST(told(io) > io->cap);
		MUST(kind == USE_DECRYPT || exact == SIZE_MAX || told(io) == exact);
		check_untouched(io);
		return true;
	}
	return false;
}

static void
append(struct m_op *op, const struct io *io, bool output)
{
	MUST(buf_add(&op->in, buf_slice(&io->in)) == KMS_OK);
	if (!output)
		return;
	MUST(told(io) <= io->cap);
	MUST(buf_add(&op->out, slice_of(io->op, told(io))) == KMS_OK);
}

/* What one piece, or the end, of a cipher gives is the module's choice; the sum is not. */
static size_t
predicted(const struct m_op *op, enum use_kind kind, enum form form, size_t in_len)
{
	size_t total = op->in.len + in_len, all;

	if (op->phase == IDLE)
		return 32;
	if (kind == USE_DECRYPT)
		return form == UPDATE ? in_len : total;
	if (kind != USE_ENCRYPT)
		return length_of(op, total);
	if (form == UPDATE)
		return in_len;
	all = length_of(op, total);
	return all == SIZE_MAX ? SIZE_MAX : all - op->out.len;
}

static void
finish(struct m_op *op, enum use_kind kind)
{
	if (makes(kind))
		made(kind, op);
	else
		decrypted(op);
	op_stop(op);
}

/* What may be wrong with IO, whose output the model knows to be EXACT bytes (SIZE_MAX: none). */
static void
may_refuse_io(const struct m_session *s, enum use_kind kind, enum form form, const struct io *io,
    size_t exact)
{
	const struct m_op *op = &s->op[kind];
	bool output = gives_output(kind, form), asks = output && io->query;
	bool known = makes(kind) && form != UPDATE;
	size_t total = op->in.len + io->in.len;

	may(io->ip == NULL && io->in.len != 0, CKR_ARGUMENTS_BAD);
	may(output && io->no_len, CKR_ARGUMENTS_BAD);
	if (asks)
		return;
	may_refuse_use(s, op);
	if (form != UPDATE)
		may_refuse_text(op, kind, total);
	else if (op->mech->alg == ALG_AES_CTR && length_of(op, total) == SIZE_MAX)
		may(true, kind == USE_DECRYPT ? CKR_ENCRYPTED_DATA_LEN_RANGE : CKR_DATA_LEN_RANGE);
	if (!output)
		return;
	may(known && exact != SIZE_MAX && io->cap < exact, CKR_BUFFER_TOO_SMALL);
	could(!known && io->cap < exact + 16, CKR_BUFFER_TOO_SMALL);
}

/* After an answer that ended the operation or took it a part further. */
static void
went_on(struct m_op *op, enum use_kind kind, enum form form, const struct io *io, CK_RV rv)
{
	bool refused = rv == CKR_ENCRYPTED_DATA_INVALID || rv == CKR_ENCRYPTED_DATA_LEN_RANGE;

	if (rv == CKR_OK) {
		append(op, io, gives_output(kind, form));
		op->phase = PARTS;
		if (form != UPDATE)
			finish(op, kind);
		return;
	}
	if (refused && form != UPDATE) {
		append(op, io, false);
		MUST(encrypted_as(op) == NULL);
	}
	op_stop(op);
}

/* Encrypt, decrypt, digest, sign; and the parts of a text that is verified. */
static void
give(struct feed *f, struct m_session *s, CK_SESSION_HANDLE hs, enum use_kind kind, enum form form)
{
	struct m_op none = { 0 }, *op = s == NULL ? &none : &s->op[kind];
	bool sure = makes(kind) && form != UPDATE;
	struct io io = { 0 };
	size_t exact;
	CK_RV rv;

	if (form != FINAL)
		choose_input(f, op, kind, form, &io.in);
	exact = predicted(op, kind, form, io.in.len);
	choose_output(f, &io, exact == SIZE_MAX ? 64 : exact);
	if (form != FINAL && feed_u8(f) > 245)
		io.ip = NULL;
	if (s != NULL)
		may_refuse_form(op, kind, form);
	if (op->phase != IDLE)
		may_refuse_io(s, kind, form, &io, exact);
	rv = call(kind, form, hs, &io);
	(void)judge(rv);
	if (s != NULL && gives_output(kind, form) &&
	    goes_on(&io, rv, sure ? exact : SIZE_MAX, kind))
		op->phase = form == ONCE ? WHOLE : PARTS;
	else if (s != NULL)
		went_on(op, kind, form, &io, rv);
	io_free(&io);
}

/* The signature that is checked: of the record, whole or not, or nothing like one. */
static void
choose_signature(struct feed *f, const struct m_op *op, struct io *io)
{
	uint8_t how = feed_u8(f), at = feed_u8(f);
	struct slice sig = op->record == NULL ? slice_of("nothing like a signature", 24)
					      : buf_slice(&op->record->out);

	io->cap = how >= 240 && sig.len > 0 ? sig.len - 1 : sig.len;
	MUST((io->other = malloc(io->cap)) != NULL || io->cap == 0);
	memcpy(io->other, sig.p, io->cap);
	if (how >= 200 && io->cap > 0)
		io->other[at % io->cap] ^= (uint8_t)(1 << how % 8);
	io->op = io->other;
}

static void
check(struct feed *f, struct m_session *s, CK_SESSION_HANDLE hs, enum form form)
{
	struct m_op none = { 0 }, *op = s == NULL ? &none : &s->op[USE_VERIFY];
	struct io io = { 0 };
	bool holds = false, chance = false;
	CK_RV rv;

	if (form == ONCE)
		choose_input(f, op, USE_VERIFY, form, &io.in);
	MUST((io.memory = malloc(io.in.len)) != NULL || io.in.len == 0);
	if (io.in.len > 0)
		memcpy(io.memory, io.in.p, io.in.len);
	io.ip = io.memory;
	io.in_len = io.in.len;
	choose_signature(f, op, &io);
	if (s != NULL)
		may_refuse_form(op, USE_VERIFY, form);
	if (op->phase != IDLE) {
		MUST(buf_add(&op->in, buf_slice(&io.in)) == KMS_OK);
		holds = signature_holds(op, slice_of(io.op, io.cap));
		chance = (op->mech->alg == ALG_HMAC || op->mech->alg == ALG_AES_CMAC) &&
		    param_mac_len(op->mech, op->variant) < 8;
		may_refuse_use(s, op);
		may(length_of(op, op->in.len) == SIZE_MAX, CKR_DATA_LEN_RANGE);
		if (!holds && !chance) {
			may(true, CKR_SIGNATURE_INVALID);
			may(true, CKR_SIGNATURE_LEN_RANGE);
		}
		could(chance && !holds, CKR_SIGNATURE_INVALID);
		could(chance && !holds, CKR_SIGNATURE_LEN_RANGE);
	}
	rv = call(USE_VERIFY, form, hs, &io);
	(void)judge(rv);
	if (s != NULL)
		op_stop(op);
	io_free(&io);
}

static void
run(struct feed *f, enum form form)
{
	static const char *const form_name[] = { "", "Update", "Final" };
	enum use_kind kind = (enum use_kind)feed_below(f, USE_KINDS);
	CK_SESSION_HANDLE hs;
	struct m_session *s;
	char name[32];

	(void)snprintf(name, sizeof(name), "C_%s%s", kind_name[kind], form_name[form]);
	call_begin(name);
	s = enter(f, &hs);
	if (kind == USE_VERIFY && form != UPDATE)
		check(f, s, hs, form);
	else
		give(f, s, hs, kind, form);
}

void
do_once(struct feed *f)
{
	run(f, ONCE);
}

void
do_update(struct feed *f)
{
	run(f, UPDATE);
}

void
do_final(struct feed *f)
{
	run(f, FINAL);
}
