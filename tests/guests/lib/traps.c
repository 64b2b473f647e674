/* SPDX-License-Identifier: MIT */
/* Descriptor tables and the arrival of traps: see traps.h. Formats: SDM 3A, 3.4.5, 5.8.3, 6.11 and 7.2. */
#include "traps.h"

enum {
    ACCESS_CODE = 0xc09b, /* 4 GiB, 32-bit, present, ring 0, accessed */
    ACCESS_DATA = 0xc093,
    ACCESS_RING3 = 0x60,
    ACCESS_TSS = 0x89,
    GATE_INTERRUPT = 0x8e,
    STUB_SIZE = 16,
    DEBUG_EXIT_PORT = 0x501,
};

uint64_t traps_gdt[GDT_ENTRIES];
uint64_t traps_idt[256];
struct tss traps_tss;
struct trap trap_last;
uint32_t trap_cr2;
bool (*trap_hook)(struct trap *trap);
uint32_t probe_user_flags = 2;

static uint8_t ring0_stack[16384] __attribute__((aligned(16)));
static volatile bool guarded;

bool trap_guard(probe_fn fn, uint32_t arg);
void trap_leave(void) __attribute__((noreturn));
void trap_start_user(uint32_t what);
void trap_arrived(struct trap *trap);

uint64_t descriptor(uint32_t base, uint32_t limit, uint16_t flags)
{
    uint32_t low = base << 16 | (limit & 0xffff);
    uint32_t high =
        (base & 0xff000000) | (uint32_t)(flags & 0xf0ff) << 8 | (limit & 0xf0000) | (base >> 16 & 0xff);

    return (uint64_t)high << 32 | low;
}

uint64_t gate(uint16_t selector, uint32_t offset, uint8_t access, uint8_t parameters)
{
    uint32_t low = (uint32_t)selector << 16 | (offset & 0xffff);
    uint32_t high = (offset & 0xffff0000) | (uint32_t)access << 8 | parameters;

    return (uint64_t)high << 32 | low;
}

uint32_t trap_stub(unsigned vector)
{
    extern const uint8_t trap_stubs[];

    return (uint32_t)trap_stubs + vector * STUB_SIZE;
}

void traps_reload(void)
{
    const struct table_register gdtr = {sizeof traps_gdt - 1, (uint32_t)traps_gdt};
    const struct table_register idtr = {sizeof traps_idt - 1, (uint32_t)traps_idt};

    traps_tss.esp0 = (uint32_t)(ring0_stack + sizeof ring0_stack);
    traps_tss.ss0 = SEL_DATA0;
    traps_tss.io_base = offsetof(struct tss, io_bitmap);
    traps_gdt[SEL_CODE0 >> 3] = descriptor(0, 0xfffff, ACCESS_CODE);
    traps_gdt[SEL_DATA0 >> 3] = descriptor(0, 0xfffff, ACCESS_DATA);
    traps_gdt[SEL_CODE3 >> 3] = descriptor(0, 0xfffff, ACCESS_CODE | ACCESS_RING3);
    traps_gdt[SEL_DATA3 >> 3] = descriptor(0, 0xfffff, ACCESS_DATA | ACCESS_RING3);
    traps_gdt[SEL_TSS >> 3] = descriptor((uint32_t)&traps_tss, sizeof traps_tss - 1, ACCESS_TSS);
    for (unsigned i = 0; i < 256; i++) traps_idt[i] = gate(SEL_CODE0, trap_stub(i), GATE_INTERRUPT, 0);
    traps_idt[VECTOR_LEAVE] |= (uint64_t)ACCESS_RING3 << 40;
    __asm__ volatile("lgdt %0; lidt %1; ltr %w2" : : "m"(gdtr), "m"(idtr), "r"(SEL_TSS));
    __asm__ volatile("lldt %w0" : : "r"(0));
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" : : "r"(SEL_DATA0));
}

void traps_init(void)
{
    outb(0x21, 0xff); /* no interrupts from the 8259s */
    outb(0xa1, 0xff);
    for (unsigned i = 0; i < sizeof traps_tss.io_bitmap; i++) traps_tss.io_bitmap[i] = 0xff;
    traps_reload();
}

/* Called by the stubs. */
void trap_arrived(struct trap *trap)
{
    __asm__ volatile("mov %%cr2, %0" : "=r"(trap_cr2));
    trap_last = *trap;
    if (trap_hook && trap_hook(trap)) return;
    if (guarded) trap_leave();
    com_print("FAILED trap outside of a check: vector ");
    com_print_hex(trap->vector, 2);
    com_print(" error ");
    com_print_hex(trap->error, 8);
    com_print(" EIP ");
    com_print_hex(trap->eip, 8);
    com_print(" CR2 ");
    com_print_hex(trap_cr2, 8);
    com_print("\n");
    outb(DEBUG_EXIT_PORT, GUEST_FAIL);
    for (;;) __asm__ volatile("cli; hlt");
}

const struct trap *probe(probe_fn fn, uint32_t arg)
{
    trap_last.vector = TRAP_NONE;
    trap_last.error = 0;
    guarded = true;
    if (!trap_guard(fn, arg)) {
        trap_last.vector = TRAP_NONE;
        trap_last.error = 0;
    }
    guarded = false;
    return &trap_last;
}

const struct trap *probe_user(probe_fn fn, uint32_t arg)
{
    const uint32_t what[2] = {(uint32_t)fn, arg};

    probe(trap_start_user, (uint32_t)what);
    if (trap_last.vector == VECTOR_LEAVE) trap_last.vector = TRAP_NONE;
    return &trap_last;
}

void check_trap(const char *name, const char *sdm, uint32_t vector, uint32_t error)
{
    check_equal(name, sdm, vector << 16 | (error & 0xffff),
                trap_last.vector << 16 | (trap_last.error & 0xffff));
}

uint32_t cpuid_edx(uint32_t leaf)
{
    uint32_t most = leaf & 0x80000000, b, c, d;

    __asm__ volatile("cpuid" : "+a"(most), "=b"(b), "=c"(c), "=d"(d));
    if (most < leaf || most > (leaf | 0xffff)) return 0;
    __asm__ volatile("cpuid" : "+a"(leaf), "=b"(b), "=c"(c), "=d"(d));
    return d;
}
