/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of a token: finding them by what people call them, and telling about them in text. */
#include "kmsctl/ctl.h"

#include <stdlib.h>

#include "base/codec.h"

void
objects_free(struct objects *o)
{
	for (size_t i = 0; i < o->n; i++)
		object_free(&o->v[i]);
	free(o->v);
	*o = (struct objects){ 0 };
}

enum kms_rc
objects_find(struct ctl *c, const struct object_query *q, struct objects *ret)
{
	auto_object_refs refs = { 0 };
	struct object *v;
	size_t room;

	TRY(backend_find(c->backend, ctl_call(c), q, &refs));
	if (refs.n == 0)
		return KMS_OK;
	if (!size_add(ret->n, refs.n, &room) ||
	    (v = reallocarray(ret->v, room, sizeof(*v))) == NULL)
		return KMS_NOMEM;
	ret->v = v;
	for (size_t i = 0; i < refs.n; i++) {
		struct object o = { 0 };
		enum kms_rc rc = backend_get(c->backend, ctl_call(c), &refs.v[i].id, &o);

		if (rc == KMS_NOTFOUND) /* somebody deleted it between the two */
			continue;
		if (rc == KMS_TAMPERED) { /* which must not hide the others */
			ret->damaged++;
			continue;
		}
		TRY(rc);
		ret->v[ret->n++] = o;
	}
	return KMS_OK;
}

enum exit_code
objects_all_there(struct ctl *c, const struct objects *o)
{
	if (o->damaged == 0)
		return EXIT_DONE;
	return ctl_fail(c, KMS_OK,
	    "%zu of the objects cannot be read: changed outside this software, or damaged; restore the "
	    "store from a backup",
	    o->damaged);
}

const struct object *
objects_of_kind(const struct objects *o, enum object_kind kind)
{
	for (size_t i = 0; i < o->n; i++) {
		if (o->v[i].kind == kind)
			return &o->v[i];
	}
	return NULL;
}

/* How a person named it, for an error. */
static void
describe(struct ctl *c, const char *label, char *dst, size_t cap)
{
	const char *id = c->opt[OPT_ID];

	(void)snprintf(dst, cap, "%s%.200s%s%s%.200s", label == NULL ? "" : "called ",
	    label == NULL ? "" : label, label == NULL || id == NULL ? "" : " ",
	    id == NULL ? "" : "with the id ", id == NULL ? "" : id);
}

enum exit_code
keys_named(struct ctl *c, const char *label, unsigned kinds, struct objects *ret)
{
	auto_objects found = { 0 };
	auto_buf id = { 0 };
	struct object_query q = { .private_too = true };
	char name[512];
	enum kms_rc rc = KMS_OK;

	enum exit_code code;

	if (label == NULL && c->opt[OPT_ID] == NULL)
		return ctl_usage(c, "name the key by its label or with --id");
	if ((code = id_option(c, &id)) != EXIT_DONE)
		return code;
	if (label != NULL) {
		q.has_label = true;
		q.label = slice_str(label);
	}
	if (c->opt[OPT_ID] != NULL) {
		q.has_app_id = true;
		q.app_id = buf_slice(&id);
	}
	describe(c, label, name, sizeof(name));

	for (unsigned kind = OBJECT_PRIVATE_KEY; kind <= OBJECT_SECRET_KEY && rc == KMS_OK;
	     kind++) {
		size_t before = found.n;

		if ((kinds & KIND_BIT(kind)) == 0)
			continue;
		q.kind = (enum object_kind)kind;
		rc = objects_find(c, &q, &found);
		if (rc == KMS_OK && found.n > before + 1)
			return ctl_fail(c, KMS_OK, "%zu %s keys are %s; name one with %s",
			    found.n - before, kind_name(q.kind), name,
			    c->opt[OPT_ID] == NULL ? "--id" : "its label too");
	}
	if (rc != KMS_OK)
		return ctl_fail(c, rc, "cannot find the key %s", name);
	if ((code = objects_all_there(c, &found)) != EXIT_DONE)
		return code;
	if (found.n == 0)
		return ctl_fail(c, KMS_OK, "there is no key %s; kmsctl key list shows all", name);
	*ret = found;
	found = (struct objects){ 0 }; /* moved */
	return EXIT_DONE;
}

enum exit_code
id_option(struct ctl *c, struct buf *ret)
{
	if (c->opt[OPT_ID] == NULL)
		return EXIT_DONE;
	if (c->opt[OPT_ID][0] == '\0' || hex_decode(slice_str(c->opt[OPT_ID]), ret) != KMS_OK)
		return ctl_usage(c, "--id takes hexadecimal digits, two a byte");
	return EXIT_DONE;
}

enum exit_code
keys_must_be_new(struct ctl *c, struct slice label, struct slice id)
{
	for (unsigned kind = OBJECT_PRIVATE_KEY; kind <= OBJECT_SECRET_KEY; kind++) {
		struct object_query by_label = { .kind = (enum object_kind)kind,
			.private_too = true,
			.has_label = true,
			.label = label };
		struct object_query by_id = { .kind = (enum object_kind)kind,
			.private_too = true,
			.has_app_id = true,
			.app_id = id };
		auto_object_refs labels = { 0 }, ids = { 0 };
		enum kms_rc rc = backend_find(c->backend, ctl_call(c), &by_label, &labels);

		if (rc == KMS_OK && id.len > 0)
			rc = backend_find(c->backend, ctl_call(c), &by_id, &ids);
		if (rc != KMS_OK)
			return ctl_fail(c, rc, "cannot see which keys there are");
		if (labels.n > 0)
			return ctl_fail(c, KMS_OK,
			    "a key is called so already; choose another label, or delete that key first");
		if (ids.n > 0)
			return ctl_fail(c, KMS_OK,
			    "a key has this id already; kmsctl key list --id shows it");
	}
	return EXIT_DONE;
}

/* -- in text -- */

static const struct {
	enum object_kind kind;
	const char *name;
} kinds[] = {
	{ OBJECT_PRIVATE_KEY, "private" },
	{ OBJECT_PUBLIC_KEY, "public" },
	{ OBJECT_SECRET_KEY, "secret" },
	{ OBJECT_CERTIFICATE, "certificate" },
	{ OBJECT_DATA, "data" },
};

const char *
kind_name(enum object_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].kind == kind)
			return kinds[i].name;
	}
	return "unknown";
}

bool
kind_parse(const char *text, enum object_kind *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if ((KIND_BIT(kinds[i].kind) & KINDS_KEYS) != 0 &&
		    strcmp(kinds[i].name, text) == 0) {
			*ret = kinds[i].kind;
			return true;
		}
	}
	return false;
}

struct flag_name {
	uint32_t flag;
	const char *name;
};

static const struct flag_name usages[] = {
	{ FLAG_ENCRYPT, "encrypt" },
	{ FLAG_DECRYPT, "decrypt" },
	{ FLAG_SIGN, "sign" },
	{ FLAG_VERIFY, "verify" },
	{ FLAG_SIGN_RECOVER, "sign-recover" },
	{ FLAG_VERIFY_RECOVER, "verify-recover" },
	{ FLAG_WRAP, "wrap" },
	{ FLAG_UNWRAP, "unwrap" },
	{ FLAG_DERIVE, "derive" },
};

static const struct flag_name protections[] = {
	{ FLAG_PRIVATE, "private" },
	{ FLAG_SENSITIVE, "sensitive" },
	{ FLAG_ALWAYS_SENSITIVE, "always-sensitive" },
	{ FLAG_EXTRACTABLE, "extractable" },
	{ FLAG_NEVER_EXTRACTABLE, "never-extractable" },
	{ FLAG_LOCAL, "local" },
	{ FLAG_TRUSTED, "trusted" },
	{ FLAG_WRAP_WITH_TRUSTED, "wrap-with-trusted" },
	{ FLAG_ALWAYS_AUTHENTICATE, "always-authenticate" },
	{ FLAG_MODIFIABLE, "modifiable" },
	{ FLAG_COPYABLE, "copyable" },
	{ FLAG_DESTROYABLE, "destroyable" },
};

/* The bytes of B as a string; B is empty then. */
static char *
to_text(struct buf *b)
{
	char *text = strndup(b->p == NULL ? "" : (const char *)b->p, b->len);

	buf_free(b);
	return text;
}

static char *
flags_text(const struct flag_name *names, size_t n, uint32_t flags, const char *separator)
{
	auto_buf b = { 0 };

	for (size_t i = 0; i < n; i++) {
		if ((flags & names[i].flag) == 0)
			continue;
		if ((b.len > 0 && buf_add(&b, slice_str(separator)) != KMS_OK) ||
		    buf_add(&b, slice_str(names[i].name)) != KMS_OK)
			return NULL;
	}
	return to_text(&b);
}

char *
usage_text(uint32_t flags, const char *separator)
{
	return flags_text(usages, ARRAY_LEN(usages), flags, separator);
}

char *
protection_text(uint32_t flags, const char *separator)
{
	return flags_text(protections, ARRAY_LEN(protections), flags, separator);
}

/* Bytes of the character at the front of S, which is safe to show; 0 when it is none, or could
 * steer a terminal. */
static size_t
shown_char(struct slice s)
{
	if (s.p[0] < 0x20 || s.p[0] == 0x7f || (s.len > 1 && s.p[0] == 0xc2 && s.p[1] < 0xa0))
		return 0;
	for (size_t n = 1; n <= 4 && n <= s.len; n++) {
		if (utf8_valid(slice_of(s.p, n)))
			return n;
	}
	return 0;
}

char *
label_text(struct slice label)
{
	static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
	auto_buf b = { 0 };

	for (size_t i = 0; i < label.len;) {
		struct slice rest = slice_of(label.p + i, label.len - i);
		size_t n = shown_char(rest);

		if (buf_add(&b, n == 0 ? slice_str(replacement) : slice_of(rest.p, n)) != KMS_OK)
			return NULL;
		i += n == 0 ? 1 : n;
	}
	return to_text(&b);
}

char *
hex_text(struct slice bytes)
{
	size_t cap;
	char *text;

	if (!size_mul(bytes.len, 2, &cap) || !size_add(cap, 1, &cap) ||
	    (text = malloc(cap)) == NULL)
		return NULL;
	(void)hex_encode(bytes, text, cap);
	return text;
}

char *
spki_pem(struct slice spki)
{
	auto_buf text = { 0 }, pem = { 0 };

	if (base64_encode(spki, &text) != KMS_OK ||
	    buf_add(&pem, slice_str("-----BEGIN PUBLIC KEY-----\n")) != KMS_OK)
		return NULL;
	for (size_t i = 0; i < text.len; i += 64) {
		struct slice line = slice_of(text.p + i, text.len - i < 64 ? text.len - i : 64);

		if (buf_add(&pem, line) != KMS_OK || buf_add_byte(&pem, '\n') != KMS_OK)
			return NULL;
	}
	if (buf_add(&pem, slice_str("-----END PUBLIC KEY-----\n")) != KMS_OK)
		return NULL;
	return to_text(&pem);
}
