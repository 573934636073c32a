/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's program that puts a new value into force: that changes the password of a database,
 * say. Its path stands in the configuration and nowhere else, so that nobody who may only call the
 * KMS can choose what is run; and only programs of ours run it (local_run_programs), never an
 * application that loads the module.
 */
#ifndef KMS_KMS_ROTATE_H
#define KMS_KMS_ROTATE_H

#include "base/buf.h"

struct rotator {
	char *program; /* absolute path; NULL: there is none */
	uint64_t timeout_ms;
	bool runs; /* by this process */
};

/* One run: its arguments in this order, and its standard input. */
struct rotation {
	struct slice name, type, version, config;
	struct slice value;
};

enum rotation_end {
	ROTATION_DONE,	  /* it ended with 0: the value is in force */
	ROTATION_REFUSED, /* it ended otherwise, or was not run: nothing has changed */
	ROTATION_CUT_OFF, /* it was ended: what it did is not known */
};

/* Runs R's program. What went wrong, with the last line that it wrote, goes to WHY. */
enum rotation_end rotator_run(const struct rotator *r, const struct rotation *what,
    struct err *why);

#endif
