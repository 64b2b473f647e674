/* SPDX-License-Identifier: MIT */
/* The register layout for gdb: see gdb_registers.h. */
#include "emu/debug/gdb_registers.h"

#include <stdlib.h>
#include "emu/core/bits.h"
#include "emu/cpu/flags.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/segment.h"
#include "emu/cpu/x87_internal.h"

/* ---- what there is ---- */

enum kind {
    KIND_GPR,
    KIND_EIP,
    KIND_EFLAGS,
    KIND_SELECTOR,
    KIND_X87_REGISTER,
    KIND_X87_CONTROL,
    KIND_CR,
    KIND_SEGMENT_BASE,
    KIND_TABLE_BASE, /* 0: GDTR, 1: IDTR */
    KIND_TABLE_LIMIT,
    KIND_LDTR,
    KIND_TR,
};

enum x87_word {
    X87_CONTROL_WORD,
    X87_STATUS_WORD,
    X87_TAG_WORD,
    X87_CODE_SELECTOR,
    X87_CODE_OFFSET,
    X87_DATA_SELECTOR,
    X87_DATA_OFFSET,
    X87_OPCODE,
};

struct gdb_register {
    const char *name, *type;
    uint8_t kind, index, bytes;
};

#define CORE_COUNT 32

/* The order of the core is gdb's; a register's number is its place. */
static const struct gdb_register registers[] = {
    {"eax", "int32", KIND_GPR, CPU_EAX, 4},
    {"ecx", "int32", KIND_GPR, CPU_ECX, 4},
    {"edx", "int32", KIND_GPR, CPU_EDX, 4},
    {"ebx", "int32", KIND_GPR, CPU_EBX, 4},
    {"esp", "data_ptr", KIND_GPR, CPU_ESP, 4},
    {"ebp", "data_ptr", KIND_GPR, CPU_EBP, 4},
    {"esi", "int32", KIND_GPR, CPU_ESI, 4},
    {"edi", "int32", KIND_GPR, CPU_EDI, 4},
    {"eip", "code_ptr", KIND_EIP, 0, 4},
    {"eflags", "eflags_bits", KIND_EFLAGS, 0, 4},
    {"cs", "int32", KIND_SELECTOR, CPU_CS, 4},
    {"ss", "int32", KIND_SELECTOR, CPU_SS, 4},
    {"ds", "int32", KIND_SELECTOR, CPU_DS, 4},
    {"es", "int32", KIND_SELECTOR, CPU_ES, 4},
    {"fs", "int32", KIND_SELECTOR, CPU_FS, 4},
    {"gs", "int32", KIND_SELECTOR, CPU_GS, 4},
    {"st0", "i387_ext", KIND_X87_REGISTER, 0, 10},
    {"st1", "i387_ext", KIND_X87_REGISTER, 1, 10},
    {"st2", "i387_ext", KIND_X87_REGISTER, 2, 10},
    {"st3", "i387_ext", KIND_X87_REGISTER, 3, 10},
    {"st4", "i387_ext", KIND_X87_REGISTER, 4, 10},
    {"st5", "i387_ext", KIND_X87_REGISTER, 5, 10},
    {"st6", "i387_ext", KIND_X87_REGISTER, 6, 10},
    {"st7", "i387_ext", KIND_X87_REGISTER, 7, 10},
    {"fctrl", "int", KIND_X87_CONTROL, X87_CONTROL_WORD, 4},
    {"fstat", "int", KIND_X87_CONTROL, X87_STATUS_WORD, 4},
    {"ftag", "int", KIND_X87_CONTROL, X87_TAG_WORD, 4},
    {"fiseg", "int", KIND_X87_CONTROL, X87_CODE_SELECTOR, 4},
    {"fioff", "int", KIND_X87_CONTROL, X87_CODE_OFFSET, 4},
    {"foseg", "int", KIND_X87_CONTROL, X87_DATA_SELECTOR, 4},
    {"fooff", "int", KIND_X87_CONTROL, X87_DATA_OFFSET, 4},
    {"fop", "int", KIND_X87_CONTROL, X87_OPCODE, 4},
    /* ours */
    {"cr0", "cr0_bits", KIND_CR, 0, 4},
    {"cr2", "data_ptr", KIND_CR, 2, 4},
    {"cr3", "uint32", KIND_CR, 3, 4},
    {"cr4", "cr4_bits", KIND_CR, 4, 4},
    {"gdtr_base", "data_ptr", KIND_TABLE_BASE, 0, 4},
    {"gdtr_limit", "uint32", KIND_TABLE_LIMIT, 0, 4},
    {"idtr_base", "data_ptr", KIND_TABLE_BASE, 1, 4},
    {"idtr_limit", "uint32", KIND_TABLE_LIMIT, 1, 4},
    {"ldtr", "uint32", KIND_LDTR, 0, 4},
    {"tr", "uint32", KIND_TR, 0, 4},
    {"cs_base", "uint32", KIND_SEGMENT_BASE, CPU_CS, 4},
    {"ss_base", "uint32", KIND_SEGMENT_BASE, CPU_SS, 4},
    {"ds_base", "uint32", KIND_SEGMENT_BASE, CPU_DS, 4},
    {"es_base", "uint32", KIND_SEGMENT_BASE, CPU_ES, 4},
    {"fs_base", "uint32", KIND_SEGMENT_BASE, CPU_FS, 4},
    {"gs_base", "uint32", KIND_SEGMENT_BASE, CPU_GS, 4},
};

struct flag_name {
    const char *name;
    uint8_t bit;
};

static const struct flag_name eflags_names[] = {
    {"CF", 0},  {"PF", 2},  {"AF", 4},  {"ZF", 6},  {"SF", 7},  {"TF", 8},   {"IF", 9},   {"DF", 10},
    {"OF", 11}, {"NT", 14}, {"RF", 16}, {"VM", 17}, {"AC", 18}, {"VIF", 19}, {"VIP", 20}, {"ID", 21},
};
static const struct flag_name cr0_names[] = {
    {"PE", 0},  {"MP", 1},  {"EM", 2},  {"TS", 3},  {"ET", 4},  {"NE", 5},
    {"WP", 16}, {"AM", 18}, {"NW", 29}, {"CD", 30}, {"PG", 31},
};
static const struct flag_name cr4_names[] = {
    {"VME", 0}, {"PVI", 1}, {"TSD", 2}, {"DE", 3},     {"PSE", 4},         {"PAE", 5},
    {"MCE", 6}, {"PGE", 7}, {"PCE", 8}, {"OSFXSR", 9}, {"OSXMMEXCPT", 10},
};

unsigned gdb_register_count(void)
{
    return ARRAY_COUNT(registers);
}

unsigned gdb_register_size(unsigned n)
{
    return registers[n].bytes;
}

/* ---- reading ---- */

static uint64_t *control_register(struct cpu_state *state, unsigned n)
{
    uint64_t *const of[] = {&state->cr0, NULL, &state->cr2, &state->cr3, &state->cr4};
    return of[n];
}

static uint64_t x87_control_get(const struct x87_state *fpu, unsigned n)
{
    switch (n) {
    case X87_CONTROL_WORD: return fpu->control;
    case X87_STATUS_WORD: return x87_status_word(fpu);
    case X87_TAG_WORD: return x87_tag_word(fpu);
    case X87_CODE_SELECTOR: return fpu->code_selector;
    case X87_CODE_OFFSET: return fpu->code_offset;
    case X87_DATA_SELECTOR: return fpu->data_selector;
    case X87_DATA_OFFSET: return fpu->data_offset;
    default: return fpu->opcode;
    }
}

/* ST(n) is counted from the top of the stack. */
static unsigned x87_place(const struct x87_state *fpu, unsigned n)
{
    return (fpu->top + n) & 7;
}

static uint64_t register_get(const struct cpu_state *state, const struct gdb_register *r)
{
    const struct cpu_table_state *table = r->index ? &state->idtr : &state->gdtr;
    switch (r->kind) {
    case KIND_GPR: return state->gpr[r->index];
    case KIND_EIP: return state->eip;
    case KIND_EFLAGS: return state->eflags;
    case KIND_SELECTOR: return state->segment[r->index].selector;
    case KIND_SEGMENT_BASE: return state->segment[r->index].base;
    case KIND_CR: return *control_register((struct cpu_state *)state, r->index);
    case KIND_TABLE_BASE: return table->base;
    case KIND_TABLE_LIMIT: return table->limit;
    case KIND_LDTR: return state->ldtr.selector;
    case KIND_TR: return state->tr.selector;
    case KIND_X87_CONTROL: return x87_control_get(&state->x87, r->index);
    default: return state->x87.reg[x87_place(&state->x87, r->index)].mantissa;
    }
}

void gdb_register_read(const struct cpu_state *state, unsigned n, uint8_t *to)
{
    const struct gdb_register *r = &registers[n];
    le_store(to, r->bytes < 8 ? r->bytes : 8, register_get(state, r));
    if (r->kind == KIND_X87_REGISTER)
        le16_store(to + 8, state->x87.reg[x87_place(&state->x87, r->index)].sign_exponent);
}

/* ---- writing ---- */

/* Flags that a debugger may change; VM would take hidden parts along. */
#define EFLAGS_OPEN                                                                                          \
    (FLAG_ARITHMETIC | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_AC | FLAG_ID)

static bool find_descriptor(const struct cpu *cpu, const struct cpu_state *state, struct descriptor *d)
{
    bool local = d->selector & 4;
    uint64_t base = local ? state->ldtr.base : state->gdtr.base;
    uint32_t limit = local ? state->ldtr.limit : state->gdtr.limit;
    uint8_t bytes[8];
    if (local && !(state->ldtr.access & ACCESS_PRESENT)) return false;
    if ((d->selector | 7u) > limit) return false;
    d->entry = (uint32_t)(base + (d->selector & 0xfff8));
    if (cpu_debug_read(cpu, d->entry, bytes, sizeof(bytes)) != sizeof(bytes)) return false;
    d->bytes = le64_load(bytes);
    return true;
}

/* The privilege level stays as it is: what CPL may be in use is for the guest's own far transfers to say. */
static bool descriptor_fits(const struct descriptor *d, unsigned segment, unsigned cpl)
{
    if (!descriptor_present(d)) return false;
    if (segment == CPU_SS) return stack_segment_check(d, cpl) == REASON_NONE;
    if (segment != CPU_CS) return descriptor_is_readable(d);
    bool level = descriptor_is_conforming(d) ? descriptor_dpl(d) <= cpl : descriptor_dpl(d) == cpl;
    return descriptor_is_code(d) && level && (d->selector & 3u) == cpl;
}

static bool selector_write(const struct cpu *cpu, struct cpu_state *state, unsigned segment,
                           uint16_t selector)
{
    struct cpu_segment_state *old = &state->segment[segment];
    struct descriptor d = {.selector = selector};
    if (!(state->cr0 & CR0_PE)) {
        *old = segment_real(old, selector);
    } else if (selector_null(selector)) {
        if (segment == CPU_CS || segment == CPU_SS) return false;
        *old = segment_null(old, selector);
    } else {
        if (!find_descriptor(cpu, state, &d) || !descriptor_fits(&d, segment, state->cpl)) return false;
        *old = segment_from_descriptor(&d, selector);
    }
    return true;
}

static bool x87_error_pending(const struct x87_state *fpu)
{
    return fpu->status & ~fpu->control & FLOAT_EXCEPTIONS;
}

static uint8_t used_registers(uint16_t tags)
{
    unsigned used = 0;
    for (unsigned n = 0; n < 8; n++) used |= ((tags >> (2 * n) & 3) != 3) << n;
    return (uint8_t)used;
}

/* Whether an exception is pending, and with it the FERR# pin, is the guest's to change. */
static bool x87_control_write(struct x87_state *fpu, unsigned n, uint32_t value)
{
    bool pending = x87_error_pending(fpu);
    switch (n) {
    case X87_CONTROL_WORD: fpu->control = (value & 0x1f3f) | 0x40; break;
    case X87_STATUS_WORD:
        fpu->top = value >> 11 & 7;
        fpu->status = (value & 0x477f) | (fpu->status & (X87_SUMMARY | X87_BUSY));
        break;
    case X87_TAG_WORD: fpu->used = used_registers((uint16_t)value); break;
    case X87_CODE_SELECTOR: fpu->code_selector = (uint16_t)value; break;
    case X87_CODE_OFFSET: fpu->code_offset = value; break;
    case X87_DATA_SELECTOR: fpu->data_selector = (uint16_t)value; break;
    case X87_DATA_OFFSET: fpu->data_offset = value; break;
    default: fpu->opcode = value & 0x7ff; break;
    }
    return x87_error_pending(fpu) == pending;
}

bool gdb_register_write(const struct cpu *cpu, struct cpu_state *state, unsigned n, const uint8_t *from)
{
    const struct gdb_register *r = &registers[n];
    if (r->kind == KIND_X87_REGISTER) {
        struct float80 *reg = &state->x87.reg[x87_place(&state->x87, r->index)];
        *reg = (struct float80){.mantissa = le64_load(from), .sign_exponent = le16_load(from + 8)};
        return true;
    }
    uint32_t value = le32_load(from);
    if (value == (uint32_t)register_get(state, r)) return true;
    switch (r->kind) {
    case KIND_GPR: state->gpr[r->index] = value; return true;
    case KIND_EIP: state->eip = value; return true;
    case KIND_EFLAGS:
        state->eflags = (state->eflags & ~(uint64_t)EFLAGS_OPEN) | (value & EFLAGS_OPEN);
        return true;
    case KIND_SELECTOR: return value <= 0xffff && selector_write(cpu, state, r->index, (uint16_t)value);
    case KIND_CR:
        if (r->index == 2 || r->index == 3) *control_register(state, r->index) = value;
        return r->index == 2 || r->index == 3;
    case KIND_X87_CONTROL: return x87_control_write(&state->x87, r->index, value);
    default: return false;
    }
}

/* ---- target.xml ---- */

static void describe_flags(FILE *to, const char *id, const struct flag_name *names, unsigned count)
{
    fprintf(to, "<flags id=\"%s\" size=\"4\">\n", id);
    for (unsigned i = 0; i < count; i++)
        fprintf(to, "  <field name=\"%s\" start=\"%u\" end=\"%u\"/>\n", names[i].name, names[i].bit,
                names[i].bit);
    fprintf(to, "</flags>\n");
}

static void describe_registers(FILE *to, unsigned from, unsigned end)
{
    for (unsigned n = from; n < end; n++) {
        const struct gdb_register *r = &registers[n];
        const char *group = r->kind == KIND_X87_CONTROL ? " group=\"float\"" : "";
        fprintf(to, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"%s/>\n", r->name, 8 * r->bytes, r->type,
                group);
    }
}

char *gdb_registers_describe(bool code16, size_t *size)
{
    char *text = NULL;
    FILE *to = open_memstream(&text, size);
    if (!to) return NULL;
    fprintf(to,
            "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n"
            "<architecture>%s</architecture>\n<feature name=\"org.gnu.gdb.i386.core\">\n",
            code16 ? "i8086" : "i386");
    describe_flags(to, "eflags_bits", eflags_names, ARRAY_COUNT(eflags_names));
    describe_registers(to, 0, CORE_COUNT);
    fprintf(to, "</feature>\n<feature name=\"vitrine.i386.system\">\n");
    describe_flags(to, "cr0_bits", cr0_names, ARRAY_COUNT(cr0_names));
    describe_flags(to, "cr4_bits", cr4_names, ARRAY_COUNT(cr4_names));
    describe_registers(to, CORE_COUNT, gdb_register_count());
    fprintf(to, "</feature>\n</target>\n");
    bool bad = ferror(to);
    if (fclose(to) || bad) {
        free(text);
        return NULL;
    }
    return text;
}
