#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How Vitrine compares with other emulators: `make bench-peers`. One disk image (tests/guests/bench_peers.c) runs in
# $VITRINE and in those of qemu-system-i386 (-accel tcg) and bochs that are installed, row by row and in turn. Times are
# process CPU time, user and system, medians of ROUNDS runs (default 3), less what an image that does nothing costs.
#
# ROWS="sieve int80" picks rows. QEMU, BOCHS and BIOS (for bochs) name other programs and firmware.
set -eu
cd "$(dirname "$0")/../.."
vitrine=${VITRINE:-build/vitrine}
image=$(dirname "$vitrine")/tests/guests/bench_peers.img
qemu=${QEMU:-qemu-system-i386}
bochs=${BOCHS:-bochs}
bios=${BIOS:-/usr/share/seabios/bios.bin}
rounds=${ROUNDS:-3}
longest=${LONGEST:-120} # seconds that a run may take
name_at=532             # boot sector, 20 bytes: see bench_peers.c
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

all_rows="sieve crc32 quicksort arith64 branch calls movs far-copy int80 ports vga apic cr3 fault x87 x87-sin"
rows=${ROWS:-$all_rows}

# What stands beside a row: the most that Vitrine may take, as a part of QEMU's time and of bochs's; 0: not said.
aims() { # row
    case $1 in
    sieve | crc32 | quicksort | arith64 | branch | calls) echo 3 0.25 ;;
    int80 | ports | vga | apic | cr3 | fault) echo 0.5 0 ;;
    x87 | x87-sin) echo 1 0 ;;
    *) echo 0 0 ;;
    esac
}

unit() { # row
    case $1 in
    movs) echo "MiB" ;;
    far-copy) echo "dword" ;;
    int80) echo "round trip" ;;
    ports | vga | apic) echo "access" ;;
    cr3) echo "reload" ;;
    fault) echo "fault" ;;
    x87) echo "insn" ;;
    x87-sin) echo "fsin" ;;
    esac
}

# ---- the programs; each runs $work/ROW.img, its port E9h is standard output ----

run_vitrine() {
    timeout $longest "$vitrine" -m 64 -display none -debugcon stdio -device isa-debug-exit,iobase=0x501,iosize=1 -snapshot \
        -hda "$work/$1.img"
}

run_qemu() {
    timeout $longest "$qemu" -accel tcg -m 64 -display none -debugcon stdio -device isa-debug-exit,iobase=0x501,iosize=1 -net none \
        -drive "file=$work/$1.img,format=raw,if=ide,snapshot=on"
}

run_bochs() {
    sed "s|@IMAGE@|$work/$1.img|" "$work/bochsrc" >"$work/bochsrc.row"
    timeout $longest "$bochs" -q -f "$work/bochsrc.row" -rc "$work/bochs.commands"
}

write_bochsrc() {
    local vgabios=/usr/share/seabios/vgabios-stdvga.bin
    cat >"$work/bochsrc" <<END
display_library: $1
romimage: file=$bios
vgaromimage: file=${VGABIOS:-$vgabios}
megs: 64
cpu: count=1, ips=100000000, reset_on_triple_fault=0
clock: sync=none
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path="@IMAGE@", mode=flat, cylinders=4, heads=16, spt=63
boot: disk
log: $work/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
port_e9_hack: enabled=1
speaker: enabled=0
sound: waveoutdrv=dummy
END
    echo c >"$work/bochs.commands" # Debian's bochs waits in its debugger
}

# The first way of having no screen that this bochs knows. Else says why it can not take part.
bochs_works() {
    local library
    command -v "$bochs" >/dev/null || { echo "bochs is not installed: no column for it"; return 1; }
    [ -r "$bios" ] || { echo "bochs has no firmware, $bios (Debian: seabios): no column for it"; return 1; }
    for library in nogui 'rfb, options="timeout=0"' term; do
        write_bochsrc "$library"
        one_run bochs empty >/dev/null && return 0
    done
    echo "bochs does not start without a screen, see: $(grep -m1 PANIC "$work/bochs.log" 2>/dev/null)"
    return 1
}

# ---- measuring ----

make_image() { # row
    cp "$image" "$work/$1.img"
    printf '%s\0' "$1" | dd of="$work/$1.img" bs=1 seek=$name_at conv=notrunc status=none
}

# program, row: its CPU seconds. False if it did not do what it should, or not in time.
one_run() {
    local TIMEFORMAT='%3U %3S' times
    times=$({ time "run_$1" "$2" </dev/null >"$work/out" 2>"$work/err"; } 2>&1) || true
    grep -aq "$2 good" "$work/out" || return 1
    echo "$times" | awk '{print $1 + $2}'
}

median() { sort -n "$1" | awk '{v[NR] = $1} END {print NR ? v[int((NR + 1) / 2)] : "-"}'; }

operations() { awk -v row="$1" '$1 == row && $2 == "good" {print $3}' "$work/operations"; }

# Measures a row in every program, in turn; what they needed goes to $work/PROGRAM.ROW, a line each.
measure() { # row
    local program seconds
    for program in $programs; do
        if seconds=$(one_run "$program" "$1"); then
            echo "$seconds" >>"$work/$program.$1"
            [ "$program" != vitrine ] || tr -d '\r' <"$work/out" >>"$work/operations"
        else
            echo "$program: row $1 failed or took more than $longest s" >&2
        fi
    done
}

# Median of a program's row, less its median of the row `empty`; "-" without.
cost() { # program, row
    [ -s "$work/$1.$2" ] && [ -s "$work/$1.empty" ] || { echo -; return; }
    awk -v t="$(median "$work/$1.$2")" -v e="$(median "$work/$1.empty")" \
        'BEGIN {d = t - e; printf "%.3f\n", (d > 0.001 ? d : 0.001)}'
}

report_row() { # row
    awk -v row="$1" -v v="$(cost vitrine "$1")" -v q="$(cost qemu "$1")" -v b="$(cost bochs "$1")" \
        -v n="$(operations "$1" | head -1)" -v unit="$(unit "$1")" -v aims="$(aims "$1")" '
        function part(x) { return x == "-" || v == "-" ? "-" : sprintf("%.3g", v / x) }
        function each(x) { return x == "-" || n + 0 == 0 ? "-" : sprintf("%.1f", x / n * 1e9) }
        function met(x, most) { return x == "-" || v == "-" || most == 0 ? 1 : v / x <= most }
        BEGIN {
            split(aims, most, " ")
            aim = most[1] ? "<= " most[1] " qemu" : ""
            if (most[2]) aim = aim ", <= " most[2] " bochs"
            if (aim) aim = aim (met(q, most[1]) && met(b, most[2]) ? ": met" : ": MISSED")
            if (row == "movs") aim = sprintf("memory speed: %.1f GB/s", n * 1048576 / v / 1e9)
            printf "%-10s %8s %8s %8s %8s %8s  %9s %9s %9s %-11s %s\n", row, v, q, b, part(q), part(b),
                   each(v), each(q), each(b), unit, aim
        }'
}

programs=vitrine
make_image empty
if command -v "$qemu" >/dev/null; then
    programs="$programs qemu"
else
    echo "qemu-system-i386 is not installed: no column for it"
fi
if bochs_works; then programs="$programs bochs"; fi

for row in $rows; do make_image "$row"; done
for _ in $(seq "$rounds"); do
    for row in empty $rows; do measure "$row"; done
done

echo "CPU seconds less those of starting; Vitrine's divided by the other's; nanoseconds per operation"
printf '%-10s %8s %8s %8s %8s %8s  %9s %9s %9s %-11s %s\n' row vitrine qemu bochs v/qemu v/bochs vitrine qemu bochs \
    "ns per" aim
for row in $rows; do report_row "$row"; done
printf 'start and end:'
for program in $programs; do printf ' %s %s s' "$program" "$(median "$work/$program.empty")"; done
echo
