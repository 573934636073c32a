# What the tests of the KMS's commands share: kmsctl with its PINs, and sentences about its exit status, its one line and its
# JSON. Source it instead of lib.sh.
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# $out is from lib.sh:
# shellcheck disable=SC2154

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ -x "$KMSCTL" ] || { not_ok "kmsctl is there" "no program $KMSCTL: run make, or set KMSCTL"; exit 1; }

export KMS_PIN=$PIN KMS_SO_PIN=$SO_PIN
ctl() { timeout 60 "$KMSCTL" "$@"; }
lonely() { timeout 60 setsid -w "$KMSCTL" "$@"; }
on_terminal() { script -qefc "$(printf '%q ' "$KMSCTL" "$@")" /dev/null; }

# refused SENTENCE CODE COMMAND...: exit status 1, and one line with the API's code.
refused() {
        local sentence=$1 code=$2
        shift 2
        "$@" >"$WORK/stdout" 2>"$out" </dev/null
        status=$?
        if [ "$status" -ne 1 ]; then not_ok "$sentence" "exit status $status, not 1: $*"
        elif [ "$(wc -l <"$out")" -ne 1 ] || ! grep -q "^kmsctl: .*$code" "$out"; then not_ok "$sentence" "not one line with $code: $*"
        elif [ -s "$WORK/stdout" ]; then not_ok "$sentence" "something was written: $*"
        else ok "$sentence"; fi
}

# misused SENTENCE COMMAND...: exit status 2, and one line.
misused() {
        local sentence=$1
        shift
        "$@" >"$WORK/stdout" 2>"$out" </dev/null
        status=$?
        if [ "$status" -eq 2 ] && [ "$(wc -l <"$out")" -eq 1 ]; then ok "$sentence"
        else not_ok "$sentence" "exit status $status, or not one line: $*"; fi
}

# json SENTENCE FILTER COMMAND...: the JSON that the command writes satisfies the jq filter.
json() {
        local sentence=$1 filter=$2
        shift 2
        ctl --json "$@" >"$WORK/stdout" 2>"$out" </dev/null
        status=$?
        if [ "$status" -eq 0 ] && jq -e "type == \"array\" and ($filter)" "$WORK/stdout" >/dev/null 2>>"$out"; then ok "$sentence"
        else cat "$WORK/stdout" >>"$out"; not_ok "$sentence" "exit status $status, or not '$filter': kmsctl --json $*"; fi
}

# field NAME COMMAND...: a member of the first object that the command writes.
field() {
        local name=$1
        shift
        ctl --json "$@" 2>/dev/null | jq -r ".[0].$name"
}
