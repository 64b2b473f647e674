/* SPDX-License-Identifier: MIT */
/* Code of system_traps whose instruction addresses matter: labels that the checks name. */
    .text
    .globl step_code, step_1, step_2, step_3, step_end, execute_code, execute_point, execute_after
    .globl shadow_code, shadow_end, rep_code, rep_point, rep_end, sti_code, sti_second, sti_third, sti_sti_third
    .globl sti_sti_code, ss_code, ss_second, ss_third, popf_code, popf_second, pop_ss_step, pop_ss_step_end

/* TF set by POPF: the trap comes after the instruction behind it (SDM 3B, 17.3.1.4). */
step_code:
    pushfl
    orl     $0x100, (%esp)
    popfl
step_1: nop
step_2: movl    $5, %ecx
step_3: nop
step_end:
    ret

execute_code:
    xorl    %ecx, %ecx
execute_point:
    incl    %ecx
execute_after:
    movl    %ecx, trap_counter
    ret

/* POP SS and MOV SS hold off the trap until the instruction behind them is done (SDM 3A, 6.8.3). */
pop_ss_step:
    pushl   %ss
    pushfl
    orl     $0x100, (%esp)
    popfl
    popl    %ss
    nop
pop_ss_step_end:
    nop
    pushfl
    andl    $~0x100, (%esp)
    popfl
    ret

rep_code:
    movl    $4, %ecx
    movl    $rep_data, %edi
    xorl    %eax, %eax
    pushfl
    orl     $0x100, (%esp)
    popfl
rep_point:
    rep stosb
rep_end:
    nop
    ret

/* With an interrupt waiting: it may come one instruction after STI. */
sti_code:
    sti
sti_second:
    nop
sti_third:
    nop
    cli
    ret

/* A second STI does not hold off further. */
sti_sti_code:
    sti
    sti
sti_sti_third:
    nop
    cli
    ret

/* MOV SS holds off an interrupt that IF allows already. */
ss_code:
    movl    %ss, %eax
    pushfl
    orl     $0x200, (%esp)
    sti
    movl    %eax, %ss
ss_second:
    nop
ss_third:
    nop
    addl    $4, %esp
    cli
    ret

/* POPF does not hold off. */
popf_code:
    pushfl
    orl     $0x200, (%esp)
    popfl
popf_second:
    nop
    cli
    ret

    .bss
    .globl trap_counter, rep_data
trap_counter: .space 4
rep_data:     .space 16
