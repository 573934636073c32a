/* SPDX-License-Identifier: Apache-2.0 */
/* Files that kmsctl reads and writes, and the progress of long ones. */
#include "kmsctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"

#define SECRET_FILE_MAX 65536

int
file_open(const char *path)
{
	return strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				      : open(path, O_RDONLY | O_CLOEXEC);
}

const char *
file_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* read() that is not stopped by signals. */
static ssize_t
read_some(int fd, uint8_t *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got < 0 && errno == EINTR);
	return got;
}

enum kms_rc
file_read_secret(const char *path, bool must_be_private, struct secret *ret, struct err *err)
{
	auto_secret all = { 0 };
	struct stat st;
	enum kms_rc rc;
	size_t len = 0;
	ssize_t n = 1;
	int fd;

	TRY(secret_new(SECRET_FILE_MAX, &all));
	if ((fd = file_open(path)) < 0)
		return err_set(err, KMS_IO, "%s: %s", file_name(path), strerrordesc_np(errno));
	/* A pipe has been made for us; a file may have been left for all to read. */
	rc = must_be_private && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
	    ? os_check_private(fd, file_name(path), true, err)
	    : KMS_OK;
	while (rc == KMS_OK && len < all.len && (n = read_some(fd, all.p + len, all.len - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		rc = err_set(err, KMS_IO, "%s: %s", file_name(path), strerrordesc_np(errno));
	else if (rc == KMS_OK && len == all.len)
		rc = err_set(err, KMS_LIMIT, "%s: has %d bytes or more", file_name(path),
		    SECRET_FILE_MAX);
	(void)close(fd);
	TRY(rc);
	return secret_copy(slice_of(all.p, len), ret);
}

struct slice
file_first_line(const struct secret *file)
{
	const uint8_t *end = file->len == 0 ? NULL : memchr(file->p, '\n', file->len);
	size_t len = end == NULL ? file->len : (size_t)(end - file->p);

	if (len > 0 && file->p[len - 1] == '\r')
		len--;
	return slice_of(file->p, len);
}

enum kms_rc
file_read(int fd, const char *name, struct buf *ret, struct err *err)
{
	auto_buf all = { 0 };
	enum kms_rc rc;
	ssize_t n;

	for (;;) {
		const size_t piece = 65536;
		uint8_t *p = NULL;

		if ((rc = buf_extend(&all, piece, &p)) != KMS_OK)
			return err_set(err, rc, "%s: %s", name,
			    rc == KMS_LIMIT ? "more than 64 MiB" : rc_text(rc));
		n = read_some(fd, p, piece);
		all.len -= piece - (n < 0 ? 0 : (size_t)n);
		if (n == 0)
			break;
		if (n < 0)
			return err_set(err, KMS_IO, "%s: %s", name, strerrordesc_np(errno));
	}
	buf_move(ret, &all);
	return KMS_OK;
}

/* Takes F, unless it is standard output. */
static enum kms_rc
write_all(FILE *f, const char *name, struct slice s, struct err *err)
{
	bool good = s.len == 0 || fwrite(s.p, 1, s.len, f) == s.len;

	good = (f == stdout ? fflush(f) : fclose(f)) == 0 && good;
	return good ? KMS_OK : err_set(err, KMS_IO, "%s: %s", name, strerrordesc_np(errno));
}

static bool
is_stdout(const char *path)
{
	return path == NULL || strcmp(path, "-") == 0;
}

enum kms_rc
file_write(const char *path, struct slice s, struct err *err)
{
	FILE *f = is_stdout(path) ? stdout : fopen(path, "we");

	if (f == NULL)
		return err_set(err, KMS_IO, "%s: %s", path, strerrordesc_np(errno));
	return write_all(f, is_stdout(path) ? "standard output" : path, s, err);
}

enum kms_rc
file_may_write(const char *path, struct err *err)
{
	int fd = is_stdout(path) ? -1 : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 && !is_stdout(path))
		return err_set(err, KMS_IO, "%s: %s", path, strerrordesc_np(errno));
	if (fd >= 0)
		(void)close(fd);
	return KMS_OK;
}

enum kms_rc
file_write_private(const char *path, struct slice s, struct err *err)
{
	FILE *f = NULL;
	struct stat st;
	int fd;

	if (is_stdout(path))
		return file_write(path, s, err);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	/* One that was there may have been left for all to read. */
	if (fd >= 0 && fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || fchmod(fd, 0600) == 0))
		f = fdopen(fd, "w");
	if (f == NULL) {
		enum kms_rc rc = err_set(err, KMS_IO, "%s: %s", path, strerrordesc_np(errno));

		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	/* Not through a buffer of stdio's that nobody wipes. */
	(void)setvbuf(f, NULL, _IONBF, 0);
	return write_all(f, path, s, err);
}

struct progress
progress_start(const char *what, int fd)
{
	struct progress p = {
		.what = what, .started_ms = os_monotonic_ms(), .on = isatty(STDERR_FILENO) == 1
	};
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		p.total = (uint64_t)st.st_size;
	return p;
}

void
progress_at(struct progress *p, uint64_t done)
{
	uint64_t now;

	if (!p->on)
		return;
	now = os_monotonic_ms();
	if (now - p->started_ms < 1000 || now - p->shown_ms < 200)
		return;
	p->shown_ms = now;
	p->shown = true;
	if (p->total > 0)
		(void)fprintf(stderr, "\r%s: %3u %%", p->what,
		    (unsigned)(done >= p->total ? 100 : done * 100 / p->total));
	else
		(void)fprintf(stderr, "\r%s: %llu MiB", p->what, (unsigned long long)(done >> 20));
}

void
progress_end(struct progress *p)
{
	if (p->shown)
		(void)fprintf(stderr, "\r%*s\r", (int)strlen(p->what) + 24, "");
	p->shown = false;
}
