/* SPDX-License-Identifier: MIT */
/* A debugger's look at memory by linear address: the MMU's own walk, and no effect on the guest (LESSONS 54,
 * 55). */
#include "emu/cpu/mmu.h"

/* Physical address of `linear`, and how much of `size` lies in its page; 0 when nothing is mapped. */
static size_t debug_translate(const struct cpu *cpu, uint32_t linear, size_t size, uint64_t *physical)
{
    struct page_walk walk;
    size_t room = PAGE_BYTES - (linear & (PAGE_BYTES - 1));
    if (!cpu_walk(cpu, linear, &walk)) return 0;
    *physical = walk.physical;
    return size < room ? size : room;
}

size_t cpu_debug_read(const struct cpu *cpu, uint64_t linear, void *to, size_t size)
{
    size_t done = 0;
    while (done < size) {
        uint64_t physical;
        size_t piece = debug_translate(cpu, (uint32_t)(linear + done), size - done, &physical);
        if (!piece || !space_peek(cpu->wiring.memory, physical, (uint8_t *)to + done, piece)) break;
        done += piece;
    }
    return done;
}

size_t cpu_debug_write(struct cpu *cpu, uint64_t linear, const void *from, size_t size)
{
    size_t done = 0;
    while (done < size) {
        uint64_t physical;
        size_t piece = debug_translate(cpu, (uint32_t)(linear + done), size - done, &physical);
        if (!piece || !space_poke(cpu->wiring.memory, physical, (const uint8_t *)from + done, piece)) break;
        done += piece;
    }
    return done;
}
