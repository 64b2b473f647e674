/* SPDX-License-Identifier: MIT */
/*
 * The kernel's first bytes and first instructions.
 *
 * The Multiboot header lets GRUB and `-kernel` load the ELF file; two more words after it tell our own boot sector
 * (boot.S), which has a flat copy instead of an ELF file, where that copy ends and where to jump.
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_FLAGS 0x00000003      /* modules on page boundaries; tell the size of memory */

    .section .multiboot, "a"
    .long   MULTIBOOT_MAGIC
    .long   MULTIBOOT_FLAGS
    .long   -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)
    .long   image_end                   /* read by boot.S: HEADER_END */
    .long   start                       /* read by boot.S: HEADER_ENTRY */

/*
 * Entry, from either loader: protected mode, paging off, interrupts off, flat segments of the loader's.
 * EAX = 2BADB002h, EBX = address of struct multiboot_info.
 */
    .text
    .globl start
    .type start, @function
start:
    cli
    cld
    lgdt    gdt_register                /* the loader's table may be anywhere: use our own */
    ljmp    $8, $1f
1:  movw    $16, %cx
    movw    %cx, %ds
    movw    %cx, %es
    movw    %cx, %fs
    movw    %cx, %gs
    movw    %cx, %ss
    movl    $stack_top, %esp

    movl    %eax, %edx                  /* clear the bss; a flat copy does not carry it */
    movl    $bss_start, %edi
    movl    $bss_end, %ecx
    subl    %edi, %ecx
    xorl    %eax, %eax
    rep stosb

    xorl    %ebp, %ebp                  /* here the chain of stack frames ends */
    pushl   %ebx
    pushl   %edx
    call    main                        /* main(magic, info) does not return */
1:  hlt
    jmp     1b
    .size start, . - start

    .section .rodata
    .balign 8
gdt:
    .quad   0
    .quad   0x00cf9a000000ffff          /* 08h: code, ring 0, base 0, limit 4 GiB */
    .quad   0x00cf92000000ffff          /* 10h: data, the same */
gdt_register:
    .word   . - gdt - 1
    .long   gdt

    .bss
    .balign 16
    .space  16384
stack_top:
