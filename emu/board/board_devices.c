/* SPDX-License-Identifier: MIT */
/* Devices that are plugged in: see board_devices.h. */
#include "emu/board/board_devices.h"

#include <string.h>
#include "emu/board/board_internal.h"
#include "emu/core/bits.h"
#include "emu/core/size.h"

#define PCI_SLOT_FIRST_FREE 4 /* 3 is the network card's */
#define PCI_SLOTS           32

const char board_dma_drivers[] = "piix3-ide, i8237";

bool board_has_dma(const char *driver)
{
    const struct board_driver *row = board_find_driver(driver);
    return !strcmp(driver, "piix3-ide") || !strcmp(driver, "i8237") || (row && row->kind == BOARD_CONTROLLER);
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
    for (unsigned i = 0; i < board->config.global_count; i++)
        if (!strcmp(board->config.globals[i].driver, driver))
            add_dma(&settings, &board->config.globals[i].dma);
    if (own) add_dma(&settings, own);
    dma_configure(space, &settings);
    if (board->config.dma_checker) dma_checker_enable(space);
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

static bool make_drive(struct board *board, const struct board_device *device, struct error *error)
{
    unsigned port;
    if (!device->bus)
        return error_set(error,
                         "needs bus=: ide.0, ide.1, or the id of a controller and a port, like ahci0.1");
    if (names_port(device->bus, "ide", &port)) return attach_ide(board, device, port, error);
    return error_set(error, "bus=%s: there is no such bus", device->bus);
}

/* ---- drivers ---- */

const struct board_driver board_drivers[] = {
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
