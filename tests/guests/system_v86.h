/* SPDX-License-Identifier: MIT */
/* What the two parts of the guest system_v86 share: programs of virtual-8086 mode, and how they end. */
#ifndef GUEST_SYSTEM_V86_H
#define GUEST_SYSTEM_V86_H

#include "lib/traps.h"

enum { V86_CODE = 0x1000, V86_DATA = 0x2000, V86_STACK = 0x3000 }; /* segments, 64 KiB each */

/* What IRET takes from the stack (SDM 3B, figure 20-3); v86_reset() sets it. */
struct v86_frame {
    uint32_t eip, cs, eflags, esp, ss, es, ds, fs, gs;
};
extern struct v86_frame v86_frame;

void v86_reset(void);

/* Copies the program, runs it with these EFLAGS (VM is added); trap_last says how it ended, TRAP_NONE: at its end. */
void v86_run(uint32_t flags, const uint8_t *code, size_t size);
void v86_check_end(const char *name, const char *sdm, uint32_t vector, uint32_t error, uint32_t ip);

static inline uint8_t *v86_memory(uint32_t segment, uint32_t offset)
{
    return (uint8_t *)(segment * 16 + offset);
}

/* Chapter 20.3.3 and 20.4: CR4.VME and CR4.PVI; system_v86_vme.c. */
void check_vme(void);

#endif
