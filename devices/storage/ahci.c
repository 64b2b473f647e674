/* SPDX-License-Identifier: MIT */
/* The AHCI controller as a whole: PCI function, interrupts, reset, creation. Specification: AHCI 1.3.1. See ahci.h. */
#include "devices/storage/ahci.h"

#include <stdlib.h>
#include <string.h>
#include "devices/storage/ahci_internal.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(interrupt_event, "ahci.interrupt", "device:s status:x pin:u message:u");

/* ---- interrupts (10.7) ---- */

/* A message is sent for each bit of IS that is new; the pin is high while any is set. */
void ahci_update_interrupt(struct ahci *ahci)
{
    struct ahci_state *s = &ahci->state;
    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        if (s->is & 1u << n || !(ahci_port_interrupts(&ahci->port[n]) & s->port[n].ie)) continue;
        s->is |= 1u << n;
        s->port[n].acknowledged = false;
    }
    uint32_t active = s->ghc & AHCI_GHC_INTERRUPTS ? s->is : 0;
    bool by_message = pci_msi_enabled(&ahci->msi), message = by_message && (active & ~s->announced);
    bool pin = active && !by_message;
    if (trace_on(&interrupt_event) && (message || pin != ahci->function.state.intx))
        trace_emit(&interrupt_event, ahci->clock, ahci->name, (uint64_t)s->is, (uint64_t)pin,
                   (uint64_t)message);
    s->announced = active;
    if (message) pci_msi_send(&ahci->msi);
    pci_function_set_intx(&ahci->function, pin);
}

/* ---- the PCI function ---- */

bool ahci_is_master(const struct ahci *ahci)
{
    return ahci->function.state.config[PCI_COMMAND] & PCI_COMMAND_MASTER;
}

void ahci_master_abort(struct ahci *ahci)
{
    ahci->function.state.config[PCI_STATUS + 1] |= 0x20;
}

static void config_written(void *owner, unsigned offset, unsigned size)
{
    struct ahci *ahci = owner;
    (void)offset, (void)size;
    for (unsigned n = 0; n < AHCI_PORTS; n++)
        if (ahci->state.port[n].ci && ahci_is_master(ahci)) ahci_port_kick(&ahci->port[n]);
    ahci_update_interrupt(ahci);
}

/* ---- resets ---- */

void ahci_reset_all(struct ahci *ahci)
{
    clock_event_cancel(&ahci->reset_over);
    pci_msi_cancel(&ahci->msi);
    for (unsigned n = 0; n < AHCI_PORTS; n++) ahci_port_reset(&ahci->port[n]);
    ahci->state.ghc = AHCI_GHC_ENABLE;
    ahci->state.is = ahci->state.announced = 0;
    ahci_update_interrupt(ahci);
}

static void reset_over(void *owner)
{
    struct ahci *ahci = owner;
    ahci->state.ghc &= ~AHCI_GHC_RESET;
}

static struct ahci *from_device(struct device *device)
{
    return list_entry(device, struct ahci, device);
}

static void device_reset(struct device *device)
{
    struct ahci *ahci = from_device(device);
    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        struct ahci_port_state *s = &ahci->state.port[n];
        s->clb = s->clbu = s->fb = s->fbu = 0;
    }
    ahci_reset_all(ahci);
}

/* Engines are taken up again by what ahci_more loads. */
static void device_loaded(struct device *device)
{
    struct ahci *ahci = from_device(device);
    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        ahci_commands_cancel(&ahci->port[n]);
        ata_loaded(&ahci->port[n].drive);
    }
}

static void device_destroy(struct device *device)
{
    struct ahci *ahci = from_device(device);
    for (unsigned n = 0; n < AHCI_PORTS; n++) ahci_port_destroy(&ahci->port[n]);
    clock_event_destroy(&ahci->reset_over);
    pci_msi_destroy(&ahci->msi);
    pci_function_destroy(&ahci->function);
    region_release(ahci->registers);
    free(ahci);
}

static const struct device_ops ahci_ops = {"ahci", &ahci_table, device_reset, device_loaded, device_destroy};

/* ---- creation ---- */

const char *ahci_name(const struct ahci *ahci)
{
    return ahci->name;
}

struct space *ahci_dma_space(struct ahci *ahci)
{
    return ahci->function.dma;
}

static uint32_t capabilities(const struct ahci_wiring *wiring)
{
    return AHCI_CAP_64BIT | AHCI_CAP_NCQ | AHCI_CAP_OVERRIDE | AHCI_CAP_SPEED | AHCI_CAP_AHCI_ONLY |
           AHCI_CAP_PIO_BLOCKS | AHCI_CAP_SLUMBER | AHCI_CAP_PARTIAL | (AHCI_SLOTS - 1) << 8 |
           (AHCI_PORTS - 1) | (wiring->staggered_spin_up ? AHCI_CAP_STAGGERED : 0) |
           (wiring->presence_detection ? AHCI_CAP_SWITCHES : 0);
}

static void make_function(struct ahci *ahci, const struct ahci_wiring *wiring)
{
    static const struct pci_identity identity = {.vendor = 0x8086,
                                                 .device = 0x2922,
                                                 .class = 0x01,
                                                 .subclass = 0x06,
                                                 .prog_if = 0x01,
                                                 .revision = 0x02,
                                                 .interrupt_pin = 1};
    pci_function_init(&ahci->function, wiring->bus, wiring->devfn, ahci->name, &identity, config_written,
                      ahci);
    pci_msi_init(&ahci->msi, &ahci->function, AHCI_MSI_OFFSET);
    ahci->registers = region_new_mmio(ahci->name, AHCI_BAR_SIZE, &ahci_register_ops, ahci, &ahci->guard);
    pci_function_add_bar(&ahci->function, AHCI_BAR, ahci->registers, false);
}

struct ahci *ahci_new(const struct ahci_wiring *wiring, struct error *error)
{
    if (strlen(wiring->name) > AHCI_NAME_MOST) {
        error_set(error, "%s: the name of an AHCI controller has %d letters at the most", wiring->name,
                  AHCI_NAME_MOST);
        return NULL;
    }
    struct ahci *ahci = calloc(1, sizeof *ahci);
    if (!ahci) abort(); /* no memory for a few KiB: nothing can go on */
    snprintf(ahci->name, sizeof ahci->name, "%s", wiring->name);
    snprintf(ahci->device_name, sizeof ahci->device_name, "%s.hba", ahci->name);
    snprintf(ahci->reset_name, sizeof ahci->reset_name, "%s.reset", ahci->name);
    ahci->clock = wiring->clock;
    ahci->guard.device = ahci->name;
    ahci->cap = capabilities(wiring);
    ahci->staggered = wiring->staggered_spin_up;
    ahci->presence = wiring->presence_detection;
    make_function(ahci, wiring);
    clock_event_init(&ahci->reset_over, ahci->clock, ahci->reset_name, reset_over, ahci);
    for (unsigned n = 0; n < AHCI_PORTS; n++) ahci_port_init(&ahci->port[n], ahci, n);
    device_add(wiring->devices, &ahci->device, &ahci_ops, ahci->device_name, &ahci->state);
    ahci->device.more = &ahci_more;
    device_reset(&ahci->device);
    return ahci;
}
