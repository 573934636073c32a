/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share: their entry points, MUST, and an input that never ends. */
#ifndef KMS_TESTS_FUZZ_FUZZ_H
#define KMS_TESTS_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What does not hold is a finding, in any build. */
#define MUST(condition)                                                                   \
	do {                                                                              \
		if (!(condition)) {                                                       \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, \
			    #condition);                                                  \
			abort();                                                          \
		}                                                                         \
	} while (0)

/* An input from which a target takes its decisions. Past its end there are zeros. */
struct feed {
	struct slice rest;
};

static inline UNUSED uint8_t
feed_u8(struct feed *f)
{
	uint8_t v = 0;

	if (f->rest.len > 0) {
		v = f->rest.p[0];
		f->rest = slice_of(f->rest.p + 1, f->rest.len - 1);
	}
	return v;
}

/* One of N. */
static inline UNUSED size_t
feed_below(struct feed *f, size_t n)
{
	return feed_u8(f) % n;
}

static inline UNUSED uint64_t
feed_number(struct feed *f, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | feed_u8(f);
	return v;
}

/* At most N bytes, fewer when fewer are left. */
static inline UNUSED struct slice
feed_bytes(struct feed *f, size_t n)
{
	struct slice s = slice_of(f->rest.p, n < f->rest.len ? n : f->rest.len);

	f->rest = slice_of(f->rest.len == s.len ? NULL : f->rest.p + s.len, f->rest.len - s.len);
	return s;
}

#endif
