/* SPDX-License-Identifier: MIT */
/* The decoder: prefixes, opcode, ModRM, SIB, displacement, immediates (SDM 2, chapter 2). */
#include "emu/cpu/access.h"
#include "emu/cpu/decode.h"
#include "emu/cpu/opcode_map.h"

/* What is being taken apart. Reading beyond what there is gives zeros and says so at the end. */
struct decoder {
    const uint8_t *bytes;
    unsigned available, at;
    bool short_of_bytes, too_long;
    bool code32, has_modrm;
    uint8_t modrm;
    int override; /* segment, or -1 */
    struct insn *insn;
};

/* ---- instructions that are none ---- */

static void body_undefined(struct cpu *cpu, const struct insn *insn)
{
    cpu->insn = insn;
    fault_ud(cpu, (enum fault_reason)insn->immediate);
}

static void body_too_long(struct cpu *cpu, const struct insn *insn)
{
    cpu->insn = insn;
    fault_gp(cpu, 0, REASON_INSN_TOO_LONG);
}

static const struct opcode row_undefined = {.name = "(undefined)", .operands = "", .needs = ROW_ENDS_BLOCK};
static const struct opcode row_too_long = {.name = "(too long)", .operands = "", .needs = ROW_ENDS_BLOCK};

bool decode_failed(const struct insn *insn)
{
    return insn->row == &row_undefined || insn->row == &row_too_long;
}

bool decode_is_conditional_jump(const struct insn *insn)
{
    return (insn->row >= &opcode_map[0x70] && insn->row <= &opcode_map[0x7f]) ||
           (insn->row >= &opcode_map_0f[0x80] && insn->row <= &opcode_map_0f[0x8f]);
}

static void decode_undefined(struct decoder *d, enum fault_reason reason)
{
    d->insn->body = body_undefined;
    d->insn->row = &row_undefined;
    d->insn->immediate = reason;
}

/* ---- what the model has ---- */

uint32_t decode_rows_missing(const struct cpu_model *model)
{
    static const struct {
        uint32_t row;
        uint64_t feature;
    } pairs[] = {
        {ROW_CPUID_FPU, FEATURE_FPU},   {ROW_CPUID_TSC, FEATURE_TSC},   {ROW_CPUID_MSR, FEATURE_MSR},
        {ROW_CPUID_CX8, FEATURE_CX8},   {ROW_CPUID_CMOV, FEATURE_CMOV}, {ROW_CPUID_SEP, FEATURE_SEP},
        {ROW_CPUID_FXSR, FEATURE_FXSR}, {ROW_CPUID_HINT, FEATURE_HINT},
    };
    uint32_t missing = 0;
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++)
        if (!cpu_model_has(model, pairs[i].feature)) missing |= pairs[i].row;
    return missing;
}

void decode_for_model(struct insn *insn, uint32_t missing)
{
    if (likely(!(insn->row->needs & missing))) return;
    insn->body = body_undefined;
    insn->row = &row_undefined;
    insn->immediate = REASON_OPCODE_NOT_ON_THIS_CPU;
}

/* ---- bytes ---- */

static uint8_t next8(struct decoder *d)
{
    if (d->at >= INSN_MAX_LENGTH) d->too_long = true;
    if (d->at >= d->available) d->short_of_bytes = true;
    if (d->too_long || d->short_of_bytes) return 0;
    return d->bytes[d->at++];
}

static uint64_t next_bytes(struct decoder *d, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) value |= (uint64_t)next8(d) << (8 * i);
    return value;
}

static uint64_t sign_extend(uint64_t value, unsigned size)
{
    unsigned unused = 64 - 8 * size;
    return (uint64_t)((int64_t)(value << unused) >> unused);
}

/* ---- prefixes and opcode ---- */

/* True when `byte` is a prefix. */
static bool decode_prefix(struct decoder *d, uint8_t byte)
{
    struct insn *insn = d->insn;
    switch (byte) {
    case 0x26: d->override = CPU_ES; return true;
    case 0x2e: d->override = CPU_CS; return true;
    case 0x36: d->override = CPU_SS; return true;
    case 0x3e: d->override = CPU_DS; return true;
    case 0x64: d->override = CPU_FS; return true;
    case 0x65: d->override = CPU_GS; return true;
    case 0x66:
        insn->operand_size = d->code32 ? 2 : 4;
        insn->prefixes |= INSN_OPSIZE;
        return true;
    case 0x67: insn->address_size = d->code32 ? 2 : 4; return true;
    case 0xf0: insn->prefixes |= INSN_LOCK; return true;
    case 0xf2: insn->prefixes = (uint8_t)((insn->prefixes & ~INSN_REP) | INSN_REPNE); return true;
    case 0xf3: insn->prefixes = (uint8_t)((insn->prefixes & ~INSN_REPNE) | INSN_REP); return true;
    default: return false;
    }
}

/* An operand starts with one of the manual's letters; names of registers that the opcode implies do not ("AL", "eAX", "1"). */
static bool operand_is_coded(const char *operand)
{
    return operand[0] >= 'A' && operand[0] <= 'Z' && !(operand[1] >= 'A' && operand[1] <= 'Z');
}

static bool operand_is_rm(const char *operand)
{
    return operand[0] == 'E' || operand[0] == 'M' || operand[0] == 'R';
}

static bool operand_needs_modrm(const char *operand)
{
    char letter = operand[0];
    return operand_is_rm(operand) || letter == 'G' || letter == 'S' || letter == 'C' || letter == 'D';
}

static const char *operand_next(const char *operand)
{
    while (*operand && *operand != ',') operand++;
    return *operand ? operand + 1 : operand;
}

static bool row_has_modrm(const struct opcode *row)
{
    if (row->group || (row->needs & ROW_MODRM)) return true;
    for (const char *operand = row->operands ? row->operands : ""; *operand;
         operand = operand_next(operand)) {
        if (operand_is_coded(operand) && operand_needs_modrm(operand)) return true;
    }
    return false;
}

static const struct opcode *decode_opcode(struct decoder *d)
{
    uint8_t byte = next8(d);
    while (!d->short_of_bytes && !d->too_long && decode_prefix(d, byte)) byte = next8(d);
    const struct opcode *row = &opcode_map[byte];
    if (byte == 0x0f) {
        byte = next8(d);
        row = &opcode_map_0f[byte];
    }
    d->insn->opcode = byte;
    d->has_modrm = row_has_modrm(row);
    if (d->has_modrm) {
        d->modrm = next8(d);
        d->insn->modrm = d->modrm;
        d->insn->reg = d->modrm >> 3 & 7;
    }
    return row->group ? &row->group[d->modrm >> 3 & 7] : row;
}

/* ---- memory operands ---- */

/* SDM 2, table 2-1. */
static void decode_memory16(struct decoder *d)
{
    static const struct {
        uint8_t base, index, segment;
    } forms[8] = {
        {CPU_EBX, CPU_ESI, CPU_DS},  {CPU_EBX, CPU_EDI, CPU_DS},  {CPU_EBP, CPU_ESI, CPU_SS},
        {CPU_EBP, CPU_EDI, CPU_SS},  {CPU_ESI, REG_NONE, CPU_DS}, {CPU_EDI, REG_NONE, CPU_DS},
        {CPU_EBP, REG_NONE, CPU_SS}, {CPU_EBX, REG_NONE, CPU_DS},
    };
    struct insn *insn = d->insn;
    unsigned mod = d->modrm >> 6, rm = d->modrm & 7;
    insn->base = forms[rm].base;
    insn->index = forms[rm].index;
    insn->segment = forms[rm].segment;
    if (mod == 0 && rm == 6) {
        insn->base = REG_NONE;
        insn->segment = CPU_DS;
        insn->displacement = (int32_t)next_bytes(d, 2);
    } else if (mod == 1) {
        insn->displacement = (int32_t)sign_extend(next8(d), 1);
    } else if (mod == 2) {
        insn->displacement = (int32_t)sign_extend(next_bytes(d, 2), 2);
    }
}

/* SDM 2, table 2-3. Leaves the base; says whether there is none (mod 0, base 5). */
static bool decode_sib(struct decoder *d)
{
    struct insn *insn = d->insn;
    uint8_t sib = next8(d);
    unsigned index = sib >> 3 & 7;
    if (index != CPU_ESP) {
        insn->index = (uint8_t)index;
        insn->scale = sib >> 6;
    }
    insn->base = sib & 7;
    return insn->base == CPU_EBP && d->modrm >> 6 == 0;
}

/* SDM 2, table 2-2. */
static void decode_memory32(struct decoder *d)
{
    struct insn *insn = d->insn;
    unsigned mod = d->modrm >> 6;
    insn->base = d->modrm & 7;
    bool no_base = insn->base == CPU_ESP ? decode_sib(d) : insn->base == CPU_EBP && mod == 0;
    if (no_base) insn->base = REG_NONE;
    insn->segment = insn->base == CPU_ESP || insn->base == CPU_EBP ? CPU_SS : CPU_DS;
    if (no_base || mod == 2)
        insn->displacement = (int32_t)next_bytes(d, 4);
    else if (mod == 1)
        insn->displacement = (int32_t)sign_extend(next8(d), 1);
}

/* ---- operands ---- */

static void decode_rm(struct decoder *d, const char *operand)
{
    struct insn *insn = d->insn;
    if (d->modrm >> 6 == 3 || operand[0] == 'R') {
        unsigned n = d->modrm & 7;
        insn->rm = (uint8_t)(operand[1] == 'b' ? byte_register(n) : n);
        return;
    }
    insn->memory = true;
    if (insn->address_size == 2)
        decode_memory16(d);
    else
        decode_memory32(d);
}

static uint64_t decode_immediate(struct decoder *d, char width)
{
    unsigned size = d->insn->operand_size;
    switch (width) {
    case 'b': return next8(d);
    case 's': return sign_extend(next8(d), 1);
    case 'w': return next_bytes(d, 2);
    case 'd': return next_bytes(d, 4);
    case 'z': size = size == 2 ? 2 : 4; break;
    default: break;
    }
    return sign_extend(next_bytes(d, size), size);
}

static void decode_far_pointer(struct decoder *d)
{
    d->insn->immediate = next_bytes(d, d->insn->operand_size == 2 ? 2 : 4);
    d->insn->immediate2 = (uint16_t)next_bytes(d, 2);
}

static void decode_operand(struct decoder *d, const char *operand, bool second_immediate)
{
    struct insn *insn = d->insn;
    char width = operand[1];
    unsigned low = insn->opcode & 7u;
    switch (operand[0]) {
    case 'E':
    case 'M':
    case 'R': decode_rm(d, operand); break;
    case 'G':
        if (width == 'b') insn->reg = (uint8_t)byte_register(insn->reg);
        break;
    case 'Z': insn->reg = (uint8_t)(width == 'b' ? byte_register(low) : low); break;
    case 'I':
        if (second_immediate)
            insn->immediate2 = (uint16_t)decode_immediate(d, width);
        else
            insn->immediate = decode_immediate(d, width);
        break;
    case 'J': insn->immediate = decode_immediate(d, width == 'b' ? 's' : width); break;
    case 'A': decode_far_pointer(d); break;
    case 'O':
        insn->memory = true;
        insn->displacement = (int32_t)next_bytes(d, insn->address_size);
        break;
    default: break;
    }
}

/* Rows name operands in the order of the assembler; in the bytes, ModRM and its displacement come before
 * immediates. */
static void decode_operands(struct decoder *d, const char *operands)
{
    bool modrm_seen = false, immediate_seen = false;
    for (const char *operand = operands; *operand; operand = operand_next(operand)) {
        if (!operand_is_coded(operand) || operand[0] == 'I') continue;
        modrm_seen |= operand_is_rm(operand);
        decode_operand(d, operand, false);
    }
    if (d->has_modrm && !modrm_seen) decode_rm(d, "Ev");
    for (const char *operand = operands; *operand; operand = operand_next(operand)) {
        if (!operand_is_coded(operand) || operand[0] != 'I') continue;
        decode_operand(d, operand, immediate_seen);
        immediate_seen = true;
    }
}

static insn_body row_body(const struct opcode *row, const struct insn *insn)
{
    unsigned column = insn->operand_size == 2 ? 0 : insn->operand_size == 4 ? 1 : 2;
    return insn->memory ? row->mem[column] : row->reg[column];
}

/* A row was found: its operands, and whether it takes these prefixes and this form. */
static void decode_row(struct decoder *d, const struct opcode *row)
{
    struct insn *insn = d->insn;
    insn->row = row;
    if (!row->name) {
        decode_undefined(d,
                         row->needs & ROW_ABSENT ? REASON_OPCODE_NOT_ON_THIS_CPU : REASON_OPCODE_UNDEFINED);
        return;
    }
    decode_operands(d, row->operands ? row->operands : "");
    if (d->override >= 0) insn->segment = (uint8_t)d->override;
    insn->body = row_body(row, insn);
    if (!insn->body)
        decode_undefined(d, REASON_OPERAND_FORM);
    else if ((insn->prefixes & INSN_LOCK) && !(insn->memory && (row->needs & ROW_LOCK)))
        decode_undefined(d, REASON_LOCK_NOT_ALLOWED);
}

bool decode_insn(const uint8_t *bytes, unsigned available, bool code32, struct insn *insn)
{
    struct decoder d = {
        .bytes = bytes, .available = available, .code32 = code32, .override = -1, .insn = insn};
    *insn = (struct insn){
        .base = REG_NONE,
        .index = REG_NONE,
        .segment = CPU_DS,
        .operand_size = code32 ? 4 : 2,
        .address_size = code32 ? 4 : 2,
    };
    const struct opcode *row = decode_opcode(&d);
    if (!d.short_of_bytes && !d.too_long) decode_row(&d, row);
    if (d.short_of_bytes && !d.too_long) return false;
    if (d.too_long) {
        insn->body = body_too_long;
        insn->row = &row_too_long;
    }
    insn->address_mask = bytes_mask(insn->address_size);
    insn->length = (uint8_t)d.at;
    return true;
}
