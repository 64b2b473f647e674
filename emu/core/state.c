/* SPDX-License-Identifier: MIT */
/*
 * State tables: see state.h. One walk visits every scalar of a structure in table order; saving, hashing,
 * comparing and printing are visitors of it, so that they cannot disagree about what the state is.
 */
#include "emu/core/state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "emu/core/bits.h"

/* ---- scalars ---- */

static uint64_t scalar_get(const struct state_field *field, const void *at)
{
    switch (field->type) {
    case STATE_BOOL: return *(const bool *)at;
    case STATE_U8: return *(const uint8_t *)at;
    case STATE_U16: return *(const uint16_t *)at;
    case STATE_U32: return *(const uint32_t *)at;
    default: return *(const uint64_t *)at;
    }
}

static void scalar_set(const struct state_field *field, void *at, uint64_t value)
{
    switch (field->type) {
    case STATE_BOOL: *(bool *)at = value != 0; break;
    case STATE_U8: *(uint8_t *)at = (uint8_t)value; break;
    case STATE_U16: *(uint16_t *)at = (uint16_t)value; break;
    case STATE_U32: *(uint32_t *)at = (uint32_t)value; break;
    default: *(uint64_t *)at = value; break;
    }
}

static unsigned saved_size(const struct state_field *field)
{
    return field->type == STATE_BOOL ? 1 : (unsigned)field->size;
}

/* ---- the walk ---- */

struct visitor {
    /* Returns false to end the walk. `path` names the scalar. */
    bool (*scalar)(struct visitor *visitor, const struct state_field *field, void *at, const char *path);
    void *context;
    uint16_t version; /* fields that are newer are passed over */
    bool wants_path;
};

/* Structures nest as the tables do, which the program's own source bounds. */
static bool walk(struct visitor *visitor, const struct state_field *fields, uint8_t *base, const char *prefix)
{
    for (const struct state_field *field = fields; field->name; field++) {
        if (field->since > visitor->version) continue;
        for (size_t i = 0; i < field->count; i++) {
            char path[160] = "";
            if (visitor->wants_path) {
                int used = snprintf(path, sizeof path, "%s%s", prefix, field->name);
                if (field->count > 1 && used > 0 && (size_t)used < sizeof path)
                    snprintf(path + used, sizeof path - (size_t)used, "[%zu]", i);
                if (field->type == STATE_STRUCT) strncat(path, ".", sizeof path - strlen(path) - 1);
            }
            uint8_t *at = base + field->offset + i * field->size;
            bool more = field->type == STATE_STRUCT ? walk(visitor, field->fields, at, path)
                                                    : visitor->scalar(visitor, field, at, path);
            if (!more) return false;
        }
    }
    return true;
}

/* ---- buffers ---- */

void state_buffer_free(struct state_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct state_buffer){0};
}

void state_buffer_add(struct state_buffer *buffer, const void *data, size_t size)
{
    if (buffer->size + size > buffer->capacity) {
        buffer->capacity = (buffer->size + size) * 2;
        uint8_t *grown = realloc(buffer->data, buffer->capacity);
        if (!grown) abort(); /* out of host memory in the middle of a save: nothing sensible is left to do */
        buffer->data = grown;
    }
    if (size) memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

bool state_buffer_take(struct state_buffer *buffer, void *data, size_t size)
{
    if (size > buffer->size - buffer->cursor) return false;
    if (size) memcpy(data, buffer->data + buffer->cursor, size);
    buffer->cursor += size;
    return true;
}

/* ---- save and load ---- */

static bool save_scalar(struct visitor *visitor, const struct state_field *field, void *at, const char *path)
{
    (void)path;
    uint8_t bytes[8];
    le_store(bytes, saved_size(field), scalar_get(field, at));
    state_buffer_add(visitor->context, bytes, saved_size(field));
    return true;
}

void state_save(const struct state_table *table, const void *state, struct state_buffer *to)
{
    uint8_t header[4];
    le16_store(header, (uint16_t)strlen(table->name));
    le16_store(header + 2, table->version);
    state_buffer_add(to, header, sizeof header);
    state_buffer_add(to, table->name, strlen(table->name));
    struct visitor visitor = {.scalar = save_scalar, .context = to, .version = table->version};
    walk(&visitor, table->fields, (uint8_t *)(uintptr_t)state, "");
}

static bool load_scalar(struct visitor *visitor, const struct state_field *field, void *at, const char *path)
{
    (void)path;
    uint8_t bytes[8];
    if (!state_buffer_take(visitor->context, bytes, saved_size(field))) return false;
    scalar_set(field, at, le_load(bytes, saved_size(field)));
    return true;
}

bool state_load(const struct state_table *table, void *state, struct state_buffer *from, struct error *error)
{
    uint8_t header[4];
    char name[64];
    if (!state_buffer_take(from, header, sizeof header))
        return error_set(error, "%s: state ends early", table->name);
    size_t length = le16_load(header);
    uint16_t version = le16_load(header + 2);
    if (length >= sizeof name || !state_buffer_take(from, name, length))
        return error_set(error, "%s: state is damaged", table->name);
    name[length] = 0;
    if (strcmp(name, table->name))
        return error_set(error, "%s: state of %s found in its place", table->name, name);
    if (version > table->version)
        return error_set(error, "%s: state version %u is newer than this program's %u", table->name, version,
                         table->version);
    void *copy = malloc(table->size);
    if (!copy) return error_set(error, "%s: out of memory", table->name);
    memcpy(copy, state, table->size);
    struct visitor visitor = {.scalar = load_scalar, .context = from, .version = version};
    bool ok = walk(&visitor, table->fields, copy, "");
    if (ok) memcpy(state, copy, table->size);
    free(copy);
    return ok || error_set(error, "%s: state ends early", table->name);
}

/* ---- hash, compare, print ---- */

static bool hash_scalar(struct visitor *visitor, const struct state_field *field, void *at, const char *path)
{
    (void)path;
    uint64_t *hash = visitor->context;
    uint64_t value = scalar_get(field, at);
    for (unsigned i = 0; i < saved_size(field); i++)
        *hash = (*hash ^ (uint8_t)(value >> (8 * i))) * UINT64_C(0x100000001b3);
    return true;
}

uint64_t state_hash(const struct state_table *table, const void *state, uint64_t seed)
{
    uint64_t hash = seed ? seed : UINT64_C(0xcbf29ce484222325);
    struct visitor visitor = {.scalar = hash_scalar, .context = &hash, .version = table->version};
    walk(&visitor, table->fields, (uint8_t *)(uintptr_t)state, "");
    return hash;
}

struct comparison {
    const uint8_t *a, *b; /* the two structures; the walk goes over a */
    char *where;
    size_t size;
};

static bool compare_scalar(struct visitor *visitor, const struct state_field *field, void *at,
                           const char *path)
{
    struct comparison *c = visitor->context;
    const uint8_t *other = c->b + ((const uint8_t *)at - c->a);
    if (scalar_get(field, at) == scalar_get(field, other)) return true;
    snprintf(c->where, c->size, "%s", path);
    return false;
}

bool state_differs(const struct state_table *table, const void *a, const void *b, char *where, size_t size)
{
    struct comparison comparison = {a, b, where, size};
    struct visitor visitor = {
        .scalar = compare_scalar, .context = &comparison, .version = table->version, .wants_path = true};
    return !walk(&visitor, table->fields, (uint8_t *)(uintptr_t)a, "");
}

static bool print_scalar(struct visitor *visitor, const struct state_field *field, void *at, const char *path)
{
    fprintf(visitor->context, "%s = 0x%0*" PRIx64 "\n", path, (int)saved_size(field) * 2,
            scalar_get(field, at));
    return true;
}

void state_print(const struct state_table *table, const void *state, FILE *to)
{
    struct visitor visitor = {
        .scalar = print_scalar, .context = to, .version = table->version, .wants_path = true};
    walk(&visitor, table->fields, (uint8_t *)(uintptr_t)state, "");
}
