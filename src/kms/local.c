/* SPDX-License-Identifier: Apache-2.0 */
/* The local backend's opening and closing, its table of methods, and its notice of what other
 * processes change. */
#include "kms/local.h"

#include <stdlib.h>

#include "base/os.h"
#include "kms/act.h"
#include "kms/blob.h"
#include "kms/record.h"
#include "kms/tick.h"

#define TICK_PATIENCE_MS 200 /* of who came to use a key, or to look for one */

void
local_look(struct local *l)
{
	uint64_t seen = l->store->ops->generation(l->store);
	uint64_t known = atomic_load_explicit(&l->generation, memory_order_acquire);

	/* Threads may come out of the store in another order than they went in. */
	while (seen > known && !atomic_compare_exchange_weak(&l->generation, &known, seen))
		;
}

uint64_t
local_generation(struct backend *b)
{
	struct local *l = local_of(b);
	uint64_t now = os_monotonic_ms();
	uint64_t looked = atomic_load_explicit(&l->looked_ms, memory_order_relaxed);

	/* One thread looks, the others go on with what is known. The subtraction wraps when a test
	 * sets the clock back. */
	if (now - looked >= l->cache_ms &&
	    atomic_compare_exchange_strong(&l->looked_ms, &looked, now)) {
		local_look(l);
		tick(l, os_wall_seconds(), now + TICK_PATIENCE_MS);
		record_tick(l);
	}
	return atomic_load_explicit(&l->generation, memory_order_acquire);
}

enum kms_rc
local_apply(struct local *l, struct call *c, const struct keyring *keys,
    const struct store_change *v, size_t n)
{
	TRY(l->store->ops->apply(l->store, c, slice_of(keys->serial, SERIAL_LEN), v, n));
	local_look(l);
	return KMS_OK;
}

static enum role
role(struct backend *b)
{
	return local_role(local_of(b));
}

static void
local_close(struct backend *b)
{
	struct local *l = local_of(b);

	if (l == NULL)
		return;
	keys_forget(l, NULL);
	recorder_close(l->recorder);
	secret_free(&l->root);
	store_token_free(&l->token);
	if (l->hsm != NULL)
		l->hsm->ops->close(l->hsm);
	if (l->store != NULL)
		l->store->ops->close(l->store);
	free(l->rotator.program);
	free(l->master_key);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

void
local_run_programs(struct backend *b)
{
	local_of(b)->rotator.runs = true;
}

static const struct key_caps *
local_caps(struct backend *b)
{
	struct local *l = local_of(b);

	return l->hsm->ops->caps(l->hsm);
}

static const struct backend_ops ops = {
	.name = "local",
	.close = local_close,
	.caps = local_caps,
	.status = local_status,
	.init_token = recorded_init_token,
	.login = recorded_login,
	.reauthenticate = recorded_reauthenticate,
	.logout = recorded_logout,
	.role = role,
	.init_pin = recorded_init_pin,
	.set_pin = recorded_set_pin,
	.generation = local_generation,
	.find = local_find,
	.revision = local_revision,
	.get = local_get,
	.create = recorded_create,
	.generate = recorded_generate,
	.update = recorded_update,
	.copy = recorded_copy,
	.destroy = recorded_destroy,
	.export_material = recorded_export,
	.act = local_act,
	.key_open = local_key_open,
	.key_close = local_key_close,
	.begin = gate_begin,
	.derive = gate_derive,
	.uses_close = record_uses_close,
	.wrap = gate_wrap,
};

static enum kms_rc
choose_hsm(const struct conf_token *conf, struct call *c, struct hsm **ret)
{
	if (conf->hsm != NULL && strcmp(conf->hsm, "soft") != 0)
		return hsm_token(conf, c, ret);
	*ret = hsm_soft();
	return KMS_OK;
}

enum kms_rc
local_open(const struct conf_token *conf, struct call *c, struct backend **ret)
{
	struct local *l;
	enum kms_rc rc;

	TRY(crypto_start(c == NULL ? NULL : &c->err));
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return KMS_NOMEM;
	pthread_mutex_init(&l->lock, NULL);
	l->base.ops = &ops;
	l->pin_cost = conf->pin_cost;
	l->pin_tries = conf->pin_tries;
	l->cache_ms = conf->cache_ms;
	l->generation = 1;
	l->looked_ms = os_monotonic_ms() - conf->cache_ms;
	l->rotator.timeout_ms = conf->rotate_timeout_ms;
	if ((conf->rotate_program != NULL &&
		(l->rotator.program = strdup(conf->rotate_program)) == NULL) ||
	    (conf->master_key != NULL && (l->master_key = strdup(conf->master_key)) == NULL)) {
		local_close(&l->base);
		return KMS_NOMEM;
	}
	rc = recorder_open(conf, &l->recorder);
	if (rc == KMS_OK)
		rc = store_open_sqlite(conf->store, conf->read_only, c, &l->store);
	if (rc == KMS_OK)
		rc = choose_hsm(conf, c, &l->hsm);
	if (rc != KMS_OK) {
		local_close(&l->base);
		return rc;
	}
	l->base.blob_extra = BLOB_HEADER_LEN + BLOB_TAG_LEN;
	*ret = &l->base;
	return KMS_OK;
}
