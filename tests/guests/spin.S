/* SPDX-License-Identifier: MIT */
/* Boot sector: one instruction that jumps to itself, for ever, interrupts on.  It lies at 0000:7D00. */
#include "lib/boot16.h"

begin:
    jmp     spin

    .org    0x100
spin:
    jmp     spin

#include "lib/boot16_end.h"
