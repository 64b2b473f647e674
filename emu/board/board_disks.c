/* SPDX-License-Identifier: MIT */
/* Disks: see board_disks.h. */
#include "emu/board/board_disks.h"

#include <string.h>
#include "emu/board/board_devices.h"
#include "emu/board/board_internal.h"
#include "emu/core/bits.h"
#include "emu/core/log.h"

#define IDE_DEVFN (1 << 3 | 1) /* the PIIX3's second function */

/* Of those drives that have a place of their own; the others are named by their id. */
static const char *const place_names[BOARD_IDE_DRIVES + BOARD_FLOPPIES] = {"hda", "hdb", "hdc",
                                                                           "hdd", "fda", "fdb"};

const char *board_drive_name(const struct board *board, unsigned n)
{
    return n < ARRAY_COUNT(place_names) ? place_names[n] : board->config.drives[n].id;
}

struct board_drive board_drive_file(enum board_drive_kind kind, const char *path)
{
    struct board_drive drive = {.kind = kind};
    drive_options_init(&drive.options);
    drive.options.path = path;
    return drive;
}

static void on_stopped(void *owner, struct block *block, const struct block_failure *why)
{
    (void)block, (void)why;
    board_stop_soon(owner);
}

static bool open_drives(struct board *board, struct error *error)
{
    for (unsigned i = 0; i < BOARD_DRIVES; i++) {
        const struct board_drive *drive = &board->config.drives[i];
        if (drive->kind == BOARD_NO_DRIVE) continue;
        bool placed = i < ARRAY_COUNT(place_names);
        const char *name = board_drive_name(board, i);
        struct drive_options options = drive->options;
        if (drive->kind == BOARD_CDROM) options.read_only = true;
        board->drives[i] = drive_open(&options, name, &board->clock, error);
        if (!board->drives[i]) return error_prefix(error, placed ? "-%s" : "-drive: %s", name);
        block_set_stop_handler(board->drives[i], on_stopped, board);
    }
    return true;
}

static bool make_ide(struct board *board, struct error *error)
{
    board->ide =
        piix3_ide_new(i440fx_bus(board->bridge), IDE_DEVFN, board->io_root, &board->clock,
                      piix3_isa_irq(board->piix3, 14), piix3_isa_irq(board->piix3, 15), &board->devices);
    board_configure_dma(board, piix3_ide_dma_space(board->ide), BOARD_PIIX3_IDE, NULL);
    for (unsigned i = 0; i < BOARD_IDE_DRIVES; i++) {
        enum board_drive_kind kind = board->config.drives[i].kind;
        const struct ata_drive_config ata = {.kind = kind == BOARD_CDROM ? ATA_CDROM : ATA_HARD_DISK};
        if (kind == BOARD_NO_DRIVE) continue;
        if (!piix3_ide_attach(board->ide, i / 2, i % 2, board->drives[i], &ata, error))
            return error_prefix(error, "-%s", place_names[i]);
    }
    return true;
}

/* ---- media ---- */

static void on_medium(void *owner, const uint8_t *data, size_t size)
{
    struct board *board = owner;
    unsigned n = size ? data[0] : BOARD_DRIVES;
    struct error error = {""};
    if (n >= BOARD_DRIVES || !board->drives[n] || size < 2 || data[size - 1])
        return; /* a damaged recording */
    if (board->config.drives[n].kind == BOARD_HARD_DISK) return;
    struct drive_options options = board->config.drives[n].options;
    options.path = size > 2 ? (const char *)data + 1 : NULL;
    options.read_only |= board->config.drives[n].kind == BOARD_CDROM;
    if (!drive_change(board->drives[n], &options, &error))
        message("%s: %s; the old medium stays", board_drive_name(board, n), error.text);
}

/* The drive of that name whose medium can be changed; -1 with an error. */
static int find_medium_drive(const struct board *board, const char *drive, struct error *error)
{
    for (unsigned i = 0; i < BOARD_DRIVES; i++) {
        const char *name = board->drives[i] ? board_drive_name(board, i) : NULL,
                   *id = board->config.drives[i].id;
        if (!name || (strcmp(name, drive) && (!id || strcmp(id, drive)))) continue;
        if (board->config.drives[i].kind != BOARD_HARD_DISK) return (int)i;
        error_set(error, "%s: is a hard disk; only CD-ROM and floppy drives have media to change", drive);
        return -1;
    }
    error_set(error, "%s: there is no such drive", drive);
    return -1;
}

bool board_has_medium_drive(const struct board *board, const char *drive, struct error *error)
{
    return find_medium_drive(board, drive, error) >= 0;
}

bool board_change_medium(struct board *board, const char *drive, const char *path, struct error *error)
{
    int n = find_medium_drive(board, drive, error);
    if (n < 0) return false;
    uint8_t number = (uint8_t)n;
    struct state_buffer event = {0};
    state_buffer_add(&event, &number, 1);
    state_buffer_add(&event, path ? path : "", path ? strlen(path) + 1 : 1);
    door_post(&board->medium, event.data, event.size);
    state_buffer_free(&event);
    return true;
}

/* A floppy drive finds out what its new disk is; one that it does not read is as good as none. */
static void on_floppy_changed(void *owner, struct block *block)
{
    struct board *board = owner;
    struct error error = {""};
    for (unsigned i = 0; i < BOARD_FLOPPIES; i++) {
        if (board->drives[BOARD_IDE_DRIVES + i] != block) continue;
        if (block_has_medium(block) && fdc_insert(board->fdc, i, block, &error)) return;
        if (block_has_medium(block)) message("%s: %s", place_names[BOARD_IDE_DRIVES + i], error.text);
        fdc_insert(board->fdc, i, NULL, &error);
    }
}

/* A disk that is in the drive says what drive it is. */
static bool make_floppies(struct board *board, struct error *error)
{
    board->fdc = fdc_new(board->io_root, &board->devices, &board->clock, board->isa_dma,
                         piix3_isa_irq(board->piix3, FDC_IRQ));
    for (unsigned i = 0; i < BOARD_FLOPPIES; i++) {
        struct block *block = board->drives[BOARD_IDE_DRIVES + i];
        if (!block) continue;
        const struct floppy_format *format = floppy_format_of(block_sectors(block));
        block_set_medium_handler(block, on_floppy_changed, board);
        fdc_attach(board->fdc, i, format ? (enum floppy_drive)format->drive : FLOPPY_1440K);
        if (block_has_medium(block) && !fdc_insert(board->fdc, i, block, error))
            return error_prefix(error, "-%s: %s", place_names[BOARD_IDE_DRIVES + i],
                                board->config.drives[BOARD_IDE_DRIVES + i].options.path);
    }
    return true;
}

bool board_make_disks(struct board *board, struct error *error)
{
    door_port_init(&board->medium, &board->door, "medium", on_medium, board);
    return open_drives(board, error) && make_ide(board, error) && make_floppies(board, error);
}

bool board_disk_waits(const struct board *board)
{
    for (unsigned i = 0; i < BOARD_DRIVES; i++)
        if (board->drives[i] && block_stopped(board->drives[i])) return true;
    return false;
}

void board_resume_disks(struct board *board)
{
    for (unsigned i = 0; i < BOARD_DRIVES; i++)
        if (board->drives[i]) block_resume(board->drives[i]);
}

void board_free_disks(struct board *board)
{
    if (board->medium.name) door_port_destroy(&board->medium);
    for (unsigned i = 0; i < BOARD_DRIVES; i++) block_free(board->drives[i]);
}

void board_describe_disks(const struct board *board, struct cmos_machine *cmos)
{
    for (unsigned i = 0; i < BOARD_IDE_DRIVES; i++) {
        const struct ata_geometry *geometry = piix3_ide_geometry(board->ide, i / 2, i % 2);
        if (!geometry) continue;
        cmos->disk[i] =
            (struct cmos_disk){geometry->cylinders, (uint8_t)geometry->heads, (uint8_t)geometry->sectors};
    }
    for (unsigned i = 0; i < BOARD_FLOPPIES; i++)
        cmos->floppy_type[i] = (uint8_t)fdc_drive_type(board->fdc, i);
}
