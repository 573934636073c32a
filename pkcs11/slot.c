/* SPDX-License-Identifier: Apache-2.0 */
/* Slots and tokens: PKCS#11 5.5, and the login that all sessions of a token share. */
#include "pkcs11/slot.h"

#include "base/codec.h"
#include "base/os.h"
#include "pkcs11/backend_choice.h"
#include "pkcs11/catalog.h"
#include "pkcs11/lib.h"
#include "pkcs11/mech.h"
#include "pkcs11/memory.h"
#include "pkcs11/rv.h"
#include "pkcs11/session.h"

#define MANUFACTURER "kms-pkcs11"

void
pad_text(unsigned char *dst, size_t cap, const char *text)
{
	size_t n = strlen(text);

	if (n > cap)
		for (n = cap; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
			;
	memset(dst, ' ', cap);
	memcpy(dst, text, n);
}

CK_RV
token_open(struct token *t, const struct conf_token *conf)
{
	struct call call = { .deadline_ms = os_monotonic_ms() + conf->timeout_ms };
	enum kms_rc rc;

	*t = (struct token){ .conf = conf, .slot = (CK_SLOT_ID)conf->slot };
	pthread_mutex_init(&t->lock, NULL);
	pthread_mutex_init(&t->login_lock, NULL);
	if ((rc = backend_choose(conf, &call, &t->backend)) != KMS_OK) {
		t->backend = NULL;
		(void)token_fail(t, &call, rc);
		return CKR_OK; /* one broken token does not take the others with it */
	}
	if ((t->catalog = catalog_new(t)) == NULL) {
		token_close(t);
		return CKR_HOST_MEMORY;
	}
	return CKR_OK;
}

void
token_close(struct token *t)
{
	catalog_free(t->catalog);
	t->catalog = NULL;
	backend_close(t->backend);
	t->backend = NULL;
	pthread_mutex_destroy(&t->lock);
	pthread_mutex_destroy(&t->login_lock);
}

struct call
token_call(const struct token *t)
{
	return (struct call){ .deadline_ms = os_monotonic_ms() + t->conf->timeout_ms };
}

CK_RV
token_fail(const struct token *t, const struct call *call, enum kms_rc rc)
{
	CK_RV rv = rv_of(rc);
	const char *why = call->err.text[0] != '\0' ? call->err.text : rc_text(rc);

	/* what a person must repair is an error in the log; what an application may try is not */
	if (rv == CKR_DEVICE_ERROR || rv == CKR_DEVICE_MEMORY || rv == CKR_GENERAL_ERROR)
		log_error("token \"%s\": %s", t->conf->name, why);
	else if (rv != CKR_OK)
		log_info("token \"%s\": %s", t->conf->name, why);
	return rv;
}

void
token_logout(struct token *t)
{
	if (atomic_exchange(&t->role, ROLE_NONE) == ROLE_NONE)
		return;
	backend_logout(t->backend);
	catalog_forget_private(t->catalog);
}

/* A function counts when the backend can do the part of it that needs a key of its own: of a pair's
 * functions the private half's. */
CK_FLAGS
token_offers(const struct token *t, const struct mech *m)
{
	static const struct {
		CK_FLAGS function;
		unsigned secret, pair; /* bits CAN() that it takes */
	} needs[] = {
		{ CKF_ENCRYPT | CKF_WRAP, CAN(USE_ENCRYPT), CAN(USE_DECRYPT) },
		{ CKF_DECRYPT | CKF_UNWRAP, CAN(USE_DECRYPT), CAN(USE_DECRYPT) },
		{ CKF_SIGN, CAN(USE_SIGN), CAN(USE_SIGN) },
		{ CKF_VERIFY, CAN(USE_VERIFY), CAN(USE_SIGN) },
		{ CKF_DERIVE, CAN_DERIVE, CAN_DERIVE },
	};
	bool secret = key_type_is_secret(m->key);
	CK_FLAGS functions = CKF_GENERATE | CKF_GENERATE_KEY_PAIR | CKF_DIGEST, flags = m->flags;
	const struct key_caps *caps;
	size_t i;

	if (t->backend == NULL)
		return 0;
	if (m->key == KEY_NONE)
		return flags;
	caps = backend_caps(t->backend);
	if ((caps->makes & 1u << m->key) == 0)
		flags &= ~(CKF_GENERATE | CKF_GENERATE_KEY_PAIR);
	for (i = 0; i < ARRAY_LEN(needs); i++) {
		functions |= needs[i].function;
		if ((caps->uses[m->alg][m->digest] & (secret ? needs[i].secret : needs[i].pair)) ==
		    0)
			flags &= ~needs[i].function;
	}
	return (flags & functions) == 0 ? 0 : flags;
}

/* The greater of the least and the lesser of the greatest key sizes, by mechanism and backend; in
 * bytes for AES, of which backends have no limits of their own. */
static void
narrow_sizes(const struct token *t, const struct mech *m, CK_MECHANISM_INFO *info)
{
	const struct key_caps *caps = backend_caps(t->backend);
	uint32_t min = caps->bits[m->key].min, max = caps->bits[m->key].max;

	if (min > info->ulMinKeySize)
		info->ulMinKeySize = min;
	if (max != 0 && max < info->ulMaxKeySize)
		info->ulMaxKeySize = max;
}

/* The slots, or only those with a token, put at LIST unless that is NULL; how many they are. */
static CK_ULONG
list_slots(bool with_token, CK_SLOT_ID *list)
{
	CK_ULONG listed = 0;
	struct token *tokens;
	size_t n, i;

	tokens = lib_tokens(&n);
	for (i = 0; i < n; i++) {
		if (with_token && tokens[i].backend == NULL)
			continue;
		if (list != NULL)
			ulong_put((CK_BYTE *)list + listed * sizeof(*list), tokens[i].slot);
		listed++;
	}
	return listed;
}

CK_RV
C_GetSlotList(CK_BBOOL token_present, CK_SLOT_ID_PTR list, CK_ULONG_PTR count)
{
	auto_lib g = lib_guard_enter();
	CK_ULONG n;
	CK_RV rv = CKR_OK;

	if (g.rv != CKR_OK)
		return rv_trace(__func__, g.rv);
	if (count == NULL)
		return rv_trace(__func__, CKR_ARGUMENTS_BAD);
	n = list_slots(token_present != CK_FALSE, NULL);
	if (list != NULL && ulong_get(count) < n)
		rv = CKR_BUFFER_TOO_SMALL;
	else if (list != NULL)
		(void)list_slots(token_present != CK_FALSE, list);
	ulong_put(count, n);
	return rv_trace(__func__, rv);
}

CK_RV
C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO_PTR ret)
{
	auto_lib g = lib_guard_enter();
	CK_SLOT_INFO info;
	struct token *t;

	if (g.rv != CKR_OK)
		return rv_trace(__func__, g.rv);
	if (ret == NULL)
		return rv_trace(__func__, CKR_ARGUMENTS_BAD);
	if ((t = lib_token_of_slot(slot)) == NULL)
		return rv_trace(__func__, CKR_SLOT_ID_INVALID);
	memset(&info, 0, sizeof(info));
	pad_text(info.slotDescription, sizeof(info.slotDescription),
	    t->conf->name[0] != '\0' ? t->conf->name : "kms-pkcs11 embedded token");
	pad_text(info.manufacturerID, sizeof(info.manufacturerID), MANUFACTURER);
	info.flags = t->backend != NULL ? CKF_TOKEN_PRESENT : 0;
	info.firmwareVersion = (CK_VERSION){ VERSION_MAJOR, VERSION_MINOR };
	memcpy((void *)ret, &info, sizeof(info));
	return rv_trace(__func__, CKR_OK);
}

static CK_FLAGS
token_flags(const struct token_status *st)
{
	CK_FLAGS flags = CKF_RNG | CKF_LOGIN_REQUIRED;

	flags |= st->initialized ? CKF_TOKEN_INITIALIZED : 0;
	flags |= st->user_pin_set ? CKF_USER_PIN_INITIALIZED : 0;
	flags |= st->read_only ? CKF_WRITE_PROTECTED : 0;
	flags |= st->user_count_low ? CKF_USER_PIN_COUNT_LOW : 0;
	flags |= st->user_final_try ? CKF_USER_PIN_FINAL_TRY : 0;
	flags |= st->user_locked ? CKF_USER_PIN_LOCKED : 0;
	flags |= st->so_count_low ? CKF_SO_PIN_COUNT_LOW : 0;
	flags |= st->so_final_try ? CKF_SO_PIN_FINAL_TRY : 0;
	flags |= st->so_locked ? CKF_SO_PIN_LOCKED : 0;
	return flags;
}

static CK_RV
token_info(struct token *t, CK_TOKEN_INFO_PTR info)
{
	struct call call = token_call(t);
	struct token_status st;
	enum kms_rc rc;

	if (t->backend == NULL)
		return CKR_TOKEN_NOT_PRESENT;
	if ((rc = backend_status(t->backend, &call, &st)) != KMS_OK)
		return token_fail(t, &call, rc);
	memset(info, 0, sizeof(*info));
	pad_text(info->label, sizeof(info->label), st.label);
	pad_text(info->manufacturerID, sizeof(info->manufacturerID), MANUFACTURER);
	pad_text(info->model, sizeof(info->model), "embedded");
	pad_text(info->serialNumber, sizeof(info->serialNumber), st.serial);
	info->flags = token_flags(&st);
	pthread_mutex_lock(&t->lock);
	info->ulSessionCount = t->n_sessions;
	info->ulRwSessionCount = t->n_rw;
	pthread_mutex_unlock(&t->lock);
	info->ulMaxSessionCount = CK_EFFECTIVELY_INFINITE;
	info->ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE;
	info->ulMaxPinLen = PIN_MAX;
	info->ulMinPinLen = PIN_MIN;
	info->ulTotalPublicMemory = info->ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION;
	info->ulTotalPrivateMemory = info->ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION;
	info->firmwareVersion = (CK_VERSION){ VERSION_MAJOR, VERSION_MINOR };
	memset(info->utcTime, ' ', sizeof(info->utcTime)); /* no CKF_CLOCK_ON_TOKEN */
	return CKR_OK;
}

CK_RV
C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR ret)
{
	auto_lib g = lib_guard_enter();
	CK_TOKEN_INFO info;
	struct token *t;
	CK_RV rv;

	if (g.rv != CKR_OK)
		return rv_trace(__func__, g.rv);
	if (ret == NULL)
		return rv_trace(__func__, CKR_ARGUMENTS_BAD);
	if ((t = lib_token_of_slot(slot)) == NULL)
		return rv_trace(__func__, CKR_SLOT_ID_INVALID);
	if ((rv = token_info(t, &info)) == CKR_OK)
		memcpy((void *)ret, &info, sizeof(info));
	return rv_trace(__func__, rv);
}

/* The mechanisms that T offers, put at LIST unless that is NULL; how many they are. */
static CK_ULONG
list_mechanisms(const struct token *t, CK_MECHANISM_TYPE *list)
{
	const struct mech *rows;
	CK_ULONG offered = 0;
	size_t n, i;

	rows = mech_rows(&n);
	for (i = 0; i < n; i++) {
		if (token_offers(t, &rows[i]) == 0)
			continue;
		if (list != NULL)
			ulong_put((CK_BYTE *)list + offered * sizeof(*list), rows[i].type);
		offered++;
	}
	return offered;
}

CK_RV
C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR count)
{
	auto_lib g = lib_guard_enter();
	struct token *t;
	CK_ULONG offered;
	CK_RV rv = CKR_OK;

	if (g.rv != CKR_OK)
		return rv_trace(__func__, g.rv);
	if (count == NULL)
		return rv_trace(__func__, CKR_ARGUMENTS_BAD);
	if ((t = lib_token_of_slot(slot)) == NULL)
		return rv_trace(__func__, CKR_SLOT_ID_INVALID);
	offered = list_mechanisms(t, NULL);
	if (list != NULL && ulong_get(count) < offered)
		rv = CKR_BUFFER_TOO_SMALL;
	else if (list != NULL)
		(void)list_mechanisms(t, list);
	ulong_put(count, offered);
	return rv_trace(__func__, rv);
}

CK_RV
C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR ret)
{
	auto_lib g = lib_guard_enter();
	CK_MECHANISM_INFO info;
	const struct mech *m;
	struct token *t;
	CK_FLAGS flags;

	if (g.rv != CKR_OK)
		return rv_trace(__func__, g.rv);
	if (ret == NULL)
		return rv_trace(__func__, CKR_ARGUMENTS_BAD);
	if ((t = lib_token_of_slot(slot)) == NULL)
		return rv_trace(__func__, CKR_SLOT_ID_INVALID);
	if ((m = mech_find(type)) == NULL || (flags = token_offers(t, m)) == 0)
		return rv_trace(__func__, CKR_MECHANISM_INVALID);
	info =
	    (CK_MECHANISM_INFO){ .ulMinKeySize = m->min, .ulMaxKeySize = m->max, .flags = flags };
	narrow_sizes(t, m, &info);
	memcpy((void *)ret, &info, sizeof(info));
	return rv_trace(__func__, CKR_OK);
}

/* Sessions on the token forbid it, and no session may open meanwhile. */
static CK_RV
reset_begin(struct token *t)
{
	CK_RV rv = CKR_OK;

	pthread_mutex_lock(&t->lock);
	if (t->n_sessions != 0 || t->resetting)
		rv = CKR_SESSION_EXISTS;
	else
		t->resetting = true;
	pthread_mutex_unlock(&t->lock);
	return rv;
}

static void
reset_end(struct token *t)
{
	pthread_mutex_lock(&t->lock);
	t->resetting = false;
	pthread_mutex_unlock(&t->lock);
}

static CK_RV
token_init(struct token *t, struct slice pin, const unsigned char *label)
{
	struct call call = token_call(t);
	size_t len = 32;
	enum kms_rc rc;

	if (t->backend == NULL)
		return CKR_TOKEN_NOT_PRESENT;
	while (len > 0 &&
	    (label[len - 1] == ' ' ||
		label[len - 1] == '\0')) /* 5.5.7: padded with blanks; some pad with NUL */
		len--;
	if (!utf8_valid(slice_of(label, len)))
		return CKR_ARGUMENTS_BAD;
	TRY_RV(reset_begin(t));
	rc = backend_init_token(t->backend, &call, slice_of(label, len), pin);
	if (rc == KMS_OK)
		catalog_clear(t->catalog);
	reset_end(t);
	return rc == KMS_OK ? CKR_OK : token_fail(t, &call, rc);
}

CK_RV
C_InitToken(CK_SLOT_ID slot, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len, CK_UTF8CHAR_PTR label)
{
	auto_lib g = lib_guard_enter();
	struct token *t;

	if (g.rv != CKR_OK)
		return rv_trace(__func__, g.rv);
	if (pin == NULL || label == NULL) /* no protected authentication path */
		return rv_trace(__func__, CKR_ARGUMENTS_BAD);
	if ((t = lib_token_of_slot(slot)) == NULL)
		return rv_trace(__func__, CKR_SLOT_ID_INVALID);
	return rv_trace(__func__, token_init(t, slice_of(pin, pin_len), label));
}
