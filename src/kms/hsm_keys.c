/* SPDX-License-Identifier: Apache-2.0 */
/* Notes of keys in the HSM that must not outlive what their rows become. */
#include "kms/hsm_keys.h"

#include <stdlib.h>

#include "base/log.h"
#include "kms/under.h"

struct hsm_kept {
	struct key_spec spec;
	struct secret material;
};

bool
hsm_keeps_inside(struct local *l)
{
	return l->hsm->ops->caps(l->hsm)->inside;
}

enum kms_rc
hsm_can_keep(struct local *l, struct call *c, const struct key_spec *spec, bool generated)
{
	const struct key_caps *caps = l->hsm->ops->caps(l->hsm);
	uint32_t min = caps->bits[spec->type].min, max = caps->bits[spec->type].max;
	unsigned both = CAN(USE_ENCRYPT) | CAN(USE_DECRYPT);

	if (generated && (caps->makes & 1u << spec->type) == 0)
		return call_refuse(c, E_UnsupportedOperation,
		    "Unsupported operation. The HSM makes no keys of this KeySpec.");
	if (generated && (spec->bits < min || (max != 0 && spec->bits > max)))
		return call_refuse(c, E_UnsupportedOperation,
		    "Unsupported operation. The HSM makes no keys of this KeySpec's size.");
	if (spec->type == KEY_AES && (caps->uses[ALG_AES_GCM][DIGEST_NONE] & both) != both)
		return call_refuse(c, E_UnsupportedOperation,
		    "Unsupported operation. The HSM has no AES-GCM, which this KeySpec needs.");
	return KMS_OK;
}

void
hsm_keys_leave(struct hsm_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		secret_free(&k->v[i].material);
	free(k->v);
	*k = (struct hsm_keys){ 0 };
}

void
hsm_keys_destroy(struct hsm_keys *k)
{
	for (size_t i = 0; i < k->n; i++) {
		/* What led here may have used up its call's time. */
		struct call own = { 0 };
		struct hsm *h = k->l->hsm;
		enum kms_rc rc =
		    h->ops->destroy(h, &own, &k->v[i].spec, secret_slice(&k->v[i].material));

		if (rc != KMS_OK)
			log_warning("a key that no object knows stays in the HSM: %s",
			    own.err.text[0] != '\0' ? own.err.text : rc_text(rc));
	}
	hsm_keys_leave(k);
}

/* Room is had before there is anything to note. */
static enum kms_rc
room(struct hsm_keys *k, struct local *l)
{
	struct hsm_kept *v;

	if (l->hsm->ops->destroy == NULL)
		return KMS_OK;
	if ((v = reallocarray(k->v, k->n + 1, sizeof(*v))) == NULL)
		return KMS_NOMEM;
	k->v = v;
	k->l = l;
	return KMS_OK;
}

static enum kms_rc
note(struct hsm_keys *k, struct local *l, const struct key_spec *spec,
    const struct secret *material)
{
	struct hsm_kept kept = { .spec = *spec };

	if (l->hsm->ops->destroy == NULL)
		return KMS_OK;
	TRY(secret_copy(secret_slice(material), &kept.material));
	k->v[k->n++] = kept;
	return KMS_OK;
}

/* Of what has just been made: what cannot be noted is destroyed at once. */
static enum kms_rc
note_made(struct hsm_keys *k, struct local *l, const struct key_spec *spec, struct secret *material)
{
	enum kms_rc rc = note(k, l, spec, material);

	if (rc != KMS_OK) {
		(void)l->hsm->ops->destroy(l->hsm, NULL, spec, secret_slice(material));
		secret_free(material);
	}
	return rc;
}

/* Where keys never come out, they are as sensitive as can be, whatever a template asks. */
static void
mark(struct local *l, struct object *o, bool made_here)
{
	if (!hsm_keeps_inside(l))
		return;
	o->flags |= FLAG_SENSITIVE;
	if (made_here)
		o->flags |= FLAG_ALWAYS_SENSITIVE;
}

enum kms_rc
hsm_generate(struct hsm_keys *made, struct local *l, struct call *c, struct object *o,
    struct slice e, struct secret *material, struct buf *spki)
{
	TRY(room(made, l));
	mark(l, o, true);
	TRY(l->hsm->ops->generate(l->hsm, c, o, e, material, spki));
	return note_made(made, l, &o->spec, material);
}

enum kms_rc
hsm_import(struct hsm_keys *made, struct local *l, struct call *c, struct object *o,
    struct slice outside, struct secret *material, struct buf *spki)
{
	TRY(room(made, l));
	mark(l, o, false);
	TRY(l->hsm->ops->import(l->hsm, c, o, outside, material, spki));
	return note_made(made, l, &o->spec, material);
}

enum kms_rc
hsm_copy(struct hsm_keys *made, struct local *l, struct call *c, struct object *o,
    struct secret *material)
{
	auto_secret copy = { 0 };

	if (l->hsm->ops->copy == NULL)
		return KMS_OK;
	TRY(room(made, l));
	TRY(l->hsm->ops->copy(l->hsm, c, o, secret_slice(material), &copy));
	secret_free(material);
	*material = copy; /* moved */
	copy = (struct secret){ 0 };
	return note_made(made, l, &o->spec, material);
}

/* Which key it is: a master key that is disabled since does not keep it in the HSM. */
static enum kms_rc
find_key(struct local *l, struct call *c, const struct uid *id, struct store_row *row,
    struct secret *material)
{
	auto_keyring keys = { 0 };

	TRY(row_get(l, c, id, &keys, row, material));
	return kind_is_key(row->o.kind) ? under_find(l, c, &row->o, material) : KMS_OK;
}

enum kms_rc
hsm_doom(struct hsm_keys *doomed, struct local *l, struct call *c, const struct uid *id)
{
	auto_store_row row = { 0 };
	auto_secret material = { 0 };
	enum kms_rc rc;

	if (l->hsm->ops->destroy == NULL)
		return KMS_OK;
	TRY(room(doomed, l));
	rc = find_key(l, c, id, &row, &material);
	if (rc == KMS_OK)
		return kind_is_key(row.o.kind) ? note(doomed, l, &row.o.spec, &material) : KMS_OK;
	if (rc != KMS_NOTFOUND)
		log_warning("the key of an object that cannot be read stays in the HSM: %s",
		    rc_text(rc));
	if (c != NULL)
		err_clear(&c->err);
	return KMS_OK;
}
