# SPDX-License-Identifier: Apache-2.0
# The files of src/store; one line a file or a pair, in the order of the alphabet.

core_sources += %D%/migrate.c %D%/migrate.h
core_sources += %D%/path.c
core_sources += %D%/sql.def
core_sources += %D%/sqlite.c %D%/sqlite.h
core_sources += %D%/sqlite_apply.c
core_sources += %D%/sqlite_conn.c
core_sources += %D%/sqlite_copy.c
core_sources += %D%/sqlite_entities.c
core_sources += %D%/sqlite_rows.c
core_sources += %D%/sqlite_token.c
core_sources += %D%/store.c %D%/store.h
