#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Real guests in the real program: firmware, boot loader, memory tester, demo; determinism; triple fault; full disk.
# Usage: VITRINE=build/vitrine tests/run-guests.sh [NAME...]      (all tests without names)
set -u
cd "$(dirname "$0")/.." || exit 1
vitrine=${VITRINE:-build/vitrine}
build=$(dirname "$vitrine")
guests=$build/tests/guests
demo=$build/guests/demo.img
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# Runs the program; output in $work/out, messages in $work/err, status in $status.
run() {
    status=0
    timeout 120 "$vitrine" "$@" </dev/null >"$work/out" 2>"$work/err" || status=$?
}

# check WHAT COMMAND...: counts, and shows what there was when it fails.
check() {
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "FAIL  $test: $what (exit status $status)"
    sed 's/^/      out| /' "$work/out" | tail -n 12
    sed 's/^/      err| /' "$work/err" | tail -n 12
}
status_is() { [ "$status" = "$1" ]; }
out_has() { grep -qi -- "$1" "$work/out"; }
err_has() { grep -qi -- "$1" "$work/err"; }
screen_has() { grep -q -- "$1" "$work/screen"; }
same() { cmp -s "$1" "$2"; }
above_zero() { [ "${1:-0}" -gt 0 ]; }

# ---- tests ----

test_seabios_says_who_it_is() {
    run -display none -debugcon file:"$work/log" -global isa-debugcon.iobase=0x402 -limit time=3s "$guests/halt.img"
    check "boot message" grep -q "SeaBIOS (version" "$work/log"
    check "boots from the disk" grep -q "Booting from Hard Disk" "$work/log"
    check "limit reached" status_is 6
}

test_boot_sector_prints_by_int10() {
    run -display none -device isa-debug-exit -dump-screen "$work/screen" "$guests/int10.img"
    check "text on the screen" screen_has "Hello from INT 10h"
    check "exit status from isa-debug-exit" status_is 33
}

test_power_off_ends_with_0() {
    run -display none "$guests/empty.img"
    check "power off" status_is 0
}

test_every_way_of_resetting() {
    local image
    for image in reboot reboot-92 reboot-8042; do
        run -display none -serial stdio -device isa-debug-exit "$guests/$image.img"
        check "$image comes back" status_is 35
        run -display none -serial stdio -no-reboot "$guests/$image.img"
        check "$image under -no-reboot" status_is 0
    done
    run -display none -serial stdio -device isa-debug-exit -triple-fault reset "$guests/reboot-triple.img"
    check "triple fault as reset" status_is 35
}

# The ways in which devices reach memory, the plain one first.
modes="direct indirect,max-bounce-buffer-size=4096 indirect,max-bounce-buffer-size=1M faulty,seed=1 faulty,seed=2
    faulty,seed=3,max-bounce-buffer-size=1M"

# With a disk on each channel, readers and writers side by side. Output and disks must be the same in all modes.
test_demo_in_every_mode() {
    local mode
    for mode in $modes; do
        cp "$demo" "$work/disk0"
        cp "$demo" "$work/disk1"
        run -M "pc,dma=$mode,checker=on" -nographic -stats -hda "$work/disk0" -hdc "$work/disk1"
        check "$mode: passes" out_has "demo: all checks passed"
        check "$mode: ends by power-off" status_is 0
        check "$mode: nothing misused" err_has "^ide: checker: 0 findings"
        check "$mode: nothing left mapped" err_has "^ide: .* 0 live"
        cat "$work/disk0" "$work/disk1" | sha256sum >>"$work/out"
        [ "$mode" = direct ] && cp "$work/out" "$work/direct"
        check "$mode: the same output, the same disks" same "$work/out" "$work/direct"
        case $mode in
        direct) check "$mode: no bounce" err_has "^ide: .* in 0 bounces" ;;
        *) check "$mode: bounces" above_zero "$(sed -n 's/^ide: .* in \([0-9]*\) bounces.*/\1/p' "$work/err")" ;;
        esac
        case $mode in *4096 | faulty*)
            check "$mode: retries" above_zero "$(sed -n 's/^ide: .* \([0-9]*\) retries.*/\1/p' "$work/err")"
            check "$mode: waits" above_zero "$(sed -n 's/^ide: .*(\([0-9]*\) waits.*/\1/p' "$work/err")" ;;
        esac
    done
    check "they were written to" bash -c '! cmp -s "$1" "$2"' sh "$work/disk0" "$demo"
}

# What the firmware gets by fw_cfg's DMA, address by address, and what it says.
test_firmware_in_every_mode() {
    local mode
    for mode in $modes; do
        run -M "pc,dma=$mode" -display none -limit time=1s -debugcon file:"$work/log" \
            -global isa-debugcon.iobase=0x402 -trace fw_cfg.dma,file="$work/trace" "$guests/halt.img"
        sed 's/^[0-9]* //' "$work/trace" >>"$work/log"
        [ "$mode" = direct ] && cp "$work/log" "$work/direct"
        check "$mode: the same transfers and messages" same "$work/log" "$work/direct"
    done
    check "transfers" above_zero "$(grep -c "fw_cfg.dma .* error=0" "$work/direct")"
    check "none failed" bash -c '! grep -q "fw_cfg.dma .* error=[^0]" "$1"' sh "$work/direct"
    check "messages" grep -q "Booting from Hard Disk" "$work/direct"
}

# A guest whose disk controller has 24 address bits, and which bounces by itself: guests/swiotlb. Twice through this
# program's own bounces too. The disks must come out the same.
test_lesson_20_and_21_and_22_and_23_and_24_a_guest_that_bounces() {
    local mode
    for mode in $modes; do
        case $mode in faulty,seed=[!1]*) continue ;; esac
        rm -f "$work"/disk?
        truncate -s 8M "$work/disk0" "$work/disk1"
        run -m 64 -M "pc,dma=$mode,dma-mask=24,checker=on" -kernel "$build/guests/swiotlb.elf" -nographic -stats \
            -device isa-debug-exit -hda "$work/disk0" -hdc "$work/disk1"
        check "$mode: passes" out_has "swiotlb: all checks passed"
        check "$mode: powers off" status_is 0
        check "$mode: fails first" out_has "without bouncing: bus-master error, nothing beyond 16 MiB moved"
        check "$mode: of which a line tells" [ "$(grep -c "lint: .*does not fit into the 24 bits" "$work/err")" = 1 ]
        check "$mode: nothing misused" err_has "^ide: checker: 0 findings"
        check "$mode: nothing left mapped" err_has "^ide: .* 0 live"
        cat "$work/disk0" "$work/disk1" | sha256sum >"$work/disks"
        if [ "$mode" = direct ]; then
            cp "$work/out" "$work/direct"
            cp "$work/disks" "$work/direct.disks"
        fi
        check "$mode: the same output" same "$work/out" "$work/direct"
        check "$mode: the same disks" same "$work/disks" "$work/direct.disks"
    done
    run -m 64 -kernel "$build/guests/swiotlb.elf" -append mask=0 -nographic -hda "$work/disk0"
    check "all address bits: passes" out_has "swiotlb: all checks passed"
    check "all address bits: nothing fails first" out_has "the device reaches all of memory"
    check "all address bits: no lint" [ ! -s "$work/err" ]
}

test_demo_by_multiboot() {
    run -nographic -device isa-debug-exit -kernel "$build/guests/demo.elf" -append exit=20 -snapshot -hda "$demo"
    check "passes" out_has "demo: all checks passed"
    check "exit status" status_is 41
}

test_ten_runs_are_one() {
    printf 'hello, same run\n0123456789q' >"$work/typed"
    local i
    for i in 1 2 3 4 5 6 7 8 9 10; do
        status=0
        timeout 60 "$vitrine" -display none -serial stdio -device isa-debug-exit -stats "$guests/echo.img" \
            <"$work/typed" >"$work/out" 2>"$work/err" || status=$?
        grep instructions "$work/err" >>"$work/out"
        [ $i = 1 ] && cp "$work/out" "$work/first"
        check "run $i gives the same output and instruction count" same "$work/out" "$work/first"
    done
    check "it is what was typed" out_has "HELLO, SAME RUN"
    check "exit status" status_is 65
    cat "$work/typed" | timeout 60 "$vitrine" -display none -serial stdio -device isa-debug-exit -stats \
        "$guests/echo.img" >"$work/out" 2>"$work/err"
    grep instructions "$work/err" >>"$work/out"
    check "a pipe gives the same as a file" same "$work/out" "$work/first"
}

test_triple_fault_gets_its_page() {
    run -nographic -kernel "$guests/triple.elf"
    check "exit status 4" status_is 4
    check "first fault" err_has "#PF"
    check "second fault" err_has "#GP"
    check "third fault" err_has "#NP"
    check "the address that was not mapped" err_has "00c0ffee"
    check "the gate beyond the limit" err_has "limit"
    check "once" [ "$(grep -ci "triple fault" "$work/err")" -le 3 ]
}

test_limits_say_where() {
    run -display none -limit insns=50000000 "$guests/spin.img"
    check "exit status 6" status_is 6
    check "CS:EIP" err_has "0000:00007d00"
    run -display none -limit time=2s "$guests/halt.img"
    check "halted" err_has "halted"
}

test_grub_from_an_ext2_partition() {
    status=0
    bash tests/guests/grub-image.sh "$work/grub.img" "$build/guests/demo.elf" >"$work/out" 2>"$work/err" || status=$?
    check "image" status_is 0
    run -display none -dump-screen "$work/screen" -limit time=1800ms "$work/grub.img"
    check "menu on the text screen" screen_has "GNU GRUB"
    run -nographic -snapshot -hda "$work/grub.img" -hdb "$demo"
    check "loads the demo by Multiboot" out_has "boot: by GRUB"
    check "which passes" out_has "demo: all checks passed"
}

# boots_grub WHAT OPTION...: Debian's rescue disks; GRUB lists a directory of the medium that it came from.
boots_grub() {
    local what=$1
    shift
    run -display none -serial null -dump-screen "$work/screen" -limit time=3800ms -type '2600ms:c' \
        -type '2900ms:ls /boot/grub\n' "$@"
    check "$what" screen_has "fonts/ grub.cfg i386-pc/"
}

test_grub_from_floppy_and_cd() {
    boots_grub "floppy" -fda /usr/lib/grub-rescue/grub-rescue-floppy.img
    boots_grub "IDE CD" -cdrom /usr/lib/grub-rescue/grub-rescue-cdrom.iso
    boots_grub "as a slave, by -device" -drive if=none,id=cd,file=/usr/lib/grub-rescue/grub-rescue-cdrom.iso \
        -device ide-cd,drive=cd,bus=ide.0,unit=1
    boots_grub "AHCI CD" -drive if=none,id=cd,file=/usr/lib/grub-rescue/grub-rescue-cdrom.iso \
        -device ahci,id=sata -device ide-cd,drive=cd,bus=sata.3
}

# An AHCI disk is the boot disk where it is the only one, or comes first by bootindex.
test_boot_from_an_ahci_disk() {
    cp "$guests/int10.img" "$work/disk.img"
    truncate -s 1M "$work/disk.img" # SeaBIOS does not read an AHCI disk of one sector, on QEMU neither
    local disk=(-drive "if=none,id=d0,snapshot=on,file=$work/disk.img" -device ich9-ahci,id=ahci0)
    run -display none -device isa-debug-exit -dump-screen "$work/screen" "${disk[@]}" -device ide-hd,drive=d0,bus=ahci0.0
    check "the only disk" screen_has "Hello from INT 10h"
    run -display none -device isa-debug-exit -dump-screen "$work/screen" -hda "$guests/halt.img" -limit time=3s \
        "${disk[@]}" -device ide-hd,drive=d0,bus=ahci0.5,bootindex=0
    check "before the IDE disk" screen_has "Hello from INT 10h"
    run -display none -device isa-debug-exit -dump-screen "$work/screen" -hda "$guests/halt.img" -limit time=3s \
        "${disk[@]}" -device ide-hd,drive=d0,bus=ahci0.5
    check "after it" status_is 6
}

# on_ahci IMAGE: options for a disk that may be written to, and whose writes are dropped.
on_ahci() { echo "-drive if=none,id=sd,snapshot=on,file=$1 -device ahci,id=sata -device ide-hd,drive=sd,bus=sata.0"; }

test_ahci_boots() {
    # shellcheck disable=SC2046
    run -nographic $(on_ahci "$demo")
    check "the demo's boot sector, by firmware" out_has "demo: all checks passed"
    status=0
    bash tests/guests/grub-image.sh "$work/grub.img" "$build/guests/demo.elf" >"$work/out" 2>"$work/err" || status=$?
    check "image" status_is 0
    # shellcheck disable=SC2046
    run -nographic $(on_ahci "$work/grub.img")
    check "GRUB loads the demo" out_has "boot: by GRUB"
    check "which passes" out_has "demo: all checks passed"
}

# guests/ahci has a driver of its own; what it prints and what it leaves on its disk is the same in all of memory's modes.
test_ahci_exerciser() {
    local mode
    for mode in direct indirect,max-bounce-buffer-size=4096 indirect,max-bounce-buffer-size=512 faulty,seed=3; do
        rm -f "$work/sata"
        truncate -s 4M "$work/sata"
        run -M "pc,dma=$mode,checker=on" -kernel "$build/guests/ahci.elf" -nographic -device isa-debug-exit -stats \
            -drive "if=none,id=sd,file=$work/sata" -device ich9-ahci,id=sata -device ide-hd,drive=sd,bus=sata.0 \
            -drive if=none,id=cd,file=/usr/lib/grub-rescue/grub-rescue-cdrom.iso -device ide-cd,drive=cd,bus=sata.1
        check "$mode: passes" out_has "ahci: all checks passed"
        check "$mode: powers off" status_is 0
        check "$mode: nothing misused" err_has "sata: checker: 0 findings"
        check "$mode: nothing left mapped" [ -z "$(grep -E "^sata: dma: .* at once, [1-9][0-9]* live" "$work/err")" ]
        if [ "$mode" = direct ]; then
            cp "$work/out" "$work/direct"
            cp "$work/sata" "$work/direct.sata"
        fi
        check "$mode: the same output" same "$work/out" "$work/direct"
        check "$mode: the same disk" same "$work/sata" "$work/direct.sata"
    done
}

test_memtest86_runs_over_all_memory() {
    status=0
    bash tests/guests/memtest-image.sh "$work/memtest.img" >"$work/out" 2>"$work/err" || status=$?
    check "image" status_is 0
    run -m 16 -display none -dump-screen "$work/screen" -limit time=12s "$work/memtest.img"
    check "on the screen" screen_has "Memtest86+"
    check "beyond its first tests" screen_has "Test #[4-9]"
    check "all of memory" screen_has "16MB"
    check "no errors" screen_has "Errors: 0"
}

test_full_disk_is_a_write_error() {
    truncate -s 8M "$work/big.img"
    status=0
    # The host's limit on file sizes stands in for a full disk; it needs no root.
    (ulimit -f 1024; timeout 120 "$vitrine" -nographic -device isa-debug-exit -kernel "$guests/writefail.elf" \
        -hda "$work/big.img" </dev/null >"$work/out" 2>"$work/err") || status=$?
    check "the guest saw errors" status_is 3
    check "in its status register" out_has "status 71 error 04"
    check "reported once" [ "$(grep -c "big.img" "$work/err")" = 1 ]
}

# The host's part never shows: however an image is reached, it is the same run, with the same disks at the end.
test_every_way_to_a_disk_is_the_same_run() {
    local way server
    for way in cache=writeback aio=io_uring cache=none cache=none,aio=io_uring cache=directsync,aio=io_uring \
        cache=unsafe volatile-cache=7 nbd; do
        cp "$demo" "$work/disk1"
        if [ "$way" = nbd ]; then
            qemu-img convert -q -O qcow2 "$demo" "$work/disk0.qcow2"
            qemu-nbd -t -f qcow2 -k "$work/nbd" "$work/disk0.qcow2" &
            server=$!
            while ! [ -S "$work/nbd" ]; do sleep 0.05; done
            sleep 0.2
            run -nographic -stats -drive file="nbd:unix:$work/nbd" -drive file="$work/disk1",index=2
            kill "$server"
            wait "$server" 2>/dev/null
            qemu-img convert -q -O raw "$work/disk0.qcow2" "$work/disk0"
        else
            cp "$demo" "$work/disk0"
            run -nographic -stats -drive file="$work/disk0,$way" -drive file="$work/disk1,index=2,$way"
        fi
        check "$way: passes" out_has "demo: all checks passed"
        check "$way: ends by power-off" status_is 0
        grep instructions "$work/err" >>"$work/out"
        cat "$work/disk0" "$work/disk1" | sha256sum >>"$work/out"
        [ "$way" = cache=writeback ] && cp "$work/out" "$work/plain"
        check "$way: the same output, time and disks" same "$work/out" "$work/plain"
    done
}

test_power_cuts() {
    status=0
    bash tests/power-cut.sh 12 >"$work/out" 2>"$work/err" || status=$?
    check "what was flushed is there" status_is 0
}

# ---- all of them, or those named ----

names=${*:-$(declare -F | sed -n 's/^declare -f \(test_.*\)/\1/p')}
for test in $names; do
    before=$failed
    start=$SECONDS
    "$test"
    [ "$failed" = "$before" ] && echo "ok    $test ($((SECONDS - start)) s)"
done
echo "guests: $passed passed, $failed failed"
[ "$failed" = 0 ]
