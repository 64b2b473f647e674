/* SPDX-License-Identifier: MIT */
/* What a Multiboot loader hands to the kernel: Multiboot Specification 0.6.96, section 3.3. */
#ifndef DEMO_MULTIBOOT_H
#define DEMO_MULTIBOOT_H

#include <stdint.h>

#define MULTIBOOT_LOADER_MAGIC 0x2badb002u /* in EAX at the kernel's entry */

enum {
    MULTIBOOT_INFO_MEMORY = 1 << 0,
    MULTIBOOT_INFO_CMDLINE = 1 << 2,
    MULTIBOOT_INFO_LOADER_NAME = 1 << 9,
};

struct multiboot_info {
    uint32_t flags;     /* which of the fields below are valid */
    uint32_t mem_lower; /* KiB from address 0 */
    uint32_t mem_upper; /* KiB from address 1 MiB */
    uint32_t boot_device;
    uint32_t cmdline; /* address of a C string */
    uint32_t mods_count, mods_addr;
    uint32_t syms[4];
    uint32_t mmap_length, mmap_addr;
    uint32_t drives_length, drives_addr;
    uint32_t config_table;
    uint32_t boot_loader_name; /* address of a C string */
};

_Static_assert(__builtin_offsetof(struct multiboot_info, boot_loader_name) == 64, "boot.S counts on it");

#endif
