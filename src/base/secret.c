/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena of secrets. Small values come from chunks cut into slots of one power of two; the lists
 * of free slots lie outside the chunks, because a fork wipes those. A free slot is always zeroed,
 * so that taking one costs no wiping.
 */
#define _GNU_SOURCE 1
#include "base/secret.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOT_MIN_BITS 5	 /* 32 bytes */
#define SLOT_MAX_BITS 12 /* 4096; longer values get a mapping of their own */
#define CLASSES	      (SLOT_MAX_BITS - SLOT_MIN_BITS + 1)
#define CHUNK_SIZE    (64u << 10)

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

/* Under ASan what is free, and the end of a slot beyond the value, must not be touched. */
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define hide(p, len)   ASAN_POISON_MEMORY_REGION((p), (len))
#define reveal(p, len) ASAN_UNPOISON_MEMORY_REGION((p), (len))
#else
#define hide(p, len)   ((void)0)
#define reveal(p, len) ((void)0)
#endif

/* Slots of one size. */
struct class
{
	void **free; /* a mapping with room for every slot that there is, so that freeing never
			allocates */
	size_t n_free;
	size_t n_slots;
	size_t free_bytes; /* of the mapping */
	uint8_t *fresh;	   /* the newest chunk's slots that were never taken */
	size_t n_fresh;
};

static struct {
	pthread_mutex_t lock;
	struct class classes[CLASSES];
} arena = { .lock = PTHREAD_MUTEX_INITIALIZER };

static size_t
class_of(size_t len)
{
	size_t bits = len <= 1
	    ? 0
	    : 8 * sizeof(unsigned long) - (size_t)__builtin_clzl((unsigned long)len - 1);

	return bits <= SLOT_MIN_BITS ? 0 : bits - SLOT_MIN_BITS;
}

static size_t
slot_size(size_t class)
{
	return (size_t)1 << (class + SLOT_MIN_BITS);
}

static size_t
whole_pages(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (len + page - 1) / page * page;
}

static void *
map_pages(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* LEN (whole pages) for secrets. A kernel without one of the two advices still gives memory. */
static void *
map_secret(size_t len)
{
	void *p = map_pages(len);

	if (p == NULL)
		return NULL;
	(void)madvise(p, len, MADV_DONTDUMP);
	(void)madvise(p, len, MADV_WIPEONFORK);
	return p;
}

/* Makes the free list hold N slots. */
static bool
grow_free_list(struct class *c, size_t n)
{
	size_t len = whole_pages(n * sizeof(*c->free));
	void *p;

	if (len <= c->free_bytes)
		return true;
	p = c->free == NULL ? map_pages(len) : mremap(c->free, c->free_bytes, len, MREMAP_MAYMOVE);
	if (p == NULL || p == MAP_FAILED)
		return false;
	c->free = p;
	c->free_bytes = len;
	return true;
}

static bool
add_chunk(struct class *c, size_t size)
{
	size_t n = CHUNK_SIZE / size;
	uint8_t *p;

	if (!grow_free_list(c, c->n_slots + n) || (p = map_secret(CHUNK_SIZE)) == NULL)
		return false;
	hide(p, CHUNK_SIZE);
	c->fresh = p;
	c->n_fresh = n;
	c->n_slots += n;
	return true;
}

static void *
take_slot_locked(struct class *c, size_t size)
{
	void *p;

	if (c->n_free > 0)
		return c->free[--c->n_free];
	if (c->n_fresh == 0 && !add_chunk(c, size))
		return NULL;
	p = c->fresh;
	c->fresh += size;
	c->n_fresh--;
	return p;
}

void *
secret_mem_new(size_t len)
{
	size_t class;
	void *p;

	if (len == 0 || len > SECRET_MAX)
		return NULL;
	if ((class = class_of(len)) >= CLASSES)
		return map_secret(whole_pages(len));
	pthread_mutex_lock(&arena.lock);
	p = take_slot_locked(&arena.classes[class], slot_size(class));
	pthread_mutex_unlock(&arena.lock);
	if (p != NULL)
		reveal(p, len);
	return p;
}

void
secret_mem_free(void *p, size_t len)
{
	size_t class = class_of(len);
	struct class *c;

	if (p == NULL)
		return;
	if (class >= CLASSES) {
		mem_wipe(p, len);
		munmap(p, whole_pages(len));
		return;
	}
	reveal(p, slot_size(class));
	mem_wipe(p, slot_size(class));
	hide(p, slot_size(class));
	c = &arena.classes[class];
	pthread_mutex_lock(&arena.lock);
	/* Full only when a slot of an arena forgotten at a fork comes back: that one is let go. */
	if (c->n_free < c->n_slots)
		c->free[c->n_free++] = p;
	pthread_mutex_unlock(&arena.lock);
}

void
secret_after_fork(void)
{
	/* Another thread of the parent may have held the lock: it is made anew, not unlocked. */
	memset(&arena.classes, 0, sizeof(arena.classes));
	arena.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

enum kms_rc
secret_new(size_t len, struct secret *ret)
{
	void *p;

	if (len == 0 || len > SECRET_MAX)
		return KMS_LIMIT;
	if ((p = secret_mem_new(len)) == NULL)
		return KMS_NOMEM;
	*ret = (struct secret){ .p = p, .len = len };
	return KMS_OK;
}

enum kms_rc
secret_copy(struct slice s, struct secret *ret)
{
	if (s.len == 0) {
		*ret = (struct secret){ 0 };
		return KMS_OK;
	}
	TRY(secret_new(s.len, ret));
	memcpy(ret->p, s.p, s.len);
	return KMS_OK;
}

void
secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	secret_mem_free(s->p, s->len);
	*s = (struct secret){ 0 };
}

void
mem_wipe(void *p, size_t len)
{
	if (len > 0)
		explicit_bzero(p, len);
}

bool
mem_equal_ct(struct slice a, struct slice b)
{
	const volatile uint8_t *x = a.p, *y = b.p;
	unsigned diff = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		diff |= (unsigned)(x[i] ^ y[i]);
	return diff == 0;
}
