/* SPDX-License-Identifier: MIT */
/* I/O vectors and scatter-gather lists, against plain arrays. */
#include "mem/iov.h"
#include "mem/sglist.h"
#include "tests/unit/mem_helper.h"

START_TEST(vectors_hold_no_empty_pieces_and_join_neighbours)
{
    char buffer[64];
    struct iov iov;
    iov_init(&iov, 0);
    ck_assert(iov_add(&iov, buffer, 0));
    ck_assert_uint_eq(iov.count, 0);
    ck_assert(iov_add(&iov, buffer, 8));
    ck_assert(iov_add(&iov, buffer + 8, 8));
    ck_assert_uint_eq(iov.count, 1);
    ck_assert_uint_eq(iov.pieces[0].iov_len, 16);
    for (unsigned i = 0; i < 20; i++) ck_assert(iov_add(&iov, buffer + 40 - 2 * i, 1));
    ck_assert_uint_eq(iov.count, 21);
    ck_assert_uint_eq(iov.size, 36);
    iov_reset(&iov);
    ck_assert_uint_eq(iov.size, 0);
    iov_destroy(&iov);
}
END_TEST

START_TEST(a_fixed_vector_says_when_it_is_full)
{
    char buffer[64];
    struct iovec pieces[2];
    struct iov iov, from;
    iov_init_fixed(&iov, pieces, 2);
    ck_assert(iov_add(&iov, buffer, 4));
    ck_assert(iov_add(&iov, buffer + 10, 4));
    ck_assert(!iov_add(&iov, buffer + 20, 4));
    ck_assert(iov_add(&iov, buffer + 14, 4)); /* joins */
    ck_assert_uint_eq(iov.size, 12);
    iov_init(&from, 4);
    iov_add(&from, buffer + 30, 4);
    ck_assert(!iov_concat(&iov, &from, 0, 4));
    ck_assert(iov_concat(&iov, &from, 4, 4)); /* nothing to append */
    iov_destroy(&from);
    iov_destroy(&iov);
}
END_TEST

START_TEST(a_vector_appends_itself)
{
    char buffer[64];
    struct iov iov;
    iov_init(&iov, 1);
    iov_add(&iov, buffer + 10, 5);
    iov_add(&iov, buffer + 20, 5);
    ck_assert(iov_concat(&iov, &iov, 2, 100));
    ck_assert_uint_eq(iov.size, 18);
    iov_destroy(&iov);
}
END_TEST

/* A random vector over `memory`, with empty pieces among the others, and the same bytes in one array. */
static unsigned random_vector(uint64_t *seed, uint8_t *memory, struct iovec *pieces, uint8_t *flat,
                              size_t *size)
{
    unsigned count = (unsigned)random_below(seed, 9);
    *size = 0;
    for (unsigned i = 0; i < count; i++) {
        size_t length = random_below(seed, 4) ? random_below(seed, 50) : 0;
        pieces[i] = (struct iovec){memory + i * 64, length};
        memcpy(flat + *size, memory + i * 64, length);
        *size += length;
    }
    return count;
}

START_TEST(lesson_43_odd_offsets_and_remainders)
{
    uint64_t seed = 43;
    for (unsigned step = 0; step < 40000; step++) {
        uint8_t memory[8 * 64], flat[8 * 64], buffer[600], again[600];
        struct iovec pieces[8], slice[8];
        size_t size;
        random_bytes(&seed, memory, sizeof(memory));
        unsigned count = random_vector(&seed, memory, pieces, flat, &size);
        size_t skip = random_below(&seed, 500), length = random_below(&seed, 500);
        if (random_below(&seed, 16) == 0) length = SIZE_MAX;
        size_t right = skip >= size ? 0 : length < size - skip ? length : size - skip;

        ck_assert_uint_eq(iov_size(pieces, count), size);
        ck_assert_uint_eq(iov_to_buffer(pieces, count, skip, buffer, length), right);
        ck_assert_mem_eq(buffer, flat + skip, right);

        unsigned parts = iov_slice(pieces, count, skip, length, slice);
        ck_assert_uint_le(parts, count);
        ck_assert_uint_eq(iov_size(slice, parts), right);
        iov_to_buffer(slice, parts, 0, again, sizeof(again));
        ck_assert_mem_eq(again, buffer, right);
        for (unsigned i = 0; i < parts; i++) ck_assert_uint_gt(slice[i].iov_len, 0);

        random_bytes(&seed, buffer, sizeof(buffer));
        size_t given = length > sizeof(buffer) ? sizeof(buffer) : length;
        size_t fits = given < right ? given : right;
        ck_assert_uint_eq(iov_from_buffer(pieces, count, skip, buffer, given), fits);
        memcpy(flat + (skip < size ? skip : 0), buffer, fits);
        iov_to_buffer(pieces, count, 0, again, sizeof(again));
        ck_assert_mem_eq(again, flat, size);

        ck_assert_uint_eq(iov_fill(pieces, count, skip, 0x42, length), right);
        memset(flat + (skip < size ? skip : 0), 0x42, right);
        iov_to_buffer(pieces, count, 0, again, sizeof(again));
        ck_assert_mem_eq(again, flat, size);

        struct iov all, some;
        iov_init(&all, 2);
        iov_init(&some, 0);
        for (unsigned i = 0; i < count; i++) iov_add(&all, pieces[i].iov_base, pieces[i].iov_len);
        ck_assert(iov_concat(&some, &all, skip, length));
        ck_assert_uint_eq(some.size, right);
        iov_to_buffer(some.pieces, some.count, 0, again, sizeof(again));
        ck_assert_mem_eq(again, flat + (skip < size ? skip : 0), right);
        iov_destroy(&all);
        iov_destroy(&some);
    }
}
END_TEST

START_TEST(lists_join_cut_and_bound_their_sizes)
{
    struct sglist list;
    sglist_init(&list, 1);
    sglist_add(&list, 0x1000, 0);
    ck_assert_uint_eq(list.count, 0);
    sglist_add(&list, 0x1000, 0x800);
    sglist_add(&list, 0x1800, 0x800);
    ck_assert_uint_eq(list.count, 1);
    sglist_add(&list, 0x1000, 0x10); /* below: not joined */
    sglist_add(&list, 0x5000, 0x20);
    ck_assert_uint_eq(list.count, 3);
    ck_assert_uint_eq(list.size, 0x1030);
    sglist_truncate(&list, 0x2000);
    ck_assert_uint_eq(list.size, 0x1030);
    sglist_truncate(&list, 0x1008);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_uint_eq(list.pieces[1].length, 8);
    sglist_truncate(&list, 0x1000);
    ck_assert_uint_eq(list.count, 1);
    sglist_truncate(&list, 0);
    ck_assert_uint_eq(list.count, 0);

    sglist_add(&list, UINT64_MAX - 0xf, 0x10); /* ends at 2^64 exactly: nothing joins it */
    sglist_add(&list, 0, 0x10);
    ck_assert_uint_eq(list.count, 2);
    sglist_add(&list, 0x8000, UINT64_MAX);
    ck_assert_uint_eq(list.size, UINT64_MAX); /* cut, not wrapped */
    sglist_add(&list, 0, 1);
    ck_assert_uint_eq(list.count, 3);
    sglist_reset(&list);
    ck_assert_uint_eq(list.size, 0);
    sglist_destroy(&list);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        vectors_hold_no_empty_pieces_and_join_neighbours,
        a_fixed_vector_says_when_it_is_full,
        a_vector_appends_itself,
        lesson_43_odd_offsets_and_remainders,
        lists_join_cut_and_bound_their_sizes,
    };
    return run_suite("iov", tests, ARRAY_COUNT(tests));
}
