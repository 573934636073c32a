/* SPDX-License-Identifier: Apache-2.0 */
/* Makes passwords: every one that the rules permit is as likely as any other. */
#ifndef KMS_KMS_PASSWORD_H
#define KMS_KMS_PASSWORD_H

#include "base/secret.h"

/* Classes of characters. */
enum password_class {
	PASSWORD_LOWERCASE = 1 << 0,
	PASSWORD_UPPERCASE = 1 << 1,
	PASSWORD_NUMBERS = 1 << 2,
	PASSWORD_PUNCTUATION = 1 << 3, /* what is neither, of ASCII's printable characters */
};
#define PASSWORD_CLASSES 4
#define PASSWORD_ALL	 15u

#define PASSWORD_LEN_MIN 8
#define PASSWORD_LEN_MAX 128

struct password_rules {
	size_t len;
	unsigned classes;     /* what it is made of */
	struct slice without; /* characters that it has not */
	bool each;	      /* at least one character of each class */
};

/* KMS_INVALID: the rules leave nothing to choose from, or nothing of a class that must be there. */
enum kms_rc password_make(const struct password_rules *rules, struct secret *ret) MUST_USE;

#endif
