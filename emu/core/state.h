/* SPDX-License-Identifier: MIT */
/*
 * State is plain data, described by tables.
 *
 * Each device keeps what a guest can observe in one `struct X_state`: fixed-width integers, bools, byte
 * arrays and nested structures, no pointers, no host handles. A table of fields describes it. From the table
 * come saving, loading, hashing, comparing and printing; the saved form is little-endian and packed, so that
 * padding and byte order never show.
 *
 *     static const struct state_field pit_channel_fields[] = {
 *         STATE_FIELD(struct pit_channel, count),
 *         STATE_END,
 *     };
 *     static const struct state_field pit_fields[] = {
 *         STATE_STRUCTS(struct pit_state, channel, pit_channel_fields),
 *         STATE_FIELD_SINCE(struct pit_state, speaker, 2),
 *         STATE_END,
 *     };
 *     const struct state_table pit_table = {"i8254", 2, sizeof(struct pit_state), pit_fields};
 */
#ifndef EMU_CORE_STATE_H
#define EMU_CORE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "emu/core/error.h"

enum state_type { STATE_U8, STATE_U16, STATE_U32, STATE_U64, STATE_BOOL, STATE_STRUCT };

struct state_field {
    const char *name; /* NULL ends a table */
    enum state_type type;
    uint16_t since; /* version that brought this field; an older save leaves it as reset made it */
    size_t offset;  /* of the first element */
    size_t count;   /* elements; an array is one field */
    size_t size;    /* of one element */
    const struct state_field *fields; /* of one element, when it is a structure */
};

/* The version counts for nested structures too: their fields' `since` is a version of the outermost table. */
struct state_table {
    const char *name; /* at most 63 letters */
    uint16_t version;
    size_t size;
    const struct state_field *fields;
};

/* The type of a field, or of the elements of an array (which decays to a pointer here). Signed fields are
 * kept as their two's complement. */
#define STATE_TYPE_OF(lvalue)                                                                                \
    _Generic((lvalue), uint8_t: STATE_U8, uint8_t *: STATE_U8, int8_t: STATE_U8, int8_t *: STATE_U8,                   \
             uint16_t: STATE_U16, uint16_t *: STATE_U16, int16_t: STATE_U16, int16_t *: STATE_U16,                     \
             uint32_t: STATE_U32, uint32_t *: STATE_U32, int32_t: STATE_U32, int32_t *: STATE_U32,                     \
             uint64_t: STATE_U64, uint64_t *: STATE_U64, int64_t: STATE_U64, int64_t *: STATE_U64,                     \
             bool: STATE_BOOL, bool *: STATE_BOOL)
#define STATE_SIZE_OF(lvalue)                                                                                \
    _Generic((lvalue), uint8_t: 1, uint8_t *: 1, int8_t: 1, int8_t *: 1, uint16_t: 2, uint16_t *: 2, int16_t: 2,       \
             int16_t *: 2, uint32_t: 4, uint32_t *: 4, int32_t: 4, int32_t *: 4, uint64_t: 8, uint64_t *: 8,           \
             int64_t: 8, int64_t *: 8, bool: sizeof(bool), bool *: sizeof(bool))

#define STATE_FIELD(type, member) STATE_FIELD_SINCE(type, member, 1)
#define STATE_FIELD_SINCE(type, member, version)                                                             \
    {                                                                                                        \
#member, STATE_TYPE_OF(((type *)0)->member), version, offsetof(type, member),                        \
            sizeof(((type *)0)->member) / STATE_SIZE_OF(((type *)0)->member),                                \
            STATE_SIZE_OF(((type *)0)->member), NULL                                                         \
    }
/* A nested structure, and an array of them. */
#define STATE_STRUCT_FIELD(type, member, table)                                                              \
    {                                                                                                        \
#member, STATE_STRUCT, 1, offsetof(type, member), 1, sizeof(((type *)0)->member), table              \
    }
#define STATE_STRUCTS(type, member, table)                                                                   \
    {                                                                                                        \
#member, STATE_STRUCT, 1, offsetof(type, member),                                                    \
            sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0]), sizeof(((type *)0)->member[0]),    \
            table                                                                                            \
    }
#define STATE_END                                                                                            \
    {                                                                                                        \
        NULL, STATE_U8, 0, 0, 0, 0, NULL                                                                     \
    }

/* A growing byte buffer; zero-initialise it, free it with state_buffer_free. */
struct state_buffer {
    uint8_t *data;
    size_t size, capacity;
    size_t cursor; /* where the next load reads */
};
void state_buffer_free(struct state_buffer *buffer);
void state_buffer_add(struct state_buffer *buffer, const void *data, size_t size);
bool state_buffer_take(struct state_buffer *buffer, void *data, size_t size); /* false when it is too short */

/* Appends the state to the buffer: name, version, then the fields. */
void state_save(const struct state_table *table, const void *state, struct state_buffer *to);
/* The reverse, from the buffer's cursor on. Refuses another name, a newer version and a short buffer; `state`
 * is then unchanged, the cursor somewhere. */
bool state_load(const struct state_table *table, void *state, struct state_buffer *from, struct error *error);
/* 64-bit hash (FNV-1a) of the fields in their saved form, continued from `seed`, an earlier result; 0 starts
 * anew. */
uint64_t state_hash(const struct state_table *table, const void *state, uint64_t seed);
/* True with the name of the first field that differs, as "channel[1].count", in `where`; false when all are
 * equal. */
bool state_differs(const struct state_table *table, const void *a, const void *b, char *where, size_t size);
/* One `name = value` line per field, and per element of an array. */
void state_print(const struct state_table *table, const void *state, FILE *to);

#endif
