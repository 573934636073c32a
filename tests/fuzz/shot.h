/* SPDX-License-Identifier: Apache-2.0 */
/* An object's attributes as C_GetAttributeValue shows them at one moment, and templates held
 * against them. */
#ifndef KMS_TESTS_FUZZ_SHOT_H
#define KMS_TESTS_FUZZ_SHOT_H

#include "tests/fuzz/tmpl.h"

#define SHOT_TYPES 80

/* Of each of tmpl_types: shown, hidden (sensitive) or absent. */
struct shot {
	enum { SHOT_ABSENT, SHOT_HIDDEN, SHOT_SHOWN } how[SHOT_TYPES];
	struct buf value[SHOT_TYPES]; /* of array attributes: type, length (u64), bytes, repeated */
};

/* False: there is no such object. The ways in which C_GetAttributeValue may be asked agree. */
bool shot_take(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, struct shot *ret);
void shot_free(struct shot *shot);
#define auto_shot __attribute__((cleanup(shot_free))) struct shot

bool shot_has(const struct shot *shot, CK_ATTRIBUTE_TYPE type);
bool shot_hides(const struct shot *shot, CK_ATTRIBUTE_TYPE type);
/* Empty when it is not shown. */
struct slice shot_value(const struct shot *shot, CK_ATTRIBUTE_TYPE type);
/* A CK_BBOOL that is shown and true. */
bool shot_on(const struct shot *shot, CK_ATTRIBUTE_TYPE type);
CK_ULONG shot_number(const struct shot *shot, CK_ATTRIBUTE_TYPE type);

/* The same in every type but those of EXCEPT (which may be NULL). */
bool shot_same(const struct shot *a, const struct shot *b, const struct tmpl *except);

/* Is what the object shows what the template gave? Numbers may lose leading zeros, points may be
 * wrapped; what a template leaves to the module (an empty value) may be anything. */
bool shot_keeps(const struct shot *shot, const struct tmpl *t);
/* The same of the value of an array attribute. */
bool shot_keeps_array(const struct shot *shot, struct slice array);
/* Does the object show exactly these values (C_FindObjects, CKA_WRAP_TEMPLATE)? */
bool shot_matches(const struct shot *shot, const struct tmpl *t);
bool shot_matches_array(const struct shot *shot, struct slice array);

#endif
