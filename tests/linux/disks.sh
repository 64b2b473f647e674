#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Debian's i386 Linux with ata_piix and ahci at once: a disk and a CD on each, and a floppy. Copies by many at once,
# queues full of requests, CDs and a change of disc, TRIM, modes of transfer, in direct, indirect (4 KiB) and faulty
# memory; disks that fail for once or for ever, or stop the machine; machines saved while requests are in flight. What
# the guest does is in disks-init.sh. The host then checks the images with e2fsck and debugfs, and checksums.
#
# One boot serves all: it is saved before a driver is loaded, and every run goes on from there with its own copies of
# the images, its own kind of memory and its own faults, which are no part of a saved machine.
# Usage: VITRINE=build/vitrine tests/linux/disks.sh [long]
set -u
cd "$(dirname "$0")/../.." || exit 1
vitrine=$(realpath "${VITRINE:-build/vitrine}")
build=$(dirname "$vitrine")
linux=$build/linux
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 status=0
waiting=32 # s of virtual time: by then the guest waits for what it is to do

bash tests/linux/fetch.sh "$linux" || exit 2
version=$(cat "$linux/version")
# crc32c_generic: ext4's checksums; nothing in the module list names it.
TOOL=$build/tests/guests/disktool bash tests/linux/initrd.sh "$linux" tests/linux/disks-init.sh "$work/initrd.gz" \
    ata_piix ahci sd_mod sr_mod isofs floppy ext4 crc32c_generic || exit 2
cd "$work" || exit 1

# --- images -----------------------------------------------------------------------------------------------------------

for kind in ide sata cd1 cd2 cd3 cd4; do
    mkdir "$kind"
    for i in 1 2 3 4; do
        awk -v n=$((i * 12000 + 17)) -v s="$i" -v kind="$kind" \
            'BEGIN {for (k = 0; k < n; k++) printf "%s %d %d\n", kind, k, (k * 7919 + s) % 10007}' >"$kind/data$i"
    done
    echo "label-of-$kind" >"$kind/label"
    (cd "$kind" && md5sum data* >SUMS)
    case $kind in
    cd*) xorriso -as mkisofs -quiet -R -o "$kind.iso" "$kind" 2>xorriso.log || { cat xorriso.log >&2; exit 2; } ;;
    *) truncate -s 64M "$kind.clean" && mke2fs -q -t ext4 -d "$kind" "$kind.clean" 48M || exit 2 ;;
    esac
done
mkdir floppy
head -c 200000 ide/data2 >floppy/data1
head -c 300000 sata/data3 >floppy/data2
(cd floppy && md5sum data* >SUMS)
truncate -s 1440K floppy.clean && mke2fs -q -t ext2 -d floppy floppy.clean || exit 2

sum_of() { md5sum <"$1" | cut -c 1-32; }
# The sectors of a file on one of the disks: those of its blocks FIRST to LAST, which lie in one piece.
sectors_of() { # KIND FILE FIRST LAST
    local first last
    first=$(debugfs -R "bmap $2 $3" "$1.clean" 2>/dev/null) last=$(debugfs -R "bmap $2 $4" "$1.clean" 2>/dev/null)
    local size
    size=$(dumpe2fs -h "$1.clean" 2>/dev/null | sed -n 's/^Block size: *//p')
    echo "$((first * size / 512))-$(((last + 1) * size / 512 - 1))"
}

# --- runs -------------------------------------------------------------------------------------------------------------

check() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@"; then passed=$((passed + 1)); return; fi
    failed=$((failed + 1))
    echo "FAIL  disks, $name: $what (exit status $status)"
    grep -v '^linux: sums right' "$name.out" | tail -n 15 | sed 's/^/      | /'
    grep '^vitrine' "$name.err" | tail -n 3 | sed 's/^/      err| /'
}
says() { check "says: $1" grep -q "^linux: $1" "$name.out"; }
says_so_often() { check "says $1 times: $2" [ "$(grep -c "^linux: $2" "$name.out")" = "$1" ]; }
never() { check "says: $1" bash -c '! grep -q "$1" "$2"' sh "$1" "$name.out"; }

fresh() { for kind in ide sata floppy; do cp --sparse=always "$kind.clean" "$kind.img"; done; }

# machine OPTIONS...: with what $ide, $sata, $ide_cd and $sata_cd say of its drives.
machine() {
    exec "$vitrine" -m 128 -nographic -stats -kernel "$linux/root/boot/vmlinuz-$version" -initrd initrd.gz \
        -append "console=ttyS0 panic=-1 quiet cryptomgr.notests" -fda floppy.img \
        -device ich9-ahci,id=sata -device ide-hd,drive=s0,bus=sata.0 -device ide-cd,drive=s1,bus=sata.1 \
        -drive "index=0,file=ide.img$ide" -drive "if=none,id=s0,file=sata.img$sata" \
        -drive "index=2,media=cdrom,file=cd1.iso" -drive "if=none,id=s1,media=cdrom,file=cd2.iso" "$@"
}

# run NAME OPTIONS...: what standard input tells the guest to do, on images as they are.
run() {
    name=$1 status=0
    shift
    (machine -limit time=1000s "$@") >"$name.out" 2>"$name.err" || status=$?
    grep -E '^(cpu|state): ' "$name.err" >"$name.end"
}

# go NAME WORDS OPTIONS...: on fresh images from where the guest waits, to its end.
go() {
    local words=$2
    name=$1
    shift 2
    fresh
    run "$name" -loadvm booted.vm "$@" <<<"$words; end"
    ends_well
}
ends_well() {
    check "powers off" [ "$status" = 0 ]
    says 'done'
    never FAILED
    check "nothing is left mapped" [ "$(grep -c 'dma: .* 0 live' "$name.err")" -ge 2 ]
    check "IDE image is sound" e2fsck -fn ide.img >"$name.fsck" 2>&1
    check "SATA image is sound" e2fsck -fn sata.img >"$name.fsck" 2>&1
    echo "      disks, $name: $(sed -n 's/^host: .*peak, //p' "$name.err"), $(most_bounces)"
}
most_bounces() { sed -n 's/^sata: dma: .* bytes in \([0-9]* bounces\).*/sata: \1/p' "$name.err"; }

memory() { # MODE[,PROPERTY...]: all controllers
    local driver
    options=()
    for driver in piix3-ide ich9-ahci i8237; do
        for property in ${1//,/ }; do options+=(-global "$driver.$property"); done
    done
}

# What the workers wrote, as the host finds it in the images.
files_right() { # HOW-MANY KIND...
    local i from to many=$1
    shift
    for kind; do
        for file in data1 data2 data3 data4 SUMS; do
            debugfs -R "cat $file" "$kind.img" 2>/dev/null | cmp -s - "$kind/$file" || return 1
        done
    done
    for i in $(seq "$many"); do
        to=sata from=ide
        [ $((i % 2)) = 1 ] || to=ide from=sata
        debugfs -R "cat out$i/copy" "$to.img" 2>/dev/null | cmp -s - "$from/data$((i % 4 + 1))" || return 1
        debugfs -R "cat out$i/all" "$to.img" 2>/dev/null | cmp -s - <(cat "$from"/data?) || return 1
    done
}

# How many requests of a disk (disk=s0) or commands of a port (port=sata-p0) are in flight after each line of a trace.
in_flight='
    function count() {
        if ($3 != who) return 0
        if ($2 == "block.submit" || $2 == "ahci.command") { now++; return 1 }
        if ($2 == "block.done" || $2 == "block.cancel" || $2 == "ahci.end") { now--; return 1 }
        return 0
    }'
depth_of() { # WHO: the most
    awk -v who="$1" "$in_flight"' count() && now > most { most = now } END { print most + 0 }' "$name.trace"
}
# COUNT virtual times, spread over the run, at which at least so many are in flight.
instants() { # WHO DEPTH COUNT
    awk -v who="$1" -v depth="$2" -v wanted="$3" "$in_flight"'
        { before = now }
        count() {
            if (before >= depth && $1 > from + 1) at[++n] = int((from + $1) / 2)
            from = $1
        }
        END { for (i = 0; n && i < wanted; i++) printf "%.0f\n", at[1 + int((i + 0.5) * n / wanted)] }' "$name.trace"
}

cds_right() {
    says "IDE CD $(sum_of cd1.iso)"
    says "SATA CD $(sum_of cd2.iso)"
    says_so_often 2 "sums right in /cd"
}

# --- what is tried ----------------------------------------------------------------------------------------------------

# boot [MEMORY]: what depends on it in a saved machine is the limit of bounce buffers, and what comes of the seed.
boot() {
    ide='' sata=''
    memory "${1:-dma=direct}"
    fresh
    rm -f booted.vm
    run boot "${options[@]}" -savevm-at "${waiting}s,booted.vm" -limit "time=${waiting}s" </dev/null
    says waiting
    [ -e booted.vm ] || exit 1
    echo "      disks, boot: $(sed -n 's/^host: .*peak, //p' boot.err), saved in $(stat -c %s booted.vm) bytes"
}

# All that works, in one kind of memory.
everything() { # NAME MEMORY WORKERS DEPTH
    ide='' sata=',latency.fixed=500us'
    memory "$2"
    go "$1" "drivers; mounts; sums /ide /sata; workers $3; unmounts; trims; depths; cds; trays; settings; floppy" \
        "${options[@]}" -trace 'block.*' -trace ahci.command -trace ahci.end \
        -D "$1.trace"
    says "$3 workers done"
    says trimmed
    says "many done"
    says "trays opened and closed"
    says "settings done"
    says "floppy unmounted"
    says "queue depth of sdb: 32"
    says "exceptions 0"
    says_so_often 1 "sums right in /ide"
    says_so_often 1 "sums right in /sata"
    says_so_often 3 "sums right in /cd" # two CDs and the floppy
    says "IDE CD $(sum_of cd1.iso)"
    says "SATA CD $(sum_of cd2.iso)"
    check "the host finds what was written" files_right "$3" ide sata
    check "the floppy is sound" e2fsck -fn floppy.img >"$name.fsck" 2>&1
    check "the floppy's note" grep -q "written by the guest" <(debugfs -R "cat note" floppy.img 2>/dev/null)
    check "discards came" grep -q 'block.submit disk=s0 op=discard' "$name.trace"
    check "discards came, by IDE" grep -q 'block.submit disk=hda op=discard' "$name.trace"
    commands=$(depth_of port=sata-p0) requests=$(depth_of disk=s0)
    check "IDE has one request in flight" [ "$(depth_of disk=hda)" = 1 ]
    check "32 commands in flight at once, not $commands" [ "$commands" = 32 ]
    # Under a limit of 4 KiB of bounce buffers a request gets at least a sector's, and others wait: 8 at once.
    check "so many requests in flight at once, not $requests" [ "$requests" = "$4" ]
    echo "      disks, $1: at the most $commands commands and $requests requests in flight;" \
        "$(sed -n 's/^sata: dma: \([0-9]* maps\)/\1/p' "$name.err")"
    rm "$1.trace"
}

# PIO and DMA, with and without queues: the drivers are loaded again for each.
transfer_modes() { # WORD...
    ide='' sata=''
    memory dma=direct
    go modes "drivers; modes $*" "${options[@]}"
    for word; do says "mode $word:"; done
    case " $* " in *" pio0 "*) says "mode pio0: XFER_PIO_0 XFER_PIO_0" ;; esac
    says_so_often $# "sums right in /ide"
    says_so_often $# "sums right in /sata"
    says "exceptions 0"
}

# Errors that go away: libata tries again, the page cache reads again, and nobody sees a thing.
# Every so many requests are in error; a command is one, or hundreds where it bounces by 4 KiB, and must get through.
transient() { # MEMORY EVERY
    local ide_file sata_file
    ide_file=$(sectors_of ide data2 20 40) sata_file=$(sectors_of sata data3 30 50)
    ide=",fault=write:every=$2,fault=read:sector=$ide_file:once"
    sata=",fault=write:every=$2,fault=read:sector=$sata_file:once"
    memory "$1"
    go "transient-${1//[,=]/-}" "drivers; mounts; sums /ide /sata; workers 4; write_behind; unmounts" "${options[@]}"
    says_so_often 1 "sums right in /ide"
    says_so_often 1 "sums right in /sata"
    says "4 workers done"
    says "written behind"
    says "exceptions [1-9]"
    check "disks had errors" [ "$(grep -Ec '^(hda|s0): .* flushes, [1-9][0-9]* errors' "$name.err")" = 2 ]
    check "the host finds what was written" files_right 4 ide sata
    echo "      disks, $name: $(sed -n 's/^linux: exceptions/exceptions of libata:/p' "$name.out")," \
        "$(sed -nE 's/^(hda|s0): .* flushes, (.*) errors/\1 \2/p' "$name.err" | tr '\n' ' ')errors"
}

# Errors that stay: the file that has them cannot be read, all others can; a place that cannot be written is reported.
permanent() { # MEMORY
    ide=",fault=read:sector=$(sectors_of ide data2 20 20),fault=write:sector=114688-114815"
    sata=",fault=read:sector=$(sectors_of sata data3 30 30),fault=write:sector=116736-116863"
    memory "$1"
    go "permanent-${1//[,=]/-}" "drivers; mounts; broken /ide data2; broken /sata data3; unmounts; broken_writes" \
        "${options[@]}"
    says "/ide/data2: I/O error"
    says "/sata/data3: I/O error"
    says "56: write error"
    says "57: write error"
    check "the host finds all as it was" files_right 0 ide sata
}

# A disk's error stops the machine instead, until SIGCONT: the guest never knows.
stops() {
    local stops=0 machine
    ide=",werror=enospc,fault=write:command=3:once:error=enospc"
    ide="$ide,rerror=stop,fault=read:sector=$(sectors_of ide data2 20 40):once"
    sata=",werror=stop,fault=write:command=2:once"
    sata="$sata,rerror=stop,fault=read:sector=$(sectors_of sata data3 30 50):once"
    name=stops status=0
    fresh
    (machine -limit time=1000s -loadvm booted.vm) <<<"drivers; mounts; sums /ide /sata; workers 2; unmounts; end" \
        >stops.out 2>stops.err &
    machine=$!
    for _ in $(seq 600); do
        kill -0 "$machine" 2>/dev/null || break
        while [ "$(grep -c "kill -CONT" stops.err)" -gt "$stops" ]; do
            stops=$((stops + 1))
            kill -CONT "$machine"
        done
        sleep 0.1
    done
    kill "$machine" 2>/dev/null
    wait "$machine" || status=$?
    ends_well
    check "stopped four times, not $stops" [ "$stops" = 4 ]
    says_so_often 1 "sums right in /ide"
    says_so_often 1 "sums right in /sata"
    says "exceptions 0"
    check "the host finds what was written" files_right 2 ide sata
}

# The host changes both discs while the guest looks.
change() {
    local out=$((waiting + 8)) in=$((waiting + 12))
    ide='' sata=''
    memory dma=direct
    go change "drivers; changes" "${options[@]}" -medium-at "${out}s,hdc" -medium-at "${out}s,s1" \
        -medium-at "${in}s,hdc,cd3.iso" -medium-at "${in}s,s1,cd4.iso"
    says "IDE CD was label-of-cd1"
    says "SATA CD was label-of-cd2"
    says "both CDs are out"
    says "IDE CD is label-of-cd3 $(sum_of cd3.iso)"
    says "SATA CD is label-of-cd4 $(sum_of cd4.iso)"
    says "exceptions 0"
}

# --- machines saved with requests in flight ---------------------------------------------------------------------------

saved() { # MEMORY INSTANTS-OF-EACH
    local at number=0 before words="drivers; mounts; sums /ide; depths; unmounts; cds"
    ide=',latency.fixed=200us' sata=',latency.fixed=500us'
    memory "$1"
    go whole "$words" "${options[@]}" -trace 'block.*' -trace ahci.command -trace ahci.end -D whole.trace
    cds_right
    mv ide.img whole.ide
    mv sata.img whole.sata
    for who in "port=sata-p0 20" "disk=hda 1" "disk=hdc 1" "disk=s1 1"; do
        # shellcheck disable=SC2086
        instants $who "$2"
    done | sort -n >times
    fresh
    : >said
    before=booted.vm
    # What a run saves, the next one loads: with the images as that instant left them.
    while read -r at; do
        number=$((number + 1))
        run "saved$number" -loadvm "$before" "${options[@]}" -savevm-at "${at}ns,$number.vm" \
            -limit "time=${at}ns" < <([ "$number" = 1 ] && echo "$words; end")
        check "saves at $at ns" [ -s "$number.vm" ]
        cat "$name.out" >>said
        [ "$number" = 1 ] || rm -f "$before"
        before=$number.vm
    done <times
    run loaded -loadvm "$before" "${options[@]}" </dev/null
    cat loaded.out >>said
    check "as many instants as there should be: $number" [ "$number" = $(($2 * 4)) ]
    check "ends otherwise: $(tail -n 1 loaded.end), not $(tail -n 1 whole.end)" cmp -s loaded.end whole.end
    check "the same IDE image" cmp ide.img whole.ide
    check "the same SATA image" cmp sata.img whole.sata
    check "the same words" cmp said whole.out
    echo "      disks, saved, $1: $number instants, $(tail -n 1 loaded.end)"
    rm -f ./*.vm.tmp "$before" saved*.out saved*.err
}

boot
everything direct dma=direct 6 32
everything indirect dma=indirect 4 8
everything faulty dma=faulty,seed=1 4 32
transfer_modes pio0 mwdma2 noncq
transient dma=direct 7
permanent dma=indirect
stops
change
saved dma=indirect 1
if [ "${1-}" = long ]; then
    transfer_modes pio0 pio3 pio4 mwdma0 mwdma1 mwdma2 udma2 udma5 noncq nodma
    saved dma=direct 10
    permanent dma=direct
    for mode in dma=indirect dma=indirect,max-bounce-buffer-size=1M dma=faulty,seed=2 dma=faulty,seed=3; do
        boot "$mode"
        case $mode in dma=indirect) most=8 every=1000 ;; *) most=32 every=13 ;; esac
        everything "${mode//[,=]/-}" "$mode" 12 $most
        transient "$mode" $every
        permanent "$mode"
        saved "$mode" 10
    done
fi

echo "disks: $passed passed, $failed failed"
[ "$failed" = 0 ]
