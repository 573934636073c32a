/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys between the HSM and the store. What an HSM made is noted until a row knows it, and destroyed
 * when none comes to; what a row knew is noted before the row goes, and destroyed when it is gone.
 * Where keys are nothing but their material, nothing is noted.
 */
#ifndef KMS_KMS_HSM_KEYS_H
#define KMS_KMS_HSM_KEYS_H

#include "kms/core.h"

struct hsm_keys {
	struct local *l;
	struct hsm_kept *v;
	size_t n;
};

/* Whether keys never come out of where they are. */
bool hsm_keeps_inside(struct local *l);
/*
 * The HSM has what a KMS key of SPEC needs; GENERATED: it makes it, too. Else the refusal, with a
 * sentence. An HSM that was not seen yet is hoped for.
 */
enum kms_rc hsm_can_keep(struct local *l, struct call *c, const struct key_spec *spec,
    bool generated) MUST_USE;

/* Forgets what is noted. */
void hsm_keys_leave(struct hsm_keys *k);
/* Destroys the keys that are noted. One that stays for all that is told to the log. */
void hsm_keys_destroy(struct hsm_keys *k);
#define auto_hsm_made __attribute__((cleanup(hsm_keys_destroy))) struct hsm_keys

/*
 * As the methods of hsm_ops, for O, which is to be stored: it becomes as sensitive as the HSM keeps
 * it. MADE notes the key.
 */
enum kms_rc hsm_generate(struct hsm_keys *made, struct local *l, struct call *c, struct object *o,
    struct slice e, struct secret *material, struct buf *spki) MUST_USE;
enum kms_rc hsm_import(struct hsm_keys *made, struct local *l, struct call *c, struct object *o,
    struct slice outside, struct secret *material, struct buf *spki) MUST_USE;
/* MATERIAL becomes that of O, a copy of the key that it was of. */
enum kms_rc hsm_copy(struct hsm_keys *made, struct local *l, struct call *c, struct object *o,
    struct secret *material) MUST_USE;

/* Notes the key of row ID, which is about to go; a damaged row does not tell. */
enum kms_rc hsm_doom(struct hsm_keys *doomed, struct local *l, struct call *c,
    const struct uid *id) MUST_USE;

#endif
