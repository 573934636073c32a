/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other processes for tests: children that are heard, told and reaped, each within a deadline, so
 * that one that hangs fails its test instead of holding it up. A check that fails in a child fails
 * the test.
 */
#ifndef KMS_TESTS_P11_CHILD_H
#define KMS_TESTS_P11_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Generous: only a deadlock takes so long, whatever the sanitizer and whoever else is at work. */
#define CHILD_SECONDS 40

/* One end of the line between two processes; in the child, the line to its parent. */
struct child {
	pid_t pid; /* 0 in the child itself */
	int in, out;
};

/* Forks; the child runs BODY and exits with 0. Not to be called by two threads at once. */
void child_start(struct child *c, void (*body)(struct child *up, void *arg), void *arg);
/* Waits for the end, which must be one with exit status 0. */
void child_end(struct child *c);
/* The same for one that ends by SIGNAL, which child_kill sends: what it said before can still be
 * heard in between. */
void child_kill(const struct child *c, int signal);
void child_killed(struct child *c, int signal);
/* Both in one: what BODY does, another process does. */
void in_child(void (*body)(struct child *up, void *arg), void *arg);

/* To the other side, and from it: exactly LEN bytes. */
void child_tell(const struct child *c, const void *p, size_t len);
void child_hear(const struct child *c, void *p, size_t len);
/* The same, but the other side may be gone: how many of LEN bytes came before it was. */
size_t child_hear_some(const struct child *c, void *p, size_t len);
/* Nothing but "I am here": both sides go on when the other one has come to the same place. */
void child_meet(const struct child *c);

/* A process that runs what it is told to, in turn: the state in between stays its own. To be
 * started before this process has a C_Initialize behind it, if its own is to be the first. */
struct peer {
	struct child c;
};
void peer_start(struct peer *p);
/* FUNCTION(arg) in the peer; returns when it has. */
void peer_do(struct peer *p, void (*function)(uintptr_t arg), uintptr_t arg);
/* The same in two halves. */
void peer_begin(struct peer *p, void (*function)(uintptr_t arg), uintptr_t arg);
void peer_wait(struct peer *p);
void peer_end(struct peer *p);

/* Milliseconds of a clock that only goes forward. */
uint64_t now_ms(void);

#endif
