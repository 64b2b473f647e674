/* SPDX-License-Identifier: MIT */
/* Two cascaded 8259A interrupt controllers with ELCR. Intel 8259A data sheet; Intel 82371SB (PIIX3), section 4.4. */
#include "devices/platform/i8259.h"

#include <stdlib.h>
#include "devices/platform/ports.h"
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"

enum { MASTER, SLAVE, CHIPS };
enum { CASCADE = 2, SPURIOUS = 7 };

enum { ICW1_IC4 = 0x01, ICW1_SNGL = 0x02, ICW1_INIT = 0x10 };
enum { ICW4_UPM = 0x01, ICW4_AEOI = 0x02, ICW4_SFNM = 0x10 };
enum { OCW2_LEVEL = 0x07, OCW3 = 0x08 };
enum { OCW3_RIS = 0x01, OCW3_RR = 0x02, OCW3_POLL = 0x04, OCW3_SMM = 0x20, OCW3_ESMM = 0x40 };
enum { POLL_REQUEST = 0x80 };

/* OCW2 bits 7:5. */
enum ocw2_command {
    OCW2_ROTATE_AEOI_CLEAR,
    OCW2_EOI,
    OCW2_NOTHING,
    OCW2_EOI_SPECIFIC,
    OCW2_ROTATE_AEOI_SET,
    OCW2_EOI_ROTATE,
    OCW2_SET_PRIORITY,
    OCW2_EOI_SPECIFIC_ROTATE,
};

/* What the next write to the odd port is. */
enum expected { EXPECT_OCW1, EXPECT_ICW2, EXPECT_ICW3, EXPECT_ICW4 };

/* System timer, keyboard, cascade, RTC and coprocessor stay edge-triggered (PIIX3 4.4.8). */
static const uint8_t elcr_writable[CHIPS] = {0xf8, 0xde};
static const uint8_t icw3_wired[CHIPS] = {1 << CASCADE, CASCADE};

struct i8259_chip {
    uint8_t inputs;
    uint8_t irr;
    uint8_t imr;
    uint8_t isr;
    uint8_t elcr;
    uint8_t vector_base;
    uint8_t lowest; /* input of the lowest priority; the one after it is the highest */
    uint8_t expected;
    bool initialised; /* all ICWs written since reset or ICW1 */
    bool needs_icw4;
    bool single;
    bool auto_eoi;
    bool special_nested;
    bool special_mask;
    bool rotate_on_aeoi;
    bool read_isr;
    bool poll;
};

struct i8259_state {
    struct i8259_chip chip[CHIPS];
};

struct i8259_pair {
    struct device device;
    struct i8259_state state;
    struct clock *clock;
    struct irq_line intr;
    struct region *regions[3];
};

static const struct state_field chip_fields[] = {
    STATE_FIELD(struct i8259_chip, inputs),
    STATE_FIELD(struct i8259_chip, irr),
    STATE_FIELD(struct i8259_chip, imr),
    STATE_FIELD(struct i8259_chip, isr),
    STATE_FIELD(struct i8259_chip, elcr),
    STATE_FIELD(struct i8259_chip, vector_base),
    STATE_FIELD(struct i8259_chip, lowest),
    STATE_FIELD(struct i8259_chip, expected),
    STATE_FIELD(struct i8259_chip, initialised),
    STATE_FIELD(struct i8259_chip, needs_icw4),
    STATE_FIELD(struct i8259_chip, single),
    STATE_FIELD(struct i8259_chip, auto_eoi),
    STATE_FIELD(struct i8259_chip, special_nested),
    STATE_FIELD(struct i8259_chip, special_mask),
    STATE_FIELD(struct i8259_chip, rotate_on_aeoi),
    STATE_FIELD(struct i8259_chip, read_isr),
    STATE_FIELD(struct i8259_chip, poll),
    STATE_END,
};
static const struct state_field pair_fields[] = {
    STATE_STRUCTS(struct i8259_state, chip, chip_fields),
    STATE_END,
};
static const struct state_table pair_table = {"i8259", 1, sizeof(struct i8259_state), pair_fields};

TRACE_EVENT(trace_input, "i8259.input", "irq:u level:u");
TRACE_EVENT(trace_write, "i8259.write", "chip:u register:s value:x");
TRACE_EVENT(trace_ack, "i8259.acknowledge", "irq:u vector:x spurious:u");
TRACE_EVENT(trace_eoi, "i8259.eoi", "irq:u");

/* Priorities. */

/* Place of the most urgent of the set inputs, 0 (highest) to 7; 8 when none is set. */
static unsigned chip_rank(const struct i8259_chip *chip, uint8_t inputs)
{
    unsigned rank = 0;
    while (rank < 8 && !(inputs & BIT((chip->lowest + 1 + rank) & 7))) rank++;
    return rank;
}

static unsigned chip_input_of_rank(const struct i8259_chip *chip, unsigned rank)
{
    return (chip->lowest + 1 + rank) & 7;
}

/* Rank that a request must be above to pass what is in service. Special mask mode takes masked inputs out of the
 * comparison; in special fully nested mode a slave in service lets its own further requests pass. */
static unsigned chip_limit(const struct i8259_chip *chip)
{
    uint8_t blocking = chip->special_mask ? chip->isr & ~chip->imr : chip->isr;
    unsigned limit = chip_rank(chip, blocking);
    bool slave_on_top = limit < 8 && chip_input_of_rank(chip, limit) == CASCADE;
    return chip->special_nested && slave_on_top ? limit + 1 : limit;
}

/* The input to be served, or -1. */
static int chip_request(const struct i8259_chip *chip)
{
    unsigned rank = chip_rank(chip, chip->irr & ~chip->imr);
    return chip->initialised && rank < chip_limit(chip) ? (int)chip_input_of_rank(chip, rank) : -1;
}

static void chip_set_input(struct i8259_chip *chip, unsigned input, bool level)
{
    uint8_t bit = BIT(input);
    if (level && (chip->elcr & bit || !(chip->inputs & bit))) chip->irr |= bit;
    if (!level) chip->irr &= ~bit;
    chip->inputs = level ? chip->inputs | bit : chip->inputs & ~bit;
}

/* Carries the slave's INT to the master, and the master's to the CPU. */
static void pair_update(struct i8259_pair *pair)
{
    chip_set_input(&pair->state.chip[MASTER], CASCADE, chip_request(&pair->state.chip[SLAVE]) >= 0);
    irq_set(&pair->intr, chip_request(&pair->state.chip[MASTER]) >= 0);
}

static void pair_set_input(void *owner, int n, bool level)
{
    struct i8259_pair *pair = owner;
    if (trace_on(&trace_input)) trace_emit(&trace_input, pair->clock, (uint64_t)n, (uint64_t)level);
    if (n == CASCADE) return;
    chip_set_input(&pair->state.chip[n >> 3], n & 7, level);
    pair_update(pair);
}

/* Interrupt sequence (8259A, "Interrupt Sequence"; spurious: "Edge and level triggered modes"). */

/* One chip's INTA: its request goes into service. */
static unsigned chip_acknowledge(struct i8259_pair *pair, int which, bool *spurious)
{
    struct i8259_chip *chip = &pair->state.chip[which];
    int input = chip_request(chip);
    *spurious = input < 0;
    if (*spurious) return SPURIOUS;
    if (!(chip->elcr & BIT(input))) chip->irr &= ~BIT(input);
    if (!chip->auto_eoi)
        chip->isr |= BIT(input);
    else if (chip->rotate_on_aeoi)
        chip->lowest = input;
    /* INT falls at the first INTA: what comes next is a new edge for the master, even if it is there already. */
    if (which == SLAVE) chip_set_input(&pair->state.chip[MASTER], CASCADE, false);
    return input;
}

int i8259_acknowledge(struct i8259_pair *pair)
{
    bool spurious;
    unsigned input = chip_acknowledge(pair, MASTER, &spurious);
    int which = MASTER;
    if (input == CASCADE) {
        which = SLAVE;
        input = chip_acknowledge(pair, SLAVE, &spurious);
    }
    int vector = pair->state.chip[which].vector_base | input;
    if (trace_on(&trace_ack))
        trace_emit(&trace_ack, pair->clock, (uint64_t)(8 * which + input), (uint64_t)vector,
                   (uint64_t)spurious);
    pair_update(pair);
    return vector;
}

static uint8_t chip_poll(struct i8259_pair *pair, int which)
{
    bool spurious;
    unsigned input = chip_acknowledge(pair, which, &spurious);
    pair->state.chip[which].poll = false;
    pair_update(pair);
    return spurious ? 0 : POLL_REQUEST | input;
}

/* Command words. */

/* ICW1 clears the mask, the edge detectors, priorities and modes (8259A, "Initialization Command Words", a to f). */
static void chip_write_icw1(struct i8259_pair *pair, int which, uint8_t value)
{
    struct i8259_chip *chip = &pair->state.chip[which];
    *chip = (struct i8259_chip){
        .inputs = chip->inputs,
        .irr = chip->inputs & chip->elcr,
        .elcr = chip->elcr,
        .lowest = 7,
        .expected = EXPECT_ICW2,
        .needs_icw4 = value & ICW1_IC4,
        .single = value & ICW1_SNGL,
    };
    if (chip->single)
        lint(pair->device.name, "PIIX3 4.4.1", "ICW1 %02x asks for single mode; the pair is cascaded", value);
    if (!chip->needs_icw4)
        lint(pair->device.name, "PIIX3 4.4.1", "ICW1 %02x without ICW4: not in x86 mode", value);
}

static void chip_write_icw4(struct i8259_pair *pair, int which, uint8_t value)
{
    struct i8259_chip *chip = &pair->state.chip[which];
    chip->auto_eoi = value & ICW4_AEOI;
    chip->special_nested = value & ICW4_SFNM && which == MASTER; /* a slave has no slaves */
    if (!(value & ICW4_UPM))
        lint(pair->device.name, "PIIX3 4.4.4", "ICW4 %02x: 8085 mode does not exist here", value);
}

/* The odd port: ICW2 to ICW4 in order during initialisation, the mask else. */
static void chip_write_odd(struct i8259_pair *pair, int which, uint8_t value)
{
    struct i8259_chip *chip = &pair->state.chip[which];
    uint8_t icw4_or_done = chip->needs_icw4 ? EXPECT_ICW4 : EXPECT_OCW1;
    switch (chip->expected) {
    case EXPECT_OCW1: chip->imr = value; return;
    case EXPECT_ICW2:
        chip->vector_base = value & ~7;
        chip->expected = chip->single ? icw4_or_done : EXPECT_ICW3;
        break;
    case EXPECT_ICW3:
        if (value != icw3_wired[which])
            lint(pair->device.name, "PIIX3 4.4.3", "ICW3 %02x does not match the wiring, %02x", value,
                 icw3_wired[which]);
        chip->expected = icw4_or_done;
        break;
    case EXPECT_ICW4:
        chip_write_icw4(pair, which, value);
        chip->expected = EXPECT_OCW1;
        break;
    }
    chip->initialised = chip->expected == EXPECT_OCW1;
}

/* The highest in-service input; in special mask mode masked ones are left alone. -1 when there is none. */
static int chip_in_service(const struct i8259_chip *chip)
{
    unsigned rank = chip_rank(chip, chip->special_mask ? chip->isr & ~chip->imr : chip->isr);
    return rank < 8 ? (int)chip_input_of_rank(chip, rank) : -1;
}

static void chip_end_of_interrupt(struct i8259_pair *pair, int which, int input, bool rotate)
{
    struct i8259_chip *chip = &pair->state.chip[which];
    if (input < 0) return; /* after a spurious interrupt, for instance: harmless */
    chip->isr &= ~BIT(input);
    if (rotate) chip->lowest = input;
    if (trace_on(&trace_eoi)) trace_emit(&trace_eoi, pair->clock, (uint64_t)(8 * which + input));
}

static void chip_write_ocw2(struct i8259_pair *pair, int which, uint8_t value)
{
    struct i8259_chip *chip = &pair->state.chip[which];
    int level = value & OCW2_LEVEL;
    switch ((enum ocw2_command)(value >> 5)) {
    case OCW2_ROTATE_AEOI_CLEAR: chip->rotate_on_aeoi = false; break;
    case OCW2_ROTATE_AEOI_SET: chip->rotate_on_aeoi = true; break;
    case OCW2_EOI: chip_end_of_interrupt(pair, which, chip_in_service(chip), false); break;
    case OCW2_EOI_ROTATE: chip_end_of_interrupt(pair, which, chip_in_service(chip), true); break;
    case OCW2_EOI_SPECIFIC: chip_end_of_interrupt(pair, which, level, false); break;
    case OCW2_EOI_SPECIFIC_ROTATE: chip_end_of_interrupt(pair, which, level, true); break;
    case OCW2_SET_PRIORITY: chip->lowest = level; break;
    case OCW2_NOTHING: break;
    }
}

static void chip_write_ocw3(struct i8259_chip *chip, uint8_t value)
{
    if (value & OCW3_ESMM) chip->special_mask = value & OCW3_SMM;
    /* Poll wins when both are set (8259A, "Poll Command"). */
    if (value & OCW3_POLL)
        chip->poll = true;
    else if (value & OCW3_RR)
        chip->read_isr = value & OCW3_RIS;
}

/* Ports. */

static void pair_write(struct i8259_pair *pair, int which, bool odd, uint8_t value)
{
    struct i8259_chip *chip = &pair->state.chip[which];
    const char *name = odd                 ? chip->expected == EXPECT_OCW1 ? "OCW1" : "ICW"
                       : value & ICW1_INIT ? "ICW1"
                       : value & OCW3      ? "OCW3"
                                           : "OCW2";
    if (trace_on(&trace_write)) trace_emit(&trace_write, pair->clock, (uint64_t)which, name, (uint64_t)value);
    if (odd)
        chip_write_odd(pair, which, value);
    else if (value & ICW1_INIT)
        chip_write_icw1(pair, which, value);
    else if (value & OCW3)
        chip_write_ocw3(chip, value);
    else
        chip_write_ocw2(pair, which, value);
    pair_update(pair);
}

static uint8_t pair_read(struct i8259_pair *pair, int which, bool odd)
{
    const struct i8259_chip *chip = &pair->state.chip[which];
    if (chip->poll) return chip_poll(pair, which);
    if (odd) return chip->imr;
    return chip->read_isr ? chip->isr : chip->irr;
}

static enum mem_result master_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)size;
    *value = pair_read(owner, MASTER, at.offset);
    return MEM_OK;
}

static enum mem_result master_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)size;
    pair_write(owner, MASTER, at.offset, (uint8_t)value);
    return MEM_OK;
}

static enum mem_result slave_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)size;
    *value = pair_read(owner, SLAVE, at.offset);
    return MEM_OK;
}

static enum mem_result slave_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)size;
    pair_write(owner, SLAVE, at.offset, (uint8_t)value);
    return MEM_OK;
}

static enum mem_result elcr_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)size;
    struct i8259_pair *pair = owner;
    *value = pair->state.chip[at.offset].elcr;
    return MEM_OK;
}

static enum mem_result elcr_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)size;
    struct i8259_pair *pair = owner;
    struct i8259_chip *chip = &pair->state.chip[at.offset];
    chip->elcr = value & elcr_writable[at.offset];
    if (value & ~(uint64_t)elcr_writable[at.offset])
        lint(pair->device.name, "PIIX3 4.4.8", "ELCR%u: %02x sets reserved bits", (unsigned)at.offset + 1,
             (unsigned)value);
    chip->irr = (chip->irr & ~chip->elcr) | (chip->inputs & chip->elcr);
    pair_update(pair);
    return MEM_OK;
}

static const struct mmio_ops master_ops = {master_read, master_write, 1, 1, false};
static const struct mmio_ops slave_ops = {slave_read, slave_write, 1, 1, false};
static const struct mmio_ops elcr_ops = {elcr_read, elcr_write, 1, 1, false};

/* Looking in from outside. */

struct irq_line i8259_input(struct i8259_pair *pair, int n)
{
    return (struct irq_line){pair_set_input, pair, n & (I8259_INPUTS - 1)};
}

struct i8259_view i8259_view(const struct i8259_pair *pair, int which)
{
    const struct i8259_chip *chip = &pair->state.chip[which];
    return (struct i8259_view){chip->inputs, chip->irr,         chip->imr,        chip->isr,
                               chip->elcr,   chip->vector_base, chip->initialised};
}

static enum i8259_verdict chip_explain(const struct i8259_pair *pair, int which, unsigned input)
{
    const struct i8259_chip *chip = &pair->state.chip[which];
    if (!chip->initialised) return I8259_NOT_INITIALISED;
    if (!(chip->irr & BIT(input))) return I8259_NO_REQUEST;
    if (chip->imr & BIT(input)) return I8259_MASKED;
    if (chip_rank(chip, BIT(input)) >= chip_limit(chip)) return I8259_IN_SERVICE;
    return I8259_DELIVERED;
}

enum i8259_verdict i8259_explain(const struct i8259_pair *pair, int n)
{
    if (n < 8) return chip_explain(pair, MASTER, n);
    enum i8259_verdict slave = chip_explain(pair, SLAVE, n & 7);
    if (slave != I8259_DELIVERED) return slave;
    switch (chip_explain(pair, MASTER, CASCADE)) {
    case I8259_NOT_INITIALISED: return I8259_NOT_INITIALISED;
    case I8259_MASKED: return I8259_CASCADE_MASKED;
    case I8259_DELIVERED: return I8259_DELIVERED;
    default: return I8259_CASCADE_BLOCKED;
    }
}

const char *i8259_verdict_text(enum i8259_verdict verdict)
{
    static const char *const text[] = {
        [I8259_DELIVERED] = "requests the CPU",
        [I8259_NOT_INITIALISED] = "chip not initialised (ICW1 to ICW4)",
        [I8259_NO_REQUEST] = "no request",
        [I8259_MASKED] = "masked (IMR)",
        [I8259_IN_SERVICE] = "waits for an EOI (ISR)",
        [I8259_CASCADE_MASKED] = "IRQ 2 masked in the master (IMR)",
        [I8259_CASCADE_BLOCKED] = "master waits for an EOI (ISR)",
    };
    return text[verdict];
}

void i8259_print(const struct i8259_pair *pair, FILE *to)
{
    for (int n = 0; n < I8259_INPUTS; n++) {
        struct i8259_view view = i8259_view(pair, n >> 3);
        uint8_t bit = BIT(n & 7);
        fprintf(to, "IRQ %2d vector %02x: pin %d irr %d imr %d isr %d %s: %s\n", n,
                view.vector_base | (n & 7), !!(view.inputs & bit), !!(view.irr & bit), !!(view.imr & bit),
                !!(view.isr & bit), view.elcr & bit ? "level" : "edge",
                i8259_verdict_text(i8259_explain(pair, n)));
    }
}

/* Reset and creation. */

/* The chips have no reset pin: whatever they held is unknown. Here they keep still until they are initialised. Levels of
 * the pins belong to those who drive them. */
static void pair_reset(struct device *device)
{
    struct i8259_pair *pair = list_entry(device, struct i8259_pair, device);
    for (int which = 0; which < CHIPS; which++) {
        struct i8259_chip *chip = &pair->state.chip[which];
        *chip = (struct i8259_chip){.inputs = chip->inputs, .lowest = 7};
    }
    pair_update(pair);
}

static void pair_loaded(struct device *device)
{
    pair_update(list_entry(device, struct i8259_pair, device));
}

static void pair_destroy(struct device *device)
{
    struct i8259_pair *pair = list_entry(device, struct i8259_pair, device);
    for (size_t i = 0; i < ARRAY_COUNT(pair->regions); i++) ports_remove(pair->regions[i]);
    free(pair);
}

static const struct device_ops pair_ops = {"i8259", &pair_table, pair_reset, pair_loaded, pair_destroy};

struct i8259_pair *i8259_new(struct region *io, struct device_list *devices, struct clock *clock,
                             struct irq_line intr)
{
    struct i8259_pair *pair = calloc(1, sizeof(*pair));
    if (!pair) return NULL;
    pair->clock = clock;
    pair->intr = intr;
    pair->regions[0] = ports_add(io, 0x20, 2, "i8259 master", &master_ops, pair);
    pair->regions[1] = ports_add(io, 0xa0, 2, "i8259 slave", &slave_ops, pair);
    pair->regions[2] = ports_add(io, 0x4d0, 2, "elcr", &elcr_ops, pair);
    device_add(devices, &pair->device, &pair_ops, "pic", &pair->state);
    pair_reset(&pair->device);
    return pair;
}
