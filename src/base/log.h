/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: for operators, never for control flow. Off unless asked for; goes to stderr, a file or
 * syslog, never to stdout. No secrets, no key bytes, no request bodies. Library code does not log
 * an error that it returns; the face logs it once.
 */
#ifndef KMS_BASE_LOG_H
#define KMS_BASE_LOG_H

#include <stdbool.h>

#include "base/rc.h"

enum log_level { KMS_LOG_NONE, KMS_LOG_ERROR, KMS_LOG_WARNING, KMS_LOG_INFO, KMS_LOG_DEBUG };

/* What `level >= x` asks on hot paths: one relaxed load. */
extern _Atomic int log_threshold;
#define log_on(level) (__builtin_expect(log_threshold >= (int)(level), 0))

/*
 * Opens the log: TARGET is "stderr", "syslog" or an absolute file path (opened for append, 0600,
 * O_CLOEXEC). Environment KMS_PKCS11_LOG (a level name) and KMS_PKCS11_LOG_FILE override both,
 * unless the process is set-id. KMS_IO, KMS_CONFIG.
 */
enum kms_rc log_open(const char *target, enum log_level level, struct err *err) MUST_USE;
void log_close(void);

/* Errors alone, and to stderr, whatever the environment says: when log_open has failed. */
void log_to_stderr(void);

/* "none", "error", "warning", "info", "debug". False when TEXT is none of them. */
bool log_level_parse(const char *text, enum log_level *ret);

/* One line: time, pid, level, text. Keeps errno. Safe from any thread; a failing write is dropped.
 */
void log_write(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define log_error(...) (log_on(KMS_LOG_ERROR) ? log_write(KMS_LOG_ERROR, __VA_ARGS__) : (void)0)
#define log_warning(...) \
	(log_on(KMS_LOG_WARNING) ? log_write(KMS_LOG_WARNING, __VA_ARGS__) : (void)0)
#define log_info(...)  (log_on(KMS_LOG_INFO) ? log_write(KMS_LOG_INFO, __VA_ARGS__) : (void)0)
#define log_debug(...) (log_on(KMS_LOG_DEBUG) ? log_write(KMS_LOG_DEBUG, __VA_ARGS__) : (void)0)

#endif
