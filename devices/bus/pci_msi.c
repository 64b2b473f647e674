/* SPDX-License-Identifier: MIT */
/* Message signalled interrupts. Specification: PCI Local Bus Specification 2.3, 6.8.1. See pci_msi.h. */
#include "devices/bus/pci_msi.h"

#include <assert.h>
#include <inttypes.h>
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

TRACE_EVENT(message_event, "pci.msi", "device:s address:x data:x taken:u");

static const uint8_t *capability(const struct pci_msi *msi)
{
    return msi->function->state.config + msi->offset;
}

bool pci_msi_enabled(const struct pci_msi *msi)
{
    return le16_load(capability(msi) + PCI_MSI_CONTROL) & PCI_MSI_ENABLE;
}

void pci_msi_send(struct pci_msi *msi)
{
    if (pci_msi_enabled(msi)) clock_event_in(&msi->send, 0);
}

void pci_msi_cancel(struct pci_msi *msi)
{
    clock_event_cancel(&msi->send);
}

static void send_now(void *owner)
{
    struct pci_msi *msi = owner;
    struct pci_function *function = msi->function;
    uint64_t address = le64_load(capability(msi) + PCI_MSI_ADDRESS);
    uint32_t data = le16_load(capability(msi) + PCI_MSI_DATA);
    if (!pci_msi_enabled(msi)) return;
    enum mem_result result = space_store(function->dma, address, 4, data);
    if (trace_on(&message_event))
        trace_emit(&message_event, space_clock(function->dma), function->device.name, address, (uint64_t)data,
                   (uint64_t)(result == MEM_OK));
    if (result != MEM_OK)
        lint(function->device.name, "PCI 2.3, 6.8.1.2", "message %04x to %" PRIx64 " is lost: %s", data,
             address,
             le16_load(function->state.config + PCI_COMMAND) & PCI_COMMAND_MASTER ? "nobody takes it there"
                                                                                  : "Bus Master Enable is 0");
}

/* Bytes of the capability: value at reset, and which bits the driver may change. */
static void put_registers(const struct pci_msi *msi, uint8_t next)
{
    struct pci_function *function = msi->function;
    unsigned at = msi->offset;
    pci_function_config(function, at + PCI_MSI_ID, 2, PCI_CAPABILITY_MSI | (uint32_t)next << 8, 0);
    pci_function_config(function, at + PCI_MSI_CONTROL, 2, PCI_MSI_64BIT,
                        PCI_MSI_ENABLE | PCI_MSI_MULTIPLE_ENABLE);
    pci_function_config(function, at + PCI_MSI_ADDRESS, 4, 0, ~3u);
    pci_function_config(function, at + PCI_MSI_ADDRESS_HIGH, 4, 0, ~0u);
    pci_function_config(function, at + PCI_MSI_DATA, 2, 0, 0xffff);
}

void pci_msi_init(struct pci_msi *msi, struct pci_function *function, unsigned offset)
{
    assert(offset >= 0x40 && offset % 4 == 0 && offset + PCI_MSI_SIZE <= PCI_CONFIG_SIZE);
    *msi = (struct pci_msi){.function = function, .offset = offset};
    uint8_t status = function->reset_config[PCI_STATUS];
    uint8_t first = status & PCI_STATUS_CAPABILITIES ? function->reset_config[PCI_CAPABILITIES] : 0;
    put_registers(msi, first);
    pci_function_config(function, PCI_CAPABILITIES, 1, offset, 0);
    pci_function_config(function, PCI_STATUS, 1, status | PCI_STATUS_CAPABILITIES, 0);
    snprintf(msi->send_name, sizeof msi->send_name, "%s.msi", function->device.name);
    clock_event_init(&msi->send, space_clock(function->dma), msi->send_name, send_now, msi);
}

void pci_msi_destroy(struct pci_msi *msi)
{
    clock_event_destroy(&msi->send);
}
