/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses a token's backend by its configuration: the only file of the face that knows
 * implementations. */
#include "pkcs11/backend_choice.h"

#include "kms/local.h"

enum kms_rc
backend_choose(const struct conf_token *conf, struct call *call, struct backend **ret)
{
	switch (conf->backend) {
	case CONF_LOCAL: return local_open(conf, call, ret);
	case CONF_REMOTE: break;
	}
	return call_fail(call, KMS_CONFIG, "backend = remote is not built into this version");
}
