# SPDX-License-Identifier: Apache-2.0
# The files of kmsctl; one line a file or a pair, in the order of the alphabet.

kmsctl_sources += %D%/main.c

dist_bashcompletion_DATA = %D%/kmsctl.bash
