# SPDX-License-Identifier: Apache-2.0
# The files of kmsctl; one line a file or a pair, in the order of the alphabet.

kmsctl_sources += %D%/args.c %D%/options.def
kmsctl_sources += %D%/cmd_audit.c
kmsctl_sources += %D%/cmd_backup.c
kmsctl_sources += %D%/cmd_cert.c
kmsctl_sources += %D%/cmd_doctor.c %D%/doctor.h %D%/doctor_module.c
kmsctl_sources += %D%/cmd_key.c
kmsctl_sources += %D%/cmd_key_adopt.c
kmsctl_sources += %D%/cmd_key_import.c
kmsctl_sources += %D%/cmd_kms.c %D%/kms_verb.h %D%/kms_verbs.def
kmsctl_sources += %D%/cmd_policy.c
kmsctl_sources += %D%/cmd_random.c
kmsctl_sources += %D%/cmd_rewrap.c
kmsctl_sources += %D%/cmd_secret.c
kmsctl_sources += %D%/cmd_sign.c
kmsctl_sources += %D%/cmd_token.c
kmsctl_sources += %D%/ctl.c %D%/ctl.h
kmsctl_sources += %D%/file.c
kmsctl_sources += %D%/kms_import.c
kmsctl_sources += %D%/kms_json.c %D%/kms_json.h
kmsctl_sources += %D%/kms_request.c
kmsctl_sources += %D%/kms_show.c
kmsctl_sources += %D%/main.c
kmsctl_sources += %D%/objects.c
kmsctl_sources += %D%/out.c
kmsctl_sources += %D%/pem.c %D%/pem.h
kmsctl_sources += %D%/pin.c
kmsctl_sources += %D%/record.c %D%/record.h

dist_bashcompletion_DATA = %D%/kmsctl.bash
