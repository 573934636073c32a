/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token driver: keys are generated in a PKCS#11 HSM and never leave it. What the core seals and
 * keeps of a key is a reference to it, by CKA_ID.
 */
#include "hsm/token.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static void
tok_close(struct hsm *base)
{
	struct tok *h = tok_of(base);

	if (h == NULL)
		return;
	tok_pool_free(h);
	p11mod_close(h->mod);
	hsm_uri_free(&h->uri);
	free(h);
}

/* Before the HSM was seen, all may be hoped for. */
static const struct key_caps *
tok_caps(struct hsm *base)
{
	struct tok *h = tok_of(base);

	return atomic_load_explicit(&h->known, memory_order_acquire) ? &h->caps : &h->caps_unknown;
}

static enum kms_rc
tok_export(struct hsm *h UNUSED, struct call *c, const struct key_spec *spec UNUSED,
    struct slice material UNUSED, struct secret *ret UNUSED)
{
	return call_fail(c, KMS_DENIED, "the key is in an HSM and does not come out");
}

static void
tok_key_close(struct hsm *h UNUSED, struct hsm_key *k)
{
	tok_key_unref(tok_key_of(k));
}

/* A text of Cryptoki's, without its padding. */
static int
text_len(const CK_UTF8CHAR *s, size_t len)
{
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\0'))
		len--;
	return (int)len;
}

static CK_RV
describe(struct tok_at *at, void *arg)
{
	struct buf *ret = arg;
	struct tok *h = at->h;
	CK_INFO info;
	CK_TOKEN_INFO token;
	char text[256];
	CK_RV rv;
	int n;

	at->call = "C_GetTokenInfo";
	if ((rv = at->f->C_GetInfo(&info)) != CKR_OK ||
	    (rv = at->f->C_GetTokenInfo(h->slot, &token)) != CKR_OK)
		return rv;
	n = snprintf(text, sizeof(text), "%.*s of %.*s, serial %.*s, %.*s %u.%u; logged in",
	    text_len(token.label, sizeof(token.label)), token.label,
	    text_len(token.manufacturerID, sizeof(token.manufacturerID)), token.manufacturerID,
	    text_len(token.serialNumber, sizeof(token.serialNumber)), token.serialNumber,
	    text_len(info.libraryDescription, sizeof(info.libraryDescription)),
	    info.libraryDescription, info.libraryVersion.major, info.libraryVersion.minor);
	return n > 0 && buf_set(ret, slice_str(text)) == KMS_OK ? CKR_OK : CKR_HOST_MEMORY;
}

static enum kms_rc
tok_check(struct hsm *h, struct call *c, struct buf *ret)
{
	return tok_run(tok_of(h), c, NULL, true, describe, ret);
}

static const struct hsm_ops token_ops = {
	.name = "token",
	.close = tok_close,
	.caps = tok_caps,
	.generate = tok_generate,
	.import = tok_import,
	.copy = tok_copy,
	.destroy = tok_destroy,
	.export_material = tok_export,
	.key_open = tok_key_open,
	.key_close = tok_key_close,
	.begin = tok_begin,
	.derive = tok_derive,
	.wrap = tok_wrap,
	.check = tok_check,
	.list = tok_list,
	.same = tok_same,
};

static enum kms_rc
tok_open(struct tok *h, const struct conf_token *conf, struct call *c)
{
	struct call probe = { .deadline_ms = c == NULL ? 0 : c->deadline_ms };
	enum kms_rc rc;

	tok_pool_init(h);
	h->base.ops = &token_ops;
	h->timeout_ms = conf->timeout_ms;
	h->max = conf->hsm_sessions;
	h->caps_unknown = key_caps_all;
	h->caps_unknown.inside = true;
	TRY(hsm_uri_read(conf->hsm, c, &h->uri));
	TRY(p11mod_open(h->uri.module_path, conf->hsm_arguments, c, &h->mod));
	/* An HSM that is not there yet makes its token neither unknown nor useless for ever. */
	if ((rc = tok_probe(h, &probe)) == KMS_CONFIG)
		return call_fail(c, rc, "%s", probe.err.text);
	if (rc != KMS_OK)
		log_warning("token \"%s\": %s; tried again when a key is used", conf->name,
		    probe.err.text[0] != '\0' ? probe.err.text : rc_text(rc));
	return KMS_OK;
}

enum kms_rc
hsm_token(const struct conf_token *conf, struct call *c, struct hsm **ret)
{
	struct tok *h = calloc(1, sizeof(*h));
	enum kms_rc rc;

	if (h == NULL)
		return KMS_NOMEM;
	if ((rc = tok_open(h, conf, c)) != KMS_OK) {
		tok_close(&h->base);
		return rc;
	}
	*ret = &h->base;
	return KMS_OK;
}
