/* SPDX-License-Identifier: Apache-2.0 */
/* What a record of the audit costs, in each mode; what a folded use costs; how fast a log is read.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit/read.h"
#include "base/os.h"
#include "crypto/crypto.h"
#include "tests/bench/bench.h"

#define ROUNDS_MAX 9

static struct {
	unsigned rounds;
	double scale; /* of the numbers of operations */
	bool json;
	const char *only;
	bool first; /* nothing printed yet */
} plan = { .rounds = 7, .scale = 1, .first = true };

static struct audit_signer signer;
static struct buf spki;

static const struct caller caller = { .kind = CALLER_USER,
	.account = "1234567890123456",
	.name = "database",
	.principal_id = "216959339000654321",
	.access_key_id = "LTAI5tExampleExample1234",
	.source_ip = "192.168.10.20",
	.user_agent = "AlibabaCloud (Linux; amd64) Java/1.8 Core/0.4.2",
	.uid = 1000,
	.pid = 4242 };

static const struct audit_event *
event(void)
{
	static const struct audit_param params[] = {
		{ "KeyId", { (const uint8_t *)"alias/database", 14 } },
		{ "Algorithm", { (const uint8_t *)"RSA_PSS_SHA_256", 15 } },
	};
	static const struct audit_event e = { .action = "AsymmetricSign",
		.write = true,
		.caller = &caller,
		.request_id = "ab35a7a7-373a-4a36-a4f8-01fd6adcc6a0",
		.params = params,
		.n_params = 2,
		.resource_type = "ACS::KMS::Key",
		.resource_name = "1234abcd-12ab-34cd-56ef-1234567890ab",
		.key_version = "2ab1a983-7072-4bbc-a582-584b5bd8a3d4" };

	return &e;
}

static void
must(enum kms_rc rc, const char *what)
{
	if (rc == KMS_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, rc_text(rc));
	exit(1);
}

/* -- cases --------------------------------------------------------------------------------- */

struct audit_case {
	const char *name;
	unsigned n; /* operations of each thread in a round */
	unsigned threads;
	bool durable;
	unsigned batch;
	bool fold;
};

static const struct audit_case cases[] = {
	{ "record-buffered", 40000, 1, false, 64, false },
	{ "record-buffered-2-threads", 20000, 2, false, 64, false },
	{ "record-written-through", 20000, 1, false, 1, false },
	{ "record-durable", 100, 1, true, 0, false },
	{ "record-durable-8-threads", 100, 8, true, 0, false },
	{ "use-folded", 2000000, 1, false, 64, true },
	{ "use-folded-2-sessions", 1000000, 2, false, 64, true },
};

struct runner {
	struct audit *a;
	const struct audit_case *c;
	unsigned n;
};

static void
run_folded(struct runner *r)
{
	static const struct uid key = { { 1 } };
	struct audit_fold *f = NULL;

	must(audit_fold_open(r->a, &f), "fold");
	for (unsigned i = 0; i < r->n; i++) {
		if (!audit_fold_hit(f, &key, 1))
			must(audit_fold_use(f, &key, 1, event(), NULL), "use");
	}
	audit_fold_close(f);
}

static void *
run(void *arg)
{
	struct runner *r = arg;

	if (r->c->fold)
		run_folded(r);
	else {
		for (unsigned i = 0; i < r->n; i++)
			must(audit_write(r->a, event(), NULL), "write");
	}
	return NULL;
}

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Wall and processor time of one operation. */
static double
round_ns(struct audit *a, const struct audit_case *c, double *ret_cpu)
{
	struct runner r = { a, c, (unsigned)(c->n * plan.scale) + 1 };
	pthread_t threads[16];
	uint64_t start = now_ns(), cpu = cpu_ns();

	for (unsigned i = 1; i < c->threads; i++)
		pthread_create(&threads[i], NULL, run, &r);
	run(&r);
	for (unsigned i = 1; i < c->threads; i++)
		pthread_join(threads[i], NULL);
	*ret_cpu = (double)(cpu_ns() - cpu) / ((double)r.n * c->threads);
	return (double)(now_ns() - start) / ((double)r.n * c->threads);
}

static void
tell(const char *name, double ns, double cpu)
{
	if (plan.json)
		printf("%s\n{\"case\": \"%s\", \"ns\": %.1f, \"cpu_ns\": %.1f}",
		    plan.first ? "" : ",", name, ns, cpu);
	else
		printf("%-28s %12.1f ns %12.1f ns of processor\n", name, ns, cpu);
	plan.first = false;
}

static void
run_case(const struct audit_case *c)
{
	struct audit_conf conf = { .durable = c->durable,
		.batch_records = c->batch,
		.fold = c->fold ? AUDIT_FOLD_REPEATS : AUDIT_FOLD_OFF,
		.program = "bench",
		.region = "cn-hangzhou",
		.source = "kms.cn-hangzhou.aliyuncs.com",
		.signer = &signer };
	double ns[ROUNDS_MAX], cpu[ROUNDS_MAX];
	struct audit *a = NULL;
	char dir[300];

	bench_make_dir(dir, sizeof(dir));
	conf.dir = dir;
	must(audit_open(&conf, &a, NULL), "open");
	must(audit_write(a, event(), NULL), "write");
	for (unsigned i = 0; i < plan.rounds; i++)
		ns[i] = round_ns(a, c, &cpu[i]);
	tell(c->name, median(ns, plan.rounds), median(cpu, plan.rounds));
	must(audit_close(a, NULL), "close");
	bench_remove_dir(dir);
}

static void
run_reading(void)
{
	struct audit_conf conf = { .signer = &signer, .program = "bench" };
	struct audit_filter nothing = { .action = "NoSuchAction" };
	unsigned n = (unsigned)(50000 * plan.scale) + 1;
	struct audit_reader *r = NULL;
	struct audit_summary sum;
	struct audit *a = NULL;
	struct audit_row row;
	uint64_t start, cpu;
	char dir[300];

	bench_make_dir(dir, sizeof(dir));
	conf.dir = dir;
	must(audit_open(&conf, &a, NULL), "open");
	for (unsigned i = 0; i < n; i++)
		must(audit_write(a, event(), NULL), "write");
	must(audit_close(a, NULL), "close");
	start = now_ns();
	cpu = cpu_ns();
	must(audit_verify(&(struct audit_check){ .dir = dir }, &sum, NULL), "verify");
	tell("verify-a-record", (double)(now_ns() - start) / n, (double)(cpu_ns() - cpu) / n);
	start = now_ns();
	cpu = cpu_ns();
	must(audit_reader_open(dir, &nothing, &r, NULL), "read");
	while (audit_reader_next(r, &row, NULL) == KMS_OK)
		;
	tell("search-a-record", (double)(now_ns() - start) / n, (double)(cpu_ns() - cpu) / n);
	audit_reader_close(r);
	bench_remove_dir(dir);
}

static void
make_signer(void)
{
	static const struct key_spec spec = { KEY_EDWARDS, CURVE_ED25519, 255 };
	struct ckey *key = NULL;

	must(ckey_generate(&spec, slice_of(NULL, 0), &key), "key");
	must(audit_signer_of_key(key, &spki, &signer), "key");
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		/* What else make bench is told is for other programs. */
		if (strcmp(argv[i], "--quick") == 0) {
			plan.rounds = 3;
			plan.scale = 0.3;
		} else if (strcmp(argv[i], "--smoke") == 0) {
			plan.rounds = 1;
			plan.scale = 0.002;
		} else if (strcmp(argv[i], "--json") == 0)
			plan.json = true;
		else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			plan.only = argv[++i];
	}
	make_signer();
	if (plan.json)
		printf("{\"audit\": [");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (plan.only == NULL || strstr(cases[i].name, plan.only) != NULL)
			run_case(&cases[i]);
	}
	if (plan.only == NULL || strstr("verify search", plan.only) != NULL)
		run_reading();
	if (plan.json)
		printf("\n]}\n");
	return 0;
}
