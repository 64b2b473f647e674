# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the command line's tests share; sourced. $work is a directory of theirs, $children what to end with them.

vitrine=${VITRINE:-build/vitrine}
guests=${GUESTS:-build/tests/guests}
passed=0 failed=0 children=()
[ -x "$vitrine" ] || {
    echo "$0: $vitrine: is not there; run make first"
    exit 2
}
work=$(mktemp -d "${TMPDIR:-/tmp}/vitrine-cli.XXXXXX") || exit 2
cleanup() {
    [ ${#children[@]} -eq 0 ] || kill "${children[@]}" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

pass() { passed=$((passed + 1)); }
fail() {
    failed=$((failed + 1))
    echo "FAILED: $1"
    shift
    printf '    %s\n' "$@"
}

# run STDIN ARGUMENTS...: status, $work/out, $work/err.
run() {
    local from=$1
    shift
    timeout 60 "$vitrine" "$@" <"$from" >"$work/out" 2>"$work/err"
    status=$?
    [ $status -ne 124 ] || echo "(timed out)" >>"$work/err"
}

# bad WORDS ARGUMENTS...: exactly one line on stderr that contains all words (separated by |), nothing on stdout, status 2.
bad() {
    local words=$1 word problem=
    shift
    run /dev/null "$@"
    [ $status -eq 2 ] || problem="status $status, not 2"
    [ ! -s "$work/out" ] || problem="something on stdout"
    [ "$(wc -l <"$work/err")" -eq 1 ] || problem="not one line on stderr"
    [[ $(head -c 9 "$work/err") == "vitrine: " ]] || problem="no 'vitrine: ' at the start"
    while IFS= read -r word; do
        grep -qF -e "$word" "$work/err" || problem="no '$word' in the message"
    done <<<"${words//|/$'\n'}"
    if [ -z "$problem" ]; then pass; else fail "$*" "$problem" "$(cat "$work/err")"; fi
}

# good STATUS ARGUMENTS...
good() {
    local expected=$1
    shift
    run /dev/null "$@"
    if [ $status -eq "$expected" ]; then pass; else fail "$*" "status $status, not $expected" "$(cat "$work/err")"; fi
}

# holds TEXT FILE: the last run left it there.
holds() {
    if grep -qE -e "$1" "$2"; then pass; else fail "'$1' expected in ${2##*/}" "$(head -c 2000 "$2")"; fi
}

# A boot sector from hexadecimal bytes; the image has 64 sectors.
boot_sector() {
    head -c 32768 /dev/zero >"$work/$1"
    printf '%b' "\\x${2// /\\x}" | dd of="$work/$1" conv=notrunc status=none
    printf '\x55\xaa' | dd of="$work/$1" bs=1 seek=510 conv=notrunc status=none
}
