/* SPDX-License-Identifier: MIT */
/* A machine in a file: see snapshot.h. */
#include "emu/board/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "emu/board/machine_state.h"
#include "emu/core/bits.h"

/* The head of a file: magic, version, four zero bytes, size of what follows, hash of what follows; little-endian. */
enum { HEAD_MAGIC = 0, HEAD_VERSION = 8, HEAD_ZERO = 12, HEAD_SIZE = 16, HEAD_HASH = 24, HEAD = 32 };
#define MAGIC   "VITRINE\x1a"
#define VERSION 2

/* ---- the contents ---- */

struct end_state {
    uint64_t hash; /* board_hash */
};
static const struct state_field end_fields[] = {STATE_FIELD(struct end_state, hash), STATE_END};
static const struct state_table end_table = {"end", 1, sizeof(struct end_state), end_fields};

static bool save_all(struct board *board, struct state_buffer *to, struct error *error)
{
    if (board->cpu_running) return error_set(error, "a machine cannot be saved while it runs");
    if (!board_fingerprint(board, to, error)) return false;
    state_buffer_add(to, "", 1);
    if (!machine_save(board, to, error)) return false;
    state_save(&end_table, &(struct end_state){board_hash(board)}, to);
    return true;
}

static bool load_all(struct board *board, struct state_buffer *from, struct error *error)
{
    struct end_state end;
    if (!machine_load(board, from, error) || !state_load(&end_table, &end, from, error)) return false;
    if (from->cursor != from->size || board_hash(board) != end.hash)
        return error_set(error, "what was loaded is not what was saved");
    return true;
}

/* ---- the file ---- */

static bool write_file(FILE *file, const struct state_buffer *payload)
{
    uint8_t head[HEAD] = {0};
    memcpy(head + HEAD_MAGIC, MAGIC, 8);
    le32_store(head + HEAD_VERSION, VERSION);
    le64_store(head + HEAD_SIZE, payload->size);
    le64_store(head + HEAD_HASH, machine_hash_bytes(MACHINE_HASH_START, payload->data, payload->size));
    return fwrite(head, 1, HEAD, file) == HEAD &&
           fwrite(payload->data, 1, payload->size, file) == payload->size;
}

/* As any new file is: mkostemp's are for the owner alone. */
static void open_to_others(int fd)
{
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask)) return; /* then it stays with the owner */
}

static bool write_whole(const char *path, const struct state_buffer *payload, struct error *error)
{
    struct stat there;
    if (!stat(path, &there) && !S_ISREG(there.st_mode)) return error_set(error, "is no regular file");
    char *beside = malloc(strlen(path) + sizeof ".XXXXXX");
    if (!beside) return error_set(error, "out of memory");
    sprintf(beside, "%s.XXXXXX", path);
    int fd = mkostemp(beside, O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    if (file) open_to_others(fd);
    bool written = file && write_file(file, payload) && !fflush(file) && !fsync(fd);
    int why = errno;
    if (file)
        written &= !fclose(file);
    else if (fd >= 0)
        close(fd);
    if (written && rename(beside, path)) {
        written = false;
        why = errno;
    }
    if (!written && fd >= 0) unlink(beside);
    free(beside);
    return written || error_set(error, "cannot be written: %s", strerror(why));
}

bool board_save(struct board *board, const char *path, struct error *error)
{
    struct state_buffer payload = {0};
    bool saved = save_all(board, &payload, error) && write_whole(path, &payload, error);
    state_buffer_free(&payload);
    return saved || error_prefix(error, "%s", path);
}

/* The head, then as many bytes as it says, and no more. */
static bool read_file(FILE *file, struct state_buffer *payload, struct error *error)
{
    uint8_t head[HEAD];
    if (fread(head, 1, HEAD, file) != HEAD || memcmp(head, MAGIC, 8))
        return error_set(error, "is no saved machine");
    if (le32_load(head + HEAD_VERSION) != VERSION)
        return error_set(error, "is of version %u; this program reads version %u",
                         le32_load(head + HEAD_VERSION), VERSION);
    if (le32_load(head + HEAD_ZERO)) return error_set(error, "is damaged: its head is not right");
    uint64_t size = le64_load(head + HEAD_SIZE);
    long end = fseek(file, 0, SEEK_END) ? -1 : ftell(file);
    if (end < 0 || fseek(file, HEAD, SEEK_SET) || (uint64_t)end - HEAD != size)
        return error_set(error, "is damaged: its length is not what its head says");
    payload->data = malloc(size ? size : 1);
    if (!payload->data) return error_set(error, "out of memory");
    payload->size = payload->capacity = size;
    if (fread(payload->data, 1, size, file) != size)
        return error_set(error, "cannot be read: %s", strerror(errno));
    if (machine_hash_bytes(MACHINE_HASH_START, payload->data, size) != le64_load(head + HEAD_HASH))
        return error_set(error, "is damaged: its checksum does not fit");
    return true;
}

static bool check_machine(struct board *board, struct state_buffer *payload, struct error *error)
{
    struct state_buffer here = {0};
    const uint8_t *end = payload->size ? memchr(payload->data, 0, payload->size) : NULL;
    if (board->cpu_running) return error_set(error, "cannot be loaded while the machine runs");
    if (!end) return error_set(error, "is damaged: nothing is in it");
    bool same = board_fingerprint(board, &here, error);
    if (same) {
        state_buffer_add(&here, "", 1);
        same = board_fingerprint_check((const char *)payload->data, (const char *)here.data, error);
    }
    payload->cursor = (size_t)(end - payload->data) + 1;
    state_buffer_free(&here);
    return same;
}

bool board_load(struct board *board, const char *path, struct error *error)
{
    struct state_buffer payload = {0};
    FILE *file = fopen(path, "rbe");
    if (!file) return error_set(error, "%s: cannot be read: %s", path, strerror(errno));
    bool loaded = read_file(file, &payload, error) && check_machine(board, &payload, error) &&
                  load_all(board, &payload, error);
    fclose(file);
    state_buffer_free(&payload);
    return loaded || error_prefix(error, "%s", path);
}
