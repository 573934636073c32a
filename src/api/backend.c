/* SPDX-License-Identifier: Apache-2.0 */
/* The backend's methods by name: a method that an implementation lacks is KMS_NOTSUP. */
#include "api/backend.h"

#include <stdarg.h>
#include <stdio.h>

static enum kms_rc
lacks(const struct backend *b, struct call *c, const char *method)
{
	return call_fail(c, KMS_NOTSUP, "the %s backend cannot %s", b->ops->name, method);
}

const struct key_caps key_caps_all = {
	.uses = { [0 ... ALG_END - 1] = { [0 ... DIGEST_END - 1] = UINT8_MAX } },
	.makes = UINT32_MAX,
};

void
backend_close(struct backend *b)
{
	if (b != NULL && b->ops->close != NULL)
		b->ops->close(b);
}

const struct key_caps *
backend_caps(struct backend *b)
{
	return b->ops->caps == NULL ? &key_caps_all : b->ops->caps(b);
}

enum kms_rc
backend_status(struct backend *b, struct call *c, struct token_status *ret)
{
	return b->ops->status == NULL ? lacks(b, c, "tell its status") : b->ops->status(b, c, ret);
}

enum kms_rc
backend_init_token(struct backend *b, struct call *c, struct slice label, struct slice so_pin)
{
	return b->ops->init_token == NULL ? lacks(b, c, "initialise tokens")
					  : b->ops->init_token(b, c, label, so_pin);
}

enum kms_rc
backend_login(struct backend *b, struct call *c, enum role role, struct slice name,
    struct slice pin)
{
	return b->ops->login == NULL ? lacks(b, c, "log in") : b->ops->login(b, c, role, name, pin);
}

enum kms_rc
backend_reauthenticate(struct backend *b, struct call *c, struct slice pin)
{
	return b->ops->reauthenticate == NULL ? lacks(b, c, "verify a PIN again")
					      : b->ops->reauthenticate(b, c, pin);
}

void
backend_logout(struct backend *b)
{
	if (b->ops->logout != NULL)
		b->ops->logout(b);
}

enum role
backend_role(struct backend *b)
{
	return b->ops->role == NULL ? ROLE_NONE : b->ops->role(b);
}

enum kms_rc
backend_init_pin(struct backend *b, struct call *c, struct slice pin)
{
	return b->ops->init_pin == NULL ? lacks(b, c, "set the user PIN")
					: b->ops->init_pin(b, c, pin);
}

enum kms_rc
backend_set_pin(struct backend *b, struct call *c, enum role role, struct slice old_pin,
    struct slice new_pin)
{
	return b->ops->set_pin == NULL ? lacks(b, c, "change PINs")
				       : b->ops->set_pin(b, c, role, old_pin, new_pin);
}

uint64_t
backend_generation(struct backend *b)
{
	return b->ops->generation == NULL ? 0 : b->ops->generation(b);
}

enum kms_rc
backend_find(struct backend *b, struct call *c, const struct object_query *q,
    struct object_refs *ret)
{
	return b->ops->find == NULL ? lacks(b, c, "find objects") : b->ops->find(b, c, q, ret);
}

enum kms_rc
backend_revision(struct backend *b, struct call *c, const struct uid *id, uint64_t *ret)
{
	return b->ops->revision == NULL ? lacks(b, c, "tell revisions")
					: b->ops->revision(b, c, id, ret);
}

enum kms_rc
backend_get(struct backend *b, struct call *c, const struct uid *id, struct object *ret)
{
	return b->ops->get == NULL ? lacks(b, c, "read objects") : b->ops->get(b, c, id, ret);
}

enum kms_rc
backend_create(struct backend *b, struct call *c, struct object *v, const struct slice *material,
    size_t n)
{
	return b->ops->create == NULL ? lacks(b, c, "store objects")
				      : b->ops->create(b, c, v, material, n);
}

enum kms_rc
backend_generate(struct backend *b, struct call *c, struct object *priv, struct object *pub,
    struct slice e)
{
	return b->ops->generate == NULL ? lacks(b, c, "generate keys")
					: b->ops->generate(b, c, priv, pub, e);
}

enum kms_rc
backend_update(struct backend *b, struct call *c, struct object *o, const struct slice *material)
{
	return b->ops->update == NULL ? lacks(b, c, "change objects")
				      : b->ops->update(b, c, o, material);
}

enum kms_rc
backend_copy(struct backend *b, struct call *c, const struct uid *src, struct object *new_object)
{
	return b->ops->copy == NULL ? lacks(b, c, "copy objects")
				    : b->ops->copy(b, c, src, new_object);
}

enum kms_rc
backend_destroy(struct backend *b, struct call *c, const struct uid *ids, size_t n)
{
	return b->ops->destroy == NULL ? lacks(b, c, "delete objects")
				       : b->ops->destroy(b, c, ids, n);
}

enum kms_rc
backend_export(struct backend *b, struct call *c, const struct uid *id, struct secret *ret)
{
	return b->ops->export_material == NULL ? lacks(b, c, "export keys")
					       : b->ops->export_material(b, c, id, ret);
}

enum kms_rc
backend_act(struct backend *b, struct call *c, enum action a, const struct fields *req,
    struct fields *res)
{
	enum kms_rc rc;

	if (b->ops->act == NULL)
		return call_refuse(c, E_ActionNotFound, "the %s backend is no KMS", b->ops->name);
	c->error = E_None;
	if ((rc = b->ops->act(b, c, a, req, res)) != KMS_OK && c->error == E_None)
		c->error = api_error_of_rc(rc);
	return rc;
}

enum kms_rc
call_refuse(struct call *c, enum api_error e, const char *fmt, ...)
{
	char text[sizeof(((struct err *)0)->text)];
	va_list ap;

	if (c != NULL) {
		va_start(ap, fmt);
		(void)vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		c->error = e;
		return call_fail(c, api_error_row(e)->rc, "%s", text);
	}
	return api_error_row(e)->rc;
}

enum kms_rc
backend_key_open(struct backend *b, struct call *c, const struct uid *id, struct backend_key **ret)
{
	return b->ops->key_open == NULL ? lacks(b, c, "use keys") : b->ops->key_open(b, c, id, ret);
}

void
backend_key_close(struct backend *b, struct backend_key *k)
{
	if (k != NULL && b->ops->key_close != NULL)
		b->ops->key_close(b, k);
}

enum kms_rc
backend_begin(struct backend *b, struct call *c, struct backend_key *k, enum use_kind kind,
    const struct alg_params *p, struct use **usep)
{
	if (b->ops->begin != NULL)
		return b->ops->begin(b, c, k, kind, p, usep);
	use_free(*usep);
	*usep = NULL;
	return lacks(b, c, "use keys");
}

enum kms_rc
backend_derive(struct backend *b, struct call *c, struct backend_key *k, const struct alg_params *p,
    struct secret *ret)
{
	return b->ops->derive == NULL ? lacks(b, c, "derive") : b->ops->derive(b, c, k, p, ret);
}

void
backend_uses_close(struct backend *b, struct backend_uses *u)
{
	if (u != NULL && b->ops->uses_close != NULL)
		b->ops->uses_close(b, u);
}

enum kms_rc
backend_wrap(struct backend *b, struct call *c, struct backend_key *k, const struct alg_params *p,
    struct backend_key *target, struct buf *ret)
{
	return b->ops->wrap == NULL ? lacks(b, c, "wrap keys inside")
				    : b->ops->wrap(b, c, k, p, target, ret);
}
