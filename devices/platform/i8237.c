/* SPDX-License-Identifier: MIT */
/* The ISA DMA controllers: see i8237.h for the specification. */
#include "devices/platform/i8237.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "devices/platform/ports.h"
#include "emu/core/bits.h"
#include "emu/core/log.h"
#include "emu/core/trace.h"
#include "mem/packet.h"
#include "mem/stats.h"

enum { CHIPS = 2, PER_CHIP = 4, CASCADE = 4 };

/* Registers of a chip above those of its channels, by number. */
enum {
    REG_COMMAND = 8, /* Status when read */
    REG_REQUEST,
    REG_MASK_ONE,
    REG_MODE,
    REG_CLEAR_FLIP_FLOP,
    REG_MASTER_CLEAR, /* Temporary when read */
    REG_CLEAR_MASK,
    REG_MASK_ALL,
    REGISTERS,
};
enum { COMMAND_DISABLE = 1 << 2 };
enum { SELECT = 3, SET = 1 << 2 }; /* of Request and Single Mask */
enum { MODE_AUTO = 1 << 4, MODE_DOWN = 1 << 5 };
enum { TYPE_VERIFY, TYPE_TO_MEMORY, TYPE_FROM_MEMORY, TYPE_ILLEGAL }; /* mode 3:2 */
enum { MODE_CASCADE = 3 };                                            /* mode 7:6 */

struct i8237_channel_state {
    uint16_t base_address, base_count, address, count;
    uint8_t mode;
};

struct i8237_chip_state {
    struct i8237_channel_state channel[PER_CHIP];
    uint8_t command, mask, requests, terminal; /* a bit per channel in the last three */
    bool high_byte; /* the flip-flop: the next access to a counter is to its high byte */
};

struct i8237_state {
    struct i8237_chip_state chip[CHIPS];
};

struct i8237 {
    struct device device;
    struct i8237_state state;
    struct clock *clock;
    struct dma_page *pages;
    struct space *space;
    struct region *ports[CHIPS];
    struct packet_engine engine;
    struct sglist list;
    struct i8237_request request[I8237_CHANNELS]; /* size 0: DREQ is down */
    struct clock_event service;
};

static const struct state_field channel_fields[] = {
    STATE_FIELD(struct i8237_channel_state, base_address),
    STATE_FIELD(struct i8237_channel_state, base_count),
    STATE_FIELD(struct i8237_channel_state, address),
    STATE_FIELD(struct i8237_channel_state, count),
    STATE_FIELD(struct i8237_channel_state, mode),
    STATE_END,
};
static const struct state_field chip_fields[] = {
    STATE_STRUCTS(struct i8237_chip_state, channel, channel_fields),
    STATE_FIELD(struct i8237_chip_state, command),
    STATE_FIELD(struct i8237_chip_state, mask),
    STATE_FIELD(struct i8237_chip_state, requests),
    STATE_FIELD(struct i8237_chip_state, terminal),
    STATE_FIELD(struct i8237_chip_state, high_byte),
    STATE_END,
};
static const struct state_field i8237_fields[] = {
    STATE_STRUCTS(struct i8237_state, chip, chip_fields),
    STATE_END,
};
static const struct state_table i8237_table = {"i8237", 1, sizeof(struct i8237_state), i8237_fields};

TRACE_EVENT(mode_event, "i8237.mode", "channel:u type:s address:x bytes:u auto:u");
TRACE_EVENT(move_event, "i8237.move", "channel:u type:s address:x bytes:u terminal_count:u");

static const char *const type_names[] = {"verify", "to-memory", "from-memory", "illegal"};

/* ---- helpers ---- */

static struct i8237_chip_state *chip_of(struct i8237 *dma, unsigned channel)
{
    return &dma->state.chip[channel / PER_CHIP];
}

static struct i8237_channel_state *channel_of(struct i8237 *dma, unsigned channel)
{
    return &chip_of(dma, channel)->channel[channel % PER_CHIP];
}

static unsigned type_of(const struct i8237_channel_state *channel)
{
    return (unsigned)bits_get(channel->mode, 2, 2);
}

/* Bytes of one cycle. */
static unsigned width_of(unsigned channel)
{
    return channel < PER_CHIP ? 1 : 2;
}

/* Where a channel's 16-bit address lies on the bus. Word channels leave out the page's lowest bit (PIIX3, 2.5.1). */
static gaddr bus_address(const struct i8237 *dma, unsigned channel, uint16_t address)
{
    static const uint8_t page_port[I8237_CHANNELS] = {0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa};
    gaddr page = dma_page_register(dma->pages, page_port[channel]);
    if (channel < PER_CHIP) return page << 16 | address;
    return (page & 0xfe) << 16 | (gaddr)address << 1;
}

static bool can_serve(struct i8237 *dma, unsigned channel)
{
    const struct i8237_chip_state *chip = chip_of(dma, channel), *second = &dma->state.chip[1];
    unsigned bit = 1u << channel % PER_CHIP;
    if (!dma->request[channel].size || chip->mask & bit || chip->command & COMMAND_DISABLE) return false;
    /* The first chip gets the bus through channel 4 of the second. */
    bool cascaded = !(second->mask & 1) && !(second->command & COMMAND_DISABLE);
    return (channel > CASCADE || cascaded) && channel_of(dma, channel)->mode >> 6 != MODE_CASCADE;
}

static void look_soon(struct i8237 *dma)
{
    for (unsigned channel = 0; channel < I8237_CHANNELS; channel++)
        if (can_serve(dma, channel)) clock_event_in(&dma->service, 0);
}

/* ---- moving ---- */

/* The next `bytes` of the channel as pieces of memory. */
static void list_memory(struct i8237 *dma, unsigned channel, uint32_t bytes)
{
    const struct i8237_channel_state *state = channel_of(dma, channel);
    unsigned width = width_of(channel);
    uint32_t cycles = bytes / width, until_wrap = 0x10000u - state->address;
    sglist_reset(&dma->list);
    if (state->mode & MODE_DOWN) {
        for (uint32_t i = 0; i < cycles; i++)
            sglist_add(&dma->list, bus_address(dma, channel, (uint16_t)(state->address - i)), width);
        return;
    }
    uint32_t first = cycles < until_wrap ? cycles : until_wrap;
    sglist_add(&dma->list, bus_address(dma, channel, state->address), (uint64_t)first * width);
    if (cycles > first)
        sglist_add(&dma->list, bus_address(dma, channel, 0), (uint64_t)(cycles - first) * width);
}

static struct packet_answer copy(void *owner, const struct iovec *pieces, unsigned count, uint64_t size)
{
    const struct i8237_request *request = owner;
    uint8_t *data = request->data;
    for (unsigned i = 0; i < count; data += pieces[i++].iov_len) {
        if (request->to_memory)
            memcpy(pieces[i].iov_base, data, pieces[i].iov_len);
        else
            memcpy(data, pieces[i].iov_base, pieces[i].iov_len);
    }
    return (struct packet_answer){.moved = size, .touched = size};
}

/* Where nobody answers on the bus, byte for byte. */
static void copy_what_answers(struct i8237 *dma, const struct i8237_request *request)
{
    uint8_t *data = request->data;
    for (unsigned i = 0; i < dma->list.count; i++) {
        const struct sg_piece *piece = &dma->list.pieces[i];
        for (uint64_t at = 0; at < piece->length; at++, data++) {
            if (request->to_memory)
                (void)!space_write(dma->space, piece->addr + at, data, 1);
            else if (space_read(dma->space, piece->addr + at, data, 1) != MEM_OK)
                *data = 0xff;
        }
    }
}

static void move(struct i8237 *dma, unsigned channel, struct i8237_request *request, uint32_t bytes)
{
    unsigned type = type_of(channel_of(dma, channel));
    if (type == TYPE_VERIFY) return;
    if (type != (request->to_memory ? TYPE_TO_MEMORY : TYPE_FROM_MEMORY)) {
        lint("i8237", "8237A, Mode register", "channel %u is set up %s, and the device goes the other way",
             channel, type_names[type]);
        return;
    }
    list_memory(dma, channel, bytes);
    struct packet_result result = packet_run(
        &dma->engine, &dma->list, request->to_memory ? DMA_FROM_DEVICE : DMA_TO_DEVICE, copy, request);
    if (result.status != PACKET_OK) copy_what_answers(dma, request);
}

/* The counters after `cycles`; at the terminal count the channel starts again or masks itself. */
static void count_down(struct i8237 *dma, unsigned channel, uint32_t cycles, bool terminal)
{
    struct i8237_chip_state *chip = chip_of(dma, channel);
    struct i8237_channel_state *state = channel_of(dma, channel);
    uint8_t bit = (uint8_t)(1u << channel % PER_CHIP);
    state->address = (uint16_t)(state->mode & MODE_DOWN ? state->address - cycles : state->address + cycles);
    state->count = (uint16_t)(state->count - cycles);
    if (!terminal) return;
    chip->terminal |= bit;
    chip->requests &= (uint8_t)~bit;
    if (state->mode & MODE_AUTO) {
        state->address = state->base_address;
        state->count = state->base_count;
    } else {
        chip->mask |= bit;
    }
}

static void serve(struct i8237 *dma, unsigned channel)
{
    struct i8237_request request = dma->request[channel];
    const struct i8237_channel_state *state = channel_of(dma, channel);
    unsigned width = width_of(channel);
    uint32_t left = (state->count + 1u) * width, bytes = request.size < left ? request.size : left;
    bool terminal = bytes == left;
    if (trace_on(&move_event))
        trace_emit(&move_event, dma->clock, (uint64_t)channel, type_names[type_of(state)],
                   bus_address(dma, channel, state->address), (uint64_t)bytes, (uint64_t)terminal);
    dma->request[channel].size = 0;
    move(dma, channel, &request, bytes);
    count_down(dma, channel, bytes / width, terminal);
    request.moved(request.owner, bytes, terminal);
}

/* A device that raises DREQ again gets the next event. */
static void service(void *owner)
{
    struct i8237 *dma = owner;
    bool now[I8237_CHANNELS];
    for (unsigned channel = 0; channel < I8237_CHANNELS; channel++) now[channel] = can_serve(dma, channel);
    for (unsigned channel = 0; channel < I8237_CHANNELS; channel++)
        if (now[channel] && can_serve(dma, channel)) serve(dma, channel);
    look_soon(dma);
}

void i8237_raise(struct i8237 *dma, unsigned channel, const struct i8237_request *request)
{
    assert(request->size && request->size <= I8237_LARGEST && request->size % width_of(channel) == 0);
    dma->request[channel] = *request;
    look_soon(dma);
}

void i8237_withdraw(struct i8237 *dma, unsigned channel)
{
    dma->request[channel].size = 0;
}

/* ---- registers ---- */

static uint16_t with_byte(uint16_t counter, bool high, uint8_t value)
{
    return (uint16_t)(high ? (counter & 0xff) | value << 8 : (counter & 0xff00) | value);
}

static void counter_write(struct i8237_chip_state *chip, uint16_t *base, uint16_t *current, uint8_t value)
{
    *base = with_byte(*base, chip->high_byte, value);
    *current = with_byte(*current, chip->high_byte, value);
    chip->high_byte = !chip->high_byte;
}

static uint8_t counter_read(struct i8237_chip_state *chip, uint16_t current)
{
    uint8_t value = (uint8_t)(chip->high_byte ? current >> 8 : current);
    chip->high_byte = !chip->high_byte;
    return value;
}

static void clear_chip(struct i8237_chip_state *chip)
{
    chip->command = chip->requests = chip->terminal = 0;
    chip->high_byte = false;
    chip->mask = 0xf;
}

static void mode_write(struct i8237 *dma, unsigned first, uint8_t value)
{
    unsigned channel = first + (value & SELECT);
    struct i8237_channel_state *state = channel_of(dma, channel);
    state->mode = value & (uint8_t)~SELECT;
    if (trace_on(&mode_event))
        trace_emit(&mode_event, dma->clock, (uint64_t)channel, type_names[type_of(state)],
                   bus_address(dma, channel, state->address),
                   (uint64_t)(state->count + 1u) * width_of(channel), (uint64_t) !!(value & MODE_AUTO));
}

static uint8_t with_bit(uint8_t bits, uint8_t value)
{
    uint8_t bit = (uint8_t)(1u << (value & SELECT));
    return value & SET ? bits | bit : bits & (uint8_t)~bit;
}

static void register_write(struct i8237 *dma, unsigned number, unsigned reg, uint8_t value)
{
    struct i8237_chip_state *chip = &dma->state.chip[number];
    struct i8237_channel_state *channel = &chip->channel[reg / 2 % PER_CHIP];
    switch (reg) {
    case REG_COMMAND: chip->command = value; break;
    case REG_REQUEST: chip->requests = with_bit(chip->requests, value); break;
    case REG_MASK_ONE: chip->mask = with_bit(chip->mask, value); break;
    case REG_MODE: mode_write(dma, number * PER_CHIP, value); break;
    case REG_CLEAR_FLIP_FLOP: chip->high_byte = false; break;
    case REG_MASTER_CLEAR: clear_chip(chip); break;
    case REG_CLEAR_MASK: chip->mask = 0; break;
    case REG_MASK_ALL: chip->mask = value & 0xf; break;
    default:
        if (reg % 2)
            counter_write(chip, &channel->base_count, &channel->count, value);
        else
            counter_write(chip, &channel->base_address, &channel->address, value);
    }
    look_soon(dma);
}

/* Reading Status clears the terminal counts. */
static uint8_t status_read(struct i8237 *dma, unsigned number)
{
    struct i8237_chip_state *chip = &dma->state.chip[number];
    uint8_t value = chip->terminal;
    for (unsigned i = 0; i < PER_CHIP; i++)
        if (dma->request[number * PER_CHIP + i].size || chip->requests & 1u << i)
            value |= (uint8_t)(0x10u << i);
    chip->terminal = 0;
    return value;
}

static uint8_t register_read(struct i8237 *dma, unsigned number, unsigned reg)
{
    struct i8237_chip_state *chip = &dma->state.chip[number];
    const struct i8237_channel_state *channel = &chip->channel[reg / 2 % PER_CHIP];
    if (reg < REG_COMMAND) return counter_read(chip, reg % 2 ? channel->count : channel->address);
    if (reg == REG_COMMAND) return status_read(dma, number);
    if (reg == REG_MASK_ALL) return chip->mask | 0xf0; /* PIIX3, DMA_RWAMB */
    return reg == REG_MASTER_CLEAR ? 0 : 0xff;         /* Temporary belongs to memory to memory */
}

static enum mem_result first_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)size;
    register_write(owner, 0, (unsigned)at.offset, (uint8_t)value);
    return MEM_OK;
}

static enum mem_result first_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)size;
    *value = register_read(owner, 0, (unsigned)at.offset);
    return MEM_OK;
}

/* The second chip's registers are at even ports. */
static enum mem_result second_write(void *owner, struct region_at at, unsigned size, uint64_t value)
{
    (void)size;
    register_write(owner, 1, (unsigned)at.offset / 2, (uint8_t)value);
    return MEM_OK;
}

static enum mem_result second_read(void *owner, struct region_at at, unsigned size, uint64_t *value)
{
    (void)size;
    *value = register_read(owner, 1, (unsigned)at.offset / 2);
    return MEM_OK;
}

static const struct mmio_ops first_ops = {first_read, first_write, 1, 1, false};
static const struct mmio_ops second_ops = {second_read, second_write, 1, 1, false};

/* ---- reset and creation ---- */

static void i8237_reset(struct device *device)
{
    struct i8237 *dma = list_entry(device, struct i8237, device);
    clock_event_cancel(&dma->service);
    memset(dma->request, 0, sizeof dma->request);
    dma->state = (struct i8237_state){0};
    for (unsigned i = 0; i < CHIPS; i++) clear_chip(&dma->state.chip[i]);
}

static void i8237_loaded(struct device *device)
{
    memset(list_entry(device, struct i8237, device)->request, 0,
           sizeof(struct i8237_request) * I8237_CHANNELS);
}

static void i8237_destroy(struct device *device)
{
    struct i8237 *dma = list_entry(device, struct i8237, device);
    clock_event_destroy(&dma->service);
    packet_destroy(&dma->engine);
    sglist_destroy(&dma->list);
    for (unsigned i = 0; i < CHIPS; i++) ports_remove(dma->ports[i]);
    space_free(dma->space);
    free(dma);
}

/* Most machines never use it. */
static void i8237_stats(const struct device *device, FILE *to)
{
    const struct i8237 *dma = list_entry(device, const struct i8237, device);
    if (!dma->engine.totals.packets) return;
    dma_print_stats(dma->space, dma->engine.name, to);
    packet_print_stats(&dma->engine, to);
}

/* Nothing is ever in flight; what decides how its DMA goes on is the space's own. */
static bool i8237_save(const struct device *device, struct state_buffer *to, struct error *error)
{
    (void)error;
    dma_save(list_entry(device, const struct i8237, device)->space, to);
    return true;
}

static bool i8237_load(struct device *device, struct state_buffer *from, struct error *error)
{
    return dma_load(list_entry(device, struct i8237, device)->space, from, error);
}

static const struct device_more i8237_more = {.save = i8237_save, .load = i8237_load, .stats = i8237_stats};
static const struct device_ops i8237_ops = {"i8237", &i8237_table, i8237_reset, i8237_loaded, i8237_destroy};

struct i8237 *i8237_new(struct region *io, struct device_list *devices, struct clock *clock,
                        struct dma_page *pages, struct region *memory, uint64_t memory_size)
{
    struct i8237 *dma = calloc(1, sizeof *dma);
    if (!dma) return NULL;
    dma->clock = clock;
    dma->pages = pages;
    dma->space = space_new("isa-dma", memory, memory_size, clock);
    packet_init(&dma->engine, "isa-dma", dma->space, I8237_LARGEST);
    sglist_init(&dma->list, 4);
    clock_event_init(&dma->service, clock, "i8237.service", service, dma);
    dma->ports[0] = ports_add(io, 0x00, REGISTERS, "dma1", &first_ops, dma);
    dma->ports[1] = ports_add(io, 0xc0, REGISTERS * 2, "dma2", &second_ops, dma);
    device_add(devices, &dma->device, &i8237_ops, "i8237", &dma->state);
    dma->device.more = &i8237_more;
    i8237_reset(&dma->device);
    return dma;
}

struct space *i8237_dma_space(struct i8237 *dma)
{
    return dma->space;
}
