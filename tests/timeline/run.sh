#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Timelines (-timeline) of the demo on two channels: right as JSON, in their rows and in their sums (check.py), when the
# run ends by itself, and when a limit or a signal cuts it.
# Usage: VITRINE=build/vitrine tests/timeline/run.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
vitrine=${VITRINE:-build/vitrine}
demo=$(dirname "$vitrine")/guests/demo.img
disks=(-hda "$demo" -hdc "$demo" -snapshot -nographic -stats)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 name=

check() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL  timeline, $name: $what (exit status $status)"
        { cat "$work/said"; tail -n 3 "$work/err"; } | sed 's/^/      | /'
    fi
}

# NAME STATUS KIND OPTIONS...: a run with a timeline, and what check.py says of it.
run() {
    name=$1
    local expected=$2 kind=$3
    shift 3
    status=0
    "${runner[@]}" "$vitrine" "${disks[@]}" -timeline "$work/$name.json" "$@" </dev/null >"$work/out" 2>"$work/err" || status=$?
    check "exit status $expected" [ "$status" = "$expected" ]
    check "the timeline" python3 tests/timeline/check.py "$work/$name.json" "$work/err" "$kind"
    echo "      timeline, $name: $(tail -n 1 "$work/said")"
}
runner=(timeout 120)

run direct 0 ended -M pc,dma=direct
run indirect 0 ended -M pc,dma=indirect
cp "$work/err" "$work/first"
run faulty 0 ended -M pc,dma=faulty,seed=5
run again 0 ended -M pc,dma=indirect
check "the same run, the same bytes" cmp "$work/indirect.json" "$work/again.json"

# What the guest gets does not depend on who watches.
name=watched
"$vitrine" "${disks[@]}" -M pc,dma=indirect </dev/null 2>"$work/err" >"$work/out"
check "the same statistics without it" diff <(grep -v '^host' "$work/err") <(grep -v '^host' "$work/first")

# In the middle of a wait, of which the timeline itself tells.
at=$(sed -n 's/.*"ph":"B".*"ts":\([0-9]*\)\.\([0-9]*\),"name":"wait".*/\1\2/p' "$work/indirect.json" | sed -n 200p)
run limit 6 cut -M pc,dma=indirect -limit time="$((at + 100))ns"
run saved 0 loaded -M pc,dma=indirect -savevm-at "$((at + 100))ns,$work/machine"
run loaded 0 loaded -M pc,dma=indirect -loadvm "$work/machine"
runner=(timeout --foreground -s INT 2) # one signal; a second one ends the program at once. Paced, the run takes longer.
run interrupted 124 any -M pc,dma=indirect -icount sleep=on
check "by the signal" grep -q "terminating on signal 2" "$work/err"
runner=(timeout 120)

name=full status=0
"$vitrine" "${disks[@]}" -timeline /dev/full </dev/null >"$work/out" 2>"$work/err" || status=$?
check "a full disk is told" grep -q "vitrine: -timeline: /dev/full: not all could be written" "$work/err"
check "by the exit status too" [ "$status" = 2 ]
name=missing status=0
"$vitrine" "${disks[@]}" -timeline "$work/no/such" </dev/null >"$work/out" 2>"$work/err" || status=$?
check "a path that cannot be" [ "$status $(wc -l <"$work/err")" = "2 1" ]

echo "timeline: $passed passed, $failed failed"
[ "$failed" = 0 ]
