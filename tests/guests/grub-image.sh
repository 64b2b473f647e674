#!/bin/sh
# SPDX-License-Identifier: MIT
#
# grub-image.sh OUT.img DEMO.elf
#
# Builds an IDE disk that boots GRUB 2 (Debian's grub-pc-bin).  GRUB shows a menu on the text screen ("GNU GRUB", two
# entries), waits two seconds, and starts the first: the demo kernel by Multiboot.  The second entry starts it with
# exit=16, so that isa-debug-exit ends the emulator with status 33.  The demo checks a disk only if it finds its own:
# attach demo.img as the second disk.
set -eu
script=grub-image.sh
. "$(dirname "$0")/lib/grub-disk.sh"

[ $# -eq 2 ] || die "usage: grub-image.sh OUT.img DEMO.elf"
[ -r "$2" ] || die "$2: can not be read"
need_grub

make_work_directory "$1"
cp "$2" "$work/root/demo.elf"
cat >"$work/root/boot/grub/grub.cfg" <<'END'
set default=0
set timeout_style=menu
set timeout=2
menuentry "Vitrine demo" {
    multiboot /demo.elf grub
}
menuentry "Vitrine demo, exit status 33" {
    multiboot /demo.elf grub exit=16
}
END
make_grub_disk "$1" multiboot
