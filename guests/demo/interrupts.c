/* SPDX-License-Identifier: MIT */
/*
 * IDT and exceptions: Intel 64 and IA-32 Software Developer's Manual, volume 3, chapter 6.
 * Interrupt controllers: Intel 8259A datasheet.
 */
#include "interrupts.h"
#include "console.h"
#include "io.h"
#include "lib.h"
#include "power.h"

enum {
    EXCEPTIONS = 32, /* vectors 0 to 31 are the processor's own */
    IRQS = 16,
    VECTORS = EXCEPTIONS + IRQS,
    STUB_SIZE = 16,
    VECTOR_PAGE_FAULT = 14,

    CODE_SELECTOR = 0x08,
    INTERRUPT_GATE = 0x8e, /* present, ring 0, 32-bit interrupt gate */
};

enum {
    MASTER_COMMAND = 0x20,
    MASTER_DATA = 0x21,
    SLAVE_COMMAND = 0xa0,
    SLAVE_DATA = 0xa1,

    ICW1_INIT = 0x11, /* cascaded, edge-triggered, ICW4 follows */
    ICW4_8086 = 0x01,
    OCW2_EOI = 0x20,
    OCW3_READ_IN_SERVICE = 0x0b,

    CASCADE_IRQ = 2, /* where the slave is wired to the master */
};

struct gate {
    uint16_t offset_low, selector;
    uint8_t zero, type;
    uint16_t offset_high;
};

_Static_assert(sizeof(struct gate) == 8, "as the processor reads it");

/* What interrupt_stubs.S has pushed, lowest address first. */
struct interrupt_frame {
    uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
    uint32_t vector, error;
    uint32_t eip, cs, eflags;
};

extern const uint8_t interrupt_stubs[];
extern const uint8_t fault_try_first[], fault_try_end[];
void fault_try(uint32_t address, int what);
void interrupt_handle(struct interrupt_frame *frame);

static struct gate idt[VECTORS];
static void (*irq_handlers[IRQS])(void);
static struct fault seen;

static const char *const exception_names[EXCEPTIONS] = {
    [0] = "divide error",
    [1] = "debug",
    [2] = "NMI",
    [3] = "breakpoint",
    [4] = "overflow",
    [5] = "bound range exceeded",
    [6] = "invalid opcode",
    [7] = "device not available",
    [8] = "double fault",
    [9] = "coprocessor segment overrun",
    [10] = "invalid TSS",
    [11] = "segment not present",
    [12] = "stack fault",
    [13] = "general protection",
    [14] = "page fault",
    [16] = "floating-point error",
    [17] = "alignment check",
    [18] = "machine check",
};

static void gate_set(unsigned vector)
{
    uint32_t offset = (uint32_t)interrupt_stubs + vector * STUB_SIZE;

    idt[vector] = (struct gate){
        .offset_low = (uint16_t)offset,
        .selector = CODE_SELECTOR,
        .type = INTERRUPT_GATE,
        .offset_high = (uint16_t)(offset >> 16),
    };
}

static void idt_load(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint32_t base;
    } idtr = {sizeof idt - 1, (uint32_t)idt};

    __asm__ volatile("lidt %0" : : "m"(idtr));
}

static void pic_init(void)
{
    outb(MASTER_COMMAND, ICW1_INIT);
    outb(SLAVE_COMMAND, ICW1_INIT);
    outb(MASTER_DATA, EXCEPTIONS); /* ICW2: the first vector */
    outb(SLAVE_DATA, EXCEPTIONS + 8);
    outb(MASTER_DATA, 1 << CASCADE_IRQ); /* ICW3: the line as a mask here, as a number there */
    outb(SLAVE_DATA, CASCADE_IRQ);
    outb(MASTER_DATA, ICW4_8086);
    outb(SLAVE_DATA, ICW4_8086);
    outb(MASTER_DATA, 0xff & ~(1 << CASCADE_IRQ));
    outb(SLAVE_DATA, 0xff);
}

void interrupts_init(void)
{
    interrupts_off();
    for (unsigned vector = 0; vector < VECTORS; vector++) gate_set(vector);
    idt_load();
    pic_init();
}

void interrupts_set_irq(unsigned irq, void (*handler)(void))
{
    uint16_t port = irq < 8 ? MASTER_DATA : SLAVE_DATA;

    irq_handlers[irq] = handler;
    outb(port, inb(port) & (uint8_t) ~(1u << (irq & 7)));
}

static uint32_t fault_address(void)
{
    uint32_t cr2;

    __asm__ volatile("movl %%cr2, %0" : "=r"(cr2));
    return cr2;
}

static void report(const struct interrupt_frame *f)
{
    const char *name = exception_names[f->vector];

    print("\nfault: vector %u (%s), error code %08x, at eip %08x\n", f->vector, name ? name : "reserved",
          f->error, f->eip);
    if (f->vector == VECTOR_PAGE_FAULT) print("fault: address %08x (cr2)\n", fault_address());
    print("fault: eax %08x ebx %08x ecx %08x edx %08x\n", f->eax, f->ebx, f->ecx, f->edx);
    print("fault: esi %08x edi %08x ebp %08x esp %08x\n", f->esi, f->edi, f->ebp, f->esp);
    print("fault: cs %04x eflags %08x\n", f->cs, f->eflags);
    fail("the kernel faulted");
}

static void exception(struct interrupt_frame *f)
{
    /* A fault points at its instruction; a trap, as INT3 is one, behind it. */
    if (f->eip < (uint32_t)fault_try_first || f->eip > (uint32_t)fault_try_end) report(f);
    seen = (struct fault){true, f->vector, f->error, f->vector == VECTOR_PAGE_FAULT ? fault_address() : 0};
    f->eip = (uint32_t)fault_try_end;
}

/* A line that drops before the processor asks for the vector arrives as 7 or 15, without an in-service bit.
 */
static bool irq_is_spurious(unsigned irq)
{
    uint16_t port = irq < 8 ? MASTER_COMMAND : SLAVE_COMMAND;

    if ((irq & 7) != 7) return false;
    outb(port, OCW3_READ_IN_SERVICE);
    return !(inb(port) & 0x80);
}

static void interrupt(unsigned irq)
{
    bool spurious = irq_is_spurious(irq);

    if (!spurious && irq_handlers[irq]) irq_handlers[irq]();
    if (!spurious && irq >= 8) outb(SLAVE_COMMAND, OCW2_EOI);
    if (!spurious || irq >= 8) outb(MASTER_COMMAND, OCW2_EOI); /* the master did see the slave's line */
}

void interrupt_handle(struct interrupt_frame *frame)
{
    if (frame->vector < EXCEPTIONS)
        exception(frame);
    else
        interrupt(frame->vector - EXCEPTIONS);
}

static struct fault try(uint32_t address, int what)
{
    seen = (struct fault){false, 0, 0, 0};
    fault_try(address, what);
    return seen;
}

struct fault fault_try_read(uint32_t address)
{
    return try(address, 0);
}

struct fault fault_try_write(uint32_t address)
{
    return try(address, 1);
}

struct fault fault_try_breakpoint(void)
{
    return try(0, 2);
}
