/* SPDX-License-Identifier: MIT */
/* -device and -global: devices that are plugged in, and properties of those that are there. */
#include "emu/ui/option_setters.h"

#include <stdlib.h>
#include <string.h>
#include "devices/platform/isa_debug_exit.h"
#include "emu/board/board_devices.h"
#include "emu/core/bits.h"
#include "emu/core/size.h"
#include "emu/ui/option_dma.h"
#include "emu/ui/option_values.h"

#define DEBUG_EXIT   "isa-debug-exit"
#define DEBUG_CON    "isa-debugcon"
#define PCI_SLOTS    32
#define PCI_PER_SLOT 8
#define DRIVERS_MOST 32

/* ---- isa-debug-exit ---- */

static bool set_exit_port(void *target, const char *value, struct error *error)
{
    return value_port(&((struct options *)target)->board.debug_exit_port, value, error);
}

static bool set_exit_size(void *target, const char *value, struct error *error)
{
    uint64_t size;
    if (!number_parse(value, 4, &size) || (size != 1 && size != 2 && size != 4))
        return error_set(error, "%s: say 1, 2 or 4", value_or_nothing(value));
    ((struct options *)target)->board.debug_exit_size = (uint16_t)size;
    return true;
}

static bool add_debug_exit(struct options *options, char *properties, struct error *error)
{
    static const struct property table[] = {
        {"iobase", set_exit_port}, {"iosize", set_exit_size}, {"id", value_ignored}, {NULL, NULL}};
    options->board.debug_exit = true;
    options->board.debug_exit_port = ISA_DEBUG_EXIT_IOBASE;
    options->board.debug_exit_size = ISA_DEBUG_EXIT_IOSIZE;
    return !properties || properties_parse(properties, NULL, table, options, error);
}

/* ---- what the board makes ---- */

struct device_words {
    struct dma_words dma;
    struct board_device *device;
};

static struct board_device *device_of(void *target)
{
    return ((struct device_words *)target)->device;
}

static bool set_id(void *target, const char *value, struct error *error)
{
    device_of(target)->id = value;
    return *value || error_set(error, "(nothing): needs a name");
}

static bool set_bus(void *target, const char *value, struct error *error)
{
    device_of(target)->bus = value;
    return *value || error_set(error, "(nothing): needs the name of a bus");
}

static bool set_drive(void *target, const char *value, struct error *error)
{
    device_of(target)->drive = value;
    return *value || error_set(error, "(nothing): needs the id of a -drive");
}

/* "4" or "4.1": hexadecimal, device and function. */
static bool set_addr(void *target, const char *value, struct error *error)
{
    char *end;
    unsigned long slot = strtoul(value, &end, 16), function = 0;
    bool good = end != value;
    if (good && *end == '.') {
        const char *from = end + 1;
        function = strtoul(from, &end, 16);
        good = end != from;
    }
    if (!good || *end || slot >= PCI_SLOTS || function >= PCI_PER_SLOT)
        return error_set(error, "%s: is no place on the bus; say SLOT or SLOT.FUNCTION, in hexadecimal",
                         value_or_nothing(value));
    device_of(target)->devfn = (int)(slot * PCI_PER_SLOT + function);
    return true;
}

static bool set_unit(void *target, const char *value, struct error *error)
{
    uint64_t unit;
    if (!value_number(&unit, value, 0, 1, error)) return false;
    device_of(target)->unit = (unsigned)unit;
    return true;
}

static bool set_boot_index(void *target, const char *value, struct error *error)
{
    uint64_t index;
    if (!value_number(&index, value, 0, INT32_MAX, error)) return false;
    device_of(target)->boot_index = (int)index;
    return true;
}

static bool set_cylinders(void *target, const char *value, struct error *error)
{
    uint64_t number;
    if (!value_number(&number, value, 1, 16383, error)) return false;
    device_of(target)->ata.geometry.cylinders = (uint16_t)number;
    return true;
}

static bool set_heads(void *target, const char *value, struct error *error)
{
    uint64_t number;
    if (!value_number(&number, value, 1, 16, error)) return false;
    device_of(target)->ata.geometry.heads = (uint8_t)number;
    return true;
}

static bool set_sectors(void *target, const char *value, struct error *error)
{
    uint64_t number;
    if (!value_number(&number, value, 1, 63, error)) return false;
    device_of(target)->ata.geometry.sectors = (uint8_t)number;
    return true;
}

static bool set_serial_number(void *target, const char *value, struct error *error)
{
    (void)error;
    device_of(target)->ata.serial = value;
    return true;
}

static bool set_model(void *target, const char *value, struct error *error)
{
    (void)error;
    device_of(target)->ata.model = value;
    return true;
}

static bool set_firmware(void *target, const char *value, struct error *error)
{
    (void)error;
    device_of(target)->ata.firmware = value;
    return true;
}

static bool set_wwn(void *target, const char *value, struct error *error)
{
    return value_number(&device_of(target)->ata.wwn, value, 0, UINT64_MAX, error);
}

static bool add_device(struct options *options, const struct board_driver *driver, char *properties,
                       struct error *error)
{
    static const struct property controller[] = {
        {"id", set_id}, {"bus", set_bus}, {"addr", set_addr}, DMA_PROPERTIES, {NULL, NULL}};
    static const struct property drive[] = {{"id", set_id},
                                            {"bus", set_bus},
                                            {"unit", set_unit},
                                            {"bootindex", set_boot_index},
                                            {"drive", set_drive},
                                            {"cyls", set_cylinders},
                                            {"heads", set_heads},
                                            {"secs", set_sectors},
                                            {"serial", set_serial_number},
                                            {"model", set_model},
                                            {"ver", set_firmware},
                                            {"wwn", set_wwn},
                                            {NULL, NULL}};
    static const struct property *const tables[] = {[BOARD_CONTROLLER] = controller, [BOARD_DISK] = drive};

    struct board_config *board = &options->board;
    if (board->device_count == BOARD_DEVICES_MOST)
        return error_set(error, "%s: there are %d devices already", driver->name, BOARD_DEVICES_MOST);
    struct board_device *device = &board->devices[board->device_count++];
    *device = (struct board_device){.driver = driver->name, .devfn = -1, .boot_index = -1};
    if (!strcmp(driver->name, "ide-cd")) device->ata.kind = ATA_CDROM;
    struct device_words words = {{&device->dma}, device};
    return !properties || properties_parse(properties, NULL, tables[driver->kind], &words, error);
}

static void show_devices(FILE *to)
{
    fputs(DEBUG_EXIT "       iobase=0x501, iosize=4: a write of V ends the program with status V*2+1\n", to);
    for (unsigned i = 0; i < board_driver_count; i++)
        fprintf(to, "%-20s %s\n", board_drivers[i].name, board_drivers[i].help);
}

static bool unknown_device(const char *name, struct error *error)
{
    const char *names[DRIVERS_MOST] = {DEBUG_EXIT};
    unsigned count = 1;
    for (unsigned i = 0; i < board_driver_count && count + 1 < DRIVERS_MOST; i++)
        names[count++] = board_drivers[i].name;
    error_set(error, "%s: unknown device; -device help lists them", value_or_nothing(name));
    error_suggest(error, "", name, names);
    return false;
}

bool option_set_device(struct options *options, char *value, struct error *error)
{
    if (!strcmp(value, "help") || !strcmp(value, "?")) {
        options->show = show_devices;
        return true;
    }
    if (!strncmp(value, "driver=", 7)) value += 7;
    char *properties = strchr(value, ',');
    if (properties) *properties++ = 0;
    if (!strcmp(value, DEBUG_EXIT)) return add_debug_exit(options, properties, error);
    const struct board_driver *driver = board_find_driver(value);
    return driver ? add_device(options, driver, properties, error) : unknown_device(value, error);
}

/* ---- -global ---- */

/* What is said of a driver so far, or a new place for it; NULL when there is none. */
static struct board_global *global_of(struct board_config *board, const char *driver)
{
    for (unsigned i = 0; i < board->global_count; i++)
        if (!strcmp(board->globals[i].driver, driver)) return &board->globals[i];
    if (board->global_count == BOARD_GLOBALS_MOST) return NULL;
    board->globals[board->global_count] = (struct board_global){.driver = driver};
    return &board->globals[board->global_count++];
}

static bool set_debugcon_global(struct options *options, char *property, struct error *error)
{
    static const char port[] = "iobase=";
    if (strncmp(property, port, sizeof port - 1))
        return error_set(error, "%s: not known; there is " DEBUG_CON ".iobase=0x402", property);
    return value_port(&options->board.debugcon_port, property + sizeof port - 1, error);
}

bool option_set_global(struct options *options, char *value, struct error *error)
{
    static const struct property table[] = {DMA_PROPERTIES, {NULL, NULL}};
    char *property = strchr(value, '.');
    if (!property || !strchr(property, '='))
        return error_set(error, "%s: say DRIVER.PROPERTY=VALUE", value_or_nothing(value));
    *property++ = 0;
    if (!strcmp(value, DEBUG_CON)) return set_debugcon_global(options, property, error);
    if (!board_has_dma(value))
        return error_set(error, "%s: has no properties to set here; " DEBUG_CON " and %s have", value,
                         board_dma_drivers);
    struct board_global *global = global_of(&options->board, value);
    if (!global) return error_set(error, "%s: there are %d drivers already", value, BOARD_GLOBALS_MOST);
    struct dma_words words = {&global->dma};
    return properties_parse(property, NULL, table, &words, error);
}
