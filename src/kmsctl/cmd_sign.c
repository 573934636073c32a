/* SPDX-License-Identifier: Apache-2.0 */
/* kmsctl sign and verify: files of any size, streamed through a key of the token. */
#include "kmsctl/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/os.h"
#include "crypto/crypto.h"
#include "crypto/ecdsa_der.h"

#define SIGNATURE_MAX 2048 /* bytes; RSA_4096 has 512 */

/* The signature algorithms by the KMS's names. The first one that fits a key is its default; curve,
 * or bits, 0 fits all. */
struct sign_alg {
	const char *name;
	enum key_type type;
	enum curve curve;
	uint32_t bits;
	enum alg alg;
	enum digest digest;
};

static const struct sign_alg algs[] = {
	{ "RSA_PSS_SHA_256", KEY_RSA, CURVE_NONE, 0, ALG_RSA_PSS, DIGEST_SHA256 },
	{ "RSA_PSS_SHA_384", KEY_RSA, CURVE_NONE, 0, ALG_RSA_PSS, DIGEST_SHA384 },
	{ "RSA_PSS_SHA_512", KEY_RSA, CURVE_NONE, 0, ALG_RSA_PSS, DIGEST_SHA512 },
	{ "RSA_PKCS1_SHA_256", KEY_RSA, CURVE_NONE, 0, ALG_RSA_PKCS1, DIGEST_SHA256 },
	{ "RSA_PKCS1_SHA_384", KEY_RSA, CURVE_NONE, 0, ALG_RSA_PKCS1, DIGEST_SHA384 },
	{ "RSA_PKCS1_SHA_512", KEY_RSA, CURVE_NONE, 0, ALG_RSA_PKCS1, DIGEST_SHA512 },
	{ "ECDSA_SHA_256", KEY_EC, CURVE_NONE, 256, ALG_ECDSA, DIGEST_SHA256 },
	{ "ECDSA_SHA_384", KEY_EC, CURVE_P384, 0, ALG_ECDSA, DIGEST_SHA384 },
	{ "ECDSA_SHA_512", KEY_EC, CURVE_P521, 0, ALG_ECDSA, DIGEST_SHA512 },
	{ "ED25519", KEY_EDWARDS, CURVE_ED25519, 0, ALG_EDDSA, DIGEST_NONE },
	{ "HMAC_SHA_384", KEY_GENERIC, CURVE_NONE, 384, ALG_HMAC, DIGEST_SHA384 },
	{ "HMAC_SHA_512", KEY_GENERIC, CURVE_NONE, 512, ALG_HMAC, DIGEST_SHA512 },
	{ "HMAC_SHA_256", KEY_GENERIC, CURVE_NONE, 0, ALG_HMAC, DIGEST_SHA256 },
	{ "HMAC_SM3", KEY_GENERIC, CURVE_NONE, 0, ALG_HMAC, DIGEST_SM3 },
	{ "SM2DSA", KEY_SM2, CURVE_SM2, 0, ALG_SM2DSA, DIGEST_SM3 },
};

const char *
sign_alg_name(size_t n)
{
	return n < ARRAY_LEN(algs) ? algs[n].name : NULL;
}

static bool
is_default_of(const struct sign_alg *a, const struct key_spec *spec)
{
	return a->type == spec->type && (a->curve == CURVE_NONE || a->curve == spec->curve) &&
	    (a->bits == 0 || a->bits == spec->bits);
}

/* --alg, or what fits the key; says so when there is none. */
static const struct sign_alg *
choose_alg(struct ctl *c, const struct key_spec *spec, enum exit_code *code)
{
	const char *name = c->opt[OPT_ALG];

	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		if (name != NULL ? strcmp(algs[i].name, name) != 0 : !is_default_of(&algs[i], spec))
			continue;
		if (algs[i].type == spec->type)
			return &algs[i];
		*code = ctl_fail(c, KMS_OK, "the key is of another type than %s needs", name);
		return NULL;
	}
	*code = name == NULL ? ctl_fail(c, KMS_OK, "keys of this type do not sign")
			     : ctl_usage(c, "there is no signature algorithm %s", name);
	return NULL;
}

/* Written in DER unless it is asked for raw. */
static bool
is_r_and_s(const struct sign_alg *a)
{
	return a->alg == ALG_ECDSA || a->alg == ALG_SM2DSA;
}

static struct alg_params
params_of(const struct sign_alg *a)
{
	struct alg_params p = { .alg = a->alg, .digest = a->digest };

	if (a->alg == ALG_RSA_PSS) {
		p.u.pss.hash = p.u.pss.mgf = a->digest;
		p.u.pss.salt_len = (uint32_t)digest_len(a->digest);
	} else if (a->alg == ALG_HMAC) {
		p.u.mac.len = (uint32_t)digest_len(a->digest);
	}
	return p;
}

/* -- feeding a use -- */

/* All of the file into U but its end: *whole has the bytes instead when U takes its input in one
 * piece only. */
static enum kms_rc
feed(struct ctl *c, struct use *u, struct buf *whole)
{
	const char *path = c->args[0], *name = file_name(path);
	uint8_t piece[65536];
	struct progress progress;
	uint64_t done = 0;
	enum kms_rc rc = KMS_OK;
	ssize_t n = 0;
	int fd = file_open(path);

	if (fd < 0)
		return call_fail(&c->call, KMS_IO, "%s: %m", name);
	progress = progress_start(name, fd);
	if (!u->multipart)
		rc = file_read(fd, name, whole, &c->call.err);
	while (rc == KMS_OK && u->multipart &&
	    ((n = read(fd, piece, sizeof(piece))) > 0 || (n < 0 && errno == EINTR))) {
		if (n < 0)
			continue;
		rc = use_update(u, slice_of(piece, (size_t)n), NULL, NULL);
		done += (uint64_t)n;
		progress_at(&progress, done);
	}
	if (n < 0)
		rc = call_fail(&c->call, KMS_IO, "%s: %m", name);
	progress_end(&progress);
	(void)close(fd);
	return rc;
}

static enum kms_rc
sign_file(struct ctl *c, struct use *u, struct buf *ret)
{
	auto_buf whole = { 0 };
	uint8_t mem[SIGNATURE_MAX];
	struct outbuf out = { .p = mem, .cap = sizeof(mem) };
	size_t need = 0;

	(void)ctl_call(c);
	TRY(feed(c, u, &whole));
	TRY(u->multipart ? use_final(u, &out, &need) : use_once(u, buf_slice(&whole), &out, &need));
	return buf_set(ret, slice_of(mem, out.len));
}

static enum kms_rc
verify_file(struct ctl *c, struct use *u, struct slice signature)
{
	auto_buf whole = { 0 };

	(void)ctl_call(c);
	TRY(feed(c, u, &whole));
	return u->multipart ? use_check(u, signature)
			    : use_check_once(u, buf_slice(&whole), signature);
}

/* -- sign -- */

static enum exit_code
print_signature(struct ctl *c, const struct sign_alg *a, struct slice signature)
{
	enum { KEY, ALG, SIGNATURE };
	static const struct out_column columns[] = {
		[KEY] = { "key", "Key", OUT_TEXT, false },
		[ALG] = { "algorithm", "Algorithm", OUT_TEXT, false },
		[SIGNATURE] = { "signature", "Signature", OUT_TEXT, false },
	};
	auto_out *o = out_new(c, columns, ARRAY_LEN(columns));
	auto_buf text = { 0 };

	if (o == NULL || base64_encode(signature, &text) != KMS_OK)
		return ctl_fail(c, KMS_NOMEM, "cannot write the signature");
	out_row(o);
	out_take(o, KEY,
	    label_text(slice_str(c->opt[OPT_KEY] != NULL ? c->opt[OPT_KEY] : c->opt[OPT_ID])));
	out_set(o, ALG, a->name);
	out_take(o, SIGNATURE, strndup((const char *)text.p, text.len));
	return out_print_records(o);
}

static enum exit_code
write_signature(struct ctl *c, const struct sign_alg *a, struct slice signature)
{
	uint8_t der[ECDSA_DER_MAX];
	enum kms_rc rc;

	if (is_r_and_s(a) && c->opt[OPT_RAW] == NULL)
		signature = ecdsa_to_der(signature, der);
	/* Bytes as they are could garble a terminal, and are no JSON. */
	if (c->opt[OPT_OUT] == NULL && (c->opt[OPT_JSON] != NULL || isatty(STDOUT_FILENO) == 1))
		return print_signature(c, a, signature);
	(void)ctl_call(c);
	rc = file_write(c->opt[OPT_OUT], signature, &c->call.err);
	return rc == KMS_OK ? EXIT_DONE : ctl_fail(c, rc, "cannot write the signature");
}

static enum exit_code
sign_with(struct ctl *c, const struct object *key)
{
	const struct sign_alg *a;
	struct alg_params p;
	struct backend_key *k = NULL;
	struct use *u = NULL;
	auto_buf signature = { 0 };
	enum exit_code code = EXIT_FAILED;
	enum kms_rc rc;

	if ((a = choose_alg(c, &key->spec, &code)) == NULL)
		return code;
	if ((key->flags & FLAG_SIGN) == 0)
		return ctl_fail(c, KMS_OK, "this key is not for signing");
	p = params_of(a);
	if ((rc = backend_key_open(c->backend, ctl_call(c), &key->id, &k)) == KMS_OK)
		rc = backend_begin(c->backend, ctl_call(c), k, USE_SIGN, &p, &u);
	if (rc == KMS_OK)
		rc = sign_file(c, u, &signature);
	code = rc == KMS_OK ? write_signature(c, a, buf_slice(&signature))
			    : ctl_fail(c, rc, "cannot sign %s", file_name(c->args[0]));
	use_free(u);
	if (k != NULL)
		backend_key_close(c->backend, k);
	return code;
}

enum exit_code
cmd_sign(struct ctl *c)
{
	auto_objects found = { 0 };
	const struct object *key, *other;
	enum exit_code code;

	if (c->opt[OPT_KEY] == NULL && c->opt[OPT_ID] == NULL)
		return ctl_usage(c, "which key signs: --key LABEL or --id HEX");
	if ((code = ctl_login(c)) != EXIT_DONE)
		return code;
	code = keys_named(c, c->opt[OPT_KEY],
	    KIND_BIT(OBJECT_PRIVATE_KEY) | KIND_BIT(OBJECT_SECRET_KEY), &found);
	if (code != EXIT_DONE)
		return code;
	key = objects_of_kind(&found, OBJECT_PRIVATE_KEY);
	other = objects_of_kind(&found, OBJECT_SECRET_KEY);
	if (key != NULL && other != NULL)
		return ctl_fail(c, KMS_OK,
		    "a private and a secret key are called so; name one with --id");
	return sign_with(c, key != NULL ? key : other);
}

/* -- verify -- */

static enum exit_code
read_signature(struct ctl *c, const struct sign_alg *a, const struct key_spec *spec,
    struct buf *ret)
{
	const char *path = c->opt[OPT_SIGNATURE];
	size_t width = curve_bytes(spec->curve);
	uint8_t rs[ECDSA_RS_MAX];
	auto_secret file = { 0 };
	enum kms_rc rc;

	(void)ctl_call(c);
	if ((rc = file_read_secret(path, false, &file, &c->call.err)) != KMS_OK)
		return ctl_fail(c, rc, "cannot read the signature");
	if (!is_r_and_s(a) || c->opt[OPT_RAW] != NULL)
		rc = buf_set(ret, secret_slice(&file));
	else if (ecdsa_from_der(secret_slice(&file), width, rs))
		rc = buf_set(ret, slice_of(rs, 2 * width));
	else
		return ctl_fail(c, KMS_OK,
		    "BAD SIGNATURE: %s is no signature in DER; --raw takes r and s side by side",
		    file_name(path));
	return rc == KMS_OK ? EXIT_DONE : ctl_fail(c, rc, "cannot read the signature");
}

static enum exit_code
verdict(struct ctl *c, const struct sign_alg *a)
{
	enum { RESULT, ALG };
	static const struct out_column columns[] = {
		[RESULT] = { "result", "Result", OUT_TEXT, false },
		[ALG] = { "algorithm", "Algorithm", OUT_TEXT, false },
	};
	auto_out *o = NULL;

	if (c->opt[OPT_JSON] == NULL) {
		(void)puts("OK");
		return EXIT_DONE;
	}
	if ((o = out_new(c, columns, ARRAY_LEN(columns))) == NULL)
		return ctl_fail(c, KMS_NOMEM, "the signature is good, but this cannot be shown");
	out_row(o);
	out_set(o, RESULT, "ok");
	out_set(o, ALG, a->name);
	return out_print(o);
}

/* Public keys work here, in the process; a secret key stays where it is. */
static enum kms_rc
begin_verify(struct ctl *c, const struct object *key, const struct alg_params *p,
    struct backend_key **k, struct use **u)
{
	auto_ckey *pub = NULL;

	if (key->kind == OBJECT_SECRET_KEY) {
		TRY(backend_key_open(c->backend, ctl_call(c), &key->id, k));
		return backend_begin(c->backend, ctl_call(c), *k, USE_VERIFY, p, u);
	}
	TRY(ckey_from_spki(buf_slice(&key->body), &pub));
	return crypto_begin(pub, USE_VERIFY, p, u);
}

static enum exit_code
verify_with(struct ctl *c, const struct object *key)
{
	const struct sign_alg *a;
	struct alg_params p;
	struct backend_key *k = NULL;
	struct use *u = NULL;
	auto_buf signature = { 0 };
	enum exit_code code = EXIT_FAILED;
	enum kms_rc rc;

	if ((a = choose_alg(c, &key->spec, &code)) == NULL ||
	    (code = read_signature(c, a, &key->spec, &signature)) != EXIT_DONE)
		return code;
	p = params_of(a);
	if ((rc = begin_verify(c, key, &p, &k, &u)) == KMS_OK)
		rc = verify_file(c, u, buf_slice(&signature));
	if (rc == KMS_OK)
		code = verdict(c, a);
	else if (rc == KMS_BAD_SIGNATURE || rc == KMS_SIGNATURE_LEN)
		code =
		    ctl_fail(c, KMS_OK, "BAD SIGNATURE: %s was not signed so by this key with %s",
			file_name(c->args[0]), a->name);
	else
		code = ctl_fail(c, rc, "cannot verify %s", file_name(c->args[0]));
	use_free(u);
	if (k != NULL)
		backend_key_close(c->backend, k);
	return code;
}

/* A public key needs no PIN. Without one of that name the private key's public half, or a secret
 * key, needs it. */
static enum exit_code
find_verifier(struct ctl *c, struct objects *ret)
{
	struct object_query q = { .kind = OBJECT_PUBLIC_KEY };
	auto_object_refs refs = { 0 };
	auto_buf id = { 0 };
	enum exit_code code;

	if ((code = id_option(c, &id)) != EXIT_DONE || (code = ctl_open(c)) != EXIT_DONE)
		return code;
	q.has_label = c->opt[OPT_KEY] != NULL;
	q.label = slice_str(c->opt[OPT_KEY]);
	q.has_app_id = id.len > 0;
	q.app_id = buf_slice(&id);
	if (backend_find(c->backend, ctl_call(c), &q, &refs) == KMS_OK && refs.n > 0)
		return keys_named(c, c->opt[OPT_KEY], KIND_BIT(OBJECT_PUBLIC_KEY), ret);
	if ((code = ctl_login(c)) != EXIT_DONE)
		return code;
	return keys_named(c, c->opt[OPT_KEY], KINDS_KEYS, ret);
}

enum exit_code
cmd_verify(struct ctl *c)
{
	auto_objects found = { 0 };
	enum exit_code code;

	if (c->opt[OPT_KEY] == NULL && c->opt[OPT_ID] == NULL)
		return ctl_usage(c, "which key verifies: --key LABEL or --id HEX");
	if ((code = find_verifier(c, &found)) != EXIT_DONE)
		return code;
	return verify_with(c, &found.v[0]);
}
