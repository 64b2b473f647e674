/* SPDX-License-Identifier: MIT */
/*
 * PIIX3 function 0: ISA bridge, PCI interrupt router, reset control.
 *
 * Specification: Intel 82371SB (290550), 2.2 and 2.5.
 */
#include "devices/bus/piix3.h"

#include <stdlib.h>
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(pirq_event, "piix3.pirq", "pirq:u level:u irq:u");
TRACE_EVENT(reset_event, "piix3.reset_control", "hard:u");

/* Configuration registers */

enum { PIRQRCA = 0x60 };
enum { PIRQ_DISABLED = 0x80, PIRQ_IRQ = 0x0f };

static const struct pci_register registers[] = {
    {"PCICMD", PCI_COMMAND, 2, 0x0007, 0x0008}, /* always decodes and masters; special cycles */
    {"PCISTS", PCI_STATUS, 2, 0x0200, 0},
    {"CLS", PCI_CACHE_LINE_SIZE, 1, 0x00, 0x00},
    {"MLT", PCI_LATENCY_TIMER, 1, 0x00, 0x00},
    {"IORT", 0x4c, 1, 0x4d, 0xff},
    {"XBCS", 0x4e, 2, 0x0003, 0x01ff},
    {"PIRQRCA", 0x60, 1, 0x80, 0x8f},
    {"PIRQRCB", 0x61, 1, 0x80, 0x8f},
    {"PIRQRCC", 0x62, 1, 0x80, 0x8f},
    {"PIRQRCD", 0x63, 1, 0x80, 0x8f},
    {"TOM", 0x69, 1, 0x02, 0xfe},
    {"MSTAT", 0x6a, 2, 0x0000, 0x00d1},
    {"MBIRQ0", 0x70, 1, 0x80, 0xef},
    {"MBDMA0", 0x76, 1, 0x04, 0x87},
    {"MBDMA1", 0x77, 1, 0x04, 0x87},
    {"PCSC", 0x78, 2, 0x0002, 0xffff},
    {"APICBASE", 0x80, 1, 0x00, 0x7f},
    {"DLC", 0x82, 1, 0x00, 0x0f},
    {"SMICNTL", 0xa0, 1, 0x08, 0x1f},
    {"SMIEN", 0xa2, 2, 0x0000, 0x01ff},
    {"SEE", 0xa4, 4, 0x00000000, 0xeffffffb},
    {"FTMR", 0xa8, 1, 0x0f, 0xff},
    {"SMIREQ", 0xaa, 2, 0x0000, 0x0000},
    {"CTLTMR", 0xac, 1, 0x00, 0xff},
    {"CTHTMR", 0xae, 1, 0x00, 0xff},
};

/* Inputs that a PIRQ must not be routed to: timer, keyboard, cascade, clock, coprocessor. */
#define RESERVED_IRQS (BIT(0) | BIT(1) | BIT(2) | BIT(8) | BIT(13))

/* Reset control register, CF9h (2.5.6.1) */
enum { RESET_CPU = 4, RESET_HARD = 2 };
#define RESET_CONTROL_OFFSET 1 /* from CF8h */

/* State */

struct piix3_state {
    uint8_t reset_control;
    uint8_t pirq;    /* level of each PIRQ# input, as "asserted" */
    uint16_t isa;    /* level of the lines that share, by input */
    uint16_t driven; /* what the 8259 inputs were last told */
};

static const struct state_field piix3_fields[] = {
    STATE_FIELD(struct piix3_state, reset_control),
    STATE_FIELD(struct piix3_state, pirq),
    STATE_FIELD(struct piix3_state, isa),
    STATE_FIELD(struct piix3_state, driven),
    STATE_END,
};
static const struct state_table piix3_table = {"piix3", 1, sizeof(struct piix3_state), piix3_fields};

struct piix3 {
    struct pci_function function;
    struct device device;
    struct piix3_state state;
    struct piix3_wiring wiring;
    struct region *reset_control;
};

/* Interrupt routing (2.2.10) */

/* The 8259 input that PIRQ `n` reaches, or -1. */
static int routed_irq(const struct piix3 *piix3, unsigned n)
{
    uint8_t route = piix3->function.state.config[PIRQRCA + n];
    if (route & PIRQ_DISABLED) return -1;
    return RESERVED_IRQS & BIT(route & PIRQ_IRQ) ? -1 : route & PIRQ_IRQ;
}

static uint16_t wanted_levels(const struct piix3 *piix3)
{
    uint16_t levels = piix3->state.isa;
    for (unsigned n = 0; n < 4; n++) {
        int irq = routed_irq(piix3, n);
        if (irq >= 0 && (piix3->state.pirq & BIT(n))) levels |= (uint16_t)BIT(irq);
    }
    return levels;
}

/* Only inputs that change are told, so that lines which others drive are left alone. */
static void update_irqs(struct piix3 *piix3)
{
    uint16_t levels = wanted_levels(piix3);
    uint16_t changed = levels ^ piix3->state.driven;
    piix3->state.driven = levels;
    for (unsigned irq = 0; irq < 16; irq++) {
        if (changed & BIT(irq)) irq_set(&piix3->wiring.irq[irq], levels & BIT(irq));
    }
}

static void set_pirq(void *owner, int number, bool level)
{
    struct piix3 *piix3 = owner;
    uint8_t bit = (uint8_t)BIT(number);
    if (!!(piix3->state.pirq & bit) == level) return;
    piix3->state.pirq ^= bit;
    if (trace_on(&pirq_event)) {
        trace_emit(&pirq_event, pci_bus_wiring(piix3->wiring.bus)->clock, (uint64_t)number, (uint64_t)level,
                   (uint64_t)(uint8_t)routed_irq(piix3, (unsigned)number));
    }
    update_irqs(piix3);
}

static void set_isa(void *owner, int number, bool level)
{
    struct piix3 *piix3 = owner;
    uint16_t bit = (uint16_t)BIT(number);
    piix3->state.isa = (uint16_t)(level ? piix3->state.isa | bit : piix3->state.isa & ~bit);
    update_irqs(piix3);
}

struct irq_line piix3_isa_irq(struct piix3 *piix3, unsigned number)
{
    return (struct irq_line){set_isa, piix3, (int)(number & 15)};
}

static void config_written(void *owner, unsigned offset, unsigned size)
{
    struct piix3 *piix3 = owner;
    for (unsigned n = 0; n < 4; n++) {
        uint8_t route = piix3->function.state.config[PIRQRCA + n];
        if (PIRQRCA + n < offset || PIRQRCA + n >= offset + size || route & PIRQ_DISABLED) continue;
        if (RESERVED_IRQS & BIT(route & PIRQ_IRQ)) {
            lint(piix3->device.name, "82371SB, 2.2.10", "PIRQ%c# is routed to IRQ %u, which is reserved",
                 'A' + n, route & PIRQ_IRQ);
        }
    }
    update_irqs(piix3);
}

/* Reset control */

static enum mem_result reset_control_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)at, (void)size;
    *value = ((const struct piix3 *)owner)->state.reset_control;
    return MEM_OK;
}

/* The reset happens when RCPU goes from 0 to 1; its kind must have been chosen by then. RCPU is 0 again
 * afterwards. */
static enum mem_result reset_control_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)at, (void)size;
    struct piix3 *piix3 = owner;
    bool hard = value & RESET_HARD;
    piix3->state.reset_control = value & RESET_HARD;
    if (value & RESET_CPU) {
        if (trace_on(&reset_event)) {
            trace_emit(&reset_event, pci_bus_wiring(piix3->wiring.bus)->clock, (uint64_t)hard);
        }
        if (piix3->wiring.reset) piix3->wiring.reset(piix3->wiring.reset_owner, hard);
    }
    return MEM_OK;
}

static const struct mmio_ops reset_control_ops = {reset_control_read, reset_control_write, 1, 1, false};

/* The bridge as a device. Its configuration space is reset before this. */

static struct piix3 *from_device(struct device *device)
{
    return list_entry(device, struct piix3, device);
}

/* The lines are inputs: what they carry is up to those who drive them, who are reset too. */
static void piix3_reset(struct device *device)
{
    struct piix3 *piix3 = from_device(device);
    piix3->state.reset_control = 0;
    update_irqs(piix3);
}

static void piix3_destroy(struct device *device)
{
    struct piix3 *piix3 = from_device(device);
    pci_bus_connect_intx(piix3->wiring.bus, (const struct irq_line[4]){{0}});
    pci_function_destroy(&piix3->function);
    region_remove(piix3->reset_control);
    region_release(piix3->reset_control);
    free(piix3);
}

static const struct device_ops piix3_ops = {"piix3", &piix3_table, piix3_reset, NULL, piix3_destroy};

struct piix3 *piix3_new(const struct piix3_wiring *wiring)
{
    struct piix3 *piix3 = calloc(1, sizeof(*piix3));
    if (!piix3) abort();
    piix3->wiring = *wiring;
    const struct pci_identity identity = {
        .vendor = 0x8086, .device = 0x7000, .class = 6, .subclass = 1, .multifunction = true};
    pci_function_init(&piix3->function, wiring->bus, wiring->devfn, "piix3-pci", &identity, config_written,
                      piix3);
    pci_function_registers(&piix3->function, registers, ARRAY_COUNT(registers));
    device_add(pci_bus_wiring(wiring->bus)->devices, &piix3->device, &piix3_ops, "piix3", &piix3->state);

    piix3->reset_control = region_new_mmio("reset-control", 1, &reset_control_ops, piix3, NULL);
    region_add(wiring->ports_behind_confadd, RESET_CONTROL_OFFSET, piix3->reset_control, 0);
    struct irq_line pirqs[4];
    for (int n = 0; n < 4; n++) pirqs[n] = (struct irq_line){set_pirq, piix3, n};
    pci_bus_connect_intx(wiring->bus, pirqs);
    return piix3;
}
