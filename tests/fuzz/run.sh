#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every fuzz program below a directory: `run.sh [--long] DIR`. First the kept cases
# (tests/fuzz/cases/PROGRAM-WHAT), each of which broke something once. Then, quick: a fixed number of cases, always
# the same, about 15 s in all. --long: five minutes each ($FUZZ_SECONDS to change), from a seed that nobody has tried.
set -eu
long=
if [ "$1" = --long ]; then long=1; shift; fi
dir=$1
cases=$(dirname "$0")/cases
export ASAN_OPTIONS=detect_stack_use_after_return=0 UBSAN_OPTIONS=print_stacktrace=1
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

runs() {
    case $1 in
    fuzz_ports) echo 90 ;;
    fuzz_gdb) echo 60 ;;
    fuzz_regions) echo 20000 ;;
    *) echo 300 ;;
    esac
}

# Runs a program: its name, and what to run it with.
try() {
    name=$1
    shift
    if "$dir/$name" "$@" >"$TMPDIR/log" 2>&1; then
        echo "ok    $(tail -n 1 "$TMPDIR/log")"
    else
        echo "FAIL  $name $*"
        cat "$TMPDIR/log"
        failed=$((failed + 1))
    fi
}

failed=0
for program in "$dir"/fuzz_*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    name=$(basename "$program")
    for case in "$cases/$name"-*; do
        [ -f "$case" ] && try "$name" "$case"
    done
    if [ "$long" ]; then
        try "$name" --seconds "${FUZZ_SECONDS:-300}" --seed "$(date +%s)000"
    else
        try "$name" --runs "$(runs "$name")"
    fi
done
echo "fuzz: $failed failed"
[ "$failed" = 0 ]
