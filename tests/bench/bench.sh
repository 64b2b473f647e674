#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What Vitrine costs on this machine: `make bench`. Figures are medians of process CPU time over a few runs; compare
# columns of one run with each other, not with other machines. ROUNDS=N changes how many runs there are.
set -eu
cd "$(dirname "$0")/../.."
vitrine=${VITRINE:-build/vitrine}
build=$(dirname "$vitrine")
rounds=${ROUNDS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Median of the numbers on standard input.
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

# CPU seconds (user + system) of a command; its exit status does not matter.
cpu_seconds() {
    local TIMEFORMAT='%U %S'
    { time "$@" </dev/null >/dev/null 2>"$work/err"; } 2>&1 | awk '{print $1 + $2}'
}

# Median over the rounds.
seconds() {
    for _ in $(seq "$rounds"); do cpu_seconds "$@" || true; done | median
}

echo "Guest programs: CPU seconds of the whole run, firmware included, and what of it the workload retires"
printf '%-12s %10s %16s %14s\n' workload seconds instructions "million/s"
boot=$(seconds "$vitrine" -display none "$build/tests/guests/empty.img")
for name in int mem branch irq disk; do
    args=(-display none -device isa-debug-exit -kernel "$build/tests/guests/bench_$name.elf" -snapshot
        -hda "$build/guests/demo.img")
    time=$(seconds "$vitrine" "${args[@]}")
    "$vitrine" "${args[@]}" -stats </dev/null >/dev/null 2>"$work/err" || true
    insns=$(sed -n 's/^cpu: \([0-9]*\) instructions.*/\1/p' "$work/err")
    awk -v n="$name" -v t="$time" -v b="$boot" -v i="$insns" \
        'BEGIN {w = t - b > 0.001 ? t - b : t; printf "%-12s %10.3f %16d %14.0f\n", n, t, i, i / w / 1e6}'
done

echo
echo "Engine loops (no firmware, no devices)"
"$build/tests/bench/bench_cpu"
echo
echo "Memory layer"
"$build/tests/bench/bench_mem"
echo
echo "Disk DMA at 64 KiB requests against plain preadv of the same cached file (aim: at least half)"
"$build/tests/bench/bench_block"

echo
echo "A machine of 128 MiB in a file (aim for the idle one: saved in under 300 ms)"
"$build/tests/bench/bench_state"

echo
echo "Start to exit of an empty boot sector through SeaBIOS (aim: under 60 ms)"
for _ in $(seq "$rounds"); do
    start=$(date +%s%N)
    "$vitrine" -display none "$build/tests/guests/empty.img" </dev/null >/dev/null 2>&1 || true
    echo $((($(date +%s%N) - start) / 1000))
done | median | awk '{printf "%.1f ms wall, median\n", $1 / 1000}'

echo
echo "Peak memory with 128 MiB of guest RAM untouched (aim: under 40 MiB)"
"$vitrine" -m 128 -display none -stats "$build/tests/guests/empty.img" </dev/null 2>&1 >/dev/null |
    sed -n 's/^host: \(.*peak.*\)/\1/p'
