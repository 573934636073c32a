# What the application tests share: a private work directory, sentences that pass or fail, and processes that are
# always stopped. Source it first; end with `finish`.
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Settings, all optional:
#   KMS_MODULE    the PKCS#11 module under test     (default: .libs/kms-pkcs11.so in the build tree)
#   KMSCTL        the command line tool             (default: kmsctl in the build tree)
#   top_builddir  the build tree                    (default: the current directory)
#
# Any module can be tested. For SoftHSMv2, which needs a config file before it can start, one is made here:
#   KMS_MODULE=/usr/lib/softhsm/libsofthsm2.so tests/apps/openssh.test

set -uo pipefail
umask 077

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
builddir=$(cd "${top_builddir:-.}" && pwd) || exit 1
KMS_MODULE=${KMS_MODULE:-$builddir/.libs/kms-pkcs11.so}
KMSCTL=${KMSCTL:-$builddir/kmsctl}

TOKEN=demo
PIN=1234
SO_PIN=12345678

# ---- a place of our own -------------------------------------------------------------------------------------------

# Short, because a unix socket's path has room for about a hundred bytes.
WORK=$(mktemp -d "${TMPDIR:-/tmp}/kms-app.XXXXXX") || exit 1
started=()

export HOME=$WORK/home XDG_CONFIG_HOME=$WORK/home/.config XDG_DATA_HOME=$WORK/home/.local/share
export XDG_RUNTIME_DIR=$WORK/run TMPDIR=$WORK/tmp LC_ALL=C
unset OPENSSL_CONF SSH_AUTH_SOCK SSH_AGENT_PID SSH_ASKPASS DISPLAY P11_KIT_SERVER_ADDRESS P11_KIT_SERVER_PID \
      PKCS11_MODULE_PATH KMS_PIN
mkdir -p "$XDG_CONFIG_HOME" "$XDG_DATA_HOME" "$XDG_RUNTIME_DIR" "$TMPDIR"

# An empty configuration, as if there were none: this machine's own may have tokens that are in use.
export KMS_PKCS11_CONF=$WORK/none.conf KMS_PKCS11_STORE=$WORK/token.db
: >"$KMS_PKCS11_CONF"
case $KMS_MODULE in
*softhsm*)
        export SOFTHSM2_CONF=$WORK/softhsm2.conf
        mkdir "$WORK/softhsm"
        printf 'directories.tokendir = %s\nlog.level = ERROR\n' "$WORK/softhsm" >"$SOFTHSM2_CONF"
        ;;
esac

leave() {
        stop_all
        rm -rf "$WORK"
}
trap leave EXIT
trap 'exit 130' INT TERM HUP

# ---- sentences ----------------------------------------------------------------------------------------------------

passed=0 failed=0 skipped=0
out=$WORK/output

ok() {
        passed=$((passed + 1))
        printf 'ok - %s\n' "$1"
}

# not_ok SENTENCE [WHY]: the output of the command that failed follows, indented.
not_ok() {
        failed=$((failed + 1))
        printf 'not ok - %s\n' "$1"
        [ $# -lt 2 ] || printf '    %s\n' "$2"
        [ ! -s "$out" ] || tr -d '\000' <"$out" | tail -n 40 | sed 's/^/    /'
}

skip() {
        skipped=$((skipped + 1))
        printf 'skip - %s\n' "$1"
}

finish() {
        printf '# %d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
        [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
        exit
}

# need PROGRAM...: without the application there is nothing to test; 77 tells automake so.
need() {
        local program
        for program; do
                command -v "$program" >/dev/null || {
                        skip "$program is not installed"
                        exit 77
                }
        done
        [ -r "$KMS_MODULE" ] || {
                not_ok "the module is there" "no file $KMS_MODULE: run make, or set KMS_MODULE"
                exit 1
        }
}

attempt() {
        "$@" >"$out" 2>&1 </dev/null
        status=$?
}

# A refusal is an answer (255 is OpenSSH's). A crash (128 and the signal) or a hang (124, from timeout) is not.
died() { [ "$status" -eq 124 ] || { [ "$status" -ge 128 ] && [ "$status" -lt 255 ]; }; }

# No pipe: grep ends at the first match, and what tr cannot write then would count as no match (pipefail).
said() { grep -Eq -- "$1" < <(tr -d '\000' <"$out"); }

# check SENTENCE COMMAND...: it succeeds.
check() {
        local sentence=$1
        shift
        attempt "$@"
        if [ "$status" -eq 0 ]; then ok "$sentence"; else not_ok "$sentence" "exit status $status: $*"; fi
}

# must SENTENCE COMMAND...: without it nothing that follows has a meaning.
must() {
        check "$@"
        [ "$status" -eq 0 ] || finish
}

# says SENTENCE PATTERN COMMAND...: it succeeds, and its output has a line that matches.
says() {
        local sentence=$1 pattern=$2
        shift 2
        attempt "$@"
        if [ "$status" -ne 0 ]; then not_ok "$sentence" "exit status $status: $*"
        elif ! said "$pattern"; then not_ok "$sentence" "does not say '$pattern': $*"
        else ok "$sentence"; fi
}

# keeps_silent_on SENTENCE PATTERN COMMAND...: it succeeds, and no line of its output matches.
keeps_silent_on() {
        local sentence=$1 pattern=$2
        shift 2
        attempt "$@"
        if [ "$status" -ne 0 ]; then not_ok "$sentence" "exit status $status: $*"
        elif said "$pattern"; then not_ok "$sentence" "says '$pattern': $*"
        else ok "$sentence"; fi
}

# refuse SENTENCE COMMAND...: it fails in an orderly way.
refuse() {
        local sentence=$1
        shift
        attempt "$@"
        if died; then not_ok "$sentence" "died, exit status $status: $*"
        elif [ "$status" -eq 0 ]; then not_ok "$sentence" "succeeded: $*"
        else ok "$sentence"; fi
}

# refuse_with SENTENCE PATTERN COMMAND...: it fails in an orderly way and says why.
refuse_with() {
        local sentence=$1 pattern=$2
        shift 2
        attempt "$@"
        if died; then not_ok "$sentence" "died, exit status $status: $*"
        elif [ "$status" -eq 0 ]; then not_ok "$sentence" "succeeded: $*"
        elif ! said "$pattern"; then not_ok "$sentence" "does not say '$pattern': $*"
        else ok "$sentence"; fi
}

# arrange COMMAND...: not what is tested, but what the test stands on; silent while it works.
arrange() {
        attempt "$@"
        [ "$status" -eq 0 ] || not_ok "arranged: $*" "exit status $status"
}

# without_root: from here on as_user runs commands as somebody who is not root, with a copy of the module, because the
# build tree may be root's alone; everything in $WORK becomes that user's. Fails where that cannot be done.
without_root() {
        [ "$(id -u)" -eq 0 ] || return 0
        command -v setpriv >/dev/null && id nobody >/dev/null 2>&1 || return
        cp "$KMS_MODULE" "$WORK/$(basename "$KMS_MODULE")" && chmod 755 "$WORK/$(basename "$KMS_MODULE")" || return
        chown -R nobody "$WORK" || return
        as_user_prefix=(setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups)
        KMS_MODULE=$WORK/$(basename "$KMS_MODULE")
        as_user test -r "$KMS_MODULE"
}

as_user_prefix=()
as_user() { ${as_user_prefix[@]+"${as_user_prefix[@]}"} "$@"; }

# ---- servers ------------------------------------------------------------------------------------------------------

# start NAME COMMAND...: runs until the test ends, for five minutes at most; its output goes to NAME.log, its process
# id to $started_pid. It leads its own process group (set -m), so what it forks is stopped with it.
start() {
        local name=$1
        shift
        set -m
        timeout --foreground 300 "$@" >"$WORK/$name.log" 2>&1 </dev/null &
        started_pid=$!
        set +m
        started[started_pid]=$name
}

stop() {
        kill -TERM -- "-$1" 2>/dev/null
        eventually 5 gone "$1" || kill -KILL -- "-$1" 2>/dev/null
        wait "$1" 2>/dev/null
        unset "started[$1]"
}

stop_all() {
        local pid
        for pid in "${!started[@]}"; do stop "$pid"; done
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# eventually SECONDS COMMAND...: tried again and again until it succeeds or the time is up.
eventually() {
        local deadline=$((SECONDS + $1))
        shift
        until "$@" >/dev/null 2>&1; do
                [ "$SECONDS" -lt "$deadline" ] || return 1
                sleep 0.05
        done
}

answers() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Sets $port to one nobody listens on, below the range the kernel hands out by itself.
free_port() {
        port=$((10000 + RANDOM % 20000))
        while answers "$port"; do port=$((10000 + RANDOM % 20000)); done
}

# ---- the token ----------------------------------------------------------------------------------------------------

p11() { as_user timeout 60 pkcs11-tool --module "$KMS_MODULE" "$@"; }
user() { p11 --login --pin "$PIN" "$@"; }
so() { p11 --session-rw --login --login-type so --so-pin "$SO_PIN" "$@"; }

init_token() {
        must "a new token is initialised" p11 --init-token --label "$TOKEN" --so-pin "$SO_PIN"
        must "its user PIN is set" p11 --init-pin --login --so-pin "$SO_PIN" --pin "$PIN"
}

# ---- an HSM below ---------------------------------------------------------------------------------------------------

HSM_PIN=hsm-987654

softhsm_library() {
        local path
        for path in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so /usr/lib64/pkcs11/libsofthsm2.so; do
                [ -r "$path" ] && printf '%s' "$path" && return
        done
        return 1
}

# softhsm_token LABEL: a new token in SoftHSMv2, whose library is $HSM.
softhsm_token() {
        export SOFTHSM2_CONF=$WORK/softhsm2.conf
        mkdir -p "$WORK/softhsm"
        printf 'directories.tokendir = %s\nlog.level = ERROR\n' "$WORK/softhsm" >"$SOFTHSM2_CONF"
        must "the HSM has a token" hsm --init-token --label "$1" --so-pin "$SO_PIN"
        must "and a user" hsm --token-label "$1" --init-pin --login --so-pin "$SO_PIN" --pin "$HSM_PIN"
}

# keys_in_hsm URI [LINE...]: from here on our token's keys are where the URI (without pin-source) says.
keys_in_hsm() {
        local uri=$1
        shift
        printf '%s\n' "$HSM_PIN" >"$WORK/hsm.pin"
        printf '%s\n' '[token demo]' "store = $KMS_PKCS11_STORE" "hsm = $uri&pin-source=file:$WORK/hsm.pin" "$@" \
                >"$WORK/hsm.conf"
        export KMS_PKCS11_CONF=$WORK/hsm.conf
}

# The HSM by itself, without us.
hsm() { timeout 60 pkcs11-tool --module "$HSM" "$@"; }
hsm_user() { hsm --token-label "$HSM_TOKEN" --login --pin "$HSM_PIN" "$@"; }
hsm_keys() { hsm_user --list-objects --type "$1" 2>/dev/null | grep -c 'Object;'; }

# make_keypair ID LABEL TYPE [OPTION...]
make_keypair() {
        local id=$1 label=$2 type=$3
        shift 3
        check "a $type key pair is made on the token" \
                user --keypairgen --key-type "$type" --id "$id" --label "$label" "$@"
}

# object ID: of a listing on stdin, the lines about the objects with that id. (--list-objects does not look at --id.)
object() {
        awk -v id="$1" '
                function done() { if (mine) printf "%s", text; text = ""; mine = 0 }
                /^[^ ]/ { done() }
                { text = text $0 "\n" }
                $1 == "ID:" && $2 == id { mine = 1 }
                END { done() }'
}

# public_key ID FILE: exports the public half as PEM, so that plain openssl can judge what the token did. Elliptic keys
# are put together here from the point that pkcs11-tool prints: version 0.23 cannot be trusted with them (it reads freed
# memory, and knows no Ed25519).
public_key() {
        local listing params point
        listing=$(p11 --list-objects --type pubkey | object "$1")
        case $listing in
        *'Public Key Object; RSA'*) p11 --read-object --type pubkey --id "$1" --output-file "$2.der" || return ;;
        *'Public Key Object; EC'*)
                params=$(sed -n 's/^  EC_PARAMS: *\([0-9a-f]*\).*/\1/p' <<<"$listing")
                point=$(sed -n 's/^  EC_POINT: *\([0-9a-f]*\)$/\1/p' <<<"$listing")
                case $params in
                06032b6570 | 130c656477617264733235353139) params=06032b6570 ;; # Ed25519, by OID or by name
                *) params=06072a8648ce3d0201$params ;;
                esac
                # Inside its DER octet string, which must fill the attribute exactly, is the point itself.
                case $point in
                0481*) [ "$point" = "$(der 04 "${point:6}")" ] && point=${point:6} || return ;;
                04*) [ "$point" = "$(der 04 "${point:4}")" ] && point=${point:4} || return ;;
                *) return 1 ;;
                esac
                bytes "$(der 30 "$(der 30 "$params")$(der 03 "00$point")")" >"$2.der"
                ;;
        *) echo "no public key with the id $1"; return 1 ;;
        esac
        ssl pkey -pubin -inform DER -in "$2.der" -out "$2"
}

# der TAG CONTENT: both in hexadecimal, and so is the answer.
der() {
        local length=$((${#2} / 2)) form=%02x
        if [ "$length" -gt 255 ]; then form=82%04x; elif [ "$length" -gt 127 ]; then form=81%02x; fi
        # shellcheck disable=SC2059
        printf "%s$form%s" "$1" "$length" "$2"
}

bytes() {
        # shellcheck disable=SC2059,SC2001 # the format is the bytes
        printf "$(sed 's/../\\x&/g' <<<"$1")"
}

hex() { od -An -v -tx1 "$1" | tr -d ' \n'; }

# key_uri LABEL: how p11-kit, libp11 and OpenSSL name a private key, and where its PIN is (RFC 7512).
key_uri() { printf 'pkcs11:token=%s;object=%s;type=private;pin-value=%s' "$TOKEN" "$1" "$PIN"; }

ssl() { timeout 30 openssl "$@"; }

# engine_config: writes $WORK/openssl-engine.cnf. OPENSSL_CONF set to it, OpenSSL finds the module by libp11's engine.
engine_config() {
        local engines
        engines=$(openssl version -e | sed 's/^ENGINESDIR: "\(.*\)"$/\1/')
        [ -r "$engines/pkcs11.so" ] || {
                skip "libengine-pkcs11-openssl is not installed"
                exit 77
        }
        sed -e "s|@ENGINES@|$engines|" -e "s|@MODULE@|$KMS_MODULE|" "$here/../../conf/openssl-engine.cnf.in" \
                >"$WORK/openssl-engine.cnf"
}

# engine OPENSSL-ARGUMENT...: openssl that knows the module; `ssl` is the plain one, which judges.
engine() { OPENSSL_CONF=$WORK/openssl-engine.cnf ssl "$@"; }

# tampered FILE: a copy of it with its last byte changed; prints the copy's name.
tampered() {
        local size last
        size=$(stat -c %s "$1")
        last=$(tail -c 1 "$1" | od -An -tu1)
        { head -c $((size - 1)) "$1" && bytes "$(printf %02x $((last ^ 1)))"; } >"$1.tampered"
        printf '%s' "$1.tampered"
}
