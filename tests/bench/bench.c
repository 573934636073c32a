/* SPDX-License-Identifier: Apache-2.0 */
/* make bench: the module against libcrypto itself and against SoftHSMv2, as a table or as JSON. */
#include "tests/bench/speed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
usage(void)
{
	fprintf(stderr,
	    "usage: bench [--quick] [--json] [--smoke] [--only TEXT] "
	    "[--no-many | --many | --hsm] [--huge]\n"
	    "  --quick    short slices, under a minute\n"
	    "  --smoke    each case once, correctness alone\n"
	    "  --only     the cases with TEXT in their name\n"
	    "  --many     tokens with many keys alone; --no-many leaves them out\n"
	    "  --hsm      calls through us to an HSM alone\n"
	    "  --huge     100 000 keys too\n");
	return 2;
}

int
main(int argc, char **argv)
{
	struct speed_plan speed = { .rounds = 8, .ms = 30 };
	struct many_plan many = { .self = "/proc/self/exe" };
	bool with_speed = true, with_hsm = true, with_many = true, good = true;
	static char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (argc == 5 && strcmp(argv[1], "--cold") == 0)
		return many_cold(argv[2], argv[3], argv[4]);
	if (n > 0)
		many.self = self;
#ifdef BENCH_SMOKE
	speed.smoke = many.smoke = many.quick = true;
#endif
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--quick") == 0) {
			speed.rounds = 5;
			speed.ms = 10;
			many.quick = true;
		} else if (strcmp(argv[i], "--json") == 0)
			speed.json = many.json = true;
		else if (strcmp(argv[i], "--smoke") == 0)
			speed.smoke = many.smoke = many.quick = true;
		else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
			speed.only = argv[++i];
			with_many = false;
			with_hsm = with_hsm && !with_speed;
		} else if (strcmp(argv[i], "--many") == 0)
			with_speed = with_hsm = false;
		else if (strcmp(argv[i], "--hsm") == 0) {
			with_speed = with_many = false;
			with_hsm = true;
		} else if (strcmp(argv[i], "--no-many") == 0)
			with_many = false;
		else if (strcmp(argv[i], "--huge") == 0)
			many.huge = true;
		else
			return usage();
	}
	if (access(bench_our_module(), R_OK) != 0) {
		fprintf(stderr, "%s is not there; build it, or set KMS_MODULE\n",
		    bench_our_module());
		return 1;
	}
	if (speed.json) {
		char machine[300];

		bench_machine(machine, sizeof(machine));
		printf("{\"machine\": \"%s\", \"rounds\": %u, \"slice_ms\": %u, \"speed\": [",
		    machine, speed.rounds, speed.ms);
	}
	if (with_speed)
		good = speed_run(&speed);
	if (speed.json)
		printf("\n], \"hsm\": [");
	if (with_hsm)
		good = speed_hsm(&speed) && good;
	if (speed.json)
		printf("\n], \"many\": [");
	if (with_many)
		good = many_run(&many) && good;
	if (speed.json)
		printf("\n]}\n");
	return good ? 0 : 1;
}
