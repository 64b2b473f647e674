/* SPDX-License-Identifier: MIT */
/* Control instructions and the images of the FPU's state in memory (SDM 1, 8.1.8 to 8.1.10, 8.3.9, 10.5). */
#include "emu/cpu/flags.h"
#include "emu/cpu/go_on.h"
#include "emu/cpu/system.h"
#include "emu/cpu/x87_internal.h"

/* ---- words ---- */

void body_fninit(struct cpu *cpu, const struct insn *insn)
{
    struct x87_state *fpu = x87_of(cpu);
    (void)insn;
    fpu->control = 0x37f;
    fpu->status = 0;
    fpu->top = 0;
    fpu->used = 0;
    fpu->opcode = 0;
    fpu->code_offset = fpu->data_offset = 0;
    fpu->code_selector = fpu->data_selector = 0;
    x87_update_summary(cpu);
}

void body_fnclex(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    x87_of(cpu)->status &= X87_CONDITIONS;
    x87_update_summary(cpu);
}

/* Bit 6 is always 1, the other reserved bits 0 but for bit 12, the infinity control of the 287, which can
 * be written. */
static void set_control(struct cpu *cpu, uint16_t control)
{
    x87_of(cpu)->control = (control & 0x1f3f) | 0x40;
    x87_update_summary(cpu);
}

void body_fldcw(struct cpu *cpu, const struct insn *insn)
{
    set_control(cpu, mem_read16(cpu, insn->segment, insn_ea(cpu, insn)));
}

void body_fnstcw(struct cpu *cpu, const struct insn *insn)
{
    mem_write16(cpu, insn->segment, insn_ea(cpu, insn), x87_of(cpu)->control);
}

void body_fnstsw(struct cpu *cpu, const struct insn *insn)
{
    mem_write16(cpu, insn->segment, insn_ea(cpu, insn), x87_status_word(x87_of(cpu)));
}

void body_fnstsw_ax(struct cpu *cpu, const struct insn *insn)
{
    (void)insn;
    set_acc16(cpu, x87_status_word(x87_of(cpu)));
}

void body_fnop(struct cpu *cpu, const struct insn *insn)
{
    (void)cpu, (void)insn;
}

void body_fincstp(struct cpu *cpu, const struct insn *insn)
{
    struct x87_state *fpu = x87_of(cpu);
    (void)insn;
    fpu->top = (fpu->top + 1) & 7;
    x87_set_c1(fpu, false);
}

void body_fdecstp(struct cpu *cpu, const struct insn *insn)
{
    struct x87_state *fpu = x87_of(cpu);
    (void)insn;
    fpu->top = (fpu->top - 1) & 7;
    x87_set_c1(fpu, false);
}

void body_ffree(struct cpu *cpu, const struct insn *insn)
{
    x87_free(x87_of(cpu), insn->rm);
    x87_set_c1(x87_of(cpu), false);
}

void body_ffreep(struct cpu *cpu, const struct insn *insn)
{
    body_ffree(cpu, insn);
    x87_pop(x87_of(cpu));
}

/* ---- images: bytes of guest memory, all checks first ---- */

static void image_read(struct cpu *cpu, const struct insn *insn, uint8_t *image, unsigned size)
{
    uint32_t offset = insn_ea(cpu, insn);
    for (unsigned i = 0; i < size; i += 2) le16_store(image + i, mem_read16(cpu, insn->segment, offset + i));
}

static void image_write(struct cpu *cpu, const struct insn *insn, const uint8_t *image, unsigned size)
{
    uint32_t offset = insn_ea(cpu, insn);
    mem_probe_write(cpu, insn->segment, offset, size);
    for (unsigned i = 0; i < size; i += 2) mem_write16(cpu, insn->segment, offset + i, le16_load(image + i));
}

#define ENVIRONMENT_MOST 28
#define REGISTERS_SIZE   80

/* Seven words or doublewords: control, status, tags, and four for the pointers (SDM 1, figures 8-9 to
 * 8-12). */
enum { ENV_CONTROL, ENV_STATUS, ENV_TAGS, ENV_CODE, ENV_CODE_HIGH, ENV_DATA, ENV_DATA_HIGH, ENV_WORDS };

static unsigned environment_size(const struct insn *insn)
{
    return insn->operand_size == 2 ? 14 : 28;
}

static void compose_pointers(const struct cpu *cpu, bool wide, uint32_t words[ENV_WORDS])
{
    const struct x87_state *fpu = &cpu->s.x87;
    uint32_t code = (uint32_t)fpu->code_offset, data = (uint32_t)fpu->data_offset;
    if (cpu_uses_descriptors(cpu)) {
        words[ENV_CODE] = code;
        words[ENV_CODE_HIGH] = fpu->code_selector | (wide ? (uint32_t)fpu->opcode << 16 : 0);
        words[ENV_DATA] = data;
        words[ENV_DATA_HIGH] = fpu->data_selector | 0xffff0000;
        return;
    }
    uint32_t upper = wide ? 0x0ffff000 : 0xf000;
    code += (uint32_t)fpu->code_selector << 4;
    data += (uint32_t)fpu->data_selector << 4;
    words[ENV_CODE] = code | 0xffff0000;
    words[ENV_CODE_HIGH] = (code >> 4 & upper) | fpu->opcode;
    words[ENV_DATA] = data | 0xffff0000;
    words[ENV_DATA_HIGH] = data >> 4 & upper;
}

static void load_pointers(struct cpu *cpu, bool wide, const uint32_t words[ENV_WORDS])
{
    struct x87_state *fpu = x87_of(cpu);
    if (cpu_uses_descriptors(cpu)) {
        fpu->code_offset = words[ENV_CODE];
        fpu->code_selector = (uint16_t)words[ENV_CODE_HIGH];
        fpu->data_offset = words[ENV_DATA];
        fpu->data_selector = (uint16_t)words[ENV_DATA_HIGH];
        fpu->opcode = wide ? words[ENV_CODE_HIGH] >> 16 & 0x7ff : 0;
        return;
    }
    uint32_t upper = wide ? 0x0ffff000 : 0xf000;
    fpu->code_offset = (words[ENV_CODE] & 0xffff) | (words[ENV_CODE_HIGH] & upper) << 4;
    fpu->data_offset = (words[ENV_DATA] & 0xffff) | (words[ENV_DATA_HIGH] & upper) << 4;
    fpu->code_selector = fpu->data_selector = 0;
    fpu->opcode = words[ENV_CODE_HIGH] & 0x7ff;
}

static void environment_compose(const struct cpu *cpu, const struct insn *insn, uint8_t *image)
{
    const struct x87_state *fpu = &cpu->s.x87;
    unsigned width = insn->operand_size == 2 ? 2 : 4;
    uint32_t words[ENV_WORDS] = {
        [ENV_CONTROL] = fpu->control | 0xffff0000u,
        [ENV_STATUS] = x87_status_word(fpu) | 0xffff0000u,
        [ENV_TAGS] = x87_tag_word(fpu) | 0xffff0000u,
    };
    compose_pointers(cpu, width == 4, words);
    for (unsigned i = 0; i < ENV_WORDS; i++) le_store(image + i * width, width, words[i]);
}

/* Of the tag word only empty or not counts. */
static void environment_load(struct cpu *cpu, const struct insn *insn, const uint8_t *image)
{
    struct x87_state *fpu = x87_of(cpu);
    unsigned width = insn->operand_size == 2 ? 2 : 4;
    uint32_t words[ENV_WORDS];
    for (unsigned i = 0; i < ENV_WORDS; i++) words[i] = (uint32_t)le_load(image + i * width, width);
    fpu->status = words[ENV_STATUS] & ~0x3800u & 0xffff;
    fpu->top = words[ENV_STATUS] >> 11 & 7;
    fpu->used = 0;
    for (unsigned n = 0; n < 8; n++) fpu->used |= (uint8_t)(((words[ENV_TAGS] >> (2 * n) & 3) != 3) << n);
    load_pointers(cpu, width == 4, words);
    set_control(cpu, (uint16_t)words[ENV_CONTROL]);
}

void body_fldenv(struct cpu *cpu, const struct insn *insn)
{
    uint8_t image[ENVIRONMENT_MOST];
    image_read(cpu, insn, image, environment_size(insn));
    environment_load(cpu, insn, image);
}

/* Afterwards all exceptions are masked. */
void body_fnstenv(struct cpu *cpu, const struct insn *insn)
{
    uint8_t image[ENVIRONMENT_MOST];
    environment_compose(cpu, insn, image);
    image_write(cpu, insn, image, environment_size(insn));
    set_control(cpu, x87_of(cpu)->control | FLOAT_EXCEPTIONS);
}

void body_frstor(struct cpu *cpu, const struct insn *insn)
{
    uint8_t image[ENVIRONMENT_MOST + REGISTERS_SIZE];
    struct x87_state *fpu = x87_of(cpu);
    unsigned size = environment_size(insn);
    image_read(cpu, insn, image, size + REGISTERS_SIZE);
    environment_load(cpu, insn, image);
    for (unsigned i = 0; i < 8; i++) fpu->reg[x87_index(fpu, i)] = float80_load(image + size + 10 * i);
}

void body_fnsave(struct cpu *cpu, const struct insn *insn)
{
    uint8_t image[ENVIRONMENT_MOST + REGISTERS_SIZE];
    unsigned size = environment_size(insn);
    environment_compose(cpu, insn, image);
    for (unsigned i = 0; i < 8; i++) float80_store(image + size + 10 * i, x87_get(x87_of(cpu), i));
    image_write(cpu, insn, image, size + REGISTERS_SIZE);
    body_fninit(cpu, insn);
}

/* ---- FXSAVE (SDM 1, table 10-2): what lies between and behind the fields is left as it is; this CPU has
 * no SSE ---- */

#define FX_SIZE 160
enum { FX_CONTROL = 0, FX_STATUS = 2, FX_USED = 4, FX_OPCODE = 6, FX_CODE = 8, FX_CODE_SELECTOR = 12 };
enum { FX_DATA = 16, FX_DATA_SELECTOR = 20, FX_REGISTERS = 32, FX_STRIDE = 16 };

static void check_fx(struct cpu *cpu, const struct insn *insn)
{
    x87_check_available(cpu);
    uint32_t offset = insn_ea(cpu, insn);
    if ((offset + (uint32_t)cpu->window[insn->segment].base) & 15) fault_gp(cpu, 0, REASON_FXSAVE_ALIGNMENT);
}

BODY(fxsave)
{
    const struct x87_state *fpu = x87_of(cpu);
    uint8_t image[FX_SIZE];
    check_fx(cpu, insn);
    mem_probe_write(cpu, insn->segment, insn_ea(cpu, insn), 512);
    image_read(cpu, insn, image, FX_SIZE);
    le16_store(image + FX_CONTROL, fpu->control);
    le16_store(image + FX_STATUS, x87_status_word(fpu));
    le16_store(image + FX_USED, fpu->used);
    le16_store(image + FX_OPCODE, fpu->opcode);
    le32_store(image + FX_CODE, (uint32_t)fpu->code_offset);
    le16_store(image + FX_CODE_SELECTOR, fpu->code_selector);
    le32_store(image + FX_DATA, (uint32_t)fpu->data_offset);
    le16_store(image + FX_DATA_SELECTOR, fpu->data_selector);
    for (unsigned i = 0; i < 8; i++) {
        uint8_t *slot = image + FX_REGISTERS + FX_STRIDE * i;
        float80_store(slot, x87_get(fpu, i));
        le_store(slot + 10, 6, 0);
    }
    image_write(cpu, insn, image, FX_SIZE);
}

BODY(fxrstor)
{
    struct x87_state *fpu = x87_of(cpu);
    uint8_t image[FX_SIZE];
    check_fx(cpu, insn);
    image_read(cpu, insn, image, FX_SIZE);
    uint16_t status = le16_load(image + FX_STATUS);
    fpu->status = status & (uint16_t)~0x3800u;
    fpu->top = status >> 11 & 7;
    fpu->used = image[FX_USED];
    fpu->opcode = le16_load(image + FX_OPCODE) & 0x7ff;
    fpu->code_offset = le32_load(image + FX_CODE);
    fpu->code_selector = le16_load(image + FX_CODE_SELECTOR);
    fpu->data_offset = le32_load(image + FX_DATA);
    fpu->data_selector = le16_load(image + FX_DATA_SELECTOR);
    for (unsigned i = 0; i < 8; i++)
        fpu->reg[x87_index(fpu, i)] = float80_load(image + FX_REGISTERS + FX_STRIDE * i);
    set_control(cpu, le16_load(image + FX_CONTROL));
}
