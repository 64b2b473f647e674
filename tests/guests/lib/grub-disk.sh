# SPDX-License-Identifier: MIT
#
# grub-disk.sh: read by the scripts that build GRUB disks, with `script` set to their name.  Needs no root and touches no
# device.  The disk:
#
#       sector 0        GRUB's boot.img with a partition table, one Linux partition
#       sector 1 ...    GRUB's core image, in the gap before the partition
#       sector 2048     ext2, with the files that the script has laid into $work/root
#
# GRUB_DIR says where GRUB's modules are, if not in Debian's place.

grub=${GRUB_DIR:-/usr/lib/grub/i386-pc}
PATH=$PATH:/usr/sbin:/sbin

partition_start=2048
partition_sectors=14336

die() {
    echo "$script: $*" >&2
    exit 2
}

need_program() { # program, Debian package
    command -v "$1" >/dev/null || die "$1 is missing: install the Debian package $2"
}

need_grub() {
    need_program grub-mkimage grub-common
    need_program mke2fs e2fsprogs
    [ -r "$grub/boot.img" ] || die "$grub/boot.img is missing: install the Debian package grub-pc-bin"
}

le32() { # number: four bytes in the octal escapes of printf
    printf '\\%03o\\%03o\\%03o\\%03o' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255))
}

# An active entry of type 83h; the CHS fields say that only LBA counts.
partition_entry() {
    printf "\\200\\376\\377\\377\\203\\376\\377\\377$(le32 $partition_start)$(le32 $partition_sectors)"
}

# Sets `work`, a directory beside the file $1 that is gone when the script ends, and makes $work/root/boot/grub.
make_work_directory() {
    work=$(mktemp -d "$1.XXXXXX") || exit 2
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' INT TERM
    mkdir -p "$work/root/boot/grub"
}

# OUT, GRUB modules besides the usual ones: makes the disk out of $work/root.
make_grub_disk() {
    grub-mkimage -O i386-pc -d "$grub" -p '(hd0,msdos1)/boot/grub' -o "$work/core.img" \
        biosdisk part_msdos ext2 normal configfile "$2"
    [ "$(wc -c <"$work/core.img")" -le $(((partition_start - 1) * 512)) ] || die "GRUB's core image is too large"

    truncate -s $((partition_sectors * 512)) "$work/fs"
    mke2fs -q -F -t ext2 -b 1024 -L vitrine -d "$work/root" "$work/fs"

    truncate -s $(((partition_start + partition_sectors) * 512)) "$work/disk"
    dd if="$grub/boot.img" of="$work/disk" bs=1 count=440 conv=notrunc status=none
    partition_entry | dd of="$work/disk" bs=1 seek=446 conv=notrunc status=none
    printf '\125\252' | dd of="$work/disk" bs=1 seek=510 conv=notrunc status=none
    dd if="$work/core.img" of="$work/disk" bs=512 seek=1 conv=notrunc status=none
    dd if="$work/fs" of="$work/disk" bs=512 seek=$partition_start conv=notrunc,sparse status=none
    mv "$work/disk" "$1"
}
