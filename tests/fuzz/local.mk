# SPDX-License-Identifier: Apache-2.0
# Fuzz targets; one line each: "fuzz_targets += %D%/NAME.fuzz" is built from NAME.c, which has
# LLVMFuzzerTestOneInput; its corpus is the folder corpus/NAME. "make fuzz" runs them with libFuzzer;
# "make check" builds them too and replays the corpus.

EXTRA_DIST += %D%/run $(wildcard $(srcdir)/%D%/corpus)

# Where main() comes from: from libFuzzer, or from replay.c for a program that has none of its own.
if FUZZING
test_main = $(FUZZ_ENGINE)
else
test_main = libkms-replay.la
check_LTLIBRARIES += libkms-replay.la
libkms_replay_la_SOURCES = %D%/replay.c
endif

EXTRA_DIST += %D%/fuzz.h

fuzz_targets += %D%/audit_fuzz.fuzz
fuzz_targets += %D%/backup_fuzz.fuzz
# Targets that call the whole module, over a world of their own; the linker puts that world's cheap
# functions in the place of slow ones.
world_sources = %D%/world.c %D%/world.h %D%/known.c %D%/known.h
world_ldflags = $(AM_LDFLAGS) -Wl,--wrap=crypto_scrypt,--wrap=ckey_generate,--wrap=crypto_random \
	-Wl,--wrap=secret_new,--wrap=secret_copy,--wrap=secret_free \
	-Wl,--wrap=secret_mem_new,--wrap=secret_mem_free

fuzz_targets += %D%/call_fuzz.fuzz
%C%_call_fuzz_fuzz_SOURCES = %D%/call_fuzz.c %D%/model.c %D%/model.h %D%/model_key.c \
	%D%/model_object.c %D%/model_op.c %D%/model_param.c %D%/model_record.c \
	%D%/model_session.c %D%/tmpl.c %D%/tmpl.h $(world_sources)
%C%_call_fuzz_fuzz_LDFLAGS = $(world_ldflags)
fuzz_targets += %D%/cert_fuzz.fuzz
fuzz_targets += %D%/codec_fuzz.fuzz
fuzz_targets += %D%/conf_fuzz.fuzz
fuzz_targets += %D%/json_fuzz.fuzz
fuzz_targets += %D%/key_fuzz.fuzz
fuzz_targets += %D%/param_fuzz.fuzz
fuzz_targets += %D%/pem_fuzz.fuzz
%C%_pem_fuzz_fuzz_SOURCES = %D%/pem_fuzz.c src/kmsctl/pem.c src/kmsctl/pem.h
fuzz_targets += %D%/policy_fuzz.fuzz
fuzz_targets += %D%/row_fuzz.fuzz
fuzz_targets += %D%/template_fuzz.fuzz
%C%_template_fuzz_fuzz_SOURCES = %D%/template_fuzz.c %D%/shot.c %D%/shot.h %D%/things.c \
	%D%/things.h %D%/tmpl.c %D%/tmpl.h $(world_sources)
%C%_template_fuzz_fuzz_LDFLAGS = $(world_ldflags)
