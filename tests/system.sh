#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# System behaviour by the manual: the guests system_* with one CPU, smp_hammer with 1, 2, 4 and 8, each in Vitrine, and
# where qemu-system-i386 is installed the same images there. Every line of a guest is a check. In Vitrine all must hold;
# in QEMU those that do not must stand in tests/guests/system-differences.txt. SYSTEM_QEMU=no leaves QEMU out.
# Usage: VITRINE=build/vitrine tests/system.sh [GUEST...]         (all guests without names)
set -u
cd "$(dirname "$0")/.." || exit 1
vitrine=${VITRINE:-build/vitrine}
guests=$(dirname "$vitrine")/tests/guests
differences=tests/guests/system-differences.txt
qemu=$(command -v qemu-system-i386)
[ "${SYSTEM_QEMU:-yes}" = yes ] || qemu=
[ -n "$qemu" ] || echo "system: no qemu-system-i386: no second opinion"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

fail() { # WHAT
    failed=$((failed + 1))
    echo "FAIL  $*"
}

run_vitrine() { # GUEST CPUS
    timeout 120 "$vitrine" -cpu max -smp "$2" -kernel "$guests/$1.elf" -display none -serial stdio \
        -device isa-debug-exit -limit time=60s </dev/null 2>"$work/err" | tr -d '\r' >"$work/out"
    return "${PIPESTATUS[0]}"
}

# Fewer rounds: a change of code costs QEMU milliseconds. One host thread: with several, other CPUs of QEMU 7.2 now and then
# go on with code that was changed, and the result would be another each time.
run_qemu() { # GUEST CPUS
    timeout 20 "$qemu" -accel tcg,thread=single -cpu max -smp "$2" -kernel "$guests/$1.elf" -append rounds=10 -display none \
        -serial stdio -device isa-debug-exit,iobase=0x501,iosize=1 </dev/null 2>"$work/err" | tr -d '\r' >"$work/qemu"
    return "${PIPESTATUS[0]}"
}

complete() { grep -q "^$1: [0-9]* passed, [0-9]* failed" "$2"; } # GUEST OUTPUT

check_vitrine() { # GUEST CPUS
    local status=0 what="$1, $2 CPU(s)"
    run_vitrine "$1" "$2" || status=$?
    passed=$((passed + $(grep -c '^ok ' "$work/out")))
    while read -r line; do fail "$what: $line"; done < <(grep '^FAILED ' "$work/out")
    if ! complete "$1" "$work/out"; then
        fail "$what: ends early, exit status $status; the last line: $(tail -n 1 "$work/out")"
        sed 's/^/      err| /' "$work/err" | tail -n 12
    elif [ "$1" = smp_hammer ] && ! grep -qx "smp_hammer: CPUs $2" "$work/out"; then
        fail "$what: $(head -n 1 "$work/out")"
    fi
}

# The same run once more must say the same.
check_repeats() { # GUEST CPUS
    cp "$work/out" "$work/first"
    run_vitrine "$1" "$2"
    if cmp -s "$work/first" "$work/out"; then passed=$((passed + 1)); else fail "$1, $2 CPU(s): two runs differ"; fi
}

# A check listed without need is an error, too: the list stays true.
check_qemu() { # GUEST CPUS
    local status=0 name
    run_qemu "$1" "$2" || status=$?
    sed -n 's/^FAILED *\([^: ]*\).*/\1/p' "$work/qemu" | sort -u >"$work/differs"
    complete "$1" "$work/qemu" || echo "(end)" >>"$work/differs"
    sed -n '/^\[qemu\]/,/^\[/p' "$differences" | awk -v guest="$1" '$1 == guest { print $2 }' | sort -u >"$work/known"
    while read -r name; do
        fail "$1, $2 CPU(s), in QEMU: $(grep "^FAILED *$name:" "$work/qemu" || echo "ends early, exit status $status")"
    done < <(sort -u "$work/differs" | comm -23 - "$work/known")
    while read -r name; do
        fail "$1: $name is listed in $differences, but QEMU does as the manual says"
    done < <(sort -u "$work/differs" | comm -13 - "$work/known")
    echo "      $1, $2 CPU(s): QEMU differs in $(wc -l <"$work/differs") checks, $(wc -l <"$work/known") of them explained"
    passed=$((passed + 1))
}

check_guest() { # GUEST CPUS...
    local guest=$1 cpus
    shift
    for cpus in "$@"; do
        check_vitrine "$guest" "$cpus"
        [ "$cpus" = 4 ] && check_repeats "$guest" "$cpus"
        [ -n "$qemu" ] && [ "$cpus" -le 4 ] && check_qemu "$guest" "$cpus"
    done
}

[ $# -gt 0 ] || set -- system_protected system_paging system_tasks system_traps smp_hammer
for guest; do
    if [ ! -e "$guests/$guest.elf" ]; then
        fail "$guests/$guest.elf is missing: make guests"
    elif [ "$guest" = smp_hammer ]; then
        check_guest "$guest" 1 2 4 8
    else
        check_guest "$guest" 1
    fi
done

echo "system: $passed passed, $failed failed"
[ "$failed" = 0 ]
