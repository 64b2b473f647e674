#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Debian's i386 Linux kernel in the real program: to a shell script of ours, which mounts an ext4 disk by DMA (ata_piix),
# checks files by checksum, writes, syncs and powers off; the host then checks the image. With 1 and 4 CPUs, in direct,
# indirect and faulty memory, and twice where the second run must be the first, byte for byte and to the instruction.
# Usage: VITRINE=build/vitrine tests/linux/run.sh [acpi|long]      (acpi: only the last part, restart and power button;
# long: every mode of memory instead of some)
set -u
cd "$(dirname "$0")/../.." || exit 1
vitrine=${VITRINE:-build/vitrine}
linux=$(dirname "$vitrine")/linux
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

bash tests/linux/fetch.sh "$linux" || exit 2
version=$(cat "$linux/version")
# crc32c_generic: ext4's checksums; nothing in the module list names it.
bash tests/linux/initrd.sh "$linux" tests/linux/init.sh "$work/initrd.gz" ata_piix sd_mod ext4 crc32c_generic || exit 2

bash tests/linux/disk.sh "$work/disk" || exit 2

check() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL  linux, $name: $what (exit status $status)"
        tail -n 15 "$work/out" | sed 's/^/      | /'
        tail -n 5 "$work/err" | sed 's/^/      err| /'
    fi
}

boot() { # NAME OPTIONS...
    name=$1
    shift
    local start=$SECONDS
    cp "$work/disk" "$work/$name.img"
    status=0
    # The kernel's own tests of its ciphers are most of its boot, and none of ours.
    timeout 300 "$vitrine" -m 128 -nographic -stats "$@" -kernel "$linux/root/boot/vmlinuz-$version" \
        -initrd "$work/initrd.gz" -append "console=ttyS0 panic=-1 quiet cryptomgr.notests" -hda "$work/$name.img" \
        </dev/null >"$work/out" 2>"$work/err" || status=$?
    grep '^cpu: ' "$work/err" >>"$work/out"
    cp "$work/out" "$work/$name.out"
    check "powers off" [ "$status" = 0 ]
    check "comes to its end" grep -q "linux: done" "$work/out"
    check "nothing failed" bash -c '! grep -q FAILED "$1"' sh "$work/out"
    check "checksums" grep -q "checksums of 4 files right" "$work/out"
    check "DMA was used" grep -q "ide: dma: [1-9][0-9]* mappings" "$work/err"
    check "nothing is left mapped" grep -q "^ide: .* 0 live" "$work/err"
    check "the image is sound" e2fsck -fn "$work/$name.img" >"$work/fsck" 2>&1
    debugfs -R "cat out/note" "$work/$name.img" >"$work/note" 2>/dev/null
    check "what it wrote is there" grep -q "written by the guest" "$work/note"
    echo "      linux, $name: $((SECONDS - start)) s, $(sed -n 's/^cpu: //p' "$work/out")"
}

# What a guest wrote, and what it said of itself: the same in each mode of reaching memory. The image itself differs, as
# ext4 keeps times; what is compared are the files, byte for byte, as debugfs takes them out.
files_of() { # IMAGE
    local file
    for file in out/copy1 out/copy2 out/copy3 out/copy4 out/sum1 out/sum2 out/sum3 out/sum4 out/note; do
        debugfs -R "cat $file" "$1" 2>/dev/null | sha256sum
    done
}

compare() { # FIRST
    files_of "$work/$name.img" >"$work/$name.files"
    [ -e "$work/$1.files" ] || files_of "$work/$1.img" >"$work/$1.files"
    check "the same files as $1" cmp "$work/$name.files" "$work/$1.files"
    check "the same words as $1" diff <(grep '^linux: ' "$work/$name.out") <(grep '^linux: ' "$work/$1.out")
}

all_boots() {
    boot one-direct -smp 1
    boot one-again -smp 1
    check "the same run twice" cmp "$work/one-direct.out" "$work/one-again.out"
    check "the same disk twice" cmp "$work/one-direct.img" "$work/one-again.img"
    boot one-indirect -smp 1 -M pc,dma=indirect
    check "bounces" grep -q "^ide: .* bytes in [1-9][0-9]* bounces" "$work/err"
    compare one-direct
    boot one-faulty -smp 1 -M pc,dma=faulty,seed=1,checker=on
    check "retries" grep -q "^ide: .* [1-9][0-9]* retries" "$work/err"
    check "nothing misused" grep -q "^ide: checker: 0 findings" "$work/err"
    compare one-direct
    boot four-direct -smp 4
    check "four CPUs" grep -q "4 CPUs" "$work/out"
    boot four-indirect -smp 4 -M pc,dma=indirect,max-bounce-buffer-size=1M
    compare four-direct
    boot four-again -smp 4 -M pc,dma=indirect,max-bounce-buffer-size=1M
    check "the same run twice" cmp "$work/four-indirect.out" "$work/four-again.out"
}

# `make test-long`: every mode, with 1 and 4 CPUs.
long_boots() {
    local cpus mode
    for cpus in 1 4; do
        boot "$cpus-direct" -smp "$cpus"
        for mode in indirect indirect,max-bounce-buffer-size=1M faulty,seed=1 faulty,seed=2 \
            faulty,seed=3,max-bounce-buffer-size=1M; do
            boot "$cpus-${mode//[,=]/-}" -smp "$cpus" -M "pc,dma=$mode,checker=on"
            check "nothing misused" grep -q "^ide: checker: 0 findings" "$work/err"
            compare "$cpus-direct"
        done
    done
}
case ${1-} in
acpi) ;;
long) long_boots ;;
*) all_boots ;;
esac

# ACPI: the reset register, and the power button, which we press when the guest listens.
bash tests/linux/initrd.sh "$linux" tests/linux/button-init.sh "$work/button.gz" button evdev || exit 2
options=(-m 128 -nographic -kernel "$linux/root/boot/vmlinuz-$version" -initrd "$work/button.gz")
name=restart status=0
timeout 120 "$vitrine" -no-reboot "${options[@]}" -append "console=ttyS0 quiet cryptomgr.notests restart" \
    </dev/null >"$work/out" 2>"$work/err" || status=$?
check "restarts" grep -q "Restarting system" "$work/out"
check "which -no-reboot makes the end" [ "$status" = 0 ]

name=button status=0
mkfifo "$work/in"
timeout 120 "$vitrine" "${options[@]}" -append "console=ttyS0 quiet cryptomgr.notests" \
    <"$work/in" >"$work/out" 2>"$work/err" &
machine=$!
exec 3>"$work/in"
for _ in $(seq 600); do
    grep -q "waiting for the power button" "$work/out" && break
    sleep 0.1
done
printf '\001p' >&3
wait "$machine" || status=$?
exec 3>&-
check "the guest hears its power button" grep -q "linux: pressed" "$work/out"
check "and powers off" [ "$status" = 0 ]

echo "linux: $passed passed, $failed failed"
[ "$failed" = 0 ]
