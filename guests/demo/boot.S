/* SPDX-License-Identifier: MIT */
/*
 * The boot sector: 512 bytes that the BIOS reads from LBA 0 to 0000:7C00 and jumps to, in real mode, with the number
 * of the boot drive in DL.  It does the work of a small Multiboot loader:
 *
 *   1. reads the flat kernel (LBA 1 onward) to 64 KiB with INT 13h, AH=42h (BIOS Enhanced Disk Drive specification);
 *   2. asks for the size of memory, INT 12h and INT 15h AX=E801h;
 *   3. opens the A20 gate;
 *   4. enters protected mode, copies the kernel to 1 MiB and jumps to it as the Multiboot specification says:
 *      EAX = 2BADB002h, EBX = address of the information structure.
 *
 * The size and the entry point stand in the first bytes of the kernel; see start.S.
 */
#include "disk_layout.h"

#define LOAD_SEGMENT    0x1000          /* the kernel is first read to linear 10000h ... */
#define LOAD_LINEAR     0x10000
#define MAX_SECTORS     896             /* ... and may reach up to 80000h */
#define SECTORS_AT_ONCE 32

#define HEADER_MAGIC 0x1BADB002
#define HEADER_END   12                 /* offsets in the kernel's first bytes */
#define HEADER_ENTRY 16

#define INFO_MEMORY 0x001               /* multiboot_info.flags: mem_lower, mem_upper are valid */
#define INFO_LOADER 0x200               /* boot_loader_name is valid */

    .code16
    .text
    .globl boot
boot:
    cli
    xorw    %ax, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %ss
    movw    $boot, %sp                  /* the stack grows down from this sector */
    ljmp    $0, $1f                     /* some BIOSes come in as 07C0:0000 */
1:  sti
    cld
    movb    %dl, drive

    /* INT 13h extensions present, with the packet functions? */
    movb    $0x41, %ah
    movw    $0x55aa, %bx
    int     $0x13
    movw    $no_lba, %si
    jc      fail
    cmpw    $0xaa55, %bx
    jne     fail
    testb   $1, %cl
    jz      fail

    /* One sector first: its header says how many there are. */
    movw    $1, packet_count
    call    read_packet
    movw    $LOAD_SEGMENT, %ax
    movw    %ax, %es
    movw    $no_kernel, %si
    cmpl    $HEADER_MAGIC, %es:0
    jne     fail
    movl    %es:HEADER_END, %ebx
    subl    $DEMO_KERNEL_ADDRESS - 511, %ebx
    shrl    $9, %ebx                    /* EBX = sectors, rounded up */
    jz      fail
    cmpl    $MAX_SECTORS, %ebx
    ja      fail

    movw    $SECTORS_AT_ONCE, packet_count
1:  call    read_packet                 /* the last read may go past the kernel: there is more disk behind it */
    addl    $SECTORS_AT_ONCE, packet_lba
    addw    $SECTORS_AT_ONCE * 32, packet_segment   /* 512 bytes are 32 paragraphs */
    subw    $SECTORS_AT_ONCE, %bx
    jg      1b

    /* Memory in KiB: below 1 MiB, and from 1 MiB up. */
    movl    $INFO_MEMORY | INFO_LOADER, info
    movl    $loader, info_loader_name
    int     $0x12
    movzwl  %ax, %eax
    movl    %eax, info_lower
    movl    $0, info_upper
    movw    $0xe801, %ax
    int     $0x15
    jc      1f
    movzwl  %ax, %eax                   /* 1 MiB to 16 MiB, in KiB */
    movzwl  %bx, %ebx                   /* above 16 MiB, in units of 64 KiB */
    shll    $6, %ebx
    addl    %ebx, %eax
    movl    %eax, info_upper
1:
    /* A20: ask the BIOS, which knows the keyboard controller; if that did not do it, the fast gate of port 92h. */
    movw    $0x2401, %ax
    int     $0x15
    call    a20_check
    je      enter_protected_mode
    inb     $0x92, %al
    orb     $2, %al
    andb    $0xfe, %al                  /* bit 0 would reset the machine */
    outb    %al, $0x92
    call    a20_check
    movw    $no_a20, %si
    jne     fail

enter_protected_mode:
    cli
    lgdt    gdt_register
    movl    %cr0, %eax
    orb     $1, %al
    movl    %eax, %cr0
    ljmp    $8, $protected_mode

/* Reads the sectors that the packet names; three attempts, with a reset of the drive between them. */
read_packet:
    pushaw
    movw    $3, %bp
1:  pushw   packet_count                /* after an error the BIOS leaves its own count there */
    movw    $packet, %si
    movb    drive, %dl
    movb    $0x42, %ah
    int     $0x13
    popw    packet_count
    jnc     2f
    movb    $0, %ah
    int     $0x13
    decw    %bp
    jnz     1b
    movw    $read_error, %si
    jmp     fail
2:  popaw
    ret

/* ZF set if the gate is open: then FFFF:7E0E (linear 107DFEh) stays as it is when 0000:7DFE changes. */
a20_check:
    movw    $0xffff, %ax
    movw    %ax, %es
    notw    signature
    movw    %es:signature + 16, %ax
    notw    signature
    cmpw    %es:signature + 16, %ax
    ret

/* Prints the string at SI and stops. */
fail:
    lodsb
    testb   %al, %al
    jz      1f
    movb    $0x0e, %ah
    movw    $7, %bx
    int     $0x10
    jmp     fail
1:  hlt
    jmp     1b

    .code32
protected_mode:
    movw    $16, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %ss
    movl    $boot, %esp
    movl    $LOAD_LINEAR, %esi
    movl    $DEMO_KERNEL_ADDRESS, %edi
    movl    LOAD_LINEAR + HEADER_END, %ecx
    subl    %edi, %ecx
    addl    $3, %ecx
    shrl    $2, %ecx
    rep movsl
    movl    $0x2badb002, %eax
    movl    $info, %ebx
    jmp     *LOAD_LINEAR + HEADER_ENTRY

no_lba:     .asciz "no LBA in the BIOS"
no_kernel:  .asciz "no kernel"
read_error: .asciz "read error"
no_a20:     .asciz "A20 shut"
loader:     .asciz "the boot sector"

    .balign 4
packet:                                 /* disk address packet */
    .byte   16, 0
packet_count:
    .word   1
    .word   0                           /* buffer: offset, segment */
packet_segment:
    .word   LOAD_SEGMENT
packet_lba:
    .long   DEMO_KERNEL_LBA, 0

    .balign 8
gdt:
    .quad   0
    .quad   0x00cf9a000000ffff          /* 08h: code, base 0, limit 4 GiB */
    .quad   0x00cf92000000ffff          /* 10h: data, the same */
gdt_register:
    .word   . - gdt - 1
    .long   gdt

    .org    0x1fe
signature:
    .word   0xaa55

/* Below the stack, in memory that is ours until the kernel has it: struct multiboot_info, see multiboot.h. */
    .set    info, 0x7000
    .set    info_lower, info + 4
    .set    info_upper, info + 8
    .set    info_loader_name, info + 64
    .set    drive, info + 128
