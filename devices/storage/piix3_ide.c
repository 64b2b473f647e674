/* SPDX-License-Identifier: MIT */
/* The IDE function of the PIIX3. Specification: Intel 290550. See piix3_ide.h. */
#include <stdlib.h>
#include "devices/storage/piix3_ide.h"
#include "emu/core/log.h"
#include "mem/stats.h"

static const struct pci_register config_registers[] = {
    {"PCICMD", PCI_COMMAND, 2, 0, PCI_COMMAND_IO | PCI_COMMAND_MASTER},
    {"PCISTS", PCI_STATUS, 2, 0x0280, 0}, /* medium DEVSEL timing, fast back-to-back */
    {"IDETIM0", PIIX3_IDE_IDETIM, 2, 0, 0xf3ff},
    {"IDETIM1", PIIX3_IDE_IDETIM + 2, 2, 0, 0xf3ff},
    {"SIDETIM", PIIX3_IDE_SIDETIM, 1, 0, 0xff},
};

static const struct channel_place {
    const char *name;
    uint16_t command, control;
} places[PIIX3_IDE_CHANNELS] = {{"ide0", 0x1f0, 0x3f6}, {"ide1", 0x170, 0x376}};

struct piix3_ide_state {
    struct ide_channel_state channel[PIIX3_IDE_CHANNELS];
};

struct piix3_ide {
    struct pci_function function;
    struct device device;
    struct piix3_ide_state state;
    struct ide_channel channel[PIIX3_IDE_CHANNELS];
    struct region *bus_master;
    struct mem_guard guard;
};

static const struct state_field ide_fields[] = {
    STATE_STRUCTS(struct piix3_ide_state, channel, ide_channel_fields),
    STATE_END,
};
static const struct state_table ide_table = {"piix3-ide", 1, sizeof(struct piix3_ide_state), ide_fields};

/* Bus-master registers: 8 ports for each channel. */

static enum mem_result bus_master_ports_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    struct piix3_ide *ide = owner;
    const struct ide_channel *channel = &ide->channel[at.offset / BUS_MASTER_PORTS];
    uint64_t result = 0;

    for (unsigned i = 0; i < size; i++)
        result |= (uint64_t)bus_master_read(&channel->bus_master, (at.offset + i) % BUS_MASTER_PORTS)
                  << 8 * i;
    *value = result;
    return MEM_OK;
}

static enum mem_result bus_master_ports_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    struct piix3_ide *ide = owner;
    struct ide_channel *channel = &ide->channel[at.offset / BUS_MASTER_PORTS];

    for (unsigned i = 0; i < size; i++)
        bus_master_write(&channel->bus_master, (at.offset + i) % BUS_MASTER_PORTS, (uint8_t)(value >> 8 * i));
    return MEM_OK;
}

static const struct mmio_ops bus_master_ports = {bus_master_ports_read, bus_master_ports_write, 1, 4, false};

/* Configuration. */

/* Which channels answer at their ports. */
static void update_decode(struct piix3_ide *ide)
{
    const uint8_t *config = ide->function.state.config;
    bool io = config[PCI_COMMAND] & PCI_COMMAND_IO;

    region_change_begin();
    for (unsigned i = 0; i < PIIX3_IDE_CHANNELS; i++) {
        bool decode = io && le16_load(config + PIIX3_IDE_IDETIM + 2 * i) & PIIX3_IDE_DECODE_ENABLE;
        region_enable(ide->channel[i].command, decode);
        region_enable(ide->channel[i].control, decode);
    }
    region_change_end();
}

static void config_written(void *owner, unsigned offset, unsigned size)
{
    struct piix3_ide *ide = owner;
    (void)offset;
    (void)size;
    update_decode(ide);
    for (unsigned i = 0; i < PIIX3_IDE_CHANNELS; i++) bus_master_enabled(&ide->channel[i].bus_master);
}

/* The device. */

static struct piix3_ide *from_device(struct device *device)
{
    return list_entry(device, struct piix3_ide, device);
}

static void ide_reset(struct device *device)
{
    struct piix3_ide *ide = from_device(device);
    for (unsigned i = 0; i < PIIX3_IDE_CHANNELS; i++) ide_channel_reset(&ide->channel[i]);
    update_decode(ide);
}

static void ide_loaded(struct device *device)
{
    struct piix3_ide *ide = from_device(device);
    for (unsigned i = 0; i < PIIX3_IDE_CHANNELS; i++) ide_channel_loaded(&ide->channel[i]);
    update_decode(ide);
}

static void ide_destroy(struct device *device)
{
    struct piix3_ide *ide = from_device(device);
    for (unsigned i = 0; i < PIIX3_IDE_CHANNELS; i++) ide_channel_destroy(&ide->channel[i]);
    pci_function_destroy(&ide->function);
    region_release(ide->bus_master);
    free(ide);
}

/* Requests in flight. */

static bool ide_save_requests(const struct device *device, struct state_buffer *to, struct error *error)
{
    const struct piix3_ide *ide = list_entry(device, const struct piix3_ide, device);
    for (unsigned i = 0; i < PIIX3_IDE_CHANNELS; i++) {
        const struct ide_channel *channel = &ide->channel[i];
        for (unsigned n = 0; n < IDE_DRIVES; n++) ata_save_request(&channel->drive[n], to);
        if (!bus_master_save_transfer(&channel->bus_master, channel->drive, to, error)) return false;
    }
    return true;
}

/* Both channels share a pool: what either holds is given back before one takes again. */
static bool ide_load_requests(struct device *device, struct state_buffer *from, struct error *error)
{
    struct piix3_ide *ide = from_device(device);
    for (unsigned i = 0; i < PIIX3_IDE_CHANNELS; i++) bus_master_cancel(&ide->channel[i].bus_master);
    for (unsigned i = 0; i < PIIX3_IDE_CHANNELS; i++) {
        struct ide_channel *channel = &ide->channel[i];
        for (unsigned n = 0; n < IDE_DRIVES; n++)
            if (!ata_load_request(&channel->drive[n], from, error)) return false;
        if (!bus_master_load_transfer(&channel->bus_master, channel->drive, from, error)) return false;
    }
    return true;
}

static void ide_stats(const struct device *device, FILE *to)
{
    const struct piix3_ide *ide = list_entry(device, const struct piix3_ide, device);
    dma_print_stats(ide->function.dma, device->name, to);
    for (unsigned i = 0; i < PIIX3_IDE_CHANNELS; i++) {
        stream_print_stats(&ide->channel[i].bus_master.transfer.stream, to);
        stream_print_stats(&ide->channel[i].bus_master.bytes.stream, to);
    }
}

static const struct device_more ide_more = {ide_save_requests, ide_load_requests, ide_stats};

static const struct device_ops ide_ops = {"piix3-ide", &ide_table, ide_reset, ide_loaded, ide_destroy};

/* Creation. */

struct piix3_ide *piix3_ide_new(struct pci_bus *bus, uint8_t devfn, struct region *io, struct clock *clock,
                                struct irq_line irq14, struct irq_line irq15, struct device_list *devices)
{
    static const struct pci_identity identity = {
        .vendor = 0x8086, .device = 0x7010, .class = 0x01, .subclass = 0x01, .prog_if = 0x80};
    struct irq_line irqs[PIIX3_IDE_CHANNELS] = {irq14, irq15};
    struct piix3_ide *ide = calloc(1, sizeof *ide);

    if (!ide) abort(); /* no memory for a few KiB: nothing can go on */
    ide->guard.device = "ide";
    pci_function_init(&ide->function, bus, devfn, "piix3-ide", &identity, config_written, ide);
    pci_function_registers(&ide->function, config_registers, ARRAY_COUNT(config_registers));
    for (unsigned i = 0; i < PIIX3_IDE_CHANNELS; i++) {
        struct ide_channel *channel = &ide->channel[i];
        ide_channel_init(channel, &ide->state.channel[i], places[i].name, &ide->function, clock, irqs[i],
                         &ide->guard);
        region_add(io, places[i].command, channel->command, 0);
        region_add(io, places[i].control, channel->control, 0);
    }
    ide->bus_master = region_new_mmio("ide-bus-master", PIIX3_IDE_CHANNELS * BUS_MASTER_PORTS,
                                      &bus_master_ports, ide, &ide->guard);
    pci_function_add_bar(&ide->function, PIIX3_IDE_BAR, ide->bus_master, true);
    device_add(devices, &ide->device, &ide_ops, "ide", &ide->state);
    ide->device.more = &ide_more;
    ide_reset(&ide->device);
    return ide;
}

bool piix3_ide_attach(struct piix3_ide *ide, unsigned channel, unsigned unit, struct block *block,
                      const struct ata_drive_config *config, struct error *error)
{
    if (channel >= PIIX3_IDE_CHANNELS || unit >= IDE_DRIVES)
        return error_set(error, "IDE channel %u, unit %u: there are channels 0 and 1 with units 0 and 1",
                         channel, unit);
    struct ata_drive *drive = &ide->channel[channel].drive[unit];
    if (ata_present(drive)) return error_set(error, "%s: there is a drive already", drive->name);
    return ata_attach(drive, block, config, error);
}

struct ata_drive *piix3_ide_drive(struct piix3_ide *ide, unsigned channel, unsigned unit)
{
    struct ata_drive *drive = &ide->channel[channel].drive[unit];
    return ata_present(drive) ? drive : NULL;
}

const struct ata_geometry *piix3_ide_geometry(const struct piix3_ide *ide, unsigned channel, unsigned unit)
{
    const struct ata_drive *drive = &ide->channel[channel].drive[unit];
    return ata_present(drive) && drive->kind == ATA_HARD_DISK ? &drive->geometry : NULL;
}

struct space *piix3_ide_dma_space(struct piix3_ide *ide)
{
    return ide->function.dma;
}
