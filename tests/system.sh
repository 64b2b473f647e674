#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# System behaviour by the manual: the guests system_* with one CPU, smp_hammer with 1, 2, 4 and 8, each in Vitrine, and
# where qemu-system-i386 and bochs are installed the same guests there, in bochs from a disk. Every line of a guest is a
# check. In Vitrine all must hold; in the others those that do not must stand in tests/guests/system-differences.txt.
# SYSTEM_QEMU=no leaves the others out, SYSTEM_BOCHS=no bochs alone. BIOS and VGABIOS name bochs's firmware.
# Usage: VITRINE=build/vitrine tests/system.sh [GUEST...]         (all guests without names)
set -u
cd "$(dirname "$0")/.." || exit 1
vitrine=${VITRINE:-build/vitrine}
guests=$(dirname "$vitrine")/tests/guests
differences=tests/guests/system-differences.txt
qemu=$(command -v qemu-system-i386)
[ "${SYSTEM_QEMU:-yes}" = yes ] || qemu=
[ -n "$qemu" ] || echo "system: no qemu-system-i386: no second opinion"
bochs=$(command -v bochs)
[ "${SYSTEM_BOCHS:-${SYSTEM_QEMU:-yes}}" = yes ] || bochs=
bios=${BIOS:-/usr/share/seabios/bios.bin}
if [ -n "$bochs" ] && [ ! -r "$bios" ]; then
    echo "system: bochs has no firmware, $bios"
    bochs=
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 bochs_display=

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
        -serial stdio -device isa-debug-exit,iobase=0x501,iosize=1 </dev/null 2>"$work/err" | tr -d '\r' >"$work/peer"
    return "${PIPESTATUS[0]}"
}

write_bochsrc() { # GUEST DISPLAY
    cat <<END
display_library: $2
romimage: file=$bios
vgaromimage: file=${VGABIOS:-/usr/share/seabios/vgabios-stdvga.bin}
megs: 64
cpu: count=1, ips=100000000, reset_on_triple_fault=0
clock: sync=none
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path="$work/disk.img", mode=flat, cylinders=4, heads=16, spt=63
boot: disk
log: $work/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
com1: enabled=1, mode=file, dev="$work/com1"
speaker: enabled=0
sound: waveoutdrv=dummy
END
}

# It has no port that ends it: waits for the guest's last line. The first way of having no screen that this bochs knows.
run_bochs() { # GUEST
    local library pid
    echo c >"$work/commands" # Debian's bochs waits in its debugger
    for library in ${bochs_display:+"$bochs_display"} nogui 'rfb, options="timeout=0"' term; do
        cp "$guests/$1-disk.img" "$work/disk.img"
        rm -f "$work/disk.img.lock" # left by one that was stopped
        : >"$work/com1"
        write_bochsrc "$1" "$library" >"$work/bochsrc"
        timeout 20 "$bochs" -q -f "$work/bochsrc" -rc "$work/commands" </dev/null >"$work/err" 2>&1 &
        pid=$!
        while kill -0 "$pid" 2>/dev/null && ! complete "$1" "$work/com1"; do sleep 0.1; done
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
        tr -d '\r' <"$work/com1" >"$work/peer"
        [ -s "$work/com1" ] && bochs_display=$library && return 0
    done
    return 1
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
check_peer() { # PEER GUEST CPUS
    local peer=$1 status=0 name
    shift
    "run_$peer" "$1" "$2" || status=$?
    sed -n 's/^FAILED *\([^: ]*\).*/\1/p' "$work/peer" | sort -u >"$work/differs"
    complete "$1" "$work/peer" || echo "(end)" >>"$work/differs"
    awk -v peer="[$peer]" -v guest="$1" '/^\[/ { here = $1 == peer } here && $1 == guest { print $2 }' "$differences" |
        sort -u >"$work/known"
    while read -r name; do
        fail "$1, $2 CPU(s), in $peer: $(grep "^FAILED *$name:" "$work/peer" || echo "ends early, exit status $status")"
    done < <(sort -u "$work/differs" | comm -23 - "$work/known")
    while read -r name; do
        fail "$1: $name is listed in $differences, but $peer does as the manual says"
    done < <(sort -u "$work/differs" | comm -13 - "$work/known")
    echo "      $1, $2 CPU(s): $peer differs in $(wc -l <"$work/differs") checks, $(wc -l <"$work/known") of them explained"
    passed=$((passed + 1))
}

check_guest() { # GUEST CPUS...
    local guest=$1 cpus
    shift
    for cpus in "$@"; do
        check_vitrine "$guest" "$cpus"
        [ "$cpus" = 4 ] && check_repeats "$guest" "$cpus"
        [ -n "$qemu" ] && [ "$cpus" -le 4 ] && check_peer qemu "$guest" "$cpus"
        [ -n "$bochs" ] && [ "$guest" != smp_hammer ] && check_peer bochs "$guest" "$cpus"
    done
}

[ $# -gt 0 ] || set -- system_protected system_paging system_tasks system_traps system_v86 smp_hammer
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
