/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates for fuzzing: good ones of every class, and edits that an input makes to them, down to
 * lengths that lie, pointers that lead nowhere and arrays at odd addresses. Each value lies in
 * memory of exactly its length.
 */
#ifndef KMS_TESTS_FUZZ_TMPL_H
#define KMS_TESTS_FUZZ_TMPL_H

#include "pkcs11/cryptoki.h"
#include "tests/fuzz/fuzz.h"

#define ITEMS_MAX 80 /* more than the module takes */

struct tmpl;

/* One attribute. inner: an array of attributes, whose packed form is the value. */
struct item {
	CK_ATTRIBUTE_TYPE type;
	uint8_t *value;
	CK_ULONG len;	  /* of VALUE */
	CK_ULONG claimed; /* what the module is told, if LIES */
	bool lies;
	bool null; /* the module is given no pointer */
	struct tmpl *inner;
};

/* { 0 } is empty. */
struct tmpl {
	struct item v[ITEMS_MAX];
	size_t n;
	uint8_t *room; /* the packed array, and what is in front of it when it is misaligned */
	CK_ATTRIBUTE *packed;
};

void tmpl_free(struct tmpl *t);
#define auto_tmpl __attribute__((cleanup(tmpl_free))) struct tmpl

/* Adds; nothing when it is full. */
void tmpl_add(struct tmpl *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t len);
void tmpl_bool(struct tmpl *t, CK_ATTRIBUTE_TYPE type, bool value);
void tmpl_number(struct tmpl *t, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
/* The same, but in the place of one that is there. */
void tmpl_set(struct tmpl *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t len);
void tmpl_set_bool(struct tmpl *t, CK_ATTRIBUTE_TYPE type, bool value);
/* The last of its type; NULL when there is none. */
const struct item *tmpl_get(const struct tmpl *t, CK_ATTRIBUTE_TYPE type);

/* Edits as the input says, at most as many as its first byte. */
void tmpl_edit(struct tmpl *t, struct feed *f);

/* T as the module takes it, good until T changes. ODD: at an odd address. */
CK_ATTRIBUTE *tmpl_pack(struct tmpl *t, bool odd);

/* What C_CreateObject takes. */
enum good {
	GOOD_DATA,
	GOOD_CERT,
	GOOD_AES,
	GOOD_GENERIC,
	GOOD_RSA_PUBLIC,
	GOOD_RSA_PRIVATE,
	GOOD_EC_PUBLIC,
	GOOD_EC_PRIVATE,
	GOOD_ED_PUBLIC,
	GOOD_ED_PRIVATE,
	GOOD_COUNT,
};
void tmpl_good(struct tmpl *t, enum good what);

/* Every attribute type of the schema, once, and some that it does not have. */
extern const CK_ATTRIBUTE_TYPE tmpl_types[];
extern const size_t tmpl_n_types;
bool tmpl_is_array(CK_ATTRIBUTE_TYPE type);

#endif
