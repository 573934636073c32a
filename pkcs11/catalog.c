/* SPDX-License-Identifier: Apache-2.0 */
/* Handles of one token and the places that they lead to. What is found by the backend is only given
 * a number here; it is read when first looked at. */
#include "pkcs11/catalog.h"

#include <stdlib.h>

#include "pkcs11/rv.h"
#include "pkcs11/slot.h"

#define INDEX_BITS 24
#define INDEX_MASK ((1u << INDEX_BITS) - 1)
#define NO_PLACE   UINT32_MAX

/* Where a handle leads. Places are used again; the handle's upper bits tell the lives apart. */
struct place {
	CK_OBJECT_HANDLE handle; /* 0: free */
	uint32_t life;
	uint32_t flags;
	struct uid id;
	uint64_t revision;
	uint64_t checked; /* the backend's generation when the entry was last known to be current */
	struct entry *entry; /* NULL: not read yet */
	CK_SESSION_HANDLE owner;
	bool in_memory;	     /* session objects and profiles: the entry is all there is */
	uint32_t prev, next; /* in_memory: list; free: next alone */
};

struct catalog {
	struct token *token;
	pthread_mutex_t lock;
	_Atomic uint64_t changes;
	struct place *places;
	uint32_t n, cap, free, first, last; /* list of in_memory places */
	uint32_t *table;		    /* uid → place, open addressing; NO_PLACE is empty */
	uint32_t table_size, table_used;    /* a power of two; used counts removed ones too */
};

#define REMOVED (UINT32_MAX - 1)

/* -- the table of uids; all under the lock -- */

static uint32_t
uid_hash(const struct uid *id)
{
	uint32_t h;

	memcpy(&h, id->b, sizeof(h)); /* uids are random */
	return h;
}

static uint32_t
table_find(const struct catalog *c, const struct uid *id)
{
	uint32_t i, at;

	if (c->table_size == 0)
		return NO_PLACE;
	for (i = uid_hash(id) & (c->table_size - 1); (at = c->table[i]) != NO_PLACE;
	     i = (i + 1) & (c->table_size - 1))
		if (at != REMOVED && uid_eq(&c->places[at].id, id))
			return at;
	return NO_PLACE;
}

static void
table_put(uint32_t *table, uint32_t size, const struct uid *id, uint32_t at)
{
	uint32_t i = uid_hash(id) & (size - 1);

	while (table[i] != NO_PLACE && table[i] != REMOVED)
		i = (i + 1) & (size - 1);
	table[i] = at;
}

/* Room for one more, at most half full; made anew when it is full of what was removed. */
static bool
table_grow(struct catalog *c)
{
	uint32_t size = 64, live = 0, i;
	uint32_t *bigger;

	if (c->table_used + 1 < c->table_size / 2)
		return true;
	for (i = 0; i < c->n; i++)
		live += c->places[i].handle != 0 && !c->places[i].in_memory;
	while (size < 4 * (live + 1))
		size *= 2;
	if ((bigger = malloc(size * sizeof(*bigger))) == NULL)
		return false;
	memset(bigger, 0xff, size * sizeof(*bigger));
	c->table_used = 0;
	for (i = 0; i < c->n; i++) {
		if (c->places[i].handle != 0 && !c->places[i].in_memory) {
			table_put(bigger, size, &c->places[i].id, i);
			c->table_used++;
		}
	}
	free(c->table);
	c->table = bigger;
	c->table_size = size;
	return true;
}

static void
table_remove(struct catalog *c, const struct uid *id)
{
	uint32_t i, at;

	for (i = uid_hash(id) & (c->table_size - 1); (at = c->table[i]) != NO_PLACE;
	     i = (i + 1) & (c->table_size - 1)) {
		if (at != REMOVED && uid_eq(&c->places[at].id, id)) {
			c->table[i] = REMOVED;
			return;
		}
	}
}

/* -- places; all under the lock -- */

static struct place *
place_of(struct catalog *c, CK_OBJECT_HANDLE handle)
{
	uint64_t index = handle & INDEX_MASK;

	if (index == 0 || index > c->n || c->places[index - 1].handle != handle)
		return NULL;
	return &c->places[index - 1];
}

static struct place *
place_new(struct catalog *c)
{
	struct place *p;
	uint32_t index, life;

	if (c->free != NO_PLACE) {
		index = c->free;
		c->free = c->places[index].next;
	} else {
		if (c->n == c->cap) {
			uint32_t cap = c->cap == 0 ? 64 : c->cap * 2;
			struct place *bigger;

			if (cap > INDEX_MASK ||
			    (bigger = realloc(c->places, cap * sizeof(*bigger))) == NULL)
				return NULL;
			c->places = bigger;
			c->cap = cap;
		}
		index = c->n++;
		c->places[index].life = 0;
	}
	p = &c->places[index];
	life = p->life;
	*p = (struct place){ .life = life, .prev = NO_PLACE, .next = NO_PLACE };
	p->handle = ((CK_OBJECT_HANDLE)life << INDEX_BITS) | (index + 1);
	return p;
}

static void
list_append(struct catalog *c, struct place *p)
{
	uint32_t index = (uint32_t)(p - c->places);

	p->in_memory = true;
	p->prev = c->last;
	if (c->last != NO_PLACE)
		c->places[c->last].next = index;
	else
		c->first = index;
	c->last = index;
}

static void
list_remove(struct catalog *c, const struct place *p)
{
	if (p->prev != NO_PLACE)
		c->places[p->prev].next = p->next;
	else
		c->first = p->next;
	if (p->next != NO_PLACE)
		c->places[p->next].prev = p->prev;
	else
		c->last = p->prev;
}

/* Frees a place; the entry that it held comes back, for the caller to drop after the lock. */
static struct entry *
place_free(struct catalog *c, struct place *p)
{
	struct entry *e = p->entry;

	if (p->in_memory)
		list_remove(c, p);
	else
		table_remove(c, &p->id);
	p->handle = 0;
	p->entry = NULL;
	p->in_memory = false;
	p->life++;
	p->next = c->free;
	c->free = (uint32_t)(p - c->places);
	c->changes++;
	return e;
}

/* Frees the places that WANTED picks; entries are dropped outside the lock, in turns, so that any
 * number costs no memory. */
static void
remove_where(struct catalog *c, bool (*wanted)(const struct place *p, CK_SESSION_HANDLE owner),
    CK_SESSION_HANDLE owner)
{
	struct entry *batch[32];
	size_t n, i;
	uint32_t at = 0;

	do {
		n = 0;
		pthread_mutex_lock(&c->lock);
		for (; at < c->n && n < ARRAY_LEN(batch); at++) {
			struct place *p = &c->places[at];

			if (p->handle != 0 && wanted(p, owner) &&
			    (batch[n] = place_free(c, p)) != NULL)
				n++;
		}
		pthread_mutex_unlock(&c->lock);
		for (i = 0; i < n; i++)
			entry_unref(batch[i]);
	} while (n == ARRAY_LEN(batch));
}

/* -- the catalog -- */

static bool
add_profile(struct catalog *c, CK_ULONG profile)
{
	struct entry *e = entry_new(c->token);
	CK_OBJECT_HANDLE handle;

	if (e == NULL)
		return false;
	e->profile = profile;
	e->o.id.b[UID_LEN - 1] = (uint8_t)profile;
	if (catalog_add_session(c, e, &handle) != CKR_OK) {
		entry_unref(e);
		return false;
	}
	return true;
}

struct catalog *
catalog_new(struct token *token)
{
	struct catalog *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->token = token;
	c->free = c->first = c->last = NO_PLACE;
	pthread_mutex_init(&c->lock, NULL);
	if (!add_profile(c, CKP_BASELINE_PROVIDER)) {
		catalog_free(c);
		return NULL;
	}
	return c;
}

static bool
any(const struct place *p UNUSED, CK_SESSION_HANDLE owner UNUSED)
{
	return true;
}

void
catalog_free(struct catalog *c)
{
	if (c == NULL)
		return;
	remove_where(c, any, 0);
	pthread_mutex_destroy(&c->lock);
	free(c->places);
	free(c->table);
	free(c);
}

uint64_t
catalog_generation(struct catalog *c)
{
	/* both only ever grow, so their sum moves when either does */
	return c->changes + backend_generation(c->token->backend);
}

/* A token object whose entry is absent or may be old. */
static CK_RV
read_again(struct catalog *c, struct call *call, CK_OBJECT_HANDLE handle, const struct uid *id,
    struct entry *kept, struct entry **ret)
{
	uint64_t now = backend_generation(c->token->backend), revision = 0;
	struct entry *old = NULL, *fresh = NULL;
	struct place *p;
	enum kms_rc rc;
	CK_RV rv;

	if (kept != NULL) {
		rc = backend_revision(c->token->backend, call, id, &revision);
		if (rc != KMS_OK && rc != KMS_NOTFOUND && rc != KMS_LOGIN_NEEDED)
			return token_fail(c->token, call, rc);
	}
	if (kept != NULL && rc == KMS_OK && revision == kept->o.revision) {
		fresh = entry_ref(kept);
	} else if ((rv = entry_load(c->token, call, id, &fresh)) != CKR_OK) {
		if (rv == CKR_OBJECT_HANDLE_INVALID)
			catalog_remove(c, handle);
		return rv;
	} else {
		fresh->handle = handle;
	}
	pthread_mutex_lock(&c->lock);
	if ((p = place_of(c, handle)) != NULL) {
		if (p->entry != fresh) {
			if ((old = p->entry) != NULL)
				c->changes++;
			p->entry = entry_ref(fresh);
		}
		p->revision = fresh->o.revision;
		p->flags = fresh->o.flags;
		p->checked = now;
	}
	pthread_mutex_unlock(&c->lock);
	entry_unref(old);
	*ret = fresh;
	return CKR_OK;
}

CK_RV
catalog_get(struct catalog *c, struct call *call, CK_OBJECT_HANDLE handle, struct entry **ret)
{
	auto_entry *kept = NULL;
	struct place *p;
	uint64_t checked;
	struct uid id;

	pthread_mutex_lock(&c->lock);
	p = place_of(c, handle);
	if (p == NULL || ((p->flags & FLAG_PRIVATE) != 0 && !token_user(c->token))) {
		pthread_mutex_unlock(&c->lock);
		return CKR_OBJECT_HANDLE_INVALID;
	}
	if (p->in_memory) {
		*ret = entry_ref(p->entry);
		pthread_mutex_unlock(&c->lock);
		return CKR_OK;
	}
	id = p->id;
	checked = p->checked;
	kept = p->entry == NULL ? NULL : entry_ref(p->entry);
	pthread_mutex_unlock(&c->lock);
	if (kept != NULL && checked == backend_generation(c->token->backend)) {
		*ret = kept;
		kept = NULL; /* moved */
		return CKR_OK;
	}
	return read_again(c, call, handle, &id, kept, ret);
}

CK_RV
catalog_intern(struct catalog *c, const struct object_refs *refs, CK_OBJECT_HANDLE *handles)
{
	CK_RV rv = CKR_OK;
	size_t i;

	pthread_mutex_lock(&c->lock);
	for (i = 0; i < refs->n && rv == CKR_OK; i++) {
		const struct object_ref *r = &refs->v[i];
		uint32_t at = table_find(c, &r->id);
		struct place *p = at == NO_PLACE ? NULL : &c->places[at];

		if (p == NULL) {
			if (!table_grow(c) || (p = place_new(c)) == NULL) {
				rv = CKR_HOST_MEMORY;
				break;
			}
			p->id = r->id;
			table_put(c->table, c->table_size, &p->id, (uint32_t)(p - c->places));
			c->table_used++;
		} else if (p->revision != r->revision) {
			p->checked = 0; /* read again at the next look */
			c->changes++;
		}
		p->revision = r->revision;
		p->flags = r->flags;
		handles[i] = p->handle;
	}
	pthread_mutex_unlock(&c->lock);
	return rv;
}

CK_RV
catalog_add_session(struct catalog *c, struct entry *e, CK_OBJECT_HANDLE *ret)
{
	struct place *p;

	pthread_mutex_lock(&c->lock);
	if ((p = place_new(c)) == NULL) {
		pthread_mutex_unlock(&c->lock);
		return CKR_HOST_MEMORY;
	}
	p->entry = e; /* moved */
	p->flags = e->o.flags;
	p->owner = e->owner;
	e->handle = p->handle;
	list_append(c, p);
	*ret = p->handle;
	pthread_mutex_unlock(&c->lock);
	return CKR_OK;
}

CK_RV
catalog_session_objects(struct catalog *c, bool private_too, CK_OBJECT_HANDLE **ret, size_t *n)
{
	CK_OBJECT_HANDLE *v = NULL;
	size_t count = 0;
	uint32_t at;
	CK_RV rv = CKR_OK;

	pthread_mutex_lock(&c->lock);
	for (at = c->first; at != NO_PLACE; at = c->places[at].next)
		count++;
	if (count != 0 && (v = calloc(count, sizeof(*v))) == NULL)
		rv = CKR_HOST_MEMORY;
	*n = 0;
	for (at = c->first; at != NO_PLACE && rv == CKR_OK; at = c->places[at].next)
		if (private_too || (c->places[at].flags & FLAG_PRIVATE) == 0)
			v[(*n)++] = c->places[at].handle;
	pthread_mutex_unlock(&c->lock);
	*ret = v;
	return rv;
}

CK_RV
catalog_replace(struct catalog *c, struct entry *old, struct entry *new_entry)
{
	CK_RV rv = CKR_OK;
	struct place *p;

	pthread_mutex_lock(&c->lock);
	if ((p = place_of(c, old->handle)) == NULL) {
		rv = CKR_OBJECT_HANDLE_INVALID;
	} else if (p->entry != old) {
		rv = CKR_FUNCTION_CANCELED;
	} else {
		new_entry->handle = old->handle;
		p->entry = new_entry; /* moved */
		p->flags = new_entry->o.flags;
		c->changes++;
	}
	pthread_mutex_unlock(&c->lock);
	entry_unref(rv == CKR_OK ? old : new_entry);
	return rv;
}

void
catalog_remove(struct catalog *c, CK_OBJECT_HANDLE handle)
{
	struct entry *e = NULL;
	struct place *p;

	pthread_mutex_lock(&c->lock);
	if ((p = place_of(c, handle)) != NULL)
		e = place_free(c, p);
	pthread_mutex_unlock(&c->lock);
	entry_unref(e);
}

static bool
owned_by(const struct place *p, CK_SESSION_HANDLE owner)
{
	return p->in_memory && p->owner == owner;
}

void
catalog_close_session(struct catalog *c, CK_SESSION_HANDLE owner)
{
	bool some = false;
	uint32_t at;

	/* most sessions own nothing: look before walking every place */
	pthread_mutex_lock(&c->lock);
	for (at = c->first; at != NO_PLACE && !some; at = c->places[at].next)
		some = c->places[at].owner == owner;
	pthread_mutex_unlock(&c->lock);
	if (some)
		remove_where(c, owned_by, owner);
}

static bool
is_private(const struct place *p, CK_SESSION_HANDLE owner UNUSED)
{
	return (p->flags & FLAG_PRIVATE) != 0;
}

void
catalog_forget_private(struct catalog *c)
{
	remove_where(c, is_private, 0);
	c->changes++; /* who may see what has changed, even if nothing private was listed */
}

static bool
not_profile(const struct place *p, CK_SESSION_HANDLE owner UNUSED)
{
	return p->entry == NULL || p->entry->profile == 0;
}

void
catalog_clear(struct catalog *c)
{
	remove_where(c, not_profile, 0);
}
