#!/bin/sh
# SPDX-License-Identifier: MIT
#
# memtest-image.sh OUT.img [WORD...]
#
# Builds an IDE disk on which GRUB 2 starts Debian's Memtest86+ (package memtest86+, 6.10) at once, without a menu.
# The words go to Memtest86+'s command line; without any they are "nosmp nopause nobench":
#
#       nosmp                   do not look for more processors
#       nopause                 do not wait some seconds for the keys F1, F2 before testing
#       nobench                 do not measure the speed of the memory
#       console=ttyS0,115200    draw the screen on COM1 too, with VT100 sequences, now and then and only what has changed,
#                               with '|' and '-' for the lines; a quick test may never be seen there
#
# What it shows in text mode at B8000h, rows and columns counted from 0:
#
#       row 0, column 6         "Memtest86+ v6.10"
#       row 1, column 30        "Pass 62% ####...", how much of this pass is done; row 2 "Test 28% ###...", of this test
#       row 3, column 30        "Test #9  [Modulo 20, random pattern]"; tests 0 to 10, the last waits 80 seconds and more
#       row 4, column 30        "Testing: 4MB - 63.8MB [59.8MB of 63.4MB]": the window tested now; a test goes through
#                               all the windows before the next test begins
#       row 7, column 44        "Time:  0:00:02  Status: Testing"
#       row 8, column 44        "Pass:  0        Errors: 0": passes finished, errors found
#
# So test 0 has been over all of memory when row 3 shows a later test, and found it good when row 8 has "Errors: 0".
# With 8 MiB, QEMU is at test 10 after ten seconds; with 64 MiB, at test 9 after thirty.
#
# It divides 64-bit numbers (for the time and the percentages) with x87 instructions: FNINIT, FILD m64, FLD and FSTP
# m64, FLD m32, FDIVRP, FXCH, FCOM, FNSTSW, FSTP, FNSTCW, FLDCW, FISTP m64.  It also uses CPUID, RDTSC, WBINVD and
# paging, with PAE where CPUID has it.
set -eu
script=memtest-image.sh
. "$(dirname "$0")/lib/grub-disk.sh"

[ $# -ge 1 ] || die "usage: memtest-image.sh OUT.img [WORD...]"
memtest=${MEMTEST:-/boot/memtest86+ia32.bin}
[ -r "$memtest" ] || die "$memtest is missing: install the Debian package memtest86+"
need_grub

out=$1
shift
[ $# -gt 0 ] || set -- nosmp nopause nobench
make_work_directory "$out"
cp "$memtest" "$work/root/memtest.bin"
cat >"$work/root/boot/grub/grub.cfg" <<END
set timeout=0
menuentry "Memtest86+" {
    linux16 /memtest.bin $*
}
END
make_grub_disk "$out" linux16
