/* SPDX-License-Identifier: Apache-2.0 */
/* Calls the functions of the five kinds of use, and asks libcrypto what they take and give. */
#include "tests/p11/matrix_use.h"

const CK_FLAGS op_flag[] = { CKF_ENCRYPT, CKF_DECRYPT, CKF_DIGEST, CKF_SIGN, CKF_VERIFY };
const char *const op_name[] = { "encrypt", "decrypt", "digest", "sign", "verify" };

struct env e;
enum op op;

bool
offers(enum op o)
{
	return (e.flags & op_flag[o]) != 0;
}

CK_OBJECT_HANDLE
key_for(enum op o)
{
	return o == ENC || o == VER ? e.pub : e.priv;
}

CK_RV
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

CK_RV
init(CK_SESSION_HANDLE s, enum op o)
{
	return init_with(s, o, &e.mech, key_for(o));
}

CK_RV
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

CK_RV
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

CK_RV
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

void
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

bool
good(const struct io *io, const CK_BYTE *out, size_t n)
{
	if (op == DEC && e.row->type == CKM_RSA_X_509)
		return n == 256 && memcmp(out, io->out, n) == 0;
	if (op == DEC || op == DIG)
		return n == io->out_len && memcmp(out, io->out, n) == 0;
	return op == VER || ref_check(&e, op == SGN, io->in, io->in_len, out, n);
}
