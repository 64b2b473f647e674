/* SPDX-License-Identifier: MIT */
/* Devices that are plugged in: see board_devices.h. */
#include "emu/board/board_devices.h"

#include <stdio.h>
#include <string.h>
#include "emu/board/board_internal.h"
#include "emu/core/bits.h"
#include "emu/core/size.h"

#define PCI_SLOT_FIRST_FREE 4 /* 3 is the network card's */
#define PCI_SLOTS           32
#define PCI_BUS             "pci.0"
#define BOOT_PATH           80

const char board_dma_drivers[] = BOARD_PIIX3_IDE ", " BOARD_ISA_DMA ", " BOARD_FW_CFG ", ich9-ahci";

bool board_has_dma(const char *driver)
{
    const struct board_driver *row = board_find_driver(driver);
    if (row) return row->kind == BOARD_CONTROLLER;
    return !strcmp(driver, BOARD_PIIX3_IDE) || !strcmp(driver, BOARD_ISA_DMA) ||
           !strcmp(driver, BOARD_FW_CFG);
}

/* ---- DMA ---- */

static void add_dma(struct dma_settings *settings, const struct board_dma *said)
{
    if (said->mode_said) settings->mode = said->settings.mode;
    if (said->seed_said) settings->seed = said->settings.seed;
    if (said->max_bounce_said) settings->max_bounce = said->settings.max_bounce;
    if (said->mask_said) settings->dma_mask = said->settings.dma_mask;
}

void board_configure_dma(struct board *board, struct space *space, const char *driver,
                         const struct board_dma *own)
{
    struct dma_settings settings = board->config.dma;
    if (!strcmp(driver, BOARD_FW_CFG)) settings.dma_mask = 0; /* on no bus, and firmware needs it */
    for (unsigned i = 0; i < board->config.global_count; i++)
        if (!strcmp(board->config.globals[i].driver, driver))
            add_dma(&settings, &board->config.globals[i].dma);
    if (own) add_dma(&settings, own);
    dma_configure(space, &settings);
    if (board->config.dma_checker) dma_checker_enable(space);
}

/* ---- controllers on the PCI bus ---- */

/* Where the device was asked to be, or the first slot that is free; -1 with an error. */
static int pci_place(struct board *board, const struct board_device *device, struct error *error)
{
    struct pci_bus *bus = i440fx_bus(board->bridge);
    if (device->bus && strcmp(device->bus, PCI_BUS) && strcmp(device->bus, "pci")) {
        error_set(error, "bus=%s: there is no such PCI bus; say " PCI_BUS, device->bus);
        return -1;
    }
    if (device->devfn >= 0) {
        if (!pci_bus_find(bus, (uint8_t)device->devfn)) return device->devfn;
        error_set(error, "addr=%x.%x: somebody is there already", (unsigned)device->devfn >> 3,
                  (unsigned)device->devfn & 7);
        return -1;
    }
    for (unsigned slot = PCI_SLOT_FIRST_FREE; slot < PCI_SLOTS; slot++)
        if (!pci_bus_find(bus, (uint8_t)(slot << 3))) return (int)(slot << 3);
    error_set(error, "the PCI bus is full");
    return -1;
}

static bool make_ahci(struct board *board, const struct board_device *device, struct error *error)
{
    int devfn = pci_place(board, device, error);
    if (devfn < 0) return false;
    const struct ahci_wiring wiring = {
        .bus = i440fx_bus(board->bridge),
        .devfn = (uint8_t)devfn,
        .name = device->id ? device->id : device->driver,
        .clock = &board->clock,
        .devices = &board->devices,
    };
    if (device_find(&board->devices, wiring.name))
        return error_set(error, "id=%s: the name is taken; give each device an id of its own", wiring.name);
    struct board_controller *controller = &board->controllers[board->controller_count];
    *controller = (struct board_controller){wiring.name, (uint8_t)devfn, ahci_new(&wiring, error)};
    if (!controller->ahci) return false;
    board->controller_count++;
    board_configure_dma(board, ahci_dma_space(controller->ahci), device->driver, &device->dma);
    return true;
}

/* ---- disks ---- */

static bool take_drive(struct board *board, const struct board_device *device, struct block **block,
                       struct error *error)
{
    if (!device->drive) return error_set(error, "needs drive=, the id of a -drive with if=none");
    for (unsigned i = 0; i < BOARD_DRIVES; i++) {
        const struct board_drive *drive = &board->config.drives[i];
        if (!drive->id || strcmp(drive->id, device->drive)) continue;
        if (board->drive_used[i] || i < BOARD_IDE_DRIVES + BOARD_FLOPPIES)
            return error_set(error, "drive=%s: is in use; say if=none in its -drive", device->drive);
        board->drive_used[i] = true;
        *block = board->drives[i];
        return true;
    }
    return error_set(error, "drive=%s: there is no such -drive", device->drive);
}

/* "NAME.N": the port. False: another name. */
static bool names_port(const char *bus, const char *name, unsigned *port)
{
    size_t length = strlen(name);
    if (strncmp(bus, name, length) || bus[length] != '.') return false;
    uint64_t number;
    if (!number_parse(bus + length + 1, 31, &number)) return false;
    *port = (unsigned)number;
    return true;
}

static bool attach_ide(struct board *board, const struct board_device *device, unsigned channel,
                       struct error *error)
{
    struct block *block = NULL;
    return take_drive(board, device, &block, error) &&
           piix3_ide_attach(board->ide, channel, device->unit, block, &device->ata, error);
}

static bool attach_ahci(struct board *board, const struct board_device *device,
                        const struct board_controller *controller, unsigned port, struct error *error)
{
    struct block *block = NULL;
    return take_drive(board, device, &block, error) &&
           ahci_attach(controller->ahci, port, block, &device->ata, error);
}

static bool make_drive(struct board *board, const struct board_device *device, struct error *error)
{
    unsigned port;
    if (!device->bus)
        return error_set(error,
                         "needs bus=: ide.0, ide.1, or the id of a controller and a port, like ahci0.1");
    if (names_port(device->bus, "ide", &port)) return attach_ide(board, device, port, error);
    for (unsigned i = 0; i < board->controller_count; i++)
        if (names_port(device->bus, board->controllers[i].name, &port))
            return attach_ahci(board, device, &board->controllers[i], port, error);
    return error_set(error, "bus=%s: there is no such bus", device->bus);
}

/* ---- drivers ---- */

const struct board_driver board_drivers[] = {
    {"ich9-ahci", "ahci", BOARD_CONTROLLER, "id=ID: a Serial ATA controller with ports ID.0 to ID.5",
     make_ahci},
    {"ide-hd", NULL, BOARD_DISK, "drive=ID, bus=BUS: a hard disk on ide.0, ide.1 (unit=0|1) or a port",
     make_drive},
    {"ide-cd", NULL, BOARD_DISK, "the same: a CD-ROM drive", make_drive},
};
const unsigned board_driver_count = ARRAY_COUNT(board_drivers);

const struct board_driver *board_find_driver(const char *name)
{
    for (unsigned i = 0; i < board_driver_count; i++) {
        const struct board_driver *driver = &board_drivers[i];
        if (!strcmp(driver->name, name) || (driver->alias && !strcmp(driver->alias, name))) return driver;
    }
    return NULL;
}

static bool make_all(struct board *board, enum board_driver_kind kind, struct error *error)
{
    for (unsigned i = 0; i < board->config.device_count; i++) {
        const struct board_device *device = &board->config.devices[i];
        const struct board_driver *driver = board_find_driver(device->driver);
        if (!driver) return error_set(error, "-device: %s: unknown device", device->driver);
        if (driver->kind == kind && !driver->make(board, device, error))
            return error_prefix(error, "-device: %s", device->driver);
    }
    return true;
}

bool board_make_devices(struct board *board, struct error *error)
{
    return make_all(board, BOARD_CONTROLLER, error) && make_all(board, BOARD_DISK, error);
}

/* ---- boot order ---- */

/* As Open Firmware would call it, which is how SeaBIOS finds it. */
static bool boot_path(const struct board *board, const struct board_device *device, char path[BOOT_PATH])
{
    unsigned port;
    if (!device->bus) return false;
    if (names_port(device->bus, "ide", &port)) {
        snprintf(path, BOOT_PATH, "/pci@i0cf8/ide@1,1/drive@%x/disk@%x\n", port, device->unit);
        return true;
    }
    for (unsigned i = 0; i < board->controller_count; i++) {
        const struct board_controller *controller = &board->controllers[i];
        if (!names_port(device->bus, controller->name, &port)) continue;
        unsigned slot = controller->devfn >> 3, function = controller->devfn & 7;
        int length = snprintf(path, BOOT_PATH, "/pci@i0cf8/pci8086,2922@%x", slot);
        if (function) length += snprintf(path + length, BOOT_PATH - (size_t)length, ",%x", function);
        snprintf(path + length, BOOT_PATH - (size_t)length, "/drive@%x/disk@0\n", port);
        return true;
    }
    return false;
}

/* The device whose turn comes after `index`; NULL: none. */
static const struct board_device *next_to_boot(const struct board *board, int index)
{
    const struct board_device *next = NULL;
    for (unsigned i = 0; i < board->config.device_count; i++) {
        const struct board_device *device = &board->config.devices[i];
        if (device->boot_index > index && (!next || device->boot_index < next->boot_index)) next = device;
    }
    return next;
}

void board_describe_boot(struct board *board)
{
    struct state_buffer order = {0};
    char path[BOOT_PATH];
    const struct board_device *device = NULL;
    while ((device = next_to_boot(board, device ? device->boot_index : -1)))
        if (boot_path(board, device, path)) state_buffer_add(&order, path, strlen(path));
    state_buffer_add(&order, "", 1);
    if (order.size > 1) fw_cfg_add_file(board->fw_cfg, "bootorder", order.data, order.size);
    state_buffer_free(&order);
}
