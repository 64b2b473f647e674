/* SPDX-License-Identifier: MIT */
/*
 * Makes cases from the rows of the opcode map: legal prefixes, every operand form that the row's letters allow (opcode_map.h),
 * registers of interesting values, and addresses that fall where something is to be seen: across page boundaries, at the edge
 * of what is mapped, in a read-only page, beyond segment limits.
 */
#include "tests/silicon/silicon.h"

#include <string.h>
#include "emu/cpu/decode.h"
#include "emu/cpu/flags.h"
#include "emu/cpu/opcode_map.h"

/* A case under construction. */
struct maker {
    struct silicon_case *c;
    uint64_t *random;
    const struct row_place *place;
    const char *operands;
    bool code32, memory;
    uint8_t address_size;
    uint8_t segment; /* of the memory operand */
    uint8_t base, index, scale;
    uint8_t displacement_at, displacement_size; /* within the bytes */
    uint8_t modrm_at;
    bool far_bits; /* a bit string operand that may lie anywhere */
};

static bool chance(struct maker *m, unsigned percent)
{
    return random_below(m->random, 100) < percent;
}

static unsigned below(struct maker *m, unsigned bound)
{
    return random_below(m->random, bound);
}

static void add_byte(struct maker *m, unsigned byte)
{
    if (m->c->length < INSN_BYTES) m->c->bytes[m->c->length++] = (uint8_t)byte;
}

static void add_value(struct maker *m, uint32_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) add_byte(m, value >> 8 * i & 0xff);
}

/* ---- rows ---- */

static void add_rows(struct row_place *list, unsigned *count, const struct opcode *map, unsigned first)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        const struct opcode *row = &map[byte];
        for (int n = 0; row->group && n < 8; n++) {
            const struct opcode *member = &row->group[n];
            struct row_place place = {member->name ? member : NULL, (uint16_t)(first + byte), (int8_t)n};
            if (!row_left_out(&place)) list[(*count)++] = place;
        }
        struct row_place place = {row, (uint16_t)(first + byte), -1};
        if (!row->group && row->name && !row_left_out(&place)) list[(*count)++] = place;
    }
}

const struct row_place *rows_list(unsigned *count)
{
    static struct row_place list[1024];
    static unsigned known;
    if (!known) {
        add_rows(list, &known, opcode_map, 0);
        add_rows(list, &known, opcode_map_0f, 0x0f00);
    }
    if (count) *count = known;
    return list;
}

static bool named(const struct maker *m, const char *name)
{
    return m->place->row && !strcmp(m->place->row->name, name);
}

static bool needs(const struct maker *m, uint32_t bit)
{
    return m->place->row && (m->place->row->needs & bit);
}

/* An operand of that letter, alone or followed by a small letter: not one of "AL", "DX". */
static const char *operand(const struct maker *m, char letter)
{
    for (const char *at = m->operands; *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : "") {
        if (at[0] == letter && !(at[1] >= 'A' && at[1] <= 'Z')) return at;
    }
    return NULL;
}

static bool has_modrm(const struct maker *m)
{
    return m->place->group >= 0 || operand(m, 'E') || operand(m, 'M') || operand(m, 'R') || operand(m, 'G') ||
           operand(m, 'S') || operand(m, 'C') || operand(m, 'D');
}

/* ---- segments and prefixes ---- */

static uint16_t data_selector(struct maker *m)
{
    static const uint16_t some[] = {GDT_DATA,   LDT_DATA16,    LDT_DATA16, LDT_DATA32, LDT_DOWN16,
                                    LDT_DOWN32, LDT_READ_ONLY, LDT_CODE32, LDT_BIG,    0};
    return some[below(m, sizeof some / sizeof *some)];
}

static uint16_t stack_selector(struct maker *m)
{
    static const uint16_t some[] = {GDT_DATA,   LDT_DATA16, LDT_DATA16, LDT_DATA32,
                                    LDT_DOWN16, LDT_DOWN32, LDT_BIG};
    return some[below(m, sizeof some / sizeof *some)];
}

static void choose_segments(struct maker *m)
{
    static const uint16_t code[] = {GDT_CODE32, GDT_CODE32, GDT_CODE32,      LDT_CODE32,
                                    LDT_CODE16, LDT_CODE16, LDT_EXECUTE_ONLY};
    uint16_t cs = code[below(m, sizeof code / sizeof *code)];
    bool flat = chance(m, 50);
    for (unsigned n = 0; n < CPU_SEGMENTS; n++) m->c->selector[n] = flat ? GDT_DATA : data_selector(m);
    m->c->selector[CPU_SS] = flat ? GDT_DATA : stack_selector(m);
    m->c->selector[CPU_CS] = cs;
    m->code32 = cs == GDT_CODE32 || cs == LDT_CODE32;
}

static const uint8_t segment_prefixes[CPU_SEGMENTS] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};

static void add_prefixes(struct maker *m)
{
    struct silicon_case *c = m->c;
    bool string = needs(m, ROW_STRING);
    c->operand_size = m->code32 ? 4 : 2;
    m->address_size = m->code32 ? 4 : 2;
    if (chance(m, 30)) {
        add_byte(m, 0x66);
        c->operand_size = m->code32 ? 2 : 4;
    }
    if (chance(m, m->memory || string || operand(m, 'J') || operand(m, 'X') || operand(m, 'O') ? 30 : 3)) {
        add_byte(m, 0x67);
        m->address_size = m->code32 ? 2 : 4;
    }
    if (string && chance(m, 65)) {
        c->rep = chance(m, 50) ? 0xf3 : 0xf2;
        add_byte(m, c->rep);
    } else if (!string && m->place->row && m->place->opcode < 0x0f00 && chance(m, 1)) {
        add_byte(m, chance(m, 50) ? 0xf3 : 0xf2); /* means nothing here, says the manual */
    }
    if (chance(m, m->memory || string || operand(m, 'X') || operand(m, 'O') ? 25 : 2)) {
        m->segment = (uint8_t)below(m, CPU_SEGMENTS);
        add_byte(m, segment_prefixes[m->segment]);
    }
    bool lockable = m->memory && needs(m, ROW_LOCK);
    bool control = m->place->opcode >= 0x0f20 && m->place->opcode <= 0x0f23;
    if (!control && chance(m, lockable ? 10 : 1)) add_byte(m, 0xf0);
    if (m->place->row && chance(m, 1)) { /* the decoder stops at a hole, processors read its operands */
        unsigned more = below(m, 14);
        while (more--) add_byte(m, 0x3e), m->segment = CPU_DS;
    }
}

/* ---- ModRM ---- */

static void memory_form16(struct maker *m, unsigned reg)
{
    static const uint8_t bases[8] = {CPU_EBX, CPU_EBX, CPU_EBP, CPU_EBP, CPU_ESI, CPU_EDI, CPU_EBP, CPU_EBX};
    static const uint8_t indexes[8] = {CPU_ESI,  CPU_EDI,  CPU_ESI,  CPU_EDI,
                                       REG_NONE, REG_NONE, REG_NONE, REG_NONE};
    unsigned mod = below(m, 3), rm = below(m, 8);
    add_byte(m, mod << 6 | reg << 3 | rm);
    m->base = bases[rm];
    m->index = indexes[rm];
    if (mod == 0 && rm == 6) m->base = REG_NONE;
    if (m->segment == CPU_SEGMENTS) m->segment = m->base == CPU_EBP ? CPU_SS : CPU_DS;
    m->displacement_size = m->base == REG_NONE ? 2 : (uint8_t)mod;
}

static void memory_form32(struct maker *m, unsigned reg)
{
    unsigned mod = below(m, 3), rm = below(m, 8);
    add_byte(m, mod << 6 | reg << 3 | rm);
    m->base = (uint8_t)rm;
    if (rm == CPU_ESP) {
        unsigned sib = below(m, 256);
        add_byte(m, sib);
        m->base = sib & 7;
        if ((sib >> 3 & 7) != CPU_ESP) {
            m->index = sib >> 3 & 7;
            m->scale = (uint8_t)(sib >> 6);
        }
    }
    if (m->base == CPU_EBP && mod == 0) m->base = REG_NONE;
    if (m->segment == CPU_SEGMENTS) m->segment = m->base == CPU_ESP || m->base == CPU_EBP ? CPU_SS : CPU_DS;
    m->displacement_size = m->base == REG_NONE || mod == 2 ? 4 : (uint8_t)mod;
}

static void add_modrm(struct maker *m)
{
    unsigned reg = m->place->group >= 0 ? (unsigned)m->place->group : below(m, 8);
    m->modrm_at = m->c->length;
    if (!m->memory) {
        add_byte(m, 0xc0 | reg << 3 | below(m, 8));
        return;
    }
    if (m->address_size == 2)
        memory_form16(m, reg);
    else
        memory_form32(m, reg);
    m->displacement_at = m->c->length;
    add_value(m, random_value(m->random), m->displacement_size);
}

/* ---- addresses ---- */

/* A linear address worth touching. Off the windows by at most a few bytes, or nowhere near the world. */
static uint32_t choose_target(struct maker *m, uint16_t selector)
{
    if (segment_base(selector) == CODE_AT) return CODE_AT + below(m, 0x1000);
    unsigned kind = below(m, 100);
    if (kind < 55) return DATA_AT + 0x1000 - 64 + below(m, 128);
    if (kind < 65) return DATA_AT - 8 + below(m, 72);
    if (kind < 80) return DATA_AT + 0x2000 - 64 + below(m, 72);
    if (kind < 85) return READ_ONLY_AT + (chance(m, 50) ? below(m, 64) : 0xff8 + below(m, 8));
    if (kind < 90) return 0x3000 + below(m, 0x100);
    if (kind < 95 && selector & 4) return WRAP_AT + 0xfc0 + below(m, 72);
    if (kind < 98) return 0x60000000 + below(m, 0x1000000);
    return 0xffffff00 + below(m, 0x100);
}

static uint32_t bytes_value(const struct silicon_case *c, unsigned at, unsigned size)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++) value |= (uint32_t)c->bytes[at + i] << 8 * i;
    return size == 1 ? (uint32_t)(int8_t)value : size == 2 ? (uint32_t)(int16_t)value : value;
}

static uint32_t effective_address(const struct maker *m)
{
    const struct silicon_case *c = m->c;
    uint32_t sum = bytes_value(c, m->displacement_at, m->displacement_size);
    if (m->base != REG_NONE) sum += c->gpr[m->base];
    if (m->index != REG_NONE) sum += c->gpr[m->index] << m->scale;
    return m->address_size == 2 ? sum & 0xffff : sum;
}

static void set_displacement(struct maker *m, uint32_t value)
{
    for (unsigned i = 0; i < m->displacement_size; i++)
        m->c->bytes[m->displacement_at + i] = (uint8_t)(value >> 8 * i);
}

/* Bends the operand's displacement, base or index so that it points at the offset. */
static void aim(struct maker *m, uint32_t offset)
{
    uint32_t miss = offset - effective_address(m);
    if (m->displacement_size == m->address_size && (m->base == REG_NONE || chance(m, 50)))
        set_displacement(m, bytes_value(m->c, m->displacement_at, m->displacement_size) + miss);
    else if (m->base != REG_NONE && m->base != CPU_ESP && m->base != m->index)
        m->c->gpr[m->base] += miss;
    else if (m->index != REG_NONE && m->scale == 0 && m->base != m->index)
        m->c->gpr[m->index] += miss;
    else if (m->base == CPU_ESP)
        m->c->gpr[CPU_ESP] += miss;
}

/* The least significant half when the address size is 16: the upper half of a register must not matter. */
static void set_index_register(struct maker *m, unsigned n, uint32_t offset)
{
    if (m->address_size == 2) offset = (offset & 0xffff) | (random_value(m->random) & 0xffff0000);
    m->c->gpr[n] = offset;
}

static void aim_stack(struct maker *m)
{
    uint16_t ss = m->c->selector[CPU_SS];
    uint32_t offset = choose_target(m, ss) - segment_base(ss);
    if (chance(m, 70)) offset = DATA_AT + 0x1000 - 64 + below(m, 128) - segment_base(ss);
    if (ss == LDT_DATA16 || ss == LDT_DOWN16)
        offset = (offset & 0xffff) | (random_value(m->random) & 0xffff0000);
    m->c->gpr[CPU_ESP] = offset;
    if (chance(m, 30)) m->c->gpr[CPU_EBP] = DATA_AT + 0x1000 - 64 + below(m, 128) - segment_base(ss);
}

static uint32_t stack_linear(const struct maker *m)
{
    uint16_t ss = m->c->selector[CPU_SS];
    uint32_t esp = m->c->gpr[CPU_ESP];
    return segment_base(ss) + (ss == LDT_DATA16 || ss == LDT_DOWN16 ? esp & 0xffff : esp);
}

/* ---- operands in memory ---- */

static void poke(struct maker *m, uint32_t linear, const uint32_t *dwords, unsigned bytes)
{
    struct silicon_case *c = m->c;
    c->poke_at = linear;
    c->poke_bytes = (uint8_t)bytes;
    for (unsigned i = 0; i < bytes; i++) c->poke[i] = (uint8_t)(dwords[i / 4] >> 8 * (i % 4));
}

/* Pokes values of the operand size one after the other. */
static void poke_values(struct maker *m, uint32_t linear, const uint32_t *values, unsigned count)
{
    unsigned size = m->c->operand_size;
    uint8_t bytes[POKE_BYTES] = {0};
    for (unsigned i = 0; i < count * size; i++) bytes[i] = (uint8_t)(values[i / size] >> 8 * (i % size));
    uint32_t dwords[3] = {0};
    for (unsigned i = 0; i < count * size; i++) dwords[i / 4] |= (uint32_t)bytes[i] << 8 * (i % 4);
    poke(m, linear, dwords, count * size);
}

static uint32_t any_selector(struct maker *m)
{
    static const uint16_t some[] = {
        GDT_DATA,
        GDT_DATA - 1,
        GDT_CODE32,
        GDT_KERNEL_DATA,
        GDT_KERNEL_DATA & ~3,
        LDT_DATA16,
        LDT_DATA32,
        LDT_DOWN16,
        LDT_DOWN32,
        0,
        LDT_READ_ONLY,
        LDT_CODE16,
        LDT_CODE32,
        LDT_ABSENT,
        LDT_BIG,
        LDT_EXECUTE_ONLY,
        LDT_EMPTY,
        LDT_BEYOND,
        LDT_DATA16 & ~3,
        LDT_DATA32 & ~1,
        0x83,
        0xfffb,
        7,
        0x43,
    };
    return some[below(m, sizeof some / sizeof *some)];
}

/* A near target: mostly in the code pages. */
static uint32_t code_offset(struct maker *m)
{
    if (chance(m, 10)) return random_value(m->random);
    return CODE_AT + below(m, 0x2000) - segment_base(m->c->selector[CPU_CS]);
}

static uint32_t code_selector(struct maker *m)
{
    static const uint16_t some[] = {GDT_CODE32, LDT_CODE32, LDT_CODE16, LDT_EXECUTE_ONLY};
    return chance(m, 70) ? some[below(m, 4)] : any_selector(m);
}

/* Far pointers in instructions and in memory. */
static uint32_t far_offset(struct maker *m, uint32_t selector)
{
    if (chance(m, 10)) return random_value(m->random);
    return CODE_AT + below(m, 0x1000) - segment_base((uint16_t)selector);
}

static void poke_far_pointer(struct maker *m, uint32_t linear, bool code)
{
    uint32_t selector = code ? code_selector(m) : any_selector(m);
    uint32_t offset = code ? far_offset(m, selector) : random_value(m->random);
    uint32_t dwords[2] = {offset, selector};
    if (m->c->operand_size == 2) dwords[0] = (offset & 0xffff) | selector << 16;
    poke(m, linear, dwords, m->c->operand_size == 2 ? 4 : 6);
}

/* ---- immediates ---- */

static void add_jump(struct maker *m, const char *letters)
{
    unsigned size = letters[1] == 'b' ? 1 : m->c->operand_size;
    uint32_t end = m->c->eip + m->c->length + size;
    add_value(m, size == 1 ? random_value(m->random) : code_offset(m) - end, size);
}

static void add_far_immediate(struct maker *m)
{
    uint32_t selector = code_selector(m);
    add_value(m, far_offset(m, selector), m->c->operand_size);
    add_value(m, selector, 2);
}

static void add_immediates(struct maker *m)
{
    for (const char *at = m->operands; *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : "") {
        if (at[1] >= 'A' && at[1] <= 'Z') continue;
        if (at[0] == 'I') {
            unsigned size = at[1] == 'b' || at[1] == 's' ? 1 : at[1] == 'w' ? 2 : m->c->operand_size;
            add_value(m, random_value(m->random), size);
        } else if (at[0] == 'J') {
            add_jump(m, at);
        } else if (at[0] == 'A') {
            add_far_immediate(m);
        }
    }
}

/* ---- what single instructions want ---- */

static uint32_t memory_linear(const struct maker *m)
{
    return segment_base(m->c->selector[m->segment]) + effective_address(m);
}

/* A quotient that fits is rare by chance. */
static void fit_division(struct maker *m)
{
    uint32_t *gpr = m->c->gpr;
    if (chance(m, 25)) return;
    uint32_t high =
        chance(m, 60) ? random_value(m->random) & 0x7f : (gpr[CPU_EAX] & 0x80000000 ? 0xffffffff : 0);
    gpr[CPU_EDX] = chance(m, 50) ? high : high & 1;
    if (m->operands[1] == 'b') gpr[CPU_EAX] = (gpr[CPU_EAX] & 0xffff00ff) | (high & 0x1f) << 8;
}

static void fit_comparison(struct maker *m)
{
    if (!chance(m, 50)) return;
    uint32_t dwords[2] = {m->c->gpr[CPU_EAX], m->c->gpr[CPU_EDX]};
    if (m->memory)
        poke(m, memory_linear(m), dwords, named(m, "cmpxchg8b") ? 8 : 4);
    else
        m->c->gpr[m->c->bytes[m->c->length - 1] & 7] = m->c->gpr[CPU_EAX];
}

static void fit_bounds(struct maker *m)
{
    uint32_t index = m->c->gpr[m->c->bytes[m->modrm_at] >> 3 & 7];
    uint32_t values[2] = {index - below(m, 3), index + below(m, 3)};
    if (chance(m, 30)) values[below(m, 2)] = random_value(m->random);
    if (chance(m, 20)) values[0] = index + 1;
    poke_values(m, memory_linear(m), values, 2);
}

static bool bit_string(const struct maker *m)
{
    unsigned opcode = m->place->opcode;
    return m->memory && (opcode == 0x0fa3 || opcode == 0x0fab || opcode == 0x0fb3 || opcode == 0x0fbb);
}

static uint32_t modrm_register(const struct maker *m)
{
    return m->c->gpr[m->c->bytes[m->modrm_at] >> 3 & 7];
}

static uint32_t bit_string_offset(const struct maker *m)
{
    int32_t number = (int32_t)modrm_register(m);
    return (uint32_t)(m->c->operand_size == 2 ? ((int16_t)number >> 4) * 2 : (number >> 5) * 4);
}

/* The word that holds the bit lies as many words away as the register says: aim so that this one is the target. */
static void fit_bit_string(struct maker *m)
{
    uint32_t number = modrm_register(m), wanted = effective_address(m);
    aim(m, wanted - bit_string_offset(m));
    if (modrm_register(m) != number) m->far_bits = true; /* the number was part of the address */
}

static void fit_xlat(struct maker *m)
{
    uint16_t selector = m->c->selector[m->segment == CPU_SEGMENTS ? CPU_DS : m->segment];
    uint32_t offset = choose_target(m, selector) - segment_base(selector) - (m->c->gpr[CPU_EAX] & 0xff);
    set_index_register(m, CPU_EBX, offset);
}

/* Index registers and count of a string instruction: at most 64 bytes on the way. */
static void fit_string(struct maker *m)
{
    struct silicon_case *c = m->c;
    unsigned source = m->segment == CPU_SEGMENTS ? CPU_DS : m->segment;
    uint16_t from = c->selector[source], to = c->selector[CPU_ES];
    set_index_register(m, CPU_ESI, choose_target(m, from) - segment_base(from));
    set_index_register(m, CPU_EDI, choose_target(m, to) - segment_base(to));
    if (chance(m, 20)) /* overlapping */
        set_index_register(m, CPU_EDI,
                           c->gpr[CPU_ESI] + segment_base(from) - segment_base(to) - 8 + below(m, 17));
    uint32_t count = chance(m, 20) ? below(m, 2) : below(m, 17);
    set_index_register(m, CPU_ECX, count);
    if (c->seed % 4 == 0) {
        uint8_t memory[WINDOW_BYTES];
        case_fill(c, memory);
        if (chance(m, 70)) c->gpr[CPU_EAX] = memory[0] * 0x01010101u;
    }
}

static void fit_enter(struct maker *m)
{
    uint16_t ss = m->c->selector[CPU_SS];
    m->c->gpr[CPU_EBP] = DATA_AT + 0x1000 - 64 + below(m, 128) - segment_base(ss);
    if (chance(m, 70)) m->c->bytes[m->c->length - 1] &= 3;
    if (chance(m, 70)) { /* a size that stays within the window */
        m->c->bytes[m->c->length - 3] &= 31;
        m->c->bytes[m->c->length - 2] = 0;
    }
}

static void fit_return(struct maker *m, unsigned values)
{
    uint32_t selector = code_selector(m), offset = values == 1 ? code_offset(m) : far_offset(m, selector);
    uint32_t flags = random_value(m->random) ^ below(m, 0x10000);
    uint32_t frame[3] = {offset, selector, flags};
    poke_values(m, stack_linear(m), frame, values);
}

static void fit_loop(struct maker *m)
{
    set_index_register(m, CPU_ECX, chance(m, 80) ? below(m, 3) : random_value(m->random));
}

static void fit_register_operand(struct maker *m, uint32_t value)
{
    unsigned n = m->c->bytes[m->c->length - 1] & 7;
    if (n != CPU_ESP) m->c->gpr[n] = value; /* the stack stays where it can be seen */
}

/* After everything is encoded and aimed. */
static void fit_operands(struct maker *m)
{
    unsigned opcode = m->place->opcode;
    int group = m->place->group;
    bool selector_operand = opcode == 0x8e || opcode == 0x0f02 || opcode == 0x0f03 || opcode == 0x0f00;
    if (named(m, "div") || named(m, "idiv")) fit_division(m);
    if (named(m, "cmpxchg") || named(m, "cmpxchg8b")) fit_comparison(m);
    if (selector_operand) {
        uint32_t selector = any_selector(m);
        uint8_t *modrm = &m->c->bytes[m->modrm_at];
        if (!m->memory && (*modrm & 7) == CPU_ESP) *modrm &= 0xf8; /* not any selector of the host: EAX */
        if (m->memory)
            poke(m, memory_linear(m), &selector, 2);
        else
            fit_register_operand(m, selector | (random_value(m->random) & 0xffff0000));
    }
    if (m->memory && operand(m, 'M') && operand(m, 'M')[1] == 'p')
        poke_far_pointer(m, memory_linear(m), opcode == 0xff);
    if (opcode == 0xff && (group == 2 || group == 4)) {
        uint32_t target = code_offset(m);
        if (m->memory)
            poke_values(m, memory_linear(m), &target, 1);
        else
            fit_register_operand(m, target);
    }
    if (named(m, "ret")) fit_return(m, 1);
    if (named(m, "retf")) fit_return(m, 2);
    if (named(m, "iret")) fit_return(m, 3);
    bool pops_segment = named(m, "pop") && m->operands[0] >= 'C' && m->operands[1] == 'S';
    if (pops_segment) {
        uint32_t selector = any_selector(m) | (random_value(m->random) & 0xffff0000);
        poke_values(m, stack_linear(m), &selector, 1);
    }
    if (named(m, "loop") || named(m, "loope") || named(m, "loopne") || named(m, "jcxz")) fit_loop(m);
    if (named(m, "enter")) fit_enter(m);
    if (named(m, "int") && m->c->bytes[m->c->length - 1] == 0x80)
        m->c->bytes[m->c->length - 1]--; /* a system call */
    if (named(m, "bound") && m->memory) fit_bounds(m);
    if (named(m, "xlat")) fit_xlat(m);
    if (bit_string(m)) fit_bit_string(m);
}

/* ---- a case ---- */

static void choose_flags(struct maker *m)
{
    static const uint16_t bits[] = {FLAG_CF, FLAG_PF, FLAG_AF, FLAG_ZF, FLAG_SF, FLAG_OF, FLAG_DF};
    uint32_t flags = FLAG_IF | 2;
    uint64_t random = random_next(m->random);
    for (unsigned i = 0; i < sizeof bits / sizeof *bits; i++) flags |= random >> i & 1 ? bits[i] : 0u;
    bool jumps = needs(m, ROW_ENDS_BLOCK) && !needs(m, ROW_STRING);
    bool repeats = m->c->rep != 0;
    if (jumps || (repeats ? random >> 8 & 1 : !(random >> 8 & 3))) flags |= FLAG_TF; /* INT3 is quicker */
    if ((random >> 16 & 31) == 0) flags |= FLAG_ID;
    if ((random >> 24 & 31) == 0 && !named(m, "iret")) flags |= FLAG_NT;
    m->c->eflags = flags;
}

static void choose_place(struct maker *m)
{
    uint32_t at = CODE_AT + 0x100 + below(m, 0x800);
    unsigned kind = below(m, 100);
    if (!m->place->row) kind = 100;
    if (kind < 5) at = CODE_AT + 0x1000 - 1 - below(m, 12); /* across the pages */
    if (kind == 5 && m->c->selector[CPU_CS] != LDT_EXECUTE_ONLY)
        at = CODE_END - 1 - below(m, 12); /* and off the end */
    m->c->eip = at - segment_base(m->c->selector[CPU_CS]);
}

/* Does the linear address lie in memory that is mapped, but not looked at? */
static bool unseen(uint32_t linear)
{
    if (linear - READ_ONLY_AT < PAGE_BYTES) return false;
    bool mapped = linear - DATA_AT < 2 * PAGE_BYTES || linear - CODE_AT < CODE_END - CODE_AT ||
                  linear - WRAP_AT < PAGE_BYTES;
    return mapped && window_offset(linear) < 0;
}

/* A repeated instruction goes at most 68 bytes from where it starts, either way. */
static bool string_touches_unseen(const struct maker *m)
{
    uint32_t offset = m->c->gpr[CPU_EDI];
    if (m->address_size == 2) offset &= 0xffff;
    uint32_t linear = segment_base(m->c->selector[CPU_ES]) + offset;
    return segment_base(m->c->selector[CPU_ES]) != CODE_AT &&
           (unseen(linear) || unseen(linear - 68) || unseen(linear + 68));
}

/* ENTER and PUSHA go down, POPA goes up. */
static bool stack_unseen(const struct maker *m)
{
    uint32_t top = stack_linear(m);
    return unseen(top) || unseen(top - 16) || unseen(top - 140) || unseen(top + 40);
}

static bool touches_unseen(const struct maker *m)
{
    if (stack_unseen(m)) return true;
    if (needs(m, ROW_STRING)) return string_touches_unseen(m);
    if (!m->memory) return false;
    if (m->far_bits) return true;
    if (segment_base(m->c->selector[m->segment < CPU_SEGMENTS ? m->segment : CPU_DS]) == CODE_AT)
        return false;
    uint32_t linear = memory_linear(m);
    if (bit_string(m)) linear += bit_string_offset(m);
    return unseen(linear) || unseen(linear + 7);
}

static void encode_opcode(struct maker *m)
{
    if (m->place->opcode >= 0x0f00) add_byte(m, 0x0f);
    add_byte(m, m->place->opcode & 0xff);
}

static bool choose_memory(struct maker *m)
{
    if (operand(m, 'R')) return false;
    if (!has_modrm(m)) return false;
    /* Register forms of 0F 01 are instructions of their own on newer processors. */
    if (m->place->opcode == 0x0f01 && m->place->group < 6) return true;
    if (operand(m, 'M'))
        return !chance(m, 3) || m->place->opcode == 0x62 || m->place->opcode == 0xc4 ||
               m->place->opcode == 0xc5;
    return chance(m, 55);
}

static void attempt(struct maker *m, uint64_t *random)
{
    struct silicon_case *c = m->c;
    *c = (struct silicon_case){.seed = (uint32_t)random_next(random), .row = m->place->row};
    m->random = random;
    m->operands = c->row && c->row->operands ? c->row->operands : "";
    m->base = m->index = REG_NONE;
    m->scale = m->displacement_at = m->displacement_size = 0;
    m->segment = CPU_SEGMENTS;
    m->far_bits = false;
    for (unsigned n = 0; n < 8; n++) c->gpr[n] = case_register(c->seed, n);
    m->memory = choose_memory(m);
    choose_segments(m);
    choose_place(m);
    add_prefixes(m);
    encode_opcode(m);
    if (has_modrm(m)) add_modrm(m);
    if (operand(m, 'O')) {
        m->memory = true;
        m->displacement_at = c->length;
        m->displacement_size = m->address_size;
        if (m->segment == CPU_SEGMENTS) m->segment = CPU_DS;
        add_value(m, 0, m->address_size);
    }
    add_immediates(m);
    aim_stack(m);
    if (m->memory) {
        uint16_t selector = c->selector[m->segment];
        aim(m, choose_target(m, selector) - segment_base(selector));
    }
    if (needs(m, ROW_STRING)) fit_string(m);
    choose_flags(m);
    fit_operands(m);
}

void case_generate(const struct row_place *place, uint64_t *state, struct silicon_case *c)
{
    struct maker m = {.c = c, .place = place};
    for (unsigned tries = 0; tries < 20; tries++) {
        attempt(&m, state);
        if (!touches_unseen(&m)) break;
    }
}
