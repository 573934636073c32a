/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every mechanism the module lists, in every form its info promises: against libcrypto, with wrong
 * keys, parameters, lengths and orders of calls. The loop index of a test is the row of the matrix.
 */
#include "tests/p11/matrix.h"

#include <stdio.h>

enum op { ENC, DEC, DIG, SGN, VER, OPS };

static const CK_FLAGS op_flag[] = { CKF_ENCRYPT, CKF_DECRYPT, CKF_DIGEST, CKF_SIGN, CKF_VERIFY };
static const char *const op_name[] = { "encrypt", "decrypt", "digest", "sign", "verify" };

/* The running row and use, for what a failure prints. */
static struct env e;
static enum op op;

#define ROW()                          \
	if (!env_make(&e, &rows[_i]))  \
		return;                \
	for (op = ENC; op < OPS; op++) \
		if (offers(op))
#define CHECK_ROW(cond, ...)                                                       \
	do {                                                                       \
		char text_[400];                                                   \
		snprintf(text_, sizeof(text_), __VA_ARGS__);                       \
		ck_assert_msg(cond, "%s %s: %s", e.row->name, op_name[op], text_); \
	} while (0)
#define ROW_RV(expr, want)                                                                    \
	do {                                                                                  \
		CK_RV row_rv_ = (expr);                                                       \
		CHECK_ROW(row_rv_ == (want), "%s: %s, expected %s", #expr, p11_name(row_rv_), \
		    p11_name(want));                                                          \
	} while (0)
#define ROW_IN(expr, a, b, c)                                                               \
	do {                                                                                \
		CK_RV row_rv_ = (expr);                                                     \
		CHECK_ROW(row_rv_ == (a) || row_rv_ == (b) || row_rv_ == (c),               \
		    "%s: %s, expected %s, %s or %s", #expr, p11_name(row_rv_), #a, #b, #c); \
	} while (0)

/* -- the five kinds of use behind one shape ------------------------------------------------ */

static bool
offers(enum op o)
{
	return (e.flags & op_flag[o]) != 0;
}

static CK_OBJECT_HANDLE
key_for(enum op o)
{
	return o == ENC || o == VER ? e.pub : e.priv;
}

static CK_RV
init_with(CK_SESSION_HANDLE s, enum op o, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	switch (o) {
	case ENC: return p11->C_EncryptInit(s, m, key);
	case DEC: return p11->C_DecryptInit(s, m, key);
	case DIG: return p11->C_DigestInit(s, m);
	case SGN: return p11->C_SignInit(s, m, key);
	case VER:
	case OPS: break;
	}
	return p11->C_VerifyInit(s, m, key);
}

static CK_RV
init(CK_SESSION_HANDLE s, enum op o)
{
	return init_with(s, o, &e.mech, key_for(o));
}

/* For VER, out is the signature that is checked. */
static CK_RV
once(CK_SESSION_HANDLE s, enum op o, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_len)
{
	switch (o) {
	case ENC: return p11->C_Encrypt(s, in, n, out, out_len);
	case DEC: return p11->C_Decrypt(s, in, n, out, out_len);
	case DIG: return p11->C_Digest(s, in, n, out, out_len);
	case SGN: return p11->C_Sign(s, in, n, out, out_len);
	case VER:
	case OPS: break;
	}
	return p11->C_Verify(s, in, n, out, *out_len);
}

/* Appends to out. */
static CK_RV
update(CK_SESSION_HANDLE s, enum op o, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG cap,
    CK_ULONG *len)
{
	CK_ULONG more = cap - *len;
	CK_RV rv;

	switch (o) {
	case DIG: return p11->C_DigestUpdate(s, in, n);
	case SGN: return p11->C_SignUpdate(s, in, n);
	case VER: return p11->C_VerifyUpdate(s, in, n);
	case ENC: rv = p11->C_EncryptUpdate(s, in, n, out + *len, &more); break;
	case DEC:
	case OPS:
	default: rv = p11->C_DecryptUpdate(s, in, n, out + *len, &more); break;
	}
	if (rv == CKR_OK)
		*len += more;
	return rv;
}

static CK_RV
final(CK_SESSION_HANDLE s, enum op o, CK_BYTE *out, CK_ULONG cap, CK_ULONG *len)
{
	CK_ULONG more = cap - *len;
	CK_RV rv;

	switch (o) {
	case VER: return p11->C_VerifyFinal(s, out, *len);
	case ENC: rv = p11->C_EncryptFinal(s, out + *len, &more); break;
	case DEC: rv = p11->C_DecryptFinal(s, out + *len, &more); break;
	case DIG: rv = p11->C_DigestFinal(s, out + *len, &more); break;
	case SGN:
	case OPS:
	default: rv = p11->C_SignFinal(s, out + *len, &more); break;
	}
	if (rv == CKR_OK)
		*len += more;
	return rv;
}

/* What the use takes and gives: for DEC the cipher text, for VER the message and its signature. */
struct io {
	CK_BYTE in[4096 + 512], out[4096 + 512];
	CK_ULONG in_len, out_len; /* out_len 0 for outputs that differ each time */
};

static void
make_io(struct io *io, const CK_BYTE *msg, size_t n)
{
	memset(io, 0, sizeof(*io));
	if (op == DEC) {
		io->in_len = ref_make(&e, false, msg, n, io->in, sizeof(io->in));
		memcpy(io->out, msg, n);
		io->out_len = n;
		return;
	}
	memcpy(io->in, msg, n);
	io->in_len = n;
	if (op == VER || op == DIG || (op == ENC && e.row->shape == CIPHER) || e.row->shape == MAC)
		io->out_len =
		    ref_make(&e, op == VER || op == SGN, msg, n, io->out, sizeof(io->out));
}

/* Is this what should come out? */
static bool
good(const struct io *io, const CK_BYTE *out, size_t n)
{
	if (op == DEC && e.row->type == CKM_RSA_X_509)
		return n == 256 && memcmp(out, io->out, n) == 0;
	if (op == DEC || op == DIG)
		return n == io->out_len && memcmp(out, io->out, n) == 0;
	return op == VER || ref_check(&e, op == SGN, io->in, io->in_len, out, n);
}

/* -- the list and the matrix --------------------------------------------------------------- */

START_TEST(every_listed_mechanism_has_a_row)
{
	CK_MECHANISM_TYPE list[256];
	CK_ULONG n = N(list);

	CHECK_OK(p11->C_GetMechanismList(p11_slot, list, &n));
	for (CK_ULONG i = 0; i < n; i++) {
		bool known = !p11_is_ours();

		for (size_t j = 0; j < n_rows; j++)
			known = known || rows[j].type == list[i];
		ck_assert_msg(known, "mechanism 0x%lx is listed, but these tests do not know it",
		    list[i]);
	}
}
END_TEST

START_TEST(every_row_is_listed)
{
	CK_MECHANISM_INFO info;
	CK_RV rv = p11->C_GetMechanismInfo(p11_slot, rows[_i].type, &info);

	if (!p11_is_ours() || rows[_i].type == CKM_AES_CMAC_GENERAL || p11_hsm() != NULL)
		return; /* an HSM need not have all */
	ck_assert_msg(rv == CKR_OK, "%s: %s", rows[_i].name, p11_name(rv));
}
END_TEST

START_TEST(info_has_no_garbage)
{
	const CK_FLAGS facts = CKF_HW | CKF_EC_F_P | 0x00600000UL | CKF_EC_NAMEDCURVE |
	    CKF_EC_UNCOMPRESS | CKF_EC_COMPRESS | 0x04000000UL;
	CK_MECHANISM_INFO info = { 77, 78, (CK_FLAGS)-1 };

	if (p11->C_GetMechanismInfo(p11_slot, rows[_i].type, &info) != CKR_OK)
		return;
	ck_assert_msg((info.flags & ~(facts | rows[_i].flags)) == 0, "%s has flags 0x%lx",
	    rows[_i].name, info.flags);
	ck_assert_msg((info.flags & rows[_i].flags) != 0, "%s can do nothing", rows[_i].name);
	ck_assert_uint_le(info.ulMinKeySize, info.ulMaxKeySize);
	ck_assert_uint_ne(info.ulMinKeySize, 77);
}
END_TEST

/* -- right uses ---------------------------------------------------------------------------- */

START_TEST(one_call_agrees_with_libcrypto)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = sizeof(out);

		make_io(&io, e.in, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		if (op == VER) {
			ROW_RV(once(hs, op, io.in, io.in_len, io.out, &io.out_len), CKR_OK);
			continue;
		}
		ROW_RV(once(hs, op, io.in, io.in_len, out, &n), CKR_OK);
		CHECK_ROW(good(&io, out, n), "%lu bytes are wrong", n);
		ROW_RV(once(hs, op, io.in, io.in_len, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	}
}
END_TEST

/* Whole blocks and not, around the block sizes of ciphers and digests, up to some pages. */
START_TEST(messages_of_many_lengths_agree_with_libcrypto)
{
	static const CK_ULONG lens[] = { 1, 15, 16, 17, 31, 32, 33, 55, 56, 63, 64, 65, 111, 112,
		127, 128, 129, 1000, 1024, 4095, 4096 };
	struct io io;
	CK_BYTE out[8192];

	ROW() for (size_t i = 0; i < N(lens) && e.row->parts; i++)
	{
		CK_ULONG n = sizeof(out);

		if (!e.row->any_len && lens[i] % 16 != 0)
			continue;
		for (size_t j = 0; j < lens[i]; j++)
			e.in[j] = (CK_BYTE)(j ^ (j >> 8));
		make_io(&io, e.in, lens[i]);
		ROW_RV(init(hs, op), CKR_OK);
		if (op == VER) {
			ROW_RV(once(hs, op, io.in, io.in_len, io.out, &io.out_len), CKR_OK);
			continue;
		}
		ROW_RV(once(hs, op, io.in, io.in_len, out, &n), CKR_OK);
		CHECK_ROW(good(&io, out, n), "%lu bytes in: %lu bytes are wrong", lens[i], n);
	}
}
END_TEST

START_TEST(every_split_gives_the_same)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		if (!e.row->parts)
			continue;
		make_io(&io, e.in, e.in_len);
		for (CK_ULONG cut = 0; cut <= io.in_len; cut++) {
			CK_ULONG n = 0;

			ROW_RV(init(hs, op), CKR_OK);
			ROW_RV(update(hs, op, io.in, cut, out, sizeof(out), &n), CKR_OK);
			ROW_RV(update(hs, op, io.in + cut, io.in_len - cut, out, sizeof(out), &n),
			    CKR_OK);
			if (op == VER) {
				ROW_RV(final(hs, op, io.out, 0, &io.out_len), CKR_OK);
				continue;
			}
			ROW_RV(final(hs, op, out, sizeof(out), &n), CKR_OK);
			CHECK_ROW(good(&io, out, n), "cut at %lu: %lu bytes are wrong", cut, n);
			ROW_RV(final(hs, op, out, sizeof(out), &n), CKR_OPERATION_NOT_INITIALIZED);
		}
	}
}
END_TEST

START_TEST(single_bytes_and_empty_parts_give_the_same)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = 0;

		if (!e.row->parts)
			continue;
		make_io(&io, e.in, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		for (CK_ULONG i = 0; i < io.in_len; i++) {
			ROW_RV(update(hs, op, io.in + i, 1, out, sizeof(out), &n), CKR_OK);
			ROW_RV(update(hs, op, io.in + i, 0, out, sizeof(out), &n), CKR_OK);
		}
		if (op == VER) {
			ROW_RV(final(hs, op, io.out, 0, &io.out_len), CKR_OK);
			continue;
		}
		ROW_RV(final(hs, op, out, sizeof(out), &n), CKR_OK);
		CHECK_ROW(good(&io, out, n), "%lu bytes are wrong", n);
	}
}
END_TEST

START_TEST(empty_messages_are_messages)
{
	struct io io;
	CK_BYTE out[1024];

	ROW()
	{
		if (!e.row->any_len)
			continue;
		for (int form = 0; form < 3; form++) {
			CK_ULONG n = sizeof(out);
			CK_BYTE *in;

			make_io(&io, e.in, 0);
			in = form == 0 && io.in_len == 0 ? NULL : io.in;
			ROW_RV(init(hs, op), CKR_OK);
			if (form == 2 && e.row->parts) {
				n = op == VER ? io.out_len : 0;
				if (io.in_len > 0)
					ROW_RV(update(hs, op, in, io.in_len, out, sizeof(out), &n),
					    CKR_OK);
				ROW_RV(final(hs, op, op == VER ? io.out : out, sizeof(out), &n),
				    CKR_OK);
			} else if (op == VER) {
				ROW_RV(once(hs, op, in, io.in_len, io.out, &io.out_len), CKR_OK);
			} else {
				ROW_RV(once(hs, op, in, io.in_len, out, &n), CKR_OK);
			}
			CHECK_ROW(good(&io, out, n), "form %d: %lu bytes are wrong", form, n);
		}
	}
}
END_TEST

START_TEST(two_sessions_do_not_meet)
{
	CK_SESSION_HANDLE other = p11_open(false);
	struct io a, b;
	CK_BYTE out_a[8192], out_b[8192], msg[80];

	ROW()
	{
		CK_ULONG na = 0, nb = 0, cut = 33;

		if (!e.row->parts)
			continue;
		memset(msg, 'b', sizeof(msg));
		make_io(&a, e.in, e.in_len);
		make_io(&b, msg, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(init(other, op), CKR_OK);
		ROW_RV(update(hs, op, a.in, cut, out_a, sizeof(out_a), &na), CKR_OK);
		ROW_RV(update(other, op, b.in, cut, out_b, sizeof(out_b), &nb), CKR_OK);
		ROW_RV(update(hs, op, a.in + cut, a.in_len - cut, out_a, sizeof(out_a), &na),
		    CKR_OK);
		ROW_RV(update(other, op, b.in + cut, b.in_len - cut, out_b, sizeof(out_b), &nb),
		    CKR_OK);
		if (op == VER) {
			ROW_RV(final(other, op, b.out, 0, &b.out_len), CKR_OK);
			ROW_RV(final(hs, op, a.out, 0, &a.out_len), CKR_OK);
			continue;
		}
		ROW_RV(final(other, op, out_b, sizeof(out_b), &nb), CKR_OK);
		ROW_RV(final(hs, op, out_a, sizeof(out_a), &na), CKR_OK);
		CHECK_ROW(good(&a, out_a, na) && good(&b, out_b, nb), "the outputs are mixed");
	}
}
END_TEST

START_TEST(different_operations_of_a_session_run_side_by_side)
{
	CK_MECHANISM sha = { CKM_SHA256, NULL, 0 };
	CK_BYTE want[32], got[32], out[8192];
	struct io io;
	CK_ULONG n = sizeof(want);

	CHECK_OK(p11->C_DigestInit(hs, &sha));
	CHECK_OK(p11->C_Digest(hs, BYTES("abcdef"), want, &n));
	ROW()
	{
		if (op == DIG)
			continue;
		make_io(&io, e.in, e.in_len);
		CHECK_OK(p11->C_DigestInit(hs, &sha));
		CHECK_OK(p11->C_DigestUpdate(hs, BYTES("abc")));
		ROW_RV(init(hs, op), CKR_OK);
		CHECK_OK(p11->C_DigestUpdate(hs, BYTES("def")));
		n = op == VER ? io.out_len : sizeof(out);
		ROW_RV(once(hs, op, io.in, io.in_len, op == VER ? io.out : out, &n), CKR_OK);
		n = sizeof(got);
		CHECK_OK(p11->C_DigestFinal(hs, got, &n));
		ck_assert_mem_eq(got, want, sizeof(want));
	}
}
END_TEST

START_TEST(ciphers_work_in_place)
{
	struct io io;
	CK_BYTE buf[8192];

	ROW()
	{
		CK_ULONG n = sizeof(buf);

		if (op != ENC && op != DEC)
			continue;
		make_io(&io, e.in, e.in_len);
		memcpy(buf, io.in, io.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(once(hs, op, buf, io.in_len, buf, &n), CKR_OK);
		CHECK_ROW(good(&io, buf, n), "%lu bytes are wrong", n);
	}
}
END_TEST

/* -- lengths ------------------------------------------------------------------------------- */

START_TEST(a_length_query_and_a_short_buffer_leave_the_operation_active)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG asked = 0, n = sizeof(out), few;

		if (op == VER)
			continue;
		make_io(&io, e.in, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(once(hs, op, io.in, io.in_len, NULL, &asked), CKR_OK);
		ROW_RV(once(hs, op, io.in, io.in_len, out, &n), CKR_OK);
		CHECK_ROW(asked >= n && asked <= n + 256, "asked %lu, got %lu", asked, n);
		if (n == 0)
			continue;

		/* Buffers end at a page that cannot be touched. */
		ROW_RV(init(hs, op), CKR_OK);
		few = n - 1;
		ROW_RV(once(hs, op, io.in, io.in_len, guarded(few), &few), CKR_BUFFER_TOO_SMALL);
		CHECK_ROW(few >= n && few <= n + 256, "needs %lu, says %lu", n, few);
		few = 0;
		ROW_RV(once(hs, op, io.in, io.in_len, guarded(0), &few), CKR_BUFFER_TOO_SMALL);
		if (p11_is_ours()) {
			CK_BYTE *exact = guarded(n);

			few = n;
			ROW_RV(once(hs, op, io.in, io.in_len, exact, &few), CKR_OK);
			CHECK_ROW(good(&io, exact, few), "the exact buffer got wrong bytes");
		} else {
			few = sizeof(out);
			ROW_RV(once(hs, op, io.in, io.in_len, out, &few), CKR_OK);
		}
	}
}
END_TEST

START_TEST(the_length_rule_holds_for_parts_too)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = 0, asked = 0, few = 0;

		if (op == VER || !e.row->parts)
			continue;
		make_io(&io, e.in, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		if (op == ENC || op == DEC) {
			CK_RV rv = op == ENC
			    ? p11->C_EncryptUpdate(hs, io.in, io.in_len, NULL, &asked)
			    : p11->C_DecryptUpdate(hs, io.in, io.in_len, NULL, &asked);

			CHECK_ROW(rv == CKR_OK, "update query: %s", p11_name(rv));
		}
		ROW_RV(update(hs, op, io.in, io.in_len, out, sizeof(out), &n), CKR_OK);
		CHECK_ROW(asked >= n || op == DIG || op == SGN, "asked %lu, got %lu", asked, n);
		asked = 0;
		ROW_RV(op == ENC    ? p11->C_EncryptFinal(hs, NULL, &asked)
			: op == DEC ? p11->C_DecryptFinal(hs, NULL, &asked)
			: op == DIG ? p11->C_DigestFinal(hs, NULL, &asked)
				    : p11->C_SignFinal(hs, NULL, &asked),
		    CKR_OK);
		if ((op == DIG || op == SGN) && asked > 0) {
			few = asked - 1;
			ROW_RV(op == DIG ? p11->C_DigestFinal(hs, out, &few)
					 : p11->C_SignFinal(hs, out, &few),
			    CKR_BUFFER_TOO_SMALL);
		}
		few = n;
		ROW_RV(final(hs, op, out, sizeof(out), &n), CKR_OK);
		CHECK_ROW(asked >= n - few, "final asked %lu, got %lu", asked, n - few);
		CHECK_ROW(good(&io, out, n), "%lu bytes are wrong", n);
	}
}
END_TEST

START_TEST(a_short_buffer_for_a_part_does_not_lose_it)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = 0, few = 1;
		CK_RV rv;

		if ((op != ENC && op != DEC) || !e.row->parts)
			continue;
		make_io(&io, e.in, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		rv = op == ENC ? p11->C_EncryptUpdate(hs, io.in, io.in_len, guarded(1), &few)
			       : p11->C_DecryptUpdate(hs, io.in, io.in_len, guarded(1), &few);
		if (rv != CKR_OK) { /* OK when the module keeps everything back */
			ROW_RV(rv, CKR_BUFFER_TOO_SMALL);
			ROW_RV(update(hs, op, io.in, io.in_len, out, sizeof(out), &n), CKR_OK);
		} else
			CHECK_ROW(few == 0, "gave %lu bytes into 1", few);
		ROW_RV(final(hs, op, out, sizeof(out), &n), CKR_OK);
		CHECK_ROW(good(&io, out, n), "%lu bytes are wrong", n);
	}
}
END_TEST

/* -- wrong uses ---------------------------------------------------------------------------- */

START_TEST(a_key_of_another_type_is_refused)
{
	ROW()
	{
		CK_OBJECT_HANDLE wrong = env_wrong_key(&e);

		if (op == DIG)
			continue;
		ROW_RV(init_with(hs, op, &e.mech, wrong), CKR_KEY_TYPE_INCONSISTENT);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(init_with(hs, op, &e.mech, wrong), CKR_OPERATION_ACTIVE);
		(void)init_with(hs, op, NULL, 0);
	}
}
END_TEST

START_TEST(the_other_half_of_a_pair_is_refused)
{
	ROW()
	{
		if (e.pub == e.priv)
			continue;
		ROW_IN(init_with(hs, op, &e.mech, op == ENC || op == VER ? e.priv : e.pub),
		    CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_TYPE_INCONSISTENT,
		    CKR_KEY_TYPE_INCONSISTENT);
	}
}
END_TEST

START_TEST(a_key_that_is_not_there_or_no_key_is_refused)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE data;

	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_text(&t, CKA_VALUE, "x");
	t_bool(&t, CKA_PRIVATE, false);
	CHECK_OK(create(hs, &t, &data));
	ROW()
	{
		if (op == DIG)
			continue;
		ROW_RV(init_with(hs, op, &e.mech, 0), CKR_KEY_HANDLE_INVALID);
		ROW_RV(init_with(hs, op, &e.mech, 0x7ffffff1), CKR_KEY_HANDLE_INVALID);
		ROW_IN(init_with(hs, op, &e.mech, data), CKR_KEY_HANDLE_INVALID,
		    CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_HANDLE_INVALID);
		ROW_RV(init(hs, op), CKR_OK);
		(void)init_with(hs, op, NULL, 0);
	}
}
END_TEST

START_TEST(a_key_without_the_usage_is_refused)
{
	if (!env_make_usage(&e, &rows[_i], false))
		return;
	for (op = ENC; op < OPS; op++)
		if (offers(op) && op != DIG)
			ROW_RV(init(hs, op), CKR_KEY_FUNCTION_NOT_PERMITTED);
}
END_TEST

START_TEST(what_the_info_does_not_promise_is_refused)
{
	if (!env_make(&e, &rows[_i]))
		return;
	for (op = ENC; op < OPS; op++) {
		CK_OBJECT_HANDLE key = key_for(op) != 0 ? key_for(op) : env_wrong_key(&e);

		if (!offers(op))
			ROW_RV(init_with(hs, op, &e.mech, key), CKR_MECHANISM_INVALID);
	}
}
END_TEST

static void
refuse_param(struct env *env, const char *what)
{
	CK_RV rv;

	(void)env;
	rv = init(hs, op);
	CHECK_ROW(rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_ARGUMENTS_BAD, "with %s: %s", what,
	    p11_name(rv));
}

START_TEST(bad_parameters_are_refused_and_start_nothing)
{
	struct io io;
	CK_ULONG n;

	ROW()
	{
		CK_BYTE out[8192];

		env_each_bad_param(&e, refuse_param);
		make_io(&io, e.in, e.in_len);
		n = op == VER ? io.out_len : sizeof(out);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(once(hs, op, io.in, io.in_len, op == VER ? io.out : out, &n), CKR_OK);
	}
}
END_TEST

START_TEST(parameters_are_copied_at_init)
{
	struct io io;
	CK_BYTE out[8192], scratch[64];

	ROW()
	{
		CK_ULONG n = sizeof(out);
		CK_MECHANISM m = e.mech;

		if (e.row->param == P_NONE)
			continue;
		make_io(&io, e.in, e.in_len);
		ck_assert_uint_le(m.ulParameterLen, sizeof(scratch) - 1);
		/* Misaligned, and overwritten before it is used. */
		if (m.ulParameterLen > 0)
			memcpy(scratch + 1, e.mech.pParameter, m.ulParameterLen);
		m.pParameter = scratch + 1;
		ROW_RV(init_with(hs, op, &m, key_for(op)), CKR_OK);
		memset(scratch, 0xff, sizeof(scratch));
		if (op == VER)
			n = io.out_len;
		ROW_RV(once(hs, op, io.in, io.in_len, op == VER ? io.out : out, &n), CKR_OK);
		CHECK_ROW(good(&io, out, n), "%lu bytes are wrong", n);
	}
}
END_TEST

START_TEST(a_changed_byte_is_noticed)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		if (op == VER) {
			make_io(&io, e.in, e.in_len);
			for (CK_ULONG i = 0; i < io.out_len; i++) {
				io.out[i] ^= 0x10;
				ROW_RV(init(hs, op), CKR_OK);
				ROW_IN(once(hs, op, io.in, io.in_len, io.out, &io.out_len),
				    CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE,
				    CKR_SIGNATURE_INVALID);
				io.out[i] ^= 0x10;
			}
			io.in[io.in_len - 1] ^= 1;
			ROW_RV(init(hs, op), CKR_OK);
			ROW_RV(once(hs, op, io.in, io.in_len, io.out, &io.out_len),
			    CKR_SIGNATURE_INVALID);
		} else if (op == DEC && e.row->authentic) {
			make_io(&io, e.in, e.in_len);
			for (CK_ULONG i = 0; i < io.in_len; i++) {
				CK_ULONG n = sizeof(out);

				io.in[i] ^= 1;
				ROW_RV(init(hs, op), CKR_OK);
				ROW_IN(once(hs, op, io.in, io.in_len, out, &n),
				    CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE,
				    CKR_ENCRYPTED_DATA_INVALID);
				io.in[i] ^= 1;
			}
		}
	}
}
END_TEST

START_TEST(every_truncation_is_noticed_and_ends_the_operation)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		make_io(&io, e.in, e.in_len);
		for (CK_ULONG cut = 0; op == VER && cut < io.out_len; cut++) {
			CK_ULONG n = cut;

			/* 3.1: an ECDSA signature may be shorter, both halves alike */
			ROW_RV(init(hs, op), CKR_OK);
			ROW_IN(once(hs, op, io.in, io.in_len, io.out, &n), CKR_SIGNATURE_LEN_RANGE,
			    e.row->key == CKK_EC ? CKR_SIGNATURE_INVALID : CKR_SIGNATURE_LEN_RANGE,
			    CKR_SIGNATURE_LEN_RANGE);
			n = io.out_len;
			ROW_RV(once(hs, op, io.in, io.in_len, io.out, &n),
			    CKR_OPERATION_NOT_INITIALIZED);
		}
		for (CK_ULONG cut = 0; op == DEC && e.row->authentic && cut < io.in_len; cut++) {
			CK_ULONG n = sizeof(out);

			ROW_RV(init(hs, op), CKR_OK);
			ROW_IN(once(hs, op, io.in, cut, out, &n), CKR_ENCRYPTED_DATA_LEN_RANGE,
			    CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_INVALID);
			ROW_RV(once(hs, op, io.in, io.in_len, out, &n),
			    CKR_OPERATION_NOT_INITIALIZED);
		}
	}
}
END_TEST

START_TEST(input_of_an_impossible_length_is_refused)
{
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = sizeof(out), bad;

		if (e.row->any_len || op == DIG || op == VER)
			continue;
		if (e.row->type == CKM_ECDSA)
			continue;
		bad = e.row->shape == CRYPT ? 257 : e.row->shape == SIGN ? 31 : 17;
		if (op == ENC && e.row->type == CKM_AES_KEY_WRAP_KWP)
			continue;
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(once(hs, op, e.in, bad, out, &n),
		    (CK_RV)(op == DEC ? CKR_ENCRYPTED_DATA_LEN_RANGE : CKR_DATA_LEN_RANGE));
		ROW_RV(once(hs, op, e.in, e.in_len, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	}
}
END_TEST

START_TEST(mechanisms_in_one_piece_refuse_parts)
{
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = 0;
		CK_RV rv;

		if (e.row->parts || e.row->key == CKK_EC_EDWARDS)
			continue;
		ROW_RV(init(hs, op), CKR_OK);
		rv = update(hs, op, e.in, e.in_len, out, sizeof(out), &n);
		CHECK_ROW(rv != CKR_OK && rv != CKR_GENERAL_ERROR, "update: %s", p11_name(rv));
		(void)init_with(hs, op, NULL, 0);
		ROW_RV(init(hs, op), CKR_OK);
		(void)init_with(hs, op, NULL, 0);
	}
}
END_TEST

/* -- the order of calls -------------------------------------------------------------------- */

START_TEST(calls_without_init_are_refused)
{
	CK_BYTE out[64];

	for (op = ENC; op < OPS; op++) {
		CK_ULONG n = sizeof(out), len = 0;

		e.row = &rows[0];
		ROW_RV(once(hs, op, out, 4, out, &n), CKR_OPERATION_NOT_INITIALIZED);
		ROW_RV(update(hs, op, out, 4, out, sizeof(out), &len),
		    CKR_OPERATION_NOT_INITIALIZED);
		len = 0;
		ROW_RV(final(hs, op, out, sizeof(out), &len), CKR_OPERATION_NOT_INITIALIZED);
	}
}
END_TEST

START_TEST(a_second_init_is_refused_and_the_first_goes_on)
{
	struct io io;
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = sizeof(out);

		make_io(&io, e.in, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(init(hs, op), CKR_OPERATION_ACTIVE);
		if (op == VER)
			n = io.out_len;
		ROW_RV(once(hs, op, io.in, io.in_len, op == VER ? io.out : out, &n), CKR_OK);
		CHECK_ROW(good(&io, out, n), "%lu bytes are wrong", n);
	}
}
END_TEST

START_TEST(one_call_after_parts_is_refused)
{
	CK_BYTE out[8192];
	struct io io;

	ROW()
	{
		CK_ULONG n = 0;

		if (!e.row->parts)
			continue;
		make_io(&io, e.in, e.in_len);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(update(hs, op, io.in, io.in_len, out, sizeof(out), &n), CKR_OK);
		n = op == VER ? io.out_len : sizeof(out);
		ROW_RV(once(hs, op, io.in, io.in_len, op == VER ? io.out : out, &n),
		    CKR_OPERATION_ACTIVE);
		(void)init_with(hs, op, NULL, 0);
	}
}
END_TEST

START_TEST(init_without_a_mechanism_cancels_what_is_active)
{
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = sizeof(out);

		ROW_RV(init_with(hs, op, NULL, key_for(op)), CKR_ARGUMENTS_BAD);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(init_with(hs, op, NULL, 0), CKR_OK);
		ROW_RV(once(hs, op, e.in, e.in_len, out, &n), CKR_OPERATION_NOT_INITIALIZED);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(init_with(hs, op, NULL, key_for(op)), CKR_OK);
		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(p11v3->C_SessionCancel(hs, op_flag[op]), CKR_OK);
		ROW_RV(once(hs, op, e.in, e.in_len, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	}
}
END_TEST

START_TEST(null_pointers_are_refused_and_end_the_operation)
{
	CK_BYTE out[8192];

	ROW()
	{
		CK_ULONG n = sizeof(out);

		ROW_RV(init(hs, op), CKR_OK);
		ROW_RV(once(hs, op, NULL, 5, out, &n), CKR_ARGUMENTS_BAD);
		n = sizeof(out);
		ROW_RV(once(hs, op, e.in, e.in_len, out, &n), CKR_OPERATION_NOT_INITIALIZED);
		if (op == VER) {
			ROW_RV(init(hs, op), CKR_OK);
			ROW_IN(p11->C_Verify(hs, e.in, e.in_len, NULL, 5), CKR_ARGUMENTS_BAD,
			    CKR_SIGNATURE_LEN_RANGE, CKR_ARGUMENTS_BAD);
		} else {
			ROW_RV(init(hs, op), CKR_OK);
			ROW_RV(once(hs, op, e.in, e.in_len, out, NULL), CKR_ARGUMENTS_BAD);
		}
		ROW_RV(once(hs, op, e.in, e.in_len, out, &n), CKR_OPERATION_NOT_INITIALIZED);
		if (e.row->parts) {
			CK_ULONG len = 0;

			ROW_RV(init(hs, op), CKR_OK);
			ROW_RV(update(hs, op, NULL, 5, out, sizeof(out), &len), CKR_ARGUMENTS_BAD);
			(void)init_with(hs, op, NULL, 0);
		}
	}
}
END_TEST

START_TEST(a_destroyed_key_cannot_start_anything)
{
	ROW()
	{
		CK_OBJECT_HANDLE key = key_for(op);

		if (op == DIG)
			continue;
		ROW_RV(init(hs, op), CKR_OK);
		(void)init_with(hs, op, NULL, 0);
		ROW_RV(p11->C_DestroyObject(hs, key), CKR_OK);
		ROW_RV(init(hs, op), CKR_KEY_HANDLE_INVALID);
		if (!env_make(&e, &rows[_i]))
			return;
	}
}
END_TEST

static void
add(TCase *t, const TTest *test)
{
	tcase_add_loop_test(t, test, 0, (int)n_rows);
}

int
main(void)
{
	Suite *s = suite_create("p11 mechanisms");
	TCase *t = tcase_create("matrix");

	tcase_add_unchecked_fixture(t, matrix_keys, NULL);
	tcase_add_checked_fixture(t, p11_setup_public, p11_teardown);
	tcase_add_test(t, every_listed_mechanism_has_a_row);
	tcase_add_test(t, calls_without_init_are_refused);
	add(t, every_row_is_listed);
	add(t, info_has_no_garbage);
	add(t, one_call_agrees_with_libcrypto);
	add(t, messages_of_many_lengths_agree_with_libcrypto);
	add(t, every_split_gives_the_same);
	add(t, single_bytes_and_empty_parts_give_the_same);
	add(t, empty_messages_are_messages);
	add(t, two_sessions_do_not_meet);
	add(t, different_operations_of_a_session_run_side_by_side);
	add(t, ciphers_work_in_place);
	add(t, a_length_query_and_a_short_buffer_leave_the_operation_active);
	add(t, the_length_rule_holds_for_parts_too);
	add(t, a_short_buffer_for_a_part_does_not_lose_it);
	add(t, a_key_of_another_type_is_refused);
	add(t, the_other_half_of_a_pair_is_refused);
	add(t, a_key_that_is_not_there_or_no_key_is_refused);
	add(t, a_key_without_the_usage_is_refused);
	add(t, what_the_info_does_not_promise_is_refused);
	add(t, bad_parameters_are_refused_and_start_nothing);
	add(t, parameters_are_copied_at_init);
	add(t, a_changed_byte_is_noticed);
	add(t, every_truncation_is_noticed_and_ends_the_operation);
	add(t, input_of_an_impossible_length_is_refused);
	add(t, mechanisms_in_one_piece_refuse_parts);
	add(t, a_second_init_is_refused_and_the_first_goes_on);
	add(t, one_call_after_parts_is_refused);
	add(t, init_without_a_mechanism_cancels_what_is_active);
	add(t, null_pointers_are_refused_and_end_the_operation);
	add(t, a_destroyed_key_cannot_start_anything);
	suite_add_tcase(s, t);

	return p11_main(s);
}
