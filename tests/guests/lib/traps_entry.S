/* SPDX-License-Identifier: MIT */
/* Entries of the 256 vectors, and the calls that a trap can end: see traps.h. */
#define SEL_DATA0 0x10
#define SEL_CODE3 0x1b
#define SEL_DATA3 0x23

    .text
    .globl trap_stubs, trap_guard, trap_leave, trap_start_user
    .balign 16
trap_stubs:                             /* 16 bytes each */
    .set    vector, 0
    .rept   256
    .balign 16
    .if     vector != 8 && vector != 17 && (vector < 10 || vector > 14)
    pushl   $0                          /* in place of an error code */
    .endif
    pushl   $vector
    jmp     trap_common
    .set    vector, vector + 1
    .endr

trap_common:
    pushal
    pushl   %ds
    pushl   %es
    pushl   %fs
    pushl   %gs
    movw    $SEL_DATA0, %ax
    movw    %ax, %ds
    movw    %ax, %es
    cld
    pushl   %esp
    call    trap_arrived
    addl    $4, %esp
    popl    %gs
    popl    %fs
    popl    %es
    popl    %ds
    popal
    addl    $8, %esp
    iret

/* bool trap_guard(fn, arg): false if fn returned. */
trap_guard:
    pushl   %ebp
    pushl   %ebx
    pushl   %esi
    pushl   %edi
    pushfl
    movl    %esp, guard_esp
    pushl   28(%esp)
    call    *28(%esp)
    addl    $4, %esp
    xorl    %eax, %eax
    jmp     1f
trap_leave:                             /* does not return: ends trap_guard() with true */
    movw    $SEL_DATA0, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %fs
    movw    %ax, %gs
    movw    %ax, %ss
    movl    guard_esp, %esp
    movl    $1, %eax
1:  popfl
    popl    %edi
    popl    %esi
    popl    %ebx
    popl    %ebp
    ret

/* trap_start_user(const struct { fn, arg } *) */
trap_start_user:
    movl    4(%esp), %eax
    movl    (%eax), %ecx
    movl    4(%eax), %eax
    movl    $user_stack_top - 8, %edx
    movl    $user_leave, (%edx)
    movl    %eax, 4(%edx)
    movw    $SEL_DATA3, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %fs
    movw    %ax, %gs
    pushl   $SEL_DATA3
    pushl   %edx
    pushl   %ss:probe_user_flags
    pushl   $SEL_CODE3
    pushl   %ecx
    iret
user_leave:
    int     $0x81

    .bss
    .balign 16
    .space  16384
user_stack_top:
guard_esp: .space 4
