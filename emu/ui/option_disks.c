/* SPDX-License-Identifier: MIT */
/* Options about disks. */
#include "emu/ui/option_setters.h"

#include <string.h>
#include "emu/core/size.h"
#include "emu/ui/option_table.h"
#include "emu/ui/option_values.h"
#include "emu/ui/values.h"

#define FIRST_FLOPPY BOARD_IDE_DRIVES
#define FIRST_LOOSE  (BOARD_IDE_DRIVES + BOARD_FLOPPIES)
#define CDROM_INDEX  2 /* where -cdrom is, as on QEMU */

static struct board_drive *drive_at(struct options *options, unsigned place)
{
    return &options->board.drives[place];
}

/* True while nothing is there. */
static bool place_free(struct options *options, unsigned place, const char *path, struct error *error)
{
    static const char *const others[] = {"-hdb", "-hdc", "-hdd", "-hda", "-fdb", "-fda"};
    const struct board_drive *drive = drive_at(options, place);
    const char *there = drive->options.path ? drive->options.path : "an empty drive";
    if (drive->kind == BOARD_NO_DRIVE) return true;
    return error_set(error, "%s: there is %s already; say %s or another index", path, there,
                     place < FIRST_LOOSE ? others[place] : "another id");
}

static bool set_drive_at(struct options *options, unsigned place, enum board_drive_kind kind,
                         const char *path, struct error *error)
{
    struct board_drive *drive = drive_at(options, place);
    if (!place_free(options, place, path, error)) return false;
    *drive = board_drive_file(kind, path);
    return value_path(&drive->options.path, path, error);
}

bool options_set_disk(struct options *options, unsigned index, const char *path, struct error *error)
{
    return set_drive_at(options, index, BOARD_HARD_DISK, path, error);
}

bool option_set_hda(struct options *options, char *value, struct error *error)
{
    return options_set_disk(options, 0, value, error);
}

bool option_set_hdb(struct options *options, char *value, struct error *error)
{
    return options_set_disk(options, 1, value, error);
}

bool option_set_hdc(struct options *options, char *value, struct error *error)
{
    return options_set_disk(options, 2, value, error);
}

bool option_set_hdd(struct options *options, char *value, struct error *error)
{
    return options_set_disk(options, 3, value, error);
}

bool option_set_cdrom(struct options *options, char *value, struct error *error)
{
    return set_drive_at(options, CDROM_INDEX, BOARD_CDROM, value, error);
}

bool option_set_fda(struct options *options, char *value, struct error *error)
{
    return set_drive_at(options, FIRST_FLOPPY, BOARD_FLOPPY, value, error);
}

bool option_set_fdb(struct options *options, char *value, struct error *error)
{
    return set_drive_at(options, FIRST_FLOPPY + 1, BOARD_FLOPPY, value, error);
}

/* ---- -drive ---- */

enum { IF_IDE, IF_FLOPPY, IF_NONE };

/* What one -drive says. */
struct drive_words {
    struct board_drive drive;
    int interface, index, bus, unit; /* -1: not said */
};

static struct drive_words *words_of(void *target)
{
    return target;
}

static bool set_drive_index(void *target, const char *value, struct error *error)
{
    uint64_t index;
    if (!value_number(&index, value, 0, BOARD_IDE_DRIVES - 1, error)) return false;
    words_of(target)->index = (int)index;
    return true;
}

static bool set_drive_bus(void *target, const char *value, struct error *error)
{
    uint64_t bus;
    if (!value_number(&bus, value, 0, 1, error)) return false;
    words_of(target)->bus = (int)bus;
    return true;
}

static bool set_drive_unit(void *target, const char *value, struct error *error)
{
    uint64_t unit;
    if (!value_number(&unit, value, 0, 1, error)) return false;
    words_of(target)->unit = (int)unit;
    return true;
}

static bool set_drive_interface(void *target, const char *value, struct error *error)
{
    static const char *const words[] = {"ide", "floppy", "none", NULL};
    return (words_of(target)->interface = value_word(value, words, error)) >= 0;
}

static bool set_drive_media(void *target, const char *value, struct error *error)
{
    static const char *const words[] = {"disk", "cdrom", NULL};
    int word = value_word(value, words, error);
    words_of(target)->drive.kind = word == 1 ? BOARD_CDROM : BOARD_HARD_DISK;
    return word >= 0;
}

static bool set_drive_id(void *target, const char *value, struct error *error)
{
    words_of(target)->drive.id = value;
    return *value || error_set(error, "(nothing): needs a name");
}

static bool set_store_option(void *target, const char *name, const char *value, struct error *error)
{
    return drive_option_set(&words_of(target)->drive.options, name, value, error);
}

/* The place that the words ask for, or the first that is free; -1 with an error. */
static int place_of(struct options *options, const struct drive_words *words, struct error *error)
{
    static const struct {
        int first, count;
    } places[] = {[IF_IDE] = {0, BOARD_IDE_DRIVES},
                  [IF_FLOPPY] = {FIRST_FLOPPY, BOARD_FLOPPIES},
                  [IF_NONE] = {FIRST_LOOSE, BOARD_DRIVES - FIRST_LOOSE}};
    int first = places[words->interface].first, count = places[words->interface].count, index = words->index;
    if (words->bus >= 0 || words->unit >= 0) index = (words->bus > 0) * 2 + (words->unit > 0);
    for (int i = 0; i < count && index < 0; i++)
        if (drive_at(options, (unsigned)(first + i))->kind == BOARD_NO_DRIVE) index = i;
    if (index >= 0 && index < count) return first + index;
    const char *path = words->drive.options.path ? words->drive.options.path : "(no medium)";
    if (index < 0)
        error_set(error, "%s: there are %d drives already", path, count);
    else
        error_set(error, "%s: index=%d: there are only %d", path, index, count);
    return -1;
}

bool option_set_drive(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {
        {"if", set_drive_interface},
        {"index", set_drive_index},
        {"media", set_drive_media},
        {"id", set_drive_id},
        {"bus", set_drive_bus},
        {"unit", set_drive_unit},
        {NULL, NULL},
    };
    static const struct property_family stores = {drive_option_name, set_store_option};
    struct drive_words words = {
        .drive = board_drive_file(BOARD_HARD_DISK, NULL), .index = -1, .bus = -1, .unit = -1};
    struct board_drive *drive = &words.drive;
    if (!properties_parse_with(value, NULL, properties, &stores, &words, error)) return false;
    if (words.interface == IF_FLOPPY) drive->kind = BOARD_FLOPPY;
    if (!drive->options.path && drive->kind == BOARD_HARD_DISK)
        return error_set(error, "has no file=; say which image");
    if (words.interface == IF_NONE && !drive->id)
        return error_set(error, "if=none: needs an id=, by which a -device names it");
    int place = place_of(options, &words, error);
    if (place < 0) return false;
    const char *path = drive->options.path ? drive->options.path : "(no medium)";
    if (!place_free(options, (unsigned)place, path, error)) return false;
    *drive_at(options, (unsigned)place) = *drive;
    return true;
}

bool option_set_snapshot(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->snapshot = true;
    return true;
}

bool option_set_medium(struct options *options, char *value, struct error *error)
{
    struct medium_change *change = &options->media[options->media_count];
    if (options->media_count == OPTIONS_MEDIA_MAX)
        return error_set(error, "%s: there are %d changes already", value, OPTIONS_MEDIA_MAX);
    char *drive = strchr(value, ',');
    if (drive) *drive++ = 0;
    char *path = drive ? strchr(drive, ',') : NULL;
    if (path) *path++ = 0;
    if (!drive || !*drive || !duration_parse(value, &change->at))
        return error_set(error,
                         "%s: is not a time and a drive; say when, which and what, like 5s,hdc,other.iso",
                         value_or_nothing(value));
    change->drive = drive;
    change->path = path && *path ? path : NULL;
    options->media_count++;
    return true;
}
