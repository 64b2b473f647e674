/* SPDX-License-Identifier: MIT */
/*
 * The report of a triple fault. Reads memory the way a debugger does: nothing changes by looking.
 */
#include <inttypes.h>
#include "emu/cpu/report.h"
#include "emu/cpu/segment.h"

struct report {
    const struct cpu *cpu;
    struct cpu_state state;
    FILE *to;
};

static bool is_protected(const struct report *report)
{
    return report->state.cr0 & 1;
}

static bool is_code32(const struct report *report)
{
    return report->state.segment[CPU_CS].access & ACCESS_BIG;
}

/* ---- gates ---- */

static const char valid_gate[] =
    "a present interrupt or trap gate (access 8e or 8f for 32 bits) whose selector names a "
    "present code segment with DPL <= CPL";

/* What is wrong with the code segment that a gate names; NULL when nothing is. */
static const char *target_verdict(const struct report *report, uint16_t selector, struct descriptor *code)
{
    bool local = selector & 4;
    uint64_t base = local ? report->state.ldtr.base : report->state.gdtr.base;
    uint32_t limit = local ? report->state.ldtr.limit : report->state.gdtr.limit;
    uint8_t bytes[8];
    *code = (struct descriptor){selector, (uint32_t)(base + (selector & 0xfff8)), 0};
    if (selector_null(selector)) return "its selector is null";
    if (local && !(report->state.ldtr.access & ACCESS_PRESENT))
        return "its selector is in the LDT, and LDTR is null";
    if ((selector | 7u) > limit) return "its selector lies beyond the limit of the descriptor table";
    if (cpu_debug_read(report->cpu, code->entry, bytes, 8) < 8) return "the descriptor table is not mapped";
    code->bytes = le64_load(bytes);
    if (!descriptor_is_code(code)) return "its selector does not name a code segment";
    if (descriptor_dpl(code) > report->state.cpl) return "its code segment is less privileged than CPL";
    if (!descriptor_present(code)) return "its code segment is not present";
    return NULL;
}

/* What is wrong with the TSS that a task gate names; NULL when nothing is. */
static const char *task_verdict(const struct report *report, uint16_t selector, struct descriptor *tss)
{
    uint8_t bytes[8];
    *tss = (struct descriptor){selector, (uint32_t)(report->state.gdtr.base + (selector & 0xfff8)), 0};
    if (selector & 4) return "its TSS selector is that of an LDT";
    if ((selector | 7u) > report->state.gdtr.limit) return "its TSS selector lies beyond the GDT limit";
    if (cpu_debug_read(report->cpu, tss->entry, bytes, 8) < 8) return "the GDT is not mapped";
    tss->bytes = le64_load(bytes);
    int type = descriptor_system_type(tss);
    if (type == SYSTEM_TSS16_BUSY || type == SYSTEM_TSS32_BUSY) return "its TSS is busy";
    if (type != SYSTEM_TSS16 && type != SYSTEM_TSS32) return "its selector does not name a TSS";
    return descriptor_present(tss) ? NULL : "its TSS is not present";
}

static const char *gate_verdict(const struct report *report, const struct descriptor *gate,
                                struct descriptor *target)
{
    int type = descriptor_system_type(gate);
    *target = (struct descriptor){0};
    switch (type) {
    case SYSTEM_TASK_GATE:
    case SYSTEM_INTERRUPT_GATE16:
    case SYSTEM_TRAP_GATE16:
    case SYSTEM_INTERRUPT_GATE32:
    case SYSTEM_TRAP_GATE32: break;
    default: return "the gate is no interrupt, trap or task gate";
    }
    if (!descriptor_present(gate)) return "the gate is not present";
    if (type == SYSTEM_TASK_GATE) return task_verdict(report, gate_selector(gate), target);
    const char *verdict = target_verdict(report, gate_selector(gate), target);
    if (verdict) return verdict;
    return gate_offset(gate) > descriptor_limit(target)
               ? "its offset lies beyond the limit of the code segment"
               : NULL;
}

static void print_descriptor(const struct report *report, const char *what, const struct descriptor *d)
{
    char text[160];
    descriptor_describe(d->bytes, text, sizeof(text));
    fprintf(report->to, "     %s at %08" PRIx64 ": %016" PRIx64 ", %s\n", what, d->entry, d->bytes, text);
}

static void print_gate_protected(const struct report *report, unsigned vector)
{
    struct descriptor code, gate = {.entry = (uint32_t)(report->state.idtr.base + vector * 8)};
    uint8_t bytes[8];
    if (vector * 8 + 7 > report->state.idtr.limit) {
        fprintf(report->to, "     IDT entry %u would be at %08" PRIx64 ", beyond the limit %04x\n", vector,
                gate.entry, report->state.idtr.limit);
        return;
    }
    if (cpu_debug_read(report->cpu, gate.entry, bytes, 8) < 8) {
        fprintf(report->to, "     IDT entry %u at %08" PRIx64 " is not mapped\n", vector, gate.entry);
        return;
    }
    gate.bytes = le64_load(bytes);
    const char *verdict = gate_verdict(report, &gate, &code);
    print_descriptor(report, "gate", &gate);
    const char *what = descriptor_system_type(&gate) == SYSTEM_TASK_GATE ? "its TSS" : "its code segment";
    if (code.bytes) print_descriptor(report, what, &code);
    if (verdict)
        fprintf(report->to, "     %s; valid would be %s\n", verdict, valid_gate);
    else
        fprintf(report->to, "     the gate itself is in order\n");
}

static void print_gate_real(const struct report *report, unsigned vector)
{
    uint64_t entry = (uint32_t)(report->state.idtr.base + vector * 4);
    uint8_t bytes[4];
    if (vector * 4 + 3 > report->state.idtr.limit)
        fprintf(report->to, "     vector table entry %u would be at %08" PRIx64 ", beyond the limit %04x\n",
                vector, entry, report->state.idtr.limit);
    else if (cpu_debug_read(report->cpu, entry, bytes, 4) == 4)
        fprintf(report->to, "     vector table entry %u at %08" PRIx64 ": %04x:%04x\n", vector, entry,
                le16_load(bytes + 2), le16_load(bytes));
}

static void print_gate(const struct report *report, unsigned vector)
{
    fprintf(report->to, "   which was to go through the gate of vector %u:\n", vector);
    if (is_protected(report))
        print_gate_protected(report, vector);
    else
        print_gate_real(report, vector);
}

/* ---- the chain ---- */

static bool is_same(const struct fault_record *a, const struct fault_record *b)
{
    return a->fault.vector == b->fault.vector && a->fault.reason == b->fault.reason &&
           a->fault.error == b->fault.error && a->fault.address == b->fault.address && a->eip == b->eip;
}

/* The history ends with the whole chain, #DF too; it begins where the chain's first record is. */
static const struct fault_record *chain_in_history(const struct cpu *cpu, const struct fault_record *first,
                                                   unsigned *count)
{
    unsigned total;
    const struct fault_record *history = cpu_fault_history(cpu, &total);
    for (unsigned i = total; i-- > 0;) {
        *count = total - i;
        if (is_same(&history[i], first)) return &history[i];
    }
    *count = 1;
    return first;
}

static void print_chain(const struct report *report, const struct fault_record *chain, unsigned count)
{
    char text[320];
    for (unsigned i = 0; i < count; i++) {
        fault_describe(&chain[i].fault, text, sizeof(text));
        fprintf(report->to, "%u. ", i + 1);
        if (i > 0 && chain[i].fault.vector != FAULT_DF)
            fprintf(report->to, "while delivering %s: ", fault_vector_name(chain[i - 1].fault.vector));
        fprintf(report->to, "%s\n", text);
        bool delivered = i + 1 < count && chain[i + 1].fault.vector != FAULT_DF;
        if (delivered) print_gate(report, chain[i].fault.vector);
    }
}

/* ---- the instruction, and the address in question ---- */

static void print_instruction(const struct report *report, const struct fault_record *record,
                              cpu_disassemble disassemble, void *owner)
{
    unsigned shown = record->length ? record->length : sizeof(record->bytes);
    char text[96] = "";
    fprintf(report->to, "\ninstruction at %04x:%08" PRIx64 " (linear %08" PRIx64 "), CPL %u:", record->cs,
            record->eip, record->linear, record->cpl);
    for (unsigned i = 0; i < shown; i++) fprintf(report->to, " %02x", record->bytes[i]);
    if (disassemble)
        disassemble(owner, record->bytes, sizeof(record->bytes), record->eip, is_code32(report), text,
                    sizeof(text));
    fprintf(report->to, "%s%s\n", *text ? "  " : "", text);
}

/* The linear address of the first page fault, else of the table entry or the instruction that went wrong. */
static uint64_t address_in_question(const struct fault_record *chain, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (chain[i].fault.vector == FAULT_PF) return chain[i].fault.address;
    return chain[0].linear;
}

static void print_walk(const struct report *report, uint64_t linear)
{
    struct page_walk walk;
    bool mapped = cpu_walk(report->cpu, linear, &walk);
    fprintf(report->to, "\npage walk of linear %08" PRIx64 ":", linear);
    if (!walk.levels) fprintf(report->to, " paging is off;");
    for (unsigned i = 0; i < walk.levels; i++)
        fprintf(report->to, " %s %08" PRIx64 " at physical %08" PRIx64 ";", walk.level[i].name,
                walk.level[i].entry, walk.level[i].address);
    if (mapped)
        fprintf(report->to, " physical %08" PRIx64 ", %s, %s\n", walk.physical,
                walk.writable ? "writable" : "read-only", walk.user ? "user" : "supervisor");
    else
        fprintf(report->to, " not mapped: %s\n", fault_reason_text(walk.reason));
}

void cpu_report_triple_fault(const struct cpu *cpu, FILE *to, cpu_disassemble disassemble, void *owner)
{
    unsigned count;
    const struct fault_record *chain = cpu_triple_fault(cpu, &count);
    struct report report = {.cpu = cpu, .to = to};
    if (!count) {
        fprintf(to, "no triple fault\n");
        return;
    }
    cpu_get_state(cpu, &report.state);
    fprintf(to, "triple fault: the processor shut down (SDM 3A, 6.15, interrupt 8)\n\n");
    unsigned links;
    const struct fault_record *history = chain_in_history(cpu, &chain[0], &links);
    print_chain(&report, history, links);
    print_instruction(&report, &chain[0], disassemble, owner);
    print_walk(&report, address_in_question(chain, count));
    fprintf(to, "\n");
    cpu_print(cpu, to);
}
