/* SPDX-License-Identifier: Apache-2.0 */
/* kmsctl: tokens, keys and certificates for people. Reads the command line and runs the command
 * that it names. */
#include "kmsctl/ctl.h"

#include <locale.h>
#include <signal.h>

int
main(int argc, char **argv)
{
	struct ctl c = { 0 };
	enum exit_code rc;
	/* For the width of characters in tables; everything else stays as in the C locale. */
	locale_t chars = newlocale(LC_CTYPE_MASK, "", (locale_t)0);

	if (chars != (locale_t)0)
		(void)uselocale(chars);
	(void)signal(SIGPIPE, SIG_IGN); /* a closed output is an error to report, not a death */

	rc = args_parse(&c, argc, argv);
	if (rc == EXIT_DONE && c.cmd != NULL)
		rc = c.cmd->run(&c);
	if (rc == EXIT_DONE)
		rc = out_flush(&c);
	ctl_close(&c);
	if (chars != (locale_t)0) {
		(void)uselocale(LC_GLOBAL_LOCALE);
		freelocale(chars);
	}
	return (int)rc;
}
