/* SPDX-License-Identifier: MIT */
/* Record and replay: see replay.h. */
#include "emu/board/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "emu/board/board_disks.h"
#include "emu/board/board_internal.h"
#include "emu/board/snapshot.h"

#define MAGIC "vitrine-recording 2\n"

/* What a board must be for its door to be all that matters. */
static bool can_repeat(const struct board *board, struct error *error)
{
    for (unsigned i = 0; i < BOARD_DRIVES; i++)
        if (board->drives[i] && !board->config.drives[i].options.snapshot && !block_read_only(board->drives[i]))
            return error_set(error, "-%s: must be a snapshot", board_drive_name(board, i));
    return true;
}

/* All that stands before the events. */
static bool head_text(struct board *board, struct state_buffer *text, struct error *error)
{
    char line[64];
    if (!can_repeat(board, error)) return false;
    int size = snprintf(line, sizeof line, "date %" PRId64 "\n", board->config.date);
    state_buffer_add(text, line, (size_t)size);
    if (!board_fingerprint(board, text, error)) return false;
    size = snprintf(line, sizeof line, "state %016" PRIx64 "\n", board_hash(board));
    state_buffer_add(text, line, (size_t)size + 1); /* with its zero byte */
    return true;
}

/* ---- recording ---- */

struct recording {
    struct board *board;
    FILE *file;
};

static void on_heard(void *owner, const struct door_port *port, const uint8_t *data, size_t size)
{
    struct recording *recording = owner;
    fprintf(recording->file, "in %" PRId64 " %s ", recording->board->clock.base, port->name);
    for (size_t i = 0; i < size; i++) fprintf(recording->file, "%02x", data[i]);
    fputc('\n', recording->file);
    fflush(recording->file); /* so that what was heard before a crash is there */
}

struct recording *recording_new(struct board *board, const char *path, struct error *error)
{
    struct state_buffer head = {0};
    struct recording *recording = NULL;
    FILE *file = NULL;
    if (head_text(board, &head, error) && !(file = fopen(path, "we")))
        error_set(error, "%s: cannot be written: %s", path, strerror(errno));
    if (file && (recording = malloc(sizeof *recording))) {
        *recording = (struct recording){board, file};
        fprintf(file, MAGIC "%s", (const char *)head.data);
        board->door.heard = on_heard;
        board->door.owner = recording;
    } else if (file) {
        fclose(file);
        error_set(error, "out of memory");
    }
    state_buffer_free(&head);
    return recording;
}

bool recording_free(struct recording *recording)
{
    if (!recording) return true;
    recording->board->door.heard = NULL;
    fprintf(recording->file, "end %" PRId64 " %" PRIu64 "\n", recording->board->clock.base,
            board_insns(recording->board));
    bool written = !ferror(recording->file);
    written &= !fclose(recording->file);
    free(recording);
    return written;
}

/* ---- replaying ---- */

struct replay {
    struct board *board;
    char *text, *line; /* the event that comes next; the empty string at the end */
    vtime due;         /* its time */
    uint64_t insns;    /* at the end: instructions by then */
};

static char *read_text(const char *path, struct error *error)
{
    struct state_buffer text = {0};
    char bytes[4096];
    size_t got;
    FILE *file = fopen(path, "rbe");
    if (!file) {
        error_set(error, "%s: cannot be read: %s", path, strerror(errno));
        return NULL;
    }
    while ((got = fread(bytes, 1, sizeof bytes, file)) > 0) state_buffer_add(&text, bytes, got);
    fclose(file);
    state_buffer_add(&text, "", 1);
    if (!strncmp((const char *)text.data, MAGIC, strlen(MAGIC))) return (char *)text.data;
    error_set(error, "%s: is no recording", path);
    state_buffer_free(&text);
    return NULL;
}

bool replay_date(const char *path, int64_t *date, struct error *error)
{
    char *text = read_text(path, error);
    if (!text) return false;
    bool found = sscanf(text + strlen(MAGIC), "date %" SCNd64, date) == 1;
    free(text);
    return found || error_set(error, "%s: has no date", path);
}

/* The next line, if it is whole and an event. */
static void look_ahead(struct replay *replay)
{
    int64_t due;
    bool event = sscanf(replay->line, "in %" SCNd64 " ", &due) == 1 ||
                 sscanf(replay->line, "end %" SCNd64 " %" SCNu64, &due, &replay->insns) == 2;
    if (!event || !strchr(replay->line, '\n')) {
        replay->line += strlen(replay->line);
        due = VTIME_NEVER;
    }
    replay->due = due;
}

/* Takes the head off the text: as many lines as this machine's has. */
static bool check_head(struct replay *replay, struct error *error)
{
    struct state_buffer here = {0};
    char *events = strstr(replay->text, "\nstate ");
    char *start = replay->text + strlen(MAGIC);
    if (!events || !(events = strchr(events + 1, '\n'))) return error_set(error, "its head is cut short");
    bool same = head_text(replay->board, &here, error);
    if (same) {
        *events = 0;
        ((char *)here.data)[here.size - 2] = 0;
        same = board_fingerprint_check(start, (const char *)here.data, error);
    }
    state_buffer_free(&here);
    replay->line = events + 1;
    return same;
}

struct replay *replay_new(struct board *board, const char *path, struct error *error)
{
    char *text = read_text(path, error);
    struct replay *replay = text ? calloc(1, sizeof *replay) : NULL;
    if (!replay) {
        free(text);
        return NULL;
    }
    *replay = (struct replay){.board = board, .text = text};
    if (!check_head(replay, error)) {
        error_prefix(error, "%s", path);
        free(text);
        free(replay);
        return NULL;
    }
    look_ahead(replay);
    board->door.deaf = true;
    return replay;
}

void replay_free(struct replay *replay)
{
    if (!replay) return;
    replay->board->door.deaf = false;
    free(replay->text);
    free(replay);
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Posts the event of the line: "in TIME PORT BYTES". */
static void post(struct replay *replay)
{
    char name[32];
    int at = 0;
    struct state_buffer bytes = {0};
    if (sscanf(replay->line, "in %*d %31s %n", name, &at) != 1 || !at) return;
    for (const char *c = replay->line + at; digit(c[0]) >= 0 && digit(c[1]) >= 0; c += 2) {
        uint8_t byte = (uint8_t)(digit(c[0]) << 4 | digit(c[1]));
        state_buffer_add(&bytes, &byte, 1);
    }
    struct door_port *port = door_find(&replay->board->door, name);
    replay->board->door.deaf = false;
    if (port) door_post(port, bytes.data, bytes.size);
    replay->board->door.deaf = true;
    state_buffer_free(&bytes);
}

static bool at_end(const struct replay *replay)
{
    return !strncmp(replay->line, "end ", 4) && replay->due <= board_now(replay->board);
}

vtime replay_next(struct replay *replay)
{
    while (replay->due <= board_now(replay->board) && !strncmp(replay->line, "in ", 3)) {
        post(replay);
        replay->line = strchr(replay->line, '\n') + 1;
        look_ahead(replay);
    }
    return at_end(replay) ? VTIME_NEVER : replay->due;
}

uint64_t replay_insns(const struct replay *replay)
{
    uint64_t now = board_insns(replay->board);
    if (!at_end(replay)) return UINT64_MAX;
    return replay->insns > now ? replay->insns - now : 0;
}

bool replay_over(const struct replay *replay)
{
    return at_end(replay) && replay_insns(replay) == 0;
}
