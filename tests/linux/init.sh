#!/bin/sh
# SPDX-License-Identifier: MIT
# The first program of the Linux test guest: mounts the ext4 disk by DMA, checks its files by checksum, writes, syncs and
# powers off. The host looks at the serial output, and at the image with e2fsck.
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev 2>/dev/null
echo "linux: $(uname -r), $(grep -c ^processor /proc/cpuinfo) CPUs"
while read -r module; do insmod "$module" || echo "linux: FAILED to load $module"; done </modules

for i in 1 2 3 4 5 6 7 8 9 10; do [ -e /dev/sda ] && break; sleep 1; done
mount -t ext4 /dev/sda /mnt || { echo "linux: FAILED to mount"; poweroff -f; }
cd /mnt || poweroff -f

if sha256sum -c SUMS >/tmp.sums 2>&1; then echo "linux: checksums of $(wc -l <SUMS) files right"; else
    echo "linux: FAILED checksums"; cat /tmp.sums; fi

# Parallel readers and writers.
mkdir out
for i in 1 2 3 4; do
    (cp "data$i" "out/copy$i"; cat data1 data2 data3 data4 | sha256sum >"out/sum$i") &
done
wait
for i in 1 2 3 4; do
    cmp "data$i" "out/copy$i" || echo "linux: FAILED copy $i"
    cmp out/sum1 "out/sum$i" || echo "linux: FAILED sum $i"
done
echo "written by the guest" >out/note
sync
cd /
umount /mnt && echo "linux: unmounted"
echo "linux: done"
poweroff -f
