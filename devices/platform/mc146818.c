/* SPDX-License-Identifier: MIT */
/* MC146818 real-time clock and CMOS RAM. Motorola MC146818A data sheet. */
#include "devices/platform/mc146818.h"

#include <stdlib.h>
#include "devices/platform/ports.h"
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

enum reg {
    SECONDS = 0x00,
    SECONDS_ALARM = 0x01,
    MINUTES = 0x02,
    MINUTES_ALARM = 0x03,
    HOURS = 0x04,
    HOURS_ALARM = 0x05,
    DAY_OF_WEEK = 0x06, /* 1 is Sunday */
    DAY = 0x07,
    MONTH = 0x08,
    YEAR = 0x09,
    REG_A = 0x0a,
    REG_B = 0x0b,
    REG_C = 0x0c,
    REG_D = 0x0d,
    RAM = 0x0e,
};

enum { A_RATE = 0x0f, A_DIVIDER = 0x70, A_DIVIDER_32KHZ = 0x20, A_DIVIDER_RESET = 0x60, A_UIP = 0x80 };
enum {
    B_24H = 0x02,
    B_BINARY = 0x04,
    B_SQWE = 0x08,
    B_UIE = 0x10,
    B_AIE = 0x20,
    B_PIE = 0x40,
    B_SET = 0x80,
};
enum { C_UF = 0x10, C_AF = 0x20, C_PF = 0x40, C_IRQF = 0x80 };
enum { D_VALID = 0x80 };
enum { HOURS_PM = 0x80, ALARM_ANY = 0xc0 };
enum { INDEX_MASK = 0x7f, INDEX_NMI = 0x80 };

#define UPDATE_WARNING  (244 * VTIME_US)
#define UPDATE_LENGTH   (1984 * VTIME_US)
#define CRYSTAL_HZ      INT64_C(32768)
#define AFTER_DIVIDER   (VTIME_S / 2) /* first update after the divider reset is taken away */
#define RATE_AT_1024_HZ 6

struct mc146818_state {
    uint8_t index;
    uint8_t cmos[CMOS_SIZE];
    int64_t divider_start; /* virtual time at which the divider chain was 0 */
    int64_t periodic_seen; /* periods that had passed when PF was last cleared */
};

struct mc146818 {
    struct device device;
    struct mc146818_state state;
    struct clock *clock;
    struct irq_line irq;
    struct region *region;
    struct clock_event update_event, periodic_event;
};

static const struct state_field rtc_fields[] = {
    STATE_FIELD(struct mc146818_state, index),
    STATE_FIELD(struct mc146818_state, cmos),
    STATE_FIELD(struct mc146818_state, divider_start),
    STATE_FIELD(struct mc146818_state, periodic_seen),
    STATE_END,
};
static const struct state_table rtc_table = {"mc146818", 1, sizeof(struct mc146818_state), rtc_fields};

TRACE_EVENT(trace_write, "rtc.write", "index:x value:x");
TRACE_EVENT(trace_interrupt, "rtc.interrupt", "flags:x");

/* Data modes. */

static unsigned rtc_decode(const struct mc146818 *rtc, uint8_t value)
{
    return rtc->state.cmos[REG_B] & B_BINARY ? value : (value >> 4) * 10u + (value & 15);
}

static uint8_t rtc_encode(const struct mc146818 *rtc, unsigned n)
{
    return rtc->state.cmos[REG_B] & B_BINARY ? (uint8_t)n : (uint8_t)(n / 10 % 10 << 4 | n % 10);
}

static unsigned rtc_get(const struct mc146818 *rtc, enum reg reg)
{
    return rtc_decode(rtc, rtc->state.cmos[reg]);
}

static void rtc_set(struct mc146818 *rtc, enum reg reg, unsigned n)
{
    rtc->state.cmos[reg] = rtc_encode(rtc, n);
}

/* Hours 0 to 23. In 12-hour mode noon and midnight are 12, with and without the PM bit. */
static unsigned rtc_get_hours(const struct mc146818 *rtc)
{
    uint8_t value = rtc->state.cmos[HOURS];
    if (rtc->state.cmos[REG_B] & B_24H) return rtc_decode(rtc, value);
    return rtc_decode(rtc, value & ~HOURS_PM) % 12 + (value & HOURS_PM ? 12 : 0);
}

static void rtc_set_hours(struct mc146818 *rtc, unsigned hours)
{
    if (rtc->state.cmos[REG_B] & B_24H) {
        rtc_set(rtc, HOURS, hours);
    } else {
        uint8_t pm = hours >= 12 ? HOURS_PM : 0;
        rtc->state.cmos[HOURS] = rtc_encode(rtc, hours % 12 ? hours % 12 : 12) | pm;
    }
}

/* Calendar. The chip knows leap years by the last two digits only. */

static unsigned month_days(unsigned month, unsigned year)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month == 2 && year % 4 == 0) return 29;
    return month >= 1 && month <= 12 ? days[month - 1] : 31;
}

/* Adds one; past `last` it starts again at `first`, which is a carry. */
static bool rtc_step(struct mc146818 *rtc, enum reg reg, unsigned first, unsigned last)
{
    unsigned n = rtc_get(rtc, reg);
    rtc_set(rtc, reg, n >= last ? first : n + 1);
    return n >= last;
}

static void rtc_step_day(struct mc146818 *rtc)
{
    rtc_step(rtc, DAY_OF_WEEK, 1, 7);
    if (!rtc_step(rtc, DAY, 1, month_days(rtc_get(rtc, MONTH), rtc_get(rtc, YEAR)))) return;
    if (!rtc_step(rtc, MONTH, 1, 12)) return;
    if (rtc_step(rtc, YEAR, 0, 99)) rtc_step(rtc, (enum reg)CMOS_CENTURY, 0, 99);
}

static void rtc_step_second(struct mc146818 *rtc)
{
    if (!rtc_step(rtc, SECONDS, 0, 59)) return;
    if (!rtc_step(rtc, MINUTES, 0, 59)) return;
    unsigned hours = rtc_get_hours(rtc);
    rtc_set_hours(rtc, hours >= 23 ? 0 : hours + 1);
    if (hours >= 23) rtc_step_day(rtc);
}

/* Proleptic Gregorian calendar from a count of days, in the cycle of 400 years that starts on 1 March. */
static void rtc_set_date(struct mc146818 *rtc, int64_t seconds)
{
    enum { DAYS_TO_1970 = 719468, DAYS_400 = 146097, DAYS_100 = 36524, DAYS_4 = 1461 };
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    unsigned second = (unsigned)(seconds - days * 86400);
    int64_t shifted = days + DAYS_TO_1970;
    int64_t era = (shifted < 0 ? shifted - DAYS_400 + 1 : shifted) / DAYS_400;
    unsigned of_era = (unsigned)(shifted - era * DAYS_400);
    unsigned year = (of_era - of_era / (DAYS_4 - 1) + of_era / DAYS_100 - of_era / (DAYS_400 - 1)) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned march_month = (5 * of_year + 2) / 153;
    unsigned month = march_month < 10 ? march_month + 3 : march_month - 9;
    unsigned full_year = (unsigned)(year + era * 400 + (month <= 2));

    rtc_set(rtc, SECONDS, second % 60);
    rtc_set(rtc, MINUTES, second / 60 % 60);
    rtc_set_hours(rtc, second / 3600);
    rtc_set(rtc, DAY_OF_WEEK, (unsigned)(((days % 7 + 7) + 4) % 7 + 1)); /* 1970-01-01 was a Thursday */
    rtc_set(rtc, DAY, of_year - (153 * march_month + 2) / 5 + 1);
    rtc_set(rtc, MONTH, month);
    rtc_set(rtc, YEAR, full_year % 100);
    rtc_set(rtc, (enum reg)CMOS_CENTURY, full_year / 100);
}

/* The divider chain. */

static bool rtc_running(const struct mc146818 *rtc)
{
    return (rtc->state.cmos[REG_A] & A_DIVIDER) == A_DIVIDER_32KHZ;
}

static vtime rtc_age(const struct mc146818 *rtc)
{
    return clock_now(rtc->clock) - rtc->state.divider_start;
}

/* Crystal pulses in one period of the periodic interrupt; rates 1 and 2 are those of 8 and 9 (table 5). 0: none. */
static int64_t rtc_period(const struct mc146818 *rtc)
{
    unsigned rate = rtc->state.cmos[REG_A] & A_RATE;
    if (!rate || !rtc_running(rtc)) return 0;
    return INT64_C(1) << (rate <= 2 ? rate + 6 : rate - 1);
}

/* Whole periods since the divider started; seconds are split off so that products stay within 64 bits. */
static int64_t rtc_periods_passed(const struct mc146818 *rtc, int64_t period)
{
    vtime age = rtc_age(rtc);
    int64_t pulses = age / VTIME_S * CRYSTAL_HZ + age % VTIME_S * CRYSTAL_HZ / VTIME_S;
    return pulses / period;
}

static vtime rtc_period_start(const struct mc146818 *rtc, int64_t period, int64_t n)
{
    int64_t pulses = period * n;
    return rtc->state.divider_start + pulses / CRYSTAL_HZ * VTIME_S +
           (pulses % CRYSTAL_HZ * VTIME_S + CRYSTAL_HZ - 1) / CRYSTAL_HZ;
}

static void rtc_schedule_update(struct mc146818 *rtc)
{
    if (rtc_running(rtc))
        clock_event_at(&rtc->update_event, rtc->state.divider_start + (rtc_age(rtc) / VTIME_S + 1) * VTIME_S);
    else
        clock_event_cancel(&rtc->update_event);
}

/* Interrupts (register C: a flag is set by its event, enabled or not, and all are cleared by reading). */

static void rtc_update_irq(struct mc146818 *rtc)
{
    uint8_t *c = &rtc->state.cmos[REG_C];
    bool raised = *c & rtc->state.cmos[REG_B] & (C_UF | C_AF | C_PF);
    if (raised && !(*c & C_IRQF) && trace_on(&trace_interrupt))
        trace_emit(&trace_interrupt, rtc->clock, (uint64_t)*c);
    *c = raised ? *c | C_IRQF : *c & ~C_IRQF;
    irq_set(&rtc->irq, raised);
}

/* PF needs no event while nobody is interrupted by it: it is worked out when somebody looks. */
static void rtc_sync_periodic(struct mc146818 *rtc)
{
    int64_t period = rtc_period(rtc);
    if (!period) return;
    if (rtc_periods_passed(rtc, period) > rtc->state.periodic_seen) rtc->state.cmos[REG_C] |= C_PF;
}

/* An event is pending only while PF is clear and would interrupt. */
static void rtc_schedule_periodic(struct mc146818 *rtc)
{
    int64_t period = rtc_period(rtc);
    bool wanted = period && rtc->state.cmos[REG_B] & B_PIE && !(rtc->state.cmos[REG_C] & C_PF);
    if (wanted)
        clock_event_at(&rtc->periodic_event, rtc_period_start(rtc, period, rtc->state.periodic_seen + 1));
    else
        clock_event_cancel(&rtc->periodic_event);
}

/* The rate or the divider changed: periods are counted afresh. */
static void rtc_restart_periodic(struct mc146818 *rtc)
{
    int64_t period = rtc_period(rtc);
    rtc->state.periodic_seen = period ? rtc_periods_passed(rtc, period) : 0;
    rtc_schedule_periodic(rtc);
}

static void rtc_periodic_event(void *owner)
{
    struct mc146818 *rtc = owner;
    rtc_sync_periodic(rtc);
    rtc_update_irq(rtc);
    rtc_schedule_periodic(rtc);
}

/* Alarm bytes with both top bits set match anything. */
static bool rtc_alarm_matches(const struct mc146818 *rtc, enum reg alarm, enum reg time)
{
    uint8_t value = rtc->state.cmos[alarm];
    return (value & ALARM_ANY) == ALARM_ANY || value == rtc->state.cmos[time];
}

static void rtc_update_event(void *owner)
{
    struct mc146818 *rtc = owner;
    if (!(rtc->state.cmos[REG_B] & B_SET)) {
        rtc_step_second(rtc);
        rtc->state.cmos[REG_C] |= C_UF;
        if (rtc_alarm_matches(rtc, SECONDS_ALARM, SECONDS) &&
            rtc_alarm_matches(rtc, MINUTES_ALARM, MINUTES) && rtc_alarm_matches(rtc, HOURS_ALARM, HOURS))
            rtc->state.cmos[REG_C] |= C_AF;
        rtc_update_irq(rtc);
    }
    rtc_schedule_update(rtc);
}

/* Registers. */

static bool rtc_update_in_progress(const struct mc146818 *rtc)
{
    if (!rtc_running(rtc) || rtc->state.cmos[REG_B] & B_SET) return false;
    return rtc_age(rtc) % VTIME_S >= VTIME_S - UPDATE_WARNING - UPDATE_LENGTH;
}

static void rtc_write_a(struct mc146818 *rtc, uint8_t value)
{
    bool was_running = rtc_running(rtc);
    rtc_sync_periodic(rtc);
    rtc_update_irq(rtc);
    rtc->state.cmos[REG_A] = value & ~A_UIP;
    if (rtc_running(rtc) && !was_running)
        rtc->state.divider_start = clock_now(rtc->clock) - (VTIME_S - AFTER_DIVIDER);
    if (rtc_running(rtc) != was_running) rtc_schedule_update(rtc);
    if (!rtc_running(rtc) && (value & A_DIVIDER_RESET) != A_DIVIDER_RESET)
        lint(rtc->device.name, "MC146818A, table 3",
             "register A %02x: divider is not for a 32.768 kHz crystal", value);
    rtc_restart_periodic(rtc);
}

/* SET going high stops updates and clears UIE. */
static void rtc_write_b(struct mc146818 *rtc, uint8_t value)
{
    if (value & ~rtc->state.cmos[REG_B] & B_SET) value &= ~B_UIE;
    rtc->state.cmos[REG_B] = value;
    rtc_sync_periodic(rtc);
    rtc_update_irq(rtc);
    rtc_schedule_periodic(rtc);
}

static uint8_t rtc_read_c(struct mc146818 *rtc)
{
    rtc_sync_periodic(rtc);
    rtc_update_irq(rtc);
    uint8_t value = rtc->state.cmos[REG_C];
    rtc->state.cmos[REG_C] = 0;
    rtc_update_irq(rtc);
    rtc_restart_periodic(rtc);
    return value;
}

static void rtc_write_data(struct mc146818 *rtc, uint8_t value)
{
    uint8_t index = rtc->state.index & INDEX_MASK;
    if (trace_on(&trace_write)) trace_emit(&trace_write, rtc->clock, (uint64_t)index, (uint64_t)value);
    switch (index) {
    case REG_A: rtc_write_a(rtc, value); break;
    case REG_B: rtc_write_b(rtc, value); break;
    case REG_C:
    case REG_D: lint(rtc->device.name, "MC146818A, Registers", "register %02x is read-only", index); break;
    default:
        if (index <= YEAR && !(index & 1 && index < DAY_OF_WEEK) && rtc_update_in_progress(rtc))
            lint(rtc->device.name, "MC146818A, Update cycle", "time byte %02x written while UIP is set",
                 index);
        rtc->state.cmos[index] = value;
    }
}

static uint8_t rtc_read_data(struct mc146818 *rtc)
{
    uint8_t index = rtc->state.index & INDEX_MASK;
    switch (index) {
    case REG_A: return rtc->state.cmos[REG_A] | (rtc_update_in_progress(rtc) ? A_UIP : 0);
    case REG_C: return rtc_read_c(rtc);
    case REG_D: return D_VALID;
    default: return rtc->state.cmos[index];
    }
}

static enum mem_result rtc_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)size;
    struct mc146818 *rtc = owner;
    if (at.offset == 0)
        rtc->state.index = (uint8_t)value;
    else
        rtc_write_data(rtc, (uint8_t)value);
    return MEM_OK;
}

static enum mem_result rtc_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)size;
    *value = at.offset == 0 ? 0xff : rtc_read_data(owner); /* the index is write-only (PIIX3 4.7.1) */
    return MEM_OK;
}

static const struct mmio_ops rtc_ops = {rtc_read, rtc_write, 1, 1, false};

/* For the board. */

bool mc146818_nmi_masked(const struct mc146818 *rtc)
{
    return rtc->state.index & INDEX_NMI;
}

void mc146818_set_cmos(struct mc146818 *rtc, uint8_t index, uint8_t value)
{
    if (index >= RAM && index < CMOS_SIZE) rtc->state.cmos[index] = value;
}

uint8_t mc146818_get_cmos(const struct mc146818 *rtc, uint8_t index)
{
    return rtc->state.cmos[index & INDEX_MASK];
}

static void cmos_set_bytes(struct mc146818 *rtc, uint8_t index, uint32_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) mc146818_set_cmos(rtc, index + i, (uint8_t)(value >> (8 * i)));
}

/* Memory from `start` on, in units, cut to what the field can hold. */
static uint32_t cmos_amount(uint64_t bytes, uint64_t start, uint32_t unit, uint32_t most)
{
    uint64_t amount = bytes > start ? (bytes - start) / unit : 0;
    return amount < most ? (uint32_t)amount : most;
}

static void cmos_describe_memory(struct mc146818 *rtc, const struct cmos_machine *machine)
{
    const uint32_t kib = 1024, mib = 1024 * 1024;
    uint32_t extended = cmos_amount(machine->ram_below_4g, mib, kib, 0xffff);
    cmos_set_bytes(rtc, CMOS_BASE_KB, cmos_amount(machine->ram_below_4g, 0, kib, 640), 2);
    cmos_set_bytes(rtc, CMOS_EXTENDED_KB, extended, 2);
    cmos_set_bytes(rtc, CMOS_EXTENDED_KB_COPY, extended, 2);
    cmos_set_bytes(rtc, CMOS_ABOVE_16M, cmos_amount(machine->ram_below_4g, 16 * mib, 64 * kib, 0xffff), 2);
    cmos_set_bytes(rtc, CMOS_ABOVE_4G, cmos_amount(machine->ram_above_4g, 0, 64 * kib, 0xffffff), 3);
}

/* Type 47 in its place, and the geometry that belongs to it: nine bytes for each of the first two disks. */
static void cmos_describe_disk(struct mc146818 *rtc, int n, const struct cmos_disk *disk)
{
    uint8_t at = CMOS_DISK0_GEOMETRY + 9 * n;
    mc146818_set_cmos(rtc, CMOS_DISK0_TYPE + n, disk->cylinders ? 47 : 0);
    if (!disk->cylinders) return;
    uint32_t cylinders = disk->cylinders < 0xffff ? disk->cylinders : 0xffff;
    cmos_set_bytes(rtc, at, cylinders, 2);
    mc146818_set_cmos(rtc, at + 2, disk->heads);
    cmos_set_bytes(rtc, at + 3, 0xffff, 2); /* no write precompensation */
    mc146818_set_cmos(rtc, at + 5, 0xc0 | (disk->heads > 8 ? 8 : 0));
    cmos_set_bytes(rtc, at + 6, cylinders, 2); /* landing zone */
    mc146818_set_cmos(rtc, at + 8, disk->sectors);
}

static void cmos_describe_disks(struct mc146818 *rtc, const struct cmos_machine *machine)
{
    uint8_t translation = 0;
    for (int i = 0; i < 4; i++) {
        enum { TRANSLATE_NONE, TRANSLATE_LBA };
        uint8_t way = machine->disk[i].cylinders > 1024 ? TRANSLATE_LBA : TRANSLATE_NONE;
        translation |= way << (2 * i);
    }
    mc146818_set_cmos(rtc, CMOS_TRANSLATION, translation);
    mc146818_set_cmos(rtc, CMOS_DISKS,
                      (machine->disk[0].cylinders ? 0xf0 : 0) | (machine->disk[1].cylinders ? 0x0f : 0));
    cmos_describe_disk(rtc, 0, &machine->disk[0]);
    cmos_describe_disk(rtc, 1, &machine->disk[1]);
}

static void cmos_describe_floppies(struct mc146818 *rtc, const struct cmos_machine *machine)
{
    enum { EQUIPMENT_FLOPPY = 0x01, EQUIPMENT_FPU = 0x02, EQUIPMENT_TWO_FLOPPIES = 0x40 };
    uint8_t first = machine->floppy_type[0], second = machine->floppy_type[1];
    uint8_t floppies = first && second   ? EQUIPMENT_FLOPPY | EQUIPMENT_TWO_FLOPPIES
                       : first || second ? EQUIPMENT_FLOPPY
                                         : 0;
    mc146818_set_cmos(rtc, CMOS_FLOPPIES, first << 4 | second);
    mc146818_set_cmos(rtc, CMOS_EQUIPMENT, EQUIPMENT_FPU | floppies);
}

void mc146818_describe_machine(struct mc146818 *rtc, const struct cmos_machine *machine)
{
    cmos_describe_memory(rtc, machine);
    cmos_describe_disks(rtc, machine);
    cmos_describe_floppies(rtc, machine);
    mc146818_set_cmos(rtc, CMOS_BOOT_12, machine->boot[1] << 4 | machine->boot[0]);
    mc146818_set_cmos(rtc, CMOS_BOOT_3, machine->boot[2] << 4 | machine->any_boot_floppy);

    unsigned sum = 0;
    for (int i = CMOS_FLOPPIES; i < CMOS_CHECKSUM; i++) sum += rtc->state.cmos[i];
    mc146818_set_cmos(rtc, CMOS_CHECKSUM, sum >> 8);
    mc146818_set_cmos(rtc, CMOS_CHECKSUM + 1, sum & 0xff);
}

/* Reset and creation. */

/* The RESET pin clears interrupt enables and flags, nothing else. */
static void rtc_reset(struct device *device)
{
    struct mc146818 *rtc = list_entry(device, struct mc146818, device);
    rtc->state.index = 0;
    rtc->state.cmos[REG_B] &= ~(B_PIE | B_AIE | B_UIE | B_SQWE);
    rtc->state.cmos[REG_C] = 0;
    rtc_restart_periodic(rtc);
    rtc_update_irq(rtc);
}

static void rtc_loaded(struct device *device)
{
    struct mc146818 *rtc = list_entry(device, struct mc146818, device);
    rtc_schedule_update(rtc);
    rtc_schedule_periodic(rtc);
    rtc_update_irq(rtc);
}

static void rtc_destroy(struct device *device)
{
    struct mc146818 *rtc = list_entry(device, struct mc146818, device);
    clock_event_destroy(&rtc->update_event);
    clock_event_destroy(&rtc->periodic_event);
    ports_remove(rtc->region);
    free(rtc);
}

static const struct device_ops rtc_device_ops = {"mc146818", &rtc_table, rtc_reset, rtc_loaded, rtc_destroy};

struct mc146818 *mc146818_new(struct region *io, struct device_list *devices, struct clock *clock,
                              struct irq_line irq8, int64_t seconds)
{
    struct mc146818 *rtc = calloc(1, sizeof(*rtc));
    if (!rtc) return NULL;
    rtc->clock = clock;
    rtc->irq = irq8;
    clock_event_init(&rtc->update_event, clock, "rtc.update", rtc_update_event, rtc);
    clock_event_init(&rtc->periodic_event, clock, "rtc.periodic", rtc_periodic_event, rtc);
    rtc->region = ports_add(io, 0x70, 2, "mc146818", &rtc_ops, rtc);
    device_add(devices, &rtc->device, &rtc_device_ops, "rtc", &rtc->state);
    rtc->state.divider_start = clock_now(clock);
    rtc->state.cmos[REG_A] = A_DIVIDER_32KHZ | RATE_AT_1024_HZ;
    rtc->state.cmos[REG_B] = B_24H;
    rtc_set_date(rtc, seconds);
    rtc_schedule_update(rtc);
    rtc_reset(&rtc->device);
    return rtc;
}
