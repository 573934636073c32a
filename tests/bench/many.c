/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens with many keys: what a find by id and by label costs, and what a fresh process pays before
 * its first key. */
#include "tests/bench/speed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct figures {
	bool good;
	double create;		   /* keys a second */
	double by_id, by_label;	   /* us */
	double start, login, find; /* ms: dlopen to an open session; C_Login; the first find */
	double rss;		   /* KiB at the end */
};

static CK_BBOOL yes = CK_TRUE;

static void
key_names(unsigned i, uint8_t id[4], char label[24])
{
	id[0] = (uint8_t)(i >> 24);
	id[1] = (uint8_t)(i >> 16);
	id[2] = (uint8_t)(i >> 8);
	id[3] = (uint8_t)i;
	snprintf(label, 24, "key-%07u", i);
}

static bool
create_key(unsigned i)
{
	CK_MECHANISM mech = { CKM_AES_KEY_GEN, NULL, 0 };
	CK_ULONG len = 32;
	uint8_t id[4];
	char label[24];
	CK_ATTRIBUTE t[] = {
		{ CKA_TOKEN, &yes, 1 },
		{ CKA_PRIVATE, &yes, 1 },
		{ CKA_SENSITIVE, &yes, 1 },
		{ CKA_ENCRYPT, &yes, 1 },
		{ CKA_VALUE_LEN, &len, sizeof(len) },
		{ CKA_ID, id, sizeof(id) },
		{ CKA_LABEL, label, 0 },
	};
	CK_OBJECT_HANDLE key;

	key_names(i, id, label);
	t[6].ulValueLen = strlen(label);
	return bench_p11->C_GenerateKey(bench_session, &mech, t, 7, &key) == CKR_OK;
}

static bool
find_key(unsigned i, bool by_label)
{
	uint8_t id[4];
	char label[24];
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n = 0;
	CK_ATTRIBUTE t = { CKA_ID, id, sizeof(id) };

	key_names(i, id, label);
	if (by_label)
		t = (CK_ATTRIBUTE){ CKA_LABEL, label, strlen(label) };
	return bench_p11->C_FindObjectsInit(bench_session, &t, 1) == CKR_OK &&
	    bench_p11->C_FindObjects(bench_session, found, 2, &n) == CKR_OK &&
	    bench_p11->C_FindObjectsFinal(bench_session) == CKR_OK && n == 1;
}

/* The median of slices, each of at least 20 ms and one find. */
static bool
time_finds(unsigned keys, bool by_label, unsigned slices, double *us)
{
	double v[16];
	unsigned next = 1;

	for (unsigned s = 0; s < slices; s++) {
		uint64_t from = now_ns(), n = 0;

		do {
			if (!find_key(next % keys, by_label))
				return false;
			next = next * 1103515245u + 12345u;
			n++;
		} while (now_ns() - from < 20000000u);
		v[s] = (double)(now_ns() - from) / 1e3 / (double)n;
	}
	*us = median(v, slices);
	return true;
}

/* In a process of its own: fills the token, then finds in it. */
static void
fill_and_find(const char *module, const char *dir, unsigned keys, bool quick, struct figures *f)
{
	uint64_t from;

	f->good = module_open(module, dir);
	from = now_ns();
	for (unsigned i = 0; i < keys && f->good; i++)
		f->good = create_key(i);
	f->create = (double)keys * 1e9 / (double)(now_ns() - from);
	f->good = f->good && time_finds(keys, false, quick ? 3 : 9, &f->by_id) &&
	    time_finds(keys, true, quick ? 3 : 9, &f->by_label);
	if (bench_p11 != NULL)
		(void)bench_p11->C_Finalize(NULL);
}

static double
resident_kib(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f != NULL && fscanf(f, "%*d %ld", &pages) != 1)
		pages = 0;
	if (f != NULL)
		fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

int
many_cold(const char *module, const char *dir, const char *index)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	uint64_t t0 = now_ns(), t1, t2, t3;
	CK_UTF8CHAR pin[] = BENCH_PIN;

	module_environment(dir);
	if (!module_load(module) || bench_p11->C_Initialize(&args) != CKR_OK ||
	    !module_first_slot() ||
	    bench_p11->C_OpenSession(bench_slot, CKF_SERIAL_SESSION, NULL, NULL, &bench_session) !=
		CKR_OK)
		return 1;
	t1 = now_ns();
	if (bench_p11->C_Login(bench_session, CKU_USER, pin, sizeof(pin) - 1) != CKR_OK)
		return 1;
	t2 = now_ns();
	if (!find_key((unsigned)strtoul(index, NULL, 10), false))
		return 1;
	t3 = now_ns();
	printf("%.4f %.4f %.4f %.0f\n", (double)(t1 - t0) / 1e6, (double)(t2 - t1) / 1e6,
	    (double)(t3 - t2) / 1e6, resident_kib());
	return 0;
}

static bool
cold_once(const struct many_plan *plan, const char *module, const char *dir, unsigned keys,
    double v[4])
{
	char command[1500];
	FILE *p;
	bool good;

	snprintf(command, sizeof(command), "'%s' --cold '%s' '%s' %u", plan->self, module, dir,
	    keys / 2);
	if ((p = popen(command, "r")) == NULL)
		return false;
	good = fscanf(p, "%lf %lf %lf %lf", &v[0], &v[1], &v[2], &v[3]) == 4;
	return pclose(p) == 0 && good;
}

static bool
cold(const struct many_plan *plan, const char *module, const char *dir, unsigned keys,
    struct figures *f)
{
	double v[4], all[4][16];
	unsigned times = plan->quick ? 3 : 9;

	for (unsigned i = 0; i < times; i++) {
		if (!cold_once(plan, module, dir, keys, v))
			return false;
		for (int k = 0; k < 4; k++)
			all[k][i] = v[k];
	}
	f->start = median(all[0], times);
	f->login = median(all[1], times);
	f->find = median(all[2], times);
	f->rss = median(all[3], times);
	return true;
}

static struct figures
measure(const struct many_plan *plan, const char *module, unsigned keys)
{
	struct figures f = { .good = false };
	char dir[300];
	int fds[2];
	pid_t pid;

	bench_make_dir(dir, sizeof(dir));
	if (pipe(fds) != 0 || (pid = fork()) < 0)
		return f;
	if (pid == 0) {
		fill_and_find(module, dir, keys, plan->quick, &f);
		_exit(write(fds[1], &f, sizeof(f)) == (ssize_t)sizeof(f) ? 0 : 1);
	}
	close(fds[1]);
	if (read(fds[0], &f, sizeof(f)) != (ssize_t)sizeof(f))
		f.good = false;
	close(fds[0]);
	(void)waitpid(pid, NULL, 0);
	f.good = f.good && cold(plan, module, dir, keys, &f);
	bench_remove_dir(dir);
	return f;
}

static void
show(const struct many_plan *plan, const char *name, unsigned keys, const struct figures *f,
    bool first)
{
	if (plan->smoke) {
		printf("%s - bench: %u keys in %s\n", f->good ? "ok" : "not ok", keys, name);
	} else if (plan->json) {
		printf(
		    "%s\n  {\"module\": \"%s\", \"keys\": %u, \"good\": %s, \"create_per_s\": %.1f, \"find_id_us\": %.2f, "
		    "\"find_label_us\": %.2f, \"start_ms\": %.3f, \"login_ms\": %.3f, \"first_find_ms\": %.3f, "
		    "\"rss_kib\": %.0f}",
		    first ? "" : ",", name, keys, f->good ? "true" : "false", f->create, f->by_id,
		    f->by_label, f->start, f->login, f->find, f->rss);
	} else if (!f->good) {
		printf("%-12s %8u  failed\n", name, keys);
	} else {
		printf("%-12s %8u %10s %10.2f %10.2f %10.2f %10.3f %10.2f %10.2f %10.0f\n", name,
		    keys, short_number(f->create), f->by_id, f->by_label, f->start, f->find,
		    f->start + f->find, f->login, f->rss);
	}
	fflush(stdout);
}

bool
many_run(const struct many_plan *plan)
{
	static const unsigned sizes[] = { 10, 1000, 10000, 100000 };
	const char *modules[] = { bench_our_module(), bench_softhsm() };
	bool good = true, first = true;

	if (!plan->json && !plan->smoke)
		printf("\n%-12s %8s %10s %10s %10s %10s %10s %10s %10s %10s\n", "many keys", "keys",
		    "create/s", "id us", "label us", "start ms", "find ms", "cold ms", "login ms",
		    "RSS KiB");
	for (int m = 0; m < 2 && modules[m] != NULL; m++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			struct figures f;

			/* SoftHSMv2 reads every key at start: minutes beyond a thousand. */
			if ((m == 1 &&
				(sizes[i] > 1000 || (plan->quick && sizes[i] > 10) ||
				    plan->smoke)) ||
			    (sizes[i] > 10000 && !plan->huge) || (plan->smoke && sizes[i] > 10))
				continue;
			f = measure(plan, modules[m], sizes[i]);
			show(plan, m == 0 ? "kms-pkcs11" : "SoftHSMv2", sizes[i], &f, first);
			first = false;
			good = good && (f.good || m == 1);
		}
	return good;
}
