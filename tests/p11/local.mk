# SPDX-License-Identifier: Apache-2.0
# C tests of tests/p11; one line each: "c_tests += %D%/NAME.t" is built from NAME.c.
# They are linked with the module's own objects, so that sanitizers see all of it; with KMS_MODULE in the environment they load
# that shared object instead.

test_lib_sources += %D%/p11.c %D%/p11.h %D%/p11_object.c %D%/calls.c %D%/calls.h \
	%D%/calls.def %D%/child.c %D%/child.h %D%/threads.c %D%/threads.h %D%/fork.h %D%/process.h

c_tests += %D%/mech_matrix_test.t
%C%_mech_matrix_test_t_SOURCES = %D%/mech_matrix_test.c %D%/matrix_use.c %D%/matrix_use.h \
	%D%/matrix.h %D%/matrix_ref.c %D%/matrix_rows.c
c_tests += %D%/mech_refuse_test.t
%C%_mech_refuse_test_t_SOURCES = %D%/mech_refuse_test.c %D%/matrix_use.c %D%/matrix_use.h \
	%D%/matrix.h %D%/matrix_ref.c %D%/matrix_rows.c
c_tests += %D%/audit_test.t
c_tests += %D%/secret_test.t
c_tests += %D%/session_test.t
c_tests += %D%/token_test.t
c_tests += %D%/object_test.t
%C%_object_test_t_SOURCES = %D%/object_test.c %D%/classes.c %D%/classes.h \
	%D%/matrix.h %D%/matrix_ref.c %D%/matrix_rows.c
c_tests += %D%/object_read_test.t
%C%_object_read_test_t_SOURCES = %D%/object_read_test.c %D%/classes.c %D%/classes.h \
	%D%/matrix.h %D%/matrix_ref.c %D%/matrix_rows.c
c_tests += %D%/attribute_test.t
%C%_attribute_test_t_SOURCES = %D%/attribute_test.c %D%/classes.c %D%/classes.h \
	%D%/matrix.h %D%/matrix_ref.c %D%/matrix_rows.c
c_tests += %D%/keys_test.t
%C%_keys_test_t_SOURCES = %D%/keys_test.c %D%/matrix.h %D%/matrix_ref.c %D%/matrix_rows.c
c_tests += %D%/wrap_test.t
%C%_wrap_test_t_SOURCES = %D%/wrap_test.c %D%/matrix.h %D%/matrix_ref.c %D%/matrix_rows.c
c_tests += %D%/sm_test.t
%C%_sm_test_t_SOURCES = %D%/sm_test.c %D%/matrix.h %D%/matrix_ref.c %D%/matrix_rows.c
c_tests += %D%/initialize_test.t
c_tests += %D%/interface_test.t
c_tests += %D%/bad_test.t
%C%_bad_test_t_SOURCES = %D%/bad_test.c %D%/bad.h %D%/bad_call.c %D%/bad_codes.c %D%/bad_goods.c \
	%D%/bad_template.c %D%/bad_walk.c %D%/bad_world.c %D%/bad_yard.c \
	%D%/matrix.h %D%/matrix_ref.c %D%/matrix_rows.c
c_tests += %D%/template_test.t
%C%_template_test_t_SOURCES = %D%/template_test.c %D%/matrix.h %D%/matrix_ref.c %D%/matrix_rows.c
c_tests += %D%/fork_test.t
c_tests += %D%/fork_memory_test.t
c_tests += %D%/fork_nomem_test.t
%C%_fork_nomem_test_t_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=calloc
c_tests += %D%/fork_reopen_test.t
c_tests += %D%/fork_busy_test.t
c_tests += %D%/thread_test.t
c_tests += %D%/thread_race_test.t
c_tests += %D%/process_test.t
c_tests += %D%/process_token_test.t
c_tests += %D%/kill_test.t
c_tests += %D%/kms_test.t
second_tests += %D%/softhsm.test
