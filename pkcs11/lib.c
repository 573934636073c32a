/* SPDX-License-Identifier: Apache-2.0 */
/* The module's life: PKCS#11 5.4 (C_Initialize, C_Finalize, C_GetInfo), and what a fork does to it.
 */
#include "pkcs11/lib.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/os.h"
#include "base/secret.h"
#include "crypto/crypto.h"
#include "pkcs11/rv.h"
#include "pkcs11/session.h"

/*
 * One a process. A forked child never touches its parent's (locks in it may be held for ever); it
 * makes one of its own, and the few kilobytes that are left behind are the price of no deadlock.
 */
struct lib {
	unsigned fork_generation;
	pthread_mutex_t start; /* serialises C_Initialize and C_Finalize */
	pthread_rwlock_t
	    calls; /* read by functions without a session, written while the library goes down */
	atomic_bool ready;
	atomic_bool reopen; /* a forked child of one that was ready, with fork = reopen: the first
			       call initialises */
	char *explicit_config; /* C_Initialize's pReserved; NULL when absent */
	struct conf *conf;
	struct token *tokens;
	size_t n_tokens;
	struct lib *parents; /* kept reachable, for those who look for leaks, and never touched */
};

static _Atomic(struct lib *) current;

/* Will a child of L go on without C_Initialize? Asked in the child: what was true at the fork stays
 * so. */
static bool
reopens(const struct lib *l)
{
	return l->reopen || (l->ready && l->conf->fork == CONF_FORK_REOPEN);
}

/* This process's library object, made when it is first needed. NULL when out of memory. */
static struct lib *
lib_here(void)
{
	struct lib *l = current, *fresh;
	unsigned generation = os_fork_generation();
	pthread_mutexattr_t checking;

	if (l != NULL && l->fork_generation == generation)
		return l;
	if ((fresh = calloc(1, sizeof(*fresh))) == NULL)
		return NULL;
	fresh->fork_generation = generation;
	fresh->parents = l;
	if (l != NULL) {
		fresh->reopen = reopens(l);
		fresh->explicit_config = l->explicit_config;
	}
	/* Not a plain one: an HSM's library that leads back here must get an answer. */
	(void)pthread_mutexattr_init(&checking);
	(void)pthread_mutexattr_settype(&checking, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&fresh->start, &checking);
	(void)pthread_mutexattr_destroy(&checking);
	pthread_rwlock_init(&fresh->calls, NULL);
	/* held until all of the parent's is set aside: nobody initialises before that */
	pthread_mutex_lock(&fresh->start);
	if (!atomic_compare_exchange_strong(&current, &l, fresh)) {
		pthread_mutex_unlock(&fresh->start);
		free(fresh); /* another thread of this process was first */
		return l;
	}
	if (l != NULL) {
		secret_after_fork();
		crypto_after_fork();
		session_after_fork();
	}
	pthread_mutex_unlock(&fresh->start);
	return fresh;
}

static CK_RV initialize(struct lib *l);

/* What lib_ready finds when the plain answer is no: perhaps this is a child that may reopen by
 * itself. */
static struct lib *
lib_reopen(void)
{
	struct lib *l = current;

	if (l == NULL || (l->fork_generation != os_fork_generation() && !reopens(l)) ||
	    (l = lib_here()) == NULL)
		return NULL;
	if (l->reopen && pthread_mutex_lock(&l->start) == 0) {
		if (l->reopen && !l->ready)
			(void)rv_trace(__func__, initialize(l));
		l->reopen = false; /* only now: until then other threads must wait here as well */
		pthread_mutex_unlock(&l->start);
	}
	return l->ready ? l : NULL;
}

/* The library in this process if it is initialised, else NULL. */
static struct lib *
lib_live(void)
{
	struct lib *l = atomic_load_explicit(&current, memory_order_acquire);

	if (l != NULL && l->fork_generation == os_fork_generation() &&
	    atomic_load_explicit(&l->ready, memory_order_acquire))
		return l;
	return lib_reopen();
}

bool
lib_ready(void)
{
	return lib_live() != NULL;
}

struct lib_guard
lib_guard_enter(void)
{
	struct lib *l = lib_live();

	if (l == NULL)
		return (struct lib_guard){ .rv = CKR_CRYPTOKI_NOT_INITIALIZED };
	pthread_rwlock_rdlock(&l->calls);
	if (l->ready)
		return (struct lib_guard){ .rv = CKR_OK };
	pthread_rwlock_unlock(&l->calls);
	return (struct lib_guard){ .rv = CKR_CRYPTOKI_NOT_INITIALIZED };
}

void
lib_guard_leave(struct lib_guard *g)
{
	if (g->rv == CKR_OK)
		pthread_rwlock_unlock(&((struct lib *)current)->calls);
}

struct token *
lib_tokens(size_t *n)
{
	struct lib *l = current;

	*n = l->n_tokens;
	return l->tokens;
}

struct token *
lib_token_of_slot(CK_SLOT_ID slot)
{
	struct lib *l = current;
	size_t i;

	for (i = 0; i < l->n_tokens; i++)
		if (l->tokens[i].slot == slot)
			return &l->tokens[i];
	return NULL;
}

/* No string lies below this: such a pReserved is no path, and reading it would crash the host. */
#define LOWEST_ADDRESS 4096

/* 5.4.1: what the application says of threads. We always lock by the system's own means, and never
 * make a thread. */
static CK_RV
read_args(const void *p, const char **config)
{
	CK_C_INITIALIZE_ARGS args;
	int callbacks;

	*config = NULL;
	if (p == NULL)
		return CKR_OK;
	memcpy(&args, p, sizeof(args));
	callbacks = (args.CreateMutex != NULL) + (args.DestroyMutex != NULL) +
	    (args.LockMutex != NULL) + (args.UnlockMutex != NULL);
	if (callbacks != 0 && callbacks != 4)
		return CKR_ARGUMENTS_BAD;
	if (callbacks == 4 && (args.flags & CKF_OS_LOCKING_OK) == 0)
		return CKR_CANT_LOCK;
	if (args.pReserved == NULL)
		return CKR_OK;
	if ((uintptr_t)args.pReserved < LOWEST_ADDRESS)
		return CKR_ARGUMENTS_BAD;
	if (*(const char *)args.pReserved != '\0')
		*config = args.pReserved;
	return CKR_OK;
}

static void
close_tokens(struct lib *l)
{
	size_t i;

	for (i = 0; i < l->n_tokens; i++)
		token_close(&l->tokens[i]);
	free(l->tokens);
	l->tokens = NULL;
	l->n_tokens = 0;
	conf_free(l->conf);
	l->conf = NULL;
}

static CK_RV
open_tokens(struct lib *l)
{
	CK_RV rv;

	if ((l->tokens = calloc(l->conf->n_tokens, sizeof(*l->tokens))) == NULL)
		return CKR_HOST_MEMORY;
	for (; l->n_tokens < l->conf->n_tokens; l->n_tokens++)
		if ((rv = token_open(&l->tokens[l->n_tokens], &l->conf->tokens[l->n_tokens])) !=
		    CKR_OK)
			return rv;
	return CKR_OK;
}

/* A log that cannot be had stops nobody, but is not missed in silence either. */
static void
open_log(const char *target, enum log_level level)
{
	struct err err = { "" };
	enum kms_rc rc = log_open(target, level, &err);

	if (rc == KMS_OK)
		return;
	log_to_stderr();
	log_error("%s; errors go to stderr instead", err.text[0] != '\0' ? err.text : rc_text(rc));
}

static CK_RV
initialize(struct lib *l)
{
	struct err err = { "" };
	enum kms_rc rc;
	CK_RV rv;

	if ((rc = conf_load(l->explicit_config, &l->conf, &err)) != KMS_OK) {
		/* no configuration says where: a person must see it */
		open_log("stderr", KMS_LOG_ERROR);
		log_error("%s", err.text[0] != '\0' ? err.text : rc_text(rc));
		return rc == KMS_NOMEM ? CKR_HOST_MEMORY : CKR_GENERAL_ERROR;
	}
	open_log(l->conf->log, l->conf->log_level);
	if ((rc = crypto_start(&err)) != KMS_OK) {
		log_error("%s", err.text);
		rv = rv_of(rc);
	} else {
		rv = open_tokens(l);
	}
	if (rv != CKR_OK) {
		close_tokens(l);
		return rv;
	}
	atomic_store_explicit(&l->ready, true, memory_order_release);
	return CKR_OK;
}

static CK_RV
start(struct lib *l, const char *config)
{
	char *copy = NULL, *old = l->explicit_config;
	CK_RV rv;

	if (config != NULL && (copy = strdup(config)) == NULL)
		return CKR_HOST_MEMORY;
	l->explicit_config = copy; /* never one that is freed: a fork in between would inherit it */
	free(old);
	rv = initialize(l);
	l->reopen = false;
	return rv;
}

CK_RV
C_Initialize(CK_VOID_PTR args)
{
	const char *config;
	struct lib *l;
	CK_RV rv;

	if ((rv = read_args(args, &config)) != CKR_OK)
		return rv_trace(__func__, rv);
	if ((l = lib_here()) == NULL)
		return rv_trace(__func__, CKR_HOST_MEMORY);
	if (pthread_mutex_lock(&l->start) != 0)
		return rv_trace(__func__, CKR_FUNCTION_FAILED);
	rv = l->ready ? CKR_CRYPTOKI_ALREADY_INITIALIZED : start(l, config);
	pthread_mutex_unlock(&l->start);
	return rv_trace(__func__, rv);
}

CK_RV
C_Finalize(CK_VOID_PTR reserved)
{
	struct lib *l = current;

	if (l == NULL || l->fork_generation != os_fork_generation())
		return rv_trace(__func__, CKR_CRYPTOKI_NOT_INITIALIZED);
	if (reserved != NULL)
		return rv_trace(__func__, CKR_ARGUMENTS_BAD);
	if (pthread_mutex_lock(&l->start) != 0)
		return rv_trace(__func__, CKR_FUNCTION_FAILED);
	if (!l->ready) {
		pthread_mutex_unlock(&l->start);
		return rv_trace(__func__, CKR_CRYPTOKI_NOT_INITIALIZED);
	}
	/* first, so that new calls turn back at the door and the lock comes to us */
	atomic_store_explicit(&l->ready, false, memory_order_release);
	pthread_rwlock_wrlock(&l->calls); /* waits for calls without a session */
	session_close_all(NULL);	  /* waits for calls in sessions, one by one */
	close_tokens(l);
	pthread_rwlock_unlock(&l->calls);
	pthread_mutex_unlock(&l->start);
	return rv_trace(__func__, CKR_OK);
}

CK_RV
C_GetInfo(CK_INFO_PTR ret)
{
	auto_lib g = lib_guard_enter();
	CK_INFO info;

	if (g.rv != CKR_OK)
		return rv_trace(__func__, g.rv);
	if (ret == NULL)
		return rv_trace(__func__, CKR_ARGUMENTS_BAD);
	memset(&info, 0, sizeof(info));
	info.cryptokiVersion = (CK_VERSION){ CRYPTOKI_V3_MAJOR, CRYPTOKI_V3_MINOR };
	pad_text(info.manufacturerID, sizeof(info.manufacturerID), "kms-pkcs11");
	pad_text(info.libraryDescription, sizeof(info.libraryDescription), "PKCS#11 on a KMS");
	info.libraryVersion = (CK_VERSION){ VERSION_MAJOR, VERSION_MINOR };
	memcpy((void *)ret, &info, sizeof(info));
	return rv_trace(__func__, CKR_OK);
}
