/* SPDX-License-Identifier: MIT */
/* State tables (emu/core/state.h): saving, loading, hashing, comparing and printing. */
#include "emu/core/state.h"

#include <inttypes.h>
#include "tests/unit/mem_helper.h"

struct channel_state {
    uint8_t mode;
    uint16_t count; /* a byte of padding before it */
    bool gate;
};

struct chip_state {
    uint8_t small;
    uint64_t wide; /* seven bytes of padding before it */
    int32_t below_zero;
    bool on;
    uint16_t table[3];
    struct channel_state channel[2];
    struct channel_state lone;
    uint32_t newer; /* since version 2 */
};

static const struct state_field channel_fields[] = {
    STATE_FIELD(struct channel_state, mode),
    STATE_FIELD(struct channel_state, count),
    STATE_FIELD(struct channel_state, gate),
    STATE_END,
};
static const struct state_field chip_fields[] = {
    STATE_FIELD(struct chip_state, small),
    STATE_FIELD(struct chip_state, wide),
    STATE_FIELD(struct chip_state, below_zero),
    STATE_FIELD(struct chip_state, on),
    STATE_FIELD(struct chip_state, table),
    STATE_STRUCTS(struct chip_state, channel, channel_fields),
    STATE_STRUCT_FIELD(struct chip_state, lone, channel_fields),
    STATE_FIELD_SINCE(struct chip_state, newer, 2),
    STATE_END,
};
static const struct state_table chip = {"chip", 2, sizeof(struct chip_state), chip_fields};
static const struct state_table chip_1 = {"chip", 1, sizeof(struct chip_state), chip_fields};
static const struct state_table chip_3 = {"chip", 3, sizeof(struct chip_state), chip_fields};
static const struct state_table other = {"chin", 2, sizeof(struct chip_state), chip_fields};

static const struct chip_state example = {
    .small = 0x11,
    .wide = UINT64_C(0x8877665544332211),
    .below_zero = -2,
    .on = true,
    .table = {1, 2, 0xfffe},
    .channel = {{3, 0x1234, false}, {4, 0x5678, true}},
    .lone = {5, 6, true},
    .newer = 0xdeadbeef,
};

static const uint8_t example_saved[] = {
    4,    0,    2,    0,    'c',  'h',  'i',  'p',                    /* length of the name, version, name */
    0x11, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,             /* small, wide */
    0xfe, 0xff, 0xff, 0xff, 1,    1,    0,    2,    0,    0xfe, 0xff, /* below_zero, on, table */
    3,    0x34, 0x12, 0,    4,    0x78, 0x56, 1,    5,    6,    0,    1, /* channels, lone */
    0xef, 0xbe, 0xad, 0xde,
};

/* The same values around other padding. */
static struct chip_state example_in(uint8_t padding)
{
    struct chip_state state;
    memset(&state, padding, sizeof state);
    state.small = example.small;
    state.wide = example.wide;
    state.below_zero = example.below_zero;
    state.on = example.on;
    memcpy(state.table, example.table, sizeof state.table);
    for (unsigned i = 0; i < 3; i++) {
        struct channel_state *to = i < 2 ? &state.channel[i] : &state.lone;
        const struct channel_state *from = i < 2 ? &example.channel[i] : &example.lone;
        to->mode = from->mode;
        to->count = from->count;
        to->gate = from->gate;
    }
    state.newer = example.newer;
    return state;
}

static bool same(const struct chip_state *a, const struct chip_state *b)
{
    char where[80];
    return !state_differs(&chip, a, b, where, sizeof where);
}

START_TEST(lesson_42_the_saved_form_is_little_endian_and_packed)
{
    struct chip_state state = example_in(0xcc);
    struct state_buffer buffer = {0};
    state_save(&chip, &state, &buffer);
    ck_assert_uint_eq(buffer.size, sizeof example_saved);
    ck_assert_mem_eq(buffer.data, example_saved, sizeof example_saved);
    state_buffer_free(&buffer);
    ck_assert_ptr_null(buffer.data);
    ck_assert_uint_eq(buffer.size, 0);
}
END_TEST

START_TEST(what_was_saved_loads)
{
    struct chip_state state = example_in(0), loaded;
    struct state_buffer buffer = {0};
    memset(&loaded, 0, sizeof loaded);
    state_save(&chip, &state, &buffer);
    state_save(&other, &state, &buffer); /* appended */
    ck_assert(state_load(&chip, &loaded, &buffer, NULL));
    ck_assert(same(&state, &loaded));
    ck_assert_int_eq(loaded.below_zero, -2);
    memset(&loaded, 0, sizeof loaded);
    ck_assert(state_load(&other, &loaded, &buffer, NULL));
    ck_assert(same(&state, &loaded));
    ck_assert(!state_load(&chip, &loaded, &buffer, NULL)); /* nothing is left */
    state_buffer_free(&buffer);
}
END_TEST

/* Loads `size` bytes into a state that must stay as it is; the error text. */
static const char *refused(const struct state_table *table, const uint8_t *bytes, size_t size)
{
    static struct error error;
    struct chip_state state = example_in(0x77), before = state;
    struct state_buffer buffer = {0};
    state_buffer_add(&buffer, bytes, size);
    error.text[0] = 0;
    ck_assert(!state_load(table, &state, &buffer, &error));
    ck_assert_mem_eq(&state, &before, sizeof state);
    state_buffer_free(&buffer);
    return error.text;
}

START_TEST(a_short_buffer_is_refused_at_every_length)
{
    for (size_t size = 0; size < sizeof example_saved; size++)
        ck_assert_ptr_nonnull(strstr(refused(&chip, example_saved, size), "chip: state "));
}
END_TEST

START_TEST(another_name_is_refused)
{
    ck_assert_str_eq(refused(&other, example_saved, sizeof example_saved),
                     "chin: state of chip found in its place");
    uint8_t bytes[sizeof example_saved];
    memcpy(bytes, example_saved, sizeof bytes);
    le16_store(bytes, 0xffff); /* a name without end */
    ck_assert_str_eq(refused(&chip, bytes, sizeof bytes), "chip: state is damaged");
}
END_TEST

START_TEST(a_newer_version_is_refused)
{
    struct chip_state state = example_in(0);
    struct state_buffer buffer = {0};
    state_save(&chip_3, &state, &buffer);
    ck_assert_str_eq(refused(&chip, buffer.data, buffer.size),
                     "chip: state version 3 is newer than this program's 2");
    state_buffer_free(&buffer);
}
END_TEST

START_TEST(an_older_save_leaves_newer_fields_alone)
{
    struct chip_state state = example_in(0), loaded;
    struct state_buffer buffer = {0};
    state_save(&chip_1, &state, &buffer);
    ck_assert_uint_eq(buffer.size, sizeof example_saved - 4);
    memset(&loaded, 0, sizeof loaded);
    loaded.newer = 0x600d;
    ck_assert(state_load(&chip, &loaded, &buffer, NULL));
    ck_assert_uint_eq(loaded.newer, 0x600d);
    loaded.newer = state.newer;
    ck_assert(same(&state, &loaded));
    state_buffer_free(&buffer);
}
END_TEST

START_TEST(a_bool_loads_as_true_or_false)
{
    uint8_t bytes[sizeof example_saved];
    struct chip_state state = example_in(0);
    struct state_buffer buffer = {0};
    memcpy(bytes, example_saved, sizeof bytes);
    bytes[21] = 0x80;
    state_buffer_add(&buffer, bytes, sizeof bytes);
    ck_assert(state_load(&chip, &state, &buffer, NULL));
    ck_assert(state.on == true);
    state_buffer_free(&buffer);
}
END_TEST

static uint64_t fnv(const uint8_t *bytes, size_t size, uint64_t hash)
{
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

START_TEST(the_hash_is_that_of_the_saved_fields)
{
    struct chip_state a = example_in(0x00), b = example_in(0xff);
    uint64_t start = UINT64_C(0xcbf29ce484222325);
    uint64_t expected = fnv(example_saved + 8, sizeof example_saved - 8, start);
    ck_assert_uint_eq(state_hash(&chip, &a, 0), expected);
    ck_assert_uint_eq(state_hash(&chip, &b, 0), expected); /* padding does not show */
    ck_assert_uint_eq(state_hash(&chip, &a, start), expected);
    ck_assert_uint_eq(state_hash(&chip, &b, expected),
                      fnv(example_saved + 8, sizeof example_saved - 8, expected));
}
END_TEST

START_TEST(the_first_difference_is_named)
{
    struct chip_state a = example_in(0x00), b = example_in(0xff);
    char where[80] = "untouched";
    ck_assert(!state_differs(&chip, &a, &b, where, sizeof where));
    b.newer++;
    ck_assert(state_differs(&chip, &a, &b, where, sizeof where));
    ck_assert_str_eq(where, "newer");
    b.lone.gate = false;
    state_differs(&chip, &a, &b, where, sizeof where);
    ck_assert_str_eq(where, "lone.gate");
    b.channel[1].count++;
    state_differs(&chip, &a, &b, where, sizeof where);
    ck_assert_str_eq(where, "channel[1].count");
    b.table[2]++;
    state_differs(&chip, &a, &b, where, sizeof where);
    ck_assert_str_eq(where, "table[2]");
    b.small++;
    char tight[4];
    ck_assert(state_differs(&chip, &a, &b, tight, sizeof tight));
    ck_assert_str_eq(tight, "sma");
}
END_TEST

START_TEST(every_bit_of_every_field_counts)
{
    struct chip_state a = example_in(0);
    struct state_buffer saved = {0};
    state_save(&chip, &a, &saved);
    uint64_t hash = state_hash(&chip, &a, 0);
    for (size_t at = 8; at < saved.size; at++) {
        struct chip_state b = example_in(0);
        struct state_buffer changed = {0};
        char where[80];
        state_buffer_add(&changed, saved.data, saved.size);
        changed.data[at] ^= changed.data[at] ? changed.data[at] : 1; /* right for a bool too */
        ck_assert(state_load(&chip, &b, &changed, NULL));
        ck_assert(state_differs(&chip, &a, &b, where, sizeof where));
        ck_assert_uint_ne(state_hash(&chip, &b, 0), hash);
        state_buffer_free(&changed);
    }
    state_buffer_free(&saved);
}
END_TEST

START_TEST(printing_has_a_line_per_value)
{
    struct chip_state state = example_in(0);
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    state_print(&chip, &state, to);
    fclose(to);
    ck_assert_str_eq(text, "small = 0x11\nwide = 0x8877665544332211\nbelow_zero = 0xfffffffe\non = 0x01\n"
                           "table[0] = 0x0001\ntable[1] = 0x0002\ntable[2] = 0xfffe\n"
                           "channel[0].mode = 0x03\nchannel[0].count = 0x1234\nchannel[0].gate = 0x00\n"
                           "channel[1].mode = 0x04\nchannel[1].count = 0x5678\nchannel[1].gate = 0x01\n"
                           "lone.mode = 0x05\nlone.count = 0x0006\nlone.gate = 0x01\nnewer = 0xdeadbeef\n");
    free(text);
}
END_TEST

START_TEST(buffers_grow_and_give_back)
{
    struct state_buffer buffer = {0};
    uint8_t byte;
    for (unsigned i = 0; i < 1000; i++) {
        byte = (uint8_t)i;
        state_buffer_add(&buffer, &byte, 1);
        state_buffer_add(&buffer, NULL, 0);
    }
    for (unsigned i = 0; i < 1000; i++) {
        ck_assert(state_buffer_take(&buffer, &byte, 1));
        ck_assert_uint_eq(byte, (uint8_t)i);
    }
    ck_assert(state_buffer_take(&buffer, NULL, 0));
    ck_assert(!state_buffer_take(&buffer, &byte, 1));
    state_buffer_free(&buffer);
}
END_TEST

START_TEST(loads_of_random_bytes_are_harmless)
{
    uint64_t seed = (uint64_t)_i + 1;
    for (unsigned i = 0; i < 200; i++) {
        uint8_t bytes[80];
        struct chip_state state = example_in(0);
        struct state_buffer buffer = {0};
        random_bytes(&seed, bytes, sizeof bytes);
        memcpy(bytes, example_saved, random_below(&seed, sizeof example_saved));
        state_buffer_add(&buffer, bytes, random_below(&seed, sizeof bytes));
        (void)state_load(&chip, &state, &buffer, NULL);
        state_buffer_free(&buffer);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        lesson_42_the_saved_form_is_little_endian_and_packed,
        what_was_saved_loads,
        a_short_buffer_is_refused_at_every_length,
        another_name_is_refused,
        a_newer_version_is_refused,
        an_older_save_leaves_newer_fields_alone,
        a_bool_loads_as_true_or_false,
        the_hash_is_that_of_the_saved_fields,
        the_first_difference_is_named,
        every_bit_of_every_field_counts,
        printing_has_a_line_per_value,
        buffers_grow_and_give_back,
    };
    const TTest *const looped[] = {loads_of_random_bytes_are_harmless};
    return run_suite("state", tests, ARRAY_COUNT(tests)) | run_suite_looped("state, random", looped, 1, 5);
}
