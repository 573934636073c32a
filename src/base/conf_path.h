/* SPDX-License-Identifier: Apache-2.0 */
/* Where files lie by default, after the XDG Base Directory Specification, and how paths in the
 * configuration are read. */
#ifndef KMS_BASE_CONF_PATH_H
#define KMS_BASE_CONF_PATH_H

#include <stdbool.h>

#include "base/rc.h"

/* All: the caller frees *RET. KMS_NOTFOUND when there is neither a variable nor a home folder to
 * tell; KMS_NOMEM. */

/* $XDG_CONFIG_HOME/kms-pkcs11/kms-pkcs11.conf, or under ~/.config. */
enum kms_rc path_user_config(char **ret) MUST_USE;

/*
 * The store of the token LABEL, under $XDG_DATA_HOME/kms-pkcs11 or ~/.local/share/kms-pkcs11:
 * LABEL.db, where every byte but letters, digits, '-', '_' and an inner '.' is percent-encoded, so
 * that two labels never share a file. "" is token.db.
 */
enum kms_rc path_user_store(const char *label, char **ret) MUST_USE;

/* VALUE with "~/" replaced by the home folder. KMS_INVALID when it is not absolute then. */
enum kms_rc path_expand(const char *value, char **ret) MUST_USE;

/* Both lead to one file as far as their spelling tells: repeated slashes and "." parts do not
 * count. */
bool path_same(const char *a, const char *b);

#endif
