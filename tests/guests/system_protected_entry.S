/* SPDX-License-Identifier: MIT */
/* Where gates of system_protected lead, and code that must be written out: all leave by INT 81h. */
    .text
    .globl gate_target, gate_target_return, gate_record, call_gate_user, far_target, saved_esp

/* Copies 16 words of 32 bits from the stack to gate_record; then ESP, CS, SS, EFLAGS. */
gate_target:
    movl    %esp, %ss:saved_esp
    pushfl
    popl    %ss:gate_record + 76
    movl    $0, %ecx
1:  movl    %ss:(%esp, %ecx, 4), %eax
    movl    %eax, %ss:gate_record(, %ecx, 4)
    incl    %ecx
    cmpl    $16, %ecx
    jb      1b
    movl    %esp, %ss:gate_record + 64
    movl    %cs, %eax
    movl    %eax, %ss:gate_record + 68
    movl    %ss, %eax
    movl    %eax, %ss:gate_record + 72
    int     $0x81

/* The same by C's `far_pointer`, two parameters taken back; what ESP is then goes to saved_esp. */
gate_target_return:
    movl    %cs, %eax
    movl    %eax, gate_record + 68
    movl    %esp, gate_record + 64
    lret    $8
call_gate_user:
    pushl   $0x1111
    pushl   $0x2222
    movl    %esp, %esi
    lcall   *far_pointer
    subl    %esi, %esp
    movl    %esp, saved_esp
    movl    %esi, %esp
far_target:
    int     $0x81

    .bss
    .balign 4
gate_record: .space 80
saved_esp:   .space 4
