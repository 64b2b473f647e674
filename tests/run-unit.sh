#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every unit test program below a directory, two at a time, and counts them: `run-unit.sh DIR`. Check prints what failed.
set -eu
dir=$1
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
export ASAN_OPTIONS=detect_stack_use_after_return=0 UBSAN_OPTIONS=print_stacktrace=1 CK_DEFAULT_TIMEOUT=120
export LOGS=$logs

find "$dir" -maxdepth 1 -name 'test_*' -type f -perm -u+x | sort | xargs -P 2 -I{} sh -c '
    name=$(basename "$1")
    if "$1" >"$LOGS/$name" 2>&1; then echo "ok    $name: $(grep -m1 "^[0-9]*%:" "$LOGS/$name" || true)"
    else echo "FAIL  $name"; cat "$LOGS/$name"; touch "$LOGS/failed.$name"
    fi' sh {}

failed=$(find "$logs" -name 'failed.*' | wc -l)
all=$(find "$logs" -name 'test_*' | wc -l)
echo "unit: $((all - failed)) passed, $failed failed"
[ "$failed" = 0 ] && [ "$all" != 0 ]
