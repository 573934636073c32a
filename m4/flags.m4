# SPDX-License-Identifier: Apache-2.0
# Compiler and linker flags that configure checks before it uses them.

# KMS_REQUIRE_CFLAG(FLAG, VARIABLE)
# Appends FLAG to VARIABLE when the compiler and linker take it; else stops with an error.
AC_DEFUN([KMS_REQUIRE_CFLAG], [
	AS_VAR_PUSHDEF([cache], [kms_cv_cflag_$1])
	AC_CACHE_CHECK([whether $CC accepts $1], [cache], [
		kms_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $1"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <string.h>]], [[return (int)strlen("")]])],
		    [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
		CFLAGS=$kms_save_CFLAGS
	])
	AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$2], [" $1"])],
	    [AC_MSG_ERROR([the compiler does not accept $1, which this project requires; use gcc >= 12 or clang >= 14])])
	AS_VAR_POPDEF([cache])
])

# KMS_REQUIRE_LDFLAG(FLAG, VARIABLE)
# The same for a flag that only the linker sees.
AC_DEFUN([KMS_REQUIRE_LDFLAG], [
	AS_VAR_PUSHDEF([cache], [kms_cv_ldflag_$1])
	AC_CACHE_CHECK([whether the linker accepts $1], [cache], [
		kms_save_LDFLAGS=$LDFLAGS
		LDFLAGS="$LDFLAGS $1"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
		    [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
		LDFLAGS=$kms_save_LDFLAGS
	])
	AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$2], [" $1"])],
	    [AC_MSG_ERROR([the linker does not accept $1, which this project requires; use GNU ld or lld])])
	AS_VAR_POPDEF([cache])
])
