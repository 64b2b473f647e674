#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Disks beside qemu-system-i386: the second half of `make bench-peers`. The same guests (guests/idebench, guests/ahci) read
# the same image in $VITRINE and in QEMU (-M pc -accel tcg), row by row and in turn. Times are process CPU time, user and
# system, medians of ROUNDS runs (default 3), less what the guest costs when it reads next to nothing. bochs has no AHCI
# and no Multiboot loader, so it has no column.
#
# DISK_ROWS="pio ahci" picks rows; "none" is none of them. QEMU names another program.
set -eu
cd "$(dirname "$0")/../.."
vitrine=${VITRINE:-build/vitrine}
guests=$(dirname "$vitrine")/guests
qemu=${QEMU:-qemu-system-i386}
rounds=${ROUNDS:-3}
longest=${LONGEST:-120} # seconds that a run may take
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

all_rows="dma-polled dma-irq request pio ahci ahci-random"
rows=${DISK_ROWS:-$all_rows}

# What a row runs: guest, word of its command line, requests, bytes of each, more words.
describe() { # row
    case $1 in
    dma-polled) echo idebench dma-polled 40000 65536 ;;
    dma-irq) echo idebench dma-irq 40000 65536 ;;
    request) echo idebench dma-irq 100000 512 sectors=1 ;;
    pio) echo idebench pio 4000 65536 ;;
    ahci) echo ahci sequential 40000 65536 ;;
    ahci-random) echo ahci random 320000 4096 ;;
    *) echo "bench-peers-disk: no row $1" >&2 && return 1 ;;
    esac
}

run_vitrine() { # guest, command line
    local drive="file=$work/disk,format=raw" devices=()
    if [ "$1" = ahci ]; then
        drive="$drive,if=none,id=d"
        devices=(-device ich9-ahci,id=sata -device ide-hd,drive=d,bus=sata.0)
    fi
    timeout "$longest" "$vitrine" -m 64 -display none -serial stdio -kernel "$guests/$1.elf" -append "$2" -stats \
        -drive "$drive" "${devices[@]}"
}

run_qemu() { # guest, command line
    local drive="file=$work/disk,format=raw" devices=()
    if [ "$1" = ahci ]; then
        drive="$drive,if=none,id=d"
        devices=(-device ich9-ahci,id=sata -device ide-hd,drive=d,bus=sata.0)
    fi
    timeout "$longest" "$qemu" -M pc -accel tcg -m 64 -display none -serial stdio -net none -kernel "$guests/$1.elf" \
        -append "$2" -drive "$drive" "${devices[@]}"
}

# program, guest, command line: CPU seconds. False if the guest did not come to its end, or not in time.
one_run() {
    local TIMEFORMAT='%3U %3S' times
    times=$({ time "run_$1" "$2" "$3" </dev/null >"$work/out" 2>"$work/err"; } 2>&1) || true
    grep -aq "$2: measured" "$work/out" || { echo "$1: $2 with $3 failed or took more than $longest s" >&2; return 1; }
    echo "$times" | awk '{print $1 + $2}'
}

measure() { # row
    local program guest word times bytes more seconds
    read -r guest word times bytes more <<<"$(describe "$1")"
    for program in $programs; do
        one_run "$program" "$guest" "$word=32 $more" >>"$work/$program.$1.base" || return 0
        seconds=$(one_run "$program" "$guest" "$word=$times $more") || return 0
        echo "$seconds" >>"$work/$program.$1"
        [ "$program" != vitrine ] ||
            cat "$work/out" "$work/err" | sed -n 's/.*: vectors of .*; \([0-9]*\) host calls.*/\1/p' >"$work/calls.$1"
    done
}

median() { sort -n "$1" | awk '{v[NR] = $1} END {print NR ? v[int((NR + 1) / 2)] : "-"}'; }

cost() { # program, row
    [ -s "$work/$1.$2" ] && [ -s "$work/$1.$2.base" ] || { echo -; return; }
    awk -v t="$(median "$work/$1.$2")" -v e="$(median "$work/$1.$2.base")" \
        'BEGIN {d = t - e; printf "%.3f\n", (d > 0.001 ? d : 0.001)}'
}

report_row() { # row
    local guest word times bytes more
    read -r guest word times bytes more <<<"$(describe "$1")"
    awk -v row="$1" -v v="$(cost vitrine "$1")" -v q="$(cost qemu "$1")" -v n="$times" -v bytes="$bytes" \
        -v calls="$(cat "$work/calls.$1" 2>/dev/null)" '
        function rate(x) { return x == "-" ? "-" : sprintf("%.0f", n * bytes / x / 1e6) }
        function each(x) { return x == "-" ? "-" : sprintf("%.2f", x / n * 1e6) }
        BEGIN {
            part = v == "-" || q == "-" ? "-" : sprintf("%.3g", v / q)
            aim = row == "pio" ? "MB/s >= 700" : "v/qemu <= 1"
            met = row == "pio" ? v != "-" && rate(v) + 0 >= 700 : part == "-" || part <= 1
            printf "%-12s %8s %8s %8s  %8s %8s  %8s %8s  %9s %10s  %s: %s\n", row, v, q, part, rate(v), rate(q), each(v),
                   each(q), bytes, calls == "" ? "-" : sprintf("%.2f", calls / n), aim, met ? "met" : "MISSED"
        }'
}

[ "$rows" != none ] || exit 0
for row in $rows; do describe "$row" >/dev/null; done
programs=vitrine
if command -v "$qemu" >/dev/null; then
    programs="$programs qemu"
else
    echo "qemu-system-i386 is not installed: no column for it"
fi
head -c 8M /dev/urandom >"$work/disk"
for _ in $(seq "$rounds"); do
    for row in $rows; do measure "$row"; done
done

echo "Disks: CPU seconds less those of starting; MB/s and microseconds per request of that; host I/O calls of Vitrine"
printf '%-12s %8s %8s %8s  %8s %8s  %8s %8s  %9s %10s  %s\n' row vitrine qemu v/qemu v:MB/s q:MB/s v:us q:us bytes \
    calls/req aim
for row in $rows; do report_row "$row"; done
