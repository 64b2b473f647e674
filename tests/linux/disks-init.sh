#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2015
# The first program of the Linux guest of disks.sh: waits for lines on the serial port, each a function of this file and
# its arguments. What is right is said as `linux: ...`, what is not as `linux: FAILED ...`; the host looks at both.
#
# IDE and SATA are the two disks, ICD and SCD the two CD-ROM drives.
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev 2>/dev/null
mkdir /ide /sata /cd

say() { echo "linux: $*"; }
fail() { say "FAILED $*"; }

# What hangs on which controller: /sys/block/sda is a link through it.
whole_disk() { # PCI-FUNCTION NAMES
    local name
    for name in $2; do
        case $(readlink "/sys/block/$name") in *"$1"*) echo "$name"; return ;; esac
    done
}

# drivers [OPTION...]: libata and both controllers' drivers; until all four drives are there.
drivers() {
    insmod /lib/libata.ko "$@" && insmod /lib/ata_piix.ko && insmod /lib/libahci.ko && insmod /lib/ahci.ko ||
        fail "to load the drivers"
    local _
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        IDE=$(whole_disk 0000:00:01.1 "sda sdb") SATA=$(whole_disk 0000:00:04.0 "sda sdb")
        ICD=$(whole_disk 0000:00:01.1 "sr0 sr1") SCD=$(whole_disk 0000:00:04.0 "sr0 sr1")
        [ -e "/dev/${IDE:-none}" ] && [ -e "/dev/${SATA:-none}" ] && [ -e "/dev/${ICD:-none}" ] &&
            [ -e "/dev/${SCD:-none}" ] && return
        sleep 0.5
    done
    fail "to find the drives: IDE=$IDE SATA=$SATA ICD=$ICD SCD=$SCD"
}
no_drivers() { rmmod ahci libahci ata_piix libata || fail "to unload the drivers"; }

mounts() { mount -t ext4 "/dev/$IDE" /ide && mount -t ext4 "/dev/$SATA" /sata || fail "to mount"; }
unmounts() { umount /ide && umount /sata && say "unmounted"; }
forget() { sync; echo 3 >/proc/sys/vm/drop_caches; } # what is read next comes from the disk

# sums DIRECTORY...: what the host wrote is there.
sums() {
    local disk
    for disk; do
        if (cd "$disk" && md5sum -c SUMS >/tmp.sums 2>&1); then say "sums right in $disk"; else
            fail "sums in $disk"; grep -v OK /tmp.sums; fi
    done
}

# Several who work at once: each copies from one disk to the other, a file, all files, and one on the same disk in odd
# pieces.
choose() { # NUMBER: a worker's disks
    to=/sata from=/ide
    [ $(($1 % 2)) = 1 ] || to=/ide from=/sata
    file=data$(($1 % 4 + 1))
}
worker() { # NUMBER
    local to from file
    choose "$1"
    mkdir "$to/out$1"
    cp "$from/$file" "$to/out$1/copy" && sync "$to/out$1/copy"
    dd if="$to/$file" of="$to/out$1/dd" bs=3k conv=fsync 2>/dev/null
    cat "$from"/data* >"$to/out$1/all"
    cmp "$to/$file" "$to/out$1/dd" || fail "worker $1: dd"
    rm "$to/out$1/dd"
}
workers() { # HOW-MANY
    local i to from file
    for i in $(seq "$1"); do worker "$i" & done
    wait
    forget
    for i in $(seq "$1"); do
        choose "$i"
        cmp "$from/$file" "$to/out$i/copy" || fail "worker $i: copy"
        cat "$from"/data* | cmp - "$to/out$i/all" || fail "worker $i: all"
    done
    say "$1 workers done"
}

# Many requests at once around the page cache, behind the file system: as many as the drive and the controller take.
depths() {
    local disk
    for disk in "$IDE" "$SATA"; do
        say "queue depth of $disk: $(cat "/sys/block/$disk/device/queue_depth")"
        disktool many "/dev/$disk" 64 4 51200 || fail "$disk: many of 4 KiB"
        disktool many "/dev/$disk" 40 64 53248 || fail "$disk: many of 64 KiB"
    done
    say "many done"
}

whole_cd() { dd if="/dev/$1" bs=32k 2>/dev/null | md5sum | cut -c 1-32; }
cds() {
    local cd
    for cd in "$ICD" "$SCD"; do
        mount -t iso9660 -o ro "/dev/$cd" /cd || fail "to mount $cd"
        sums /cd
        umount /cd
    done
    say "IDE CD $(whole_cd "$ICD")"
    say "SATA CD $(whole_cd "$SCD")"
}
# Until the drive says so; each look is a TEST UNIT READY.
cd_waits() { # DEVICE WHAT
    local i
    for i in $(seq 60); do disktool status "/dev/$1" | grep -q "^$2" && return; sleep 0.5; done
    fail "$1 never says $2, but $(disktool status "/dev/$1")"
}
cd_label() { mount -t iso9660 -o ro "/dev/$1" /cd && cat /cd/label && umount /cd; }
changes() { # the host takes each disc out and puts another in
    say "IDE CD was $(cd_label "$ICD")"
    say "SATA CD was $(cd_label "$SCD")"
    cd_waits "$ICD" "\(no-disc\|open\)"; cd_waits "$SCD" "\(no-disc\|open\)"
    say "both CDs are out"
    cd_waits "$ICD" disc; cd_waits "$SCD" disc
    say "IDE CD is $(cd_label "$ICD") $(whole_cd "$ICD")"
    say "SATA CD is $(cd_label "$SCD") $(whole_cd "$SCD")"
}
trays() { # the guest opens and closes the tray itself
    local cd
    for cd in "$ICD" "$SCD"; do
        disktool eject "/dev/$cd" || fail "to eject $cd"
        disktool status "/dev/$cd" | grep -q '^open' || fail "$cd: the tray is $(disktool status "/dev/$cd")"
        disktool close "/dev/$cd" || fail "to close $cd"
        disktool status "/dev/$cd" | grep -q '^disc' || fail "$cd: after closing $(disktool status "/dev/$cd")"
        disktool locked "/dev/$cd" || fail "to lock $cd"
        disktool unlocked "/dev/$cd" || fail "to unlock $cd"
    done
    say "trays opened and closed"
}

floppy() {
    insmod /lib/floppy.ko || fail "to load floppy"
    mount -t ext2 /dev/fd0 /cd || fail "to mount the floppy"
    sums /cd
    echo "written by the guest" >/cd/note
    umount /cd
    say "floppy unmounted"
}

trims() {
    local disk
    for disk in "$IDE" "$SATA"; do
        [ "$(cat "/sys/block/$disk/queue/discard_max_bytes")" -gt 0 ] || fail "$disk has no TRIM"
        blkdiscard -o 54525952 -l 1048576 "/dev/$disk" || fail "blkdiscard $disk"
        forget
        dd if="/dev/$disk" bs=1M skip=52 count=1 2>/dev/null | cmp -n 1048576 - /dev/zero || fail "discarded is not 0"
    done
    mounts
    fstrim /ide && fstrim /sata || fail "fstrim"
    unmounts
    say "trimmed"
}

# ATA commands that hdparm has: sleep and wake, look-ahead, write cache, SMART.
settings() {
    local disk cache mode
    for disk in "$IDE" "$SATA"; do
        disktool ata "/dev/$disk" 0xe5 0 0 | grep -q "count ff" || fail "$disk is not active"
        disktool ata "/dev/$disk" 0xe0 0 0 >/dev/null || fail "$disk: STANDBY IMMEDIATE"
        disktool ata "/dev/$disk" 0xe5 0 0 | grep -q "count 0" || fail "$disk is not in standby"
        disktool read "/dev/$disk" 4096 64 || fail "$disk does not wake up"
        disktool ata "/dev/$disk" 0xe5 0 0 | grep -q "count ff" || fail "$disk is not active again"
        disktool ata "/dev/$disk" 0xef 0 0x55 >/dev/null && disktool ata "/dev/$disk" 0xef 0 0xaa >/dev/null ||
            fail "$disk: look-ahead"
        disktool ata "/dev/$disk" 0x86 0 0 >/dev/null && fail "$disk knows command 86"
        cache=$(echo "/sys/block/$disk/device/scsi_disk/"*/cache_type)
        for mode in "write through" "write back"; do
            echo "$mode" >"$cache" && grep -q "$mode" "$cache" || fail "$disk: $mode"
        done
    done
    say "settings done"
}

modes() { # WORD...: libata's word for a mode of transfer, for all drives
    local mode
    for mode; do
        no_drivers
        drivers "force=$mode"
        mounts
        say "mode $mode: $(cat /sys/class/ata_device/dev[12].0/xfer_mode | xargs)"
        sums /ide /sata
        cp /ide/data1 "/ide/$mode" && sync
        forget
        cmp /ide/data1 "/ide/$mode" || fail "$mode: copy"
        unmounts
    done
}

# Errors: what fails says so, and nothing else fails.
broken() { # DIRECTORY FILE
    cat "$1/$2" >/dev/null 2>/tmp.error && fail "$1/$2 can be read"
    grep -Eq "I/O error|Input/output error" /tmp.error && say "$1/$2: I/O error"
    (cd "$1" && grep -v " $2\$" SUMS | md5sum -c >/tmp.sums 2>&1) || { fail "others in $1"; grep -v OK /tmp.sums; }
}
broken_write() { # DEVICE-NAME MEGABYTE
    dd if=/bin/busybox of="/dev/$1" bs=64k count=4 seek=$(($2 * 16)) conv=fsync 2>/tmp.error && fail "$1: no error"
    grep -Eq "I/O error|Input/output error" /tmp.error && say "$2: write error"
}
broken_writes() { broken_write "$IDE" 56; broken_write "$SATA" 57; }
write_behind() { # many written sectors behind the file systems, compared from the disk
    local disk
    for disk in "$IDE" "$SATA"; do
        head -c 1048576 /bin/busybox >/tmp.bytes
        dd if=/tmp.bytes of="/dev/$disk" bs=16k seek=3136 conv=fsync 2>/dev/null || fail "$disk: write"
        forget
        dd if="/dev/$disk" bs=16k skip=3136 count=64 2>/dev/null | cmp - /tmp.bytes || fail "$disk: not as written"
    done
    say "written behind"
}

end() {
    dmesg | grep -c "exception Emask" | sed 's/^/linux: exceptions /'
    say "done"
    poweroff -f
}

while read -r module; do
    case $module in */libata.ko | */ata_piix.ko | */libahci.ko | */ahci.ko | */floppy.ko) ;;
    *) insmod "$module" || fail "to load $module" ;; esac
done </modules
stty -echo </dev/ttyS0
say "waiting"
while read -r line; do eval "$line"; done </dev/ttyS0
