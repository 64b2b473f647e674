/* SPDX-License-Identifier: MIT */
/* Options about disks. */
#include "emu/ui/option_setters.h"

#include <string.h>
#include "emu/ui/option_table.h"
#include "emu/ui/option_values.h"
#include "emu/ui/values.h"

bool options_set_disk(struct options *options, unsigned index, const char *path, struct error *error)
{
    struct board_drive *drive = &options->board.drives[index];
    if (drive->path)
        return error_set(error, "%s: disk %u is %s already; say -hd%c or another index", path, index,
                         drive->path, index < 3 ? 'b' + (int)index : 'a');
    return value_path(&drive->path, path, error);
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

/* What one -drive says. */
struct drive_words {
    struct board_drive drive;
    bool snapshot_said;
    int index; /* -1: the first that is free */
};

static bool set_drive_file(void *target, const char *value, struct error *error)
{
    return value_path(&((struct drive_words *)target)->drive.path, value, error);
}

static bool set_drive_index(void *target, const char *value, struct error *error)
{
    uint64_t index;
    if (!value_number(&index, value, 0, BOARD_DRIVES - 1, error)) return false;
    ((struct drive_words *)target)->index = (int)index;
    return true;
}

static bool set_drive_interface(void *target, const char *value, struct error *error)
{
    (void)target;
    static const char *const words[] = {"ide", NULL};
    return value_word(value, words, error) >= 0;
}

static bool set_drive_media(void *target, const char *value, struct error *error)
{
    (void)target;
    static const char *const words[] = {"disk", NULL};
    return value_word(value, words, error) >= 0;
}

static bool set_drive_format(void *target, const char *value, struct error *error)
{
    (void)target;
    return !strcmp(value, "raw") ||
           error_set(error, "%s: only raw images are read; convert it with `qemu-img convert -O raw`",
                     value_or_nothing(value));
}

static bool set_drive_snapshot(void *target, const char *value, struct error *error)
{
    struct drive_words *words = target;
    words->snapshot_said = true;
    return value_switch(&words->drive.snapshot, value, error);
}

static bool set_drive_readonly(void *target, const char *value, struct error *error)
{
    return value_switch(&((struct drive_words *)target)->drive.read_only, value, error);
}

bool option_set_drive(struct options *options, char *value, struct error *error)
{
    static const struct property properties[] = {
        {"file", set_drive_file},
        {"index", set_drive_index},
        {"if", set_drive_interface},
        {"media", set_drive_media},
        {"format", set_drive_format},
        {"snapshot", set_drive_snapshot},
        {"readonly", set_drive_readonly},
        {"read-only", set_drive_readonly},
        {"cache", value_ignored},
        {"id", value_ignored},
        {NULL, NULL},
    };
    struct drive_words words = {.index = -1};
    if (!properties_parse(value, NULL, properties, &words, error)) return false;
    if (!words.drive.path) return error_set(error, "has no file=; say which image");
    for (int i = 0; i < BOARD_DRIVES && words.index < 0; i++)
        if (!options->board.drives[i].path) words.index = i;
    if (words.index < 0) return error_set(error, "%s: there are four disks already", words.drive.path);
    if (!options_set_disk(options, (unsigned)words.index, words.drive.path, error)) return false;
    options->board.drives[words.index] = words.drive;
    options->drive_snapshot_said[words.index] = words.snapshot_said;
    return true;
}

bool option_set_snapshot(struct options *options, char *value, struct error *error)
{
    (void)value, (void)error;
    options->snapshot = true;
    return true;
}
