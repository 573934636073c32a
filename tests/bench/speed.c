/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Speed of one operation after another: libcrypto alone, our module, SoftHSMv2, each in a process
 * of its own, in short slices that alternate and never overlap. Shown are the median rate and the
 * median of the ratios of neighbouring slices. And once more with an HSM: SoftHSMv2 is the limit
 * then, and our module has its keys there.
 */
#include "tests/bench/speed.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS_MAX 32

enum { LIMIT, OURS, SOFT, SIDES };

static bool below; /* the second table: no third side */

struct result {
	bool good[SIDES], compared;
	char why[SIDES][120];
	double rate[SIDES][WORKERS];  /* of 1 and 2 threads */
	double ratio[SIDES][WORKERS]; /* to the limit */
	double scale[SIDES];	      /* two threads to one */
	double added;		      /* microseconds that a call of one thread takes longer here */
};

/* What waits for a disk needs longer slices to be steady. */
static void
measure(struct side *sides, const struct speed_plan *plan, const struct bench_case *c,
    struct result *r)
{
	unsigned ms = c->kind == STORE ? plan->ms * 4 : plan->ms;
	double rate[SIDES][WORKERS][ROUNDS_MAX], v[ROUNDS_MAX];

	for (unsigned round = 0; round < plan->rounds; round++)
		for (unsigned t = 0; t < WORKERS; t++)
			for (int s = 0; s < SIDES; s++) {
				struct side_answer a = { .good = false };

				if (r->good[s] && (s != LIMIT || r->compared)) {
					a = side_run(&sides[s], t + 1, ms);
					r->good[s] = a.good;
					if (!a.good)
						memcpy(r->why[s], a.why, sizeof(a.why));
				}
				rate[s][t][round] = a.rate;
			}
	for (int s = 0; s < SIDES; s++) {
		for (unsigned t = 0; t < WORKERS; t++) {
			for (unsigned i = 0; i < plan->rounds; i++)
				v[i] =
				    rate[LIMIT][t][i] > 0 ? rate[s][t][i] / rate[LIMIT][t][i] : 0;
			r->ratio[s][t] = median(v, plan->rounds);
			memcpy(v, rate[s][t], sizeof(v));
			r->rate[s][t] = median(v, plan->rounds);
		}
		for (unsigned i = 0; i < plan->rounds; i++)
			v[i] = rate[s][0][i] > 0 ? rate[s][1][i] / rate[s][0][i] : 0;
		r->scale[s] = median(v, plan->rounds);
	}
	for (unsigned i = 0; i < plan->rounds; i++)
		v[i] = 1e6 / rate[OURS][0][i] - 1e6 / rate[LIMIT][0][i];
	r->added = median(v, plan->rounds);
}

static void
show_side(const struct result *r, int s, unsigned t)
{
	if (!r->good[s])
		printf(" %8s        ", "n/a");
	else if (s != LIMIT && r->compared)
		printf(" %8s (%.3f)", short_number(r->rate[s][t]), r->ratio[s][t]);
	else if (s == LIMIT && !r->compared)
		printf(" %8s", "-");
	else
		printf(s == LIMIT ? " %8s" : " %8s        ", short_number(r->rate[s][t]));
}

static void
show_row(const struct bench_case *c, const struct result *r)
{
	int sides = below ? SOFT : SIDES;

	printf("%-22s", c->name);
	for (unsigned t = 0; t < WORKERS; t++) {
		for (int s = 0; s < sides; s++)
			show_side(r, s, t);
		printf("  |");
	}
	for (int s = 0; s < sides; s++)
		if (r->good[s] && (s != LIMIT || r->compared))
			printf("  %4.2f", r->scale[s]);
		else
			printf("     -");
	if (below && r->good[OURS] && r->compared)
		printf("  %9.1f", r->added);
	printf("\n");
	fflush(stdout);
}

static void
show_json(const struct bench_case *c, const struct result *r, bool first)
{
	static const char *const all[] = { "limit", "kms-pkcs11", "softhsm" },
				 *const two[] = { "softhsm", "through" };
	const char *const *names = below ? two : all;

	printf("%s\n  {\"case\": \"%s\"", first ? "" : ",", c->name);
	for (int s = 0; s < SIDES; s++) {
		if (!r->good[s] || (s == LIMIT && !r->compared))
			continue;
		printf(", \"%s\": {\"ops\": [%.1f, %.1f]", names[s], r->rate[s][0], r->rate[s][1]);
		if (r->compared)
			printf(", \"ratio\": [%.4f, %.4f]", r->ratio[s][0], r->ratio[s][1]);
		printf(", \"two_to_one\": %.3f}", r->scale[s]);
	}
	if (below && r->good[OURS] && r->compared)
		printf(", \"added_us\": %.2f", r->added);
	printf("}");
}

static void
show_head(const struct speed_plan *plan)
{
	char machine[300];

	bench_machine(machine, sizeof(machine));
	if (below) {
		printf("\nKeys in an HSM: SoftHSMv2 through kms-pkcs11 (ratio to SoftHSMv2 called "
		       "directly)\n\n%-22s %-25s  |%-26s  |  two/one\n",
		    "", " one thread", " two threads");
		printf("%-22s %8s %16s  | %8s %16s  |  soft  thr   added us\n", "case", "SoftHSMv2",
		    "through", "SoftHSMv2", "through");
		return;
	}
	printf(
	    "%s; %u rounds of %u ms slices; ops/s (ratio to the limit: libcrypto, or SQLite, called directly)\n\n",
	    machine, plan->rounds, plan->ms);
	printf("%-22s %-42s  |%-43s  |  two/one\n", "", " one thread", " two threads");
	printf("%-22s %8s %16s %16s  | %8s %16s %16s  |  lim   kms  soft\n", "case", "limit",
	    "kms-pkcs11", "SoftHSMv2", "limit", "kms-pkcs11", "SoftHSMv2");
}

/* Correctness alone: each case once on each side. Lines as the test driver counts them. */
static bool
smoke_case(struct side *sides, size_t which)
{
	bool good = true;

	for (int s = 0; s < SIDES; s++) {
		struct side_answer a;

		if (sides[s].pid == 0)
			continue;
		a = side_setup(&sides[s], which);
		if (a.good && a.has_step)
			a = side_run(&sides[s], WORKERS, 1);
		side_clear(&sides[s]);
		/* What SoftHSMv2 cannot do is not our failure. */
		if (a.good || s == SOFT)
			continue;
		good = false;
		printf("# %s: %s\n", sides[s].name, a.why);
	}
	printf("%s - bench: %s%s\n", good ? "ok" : "not ok", below ? "in an HSM: " : "",
	    bench_cases[which].name);
	return good;
}

static bool
full_case(struct side *sides, const struct speed_plan *plan, size_t which, bool first)
{
	struct result r = { .compared = false };

	for (int s = 0; s < SIDES; s++) {
		struct side_answer a = { .good = false, .why = "not there" };

		if (sides[s].pid != 0)
			a = side_setup(&sides[s], which);
		r.good[s] = a.good;
		if (s == LIMIT)
			r.compared = a.good && a.has_step;
		memcpy(r.why[s], a.why, sizeof(a.why));
	}
	measure(sides, plan, &bench_cases[which], &r);
	for (int s = 0; s < SIDES; s++)
		if (sides[s].pid != 0)
			side_clear(&sides[s]);
	if (plan->json)
		show_json(&bench_cases[which], &r, first);
	else
		show_row(&bench_cases[which], &r);
	for (int s = 0; s < SIDES; s++)
		if (!r.good[s] && sides[s].pid != 0)
			fprintf(stderr, "%s: %s: %s\n", bench_cases[which].name, sides[s].name,
			    r.why[s]);
	return r.good[OURS];
}

/* Only keys of the token are in the HSM. */
static bool
is_wanted(const struct bench_case *c, const struct speed_plan *plan)
{
	if (below && (c->where != TOKEN || c->key == NONE || c->kind == ATTRIBUTES))
		return false;
	return plan->only == NULL || strstr(c->name, plan->only) != NULL;
}

static bool
run(struct side *sides, const struct speed_plan *plan)
{
	bool good = true, first = true;

	signal(SIGPIPE, SIG_IGN);
	if (!side_start(&sides[LIMIT]) || !side_start(&sides[OURS]))
		return false;
	if (sides[SOFT].module != NULL && !side_start(&sides[SOFT]))
		sides[SOFT].pid = 0;
	if (!plan->json && !plan->smoke)
		show_head(plan);
	for (size_t i = 0; i < bench_n_cases; i++) {
		if (!is_wanted(&bench_cases[i], plan))
			continue;
		good =
		    (plan->smoke ? smoke_case(sides, i) : full_case(sides, plan, i, first)) && good;
		first = false;
	}
	for (int s = 0; s < SIDES; s++)
		if (sides[s].pid != 0)
			side_stop(&sides[s]);
	return good;
}

bool
speed_run(const struct speed_plan *plan)
{
	struct side sides[SIDES] = { { .name = "libcrypto" },
		{ .name = "kms-pkcs11", .module = bench_our_module() },
		{ .name = "SoftHSMv2", .module = bench_softhsm() } };

	below = false;
	bench_make_keys();
	return run(sides, plan);
}

bool
speed_hsm(const struct speed_plan *plan)
{
	struct side sides[SIDES] = { { .name = "SoftHSMv2", .module = bench_softhsm() },
		{ .name = "through", .module = bench_our_module(), .hsm = bench_softhsm() } };

	if (bench_softhsm() == NULL)
		return true;
	below = true;
	if (bench_pkeys[RSA2048] == NULL)
		bench_make_keys();
	return run(sides, plan);
}
