/* SPDX-License-Identifier: MIT */
/* Why a fault was raised: name, one sentence for a person, where the rule stands. Included several times by fault.[hc]. */
FAULT_REASON(OPCODE_UNDEFINED, "no instruction has this opcode", "SDM 2, appendix A")
FAULT_REASON(OPCODE_NOT_ON_THIS_CPU, "this CPU model does not have the instruction", "SDM 2, CPUID")

/* Not faults, but delivered like them. */
FAULT_REASON(HARDWARE_INTERRUPT, "a device raised INTR", "SDM 3A, 6.3.1")
FAULT_REASON(NMI, "a device raised NMI", "SDM 3A, 6.7")
FAULT_REASON(SOFTWARE_INTERRUPT, "INT n was executed", "SDM 3A, 6.3.3")
FAULT_REASON(BREAKPOINT, "INT3 was executed", "SDM 3A, 6.15, interrupt 3")
FAULT_REASON(OVERFLOW, "INTO was executed with OF set", "SDM 3A, 6.15, interrupt 4")

/* Finding a descriptor: address is the offset of its last byte in the table, descriptor holds the table's limit. */
FAULT_REASON(SELECTOR_BEYOND_GDT, "the selector's descriptor lies beyond the GDT limit", "SDM 3A, 3.5.1")
FAULT_REASON(SELECTOR_BEYOND_LDT, "the selector's descriptor lies beyond the LDT limit", "SDM 3A, 3.5.1")
FAULT_REASON(LDT_UNUSABLE, "the selector asks for the LDT, and LDTR is null", "SDM 3A, 2.4.2")

/* Loading a data segment register. */
FAULT_REASON(DATA_NOT_READABLE, "DS, ES, FS and GS take a data segment or readable code", "SDM 3A, 5.5")
FAULT_REASON(DATA_DPL, "the data segment's DPL is below CPL or the selector's RPL", "SDM 3A, 5.6")
FAULT_REASON(DATA_NOT_PRESENT, "the data segment is not present", "SDM 3A, 6.15, interrupt 11")

/* Loading SS. */
FAULT_REASON(SS_NULL, "SS cannot be null", "SDM 3A, 3.4.2")
FAULT_REASON(SS_NOT_WRITABLE, "SS takes a writable data segment", "SDM 3A, 5.5")
FAULT_REASON(SS_RPL, "the RPL of the selector for SS is not the privilege level that the stack is for", "SDM 3A, 5.7")
FAULT_REASON(SS_DPL, "the DPL of the stack segment is not the privilege level that the stack is for", "SDM 3A, 5.7")
FAULT_REASON(SS_NOT_PRESENT, "the stack segment is not present", "SDM 3A, 6.15, interrupt 12")

/* Loading CS by a far transfer, a gate or a return. */
FAULT_REASON(CS_NULL, "CS cannot be null", "SDM 3A, 3.4.2")
FAULT_REASON(CS_NOT_CODE, "CS takes a code segment", "SDM 3A, 5.8")
FAULT_REASON(CS_RPL, "the RPL of the selector for CS is above CPL", "SDM 3A, 5.8.1.1")
FAULT_REASON(CS_DPL, "the DPL of the nonconforming code segment is not CPL", "SDM 3A, 5.8.1.1")
FAULT_REASON(CS_CONFORMING_DPL, "the DPL of the conforming code segment is above CPL", "SDM 3A, 5.8.1.2")
FAULT_REASON(CS_NOT_PRESENT, "the code segment is not present", "SDM 3A, 6.15, interrupt 11")
FAULT_REASON(CS_LIMIT, "the new EIP lies beyond the limit of the code segment", "SDM 3A, 5.3")
FAULT_REASON(FAR_TYPE, "a far jump or call cannot go through this type of descriptor", "SDM 3A, 5.8")
FAULT_REASON(CALL_GATE_DPL, "the DPL of the call gate is below CPL or the selector's RPL", "SDM 3A, 5.8.4")
FAULT_REASON(CALL_GATE_NOT_PRESENT, "the call gate is not present", "SDM 3A, 6.15, interrupt 11")
FAULT_REASON(CALL_GATE_CS_DPL, "the code segment behind the call gate does not let this CPL in", "SDM 3A, 5.8.4")
FAULT_REASON(RETURN_RPL, "a return cannot go to an inner privilege level", "SDM 3A, 5.8.6")
FAULT_REASON(RETURN_DPL, "the DPL of the code segment is not the RPL of the return address", "SDM 3A, 5.8.6")
FAULT_REASON(RETURN_CONFORMING_DPL, "the DPL of the conforming code segment is above the RPL of the return address",
             "SDM 3A, 5.8.6")
FAULT_REASON(STACK_ROOM, "the transfer needs more room than the stack segment has", "SDM 3A, 6.15, interrupt 12")

/* The stack of an inner privilege level, from the TSS. */
FAULT_REASON(TSS_STACK_BEYOND_LIMIT, "the TSS ends before the stack pointer of the new privilege level",
             "SDM 3A, 6.15, interrupt 10")
FAULT_REASON(TSS_SS_NULL, "the stack selector in the TSS is null", "SDM 3A, 6.15, interrupt 10")
FAULT_REASON(TSS_SS_RPL, "the RPL of the stack selector in the TSS is not the new privilege level",
             "SDM 3A, 6.15, interrupt 10")
FAULT_REASON(TSS_SS_DPL, "the DPL of the stack segment in the TSS is not the new privilege level",
             "SDM 3A, 6.15, interrupt 10")
FAULT_REASON(TSS_SS_NOT_WRITABLE, "the stack segment in the TSS is not writable data", "SDM 3A, 6.15, interrupt 10")
FAULT_REASON(TSS_SS_NOT_PRESENT, "the stack segment in the TSS is not present", "SDM 3A, 6.15, interrupt 12")

/* Tasks. */
FAULT_REASON(TSS_DPL, "the DPL of the TSS or task gate is below CPL or the selector's RPL", "SDM 3A, 7.3")
FAULT_REASON(TSS_BUSY, "the TSS is busy", "SDM 3A, 7.3")
FAULT_REASON(TSS_NOT_PRESENT, "the TSS or task gate is not present", "SDM 3A, 6.15, interrupt 11")
FAULT_REASON(TSS_LIMIT, "the TSS is smaller than its type needs", "SDM 3A, 7.2.2")
FAULT_REASON(TASK_GATE_NO_TSS, "the selector in the task gate is not that of a TSS", "SDM 3A, 7.2.5")
FAULT_REASON(TASK_LINK_NOT_BUSY, "IRET with NT set, and the back link does not name a busy TSS",
             "SDM 3A, 7.3")
FAULT_REASON(TASK_CS_DPL, "the DPL of the new task's code segment does not fit the RPL of its selector",
             "SDM 3A, table 7-1")

/* Virtual-8086 mode. */
FAULT_REASON(V86_IOPL, "IOPL is below 3 in virtual-8086 mode", "SDM 3B, 20.2.7")
FAULT_REASON(V86_INT_IOPL, "INT n in virtual-8086 mode with IOPL below 3, and not redirected",
             "SDM 3B, 20.3.3")
FAULT_REASON(V86_REDIRECTION_LIMIT, "the interrupt redirection bitmap lies beyond the TSS limit",
             "SDM 3B, 20.3.3")
FAULT_REASON(V86_FLAGS, "the flags would set TF, or the virtual interrupt flag with an interrupt pending",
             "SDM 2, POPF, IRET")
FAULT_REASON(V86_HANDLER_DPL, "an interrupt in virtual-8086 mode goes to nonconforming code of DPL 0 only",
             "SDM 3B, 20.3.1.1")
FAULT_REASON(VIRTUAL_INTERRUPT_PENDING, "STI with VIP set", "SDM 2, STI")
FAULT_REASON(V86_VIF_AND_VIP, "IRET to virtual-8086 mode with VIF and VIP both set", "SDM 3B, 20.3.2")

/* The IDT: address is the offset of the gate's last byte, descriptor holds the limit where the limit was broken. */
FAULT_REASON(IDT_LIMIT, "the vector's gate lies beyond the IDT limit", "SDM 3A, 6.10")
FAULT_REASON(IDT_LIMIT_REAL, "the vector's far pointer lies beyond the limit of the interrupt vector table",
             "SDM 3A, 20.1.4")
FAULT_REASON(IDT_GATE_TYPE, "the IDT entry is no interrupt, trap or task gate", "SDM 3A, 6.11")
FAULT_REASON(IDT_GATE_DPL, "the gate's DPL is below CPL, so INT n may not use it", "SDM 3A, 6.12.1.1")
FAULT_REASON(IDT_GATE_NOT_PRESENT, "the gate is not present", "SDM 3A, 6.15, interrupt 11")
FAULT_REASON(IDT_CS_NULL, "the code selector in the gate is null", "SDM 3A, 6.12.1")
FAULT_REASON(IDT_CS_NOT_CODE, "the selector in the gate is not that of a code segment", "SDM 3A, 6.12.1")
FAULT_REASON(IDT_CS_DPL, "the handler's code segment is less privileged than CPL", "SDM 3A, 6.12.1.1")
FAULT_REASON(DOUBLE_FAULT, "a second fault came while the first was being delivered", "SDM 3A, 6.15, interrupt 8")

/* System instructions and registers. */
FAULT_REASON(NEEDS_CPL0, "the instruction needs CPL 0", "SDM 3A, 5.9")
FAULT_REASON(NEEDS_IOPL, "CPL is above IOPL", "SDM 1, 18.5.1")
FAULT_REASON(NEEDS_PROTECTED_MODE, "the instruction exists in protected mode only", "SDM 3A, 20.1.3")
FAULT_REASON(LDT_SELECTOR_LOCAL, "LLDT takes a selector of the GDT, not of an LDT", "SDM 2, LLDT")
FAULT_REASON(LDT_WRONG_TYPE, "LLDT takes the descriptor of an LDT", "SDM 2, LLDT")
FAULT_REASON(LDT_NOT_PRESENT, "the LDT is not present", "SDM 2, LLDT")
FAULT_REASON(TR_NULL, "TR cannot be null", "SDM 2, LTR")
FAULT_REASON(TR_SELECTOR_LOCAL, "a TSS is selected from the GDT, not from an LDT", "SDM 3A, 7.2.2")
FAULT_REASON(TR_WRONG_TYPE, "LTR takes the descriptor of an available TSS", "SDM 2, LTR")
FAULT_REASON(TR_NOT_PRESENT, "the TSS is not present", "SDM 2, LTR")
FAULT_REASON(CR_UNDEFINED, "there is no such control register", "SDM 2, MOV--Move to/from Control Registers")
FAULT_REASON(CR0_PG_WITHOUT_PE, "CR0.PG needs CR0.PE", "SDM 3A, 2.5")
FAULT_REASON(CR0_NW_WITHOUT_CD, "CR0.NW needs CR0.CD", "SDM 3A, 2.5")
FAULT_REASON(PDPTE_RESERVED_BIT, "a reserved bit is set in a present PDPTE", "SDM 3A, 4.4.1")
FAULT_REASON(CR4_RESERVED, "CR4 bits that CPUID does not offer cannot be set", "SDM 3A, 2.5")
FAULT_REASON(DR4_DR5_WITH_DE, "DR4 and DR5 do not exist while CR4.DE is set", "SDM 3B, 17.2.2")
FAULT_REASON(MSR_UNKNOWN, "there is no such model-specific register", "SDM 2, RDMSR, WRMSR")
FAULT_REASON(MSR_READ_ONLY, "the model-specific register is read-only", "SDM 4, 2.1")
FAULT_REASON(MSR_RESERVED_BITS, "reserved bits of the model-specific register cannot be set", "SDM 4, 2.1")
FAULT_REASON(MSR_MEMORY_TYPE, "this memory type does not exist", "SDM 3A, 11.11.2.1, 11.12.2")
FAULT_REASON(TSC_DISABLED, "CR4.TSD keeps RDTSC for CPL 0", "SDM 3A, 2.5")
FAULT_REASON(SYSENTER_CS_NULL, "the SYSENTER_CS register is null", "SDM 2, SYSENTER, SYSEXIT")
FAULT_REASON(UD_ON_PURPOSE, "UD0, UD1 or UD2 was executed", "SDM 2, UD")
FAULT_REASON(RSM_OUTSIDE_SMM, "RSM exists in system management mode only", "SDM 2, RSM")

/* The FPU. */
FAULT_REASON(FPU_EMULATED, "an FPU instruction while CR0.EM is set", "SDM 3A, 2.5")
FAULT_REASON(FPU_TASK_SWITCHED, "an FPU instruction while CR0.TS is set", "SDM 3A, 2.5")
FAULT_REASON(FPU_WAIT_TASK_SWITCHED, "WAIT while CR0.MP and CR0.TS are set", "SDM 3A, 2.5")
FAULT_REASON(FXSAVE_ALIGNMENT, "FXSAVE and FXRSTOR take an address that is a multiple of 16", "SDM 2, FXSAVE")

/* Debugging. */
FAULT_REASON(DEBUG_SINGLE_STEP, "EFLAGS.TF was set", "SDM 3B, 17.3.1.4")
FAULT_REASON(DEBUG_INSN_BREAKPOINT, "an instruction breakpoint of DR0-3 was reached", "SDM 3B, 17.3.1.1")
FAULT_REASON(DEBUG_DATA_BREAKPOINT, "a data or I/O breakpoint of DR0-3 was hit", "SDM 3B, 17.3.1.2")
FAULT_REASON(DEBUG_GENERAL_DETECT, "a debug register was touched while DR7.GD was set", "SDM 3B, 17.3.1.3")
FAULT_REASON(DEBUG_TASK_SWITCH, "the new task's TSS has its T bit set", "SDM 3B, 17.3.1.5")
FAULT_REASON(DEBUG_INT1, "INT1 was executed", "SDM 2, INT n/INTO/INT3/INT1")

/* x87. */
FAULT_REASON(FPU_EXCEPTION, "an earlier FPU instruction raised an unmasked exception", "SDM 1, 8.7.1")

/* Data instructions. */
FAULT_REASON(DIVIDE_BY_ZERO, "the divisor is 0", "SDM 2, DIV")
FAULT_REASON(DIVIDE_OVERFLOW, "the quotient does not fit its register", "SDM 2, DIV")
FAULT_REASON(BOUND_RANGE, "the index lies outside its bounds", "SDM 2, BOUND")
FAULT_REASON(NO_SUCH_SEGMENT_REGISTER, "the instruction names a segment register that it cannot use", "SDM 2, MOV")
FAULT_REASON(IO_PERMISSION, "CPL is above IOPL and the TSS does not permit the port", "SDM 1, 19.5.2")

/* Fetching and decoding. */
FAULT_REASON(INSN_TOO_LONG, "the instruction is longer than 15 bytes", "SDM 2, 2.3.11")
FAULT_REASON(CODE_LIMIT, "the instruction does not lie within the code segment's limit", "SDM 3A, 5.3")
FAULT_REASON(LOCK_NOT_ALLOWED, "LOCK stands before an instruction or operand that cannot take it", "SDM 2, LOCK")
FAULT_REASON(OPERAND_FORM, "the opcode does not take this form of operand (register or memory)", "SDM 2, appendix A")

/* Memory by segment and offset: address is the offset. */
FAULT_REASON(SEGMENT_NULL, "the segment register is null", "SDM 3A, 3.4.2")
FAULT_REASON(SEGMENT_LIMIT, "the offset lies beyond the segment's limit", "SDM 3A, 5.3")
FAULT_REASON(SEGMENT_NOT_READABLE, "the segment is execute-only", "SDM 3A, 5.5")
FAULT_REASON(SEGMENT_NOT_WRITABLE, "the segment is not writable", "SDM 3A, 5.5")

/* Page faults: address is linear, entry the physical address of the paging entry, descriptor the entry. */
FAULT_REASON(PDPTE_NOT_PRESENT, "the page directory pointer table entry is not present", "SDM 3A, 4.7")
FAULT_REASON(PDE_NOT_PRESENT, "the page directory entry is not present", "SDM 3A, 4.7")
FAULT_REASON(PTE_NOT_PRESENT, "the page table entry is not present", "SDM 3A, 4.7")
FAULT_REASON(PAGE_RESERVED_BIT, "a reserved bit is set in a paging entry", "SDM 3A, 4.7")
FAULT_REASON(PAGE_SUPERVISOR, "user mode touched a supervisor page", "SDM 3A, 4.6.1")
FAULT_REASON(PAGE_READ_ONLY, "the page is read-only", "SDM 3A, 4.6.1")
FAULT_REASON(PAGE_NO_EXECUTE, "the page is not for execution (NX)", "SDM 3A, 4.6.1")

/* Alignment: address is linear. */
FAULT_REASON(ALIGNMENT, "the operand is not aligned, and CR0.AM and EFLAGS.AC are set",
             "SDM 3A, 6.15, interrupt 17")
