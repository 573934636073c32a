/* SPDX-License-Identifier: Apache-2.0 */
/* One measured side in a process of its own: told over a pipe what to do, it answers with a rate.
 */
#ifndef KMS_TESTS_BENCH_SIDE_H
#define KMS_TESTS_BENCH_SIDE_H

#include "tests/bench/bench.h"

struct side {
	const char *name;
	const char *module; /* NULL: libcrypto alone */
	const char *hsm;    /* the module that MODULE has its keys in; NULL: itself */
	char dir[300];
	int to, from;
	int pid;
};

struct side_answer {
	bool good;     /* the case works here, and its answer was right */
	bool has_step; /* false: this side has nothing to compare with */
	double rate;   /* operations a second, of all threads together */
	char why[120];
};

/* Forks the side's process. Libcrypto's must be the first: a module may change the process it is
 * loaded into. */
bool side_start(struct side *s);
void side_stop(struct side *s);
/* Sets the case up for all workers and checks one answer of each; runs a slice; clears it away. */
struct side_answer side_setup(struct side *s, size_t which);
struct side_answer side_run(struct side *s, unsigned threads, unsigned ms);
void side_clear(struct side *s);

#endif
