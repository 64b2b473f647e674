/* SPDX-License-Identifier: MIT */
/* Numbers, sizes and near names (emu/core/size.h). */
#include "emu/core/size.h"

#include "tests/unit/mem_helper.h"

#define K UINT64_C(1024)

static uint64_t size_of(const char *text, uint64_t unit)
{
    uint64_t bytes = 0;
    ck_assert_msg(size_parse(text, unit, &bytes), "%s", text);
    return bytes;
}

START_TEST(sizes_have_suffixes)
{
    ck_assert_uint_eq(size_of("128", 1), 128);
    ck_assert_uint_eq(size_of("128", K * K), 128 * K * K); /* as -m counts */
    ck_assert_uint_eq(size_of("4K", K * K), 4 * K);
    ck_assert_uint_eq(size_of("4k", 1), 4 * K);
    ck_assert_uint_eq(size_of("3M", 1), 3 * K * K);
    ck_assert_uint_eq(size_of("2g", 1), 2 * K * K * K);
    ck_assert_uint_eq(size_of("1T", 1), K * K * K * K);
    ck_assert_uint_eq(size_of("512b", K * K), 512);
    ck_assert_uint_eq(size_of("0", K), 0);
    ck_assert_uint_eq(size_of("0x1000", 1), 4096);
    ck_assert_uint_eq(size_of("0x10k", 1), 16 * K);
    ck_assert_uint_eq(size_of("0XfF", 1), 255);
}
END_TEST

START_TEST(fractions_are_exact)
{
    ck_assert_uint_eq(size_of("1.5G", 1), 3 * K * K * K / 2);
    ck_assert_uint_eq(size_of("0.5", K), 512);
    ck_assert_uint_eq(size_of("1.25K", 1), 1280);
    ck_assert_uint_eq(size_of("0.3K", 1), 307); /* 307.2, rounded down */
    ck_assert_uint_eq(size_of("1.0T", 1), K * K * K * K);
    ck_assert_uint_eq(size_of("1.9", 1), 1);
    ck_assert_uint_eq(size_of("0.99999999999999999999999999K", 1), 1023);
    ck_assert_uint_eq(size_of("8388607.5T", 1), UINT64_C(8388607) * K * K * K * K + K * K * K * K / 2);
}
END_TEST

START_TEST(zeros_in_front_are_no_octal)
{
    uint64_t value;
    ck_assert_uint_eq(size_of("010", 1), 10);
    ck_assert_uint_eq(size_of("09K", 1), 9 * K);
    ck_assert(number_parse("0777", 1000, &value));
    ck_assert_uint_eq(value, 777);
}
END_TEST

START_TEST(what_is_no_size_is_refused)
{
    static const char *const wrong[] = {
        "",     " ",     "-1",  "+1",  " 1",  "1 ",     "banana", "K",    ".5",    "1.",    "1.K",
        "1..5", "1.5.5", "4KB", "4Ki", "1E3", "1.5e3",  "1,5",    "0x",   "0xg",   "0x1.8", "0x-1",
        "1P",   "12 K",  "inf", "nan", "1\n", "0b11K1", "1K\n",   "\xff", "1\xff",
    };
    for (unsigned i = 0; i < ARRAY_COUNT(wrong); i++) {
        uint64_t bytes;
        ck_assert_msg(!size_parse(wrong[i], 1, &bytes), "%s", wrong[i]);
    }
}
END_TEST

START_TEST(overflow_is_refused)
{
    uint64_t bytes;
    ck_assert_uint_eq(size_of("18446744073709551615", 1), UINT64_MAX);
    ck_assert(!size_parse("18446744073709551616", 1, &bytes));
    ck_assert(!size_parse("18446744073709551615", 2, &bytes));
    ck_assert_uint_eq(size_of("16777215T", 1), UINT64_C(16777215) << 40);
    ck_assert(!size_parse("16777216T", 1, &bytes));
    ck_assert(!size_parse("16777216.5T", 1, &bytes));
    ck_assert(!size_parse("99999999999999999999999999999", 1, &bytes));
    ck_assert(!size_parse("0x10000000000000000", 1, &bytes));
}
END_TEST

START_TEST(numbers_are_whole_and_bounded)
{
    uint64_t value = 5;
    ck_assert(number_parse("42", 42, &value));
    ck_assert_uint_eq(value, 42);
    ck_assert(number_parse("0x2A", 42, &value));
    ck_assert_uint_eq(value, 42);
    ck_assert(number_parse("18446744073709551615", UINT64_MAX, &value));
    ck_assert_uint_eq(value, UINT64_MAX);
    static const char *const wrong[] = {"",   "43",  "-1",  "+1", " 1", "1 ",
                                        "1K", "1.0", "1e1", "0x", "x1", "18446744073709551616"};
    for (unsigned i = 0; i < ARRAY_COUNT(wrong); i++) {
        value = 7;
        ck_assert_msg(!number_parse(wrong[i], 42, &value), "%s", wrong[i]);
        ck_assert_uint_eq(value, 7);
    }
}
END_TEST

START_TEST(near_names_are_found)
{
    static const char *const names[] = {"-serial", "-snapshot", "-drive", "-hda", "-hdb", "-m", NULL};
    ck_assert_str_eq(nearest_name("-seral", names), "-serial");
    ck_assert_str_eq(nearest_name("-drivee", names), "-drive");
    ck_assert_str_eq(nearest_name("-hdc", names), "-hda"); /* the first of equals */
    ck_assert_str_eq(nearest_name("-snapshot", names), "-snapshot");
    ck_assert_ptr_null(nearest_name("-completely-else", names));
    ck_assert_ptr_null(nearest_name("", names));
    ck_assert_ptr_null(nearest_name("x", (const char *const[]){NULL}));
}
END_TEST

START_TEST(long_names_are_harmless)
{
    char word[500], name[500];
    memset(word, 'a', sizeof word - 1), word[sizeof word - 1] = 0;
    memset(name, 'a', sizeof name - 1), name[sizeof name - 1] = 0;
    const char *const names[] = {name, "short", NULL};
    (void)nearest_name(word, names);
    (void)nearest_name("short", names);
    name[63] = 0; /* the longest that is compared */
    word[62] = 0;
    ck_assert_ptr_eq(nearest_name(word, names), name);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        sizes_have_suffixes,        fractions_are_exact,     zeros_in_front_are_no_octal,
        what_is_no_size_is_refused, overflow_is_refused,     numbers_are_whole_and_bounded,
        near_names_are_found,       long_names_are_harmless,
    };
    return run_suite("size", tests, ARRAY_COUNT(tests));
}
