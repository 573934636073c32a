/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One rotation of a secret, all of it or nothing, whoever is killed when: the new value is stored
 * as ACSPending first, then the program puts it into force, then it becomes ACSCurrent. Where
 * ACSPending is found with nobody at work on it, a run was cut off, and the program is run again
 * with the same value.
 */
#ifndef KMS_KMS_SECRET_ROTATE_H
#define KMS_KMS_SECRET_ROTATE_H

#include "kms/act.h"

/* This process has a program to run: E_UnsupportedOperation. */
enum kms_rc secret_rotate_ready(struct act *a) MUST_USE;

/*
 * Rotates S to a new version NAME; or finishes what is pending, and then NAME is not looked at.
 * What A has gathered is written before the program runs, and its result after that; S is what it
 * was before, and is to be read again. E_Throttling: somebody is at it. E_InternalFailure: the
 * program failed, with what it said; the value is what it was.
 */
enum kms_rc secret_rotate(struct act *a, struct kms_secret *s, struct slice name) MUST_USE;

/*
 * Takes ACSPending of S away, by the word of somebody who knows that its value is not in force.
 * Does not put S. E_Throttling.
 */
enum kms_rc secret_rotate_give_up(struct act *a, struct kms_secret *s) MUST_USE;

/*
 * Rotates one that is due, or was cut off, unasked: to a version with a name of its own. What
 * fails is logged, shows in the secret, and is not tried again for an hour.
 */
enum kms_rc secret_rotate_due(struct act *a, struct kms_secret *s) MUST_USE;

#endif
