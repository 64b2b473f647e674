/* SPDX-License-Identifier: MIT */
/* Ports: IN and OUT, and the I/O permission bitmap (SDM 1, 19.5; SDM 2, IN, OUT). */
#include "emu/cpu/io.h"

#include "emu/cpu/access.h"
#include "emu/cpu/bodies.h"
#include "emu/cpu/flags.h"

enum { DR7_ENABLES = 0xff };
enum { TSS_IO_MAP_BASE = 0x66, TSS_TYPE_32 = 8 /* type 9 or 11 against 1 or 3 */ };

/* One bit per port in the 32-bit TSS; the processor reads two bytes, both of which must lie within the limit.
 */
static bool tss_permits(struct cpu *cpu, uint16_t port, unsigned size)
{
    const struct cpu_segment_state *tr = &cpu->s.tr;
    if (!(tr->access & TSS_TYPE_32) || tr->limit < TSS_IO_MAP_BASE + 1) return false;
    uint32_t at = system_read16(cpu, (uint32_t)tr->base + TSS_IO_MAP_BASE) + port / 8u;
    if (at + 1 > tr->limit) return false;
    unsigned bits = system_read16(cpu, (uint32_t)tr->base + at);
    return !(bits >> (port & 7) & ((1u << size) - 1));
}

/* No TSS has to be asked, which could change within the series. */
static bool always_permitted(const struct cpu *cpu)
{
    return !cpu_protected(cpu) || (!cpu_v86(cpu) && cpu->s.cpl <= (cpu->s.eflags >> 12 & 3));
}

void io_check(struct cpu *cpu, uint16_t port, unsigned size)
{
    if (always_permitted(cpu)) return; /* in virtual-8086 mode the bitmap alone counts */
    if (!tss_permits(cpu, port, size))
        fault_raise(
            cpu, &(struct fault){
                     .vector = FAULT_GP, .has_error = true, .reason = REASON_IO_PERMISSION, .address = port});
}

uint32_t io_read(struct cpu *cpu, uint16_t port, unsigned size)
{
    uint64_t value = UINT64_MAX;
    space_load(cpu->wiring.io, port, size, &value);
    if (unlikely(cpu->s.dr[7] & DR7_ENABLES)) debug_io_check(cpu, port, size);
    return (uint32_t)value;
}

uint32_t io_read_series(struct cpu *cpu, uint16_t port, unsigned size, uint8_t *to, uint32_t count)
{
    if (!always_permitted(cpu) || cpu->s.dr[7] & DR7_ENABLES) return 0;
    return space_load_series(cpu->wiring.io, port, size, to, count);
}

void io_write(struct cpu *cpu, uint16_t port, unsigned size, uint32_t value)
{
    space_store(cpu->wiring.io, port, size, value);
    if (unlikely(cpu->s.dr[7] & DR7_ENABLES)) debug_io_check(cpu, port, size);
}

#define IN_OUT(bits)                                                                                         \
    static void in##bits(struct cpu *cpu, uint16_t port)                                                     \
    {                                                                                                        \
        io_check(cpu, port, bits / 8);                                                                       \
        set_acc##bits(cpu, (uint##bits##_t)io_read(cpu, port, bits / 8));                                    \
    }                                                                                                        \
    static void out##bits(struct cpu *cpu, uint16_t port)                                                    \
    {                                                                                                        \
        io_check(cpu, port, bits / 8);                                                                       \
        io_write(cpu, port, bits / 8, acc##bits(cpu));                                                       \
    }                                                                                                        \
    BODY(in##bits##_imm)                                                                                     \
    {                                                                                                        \
        in##bits(cpu, (uint8_t)insn->immediate);                                                             \
    }                                                                                                        \
    BODY(in##bits##_dx)                                                                                      \
    {                                                                                                        \
        (void)insn;                                                                                          \
        in##bits(cpu, reg16(cpu, CPU_EDX));                                                                  \
    }                                                                                                        \
    BODY(out##bits##_imm)                                                                                    \
    {                                                                                                        \
        out##bits(cpu, (uint8_t)insn->immediate);                                                            \
    }                                                                                                        \
    BODY(out##bits##_dx)                                                                                     \
    {                                                                                                        \
        (void)insn;                                                                                          \
        out##bits(cpu, reg16(cpu, CPU_EDX));                                                                 \
    }

IN_OUT(8)
IN_OUT(16)
IN_OUT(32)
