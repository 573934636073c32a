/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libraries of this process in a list that only grows. Its lock is held for moments; each
 * library has another for its start, so that one whose HSM hangs stalls nobody but its own tokens.
 * A forked child begins a list of its own and leaves the parent's alone.
 */
#define _GNU_SOURCE 1
#include "hsm/p11mod.h"

#include <dlfcn.h>
#include <p11-kit/p11-kit.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/os.h"
#include "crypto/crypto.h"

#define RESTART_MS 1000 /* between two restarts */

struct module {
	struct p11mod pub; /* first */
	struct module *next;
	char *path;
	dev_t dev;
	ino_t ino;
	unsigned users; /* under the list's lock */
	pthread_mutex_t lock;
	char *arguments;
	bool ours; /* it was us who initialised it */
	_Atomic bool started, restarting;
	_Atomic unsigned inside;
	uint64_t restarted_ms;
};

struct list {
	unsigned fork_generation;
	pthread_mutex_t lock;
	struct module *first;
};

static _Atomic(struct list *) current;

/* This process's list. NULL when out of memory. */
static struct list *
list_here(void)
{
	struct list *l = current, *fresh;
	unsigned generation = os_fork_generation();

	if (l != NULL && l->fork_generation == generation)
		return l;
	if ((fresh = calloc(1, sizeof(*fresh))) == NULL)
		return NULL;
	fresh->fork_generation = generation;
	pthread_mutex_init(&fresh->lock, NULL);
	if (atomic_compare_exchange_strong(&current, &l, fresh))
		return fresh;
	free(fresh); /* another thread of this process was first */
	return l;
}

/* -- which library -- */

/* The file that this code is in. */
static bool
is_ourselves(const struct stat *st)
{
	struct stat own;
	Dl_info info;

	return dladdr(&current, &info) != 0 && info.dli_fname != NULL &&
	    stat(info.dli_fname, &own) == 0 && own.st_dev == st->st_dev && own.st_ino == st->st_ino;
}

static enum kms_rc
refuse_ourselves(struct call *c, const char *path)
{
	return call_fail(c, KMS_CONFIG,
	    "%s is kms-pkcs11 itself; expected the PKCS#11 library of an HSM", path);
}

static struct module *
module_new(const char *path, const struct stat *st)
{
	struct module *m = calloc(1, sizeof(*m));

	if (m == NULL || (m->path = strdup(path)) == NULL) {
		free(m);
		return NULL;
	}
	m->dev = st->st_dev;
	m->ino = st->st_ino;
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

/* Whoever comes first says what the arguments are. */
static enum kms_rc
add_user(struct module *m, const char *arguments, struct call *c)
{
	char *copy;

	if (m->users == 0) {
		if ((copy = strdup(arguments == NULL ? "" : arguments)) == NULL)
			return KMS_NOMEM;
		free(m->arguments);
		m->arguments = copy;
	} else if (strcmp(arguments == NULL ? "" : arguments, m->arguments) != 0) {
		return call_fail(c, KMS_CONFIG,
		    "two tokens give %s different arguments; expected the same", m->path);
	}
	m->users++;
	return KMS_OK;
}

/* The list's entry for the file, counted. */
static enum kms_rc
find_or_add(struct list *l, const char *path, const struct stat *st, const char *arguments,
    struct call *c, struct module **ret)
{
	enum kms_rc rc = KMS_NOMEM;
	struct module *m;

	pthread_mutex_lock(&l->lock);
	for (m = l->first; m != NULL; m = m->next)
		if (m->dev == st->st_dev && m->ino == st->st_ino)
			break;
	if (m == NULL && (m = module_new(path, st)) != NULL) {
		m->next = l->first;
		l->first = m;
	}
	if (m != NULL)
		rc = add_user(m, arguments, c);
	pthread_mutex_unlock(&l->lock);
	*ret = m;
	return rc;
}

/* -- loading -- */

/* 3.0's list begins with all of 2.40's, in its order. */
static bool
take_3_0(struct module *m, void *dl)
{
	CK_VERSION v3 = { CRYPTOKI_V3_MAJOR, CRYPTOKI_V3_MINOR };
	CK_C_GetInterface get;
	CK_INTERFACE *found = NULL;
	CK_FUNCTION_LIST_3_0 *f;

	*(void **)&get = dlsym(dl, "C_GetInterface");
	if (get == NULL || get((CK_UTF8CHAR_PTR) "PKCS 11", &v3, &found, 0) != CKR_OK ||
	    found == NULL || (f = found->pFunctionList) == NULL ||
	    f->version.major != CRYPTOKI_V3_MAJOR)
		return false;
	m->pub.f = (CK_FUNCTION_LIST *)(void *)f;
	m->pub.cancel = f->C_SessionCancel;
	return true;
}

static enum kms_rc
load(struct module *m, struct call *c)
{
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST *f = NULL;
	void *dl = dlopen(m->path, RTLD_NOW | RTLD_LOCAL);
	Dl_info self, other;

	if (dl == NULL)
		return call_fail(c, KMS_CONFIG, "cannot load the HSM's library: %s", dlerror());
	*(void **)&get = dlsym(dl, "C_GetFunctionList"); /* POSIX: converted through memory */
	if (get == NULL)
		return call_fail(c, KMS_CONFIG, "%s is no PKCS#11 library", m->path);
	/* Found by another name, or loaded by somebody else. */
	if (dladdr(&current, &self) != 0 && dladdr(*(void **)&get, &other) != 0 &&
	    self.dli_fbase == other.dli_fbase)
		return refuse_ourselves(c, m->path);
	if (take_3_0(m, dl))
		return KMS_OK;
	if (get(&f) != CKR_OK || f == NULL)
		return call_fail(c, KMS_CONFIG, "%s gives no PKCS#11 functions", m->path);
	m->pub.f = f;
	return KMS_OK;
}

/* -- starting -- */

/* Within the call's time, or KMS_UNAVAILABLE: whoever holds it waits for the HSM. */
static enum kms_rc
lock(struct module *m, struct call *c)
{
	uint64_t ms = c == NULL ? 0 : c->deadline_ms;
	struct timespec until = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };

	if (ms == 0)
		return pthread_mutex_lock(&m->lock) == 0 ? KMS_OK : KMS_INTERNAL;
	if (pthread_mutex_clocklock(&m->lock, CLOCK_MONOTONIC, &until) == 0)
		return KMS_OK;
	return call_fail(c, KMS_UNAVAILABLE,
	    "the HSM's library %s does not come to an end starting", m->path);
}

/* Whether what has just been initialised is this module again, in a copy or by a detour. */
static bool
is_our_kind(struct module *m)
{
	static const char name[] = "kms-pkcs11 ";
	CK_INFO info;

	return m->pub.f->C_GetInfo(&info) == CKR_OK &&
	    memcmp(info.manufacturerID, name, sizeof(name) - 1) == 0;
}

static enum kms_rc
initialize_locked(struct module *m, struct call *c)
{
	/* NSS looks for one pointer more behind a pReserved that is set. */
	struct {
		CK_C_INITIALIZE_ARGS args;
		void *none;
	} a = { .args = { .flags = CKF_OS_LOCKING_OK,
		    .pReserved = m->arguments[0] == '\0' ? NULL : m->arguments } };
	CK_RV rv = m->pub.f->C_Initialize(&a);

	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return call_fail(c, KMS_UNAVAILABLE,
		    "the HSM's library %s does not start: C_Initialize: %s (CK_RV 0x%lx)", m->path,
		    p11_kit_strerror(rv), rv);
	m->ours = rv == CKR_OK;
	if (is_our_kind(m)) {
		if (m->ours)
			(void)m->pub.f->C_Finalize(NULL);
		return refuse_ourselves(c, m->path);
	}
	m->started = true;
	return KMS_OK;
}

enum kms_rc
p11mod_start(struct p11mod *pub, struct call *c)
{
	struct module *m = (struct module *)pub;
	enum kms_rc rc = KMS_OK;

	if (m->started)
		return KMS_OK;
	TRY(lock(m, c));
	if (m->pub.f == NULL)
		rc = load(m, c);
	if (rc == KMS_OK && !m->started)
		rc = initialize_locked(m, c);
	pthread_mutex_unlock(&m->lock);
	return rc;
}

/* A library that has been the host's all the time stays as it was. */
static enum kms_rc
restart_locked(struct module *m, struct call *c)
{
	uint64_t now = os_monotonic_ms();

	if (now - m->restarted_ms < RESTART_MS)
		return KMS_BUSY;
	m->restarted_ms = now;
	if (m->ours && m->started) {
		m->restarting = true;
		if (m->inside == 0) {
			(void)m->pub.f->C_Finalize(NULL);
			m->started = false;
		}
		m->restarting = false;
		if (m->started)
			return KMS_BUSY;
	}
	TRY(initialize_locked(m, c));
	return m->ours ? KMS_OK : KMS_NOTSUP;
}

enum kms_rc
p11mod_restart(struct p11mod *pub, struct call *c)
{
	struct module *m = (struct module *)pub;
	enum kms_rc rc;

	TRY(lock(m, c));
	rc = restart_locked(m, c);
	pthread_mutex_unlock(&m->lock);
	return rc;
}

bool
p11mod_enter(struct p11mod *pub)
{
	struct module *m = (struct module *)pub;

	/* Counted first, so that either this sees the restart or the restart sees this. */
	m->inside++;
	if (m->restarting || !m->started || crypto_ended()) {
		m->inside--;
		return false;
	}
	return true;
}

void
p11mod_leave(struct p11mod *pub)
{
	struct module *m = (struct module *)pub;

	m->inside--;
}

/* -- opening and closing -- */

enum kms_rc
p11mod_open(const char *path, const char *arguments, struct call *c, struct p11mod **ret)
{
	struct list *l = list_here();
	struct module *m;
	struct stat st;
	enum kms_rc rc;

	if (stat(path, &st) != 0)
		return call_fail(c, KMS_CONFIG, "cannot find the HSM's library %s: %m", path);
	if (is_ourselves(&st))
		return refuse_ourselves(c, path);
	if (l == NULL)
		return KMS_NOMEM;
	TRY(find_or_add(l, path, &st, arguments, c, &m));
	rc = p11mod_start(&m->pub, c);
	if (rc != KMS_OK && (rc != KMS_UNAVAILABLE || m->pub.f == NULL)) {
		p11mod_close(&m->pub);
		return rc;
	}
	*ret = &m->pub;
	return KMS_OK;
}

void
p11mod_close(struct p11mod *pub)
{
	struct module *m = (struct module *)pub;
	struct list *l = current;
	bool last;

	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	pthread_mutex_lock(&l->lock);
	last = --m->users == 0;
	pthread_mutex_unlock(&l->lock);
	if (last && m->started && m->ours && !crypto_ended())
		(void)m->pub.f->C_Finalize(NULL);
	if (last)
		m->started = false;
	pthread_mutex_unlock(&m->lock);
}
