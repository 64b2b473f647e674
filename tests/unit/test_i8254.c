/* SPDX-License-Identifier: MIT */
/* Interval timer and port 61h, in virtual time. Rules are those of the 82C54 data sheet. */
#include "devices/platform/i8254.h"
#include "devices/platform/port61.h"
#include "tests/unit/platform_helper.h"

static struct bench bench;
static struct wire irq0;
static struct i8254 *pit;

static void setup(void)
{
    bench_init(&bench);
    pit = i8254_new(bench.io, &bench.devices, &bench.clock, wire_line(&irq0, &bench.clock));
    port61_new(bench.io, &bench.devices, &bench.clock, pit);
}

static void teardown(void)
{
    bench_free(&bench);
}

static int64_t now_ticks(void)
{
    return i8254_ticks_at(clock_now(&bench.clock));
}

/* Goes to the start of the n-th pulse from here. */
static void ticks(int64_t n)
{
    bench_run_until(&bench, i8254_time_of(now_ticks() + n));
}

static void program(unsigned counter, unsigned mode, uint16_t count)
{
    outb(&bench, 0x43, counter << 6 | 0x30 | mode << 1);
    outb(&bench, 0x40 + counter, count & 0xff);
    outb(&bench, 0x40 + counter, count >> 8);
}

static uint16_t read_word(unsigned counter)
{
    uint8_t low = inb(&bench, 0x40 + counter);
    return low | inb(&bench, 0x40 + counter) << 8;
}

static uint16_t latch_word(unsigned counter)
{
    outb(&bench, 0x43, counter << 6);
    return read_word(counter);
}

static uint8_t status(unsigned counter)
{
    outb(&bench, 0x43, 0xe0 | 2 << counter);
    return inb(&bench, 0x40 + counter);
}

START_TEST(ticks_and_time_agree_for_years)
{
    ck_assert_int_eq(i8254_ticks_at(VTIME_S), I8254_HZ);
    for (int64_t n = 1; n < INT64_C(1000000000000000); n = n * 3 + 1) {
        vtime t = i8254_time_of(n);
        ck_assert_int_eq(i8254_ticks_at(t), n);
        ck_assert_int_eq(i8254_ticks_at(t - 1), n - 1);
    }
}
END_TEST

START_TEST(mode0_goes_high_n_plus_1_pulses_after_the_write)
{
    program(0, 0, 5);
    unsigned rises = irq0.rises;
    ck_assert(!irq0.level);
    ticks(5);
    ck_assert(!irq0.level);
    ticks(1);
    ck_assert(irq0.level);
    ck_assert_uint_eq(irq0.rises, rises + 1);
    ck_assert_uint_eq(latch_word(0), 0);
    ticks(2);
    ck_assert_uint_eq(latch_word(0), 0xfffe); /* goes on counting */
    ticks(70000);
    ck_assert_uint_eq(irq0.rises, rises + 1); /* but interrupts once */
}
END_TEST

START_TEST(mode0_first_byte_stops_and_second_starts)
{
    program(0, 0, 100);
    ticks(50);
    outb(&bench, 0x40, 10);
    ticks(1000);
    ck_assert(!irq0.level);
    outb(&bench, 0x40, 0);
    ticks(10);
    ck_assert(!irq0.level);
    ticks(1);
    ck_assert(irq0.level);
}
END_TEST

START_TEST(mode0_gate_suspends)
{
    outb(&bench, 0x61, 1);
    program(2, 0, 100);
    ticks(41);
    outb(&bench, 0x61, 0);
    ck_assert_uint_eq(latch_word(2), 60);
    ticks(1000);
    ck_assert_uint_eq(latch_word(2), 60);
    outb(&bench, 0x61, 1);
    ticks(59);
    ck_assert(!(inb(&bench, 0x61) & 0x20));
    ticks(1);
    ck_assert(inb(&bench, 0x61) & 0x20);
}
END_TEST

START_TEST(mode0_largest_count_survives_a_gate_pulse)
{
    outb(&bench, 0x61, 1);
    program(2, 0, 0);
    ticks(1);
    outb(&bench, 0x61, 0);
    outb(&bench, 0x61, 1);
    ck_assert(!i8254_out(pit, 2));
    ticks(65535);
    ck_assert(!i8254_out(pit, 2));
    ticks(1);
    ck_assert(i8254_out(pit, 2));
}
END_TEST

START_TEST(mode1_one_shot_is_retriggerable)
{
    program(2, 1, 10);
    ck_assert(i8254_out(pit, 2));
    ticks(50);
    ck_assert(i8254_out(pit, 2));
    outb(&bench, 0x61, 1);
    ticks(1);
    ck_assert(!i8254_out(pit, 2));
    ticks(5);
    outb(&bench, 0x61, 0); /* a falling gate does nothing */
    outb(&bench, 0x61, 1);
    ticks(10);
    ck_assert(!i8254_out(pit, 2));
    ticks(1);
    ck_assert(i8254_out(pit, 2));
}
END_TEST

START_TEST(mode2_is_low_for_one_pulse_per_period)
{
    program(0, 2, 10);
    ck_assert(irq0.level);
    ck_assert_uint_eq(irq0.rises, 1); /* OUT was high when idle, and no edge came from programming */
    ticks(9);
    ck_assert(irq0.level);
    ck_assert_uint_eq(latch_word(0), 2);
    ticks(1);
    ck_assert(!irq0.level);
    ck_assert_uint_eq(latch_word(0), 1);
    ticks(1);
    ck_assert(irq0.level);
    ck_assert_uint_eq(latch_word(0), 10);
    ck_assert_uint_eq(irq0.rises, 2);
}
END_TEST

START_TEST(mode2_never_drifts)
{
    program(0, 2, 11932); /* 100 Hz, nearly */
    int64_t start = now_ticks() + 1;
    unsigned rises = irq0.rises;
    bench_run(&bench, 3600 * VTIME_S);
    ck_assert_uint_eq(irq0.rises - rises, (now_ticks() - start) / 11932);
    int64_t last = i8254_ticks_at(irq0.last_rise);
    ck_assert_int_eq((last - start) % 11932, 0);
    ck_assert_int_eq(irq0.last_rise, i8254_time_of(last));
}
END_TEST

START_TEST(mode2_new_count_waits_for_the_end_of_the_period)
{
    program(0, 2, 10);
    ticks(4);
    outb(&bench, 0x40, 20), outb(&bench, 0x40, 0);
    ck_assert_uint_eq(status(0) & 0x40, 0x40); /* null count */
    ticks(6);
    ck_assert(!irq0.level);
    ticks(1);
    ck_assert_uint_eq(status(0) & 0x40, 0);
    ck_assert_uint_eq(latch_word(0), 20);
    ticks(19);
    ck_assert(!irq0.level);
}
END_TEST

START_TEST(mode2_gate_forces_out_high_and_reloads)
{
    outb(&bench, 0x61, 1);
    program(2, 2, 10);
    ticks(10);
    ck_assert(!i8254_out(pit, 2));
    outb(&bench, 0x61, 0);
    ck_assert(i8254_out(pit, 2));
    ticks(100);
    ck_assert(i8254_out(pit, 2));
    outb(&bench, 0x61, 1);
    ticks(1);
    ck_assert_uint_eq(latch_word(2), 10);
}
END_TEST

START_TEST(mode3_square_wave_even_and_odd)
{
    static const struct {
        unsigned n, high;
    } waves[] = {{8, 4}, {7, 4}, {2, 1}, {3, 2}};
    outb(&bench, 0x61, 1);
    for (size_t i = 0; i < sizeof(waves) / sizeof(waves[0]); i++) {
        program(2, 3, waves[i].n);
        ticks(1);
        for (unsigned t = 0; t < 5 * waves[i].n; t++) {
            ck_assert_int_eq(i8254_out(pit, 2), t % waves[i].n < waves[i].high);
            ticks(1);
        }
    }
}
END_TEST

START_TEST(mode3_counts_by_two)
{
    outb(&bench, 0x61, 1);
    program(2, 3, 8);
    ticks(1);
    static const uint16_t even[] = {8, 6, 4, 2, 8, 6, 4, 2, 8};
    for (size_t i = 0; i < 9; i++, ticks(1)) ck_assert_uint_eq(latch_word(2), even[i]);
    program(2, 3, 5);
    ticks(1);
    static const uint16_t odd[] = {4, 2, 0, 4, 2, 4, 2, 0};
    for (size_t i = 0; i < 8; i++, ticks(1)) ck_assert_uint_eq(latch_word(2), odd[i]);
}
END_TEST

START_TEST(mode3_new_count_from_the_next_half)
{
    outb(&bench, 0x61, 1);
    program(2, 3, 10);
    ticks(1 + 2); /* in the high half */
    outb(&bench, 0x42, 20), outb(&bench, 0x42, 0);
    ticks(3);
    for (int i = 0; i < 10; i++, ticks(1)) ck_assert(!i8254_out(pit, 2));
    for (int i = 0; i < 10; i++, ticks(1)) ck_assert(i8254_out(pit, 2));
    ck_assert(!i8254_out(pit, 2));
}
END_TEST

START_TEST(mode4_strobes_once)
{
    program(0, 4, 5);
    ck_assert(irq0.level);
    ticks(5);
    ck_assert(irq0.level);
    ticks(1);
    ck_assert(!irq0.level);
    unsigned rises = irq0.rises;
    ticks(1);
    ck_assert(irq0.level);
    ck_assert_uint_eq(irq0.rises, rises + 1);
    ticks(200000);
    ck_assert_uint_eq(irq0.rises, rises + 1);
    outb(&bench, 0x40, 3), outb(&bench, 0x40, 0); /* a new count is loaded at the next pulse */
    ticks(5);
    ck_assert_uint_eq(irq0.rises, rises + 2);
}
END_TEST

START_TEST(mode5_strobes_after_its_trigger)
{
    program(2, 5, 5);
    ticks(100);
    ck_assert(i8254_out(pit, 2));
    outb(&bench, 0x61, 1);
    ticks(5);
    ck_assert(i8254_out(pit, 2));
    ticks(1);
    ck_assert(!i8254_out(pit, 2));
    ticks(1);
    ck_assert(i8254_out(pit, 2));
}
END_TEST

START_TEST(modes_6_and_7_are_2_and_3)
{
    outb(&bench, 0x43, 0x3c);
    ck_assert_uint_eq(status(0) & 0x0e, 2 << 1);
    outb(&bench, 0x43, 0x3e);
    ck_assert_uint_eq(status(0) & 0x0e, 3 << 1);
}
END_TEST

START_TEST(count_of_zero_is_the_largest)
{
    program(0, 2, 0);
    unsigned rises = irq0.rises;
    ticks(65536);
    ck_assert_uint_eq(irq0.rises, rises);
    ticks(1);
    ck_assert_uint_eq(irq0.rises, rises + 1);
    outb(&bench, 0x43, 0x35); /* BCD: 10000 */
    outb(&bench, 0x40, 0), outb(&bench, 0x40, 0);
    ticks(1);
    rises = irq0.rises;
    ticks(9999);
    ck_assert_uint_eq(irq0.rises, rises);
    ticks(1);
    ck_assert_uint_eq(irq0.rises, rises + 1);
}
END_TEST

START_TEST(bcd_counts_in_decimal)
{
    outb(&bench, 0x61, 1);
    outb(&bench, 0x43, 0xb1);
    outb(&bench, 0x42, 0x34), outb(&bench, 0x42, 0x12);
    ticks(1 + 35);
    ck_assert_uint_eq(latch_word(2), 0x1199);
    ticks(1200);
    ck_assert_uint_eq(latch_word(2), 0x9999);
}
END_TEST

START_TEST(latch_holds_until_read)
{
    program(0, 2, 1000);
    ticks(11);
    outb(&bench, 0x43, 0x00);
    ticks(100);
    outb(&bench, 0x43, 0x00); /* ignored: the first has not been read */
    ck_assert_uint_eq(read_word(0), 990);
    ck_assert_uint_eq(latch_word(0), 890);
}
END_TEST

START_TEST(read_back_latches_status_and_count_of_many)
{
    program(0, 2, 1000);
    program(1, 3, 18);
    ticks(101);
    outb(&bench, 0x43, 0xc6); /* status and count of 0 and 1 */
    ticks(7);
    ck_assert_uint_eq(inb(&bench, 0x40), 0xb4); /* OUT high, loaded, word, mode 2 */
    ck_assert_uint_eq(read_word(0), 900);
    ck_assert_uint_eq(inb(&bench, 0x41) & 0x7f, 0x36);
    ck_assert_uint_eq(read_word(1), 18 - 2 * (100 % 18 % 9));
}
END_TEST

START_TEST(single_byte_access)
{
    outb(&bench, 0x43, 0x14); /* LSB only: the MSB is 0 */
    outb(&bench, 0x40, 50);
    ticks(1);
    ck_assert_uint_eq(inb(&bench, 0x40), 50);
    outb(&bench, 0x43, 0x24); /* MSB only */
    outb(&bench, 0x40, 0x10);
    ticks(1);
    ck_assert_uint_eq(inb(&bench, 0x40), 0x10);
    ticks(1);
    ck_assert_uint_eq(inb(&bench, 0x40), 0x0f);
}
END_TEST

START_TEST(reads_and_writes_interleave)
{
    program(0, 2, 1000);
    ticks(1);
    outb(&bench, 0x40, 0x00);
    ck_assert_uint_eq(inb(&bench, 0x40), 1000 & 0xff); /* reading has a flip-flop of its own */
    outb(&bench, 0x40, 0x02);
    ck_assert_uint_eq(inb(&bench, 0x40), 1000 >> 8);
    ticks(1000);
    ck_assert_uint_eq(latch_word(0), 0x200);
}
END_TEST

START_TEST(control_word_sets_out_at_once)
{
    program(0, 0, 5);
    ck_assert(!irq0.level);
    outb(&bench, 0x43, 0x34);
    ck_assert(irq0.level);
    outb(&bench, 0x43, 0x30);
    ck_assert(!irq0.level);
    ticks(100000);
    ck_assert(!irq0.level); /* nothing counts before a count is written */
}
END_TEST

START_TEST(late_events_lose_no_edge)
{
    program(0, 2, 2); /* two changes in each 1.7 us, and the queue is served every 4 us */
    unsigned rises = irq0.rises;
    int64_t start = now_ticks() + 1;
    for (int i = 0; i < 1000; i++) {
        clock_jump(&bench.clock, clock_now(&bench.clock) + 4000);
        clock_fire_due(&bench.clock);
    }
    ck_assert_uint_eq(irq0.rises - rises, (now_ticks() - start) / 2);
}
END_TEST

START_TEST(port61_reads_back)
{
    outb(&bench, 0x61, 0xff);
    ck_assert_uint_eq(inb(&bench, 0x61) & 0xcf, 0x0f);
    outb(&bench, 0x61, 0);
    unsigned toggles = 0;
    uint8_t last = inb(&bench, 0x61) & 0x10;
    for (int i = 0; i < 1000; i++) { /* 1 ms: a toggle each 15 us */
        bench_run(&bench, VTIME_US);
        uint8_t bit = inb(&bench, 0x61) & 0x10;
        toggles += bit != last;
        last = bit;
    }
    ck_assert_uint_ge(toggles, 65);
    ck_assert_uint_le(toggles, 67);
}
END_TEST

START_TEST(saved_state_continues)
{
    program(0, 2, 100);
    ticks(31);
    struct device *device = device_find(&bench.devices, "pit");
    struct state_buffer buffer = {0};
    state_save(device->ops->state, device->state, &buffer);
    program(0, 0, 9);
    ck_assert(!irq0.level);
    ck_assert(state_load(device->ops->state, device->state, &buffer, NULL));
    device->ops->loaded(device);
    ck_assert(irq0.level);
    ck_assert_uint_eq(latch_word(0), 70);
    ticks(69);
    ck_assert(!irq0.level);
    state_buffer_free(&buffer);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("8254");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, ticks_and_time_agree_for_years);
    tcase_add_test(tests, mode0_goes_high_n_plus_1_pulses_after_the_write);
    tcase_add_test(tests, mode0_first_byte_stops_and_second_starts);
    tcase_add_test(tests, mode0_gate_suspends);
    tcase_add_test(tests, mode0_largest_count_survives_a_gate_pulse);
    tcase_add_test(tests, mode1_one_shot_is_retriggerable);
    tcase_add_test(tests, mode2_is_low_for_one_pulse_per_period);
    tcase_add_test(tests, mode2_never_drifts);
    tcase_add_test(tests, mode2_new_count_waits_for_the_end_of_the_period);
    tcase_add_test(tests, mode2_gate_forces_out_high_and_reloads);
    tcase_add_test(tests, mode3_square_wave_even_and_odd);
    tcase_add_test(tests, mode3_counts_by_two);
    tcase_add_test(tests, mode3_new_count_from_the_next_half);
    tcase_add_test(tests, mode4_strobes_once);
    tcase_add_test(tests, mode5_strobes_after_its_trigger);
    tcase_add_test(tests, modes_6_and_7_are_2_and_3);
    tcase_add_test(tests, count_of_zero_is_the_largest);
    tcase_add_test(tests, bcd_counts_in_decimal);
    tcase_add_test(tests, latch_holds_until_read);
    tcase_add_test(tests, read_back_latches_status_and_count_of_many);
    tcase_add_test(tests, single_byte_access);
    tcase_add_test(tests, reads_and_writes_interleave);
    tcase_add_test(tests, control_word_sets_out_at_once);
    tcase_add_test(tests, late_events_lose_no_edge);
    tcase_add_test(tests, port61_reads_back);
    tcase_add_test(tests, saved_state_continues);
    return bench_main("i8254", tests);
}
