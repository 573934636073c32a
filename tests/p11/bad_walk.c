/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk: thousands of calls of random functions, good ones with none, one or some of their
 * arguments spoilt, in whatever state the calls before have left. The numbers are always the same.
 */
#include "tests/p11/bad.h"
#include "tests/p11/matrix.h"

#define STEPS 6000

static uint64_t state;

static uint64_t
rnd(void)
{
	/* xorshift64*, Vigna 2016 */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1d;
}

static size_t
below(size_t n)
{
	return (size_t)(rnd() >> 33) % n;
}

static bool
one_in(size_t n)
{
	return below(n) == 0;
}

/* -- what there is to choose from ----------------------------------------------------------- */

static struct env envs[64]; /* each mechanism with a good parameter and its keys */
static size_t n_envs;
static CK_OBJECT_HANDLE objects[64];
static CK_SESSION_HANDLE sessions[8];
static unsigned good_answers[64]; /* of each row of goods */
static const struct env *env_now; /* whose mechanism the call has */

static const CK_ULONG numbers[] = { 0, 1, 2, 3, 16, 32, 0x80000001, (CK_ULONG)1 << 40,
	(CK_ULONG)-1 };
static const size_t sizes[] = { 0, 1, 3, 8, 15, 16, 17, 24, 31, 32, 33, 64, 100, 256, 1000, 5000 };

static const CK_ATTRIBUTE_TYPE types[] = { CKA_CLASS, CKA_TOKEN, CKA_PRIVATE, CKA_LABEL,
	CKA_APPLICATION, CKA_VALUE, CKA_OBJECT_ID, CKA_CERTIFICATE_TYPE, CKA_ISSUER,
	CKA_SERIAL_NUMBER, CKA_TRUSTED, CKA_CERTIFICATE_CATEGORY, CKA_URL, CKA_CHECK_VALUE,
	CKA_KEY_TYPE, CKA_SUBJECT, CKA_ID, CKA_SENSITIVE, CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP,
	CKA_UNWRAP, CKA_SIGN, CKA_SIGN_RECOVER, CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_DERIVE,
	CKA_START_DATE, CKA_END_DATE, CKA_MODULUS, CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT,
	CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2,
	CKA_COEFFICIENT, CKA_PUBLIC_KEY_INFO, CKA_PRIME, CKA_BASE, CKA_VALUE_BITS, CKA_VALUE_LEN,
	CKA_EXTRACTABLE, CKA_LOCAL, CKA_NEVER_EXTRACTABLE, CKA_ALWAYS_SENSITIVE,
	CKA_KEY_GEN_MECHANISM, CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE, CKA_EC_PARAMS,
	CKA_EC_POINT, CKA_ALWAYS_AUTHENTICATE, CKA_WRAP_WITH_TRUSTED, CKA_ALLOWED_MECHANISMS,
	CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE, CKA_UNIQUE_ID, CKA_PROFILE_ID,
	0x7fffffff, CKA_VENDOR_DEFINED };

static CK_BYTE noise[8192];

static void
choices_make(void)
{
	const CK_OBJECT_HANDLE *const first[] = { &w.aes, &w.hmac, &w.ec_pub, &w.ec_priv,
		&w.rsa_pub, &w.rsa_priv, &w.target, &w.token_aes, &w.known_pub, &w.known, &w.data,
		&w.gone };
	static const CK_OBJECT_HANDLE none[] = { 0, (CK_ULONG)-1, 0xdeadbeef };
	size_t n = 0;

	world_again();
	hs = w.keep;
	n_envs = 0;
	for (size_t r = 0; r < n_rows; r++)
		n_envs += env_make(&envs[n_envs], &rows[r]);
	hs = p11_open(true);
	for (size_t i = 0; i < N(first); i++)
		objects[n++] = *first[i];
	for (size_t i = 0; i < N(none); i++)
		objects[n++] = none[i];
	for (; n < N(objects); n++)
		objects[n] = n % 2 == 0 ? envs[n % n_envs].pub : envs[n % n_envs].priv;
	for (size_t i = 0; i < N(sessions); i++)
		sessions[i] = hs;
	sessions[0] = w.stale;
	sessions[1] = 0;
	sessions[2] = 0xdeadbeef;
	sessions[3] = p11_open(false);
}

/* -- spoiling one argument ------------------------------------------------------------------ */

static void *
some_bytes(size_t n)
{
	return yard_put(noise + below(sizeof(noise) - n), n);
}

static void
random_value(struct tmpl *t, CK_ULONG i)
{
	t->v[i].pValue = &t->mem[i];
	switch (below(4)) {
	case 0:
		t->mem[i].b = (CK_BBOOL)below(3);
		t->v[i].ulValueLen = 1;
		break;
	case 1:
		t->mem[i].u = numbers[below(N(numbers))];
		t->v[i].ulValueLen = sizeof(CK_ULONG);
		break;
	default:
		t->v[i].ulValueLen = sizes[below(N(sizes))];
		t->v[i].pValue = noise + below(sizeof(noise) - t->v[i].ulValueLen);
		break;
	}
}

/* yard_template follows the pointers of arrays, so they get a value that can be followed. */
static void
array_value(CK_ATTRIBUTE *a)
{
	static CK_BBOOL yes = CK_TRUE;
	static CK_ATTRIBUTE inner[2] = { { CKA_SIGN, &yes, 1 }, { CKA_EXTRACTABLE, &yes, 1 } };

	a->pValue = inner;
	a->ulValueLen = below(3) * sizeof(*inner);
}

static void
spoil_attribute(struct tmpl *t)
{
	CK_ULONG i = t->n == 0 ? 0 : below(t->n);

	if (t->n == 0 || (one_in(3) && t->n < N(t->v))) {
		i = t->n++;
		t->v[i].type = types[below(N(types))];
		random_value(t, i);
	} else {
		switch (below(5)) {
		case 0: t_drop(t, t->v[i].type); return;
		case 1: t->v[i].type = types[below(N(types))]; break;
		case 2:
			t_drop(t, CKA_TOKEN);
			t_bool(t, CKA_TOKEN, one_in(2));
			return;
		case 3:
			t_drop(t, CKA_PRIVATE);
			t_bool(t, CKA_PRIVATE, one_in(2));
			return;
		default: random_value(t, i); break;
		}
	}
	if (t->v[i].type == CKA_WRAP_TEMPLATE || t->v[i].type == CKA_UNWRAP_TEMPLATE ||
	    t->v[i].type == CKA_DERIVE_TEMPLATE)
		array_value(&t->v[i]);
}

static void
spoil_template(const struct good *g, size_t nth, union word *a)
{
	static const CK_ULONG counts[] = { 0, 4097, (CK_ULONG)1 << 40, (CK_ULONG)-1 };
	const struct good *other = &goods[below(n_goods)];
	struct tmpl t = { .n = 0 };
	CK_ATTRIBUTE copy[N(t.v)], *one;

	if (one_in(12)) {
		a[0].p = one_in(2) ? NULL : a[0].p;
		a[1].n = counts[below(N(counts))];
		return;
	}
	/* C_GetAttributeValue writes to what its template says */
	if (strcmp(g->name, "C_GetAttributeValue") != 0 && one_in(4) && other->templ[0] != NULL)
		other->templ[0](&t);
	else
		g->templ[nth](&t);
	for (size_t n = 1 + below(3); n > 0; n--)
		spoil_attribute(&t);
	a[0].p = yard_template(&t);
	a[1].n = t.n;
	if (t.n == 0 || !one_in(4))
		return;
	/* a value that is not there, or of a length that cannot be */
	memcpy(copy, a[0].p, t.n * sizeof(*copy));
	one = &copy[below(t.n)];
	if (one_in(2))
		one->pValue = NULL;
	if (one->pValue == NULL || strcmp(g->name, "C_GetAttributeValue") != 0)
		one->ulValueLen = one_in(2) ? (CK_ULONG)-1 : (CK_ULONG)1 << 40;
	a[0].p = yard_put(copy, t.n * sizeof(*copy));
}

/* A length or a pointer inside of a good parameter. Lengths are so large that nobody may read. */
static void
spoil_inside(CK_MECHANISM *m)
{
	CK_ULONG huge = one_in(2) ? (CK_ULONG)-1 : (CK_ULONG)1 << 40;
	union {
		CK_GCM_PARAMS gcm;
		CK_RSA_PKCS_OAEP_PARAMS oaep;
		CK_ECDH1_DERIVE_PARAMS ecdh;
		CK_ULONG n[8];
	} p;
	size_t n = m->ulParameterLen;

	if (n > sizeof(p) || n < sizeof(CK_ULONG))
		return;
	memcpy(&p, m->pParameter, n);
	if (m->mechanism == CKM_AES_GCM) {
		switch (below(5)) {
		case 0: p.gcm.pIv = NULL; break;
		case 1: p.gcm.ulIvLen = huge; break;
		case 2: p.gcm.pAAD = NULL; break;
		case 3: p.gcm.ulAADLen = huge; break;
		default: p.gcm.ulTagBits = rnd() % 200; break;
		}
	} else if (m->mechanism == CKM_RSA_PKCS_OAEP) {
		switch (below(4)) {
		case 0: p.oaep.pSourceData = NULL; break;
		case 1: p.oaep.ulSourceDataLen = huge; break;
		case 2: p.oaep.hashAlg = rnd() % 0x300; break;
		default: p.oaep.mgf = rnd() % 8; break;
		}
	} else if (m->mechanism == CKM_ECDH1_DERIVE) {
		switch (below(4)) {
		case 0: p.ecdh.pPublicData = NULL; break;
		case 1: p.ecdh.ulPublicDataLen = huge; break;
		case 2: p.ecdh.kdf = rnd() % 8; break;
		default: p.ecdh.ulSharedDataLen = huge; break;
		}
	} else {
		p.n[below(n / sizeof(CK_ULONG))] = numbers[below(N(numbers))];
	}
	m->pParameter = yard_put(&p, n);
}

static void
spoil_mechanism(union word *a)
{
	const struct env *e = &envs[below(n_envs)];
	CK_MECHANISM m;

	if (one_in(20)) {
		a->p = NULL;
		return;
	}
	a->p = yard_mechanism(&e->mech);
	memcpy(&m, a->p, sizeof(m));
	env_now = e;
	switch (below(8)) {
	case 0: m.mechanism = rnd() % 0x3000; break;
	case 1: spoil_inside(&m); break;
	case 2:
		m.ulParameterLen = sizes[below(8)];
		m.pParameter = some_bytes(m.ulParameterLen);
		break;
	default: break;
	}
	/* bytes for a parameter that would be followed are followed nowhere */
	if (m.mechanism != e->mech.mechanism && m.ulParameterLen > 16)
		m.ulParameterLen = (CK_ULONG)-1;
	a->p = yard_put(&m, sizeof(m));
}

static bool
takes_pin(const struct good *g)
{
	return strstr(g->name, "Login") != NULL || strstr(g->name, "PIN") != NULL ||
	    strcmp(g->name, "C_InitToken") == 0;
}

/* Bytes and their length. PINs that could be one would be counted, and lock. */
static void
spoil_bytes(const struct good *g, union word *a, bool out)
{
	static const size_t no_pins[] = { 0, 1, 3, 256, 5000 };
	size_t n = takes_pin(g) ? no_pins[below(N(no_pins))] : sizes[below(N(sizes))];

	a[0].p = out ? yard_put(NULL, n) : some_bytes(n);
	a[1].n = n;
	if (one_in(8))
		a[0].p = NULL;
	if (one_in(8))
		a[1].n = one_in(2) ? (CK_ULONG)-1 : (CK_ULONG)1 << 40;
}

/* Room and its size. */
static void
spoil_room(union word *a, size_t element)
{
	size_t n = sizes[below(N(sizes) - 2)];

	a[0].p = one_in(8) ? NULL : yard_put(NULL, n * element);
	a[1].p = one_in(16) ? NULL : yard_ulong(n);
}

static void
spoil(const struct good *g, const struct call *c, union word *a, size_t i)
{
	size_t nth = 0;

	for (size_t k = 0; k < i; k++)
		nth += c->role[k] == c->role[i];
	switch ((int)c->role[i]) {
	case SESSION: a[i].n = sessions[below(N(sessions))]; break;
	case SLOT: a[i].n = numbers[below(N(numbers))]; break;
	case OBJECT: a[i].n = objects[below(N(objects))]; break;
	case USER:
	case TYPE: a[i].n = numbers[below(N(numbers))]; break;
	case FLAG: a[i].n = below(256); break;
	case FLAGS: a[i].n = one_in(2) ? rnd() : rnd() % 8; break;
	case IN: spoil_bytes(g, &a[i], false); break;
	case RANDOM: spoil_bytes(g, &a[i], true); break;
	case OUT: spoil_room(&a[i], 1); break;
	case INTERFACES: spoil_room(&a[i], sizeof(CK_INTERFACE)); break;
	case LIST:
		if (c->role[i + 1] == LIST_LEN) {
			spoil_room(&a[i], sizeof(CK_ULONG));
		} else {
			a[i + 1].n = below(100);
			a[i].p = one_in(8) ? NULL : yard_put(NULL, a[i + 1].n * sizeof(CK_ULONG));
		}
		break;
	case OUT_LEN:
	case LIST_LEN:
	case HANDLE:
	case INFO:
	case POINTER: a[i].p = NULL; break;
	case TEMPLATE: spoil_template(g, nth, &a[i]); break;
	case MECHANISM: spoil_mechanism(&a[i]); break;
	case LABEL: a[i].p = one_in(4) ? NULL : some_bytes(32); break;
	case IFACE_VERSION: a[i].p = some_bytes(sizeof(CK_VERSION)); break;
	default: break;
	}
}

/* -- one step ------------------------------------------------------------------------------- */

/* A mechanism of the matrix works with its own key only. */
static void
fit_key(const struct good *g, const struct call *c, union word *a)
{
	bool private = strstr(g->name, "Sign") != NULL || strstr(g->name, "Decrypt") != NULL ||
	    strstr(g->name, "Unwrap") != NULL;

	if (env_now != NULL && call_has(c, OBJECT) && env_now->pub != CK_INVALID_HANDLE &&
	    !one_in(6))
		a[arg_of(c, OBJECT, 0)].n = private ? env_now->priv : env_now->pub;
}

static void
keep_new(const struct call *c, const union word *a)
{
	CK_ULONG made;

	if (!call_has(c, HANDLE) || strcmp(c->name, "C_FindObjects") == 0 ||
	    strcmp(c->name, "C_GetObjectSize") == 0)
		return;
	memcpy(&made, a[arg_of(c, HANDLE, 0)].p, sizeof(made));
	if (strcmp(c->name, "C_OpenSession") == 0)
		sessions[4 + below(4)] = made;
	else
		objects[below(N(objects))] = made;
}

static bool
may_wipe(const struct call *c)
{
	return strstr(c->name, "Decrypt") != NULL;
}

static void
check_step(const struct call *c, CK_RV rv, int step)
{
	bool answers = rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL ||
	    (strcmp(c->name, "C_GetAttributeValue") == 0 &&
		(rv == CKR_ATTRIBUTE_SENSITIVE || rv == CKR_ATTRIBUTE_TYPE_INVALID));

	ck_assert_msg(is_allowed(c, rv), "step %d: %s: %s", step, c->name, p11_name(rv));
	ck_assert_msg(!yard_spilt(), "step %d: %s writes beside its memory", step, c->name);
	ck_assert_msg(answers || !yard_changed(may_wipe(c)), "step %d: %s: %s, but memory changes",
	    step, c->name, p11_name(rv));
}

static bool
logs_out(const struct good *g)
{
	return strcmp(g->name, "C_Logout") == 0 || strcmp(g->name, "C_CloseAllSessions") == 0;
}

static const struct good *
choose(bool logged_out)
{
	const struct good *g;

	if (logged_out && one_in(8))
		return good_of(one_in(2) || p11v3 == NULL ? "C_Login" : "C_LoginUser");
	do
		g = &goods[below(n_goods)];
	/* what logs in stretches a PIN, what logs out makes the next one do it: that takes long */
	while ((takes_pin(g) && !one_in(12)) || (logs_out(g) && !one_in(5)) ||
	    !call_there(call_of(g->name)));
	return g;
}

/* What good calls begin with may have been destroyed on the way. */
static bool
keys_there(void)
{
	const CK_OBJECT_HANDLE needed[] = { w.aes, w.hmac };
	CK_ULONG size;

	for (size_t i = 0; i < N(needed); i++)
		if (p11->C_GetObjectSize(hs, needed[i], &size) != CKR_OK)
			return false;
	return true;
}

static void
walk_step(int step, bool logged_out)
{
	const struct good *g = choose(logged_out);
	union word a[ARGS_MAX];
	const struct call *c;
	CK_RV rv;

	if (one_in(3) && g->before != NULL && keys_there()) {
		idle();
		g->before();
	}
	yard_clear(below(9));
	env_now = NULL;
	c = good_args(g, a);
	for (size_t n = below(4); n > 0; n--)
		spoil(g, c, a, below(c->n_args));
	if (c->role[0] == SESSION && one_in(8))
		a[0].n = sessions[below(N(sessions))];
	fit_key(g, c, a);
	rv = c->run(a);
	check_step(c, rv, step);
	if (rv == CKR_OK) {
		good_answers[g - goods]++;
		keep_new(c, a);
	}
}

/* Is the world still one in which good calls succeed? */
static bool
disturbed(void)
{
	CK_SESSION_INFO info;

	return p11->C_GetSessionInfo(w.keep, &info) != CKR_OK ||
	    info.state != CKS_RW_USER_FUNCTIONS || p11->C_GetSessionInfo(w.other, &info) != CKR_OK;
}

/* The PINs of both are the same, so that none can be wrong. */
static void
same_pins(void)
{
	CHECK_OK(p11->C_Logout(w.keep));
	CHECK_OK(p11_try_login(w.keep, CKU_SO, SO_PIN));
	CHECK_OK(p11->C_SetPIN(w.keep, BYTES(SO_PIN), BYTES(USER_PIN)));
	CHECK_OK(p11->C_Logout(w.keep));
	CHECK_OK(p11_try_login(w.keep, CKU_USER, USER_PIN));
}

START_TEST(a_random_walk_leaves_the_module_in_order)
{
	CK_SESSION_INFO info;
	int bad_steps = 0;

	state = 0x9e3779b97f4a7c15 + (uint64_t)_i;
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (CK_BYTE)(rnd() >> 56);
	same_pins();
	choices_make();
	for (int step = 0; step < STEPS; step++) {
		if (step % 997 == 996) { /* everybody's handles are of another life then */
			CHECK_OK(p11->C_Finalize(NULL));
			CHECK_OK(p11_init());
			bad_steps = 100;
		}
		/* a while without login, or as the SO, is part of the walk */
		bad_steps = disturbed() ? bad_steps + 1 : 0;
		if (bad_steps > 12 || step % 250 == 249) {
			choices_make();
			bad_steps = 0;
		}
		if (bad_steps == 0 && step % 16 == 0)
			world_signs();
		if (p11->C_GetSessionInfo(hs, &info) != CKR_OK)
			hs = sessions[7] = p11_open(true);
		walk_step(step, bad_steps > 0);
	}
	choices_make();
	world_signs();
	/* PINs are asked for seldom, and C_InitToken finds a session open, always */
	for (size_t i = 0; i < n_goods; i++)
		ck_assert_msg(good_answers[i] > 0 || takes_pin(&goods[i]) ||
			!call_there(call_of(goods[i].name)),
		    "%s never succeeds", goods[i].name);
}
END_TEST

TCase *
walk_case(void)
{
	TCase *t = tcase_create("walk");

	world_fixture(t);
	tcase_add_loop_test(t, a_random_walk_leaves_the_module_in_order, 0, 2);
	tcase_set_timeout(t, 200);
	return t;
}
