/* SPDX-License-Identifier: MIT */
/* Boot sector: halts with interrupts off, for ever.  Nothing but a limit, a reset or the user ends it. */
#include "lib/boot16.h"

begin:
    cli
1:  hlt
    jmp     1b

#include "lib/boot16_end.h"
