/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small model of a PKCS#11 module, beside which call_fuzz runs the real one: who is logged in,
 * which sessions are open, what they are at, which objects there are. For each call the model names
 * every reason to refuse it; the module must give one of them, or do it when there is none.
 */
#ifndef KMS_TESTS_FUZZ_MODEL_H
#define KMS_TESTS_FUZZ_MODEL_H

#include "api/alg.h"
#include "api/backend.h"
#include "pkcs11/mech.h"
#include "tests/fuzz/tmpl.h"
#include "tests/fuzz/world.h"

#define TOKENS	   2
#define SESSIONS   6
#define OBJECTS	   20
#define STALE	   8
#define LABEL_ROOM 12

/* PINs by number: the SO's, the user's, another, one too short, one too long. */
enum { PIN_SO, PIN_USER, PIN_OTHER, PIN_SHORT, PIN_LONG, PINS };

struct m_token {
	CK_SLOT_ID slot;
	bool made;
	int so_pin, user_pin; /* -1: not set */
	unsigned so_bad, user_bad;
	enum role role;
};

/* What encryption, signing or digesting made of what. */
struct record {
	enum use_kind kind;
	const struct mech *mech;
	unsigned variant;
	uint64_t material;
	struct buf in, out;
};

struct m_op {
	enum { IDLE, READY, WHOLE, PARTS } phase; /* WHOLE: asked in one piece, not done */
	const struct mech *mech;
	unsigned variant; /* of the parameter */
	uint64_t material;
	unsigned bits;
	bool need_user, need_login;  /* need_user: the key is a private object */
	const struct record *record; /* that is being decrypted or verified */
	struct buf in, out;	     /* so far */
};

struct m_session {
	CK_SESSION_HANDLE handle;
	bool open, rw;
	struct m_token *token;
	struct m_op op[USE_KINDS];
	bool finding;
	CK_ULONG found; /* what C_FindObjects has still to give */
};

struct m_object {
	bool alive;
	CK_OBJECT_HANDLE handle; /* 0: the application has none at present */
	struct m_token *token;
	struct m_session *owner; /* NULL: a token object */
	unsigned label;
	enum object_kind kind;
	enum key_type type;
	unsigned bits;
	uint32_t flags; /* enum object_flag */
	uint64_t material;
	/* A session's copy of a token key is a view of it, and ends to work with it. */
	const struct m_object *original;
	bool orphan;
};

extern bool initialized;
extern struct m_token tokens[TOKENS];
extern struct m_session sessions[SESSIONS];
extern struct m_object objects[OBJECTS];

void model_begin(void);
void model_end(void);

/* -- expectations: between call_begin and judge ------------------------------------------------ */

void call_begin(const char *function);
/* When it holds, nothing else of the call is looked at. */
void block(bool when, CK_RV rv);
/* When it holds, the call must fail, with this or with another reason. */
void may(bool when, CK_RV rv);
/* When it holds, the call may fail with this, and need not. */
void could(bool when, CK_RV rv);
/* The module's answer must be one of these. True: CKR_OK. */
bool judge(CK_RV rv);
/* Whether CKR_OK is expected, or at least possible. */
bool can_succeed(void);

/* The input's choice of a session; NULL when it is none, and the expectation is set. */
struct m_session *enter(struct feed *f, CK_SESSION_HANDLE *hs);
/* The input's choice of an object; NULL when the handle leads nowhere (no expectation is set). */
struct m_object *choose_object(struct feed *f, const struct m_session *s, CK_OBJECT_HANDLE *ret);

/* The input's choice of a slot; NULL when there is none, and the expectation is set. */
struct m_token *choose_slot(struct feed *f, CK_SLOT_ID *ret);
size_t open_sessions(const struct m_token *t, bool rw_only);

/* -- changes ----------------------------------------------------------------------------------- */

bool is_user(const struct m_session *s);
bool visible(const struct m_session *s, const struct m_object *o);
/* NULL when there are too many. */
struct m_object *object_new(void);
void object_gone(struct m_object *o);
/* A new object's place in the model; conditions on its place are set by may_place. */
void may_place(const struct m_session *s, bool token, bool private);
uint64_t fresh_material(void);
uint64_t mix(uint64_t a, uint64_t b);
void label_text(unsigned label, char ret[LABEL_ROOM]);
unsigned fresh_label(void);

void op_stop(struct m_op *op);
void logged_out(struct m_token *t);
void session_closed(struct m_session *s);
void finalized(void);

/* -- new objects ------------------------------------------------------------------------------- */

/* The known keys' materials; those that are made count from 1000. */
enum { MATERIAL_SECRET = 1, MATERIAL_RSA, MATERIAL_P256, MATERIAL_ED25519 };

/* What the input asks of a new object beside what makes it what it is. */
struct wish {
	bool token;
	uint32_t flags;
};

struct wish choose_wish(struct feed *f, enum object_kind kind);
/* All that it says, so that no default matters, and the label. */
void add_wish(struct tmpl *t, const struct wish *w, enum object_kind kind, unsigned label);
void may_wish(const struct m_session *s, const struct wish *w);
/* The object that the module has made; kind, type, bits and material are the caller's to set. */
struct m_object *add_object(struct m_session *s, const struct wish *w, CK_OBJECT_HANDLE handle,
    unsigned label);
/* How many more there may be. */
size_t room(void);

/* -- parameters -------------------------------------------------------------------------------- */

struct m_param {
	CK_MECHANISM m;
	void *memory[3];
	bool good;
};
/* The parameter of a row by number, in memory of its exact size. */
void param_make(struct m_param *p, const struct mech *row, unsigned variant);
void param_free(struct m_param *p);
#define PARAM_VARIANTS 8
/* Lengths that the variant chooses. */
size_t param_mac_len(const struct mech *row, unsigned variant);
size_t param_tag_len(unsigned variant);
size_t param_oaep_hash(unsigned variant);
size_t param_counter_bytes(unsigned variant);

/* A row by the input; NULL: the type is none of the module's. */
const struct mech *choose_mech(struct feed *f, CK_MECHANISM_TYPE *type);

/* -- operations -------------------------------------------------------------------------------- */

bool takes_parts(const struct mech *m);
/* The length of what LEN bytes become; SIZE_MAX when they are not taken. */
size_t length_of(const struct m_op *op, size_t len);

/* One that an operation of KIND can undo, if the input likes. */
const struct record *choose_record(struct feed *f, enum use_kind kind);
/* OP is over, its in and out are all of it: it made something, which is remembered; or decrypted.
 */
void made(enum use_kind kind, const struct m_op *op);
void decrypted(const struct m_op *op);
/* The record whose result is OP's input. */
const struct record *encrypted_as(const struct m_op *op);
/* Is SIG what signing OP's input gave? */
bool signature_holds(const struct m_op *op, struct slice sig);

/* -- calls ------------------------------------------------------------------------------------- */

typedef void do_call(struct feed *f);

do_call do_create, do_copy, do_destroy, do_size, do_get, do_set, do_find_all, do_find_init, do_find,
    do_find_final, do_generate, do_generate_pair, do_wrap, do_unwrap, do_derive;
do_call do_init, do_once, do_update, do_final;
do_call do_login, do_logout, do_init_pin, do_set_pin, do_init_token, do_open, do_close,
    do_close_all, do_session_info, do_cancel, do_random, do_unsupported;

/* Forgets what earlier operations gave. */
void records_clear(void);
void blobs_clear(void);

#endif
