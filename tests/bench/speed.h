/* SPDX-License-Identifier: Apache-2.0 */
/* The table of single operations, and that of tokens with many keys. */
#ifndef KMS_TESTS_BENCH_SPEED_H
#define KMS_TESTS_BENCH_SPEED_H

#include "tests/bench/side.h"

struct speed_plan {
	unsigned rounds, ms;
	bool json, smoke;
	const char *only; /* cases with this in their name; NULL is all */
};

/* Both: false when a case failed on our side. */
bool speed_run(const struct speed_plan *plan);
/* SoftHSMv2 called through us, with the token's keys in it, against SoftHSMv2 called directly. */
bool speed_hsm(const struct speed_plan *plan);

struct many_plan {
	bool json, quick, smoke, huge;
	const char *self; /* this program, to be started afresh for cold starts */
};

bool many_run(const struct many_plan *plan);
/* The fresh process of a cold start: prints its figures. */
int many_cold(const char *module, const char *dir, const char *index);

#endif
