/* SPDX-License-Identifier: MIT */
/*
 * Firmware configuration device, as QEMU publishes it (docs/specs/fw_cfg): numbered items and named files which firmware
 * reads from ports, or has copied to memory by the device.
 *
 *   510h  selector, 16 bits, write: chooses an item and starts at its first byte
 *   511h  data, 8 bits, read: next byte of the item; 0 behind its end. Writes are ignored
 *   514h  DMA address, two 32-bit halves, big-endian, high half first; writing the low half starts. Reads "QEMU CFG"
 *
 * Items cannot be written by the guest: a DMA write ends with the error bit. DMA moves memory by message, in pieces, and
 * stops with the error bit at the first piece that nobody takes.
 */
#ifndef DEVICES_PLATFORM_FW_CFG_H
#define DEVICES_PLATFORM_FW_CFG_H

#include <stdbool.h>
#include "devices/device.h"
#include "emu/core/clock.h"
#include "mem/space.h"

/* Items with fixed keys. Numbers are little-endian. */
enum fw_cfg_key {
    FW_CFG_SIGNATURE = 0x00, /* "QEMU" */
    FW_CFG_ID = 0x01,        /* u32: 1 ports, 2 DMA */
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,  /* u64, below 4 GiB */
    FW_CFG_NOGRAPHIC = 0x04, /* u16 */
    FW_CFG_NB_CPUS = 0x05,   /* u16 */
    FW_CFG_MACHINE_ID = 0x06,
    FW_CFG_KERNEL_ADDR = 0x07, /* u32, as all of the loader's */
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_KERNEL_CMDLINE = 0x09,
    FW_CFG_INITRD_ADDR = 0x0a,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_DEVICE = 0x0c,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e, /* u16 */
    FW_CFG_MAX_CPUS = 0x0f,  /* u16 */
    FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_ADDR = 0x16,
    FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20, /* files get keys from here, in the order they are added */
};

#define FW_CFG_FILE_NAME 56 /* bytes of a name, its zero included */

struct fw_cfg_config {
    uint64_t ram_size; /* below 4 GiB */
    uint16_t cpus;
    bool graphic;
    bool boot_menu;
};

struct fw_cfg;

/* `memory` is the space that DMA goes through; it outlives the device. Has the items of the configuration and an empty directory. */
struct fw_cfg *fw_cfg_new(struct region *io, struct device_list *devices, struct clock *clock,
                          struct space *memory, const struct fw_cfg_config *config);

/* Items; the bytes are copied, and replace those of an earlier item of the key. False when memory cannot be had. To be
 * called before the machine runs. */
bool fw_cfg_add_item(struct fw_cfg *fw, uint16_t key, const void *data, uint32_t size);
bool fw_cfg_add_u16(struct fw_cfg *fw, uint16_t key, uint16_t value);
bool fw_cfg_add_u32(struct fw_cfg *fw, uint16_t key, uint32_t value);
bool fw_cfg_add_u64(struct fw_cfg *fw, uint16_t key, uint64_t value);
/* A file with an entry in the directory ("etc/e820"). False when its name is too long or taken, or without memory. */
bool fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *data, uint32_t size);

#endif
