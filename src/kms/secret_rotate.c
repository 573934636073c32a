/* SPDX-License-Identifier: Apache-2.0 */
/* Rotates secrets: the transaction before the program, the program, the transaction after it. */
#include "kms/secret_rotate.h"

#include "base/log.h"
#include "base/os.h"
#include "base/process.h"
#include "kms/record.h"
#include "kms/secret_next.h"
#include "kms/secret_value.h"

#define TRIES	    8	  /* against others who change the same secret */
#define PATIENCE_MS 10000 /* for the transaction after the program, whatever the caller's is */
#define MARGIN	    10	  /* seconds that a run takes beside the program */
#define PAUSE	    3600  /* seconds until what failed is tried again by itself */

enum kms_rc
secret_rotate_ready(struct act *a)
{
	const struct rotator *r = &a->l->rotator;

	return r->runs && r->program != NULL
	    ? KMS_OK
	    : call_refuse(a->c, E_UnsupportedOperation,
		  "There is no rotate-program here that could put a new value into force.");
}

static enum kms_rc
check_idle(struct act *a, const struct kms_secret *s)
{
	const struct secret_rotation *r = &s->rotation;

	if (r->run_until <= a->now || process_gone(buf_slice(&r->runner)))
		return KMS_OK;
	return call_refuse(a->c, E_Throttling, "A rotation of the secret is under way already.");
}

/* -- before the program -- */

static enum kms_rc
next_value(struct act *a, const struct kms_secret *s, const struct master_key *k,
    struct secret *ret)
{
	const struct secret_version *current = secret_version_at(s, slice_str(STAGE_CURRENT));
	auto_secret_value value = { 0 };
	enum kms_rc rc;

	if (current == NULL)
		return KMS_TAMPERED;
	TRY(secret_value_open(a, s, k, current, &value));
	rc = value.type == SECRET_DATA_TEXT ? secret_next(secret_slice(&value.data), ret)
					    : KMS_NOTSUP;
	if (rc == KMS_NOTSUP)
		return call_refuse(a->c, E_UnsupportedOperation,
		    "The secret's value has no password that could be changed: it is neither plain text nor a JSON object with AccountPassword, Password or password.");
	return rc;
}

static enum kms_rc
make_pending(struct act *a, struct kms_secret *s, const struct master_key *k, struct slice name)
{
	auto_secret value = { 0 };
	struct uid id;

	TRY(next_value(a, s, k, &value));
	TRY(secret_value_add(a, s, k, name, SECRET_DATA_TEXT, secret_slice(&value), &id));
	return secret_stage_put(s, slice_str(STAGE_PENDING), &id);
}

/* ACSPending stands, for this process to work on, and that is durable. */
static enum kms_rc
begin(struct act *a, struct kms_secret *s, const struct master_key *k, struct slice name)
{
	struct secret_rotation *r = &s->rotation;
	int64_t seconds = (int64_t)(a->l->rotator.timeout_ms / 1000);

	TRY(check_idle(a, s));
	r->cut_off = secret_version_at(s, slice_str(STAGE_PENDING)) != NULL;
	if (!r->cut_off)
		TRY(make_pending(a, s, k, name));
	r->run_until = a->now + seconds + MARGIN;
	buf_clear(&r->runner);
	TRY(process_mark(&r->runner));
	TRY(act_put_secret(a, s));
	return act_commit(a);
}

/* -- the program -- */

static enum kms_rc
run(struct act *a, const struct kms_secret *s, const struct master_key *k,
    const struct secret_version *v, enum rotation_end *end, struct err *why)
{
	auto_secret_value value = { 0 };
	struct rotation what = { .name = buf_slice(&s->name),
		.type = slice_str(secret_type_name(s->type)),
		.version = buf_slice(&v->name),
		.config = buf_slice(&s->config) };

	TRY(secret_value_open(a, s, k, v, &value));
	what.value = secret_slice(&value.data);
	*end = rotator_run(&a->l->rotator, &what, why);
	return KMS_OK;
}

/* -- after the program -- */

/* Where a run had no end once, no later failure tells that the value is not in force. */
static enum kms_rc
keep_or_drop(struct act *a, struct kms_secret *s, const struct uid *version, bool cut_off)
{
	s->rotation.failing = true;
	s->rotation.not_before = a->now + PAUSE;
	if (cut_off || s->rotation.cut_off) {
		s->rotation.cut_off = true;
		return KMS_OK;
	}
	secret_version_drop(s, version);
	return secret_value_remove(a, version);
}

static enum kms_rc
take_effect(struct act *a, struct kms_secret *s, const struct uid *version)
{
	TRY(secret_stage_put(s, slice_str(STAGE_CURRENT), version));
	secret_stage_drop(s, slice_str(STAGE_PENDING));
	s->rotation.last = a->now;
	s->rotation.not_before = 0;
	s->rotation.failing = false;
	s->rotation.cut_off = false;
	return KMS_OK;
}

static enum kms_rc
settle_once(struct local *l, struct call *c, const struct uid *id, const struct uid *version,
    enum rotation_end end)
{
	auto_act a = { .l = l, .c = c, .action = ACTION_RotateSecret };
	auto_kms_secret s = { 0 };
	const struct secret_version *pending;

	TRY(act_begin(&a));
	TRY(act_load_secret(&a, id, &s));
	pending = secret_version_at(&s, slice_str(STAGE_PENDING));
	/* Somebody took it for cut off, and has finished it. */
	if (pending == NULL || !uid_eq(&pending->id, version))
		return KMS_OK;
	TRY(end == ROTATION_DONE ? take_effect(&a, &s, version)
				 : keep_or_drop(&a, &s, version, end == ROTATION_CUT_OFF));
	s.rotation.run_until = 0;
	buf_clear(&s.rotation.runner);
	TRY(act_put_secret(&a, &s));
	return act_commit(&a);
}

/* In a call of its own: the program may have used up the caller's patience. */
static enum kms_rc
settle(struct act *a, const struct uid *id, const struct uid *version, enum rotation_end end)
{
	struct call c = { .deadline_ms = os_monotonic_ms() + PATIENCE_MS, .who = a->c->who };
	enum kms_rc rc = KMS_CONFLICT;

	for (int i = 0; i < TRIES && rc == KMS_CONFLICT; i++) {
		err_clear(&c.err);
		rc = settle_once(a->l, &c, id, version, end);
	}
	/* Not KMS_CONFLICT, which would begin the whole action again. */
	return rc == KMS_OK
	    ? KMS_OK
	    : call_refuse(a->c, E_InternalFailure, "The rotation's end could not be stored: %s",
		  c.err.text[0] != '\0' ? c.err.text : rc_text(rc));
}

enum kms_rc
secret_rotate(struct act *a, struct kms_secret *s, struct slice name)
{
	auto_master_key k = { 0 };
	const struct secret_version *pending;
	enum rotation_end end;
	struct err why = { "" };

	TRY(secret_rotate_ready(a));
	TRY(secret_key_load(a, s, "kms:GenerateDataKey", &k));
	TRY(begin(a, s, &k, name));
	pending = secret_version_at(s, slice_str(STAGE_PENDING));
	TRY(run(a, s, &k, pending, &end, &why));
	TRY(settle(a, &s->id, &pending->id, end));
	return end == ROTATION_DONE
	    ? KMS_OK
	    : call_refuse(a->c, E_InternalFailure, "The secret was not rotated: %s.", why.text);
}

/* -- given up -- */

enum kms_rc
secret_rotate_give_up(struct act *a, struct kms_secret *s)
{
	const struct secret_version *pending = secret_version_at(s, slice_str(STAGE_PENDING));
	struct uid id;

	TRY(check_idle(a, s));
	id = pending->id;
	secret_version_drop(s, &id);
	s->rotation.cut_off = false;
	s->rotation.run_until = 0;
	buf_clear(&s->rotation.runner);
	return secret_value_remove(a, &id);
}

/* -- unasked -- */

/* What could not even begin, its key being disabled, say, is still due, and would be at every tick.
 */
static enum kms_rc
postpone(struct local *l, const struct uid *id)
{
	struct call c = { .deadline_ms = os_monotonic_ms() + PATIENCE_MS };
	auto_act a = { .l = l, .c = &c, .action = ACTION_RotateSecret };
	auto_kms_secret s = { 0 };

	TRY(act_begin(&a));
	TRY(act_load_secret(&a, id, &s));
	if (kms_secret_due(&s) > a.now)
		return KMS_OK;
	s.rotation.failing = true;
	s.rotation.not_before = a.now + PAUSE;
	TRY(act_put_secret(&a, &s));
	return act_commit(&a);
}

enum kms_rc
secret_rotate_due(struct act *a, struct kms_secret *s)
{
	char name[UID_TEXT_LEN + 1];
	struct uid id;
	enum kms_rc rc;

	TRY(crypto_random(id.b, UID_LEN));
	uid_to_text(&id, name);
	rc = secret_rotate(a, s, slice_str(name));
	if (rc == KMS_CONFLICT || a->c->error == E_Throttling)
		return KMS_OK;
	a->due = "RotateSecret";
	record_due(a, true, &s->id, buf_slice(&s->name), rc);
	a->due = NULL; /* recorded */
	if (rc == KMS_OK)
		return KMS_OK;
	log_warning("a secret was not rotated: %s",
	    a->c->err.text[0] != '\0' ? a->c->err.text : rc_text(rc));
	return postpone(a->l, &s->id) == KMS_NOMEM ? KMS_NOMEM : KMS_OK;
}
