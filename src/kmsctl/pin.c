/* SPDX-License-Identifier: Apache-2.0 */
/* PINs and questions: from a file, the environment or the terminal, never from the command line,
 * never echoed. */
#include "kmsctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/os.h"

static const struct {
	enum opt file;
	const char *option, *env, *name;
} sources[] = {
	[PIN_USER] = { OPT_PIN_FILE, "--pin-file", "KMS_PIN", "user PIN" },
	[PIN_SO] = { OPT_SO_PIN_FILE, "--so-pin-file", "KMS_SO_PIN", "SO PIN" },
};

/* Signals that would leave the terminal without echo: kept until it has its echo back. */
static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
static volatile sig_atomic_t caught;

static void
catch_signal(int sig)
{
	caught = sig;
}

/* One line into LINE (all of its bytes may be used). KMS_LIMIT: longer; KMS_IO: end of input, or a
 * signal. */
static enum kms_rc
read_line(int fd, struct secret *line, size_t *len)
{
	bool too_long = false;
	ssize_t n;
	char ch;

	*len = 0;
	while ((n = read(fd, &ch, 1)) == 1 && ch != '\n') {
		if (*len < line->len)
			line->p[(*len)++] = (uint8_t)ch;
		else
			too_long = true;
	}
	mem_wipe(&ch, 1);
	if (n < 0 || (n == 0 && *len == 0))
		return KMS_IO;
	return too_long ? KMS_LIMIT : KMS_OK;
}

static void
put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		return; /* a prompt that is not seen is no reason to stop */
}

static enum kms_rc
read_silently(int fd, const char *prompt, struct secret *line, size_t *len)
{
	struct sigaction sa = { .sa_handler = catch_signal }, old[ARRAY_LEN(held)];
	struct termios shown, silent;
	enum kms_rc rc;

	if (tcgetattr(fd, &shown) != 0)
		return KMS_UNAVAILABLE;
	silent = shown;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	(void)sigemptyset(&sa.sa_mask);
	caught = 0;
	for (size_t i = 0; i < ARRAY_LEN(held); i++)
		(void)sigaction(held[i], &sa, &old[i]); /* without SA_RESTART: read() comes back */

	put(fd, prompt);
	rc = tcsetattr(fd, TCSAFLUSH, &silent) == 0 ? read_line(fd, line, len) : KMS_UNAVAILABLE;
	(void)tcsetattr(fd, TCSAFLUSH, &shown);
	put(fd, "\n");

	for (size_t i = 0; i < ARRAY_LEN(held); i++)
		(void)sigaction(held[i], &old[i], NULL);
	if (caught != 0)
		(void)raise(caught);
	return rc;
}

bool
tty_there(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

enum kms_rc
tty_secret(const char *prompt, struct secret *ret)
{
	auto_secret line = { 0 };
	size_t len = 0;
	enum kms_rc rc;
	int fd;

	TRY(secret_new(1024, &line));
	if ((fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) < 0)
		return KMS_UNAVAILABLE;
	do
		rc = read_silently(fd, prompt, &line, &len);
	while (rc == KMS_IO && caught == SIGTSTP); /* stopped and continued: ask again */
	(void)close(fd);
	TRY(rc);
	return secret_copy(slice_of(line.p, len), ret);
}

bool
tty_confirm(const char *question)
{
	char answer[8] = "";
	FILE *tty = fopen("/dev/tty", "r+e");

	if (tty == NULL)
		return false;
	(void)fprintf(tty, "%s [y/N] ", question);
	(void)fflush(tty);
	if (fgets(answer, sizeof(answer), tty) == NULL)
		answer[0] = '\0';
	(void)fclose(tty);
	return strcmp(answer, "y\n") == 0 || strcmp(answer, "Y\n") == 0 ||
	    strcmp(answer, "yes\n") == 0;
}

bool
pin_given(const struct ctl *c, enum pin_role role)
{
	return c->opt[sources[role].file] != NULL || os_env(sources[role].env) != NULL;
}

static enum exit_code
pin_check(struct ctl *c, enum pin_role role, const struct secret *pin)
{
	if (pin->len < PIN_MIN || pin->len > PIN_MAX)
		return ctl_fail(c, KMS_OK, "the %s must have %d to %d bytes", sources[role].name,
		    PIN_MIN, PIN_MAX);
	return EXIT_DONE;
}

static enum exit_code
pin_from_file(struct ctl *c, enum pin_role role, struct secret *ret)
{
	const char *path = c->opt[sources[role].file];
	auto_secret file = { 0 };
	enum kms_rc rc;

	err_clear(&c->call.err);
	if ((rc = file_read_secret(path, true, &file, &c->call.err)) != KMS_OK)
		return ctl_fail(c, rc, "cannot read the %s", sources[role].name);
	if ((rc = secret_copy(file_first_line(&file), ret)) != KMS_OK)
		return ctl_fail(c, rc, "cannot keep the %s", sources[role].name);
	return EXIT_DONE;
}

static enum exit_code
pin_from_tty(struct ctl *c, enum pin_role role, bool new_pin, struct secret *ret)
{
	auto_secret pin = { 0 }, again = { 0 };
	char prompt[128];
	enum exit_code code;
	enum kms_rc rc;

	(void)snprintf(prompt, sizeof(prompt), "%s%s of %s: ", new_pin ? "New " : "",
	    sources[role].name, ctl_token_name(c->token));
	rc = tty_secret(prompt, &pin);
	if (rc == KMS_UNAVAILABLE)
		return ctl_fail(c, KMS_OK,
		    "the %s is needed: there is no terminal to ask at; use %s FILE or set %s",
		    sources[role].name, sources[role].option, sources[role].env);
	if (rc != KMS_OK)
		return ctl_fail(c, rc, "cannot read the %s", sources[role].name);
	if (new_pin) {
		/* A PIN that cannot be taken need not be typed twice. */
		if ((code = pin_check(c, role, &pin)) != EXIT_DONE)
			return code;
		if ((rc = tty_secret("The same again: ", &again)) != KMS_OK)
			return ctl_fail(c, rc, "cannot read the %s again", sources[role].name);
		if (!mem_equal_ct(secret_slice(&pin), secret_slice(&again)))
			return ctl_fail(c, KMS_OK, "the two are not the same; nothing was changed");
	}
	*ret = pin;
	pin = (struct secret){ 0 }; /* moved */
	return EXIT_DONE;
}

enum exit_code
pin_get(struct ctl *c, enum pin_role role, bool new_pin, struct secret *ret)
{
	const char *env = os_env(sources[role].env);
	auto_secret pin = { 0 };
	enum exit_code code = EXIT_DONE;
	enum kms_rc rc;

	if (c->opt[sources[role].file] != NULL)
		code = pin_from_file(c, role, &pin);
	else if (env == NULL)
		code = pin_from_tty(c, role, new_pin, &pin);
	else if ((rc = secret_copy(slice_str(env), &pin)) != KMS_OK)
		code = ctl_fail(c, rc, "cannot keep the %s", sources[role].name);
	if (code == EXIT_DONE)
		code = pin_check(c, role, &pin);
	if (code != EXIT_DONE)
		return code;
	*ret = pin;
	pin = (struct secret){ 0 }; /* moved */
	return EXIT_DONE;
}
